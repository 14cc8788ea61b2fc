//! What a query answers.

use arrow::array::RecordBatch;
use kql_functions::{Type, Val};

use crate::repr;

/// The rows of a query, in its order.
#[derive(Debug, Clone)]
pub struct QueryResult {
    /// Names and Kusto types of the columns.
    pub columns: Vec<(String, Type)>,
    /// The rows, in the arrays of [`crate::repr`].
    pub batches: Vec<RecordBatch>,
    /// How `render` asks to draw them.
    pub render: Option<Visualization>,
}

/// What the `render` operator says: the chart's kind, and its properties by Kusto's names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Visualization {
    /// `timechart`, `columnchart`, `barchart`, `piechart`, `table`…
    pub kind: String,
    /// `title`, `xcolumn`, `ycolumns`, `series`, `kind` (`stacked`…), `xtitle`, `ytitle`, `legend`, `yaxis`…
    pub properties: Vec<(String, String)>,
}

impl QueryResult {
    /// Number of rows.
    pub fn row_count(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Every row as values, in order.
    pub fn rows(&self) -> impl Iterator<Item = Vec<Val<'_>>> {
        self.batches.iter().flat_map(move |batch| {
            (0..batch.num_rows()).map(move |row| {
                self.columns
                    .iter()
                    .zip(batch.columns())
                    .map(|((_, ty), array)| repr::value_at(array.as_ref(), *ty, row))
                    .collect()
            })
        })
    }
}
