//! Installing, living with it in both browsers, and taking it out again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use housekey_tests::browser::{Account, Browser, Kind, Options, Page};
use housekey_tests::home::Home;
use housekey_tests::lan::Lan;
use serde_json::Value;

use crate::scene::{Stage, ensure_handshakes_only};

/// Install, everything in order, a device in each browser, uninstall: the home is as before.
pub(crate) async fn uninstalling_leaves_nothing(lan: Lan) -> Result<()> {
    let home = Home::start(lan).await?;
    let account = Account::new(lan, &home.authorities)?;
    let before = State::of(&account)?;
    ensure!(!found(&account)?.is_good, "nothing is installed yet");

    account.install_housekey()?;
    account.add_makers()?;
    let installed = State::of(&account)?;
    ensure!(
        installed.files.len() > before.files.len(),
        "nothing was installed"
    );
    for kind in [Kind::Chromium, Kind::Firefox] {
        let roots = |state: &State| state.roots.iter().filter(|(k, ..)| *k == kind).count();
        ensure!(
            roots(&installed) > roots(&before),
            "{kind} does not trust the authority"
        );
    }
    // Twice is as good as once.
    account.install_housekey()?;
    ensure!(
        State::of(&account)? == installed,
        "installing again changed something"
    );
    let doctor = found(&account)?;
    ensure!(doctor.is_good, "{doctor:#?}");
    ensure!(doctor.has("connection_good"), "{doctor:#?}");
    ensure!(doctor.has("gateway_none"), "{doctor:#?}");

    let first = live_with_it(lan, &account, Kind::Chromium, "192.168.1.20").await?;
    first.quit().await?;
    let second = live_with_it(lan, &account, Kind::Firefox, "192.168.1.1").await?;
    live_without_a_browser(&account, &home)?;
    let pins = account.housekey(["pins", "list", "--json"])?;
    for host in ["192.168.1.20", "192.168.1.1", "192.168.1.30"] {
        ensure!(pins.contains(host), "{host} is not trusted: {pins}");
    }

    // While a browser and its helper are at work, which must not bring anything back.
    let said = account.housekey(["uninstall", "--yes"])?;
    ensure!(said.contains("a helper is still at work"), "{said}");
    let after = State::of(&account)?;
    ensure!(after == before, "{:#?}", after.difference(&before));
    second.quit().await?;
    let after = State::of(&account)?;
    ensure!(after == before, "{:#?}", after.difference(&before));
    // Twice is as good as once here, too.
    account.housekey(["uninstall", "--yes"])?;
    Ok(())
}

/// Opens a device in a browser, and has everything checked on the terminal and on the options page.
async fn live_with_it(lan: Lan, account: &Account, kind: Kind, host: &str) -> Result<Browser> {
    let stage = Stage::new(lan, kind, "install");
    let browser = stage.browser(account, Options::with_housekey()).await?;
    browser.until_housekey_is_ready().await?;
    let doctor = found(account)?;
    ensure!(doctor.is_good, "with {kind}: {doctor:#?}");
    ensure!(doctor.has("gateway_good"), "with {kind}: {doctor:#?}");

    let url = format!("https://{host}/");
    browser.go(&url).await?;
    let asks = |page: &Page| page.has_view("first-connect") && page.armed;
    browser.until("the question", asks).await?;
    let unverified = "return document.querySelector('#understood') !== null";
    if browser.eval(unverified).await? == true {
        browser.click("#understood").await?;
    }
    browser.click("#approve").await?;
    let there = |page: &Page| page.href == url && !page.is_error();
    browser.until("the device's page", there).await?;

    all_is_well_on_the_options_page(&browser).await?;
    Ok(browser)
}

/// Opens the printer with curl: refused at first, trusted by the number on its label, then there.
fn live_without_a_browser(account: &Account, home: &Home) -> Result<()> {
    let curl = |script: &str| account.try_housekey(["gateway", "--", "sh", "-c", script]);
    let by_environment = "exec curl --silent --show-error https://192.168.1.30/";
    let refused = curl(by_environment)?;
    let said = String::from_utf8_lossy(&refused.stderr);
    ensure!(said.contains("housekey trust 192.168.1.30"), "{said}");
    ensure!(!refused.status.success() && refused.stdout.is_empty());
    ensure_handshakes_only(&home.printer)?;

    let label = "00M09A123456789";
    account.housekey(["trust", "192.168.1.30", "--fingerprint", label])?;
    // In curl's own words, with nothing around it that would do without them.
    let by_options = "proxy=$HTTPS_PROXY authority=$CURL_CA_BUNDLE
        unset https_proxy HTTPS_PROXY no_proxy NO_PROXY CURL_CA_BUNDLE SSL_CERT_FILE
        exec curl --silent --show-error --proxy \"$proxy\" --cacert \"$authority\" \\
            https://192.168.1.30/";
    for script in [by_environment, by_options] {
        let opened = curl(script)?;
        let page = String::from_utf8_lossy(&opened.stdout);
        ensure!(opened.status.success(), "{opened:?}");
        ensure!(page.contains("Printing: a spare part"), "{opened:?}");
    }
    Ok(())
}

