//! Views: what pages show, as codes and harmless text. Pages add words and shapes, nothing else.

use data_encoding::HEXUPPER;
use serde::{Deserialize, Serialize};

use crate::certificate::{Certificate, CertificateError, KeyKind};
use crate::chain::{ChainVerdict, Der, Flaw, Observation, TlsVersion, UnverifiedChain};
use crate::decision::{Failure, Finding};
use crate::effect::HelperStatus;
use crate::error::ErrorCode;
use crate::fingerprint::SpkiSha256;
use crate::identity::Identity;
use crate::pin::Pin;
use crate::protocol::Refusal;
use crate::text::SafeText;
use crate::time::Timestamp;

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
    /// The name that is shown mixes scripts or hides characters.
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
}

/// Which of the trust page's pages it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Situation {
    /// The person blocked this endpoint.
    Blocked,
    /// Another key.
    Changed,
    /// The pinned key in an ended certificate.
    Expired,
    /// The device could not be met.
    Failed,
    /// No pin yet.
    FirstConnect,
    /// The pinned key of another endpoint.
    Moved,
    /// A stranger that nobody should trust.
    Refused,
    /// Another key of the same verified device.
    Rotated,
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
    /// SHA-256 of the certificate, as browsers show it.
    pub certificate_fingerprint: String,
    /// Kind and size of the key.
    pub key: KeyKind,
    /// Names in the certificate.
    pub names: Vec<SafeText>,
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
}

/// The popup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct PopupView {
    /// Which popup it is.
    pub state: PopupState,
    /// The address of the tab's device, if it shows one.
    pub address: Option<String>,
    /// What is trusted there.
    pub trusted: Option<TrustedView>,
    /// How the helper is.
    pub helper: HelperStatus,
}

/// Which of the popups it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum PopupState {
    /// The tab shows no device.
    NoDevice,
    /// The tab shows a device that has no pin: its certificate is one that the browser itself
    /// accepts, or it is not trusted.
    NotPinned,
    /// The helper cannot be used.
    NoHelper,
    /// The tab shows a pinned device.
    Trusted,
}

impl TrustView {
    /// The page for a refusal.
    ///
    /// # Errors
    ///
    /// [`CertificateError`] where the presented chain cannot be read.
    pub fn new(refusal: &Refusal, notice: Option<ErrorCode>) -> Result<Self, CertificateError> {
        let (situation, flaw, failure, moved_from) = match &refusal.finding {
            Finding::Blocked => (Situation::Blocked, None, None, None),
            Finding::Changed => (Situation::Changed, None, None, None),
            Finding::Expired => (Situation::Expired, None, None, None),
            Finding::Failed { failure } => (Situation::Failed, None, Some(*failure), None),
            Finding::Moved { from } => (Situation::Moved, None, None, Some(from.display_name())),
            Finding::Rotated => (Situation::Rotated, None, None, None),
            Finding::Stranger => (Situation::FirstConnect, None, None, None),
            Finding::Unfit { flaw } => (Situation::Refused, Some(*flaw), None, None),
        };
        let mut chain = Vec::new();
        let mut identity = None;
        if let Some(observation) = &refusal.observation {
            let presented = UnverifiedChain::new(observation.chain.clone())?;
            identity = identity_to_show(presented.leaf(), &observation.verdict, refusal.at);
            chain = presented
                .ders()
                .iter()
                .filter_map(CertificateView::new)
                .collect();
        }
        let suspicious_name = identity.as_ref().is_some_and(|it| it.name.is_suspicious());
        Ok(Self {
            situation,
            address: refusal.endpoint.display_name(),
            identity,
            suspicious_name,
            flaw,
            failure,
            notice,
            key: refusal.observation.as_ref().and_then(Observation::leaf_key),
            chain,
            tls: refusal
                .observation
                .as_ref()
                .map(|observation| observation.tls),
            trusted: refusal.pin.as_ref().map(TrustedView::new),
            moved_from,
        })
    }
}

/// A flawed leaf proves nothing, but what it claims is still shown, as a claim.
fn identity_to_show(
    leaf: &Certificate,
    verdict: &ChainVerdict,
    now: Timestamp,
) -> Option<Identity> {
    let claim = || Identity::of(leaf, &ChainVerdict::UnknownIssuer, leaf.not_before);
    Identity::of(leaf, verdict, now).or_else(|_| claim()).ok()
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
            key_fingerprint: grouped(certificate.spki_sha256),
            certificate_fingerprint: HEXUPPER
                .encode(certificate.sha256.as_bytes())
                .as_bytes()
                .chunks(2)
                .map(String::from_utf8_lossy)
                .collect::<Vec<_>>()
                .join(":"),
            key: certificate.key,
            names: certificate.names,
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
            key_fingerprint: grouped(pin.spki_sha256),
        }
    }
}

/// Groups of four digits are what people can compare (Dechand et al., USENIX Security 2016).
fn grouped(fingerprint: SpkiSha256) -> String {
    HEXUPPER
        .encode(fingerprint.as_bytes())
        .as_bytes()
        .chunks(4)
        .map(String::from_utf8_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}
