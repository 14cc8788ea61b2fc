//! Log files read whole, to be stored: nothing that they hold goes missing in silence.

mod parquet;
mod text;

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use kql_engine::repr;
use kql_functions::Type;
use sha2::{Digest as _, Sha256};

use self::parquet::ParquetReading;
use self::text::TextReading;
use crate::decode::TableColumns;
use crate::input::{self, Magic};
use crate::problems::Collector;
use crate::rejected::Rejected;
use crate::shape::{FileShape, SAMPLE};
use crate::text_scan::PART_BYTES;
use crate::{Schemas, SourceError};

/// Rows of a batch, and cells, so that batches of wide tables are not too large.
const BATCH_ROWS: usize = 8192;
const BATCH_CELLS: usize = 1 << 21;

/// For which table a file is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IngestOptions {
    /// The table's name.
    pub table: String,
    /// The columns that the table has already: their types win over what the file suggests. Without any, those of the
    /// built-in schema of the table, if there is one.
    pub declared: Vec<(String, Type)>,
}

/// One log file, or a part of it, read whole for ingestion.
///
/// It is an iterator of batches with all columns, in Kusto's representation ([`kql_engine::repr`]). Every record of the
/// file is either a row of a batch or [`Rejected`]; values that do not fit their columns are missing in the row and
/// rejected besides.
///
/// Columns and types that no schema knows are taken from the first records. As soon as a later record shows that these
/// mislead, the iterator ends with [`SourceError::SampleMisleads`]: what it gave is to be dropped, and the file read
/// again with [`Ingestion::open_looking_at_all`].
///
/// ```no_run
/// # use picquet_sources::{IngestOptions, Ingestion};
/// let options = IngestOptions { table: "AzureActivity".to_string(), declared: Vec::new() };
/// let mut file = Ingestion::open("AzureActivity.jsonl".as_ref(), options)?;
/// while let Some(batch) = file.next() {
///     println!("{} rows", batch?.num_rows());
///     for rejected in file.take_rejected() {
///         println!("{:?}: {}", rejected.line, rejected.reason);
///     }
/// }
/// // Also what comes after the last row may be rejected.
/// println!("{} more", file.take_rejected().len());
/// # Ok::<(), picquet_sources::SourceError>(())
/// ```
pub struct Ingestion {
    path: PathBuf,
    table: Arc<TableColumns>,
    schema: SchemaRef,
    reading: Reading,
    problems: Collector,
    notes: Vec<String>,
    begun: bool,
    ended: bool,
}

enum Reading {
    Text(Box<TextReading>),
    Parquet(Box<ParquetReading>),
}

impl std::fmt::Debug for Ingestion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ingestion").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Ingestion {
    /// Opens a file and looks at its first records.
    ///
    /// Fails where nothing of the file can be read: it is not there, or in a format that is not known.
    pub fn open(path: &Path, options: IngestOptions) -> Result<Ingestion, SourceError> {
        Ingestion::open_at(path, &options, SAMPLE)
    }

    /// Opens a file and looks at all its records before any is read. The columns are those of all records, with types
    /// that take all values.
    pub fn open_looking_at_all(path: &Path, options: IngestOptions) -> Result<Ingestion, SourceError> {
        Ingestion::open_at(path, &options, usize::MAX)
    }

    fn open_at(path: &Path, options: &IngestOptions, sample: usize) -> Result<Ingestion, SourceError> {
        let unreadable = |source| SourceError::Unreadable { path: path.to_path_buf(), source };
        if input::magic(path).map_err(unreadable)? == Magic::Parquet {
            let (reading, columns) = ParquetReading::open(path)?;
            let found = columns.into_iter().map(|(name, ty)| (name, Some(ty)));
            let columns = columns_of(options, found, |_| Type::String);
            let problems = Collector::ingesting(path, 0, 0, false);
            return Ok(Ingestion::of(path, columns, Reading::Parquet(Box::new(reading)), problems, Vec::new()));
        }
        let shape = FileShape::look_at(path, sample)?;
        let (reading, columns) = TextReading::open(shape, options)?;
        let problems = Collector::ingesting(path, 0, 0, reading.is_sampled());
        let notes = reading.notes();
        Ok(Ingestion::of(path, columns, Reading::Text(Box::new(reading)), problems, notes))
    }

    fn of(
        path: &Path,
        columns: Vec<(String, Type)>,
        reading: Reading,
        problems: Collector,
        notes: Vec<String>,
    ) -> Ingestion {
        let schema = repr::schema(columns.iter().map(|(name, ty)| (name.as_str(), *ty)));
        let table = Arc::new(TableColumns::new(columns));
        Ingestion { path: path.to_path_buf(), table, schema, reading, problems, notes, begun: false, ended: false }
    }

    /// The file in at most `parts` parts, which threads may read side by side; what they give together is what the file
    /// gives. Parts are not small: packed files, arrays and CSV stay whole, also a file that has been begun.
    pub fn split(self, parts: usize) -> Vec<Ingestion> {
        self.split_at(parts, PART_BYTES)
    }

    fn split_at(self, parts: usize, part_bytes: u64) -> Vec<Ingestion> {
        let readings = match &self.reading {
            Reading::Text(reading) if !self.begun => reading.split(parts, part_bytes),
            _ => Vec::new(),
        };
        if readings.len() < 2 {
            return vec![self];
        }
        let of = |(reading, number, start): (TextReading, u32, u64)| Ingestion {
            path: self.path.clone(),
            table: Arc::clone(&self.table),
            schema: Arc::clone(&self.schema),
            problems: Collector::ingesting(&self.path, number, start, reading.is_sampled()),
            reading: Reading::Text(Box::new(reading)),
            notes: if number == 0 { self.notes.clone() } else { Vec::new() },
            begun: false,
            ended: false,
        };
        readings.into_iter().map(of).collect()
    }

    /// All columns: declared ones first, in order, then what else the file has.
    pub fn columns(&self) -> &[(String, Type)] {
        &self.table.columns
    }

    /// The Arrow schema of the batches.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Remarks on how the file is taken, such as times of an unknown zone that are read as UTC.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The batches that are left; the ingestion itself is the same iterator. Reading blocks the thread. A batch may have
    /// no rows where very many records are rejected. After an error there are no more.
    pub fn batches(&mut self) -> &mut Ingestion {
        self
    }

    /// What could not be taken as it stands since the last call. It is to be called after every batch, and at the end:
    /// a batch ends early where much is rejected, so that little gathers between.
    pub fn take_rejected(&mut self) -> Vec<Rejected> {
        self.problems.take_rejected()
    }
}

