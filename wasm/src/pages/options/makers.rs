//! Makers: whose certificates vouch for devices.

use std::cell::RefCell;
use std::rc::Rc;

use housekey_core::certificate::KeyKind;
use housekey_core::chain::Der;
use housekey_core::effect::PageReply;
use housekey_core::error::ErrorCode;
use housekey_core::maker::{DeviceIdRule, Maker, MakerId, MakerRoot, MakerSource};
use housekey_core::protocol::Request;
use housekey_core::text::SafeText;
use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Element, File, HtmlFormElement, HtmlInputElement};

use super::super::dom::{self, Result};
use super::super::text::{self, Piece, Values, code, plural};
use super::super::{PageHost, opened};
use super::notice::{done, refused};

/// The makers, as the helper last said.
pub(super) struct Makers {
    host: PageHost,
    view: Element,
    list: Element,
    known: RefCell<Vec<Maker>>,
}

impl Makers {
    /// No makers yet.
    pub(super) fn new(host: &PageHost) -> Result<Self> {
        Ok(Self {
            host: host.clone(),
            view: dom::element("view-makers")?,
            list: dom::element("makers")?,
            known: RefCell::default(),
        })
    }

    /// Hears what the person does with them.
    pub(super) fn listen(self: &Rc<Self>) -> Result<()> {
        let makers = Rc::clone(self);
        dom::listen(&self.view, "click", move |event| {
            if let Some((action, button)) = dom::action(&event) {
                let makers = Rc::clone(&makers);
                dom::spawn(async move { makers.act(&action, &button).await });
            }
        })?;
        let makers = Rc::clone(self);
        dom::listen(&self.list, "change", move |event| {
            let input = event.target().and_then(|it| it.dyn_into().ok());
            if let Some(input) = input {
                let makers = Rc::clone(&makers);
                dom::spawn(async move { makers.switch(&input).await });
            }
        })?;
        let makers = Rc::clone(self);
        let form: Element = dom::element("maker-form")?;
        dom::listen(&form, "submit", move |event| {
            event.prevent_default();
            let makers = Rc::clone(&makers);
            dom::spawn(async move { makers.add().await });
        })
    }

    /// Asks the helper for all of them.
    pub(super) async fn load(&self) -> Result<()> {
        let reply = self.host.ask(&Request::Makers).await?;
        self.take(reply).map(drop)
    }

    /// Shows the makers of an answer; says whether it was one.
    fn take(&self, reply: PageReply) -> Result<bool> {
        let makers = match reply {
            PageReply::Makers { makers } => opened(makers),
            other => Err(other),
        };
        let makers = match makers {
            Ok(makers) => makers,
            Err(reply) => {
                refused(&self.host, &reply)?;
                return Ok(false);
            }
        };
        self.list.replace_children_with_node_0();
        for maker in &makers {
            self.list.append_child(&self.item(maker)?.into())?;
        }
        dom::show(&dom::element("makers-lead")?, !makers.is_empty())?;
        dom::show(&dom::element("makers-lead-none")?, makers.is_empty())?;
        self.known.replace(makers);
        Ok(true)
    }

