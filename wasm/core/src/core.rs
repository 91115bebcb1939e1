//! The extension's brain: events in, effects out.
//!
//! It knows what the helper said, which tabs wait for it, and which questions are open.
//! It never trusts: pins live in the helper's store, and every approval goes there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::chain::Observation;
use crate::decision::Finding;
use crate::effect::{Badge, Effect, HelperStatus, PageReply};
use crate::endpoint::Endpoint;
use crate::error::ErrorCode;
use crate::event::{AskId, Choice, Event, PageRequest, PromptId, TabId, Timer};
use crate::protocol::{
    Answer, Approval, FromHelper, Gateway, HelperError, PROTOCOL, Refusal, Request, Response,
    Settings, SystemProxy, ToHelper,
};
use crate::routing::{Route, Routing, device_endpoint, is_gateway};
use crate::scope::ScopeOptions;
use crate::view::{PopupState, PopupView, TrustView, TrustedView};

/// The state of one browser's Housekey.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Core {
    version: String,
    helper: Helper,
    /// What counts as a device: the helper's last word on it, or the default.
    scope: ScopeOptions,
    /// Whether the helper was ready in this browser session: from then on, its absence closes.
    was_ready: bool,
    proxy_is_ours: Option<bool>,
    next_request: u32,
    next_prompt: u32,
    pending: BTreeMap<u32, Pending>,
    prompts: BTreeMap<PromptId, Prompt>,
    /// Tabs that failed to load while there was no gateway, and what they wanted.
    waiting: BTreeMap<TabId, String>,
}

/// What is known of the helper.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Helper {
    /// It does not answer.
    Absent { status: HelperStatus },
    /// It answered.
    Ready {
        version: String,
        gateway: Gateway,
        settings: Settings,
        system_proxy: SystemProxy,
    },
    /// It was asked to start, so many times in a row.
    Starting { attempt: u32 },
}

/// What an answer of the helper is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Pending {
    Badge {
        tab_id: TabId,
    },
    Decide {
        ask_id: AskId,
        prompt_id: PromptId,
        approval: Approval,
    },
    Hello,
    Page {
        ask_id: AskId,
    },
    Popup {
        ask_id: AskId,
        endpoint: Endpoint,
    },
    Refresh {
        ask_id: AskId,
        prompt_id: PromptId,
    },
    Subresource {
        tab_id: TabId,
    },
    WhyFailed {
        tab_id: TabId,
        url: String,
    },
}

/// An open question.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Prompt {
    tab_id: TabId,
    /// What the person wanted, and gets after approval.
    url: String,
    refusal: Refusal,
}

/// What the gateway wants to hear.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct Credentials {
    /// Always the same; the secret is in the password.
    pub username: String,
    /// The gateway's secret.
    pub password: String,
}

impl Core {
    /// A core that knows nothing yet. The first event should be [`Event::Started`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A core as it was when [`Core::snapshot`] was taken, or `None` where the text is no snapshot
    /// of this version's.
    #[must_use]
    pub fn restore(snapshot: &str) -> Option<Self> {
        serde_json::from_str(snapshot).ok()
    }

    /// Everything that has to survive the browser's putting the background to sleep.
    ///
    /// It contains the gateway's secret, so it belongs into memory that only the extension reads.
    #[must_use]
    pub fn snapshot(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Takes in what happened, and says what to do.
    pub fn handle(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::BrowserStarted { tabs } => {
                for tab in tabs {
                    self.wait_if_device(tab.tab_id, tab.url);
                }
                self.release_waiting()
            }
            Event::HelperGone => self.helper_gone(),
            Event::HelperSaid { message } => self.helper_said(message),
            Event::NavigationFailed { tab_id, url } => self.navigation_failed(tab_id, url),
            Event::NavigationFinished { tab_id, url } => self.navigation_finished(tab_id, &url),
            Event::PageAsked {
                ask_id,
                tab_id,
                request,
                ..
            } => self.page_asked(ask_id, tab_id, request),
            Event::ProxyControl { ours } => {
                self.proxy_is_ours = Some(ours);
                Vec::new()
            }
            Event::Started { version } => {
                self.version = version;
                // Whatever was asked before the background slept, nobody waits for it any more.
                self.pending.clear();
                self.connect(1)
            }
            Event::SubresourceFailed { tab_id, url } => self.subresource_failed(tab_id, &url),
            Event::TabClosed { tab_id } => {
                self.waiting.remove(&tab_id);
                self.prompts.retain(|_, prompt| prompt.tab_id != tab_id);
                Vec::new()
            }
            Event::TimerRang {
                timer: Timer::Reconnect,
            } => match self.helper {
                Helper::Starting { attempt } => self.connect(attempt),
                Helper::Absent { .. } | Helper::Ready { .. } => Vec::new(),
            },
        }
    }

