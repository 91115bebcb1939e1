//! Walks through an installation on systems that are not here: installed, found in order, broken,
//! mended, taken out again. What the systems would answer is theirs to say; that everything above
//! the seam asks them, and leaves nothing behind, is shown here.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::SystemTime;

use housekey_core::checkup::{Check, Found, State, Whose};
use rustls_pki_types::CertificateDer;

use super::stand_ins::{FakeWorld, pem};
use super::windows::{FakeRegistry, FakeRoots, Registry as _, Roots as _};
use super::{MacOs, Platform, Windows};
use crate::authority::fingerprint;
use crate::doctor::{Looker, examine};
use crate::install::{Plan, Request, VERSION};
use crate::paths::Paths;
use crate::uninstall::Removal;

#[test]
fn on_macos() {
    let home = Home::with(&[
        "Library/Application Support/Firefox/Profiles/abcd.default-release",
        "Library/Application Support/Google/Chrome/Default",
    ]);
    let keychain = Rc::new(Trusted::default());
    let mac = MacOs::new(
        home.world()
            .with("HOME", home.path(""))
            .answering(securitys_answers(&keychain)),
    );
    let walk = Walk::begin(&home, &mac);
    let support = "Library/Application Support";
    walk.install(&[
        "copy the helper",
        "make a local authority",
        "add the local authority to macOS",
        "tell Firefox",
        "tell Google Chrome",
    ]);
    for place in ["Mozilla", "Google/Chrome"] {
        let hosts = format!("{support}/{place}/NativeMessagingHosts");
        assert!(home.has(&format!("{hosts}/app.housekey.helper.json")));
    }
    assert_eq!(keychain.0.borrow().len(), 1);
    walk.is_in_order(&Whose::browser("macOS"));

    // The person distrusts it in the system's own program: it is taken out, and put in anew.
    keychain
        .0
        .borrow_mut()
        .values_mut()
        .for_each(|(_, trusted)| *trusted = false);
    walk.finds(Found::TrustWrong);
    walk.install(&["take the old", "add the local authority to macOS"]);
    let manifest = format!("{support}/Mozilla/NativeMessagingHosts/app.housekey.helper.json");
    fs::remove_file(home.path(&manifest)).unwrap();
    walk.finds(Found::RegistrationMissing);
    walk.install(&["tell Firefox"]);
    walk.is_in_order(&Whose::browser("macOS"));

    walk.uninstall();
    assert!(keychain.0.borrow().is_empty());
}

#[test]
fn on_windows() {
    let home = Home::with(&[
        "Roaming/Mozilla/Firefox/Profiles/abcd.default-release",
        "Local/Microsoft/Edge/User Data/Default",
    ]);
    let world = home
        .world()
        .with("APPDATA", home.path("Roaming"))
        .with("LOCALAPPDATA", home.path("Local"))
        .answering(icacls_answers);
    let stranger = CertificateDer::from(b"somebody else's".to_vec());
    let (registry, roots) = (
        Rc::new(FakeRegistry::default()),
        Rc::new(FakeRoots::default()),
    );
    roots.add(&stranger).unwrap();
    let windows = Windows::new(
        Rc::new(world),
        Rc::clone(&registry) as _,
        Rc::clone(&roots) as _,
    );
    let walk = Walk::begin(&home, &windows);
    walk.install(&[
        "copy the helper",
        "make a local authority",
        "add the local authority to Windows",
        "tell Firefox",
        "tell Microsoft Edge",
    ]);
    let key = |browser| format!(r"Software\{browser}\NativeMessagingHosts\app.housekey.helper");
    let manifest = home.path("Local/Housekey/app.housekey.helper.firefox.json");
    assert_eq!(
        registry.value(&key("Mozilla")).unwrap().map(PathBuf::from),
        Some(manifest)
    );
    assert!(registry.value(&key(r"Microsoft\Edge")).unwrap().is_some());
    assert_eq!(roots.all().unwrap().len(), 2);
    walk.is_in_order(&Whose::browser("Windows"));

    registry.set(&key("Mozilla"), r"C:\another.json").unwrap();
    walk.finds(Found::RegistrationWrong);
    walk.install(&["tell Firefox"]);
    let ours = roots.all().unwrap().pop().unwrap();
    roots.remove(&ours).unwrap();
    walk.finds(Found::TrustMissing);
    walk.install(&["add the local authority to Windows"]);
    walk.is_in_order(&Whose::browser("Windows"));

    walk.uninstall();
    assert_eq!(roots.all().unwrap(), [stranger]);
    assert_eq!(registry.value(&key("Mozilla")).unwrap(), None);
    assert_eq!(registry.value(&key(r"Microsoft\Edge")).unwrap(), None);
}

/// One installation, from its first step to its last trace.
struct Walk<'w> {
    home: &'w Home,
    platform: &'w dyn Platform,
    paths: Paths,
    before: Vec<PathBuf>,
}

impl<'w> Walk<'w> {
    fn begin(home: &'w Home, platform: &'w dyn Platform) -> Self {
        let paths = Paths::at(platform.data_directory().unwrap());
        let before = home.files();
        let walk = Self {
            home,
            platform,
            paths,
            before,
        };
        let empty = Removal::survey(platform, &walk.paths).unwrap();
        assert!(empty.is_empty());
        walk
    }

    /// Installs in exactly these steps; a second try has nothing to do.
    fn install(&self, expected: &[&str]) {
        let now = SystemTime::now();
        let plan = || Plan::make(self.platform, &self.paths, &Request::default(), now).unwrap();
        let first = plan();
        let steps: Vec<String> = first.steps.iter().map(ToString::to_string).collect();
        assert_eq!(steps.len(), expected.len(), "{steps:#?}");
        for (step, expected) in steps.iter().zip(expected) {
            assert!(step.starts_with(expected), "{step} is not {expected}");
        }
        assert_eq!(
            first.needs_consent(),
            steps.iter().any(|it| it.starts_with("add"))
        );
        first
            .execute(self.platform, &self.paths, now, &mut |step, result| {
                assert!(result.is_ok(), "{step}: {result:?}");
            })
            .unwrap();
        assert!(plan().steps.is_empty());
    }

