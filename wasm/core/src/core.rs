//! The extension's brain: events in, effects out.
//!
//! It knows what the helper said, which tabs wait for it, and which questions are open.
//! It never trusts: pins live in the helper's store, and every approval goes there.

mod helper;
mod meetings;
mod pages;
mod patience;
mod questions;
mod sites;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::effect::{Badge, Effect, HelperStatus, PageReply};
use crate::endpoint::Endpoint;
use crate::error::ErrorCode;
use crate::event::{AskId, Event, PromptId, TabId, Timer};
use crate::fingerprint::SpkiSha256;
use crate::mark::ListMark;
use crate::profile::ProfileId;
use crate::protocol::{Approval, Gateway, Request, Settings};
use crate::proxy::{ProxyControl, ProxyHolder, SystemProxy, Way};
use crate::routing::{Route, device_endpoint, is_gateway};
use crate::scope::{Scope, ScopeOptions};
use crate::site::Allowance;
use crate::view::WantView;

use self::helper::CLOSED_PORT;
use self::meetings::Underway;
use self::patience::{Asked, SettingOut};
use self::questions::{About, Prompt};
use self::sites::Want;

/// The state of one browser's Housekey.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Core {
    version: String,
    profile: Option<ProfileId>,
    /// The list of devices as this profile saw it last.
    #[serde(default)]
    seen: Option<ListMark>,
    /// Whether the profile had kept that, and it could not be read when the browser started.
    #[serde(default)]
    forgot: bool,
    helper: Helper,
    /// What counts as a device: the helper's last word on it, or the default.
    scope: ScopeOptions,
    /// Whether the helper was ready in this browser session: from then on, its absence closes.
    was_ready: bool,
    /// Where traffic went before Housekey, as the helper last said.
    system_proxy: SystemProxy,
    /// Who has the browser's proxy settings. In Firefox, where nobody can own them, who had the last
    /// word about a device; unknown before the first.
    proxy_control: Option<ProxyControl>,
    link_local_is_direct: bool,
    /// Whether the browser keeps sites from the extension, which then hears of no request.
    no_access: bool,
    next_request: u32,
    next_prompt: u32,
    next_navigation: u32,
    next_setting_out: u32,
    pending: BTreeMap<u32, Pending>,
    prompts: BTreeMap<PromptId, Prompt>,
    /// Which prompt each tab was led away from last, and where to.
    #[serde(default)]
    left: BTreeMap<TabId, (PromptId, String)>,
    /// Where the person said "not now", and what the tab wanted.
    declined: BTreeMap<Endpoint, String>,
    /// Tabs in private windows, as far as pages in them asked anything.
    #[serde(default)]
    private: BTreeSet<TabId>,
    /// What the person leaves to the browser.
    left_alone: BTreeSet<Endpoint>,
    /// Pages that wait for a checkup until it is known how the helper is.
    checkups: Vec<AskId>,
    /// Tabs that failed to load while there was no gateway, and what they wanted: the last of each.
    waiting: BTreeMap<TabId, String>,
    /// How tabs set out for devices.
    setting_out: BTreeMap<TabId, SettingOut>,
    /// Which question was shown last about a device, and when.
    asked: BTreeMap<Endpoint, Asked>,
    /// Which sites may reach which devices.
    allowed: Vec<Allowance>,
    /// Which sites wanted to reach devices from a tab.
    wants: BTreeMap<TabId, Vec<(Want, WantView)>>,
    /// Navigations to devices, of which nothing came yet.
    underway: BTreeMap<TabId, Underway>,
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
    CheckUp {
        ask_id: AskId,
    },
    Cleared {
        endpoint: Endpoint,
    },
    Decide {
        ask_id: AskId,
        prompt_id: PromptId,
        /// For a helper that knows nothing of what else was said.
        simpler: Option<Approved>,
    },
    Follow {
        ask_id: AskId,
        prompt_id: PromptId,
    },
    Hello,
    Met {
        tab_id: TabId,
        url: String,
    },
    Navigation {
        tab_id: TabId,
        navigation: u32,
    },
    Page {
        ask_id: AskId,
    },
    Popup {
        ask_id: AskId,
        endpoint: Endpoint,
        wants: Vec<WantView>,
    },
    Refresh {
        ask_id: AskId,
        prompt_id: PromptId,
    },
    Sites {
        ask_id: Option<AskId>,
    },
    Subresource {
        tab_id: TabId,
    },
    TrustMaker {
        ask_id: AskId,
        prompt_id: PromptId,
    },
    Want {
        tab_id: TabId,
        want: Want,
    },
    WhyFailed {
        tab_id: TabId,
        url: String,
    },
}

