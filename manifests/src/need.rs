//! What building, showing and testing Housekey need of a computer.

use std::path::Path;

use crate::browser::Browser;
use crate::process;
use crate::wasm_compiler::WasmCompiler;

/// A tool that may have to be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Measured beside Housekey, as are the other proxies here.
    Caddy,
    /// Checks what libraries come with.
    CargoDeny,
    /// Drives libFuzzer.
    CargoFuzz,
    /// Reads and writes the browsers' certificate stores.
    Certutil,
    Chromedriver,
    Chromium,
    Clippy,
    /// A client that is no browser.
    Curl,
    /// Makes a clean root, to install the package in.
    Debootstrap,
    Firefox,
    Geckodriver,
    Haproxy,
    /// Gives the sample network its addresses.
    Iproute2,
    /// Holds packages against Debian's policy.
    Lintian,
    Mitmproxy,
    /// One of the sample devices stands behind it.
    Nginx,
    /// Brings the TypeScript compiler, which checks the extension's JavaScript.
    Npm,
    Rustfmt,
    /// Acts at a system call of the helper, and tells them all.
    Strace,
    Stunnel,
    /// Looks at the gateway's TLS.
    Testssl,
    WasmTarget,
}

/// How a need is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// A program from the registry, at exactly this version.
    CargoInstall {
        name: &'static str,
        version: &'static str,
    },
    /// A component of the Rust toolchain.
    Component(&'static str),
    /// Packages of Debian and its relatives.
    Packages(&'static [&'static str]),
    /// Whatever of [`crate::setup`]'s ways works here.
    WasmTarget,
}

impl Need {
    /// Everything that `cargo xtask test` uses.
    pub(crate) fn all() -> Vec<Self> {
        vec![
            Self::WasmTarget,
            Self::Rustfmt,
            Self::Clippy,
            Self::Npm,
            Self::Chromium,
            Self::Chromedriver,
            Self::Firefox,
            Self::Geckodriver,
            Self::Certutil,
            Self::Curl,
            Self::Iproute2,
            Self::Nginx,
            Self::Strace,
        ]
    }

    /// What the demonstration uses in this browser.
    pub(crate) fn of_demo(browser: Browser) -> Vec<Self> {
        let mut needs = vec![Self::WasmTarget, browser.need(), browser.driver()];
        needs.extend([Self::Certutil, Self::Iproute2, Self::Nginx]);
        needs
    }

    /// What the audit uses.
    pub(crate) fn of_audit() -> Vec<Self> {
        let libraries = [Self::CargoDeny, Self::Npm, Self::WasmTarget];
        [&libraries[..], &[Self::Iproute2, Self::Testssl]].concat()
    }

    /// What the gallery uses in these browsers.
    pub(crate) fn of_gallery(browsers: &[Browser]) -> Vec<Self> {
        let mut needs = vec![Self::WasmTarget, Self::Npm, Self::Certutil, Self::Iproute2];
        needs.extend(
            browsers
                .iter()
                .flat_map(|browser| [browser.need(), browser.driver()]),
        );
        needs
    }

    /// What the benchmark measures Housekey against.
    pub(crate) fn peers() -> Vec<Self> {
        vec![
            Self::Nginx,
            Self::Haproxy,
            Self::Caddy,
            Self::Stunnel,
            Self::Mitmproxy,
        ]
    }

    /// Whether this computer has it.
    pub(crate) fn is_met(self) -> bool {
        match self {
            Self::WasmTarget => WasmCompiler::find().is_some(),
            Self::Chromium => Browser::Chromium.program().is_some(),
            Self::Firefox => Browser::Firefox.program().is_some(),
            program => process::find(program.name()).is_some_and(|file| answers(program, &file)),
        }
    }

    /// The program, as a person knows it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Caddy => "caddy",
            Self::CargoDeny => "cargo-deny",
            Self::CargoFuzz => "cargo-fuzz",
            Self::Certutil => "certutil",
            Self::Chromedriver => "chromedriver",
            Self::Chromium => "chromium",
            Self::Clippy => "cargo-clippy",
            Self::Curl => "curl",
            Self::Debootstrap => "debootstrap",
            Self::Firefox => "firefox",
            Self::Geckodriver => "geckodriver",
            Self::Haproxy => "haproxy",
            Self::Iproute2 => "ip",
            Self::Lintian => "lintian",
            Self::Mitmproxy => "mitmdump",
            Self::Nginx => "nginx",
            Self::Npm => "npm",
            Self::Rustfmt => "cargo-fmt",
            Self::Strace => "strace",
            Self::Stunnel => "stunnel4",
            Self::Testssl => "testssl",
            Self::WasmTarget => "a Rust compiler for WebAssembly",
        }
    }

    pub(crate) fn remedy(self) -> Remedy {
        match self {
            Self::Caddy => Remedy::Packages(&["caddy"]),
            Self::CargoDeny => Remedy::CargoInstall {
                name: "cargo-deny",
                version: "0.20.2",
            },
            Self::CargoFuzz => Remedy::CargoInstall {
                name: "cargo-fuzz",
                version: "0.13.2",
            },
            Self::Certutil => Remedy::Packages(&["libnss3-tools"]),
            Self::Chromedriver => Remedy::Packages(&["chromium-driver"]),
            Self::Chromium => Remedy::Packages(&["chromium"]),
            Self::Clippy => Remedy::Component("clippy"),
            Self::Curl => Remedy::Packages(&["curl"]),
            Self::Debootstrap => Remedy::Packages(&["debootstrap"]),
            Self::Firefox => Remedy::Packages(&["firefox-esr"]),
            Self::Geckodriver => Remedy::CargoInstall {
                name: "geckodriver",
                version: "0.37.1",
            },
            Self::Haproxy => Remedy::Packages(&["haproxy"]),
            Self::Iproute2 => Remedy::Packages(&["iproute2"]),
            Self::Lintian => Remedy::Packages(&["lintian"]),
            Self::Mitmproxy => Remedy::Packages(&["mitmproxy"]),
            Self::Nginx => Remedy::Packages(&["nginx-light"]),
            Self::Npm => Remedy::Packages(&["nodejs", "npm"]),
            Self::Rustfmt => Remedy::Component("rustfmt"),
            Self::Strace => Remedy::Packages(&["strace"]),
            Self::Stunnel => Remedy::Packages(&["stunnel4"]),
            Self::Testssl => Remedy::Packages(&["testssl.sh"]),
            Self::WasmTarget => Remedy::WasmTarget,
        }
    }
}

/// rustup puts a stand-in for every component into the search path, installed or not:
/// only an answer tells that it is there.
fn answers(need: Need, program: &Path) -> bool {
    match need.remedy() {
        Remedy::Component(_) => {
            process::output(std::process::Command::new(program).arg("--version")).is_ok()
        }
        _ => true,
    }
}
