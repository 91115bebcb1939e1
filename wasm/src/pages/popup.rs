//! The toolbar's popup: who the device in this tab is, and what to do about it.

use std::cell::RefCell;
use std::rc::Rc;

use housekey_core::effect::PageReply;
use housekey_core::endpoint::Endpoint;
use housekey_core::error::ErrorCode;
use housekey_core::event::{PageRequest, Tab};
use housekey_core::protocol::Request;
use housekey_core::view::{PopupState, PopupView, WantView};
use tsify::Tsify as _;
use wasm_bindgen::prelude::*;
use web_sys::Element;

use super::dom::{self, Result};
use super::text::{Values, code, tell_name};
use super::{Asking, PageHost};

struct Popup {
    host: PageHost,
    main: Element,
    tab: Tab,
    view: RefCell<Option<PopupView>>,
}

/// Runs the popup.
///
/// # Errors
///
/// Where the page's HTML lacks something.
#[wasm_bindgen]
pub async fn start_popup_page(host: PageHost) -> Result<()> {
    dom::localise(&host)?;
    let popup = Rc::new(Popup {
        tab: Tab::from_js(host.tab().await?).map_err(JsError::from)?,
        main: dom::element("popup")?,
        view: RefCell::default(),
        host,
    });
    let acting = Rc::clone(&popup);
    dom::listen(&popup.main, "click", move |event| {
        if let Some((action, button)) = dom::action(&event) {
            let popup = Rc::clone(&acting);
            dom::spawn(async move { popup.act(&action, &button).await });
        }
    })?;
    popup.look().await
}

impl Popup {
    /// Asks who the tab's device is, and shows it.
    async fn look(&self) -> Result<()> {
        let request = PageRequest::Popup {
            tab_id: self.tab.tab_id,
            url: self.tab.url.clone(),
        };
        let reply = self.host.ask(&request).await?;
        let PageReply::Popup { view } = reply else {
            return self.refused(&reply);
        };
        self.render(&code(&view.state), &values(&self.host, &view))?;
        if let Some(link) = dom::part::<Element>(&self.main, "a.show")? {
            let device = view.endpoint.as_ref().map(Endpoint::to_string);
            let device = device.unwrap_or_default();
            link.set_attribute("href", &format!("{DEVICE}{device}"))?;
        }
        self.show_wants(&view)?;
        self.show_others(&view)?;
        self.view.replace(Some(view));
        Ok(())
    }

