//! Chain validation, with chains that break one rule each. `cargo xtask limbo` does the same with
//! thousands that others made.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]

use std::time::{Duration, SystemTime};

use housekey::authority::Authority as LocalAuthority;
use housekey::chain::{Roots, timestamp};
use housekey::paths::Paths;
use housekey_core::certificate::{Certificate, Oddity};
use housekey_core::chain::{ChainVerdict, Flaw};
use housekey_core::identity::{Identity, Tier};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints, PublicKeyData, SignatureAlgorithm,
};
use rustls_pki_types::CertificateDer;
use time::OffsetDateTime;
use time::macros::datetime;

const FROM: OffsetDateTime = datetime!(2026-03-01 12:00:00 UTC);
const TO: OffsetDateTime = datetime!(2026-09-01 12:00:00 UTC);
const NOW: OffsetDateTime = datetime!(2026-06-01 12:00:00 UTC);

/// An authority, and what it signs with.
struct Authority(CertificateParams, KeyPair);

impl Authority {
    fn new(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = params(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        change(&mut params);
        Self(params, KeyPair::generate().unwrap())
    }

    fn root(&self) -> CertificateDer<'static> {
        self.0.self_signed(&self.1).unwrap().der().clone()
    }

    fn sign(
        &self,
        params: &CertificateParams,
        key: &impl PublicKeyData,
    ) -> CertificateDer<'static> {
        let issuer = Issuer::from_params(&self.0, &self.1);
        params.signed_by(key, &issuer).unwrap().der().clone()
    }

    fn authority(&self, other: &Self) -> CertificateDer<'static> {
        self.sign(&other.0, &other.1)
    }

    fn leaf(&self, params: &CertificateParams) -> CertificateDer<'static> {
        self.sign(params, &KeyPair::generate().unwrap())
    }
}

fn params(common_name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    (params.not_before, params.not_after) = (FROM, TO);
    params
}

fn verdict_at(
    at: impl Into<SystemTime>,
    root: &CertificateDer<'static>,
    chain: &[CertificateDer<'static>],
) -> ChainVerdict {
    let roots = Roots::these(std::slice::from_ref(root));
    roots.verdict(chain, &[], None, at.into())
}

fn verdict(root: &CertificateDer<'static>, chain: &[CertificateDer<'static>]) -> ChainVerdict {
    verdict_at(NOW, root, chain)
}

fn is_good(verdict: &ChainVerdict) -> bool {
    matches!(verdict, ChainVerdict::Verified { .. })
}

fn flaw(verdict: &ChainVerdict) -> Option<Flaw> {
    match verdict {
        ChainVerdict::Refused { flaw } => Some(*flaw),
        _ => None,
    }
}

#[test]
fn names_in_the_common_name_are_bound_too() {
    let dns = |name: &str| GeneralSubtree::DnsName(name.to_owned());
    let home = GeneralSubtree::IpAddress(CidrSubnet::V4([192, 168, 0, 0], [255, 255, 0, 0]));
    let v6 = GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix([0xfd; 16], 8));
    let cases: [(&str, &[&str], GeneralSubtree, bool); 16] = [
        // A DNS name, where there is no other.
        ("nas.home.arpa", &[], dns("home.arpa"), true),
        ("home.arpa", &[], dns("home.arpa"), true),
        ("NAS.Home.Arpa", &[], dns("home.arpa"), true),
        ("nas.home.arpa.", &[], dns("home.arpa"), true),
        ("bank.example", &[], dns("home.arpa"), false),
        ("nothome.arpa", &[], dns("home.arpa"), false),
        ("*.bank.example", &[], dns("home.arpa"), false),
        ("bänk.example", &[], dns("home.arpa"), false),
        ("bank.example", &["192.168.1.20"], dns("home.arpa"), false),
        // The subject alternative name speaks for itself.
        ("bank.example", &["nas.home.arpa"], dns("home.arpa"), true),
        // A serial number is no name.
        ("001788FFFE5C5E5C", &[], dns("home.arpa"), true),
        // An address, where there is no other name.
        ("192.168.1.20", &[], home.clone(), true),
        ("8.8.8.8", &[], home.clone(), false),
        ("2001:db8::1", &[], v6, false),
        ("8.8.8.8", &["192.168.1.20"], home, true),
        ("8.8.8.8", &[], dns("home.arpa"), true),
    ];
    for (common_name, names, subtree, good) in cases {
        for at_the_root in [true, false] {
            let bind = |params: &mut CertificateParams| {
                params.name_constraints = Some(NameConstraints {
                    permitted_subtrees: vec![subtree.clone()],
                    excluded_subtrees: Vec::new(),
                });
            };
            let free = |_: &mut CertificateParams| {};
            let (root, middle) = if at_the_root {
                (Authority::new("root", bind), Authority::new("middle", free))
            } else {
                (Authority::new("root", free), Authority::new("middle", bind))
            };
            let chain = [
                middle.leaf(&params(common_name, names)),
                root.authority(&middle),
            ];
            let verdict = verdict(&root.root(), &chain);
            assert_eq!(
                is_good(&verdict),
                good,
                "{common_name} {names:?}: {verdict:?}"
            );
            if !good {
                assert_eq!(flaw(&verdict), Some(Flaw::NameConstraint), "{common_name}");
            }
        }
    }
}

