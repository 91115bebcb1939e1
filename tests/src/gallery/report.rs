//! What was found in the gallery, and where.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// In this state.
    pub state: String,
    /// What should hold.
    pub check: String,
    /// What does instead.
    pub detail: String,
}

/// What was found, and where.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Each finding with the places it was found at: browser, language, colours, width.
    pub findings: BTreeMap<Finding, Vec<String>>,
    /// How many states were looked at, in every browser and language.
    pub visits: usize,
    /// How many pictures were taken.
    pub pictures: usize,
}

impl Report {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    pub(super) fn add(&mut self, found: Vec<Finding>, place: &str) {
        for finding in found {
            let places = self.findings.entry(finding).or_default();
            if places.iter().all(|known| known != place) {
                places.push(place.to_owned());
            }
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (finding, places) in other.findings {
            self.findings.entry(finding).or_default().extend(places);
        }
        self.visits += other.visits;
        self.pictures += other.pictures;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (finding, places) in &self.findings {
            let Finding {
                state,
                check,
                detail,
            } = finding;
            writeln!(f, "{state}: {check}: {detail}")?;
            writeln!(f, "    {}", places.join(", "))?;
        }
        write!(
            f,
            "{} findings in {} visits, {} pictures",
            self.findings.len(),
            self.visits,
            self.pictures
        )
    }
}
