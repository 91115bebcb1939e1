//! `housekey probe`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::bail;
use housekey_core::certificate::Certificate;
use housekey_core::chain::{Der, Flaw, Observation, TlsVersion};
use housekey_core::decision::{Failure, Finding};
use housekey_core::endpoint::Endpoint;
use housekey_core::expected::{Comparison, Strength, compare};
use housekey_core::fingerprint::{CertificateSha256, SpkiSha256};
use housekey_core::identity::{Identity, Tier};
use housekey_core::text::SafeText;
use housekey_core::words::Words;
use serde::Serialize;

use super::{JsonArgument, output, words};
use crate::authority::Authority;
use crate::paths::Paths;
use crate::probe::Prober;
use crate::store::Store;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The device, such as 192.168.1.20 or nas.local:5001
    #[arg(value_name = "HOST[:PORT]")]
    endpoint: Endpoint,
    /// What you know of it: its key's fingerprint or words from another computer, or the number on
    /// its label. Only a fingerprint or words can prove anything, or a number that its maker vouches for
    #[arg(long, value_name = "CODE")]
    expect: Option<String>,
    #[command(flatten)]
    json: JsonArgument,
}

/// What one look told.
struct Look<'d> {
    endpoint: &'d Endpoint,
    observation: Observation,
    leaf: &'d Certificate,
    identity: Result<Identity, Flaw>,
    finding: Option<Finding>,
    expected: Option<Comparison>,
}

/// What a program is told about it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Probed<'d> {
    endpoint: &'d Endpoint,
    trusted: bool,
    finding: Option<&'d Finding>,
    expected: Option<Comparison>,
    identity: Option<&'d Identity>,
    flaw: Option<Flaw>,
    certificate: Facts<'d>,
    tls: TlsVersion,
    alpn: Option<&'d SafeText>,
    chain: &'d [Der],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Facts<'d> {
    spki_sha256: SpkiSha256,
    words: String,
    sha256: CertificateSha256,
    serial: &'d str,
    not_before: String,
    not_after: String,
}

#[derive(Serialize)]
struct NotMet<'d> {
    endpoint: &'d Endpoint,
    failure: Failure,
}

pub(super) fn run(paths: &Paths, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let endpoint = &arguments.endpoint;
    let now = SystemTime::now();
    let store = Arc::new(Store::open(paths)?);
    let scope = super::scope(paths, &store)?;
    let own = Authority::load(paths, now)
        .ok()
        .map(|authority| authority.issuer().clone());
    let prober = Prober::new(store, own)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stranger = match runtime.block_on(prober.meet(endpoint, &scope, protocols)) {
        Ok(stranger) => stranger,
        Err(failure) if arguments.json.json => {
            output::json(&NotMet { endpoint, failure })?;
            return Ok(ExitCode::FAILURE);
        }
        Err(failure) => bail!("{endpoint}: {}", words::failure(failure)),
    };
    let observation = prober.observe(endpoint, &stranger, now)?;
    let leaf = stranger.chain().leaf();
    let refusal = prober.judge(observation.clone(), now)?;
    let identity = Identity::of(leaf, &observation.verdict, observation.at);
    let expected = arguments.expect.as_deref();
    let look = Look {
        endpoint,
        leaf,
        expected: expected.map(|it| compare(it, leaf, identity.as_ref().unwrap_or(&nobody()))),
        identity,
        finding: refusal.map(|refusal| refusal.finding),
        observation,
    };
    if arguments.json.json {
        output::json(&look.as_json())?;
    } else {
        output::print(&endpoint.to_string());
        output::table(&look.rows());
        output::print(&words::finding(look.finding.as_ref()));
        match look.expected {
            Some(expected) if look.is_as_expected() => output::good(words::comparison(expected)),
            Some(expected) => output::bad(words::comparison(expected), None),
            None => {}
        }
    }
    Ok(match look.is_as_expected() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Who a device is that can be nobody: then its key alone is there to compare.
fn nobody() -> Identity {
    Identity {
        tier: Tier::Unverified,
        name: SafeText::default(),
        verified_by: None,
        maker: None,
        issued_by: SafeText::default(),
        device_id: None,
        other_names: Vec::new(),
        oddities: Vec::new(),
    }
}

impl Look<'_> {
    /// Whether it was proven to be the expected one, or nobody expected any.
    fn is_as_expected(&self) -> bool {
        let proof = |it| {
            matches!(
                it,
                Comparison::Matches {
                    strength: Strength::Proof,
                    ..
                }
            )
        };
        self.expected.is_none_or(proof)
    }

    fn as_json(&self) -> Probed<'_> {
        Probed {
            endpoint: self.endpoint,
            trusted: self.finding.is_none(),
            finding: self.finding.as_ref(),
            expected: self.expected,
            identity: self.identity.as_ref().ok(),
            flaw: self.identity.as_ref().err().copied(),
            certificate: Facts {
                spki_sha256: self.leaf.spki_sha256,
                words: Words::of(self.leaf.spki_sha256).to_string(),
                sha256: self.leaf.sha256,
                serial: &self.leaf.serial,
                not_before: words::date(self.leaf.not_before),
                not_after: words::date(self.leaf.not_after),
            },
            tls: self.observation.tls,
            alpn: self.observation.alpn.as_ref(),
            chain: &self.observation.chain,
        }
    }

    fn rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = match &self.identity {
            Ok(identity) => words::identity(identity),
            Err(flaw) => vec![("unfit", words::flaw(*flaw).into())],
        };
        let leaf = self.leaf;
        let alpn = self.observation.alpn.as_ref();
        let alpn = alpn.map(|alpn| format!(", {alpn}")).unwrap_or_default();
        rows.extend([
            ("key", format!("SHA-256 {}", leaf.spki_sha256)),
            ("in words", Words::of(leaf.spki_sha256).to_string()),
            ("certificate", format!("SHA-256 {}", leaf.sha256)),
            (
                "valid",
                format!(
                    "{} to {}",
                    words::date(leaf.not_before),
                    words::date(leaf.not_after)
                ),
            ),
            (
                "spoken",
                format!("TLS {}{alpn}", words::tls(self.observation.tls)),
            ),
        ]);
        rows
    }
}
