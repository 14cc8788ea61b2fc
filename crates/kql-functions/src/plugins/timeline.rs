//! What the plugins of user analytics share: the values of a timeline as whole numbers, its windows, and rows as events.
//!
//! Their first two arguments are the column of ids, whose distinct values are counted, and that of the timeline: a
//! number, a datetime or a timespan. Rows without a place on the timeline are left out. Null ids are no ids, so they
//! are not counted as distinct values.

use std::collections::HashMap;

use super::{Call, Field, Refusal, Row};
use crate::aggregates::distinct_key;
use crate::families::{start_of_month, start_of_week, start_of_year};
use crate::{DECIMAL_SCALE, EvalError, Type, Val, calendar, interrupt};

/// A result of more rows than this is refused: the step is too small for the period.
const MOST_ROWS: usize = 10_000_000;

/// Points of a timeline are below this, so that sums of a few of them fit into i128.
const FAR: i128 = 1 << 120;

/// Values of a summable type as points on a line of whole numbers: integers, ticks, or units of 10^-12 of reals and
/// decimals.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    ty: Type,
}

impl Axis {
    /// The axis of a column's type.
    pub(super) fn of(call: &Call<'_>, at: usize) -> Result<Axis, Refusal> {
        let (_, ty) = call.field(at)?;
        if ty.is_summable() {
            Ok(Axis { ty: *ty })
        } else {
            Err(Refusal::of(at, "A column of type number, datetime or timespan expected."))
        }
    }

    /// Where a value is; `None` for null and what is of another kind.
    pub(super) fn point(self, value: &Val<'_>) -> Option<i128> {
        let point = match (self.ty, value) {
            (Type::Int | Type::Long, _) => value.as_i64().map(i128::from),
            (Type::Real | Type::Decimal, Val::Decimal(units)) => Some(*units),
            (Type::Real | Type::Decimal, Val::Int(_) | Val::Long(_)) => value.as_i64().map(|v| i128::from(v) * one()),
            (Type::Real | Type::Decimal, Val::Real(v)) => v.is_finite().then(|| (v * one() as f64).round() as i128),
            (Type::DateTime, Val::DateTime(ticks)) | (Type::Timespan, Val::Timespan(ticks)) => Some(i128::from(*ticks)),
            _ => None,
        };
        point.filter(|p| p.abs() < FAR)
    }

    /// The length of a distance, in the same units.
    pub(super) fn length(self, value: &Val<'_>) -> Option<i128> {
        match (self.ty, value) {
            (Type::DateTime, Val::Timespan(ticks)) => Some(i128::from(*ticks)),
            (Type::DateTime, _) => None,
            _ => self.point(value),
        }
    }

    /// The value at a point; null where the type does not reach.
    pub(super) fn value(self, point: i128) -> Val<'static> {
        let long = i64::try_from(point).ok();
        let value = match self.ty {
            Type::Int => i32::try_from(point).ok().map(Val::Int),
            Type::Long => long.map(Val::Long),
            Type::Real => Some(Val::Real(point as f64 / one() as f64)),
            Type::Decimal => Some(Val::Decimal(point)),
            Type::DateTime => calendar::in_range(point).map(Val::DateTime),
            Type::Timespan => long.map(Val::Timespan),
            _ => None,
        };
        value.unwrap_or(Val::Null)
    }

    /// The type of a distance between two values.
    pub(super) fn length_type(self) -> Type {
        if self.ty == Type::DateTime { Type::Timespan } else { self.ty }
    }

    /// The distance of a length.
    pub(super) fn length_value(self, length: i128) -> Val<'static> {
        Axis { ty: self.length_type() }.value(length)
    }

    /// The constant point that is argument `at`.
    pub(super) fn constant(self, call: &Call<'_>, at: usize) -> Result<i128, Refusal> {
        let point = call.value(at).and_then(|(value, _)| self.point(value));
        point.ok_or_else(|| Refusal::of(at, format!("A constant of type {} expected.", self.ty)))
    }

    /// The constant positive distance that is argument `at`.
    pub(super) fn constant_length(self, call: &Call<'_>, at: usize) -> Result<i128, Refusal> {
        let length = call.value(at).and_then(|(value, _)| self.length(value)).filter(|length| *length > 0);
        length.ok_or_else(|| Refusal::of(at, format!("A positive constant of type {} expected.", self.length_type())))
    }
}

fn one() -> i128 {
    10i128.pow(DECIMAL_SCALE)
}

/// The windows of a timeline.
#[derive(Debug, Clone, Copy)]
pub(super) enum Steps {
    /// All of one length; one of them starts at the origin.
    Even {
        /// A start.
        origin: i128,
        /// The length, above zero.
        length: i128,
    },
    /// From Sunday to Saturday.
    Weeks,
    /// Months of the calendar.
    Months,
    /// Years of the calendar.
    Years,
}

