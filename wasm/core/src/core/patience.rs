//! Patience: no page can press a person with one question after another.
//!
//! A page can lead tabs to a device as often as it likes. Ten seconds have to pass before that shows
//! the next question about it; until then, the tab says so, and the person can have the question at
//! once. Where a person goes there by themselves, they are asked at once, too.

use serde::{Deserialize, Serialize};

use super::Core;
use crate::endpoint::Endpoint;
use crate::event::TabId;
use crate::routing::device_endpoint;
use crate::time::Timestamp;

/// How a tab set out for a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SettingOut {
    url: String,
    by_page: bool,
    at: Timestamp,
    /// Browsers tell some failures twice: both are of one setting out.
    number: u32,
}

/// When a question was shown, and to which setting out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    at: Timestamp,
    number: u32,
}

impl Core {
    /// Remembers how a tab sets out for a device.
    pub(super) fn set_out(
        &mut self,
        tab_id: TabId,
        url: &str,
        initiator: Option<&str>,
        at: Timestamp,
    ) {
        if device_endpoint(url, &self.scope).is_none() {
            self.setting_out.remove(&tab_id);
            return;
        }
        self.next_setting_out = self.next_setting_out.wrapping_add(1);
        // The extension's own pages lead where the person wants to go.
        let is_page = |it: &str| {
            !it.split_once("://")
                .is_some_and(|(it, _)| it.ends_with("-extension"))
        };
        let setting_out = SettingOut {
            url: url.to_owned(),
            by_page: initiator.is_some_and(is_page),
            at,
            number: self.next_setting_out,
        };
        self.setting_out.insert(tab_id, setting_out);
    }

    /// Whether a page presses: it led here by itself, and the last question about this device was
    /// shown just now. Otherwise the next one is shown now.
    pub(super) fn is_pressed(&mut self, tab_id: TabId, url: &str, endpoint: &Endpoint) -> bool {
        let setting_out = self.setting_out.get(&tab_id).filter(|it| it.url == url);
        let Some(SettingOut {
            by_page,
            at,
            number,
            ..
        }) = setting_out.cloned()
        else {
            return false;
        };
        let is_recent = |asked: &Asked| (0..PATIENCE_SECONDS).contains(&(at.0 - asked.at.0));
        self.asked.retain(|_, asked| is_recent(asked));
        let asked = self.asked.get(endpoint);
        if by_page && asked.is_some_and(|it| it.number != number) {
            return true;
        }
        self.asked.insert(endpoint.clone(), Asked { at, number });
        false
    }
}

/// So long a page has to wait before it leads to another question about the same device.
const PATIENCE_SECONDS: i64 = 10;
