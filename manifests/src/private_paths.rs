//! Places of this computer that nothing we hand out may name: they would tell about the person who
//! built it, and make the same source build differently elsewhere.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process;
use crate::workspace::Workspace;

/// What each such place is called instead; later ones win.
pub(crate) struct PrivatePaths(Vec<(PathBuf, &'static str)>);

impl PrivatePaths {
    /// Those of this computer. The library's source is the compiler's own, where it has one.
    pub(crate) fn of(workspace: &Workspace, library_source: Option<PathBuf>) -> Self {
        let cargo_home = process::cargo_home();
        let mut renamed = Vec::new();
        renamed.extend(env::home_dir().map(|home| (home, "/home")));
        // Each registry's directory is named after its host.
        let registries = fs::read_dir(cargo_home.join("registry").join("src"));
        let registries = registries.into_iter().flatten().flatten();
        renamed.push((cargo_home, "/cargo"));
        renamed.extend(registries.map(|registry| (registry.path(), "/crates")));
        renamed.push((workspace.root().to_owned(), "/housekey"));
        if !workspace.target().starts_with(workspace.root()) {
            renamed.push((workspace.target().to_owned(), "/target"));
        }
        renamed.extend(library_source.map(|library| (library, "/rustc/library")));
        Self(renamed)
    }

    /// Makes cargo, the Rust compiler and C compilers write the other names.
    pub(crate) fn hide(&self, cargo: &mut Command) {
        cargo
            .env("CARGO_ENCODED_RUSTFLAGS", self.rust_flags())
            .env_remove("RUSTFLAGS")
            // Read by the `cc` library, which builds what libraries have in C. The word that
            // follows lets it take paths with spaces.
            .env("CFLAGS", self.c_flags())
            .env("CC_SHELL_ESCAPED_FLAGS", "1");
    }

    /// Holds something finished against the list, lest a compiler let a name through.
    ///
    /// # Errors
    ///
    /// When it holds one.
    pub(crate) fn check(&self, what: &str, bytes: &[u8]) -> Result<()> {
        for (path, _) in &self.0 {
            let mut needle = path.as_os_str().as_encoded_bytes().to_vec();
            // With what is below it, since `/root` alone is in `makers/root.rs` too.
            needle.push(b'/');
            // The home of a container's only user is no more than `/`.
            if needle != b"//" && contains(bytes, &needle) {
                bail!("{what} names {}; it must not", path.display());
            }
        }
        Ok(())
    }

    /// `CARGO_ENCODED_RUSTFLAGS`: the form that stands spaces in a path.
    fn rust_flags(&self) -> OsString {
        self.flags("--remap-path-prefix=", "", "\x1f")
    }

    fn c_flags(&self) -> OsString {
        self.flags("'-ffile-prefix-map=", "'", " ")
    }

    fn flags(&self, before: &str, after: &str, between: &str) -> OsString {
        let mut flags = OsString::new();
        for (from, to) in &self.0 {
            if !flags.is_empty() {
                flags.push(between);
            }
            flags.push(before);
            flags.push(from);
            flags.push("=");
            flags.push(to);
            flags.push(after);
        }
        flags
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    // Most bytes are not the first one: this is what makes megabytes bearable without optimisation.
    let Some((first, rest)) = needle.split_first() else {
        return true;
    };
    let mut from = 0;
    while let Some(at) = haystack[from..].iter().position(|byte| byte == first) {
        from += at + 1;
        if haystack[from..].starts_with(rest) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_renamed_one_flag_each_with_the_inner_ones_last() {
        let private = PrivatePaths(vec![
            ("/home/a b".into(), "/home"),
            ("/home/a b/c".into(), "/housekey"),
        ]);
        let rust = "--remap-path-prefix=/home/a b=/home\x1f\
                    --remap-path-prefix=/home/a b/c=/housekey";
        let c = "'-ffile-prefix-map=/home/a b=/home' '-ffile-prefix-map=/home/a b/c=/housekey'";
        assert_eq!(private.rust_flags(), rust);
        assert_eq!(private.c_flags(), c);
    }

    #[test]
    fn what_names_a_private_path_is_refused() {
        let private = PrivatePaths(vec![("/home/someone".into(), "/home"), ("/".into(), "/")]);
        private
            .check("it", b"\0asm /housekey//home/some/home/wasm/src/lib.rs")
            .unwrap();
        private
            .check("it", b"at/home/someone.rs /home/someon")
            .unwrap();
        let named = b"\0asm //home/someone/wasm/src/lib.rs";
        let error = private.check("it", named).unwrap_err().to_string();
        assert!(error.contains("it names /home/someone"), "{error}");
    }
}
