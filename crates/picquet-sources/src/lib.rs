//! Log files as typed tables for the query engine.
//!
//! [`FileDatabase`] finds the tables in files and folders and hands them to the engine: JSON lines, JSON arrays, the
//! answers and exports of Azure and Microsoft Sentinel, CSV, Parquet; plain, or packed with gzip or zstd. [`Schemas`]
//! knows the column types of the tables of Microsoft Sentinel; what it does not know is inferred from the files.
//!
//! Real log files are damaged here and there. What cannot be read is left out and goes into the [`Report`], unless
//! [`Options::strict`] makes it an error.
//!
//! [`Ingestion`] reads a file whole instead, to be stored: what does not fit is handed out beside the rows, with its text.
//! [`Inbox`] is a folder in which such files arrive.
//!
//! ```no_run
//! use kql_engine::Database;
//! use picquet_sources::{FileDatabase, Options};
//!
//! let logs = FileDatabase::open(&["logs".into()], Options::default())?;
//! let table = logs.table("AzureActivity").expect("logs/AzureActivity.jsonl");
//! for (name, ty) in &table.columns {
//!     println!("{name}: {ty}");
//! }
//! # Ok::<(), picquet_sources::SourceError>(())
//! ```

mod csv_records;
mod database;
mod decode;
mod detect;
mod discover;
mod error;
mod external;
mod feed;
mod guess;
mod inbox;
mod infer;
mod ingest;
mod input;
mod json_records;
mod json_text;
mod merged;
mod parquet_filter;
mod parquet_scan;
mod problems;
mod records;
mod rejected;
mod schemas;
mod shape;
mod stored;
mod table;
mod text_scan;
mod times;
mod values;
mod wanted;
mod watchlist;

pub use database::{FileDatabase, Options};
pub use error::SourceError;
pub use external::ExternalPolicy;
pub use inbox::{Arrived, Inbox, WakeUps};
pub use ingest::{IngestOptions, Ingestion, content_hash};
pub use parquet_scan::{KUSTO_TYPE, ParquetFiles, TICKS_SUFFIX};
pub use problems::{Problem, Report};
pub use rejected::Rejected;
pub use schemas::Schemas;
pub use wanted::{Wanted, taken_filters};
pub use watchlist::Watchlist;
