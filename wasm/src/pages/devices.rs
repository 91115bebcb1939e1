//! The list of trusted devices on the options page.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use housekey_core::effect::PageReply;
use housekey_core::endpoint::Endpoint;
use housekey_core::event::PageRequest;
use housekey_core::pin::Pin;
use housekey_core::text::SafeText;
use housekey_core::view::TrustedView;
use wasm_bindgen::prelude::*;
use web_sys::{Element, HtmlElement, HtmlInputElement, KeyboardEvent};

use super::PageHost;
use super::dom::{self, Result};
use super::options::{done, refused};
use super::text::{Values, code, tell_name};

/// The devices, and the rows that show them.
pub(super) struct Devices {
    host: PageHost,
    list: Element,
    pins: RefCell<Vec<Pin>>,
    /// How many rows may be shown; a house rarely has more devices than the first portion.
    rows: Cell<usize>,
}

impl Devices {
    /// No devices yet.
    pub(super) fn new(host: &PageHost) -> Result<Self> {
        Ok(Self {
            host: host.clone(),
            list: dom::element("pins")?,
            pins: RefCell::default(),
            rows: Cell::new(PORTION),
        })
    }

    /// Hears what the person does with them.
    pub(super) fn listen(self: &Rc<Self>) -> Result<()> {
        let devices = Rc::clone(self);
        dom::listen(&dom::document()?, "click", move |event| {
            if let Some((action, button)) = dom::action(&event) {
                let devices = Rc::clone(&devices);
                dom::spawn(async move { devices.act(&action, &button).await });
            }
        })?;
        let devices = Rc::clone(self);
        let search: Element = dom::element("search")?;
        dom::listen(&search, "input", move |_| {
            devices.rows.set(PORTION);
            dom::log(devices.render());
        })?;
        dom::listen(&self.list, "keydown", |event| {
            if let Some(event) = event.dyn_ref::<KeyboardEvent>() {
                end_renaming(event);
            }
        })
    }

    /// Asks the helper for all of them; says whether it answered.
    pub(super) async fn load(&self) -> Result<bool> {
        self.pins.borrow_mut().clear();
        let mut after = None;
        loop {
            let request = PageRequest::Pins {
                after: after.take(),
            };
            let reply = self.host.ask(&request).await?;
            let PageReply::Pins { pins, more } = reply else {
                refused(&self.host, &reply)?;
                return Ok(false);
            };
            after = pins.last().map(|pin| pin.endpoint.clone());
            let first = self.pins.borrow().is_empty();
            self.pins.borrow_mut().extend(pins);
            let more = more && after.is_some();
            // The first portion is there at once; the rest only changes the count.
            if first || !more {
                self.render()?;
            }
            if !more {
                return Ok(true);
            }
        }
    }

    fn render(&self) -> Result<()> {
        let search: HtmlInputElement = dom::element("search")?;
        let query = search.value().trim().to_lowercase();
        let pins = self.pins.borrow();
        let found: Vec<&Pin> = pins.iter().filter(|pin| matches(pin, &query)).collect();
        let rows = dom::document()?.create_document_fragment();
        for pin in found.iter().take(self.rows.get()) {
            rows.append_child(&self.row(pin)?.into())?;
        }
        self.list.replace_children_with_node_1(&rows);

        let mut values = Values::default();
        values.set("count", pins.len().to_string());
        values.set("found", found.len().to_string());
        let state = match (pins.len(), found.len()) {
            (0, _) => "empty",
            (_, 0) => "nothing_found",
            (all, found) if found < all => "some",
            _ => "all",
        };
        values.set("state", state);
        let count = dom::instance("count", &self.host, &values)?;
        dom::element::<Element>("count-place")?.replace_children_with_node_1(&count);
        dom::show(&dom::element("more")?, found.len() > self.rows.get())?;
        dom::show(&dom::element("search-field")?, !pins.is_empty())
    }

    fn row(&self, pin: &Pin) -> Result<Element> {
        let trusted = TrustedView::new(pin);
        let identity = &pin.identity;
        let mut values = Values::default();
        tell_name(&mut values, &trusted, &self.host);
        values.set("address", pin.endpoint.display_name());
        let voucher = identity.verified_by.as_ref();
        values.set_some("verified_by", voucher.map(SafeText::as_str));
        let device = identity.device_id.as_ref();
        values.set_some("device", device.map(SafeText::as_str));
        values.set("issued_by", identity.issued_by.as_str());
        values.set("tier", code(&identity.tier));
        values.set("since", self.host.date(trusted.since));
        values.set("seen", self.host.date(trusted.last_seen));
        values.set("ends", self.host.date(pin.not_after));
        values.set_some("extended", pin.extended_until.map(|it| self.host.date(it)));
        values.set("fingerprint", trusted.key_fingerprint);
        values.flag(if pin.blocked { "blocked" } else { "allowed" }, true);
        let row = dom::instance("pin", &self.host, &values)?;
        row.set_attribute("data-endpoint", &pin.endpoint.to_string())?;
        Ok(row)
    }

