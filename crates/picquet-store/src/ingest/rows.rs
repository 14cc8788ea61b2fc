//! What every row of a table gets, and records that fit none.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringViewArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int64Type, SchemaRef};
use arrow::error::ArrowError;
use jiff::Timestamp;
use kql_engine::json;
use kql_engine::repr::{self, ColumnBuilder, Values, missing};
use kql_functions::{Type, Val};
use picquet_sources::Rejected;

use super::IngestFile;
use crate::columns::Column;
use crate::records::ticks;
use crate::table::{TIME_GENERATED, TIME_RECEIVED};

/// Makes rows of a file rows of its table.
///
/// A row without TimeGenerated gets its `Timestamp` (tables of Defender XDR), else the ingestion time, as Azure Monitor
/// does: <https://learn.microsoft.com/azure/azure-monitor/logs/log-standard-columns>. `Type` is the table's name.
pub(super) struct Finisher {
    table: String,
    file: std::path::PathBuf,
    /// Columns that the table refuses: rows with a value in one are rejected.
    refused: Vec<Column>,
    columns: Vec<Column>,
    schema: SchemaRef,
    received: i64,
    keep_received: bool,
}

/// A finished batch.
pub(super) struct Finished {
    pub(super) rows: RecordBatch,
    pub(super) refused: Vec<Rejected>,
}

impl Finisher {
    pub(super) fn new(file: &IngestFile, read: &[Column], refused: &[Column], received: Timestamp) -> Finisher {
        let kept = read.iter().filter(|(name, _)| !refused.iter().any(|(refused, _)| refused == name));
        let mut columns: Vec<Column> = kept.cloned().collect();
        for name in [TIME_GENERATED, TIME_RECEIVED] {
            match columns.iter_mut().find(|(known, _)| known == name) {
                Some(column) => column.1 = Type::DateTime,
                None => columns.push((name.to_string(), Type::DateTime)),
            }
        }
        Finisher {
            table: file.table.clone(),
            file: file.path.clone(),
            refused: refused.to_vec(),
            schema: repr::schema(columns.iter().map(|(name, ty)| (name.as_str(), *ty))),
            columns,
            received: ticks(received),
            keep_received: file.keep_received,
        }
    }

    pub(super) fn table(&self) -> &str {
        &self.table
    }

    /// The columns of finished rows.
    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub(super) fn finish(&self, batch: &RecordBatch) -> Result<Finished, ArrowError> {
        let refused = self.refuse(batch);
        let rejected = self.rejected(batch, &refused);
        let kept;
        let batch = if refused.is_empty() {
            batch
        } else {
            let mask: BooleanArray = (0..batch.num_rows()).map(|row| Some(!refused.contains(&row))).collect();
            kept = filter_record_batch(batch, &mask)?;
            &kept
        };
        let times = |name: &str| batch.column_by_name(name).and_then(|c| c.as_primitive_opt::<Int64Type>());
        let (own, other) = (times(TIME_GENERATED), times("Timestamp"));
        let at = |times: Option<&Int64Array>, row: usize| times.filter(|t| t.is_valid(row)).map(|t| t.value(row));
        let rows = batch.num_rows();
        let generated: Int64Array =
            (0..rows).map(|row| Some(at(own, row).or(at(other, row)).unwrap_or(self.received))).collect();
        let received: Int64Array = if self.keep_received {
            let kept = times(TIME_RECEIVED);
            (0..rows).map(|row| Some(at(kept, row).unwrap_or(generated.value(row)))).collect()
        } else {
            Int64Array::from_value(self.received, rows)
        };
        let column = |(name, ty): &Column| -> ArrayRef {
            match (name.as_str(), batch.column_by_name(name)) {
                (TIME_GENERATED, _) => Arc::new(generated.clone()),
                (TIME_RECEIVED, _) => Arc::new(received.clone()),
                ("Type", Some(array)) if *ty == Type::String => self.typed(array),
                (_, Some(array)) => Arc::clone(array),
                (_, None) => missing(*ty, rows),
            }
        };
        let rows = RecordBatch::try_new(Arc::clone(&self.schema), self.columns.iter().map(column).collect())?;
        Ok(Finished { rows, refused: rejected })
    }

