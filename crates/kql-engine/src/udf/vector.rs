//! Kernels over whole arrays, for the functions that queries spend their time in.
//!
//! A kernel answers `None` for arguments that it does not take; then the row kernel computes.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, Datum, PrimitiveArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::kernels::cmp;
use arrow::datatypes::{ArrowPrimitiveType, Float64Type, Int32Type, Int64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::ColumnarValue;
use kql_functions::Type;

use super::text::{self, TextTest};
use super::{choose, numbers, texts};

type Function = fn(&[ColumnarValue], usize) -> Result<Option<ColumnarValue>>;

/// Computes all rows at once.
#[derive(Clone, Copy)]
pub(super) enum VectorKernel {
    /// A function of its own.
    Function(Function),
    /// A string operator, negated or not.
    Text(TextTest, bool),
}

impl VectorKernel {
    /// The result for all rows; `None` where the row kernel must compute.
    pub(super) fn run(self, args: &[ColumnarValue], rows: usize) -> Result<Option<ColumnarValue>> {
        match self {
            VectorKernel::Function(function) => function(args, rows),
            VectorKernel::Text(test, negated) => text::run(test, negated, args),
        }
    }
}

/// The vector kernel of a function on these types.
pub(super) fn find(function: &str, args: &[Type], ret: Type) -> Option<VectorKernel> {
    let plain = |ty: Type| !matches!(ty, Type::Dynamic | Type::Real | Type::Decimal);
    if let Some((test, negated)) = text::find(function, args) {
        return Some(VectorKernel::Text(test, negated));
    }
    let kernel: Function = match (function, args) {
        ("==", [l, r]) if l == r && plain(*l) => equal,
        ("!=", [l, r]) if l == r && plain(*l) => not_equal,
        ("bin" | "floor", [Type::DateTime, Type::Timespan] | [Type::Timespan, Type::Timespan]) => bin_ticks,
        ("bin" | "floor", [Type::Long, Type::Long]) => bin_ticks,
        ("bin" | "floor", [Type::Int, Type::Int]) => bin_int,
        ("startofday", [Type::DateTime]) => start_of_day,
        ("<" | "<=" | ">" | ">=", [Type::Real, Type::Real]) => match function {
            "<" => |args, _| compare_reals(args, |a, b| a < b),
            "<=" => |args, _| compare_reals(args, |a, b| a <= b),
            ">" => |args, _| compare_reals(args, |a, b| a > b),
            _ => |args, _| compare_reals(args, |a, b| a >= b),
        },
        ("strlen", [Type::String]) => texts::length,
        ("tolower", [Type::String]) => |args, _| texts::map_ascii(args, str::make_ascii_lowercase),
        ("toupper", [Type::String]) => |args, _| texts::map_ascii(args, str::make_ascii_uppercase),
        ("strcat", [_, _, ..]) if args.iter().all(|ty| matches!(ty, Type::String | Type::Long)) => texts::join,
        ("%", [Type::Long, Type::Long]) if ret == Type::Long => numbers::remainder,
        ("/", [Type::Long, Type::Long]) if ret == Type::Long => numbers::quotient,
        ("substring", [Type::String, _] | [Type::String, _, _]) => texts::substring,
        ("replace_string", [Type::String, Type::String, Type::String]) => texts::replace,
        ("toint" | "tolong" | "todatetime", [Type::String]) => return find_cast(Type::String, ret),
        ("round", [Type::Real] | [Type::Real, _]) if ret == Type::Real => numbers::round,
        ("datetime_diff", [Type::String, Type::DateTime, Type::DateTime]) if ret == Type::Long => {
            numbers::datetime_diff
        }
        ("coalesce", [_, _, ..]) if ret == Type::String && args.iter().all(|ty| *ty == ret) => choose::coalesce_texts,
        ("coalesce", [_, _, ..]) if args.iter().all(|ty| *ty == ret) => choose::coalesce,
        _ => return None,
    };
    Some(VectorKernel::Function(kernel))
}

/// The vector kernel of a conversion.
pub(super) fn find_cast(from: Type, to: Type) -> Option<VectorKernel> {
    Some(VectorKernel::Function(match (from, to) {
        (Type::String, Type::Int) => numbers::parse_ints,
        (Type::String, Type::Long) => numbers::parse_longs,
        (Type::String, Type::DateTime) => numbers::parse_datetimes,
        (Type::Int, Type::String) => texts::from_integers::<Int32Type>,
        (Type::Long, Type::String) => texts::from_integers::<Int64Type>,
        _ => return None,
    }))
}

fn equal(args: &[ColumnarValue], rows: usize) -> Result<Option<ColumnarValue>> {
    compare(args, rows, false)
}

fn not_equal(args: &[ColumnarValue], rows: usize) -> Result<Option<ColumnarValue>> {
    compare(args, rows, true)
}

/// Kusto's `==` and `!=`: one null gives false and true, two nulls give null.
fn compare(args: &[ColumnarValue], rows: usize, negated: bool) -> Result<Option<ColumnarValue>> {
    let [left, right] = args else { return Ok(None) };
    if matches!((left, right), (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_))) {
        return Ok(None);
    }
    let (left, right) = (datum(left)?, datum(right)?);
    let plain = if negated { cmp::neq(&*left, &*right)? } else { cmp::eq(&*left, &*right)? };
    if plain.null_count() == 0 {
        return Ok(Some(ColumnarValue::Array(Arc::new(plain))));
    }
    let (left_array, left_single) = left.get();
    let (right_array, right_single) = right.get();
    let is_null = |array: &dyn Array, single: bool, row: usize| array.is_null(if single { 0 } else { row });
    let mut values = BooleanBufferBuilder::new(rows);
    let mut valid = BooleanBufferBuilder::new(rows);
    for row in 0..plain.len() {
        let l = is_null(left_array, left_single, row);
        let r = is_null(right_array, right_single, row);
        values.append(if l || r { negated } else { plain.value(row) });
        valid.append(!(l && r));
    }
    let nulls = NullBuffer::new(valid.finish());
    Ok(Some(ColumnarValue::Array(Arc::new(BooleanArray::new(values.finish(), Some(nulls))))))
}

