use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use super::*;
use x509_parser::prelude::{FromDer, X509Certificate};

/// An authority in a directory of its own, which goes when this does.
struct Home {
    _directory: tempfile::TempDir,
    paths: Paths,
    authority: Authority,
}

fn home() -> Home {
    let directory = tempfile::tempdir().unwrap();
    let paths = Paths::at(directory.path().join("housekey"));
    let authority = Authority::create(&paths, &["fritz.box".into()], now()).unwrap();
    Home {
        _directory: directory,
        paths,
        authority,
    }
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn host(text: &str) -> Host {
    text.parse().unwrap()
}

/// A leaf that the real issuing key signs for names of the forger's choice.
fn forge(
    authority: &Authority,
    names: &[SanType],
    common_name: &str,
) -> Vec<CertificateDer<'static>> {
    let period = Period {
        start: now().into(),
        end: (now() + DAY).into(),
    };
    let mut params = blank_params(period, common_name).unwrap();
    params.subject_alt_names = names.to_vec();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let leaf = params
        .signed_by(&authority.leaf_public, &authority.signer)
        .unwrap();
    vec![leaf.der().clone(), authority.issuer.clone()]
}

fn ip(text: &str) -> SanType {
    SanType::IpAddress(text.parse().unwrap())
}

fn dns(text: &str) -> SanType {
    SanType::DnsName(text.try_into().unwrap())
}

#[test]
fn leaves_for_private_hosts_are_valid_for_exactly_their_host() {
    let Home { authority, .. } = home();
    for name in [
        "10.0.0.1",
        "172.31.255.254",
        "192.168.1.20",
        "169.254.7.7",
        "100.64.0.1",
        "[fd00::20]",
        "[fe80::1]",
        "nas.local",
        "printer.lan",
        "a.b.home.arpa",
        "db.internal",
        "fritz.box",
        "www.fritz.box",
    ] {
        let minted = authority.mint(&host(name), None, now()).unwrap();
        let validate = |other| files::validate(&minted.cert, authority.root(), &host(other), now());
        assert_eq!(validate(name), Ok(()), "{name}");
        assert!(
            validate("192.168.1.21").is_err() && validate("other.local").is_err(),
            "{name}"
        );
    }
}

#[test]
fn nothing_is_minted_for_public_hosts() {
    let Home { authority, .. } = home();
    for name in [
        "8.8.8.8",
        "[2001:4860:4860::8888]",
        "127.0.0.1",
        "localhost",
        "169.254.169.254",
        "0.0.0.0",
        "example.com",
        "local",
        "nas.local.example.com",
        "notfritz.box",
    ] {
        let error = authority.mint(&host(name), None, now()).unwrap_err();
        assert_eq!(error.code(), "authority_not_local", "{name}");
    }
}

#[test]
fn constraints_hold_against_leaves_that_the_issuing_key_really_signed() {
    let Home { authority, .. } = home();
    let mail = SanType::Rfc822Name("me@example.com".try_into().unwrap());
    let uri = SanType::URI("https://example.com/".try_into().unwrap());
    for (asked, names) in [
        ("8.8.8.8", vec![ip("8.8.8.8")]),
        ("[2001:4860:4860::8888]", vec![ip("2001:4860:4860::8888")]),
        ("127.0.0.1", vec![ip("127.0.0.1")]),
        ("[::ffff:192.168.1.20]", vec![ip("::ffff:192.168.1.20")]),
        ("example.com", vec![dns("example.com")]),
        ("local.example.com", vec![dns("local.example.com")]),
        ("notlocal", vec![dns("notlocal")]),
        ("192.168.1.20", vec![ip("192.168.1.20"), ip("8.8.8.8")]),
        ("192.168.1.20", vec![ip("192.168.1.20"), dns("example.com")]),
        ("192.168.1.20", vec![ip("192.168.1.20"), mail]),
        ("192.168.1.20", vec![ip("192.168.1.20"), uri]),
    ] {
        let chain = forge(&authority, &names, "forged");
        let result = files::validate(&chain, authority.root(), &host(asked), now());
        assert_eq!(
            result,
            Err(webpki::Error::NameConstraintViolation),
            "{names:?}"
        );
    }
    for common_name in ["example.com", "192.168.1.20"] {
        let chain = forge(&authority, &[], common_name);
        let result = files::validate(&chain, authority.root(), &host(common_name), now());
        assert!(result.is_err(), "a common name is no host: {common_name}");
    }
    let chain = forge(&authority, &[ip("192.168.1.20")], "honest");
    assert_eq!(
        files::validate(&chain, authority.root(), &host("192.168.1.20"), now()),
        Ok(())
    );
}

