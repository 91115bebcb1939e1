//! Which processes there are and where they listen, through the system's own commands.

use std::collections::BTreeSet;
use std::ffi::OsStr;

use super::acl::command;
use crate::platform::World;

/// The processes of a program, by its file's name: no command tells where the file is.
pub(super) fn of(world: &dyn World, program: &str) -> BTreeSet<u32> {
    // `"housekey.exe","4321","Console","1","12,345 K"`, or a sentence that there is none.
    let filter = format!("IMAGENAME eq {program}");
    let said = run(
        world,
        "tasklist.exe",
        &["/fi", &filter, "/fo", "csv", "/nh"],
    );
    let rows = said
        .lines()
        .filter_map(|line| line.trim().strip_prefix('"'));
    let numbers = rows.filter_map(|row| {
        let mut columns = row.split("\",\"");
        let is_it = columns.next()?.eq_ignore_ascii_case(program);
        is_it.then(|| columns.next()?.parse().ok())?
    });
    numbers.collect()
}

/// The ports at which they listen.
pub(super) fn ports_of(world: &dyn World, program: &str) -> BTreeSet<u16> {
    let processes = of(world, program);
    if processes.is_empty() {
        return BTreeSet::new();
    }
    // `  TCP    127.0.0.1:54321    0.0.0.0:0    LISTENING    4321`. The state's name is translated;
    // that there is nobody at the other end is not.
    let said = run(world, "netstat.exe", &["-a", "-n", "-o", "-p", "TCP"]);
    let listening = said.lines().filter_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (["TCP", local, "0.0.0.0:0"], [.., process]) = (columns.get(..3)?, &columns[..]) else {
            return None;
        };
        let is_theirs = processes.contains(&process.parse().ok()?);
        is_theirs.then(|| local.rsplit_once(':')?.1.parse().ok())?
    });
    listening.collect()
}

fn run(world: &dyn World, program: &str, arguments: &[&str]) -> String {
    let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
    let said = world.run(&command(world, program), &arguments);
    String::from_utf8_lossy(&said.unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::stand_ins::FakeWorld;

    #[test]
    fn ports_are_those_at_which_the_program_listens() {
        let world = FakeWorld::default().answering(|program, _| {
            Ok(match program.rsplit_once('\\').unwrap().1 {
                "tasklist.exe" => {
                    "\"housekey.exe\",\"4321\",\"Console\",\"1\",\"12.345 K\"\r\n\
                     \"Housekey.exe\",\"77\",\"Console\",\"1\",\"12.345 K\"\r\n"
                }
                "netstat.exe" => {
                    "\r\nAktive Verbindungen\r\n\r\n  \
                     Proto  Lokale Adresse  Remoteadresse  Status  PID\r\n  \
                     TCP  127.0.0.1:54321  0.0.0.0:0  ABHÖREN  4321\r\n  \
                     TCP  127.0.0.1:54321  127.0.0.1:50000  HERGESTELLT  4321\r\n  \
                     TCP  0.0.0.0:445  0.0.0.0:0  ABHÖREN  4\r\n  \
                     TCP  odd\r\n"
                }
                _ => "",
            }
            .into())
        });
        assert_eq!(of(&world, "housekey.exe"), [77, 4_321].into());
        assert_eq!(ports_of(&world, "housekey.exe"), [54_321].into());
    }

    #[test]
    fn where_none_runs_there_is_a_sentence() {
        let world = FakeWorld::default()
            .answering(|_, _| Ok("INFO: No tasks are running which match.\r\n".into()));
        assert!(of(&world, "housekey.exe").is_empty());
        assert!(ports_of(&world, "housekey.exe").is_empty());
    }
}
