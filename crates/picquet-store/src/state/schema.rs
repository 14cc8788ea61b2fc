//! The tables of the state.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::error::{Result, StoreError};

/// One text a format, each bringing the state from the format before it.
const FORMATS: &[&str] = &["
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

-- Columns of log tables, as JSON [[name, type], …]; the tables' own log follows when rows are put into files.
CREATE TABLE tables (name TEXT PRIMARY KEY, columns TEXT NOT NULL) STRICT;

-- Rows that are in no file yet.
CREATE TABLE buffer (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    tbl TEXT NOT NULL,
    rows INTEGER NOT NULL,
    received INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;

-- Files that were taken in. A mark is given just before the commit that makes their rows part of the table, so that the
-- table's log tells which commits were made.
CREATE TABLE ingests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash TEXT NOT NULL,
    tbl TEXT NOT NULL,
    path TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
    received INTEGER NOT NULL,
    state TEXT NOT NULL,
    mark INTEGER
) STRICT;
CREATE INDEX ingests_by_hash ON ingests (hash, tbl);

CREATE TABLE rules (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    file TEXT NOT NULL,
    hash TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    disabled_reason TEXT NOT NULL,
    present INTEGER NOT NULL,
    created INTEGER NOT NULL,
    state TEXT NOT NULL
) STRICT;

CREATE TABLE runs (
    rule TEXT NOT NULL,
    scheduled INTEGER NOT NULL,
    window_start INTEGER NOT NULL,
    status TEXT NOT NULL,
    results INTEGER,
    alerts INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    error TEXT,
    started INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    PRIMARY KEY (rule, scheduled)
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_by_end ON runs (ended);

CREATE TABLE alerts (
    id TEXT PRIMARY KEY,
    rule TEXT NOT NULL,
    scheduled INTEGER NOT NULL,
    created INTEGER NOT NULL,
    severity TEXT NOT NULL,
    name TEXT NOT NULL,
    incident INTEGER,
    record TEXT NOT NULL
) STRICT;
CREATE INDEX alerts_by_time ON alerts (created);
CREATE INDEX alerts_by_rule ON alerts (rule, created);

CREATE TABLE incidents (
    number INTEGER PRIMARY KEY,
    rule TEXT NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    status TEXT NOT NULL,
    severity TEXT NOT NULL,
    record TEXT NOT NULL
) STRICT;
CREATE INDEX incidents_by_rule ON incidents (rule, created);

-- Messages to outputs.
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    output TEXT NOT NULL,
    order_key TEXT,
    message TEXT NOT NULL,
    created INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',
    error TEXT
) STRICT;
CREATE INDEX outbox_by_state ON outbox (state, seq);

CREATE TABLE watchlists (
    alias TEXT PRIMARY KEY COLLATE NOCASE,
    search_key TEXT,
    csv BLOB NOT NULL,
    file TEXT NOT NULL,
    updated INTEGER NOT NULL
) STRICT;

CREATE TABLE functions (
    name TEXT PRIMARY KEY,
    parameters TEXT NOT NULL,
    body TEXT NOT NULL,
    file TEXT NOT NULL,
    updated INTEGER NOT NULL
) STRICT;

-- Tokens of the API: only what tells a token is kept, not the token.
CREATE TABLE tokens (
    name TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER
) STRICT;
"];

/// Brings the state to the last format.
pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    let known = i64::try_from(FORMATS.len()).unwrap_or(i64::MAX);
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > known {
        return Err(StoreError::Format { path: path.to_path_buf(), found, known });
    }
    if found == known {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been first.
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for format in FORMATS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(format)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}
