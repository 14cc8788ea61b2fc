//! Filters of Parquet files: what they are in terms of the stored values, and which of them say nothing.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, TimeUnit};
use datafusion::common::stats::Precision;
use datafusion::common::{Column, ColumnStatistics, ScalarValue};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{PhysicalExpr, conjunction};
use datafusion::physical_plan::expressions::{BinaryExpr as PhysicalBinary, Column as PhysicalColumn, Literal};
use kql_functions::Type;

use crate::parquet_scan::{TICKS_SUFFIX, is_same};
use crate::stored::UNIX_EPOCH;

/// Whether no value of a column is missing, for certain.
pub(crate) fn has_no_null(column: &ColumnStatistics) -> bool {
    column.null_count == Precision::Exact(0)
}

/// Predicates that read the same single column as one, so that the column is decoded once for all of them.
pub(crate) fn by_columns(predicates: Vec<Arc<dyn PhysicalExpr>>) -> Vec<Arc<dyn PhysicalExpr>> {
    type Group = (Vec<PhysicalColumn>, Vec<Arc<dyn PhysicalExpr>>);
    let mut groups: Vec<Group> = Vec::new();
    for predicate in predicates {
        let columns: Vec<PhysicalColumn> = collect_columns(&predicate).into_iter().collect();
        match groups.iter_mut().find(|(known, _)| columns.len() == 1 && *known == columns) {
            Some((_, group)) => group.push(predicate),
            None => groups.push((columns, vec![predicate])),
        }
    }
    let whole = |(_, group): Group| {
        let single = group.len() == 1;
        let all = conjunction(group);
        if single {
            return all;
        }
        // A plain conjunction would be taken apart again.
        let never: Arc<dyn PhysicalExpr> = Arc::new(Literal::new(ScalarValue::Boolean(Some(false))));
        Arc::new(PhysicalBinary::new(all, Operator::Or, never))
    };
    groups.into_iter().map(whole).collect()
}

/// The operator with its sides exchanged.
fn comparison(op: Operator) -> Option<Operator> {
    Some(match op {
        Operator::Eq | Operator::NotEq => op,
        Operator::Lt => Operator::Gt,
        Operator::LtEq => Operator::GtEq,
        Operator::Gt => Operator::Lt,
        Operator::GtEq => Operator::LtEq,
        _ => return None,
    })
}

/// A comparison of a column with a constant, the column on the left side.
fn column_test(filter: &Expr) -> Option<(&Column, Operator, &ScalarValue)> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else { return None };
    match (left.as_ref(), right.as_ref()) {
        (Expr::Column(c), Expr::Literal(v, _)) => comparison(*op).map(|_| (c, *op, v)),
        (Expr::Literal(v, _), Expr::Column(c)) => comparison(*op).map(|op| (c, op, v)),
        _ => None,
    }
}

/// Whether a filter on stored values lets all rows through, by what is known of the column.
pub(crate) fn holds_always<'k>(filter: &Expr, known_of: &dyn Fn(&str) -> Option<&'k ColumnStatistics>) -> bool {
    let Some((column, op, value)) = column_test(filter) else { return false };
    let Some(known) = known_of(&column.name).filter(|known| has_no_null(known)) else { return false };
    let (Precision::Exact(least), Precision::Exact(most)) = (&known.min_value, &known.max_value) else { return false };
    match op {
        Operator::Lt => most < value,
        Operator::LtEq => most <= value,
        Operator::Gt => least > value,
        Operator::GtEq => least >= value,
        Operator::Eq => least == value && most == value,
        Operator::NotEq => most < value || least > value,
        _ => false,
    }
}

