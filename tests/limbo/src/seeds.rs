//! Certificates and chains as `tests/fuzz` takes them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::suite::Case;

/// Writes each leaf into `certificate/`, and each chain behind one of its roots into `chain/`.
///
/// # Errors
///
/// When a file can't be written.
pub(crate) fn write(cases: &[Case], directory: &Path) -> Result<()> {
    let mut certificates = BTreeSet::new();
    let mut chains = BTreeSet::new();
    for case in cases {
        certificates.extend(case.chain.first().map(|leaf| leaf.to_vec()));
        let root = case.roots.first();
        let all: Vec<_> = root.into_iter().chain(&case.chain).collect();
        chains.insert(all.iter().flat_map(|der| der.to_vec()).collect());
    }
    for (target, seeds) in [("certificate", certificates), ("chain", chains)] {
        let directory = directory.join(target);
        fs::create_dir_all(&directory)?;
        let mut written = 0;
        for seed in seeds.iter().filter(|seed| seed.len() <= MAX_BYTES) {
            fs::write(directory.join(format!("limbo-{written:05}")), seed)?;
            written += 1;
        }
        println!("{target}: {written} seeds of x509-limbo");
    }
    Ok(())
}

/// libFuzzer changes what is short better.
const MAX_BYTES: usize = 4_096;