    /// The column `Type`, with the table's name where a row has none.
    fn typed(&self, array: &ArrayRef) -> ArrayRef {
        let Some(own) = array.as_string_view_opt() else { return Arc::clone(array) };
        let name = |own: Option<&str>| own.filter(|own| !own.is_empty()).unwrap_or(&self.table).to_string();
        Arc::new(StringViewArray::from_iter_values(own.iter().map(name)))
    }

    /// The rows that have a value in a refused column.
    fn refuse(&self, batch: &RecordBatch) -> Vec<usize> {
        if self.refused.is_empty() {
            return Vec::new();
        }
        let has_value = |row: usize| self.refused_column(batch, row).is_some();
        (0..batch.num_rows()).filter(|row| has_value(*row)).collect()
    }

    fn refused_column(&self, batch: &RecordBatch, row: usize) -> Option<&str> {
        let has = |(name, ty): &&Column| {
            batch.column_by_name(name).is_some_and(|array| !Values::new(array.as_ref(), *ty).get(row).is_empty())
        };
        self.refused.iter().find(has).map(|(name, _)| name.as_str())
    }

    fn rejected(&self, batch: &RecordBatch, rows: &[usize]) -> Vec<Rejected> {
        let types: Vec<Column> = self.columns.iter().chain(&self.refused).cloned().collect();
        let record = |row: usize| {
            let mut record = serde_json::Map::new();
            for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
                let ty = types.iter().find(|(name, _)| name == field.name()).map_or(Type::String, |(_, ty)| *ty);
                let value = Values::new(array.as_ref(), ty);
                let value = value.get(row);
                if !value.is_empty() {
                    record.insert(field.name().clone(), json::to_json(&value));
                }
            }
            serde_json::Value::Object(record).to_string()
        };
        let one = |row: &usize| {
            let column = self.refused_column(batch, *row).unwrap_or_default().to_string();
            Rejected {
                file: self.file.clone(),
                line: None,
                reason: format!(
                    "the table has no column {column}, and takes no new ones (unknown_columns = \"refuse\")"
                ),
                column: Some(column),
                record: record(*row),
                row_kept: false,
            }
        };
        rows.iter().map(one).collect()
    }
}

/// The columns of dead letters.
pub(crate) fn dead_letter_columns() -> Vec<Column> {
    [
        (TIME_GENERATED, Type::DateTime),
        ("TableName", Type::String),
        ("SourceFile", Type::String),
        ("LineNumber", Type::Long),
        ("ColumnName", Type::String),
        ("Reason", Type::String),
        ("RowKept", Type::Bool),
        ("RawRecord", Type::String),
        ("Type", Type::String),
        (TIME_RECEIVED, Type::DateTime),
    ]
    .map(|(name, ty)| (name.to_string(), ty))
    .to_vec()
}

/// Rejected records as rows of [`super::DEAD_LETTERS`].
pub(super) fn dead_letters(table: &str, all: &[Rejected], received: Timestamp) -> Result<RecordBatch, ArrowError> {
    let columns = dead_letter_columns();
    let received = ticks(received);
    let value = |rejected: &Rejected, name: &str| match name {
        "TableName" => Val::str(table.to_string()),
        "SourceFile" => Val::str(rejected.file.display().to_string()),
        "LineNumber" => rejected.line.and_then(|n| i64::try_from(n).ok()).map_or(Val::Null, Val::Long),
        "ColumnName" => Val::str(rejected.column.clone().unwrap_or_default()),
        "Reason" => Val::str(rejected.reason.clone()),
        "RowKept" => Val::Bool(rejected.row_kept),
        "RawRecord" => Val::str(rejected.record.clone()),
        "Type" => Val::str(super::DEAD_LETTERS.to_string()),
        _ => Val::DateTime(received),
    };
    let array = |(name, ty): &Column| {
        let mut out = ColumnBuilder::new(*ty, all.len());
        all.iter().for_each(|rejected| out.push(&value(rejected, name)));
        out.finish()
    };
    let schema = repr::schema(columns.iter().map(|(name, ty)| (name.as_str(), *ty)));
    RecordBatch::try_new(schema, columns.iter().map(array).collect())
}
