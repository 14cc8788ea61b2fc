//! `make-series`: aggregates over evenly spaced points.

use std::collections::HashMap;

use arrow::array::RecordBatch;
use kql_functions::{Dynamic, Type, Val};
use kql_semantics::bound::Column;

use super::{Computed, rows_of, table_of};
use crate::QueryError;

/// Most points of a series, as in Kusto.
const MOST_POINTS: usize = 1_048_576;

/// Points and columns.
pub(crate) struct SeriesSpec<'s> {
    /// Columns of the result: keys, series, axis.
    pub(crate) columns: &'s [Column],
    /// How many of them are keys.
    pub(crate) keys: usize,
    /// Value of empty bins, one a series.
    pub(crate) defaults: Vec<Val<'static>>,
    /// Type of the axis values.
    pub(crate) axis: Type,
    pub(crate) from: Option<Val<'static>>,
    pub(crate) to: Option<Val<'static>>,
    pub(crate) step: Val<'static>,
    /// The end is a point too.
    pub(crate) inclusive: bool,
    /// Without rows there is one series of defaults.
    pub(crate) nonempty: bool,
}

/// Fills series. `batches` holds the keys, then the bin's number, then the aggregates.
pub(crate) fn make_series(
    batches: &[RecordBatch],
    columns: &[Column],
    spec: &SeriesSpec<'_>,
) -> Result<Computed, QueryError> {
    let bins = || rows_of(batches, columns).filter_map(|row| row.get(spec.keys).and_then(|v| v.as_i64()));
    // Without a first point, bins are counted from zero, and the first one with rows begins the series.
    let first = if spec.from.is_some() { 0 } else { bins().min().unwrap_or(0) };
    let start = match &spec.from {
        Some(from) => from.clone(),
        None => times(&spec.step, first, spec.axis),
    };
    let points = axis(spec, &start, bins().max().map(|last| last - first))?;
    let mut order: Vec<Vec<Val<'_>>> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut series: Vec<Vec<Vec<Dynamic>>> = Vec::new();
    let defaults: Vec<Dynamic> = spec.defaults.iter().map(Val::to_tree).collect();
    let empty = || defaults.iter().map(|d| vec![d.clone(); points.len()]).collect::<Vec<_>>();
    for mut row in rows_of(batches, columns) {
        let mut rest = row.split_off(spec.keys).into_iter();
        let Some(bin) = rest.next().and_then(|b| b.as_i64()) else { continue };
        let key = format!("{row:?}");
        let place = *places.entry(key).or_insert_with(|| {
            order.push(row);
            series.push(empty());
            order.len() - 1
        });
        let Some(bin) = usize::try_from(bin - first).ok().filter(|b| *b < points.len()) else { continue };
        for (values, value) in series[place].iter_mut().zip(rest) {
            values[bin] = value.to_tree();
        }
    }
    if order.is_empty() && spec.nonempty && spec.keys == 0 {
        order.push(Vec::new());
        series.push(empty());
    }
    if points.is_empty() {
        order.clear();
    }
    let axis_array = Val::dynamic(&Dynamic::Array(points));
    let rows: Vec<Vec<Val<'_>>> = order
        .into_iter()
        .zip(series)
        .map(|(mut row, series)| {
            row.extend(series.into_iter().map(|values| Val::dynamic(&Dynamic::Array(values))));
            row.push(axis_array.clone());
            row
        })
        .collect();
    table_of(spec.columns.iter().map(|c| (c.name.clone(), c.ty)).collect(), &rows)
}

/// The axis values.
fn axis(spec: &SeriesSpec<'_>, start: &Val<'static>, last: Option<i64>) -> Result<Vec<Dynamic>, QueryError> {
    let count = match (&spec.to, last) {
        (Some(to), _) => points_until(start, to, &spec.step, spec.inclusive),
        (None, Some(last)) => usize::try_from(last).map_or(0, |l| l + 1),
        (None, None) => 0,
    };
    if count > MOST_POINTS {
        return Err(QueryError::Failed(format!("make-series: a series has at most {MOST_POINTS} points, not {count}")));
    }
    Ok((0..count as i64).map(|i| point(start, &spec.step, i, spec.axis)).collect())
}

fn points_until(start: &Val<'_>, to: &Val<'_>, step: &Val<'_>, inclusive: bool) -> usize {
    let whole = |v: &Val<'_>| v.as_i64().or_else(|| v.as_ticks());
    let count = match (whole(start), whole(to), whole(step)) {
        (Some(start), Some(to), Some(step)) if step > 0 => {
            let distance = i128::from(to) - i128::from(start);
            let step = i128::from(step);
            if inclusive { distance.div_euclid(step) + 1 } else { (distance + step - 1).div_euclid(step) }
        }
        _ => match (start.as_f64(), to.as_f64(), step.as_f64()) {
            (Some(start), Some(to), Some(step)) if step > 0.0 => {
                let distance = (to - start) / step;
                (if inclusive { distance.floor() + 1.0 } else { distance.ceil() }) as i128
            }
            _ => 0,
        },
    };
    usize::try_from(count.max(0)).unwrap_or(usize::MAX)
}

fn point(start: &Val<'_>, step: &Val<'_>, i: i64, axis: Type) -> Dynamic {
    let whole = |v: &Val<'_>| v.as_i64().or_else(|| v.as_ticks());
    match (axis, whole(start), whole(step)) {
        (Type::Real | Type::Decimal, ..) | (_, None, _) | (_, _, None) => {
            Dynamic::Real(start.as_f64().unwrap_or(0.0) + i as f64 * step.as_f64().unwrap_or(0.0))
        }
        (_, Some(start), Some(step)) => {
            let value = start.saturating_add(step.saturating_mul(i));
            match axis {
                Type::DateTime => Dynamic::DateTime(value),
                Type::Timespan => Dynamic::Timespan(value),
                _ => Dynamic::Long(value),
            }
        }
    }
}

/// The axis value of a bin that is counted from zero.
fn times(step: &Val<'static>, bin: i64, axis: Type) -> Val<'static> {
    match (axis, step.as_i64().or_else(|| step.as_ticks())) {
        (Type::DateTime, Some(step)) => Val::DateTime(step.saturating_mul(bin)),
        (Type::Timespan, Some(step)) => Val::Timespan(step.saturating_mul(bin)),
        (Type::Int | Type::Long, Some(step)) => Val::Long(step.saturating_mul(bin)),
        _ => Val::Real(step.as_f64().unwrap_or(0.0) * bin as f64),
    }
}
