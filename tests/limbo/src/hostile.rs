//! Chains of our own that are made to cost time and memory. None of them leads to its root.

use std::time::SystemTime;

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, GeneralSubtree, IsCa, Issuer, KeyPair,
    NameConstraints,
};
use rustls_pki_types::CertificateDer;
use time::{Duration, OffsetDateTime};

use crate::suite::Case;

/// The class of all of them: to be refused, within the bounds on time and memory.
pub(crate) const CLASS: &str = "hostile";

/// All hostile chains, valid at this time.
pub(crate) fn cases(at: SystemTime) -> Result<Vec<Case>> {
    let maker = Maker::new(at)?;
    Ok(vec![
        maker.long_chain()?,
        maker.maze_without_exit()?,
        maker.maze_of_wrong_signatures()?,
        maker.ten_thousand_names()?,
        maker.names_times_constraints()?,
        maker.constraints_on_every_path()?,
    ])
}

struct Maker {
    at: SystemTime,
    /// The root's, and what everything else is signed with.
    key: KeyPair,
    other: KeyPair,
}

impl Maker {
    fn new(at: SystemTime) -> Result<Self> {
        // The slowest one to verify that rustls takes.
        let generate = || KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512);
        Ok(Self {
            at,
            key: generate()?,
            other: generate()?,
        })
    }

    /// A hundred intermediates, one below the other.
    fn long_chain(&self) -> Result<Case> {
        let mut chain = vec![self.leaf("link 0", &["device.example"], &self.key)?];
        for index in 0..100 {
            let (name, above) = (format!("link {index}"), format!("link {}", index + 1));
            chain.push(self.authority(&name, &above, &[], &self.key, &self.key)?);
        }
        self.case("long-chain", chain, self.root("link 100", &[])?)
    }

    /// Intermediates that may have issued each other, a way out that is too long for whoever walked
    /// through one of them before, and many that have nothing to do with it, which whoever searches
    /// has to look at again and again.
    fn maze_without_exit(&self) -> Result<Case> {
        let mut chain = vec![self.leaf("maze", &["device.example"], &self.key)?];
        for index in 0..90 {
            let name = format!("elsewhere {index}");
            chain.push(self.authority(&name, "nowhere", &[], &self.key, &self.other)?);
        }
        for _ in 0..30 {
            chain.push(self.authority("maze", "maze", &[], &KeyPair::generate()?, &self.other)?);
        }
        for (name, above) in [
            ("maze", "1"),
            ("1", "2"),
            ("2", "3"),
            ("3", "4"),
            ("4", "5"),
        ] {
            chain.push(self.authority(name, above, &[], &self.other, &self.other)?);
        }
        chain.push(self.authority("5", "root", &[], &self.other, &self.other)?);
        self.case("maze-without-exit", chain, self.root("root", &[])?)
    }

    /// The same, where each way leads to the root, which signed none of it.
    fn maze_of_wrong_signatures(&self) -> Result<Case> {
        let mut chain = vec![self.leaf("maze", &["device.example"], &self.other)?];
        for _ in 0..100 {
            chain.push(self.authority("maze", "maze", &[], &KeyPair::generate()?, &self.other)?);
        }
        self.case("maze-of-wrong-signatures", chain, self.root("maze", &[])?)
    }

    fn ten_thousand_names(&self) -> Result<Case> {
        let chain = vec![self.leaf("root", &names(10_000), &self.key)?];
        self.case("ten-thousand-names", chain, self.root("root", &[])?)
    }

    /// As many names and constraints as the bounds let through, the last of which is violated.
    fn names_times_constraints(&self) -> Result<Case> {
        let names = names(1_000);
        let chain = vec![self.leaf("root", &names, &self.key)?];
        let mut excluded = constraints(240);
        excluded.push("name999.device.example".to_owned());
        self.case(
            "names-times-constraints",
            chain,
            self.root("root", &excluded)?,
        )
    }

    /// The same again and again: each intermediate is another way to violate the constraints.
    fn constraints_on_every_path(&self) -> Result<Case> {
        let mut chain = vec![self.leaf("maze", &names(500), &self.key)?];
        let mut excluded = constraints(48);
        excluded.push("name499.device.example".to_owned());
        for _ in 0..40 {
            chain.push(self.authority("maze", "root", &excluded, &self.key, &self.key)?);
        }
        self.case("constraints-on-every-path", chain, self.root("root", &[])?)
    }

    fn case(
        &self,
        name: &str,
        chain: Vec<CertificateDer<'static>>,
        root: CertificateDer<'static>,
    ) -> Result<Case> {
        Ok(Case {
            id: format!("{CLASS}::{name}"),
            chain,
            roots: vec![root],
            at: self.at,
            succeeds: false,
            name: None,
            class: Some(CLASS.to_owned()),
            is_ours: true,
        })
    }

    fn leaf(
        &self,
        issuer: &str,
        names: &[impl AsRef<str>],
        signer: &KeyPair,
    ) -> Result<CertificateDer<'static>> {
        let names = names.iter().map(|name| name.as_ref().to_owned());
        let params = self.params("device", names.collect())?;
        let issuer = Issuer::new(self.params(issuer, Vec::new())?, signer);
        Ok(params.signed_by(&self.key, &issuer)?.der().clone())
    }

    /// An intermediate, or a root. Of one name and key, only one may be on a path.
    fn authority(
        &self,
        name: &str,
        issuer: &str,
        excluded: &[String],
        key: &KeyPair,
        signer: &KeyPair,
    ) -> Result<CertificateDer<'static>> {
        let mut params = self.params(name, Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        if !excluded.is_empty() {
            let excluded = excluded.iter().cloned();
            params.name_constraints = Some(NameConstraints {
                permitted_subtrees: Vec::new(),
                excluded_subtrees: excluded.map(GeneralSubtree::DnsName).collect(),
            });
        }
        let issuer = Issuer::new(self.params(issuer, Vec::new())?, signer);
        Ok(params.signed_by(key, &issuer)?.der().clone())
    }

    fn root(&self, name: &str, excluded: &[String]) -> Result<CertificateDer<'static>> {
        self.authority(name, name, excluded, &self.key, &self.key)
    }

    fn params(&self, name: &str, names: Vec<String>) -> Result<CertificateParams> {
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = OffsetDateTime::from(self.at) - Duration::days(1);
        params.not_after = OffsetDateTime::from(self.at) + Duration::days(1);
        Ok(params)
    }
}

fn names(count: usize) -> Vec<String> {
    (0..count)
        .map(|index| format!("name{index}.device.example"))
        .collect()
}

fn constraints(count: usize) -> Vec<String> {
    (0..count)
        .map(|index| format!("excluded{index}.device.example"))
        .collect()
}
