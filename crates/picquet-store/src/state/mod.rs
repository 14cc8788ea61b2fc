//! The state of a workspace, in SQLite.
//!
//! Everything that must change together changes in one transaction ([`State::change`]): a run with its alerts,
//! incidents, rows and messages. A transaction that was answered is on the disk (write-ahead log, `synchronous=FULL`).

mod buffer;
mod detection;
mod ingests;
mod library;
mod schema;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior};

pub(crate) use buffer::Buffered;
pub use detection::{AlertFilter, AlertRow, IncidentFilter, IncidentRow, OutboxEntry, OutboxState, RuleRow, RunRow};
pub use ingests::Ingest;
pub use library::{FunctionRow, TokenRow, WatchlistRow};

use crate::columns::Column;
use crate::error::{Result, StoreError};

/// Name of the file in the workspace's folder.
pub(crate) const STATE_FILE: &str = "state.sqlite";

/// The state of a workspace.
pub struct State {
    connection: Mutex<Connection>,
}

/// Changes that become visible, and lasting, together.
pub struct Change<'a> {
    pub(crate) transaction: Transaction<'a>,
    /// Rows that were appended to tables, for those who read from memory.
    pub(crate) appended: Vec<Buffered>,
    /// Tables that have new columns.
    pub(crate) grown: Vec<(String, Vec<Column>)>,
}

impl State {
    /// Opens the state, and brings it to this program's format.
    pub(crate) fn open(path: &Path, create: bool) -> Result<State> {
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if create {
            flags |= OpenFlags::SQLITE_OPEN_CREATE;
        }
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_secs(30))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        schema::migrate(&mut connection, path)?;
        Ok(State { connection: Mutex::new(connection) })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads. What is read in one call is of one moment.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        read(&transaction)
    }

    /// Changes, all or nothing. What was appended to tables is given back for those who read from memory, in the order of
    /// the transactions.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&mut Change<'_>) -> Result<T>,
        committed: impl FnOnce(Vec<Buffered>, Vec<(String, Vec<Column>)>),
    ) -> Result<T> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut work = Change { transaction, appended: Vec::new(), grown: Vec::new() };
        let value = change(&mut work)?;
        let Change { transaction, appended, grown } = work;
        transaction.commit()?;
        committed(appended, grown);
        Ok(value)
    }

    /// A number that differs once another process has changed the state.
    pub(crate) fn version(&self) -> Result<i64> {
        Ok(self.lock().pragma_query_value(None, "data_version", |row| row.get(0))?)
    }

    /// Copies the state, as it is at one moment, to a file.
    pub(crate) fn backup(&self, to: &Path) -> Result<()> {
        let connection = self.lock();
        let mut copy = Connection::open(to)?;
        rusqlite::backup::Backup::new(&connection, &mut copy)?.run_to_completion(256, Duration::ZERO, None)?;
        Ok(())
    }

    /// A remark of the workspace: its id, its name.
    pub(crate) fn meta(&self, key: &str) -> Result<Option<String>> {
        let value = self.lock().query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0));
        Ok(value.optional()?)
    }

    /// Sets a remark of the workspace.
    pub(crate) fn set_meta(&self, key: &str, value: &str) -> Result<()> {
        self.lock().execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", [key, value])?;
        Ok(())
    }
}

/// A time as it is kept: microseconds since 1970.
pub(crate) fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// A kept time.
pub(crate) fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

pub(crate) fn record(what: &'static str) -> impl FnOnce(serde_json::Error) -> StoreError {
    move |source| StoreError::Record { what, source }
}
