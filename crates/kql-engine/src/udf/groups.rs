//! Aggregates of many groups at once.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, BooleanArray};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use kql_functions::catalogue::{Accumulator, Aggregate, Cx};
use kql_functions::{Type, Val};

use super::aggregate::columns;
use super::query_error;
use crate::repr::ColumnBuilder;

/// An accumulator a group. Rows go straight to that of their group, without being sorted by group first.
pub(super) struct Groups {
    function: &'static Aggregate,
    args: Vec<Type>,
    ret: Type,
    running: Vec<Box<dyn Accumulator>>,
    /// Bytes held when they were last counted. Counting looks at every group, so it waits for as many rows.
    bytes: usize,
    rows: usize,
    uncounted: usize,
}

impl Groups {
    pub(super) fn new(function: &'static Aggregate, args: Vec<Type>, ret: Type) -> Groups {
        Groups { function, args, ret, running: Vec::new(), bytes: 0, rows: 0, uncounted: 0 }
    }

    fn make(&self) -> Box<dyn Accumulator> {
        (self.function.make)(&Cx { args: &self.args, ret: self.ret })
    }

    fn resize(&mut self, groups: usize) {
        while self.running.len() < groups {
            self.running.push(self.make());
        }
    }

    fn count_bytes(&mut self, rows: usize) {
        self.rows += rows;
        self.uncounted += rows;
        if self.uncounted >= self.running.len().max(self.rows / 8) {
            self.uncounted = 0;
            self.bytes = self.running.iter().map(|r| r.size() + size_of::<Box<dyn Accumulator>>()).sum();
        }
    }

    fn group(&mut self, group: usize) -> Result<&mut Box<dyn Accumulator>> {
        match self.running.get_mut(group) {
            Some(running) => Ok(running),
            None => exec_err!("a row of an unknown group"),
        }
    }
}

/// Rows that a filter keeps; null is no.
pub(super) fn kept(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.resize(total);
        let types = std::mem::take(&mut self.args);
        let columns = columns(values, &types);
        let mut row_values: Vec<Val<'_>> = Vec::with_capacity(columns.len());
        let mut update = || -> Result<()> {
            for (row, group) in groups.iter().enumerate().filter(|(row, _)| kept(filter, *row)) {
                row_values.clear();
                row_values.extend(columns.iter().map(|column| column.get(row)));
                self.group(*group)?.update(&row_values).map_err(query_error)?;
            }
            Ok(())
        };
        let updated = update();
        self.args = types;
        self.count_bytes(groups.len());
        updated
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let mut done = emit.take_needed(&mut self.running);
        let mut out = ColumnBuilder::new(self.ret, done.len());
        for running in &mut done {
            out.push(&running.finish().map_err(query_error)?);
        }
        self.uncounted = usize::MAX / 2;
        self.count_bytes(0);
        Ok(out.finish())
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let done = emit.take_needed(&mut self.running);
        let mut out = BinaryBuilder::with_capacity(done.len(), done.len() * 16);
        done.iter().for_each(|running| out.append_value(running.state()));
        self.uncounted = usize::MAX / 2;
        self.count_bytes(0);
        Ok(vec![Arc::new(out.finish())])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.resize(total);
        let Some(states) = values.first().and_then(|s| s.as_binary_opt::<i32>()) else {
            return exec_err!("the state of an aggregate is not binary");
        };
        for (state, group) in states.iter().zip(groups) {
            if let Some(state) = state {
                self.group(*group)?.merge(state).map_err(query_error)?;
            }
        }
        self.count_bytes(groups.len());
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, |a| a.len());
        let columns = columns(values, &self.args);
        let mut out = BinaryBuilder::with_capacity(rows, rows * 16);
        for row in 0..rows {
            let mut running = self.make();
            if kept(filter, row) {
                let row_values: Vec<Val<'_>> = columns.iter().map(|column| column.get(row)).collect();
                running.update(&row_values).map_err(query_error)?;
            }
            out.append_value(running.state());
        }
        Ok(vec![Arc::new(out.finish())])
    }

    fn size(&self) -> usize {
        self.bytes
    }
}
