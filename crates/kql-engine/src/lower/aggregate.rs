//! Groups and aggregates.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::functions_aggregate::{average::avg_udaf, count::count_udaf, min_max, sum::sum_udaf};
use datafusion::logical_expr::expr::{AggregateFunction, ScalarFunction};
use datafusion::logical_expr::{AggregateUDF, Expr as DfExpr, cast, lit, when};
use kql_functions::catalogue::Catalogue;
use kql_functions::{Type, Val};
use kql_semantics::bound::{AggregateCall, Column, Expr, Rel};

use super::expr::scalar;
use super::{Lowering, OrderKey, Plan, Result, column_name, internal, named};
use crate::udf::{aggregate_udf, arg_row_udf, field_udf};

impl Lowering<'_> {
    pub(super) fn aggregate(
        &mut self,
        input: &Rel,
        keys: &[Expr],
        aggregates: &[AggregateCall],
        columns: &[Column],
    ) -> Result<Plan> {
        let mut plan = self.rel(input)?;
        let ordered = aggregates.iter().any(|a| Catalogue::get().accumulator(&a.function).is_some_and(|f| f.ordered));
        let mut position = lit(scalar(&Val::Null, Type::Long));
        if ordered && !plan.order.is_empty() {
            (plan, position) = self.with_position(plan)?;
        }
        let (key_columns, value_columns) = columns.split_at(keys.len().min(columns.len()));
        let mut groups = Vec::with_capacity(keys.len());
        for (key, column) in keys.iter().zip(key_columns) {
            groups.push(self.named_expr(key, column)?);
        }
        let mut calls = Vec::with_capacity(aggregates.len());
        let mut outputs: Vec<DfExpr> = key_columns.iter().map(super::column).collect();
        let rows = self.shared_rows(aggregates, &position, &mut calls)?;
        for (at, (call, column)) in aggregates.iter().zip(value_columns).enumerate() {
            let name = column_name(column.id);
            if let Some((row, place)) = rows.iter().find_map(|row| Some((row, row.value_of(at)?))) {
                outputs.push(row.part(place).alias(&name));
                continue;
            }
            if is_integer_mean(call) {
                outputs.push(self.integer_mean(call, &mut calls)?.alias(&name));
                continue;
            }
            let (value, empty) = self.aggregate_call(call, &position)?;
            calls.push(value.alias(&name));
            outputs.push(match empty {
                Some(empty) => when(named(&name).is_null(), lit(empty)).otherwise(named(&name))?.alias(&name),
                None => named(&name),
            });
        }
        // Where rows have a position, groups come in the order of their first rows, as Kusto's do for small inputs.
        let mut order = Vec::new();
        if let ([OrderKey { column, position: true, .. }, ..], false) = (plan.order.as_slice(), keys.is_empty()) {
            let first = self.hidden();
            calls.push(native(min_max::min_udaf(), vec![named(column)], None).alias(&first));
            outputs.push(named(&first));
            order.push(OrderKey::position(first));
        }
        let builder = plan.builder.aggregate(groups, calls)?.project(outputs)?;
        Ok(Plan { builder, order })
    }

    /// Calls of `arg_max` or `arg_min` that look for the same row find it together: `arg_max(key, *)` is a call a column.
    fn shared_rows(
        &mut self,
        aggregates: &[AggregateCall],
        position: &DfExpr,
        calls: &mut Vec<DfExpr>,
    ) -> Result<Vec<SharedRow>> {
        let mut rows: Vec<SharedRow> = Vec::new();
        for (at, call) in aggregates.iter().enumerate() {
            let (true, Some(key)) = (matches!(call.function.as_str(), "arg_max" | "arg_min"), call.args.first()) else {
                continue;
            };
            let same = |row: &&mut SharedRow| {
                let first = row.values.first().and_then(|first| aggregates.get(*first));
                first.is_some_and(|first| {
                    first.function == call.function
                        && first.unless == call.unless
                        && first.args.first().is_some_and(|other| other.same_as(key))
                })
            };
            match rows.iter_mut().find(same) {
                Some(row) => row.values.push(at),
                None => rows.push(SharedRow { name: self.hidden(), values: vec![at] }),
            }
        }
        for row in &rows {
            let members: Vec<&AggregateCall> = row.values.iter().filter_map(|at| aggregates.get(*at)).collect();
            let Some((first, key)) = members.first().and_then(|call| Some((call, call.args.first()?))) else {
                continue;
            };
            let values: Vec<&Expr> = members.iter().filter_map(|call| call.args.last()).collect();
            let types: Vec<Type> = values.iter().map(|value| value.ty).collect();
            let mut args = vec![self.expr(key)?];
            for value in values {
                args.push(self.expr(value)?);
            }
            args.push(position.clone());
            let udf = Arc::new(arg_row_udf(first.function == "arg_max", key.ty, &types));
            calls.push(native(udf, args, unless(first)).alias(&row.name));
        }
        Ok(rows)
    }

    /// The mean of integers: their sum, which wraps as Kusto's does, over their count.
    fn integer_mean(&mut self, call: &AggregateCall, calls: &mut Vec<DfExpr>) -> Result<DfExpr> {
        let (sum, count) = (self.hidden(), self.hidden());
        let value = self.expr(&call.args[0])?;
        let counted = unless(call);
        calls.push(native(sum_udaf(), vec![value.clone()], counted.clone()).alias(&sum));
        calls.push(native(count_udaf(), vec![value], counted).alias(&count));
        let real = |name: &str| cast(named(name), DataType::Float64);
        let total = when(named(&sum).is_null(), lit(0f64)).otherwise(real(&sum))?;
        Ok(total / real(&count))
    }

    /// The aggregate, and the value that stands for null in its result.
    fn aggregate_call(
        &mut self,
        call: &AggregateCall,
        position: &DfExpr,
    ) -> Result<(DfExpr, Option<datafusion::common::ScalarValue>)> {
        let first = call.args.first().map(|a| a.ty);
        let counted = unless(call);
        match (call.function.as_str(), first) {
            ("count" | "cnt", None) => return Ok((native(count_udaf(), vec![lit(1i64)], counted), None)),
            ("countif", Some(_)) | ("count", Some(Type::Bool)) => {
                let condition = self.predicate(&call.args[0])?;
                let condition = match counted {
                    Some(counted) => counted.and(condition),
                    None => condition,
                };
                return Ok((native(count_udaf(), vec![lit(1i64)], Some(condition)), None));
            }
            ("min" | "max", Some(ty)) if comparable(ty) => {
                let udf = if call.function == "min" { min_max::min_udaf() } else { min_max::max_udaf() };
                let empty = (ty == Type::String).then(|| scalar(&Val::missing(ty), ty));
                return Ok((native(udf, vec![self.expr(&call.args[0])?], counted), empty));
            }
            ("sum", Some(Type::Int | Type::Long)) => {
                let value = self.expr(&call.args[0])?;
                let empty = scalar(&Val::Long(0), Type::Long);
                return Ok((native(sum_udaf(), vec![value], counted), Some(empty)));
            }
            ("avg", Some(Type::Real)) => {
                let value = self.expr(&call.args[0])?;
                let empty = scalar(&Val::Real(f64::NAN), Type::Real);
                return Ok((native(avg_udaf(), vec![value], counted), Some(empty)));
            }
            _ => {}
        }
        let Some(function) = Catalogue::get().accumulator(&call.function) else {
            return Err(internal(&format!("the aggregate '{}' has no accumulator", call.function)));
        };
        let mut types: Vec<Type> = call.args.iter().map(|a| a.ty).collect();
        let mut args = call.args.iter().map(|a| self.expr(a)).collect::<Result<Vec<_>>>()?;
        if function.ordered {
            types.push(Type::Long);
            args.push(position.clone());
        }
        Ok((native(Arc::new(aggregate_udf(function, &types, call.ty)), args, counted), None))
    }
}

