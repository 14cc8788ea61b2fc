//! Functions that ask for what is around a query: its principal, its database, where and when rows were stored, whether
//! a column is there.
//!
//! Rows come from files, which have no principal, no data shards and no cursors: the answers are those that Kusto
//! documents for records and queries without them.

use std::borrow::Cow;

use kql_functions::catalogue::Catalogue;
use kql_functions::{Type, Val};
use kql_syntax::Span;
use kql_syntax::ast;

use super::{Binder, Env, Row};
use crate::bound::{Expr, ExprKind, WindowFunction};

/// Functions that the binder answers or rewrites, so that they run without a kernel of their own.
pub const EVALUATED: &[&str] = &[
    "ago",
    "assert",
    "bin_auto",
    "column_ifexists",
    "column_names_of",
    "columnifexists",
    "current_cluster_endpoint",
    "current_cursor",
    "current_database",
    "current_principal",
    "current_principal_details",
    "current_principal_is_member_of",
    "cursor_current",
    "extent_id",
    "extent_tags",
    "extentid",
    "ingestion_time",
    "iscolumnexists",
    "materialize",
    "next",
    "now",
    "pack_all",
    "prev",
    "row_cumsum",
    "row_number",
    "row_rank",
    "row_rank_dense",
    "row_rank_min",
    "row_window_session",
    "table",
    "toscalar",
];

/// What the engine calls a principal that it does not know.
const NO_PRINCIPAL: &str = "<null identity>";

/// What the engine calls itself and its database where it runs alone.
const LOCAL_CLUSTER: &str = "localhost";
const LOCAL_DATABASE: &str = "NetDefaultDB";

