//! The trust page: a question about one device, and the way of the answer to the core.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use housekey_core::certificate::{KeyKind, Oddity};
use housekey_core::effect::PageReply;
use housekey_core::error::ErrorCode;
use housekey_core::event::{Choice, PageRequest, PromptId};
use housekey_core::identity::{Identity, Tier};
use housekey_core::protocol::EXTENSION_DAYS;
use housekey_core::view::{CertificateView, Situation, TrustView};
use wasm_bindgen::prelude::*;
use web_sys::{Element, HtmlButtonElement, HtmlInputElement};

use super::PageHost;
use super::dom::{self, Result};
use super::text::{Values, code};

struct TrustPage {
    host: PageHost,
    prompt_id: PromptId,
    main: Element,
    /// What is shown, as long as there is a question.
    view: RefCell<Option<TrustView>>,
    armed: Cell<bool>,
    /// Counts what was shown, so that a timer arms only what it was started for.
    shown: Cell<u32>,
}

/// Runs the trust page.
///
/// # Errors
///
/// Where the page's HTML lacks something.
#[wasm_bindgen]
pub async fn start_trust_page(host: PageHost) -> Result<()> {
    dom::localise(&host)?;
    let location = dom::window()?.location().search()?;
    let prompt_id = location
        .strip_prefix("?prompt=")
        .and_then(|id| id.parse().ok());
    let page = Rc::new(TrustPage {
        prompt_id: PromptId(prompt_id.unwrap_or_default()),
        main: dom::element("main")?,
        view: RefCell::default(),
        armed: Cell::default(),
        shown: Cell::default(),
        host,
    });
    page.listen()?;
    let request = PageRequest::Trust {
        prompt_id: page.prompt_id,
    };
    let reply = page.host.ask(&request).await?;
    page.take(reply)
}

impl TrustPage {
    fn listen(self: &Rc<Self>) -> Result<()> {
        let page = Rc::clone(self);
        dom::listen(&self.main, "click", move |event| {
            if let Some((action, _)) = dom::action(&event) {
                let page = Rc::clone(&page);
                dom::spawn(async move { page.act(&action).await });
            }
        })?;
        let page = Rc::clone(self);
        dom::listen(&self.main, "input", move |_| dom::log(page.open_gates()))?;
        // What was hidden until now cannot have been read yet.
        let page = Rc::clone(self);
        dom::listen(&dom::document()?, "visibilitychange", move |_| {
            dom::log(page.arm_soon());
        })
    }

    async fn act(self: Rc<Self>, action: &str) -> Result<()> {
        // A decision names the key that this page shows, so that it cannot be taken for one about
        // a key that came meanwhile.
        let key = self.view.borrow().as_ref().and_then(|view| view.key);
        let choice = match (action, key) {
            ("approve", Some(key)) => Choice::Approve { key },
            ("replace", Some(key)) => Choice::Replace {
                key,
                typed_address: dom::element::<HtmlInputElement>("replace-address")?.value(),
            },
            ("retry", _) => Choice::Retry,
            // An empty page: going back could lead to this very device, and so to this question.
            _ => return dom::window()?.location().replace("about:blank"),
        };
        self.armed.set(false);
        self.open_gates()?;
        self.main.set_attribute("aria-busy", "true")?;
        let request = PageRequest::Decide {
            prompt_id: self.prompt_id,
            choice,
        };
        let reply = self.host.ask(&request).await;
        self.main.remove_attribute("aria-busy")?;
        self.take(reply?)
    }

    fn take(self: &Rc<Self>, reply: PageReply) -> Result<()> {
        match reply {
            // Back must not lead to a question that was answered.
            PageReply::Go { url } => dom::window()?.location().replace(&url),
            PageReply::Trust { view } => self.show(view),
            PageReply::Error {
                code: ErrorCode::UnknownPrompt,
            } => self.show_gone(None),
            PageReply::Error { code } => self.show_error(code),
            PageReply::Done
            | PageReply::Pins { .. }
            | PageReply::Popup { .. }
            | PageReply::Status { .. } => self.show_error(ErrorCode::BadMessage),
        }
    }