/// A filter on the table's columns as one on the file's that lets at least the same rows through, and whether it lets
/// through no others.
pub(crate) fn stored_filter<'k>(
    filter: &Expr,
    schema: &Schema,
    read: &[(&str, Type)],
    known_of: &dyn Fn(&str) -> Option<&'k ColumnStatistics>,
) -> Option<(Expr, bool)> {
    match filter {
        Expr::IsNull(of) => return stored_missing(of, schema, read).map(|column| (column.is_null(), true)),
        Expr::IsNotNull(of) => return stored_missing(of, schema, read).map(|column| (column.is_not_null(), true)),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if matches!(op, Operator::And | Operator::Or) => {
            let sides = [left, right].map(|side| stored_filter(side, schema, read, known_of));
            return match (sides, op) {
                ([Some((left, left_exact)), Some((right, right_exact))], _) => {
                    let both = BinaryExpr::new(Box::new(left), *op, Box::new(right));
                    Some((Expr::BinaryExpr(both), left_exact && right_exact))
                }
                ([Some((one, _)), None] | [None, Some((one, _))], Operator::And) => Some((one, false)),
                _ => None,
            };
        }
        _ => {}
    }
    let (column, op, value) = column_test(filter)?;
    let stored = schema.field_with_name(&column.name).ok()?.data_type();
    let ty = read.iter().find(|(name, _)| *name == column.name).map(|(_, ty)| *ty)?;
    let exact = schema.index_of(&format!("{}{TICKS_SUFFIX}", column.name)).is_err();
    let (op, value) = match (stored, value) {
        (DataType::Timestamp(unit, zone), ScalarValue::Int64(Some(ticks)))
            if ty == Type::DateTime && op != Operator::NotEq =>
        {
            let ticks = ticks.checked_sub(UNIX_EPOCH)?;
            let (op, value) = if exact { stored_time(op, ticks, *unit)? } else { coarse_time(op, ticks, *unit)? };
            let value = match unit {
                TimeUnit::Second => ScalarValue::TimestampSecond(Some(value), zone.clone()),
                TimeUnit::Millisecond => ScalarValue::TimestampMillisecond(Some(value), zone.clone()),
                TimeUnit::Microsecond => ScalarValue::TimestampMicrosecond(Some(value), zone.clone()),
                TimeUnit::Nanosecond => ScalarValue::TimestampNanosecond(Some(value), zone.clone()),
            };
            (op, value)
        }
        // A null text is read as "", which equals no other text.
        (DataType::Utf8View, ScalarValue::Utf8View(Some(text)))
            if ty == Type::String && op == Operator::Eq && !text.is_empty() =>
        {
            (op, value.clone())
        }
        // Nor is it another text than "".
        (DataType::Utf8View, ScalarValue::Utf8View(Some(text)))
            if ty == Type::String
                && op == Operator::NotEq
                && (text.is_empty() || known_of(&column.name).is_some_and(has_no_null)) =>
        {
            (op, value.clone())
        }
        _ if op == Operator::NotEq => return None,
        (DataType::Int64, ScalarValue::Int64(Some(_))) | (DataType::Int32, ScalarValue::Int32(Some(_)))
            if is_same(stored, ty) =>
        {
            (op, value.clone())
        }
        _ => return None,
    };
    let column = Expr::Column(Column::new_unqualified(column.name.clone()));
    let stored = BinaryExpr::new(Box::new(column), op, Box::new(Expr::Literal(value, None)));
    Some((Expr::BinaryExpr(stored), exact))
}

/// The stored column of one that is missing a value where, and only where, the stored one is.
fn stored_missing(of: &Expr, schema: &Schema, read: &[(&str, Type)]) -> Option<Expr> {
    let Expr::Column(column) = of else { return None };
    let stored = schema.field_with_name(&column.name).ok()?.data_type();
    let ty = read.iter().find(|(name, _)| *name == column.name).map(|(_, ty)| *ty)?;
    let same = is_same(stored, ty) || matches!(stored, DataType::Timestamp(..)) && ty == Type::DateTime;
    same.then(|| Expr::Column(Column::new_unqualified(column.name.clone())))
}

/// A comparison with ticks since 1970 as one with the microseconds of a time whose last digit stands elsewhere.
fn coarse_time(op: Operator, ticks: i64, unit: TimeUnit) -> Option<(Operator, i64)> {
    if unit != TimeUnit::Microsecond {
        return None;
    }
    let op = match op {
        Operator::Lt => Operator::LtEq,
        Operator::Gt => Operator::GtEq,
        other => other,
    };
    Some((op, ticks.div_euclid(10)))
}

