//! `housekey manual`: what packages bring beside the program, written by the program itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Command};
use clap_complete::Shell;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where to write man1/, and completions/ for bash, fish and zsh
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

pub(super) fn run(mut command: Command, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    write(&mut command, &arguments.directory).with_context(|| {
        let directory = arguments.directory.display();
        format!("cannot write the manual to {directory}; name a directory of yours")
    })?;
    Ok(ExitCode::SUCCESS)
}

fn write(command: &mut Command, directory: &Path) -> anyhow::Result<()> {
    let completions = directory.join("completions");
    fs::create_dir_all(&completions)?;
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        clap_complete::generate_to(shell, command, "housekey", &completions)?;
    }
    let pages = directory.join("man1");
    fs::create_dir_all(&pages)?;
    clap_mangen::generate_to(without_help(command.clone()), &pages)?;
    Ok(())
}

/// Without the command `help`, which says what the pages say: each would have another page of it.
fn without_help(command: Command) -> Command {
    let command = command.disable_help_subcommand(true);
    command.mut_subcommands(without_help)
}
