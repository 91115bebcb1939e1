//! `housekey makers`.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use housekey_core::certificate::Certificate;
use housekey_core::chain::{Der, DeviceIdRule};
use housekey_core::text::SafeText;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde_json::json;
use webpki::anchor_from_trusted_cert;

use super::{MakersCommand, output};
use crate::paths::Paths;
use crate::store::Store;

/// Where a manufacturer's certificates hold the identifier of a device.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub(super) enum DeviceId {
    /// The subject's common name.
    #[default]
    SubjectCn,
    /// The subject's serial number.
    SubjectSerial,
}

pub(super) fn run(paths: &Paths, command: MakersCommand) -> anyhow::Result<ExitCode> {
    let store = Store::open(paths)?;
    match command {
        MakersCommand::Add {
            file,
            name,
            device_id,
        } => add(&store, &file, &name, device_id)?,
        MakersCommand::List(arguments) => list(&store, arguments.json)?,
        MakersCommand::Remove { id } => {
            if !store.remove_maker(id)? {
                bail!("there is no manufacturer {id}; see `housekey makers list`");
            }
            output::good(format!("manufacturer {id} is removed"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn add(store: &Store, file: &Path, name: &str, device_id: DeviceId) -> anyhow::Result<()> {
    let name = SafeText::new(name);
    if name.is_empty() {
        bail!("the manufacturer needs a name; give one with --name");
    }
    let root = read_root(file)?;
    if store.makers()?.iter().any(|maker| maker.root == root) {
        bail!("this root is there already; see `housekey makers list`");
    }
    let rule = match device_id {
        DeviceId::SubjectCn => DeviceIdRule::SubjectCommonName,
        DeviceId::SubjectSerial => DeviceIdRule::SubjectSerialNumber,
    };
    let id = store.add_maker(&name, rule, &root)?;
    output::good(format!("{name} is manufacturer {id}"));
    Ok(())
}

/// The one certificate in a file, if chains can end in it.
fn read_root(file: &Path) -> anyhow::Result<Der> {
    let place = file.display();
    let mut pem = Vec::new();
    fs::File::open(file)
        .and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut pem))
        .with_context(|| format!("cannot read {place}"))?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .ok()
        .with_context(|| format!("{place} is not in PEM; convert it with `openssl x509`"))?;
    let [root] = certificates.as_slice() else {
        bail!(
            "{place} holds {} certificates; give the root alone",
            certificates.len()
        );
    };
    if anchor_from_trusted_cert(root).is_err() || Certificate::from_der(root).is_err() {
        bail!("{place} holds no certificate that a chain can end in; ask the manufacturer for one");
    }
    Ok(Der(root.to_vec()))
}

fn list(store: &Store, as_json: bool) -> anyhow::Result<()> {
    let makers = store.makers()?;
    if as_json {
        let makers: Vec<_> = makers
            .iter()
            .map(|maker| {
                json!({
                    "id": maker.id,
                    "name": maker.name,
                    "deviceId": maker.device_id,
                    "root": maker.root,
                })
            })
            .collect();
        return output::json(&makers);
    }
    if makers.is_empty() {
        output::print("There are no manufacturers' roots yet.");
    }
    for maker in makers {
        let sha256 = Certificate::from_der(&maker.root.0).map(|root| root.sha256.to_string());
        let sha256 = sha256.unwrap_or_else(|_| "unreadable".into());
        output::print(&format!(
            "{:3}  {}  (SHA-256 {sha256})",
            maker.id, maker.name
        ));
    }
    Ok(())
}

const MAX_FILE_BYTES: u64 = 1_048_576;
