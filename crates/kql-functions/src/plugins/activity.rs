//! Activity of users in windows of time: how many there are, new ones, and who stays.

use std::collections::BTreeMap;

use super::sliding::{Counts, counts};
use super::timeline::{Period, Steps, Subject, input};
use super::{Call, Plugin, Refusal, Row};
use crate::{Type, Val};

pub(super) const PLUGINS: &[Plugin] = &[
    Plugin {
        name: "activity_counts_metrics",
        columns: |call| Metrics::bounded(call)?.subject.columns(call, COUNTS),
        rows: activity_counts_metrics,
        ordered: false,
        table_key: None,
    },
    Plugin {
        name: "activity_metrics",
        columns: |call| Metrics::of(call)?.subject.columns(call, METRICS),
        rows: activity_metrics,
        ordered: false,
        table_key: None,
    },
    Plugin {
        name: "activity_engagement",
        columns: |call| Engagement::of(call)?.subject.columns(call, ENGAGEMENT),
        rows: activity_engagement,
        ordered: false,
        table_key: None,
    },
    Plugin {
        name: "sliding_window_counts",
        columns: |call| SlidingCounts::of(call)?.subject.columns(call, SLIDING),
        rows: sliding_window_counts,
        ordered: false,
        table_key: None,
    },
];

const COUNTS: &[(&str, Type)] =
    &[("count", Type::Long), ("dcount", Type::Long), ("new_dcount", Type::Long), ("aggregated_dcount", Type::Long)];
const METRICS: &[(&str, Type)] = &[
    ("dcount_values", Type::Long),
    ("dcount_newvalues", Type::Long),
    ("retention_rate", Type::Real),
    ("churn_rate", Type::Real),
];
const ENGAGEMENT: &[(&str, Type)] =
    &[("dcount_activities_inner", Type::Long), ("dcount_activities_outer", Type::Long), ("activity_ratio", Type::Real)];
const SLIDING: &[(&str, Type)] = &[("Count", Type::Long), ("Dcount", Type::Long)];

/// `(IdColumn, TimelineColumn, [Start, End,] Step, dimensions…)`
struct Metrics {
    subject: Subject,
    period: Period,
    steps: Steps,
}

impl Metrics {
    /// Start and end are optional: without them all rows count, and windows are multiples of the step.
    fn of(call: &Call<'_>) -> Result<Metrics, Refusal> {
        if call.value(2).is_some() && call.value(3).is_none() {
            let subject = Subject::of(call, 3)?;
            let steps = Steps::of(call, 2, subject.axis, 0)?;
            return Ok(Metrics { subject, period: Period::ALL, steps });
        }
        Metrics::bounded(call)
    }

    fn bounded(call: &Call<'_>) -> Result<Metrics, Refusal> {
        let subject = Subject::of(call, 5)?;
        let period = Period::of(call, 2, subject.axis)?;
        let steps = Steps::of(call, 4, subject.axis, period.start)?;
        Ok(Metrics { subject, period, steps })
    }
}

/// For each window and combination of dimensions that has rows: the rows, the distinct ids, those of them that no
/// window before had, and the distinct ids of this and all windows before. The first window begins at the start.
fn activity_counts_metrics(call: &Call<'_>, tables: &[Vec<Row<'_>>]) -> Result<Vec<Row<'static>>, Refusal> {
    #[derive(Default)]
    struct Window {
        rows: i64,
        ids: i64,
        new: i64,
    }
    let Metrics { subject, period, steps } = Metrics::bounded(call)?;
    let events = subject.events(input(tables), |at| period.contains(at))?;
    let mut windows: BTreeMap<(i128, u32), Window> = BTreeMap::new();
    for event in &events.all {
        windows.entry((steps.bin(event.at), event.group)).or_default().rows += 1;
    }
    for visits in events.visits(steps).chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        for (nth, (group, _, start)) in visits.iter().enumerate() {
            let window = windows.entry((*start, *group)).or_default();
            window.ids += 1;
            window.new += i64::from(nth == 0);
        }
    }
    let mut totals: BTreeMap<u32, i64> = BTreeMap::new();
    let row = |((start, group), window): ((i128, u32), Window)| {
        let total = totals.entry(group).or_default();
        *total += window.new;
        let measures = [window.rows, window.ids, window.new, *total].map(Val::Long);
        events.groups.row([subject.axis.value(start)], group, measures)
    };
    Ok(windows.into_iter().map(row).collect())
}