    async fn act(&self, action: &str, button: &Element) -> Result<()> {
        let here = self
            .view
            .borrow()
            .as_ref()
            .and_then(|it| it.endpoint.clone());
        // One of several that were put off names itself.
        let named = button.get_attribute("data-endpoint");
        let endpoint = named.and_then(|it| it.parse().ok()).or(here);
        match (action, endpoint) {
            ("go", _) => dom::window()?.close(),
            ("forget", _) => self.ask_whether(true),
            ("keep", _) => self.ask_whether(false),
            ("want" | "want-keep", _) => want_whether(button, action == "want"),
            ("want-confirm", _) => self.allow(button).await,
            ("ask-again", Some(endpoint)) => {
                let tab_id = self.tab.tab_id;
                let request = PageRequest::AskAgain { endpoint, tab_id };
                if self.done(&request).await? {
                    dom::window()?.close()
                } else {
                    Ok(())
                }
            }
            ("block", Some(endpoint)) => {
                let request = Request::Block {
                    endpoint,
                    blocked: true,
                };
                if self.done(&request).await? {
                    self.look().await
                } else {
                    Ok(())
                }
            }
            ("forget-confirm", Some(endpoint)) => {
                let address = endpoint.display_name();
                if !self.done(&Request::Forget { endpoint }).await? {
                    return Ok(());
                }
                let mut values = Values::default();
                values.set("address", address);
                self.render("forgotten", &values)?;
                dom::focus(&dom::element("company")?);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Asks the background for something; what goes wrong is shown.
    async fn done(&self, request: &impl Asking) -> Result<bool> {
        let reply = self.host.ask(request).await?;
        let done = matches!(reply, PageReply::Done);
        if !done {
            self.refused(&reply)?;
        }
        Ok(done)
    }

    /// Shows which sites wanted a device from this tab and were not let through.
    fn show_wants(&self, view: &PopupView) -> Result<()> {
        let content = match self.main.first_element_child() {
            Some(content) if !view.wants.is_empty() => content,
            _ => return Ok(()),
        };
        let block = dom::instance("wants", &self.host, &Values::default())?;
        if let Some(list) = dom::part::<Element>(&block, "ul")? {
            for (index, want) in view.wants.iter().enumerate() {
                let item = dom::instance("want", &self.host, &want_values(&self.host, want))?;
                item.set_attribute("data-index", &index.to_string())?;
                list.append_child(&item)?;
            }
        }
        content.append_child(&block).map(drop)
    }

    /// Lets the site of this item reach its device.
    async fn allow(&self, button: &Element) -> Result<()> {
        let Some(item) = button.closest("li")? else {
            return Ok(());
        };
        let index = item.get_attribute("data-index");
        let index = index.and_then(|it| it.parse::<usize>().ok());
        let want = {
            let view = self.view.borrow();
            let wants = view.as_ref().map(|view| view.wants.as_slice());
            index.and_then(|it| wants?.get(it).cloned())
        };
        let Some(want) = want else {
            return Ok(());
        };
        let values = want_values(&self.host, &want);
        let request = PageRequest::AllowSite {
            tab_id: self.tab.tab_id,
            site: want.site,
            endpoint: want.endpoint,
        };
        let reply = self.host.ask(&request).await?;
        if !matches!(reply, PageReply::Sites { .. }) {
            return self.refused(&reply);
        }
        let done = dom::instance("want-done", &self.host, &values)?;
        item.replace_with_with_node_1(&done)?;
        dom::focus(&done);
        Ok(())
    }

    fn ask_whether(&self, asked: bool) -> Result<()> {
        dom::show(&dom::element("deeds")?, !asked)?;
        dom::show(&dom::element("forgetting")?, asked)?;
        dom::focus(&dom::element(if asked { "keep" } else { "forget" })?);
        Ok(())
    }

    /// Shows what else the person put off, each with a way back to the question.
    fn show_others(&self, view: &PopupView) -> Result<()> {
        let is_here = |it: &&Endpoint| {
            view.state == PopupState::Declined && view.endpoint.as_ref() == Some(*it)
        };
        let others: Vec<_> = view.declined.iter().filter(|it| !is_here(it)).collect();
        let content = match self.main.first_element_child() {
            Some(content) if !others.is_empty() => content,
            _ => return Ok(()),
        };
        let block = dom::instance("others", &self.host, &Values::default())?;
        if let Some(list) = dom::part::<Element>(&block, "ul")? {
            for endpoint in others.into_iter().take(MAX_OTHERS) {
                let mut values = Values::default();
                values.set("address", endpoint.display_name());
                let item = dom::instance("other", &self.host, &values)?;
                if let Some(button) = dom::part::<Element>(&item, "button")? {
                    button.set_attribute("data-endpoint", &endpoint.to_string())?;
                }
                list.append_child(&item)?;
            }
        }
        content.append_child(&block).map(drop)
    }

    fn refused(&self, reply: &PageReply) -> Result<()> {
        let error = match reply {
            PageReply::Error { code } => *code,
            _ => ErrorCode::BadMessage,
        };
        let mut values = Values::default();
        values.set("error", code(&error));
        self.render("error", &values)?;
        // The sentence stands as a heading here.
        if let Some(heading) = dom::part::<Element>(&self.main, "h1")? {
            let words = heading.text_content().unwrap_or_default();
            heading.set_text_content(Some(words.trim_end_matches('.')));
        }
        Ok(())
    }

    fn render(&self, state: &str, values: &Values) -> Result<()> {
        let content = dom::instance(&format!("state-{state}"), &self.host, values)?;
        self.main.replace_children_with_node_1(&content);
        self.main.set_attribute("data-state", state)
    }
}

fn want_values(host: &PageHost, want: &WantView) -> Values {
    let mut values = Values::default();
    tell_name(&mut values, &want.name, &want.identity, host);
    values.set("site", want.site.as_str());
    values.set("address", want.address.as_str());
    values
}

/// Asks whether to let a site in, or no longer.
fn want_whether(button: &Element, asked: bool) -> Result<()> {
    let Some(item) = button.closest("li")? else {
        return Ok(());
    };
    for (part, shown) in [(".want-allow", !asked), (".question", asked)] {
        if let Some(part) = dom::part::<Element>(&item, part)? {
            dom::show(&part, shown)?;
        }
    }
    let next = if asked { ".want-keep" } else { ".want-allow" };
    if let Some(next) = dom::part::<Element>(&item, next)? {
        dom::focus(&next);
    }
    Ok(())
}

fn values(host: &PageHost, view: &PopupView) -> Values {
    let mut values = Values::default();
    values.set_some("address", view.address.as_deref());
    values.set("status", code(&view.helper));
    values.set_some("holder", view.proxy.as_ref().map(code));
    let alpn = view.live.as_ref().and_then(|live| live.alpn.as_ref());
    let http = alpn.map(|alpn| match alpn.as_str() {
        "h2" => "HTTP/2",
        "http/1.1" => "HTTP/1.1",
        other => other,
    });
    values.set_some("http", http);
    values.flag("at_rest", view.live.is_none());
    values.set_some("tls", view.live.as_ref().map(|live| code(&live.tls)));
    values.flag("tls_only", view.live.is_some() && http.is_none());
    let Some(trusted) = &view.trusted else {
        return values;
    };
    let identity = &trusted.identity;
    tell_name(&mut values, &trusted.name, identity, host);
    values.flag("named", view.state != PopupState::Trusted);
    let was_there = view.state == PopupState::Warning;
    values.set("when", if was_there { "before" } else { "now" });
    let blocked = view.state == PopupState::Blocked;
    values.set("list", if blocked { "listed" } else { "trusted" });
    // A maker vouches for its own name: that is said once.
    let verified_by = identity.verified_by.as_ref();
    values.flag("says_so", verified_by == Some(&identity.name));
    values.set_some(
        "verified_by",
        identity.verified_by.as_ref().map(|it| it.as_str()),
    );
    values.set_some("device", identity.device_id.as_ref().map(|it| it.as_str()));
    values.set("tier", code(&identity.tier));
    values.set("since", host.date(trusted.since));
    values.set("note", trusted.note.as_str());
    values.set("words", trusted.words.as_str());
    values
}

/// Where the options page shows a device.
const DEVICE: &str = "../options/options.html#device=";
/// As many as fit under the rest.
const MAX_OTHERS: usize = 5;
