//! One device of the list: its row, and what opens below it.

use housekey_core::endpoint::Endpoint;
use housekey_core::pin::Pin;
use housekey_core::text::SafeText;
use housekey_core::view::TrustedView;
use wasm_bindgen::prelude::*;
use web_sys::{Element, HtmlElement, HtmlInputElement, HtmlTextAreaElement, Url};

use super::super::PageHost;
use super::super::dom::{self, Result};
use super::super::text::{Values, code, tell_name};
use super::listing::State;

/// A row, closed.
pub(super) fn row(host: &PageHost, pin: &Pin, state: State) -> Result<Element> {
    let row = dom::instance("pin", host, &row_values(host, pin, state))?;
    row.set_attribute("data-endpoint", &pin.endpoint.to_string())?;
    Ok(row)
}

/// Opens a row.
pub(super) fn open(row: &Element, host: &PageHost, pin: &Pin, state: State) -> Result<Element> {
    let panel = dom::instance("pin-panel", host, &panel_values(host, pin, state))?;
    if let Some(link) = dom::part::<Element>(&panel, ".pin-link")? {
        dom::link(&link, &pin.endpoint.origin())?;
    }
    row.append_child(&panel)?;
    say_open(row, true)?;
    Ok(panel)
}

/// Closes a row.
pub(super) fn close(row: &Element) -> Result<()> {
    if let Some(panel) = dom::part::<Element>(row, ".pin-panel")? {
        panel.remove();
    }
    say_open(row, false)
}

/// The endpoint of the row that an element is, or is in.
pub(super) fn endpoint_of(inside: &Element) -> Option<Endpoint> {
    let row = inside.closest("li.pin").ok()??;
    row.get_attribute("data-endpoint")?.parse().ok()
}

/// Shows one question of a panel in place of its actions, or the actions again, and puts the focus
/// into it.
pub(super) fn ask(row: &Element, shown: &str, focused: &str) -> Result<()> {
    for part in dom::all::<Element>(row, ".pin-question, .pin-actions")? {
        dom::show(&part, part.matches(shown)?)?;
    }
    if let Some(error) = dom::part::<Element>(row, ".pin-error")? {
        dom::show(&error, false)?;
    }
    if let Some(focused) = dom::part::<HtmlElement>(row, focused)? {
        dom::focus(&focused);
        if let Some(input) = focused.dyn_ref::<HtmlInputElement>() {
            input.select();
        }
    }
    Ok(())
}

/// Says below a field what is wrong with it.
pub(super) fn tell_error(row: &Element, host: &PageHost, key: &str, name: &str) -> Result<()> {
    let mut values = Values::default();
    values.set("key", key);
    values.set("name", name);
    let words = dom::instance("pin-error", host, &values)?;
    if let Some(error) = dom::part::<Element>(row, ".pin-error")? {
        dom::show(&error, true)?;
        error.replace_children_with_node_1(&words);
    }
    Ok(())
}

/// The endpoint of an address as a person types it. The core reads it as browsers spell it, and how
/// they would spell this one, the browser knows.
pub(super) fn endpoint_typed(typed: &str) -> Option<Endpoint> {
    let typed = typed.trim();
    if let Ok(endpoint) = typed.parse() {
        return Some(endpoint);
    }
    // Only what is a host and a port, or a whole URL, without a user name.
    let is_url = typed.starts_with("https://");
    let has_more =
        typed.contains(['/', '\\', '?', '#', '%']) || typed.contains(char::is_whitespace);
    if typed.contains('@') || (has_more && !is_url) {
        return None;
    }
    let scheme = if is_url { "" } else { "https://" };
    let url = Url::new(&format!("{scheme}{typed}")).ok()?;
    url.host().parse().ok()
}

/// What stands in a one-line field of a panel.
pub(super) fn typed(row: &Element, field: &str) -> Result<String> {
    let input = dom::part::<HtmlInputElement>(row, field)?;
    Ok(input.map(|it| it.value()).unwrap_or_default())
}

/// Fills a one-line field of a panel.
pub(super) fn prefill(row: &Element, field: &str, text: &str) -> Result<()> {
    if let Some(input) = dom::part::<HtmlInputElement>(row, field)? {
        input.set_value(text);
    }
    Ok(())
}

/// The field of the note.
pub(super) fn note_field(row: &Element) -> Result<Option<HtmlTextAreaElement>> {
    dom::part(row, ".pin-note-input")
}

fn say_open(row: &Element, open: bool) -> Result<()> {
    if let Some(button) = dom::part::<Element>(row, ".pin-open")? {
        button.set_attribute("aria-expanded", if open { "true" } else { "false" })?;
    }
    Ok(())
}

/// What a row says: no more than it shows, because there are many rows.
fn row_values(host: &PageHost, pin: &Pin, state: State) -> Values {
    let identity = &pin.identity;
    let mut values = Values::default();
    tell_name(&mut values, pin.display_name(), identity, host);
    values.set("address", pin.endpoint.display_name());
    let voucher = identity.verified_by.as_ref();
    values.set_some("verified_by", voucher.map(SafeText::as_str));
    values.set("tier", code(&identity.tier));
    values.set("state", code(&state));
    values.set("seen", host.date(pin.last_seen));
    let extended = pin.extended_until.filter(|_| state == State::Extended);
    values.set_some("extended", extended.map(|it| host.date(it)));
    // Where the state says already that nobody has checked it, the row does not say it again.
    let named = values.get("company").is_some();
    values.flag("tagged", state == State::Unverified && named);
    values
}

/// What an open row says besides.
fn panel_values(host: &PageHost, pin: &Pin, state: State) -> Values {
    let trusted = TrustedView::new(pin);
    let identity = &pin.identity;
    let mut values = row_values(host, pin, state);
    let device = identity.device_id.as_ref();
    values.set_some("device", device.map(SafeText::as_str));
    values.set("certified", identity.name.as_str());
    values.set("issued_by", identity.issued_by.as_str());
    values.set("note", pin.note.as_str());
    values.set("since", host.date(trusted.since));
    values.set("ends", host.date(pin.not_after));
    values.set("serial", pin.serial.as_str());
    values.set("fingerprint", trusted.key_fingerprint);
    values.set("words", trusted.words);
    values.flag("ended", state == State::Ended);
    values.flag(if pin.blocked { "blocked" } else { "allowed" }, true);
    values
}
