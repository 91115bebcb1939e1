//! `housekey trust`.

use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::bail;
use housekey_core::decision::Finding;
use housekey_core::endpoint::Endpoint;
use housekey_core::error::ErrorCode;
use housekey_core::expected::Comparison;
use housekey_core::pin::Pin;
use housekey_core::protocol::Approval;
use serde::Serialize;

use super::look::{Look, Looked, Looker, NotMet, is_proof};
use super::{JsonArgument, output, words};
use crate::handler::approve::{Approved, Approver, Unapproved, approval_of};
use crate::paths::Paths;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The device, such as 192.168.1.20 or nas.local:5001
    #[arg(value_name = "HOST[:PORT]")]
    endpoint: Endpoint,
    /// Trust it without a question, but only if this proves that it is the one: the whole
    /// fingerprint of its key or certificate, its key's twelve words, or the number on its label if
    /// its maker vouches for that
    #[arg(long, value_name = "CODE")]
    fingerprint: Option<String>,
    #[command(flatten)]
    json: JsonArgument,
}

/// What came of it. Exit code 0 belongs to the first three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// It is trusted from now on.
    Trusted,
    /// It was trusted before.
    AlreadyTrusted,
    /// Browsers and programs accept its certificate by themselves.
    AcceptedAnyway,
    /// The person said no.
    Declined,
    /// It is not, or not surely, the one that was expected.
    NotExpected,
    /// What answers is not to be trusted so: its finding says why.
    Refused,
}

/// The same for a program.
#[derive(Serialize)]
struct Told<'d> {
    outcome: Outcome,
    pin: Option<&'d Pin>,
    #[serde(flatten)]
    look: Looked<'d>,
}

pub(super) fn run(paths: &Paths, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (endpoint, json) = (&arguments.endpoint, arguments.json.json);
    let looker = Looker::new(paths)?;
    let now = SystemTime::now();
    let look = match looker.look_at(endpoint, now)? {
        Ok(look) => look,
        Err(failure) if json => {
            output::json(&NotMet { endpoint, failure })?;
            return Ok(ExitCode::FAILURE);
        }
        Err(failure) => bail!("{endpoint}: {}", words::failure(failure)),
    };
    let expected = arguments.fingerprint.as_deref().map(|it| look.compare(it));
    let end = |outcome: Outcome, pin: Option<&Pin>, expected: Option<Comparison>| {
        if json {
            output::json(&Told {
                outcome,
                pin,
                look: look.as_json(expected),
            })?;
        }
        Ok(outcome.code())
    };
    if !json {
        output::print(&endpoint.to_string());
        output::table(&look.rows());
    }
    let say = |what: &dyn Fn()| (!json).then(what);
    if let Some(expected) = expected.filter(|it| !is_proof(*it)) {
        say(&|| output::bad(words::comparison(expected), None));
        return end(Outcome::NotExpected, None, Some(expected));
    }
    if look.finding.is_none() {
        say(&|| output::good("you trust this device already"));
        let pin = looker.store.pin(endpoint)?;
        return end(Outcome::AlreadyTrusted, pin.as_ref(), expected);
    }
    if look.is_fine && looker.store.pin(endpoint)?.is_none() {
        say(&|| output::good("browsers and programs accept its certificate by themselves"));
        return end(Outcome::AcceptedAnyway, None, expected);
    }
    let Some((approval, question)) = question(look.finding.as_ref()) else {
        say(&|| refuse(&look));
        return end(Outcome::Refused, None, expected);
    };
    let mut expected = expected;
    if expected.is_none() {
        if json {
            bail!(
                "nobody is asked with --json; give what the device is known by, with --fingerprint"
            );
        }
        match ask(&look, question)? {
            Answer::No => {
                output::print("Nothing has changed.");
                return end(Outcome::Declined, None, None);
            }
            Answer::Code(compared) if is_proof(compared) => expected = Some(compared),
            Answer::Code(compared) => {
                output::bad(words::comparison(compared), None);
                return end(Outcome::NotExpected, None, Some(compared));
            }
            Answer::Yes => {}
        }
    }
    let pin = approve(&looker, &look, approval)?;
    say(&|| output::good(done(&pin, expected)));
    end(Outcome::Trusted, Some(&pin), expected)
}

impl Outcome {
    fn code(self) -> ExitCode {
        match self {
            Self::Trusted | Self::AlreadyTrusted | Self::AcceptedAnyway => ExitCode::SUCCESS,
            Self::Declined | Self::NotExpected | Self::Refused => ExitCode::FAILURE,
        }
    }
}

