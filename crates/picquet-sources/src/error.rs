//! Errors that end a query or keep a database from opening.

use std::path::PathBuf;

use crate::Problem;

/// Why log files cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A path that does not exist.
    #[error("{}: no such file or folder; give a log file, a folder of log files, or TABLE=PATH", .0.display())]
    NotFound(PathBuf),
    /// The system refuses to read a file or folder.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file that is not in a format that can be read.
    #[error("{}: {message}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong, and the remedy.
        message: String,
    },
    /// A problem in a file, where problems are errors.
    #[error("{0} (mend the file, or leave out --strict to go on without the value)")]
    Problem(Problem),
    /// While a file is ingested: a record shows that the first records do not tell all columns, or not their types. To be
    /// answered by [`Ingestion::open_looking_at_all`](crate::Ingestion::open_looking_at_all); what was read so far is to
    /// be dropped.
    #[error("{0}; to be read again by what all records show")]
    SampleMisleads(Problem),
}

impl SourceError {
    /// The message without the path, for a problem that names its file itself.
    pub(crate) fn bare(&self) -> String {
        match self {
            SourceError::NotFound(_) => "no such file".to_string(),
            SourceError::Unreadable { source, .. } => format!("cannot be read ({source})"),
            SourceError::Format { message, .. } => message.clone(),
            SourceError::Problem(problem) | SourceError::SampleMisleads(problem) => problem.message.clone(),
        }
    }
}