    async fn act(&self, action: &str, button: &Element) -> Result<()> {
        let Some((id, item)) = maker_of(button) else {
            return Ok(());
        };
        let question = dom::part::<Element>(&item, ".maker-removing")?;
        match (action, question) {
            ("maker-remove", Some(question)) => {
                dom::show(&question, true)?;
                dom::show(button, false)?;
                focus_in(&item, ".maker-keep")
            }
            ("maker-keep", Some(question)) => {
                dom::show(&question, false)?;
                if let Some(remove) = dom::part::<Element>(&item, ".maker-remove")? {
                    dom::show(&remove, true)?;
                }
                focus_in(&item, ".maker-remove")
            }
            ("maker-remove-confirm", _) => {
                let name = self.name(&id);
                let reply = self.host.ask(&Request::RemoveMaker { id }).await?;
                if self.take(reply)? {
                    dom::focus(&dom::element("makers-title")?);
                    done(&self.host, "notice_maker_removed", &name)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn switch(&self, input: &HtmlInputElement) -> Result<()> {
        let Some((id, _)) = maker_of(input) else {
            return Ok(());
        };
        let enabled = input.checked();
        let request = Request::SetMaker {
            id: id.clone(),
            enabled,
        };
        let reply = self.host.ask(&request).await?;
        if !self.take(reply)? {
            input.set_checked(!enabled);
            return Ok(());
        }
        if let Some(item) = self.shown(&id)? {
            focus_in(&item, "input")?;
        }
        let key = if enabled {
            "notice_maker_on"
        } else {
            "notice_maker_off"
        };
        done(&self.host, key, &self.name(&id))
    }

    async fn add(&self) -> Result<()> {
        let input: HtmlInputElement = dom::element("maker-file")?;
        let name: HtmlInputElement = dom::element("maker-name")?;
        let Some(file) = input.files().and_then(|files| files.get(0)) else {
            return Ok(());
        };
        let unfit: Element = dom::element("maker-unfit")?;
        dom::show(&unfit, false)?;
        let Some(file) = read(&file).await? else {
            return dom::show(&unfit, true);
        };
        let rule = if dom::is_ticked("maker-rule-serial")? {
            DeviceIdRule::SubjectSerialNumber
        } else {
            DeviceIdRule::SubjectCommonName
        };
        let request = Request::AddMaker {
            file,
            name: SafeText::new(&name.value()),
            rule,
        };
        let before: Vec<MakerId> = self.known.borrow().iter().map(|it| it.id.clone()).collect();
        let reply = self.host.ask(&request).await?;
        if matches!(reply, PageReply::Error { code } if code == ErrorCode::MakerUnfit) {
            return dom::show(&unfit, true);
        }
        if !self.take(reply)? {
            return Ok(());
        }
        dom::element::<HtmlFormElement>("maker-form")?.reset();
        let added = {
            let known = self.known.borrow();
            let mut new = known.iter().filter(|it| !before.contains(&it.id));
            new.next().map(|it| it.id.clone())
        };
        // What was added can be looked at.
        if let Some(item) = added.map(|id| self.shown(&id)).transpose()?.flatten() {
            if let Some(details) = dom::part::<Element>(&item, "details")? {
                details.set_attribute("open", "")?;
            }
            focus_in(&item, "input")?;
        }
        done(&self.host, "notice_maker_added", "")
    }

    fn item(&self, maker: &Maker) -> Result<Element> {
        let mut values = Values::default();
        values.set("name", maker.name.as_str());
        values.flag("on", maker.enabled);
        values.set("device_id", code(&maker.rule.device_id));
        if let Some(pattern) = &maker.rule.pattern {
            let fixed = pattern.min == pattern.max;
            let length = if fixed { "fixed" } else { "span" };
            values.set("pattern", format!("{}_{length}", code(&pattern.alphabet)));
            values.set("min", pattern.min.to_string());
            values.set("max", pattern.max.to_string());
        }
        if let Some(company) = &maker.rule.company {
            let names = company.any_of.iter().map(|name| self.quoted(name));
            let or = format!(" {} ", self.host.text("makers_company_or"));
            values.set("company", names.collect::<Vec<_>>().join(&or));
            values.set("company_in", code(&company.place));
        }
        values.set("pins", self.host.number(maker.pins as usize));
        values.set("pins_number", plural(maker.pins as usize));
        let mut address = "";
        match &maker.source {
            MakerSource::Directory { provenance, note } => {
                // At noon it is the same day nearly everywhere.
                let day = text::instant(&format!("{}T12:00:00Z", provenance.checked_on));
                let day = day.map(|day| self.host.date(day));
                values.set("publisher", provenance.publisher.as_str());
                values.set_some("checked_on", day);
                values.set("how", provenance.how.as_str());
                values.set("note", note.as_str());
                address = &provenance.url;
            }
            MakerSource::Person { added } => {
                values.flag("own", true);
                values.set("added_when", if added.is_some() { "on" } else { "once" });
                values.set_some("added", added.map(|it| self.host.date(it)));
            }
        }
        values.set("url", address);
        let item = dom::instance("maker", &self.host, &values)?;
        item.set_attribute("data-maker", maker.id.as_str())?;
        if let Some(link) = dom::part::<Element>(&item, ".maker-link")? {
            dom::link(&link, address)?;
        }
        if let Some(switch) = dom::part::<HtmlInputElement>(&item, ".maker-switch")? {
            switch.set_checked(maker.enabled);
        }
        if let Some(roots) = dom::part::<Element>(&item, ".maker-roots")? {
            for root in &maker.roots {
                roots.append_child(&self.root(root)?.into())?;
            }
        }
        Ok(item)
    }

    fn root(&self, root: &MakerRoot) -> Result<Element> {
        let mut values = Values::default();
        values.set("subject", root.subject.as_str());
        let organisation = root.organisation.as_ref().map(SafeText::as_str);
        values.set_some("organisation", organisation);
        values.set("begins", self.host.date(root.not_before));
        values.set("ends", self.host.date(root.not_after));
        values.set("fingerprint", groups(&root.sha256.to_string()));
        let (kind, bits) = match root.key {
            KeyKind::Ec { bits } => ("ec", bits),
            KeyKind::Ed25519 => ("ed25519", 256),
            KeyKind::Rsa { bits } => ("rsa", bits),
            KeyKind::Other => ("other", 0),
        };
        values.set("key_kind", kind);
        values.set("key_bits", bits.to_string());
        dom::instance("maker-root", &self.host, &values)
    }

    fn quoted(&self, name: &SafeText) -> String {
        let pieces = self.host.pieces("quoted", 1).into_iter();
        let words = pieces.map(|piece| match piece {
            Piece::Words(words) => words,
            Piece::Value(_) => name.to_string(),
        });
        words.collect()
    }

    fn name(&self, id: &MakerId) -> String {
        let known = self.known.borrow();
        let maker = known.iter().find(|it| it.id == *id);
        maker.map(|it| it.name.to_string()).unwrap_or_default()
    }

    fn shown(&self, id: &MakerId) -> Result<Option<Element>> {
        let items = dom::all::<Element>(&self.list, "[data-maker]")?;
        let is_it = |it: &Element| it.get_attribute("data-maker").as_deref() == Some(id.as_str());
        Ok(items.into_iter().find(is_it))
    }
}

/// The maker of the list that an element belongs to.
fn maker_of(inside: &Element) -> Option<(MakerId, Element)> {
    let item = inside.closest("[data-maker]").ok()??;
    let id = MakerId::try_from(item.get_attribute("data-maker")?).ok()?;
    Some((id, item))
}

fn focus_in(item: &Element, selector: &str) -> Result<()> {
    if let Some(element) = dom::part::<Element>(item, selector)? {
        dom::focus(&element);
    }
    Ok(())
}

/// Looks at the size before the content; nothing for what is too large to be a certificate.
async fn read(file: &File) -> Result<Option<Der>> {
    if file.size() > MAX_FILE_BYTES {
        return Ok(None);
    }
    let bytes = JsFuture::from(file.array_buffer()).await?;
    Ok(Some(Der(Uint8Array::new(&bytes).to_vec())))
}

/// A fingerprint as all pages show it.
fn groups(digits: &str) -> String {
    let digits = digits.to_uppercase();
    let groups = digits.as_bytes().chunks(4);
    let groups: Vec<_> = groups.map(String::from_utf8_lossy).collect();
    groups.join(" ")
}

/// Far more than a certificate needs.
const MAX_FILE_BYTES: f64 = 65_536.0;
