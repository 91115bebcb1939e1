//! The options page: the devices that a person trusts, the settings, and how the helper is.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use housekey_core::effect::{HelperStatus, PageReply};
use housekey_core::endpoint::Endpoint;
use housekey_core::error::ErrorCode;
use housekey_core::event::PageRequest;
use housekey_core::pin::Pin;
use housekey_core::protocol::Settings;
use housekey_core::text::SafeText;
use housekey_core::view::TrustedView;
use wasm_bindgen::prelude::*;
use web_sys::{Element, HtmlInputElement, KeyboardEvent};

use super::PageHost;
use super::dom::{self, Result};
use super::text::{Values, code, tell_name};

struct OptionsPage {
    host: PageHost,
    list: Element,
    pins: RefCell<Vec<Pin>>,
    /// How many rows may be shown; a house rarely has more devices than the first portion.
    rows: Cell<usize>,
    /// Whether the pins have been loaded from the helper that runs now.
    loaded: Cell<bool>,
}

/// Runs the options page.
///
/// # Errors
///
/// Where the page's HTML lacks something.
#[wasm_bindgen]
pub async fn start_options_page(host: PageHost) -> Result<()> {
    dom::localise(&host)?;
    let page = Rc::new(OptionsPage {
        list: dom::element("pins")?,
        pins: RefCell::default(),
        rows: Cell::new(PORTION),
        loaded: Cell::default(),
        host,
    });
    page.listen()?;
    page.watch_helper().await
}

impl OptionsPage {
    fn listen(self: &Rc<Self>) -> Result<()> {
        let page = Rc::clone(self);
        dom::listen(&dom::document()?, "click", move |event| {
            if let Some((action, button)) = dom::action(&event) {
                let page = Rc::clone(&page);
                dom::spawn(async move { page.act(&action, &button).await });
            }
        })?;
        let page = Rc::clone(self);
        dom::listen(&dom::element::<Element>("search")?, "input", move |_| {
            page.rows.set(PORTION);
            page.render().unwrap_or_else(|error| wasm_bindgen::throw_val(error));
        })?;
        let page = Rc::clone(self);
        dom::listen(&dom::element::<Element>("setting-shared-address-space")?, "change", move |_| {
            let page = Rc::clone(&page);
            dom::spawn(async move { page.change_settings().await });
        })?;
        // In the field of a new name, Enter takes it and Escape gives up.
        dom::listen(&self.list, "keydown", |event| {
            let Some(key) = event.dyn_ref::<KeyboardEvent>().map(KeyboardEvent::key) else { return };
            let target = event.target().and_then(|it| it.dyn_into::<HtmlInputElement>().ok());
            let selector = match key.as_str() {
                "Enter" => ".pin-rename-save",
                "Escape" => ".pin-rename-cancel",
                _ => return,
            };
            if let Some(button) = target.and_then(|it| row_part(&it, selector)) {
                event.prevent_default();
                button.unchecked_ref::<web_sys::HtmlElement>().click();
            }
        })
    }

    /// Shows how the helper is until it works, and then the devices.
    async fn watch_helper(self: Rc<Self>) -> Result<()> {
        loop {
            let reply = self.host.ask(&PageRequest::Status).await?;
            let is_ok = matches!(reply, PageReply::Status { helper: HelperStatus::Ok, .. });
            self.show_status(reply)?;
            if is_ok && !self.loaded.get() {
                self.loaded.set(true);
                self.load().await?;
            }
            dom::sleep(if is_ok { CALM_MILLIS } else { BUSY_MILLIS }).await?;
        }
    }

    fn show_status(&self, reply: PageReply) -> Result<()> {
        let PageReply::Status { helper, version, settings, local_names, proxy_is_ours } = reply
        else {
            return self.notice_reply(&reply);
        };
        let status = dom::element::<Element>("status")?;
        let box_ = dom::element::<HtmlInputElement>("setting-shared-address-space")?;
        box_.set_disabled(settings.is_none());
        let mut values = Values::default();
        values.set("status", code(&helper));
        values.set_some("version", version);
        values.set("names", local_names.join(", "));
        values.flag("proxy_lost", helper == HelperStatus::Ok && proxy_is_ours == Some(false));
        let known = format!("{} {}", code(&helper), values.get("proxy_lost").unwrap_or_default());
        if status.get_attribute("data-known").as_deref() == Some(known.as_str()) {
            return Ok(());
        }
        if let Some(settings) = settings {
            box_.set_checked(settings.shared_address_space);
        }
        let content = dom::instance("helper", &self.host, &values)?;
        status.replace_children_with_node_1(&content);
        let names = dom::instance("local-names", &self.host, &values)?;
        dom::element::<Element>("names")?.replace_children_with_node_1(&names);
        status.set_attribute("data-known", &known)?;
        status.set_attribute("data-status", &code(&helper))
    }

