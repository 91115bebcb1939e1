//! `housekey makers`.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context as _;
use clap::Subcommand;
use housekey_core::certificate::KeyKind;
use housekey_core::endpoint::Endpoint;
use housekey_core::maker::{
    CompanyPlace, DeviceIdRule, IdAlphabet, Maker, MakerId, MakerRoot, MakerSource, NameRule,
};
use housekey_core::text::SafeText;
use serde_json::json;

use super::{JsonArgument, output, words};
use crate::authority::Authority;
use crate::chain::Roots;
use crate::makers::{MakerError, Makers, Taken};
use crate::paths::Paths;
use crate::store::Store;

#[derive(Debug, Subcommand)]
pub(super) enum MakersCommand {
    /// Add a manufacturer's root certificate
    ///
    /// Take it from the manufacturer's own page or support. Whoever holds the key of this root can
    /// then present any device at home as this manufacturer's; you are still asked about each one.
    Add {
        /// The root, in PEM or DER
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The manufacturer, as it is to be shown
        #[arg(long)]
        name: String,
        /// Where its certificates hold the identifier of a device
        #[arg(long, value_enum, default_value_t)]
        device_id: DeviceId,
    },
    /// List the manufacturers whose devices can be proven
    List(JsonArgument),
    /// Let a manufacturer vouch for its devices no more, until it is switched on again
    ///
    /// Devices that you trust stay trusted. Only a new key of theirs is then a stranger's.
    Off {
        /// Its id in the list
        id: MakerId,
    },
    /// Let a manufacturer vouch for its devices again
    On {
        /// Its id in the list
        id: MakerId,
    },
    /// Remove a manufacturer that you added
    ///
    /// Devices that you trust stay trusted. Only a new key of theirs is then a stranger's.
    Remove {
        /// Its id in the list
        id: MakerId,
    },
    /// Show a manufacturer: its roots, where they come from, and which devices rest on it
    Show {
        /// Its id in the list
        id: MakerId,
        #[command(flatten)]
        json: JsonArgument,
    },
}

/// Where a manufacturer's certificates hold the identifier of a device.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub(super) enum DeviceId {
    /// The subject's common name
    #[default]
    SubjectCn,
    /// The subject's serial number
    SubjectSerial,
    /// Nowhere, or you do not know: then a device with a new key is always a stranger
    Unknown,
}

pub(super) fn run(paths: &Paths, command: MakersCommand) -> anyhow::Result<ExitCode> {
    let store = Store::open(paths)?;
    let makers = Makers::of(&store)?;
    match command {
        MakersCommand::Add {
            file,
            name,
            device_id,
        } => add(paths, makers, &file, &name, device_id)?,
        MakersCommand::List(arguments) => list(makers, arguments.json)?,
        MakersCommand::Off { id } => {
            makers.set_enabled(&id, false)?;
            output::good(format!("{id} vouches for no device any more"));
        }
        MakersCommand::On { id } => {
            makers.set_enabled(&id, true)?;
            output::good(format!("{id} vouches for its devices"));
        }
        MakersCommand::Remove { id } => {
            makers.remove(&id)?;
            output::good(format!("{id} is removed"));
        }
        MakersCommand::Show { id, json } => show(makers, &id, json.json)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn add(
    paths: &Paths,
    makers: Makers<'_>,
    file: &Path,
    name: &str,
    device_id: DeviceId,
) -> anyhow::Result<()> {
    let now = SystemTime::now();
    let place = file.display();
    let mut bytes = Vec::new();
    fs::File::open(file)
        .and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes))
        .with_context(|| format!("cannot read {place}"))?;
    let own = Authority::load(paths, now).ok();
    let taken = Taken {
        roots: &Roots::of_this_computer(),
        own_issuer: own.as_ref().map(Authority::issuer),
    };
    let name = SafeText::new(name);
    let id = makers.add(&bytes, &name, device_id.into(), taken, now);
    let id = id.map_err(|error| match error {
        MakerError::NoName | MakerError::Store(_) | MakerError::TooMany => error.into(),
        about_the_file => anyhow::anyhow!("{place} cannot be added: {about_the_file}"),
    })?;
    output::good(format!("{name} is there, as {id}"));
    Ok(())
}

fn list(makers: Makers<'_>, as_json: bool) -> anyhow::Result<()> {
    let makers = makers.list()?;
    if as_json {
        return output::json(&makers);
    }
    let widest = |text: fn(&Maker) -> &str| {
        let widths = makers.iter().map(|maker| text(maker).chars().count());
        widths.max().unwrap_or(0)
    };
    let (ids, names) = (widest(|it| it.id.as_str()), widest(|it| it.name.as_str()));
    for maker in &makers {
        let (id, name) = (maker.id.as_str(), maker.name.as_str());
        let state = if maker.enabled { "on " } else { "off" };
        let pins = match maker.pins {
            0 => String::new(),
            1 => ", 1 device".into(),
            several => format!(", {several} devices"),
        };
        output::print(&format!(
            "{id:ids$}  {name:names$}  {state}  {}{pins}",
            source(maker)
        ));
    }
    Ok(())
}

