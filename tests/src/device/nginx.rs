//! A device behind nginx, as many are.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use tokio::net::TcpStream;

use super::host;
use crate::pki::Identity;

/// nginx with one page, in a directory of its own. It stops when dropped.
pub struct Nginx {
    address: SocketAddr,
    directory: TempDir,
    process: Child,
}

impl Nginx {
    /// Starts nginx at this address, whose port must be free.
    pub async fn start(address: SocketAddr, name: &str, identity: &Identity) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let prefix = directory.path();
        fs::create_dir(prefix.join("html"))?;
        fs::create_dir(prefix.join("temp"))?;
        fs::write(
            prefix.join("html/index.html"),
            super::http::page(name, "<p>Behind nginx.</p>"),
        )?;
        fs::write(prefix.join("chain.pem"), identity.chain_pem())?;
        fs::write(prefix.join("key.pem"), identity.key_pem())?;
        fs::write(prefix.join("nginx.conf"), configuration(address))?;
        let process = Command::new(program())
            .arg("-p")
            .arg(prefix)
            .args(["-c", "nginx.conf", "-e", "error.log"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start nginx (package nginx-light)")?;
        let mut nginx = Self {
            address,
            directory,
            process,
        };
        nginx.until_it_listens().await?;
        Ok(nginx)
    }

    /// The address of its page.
    pub fn url(&self) -> String {
        match self.address.port() {
            443 => format!("https://{}/", host(self.address)),
            _ => format!("https://{}/", self.address),
        }
    }

    /// The requests it logged: protocol, method and path.
    pub fn requests(&self) -> Vec<String> {
        let log = fs::read_to_string(self.directory.path().join("access.log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    async fn until_it_listens(&mut self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(self.address).await.is_err() {
            let log = || fs::read_to_string(self.directory.path().join("error.log"));
            let running = self.process.try_wait()?.is_none();
            ensure!(running, "nginx ended: {}", log().unwrap_or_default());
            ensure!(
                Instant::now() < deadline,
                "nginx does not listen on {}",
                self.address
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Either call fails only if it has already ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn configuration(address: SocketAddr) -> String {
    format!(
        // The default user does not exist in a user namespace.
        r#"daemon off;
user root root;
master_process off;
pid nginx.pid;
error_log error.log;
events {{ worker_connections 64; }}
http {{
    log_format short '$server_protocol $request_method $request_uri';
    access_log access.log short;
    client_body_temp_path temp/body;
    proxy_temp_path temp/proxy;
    fastcgi_temp_path temp/fastcgi;
    uwsgi_temp_path temp/uwsgi;
    scgi_temp_path temp/scgi;
    types {{ text/html html; }}
    default_type text/html;
    server {{
        listen {address} ssl http2;
        ssl_certificate chain.pem;
        ssl_certificate_key key.pem;
        root html;
        location = /icon {{ return 204; }}
    }}
}}
"#
    )
}

fn program() -> PathBuf {
    let debian = Path::new("/usr/sbin/nginx");
    if debian.exists() {
        debian.to_owned()
    } else {
        "nginx".into()
    }
}
