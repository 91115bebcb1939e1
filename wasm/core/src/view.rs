//! Views: what pages show, as codes and harmless text. Pages add words and shapes, nothing else.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::certificate::{Certificate, CertificateError, KeyKind, WholeNames};
use crate::chain::{ChainVerdict, Der, Flaw, OutdatedTls, TlsVersion, UnverifiedChain};
use crate::decision::{Failure, Finding, Rule};
use crate::effect::HelperStatus;
use crate::endpoint::{Endpoint, is_multicast_dns};
use crate::error::ErrorCode;
use crate::fingerprint::SpkiSha256;
use crate::identity::{Identity, Tier};
use crate::meeting::Meeting;
use crate::note::Note;
use crate::pin::Pin;
use crate::protocol::{LiveConnection, MakerOffer, OldAddress, Refusal};
use crate::proxy::ProxyHolder;
use crate::site::Site;
use crate::text::SafeText;
use crate::time::Timestamp;
use crate::words::Words;

/// The trust page, in any of its states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct TrustView {
    /// Which page it is.
    pub situation: Situation,
    /// The address as people read it: `192.168.1.20`, `nas.local:8443`.
    pub address: String,
    /// Who answers now, where that can be said.
    pub identity: Option<Identity>,
    /// A name that is shown mixes scripts, imitates another's letters, or hides characters.
    pub suspicious_name: bool,
    /// Why, for [`Situation::Refused`].
    pub flaw: Option<Flaw>,
    /// Why, for [`Situation::Failed`].
    pub failure: Option<Failure>,
    /// What just went wrong with the person's decision.
    pub notice: Option<ErrorCode>,
    /// The key that the question is about, which a decision has to name.
    pub key: Option<SpkiSha256>,
    /// The certificates that the device presented, leaf first.
    pub chain: Vec<CertificateView>,
    /// The version of TLS that the device speaks.
    pub tls: Option<TlsVersion>,
    /// What the person trusted until now.
    pub trusted: Option<TrustedView>,
    /// The old address, for [`Situation::Moved`].
    pub moved_from: Option<String>,
    /// Who is there now, for [`Situation::Moved`], where it is known.
    pub old_address: Option<OldAddress>,
    /// When the device was met for this page.
    pub at: Timestamp,
    /// Likely reasons, the likeliest first, for people who wonder.
    pub likely: Vec<Likely>,
    /// The chain ends before a root: the device did not send every certificate that it should.
    pub incomplete_chain: bool,
    /// The key as words to read aloud.
    pub words: Option<String>,
    /// What the device speaks, for [`Failure::Outdated`], where it told.
    pub outdated: Option<OutdatedTls>,
    /// The root that could vouch for this device and its siblings, if the device sent it.
    pub maker_offer: Option<MakerOffer>,
    /// Which setting refuses, for [`Situation::Forbidden`].
    pub rule: Option<Rule>,
    /// What is the matter with the helper, for [`Situation::NoHelper`].
    pub helper: Option<HelperStatus>,
    /// Whether the old device's cookies and storage go before another key is trusted.
    pub clears: bool,
    /// Which question waits, for [`Situation::Declined`], [`Situation::Elsewhere`] and
    /// [`Situation::Repeated`].
    pub waits: Option<Situation>,
    /// How far it is, for [`Situation::Meeting`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meeting: Option<Meeting>,
    /// Who leads the traffic, for [`Situation::ProxyTaken`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxyHolder>,
    /// Whether it is in a private window, of which the decision outlives the end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
}

/// A likely reason of what a person sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Likely {
    /// This computer's clock is wrong.
    Clock,
    /// This is another network than the one in which the device was trusted, or a page that wants
    /// a sign-in before it lets anything through.
    OtherNetwork,
    /// The device was reset, replaced or updated.
    Reset,
}

impl Likely {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 3] = [Self::Clock, Self::OtherNetwork, Self::Reset];
}

/// Which of the trust page's pages it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Situation {
    /// The person blocked this endpoint.
    Blocked,
    /// The local authority is not in this browser's store.
    BrowserDistrusts,
    /// Another key.
    Changed,
    /// The person said "not now" to the question.
    Declined,
    /// The question is open in another tab.
    Elsewhere,
    /// The pinned key in an ended certificate.
    Expired,
    /// The device could not be met.
    Failed,
    /// No pin yet.
    FirstConnect,
    /// A setting of the person's refuses it.
    Forbidden,
    /// A link-local address, which this browser sends past every extension.
    LinkLocal,
    /// The device is being met, which lasts.
    Meeting,
    /// The pinned key of another endpoint.
    Moved,
    /// The helper cannot be used, and nothing passes without it.
    NoHelper,
    /// Another extension or the browser's owner decides about the proxy.
    ProxyTaken,
    /// A stranger that nobody should trust.
    Refused,
    /// A page led here again and again: the question is shown when the person wants it.
    Repeated,
    /// Another key of the same verified device.
    Rotated,
    /// The session of the device before is being deleted, or could not be.
    StaleSession,
}

