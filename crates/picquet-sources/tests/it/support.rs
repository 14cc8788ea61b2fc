//! Writing files and reading tables.

use std::io::Write;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::prelude::{SessionConfig, SessionContext};
use kql_engine::{Database, repr};
use kql_functions::{Type, Val, text};
use picquet_sources::{FileDatabase, Options};
use tempfile::TempDir;

/// A folder of files that is gone after the test.
pub struct Files(TempDir);

impl Files {
    pub fn new() -> Files {
        Files(tempfile::tempdir().unwrap())
    }

    pub fn with(name: &str, content: impl AsRef<[u8]>) -> Files {
        let files = Files::new();
        files.write(name, content);
        files
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn open(&self) -> FileDatabase {
        open(self.path(), Options::default())
    }
}

pub fn open(path: &Path, options: Options) -> FileDatabase {
    FileDatabase::open(&[path.to_path_buf()], options).unwrap()
}

pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(content: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(content, 3).unwrap()
}

/// A table read whole: names and types of the columns, rows as texts.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    pub columns: Vec<(String, Type)>,
    pub rows: Vec<Vec<String>>,
}

impl Read {
    /// The texts of one column.
    pub fn column(&self, name: &str) -> Vec<String> {
        let at =
            self.columns.iter().position(|(column, _)| column == name).unwrap_or_else(|| panic!("no column {name}"));
        self.rows.iter().map(|row| row[at].clone()).collect()
    }

    pub fn ty(&self, name: &str) -> Option<Type> {
        self.columns.iter().find(|(column, _)| column == name).map(|(_, ty)| *ty)
    }
}

pub fn context(partitions: usize) -> SessionContext {
    SessionContext::new_with_config(SessionConfig::new().with_target_partitions(partitions))
}

/// Reads some columns of a table (all of them if none are given).
pub fn try_read(database: &FileDatabase, table: &str, wanted: &[&str]) -> Result<Read, DataFusionError> {
    let found = database.table(table).unwrap_or_else(|| panic!("no table {table}"));
    assert_eq!(
        found.provider.schema(),
        repr::schema(found.columns.iter().map(|(name, ty)| (name.as_str(), *ty))),
        "the provider's schema is that of the columns"
    );
    let context = context(1);
    let mut frame = context.read_table(found.provider.clone())?;
    let mut columns = found.columns.clone();
    if !wanted.is_empty() {
        let names: Vec<String> = wanted.iter().map(|name| format!("\"{name}\"")).collect();
        frame = frame.select_columns(&names.iter().map(|name| name.trim_matches('"')).collect::<Vec<_>>())?;
        columns = wanted
            .iter()
            .map(|name| found.columns.iter().find(|(column, _)| column == name).unwrap().clone())
            .collect();
    }
    Ok(Read { rows: texts(&columns, &block(frame.collect())?), columns })
}

pub fn read(database: &FileDatabase, table: &str, wanted: &[&str]) -> Read {
    try_read(database, table, wanted).unwrap()
}

pub fn count(database: &FileDatabase, table: &str) -> usize {
    let found = database.table(table).unwrap_or_else(|| panic!("no table {table}"));
    block(context(2).read_table(found.provider).unwrap().count()).unwrap()
}

pub fn block<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}

pub fn texts(columns: &[(String, Type)], batches: &[RecordBatch]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let values = columns.iter().enumerate().map(|(at, (_, ty))| {
                let array = batch.column(at);
                assert_eq!(array.data_type(), &repr::data_type(*ty));
                assert!(*ty != Type::String || array.is_valid(row), "a string is never null");
                shown(&repr::value_at(array, *ty, row))
            });
            rows.push(values.collect());
        }
    }
    rows
}

fn shown(value: &Val<'_>) -> String {
    match value {
        Val::Null => "null".to_string(),
        Val::Bool(value) => value.to_string(),
        Val::Int(value) => value.to_string(),
        Val::Long(value) => value.to_string(),
        Val::Real(value) => text::real(*value),
        Val::Decimal(value) => text::decimal(*value),
        Val::Str(value) => value.to_string(),
        Val::DateTime(value) => text::datetime(*value),
        Val::Timespan(value) => text::timespan(*value),
        Val::Guid(value) => text::guid(value),
        Val::Dynamic(value) => format!("dynamic({value})"),
    }
}
