//! A proxy that was there before: it goes on being used, or the person is told why not.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use housekey_tests::browser::{Account, Browser, Kind, Options, Page, artefact};
use housekey_tests::home::Home;
use housekey_tests::lan::Imposed;
use housekey_tests::proxy::Proxy;
use serde_json::json;
use thirtyfour::extensions::addons::firefox::FirefoxTools;
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

/// Where a company sets a browser's proxy, Housekey works beside that, or says that it cannot.
pub(crate) async fn a_policys_proxy_stays_in_charge(stage: Stage) -> Result<()> {
    let proxy = Proxy::start(stage.lan).await?;
    let home = Home::start(stage.lan).await?;
    let account = Account::new(stage.lan, &home.authorities)?;
    let _policy = policy(stage, proxy.port())?;
    // The control: so it is without Housekey.
    let alone = stage.browser(&account, Options::without_housekey()).await?;
    visit_public(&alone).await?;
    ensure_used(&proxy)?;
    drop(alone);

    account.install_housekey()?;
    let browser = stage.browser(&account, Options::with_housekey()).await?;
    browser.until_housekey_is_ready().await?;
    match stage.kind {
        Kind::Chromium => {
            visit_public(&browser).await?;
            is_told(&browser, "manages this browser").await?;
            ensure!(home.hue.record().application_bytes == 0);
        }
        Kind::Firefox => {
            let asked = proxy.asked().len();
            visit_public(&browser).await?;
            ensure!(proxy.asked().len() > asked, "it is not used any more");
            browser.go("https://192.168.1.20/").await?;
            let asks = |page: &Page| page.has_view("first-connect") && page.armed;
            browser.until("the question about a device", asks).await?;
            ensure_used(&proxy)?;
        }
    }
    Ok(())
}

/// A policy that sets this proxy for everything but the sample network and one other.
fn policy(stage: Stage, port: u16) -> Result<Imposed> {
    match stage.kind {
        Kind::Chromium => {
            let settings = json!({ "ProxySettings": {
                "ProxyMode": "fixed_servers",
                "ProxyServer": format!("127.0.0.1:{port}"),
                "ProxyBypassList": "8.8.4.0/24;192.168.0.0/16",
            } });
            let file = "policies/managed/proxy.json";
            let directory = Path::new("/etc/chromium");
            stage.lan.impose(directory, file, &settings.to_string())
        }
        Kind::Firefox => {
            let settings = json!({ "policies": { "Proxy": {
                "Mode": "manual",
                "Locked": true,
                "HTTPProxy": format!("127.0.0.1:{port}"),
                "UseHTTPProxyForAllProtocols": true,
                "Passthrough": "8.8.4.0/24",
            } } });
            let program = on_path("firefox-esr").or_else(|| on_path("firefox"));
            let program = fs::canonicalize(program.context("no Firefox")?)?;
            let directory = program.with_file_name("distribution");
            let file = "policies.json";
            stage.lan.impose(&directory, file, &settings.to_string())
        }
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut places = std::env::split_paths(&path).map(|place| place.join(program));
    places.find(|place| place.exists())
}

/// Firefox asks all extensions: who leads other sites goes on doing so, and who leads devices too
/// is told of.
pub(crate) async fn other_extensions_are_worked_beside_or_told_of(stage: Stage) -> Result<()> {
    let proxy = Proxy::start(stage.lan).await?;
    let home = Home::start(stage.lan).await?;
    let account = Account::new(stage.lan, &home.authorities)?;
    account.install_housekey()?;
    let browser = stage.browser(&account, Options::with_housekey()).await?;
    browser.until_housekey_is_ready().await?;
    let add = async |name: &str, leads: &str| -> Result<()> {
        let directory = account.directory().join(name);
        fs::create_dir(&directory)?;
        let manifest = json!({
            "manifest_version": 2, "name": name, "version": "1",
            "browser_specific_settings": { "gecko": { "id": format!("{name}@example.org") } },
            "permissions": ["proxy", "<all_urls>"],
            "background": { "scripts": ["background.js"] },
        });
        fs::write(directory.join("manifest.json"), manifest.to_string())?;
        let port = proxy.port();
        let script = format!(
            "const led = ({leads});\n\
             const proxy = {{ type: 'http', host: '127.0.0.1', port: {port} }};\n\
             browser.proxy.onRequest.addListener(\n\
               ({{ url }}) => led(new URL(url).hostname) ? proxy : {{ type: 'direct' }},\n\
               {{ urls: ['<all_urls>'] }});\n"
        );
        fs::write(directory.join("background.js"), script)?;
        let tools = FirefoxTools::new(browser.driver().handle().clone());
        let place = directory.display().to_string();
        tools.install_addon(&place, Some(true)).await?;
        Ok(())
    };

    add("modest", "(host) => host === 'public.example'").await?;
    visit_public(&browser).await?;
    browser.go("https://192.168.1.20/").await?;
    let asks = |page: &Page| page.has_view("first-connect") && page.armed;
    browser.until("the question about a device", asks).await?;
    ensure_used(&proxy)?;
    browser.click("#understood").await?;
    browser.click("#approve").await?;
    let there = |page: &Page| page.href == "https://192.168.1.20/" && !page.is_error();
    browser.until("the device's page", there).await?;
    // What a device's own worker answers goes no way at all, and nobody took it from Housekey.
    let worker = "await navigator.serviceWorker.register('/keeper.js');
        await navigator.serviceWorker.ready; return true;";
    ensure!(browser.eval_as_page(worker).await? == true);
    browser.go("https://192.168.1.20/kept").await?;
    let is_kept = |page: &Page| page.heading == "A page that was kept";
    browser.until("the worker's page", is_kept).await?;
    ensure!(!says_it_is_led(&browser).await?, "nobody leads devices");

    add("greedy", "(host) => host !== '8.8.4.4'").await?;
    is_told_at(&browser, "https://192.168.1.1/", "Another extension").await?;
    ensure!(proxy.was_asked_for("192.168.1.1"), "{:?}", proxy.asked());
    ensure!(home.router.record().application_bytes == 0);
    ensure!(says_it_is_led(&browser).await?, "the checkup does not say");
    Ok(())
}

/// Whether the checkup says that another extension decides.
async fn says_it_is_led(browser: &Browser) -> Result<bool> {
    let page = browser.extension_page("pages/options/options.html#checkup")?;
    browser.go(&page).await?;
    let shown = "return document.querySelector('.checkup-links') !== null";
    browser.until_script("the checkup", shown).await?;
    let text = browser.text("#checkup").await?;
    Ok(text.contains("Another extension decides"))
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
    is_told_at(browser, "https://192.168.1.20/", who).await
}

async fn is_told_at(browser: &Browser, url: &str, who: &str) -> Result<()> {
    browser.go(url).await?;
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
