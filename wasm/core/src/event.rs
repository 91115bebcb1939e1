//! What happened, as the extension's background tells the core.

use serde::{Deserialize, Serialize};

use crate::endpoint::Endpoint;
use crate::errand::Asked;
use crate::fingerprint::{CertificateSha256, SpkiSha256};
use crate::profile::ProfileId;
use crate::protocol::FromHelper;
use crate::proxy::{ProxyControl, Way};
use crate::site::Site;
use crate::tagged::read_tagged;
use crate::text::SafeText;
use crate::time::Timestamp;

/// A browser's number for a tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify), tsify(type = "number"))]
pub struct TabId(pub i64);

/// The number of a question to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify), tsify(type = "number"))]
pub struct PromptId(pub u32);

/// The number of a page's request, under which the background keeps the page's way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify), tsify(type = "number"))]
pub struct AskId(pub u32);

/// What happened.
///
/// Browsers differ in the order of events, and some send one twice,
/// so handling one is idempotent wherever that can be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Event {
    /// The browser started with these tabs from its last session.
    BrowserStarted {
        /// The tabs.
        tabs: Vec<Tab>,
    },
    /// The connection to the helper ended, or could not be made.
    HelperGone,
    /// The helper answered.
    HelperSaid {
        /// What it said.
        message: FromHelper,
    },
    /// A top-level navigation failed.
    NavigationFailed {
        /// In this tab.
        tab_id: TabId,
        /// To this address.
        url: String,
    },
    /// A top-level navigation led to a page.
    NavigationFinished {
        /// In this tab.
        tab_id: TabId,
        /// At this address.
        url: String,
    },
    /// A top-level navigation began, or was led on to another address.
    NavigationStarted {
        /// In this tab.
        tab_id: TabId,
        /// To this address.
        url: String,
        /// By a page at this address; nobody's where a person began it by themselves. A browser may
        /// remember it for a page that a person loads again.
        #[serde(default)]
        initiator: Option<String>,
        /// When.
        #[serde(default)]
        at: Timestamp,
        /// Which way, in browsers that tell.
        #[serde(default)]
        way: Option<Way>,
    },
    /// A page of the extension's own asked something.
    PageAsked {
        /// The way back.
        ask_id: AskId,
        /// The tab that the page is in, if it is in one.
        tab_id: Option<TabId>,
        /// What it asked.
        #[cfg_attr(feature = "tsify", tsify(type = "PageRequest | Request"))]
        request: Asked<PageRequest>,
        /// When.
        at: Timestamp,
        /// Whether it is in a private window.
        #[serde(default)]
        private: bool,
    },
    /// The browser says who controls its proxy settings.
    ProxyControl {
        /// How far Housekey does.
        level: ProxyControl,
    },
    /// The browser says whether the extension may reach sites. The person can take that back.
    SiteAccess {
        /// Whether it may reach all that it asked for.
        granted: bool,
    },
    /// The background began to run.
    Started {
        /// Version of the extension.
        version: String,
        /// Whether the browser sends connections to link-local addresses past every proxy, and so
        /// past Housekey. Chrome does
        /// (<https://chromium.googlesource.com/chromium/src/+/HEAD/net/docs/proxy.md>).
        link_local_is_direct: bool,
        /// The browser profile, by the name that it gave itself.
        profile: ProfileId,
        /// What the profile's storage holds for [`Effect::Remember`], whatever that is, as JSON.
        ///
        /// [`Effect::Remember`]: crate::effect::Effect::Remember
        #[serde(default)]
        seen: Option<String>,
    },
    /// A request of a page to a device failed.
    SubresourceFailed {
        /// In this tab.
        tab_id: TabId,
        /// To this address.
        url: String,
        /// Of a page at this address, where the browser says.
        #[serde(default)]
        initiator: Option<String>,
    },
    /// A tab was closed.
    TabClosed {
        /// This one.
        tab_id: TabId,
    },
    /// A tab came to rest at a page that is none of the extension's own.
    TabSettled {
        /// This one.
        tab_id: TabId,
        /// At this address.
        url: String,
    },
    /// A timer that the core asked for rang.
    TimerRang {
        /// This one.
        timer: Timer,
    },
}

read_tagged!(Event by "type" {
    BrowserStarted { tabs },
    HelperGone,
    HelperSaid { message },
    NavigationFailed { tab_id, url },
    NavigationFinished { tab_id, url },
    NavigationStarted { tab_id, url, initiator = default, at = default, way = default },
    PageAsked { ask_id, tab_id, request, at, private = default },
    ProxyControl { level },
    SiteAccess { granted },
    Started { version, link_local_is_direct, profile, seen = default },
    SubresourceFailed { tab_id, url, initiator = default },
    TabClosed { tab_id },
    TabSettled { tab_id, url },
    TimerRang { timer },
});

/// A tab and the address that it shows or tries to show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct Tab {
    /// The tab.
    pub tab_id: TabId,
    /// Its address.
    pub url: String,
}

/// A timer of the core's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Timer {
    /// Look into a navigation, if it is still under way.
    Navigation {
        /// Which.
        navigation: u32,
    },
    /// Try again to reach the helper.
    Reconnect,
    /// Tabs have waited for the helper long enough.
    Waiting,
}

