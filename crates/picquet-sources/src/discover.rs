//! Which files make up which table.
//!
//! A file belongs to the table that its name begins with, up to the first dot: `AzureActivity.2026-03-14.jsonl.gz` to
//! AzureActivity. Where that is no known table, but the part before a hyphen, blank or bracket is one or ends in `_CL`,
//! the file belongs to that: `SigninLogs-part1.json`, `SigninLogs (2).csv`.
//!
//! A subfolder is one table of its name, with all files below it; unless all files in it bear names of known tables, then
//! it only groups them. A given folder that itself bears a known table's name is that table's, if no file in it bears
//! another known table's name.
//!
//! Of files that differ only in format or packing, one is read: Parquet before JSON before CSV, plain before packed.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::{Schemas, SourceError};

/// Formats by the ends of names, the preferred first.
const FORMATS: [&str; 6] = ["parquet", "jsonl", "ndjson", "json", "csv", "tsv"];
const PACKINGS: [&str; 3] = ["gz", "zst", "zstd"];

/// The files of each table, and what else is to be said.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) tables: BTreeMap<String, Vec<PathBuf>>,
    pub(crate) notes: Vec<String>,
    seen: HashSet<PathBuf>,
}

/// A file name taken apart.
struct Name {
    /// Without format and packing.
    stem: String,
    /// The place of the format and packing in the order of preference.
    rank: Option<usize>,
}

fn take_apart(path: &Path) -> Name {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (mut stem, mut packing) = (name.as_ref(), 0);
    if let Some((rest, end)) = stem.rsplit_once('.')
        && let Some(position) = PACKINGS.iter().position(|known| end.eq_ignore_ascii_case(known))
    {
        (stem, packing) = (rest, position + 1);
    }
    let mut rank = None;
    if let Some((rest, end)) = stem.rsplit_once('.')
        && let Some(format) = FORMATS.iter().position(|known| end.eq_ignore_ascii_case(known))
    {
        stem = rest;
        rank = Some(format * (PACKINGS.len() + 1) + packing);
    }
    Name { stem: stem.to_string(), rank }
}

/// The table that a file of this stem belongs to.
pub(crate) fn table_of(stem: &str) -> String {
    let whole = stem.split('.').next().unwrap_or(stem).trim();
    if Schemas::builtin().contains(whole) {
        return whole.to_string();
    }
    if let Some(end) = whole.find(['-', ' ', '(']) {
        let part = whole[..end].trim_end();
        if Schemas::builtin().contains(part) || part.ends_with("_CL") {
            return part.to_string();
        }
    }
    whole.to_string()
}

/// The table that a single file belongs to by its name, and whether the name ends as those of log files do.
pub(crate) fn table_of_file(path: &Path) -> (String, bool) {
    let name = take_apart(path);
    (table_of(&name.stem), name.rank.is_some())
}

/// What is said of a folder that is a Delta Lake table.
pub(crate) fn delta_folder(folder: &Path) -> String {
    format!("{} skipped: a Delta Lake table, which only a workspace reads", folder.display())
}

/// What is said of a file whose name does not end as those of log files do.
pub(crate) fn unknown_ending(file: &Path) -> String {
    let known = FORMATS.join(", ");
    format!("{} skipped: its name does not end in one of {known} (or these with .gz, .zst)", file.display())
}

impl Found {
    /// Adds a path as the user gives it: a file, a folder, or `TABLE=PATH`.
    pub(crate) fn add(&mut self, path: &Path) -> Result<(), SourceError> {
        if path.is_dir() {
            return self.add_folder(path);
        }
        if path.exists() {
            self.add_file(&table_of(&take_apart(path).stem), path);
            return Ok(());
        }
        if let Some((table, rest)) = path.to_str().and_then(|text| text.split_once('='))
            && Path::new(rest).exists()
        {
            return self.add_named(table.trim(), Path::new(rest));
        }
        Err(SourceError::NotFound(path.to_path_buf()))
    }

