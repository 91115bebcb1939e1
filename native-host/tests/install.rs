//! The installer in a home of its own, with NSS's real `certutil`: what it does, that doing it
//! twice does it once, and that nothing is left when it is undone.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A home in which Firefox and Chromium are installed and Firefox has been used.
struct Home {
    directory: TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
        };
        for directory in [
            "bin",
            ".mozilla/firefox/abc.default",
            "named profile",
            "named chromium",
        ] {
            fs::create_dir_all(home.path(directory)).expect("a directory");
        }
        let profiles = "[Profile0]\nName=default\nIsRelative=1\nPath=abc.default\n";
        home.write(".mozilla/firefox/profiles.ini", profiles);
        home.write("bin/firefox", "");
        home.write("bin/chromium", "");
        let certutil = std::env::split_paths(&std::env::var_os("PATH").expect("a PATH"))
            .map(|directory| directory.join("certutil"))
            .find(|file| file.is_file())
            .expect("certutil: install libnss3-tools");
        std::os::unix::fs::symlink(certutil, home.path("bin/certutil")).expect("a link");
        // Somebody's own root is in the profile already.
        home.certutil(PROFILE, &["-N", "--empty-password"]);
        let root = home.path("bin/root.pem");
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        fs::write(&root, params.self_signed(&key).expect("a root").pem()).expect("a file");
        let root = root.to_str().expect("a text");
        home.certutil(
            PROFILE,
            &[
                "-A",
                "-n",
                "A company's root",
                "-t",
                "CT,,",
                "-a",
                "-i",
                root,
            ],
        );
        home
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.directory.path().join(relative)
    }

    fn write(&self, relative: &str, text: &str) {
        fs::write(self.path(relative), text).expect("a file");
    }

    fn housekey(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_housekey"))
            .args(arguments)
            .env_clear()
            .env("HOME", self.directory.path())
            .env("PATH", self.path("bin"))
            .stdin(std::process::Stdio::null())
            .output()
            .expect("housekey starts")
    }

    /// Runs `housekey` and expects it to succeed.
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.housekey(arguments);
        let text = text(&output);
        assert!(output.status.success(), "housekey {arguments:?}:\n{text}");
        text
    }

    /// Runs `housekey` and expects it to fail by itself.
    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.housekey(arguments);
        assert_eq!(
            output.status.code(),
            Some(1),
            "housekey {arguments:?}:\n{}",
            text(&output)
        );
        text(&output)
    }

    fn install(&self) -> String {
        self.ok(&[
            "install",
            "--yes",
            "--firefox-profile",
            &self.text_of("named profile"),
            "--chromium-user-data-dir",
            &self.text_of("named chromium"),
        ])
    }

    fn text_of(&self, relative: &str) -> String {
        self.path(relative).to_str().expect("a text").into()
    }

    fn certutil(&self, database: &str, arguments: &[&str]) -> String {
        let database = format!("sql:{}", self.text_of(database));
        let output = Command::new("certutil")
            .args(arguments)
            .arg("-d")
            .arg(database)
            .output();
        text(&output.expect("certutil starts"))
    }

    /// Every file's content, except of certificate databases: what `certutil` says of those.
    fn everything(&self) -> BTreeMap<PathBuf, String> {
        let mut all = BTreeMap::new();
        let mut directories = vec![self.directory.path().to_path_buf()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(&directory).expect("a directory") {
                let path = entry.expect("an entry").path();
                let is_database = path.extension().is_some_and(|it| it == "db");
                if path.is_dir() {
                    all.insert(path.clone(), "a directory".into());
                    directories.push(path);
                } else if is_database && path.with_file_name("cert9.db").exists() {
                    let directory = directory.to_str().expect("a text");
                    let relative = directory.strip_prefix(&self.text_of("")).expect("below");
                    all.insert(path, self.certutil(relative, &["-L"]));
                } else {
                    all.insert(
                        path.clone(),
                        format!("{:?}", fs::read(&path).expect("a file")),
                    );
                }
            }
        }
        all
    }

    fn doctor(&self) -> serde_json::Value {
        let output = self.housekey(&["doctor", "--json"]);
        serde_json::from_slice(&output.stdout).expect("JSON")
    }
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o7777
}

