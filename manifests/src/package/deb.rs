//! A Debian package (deb(5)), made of nothing but what it is given.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};
use object::Endianness;
use object::elf::FileHeader64;
use object::read::elf::FileHeader;

use super::date::SourceDate;
use super::helper_files::HelperFiles;
use crate::archive::{TarFile, TarFiles, gzip, pack_tar};
use crate::workspace::Workspace;

/// Packs the helper. Nothing in the package touches the home of a user: what is installed is the
/// command, and each user decides about their own browsers with it.
///
/// # Errors
///
/// When the program needs a library of which this module knows no package.
pub(crate) fn pack(helper: &HelperFiles, changelog: &[u8], date: SourceDate) -> Result<Vec<u8>> {
    let mut files = helper.below_usr()?;
    let mut document = |name: &str, content: Vec<u8>| {
        let path = format!("usr/share/doc/housekey/{name}");
        files.insert(path, TarFile::plain(content));
    };
    document("changelog.gz", gzip(changelog)?);
    document(
        "changelog.Debian.gz",
        gzip(own_changelog(date)?.as_bytes())?,
    );
    document("copyright", COPYRIGHT.into());
    let overrides = "usr/share/lintian/overrides/housekey".to_owned();
    files.insert(overrides, TarFile::plain(OVERRIDES));

    let kilobytes: usize = files
        .values()
        .map(|file| file.content.len().div_ceil(1_024))
        .sum();
    let control = CONTROL
        .replace("{version}", &version())
        .replace("{architecture}", architecture()?)
        .replace("{size}", &kilobytes.to_string())
        .replace("{depends}", &depends(&helper.program)?);
    let control = TarFiles::from([
        ("control".to_owned(), TarFile::plain(control)),
        ("postinst".to_owned(), TarFile::program(POSTINST)),
        ("prerm".to_owned(), TarFile::program(PRERM)),
    ]);

    let mut package = ar::Builder::new(Vec::new());
    for (name, content) in [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar.gz", pack_tar(&control, date.seconds())?),
        ("data.tar.gz", pack_tar(&files, date.seconds())?),
    ] {
        let mut header = ar::Header::new(name.into(), content.len() as u64);
        header.set_mode(0o100_644);
        header.set_mtime(date.seconds());
        package.append(&header, &content[..])?;
    }
    Ok(package.into_inner()?)
}

/// What the package is called as a file.
pub(crate) fn name() -> Result<String> {
    Ok(format!("housekey_{}_{}.deb", version(), architecture()?))
}

fn version() -> String {
    format!("{}-1", Workspace::VERSION)
}

/// This computer's, as Debian calls it: the helper is compiled for it.
fn architecture() -> Result<&'static str> {
    match std::env::consts::ARCH {
        "aarch64" => Ok("arm64"),
        "x86_64" => Ok("amd64"),
        other => bail!("nobody has said yet what Debian calls {other}"),
    }
}

/// The packages whose libraries the program was linked with, in the versions that it asks for.
fn depends(program: &[u8]) -> Result<String> {
    let header = FileHeader64::<Endianness>::parse(program)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, program)?;
    let needs = sections.gnu_verneed(endian, program)?;
    let (mut needs, strings) = needs.context("the program says nothing of libraries")?;
    let strings = sections.strings(endian, program, strings)?;
    let (mut libc, mut others) = ((0, 0), BTreeSet::new());
    while let Some((library, mut versions)) = needs.next()? {
        let library = String::from_utf8_lossy(library.file(endian, strings)?).into_owned();
        match library.split('.').next().unwrap_or_default() {
            "libgcc_s" => {
                others.insert("libgcc-s1");
                continue;
            }
            "libc" | "libm" | "ld-linux-aarch64" | "ld-linux-x86-64" => {}
            _ => bail!("nobody has said yet in which package {library} is"),
        }
        while let Some(version) = versions.next()? {
            let version = String::from_utf8_lossy(version.name(endian, strings)?).into_owned();
            let numbers = version.strip_prefix("GLIBC_").unwrap_or_default();
            let mut numbers = numbers.split('.').map(str::parse::<u32>);
            if let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) {
                libc = libc.max((major, minor));
            }
        }
    }
    let mut packages = vec![format!("libc6 (>= {}.{})", libc.0, libc.1)];
    packages.extend(others.into_iter().map(str::to_owned));
    Ok(packages.join(", "))
}

/// What Debian's own tools want to read; what changed stands in the project's.
fn own_changelog(date: SourceDate) -> Result<String> {
    Ok(format!(
        "housekey ({}) unstable; urgency=medium\n\n  * What changed is in changelog.gz.\n\n \
         -- {MAINTAINER}  {}\n",
        version(),
        date.debian()?
    ))
}

/// Debian wants an address, and there is none yet: `.invalid` is nobody's (RFC 2606 section 2).
const MAINTAINER: &str = "The Housekey authors <no-address-yet@housekey.invalid>";

const CONTROL: &str = include_str!("../../package/debian/control");
const COPYRIGHT: &str = include_str!("../../package/debian/copyright");
const OVERRIDES: &str = include_str!("../../package/debian/lintian-overrides");
const POSTINST: &str = include_str!("../../package/debian/postinst");
const PRERM: &str = include_str!("../../package/debian/prerm");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needed_packages_are_read_from_the_program() {
        let this = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let found = depends(&this).unwrap();
        assert!(found.starts_with("libc6 (>= 2."), "{found}");
        assert!(depends(b"#!/bin/sh").is_err());
    }

    #[test]
    fn the_maintainer_is_one() {
        assert!(CONTROL.contains(&format!("Maintainer: {MAINTAINER}\n")));
    }
}