/// For each window and combination of dimensions that has ids: how many, how many of them the window just before had
/// not, and which part of the ids of that window has stayed or is gone. Where the window before has no ids, all of
/// nothing has stayed: retention is 1 and churn 0, as the engine answers.
fn activity_metrics(call: &Call<'_>, tables: &[Vec<Row<'_>>]) -> Result<Vec<Row<'static>>, Refusal> {
    #[derive(Default)]
    struct Window {
        ids: i64,
        retained: i64,
    }
    let Metrics { subject, period, steps } = Metrics::of(call)?;
    let events = subject.events(input(tables), |at| period.contains(at))?;
    let mut windows: BTreeMap<(i128, u32), Window> = BTreeMap::new();
    for visits in events.visits(steps).chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let mut due = None;
        for (group, _, start) in visits {
            let window = windows.entry((*start, *group)).or_default();
            window.ids += 1;
            window.retained += i64::from(due == Some(*start));
            due = Some(steps.next(*start));
        }
    }
    // The window that follows the last one of each group, and the ids of that last one.
    let mut before: BTreeMap<u32, (i128, i64)> = BTreeMap::new();
    let row = |((start, group), window): ((i128, u32), Window)| {
        let last = before.insert(group, (steps.next(start), window.ids));
        let (retention, churn) = match last {
            Some((due, ids)) if due == start => {
                let retention = window.retained as f64 / ids as f64;
                (retention, 1.0 - retention)
            }
            _ => (1.0, 0.0),
        };
        let new = window.ids - window.retained;
        let measures = [Val::Long(window.ids), Val::Long(new), Val::Real(retention), Val::Real(churn)];
        events.groups.row([subject.axis.value(start)], group, measures)
    };
    Ok(windows.into_iter().map(row).collect())
}

/// `(IdColumn, TimelineColumn, [Start, End,] InnerActivityWindow, OuterActivityWindow, dimensions…)`
struct Engagement {
    subject: Subject,
    period: Period,
    inner: Steps,
    outer: i128,
}

impl Engagement {
    fn of(call: &Call<'_>) -> Result<Engagement, Refusal> {
        let bounded = call.value(4).is_some();
        let at = if bounded { 4 } else { 2 };
        let subject = Subject::of(call, at + 2)?;
        let period = if bounded { Period::of(call, 2, subject.axis)? } else { Period::ALL };
        let origin = if bounded { period.start } else { 0 };
        let inner = Steps::of(call, at, subject.axis, origin)?;
        let outer = subject.axis.constant_length(call, at + 1)?;
        Ok(Engagement { subject, period, inner, outer })
    }
}

/// For each inner window, the distinct ids in it, those of the outer window that ends with it, and their ratio.
fn activity_engagement(call: &Call<'_>, tables: &[Vec<Row<'_>>]) -> Result<Vec<Row<'static>>, Refusal> {
    let Engagement { subject, period, inner, outer } = Engagement::of(call)?;
    let events = subject.events(input(tables), |at| period.contains(at))?;
    // Without an end, the last row is it.
    let last = events.all.iter().map(|e| e.at).max().unwrap_or_default();
    let period = if period.is_all() { Period { end: last, ..period } } else { period };
    let windows = counts(&events, inner, inner.whole(outer), period)?;
    let row = |c: &Counts| {
        let ratio = c.newest as f64 / c.ids as f64;
        let measures = [Val::Long(c.newest), Val::Long(c.ids), Val::Real(ratio)];
        events.groups.row([subject.axis.value(c.at)], c.group, measures)
    };
    Ok(windows.iter().filter(|c| c.ids > 0).map(row).collect())
}

/// `(IdColumn, TimelineColumn, Start, End, LookbackWindow, Bin, dimensions…)`
struct SlidingCounts {
    subject: Subject,
    period: Period,
    steps: Steps,
    lookback: i128,
}

impl SlidingCounts {
    fn of(call: &Call<'_>) -> Result<SlidingCounts, Refusal> {
        let subject = Subject::of(call, 6)?;
        let period = Period::of(call, 2, subject.axis)?;
        let steps = Steps::of(call, 5, subject.axis, period.start)?;
        let lookback = steps.whole(subject.axis.constant_length(call, 4)?);
        Ok(SlidingCounts { subject, period, steps, lookback })
    }
}

/// For each step of the period, the rows and distinct ids of the window that ends with it; windows reach before the
/// start. Source: <https://learn.microsoft.com/kusto/query/sliding-window-counts-plugin>.
fn sliding_window_counts(call: &Call<'_>, tables: &[Vec<Row<'_>>]) -> Result<Vec<Row<'static>>, Refusal> {
    let SlidingCounts { subject, period, steps, lookback } = SlidingCounts::of(call)?;
    let first = steps.bin(period.start) - lookback;
    let events = subject.events(input(tables), |at| at <= period.end && steps.bin(at) > first)?;
    let windows = counts(&events, steps, lookback, period)?;
    let row = |c: &Counts| events.groups.row([subject.axis.value(c.at)], c.group, [c.rows, c.ids].map(Val::Long));
    Ok(windows.iter().map(row).collect())
}