    /// Adds a file, or all files of a folder, to a table.
    pub(crate) fn add_named(&mut self, table: &str, path: &Path) -> Result<(), SourceError> {
        if path.is_dir() {
            return self.add_table_folder(table, path);
        }
        if !path.exists() {
            return Err(SourceError::NotFound(path.to_path_buf()));
        }
        self.add_file(table, path);
        Ok(())
    }

    fn add_file(&mut self, table: &str, path: &Path) {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        if self.seen.insert(real) {
            self.tables.entry(table.to_string()).or_default().push(path.to_path_buf());
        }
    }

    fn add_folder(&mut self, folder: &Path) -> Result<(), SourceError> {
        let listing = Listing::of(folder)?;
        if listing.delta {
            self.note_delta(folder);
            return Ok(());
        }
        let own_name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let known = |file: &PathBuf| Schemas::builtin().contains(&table_of(&take_apart(file).stem));
        if Schemas::builtin().contains(&own_name) && !listing.files.iter().any(known) {
            return self.add_table_folder(&own_name, folder);
        }
        for file in self.preferred(listing.files) {
            self.add_file(&table_of(&take_apart(&file).stem), &file);
        }
        for subfolder in listing.folders {
            let table = subfolder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let inner = Listing::of(&subfolder)?;
            let data: Vec<&PathBuf> = inner.files.iter().filter(|file| take_apart(file).rank.is_some()).collect();
            let groups = !Schemas::builtin().contains(&table) && !data.is_empty() && data.into_iter().all(known);
            if groups {
                self.add_folder(&subfolder)?;
            } else {
                self.add_table_folder(&table, &subfolder)?;
            }
        }
        Ok(())
    }

    fn add_table_folder(&mut self, table: &str, folder: &Path) -> Result<(), SourceError> {
        let listing = Listing::of(folder)?;
        if listing.delta {
            self.note_delta(folder);
            return Ok(());
        }
        for file in self.preferred(listing.files) {
            self.add_file(table, &file);
        }
        for subfolder in listing.folders {
            self.add_table_folder(table, &subfolder)?;
        }
        Ok(())
    }

    fn note_delta(&mut self, folder: &Path) {
        self.notes.push(delta_folder(folder));
    }

    /// The files of a folder that are to be read.
    fn preferred(&mut self, files: Vec<PathBuf>) -> Vec<PathBuf> {
        let mut best: BTreeMap<String, (usize, PathBuf)> = BTreeMap::new();
        for file in files {
            let Name { stem, rank } = take_apart(&file);
            let Some(rank) = rank else {
                self.notes.push(unknown_ending(&file));
                continue;
            };
            match best.get_mut(&stem) {
                None => {
                    best.insert(stem, (rank, file));
                }
                Some(kept) => {
                    let (read, skipped) = if rank < kept.0 {
                        let skipped = std::mem::replace(kept, (rank, file));
                        (kept.1.clone(), skipped.1)
                    } else {
                        (kept.1.clone(), file)
                    };
                    let name = read.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    self.notes.push(format!("{} skipped: same table as {name}", skipped.display()));
                }
            }
        }
        best.into_values().map(|(_, file)| file).collect()
    }

    /// Remarks on tables whose names look like slips.
    pub(crate) fn note_names(&mut self) {
        for table in self.tables.keys() {
            if !Schemas::builtin().contains(table)
                && let Some(known) = Schemas::builtin().same_but_for_case(table)
            {
                self.notes.push(format!("table {table} is not the known table {known}: names are case-sensitive"));
            }
        }
    }
}

/// What a folder holds, sorted; hidden files left out.
struct Listing {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    delta: bool,
}

