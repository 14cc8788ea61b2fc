//! What a workspace does by itself: buffered rows into files, small files into large ones, old rows away.

use std::sync::Arc;

use arrow::array::RecordBatch;
use jiff::{SignedDuration, Timestamp};

use crate::columns::{Column, stored_names};
use crate::error::{Result, StoreError};
use crate::records::ticks;
use crate::snapshot::with_known;
use crate::state::Buffered;
use crate::table::compact::{groups, rewrite};
use crate::table::{FileWriter, StoredTable, TableFiles, Transactions};
use crate::workspace::{TableView, Workspace};

/// Small files that a table may have before they are put together.
const SMALL_FILES: usize = 16;

/// What maintenance did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Maintained {
    /// Buffered rows that were put into files.
    pub flushed: usize,
    /// Files that were put together.
    pub compacted: usize,
    /// Files whose rows were all past their retention.
    pub expired: usize,
    /// Removed files that were deleted.
    pub deleted: usize,
}

impl Maintained {
    fn add(&mut self, other: Maintained) {
        self.flushed += other.flushed;
        self.compacted += other.compacted;
        self.expired += other.expired;
        self.deleted += other.deleted;
    }
}

impl Workspace {
    /// Does what is due: called from time to time by whoever owns the workspace. A table's failure is told, and does not
    /// keep the others from their turn.
    pub async fn maintain(&self, now: Timestamp) -> Result<Maintained> {
        self.owns()?;
        let mut all = Maintained::default();
        for name in self.table_names() {
            match self.maintain_table(&name, now, false).await {
                Ok(done) => all.add(done),
                Err(error) => tracing::error!(table = name, %error, "maintenance failed"),
            }
        }
        Ok(all)
    }

    /// Puts everything that is buffered into files, small files together, old rows away, for one table or all.
    pub async fn compact(&self, table: Option<&str>, now: Timestamp) -> Result<Maintained> {
        self.owns()?;
        let names = self.table_names();
        if let Some(table) = table.filter(|table| !names.iter().any(|name| name == table)) {
            return Err(StoreError::Refused(format!("the workspace has no table {table}")));
        }
        let mut all = Maintained::default();
        for name in names.iter().filter(|name| table.is_none_or(|table| table == *name)) {
            all.add(self.maintain_table(name, now, true).await?);
        }
        Ok(all)
    }

    /// Puts all buffered rows into files.
    pub async fn flush(&self, now: Timestamp) -> Result<usize> {
        self.owns()?;
        let mut rows = 0;
        for name in self.table_names() {
            rows += self.flush_table(&name, now).await?;
        }
        Ok(rows)
    }

    pub(crate) fn table_names(&self) -> Vec<String> {
        self.read().tables.keys().cloned().collect()
    }

    pub(crate) fn table_view(&self, name: &str) -> Option<TableView> {
        self.read().tables.get(name).cloned()
    }

    async fn maintain_table(&self, name: &str, now: Timestamp, all: bool) -> Result<Maintained> {
        let mut done = Maintained::default();
        let Some(view) = self.table_view(name) else { return Ok(done) };
        let rows: usize = view.buffered.iter().map(|b| b.batch.num_rows()).sum();
        let oldest = view.buffered.iter().map(|b| b.received).min().unwrap_or(i64::MAX);
        let age = SignedDuration::from_micros(now.as_microsecond().saturating_sub(oldest).max(0));
        if all || rows >= self.settings().flush_rows || age >= self.settings().flush_after.to_signed_duration() {
            done.flushed = self.flush_table(name, now).await?;
        }
        done.expired = self.expire(name, now).await?;
        done.compacted = self.compact_table(name, now, if all { 2 } else { SMALL_FILES }).await?;
        // Files that are being taken in are put before they become part of the table.
        let is_still = self.in_flight.borrow().is_empty();
        if is_still && (done.compacted > 0 || done.expired > 0 || all) {
            done.deleted = view.log.vacuum(self.settings().keep_removed.to_signed_duration()).await?;
        }
        Ok(done)
    }

