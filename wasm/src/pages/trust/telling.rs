//! What the trust page has to say, by the names under which its HTML asks for it.

use housekey_core::certificate::Oddity;
use housekey_core::decision::Rule;
use housekey_core::identity::{Identity, Tier};
use housekey_core::maker::MakerId;
use housekey_core::protocol::{EXTENSION_DAYS, OldAddress};
use housekey_core::time::Timestamp;
use housekey_core::view::{Situation, TrustView, TrustedView};

use super::details::tell_key;
use super::troubles::tell_helper;
use crate::pages::PageHost;
use crate::pages::text::{Values, code};

/// Turns a view into values.
pub(super) struct Teller<'host> {
    pub(super) host: &'host PageHost,
}

impl<'host> Teller<'host> {
    pub(super) const fn new(host: &'host PageHost) -> Self {
        Self { host }
    }

    pub(super) fn values(&self, view: &TrustView) -> Values {
        let mut values = Values::default();
        values.set("address", view.address.as_str());
        values.set("plain", format!("http://{}", view.host()));
        // What has its own direction stands apart from the words around it.
        values.set("local", ".local");
        values.set("install", "housekey install");
        values.set("doctor", "housekey doctor");
        values.set("at", self.moment(view.at));
        values.set("days", EXTENSION_DAYS.to_string());
        values.set_some("notice", view.notice.as_ref().map(code));
        values.flag("suspicious", view.suspicious_name);
        values.flag("incomplete", view.incomplete_chain);
        values.flag("clears", view.clears);
        values.flag("private", view.private);
        values.flag("comparable", view.key.is_some());
        values.flag("waits_changed", view.waits == Some(Situation::Changed));
        values.set_some("rule", view.rule.as_ref().map(code));
        if view.situation == Situation::FirstConnect {
            values.set("first_seen", self.moment(view.at));
            let verified = view.identity.as_ref().is_some_and(Identity::is_verified);
            values.flag("first_how", verified);
        }
        self.tell_troubles(&mut values, view);
        values.set_some("holder", view.proxy.as_ref().map(code));
        if let Some(helper) = view.helper {
            tell_helper(&mut values, helper);
        }
        self.tell_chain(&mut values, view);
        self.tell_both(&mut values, view);
        self.tell_move(&mut values, view);
        // The words for "not now" are those of the button that said it.
        let unconnected = view.waits == Some(Situation::FirstConnect)
            && view.identity.as_ref().is_some_and(|it| !it.is_verified());
        values.flag("unconnected", unconnected);
        let trusted = view.trusted.as_ref();
        let called = trusted.map(|it| self.named(it.name.as_str()));
        values.set("blocked", called.unwrap_or_else(|| view.address.clone()));
        if let Some(offer) = &view.maker_offer {
            values.set("maker_offer", self.named(offer.name.as_str()));
            values.set("maker_fingerprint", offer.root_sha256.grouped());
        }
        values
    }

    /// Who answers now, and who was trusted until now.
    fn tell_both(&self, values: &mut Values, view: &TrustView) {
        values.flag("same_key", has_pinned_key(view));
        if let Some(identity) = shown_identity(view) {
            self.tell_identity(values, identity);
            if view.situation == Situation::Refused {
                values.set("voucher", "unproven");
            } else if view.identity.as_ref() != Some(identity) {
                values.set("voucher", format!("before_{}", code(&identity.tier)));
            }
        }
        if let Some(trusted) = &view.trusted {
            self.tell_trusted(values, trusted);
            if let Some(now) = &view.identity {
                let fell = trusted.identity.is_verified() && !now.is_verified();
                values.flag("fell", fell);
                values.flag("sibling", trusted.identity.is_sibling_of(now));
            }
        }
    }

    fn tell_move(&self, values: &mut Values, view: &TrustView) {
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
    }

    fn tell_chain(&self, values: &mut Values, view: &TrustView) {
        values.set_some("tls", view.tls.as_ref().map(code));
        values.set_some("words", view.words.as_deref());
        if let Some(leaf) = view.chain.first() {
            let dated = view.out_of_date().unwrap_or(leaf);
            values.set("ends", self.host.date(dated.not_after));
            values.set("begins", self.host.date(dated.not_before));
            values.set("fingerprint", leaf.key_fingerprint.as_str());
            tell_key(values, leaf.key);
        }
    }

    fn tell_trusted(&self, values: &mut Values, trusted: &TrustedView) {
        let identity = &trusted.identity;
        values.set("trusted_name", self.named(trusted.name.as_str()));
        values.set("trusted_since", self.host.date(trusted.since));
        values.set("trusted_seen", self.host.date(trusted.last_seen));
        let (name, verified) = (identity.name.as_str(), identity.is_verified());
        values.set("trusted_fact", if verified { name } else { "" });
        values.set("trusted_claim", if verified { "" } else { name });
        values.flag("trusted_nameless", name.is_empty());
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
        let by = identity.verified_by.as_ref().map(|it| it.as_str());
        values.set_some("verified_by", by);
        let issuer = Some(identity.issued_by.as_str()).filter(|issuer| Some(*issuer) != by);
        values.set_some("issued_by", issuer);
        values.set("tier", code(&identity.tier));
        values.set("voucher", code(&identity.tier));
        values.flag("verified", verified);
        values.flag("unverified", !verified);
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

    pub(super) fn named(&self, name: &str) -> String {
        if name.is_empty() {
            self.host.text("nameless_device")
        } else {
            name.to_owned()
        }
    }

    pub(super) fn moment(&self, time: Timestamp) -> String {
        format!("{}, {}", self.host.date(time), self.host.time_of_day(time))
    }
}

/// Who the page says it is: what answers now, or, where it has proven the very key that somebody
/// vouched for when it was trusted, who it was then.
pub(super) fn shown_identity(view: &TrustView) -> Option<&Identity> {
    let now = view.identity.as_ref()?;
    let then = view.trusted.as_ref().map(|trusted| &trusted.identity);
    let was_verified = then.filter(|then| then.is_verified() && !now.is_verified());
    let then = was_verified.filter(|_| has_pinned_key(view));
    Some(then.unwrap_or(now))
}

/// Whether the device has proven the key that the person trusted, so that who vouches for its name
/// matters less.
fn has_pinned_key(view: &TrustView) -> bool {
    matches!(view.situation, Situation::Expired | Situation::Moved)
        || view.rule == Some(Rule::Expired)
}

/// The end of an identifier, which is what people compare with a label.
fn ending(id: &str) -> String {
    let skipped = id.chars().count().saturating_sub(COMPARED_CHARS);
    if skipped == 0 {
        return String::new();
    }
    id.chars().skip(skipped).collect()
}

const COMPARED_CHARS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_compare_the_end_of_an_identifier() {
        assert_eq!(ending("001788fffe405c5e"), "5c5e");
        assert_eq!(ending("5c5e"), "");
    }
}
