//! Warnings about queries that are valid and cannot be meant: names without use, conditions that no row can change.
//!
//! They are found in the bound tree, where types and constants are known. Expressions of saved functions stand there,
//! too; what is told is only what stands in the query's own text.

use std::collections::HashSet;

use kql_functions::Val;
use kql_syntax::ast::{self, LetValue, Statement};
use kql_syntax::{Diagnostic, Span};

use crate::bound::{Expr, ExprKind, Query, Rel};

/// A `let` whose name stands nowhere else.
const UNUSED: &str = "PQ201";
/// A condition that never holds.
const NEVER: &str = "PQ202";
/// A condition that always holds.
const ALWAYS: &str = "PQ203";

/// All warnings about a query without errors.
pub(super) fn warnings(source: &str, syntax: &ast::Query, query: &Query) -> Vec<Diagnostic> {
    let mut found = unused(source, syntax);
    let mut seen = HashSet::new();
    let mut todo: Vec<&Rel> = vec![&query.rel];
    todo.extend(query.shared.iter().map(|s| &s.rel));
    todo.extend(&query.subqueries);
    todo.extend(&query.others);
    while let Some(rel) = todo.pop() {
        for expr in rel.exprs() {
            expr.walk(&mut |e| {
                let Some((code, why)) = verdict(e) else { return };
                if seen.insert((e.span, code)) && is_written(source, e) {
                    let holds = if code == NEVER { "never holds" } else { "always holds" };
                    found.push(Diagnostic::warning(code, e.span, format!("This condition {holds}: {why}.")));
                }
            });
        }
        todo.extend(rel.inputs());
    }
    found
}

/// Names that a query binds and nowhere uses. A text that only declares is a library.
fn unused(source: &str, syntax: &ast::Query) -> Vec<Diagnostic> {
    if !syntax.statements.iter().any(|s| matches!(s, Statement::Expr(_))) {
        return Vec::new();
    }
    let lets = syntax.statements.iter().filter_map(|statement| match statement {
        Statement::Let(statement) => Some(statement),
        _ => None,
    });
    lets.filter(|statement| times_named(source, &statement.name.text) < 2)
        .map(|statement| {
            let what = match statement.value {
                LetValue::Function(_) => "function",
                LetValue::Expr(_) => "variable",
            };
            let message = format!("The {what} '{}' is never used.", statement.name.text);
            Diagnostic::warning(UNUSED, statement.name.span, message)
        })
        .collect()
}

/// How often a name stands in a text as a word, in strings as well: `table("name")`.
fn times_named(source: &str, name: &str) -> usize {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    source
        .match_indices(name)
        .filter(|(at, _)| {
            let before = source[..*at].chars().next_back();
            let after = source[at + name.len()..].chars().next();
            !before.is_some_and(word) && !after.is_some_and(word)
        })
        .count()
}

/// Whether the expression stands at its place in the query, and is a condition there.
fn is_written(source: &str, expr: &Expr) -> bool {
    let ExprKind::Call { function, .. } = &expr.kind else { return false };
    let parsed = kql_syntax::parse(expr.span.text(source));
    let [Statement::Expr(written)] = parsed.query.statements.as_slice() else { return false };
    if !parsed.diagnostics.is_empty() {
        return false;
    }
    match &written.kind {
        ast::ExprKind::Binary { op_span, .. } => op_span.text(expr.span.text(source)) == function,
        ast::ExprKind::Between { .. } => function == "and",
        ast::ExprKind::In { .. } => function == "in",
        _ => false,
    }
}

