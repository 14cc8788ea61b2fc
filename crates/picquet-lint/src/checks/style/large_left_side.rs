//! An inner join has the rows of a table on its left side and a few rows on its right side: a literal table, a watchlist, a
//! `take` or a `top`.
//!
//! ## Why it matters
//!
//! The engine keeps the left side in memory. With the default kind it also removes repeated keys of the left side first.
//!
//! ## How to mend it
//!
//! Put the small side left, use `lookup`, or write `hint.strategy=broadcast`. Where only the key matters, `where x in (…)`
//! needs no join.

use kql_semantics::bound::{JoinKind, Query, Rel, RelKind};
use kql_syntax::Span;

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ513",
    name: "large-left-side",
    sets: &[Set::Style],
    severity: Severity::Advice,
    fixable: false,
    source: include_str!("large_left_side.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(query) = context.query.as_ref().filter(|query| query.is_sound()) else { return };
    let Some(tree) = &query.answer.tree else { return };
    let mut todo: Vec<&Rel> = vec![&tree.rel];
    todo.extend(tree.shared.iter().map(|shared| &shared.rel));
    todo.extend(&tree.subqueries);
    todo.extend(&tree.others);
    let mut told = Vec::new();
    while let Some(rel) = todo.pop() {
        todo.extend(rel.inputs());
        let RelKind::Join { left, right, kind: JoinKind::Inner | JoinKind::InnerUnique, .. } = &rel.kind else {
            continue;
        };
        let written = rel.span.text(query.text);
        let hinted = written.contains("hint.") || !written.starts_with("join");
        if hinted || told.contains(&rel.span) || !is_rows(left, tree) || !is_small(right, tree, query.text) {
            continue;
        }
        told.push(rel.span);
        let start = rel.span.start as usize;
        let message = "the large side of the join is its left one";
        report.query(Span::new(start, start + "join".len()), message).help("put the small side left, or use `lookup`");
    }
}

/// What filters and projections are made on.
fn base<'t>(rel: &'t Rel, tree: &'t Query) -> &'t Rel {
    match &rel.kind {
        RelKind::Filter { input, .. } | RelKind::Project { input, .. } | RelKind::Sort { input, limit: None, .. } => {
            base(input, tree)
        }
        RelKind::Shared(index) => tree.shared.get(*index).map_or(rel, |shared| base(&shared.rel, tree)),
        _ => rel,
    }
}

fn is_rows(rel: &Rel, tree: &Query) -> bool {
    match &base(rel, tree).kind {
        RelKind::Table { .. } => true,
        RelKind::Union(branches) => branches.iter().any(|branch| is_rows(&branch.rel, tree)),
        _ => false,
    }
}

fn is_small(rel: &Rel, tree: &Query, text: &str) -> bool {
    let base = base(rel, tree);
    match &base.kind {
        RelKind::Values(_) | RelKind::Take { .. } | RelKind::Sort { limit: Some(_), .. } => true,
        RelKind::NotRun(_) => base.span.text(text).starts_with("_GetWatchlist"),
        _ => false,
    }
}
