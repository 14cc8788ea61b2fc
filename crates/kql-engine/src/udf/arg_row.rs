//! `arg_max` and `arg_min` of many columns at once: the row is looked for once, and its values are copied only when it is
//! the best of its batch, column by column.

use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, StructArray, UInt32Array};
use arrow::compute::{interleave, take};
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
        Rows {
            greatest: self.greatest,
            types: self.types.clone(),
            best: Vec::new(),
            batches: Vec::new(),
            kept: 0,
            bytes: 0,
            in_batch: Vec::new(),
        }
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

/// Where a kept row is: the batch and the row in it.
#[derive(Debug, Clone, Copy)]
struct Kept {
    batch: u32,
    row: u32,
}

#[derive(Debug)]
struct Rows {
    greatest: bool,
    types: Vec<Type>,
    /// The best row of each group.
    best: Vec<Option<Kept>>,
    /// Rows that are or were the best of a group. The columns: the key, the values, the position.
    batches: Vec<Vec<ArrayRef>>,
    /// Rows of those batches.
    kept: usize,
    bytes: usize,
    /// The best row of a group in the batch at hand; [`NONE`] between batches.
    in_batch: Vec<u32>,
}

const NONE: u32 = u32::MAX;

/// So many rows are kept at least before those that are no longer the best are dropped.
const LEAST_KEPT: usize = 65_536;

/// The keys and positions of rows.
struct Keys<'a> {
    keys: Values<'a>,
    positions: &'a Int64Array,
}

