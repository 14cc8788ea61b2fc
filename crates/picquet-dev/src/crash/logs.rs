//! Generated log files: every row tells which file it is of, and which row of it.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::Timestamp;

/// The table of files that arrive in the inbox, and that of files that are ingested by command.
pub(super) const ARRIVING: &str = "CrashArriving_CL";
pub(super) const INGESTED: &str = "CrashIngested_CL";

/// Users that the rows are of, one a file.
pub(super) const USERS: u64 = 4;

/// What is known of a file's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The program said that they are in.
    Acknowledged,
    /// It was killed before it could say so: they are all in, or none is.
    Unknown,
}

/// A generated file.
#[derive(Debug, Clone)]
pub(super) struct LogFile {
    /// Stands in each of its rows.
    pub(super) name: String,
    pub(super) table: &'static str,
    pub(super) path: PathBuf,
    pub(super) rows: u64,
    pub(super) fate: Fate,
    /// Whether it was there before the rules, which need not find it then.
    pub(super) early: bool,
}

/// Writes the file with a number, of rows that happened at `time`.
pub(super) fn write(
    folder: &Path,
    number: u64,
    table: &'static str,
    rows: u64,
    time: Timestamp,
) -> anyhow::Result<LogFile> {
    let name = format!("file{number}");
    let path = folder.join(format!("{table}.{number}.jsonl"));
    let mut out = BufWriter::new(File::create(&path).with_context(|| path.display().to_string())?);
    for row in 0..rows {
        let user = number % USERS;
        writeln!(
            out,
            r#"{{"TimeGenerated":"{time}","File":"{name}","N":{row},"Id":"{name}-{row}","User":"user{user}","Text":"a row of a file that may be cut off at any moment"}}"#
        )?;
    }
    out.flush()?;
    Ok(LogFile { name, table, path, rows, fate: Fate::Unknown, early: false })
}

impl LogFile {
    /// Puts the file into a folder, whole.
    pub(super) fn drop_into(&mut self, folder: &Path) -> anyhow::Result<()> {
        let to = folder.join(self.path.file_name().context("a file without a name")?);
        fs::rename(&self.path, &to).with_context(|| to.display().to_string())?;
        self.path = to;
        Ok(())
    }
}
