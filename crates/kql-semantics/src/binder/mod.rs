//! From syntax tree to typed tree.
//!
//! Errors are collected and binding goes on with [`ExprKind::Error`], so that one pass finds them all.

mod aggregates;
mod by_names;
mod call;
mod carry;
mod expr;
mod find;
mod fork;
mod functions;
mod getschema;
mod graph;
mod items;
mod joins;
mod naming;
mod open;
mod operators;
mod ops;
mod partition;
mod pattern;
mod plugin_call;
mod plugin_columns;
mod plugins;
mod render;
mod scan;
mod scope;
mod search;
mod series;
mod shape;
mod sources;
mod statements;
mod storage;
mod summarize;
mod surroundings;
mod top_nested;
mod warnings;
mod windows;

use std::rc::Rc;

use kql_functions::{Type, Val};
use kql_syntax::{Diagnostic, Span, ast};

use crate::Catalog;
use crate::bound::{AggregateCall, Column, ColumnId, Expr, ExprKind, Query, Rel, RelKind, Shared};
use crate::explain::RenderSpec;
use scope::Scope;
pub use surroundings::EVALUATED;

/// How deep functions may call each other.
const MOST_CALLS: usize = 64;

/// What binding depends on besides text and catalogue.
#[derive(Debug, Clone, Default)]
pub struct BindOptions {
    /// The instant of `now()`: ticks since 0001-01-01.
    pub now: i64,
    /// Columns of the plugins whose data decides, as resolved so far, in order.
    pub resolved: Vec<Vec<(String, Type)>>,
    /// Values of `declare query_parameters`, by name, as KQL literals.
    pub parameters: Vec<(String, String)>,
    /// The MaxMind database that `geo_info_from_ip_address()` looks into.
    pub addresses: Option<String>,
    /// The query will not run: errors inside saved functions are warnings, and a wildcard stands for tables that may
    /// not all be there.
    pub checking: bool,
}

/// What binding answers.
#[derive(Debug)]
pub struct Bound {
    /// The typed tree; `None` where the text holds no query.
    pub query: Option<Query>,
    /// Errors and warnings of parser and binder.
    pub diagnostics: Vec<Diagnostic>,
    /// The first plugin that must be run before the rest can be bound.
    pub pending: Option<Pending>,
    /// What `render` asks for.
    pub render: Option<RenderSpec>,
    /// The query is a scalar expression, which stands as a table of one value.
    pub scalar: bool,
}

/// A plugin whose columns only its input's rows tell.
#[derive(Debug, Clone)]
pub struct Pending {
    /// Its input.
    pub input: Rel,
    /// Which, with its arguments.
    pub kind: PendingKind,
    /// Where it stands.
    pub span: Span,
}

/// The plugins whose columns the data decides.
#[derive(Debug, Clone)]
pub enum PendingKind {
    /// `bag_unpack(column, prefix, conflict, ignored)`
    BagUnpack {
        /// The dynamic column.
        column: ColumnId,
        /// Put before each name.
        prefix: String,
        /// `error`, `replace_source` or `keep_source`.
        conflict: String,
        /// Properties that are left out.
        ignored: Vec<String>,
    },
    /// `pivot`: the input is grouped already by the columns that stay and the one that is pivoted, which is the last
    /// but one; the aggregate is the last.
    Pivot {
        /// Cells without rows hold 0.
        counts: bool,
    },
    /// `narrow()`
    Narrow,
}

/// Parses and binds a query.
pub fn bind(source: &str, catalog: &dyn Catalog, options: &BindOptions) -> Bound {
    let parsed = kql_syntax::parse(source);
    let mut binder = Binder::new(catalog, options);
    binder.diagnostics = parsed.diagnostics;
    let (rel, scalar) = binder.bind_query(&parsed.query);
    let query = rel.map(|rel| Query {
        rel,
        shared: std::mem::take(&mut binder.shared),
        subqueries: std::mem::take(&mut binder.subqueries),
        others: std::mem::take(&mut binder.others),
    });
    let erroneous = binder.diagnostics.iter().any(|d| d.severity == kql_syntax::Severity::Error);
    if let Some(query) = query.as_ref().filter(|_| !erroneous) {
        binder.diagnostics.extend(warnings::warnings(source, &parsed.query, query));
    }
    binder.diagnostics.sort_by_key(|d| (d.span.start, d.span.end));
    binder.diagnostics.dedup();
    Bound { query, diagnostics: binder.diagnostics, pending: binder.pending, render: binder.render, scalar }
}

/// Columns that a scalar expression may name.
#[derive(Clone, Copy)]
struct Row<'r> {
    columns: &'r [Column],
    /// The right side, within a join condition.
    right: Option<&'r [Column]>,
    serialized: bool,
    open: bool,
}

impl<'r> Row<'r> {
    const NONE: Row<'static> = Row { columns: &[], right: None, serialized: false, open: false };

