//! What happened, as the extension's background tells the core.

use serde::{Deserialize, Serialize};

use crate::endpoint::Endpoint;
use crate::fingerprint::SpkiSha256;
use crate::protocol::{FromHelper, Settings};
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// A page of the extension's own asked something.
    PageAsked {
        /// The way back.
        ask_id: AskId,
        /// The tab that the page is in, if it is in one.
        tab_id: Option<TabId>,
        /// What it asked.
        request: PageRequest,
        /// When.
        at: Timestamp,
    },
    /// The browser says who controls its proxy settings.
    ProxyControl {
        /// Whether Housekey does.
        ours: bool,
    },
    /// The background began to run.
    Started {
        /// Version of the extension.
        version: String,
    },
    /// A request of a page to a device failed.
    SubresourceFailed {
        /// In this tab.
        tab_id: TabId,
        /// To this address.
        url: String,
    },
    /// A tab was closed.
    TabClosed {
        /// This one.
        tab_id: TabId,
    },
    /// A timer that the core asked for rang.
    TimerRang {
        /// This one.
        timer: Timer,
    },
}

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
    /// Try again to reach the helper.
    Reconnect,
}

/// What a page of the extension's own can ask. Only such pages can.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum PageRequest {
    /// Block an endpoint, or un-block it.
    Block {
        /// Where.
        endpoint: Endpoint,
        /// Whether.
        blocked: bool,
    },
    /// A person decided about a question. Answered by [`PageReply::Go`] or [`PageReply::Trust`].
    ///
    /// [`PageReply::Go`]: crate::effect::PageReply::Go
    /// [`PageReply::Trust`]: crate::effect::PageReply::Trust
    Decide {
        /// The question.
        prompt_id: PromptId,
        /// The decision.
        choice: Choice,
    },
    /// Forget a pin.
    Forget {
        /// Where.
        endpoint: Endpoint,
    },
    /// Look up the device that a tab shows.
    Popup {
        /// The tab's address.
        url: String,
    },
    /// List pins.
    Pins {
        /// The last endpoint of the page before.
        after: Option<Endpoint>,
    },
    /// Name a pin.
    Rename {
        /// Where.
        endpoint: Endpoint,
        /// The name.
        label: SafeText,
    },
    /// Change the settings.
    Settings {
        /// All of them.
        settings: Settings,
    },
    /// How Housekey is.
    Status,
    /// Show a question. Answered by [`PageReply::Trust`](crate::effect::PageReply::Trust).
    Trust {
        /// The question.
        prompt_id: PromptId,
    },
}

/// What a person can decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Choice {
    /// Trust the key that is shown: first connect, moved, rotated, or for some days expired.
    Approve {
        /// The key that the page showed.
        key: SpkiSha256,
    },
    /// Go on although another key answers. It takes the address, typed by the person.
    Replace {
        /// The key that the page showed.
        key: SpkiSha256,
        /// What the person typed.
        typed_address: String,
    },
    /// Try once more to reach a device that could not be met.
    Retry,
}

impl Choice {
    /// The key that the page showed when the person decided.
    #[must_use]
    pub const fn key(&self) -> Option<SpkiSha256> {
        match self {
            Self::Approve { key } | Self::Replace { key, .. } => Some(*key),
            Self::Retry => None,
        }
    }
}