#[test]
fn installing_twice_is_installing_once_and_uninstalling_leaves_nothing() {
    let home = Home::new();
    let before = home.everything();
    assert_eq!(home.doctor()["ok"], false);

    let said = home.install();
    assert!(
        said.contains("It can vouch for   private addresses"),
        "{said}"
    );
    let data = home.path(".local/share/housekey");
    assert_eq!(
        (mode(&data), mode(&data.join("authority/issuer.key"))),
        (0o700, 0o600)
    );
    let manifest = fs::read_to_string(
        home.path("named chromium/NativeMessagingHosts/app.housekey.helper.json"),
    );
    assert!(
        manifest
            .unwrap()
            .contains(data.join("bin/housekey").to_str().unwrap())
    );
    for database in [PROFILE, "named profile", ".local/share/pki/nssdb"] {
        let listing = home.certutil(database, &["-L"]);
        let ours: Vec<_> = listing
            .lines()
            .filter(|line| line.starts_with("Housekey"))
            .collect();
        assert!(
            ours.len() == 1 && ours[0].trim_end().ends_with(" C,,"),
            "{listing}"
        );
    }
    let doctor = home.doctor();
    assert_eq!(doctor["ok"], true, "{doctor:#}");

    let installed = home.everything();
    let said = home.ok(&["install"]);
    assert!(said.contains("Nothing to do."), "{said}");
    assert_eq!(home.everything(), installed);

    let said = home.ok(&["uninstall", "--yes"]);
    assert!(said.contains("nothing is left"), "{said}");
    assert_eq!(home.everything(), before);
    assert!(
        home.ok(&["uninstall", "--yes"])
            .contains("Nothing of Housekey's is here.")
    );
}

#[test]
fn looking_and_refusing_change_nothing() {
    let home = Home::new();
    let before = home.everything();
    let said = home.ok(&["install", "--dry-run", "--local-name", "fritz.box"]);
    assert!(
        said.contains("Nothing was changed.") && said.contains("fritz.box"),
        "{said}"
    );
    // Nobody is there who could consent.
    assert!(home.fails(&["install"]).contains("your consent is needed"));
    home.fails(&["doctor"]);
    assert_eq!(home.everything(), before);
}

#[test]
fn without_certutil_nothing_is_begun_and_the_package_is_named() {
    let home = Home::new();
    fs::remove_file(home.path("bin/certutil")).unwrap();
    let before = home.everything();
    let said = home.fails(&["install", "--yes"]);
    assert!(
        said.contains("libnss3-tools") && said.contains("nss-tools"),
        "{said}"
    );
    assert_eq!(home.everything(), before);

    home.ok(&["install", "--yes", "--helper-only"]);
    assert!(
        home.path(".mozilla/native-messaging-hosts/app.housekey.helper.json")
            .exists()
    );
    assert!(
        home.fails(&["uninstall", "--yes"])
            .contains("libnss3-tools"),
        "nothing is proven"
    );
}

#[test]
fn a_new_local_name_needs_a_new_authority_and_the_old_one_goes() {
    let home = Home::new();
    home.install();
    let root = || fs::read(home.path(".local/share/housekey/authority/root.pem")).unwrap();
    let old = root();
    home.ok(&["install", "--yes", "--local-name", "Fritz.Box"]);
    assert_ne!(root(), old);
    let listing = home.certutil(PROFILE, &["-L"]);
    assert_eq!(listing.matches("Housekey").count(), 1, "{listing}");
    assert_eq!(home.doctor()["ok"], true);
    // It stays local when the installer is run without the name.
    let new = root();
    home.ok(&["install", "--yes"]);
    assert_eq!(root(), new);
    let status = home.housekey(&["install", "--local-name", "com"]).status;
    assert_eq!(
        status.code(),
        Some(2),
        "a whole top-level domain is not local"
    );
}

