//! `scan`: a state machine over ordered rows.

use std::collections::HashMap;

use kql_functions::{Val, interrupt};
use kql_semantics::bound::{Column, ColumnId, Scan, ScanOutput};

use super::{Input, Rows};
use crate::QueryError;
use crate::evaluate::{Evaluator, group_key};

/// Runs the machine, one for each partition. The result: the input's columns, the declared ones, the match's number.
pub(crate) fn scan(scan: &Scan, input: &Input<'_>, evaluator: Evaluator<'_>) -> Result<Rows, QueryError> {
    let mut machines: HashMap<String, Machine<'_>> = HashMap::new();
    let mut out = Output { rows: Vec::new(), with_id: scan.match_id.is_some() };
    let mut next_match = 0;
    for (number, row) in input.rows().enumerate() {
        if number % 64 == 0 {
            interrupt::check()?;
        }
        let row: Vec<Val<'static>> = row.into_iter().map(Val::into_owned).collect();
        let column = |id: ColumnId| value_of(input.columns, &row, id);
        let mut key = Vec::with_capacity(scan.partition.len());
        for expr in &scan.partition {
            key.push(evaluator.value(expr, &column)?);
        }
        let machine = machines.entry(group_key(&key)).or_insert_with(|| Machine::new(scan, input.columns));
        machine.step(&row, evaluator, &mut next_match, &mut out)?;
    }
    let mut rest: Vec<Pending> = machines.into_values().flat_map(Machine::finish).collect();
    rest.sort_by_key(|p| p.at);
    rest.into_iter().for_each(|p| out.push(p));
    // Rows that waited for the end of their sequence stand where they were read.
    out.rows.sort_by_key(|(at, ..)| *at);
    Ok(Rows { rows: out.rows.into_iter().map(|(_, row)| row).collect(), ordered: true })
}

fn value_of<'v>(columns: &[Column], row: &[Val<'v>], id: ColumnId) -> Option<Val<'v>> {
    columns.iter().position(|c| c.id == id).and_then(|at| row.get(at).cloned())
}

/// A row of the result that is not yet sure to be one.
struct Pending {
    at: usize,
    match_id: i64,
    row: Vec<Val<'static>>,
}

struct Output {
    rows: Vec<(usize, Vec<Val<'static>>)>,
    with_id: bool,
}

impl Output {
    fn push(&mut self, pending: Pending) {
        let mut row = pending.row;
        if self.with_id {
            row.push(Val::Long(pending.match_id));
        }
        self.rows.push((pending.at, row));
    }
}

/// A sequence of matches that has come as far as some step: the last row of each step before, extended.
struct State {
    match_id: i64,
    /// By step.
    rows: Vec<Option<Vec<Val<'static>>>>,
    /// The last rows of steps that show only their last, by step.
    waiting: Vec<Option<Pending>>,
}

struct Machine<'s> {
    scan: &'s Scan,
    columns: &'s [Column],
    /// By step.
    states: Vec<Option<State>>,
    read: usize,
}

impl<'s> Machine<'s> {
    fn new(scan: &'s Scan, columns: &'s [Column]) -> Self {
        Machine { scan, columns, states: scan.steps.iter().map(|_| None).collect(), read: 0 }
    }

    /// One row against the steps, from the last to the first.
    fn step(
        &mut self,
        row: &[Val<'static>],
        evaluator: Evaluator<'_>,
        next_match: &mut i64,
        out: &mut Output,
    ) -> Result<(), QueryError> {
        let at = self.read;
        self.read += 1;
        for k in (0..self.scan.steps.len()).rev() {
            if let Some(from) = self.previous(k)
                && self.matches(k, row, self.states[from].as_ref(), evaluator)?
            {
                self.close(k, out);
                self.states[k] = self.states[from].take();
                self.record(k, at, row, evaluator, out)?;
                continue;
            }
            if (k == 0 || self.states[k].is_some()) && self.matches(k, row, self.states[k].as_ref(), evaluator)? {
                if self.states[k].is_none() {
                    let steps = self.scan.steps.len();
                    let waiting = (0..steps).map(|_| None).collect();
                    self.states[k] = Some(State { match_id: *next_match, rows: vec![None; steps], waiting });
                    *next_match += 1;
                }
                self.record(k, at, row, evaluator, out)?;
            }
        }
        Ok(())
    }

    /// The step whose sequence may go on to step `k`: the one before, or one before optional steps.
    fn previous(&self, k: usize) -> Option<usize> {
        for from in (0..k).rev() {
            if self.states.get(from).is_some_and(Option::is_some) {
                return Some(from);
            }
            if !self.scan.steps.get(from).is_some_and(|s| s.optional) {
                return None;
            }
        }
        None
    }

    /// Ends the sequence at step `k`.
    fn close(&mut self, k: usize, out: &mut Output) {
        if let Some(state) = self.states[k].take() {
            state.waiting.into_iter().flatten().for_each(|p| out.push(p));
        }
    }

    fn finish(self) -> Vec<Pending> {
        self.states.into_iter().flatten().flat_map(|s| s.waiting.into_iter().flatten()).collect()
    }

    /// Adds a row to the state of step `k`, extended by its assignments.
    fn record(
        &mut self,
        k: usize,
        at: usize,
        row: &[Val<'static>],
        evaluator: Evaluator<'_>,
        out: &mut Output,
    ) -> Result<(), QueryError> {
        let step = &self.scan.steps[k];
        let mut extended: Vec<Val<'static>> = row.to_vec();
        extended.extend(self.scan.declared.iter().map(|(_, default)| default.clone()));
        for (place, expr) in &step.assignments {
            let value = {
                let state = self.states[k].as_ref();
                evaluator.value(expr, &|id| self.lookup(id, row, state))?
            };
            if let Some(slot) = extended.get_mut(*place) {
                *slot = value;
            }
        }
        let Some(state) = self.states[k].as_mut() else { return Ok(()) };
        let pending = Pending { at, match_id: state.match_id, row: extended.clone() };
        state.rows[k] = Some(extended);
        match step.output {
            ScanOutput::All => out.push(pending),
            ScanOutput::Last => state.waiting[k] = Some(pending),
            ScanOutput::None => {}
        }
        Ok(())
    }

    fn matches(
        &self,
        k: usize,
        row: &[Val<'static>],
        state: Option<&State>,
        evaluator: Evaluator<'_>,
    ) -> Result<bool, QueryError> {
        evaluator.holds(&self.scan.steps[k].condition, &|id| self.lookup(id, row, state))
    }

    /// A column of the row, or of the state of a step; where that is empty, null or the declared default.
    fn lookup(&self, id: ColumnId, row: &[Val<'static>], state: Option<&State>) -> Option<Val<'static>> {
        if let Some(value) = value_of(self.columns, row, id) {
            return Some(value);
        }
        if let Some((_, default)) = self.scan.declared.iter().find(|(c, _)| c.id == id) {
            return Some(default.clone());
        }
        for (k, step) in self.scan.steps.iter().enumerate() {
            if let Some(at) = step.state.iter().position(|c| c.id == id) {
                let known = state.and_then(|s| s.rows.get(k)?.as_ref()?.get(at).cloned());
                return Some(known.unwrap_or_else(|| match at.checked_sub(self.columns.len()) {
                    Some(declared) => self.scan.declared.get(declared).map_or(Val::Null, |(_, d)| d.clone()),
                    None => Val::missing(step.state[at].ty),
                }));
            }
        }
        None
    }
}
