//! The figures as a table for people and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Plan;
use super::cases::{self, Crowd, Figures, Rest};
use super::peers::{BYTES_ONLY, DIRECT, HOUSEKEY, Peer};

/// What was measured, and of whom.
pub struct Report {
    rounds: usize,
    quick: bool,
    candidates: Vec<Candidate>,
    absent: BTreeMap<String, String>,
    pub(super) rest: Option<Rest>,
    pub(super) crowd: Option<Crowd>,
}

struct Candidate {
    name: &'static str,
    version: String,
    figures: BTreeMap<&'static str, Vec<f64>>,
}

/// A goal: a figure of Housekey as a share of somebody else's.
struct Goal {
    text: &'static str,
    bound: f64,
    at_least: bool,
    ratio: fn(&Report) -> Option<f64>,
}

impl Report {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            rounds: plan.rounds,
            quick: plan.quick,
            candidates: Vec::new(),
            absent: BTreeMap::new(),
            rest: None,
            crowd: None,
        }
    }

    pub(super) fn add(&mut self, peer: &Peer, figures: Figures) {
        let known = self.candidates.iter().position(|it| peer.is(it.name));
        let at = known.unwrap_or_else(|| {
            self.candidates.push(Candidate {
                name: peer.name(),
                version: peer.version().to_owned(),
                figures: BTreeMap::new(),
            });
            self.candidates.len() - 1
        });
        for (name, value) in figures {
            self.candidates[at]
                .figures
                .entry(name)
                .or_default()
                .push(value);
        }
    }

    pub(super) fn absent(&mut self, name: &str, why: &str) {
        eprintln!("{name}: {why}");
        self.absent.insert(name.to_owned(), why.to_owned());
    }

    pub(super) fn is_absent(&self, name: &str) -> bool {
        self.absent.contains_key(name)
    }

    /// The whole, for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let candidates = self.candidates.iter().map(|candidate| {
            let medians: BTreeMap<_, _> = candidate
                .figures
                .iter()
                .map(|(name, values)| (*name, median(values)))
                .collect();
            json!({
                "name": candidate.name,
                "version": candidate.version,
                "medians": medians,
                "rounds": candidate.figures,
            })
        });
        let goals = GOALS.iter().map(|goal| {
            let ratio = (goal.ratio)(self);
            json!({"goal": goal.text, "ratio": ratio, "met": ratio.map(|it| goal.is_met(it))})
        });
        json!({
            "rounds": self.rounds,
            "quick": self.quick,
            "candidates": candidates.collect::<Vec<_>>(),
            "absent": self.absent,
            "goals": goals.collect::<Vec<_>>(),
            "rest": self.rest,
            "crowd": self.crowd,
        })
    }

    /// The same in Markdown, for people.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::from("|");
        for (_, title, _) in COLUMNS {
            let _ = write!(text, " {title} |");
        }
        text.push_str("\n|");
        text.push_str(&" --- |".repeat(COLUMNS.len()));
        for candidate in &self.candidates {
            let _ = write!(text, "\n| {} {} |", candidate.name, candidate.version);
            for (name, _, digits) in &COLUMNS[1..] {
                match self.median(candidate.name, name) {
                    Some(value) => {
                        let _ = write!(text, " {value:.digits$} |");
                    }
                    None => text.push_str(" – |"),
                }
            }
        }
        text.push('\n');
        for (name, why) in &self.absent {
            let _ = write!(text, "\nNot measured: {name} ({why}).\n");
        }
        text.push_str("\n| goal | ratio | |\n| --- | --- | --- |\n");
        for goal in GOALS {
            if let Some(ratio) = (goal.ratio)(self) {
                let met = if goal.is_met(ratio) { "met" } else { "missed" };
                let _ = writeln!(text, "| {} | {ratio:.2} | {met} |", goal.text);
            }
        }
        if let Some(rest) = &self.rest {
            let _ = writeln!(text, "\nAt rest: {}", json!(rest));
        }
        if let Some(crowd) = &self.crowd {
            let _ = writeln!(text, "\nCrowd: {}", json!(crowd));
        }
        text
    }

    fn median(&self, candidate: &str, figure: &str) -> Option<f64> {
        let candidate = self.candidates.iter().find(|it| it.name == candidate)?;
        candidate.figures.get(figure).map(|values| median(values))
    }

    /// The best of those who could stand in Housekey's place.
    fn best(&self, figure: &str, better: fn(f64, f64) -> f64) -> Option<f64> {
        let peers = self.candidates.iter().map(|candidate| candidate.name);
        let peers = peers.filter(|name| ![BYTES_ONLY, DIRECT, HOUSEKEY].contains(name));
        peers
            .filter_map(|name| self.median(name, figure))
            .reduce(better)
    }

    /// Housekey's figure as a share of the smallest of its peers'.
    fn of_least(&self, figure: &str) -> Option<f64> {
        Some(self.median(HOUSEKEY, figure)? / self.best(figure, f64::min)?)
    }
}

