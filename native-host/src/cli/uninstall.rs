//! `housekey uninstall`.

use std::path::PathBuf;
use std::process::ExitCode;

use super::output::{self, Mark};
use super::transfer::{self, ExportArguments};
use super::{UninstallArguments, words};
use crate::paths::{Paths, shown};
use crate::platform;
use crate::store::Store;
use crate::uninstall::{Leftovers, Removal, running_helpers};

pub(super) fn run(paths: &Paths, arguments: &UninstallArguments) -> anyhow::Result<ExitCode> {
    let platform = &*platform::this();
    let removal = output::meanwhile("looking at your browsers", || {
        Removal::survey(platform, paths)
    })?;
    if removal.is_empty() {
        output::print("Nothing of Housekey's is here.");
        return Ok(ExitCode::SUCCESS);
    }
    let has_pins = paths.database().exists();
    if !arguments.yes {
        tell(paths, &removal, has_pins);
        if !output::ask("Remove all this?")? {
            output::print("Nothing was changed.");
            return Ok(ExitCode::FAILURE);
        }
    }
    let keep_pins = arguments.keep_pins
        || (has_pins && !arguments.yes && !output::ask("Forget the devices that you trust too?")?);
    if let Some(file) = copy(paths, arguments, has_pins && !keep_pins)? {
        transfer::export(paths, &ExportArguments::to(file))?;
    }
    let gone = gone(&removal);
    let running = running_helpers(platform, paths);
    let removed = output::meanwhile("removing, and reading back", || {
        removal.execute(platform, paths, keep_pins)
    });
    match removed {
        Ok(()) => {
            let mut title = "Gone";
            for what in gone {
                output::row(title, Mark::Good, &what, None);
                title = "";
            }
            if !paths.data().exists() {
                output::row(title, Mark::Good, &shown(paths.data()), None);
            } else if keep_pins {
                output::row("Kept", Mark::Good, &shown(&paths.database()), None);
            }
            if running > 0 {
                let text = "a helper is still at work; it ends when its browser is closed";
                output::row("To know", Mark::Open, text, None);
            }
            output::print(
                "\nEverything was read back: nothing is left. \
                 Remove the extension in your browsers, and restart those that are open: \
                 their proxy settings go with it.",
            );
            Ok(ExitCode::SUCCESS)
        }
        Err(Leftovers(left)) => {
            for what in left {
                output::bad(format!("still there: {what}"), None);
            }
            anyhow::bail!("not everything could be removed; see above, then run this again")
        }
    }
}

fn tell(paths: &Paths, removal: &Removal, has_pins: bool) {
    output::print("This will be removed:");
    for what in gone(removal) {
        output::print(&format!("  · {what}"));
    }
    if removal.has_data {
        let but = if has_pins {
            ", except the list of devices that you trust"
        } else {
            ""
        };
        let place = shown(paths.data());
        output::print(&format!("  · {place} with the helper and its keys{but}"));
    }
}

fn gone(removal: &Removal) -> Vec<String> {
    let entries = removal.entries.iter();
    let entries = entries.map(|(store, entry)| format!("“{}” in {}", entry.name, store.title()));
    let pointers = removal.pointers.iter();
    let pointers = pointers.filter_map(|place| place.registry_key.clone());
    let files = removal.files.iter().map(|file| shown(file));
    entries.chain(pointers).chain(files).collect()
}

/// Where a copy of the devices goes before they are forgotten, if the person wants one.
fn copy(
    paths: &Paths,
    arguments: &UninstallArguments,
    are_forgotten: bool,
) -> anyhow::Result<Option<PathBuf>> {
    if let Some(file) = &arguments.export {
        return Ok(Some(file.clone()));
    }
    if !are_forgotten || arguments.yes {
        return Ok(None);
    }
    // Of a list that cannot be read there is no copy.
    let count = Store::open(paths).and_then(|store| store.count());
    if count.map_or(true, |count| count == 0) {
        return Ok(None);
    }
    let day = words::day(super::now());
    let file = PathBuf::from(format!("housekey-devices-{day}.json"));
    let question = format!("Write them into {} here first?", file.display());
    Ok(output::ask(&question)?.then_some(file))
}

pub(super) const EXAMPLES: &str = "\
Examples:
  housekey uninstall                        says what goes, asks, and offers a copy of your devices
  housekey uninstall --keep-pins            come back later to the same devices
  housekey uninstall --export devices.json  keep a copy, for another computer
  housekey uninstall --yes                  from a script, without a question

Exit codes:
  0  nothing is left
  1  something is, and what, or you said no";
