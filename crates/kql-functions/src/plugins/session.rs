//! Sessions of users, and users that are active often.

use std::collections::{BTreeMap, VecDeque};

use super::timeline::{Period, Steps, Subject, input};
use super::{Call, Plugin, Refusal, Row};
use crate::{Type, Val};

pub(super) const PLUGINS: &[Plugin] = &[
    Plugin {
        name: "session_count",
        columns: |call| Sessions::of(call)?.subject.columns(call, &[("count_sessions", Type::Long)]),
        rows: session_count,
        ordered: false,
        table_key: None,
    },
    Plugin {
        name: "active_users_count",
        columns: |call| Active::of(call)?.subject.columns(call, &[("dcount", Type::Long)]),
        rows: active_users_count,
        ordered: false,
        table_key: None,
    },
];

/// `(IdColumn, TimelineColumn, Start, End, Bin, LookBackWindow, dimensions…)`
struct Sessions {
    subject: Subject,
    period: Period,
    steps: Steps,
    lookback: i128,
}

impl Sessions {
    fn of(call: &Call<'_>) -> Result<Sessions, Refusal> {
        let subject = Subject::of(call, 6)?;
        let period = Period::of(call, 2, subject.axis)?;
        // Windows are multiples of the bin, wherever the period starts.
        let steps = Steps::of(call, 4, subject.axis, 0)?;
        let lookback = subject.axis.constant_length(call, 5)?;
        Ok(Sessions { subject, period, steps, lookback })
    }
}

/// For each window and combination of dimensions, the sessions that begin in it: the rows of an id whose last row before
/// is as far away as the lookback, or further. Rows just before the start count as last ones.
/// Source: <https://learn.microsoft.com/kusto/query/session-count-plugin>.
fn session_count(call: &Call<'_>, tables: &[Vec<Row<'_>>]) -> Result<Vec<Row<'static>>, Refusal> {
    let Sessions { subject, period, steps, lookback } = Sessions::of(call)?;
    let events = subject.events(input(tables), |at| at > period.start - lookback && at <= period.end)?;
    let appearances = events.appearances();
    let mut windows: BTreeMap<(i128, u32), i64> = BTreeMap::new();
    for visits in appearances.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let mut before: Option<i128> = None;
        for (group, _, at) in visits {
            let is_new = before.is_none_or(|before| at - before >= lookback);
            if *at >= period.start {
                *windows.entry((steps.bin(*at), *group)).or_default() += i64::from(is_new);
            }
            before = Some(*at);
        }
    }
    let row = |((start, group), count)| events.groups.row([subject.axis.value(start)], group, [Val::Long(count)]);
    Ok(windows.into_iter().map(row).collect())
}

/// `(IdColumn, TimelineColumn, Start, End, LookbackWindow, Period, ActivePeriodsCount, Bin, dimensions…)`
struct Active {
    subject: Subject,
    period: Period,
    lookback: i128,
    /// What counts as one appearance.
    appearance: Steps,
    least: usize,
    steps: Steps,
}

impl Active {
    fn of(call: &Call<'_>) -> Result<Active, Refusal> {
        let subject = Subject::of(call, 8)?;
        let period = Period::of(call, 2, subject.axis)?;
        let lookback = subject.axis.constant_length(call, 4)?;
        let appearance = Steps::of(call, 5, subject.axis, period.start)?;
        let least = usize::try_from(call.long(6)?).map_err(|_| Refusal::of(6, "A count of periods expected."))?;
        let steps = Steps::of(call, 7, subject.axis, period.start)?;
        Ok(Active { subject, period, lookback, appearance, least, steps })
    }
}

/// For each step of the period and combination of dimensions that has some, the distinct ids with a row there that at
/// its time had appeared in so many distinct periods of the lookback. The lookback of a row excludes its start, and
/// reaches before the start of the analysis. Source: <https://learn.microsoft.com/kusto/query/active-users-count-plugin>.
fn active_users_count(call: &Call<'_>, tables: &[Vec<Row<'_>>]) -> Result<Vec<Row<'static>>, Refusal> {
    let Active { subject, period, lookback, appearance, least, steps } = Active::of(call)?;
    let events = subject.events(input(tables), |at| at > period.start - lookback && at <= period.end)?;
    let appearances = events.appearances();
    let mut windows: BTreeMap<(i128, u32), i64> = BTreeMap::new();
    for visits in appearances.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        // The periods of the lookback that it appeared in, with the last time in each.
        let mut periods: VecDeque<(i128, i128)> = VecDeque::new();
        let mut counted = None;
        for (group, _, at) in visits {
            let start = appearance.bin(*at);
            match periods.back_mut() {
                Some((known, last)) if *known == start => *last = *at,
                _ => periods.push_back((start, *at)),
            }
            while periods.front().is_some_and(|(_, last)| *last <= at - lookback) {
                periods.pop_front();
            }
            let step = steps.bin(*at);
            if *at >= period.start && periods.len() >= least && counted != Some(step) {
                *windows.entry((step, *group)).or_default() += 1;
                counted = Some(step);
            }
        }
    }
    let row = |((start, group), count)| events.groups.row([subject.axis.value(start)], group, [Val::Long(count)]);
    Ok(windows.into_iter().map(row).collect())
}
