//! A table's log: which files it has.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake_core::kernel::{Action, Add, LogicalFileView, MetadataExt as _, StructField, StructType, Transaction};
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::{DeltaTable, DeltaTableError, Path};
use futures::TryStreamExt as _;
use jiff::Timestamp;
use object_store::{ObjectStoreExt as _, PutPayload};

use super::{TIME_GENERATED, TIME_RECEIVED, WrittenFile};
use crate::columns::{Column, StoredNames, delta_fields, kusto_column, stored_name};
use crate::error::{Result, StoreError};
use crate::records::ticks;
use crate::storage::Storage;
use picquet_sources::TICKS_SUFFIX;

/// Under these names the log knows how far buffered rows, and files, were taken in.
const BUFFER: &str = "picquet.buffer";
const INGEST: &str = "picquet.ingest";

/// A file of a table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DataFile {
    /// Below the table's folder.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) rows: Option<usize>,
    /// Least and greatest time of its rows, in ticks, where it is known.
    pub(crate) generated: Option<(i64, i64)>,
    pub(crate) received: Option<(i64, i64)>,
    /// How many of its rows have no ingestion time, where it is known.
    pub(crate) without_received: Option<u64>,
}

impl DataFile {
    /// How many of its rows lack a time, where it is known.
    pub(crate) fn missing_times(&self, column: &str) -> Option<u64> {
        if column == TIME_RECEIVED { self.without_received } else { None }
    }
}

/// A table at a version.
#[derive(Debug, Clone, Default)]
pub(crate) struct TableFiles {
    /// `None` where nothing was ever committed.
    pub(crate) version: Option<u64>,
    pub(crate) columns: Vec<Column>,
    /// The names under which they are stored.
    pub(crate) names: StoredNames,
    /// Times that have a column of ticks beside them.
    pub(crate) ticks: Vec<String>,
    pub(crate) files: Vec<DataFile>,
    /// The number of the last buffered rows that lie in the files.
    pub(crate) buffered: i64,
    /// The number of the last file that was taken in.
    pub(crate) ingested: i64,
}

impl TableFiles {
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    pub(crate) fn rows(&self) -> usize {
        self.files.iter().filter_map(|file| file.rows).sum()
    }
}

/// What a commit says of where its rows come from.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Transactions {
    pub(crate) buffered: Option<i64>,
    pub(crate) ingested: Option<i64>,
}

/// The log of one table. Commits of a process go one after the other.
pub(crate) struct TableLog {
    name: String,
    /// Held while the table is changed.
    table: tokio::sync::Mutex<DeltaTable>,
    /// Held while it is decided what goes into the next commit.
    turn: tokio::sync::Mutex<()>,
    files: RwLock<Arc<TableFiles>>,
}

impl TableLog {
    /// A table that has no log yet.
    pub(crate) fn new(storage: &Storage, name: &str) -> Result<TableLog> {
        let table = tokio::sync::Mutex::new(storage.table(name)?);
        Ok(TableLog { name: name.to_string(), table, turn: tokio::sync::Mutex::default(), files: RwLock::default() })
    }

    /// Reads the log, where there is one.
    pub(crate) async fn open(storage: &Storage, name: &str) -> Result<TableLog> {
        let mut table = storage.table(name)?;
        let fail = |e: DeltaTableError| StoreError::table(name, e);
        let files = if table.verify_deltatable_existence().await.map_err(fail)? {
            table.load().await.map_err(fail)?;
            look(&table).await.map_err(fail)?
        } else {
            TableFiles::default()
        };
        let files = RwLock::new(Arc::new(files));
        let (table, turn) = (tokio::sync::Mutex::new(table), tokio::sync::Mutex::default());
        Ok(TableLog { name: name.to_string(), table, turn, files })
    }

