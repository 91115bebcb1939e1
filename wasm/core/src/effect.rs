//! What to do, as the core tells the extension's background.

use serde::{Deserialize, Serialize};

use crate::checkup::{Check, Checkup};
use crate::errand::Asked;
use crate::error::ErrorCode;
use crate::event::{AskId, PromptId, TabId, Timer};
use crate::expected::Comparison;
use crate::export::ImportPlan;
use crate::history::HistoryEntry;
use crate::maker::Maker;
use crate::mark::ListMark;
use crate::pin::Pin;
use crate::protocol::{Request, Settings};
use crate::proxy::ProxyHolder;
use crate::routing::Routing;
use crate::sealed::Sealed;
use crate::site::Allowance;
use crate::tagged::read_tagged;
use crate::view::{PopupView, TrustView};

/// What to do. Effects are carried out in order, each after the one before has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Effect {
    /// Answer a page.
    Answer {
        /// The way back.
        ask_id: AskId,
        /// The answer.
        reply: PageReply,
    },
    /// Delete everything that pages of this host keep in the browser: cookies, storage, caches,
    /// service workers. A new key must not receive the old device's session.
    ClearSiteData {
        /// The page that is told if it cannot be done, if one waits.
        ask_id: Option<AskId>,
        /// `https://host[:port]`.
        origin: String,
        /// The host as cookies know it.
        hostname: String,
    },
    /// Start the helper, or connect to it.
    ConnectHelper,
    /// Lead a tab from a question that nobody has to answer any more to the page that it wanted,
    /// if it still shows the question.
    LeavePrompt {
        /// The tab.
        tab_id: TabId,
        /// The question.
        prompt_id: PromptId,
        /// The address.
        url: String,
    },
    /// Lead a tab once more to the address that it could not show, if it has not left it since.
    Navigate {
        /// The tab.
        tab_id: TabId,
        /// The address.
        url: String,
    },
    /// Lead a tab to an address, wherever it is.
    Open {
        /// The tab.
        tab_id: TabId,
        /// The address.
        url: String,
    },
    /// Keep how far the list of devices has come, beyond the end of the browser.
    Remember {
        /// That.
        seen: ListMark,
    },
    /// Send traffic to devices through the gateway, and block what no page may do to them.
    Route {
        /// How.
        routing: Routing,
    },
    /// Send a message to the helper.
    SendToHelper {
        /// The message.
        #[cfg_attr(feature = "tsify", tsify(type = "ToHelper"))]
        message: Message,
    },
    /// Show the page that asks for access to sites, unless it was shown since that was lost.
    ShowAccess,
    /// Show the state of a tab on the toolbar.
    SetBadge {
        /// The tab.
        tab_id: TabId,
        /// The state.
        badge: Badge,
    },
    /// Show a question in a tab, and its state, if the tab is still at the address that did not load
    /// a while ago. Otherwise say where it is: [`Event::TabSettled`](crate::event::Event).
    ShowInstead {
        /// The tab.
        tab_id: TabId,
        /// The address.
        url: String,
        /// The question.
        prompt_id: PromptId,
        /// The state.
        badge: Badge,
    },
    /// Show a question in a tab, in place of the page that did not load.
    ShowPrompt {
        /// The tab.
        tab_id: TabId,
        /// The question.
        prompt_id: PromptId,
    },
    /// Show the page that says what to do about the helper, once.
    ShowWelcome {
        /// What is the matter with it.
        status: HelperStatus,
    },
    /// Let a timer ring once.
    StartTimer {
        /// The timer.
        timer: Timer,
        /// In so many milliseconds.
        millis: u32,
    },
    /// Leave all traffic to the browser, as if Housekey were not there.
    Unroute,
}

/// A message to the helper: what it reads as a [`ToHelper`](crate::protocol::ToHelper).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// [`PROTOCOL`](crate::protocol::PROTOCOL).
    pub protocol: u16,
    /// Comes back in the answer.
    pub id: u32,
    /// The request.
    pub request: Asked<Request>,
}