    /// Where a request goes, for browsers that ask about each one.
    #[must_use]
    pub fn route(&self, url: &str) -> Route {
        if device_endpoint(url, &self.scope).is_none() {
            return Route::Pass;
        }
        match &self.helper {
            Helper::Ready { gateway, .. } => Route::Gateway { port: gateway.port },
            Helper::Starting { .. } => Route::Wait,
            Helper::Absent { .. } if self.is_closed() => Route::Closed,
            Helper::Absent { .. } => Route::Pass,
        }
    }

    /// What to answer to a proxy that wants credentials: the secret to the gateway, to nobody else.
    #[must_use]
    pub fn credentials(&self, challenger_host: &str, challenger_port: u16) -> Option<Credentials> {
        let Helper::Ready { gateway, .. } = &self.helper else {
            return None;
        };
        let challenger = challenger_host.parse().ok()?;
        is_gateway(&challenger, challenger_port, gateway.port).then(|| Credentials {
            username: "housekey".to_owned(),
            password: gateway.secret.clone(),
        })
    }

    /// Whether devices stay unreachable although the helper cannot be used.
    ///
    /// A helper that was never there leaves the browser as it was. One that was there and stopped
    /// working must not make a device reachable past its pin.
    fn is_closed(&self) -> bool {
        match self.helper {
            Helper::Absent { status } => status == HelperStatus::Unusable,
            Helper::Ready { .. } | Helper::Starting { .. } => true,
        }
    }

    fn status(&self) -> HelperStatus {
        match self.helper {
            Helper::Absent { status } => status,
            Helper::Ready { .. } => HelperStatus::Ok,
            Helper::Starting { .. } if self.was_ready => HelperStatus::Down,
            Helper::Starting { .. } => HelperStatus::Starting,
        }
    }

    fn connect(&mut self, attempt: u32) -> Vec<Effect> {
        self.helper = Helper::Starting { attempt };
        let hello = Request::Hello {
            extension: self.version.clone(),
        };
        vec![Effect::ConnectHelper, self.send(hello, Pending::Hello)]
    }

    /// Asks a helper that is absent once more. People install it while the browser runs.
    fn try_again(&mut self) -> Vec<Effect> {
        match self.helper {
            Helper::Absent { .. } => self.connect(MAX_FIRST_ATTEMPTS),
            Helper::Ready { .. } | Helper::Starting { .. } => Vec::new(),
        }
    }

    fn send(&mut self, request: Request, pending: Pending) -> Effect {
        self.next_request = self.next_request.wrapping_add(1);
        let id = self.next_request;
        self.pending.insert(id, pending);
        Effect::SendToHelper {
            message: ToHelper {
                protocol: PROTOCOL,
                id,
                request,
            },
        }
    }

    fn helper_gone(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (_, pending) in std::mem::take(&mut self.pending) {
            match pending {
                Pending::WhyFailed { tab_id, url } => {
                    self.waiting.insert(tab_id, url);
                }
                Pending::Decide { ask_id, .. }
                | Pending::Page { ask_id }
                | Pending::Popup { ask_id, .. }
                | Pending::Refresh { ask_id, .. } => {
                    effects.push(refuse(ask_id, ErrorCode::HelperGone));
                }
                Pending::Badge { .. } | Pending::Hello | Pending::Subresource { .. } => {}
            }
        }
        let attempt = match self.helper {
            Helper::Absent { .. } => return effects,
            Helper::Ready { .. } => 1,
            Helper::Starting { attempt } => attempt + 1,
        };
        if self.was_ready || attempt <= MAX_FIRST_ATTEMPTS {
            self.helper = Helper::Starting { attempt };
            let millis = (FIRST_DELAY_MILLIS << attempt.min(16)).min(MAX_DELAY_MILLIS);
            effects.push(Effect::StartTimer {
                timer: Timer::Reconnect,
                millis,
            });
        } else {
            effects.extend(self.absent(HelperStatus::Missing));
        }
        effects
    }

