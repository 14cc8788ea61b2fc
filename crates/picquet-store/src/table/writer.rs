//! Rows as Parquet files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray, RecordBatch, new_null_array};
use arrow::compute::{max, min};
use arrow::datatypes::{Int64Type, Schema, SchemaRef};
use bytes::Bytes;
use kql_engine::repr::missing;
use kql_functions::Type;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use serde_json::{Value, json};

use super::{TIME_GENERATED, TIME_RECEIVED};
use crate::columns::{Column, StoredNames, UNIX_EPOCH, stored, stored_name, ticks_field, written_field};

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
    /// The names under which they are stored.
    pub(crate) names: StoredNames,
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
    names: StoredNames,
    /// Columns of the file, and times with ticks, seen so far.
    used: BTreeSet<usize>,
    ticks: BTreeSet<usize>,
    waiting: Vec<Waiting>,
    waiting_rows: usize,
    open: Option<OpenFile>,
    file_bytes: usize,
    done: Vec<WrittenFile>,
}

/// Rows that are not written yet. Of wide tables most columns have no value, and are not held.
struct Waiting {
    rows: usize,
    /// Columns as they are written, with ticks; none where no row has a value.
    columns: Vec<Option<(ArrayRef, Option<ArrayRef>)>>,
    times: BTreeMap<&'static str, (i64, i64)>,
    without_received: usize,
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

impl OpenFile {
    fn write(&mut self, columns: &[Column], mut waiting: Waiting) -> Result<(), Failure> {
        let rows = waiting.rows;
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        for at in &self.used {
            let ty = columns[*at].1;
            let (array, ticks) = match waiting.columns[*at].take() {
                Some((array, ticks)) => (array, ticks),
                // An empty text stays one.
                None if ty == Type::String => (missing(ty, rows), None),
                None => (new_null_array(written_field("", ty).data_type(), rows), None),
            };
            arrays.push(array);
            if self.ticks.contains(at) {
                arrays.push(ticks.unwrap_or_else(|| new_null_array(ticks_field("").data_type(), rows)));
            }
        }
        self.writer.write(&RecordBatch::try_new(Arc::clone(&self.schema), arrays)?)?;
        self.rows += rows;
        self.without_received += waiting.without_received;
        for (name, (low, high)) in waiting.times {
            let range = self.times.entry(name).or_insert((low, high));
            *range = (range.0.min(low), range.1.max(high));
        }
        Ok(())
    }
}

impl FileWriter {
    /// A writer of rows of these columns, stored under these names, into files of about so many bytes.
    pub(crate) fn new(columns: Vec<Column>, names: StoredNames, file_bytes: usize) -> FileWriter {
        FileWriter {
            columns,
            names,
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
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let columns: Vec<_> =
            self.columns.iter().zip(batch.columns()).map(|((_, ty), array)| stored(array, *ty)).collect();
        for (at, column) in columns.iter().enumerate() {
            let Some((_, ticks)) = column else { continue };
            self.used.insert(at);
            if ticks.is_some() {
                self.ticks.insert(at);
            }
        }
        let times_of = |name: &str| batch.column_by_name(name).and_then(|c| c.as_primitive_opt::<Int64Type>());
        let range = |name: &'static str| {
            let times = times_of(name)?;
            Some((name, (min(times)?, max(times)?)))
        };
        self.waiting_rows += batch.num_rows();
        self.waiting.push(Waiting {
            rows: batch.num_rows(),
            times: [TIME_GENERATED, TIME_RECEIVED].into_iter().filter_map(range).collect(),
            without_received: times_of(TIME_RECEIVED).map_or(batch.num_rows(), |times| times.null_count()),
            columns,
        });
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
        self.waiting_rows = 0;
        for waiting in std::mem::take(&mut self.waiting) {
            let fits = |open: &OpenFile| open.used == self.used && open.ticks == self.ticks;
            if self.open.as_ref().is_some_and(|open| !fits(open)) {
                self.close()?;
            }
            if self.open.is_none() {
                self.open = Some(self.begin()?);
            }
            let Some(open) = self.open.as_mut() else { return Ok(()) };
            open.write(&self.columns, waiting)?;
            if open.writer.bytes_written() + open.writer.in_progress_size() >= self.file_bytes {
                self.close()?;
            }
        }
        Ok(())
    }

    fn begin(&self) -> Result<OpenFile, Failure> {
        let mut fields = Vec::new();
        for at in &self.used {
            let (name, ty) = &self.columns[*at];
            let name = stored_name(&self.names, name);
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
            names: self.names.clone(),
            ticks: open.ticks.iter().map(|at| self.columns[*at].0.clone()).collect(),
            times: open.times,
            without_received: open.without_received,
        });
        Ok(())
    }
}
