//! `row_number`, `prev`, `next` and their like: each sees all rows in order.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{Field, FieldRef};
use datafusion::common::Result;
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{PartitionEvaluator, Signature, Volatility, WindowUDF, WindowUDFImpl};
use kql_functions::catalogue::{Catalogue, Cx};
use kql_functions::{Type, Val};
use kql_semantics::bound::WindowFunction;

use super::{query_error, signature_name};
use crate::repr::{ColumnBuilder, data_type, value_at};

/// A window function for arguments of these types.
pub(crate) fn window_udf(function: WindowFunction, args: &[Type], ret: Type) -> WindowUDF {
    WindowUDF::new_from_impl(WindowKernel {
        name: signature_name(&format!("{function:?}"), args),
        function,
        args: args.to_vec(),
        ret,
        signature: Signature::user_defined(Volatility::Immutable),
    })
}

#[derive(PartialEq, Eq, Hash)]
struct WindowKernel {
    name: String,
    function: WindowFunction,
    args: Vec<Type>,
    ret: Type,
    signature: Signature,
}

impl std::fmt::Debug for WindowKernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name, self.ret)
    }
}

impl WindowUDFImpl for WindowKernel {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn partition_evaluator(&self, _: PartitionEvaluatorArgs<'_>) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Evaluator { function: self.function, args: self.args.clone(), ret: self.ret }))
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), data_type(self.ret), true)))
    }

    fn coerce_types(&self, args: &[arrow::datatypes::DataType]) -> Result<Vec<arrow::datatypes::DataType>> {
        Ok(args.to_vec())
    }
}

#[derive(Debug)]
struct Evaluator {
    function: WindowFunction,
    args: Vec<Type>,
    ret: Type,
}

impl PartitionEvaluator for Evaluator {
    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let arg = |i: usize, row: usize| -> Option<Val<'_>> {
            Some(value_at(values.get(i)?.as_ref(), *self.args.get(i)?, row))
        };
        let flag = |i: usize, row: usize| matches!(arg(i, row), Some(Val::Bool(true)));
        let mut out = ColumnBuilder::new(self.ret, rows);
        match self.function {
            WindowFunction::RowNumber => {
                let mut number = 0i64;
                for row in 0..rows {
                    let start = arg(0, row).and_then(|v| v.as_i64()).unwrap_or(1);
                    number = if row == 0 || flag(1, row) { start } else { number.saturating_add(1) };
                    out.push(&Val::Long(number));
                }
            }
            WindowFunction::RowCumsum => self.cumulative_sum(rows, &arg, &flag, &mut out)?,
            WindowFunction::RowRankDense | WindowFunction::RowRankMin => {
                let (mut rank, mut position) = (0i64, 0i64);
                for row in 0..rows {
                    let restart = row == 0 || flag(1, row);
                    position = if restart { 1 } else { position + 1 };
                    if restart {
                        rank = 1;
                    } else if arg(0, row) != arg(0, row - 1) {
                        rank = if self.function == WindowFunction::RowRankDense { rank + 1 } else { position };
                    }
                    out.push(&Val::Long(rank));
                }
            }
            WindowFunction::RowWindowSession => {
                let ticks = |i: usize, row: usize| arg(i, row).and_then(|v| v.as_ticks());
                let mut start: Option<i64> = None;
                let mut previous: Option<i64> = None;
                for row in 0..rows {
                    let Some(now) = ticks(0, row) else {
                        out.push(&Val::Null);
                        continue;
                    };
                    let past = |since: Option<i64>, most: Option<i64>| match (since, most) {
                        (Some(since), Some(most)) => now >= since.saturating_add(most),
                        _ => true,
                    };
                    if past(start, ticks(1, row)) || past(previous, ticks(2, row)) || flag(3, row) {
                        start = Some(now);
                    }
                    previous = Some(now);
                    out.push(&start.map_or(Val::Null, Val::DateTime));
                }
            }
            WindowFunction::Prev | WindowFunction::Next => {
                for row in 0..rows {
                    let offset = arg(1, row).and_then(|v| v.as_i64()).unwrap_or(1);
                    let offset = if self.function == WindowFunction::Prev { -offset } else { offset };
                    let other = (row as i64).checked_add(offset).filter(|r| (0..rows as i64).contains(r));
                    let value = match other {
                        Some(other) => arg(0, other as usize),
                        None => arg(2, row),
                    };
                    out.push(&value.unwrap_or(Val::missing(self.ret)));
                }
            }
        }
        Ok(out.finish())
    }
}

impl Evaluator {
    fn cumulative_sum<'v>(
        &self,
        rows: usize,
        arg: &dyn Fn(usize, usize) -> Option<Val<'v>>,
        flag: &dyn Fn(usize, usize) -> bool,
        out: &mut ColumnBuilder,
    ) -> Result<()> {
        let Some(add) = Catalogue::get().kernel("+") else { return Ok(()) };
        let types = [self.ret, self.ret];
        let cx = Cx { args: &types, ret: self.ret };
        let mut sum: Val<'static> = Val::Null;
        for row in 0..rows {
            if row > 0 && flag(1, row) {
                sum = Val::Null;
            }
            let value = arg(0, row).unwrap_or(Val::Null).into_owned();
            if sum.is_null() {
                sum = value;
            } else if !value.is_null() {
                sum = add.call(&cx, &[sum, value]).map_err(query_error)?.into_owned();
            }
            out.push(&sum);
        }
        Ok(())
    }
}