impl Goal {
    fn is_met(&self, ratio: f64) -> bool {
        if self.at_least {
            ratio >= self.bound
        } else {
            ratio <= self.bound
        }
    }
}

const GOALS: &[Goal] = &[
    Goal {
        text: "added p50 over direct, of the best peer's: at most 0.65",
        bound: 0.65,
        at_least: false,
        ratio: |report| {
            let direct = report.median(DIRECT, cases::P50)?;
            let own = report.median(HOUSEKEY, cases::P50)? - direct;
            Some(own / (report.best(cases::P50, f64::min)? - direct))
        },
    },
    Goal {
        text: "CPU per request, of the best peer's: at most 0.70",
        bound: 0.70,
        at_least: false,
        ratio: |report| report.of_least(cases::REQUEST_CPU),
    },
    Goal {
        text: "bulk throughput, of the best peer's: at least 1.15",
        bound: 1.15,
        at_least: true,
        ratio: |report| {
            Some(report.median(HOUSEKEY, cases::BULK)? / report.best(cases::BULK, f64::max)?)
        },
    },
    Goal {
        text: "bulk throughput, of direct: at least 0.62",
        bound: 0.62,
        at_least: true,
        ratio: |report| {
            Some(report.median(HOUSEKEY, cases::BULK)? / report.median(DIRECT, cases::BULK)?)
        },
    },
    Goal {
        text: "CPU per fresh connection, of the best peer's: at most 1.0",
        bound: 1.0,
        at_least: false,
        ratio: |report| report.of_least(cases::FRESH_CPU),
    },
    Goal {
        text: "memory per idle connection, of nginx's: at most 1.0",
        bound: 1.0,
        at_least: false,
        ratio: |report| {
            Some(report.median(HOUSEKEY, cases::IDLE)? / report.median("nginx", cases::IDLE)?)
        },
    },
];

/// Figure, title and decimal places.
const COLUMNS: &[(&str, &str, usize)] = &[
    ("", "", 0),
    (cases::P50, "p50, 1 KiB, warm (µs)", 1),
    (cases::RATE, "requests/s, 16 at once", 0),
    (cases::REQUEST_CPU, "CPU/request (µs)", 1),
    (cases::BULK, "bulk (GB/s)", 2),
    (cases::BULK_CPU, "CPU/GiB (s)", 2),
    (cases::FRESH, "fresh connection (ms)", 2),
    (cases::FRESH_CPU, "CPU/fresh connection (µs)", 0),
    (cases::FRESH_DEVICE_CPU, "device's CPU for it (µs)", 0),
    (cases::RESUMED_CPU, "CPU/resumed connection (µs)", 0),
    (cases::IDLE, "memory/idle connection (kB)", 1),
    (cases::BASE, "memory without (MB)", 1),
];

pub(super) fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
