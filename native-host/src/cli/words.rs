//! The core's codes in plain English, for the terminal.

use housekey_core::chain::{Flaw, TlsVersion};
use housekey_core::decision::{Failure, Finding, Rule};
use housekey_core::expected::{Comparison, Mark, Strength};
use housekey_core::export::ImportStep;
use housekey_core::history::Happening;
use housekey_core::identity::{Identity, Tier};
use housekey_core::pin::Pin;
use housekey_core::time::Timestamp;
use time::OffsetDateTime;
use time::macros::format_description;

/// A point in time, in UTC.
pub(super) fn date(timestamp: Timestamp) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    OffsetDateTime::from_unix_timestamp(timestamp.0)
        .ok()
        .and_then(|date| date.format(&format).ok())
        .unwrap_or_else(|| timestamp.0.to_string())
}

/// A day, in UTC.
pub(super) fn day(timestamp: Timestamp) -> String {
    let date = date(timestamp);
    date.split(' ').next().unwrap_or_default().to_owned()
}

/// What a device is called: as the person calls it, else as it calls itself, in quotes unless
/// somebody vouches for that name.
pub(super) fn name(pin: &Pin) -> String {
    if !pin.label.is_empty() || pin.identity.is_verified() {
        pin.display_name().to_string()
    } else if pin.identity.name.is_empty() {
        "a device without a name".into()
    } else {
        format!("“{}”", pin.identity.name)
    }
}

/// What happened to a device.
pub(super) const fn happening(what: Happening) -> &'static str {
    match what {
        Happening::AllowSite => "let a site reach it",
        Happening::Approve => "trusted",
        Happening::Block => "blocked",
        Happening::DisallowSite => "shut out a site",
        Happening::Extend => "trusted beyond its end",
        Happening::Forget => "forgotten",
        Happening::Import => "imported",
        Happening::Move => "moved here",
        Happening::Renew => "renewed its certificate",
        Happening::Replace => "REPLACED BY ANOTHER KEY",
        Happening::Restore => "put back from a copy",
        Happening::Rotate => "made itself a new key",
        Happening::Unblock => "unblocked",
    }
}

/// What an import does about a device.
pub(super) const fn import_step(step: ImportStep) -> &'static str {
    match step {
        ImportStep::Add => "new",
        ImportStep::Blocked => "left out, you blocked it here",
        ImportStep::Complete => "gets its name or note",
        ImportStep::Conflict => "left out, you trust another key here",
        ImportStep::NotPrivate => "left out, no address of your own network",
        ImportStep::Unchanged => "as it is",
    }
}

/// Who a device is, and how much of that is proven.
pub(super) fn identity(identity: &Identity) -> Vec<(&'static str, String)> {
    let by = identity
        .verified_by
        .as_ref()
        .map(|by| match &identity.maker {
            Some(maker) if maker.is_added_by_person() => {
                format!("verified by {by}, a manufacturer that you added")
            }
            _ => format!("verified by {by}"),
        });
    let by = by.unwrap_or_else(|| "verified".into());
    let name = match identity.tier {
        Tier::Company | Tier::Manufacturer => format!("{} ({by})", identity.name),
        Tier::Domain => format!("whoever controls {} ({by})", identity.name),
        Tier::Unverified => format!("says it is “{}” (nobody has checked this)", identity.name),
    };
    let mut rows = vec![("device", name)];
    if !identity.issued_by.is_empty() {
        rows.push(("issued by", identity.issued_by.to_string()));
    }
    if !identity.other_names.is_empty() {
        let names = identity.other_names.iter().map(|name| format!("“{name}”"));
        rows.push(("also called", names.collect::<Vec<_>>().join(", ")));
    }
    if let Some(id) = &identity.device_id {
        rows.push(("identifier", id.to_string()));
    }
    rows
}