    fn checks(&self) -> Vec<Check> {
        examine(
            self.platform,
            &self.paths,
            Looker::Person,
            SystemTime::now(),
        )
        .checks
    }

    fn is_in_order(&self, store: &Whose) {
        let checks = self.checks();
        let is_bad = |check: &&Check| check.found.state() == State::Bad;
        assert_eq!(checks.iter().find(is_bad), None);
        let trusting = checks.iter().find(|it| it.found == Found::TrustGood);
        assert_eq!(trusting.unwrap().whose.as_ref(), Some(store));
        let count = |found| checks.iter().filter(|it| it.found == found).count();
        assert_eq!(count(Found::RegistrationGood), 2);
        // Chrome and its relatives tell it otherwise than Firefox, whose file stands in both.
        assert_eq!(count(Found::ExtensionGood), 1);
    }

    fn finds(&self, expected: Found) {
        let checks = self.checks();
        let bad: Vec<Found> = checks
            .iter()
            .map(|check| check.found)
            .filter(|found| found.state() == State::Bad)
            .collect();
        assert_eq!(bad, [expected]);
    }

    fn uninstall(&self) {
        let removal = Removal::survey(self.platform, &self.paths).unwrap();
        removal.execute(self.platform, &self.paths, false).unwrap();
        assert!(
            Removal::survey(self.platform, &self.paths)
                .unwrap()
                .is_empty()
        );
        assert_eq!(self.home.files(), self.before);
    }
}

/// A home of a test's own, with browsers in it.
struct Home(tempfile::TempDir);

impl Home {
    fn with(profiles: &[&str]) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        for profile in profiles {
            let profile = home.path(profile);
            fs::create_dir_all(&profile).unwrap();
            fs::write(profile.join("times.json"), "{}").unwrap();
            let addon = serde_json::json!({
                "id": crate::extension_id::FIREFOX, "version": VERSION, "active": true,
            });
            let addons = serde_json::json!({ "addons": [addon] }).to_string();
            fs::write(profile.join("extensions.json"), addons).unwrap();
        }
        home
    }

    /// A world that knows its directories.
    fn world(&self) -> FakeWorld {
        let directories = self.files().into_iter().filter(|it| it.is_dir());
        directories.fold(FakeWorld::default(), |world, directory| {
            world.having(directory.to_str().unwrap())
        })
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    fn has(&self, below: &str) -> bool {
        self.path(below).is_file()
    }

    /// Everything that is in it.
    fn files(&self) -> Vec<PathBuf> {
        let mut files = vec![self.0.path().to_path_buf()];
        let mut at = 0;
        while let Some(directory) = files.get(at).cloned() {
            let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
            files.extend(entries.map(|entry| entry.path()));
            at += 1;
        }
        files.sort();
        files
    }
}

/// A keychain: each certificate by its fingerprint, and whether it is trusted.
#[derive(Default)]
struct Trusted(RefCell<BTreeMap<String, (CertificateDer<'static>, bool)>>);

/// What security(1) does with it.
fn securitys_answers(
    keychain: &Rc<Trusted>,
) -> impl Fn(&str, &[String]) -> io::Result<Vec<u8>> + 'static {
    let keychain = Rc::clone(keychain);
    move |program, arguments| {
        if program != "/usr/bin/security" {
            return Err(io::Error::other("no such program"));
        }
        let mut known = keychain.0.borrow_mut();
        let file = |path: Option<&String>| {
            CertificateDer::from(fs::read(path.map(Path::new).unwrap()).unwrap())
        };
        let found = |is_it| match is_it {
            true => Ok(Vec::new()),
            false => Err(io::Error::other("not found, or not trusted")),
        };
        match arguments[0].as_str() {
            "add-trusted-cert" => {
                let certificate = file(arguments.last());
                known.insert(fingerprint(&certificate), (certificate, true));
                Ok(Vec::new())
            }
            "find-certificate" if known.is_empty() => found(false),
            "find-certificate" => Ok(known.values().flat_map(|(it, _)| pem(it)).collect()),
            "verify-cert" => {
                let entry = known.get(&fingerprint(&file(arguments.last())));
                found(entry.is_some_and(|(_, trusted)| *trusted))
            }
            "remove-trusted-cert" => {
                let entry = known.get_mut(&fingerprint(&file(arguments.last())));
                found(entry.is_some_and(|(_, trusted)| std::mem::replace(trusted, false)))
            }
            "delete-certificate" => found(known.remove(&arguments[2]).is_some()),
            other => Err(io::Error::other(format!("{other} is not expected"))),
        }
    }
}

/// What the commands of a Windows say on which every file is its user's alone.
fn icacls_answers(program: &str, arguments: &[String]) -> io::Result<Vec<u8>> {
    const ME: &str = "S-1-5-21-1-2-3-1001";
    let name = program.rsplit_once('\\').map(|(_, name)| name);
    if name == Some("icacls.exe") && arguments[1] == "/save" {
        let list = format!("it\r\nD:PAI(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;{ME})\r\n");
        let bytes: Vec<u8> = list.encode_utf16().flat_map(u16::to_le_bytes).collect();
        fs::write(&arguments[2], bytes)?;
    }
    Ok(match name {
        Some("whoami.exe") => format!("\"PC\\me\",\"{ME}\"\r\n").into(),
        _ => Vec::new(),
    })
}
