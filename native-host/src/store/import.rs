//! Import: the devices of a file, all of them or none.

use housekey_core::export::{Export, ImportError, ImportPlan, ImportStep, VERSION, import_pin};
use housekey_core::history::Happening;
use housekey_core::pin::Pin;
use housekey_core::scope::ScopeOptions;
use housekey_core::time::Timestamp;
use rusqlite::Connection;

use super::history::record;
use super::pins::{pin_at, settle_in, write_pin};
use super::{Store, StoreError, to_json};

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportRefusal {
    /// The file is not what it should be.
    #[error(transparent)]
    File(#[from] ImportError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Takes over the devices of a file, or, in a dry run, says what that would change.
    ///
    /// One by one, each as the ones before it left the store, so that the second of two with one
    /// address meets the first. It all happens at once: whoever reads meanwhile, or after a power
    /// cut, sees all of it or nothing.
    ///
    /// # Errors
    ///
    /// [`ImportRefusal`]; then nothing changed.
    pub fn import(
        &self,
        export: &Export,
        scope: &ScopeOptions,
        at: Timestamp,
        dry_run: bool,
    ) -> Result<ImportPlan, ImportRefusal> {
        check(export)?;
        let import = |connection: &Connection| -> Result<_, StoreError> {
            let mut plan = ImportPlan::default();
            for incoming in &export.pins {
                let step = take_over(connection, incoming, scope, at)?;
                plan.count(incoming, step);
            }
            Ok(plan)
        };
        Ok(self.attempt(import, !dry_run)?)
    }
}

fn take_over(
    connection: &Connection,
    incoming: &Pin,
    scope: &ScopeOptions,
    at: Timestamp,
) -> Result<ImportStep, StoreError> {
    let here = pin_at(connection, &incoming.endpoint)?;
    let (step, pin) = import_pin(incoming, here.as_ref(), scope, at);
    if let Some(pin) = pin {
        write_pin(connection, &pin)?;
        // A name or a note that was lacking is nobody's decision about the key.
        if step == ImportStep::Add {
            settle_in(connection, &pin)?;
            record(connection, &pin, Happening::Import, at)?;
        }
    }
    Ok(step)
}

/// What a message brought was not read by [`Export::read`], and no reader bounds every field.
fn check(export: &Export) -> Result<(), ImportRefusal> {
    if export.version != VERSION {
        return Err(ImportError::TooNew.into());
    }
    if export.pins.len() > Export::MAX_PINS {
        return Err(ImportError::TooLarge.into());
    }
    for pin in &export.pins {
        if to_json(pin)?.len() > MAX_PIN_BYTES {
            return Err(ImportError::TooLarge.into());
        }
    }
    Ok(())
}

/// No pin that Housekey makes comes near it, even if each of its texts is as long as can be;
/// several fit into one message to the extension.
const MAX_PIN_BYTES: usize = 131_072;