async fn all_is_well_on_the_options_page(browser: &Browser) -> Result<()> {
    let page = browser.extension_page("pages/options/options.html#checkup")?;
    browser.go(&page).await?;
    let shown = "return document.querySelector('.checkup-links') !== null";
    browser.until_script("the checkup", shown).await?;
    browser.screenshot("checkup").await?;
    let count = |css: &str| {
        let script = format!("return document.querySelectorAll('{css}').length");
        async move { browser.eval(&script).await }
    };
    let (bad, good) = (count(".check-bad").await?, count(".check-good").await?);
    let text = browser.text("#checkup").await?;
    ensure!(
        bad == 0 && good.as_u64() >= Some(10),
        "the options page says:\n{text}"
    );
    // What a terminal cannot know.
    for wanted in ["This browser sends", "The extension in this browser"] {
        ensure!(text.contains(wanted), "no {wanted:?} in\n{text}");
    }
    Ok(())
}

/// What `housekey doctor` found.
#[derive(Debug)]
struct Doctor {
    is_good: bool,
    /// Code and words of each check.
    checks: Vec<(String, String)>,
}

impl Doctor {
    fn has(&self, code: &str) -> bool {
        self.checks.iter().any(|(it, _)| it == code)
    }
}

fn found(account: &Account) -> Result<Doctor> {
    let output = account.try_housekey(["doctor", "--json"])?;
    let found: Value = serde_json::from_slice(&output.stdout)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let checks = found["checks"].as_array().context("no checks")?.iter();
    Ok(Doctor {
        is_good: found["ok"] == true,
        checks: checks
            .map(|check| (text(&check["code"]), text(&check["detail"])))
            .collect(),
    })
}

/// What an installation may touch: every file outside of what is the browsers' own, byte by byte,
/// every directory of them, the manifests in there, and what the browsers' stores hold, byte by
/// byte, with its trust.
#[derive(Debug, PartialEq, Eq)]
struct State {
    files: BTreeMap<PathBuf, Vec<u8>>,
    /// Of each root its store, its line in the store's list, and itself.
    roots: BTreeSet<(Kind, String, String)>,
}

impl State {
    fn of(account: &Account) -> Result<Self> {
        let mut files = BTreeMap::new();
        collect(account.directory(), account.directory(), &mut files)?;
        let mut roots = BTreeSet::new();
        for kind in [Kind::Chromium, Kind::Firefox] {
            for line in account.trusted(kind)? {
                let root = match line.rsplit_once(' ') {
                    // The list begins with two lines about itself.
                    Some((name, trust)) if !name.trim().is_empty() && trust.contains(',') => {
                        account.certificate(kind, name.trim())?
                    }
                    _ => String::new(),
                };
                roots.insert((kind, line, root));
            }
        }
        Ok(Self { files, roots })
    }

    fn difference<'a>(&'a self, other: &'a Self) -> impl std::fmt::Debug + 'a {
        let changed = |path: &&PathBuf| self.files.get(*path) != other.files.get(*path);
        let all: BTreeSet<_> = self.files.keys().chain(other.files.keys()).collect();
        let files: Vec<_> = all.into_iter().filter(changed).collect();
        let roots = self.roots.symmetric_difference(&other.roots);
        let roots: Vec<_> = roots.map(|(kind, line, _)| (kind, line)).collect();
        (files, roots)
    }
}

fn collect(home: &Path, directory: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) -> Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let relative = path.strip_prefix(home)?.to_path_buf();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_own = OF_BROWSERS.iter().any(|own| relative.starts_with(own));
        if path.is_dir() {
            collect(home, &path, files)?;
            if !is_own {
                files.insert(relative, Vec::new());
            }
        } else if !is_own && !name.ends_with(".log") {
            // Of a database, what it holds counts, and that is read by its own tool.
            let is_database = path.with_file_name("cert9.db").exists();
            let bytes = if is_database {
                Vec::new()
            } else {
                std::fs::read(&path)?
            };
            files.insert(relative, bytes);
        } else if name.contains("housekey") {
            files.insert(relative, Vec::new());
        }
    }
    Ok(())
}

/// What browsers write when they run, whatever is installed.
const OF_BROWSERS: [&str; 6] = [
    "firefox",
    "chromium",
    ".cache",
    ".config",
    "tmp",
    "Downloads",
];
