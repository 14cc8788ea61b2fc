//! Choices between values, and tests for missing ones.

use std::cmp::Ordering;

use super::compare::{Relation, relation};
use super::convert::{converted, reborrow};
use super::support::{Out, lenient, number, strict};
use crate::{Cx, Scalar, Type, Val};

pub(super) static ENTRIES: &[Scalar] = &[
    lenient("iff", "The second argument if the first is true, else the third.", iff),
    lenient("iif", "The second argument if the first is true, else the third.", iff),
    lenient("case", "The value after the first predicate that is true, else the last one.", case),
    lenient("coalesce", "The first value that is neither null nor empty.", coalesce),
    lenient("isnull", "Whether the value is null; a string never is.", isnull),
    lenient("isnotnull", "Whether the value is not null.", isnotnull),
    lenient("notnull", "Whether the value is not null.", isnotnull),
    lenient("isempty", "Whether the value is null or the empty string.", isempty),
    lenient("isnotempty", "Whether the value is neither null nor the empty string.", isnotempty),
    lenient("notempty", "Whether the value is neither null nor the empty string.", isnotempty),
    strict("not", "The opposite of a bool.", not),
    lenient("max_of", "The greatest of the values; nulls do not count.", max_of),
    lenient("min_of", "The least of the values; nulls do not count.", min_of),
    strict("around", "Whether the value is no farther from a centre than a delta.", around),
];

/// A value as the result, widened if it has to be.
fn as_result<'a>(cx: &Cx<'_>, value: &'a Val<'a>) -> Val<'a> {
    match (value, cx.ret) {
        (Val::Null, ret) => Val::missing(ret),
        (Val::Str(_), Type::String) | (Val::Dynamic(_), Type::Dynamic) => reborrow(value),
        (_, ret) => converted(value, ret),
    }
}

fn iff<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let [predicate, then, otherwise] = args else {
        return Ok(Val::missing(cx.ret));
    };
    let chosen = if predicate.as_bool() == Some(true) { then } else { otherwise };
    Ok(as_result(cx, chosen))
}

fn case<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let Some((otherwise, branches)) = args.split_last() else {
        return Ok(Val::missing(cx.ret));
    };
    for branch in branches.chunks_exact(2) {
        if let [Val::Bool(true), then] = branch {
            return Ok(as_result(cx, then));
        }
    }
    Ok(as_result(cx, otherwise))
}

fn coalesce<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let first = args.iter().find(|value| !value.is_empty());
    Ok(first.map_or(Val::missing(cx.ret), |value| as_result(cx, value)))
}

fn isnull<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(Val::Bool(args.first().is_some_and(Val::is_null)))
}

fn isnotnull<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(Val::Bool(args.first().is_some_and(|value| !value.is_null())))
}

fn is_missing(args: &[Val<'_>]) -> bool {
    match args.first() {
        Some(Val::Dynamic(encoded)) => encoded == "\"\"",
        Some(value) => value.is_empty(),
        None => true,
    }
}

fn isempty<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(Val::Bool(is_missing(args)))
}

fn isnotempty<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(Val::Bool(!is_missing(args)))
}

fn not<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(args.first().and_then(Val::as_bool).map_or(Val::Null, |value| Val::Bool(!value)))
}

fn max_of<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(extreme(cx, args, Ordering::Greater))
}

fn min_of<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(extreme(cx, args, Ordering::Less))
}

fn extreme<'a>(cx: &Cx<'_>, args: &'a [Val<'a>], wanted: Ordering) -> Val<'a> {
    let mut present = args.iter().filter(|value| !value.is_null());
    let Some(mut best) = present.next() else {
        return Val::missing(cx.ret);
    };
    for value in present {
        if relation(value, best) == Relation::Ordered(wanted) {
            best = value;
        }
    }
    as_result(cx, best)
}