#[test]
fn a_leaf_cannot_sign_and_the_issuer_cannot_make_another() {
    let Home { authority, .. } = home();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let below = params.signed_by(&key, &authority.signer).unwrap();
    let signer = Issuer::new(params, key);
    let mut leaf = CertificateParams::default();
    leaf.subject_alt_names = vec![ip("192.168.1.20")];
    let leaf = leaf.signed_by(&authority.leaf_public, &signer).unwrap();
    let chain = [
        leaf.der().clone(),
        below.der().clone(),
        authority.issuer.clone(),
    ];
    let result = files::validate(&chain, authority.root(), &host("192.168.1.20"), now());
    assert!(
        matches!(result, Err(webpki::Error::PathLenConstraintViolated)),
        "{result:?}"
    );
}

#[test]
fn a_leaf_says_what_is_known_of_the_device() {
    let Home { authority, .. } = home();
    let long = format!("{}.local", "a".repeat(63));
    let organisation = "Signify\u{0} Netherlands B.V. ".repeat(9);
    let minted = authority
        .mint(&host(&long), Some(&organisation), now())
        .unwrap();
    assert_eq!(minted.cert.len(), 2);
    let (_, leaf) = X509Certificate::from_der(&minted.cert[0]).unwrap();
    let text = |value: Option<&x509_parser::x509::AttributeTypeAndValue<'_>>| -> String {
        value.unwrap().as_str().unwrap().into()
    };
    assert_eq!(text(leaf.subject().iter_common_name().next()), long[..64]);
    let shown = text(leaf.subject().iter_organization().next());
    assert!(shown.starts_with("Signify Netherlands B.V. ") && shown.chars().count() == 64);
    let validity = leaf.validity().time_to_expiration();
    assert!(validity.is_none() || leaf.validity().not_after > leaf.validity().not_before);
    let seconds = leaf.validity().not_after.timestamp() - leaf.validity().not_before.timestamp();
    assert_eq!(seconds, 7 * 24 * 3_600 + 300);
}

#[test]
fn two_authorities_share_nothing() {
    let (one, other) = (home(), home());
    let read = |home: &Home| {
        let minted = home
            .authority
            .mint(&host("192.168.1.20"), None, now())
            .unwrap();
        [
            home.authority.root(),
            home.authority.issuer(),
            &minted.cert[0],
        ]
        .map(|der| {
            let (_, certificate) = X509Certificate::from_der(der).unwrap();
            let id = certificate.get_extension_unique(&SUBJECT_KEY_ID).unwrap();
            let id = id.unwrap().value.to_vec();
            let serial = certificate.raw_serial().to_vec();
            assert!((14..=17).contains(&serial.len()), "{serial:?}");
            let key = certificate.public_key().raw.to_vec();
            (serial, key, id, certificate.subject().to_string())
        })
    };
    for (one, other) in read(&one).into_iter().zip(read(&other)) {
        assert_ne!(one.0, other.0, "serial");
        assert_ne!(one.1, other.1, "key");
        assert_ne!(one.2, other.2, "key identifier");
    }
}

