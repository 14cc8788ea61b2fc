//! Parquet files, read whole.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use kql_engine::repr::{ColumnBuilder, value_at};
use kql_functions::{Dynamic, Type, Val};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::arrow_error;
use crate::SourceError;
use crate::decode::TableColumns;
use crate::json_text::write_string;
use crate::parquet_scan::ParquetFile;
use crate::problems::{Collector, shown};
use crate::rejected::Passed;
use crate::stored::convert;

/// A Parquet file while it is read, row group by row group: where one is damaged, the others are read all the same.
pub(super) struct ParquetReading {
    path: std::path::PathBuf,
    file: File,
    metadata: ArrowReaderMetadata,
    /// The row group that is read, or will be next.
    group: usize,
    reader: Option<ParquetRecordBatchReader>,
    /// Rows before the next one.
    row: u64,
    /// Rows up to the end of the row group.
    group_end: u64,
}

impl ParquetReading {
    /// The file and its columns.
    pub(super) fn open(path: &Path) -> Result<(ParquetReading, Vec<(String, Type)>), SourceError> {
        let refuse = |message: String| SourceError::Format {
            path: path.to_path_buf(),
            message: format!("not a whole Parquet file: {message}"),
        };
        let columns = ParquetFile::look(path).map_err(refuse)?;
        let columns = columns.columns().map(|(name, ty)| (name.to_string(), ty)).collect();
        let file = File::open(path).map_err(|source| SourceError::Unreadable { path: path.to_path_buf(), source })?;
        let metadata = ArrowReaderMetadata::load(&file, Default::default()).map_err(|e| refuse(e.to_string()))?;
        let path = path.to_path_buf();
        Ok((ParquetReading { path, file, metadata, group: 0, reader: None, row: 0, group_end: 0 }, columns))
    }

    fn open_group(&mut self, rows: usize) -> Result<ParquetRecordBatchReader, String> {
        let file = self.file.try_clone().map_err(|error| error.to_string())?;
        ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
            .with_row_groups(vec![self.group])
            .with_batch_size(rows)
            .build()
            .map_err(|error| error.to_string())
    }

    pub(super) fn next(
        &mut self,
        table: &TableColumns,
        schema: &SchemaRef,
        rows: usize,
        problems: &mut Collector,
    ) -> Option<Result<RecordBatch, SourceError>> {
        loop {
            let read = match &mut self.reader {
                Some(reader) => reader.next().map(|batch| batch.map_err(|error| error.to_string())),
                None => {
                    let group = self.metadata.metadata().row_groups().get(self.group)?;
                    self.group_end = self.row + u64::try_from(group.num_rows()).unwrap_or(0);
                    match self.open_group(rows) {
                        Ok(reader) => {
                            self.reader = Some(reader);
                            continue;
                        }
                        Err(error) => Some(Err(error)),
                    }
                }
            };
            match read {
                Some(Ok(batch)) => return Some(self.take(&batch, table, schema, problems)),
                Some(Err(error)) => {
                    let (first, last) = (self.row + 1, self.group_end);
                    problems.lose(first, &Passed::default(), || {
                        format!("the rows {first} to {last} are damaged ({error}); left out")
                    });
                }
                None => {}
            }
            self.reader = None;
            self.row = self.group_end;
            self.group += 1;
        }
    }

    /// A batch of the file as one of the table.
    fn take(
        &mut self,
        batch: &RecordBatch,
        table: &TableColumns,
        schema: &SchemaRef,
        problems: &mut Collector,
    ) -> Result<RecordBatch, SourceError> {
        let wrong = |error: &dyn std::fmt::Display| SourceError::Format {
            path: self.path.clone(),
            message: format!("a column cannot be read: {error}"),
        };
        let stored: Vec<ArrayRef> =
            batch.columns().iter().map(texts_as_views).collect::<Result<_, _>>().map_err(|error| wrong(&error))?;
        let mut columns = Vec::with_capacity(table.columns.len());
        let mut lost: Vec<(usize, &str, Type, String)> = Vec::new();
        for (name, ty) in &table.columns {
            let Ok(position) = batch.schema_ref().index_of(name) else {
                columns.push(missing(*ty, batch.num_rows()));
                continue;
            };
            let array = &stored[position];
            let converted = convert(array, *ty).map_err(|error| wrong(&error))?;
            if *ty != Type::String && converted.null_count() > array.null_count() {
                let gone = (0..array.len()).filter(|row| converted.is_null(*row) && holds_something(array, *row));
                lost.extend(gone.map(|row| (row, name.as_str(), *ty, shown(&text(array, row)))));
            }
            columns.push(converted);
        }
        lost.sort_by_key(|(row, ..)| *row);
        let mut values = lost.iter().peekable();
        while let Some((row, name, ty, value)) = values.next() {
            let line = self.row + *row as u64 + 1;
            problems.add(Some(line), Some(name), || format!("{value} is no {ty}; read as missing"));
            if values.peek().is_none_or(|(next, ..)| next != row) {
                problems.text_ends(&Passed::of(row_text(batch, &stored, *row).as_bytes()));
            }
        }
        self.row += batch.num_rows() as u64;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
            .map_err(|error| arrow_error(&self.path, &error))
    }
}

fn texts_as_views(array: &ArrayRef) -> Result<ArrayRef, arrow::error::ArrowError> {
    let is_text = |ty: &DataType| matches!(ty, DataType::Utf8 | DataType::LargeUtf8);
    match array.data_type() {
        DataType::Dictionary(_, value) if is_text(value) => cast(&cast(array, value)?, &DataType::Utf8View),
        ty if is_text(ty) => cast(array, &DataType::Utf8View),
        _ => Ok(Arc::clone(array)),
    }
}

fn missing(ty: Type, rows: usize) -> ArrayRef {
    let mut out = ColumnBuilder::new(ty, rows);
    (0..rows).for_each(|_| out.push(&Val::missing(ty)));
    out.finish()
}

/// Whether there is a value that conversion must not make missing.
fn holds_something(array: &ArrayRef, row: usize) -> bool {
    array.is_valid(row)
        && array.as_string_view_opt().is_none_or(|texts| {
            let text = texts.value(row).trim();
            !text.is_empty() && !text.eq_ignore_ascii_case("null")
        })
}

/// One stored value as JSON.
fn text(array: &ArrayRef, row: usize) -> String {
    let converted = convert(&array.slice(row, 1), Type::Dynamic).ok();
    let value = converted.as_ref().map(|array| value_at(array, Type::Dynamic, 0));
    match value {
        Some(Val::Dynamic(encoded)) => Dynamic::decode(&encoded).to_json(),
        _ => "null".to_string(),
    }
}

/// A stored row as a JSON object.
fn row_text(batch: &RecordBatch, stored: &[ArrayRef], row: usize) -> String {
    let mut out = String::from("{");
    for (field, array) in batch.schema_ref().fields().iter().zip(stored) {
        if out.len() > 1 {
            out.push(',');
        }
        write_string(&mut out, field.name());
        out.push(':');
        out.push_str(&text(array, row));
    }
    out.push('}');
    out
}
