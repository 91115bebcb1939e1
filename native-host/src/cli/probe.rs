//! `housekey probe`.

use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::bail;
use housekey_core::endpoint::Endpoint;

use super::look::{Looker, NotMet, is_proof};
use super::{JsonArgument, output, words};
use crate::paths::Paths;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The device, such as 192.168.1.20 or nas.local:5001
    #[arg(value_name = "HOST[:PORT]")]
    endpoint: Endpoint,
    /// What you know of it: its key's fingerprint or words from another computer, or the number on
    /// its label. Only a fingerprint or words can prove anything, or a number that its maker vouches for
    #[arg(long, value_name = "CODE")]
    expect: Option<String>,
    #[command(flatten)]
    json: JsonArgument,
}

pub(super) fn run(paths: &Paths, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let endpoint = &arguments.endpoint;
    let look = match Looker::new(paths)?.look_at(endpoint, SystemTime::now())? {
        Ok(look) => look,
        Err(failure) if arguments.json.json => {
            output::json(&NotMet { endpoint, failure })?;
            return Ok(ExitCode::FAILURE);
        }
        Err(failure) => bail!("{endpoint}: {}", words::failure(failure)),
    };
    let expected = arguments.expect.as_deref().map(|it| look.compare(it));
    // Nobody expected any, or it was proven to be the expected one.
    let is_as_expected = expected.is_none_or(is_proof);
    if arguments.json.json {
        output::json(&look.as_json(expected))?;
    } else {
        output::print(&endpoint.to_string());
        output::table(&look.rows());
        output::print(&words::finding(look.finding.as_ref()));
        match expected {
            Some(expected) if is_as_expected => output::good(words::comparison(expected)),
            Some(expected) => output::bad(words::comparison(expected), None),
            None => {}
        }
    }
    Ok(match is_as_expected {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

const EXAMPLES: &str = "\
Examples:
  housekey probe 192.168.1.20                       who answers there?
  housekey probe nas.local:5001 --expect ab12…      is it the one whose label says so?
  housekey probe 192.168.1.20 --json | jq -r .certificate.words
                                                    its key, as words to read aloud

Exit codes: 0 it was met, and is the expected one; 1 not, and why; 2 not understood.";
