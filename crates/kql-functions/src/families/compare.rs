//! How two values compare, whatever their types.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::support::{DECIMAL_ONE, tree_as, tree_number, tree_text};
use crate::{Dynamic, Type, Val};

/// How one value stands to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// Less, equal or greater.
    Ordered(Ordering),
    /// Present but without order, as NaN or values of unlike types.
    Unordered,
    /// One is null.
    OneNull,
    /// Both are null.
    BothNull,
}

impl From<Option<Ordering>> for Relation {
    fn from(order: Option<Ordering>) -> Relation {
        order.map_or(Relation::Unordered, Relation::Ordered)
    }
}

/// Compares two values.
pub(super) fn relation(left: &Val<'_>, right: &Val<'_>) -> Relation {
    match (left, right) {
        // Nothing is to a string what the empty string is.
        (Val::Null, Val::Str(s)) => Relation::Ordered("".cmp(s)),
        (Val::Str(s), Val::Null) => Relation::Ordered(s.as_ref().cmp("")),
        (Val::Null, Val::Null) => Relation::BothNull,
        (Val::Null, _) | (_, Val::Null) => Relation::OneNull,
        (Val::Str(a), Val::Str(b)) => Relation::Ordered(a.cmp(b)),
        (Val::DateTime(a), Val::DateTime(b)) | (Val::Timespan(a), Val::Timespan(b)) => Relation::Ordered(a.cmp(b)),
        (Val::Guid(a), Val::Guid(b)) => Relation::Ordered(a.cmp(b)),
        (Val::Dynamic(a), Val::Dynamic(b)) if a == b => Relation::Ordered(Ordering::Equal),
        (Val::Dynamic(a), Val::Dynamic(b)) => trees(&Dynamic::decode(a), &Dynamic::decode(b)),
        (Val::Dynamic(a), Val::Str(b)) => Relation::Ordered(dynamic_text(a).as_ref().cmp(b)),
        (Val::Str(a), Val::Dynamic(b)) => Relation::Ordered(a.as_ref().cmp(&dynamic_text(b))),
        (Val::Dynamic(a), other) => tree_to_value(Dynamic::decode(a), other),
        (other, Val::Dynamic(b)) => reverse(tree_to_value(Dynamic::decode(b), other)),
        _ => numbers(left, right).into(),
    }
}

/// Compares a value with a tree.
pub(super) fn relation_to_tree(left: &Val<'_>, right: &Dynamic) -> Relation {
    match (left, right) {
        (Val::Str(a), Dynamic::String(b)) => Relation::Ordered(a.as_ref().cmp(b.as_str())),
        (Val::Str(a), other) => Relation::Ordered(a.as_ref().cmp(tree_text(other).as_str())),
        (Val::Null, Dynamic::String(b)) => Relation::Ordered("".cmp(b.as_str())),
        (Val::Null, Dynamic::Null) => Relation::BothNull,
        (Val::Null, _) => Relation::OneNull,
        (Val::Dynamic(a), other) => trees(&Dynamic::decode(a), other),
        (other, tree) => reverse(tree_to_value(tree.clone(), other)),
    }
}

fn reverse(relation: Relation) -> Relation {
    match relation {
        Relation::Ordered(o) => Relation::Ordered(o.reverse()),
        other => other,
    }
}

/// The text of a dynamic, without a tree where it is a simple string.
fn dynamic_text(encoded: &str) -> Cow<'_, str> {
    let simple = encoded.strip_prefix('"').and_then(|s| s.strip_suffix('"')).filter(|s| !s.contains('\\'));
    simple.map_or_else(|| Cow::Owned(tree_text(&Dynamic::decode(encoded))), Cow::Borrowed)
}

fn tree_to_value(tree: Dynamic, other: &Val<'_>) -> Relation {
    let converted = match other {
        Val::Bool(_) => tree_as(tree, Type::Bool),
        Val::DateTime(_) => tree_as(tree, Type::DateTime),
        Val::Timespan(_) => tree_as(tree, Type::Timespan),
        Val::Guid(_) => tree_as(tree, Type::Guid),
        _ => tree_number(&tree),
    };
    relation(&converted, other)
}

