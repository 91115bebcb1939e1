//! A meeting that lasts: how far it is, and for how long it has been going on.

use std::rc::Rc;

use housekey_core::error::ErrorCode;
use housekey_core::event::PageRequest;
use housekey_core::meeting::{Meeting, MeetingStep};
use housekey_core::time::Timestamp;
use web_sys::Element;

use super::reply::Reply;
use super::{LOOK_MILLIS, TrustPage};
use crate::pages::dom::{self, Result};
use crate::pages::text::{Values, code, now, plural};

impl TrustPage {
    /// Tells of the meeting that is shown until it has ended, and then shows what came of it.
    pub(super) fn follow(
        self: &Rc<Self>,
        address: String,
        meeting: Meeting,
        at: Timestamp,
    ) -> Result<()> {
        let shown = self.shown.get();
        // From here on, this page's own clock counts.
        let began = now().0 - (at.0 - meeting.since.0);
        self.tell_step(&address, meeting.step)?;
        self.tell_time(began)?;
        let page = Rc::clone(self);
        dom::spawn(async move {
            while page.shown.get() == shown {
                page.tell_time(began)?;
                dom::sleep(SECOND_MILLIS).await?;
            }
            Ok(())
        });
        let page = Rc::clone(self);
        dom::spawn(async move { page.wait(shown, &address).await });
        Ok(())
    }

    /// The background answers when there is news, so nothing is asked again and again.
    async fn wait(self: Rc<Self>, shown: u32, address: &str) -> Result<()> {
        let prompt_id = self.prompt_id;
        loop {
            let mut reply = self.ask(&PageRequest::Follow { prompt_id }).await?;
            if let Reply::Done = reply {
                reply = self.ask(&self.question()).await?;
            }
            if self.shown.get() != shown {
                return Ok(());
            }
            match reply {
                Reply::Trust { view } if view.meeting.is_some() => {
                    if let Some(meeting) = view.meeting {
                        self.tell_step(address, meeting.step)?;
                    }
                }
                // The browser has put the background to sleep, which wakes up for the next question.
                Reply::Error {
                    code: ErrorCode::BrowserRefused,
                } => dom::sleep(LOOK_MILLIS).await?,
                reply => return self.take(reply),
            }
        }
    }

    /// Tells the step in its own place, so that it is read aloud, and nothing else again.
    fn tell_step(&self, address: &str, step: MeetingStep) -> Result<()> {
        let mut values = Values::default();
        values.set("address", address);
        values.set("step", code(&step));
        self.tell("meeting-step", &values)
    }

    fn tell_time(&self, began: i64) -> Result<()> {
        let seconds = usize::try_from(now().0 - began).unwrap_or_default().max(1);
        let mut values = Values::default();
        values.set("seconds", self.host.number(seconds));
        values.set("plural", plural(seconds));
        self.tell("meeting-time", &values)
    }

    fn tell(&self, place: &str, values: &Values) -> Result<()> {
        let Some(place_shown) = dom::find::<Element>(place)? else {
            return Ok(());
        };
        let text = dom::instance(&format!("{place}-text"), &self.host, values)?;
        place_shown.replace_children_with_node_1(&text);
        Ok(())
    }
}

const SECOND_MILLIS: i32 = 1_000;
