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
    /// The first [`ImportPlan::MAX_LINES`] of those that are new, then of those that get
    /// something, then of those that are left out.
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

    /// What a person has to look at comes first: who is trusted from then on.
    const fn rank(self) -> u8 {
        match self {
            Self::Add => 0,
            Self::Complete => 1,
            Self::Blocked | Self::Conflict | Self::NotPrivate | Self::Unchanged => 2,
        }
    }
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
        if step == ImportStep::Unchanged {
            return;
        }
        let place = (self.lines).partition_point(|line| line.step.rank() <= step.rank());
        if place < Self::MAX_LINES {
            let line = ImportLine {
                endpoint: incoming.endpoint.clone(),
                name: incoming.display_name().clone(),
                step,
            };
            self.lines.insert(place, line);
            self.lines.truncate(Self::MAX_LINES);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::{CertificateSha256, SpkiSha256};
    use crate::identity::Identity;
    use crate::note::Note;

    const NOW: Timestamp = Timestamp(1_800_000_000);

    fn pin(endpoint: &str, key: &[u8]) -> Pin {
        Pin {
            endpoint: endpoint.parse().unwrap(),
            spki_sha256: SpkiSha256::of(key),
            leaf_sha256: CertificateSha256::of(key),
            identity: identity(),
            label: SafeText::default(),
            note: Note::default(),
            serial: "01".into(),
            not_before: Timestamp(0),
            not_after: Timestamp(2_000_000_000),
            first_seen: Timestamp(1_790_000_000),
            last_seen: Timestamp(1_790_000_000),
            blocked: false,
            extended_until: None,
        }
    }

    fn identity() -> Identity {
        serde_json::from_str(
            r#"{"tier":"unverified","name":"NAS","verifiedBy":null,"issuedBy":"","deviceId":null,
                "oddities":[]}"#,
        )
        .unwrap()
    }

    fn import(incoming: &Pin, here: Option<&Pin>) -> (ImportStep, Option<Pin>) {
        import_pin(incoming, here, &ScopeOptions::default(), NOW)
    }

    #[test]
    fn a_new_device_is_added_and_nothing_its_writer_says_about_time_is_believed() {
        let mut incoming = pin("192.168.1.20", b"key");
        incoming.first_seen = Timestamp(i64::MAX);
        incoming.last_seen = Timestamp(i64::MAX);
        incoming.extended_until = Some(Timestamp(i64::MAX));
        let (step, written) = import(&incoming, None);
        assert_eq!(step, ImportStep::Add);
        let written = written.unwrap();
        assert_eq!((written.first_seen, written.last_seen), (NOW, NOW));
        assert_eq!(written.extended_until, None);
    }

    #[test]
    fn a_blocked_device_comes_as_blocked() {
        let mut incoming = pin("192.168.1.20", b"key");
        incoming.blocked = true;
        assert!(import(&incoming, None).1.unwrap().blocked);
    }

    #[test]
    fn a_file_never_replaces_a_key_nor_unblocks_nor_leaves_the_home() {
        let incoming = pin("192.168.1.20", b"key");
        let other = pin("192.168.1.20", b"another key");
        assert_eq!(
            import(&incoming, Some(&other)),
            (ImportStep::Conflict, None)
        );
        let mut blocked = incoming.clone();
        blocked.blocked = true;
        assert_eq!(
            import(&incoming, Some(&blocked)),
            (ImportStep::Blocked, None)
        );
        let public = pin("8.8.8.8", b"key");
        assert_eq!(import(&public, None), (ImportStep::NotPrivate, None));
    }

    #[test]
    fn a_known_device_gets_the_words_that_it_lacks_and_keeps_its_own() {
        let mut incoming = pin("192.168.1.20", b"key");
        incoming.label = SafeText::new("Lights");
        incoming.note = Note::new("on the wall");
        let mut here = pin("192.168.1.20", b"key");
        here.label = SafeText::new("Lamps");
        let (step, written) = import(&incoming, Some(&here));
        assert_eq!(step, ImportStep::Complete);
        let written = written.unwrap();
        assert_eq!(written.label.as_str(), "Lamps");
        assert_eq!(written.note.as_str(), "on the wall");
        assert_eq!(
            import(&incoming, Some(&written)),
            (ImportStep::Unchanged, None)
        );
    }

    #[test]
    fn a_file_is_read_or_refused_by_cause() {
        let export = Export::new(vec![pin("192.168.1.20", b"key")], NOW);
        let json = serde_json::to_string(&export).unwrap();
        assert_eq!(Export::read(&json), Ok(export));
        for (file, error) in [
            (String::new(), ImportError::NotAnExport),
            ("[]".into(), ImportError::NotAnExport),
            (
                json.replace("housekey-devices", "other-devices"),
                ImportError::NotAnExport,
            ),
            (
                json.replace("\"version\":1", "\"version\":2,\"new\":[]"),
                ImportError::TooNew,
            ),
            (
                json.replace("\"version\":1", "\"version\":0"),
                ImportError::NotAnExport,
            ),
            (
                json.replace("\"pins\"", "\"extra\":1,\"pins\""),
                ImportError::NotAnExport,
            ),
            (
                json.replace("192.168.1.20:443", "no host"),
                ImportError::NotAnExport,
            ),
            (json + &" ".repeat(Export::MAX_BYTES), ImportError::TooLarge),
        ] {
            let shown = &file[..file.len().min(60)];
            assert_eq!(Export::read(&file), Err(error), "{shown}");
        }
    }

    #[test]
    fn a_plan_counts_everything_and_lists_what_a_person_can_read() {
        let mut plan = ImportPlan::default();
        let added = u32::try_from(ImportPlan::MAX_LINES).unwrap() + 10;
        for _ in 0..added {
            plan.count(&pin("192.168.1.20", b"key"), ImportStep::Add);
        }
        plan.count(&pin("192.168.1.20", b"key"), ImportStep::Unchanged);
        plan.count(&pin("192.168.1.20", b"key"), ImportStep::Conflict);
        assert_eq!((plan.added, plan.unchanged, plan.left_out), (added, 1, 1));
        assert_eq!(plan.lines.len(), ImportPlan::MAX_LINES);
    }

    #[test]
    fn what_an_import_trusts_stands_above_what_it_leaves_out() {
        let mut plan = ImportPlan::default();
        for number in 0..ImportPlan::MAX_LINES + 10 {
            let step = if number % 2 == 0 {
                ImportStep::Conflict
            } else {
                ImportStep::Complete
            };
            plan.count(&pin("192.168.1.20", b"key"), step);
        }
        plan.count(&pin("192.168.1.21", b"key"), ImportStep::Add);
        plan.count(&pin("192.168.1.22", b"key"), ImportStep::Add);
        let steps: Vec<_> = plan.lines.iter().map(|line| line.step).collect();
        assert!(steps.is_sorted_by_key(|step| step.rank()), "{steps:?}");
        let first: Vec<_> = plan.lines.iter().take(2).map(|it| &it.endpoint).collect();
        assert_eq!(
            first,
            [
                &"192.168.1.21:443".parse().unwrap(),
                &"192.168.1.22:443".parse().unwrap()
            ]
        );
        assert_eq!(plan.lines.len(), ImportPlan::MAX_LINES);
    }
}
