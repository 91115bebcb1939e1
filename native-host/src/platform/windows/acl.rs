//! Access control lists, through the system's own commands.
//!
//! They are read as SDDL, which is the same in every language of Windows
//! (<https://learn.microsoft.com/windows/win32/secauthz/ace-strings>), and written with `icacls`.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

use crate::paths::PathsError;
use crate::platform::{Others, World};

/// Lets the user, the system and its administrators in, and nobody else.
pub(super) fn make_private(world: &dyn World, path: &Path) -> Result<(), PathsError> {
    let user = user(world, path)?;
    let rights = if path.is_dir() { "(OI)(CI)F" } else { "F" };
    let grants: Vec<String> = [user.as_str(), SYSTEM.1, ADMINISTRATORS.1]
        .map(|sid| format!("*{sid}:{rights}"))
        .into();
    let mut arguments = vec![path.as_os_str()];
    arguments.extend(["/inheritance:r", "/grant:r"].map(OsStr::new));
    arguments.extend(grants.iter().map(OsStr::new));
    world
        .run(&command(world, "icacls.exe"), &arguments)
        .map_err(|source| failed(path, source))?;
    check_private(world, path)
}

/// Checks that only those have any right. What cannot be read is refused.
pub(super) fn check_private(world: &dyn World, path: &Path) -> Result<(), PathsError> {
    match others(world, path)?.are_out() {
        true => Ok(()),
        false => Err(PathsError::LooseMode {
            path: path.into(),
            mode: 0,
        }),
    }
}

/// What anybody else may do.
pub(super) fn others(world: &dyn World, path: &Path) -> Result<Others, PathsError> {
    let metadata = fs::symlink_metadata(path).map_err(|source| failed(path, source))?;
    if metadata.file_type().is_symlink() {
        return Err(PathsError::WrongKind(path.into()));
    }
    let user = user(world, path)?;
    let saved = tempfile::NamedTempFile::new().map_err(|source| failed(path, source))?;
    let arguments = [
        path.as_os_str(),
        OsStr::new("/save"),
        saved.path().as_os_str(),
    ];
    world
        .run(&command(world, "icacls.exe"), &arguments)
        .map_err(|source| failed(path, source))?;
    let bytes = fs::read(saved.path()).map_err(|source| failed(path, source))?;
    let unclear = || failed(path, io::Error::other("its access list cannot be read"));
    judge(&utf16(&bytes), &user).ok_or_else(unclear)
}

/// What an access list allows to anybody but the user, the system and its administrators; nothing
/// where it cannot be understood.
fn judge(saved: &str, user: &str) -> Option<Others> {
    // A line with the name, and one with the list: `D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;S-1-5-21-…)`.
    let list = saved
        .lines()
        .find_map(|line| line.trim().strip_prefix("D:"))?;
    // `D:NO_ACCESS_CONTROL` lets in everybody, and `D:` alone nobody: neither is what was written.
    let (_, entries) = list.split_once('(')?;
    let entries = entries.strip_suffix(')')?;
    let known = [user, SYSTEM.0, SYSTEM.1, ADMINISTRATORS.0, ADMINISTRATORS.1];
    let mut others = Others::default();
    for entry in entries.split(")(") {
        let fields: Vec<_> = entry.split(';').collect();
        let [kind, _, rights, _, _, who, ..] = fields[..] else {
            return None;
        };
        // What denies harms nobody; every other kind may let somebody in.
        // The first administrator, who may be this user, is abbreviated too.
        let is_user = who == "LA" && user.ends_with("-500");
        if kind == "D" || is_user || known.contains(&who) {
            continue;
        }
        // Directories keep nobody from what is in them, who has a right to that itself.
        (others.enter, others.read) = (true, true);
        others.write |= kind != "A" || !only_reads(rights);
    }
    Some(others)
}

/// Whether rights, as letters or as a number, are to read and to run and nothing else
/// (<https://learn.microsoft.com/windows/win32/secauthz/ace-strings>).
fn only_reads(rights: &str) -> bool {
    if let Some(digits) = rights.strip_prefix("0x") {
        return u32::from_str_radix(digits, 16).is_ok_and(|mask| mask & !READING == 0);
    }
    let mut pairs = rights.as_bytes().chunks(2);
    pairs.all(|pair| matches!(pair, b"FR" | b"FX" | b"GR" | b"GX" | b"RC"))
}

/// The user's own identifier: `"PC\me","S-1-5-21-1-2-3-1001"`.
fn user(world: &dyn World, path: &Path) -> Result<String, PathsError> {
    let arguments = ["/user", "/fo", "csv", "/nh"].map(OsStr::new);
    let said = world.run(&command(world, "whoami.exe"), &arguments);
    let said = said.map_err(|source| failed(path, source))?;
    let said = String::from_utf8_lossy(&said);
    let sid = said.trim().trim_end_matches('"').rsplit('"').next();
    match sid {
        Some(sid) if sid.starts_with("S-1-") => Ok(sid.to_owned()),
        _ => Err(failed(
            path,
            io::Error::other("whoami does not say who you are"),
        )),
    }
}