impl Steps {
    /// The constant that is argument `at`: a length, or on a timeline of datetimes also `week`, `month` or `year`.
    pub(super) fn of(call: &Call<'_>, at: usize, axis: Axis, origin: i128) -> Result<Steps, Refusal> {
        match (axis.ty, call.value(at)) {
            (Type::DateTime, Some((Val::Str(word), _))) => match word.as_ref() {
                "week" => Ok(Steps::Weeks),
                "month" => Ok(Steps::Months),
                "year" => Ok(Steps::Years),
                _ => Err(Refusal::of(at, "A timespan, or one of 'week', 'month', 'year' expected.")),
            },
            _ => Ok(Steps::Even { origin, length: axis.constant_length(call, at)? }),
        }
    }

    /// The start of the window that a point is in.
    pub(super) fn bin(self, point: i128) -> i128 {
        match self {
            Steps::Even { origin, length } => point - (point - origin).rem_euclid(length),
            _ => self.calendar(point, 0).unwrap_or(point),
        }
    }

    /// The start of the window after the one that starts here; always later.
    pub(super) fn next(self, start: i128) -> i128 {
        match self {
            Steps::Even { length, .. } => start + length,
            _ => self.calendar(start, 1).filter(|next| *next > start).unwrap_or(FAR),
        }
    }

    fn calendar(self, point: i128, offset: i64) -> Option<i128> {
        let ticks = i64::try_from(point).ok()?;
        let start = match self {
            Steps::Even { .. } => None,
            Steps::Weeks => start_of_week(ticks, offset),
            Steps::Months => start_of_month(ticks, offset),
            Steps::Years => start_of_year(ticks, offset),
        };
        start.map(i128::from)
    }

    /// How far back a window reaches that holds so much and ends with a step: whole steps, and at least one.
    pub(super) fn whole(self, lookback: i128) -> i128 {
        match self {
            Steps::Even { length, .. } => (lookback - lookback.rem_euclid(length)).max(length),
            _ => lookback.max(1),
        }
    }

    /// The starts of all windows of a period.
    pub(super) fn starts(self, period: Period) -> Result<Vec<i128>, Refusal> {
        let mut starts = Vec::new();
        let mut at = self.bin(period.start);
        while at <= period.end {
            fits(starts.len() + 1)?;
            starts.push(at);
            at = self.next(at);
        }
        Ok(starts)
    }
}

/// Refuses what would be too many rows.
pub(super) fn fits(rows: usize) -> Result<(), Refusal> {
    if rows > MOST_ROWS {
        return Err(Refusal::new("There are too many windows in this period: the step is too small for it."));
    }
    Ok(())
}

/// A part of a timeline; both ends are part of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Period {
    pub(super) start: i128,
    pub(super) end: i128,
}

impl Period {
    /// All of the timeline.
    pub(super) const ALL: Period = Period { start: -FAR, end: FAR };

    /// From the constants that are arguments `at` and `at + 1`.
    pub(super) fn of(call: &Call<'_>, at: usize, axis: Axis) -> Result<Period, Refusal> {
        Ok(Period { start: axis.constant(call, at)?, end: axis.constant(call, at + 1)? })
    }

    /// Neither start nor end is known.
    pub(super) fn is_all(self) -> bool {
        self.end >= FAR
    }

    pub(super) fn contains(self, point: i128) -> bool {
        (self.start..=self.end).contains(&point)
    }
}

/// The columns that a plugin of user analytics reads.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    id: usize,
    time: usize,
    dimensions: Vec<usize>,
    pub(super) axis: Axis,
}

impl Subject {
    /// Ids and timeline are the first two arguments, the dimensions the last ones from `dimensions` on.
    pub(super) fn of(call: &Call<'_>, dimensions: usize) -> Result<Subject, Refusal> {
        let axis = Axis::of(call, 1)?;
        let dimensions = dimensions_from(call, dimensions, call.args.len())?;
        Ok(Subject { id: scalar_column(call, 0)?, time: call.column(1)?, dimensions, axis })
    }

    /// The same, where the dimensions end before the last argument.
    pub(super) fn with_dimensions(call: &Call<'_>, from: usize, to: usize) -> Result<Subject, Refusal> {
        let axis = Axis::of(call, 1)?;
        let dimensions = dimensions_from(call, from, to)?;
        Ok(Subject { id: scalar_column(call, 0)?, time: call.column(1)?, dimensions, axis })
    }

    /// The timeline's column, those of the dimensions, then these.
    pub(super) fn columns(&self, call: &Call<'_>, measures: &[(&str, Type)]) -> Result<Vec<Field>, Refusal> {
        let mut columns = vec![call.field(1)?.clone()];
        columns.extend(self.dimensions.iter().filter_map(|place| call.input.get(*place)).cloned());
        columns.extend(measures.iter().map(|(name, ty)| super::field(name, *ty)));
        Ok(columns)
    }

