//! Makers that a person adds, switches off and removes.

use std::fs;

use housekey::makers::{MakerError, Makers, Taken, directory};
use housekey::paths::Paths;
use housekey::store::{Happening, Store};
use housekey_core::fingerprint::CertificateSha256;
use housekey_core::identity::Tier;
use housekey_core::maker::{DeviceIdRule, MakerId, MakerSource};
use housekey_core::pin::Pin;
use housekey_core::text::SafeText;
use rcgen::KeyPair;

use crate::{
    Authority, Home, YEAR, intermediate, leaf, now, pem_of, root, root_with_key, sample_directory,
    self_signed_leaf,
};

#[test]
fn one_good_root_is_added_and_nothing_else() {
    let home = Home::new();
    let authority = root("Sample Works Ltd", "Sample Root", -YEAR, YEAR);
    let pem = authority.pem();
    let code = |file: &[u8]| home.add(file, "Sample").map_err(|error| error.to_string());
    let refused = |file: &[u8], because: &str| {
        let error = code(file).unwrap_err();
        assert!(error.contains(because), "{error} instead of {because}");
        assert!(error.starts_with(|c: char| c.is_lowercase()) && !error.ends_with('.'));
        assert!(home.store.added_makers().unwrap().is_empty());
    };
    for (file, because) in [
        (&b""[..], "no certificate"),
        (b"hello", "no certificate"),
        (&[0x30; 100], "no certificate"),
        (&[0xff; 100], "no certificate"),
        (
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
            "no certificate",
        ),
        (b"-----BEGIN CERTIFICATE-----\n!!!", "no certificate"),
        (&pem.as_bytes()[..pem.len() / 2], "no certificate"),
        (
            &authority.der()[..authority.der().len() - 1],
            "no certificate",
        ),
        (&[authority.der(), &b"x"[..]].concat(), "no certificate"),
        (&vec![b' '; 1 << 20], "too large"),
        (&[&[0x30][..], &[0; 65_535]].concat(), "no certificate"),
        ([pem.as_str(), &pem].concat().as_bytes(), "2 certificates"),
        (
            [pem.as_str(), &authority.key().serialize_pem()]
                .concat()
                .as_bytes(),
            "private key",
        ),
        (
            pem_of(&leaf("x", "y", &authority)).as_bytes(),
            "issued by somebody else",
        ),
        (
            intermediate("x", "y", &authority).pem().as_bytes(),
            "issued by somebody else",
        ),
        (
            pem_of(&self_signed_leaf()).as_bytes(),
            "must not issue others",
        ),
        (root("x", "y", -2, -1).pem().as_bytes(), "has ended"),
        (root("x", "y", 1, 2).pem().as_bytes(), "has not begun"),
        (home.web.pem().as_bytes(), "every website"),
        // The same key in another certificate would do the same harm.
        (another_of(&home.web).pem().as_bytes(), "every website"),
    ] {
        refused(file, because);
    }
    let id = home.add(pem.as_bytes(), "Sample").unwrap();
    assert!(id.is_added_by_person());
    for again in [
        pem.as_bytes(),
        &authority.der()[..],
        another_of(&authority).pem().as_bytes(),
    ] {
        let error = home.add(again, "Other").unwrap_err();
        assert!(
            matches!(&error, MakerError::Known { id: known, .. } if *known == id),
            "{error}"
        );
    }
    let entry = &directory::compiled_in().unwrap()[0];
    let error = home.add(&entry.roots[0], "Mine").unwrap_err();
    assert!(
        matches!(&error, MakerError::Known { id, .. } if *id == entry.id),
        "{error}"
    );
    home.add(&root("DER Ltd", "DER Root", -1, 1).der().clone(), "DER")
        .unwrap();
    for nobody in ["", "  "] {
        let error = home
            .add(root("x", "y", -1, 1).pem().as_bytes(), nobody)
            .unwrap_err();
        assert!(matches!(error, MakerError::NoName), "{error}");
    }
}

#[test]
fn the_local_authority_is_no_maker() {
    let home = Home::new();
    let own = root("Housekey", "Housekey root 7f3a", -1, YEAR);
    let issuer = intermediate("Housekey", "Housekey issuer 7f3a", &own);
    let taken = Taken {
        own_issuer: Some(issuer.der()),
        ..home.taken()
    };
    let name = SafeText::new("Mine");
    // Also one that only took its name: the gateway refuses what names it as its issuer.
    for root in [&own, &root("Housekey", "Housekey issuer 7f3a", -1, YEAR)] {
        let (file, rule) = (root.pem(), DeviceIdRule::default());
        let error = home
            .makers()
            .add(file.as_bytes(), &name, rule, taken, now());
        assert!(matches!(error, Err(MakerError::OwnAuthority)), "{error:?}");
    }
}

