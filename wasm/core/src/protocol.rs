#![doc = include_str!("../PROTOCOL.md")]

use serde::{Deserialize, Deserializer, Serialize};

use crate::chain::{Der, Observation, OutdatedTls, TlsVersion};
use crate::checkup::Checkup;
use crate::decision::{Finding, Policy};
use crate::endpoint::Endpoint;
use crate::error::ErrorCode;
use crate::export::{Export, ImportPlan};
use crate::fingerprint::{CertificateSha256, SpkiSha256};
use crate::history::HistoryEntry;
use crate::maker::{DeviceIdRule, Maker, MakerId};
use crate::mark::ListMark;
use crate::meeting::{Meeting, MeetingStep};
use crate::note::Note;
use crate::pin::Pin;
use crate::profile::ProfileId;
use crate::proxy::SystemProxy;
use crate::scope::ScopeOptions;
use crate::sealed::Sealed;
use crate::site::{Allowance, Site};
use crate::tagged::{Fields, read_tagged};
use crate::text::SafeText;
use crate::time::Timestamp;

/// The version of this protocol. Both sides must speak the same one.
pub const PROTOCOL: u16 = 1;

/// The largest message that the helper reads, in bytes; it is checked before anything is allocated.
pub const MAX_REQUEST_BYTES: usize = Export::MAX_BYTES + 65_536;

/// The name under which browsers know the helper.
pub const HOST_NAME: &str = "app.housekey.helper";

/// What the extension sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct ToHelper {
    /// [`PROTOCOL`].
    pub protocol: u16,
    /// Comes back in the answer.
    pub id: u32,
    /// The request.
    pub request: Request,
}

/// The outermost part of a [`ToHelper`] of any protocol version, by which a version is refused
/// before anything else of the message is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Envelope {
    /// The version that the sender speaks.
    pub protocol: u16,
    /// The request's id.
    pub id: u32,
}

/// What the helper sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct FromHelper {
    /// [`PROTOCOL`].
    pub protocol: u16,
    /// The id of the request that this answers; absent where the request could not be read.
    pub id: Option<u32>,
    /// The answer.
    pub answer: Answer,
    /// How far the list of devices has come, where it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<ListMark>,
}

/// An answer: what was asked for, or the helper's refusal.
/// A failure to reach the helper at all is neither, and never looks like one of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Answer {
    /// The helper did not do it.
    Error(HelperError),
    /// The helper did it.
    Ok(Response),
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Tag {
            Error,
            Ok,
        }
        Fields::read(deserializer, |fields| {
            Ok(match fields.take("type")? {
                Tag::Error => Self::Error(fields.take("value")?),
                Tag::Ok => Self::Ok(fields.take("value")?),
            })
        })
    }
}

/// A refusal by the helper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct HelperError {
    /// The stable code, for which every locale has a text.
    pub code: ErrorCode,
    /// Details for a log or a bug report, in English; never shown as the message.
    pub detail: String,
}

