//! The steps that a person has to take before a button does anything.

use housekey_core::view::TrustView;
use web_sys::{Element, HtmlInputElement};

use super::expectation::Expectation;
use crate::pages::dom::{self, Result};

/// Whether every step before this button was taken. What it leads to is the core's decision all the
/// same.
pub(super) fn is_open(
    button: &str,
    view: Option<&TrustView>,
    expectation: &Expectation,
) -> Result<bool> {
    Ok(match button {
        "approve" => {
            let asked = dom::find::<Element>("understood")?.is_some();
            (!asked || dom::is_ticked("understood")?) && expectation.permits()
        }
        "leave-to-browser" => dom::is_ticked("without-understood")?,
        "replace" => {
            let typed = typed("replace-address")?;
            let names_it = |view: &TrustView| typed.trim().eq_ignore_ascii_case(&view.address);
            dom::is_ticked("replace-understood")?
                && view.is_some_and(names_it)
                && expectation.permits()
        }
        "trust-maker" => {
            dom::is_ticked("maker-understood")?
                && !typed("maker-name")?.trim().is_empty()
                && expectation.permits()
        }
        _ => true,
    })
}

/// What stands in a field.
pub(super) fn typed(id: &str) -> Result<String> {
    Ok(dom::element::<HtmlInputElement>(id)?.value())
}
