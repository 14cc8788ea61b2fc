//! Which bounds of time move with `now()`, and which are fixed dates.

use kql_semantics::{BindOptions, bind};
use kql_syntax::ast::{self, Expr, ExprKind, Literal};
use picquet_rules::Duration;

use crate::context::Options;
use crate::facts::{Bound, Facts};
use crate::walk::{self, Visitor};

const DAY: i64 = 24 * 60 * 60 * 10_000_000;

/// The bounds of `facts` that stay where they are when the query is bound at another time.
pub(crate) fn absolute_bounds(text: &str, syntax: &ast::Query, facts: &Facts, options: &Options<'_>) -> Vec<Bound> {
    let bounds: Vec<Bound> = facts.reads.iter().flat_map(|read| read.lower.into_iter().chain(read.upper)).collect();
    if bounds.is_empty() || !names_dates(syntax) {
        return Vec::new();
    }
    // Far enough that nothing rounded to months stays.
    let later = BindOptions { now: options.now + 40 * DAY, checking: true, ..BindOptions::default() };
    let moved = bind(text, options.catalog, &later).query.map(|query| Facts::of(&query)).unwrap_or_default();
    let moved: Vec<Bound> = moved.reads.iter().flat_map(|read| read.lower.into_iter().chain(read.upper)).collect();
    bounds.into_iter().filter(|bound| moved.contains(bound)).collect()
}

/// Whether a query writes a date, or makes one.
fn names_dates(syntax: &ast::Query) -> bool {
    struct Dates(bool);
    impl Visitor for Dates {
        fn expr(&mut self, expr: &Expr) {
            self.0 |= match &expr.kind {
                ExprKind::Literal(Literal::DateTime(_)) => true,
                ExprKind::Call { name, .. } => {
                    matches!(name.text.as_str(), "todatetime" | "make_datetime" | "datetime")
                }
                _ => false,
            };
        }
    }
    let mut dates = Dates(false);
    walk::query(syntax, &mut dates);
    dates.0
}

/// A duration in words, without fractions of a minute.
pub(crate) fn words(duration: Duration) -> String {
    const MINUTE: i64 = 60 * 10_000_000;
    let whole = duration.ticks() - duration.ticks() % MINUTE;
    if whole == 0 { duration.to_short() } else { Duration::from_ticks(whole).to_short() }
}