/// What can be asked of the helper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Request {
    /// Let a manufacturer's root vouch for its devices. Answered by [`Response::Makers`].
    AddMaker {
        /// The file that the person chose: one certificate, in PEM or DER.
        file: Der,
        /// What the person calls the manufacturer.
        name: SafeText,
        /// Where its certificates hold the device identifier.
        rule: DeviceIdRule,
    },
    /// Let the pages of a site reach a device. Answered by [`Response::Sites`].
    ///
    /// Where nothing is pinned, or what is pinned is blocked, it is [`ErrorCode::NotPinned`].
    AllowSite {
        /// Which site.
        site: Site,
        /// Which device.
        endpoint: Endpoint,
    },
    /// Write a note about a pin. Answered by [`Response::Pinned`].
    Annotate {
        /// Where.
        endpoint: Endpoint,
        /// The note; empty for none.
        note: Note,
    },
    /// Trust exactly this key at this endpoint. Answered by [`Response::Pinned`].
    ///
    /// The helper looks at the device again; another key by then is [`ErrorCode::KeyChanged`].
    Approve {
        /// Where.
        endpoint: Endpoint,
        /// The key that the person was shown.
        spki_sha256: SpkiSha256,
        /// What the person was asked; the helper decides again whether it still is the question.
        approval: Approval,
        /// Whether this profile has deleted what earlier devices of the host left in it. One that
        /// does not say so has not, and is a [`Finding::StaleSession`] where that matters.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        cleared: bool,
    },
    /// Block an endpoint, or un-block it. Answered by [`Response::Pinned`].
    Block {
        /// Where.
        endpoint: Endpoint,
        /// Whether it is blocked from now on.
        blocked: bool,
    },
    /// Check every link between this browser and its devices. Answered by [`Response::CheckedUp`],
    /// also by a helper that cannot do anything else.
    CheckUp,
    /// The profile holds nothing any more of the devices that were at this endpoint's host before.
    /// Answered by [`Response::Cleared`].
    Cleared {
        /// Where.
        endpoint: Endpoint,
    },
    /// Let the pages of a site reach a device no longer. Answered by [`Response::Sites`].
    DisallowSite {
        /// Which site.
        site: Site,
        /// Which device.
        endpoint: Endpoint,
    },
    /// Say why the gateway last sent nothing to this endpoint. Answered by [`Response::Explained`].
    Explain {
        /// Where.
        endpoint: Endpoint,
    },
    /// Forget a pin and close its connections. Answered by [`Response::Forgotten`].
    Forget {
        /// Where.
        endpoint: Endpoint,
    },
    /// The first request on a connection. Answered by [`Response::Hello`].
    Hello {
        /// Version of the extension.
        extension: String,
        /// The browser profile that it runs in.
        profile: ProfileId,
        /// The list of devices as the profile saw it last. One that has come less far since is an
        /// older copy, and refused: [`ErrorCode::StoreReplaced`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seen: Option<ListMark>,
    },
    /// List what happened, the latest first. Answered by [`Response::History`].
    History {
        /// At this endpoint; everywhere where absent.
        endpoint: Option<Endpoint>,
        /// Before the entry of this id, the last of the page before; from the latest where absent.
        before: Option<u32>,
    },
    /// Look up one pin. Answered by [`Response::Identified`].
    Identify {
        /// Where.
        endpoint: Endpoint,
    },
    /// Take over the devices of a file. Answered by [`Response::Imported`].
    Import {
        /// What the file holds.
        export: Export,
        /// Whether only to say what would change.
        dry_run: bool,
    },
    /// List the manufacturers' roots. Answered by [`Response::Makers`].
    Makers,
    /// Meet whoever is at an endpoint without a pin, as the gateway does for a browser, and say why
    /// that would be refused. Answered by [`Response::Explained`]; without a refusal where the
    /// browser is to go there: what has a pin is for the gateway to meet.
    Meet {
        /// Where.
        endpoint: Endpoint,
    },
    /// Say how far the gateway is with meeting a device that has no pin, for a person who waits.
    /// Answered by [`Response::Meeting`].
    Meeting {
        /// Where.
        endpoint: Endpoint,
        /// The step that is known already: the answer comes when the meeting is at another one or
        /// has ended. At once where absent.
        after: Option<MeetingStep>,
    },
    /// The device at an endpoint is at another one from now on. Answered by [`Response::Pinned`].
    ///
    /// Where something is pinned there already, it is [`ErrorCode::AlreadyPinned`].
    Move {
        /// Where it was.
        from: Endpoint,
        /// Where it is.
        to: Endpoint,
    },
    /// List pins in the order of their endpoints. Answered by [`Response::Pins`].
    Pins {
        /// The last endpoint of the page before, or nothing for the first page.
        after: Option<Endpoint>,
    },
    /// Remove a manufacturer's root that the person added. Answered by [`Response::Makers`].
    RemoveMaker {
        /// Which.
        id: MakerId,
    },
    /// Give a pin a name. Answered by [`Response::Pinned`].
    Rename {
        /// Where.
        endpoint: Endpoint,
        /// What the person calls it; empty for the name that it came with.
        label: SafeText,
    },
    /// Switch a manufacturer's root on or off. Answered by [`Response::Makers`].
    SetMaker {
        /// Which.
        id: MakerId,
        /// Whether it vouches for devices from now on.
        enabled: bool,
    },
    /// Change settings. Answered by [`Response::Changed`].
    Settings {
        /// All of them.
        settings: Settings,
    },
    /// List the sites that may reach devices. Answered by [`Response::Sites`].
    Sites {
        /// What is known already: the answer comes when it is something else. At once where absent.
        known: Option<Vec<Allowance>>,
    },
    /// Let the root vouch for devices that the device at this endpoint sent with its certificate.
    /// Answered by [`Response::Makers`].
    TrustMaker {
        /// Where.
        endpoint: Endpoint,
        /// The root that the person was shown, as [`Refusal::maker_offer`] named it.
        root_sha256: CertificateSha256,
        /// What the person calls the manufacturer.
        name: SafeText,
    },
}

