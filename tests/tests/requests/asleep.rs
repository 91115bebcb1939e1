//! A computer that sleeps and wakes up: for the helper, that is a pause in which others go on.

use std::future::poll_fn;
use std::task::Poll;

use anyhow::{Context as _, Result, ensure};
use housekey_tests::device::{Device, Model, pattern};
use housekey_tests::home::{HUE, router};
use housekey_tests::lan::Lan;
use housekey_tests::pki::Key;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::extension::{Extension, within};

pub(crate) async fn what_was_under_way_goes_on(lan: Lan) -> Result<()> {
    let mut extension = Extension::start(lan)?;
    let lamp = Model::new("Lamp", router(Key::generate()?)?);
    let _lamp = Device::start(HUE.parse()?, lamp).await?;
    extension.approve(HUE, "first").await?;
    let mut browser = extension.browse(HUE, true).await?;
    // More than all buffers between the two hold, so that it sleeps in the middle of it.
    let length = 30_000_000;
    let request = format!("GET /bytes?{length} HTTP/1.1\r\nhost: 192.168.1.20\r\n\r\n");
    browser.write_all(request.as_bytes()).await?;
    let mut answer = vec![0; 1_000_000];
    within(browser.read_exact(&mut answer)).await??;

    extension.pause()?;
    // Someone who comes meanwhile waits for it, and nobody else.
    let mut late = Box::pin(extension.browse(HUE, true));
    let waits = poll_fn(|cx| Poll::Ready(late.as_mut().poll(cx).is_pending()));
    ensure!(waits.await, "it does not sleep");
    extension.resume()?;

    let head = answer.windows(4).position(|it| it == b"\r\n\r\n");
    answer.drain(..head.context("no head")? + 4);
    let mut rest = vec![0; length - answer.len()];
    within(browser.read_exact(&mut rest)).await??;
    answer.append(&mut rest);
    ensure!(answer == pattern(0..length), "other bytes");
    let mut late = within(late).await??;
    late.write_all(b"GET /echo HTTP/1.1\r\nhost: 192.168.1.20\r\n\r\n")
        .await?;
    ensure!(within(late.read(&mut [0; 64])).await?? > 0);
    Ok(())
}
