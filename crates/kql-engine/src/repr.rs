//! How Kusto values lie in Arrow arrays.
//!
//! datetime and timespan are Int64 ticks, dynamic is encoded JSON text ([`kql_functions::dynamic`]), a missing string
//! is `""`, all else has Arrow nulls.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, Decimal128Builder, FixedSizeBinaryArray,
    FixedSizeBinaryBuilder, Float64Builder, Int32Builder, Int64Builder, PrimitiveArray, StringViewArray,
    StringViewBuilder, new_null_array,
};
use arrow::datatypes::{DataType, Decimal128Type, Field, Float64Type, Int32Type, Int64Type, Schema, SchemaRef};
use kql_functions::{DECIMAL_SCALE, Type, Val};

const PRECISION: u8 = 38;

/// The Arrow type of a Kusto type.
pub fn data_type(ty: Type) -> DataType {
    match ty {
        Type::Bool => DataType::Boolean,
        Type::Int => DataType::Int32,
        Type::Long | Type::DateTime | Type::Timespan => DataType::Int64,
        Type::Real => DataType::Float64,
        Type::Decimal => DataType::Decimal128(PRECISION, DECIMAL_SCALE as i8),
        Type::String | Type::Dynamic | Type::Unknown => DataType::Utf8View,
        Type::Guid => DataType::FixedSizeBinary(16),
    }
}

/// The Arrow schema of Kusto columns.
pub fn schema<'a>(columns: impl IntoIterator<Item = (&'a str, Type)>) -> SchemaRef {
    let fields: Vec<Field> = columns.into_iter().map(|(name, ty)| Field::new(name, data_type(ty), true)).collect();
    Arc::new(Schema::new(fields))
}

/// The value in a row of an array of [`data_type`]`(ty)`; [`Val::Null`] (or `""`) where the array is of another type.
pub fn value_at(array: &dyn Array, ty: Type, row: usize) -> Val<'_> {
    Values::new(array, ty).get(row)
}

/// The values of an array, read one by one; the array's type is looked at once.
pub struct Values<'a> {
    inner: Arrays<'a>,
}

