//! Rows as Parquet files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray, RecordBatch, new_null_array};
use arrow::compute::{concat_batches, max, min};
use arrow::datatypes::{Int64Type, Schema, SchemaRef};
use bytes::Bytes;
use kql_functions::Type;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use serde_json::{Value, json};

use super::{TIME_GENERATED, TIME_RECEIVED};
use crate::columns::{Column, UNIX_EPOCH, stored, ticks_field, written_field};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Rows of a row group: what a query can skip by its times.
const GROUP_ROWS: usize = 128 << 10;

/// Rows that are looked at before a file's columns are chosen.
const FIRST_ROWS: usize = 64 << 10;

/// A file that is not yet part of its table.
#[derive(Debug, Clone)]
pub(crate) struct WrittenFile {
    pub(crate) name: String,
    /// Its content, until it was put.
    pub(crate) data: Bytes,
    pub(crate) bytes: usize,
    pub(crate) rows: usize,
    /// Columns that have a value in some row.
    pub(crate) columns: Vec<Column>,
    /// Times that have a column of ticks beside them.
    pub(crate) ticks: Vec<String>,
    /// Least and greatest value of TimeGenerated and of the ingestion time, in ticks.
    pub(crate) times: BTreeMap<&'static str, (i64, i64)>,
    /// How many rows have no ingestion time.
    pub(crate) without_received: usize,
}

impl WrittenFile {
    /// The file once its content lies elsewhere.
    pub(crate) fn without_data(mut self) -> WrittenFile {
        self.data = Bytes::new();
        self
    }

    /// The statistics of the file as the log has them; times in whole milliseconds, rounded outwards.
    pub(crate) fn statistics(&self) -> String {
        let bound = |ticks: i64, up: bool| -> Option<Value> {
            let millis = (ticks - UNIX_EPOCH).div_euclid(10_000) + i64::from(up && (ticks - UNIX_EPOCH) % 10_000 != 0);
            let time = jiff::Timestamp::from_millisecond(millis).ok()?;
            Some(json!(format!("{time:.3}")))
        };
        let all = |pick: fn(&(i64, i64)) -> i64, up| -> serde_json::Map<String, Value> {
            let one = |(name, range): (&&str, &(i64, i64))| Some(((*name).to_string(), bound(pick(range), up)?));
            self.times.iter().filter_map(one).collect()
        };
        let received = self.times.contains_key(TIME_RECEIVED);
        let missing = received.then(|| (TIME_RECEIVED.to_string(), Value::from(self.without_received)));
        json!({
            "numRecords": self.rows,
            "minValues": all(|range| range.0, false),
            "maxValues": all(|range| range.1, true),
            "nullCount": missing.into_iter().collect::<serde_json::Map<String, Value>>(),
        })
        .to_string()
    }
}

/// Writes rows in Kusto's representation into files of a size.
///
/// A file has the columns that its rows have values in. Where a later row has a value in a further one, a new file begins.
pub(crate) struct FileWriter {
    columns: Vec<Column>,
    schema: SchemaRef,
    /// Columns of the file, and times with ticks, seen so far.
    used: BTreeSet<usize>,
    ticks: BTreeSet<usize>,
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
    open: Option<OpenFile>,
    file_bytes: usize,
    done: Vec<WrittenFile>,
}

struct OpenFile {
    writer: ArrowWriter<Vec<u8>>,
    schema: SchemaRef,
    used: BTreeSet<usize>,
    ticks: BTreeSet<usize>,
    rows: usize,
    times: BTreeMap<&'static str, (i64, i64)>,
    without_received: usize,
}

impl FileWriter {
    /// A writer of rows of these columns, into files of about so many bytes.
    pub(crate) fn new(columns: Vec<Column>, file_bytes: usize) -> FileWriter {
        let schema = kql_engine::repr::schema(columns.iter().map(|(name, ty)| (name.as_str(), *ty)));
        FileWriter {
            columns,
            schema,
            used: BTreeSet::new(),
            ticks: BTreeSet::new(),
            waiting: Vec::new(),
            waiting_rows: 0,
            open: None,
            file_bytes,
            done: Vec::new(),
        }
    }

    /// Adds rows; their columns are those of the writer.
    pub(crate) fn add(&mut self, batch: RecordBatch) -> Result<(), Failure> {
        self.waiting_rows += batch.num_rows();
        self.waiting.push(batch);
        if self.open.is_some() || self.waiting_rows >= FIRST_ROWS { self.write_waiting() } else { Ok(()) }
    }

