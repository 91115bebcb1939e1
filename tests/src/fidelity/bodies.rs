//! Bodies that are longer than a 32-bit number can say, up and down, byte by byte.

use std::fmt::Write as _;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use data_encoding::HEXLOWER;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::{Report, Ways};
use crate::bench::Client;

type Connection = TlsStream<BufReader<TcpStream>>;

/// Downloads and uploads so many bytes in both ways, and compares what arrived.
pub(super) async fn run(ways: &Ways<'_>, length: u64) -> Result<Report> {
    let mut report = Report {
        text: String::new(),
        json: json!({"bytes": length}),
        same: true,
    };
    let expected = tokio::task::spawn_blocking(move || digest(length)).await?;
    for way in ["direct", "gateway"] {
        for (direction, method) in [("down", "GET"), ("up", "POST")] {
            let client = Client::full()?;
            let socket = match way {
                "direct" => TcpStream::connect(ways.device).await?,
                _ => ways.proxy.tunnel(ways.device).await?,
            };
            let connection = client.over(socket).await?;
            let start = Instant::now();
            let arrived = if method == "GET" {
                download(connection, length).await
            } else {
                upload(connection, length).await
            };
            let arrived = arrived.with_context(|| format!("{direction}, {way}"))?;
            ensure!(arrived == expected, "{direction}, {way}: other bytes");
            let rate = length as f64 / 1e9 / start.elapsed().as_secs_f64();
            report.json[way][direction] = json!({"gb_per_s": rate, "sha256": arrived});
            writeln!(
                report.text,
                "{length} bytes {direction}, {way}: whole, {rate:.2} GB/s with the hash"
            )?;
        }
    }
    Ok(report)
}

async fn download(mut connection: Connection, length: u64) -> Result<String> {
    let request =
        format!("GET /bytes?{length} HTTP/1.1\r\nHost: device\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    connection.flush().await?;
    let head = head(&mut connection).await?;
    ensure!(head.contains("content-length"), "no length: {head}");
    let mut hash = Sha256::new();
    let mut buffer = vec![0; PIECE];
    let mut left = length;
    while left > 0 {
        let read = connection.read(&mut buffer).await?;
        ensure!(read > 0, "{left} bytes are missing");
        hash.update(&buffer[..read]);
        left = left.checked_sub(read as u64).context("too many bytes")?;
    }
    ensure!(connection.read(&mut buffer).await? == 0, "too many bytes");
    Ok(HEXLOWER.encode(&hash.finalize()))
}

async fn upload(mut connection: Connection, length: u64) -> Result<String> {
    let request = format!(
        "POST /digest HTTP/1.1\r\nHost: device\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    );
    connection.write_all(request.as_bytes()).await?;
    let piece = crate::device::pattern(0..PIECE);
    let mut left = length;
    while left > 0 {
        let part = usize::try_from(left.min(PIECE as u64))?;
        connection.write_all(&piece[..part]).await?;
        left -= part as u64;
    }
    connection.flush().await?;
    head(&mut connection).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    let digest = answer.trim().strip_prefix(&format!("{length} "));
    Ok(digest.with_context(|| answer.clone())?.to_owned())
}

/// An answer's head, which says that all is well.
async fn head(connection: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await?);
    }
    let head = String::from_utf8(head)?.to_ascii_lowercase();
    ensure!(head.starts_with("http/1.1 200"), "{head}");
    Ok(head)
}

/// Of the pattern that the device sends and is sent, piece after piece the same.
fn digest(length: u64) -> String {
    let piece = crate::device::pattern(0..PIECE);
    let mut hash = Sha256::new();
    let mut left = length;
    while left > 0 {
        let part = usize::try_from(left.min(PIECE as u64)).unwrap_or(PIECE);
        hash.update(&piece[..part]);
        left -= part as u64;
    }
    HEXLOWER.encode(&hash.finalize())
}

/// The pattern has its period in it, so that it goes on from one to the next.
const PIECE: usize = 7 * 251 * 64;
