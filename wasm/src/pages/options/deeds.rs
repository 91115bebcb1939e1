//! What a person does with a device of the list. What it leads to is the helper's decision.

use std::rc::Rc;

use housekey_core::effect::PageReply;
use housekey_core::endpoint::Endpoint;
use housekey_core::error::ErrorCode;
use housekey_core::note::Note;
use housekey_core::pin::Pin;
use housekey_core::protocol::Request;
use housekey_core::text::SafeText;
use web_sys::{Element, Event};

use super::super::dom::{self, Result};
use super::device;
use super::devices::{Devices, row_of, target};
use super::history::{self, Of};
use super::notice::{done, refused};
use super::rows::Source as _;

impl Devices {
    /// Does what a button is for.
    pub(super) async fn act(self: &Rc<Self>, action: &str, button: &Element) -> Result<()> {
        let (Some(endpoint), Some(row)) = (device::endpoint_of(button), row_of(button)) else {
            return Ok(());
        };
        match action {
            "open" => match self.place(&endpoint) {
                Some(place) => self.toggle(place),
                None => Ok(()),
            },
            "rename" => {
                let name = self.with(&endpoint, |pin| pin.display_name().to_string());
                device::prefill(&row, ".pin-rename-input", &name.unwrap_or_default())?;
                device::ask(&row, ".pin-renaming", ".pin-rename-input")
            }
            "note" => {
                let note = self.with(&endpoint, |pin| pin.note.to_string());
                if let Some(field) = device::note_field(&row)? {
                    field.set_value(&note.unwrap_or_default());
                }
                device::ask(&row, ".pin-noting", ".pin-note-input")
            }
            "move" => {
                device::prefill(&row, ".pin-move-input", "")?;
                device::ask(&row, ".pin-moving", ".pin-move-input")
            }
            "forget" => device::ask(&row, ".pin-forgetting", ".pin-keep"),
            "forget-confirm" => self.forget(endpoint).await,
            "block" => self.block(endpoint, true).await,
            "unblock" => self.block(endpoint, false).await,
            "history-more" => match button.closest(".happened")? {
                Some(history) => history::more(&self.host, &history, Of::Device(&endpoint)).await,
                None => Ok(()),
            },
            _ => device::ask(&row, ".pin-actions", ".pin-rename"),
        }
    }

    /// Takes what was typed.
    pub(super) fn submitted(self: &Rc<Self>, event: &Event) {
        event.prevent_default();
        let Some(form) = target(event) else {
            return;
        };
        let (Some(endpoint), Some(row)) = (device::endpoint_of(&form), row_of(&form)) else {
            return;
        };
        let devices = Rc::clone(self);
        dom::spawn(async move {
            match form.get_attribute("data-form").as_deref() {
                Some("rename") => devices.rename(&row, endpoint).await,
                Some("note") => devices.annotate(&row, endpoint).await,
                Some("move") => devices.relocate(&row, endpoint).await,
                _ => Ok(()),
            }
        });
    }

    async fn rename(&self, row: &Element, endpoint: Endpoint) -> Result<()> {
        let mut label = SafeText::new(&device::typed(row, ".pin-rename-input")?);
        // Its own name is no name of the person's.
        if self.with(&endpoint, |pin| pin.identity.name == label) == Some(true) {
            label = SafeText::default();
        }
        let request = Request::Rename {
            endpoint: endpoint.clone(),
            label: label.clone(),
        };
        let change = |pin: &mut Pin| pin.label = label;
        let words = ("notice_renamed", ".pin-rename");
        self.change(&request, &endpoint, words, change).await
    }

    async fn annotate(&self, row: &Element, endpoint: Endpoint) -> Result<()> {
        let note = device::note_field(row)?.map(|field| Note::new(&field.value()));
        let note = note.unwrap_or_default();
        let request = Request::Annotate {
            endpoint: endpoint.clone(),
            note: note.clone(),
        };
        let change = |pin: &mut Pin| pin.note = note;
        self.change(&request, &endpoint, ("notice_noted", ".pin-note"), change)
            .await
    }

