//! What the extension's own pages ask: questions, decisions, lists.

use super::{Core, Helper, Pending, Prompt, refuse};
use crate::decision::Finding;
use crate::effect::{Badge, Effect, PageReply};
use crate::error::ErrorCode;
use crate::event::{AskId, Choice, PageRequest, PromptId, TabId};
use crate::fingerprint::SpkiSha256;
use crate::protocol::{Approval, Refusal, Request};
use crate::routing::device_endpoint;
use crate::view::{PopupState, PopupView, TrustView};

impl Core {
    /// Opens a question, or comes back to the one that this tab already shows.
    pub(super) fn ask(&mut self, tab_id: TabId, url: String, refusal: Refusal) -> Vec<Effect> {
        // Only the very same question comes back under its number: a page that shows one key must
        // never speak for another.
        let same = |(_, prompt): &(&PromptId, &Prompt)| {
            prompt.tab_id == tab_id
                && prompt.refusal.endpoint == refusal.endpoint
                && prompt.refusal.finding == refusal.finding
                && shown_key(&prompt.refusal) == shown_key(&refusal)
        };
        let known = self.prompts.iter().find(same).map(|(id, _)| *id);
        let prompt_id = known.unwrap_or_else(|| {
            self.next_prompt = self.next_prompt.wrapping_add(1);
            PromptId(self.next_prompt)
        });
        // A tab shows one question at a time.
        self.prompts.retain(|_, prompt| prompt.tab_id != tab_id);
        self.prompts.insert(
            prompt_id,
            Prompt {
                tab_id,
                url,
                refusal,
            },
        );
        vec![
            Effect::ShowPrompt { tab_id, prompt_id },
            Effect::SetBadge {
                tab_id,
                badge: Badge::Blocked,
            },
        ]
    }

    pub(super) fn refreshed(
        &mut self,
        ask_id: AskId,
        id: PromptId,
        refusal: Option<Refusal>,
    ) -> Effect {
        match (self.prompts.get_mut(&id), refusal) {
            (Some(prompt), Some(refusal)) => {
                prompt.refusal = refusal;
                show(ask_id, prompt, Some(ErrorCode::KeyChanged))
            }
            _ => refuse(ask_id, ErrorCode::KeyChanged),
        }
    }

    pub(super) fn page_asked(
        &mut self,
        ask_id: AskId,
        tab_id: Option<TabId>,
        request: PageRequest,
    ) -> Vec<Effect> {
        let request = match request {
            PageRequest::Status => {
                let mut effects = vec![self.say_status(ask_id)];
                effects.extend(self.try_again());
                return effects;
            }
            PageRequest::Trust { prompt_id } => {
                let prompt = self.prompt_of(prompt_id, tab_id);
                let effect = prompt.map_or_else(
                    || refuse(ask_id, ErrorCode::UnknownPrompt),
                    |it| show(ask_id, it, None),
                );
                return vec![effect];
            }
            PageRequest::Decide { prompt_id, choice } => {
                return self.decided(ask_id, prompt_id, tab_id, &choice);
            }
            PageRequest::Popup { url } => return vec![self.popup(ask_id, &url)],
            PageRequest::Block { endpoint, blocked } => Request::Block { endpoint, blocked },
            PageRequest::Forget { endpoint } => Request::Forget { endpoint },
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

    /// An open question, but only for the tab that it was shown in.
    pub(super) fn prompt_of(&self, prompt_id: PromptId, tab_id: Option<TabId>) -> Option<&Prompt> {
        self.prompts
            .get(&prompt_id)
            .filter(|prompt| Some(prompt.tab_id) == tab_id)
    }

    pub(super) fn decided(
        &mut self,
        ask_id: AskId,
        prompt_id: PromptId,
        tab_id: Option<TabId>,
        choice: &Choice,
    ) -> Vec<Effect> {
        let Some(prompt) = self.prompt_of(prompt_id, tab_id) else {
            return vec![refuse(ask_id, ErrorCode::UnknownPrompt)];
        };
        let endpoint = &prompt.refusal.endpoint;
        let approval = match (&prompt.refusal.finding, choice) {
            (_, Choice::Retry) => {
                let reply = PageReply::Go {
                    url: prompt.url.clone(),
                };
                self.prompts.remove(&prompt_id);
                return vec![Effect::Answer { ask_id, reply }];
            }
            (Finding::Stranger, Choice::Approve { .. }) => Approval::First,
            (Finding::Moved { .. }, Choice::Approve { .. }) => Approval::Moved,
            (Finding::Rotated, Choice::Approve { .. }) => Approval::Rotated,
            (Finding::Expired, Choice::Approve { .. }) => Approval::Extend,
            (Finding::Changed, Choice::Replace { typed_address, .. })
                if typed_address.trim().parse().as_ref() == Ok(endpoint) =>
            {
                Approval::Replace
            }
            // A choice that this question does not offer was not made by a person at its page.
            _ => return vec![show(ask_id, prompt, Some(ErrorCode::BadMessage))],
        };
        // The approval is bound to the key that the person sees.
        let Some(spki_sha256) = shown_key(&prompt.refusal) else {
            return vec![show(ask_id, prompt, Some(ErrorCode::NotMet))];
        };
        if choice.key() != Some(spki_sha256) {
            return vec![show(ask_id, prompt, Some(ErrorCode::KeyChanged))];
        }
        if !matches!(self.helper, Helper::Ready { .. }) {
            return vec![show(ask_id, prompt, Some(ErrorCode::HelperGone))];
        }
        let approve = Request::Approve {
            endpoint: endpoint.clone(),
            spki_sha256,
            approval,
        };
        // The old device's session goes before the new key is trusted, and if it cannot be
        // deleted, the key is not trusted: there is no moment at which the one meets the other.
        let mut effects = Vec::new();
        if prompt.refusal.other_device_before {
            effects.push(Effect::ClearSiteData {
                ask_id,
                origin: endpoint.origin(),
                hostname: endpoint.host().to_string(),
            });
        }
        let decided = Pending::Decide {
            ask_id,
            prompt_id,
            approval,
        };
        effects.push(self.send(approve, decided));
        effects
    }

    pub(super) fn popup(&mut self, ask_id: AskId, url: &str) -> Effect {
        let endpoint = device_endpoint(url, &self.scope);
        if let (Some(endpoint), Helper::Ready { .. }) = (&endpoint, &self.helper) {
            let pending = Pending::Popup {
                ask_id,
                endpoint: endpoint.clone(),
            };
            return self.send(
                Request::Identify {
                    endpoint: endpoint.clone(),
                },
                pending,
            );
        }
        let ready = matches!(self.helper, Helper::Ready { .. });
        let view = PopupView {
            state: if ready {
                PopupState::NoDevice
            } else {
                PopupState::NoHelper
            },
            address: endpoint.map(|endpoint| endpoint.display_name()),
            trusted: None,
            helper: self.status(),
        };
        Effect::Answer {
            ask_id,
            reply: PageReply::Popup { view },
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

pub(super) fn show(ask_id: AskId, prompt: &Prompt, notice: Option<ErrorCode>) -> Effect {
    match TrustView::new(&prompt.refusal, notice) {
        Ok(view) => Effect::Answer {
            ask_id,
            reply: PageReply::Trust { view },
        },
        Err(_) => refuse(ask_id, ErrorCode::NotMet),
    }
}

/// The key that a question is about.
fn shown_key(refusal: &Refusal) -> Option<SpkiSha256> {
    refusal.observation.as_ref()?.leaf_key()
}