    fn absent(&mut self, status: HelperStatus) -> Vec<Effect> {
        self.helper = Helper::Absent { status };
        let first = if self.is_closed() {
            let nowhere = Routing::new(CLOSED_PORT, &self.scope, &SystemProxy::default());
            Effect::Route { routing: nowhere }
        } else {
            Effect::Unroute
        };
        vec![first, Effect::ShowWelcome { status }]
    }

    fn helper_said(&mut self, message: FromHelper) -> Vec<Effect> {
        let Some(pending) = message.id.and_then(|id| self.pending.remove(&id)) else {
            return Vec::new();
        };
        match message.answer {
            Answer::Ok(response) => self.helper_did(pending, response),
            Answer::Error(error) => self.helper_refused(pending, &error),
        }
    }

    fn helper_did(&mut self, pending: Pending, response: Response) -> Vec<Effect> {
        match (pending, response) {
            (
                Pending::Hello,
                Response::Hello {
                    helper: version,
                    gateway,
                    scope,
                    settings,
                    system_proxy,
                },
            ) => {
                self.helper = Helper::Ready {
                    version,
                    gateway,
                    settings,
                    system_proxy,
                };
                self.scope = scope;
                self.was_ready = true;
                let mut effects = self.route_all();
                effects.extend(self.release_waiting());
                effects
            }
            (Pending::WhyFailed { tab_id, url }, Response::Explained { refusal }) => {
                refusal.map_or_else(Vec::new, |refusal| self.ask(tab_id, url, refusal))
            }
            (Pending::Subresource { tab_id }, Response::Explained { refusal: Some(_) }) => {
                vec![Effect::SetBadge {
                    tab_id,
                    badge: Badge::Attention,
                }]
            }
            (Pending::Refresh { ask_id, prompt_id }, Response::Explained { refusal }) => {
                vec![self.refreshed(ask_id, prompt_id, refusal)]
            }
            (
                Pending::Decide {
                    ask_id, prompt_id, ..
                },
                Response::Pinned {
                    pin,
                    other_key_before,
                },
            ) => {
                let Some(prompt) = self.prompts.remove(&prompt_id) else {
                    return vec![refuse(ask_id, ErrorCode::UnknownPrompt)];
                };
                let mut effects = Vec::new();
                if other_key_before {
                    effects.push(Effect::ClearSiteData {
                        origin: pin.endpoint.origin(),
                        hostname: pin.endpoint.host().to_string(),
                    });
                }
                let reply = PageReply::Go { url: prompt.url };
                effects.push(Effect::Answer { ask_id, reply });
                effects
            }
            (Pending::Badge { tab_id }, Response::Identified { pin }) => {
                let badge = if pin.is_some() {
                    Badge::Trusted
                } else {
                    Badge::None
                };
                vec![Effect::SetBadge { tab_id, badge }]
            }
            (Pending::Popup { ask_id, endpoint }, Response::Identified { pin }) => {
                let view = PopupView {
                    state: if pin.is_some() {
                        PopupState::Trusted
                    } else {
                        PopupState::NotPinned
                    },
                    address: Some(endpoint.display_name()),
                    trusted: pin.as_ref().map(TrustedView::new),
                    helper: self.status(),
                };
                vec![Effect::Answer {
                    ask_id,
                    reply: PageReply::Popup { view },
                }]
            }
            (Pending::Page { ask_id }, Response::Pins { pins, more }) => {
                vec![Effect::Answer {
                    ask_id,
                    reply: PageReply::Pins { pins, more },
                }]
            }
            (
                Pending::Page { ask_id },
                Response::Changed {
                    settings: changed,
                    scope,
                },
            ) => {
                self.scope = scope;
                if let Helper::Ready { settings, .. } = &mut self.helper {
                    *settings = changed;
                }
                let mut effects = self.route_all();
                effects.push(Effect::Answer {
                    ask_id,
                    reply: PageReply::Done,
                });
                effects
            }
            (Pending::Page { ask_id }, Response::Pinned { .. } | Response::Forgotten { .. }) => {
                vec![Effect::Answer {
                    ask_id,
                    reply: PageReply::Done,
                }]
            }
            // An answer to another question than the one that was asked: nothing to go by.
            (pending, _) => {
                let detail = String::new();
                self.helper_refused(
                    pending,
                    &HelperError {
                        code: ErrorCode::BadMessage,
                        detail,
                    },
                )
            }
        }
    }

