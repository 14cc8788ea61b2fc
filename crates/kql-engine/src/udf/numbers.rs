//! Functions that give numbers or times, over whole arrays.

use std::sync::Arc;

use arrow::array::{Array, AsArray, Int64Array, PrimitiveArray};
use arrow::datatypes::{ArrowPrimitiveType, Float64Type, Int32Type, Int64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::ColumnarValue;
use kql_functions::{families, text};

use super::texts::{integer, views};

/// `round` of reals to a constant number of digits.
pub(super) fn round(args: &[ColumnarValue], _: usize) -> Result<Option<ColumnarValue>> {
    let Some((ColumnarValue::Array(values), digits)) = args.split_first() else { return Ok(None) };
    let Some(values) = values.as_primitive_opt::<Float64Type>() else { return Ok(None) };
    let digits = match digits {
        [] => Some(0),
        [digits] => integer(digits),
        _ => None,
    };
    let Some(digits) = digits else { return Ok(None) };
    let rounded: PrimitiveArray<Float64Type> = values.unary(families::rounding(digits.clamp(-400, 400) as i32));
    Ok(Some(ColumnarValue::Array(Arc::new(rounded))))
}

/// The remainder of longs by a positive constant.
pub(super) fn remainder(args: &[ColumnarValue], _: usize) -> Result<Option<ColumnarValue>> {
    by_constant(args, i64::rem_euclid)
}

/// The quotient of longs and a positive constant.
pub(super) fn quotient(args: &[ColumnarValue], _: usize) -> Result<Option<ColumnarValue>> {
    by_constant(args, i64::wrapping_div)
}

fn by_constant(args: &[ColumnarValue], compute: fn(i64, i64) -> i64) -> Result<Option<ColumnarValue>> {
    let [ColumnarValue::Array(values), divisor] = args else { return Ok(None) };
    let (Some(values), Some(divisor @ 1..)) = (values.as_primitive_opt::<Int64Type>(), integer(divisor)) else {
        return Ok(None);
    };
    let found: Int64Array = values.unary(|value| compute(value, divisor));
    Ok(Some(ColumnarValue::Array(Arc::new(found))))
}

/// `datetime_diff` with a constant period.
pub(super) fn datetime_diff(args: &[ColumnarValue], rows: usize) -> Result<Option<ColumnarValue>> {
    let [ColumnarValue::Scalar(ScalarValue::Utf8View(Some(period))), left, right] = args else { return Ok(None) };
    // An unknown period is an error that the row kernel tells.
    let Ok(difference) = families::Difference::of(period) else { return Ok(None) };
    let (Some(left), Some(right)) = (Ticks::of(left), Ticks::of(right)) else { return Ok(None) };
    let found: Int64Array =
        (0..rows).map(|row| left.get(row).zip(right.get(row)).and_then(|(l, r)| difference.between(l, r))).collect();
    Ok(Some(ColumnarValue::Array(Arc::new(found))))
}

/// Times by row.
enum Ticks<'a> {
    Column(&'a Int64Array),
    Same(Option<i64>),
}

impl Ticks<'_> {
    fn of(value: &ColumnarValue) -> Option<Ticks<'_>> {
        match value {
            ColumnarValue::Array(array) => array.as_primitive_opt::<Int64Type>().map(Ticks::Column),
            ColumnarValue::Scalar(ScalarValue::Int64(ticks)) => Some(Ticks::Same(*ticks)),
            ColumnarValue::Scalar(_) => None,
        }
    }

    fn get(&self, row: usize) -> Option<i64> {
        match self {
            Ticks::Column(array) => array.is_valid(row).then(|| array.value(row)),
            Ticks::Same(ticks) => *ticks,
        }
    }
}

pub(super) fn parse_ints(args: &[ColumnarValue], _: usize) -> Result<Option<ColumnarValue>> {
    parse::<Int32Type>(args, families::parse_int)
}

pub(super) fn parse_longs(args: &[ColumnarValue], _: usize) -> Result<Option<ColumnarValue>> {
    parse::<Int64Type>(args, families::parse_long)
}

pub(super) fn parse_datetimes(args: &[ColumnarValue], _: usize) -> Result<Option<ColumnarValue>> {
    parse::<Int64Type>(args, text::parse_datetime)
}

fn parse<T: ArrowPrimitiveType>(
    args: &[ColumnarValue],
    read: fn(&str) -> Option<T::Native>,
) -> Result<Option<ColumnarValue>> {
    let Some(texts) = args.first().and_then(views) else { return Ok(None) };
    let found: PrimitiveArray<T> = texts.iter().map(|text| text.and_then(read)).collect();
    Ok(Some(ColumnarValue::Array(Arc::new(found))))
}
