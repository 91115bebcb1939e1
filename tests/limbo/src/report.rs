//! What is expected of each case, and the table.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::decisions::Decision;
use crate::hostile;
use crate::judge::{Judgement, Kind, Outcome};
use crate::suite::Case;

/// The result of a whole run.
#[derive(Default)]
pub(crate) struct Report {
    rows: BTreeMap<String, Row>,
    /// Cases with a name that were judged with it too, and how many of them a browser would take.
    named: usize,
    taken: usize,
    slowest: (Duration, String),
    pub(crate) failures: Vec<String>,
}

#[derive(Default)]
struct Row {
    cases: usize,
    accepted: usize,
    odd: usize,
    refused: usize,
    unknown: usize,
    /// Decided about in the committed file.
    decided: usize,
}

impl Report {
    /// Compares what was found with what is expected.
    pub(crate) fn of(
        judged: &[(&Case, Judgement)],
        decisions: &BTreeMap<String, Decision>,
    ) -> Self {
        let mut report = Self::default();
        for (case, judgement) in judged {
            let decision = decisions.get(&case.id).map(|decision| decision.kind);
            report.count(case, judgement, decision);
            report.check_chain(case, judgement.outcome, decision);
            report.check_with_name(case, judgement, decision);
            if judgement.took > MAX_TIME {
                let took = judgement.took;
                report.failures.push(format!("{}: took {took:?}", case.id));
            }
        }
        let known: BTreeSet<_> = judged.iter().map(|(case, _)| case.id.as_str()).collect();
        for id in decisions.keys().filter(|id| !known.contains(id.as_str())) {
            report
                .failures
                .push(format!("{id}: decided, and not in the suite"));
        }
        report
    }

    fn count(&mut self, case: &Case, judgement: &Judgement, decision: Option<Kind>) {
        let class = case
            .class
            .clone()
            .unwrap_or_else(|| "without a class".to_owned());
        let row = self.rows.entry(class).or_default();
        row.cases += 1;
        match judgement.outcome {
            Outcome::Accepted | Outcome::Disagreement => row.accepted += 1,
            Outcome::Odd => row.odd += 1,
            Outcome::Refused(_) => row.refused += 1,
            Outcome::Unknown => row.unknown += 1,
        }
        row.decided += usize::from(decision.is_some());
        self.named += usize::from(judgement.with_name.is_some());
        self.taken += usize::from(judgement.with_name == Some(true));
        if judgement.took > self.slowest.0 {
            self.slowest = (judgement.took, case.id.clone());
        }
    }

    fn check_chain(&mut self, case: &Case, outcome: Outcome, decision: Option<Kind>) {
        let Some(class) = case.class.as_deref() else {
            return;
        };
        let settled = match class {
            "must_accept" | "hostname_only" => Some(Kind::Accepted),
            "must_reject" | hostile::CLASS => Some(Kind::Refused),
            // Revocation and a limit of the caller's are not the helper's.
            "skip_feature" => return,
            _ => None,
        };
        // Nobody verifies an odd leaf, so it is rejected.
        let is_as = |expected| match expected {
            Kind::Refused => outcome.kind() != Kind::Accepted,
            expected => outcome.kind() == expected,
        };
        let id = &case.id;
        let failure = match (decision, settled) {
            _ if outcome == Outcome::Disagreement => format!("{id}: {outcome}"),
            (None, None) => format!("{id} ({class}): nothing is decided; {outcome}"),
            (None, Some(expected)) if !is_as(expected) => format!("{id} ({class}): {outcome}"),
            (Some(decided), Some(expected)) if decided == expected => {
                format!("{id} ({class}): decided as its class says, so needlessly")
            }
            (Some(decided), _) if outcome.kind() != decided => {
                format!("{id} ({class}): {outcome}, and decided otherwise: {decided:?}")
            }
            _ => return,
        };
        self.failures.push(failure);
    }

    /// With the name, x509-limbo's own expectation is what counts.
    fn check_with_name(&mut self, case: &Case, judgement: &Judgement, decision: Option<Kind>) {
        let Some(takes) = judgement.with_name else {
            return;
        };
        if takes == case.succeeds || !case.is_ours {
            return;
        }
        let is_decided = match decision {
            Some(Kind::Accepted) => takes && judgement.outcome == Outcome::Accepted,
            Some(Kind::Odd | Kind::Refused) => !takes,
            None => false,
        };
        // Where only the name is wrong, a good chain is no reason to take it.
        let is_of_name = matches!(
            case.class.as_deref(),
            Some("hostname_only" | "hostname_or_cn_nc")
        );
        if !is_decided || is_of_name {
            let says = if takes {
                "would take it"
            } else {
                "would not take it"
            };
            self.failures
                .push(format!("{}: a browser {says} for its name", case.id));
        }
    }

    /// Prints the table and everything that is not as it should be.
    pub(crate) fn print(&self) {
        println!(
            "{:24}{:>8}{:>10}{:>10}{:>10}{:>10}{:>10}",
            "class", "cases", "accepted", "refused", "unknown", "odd leaf", "decided"
        );
        for (class, row) in &self.rows {
            println!(
                "{class:24}{:8}{:10}{:10}{:10}{:10}{:10}",
                row.cases, row.accepted, row.refused, row.unknown, row.odd, row.decided
            );
        }
        println!(
            "with the name, as before a TLS connection is left to the browser: {} of {} taken",
            self.taken, self.named
        );
        let (took, id) = &self.slowest;
        println!("slowest case: {id}, {took:?} of the processor");
        for failure in &self.failures {
            println!("  {failure}");
        }
    }
}

/// A page that asks must not wait for a chain that a stranger made to be slow.
const MAX_TIME: Duration = Duration::from_millis(100);