/// What a page of the extension's own can ask of the core; what it can ask of the helper is an
/// [`Errand`](crate::errand::Errand). Only such pages can.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum PageRequest {
    /// Let the pages of a site reach a device, as the popup of a tab offers. Answered by
    /// [`PageReply::Sites`](crate::effect::PageReply::Sites).
    AllowSite {
        /// The tab.
        tab_id: TabId,
        /// Which site.
        site: Site,
        /// Which device.
        endpoint: Endpoint,
    },
    /// Take back a "not now", and lead the tab there again.
    AskAgain {
        /// Where.
        endpoint: Endpoint,
        /// The tab.
        tab_id: TabId,
    },
    /// Check every link between this browser and its devices.
    /// Answered by [`PageReply::CheckedUp`](crate::effect::PageReply::CheckedUp).
    CheckUp,
    /// Compare what a person typed or pasted with what the device of a question presented.
    /// Answered by [`PageReply::Compared`](crate::effect::PageReply::Compared).
    Compare {
        /// The question.
        prompt_id: PromptId,
        /// A fingerprint, a code, or what stands on the label.
        typed: String,
    },
    /// A person decided about a question. Answered by [`PageReply::Go`] or [`PageReply::Trust`],
    /// and [`Choice::Stop`] by [`PageReply::Done`](crate::effect::PageReply::Done).
    ///
    /// [`PageReply::Go`]: crate::effect::PageReply::Go
    /// [`PageReply::Trust`]: crate::effect::PageReply::Trust
    Decide {
        /// The question.
        prompt_id: PromptId,
        /// The decision.
        choice: Choice,
    },
    /// Let the pages of a site reach a device no longer. Answered by
    /// [`PageReply::Sites`](crate::effect::PageReply::Sites).
    DisallowSite {
        /// Which site.
        site: Site,
        /// Which device.
        endpoint: Endpoint,
    },
    /// Wait until there is news of the meeting that a prompt shows. Answered by
    /// [`PageReply::Done`] when the prompt is to be looked at again, which can take as long as the
    /// meeting, and by [`PageReply::Go`] where nothing is in the way any more.
    ///
    /// [`PageReply::Done`]: crate::effect::PageReply::Done
    /// [`PageReply::Go`]: crate::effect::PageReply::Go
    Follow {
        /// The prompt.
        prompt_id: PromptId,
    },
    /// Look up the device that a tab shows.
    Popup {
        /// The tab.
        tab_id: TabId,
        /// Its address.
        url: String,
    },
    /// List the sites that may reach devices. Answered by
    /// [`PageReply::Sites`](crate::effect::PageReply::Sites).
    Sites,
    /// How Housekey is.
    Status,
    /// Show a question. Answered by [`PageReply::Trust`](crate::effect::PageReply::Trust).
    Trust {
        /// The question.
        prompt_id: PromptId,
    },
    /// Let the root vouch for devices that a question's device sent along.
    /// Answered by [`PageReply::Go`]: the question is asked anew, and may be another one.
    ///
    /// [`PageReply::Go`]: crate::effect::PageReply::Go
    TrustMaker {
        /// The question.
        prompt_id: PromptId,
        /// The root that the page showed.
        root_sha256: CertificateSha256,
        /// What the person calls the manufacturer.
        name: SafeText,
    },
}

read_tagged!(PageRequest by "type" {
    AllowSite { tab_id, site, endpoint },
    AskAgain { endpoint, tab_id },
    CheckUp,
    Compare { prompt_id, typed },
    Decide { prompt_id, choice },
    DisallowSite { site, endpoint },
    Follow { prompt_id },
    Popup { tab_id, url },
    Sites,
    Status,
    Trust { prompt_id },
    TrustMaker { prompt_id, root_sha256, name },
});

/// What a person can decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Choice {
    /// Answer here the question that is open in another tab, or was answered with "not now".
    AnswerHere,
    /// Trust the key that is shown: first connect, moved, rotated, or for some days expired.
    Approve {
        /// The key that the page showed.
        key: SpkiSha256,
    },
    /// Leave this endpoint to the browser and its own warnings, until the browser ends.
    LeaveToBrowser,
    /// Go on although another key answers. It takes the address, typed by the person.
    Replace {
        /// The key that the page showed.
        key: SpkiSha256,
        /// What the person typed.
        typed_address: String,
    },
    /// Try once more to reach a device that could not be met.
    Retry,
    /// Not now: the question is not asked again until the person wants it, or the browser ends.
    Stop,
}

read_tagged!(Choice by "type" {
    AnswerHere,
    Approve { key },
    LeaveToBrowser,
    Replace { key, typed_address },
    Retry,
    Stop,
});

impl Choice {
    /// The key that the page showed when the person decided.
    #[must_use]
    pub const fn key(&self) -> Option<SpkiSha256> {
        match self {
            Self::Approve { key } | Self::Replace { key, .. } => Some(*key),
            Self::AnswerHere | Self::LeaveToBrowser | Self::Retry | Self::Stop => None,
        }
    }
}
