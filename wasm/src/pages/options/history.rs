//! What happened, to one device or to all of them.

use housekey_core::effect::PageReply;
use housekey_core::endpoint::Endpoint;
use housekey_core::event::PageRequest;
use housekey_core::history::HistoryEntry;
use wasm_bindgen::prelude::*;
use web_sys::{Element, HtmlElement};

use super::super::PageHost;
use super::super::dom::{self, Result};
use super::super::text::{Values, code};
use super::notice::refused;

/// The history that an element opens, if nobody has asked for it yet.
pub(super) fn opening(clicked: &Element) -> Option<Element> {
    let history = clicked.closest("summary").ok()??.parent_element()?;
    let unread = history.class_list().contains("happened") && !history.has_attribute("data-read");
    unread.then_some(history)
}

/// Shows everything anew, the latest first.
pub(super) async fn begin(host: &PageHost, history: &Element) -> Result<()> {
    history.remove_attribute("data-before")?;
    history.remove_attribute("data-read")?;
    more(host, history, None).await
}

/// Shows a page of what happened, below those that are shown.
pub(super) async fn more(
    host: &PageHost,
    history: &Element,
    endpoint: Option<&Endpoint>,
) -> Result<()> {
    let before: Option<u32> =
        (history.get_attribute("data-before")).and_then(|before| before.parse().ok());
    let request = PageRequest::History {
        endpoint: endpoint.cloned(),
        before,
    };
    let reply = host.ask(&request).await?;
    let PageReply::History { entries, more } = reply else {
        return refused(host, &reply);
    };
    let Some(list) = dom::part::<HtmlElement>(history, "ol")? else {
        return Ok(());
    };
    if before.is_none() {
        list.replace_children_with_node_0();
    }
    let mut first = None;
    for entry in &entries {
        let line = line(host, entry, endpoint.is_none())?;
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

fn line(host: &PageHost, entry: &HistoryEntry, names: bool) -> Result<Element> {
    let mut values = Values::default();
    values.set("what", code(&entry.what));
    values.set("day", host.date(entry.at));
    values.set("time", host.time_of_day(entry.at));
    if names {
        values.set("name", entry.name.as_str());
        values.flag("nameless", entry.name.is_empty());
        values.set("address", entry.endpoint.display_name());
    }
    let line = dom::instance("happening", host, &values)?;
    if let Some(link) = dom::part::<Element>(&line, "a")? {
        link.set_attribute("href", &format!("#device={}", entry.endpoint))?;
    }
    Ok(line.unchecked_into())
}
