//! What was decided about the cases where other validators do not settle it.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};

use crate::judge::Kind;

/// A decision about one case.
pub(crate) struct Decision {
    pub(crate) kind: Kind,
}

/// Reads the committed decisions: an id, a verdict and a reason on each line.
pub(crate) fn read() -> Result<BTreeMap<String, Decision>> {
    let mut decisions = BTreeMap::new();
    for line in include_str!("../decisions.txt").lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut parts = line.splitn(3, ' ');
        let id = parts.next().context("an empty line")?;
        let kind = match parts.next() {
            Some("accept") => Kind::Accepted,
            Some("odd") => Kind::Odd,
            Some("refuse") => Kind::Refused,
            other => bail!("{id}: {other:?} is no decision"),
        };
        let reason = parts.next().unwrap_or_default();
        ensure!(!reason.is_empty(), "{id} is decided without a reason");
        let double = decisions.insert(id.to_owned(), Decision { kind });
        ensure!(double.is_none(), "{id} is decided twice");
    }
    Ok(decisions)
}