/// Whether a condition holds never or always, and why.
fn verdict(expr: &Expr) -> Option<(&'static str, String)> {
    let ExprKind::Call { function, args } = &expr.kind else { return None };
    match (function.as_str(), args.as_slice()) {
        ("and", [left, right]) => contradiction(left, right).map(|why| (NEVER, why)),
        ("or", [left, right]) => tautology(left, right).map(|why| (ALWAYS, why)),
        ("in", [_]) => Some((NEVER, "the list is empty".to_string())),
        ("in" | "==", [left, values @ ..]) if !values.is_empty() => {
            let why = values.iter().map(|value| wrong_case(left, value)).collect::<Option<Vec<_>>>()?;
            why.into_iter().next().map(|why| (NEVER, why))
        }
        (
            "has_cs" | "hasprefix_cs" | "hassuffix_cs" | "contains_cs" | "startswith_cs" | "endswith_cs",
            [left, right],
        ) => wrong_case(left, right).map(|why| (NEVER, why)),
        ("<" | "<=", [left, right]) => negative_length(left, right, function == "<").map(|why| (NEVER, why)),
        _ => None,
    }
}

/// `tolower(x) == "ABC"`
fn wrong_case(left: &Expr, right: &Expr) -> Option<String> {
    let ExprKind::Call { function, .. } = &left.kind else { return None };
    let Some(Val::Str(text)) = right.as_const() else { return None };
    let (wrong, found): (&str, fn(char) -> bool) = match function.as_str() {
        "tolower" => ("upper-case", |c| c.is_ascii_uppercase()),
        "toupper" => ("lower-case", |c| c.is_ascii_lowercase()),
        _ => return None,
    };
    text.chars().any(found).then(|| format!("'{text}' has {wrong} letters, which {function}() never gives"))
}

/// `strlen(x) < 0`
fn negative_length(left: &Expr, right: &Expr, strict: bool) -> Option<String> {
    let ExprKind::Call { function, .. } = &left.kind else { return None };
    let least = right.as_const().and_then(Val::as_i64)?;
    let below = least < 0 || strict && least == 0;
    let counts = matches!(function.as_str(), "strlen" | "array_length" | "countof" | "string_size");
    (counts && below).then(|| format!("{function}() is never negative"))
}

/// A comparison of a column with a constant.
fn with_constant(expr: &Expr) -> Option<(&str, &Expr, &Val<'static>)> {
    let ExprKind::Call { function, args } = &expr.kind else { return None };
    let [left, right] = args.as_slice() else { return None };
    let value = right.as_const().filter(|v| !v.is_null())?;
    matches!(left.kind, ExprKind::Column(_)).then_some((function.as_str(), left, value))
}

/// The comparisons of a chain of one operator, the last first.
fn terms<'e>(expr: &'e Expr, operator: &str) -> Vec<&'e Expr> {
    let mut terms = Vec::new();
    let mut rest = expr;
    loop {
        match &rest.kind {
            ExprKind::Call { function, args } if function == operator && args.len() == 2 => {
                terms.extend(args.get(1));
                match args.first() {
                    Some(first) => rest = first,
                    None => break,
                }
            }
            _ => {
                terms.push(rest);
                break;
            }
        }
    }
    terms
}

/// `x == 1 and x == 2`, `x between (3 .. 1)`
fn contradiction(left: &Expr, right: &Expr) -> Option<String> {
    let (op, column, value) = with_constant(right)?;
    terms(left, "and").into_iter().filter_map(with_constant).find_map(|(other_op, other, other_value)| {
        if !column.same_as(other) {
            return None;
        }
        match (other_op, op) {
            ("==", "==") if other_value != value => Some("the column cannot have two values at once".to_string()),
            (">" | ">=", "<" | "<=") if less(value, other_value) => Some(BACKWARDS.to_string()),
            ("<" | "<=", ">" | ">=") if less(other_value, value) => Some(BACKWARDS.to_string()),
            _ => None,
        }
    })
}

const BACKWARDS: &str = "the lower bound lies above the upper one";

/// `x != 1 or x != 2`
fn tautology(left: &Expr, right: &Expr) -> Option<String> {
    let ("!=", column, value) = with_constant(right)? else { return None };
    let other = terms(left, "or")
        .into_iter()
        .filter_map(with_constant)
        .find(|(op, other, other_value)| *op == "!=" && column.same_as(other) && *other_value != value);
    other.map(|_| "no value equals both; 'and' may be meant".to_string())
}

