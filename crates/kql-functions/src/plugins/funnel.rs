//! Sequences of states that users went through.
//!
//! Of both plugins Microsoft documents what they count, not how a sequence is found among other states. Here the steps
//! of a sequence need not follow each other directly; rows at the same time are in the order of the input.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::timeline::{Event, Events, Period, Steps, Subject, input, no_more, scalar_column};
use super::{Call, Field, Plugin, Refusal, Row, field};
use crate::cast::{parse_as, to_text, tree_text};
use crate::{Dynamic, Type, Val, interrupt};

pub(super) const PLUGINS: &[Plugin] = &[
    Plugin {
        name: "funnel_sequence",
        columns: |call| Sequence::of(call)?.columns(call, &["prev", "next"]),
        rows: |call, tables| around(call, tables, true, true),
        ordered: false,
        table_key: None,
    },
    Plugin {
        name: "funnel_sequence_completion",
        columns: |call| Completion::of(call)?.columns(call),
        rows: completion,
        ordered: true,
        table_key: None,
    },
];

/// The second and third table of `funnel_sequence`.
pub(super) const MORE_OF_SEQUENCE: &[Plugin] = &[
    Plugin {
        name: "funnel_sequence",
        columns: |call| Sequence::of(call)?.columns(call, &["prev"]),
        rows: |call, tables| around(call, tables, true, false),
        ordered: false,
        table_key: None,
    },
    Plugin {
        name: "funnel_sequence",
        columns: |call| Sequence::of(call)?.columns(call, &["next"]),
        rows: |call, tables| around(call, tables, false, true),
        ordered: false,
        table_key: None,
    },
];

/// So many ids are samples at most.
const SAMPLES: usize = 128;

/// `(IdColumn, TimelineColumn, Start, End, MaxSequenceStepWindow, Step, StateColumn, Sequence)`
struct Sequence {
    subject: Subject,
    period: Period,
    /// The greatest distance between two steps of the sequence, and to the states around it.
    distance: i128,
    steps: Steps,
    state: usize,
    sequence: Vec<String>,
}

impl Sequence {
    fn of(call: &Call<'_>) -> Result<Sequence, Refusal> {
        no_more(call, 8)?;
        let subject = Subject::of(call, 8)?;
        let period = Period::of(call, 2, subject.axis)?;
        let distance = subject.axis.constant_length(call, 4)?;
        let steps = Steps::of(call, 5, subject.axis, period.start)?;
        let state = scalar_column(call, 6)?;
        let sequence = array(call, 7)?.iter().map(tree_text).collect();
        Ok(Sequence { subject, period, distance, steps, state, sequence })
    }

    fn columns(&self, call: &Call<'_>, states: &[&str]) -> Result<Vec<Field>, Refusal> {
        let (_, ty) = call.field(6)?;
        let mut columns = self.subject.columns(call, &[])?;
        columns.extend(states.iter().map(|name| field(name, *ty)));
        columns.extend([field("dcount", Type::Long), field("samples", Type::Dynamic)]);
        Ok(columns)
    }
}

/// The elements of the constant array that is argument `at`.
fn array(call: &Call<'_>, at: usize) -> Result<Vec<Dynamic>, Refusal> {
    match call.value(at).map(|(value, _)| value.to_tree()) {
        Some(Dynamic::Array(items)) if !items.is_empty() => Ok(items),
        _ => Err(Refusal::of(at, "A constant array with at least one element expected.")),
    }
}

/// The rows of each id by time, with the number of their state.
fn by_id(events: &Events) -> Vec<(u32, Event)> {
    let mut rows: Vec<(u32, Event)> = events.all.iter().filter_map(|e| Some((e.id?, *e))).collect();
    rows.sort_by_key(|(id, e)| (*id, e.at));
    rows
}

/// Neighbouring rows of an id with the same state, not further apart than the distance.
struct Run<'r> {
    state: std::borrow::Cow<'r, str>,
    /// A row of it.
    row: usize,
    start: i128,
    end: i128,
}

