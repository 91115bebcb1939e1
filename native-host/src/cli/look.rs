//! A look at a device, for a person in a terminal or for a program.

use std::sync::Arc;
use std::time::SystemTime;

use housekey_core::certificate::Certificate;
use housekey_core::chain::{Der, Flaw, Observation, TlsVersion};
use housekey_core::decision::{Failure, Finding};
use housekey_core::endpoint::Endpoint;
use housekey_core::expected::{Comparison, Strength, compare};
use housekey_core::fingerprint::{CertificateSha256, SpkiSha256};
use housekey_core::identity::{Identity, Tier};
use housekey_core::scope::ScopeOptions;
use housekey_core::text::SafeText;
use housekey_core::words::Words;
use serde::Serialize;
use tokio::runtime::{Builder, Runtime};

use super::{output, words};
use crate::authority::Authority;
use crate::paths::Paths;
use crate::probe::Prober;
use crate::store::Store;

/// What looking at devices takes.
pub(super) struct Looker {
    pub(super) store: Arc<Store>,
    pub(super) scope: ScopeOptions,
    pub(super) prober: Prober,
    pub(super) runtime: Runtime,
}

/// What one look told.
pub(super) struct Look {
    pub(super) endpoint: Endpoint,
    pub(super) leaf: Certificate,
    pub(super) identity: Result<Identity, Flaw>,
    /// Nothing where the pinned key answered.
    pub(super) finding: Option<Finding>,
    /// Whether browsers take it by themselves.
    pub(super) is_fine: bool,
    observation: Observation,
}

/// The same for a program.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Looked<'d> {
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

/// What a program is told where nobody was met.
#[derive(Serialize)]
pub(super) struct NotMet<'d> {
    pub(super) endpoint: &'d Endpoint,
    pub(super) failure: Failure,
}

impl Looker {
    pub(super) fn new(paths: &Paths) -> anyhow::Result<Self> {
        let store = Arc::new(Store::open(paths)?);
        let own = Authority::load(paths, SystemTime::now())
            .ok()
            .map(|authority| authority.issuer().clone());
        Ok(Self {
            scope: super::scope(paths, &store)?,
            prober: Prober::new(Arc::clone(&store), own)?,
            store,
            runtime: Builder::new_current_thread().enable_all().build()?,
        })
    }

    /// Looks at a device, or says for which failure nobody was met.
    pub(super) fn look_at(
        &self,
        endpoint: &Endpoint,
        now: SystemTime,
    ) -> anyhow::Result<Result<Look, Failure>> {
        let protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let meeting = self.prober.meet(endpoint, &self.scope, protocols);
        let waiting = output::patiently(format!("waiting for {endpoint}"), meeting);
        let stranger = match self.runtime.block_on(waiting) {
            Ok(stranger) => stranger,
            Err(failure) => return Ok(Err(failure)),
        };
        let observation = self.prober.observe(endpoint, &stranger, now)?;
        let leaf = stranger.chain().leaf().clone();
        let refusal = self.prober.judge(observation.clone(), now)?;
        Ok(Ok(Look {
            endpoint: endpoint.clone(),
            identity: Identity::of(&leaf, &observation.verdict, observation.at),
            leaf,
            finding: refusal.map(|refusal| refusal.finding),
            is_fine: self.prober.is_fine_already(&observation, now),
            observation,
        }))
    }
}

impl Look {
    /// Compares it with what a person expects.
    pub(super) fn compare(&self, expected: &str) -> Comparison {
        compare(
            expected,
            &self.leaf,
            self.identity.as_ref().unwrap_or(&nobody()),
        )
    }

    pub(super) fn as_json(&self, expected: Option<Comparison>) -> Looked<'_> {
        Looked {
            endpoint: &self.endpoint,
            trusted: self.finding.is_none(),
            finding: self.finding.as_ref(),
            expected,
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

    /// A table for a person.
    pub(super) fn rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = match &self.identity {
            Ok(identity) => words::identity(identity),
            Err(flaw) => vec![("unfit", words::flaw(*flaw).into())],
        };
        let leaf = &self.leaf;
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

/// Whether a comparison proves that it is the expected device.
pub(super) const fn is_proof(comparison: Comparison) -> bool {
    matches!(
        comparison,
        Comparison::Matches {
            strength: Strength::Proof,
            ..
        }
    )
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