fn show(makers: Makers<'_>, id: &MakerId, as_json: bool) -> anyhow::Result<()> {
    let (maker, endpoints) = makers.inspect(id)?;
    if as_json {
        return output::json(&json!({ "maker": maker, "endpoints": endpoints }));
    }
    let mut rows = vec![
        ("name", maker.name.to_string()),
        ("from", source(&maker)),
        ("state", if maker.enabled { "on" } else { "off" }.into()),
        ("devices", devices(&endpoints, maker.pins)),
        ("identifier", identifier(&maker.rule)),
        ("company", company(&maker.rule)),
    ];
    for root in &maker.roots {
        rows.extend(facts(root));
    }
    if let MakerSource::Directory { provenance, note } = &maker.source {
        rows.push(("published", provenance.publisher.to_string()));
        rows.push(("at", provenance.url.clone()));
        let seen = provenance.seen_at.iter();
        rows.extend(seen.map(|address| ("seen at", address.clone())));
        rows.push((
            "checked",
            format!("{}: {}", provenance.checked_on, provenance.how),
        ));
        if !note.is_empty() {
            rows.push(("note", note.clone()));
        }
    }
    output::print(maker.id.as_str());
    output::table(&rows);
    Ok(())
}

fn source(maker: &Maker) -> String {
    match &maker.source {
        MakerSource::Directory { .. } => "came with Housekey".into(),
        MakerSource::Person { added: Some(added) } => {
            format!("added by you on {}", words::date(*added))
        }
        MakerSource::Person { added: None } => "added by you".into(),
    }
}

fn devices(endpoints: &[Endpoint], pins: u32) -> String {
    if endpoints.is_empty() {
        return "none".into();
    }
    let named: Vec<_> = endpoints.iter().map(Endpoint::display_name).collect();
    let more = usize::try_from(pins).unwrap_or(usize::MAX);
    match more.saturating_sub(named.len()) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

fn identifier(rule: &NameRule) -> String {
    let place = match rule.device_id {
        DeviceIdRule::SubjectCommonName => "in the common name of the subject",
        DeviceIdRule::SubjectSerialNumber => "in the serial number of the subject",
        DeviceIdRule::Unknown => return "unknown, so a new key is always a stranger's".into(),
    };
    let Some(pattern) = rule.pattern else {
        return place.into();
    };
    let letters = match pattern.alphabet {
        IdAlphabet::Alphanumeric => "letters and digits",
        IdAlphabet::Hexadecimal => "hexadecimal digits",
    };
    let (min, max) = (pattern.min, pattern.max);
    let count = if min == max {
        min.to_string()
    } else {
        format!("{min} to {max}")
    };
    format!("{place}, {count} {letters}")
}

fn company(rule: &NameRule) -> String {
    let Some(company) = &rule.company else {
        return "any".into();
    };
    let place = match company.place {
        CompanyPlace::Issuer => "issuer",
        CompanyPlace::Subject => "subject",
    };
    let names: Vec<_> = company.any_of.iter().map(SafeText::as_str).collect();
    format!("{}, in the {place}", names.join(" or "))
}

fn facts(root: &MakerRoot) -> Vec<(&'static str, String)> {
    let key = match root.key {
        KeyKind::Ec { bits } => format!("EC, {bits} bits"),
        KeyKind::Ed25519 => "Ed25519".into(),
        KeyKind::Rsa { bits } => format!("RSA, {bits} bits"),
        KeyKind::Other => "of an unknown kind".into(),
    };
    let of = match &root.organisation {
        Some(organisation) => format!("{} of {organisation}", root.subject),
        None => root.subject.to_string(),
    };
    let (from, to) = (words::date(root.not_before), words::date(root.not_after));
    vec![
        ("root", of),
        ("SHA-256", root.sha256.to_string()),
        ("valid", format!("{from} to {to}")),
        ("key", key),
    ]
}

impl From<DeviceId> for DeviceIdRule {
    fn from(device_id: DeviceId) -> Self {
        match device_id {
            DeviceId::SubjectCn => Self::SubjectCommonName,
            DeviceId::SubjectSerial => Self::SubjectSerialNumber,
            DeviceId::Unknown => Self::Unknown,
        }
    }
}

/// More than any certificate, and less than a file that was meant to fill memory.
const MAX_FILE_BYTES: u64 = 1_048_576;

pub(super) const EXAMPLES: &str = "\
Examples:
  housekey makers list                             whose devices can be proven?
  housekey makers add root.pem --name \"Sample Locks\"
                                                   from the manufacturer's own page
  housekey makers off ID                           believe it no more; devices stay trusted";