    async fn load(&self) -> Result<()> {
        let mut after = None;
        self.pins.borrow_mut().clear();
        loop {
            let reply = self.host.ask(&PageRequest::Pins { after: after.take() }).await?;
            let PageReply::Pins { pins, more } = reply else {
                self.loaded.set(false);
                return self.notice_reply(&reply);
            };
            after = pins.last().map(|pin| pin.endpoint.clone());
            let is_first = self.pins.borrow().is_empty();
            self.pins.borrow_mut().extend(pins);
            let more = more && after.is_some();
            // The first portion is there at once; the rest only changes the count.
            if is_first || !more {
                self.render()?;
            }
            if !more {
                return Ok(());
            }
        }
    }

    fn render(&self) -> Result<()> {
        let query = dom::element::<HtmlInputElement>("search")?.value().trim().to_lowercase();
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
        values.set_some("verified_by", identity.verified_by.as_ref().map(SafeText::as_str));
        values.set_some("device", identity.device_id.as_ref().map(SafeText::as_str));
        values.set("issued_by", identity.issued_by.as_str());
        values.set("tier", code(&identity.tier));
        values.set("since", self.host.date(trusted.since));
        values.set("seen", self.host.date(trusted.last_seen));
        values.set("ends", self.host.date(pin.not_after));
        values.set("fingerprint", trusted.key_fingerprint);
        values.flag(if pin.blocked { "blocked" } else { "allowed" }, true);
        if let Some(until) = pin.extended_until {
            values.set("extended", self.host.date(until));
        }
        let row = dom::instance("pin", &self.host, &values)?;
        row.set_attribute("data-endpoint", &pin.endpoint.to_string())?;
        Ok(row)
    }

    async fn act(self: Rc<Self>, action: &str, button: &Element) -> Result<()> {
        match action {
            "more" => {
                self.rows.set(self.rows.get() + PORTION);
                return self.render();
            }
            "check" => return self.show_status(self.host.ask(&PageRequest::Status).await?),
            _ => {}
        }
        let Some(row) = button.closest("li.pin")? else { return Ok(()) };
        let endpoint = row.get_attribute("data-endpoint").unwrap_or_default();
        let Ok(endpoint) = endpoint.parse::<Endpoint>() else { return Ok(()) };
        match action {
            "rename" => self.ask_for_name(&row, &endpoint),
            "rename-save" => self.rename(&row, endpoint).await,
            "forget" => ask_in(&row, ".pin-forgetting", ".pin-keep"),
            "forget-confirm" => self.forget(endpoint).await,
            "block" => self.block(endpoint, true).await,
            "unblock" => self.block(endpoint, false).await,
            "keep" => leave(&row),
            _ => Ok(()),
        }
    }

    fn ask_for_name(&self, row: &Element, endpoint: &Endpoint) -> Result<()> {
        if let Some(input) = row_part(row, ".pin-rename-input") {
            let input: HtmlInputElement = input.unchecked_into();
            let pins = self.pins.borrow();
            let pin = pins.iter().find(|pin| pin.endpoint == *endpoint);
            input.set_value(pin.map(|pin| pin.display_name().as_str()).unwrap_or_default());
            ask_in(row, ".pin-renaming", ".pin-rename-input")?;
            input.select();
        }
        Ok(())
    }

    async fn rename(&self, row: &Element, endpoint: Endpoint) -> Result<()> {
        let Some(input) = row_part(row, ".pin-rename-input") else { return Ok(()) };
        let mut label = SafeText::new(&input.unchecked_into::<HtmlInputElement>().value());
        if self.with_pin(&endpoint, |pin| pin.identity.name == label) == Some(true) {
            label = SafeText::default();
        }
        let request = PageRequest::Rename { endpoint: endpoint.clone(), label: label.clone() };
        self.change(&request, &endpoint, "notice_renamed", |pin| pin.label = label).await
    }

