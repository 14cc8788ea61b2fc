//! `range`: rows that are counted, made as they are asked for.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::SortExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use kql_functions::{Type, Val};
use kql_semantics::bound::{Column, Expr};

use super::{Lowering, Plan, Result, Stage, named, values};
use crate::QueryError;
use crate::repr::{self, ColumnBuilder};

/// Most rows that `range` may give.
const MOST_ROWS: u64 = 1 << 32;
const BATCH: u64 = 8192;

impl Lowering<'_> {
    pub(super) fn range(&mut self, from: &Expr, to: &Expr, step: &Expr, columns: &[Column]) -> Result<Plan> {
        let (from, to, step) = (self.constant(from)?, self.constant(to)?, self.constant(step)?);
        let Some(column) = columns.first() else { return Err(super::internal("range without a column")) };
        let count = Count::new(&from, &to, &step, column.ty);
        let rows = count.rows();
        if rows > MOST_ROWS {
            return Err(QueryError::Failed(format!("range gives more than {MOST_ROWS} rows")));
        }
        let stage = if rows <= BATCH {
            let mut builder = ColumnBuilder::new(column.ty, rows as usize);
            (0..rows).for_each(|row| builder.push(&count.value(row)));
            values::ordered_stage(columns, vec![(vec![builder.finish()], rows as usize)])?
        } else {
            let schema = repr::schema([("v0", column.ty), ("position", Type::Long)]);
            let partition = Arc::new(Counting { count, schema: Arc::clone(&schema) });
            let table = StreamingTable::try_new(schema, vec![partition])?;
            let table = table.with_sort_order(vec![SortExpr::new(named("position"), true, false)]);
            Stage { table: Arc::new(table) as Arc<dyn TableProvider>, ordered: true }
        };
        self.scan_stage(&stage, columns)
    }
}

/// Evenly spaced values.
#[derive(Debug, Clone, Copy)]
enum Count {
    Whole { from: i64, step: i64, rows: u64, ty: Type },
    Real { from: f64, step: f64, rows: u64 },
}

impl Count {
    fn new(from: &Val<'_>, to: &Val<'_>, step: &Val<'_>, ty: Type) -> Count {
        let whole = |v: &Val<'_>| v.as_i64().or_else(|| v.as_ticks());
        if let (Some(from), Some(to), Some(step)) = (whole(from), whole(to), whole(step)) {
            let distance = i128::from(to) - i128::from(from);
            let steps = if step == 0 { -1 } else { distance / i128::from(step) };
            let away = step != 0 && (distance < 0) != (step < 0) && distance != 0;
            let rows = if away { 0 } else { u64::try_from(steps + 1).unwrap_or(0) };
            return Count::Whole { from, step, rows, ty };
        }
        if let (Some(from), Some(to), Some(step)) = (from.as_f64(), to.as_f64(), step.as_f64()) {
            let steps = ((to - from) / step).floor();
            // Rounding may have put the last value on the wrong side of the end.
            let inside = |steps: f64| {
                let value = from + steps * step;
                step > 0.0 && value <= to || step < 0.0 && value >= to
            };
            let steps = if inside(steps + 1.0) { steps + 1.0 } else { steps };
            let steps = if steps > 0.0 && !inside(steps) { steps - 1.0 } else { steps };
            let rows = if steps >= 0.0 && inside(steps) { (steps as u64).saturating_add(1) } else { 0 };
            return Count::Real { from, step, rows };
        }
        Count::Real { from: 0.0, step: 1.0, rows: 0 }
    }

    fn rows(&self) -> u64 {
        match self {
            Count::Whole { rows, .. } | Count::Real { rows, .. } => *rows,
        }
    }

    fn value(&self, row: u64) -> Val<'static> {
        match self {
            Count::Real { from, step, .. } => Val::Real(from + row as f64 * step),
            Count::Whole { from, step, ty, .. } => {
                let value = from.wrapping_add(step.wrapping_mul(row as i64));
                match ty {
                    Type::Int => i32::try_from(value).map_or(Val::Null, Val::Int),
                    Type::DateTime => Val::DateTime(value),
                    Type::Timespan => Val::Timespan(value),
                    _ => Val::Long(value),
                }
            }
        }
    }
}

#[derive(Debug)]
struct Counting {
    count: Count,
    schema: SchemaRef,
}

impl PartitionStream for Counting {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (count, schema) = (self.count, Arc::clone(&self.schema));
        let batches = (0..count.rows().div_ceil(BATCH)).map(move |number| {
            let (start, end) = (number * BATCH, ((number + 1) * BATCH).min(count.rows()));
            let mut builder = ColumnBuilder::new(column_type(&count), (end - start) as usize);
            (start..end).for_each(|row| builder.push(&count.value(row)));
            let positions = Int64Array::from_iter_values(start as i64..end as i64);
            let columns = vec![builder.finish(), Arc::new(positions) as _];
            RecordBatch::try_new(Arc::clone(&schema), columns).map_err(DataFusionError::from)
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), futures::stream::iter(batches)))
    }
}

fn column_type(count: &Count) -> Type {
    match count {
        Count::Whole { ty, .. } => *ty,
        Count::Real { .. } => Type::Real,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn longs(from: i64, to: i64, step: i64) -> Vec<i64> {
        let count = Count::new(&Val::Long(from), &Val::Long(to), &Val::Long(step), Type::Long);
        (0..count.rows()).filter_map(|row| count.value(row).as_i64()).collect()
    }

    #[test]
    fn counts_up_and_down_to_the_end() {
        assert_eq!(longs(1, 4, 1), [1, 2, 3, 4]);
        assert_eq!(longs(1, 4, 2), [1, 3]);
        assert_eq!(longs(4, 1, -2), [4, 2]);
        assert!(longs(4, 1, 1).is_empty());
        assert!(longs(1, 4, -1).is_empty());
        assert!(longs(1, 4, 0).is_empty());
        assert_eq!(longs(3, 3, -1), [3]);
        assert_eq!(longs(i64::MAX - 1, i64::MAX, 1), [i64::MAX - 1, i64::MAX]);
    }

    #[test]
    fn reals_end_where_they_should() {
        let rows = |from, to, step| Count::new(&Val::Real(from), &Val::Real(to), &Val::Real(step), Type::Real).rows();
        assert_eq!(rows(0.0, 1.0, 0.1), 11);
        assert_eq!(rows(0.0, 0.95, 0.1), 10);
        assert_eq!(rows(1.0, 0.0, -0.5), 3);
        assert_eq!(rows(1.0, 0.0, 0.5), 0);
        assert_eq!(rows(0.0, 1.0, 0.0), 0);
        assert_eq!(rows(f64::NAN, 1.0, 1.0), 0);
    }
}
