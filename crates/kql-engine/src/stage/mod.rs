//! Operators that are computed before the rest of the plan, because their columns or their bounds depend on the data.

mod bag_unpack;
mod make_series;
mod narrow;
mod pivot;

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::datasource::MemTable;
use kql_functions::{Type, Val};
use kql_semantics::bound::Column;

use crate::QueryError;
use crate::repr::{self, ColumnBuilder, value_at};

pub(crate) use bag_unpack::{UnpackSpec, bag_unpack};
pub(crate) use make_series::{SeriesSpec, make_series};
pub(crate) use narrow::narrow;
pub(crate) use pivot::pivot;

/// Columns with names and types, and their rows.
pub(crate) type Computed = (Vec<(String, Type)>, Arc<MemTable>);

/// A table of rows of values.
pub(crate) fn table_of(columns: Vec<(String, Type)>, rows: &[Vec<Val<'_>>]) -> Result<Computed, QueryError> {
    let mut builders: Vec<ColumnBuilder> = columns.iter().map(|(_, ty)| ColumnBuilder::new(*ty, rows.len())).collect();
    for row in rows {
        for (builder, value) in builders.iter_mut().zip(row) {
            builder.push(value);
        }
    }
    let names: Vec<String> = (0..columns.len()).map(|i| format!("v{i}")).collect();
    let schema = repr::schema(names.iter().map(String::as_str).zip(columns.iter().map(|(_, ty)| *ty)));
    let arrays = builders.into_iter().map(ColumnBuilder::finish).collect();
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows.len()));
    let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options)?;
    Ok((columns, Arc::new(MemTable::try_new(schema, vec![vec![batch]])?)))
}

/// All rows of batches as values of the columns' types.
pub(crate) fn rows_of<'b>(batches: &'b [RecordBatch], columns: &'b [Column]) -> impl Iterator<Item = Vec<Val<'b>>> {
    batches.iter().flat_map(move |batch| {
        (0..batch.num_rows()).map(move |row| {
            columns.iter().zip(batch.columns()).map(|(c, array)| value_at(array.as_ref(), c.ty, row)).collect()
        })
    })
}
