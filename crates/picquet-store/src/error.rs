//! What can go wrong with a workspace.

use std::path::PathBuf;

use crate::settings::SettingsError;

/// An error of a workspace.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no workspace in the folder.
    #[error("{}: no workspace here; make one with `picquet workspace init`", .0.display())]
    Missing(PathBuf),
    /// The folder has something in it that is no workspace.
    #[error("{}: {message}", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
        /// What is wrong, and the remedy.
        message: &'static str,
    },
    /// Another process has the workspace.
    #[error("{}: another process ({holder}) works on this workspace; stop it, or put log files into {} for `picquet serve` to take in", path.display(), path.join("inbox").display())]
    Locked {
        /// The workspace.
        path: PathBuf,
        /// What the lock file says of the process.
        holder: String,
    },
    /// The workspace is of a later version of the program.
    #[error("{}: the workspace has format {found}, and this program knows formats up to {known}; use a later version", path.display())]
    Format {
        /// The workspace.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The last format that is known.
        known: i64,
    },
    /// The settings cannot be read.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The state cannot be read or written.
    #[error("the workspace's state: {0}")]
    State(#[from] rusqlite::Error),
    /// A kept record cannot be understood.
    #[error("the workspace's state: {what}: {source}")]
    Record {
        /// Which record.
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// A table cannot be read or written.
    #[error("table {table}: {message}")]
    Table {
        /// The table.
        table: String,
        /// What is wrong, and the remedy where there is one.
        message: String,
    },
    /// A file that is to be ingested cannot be read.
    #[error(transparent)]
    Source(#[from] picquet_sources::SourceError),
    /// What was asked for is not there, or cannot be done.
    #[error("{0}")]
    Refused(String),
}

impl StoreError {
    pub(crate) fn io(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> StoreError {
        let path = path.to_path_buf();
        move |source| StoreError::Io { path, source }
    }

    pub(crate) fn table(table: &str, error: impl std::fmt::Display) -> StoreError {
        StoreError::Table { table: table.to_string(), message: error.to_string() }
    }
}

/// The result of work on a workspace.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;
