//! What the extension's own pages ask.

use std::cmp::Ordering;

use super::questions::{About, Prompt};
use super::{Core, Helper, Pending, refuse};
use crate::checkup::{Check, Checkup, Found, compare_versions};
use crate::effect::{Effect, HelperStatus, PageReply};
use crate::endpoint::Endpoint;
use crate::errand::{Asked, Errand};
use crate::error::ErrorCode;
use crate::event::{AskId, PageRequest, TabId};
use crate::protocol::Request;
use crate::proxy::ProxyHolder;
use crate::routing::device_endpoint;
use crate::sealed::Sealed;
use crate::time::Timestamp;
use crate::view::{PopupState, PopupView, TrustedView};

impl Core {
    pub(super) fn page_asked(
        &mut self,
        ask_id: AskId,
        tab_id: Option<TabId>,
        request: Asked<PageRequest>,
        at: Timestamp,
    ) -> Vec<Effect> {
        let request = match request {
            Asked::Core(request) => request,
            Asked::Helper(errand) => return vec![self.run(ask_id, errand)],
        };
        match request {
            PageRequest::AllowSite {
                tab_id,
                site,
                endpoint,
            } => self.allow_site(ask_id, tab_id, site, endpoint),
            PageRequest::DisallowSite { site, endpoint } => {
                self.change_sites(ask_id, Request::DisallowSite { site, endpoint })
            }
            PageRequest::Sites => self.change_sites(ask_id, Request::Sites { known: None }),
            PageRequest::AskAgain { endpoint, tab_id } => self.ask_again(ask_id, &endpoint, tab_id),
            PageRequest::CheckUp => self.check_up(ask_id),
            PageRequest::Compare { prompt_id, typed } => {
                vec![self.compare(ask_id, prompt_id, tab_id, &typed)]
            }
            PageRequest::Follow { prompt_id } => self.follow(ask_id, prompt_id, tab_id),
            PageRequest::Status => {
                let mut effects = vec![self.say_status(ask_id)];
                effects.extend(self.try_again());
                effects
            }
            PageRequest::Trust { prompt_id } => {
                let reply = match self.prompt_of(prompt_id, tab_id) {
                    Some(prompt) => self.view(prompt, None, at),
                    None => self.unknown(prompt_id, tab_id),
                };
                vec![Effect::Answer { ask_id, reply }]
            }
            PageRequest::TrustMaker {
                prompt_id,
                root_sha256,
                name,
            } => vec![self.trust_maker(ask_id, prompt_id, tab_id, root_sha256, name)],
            PageRequest::Decide { prompt_id, choice } => {
                self.decided(ask_id, prompt_id, tab_id, &choice, at)
            }
            PageRequest::Popup { tab_id, url } => vec![self.popup(ask_id, tab_id, &url)],
        }
    }

    /// Passes on what a page asks of the helper.
    fn run(&mut self, ask_id: AskId, errand: Errand) -> Effect {
        match self.helper {
            Helper::Ready { .. } => self.send(errand, Pending::Page { ask_id }),
            Helper::Absent { .. } | Helper::Starting { .. } => {
                refuse(ask_id, ErrorCode::HelperGone)
            }
        }
    }

    /// Asks the helper to check everything, as soon as it is known how it is; also one that says
    /// that it cannot work, for that is when a person wants to know why.
    fn check_up(&mut self, ask_id: AskId) -> Vec<Effect> {
        self.checkups.push(ask_id);
        self.ask_for_checkups()
    }

    /// Asks for the checkups that pages wait for, unless the helper is still being started.
    pub(super) fn ask_for_checkups(&mut self) -> Vec<Effect> {
        let status = match self.helper {
            Helper::Absent { status } => status,
            Helper::Ready { .. } => HelperStatus::Ok,
            Helper::Starting { .. } => return Vec::new(),
        };
        let checkups = std::mem::take(&mut self.checkups).into_iter();
        let effects = checkups.map(|ask_id| match status {
            HelperStatus::Ok | HelperStatus::Unusable => {
                self.send(Request::CheckUp, Pending::CheckUp { ask_id })
            }
            HelperStatus::TooOld => refuse(ask_id, ErrorCode::ProtocolTooOld),
            HelperStatus::TooNew => refuse(ask_id, ErrorCode::ProtocolTooNew),
            HelperStatus::Down | HelperStatus::Missing | HelperStatus::Starting => {
                refuse(ask_id, ErrorCode::HelperGone)
            }
        });
        effects.collect()
    }