/// Compares two trees: numbers by value, other scalars within their kind, arrays and bags for equality only.
fn trees(left: &Dynamic, right: &Dynamic) -> Relation {
    match (left, right) {
        (Dynamic::Null, Dynamic::Null) => Relation::BothNull,
        (Dynamic::Null, _) | (_, Dynamic::Null) => Relation::OneNull,
        (Dynamic::String(a), Dynamic::String(b)) => Relation::Ordered(a.cmp(b)),
        _ if same_tree(left, right) => Relation::Ordered(Ordering::Equal),
        (Dynamic::DateTime(a), Dynamic::DateTime(b)) | (Dynamic::Timespan(a), Dynamic::Timespan(b)) => {
            Relation::Ordered(a.cmp(b))
        }
        (a, b) => match (tree_value(a), tree_value(b)) {
            (Some(a), Some(b)) => numbers(&a, &b).into(),
            _ => Relation::Unordered,
        },
    }
}

/// The number of a numeric tree.
pub(super) fn tree_value(tree: &Dynamic) -> Option<Val<'static>> {
    match tree {
        Dynamic::Bool(_) | Dynamic::Long(_) | Dynamic::Real(_) | Dynamic::Decimal(_) => Some(tree_number(tree)),
        _ => None,
    }
}

/// Whether two trees are the same value: numbers by value, bags without regard to order.
pub(super) fn same_tree(left: &Dynamic, right: &Dynamic) -> bool {
    match (left, right) {
        (Dynamic::Array(a), Dynamic::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_tree(a, b)),
        (Dynamic::Bag(a), Dynamic::Bag(b)) => {
            a.len() == b.len() && a.iter().all(|(k, v)| right.get(k).is_some_and(|other| same_tree(v, other)))
        }
        (Dynamic::Bool(a), Dynamic::Bool(b)) => a == b,
        (Dynamic::Bool(_), _) | (_, Dynamic::Bool(_)) => false,
        (a, b) => match (tree_value(a), tree_value(b)) {
            (Some(a), Some(b)) => numbers(&a, &b) == Some(Ordering::Equal),
            _ => a == b,
        },
    }
}

/// Compares numbers (and bools) by their exact values.
pub(super) fn numbers(left: &Val<'_>, right: &Val<'_>) -> Option<Ordering> {
    match (left, right) {
        (Val::Real(a), Val::Real(b)) => a.partial_cmp(b),
        (Val::Real(a), Val::Decimal(b)) => decimal_to_real(*b, *a).map(Ordering::reverse),
        (Val::Decimal(a), Val::Real(b)) => decimal_to_real(*a, *b),
        (Val::Decimal(a), Val::Decimal(b)) => Some(a.cmp(b)),
        (Val::Real(a), b) => long_to_real(integer(b)?, *a).map(Ordering::reverse),
        (a, Val::Real(b)) => long_to_real(integer(a)?, *b),
        (Val::Decimal(a), b) => Some(a.cmp(&(i128::from(integer(b)?) * DECIMAL_ONE))),
        (a, Val::Decimal(b)) => Some((i128::from(integer(a)?) * DECIMAL_ONE).cmp(b)),
        (a, b) => Some(integer(a)?.cmp(&integer(b)?)),
    }
}

fn integer(v: &Val<'_>) -> Option<i64> {
    match v {
        Val::Bool(b) => Some(i64::from(*b)),
        other => other.as_i64(),
    }
}

/// Exact beyond 2^53, where a long as f64 would be rounded.
fn long_to_real(a: i64, b: f64) -> Option<Ordering> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if b.is_nan() {
        return None;
    }
    if b >= LIMIT {
        return Some(Ordering::Less);
    }
    if b < -LIMIT {
        return Some(Ordering::Greater);
    }
    let whole = b.trunc();
    Some(a.cmp(&(whole as i64)).then_with(|| whole.partial_cmp(&b).unwrap_or(Ordering::Equal)))
}

fn decimal_to_real(a: i128, b: f64) -> Option<Ordering> {
    if b.is_nan() {
        return None;
    }
    if b.abs() >= 1e26 {
        return Some(if b > 0.0 { Ordering::Less } else { Ordering::Greater });
    }
    let fraction = (a % DECIMAL_ONE) as f64 / DECIMAL_ONE as f64;
    Some((a / DECIMAL_ONE).cmp(&(b.trunc() as i128)).then_with(|| {
        let difference = fraction - b.fract();
        if difference.abs() < f64::EPSILON * b.abs() {
            Ordering::Equal
        } else {
            difference.partial_cmp(&0.0).unwrap_or(Ordering::Equal)
        }
    }))
}
