//! The options page: how the helper is, the devices that a person trusts, and the settings.

use std::cell::Cell;
use std::rc::Rc;

use housekey_core::effect::{HelperStatus, PageReply};
use housekey_core::error::ErrorCode;
use housekey_core::event::PageRequest;
use housekey_core::protocol::Settings;
use wasm_bindgen::prelude::*;
use web_sys::{Element, HtmlInputElement};

use super::PageHost;
use super::devices::Devices;
use super::dom::{self, Result};
use super::text::{Values, code};

struct OptionsPage {
    host: PageHost,
    devices: Rc<Devices>,
    /// Whether the devices have been asked for.
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
        devices: Rc::new(Devices::new(&host)?),
        loaded: Cell::default(),
        host,
    });
    page.devices.listen()?;
    let changing = Rc::clone(&page);
    let shared: Element = dom::element(SHARED_ADDRESS_SPACE)?;
    dom::listen(&shared, "change", move |_| {
        let page = Rc::clone(&changing);
        dom::spawn(async move { page.change_settings().await });
    })?;
    page.watch().await
}

impl OptionsPage {
    /// Shows how the helper is, again and again, and the devices as soon as it works.
    async fn watch(&self) -> Result<()> {
        loop {
            let reply = self.host.ask(&PageRequest::Status).await?;
            let helper = match &reply {
                PageReply::Status { helper, .. } => *helper,
                _ => HelperStatus::Down,
            };
            self.show_status(reply)?;
            if helper == HelperStatus::Ok && !self.loaded.get() {
                self.loaded.set(self.devices.load().await?);
            }
            let changing = matches!(helper, HelperStatus::Down | HelperStatus::Starting);
            dom::sleep(if changing { BUSY_MILLIS } else { CALM_MILLIS }).await?;
        }
    }

    fn show_status(&self, reply: PageReply) -> Result<()> {
        let PageReply::Status {
            helper,
            version,
            settings,
            local_names,
            proxy_is_ours,
        } = reply
        else {
            return refused(&self.host, &reply);
        };
        let mut values = Values::default();
        values.set("status", code(&helper));
        values.set_some("version", version);
        values.set("names", local_names.join(", "));
        let lost = helper == HelperStatus::Ok && proxy_is_ours == Some(false);
        values.flag("proxy_lost", lost);

        // What is the same already is not said again to those who listen to the page.
        let status: Element = dom::element("status")?;
        let known = format!("{} {lost} {settings:?}", code(&helper));
        if status.get_attribute("data-known") == Some(known.clone()) {
            return Ok(());
        }
        let content = dom::instance("helper", &self.host, &values)?;
        status.replace_children_with_node_1(&content);
        status.set_attribute("data-known", &known)?;
        status.set_attribute("data-status", &code(&helper))?;
        let names = dom::instance("local-names", &self.host, &values)?;
        dom::element::<Element>("names")?.replace_children_with_node_1(&names);
        let shared: HtmlInputElement = dom::element(SHARED_ADDRESS_SPACE)?;
        shared.set_disabled(settings.is_none());
        shared.set_checked(settings.is_some_and(|it| it.shared_address_space));
        Ok(())
    }

    async fn change_settings(&self) -> Result<()> {
        let shared_address_space = dom::is_ticked(SHARED_ADDRESS_SPACE)?;
        let settings = Settings {
            shared_address_space,
            ..Settings::default()
        };
        let reply = self.host.ask(&PageRequest::Settings { settings }).await?;
        if matches!(reply, PageReply::Done) {
            return done(&self.host, "notice_saved", "");
        }
        dom::element::<HtmlInputElement>(SHARED_ADDRESS_SPACE)?.set_checked(!shared_address_space);
        refused(&self.host, &reply)
    }
}

/// Says that something was done.
pub(super) fn done(host: &PageHost, key: &str, address: &str) -> Result<()> {
    let mut values = Values::default();
    values.set("key", key);
    values.set("address", address);
    say(&dom::instance("notice-done", host, &values)?)
}

/// Says that something was not done, and what to do.
pub(super) fn refused(host: &PageHost, reply: &PageReply) -> Result<()> {
    let error = match reply {
        PageReply::Error { code } => *code,
        _ => ErrorCode::BadMessage,
    };
    let mut values = Values::default();
    values.set("error", code(&error));
    say(&dom::instance("notice-error", host, &values)?)
}

fn say(notice: &Element) -> Result<()> {
    let place: Element = dom::element("notice")?;
    place.replace_children_with_node_1(notice);
    dom::show(&place, true)
}

const SHARED_ADDRESS_SPACE: &str = "setting-shared-address-space";
const BUSY_MILLIS: i32 = 1_000;
const CALM_MILLIS: i32 = 5_000;
