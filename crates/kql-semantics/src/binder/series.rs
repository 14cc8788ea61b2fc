//! `make-series`.

use kql_functions::{Type, Val};
use kql_syntax::Span;
use kql_syntax::ast::{self, OperatorKind, Property};

use super::joins::property;
use super::naming::{name_of, unique};
use super::summarize::{default_name, has_several_values, zero};
use super::{Binder, Env, Row, project};
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
        let (keys, key_columns, mut names) = self.group_keys(&input, by, env);
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
        let mut calls = Vec::new();
        let mut values: Vec<Expr> = Vec::with_capacity(aggregates.len());
        let mut defaults = Vec::with_capacity(aggregates.len());
        for aggregate in aggregates {
            self.collector = Some(std::mem::take(&mut calls));
            let series = self.series_items(&input, &key_columns, &aggregate.expr, env);
            calls = self.collector.take().unwrap_or_default();
            for (name, value) in series {
                defaults.push(match &aggregate.default {
                    Some(default) => {
                        let default = self.scalar(default, Row::NONE, env);
                        self.argument(default, value.ty)
                    }
                    None => zero(value.ty, value.span),
                });
                let name = match name {
                    Some(name) => unique(&name, &columns),
                    None => names.unnamed(&columns),
                };
                columns.push(self.column(name, Type::Dynamic));
                values.push(value);
            }
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
        let count = keys.len();
        let mut groups = key_columns;
        groups.push(self.column("bin", Type::Long));
        let values: Vec<Expr> = groups.iter().map(|c| Expr::column(c, span)).chain(values).collect();
        let shown = values.iter().map(|v| self.column("value", v.ty)).collect();
        groups.extend(calls.iter().map(|(_, column)| column.clone()));
        let keys = keys.into_iter().chain([bin]).collect();
        let aggregates = calls.into_iter().map(|(call, _)| call).collect();
        let grouped = Rel {
            kind: RelKind::Aggregate { input: Box::new(input), keys, aggregates },
            columns: groups,
            serialized: false,
            open: false,
            span,
        };
        let input = project(grouped, shown, values, span);
        let kind = RelKind::MakeSeries {
            input: Box::new(input),
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

    /// The values of one item of the list, over the aggregates that the collector gets, and their names.
    fn series_items(
        &mut self,
        input: &Rel,
        keys: &[Column],
        item: &ast::NamedExpr,
        env: &Env,
    ) -> Vec<(Option<String>, Expr)> {
        if has_several_values(&item.value) {
            let items = self.aggregate_item(input, keys, item, env);
            return items.into_iter().map(|item| (item.given.or(item.implied), item.value)).collect();
        }
        let value = self.scalar(&item.value, Row::of(input), env);
        if matches!(value.kind, ExprKind::Error) {
            return Vec::new();
        }
        let collected = self.collector.as_deref().unwrap_or_default();
        let mut aggregated = false;
        value.walk(&mut |e| {
            aggregated |= matches!(e.kind, ExprKind::Column(id) if collected.iter().any(|(_, c)| c.id == id));
        });
        let value = if aggregated {
            self.over_groups(value, input, keys)
        } else {
            // A plain value stands for itself wherever a bin has rows.
            let (ty, span) = (value.ty, value.span);
            Some(self.collect(AggregateCall::new("passthrough", vec![value], ty, span)))
        };
        let name = item.names.first().map(|n| n.text.clone()).or_else(|| default_name(&item.value));
        value.into_iter().map(|value| (name.clone(), value)).collect()
    }
}