    fn helper_refused(&mut self, pending: Pending, error: &HelperError) -> Vec<Effect> {
        match pending {
            Pending::Hello => self.absent(match error.code {
                // The helper's words are about the extension, the status is about the helper.
                ErrorCode::ProtocolTooNew => HelperStatus::TooOld,
                ErrorCode::ProtocolTooOld => HelperStatus::TooNew,
                _ => HelperStatus::Unusable,
            }),
            Pending::Decide {
                ask_id, prompt_id, ..
            } => match self.prompts.get(&prompt_id) {
                Some(prompt) if error.code == ErrorCode::KeyChanged => {
                    let endpoint = prompt.refusal.endpoint.clone();
                    let refresh = Pending::Refresh { ask_id, prompt_id };
                    vec![self.send(Request::Explain { endpoint }, refresh)]
                }
                Some(prompt) => vec![show(ask_id, prompt, Some(error.code))],
                None => vec![refuse(ask_id, ErrorCode::UnknownPrompt)],
            },
            Pending::Page { ask_id }
            | Pending::Popup { ask_id, .. }
            | Pending::Refresh { ask_id, .. } => vec![refuse(ask_id, error.code)],
            Pending::Badge { .. } | Pending::Subresource { .. } | Pending::WhyFailed { .. } => {
                Vec::new()
            }
        }
    }

    fn route_all(&self) -> Vec<Effect> {
        let Helper::Ready {
            gateway,
            system_proxy,
            ..
        } = &self.helper
        else {
            return Vec::new();
        };
        vec![Effect::Route {
            routing: Routing::new(gateway.port, &self.scope, system_proxy),
        }]
    }

    fn wait_if_device(&mut self, tab_id: TabId, url: String) {
        if device_endpoint(&url, &self.scope).is_some() {
            self.waiting.insert(tab_id, url);
        }
    }

    fn release_waiting(&mut self) -> Vec<Effect> {
        match self.helper {
            Helper::Ready { .. } => std::mem::take(&mut self.waiting)
                .into_iter()
                .map(|(tab_id, url)| Effect::Navigate { tab_id, url })
                .collect(),
            Helper::Absent { .. } | Helper::Starting { .. } => Vec::new(),
        }
    }

    fn navigation_failed(&mut self, tab_id: TabId, url: String) -> Vec<Effect> {
        let Some(endpoint) = device_endpoint(&url, &self.scope) else {
            return Vec::new();
        };
        if !matches!(self.helper, Helper::Ready { .. }) {
            self.waiting.insert(tab_id, url);
            return self.try_again();
        }
        let why = Pending::WhyFailed { tab_id, url };
        if self.pending.values().any(|pending| *pending == why) {
            return Vec::new();
        }
        vec![self.send(Request::Explain { endpoint }, why)]
    }

    fn navigation_finished(&mut self, tab_id: TabId, url: &str) -> Vec<Effect> {
        self.waiting.remove(&tab_id);
        self.prompts.retain(|_, prompt| prompt.tab_id != tab_id);
        match device_endpoint(url, &self.scope) {
            Some(endpoint) if matches!(self.helper, Helper::Ready { .. }) => {
                vec![self.send(Request::Identify { endpoint }, Pending::Badge { tab_id })]
            }
            _ => vec![Effect::SetBadge {
                tab_id,
                badge: Badge::None,
            }],
        }
    }

    fn subresource_failed(&mut self, tab_id: TabId, url: &str) -> Vec<Effect> {
        let wanted = Pending::Subresource { tab_id };
        let asked = self.pending.values().any(|pending| *pending == wanted);
        match device_endpoint(url, &self.scope) {
            Some(endpoint) if !asked && matches!(self.helper, Helper::Ready { .. }) => {
                vec![self.send(Request::Explain { endpoint }, wanted)]
            }
            _ => Vec::new(),
        }
    }