#[test]
fn a_wildcard_does_not_reach_into_what_is_excluded() {
    let root = |excluded: &str| {
        Authority::new("root", |params| {
            params.name_constraints = Some(NameConstraints {
                permitted_subtrees: Vec::new(),
                excluded_subtrees: vec![GeneralSubtree::DnsName(excluded.to_owned())],
            });
        })
    };
    for (excluded, good) in [
        ("nas.home.arpa", false),
        ("www.nas.home.arpa", true),
        ("other.test", true),
    ] {
        let root = root(excluded);
        let chain = [root.leaf(&params("device", &["*.home.arpa"]))];
        let verdict = verdict(&root.root(), &chain);
        let expected = (!good).then_some(Flaw::NameConstraint);
        assert_eq!(flaw(&verdict), expected, "{excluded}");
        assert_eq!(is_good(&verdict), good, "{excluded}");
    }
}

#[test]
fn a_root_is_held_to_what_it_says() {
    type Change = fn(&mut CertificateParams);
    let cases: [(&str, Change, Option<Flaw>); 9] = [
        ("a good one", |_| {}, None),
        (
            "no authority",
            |it| it.is_ca = IsCa::ExplicitNoCa,
            Some(Flaw::Malformed),
        ),
        (
            "silent about it",
            |it| it.is_ca = IsCa::NoCa,
            Some(Flaw::Malformed),
        ),
        (
            "may not sign",
            |it| it.key_usages = vec![KeyUsagePurpose::CrlSign],
            Some(Flaw::Malformed),
        ),
        (
            "for clients",
            |it| it.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
            Some(Flaw::Malformed),
        ),
        (
            "not understood",
            |it| {
                let mut extension =
                    CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 1], vec![5, 0]);
                extension.set_criticality(true);
                it.custom_extensions.push(extension);
            },
            Some(Flaw::Malformed),
        ),
        (
            "ended",
            |it| it.not_after = NOW - Duration::from_secs(1),
            Some(Flaw::Expired),
        ),
        (
            "not begun",
            |it| it.not_before = NOW + Duration::from_secs(1),
            Some(Flaw::NotYetValid),
        ),
        (
            "no room for an intermediate",
            |it| it.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)),
            Some(Flaw::Malformed),
        ),
    ];
    for (what, change, expected) in cases {
        let (root, middle) = (
            Authority::new("root", change),
            Authority::new("middle", |_| {}),
        );
        let chain = [middle.leaf(&params("device", &[])), root.authority(&middle)];
        let verdict = verdict(&root.root(), &chain);
        assert_eq!(flaw(&verdict), expected, "{what}: {verdict:?}");
        assert_eq!(is_good(&verdict), expected.is_none(), "{what}: {verdict:?}");
    }
    let nameless = Authority::new("", |params| {
        params.distinguished_name = DistinguishedName::new()
    });
    let chain = [nameless.leaf(&params("device", &[]))];
    assert_eq!(
        flaw(&verdict(&nameless.root(), &chain)),
        Some(Flaw::Malformed)
    );
}

#[test]
fn an_intermediate_needs_the_right_to_sign() {
    let root = Authority::new("root", |_| {});
    let middle = Authority::new("middle", |it| {
        it.key_usages = vec![KeyUsagePurpose::CrlSign]
    });
    let chain = [middle.leaf(&params("device", &[])), root.authority(&middle)];
    assert_eq!(flaw(&verdict(&root.root(), &chain)), Some(Flaw::Malformed));
}

