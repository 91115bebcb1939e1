//! The devices that a person trusts or blocked: looking for them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use housekey_core::effect::PageReply;
use housekey_core::endpoint::Endpoint;
use housekey_core::pin::Pin;
use housekey_core::protocol::Request;
use wasm_bindgen::prelude::*;
use web_sys::{Element, Event, HtmlInputElement, HtmlSelectElement, KeyboardEvent, ResizeObserver};

use super::super::dom::{self, Result};
use super::super::text::{Values, now, plural};
use super::super::{PageHost, opened};
use super::device;
use super::history::{self, Of};
use super::listing::Listing;
use super::notice::refused;
use super::rows::{Rows, Source};

/// The devices, and the rows that show them.
pub(super) struct Devices {
    pub(super) host: PageHost,
    view: Element,
    pub(super) listing: RefCell<Listing>,
    pub(super) rows: Rows,
    /// Sees when the open row grows or shrinks.
    sizes: RefCell<Option<ResizeObserver>>,
    loading: Cell<bool>,
    /// Whether a device that is opened now would come to Housekey.
    guarded: Cell<bool>,
}

impl Source for Devices {
    fn count(&self) -> usize {
        self.listing.borrow().found()
    }

    fn row(&self, place: usize) -> Result<Element> {
        let listing = self.listing.borrow();
        let pin = listing.at(place).ok_or("no such device")?;
        device::row(&self.host, pin, listing.state(pin))
    }
}

impl Devices {
    /// No devices yet.
    pub(super) fn new(host: &PageHost) -> Result<Self> {
        Ok(Self {
            host: host.clone(),
            view: dom::element("view-devices")?,
            listing: RefCell::default(),
            rows: Rows::new(dom::element("pins")?),
            sizes: RefCell::default(),
            loading: Cell::default(),
            guarded: Cell::new(true),
        })
    }

    /// Hears what the person does with them.
    pub(super) fn listen(self: &Rc<Self>) -> Result<()> {
        let devices = Rc::clone(self);
        dom::listen(&self.view, "click", move |event| devices.clicked(&event))?;
        let devices = Rc::clone(self);
        dom::listen(&self.view, "submit", move |event| devices.submitted(&event))?;
        let devices = Rc::clone(self);
        dom::listen(self.rows.list(), "keydown", move |event| {
            if let Some(event) = event.dyn_ref::<KeyboardEvent>() {
                dom::log(devices.pressed(event));
            }
        })?;
        let devices = Rc::clone(self);
        dom::listen(self.rows.list(), "focusin", move |event| {
            let place = target(&event).and_then(|it| devices.place_of(&it));
            devices.rows.set_current(place);
        })?;
        for (id, kind) in [
            ("search", "input"),
            ("sort", "change"),
            ("filter", "change"),
        ] {
            let devices = Rc::clone(self);
            let field: Element = dom::element(id)?;
            dom::listen(&field, kind, move |_| dom::log(devices.choose()))?;
        }
        for kind in ["scroll", "resize"] {
            let devices = Rc::clone(self);
            dom::listen(&dom::window()?, kind, move |_| dom::log(devices.lay()))?;
        }
        let devices = Rc::clone(self);
        let resized = Closure::<dyn FnMut()>::new(move || dom::log(devices.lay()));
        let observer = ResizeObserver::new(resized.as_ref().unchecked_ref())?;
        resized.forget();
        self.sizes.replace(Some(observer));
        Ok(())
    }

    /// Asks the helper for all of them; says whether it answered.
    pub(super) async fn load(&self) -> Result<bool> {
        if self.loading.replace(true) {
            return Ok(false);
        }
        let whole = self.ask_for_all().await;
        self.loading.set(false);
        self.rows.list().remove_attribute("aria-busy")?;
        self.rank()?;
        self.arrange()?;
        whole
    }

    async fn ask_for_all(&self) -> Result<bool> {
        self.rows.list().set_attribute("aria-busy", "true")?;
        self.listing.borrow_mut().clear(now());
        let mut after = None;
        loop {
            let request = Request::Pins {
                after: after.take(),
            };
            let reply = self.host.ask(&request).await?;
            let PageReply::Pins { pins, more } = reply else {
                refused(&self.host, &reply)?;
                return Ok(false);
            };
            let pins = match opened(pins) {
                Ok(pins) => pins,
                Err(reply) => {
                    refused(&self.host, &reply)?;
                    return Ok(false);
                }
            };
            after = pins.last().map(|pin| pin.endpoint.clone());
            let first = self.listing.borrow().len() == 0;
            self.listing.borrow_mut().extend(pins);
            if !more || after.is_none() {
                return Ok(true);
            }
            // The first page is there at once; the rest comes together.
            if first {
                self.rank()?;
                self.arrange()?;
            }
        }
    }