/// The question that an approval answers. The helper refuses an approval whose question is not
/// the one that the device's present answer raises, as [`ErrorCode::KeyChanged`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Approval {
    /// The certificate of the pinned key has ended: trust the key for [`EXTENSION_DAYS`] more.
    Extend,
    /// First connect.
    First,
    /// The pinned key moved here from another endpoint, whose pin goes.
    Moved,
    /// Deliberately, after the warning that another key answers.
    Replace,
    /// The same device of the same verified company, with another key.
    Rotated,
}

/// For how many days [`Approval::Extend`] trusts a key beyond its certificate.
pub const EXTENSION_DAYS: i64 = 30;

/// What the helper answers with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Response {
    /// The settings are these now.
    Changed {
        /// All of them.
        settings: Settings,
        /// What counts as a device with these settings.
        scope: ScopeOptions,
    },
    /// What a checkup found.
    CheckedUp {
        /// That.
        #[cfg_attr(feature = "tsify", tsify(type = "Checkup"))]
        checkup: Sealed<Checkup>,
    },
    /// The profile's connections to this host pass from now on.
    Cleared,
    /// Why the gateway sent nothing.
    Explained {
        /// The last refusal at this endpoint, if its last connection was refused.
        refusal: Option<Refusal>,
    },
    /// The pin is gone.
    Forgotten {
        /// Whether there was one.
        existed: bool,
    },
    /// The helper is ready.
    Hello {
        /// Version of the helper.
        helper: String,
        /// Where the gateway listens and what it wants to hear.
        gateway: Gateway,
        /// What counts as a device.
        scope: ScopeOptions,
        /// The settings.
        settings: Settings,
        /// Where traffic went before Housekey.
        system_proxy: SystemProxy,
        /// The sites that may reach devices.
        #[serde(default)]
        sites: Vec<Allowance>,
    },
    /// What happened.
    History {
        /// The latest first.
        #[cfg_attr(feature = "tsify", tsify(type = "HistoryEntry[]"))]
        entries: Sealed<Vec<HistoryEntry>>,
        /// Whether more happened before the last of these.
        more: bool,
    },
    /// The pin at an endpoint, if there is one.
    Identified {
        /// The pin.
        pin: Option<Pin>,
        /// What its open connections speak, if there are any.
        live: Option<LiveConnection>,
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
    /// How far a meeting is.
    Meeting {
        /// That, if one is going on that a person should hear of.
        meeting: Option<Meeting>,
    },
    /// The pin is this now.
    Pinned {
        /// The pin.
        pin: Pin,
    },
    /// A page of pins.
    Pins {
        /// The pins.
        #[cfg_attr(feature = "tsify", tsify(type = "Pin[]"))]
        pins: Sealed<Vec<Pin>>,
        /// Whether more come after the last of these.
        more: bool,
    },
    /// The sites that may reach devices.
    Sites {
        /// By site and endpoint.
        sites: Vec<Allowance>,
    },
}