    async fn relocate(&self, row: &Element, from: Endpoint) -> Result<()> {
        let Some(to) = device::endpoint_typed(&device::typed(row, ".pin-move-input")?) else {
            return device::tell_error(row, &self.host, "pin_move_error", "");
        };
        let request = Request::Move {
            from: from.clone(),
            to: to.clone(),
        };
        let reply = self.host.ask(&request).await?;
        let taken = ErrorCode::AlreadyPinned;
        if matches!(reply, PageReply::Error { code } if code == taken) {
            let name = self.name(&to);
            return device::tell_error(row, &self.host, "pin_move_taken", &name);
        }
        let address = to.display_name();
        let change = |pin: &mut Pin| pin.endpoint = to;
        self.changed(
            &reply,
            &from,
            ("notice_moved", ".pin-move"),
            change,
            &address,
        )
    }

    async fn block(&self, endpoint: Endpoint, blocked: bool) -> Result<()> {
        let request = Request::Block {
            endpoint: endpoint.clone(),
            blocked,
        };
        let words = if blocked {
            ("notice_blocked", ".pin-unblock")
        } else {
            ("notice_unblocked", ".pin-block")
        };
        let change = |pin: &mut Pin| pin.blocked = blocked;
        self.change(&request, &endpoint, words, change).await
    }

    async fn forget(&self, endpoint: Endpoint) -> Result<()> {
        let request = Request::Forget {
            endpoint: endpoint.clone(),
        };
        let reply = self.host.ask(&request).await?;
        if !matches!(reply, PageReply::Done) {
            return refused(&self.host, &reply);
        }
        let place = self.place(&endpoint).unwrap_or_default();
        let name = self.name(&endpoint);
        self.listing.borrow_mut().remove(&endpoint);
        self.rows.reorder(None, None);
        self.lay()?;
        self.tell_count()?;
        match self.count().checked_sub(1) {
            Some(last) => self.rows.go(place.min(last), self)?,
            None => dom::focus(&dom::element("devices-title")?),
        }
        done(&self.host, "notice_forgotten", &name)
    }

    /// Changes a device in the helper's store and then here, and goes on where the person was.
    async fn change(
        &self,
        request: &Request,
        endpoint: &Endpoint,
        words: (&str, &str),
        change: impl FnOnce(&mut Pin),
    ) -> Result<()> {
        let reply = self.host.ask(request).await?;
        let name = self.name(endpoint);
        self.changed(&reply, endpoint, words, change, &name)
    }

    /// Changes here what the helper has changed, and says so with a word of its own.
    fn changed(
        &self,
        reply: &PageReply,
        endpoint: &Endpoint,
        (notice, focused): (&str, &str),
        change: impl FnOnce(&mut Pin),
        word: &str,
    ) -> Result<()> {
        if !matches!(reply, PageReply::Done) {
            return refused(&self.host, reply);
        }
        let place = self.place(endpoint);
        self.listing.borrow_mut().change(endpoint, change);
        if let Some(place) = place {
            self.renew(place, focused)?;
        }
        done(&self.host, notice, word)
    }

    /// Builds a row anew, as open as it was.
    fn renew(&self, place: usize, focused: &str) -> Result<()> {
        let row = self.row(place)?;
        if self.rows.opened() == Some(place) {
            self.open_row(&row, place)?;
        }
        self.rows.replace(place, row.clone())?;
        self.lay()?;
        if let Some(button) = dom::part::<Element>(&row, focused)? {
            dom::focus(&button);
        }
        Ok(())
    }

    /// What a device is called, or where it is.
    fn name(&self, endpoint: &Endpoint) -> String {
        let name = self.with(endpoint, |pin| pin.display_name().to_string());
        let name = name.filter(|name| !name.is_empty());
        name.unwrap_or_else(|| endpoint.display_name())
    }
}
