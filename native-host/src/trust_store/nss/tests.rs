use super::*;

fn database() -> (tempfile::TempDir, NssDatabase) {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("a profile/nssdb");
    let mut database = NssDatabase::new(Whose::Chromiums, &directory);
    database.asks = false;
    (home, database)
}

fn root(name: &str) -> CertificateDer<'static> {
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    let key = rcgen::KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().der().clone()
}

#[test]
fn a_root_is_added_once_read_back_and_removed() {
    let (_home, store) = database();
    assert!(!store.exists() && store.entries().unwrap().is_empty());
    let (one, other) = (root("one"), root("other"));
    store.add(&one).unwrap();
    store.add(&one).unwrap();
    store.add(&other).unwrap();
    let entries = store.entries().unwrap();
    assert_eq!(entries.len(), 2, "{entries:?}");
    assert_eq!(entries.iter().filter(|entry| entry.is(&one)).count(), 1);
    for entry in entries {
        store.remove(&entry).unwrap();
    }
    assert!(store.entries().unwrap().is_empty());
    store.delete().unwrap();
    assert_eq!(fs::read_dir(store.location()).unwrap().count(), 0);
}

#[test]
fn other_peoples_entries_are_neither_listed_nor_lost() {
    let (_home, store) = database();
    store.create().unwrap();
    let file = store.temporary(&root("theirs")).unwrap();
    let arguments = ["-A", "-t", "CT,c,", "-n", "A company's root", "-i"].map(OsStr::new);
    store
        .run(arguments.into_iter().chain([file.path().as_os_str()]))
        .unwrap();
    assert!(store.entries().unwrap().is_empty());
    assert_eq!(
        store.names().unwrap(),
        [("A company's root".into(), "CT,c,".into())]
    );
}

#[test]
fn whatever_somebody_else_keeps_there_shows_in_its_state() {
    let (_home, store) = database();
    assert_eq!(store.state(), None);
    store.add(&root("root")).unwrap();
    let state = store.state();
    assert!(state.is_some());
    store.entries().unwrap();
    assert_eq!(store.state(), state, "reading changes nothing");
    // What `symkeyutil` or a browser's password manager would do, to NSS's own tables.
    let keys = rusqlite::Connection::open(store.location().join("key4.db")).unwrap();
    keys.execute(
        "INSERT INTO metaData (id, item1) VALUES ('test', 'secret')",
        [],
    )
    .unwrap();
    drop(keys);
    assert_ne!(store.state(), state);
}

#[test]
fn a_root_that_is_trusted_otherwise_is_not_as_it_should_be() {
    let (_home, store) = database();
    let root = root("root");
    store.add(&root).unwrap();
    let name = entry_name(&root);
    store
        .run(["-M", "-t", "CT,C,C", "-n", &name].map(OsStr::new))
        .unwrap();
    assert!(!store.entries().unwrap()[0].is(&root));
}

#[test]
fn a_database_with_a_password_is_named_and_left_clean() {
    let (_home, store) = database();
    fs::create_dir_all(store.location()).unwrap();
    let mut password = tempfile::NamedTempFile::new().unwrap();
    password.write_all(b"secret\n").unwrap();
    let mut command = store.command(["-N"].map(OsStr::new)).unwrap();
    command.arg("-f").arg(password.path());
    assert!(command.status().unwrap().success());
    let error = store.add(&root("root")).unwrap_err();
    assert_eq!(error.code(), "trust_store_password");
    assert!(store.entries().unwrap().is_empty());
}

#[test]
fn a_damaged_database_is_an_error_and_not_an_empty_one() {
    let (_home, store) = database();
    fs::create_dir_all(store.location()).unwrap();
    fs::write(store.location().join("cert9.db"), "no database").unwrap();
    assert_eq!(store.entries().unwrap_err().code(), "trust_store_tool");
}
