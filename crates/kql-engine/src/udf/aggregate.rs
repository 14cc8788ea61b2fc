//! Aggregates of the catalogue.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, Signature, Volatility};
use kql_functions::catalogue::{self, Aggregate, Cx};
use kql_functions::{Type, Val};

use super::groups::Groups;
use super::{query_error, signature_name};
use crate::repr::{ColumnBuilder, Values, data_type};

/// A catalogue aggregate for arguments of these types; where its order shows, the last argument is the row's position.
pub(crate) fn aggregate_udf(function: &'static Aggregate, args: &[Type], ret: Type) -> AggregateUDF {
    AggregateUDF::new_from_impl(AggregateKernel {
        name: signature_name(function.name, args),
        function,
        args: args.to_vec(),
        ret,
        signature: Signature::user_defined(Volatility::Immutable),
    })
}

struct AggregateKernel {
    name: String,
    function: &'static Aggregate,
    args: Vec<Type>,
    ret: Type,
    signature: Signature,
}

impl std::fmt::Debug for AggregateKernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name, self.ret)
    }
}

impl PartialEq for AggregateKernel {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.ret == other.ret
    }
}

impl Eq for AggregateKernel {}

impl std::hash::Hash for AggregateKernel {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.ret.hash(state);
    }
}

impl AggregateUDFImpl for AggregateKernel {
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

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        // Order comes as an argument.
        AggregateOrderSensitivity::Insensitive
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format!("{}[state]", args.name), DataType::Binary, true))])
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let cx = Cx { args: &self.args, ret: self.ret };
        Ok(Box::new(Running { inner: (self.function.make)(&cx), args: self.args.clone(), ret: self.ret }))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Groups::new(self.function, self.args.clone(), self.ret)))
    }
}

pub(super) fn columns<'a>(values: &'a [ArrayRef], types: &[Type]) -> Vec<Values<'a>> {
    values.iter().zip(types).map(|(array, ty)| Values::new(array.as_ref(), *ty)).collect()
}

struct Running {
    inner: Box<dyn catalogue::Accumulator>,
    args: Vec<Type>,
    ret: Type,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Running")
    }
}

impl Accumulator for Running {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = values.first().map_or(0, |a| a.len());
        let columns = columns(values, &self.args);
        let mut row_values: Vec<Val<'_>> = Vec::with_capacity(values.len());
        for row in 0..rows {
            row_values.clear();
            row_values.extend(columns.iter().map(|column| column.get(row)));
            self.inner.update(&row_values).map_err(query_error)?;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let value = self.inner.finish().map_err(query_error)?;
        let mut column = ColumnBuilder::new(self.ret, 1);
        column.push(&value);
        ScalarValue::try_from_array(&column.finish(), 0)
    }

    fn size(&self) -> usize {
        self.inner.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Binary(Some(self.inner.state()))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(states) = states.first().and_then(|s| s.as_binary_opt::<i32>()) else { return Ok(()) };
        for state in states.iter().flatten() {
            self.inner.merge(state).map_err(query_error)?;
        }
        Ok(())
    }
}
