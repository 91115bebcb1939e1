//! A look at one state: bringing it about, and trying what must hold.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use thirtyfour::Key;

use super::screen::PAINTED;
use super::{Finding, State, Step};
use crate::browser::{Browser, workspace};

/// A state in a browser.
pub(super) struct Look<'a> {
    pub(super) browser: &'a Browser,
    pub(super) state: &'a State,
    /// By which the gallery's background knows it.
    pub(super) number: usize,
    /// axe-core.
    pub(super) axe: &'a str,
}

impl Look<'_> {
    /// Opens the page, does what the state says, and yields what the page asked in vain.
    pub(super) async fn arrive(&self) -> Result<Vec<Finding>> {
        let page = &self.state.page;
        let url = format!("pages/{page}/{page}.html?prompt={}", self.number);
        self.browser.go(&self.browser.extension_page(&url)?).await?;
        self.until_ready().await?;
        for step in &self.state.steps {
            self.act(step).await.with_context(|| format!("{step:?}"))?;
            self.until_ready().await?;
        }
        let unanswered = self
            .browser
            .eval_async(
                "const { runtime } = globalThis.browser ?? chrome;
                return await runtime.sendMessage({ type: 'gallery_unanswered' });",
            )
            .await?;
        let unanswered = unanswered
            .as_array()
            .with_context(|| format!("the gallery's background says {unanswered}"))?;
        Ok(unanswered
            .iter()
            .map(|request| Finding {
                state: self.state.path(),
                check: "no answer in the transcript".to_owned(),
                detail: request.to_string(),
            })
            .collect())
    }

    /// What has to hold in every width and colour.
    pub(super) async fn on_any_screen(&self) -> Result<Vec<Finding>> {
        let known = self.browser.eval("return typeof axe === 'object'").await?;
        if known != true {
            self.browser.eval(self.axe).await?;
        }
        self.check("[...(await accessibility()), ...layout()]")
            .await
    }

    /// What has to hold before anybody has pressed a key.
    pub(super) async fn untouched(&self) -> Result<Vec<Finding>> {
        self.check("[...focusAndNames(), ...words(), ...motion()]")
            .await
    }

    /// What has to hold for a person with nothing but a keyboard.
    pub(super) async fn by_keyboard(&self) -> Result<Vec<Finding>> {
        let mut found = self.check("hiddenFocus()").await?;
        let stops = self
            .browser
            .eval(&format!("{CHECKS}; return beginWalk()"))
            .await?;
        let stops = stops.as_u64().context("no number of stops")?;
        let mut keys = self.browser.driver().action_chain();
        for _ in 0..stops {
            keys = keys.key_down(Key::Tab).key_up(Key::Tab);
        }
        keys.perform().await?;
        found.extend(self.check("endWalk()").await?);
        Ok(found)
    }

    async fn check(&self, what: &str) -> Result<Vec<Finding>> {
        let found = self
            .browser
            .eval_async(&format!("{CHECKS}; return {what};"))
            .await?;
        let found: Vec<Found> = serde_json::from_value(found.clone())
            .with_context(|| format!("{what} yields {found}"))?;
        let state = self.state.path();
        Ok(found
            .into_iter()
            .map(|Found { check, detail }| Finding {
                state: state.clone(),
                check,
                detail,
            })
            .collect())
    }

    /// Waits until the page has shown what it was told, and has come to rest.
    async fn until_ready(&self) -> Result<()> {
        // A state without replies is the page while it waits.
        let waits = self.state.replies.is_empty();
        // One that is busy by design says so.
        let is_busy =
            |step: &Step| matches!(step, Step::Until { css } if css.contains("aria-busy"));
        let busy = self.state.steps.iter().any(is_busy);
        let script = format!("const [waits, busy] = [{waits}, {busy}]; {READY} {PAINTED}");
        let deadline = Instant::now() + PATIENCE;
        loop {
            // While the page gives way to another there may be none to ask.
            let ready = self.browser.eval_async(&script).await;
            match ready {
                Ok(Value::Bool(true)) => return Ok(()),
                _ if Instant::now() < deadline => tokio::time::sleep(POLL).await,
                Ok(reason) => bail!("the page does not come to rest: {reason}"),
                Err(error) => return Err(error),
            }
        }
    }

    async fn act(&self, step: &Step) -> Result<()> {
        self.until_there(step.place()).await?;
        match step {
            Step::Choose { file, css } => {
                let path = workspace().join("tests/gallery/files").join(file);
                ensure!(path.exists(), "there is no file {}", path.display());
                let field = self.browser.element(css).await?;
                Ok(field.send_keys(path.display().to_string()).await?)
            }
            Step::Click { css } => self.browser.click(css).await,
            Step::Press { key, css } => {
                let focus = format!("document.querySelector({}).focus()", json!(css));
                self.browser.eval(&focus).await?;
                let key = named_key(key)?;
                let keys = self.browser.driver().action_chain();
                Ok(keys.key_down(key).key_up(key).perform().await?)
            }
            Step::Type { text, css } => self.browser.fill(css, text).await,
            Step::Until { .. } => Ok(()),
        }
    }

    async fn until_there(&self, css: &str) -> Result<()> {
        // A field for a file may hide behind a button.
        let there = format!(
            "const it = document.querySelector({});
            return it?.type === 'file' || it?.checkVisibility() === true",
            json!(css)
        );
        let deadline = Instant::now() + PATIENCE;
        while self.browser.eval(&there).await? != true {
            ensure!(Instant::now() < deadline, "there is no {css}");
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Found {
    check: String,
    detail: String,
}

fn named_key(name: &str) -> Result<char> {
    let key = match name {
        "ArrowDown" => Key::Down,
        "ArrowLeft" => Key::Left,
        "ArrowRight" => Key::Right,
        "ArrowUp" => Key::Up,
        "End" => Key::End,
        "Enter" => Key::Enter,
        "Escape" => Key::Escape,
        "Home" => Key::Home,
        "Space" => Key::Space,
        "Tab" => Key::Tab,
        name => {
            let mut letters = name.chars();
            let letter = letters.next().context("no key")?;
            ensure!(letters.next().is_none(), "there is no key {name}");
            return Ok(letter);
        }
    };
    Ok(key.into())
}

const CHECKS: &str = include_str!("../../gallery/checks.js");

/// The page has arrived, speaks its language, has shown what the background said (a question: until
/// it can be answered), nothing has changed for a moment, and everything is painted.
const READY: &str = "
    const { dataset, dir } = document.documentElement;
    if (document.readyState !== 'complete' || dataset.left !== undefined) return 'loading';
    if (!dir) return 'not in a language yet';
    if (!waits) {
        const { dataset: { view, state, armed } } = document.querySelector('main');
        if (view === 'loading' || state === 'loading') return 'no answer yet';
        if (document.querySelector('#status')?.childElementCount === 0) return 'no status yet';
        if (!busy && document.querySelector('[aria-busy=true]')) return 'busy';
        if (armed !== 'true' && document.querySelector('[data-arms]')) return 'not armed yet';
    }
    await document.fonts.ready;
    await new Promise((quiet) => {
        const observer = new MutationObserver(wait);
        let timer = 0;
        function wait() {
            clearTimeout(timer);
            timer = setTimeout(() => { observer.disconnect(); quiet(); }, 60);
        }
        observer.observe(document, {
            attributes: true, characterData: true, childList: true, subtree: true,
        });
        wait();
    });
    ";

/// How long a page may take to show something, or to come to rest.
const PATIENCE: Duration = Duration::from_secs(6);

/// How often it is looked at.
const POLL: Duration = Duration::from_millis(25);
