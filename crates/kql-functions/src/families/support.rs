//! What the families share: entries in short, and the ways between values and trees.

use crate::catalogue::RowKernel;
use crate::{Cx, DECIMAL_SCALE, Dynamic, EvalError, Nulls, Scalar, Type, Val, text};

/// What a kernel returns.
pub(super) type Out<'a> = Result<Val<'a>, EvalError>;

/// Units of a decimal in one.
pub(super) const DECIMAL_ONE: i128 = 10i128.pow(DECIMAL_SCALE);

/// Ticks of the last datetime, 9999-12-31T23:59:59.9999999Z.
pub(super) const MAX_DATETIME: i64 = 3_155_378_975_999_999_999;

/// An entry whose result is missing where an argument is.
pub(super) const fn strict(name: &'static str, doc: &'static str, kernel: RowKernel) -> Scalar {
    Scalar { name, doc, nulls: Nulls::Propagate, kernel }
}

/// An entry whose kernel sees nulls.
pub(super) const fn lenient(name: &'static str, doc: &'static str, kernel: RowKernel) -> Scalar {
    Scalar { name, doc, nulls: Nulls::Handled, kernel }
}

/// A datetime, or null outside its range.
pub(super) fn datetime(ticks: Option<i64>) -> Val<'static> {
    match ticks {
        Some(t) if (0..=MAX_DATETIME).contains(&t) => Val::DateTime(t),
        _ => Val::Null,
    }
}

/// A timespan, or null where it overflowed.
pub(super) fn timespan(ticks: Option<i64>) -> Val<'static> {
    ticks.map_or(Val::Null, Val::Timespan)
}

/// The whole part of a real as ticks or long, `None` outside the range.
pub(super) fn whole(v: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (-LIMIT..LIMIT).contains(&v).then_some(v as i64)
}

/// A number as decimal units.
pub(super) fn decimal_units(v: &Val<'_>) -> Option<i128> {
    match v {
        Val::Int(_) | Val::Long(_) => Some(i128::from(v.as_i64()?) * DECIMAL_ONE),
        Val::Real(r) => real_units(*r),
        Val::Decimal(d) => Some(*d),
        _ => None,
    }
}

/// A real as decimal units, rounded; `None` if it does not fit.
pub(super) fn real_units(v: f64) -> Option<i128> {
    let scaled = (v * DECIMAL_ONE as f64).round();
    (scaled.abs() < 1.7e38).then_some(scaled as i128)
}

/// A number as f64; a bool counts as 0 or 1.
pub(super) fn number(v: &Val<'_>) -> Option<f64> {
    match v {
        Val::Bool(b) => Some(f64::from(u8::from(*b))),
        other => other.as_f64(),
    }
}

