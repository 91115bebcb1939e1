//! Endpoints that use what HTTP has to offer: ranges, trailers, framed messages, large bodies.

use std::convert::Infallible;
use std::ops::Range;

use data_encoding::HEXLOWER;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Channel, Full};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use sha2::{Digest as _, Sha256};

use super::Shared;
use super::record::RequestHead;

type Body = BoxBody<Bytes, Infallible>;

/// What stands in every large body at these places.
pub fn pattern(places: Range<usize>) -> Vec<u8> {
    // Of no period that a buffer could have.
    places.map(|place| (place * 31 / 7 % 251) as u8).collect()
}

/// So many bytes of the [`pattern`], in pieces; `told` how many, or not.
pub(super) fn bytes(shared: &Shared, count: &str, told: bool) -> Response<Body> {
    let count = count.parse().unwrap_or(0);
    let (mut sender, body) = Channel::new(4);
    let task = tokio::spawn(async move {
        // The pattern begins anew with each piece.
        let piece = Bytes::from(pattern(0..PIECE));
        for start in (0..count).step_by(PIECE) {
            let piece = piece.slice(..PIECE.min(count - start));
            if sender.send_data(piece).await.is_err() {
                return;
            }
        }
    });
    shared.keep(task.abort_handle());
    let mut response = Response::new(body.boxed());
    if told {
        let length = HeaderValue::from(count);
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, length);
    }
    response
}

/// How long a body is and its SHA-256, whatever comes and however.
pub(super) async fn digest(mut body: Incoming) -> Response<Body> {
    let (mut hash, mut length) = (Sha256::new(), 0);
    while let Some(Ok(frame)) = body.frame().await {
        if let Some(data) = frame.data_ref() {
            hash.update(data);
            length += data.len();
        }
    }
    let text = format!("{length} {}\n", HEXLOWER.encode(&hash.finalize()));
    Response::new(Full::new(text.into()).boxed())
}

/// A file of which one range may be asked for (RFC 9110 section 14).
pub(super) fn file(head: &RequestHead) -> Response<Body> {
    let range = head
        .header("range")
        .and_then(|range| range.strip_prefix("bytes="));
    let (status, places) = match range.map(|range| places(range).filter(|it| it.start < FILE)) {
        None => (StatusCode::OK, 0..FILE),
        Some(Some(places)) => (StatusCode::PARTIAL_CONTENT, places),
        Some(None) => (StatusCode::RANGE_NOT_SATISFIABLE, 0..0),
    };
    let said = match status {
        StatusCode::PARTIAL_CONTENT => {
            Some(format!("bytes {}-{}/{FILE}", places.start, places.end - 1))
        }
        StatusCode::RANGE_NOT_SATISFIABLE => Some(format!("bytes */{FILE}")),
        _ => None,
    };
    let mut response = Response::new(Full::new(pattern(places).into()).boxed());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(said) = said.and_then(|said| HeaderValue::try_from(said).ok()) {
        headers.insert(header::CONTENT_RANGE, said);
    }
    response
}

fn places(range: &str) -> Option<Range<usize>> {
    let (first, last) = range.split_once('-')?;
    Some(match (first.parse(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) if first <= last => first..FILE.min(last + 1),
        (Ok(first), Err(_)) => first..FILE,
        (Err(_), Ok(count)) => FILE.saturating_sub(count)..FILE,
        _ => return None,
    })
}

/// Sends a body back in pieces, and its trailers behind it.
pub(super) async fn trailers(shared: &Shared, body: Incoming) -> Response<Body> {
    let Ok(body) = body.collect().await else {
        return Response::new(Full::default().boxed());
    };
    let mut trailers = HeaderMap::new();
    for (name, value) in body.trailers().into_iter().flatten() {
        trailers.insert(name.clone(), value.clone());
    }
    let length = body.to_bytes();
    trailers.insert(LENGTH, HeaderValue::from(length.len()));
    let (mut sender, answer) = Channel::new(4);
    let task = tokio::spawn(async move {
        for piece in length.chunks(7) {
            if sender.send_data(piece.to_vec().into()).await.is_err() {
                return;
            }
        }
        // Whoever has gone by then does not want them.
        let _ = sender.send_trailers(trailers).await;
    });
    shared.keep(task.abort_handle());
    let mut response = Response::new(answer.boxed());
    // HTTP/1.1 sends those only that are announced.
    let announced = HeaderValue::from_static("x-length, x-checksum");
    response.headers_mut().insert(header::TRAILER, announced);
    response
}

/// gRPC-web: each message comes back so many times, and then the trailers in a frame of their own
/// (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md>).
pub(super) async fn grpc(shared: &Shared, times: &str, mut body: Incoming) -> Response<Body> {
    let times = times.parse().unwrap_or(1);
    let mut message = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        message.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
    }
    let (mut sender, answer) = Channel::new(1);
    let task = tokio::spawn(async move {
        for _ in 0..times {
            let frame = Frame::data(message.clone().into());
            if sender.send(frame).await.is_err() {
                return;
            }
        }
        let trailers = b"grpc-status:0\r\ngrpc-message:done\r\n";
        let length = u32::try_from(trailers.len()).expect("short");
        let frame = [&[0x80][..], &length.to_be_bytes(), trailers].concat();
        let _ = sender.send_data(frame.into()).await;
    });
    shared.keep(task.abort_handle());
    let mut response = Response::new(answer.boxed());
    let kind = HeaderValue::from_static("application/grpc-web+proto");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

const FILE: usize = 100_000;
const LENGTH: HeaderName = HeaderName::from_static("x-length");
/// A multiple of the pattern's period.
const PIECE: usize = 7 * 251 * 37;
