//! The demo: a small home, a browser with Housekey in it, and a walk through both.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser;
use housekey_tests::browser::{Account, Browser, Extension, Kind, Options};
use housekey_tests::home::{Home, impostor, router};
use housekey_tests::lan::Lan;
use housekey_tests::pki::Key;
use housekey_tests::walk::{self, Step};

/// Walk through Housekey in a home network that exists in this program only.
#[derive(Parser)]
#[command(name = "demo")]
struct Arguments {
    /// Which browser
    #[arg(long, value_enum, default_value = "firefox")]
    browser: Kind,
    /// Walk alone, without a window
    #[arg(long)]
    headless: bool,
    /// Where screenshots and transcript.json go
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let lan = Lan::enter()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        if arguments.headless {
            walk_alone(lan, &arguments).await
        } else {
            let closed = let_walk(lan, &arguments).await;
            closed.map(|()| ExitCode::SUCCESS)
        }
    })
}

/// Every step by itself, with its evidence.
async fn walk_alone(lan: Lan, arguments: &Arguments) -> Result<ExitCode> {
    let home = Home::start(lan).await?;
    let account = Account::new(lan, &home.authorities)?;
    account.install_housekey()?;
    account.add_makers()?;
    let screenshots = arguments.out.clone();
    let options = Options {
        screenshots,
        ..Options::with_housekey()
    };
    let browser = Browser::start(arguments.browser, &account, &options).await?;
    let steps = walk::walk(&home, &account, &browser).await?;
    for Step {
        step,
        ok,
        detail,
        millis,
    } in &steps
    {
        let mark = if *ok { "ok    " } else { "FAILED" };
        println!("{mark} {step:<24} {millis:>6} ms  {detail}");
    }
    if let Some(directory) = &arguments.out {
        let transcript = serde_json::to_string_pretty(&steps)?;
        fs::write(directory.join("transcript.json"), transcript + "\n")?;
    }
    let all_held = steps.iter().all(|step| step.ok);
    Ok(if all_held {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A browser on the screen, for a person to walk in until it is closed.
async fn let_walk(lan: Lan, arguments: &Arguments) -> Result<()> {
    let mut home = Home::start(lan).await?;
    let account = Account::new(lan, &home.authorities)?.visible();
    account.install_housekey()?;
    account.add_makers()?;
    let screenshots = arguments.out.clone();
    let options = Options {
        extension: Extension::Loaded,
        headless: false,
        unpacked: None,
        screenshots,
    };
    let browser = Browser::start(arguments.browser, &account, &options)
        .await
        .context("is there a screen? `--headless` needs none")?;
    browser.go(&home.start.url()).await?;
    println!("The browser shows a small home. Close it to end the demo.");
    while !browser.is_closed().await {
        let button = tokio::time::timeout(Duration::from_millis(500), home.buttons.recv()).await;
        if let Ok(Some(button)) = button {
            press(&home, &button)?;
        }
    }
    Ok(())
}

/// What the buttons of the start page do to the devices.
fn press(home: &Home, button: &str) -> Result<()> {
    match button {
        "hue-impostor" => home.hue.present(&impostor(Key::generate()?)?)?,
        "hue-new-key" => home
            .hue
            .present(&home.authorities.hue_bridge(Key::generate()?)?)?,
        "router-new-key" => home.router.present(&router(Key::generate()?)?)?,
        _ => (),
    }
    home.hue.disconnect();
    home.router.disconnect();
    Ok(())
}
