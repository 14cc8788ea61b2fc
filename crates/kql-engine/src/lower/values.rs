//! Literal rows: `datatable`, `print`, `range`.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::LogicalPlanBuilder;
use kql_functions::{Type, Val};
use kql_semantics::bound::{Column, Expr};

use super::{Lowering, OrderKey, Plan, Result, Stage, column_name};
use crate::QueryError;
use crate::repr::{self, ColumnBuilder};

/// Most rows that `range` may give.
const MOST_ROWS: usize = 100_000_000;
const BATCH: usize = 8192;

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

    pub(super) fn range(&mut self, from: &Expr, to: &Expr, step: &Expr, columns: &[Column]) -> Result<Plan> {
        let (from, to, step) = (self.constant(from)?, self.constant(to)?, self.constant(step)?);
        let Some(column) = columns.first() else { return Err(super::internal("range without a column")) };
        let mut batches = Vec::new();
        let mut builder = ColumnBuilder::new(column.ty, BATCH);
        let (mut filled, mut total) = (0, 0);
        let mut push = |value: Val<'static>| -> Result<()> {
            builder.push(&value);
            filled += 1;
            total += 1;
            if total > MOST_ROWS {
                return Err(QueryError::Failed(format!("range gives more than {MOST_ROWS} rows")));
            }
            if filled == BATCH {
                let full = std::mem::replace(&mut builder, ColumnBuilder::new(column.ty, BATCH));
                batches.push((vec![full.finish()], BATCH));
                filled = 0;
            }
            Ok(())
        };
        match (real_bounds(&from, &to, &step), integer_bounds(&from, &to, &step)) {
            (_, Some((from, to, step))) => {
                let mut value = from;
                while (step > 0 && value <= to) || (step < 0 && value >= to) {
                    push(typed(value, column.ty))?;
                    match value.checked_add(step) {
                        Some(next) => value = next,
                        None => break,
                    }
                }
            }
            (Some((from, to, step)), None) => {
                let mut i = 0u32;
                loop {
                    let value = from + f64::from(i) * step;
                    let inside = (step > 0.0 && value <= to) || (step < 0.0 && value >= to);
                    if !inside {
                        break;
                    }
                    push(Val::Real(value))?;
                    i += 1;
                }
            }
            (None, None) => {}
        }
        batches.push((vec![builder.finish()], filled));
        let stage = ordered_stage(columns, batches)?;
        self.scan_stage(&stage, columns)
    }
}

fn integer_bounds(from: &Val<'_>, to: &Val<'_>, step: &Val<'_>) -> Option<(i64, i64, i64)> {
    let whole = |v: &Val<'_>| v.as_i64().or_else(|| v.as_ticks());
    Some((whole(from)?, whole(to)?, whole(step)?))
}

fn real_bounds(from: &Val<'_>, to: &Val<'_>, step: &Val<'_>) -> Option<(f64, f64, f64)> {
    Some((from.as_f64()?, to.as_f64()?, step.as_f64()?))
}

fn typed(value: i64, ty: Type) -> Val<'static> {
    match ty {
        Type::Int => i32::try_from(value).map_or(Val::Null, Val::Int),
        Type::DateTime => Val::DateTime(value),
        Type::Timespan => Val::Timespan(value),
        _ => Val::Long(value),
    }
}

/// A stage of these rows in this order.
fn ordered_stage(columns: &[Column], batches: Vec<(Vec<ArrayRef>, usize)>) -> Result<Stage> {
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
