//! Whose link a check is about.

use serde::Serialize;

use crate::tagged::read_tagged;
use crate::text::WholeText;

/// A browser or a profile, by names that are nobody's language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Whose {
    /// A browser, or several that share what the check is about.
    Browser {
        /// Its name, or theirs with commas.
        name: WholeText,
    },
    /// Chrome, Chromium and all that share their certificate store.
    Chromiums,
    /// A browser that keeps its data where a person said.
    Elsewhere {
        /// The browser.
        browser: WholeText,
        /// Where its data is.
        directory: WholeText,
    },
    /// A profile of a browser.
    Profile {
        /// The browser.
        browser: WholeText,
        /// The profile's name, or its directory.
        name: WholeText,
    },
}

read_tagged!(Whose by "type" {
    Browser { name },
    Chromiums,
    Elsewhere { browser, directory },
    Profile { browser, name },
});

impl Whose {
    /// The codes of all of them, for tables and tests.
    pub const CODES: [&str; 4] = ["browser", "chromiums", "elsewhere", "profile"];

    /// A browser.
    #[must_use]
    pub fn browser(name: &str) -> Self {
        let name = WholeText::new(name);
        Self::Browser { name }
    }

    /// A browser that keeps its data in this directory.
    #[must_use]
    pub fn elsewhere(browser: &str, directory: &str) -> Self {
        Self::Elsewhere {
            browser: WholeText::new(browser),
            directory: WholeText::new(directory),
        }
    }

    /// A profile of a browser.
    #[must_use]
    pub fn profile(browser: &str, name: &str) -> Self {
        Self::Profile {
            browser: WholeText::new(browser),
            name: WholeText::new(name),
        }
    }

    /// The code for which the locales have words, and the values that stand in those, in order.
    #[must_use]
    pub fn words(&self) -> (&'static str, Vec<&str>) {
        match self {
            Self::Browser { name } => ("browser", vec![name.as_str()]),
            Self::Chromiums => ("chromiums", Vec::new()),
            Self::Elsewhere { browser, directory } => {
                ("elsewhere", vec![browser.as_str(), directory.as_str()])
            }
            Self::Profile { browser, name } => ("profile", vec![browser.as_str(), name.as_str()]),
        }
    }
}
