//! `housekey uninstall`.

use std::process::ExitCode;

use super::{UninstallArguments, output};
use crate::paths::Paths;
use crate::trust_store::TrustStore;
use crate::uninstall::{Leftovers, Removal, running_helpers};

pub(super) fn run(paths: &Paths, arguments: &UninstallArguments) -> anyhow::Result<ExitCode> {
    let removal = Removal::survey(paths)?;
    if removal.is_empty() {
        output::print("Nothing of Housekey's is here.");
        return Ok(ExitCode::SUCCESS);
    }
    let has_pins = paths.database().exists();
    if !arguments.yes {
        output::print("This will be removed:");
        for (store, entry) in &removal.entries {
            output::print(&format!("  · “{}” from {}", entry.name, store.title()));
        }
        for manifest in &removal.manifests {
            output::print(&format!("  · {}", manifest.display()));
        }
        if removal.has_data {
            let but = if has_pins {
                ", except the list of devices that you trust"
            } else {
                ""
            };
            output::print(&format!(
                "  · {} with the helper and its keys{but}",
                paths.data().display()
            ));
        }
        if !output::ask("Remove all this?")? {
            output::print("Nothing was changed.");
            return Ok(ExitCode::FAILURE);
        }
    }
    let keep_pins = arguments.keep_pins
        || (has_pins && !arguments.yes && !output::ask("Forget the devices that you trust too?")?);
    let entries: Vec<_> = removal
        .entries
        .iter()
        .map(|(store, _)| store.title())
        .collect();
    let manifests = removal.manifests.clone();
    let running = running_helpers(paths);
    match removal.execute(paths, keep_pins) {
        Ok(()) => {
            for store in entries {
                output::good(format!("the local authority is gone from {store}"));
            }
            for manifest in manifests {
                output::good(format!("{} is gone", manifest.display()));
            }
            match paths.data().exists() {
                true => output::good(format!("only {} is kept", paths.database().display())),
                false => output::good(format!("{} is gone", paths.data().display())),
            }
            if running > 0 {
                output::remark("a helper is still at work; it ends when its browser is closed");
            }
            output::print(
                "\nEverything was read back: nothing is left. \
                 Remove the extension in your browsers, and restart those that are open.",
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
