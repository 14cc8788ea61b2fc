//! `summarize`: groups, aggregates, and expressions over aggregates.

use kql_functions::catalogue::{Catalogue, ResultName};
use kql_functions::{Type, Val};
use kql_syntax::Span;
use kql_syntax::ast::{self, NamedExpr};

use super::items::{Item, Names, already_declared};
use super::naming::{name_of, sorted_name};
use super::{Binder, Env, Row, project};
use crate::bound::{AggregateCall, Column, Expr, ExprKind, Rel, RelKind};

impl Binder<'_> {
    pub(super) fn summarize(
        &mut self,
        input: Rel,
        aggregates: &[NamedExpr],
        by: &[NamedExpr],
        env: &Env,
        span: Span,
    ) -> Rel {
        let (keys, key_columns, mut names) = self.group_keys(&input, by, env);
        // Output columns in order: expressions over keys and aggregate results.
        let mut columns: Vec<Column> = Vec::new();
        let mut exprs: Vec<Expr> = Vec::new();
        for column in &key_columns {
            columns.push(self.column(column.name.clone(), column.ty));
            exprs.push(Expr::column(column, span));
        }
        let mut calls = Vec::new();
        for item in aggregates {
            self.collector = Some(std::mem::take(&mut calls));
            let outputs = self.aggregate_item(&input, &key_columns, item, env);
            calls = self.collector.take().unwrap_or_default();
            for output in outputs {
                match names.of(&output, &columns) {
                    Ok(name) => {
                        columns.push(self.column(name, output.value.ty));
                        exprs.push(output.value);
                    }
                    Err(name) => self.error("KS171", item.span, already_declared(&name)),
                }
            }
        }
        if keys.is_empty() && calls.is_empty() {
            // Constants alone are a row, too.
            calls.push((AggregateCall::new("count", Vec::new(), Type::Long, span), self.column("count", Type::Long)));
        }
        let group_columns = key_columns.into_iter().chain(calls.iter().map(|(_, column)| column.clone())).collect();
        // A star takes the columns that are not known, too.
        let open = input.open && aggregates.iter().any(|item| has_star(&item.value));
        let aggregates: Vec<AggregateCall> = calls.into_iter().map(|(call, _)| call).collect();
        let grouped = Rel {
            kind: RelKind::Aggregate { input: Box::new(input), keys, aggregates },
            columns: group_columns,
            serialized: false,
            open,
            span,
        };
        project(grouped, columns, exprs, span)
    }

    /// Group keys, the columns that hold them, and their names.
    pub(super) fn group_keys(&mut self, input: &Rel, by: &[NamedExpr], env: &Env) -> (Vec<Expr>, Vec<Column>, Names) {
        let mut keys = Vec::with_capacity(by.len());
        let mut columns: Vec<Column> = Vec::with_capacity(by.len());
        let mut names = Names::default();
        for item in self.items(by, Row::of(input), env) {
            if item.value.ty == Type::Dynamic && !matches!(item.value.kind, ExprKind::Error) {
                self.error("KS116", item.value.span, "The value of type 'dynamic' is not allowed in this context.");
                continue;
            }
            // A number is none that a column of the input has.
            let name = match (&item.given, &item.implied) {
                (None, None) => Ok(names.unnamed(&input.columns)),
                _ => names.of(&item, &columns),
            };
            match name {
                Ok(name) => {
                    columns.push(self.column(name, item.value.ty));
                    keys.push(item.value);
                }
                Err(name) => self.error("KS171", item.span, already_declared(&name)),
            }
        }
        (keys, columns, names)
    }

    /// The output columns of one item of the aggregate list.
    pub(super) fn aggregate_item(&mut self, input: &Rel, keys: &[Column], item: &NamedExpr, env: &Env) -> Vec<Item> {
        if let ast::ExprKind::Call { name, args } = &item.value.kind {
            let several = match name.text.as_str() {
                "arg_max" | "arg_min" | "argmax" | "argmin" => Some(self.arg_extreme(input, keys, name, args, env)),
                "take_any" | "any" => Some(self.take_any(input, name, args, env)),
                "percentiles" | "percentilesw" => Some(self.percentiles(input, name, args, env)),
                _ => None,
            };
            if let Some(outputs) = several {
                for surplus in item.names.iter().skip(outputs.len().max(1)) {
                    self.error("KS150", surplus.span, "The name does not have a corresponding expression.");
                }
                let column = |(i, (implied, value)): (usize, (String, Expr))| Item {
                    given: item.names.get(i).map(|n| n.text.clone()),
                    implied: Some(implied),
                    plain: false,
                    value,
                    spread: true,
                    span: item.span,
                    index: 0,
                };
                return outputs.into_iter().enumerate().map(column).collect();
            }
        }
        // Columns outside aggregates must be group keys.
        let row = Row { columns: &input.columns, right: None, serialized: false, open: input.open };
        let mut outputs = Vec::new();
        for mut bound in self.items(std::slice::from_ref(item), row, env) {
            let Some(value) = self.over_groups(bound.value, input, keys) else { continue };
            bound.value = value;
            bound.plain = false;
            if !bound.spread {
                bound.implied = sorted_name(&item.value).or_else(|| default_name(&item.value));
            }
            outputs.push(bound);
        }
        outputs
    }

    /// Rewrites group columns to the key columns, and refuses other columns of the input.
    pub(super) fn over_groups(&mut self, value: Expr, input: &Rel, keys: &[Column]) -> Option<Expr> {
        let mut ungrouped = None;
        value.walk(&mut |e| {
            if let ExprKind::Column(id) = e.kind
                && let Some(column) = input.columns.iter().find(|c| c.id == id)
                && !keys.iter().any(|k| k.name == column.name)
            {
                ungrouped = Some((column.name.clone(), e.span));
            }
        });
        if let Some((name, span)) = ungrouped {
            let message = format!("The name '{name}' is not an aggregate or scalar function.");
            let help = format!("group by '{name}', or take it into an aggregate, as in take_any({name})");
            self.error_with_help("KS236", span, message, Some(help));
            return None;
        }
        Some(substitute(value, &|id| {
            let column = input.columns.iter().find(|c| c.id == id)?;
            keys.iter().find(|k| k.name == column.name).map(|k| k.id)
        }))
    }

    /// `arg_max(key, a, b, *)`: the key and the columns of one row.
    fn arg_extreme(
        &mut self,
        input: &Rel,
        keys: &[Column],
        name: &ast::Name,
        args: &[ast::Arg],
        env: &Env,
    ) -> Vec<(String, Expr)> {
        let function = if matches!(name.text.as_str(), "arg_max" | "argmax") { "arg_max" } else { "arg_min" };
        let collector = self.collector.take();
        let mut outputs = Vec::new();
        let Some((first, rest)) = args.split_first() else {
            self.error("KS119", name.span, format!("The function '{}' expects at least 1 argument.", name.text));
            self.collector = collector;
            return outputs;
        };
        let key = self.scalar(&first.value, Row::of(input), env);
        let key_name = name_of(&first.value).unwrap_or_else(|| format!("{}_", &function[4..]));
        let prefix = format!("{}_{}", &function[4..], name_of(&first.value).unwrap_or_default());
        let mut wanted: Vec<(String, Expr)> = vec![(key_name, key.clone())];
        for (place, arg) in rest.iter().enumerate() {
            if matches!(arg.value.kind, ast::ExprKind::Star) {
                let by_key =
                    |c: &&Column| !wanted.iter().any(|(n, _)| *n == c.name) && !keys.iter().any(|k| k.name == c.name);
                let all: Vec<(String, Expr)> = input
                    .columns
                    .iter()
                    .filter(by_key)
                    .map(|c| (c.name.clone(), Expr::column(c, arg.value.span)))
                    .collect();
                wanted.extend(all);
            } else {
                let value = self.scalar(&arg.value, Row::of(input), env);
                let value_name = name_of(&arg.value).unwrap_or_else(|| format!("{prefix}_arg{}", place + 1));
                wanted.push((value_name, value));
            }
        }
        self.collector = collector;
        if wanted.iter().any(|(_, e)| matches!(e.kind, ExprKind::Error)) {
            return wanted;
        }
        for (name, value) in wanted {
            let (ty, span) = (value.ty, value.span);
            let call = AggregateCall::new(function, vec![key.clone(), value], ty, span);
            outputs.push((name, self.collect(call)));
        }
        outputs
    }

    fn take_any(&mut self, input: &Rel, name: &ast::Name, args: &[ast::Arg], env: &Env) -> Vec<(String, Expr)> {
        if args.is_empty() {
            self.error("KS119", name.span, format!("The function '{}' expects at least 1 argument.", name.text));
        }
        let collector = self.collector.take();
        let mut wanted: Vec<(String, Expr)> = Vec::new();
        for arg in args {
            if matches!(arg.value.kind, ast::ExprKind::Star) {
                wanted.extend(input.columns.iter().map(|c| (c.name.clone(), Expr::column(c, arg.value.span))));
            } else {
                let value = self.scalar(&arg.value, Row::of(input), env);
                let base = name_of(&arg.value).unwrap_or_default();
                let value_name = if name.text == "any" { format!("any_{base}") } else { base };
                wanted.push((value_name, value));
            }
        }
        self.collector = collector;
        // Several values of one call come from one row; a single one is a value that is there, if any is.
        let function = if wanted.len() > 1 { "passthrough" } else { "take_any" };
        let mut outputs = Vec::new();
        for (name, value) in wanted {
            if matches!(value.kind, ExprKind::Error) {
                outputs.push((name, value));
                continue;
            }
            let (ty, span) = (value.ty, value.span);
            let call = AggregateCall::new(function, vec![value], ty, span);
            outputs.push((name, self.collect(call)));
        }
        outputs
    }

    /// `percentiles(x, 5, 50)`: one column a percentile.
    fn percentiles(&mut self, input: &Rel, name: &ast::Name, args: &[ast::Arg], env: &Env) -> Vec<(String, Expr)> {
        let fixed = if name.text == "percentilesw" { 2 } else { 1 };
        if args.len() <= fixed {
            let message = super::call::arguments_message(&name.text, fixed + 1, 32768);
            self.error("KS119", name.span, message);
            return Vec::new();
        }
        let single = ast::Name { text: name.text.replace("percentiles", "percentile"), span: name.span };
        let base = name_of(&args[0].value).unwrap_or_default();
        let mut outputs = Vec::new();
        for percentile in &args[fixed..] {
            let call: Vec<ast::Arg> = args[..fixed].iter().chain([percentile]).cloned().collect();
            let value = self.aggregate(&single, &call, Row::of(input), env, name.span);
            outputs.push((format!("percentile_{base}_{}", percentile_text(&percentile.value)), value));
        }
        outputs
    }
}

