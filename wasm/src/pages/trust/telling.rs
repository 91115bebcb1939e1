//! What the trust page has to say, by the names under which its HTML asks for it.

use housekey_core::certificate::Oddity;
use housekey_core::chain::{Flaw, OutdatedTls};
use housekey_core::decision::{Failure, Rule};
use housekey_core::fingerprint::CertificateSha256;
use housekey_core::identity::{Identity, Tier};
use housekey_core::maker::MakerId;
use housekey_core::protocol::{EXTENSION_DAYS, OldAddress};
use housekey_core::time::Timestamp;
use housekey_core::view::{Likely, Situation, TrustView, TrustedView};

use super::details::tell_key;
use crate::pages::PageHost;
use crate::pages::text::{Values, code};
use crate::pages::welcome::command_for;

/// Turns a view into values.
pub(super) struct Teller<'host> {
    host: &'host PageHost,
}

impl<'host> Teller<'host> {
    pub(super) const fn new(host: &'host PageHost) -> Self {
        Self { host }
    }

    pub(super) fn values(&self, view: &TrustView) -> Values {
        let mut values = Values::default();
        values.set("address", view.address.as_str());
        values.set("at", self.moment(view.at));
        values.set("days", EXTENSION_DAYS.to_string());
        values.set_some("notice", view.notice.as_ref().map(code));
        values.flag("suspicious", view.suspicious_name);
        values.flag("incomplete", view.incomplete_chain);
        values.flag("clears", view.clears);
        values.flag("comparable", view.key.is_some());
        values.flag("waits_changed", view.waits == Some(Situation::Changed));
        values.set_some("rule", view.rule.as_ref().map(code));
        if view.situation == Situation::FirstConnect {
            values.set("first_seen", self.moment(view.at));
            let verified = view.identity.as_ref().is_some_and(Identity::is_verified);
            values.flag("first_how", verified);
        }
        values.flag("same_key", has_pinned_key(view));
        if let Some(helper) = view.helper {
            values.set("helper", code(&helper));
            values.set_some("command", command_for(helper));
        }
        self.tell_troubles(&mut values, view);
        self.tell_chain(&mut values, view);
        if let Some(identity) = &view.identity {
            self.tell_identity(&mut values, identity);
        }
        if let Some(trusted) = &view.trusted {
            self.tell_trusted(&mut values, trusted);
            let verified = view.identity.as_ref().is_some_and(Identity::is_verified);
            values.flag("fell", trusted.identity.is_verified() && !verified);
        }
        values.set_some("moved_from", view.moved_from.as_deref());
        if let Some(old_address) = &view.old_address {
            match old_address {
                OldAddress::Known { name } => {
                    values.set("old_known", self.named(name.as_str()));
                }
                OldAddress::Nobody => values.flag("old_nobody", true),
                OldAddress::Same => values.flag("old_same", true),
                OldAddress::Stranger => values.flag("old_stranger", true),
            }
        }
        if let Some(offer) = &view.maker_offer {
            values.set("maker_offer", self.named(offer.name.as_str()));
            values.set("maker_fingerprint", colons(&offer.root_sha256));
        }
        values
    }

    fn tell_troubles(&self, values: &mut Values, view: &TrustView) {
        values.set_some("failure", view.failure.as_ref().map(code));
        values.set_some("flaw", view.flaw.as_ref().map(code));
        values.flag("hopeless", is_hopeless(view));
        values.flag(
            "clock",
            matches!(view.flaw, Some(Flaw::Expired | Flaw::NotYetValid)),
        );
        values.flag("likely", !view.likely.is_empty());
        for likely in &view.likely {
            match likely {
                Likely::Clock => values.flag("likely_clock", true),
                Likely::OtherNetwork => values.flag("likely_other_network", true),
                Likely::Reset => values.flag("likely_reset", true),
            }
        }
        if let Some(OutdatedTls { version, cipher }) = &view.outdated {
            // A locale's keys have no dots in them.
            let version = code(version);
            values.set("outdated", version.replace('.', "_"));
            let name = match version.as_str() {
                "ssl3" => "SSL 3.0".to_owned(),
                version => format!("TLS {version}"),
            };
            values.set("outdated_speaks", format!("{name}, {cipher}"));
        }
    }