enum Arrays<'a> {
    Bool(&'a BooleanArray),
    Int(&'a PrimitiveArray<Int32Type>),
    Long(&'a PrimitiveArray<Int64Type>),
    DateTime(&'a PrimitiveArray<Int64Type>),
    Timespan(&'a PrimitiveArray<Int64Type>),
    Real(&'a PrimitiveArray<Float64Type>),
    Decimal(&'a PrimitiveArray<Decimal128Type>),
    Str(&'a StringViewArray),
    Dynamic(&'a StringViewArray),
    Guid(&'a FixedSizeBinaryArray),
    /// Nothing to read.
    Missing(Type),
}

impl<'a> Values<'a> {
    /// The values of an array of [`data_type`]`(ty)`; of another array all are missing.
    pub fn new(array: &'a dyn Array, ty: Type) -> Values<'a> {
        let inner = match ty {
            Type::Bool => array.as_boolean_opt().map(Arrays::Bool),
            Type::Int => array.as_primitive_opt().map(Arrays::Int),
            Type::Long => array.as_primitive_opt().map(Arrays::Long),
            Type::DateTime => array.as_primitive_opt().map(Arrays::DateTime),
            Type::Timespan => array.as_primitive_opt().map(Arrays::Timespan),
            Type::Real => array.as_primitive_opt().map(Arrays::Real),
            Type::Decimal => array.as_primitive_opt().map(Arrays::Decimal),
            Type::String => array.as_string_view_opt().map(Arrays::Str),
            Type::Dynamic | Type::Unknown => array.as_string_view_opt().map(Arrays::Dynamic),
            Type::Guid => array.as_fixed_size_binary_opt().map(Arrays::Guid),
        };
        Values { inner: inner.unwrap_or(Arrays::Missing(ty)) }
    }

    /// The value in a row.
    #[inline]
    pub fn get(&self, row: usize) -> Val<'a> {
        fn valid<T>(array: &impl Array, row: usize, value: impl FnOnce() -> T) -> Option<T> {
            (!array.is_null(row)).then(value)
        }
        let value = match self.inner {
            Arrays::Bool(a) => valid(a, row, || Val::Bool(a.value(row))),
            Arrays::Int(a) => valid(a, row, || Val::Int(a.value(row))),
            Arrays::Long(a) => valid(a, row, || Val::Long(a.value(row))),
            Arrays::DateTime(a) => valid(a, row, || Val::DateTime(a.value(row))),
            Arrays::Timespan(a) => valid(a, row, || Val::Timespan(a.value(row))),
            Arrays::Real(a) => valid(a, row, || Val::Real(a.value(row))),
            Arrays::Decimal(a) => valid(a, row, || Val::Decimal(a.value(row))),
            Arrays::Str(a) => {
                return Val::Str(Cow::Borrowed(if a.is_null(row) { "" } else { a.value(row) }));
            }
            Arrays::Dynamic(a) => valid(a, row, || Val::Dynamic(Cow::Borrowed(a.value(row)))),
            Arrays::Guid(a) if a.is_null(row) => None,
            Arrays::Guid(a) => <[u8; 16]>::try_from(a.value(row)).ok().map(Val::Guid),
            Arrays::Missing(ty) => return Val::missing(ty),
        };
        value.unwrap_or(Val::Null)
    }
}

/// An array of [`data_type`]`(ty)` whose values are all missing.
pub fn missing(ty: Type, rows: usize) -> ArrayRef {
    if ty == Type::String {
        return Arc::new(StringViewArray::from_iter_values(std::iter::repeat_n("", rows)));
    }
    new_null_array(&data_type(ty), rows)
}

/// Builds an array of [`data_type`]`(ty)` from values.
pub struct ColumnBuilder {
    inner: Inner,
}

enum Inner {
    Bool(BooleanBuilder),
    Int(Int32Builder),
    Long(Int64Builder),
    Real(Float64Builder),
    Decimal(Decimal128Builder),
    Text { builder: StringViewBuilder, dynamic: bool },
    Guid(FixedSizeBinaryBuilder),
}

impl ColumnBuilder {
    /// A builder for `ty` with room for `rows`.
    pub fn new(ty: Type, rows: usize) -> ColumnBuilder {
        let inner = match ty {
            Type::Bool => Inner::Bool(BooleanBuilder::with_capacity(rows)),
            Type::Int => Inner::Int(Int32Builder::with_capacity(rows)),
            Type::Long | Type::DateTime | Type::Timespan => Inner::Long(Int64Builder::with_capacity(rows)),
            Type::Real => Inner::Real(Float64Builder::with_capacity(rows)),
            Type::Decimal => Inner::Decimal(Decimal128Builder::with_capacity(rows).with_data_type(data_type(ty))),
            Type::String | Type::Dynamic | Type::Unknown => {
                Inner::Text { builder: StringViewBuilder::with_capacity(rows), dynamic: ty != Type::String }
            }
            Type::Guid => Inner::Guid(FixedSizeBinaryBuilder::with_capacity(rows, 16)),
        };
        ColumnBuilder { inner }
    }

    /// Appends a value; one of another type counts as missing.
    pub fn push(&mut self, value: &Val<'_>) {
        match &mut self.inner {
            Inner::Bool(b) => b.append_option(value.as_bool()),
            Inner::Int(b) => b.append_option(value.as_i64().and_then(|v| i32::try_from(v).ok())),
            Inner::Long(b) => b.append_option(value.as_i64().or_else(|| value.as_ticks())),
            Inner::Real(b) => b.append_option(match value {
                Val::Real(v) => Some(*v),
                other => other.as_f64(),
            }),
            Inner::Decimal(b) => b.append_option(match value {
                Val::Decimal(v) => Some(*v),
                _ => None,
            }),
            Inner::Text { builder, dynamic: false } => builder.append_value(value.as_str().unwrap_or("")),
            Inner::Text { builder, dynamic: true } => match value {
                Val::Dynamic(s) => builder.append_value(s),
                _ => builder.append_null(),
            },
            Inner::Guid(b) => match value {
                // A value of 16 bytes always fits a builder of width 16.
                Val::Guid(g) => b.append_value(g).unwrap_or_else(|_| b.append_null()),
                _ => b.append_null(),
            },
        }
    }

    /// Appends so many missing values.
    pub fn push_missing(&mut self, count: usize) {
        match &mut self.inner {
            Inner::Bool(b) => b.append_nulls(count),
            Inner::Int(b) => b.append_nulls(count),
            Inner::Long(b) => b.append_nulls(count),
            Inner::Real(b) => b.append_nulls(count),
            Inner::Decimal(b) => b.append_nulls(count),
            Inner::Text { builder, dynamic: false } => (0..count).for_each(|_| builder.append_value("")),
            Inner::Text { builder, dynamic: true } => (0..count).for_each(|_| builder.append_null()),
            Inner::Guid(b) => b.append_nulls(count),
        }
    }

    /// The array.
    pub fn finish(self) -> ArrayRef {
        match self.inner {
            Inner::Bool(mut b) => Arc::new(b.finish()),
            Inner::Int(mut b) => Arc::new(b.finish()),
            Inner::Long(mut b) => Arc::new(b.finish()),
            Inner::Real(mut b) => Arc::new(b.finish()),
            Inner::Decimal(mut b) => Arc::new(b.finish()),
            Inner::Text { mut builder, .. } => Arc::new(builder.finish()),
            Inner::Guid(mut b) => Arc::new(b.finish()),
        }
    }
}