/// The real of an optional argument.
pub(super) fn real_arg(args: &[Val<'_>], position: usize) -> Option<f64> {
    args.get(position).and_then(number)
}

/// The integer of an optional argument.
pub(super) fn long_arg(args: &[Val<'_>], position: usize) -> Option<i64> {
    args.get(position).and_then(Val::as_i64)
}

/// The items of an array argument; `None` for all that is not an array.
pub(super) fn array(args: &[Val<'_>], position: usize) -> Option<Vec<Dynamic>> {
    args.get(position).and_then(array_of)
}

/// The items of an array.
pub(super) fn array_of(v: &Val<'_>) -> Option<Vec<Dynamic>> {
    match v {
        Val::Dynamic(s) if s.trim_start().starts_with('[') => match Dynamic::decode(s) {
            Dynamic::Array(items) => Some(items),
            _ => None,
        },
        _ => None,
    }
}

/// The members of a bag; `None` for all that is not a bag.
pub(super) fn bag_of(v: &Val<'_>) -> Option<Vec<(String, Dynamic)>> {
    match v {
        Val::Dynamic(s) if s.trim_start().starts_with('{') => match Dynamic::decode(s) {
            Dynamic::Bag(items) => Some(items),
            _ => None,
        },
        _ => None,
    }
}

/// An array as a value.
pub(super) fn from_array(items: Vec<Dynamic>) -> Val<'static> {
    Val::dynamic(&Dynamic::Array(items))
}

/// A bag as a value.
pub(super) fn from_bag(items: Vec<(String, Dynamic)>) -> Val<'static> {
    Val::dynamic(&Dynamic::Bag(items))
}

/// What a call that fills several columns gives: an array of all of them where a dynamic is wanted, else the first.
pub(super) fn columns(cx: &Cx<'_>, mut values: Vec<Dynamic>) -> Val<'static> {
    if cx.ret == Type::Dynamic {
        return from_array(values);
    }
    if values.is_empty() { Val::Null } else { scalar(values.swap_remove(0)) }
}

/// A tree as the value of its own type; arrays and bags stay dynamic.
pub(super) fn scalar(tree: Dynamic) -> Val<'static> {
    match tree {
        Dynamic::Null => Val::Null,
        Dynamic::Bool(v) => Val::Bool(v),
        Dynamic::Long(v) => Val::Long(v),
        Dynamic::Real(v) => Val::Real(v),
        Dynamic::Decimal(v) => Val::Decimal(v),
        Dynamic::String(v) => Val::str(v),
        Dynamic::DateTime(v) => Val::DateTime(v),
        Dynamic::Timespan(v) => Val::Timespan(v),
        Dynamic::Guid(v) => Val::Guid(v),
        nested => Val::dynamic(&nested),
    }
}

/// The text that a tree has as a string: strings bare, all else as JSON, null as nothing.
pub(super) fn tree_text(tree: &Dynamic) -> String {
    match tree {
        Dynamic::Null => String::new(),
        Dynamic::String(s) => s.clone(),
        Dynamic::DateTime(v) => text::datetime(*v),
        Dynamic::Timespan(v) => text::timespan(*v),
        Dynamic::Guid(v) => text::guid(v),
        Dynamic::Decimal(v) => text::decimal(*v),
        other => other.to_json(),
    }
}

/// A tree as the number it is or reads as.
pub(super) fn tree_number(tree: &Dynamic) -> Val<'static> {
    match tree {
        Dynamic::Bool(v) => Val::Long(i64::from(*v)),
        Dynamic::Long(v) => Val::Long(*v),
        Dynamic::Real(v) => Val::Real(*v),
        Dynamic::Decimal(v) => Val::Decimal(*v),
        Dynamic::DateTime(v) | Dynamic::Timespan(v) => Val::Long(*v),
        Dynamic::String(s) => {
            let s = s.trim();
            match s.parse::<i64>() {
                Ok(v) => Val::Long(v),
                Err(_) => s.parse::<f64>().map_or(Val::Null, Val::Real),
            }
        }
        _ => Val::Null,
    }
}

/// A tree as a value of a wanted type, as the cast of that type would give it.
pub(super) fn tree_as(tree: Dynamic, wanted: Type) -> Val<'static> {
    match wanted {
        Type::String => Val::str(tree_text(&tree)),
        Type::Dynamic | Type::Unknown => Val::dynamic(&tree),
        Type::Int | Type::Long => match tree_number(&tree) {
            Val::Real(v) => whole(v).map_or(Val::Null, Val::Long),
            Val::Decimal(v) => i64::try_from(v / DECIMAL_ONE).map_or(Val::Null, Val::Long),
            other => other,
        },
        Type::Real => tree_number(&tree).as_f64().map_or(Val::Null, Val::Real),
        Type::Decimal => decimal_units(&tree_number(&tree)).map_or(Val::Null, Val::Decimal),
        Type::Bool => match tree {
            Dynamic::Bool(v) => Val::Bool(v),
            Dynamic::String(s) if s.eq_ignore_ascii_case("true") => Val::Bool(true),
            Dynamic::String(s) if s.eq_ignore_ascii_case("false") => Val::Bool(false),
            other => tree_number(&other).as_f64().map_or(Val::Null, |v| Val::Bool(v != 0.0)),
        },
        Type::DateTime => match tree {
            Dynamic::DateTime(v) => Val::DateTime(v),
            Dynamic::Long(v) => datetime(Some(v)),
            Dynamic::String(s) => datetime(text::parse_datetime(&s)),
            _ => Val::Null,
        },
        Type::Timespan => match tree {
            Dynamic::Timespan(v) | Dynamic::Long(v) => Val::Timespan(v),
            Dynamic::String(s) => timespan(text::parse_timespan(&s)),
            _ => Val::Null,
        },
        Type::Guid => match tree {
            Dynamic::Guid(v) => Val::Guid(v),
            Dynamic::String(s) => text::parse_guid(&s).map_or(Val::Null, Val::Guid),
            _ => Val::Null,
        },
    }
}

/// Appends the encoded text of any value.
pub(super) fn encode_into(out: &mut String, v: &Val<'_>) {
    match v {
        Val::Dynamic(s) => out.push_str(s),
        Val::Str(s) if !s.starts_with('\u{11}') => crate::dynamic::write_string(out, s),
        other => out.push_str(&other.to_tree().encode()),
    }
}