impl Situation {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 18] = [
        Self::Blocked,
        Self::BrowserDistrusts,
        Self::Changed,
        Self::Declined,
        Self::Elsewhere,
        Self::Expired,
        Self::Failed,
        Self::FirstConnect,
        Self::Forbidden,
        Self::LinkLocal,
        Self::Meeting,
        Self::Moved,
        Self::NoHelper,
        Self::ProxyTaken,
        Self::Refused,
        Self::Repeated,
        Self::Rotated,
        Self::StaleSession,
    ];
}

/// One certificate, for those who open the details.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct CertificateView {
    /// Organisation or common name of the subject.
    pub subject: SafeText,
    /// Organisation or common name of the issuer.
    pub issuer: SafeText,
    /// First second of validity.
    pub not_before: Timestamp,
    /// Last second of validity.
    pub not_after: Timestamp,
    /// Serial number.
    pub serial: String,
    /// SHA-256 of the key, in groups of four upper-case digits.
    pub key_fingerprint: String,
    /// SHA-256 of the certificate, in groups of four upper-case digits.
    pub certificate_fingerprint: String,
    /// Kind and size of the key.
    pub key: KeyKind,
    /// Names in the certificate.
    pub names: Vec<SafeText>,
    /// All names in it, whole.
    pub whole: WholeNames,
}

/// A pin, in the words of a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct TrustedView {
    /// What the person calls it, or the name that it came with.
    pub name: SafeText,
    /// Who the person was told it is.
    pub identity: Identity,
    /// When the person decided.
    pub since: Timestamp,
    /// When it was last met.
    pub last_seen: Timestamp,
    /// SHA-256 of the key, in groups of four upper-case digits.
    pub key_fingerprint: String,
    /// The key as words to read aloud.
    pub words: String,
    /// What the person wrote about it.
    pub note: Note,
}

/// The popup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct PopupView {
    /// Which popup it is.
    pub state: PopupState,
    /// The address of the tab's device, if it shows one, as people read it.
    pub address: Option<String>,
    /// The same, for requests.
    pub endpoint: Option<Endpoint>,
    /// What its open connections speak.
    pub live: Option<LiveConnection>,
    /// What is trusted there.
    pub trusted: Option<TrustedView>,
    /// Who leads the traffic, for [`PopupState::ProxyTaken`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxyHolder>,
    /// How the helper is.
    pub helper: HelperStatus,
    /// Where the person said "not now" since the browser started.
    pub declined: Vec<Endpoint>,
    /// Which sites wanted to reach devices from this tab, and were not let through.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wants: Vec<WantView>,
}

/// A site that wanted to reach a trusted device and was not let through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct WantView {
    /// Which site.
    pub site: Site,
    /// Which device.
    pub endpoint: Endpoint,
    /// Its address, as people read it.
    pub address: String,
    /// What it is called.
    pub name: SafeText,
    /// Who it is.
    pub identity: Identity,
}

/// Which of the popups it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum PopupState {
    /// The person blocked this tab's device.
    Blocked,
    /// The person said "not now" to this tab's question.
    Declined,
    /// The tab's device could not be met, or is not fit to be trusted.
    Failed,
    /// The tab's device is being met, which lasts.
    Meeting,
    /// The extension may not reach sites, and so guards nothing.
    NoAccess,
    /// The tab shows no device.
    NoDevice,
    /// The tab shows a device that has no pin: its certificate is one that the browser itself
    /// accepts, or it is not trusted.
    NotPinned,
    /// The helper cannot be used.
    NoHelper,
    /// Another extension or the browser's owner decides about the proxy.
    ProxyTaken,
    /// A question waits in this tab, or in another one for this tab.
    Question,
    /// The tab shows a pinned device.
    Trusted,
    /// Another key answers at this tab's address.
    Warning,
}

impl PopupState {
    /// The popup of a tab that shows this in place of a device.
    #[must_use]
    pub const fn of(finding: &Finding) -> Self {
        match finding {
            Finding::Blocked => Self::Blocked,
            Finding::Changed => Self::Warning,
            Finding::Expired | Finding::Moved { .. } | Finding::Rotated | Finding::Stranger => {
                Self::Question
            }
            Finding::BrowserDistrusts
            | Finding::Failed { .. }
            | Finding::Forbidden { .. }
            | Finding::StaleSession
            | Finding::Unfit { .. } => Self::Failed,
        }
    }