/// For each window and the states just before and after the sequence: the distinct ids that went through the sequence
/// between them, and some of those ids. A sequence is in the window that it begins in; a state is just before or after
/// it if it is not further away than a step may be.
/// Source: <https://learn.microsoft.com/kusto/query/funnel-sequence-plugin>.
fn around(call: &Call<'_>, tables: &[Vec<Row<'_>>], prev: bool, next: bool) -> Result<Vec<Row<'static>>, Refusal> {
    #[derive(Default)]
    struct Found {
        ids: HashSet<u32>,
        samples: Vec<Dynamic>,
        /// Rows that have the states.
        states: Vec<Option<usize>>,
    }
    let spec = Sequence::of(call)?;
    let id_column = call.column(0)?;
    let rows = input(tables);
    let value = |row: usize, place: usize| rows.get(row).and_then(|r| r.get(place));
    let events = spec.subject.events(rows, |at| spec.period.contains(at))?;
    let ids = by_id(&events);
    let mut found: BTreeMap<(i128, Vec<String>), Found> = BTreeMap::new();
    for (number, rows) in ids.chunk_by(|a, b| a.0 == b.0).enumerate() {
        interrupt::check_at(number)?;
        let mut runs: Vec<Run<'_>> = Vec::new();
        for (_, event) in rows {
            let state = value(event.row, spec.state).map(to_text).unwrap_or_default();
            match runs.last_mut() {
                Some(run) if run.state == state && event.at - run.end <= spec.distance => run.end = event.at,
                _ => runs.push(Run { state, row: event.row, start: event.at, end: event.at }),
            }
        }
        for (first, last) in occurrences(&runs, &spec.sequence, spec.distance) {
            let Some(start) = runs.get(first).map(|run| run.start) else { continue };
            let near = |a: &Run<'_>, b: &Run<'_>| b.start - a.end <= spec.distance;
            let mut states = Vec::new();
            if prev {
                let pair = first.checked_sub(1).and_then(|before| runs.get(before).zip(runs.get(first)));
                states.push(pair.filter(|(a, b)| near(a, b)).map(|(a, _)| a));
            }
            if next {
                let pair = runs.get(last).zip(runs.get(last + 1));
                states.push(pair.filter(|(a, b)| near(a, b)).map(|(_, b)| b));
            }
            let texts = states.iter().map(|run| run.map(|r| r.state.to_string()).unwrap_or_default()).collect();
            let found = found.entry((spec.steps.bin(start), texts)).or_insert_with(|| Found {
                states: states.iter().map(|run| run.map(|r| r.row)).collect(),
                ..Found::default()
            });
            let Some((id, event)) = rows.first() else { continue };
            if found.ids.insert(*id) && found.samples.len() < SAMPLES {
                found.samples.extend(value(event.row, id_column).map(Val::to_tree));
            }
        }
    }
    let missing = Val::missing(call.field(6)?.1);
    let mut found: Vec<((i128, Vec<String>), Found)> = found.into_iter().collect();
    found.sort_by_key(|((start, _), found)| (*start, std::cmp::Reverse(found.ids.len())));
    let row = |((start, _), found): ((i128, Vec<String>), Found)| {
        let mut row = vec![spec.subject.axis.value(start)];
        let state = |at: Option<usize>| {
            at.and_then(|at| value(at, spec.state)).cloned().map_or_else(|| missing.clone(), Val::into_owned)
        };
        row.extend(found.states.into_iter().map(state));
        row.extend([Val::Long(found.ids.len() as i64), Val::dynamic(&Dynamic::Array(found.samples))]);
        row
    };
    Ok(found.into_iter().map(row).collect())
}

