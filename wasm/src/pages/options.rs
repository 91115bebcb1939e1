//! The options page: how the helper is, and a view for each thing that a person can look after.

mod checkup;
mod deeds;
mod device;
mod devices;
mod history;
mod listing;
mod makers;
mod notice;
mod rows;
mod settings;
mod sites;
mod transfer;

use std::cell::Cell;
use std::rc::Rc;

use housekey_core::effect::{HelperStatus, PageReply};
use housekey_core::endpoint::Endpoint;
use housekey_core::event::PageRequest;
use wasm_bindgen::prelude::*;
use web_sys::{Element, Event};

use self::devices::Devices;
use self::history::Of;
use self::makers::Makers;
use self::notice::refused;
use self::settings::SettingsView;
use self::sites::Sites;
use self::transfer::Transfer;
use super::PageHost;
use super::dom::{self, Result};
use super::text::{Values, code};

struct OptionsPage {
    host: PageHost,
    devices: Rc<Devices>,
    makers: Rc<Makers>,
    settings: Rc<SettingsView>,
    sites: Rc<Sites>,
    /// Whether the devices have been asked for.
    loaded: Cell<bool>,
    helper_works: Cell<bool>,
}

/// Runs the options page.
///
/// # Errors
///
/// Where the page's HTML lacks something.
#[wasm_bindgen]
pub async fn start_options_page(host: PageHost) -> Result<()> {
    dom::localise(&host)?;
    let devices = Rc::new(Devices::new(&host)?);
    let transfer = Rc::new(Transfer::new(&host, &devices));
    let page = Rc::new(OptionsPage {
        makers: Rc::new(Makers::new(&host)?),
        settings: Rc::new(SettingsView::new(&host)),
        sites: Rc::new(Sites::new(&host)),
        devices,
        loaded: Cell::default(),
        helper_works: Cell::default(),
        host,
    });
    page.devices.listen()?;
    page.makers.listen()?;
    page.settings.listen()?;
    page.sites.listen()?;
    transfer.listen()?;
    page.listen()?;
    page.turn_to_view(false)?;
    page.watch().await
}

impl OptionsPage {
    fn listen(self: &Rc<Self>) -> Result<()> {
        notice::listen()?;
        let page = Rc::clone(self);
        dom::listen(&dom::window()?, "hashchange", move |_| {
            dom::log(page.turn_to_view(true));
        })?;
        let page = Rc::clone(self);
        dom::listen(&dom::document()?, "click", move |event| {
            page.clicked(&event)
        })
    }

    fn clicked(self: &Rc<Self>, event: &Event) {
        let Some((action, button)) = dom::action(event) else {
            return;
        };
        match action.as_str() {
            "check-up" => {
                let host = self.host.clone();
                dom::spawn(async move { checkup::begin(&host).await });
            }
            "notice-hide" => dom::log(notice::hide()),
            "history-more" => {
                // Those of a device belong to the list of devices.
                if let Ok(Some(all)) = button.closest("#history") {
                    let page = Rc::clone(self);
                    dom::spawn(async move {
                        history::more(&page.host, &all, Of::All(&page.devices)).await
                    });
                }
            }
            _ => {}
        }
    }

