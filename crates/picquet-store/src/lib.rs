//! The workspace: log tables as Delta Lake, state in SQLite.
//!
//! [`Workspace::init`] makes one, [`Workspace::open`] opens it. Rows that are appended ([`Workspace::append`]) lie in the
//! state's buffer when the call returns, synced to the disk; [`Workspace::maintain`] puts them into large files. Files are
//! taken in whole or not at all ([`Workspace::ingest`]). [`Workspace::snapshot`] is a database for queries: all tables at
//! one moment. Everything else (rules, runs, alerts, incidents, messages) is [`State`], and changes together with rows in
//! one transaction ([`Workspace::change`]).
//!
//! The crate knows no rules and no HTTP, and reads no clock.

mod columns;
mod error;
mod folders;
mod ingest;
mod maintain;
mod records;
mod settings;
mod snapshot;
mod state;
mod status;
mod storage;
mod table;
mod workspace;

pub use error::{Result, StoreError};
pub use folders::LibraryChange;
pub use ingest::{DEAD_LETTERS, IngestFile, IngestOutcome};
pub use maintain::Maintained;
pub use settings::{SETTINGS_FILE, Settings, SettingsError, TableSettings, UnknownColumns};
pub use snapshot::Snapshot;
pub use state::{
    AlertFilter, AlertRow, Change, FunctionRow, IncidentFilter, IncidentRow, Ingest, OutboxEntry, OutboxState, RuleRow,
    RunRow, State, TokenRow, WatchlistRow,
};
pub use status::TableStatus;
pub use workspace::{Access, FOLDERS, Workspace};
