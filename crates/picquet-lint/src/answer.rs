//! What binding says of one query.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kql_semantics::bound::{Query, Rel, RelKind};
use kql_semantics::{BindOptions, Catalog, bind};
use kql_syntax::ast::{ExprKind, OperatorKind, Statement};
use kql_syntax::{Diagnostic, Severity, Span};

/// Errors, warnings and result of a query that was not run.
#[derive(Debug)]
pub struct Answer {
    /// In the order of the text.
    pub errors: Vec<Diagnostic>,
    /// In the order of the text.
    pub warnings: Vec<Diagnostic>,
    /// What the query gives.
    pub kind: Kind,
    /// Names and types of the result; none where it is no single table.
    pub columns: Option<Vec<(String, &'static str)>>,
    /// There may be more columns, as the data decides.
    pub open: bool,
    /// The typed tree, with holes where there are errors; none where the text holds no query.
    pub tree: Option<Query>,
}

/// Kinds of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One table.
    Table,
    /// One value.
    Scalar,
    /// Several tables: `fork`, `facet`.
    Group,
    /// A graph.
    Graph,
    /// The text holds no query.
    None,
}

impl Kind {
    /// The name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Table => "table",
            Kind::Scalar => "scalar",
            Kind::Group => "group",
            Kind::Graph => "graph",
            Kind::None => "none",
        }
    }
}

/// Parses and binds `query`. `now` is the instant of `now()`: ticks of 100 ns since year 1.
#[must_use]
pub fn answer(query: &str, catalog: &dyn Catalog, now: i64) -> Answer {
    let options = BindOptions { now, checking: true, ..BindOptions::default() };
    // A fault of the binder is a finding about this query; the others are answered.
    let Ok(bound) = catch_unwind(AssertUnwindSafe(|| bind(query, catalog, &options))) else {
        let message = "internal error: the query could not be checked; please report it";
        let errors = vec![Diagnostic::error("PQ003", Span::new(0, 0), message)];
        return Answer { errors, warnings: Vec::new(), kind: Kind::None, columns: None, open: false, tree: None };
    };
    let (errors, mut warnings): (Vec<_>, Vec<_>) =
        bound.diagnostics.into_iter().partition(|d| d.severity == Severity::Error);
    let Some(tree) = bound.query else {
        return Answer { errors, warnings, kind: Kind::None, columns: None, open: false, tree: None };
    };
    if errors.is_empty() {
        warnings.extend(not_run(&tree));
        warnings.sort_by_key(|d| (d.span.start, d.span.end));
        warnings.dedup();
    }
    let kind = match last_operator(query) {
        _ if bound.scalar => Kind::Scalar,
        Some(OperatorKind::Fork(_) | OperatorKind::Facet { .. }) => Kind::Group,
        Some(OperatorKind::MakeGraph { .. }) => Kind::Graph,
        _ => Kind::Table,
    };
    let table = kind == Kind::Table;
    let columns = table.then(|| tree.last().columns.iter().map(|c| (c.name.clone(), c.ty.name())).collect());
    let open = table && tree.last().open;
    Answer { errors, warnings, kind, columns, open, tree: Some(tree) }
}

/// The operator that gives the result, where the query ends in a pipeline.
fn last_operator(query: &str) -> Option<OperatorKind> {
    if !["fork", "facet", "make-graph"].iter().any(|word| query.contains(word)) {
        return None;
    }
    let last = kql_syntax::parse(query).query.statements.into_iter().rev().find_map(|s| match s {
        Statement::Expr(expr) => Some(expr),
        _ => None,
    });
    match last?.kind {
        ExprKind::Pipeline { operators, .. } => operators.into_iter().next_back().map(|o| o.kind),
        _ => None,
    }
}

/// Warnings about what is understood and cannot be run.
fn not_run(query: &Query) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut todo: Vec<&Rel> = vec![&query.rel];
    todo.extend(query.shared.iter().map(|s| &s.rel));
    todo.extend(&query.subqueries);
    todo.extend(&query.others);
    while let Some(rel) = todo.pop() {
        if let RelKind::NotRun(what) = rel.kind {
            found.push(Diagnostic::warning("PQ005", rel.span, format!("{what} can be checked, but not be run yet.")));
        }
        if let RelKind::Refused(why) = &rel.kind {
            found.push(Diagnostic::warning("PQ005", rel.span, why.clone()));
        }
        todo.extend(rel.inputs());
    }
    found
}
