//! What the person expects of the device's key, as they typed it, and whether it fits.

use std::cell::Cell;

use housekey_core::expected::{Comparison, Mark, Strength};
use web_sys::{Element, HtmlTextAreaElement};

use crate::pages::PageHost;
use crate::pages::dom::{self, Result};
use crate::pages::text::{Values, code};

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

/// What there is to say about a comparison.
struct Told {
    /// The name of the headline.
    headline: &'static str,
    /// The name of what follows it.
    hint: String,
    looks: Looks,
    /// How much of it is there, or where to look.
    count: usize,
    /// How much of it there has to be.
    needs: usize,
}

/// How it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looks {
    Differs,
    Fits,
    Unclear,
    Weak,
    Worthless,
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
        let Some(told) = Told::new(*comparison) else {
            self.0.set(State::Empty);
            return clear();
        };
        self.0.set(told.looks.leaves());
        let mut values = Values::default();
        values.set("result", told.headline);
        values.set("hint", told.hint);
        values.set("looks", told.looks.name());
        values.set("count", host.number(told.count));
        values.set("needs", host.number(told.needs));
        let said = dom::instance("comparison-result", host, &values)?;
        dom::element::<Element>(RESULT)?.replace_children_with_node_1(&said);
        Ok(())
    }
}

impl Told {
    /// What to say; nothing where nothing was typed.
    fn new(comparison: Comparison) -> Option<Self> {
        let simple = |headline: &'static str, looks| Self {
            headline,
            hint: headline.to_owned(),
            looks,
            count: 0,
            needs: 0,
        };
        Some(match comparison {
            Comparison::Empty => return None,
            Comparison::Differs { .. } => simple("differs", Looks::Differs),
            Comparison::Matches { what, strength } => match strength {
                Strength::Claim => simple("claim", Looks::Weak),
                Strength::Proof => Self {
                    hint: code(&what),
                    ..simple("proof", Looks::Fits)
                },
                // What a label shows is what the page asks people to look at.
                Strength::Weak if what == Mark::DeviceIdEnding => Self {
                    hint: code(&what),
                    ..simple("ending", Looks::Fits)
                },
                Strength::Weak => Self {
                    hint: code(&what),
                    ..simple("weak", Looks::Weak)
                },
            },
            Comparison::TooShort { what, has, needs } => Self {
                hint: if what == Mark::Words {
                    "some_words".to_owned()
                } else {
                    "digits".to_owned()
                },
                count: has,
                needs,
                ..simple("too_short", Looks::Unclear)
            },
            Comparison::UnknownWord { at } => Self {
                count: at,
                ..simple("unknown_word", Looks::Unclear)
            },
            Comparison::Unreadable => simple("unreadable", Looks::Unclear),
            Comparison::Worthless => simple("worthless", Looks::Worthless),
        })
    }
}

impl Looks {
    /// Where the person is left by it.
    const fn leaves(self) -> State {
        match self {
            Self::Differs | Self::Unclear | Self::Worthless => State::Open,
            Self::Fits | Self::Weak => State::Fits,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Differs => "differs",
            Self::Fits => "fits",
            Self::Unclear => "unclear",
            Self::Weak => "weak",
            Self::Worthless => "worthless",
        }
    }
}

fn typed() -> Result<Option<String>> {
    Ok(dom::find::<HtmlTextAreaElement>(FIELD)?.map(|field| field.value()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_fits_lets_go_on() {
        let permits = |comparison| {
            let told = Told::new(comparison);
            let state = told.map_or(State::Empty, |told| told.looks.leaves());
            Expectation(Cell::new(state)).permits()
        };
        let what = Mark::KeySha256;
        for strength in [Strength::Claim, Strength::Proof, Strength::Weak] {
            assert!(permits(Comparison::Matches { what, strength }));
        }
        assert!(permits(Comparison::Empty));
        for against in [
            Comparison::Differs { what },
            Comparison::TooShort {
                what,
                has: 32,
                needs: 64,
            },
            Comparison::UnknownWord { at: 3 },
            Comparison::Unreadable,
            Comparison::Worthless,
        ] {
            assert!(!permits(against), "{against:?}");
        }
    }
}
