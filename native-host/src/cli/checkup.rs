//! A checkup on the terminal: the words of the options page, link by link.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use housekey_core::checkup::{Check, Checkup, Fix, Found, State, Whose, Why};
use serde::{Deserialize, Serialize};

use super::output::{self, Mark};

/// Prints what was found.
pub(super) fn print(checkup: &Checkup) {
    let mut last = None;
    for (number, check) in checkup.checks.iter().enumerate() {
        let link = check.found.link();
        let title = (last != Some(link)).then(|| words("check_link", &link, &[]));
        last = Some(link);
        let mark = match check.found.state() {
            State::Bad => Mark::Bad,
            State::Good => Mark::Good,
            State::Open => Mark::Open,
        };
        // What mends several in a row is said once, below the last of them.
        let next = checkup.checks.get(number + 1).map(|next| next.found);
        let said_next = next.is_some_and(|it| it.link() == link && it.fix() == check.found.fix());
        let fix = check
            .found
            .fix()
            .filter(|_| !said_next)
            .map(|fix| words("check_fix", &fix, &[]));
        output::row(
            title.as_deref().unwrap_or_default(),
            mark,
            &sentence(check),
            fix.as_deref(),
        );
    }
    output::print(&format!("\n{}", verdict(checkup)));
}

/// Prints the same for programs.
pub(super) fn print_json(checkup: &Checkup) -> anyhow::Result<()> {
    output::json(&Report {
        ok: checkup.is_good(),
        version: env!("CARGO_PKG_VERSION"),
        checks: checkup.checks.iter().map(Line::of).collect(),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'c> {
    /// Whether no link is broken.
    ok: bool,
    version: &'static str,
    checks: Vec<Line<'c>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'c> {
    link: housekey_core::checkup::Link,
    ok: bool,
    state: State,
    code: Found,
    #[serde(skip_serializing_if = "String::is_empty")]
    whose: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    place: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'c Why>,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

impl<'c> Line<'c> {
    fn of(check: &'c Check) -> Self {
        let found = check.found;
        Self {
            link: found.link(),
            ok: found.state() != State::Bad,
            state: found.state(),
            code: found,
            whose: whose(check),
            place: check.place.as_str(),
            why: check.why.as_ref(),
            detail: sentence(check),
            fix: found.fix().map(|fix| words("check_fix", &fix, &[])),
        }
    }
}

fn verdict(checkup: &Checkup) -> String {
    let has = |found| checkup.checks.iter().any(|check| check.found == found);
    if has(Found::ProgramMissing) && has(Found::FilesMissing) {
        return "Housekey is not set up for you yet: run `housekey install`.".into();
    }
    let bad = checkup.count(State::Bad);
    let is_mended = |check: &&Check| check.found.fix() == Some(Fix::Mend);
    let mended = checkup.checks.iter().filter(is_mended).count();
    let broken = match bad {
        0 => return "Everything is as it should be.".into(),
        1 => "Something is wrong in one place".into(),
        _ => format!("Something is wrong in {bad} places"),
    };
    match mended {
        0 => format!("{broken}: see above."),
        _ if mended == bad => format!("{broken}. `housekey doctor --fix` mends what it can."),
        _ => format!("{broken}. `housekey doctor --fix` mends {mended} of them."),
    }
}

/// What was found, and why it is so.
fn sentence(check: &Check) -> String {
    let found = words(
        "check",
        &check.found,
        &[&whose(check), check.place.as_str()],
    );
    match &check.why {
        Some(why) => {
            let why = words("check_why", &why.trouble, &[why.said.as_str()]);
            format!("{found}: {why}")
        }
        None => found,
    }
}

fn whose(check: &Check) -> String {
    let words_of = |whose: &Whose| {
        let (code, values) = whose.words();
        words("check_whose", &code, &values)
    };
    check.whose.as_ref().map(words_of).unwrap_or_default()
}

/// The text of a code, in the words of the extension's English pages, with these values.
fn words(prefix: &str, code: &impl Serialize, values: &[&str]) -> String {
    let code = serde_json::to_value(code).unwrap_or_default();
    let key = format!("{prefix}_{}", code.as_str().unwrap_or_default());
    let Some(message) = MESSAGES.get(key.as_str()) else {
        return key;
    };
    let mut words = String::new();
    let mut rest = message.message.as_str();
    // No value is ever searched for another one's place.
    while let Some((before, after)) = rest.split_once('$') {
        words += before;
        let number = after.chars().next().and_then(|digit| digit.to_digit(10));
        let index = number.and_then(|number| usize::try_from(number).ok()?.checked_sub(1));
        words += index.and_then(|index| values.get(index)).unwrap_or(&"");
        rest = after.get(1..).unwrap_or_default();
    }
    words + rest
}

#[derive(Deserialize)]
struct Message {
    message: String,
}

/// A terminal and a page say the same, and the words stand in one place.
static MESSAGES: LazyLock<BTreeMap<String, Message>> =
    LazyLock::new(|| serde_json::from_str(ENGLISH).unwrap_or_default());

const ENGLISH: &str = include_str!("../../../extension/_locales/en/messages.json");

#[cfg(test)]
mod tests {
    use housekey_core::checkup::{Link, Trouble};

    use super::*;

    #[test]
    fn every_code_has_words() {
        for found in Found::ALL {
            let words = words("check", found, &["WHOSE", "PLACE"]);
            assert!(!words.starts_with("check_") && words.len() > 5, "{words}");
        }
        for link in Link::ALL {
            assert!(!words("check_link", &link, &[]).contains('_'));
        }
        for fix in Fix::ALL {
            assert!(words("check_fix", &fix, &[]).contains(' '));
        }
        for trouble in Trouble::ALL {
            assert!(words("check_why", &trouble, &["SAID"]).contains(' '));
        }
        for whose in Whose::CODES {
            assert!(!words("check_whose", &whose, &["A", "B"]).starts_with("check_"));
        }
    }

    #[test]
    fn no_value_is_searched_for_anothers_place() {
        let check = Check::new(Found::TrustMissing)
            .of(Whose::profile("$2", "$1"))
            .at("/$1");
        let check = check.because(Why::system(&"$1"));
        assert_eq!(
            sentence(&check),
            "$2, profile “$1”: the local authority is not trusted (/$1): the system says “$1”"
        );
    }
}