/// What a person says to a question.
enum Answer {
    Yes,
    No,
    /// What was typed is no yes and no no: it was compared with the device.
    Code(Comparison),
}

/// The approval that a finding can be answered with here, and how a person is asked for it.
///
/// Another key is not: whoever wants that has to forget the old one first, on purpose.
fn question(finding: Option<&Finding>) -> Option<(Approval, &'static str)> {
    let finding = finding?;
    let question = match finding {
        Finding::Expired => {
            "It holds the key that you trusted, but its certificate has ended. Trust the key for \
             30 more days?"
        }
        Finding::Moved { .. } => "It holds the key of a device that you trust. Has that one moved?",
        Finding::Rotated => {
            "It is proven to be the device that you trusted, with a new key. Trust that key?"
        }
        Finding::Stranger => "Is this your device?",
        _ => return None,
    };
    Some((approval_of(finding)?, question))
}

fn ask(look: &Look, question: &str) -> anyhow::Result<Answer> {
    output::print("");
    if let Some(Finding::Moved { from }) = &look.finding {
        output::remark(format!("you trust this key at {}", from.display_name()));
    }
    let claims = matches!(&look.identity, Ok(identity) if !identity.is_verified());
    if claims && look.finding == Some(Finding::Stranger) {
        output::remark(
            "nobody has checked this device; its name is what it says of itself, and anybody can",
        );
    }
    let ways = "Type yes, or paste its fingerprint, its twelve words or the number on its label";
    let answer = output::answer(
        &format!("{question}\n{ways}: "),
        "run this in a terminal, or give what the device is known by, with --fingerprint",
    )?;
    Ok(match answer.to_lowercase().as_str() {
        "yes" => Answer::Yes,
        // A single letter is too little for this.
        "" | "n" | "no" | "y" => Answer::No,
        _ => Answer::Code(look.compare(&answer)),
    })
}

fn approve(looker: &Looker, look: &Look, approval: Approval) -> anyhow::Result<Pin> {
    let approver = Approver {
        store: &looker.store,
        prober: &looker.prober,
        scope: looker.scope.clone(),
        cleared: None,
    };
    let (endpoint, key) = (&look.endpoint, look.leaf.spki_sha256);
    let approving = approver.approve(endpoint, key, approval, SystemTime::now());
    let waiting = output::patiently(format!("waiting for {endpoint}"), approving);
    match looker.runtime.block_on(waiting) {
        Ok(Approved { pin, .. }) => Ok(pin),
        Err(Unapproved { error, .. }) => match error.code {
            ErrorCode::KeyChanged => bail!(
                "{endpoint} does not answer as it did a moment ago, so nothing was trusted; \
                 look again with `housekey probe {endpoint}`"
            ),
            ErrorCode::NotMet => {
                bail!("{endpoint} does not answer any more, so nothing was trusted; try again")
            }
            _ => bail!("nothing was trusted: {}", error.detail),
        },
    }
}

/// Says why it cannot be trusted so, and what can be done.
fn refuse(look: &Look) {
    let here = look.endpoint.display_name();
    let fix = match &look.finding {
        Some(Finding::Blocked) => Some(format!("unblock it: housekey pins unblock {here}")),
        Some(Finding::Changed) => Some(format!(
            "only if you reset or replaced it yourself: housekey pins forget {here}, and then \
             housekey trust {here}; browsers delete the old device's session by that"
        )),
        Some(Finding::Forbidden { .. }) => Some("change that: housekey settings".into()),
        _ => None,
    };
    output::bad(words::finding(look.finding.as_ref()), fix.as_deref());
}

fn done(pin: &Pin, expected: Option<Comparison>) -> String {
    let here = pin.endpoint.display_name();
    match expected {
        Some(expected) => format!("{here} is trusted: {}", words::comparison(expected)),
        None => format!("{here} is trusted, with exactly this key"),
    }
}

const EXAMPLES: &str = "\
Examples:
  housekey trust 192.168.1.20                 see who answers, and decide
  housekey trust 192.168.1.20 --fingerprint \"$(cat bridge.key)\"
                                              for scripts: trust that key or none
  housekey probe 192.168.1.20 --json | jq -r .certificate.spkiSha256
                                              the fingerprint, on a computer that you trust

A device that comes with another key than the one you trust is refused here, too. If you reset or
replaced it yourself, say so first, as with ssh-keygen -R: housekey pins forget 192.168.1.20

Exit codes: 0 it is trusted, or needs no trust; 1 not, and why; 2 not understood.";
