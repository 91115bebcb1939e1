//! The connection to the helper: how it is made and kept, and what its answers mean.

use super::questions::clear_site_data;
use super::{Core, Helper, Pending, refuse};
use crate::decision::Finding;
use crate::effect::{Badge, Effect, HelperStatus, Message, PageReply};
use crate::errand::Asked;
use crate::error::ErrorCode;
use crate::event::{TabId, Timer};
use crate::mark::ListMark;
use crate::protocol::{Answer, FromHelper, HelperError, PROTOCOL, Refusal, Request, Response};
use crate::routing::Routing;
use crate::time::Timestamp;
use crate::view::{PopupState, PopupView, TrustedView};

impl Core {
    pub(super) fn connect(&mut self, attempt: u32) -> Vec<Effect> {
        self.helper = Helper::Starting { attempt };
        // Before the background began, there is nobody to say hello for.
        let Some(profile) = self.profile.clone() else {
            return Vec::new();
        };
        let hello = Request::Hello {
            extension: self.version.clone(),
            profile,
            seen: self.seen.clone(),
        };
        vec![Effect::ConnectHelper, self.send(hello, Pending::Hello)]
    }

    /// Asks a helper that is absent once more. People install it while the browser runs.
    pub(super) fn try_again(&mut self) -> Vec<Effect> {
        // Another connection would end the one over which it is being checked.
        let is_checked = |it: &Pending| matches!(it, Pending::CheckUp { .. });
        match self.helper {
            Helper::Absent { .. } if self.pending.values().any(is_checked) => Vec::new(),
            Helper::Absent { .. } => self.connect(MAX_FIRST_ATTEMPTS),
            Helper::Ready { .. } | Helper::Starting { .. } => Vec::new(),
        }
    }

    pub(super) fn send(&mut self, request: impl Into<Asked<Request>>, pending: Pending) -> Effect {
        self.next_request = self.next_request.wrapping_add(1);
        let id = self.next_request;
        self.pending.insert(id, pending);
        Effect::SendToHelper {
            message: Message {
                protocol: PROTOCOL,
                id,
                request: request.into(),
            },
        }
    }