impl Binder<'_> {
    /// A call of one of these functions.
    pub(super) fn surroundings(
        &mut self,
        name: &ast::Name,
        args: &[ast::Arg],
        row: Row<'_>,
        env: &Env,
        span: Span,
    ) -> Option<Expr> {
        let text = |text: String| Expr::constant(Val::Str(Cow::Owned(text)), Type::String, span);
        let result = match (name.text.as_str(), args) {
            ("current_principal", []) => text(NO_PRINCIPAL.to_string()),
            ("current_cluster_endpoint", []) => text(LOCAL_CLUSTER.to_string()),
            ("current_database", []) => text(LOCAL_DATABASE.to_string()),
            ("current_principal_details" | "extent_tags", []) => Expr::constant(Val::Null, Type::Dynamic, span),
            ("current_principal_is_member_of", [_, ..]) => self.is_member_of(args, row, env, span),
            // A cursor is the ticks of an instant.
            ("cursor_current" | "current_cursor", []) => text(self.options.now.to_string()),
            ("cursor_after" | "cursor_before_or_at", [cursor]) => {
                let cursor = self.scalar(&cursor.value, row, env);
                let cursor = self.argument(cursor, Type::String);
                self.compare_cursor(&name.text, cursor, row, span)
            }
            ("extent_id" | "extentid", []) => Expr::constant(Val::Guid([0; 16]), Type::Guid, span),
            ("ingestion_time", []) => self.ingestion_time(row, span),
            ("iscolumnexists", [column]) => self.column_exists(&column.value, row, env, span),
            ("assert", [condition, message]) => self.assert(&condition.value, &message.value, row, env, span),
            ("row_rank", [_] | [_, _]) => self.row_rank(name, args, row, env, span),
            ("geo_info_from_ip_address", [address]) => {
                let address = self.scalar(&address.value, row, env);
                let address = self.argument(address, Type::String);
                self.locate(address, span)
            }
            _ => return None,
        };
        if let Some(spec) = Catalogue::get().function(&name.text) {
            self.warn_deprecated(spec, span);
        }
        Some(result)
    }

    /// Nobody is a member of anything; the names must be known while binding, as Kusto has it.
    fn is_member_of(&mut self, args: &[ast::Arg], row: Row<'_>, env: &Env, span: Span) -> Expr {
        for arg in args {
            let group = self.scalar(&arg.value, row, env);
            if matches!(group.kind, ExprKind::Error) {
                return self.error_expr(span);
            }
            if group.as_const().is_none() {
                self.error("KS101", arg.value.span, "The principals must be string literals.");
                return self.error_expr(span);
            }
            if !matches!(group.ty, Type::String | Type::Dynamic) {
                self.error("KS107", arg.value.span, "A value of type string or dynamic expected.");
                return self.error_expr(span);
            }
        }
        Expr::constant(Val::Bool(false), Type::Bool, span)
    }

    /// When the row was ingested; where that was not recorded, when it was generated.
    fn ingestion_time(&mut self, row: Row<'_>, span: Span) -> Expr {
        self.stored_time(row, span).unwrap_or(Expr::constant(Val::Null, Type::DateTime, span))
    }

    /// The columns that tell when a row was stored, if there are any.
    fn stored_time(&mut self, row: Row<'_>, span: Span) -> Option<Expr> {
        let find = |name: &str| row.columns.iter().find(|c| c.name == name && c.ty == Type::DateTime);
        let recorded = find("_TimeReceived").map(|c| Expr::column(c, span));
        let generated = find("TimeGenerated").map(|c| Expr::column(c, span));
        match (recorded, generated) {
            (Some(recorded), Some(generated)) => {
                Some(self.call("coalesce", vec![recorded, generated], Type::DateTime, span))
            }
            (recorded, generated) => recorded.or(generated),
        }
    }

    fn compare_cursor(&mut self, function: &str, cursor: Expr, row: Row<'_>, span: Span) -> Expr {
        let time = match self.stored_time(row, span) {
            Some(time) => time,
            None if self.options.checking => return known_call(function, vec![cursor], Type::Bool, span),
            None => {
                let message = format!("{function}() needs rows that tell when they were ingested or generated.");
                self.error("PQ006", span, message);
                return Expr { kind: ExprKind::Error, ty: Type::Bool, span };
            }
        };
        self.call(function, vec![time, cursor], Type::Bool, span)
    }

    /// `iscolumnexists('name')`
    fn column_exists(&mut self, column: &ast::Expr, row: Row<'_>, env: &Env, span: Span) -> Expr {
        match self.constant(column, env, "The name of the column") {
            Some(Val::Str(name)) => {
                let exists = row.columns.iter().any(|c| c.name == *name);
                Expr::constant(Val::Bool(exists), Type::Bool, span)
            }
            _ => Expr { kind: ExprKind::Error, ty: Type::Bool, span },
        }
    }

    /// `assert(condition, message)`: the query is refused where the condition does not hold.
    fn assert(&mut self, condition: &ast::Expr, message: &ast::Expr, row: Row<'_>, env: &Env, span: Span) -> Expr {
        let holds = self.scalar(condition, row, env);
        let holds = self.boolean(holds);
        let message = self.constant(message, env, "The message");
        let failed = Expr { kind: ExprKind::Error, ty: Type::Bool, span };
        match (&holds.kind, message) {
            (ExprKind::Error, _) | (_, None) => failed,
            (ExprKind::Const(Val::Bool(true)), _) => Expr::constant(Val::Bool(true), Type::Bool, span),
            _ if self.options.checking => Expr::constant(Val::Bool(true), Type::Bool, span),
            (ExprKind::Const(_), Some(message)) => {
                let message = message.as_str().unwrap_or_default();
                self.error("PQ007", span, format!("assert() has failed with message: '{message}'"));
                failed
            }
            _ => {
                self.error("KS101", condition.span, "The condition must be a constant.");
                failed
            }
        }
    }

    /// `row_rank(term, dense)`
    fn row_rank(&mut self, name: &ast::Name, args: &[ast::Arg], row: Row<'_>, env: &Env, span: Span) -> Expr {
        let dense = match args.get(1) {
            Some(dense) => match self.constant(&dense.value, env, "The second argument") {
                Some(Val::Bool(dense)) => dense,
                Some(_) => {
                    self.error("KS107", dense.value.span, "A value of type bool expected.");
                    return self.error_expr(span);
                }
                None => return self.error_expr(span),
            },
            None => true,
        };
        let function = if dense { WindowFunction::RowRankDense } else { WindowFunction::RowRankMin };
        self.window(function, name, &args[..1], row, env, span)
    }

    /// The location of an address, from the database that the options name.
    fn locate(&mut self, address: Expr, span: Span) -> Expr {
        let function = "geo_info_from_ip_address";
        let path = match self.options.addresses.clone() {
            Some(path) => path,
            None if self.options.checking => return known_call(function, vec![address], Type::Dynamic, span),
            None => {
                let message = format!("{function}() needs a database of addresses.");
                let help = "name a MaxMind .mmdb file with --geoip or PICQUET_GEOIP".to_string();
                self.error_with_help("PQ008", span, message, Some(help));
                return Expr { kind: ExprKind::Error, ty: Type::Dynamic, span };
            }
        };
        let database = Expr::constant(Val::Str(Cow::Owned(path)), Type::String, span);
        self.call(function, vec![address, database], Type::Dynamic, span)
    }
}

/// A call that is known and will not run.
fn known_call(function: &str, args: Vec<Expr>, ty: Type, span: Span) -> Expr {
    let erroneous = args.iter().any(|a| matches!(a.kind, ExprKind::Error));
    let kind = if erroneous { ExprKind::Error } else { ExprKind::Call { function: function.to_string(), args } };
    Expr { kind, ty, span }
}