    fn tell_chain(&self, values: &mut Values, view: &TrustView) {
        values.set_some("tls", view.tls.as_ref().map(code));
        values.set_some("words", view.words.as_deref());
        if let Some(leaf) = view.chain.first() {
            values.set("ends", self.host.date(leaf.not_after));
            values.set("begins", self.host.date(leaf.not_before));
            values.set("fingerprint", leaf.key_fingerprint.as_str());
            tell_key(values, leaf.key);
        }
    }

    fn tell_trusted(&self, values: &mut Values, trusted: &TrustedView) {
        let identity = &trusted.identity;
        values.set("trusted_name", self.named(trusted.name.as_str()));
        values.set("trusted_since", self.host.date(trusted.since));
        values.set("trusted_seen", self.host.date(trusted.last_seen));
        values.set("trusted_tier", code(&identity.tier));
        values.set("trusted_fingerprint", trusted.key_fingerprint.as_str());
        values.set("trusted_words", trusted.words.as_str());
        let by = identity.verified_by.as_ref().map(|it| it.as_str());
        values.set_some("trusted_by", by);
        let device = identity.device_id.as_ref().map(|it| it.as_str());
        values.set_some("trusted_device", device);
    }

    fn tell_identity(&self, values: &mut Values, identity: &Identity) {
        let (name, verified) = (identity.name.as_str(), identity.is_verified());
        // A name that somebody vouches for is a fact; any other is a claim, and shown as one.
        values.set("fact", if verified { name } else { "" });
        values.set("claim", if verified { "" } else { name });
        values.flag("nameless", name.is_empty());
        values.set("name", self.named(name));
        values.flag("other_names", !identity.other_names.is_empty());
        values.set("issued_by", identity.issued_by.as_str());
        values.set("tier", code(&identity.tier));
        values.flag(if verified { "verified" } else { "unverified" }, true);
        let by = identity.verified_by.as_ref().map(|it| it.as_str());
        values.set_some("verified_by", by);
        let added = |maker: &MakerId| maker.is_added_by_person();
        values.flag("added_maker", identity.maker.as_ref().is_some_and(added));
        if let Some(id) = &identity.device_id {
            values.set("device", id.as_str());
            // Only of a manufacturer's own certificates it is known that this stands on the label.
            if identity.tier == Tier::Manufacturer {
                values.set("device_end", ending(id.as_str()));
            }
        }
        for oddity in &identity.oddities {
            match oddity {
                Oddity::Authority => values.flag("oddity_authority", true),
                Oddity::OldVersion => values.flag("oddity_old_version", true),
            }
        }
    }

    fn named(&self, name: &str) -> String {
        if name.is_empty() {
            self.host.text("nameless_device")
        } else {
            name.to_owned()
        }
    }

    fn moment(&self, time: Timestamp) -> String {
        format!("{}, {}", self.host.date(time), self.host.time_of_day(time))
    }
}

/// Whether the device has proven the key that the person trusted, so that who vouches for its name
/// matters less.
fn has_pinned_key(view: &TrustView) -> bool {
    matches!(view.situation, Situation::Expired | Situation::Moved)
        || view.rule == Some(Rule::Expired)
}

/// Whether nothing that a person does at this computer makes the connection safe.
const fn is_hopeless(view: &TrustView) -> bool {
    matches!(view.failure, Some(Failure::Outdated)) || matches!(view.flaw, Some(Flaw::WeakKey))
}

/// The end of an identifier, which is what people compare with a label.
fn ending(id: &str) -> String {
    let skipped = id.chars().count().saturating_sub(COMPARED_CHARS);
    if skipped == 0 {
        return String::new();
    }
    id.chars().skip(skipped).collect::<String>().to_uppercase()
}

/// A certificate's fingerprint as browsers show it.
fn colons(fingerprint: &CertificateSha256) -> String {
    let digits = fingerprint.as_bytes().iter();
    let digits: Vec<_> = digits.map(|byte| format!("{byte:02X}")).collect();
    digits.join(":")
}

const COMPARED_CHARS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_compare_the_end_of_an_identifier() {
        assert_eq!(ending("001788fffe405c5e"), "5C5E");
        assert_eq!(ending("5c5e"), "");
    }
}