#[test]
fn a_good_path_beside_a_bad_one_is_found() {
    let (root, middle) = (
        Authority::new("root", |_| {}),
        Authority::new("middle", |_| {}),
    );
    let mut old = middle.0.clone();
    old.not_after = NOW - Duration::from_secs(1);
    let leaf = middle.leaf(&params("device", &[]));
    let (old, new) = (root.sign(&old, &middle.1), root.authority(&middle));
    let orders = [
        [leaf.clone(), old.clone(), new.clone()],
        [leaf.clone(), new, old.clone()],
    ];
    for chain in orders {
        assert!(is_good(&verdict(&root.root(), &chain)));
    }
    assert_eq!(
        flaw(&verdict(&root.root(), &[leaf, old])),
        Some(Flaw::Expired)
    );
}

#[test]
fn validity_ends_with_its_last_second() {
    let second = Duration::from_secs(1);
    let root = Authority::new("root", |it| {
        (it.not_before, it.not_after) = (FROM - second * 60, TO + second * 60);
    });
    let chain = [root.leaf(&params("device", &[]))];
    let at = |at: SystemTime| verdict_at(at, &root.root(), &chain);
    let (from, to) = (SystemTime::from(FROM), SystemTime::from(TO));
    assert_eq!(flaw(&at(from - second)), Some(Flaw::NotYetValid));
    assert!(is_good(&at(from)));
    assert!(is_good(&at(to)));
    assert!(is_good(&at(to + Duration::from_millis(999))));
    assert_eq!(flaw(&at(to + second)), Some(Flaw::Expired));
    // The root itself, with a leaf that outlives it.
    let mut long = params("device", &[]);
    (long.not_before, long.not_after) = (FROM - second * 120, TO + second * 120);
    let chain = [root.leaf(&long)];
    let at = |at: SystemTime| verdict_at(at, &root.root(), &chain);
    assert_eq!(flaw(&at(from - second * 61)), Some(Flaw::NotYetValid));
    assert!(is_good(&at(from - second * 60)) && is_good(&at(to + second * 60)));
    assert_eq!(flaw(&at(to + second * 61)), Some(Flaw::Expired));
}

/// A key that this program could not make.
struct Foreign(Vec<u8>, &'static SignatureAlgorithm);

impl PublicKeyData for Foreign {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.1
    }
}

#[test]
fn no_chain_makes_a_weak_key_good() {
    let root = Authority::new("root", |_| {});
    // RSAPublicKey (RFC 8017 appendix A.1.1) of 2,047 and of 2,048 bits, exponent 65,537.
    let rsa = |first: u8| {
        let mut der = vec![0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0, first];
        der.extend([0xff; 255]);
        der.extend([0x02, 0x03, 1, 0, 1]);
        Foreign(der, &rcgen::PKCS_RSA_SHA256)
    };
    let chain = [root.sign(&params("device", &[]), &rsa(0x7f))];
    assert_eq!(flaw(&verdict(&root.root(), &chain)), Some(Flaw::WeakKey));
    let chain = [root.sign(&params("device", &[]), &rsa(0x80))];
    assert!(is_good(&verdict(&root.root(), &chain)));
    // prime192v1 instead of prime256v1 (RFC 5480 section 2.1.1.1).
    let leaf = root.leaf(&params("device", &[]));
    let curve = leaf
        .windows(8)
        .rposition(|it| it == [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]);
    let mut p192 = leaf.to_vec();
    p192[curve.unwrap() + 7] = 1;
    let chain = [p192.into()];
    assert_eq!(flaw(&verdict(&root.root(), &chain)), Some(Flaw::WeakKey));
}

#[test]
fn an_odd_leaf_is_a_tier_of_its_own() {
    let root = Authority::new("root", |_| {});
    let mut authority = params("device", &[]);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = root.leaf(&authority);
    // Version 2 instead of 3, which stands at the very beginning of what is signed.
    let mut old = root.leaf(&params("device", &[])).to_vec();
    let version = old.windows(5).position(|it| it == [0xa0, 3, 2, 1, 2]);
    old[version.unwrap() + 4] = 1;
    for (leaf, oddity) in [
        (authority, Oddity::Authority),
        (old.into(), Oddity::OldVersion),
    ] {
        let verdict = verdict(&root.root(), std::slice::from_ref(&leaf));
        assert_eq!(verdict, ChainVerdict::UnknownIssuer, "{oddity:?}");
        let leaf = Certificate::from_der(&leaf).unwrap();
        let identity = Identity::of(&leaf, &verdict, timestamp(NOW.into())).unwrap();
        assert_eq!(
            (identity.tier, identity.oddities),
            (Tier::Unverified, vec![oddity])
        );
    }
}