impl<'a> Keys<'a> {
    fn of(columns: &'a [ArrayRef], types: &[Type]) -> Result<Keys<'a>> {
        let (Some(key), Some(ty), Some(positions)) = (columns.first(), types.first(), columns.last()) else {
            return exec_err!("arg_max lacks an argument");
        };
        let Some(positions) = positions.as_primitive_opt::<Int64Type>() else {
            return exec_err!("the position of a row is no long");
        };
        Ok(Keys { keys: Values::new(key.as_ref(), *ty), positions })
    }

    fn position(&self, row: usize) -> i64 {
        if self.positions.is_null(row) { 0 } else { self.positions.value(row) }
    }

    /// Whether a row takes the place of another one.
    fn takes_over(&self, row: usize, other: &Keys<'_>, known: usize, greatest: bool) -> bool {
        arg_takes_over(
            greatest,
            (&self.keys.get(row), self.position(row)),
            (&other.keys.get(known), other.position(known)),
        )
    }
}

/// Texts of their own, without those that were beside them.
fn compact(array: ArrayRef) -> ArrayRef {
    match array.as_string_view_opt() {
        Some(texts) => Arc::new(texts.gc()),
        None => array,
    }
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
            self.best.resize(total, None);
        }
        if self.in_batch.len() < total {
            self.in_batch.resize(total, NONE);
        }
        let Some(columns) = arrays.get(..=self.types.len()) else { return exec_err!("arg_max lacks an argument") };
        let new = Keys::of(columns, &self.types)?;
        // The best row of this batch by group, and the groups that have one.
        let mut touched = Vec::new();
        for (row, group) in groups.iter().enumerate().filter(|(row, _)| takes_part(*row)) {
            let Some(best) = self.in_batch.get_mut(*group) else { return exec_err!("a row of an unknown group") };
            if *best == NONE {
                touched.push(*group);
                *best = row as u32;
            } else if new.takes_over(row, &new, *best as usize, self.greatest) {
                *best = row as u32;
            }
        }
        let known = self.batches.iter().map(|batch| Keys::of(batch, &self.types)).collect::<Result<Vec<_>>>()?;
        let batch = known.len() as u32;
        let mut taken = Vec::new();
        for group in touched {
            let (Some(row), Some(best)) = (self.in_batch.get_mut(group), self.best.get_mut(group)) else { continue };
            let row = std::mem::replace(row, NONE);
            let before = best.and_then(|kept| Some((known.get(kept.batch as usize)?, kept.row as usize)));
            if before.is_none_or(|(keys, kept)| new.takes_over(row as usize, keys, kept, self.greatest)) {
                *best = Some(Kept { batch, row: taken.len() as u32 });
                taken.push(row);
            }
        }
        if taken.is_empty() {
            return Ok(());
        }
        let taken = UInt32Array::from(taken);
        let rows = columns.iter().map(|column| Ok(compact(take(column, &taken, None)?))).collect::<Result<Vec<_>>>()?;
        self.keep(rows);
        if self.kept > LEAST_KEPT.max(2 * self.best.len()) {
            self.drop_beaten()?;
        }
        Ok(())
    }

    fn keep(&mut self, rows: Vec<ArrayRef>) {
        self.kept += rows.first().map_or(0, |column| column.len());
        self.bytes += rows.iter().map(|column| column.get_array_memory_size()).sum::<usize>();
        self.batches.push(rows);
    }

    fn clear(&mut self) {
        self.batches.clear();
        self.kept = 0;
        self.bytes = 0;
    }

    /// Keeps only rows that are the best of a group.
    fn drop_beaten(&mut self) -> Result<()> {
        let columns = (0..=self.types.len()).map(|at| self.gather(at, self.best.iter().flatten().copied().map(Some)));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        for (row, best) in self.best.iter_mut().flatten().enumerate() {
            *best = Kept { batch: 0, row: row as u32 };
        }
        self.clear();
        self.keep(columns);
        Ok(())
    }

    /// A column of kept rows; where there is no row, its value is missing.
    fn gather(&self, column: usize, rows: impl Iterator<Item = Option<Kept>>) -> Result<ArrayRef> {
        // After the types comes the position.
        let ty = self.types.get(column).copied().unwrap_or(Type::Long);
        let mut missing = ColumnBuilder::new(ty, 1);
        missing.push(&Val::missing(ty));
        let missing = missing.finish();
        let arrays = self.batches.iter().filter_map(|batch| batch.get(column));
        let arrays: Vec<&dyn Array> = arrays.chain([&missing]).map(|array| array.as_ref()).collect();
        let nowhere = (arrays.len() - 1, 0);
        let places: Vec<(usize, usize)> =
            rows.map(|kept| kept.map_or(nowhere, |kept| (kept.batch as usize, kept.row as usize))).collect();
        Ok(compact(interleave(&arrays, &places)?))
    }

    /// Columns of the best rows of groups, which are forgotten, and which of the groups have one.
    fn take(&mut self, emit: EmitTo, columns: RangeInclusive<usize>) -> Result<(Vec<ArrayRef>, BooleanArray)> {
        let taken = emit.take_needed(&mut self.best);
        let columns = columns.map(|at| self.gather(at, taken.iter().copied())).collect::<Result<Vec<_>>>()?;
        if self.best.is_empty() {
            self.clear();
        }
        Ok((columns, taken.iter().map(|best| Some(best.is_some())).collect()))
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
        let (values, _) = self.take(emit, 1..=self.types.len().saturating_sub(1))?;
        Ok(Arc::new(StructArray::try_new(fields(&self.types), values, None)?))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let (mut state, seen) = self.take(emit, 0..=self.types.len())?;
        state.push(Arc::new(seen));
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
        self.bytes + self.best.capacity() * size_of::<Option<Kept>>() + self.in_batch.capacity() * size_of::<u32>()
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
        self.0.best.resize(1, None);
        ScalarValue::try_from_array(&GroupsAccumulator::evaluate(&mut self.0, EmitTo::All)?, 0)
    }

    fn size(&self) -> usize {
        GroupsAccumulator::size(&self.0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.0.best.resize(1, None);
        let state = GroupsAccumulator::state(&mut self.0, EmitTo::All)?;
        state.iter().map(|array| ScalarValue::try_from_array(array, 0)).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let rows = states.first().map_or(0, |array| array.len());
        GroupsAccumulator::merge_batch(&mut self.0, states, &vec![0; rows], 1)
    }
}