    /// Puts the buffered rows of a table into files. Whoever reads meanwhile sees each row once.
    pub(crate) async fn flush_table(&self, name: &str, now: Timestamp) -> Result<usize> {
        let Some(view) = self.table_view(name) else { return Ok(0) };
        // One at a time, so that no row is put into files twice.
        let _turn = view.log.turn().await;
        self.look_for_changes()?;
        let last = self.table_view(name).and_then(|view| view.buffered.iter().map(|b| b.seq).max());
        let Some(last) = last else { return Ok(0) };
        // The commit says that all rows up to a number lie in files. Another process may have written some of them since
        // the last look; those that it writes from now on have higher numbers.
        self.look_for_changes()?;
        let Some(mut view) = self.table_view(name) else { return Ok(0) };
        view.buffered.retain(|buffered| buffered.seq <= last);
        let columns = with_known(name, &view.columns);
        let rows: usize = view.buffered.iter().map(|b| b.batch.num_rows()).sum();
        let broken = |e: Box<dyn std::error::Error + Send + Sync>| StoreError::table(name, e);
        let names = stored_names(&columns, &view.files.columns, &view.files.names);
        let mut writer = FileWriter::new(columns.clone(), names, self.settings().file_bytes);
        for batch in aligned(self, name, &columns, &view.buffered)? {
            writer.add(batch).map_err(broken)?;
        }
        let files = writer.finish().map_err(broken)?;
        for file in &files {
            view.log.put(file).await?;
        }
        let transactions = Transactions { buffered: Some(last), ingested: None };
        let publish = |files: &TableFiles| self.write().publish(name, files);
        view.log.commit(&files, &[], transactions, now, publish).await?;
        self.change(|change| change.forget(name, last))?;
        Ok(rows)
    }

    async fn expire(&self, name: &str, now: Timestamp) -> Result<usize> {
        let Some(retention) = self.settings().retention_of(name) else { return Ok(0) };
        let Some(view) = self.table_view(name) else { return Ok(0) };
        let kept_from = ticks(now).saturating_sub(retention.ticks());
        let is_old = |file: &&crate::table::DataFile| file.generated.is_some_and(|(_, last)| last < kept_from);
        let old: Vec<String> = view.files.files.iter().filter(is_old).map(|file| file.path.clone()).collect();
        if old.is_empty() {
            return Ok(0);
        }
        let publish = |files: &TableFiles| self.write().publish(name, files);
        view.log.commit(&[], &old, Transactions::default(), now, publish).await?;
        Ok(old.len())
    }

    async fn compact_table(&self, name: &str, now: Timestamp, fewest: usize) -> Result<usize> {
        let Some(view) = self.table_view(name) else { return Ok(0) };
        let file_bytes = self.settings().file_bytes;
        let mut compacted = 0;
        for group in groups(&view.files.files, file_bytes as u64, fewest) {
            let files = TableFiles { files: group.clone(), ..view.files.as_ref().clone() };
            let columns = view.files.columns.clone();
            let table =
                StoredTable::new(name.to_string(), columns, self.storage().clone(), Arc::new(files), Vec::new());
            let written = rewrite(table, &view.log, file_bytes).await?;
            let removed: Vec<String> = group.into_iter().map(|file| file.path).collect();
            let publish = |files: &TableFiles| self.write().publish(name, files);
            view.log.commit(&written, &removed, Transactions::default(), now, publish).await?;
            compacted += removed.len();
        }
        Ok(compacted)
    }
}

/// Buffered rows in the columns of their table.
fn aligned(
    workspace: &Workspace,
    name: &str,
    columns: &[Column],
    buffered: &[Arc<Buffered>],
) -> Result<Vec<RecordBatch>> {
    let table =
        StoredTable::new(name.to_string(), columns.to_vec(), workspace.storage().clone(), Arc::default(), Vec::new());
    let all: Vec<usize> = (0..columns.len()).collect();
    let align = |b: &Arc<Buffered>| table.align(b, &all, &table.schema).map_err(|e| StoreError::table(name, e));
    buffered.iter().map(align).collect()
}
