//! What the extension's own pages ask.

use super::questions::{About, Prompt};
use super::{Core, Helper, Pending, refuse};
use crate::effect::{Effect, PageReply};
use crate::endpoint::Endpoint;
use crate::error::ErrorCode;
use crate::event::{AskId, PageRequest, TabId};
use crate::protocol::Request;
use crate::routing::device_endpoint;
use crate::time::Timestamp;
use crate::view::{PopupState, PopupView, TrustedView};

impl Core {
    pub(super) fn page_asked(
        &mut self,
        ask_id: AskId,
        tab_id: Option<TabId>,
        request: PageRequest,
        at: Timestamp,
    ) -> Vec<Effect> {
        let request = match request {
            PageRequest::AllowSite {
                tab_id,
                site,
                endpoint,
            } => return self.allow_site(ask_id, tab_id, site, endpoint),
            PageRequest::DisallowSite { site, endpoint } => {
                return self.change_sites(ask_id, Request::DisallowSite { site, endpoint });
            }
            PageRequest::Sites => {
                return self.change_sites(ask_id, Request::Sites { known: None });
            }
            PageRequest::AskAgain { endpoint, tab_id } => {
                return self.ask_again(ask_id, &endpoint, tab_id);
            }
            PageRequest::Compare { prompt_id, typed } => {
                return vec![self.compare(ask_id, prompt_id, tab_id, &typed)];
            }
            PageRequest::Follow { prompt_id } => return self.follow(ask_id, prompt_id, tab_id),
            PageRequest::Status => {
                let mut effects = vec![self.say_status(ask_id)];
                effects.extend(self.try_again());
                return effects;
            }
            PageRequest::Trust { prompt_id } => {
                let reply = match self.prompt_of(prompt_id, tab_id) {
                    Some(prompt) => self.view(prompt, None, at),
                    None => PageReply::Error {
                        code: ErrorCode::UnknownPrompt,
                    },
                };
                return vec![Effect::Answer { ask_id, reply }];
            }
            PageRequest::TrustMaker {
                prompt_id,
                root_sha256,
                name,
            } => return vec![self.trust_maker(ask_id, prompt_id, tab_id, root_sha256, name)],
            PageRequest::Decide { prompt_id, choice } => {
                return self.decided(ask_id, prompt_id, tab_id, &choice, at);
            }
            PageRequest::Popup { tab_id, url } => return vec![self.popup(ask_id, tab_id, &url)],
            PageRequest::AddMaker { file, name, rule } => Request::AddMaker { file, name, rule },
            PageRequest::Annotate { endpoint, note } => Request::Annotate { endpoint, note },
            PageRequest::Block { endpoint, blocked } => Request::Block { endpoint, blocked },
            PageRequest::Forget { endpoint } => Request::Forget { endpoint },
            PageRequest::History { endpoint, before } => Request::History { endpoint, before },
            PageRequest::Import { export, dry_run } => Request::Import { export, dry_run },
            PageRequest::Makers => Request::Makers,
            PageRequest::Move { from, to } => Request::Move { from, to },
            PageRequest::RemoveMaker { id } => Request::RemoveMaker { id },
            PageRequest::SetMaker { id, enabled } => Request::SetMaker { id, enabled },
            PageRequest::Pins { after } => Request::Pins { after },
            PageRequest::Rename { endpoint, label } => Request::Rename { endpoint, label },
            PageRequest::Settings { settings } => Request::Settings { settings },
        };
        match self.helper {
            Helper::Ready { .. } => vec![self.send(request, Pending::Page { ask_id })],
            Helper::Absent { .. } | Helper::Starting { .. } => {
                vec![refuse(ask_id, ErrorCode::HelperGone)]
            }
        }
    }

    /// Who the device in a tab is, or what the tab shows in its place.
    fn popup(&mut self, ask_id: AskId, tab_id: TabId, url: &str) -> Effect {
        let endpoint = device_endpoint(url, &self.scope);
        let prompt = self.prompts.values().find(|it| it.tab_id == tab_id);
        let reply = match (endpoint, prompt) {
            (None, Some(prompt)) => self.popup_of_prompt(prompt),
            (endpoint, _) if !matches!(self.helper, Helper::Ready { .. }) => {
                self.popup_view(PopupState::NoHelper, endpoint)
            }
            (None, None) => self.popup_view(PopupState::NoDevice, None),
            (Some(endpoint), _) if self.proxy_is_ours == Some(false) => {
                self.popup_view(PopupState::ProxyTaken, Some(endpoint))
            }
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
            About::ProxyTaken => PopupState::ProxyTaken,
            About::Refused(refusal) => PopupState::of(&refusal.finding),
        };
        let pin = prompt.about.refusal().and_then(|it| it.pin.as_ref());
        PopupView {
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
            proxy_is_ours: self.proxy_is_ours,
        };
        Effect::Answer { ask_id, reply }
    }
}
