//! Finding a Rust compiler for WebAssembly on this computer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process;

/// The target as rustc calls it.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// A way to compile for [`TARGET`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum WasmCompiler {
    /// Debian's `rustc-web`, which builds the standard library from `rust-web-src` itself,
    /// with the linker of the Rust toolchain.
    Debian {
        rustc: PathBuf,
        library: PathBuf,
        linker: PathBuf,
    },
    /// The Rust toolchain in use, to which rustup (or a distribution) added the target.
    Toolchain,
}

impl WasmCompiler {
    /// The compiler to use; the toolchain's own where it can.
    pub(crate) fn find() -> Option<Self> {
        if toolchain_has_target() {
            return Some(Self::Toolchain);
        }
        let rustc = PathBuf::from(DEBIAN_RUSTC);
        let library = sysroot(&rustc)?.join(LIBRARY);
        let recent = release(&rustc)? >= OLDEST_RELEASE;
        // Debian's package of the source brings the library's own dependencies too.
        let complete = library.join("std/Cargo.toml").is_file() && library.join("vendor").is_dir();
        if !recent || !complete {
            return None;
        }
        Some(Self::Debian {
            rustc,
            library,
            linker: rust_lld()?,
        })
    }

    /// Makes a cargo command compile for [`TARGET`] this way.
    pub(crate) fn apply(&self, cargo: &mut Command) {
        cargo.args(["--target", TARGET]);
        if let Self::Debian { rustc, linker, .. } = self {
            cargo.args(["-Z", "build-std=std,panic_abort"]);
            cargo.env("RUSTC", rustc);
            // Lets a stable cargo and compiler take the `-Z` above.
            cargo.env("RUSTC_BOOTSTRAP", "1");
            cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
    }

    /// Where the compiler takes the standard library's source from, for panic messages.
    pub(crate) fn library_source(&self) -> Option<PathBuf> {
        match self {
            Self::Debian { library, .. } => Some(library.clone()),
            Self::Toolchain => Some(sysroot(Path::new("rustc"))?.join(LIBRARY)),
        }
    }

    /// What a person reads about it.
    pub(crate) fn describe(&self) -> String {
        let rustc = match self {
            Self::Debian { rustc, .. } => rustc.as_path(),
            Self::Toolchain => Path::new("rustc"),
        };
        process::output(Command::new(rustc).arg("--version")).unwrap_or_default()
    }
}

fn toolchain_has_target() -> bool {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", TARGET]);
    let Ok(directory) = process::output(&mut rustc) else {
        return false;
    };
    let Ok(entries) = fs::read_dir(directory) else {
        return false;
    };
    entries.flatten().any(|entry| {
        entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with("libstd-"))
    })
}

/// The linker that every Rust toolchain brings for itself.
fn rust_lld() -> Option<PathBuf> {
    let host = field(Path::new("rustc"), "host: ")?;
    let place = format!("lib/rustlib/{host}/bin/rust-lld");
    Some(sysroot(Path::new("rustc"))?.join(place)).filter(|linker| linker.is_file())
}

fn sysroot(rustc: &Path) -> Option<PathBuf> {
    process::output(Command::new(rustc).args(["--print", "sysroot"]))
        .ok()
        .map(PathBuf::from)
}

/// Major and minor number of a compiler's release.
fn release(rustc: &Path) -> Option<(u32, u32)> {
    let release = field(rustc, "release: ")?;
    let mut numbers = release.split('.').map(|number| number.parse::<u32>().ok());
    Some((numbers.next()??, numbers.next()??))
}

/// A line of what a compiler says of itself.
fn field(rustc: &Path, name: &str) -> Option<String> {
    let said = process::output(Command::new(rustc).arg("-vV")).ok()?;
    said.lines()
        .find_map(|line| line.strip_prefix(name))
        .map(str::to_owned)
}

/// Debian's compiler, which can be beside a toolchain of rustup's that comes first in the path.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// The `rust-version` of what is built for WebAssembly.
const OLDEST_RELEASE: (u32, u32) = (1, 85);

/// The standard library's source within a toolchain.
const LIBRARY: &str = "lib/rustlib/src/rust/library";
