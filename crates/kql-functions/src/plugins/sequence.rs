//! `sequence_detect`: rows that meet predicates one after the other.

use std::collections::HashMap;

use super::keys::Key;
use super::{Arg, Call, Field, Plugin, Refusal, Row, field};
use crate::{EvalError, Type, Val, interrupt};

pub(super) const PLUGINS: &[Plugin] = &[Plugin {
    name: "sequence_detect",
    columns: |call| Ok(detection(call)?.fields),
    rows,
    ordered: true,
    table_key: None,
}];

/// A call, understood.
struct Detection {
    fields: Vec<Field>,
    timeline: usize,
    /// Longest time from a step to the next, and from the first to the last, in ticks.
    windows: Windows,
    steps: Vec<Step>,
    dimensions: Vec<usize>,
}

#[derive(Clone, Copy)]
struct Windows {
    step: i64,
    span: i64,
}

/// What a row must meet.
enum Step {
    /// The bool at this place of the row.
    Place(usize),
    /// The same for all rows.
    Always(bool),
}

impl Step {
    fn is_met(&self, row: &[Val<'_>]) -> bool {
        match self {
            Step::Place(at) => row.get(*at).and_then(Val::as_bool) == Some(true),
            Step::Always(met) => *met,
        }
    }
}

/// The arguments are the timeline, the windows, predicates as long as there are bools, then dimensions.
fn detection(call: &Call<'_>) -> Result<Detection, Refusal> {
    let (timeline, ty) = call.field(0)?;
    if !matches!(ty, Type::DateTime | Type::Timespan) {
        return Err(Refusal::of(0, "A column of type datetime or timespan expected."));
    }
    let window = |at: usize| match call.value(at) {
        Some((Val::Timespan(ticks), _)) => Ok(*ticks),
        _ => Err(Refusal::of(at, "A constant timespan expected.")),
    };
    let windows = Windows { step: window(1)?, span: window(2)? };
    let mut steps = Vec::new();
    let mut times: Vec<Field> = Vec::new();
    for arg in call.args.iter().skip(3) {
        let (step, name) = match arg {
            Arg::Computed { at, name, ty: Type::Bool } => (Step::Place(*at), name.as_deref().unwrap_or_default()),
            Arg::Value(value, Type::Bool) => (Step::Always(value.as_bool() == Some(true)), ""),
            Arg::Column(at) => match call.input.get(*at) {
                Some((name, Type::Bool)) => (Step::Place(*at), name.as_str()),
                _ => break,
            },
            _ => break,
        };
        steps.push(step);
        times.push((format!("{name}_{timeline}"), *ty));
    }
    if steps.is_empty() {
        return Err(Refusal::of(3, "A value of type bool expected."));
    }
    let from = 3 + steps.len();
    let mut fields = call.fields_from(from)?;
    if let Some(at) = fields.iter().position(|(_, ty)| *ty == Type::Dynamic) {
        return Err(Refusal::of(from + at, "A dimension cannot be dynamic."));
    }
    fields.extend(times);
    fields.push(field("Duration", Type::Timespan));
    Ok(Detection { fields, timeline: call.column(0)?, windows, steps, dimensions: call.columns_from(from)? })
}

/// The rows of one combination of dimensions.
struct Group<'r> {
    dimensions: Vec<Val<'r>>,
    /// Time, and the row.
    rows: Vec<(i64, &'r Row<'r>)>,
}