impl Listing {
    fn of(folder: &Path) -> Result<Listing, SourceError> {
        let unreadable = |source| SourceError::Unreadable { path: folder.to_path_buf(), source };
        let mut listing = Listing { files: Vec::new(), folders: Vec::new(), delta: false };
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            listing.delta |= name == "_delta_log";
            if name.starts_with(['.', '_']) {
                continue;
            }
            if path.is_dir() {
                listing.folders.push(path);
            } else {
                listing.files.push(path);
            }
        }
        listing.files.sort();
        listing.folders.sort();
        Ok(listing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[&str], give: &[&str]) -> (Vec<String>, Vec<String>) {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let mut found = Found::default();
        for path in give {
            let path = match path.split_once('=') {
                Some((table, path)) => PathBuf::from(format!("{table}={}", dir.path().join(path).display())),
                None => dir.path().join(path),
            };
            found.add(&path).unwrap();
        }
        found.note_names();
        let relative = |path: &Path| path.strip_prefix(dir.path()).unwrap().display().to_string();
        let tables = found.tables.iter().map(|(table, files)| {
            let files: Vec<String> = files.iter().map(|file| relative(file)).collect();
            format!("{table}: {}", files.join(" "))
        });
        let prefix = format!("{}/", dir.path().display());
        (tables.collect(), found.notes.iter().map(|note| note.replace(&prefix, "")).collect())
    }

    #[test]
    fn tables_of_a_folder() {
        let (tables, notes) = found(
            &[
                "AzureActivity.csv",
                "AzureActivity.jsonl",
                "SigninLogs.2026-03-14.jsonl.gz",
                "SigninLogs.2026-03-15.csv",
                "SigninLogs-part1.json",
                "SecurityEvent (2).csv",
                "My_Logs_CL.json",
                "other-log.json",
                "readme.txt",
                ".hidden.csv",
                "Syslog/a.parquet",
                "Syslog/day=1/b.parquet",
                "group/DeviceEvents.csv",
                "Own/x.json",
                "Own/x.json.gz",
                "Delta/_delta_log/0.json",
                "Delta/a.parquet",
            ],
            &[""],
        );
        let expected = [
            "AzureActivity: AzureActivity.jsonl",
            "DeviceEvents: group/DeviceEvents.csv",
            "My_Logs_CL: My_Logs_CL.json",
            "Own: Own/x.json",
            "SecurityEvent: SecurityEvent (2).csv",
            "SigninLogs: SigninLogs-part1.json SigninLogs.2026-03-14.jsonl.gz SigninLogs.2026-03-15.csv",
            "Syslog: Syslog/a.parquet Syslog/day=1/b.parquet",
            "other-log: other-log.json",
        ];
        assert_eq!(tables, expected);
        assert!(
            notes.contains(&"AzureActivity.csv skipped: same table as AzureActivity.jsonl".to_string()),
            "{notes:?}"
        );
        assert!(notes.iter().any(|note| note.starts_with("readme.txt skipped")), "{notes:?}");
        assert!(notes.iter().any(|note| note.starts_with("Delta skipped")), "{notes:?}");
        assert_eq!(notes.len(), 4, "{notes:?}");
    }

    #[test]
    fn files_by_name_are_all_read() {
        let files = ["AzureActivity.csv", "AzureActivity.jsonl", "x.data", "Syslog/part-0.csv"];
        let (tables, notes) =
            found(&files, &["AzureActivity.csv", "AzureActivity.jsonl", "AzureActivity.csv", "Mine=x.data", "Syslog"]);
        assert_eq!(
            tables,
            ["AzureActivity: AzureActivity.csv AzureActivity.jsonl", "Mine: x.data", "Syslog: Syslog/part-0.csv"]
        );
        assert!(notes.is_empty(), "{notes:?}");
        let (_, notes) = found(&["azureactivity.csv"], &["azureactivity.csv"]);
        assert!(notes[0].contains("AzureActivity"), "{notes:?}");
    }

    #[test]
    fn a_path_that_is_not_there() {
        let error = Found::default().add(Path::new("/no/such/logs")).unwrap_err();
        assert!(error.to_string().contains("/no/such/logs: no such file or folder"));
    }
}
