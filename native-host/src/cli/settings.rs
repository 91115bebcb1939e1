//! `housekey settings`.

use std::process::ExitCode;

use clap::ValueEnum;
use housekey_core::protocol::Settings;

use super::{JsonArgument, output};
use crate::install::local_names;
use crate::paths::Paths;
use crate::store::Store;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// One of them; all of them if left out
    #[arg(value_enum)]
    name: Option<Name>,
    /// What it is to be; what it is if left out
    #[arg(value_enum)]
    value: Option<Value>,
    #[command(flatten)]
    json: JsonArgument,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Name {
    /// Delete a replaced device's cookies and storage
    ClearOnOverride,
    /// Refuse trusted devices whose certificate has ended
    RefuseExpired,
    /// Refuse devices that nobody vouches for
    RefuseUnverified,
    /// Let 100.64.0.0/10 count as home
    SharedAddressSpace,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Value {
    On,
    Off,
}

pub(super) fn run(paths: &Paths, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let store = Store::open(paths)?;
    if let (Some(name), Some(value)) = (arguments.name, arguments.value) {
        store.amend_settings(|settings| *name.of(settings) = matches!(value, Value::On))?;
    }
    let mut settings = store.settings()?;
    if arguments.json.json {
        match arguments.name {
            Some(name) => output::json(name.of(&mut settings))?,
            None => output::json(&settings)?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    match arguments.name {
        Some(name) => print(name, &mut settings),
        None => {
            for name in Name::value_variants() {
                print(*name, &mut settings);
            }
            local(paths);
        }
    }
    if let (Some(Name::SharedAddressSpace), Some(_)) = (arguments.name, arguments.value) {
        output::remark("browsers that are open take this over when they are started again");
    }
    Ok(ExitCode::SUCCESS)
}

fn print(name: Name, settings: &mut Settings) {
    let on = *name.of(settings);
    let word = if on { "on" } else { "off" };
    output::print(&format!("{:21} {word}", name.word()));
    output::print(&format!("  {}", name.consequence(on)));
}

fn local(paths: &Paths) {
    let names = local_names(paths);
    let names = match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    };
    output::print(&format!("local names           {names}"));
    output::print(
        "  They and every name below them count as home; add one with \
         `housekey install --local-name`.",
    );
}

impl Name {
    const fn of(self, settings: &mut Settings) -> &mut bool {
        match self {
            Self::ClearOnOverride => &mut settings.clear_on_override,
            Self::RefuseExpired => &mut settings.refuse_expired,
            Self::RefuseUnverified => &mut settings.refuse_unverified,
            Self::SharedAddressSpace => &mut settings.shared_address_space,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::ClearOnOverride => "clear-on-override",
            Self::RefuseExpired => "refuse-expired",
            Self::RefuseUnverified => "refuse-unverified",
            Self::SharedAddressSpace => "shared-address-space",
        }
    }

    const fn consequence(self, on: bool) -> &'static str {
        match (self, on) {
            (Self::ClearOnOverride, true) => {
                "When you trust another key in a device's place, the old one's cookies and storage \
                 are deleted first."
            }
            (Self::ClearOnOverride, false) => {
                "When you trust another key in a device's place, it receives the old one's cookies: \
                 an impostor could use your session."
            }
            (Self::RefuseExpired, true) => {
                "A trusted device whose certificate has ended is refused without a question."
            }
            (Self::RefuseExpired, false) => {
                "When a trusted device's certificate has ended, you are asked whether to go on."
            }
            (Self::RefuseUnverified, true) => {
                "Devices that nobody vouches for are refused without a question: most home devices \
                 are such."
            }
            (Self::RefuseUnverified, false) => {
                "You are asked about devices that nobody vouches for, and told that nobody does."
            }
            (Self::SharedAddressSpace, true) => {
                "Addresses in 100.64.0.0/10, as of some providers and overlay networks, count as \
                 home."
            }
            (Self::SharedAddressSpace, false) => {
                "Addresses in 100.64.0.0/10 are left to the browser."
            }
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  housekey settings                         all of them, each with what it leads to
  housekey settings refuse-unverified on    ask about no device that nobody vouches for";
