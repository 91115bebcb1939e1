//! States of pages, read from the core's transcripts.
//!
//! A line `# gallery: page/name` in a transcript names what a page shows there: whatever the page
//! asks is answered with the last reply above the line to the same request. The core's own test
//! plays the transcripts, so the replies are what the core says. What a person does on the page
//! first follows after bars:
//!
//! ```text
//! # gallery: options/forget | click .pin-forget
//! # gallery: trust/wrong-address | type 192.168.1.2 into #replace-address
//! # gallery: options/import | choose devices.json in #import-file | until #preview li
//! # gallery: options/makers | press End in #tabs [aria-selected=true]
//! ```

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// A page in a state.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Which page: the name of its directory and of its file.
    pub page: String,
    /// What tells it from the page's other states.
    pub name: String,
    /// What the core answers to what the page asks.
    pub replies: Vec<Reply>,
    /// What the page asked and has no answer to yet.
    pub waiting: Vec<Value>,
    /// What a person does before the page is looked at.
    pub steps: Vec<Step>,
}

/// What the core answered to a page.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reply {
    /// What the page asked, without the numbers and addresses of one visit.
    pub request: Value,
    /// The answer.
    pub reply: Value,
}

/// Something that a person does on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Chooses a file of `tests/gallery/files`.
    Choose {
        /// The file's name.
        file: String,
        /// The field.
        css: String,
    },
    /// Clicks on something.
    Click {
        /// On this.
        css: String,
    },
    /// Presses a key.
    Press {
        /// As `KeyboardEvent.key` has it.
        key: String,
        /// Where.
        css: String,
    },
    /// Types something.
    Type {
        /// This.
        text: String,
        /// Here.
        css: String,
    },
    /// Waits for something to be there.
    Until {
        /// This.
        css: String,
    },
}

impl State {
    /// Every state that the core's transcripts name, in the order of their names.
    ///
    /// # Errors
    ///
    /// When a transcript cannot be read, or names a state in a way that nobody understands.
    pub fn all() -> Result<Vec<Self>> {
        let directory = crate::browser::workspace().join("wasm/core/tests/transcripts");
        let mut states = Vec::new();
        for file in fs::read_dir(&directory)? {
            let path = file?.path();
            let transcript = fs::read_to_string(&path)?;
            states.extend(
                Self::of_transcript(&transcript).with_context(|| path.display().to_string())?,
            );
        }
        states.sort_by_key(Self::path);
        let names: BTreeSet<_> = states.iter().map(Self::path).collect();
        for name in &names {
            let same = states.iter().filter(|state| state.path() == *name).count();
            ensure!(same == 1, "{same} states are called {name}");
        }
        Ok(states)
    }

    /// The states that a transcript names.
    fn of_transcript(transcript: &str) -> Result<Vec<Self>> {
        let mut asked: Vec<(Value, Value)> = Vec::new();
        let mut replies: Vec<Reply> = Vec::new();
        let mut states = Vec::new();
        for line in transcript.lines() {
            if let Some(state) = line.strip_prefix("# gallery: ") {
                let waiting = asked.iter().map(|(_, request)| request.clone()).collect();
                let state = Self::named(state, &replies, waiting);
                states.push(state.with_context(|| line.to_owned())?);
            } else if let Some(event) = line.strip_prefix("> ") {
                let event: Value = serde_json::from_str(event)?;
                if event["type"] == "page_asked" {
                    asked.push((event["askId"].clone(), essence(&event["request"])));
                }
            } else if let Some(effect) = line.strip_prefix("< ") {
                let effect: Value = serde_json::from_str(effect)?;
                if effect["type"] != "answer" {
                    continue;
                }
                let id = &effect["askId"];
                let known = asked.iter().rposition(|(ask, _)| ask == id);
                let (_, request) = asked.remove(known.context("an answer to nothing")?);
                replies.retain(|reply| reply.request != request);
                let reply = effect["reply"].clone();
                replies.push(Reply { request, reply });
            }
        }
        Ok(states)
    }