read_tagged!(Response by "type" {
    Changed { settings, scope },
    CheckedUp { checkup },
    Cleared,
    Explained { refusal },
    Forgotten { existed },
    Hello { helper, gateway, scope, settings, system_proxy, sites = default },
    History { entries, more },
    Identified { pin, live },
    Imported { plan },
    Makers { makers },
    Meeting { meeting },
    Pinned { pin },
    Pins { pins, more },
    Sites { sites },
});

/// Why the gateway sent nothing to an endpoint, with all that a person needs to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct Refusal {
    /// Where.
    pub endpoint: Endpoint,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub finding: Finding,
    /// What the device presented, where it got that far.
    pub observation: Option<Observation>,
    /// The pin at this endpoint, or for [`Finding::Moved`] at the old one.
    pub pin: Option<Pin>,
    /// Whether another device's key was trusted at this host before, whose session in the browser
    /// the new one must not receive.
    pub other_device_before: bool,
    /// What the device speaks, for [`Failure::Outdated`](crate::decision::Failure::Outdated),
    /// where it told.
    #[serde(default)]
    pub outdated: Option<OutdatedTls>,
    /// Who is at the old address now, for [`Finding::Moved`].
    #[serde(default)]
    pub old_address: Option<OldAddress>,
    /// The root that could vouch for this device and its siblings, if the device sent it.
    #[serde(default)]
    pub maker_offer: Option<MakerOffer>,
}

/// Who answers at the address that a device moved away from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum OldAddress {
    /// Another device that the person trusts, at yet another address until now.
    Known {
        /// What it is called.
        name: SafeText,
    },
    /// Nobody.
    Nobody,
    /// The same device: it has two addresses.
    Same,
    /// Somebody unknown.
    Stranger,
}

read_tagged!(OldAddress by "type" {
    Known { name },
    Nobody,
    Same,
    Stranger,
});

/// A manufacturer's root that a device sent along, and under which its chain is sound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct MakerOffer {
    /// Which certificate of the chain.
    pub root_sha256: CertificateSha256,
    /// What it calls itself. Nobody has checked that.
    pub name: SafeText,
}

/// What the open connections of an endpoint speak.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct LiveConnection {
    /// The version of TLS between the gateway and the device.
    pub tls: TlsVersion,
    /// The application protocol (RFC 7301), if any was agreed on.
    pub alpn: Option<SafeText>,
    /// How many connections are open.
    pub open: u32,
}

/// The gateway's address on loopback, and the secret that it wants with every CONNECT.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct Gateway {
    /// Port on 127.0.0.1.
    pub port: u16,
    /// 256 random bits in hexadecimal digits, made anew at every start.
    pub secret: String,
}

/// What a person can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the options page"
)]
pub struct Settings {
    /// Whether the old device's cookies and storage are deleted when the person trusts another key
    /// in its place. Without it, the new device receives the old one's session.
    pub clear_on_override: bool,
    /// Whether trusted keys whose certificate has ended are refused, and not asked about.
    pub refuse_expired: bool,
    /// Whether devices that nobody vouches for are refused, and not asked about.
    pub refuse_unverified: bool,
    /// Whether 100.64.0.0/10 (RFC 6598) counts as home.
    pub shared_address_space: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            clear_on_override: true,
            refuse_expired: false,
            refuse_unverified: false,
            shared_address_space: false,
        }
    }
}

impl Settings {
    /// What they say about questions.
    #[must_use]
    pub const fn policy(&self) -> Policy {
        Policy {
            refuse_expired: self.refuse_expired,
            refuse_unverified: self.refuse_unverified,
        }
    }
}

impl Refusal {
    /// A refusal of which nothing else is known.
    #[must_use]
    pub const fn new(endpoint: Endpoint, at: Timestamp, finding: Finding) -> Self {
        Self {
            endpoint,
            at,
            finding,
            observation: None,
            pin: None,
            other_device_before: false,
            outdated: None,
            old_address: None,
            maker_offer: None,
        }
    }
}