/// The first and last run of each time that the sequence was gone through. Each step takes the latest way there is to
/// the step before it; what has been part of one time is not part of another.
fn occurrences(runs: &[Run<'_>], sequence: &[String], distance: i128) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    // For each step: the runs with which the latest way to it began and ended.
    let mut ways: Vec<Option<(usize, usize)>> = vec![None; sequence.len()];
    for (at, run) in runs.iter().enumerate() {
        for step in (0..sequence.len()).rev() {
            if sequence.get(step).is_none_or(|state| *state != run.state) {
                continue;
            }
            let first = match step.checked_sub(1) {
                None => Some(at),
                Some(before) => ways.get(before).copied().flatten().and_then(|(first, last)| {
                    let near = runs.get(last).is_some_and(|last| run.start - last.end <= distance);
                    near.then_some(first)
                }),
            };
            if let (Some(first), Some(way)) = (first, ways.get_mut(step)) {
                *way = Some((first, at));
            }
        }
        if let Some(way) = ways.last().copied().flatten() {
            found.push(way);
            ways.fill(None);
        }
    }
    found
}

/// `(IdColumn, TimelineColumn, Start, End, Step, StateColumn, Sequence, MaxSequenceStepWindows)`
struct Completion {
    subject: Subject,
    period: Period,
    steps: Steps,
    state: usize,
    sequence: Vec<String>,
    /// The greatest distances between the first step and any other.
    distances: Vec<i128>,
}

impl Completion {
    fn of(call: &Call<'_>) -> Result<Completion, Refusal> {
        no_more(call, 8)?;
        let subject = Subject::of(call, 8)?;
        let period = Period::of(call, 2, subject.axis)?;
        let steps = Steps::of(call, 4, subject.axis, period.start)?;
        let state = scalar_column(call, 5)?;
        let sequence = array(call, 6)?.iter().map(tree_text).collect();
        let length = |tree: &Dynamic| {
            let value = match tree {
                Dynamic::Long(v) => Val::Long(*v),
                Dynamic::Real(v) => Val::Real(*v),
                Dynamic::Decimal(v) => Val::Decimal(*v),
                Dynamic::Timespan(v) => Val::Timespan(*v),
                Dynamic::String(text) => parse_as(text, subject.axis.length_type())?,
                _ => return None,
            };
            subject.axis.length(&value).filter(|length| *length >= 0)
        };
        let distances: Option<Vec<i128>> = array(call, 7)?.iter().map(length).collect();
        let ty = subject.axis.length_type();
        let distances = distances.ok_or_else(|| Refusal::of(7, format!("An array of type {ty} expected.")))?;
        Ok(Completion { subject, period, steps, state, sequence, distances })
    }

    fn columns(&self, call: &Call<'_>) -> Result<Vec<Field>, Refusal> {
        let (state, _) = call.field(5)?;
        let measures =
            [(state.as_str(), Type::String), ("Period", self.subject.axis.length_type()), ("dcount", Type::Long)];
        self.subject.columns(call, &measures)
    }
}

/// For each window in which the sequence begins, each distance and each step: the distinct ids that got from the first
/// step to this one within the distance.
/// Source: <https://learn.microsoft.com/kusto/query/funnel-sequence-completion-plugin>.
fn completion(call: &Call<'_>, tables: &[Vec<Row<'_>>]) -> Result<Vec<Row<'static>>, Refusal> {
    let spec = Completion::of(call)?;
    let rows = input(tables);
    let events = spec.subject.events(rows, |at| spec.period.contains(at))?;
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (step, state) in spec.sequence.iter().enumerate().rev() {
        places.entry(state.as_str()).or_default().push(step);
    }
    let ids = by_id(&events);
    let mut found: BTreeMap<(i128, usize), Vec<i64>> = BTreeMap::new();
    for (at, distance) in spec.distances.iter().enumerate() {
        for (number, rows_of_id) in ids.chunk_by(|a, b| a.0 == b.0).enumerate() {
            interrupt::check_at(number)?;
            let mut ways = Ways::new(spec.sequence.len(), *distance);
            for (_, event) in rows_of_id {
                let state = rows.get(event.row).and_then(|row| row.get(spec.state)).map(to_text).unwrap_or_default();
                for step in places.get(&*state).map(Vec::as_slice).unwrap_or_default() {
                    ways.take(*step, event.at, spec.steps.bin(event.at));
                }
            }
            for (window, step) in ways.reached {
                let counts = found.entry((window, at)).or_insert_with(|| vec![0; spec.sequence.len()]);
                counts.get_mut(step).into_iter().for_each(|count| *count += 1);
            }
        }
    }
    let length = |at: usize| {
        let point = spec.distances.get(at).copied().unwrap_or_default();
        spec.subject.axis.length_value(point)
    };
    let rows = found.into_iter().flat_map(|((window, at), counts)| {
        let of_step = |(state, count): (&String, i64)| {
            vec![spec.subject.axis.value(window), Val::str(state.clone()), length(at), Val::Long(count)]
        };
        spec.sequence.iter().zip(counts).map(of_step).collect::<Vec<_>>()
    });
    Ok(rows.collect())
}

/// The ways of one id through a sequence.
struct Ways {
    distance: i128,
    /// For each step, windows in which a way to it began, and the latest such beginning; by window.
    latest: Vec<BTreeMap<i128, i128>>,
    /// Windows and steps that were reached from there.
    reached: HashSet<(i128, usize)>,
}

impl Ways {
    fn new(steps: usize, distance: i128) -> Ways {
        Ways { distance, latest: vec![BTreeMap::new(); steps], reached: HashSet::new() }
    }

    /// The id is at a step; of one row, later steps come first.
    fn take(&mut self, step: usize, at: i128, window: i128) {
        let begun = match step.checked_sub(1) {
            None => BTreeMap::from([(window, at)]),
            Some(before) => {
                let Some(ways) = self.latest.get_mut(before) else { return };
                ways.retain(|_, start| at - *start <= self.distance);
                ways.clone()
            }
        };
        let Some(latest) = self.latest.get_mut(step) else { return };
        for (window, start) in begun {
            self.reached.insert((window, step));
            let known = latest.entry(window).or_insert(start);
            *known = start.max(*known);
        }
    }
}