/// What a person approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Approved {
    endpoint: Endpoint,
    spki_sha256: SpkiSha256,
    approval: Approval,
}

impl Approved {
    fn request(self, cleared: bool) -> Request {
        Request::Approve {
            endpoint: self.endpoint,
            spki_sha256: self.spki_sha256,
            approval: self.approval,
            cleared,
        }
    }
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
        // As one form of everything, of which there is one reader only.
        let snapshot: Value = serde_json::from_str(snapshot).ok()?;
        Self::deserialize(snapshot).ok()
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
            Event::NavigationStarted {
                tab_id,
                url,
                initiator,
                at,
                way,
            } => {
                self.note_way(&url, way.as_ref());
                self.set_out(tab_id, &url, initiator.as_deref(), at);
                self.navigation_started(tab_id, url)
            }
            Event::PageAsked {
                ask_id,
                tab_id,
                request,
                at,
                private,
            } => {
                self.notice_private(tab_id, private);
                self.page_asked(ask_id, tab_id, request, at)
            }
            Event::ProxyControl { level } => {
                self.proxy_control = Some(level);
                Vec::new()
            }
            Event::Started {
                version,
                link_local_is_direct,
                profile,
                seen,
            } => {
                self.version = version;
                self.profile = Some(profile);
                let remember = self.recall(seen.as_deref());
                self.link_local_is_direct = link_local_is_direct;
                // Whatever pages asked before the background slept, they do not wait for any more.
                let wait = self.wait_anew();
                self.checkups.clear();
                // Timers do not outlive the background either.
                self.underway.clear();
                let mut effects = self.connect(1);
                effects.extend(remember);
                effects.extend(wait);
                effects
            }
            Event::SiteAccess { granted } => self.site_access(granted),
            Event::SubresourceFailed {
                tab_id,
                url,
                initiator,
            } => self.subresource_failed(tab_id, &url, initiator.as_deref()),
            Event::TabSettled { tab_id, url } => {
                // Its own failure may be told after the page in its place was chosen.
                let left = |prompt: &Prompt| {
                    prompt.tab_id == tab_id && prompt.url != url && !prompt.about.is_arriving()
                };
                self.prompts.retain(|_, prompt| !left(prompt));
                Vec::new()
            }
            Event::TabClosed { tab_id } => {
                self.wait_only_for(tab_id, None);
                self.left.remove(&tab_id);
                self.underway.remove(&tab_id);
                self.forget_wants(tab_id);
                self.setting_out.remove(&tab_id);
                self.private.remove(&tab_id);
                self.prompts.retain(|_, prompt| prompt.tab_id != tab_id);
                Vec::new()
            }
            Event::TimerRang {
                timer: Timer::Navigation { navigation },
            } => self.navigation_lasts(navigation),
            Event::TimerRang {
                timer: Timer::Reconnect,
            } => match self.helper {
                Helper::Starting { attempt } => self.connect(attempt),
                Helper::Absent { .. } | Helper::Ready { .. } => Vec::new(),
            },
            Event::TimerRang {
                timer: Timer::Waiting,
            } => self.tell_waiting(),
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
            Helper::Absent { status } => self.was_ready || status == HelperStatus::Unusable,
            Helper::Ready { .. } | Helper::Starting { .. } => true,
        }
    }

    /// Who leads this browser's traffic, where Housekey does not.
    fn proxy_holder(&self) -> Option<ProxyHolder> {
        // Only a browser that takes one script for all needs to have anything repeated in it.
        let automatic = self.system_proxy.automatic;
        let automatic = automatic.filter(|_| self.link_local_is_direct);
        match ProxyHolder::of(self.proxy_control, automatic) {
            Some(ProxyHolder::Extension) if !self.link_local_is_direct => {
                Some(ProxyHolder::Overruled)
            }
            holder => holder,
        }
    }

    /// Firefox asks every extension in turn where a request goes, and the last one that has an
    /// opinion decides (`ProxyChannelFilter.sys.mjs`). Whether that was Housekey shows afterwards.
    fn note_way(&mut self, url: &str, way: Option<&Way>) {
        let (Some(way), Helper::Ready { gateway, .. }) = (way, &self.helper) else {
            return;
        };
        if device_endpoint(url, &self.scope).is_none() {
            return;
        }
        let is_own = match way {
            Way::Direct => false,
            // One that set out before the helper was back was led nowhere, by Housekey.
            Way::Proxy { host, port } => host.parse().is_ok_and(|host| {
                is_gateway(&host, *port, gateway.port) || is_gateway(&host, *port, CLOSED_PORT)
            }),
        };
        self.proxy_control = Some(if is_own {
            ProxyControl::ControlledByThisExtension
        } else {
            ProxyControl::ControlledByOtherExtensions
        });
    }

    fn status(&self) -> HelperStatus {
        match self.helper {
            Helper::Absent { status } => status,
            Helper::Ready { .. } => HelperStatus::Ok,
            Helper::Starting { .. } if self.was_ready => HelperStatus::Down,
            Helper::Starting { .. } => HelperStatus::Starting,
        }
    }

    fn navigation_failed(&mut self, tab_id: TabId, url: String) -> Vec<Effect> {
        let Some(endpoint) = device_endpoint(&url, &self.scope) else {
            return Vec::new();
        };
        if self.left_alone.contains(&endpoint) || self.is_met_instead(tab_id, &url) {
            return Vec::new();
        }
        if self.is_underway(tab_id, &url) {
            self.underway.remove(&tab_id);
        }
        if !matches!(self.helper, Helper::Ready { .. }) {
            return self.helper_missed(tab_id, url, endpoint);
        }
        let is_link_local = Scope::of(endpoint.host(), &self.scope) == Scope::LinkLocal;
        if is_link_local && self.link_local_is_direct {
            return self.show(tab_id, url, endpoint, About::LinkLocal);
        }
        if let Some(holder) = self.proxy_holder() {
            return self.show(tab_id, url, endpoint, About::ProxyTaken(holder));
        }
        let why = Pending::WhyFailed { tab_id, url };
        if self.pending.values().any(|pending| *pending == why) {
            return Vec::new();
        }
        vec![self.send(Request::Explain { endpoint }, why)]
    }

    fn navigation_finished(&mut self, tab_id: TabId, url: &str) -> Vec<Effect> {
        self.wait_only_for(tab_id, None);
        self.underway.remove(&tab_id);
        self.prompts.retain(|_, prompt| prompt.tab_id != tab_id);
        match device_endpoint(url, &self.scope) {
            Some(endpoint) if matches!(self.helper, Helper::Ready { .. }) => {
                vec![self.send(Request::Identify { endpoint }, Pending::Badge { tab_id })]
            }
            _ => vec![Effect::SetBadge {
                tab_id,
                badge: if self.wants.contains_key(&tab_id) {
                    Badge::Attention
                } else {
                    Badge::None
                },
            }],
        }
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
