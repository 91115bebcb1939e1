//! What Housekey makes of each sample device.

use std::time::Duration;

use anyhow::{Result, ensure};

use housekey_tests::browser::Page;

use crate::scene::{Stage, ensure_handshakes_only, ensure_never_direct};

pub(crate) async fn each_is_told_for_what_it_is(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    let mut wrong = Vec::new();
    for (name, url, views, words) in EXPECTED {
        scene.browser.go(url).await?;
        // The browser's own error page may come first, for a moment.
        let decided = scene
            .browser
            .until_after(PATIENCE, name, Page::is_decided)
            .await;
        let page = decided?;
        let text = scene.browser.text("main").await?;
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        scene.note(&format!("{name}: {:?} {text:?}", page.view))?;
        scene.browser.screenshot(&format!("device-{name}")).await?;
        let view = page.view.as_deref().unwrap_or("none");
        if !views.contains(&view) {
            wrong.push(format!("{name}: the view is {view}, not one of {views:?}"));
        }
        for word in *words {
            if !text.contains(word) {
                wrong.push(format!("{name}: {word:?} is not in {text:?}"));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    for device in [
        &scene.home.router,
        &scene.home.printer,
        &scene.home.nas,
        &scene.home.v1,
    ] {
        ensure_handshakes_only(device)?;
    }
    Ok(())
}

/// What the browser itself accepts passes untouched: no question, no pin, its own certificate.
pub(crate) async fn a_device_that_is_already_fine_is_left_alone(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    let fine = scene
        .home
        .authorities
        .already_fine(&["nas.local", "192.168.1.40"])?;
    scene.home.nas.present(&fine)?;
    for url in ["https://nas.local/", "https://192.168.1.40/"] {
        scene.browser.go(url).await?;
        let page = scene.browser.until("the page or a question", |page| {
            page.heading == "Network storage" || page.is_decided()
        });
        let page = page.await?;
        ensure!(page.heading == "Network storage", "{url} shows {page:?}");
    }
    ensure!(
        !scene.has_pin("nas.local")? && !scene.has_pin("192.168.1.40")?,
        "it was pinned"
    );
    ensure_never_direct(&scene.home.nas)
}

/// A device may take twenty seconds for its part of a handshake before it counts as silent.
const PATIENCE: Duration = Duration::from_secs(60);

type Expected = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

/// Name, address, allowed views, and words that the page must hold.
const EXPECTED: &[Expected] = &[
    (
        "hue",
        "https://192.168.1.20/",
        &["first-connect"],
        &["Philips Hue", "5c5e"],
    ),
    (
        "router",
        "https://192.168.1.1/",
        &["first-connect"],
        &["Ubiquiti Inc."],
    ),
    (
        "printer",
        "https://192.168.1.30/",
        &["first-connect"],
        &["Bambu Lab"],
    ),
    (
        "nas",
        "https://192.168.1.40/",
        &["first-connect"],
        &["Synology Inc.", "Sample Trust"],
    ),
    (
        "v1",
        "https://192.168.1.50/",
        &["first-connect"],
        &["Buderus"],
    ),
    (
        "self-signed-ca",
        "https://192.168.1.51/",
        &["first-connect"],
        &["Shelly"],
    ),
    (
        "expired",
        "https://192.168.1.52/",
        &["expired", "refused"],
        &[],
    ),
    ("media", "https://192.168.1.60/", &["first-connect"], &[]),
    (
        "camera",
        "https://192.168.1.70/",
        &["first-connect"],
        &["Reolink"],
    ),
    (
        "garbage",
        "https://192.168.1.80/",
        &["failed", "refused"],
        &[],
    ),
    (
        "silent",
        "https://192.168.1.81/",
        &["failed", "refused"],
        &[],
    ),
    (
        "nobody",
        "https://192.168.1.21/",
        &["failed", "refused"],
        &[],
    ),
];
