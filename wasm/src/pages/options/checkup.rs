//! The checkup: every link between this browser and its devices, as the terminal shows it.

use std::cell::Cell;

use housekey_core::checkup::Checkup;
use housekey_core::effect::PageReply;
use housekey_core::error::ErrorCode;
use housekey_core::event::PageRequest;
use web_sys::{Element, HtmlButtonElement};

use super::super::dom::{self, Result};
use super::super::text::{Values, code};
use super::super::{PageHost, checkup};

/// Checks once, if no checkup is going on, and shows what was found.
pub(super) async fn begin(host: &PageHost) -> Result<()> {
    if RUNNING.replace(true) {
        return Ok(());
    }
    let shown = show(host).await;
    RUNNING.set(false);
    shown
}

async fn show(host: &PageHost) -> Result<()> {
    let place: Element = dom::element("checkup")?;
    let again: HtmlButtonElement = dom::element("checkup-again")?;
    place.set_attribute("aria-busy", "true")?;
    // A button that is switched off would lose the keyboard's focus.
    again.set_attribute("aria-disabled", "true")?;
    let running = dom::instance("checkup-running", host, &Values::default())?;
    place.replace_children_with_node_1(&running);
    let reply = host.ask(&PageRequest::CheckUp).await;
    again.remove_attribute("aria-disabled")?;
    place.set_attribute("aria-busy", "false")?;
    let content = match reply {
        Ok(PageReply::CheckedUp { checkup, more }) => match checkup.open() {
            Ok(checkup) => found(host, &checkup.with(more))?,
            Err(_) => none(host, ErrorCode::BadMessage)?,
        },
        Ok(PageReply::Error { code }) => none(host, code)?,
        Ok(_) | Err(_) => none(host, ErrorCode::HelperGone)?,
    };
    place.replace_children_with_node_1(&content);
    Ok(())
}

fn none(host: &PageHost, error: ErrorCode) -> Result<Element> {
    let mut values = Values::default();
    values.set("error", code(&error));
    dom::instance("checkup-none", host, &values)
}

fn found(host: &PageHost, checkup: &Checkup) -> Result<Element> {
    let values = checkup::result(host, checkup);
    let all = dom::instance("checkup-found", host, &values)?;
    let Some(list) = dom::part::<Element>(&all, ".checkup-links")? else {
        return Ok(all);
    };
    for checks in checkup
        .checks
        .chunk_by(|one, next| one.found.link() == next.found.link())
    {
        if let Some(first) = checks.first() {
            let mut values = Values::default();
            values.set("link", code(&first.found.link()));
            let link = dom::instance("checkup-link", host, &values)?;
            for (number, check) in checks.iter().enumerate() {
                // What mends several in a row is said once, below the last of them.
                let next = checks.get(number + 1).map(|next| next.found.fix());
                let with_fix = next != Some(check.found.fix());
                let values = checkup::values(host, check, with_fix);
                let line = dom::instance("checkup-check", host, &values)?;
                link.append_child(&line)?;
            }
            list.append_child(&link)?;
        }
    }
    Ok(all)
}

thread_local! {
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}
