//! Tabs whose navigation failed before there was a gateway, and what becomes of them.
//!
//! A background that was asleep starts the helper anew, and what woke it is often a navigation that
//! failed for want of one. Such a tab waits for a moment. When the helper is there, it meets a device
//! without a pin at once, so that the tab shows a question and no page before that; to every other
//! device the tab is led again. Where the helper is gone or takes its time, a page says so.

use super::questions::About;
use super::{Core, Helper, Pending};
use crate::effect::Effect;
use crate::endpoint::Endpoint;
use crate::event::{TabId, Timer};
use crate::protocol::{Refusal, Request};
use crate::routing::device_endpoint;
use crate::scope::Scope;

impl Core {
    pub(super) fn wait_if_device(&mut self, tab_id: TabId, url: String) {
        if device_endpoint(&url, &self.scope).is_some() {
            self.waiting.insert(tab_id, url);
        }
    }

    /// A device could not be reached for want of the helper.
    pub(super) fn helper_missed(
        &mut self,
        tab_id: TabId,
        url: String,
        endpoint: Endpoint,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        let is_greeted = self.pending.values().any(|it| *it == Pending::Hello);
        // At a start it is a moment; and where it never was, the browser is left as it was.
        let is_moment =
            matches!(self.helper, Helper::Starting { .. }) && (is_greeted || !self.was_ready);
        if self.is_closed() && !is_moment {
            effects.extend(self.show(tab_id, url, endpoint, About::NoHelper));
        } else {
            let is_first = self.waiting.insert(tab_id, url).is_none() && self.waiting.len() == 1;
            effects.extend(self.wait_no_longer_than_a_moment().filter(|_| is_first));
        }
        effects.extend(self.try_again());
        effects
    }

    /// Leads tabs that wait to what they want.
    pub(super) fn release_waiting(&mut self) -> Vec<Effect> {
        if !matches!(self.helper, Helper::Ready { .. }) {
            return Vec::new();
        }
        let mut effects: Vec<_> = std::mem::take(&mut self.waiting)
            .into_iter()
            .map(|(tab_id, url)| Effect::Navigate { tab_id, url })
            .collect();
        effects.extend(self.leave_prompts(|prompt| prompt.about == About::NoHelper));
        effects
    }

    /// Lets the helper meet the devices that tabs wait for, as far as the gateway would.
    pub(super) fn meet_waiting(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (tab_id, url) in std::mem::take(&mut self.waiting) {
            let endpoint = device_endpoint(&url, &self.scope);
            match endpoint.filter(|it| self.is_led_to_gateway(it)) {
                Some(endpoint) => {
                    effects.push(self.look_into(tab_id, url.clone(), true));
                    effects
                        .push(self.send(Request::Meet { endpoint }, Pending::Met { tab_id, url }));
                }
                None => drop(self.waiting.insert(tab_id, url)),
            }
        }
        effects
    }

    /// The helper met the device that a tab waits for, and refused it or has nothing against it.
    pub(super) fn met(
        &mut self,
        tab_id: TabId,
        url: String,
        refusal: Option<Refusal>,
    ) -> Vec<Effect> {
        // The page that tells how the meeting goes has heard it, too.
        if self.is_met_instead(tab_id, &url) {
            return Vec::new();
        }
        if self.is_underway(tab_id, &url) {
            self.underway.remove(&tab_id);
        }
        match refusal {
            Some(refusal) if self.proxy_holder().is_none() => {
                let effects = self.told_why(tab_id, url.clone(), refusal);
                only_instead_of(&url, effects)
            }
            _ => vec![Effect::Navigate { tab_id, url }],
        }
    }

    /// Says in the tabs that wait for the helper that it cannot be used.
    pub(super) fn tell_waiting(&mut self) -> Vec<Effect> {
        if !self.was_ready || matches!(self.helper, Helper::Ready { .. }) {
            return Vec::new();
        }
        let mut effects = Vec::new();
        for (tab_id, url) in std::mem::take(&mut self.waiting) {
            if let Some(endpoint) = device_endpoint(&url, &self.scope) {
                let shown = self.show(tab_id, url.clone(), endpoint, About::NoHelper);
                effects.extend(only_instead_of(&url, shown));
            }
        }
        effects
    }

    /// What was under way when the background ended: nobody answers that any more.
    pub(super) fn wait_anew(&mut self) -> Option<Effect> {
        for pending in std::mem::take(&mut self.pending).into_values() {
            if let Pending::Met { tab_id, url } | Pending::WhyFailed { tab_id, url } = pending {
                self.waiting.insert(tab_id, url);
            }
        }
        let waits = !self.waiting.is_empty();
        self.wait_no_longer_than_a_moment().filter(|_| waits)
    }

    /// A tab went elsewhere, or is gone: it does not wait for anything but this address any more.
    pub(super) fn wait_only_for(&mut self, tab_id: TabId, wanted: Option<&str>) {
        let waits = |its: TabId, url: &str| its != tab_id || Some(url) == wanted;
        self.waiting.retain(|its, url| waits(*its, url));
        self.pending.retain(|_, pending| match pending {
            Pending::Met { tab_id, url } => waits(*tab_id, url),
            _ => true,
        });
    }

    /// Where the helper never was, the browser's own page is what there is to see.
    fn wait_no_longer_than_a_moment(&self) -> Option<Effect> {
        self.was_ready.then_some(Effect::StartTimer {
            timer: Timer::Waiting,
            millis: MOMENT_MILLIS,
        })
    }

    /// Whether a navigation to a device would come to the gateway, for all that is known of it here.
    fn is_led_to_gateway(&self, endpoint: &Endpoint) -> bool {
        let is_link_local = Scope::of(endpoint.host(), &self.scope) == Scope::LinkLocal;
        let goes_past = is_link_local && self.link_local_is_direct;
        !goes_past && !self.left_alone.contains(endpoint)
    }
}

/// The same, unless the tab has gone elsewhere. Its failure was told a while ago, and not every
/// address that it may have gone to is told of.
pub(super) fn only_instead_of(url: &str, effects: Vec<Effect>) -> Vec<Effect> {
    let badge = effects.iter().find_map(|effect| match effect {
        Effect::SetBadge { badge, .. } => Some(*badge),
        _ => None,
    });
    let instead = |effect| match (effect, badge) {
        (Effect::SetBadge { .. }, _) => None,
        (Effect::ShowPrompt { tab_id, prompt_id }, Some(badge)) => Some(Effect::ShowInstead {
            tab_id,
            url: url.to_owned(),
            prompt_id,
            badge,
        }),
        (effect, _) => Some(effect),
    };
    effects.into_iter().filter_map(instead).collect()
}

/// As long as people wait without wondering.
const MOMENT_MILLIS: u32 = 1_000;
