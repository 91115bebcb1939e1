//! Another user of this computer: everything is there to be tried, and nothing of it works.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::SystemTime;

use housekey::authority::Authority;
use housekey::paths::Paths;
use housekey::store::Store;

use crate::{Helper, hello};

/// Somebody who is not the one that runs the tests: nobody.
const OTHER: u32 = 65_534;

/// What a shell of another user's says to this, and whether it worked.
///
/// `None` where this process may not become anybody else. Then there is no other user here.
fn other(script: &str) -> Option<(String, bool)> {
    let mut shell = Command::new("/bin/bash");
    shell.args(["-c", script]).env_clear().current_dir("/");
    shell.uid(OTHER).gid(OTHER);
    match shell.output() {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said).into_owned();
            Some((said, output.status.success()))
        }
        Err(error) => {
            assert!(!rustix::process::geteuid().is_root(), "{error}");
            eprintln!("only root can be another user: nothing was tried");
            None
        }
    }
}

/// A home that others may look into, as many are: what Housekey keeps in it protects itself.
fn open_home(helper: &Helper) -> Paths {
    let everybody = fs::Permissions::from_mode(0o755);
    fs::set_permissions(helper.home.path(), everybody).unwrap();
    Paths::at(helper.home.path().join("housekey"))
}

#[test]
fn another_user_reads_and_writes_nothing_and_uses_no_gateway() {
    let mut helper = Helper::installed();
    let gateway = helper.ask(&hello(1))["answer"]["value"]["gateway"].clone();
    let paths = open_home(&helper);
    let home = helper.home.path().display().to_string();
    let Some((_, works)) = other(&format!("ls {home}")) else {
        return;
    };
    assert!(works, "the test's own home is closed, so it shows nothing");
    let pid = helper.process.id();
    for file in [
        paths.issuer_key(),
        paths.issuer_certificate(),
        paths.database(),
        paths.seal(),
    ] {
        assert!(file.exists(), "{}", file.display());
        let file = file.display();
        for attempt in [
            format!("cat {file}"),
            format!("echo x >> {file}"),
            format!("ln {file} /tmp/housekey-link-{pid}"),
            format!("mv {file} {file}.away"),
            format!("rm -f {file}"),
        ] {
            let (said, works) = other(&attempt).unwrap();
            assert!(!works, "{attempt}: {said}");
        }
    }
    let data = paths.data().display();
    for attempt in [
        format!("ls {data}"),
        format!("touch {data}/x"),
        format!("mv {data} {data}.away"),
        format!("cat /proc/{pid}/environ"),
        format!("head -c 1 /proc/{pid}/mem"),
        format!("ls /proc/{pid}/fd"),
        format!("echo x > /proc/{pid}/fd/0"),
        format!("kill -9 {pid}"),
    ] {
        let (said, works) = other(&attempt).unwrap();
        assert!(!works, "{attempt}: {said}");
    }

    let port = gateway["port"].as_u64().unwrap();
    for credentials in ["", "Proxy-Authorization: Basic aG91c2VrZXk6Z3Vlc3M=\\r\\n"] {
        let (said, _) = other(&format!(
            "exec 3<>/dev/tcp/127.0.0.1/{port}; \
             printf 'CONNECT 192.168.1.20:443 HTTP/1.1\\r\\n{credentials}\\r\\n' >&3; cat <&3"
        ))
        .unwrap();
        assert!(said.starts_with("HTTP/1.1 407 "), "{said}");
    }
    // And the helper is none the worse.
    assert_eq!(helper.ask(&hello(2))["answer"]["value"]["gateway"], gateway);
}

/// A key or a store that another user could have made, or could change, is not used.
#[test]
fn what_another_user_owns_is_refused() {
    if other("true").is_none() {
        return;
    }
    let authority = |paths: &Paths| {
        let loaded = Authority::load(paths, SystemTime::now());
        loaded.unwrap_err().to_string()
    };
    let store = |paths: &Paths| Store::open(paths).err().unwrap().to_string();
    for file in [
        "authority/issuer.key",
        "authority/issuer.pem",
        "authority/root.pem",
        "authority",
        "",
    ] {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::at(home.path().join("housekey"));
        Authority::create(&paths, &[], SystemTime::now()).unwrap();
        chown(paths.data().join(file), Some(OTHER), None).unwrap();
        let said = authority(&paths);
        assert!(said.contains("belongs to another user"), "{file}: {said}");
    }
    for file in ["housekey.db", "housekey.db.seal", ""] {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::at(home.path().join("housekey"));
        drop(Store::open(&paths).unwrap());
        chown(paths.data().join(file), Some(OTHER), None).unwrap();
        let said = store(&paths);
        assert!(said.contains("belongs to another user"), "{file}: {said}");
    }
}
