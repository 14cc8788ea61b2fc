//! Groups and aggregates.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::functions_aggregate::{average::avg_udaf, count::count_udaf, min_max, sum::sum_udaf};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{AggregateUDF, Expr as DfExpr, cast, lit, when};
use kql_functions::catalogue::Catalogue;
use kql_functions::{Type, Val};
use kql_semantics::bound::{AggregateCall, Column, Expr, Rel};

use super::expr::scalar;
use super::{Lowering, OrderKey, Plan, Result, column_name, internal, named};
use crate::udf::aggregate_udf;

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
        for (call, column) in aggregates.iter().zip(value_columns) {
            let name = column_name(column.id);
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

fn native(udf: Arc<AggregateUDF>, args: Vec<DfExpr>, filter: Option<DfExpr>) -> DfExpr {
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