fn around<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let [value, center, delta] = args else {
        return Ok(Val::Null);
    };
    let near = match (units(value), units(center), units(delta)) {
        (Some(value), Some(center), Some(delta)) => i128::from(value.abs_diff(center)) <= i128::from(delta),
        _ => match (number(value), number(center), number(delta)) {
            (Some(value), Some(center), Some(delta)) => (value - center).abs() <= delta,
            _ => return Ok(Val::Null),
        },
    };
    Ok(Val::Bool(near))
}

/// An integer, or the ticks of a datetime or timespan.
fn units(value: &Val<'_>) -> Option<i64> {
    value.as_i64().or_else(|| value.as_ticks())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(kernel: for<'a> fn(&Cx<'_>, &'a [Val<'a>]) -> Out<'a>, ret: Type, args: &[Val<'static>]) -> Val<'static> {
        kernel(&Cx { args: &[], ret }, args).unwrap().into_owned()
    }

    #[test]
    fn choices() {
        let (one, two) = (Val::Int(1), Val::Real(2.5));
        assert_eq!(call(iff, Type::Real, &[Val::Bool(true), one.clone(), two.clone()]), Val::Real(1.0));
        assert_eq!(call(iff, Type::Real, &[Val::Null, one.clone(), two.clone()]), Val::Real(2.5));
        assert_eq!(call(iff, Type::Dynamic, &[Val::Bool(true), one.clone(), Val::Null]), Val::Dynamic("1".into()));
        assert_eq!(
            call(case, Type::Long, &[Val::Null, Val::Long(1), Val::Bool(true), Val::Long(2), Val::Long(3)]),
            Val::Long(2)
        );
        assert_eq!(call(case, Type::Long, &[Val::Bool(false), Val::Long(1), Val::Long(3)]), Val::Long(3));
        assert_eq!(call(coalesce, Type::String, &[Val::str(""), Val::str("x")]), Val::str("x"));
        assert_eq!(call(coalesce, Type::Real, &[Val::Null, Val::Null]), Val::Null);
    }

    #[test]
    fn extremes() {
        let args = [Val::Int(1), Val::Long(2), Val::Real(3.0), Val::Null];
        assert_eq!(call(max_of, Type::Real, &args), Val::Real(3.0));
        assert_eq!(call(min_of, Type::Real, &args), Val::Real(1.0));
        assert_eq!(call(min_of, Type::Long, &[Val::Null, Val::Null]), Val::Null);
        assert_eq!(call(max_of, Type::String, &[Val::str("a"), Val::str("b")]), Val::str("b"));
    }

    #[test]
    fn near_a_centre() {
        let is = |args: &[Val<'static>]| call(around, Type::Bool, args);
        assert_eq!(is(&[Val::Long(9), Val::Long(10), Val::Long(1)]), Val::Bool(true));
        assert_eq!(is(&[Val::Long(8), Val::Long(10), Val::Long(1)]), Val::Bool(false));
        assert_eq!(is(&[Val::Long(i64::MIN), Val::Long(i64::MAX), Val::Long(i64::MAX)]), Val::Bool(false));
        assert_eq!(is(&[Val::Real(1.5), Val::Long(1), Val::Real(0.5)]), Val::Bool(true));
        assert_eq!(is(&[Val::DateTime(50), Val::DateTime(60), Val::Timespan(10)]), Val::Bool(true));
    }

    #[test]
    fn missing_ones() {
        assert_eq!(call(isnull, Type::Bool, &[Val::str("")]), Val::Bool(false));
        assert_eq!(call(isempty, Type::Bool, &[Val::str("")]), Val::Bool(true));
        assert_eq!(call(isempty, Type::Bool, &[Val::Dynamic("[]".into())]), Val::Bool(false));
        assert_eq!(call(isnotempty, Type::Bool, &[Val::Null]), Val::Bool(false));
        assert_eq!(call(not, Type::Bool, &[Val::Bool(true)]), Val::Bool(false));
    }
}