    /// Adds what the helper cannot know: who decides about the proxy, and which extension asks.
    pub(super) fn checked_up(&self, ask_id: AskId, checkup: Sealed<Checkup>) -> Effect {
        let proxy = match self.proxy_holder() {
            Some(ProxyHolder::Extension | ProxyHolder::Overruled) => Found::ProxyTaken,
            Some(
                ProxyHolder::Detection
                | ProxyHolder::Policy
                | ProxyHolder::Script
                | ProxyHolder::Unknown,
            ) => Found::ProxyHeld,
            // Firefox asks for each request, and knows no other owner.
            None => Found::ProxyGood,
        };
        let mut more = Vec::new();
        if let Helper::Ready { version, .. } = &self.helper {
            let found = match compare_versions(version, &self.version) {
                Ordering::Equal => Found::RunningGood,
                Ordering::Greater => Found::RunningOlder,
                Ordering::Less => Found::RunningNewer,
            };
            more.push(Check::new(found).at(&self.version));
            more.push(Check::new(proxy));
        }
        if self.forgot {
            more.push(Check::new(Found::StoreForgotten));
        }
        let reply = PageReply::CheckedUp { checkup, more };
        Effect::Answer { ask_id, reply }
    }

    /// Who the device in a tab is, or what the tab shows in its place.
    fn popup(&mut self, ask_id: AskId, tab_id: TabId, url: &str) -> Effect {
        let endpoint = device_endpoint(url, &self.scope);
        let prompt = self.prompts.values().find(|it| it.tab_id == tab_id);
        let reply = match (endpoint, prompt) {
            (endpoint, _) if self.no_access => self.popup_view(PopupState::NoAccess, endpoint),
            (None, Some(prompt)) => self.popup_of_prompt(prompt),
            (endpoint, _) if !matches!(self.helper, Helper::Ready { .. }) => {
                self.popup_view(PopupState::NoHelper, endpoint)
            }
            (None, None) => self.popup_view(PopupState::NoDevice, None),
            (Some(endpoint), _) if self.proxy_holder().is_some() => PopupView {
                proxy: self.proxy_holder(),
                ..self.popup_view(PopupState::ProxyTaken, Some(endpoint))
            },
            (Some(endpoint), _) => {
                let request = Request::Identify {
                    endpoint: endpoint.clone(),
                };
                let wants = self.wants_of(tab_id, url);
                let popup = Pending::Popup {
                    ask_id,
                    endpoint,
                    wants,
                };
                return self.send(request, popup);
            }
        };
        let reply = PopupView {
            wants: self.wants_of(tab_id, url),
            ..reply
        };
        let reply = PageReply::Popup { view: reply };
        Effect::Answer { ask_id, reply }
    }

    fn popup_of_prompt(&self, prompt: &Prompt) -> PopupView {
        let state = match &prompt.about {
            About::Declined(_) => PopupState::Declined,
            About::Elsewhere(_) | About::Repeated(_) => PopupState::Question,
            About::LinkLocal => PopupState::Failed,
            About::Meeting { .. } => PopupState::Meeting,
            About::NoHelper => PopupState::NoHelper,
            About::ProxyTaken(_) => PopupState::ProxyTaken,
            About::Refused(refusal) => PopupState::of(&refusal.finding),
        };
        let pin = prompt.about.refusal().and_then(|it| it.pin.as_ref());
        let proxy = match &prompt.about {
            About::ProxyTaken(holder) => Some(*holder),
            _ => None,
        };
        PopupView {
            proxy,
            trusted: pin.map(TrustedView::new),
            ..self.popup_view(state, Some(prompt.endpoint.clone()))
        }
    }

    /// A popup of which nothing else is known.
    pub(super) fn popup_view(&self, state: PopupState, endpoint: Option<Endpoint>) -> PopupView {
        let is_declined = |it: &Endpoint| self.declined.contains_key(it);
        let declined = state == PopupState::NotPinned && endpoint.as_ref().is_some_and(is_declined);
        PopupView {
            state: if declined {
                PopupState::Declined
            } else {
                state
            },
            address: endpoint.as_ref().map(Endpoint::display_name),
            endpoint,
            live: None,
            trusted: None,
            proxy: None,
            helper: self.status(),
            declined: self.declined.keys().cloned().collect(),
            wants: Vec::new(),
        }
    }

    pub(super) fn say_status(&self, ask_id: AskId) -> Effect {
        let (version, settings) = match &self.helper {
            Helper::Ready {
                version, settings, ..
            } => (Some(version.clone()), Some(*settings)),
            Helper::Absent { .. } | Helper::Starting { .. } => (None, None),
        };
        let reply = PageReply::Status {
            helper: self.status(),
            version,
            settings,
            local_names: self.scope.local_names.clone(),
            no_access: self.no_access,
            proxy: self.proxy_holder(),
        };
        Effect::Answer { ask_id, reply }
    }
}