    /// Opens a question, or comes back to the one that this tab already shows.
    fn ask(&mut self, tab_id: TabId, url: String, refusal: Refusal) -> Vec<Effect> {
        let same = |(_, prompt): &(&PromptId, &Prompt)| {
            prompt.tab_id == tab_id && prompt.refusal.endpoint == refusal.endpoint
        };
        let prompt_id = self
            .prompts
            .iter()
            .find(same)
            .map(|(id, _)| *id)
            .unwrap_or_else(|| {
                self.next_prompt = self.next_prompt.wrapping_add(1);
                PromptId(self.next_prompt)
            });
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

    fn refreshed(&mut self, ask_id: AskId, id: PromptId, refusal: Option<Refusal>) -> Effect {
        match (self.prompts.get_mut(&id), refusal) {
            (Some(prompt), Some(refusal)) => {
                prompt.refusal = refusal;
                show(ask_id, prompt, Some(ErrorCode::KeyChanged))
            }
            _ => refuse(ask_id, ErrorCode::KeyChanged),
        }
    }

    fn page_asked(
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
                return vec![self.decided(ask_id, prompt_id, tab_id, &choice)];
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
    fn prompt_of(&self, prompt_id: PromptId, tab_id: Option<TabId>) -> Option<&Prompt> {
        self.prompts
            .get(&prompt_id)
            .filter(|prompt| Some(prompt.tab_id) == tab_id)
    }

    fn decided(
        &mut self,
        ask_id: AskId,
        prompt_id: PromptId,
        tab_id: Option<TabId>,
        choice: &Choice,
    ) -> Effect {
        let Some(prompt) = self.prompt_of(prompt_id, tab_id) else {
            return refuse(ask_id, ErrorCode::UnknownPrompt);
        };
        let endpoint = &prompt.refusal.endpoint;
        let approval = match (&prompt.refusal.finding, choice) {
            (_, Choice::Retry) => {
                let reply = PageReply::Go {
                    url: prompt.url.clone(),
                };
                self.prompts.remove(&prompt_id);
                return Effect::Answer { ask_id, reply };
            }
            (Finding::Stranger, Choice::Approve) => Approval::First,
            (Finding::Moved { .. }, Choice::Approve) => Approval::Moved,
            (Finding::Rotated, Choice::Approve) => Approval::Rotated,
            (Finding::Expired, Choice::Approve) => Approval::Extend,
            (Finding::Changed, Choice::Replace { typed_address })
                if typed_address.trim().parse().as_ref() == Ok(endpoint) =>
            {
                Approval::Replace
            }
            // A choice that this question does not offer was not made by a person at its page.
            _ => return show(ask_id, prompt, Some(ErrorCode::BadMessage)),
        };
        // The approval is bound to the key that the person sees.
        let shown = prompt
            .refusal
            .observation
            .as_ref()
            .and_then(Observation::leaf_key);
        let Some(spki_sha256) = shown else {
            return show(ask_id, prompt, Some(ErrorCode::NotMet));
        };
        if !matches!(self.helper, Helper::Ready { .. }) {
            return show(ask_id, prompt, Some(ErrorCode::HelperGone));
        }
        let approve = Request::Approve {
            endpoint: endpoint.clone(),
            spki_sha256,
            approval,
        };
        self.send(
            approve,
            Pending::Decide {
                ask_id,
                prompt_id,
                approval,
            },
        )
    }

    fn popup(&mut self, ask_id: AskId, url: &str) -> Effect {
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

    fn say_status(&self, ask_id: AskId) -> Effect {
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

impl Default for Helper {
    fn default() -> Self {
        Self::Starting { attempt: 0 }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

fn refuse(ask_id: AskId, code: ErrorCode) -> Effect {
    Effect::Answer {
        ask_id,
        reply: PageReply::Error { code },
    }
}

fn show(ask_id: AskId, prompt: &Prompt, notice: Option<ErrorCode>) -> Effect {
    match TrustView::new(&prompt.refusal, notice) {
        Ok(view) => Effect::Answer {
            ask_id,
            reply: PageReply::Trust { view },
        },
        Err(_) => refuse(ask_id, ErrorCode::NotMet),
    }
}

/// How often a helper that was never seen is tried before it counts as not installed.
const MAX_FIRST_ATTEMPTS: u32 = 3;
const FIRST_DELAY_MILLIS: u32 = 100;
const MAX_DELAY_MILLIS: u32 = 10_000;
/// The discard port (RFC 863), where nobody listens.
const CLOSED_PORT: u16 = 9;