#[test]
fn what_somebody_changed_is_seen_and_mended() {
    let home = Home::new();
    home.install();
    let failed = || -> Vec<String> {
        let doctor = home.doctor();
        let checks = doctor["checks"].as_array().unwrap().clone();
        let failed = checks.iter().filter(|check| check["ok"] == false);
        failed
            .map(|check| check["check"].as_str().unwrap().to_owned())
            .collect()
    };
    home.write(
        ".mozilla/native-messaging-hosts/app.housekey.helper.json",
        "{}",
    );
    assert_eq!(failed(), ["manifest"]);
    home.ok(&["install", "--yes"]);

    let listing = home.certutil(PROFILE, &["-L"]);
    let name = listing
        .lines()
        .find(|line| line.starts_with("Housekey"))
        .unwrap();
    let name = name.trim_end().trim_end_matches("C,,").trim_end();
    home.certutil(PROFILE, &["-M", "-n", name, "-t", "CT,C,C"]);
    assert_eq!(failed(), ["trust"]);
    home.ok(&["install", "--yes"]);

    fs::remove_file(home.path(".local/share/housekey/bin/housekey")).unwrap();
    fs::remove_dir_all(home.path(".local/share/housekey/authority")).unwrap();
    assert_eq!(failed(), ["helper", "authority", "trust", "trust", "trust"]);
    home.ok(&["install", "--yes"]);
    assert_eq!(failed(), [""; 0]);

    let key = home.path(".local/share/housekey/authority/issuer.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(failed().contains(&"authority".to_owned()));
    assert!(
        home.fails(&["install", "--yes"]).contains("chmod"),
        "not replaced in silence"
    );
}

#[test]
fn pins_are_kept_if_that_is_asked_for() {
    let home = Home::new();
    home.install();
    home.ok(&["pins", "list"]);
    home.ok(&["uninstall", "--yes", "--keep-pins"]);
    let data = home.path(".local/share/housekey");
    let mut left: Vec<_> = fs::read_dir(&data)
        .unwrap()
        .map(|it| it.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["housekey.db", "housekey.db.seal"]);
    home.install();
    home.ok(&["uninstall", "--yes"]);
    assert!(!data.exists());
}

#[test]
fn a_database_that_somebody_else_used_meanwhile_is_theirs() {
    let home = Home::new();
    home.install();
    // As Firefox does when it saves its first password: a key that `certutil` cannot list.
    let keys = home.path("named profile/key4.db");
    let database = rusqlite::Connection::open(&keys).unwrap();
    database
        .execute(
            "INSERT INTO metaData (id, item1) VALUES ('saved', 'secret')",
            [],
        )
        .unwrap();
    drop(database);
    // Another run of the installer must not take that for its own work.
    home.ok(&["install", "--yes", "--local-name", "fritz.box"]);
    home.ok(&["uninstall", "--yes"]);
    assert!(keys.exists());
    assert!(!home.certutil("named profile", &["-L"]).contains("Housekey"));
    assert!(
        !home.path(".local").exists(),
        "the one that nobody used is gone"
    );
}

#[test]
fn what_cannot_be_removed_is_named_and_remembered() {
    let home = Home::new();
    home.install();
    let database = home.path("named profile/cert9.db");
    let sound = fs::read(&database).unwrap();
    fs::write(&database, "damaged").unwrap();
    let said = home.fails(&["uninstall", "--yes"]);
    assert!(
        said.contains("still there") && said.contains("named profile"),
        "{said}"
    );
    assert!(home.path(".local/share/housekey/install.json").exists());
    assert!(
        !home.path(".local/share/housekey/authority").exists(),
        "the key goes in any case"
    );

    fs::write(&database, sound).unwrap();
    home.ok(&["uninstall", "--yes"]);
    assert!(!home.certutil("named profile", &["-L"]).contains("Housekey"));
    assert!(!home.path(".local/share/housekey").exists());
}

#[test]
fn only_the_extension_is_served() {
    let home = Home::new();
    let stranger = "chrome-extension://abcdefghijklmnopabcdefghijklmnop/";
    let said = home.fails(&[stranger]);
    assert!(said.contains("only the Housekey extension"), "{said}");
}

const PROFILE: &str = ".mozilla/firefox/abc.default";