/// Whether an aggregate gives columns, not one.
pub(super) fn has_several_values(value: &ast::Expr) -> bool {
    let several = ["arg_max", "arg_min", "argmax", "argmin", "take_any", "any", "percentiles", "percentilesw"];
    matches!(&value.kind, ast::ExprKind::Call { name, .. } if several.contains(&name.text.as_str()))
}

/// `arg_max(x, *)`
fn has_star(value: &ast::Expr) -> bool {
    match &value.kind {
        ast::ExprKind::Call { args, .. } => args.iter().any(|a| matches!(a.value.kind, ast::ExprKind::Star)),
        _ => false,
    }
}

/// The name that Kusto gives an unnamed aggregate.
pub(super) fn default_name(value: &ast::Expr) -> Option<String> {
    let ast::ExprKind::Call { name, args } = &value.kind else { return name_of(value) };
    let Some(spec) = Catalogue::get().aggregate(&name.text) else { return name_of(value) };
    let first = || args.first().and_then(|a| name_of(&a.value)).unwrap_or_default();
    Some(match (&spec.result_name, name.text.as_str()) {
        (_, "percentile") => {
            format!("percentile_{}_{}", first(), args.get(1).map(|a| percentile_text(&a.value)).unwrap_or_default())
        }
        (_, "percentilew") => {
            format!("percentile_{}_{}", first(), args.get(2).map(|a| percentile_text(&a.value)).unwrap_or_default())
        }
        (_, "percentiles_array") => format!("percentiles_{}", first()),
        (_, "percentilesw_array") => format!("percentiles_{}", first()),
        (_, "covariance" | "covariancep" | "covarianceif" | "covariancepif") => {
            let second = args.get(1).and_then(|a| name_of(&a.value)).unwrap_or_default();
            format!("{}_{}_{second}", name.text, first())
        }
        (ResultName::PrefixAndFirstArgument(prefix), _) => format!("{prefix}_{}", first()),
        (ResultName::PrefixOnly(prefix), _) => prefix.clone(),
        (ResultName::FirstArgument, _) => first(),
        _ => format!("{}_", name.text),
    })
}

