//! `evaluate narrow`: a row a cell.

use arrow::array::RecordBatch;
use kql_functions::{Type, Val, families};
use kql_semantics::bound::Column;

use super::{Computed, rows_of, table_of};
use crate::QueryError;

/// Rows of (row number, column name, value as text).
pub(crate) fn narrow(batches: &[RecordBatch], columns: &[Column]) -> Result<Computed, QueryError> {
    let mut cells = Vec::new();
    for (number, row) in rows_of(batches, columns).enumerate() {
        for (value, column) in row.into_iter().zip(columns) {
            let text = families::cast(&value, Type::String);
            cells.push(vec![Val::Long(number as i64), Val::str(column.name.clone()), text]);
        }
    }
    let outputs = vec![
        ("Row".to_string(), Type::Long),
        ("Column".to_string(), Type::String),
        ("Value".to_string(), Type::String),
    ];
    table_of(outputs, &cells)
}
