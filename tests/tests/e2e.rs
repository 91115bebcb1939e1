//! End to end: sample devices, the helper, real browsers.

use anyhow::{Result, ensure};
use housekey_tests::browser::{Account, Browser, Kind, Options};
use housekey_tests::home::Home;
use housekey_tests::lan::Lan;
use libtest_mimic::{Arguments, Trial};

fn main() -> Result<()> {
    let lan = Lan::enter()?;
    let mut arguments = Arguments::from_args();
    // Every test switches on the same home, at the same addresses.
    arguments.test_threads = Some(1);
    let mut trials = Vec::new();
    for kind in [Kind::Chromium, Kind::Firefox] {
        trials.push(Trial::test(
            format!("{kind}::without_housekey_warns"),
            move || run(without_housekey_warns(lan, kind)),
        ));
    }
    libtest_mimic::run(&arguments, trials).exit()
}

fn run(test: impl Future<Output = Result<()>>) -> Result<(), libtest_mimic::Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime
        .block_on(test)
        .map_err(|error| format!("{error:#}").into())
}

async fn without_housekey_warns(lan: Lan, kind: Kind) -> Result<()> {
    let home = Home::start(lan).await?;
    let account = Account::new(lan, &home.authorities)?;
    let browser = Browser::start(
        kind,
        &account,
        &Options {
            screenshots: Some("/tmp/shots".into()),
            ..Options::without_housekey()
        },
    )
    .await?;
    browser.go("https://192.168.1.20/").await?;
    let page = browser
        .until("an interstitial", |page| page.is_error())
        .await?;
    eprintln!("{page:?}");
    browser.screenshot("interstitial").await?;
    let record = home.hue.record();
    eprintln!("{record:?}");
    ensure!(
        record.application_bytes == 0,
        "a request reached an unverified device: {record:?}"
    );
    browser.go("https://public.example/").await?;
    let page = browser
        .until("the public page", |page| page.heading == "A public site")
        .await?;
    eprintln!("{page:?}");
    Ok(())
}
