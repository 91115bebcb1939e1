//! What the person expects of the device's key, as they typed it, and whether it fits.

use std::cell::Cell;

use housekey_core::expected::Comparison;
use web_sys::{Element, HtmlInputElement};

use crate::pages::PageHost;
use crate::pages::dom::{self, Result};
use crate::pages::text::Values;

/// The state of the field for a code.
#[derive(Debug, Default)]
pub(super) struct Expectation(Cell<State>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing is typed.
    #[default]
    Empty,
    /// It is what the device shows.
    Fits,
    /// It is not, or nobody knows.
    Open,
}

/// What comparing said, as its looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Differs,
    Fits,
    Unclear,
}

impl Expectation {
    /// Whether the person may go on. What they expect and do not see speaks against it.
    pub(super) fn permits(&self) -> bool {
        self.0.get() != State::Open
    }

    /// The field was emptied with its page.
    pub(super) fn forget(&self) {
        self.0.set(State::Empty);
    }

    /// The person typed: what was said about it before does not hold any more. Yields what is to be
    /// compared, if anything.
    pub(super) fn begin(&self) -> Result<Option<String>> {
        let typed = typed()?.filter(|typed| !typed.trim().is_empty());
        self.0.set(if typed.is_some() {
            State::Open
        } else {
            State::Empty
        });
        if typed.is_none() {
            clear()?;
        }
        Ok(typed)
    }

    /// Whether this is still what stands in the field.
    pub(super) fn is_still(&self, compared: &str) -> Result<bool> {
        Ok(typed()?.as_deref() == Some(compared))
    }

    /// Says what comparing said.
    pub(super) fn end(&self, host: &PageHost, comparison: &Comparison) -> Result<()> {
        let Some((result, standing)) = result_of(comparison) else {
            self.0.set(State::Empty);
            return clear();
        };
        let (state, looks) = match standing {
            Standing::Differs => (State::Open, "differs"),
            Standing::Fits => (State::Fits, "fits"),
            Standing::Unclear => (State::Open, "unclear"),
        };
        self.0.set(state);
        let mut values = Values::default();
        values.set("result", result);
        values.set("standing", looks);
        let said = dom::instance("comparison-result", host, &values)?;
        dom::element::<Element>(RESULT)?.replace_children_with_node_1(&said);
        Ok(())
    }
}

/// The name of a result, and what follows from it.
fn result_of(comparison: &Comparison) -> Option<(&'static str, Standing)> {
    match comparison {
        Comparison::Empty => None,
    }
}

fn typed() -> Result<Option<String>> {
    Ok(dom::find::<HtmlInputElement>(FIELD)?.map(|field| field.value()))
}

fn clear() -> Result<()> {
    if let Some(place) = dom::find::<Element>(RESULT)? {
        place.set_text_content(None);
    }
    Ok(())
}

/// The field.
pub(super) const FIELD: &str = "compare-input";
/// Where the result is told, and read aloud.
const RESULT: &str = "compare-result";
/// Typing is over when nothing follows for this long.
pub(super) const PAUSE_MILLIS: i32 = 300;
