//! Archives that come out byte for byte the same from the same files.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Write};

use anyhow::Result;
use flate2::{Compression, GzBuilder};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// Files by their path, which is written with `/`; sorted, so in one order for ever.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Packs files into a ZIP archive with neither dates nor owners of this computer.
///
/// # Errors
///
/// When a file or the archive is larger than the format can say.
pub(crate) fn pack(files: &Files) -> Result<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(LEVEL))
        .last_modified_time(DateTime::DEFAULT)
        .unix_permissions(READABLE_BY_ALL);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        archive.start_file(path, options)?;
        archive.write_all(content)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// A file with what a tar archive says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TarFile {
    /// Whether it is a program.
    pub(crate) runs: bool,
    pub(crate) content: Vec<u8>,
}

impl TarFile {
    pub(crate) fn plain(content: impl Into<Vec<u8>>) -> Self {
        let content = content.into();
        Self {
            runs: false,
            content,
        }
    }

    pub(crate) fn program(content: impl Into<Vec<u8>>) -> Self {
        Self {
            runs: true,
            ..Self::plain(content)
        }
    }
}

/// Files by their path, as [`Files`].
pub(crate) type TarFiles = BTreeMap<String, TarFile>;

/// Packs files into a tar archive, compressed with gzip: everything is root's and of one date,
/// in seconds since 1970, and every directory stands before what is in it.
///
/// # Errors
///
/// When a path is longer than the format can say.
pub(crate) fn pack_tar(files: &TarFiles, date: u64) -> Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut append = |path: &str, kind, mode, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_username("root")?;
        header.set_groupname("root")?;
        header.set_mtime(date);
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, path, content)
    };
    let mut made = BTreeSet::new();
    for (path, file) in files {
        for (end, _) in path.match_indices('/') {
            let directory = &path[..=end];
            if made.insert(directory) {
                append(directory, tar::EntryType::Directory, RUNS, &[])?;
            }
        }
        let mode = if file.runs { RUNS } else { READABLE_BY_ALL };
        append(path, tar::EntryType::Regular, mode, &file.content)?;
    }
    gzip(&archive.into_inner()?)
}

/// Compresses with gzip, without a date or a name.
///
/// # Errors
///
/// None that memory could cause; the writer's type has them.
pub(crate) fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut packer = GzBuilder::new().write(Vec::new(), Compression::best());
    packer.write_all(content)?;
    Ok(packer.finish()?)
}

/// How large a file is in an archive, in bytes.
///
/// # Errors
///
/// When the archive can't be read or holds no such file.
pub(crate) fn packed_size(archive: &[u8], path: &str) -> Result<u64> {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive))?;
    let size = archive.by_name(path)?.compressed_size();
    Ok(size)
}

/// zlib's most thorough.
const LEVEL: i64 = 9;

const READABLE_BY_ALL: u32 = 0o644;

const RUNS: u32 = 0o755;

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn same_files_make_the_same_bytes_in_whatever_order_they_came() {
        let mut backwards: Vec<_> = sample().into_iter().collect();
        backwards.reverse();
        let first = pack(&sample()).unwrap();
        assert_eq!(first, pack(&backwards.into_iter().collect()).unwrap());
    }

    #[test]
    fn entries_are_sorted_and_carry_nothing_of_this_computer() {
        let bytes = pack(&sample()).unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let expected = ["background.js", "lib/core.js", "manifest.json"];
        assert_eq!(archive.len(), expected.len());
        for (index, name) in expected.iter().enumerate() {
            let entry = archive.by_index(index).unwrap();
            assert_eq!(entry.name().unwrap(), *name);
            assert_eq!(entry.last_modified(), Some(DateTime::DEFAULT));
            assert_eq!(
                entry.unix_mode().map(|mode| mode & 0o777),
                Some(READABLE_BY_ALL)
            );
        }
    }

    #[test]
    fn contents_come_out_as_they_went_in() {
        let bytes = pack(&sample()).unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(&bytes)).unwrap();
        for (path, content) in sample() {
            let mut read = Vec::new();
            archive
                .by_name(&path)
                .unwrap()
                .read_to_end(&mut read)
                .unwrap();
            assert_eq!(read, content);
        }
        assert!(packed_size(&bytes, "lib/core.js").unwrap() < 9_000);
        assert!(packed_size(&bytes, "absent").is_err());
    }

    #[test]
    fn tar_entries_are_roots_of_one_date_and_after_their_directories() {
        let files = TarFiles::from([
            ("usr/bin/housekey".to_owned(), TarFile::program("ELF")),
            ("usr/bin-a".to_owned(), TarFile::plain("")),
            ("a".repeat(200), TarFile::plain("long")),
        ]);
        let packed = pack_tar(&files, 1_700_000_000).unwrap();
        assert_eq!(packed, pack_tar(&files, 1_700_000_000).unwrap());
        assert_ne!(packed, pack_tar(&files, 1_700_000_001).unwrap());
        assert_eq!(packed[4..8], [0; 4], "gzip's own date");

        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&packed[..]));
        let mut seen = Vec::new();
        for entry in archive.entries().unwrap() {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            assert_eq!(header.mtime().unwrap(), 1_700_000_000);
            let path = entry.path().unwrap().to_string_lossy().into_owned();
            seen.push((path, header.mode().unwrap()));
        }
        let expected = [
            ("a".repeat(200), 0o644),
            ("usr/".to_owned(), 0o755),
            ("usr/bin-a".to_owned(), 0o644),
            ("usr/bin/".to_owned(), 0o755),
            ("usr/bin/housekey".to_owned(), 0o755),
        ];
        assert_eq!(seen, expected);
    }

    fn sample() -> Files {
        let files = [
            ("manifest.json", b"{}".to_vec()),
            ("background.js", b"//".to_vec()),
            ("lib/core.js", vec![b'x'; 9_000]),
        ];
        files
            .map(|(path, content)| (path.to_owned(), content))
            .into()
    }
}