    /// All devices, in the order of their addresses.
    pub(super) fn pins(&self) -> Vec<Pin> {
        self.listing.borrow().pins()
    }

    /// Shows a device, open; says whether there is one at this endpoint.
    pub(super) fn reveal(&self, endpoint: &Endpoint) -> Result<bool> {
        if self.listing.borrow().pin(endpoint).is_none() {
            return Ok(false);
        }
        if self.place(endpoint).is_none() {
            dom::element::<HtmlInputElement>("search")?.set_value("");
            dom::element::<HtmlSelectElement>("filter")?.set_value("all");
            self.choose()?;
        }
        if let Some(place) = self.place(endpoint) {
            self.rows.go(place, self)?;
            if self.rows.opened() != Some(place) {
                self.toggle(place)?;
            }
            self.rows.go(place, self)?;
        }
        Ok(true)
    }

    /// Builds what is in view, after it has changed or become visible.
    pub(super) fn lay(&self) -> Result<()> {
        self.rows.lay(self)
    }

    fn choose(&self) -> Result<()> {
        let sort = dom::element::<HtmlSelectElement>("sort")?.value();
        let changed = sort.parse().ok() != Some(self.listing.borrow().sort());
        if changed { self.arrange() } else { self.find() }
    }

    /// Asks the browser for the order of names.
    fn rank(&self) -> Result<()> {
        let names = self.listing.borrow().names();
        let order = self.host.order(names)?;
        self.listing.borrow_mut().rank(order);
        Ok(())
    }

    /// Puts all devices in order, and shows those that are looked for.
    fn arrange(&self) -> Result<()> {
        let sort = dom::element::<HtmlSelectElement>("sort")?.value();
        let sort = sort.parse().unwrap_or_default();
        self.keeping_rows(|listing| listing.arrange(sort));
        self.find()
    }

    fn find(&self) -> Result<()> {
        let query = dom::element::<HtmlInputElement>("search")?.value();
        let filter = dom::element::<HtmlSelectElement>("filter")?.value();
        let filter = filter.parse().unwrap_or_default();
        self.keeping_rows(|listing| listing.choose(&query, filter));
        self.lay()?;
        self.tell_count()
    }

    /// Rearranges devices under the rows that exist: the open one stays open.
    fn keeping_rows(&self, change: impl FnOnce(&mut Listing)) {
        let at = |place| {
            self.rows
                .element(place)
                .and_then(|row| device::endpoint_of(&row))
        };
        let (open, current) = (self.rows.opened(), self.rows.current());
        let (open, current) = (open.and_then(at), current.and_then(at));
        change(&mut self.listing.borrow_mut());
        let place = |endpoint: Option<Endpoint>| self.place(&endpoint?);
        self.rows.reorder(place(open), place(current));
    }

    pub(super) fn tell_count(&self) -> Result<()> {
        let (all, found) = {
            let listing = self.listing.borrow();
            (listing.len(), listing.found())
        };
        let mut values = Values::default();
        values.set("count", self.host.number(all));
        values.set("found", self.host.number(found));
        let state = match (all, found) {
            _ if self.loading.get() => "loading",
            (0, _) if self.guarded.get() => "empty",
            (0, _) => "none",
            (all, found) if found < all => "some",
            (all, _) => plural(all),
        };
        values.set("state", state);
        self.say_count(&values)?;
        let nothing = all > 0 && found == 0 && !self.loading.get();
        dom::show(&dom::element("nothing-found")?, nothing)?;
        dom::show(&dom::element("tools")?, all > 0)
    }

    /// Says whether the devices come by themselves, or only after something is mended.
    pub(super) fn tell_unknown(&self, by_themselves: bool) -> Result<()> {
        let mut values = Values::default();
        values.set("state", if by_themselves { "unknown" } else { "broken" });
        self.say_count(&values)
    }

    /// Nobody is invited to open a device that would not come to Housekey.
    pub(super) fn set_guarded(&self, guarded: bool) -> Result<()> {
        if self.guarded.replace(guarded) == guarded || self.listing.borrow().len() > 0 {
            return Ok(());
        }
        self.tell_count()
    }

    fn say_count(&self, values: &Values) -> Result<()> {
        let count = dom::instance("count", &self.host, values)?;
        dom::element::<Element>("count-place")?.replace_children_with_node_1(&count);
        Ok(())
    }