    async fn act(&self, action: &str, button: &Element) -> Result<()> {
        if action == "more" {
            self.rows.set(self.rows.get() + PORTION);
            return self.render();
        }
        let Some(row) = button.closest("li.pin")? else {
            return Ok(());
        };
        let endpoint = row.get_attribute("data-endpoint").unwrap_or_default();
        let Ok(endpoint) = endpoint.parse::<Endpoint>() else {
            return Ok(());
        };
        match action {
            "rename" => self.ask_for_name(&row, &endpoint),
            "rename-save" => self.rename(&row, endpoint).await,
            "forget" => ask_in(&row, ".pin-forgetting", ".pin-keep"),
            "forget-confirm" => self.forget(endpoint).await,
            "block" => self.block(endpoint, true).await,
            "unblock" => self.block(endpoint, false).await,
            _ => ask_in(&row, ".pin-actions", ".pin-rename"),
        }
    }

    fn ask_for_name(&self, row: &Element, endpoint: &Endpoint) -> Result<()> {
        let name = self.with_pin(endpoint, |pin| pin.display_name().to_string());
        if let (Some(input), Some(name)) = (part(row, ".pin-rename-input"), name) {
            let input: HtmlInputElement = input.unchecked_into();
            input.set_value(&name);
            ask_in(row, ".pin-renaming", ".pin-rename-input")?;
            input.select();
        }
        Ok(())
    }

    async fn rename(&self, row: &Element, endpoint: Endpoint) -> Result<()> {
        let Some(input) = part(row, ".pin-rename-input") else {
            return Ok(());
        };
        let mut label = SafeText::new(&input.unchecked_into::<HtmlInputElement>().value());
        if self.with_pin(&endpoint, |pin| pin.identity.name == label) == Some(true) {
            label = SafeText::default();
        }
        let request = PageRequest::Rename {
            endpoint: endpoint.clone(),
            label: label.clone(),
        };
        let change = |pin: &mut Pin| pin.label = label;
        self.change(&request, &endpoint, "notice_renamed", change)
            .await
    }

    async fn block(&self, endpoint: Endpoint, blocked: bool) -> Result<()> {
        let request = PageRequest::Block {
            endpoint: endpoint.clone(),
            blocked,
        };
        let notice = if blocked {
            "notice_blocked"
        } else {
            "notice_unblocked"
        };
        let change = |pin: &mut Pin| pin.blocked = blocked;
        self.change(&request, &endpoint, notice, change).await
    }

    async fn forget(&self, endpoint: Endpoint) -> Result<()> {
        let request = PageRequest::Forget {
            endpoint: endpoint.clone(),
        };
        let reply = self.host.ask(&request).await?;
        if !matches!(reply, PageReply::Done) {
            return refused(&self.host, &reply);
        }
        self.pins
            .borrow_mut()
            .retain(|pin| pin.endpoint != endpoint);
        self.render()?;
        dom::focus(&dom::element("devices-title")?);
        done(&self.host, "notice_forgotten", &endpoint.display_name())
    }

    /// Changes a pin in the helper's store, and then here.
    async fn change(
        &self,
        request: &PageRequest,
        endpoint: &Endpoint,
        notice: &str,
        change: impl FnOnce(&mut Pin),
    ) -> Result<()> {
        let reply = self.host.ask(request).await?;
        if !matches!(reply, PageReply::Done) {
            return refused(&self.host, &reply);
        }
        self.with_pin(endpoint, change);
        let new = self.with_pin(endpoint, |pin| self.row(pin)).transpose()?;
        let selector = format!("li.pin[data-endpoint=\"{endpoint}\"]");
        if let (Some(old), Some(new)) = (self.list.query_selector(&selector)?, new) {
            old.replace_with_with_node_1(&new)?;
            if let Some(button) = part(&new, ".pin-rename") {
                dom::focus(&button);
            }
        }
        done(&self.host, notice, &endpoint.display_name())
    }

    fn with_pin<T>(&self, endpoint: &Endpoint, done: impl FnOnce(&mut Pin) -> T) -> Option<T> {
        let mut pins = self.pins.borrow_mut();
        pins.iter_mut()
            .find(|pin| pin.endpoint == *endpoint)
            .map(done)
    }
}

fn matches(pin: &Pin, query: &str) -> bool {
    let holds = |text: &SafeText| text.as_str().to_lowercase().contains(query);
    query.is_empty()
        || holds(&pin.label)
        || holds(&pin.identity.name)
        || holds(&pin.identity.issued_by)
        || pin.identity.device_id.as_ref().is_some_and(holds)
        || pin.endpoint.to_string().contains(query)
}

/// Shows one part of a row in place of the others, and puts the focus into it.
fn ask_in(row: &Element, shown: &str, focused: &str) -> Result<()> {
    for part in dom::all::<Element>(row, ".pin-question, .pin-actions")? {
        dom::show(&part, part.matches(shown)?)?;
    }
    if let Some(focused) = part(row, focused) {
        dom::focus(&focused);
    }
    Ok(())
}

/// In the field of a new name, Enter takes it and Escape gives up.
fn end_renaming(event: &KeyboardEvent) {
    let selector = match event.key().as_str() {
        "Enter" => ".pin-rename-save",
        "Escape" => ".pin-rename-cancel",
        _ => return,
    };
    let target = event.target().map(JsCast::dyn_into::<HtmlInputElement>);
    if let Some(Ok(input)) = target {
        if let Some(button) = part(&input, selector) {
            event.prevent_default();
            button.unchecked_into::<HtmlElement>().click();
        }
    }
}

/// A part of the row that an element is, or is in.
fn part(inside: &Element, selector: &str) -> Option<Element> {
    let row = inside.closest("li.pin").ok()??;
    row.query_selector(selector).ok()?
}

/// As many rows as are built at once.
const PORTION: usize = 100;
