//! `housekey pins`.

mod list;
mod restore;
mod show;

use std::process::ExitCode;

use anyhow::bail;
use clap::Subcommand;
use housekey_core::endpoint::Endpoint;
use housekey_core::note::Note;
use housekey_core::pin::Pin;
use housekey_core::text::SafeText;
use serde::Serialize;

use super::{JsonArgument, output};
use crate::paths::Paths;
use crate::store::{Amendment, Moving, Store, block};

#[derive(Debug, Subcommand)]
pub(super) enum PinsCommand {
    /// List them
    List(list::Arguments),
    /// Show one, with its history
    Show(One),
    /// Give one a name of your own
    Rename {
        #[command(flatten)]
        one: One,
        /// The name; "" for the name that the device came with
        name: String,
    },
    /// Write a note about one, such as where it stands or who set it up
    Note {
        #[command(flatten)]
        one: One,
        /// The note, of up to 20 lines; "" for none
        text: String,
    },
    /// Say that a device has another address now; its name, note and history go with it
    ///
    /// Nothing is trusted by that but the key that you trusted before.
    Move {
        #[command(flatten)]
        one: One,
        /// Where it is now
        #[arg(value_name = "NEW HOST[:PORT]")]
        to: Endpoint,
    },
    /// Block one: nothing is sent to it, by any browser, until you unblock it
    Block(One),
    /// Unblock one: it is trusted as before
    Unblock(One),
    /// Forget one: its next visit is a first visit
    Forget(One),
    /// Put a copy of the whole list back, after saying what that would change
    ///
    /// Housekey makes one by itself, once an hour at most, when something changed. If the list is
    /// damaged, gone, or an older copy than it should be, nothing is trusted until you decide here.
    Restore(restore::Arguments),
}

#[derive(Debug, clap::Args)]
pub(super) struct One {
    /// The device, as it is listed
    #[arg(value_name = "HOST[:PORT]")]
    endpoint: Endpoint,
    #[command(flatten)]
    json: JsonArgument,
}

#[derive(Serialize)]
struct Forgotten<'p> {
    endpoint: &'p Endpoint,
    forgotten: bool,
}

pub(super) fn run(paths: &Paths, command: PinsCommand) -> anyhow::Result<ExitCode> {
    if let PinsCommand::Restore(arguments) = &command {
        return restore::run(paths, arguments);
    }
    let store = Store::open(paths)?;
    match command {
        PinsCommand::Restore(_) => {}
        PinsCommand::List(arguments) => list::run(&store, &arguments)?,
        PinsCommand::Show(one) => show::run(&store, &one)?,
        PinsCommand::Rename { one, name } => {
            let label = SafeText::new(&name);
            let pin = amend(&store, &one, |pin| {
                pin.label = label;
                Some(Amendment::Silent)
            })?;
            tell(&one, &pin, format!("is called “{}”", pin.display_name()))?;
        }
        PinsCommand::Note { one, text } => {
            let note = Note::new(&text);
            let pin = amend(&store, &one, |pin| {
                pin.note = note;
                Some(Amendment::Silent)
            })?;
            let done = match pin.note.is_empty() {
                true => "has no note",
                false => "has this note now",
            };
            tell(&one, &pin, done)?;
        }
        PinsCommand::Move { one, to } => {
            let pin = relocate(paths, &store, &one.endpoint, &to)?;
            let from = one.endpoint.display_name();
            tell(&one, &pin, format!("is where {from} was, from now on"))?;
        }
        PinsCommand::Block(one) => {
            let pin = amend(&store, &one, block(true))?;
            tell(&one, &pin, "is blocked: nothing is sent to it")?;
        }
        PinsCommand::Unblock(one) => {
            let pin = amend(&store, &one, block(false))?;
            tell(&one, &pin, "is trusted as before")?;
        }
        PinsCommand::Forget(one) => {
            if !store.forget(&one.endpoint, super::now())? {
                return Err(not_pinned(&one.endpoint));
            }
            if one.json.json {
                let endpoint = &one.endpoint;
                output::json(&Forgotten {
                    endpoint,
                    forgotten: true,
                })?;
            } else {
                let name = one.endpoint.display_name();
                output::good(format!(
                    "{name} is forgotten; its next visit is a first visit"
                ));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Every pin, in the order of the store.
pub(super) fn all(store: &Store) -> anyhow::Result<Vec<Pin>> {
    let mut pins: Vec<Pin> = Vec::new();
    loop {
        let after = pins.last().map(|pin| pin.endpoint.clone());
        let page = store.pins(after.as_ref(), PAGE)?;
        if page.is_empty() {
            return Ok(pins);
        }
        pins.extend(page);
    }
}

fn amend(
    store: &Store,
    one: &One,
    amend: impl FnOnce(&mut Pin) -> Option<Amendment>,
) -> anyhow::Result<Pin> {
    let amended = store.amend(&one.endpoint, super::now(), amend)?;
    amended.ok_or_else(|| not_pinned(&one.endpoint))
}

fn relocate(paths: &Paths, store: &Store, from: &Endpoint, to: &Endpoint) -> anyhow::Result<Pin> {
    if !super::scope(paths, store)?.is_device(to.host()) {
        bail!(
            "{to} is no address of your own network; \
             `housekey install --local-name` makes a name local"
        );
    }
    match store.relocate(from, to, super::now())? {
        Moving::Absent => Err(not_pinned(from)),
        Moving::Done(pin) => Ok(pin),
        Moving::Taken => bail!(
            "another device is pinned at {to}; look at it with `housekey pins show {to}`, \
             and forget it first if it is gone"
        ),
    }
}

fn tell(one: &One, pin: &Pin, done: impl std::fmt::Display) -> anyhow::Result<()> {
    if one.json.json {
        return output::json(pin);
    }
    output::good(format!("{} {done}", pin.endpoint.display_name()));
    Ok(())
}

fn not_pinned(endpoint: &Endpoint) -> anyhow::Error {
    anyhow::anyhow!("{endpoint} is not pinned; see `housekey pins list`")
}

const PAGE: u32 = 500;

pub(super) const EXAMPLES: &str = "\
Examples:
  housekey pins list                           which devices do I trust?
  housekey pins list --json | jq -r '.[].endpoint'
                                               the same for a script
  housekey pins show 192.168.1.20              who is it, and since when?
  housekey pins rename 192.168.1.20 \"Hall lights\"
  housekey pins move 192.168.1.20 192.168.1.37 it has another address now
  housekey pins forget 192.168.1.20            ask me again, as ssh-keygen -R does";