/// Sequences are in the order of their times; those with the same times are one. A step is a later row than the one before,
/// in the order of time and then of the input. Of which rows a sequence may be is told by the documentation's example alone:
/// there, every choice of rows that the windows allow is one.
fn rows(call: &Call<'_>, tables: &[Vec<Row<'_>>]) -> Result<Vec<Row<'static>>, Refusal> {
    let detection = detection(call)?;
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut known: HashMap<Vec<Key<'_>>, usize> = HashMap::new();
    for (number, row) in tables.first().map(Vec::as_slice).unwrap_or_default().iter().enumerate() {
        interrupt::check_at(number)?;
        let Some(time) = row.get(detection.timeline).and_then(Val::as_ticks) else { continue };
        let at = *known.entry(Key::of_row(row, &detection.dimensions)).or_insert(groups.len());
        if at == groups.len() {
            let dimensions = detection.dimensions.iter().filter_map(|at| row.get(*at).cloned()).collect();
            groups.push(Group { dimensions, rows: Vec::new() });
        }
        if let Some(group) = groups.get_mut(at) {
            group.rows.push((time, row));
        }
    }
    let mut found: Vec<(Vec<i64>, usize)> = Vec::new();
    for (at, group) in groups.iter_mut().enumerate() {
        group.rows.sort_by_key(|(time, _)| *time);
        let occurrences: Vec<Vec<Occurrence>> =
            detection.steps.iter().map(|step| occurrences(&group.rows, step)).collect();
        sequences(&occurrences, detection.windows, &mut |times| found.push((times, at)))?;
    }
    found.sort();
    let timeline = call.field(0)?.1;
    let moment = |ticks: i64| if timeline == Type::DateTime { Val::DateTime(ticks) } else { Val::Timespan(ticks) };
    let row = |(times, group): (Vec<i64>, usize)| {
        let dimensions = groups.get(group).map(|g| g.dimensions.as_slice()).unwrap_or_default();
        let mut row: Row<'static> = dimensions.iter().cloned().map(Val::into_owned).collect();
        let ends = times.first().zip(times.last()).map_or(0, |(first, last)| last.saturating_sub(*first));
        row.extend(times.into_iter().map(moment));
        row.push(Val::Timespan(ends));
        row
    };
    Ok(found.into_iter().map(row).collect())
}

/// A row that meets a step.
#[derive(Debug, Clone, Copy)]
struct Occurrence {
    time: i64,
    /// Position among all rows in order of time.
    row: usize,
    /// Which occurrence of the step is the first with another time.
    next: usize,
}

fn occurrences(rows: &[(i64, &Row<'_>)], step: &Step) -> Vec<Occurrence> {
    let met = rows.iter().enumerate().filter(|(_, (_, row))| step.is_met(row));
    let mut all: Vec<Occurrence> = met.map(|(at, (time, _))| Occurrence { time: *time, row: at, next: 0 }).collect();
    let (mut next, mut time) = (all.len(), None);
    for (at, occurrence) in all.iter_mut().enumerate().rev() {
        if time.is_some_and(|time| time != occurrence.time) {
            next = at + 1;
        }
        time = Some(occurrence.time);
        occurrence.next = next;
    }
    all
}

/// All sequences by their times. Of rows with the same time the first that may be taken stands for the others: whatever
/// follows those follows it.
fn sequences(steps: &[Vec<Occurrence>], windows: Windows, found: &mut dyn FnMut(Vec<i64>)) -> Result<(), EvalError> {
    // Where each step stands among its occurrences; the last one is about to be tried.
    let mut cursors: Vec<usize> = vec![0];
    let mut chosen: Vec<Occurrence> = Vec::with_capacity(steps.len());
    let mut tried = 0usize;
    while let Some(cursor) = cursors.last_mut() {
        interrupt::check_at(tried)?;
        tried += 1;
        let candidate = steps.get(chosen.len()).and_then(|step| step.get(*cursor)).copied();
        let within = |o: &Occurrence| match (chosen.first(), chosen.last()) {
            (Some(first), Some(last)) => {
                o.time <= last.time.saturating_add(windows.step) && o.time <= first.time.saturating_add(windows.span)
            }
            _ => true,
        };
        let Some(occurrence) = candidate.filter(within) else {
            cursors.pop();
            chosen.pop();
            continue;
        };
        *cursor = occurrence.next;
        if chosen.len() + 1 == steps.len() {
            found(chosen.iter().chain([&occurrence]).map(|o| o.time).collect());
        } else {
            chosen.push(occurrence);
            let after = steps.get(chosen.len()).map_or(0, |step| step.partition_point(|o| o.row <= occurrence.row));
            cursors.push(after);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_within_the_windows() {
        let at = |times: &[(i64, usize)]| -> Vec<Occurrence> {
            let next = |time: i64| times.iter().position(|(t, _)| *t > time).unwrap_or(times.len());
            times.iter().map(|(time, row)| Occurrence { time: *time, row: *row, next: next(*time) }).collect()
        };
        let steps = [at(&[(0, 0), (4, 2)]), at(&[(3, 1), (4, 2), (5, 3), (5, 4), (9, 5)])];
        let mut found = Vec::new();
        sequences(&steps, Windows { step: 5, span: 5 }, &mut |times| found.push(times)).unwrap();
        assert_eq!(found, [[0, 3], [0, 4], [0, 5], [4, 5], [4, 9]]);
    }
}