    pub(super) fn helper_gone(&mut self) -> Vec<Effect> {
        let mut effects = self.tell_waiting();
        for (_, pending) in std::mem::take(&mut self.pending) {
            match pending {
                Pending::Met { tab_id, url } | Pending::WhyFailed { tab_id, url } => {
                    self.waiting.insert(tab_id, url);
                }
                Pending::CheckUp { ask_id }
                | Pending::Decide { ask_id, .. }
                | Pending::Page { ask_id }
                | Pending::Popup { ask_id, .. }
                | Pending::Refresh { ask_id, .. }
                | Pending::Sites {
                    ask_id: Some(ask_id),
                }
                | Pending::TrustMaker { ask_id, .. } => {
                    effects.push(refuse(ask_id, ErrorCode::HelperGone));
                }
                Pending::Follow { ask_id, prompt_id } => {
                    effects.extend(self.meeting_lost(ask_id, prompt_id));
                }
                Pending::Badge { .. }
                | Pending::Cleared { .. }
                | Pending::Hello
                | Pending::Navigation { .. }
                | Pending::Sites { ask_id: None }
                | Pending::Subresource { .. }
                | Pending::Want { .. } => {}
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

    pub(super) fn absent(&mut self, status: HelperStatus) -> Vec<Effect> {
        self.helper = Helper::Absent { status };
        let welcome = Effect::ShowWelcome { status };
        let mut effects = if self.was_ready {
            vec![self.route_to(CLOSED_PORT), welcome]
        } else if self.is_closed() {
            // Routing that an earlier session left leads to a gateway that is gone, and so nowhere.
            // To make one anew, it would have to be known where other traffic goes.
            vec![welcome]
        } else {
            vec![Effect::Unroute, welcome]
        };
        effects.extend(self.tell_waiting());
        effects.extend(self.ask_for_checkups());
        effects
    }

    pub(super) fn helper_said(&mut self, message: FromHelper) -> Vec<Effect> {
        let Some(pending) = message.id.and_then(|id| self.pending.remove(&id)) else {
            return Vec::new();
        };
        let mut effects = match message.answer {
            Answer::Ok(response) => self.helper_did(pending, response),
            Answer::Error(error) => self.helper_refused(pending, &error),
        };
        effects.extend(message.mark.and_then(|mark| self.saw(mark)));
        effects
    }

    /// Takes in how far the list of devices had come, as the profile's storage holds it.
    ///
    /// A broken value must not end the extension, so it goes without: that an older list would not
    /// be noticed this once is for the checkup to say. What the session still knows stands against a
    /// storage that is behind.
    pub(super) fn recall(&mut self, kept: Option<&str>) -> Option<Effect> {
        let read = kept.and_then(ListMark::read);
        let Some(seen) = self.seen.clone() else {
            self.forgot = kept.is_some() && read.is_none();
            self.seen = read;
            return None;
        };
        match read {
            Some(read) if read.lacks(&seen).is_none() => {
                self.seen = Some(read);
                None
            }
            _ => Some(Effect::Remember { seen }),
        }
    }

    /// Keeps how far the list of devices has come. Answers may overtake each other, and what was
    /// seen once is not unseen by a later word of before.
    fn saw(&mut self, mark: ListMark) -> Option<Effect> {
        let known = self.seen.as_ref();
        if known.is_some_and(|seen| *seen == mark || mark.lacks(seen).is_some()) {
            return None;
        }
        self.seen = Some(mark.clone());
        Some(Effect::Remember { seen: mark })
    }

    pub(super) fn helper_did(&mut self, pending: Pending, response: Response) -> Vec<Effect> {
        match (pending, response) {
            (
                Pending::Hello,
                Response::Hello {
                    helper: version,
                    gateway,
                    scope,
                    settings,
                    system_proxy,
                    sites,
                },
            ) => {
                self.helper = Helper::Ready {
                    version,
                    gateway,
                    settings,
                };
                self.system_proxy = system_proxy;
                self.scope = scope;
                self.allowed = sites;
                // At the browser's start, nobody has said yet who leads its traffic.
                let is_back = std::mem::replace(&mut self.was_ready, true);
                let mut effects = if is_back {
                    self.meet_waiting()
                } else {
                    Vec::new()
                };
                effects.extend(self.route_all());
                effects.extend(self.follow_sites());
                effects.extend(self.release_waiting());
                effects.extend(self.ask_for_checkups());
                effects
            }
            (Pending::WhyFailed { tab_id, url }, Response::Explained { refusal }) => {
                refusal.map_or_else(Vec::new, |refusal| self.told_why(tab_id, url, refusal))
            }
            (Pending::Met { tab_id, url }, Response::Explained { refusal }) => {
                self.met(tab_id, url, refusal)
            }
            (Pending::Navigation { tab_id, navigation }, Response::Meeting { meeting }) => {
                self.told_of_meeting(tab_id, navigation, meeting)
            }
            (Pending::Follow { ask_id, prompt_id }, Response::Meeting { meeting }) => {
                self.meeting_went_on(ask_id, prompt_id, meeting)
            }
            (Pending::Follow { ask_id, prompt_id }, Response::Explained { refusal }) => {
                self.meeting_ended(ask_id, prompt_id, refusal)
            }
            (Pending::Cleared { endpoint }, Response::Cleared) => {
                self.leave_prompts(|prompt| prompt.endpoint == endpoint && prompt.about.is_stale())
            }
            (Pending::Sites { ask_id }, Response::Sites { sites }) => {
                self.told_of_sites(ask_id, sites)
            }
            (Pending::Want { tab_id, want }, Response::Identified { pin, .. }) => {
                self.told_of_want(tab_id, want, pin.as_ref())
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
                Response::Pinned { .. },
            ) => self.approved(ask_id, prompt_id),
            (Pending::Badge { tab_id }, Response::Identified { pin, .. }) => {
                // Where another extension leads the traffic, nothing of it was checked.
                let checked = self.proxy_holder().is_none();
                let badge = if pin.is_some() && checked {
                    Badge::Trusted
                } else {
                    Badge::None
                };
                vec![Effect::SetBadge { tab_id, badge }]
            }
            (
                Pending::Popup {
                    ask_id,
                    endpoint,
                    wants,
                },
                Response::Identified { pin, live },
            ) => {
                let state = match &pin {
                    None => PopupState::NotPinned,
                    Some(pin) if pin.blocked => PopupState::Blocked,
                    Some(_) => PopupState::Trusted,
                };
                let view = PopupView {
                    live,
                    trusted: pin.as_ref().map(TrustedView::new),
                    wants,
                    ..self.popup_view(state, Some(endpoint))
                };
                vec![Effect::Answer {
                    ask_id,
                    reply: PageReply::Popup { view },
                }]
            }
            (Pending::TrustMaker { ask_id, prompt_id }, Response::Makers { .. }) => {
                // With the maker known, it is another question, and asked anew.
                let reply = match self.prompts.remove(&prompt_id) {
                    Some(prompt) => PageReply::Go { url: prompt.url },
                    None => PageReply::Error {
                        code: ErrorCode::UnknownPrompt,
                    },
                };
                vec![Effect::Answer { ask_id, reply }]
            }
            (Pending::CheckUp { ask_id }, Response::CheckedUp { checkup }) => {
                vec![self.checked_up(ask_id, checkup)]
            }
            (Pending::Page { ask_id }, Response::History { entries, more }) => {
                let reply = PageReply::History { entries, more };
                vec![Effect::Answer { ask_id, reply }]
            }
            (Pending::Page { ask_id }, Response::Imported { plan }) => {
                let reply = PageReply::Imported { plan };
                vec![Effect::Answer { ask_id, reply }]
            }
            (Pending::Page { ask_id }, Response::Makers { makers }) => {
                let reply = PageReply::Makers { makers };
                vec![Effect::Answer { ask_id, reply }]
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

    /// The gateway refused a navigation, and this is why.
    pub(super) fn told_why(&mut self, tab_id: TabId, url: String, refusal: Refusal) -> Vec<Effect> {
        let stale = refusal.finding == Finding::StaleSession;
        let endpoint = refusal.endpoint.clone();
        let mut effects = self.ask(tab_id, url, refusal);
        if stale {
            // Nobody has to be asked: the person decided it in another profile. Where the session
            // cannot be deleted, the helper is not told that it was, and the page stays.
            let cleared = Pending::Cleared {
                endpoint: endpoint.clone(),
            };
            effects.extend(clear_site_data(None, &endpoint));
            effects.push(self.send(Request::Cleared { endpoint }, cleared));
        }
        effects
    }

    pub(super) fn helper_refused(&mut self, pending: Pending, error: &HelperError) -> Vec<Effect> {
        match pending {
            Pending::Hello => self.absent(match error.code {
                // The helper's words are about the extension, the status is about the helper.
                ErrorCode::ProtocolTooNew => HelperStatus::TooOld,
                ErrorCode::ProtocolTooOld => HelperStatus::TooNew,
                _ => HelperStatus::Unusable,
            }),
            // A helper of before `cleared` takes it for granted, and refuses to be told.
            Pending::Decide {
                ask_id,
                prompt_id,
                simpler: Some(simpler),
            } if error.code == ErrorCode::BadMessage => {
                let decided = Pending::Decide {
                    ask_id,
                    prompt_id,
                    simpler: None,
                };
                vec![self.send(simpler.request(false), decided)]
            }
            Pending::Decide {
                ask_id, prompt_id, ..
            } => match self.prompts.get(&prompt_id) {
                Some(prompt) if error.code == ErrorCode::KeyChanged => {
                    let endpoint = prompt.endpoint.clone();
                    let refresh = Pending::Refresh { ask_id, prompt_id };
                    vec![self.send(Request::Explain { endpoint }, refresh)]
                }
                Some(prompt) => {
                    let at = prompt.about.refusal().map_or(Timestamp(0), |it| it.at);
                    let reply = self.view(prompt, Some(error.code), at);
                    vec![Effect::Answer { ask_id, reply }]
                }
                None => vec![refuse(ask_id, ErrorCode::UnknownPrompt)],
            },
            // A helper of before this request knows nothing of it.
            Pending::CheckUp { ask_id } if error.code == ErrorCode::BadMessage => {
                vec![refuse(ask_id, ErrorCode::ProtocolTooOld)]
            }
            Pending::CheckUp { ask_id }
            | Pending::Follow { ask_id, .. }
            | Pending::Page { ask_id }
            | Pending::Popup { ask_id, .. }
            | Pending::Refresh { ask_id, .. }
            | Pending::Sites {
                ask_id: Some(ask_id),
            }
            | Pending::TrustMaker { ask_id, .. } => vec![refuse(ask_id, error.code)],
            // A helper of before this request knows nothing of it.
            Pending::Met { tab_id, url } => self.met(tab_id, url, None),
            Pending::Sites { ask_id: None } => self.lost_sites(),
            Pending::Badge { .. }
            | Pending::Cleared { .. }
            | Pending::Navigation { .. }
            | Pending::Subresource { .. }
            | Pending::Want { .. }
            | Pending::WhyFailed { .. } => Vec::new(),
        }
    }

    /// Leads devices to the gateway at a port, and everything else where it went before.
    ///
    /// Where that cannot be repeated, nothing is led anywhere: devices are left to the browser's
    /// own warnings, and the person is told.
    fn route_to(&self, port: u16) -> Effect {
        if self.link_local_is_direct && self.system_proxy.automatic.is_some() {
            return Effect::Unroute;
        }
        // Where no gateway is, no site has anything to reach.
        let allowed = if port == CLOSED_PORT {
            &[]
        } else {
            self.allowed.as_slice()
        };
        let routing = Routing::new(port, &self.scope, &self.system_proxy, allowed);
        Effect::Route {
            routing: if self.no_access {
                routing.closed()
            } else {
                routing
            },
        }
    }

    /// The person took sites from the extension, or gave them back.
    ///
    /// Without them, no device's traffic comes to the gateway, and nobody asks why it failed. What
    /// needs no access is to block it: a device must not be reached past its pin.
    pub(super) fn site_access(&mut self, granted: bool) -> Vec<Effect> {
        if self.no_access != granted {
            return Vec::new();
        }
        self.no_access = !granted;
        let mut effects = self.route_all();
        if self.no_access {
            effects.push(Effect::ShowAccess);
        }
        effects
    }

    pub(super) fn route_all(&self) -> Vec<Effect> {
        let Helper::Ready { gateway, .. } = &self.helper else {
            return Vec::new();
        };
        vec![self.route_to(gateway.port)]
    }
}

/// How often a helper that was never seen is tried before it counts as not installed.
const MAX_FIRST_ATTEMPTS: u32 = 3;
const FIRST_DELAY_MILLIS: u32 = 100;
const MAX_DELAY_MILLIS: u32 = 10_000;
/// The discard port (RFC 863), where nobody listens.
pub(super) const CLOSED_PORT: u16 = 9;