    fn named(line: &str, replies: &[Reply], waiting: Vec<Value>) -> Result<Self> {
        let mut parts = line.split(" | ").map(str::trim);
        let path = parts.next().unwrap_or_default();
        let (page, name) = path
            .split_once('/')
            .context("a state is called page/name")?;
        ensure!(PAGES.contains(&page), "there is no page {page}");
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        ensure!(
            !name.is_empty() && name.chars().all(plain),
            "a name has small letters, digits and hyphens"
        );
        Ok(Self {
            page: page.to_owned(),
            name: name.to_owned(),
            replies: replies.to_vec(),
            waiting,
            steps: parts.map(Step::parse).collect::<Result<_>>()?,
        })
    }

    /// `page/name`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.page, self.name)
    }

    /// `page-name`.
    pub fn file_name(&self) -> String {
        format!("{}-{}", self.page, self.name)
    }

    /// What the gallery's background has to know of it.
    pub(super) fn to_json(&self) -> Value {
        json!({ "path": self.path(), "replies": self.replies, "waiting": self.waiting })
    }
}

impl Step {
    /// What it is about.
    pub(super) fn place(&self) -> &str {
        match self {
            Self::Choose { css, .. }
            | Self::Click { css }
            | Self::Press { css, .. }
            | Self::Type { css, .. }
            | Self::Until { css } => css,
        }
    }

    fn parse(step: &str) -> Result<Self> {
        let (verb, rest) = step.split_once(' ').context("a step has a verb")?;
        let two = |word: &str| {
            let (one, css) = rest
                .rsplit_once(word)
                .with_context(|| format!("{word:?} is missing"))?;
            Ok::<_, anyhow::Error>((one.to_owned(), css.to_owned()))
        };
        Ok(match verb {
            "choose" => {
                let (file, css) = two(" in ")?;
                Self::Choose { file, css }
            }
            "click" => Self::Click {
                css: rest.to_owned(),
            },
            "press" => {
                let (key, css) = two(" in ")?;
                Self::Press { key, css }
            }
            "type" => {
                let (text, css) = two(" into ")?;
                Self::Type { text, css }
            }
            "until" => Self::Until {
                css: rest.to_owned(),
            },
            _ => bail!("there is no step {verb}"),
        })
    }
}

/// A choice of a state's replies by their pages' requests must not depend on one visit.
fn essence(request: &Value) -> Value {
    let mut request = request.as_object().cloned().unwrap_or_else(Map::new);
    request.retain(|name, _| !OF_ONE_VISIT.contains(&name.as_str()));
    request.into()
}

/// The extension's pages.
const PAGES: [&str; 5] = ["access", "options", "popup", "trust", "welcome"];

/// Also in `tests/gallery/background.js`.
const OF_ONE_VISIT: [&str; 3] = ["promptId", "tabId", "url"];

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]
mod tests {
    use super::*;

    #[test]
    fn a_state_has_the_last_reply_to_each_request() {
        let transcript = r##"
> {"type":"page_asked","askId":1,"request":{"type":"status"}}
< {"type":"answer","askId":1,"reply":{"type":"status","helper":"down"}}
> {"type":"page_asked","askId":2,"request":{"type":"pins","after":null}}
< {"type":"answer","askId":2,"reply":{"type":"pins"}}
# gallery: options/down
> {"type":"page_asked","askId":3,"request":{"type":"status"}}
< {"type":"answer","askId":3,"reply":{"type":"status","helper":"ok"}}
# gallery: options/forget | click .pin-forget | type a b into #search
"##;
        let states = State::of_transcript(transcript).unwrap();
        let paths: Vec<_> = states.iter().map(State::path).collect();
        assert_eq!(paths, ["options/down", "options/forget"]);
        let helper = |state: &State| {
            let status = json!({ "type": "status" });
            let found = state.replies.iter().find(|it| it.request == status);
            found.unwrap().reply["helper"].clone()
        };
        assert_eq!(helper(&states[0]), "down");
        assert_eq!(helper(&states[1]), "ok");
        let click = Step::Click {
            css: ".pin-forget".to_owned(),
        };
        let typed = Step::Type {
            text: "a b".to_owned(),
            css: "#search".to_owned(),
        };
        assert_eq!(states[1].steps, [click, typed]);
    }

    #[test]
    fn what_is_no_state_is_refused() {
        for line in ["trust", "nowhere/x", "trust/Upper", "trust/x | jump .up"] {
            assert!(State::named(line, &[], Vec::new()).is_err(), "{line}");
        }
    }

    #[test]
    fn the_transcripts_name_states() {
        assert!(State::all().unwrap().len() > 20);
    }
}
