//! Meetings that last: what a tab shows while a slow device prepares its connection.
//!
//! The browser shows a bare spinner, for as long as twenty seconds. So a navigation to a device is
//! looked into after a moment, and where the gateway is meeting a device without a pin, the tab
//! shows how far that is. This ends the browser's own navigation and not the meeting, whose outcome
//! the page becomes. To a device with a pin, the browser's navigation is left alone.

use serde::{Deserialize, Serialize};

use super::questions::About;
use super::waiting::only_instead_of;
use super::{Core, Helper, Pending, refuse};
use crate::effect::{Effect, PageReply};
use crate::error::ErrorCode;
use crate::event::{AskId, PromptId, TabId, Timer};
use crate::meeting::Meeting;
use crate::protocol::{Refusal, Request};
use crate::routing::device_endpoint;

/// A top-level navigation to a device, of which nothing came yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Underway {
    /// Tells it from the tab's navigations before and after it.
    pub(super) navigation: u32,
    pub(super) url: String,
    /// How often it was looked into.
    looks: u32,
    /// Whether it failed for want of a gateway, and the helper meets the device by itself.
    #[serde(default)]
    failed: bool,
}

impl Core {
    /// A tab sets out for an address.
    pub(super) fn navigation_started(&mut self, tab_id: TabId, url: String) -> Vec<Effect> {
        self.underway.remove(&tab_id);
        self.wait_only_for(tab_id, Some(&url));
        self.forget_wants(tab_id);
        let endpoint = device_endpoint(&url, &self.scope);
        let is_ours = endpoint.is_some_and(|it| !self.left_alone.contains(&it));
        if !is_ours || !matches!(self.helper, Helper::Ready { .. }) {
            return Vec::new();
        }
        vec![self.look_into(tab_id, url, false)]
    }

    /// Looks a moment later whether a tab still waits for the device at an address.
    pub(super) fn look_into(&mut self, tab_id: TabId, url: String, failed: bool) -> Effect {
        self.next_navigation = self.next_navigation.wrapping_add(1);
        let navigation = self.next_navigation;
        let underway = Underway {
            navigation,
            url,
            looks: 0,
            failed,
        };
        self.underway.insert(tab_id, underway);
        look_later(navigation, 0)
    }

    /// A navigation may still be under way a moment later.
    pub(super) fn navigation_lasts(&mut self, navigation: u32) -> Vec<Effect> {
        let mut underway = self.underway.iter();
        let found = underway.find(|(_, it)| it.navigation == navigation);
        let Some((tab_id, Underway { url, .. })) = found else {
            return Vec::new();
        };
        match device_endpoint(url, &self.scope) {
            Some(endpoint) if matches!(self.helper, Helper::Ready { .. }) => {
                let tab_id = *tab_id;
                let request = Request::Meeting {
                    endpoint,
                    after: None,
                };
                vec![self.send(request, Pending::Navigation { tab_id, navigation })]
            }
            _ => Vec::new(),
        }
    }

    /// Whether the gateway is meeting the device that a tab waits for.
    pub(super) fn told_of_meeting(
        &mut self,
        tab_id: TabId,
        navigation: u32,
        meeting: Option<Meeting>,
    ) -> Vec<Effect> {
        let Some(underway) = self.underway.get_mut(&tab_id) else {
            return Vec::new();
        };
        if underway.navigation != navigation {
            return Vec::new();
        }
        let Some(meeting) = meeting else {
            // A busy browser may not have come to the gateway yet.
            underway.looks += 1;
            if underway.looks < MAX_LOOKS {
                return vec![look_later(navigation, underway.looks)];
            }
            return Vec::new();
        };
        let url = std::mem::take(&mut underway.url);
        let failed = underway.failed;
        self.underway.remove(&tab_id);
        let Some(endpoint) = device_endpoint(&url, &self.scope) else {
            return Vec::new();
        };
        let seen = false;
        let shown = self.show(
            tab_id,
            url.clone(),
            endpoint,
            About::Meeting { meeting, seen },
        );
        if failed {
            only_instead_of(&url, shown)
        } else {
            shown
        }
    }

    /// Whether this is where the tab set out for last, and nothing came of it yet.
    pub(super) fn is_underway(&self, tab_id: TabId, url: &str) -> bool {
        let underway = self.underway.get(&tab_id);
        underway.is_some_and(|it| it.url == url)
    }

