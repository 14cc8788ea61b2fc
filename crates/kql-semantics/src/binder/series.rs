//! `make-series`.

use kql_functions::catalogue::Catalogue;
use kql_functions::{Type, Val};
use kql_syntax::Span;
use kql_syntax::ast::{self, OperatorKind, Property};

use super::joins::property;
use super::naming::{name_of, unique};
use super::summarize::{default_name, zero};
use super::{Binder, Env, Row};
use crate::bound::{AggregateCall, Column, Expr, ExprKind, Rel, RelKind};

impl Binder<'_> {
    pub(super) fn make_series(
        &mut self,
        input: Rel,
        operator: &OperatorKind,
        properties: &[Property],
        env: &Env,
        span: Span,
    ) -> Rel {
        let OperatorKind::MakeSeries { aggregates, on, from, to, step, in_range, by } = operator else {
            return self.error_rel(span);
        };
        let (keys, key_columns, _) = self.group_keys(&input, by, env);
        let axis = self.scalar(&on.value, Row::of(&input), env);
        if matches!(axis.kind, ExprKind::Error) {
            return self.error_rel(span);
        }
        if !axis.ty.is_summable() {
            self.error("KS138", axis.span, "The argument value must be summable: a number, timespan or datetime.");
            return self.error_rel(span);
        }
        let step_type = if axis.ty == Type::DateTime { Type::Timespan } else { axis.ty };
        let bound_of = |binder: &mut Self, expr: &ast::Expr, ty: Type| {
            let value = binder.scalar(expr, Row::NONE, env);
            binder.argument(value, ty)
        };
        let (from, to, step, inclusive) = match in_range.as_deref() {
            Some([a, b, s]) => (Some(a), Some(b), Some(s), true),
            Some(_) => {
                self.error("KS119", span, "in range() expects 3 arguments.");
                return self.error_rel(span);
            }
            None => (from.as_ref(), to.as_ref(), step.as_ref(), false),
        };
        let Some(step) = step else {
            self.error("KS006", span, "make-series needs a step.");
            return self.error_rel(span);
        };
        let from = from.map(|e| bound_of(self, e, axis.ty));
        let to = to.map(|e| bound_of(self, e, axis.ty));
        let step = bound_of(self, step, step_type);

        let mut columns: Vec<Column> = Vec::new();
        for key in &key_columns {
            columns.push(self.column(key.name.clone(), key.ty));
        }
        let mut calls = Vec::with_capacity(aggregates.len());
        let mut defaults = Vec::with_capacity(aggregates.len());
        for aggregate in aggregates {
            let Some((call, name)) = self.series_aggregate(&input, aggregate, env) else { continue };
            defaults.push(match &aggregate.default {
                Some(default) => {
                    let default = self.scalar(default, Row::NONE, env);
                    self.argument(default, call.ty)
                }
                None => zero(call.ty, call.span),
            });
            let name = unique(&name, &columns);
            columns.push(self.column(name, Type::Dynamic));
            calls.push(call);
        }
        let axis_name = match on.names.first() {
            Some(name) => name.text.clone(),
            None => name_of(&on.value).unwrap_or_else(|| "Column1".to_string()),
        };
        let axis_name = unique(&axis_name, &columns);
        columns.push(self.column(axis_name, Type::Dynamic));
        let nonempty = property(properties, "kind").is_some_and(|(kind, _)| kind == "nonempty");

        let input = self.within(input, &axis, from.as_ref(), to.as_ref(), inclusive, span);
        let axis_type = axis.ty;
        let start = from.clone().unwrap_or_else(|| Expr::constant(Val::Null, axis_type, span));
        let bin = self.call("bin_index", vec![axis, start, step.clone()], Type::Long, span);
        let mut groups = key_columns;
        groups.push(self.column("bin", Type::Long));
        for call in &calls {
            groups.push(self.column("value", call.ty));
        }
        let count = keys.len();
        let keys = keys.into_iter().chain([bin]).collect();
        let grouped = Rel {
            kind: RelKind::Aggregate { input: Box::new(input), keys, aggregates: calls },
            columns: groups,
            serialized: false,
            open: false,
            span,
        };
        let kind = RelKind::MakeSeries {
            input: Box::new(grouped),
            keys: count,
            defaults,
            axis: axis_type,
            from,
            to,
            step,
            inclusive,
            nonempty,
        };
        Rel { kind, columns, serialized: false, open: false, span }
    }

    /// Only rows whose axis value lies within the bounds.
    fn within(
        &mut self,
        input: Rel,
        axis: &Expr,
        from: Option<&Expr>,
        to: Option<&Expr>,
        inclusive: bool,
        span: Span,
    ) -> Rel {
        let upper = if inclusive { "<=" } else { "<" };
        let mut rel = input;
        for (function, bound) in [(">=", from), (upper, to)] {
            if let Some(bound) = bound {
                let inside = self.call(function, vec![axis.clone(), bound.clone()], Type::Bool, span);
                rel = self.filter(rel, inside, span);
            }
        }
        rel
    }

    fn series_aggregate(
        &mut self,
        input: &Rel,
        aggregate: &ast::SeriesAggregate,
        env: &Env,
    ) -> Option<(AggregateCall, String)> {
        let span = aggregate.expr.span;
        let call = match &aggregate.expr.value.kind {
            ast::ExprKind::Call { name, args } if Catalogue::get().aggregate(&name.text).is_some() => {
                self.aggregate_call(name, args, Row::of(input), env, span)?
            }
            // A plain value stands for itself wherever a bin has rows.
            _ => {
                let value = self.scalar(&aggregate.expr.value, Row::of(input), env);
                if matches!(value.kind, ExprKind::Error) {
                    return None;
                }
                let ty = value.ty;
                AggregateCall::new("passthrough", vec![value], ty, span)
            }
        };
        let column = match aggregate.expr.names.first() {
            Some(name) => name.text.clone(),
            None => default_name(&aggregate.expr.value).unwrap_or_else(|| format!("{}_", call.function)),
        };
        Some((call, column))
    }
}