impl Iterator for Ingestion {
    type Item = Result<RecordBatch, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        self.begun = true;
        let rows = (BATCH_CELLS / self.table.columns.len().max(1)).clamp(64, BATCH_ROWS);
        let batch = match &mut self.reading {
            Reading::Text(reading) => reading.next(&self.table, &self.schema, rows, &mut self.problems),
            Reading::Parquet(reading) => reading.next(&self.table, &self.schema, rows, &mut self.problems),
        };
        self.ended = !matches!(batch, Some(Ok(_)));
        batch
    }
}

/// The columns of the table, with what else a file has; types that are not told by any schema come from `inferred`.
fn columns_of(
    options: &IngestOptions,
    found: impl Iterator<Item = (String, Option<Type>)>,
    mut inferred: impl FnMut(&str) -> Type,
) -> Vec<(String, Type)> {
    let known = TableColumns::new(Schemas::builtin().table(&options.table).unwrap_or_default());
    let first = if options.declared.is_empty() { &known.columns } else { &options.declared };
    let first = TableColumns::new(first.clone());
    let mut columns = first.columns.clone();
    for (name, told) in found {
        if first.position(&name).is_none() {
            let schema = known.position(&name).map(|position| known.columns[position].1);
            let ty = schema.or(told).unwrap_or_else(|| inferred(&name));
            columns.push((name, ty));
        }
    }
    columns
}

fn arrow_error(path: &Path, error: &ArrowError) -> SourceError {
    SourceError::Format { path: path.to_path_buf(), message: format!("its rows make no batch: {error}") }
}

/// SHA-256 of a file's bytes as they are stored, in lower-case hexadecimal digits: the same for the same content.
pub fn content_hash(path: &Path) -> io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => hasher.update(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "abc").unwrap();
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(content_hash(&path).unwrap(), expected);
        assert!(content_hash(&dir.path().join("none")).is_err());
    }

    #[test]
    fn parts_give_what_the_file_gives() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("Own.jsonl");
        let line = |n: usize| match n % 100 {
            7 => "broken\n".to_string(),
            8 => format!("{{\"a\":{n},\"a\":1}}\n"),
            _ => format!("{{\"a\":{n},\"b\":\"{}\"}}\n", "x".repeat(n % 31)),
        };
        std::fs::write(&path, (0..5000).map(line).collect::<String>()).unwrap();
        let options = IngestOptions { table: "Own".to_string(), declared: Vec::new() };
        let gives = |parts: Vec<Ingestion>| -> (usize, Vec<(Option<u64>, String, bool)>) {
            let mut rows = 0;
            let mut rejected = Vec::new();
            for mut part in parts {
                rows += part.batches().map(|batch| batch.unwrap().num_rows()).sum::<usize>();
                rejected.extend(part.take_rejected().into_iter().map(|r| (r.line, r.record, r.row_kept)));
            }
            (rows, rejected)
        };
        let open = || Ingestion::open(&path, options.clone()).unwrap();
        let whole = gives(vec![open()]);
        assert_eq!((whole.0, whole.1.len()), (4950, 100));
        assert_eq!(whole.1[0], (Some(8), "broken".to_string(), false));
        for (parts, part_bytes) in [(1, 1), (2, 1), (7, 1000), (1000, 64)] {
            let split = open().split_at(parts, part_bytes);
            assert!(split.len() <= parts && (parts == 1 || split.len() > 1));
            assert_eq!(gives(split), whole, "{parts} parts");
        }
        assert_eq!(open().split(2).len(), 1, "a small file");
        fn is_send<T: Send>(_: T) {}
        is_send(open());
    }
}
