//! `housekey gateway`.

use std::ffi::OsString;
use std::process::{ExitCode, ExitStatus};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Context as _;
use housekey_core::decision::{Failure, Finding};
use housekey_core::protocol::Refusal;
use housekey_core::scope::ScopeOptions;
use serde::Serialize;
use tokio::process::{Child, Command};

use super::{JsonArgument, output, words};
use crate::authority::Authority;
use crate::gateway::Gateway;
use crate::paths::Paths;
use crate::platform::process;
use crate::probe::Prober;
use crate::store::Store;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Listen at this port of 127.0.0.1, instead of at any that is free
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// Print lines for a shell to evaluate, and nothing else
    #[arg(long, conflicts_with = "json")]
    env: bool,
    #[command(flatten)]
    json: JsonArgument,
    /// A program to run with the gateway; the gateway ends with it, and with its exit code
    #[arg(last = true, value_name = "COMMAND", conflicts_with_all = ["env", "json"])]
    command: Vec<OsString>,
}

/// How the gateway is reached.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Way {
    /// With the secret in it.
    proxy: String,
    address: &'static str,
    port: u16,
    username: &'static str,
    password: String,
    /// The file that vouches for what the gateway shows.
    authority: String,
}

pub(super) fn run(paths: &Paths, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    process::end_with_parent()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(paths, arguments))
}

async fn serve(paths: &Paths, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut wishes = process::Wishes::listen()?;
    let gateway = start(paths, arguments.port).await?;
    let mut refusals = gateway.refusals();
    let way = Way::to(&gateway, paths);
    let mut program = match arguments.command.split_first() {
        Some((program, rest)) => Some(way.run(program, rest)?),
        None => {
            way.tell(arguments)?;
            None
        }
    };
    loop {
        tokio::select! {
            // Why a program failed comes before its end.
            biased;
            Some(refusal) = refusals.recv() => eprintln!("housekey: {}", reason(&refusal)),
            ended = end_of(&mut program) => return Ok(process::code_of(ended?).into()),
            // Where there is a program, that decides whether it ends.
            wish = wishes.next() => if !program.as_ref().is_some_and(|it| wish.pass_on(it)) {
                return Ok(ExitCode::SUCCESS);
            },
        }
    }
}

async fn start(paths: &Paths, port: u16) -> anyhow::Result<Arc<Gateway>> {
    let store = Arc::new(Store::open(paths)?);
    let authority = Authority::load(paths, SystemTime::now())?;
    let issuer = authority.issuer().clone();
    let prober = Arc::new(Prober::new(Arc::clone(&store), Some(issuer))?);
    let scope = ScopeOptions {
        shared_address_space: store.settings()?.shared_address_space,
        local_names: authority.local_names().to_vec(),
    };
    let started = Gateway::start_at(port, scope, authority, prober, store).await;
    started.with_context(|| match port {
        0 => "the gateway cannot listen on 127.0.0.1".to_owned(),
        port => {
            format!("the gateway cannot listen at port {port} of 127.0.0.1; try without --port")
        }
    })
}

impl Way {
    fn to(gateway: &Gateway, paths: &Paths) -> Self {
        let address = gateway.address();
        Self {
            proxy: format!("http://{USER}:{}@{HOST}:{}", address.secret, address.port),
            address: HOST,
            port: address.port,
            username: USER,
            password: address.secret.clone(),
            authority: paths.root_certificate().display().to_string(),
        }
    }

    /// What programs look for. What would lead them past the gateway is empty.
    fn variables(&self) -> Vec<(&'static str, &str)> {
        let proxy = ["https_proxy", "HTTPS_PROXY"].map(|name| (name, self.proxy.as_str()));
        let past = ["no_proxy", "NO_PROXY"].map(|name| (name, ""));
        let authority = AUTHORITY_VARIABLES.map(|name| (name, self.authority.as_str()));
        [&proxy[..], &past, &authority].concat()
    }

    /// Says how the gateway is reached.
    fn tell(&self, arguments: &Arguments) -> anyhow::Result<()> {
        if arguments.json.json {
            output::print(&serde_json::to_string(self)?);
            return Ok(());
        }
        if !arguments.env {
            output::good(format!("the gateway is open at {HOST}:{}", self.port));
            output::print("  In another terminal, for curl and for what else reads these:\n");
        }
        for (name, value) in self.variables() {
            output::print(&format!("export {name}={}", quoted(value)));
        }
        if !arguments.env {
            output::print(
                "\n  curl https://192.168.1.20/ then opens that device, if you trust it.\n  \
                 Whoever has these lines can use this gateway. It ends with Ctrl-C.",
            );
        }
        Ok(())
    }

    /// Starts a program that finds the gateway in its environment, where other users of this
    /// computer cannot look.
    fn run(&self, program: &OsString, arguments: &[OsString]) -> anyhow::Result<Child> {
        let mut command = Command::new(program);
        command.args(arguments).envs(self.variables());
        let name = program.to_string_lossy();
        command
            .spawn()
            .with_context(|| format!("{name} cannot be started; is it installed"))
    }
}

/// In quotes for a shell.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// Waits for a program to end; for ever, if there is none.
async fn end_of(program: &mut Option<Child>) -> std::io::Result<ExitStatus> {
    match program {
        Some(program) => program.wait().await,
        None => std::future::pending().await,
    }
}

/// Why a connection was refused, and what a person can do.
fn reason(refusal: &Refusal) -> String {
    let here = refusal.endpoint.display_name();
    match &refusal.finding {
        Finding::Changed | Finding::Expired | Finding::Moved { .. } | Finding::Rotated => {
            let what = words::finding(Some(&refusal.finding));
            format!("{here}: refused, nothing was sent. {what} See `housekey trust {here}`")
        }
        Finding::Stranger => {
            format!("{here}: refused, you do not trust it yet; see `housekey trust {here}`")
        }
        Finding::Failed {
            failure: Failure::Public,
        } => format!("{here}: refused, that is no device; this gateway serves nothing else"),
        Finding::Failed { failure } => format!("{here}: {}", words::failure(*failure)),
        finding => format!("{here}: refused. {}", words::finding(Some(finding))),
    }
}

const HOST: &str = "127.0.0.1";
const USER: &str = "housekey";

/// Who reads which: curl, what is made with OpenSSL, Python's requests, Node.js.
const AUTHORITY_VARIABLES: [&str; 4] = [
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
];

const EXAMPLES: &str = "\
Examples:
  housekey gateway -- curl https://192.168.1.20/api
                                       one command, and nothing is left behind
  housekey gateway -- ./backup.sh      a script, and all that it starts
  housekey gateway                     until Ctrl-C; prints what another terminal needs
  housekey gateway --json              the same for a program, as one line

With curl's own options, which other users of this computer can read while it runs:
  curl --proxy \"$HTTPS_PROXY\" --cacert \"$CURL_CA_BUNDLE\" https://192.168.1.20/

Exit codes: 0 it was ended; 1 it could not begin, and why; 2 not understood; with a COMMAND, that
command's own, or 128 and the number of the signal that ended it.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_what_was_meant() {
        assert_eq!(quoted("http://a:b@c:1"), "'http://a:b@c:1'");
        assert_eq!(quoted("/home/o'neil/$x"), r"'/home/o'\''neil/$x'");
    }
}
