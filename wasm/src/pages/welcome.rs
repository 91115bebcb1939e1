//! The welcome page: the three steps to a padlock, and how far each is.

use std::cell::Cell;

use housekey_core::checkup::State::Bad;
use housekey_core::effect::{HelperStatus, PageReply};
use housekey_core::event::PageRequest;
use housekey_core::protocol::Request;
use housekey_core::proxy::ProxyHolder;
use wasm_bindgen::prelude::*;
use web_sys::Element;

use super::dom::{self, Result};
use super::text::{Values, code, command_for};
use super::{PageHost, checkup, opened};

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

/// What is known of Housekey.
struct Known {
    helper: HelperStatus,
    version: Option<String>,
    no_access: bool,
    holder: Option<ProxyHolder>,
}

/// How far a step is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Checking,
    Done,
    Later,
    Made,
    Now,
}

/// Asks until the helper has ended its attempts to start, and shows what came of it.
async fn check(host: &PageHost) -> Result<()> {
    for _ in 0..MAX_LOOKS {
        let known = match host.ask(&PageRequest::Status).await? {
            PageReply::Status {
                helper,
                version,
                no_access,
                proxy,
                ..
            } => Known {
                helper,
                version,
                no_access,
                holder: proxy.filter(|_| !no_access && helper == HelperStatus::Ok),
            },
            _ => Known {
                helper: HelperStatus::Down,
                version: None,
                no_access: false,
                holder: None,
            },
        };
        show_helper(host, &known)?;
        if known.helper == HelperStatus::Ok {
            return show_rest(host, known.is_well()).await;
        }
        leave_unchecked(host)?;
        step(host, "device", State::Later)?;
        dom::sleep(LOOK_MILLIS).await?;
    }
    Ok(())
}

impl Known {
    fn is_well(&self) -> bool {
        self.helper == HelperStatus::Ok && !self.no_access && self.holder.is_none()
    }
}

/// The first step: the helper is there, and the browser lets it work.
fn show_helper(host: &PageHost, known: &Known) -> Result<()> {
    let is_well = known.is_well();
    step(
        host,
        "helper",
        if is_well { State::Done } else { State::Now },
    )?;
    let status = dom::element::<Element>("status")?;
    let helper = code(&known.helper);
    let shown = format!("{helper} {} {:?}", known.no_access, known.holder);
    if status.get_attribute("data-known").as_deref() == Some(shown.as_str()) {
        return Ok(());
    }
    let mut values = Values::default();
    values.set("status", helper.as_str());
    values.set_some("version", known.version.as_deref());
    values.set_some("holder", known.holder.as_ref().map(code));
    let is_lost = known.no_access || known.holder.is_some();
    values.set("lost", if is_lost { "lost" } else { "" });
    values.flag("no_access", known.no_access);
    values.flag("proxy_lost", known.holder.is_some());
    values.flag("plain", !is_lost);
    values.flag("missing", helper == "missing");
    values.flag("get", matches!(helper.as_str(), "missing" | "too_old"));
    values.set_some("command", command_for(known.helper));
    let content = dom::instance("helper", host, &values)?;
    if let Some(link) = dom::part(&content, "a.get")? {
        dom::link(&link, GET)?;
    }
    status.replace_children_with_node_1(&content);
    status.set_attribute("data-known", &shown)?;
    status.set_attribute("data-status", &helper)
}

/// The other steps, once the helper is there.
async fn show_rest(host: &PageHost, is_well: bool) -> Result<()> {
    if !is_well {
        // What is wrong stands in the first step.
        leave_unchecked(host)?;
        return show_devices(host, State::Later).await;
    }
    show_devices(host, State::Now).await?;
    if RUNNING.replace(true) {
        return Ok(());
    }
    let shown = show_checkup(host).await;
    RUNNING.set(false);
    shown
}

