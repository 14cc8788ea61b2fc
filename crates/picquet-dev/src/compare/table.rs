//! A documented table against an answer.

use kql_functions::Type;
use kql_syntax::ast::{ExprKind, OperatorKind, Statement};
use serde_json::Value;

use super::cell::{self, Manner, OMISSION};
use super::json::{same_bag, within};

/// What a page documents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Documented<'c> {
    /// The query.
    pub(crate) query: &'c str,
    /// Names of the columns; the last may be an omission.
    pub(crate) columns: &'c [String],
    /// Cells.
    pub(crate) rows: &'c [Vec<String>],
    /// The names do not follow from the query.
    pub(crate) by_position: bool,
    /// The order of rows is that of the query.
    pub(crate) ordered: bool,
    /// Values are not compared.
    pub(crate) volatile: bool,
    /// How values are compared.
    pub(crate) manner: Manner,
}

/// What is wrong with an answer; none where it is right.
pub(crate) type Outcome = Option<String>;

/// Compares an answer's columns and rows, in Kusto's REST encoding.
pub(crate) fn compare(want: &Documented<'_>, columns: &[(String, Type)], rows: &[Vec<Value>]) -> Outcome {
    let places = match places(want, columns) {
        Ok(places) => places,
        Err(wrong) => return Some(wrong),
    };
    if want.volatile {
        return None;
    }
    let same_row = |got: &&Vec<Value>, want_row: &&Vec<String>| {
        places.iter().zip(want_row.iter()).all(|(place, cell)| match place {
            Some(at) => match (got.get(*at), columns.get(*at)) {
                (Some(value), Some((_, ty))) => cell::same(value, *ty, cell, want.manner),
                _ => false,
            },
            None => true,
        })
    };
    let omitted =
        |row: &&Vec<String>| want.manner.truncated && row.iter().all(|c| c.trim() == OMISSION || c.is_empty());
    let wanted: Vec<&Vec<String>> = want.rows.iter().filter(|row| !omitted(row)).collect();
    let got: Vec<&Vec<Value>> = rows.iter().collect();
    if want.manner.truncated {
        return (!within(&got, &wanted, same_row)).then(|| first_difference(&got, &wanted, &same_row));
    }
    if got.len() != wanted.len() {
        return Some(format!("{} rows instead of {}", got.len(), wanted.len()));
    }
    let in_order = got.iter().zip(&wanted).all(|(g, w)| same_row(g, w));
    if in_order {
        return None;
    }
    if same_bag(&got, &wanted, same_row) && (!want.ordered || same_keys(want, columns, &places, &got, &wanted)) {
        return None;
    }
    Some(first_difference(&got, &wanted, &same_row))
}

/// Which column of the answer each documented column is; none for an omission.
fn places(want: &Documented<'_>, columns: &[(String, Type)]) -> Result<Vec<Option<usize>>, String> {
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let wrong = || format!("columns {names:?} instead of {:?}", want.columns);
    let omits = want.columns.iter().any(|name| name == OMISSION);
    if want.columns.len() != columns.len() && !omits {
        return Err(wrong());
    }
    if want.by_position {
        return Ok((0..columns.len()).map(Some).collect());
    }
    if !omits && want.columns.iter().zip(&names).all(|(want, got)| want == got) {
        return Ok((0..columns.len()).map(Some).collect());
    }
    let as_set = omits || ["bag_unpack", "pivot"].iter().any(|plugin| want.query.contains(plugin));
    if !as_set {
        return Err(wrong());
    }
    let find = |name: &String| names.iter().position(|got| got == name);
    want.columns
        .iter()
        .map(|name| if name == OMISSION { Ok(None) } else { find(name).map(Some).ok_or_else(wrong) })
        .collect()
}

/// Rows that tie on the sort key stand in any order: the keys must be in order.
fn same_keys(
    want: &Documented<'_>,
    columns: &[(String, Type)],
    places: &[Option<usize>],
    got: &[&Vec<Value>],
    wanted: &[&Vec<String>],
) -> bool {
    let keys = sort_keys(want.query);
    let positions: Option<Vec<usize>> =
        keys.iter().map(|key| columns.iter().position(|(name, _)| name == key)).collect();
    let Some(positions) = positions.filter(|p| !p.is_empty()) else { return false };
    got.iter().zip(wanted).all(|(got, want_row)| {
        positions.iter().all(|at| {
            let cell = places.iter().position(|place| place == &Some(*at)).and_then(|i| want_row.get(i));
            match (got.get(*at), columns.get(*at), cell) {
                (Some(value), Some((_, ty)), Some(cell)) => cell::same(value, *ty, cell, want.manner),
                _ => false,
            }
        })
    })
}

