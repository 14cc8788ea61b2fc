//! Calls of plugins that run: which argument is a column, a constant, an expression or a table.

use kql_functions::plugins::{Arg, Call, Field, Plugin, Refusal, further_tables};
use kql_functions::{Catalogue, Type, Val};
use kql_syntax::Span;
use kql_syntax::ast;

use super::call::arguments_message;
use super::naming::unique;
use super::statements::Value;
use super::{Binder, Env, Row, project};
use crate::bound::{Column, Expr, ExprKind, PluginCall, Rel, RelKind, Stage};

/// The call's arguments, with the rows that they read.
struct Arguments {
    args: Vec<Arg>,
    /// Values that are computed for every row of the input.
    computed: Vec<Expr>,
    tables: Vec<Rel>,
    /// Constants that are known when the query runs.
    later: Vec<(usize, Expr)>,
    /// A table has columns that are not known yet, and may be meant by names that are not known.
    open: bool,
}

impl Binder<'_> {
    /// A call of a plugin over an input whose columns are all known. Further tables of it stand behind the result.
    pub(super) fn plugin_call(
        &mut self,
        plugin: &'static Plugin,
        input: Rel,
        args: &[ast::Arg],
        env: &Env,
        span: Span,
    ) -> Rel {
        if let Some(message) = wrong_number(plugin, args.len()) {
            self.error("KS119", span, message);
            return self.error_rel(span);
        }
        let further = further_tables(plugin);
        if further.is_empty() {
            return self.plugin_table(plugin, input, args, env, span);
        }
        let index = self.share(input, false);
        let mut tables = Vec::with_capacity(further.len() + 1);
        for plugin in std::iter::once(plugin).chain(further) {
            let rows = self.read_shared(index, span);
            let table = self.plugin_table(plugin, rows, args, env, span);
            if matches!(table.kind, RelKind::Error) {
                return table;
            }
            tables.push(table);
        }
        self.tables(tables, span)
    }

    fn plugin_table(&mut self, plugin: &'static Plugin, input: Rel, args: &[ast::Arg], env: &Env, span: Span) -> Rel {
        let Some(bound) = self.plugin_arguments(plugin, &input, args, env) else { return self.error_rel(span) };
        if bound.open {
            return self.with_open_tables(input, &bound.tables, span);
        }
        let fields = fields_of(&input.columns);
        let names: Vec<Option<String>> = args.iter().map(|a| a.name.as_ref().map(|n| n.text.clone())).collect();
        let tables: Vec<Vec<Field>> = bound.tables.iter().map(|t| fields_of(&t.columns)).collect();
        let call = Call { args: &bound.args, input: &fields, tables: &tables, names: &names };
        let columns = match (plugin.columns)(&call) {
            Ok(columns) => columns,
            Err(Refusal { argument, message }) => {
                let at = argument.and_then(|at| args.get(at)).map_or(span, |a| a.value.span);
                self.error("KS201", at, message);
                return self.error_rel(span);
            }
        };
        let mut named: Vec<Column> = Vec::with_capacity(columns.len());
        for (name, ty) in columns {
            let name = unique(&name, &named);
            named.push(self.column(name, ty));
        }
        let mut inputs = vec![self.with_computed(input, bound.computed, span)];
        inputs.extend(bound.tables);
        let stage =
            Stage::Plugin(PluginCall { plugin, args: bound.args, input: fields, tables, names, later: bound.later });
        let kind = RelKind::Staged { inputs, stage: Box::new(stage) };
        Rel { kind, columns: named, serialized: plugin.ordered, open: false, span }
    }

    fn plugin_arguments(&mut self, plugin: &Plugin, input: &Rel, args: &[ast::Arg], env: &Env) -> Option<Arguments> {
        let mut found =
            Arguments { args: Vec::new(), computed: Vec::new(), tables: Vec::new(), later: Vec::new(), open: false };
        for arg in args {
            let known = |name: &ast::Name, rel: &Rel| rel.columns.iter().position(|c| c.name == name.text);
            let plain = match &arg.value.kind {
                ast::ExprKind::Name(name) => Some(name),
                _ => None,
            };
            // A predicate is known by the name that the call gives it.
            let named_predicate =
                |at: &usize| arg.name.is_some() && input.columns.get(*at).is_some_and(|column| column.ty == Type::Bool);
            let of_input = plain.and_then(|name| known(name, input)).filter(|at| !named_predicate(at));
            let of_table = plain.and_then(|name| found.tables.first().and_then(|table| known(name, table)));
            let bound = match (of_input, of_table) {
                (_, Some(at)) if plugin.table_key == Some(found.args.len()) => Arg::OfTable(at),
                (Some(at), _) => Arg::Column(at),
                (None, Some(at)) => Arg::OfTable(at),
                (None, None) if found.open && plain.is_some() => Arg::Value(Val::Null, Type::Unknown),
                (None, None) => match self.value(&arg.value, Row::of(input), env) {
                    Value::Rel(rel) if matches!(rel.kind, RelKind::Error) => return None,
                    Value::Rel(rel) => {
                        found.open |= rel.open;
                        found.tables.push(rel);
                        Arg::Table(found.tables.len() - 1)
                    }
                    Value::Scalar(Expr { kind: ExprKind::Error, .. }) => return None,
                    Value::Scalar(Expr { kind: ExprKind::Const(value), ty, .. }) => Arg::Value(value, ty),
                    Value::Scalar(expr) if !reads_rows(&expr) => {
                        let (value, ty) = (some_value(expr.ty), expr.ty);
                        found.later.push((found.args.len(), expr));
                        Arg::Value(value, ty)
                    }
                    Value::Scalar(expr) => {
                        let name = arg.name.as_ref().map(|n| n.text.clone());
                        let (at, ty) = (input.columns.len() + found.computed.len(), expr.ty);
                        found.computed.push(expr);
                        Arg::Computed { at, name, ty }
                    }
                },
            };
            found.args.push(bound);
        }
        Some(found)
    }

    /// The columns of a call over tables that are known later: those of the input, then those of the tables.
    fn with_open_tables(&mut self, input: Rel, tables: &[Rel], span: Span) -> Rel {
        let mut columns: Vec<Column> = Vec::new();
        for (name, ty) in fields_of(&input.columns).into_iter().chain(tables.iter().flat_map(|t| fields_of(&t.columns)))
        {
            let name = unique(&name, &columns);
            columns.push(self.column(name, ty));
        }
        Rel { kind: RelKind::Open { input: Box::new(input) }, columns, serialized: false, open: true, span }
    }

    fn with_computed(&mut self, input: Rel, computed: Vec<Expr>, span: Span) -> Rel {
        if computed.is_empty() {
            return input;
        }
        let mut columns = input.columns.clone();
        let mut exprs: Vec<Expr> = columns.iter().map(|c| Expr::column(c, span)).collect();
        for expr in computed {
            columns.push(self.column("", expr.ty));
            exprs.push(expr);
        }
        project(input, columns, exprs, span)
    }
}

