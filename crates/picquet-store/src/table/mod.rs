//! Log tables: a Delta Lake table each, and the rows that are in none of its files yet.

pub(crate) mod compact;
mod log;
mod scan;
mod writer;

pub(crate) use log::{DataFile, TableFiles, TableLog, Transactions};
pub(crate) use scan::StoredTable;
pub(crate) use writer::{FileWriter, WrittenFile};

/// The column of a row's own time.
pub(crate) const TIME_GENERATED: &str = "TimeGenerated";

/// The column of a row's ingestion time.
pub(crate) const TIME_RECEIVED: &str = "_TimeReceived";