    /// The files at the last version that this process has seen.
    pub(crate) fn files(&self) -> Arc<TableFiles> {
        Arc::clone(&self.files.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Held by whoever decides what goes into the next commit of rows, until that is done.
    pub(crate) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Puts a file where the table's files are. It becomes part of the table with a commit.
    pub(crate) async fn put(&self, file: &WrittenFile) -> Result<()> {
        let store = self.table.lock().await.object_store();
        let data: Bytes = file.data.clone();
        let put = store.put(&Path::from(file.name.as_str()), PutPayload::from_bytes(data)).await;
        put.map(|_| ()).map_err(|e| StoreError::table(&self.name, e))
    }

    /// Commits files that were put, and the removal of others, as one version. `publish` is called with the new files
    /// before anybody can see them here.
    pub(crate) async fn commit(
        &self,
        added: &[WrittenFile],
        removed: &[String],
        transactions: Transactions,
        now: Timestamp,
        publish: impl FnOnce(&TableFiles),
    ) -> Result<()> {
        let mut table = self.table.lock().await;
        let fail = |e: DeltaTableError| StoreError::table(&self.name, e);
        let before = self.files();
        // Files that are put together hold no other rows than before.
        let is_change = removed.is_empty() || added.is_empty();
        let mut actions: Vec<Action> = added.iter().map(|file| Action::Add(add(file, is_change, now))).collect();
        let marks = [(BUFFER, transactions.buffered), (INGEST, transactions.ingested)];
        let marks: Vec<Transaction> = marks
            .into_iter()
            .filter_map(|(app, version)| {
                Some(Transaction::new_with_last_update(app, version?, Some(now.as_millisecond())))
            })
            .collect();
        let fields = new_fields(&before, added);
        if before.version.is_none() {
            actions.extend(marks.into_iter().map(Action::Txn));
            let created = CreateBuilder::new()
                .with_log_store(table.log_store())
                .with_table_name(&self.name)
                .with_columns(fields)
                .with_configuration_property(deltalake_core::TableProperty::CheckpointInterval, Some("20"))
                .with_actions(actions)
                .await
                .map_err(fail)?;
            *table = created;
        } else {
            let snapshot = table.snapshot().map_err(fail)?;
            if !removed.is_empty() {
                let views: Vec<LogicalFileView> = snapshot
                    .snapshot()
                    .file_views(table.log_store().as_ref(), None)
                    .try_collect()
                    .await
                    .map_err(fail)?;
                let gone = views.iter().filter(|view| removed.iter().any(|path| *path == view.path()));
                actions.extend(gone.map(|view| Action::Remove(view.remove_action(is_change))));
            }
            if !fields.is_empty() {
                let all = snapshot.schema().fields().cloned().chain(fields).collect::<Vec<_>>();
                let schema = StructType::try_new(all).map_err(|e| StoreError::table(&self.name, e))?;
                let metadata =
                    snapshot.metadata().clone().with_schema(&schema).map_err(|e| StoreError::table(&self.name, e))?;
                actions.push(Action::Metadata(metadata));
            }
            let operation = match (added.is_empty(), removed.is_empty()) {
                (true, false) => DeltaOperation::Delete { predicate: None },
                (false, false) => DeltaOperation::Optimize { predicate: None, target_size: 0 },
                _ => DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None },
            };
            let properties = CommitProperties::default().with_application_transactions(marks);
            let commit = CommitBuilder::from(properties)
                .with_actions(actions)
                .build(Some(snapshot), table.log_store(), operation)
                .await
                .map_err(fail)?;
            table.state = Some(commit.snapshot());
        }
        let files = look(&table).await.map_err(fail)?;
        publish(&files);
        *self.files.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(files);
        Ok(())
    }

    /// Deletes files that were removed from the table at least so long ago, and files that never became part of it.
    pub(crate) async fn vacuum(&self, keep: jiff::SignedDuration) -> Result<usize> {
        let mut table = self.table.lock().await;
        if self.files().version.is_none() {
            return Ok(0);
        }
        let fail = |e: DeltaTableError| StoreError::table(&self.name, e);
        let keep = chrono::Duration::milliseconds(i64::try_from(keep.as_millis()).unwrap_or(i64::MAX / 2));
        let (after, metrics) = table
            .clone()
            .vacuum()
            .with_retention_period(keep)
            .with_enforce_retention_duration(false)
            .with_mode(deltalake_core::operations::vacuum::VacuumMode::Full)
            .await
            .map_err(fail)?;
        *table = after;
        Ok(metrics.files_deleted.len())
    }
}

/// The table as its log has it.
async fn look(table: &DeltaTable) -> Result<TableFiles, DeltaTableError> {
    let state = table.snapshot()?;
    let log = table.log_store();
    let snapshot = state.snapshot();
    let views: Vec<LogicalFileView> = snapshot.file_views(log.as_ref(), None).try_collect().await?;
    let schema = state.schema();
    let found: Vec<(&str, Column)> =
        schema.fields().filter_map(|field| Some((field.name().as_str(), kusto_column(field)?))).collect();
    let renamed = found.iter().filter(|(stored, (name, _))| stored != name);
    let names: StoredNames = renamed.map(|(stored, (name, _))| (name.clone(), (*stored).to_string())).collect();
    let has = |stored: &str| schema.field(format!("{stored}{TICKS_SUFFIX}")).is_some();
    let ticks = found.iter().filter(|(stored, _)| has(stored)).map(|(_, (name, _))| name.clone()).collect();
    let columns: Vec<Column> = found.into_iter().map(|(_, column)| column).collect();
    Ok(TableFiles {
        version: Some(state.version()),
        columns,
        names,
        ticks,
        files: views.iter().map(data_file).collect(),
        buffered: snapshot.transaction_version(log.as_ref(), BUFFER).await?.unwrap_or(0),
        ingested: snapshot.transaction_version(log.as_ref(), INGEST).await?.unwrap_or(0),
    })
}

fn data_file(view: &LogicalFileView) -> DataFile {
    let statistics: serde_json::Value =
        view.stats().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let bound = |which: &str, name: &str| -> Option<i64> {
        let time: Timestamp = statistics.get(which)?.get(name)?.as_str()?.parse().ok()?;
        Some(ticks(time))
    };
    // Other writers cut the greatest value to whole milliseconds.
    let range = |name| Some((bound("minValues", name)?, bound("maxValues", name)?.checked_add(9_999)?));
    DataFile {
        path: view.path().into_owned(),
        bytes: u64::try_from(view.size()).unwrap_or(0),
        rows: statistics.get("numRecords").and_then(serde_json::Value::as_u64).and_then(|n| usize::try_from(n).ok()),
        generated: range(TIME_GENERATED),
        received: range(TIME_RECEIVED),
        without_received: statistics.get("nullCount").and_then(|n| n.get(TIME_RECEIVED)?.as_u64()),
    }
}

fn add(file: &WrittenFile, data_change: bool, now: Timestamp) -> Add {
    Add {
        path: file.name.clone(),
        partition_values: HashMap::new(),
        size: i64::try_from(file.bytes).unwrap_or(i64::MAX),
        modification_time: now.as_millisecond(),
        data_change,
        stats: Some(file.statistics()),
        tags: None,
        deletion_vector: None,
        base_row_id: None,
        default_row_commit_version: None,
        clustering_provider: None,
    }
}

/// The columns that the table's log gets by these files.
fn new_fields(before: &TableFiles, added: &[WrittenFile]) -> Vec<StructField> {
    let mut fields: Vec<StructField> = Vec::new();
    let of_before = |name| stored_name(&before.names, name);
    let known = |name: &str| {
        before.columns.iter().any(|(known, _)| of_before(known) == name)
            || before.ticks.iter().any(|known| name.strip_suffix(TICKS_SUFFIX).is_some_and(|n| n == of_before(known)))
    };
    for file in added {
        for field in delta_fields(&file.columns, &file.names, |name| file.ticks.iter().any(|ticks| ticks == name)) {
            if !known(field.name()) && !fields.iter().any(|new| new.name() == field.name()) {
                fields.push(field);
            }
        }
    }
    fields
}
