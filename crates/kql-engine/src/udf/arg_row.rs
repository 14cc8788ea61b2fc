//! `arg_max` and `arg_min` of many columns at once: the row is looked for once, and its values are copied only when it is
//! the best of its batch.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Builder, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Int64Type};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};
use kql_functions::aggregates::arg_takes_over;
use kql_functions::{Type, Val};

use super::groups::kept;
use super::signature_name;
use crate::repr::{ColumnBuilder, Values, data_type};

/// The row with the greatest (or least) key, as a struct of values. Arguments: the key, the values, the row's position.
pub(crate) fn arg_row_udf(greatest: bool, key: Type, values: &[Type]) -> AggregateUDF {
    let name = if greatest { "arg_max_row" } else { "arg_min_row" };
    let types: Vec<Type> = [key].into_iter().chain(values.iter().copied()).collect();
    AggregateUDF::new_from_impl(ArgRow {
        name: signature_name(name, &types),
        greatest,
        types,
        signature: Signature::user_defined(Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ArgRow {
    name: String,
    greatest: bool,
    /// Of the key, then of the values.
    types: Vec<Type>,
    signature: Signature,
}

impl ArgRow {
    fn rows(&self) -> Rows {
        Rows { greatest: self.greatest, types: self.types.clone(), best: Vec::new(), bytes: 0 }
    }
}

/// The fields of the result.
fn fields(types: &[Type]) -> Fields {
    let values = types.iter().skip(1).enumerate();
    values.map(|(i, ty)| Field::new(format!("f{i}"), data_type(*ty), true)).collect()
}

impl AggregateUDFImpl for ArgRow {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(fields(&self.types)))
    }

    fn coerce_types(&self, args: &[DataType]) -> Result<Vec<DataType>> {
        Ok(args.to_vec())
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        // Order comes as an argument.
        AggregateOrderSensitivity::Insensitive
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let field = |part: String, ty| Arc::new(Field::new(format!("{}[{part}]", args.name), data_type(ty), true));
        let parts = self.types.iter().enumerate().map(|(i, ty)| field(i.to_string(), *ty));
        let more = [field("position".to_string(), Type::Long), field("seen".to_string(), Type::Bool)];
        Ok(parts.chain(more).collect())
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(OneRow(self.rows())))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(self.rows()))
    }
}

/// The best row of a group: its position, its key, and its values.
struct Best {
    position: i64,
    /// The key first.
    values: Vec<Val<'static>>,
}

#[derive(Debug)]
struct Rows {
    greatest: bool,
    types: Vec<Type>,
    best: Vec<Option<Best>>,
    bytes: usize,
}

impl std::fmt::Debug for Best {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.position)
    }
}

