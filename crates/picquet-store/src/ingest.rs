//! Log files into tables.
//!
//! A file is taken in whole or not at all. The rows of a small one go to the buffer; those of a large one are written into
//! files of the table, which become part of it with one commit. What fits no schema goes to the table [`DEAD_LETTERS`].

mod rows;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use jiff::Timestamp;
use kql_engine::repr;
use picquet_sources::{IngestOptions, Ingestion, Rejected, Schemas, SourceError, content_hash};
use tokio::runtime::Handle;

pub(crate) use self::rows::dead_letter_columns;
use self::rows::{Finished, Finisher, dead_letters};
use crate::columns::{Column, stored_names};
use crate::error::{Result, StoreError};
use crate::settings::UnknownColumns;
use crate::snapshot::with_known;
use crate::state::Ingest;
use crate::table::{FileWriter, TableFiles, TableLog, Transactions, WrittenFile};
use crate::workspace::Workspace;

/// The table of records and values that fit no schema.
pub const DEAD_LETTERS: &str = "PicquetDeadLetter_CL";

/// A file with at most so many rows, and bytes of them, goes to the buffer.
const SMALL_ROWS: usize = 20_000;
const SMALL_BYTES: usize = 16 << 20;

/// Batches that are read before they are written.
const READ_AHEAD: usize = 4;

/// A file to be taken in.
#[derive(Debug, Clone)]
pub struct IngestFile {
    /// The file.
    pub path: PathBuf,
    /// The table.
    pub table: String,
    /// Take it in even if a file of the same content is in the table already.
    pub again: bool,
    /// Keep the `_TimeReceived` that the rows have, or else take their TimeGenerated, as the ingestion time: for logs that
    /// were exported, and are to be looked at as of then.
    pub keep_received: bool,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IngestOutcome {
    /// Its rows are in the table.
    Taken {
        /// The file in figures.
        ingest: Ingest,
        /// Columns that the table got by it.
        new_columns: Vec<String>,
        /// Remarks on how it was read.
        notes: Vec<String>,
    },
    /// A file of the same content is in the table already.
    Known(Ingest),
}

/// What a reading of a file shares between its threads.
struct Reading<'a> {
    workspace: &'a Workspace,
    finisher: Finisher,
    columns: Vec<Column>,
    id: i64,
    received: Timestamp,
    rows: AtomicU64,
    rejected: AtomicU64,
    stop: AtomicBool,
}

/// Why a reading ended early.
enum Ended {
    /// The file is to be read again by what all its records show.
    LookAtAll,
    Failed(StoreError),
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Ended {
        match error {
            StoreError::Source(SourceError::SampleMisleads(_)) => Ended::LookAtAll,
            other => Ended::Failed(other),
        }
    }
}

impl Workspace {
    /// Takes a file into a table, whole or not at all. Its rows are on the disk when this returns; their ingestion time is
    /// `now`.
    pub async fn ingest(&self, file: &IngestFile, now: Timestamp) -> Result<IngestOutcome> {
        self.owns()?;
        check_name(&file.table)?;
        // Before the file is looked at, which may take longer than rules wait.
        let _under_way = UnderWay::begin(self, now);
        let hash = content_hash(&file.path).map_err(StoreError::io(&file.path))?;
        if let Some(known) = self.state().ingested(&hash, &file.table)?.filter(|_| !file.again) {
            return Ok(IngestOutcome::Known(known));
        }
        let bytes = std::fs::metadata(&file.path).map_err(StoreError::io(&file.path))?.len();
        let ingest = Ingest {
            id: 0,
            hash,
            table: file.table.clone(),
            path: file.path.display().to_string(),
            bytes,
            rows: 0,
            rejected: 0,
            received: now,
        };
        match self.try_ingest(file, &ingest, false).await {
            Ok(outcome) => Ok(outcome),
            Err(Ended::Failed(error)) => Err(error),
            Err(Ended::LookAtAll) => self.try_ingest(file, &ingest, true).await.map_err(|ended| match ended {
                Ended::Failed(error) => error,
                Ended::LookAtAll => StoreError::Refused(format!("{} changed while it was read", file.path.display())),
            }),
        }
    }

