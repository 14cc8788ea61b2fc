//! The columns of plugins that are not run: over an input whose columns are not all known, or at all.

use kql_functions::{Type, plugins};
use kql_syntax::Span;
use kql_syntax::ast;

use super::naming::unique;
use super::{Binder, Env, Row};
use crate::bound::{Column, Rel, RelKind};

const LONG: Type = Type::Long;
const REAL: Type = Type::Real;

/// How a plugin's columns follow from its input and arguments.
enum Shape {
    /// These, then the input's.
    Before(&'static [(&'static str, Type)]),
    /// The time column, the dimension columns, then these.
    OverTime(&'static [(&'static str, Type)]),
    /// The time column as `from_` and `to_`, the dimension columns, then these.
    FromTo(&'static [(&'static str, Type)]),
    /// The time column, the state column as these, then a count and samples.
    Around(&'static [&'static str]),
    /// These alone.
    Fixed(&'static [(&'static str, Type)]),
    /// The input's, as they are.
    Same,
    /// Nothing is known of them.
    Unknown,
}

fn shape(plugin: &str) -> Shape {
    match plugin {
        "autocluster" | "basket" => Shape::Before(&[("SegmentId", LONG), ("Count", LONG), ("Percent", REAL)]),
        "diffpatterns" => Shape::Before(&[
            ("SegmentId", LONG),
            ("CountA", LONG),
            ("CountB", LONG),
            ("PercentA", REAL),
            ("PercentB", REAL),
            ("PercentDiffAB", REAL),
        ]),
        "sliding_window_counts" => Shape::OverTime(&[("Count", LONG), ("Dcount", LONG)]),
        "activity_counts_metrics" => {
            Shape::OverTime(&[("count", LONG), ("dcount", LONG), ("new_dcount", LONG), ("aggregated_dcount", LONG)])
        }
        "activity_engagement" => Shape::OverTime(&[
            ("dcount_activities_inner", LONG),
            ("dcount_activities_outer", LONG),
            ("activity_ratio", REAL),
        ]),
        "activity_metrics" => Shape::OverTime(&[
            ("dcount_values", LONG),
            ("dcount_newvalues", LONG),
            ("retention_rate", REAL),
            ("churn_rate", REAL),
        ]),
        "active_users_count" => Shape::OverTime(&[("dcount", LONG)]),
        "session_count" => Shape::OverTime(&[("count_sessions", LONG)]),
        "funnel_sequence_completion" => Shape::OverTime(&[("Period", Type::Timespan), ("dcount", LONG)]),
        "new_activity_metrics" => Shape::FromTo(&[
            ("dcount_new_values", LONG),
            ("dcount_retained_values", LONG),
            ("dcount_churn_values", LONG),
            ("retention_rate", REAL),
            ("churn_rate", REAL),
        ]),
        "funnel_sequence" => Shape::Around(&["prev", "next"]),
        "estimate_rows_count" => Shape::Fixed(&[("EstimatedRowsCount", LONG)]),
        "infer_storage_schema_with_suggestions" => Shape::Fixed(&[("SuggestedTableSchema", Type::String)]),
        "schema_merge" => Shape::Fixed(&[
            ("ColumnName", Type::String),
            ("ColumnOrdinal", LONG),
            ("DataType", Type::String),
            ("ColumnType", Type::String),
        ]),
        "http_request" | "http_request_post" => {
            Shape::Fixed(&[("ResponseHeaders", Type::Dynamic), ("ResponseBody", Type::Dynamic)])
        }
        "rows_near" | "identity" | "preview" => Shape::Same,
        _ => Shape::Unknown,
    }
}

/// Why a call is not run: the plugin never is, or not yet, or its input is not known yet.
fn not_run(plugin: &str, input: &Rel) -> RelKind {
    match plugins::refused(plugin) {
        Some(why) => RelKind::Refused(format!("The plugin '{plugin}' is not supported: {why}.")),
        None if plugins::plugin(plugin).is_some() => RelKind::Open { input: Box::new(input.clone()) },
        None => RelKind::NotRun("This plugin"),
    }
}

