//! Calls of aggregates within `summarize` and `make-series`.

use kql_functions::Type;
use kql_functions::catalogue::{Catalogue, FunctionSpec, Returns, Signature};
use kql_syntax::Span;
use kql_syntax::ast;

use super::functions::{expand, match_kind, mismatch};
use super::{Binder, Env, Row};
use crate::bound::{AggregateCall, Expr, ExprKind};

impl Binder<'_> {
    /// Binds an aggregate call, collects it, and answers a reference to its value.
    pub(super) fn aggregate(
        &mut self,
        name: &ast::Name,
        args: &[ast::Arg],
        row: Row<'_>,
        env: &Env,
        span: Span,
    ) -> Expr {
        // Aggregates cannot be nested: their arguments see no collector.
        let outer = self.collector.take();
        let bound = self.aggregate_call(name, args, row, env, span);
        self.collector = outer;
        match bound {
            Some(call) => self.collect(call),
            None => self.aggregate_of_unknown(&name.text, span),
        }
    }

    /// Notes an aggregate; an equal one that was met before is used again.
    pub(super) fn collect(&mut self, call: AggregateCall) -> Expr {
        let span = call.span;
        let known = self.collector.as_ref().and_then(|c| {
            let same = |other: &AggregateCall| other.function == call.function && same_args(&other.args, &call.args);
            c.iter().find(|(other, _)| same(other)).map(|(_, column)| column.clone())
        });
        let column = match known {
            Some(column) => column,
            None => {
                let column = self.column(call.function.clone(), call.ty);
                if let Some(collector) = &mut self.collector {
                    collector.push((call, column.clone()));
                }
                column
            }
        };
        Expr::column(&column, span)
    }

    /// Resolves an aggregate's signature.
    pub(super) fn aggregate_call(
        &mut self,
        name: &ast::Name,
        args: &[ast::Arg],
        row: Row<'_>,
        env: &Env,
        span: Span,
    ) -> Option<AggregateCall> {
        let Some(spec) = Catalogue::get().aggregate(&name.text) else {
            self.error("KS211", name.span, format!("The name '{}' does not refer to any known aggregate.", name.text));
            return None;
        };
        // count() and count(*)
        let starred = args.iter().any(|a| matches!(a.value.kind, ast::ExprKind::Star));
        let bound: Vec<Expr> = if starred && name.text == "count" {
            Vec::new()
        } else if name.text == "count" && args.len() == 1 {
            // count(x) counts rows, whatever x is; only a bool is a condition.
            let value = self.scalar(&args[0].value, row, env);
            if value.ty == Type::Bool || matches!(value.kind, ExprKind::Error) { vec![value] } else { Vec::new() }
        } else {
            args.iter().map(|a| self.scalar(&a.value, row, env)).collect()
        };
        if bound.iter().any(|a| matches!(a.kind, ExprKind::Error)) {
            return None;
        }
        let distance = |s: &Signature| -> Option<u32> {
            let params = expand(s, bound.len());
            params.iter().zip(&bound).map(|(p, a)| match_kind(&p.kind, a.ty, false).map(|(_, cost)| cost)).sum()
        };
        let fits = spec
            .signatures
            .iter()
            .filter(|s| (s.min..=s.max).contains(&bound.len()))
            .filter_map(|s| distance(s).map(|cost| (cost, s)))
            .min_by_key(|(cost, _)| *cost)
            .map(|(_, s)| s);
        let Some(signature) = fits else {
            self.aggregate_mismatch(spec, &bound, span);
            return None;
        };
        let mut converted = Vec::with_capacity(bound.len());
        for (param, arg) in expand(signature, bound.len()).into_iter().zip(bound) {
            let target = match_kind(&param.kind, arg.ty, false).map_or(arg.ty, |(t, _)| t);
            converted.push(self.convert(arg, target));
        }
        let first = converted.first().map_or(Type::Dynamic, |a| a.ty);
        if first == Type::Dynamic && !self.takes_dynamic(&name.text, &converted) {
            return None;
        }
        let ty = match &signature.returns {
            Returns::Type(ty) => *ty,
            Returns::Computed(how) if how == "Parameter0" => first,
            _ => computed_type(&name.text, first),
        };
        if Catalogue::get().accumulator(&name.text).is_none() {
            self.unsupported(span, &format!("The aggregate function '{}'", name.text));
            return None;
        }
        Some(AggregateCall::new(&name.text, converted, ty, span))
    }

    /// Whether an aggregate takes dynamic values, or an error: they have no order and no sum.
    fn takes_dynamic(&mut self, function: &str, args: &[Expr]) -> bool {
        let (code, message) = match function {
            "max" | "min" | "maxif" | "minif" | "arg_max" | "arg_min" | "argmax" | "argmin" => {
                let wanted = "a number, timespan, datetime, string or boolean";
                ("KS206", format!("The argument value must be orderable: {wanted}."))
            }
            "sum" | "sumif" => ("KS138", SUMMABLE.to_string()),
            "avg" | "avgif" => {
                ("KS127", format!("The function '{function}' is not compatible with arguments (dynamic)"))
            }
            _ => return true,
        };
        let span = args.first().map(|a| a.span).unwrap_or_default();
        self.error(code, span, message);
        false
    }

    fn aggregate_mismatch(&mut self, spec: &FunctionSpec, args: &[Expr], span: Span) {
        let least = spec.signatures.iter().map(|s| s.min).min().unwrap_or(0);
        let most = spec.signatures.iter().map(|s| s.max).max().unwrap_or(0);
        if !(least..=most).contains(&args.len()) {
            self.error("KS119", span, super::call::arguments_message(&spec.name, least, most));
            return;
        }
        let fits: Vec<&Signature> = spec.signatures.iter().filter(|s| (s.min..=s.max).contains(&args.len())).collect();
        let (code, at, message) = mismatch(spec, &fits, args, span);
        self.error(code, at, message);
    }
}

const SUMMABLE: &str = "The argument value must be summable: a number, timespan or datetime.";

fn same_args(left: &[Expr], right: &[Expr]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(l, r)| l.same_as(r))
}

/// Result types that depend on the argument's.
fn computed_type(function: &str, first: Type) -> Type {
    match function {
        "sum" | "sumif" => match first {
            Type::Int => Type::Long,
            other => other,
        },
        "avg" | "avgif" => match first {
            Type::Int | Type::Long => Type::Real,
            other => other,
        },
        "min" | "max" | "minif" | "maxif" | "take_any" | "any" | "take_anyif" | "anyif" | "arg_max" | "arg_min"
        | "argmax" | "argmin" | "percentile" | "percentiles" | "percentilew" | "percentilesw" => first,
        _ => Type::Dynamic,
    }
}