    fn of(rel: &'r Rel) -> Row<'r> {
        Row { columns: &rel.columns, right: None, serialized: rel.serialized, open: rel.open }
    }
}

/// A row beside the one that an expression sees.
struct Object {
    name: String,
    columns: Vec<Column>,
}

struct Binder<'a> {
    catalog: &'a dyn Catalog,
    options: &'a BindOptions,
    diagnostics: Vec<Diagnostic>,
    next_column: ColumnId,
    shared: Vec<Shared>,
    subqueries: Vec<Rel>,
    others: Vec<Rel>,
    /// Further result tables of the query that is being bound.
    branches: Vec<Rel>,
    /// Aggregates met while binding an expression of summarize; `None` elsewhere.
    collector: Option<Vec<(AggregateCall, Column)>>,
    /// Rows that have names of their own, as the steps of `scan` and the nodes of `graph-match`: `name.column`.
    objects: Vec<Object>,
    /// The graph patterns around, the innermost last.
    patterns: Vec<graph::Pattern>,
    graphs: Vec<graph::Graph>,
    /// Names that an operator gives its results, for the statements behind it.
    named_results: Vec<(String, scope::Entity)>,
    /// The name that `as` gave the rows which the next operator reads.
    input_name: Option<String>,
    /// Columns that an operator names and its open input does not list.
    inferred: Vec<String>,
    resolved: usize,
    pending: Option<Pending>,
    render: Option<RenderSpec>,
    calls: usize,
    /// Values of `set`, by name.
    settings: Vec<(String, Expr)>,
    /// Names that stand for databases of other clusters.
    aliases: Vec<String>,
    /// Errors inside a function body are reported at the call of a saved function.
    report_at: Option<Span>,
}

type Env = Rc<Scope>;

impl<'a> Binder<'a> {
    fn new(catalog: &'a dyn Catalog, options: &'a BindOptions) -> Self {
        Binder {
            catalog,
            options,
            diagnostics: Vec::new(),
            next_column: 0,
            shared: Vec::new(),
            subqueries: Vec::new(),
            others: Vec::new(),
            branches: Vec::new(),
            collector: None,
            objects: Vec::new(),
            patterns: Vec::new(),
            graphs: Vec::new(),
            named_results: Vec::new(),
            input_name: None,
            inferred: Vec::new(),
            resolved: 0,
            pending: None,
            render: None,
            calls: 0,
            settings: Vec::new(),
            aliases: Vec::new(),
            report_at: None,
        }
    }

    fn column(&mut self, name: impl Into<String>, ty: Type) -> Column {
        self.next_column += 1;
        Column { id: self.next_column, name: name.into(), ty }
    }

    fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        let span = self.report_at.unwrap_or(span);
        self.diagnostics.push(Diagnostic::error(code, span, message));
    }

    fn error_with_help(&mut self, code: &'static str, span: Span, message: String, help: Option<String>) {
        let span = self.report_at.unwrap_or(span);
        let mut diagnostic = Diagnostic::error(code, span, message);
        diagnostic.help = help;
        self.diagnostics.push(diagnostic);
    }

    /// An error about something that KQL has and this engine has not.
    fn unsupported(&mut self, span: Span, what: &str) {
        self.error("PQ001", span, format!("{what} is not supported yet."));
    }

    fn error_expr(&self, span: Span) -> Expr {
        Expr { kind: ExprKind::Error, ty: Type::Unknown, span }
    }

    fn error_rel(&self, span: Span) -> Rel {
        Rel { kind: RelKind::Error, columns: Vec::new(), serialized: true, open: true, span }
    }

    /// Puts rows where several places can read them.
    fn share(&mut self, rel: Rel, materialize: bool) -> usize {
        self.shared.push(Shared { rel, materialize, uses: 0 });
        self.shared.len() - 1
    }

    /// A new reading of shared rows, with columns of its own.
    fn read_shared(&mut self, index: usize, span: Span) -> Rel {
        self.shared[index].uses += 1;
        let (columns, serialized, open) = {
            let rel = &self.shared[index].rel;
            (rel.columns.clone(), rel.serialized, rel.open)
        };
        let columns = columns.into_iter().map(|c| self.column(c.name, c.ty)).collect();
        Rel { kind: RelKind::Shared(index), columns, serialized, open, span }
    }

    /// A constant of the query that must be known while binding, as a count or a name.
    fn constant(&mut self, expr: &ast::Expr, env: &Env, what: &str) -> Option<Val<'static>> {
        let bound = self.scalar(expr, Row::NONE, env);
        match bound.kind {
            ExprKind::Const(value) => Some(value),
            ExprKind::Error => None,
            _ => {
                self.error("KS101", expr.span, format!("{what} must be a constant."));
                None
            }
        }
    }
}

/// A projection over `input`.
fn project(input: Rel, columns: Vec<Column>, exprs: Vec<Expr>, span: Span) -> Rel {
    let (serialized, open) = (input.serialized, input.open);
    Rel { kind: RelKind::Project { input: Box::new(input), exprs }, columns, serialized, open, span }
}
