//! Zip archives, as Kusto ingests them: of a single file.

use std::io::Cursor;

use zip::ZipArchive;

use super::fetch;

/// The content of the only file in an archive. Folders do not count.
pub(super) fn only_file(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("not a whole zip archive: {error}");
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| wrong(&e))?;
    let all = 0..archive.len();
    let files: Vec<usize> = all.filter(|at| archive.by_index_raw(*at).is_ok_and(|file| file.is_file())).collect();
    let [only] = files.as_slice() else {
        return Err(format!("a zip archive of {} files is not supported; it must hold one", files.len()));
    };
    let file = archive.by_index(*only).map_err(|e| wrong(&e))?;
    fetch::limited(file)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    fn packed(files: &[(&str, &str)]) -> Vec<u8> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in files {
            archive.start_file(*name, SimpleFileOptions::default()).unwrap();
            archive.write_all(text.as_bytes()).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    #[test]
    fn one_file() {
        assert_eq!(only_file(packed(&[("feed/a.csv", "1,2")])).unwrap(), b"1,2");
        let error = only_file(packed(&[("a.csv", "1"), ("b.csv", "2")])).unwrap_err();
        assert!(error.contains("of 2 files"), "{error}");
        let mut cut = packed(&[("a.csv", "1,2")]);
        cut.truncate(20);
        assert!(only_file(cut).unwrap_err().contains("not a whole zip archive"));
    }
}
