//! Files that were taken in.

use arrow::array::RecordBatch;
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};

use super::buffer::{Buffered, read_buffered};
use super::{Change, State, micros, time};
use crate::columns::Column;
use crate::error::Result;

/// A file that was taken in, or is being taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingest {
    /// Number, ascending.
    pub id: i64,
    /// SHA-256 of the file's bytes, in hexadecimal digits.
    pub hash: String,
    /// The table.
    pub table: String,
    /// The file's path when it was taken in.
    pub path: String,
    /// The file's size.
    pub bytes: u64,
    /// Rows that the table got.
    pub rows: u64,
    /// Records and values that went to the dead-letter table.
    pub rejected: u64,
    /// When it was taken in: the rows' ingestion time.
    pub received: Timestamp,
}

const COLUMNS: &str = "id, hash, tbl, path, bytes, rows, rejected, received";

fn ingest(row: &Row<'_>) -> rusqlite::Result<Ingest> {
    let number = |at: usize| -> rusqlite::Result<u64> { Ok(u64::try_from(row.get::<_, i64>(at)?).unwrap_or(0)) };
    Ok(Ingest {
        id: row.get(0)?,
        hash: row.get(1)?,
        table: row.get(2)?,
        path: row.get(3)?,
        bytes: number(4)?,
        rows: number(5)?,
        rejected: number(6)?,
        received: time(row.get(7)?),
    })
}

/// Under this key the last mark of all tables stands, as it was when the workspace was opened.
const LAST_MARK: &str = "last_mark";

/// Under this name rejected records wait in the buffer until their file's rows are in the table.
fn waiting(id: i64) -> String {
    format!("?{id}")
}

impl Change<'_> {
    /// Notes a file; `done` where its rows are part of this change.
    pub(crate) fn begin_ingest(&mut self, ingest: &Ingest, done: bool) -> Result<i64> {
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        self.transaction.execute(
            "INSERT INTO ingests (hash, tbl, path, bytes, rows, rejected, received, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                ingest.hash,
                ingest.table,
                ingest.path,
                number(ingest.bytes),
                number(ingest.rows),
                number(ingest.rejected),
                micros(ingest.received),
                if done { "done" } else { "reading" }
            ],
        )?;
        Ok(self.transaction.last_insert_rowid())
    }

    /// Keeps rejected records of a file until its rows are in the table.
    pub(crate) fn wait_rejected(&mut self, id: i64, columns: &[Column], batch: RecordBatch) -> Result<()> {
        self.keep(&waiting(id), columns, batch, Timestamp::UNIX_EPOCH).map(|_| ())
    }

    /// The mark for the commit of a file's rows, which comes next of all commits of files to this table.
    pub(crate) fn mark_ingest(&mut self, id: i64, rows: u64, rejected: u64) -> Result<i64> {
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        self.transaction.execute(
            "UPDATE ingests SET state = 'writing', rows = ?2, rejected = ?3,
             mark = 1 + max(
                 (SELECT coalesce(max(mark), 0) FROM ingests),
                 coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?4), 0)) WHERE id = ?1",
            params![id, number(rows), number(rejected), LAST_MARK],
        )?;
        Ok(self.transaction.query_row("SELECT mark FROM ingests WHERE id = ?1", [id], |row| row.get(0))?)
    }

    /// The file's rows are in the table; its rejected records go to theirs.
    pub(crate) fn finish_ingest(&mut self, id: i64, dead_letters: &str) -> Result<()> {
        self.transaction.execute("UPDATE ingests SET state = 'done' WHERE id = ?1", [id])?;
        let received: i64 =
            self.transaction.query_row("SELECT received FROM ingests WHERE id = ?1", [id], |row| row.get(0))?;
        for Buffered { seq, columns, batch, .. } in
            read_buffered(&self.transaction, "SELECT seq FROM buffer WHERE tbl = ?1 ORDER BY seq", [waiting(id)])?
        {
            // They get new numbers: up to their own ones, rows of the table may count as lying in files.
            self.transaction.execute("DELETE FROM buffer WHERE seq = ?1", [seq])?;
            self.append(dead_letters, &columns, batch, time(received))?;
        }
        Ok(())
    }

    /// Numbers of buffered rows, and marks, are given above these, which files of tables have. The state of a copy that was
    /// made while rows were written may be older than its tables; rows with a number that files have would be lost.
    pub(crate) fn number_above(&mut self, buffered: i64, mark: i64) -> Result<()> {
        self.transaction.execute(
            "INSERT INTO sqlite_sequence (name, seq) SELECT 'buffer', 0
             WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'buffer')",
            [],
        )?;
        self.transaction
            .execute("UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'buffer' AND seq < ?1", [buffered])?;
        self.transaction.execute(
            "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            params![LAST_MARK, mark.to_string()],
        )?;
        Ok(())
    }

    /// The file's rows are not in the table, and will not be.
    pub(crate) fn drop_ingest(&mut self, id: i64) -> Result<()> {
        self.transaction.execute("DELETE FROM ingests WHERE id = ?1", [id])?;
        self.transaction.execute("DELETE FROM buffer WHERE tbl = ?1", [waiting(id)])?;
        Ok(())
    }
}

impl State {
    /// The last taking in of a file of this content into a table.
    pub(crate) fn ingested(&self, hash: &str, table: &str) -> Result<Option<Ingest>> {
        self.read(|transaction| {
            let text = format!(
                "SELECT {COLUMNS} FROM ingests WHERE hash = ?1 AND tbl = ?2 AND state = 'done' ORDER BY id DESC LIMIT 1"
            );
            Ok(transaction.query_row(&text, [hash, table], ingest).optional()?)
        })
    }

    /// Files whose taking in did not end, with their marks.
    pub(crate) fn unfinished_ingests(&self) -> Result<Vec<(Ingest, Option<i64>)>> {
        self.read(|transaction| {
            let text = format!("SELECT {COLUMNS}, mark FROM ingests WHERE state <> 'done' ORDER BY id");
            let mut statement = transaction.prepare(&text)?;
            let rows = statement.query_map([], |row| Ok((ingest(row)?, row.get(8)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Files that were taken in, the last first.
    pub fn ingests(&self, limit: usize) -> Result<Vec<Ingest>> {
        self.read(|transaction| {
            let text = format!("SELECT {COLUMNS} FROM ingests WHERE state = 'done' ORDER BY id DESC LIMIT {limit}");
            let mut statement = transaction.prepare(&text)?;
            let rows = statement.query_map([], ingest)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}