    /// Looks for nothing any more.
    fn show_all(&self) -> Result<()> {
        let search: HtmlInputElement = dom::element("search")?;
        search.set_value("");
        dom::element::<HtmlSelectElement>("filter")?.set_value("all");
        self.choose()?;
        dom::focus(&search);
        Ok(())
    }

    fn clicked(self: &Rc<Self>, event: &Event) {
        if let Some((action, button)) = dom::action(event) {
            if action == "show-all" {
                return dom::log(self.show_all());
            }
            let devices = Rc::clone(self);
            dom::spawn(async move { devices.act(&action, &button).await });
        }
        // What happened is asked for when somebody wants to see it.
        if let Some(history) = target(event).and_then(|it| history::opening(&it)) {
            let host = self.host.clone();
            let endpoint = device::endpoint_of(&history);
            if let Some(endpoint) = endpoint {
                dom::spawn(
                    async move { history::more(&host, &history, Of::Device(&endpoint)).await },
                );
            }
        }
    }

    /// Opens a row and closes the other, and keeps the row where the person sees it.
    pub(super) fn toggle(&self, place: usize) -> Result<()> {
        let before = self.top(place);
        let opened = self.rows.opened();
        if let Some(row) = opened.and_then(|place| self.rows.element(place)) {
            device::close(&row)?;
        }
        self.rows.set_open(None);
        self.rows.set_current(Some(place));
        if opened != Some(place) {
            if let Some(row) = self.rows.element(place) {
                self.open_row(&row, place)?;
                self.rows.set_open(Some(place));
            }
        }
        self.lay()?;
        dom::window()?.scroll_by_with_x_and_y(0.0, self.top(place) - before);
        Ok(())
    }

    pub(super) fn open_row(&self, row: &Element, place: usize) -> Result<()> {
        let listing = self.listing.borrow();
        let Some(pin) = listing.at(place) else {
            return Ok(());
        };
        let panel = device::open(row, &self.host, pin, listing.state(pin))?;
        if let Some(sizes) = &*self.sizes.borrow() {
            sizes.disconnect();
            sizes.observe(&panel);
        }
        Ok(())
    }

    /// The keys of a list, and Escape where something is asked.
    fn pressed(&self, event: &KeyboardEvent) -> Result<()> {
        let Some(element) = target(event) else {
            return Ok(());
        };
        if event.key() == "Escape" {
            return self.escape(&element);
        }
        let modified = event.ctrl_key() || event.alt_key() || event.meta_key() || event.shift_key();
        let last = self.count().saturating_sub(1);
        let Some(at) = self.place_of(&element) else {
            return Ok(());
        };
        if modified || !element.matches(".pin-open")? {
            return Ok(());
        }
        let page = self.rows.in_window()?;
        let to = match event.key().as_str() {
            "ArrowDown" => at + 1,
            "ArrowUp" => at.saturating_sub(1),
            "PageDown" => at + page,
            "PageUp" => at.saturating_sub(page),
            "Home" => 0,
            "End" => last,
            _ => return Ok(()),
        };
        event.prevent_default();
        self.rows.go(to.min(last), self)
    }

    /// Gives up a question, else closes the row.
    fn escape(&self, element: &Element) -> Result<()> {
        let Some(row) = row_of(element) else {
            return Ok(());
        };
        if element.closest(".pin-question")?.is_some() {
            return device::ask(&row, ".pin-actions", ".pin-rename");
        }
        match self.place_of(element) {
            Some(place) if self.rows.opened() == Some(place) => {
                self.toggle(place)?;
                self.rows.go(place, self)
            }
            _ => Ok(()),
        }
    }

    fn top(&self, place: usize) -> f64 {
        let row = self.rows.element(place);
        row.map_or(0.0, |row| row.get_bounding_client_rect().top())
    }

    pub(super) fn place(&self, endpoint: &Endpoint) -> Option<usize> {
        self.listing.borrow().place(endpoint)
    }

    fn place_of(&self, inside: &Element) -> Option<usize> {
        self.place(&device::endpoint_of(inside)?)
    }

    pub(super) fn with<T>(&self, endpoint: &Endpoint, look: impl FnOnce(&Pin) -> T) -> Option<T> {
        self.listing.borrow().pin(endpoint).map(look)
    }
}

pub(super) fn target(event: &Event) -> Option<Element> {
    event.target()?.dyn_into().ok()
}

pub(super) fn row_of(inside: &Element) -> Option<Element> {
    inside.closest("li.pin").ok()?
}