fn less(a: &Val<'_>, b: &Val<'_>) -> bool {
    match (a, b) {
        (Val::DateTime(a), Val::DateTime(b)) | (Val::Timespan(a), Val::Timespan(b)) => a < b,
        _ => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a < b,
            _ => false,
        },
    }
}

/// The table of another cluster cannot be seen.
pub(super) fn unreachable_cluster(base: &ast::Expr) -> Option<Diagnostic> {
    let mut place = base;
    while let ast::ExprKind::Path { base, .. } = &place.kind {
        place = base;
    }
    let ast::ExprKind::Call { name, args } = &place.kind else { return None };
    let argument = args.first().filter(|_| name.text == "cluster")?;
    let ast::ExprKind::Literal(ast::Literal::String(cluster)) = &argument.value.kind else { return None };
    let message = format!(
        "The name '{cluster}' either does not refer to a reachable cluster or no schema from it is currently available."
    );
    Some(Diagnostic::warning("KS207", argument.value.span, message))
}

/// A table that a fuzzy union goes without.
pub(super) fn fuzzy_name(name: &str, span: Span) -> Diagnostic {
    let message = format!("The fuzzy name '{name}' does not refer to any known or currently accessible table.");
    Diagnostic::warning("KS205", span, message)
}

#[cfg(test)]
mod tests {
    use kql_functions::Type;

    use crate::{BindOptions, SavedFunction, SimpleCatalog, bind};

    fn codes(query: &str) -> Vec<&'static str> {
        let mut catalog = SimpleCatalog::default();
        let columns = [("s", Type::String), ("n", Type::Long), ("t", Type::DateTime)];
        catalog.tables.insert("T".into(), columns.map(|(name, ty)| (name.to_string(), ty)).into());
        let body = "T | where tolower(s) == 'ABC'".to_string();
        catalog.functions.insert("F".into(), SavedFunction { parameters: String::new(), body });
        let bound = bind(query, &catalog, &BindOptions { now: 638_396_640_000_000_000, ..BindOptions::default() });
        bound.diagnostics.iter().map(|d| d.code).collect()
    }

    #[test]
    fn what_cannot_be_meant() {
        let cases: &[(&str, &[&str])] = &[
            ("let x = 1; T", &["PQ201"]),
            ("let f = (a:long) { a }; T | where n == 1", &["PQ201"]),
            ("T | where tolower(s) == 'ABC'", &["PQ202"]),
            ("T | where toupper(s) in ('abc', 'Def')", &["PQ202"]),
            ("T | where tolower(s) startswith_cs 'Ab'", &["PQ202"]),
            ("T | where strlen(s) < 0", &["PQ202"]),
            ("T | where s in (dynamic([]))", &["PQ202"]),
            ("T | where n == 1 and s == 'a' and n == 2", &["PQ202"]),
            ("T | where n between (3 .. 1)", &["PQ202"]),
            ("T | where t between (ago(1d) .. ago(7d))", &["PQ202"]),
            ("T | where n != 1 or n != 2", &["PQ203"]),
            ("union isfuzzy=true T, Missing", &["KS205"]),
            ("union T, cluster('c').database('d').Own", &["KS207"]),
        ];
        for (query, expected) in cases {
            assert_eq!(codes(query), *expected, "{query}");
        }
    }

    #[test]
    fn what_may_be_meant() {
        for query in [
            "let x = 1; T | where n == x",
            "let f = () { T }; f",
            "let tt = T; table('tt')",
            "T | where tolower(s) == 'abc' or tolower(s) =~ 'ABC' or tolower(s) has 'ABC'",
            "T | where tolower(s) in ('ABC', 'abc')",
            "T | where strlen(s) <= 0",
            "T | where n == 1 or n == 2",
            "T | where n != 1 and n != 2",
            "T | where n between (1 .. 1)",
            "T | where t > ago(1d) and t < now()",
            "F",
        ] {
            assert_eq!(codes(query), Vec::<&str>::new(), "{query}");
        }
    }
}