#[test]
fn switching_off_and_removing_is_remembered_and_leaves_pins_alone() {
    let home = Home::new();
    let authority = root("Sample Works Ltd", "Sample Root", -YEAR, YEAR);
    let directory = sample_directory(&authority);
    let makers = Makers::with_directory(&home.store, &directory);
    let own = root("Own Works", "Own Root", -YEAR, YEAR);
    let added = home.add(own.pem().as_bytes(), "Own Works").unwrap();
    let listed: MakerId = "sample".parse().unwrap();
    for (id, chain) in [
        (&listed, vec![leaf("x", "SN000001", &authority)]),
        (&added, vec![leaf("x", "SN000002", &own)]),
    ] {
        let chain: Vec<_> = chain.iter().collect();
        let identity = |tier| {
            let identity = home.identity_with(makers, &chain).unwrap();
            assert_eq!(identity.tier, tier, "{id}");
            identity
        };
        let mut observation = home.observation(&chain);
        observation.endpoint = format!("192.168.1.{}", id.as_str().len()).parse().unwrap();
        let pin = Pin::new(&observation, identity(Tier::Manufacturer)).unwrap();
        home.store
            .put(&pin, Happening::Approve, observation.at)
            .unwrap();
        let (maker, endpoints) = makers.inspect(id).unwrap();
        assert_eq!((maker.enabled, maker.pins), (true, 1));
        assert_eq!(endpoints, [observation.endpoint.clone()]);

        makers.set_enabled(id, false).unwrap();
        makers.set_enabled(id, false).unwrap();
        identity(Tier::Unverified);
        let (maker, endpoints) = makers.inspect(id).unwrap();
        assert_eq!((maker.enabled, maker.pins, endpoints.len()), (false, 1, 1));
        assert_eq!(
            home.store.pin(&observation.endpoint).unwrap(),
            Some(pin.clone())
        );
        makers.set_enabled(id, true).unwrap();
        identity(Tier::Manufacturer);
    }
    assert!(matches!(makers.remove(&listed), Err(MakerError::Listed(_))));
    makers.remove(&added).unwrap();
    assert!(matches!(makers.remove(&added), Err(MakerError::Unknown(_))));
    assert!(matches!(
        makers.inspect(&added),
        Err(MakerError::Unknown(_))
    ));
    assert!(matches!(
        makers.set_enabled(&added, true),
        Err(MakerError::Unknown(_))
    ));
    // Whoever adds it again has the maker on which the pin rests.
    assert_eq!(home.add(own.pem().as_bytes(), "Own").unwrap(), added);
    let (maker, _) = makers.inspect(&added).unwrap();
    assert!(matches!(
        maker.source,
        MakerSource::Person { added: Some(_) }
    ));
    assert_eq!(maker.pins, 1);
}

/// A store of version 1, in which makers were numbers and all of them were switched on.
#[test]
fn makers_of_an_older_store_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let paths = Paths::at(directory.path().join("housekey"));
    drop(Store::open(&paths).unwrap());
    let authority = root("Sample Works Ltd", "Sample Root", -YEAR, YEAR);
    for file in fs::read_dir(paths.data()).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    let old = rusqlite::Connection::open(paths.database()).unwrap();
    old.execute_batch(VERSION_1).unwrap();
    old.execute(
        "INSERT INTO maker (name, device_id, root) VALUES ('Sample', '\"subject_serial_number\"', ?1)",
        [authority.der().to_vec()],
    )
    .unwrap();
    old.close().unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(paths.database(), private).unwrap();

    for _ in 0..2 {
        let store = Store::open(&paths).unwrap();
        let id = MakerId::added(&CertificateSha256::of(authority.der()));
        let (maker, _) = Makers::of(&store).unwrap().inspect(&id).unwrap();
        assert_eq!((maker.name.as_str(), maker.enabled), ("Sample", true));
        assert_eq!(maker.source, MakerSource::Person { added: None });
        assert_eq!(maker.rule.device_id, DeviceIdRule::SubjectSerialNumber);
    }
}

#[test]
fn the_command_line_lists_adds_switches_and_removes() {
    let home = tempfile::tempdir().unwrap();
    trycmd::TestCases::new()
        .env("HOME", home.path().display().to_string())
        .env(
            "XDG_DATA_HOME",
            home.path().join("data").display().to_string(),
        )
        .case("tests/cmd/makers/*.trycmd");
}

fn another_of(authority: &Authority) -> Authority {
    let key = KeyPair::from_pem(&authority.key().serialize_pem()).unwrap();
    root_with_key("Another Name Ltd", "Another Root", -1, YEAR, key)
}

const VERSION_1: &str = "
    CREATE TABLE pin (
        endpoint TEXT PRIMARY KEY, spki TEXT NOT NULL, body TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX pin_by_key ON pin (spki);
    CREATE TABLE history (
        id INTEGER PRIMARY KEY, at INTEGER NOT NULL, endpoint TEXT NOT NULL, host TEXT NOT NULL,
        spki TEXT NOT NULL, what TEXT NOT NULL
    ) STRICT;
    CREATE INDEX history_by_endpoint ON history (endpoint);
    CREATE INDEX history_by_host ON history (host, spki);
    CREATE TABLE maker (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, device_id TEXT NOT NULL,
        root BLOB NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE settings (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL) STRICT;
    PRAGMA application_id = 1212900729;
    PRAGMA user_version = 1;
";
