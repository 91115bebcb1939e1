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
mod screen;
mod state;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;

pub use self::language::Language;
use self::look::Look;
pub use self::screen::{Scheme, Screen};
pub use self::state::{Reply, State, Step};
use crate::browser::{Account, Browser, Kind, Options, workspace};
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
}

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
        let tours = kinds
            .iter()
            .map(|kind| self.tour_in(lan, &authorities, *kind));
        let mut report = Report::default();
        for tour in futures_util::future::join_all(tours).await {
            report.merge(tour?);
        }
        if let Some(out) = &self.out {
            index::write(self, kinds, &report, out)?;
        }
        Ok(report)
    }

    async fn tour_in(&self, lan: Lan, authorities: &Authorities, kind: Kind) -> Result<Report> {
        let mut report = Report::default();
        for &language in &self.languages {
            let began = Instant::now();
            let account = Account::new(lan, authorities)?;
            let directory = account.directory().join("gallery");
            extension::write(kind, language, &self.states, &directory)?;
            let options = Options {
                unpacked: Some(directory),
                ..Options::with_housekey()
            };
            let browser = Browser::start(kind, &account, &options).await?;
            browser.driver().set_window_rect(0, 0, 1500, 1000).await?;
            // Away from the page that the browser starts with, which comes and goes as it likes.
            browser
                .go(&browser.extension_page("pages/welcome/welcome.html?prompt=0")?)
                .await?;
            let there = "return document.readyState === 'complete'
                && location.pathname === '/pages/welcome/welcome.html'";
            browser
                .until_script("a page of the extension's", there)
                .await?;
            let axe = axe()?;
            for (number, state) in self.states.iter().enumerate() {
                let look = Look {
                    browser: &browser,
                    state,
                    number,
                    axe: &axe,
                };
                report.visits += 1;
                if let Err(error) = self.visit(&look, language, &mut report).await {
                    // Where a page fails, its console says why.
                    let log = browser.log();
                    let says = log.lines().rfind(|line| line.contains("the page has no"));
                    let what = format!("{error:#}");
                    let what = what.split_whitespace().collect::<Vec<_>>().join(" ");
                    let finding = Finding {
                        state: state.path(),
                        check: "cannot be shown".to_owned(),
                        detail: format!("{what} {}", says.unwrap_or_default()),
                    };
                    report.add(vec![finding], &format!("{kind} {language}"));
                }
            }
            if self.out.is_some() {
                println!(
                    "{kind:<9} {language:<5} {} states in {:.0} s",
                    self.states.len(),
                    began.elapsed().as_secs_f64()
                );
            }
        }
        Ok(report)
    }

    /// Shows one state on every screen.
    async fn visit(&self, look: &Look<'_>, language: Language, report: &mut Report) -> Result<()> {
        let kind = look.browser.kind();
        let place = |screen: Screen| {
            let Screen { width, scheme, .. } = screen;
            format!("{kind} {language} {} {width}", scheme.name())
        };
        let mut screens = self.screens(language).peekable();
        let first = *screens.peek().context("no screen to look at")?;
        first.show(look.browser).await?;
        report.add(look.arrive().await?, &place(first));
        for screen in screens {
            if screen != first {
                screen.show(look.browser).await?;
            }
            if let Some(out) = &self.out {
                let path = out.join(picture(kind, language, look.state, screen));
                screen::shoot(look.browser, screen, &path).await?;
                report.pictures += 1;
            }
            report.add(look.on_any_screen().await?, &place(screen));
            if screen == first {
                report.add(look.untouched().await?, &place(screen));
            }
        }
        // The last ones: they leave the page as nobody has seen it.
        report.add(look.by_keyboard().await?, &place(first));
        let still = Screen {
            still: true,
            ..first
        };
        still.show(look.browser).await?;
        report.add(look.without_motion().await?, &place(first));
        Ok(())
    }

    fn screens(&self, language: Language) -> impl Iterator<Item = Screen> + '_ {
        let schemes = match language {
            Language::En => self.schemes.as_slice(),
            // Another language changes no colour.
            _ => &self.schemes[..1],
        };
        schemes.iter().flat_map(|&scheme| {
            self.widths.iter().map(move |&width| Screen {
                width,
                scheme,
                still: false,
            })
        })
    }
}

impl Report {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    fn add(&mut self, found: Vec<Finding>, place: &str) {
        for finding in found {
            let places = self.findings.entry(finding).or_default();
            if places.iter().all(|known| known != place) {
                places.push(place.to_owned());
            }
        }
    }

    fn merge(&mut self, other: Self) {
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