/// What Housekey would do with a visit; nothing was found where it would let it pass.
pub(super) fn finding(finding: Option<&Finding>) -> String {
    match finding {
        None => "You trust this device: visits pass.".into(),
        Some(Finding::Blocked) => "You blocked this device: visits are refused.".into(),
        Some(Finding::BrowserDistrusts) => {
            "You trust this device, but the browser does not trust Housekey's authority. \
             Run `housekey doctor`."
                .into()
        }
        Some(Finding::Changed) => "THE KEY HAS CHANGED: this is not the device that you trusted, \
             or it was reset. Visits are refused."
            .into(),
        Some(Finding::Expired) => {
            "It holds the key that you trusted, but its certificate has ended. Visits ask you."
                .into()
        }
        Some(Finding::Failed { failure: cause }) => format!("Visits fail: {}.", failure(*cause)),
        Some(Finding::Forbidden {
            rule: Rule::Expired,
        }) => "It holds the key that you trusted, but its certificate has ended. Your settings \
             refuse that."
            .into(),
        Some(Finding::Forbidden {
            rule: Rule::Unverified,
        }) => "Nobody vouches for this device, and your settings refuse such devices.".into(),
        Some(Finding::Moved { from }) => {
            format!("You trust this device at {from}. Visits here ask you.")
        }
        Some(Finding::Rotated) => {
            "It is the same verified device with a new key. Visits ask you.".into()
        }
        Some(Finding::StaleSession) => {
            "You trust this device. The browser deletes the session of the one before it first."
                .into()
        }
        Some(Finding::Stranger) => "You have not trusted this device yet. Visits ask you.".into(),
        Some(Finding::Unfit { flaw: cause }) => format!("Visits are refused: {}.", flaw(*cause)),
    }
}

/// What comparing a device with what a person expects says.
pub(super) fn comparison(comparison: Comparison) -> String {
    match comparison {
        Comparison::Differs { what } => format!(
            "it is NOT the expected one: {} is another; do not trust it",
            mark(what)
        ),
        Comparison::Empty => "nothing was given to compare it with".into(),
        Comparison::Matches { what, strength } => match strength {
            Strength::Claim => format!(
                "{} fits, but that proves nothing: the device says so itself, and anybody can",
                mark(what)
            ),
            Strength::Proof => format!("it is the expected one: {} fits", mark(what)),
            Strength::Weak => format!(
                "{} fits, but that is no proof: it can be made to fit; compare the key's words",
                mark(what)
            ),
        },
        Comparison::TooShort { what, has, needs } => format!(
            "{has} of {needs} are no proof: give the whole of {}",
            mark(what)
        ),
        Comparison::UnknownWord { at } => {
            format!("word {at} is none of the words that keys have; look for a slip")
        }
        Comparison::Unreadable => {
            "what was expected cannot be read; give a fingerprint, the key's words, or the number \
             on the label"
                .into()
        }
        Comparison::Worthless => {
            "an MD5 fingerprint proves nothing; give one in SHA-256, or the key's words".into()
        }
    }
}

const fn mark(mark: Mark) -> &'static str {
    match mark {
        Mark::CertificateSha1 => "the certificate's SHA-1 fingerprint",
        Mark::CertificateSha256 => "the certificate's fingerprint",
        Mark::DeviceId => "the device's number",
        Mark::DeviceIdEnding => "the end of the device's number",
        Mark::KeySha256 => "the key's fingerprint",
        Mark::Words => "the key's words",
    }
}

/// Why a device could not be met.
pub(super) const fn failure(failure: Failure) -> &'static str {
    match failure {
        Failure::BadCertificate => "it presented no certificate that can be read",
        Failure::ClientCertificate => "it asks for a certificate of yours, which is not supported",
        Failure::Closed => "it hung up in the middle of the handshake; try again",
        Failure::Outdated => "it speaks no version of TLS that is still safe; update it",
        Failure::Protocol => "it broke the TLS protocol",
        Failure::Refused => "nothing listens there; is the port right",
        Failure::TimedOut => "it did not answer in time; is it switched on",
        Failure::NotTls => "it does not speak TLS at this port",
        Failure::Public => "that is no address of your own network, so Housekey leaves it alone",
        Failure::TooMany => "too many new addresses were opened at once; wait a minute",
        Failure::UnknownName => "the name leads nowhere; try its address",
        Failure::Unreachable => "there is no way to that address; are you in its network",
    }
}

/// What is wrong with a certificate.
pub(super) const fn flaw(flaw: Flaw) -> &'static str {
    match flaw {
        Flaw::BadSignature => "a signature in its chain is wrong",
        Flaw::Expired => "a certificate has ended",
        Flaw::Malformed => "a certificate cannot be read, or breaks the rules",
        Flaw::NameConstraint => "it names what its issuer must not vouch for",
        Flaw::NotYetValid => "a certificate has not begun; check the clocks",
        Flaw::OwnAuthority => "it comes from Housekey's own authority, so this is no device",
        Flaw::WeakKey => "its key is too weak",
        Flaw::WrongPurpose => "its certificate is not for servers",
    }
}

/// A version of TLS.
pub(super) const fn tls(version: TlsVersion) -> &'static str {
    match version {
        TlsVersion::V1_2 => "1.2",
        TlsVersion::V1_3 => "1.3",
    }
}