#[test]
fn what_costs_too_much_is_not_worked_on() {
    let root = Authority::new("root", |_| {});
    let leaf = root.leaf(&params("device", &[]));
    let other = Authority::new("middle", |_| {});
    let maze = |count: usize| {
        let ways = (0..count).map(|_| {
            let stranger = Authority::new("root", |_| {});
            stranger.authority(&Authority::new("middle", |_| {}))
        });
        let leaf = other.leaf(&params("device", &[]));
        std::iter::once(leaf).chain(ways).collect::<Vec<_>>()
    };
    // Each way leads to the root, which signed none of it: the hundredth signature is the last.
    assert_eq!(
        flaw(&verdict(&root.root(), &maze(49))),
        Some(Flaw::BadSignature)
    );
    assert_eq!(
        flaw(&verdict(&root.root(), &maze(51))),
        Some(Flaw::Malformed)
    );
    // More certificates than any chain has, good ones or not.
    let mut many = maze(129);
    many[0] = leaf.clone();
    assert_eq!(flaw(&verdict(&root.root(), &many)), Some(Flaw::Malformed));
    many.truncate(128);
    assert!(is_good(&verdict(&root.root(), &many)));
    // More bytes.
    let names: Vec<_> = (0..10_000)
        .map(|index| format!("name{index}.home.arpa"))
        .collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let large = root.leaf(&params("device", &names));
    assert_eq!(
        flaw(&verdict(&root.root(), &[large])),
        Some(Flaw::Malformed)
    );
    // More names times constraints: 1,001 and 250 are, 1,001 and 240 are not.
    for (count, good) in [(240, true), (250, false)] {
        let bound = Authority::new("root", |it| {
            let excluded = (0..count).map(|index| GeneralSubtree::DnsName(format!("{index}.test")));
            it.name_constraints = Some(NameConstraints {
                permitted_subtrees: Vec::new(),
                excluded_subtrees: excluded.collect(),
            });
        });
        let chain = [bound.leaf(&params("device", &names[..1_000]))];
        let verdict = verdict(&bound.root(), &chain);
        assert_eq!(is_good(&verdict), good, "{count}: {verdict:?}");
    }
    // The same for all ways together: each of them compares 501 names with 100 constraints.
    let root = Authority::new("root", |_| {});
    let ways = |count: usize| {
        let excluded = (0..99).map(|index| format!("{index}.test"));
        let excluded = excluded.chain([names[0].to_owned()]);
        let bind = NameConstraints {
            permitted_subtrees: Vec::new(),
            excluded_subtrees: excluded.map(GeneralSubtree::DnsName).collect(),
        };
        let middle = Authority::new("middle", |it| it.name_constraints = Some(bind));
        let ways = (0..count).map(|_| root.authority(&middle));
        let leaf = middle.leaf(&params("device", &names[..499]));
        std::iter::once(leaf).chain(ways).collect::<Vec<_>>()
    };
    assert_eq!(
        flaw(&verdict(&root.root(), &ways(4))),
        Some(Flaw::NameConstraint)
    );
    assert_eq!(
        flaw(&verdict(&root.root(), &ways(6))),
        Some(Flaw::Malformed)
    );
}

/// Also where somebody gave the authority to the whole computer to trust.
#[test]
fn a_device_with_a_leaf_of_our_own_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let paths = Paths::at(directory.path().join("housekey"));
    paths.prepare().unwrap();
    let now = SystemTime::now();
    let authority = LocalAuthority::create(&paths, &[], now).unwrap();
    let host = "192.168.1.20".parse().unwrap();
    let leaf = authority.mint(&host, None, now).unwrap();
    let roots = Roots::these(&[authority.root().clone()]);
    let known = roots.verdict(&leaf.cert, &[], None, now);
    assert!(is_good(&known), "it would be trusted otherwise: {known:?}");
    let issuer = Some(authority.issuer());
    for chain in [&leaf.cert[..], &leaf.cert[..1]] {
        let verdict = roots.verdict(chain, &[], issuer, now);
        assert_eq!(flaw(&verdict), Some(Flaw::OwnAuthority));
    }
}