/// Names of the columns that the last `sort` or `top` of the result sorts by; empty where one is an expression.
fn sort_keys(query: &str) -> Vec<String> {
    let parsed = kql_syntax::parse(query).query;
    let last = parsed.statements.into_iter().rev().find_map(|s| match s {
        Statement::Expr(expr) => Some(expr.kind),
        _ => None,
    });
    let Some(ExprKind::Pipeline { operators, .. }) = last else { return Vec::new() };
    let by = operators.into_iter().rev().find_map(|operator| match operator.kind {
        OperatorKind::Sort(by) | OperatorKind::Top { by, .. } => Some(by),
        _ => None,
    });
    let names = by.unwrap_or_default().into_iter().map(|ordered| match ordered.expr.value.kind {
        ExprKind::Name(name) => Some(name.text),
        _ => None,
    });
    names.collect::<Option<Vec<_>>>().unwrap_or_default()
}

fn first_difference(
    got: &[&Vec<Value>],
    wanted: &[&Vec<String>],
    same: &impl Fn(&&Vec<Value>, &&Vec<String>) -> bool,
) -> String {
    let missing = wanted.iter().enumerate().find(|(_, want)| !got.iter().any(|got| same(got, want)));
    let (at, want) = match missing {
        Some((at, want)) => (at, *want),
        None => match wanted.iter().enumerate().zip(got).find(|((_, want), got)| !same(got, want)) {
            Some(((at, want), _)) => (at, *want),
            None => return "rows differ".to_string(),
        },
    };
    let shown = got.get(at).map_or("nothing".to_string(), |row| short(&Value::from((*row).clone()).to_string()));
    format!("row {at}: {shown} instead of {}", short(&format!("{want:?}")))
}

fn short(text: &str) -> String {
    let mut shown: String = text.chars().take(160).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const QUERY: &str = "T | sort by k asc";

    fn check(change: impl Fn(&mut Documented<'_>), rows: &[[i64; 2]], documented: &[[&str; 2]]) -> Outcome {
        let columns = ["k".to_string(), "v".to_string()];
        let cells: Vec<Vec<String>> =
            documented.iter().map(|row| row.iter().map(|c| (*c).to_string()).collect()).collect();
        let mut want = Documented {
            query: QUERY,
            columns: &columns,
            rows: &cells,
            by_position: false,
            ordered: true,
            volatile: false,
            manner: Manner::default(),
        };
        change(&mut want);
        let got: Vec<Vec<Value>> = rows.iter().map(|row| row.iter().map(|v| json!(v)).collect()).collect();
        compare(&want, &[("k".to_string(), Type::Long), ("v".to_string(), Type::Long)], &got)
    }

    #[test]
    fn order_and_ties() {
        let rows = [[1, 1], [1, 2], [2, 3]];
        assert_eq!(check(|_| {}, &rows, &[["1", "2"], ["1", "1"], ["2", "3"]]), None);
        assert!(check(|_| {}, &rows, &[["2", "3"], ["1", "1"], ["1", "2"]]).is_some());
        assert_eq!(check(|w| w.ordered = false, &rows, &[["2", "3"], ["1", "1"], ["1", "2"]]), None);
        assert!(check(|_| {}, &rows, &[["1", "1"]]).is_some());
    }

    #[test]
    fn parts_and_volatile_values() {
        let rows = [[1, 1], [1, 2], [2, 3]];
        assert_eq!(check(|w| w.manner.truncated = true, &rows, &[["2", "3"], ["...", "..."]]), None);
        assert!(check(|w| w.manner.truncated = true, &rows, &[["2", "4"]]).is_some());
        assert_eq!(check(|w| w.volatile = true, &rows, &[["7", "7"]]), None);
    }

    #[test]
    fn names_of_columns() {
        let other = ["k".to_string(), "w".to_string()];
        let turned = ["v".to_string(), "k".to_string()];
        let want = |columns, by_position, query| Documented {
            query,
            columns,
            rows: &[],
            by_position,
            ordered: false,
            volatile: true,
            manner: Manner::default(),
        };
        let columns = [("k".to_string(), Type::Long), ("v".to_string(), Type::Long)];
        assert!(compare(&want(&other, false, ""), &columns, &[]).is_some());
        assert_eq!(compare(&want(&other, true, ""), &columns, &[]), None);
        assert!(compare(&want(&turned, false, ""), &columns, &[]).is_some());
        assert_eq!(compare(&want(&turned, false, "T | evaluate pivot(x)"), &columns, &[]), None);
    }
}
