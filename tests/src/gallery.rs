//! The gallery: every page of the extension in every state, in real browsers, as pictures, with
//! what must hold on each of them.
//!
//! What a state is stands in the core's transcripts ([`state`]). The pages are the product's own,
//! at their own address in a real browser; only the background that answers them is another
//! ([`extension`]).

mod extension;
mod index;
mod language;
mod look;
mod report;
mod screen;
mod state;
mod tour;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

pub use self::language::Language;
pub use self::report::{Finding, Report};
pub use self::screen::{Scheme, Screen};
pub use self::state::{Reply, State, Step};
use self::tour::Tour;
use crate::browser::{Kind, workspace};
use crate::home::Authorities;
use crate::lan::Lan;

/// What is looked at.
#[derive(Clone, Debug)]
pub struct Gallery {
    /// The states.
    pub states: Vec<State>,
    /// In which languages.
    pub languages: Vec<Language>,
    /// In which colours; other languages than English only in light ones.
    pub schemes: Vec<Scheme>,
    /// How wide, in CSS pixels.
    pub widths: Vec<u32>,
    /// Where pictures go; without, none are taken.
    pub out: Option<PathBuf>,
    /// How many browsers of a kind share the states.
    pub browsers: usize,
}

impl Gallery {
    /// All of it, as pictures in a directory.
    ///
    /// # Errors
    ///
    /// When a transcript cannot be read.
    pub fn whole(out: &Path) -> Result<Self> {
        Ok(Self {
            states: State::all()?,
            languages: Language::ALL.to_vec(),
            schemes: Scheme::ALL.to_vec(),
            widths: WIDTHS.to_vec(),
            out: Some(out.to_owned()),
            browsers: 1,
        })
    }

    /// Every state at one glance, without pictures.
    ///
    /// # Errors
    ///
    /// When a transcript cannot be read.
    pub fn glance() -> Result<Self> {
        Ok(Self {
            states: State::all()?,
            languages: vec![Language::En],
            schemes: vec![Scheme::Light],
            widths: vec![WIDTHS[0]],
            out: None,
            // Much of the time a page waits before a question can be answered.
            browsers: 3,
        })
    }

    /// Only the states whose path contains this.
    #[must_use]
    pub fn only(mut self, pattern: &str) -> Self {
        self.states.retain(|state| state.path().contains(pattern));
        self
    }

    /// Goes through everything in these browsers, side by side.
    ///
    /// # Errors
    ///
    /// When there is nothing to look at, or a browser fails. What does not hold on a page is no
    /// error, but part of the report.
    pub async fn tour(&self, lan: Lan, kinds: &[Kind]) -> Result<Report> {
        ensure!(!self.states.is_empty(), "there is no such state");
        let authorities = Authorities::generate()?;
        let axe = axe()?;
        let tours = kinds.iter().map(|&kind| {
            let tour = Tour {
                gallery: self,
                kind,
                axe: &axe,
            };
            tour.walk(lan, &authorities)
        });
        let mut report = Report::default();
        for tour in futures_util::future::join_all(tours).await {
            report.merge(tour?);
        }
        if let Some(out) = &self.out {
            index::write(self, kinds, &report, out)?;
        }
        Ok(report)
    }

    fn screens(&self, language: Language) -> impl Iterator<Item = Screen> + '_ {
        let schemes = match language {
            Language::En => self.schemes.as_slice(),
            // Another language changes no colour.
            _ => &self.schemes[..1],
        };
        schemes.iter().flat_map(|&scheme| {
            self.widths
                .iter()
                .map(move |&width| Screen { width, scheme })
        })
    }
}

/// Where a picture lies in the gallery: other languages than English in a directory of their own.
fn picture(kind: Kind, language: Language, state: &State, screen: Screen) -> PathBuf {
    let mut path = PathBuf::from(kind.to_string());
    if language != Language::En {
        path.push(language.to_string());
    }
    path.push(format!(
        "{}-{}-{}.png",
        state.file_name(),
        screen.scheme.name(),
        screen.width
    ));
    path
}

/// axe-core, which npm has put beside the extension's type checker.
fn axe() -> Result<String> {
    let path = workspace().join("extension/node_modules/axe-core/axe.min.js");
    std::fs::read_to_string(&path).with_context(|| {
        format!(
            "{} is not there; `npm ci` in extension/ brings it",
            path.display()
        )
    })
}

/// Of a telephone, and of a laptop.
const WIDTHS: [u32; 2] = [360, 1_280];
