//! What a person can set, each with what follows from it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use housekey_core::effect::PageReply;
use housekey_core::protocol::{Request, Settings};
use wasm_bindgen::prelude::*;
use web_sys::{Element, HtmlInputElement};

use super::super::PageHost;
use super::super::dom::{self, Result};
use super::super::text::Values;
use super::notice::{done, refused};

/// The settings, as the helper last said.
pub(super) struct SettingsView {
    host: PageHost,
    known: Cell<Option<Settings>>,
    names: RefCell<Option<Vec<String>>>,
}

impl SettingsView {
    /// Nothing is known yet.
    pub(super) fn new(host: &PageHost) -> Self {
        Self {
            host: host.clone(),
            known: Cell::default(),
            names: RefCell::default(),
        }
    }

    /// Hears what the person changes.
    pub(super) fn listen(self: &Rc<Self>) -> Result<()> {
        let view: Element = dom::element("view-settings")?;
        let settings = Rc::clone(self);
        dom::listen(&view, "change", move |event| {
            let input = event.target().and_then(|it| it.dyn_into().ok());
            if let Some(input) = input {
                dom::log(settings.changed(&input));
            }
        })?;
        let settings = Rc::clone(self);
        dom::listen(&view, "click", move |event| {
            if let Some((action, _)) = dom::action(&event) {
                dom::log(settings.answered(&action));
            }
        })
    }

    /// Shows what the helper said.
    pub(super) fn show(&self, settings: Option<Settings>, names: &[String]) -> Result<()> {
        if self.names.borrow().as_deref() != Some(names) {
            self.show_names(names)?;
            self.names.replace(Some(names.to_vec()));
        }
        if self.known.get() != settings || settings.is_none() {
            self.known.set(settings);
            self.show_settings()?;
        }
        Ok(())
    }

    fn show_settings(&self) -> Result<()> {
        let known = self.known.get();
        let settings = known.unwrap_or_default();
        for (id, ticked) in [
            ("unverified-ask", !settings.refuse_unverified),
            ("unverified-refuse", settings.refuse_unverified),
            ("expired-ask", !settings.refuse_expired),
            ("expired-refuse", settings.refuse_expired),
            ("clear-on-override", settings.clear_on_override),
            ("shared-address-space", settings.shared_address_space),
        ] {
            let input = dom::element::<HtmlInputElement>(&format!("setting-{id}"))?;
            input.set_checked(known.is_some() && ticked);
            input.set_disabled(known.is_none());
        }
        dom::show(&dom::element("clear-question")?, false)?;
        let danger = known.is_some() && !settings.clear_on_override;
        dom::show(&dom::element("clear-danger")?, danger)?;
        dom::show(&dom::element("clear-hint")?, !danger)?;
        let described_by = if danger { "clear-danger" } else { "clear-hint" };
        dom::element::<Element>("setting-clear-on-override")?
            .set_attribute("aria-describedby", described_by)
    }

    fn show_names(&self, names: &[String]) -> Result<()> {
        let mut values = Values::default();
        values.set("names", names.join(", "));
        let names = dom::instance("local-names", &self.host, &values)?;
        dom::element::<Element>("names")?.replace_children_with_node_1(&names);
        Ok(())
    }

    fn changed(self: &Rc<Self>, input: &HtmlInputElement) -> Result<()> {
        let Some(mut settings) = self.known.get() else {
            return Ok(());
        };
        let ticked = input.checked();
        match input.id().as_str() {
            "setting-unverified-ask" => settings.refuse_unverified = !ticked,
            "setting-unverified-refuse" => settings.refuse_unverified = ticked,
            "setting-expired-ask" => settings.refuse_expired = !ticked,
            "setting-expired-refuse" => settings.refuse_expired = ticked,
            "setting-shared-address-space" => settings.shared_address_space = ticked,
            "setting-clear-on-override" if ticked => settings.clear_on_override = true,
            "setting-clear-on-override" => {
                // Until the person has said it twice, it stays on.
                input.set_checked(true);
                dom::show(&dom::element("clear-question")?, true)?;
                dom::focus(&dom::element("clear-keep")?);
                return Ok(());
            }
            _ => return Ok(()),
        }
        self.save(settings);
        Ok(())
    }

    fn answered(self: &Rc<Self>, action: &str) -> Result<()> {
        match (action, self.known.get()) {
            ("clear-off", Some(settings)) => self.save(Settings {
                clear_on_override: false,
                ..settings
            }),
            ("clear-keep", _) => self.show_settings()?,
            _ => return Ok(()),
        }
        dom::focus(&dom::element("setting-clear-on-override")?);
        Ok(())
    }

    fn save(self: &Rc<Self>, settings: Settings) {
        let view = Rc::clone(self);
        dom::spawn(async move {
            let request = Request::Settings { settings };
            let reply = view.host.ask(&request).await?;
            let saved = matches!(reply, PageReply::Done);
            if saved {
                view.known.set(Some(settings));
            }
            view.show_settings()?;
            if saved {
                done(&view.host, "notice_saved", "")
            } else {
                refused(&view.host, &reply)
            }
        });
    }
}
