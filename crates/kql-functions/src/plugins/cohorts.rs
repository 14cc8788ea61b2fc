//! Which of the users that were new in a window of time came again later.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use super::timeline::{Groups, Period, Steps, Subject, fits, input};
use super::{Arg, Call, Field, Plugin, Refusal, Row, field};
use crate::{Type, Val};

pub(super) const PLUGINS: &[Plugin] =
    &[Plugin { name: "new_activity_metrics", columns, rows, ordered: false, table_key: None }];

/// `(IdColumn, TimelineColumn, Start, End, Window, [Cohort,] dimensions…, [Lookback])`
struct Cohorts {
    subject: Subject,
    period: Period,
    steps: Steps,
    /// The start of the only cohort that is asked for.
    only: Option<i128>,
    lookback: Option<Lookback>,
}

/// A table of ids that are not new.
struct Lookback {
    table: usize,
    id: usize,
    /// Its columns of the dimensions, if it has them all; else its ids are not new in any of their combinations.
    dimensions: Option<Vec<usize>>,
}

impl Cohorts {
    fn of(call: &Call<'_>) -> Result<Cohorts, Refusal> {
        let (end, table) = match call.args.split_last() {
            Some((Arg::Table(table), before)) => (before.len(), Some(*table)),
            _ => (call.args.len(), None),
        };
        let has_cohort = call.value(5).is_some();
        let subject = Subject::with_dimensions(call, if has_cohort { 6 } else { 5 }, end.max(5))?;
        let period = Period::of(call, 2, subject.axis)?;
        let steps = Steps::of(call, 4, subject.axis, period.start)?;
        let only = if has_cohort { Some(steps.bin(subject.axis.constant(call, 5)?)) } else { None };
        let lookback = table.map(|table| Lookback::of(call, table, end, &subject)).transpose()?;
        Ok(Cohorts { subject, period, steps, only, lookback })
    }
}

impl Lookback {
    fn of(call: &Call<'_>, table: usize, at: usize, subject: &Subject) -> Result<Lookback, Refusal> {
        let columns = call.tables.get(table).map(Vec::as_slice).unwrap_or_default();
        let place = |name: &str| columns.iter().position(|(n, _)| n == name);
        let (id, dimensions) = subject.names(call);
        let id = id.and_then(place).ok_or_else(|| {
            Refusal::of(at, format!("The table has no column '{}', which holds the ids.", id.unwrap_or_default()))
        })?;
        // The input is the first of the tables whose rows are given.
        Ok(Lookback { table: table + 1, id, dimensions: dimensions.into_iter().map(place).collect() })
    }
}

fn columns(call: &Call<'_>) -> Result<Vec<Field>, Refusal> {
    let subject = Cohorts::of(call)?.subject;
    let (time, ty) = call.field(1)?;
    let measures = [
        ("dcount_new_values", Type::Long),
        ("dcount_retained_values", Type::Long),
        ("dcount_churn_values", Type::Long),
        ("retention_rate", Type::Real),
        ("churn_rate", Type::Real),
    ];
    let mut columns = vec![field(&format!("from_{time}"), *ty), field(&format!("to_{time}"), *ty)];
    columns.extend(subject.columns(call, &measures)?.into_iter().skip(1));
    Ok(columns)
}