/// By its whole path, so that no other program of that name answers.
pub(super) fn command(world: &dyn World, name: &str) -> String {
    let root = world.variable("SystemRoot");
    let root = root.and_then(|root| root.into_string().ok());
    let root = root.unwrap_or_else(|| r"C:\Windows".into());
    format!(r"{root}\System32\{name}")
}

/// `icacls` writes UTF-16, the lower byte first.
fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2);
    let units = units.map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    char::decode_utf16(units)
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

fn failed(path: &Path, source: io::Error) -> PathsError {
    PathsError::Io {
        path: path.into(),
        source,
    }
}

/// `FILE_GENERIC_READ`, `FILE_GENERIC_EXECUTE`, `GENERIC_READ` and `GENERIC_EXECUTE`.
const READING: u32 = 0xA012_00A9;
/// As SDDL abbreviates it, and whole.
const SYSTEM: (&str, &str) = ("SY", "S-1-5-18");
const ADMINISTRATORS: (&str, &str) = ("BA", "S-1-5-32-544");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::stand_ins::FakeWorld;

    const ME: &str = "S-1-5-21-1-2-3-1001";

    #[test]
    fn only_the_user_and_the_system_may_have_rights() {
        let list = |entries: &str| format!("housekey\r\nD:PAI{entries}\r\n");
        let judge = |entries: &str| judge(&list(entries), ME).unwrap();
        let private = format!("(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;{ME})");
        assert!(judge(&private).are_out());
        for other in ["BU", "WD", "AU", "S-1-5-21-1-2-3-1002"] {
            let may = |rights: &str| judge(&format!("(A;OICI;FA;;;{ME})(A;ID;{rights};;;{other})"));
            for rights in ["FR", "FRFX", "GRGX", "0x1200a9", "0x120089"] {
                assert!(may(rights).read && !may(rights).write, "{other} {rights}");
            }
            for rights in [
                "FA", "FRFW", "GA", "0x1301bf", "0x1f01ff", "0x2", "WD", "F", "0xx",
            ] {
                assert!(may(rights).read && may(rights).write, "{other} {rights}");
            }
        }
        assert!(judge(&format!("(D;;FA;;;WD)(A;;FA;;;{ME})")).are_out());
        // An entry of a kind that is not known lets somebody in, perhaps.
        assert!(judge("(XA;;FX;;;WD;(@User.Title==\"PM\"))").write);
    }

    #[test]
    fn the_first_administrator_is_abbreviated() {
        let list = "housekey\nD:PAI(A;;FA;;;SY)(A;;FA;;;LA)";
        assert!(judge(list, "S-1-5-21-1-2-3-500").unwrap().are_out());
        assert!(judge(list, ME).unwrap().write);
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        for saved in [
            "",
            "housekey",
            "x\nD:",
            "x\nD:NO_ACCESS_CONTROL",
            "x\nD:P(A;;FA)",
            "x\nD:P(A",
        ] {
            assert_eq!(judge(saved, ME), None, "{saved:?}");
        }
    }

    #[test]
    fn commands_are_the_systems_own_and_the_list_is_read_back() {
        let home = tempfile::tempdir().unwrap();
        let list = format!("housekey\r\nD:PAI(A;OICI;FA;;;{ME})(A;OICI;FA;;;SY)\r\n");
        let world = answering(list);
        make_private(&world, home.path()).unwrap();
        let said = world.said();
        assert_eq!(said[0][0], r"D:\Win\System32\whoami.exe");
        assert_eq!(said[1][0], r"D:\Win\System32\icacls.exe");
        assert_eq!(
            said[1][2..],
            [
                "/inheritance:r",
                "/grant:r",
                "*S-1-5-21-1-2-3-1001:(OI)(CI)F",
                "*S-1-5-18:(OI)(CI)F",
                "*S-1-5-32-544:(OI)(CI)F",
            ]
        );
        let open = answering(format!(
            "housekey\r\nD:AI(A;ID;FA;;;{ME})(A;ID;FR;;;BU)\r\n"
        ));
        let error = check_private(&open, home.path()).unwrap_err();
        assert_eq!(error.code(), "path_loose_mode");
        let error = check_private(&answering(String::new()), home.path()).unwrap_err();
        assert_eq!(error.code(), "path_io");
    }

    fn answering(list: String) -> FakeWorld {
        let world = FakeWorld::default().with("SystemRoot", r"D:\Win");
        world.answering(move |program, arguments| {
            if program.ends_with("whoami.exe") {
                return Ok(format!("\"PC\\me\",\"{ME}\"\r\n").into());
            }
            if arguments[1] == "/save" {
                let bytes: Vec<u8> = list.encode_utf16().flat_map(u16::to_le_bytes).collect();
                fs::write(&arguments[2], bytes)?;
            }
            Ok(Vec::new())
        })
    }
}