    async fn try_ingest(&self, file: &IngestFile, ingest: &Ingest, all: bool) -> Result<IngestOutcome, Ended> {
        let own = self.table_view(&file.table).map(|view| view.columns).unwrap_or_default();
        let declared = with_known(&file.table, &own);
        let options = IngestOptions { table: file.table.clone(), declared: declared.clone() };
        let open = if all { Ingestion::open_looking_at_all } else { Ingestion::open };
        let ingestion = open(&file.path, options).map_err(StoreError::from)?;
        let notes = ingestion.notes().to_vec();
        let is_new = |(name, _): &&Column| !declared.iter().any(|(known, _)| known == name);
        let unknown: Vec<Column> = ingestion.columns().iter().filter(is_new).cloned().collect();
        let refuse = !declared.is_empty() && self.settings().unknown_columns_of(&file.table) == UnknownColumns::Refuse;
        let finisher = Finisher::new(file, ingestion.columns(), if refuse { &unknown } else { &[] }, ingest.received);
        let columns = finisher.columns().to_vec();
        let id = self.change(|change| change.begin_ingest(ingest, false))?;
        let reading = Reading {
            workspace: self,
            finisher,
            columns: columns.clone(),
            id,
            received: ingest.received,
            rows: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        };
        match self.read_and_write(&reading, ingestion, ingest).await {
            Ok(()) => {
                let known = |name: &String| own.iter().any(|(known, _)| known == name);
                let new_columns = match refuse || own.is_empty() && Schemas::builtin().contains(&file.table) {
                    true if refuse => Vec::new(),
                    _ => unknown.into_iter().map(|(name, _)| name).filter(|name| !known(name)).collect(),
                };
                let rows = reading.rows.load(Ordering::Relaxed);
                let rejected = reading.rejected.load(Ordering::Relaxed);
                let ingest = Ingest { id, rows, rejected, ..ingest.clone() };
                Ok(IngestOutcome::Taken { ingest, new_columns, notes })
            }
            Err(error) => {
                self.change(|change| change.drop_ingest(id))?;
                Err(error.into())
            }
        }
    }

    async fn read_and_write(&self, reading: &Reading<'_>, ingestion: Ingestion, ingest: &Ingest) -> Result<()> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut parts = ingestion.split(threads);
        let table = &ingest.table;
        let log = match self.table_view(table) {
            Some(view) => view.log,
            None => {
                self.change(|change| change.grow(table, &reading.columns))?;
                let missing = || StoreError::table(table, "the table cannot be made");
                self.table_view(table).ok_or_else(missing)?.log
            }
        };
        if parts.len() == 1 {
            let Some(part) = parts.pop() else { return Ok(()) };
            let read = tokio::task::block_in_place(|| reading.read_small(part))?;
            match read {
                Small::All(batches) => return reading.commit_small(batches, ingest),
                Small::More(batches, part) => {
                    let files = tokio::task::block_in_place(|| reading.read_beside(batches, *part, &log))?;
                    return reading.commit_files(&files, &log, ingest).await;
                }
            }
        }
        let handle = Handle::current();
        let written: Vec<Result<Vec<WrittenFile>>> = tokio::task::block_in_place(|| {
            std::thread::scope(|scope| {
                let run = |part: Ingestion| {
                    let (handle, log) = (handle.clone(), &log);
                    scope.spawn(move || {
                        let _entered = handle.enter();
                        let mut part = part;
                        let written = reading.write_files(Vec::new(), || reading.next(&mut part), log);
                        if written.is_err() {
                            reading.stop.store(true, Ordering::Relaxed);
                        }
                        written
                    })
                };
                let running: Vec<_> = parts.into_iter().map(run).collect();
                running.into_iter().map(|part| part.join().unwrap_or_else(|_| Err(stopped()))).collect()
            })
        });
        let mut files = Vec::new();
        for part in written {
            files.extend(part?);
        }
        reading.commit_files(&files, &log, ingest).await
    }
}

/// A file that is being taken in, with the ingestion time of its rows.
struct UnderWay<'a> {
    workspace: &'a Workspace,
    received: Timestamp,
}

impl UnderWay<'_> {
    fn begin(workspace: &Workspace, received: Timestamp) -> UnderWay<'_> {
        workspace.in_flight.send_modify(|times| times.push(received));
        UnderWay { workspace, received }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.workspace.in_flight.send_modify(|times| {
            if let Some(at) = times.iter().position(|time| *time == self.received) {
                times.swap_remove(at);
            }
        });
    }
}

enum Small {
    All(Vec<RecordBatch>),
    More(Vec<RecordBatch>, Box<Ingestion>),
}