    /// Whether a navigation failed because the tab shows its meeting instead.
    pub(super) fn is_met_instead(&self, tab_id: TabId, url: &str) -> bool {
        !self.is_underway(tab_id, url)
            && self.prompts.values().any(|prompt| {
                prompt.tab_id == tab_id && prompt.url == url && prompt.about.is_meeting()
            })
    }

    /// A page that shows a meeting waits for what comes next.
    pub(super) fn follow(
        &mut self,
        ask_id: AskId,
        prompt_id: PromptId,
        tab_id: Option<TabId>,
    ) -> Vec<Effect> {
        if self.prompt_of(prompt_id, tab_id).is_none() {
            return vec![refuse(ask_id, ErrorCode::UnknownPrompt)];
        }
        let is_ready = matches!(self.helper, Helper::Ready { .. });
        match self.prompts.get_mut(&prompt_id) {
            Some(prompt) if is_ready => {
                let About::Meeting { meeting, seen } = &mut prompt.about else {
                    return vec![news(ask_id)];
                };
                *seen = true;
                let request = Request::Meeting {
                    after: Some(meeting.step),
                    endpoint: prompt.endpoint.clone(),
                };
                vec![self.send(request, Pending::Follow { ask_id, prompt_id })]
            }
            _ => {
                let mut effects = self.meeting_lost(ask_id, prompt_id);
                effects.extend(self.try_again());
                effects
            }
        }
    }

    /// The meeting that a page shows has come further, or to its end.
    pub(super) fn meeting_went_on(
        &mut self,
        ask_id: AskId,
        prompt_id: PromptId,
        now: Option<Meeting>,
    ) -> Vec<Effect> {
        match (self.prompts.get_mut(&prompt_id), now) {
            (Some(prompt), Some(now)) => {
                if let About::Meeting { meeting, .. } = &mut prompt.about {
                    *meeting = now;
                }
                vec![news(ask_id)]
            }
            (Some(prompt), None) => {
                let endpoint = prompt.endpoint.clone();
                let follow = Pending::Follow { ask_id, prompt_id };
                vec![self.send(Request::Explain { endpoint }, follow)]
            }
            (None, _) => vec![refuse(ask_id, ErrorCode::UnknownPrompt)],
        }
    }

    /// A meeting has ended, and this came of it: where nothing was refused, the way is free.
    pub(super) fn meeting_ended(
        &mut self,
        ask_id: AskId,
        prompt_id: PromptId,
        refusal: Option<Refusal>,
    ) -> Vec<Effect> {
        let Some(prompt) = self.prompts.get(&prompt_id) else {
            return vec![refuse(ask_id, ErrorCode::UnknownPrompt)];
        };
        if !prompt.about.is_meeting() {
            return vec![news(ask_id)];
        }
        let (tab_id, url) = (prompt.tab_id, prompt.url.clone());
        let Some(refusal) = refusal else {
            return self.go(ask_id, prompt_id, url);
        };
        let mut effects = vec![news(ask_id)];
        effects.extend(self.told_why(tab_id, url, refusal));
        // The page is there, and only has to look again.
        effects.retain(|effect| !matches!(effect, Effect::ShowPrompt { .. }));
        effects
    }

    /// Nobody can say any more how a meeting goes: the page says that instead.
    pub(super) fn meeting_lost(&mut self, ask_id: AskId, prompt_id: PromptId) -> Vec<Effect> {
        let Some(prompt) = self.prompts.get_mut(&prompt_id) else {
            return vec![refuse(ask_id, ErrorCode::HelperGone)];
        };
        prompt.about = About::NoHelper;
        let badge = prompt.about.badge();
        let tab_id = prompt.tab_id;
        vec![news(ask_id), Effect::SetBadge { tab_id, badge }]
    }
}

/// Lets the page look at its prompt again.
fn news(ask_id: AskId) -> Effect {
    let reply = PageReply::Done;
    Effect::Answer { ask_id, reply }
}

fn look_later(navigation: u32, looks: u32) -> Effect {
    Effect::StartTimer {
        timer: Timer::Navigation { navigation },
        millis: MOMENT_MILLIS << looks,
    }
}

/// As long as people wait without wondering.
const MOMENT_MILLIS: u32 = 1_000;
/// Each after twice the time of the one before.
const MAX_LOOKS: u32 = 4;