/// `95` or `99_9`
fn percentile_text(value: &ast::Expr) -> String {
    match &value.kind {
        ast::ExprKind::Literal(ast::Literal::Long(Some(v))) => v.to_string(),
        ast::ExprKind::Literal(ast::Literal::Int(Some(v))) => v.to_string(),
        ast::ExprKind::Literal(ast::Literal::Real(Some(v))) => v.to_string().replace('.', "_"),
        _ => String::new(),
    }
}

/// The expression with columns exchanged.
pub(super) fn substitute(expr: Expr, replace: &dyn Fn(u32) -> Option<u32>) -> Expr {
    let Expr { kind, ty, span } = expr;
    let all = |args: Vec<Expr>| args.into_iter().map(|a| substitute(a, replace)).collect();
    let kind = match kind {
        ExprKind::Column(id) => ExprKind::Column(replace(id).unwrap_or(id)),
        ExprKind::Call { function, args } => ExprKind::Call { function, args: all(args) },
        ExprKind::Window { function, args, per } => ExprKind::Window { function, args: all(args), per },
        ExprKind::Cast(inner) => ExprKind::Cast(Box::new(substitute(*inner, replace))),
        ExprKind::InSubquery { function, left, subquery } => {
            ExprKind::InSubquery { function, left: Box::new(substitute(*left, replace)), subquery }
        }
        other => other,
    };
    Expr { kind, ty, span }
}

/// The value of an empty bin: 0, or what suits the type.
pub(super) fn zero(ty: Type, span: Span) -> Expr {
    let value = match ty {
        Type::Int => Val::Int(0),
        Type::Long => Val::Long(0),
        Type::Real => Val::Real(0.0),
        Type::Decimal => Val::Decimal(0),
        Type::Timespan => Val::Timespan(0),
        other => Val::missing(other),
    };
    Expr::constant(value, ty, span)
}