impl Binder<'_> {
    /// A plugin of the catalogue that cannot be run, or not yet: its columns, as far as they are known.
    pub(super) fn plugin_columns(
        &mut self,
        plugin: &str,
        input: Rel,
        args: &[&ast::Expr],
        env: &Env,
        span: Span,
    ) -> Rel {
        if let ("ipv4_lookup" | "ipv6_lookup", [table, ..]) = (plugin, args) {
            return self.lookup_columns(input, table, &args[1..], env, span);
        }
        let named: Vec<Column> = args
            .iter()
            .filter_map(|arg| match &arg.kind {
                ast::ExprKind::Name(name) => input.columns.iter().find(|c| c.name == name.text).cloned(),
                _ => None,
            })
            .collect();
        // What a script declares to return; `*` in it stands for the input's columns, and is not kept by the tree.
        let mut declared: Vec<(String, Type)> = Vec::new();
        for arg in args {
            match &arg.kind {
                ast::ExprKind::Typeof(columns) => {
                    let named = columns.iter().filter(|c| !c.name.text.is_empty());
                    declared.extend(named.map(|c| (c.name.text.clone(), self.type_named(&c.ty))));
                }
                _ => {
                    self.value(arg, Row::of(&input), env);
                }
            }
        }
        let mut open = input.open;
        let kind = not_run(plugin, &input);
        let fixed = |columns: &[(&str, Type)]| -> Vec<(String, Type)> {
            columns.iter().map(|(name, ty)| (name.to_string(), *ty)).collect()
        };
        let own =
            |columns: &[Column]| -> Vec<(String, Type)> { columns.iter().map(|c| (c.name.clone(), c.ty)).collect() };
        let columns: Vec<(String, Type)> = match shape(plugin) {
            Shape::Before(first) => fixed(first).into_iter().chain(own(&input.columns)).collect(),
            Shape::OverTime(last) => {
                let over = named.get(1..).unwrap_or_default();
                own(over).into_iter().chain(fixed(last)).collect()
            }
            Shape::FromTo(last) => {
                let ends = named.get(1).into_iter().flat_map(|time| ["from_", "to_"].map(|end| (end, time)));
                let ends = ends.map(|(end, time)| (format!("{end}{}", time.name), time.ty));
                ends.chain(own(named.get(2..).unwrap_or_default())).chain(fixed(last)).collect()
            }
            Shape::Around(states) => {
                let ty = named.get(2).map_or(Type::Unknown, |state| state.ty);
                let time = own(named.get(1..2).unwrap_or_default()).into_iter();
                let states = states.iter().map(|name| (name.to_string(), ty));
                time.chain(states).chain(fixed(&[("dcount", LONG), ("samples", Type::Dynamic)])).collect()
            }
            Shape::Fixed(columns) => {
                open = false;
                fixed(columns)
            }
            Shape::Same => own(&input.columns),
            Shape::Unknown => {
                open = true;
                declared
            }
        };
        let columns = columns.into_iter().map(|(name, ty)| self.column(name, ty)).collect();
        Rel { kind, columns, serialized: false, open, span }
    }

    fn lookup_columns(&mut self, input: Rel, table: &ast::Expr, args: &[&ast::Expr], env: &Env, span: Span) -> Rel {
        let lookup = self.tabular(table, env);
        // The extra keys, behind the address of each side, are there once.
        let keys: Vec<&str> = args
            .iter()
            .skip(2)
            .filter_map(|arg| match &arg.kind {
                ast::ExprKind::Name(name) => Some(name.text.as_str()),
                _ => None,
            })
            .collect();
        let open = input.open || lookup.open;
        let kind = RelKind::Open { input: Box::new(input.clone()) };
        let mut columns = input.columns;
        for column in lookup.columns.iter().filter(|c| !keys.contains(&c.name.as_str())) {
            let name = unique(&column.name, &columns);
            columns.push(Column { name, ..column.clone() });
        }
        let columns = columns.into_iter().map(|c| self.column(c.name, c.ty)).collect();
        Rel { kind, columns, serialized: false, open, span }
    }
}