    /// Files that are full, since the last call.
    pub(crate) fn take_done(&mut self) -> Vec<WrittenFile> {
        std::mem::take(&mut self.done)
    }

    /// The rest.
    pub(crate) fn finish(mut self) -> Result<Vec<WrittenFile>, Failure> {
        self.write_waiting()?;
        self.close()?;
        Ok(self.done)
    }

    fn write_waiting(&mut self) -> Result<(), Failure> {
        let rows = std::mem::take(&mut self.waiting_rows);
        let batches = std::mem::take(&mut self.waiting);
        if rows == 0 {
            return Ok(());
        }
        let batch = concat_batches(&self.schema, &batches)?;
        let mut written: Vec<Option<(ArrayRef, Option<ArrayRef>)>> = Vec::with_capacity(self.columns.len());
        for (at, ((_, ty), array)) in self.columns.iter().zip(batch.columns()).enumerate() {
            let column = stored(array, *ty);
            if let Some((_, ticks)) = &column {
                self.used.insert(at);
                if ticks.is_some() {
                    self.ticks.insert(at);
                }
            }
            written.push(column);
        }
        let fits = |open: &OpenFile| open.used == self.used && open.ticks == self.ticks;
        if self.open.as_ref().is_some_and(|open| !fits(open)) {
            self.close()?;
        }
        if self.open.is_none() {
            self.open = Some(self.begin()?);
        }
        let Some(open) = self.open.as_mut() else { return Ok(()) };
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(open.schema.fields().len());
        for at in &open.used {
            let ty = self.columns[*at].1;
            let (array, ticks) = match written[*at].take() {
                Some((array, ticks)) => (array, ticks),
                // An empty text stays one.
                None if ty == Type::String => (Arc::clone(batch.column(*at)), None),
                None => (new_null_array(written_field("", ty).data_type(), rows), None),
            };
            arrays.push(array);
            if open.ticks.contains(at) {
                arrays.push(ticks.unwrap_or_else(|| new_null_array(ticks_field("").data_type(), rows)));
            }
        }
        open.writer.write(&RecordBatch::try_new(Arc::clone(&open.schema), arrays)?)?;
        open.rows += rows;
        open.without_received += batch.column_by_name(TIME_RECEIVED).map_or(rows, |times| times.null_count());
        for name in [TIME_GENERATED, TIME_RECEIVED] {
            let Some(times) = batch.column_by_name(name).and_then(|c| c.as_primitive_opt::<Int64Type>()) else {
                continue;
            };
            if let (Some(low), Some(high)) = (min(times), max(times)) {
                let range = open.times.entry(name).or_insert((low, high));
                *range = (range.0.min(low), range.1.max(high));
            }
        }
        if open.writer.bytes_written() + open.writer.in_progress_size() >= self.file_bytes {
            self.close()?;
        }
        Ok(())
    }

    fn begin(&self) -> Result<OpenFile, Failure> {
        let mut fields = Vec::new();
        for at in &self.used {
            let (name, ty) = &self.columns[*at];
            fields.push(written_field(name, *ty));
            if self.ticks.contains(at) {
                fields.push(ticks_field(name));
            }
        }
        let schema = Arc::new(Schema::new(fields));
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_statistics_enabled(EnabledStatistics::Chunk);
        for time in [TIME_GENERATED, TIME_RECEIVED] {
            let path = ColumnPath::from(time);
            properties = properties.set_column_statistics_enabled(path, EnabledStatistics::Page);
        }
        let writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties.build()))?;
        let (used, ticks) = (self.used.clone(), self.ticks.clone());
        Ok(OpenFile { writer, schema, used, ticks, rows: 0, times: BTreeMap::new(), without_received: 0 })
    }

    fn close(&mut self) -> Result<(), Failure> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let data = Bytes::from(open.writer.into_inner()?);
        self.done.push(WrittenFile {
            name: format!("part-{}.zstd.parquet", uuid::Uuid::new_v4()),
            bytes: data.len(),
            data,
            rows: open.rows,
            columns: open.used.iter().map(|at| self.columns[*at].clone()).collect(),
            ticks: open.ticks.iter().map(|at| self.columns[*at].0.clone()).collect(),
            times: open.times,
            without_received: open.without_received,
        });
        Ok(())
    }
}