/// The state of a tab on the toolbar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Badge {
    /// Something on the page wanted a device and got nothing.
    Attention,
    /// A device to which nothing was sent: another key, blocked, unfit, or not to be met.
    Blocked,
    /// The person said "not now".
    Declined,
    /// No device.
    None,
    /// A question waits in this tab.
    Question,
    /// A device with its pinned key.
    Trusted,
    /// A device is being met.
    Waiting,
}

impl Badge {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 7] = [
        Self::Attention,
        Self::Blocked,
        Self::Declined,
        Self::None,
        Self::Question,
        Self::Trusted,
        Self::Waiting,
    ];
}

/// An answer to a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum PageReply {
    /// What a checkup found.
    CheckedUp {
        /// That.
        #[cfg_attr(feature = "tsify", tsify(type = "Checkup"))]
        checkup: Sealed<Checkup>,
        /// What the extension knows besides, for [`Checkup::with`].
        more: Vec<Check>,
    },
    /// What the comparison says.
    Compared {
        /// That.
        comparison: Comparison,
    },
    /// It was not done.
    Error {
        /// Why not.
        code: ErrorCode,
    },
    /// It was done.
    Done,
    /// Replace the question with the page that was asked for.
    Go {
        /// Its address.
        url: String,
    },
    /// What happened.
    History {
        /// The latest first.
        #[cfg_attr(feature = "tsify", tsify(type = "HistoryEntry[]"))]
        entries: Sealed<Vec<HistoryEntry>>,
        /// Whether more happened before the last of these.
        more: bool,
    },
    /// What an import changed, or would change.
    Imported {
        /// That.
        #[cfg_attr(feature = "tsify", tsify(type = "ImportPlan"))]
        plan: Sealed<ImportPlan>,
    },
    /// The manufacturers' roots.
    Makers {
        /// Those of the directory, then those of the person.
        #[cfg_attr(feature = "tsify", tsify(type = "Maker[]"))]
        makers: Sealed<Vec<Maker>>,
    },
    /// A page of pins.
    Pins {
        /// The pins.
        #[cfg_attr(feature = "tsify", tsify(type = "Pin[]"))]
        pins: Sealed<Vec<Pin>>,
        /// Whether more follow.
        more: bool,
    },
    /// The popup.
    Popup {
        /// What to show.
        view: PopupView,
    },
    /// The sites that may reach devices.
    Sites {
        /// By site and endpoint.
        sites: Vec<Allowance>,
    },
    /// How Housekey is.
    Status {
        /// The helper.
        helper: HelperStatus,
        /// Its version, once it said it.
        version: Option<String>,
        /// The settings, once it said them.
        settings: Option<Settings>,
        /// Names that count as local.
        local_names: Vec<String>,
        /// Whether the extension may not reach sites, and so guards nothing.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        no_access: bool,
        /// Who leads the browser's traffic, where Housekey does not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        proxy: Option<ProxyHolder>,
    },
    /// The question.
    Trust {
        /// What to show.
        view: TrustView,
    },
}

read_tagged!(PageReply by "type" {
    CheckedUp { checkup, more },
    Compared { comparison },
    Error { code },
    Done,
    Go { url },
    History { entries, more },
    Imported { plan },
    Makers { makers },
    Pins { pins, more },
    Popup { view },
    Sites { sites },
    Status { helper, version, settings, local_names, no_access = default, proxy = default },
    Trust { view },
});

/// Whether the helper can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum HelperStatus {
    /// It was there and is gone; it is being started again, and until then nothing passes.
    Down,
    /// It is not installed.
    Missing,
    /// It works.
    Ok,
    /// It is being started.
    #[default]
    Starting,
    /// It is newer than the extension.
    TooNew,
    /// It is older than the extension.
    TooOld,
    /// It says that it cannot work: its authority or its store is unusable.
    Unusable,
}

impl HelperStatus {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 7] = [
        Self::Down,
        Self::Missing,
        Self::Ok,
        Self::Starting,
        Self::TooNew,
        Self::TooOld,
        Self::Unusable,
    ];
}
