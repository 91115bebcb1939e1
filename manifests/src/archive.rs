//! Archives that come out byte for byte the same from the same files.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use anyhow::Result;
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