#[test]
fn what_was_created_can_be_loaded_again() {
    let home = home();
    let loaded = Authority::load(&home.paths, now()).unwrap();
    assert_eq!(loaded.root(), home.authority.root());
    assert_eq!(loaded.local_names(), ["fritz.box"]);
    let error = Authority::create(&home.paths, &[], now()).unwrap_err();
    assert_eq!(error.code(), "authority_exists");
    Authority::destroy(&home.paths).unwrap();
    Authority::destroy(&home.paths).unwrap();
    assert_eq!(
        Authority::load(&home.paths, now()).unwrap_err().code(),
        "authority_missing"
    );
}

#[test]
fn only_the_issuing_key_is_on_the_disk() {
    let home = home();
    let mut names = Vec::new();
    for entry in fs::read_dir(home.paths.authority()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().mode() & 0o7777, 0o600);
        let text = fs::read_to_string(entry.path()).unwrap();
        assert_eq!(
            text.contains("PRIVATE KEY"),
            entry.file_name() == "issuer.key"
        );
        names.push(entry.file_name());
    }
    names.sort();
    assert_eq!(names, ["issuer.key", "issuer.pem", "root.pem"]);
    assert_eq!(
        fs::read_dir(home.paths.data()).unwrap().count(),
        1,
        "no temporary is left"
    );
}

#[test]
fn an_authority_that_anybody_touched_is_not_used() {
    let load = |home: &Home| Authority::load(&home.paths, now()).unwrap_err().code();
    let loose = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };

    let home_ = home();
    loose(&home_.paths.issuer_key(), 0o640);
    assert_eq!(load(&home_), "path_loose_mode");

    let home_ = home();
    loose(&home_.paths.authority(), 0o755);
    assert_eq!(load(&home_), "path_loose_mode");

    let home_ = home();
    let elsewhere = home_.paths.data().join("elsewhere");
    fs::rename(home_.paths.issuer_key(), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, home_.paths.issuer_key()).unwrap();
    assert_eq!(load(&home_), "path_wrong_kind");

    let (home_, other) = (home(), home());
    fs::copy(other.paths.issuer_key(), home_.paths.issuer_key()).unwrap();
    assert_eq!(load(&home_), "authority_foreign_key");

    let (home_, other) = (home(), home());
    fs::copy(
        other.paths.root_certificate(),
        home_.paths.root_certificate(),
    )
    .unwrap();
    assert_eq!(load(&home_), "authority_damaged");

    for part in [
        Paths::root_certificate,
        Paths::issuer_certificate,
        Paths::issuer_key,
    ] {
        let home_ = home();
        let bytes = fs::read(part(&home_.paths)).unwrap();
        fs::write(part(&home_.paths), &bytes[..bytes.len() / 2]).unwrap();
        assert_eq!(load(&home_), "authority_damaged");
        fs::remove_file(part(&home_.paths)).unwrap();
        assert_eq!(load(&home_), "path_io");
    }
}

#[test]
fn an_authority_ends() {
    let home = home();
    let day = |days: u32| now() + DAY * days;
    assert!(Authority::load(&home.paths, day(5 * 365 - 1)).is_ok());
    let late = Authority::load(&home.paths, day(5 * 365)).unwrap_err();
    assert_eq!(late.code(), "authority_expired");
    let early = Authority::load(&home.paths, now() - DAY).unwrap_err();
    assert_eq!(early.code(), "authority_expired");

    let minted = home
        .authority
        .mint(&host("nas.local"), None, day(5 * 365 - 1))
        .unwrap();
    let (_, leaf) = X509Certificate::from_der(&minted.cert[0]).unwrap();
    let (_, issuer) = X509Certificate::from_der(home.authority.issuer()).unwrap();
    assert_eq!(
        leaf.validity().not_after,
        issuer.validity().not_after,
        "no longer than its issuer"
    );
    let refused = home
        .authority
        .mint(&host("nas.local"), None, day(5 * 365))
        .unwrap_err();
    assert_eq!(refused.code(), "authority_expired");
}

const SUBJECT_KEY_ID: x509_parser::oid_registry::Oid<'static> =
    x509_parser::oid_registry::OID_X509_EXT_SUBJECT_KEY_IDENTIFIER;
