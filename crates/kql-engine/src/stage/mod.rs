//! Operators that are computed before the rest of the plan, because their columns or their bounds depend on the data.

mod bag_unpack;
mod graph;
mod make_series;
mod narrow;
mod pivot;
mod reduce;
mod scan;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::datasource::MemTable;
use kql_functions::{Type, Val, interrupt, plugins};
use kql_semantics::bound::{Column, PluginCall, Stage};

use crate::QueryError;
use crate::evaluate::Evaluator;
use crate::repr::{self, ColumnBuilder, Values};

pub(crate) use bag_unpack::{UnpackSpec, bag_unpack};
pub(crate) use make_series::{SeriesSpec, make_series};
pub(crate) use narrow::narrow;
pub(crate) use pivot::pivot;

/// Columns with names and types, and their rows.
pub(crate) type Computed = (Vec<(String, Type)>, Arc<MemTable>);

/// The rows that a staged operator reads.
pub(crate) struct Input<'i> {
    /// Rows, in order where they have one.
    pub(crate) batches: &'i [RecordBatch],
    /// Their columns.
    pub(crate) columns: &'i [Column],
}

impl<'i> Input<'i> {
    /// The rows as values.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Vec<Val<'i>>> + use<'i> {
        rows_of(self.batches, self.columns)
    }
}

/// The rows that a staged operator gives.
pub(crate) struct Rows {
    /// Values, a row of the result's columns each.
    pub(crate) rows: Vec<Vec<Val<'static>>>,
    /// The rows have an order.
    pub(crate) ordered: bool,
}

/// Runs a staged operator.
pub(crate) fn run(stage: &Stage, inputs: &[Input<'_>], evaluator: Evaluator<'_>) -> Result<Rows, QueryError> {
    match (stage, inputs) {
        (Stage::Reduce(spec), [input]) => reduce::reduce(spec, input, evaluator),
        (Stage::GraphMatch(spec), inputs) => graph::graph_match(spec, inputs, evaluator),
        (Stage::Components(spec), inputs) => Ok(graph::components(spec, inputs)),
        (Stage::Plugin(call), inputs) => plugin(call, inputs, evaluator),
        (Stage::Scan(spec), [input]) => scan::scan(spec, input, evaluator),
        _ => Err(crate::lower::internal("a staged operator without its input")),
    }
}

fn plugin(call: &PluginCall, inputs: &[Input<'_>], evaluator: Evaluator<'_>) -> Result<Rows, QueryError> {
    let mut tables: Vec<Vec<Vec<Val<'_>>>> = Vec::with_capacity(inputs.len());
    for input in inputs {
        let mut rows = Vec::with_capacity(input.batches.iter().map(RecordBatch::num_rows).sum());
        for (number, row) in input.rows().enumerate() {
            interrupt::check_at(number)?;
            rows.push(row);
        }
        tables.push(rows);
    }
    let PluginCall { plugin, args, input, tables: columns, names, later } = call;
    let mut args = args.clone();
    for (at, expr) in later {
        if let Some(arg) = args.get_mut(*at) {
            *arg = plugins::Arg::Value(evaluator.value(expr, &|_| None)?, expr.ty);
        }
    }
    let rows = (plugin.rows)(&plugins::Call { args: &args, input, tables: columns, names }, &tables)
        .map_err(|refusal| QueryError::Failed(format!("evaluate {}(): {}", plugin.name, refusal.message)));
    // Where it ended early, that is all there is to say.
    interrupt::check()?;
    Ok(Rows { rows: rows?, ordered: plugin.ordered })
}

/// Rows of a batch of a computed table.
const BATCH: usize = 8192;

/// A table of rows of values, whose columns the plan knows by their places.
pub(crate) fn table_of(columns: Vec<(String, Type)>, rows: &[Vec<Val<'_>>]) -> Result<Computed, QueryError> {
    let names: Vec<String> = (0..columns.len()).map(|i| format!("v{i}")).collect();
    let schema = repr::schema(names.iter().map(String::as_str).zip(columns.iter().map(|(_, ty)| *ty)));
    table_under(columns, schema, rows)
}

/// A table of rows of values under a schema of the columns' types.
pub(crate) fn table_under(
    columns: Vec<(String, Type)>,
    schema: SchemaRef,
    rows: &[Vec<Val<'_>>],
) -> Result<Computed, QueryError> {
    let mut batches = Vec::with_capacity(rows.len().div_ceil(BATCH));
    for rows in rows.chunks(BATCH) {
        interrupt::check()?;
        let mut builders: Vec<ColumnBuilder> =
            columns.iter().map(|(_, ty)| ColumnBuilder::new(*ty, rows.len())).collect();
        for row in rows {
            for (builder, value) in builders.iter_mut().zip(row) {
                builder.push(value);
            }
        }
        let arrays = builders.into_iter().map(ColumnBuilder::finish).collect();
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows.len()));
        batches.push(RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options)?);
    }
    Ok((columns, Arc::new(MemTable::try_new(schema, vec![batches])?)))
}

/// A table of a staged operator's rows; the position is the last column where they have an order.
pub(crate) fn staged_table(columns: &[Column], rows: Rows) -> Result<Arc<MemTable>, QueryError> {
    let mut columns: Vec<(String, Type)> = columns.iter().map(|c| (c.name.clone(), c.ty)).collect();
    let mut rows_of = rows.rows;
    if rows.ordered {
        columns.push((String::new(), Type::Long));
        rows_of.iter_mut().enumerate().for_each(|(at, row)| row.push(Val::Long(at as i64)));
    }
    Ok(table_of(columns, &rows_of)?.1)
}

/// All rows of batches as values of the columns' types.
pub(crate) fn rows_of<'b>(batches: &'b [RecordBatch], columns: &'b [Column]) -> impl Iterator<Item = Vec<Val<'b>>> {
    batches.iter().flat_map(move |batch| {
        let arrays = batch.columns().iter().zip(columns);
        let values: Vec<Values<'_>> = arrays.map(|(array, c)| Values::new(array.as_ref(), c.ty)).collect();
        (0..batch.num_rows()).map(move |row| values.iter().map(|column| column.get(row)).collect())
    })
}
