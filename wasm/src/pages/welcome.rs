//! The welcome page: how to get the helper, and whether it works.

use housekey_core::effect::{HelperStatus, PageReply};
use housekey_core::event::PageRequest;
use wasm_bindgen::prelude::*;
use web_sys::Element;

use super::PageHost;
use super::dom::{self, Result};
use super::text::{Values, code};

/// Runs the welcome page.
///
/// # Errors
///
/// Where the page's HTML lacks something.
#[wasm_bindgen]
pub async fn start_welcome_page(host: PageHost) -> Result<()> {
    dom::localise(&host)?;
    let checking = host.clone();
    dom::listen(&dom::document()?, "click", move |event| {
        if dom::action(&event).is_some_and(|(action, _)| action == "check") {
            let host = checking.clone();
            dom::spawn(async move { check(&host).await });
        }
    })?;
    // Who comes back from a terminal should see what became of it.
    let returning = host.clone();
    dom::listen(&dom::window()?, "focus", move |_| {
        let host = returning.clone();
        dom::spawn(async move { check(&host).await });
    })?;
    check(&host).await
}

/// Asks until the helper has ended its attempts to start, and shows what came of it.
async fn check(host: &PageHost) -> Result<()> {
    let status = dom::element::<Element>("status")?;
    for _ in 0..MAX_LOOKS {
        let (helper, version) = match host.ask(&PageRequest::Status).await? {
            PageReply::Status {
                helper, version, ..
            } => (helper, version),
            _ => (HelperStatus::Down, None),
        };
        let (helper, command) = (code(&helper), command_for(helper));
        if status.get_attribute("data-status").as_deref() != Some(helper.as_str()) {
            let mut values = Values::default();
            values.set("status", helper.as_str());
            values.set_some("version", version);
            values.flag("missing", helper == "missing");
            values.flag("get", matches!(helper.as_str(), "missing" | "too_old"));
            values.set_some("command", command);
            let content = dom::instance("helper", host, &values)?;
            if let Some(link) = dom::part(&content, "a.get")? {
                dom::link(&link, GET)?;
            }
            status.replace_children_with_node_1(&content);
            status.set_attribute("data-status", &helper)?;
        }
        if helper == "ok" {
            return Ok(());
        }
        dom::sleep(LOOK_MILLIS).await?;
    }
    Ok(())
}

/// What to type in a terminal about a helper like this.
pub(super) const fn command_for(helper: HelperStatus) -> Option<&'static str> {
    match helper {
        HelperStatus::Missing | HelperStatus::TooOld => Some("housekey install"),
        HelperStatus::Unusable => Some("housekey doctor"),
        HelperStatus::Down | HelperStatus::Ok | HelperStatus::Starting | HelperStatus::TooNew => {
            None
        }
    }
}

/// Where the helper comes from, and how.
const GET: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "#use-it");
const LOOK_MILLIS: i32 = 700;
/// The helper is tried this long before it counts as missing; then the person looks again.
const MAX_LOOKS: u32 = 5;