    fn show(self: &Rc<Self>, view: TrustView) -> Result<()> {
        self.render(&code(&view.situation), &self.values(&view))?;
        if let Some(list) = dom::find::<Element>("chain")? {
            for certificate in &view.chain {
                let values = self.certificate(certificate);
                let item = dom::instance("certificate", &self.host, &values)?;
                list.append_child(&item)?;
            }
        }
        self.view.replace(Some(view));
        self.arm_soon()
    }

    /// Says what went wrong, beside the question if there is one.
    fn show_error(self: &Rc<Self>, error: ErrorCode) -> Result<()> {
        match self.view.take() {
            Some(view) => self.show(TrustView {
                notice: Some(error),
                ..view
            }),
            None => self.show_gone(Some(error)),
        }
    }

    fn show_gone(self: &Rc<Self>, notice: Option<ErrorCode>) -> Result<()> {
        let mut values = Values::default();
        values.set_some("notice", notice.map(|notice| code(&notice)));
        self.render("gone", &values)
    }

    fn render(&self, view: &str, values: &Values) -> Result<()> {
        let content = dom::instance(&format!("view-{view}"), &self.host, values)?;
        self.main.replace_children_with_node_1(&content);
        self.main
            .set_attribute("data-tier", values.get("tier").unwrap_or_default())?;
        self.main.set_attribute("data-view", view)?;
        dom::entitle(&self.host)?;
        // The heading is read first, and no button is a key press away.
        dom::focus(&dom::element("title")?);
        Ok(())
    }

    /// Arms the buttons in a moment: who is about to click or type elsewhere sees the page first.
    fn arm_soon(self: &Rc<Self>) -> Result<()> {
        self.armed.set(false);
        self.open_gates()?;
        let shown = self.shown.get().wrapping_add(1);
        self.shown.set(shown);
        let page = Rc::clone(self);
        dom::spawn(async move {
            dom::sleep(ARMING_MILLIS).await?;
            if page.shown.get() == shown {
                page.armed.set(true);
                page.open_gates()?;
            }
            Ok(())
        });
        Ok(())
    }

    /// Enables what may be pressed now. What it leads to is the core's decision all the same.
    fn open_gates(&self) -> Result<()> {
        let armed = self.armed.get();
        self.main
            .set_attribute("data-armed", if armed { "true" } else { "false" })?;
        for button in dom::all::<HtmlButtonElement>(&self.main, "button[data-arms]")? {
            let open = match button.id().as_str() {
                "approve" => {
                    dom::find::<Element>("understood")?.is_none() || dom::is_ticked("understood")?
                }
                "replace" => {
                    let typed = dom::element::<HtmlInputElement>("replace-address")?.value();
                    let asked_for =
                        |view: &TrustView| typed.trim().eq_ignore_ascii_case(&view.address);
                    dom::is_ticked("replace-understood")?
                        && self.view.borrow().as_ref().is_some_and(asked_for)
                }
                _ => true,
            };
            button.set_disabled(!(armed && open));
        }
        Ok(())
    }