    /// The names of the columns of ids and dimensions.
    pub(super) fn names<'c>(&self, call: &Call<'c>) -> (Option<&'c str>, Vec<&'c str>) {
        let name = |place: &usize| call.input.get(*place).map(|(name, _)| name.as_str());
        (name(&self.id), self.dimensions.iter().filter_map(name).collect())
    }

    /// The rows on the timeline, in their order.
    pub(super) fn events(&self, rows: &[Row<'_>], keep: impl Fn(i128) -> bool) -> Result<Events, EvalError> {
        let mut events = Events::default();
        for (row, values) in rows.iter().enumerate() {
            interrupt::check_at(row)?;
            let Some(at) = values.get(self.time).and_then(|v| self.axis.point(v)).filter(|at| keep(*at)) else {
                continue;
            };
            let group = events.groups.number(values, &self.dimensions);
            let id = values.get(self.id).and_then(|v| events.ids.number(v));
            events.all.push(Event { group, id, at, row });
        }
        Ok(events)
    }
}

/// A column that is not dynamic.
pub(super) fn scalar_column(call: &Call<'_>, at: usize) -> Result<usize, Refusal> {
    match call.field(at)? {
        (_, Type::Dynamic) => Err(Refusal::of(at, "A column of any type but dynamic expected.")),
        _ => call.column(at),
    }
}

/// The dimensions: the arguments from one place up to another.
pub(super) fn dimensions_from(call: &Call<'_>, from: usize, to: usize) -> Result<Vec<usize>, Refusal> {
    (from..to).map(|at| scalar_column(call, at)).collect()
}

/// Refuses further arguments.
pub(super) fn no_more(call: &Call<'_>, most: usize) -> Result<(), Refusal> {
    if call.args.len() > most {
        return Err(Refusal::of(most, format!("At most {most} arguments expected.")));
    }
    Ok(())
}

/// A row on the timeline.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    /// Number of its values of the dimensions.
    pub(super) group: u32,
    /// Number of its id.
    pub(super) id: Option<u32>,
    /// Where it is.
    pub(super) at: i128,
    /// Number of the row.
    pub(super) row: usize,
}

/// Rows on the timeline.
#[derive(Debug, Default)]
pub(super) struct Events {
    pub(super) all: Vec<Event>,
    pub(super) groups: Groups,
    pub(super) ids: Numbers,
}

impl Events {
    /// Groups, ids and times of the rows that have ids, sorted.
    pub(super) fn appearances(&self) -> Vec<(u32, u32, i128)> {
        let mut appearances: Vec<_> = self.all.iter().filter_map(|e| Some((e.group, e.id?, e.at))).collect();
        appearances.sort_unstable();
        appearances
    }

    /// Groups, ids and windows in which there are ids, sorted, each once.
    pub(super) fn visits(&self, steps: Steps) -> Vec<(u32, u32, i128)> {
        let visit = |e: &Event| Some((e.group, e.id?, steps.bin(e.at)));
        let mut visits: Vec<_> = self.all.iter().filter_map(visit).collect();
        visits.sort_unstable();
        visits.dedup();
        visits
    }
}

/// Numbers for distinct values.
#[derive(Debug, Default)]
pub(super) struct Numbers(HashMap<u128, u32>);

impl Numbers {
    /// The number of a value, a new one if need be; `None` for null.
    pub(super) fn number(&mut self, value: &Val<'_>) -> Option<u32> {
        let next = self.0.len() as u32;
        distinct_key(value).map(|key| *self.0.entry(key).or_insert(next))
    }

    /// The number of a value that has one.
    pub(super) fn find(&self, value: &Val<'_>) -> Option<u32> {
        distinct_key(value).and_then(|key| self.0.get(&key).copied())
    }
}

/// Numbers for the combinations of values of dimensions.
#[derive(Debug, Default)]
pub(super) struct Groups {
    numbers: HashMap<Vec<Option<u128>>, u32>,
    values: Vec<Vec<Val<'static>>>,
}

impl Groups {
    pub(super) fn number(&mut self, row: &[Val<'_>], places: &[usize]) -> u32 {
        let key = key(row, places);
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        let number = self.values.len() as u32;
        self.numbers.insert(key, number);
        self.values.push(places.iter().filter_map(|p| row.get(*p)).cloned().map(Val::into_owned).collect());
        number
    }

    pub(super) fn find(&self, row: &[Val<'_>], places: &[usize]) -> Option<u32> {
        self.numbers.get(&key(row, places)).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// A row: a start, the values of the dimensions, then these.
    pub(super) fn row(
        &self,
        starts: impl IntoIterator<Item = Val<'static>>,
        group: u32,
        measures: impl IntoIterator<Item = Val<'static>>,
    ) -> Row<'static> {
        let values = self.values.get(group as usize).map(Vec::as_slice).unwrap_or_default();
        starts.into_iter().chain(values.iter().cloned()).chain(measures).collect()
    }
}

fn key(row: &[Val<'_>], places: &[usize]) -> Vec<Option<u128>> {
    places.iter().map(|p| row.get(*p).and_then(distinct_key)).collect()
}

/// The rows of the input.
pub(super) fn input<'t, 'r>(tables: &'t [Vec<Row<'r>>]) -> &'t [Row<'r>] {
    tables.first().map(Vec::as_slice).unwrap_or_default()
}