/// A row that several aggregates take values from.
struct SharedRow {
    /// The column of the row.
    name: String,
    /// The aggregates, in the order of the row's values.
    values: Vec<usize>,
}

impl SharedRow {
    fn value_of(&self, aggregate: usize) -> Option<usize> {
        self.values.iter().position(|at| *at == aggregate)
    }

    fn part(&self, place: usize) -> DfExpr {
        row_part(&self.name, place)
    }
}

/// A value of a row that is a column.
pub(super) fn row_part(row: &str, place: usize) -> DfExpr {
    DfExpr::ScalarFunction(ScalarFunction::new_udf(Arc::new(field_udf(place)), vec![named(row)]))
}

pub(super) fn native(udf: Arc<AggregateUDF>, args: Vec<DfExpr>, filter: Option<DfExpr>) -> DfExpr {
    DfExpr::AggregateFunction(AggregateFunction::new_udf(udf, args, false, filter.map(Box::new), Vec::new(), None))
}

/// The rows that an aggregate counts, where not all.
fn unless(call: &AggregateCall) -> Option<DfExpr> {
    call.unless.map(|id| DfExpr::Not(Box::new(named(&column_name(id)))))
}

fn is_integer_mean(call: &AggregateCall) -> bool {
    call.function == "avg" && call.args.first().is_some_and(|a| a.ty.is_integer())
}

/// Types whose least and greatest Arrow finds as Kusto does.
fn comparable(ty: Type) -> bool {
    matches!(ty, Type::Int | Type::Long | Type::DateTime | Type::Timespan | Type::String)
}
