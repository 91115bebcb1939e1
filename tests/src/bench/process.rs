//! What the kernel counts of a process and its children (proc(5)).

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use rustix::io::Errno;
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// A program that runs until this is dropped.
pub(super) struct Process(Child);

/// What a process used so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    /// On a processor, in nanoseconds.
    pub(super) cpu: u64,
    /// Times that it went to sleep or was put to.
    pub(super) switches: u64,
    /// In memory, in bytes.
    pub(super) resident: u64,
}

impl Process {
    /// Starts it with nothing to hear, and writes down what it says.
    pub(super) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let program = command.get_program().to_owned();
        let log = fs::File::create(log)?;
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let child = command.spawn();
        child
            .map(Self)
            .with_context(|| format!("cannot start {}", Path::new(&program).display()))
    }

    /// One that was started with pipes.
    pub(super) const fn of(child: Child) -> Self {
        Self(child)
    }

    /// Whether it still runs.
    pub(super) fn runs(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    /// Lets it and its children run on these cores only.
    pub(super) fn keep_to(&self, cores: &CpuSet) -> Result<()> {
        for process in family(self.0.id()) {
            keep_to(process, cores)?;
        }
        Ok(())
    }

    /// What it and its children used so far.
    pub(super) fn usage(&self) -> Usage {
        let mut total = Usage::default();
        for process in family(self.0.id()) {
            let directory = format!("/proc/{process}");
            let mut on_processors = 0;
            let tasks = fs::read_dir(format!("{directory}/task"));
            for task in tasks.into_iter().flatten().flatten() {
                let schedule = read(&task.path().join("schedstat"));
                let on_processor = schedule.split(' ').next().and_then(|it| it.parse().ok());
                on_processors += on_processor.unwrap_or(0_u64);
                let status = read(&task.path().join("status"));
                total.switches += field(&status, "voluntary_ctxt_switches:");
                total.switches += field(&status, "nonvoluntary_ctxt_switches:");
            }
            // Threads that ended are in the sum for the process only, which counts in hundredths
            // of a second.
            let stat = read(Path::new(&format!("{directory}/stat")));
            total.cpu += on_processors.max(ticks(&stat) * (1_000_000_000 / TICKS));
            let status = read(Path::new(&format!("{directory}/status")));
            total.resident += field(&status, "VmRSS:") * 1_024;
        }
        total
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        for process in family(self.0.id()) {
            // Whoever ended by itself cannot be ended.
            if let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        let _ = self.0.wait();
    }
}

/// A core for whoever asks and whoever answers, another one for whoever stands between them, and
/// all. Which processes share a core decides about what a hop takes more than anything that they do,
/// and the scheduler deals that anew for each run.
pub(super) struct Cores {
    /// Of the load tool and the device.
    pub(super) ends: CpuSet,
    /// Of the candidate.
    pub(super) between: CpuSet,
    all: CpuSet,
}

impl Cores {
    /// None where there is only one.
    pub(super) fn of_this_computer() -> Result<Option<Self>> {
        let all = sched_getaffinity(None)?;
        let mut usable = (0..CpuSet::MAX_CPU).filter(|core| all.is_set(*core));
        let only = |core| {
            let mut set = CpuSet::new();
            set.set(core);
            set
        };
        let (Some(ends), Some(between)) = (usable.next(), usable.next()) else {
            return Ok(None);
        };
        Ok(Some(Self {
            ends: only(ends),
            between: only(between),
            all,
        }))
    }

    /// Lets these, and this process, run anywhere again.
    pub(super) fn release(&self, processes: &[&Process]) -> Result<()> {
        processes
            .iter()
            .try_for_each(|process| process.keep_to(&self.all))?;
        keep_this_to(&self.all)
    }
}

/// Lets this process run on these cores only.
pub(super) fn keep_this_to(cores: &CpuSet) -> Result<()> {
    keep_to(std::process::id(), cores)
}

fn keep_to(process: u32, cores: &CpuSet) -> Result<()> {
    let tasks = fs::read_dir(format!("/proc/{process}/task"))?;
    for task in tasks {
        let task = task?.file_name();
        let task = task.to_str().and_then(|it| it.parse().ok());
        let task = task
            .and_then(Pid::from_raw)
            .context("a task is no number")?;
        match sched_setaffinity(Some(task), cores) {
            // It ended meanwhile.
            Ok(()) | Err(Errno::SRCH) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Lets this process, and what it starts, open as many files as the system allows, and says how
/// many those are.
pub(super) fn raise_file_limit() -> u64 {
    let now = getrlimit(Resource::Nofile);
    let plenty = now.maximum.map(|maximum| maximum.max(PLENTY));
    let raised = Rlimit {
        current: plenty,
        maximum: plenty,
    };
    // Only the system's administrator may go beyond the maximum.
    if setrlimit(Resource::Nofile, raised).is_err() {
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: now.maximum,
                ..now
            },
        );
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// A process and all that it started.
fn family(root: u32) -> Vec<u32> {
    let mut family = vec![root];
    let mut next = 0;
    while let Some(process) = family.get(next) {
        let children = read(Path::new(&format!(
            "/proc/{process}/task/{process}/children"
        )));
        family.extend(
            children
                .split_whitespace()
                .filter_map(|pid| pid.parse::<u32>().ok()),
        );
        next += 1;
    }
    family
}

/// Empty where the process or thread ended meanwhile.
fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_default()
}

/// The number behind this name at the beginning of a line.
fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    number.unwrap_or(0)
}

/// User and system time in `stat`: the 14th and 15th field, counted behind the name in brackets.
fn ticks(stat: &str) -> u64 {
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields = fields.split_whitespace().skip(11).take(2);
    fields.filter_map(|field| field.parse::<u64>().ok()).sum()
}

/// In a second (sysconf(3), `_SC_CLK_TCK`): 100 on every Linux that there is.
const TICKS: u64 = 100;
const PLENTY: u64 = 65_536;
