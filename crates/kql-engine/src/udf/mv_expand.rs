//! The lists that mv-expand unnests.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StructArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use kql_functions::{Dynamic, Type, Val, families};

use crate::repr::{ColumnBuilder, data_type, value_at};

/// Rows without elements that stand for their input row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Markers {
    None,
    /// One more for every input row.
    Added,
    /// Where the last argument is true, the row is one and has no elements.
    Kept,
}

/// From dynamic columns a list of structs: a field an expansion (`f0`…), the item's index (`index`), and whether it is a
/// marker (`marker`).
pub(crate) fn mv_expand_udf(types: Vec<Type>, pairs: bool, limit: Option<i64>, markers: Markers) -> ScalarUDF {
    let name = format!("mv_expand({types:?},{pairs},{limit:?},{markers:?})");
    ScalarUDF::new_from_impl(MvExpand {
        name,
        types,
        pairs,
        limit,
        markers,
        signature: Signature::user_defined(Volatility::Immutable),
    })
}

/// A field of a struct, by position.
pub(crate) fn field_udf(position: usize) -> ScalarUDF {
    ScalarUDF::new_from_impl(FieldOf {
        name: format!("field_{position}"),
        position,
        signature: Signature::user_defined(Volatility::Immutable),
    })
}

/// Its argument. The optimizer does not look through it: that a group key is unique no longer holds once rows are
/// expanded, and a sort by the key would lose its further keys.
pub(crate) fn opaque_udf() -> ScalarUDF {
    ScalarUDF::new_from_impl(Opaque { signature: Signature::user_defined(Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Opaque {
    signature: Signature,
}

impl ScalarUDFImpl for Opaque {
    fn name(&self) -> &str {
        "opaque"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        match args {
            [ty] => Ok(ty.clone()),
            _ => exec_err!("opaque takes one argument"),
        }
    }

    fn coerce_types(&self, args: &[DataType]) -> Result<Vec<DataType>> {
        Ok(args.to_vec())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [value] => Ok(value.clone()),
            _ => exec_err!("opaque takes one argument"),
        }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct MvExpand {
    name: String,
    types: Vec<Type>,
    pairs: bool,
    limit: Option<i64>,
    markers: Markers,
    signature: Signature,
}

impl MvExpand {
    fn fields(&self) -> Fields {
        let mut fields: Vec<Field> =
            self.types.iter().enumerate().map(|(i, ty)| Field::new(format!("f{i}"), data_type(*ty), true)).collect();
        fields.push(Field::new("index", DataType::Int64, true));
        fields.push(Field::new("marker", DataType::Boolean, true));
        Fields::from(fields)
    }

    /// The rows that a value expands to.
    fn expand(&self, value: &Val<'_>) -> Vec<Dynamic> {
        match value.to_tree() {
            Dynamic::Array(items) => items,
            Dynamic::Bag(items) if self.pairs => {
                items.into_iter().map(|(k, v)| Dynamic::Array(vec![Dynamic::String(k), v])).collect()
            }
            Dynamic::Bag(items) => items.into_iter().map(|entry| Dynamic::Bag(vec![entry])).collect(),
            other => vec![other],
        }
    }
}

/// An element in the type that was asked for. Numbers convert; a text is not read as a number or a bool, it is null then.
fn element(tree: Dynamic, ty: Type) -> Val<'static> {
    let value = Val::dynamic(&tree);
    let text = matches!(tree, Dynamic::String(_));
    match ty {
        Type::Dynamic => value,
        Type::Bool | Type::Int | Type::Long | Type::Real | Type::Decimal if text => Val::Null,
        _ => families::cast(&value, ty),
    }
}

impl ScalarUDFImpl for MvExpand {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(Arc::new(Field::new("item", DataType::Struct(self.fields()), true))))
    }

    fn coerce_types(&self, args: &[DataType]) -> Result<Vec<DataType>> {
        Ok(args.to_vec())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        super::check_interrupt(&args.config_options)?;
        let mut arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let kept = if self.markers == Markers::Kept { arrays.pop() } else { None };
        let rows = arrays.first().map_or(args.number_rows, |a| a.len());
        let mut builders: Vec<ColumnBuilder> = self.types.iter().map(|ty| ColumnBuilder::new(*ty, rows)).collect();
        let mut index = ColumnBuilder::new(Type::Long, rows);
        let mut marker = ColumnBuilder::new(Type::Bool, rows);
        let mut offsets = vec![0i32];
        let mut total = 0i32;
        for row in 0..rows {
            let mut lists: Vec<std::vec::IntoIter<Dynamic>> =
                arrays.iter().map(|a| self.expand(&value_at(a.as_ref(), Type::Dynamic, row)).into_iter()).collect();
            let mut count = lists.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
            if let Some(limit) = self.limit {
                count = count.min(usize::try_from(limit).unwrap_or(0));
            }
            let is_marker =
                kept.as_ref().is_some_and(|k| matches!(value_at(k.as_ref(), Type::Bool, row), Val::Bool(true)));
            if is_marker {
                count = 0;
            }
            for item in 0..count {
                for ((list, builder), ty) in lists.iter_mut().zip(&mut builders).zip(&self.types) {
                    builder.push(&list.next().map_or(Val::missing(*ty), |tree| element(tree, *ty)));
                }
                index.push(&Val::Long(item as i64));
                marker.push(&Val::Bool(false));
            }
            if is_marker || self.markers == Markers::Added {
                builders.iter_mut().zip(&self.types).for_each(|(b, ty)| b.push(&Val::missing(*ty)));
                index.push(&Val::Null);
                marker.push(&Val::Bool(true));
                count += 1;
            }
            let Some(sum) = i32::try_from(count).ok().and_then(|c| total.checked_add(c)) else {
                return exec_err!("mv-expand gives too many rows in one batch");
            };
            total = sum;
            offsets.push(total);
        }
        let mut columns: Vec<ArrayRef> = builders.into_iter().map(ColumnBuilder::finish).collect();
        columns.push(index.finish());
        columns.push(marker.finish());
        let items = StructArray::try_new(self.fields(), columns, None)?;
        let field = Arc::new(Field::new("item", DataType::Struct(self.fields()), true));
        let list = ListArray::try_new(field, OffsetBuffer::new(ScalarBuffer::from(offsets)), Arc::new(items), None)?;
        Ok(ColumnarValue::Array(Arc::new(list)))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct FieldOf {
    name: String,
    position: usize,
    signature: Signature,
}

impl ScalarUDFImpl for FieldOf {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        match args {
            [DataType::Struct(fields)] if self.position < fields.len() => Ok(fields[self.position].data_type().clone()),
            _ => exec_err!("{} needs a struct", self.name),
        }
    }

    fn coerce_types(&self, args: &[DataType]) -> Result<Vec<DataType>> {
        Ok(args.to_vec())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let field = arrays.first().and_then(|a| a.as_struct_opt()).and_then(|s| s.columns().get(self.position));
        match field {
            Some(field) => Ok(ColumnarValue::Array(Arc::clone(field))),
            None => exec_err!("{} needs a struct", self.name),
        }
    }
}