    fn values(&self, view: &TrustView) -> Values {
        let mut values = Values::default();
        values.set("address", view.address.as_str());
        values.set("days", EXTENSION_DAYS.to_string());
        values.set_some("failure", view.failure.as_ref().map(code));
        values.set_some("flaw", view.flaw.as_ref().map(code));
        values.set_some("moved_from", view.moved_from.as_deref());
        values.set_some("notice", view.notice.as_ref().map(code));
        values.flag("suspicious", view.suspicious_name);
        values.set_some("tls", view.tls.as_ref().map(code));
        if let Some(identity) = &view.identity {
            self.tell_identity(&mut values, identity);
        }
        if let Some(leaf) = view.chain.first() {
            values.set("ends", self.host.date(leaf.not_after));
            values.set("begins", self.host.date(leaf.not_before));
            values.set("fingerprint", leaf.key_fingerprint.as_str());
        }
        if let Some(trusted) = &view.trusted {
            let name = trusted.name.as_str();
            let nameless = || self.host.text("nameless_device");
            values.set(
                "trusted_name",
                if name.is_empty() {
                    nameless()
                } else {
                    name.to_owned()
                },
            );
            values.set("trusted_since", self.host.date(trusted.since));
            values.set("trusted_seen", self.host.date(trusted.last_seen));
            values.set("trusted_tier", code(&trusted.identity.tier));
            values.set("trusted_fingerprint", trusted.key_fingerprint.as_str());
            values.set_some(
                "trusted_by",
                trusted.identity.verified_by.as_ref().map(|it| it.as_str()),
            );
            values.set_some(
                "trusted_device",
                trusted.identity.device_id.as_ref().map(|it| it.as_str()),
            );
            let verified = view.identity.as_ref().is_some_and(Identity::is_verified);
            let fell = trusted.identity.is_verified() && !verified;
            values.flag("fell", fell && view.situation == Situation::Changed);
        }
        values
    }

    fn tell_identity(&self, values: &mut Values, identity: &Identity) {
        let (name, verified) = (identity.name.as_str(), identity.is_verified());
        // A name that somebody vouches for is a fact; any other is a claim, and shown as one.
        values.set("fact", if verified { name } else { "" });
        values.set("claim", if verified { "" } else { name });
        values.flag("nameless", name.is_empty());
        let nameless = || self.host.text("nameless_device");
        values.set(
            "name",
            if name.is_empty() {
                nameless()
            } else {
                name.to_owned()
            },
        );
        values.set("issued_by", identity.issued_by.as_str());
        values.set("tier", code(&identity.tier));
        values.flag(if verified { "verified" } else { "unverified" }, true);
        values.set_some(
            "verified_by",
            identity.verified_by.as_ref().map(|it| it.as_str()),
        );
        if let Some(id) = &identity.device_id {
            values.set("device", id.as_str());
            // Only of a manufacturer's own certificates it is known that this stands on the label.
            let on_label = identity.tier == Tier::Manufacturer;
            values.set(
                "device_end",
                if on_label {
                    ending(id.as_str())
                } else {
                    String::new()
                },
            );
        }
        for oddity in &identity.oddities {
            match oddity {
                Oddity::Authority => values.flag("oddity_authority", true),
                Oddity::OldVersion => values.flag("oddity_old_version", true),
            }
        }
    }

    fn certificate(&self, certificate: &CertificateView) -> Values {
        let mut values = Values::default();
        values.set("subject", certificate.subject.as_str());
        values.set("issuer", certificate.issuer.as_str());
        values.set("begins", self.host.date(certificate.not_before));
        values.set("ends", self.host.date(certificate.not_after));
        values.set("serial", certificate.serial.as_str());
        values.set("fingerprint", certificate.certificate_fingerprint.as_str());
        values.set("key_fingerprint", certificate.key_fingerprint.as_str());
        let (kind, bits) = match certificate.key {
            KeyKind::Ec { bits } => ("ec", bits),
            KeyKind::Ed25519 => ("ed25519", 256),
            KeyKind::Rsa { bits } => ("rsa", bits),
            KeyKind::Other => ("other", 0),
        };
        values.set("key_kind", kind);
        values.set("key_bits", bits.to_string());
        let names: Vec<&str> = certificate.names.iter().map(|name| name.as_str()).collect();
        values.set("names", names.join(", "));
        values
    }
}

/// The end of an identifier, which is what people compare with a label.
fn ending(id: &str) -> String {
    let skipped = id.chars().count().saturating_sub(COMPARED_CHARS);
    if skipped == 0 {
        return String::new();
    }
    id.chars().skip(skipped).collect::<String>().to_uppercase()
}

/// Longer than a double click, shorter than reading the heading.
const ARMING_MILLIS: i32 = 600;
const COMPARED_CHARS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_compare_the_end_of_an_identifier() {
        assert_eq!(ending("001788fffe405c5e"), "5C5E");
        assert_eq!(ending("5c5e"), "");
    }
}