    /// All of them, for tables and tests.
    pub const ALL: [Self; 12] = [
        Self::Blocked,
        Self::Declined,
        Self::Failed,
        Self::Meeting,
        Self::NoAccess,
        Self::NoDevice,
        Self::NotPinned,
        Self::NoHelper,
        Self::ProxyTaken,
        Self::Question,
        Self::Trusted,
        Self::Warning,
    ];
}

impl TrustView {
    /// The page for a refusal.
    ///
    /// # Errors
    ///
    /// [`CertificateError`] where the presented chain cannot be read.
    pub fn new(
        refusal: &Refusal,
        notice: Option<ErrorCode>,
        clears: bool,
    ) -> Result<Self, CertificateError> {
        let situation = Situation::of(&refusal.finding);
        let mut view = Self::bare(situation, &refusal.endpoint, notice, refusal.at);
        match &refusal.finding {
            Finding::Failed { failure } => view.failure = Some(*failure),
            Finding::Forbidden { rule } => view.rule = Some(*rule),
            Finding::Moved { from } => view.moved_from = Some(from.display_name()),
            Finding::Unfit { flaw } => view.flaw = Some(*flaw),
            Finding::Blocked
            | Finding::BrowserDistrusts
            | Finding::Changed
            | Finding::Expired
            | Finding::Rotated
            | Finding::StaleSession
            | Finding::Stranger => {}
        }
        if let Some(observation) = &refusal.observation {
            let presented = UnverifiedChain::new(observation.chain.clone())?;
            let leaf = presented.leaf();
            view.identity = Some(Identity::of_or_claimed(
                leaf,
                &observation.verdict,
                refusal.at,
            ));
            view.incomplete_chain = is_incomplete(&presented, &observation.verdict);
            view.key = Some(leaf.spki_sha256);
            view.words = Some(Words::of(leaf.spki_sha256).to_string());
            view.tls = Some(observation.tls);
            view.chain = presented
                .ders()
                .iter()
                .filter_map(CertificateView::new)
                .collect();
        }
        view.suspicious_name = view
            .identity
            .as_ref()
            .is_some_and(Identity::has_suspicious_name);
        view.likely = Likely::of(refusal, view.identity.as_ref());
        view.trusted = refusal.pin.as_ref().map(TrustedView::new);
        view.old_address = refusal.old_address.clone();
        view.outdated = refusal.outdated.clone();
        view.maker_offer = refusal.maker_offer.clone();
        view.clears = clears;
        Ok(view)
    }

    /// The first certificate that has ended or not begun at the time of the page.
    #[must_use]
    pub fn out_of_date(&self) -> Option<&CertificateView> {
        let is_out = |it: &&CertificateView| self.at < it.not_before || self.at > it.not_after;
        self.chain.iter().find(is_out)
    }

    /// Whether this computer shows a time at which there was no Housekey, so that nothing can be
    /// said about any certificate's dates.
    #[must_use]
    pub fn is_before_housekey(&self) -> bool {
        self.at < HOUSEKEY_BEGAN
    }

    /// Whether a name that only the home gives out (RFC 6762 section 3) led to a public address,
    /// which nobody at home has a reason to say.
    #[must_use]
    pub fn is_local_name_abroad(&self) -> bool {
        self.failure == Some(Failure::Public) && is_multicast_dns(self.host())
    }

    /// The address without its port. A page needs no parser of URLs for it, which would be a good
    /// part of what a browser has to load before it shows a question.
    #[must_use]
    pub fn host(&self) -> &str {
        match self.address.rsplit_once(':') {
            // The other colons are those of an IPv6 address in its brackets.
            Some((host, port)) if !port.ends_with(']') => host,
            _ => &self.address,
        }
    }

    /// A page about which nothing is known but its situation and address.
    #[must_use]
    pub fn bare(
        situation: Situation,
        endpoint: &Endpoint,
        notice: Option<ErrorCode>,
        at: Timestamp,
    ) -> Self {
        Self {
            situation,
            address: endpoint.display_name(),
            identity: None,
            suspicious_name: false,
            flaw: None,
            failure: None,
            notice,
            key: None,
            chain: Vec::new(),
            tls: None,
            trusted: None,
            moved_from: None,
            old_address: None,
            at,
            likely: Vec::new(),
            incomplete_chain: false,
            words: None,
            outdated: None,
            maker_offer: None,
            rule: None,
            helper: None,
            clears: false,
            waits: None,
            meeting: None,
            proxy: None,
            private: false,
        }
    }
}

