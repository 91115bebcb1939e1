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
        home.link_certutil();
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

    /// One with nothing in it but an empty profile in each of these places.
    fn with(places: &[&str]) -> Self {
        let home = Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
        };
        fs::create_dir_all(home.path("bin")).expect("a directory");
        home.link_certutil();
        for place in places {
            fs::create_dir_all(home.path(place)).expect("a directory");
            if place.contains("profile") {
                home.write(&format!("{place}/times.json"), "{}");
            }
        }
        home
    }

    fn link_certutil(&self) {
        let certutil = std::env::split_paths(&std::env::var_os("PATH").expect("a PATH"))
            .map(|directory| directory.join("certutil"))
            .find(|file| file.is_file())
            .expect("certutil: install libnss3-tools");
        std::os::unix::fs::symlink(certutil, self.path("bin/certutil")).expect("a link");
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.directory.path().join(relative)
    }

    fn write(&self, relative: &str, text: &str) {
        fs::write(self.path(relative), text).expect("a file");
    }

    fn housekey(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output();
        output.expect("housekey starts")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let path = [".local/bin", "bin"].map(|directory| self.path(directory));
        let mut command = Command::new(env!("CARGO_BIN_EXE_housekey"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.directory.path())
            .env("PATH", std::env::join_paths(path).expect("a PATH"))
            .env("XDG_DATA_DIRS", self.path("share"))
            .stdin(std::process::Stdio::null());
        command
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

    /// Every file's content.
    fn bytes(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let files = self.everything().into_keys().filter(|path| path.is_file());
        let read = |path: PathBuf| (path.clone(), fs::read(path).expect("a file"));
        files.map(read).collect()
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
    let failed = || failed(&home);
    home.write(
        ".mozilla/native-messaging-hosts/app.housekey.helper.json",
        "{}",
    );
    assert_eq!(failed(), ["registration_wrong"]);
    home.ok(&["install", "--yes"]);

    let listing = home.certutil(PROFILE, &["-L"]);
    let name = listing
        .lines()
        .find(|line| line.starts_with("Housekey"))
        .unwrap();
    let name = name.trim_end().trim_end_matches("C,,").trim_end();
    home.certutil(PROFILE, &["-M", "-n", name, "-t", "CT,C,C"]);
    assert_eq!(failed(), ["trust_wrong"]);
    home.ok(&["install", "--yes"]);

    fs::remove_file(home.path(".local/share/housekey/bin/housekey")).unwrap();
    fs::remove_dir_all(home.path(".local/share/housekey/authority")).unwrap();
    let others = ["trust_other"; 3];
    assert_eq!(
        failed(),
        [["program_missing", "authority_missing"].as_slice(), &others].concat()
    );
    home.ok(&["install", "--yes"]);
    assert_eq!(failed(), [""; 0]);

    let key = home.path(".local/share/housekey/authority/issuer.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(failed(), ["files_open", "authority_damaged"]);
    assert!(
        home.fails(&["install", "--yes"]).contains("chmod"),
        "not replaced in silence"
    );
    // Nobody could come near the key, so it may stay.
    let before = fs::read(&key).unwrap();
    home.ok(&["doctor", "--fix"]);
    assert_eq!((mode(&key), fs::read(&key).unwrap()), (0o600, before));
}

/// The codes of the links that are broken.
fn failed(home: &Home) -> Vec<String> {
    let doctor = home.doctor();
    let checks = doctor["checks"].as_array().expect("checks").iter();
    let failed = checks.filter(|check| check["ok"] == false);
    failed
        .map(|check| check["code"].as_str().expect("a code").to_owned())
        .collect()
}

/// As after an update of a package: the program that a person types is newer than the copy that
/// browsers start, or, if they type the copy, a newer one is on their `PATH`.
#[test]
fn a_packaged_helper_that_is_newer_takes_the_place_of_the_copy() {
    let home = Home::new();
    home.install();
    let copy = ".local/share/housekey/bin/housekey";
    let put = |place: &str, version: &str, mode: u32| {
        let file = home.path(place);
        // A program that runs cannot be written over.
        fs::remove_file(&file).ok();
        home.write(place, &format!("#!/bin/sh\necho housekey {version}\n"));
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    };
    put(copy, "0.0.1", 0o700);
    assert_eq!(failed(&home), ["program_outdated"]);
    home.ok(&["doctor", "--fix"]);
    let this = fs::read(env!("CARGO_BIN_EXE_housekey")).unwrap();
    assert!(fs::read(home.path(copy)).unwrap() == this);

    put("bin/housekey", "99.0.0", 0o755);
    assert_eq!(failed(&home), ["program_outdated"]);
    // One that others can change is nobody's package, and an older one is no news.
    put("bin/housekey", "99.0.0", 0o777);
    assert_eq!(failed(&home), [""; 0]);
    put("bin/housekey", "0.0.1", 0o755);
    assert_eq!(failed(&home), [""; 0]);

    put("bin/housekey", "99.0.0", 0o755);
    home.ok(&["doctor", "--fix"]);
    assert_eq!(
        fs::read(home.path(copy)).unwrap(),
        fs::read(home.path("bin/housekey")).unwrap()
    );
    assert_eq!(mode(&home.path(copy)), 0o700);
    home.ok(&["doctor"]);
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

/// Where each browser's files are, and what the installer makes of them: lines of its plan, in which
/// `*` stands for anything.
const BROWSERS: [(&str, &[&str], &[&str]); 17] = [
    (
        "Firefox of before",
        &[".mozilla/firefox/a.profile"],
        &[
            "tell Firefox where the helper is (~/.mozilla/native-messaging-hosts/*)",
            "add the local authority to Firefox profile a.profile (~/.mozilla/firefox/a.profile)",
        ],
    ),
    (
        "Firefox as XDG has it",
        &[".config/mozilla/firefox/a.profile"],
        &[
            "tell Firefox where the helper is (~/.mozilla/native-messaging-hosts/*)",
            "add the local authority to Firefox profile a.profile (~/.config/mozilla/firefox/*)",
        ],
    ),
    (
        "Firefox (snap)",
        &["snap/firefox/common/.mozilla/firefox/a.profile"],
        &[
            "Firefox (snap) asks once *",
            "tell Firefox (snap) where the helper is (~/.mozilla/native-messaging-hosts/*)",
            "add the local authority to Firefox (snap) profile a.profile (~/snap/firefox/*)",
        ],
    ),
    (
        "Firefox (Flatpak), which cannot be helped",
        &[".var/app/org.mozilla.firefox/.mozilla/firefox/a.profile"],
        &["Firefox (Flatpak) runs in a sandbox, * xdg-native-messaging-proxy*"],
    ),
    (
        "Firefox (Flatpak), with the proxy",
        &[
            ".var/app/org.mozilla.firefox/.mozilla/firefox/a.profile",
            ".var/app/org.mozilla.firefox/config/mozilla/firefox/b.profile",
            "share/dbus-1/services",
        ],
        &[
            "tell Firefox (Flatpak) where the helper is (~/.mozilla/native-messaging-hosts/*)",
            "add the local authority to Firefox (Flatpak) profile a.profile *",
            "add the local authority to Firefox (Flatpak) profile b.profile *",
        ],
    ),
    (
        "LibreWolf of before",
        &[".librewolf/a.profile"],
        &[
            "tell LibreWolf where the helper is (~/.librewolf/native-messaging-hosts/*)",
            "add the local authority to LibreWolf profile a.profile (~/.librewolf/a.profile)",
        ],
    ),
    (
        "LibreWolf as XDG has it",
        &[".config/librewolf/librewolf/a.profile"],
        &[
            "tell LibreWolf where the helper is (~/.librewolf/native-messaging-hosts/*)",
            "add the local authority to LibreWolf profile a.profile (~/.config/librewolf/*)",
        ],
    ),
    (
        "LibreWolf (Flatpak), with the proxy",
        &[
            ".var/app/io.gitlab.librewolf-community/.librewolf/a.profile",
            "share/dbus-1/services",
        ],
        &[
            "tell LibreWolf (Flatpak) where the helper is (~/.mozilla/*)",
            "add the local authority to LibreWolf (Flatpak) profile a.profile *",
        ],
    ),
    (
        "a Firefox that was never started",
        &[".mozilla/firefox"],
        &[
            "Firefox has no profile yet: *",
            "tell Firefox where the helper is (~/.mozilla/native-messaging-hosts/*)",
        ],
    ),
    (
        "Chromium and its relatives",
        &[
            ".config/chromium",
            ".config/google-chrome",
            ".config/microsoft-edge",
            ".config/BraveSoftware/Brave-Browser",
            ".config/vivaldi",
        ],
        &[
            "add the local authority to Chrome, Chromium and their relatives (~/.local/share/pki/nssdb)",
            "tell Chromium where the helper is (~/.config/chromium/NativeMessagingHosts/*)",
            "tell Google Chrome where the helper is (~/.config/google-chrome/NativeMessagingHosts/*)",
            "tell Microsoft Edge where the helper is (~/.config/microsoft-edge/Native*)",
            "tell Brave where the helper is (~/.config/BraveSoftware/Brave-Browser/Native*)",
            "tell Vivaldi where the helper is (~/.config/vivaldi/NativeMessagingHosts/*)",
        ],
    ),
    (
        "those of tomorrow",
        &[
            ".config/google-chrome-beta",
            ".config/google-chrome-unstable",
            ".config/microsoft-edge-beta",
            ".config/microsoft-edge-dev",
            ".config/BraveSoftware/Brave-Browser-Nightly",
            ".config/vivaldi-snapshot",
        ],
        &[
            "add the local authority to Chrome, Chromium and their relatives (~/.local/share/pki/nssdb)",
            "tell Google Chrome Beta where the helper is (~/.config/google-chrome-beta/Native*)",
            "tell Google Chrome Dev where the helper is (~/.config/google-chrome-unstable/Native*)",
            "tell Microsoft Edge Beta where the helper is (~/.config/microsoft-edge-beta/Native*)",
            "tell Microsoft Edge Dev where the helper is (~/.config/microsoft-edge-dev/Native*)",
            "tell Brave Nightly where the helper is (~/.config/BraveSoftware/*-Nightly/Native*)",
            "tell Vivaldi Snapshot where the helper is (~/.config/vivaldi-snapshot/Native*)",
        ],
    ),
    (
        "Chromium with the database of before",
        &[".config/chromium", ".pki/nssdb"],
        &[
            "add the local authority to Chrome, Chromium and their relatives (~/.pki/nssdb)",
            "tell Chromium where the helper is *",
        ],
    ),
    (
        "Chromium with both databases",
        &[".config/chromium", ".pki/nssdb", ".local/share/pki/nssdb"],
        &[
            "add the local authority to Chrome, Chromium and their relatives (~/.pki/nssdb)",
            "add the local authority to Chrome, Chromium and their relatives (~/.local/share/*)",
            "tell Chromium where the helper is *",
        ],
    ),
    (
        "Chromium (snap)",
        &["snap/chromium"],
        &["Chromium (snap) runs in a sandbox that lets no helper in, *"],
    ),
    (
        "sandboxes of Flatpak",
        &[
            ".var/app/org.chromium.Chromium",
            ".var/app/com.google.Chrome",
            ".var/app/com.microsoft.Edge",
            ".var/app/com.brave.Browser",
            ".var/app/com.vivaldi.Vivaldi",
        ],
        &[
            "Chromium (Flatpak) runs in a sandbox *",
            "Chrome (Flatpak) runs in a sandbox *",
            "Edge (Flatpak) runs in a sandbox *",
            "Brave (Flatpak) runs in a sandbox *",
            "Vivaldi (Flatpak) runs in a sandbox *",
        ],
    ),
    (
        "the script by which Ubuntu starts a snap",
        &["a snap's script"],
        &["Chromium (snap) runs in a sandbox *"],
    ),
    ("nothing", &[], &["no browser was found that *"]),
];

/// Whether a text is a pattern's, in which `*` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut last = "";
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        (rest, last) = (after, part);
    }
    rest.is_empty() || (last.is_empty() && pattern.ends_with('*'))
}

#[test]
fn every_browser_is_found_where_it_is_or_named_with_a_reason() {
    for (case, places, expected) in BROWSERS {
        let home = Home::with(places);
        if home.path("share/dbus-1/services").exists() {
            let service = "org.freedesktop.NativeMessagingProxy.service";
            home.write(&format!("share/dbus-1/services/{service}"), "");
        }
        if home.path("a snap's script").exists() {
            home.write(
                "bin/chromium-browser",
                "#!/bin/sh\nexec /snap/bin/chromium \"$@\"\n",
            );
        }
        let said = home.ok(&["install", "--dry-run"]);
        // What is always so is no matter of browsers.
        let lines = said.lines().map(|line| {
            let line = line.trim_start_matches("To know").trim_start();
            line.trim_start_matches(['!', '·']).trim_start()
        });
        let begin = ["tell ", "add "].iter().chain(&REMARKABLE);
        let begin: Vec<_> = begin.collect();
        let lines: Vec<_> = lines
            .filter(|line| begin.iter().any(|it| line.contains(**it)) && !line.starts_with("These"))
            .collect();
        for wanted in expected {
            let has = lines.iter().any(|line| fits(wanted, line));
            assert!(has, "{case}: no {wanted:?} in\n{said}");
        }
        let nobody = |line: &&&str| line.starts_with("no browser was found");
        let told = lines.len() - lines.iter().filter(nobody).count();
        assert_eq!(
            told.max(1),
            expected.len(),
            "{case}: more than that in\n{said}"
        );
    }
}

/// What stands in the installer's remarks.
const REMARKABLE: [&str; 4] = [
    "runs in a sandbox",
    "asks once",
    "no profile yet",
    "no browser was found",
];

#[test]
fn a_dry_run_names_every_file_that_is_touched_then() {
    let home = Home::new();
    let arguments = [
        "install",
        "--chromium-user-data-dir",
        &home.text_of("named chromium"),
    ];
    let said = home.ok(&[&arguments[..], &["--dry-run"]].concat());
    let (_, files) = said.split_once("These files").expect("a list of files");
    let place = |line: &str| {
        let line = line.trim_start().strip_prefix("· ")?;
        let line = line.trim_end_matches("  (new)");
        Some(home.path(line.strip_prefix("~/")?))
    };
    let named: Vec<_> = files.lines().filter_map(place).collect();
    let before = home.bytes();
    home.ok(&[&arguments[..], &["--yes"]].concat());
    let after = home.bytes();
    let is_changed = |file: &&PathBuf| before.get(*file) != after.get(*file);
    let mut touched: Vec<_> = after.keys().filter(is_changed).cloned().collect();
    assert!(touched.len() >= 8, "{touched:#?}");
    touched.retain(|file| !named.contains(file));
    assert_eq!(touched, Vec::<PathBuf>::new(), "not named in\n{said}");
}

#[test]
fn a_profile_that_was_made_later_is_set_up_with_consent() {
    let home = Home::new();
    home.install();
    fs::create_dir(home.path(".mozilla/firefox/new.profile")).unwrap();
    home.write(".mozilla/firefox/new.profile/prefs.js", "");
    let said = home.fails(&["doctor"]);
    assert!(
        said.contains("new.profile") && said.contains("doctor --fix"),
        "{said}"
    );
    // Nobody is there who could consent.
    let said = home.fails(&["doctor", "--fix"]);
    assert!(said.contains("your consent is needed"), "{said}");
    assert!(!home.path(".mozilla/firefox/new.profile/cert9.db").exists());
    let said = home.ok(&["doctor", "--fix", "--yes"]);
    assert!(said.contains("Everything is as it should be."), "{said}");
    let listing = home.certutil(".mozilla/firefox/new.profile", &["-L"]);
    assert_eq!(listing.matches("Housekey").count(), 1, "{listing}");
    // Twice is once.
    let said = home.ok(&["doctor", "--fix"]);
    assert!(said.contains("nothing else that can be mended"), "{said}");
}

#[test]
fn whoever_may_start_the_helper_or_change_it_is_seen() {
    let home = Home::new();
    home.install();
    let codes = || -> Vec<String> {
        let checks = home.doctor()["checks"].as_array().unwrap().clone();
        let bad = checks.iter().filter(|check| check["state"] == "bad");
        bad.map(|it| it["code"].as_str().unwrap().to_owned())
            .collect()
    };
    let manifest = home.path(".mozilla/native-messaging-hosts/app.housekey.helper.json");
    let written = fs::read_to_string(&manifest).unwrap();
    let stranger = written.replace("housekey@housekey.app", "another@example.org");
    fs::write(&manifest, stranger).unwrap();
    assert_eq!(codes(), ["registration_stranger"]);
    fs::write(&manifest, &written).unwrap();
    fs::set_permissions(&manifest, fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(codes(), ["registration_open"]);
    home.ok(&["doctor", "--fix"]);
    assert_eq!((codes(), mode(&manifest)), (Vec::<String>::new(), 0o644));
    let program = home.path(".local/share/housekey/bin/housekey");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(codes(), ["program_unsafe"]);
    home.ok(&["doctor", "--fix"]);
    assert_eq!((codes(), mode(&program)), (Vec::<String>::new(), 0o700));
}

#[test]
fn an_interrupted_install_leaves_nothing_once_it_is_taken_out() {
    for calls in [1, 4, 7] {
        let home = Home::new();
        let before = home.everything();
        let counter = tempfile::tempdir().unwrap();
        let count = counter.path().join("calls");
        fs::write(&count, "0\n").unwrap();
        let certutil = fs::read_link(home.path("bin/certutil")).unwrap();
        fs::remove_file(home.path("bin/certutil")).unwrap();
        // As when the power goes: the installer is gone in the middle of a step.
        let script = format!(
            "#!/bin/sh\nread n < '{count}'\necho $((n+1)) > '{count}'\n\
             [ \"$n\" -lt {calls} ] || kill -9 $PPID\nexec '{certutil}' \"$@\"\n",
            count = count.display(),
            certutil = certutil.display(),
        );
        home.write("bin/certutil", &script);
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(home.path("bin/certutil"), executable).unwrap();
        let arguments = ["install", "--yes", "--firefox-profile"];
        let named = home.text_of("named profile");
        let output = home.housekey(&[&arguments[..], &[&named]].concat());
        assert_eq!(output.status.code(), None, "{}", text(&output));
        fs::remove_file(home.path("bin/certutil")).unwrap();
        home.link_certutil();
        let uninstalled = home.ok(&["uninstall", "--yes"]);
        let (after, before) = (home.everything(), &before);
        let left: Vec<_> = after
            .keys()
            .filter(|it| !before.contains_key(*it))
            .collect();
        assert!(
            left.is_empty(),
            "after {calls} calls: {left:#?}\n{uninstalled}"
        );
        assert_eq!(after, *before);
    }
}

#[test]
fn a_copy_of_the_devices_is_written_first_where_that_is_asked_for() {
    let home = Home::new();
    home.install();
    home.ok(&["pins", "list"]);
    let copy = home.text_of("copy.json");
    home.ok(&["uninstall", "--yes", "--export", &copy]);
    assert!(
        fs::read_to_string(&copy)
            .unwrap()
            .contains("housekey-devices")
    );
    assert!(!home.path(".local/share/housekey").exists());
    home.install();
    home.ok(&["pins", "list"]);
    // A copy that cannot be written keeps the devices where they are.
    home.fails(&["uninstall", "--yes", "--export", &copy]);
    assert!(home.path(".local/share/housekey/housekey.db").exists());
}

const PROFILE: &str = ".mozilla/firefox/abc.default";

#[test]
fn the_helper_is_a_command_unless_something_else_is() {
    let home = Home::new();
    let link = home.path(".local/bin/housekey");
    home.install();
    let program = home.path(".local/share/housekey/bin/housekey");
    assert_eq!(fs::read_link(&link).expect("a link"), program);
    home.ok(&["uninstall", "--yes"]);
    assert!(!home.path(".local").exists(), "a directory is left");

    // Also by somebody whose programs have another place now.
    home.install();
    let elsewhere = home.path("elsewhere");
    let mut uninstall = home.command(&["uninstall", "--yes"]);
    let output = uninstall.env("XDG_BIN_HOME", elsewhere).output();
    assert!(output.expect("housekey starts").status.success());
    assert!(!home.path(".local").exists(), "a link is left");

    // Somebody's own program of this name stays what it is.
    fs::create_dir_all(home.path(".local/bin")).expect("a directory");
    home.write(".local/bin/housekey", "another program");
    home.install();
    home.ok(&["uninstall", "--yes"]);
    let theirs = fs::read_to_string(&link).expect("their program");
    assert_eq!(theirs, "another program");

    // So does a link that somebody made lead elsewhere.
    fs::remove_file(&link).expect("a file");
    std::os::unix::fs::symlink(home.path("bin/firefox"), &link).expect("a link");
    home.install();
    home.ok(&["uninstall", "--yes"]);
    assert_eq!(
        fs::read_link(&link).expect("their link"),
        home.path("bin/firefox")
    );

    // What a package brought needs no link.
    fs::remove_file(&link).expect("a link");
    home.write("bin/housekey", "");
    home.install();
    assert!(!link.exists(), "a second command");
}