/// For each pair of windows of the period and combination of dimensions: of the ids that were first seen in the one
/// window (its cohort), how many were in the other; and how many were in the other that had not been seen up to the
/// one. Rates of an empty cohort are NaN. Source: <https://learn.microsoft.com/kusto/query/new-activity-metrics-plugin>.
fn rows(call: &Call<'_>, tables: &[Vec<Row<'_>>]) -> Result<Vec<Row<'static>>, Refusal> {
    let Cohorts { subject, period, steps, only, lookback } = Cohorts::of(call)?;
    let starts = steps.starts(period)?;
    let events = subject.events(input(tables), |at| period.contains(at))?;
    let last = starts.len().saturating_sub(1);
    let cohorts = match only {
        None => 0..=last,
        Some(start) => match starts.binary_search(&start) {
            Ok(at) => at..=at,
            Err(_) => return Ok(Vec::new()),
        },
    };
    // Rows times groups; a half of the square is empty.
    fits(cohorts.clone().count().saturating_mul(starts.len()).saturating_mul(events.groups.len()) / 2)?;

    let mut known: HashSet<(Option<u32>, u32)> = HashSet::new();
    if let Some(lookback) = lookback {
        for row in tables.get(lookback.table).map(Vec::as_slice).unwrap_or_default() {
            let Some(id) = row.get(lookback.id).and_then(|v| events.ids.find(v)) else { continue };
            match &lookback.dimensions {
                None => {
                    known.insert((None, id));
                }
                Some(places) => known.extend(events.groups.find(row, places).map(|group| (Some(group), id))),
            }
        }
    }

    let visits = events.visits(steps);
    let mut rows = Vec::new();
    for group in visits.chunk_by(|a, b| a.0 == b.0) {
        let Some((number, ..)) = group.first() else { continue };
        let mut matrix = Matrix::new(cohorts.clone(), starts.len());
        for id in group.chunk_by(|a, b| a.1 == b.1) {
            let is_known = id
                .first()
                .is_some_and(|(group, id, _)| known.contains(&(None, *id)) || known.contains(&(Some(*group), *id)));
            if !is_known {
                matrix.add(id.iter().filter_map(|(.., start)| starts.binary_search(start).ok()));
            }
        }
        let begin = rows.len();
        let value = |at: usize| starts.get(at).map_or(Val::Null, |start| subject.axis.value(*start));
        matrix.each_backwards(|from, to, measures| {
            rows.push(row(&events.groups, [value(from), value(to)], *number, measures));
        });
        if let Some(rows) = rows.get_mut(begin..) {
            rows.reverse();
        }
    }
    Ok(rows)
}

struct Measures {
    cohort: i64,
    retained: i64,
    new: i64,
}

fn row(groups: &Groups, starts: [Val<'static>; 2], group: u32, measures: Measures) -> Row<'static> {
    let Measures { cohort, retained, new } = measures;
    let churn = cohort - retained;
    let rate = |part: i64| Val::Real(part as f64 / cohort as f64);
    groups.row(starts, group, [Val::Long(new), Val::Long(retained), Val::Long(churn), rate(retained), rate(churn)])
}

/// How many of each cohort were in each window.
struct Matrix {
    cohorts: RangeInclusive<usize>,
    windows: usize,
    retained: Vec<i64>,
    /// Ids of later cohorts in each window.
    later: Vec<i64>,
}

impl Matrix {
    fn new(cohorts: RangeInclusive<usize>, windows: usize) -> Matrix {
        let cells = cohorts.clone().count() * windows;
        Matrix { cohorts, windows, retained: vec![0; cells], later: vec![0; windows] }
    }

    fn place(&self, cohort: usize, window: usize) -> usize {
        (cohort - self.cohorts.start()) * self.windows + window
    }

    /// The windows of one id, in order: the first one is its cohort.
    fn add(&mut self, windows: impl Iterator<Item = usize>) {
        let mut cohort = None;
        for window in windows {
            let cohort = *cohort.get_or_insert(window);
            let cell = if self.cohorts.contains(&cohort) {
                let place = self.place(cohort, window);
                self.retained.get_mut(place)
            } else if cohort > *self.cohorts.end() {
                self.later.get_mut(window)
            } else {
                None
            };
            cell.into_iter().for_each(|cell| *cell += 1);
        }
    }

    /// From the last cohort and window to the first.
    fn each_backwards(&mut self, mut show: impl FnMut(usize, usize, Measures)) {
        for from in self.cohorts.clone().rev() {
            let begin = self.place(from, 0);
            let cohort_of = self.retained.get(begin..begin + self.windows).unwrap_or_default();
            let cell = |to: usize| cohort_of.get(to).copied().unwrap_or_default();
            let cohort = cell(from);
            for to in (from..self.windows).rev() {
                let retained = cell(to);
                let Some(later) = self.later.get_mut(to) else { continue };
                show(from, to, Measures { cohort, retained, new: if to == from { cohort } else { *later } });
                *later += retained;
            }
        }
    }
}