    async fn block(&self, endpoint: Endpoint, blocked: bool) -> Result<()> {
        let request = PageRequest::Block { endpoint: endpoint.clone(), blocked };
        let notice = if blocked { "notice_blocked" } else { "notice_unblocked" };
        self.change(&request, &endpoint, notice, |pin| pin.blocked = blocked).await
    }

    async fn forget(&self, endpoint: Endpoint) -> Result<()> {
        let reply = self.host.ask(&PageRequest::Forget { endpoint: endpoint.clone() }).await?;
        if !matches!(reply, PageReply::Done) {
            return self.notice_reply(&reply);
        }
        self.pins.borrow_mut().retain(|pin| pin.endpoint != endpoint);
        self.render()?;
        dom::focus(&dom::element("devices-title")?);
        self.notice("notice_forgotten", &endpoint.display_name())
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
            return self.notice_reply(&reply);
        }
        self.with_pin(endpoint, change);
        let row = self.with_pin(endpoint, |pin| self.row(pin)).transpose()?;
        let rows = dom::all::<Element>(&self.list, "li.pin")?;
        let old = rows
            .iter()
            .find(|row| row.get_attribute("data-endpoint") == Some(endpoint.to_string()));
        if let (Some(old), Some(row)) = (old, row) {
            old.replace_with_with_node_1(&row)?;
            if let Some(button) = row_part(&row, ".pin-rename") {
                dom::focus(&button);
            }
        }
        self.notice(notice, &endpoint.display_name())
    }

    fn with_pin<T>(&self, endpoint: &Endpoint, use_: impl FnOnce(&mut Pin) -> T) -> Option<T> {
        self.pins.borrow_mut().iter_mut().find(|pin| pin.endpoint == *endpoint).map(use_)
    }

    async fn change_settings(&self) -> Result<()> {
        let shared_address_space = dom::is_ticked("setting-shared-address-space")?;
        let settings = Settings { shared_address_space };
        let reply = self.host.ask(&PageRequest::Settings { settings }).await?;
        if matches!(reply, PageReply::Done) {
            return self.notice("notice_saved", "");
        }
        dom::element::<HtmlInputElement>("setting-shared-address-space")?
            .set_checked(!shared_address_space);
        self.notice_reply(&reply)
    }

    fn notice_reply(&self, reply: &PageReply) -> Result<()> {
        let error = match reply {
            PageReply::Error { code } => *code,
            _ => ErrorCode::BadMessage,
        };
        let mut values = Values::default();
        values.set("error", code(&error));
        self.say(&dom::instance("notice-error", &self.host, &values)?)
    }

    fn notice(&self, key: &str, address: &str) -> Result<()> {
        let mut values = Values::default();
        values.set("key", key);
        values.set("address", address);
        self.say(&dom::instance("notice-done", &self.host, &values)?)
    }

    fn say(&self, notice: &Element) -> Result<()> {
        let place = dom::element::<Element>("notice")?;
        place.replace_children_with_node_1(notice);
        dom::show(&place, true)
    }
}

fn matches(pin: &Pin, query: &str) -> bool {
    let holds = |text: &str| text.to_lowercase().contains(query);
    query.is_empty()
        || holds(pin.label.as_str())
        || holds(pin.identity.name.as_str())
        || holds(pin.identity.issued_by.as_str())
        || pin.identity.device_id.as_ref().is_some_and(|id| holds(id.as_str()))
        || pin.endpoint.to_string().contains(query)
}

/// Opens one of a row's questions, and nothing else.
fn ask_in(row: &Element, question: &str, focused: &str) -> Result<()> {
    for part in dom::all::<Element>(row, ".pin-question, .pin-actions")? {
        dom::show(&part, part.matches(question)?)?;
    }
    if let Some(focused) = row_part(row, focused) {
        dom::focus(&focused);
    }
    Ok(())
}

/// Closes a row's question.
fn leave(row: &Element) -> Result<()> {
    for part in dom::all::<Element>(row, ".pin-question, .pin-actions")? {
        dom::show(&part, part.matches(".pin-actions")?)?;
    }
    if let Some(button) = row_part(row, ".pin-rename") {
        dom::focus(&button);
    }
    Ok(())
}

fn row_part(inside: &Element, selector: &str) -> Option<Element> {
    inside.closest("li.pin").ok()??.query_selector(selector).ok()?
}

/// As many rows as are built at once.
const PORTION: usize = 100;
const BUSY_MILLIS: i32 = 1_500;
const CALM_MILLIS: i32 = 10_000;
