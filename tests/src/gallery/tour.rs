//! A tour: one kind of browser through every state.

use std::time::Instant;

use anyhow::{Context as _, Result};
use futures_util::future::try_join_all;

use super::look::Look;
use super::{Finding, Gallery, Language, Report, Screen, extension, picture, screen};
use crate::browser::{Account, Browser, Kind, Options};
use crate::home::Authorities;
use crate::lan::Lan;

/// A tour through a gallery.
pub(super) struct Tour<'a> {
    pub(super) gallery: &'a Gallery,
    pub(super) kind: Kind,
    /// axe-core.
    pub(super) axe: &'a str,
}

/// A browser with the gallery's extension, in its user's home.
struct Guide {
    /// Ends before its user's files vanish.
    browser: Browser,
    _account: Account,
}

impl Tour<'_> {
    /// Goes through every state, one language after the other.
    ///
    /// # Errors
    ///
    /// When no browser can be started.
    pub(super) async fn walk(self, lan: Lan, authorities: &Authorities) -> Result<Report> {
        let mut report = Report::default();
        for &language in &self.gallery.languages {
            let began = Instant::now();
            let mut guides = Vec::new();
            for _ in 0..self.gallery.browsers {
                guides.push(self.guide(language, lan, authorities).await?);
            }
            let shares = guides.iter().enumerate();
            let shares = shares.map(|(share, guide)| self.share(share, &guide.browser, language));
            let mut found = Report::default();
            for share in try_join_all(shares).await? {
                found.merge(share);
            }
            if self.gallery.out.is_some() {
                let seconds = began.elapsed().as_secs_f64();
                println!("{} {language}, {seconds:.0} s: {found}", self.kind);
            }
            report.merge(found);
        }
        Ok(report)
    }

    async fn guide(
        &self,
        language: Language,
        lan: Lan,
        authorities: &Authorities,
    ) -> Result<Guide> {
        let account = Account::new(lan, authorities)?;
        let directory = account.directory().join("gallery");
        extension::write(self.kind, language, &self.gallery.states, &directory)?;
        let options = Options {
            unpacked: Some(directory),
            ..Options::with_housekey()
        };
        let browser = Browser::start(self.kind, &account, &options).await?;
        browser.driver().set_window_rect(0, 0, 1500, 1000).await?;
        // Away from the page that the browser starts with, which comes and goes as it likes.
        browser
            .go(&browser.extension_page("pages/welcome/welcome.html?prompt=-1")?)
            .await?;
        let there = "return document.readyState === 'complete'
            && location.pathname === '/pages/welcome/welcome.html'";
        browser
            .until_script("a page of the extension's", there)
            .await?;
        Ok(Guide {
            browser,
            _account: account,
        })
    }

    /// Shows the states that are this browser's share.
    async fn share(&self, share: usize, browser: &Browser, language: Language) -> Result<Report> {
        let mut report = Report::default();
        let mut shown = None;
        let states = self.gallery.states.iter().enumerate();
        for (number, state) in states.skip(share).step_by(self.gallery.browsers) {
            let look = Look {
                browser,
                state,
                number,
                axe: self.axe,
            };
            report.visits += 1;
            if let Err(error) = self.visit(&look, language, &mut shown, &mut report).await {
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
                report.add(vec![finding], &format!("{} {language}", self.kind));
            }
        }
        Ok(report)
    }

    /// Shows one state on every screen; `shown` is the browser's at the time.
    async fn visit(
        &self,
        look: &Look<'_>,
        language: Language,
        shown: &mut Option<Screen>,
        report: &mut Report,
    ) -> Result<()> {
        let kind = self.kind;
        let place = |screen: Screen| {
            let Screen { width, scheme, .. } = screen;
            format!("{kind} {language} {} {width}", scheme.name())
        };
        let mut screens = self.gallery.screens(language).peekable();
        let first = *screens.peek().context("no screen to look at")?;
        first.show_after(shown, look.browser).await?;
        report.add(look.arrive().await?, &place(first));
        for screen in screens {
            screen.show_after(shown, look.browser).await?;
            if let Some(out) = &self.gallery.out {
                let path = out.join(picture(kind, language, look.state, screen));
                screen::shoot(look.browser, screen, &path).await?;
                report.pictures += 1;
            }
            report.add(look.on_any_screen().await?, &place(screen));
            if screen == first {
                report.add(look.untouched().await?, &place(screen));
            }
        }
        // The last one: it leaves the page as nobody has seen it.
        report.add(look.by_keyboard().await?, &place(first));
        Ok(())
    }
}
