//! The choice of a value for each row, with all conditions and values computed for all rows.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, PrimitiveArray};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{interleave, is_not_null, kernels::zip::zip};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Float64Type, Int32Type, Int64Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use kql_functions::Type;

use super::check_interrupt;
use crate::repr::data_type;

/// The value after the first condition that is true, else the last one: `condition, value, …, value`. It computes all of
/// its arguments, so it is for those that cost little and cannot fail. Conditions that are null are not true.
pub(crate) fn choose_udf(ret: Type) -> ScalarUDF {
    ScalarUDF::new_from_impl(Choose {
        name: format!("choose({})", ret.name()),
        ret,
        signature: Signature::user_defined(Volatility::Immutable),
    })
}

/// As many conditions as [`choose_udf`] takes.
pub(crate) const MOST_CONDITIONS: usize = 100;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Choose {
    name: String,
    ret: Type,
    signature: Signature,
}

impl ScalarUDFImpl for Choose {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(data_type(self.ret))
    }

    fn coerce_types(&self, args: &[DataType]) -> Result<Vec<DataType>> {
        Ok(args.to_vec())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        check_interrupt(&args.config_options)?;
        let Some((otherwise, pairs)) = args.args.split_last() else { return exec_err!("a choice of nothing") };
        let (pairs, []) = pairs.as_chunks::<2>() else { return exec_err!("a condition without a value") };
        let mut chosen = vec![pairs.len() as u8; args.number_rows];
        for (number, [condition, _]) in pairs.iter().enumerate().rev() {
            let condition = condition.to_array(args.number_rows)?;
            let Some(condition) = condition.as_boolean_opt() else { return exec_err!("a condition that is no bool") };
            for (chosen, holds) in chosen.iter_mut().zip(&truth(condition)) {
                *chosen = if holds { number as u8 } else { *chosen };
            }
        }
        let values: Vec<&ColumnarValue> = pairs.iter().map(|[_, value]| value).chain([otherwise]).collect();
        Ok(ColumnarValue::Array(gather(&values, &chosen)?))
    }
}

/// Where a condition is true.
fn truth(condition: &BooleanArray) -> BooleanBuffer {
    match condition.nulls() {
        Some(nulls) if nulls.null_count() > 0 => condition.values() & nulls.inner(),
        _ => condition.values().clone(),
    }
}

/// The chosen one of some values for each row.
fn gather(values: &[&ColumnarValue], chosen: &[u8]) -> Result<ArrayRef> {
    let mut arrays = Vec::with_capacity(values.len());
    let mut single = Vec::with_capacity(values.len());
    for value in values {
        single.push(matches!(value, ColumnarValue::Scalar(_)));
        arrays.push(match value {
            ColumnarValue::Array(array) => Arc::clone(array),
            ColumnarValue::Scalar(value) => value.to_array()?,
        });
    }
    let plain = match arrays.first().map(|array| array.data_type()) {
        Some(DataType::Int32) => numbers::<Int32Type>(&arrays, &single, chosen),
        Some(DataType::Int64) => numbers::<Int64Type>(&arrays, &single, chosen),
        Some(DataType::Float64) => numbers::<Float64Type>(&arrays, &single, chosen),
        _ => None,
    };
    if let Some(plain) = plain {
        return Ok(plain);
    }
    let place = |(row, value): (usize, &u8)| {
        let value = usize::from(*value);
        (value, if single.get(value) == Some(&true) { 0 } else { row })
    };
    let places: Vec<(usize, usize)> = chosen.iter().enumerate().map(place).collect();
    let arrays: Vec<&dyn Array> = arrays.iter().map(|array| array.as_ref()).collect();
    Ok(interleave(&arrays, &places)?)
}

/// Numbers without a null among them.
fn numbers<T: ArrowPrimitiveType>(arrays: &[ArrayRef], single: &[bool], chosen: &[u8]) -> Option<ArrayRef> {
    let mut slices = Vec::with_capacity(arrays.len());
    for array in arrays {
        let array = array.as_primitive_opt::<T>().filter(|array| array.null_count() == 0)?;
        slices.push(&array.values()[..]);
    }
    let found: PrimitiveArray<T> = if single.iter().all(|single| *single) {
        let table: Vec<T::Native> = slices.iter().filter_map(|slice| slice.first().copied()).collect();
        let of = |value: &u8| table.get(usize::from(*value)).copied().unwrap_or_default();
        PrimitiveArray::from_iter_values(chosen.iter().map(of))
    } else {
        let of = |(row, value): (usize, &u8)| {
            let value = usize::from(*value);
            let row = if single.get(value) == Some(&true) { 0 } else { row };
            slices.get(value).and_then(|slice| slice.get(row)).copied().unwrap_or_default()
        };
        PrimitiveArray::from_iter_values(chosen.iter().enumerate().map(of))
    };
    Some(Arc::new(found))
}

/// `coalesce` of values of one type, other than texts.
pub(super) fn coalesce(args: &[ColumnarValue], rows: usize) -> Result<Option<ColumnarValue>> {
    first_present(args, rows, |array| match array.null_count() {
        0 => Ok(None),
        _ => Ok(Some(is_not_null(array)?)),
    })
}

/// `coalesce` of texts: the empty text is as good as none.
pub(super) fn coalesce_texts(args: &[ColumnarValue], rows: usize) -> Result<Option<ColumnarValue>> {
    first_present(args, rows, |array| {
        let Some(texts) = array.as_string_view_opt() else { return exec_err!("a text that is none") };
        // The length stands in the low half of a view.
        let filled = BooleanBuffer::collect_bool(texts.len(), |row| {
            texts.is_valid(row) && texts.views().get(row).is_some_and(|view| *view as u32 != 0)
        });
        Ok((filled.count_set_bits() < texts.len()).then(|| BooleanArray::new(filled, None)))
    })
}

/// The first value of each row that is there. `present` tells which values of an array are; `None` where all are.
fn first_present(
    args: &[ColumnarValue],
    rows: usize,
    present: fn(&dyn Array) -> Result<Option<BooleanArray>>,
) -> Result<Option<ColumnarValue>> {
    let Some((ColumnarValue::Array(first), rest)) = args.split_first() else { return Ok(None) };
    let Some(mask) = present(first.as_ref())? else { return Ok(Some(ColumnarValue::Array(Arc::clone(first)))) };
    let found = match rest {
        [] => Arc::clone(first),
        [ColumnarValue::Scalar(last)] => zip(&mask, first, &last.to_scalar()?)?,
        [ColumnarValue::Array(last)] => zip(&mask, first, last)?,
        [next, ..] => {
            let next = next.to_array(rows)?;
            let rest = [&[ColumnarValue::Array(next)], rest.get(1..).unwrap_or_default()].concat();
            match first_present(&rest, rows, present)? {
                Some(ColumnarValue::Array(rest)) => zip(&mask, first, &rest)?,
                _ => return Ok(None),
            }
        }
    };
    Ok(Some(ColumnarValue::Array(found)))
}
