//! Literal rows: `datatable`, `print`.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::LogicalPlanBuilder;
use kql_functions::{Type, Val};
use kql_semantics::bound::{Column, Expr};

use super::{Lowering, OrderKey, Plan, Result, Stage, column_name};
use crate::repr::{self, ColumnBuilder};

impl Lowering<'_> {
    pub(super) fn values(&mut self, rows: &[Vec<Expr>], columns: &[Column]) -> Result<Plan> {
        let constant = |expr: &Expr| self.constant(expr).ok();
        let cells: Option<Vec<Vec<Val<'static>>>> =
            rows.iter().map(|row| row.iter().map(constant).collect::<Option<Vec<_>>>()).collect();
        let volatile = rows.iter().flatten().any(Expr::is_random);
        match cells {
            Some(cells) if !volatile => self.constant_rows(&cells, columns),
            _ => self.computed_rows(rows, columns),
        }
    }

    fn constant_rows(&mut self, rows: &[Vec<Val<'static>>], columns: &[Column]) -> Result<Plan> {
        let mut builders: Vec<ColumnBuilder> = columns.iter().map(|c| ColumnBuilder::new(c.ty, rows.len())).collect();
        for row in rows {
            for (builder, value) in builders.iter_mut().zip(row) {
                builder.push(value);
            }
        }
        let arrays = builders.into_iter().map(ColumnBuilder::finish).collect();
        let stage = ordered_stage(columns, vec![(arrays, rows.len())])?;
        self.scan_stage(&stage, columns)
    }

    /// Rows with values that are computed when the query runs, as `rand()`.
    fn computed_rows(&mut self, rows: &[Vec<Expr>], columns: &[Column]) -> Result<Plan> {
        let position = self.hidden();
        let mut result: Option<LogicalPlanBuilder> = None;
        for (i, row) in rows.iter().enumerate() {
            let mut exprs = Vec::with_capacity(row.len() + 1);
            for (expr, column) in row.iter().zip(columns) {
                exprs.push(self.expr(expr)?.alias(column_name(column.id)));
            }
            exprs.push(datafusion::logical_expr::lit(i as i64).alias(&position));
            let builder = LogicalPlanBuilder::empty(true).project(exprs)?;
            result = Some(match result {
                Some(above) => above.union(builder.build()?)?,
                None => builder,
            });
        }
        match result {
            Some(builder) => Ok(Plan { builder, order: vec![OrderKey::position(position)] }),
            None => self.constant_rows(&[], columns),
        }
    }
}

/// A stage of these rows in this order.
pub(super) fn ordered_stage(columns: &[Column], batches: Vec<(Vec<ArrayRef>, usize)>) -> Result<Stage> {
    let names: Vec<String> = (0..columns.len()).map(|i| format!("v{i}")).collect();
    let fields = names.iter().zip(columns).map(|(name, c)| (name.as_str(), c.ty)).chain([("position", Type::Long)]);
    let schema = repr::schema(fields);
    let mut start = 0i64;
    let mut built = Vec::with_capacity(batches.len());
    for (mut arrays, rows) in batches {
        let end = start + rows as i64;
        arrays.push(Arc::new(Int64Array::from_iter_values(start..end)));
        start = end;
        built.push(RecordBatch::try_new(Arc::clone(&schema), arrays)?);
    }
    Ok(Stage { table: Arc::new(MemTable::try_new(schema, vec![built])?), ordered: true })
}
