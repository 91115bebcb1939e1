//! What went wrong, and how much of it may be somebody's doing.

use housekey_core::chain::{Flaw, OutdatedTls};
use housekey_core::decision::Failure;
use housekey_core::effect::HelperStatus;
use housekey_core::view::{Likely, TrustView};

use super::telling::Teller;
use crate::pages::text::{Piece, Values, code, command_for};

impl Teller<'_> {
    pub(super) fn tell_troubles(&self, values: &mut Values, view: &TrustView) {
        if let Some(failure) = view.failure {
            values.set("failure", code(&failure));
            let whom = self.whom(view, failure);
            values.flag("by_name", whom != view.address);
            values.set("whom", whom);
        }
        let is_odd = view.is_local_name_abroad();
        values.flag("public_local", is_odd);
        values.set_some("flaw", flaw_text(view));
        values.set_some("flaw_hint", view.flaw.as_ref().map(code));
        values.flag("hopeless", is_hopeless(view));
        values.flag("wary", is_odd || is_wary(view));
        values.flag("leave_first", is_wary(view) || is_final(view));
        let is_about_dates = matches!(view.flaw, Some(Flaw::Expired | Flaw::NotYetValid));
        let clock_wrong = is_about_dates && view.is_before_housekey();
        values.flag("clock_wrong", clock_wrong);
        values.flag("clock", is_about_dates && !clock_wrong);
        for likely in &view.likely {
            match likely {
                Likely::Clock => values.flag("likely_clock", true),
                Likely::OtherNetwork if tells_network(view.failure) => continue,
                Likely::OtherNetwork => values.flag("likely_other_network", true),
                Likely::Reset => values.flag("likely_reset", true),
            }
            values.flag("likely", true);
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

    /// Who failed: a device that the person knows, by its name, where it is about the device and
    /// not about the address.
    fn whom(&self, view: &TrustView, failure: Failure) -> String {
        let by_name = match failure {
            Failure::BadCertificate
            | Failure::ClientCertificate
            | Failure::Closed
            | Failure::NotTls
            | Failure::Outdated
            | Failure::Protocol
            | Failure::TimedOut
            | Failure::Unreachable => true,
            Failure::Public | Failure::Refused | Failure::TooMany | Failure::UnknownName => false,
        };
        match &view.trusted {
            Some(trusted) if by_name => self.quoted(&self.named(trusted.name.as_str())),
            _ => view.address.clone(),
        }
    }

    fn quoted(&self, name: &str) -> String {
        let pieces = self.host.pieces("quoted", 1).into_iter();
        let told = pieces.map(|piece| match piece {
            Piece::Words(words) => words,
            Piece::Value(_) => name.to_owned(),
        });
        told.collect()
    }
}

/// The name of the text that tells the flaw: dates are only told with the certificate's own.
fn flaw_text(view: &TrustView) -> Option<String> {
    let flaw = view.flaw.as_ref()?;
    let suffix = match flaw {
        Flaw::Expired | Flaw::NotYetValid => match view.out_of_date() {
            Some(dated) if view.chain.first() == Some(dated) => "",
            Some(_) => "_behind",
            None => "_undated",
        },
        _ => "",
    };
    Some(format!("{}{suffix}", code(flaw)))
}

/// Whether nothing that a person does at this computer makes the connection safe.
const fn is_hopeless(view: &TrustView) -> bool {
    matches!(view.failure, Some(Failure::Outdated)) || matches!(view.flaw, Some(Flaw::WeakKey))
}

/// Whether what failed may be somebody's doing.
const fn is_wary(view: &TrustView) -> bool {
    is_hopeless(view) || matches!(view.failure, Some(Failure::BadCertificate))
}

/// Whether trying again leads to the same.
const fn is_final(view: &TrustView) -> bool {
    matches!(
        view.failure,
        Some(Failure::ClientCertificate | Failure::Public)
    )
}

/// Whether the text of a failure tells of another network already.
const fn tells_network(failure: Option<Failure>) -> bool {
    matches!(
        failure,
        Some(Failure::TimedOut | Failure::UnknownName | Failure::Unreachable)
    )
}

/// What is the matter with the helper.
pub(super) fn tell_helper(values: &mut Values, helper: HelperStatus) {
    values.set("helper", code(&helper));
    values.set_some("command", command_for(helper));
    let (works, is_misfit) = match helper {
        HelperStatus::Ok | HelperStatus::Starting => (true, false),
        HelperStatus::TooNew | HelperStatus::TooOld => (false, true),
        HelperStatus::Down | HelperStatus::Missing | HelperStatus::Unusable => (false, false),
    };
    values.flag("wary", !works);
    values.flag("misfit", is_misfit);
    values.flag("helper_ok", helper == HelperStatus::Ok);
}
