//! Rounding down to multiples: `bin`, `floor`, `bin_at`.

use super::support::{Out, decimal_units, number, strict};
use crate::{Cx, Nulls, Scalar, Type, Val, calendar};

pub(super) static ENTRIES: &[Scalar] = &[
    strict("bin", "The greatest multiple of a size that is not above the value.", bin),
    strict("floor", "The greatest multiple of a size that is not above the value.", bin),
    strict("bin_at", "The start of the value's bin, where one bin starts at a fixed point.", bin_at),
    Scalar {
        name: "bin_index",
        doc: "The number of the value's bin, counted from a start, or from zero; internal to make-series.",
        nulls: Nulls::Handled,
        kernel: bin_index,
    },
];

fn bin<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let [value, size] = args else {
        return Ok(Val::Null);
    };
    Ok(floored(cx.ret, value, size, None))
}

fn bin_at<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let [value, size, fixed] = args else {
        return Ok(Val::Null);
    };
    Ok(floored(cx.ret, value, size, Some(fixed)))
}

fn bin_index<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let [value, start, step] = args else { return Ok(Val::Null) };
    let whole = |v: &Val<'_>| v.as_i64().or_else(|| v.as_ticks()).map(i128::from);
    let zero = Val::Long(0);
    let start = if start.is_null() { &zero } else { start };
    let index = match (whole(value), whole(start), whole(step)) {
        (Some(value), Some(start), Some(step)) if step > 0 => i64::try_from((value - start).div_euclid(step)).ok(),
        _ => match (number(value), number(start), number(step)) {
            (Some(value), Some(start), Some(step)) if step > 0.0 => Some(((value - start) / step).floor() as i64),
            _ => None,
        },
    };
    Ok(index.map_or(Val::Null, Val::Long))
}

fn floored(ret: Type, value: &Val<'_>, size: &Val<'_>, fixed: Option<&Val<'_>>) -> Val<'static> {
    let floored = match ret {
        Type::Real => floor_real(value, size, fixed).map(Val::Real),
        Type::Decimal => floor_with(decimal_units, value, size, fixed).map(Val::Decimal),
        Type::Int => floor_units(value, size, fixed).and_then(|v| i32::try_from(v).ok()).map(Val::Int),
        Type::Long => floor_units(value, size, fixed).and_then(|v| i64::try_from(v).ok()).map(Val::Long),
        Type::DateTime => floor_units(value, size, fixed).and_then(calendar::in_range).map(Val::DateTime),
        Type::Timespan => floor_units(value, size, fixed).and_then(|v| i64::try_from(v).ok()).map(Val::Timespan),
        _ => None,
    };
    floored.unwrap_or(Val::Null)
}

fn floor_real(value: &Val<'_>, size: &Val<'_>, fixed: Option<&Val<'_>>) -> Option<f64> {
    let (value, size) = (number(value)?, number(size)?);
    let fixed = fixed.map_or(Some(0.0), number)?;
    (size > 0.0).then(|| ((value - fixed) / size).floor() * size + fixed)
}

fn floor_units(value: &Val<'_>, size: &Val<'_>, fixed: Option<&Val<'_>>) -> Option<i128> {
    floor_with(units, value, size, fixed)
}

fn floor_with(
    units: impl Fn(&Val<'_>) -> Option<i128>,
    value: &Val<'_>,
    size: &Val<'_>,
    fixed: Option<&Val<'_>>,
) -> Option<i128> {
    let (value, size) = (units(value)?, units(size)?);
    let fixed = fixed.map_or(Some(0), units)?;
    if size <= 0 {
        return None;
    }
    let distance = value.checked_sub(fixed)?;
    distance.checked_sub(distance.rem_euclid(size))?.checked_add(fixed)
}

/// An integer, or the ticks of a datetime or timespan; of a real the whole part.
fn units(value: &Val<'_>) -> Option<i128> {
    match value {
        Val::Real(v) => Some(*v as i128),
        Val::Int(_) | Val::Long(_) => value.as_i64().map(i128::from),
        other => other.as_ticks().map(i128::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::{DAY, HOUR};

    fn call(ret: Type, args: &[Val<'static>]) -> Val<'static> {
        let cx = Cx { args: &[], ret };
        if args.len() == 2 { bin(&cx, args) } else { bin_at(&cx, args) }.unwrap().into_owned()
    }

    #[test]
    fn numbers() {
        assert_eq!(call(Type::Long, &[Val::Long(-7), Val::Long(4)]), Val::Long(-8));
        assert_eq!(call(Type::Long, &[Val::Long(5), Val::Long(0)]), Val::Null);
        assert_eq!(call(Type::Long, &[Val::Long(i64::MIN), Val::Long(3)]), Val::Null);
        assert_eq!(call(Type::Real, &[Val::Real(-3.25), Val::Long(1)]), Val::Real(-4.0));
        assert_eq!(call(Type::Real, &[Val::Real(6.5), Val::Real(2.5), Val::Long(7)]), Val::Real(4.5));
    }

    #[test]
    fn times() {
        let span = |ticks| Val::Timespan(ticks);
        assert_eq!(call(Type::Timespan, &[span(16 * DAY), span(7 * DAY)]), span(14 * DAY));
        assert_eq!(call(Type::Timespan, &[span(HOUR), span(DAY), span(12 * HOUR)]), span(-12 * HOUR));
        let at = |text: &str| Val::DateTime(crate::text::parse_datetime(text).unwrap());
        assert_eq!(call(Type::DateTime, &[at("1955-11-05 06:15"), span(7 * DAY)]), at("1955-10-31"));
        assert_eq!(call(Type::DateTime, &[at("1955-11-05 06:15"), span(-DAY)]), Val::Null);
        assert_eq!(call(Type::DateTime, &[at("2017-05-17 10:20"), span(7 * DAY), at("2017-06-04")]), at("2017-05-14"));
    }
}