/// The second step, as long as there is nothing to say of it.
fn leave_unchecked(host: &PageHost) -> Result<()> {
    let place = dom::element::<Element>("authority")?;
    place.replace_children_with_node_0();
    place.remove_attribute("data-known")?;
    step(host, "authority", State::Later)
}

/// The second step: whether browsers trust the authority, and the first thing that is wrong
/// anywhere between this browser and its devices.
async fn show_checkup(host: &PageHost) -> Result<()> {
    let place = dom::element::<Element>("authority")?;
    if place.first_element_child().is_none() {
        step(host, "authority", State::Checking)?;
    }
    let checkup = match host.ask(&PageRequest::CheckUp).await {
        Ok(PageReply::CheckedUp { checkup, more }) => {
            checkup.open().ok().map(|checkup| checkup.with(more))
        }
        Ok(_) | Err(_) => None,
    };
    let (content, shown, state) = match checkup {
        Some(checkup) => {
            let first = checkup.first_broken();
            let mut values = checkup::result(host, &checkup);
            if let Some(check) = first {
                values.extend(checkup::values(host, check, true));
            }
            let content = dom::instance("checked", host, &values)?;
            let state = if first.is_none() {
                State::Done
            } else {
                State::Now
            };
            (content, format!("{first:?} {}", checkup.count(Bad)), state)
        }
        // A helper that does not know how to check itself can still be asked in a terminal.
        None => {
            let content = dom::instance("authority-made", host, &Values::default())?;
            (content, String::new(), State::Made)
        }
    };
    // What has not changed is not read aloud again.
    if place.get_attribute("data-known").as_deref() != Some(shown.as_str()) {
        place.replace_children_with_node_1(&content);
        place.set_attribute("data-known", &shown)?;
    }
    // A device is for when that is mended.
    let device = dom::element::<Element>("step-device")?;
    if state == State::Now && device.get_attribute("data-state").as_deref() == Some("now") {
        step(host, "device", State::Later)?;
    }
    step(host, "authority", state)
}

/// The third step: how many devices there are already.
async fn show_devices(host: &PageHost, state_of_none: State) -> Result<()> {
    let (devices, more) = match host.ask(&Request::Pins { after: None }).await? {
        PageReply::Pins { pins, more } => (opened(pins).map_or(0, |pins| pins.len()), more),
        _ => (0, false),
    };
    let place = dom::element::<Element>("device")?;
    if devices == 0 {
        place.replace_children_with_node_0();
        return step(host, "device", state_of_none);
    }
    let mut values = Values::default();
    values.set("count", format!("{devices}{}", if more { "+" } else { "" }));
    let told = dom::instance("devices", host, &values)?;
    place.replace_children_with_node_1(&told);
    step(host, "device", State::Done)
}

/// Shows how far a step is, in its heading's words too.
fn step(host: &PageHost, name: &str, state: State) -> Result<()> {
    let state = match state {
        State::Checking => "checking",
        State::Done => "done",
        State::Later => "later",
        State::Made => "made",
        State::Now => "now",
    };
    let item = dom::element::<Element>(&format!("step-{name}"))?;
    let told: Option<Element> = dom::part(&item, ".step-state")?;
    if told.is_some() && item.get_attribute("data-state").as_deref() == Some(state) {
        return Ok(());
    }
    item.set_attribute("data-state", state)?;
    let mut values = Values::default();
    values.set("state", state);
    let telling = dom::instance("step", host, &values)?;
    match told {
        Some(told) => told.replace_with_with_node_1(&telling),
        None => match dom::part::<Element>(&item, "h2")? {
            Some(heading) => heading.after_with_node_1(&telling),
            None => Ok(()),
        },
    }
}

thread_local! {
    /// Whether a checkup is under way.
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Where the helper comes from, and how.
const GET: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "#use-it");
const LOOK_MILLIS: i32 = 700;
/// The helper is tried this long before it counts as missing; then the person looks again.
const MAX_LOOKS: u32 = 5;
