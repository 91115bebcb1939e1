//! What happened, to one device or to all of them.

use housekey_core::effect::PageReply;
use housekey_core::endpoint::Endpoint;
use housekey_core::history::{Happening, HistoryEntry};
use housekey_core::pin::Pin;
use housekey_core::protocol::Request;
use wasm_bindgen::prelude::*;
use web_sys::{Element, HtmlElement};

use super::super::dom::{self, Result};
use super::super::text::{Values, code};
use super::super::{PageHost, opened};
use super::devices::Devices;
use super::notice::refused;

/// Whose history is shown.
#[derive(Clone, Copy)]
pub(super) enum Of<'a> {
    /// That of all, each line with the name of its device.
    All(&'a Devices),
    /// That of one device.
    Device(&'a Endpoint),
}

/// The history that an element opens, if nobody has asked for it yet.
pub(super) fn opening(clicked: &Element) -> Option<Element> {
    let history = clicked.closest("summary").ok()??.parent_element()?;
    let unread = history.class_list().contains("happened") && !history.has_attribute("data-read");
    unread.then_some(history)
}

/// Shows everything anew, the latest first.
pub(super) async fn begin(host: &PageHost, history: &Element, devices: &Devices) -> Result<()> {
    history.remove_attribute("data-before")?;
    history.remove_attribute("data-read")?;
    more(host, history, Of::All(devices)).await
}

/// Shows a page of what happened, below those that are shown.
pub(super) async fn more(host: &PageHost, history: &Element, of: Of<'_>) -> Result<()> {
    let before: Option<u32> =
        (history.get_attribute("data-before")).and_then(|before| before.parse().ok());
    let endpoint = match of {
        Of::All(_) => None,
        Of::Device(endpoint) => Some(endpoint.clone()),
    };
    let request = Request::History { endpoint, before };
    let reply = host.ask(&request).await?;
    let PageReply::History { entries, more } = reply else {
        return refused(host, &reply);
    };
    let entries = match opened(entries) {
        Ok(entries) => entries,
        Err(reply) => return refused(host, &reply),
    };
    let Some(list) = dom::part::<HtmlElement>(history, "ol")? else {
        return Ok(());
    };
    if before.is_none() {
        list.replace_children_with_node_0();
    }
    let mut first = None;
    for entry in &entries {
        let line = line(host, entry, of)?;
        list.append_child(&line)?;
        first.get_or_insert(line);
    }
    if let Some(last) = entries.last() {
        history.set_attribute("data-before", &last.id.to_string())?;
    }
    history.set_attribute("data-read", "")?;
    let nothing = entries.is_empty() && before.is_none();
    if let Some(empty) = dom::part::<Element>(history, ".happened-nothing")? {
        dom::show(&empty, nothing)?;
    }
    if let Some(button) = dom::part::<Element>(history, ".happened-more")? {
        // The button may go away from under the keyboard: it goes on with what it brought.
        if let (false, Some(first), Some(_)) = (more, first, before) {
            first.set_attribute("tabindex", "-1")?;
            dom::focus(&first);
        }
        dom::show(&button, more)?;
    }
    Ok(())
}

fn line(host: &PageHost, entry: &HistoryEntry, of: Of<'_>) -> Result<Element> {
    let mut values = Values::default();
    values.set("what", code(&entry.what));
    values.set("day", host.date(entry.at));
    values.set("time", host.time_of_day(entry.at));
    values.set_some("site", entry.site.as_ref().map(ToString::to_string));
    let Of::All(devices) = of else {
        return Ok(dom::instance("happening", host, &values)?.unchecked_into());
    };
    let vouched = devices.with(&entry.endpoint, |pin| is_vouched_for(entry, pin));
    let is_fact = vouched == Some(true);
    values.set(if is_fact { "fact" } else { "claim" }, entry.name.as_str());
    values.flag("nameless", entry.name.is_empty());
    values.set("address", entry.endpoint.display_name());
    let line = dom::instance("happening", host, &values)?;
    // What is not in the list cannot be shown there.
    let is_listed = vouched.is_some() && entry.what != Happening::Forget;
    if let (true, Some(link)) = (is_listed, dom::part::<Element>(&line, "a")?) {
        link.set_attribute("href", &format!("#device={}", entry.endpoint))?;
    }
    Ok(line.unchecked_into())
}

/// Whether the name of a line is the person's own word, or one that somebody vouches for.
fn is_vouched_for(entry: &HistoryEntry, pin: &Pin) -> bool {
    let is_same_key = entry.spki_sha256 == pin.spki_sha256;
    let is_verified = is_same_key && pin.identity.is_verified();
    entry.name == pin.label || (is_verified && entry.name == pin.identity.name)
}