/// Whether a value depends on the row.
fn reads_rows(expr: &Expr) -> bool {
    let mut reads = false;
    expr.walk(&mut |e| reads |= matches!(e.kind, ExprKind::Column(_) | ExprKind::Window { .. }));
    reads
}

/// A value that stands for one of its type until the query runs.
fn some_value(ty: Type) -> Val<'static> {
    match ty {
        Type::Bool => Val::Bool(true),
        Type::Int => Val::Int(1),
        Type::Long => Val::Long(1),
        Type::Real => Val::Real(1.0),
        Type::DateTime => Val::DateTime(1),
        Type::Timespan => Val::Timespan(1),
        Type::String => Val::str(""),
        other => Val::missing(other),
    }
}

/// What to say if the plugin takes another number of arguments.
fn wrong_number(plugin: &Plugin, given: usize) -> Option<String> {
    let signatures = &Catalogue::get().plugin(plugin.name)?.signatures;
    if signatures.iter().any(|s| (s.min..=s.max).contains(&given)) {
        return None;
    }
    let least = signatures.iter().map(|s| s.min).min()?;
    let most = signatures.iter().map(|s| s.max).max()?;
    Some(arguments_message(plugin.name, least, most))
}

fn fields_of(columns: &[Column]) -> Vec<(String, Type)> {
    columns.iter().map(|c| (c.name.clone(), c.ty)).collect()
}