/// A comparison with ticks since 1970 as one in the stored unit.
fn stored_time(op: Operator, ticks: i64, unit: TimeUnit) -> Option<(Operator, i64)> {
    let per_unit = match unit {
        // Stored nanoseconds are cut to ticks when read, so a tick is a hundred of them.
        TimeUnit::Nanosecond => {
            let start = ticks.checked_mul(100)?;
            return Some(match op {
                Operator::Gt => (Operator::GtEq, start.checked_add(100)?),
                Operator::LtEq => (Operator::Lt, start.checked_add(100)?),
                Operator::Eq => return None,
                other => (other, start),
            });
        }
        TimeUnit::Microsecond => 10,
        TimeUnit::Millisecond => 10_000,
        TimeUnit::Second => 10_000_000,
    };
    let (down, exact) = (ticks.div_euclid(per_unit), ticks.rem_euclid(per_unit) == 0);
    Some(match op {
        Operator::Lt | Operator::GtEq => (op, if exact { down } else { down + 1 }),
        Operator::Eq if !exact => return None,
        other => (other, down),
    })
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Field;
    use datafusion::logical_expr::lit;

    use super::*;

    #[test]
    fn times_are_rounded_so_that_no_row_is_lost() {
        let micro = |op, ticks| stored_time(op, ticks, TimeUnit::Microsecond);
        assert_eq!(micro(Operator::GtEq, 15), Some((Operator::GtEq, 2)));
        assert_eq!(micro(Operator::Gt, 15), Some((Operator::Gt, 1)));
        assert_eq!(micro(Operator::Lt, 15), Some((Operator::Lt, 2)));
        assert_eq!(micro(Operator::LtEq, 15), Some((Operator::LtEq, 1)));
        assert_eq!(micro(Operator::Lt, 20), Some((Operator::Lt, 2)));
        assert_eq!(micro(Operator::Eq, 15), None);
        assert_eq!(stored_time(Operator::Gt, 1, TimeUnit::Nanosecond), Some((Operator::GtEq, 200)));
        assert_eq!(stored_time(Operator::LtEq, -1, TimeUnit::Nanosecond), Some((Operator::Lt, 0)));
    }

    #[test]
    fn filters_that_say_nothing_are_known() {
        let column = |least: i64, most: i64| ColumnStatistics {
            null_count: Precision::Exact(0),
            min_value: Precision::Exact(ScalarValue::Int64(Some(least))),
            max_value: Precision::Exact(ScalarValue::Int64(Some(most))),
            ..ColumnStatistics::new_unknown()
        };
        let column_of = |name: &str| Expr::Column(Column::new_unqualified(name));
        let (known, with_nulls) = (column(3, 8), ColumnStatistics { null_count: Precision::Absent, ..column(3, 8) });
        let cut = ColumnStatistics { max_value: Precision::Inexact(ScalarValue::Int64(Some(8))), ..column(3, 8) };
        let of = |name: &str| match name {
            "a" => Some(&known),
            "nulls" => Some(&with_nulls),
            "cut" => Some(&cut),
            _ => None,
        };
        let holds = |filter: Expr| holds_always(&filter, &of);
        let a = || column_of("a");
        for filter in [a().gt(lit(2i64)), a().gt_eq(lit(3i64)), a().lt(lit(9i64)), a().lt_eq(lit(8i64))] {
            assert!(holds(filter.clone()), "{filter}");
        }
        assert!(holds(a().not_eq(lit(9i64))) && holds(lit(9i64).gt(a())));
        for filter in [a().gt(lit(3i64)), a().lt(lit(8i64)), a().eq(lit(3i64)), a().not_eq(lit(5i64))] {
            assert!(!holds(filter.clone()), "{filter}");
        }
        for name in ["nulls", "cut", "other"] {
            assert!(!holds(column_of(name).gt(lit(2i64))), "{name}");
        }
    }

    #[test]
    fn missing_texts_are_empty_ones() {
        let schema = Schema::new(vec![Field::new("t", DataType::Utf8View, true)]);
        let full = ColumnStatistics { null_count: Precision::Exact(0), ..ColumnStatistics::new_unknown() };
        let text = |value: &str| Expr::Literal(ScalarValue::Utf8View(Some(value.to_string())), None);
        let not = |value: &str| Expr::Column(Column::new_unqualified("t")).not_eq(text(value));
        let stored = |value: &str, known: Option<&ColumnStatistics>| {
            stored_filter(&not(value), &schema, &[("t", Type::String)], &|_| known).is_some()
        };
        assert!(stored("", None));
        // Rows without a text must stay.
        assert!(!stored("x", None));
        assert!(stored("x", Some(&full)));
    }
}
