//! Brings the tools that are missing, after saying what it will do.

use std::env;
use std::io::{IsTerminal, stdin};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use dialoguer::Confirm;

use crate::need::{Need, Remedy};
use crate::process;
use crate::wasm_compiler::{TARGET, WasmCompiler};

/// Installs whatever of these needs this computer lacks.
///
/// Says first what that is, and asks where a person sits at the terminal, unless `yes`.
///
/// # Errors
///
/// When the person says no, an installation fails, or this system is none that it knows.
pub(crate) fn bring(needs: &[Need], yes: bool) -> Result<()> {
    let missing = missing(needs);
    if missing.is_empty() {
        return Ok(());
    }
    process::heading("set-up");
    println!("Housekey needs, and this computer lacks:");
    for need in &missing {
        println!("  {:<32} {}", need.name(), how(*need));
    }
    if let Some(unknown) = missing.iter().find(|need| !can_bring(**need)) {
        bail!(
            "this system has no apt-get and no rustup that could bring {}; \
             install what is listed above by the system's own means and try again",
            unknown.name()
        );
    }
    confirm(yes)?;
    install(&missing)?;

    let still: Vec<_> = self::missing(needs)
        .iter()
        .map(|need| need.name())
        .collect();
    if !still.is_empty() {
        bail!("still missing after installing: {}", still.join(", "));
    }
    Ok(())
}

fn missing(needs: &[Need]) -> Vec<Need> {
    needs
        .iter()
        .copied()
        .filter(|need| !need.is_met())
        .collect()
}

fn how(need: Need) -> String {
    match need.remedy() {
        Remedy::CargoInstall { name, version } => {
            format!("cargo install {name} --version ={version} --locked")
        }
        Remedy::Component(name) => format!("rustup component add {name}"),
        Remedy::Packages(packages) => format!("system package {}", packages.join(", ")),
        Remedy::WasmTarget => format!(
            "rustup target add {TARGET}; where that fails, system packages {}",
            DEBIAN_WASM.join(", ")
        ),
    }
}

fn can_bring(need: Need) -> bool {
    let apt = process::find("apt-get").is_some();
    let rustup = process::find("rustup").is_some();
    match need.remedy() {
        Remedy::CargoInstall { .. } => true,
        Remedy::Component(_) => rustup,
        Remedy::Packages(_) => apt,
        Remedy::WasmTarget => apt || rustup,
    }
}

fn confirm(yes: bool) -> Result<()> {
    let asks = stdin().is_terminal() && env::var_os("CI").is_none();
    if yes || !asks {
        return Ok(());
    }
    let administrator = if process::is_root() {
        ""
    } else {
        " (system packages with sudo)"
    };
    let agreed = Confirm::new()
        .with_prompt(format!("Install these now{administrator}?"))
        .default(true)
        .interact()
        .context("got no answer")?;
    if !agreed {
        bail!("nothing was installed; install what is listed above yourself and try again");
    }
    Ok(())
}

fn install(missing: &[Need]) -> Result<()> {
    let mut packages = Vec::new();
    for need in missing {
        match need.remedy() {
            Remedy::Packages(names) => packages.extend(names),
            Remedy::WasmTarget if !add_rustup_target() => packages.extend(DEBIAN_WASM),
            Remedy::CargoInstall { .. } | Remedy::Component(_) | Remedy::WasmTarget => {}
        }
    }
    if !packages.is_empty() {
        apt_install(&packages)?;
    }
    for need in missing {
        match need.remedy() {
            Remedy::CargoInstall { name, version } => {
                let version = format!("={version}");
                let install = ["install", name, "--version", &version, "--locked"];
                announce(Command::new("cargo").args(install))?;
            }
            Remedy::Component(name) => {
                announce(Command::new("rustup").args(["component", "add", name]))?;
            }
            Remedy::Packages(_) | Remedy::WasmTarget => {}
        }
    }
    Ok(())
}

/// Whether rustup could add the target; it says itself why not.
fn add_rustup_target() -> bool {
    process::find("rustup").is_some()
        && announce(Command::new("rustup").args(["target", "add", TARGET])).is_ok()
        && WasmCompiler::find() == Some(WasmCompiler::Toolchain)
}

fn apt_install(packages: &[&str]) -> Result<()> {
    process::find("apt-get").context("this system has no apt-get")?;
    announce(as_root("apt-get").arg("update"))?;
    // A package's server must not begin to listen, now or at the next start of this computer,
    // only because a test runs its program.
    let services: Vec<_> = SERVICES
        .iter()
        .filter(|(package, _)| packages.contains(package))
        .map(|(_, service)| *service)
        .collect();
    let quieten = !services.is_empty() && Path::new(SYSTEMD_RUNS).is_dir();
    if quieten {
        let mask = ["mask", "--runtime"].iter().chain(&services);
        announce(as_root("systemctl").args(mask))?;
    }
    let installed = announce(
        as_root("apt-get")
            .args(["install", "--yes", "--no-install-recommends"])
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    );
    if quieten {
        let unmask = ["unmask", "--runtime"].iter().chain(&services);
        announce(as_root("systemctl").args(unmask))?;
        announce(as_root("systemctl").args(["disable"].iter().chain(&services)))?;
    }
    installed
}

fn as_root(program: &str) -> Command {
    if process::is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    // sudo drops the environment; this one variable has to get through.
    command.args(["--preserve-env=DEBIAN_FRONTEND", program]);
    command
}

fn announce(command: &mut Command) -> Result<()> {
    println!("$ {}", process::show(command));
    process::run(command)
}

/// Debian's compiler that can compile for WebAssembly, and the standard library's source.
const DEBIAN_WASM: [&str; 2] = ["rustc-web", "rust-web-src"];

/// Packages with a server that their installation would start.
const SERVICES: [(&str, &str); 4] = [
    ("caddy", "caddy.service"),
    ("haproxy", "haproxy.service"),
    ("nginx-light", "nginx.service"),
    ("stunnel4", "stunnel4.service"),
];

/// Exists where systemd is in charge (sd_booted(3)).
const SYSTEMD_RUNS: &str = "/run/systemd/system";