/// Texts hold memory beyond the value itself.
fn heap(values: &[Val<'_>]) -> usize {
    let texts = values.iter().map(|value| value.as_str().map_or(0, str::len)).sum::<usize>();
    texts + size_of_val(values) + size_of::<Best>()
}

impl Rows {
    /// Offers rows to their groups.
    fn offer(
        &mut self,
        arrays: &[ArrayRef],
        groups: &[usize],
        total: usize,
        takes_part: impl Fn(usize) -> bool,
    ) -> Result<()> {
        if self.best.len() < total {
            self.best.resize_with(total, || None);
        }
        let Some((positions, values)) = arrays.get(..=self.types.len()).and_then(|a| a.split_last()) else {
            return exec_err!("arg_max lacks an argument");
        };
        let Some(positions) = positions.as_primitive_opt::<Int64Type>() else {
            return exec_err!("the position of a row is no long");
        };
        let columns: Vec<Values<'_>> =
            values.iter().zip(&self.types).map(|(array, ty)| Values::new(array.as_ref(), *ty)).collect();
        let Some(keys) = columns.first() else { return exec_err!("arg_max lacks a key") };
        let position = |row: usize| if positions.is_null(row) { 0 } else { positions.value(row) };
        // The best row of this batch by group, and the groups that have one.
        let mut rows = vec![usize::MAX; total];
        let mut touched = Vec::new();
        for (row, group) in groups.iter().enumerate().filter(|(row, _)| takes_part(*row)) {
            let Some(known) = rows.get_mut(*group) else { return exec_err!("a row of an unknown group") };
            if *known == usize::MAX {
                touched.push(*group);
                *known = row;
            } else if arg_takes_over(
                self.greatest,
                (&keys.get(row), position(row)),
                (&keys.get(*known), position(*known)),
            ) {
                *known = row;
            }
        }
        for group in touched {
            let (Some(row), Some(best)) = (rows.get(group).copied(), self.best.get_mut(group)) else { continue };
            let at = position(row);
            let better = match best.as_ref() {
                None => true,
                Some(Best { position, values }) => values
                    .first()
                    .is_none_or(|known| arg_takes_over(self.greatest, (&keys.get(row), at), (known, *position))),
            };
            if better {
                let values: Vec<Val<'static>> = columns.iter().map(|column| column.get(row).into_owned()).collect();
                self.bytes += heap(&values);
                self.bytes = self.bytes.saturating_sub(best.as_ref().map_or(0, |old| heap(&old.values)));
                *best = Some(Best { position: at, values });
            }
        }
        Ok(())
    }

    fn take(&mut self, emit: EmitTo) -> Vec<Option<Best>> {
        let taken = emit.take_needed(&mut self.best);
        let freed: usize = taken.iter().flatten().map(|best| heap(&best.values)).sum();
        self.bytes = self.bytes.saturating_sub(freed);
        taken
    }

    fn builders(&self, rows: usize) -> Vec<ColumnBuilder> {
        self.types.iter().map(|ty| ColumnBuilder::new(*ty, rows)).collect()
    }

    fn push(&self, builders: &mut [ColumnBuilder], best: Option<&Best>) {
        for (i, (builder, ty)) in builders.iter_mut().zip(&self.types).enumerate() {
            match best.and_then(|best| best.values.get(i)) {
                Some(value) => builder.push(value),
                None => builder.push(&Val::missing(*ty)),
            }
        }
    }
}

impl GroupsAccumulator for Rows {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.offer(values, groups, total, |row| kept(filter, row))
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let taken = self.take(emit);
        let mut builders = self.builders(taken.len());
        taken.iter().for_each(|best| self.push(&mut builders, best.as_ref()));
        let columns = builders.into_iter().skip(1).map(ColumnBuilder::finish).collect();
        Ok(Arc::new(StructArray::try_new(fields(&self.types), columns, None)?))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let taken = self.take(emit);
        let mut builders = self.builders(taken.len());
        let mut positions = Int64Builder::with_capacity(taken.len());
        let mut seen = Vec::with_capacity(taken.len());
        for best in &taken {
            self.push(&mut builders, best.as_ref());
            positions.append_value(best.as_ref().map_or(0, |best| best.position));
            seen.push(best.is_some());
        }
        let mut state: Vec<ArrayRef> = builders.into_iter().map(ColumnBuilder::finish).collect();
        state.push(Arc::new(positions.finish()));
        state.push(Arc::new(BooleanArray::from(seen)));
        Ok(state)
    }

    fn merge_batch(&mut self, state: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        let seen = state.last().and_then(|seen| seen.as_boolean_opt());
        let Some(seen) = seen else { return exec_err!("the state of arg_max is not whole") };
        self.offer(state, groups, total, |row| kept(Some(seen), row))
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, |array| array.len());
        let mut state = values.to_vec();
        state.push(Arc::new((0..rows).map(|row| Some(kept(filter, row))).collect::<BooleanArray>()));
        Ok(state)
    }

    fn size(&self) -> usize {
        self.bytes + self.best.capacity() * size_of::<Option<Best>>()
    }
}

/// Of all rows, without groups.
#[derive(Debug)]
struct OneRow(Rows);

impl Accumulator for OneRow {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = values.first().map_or(0, |array| array.len());
        self.0.offer(values, &vec![0; rows], 1, |_| true)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.0.best.resize_with(1, || None);
        ScalarValue::try_from_array(&GroupsAccumulator::evaluate(&mut self.0, EmitTo::All)?, 0)
    }

    fn size(&self) -> usize {
        GroupsAccumulator::size(&self.0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.0.best.resize_with(1, || None);
        let state = GroupsAccumulator::state(&mut self.0, EmitTo::All)?;
        state.iter().map(|array| ScalarValue::try_from_array(array, 0)).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let rows = states.first().map_or(0, |array| array.len());
        GroupsAccumulator::merge_batch(&mut self.0, states, &vec![0; rows], 1)
    }
}