impl Reading<'_> {
    /// The next batch, finished; its rejected records are kept.
    fn next(&self, part: &mut Ingestion) -> Result<Option<RecordBatch>> {
        if self.stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let batch = part.next().transpose();
        self.reject(&part.take_rejected())?;
        let Some(batch) = batch? else { return Ok(None) };
        let Finished { rows, refused } = self.finisher.finish(&batch).map_err(|e| StoreError::table("", e))?;
        self.reject(&refused)?;
        self.rows.fetch_add(rows.num_rows() as u64, Ordering::Relaxed);
        Ok(Some(rows))
    }

    fn reject(&self, rejected: &[Rejected]) -> Result<()> {
        if rejected.is_empty() {
            return Ok(());
        }
        self.rejected.fetch_add(rejected.len() as u64, Ordering::Relaxed);
        let batch = dead_letters(self.finisher.table(), rejected, self.received)
            .map_err(|e| StoreError::table(DEAD_LETTERS, e))?;
        self.workspace.change(|change| change.wait_rejected(self.id, &dead_letter_columns(), batch))
    }

    /// Reads a file that may be small.
    fn read_small(&self, mut part: Ingestion) -> Result<Small> {
        let (mut batches, mut rows, mut bytes) = (Vec::new(), 0, 0);
        while let Some(batch) = self.next(&mut part)? {
            rows += batch.num_rows();
            bytes += batch.get_array_memory_size();
            batches.push(batch);
            if rows > SMALL_ROWS || bytes > SMALL_BYTES {
                return Ok(Small::More(batches, Box::new(part)));
            }
        }
        Ok(Small::All(batches))
    }

    /// Writes the rows of a file that cannot be read in parts: while one thread reads, another one writes.
    fn read_beside(&self, first: Vec<RecordBatch>, mut part: Ingestion, log: &TableLog) -> Result<Vec<WrittenFile>> {
        std::thread::scope(|scope| {
            let (give, take) = std::sync::mpsc::sync_channel(READ_AHEAD);
            let handle = Handle::current();
            let reader = scope.spawn(move || {
                let _entered = handle.enter();
                // It ends with the last batch, an error, or when nobody takes any more.
                while let Some(batch) = self.next(&mut part).transpose() {
                    let failed = batch.is_err();
                    if give.send(batch).is_err() || failed {
                        break;
                    }
                }
                Ok(())
            });
            let written = self.write_files(first, || take.recv().ok().transpose(), log);
            // A reader that waits for room is told to end.
            drop(take);
            reader.join().unwrap_or_else(|_| Err(stopped())).and(written)
        })
    }

    /// Writes rows into files, which are put where the table's are.
    fn write_files(
        &self,
        first: Vec<RecordBatch>,
        mut next: impl FnMut() -> Result<Option<RecordBatch>>,
        log: &TableLog,
    ) -> Result<Vec<WrittenFile>> {
        let table = self.finisher.table();
        let broken = |e: Box<dyn std::error::Error + Send + Sync>| StoreError::table(table, e);
        let handle = Handle::current();
        let files = log.files();
        let names = stored_names(&self.columns, &files.columns, &files.names);
        let mut writer = FileWriter::new(self.columns.clone(), names, self.workspace.settings().file_bytes);
        let mut written = Vec::new();
        let put = |files: Vec<WrittenFile>, written: &mut Vec<WrittenFile>| -> Result<()> {
            for file in files {
                handle.block_on(log.put(&file))?;
                written.push(file.without_data());
            }
            Ok(())
        };
        for batch in first {
            writer.add(batch).map_err(broken)?;
        }
        while let Some(batch) = next()? {
            writer.add(batch).map_err(broken)?;
            put(writer.take_done(), &mut written)?;
        }
        put(writer.finish().map_err(broken)?, &mut written)?;
        Ok(written)
    }

    fn commit_small(&self, batches: Vec<RecordBatch>, ingest: &Ingest) -> Result<()> {
        let schema = repr::schema(self.columns.iter().map(|(name, ty)| (name.as_str(), *ty)));
        let batch = concat_batches(&schema, &batches).map_err(|e| StoreError::table(&ingest.table, e))?;
        self.workspace.change(|change| {
            change.mark_ingest(self.id, self.rows.load(Ordering::Relaxed), self.rejected.load(Ordering::Relaxed))?;
            change.grow(&ingest.table, &self.columns)?;
            change.append(&ingest.table, &self.columns, batch, ingest.received)?;
            change.finish_ingest(self.id, DEAD_LETTERS)
        })
    }

    async fn commit_files(&self, files: &[WrittenFile], log: &TableLog, ingest: &Ingest) -> Result<()> {
        let _turn = log.turn().await;
        let (rows, rejected) = (self.rows.load(Ordering::Relaxed), self.rejected.load(Ordering::Relaxed));
        let mark = self.workspace.change(|change| {
            change.grow(&ingest.table, &self.columns)?;
            change.mark_ingest(self.id, rows, rejected)
        })?;
        let transactions = Transactions { buffered: None, ingested: Some(mark) };
        let publish = |files: &TableFiles| self.workspace.write().publish(&ingest.table, files);
        log.commit(files, &[], transactions, ingest.received, publish).await?;
        self.workspace.change(|change| change.finish_ingest(self.id, DEAD_LETTERS))
    }
}

fn stopped() -> StoreError {
    StoreError::Refused("reading the file stopped; please report it".to_string())
}

fn check_name(table: &str) -> Result<()> {
    let starts = table.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if starts && table.len() <= 128 && table.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(());
    }
    Err(StoreError::Refused(format!(
        "'{table}' cannot be a table's name: letters, digits and _ only, and no digit first; give it by --table"
    )))
}
