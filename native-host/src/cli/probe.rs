//! `housekey probe`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::bail;
use housekey_core::certificate::Certificate;
use housekey_core::chain::{Flaw, Observation};
use housekey_core::decision::Finding;
use housekey_core::endpoint::Endpoint;
use housekey_core::identity::Identity;
use housekey_core::words::Words;
use serde_json::json;

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
            output::json(&json!({ "endpoint": endpoint, "failure": failure }))?;
            return Ok(ExitCode::FAILURE);
        }
        Err(failure) => bail!("{endpoint}: {}", words::failure(failure)),
    };
    let observation = prober.observe(endpoint, &stranger, now)?;
    let leaf = stranger.chain().leaf();
    let refusal = prober.judge(observation.clone(), now)?;
    let look = Look {
        endpoint,
        leaf,
        identity: Identity::of(leaf, &observation.verdict, observation.at),
        finding: refusal.map(|refusal| refusal.finding),
        observation,
    };
    if arguments.json.json {
        output::json(&look.as_json())?;
    } else {
        output::print(&endpoint.to_string());
        output::table(&look.rows());
        output::print(&words::finding(look.finding.as_ref()));
    }
    Ok(ExitCode::SUCCESS)
}

impl Look<'_> {
    fn as_json(&self) -> serde_json::Value {
        json!({
            "endpoint": self.endpoint,
            "trusted": self.finding.is_none(),
            "finding": self.finding,
            "identity": self.identity.as_ref().ok(),
            "flaw": self.identity.as_ref().err(),
            "certificate": {
                "spkiSha256": self.leaf.spki_sha256,
                "words": Words::of(self.leaf.spki_sha256).to_string(),
                "sha256": self.leaf.sha256,
                "serial": self.leaf.serial,
                "notBefore": words::date(self.leaf.not_before),
                "notAfter": words::date(self.leaf.not_after),
            },
            "tls": self.observation.tls,
            "alpn": self.observation.alpn,
            "chain": self.observation.chain,
        })
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
