//! `housekey probe`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::bail;
use housekey_core::certificate::Certificate;
use housekey_core::chain::Observation;
use housekey_core::endpoint::Endpoint;
use housekey_core::identity::Identity;
use housekey_core::scope::ScopeOptions;
use serde_json::json;

use super::{output, words};
use crate::authority::Authority;
use crate::install::local_names;
use crate::paths::Paths;
use crate::probe::Prober;
use crate::store::Store;

pub(super) fn run(paths: &Paths, endpoint: &Endpoint, as_json: bool) -> anyhow::Result<ExitCode> {
    let now = SystemTime::now();
    let store = Arc::new(Store::open(paths)?);
    let scope = ScopeOptions {
        shared_address_space: store.settings()?.shared_address_space,
        local_names: local_names(paths),
    };
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
        Err(failure) if as_json => {
            output::json(&json!({ "endpoint": endpoint, "failure": failure }))?;
            return Ok(ExitCode::FAILURE);
        }
        Err(failure) => bail!("{endpoint}: {}", words::failure(failure)),
    };
    let observation = prober.observe(endpoint, &stranger, now)?;
    let leaf = stranger.chain().leaf();
    let identity = Identity::of(leaf, &observation.verdict, observation.at);
    let finding = prober
        .judge(observation.clone(), now)?
        .map(|refusal| refusal.finding);
    if as_json {
        output::json(&json!({
            "endpoint": endpoint,
            "trusted": finding.is_none(),
            "finding": finding,
            "identity": identity.as_ref().ok(),
            "flaw": identity.as_ref().err(),
            "certificate": facts(leaf),
            "tls": observation.tls,
            "alpn": observation.alpn,
            "chain": observation.chain,
        }))?;
    } else {
        output::print(&endpoint.to_string());
        output::table(&rows(&observation, leaf, identity));
        output::print(&words::finding(finding.as_ref()));
    }
    Ok(ExitCode::SUCCESS)
}

fn facts(leaf: &Certificate) -> serde_json::Value {
    json!({
        "spkiSha256": leaf.spki_sha256,
        "sha256": leaf.sha256,
        "serial": leaf.serial,
        "notBefore": words::date(leaf.not_before),
        "notAfter": words::date(leaf.not_after),
    })
}

fn rows(
    observation: &Observation,
    leaf: &Certificate,
    identity: Result<Identity, housekey_core::chain::Flaw>,
) -> Vec<(&'static str, String)> {
    let mut rows = match identity {
        Ok(identity) => words::identity(&identity),
        Err(flaw) => vec![("unfit", words::flaw(flaw).into())],
    };
    let alpn = observation
        .alpn
        .as_ref()
        .map(|alpn| format!(", {alpn}"))
        .unwrap_or_default();
    rows.extend([
        ("key", format!("SHA-256 {}", leaf.spki_sha256)),
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
            format!("TLS {}{alpn}", words::tls(observation.tls)),
        ),
    ]);
    rows
}