impl Situation {
    /// The situation that a finding makes.
    #[must_use]
    pub const fn of(finding: &Finding) -> Self {
        match finding {
            Finding::Blocked => Self::Blocked,
            Finding::BrowserDistrusts => Self::BrowserDistrusts,
            Finding::Changed => Self::Changed,
            Finding::Expired => Self::Expired,
            Finding::Failed { .. } => Self::Failed,
            Finding::Forbidden { .. } => Self::Forbidden,
            Finding::Moved { .. } => Self::Moved,
            Finding::Rotated => Self::Rotated,
            Finding::StaleSession => Self::StaleSession,
            Finding::Stranger => Self::FirstConnect,
            Finding::Unfit { .. } => Self::Refused,
        }
    }
}

impl Likely {
    /// The likely reasons of a refusal.
    fn of(refusal: &Refusal, now: Option<&Identity>) -> Vec<Self> {
        let mut likely = Vec::new();
        if is_clock_wrong(refusal) {
            likely.push(Self::Clock);
        }
        // What a home's router is, a café's is too, and its page of sign-in has a good certificate
        // of somebody's domain.
        let is_elsewhere = match &refusal.finding {
            Finding::Changed => {
                now.is_some_and(|now| now.tier == Tier::Domain) || is_router(&refusal.endpoint)
            }
            Finding::Failed { failure } => {
                refusal.pin.is_some()
                    && matches!(
                        failure,
                        Failure::NotTls
                            | Failure::Refused
                            | Failure::TimedOut
                            | Failure::UnknownName
                            | Failure::Unreachable
                    )
            }
            _ => false,
        };
        if is_elsewhere {
            likely.push(Self::OtherNetwork);
        }
        if matches!(refusal.finding, Finding::Changed | Finding::Rotated) {
            likely.push(Self::Reset);
        }
        likely
    }
}

/// Time does not run backwards, and did not begin before Housekey did.
fn is_clock_wrong(refusal: &Refusal) -> bool {
    let is_not_begun = refusal.finding
        == Finding::Unfit {
            flaw: Flaw::NotYetValid,
        };
    let was_met_later = |pin: &Pin| pin.last_seen > refusal.at.plus_days(1);
    is_not_begun || refusal.at < HOUSEKEY_BEGAN || refusal.pin.as_ref().is_some_and(was_met_later)
}

/// The first and the last address of a small network are what routers take.
fn is_router(endpoint: &Endpoint) -> bool {
    match endpoint.host().ip() {
        Some(IpAddr::V4(address)) => matches!(address.octets(), [_, _, _, 1 | 254]),
        _ => false,
    }
}

/// A chain of which the device sent less than it should have: nobody it sent is a root, and the
/// last that it sent was issued by somebody else.
fn is_incomplete(presented: &UnverifiedChain, verdict: &ChainVerdict) -> bool {
    let last = presented.ders().last();
    let last = last.and_then(|der| Certificate::from_der(&der.0).ok());
    *verdict == ChainVerdict::UnknownIssuer && last.is_some_and(|last| !last.self_issued)
}

impl CertificateView {
    /// A certificate that cannot be read is left out: the leaf always can, and only it decides.
    fn new(der: &Der) -> Option<Self> {
        let certificate = Certificate::from_der(&der.0).ok()?;
        Some(Self {
            subject: certificate.subject.company().cloned().unwrap_or_default(),
            issuer: certificate.issuer.company().cloned().unwrap_or_default(),
            not_before: certificate.not_before,
            not_after: certificate.not_after,
            serial: certificate.serial.clone(),
            key_fingerprint: certificate.spki_sha256.grouped(),
            certificate_fingerprint: certificate.sha256.grouped(),
            key: certificate.key,
            names: certificate.names,
            whole: WholeNames::from_der(&der.0).ok()?,
        })
    }
}

impl TrustedView {
    /// A pin, for a page.
    #[must_use]
    pub fn new(pin: &Pin) -> Self {
        Self {
            name: pin.display_name().clone(),
            identity: pin.identity.clone(),
            since: pin.first_seen,
            last_seen: pin.last_seen,
            key_fingerprint: pin.spki_sha256.grouped(),
            words: Words::of(pin.spki_sha256).to_string(),
            note: pin.note.clone(),
        }
    }
}

/// 1 November 2026.
const HOUSEKEY_BEGAN: Timestamp = Timestamp(1_793_491_200);