impl std::fmt::Debug for Gateway {
    /// Without the secret, which must not get into a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway")
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl FromHelper {
    /// An answer to the request of this id.
    #[must_use]
    pub fn answer(id: u32, result: Result<Response, HelperError>) -> Self {
        let answer = result.map_or_else(Answer::Error, Answer::Ok);
        Self {
            protocol: PROTOCOL,
            id: Some(id),
            answer,
            mark: None,
        }
    }
}

impl ToHelper {
    /// Reads a message.
    ///
    /// # Errors
    ///
    /// The answer to send instead: [`ErrorCode::ProtocolTooNew`] or [`ErrorCode::ProtocolTooOld`]
    /// for a sender of another version, [`ErrorCode::BadMessage`] for anything else.
    pub fn read(json: &str) -> Result<Self, FromHelper> {
        let refuse = |id, code, detail: &dyn std::fmt::Display| FromHelper {
            protocol: PROTOCOL,
            id,
            answer: Answer::Error(HelperError {
                code,
                detail: detail.to_string(),
            }),
            mark: None,
        };
        let envelope: Envelope = serde_json::from_str(json)
            .map_err(|error| refuse(None, ErrorCode::BadMessage, &error))?;
        let id = Some(envelope.id);
        match envelope.protocol.cmp(&PROTOCOL) {
            std::cmp::Ordering::Greater => Err(refuse(id, ErrorCode::ProtocolTooNew, &PROTOCOL)),
            std::cmp::Ordering::Less => Err(refuse(id, ErrorCode::ProtocolTooOld, &PROTOCOL)),
            std::cmp::Ordering::Equal => serde_json::from_str(json)
                .map_err(|error| refuse(id, ErrorCode::BadMessage, &error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(json: &str) -> (Option<u32>, ErrorCode) {
        match ToHelper::read(json) {
            Err(FromHelper {
                id,
                answer: Answer::Error(error),
                ..
            }) => (id, error.code),
            other => panic!("{json} was read: {other:?}"),
        }
    }

    #[test]
    fn a_request_survives_its_journey() {
        let request = ToHelper {
            protocol: PROTOCOL,
            id: 7,
            request: Request::Explain {
                endpoint: "192.168.1.20".parse().unwrap(),
            },
        };
        let json = serde_json::to_string(&request).unwrap();
        assert_eq!(
            json,
            r#"{"protocol":1,"id":7,"request":{"type":"explain","endpoint":"192.168.1.20:443"}}"#
        );
        assert_eq!(ToHelper::read(&json), Ok(request));
    }

    #[test]
    fn what_cannot_be_read_is_answered_by_cause() {
        let deep = format!(
            r#"{{"protocol":1,"id":1,"request":{}1{}}}"#,
            "[".repeat(9_999),
            "]".repeat(9_999)
        );
        for (json, answer) in [
            ("", (None, ErrorCode::BadMessage)),
            ("[]", (None, ErrorCode::BadMessage)),
            (r#"{"protocol":1}"#, (None, ErrorCode::BadMessage)),
            (
                r#"{"protocol":2,"id":3,"new":true}"#,
                (Some(3), ErrorCode::ProtocolTooNew),
            ),
            (
                r#"{"protocol":0,"id":3}"#,
                (Some(3), ErrorCode::ProtocolTooOld),
            ),
            (
                r#"{"protocol":1,"id":3,"request":{"type":"fly"}}"#,
                (Some(3), ErrorCode::BadMessage),
            ),
            (
                r#"{"protocol":1,"id":3,"request":{"type":"explain","endpoint":"no host"}}"#,
                (Some(3), ErrorCode::BadMessage),
            ),
            (
                r#"{"protocol":1,"id":3,"request":{"type":"explain","endpoint":"nas.local","x":1}}"#,
                (Some(3), ErrorCode::BadMessage),
            ),
            (
                r#"{"protocol":1,"id":3,"request":{"type":"hello","extension":"1"},"x":1}"#,
                (Some(3), ErrorCode::BadMessage),
            ),
            (&deep, (Some(1), ErrorCode::BadMessage)),
        ] {
            assert_eq!(code(json), answer, "{}", &json[..json.len().min(90)]);
        }
    }
}
