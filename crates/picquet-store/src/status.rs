//! What a workspace has, and a copy of it.

use std::fs;
use std::path::Path;

use arrow::array::{AsArray as _, RecordBatch};
use arrow::compute::{max, min};
use arrow::datatypes::Int64Type;
use jiff::Timestamp;
use picquet_rules::Duration;

use crate::columns::UNIX_EPOCH;
use crate::error::{Result, StoreError};
use crate::settings::SETTINGS_FILE;
use crate::state::STATE_FILE;
use crate::table::{DataFile, TIME_GENERATED};
use crate::workspace::{FOLDERS, Workspace};

/// A table in figures.
#[derive(Debug, Clone, PartialEq)]
pub struct TableStatus {
    /// The table.
    pub name: String,
    /// Its columns, those of the known schema not counted unless they were written.
    pub columns: usize,
    /// Rows, in files and buffered.
    pub rows: u64,
    /// Rows that are in no file yet.
    pub buffered: u64,
    /// Its files.
    pub files: usize,
    /// Their size.
    pub bytes: u64,
    /// The first and the last TimeGenerated, to about a millisecond.
    pub times: Option<(Timestamp, Timestamp)>,
    /// How long rows are kept; `None` for ever.
    pub retention: Option<Duration>,
}

impl Workspace {
    /// All tables that rows were written to, by name.
    pub fn tables(&self) -> Vec<TableStatus> {
        let view = self.read();
        let one = |(name, table): (&String, &crate::workspace::TableView)| {
            let buffered: usize = table.buffered.iter().map(|b| b.batch.num_rows()).sum();
            let in_files = table.files.files.iter().filter_map(|file: &DataFile| file.generated);
            let ranges = in_files.chain(table.buffered.iter().filter_map(|buffered| times(&buffered.batch)));
            let range = ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
            TableStatus {
                name: name.clone(),
                columns: table.columns.len(),
                rows: (table.files.rows() + buffered) as u64,
                buffered: buffered as u64,
                files: table.files.files.len(),
                bytes: table.files.bytes(),
                times: range.and_then(|(from, to)| Some((instant(from)?, instant(to)?))),
                retention: self.settings().retention_of(name),
            }
        };
        view.tables.iter().map(one).collect()
    }

    /// Copies the workspace to a folder that is empty or not there, as it is at one moment; others may go on writing. Of
    /// tables on an object store, only the place is kept.
    pub fn backup(&self, to: &Path) -> Result<()> {
        if fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(StoreError::NotEmpty {
                path: to.to_path_buf(),
                message: "the folder is not empty; a copy gets a folder of its own",
            });
        }
        fs::create_dir_all(to).map_err(StoreError::io(to))?;
        // State before files: rows that are put into files meanwhile are told apart by their numbers.
        self.state().backup(&to.join(STATE_FILE))?;
        let settings = self.path().join(SETTINGS_FILE);
        if settings.exists() {
            fs::copy(&settings, to.join(SETTINGS_FILE)).map_err(StoreError::io(&settings))?;
        }
        for folder in FOLDERS {
            let from = self.path().join(folder);
            if from.exists() {
                copy_folder(&from, &to.join(folder))?;
            }
        }
        if let (Some(tables), None) = (self.storage().folder(), &self.settings().storage) {
            for table in fs::read_dir(tables).map_err(StoreError::io(tables))?.flatten() {
                let (from, to) = (table.path(), to.join("tables").join(table.file_name()));
                let log = from.join("_delta_log");
                if log.exists() {
                    // The log first: whatever it names is there already, and stays for a while when it is removed.
                    copy_folder(&log, &to.join("_delta_log"))?;
                }
                copy_folder(&from, &to)?;
            }
        }
        Ok(())
    }
}

fn times(batch: &RecordBatch) -> Option<(i64, i64)> {
    let times = batch.column_by_name(TIME_GENERATED)?.as_primitive_opt::<Int64Type>()?;
    Some((min(times)?, max(times)?))
}

fn instant(ticks: i64) -> Option<Timestamp> {
    Timestamp::from_microsecond((ticks - UNIX_EPOCH).div_euclid(10)).ok()
}

/// Copies files that are not there yet, with the folders in them.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).map_err(StoreError::io(to))?;
    for entry in fs::read_dir(from).map_err(StoreError::io(from))? {
        let entry = entry.map_err(StoreError::io(from))?;
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            if !copy.exists() {
                copy_folder(&path, &copy)?;
            }
        } else if !copy.exists() && !entry.file_name().to_string_lossy().ends_with(".tmp") {
            fs::copy(&path, &copy).map_err(StoreError::io(&path))?;
        }
    }
    Ok(())
}
