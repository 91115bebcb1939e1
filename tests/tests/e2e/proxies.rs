//! A proxy that was there before: it goes on being used, or the person is told why not.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use housekey_tests::browser::{Account, Browser, Kind, Options, Page, artefact};
use housekey_tests::home::Home;
use housekey_tests::proxy::Proxy;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::scene::Stage;

/// What a company's network settings look like: a proxy for everything but one network.
pub(crate) fn set_proxy(account: &mut Account, kind: Kind, port: u16) -> Result<()> {
    match kind {
        Kind::Chromium => set_kde(
            account,
            &format!(
                "ProxyType=1\nhttpProxy=http://127.0.0.1 {port}\n\
                 httpsProxy=http://127.0.0.1 {port}\nNoProxyFor=8.8.4.0/24,intranet.example\n"
            ),
        ),
        Kind::Firefox => {
            let preferences = format!(
                "user_pref(\"network.proxy.type\", 1);\n\
                 user_pref(\"network.proxy.http\", \"127.0.0.1\");\n\
                 user_pref(\"network.proxy.http_port\", {port});\n\
                 user_pref(\"network.proxy.ssl\", \"127.0.0.1\");\n\
                 user_pref(\"network.proxy.ssl_port\", {port});\n\
                 user_pref(\"network.proxy.no_proxies_on\", \"8.8.4.0/24\");\n"
            );
            Ok(fs::write(
                account.firefox_profile().join("user.js"),
                preferences,
            )?)
        }
    }
}

fn set_kde(account: &mut Account, settings: &str) -> Result<()> {
    account.set("XDG_CURRENT_DESKTOP", "KDE");
    account.set("KDE_SESSION_VERSION", "6");
    let directory = account.directory().join(".config");
    fs::create_dir_all(&directory)?;
    let settings = format!("[Proxy Settings]\n{settings}");
    Ok(fs::write(directory.join("kioslaverc"), settings)?)
}

/// Visits sites that are no devices.
pub(crate) async fn visit_public(browser: &Browser) -> Result<()> {
    for url in ["https://public.example/", "http://8.8.4.4/"] {
        browser.go(url).await?;
        let is_there = |page: &Page| page.heading == "A public site";
        browser.until(url, is_there).await?;
    }
    Ok(())
}

fn ensure_used(proxy: &Proxy) -> Result<()> {
    let asked = proxy.asked();
    ensure!(proxy.was_asked_for("public.example"), "{asked:?}");
    // What goes past it, goes past it.
    ensure!(!proxy.was_asked_for("8.8.4.4"), "{asked:?}");
    ensure!(!proxy.was_asked_for("192.168.1.20"), "{asked:?}");
    Ok(())
}

pub(crate) async fn a_proxy_that_was_there_is_used_as_before(stage: Stage) -> Result<()> {
    let proxy = Proxy::start(stage.lan).await?;
    let home = Home::start(stage.lan).await?;
    let mut account = Account::new(stage.lan, &home.authorities)?;
    set_proxy(&mut account, stage.kind, proxy.port())?;
    // The control: so it is without Housekey.
    let alone = stage.browser(&account, Options::without_housekey()).await?;
    visit_public(&alone).await?;
    ensure_used(&proxy)?;
    drop(alone);

    let proxy = Proxy::start(stage.lan).await?;
    set_proxy(&mut account, stage.kind, proxy.port())?;
    account.install_housekey()?;
    let browser = stage.browser(&account, Options::with_housekey()).await?;
    browser.until_housekey_is_ready().await?;
    browser.go("https://192.168.1.20/").await?;
    let asks = |page: &Page| page.has_view("first-connect") && page.armed;
    browser.until("the question about a device", asks).await?;
    visit_public(&browser).await?;
    ensure_used(&proxy)
}

/// Settings that no script can repeat stay in charge, and the person is told of it.
pub(crate) async fn a_script_that_was_there_stays_in_charge(stage: Stage) -> Result<()> {
    let proxy = Proxy::start(stage.lan).await?;
    let home = Home::start(stage.lan).await?;
    let mut account = Account::new(stage.lan, &home.authorities)?;
    let script = format!(
        "function FindProxyForURL(url, host) {{ return host === 'public.example' ? \
         'PROXY 127.0.0.1:{}' : 'DIRECT'; }}",
        proxy.port()
    );
    let (port, serving) = serve(script).await?;
    let settings = format!("ProxyType=2\nProxy Config Script=http://127.0.0.1:{port}/proxy.pac\n");
    set_kde(&mut account, &settings)?;
    account.install_housekey()?;
    let browser = stage.browser(&account, Options::with_housekey()).await?;
    browser.until_housekey_is_ready().await?;
    browser.screenshot("options").await?;
    let told = browser.text("#status").await?;
    ensure!(told.contains("proxy script"), "{told}");
    visit_public(&browser).await?;
    ensure_used(&proxy)?;
    is_told(&browser, "proxy script").await?;
    ensure!(home.hue.record().application_bytes == 0);
    serving.abort();
    Ok(())
}

/// Another extension that has the proxy settings keeps them, and the person is told of it.
pub(crate) async fn another_extensions_proxy_is_told_of(stage: Stage) -> Result<()> {
    let proxy = Proxy::start(stage.lan).await?;
    let home = Home::start(stage.lan).await?;
    let account = Account::new(stage.lan, &home.authorities)?;
    account.install_housekey()?;
    let other = account.directory().join("other");
    fs::create_dir(&other)?;
    fs::write(other.join("manifest.json"), OTHER_EXTENSION)?;
    let set = format!(
        "chrome.proxy.settings.set({{ value: {{ mode: 'fixed_servers', rules: {{ \
         singleProxy: {{ host: '127.0.0.1', port: {} }}, bypassList: ['8.8.4.4', '192.168.1.20'] }} }} }});",
        proxy.port()
    );
    fs::write(other.join("background.js"), set)?;
    let housekey = artefact("HOUSEKEY_DIST", "dist")?.join("chrome");
    // Of two, the one that came last has the settings.
    let both = format!("{},{}", housekey.display(), other.display());
    let options = Options {
        unpacked: Some(PathBuf::from(both)),
        ..Options::with_housekey()
    };
    let browser = stage.browser(&account, options).await?;
    browser.until_housekey_is_ready().await?;
    visit_public(&browser).await?;
    ensure_used(&proxy)?;
    is_told(&browser, "Another extension").await?;
    ensure!(home.hue.record().application_bytes == 0);
    Ok(())
}

/// Gives everybody who asks this script.
async fn serve(script: String) -> Result<(u16, JoinHandle<()>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-ns-proxy-autoconfig\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{script}",
        script.len()
    );
    let serving = tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut request = [0; 4_096];
            // Whoever leaves early gets nothing.
            if client.read(&mut request).await.is_ok() {
                let _ = client.write_all(answer.as_bytes()).await;
            }
        }
    });
    Ok((port, serving))
}

/// A device's page says who leads the traffic.
async fn is_told(browser: &Browser, who: &str) -> Result<()> {
    browser.go("https://192.168.1.20/").await?;
    let told = |page: &Page| page.has_view("proxy-taken") && page.armed;
    browser.until("who leads the traffic", told).await?;
    browser.screenshot("told").await?;
    let lead = browser.text(".lead").await?;
    ensure!(lead.contains(who), "{lead}");
    Ok(())
}

const OTHER_EXTENSION: &str = r#"{
    "manifest_version": 3, "name": "Another", "version": "1",
    "permissions": ["proxy"], "background": { "service_worker": "background.js" }
}"#;
