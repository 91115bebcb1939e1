//! Export and import: a person's devices in a file, to keep or to take to another computer.

use serde::{Deserialize, Serialize};

use crate::endpoint::Endpoint;
use crate::pin::Pin;
use crate::scope::ScopeOptions;
use crate::text::SafeText;
use crate::time::Timestamp;

/// The devices of a person, as a file holds them.
///
/// It gives no trust by itself: what an import would change is shown before it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct Export {
    /// Always [`SCHEMA`].
    pub schema: Schema,
    /// Always [`VERSION`].
    pub version: u16,
    /// When it was made.
    pub exported_at: Timestamp,
    /// The devices.
    pub pins: Vec<Pin>,
}

/// The name by which a file is known to be an [`Export`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Schema {
    /// [`SCHEMA`].
    #[serde(rename = "housekey-devices")]
    Devices,
}

/// What an import changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct ImportPlan {
    /// How many devices are new here.
    pub added: u32,
    /// How many are known with this very key, and get the name or note that they lack.
    pub completed: u32,
    /// How many change nothing.
    pub unchanged: u32,
    /// How many are left out: another key is trusted there, or they are blocked, or the address
    /// is not a device's.
    pub left_out: u32,
    /// The first [`ImportPlan::MAX_LINES`] of those that change something or are left out.
    pub lines: Vec<ImportLine>,
}

/// What an import does about one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct ImportLine {
    /// Where.
    pub endpoint: Endpoint,
    /// What the file calls it.
    pub name: SafeText,
    /// What happens.
    pub step: ImportStep,
}

/// What an import does about a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum ImportStep {
    /// It is new here, and trusted from then on.
    Add,
    /// It is left out, because the person blocked this endpoint.
    Blocked,
    /// It is known, and gets the name or note that it lacks.
    Complete,
    /// It is left out, because another key is trusted at this endpoint.
    Conflict,
    /// It is left out, because the address is not a device's.
    NotPrivate,
    /// It is known, and stays as it is.
    Unchanged,
}

/// Why a file cannot be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum ImportError {
    /// It is no export of Housekey's.
    #[error("the file is no list of devices that Housekey exported")]
    NotAnExport,
    /// It comes from a newer Housekey.
    #[error("the file comes from a newer Housekey")]
    TooNew,
    /// It is larger than [`Export::MAX_BYTES`], or holds more than [`Export::MAX_PINS`] devices.
    #[error("the file is too large")]
    TooLarge,
}

impl ImportStep {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 6] = [
        Self::Add,
        Self::Blocked,
        Self::Complete,
        Self::Conflict,
        Self::NotPrivate,
        Self::Unchanged,
    ];
}

impl ImportError {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 3] = [Self::NotAnExport, Self::TooNew, Self::TooLarge];
}

impl ImportPlan {
    /// As many lines as a person reads, and a message to the extension can hold.
    pub const MAX_LINES: usize = 500;
}

impl Export {
    /// The largest file that is read, in bytes.
    pub const MAX_BYTES: usize = 16_777_216;
    /// The most devices of one file.
    pub const MAX_PINS: usize = 20_000;

    /// The export of these pins.
    #[must_use]
    pub const fn new(pins: Vec<Pin>, exported_at: Timestamp) -> Self {
        Self {
            schema: Schema::Devices,
            version: VERSION,
            exported_at,
            pins,
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`ImportError`], by cause.
    pub fn read(json: &str) -> Result<Self, ImportError> {
        if json.len() > Self::MAX_BYTES {
            return Err(ImportError::TooLarge);
        }
        let head: Head = serde_json::from_str(json).map_err(|_| ImportError::NotAnExport)?;
        if head.version > VERSION {
            return Err(ImportError::TooNew);
        }
        let export: Self = serde_json::from_str(json).map_err(|_| ImportError::NotAnExport)?;
        if export.version != VERSION {
            return Err(ImportError::NotAnExport);
        }
        if export.pins.len() > Self::MAX_PINS {
            return Err(ImportError::TooLarge);
        }
        Ok(export)
    }
}

/// What an import does about one pin of a file, given the pin that stands at its endpoint, and
/// what is written there, if anything is.
///
/// A file never replaces a key, never un-blocks, and never brings what its writer says about when
/// the device was last met: `at` is the moment of the import.
#[must_use]
pub fn import_pin(
    incoming: &Pin,
    here: Option<&Pin>,
    scope: &ScopeOptions,
    at: Timestamp,
) -> (ImportStep, Option<Pin>) {
    if !scope.is_device(incoming.endpoint.host()) {
        return (ImportStep::NotPrivate, None);
    }
    let Some(here) = here else {
        let mut pin = incoming.clone();
        pin.first_seen = pin.first_seen.min(at);
        pin.last_seen = pin.last_seen.min(at);
        // Beyond its certificate, a key is trusted only by a decision at this computer.
        pin.extended_until = None;
        return (ImportStep::Add, Some(pin));
    };
    if here.spki_sha256 != incoming.spki_sha256 {
        return (ImportStep::Conflict, None);
    }
    if here.blocked {
        return (ImportStep::Blocked, None);
    }
    let mut pin = here.clone();
    if pin.label.is_empty() {
        pin.label = incoming.label.clone();
    }
    if pin.note.is_empty() {
        pin.note = incoming.note.clone();
    }
    if pin == *here {
        (ImportStep::Unchanged, None)
    } else {
        (ImportStep::Complete, Some(pin))
    }
}

impl ImportPlan {
    /// Counts a step, and remembers its line if there is room.
    pub fn count(&mut self, incoming: &Pin, step: ImportStep) {
        match step {
            ImportStep::Add => self.added += 1,
            ImportStep::Complete => self.completed += 1,
            ImportStep::Unchanged => self.unchanged += 1,
            ImportStep::Blocked | ImportStep::Conflict | ImportStep::NotPrivate => {
                self.left_out += 1;
            }
        }
        if step != ImportStep::Unchanged && self.lines.len() < Self::MAX_LINES {
            self.lines.push(ImportLine {
                endpoint: incoming.endpoint.clone(),
                name: incoming.display_name().clone(),
                step,
            });
        }
    }
}

/// What tells an export of any version.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "schema")]
    _schema: Schema,
    version: u16,
}

/// [`Schema::Devices`] as it stands in a file.
pub const SCHEMA: &str = "housekey-devices";

/// The version of the file's form.
pub const VERSION: u16 = 1;
