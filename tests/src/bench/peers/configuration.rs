//! How each candidate is told to end TLS, and to speak verified TLS with the device.

use std::fs;

use anyhow::Result;

use super::{DEVICE, NAME, Site};

pub(super) fn nginx(site: &Site<'_>) -> Result<Vec<String>> {
    let Site {
        port, fresh_port, ..
    } = site;
    let (root, chain, key) = site.certificates();
    let tls = format!(
        "ssl_certificate {chain}; ssl_certificate_key {key}; ssl_protocols TLSv1.3;
        location / {{
            proxy_http_version 1.1; proxy_buffers 16 64k; proxy_buffer_size 64k;
            proxy_busy_buffers_size 512k; proxy_max_temp_file_size 0;
            proxy_ssl_protocols TLSv1.3; proxy_ssl_verify on;
            proxy_ssl_trusted_certificate {root}; proxy_ssl_name {NAME}; proxy_ssl_server_name on;"
    );
    let text = format!(
        "daemon off; user root root; worker_processes 1; 
        pid nginx.pid; error_log error.log;
        events {{ worker_connections 9000; }}
        http {{ access_log off; keepalive_requests 1000000; keepalive_timeout 600s;
        client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
        uwsgi_temp_path uwsgi; scgi_temp_path scgi;
        upstream device {{ server {DEVICE}; keepalive 64; keepalive_requests 1000000; }}
        server {{ listen 127.0.0.1:{port} ssl backlog=4096; {tls}
            proxy_set_header Connection \"\"; proxy_pass https://device; }} }}
        server {{ listen 127.0.0.1:{fresh_port} ssl backlog=4096; {tls}
            proxy_set_header Connection close; proxy_pass https://{DEVICE}; }} }}
        }}"
    );
    fs::write(site.directory.join("nginx.conf"), text)?;
    let place = site.directory.display().to_string();
    Ok(["-p", &place, "-c", "nginx.conf", "-e", "error.log"]
        .map(str::to_owned)
        .into())
}

pub(super) fn haproxy(site: &Site<'_>) -> Result<Vec<String>> {
    let Site {
        port, fresh_port, ..
    } = site;
    let (root, both) = (site.root.display(), site.both.display());
    let part = |name: &str, port: u16, reuse: &str| {
        format!(
            "listen {name}\n  bind 127.0.0.1:{port} ssl crt {both} ssl-min-ver TLSv1.3\n  \
             http-reuse {reuse}\n  server device {DEVICE} ssl verify required ca-file {root} \
             verifyhost {NAME} sni str({NAME}) ssl-min-ver TLSv1.3\n"
        )
    };
    let text = format!(
        "global\n  nbthread 1\n  maxconn 4000\n  tune.ssl.default-dh-param 2048\n\
         defaults\n  mode http\n  timeout connect 10s\n  timeout client 600s\n  timeout server 600s\n\
         {}{}",
        part("kept", *port, "always"),
        part("fresh", *fresh_port, "never"),
    );
    fs::write(site.directory.join("haproxy.cfg"), text)?;
    Ok(["-db", "-f", "haproxy.cfg"].map(str::to_owned).into())
}

pub(super) fn caddy(site: &Site<'_>) -> Result<Vec<String>> {
    let Site {
        port, fresh_port, ..
    } = site;
    let (root, chain, key) = site.certificates();
    let part = |port: u16, keepalive: &str| {
        format!(
            "https://{NAME}:{port} {{\n bind 127.0.0.1\n tls {chain} {key} {{\n protocols tls1.3\n}}\n\
             reverse_proxy https://{DEVICE} {{\n header_up Host {NAME}\n transport http {{\n \
             tls_trusted_ca_certs {root}\n tls_server_name {NAME}\n versions 1.1\n \
             compression off\n {keepalive}\n }}\n }}\n}}\n"
        )
    };
    let text = format!(
        "{{\n admin off\n auto_https disable_redirects\n \
         servers {{\n protocols h1\n }}\n}}\n{}{}",
        // Where anything is said about them, Go keeps two for each host unless told otherwise.
        part(
            *port,
            "keepalive_idle_conns 64\n keepalive_idle_conns_per_host 64"
        ),
        part(*fresh_port, "keepalive off"),
    );
    fs::write(site.directory.join("Caddyfile"), text)?;
    Ok(["run", "--config", "Caddyfile", "--adapter", "caddyfile"]
        .map(str::to_owned)
        .into())
}

/// What standing in between costs whoever looks at nothing.
pub(super) fn bytes_only(site: &Site<'_>) -> Result<Vec<String>> {
    let text = format!(
        "global\n  nbthread 1\n  maxconn 4000\n\
         defaults\n  mode tcp\n  timeout connect 10s\n  timeout client 600s\n  \
         timeout server 600s\n\
         listen all\n  bind 127.0.0.1:{}\n  server device {DEVICE}\n",
        site.port
    );
    fs::write(site.directory.join("haproxy.cfg"), text)?;
    Ok(["-db", "-f", "haproxy.cfg"].map(str::to_owned).into())
}

/// It ends TLS or begins it, so it takes two of its services, one behind the other.
pub(super) fn stunnel(site: &Site<'_>) -> Result<Vec<String>> {
    let (root, chain, key) = site.certificates();
    let mut text = String::from("foreground = yes\npid =\ndebug = 0\nsyslog = no\n");
    let (port, between) = (site.port, site.fresh_port);
    text.push_str(&format!(
        "[in]\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{between}\n\
         cert = {chain}\nkey = {key}\nsslVersionMin = TLSv1.3\n\
         [out]\nclient = yes\naccept = 127.0.0.1:{between}\nconnect = {DEVICE}\n\
         CAfile = {root}\nverifyChain = yes\ncheckHost = {NAME}\nsni = {NAME}\n\
         sslVersionMin = TLSv1.3\n"
    ));
    fs::write(site.directory.join("stunnel.conf"), text)?;
    Ok(vec!["stunnel.conf".to_owned()])
}

pub(super) fn mitmproxy(site: &Site<'_>) -> Result<Vec<String>> {
    let mut arguments = vec!["-q".to_owned()];
    let set =
        |name: &str, value: &dyn std::fmt::Display| ["--set".to_owned(), format!("{name}={value}")];
    arguments.extend(set("confdir", &site.directory.join("mitm").display()));
    arguments.extend(set("ssl_verify_upstream_trusted_ca", &site.root.display()));
    arguments.extend(set("tls_version_server_min", &"TLS1_3"));
    arguments.extend(set("listen_host", &"127.0.0.1"));
    arguments.extend(set("keep_host_header", &"true"));
    arguments.extend(["--certs".to_owned(), format!("*={}", site.both.display())]);
    // It listens at one port only, and never shares a connection to the device.
    arguments.extend(["--mode".to_owned(), format!("reverse:https://{NAME}:443")]);
    arguments.extend(["--listen-port".to_owned(), site.port.to_string()]);
    Ok(arguments)
}