fn datum(value: &ColumnarValue) -> Result<Box<dyn Datum>> {
    Ok(match value {
        ColumnarValue::Array(array) => Box::new(Arc::clone(array)),
        ColumnarValue::Scalar(scalar) => Box::new(scalar.to_scalar()?),
    })
}

/// Against a null the result is null; NaN is neither less nor greater.
fn compare_reals(args: &[ColumnarValue], test: fn(f64, f64) -> bool) -> Result<Option<ColumnarValue>> {
    let found = match args {
        [ColumnarValue::Array(left), ColumnarValue::Array(right)] => {
            let (left, right) = (left.as_primitive_opt::<Float64Type>(), right.as_primitive_opt::<Float64Type>());
            let (Some(left), Some(right)) = (left, right) else { return Ok(None) };
            let values = BooleanBuffer::collect_bool(left.len(), |row| test(left.value(row), right.value(row)));
            BooleanArray::new(values, NullBuffer::union(left.nulls(), right.nulls()))
        }
        [ColumnarValue::Array(left), ColumnarValue::Scalar(ScalarValue::Float64(Some(right)))] => {
            let Some(left) = left.as_primitive_opt::<Float64Type>() else { return Ok(None) };
            BooleanArray::new(
                BooleanBuffer::collect_bool(left.len(), |row| test(left.value(row), *right)),
                left.nulls().cloned(),
            )
        }
        _ => return Ok(None),
    };
    Ok(Some(ColumnarValue::Array(Arc::new(found))))
}

const TICKS_PER_DAY: i64 = 864_000_000_000;

fn start_of_day(args: &[ColumnarValue], _: usize) -> Result<Option<ColumnarValue>> {
    match args {
        [ColumnarValue::Array(values)] => Ok(bin::<Int64Type>(values, |v| v.rem_euclid(TICKS_PER_DAY))),
        _ => Ok(None),
    }
}

fn bin_ticks(args: &[ColumnarValue], _: usize) -> Result<Option<ColumnarValue>> {
    match args {
        [ColumnarValue::Array(values), ColumnarValue::Scalar(ScalarValue::Int64(Some(size)))] if *size > 0 => {
            Ok(bin::<Int64Type>(values, |v| v.rem_euclid(*size)))
        }
        _ => Ok(None),
    }
}

fn bin_int(args: &[ColumnarValue], _: usize) -> Result<Option<ColumnarValue>> {
    match args {
        [ColumnarValue::Array(values), ColumnarValue::Scalar(ScalarValue::Int32(Some(size)))] if *size > 0 => {
            Ok(bin::<Int32Type>(values, |v| v.rem_euclid(*size)))
        }
        _ => Ok(None),
    }
}

fn bin<T: ArrowPrimitiveType>(values: &ArrayRef, rest: impl Fn(T::Native) -> T::Native) -> Option<ColumnarValue>
where
    T::Native: std::ops::Sub<Output = T::Native> + arrow::datatypes::ArrowNativeTypeOp,
{
    use arrow::datatypes::ArrowNativeTypeOp;
    let values = values.as_primitive_opt::<T>()?;
    let binned: PrimitiveArray<T> = values.unary(|v| v.sub_wrapping(rest(v)));
    Some(ColumnarValue::Array(Arc::new(binned)))
}