    /// Shows how the helper is, again and again, and the devices as soon as it works.
    async fn watch(&self) -> Result<()> {
        loop {
            let reply = self.host.ask(&PageRequest::Status).await?;
            let helper = match &reply {
                PageReply::Status { helper, .. } => *helper,
                _ => HelperStatus::Down,
            };
            self.show_status(reply)?;
            let works = helper == HelperStatus::Ok;
            // The other views tell of devices by what is known of them.
            if works && !self.loaded.get() {
                self.loaded.set(self.devices.load().await?);
                self.reveal_wanted()?;
            }
            if works && !self.helper_works.replace(works) {
                self.fill_view().await?;
            }
            self.helper_works.set(works);
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
            proxy,
            no_access,
        } = reply
        else {
            return refused(&self.host, &reply);
        };
        self.settings.show(settings, &local_names)?;
        let mut values = Values::default();
        values.set("status", code(&helper));
        values.set_some("version", version);
        let holder = proxy.filter(|_| helper == HelperStatus::Ok);
        let lost = holder.is_some();
        values.flag("proxy_lost", lost && !no_access);
        values.flag("no_access", no_access);
        values.flag("plain", !lost && !no_access);
        let lost = lost || no_access;
        values.set("lost", if lost { "lost" } else { "" });
        values.set_some("holder", holder.as_ref().map(code));
        let all_is_well = matches!(helper, HelperStatus::Ok | HelperStatus::Starting);
        values.flag("to_do", !all_is_well);
        values.flag("unusable", helper == HelperStatus::Unusable);

        // What is the same already is not said again to those who listen to the page.
        let status: Element = dom::element("status")?;
        let known = format!("{} {holder:?} {no_access}", code(&helper));
        if status.get_attribute("data-known") == Some(known.clone()) {
            return Ok(());
        }
        let content = dom::instance("helper", &self.host, &values)?;
        status.replace_children_with_node_1(&content);
        status.set_attribute("data-known", &known)?;
        status.set_attribute("data-status", &code(&helper))?;
        status.toggle_attribute_with_force("data-lost", lost)?;
        if !self.loaded.get() {
            let by_itself = all_is_well || helper == HelperStatus::Down;
            self.devices.tell_unknown(by_itself)?;
        }
        self.devices.set_guarded(!lost)
    }

    /// Shows the view that the address names, and leads the keyboard there if the person asked.
    fn turn_to_view(self: &Rc<Self>, asked: bool) -> Result<()> {
        let wanted = wanted()?;
        for view in dom::all::<Element>(&dom::element("main")?, ".view")? {
            dom::show(&view, view.id() == format!("view-{wanted}"))?;
        }
        for link in dom::all::<Element>(&dom::element("views")?, "a")? {
            if link.get_attribute("href").as_deref() == Some(&format!("#{wanted}")) {
                link.set_attribute("aria-current", "page")?;
            } else {
                link.remove_attribute("aria-current")?;
            }
        }
        dom::entitle(&self.host)?;
        self.devices.lay()?;
        if asked {
            dom::window()?.scroll_to_with_x_and_y(0.0, 0.0);
            dom::focus(&dom::element(&format!("{wanted}-title"))?);
        }
        if self.loaded.get() {
            self.reveal_wanted()?;
        }
        if wanted == CHECKUP {
            // Also, and above all, where the helper does not work.
            let host = self.host.clone();
            dom::spawn(async move { checkup::begin(&host).await });
        }
        if self.helper_works.get() {
            let page = Rc::clone(self);
            dom::spawn(async move { page.fill_view().await });
        }
        Ok(())
    }

    /// Asks for what the view shows, as it is now.
    async fn fill_view(&self) -> Result<()> {
        match wanted()?.as_str() {
            "history" => {
                let all = dom::element("history")?;
                history::begin(&self.host, &all, &self.devices).await
            }
            "makers" => self.makers.load().await,
            "settings" => self.sites.load().await,
            _ => Ok(()),
        }
    }

    /// Opens the device that the address names.
    fn reveal_wanted(&self) -> Result<()> {
        let hash = dom::window()?.location().hash()?;
        let Some(endpoint) = hash.strip_prefix(DEVICE) else {
            return Ok(());
        };
        // Whoever writes an address may write brackets of IPv6 as they like.
        let endpoint = js_sys::decode_uri_component(endpoint).map(String::from);
        let known = match endpoint.ok().and_then(|it| it.parse::<Endpoint>().ok()) {
            Some(endpoint) => self.devices.reveal(&endpoint)?,
            None => false,
        };
        if known {
            return Ok(());
        }
        let code = housekey_core::error::ErrorCode::NotPinned;
        refused(&self.host, &PageReply::Error { code })
    }
}

/// The name of the view that the address names, or of the first one.
fn wanted() -> Result<String> {
    let hash = dom::window()?.location().hash()?;
    let name = hash.trim_start_matches('#');
    let known = VIEWS.contains(&name);
    Ok(if known { name } else { VIEWS[0] }.to_owned())
}

const VIEWS: [&str; 6] = [
    "devices", "history", "makers", "transfer", "settings", CHECKUP,
];
const CHECKUP: &str = "checkup";
/// Begins the part of the address that names a device.
const DEVICE: &str = "#device=";
const BUSY_MILLIS: i32 = 1_000;
const CALM_MILLIS: i32 = 5_000;
