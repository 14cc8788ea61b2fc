//! Ranges and their ticks, on a scale from 0 to 1, the same for every way of drawing.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::data::{Chart, XValues};
use super::options::{Kind, Stacking};
use super::stack::{Span, spans};

const DAY: f64 = 86_400.0;
const YEAR: f64 = 365.25 * DAY;
/// Of years 1 and 9999.
const FIRST_SECOND: f64 = -62_135_596_800.0;
const LAST_SECOND: f64 = 253_402_300_799.0;

/// A range with ticks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    pub min: f64,
    pub max: f64,
    log: bool,
    /// Place between 0 and 1, and what to write there.
    pub ticks: Vec<(f64, String)>,
}

impl Axis {
    /// Where a value lies between 0 and 1; values outside the range stick to its ends.
    pub fn place(&self, value: f64) -> f64 {
        let of = |v: f64| if self.log { v.max(f64::MIN_POSITIVE).log10() } else { v };
        let (low, high) = (of(self.min), of(self.max));
        let place = (of(value) - low) / (high - low);
        if place.is_finite() { place.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// The horizontal range of a line, area or scatter chart.
    pub fn x(chart: &Chart, ticks: usize) -> Axis {
        let range = range_of(chart.series.iter().flat_map(|one| &one.points).map(|(x, _)| *x));
        match &chart.x {
            XValues::Time => Axis::time(range.unwrap_or((0.0, 1.0)), ticks),
            XValues::Number { log: true } => Axis::log(range.unwrap_or((1.0, 10.0)), ticks),
            XValues::Number { log: false } => Axis::number(range.unwrap_or((0.0, 1.0)), ticks, false),
            XValues::Categories(labels) => Axis::categories(labels, ticks),
        }
    }

    /// The range of values, extended to whole ticks.
    pub fn y(chart: &Chart, ticks: usize) -> Axis {
        let drawn = spans(chart);
        let ends = drawn.iter().flatten().flat_map(|span: &Span| [span.from, span.to]);
        let tops = drawn.iter().flatten().map(|span| span.to);
        let from_zero = chart.kind.is_bars() || chart.kind == Kind::Area || chart.stacking != Stacking::Beside;
        if chart.y_log {
            let (low, high) = range_of(tops).unwrap_or((1.0, 10.0));
            let low = chart.y_min.filter(|v| *v > 0.0).unwrap_or(low);
            return Axis::log((low, chart.y_max.filter(|v| *v > low).unwrap_or(high)), ticks);
        }
        let (low, high) = if from_zero { range_of(ends) } else { range_of(tops) }.unwrap_or((0.0, 1.0));
        // Lines near zero are read against it.
        let low = if low > 0.0 && (from_zero || low < high * 0.6) { 0.0 } else { low };
        let (low, high) = (chart.y_min.unwrap_or(low), chart.y_max.unwrap_or(high));
        Axis::number((low, high), ticks, true)
    }

    /// The range of bars without an axis beside them: the longest fills its room.
    pub fn bars(chart: &Chart) -> Axis {
        let axis = Axis::y(chart, 5);
        if chart.y_log || chart.y_min.is_some() || chart.y_max.is_some() {
            return axis;
        }
        let ends = spans(chart).into_iter().flatten().flat_map(|span| [0.0, span.from, span.to]);
        range_of(ends).filter(|(low, high)| low < high).map_or(axis, |range| Axis::number(range, 5, false))
    }

    fn number(range: (f64, f64), wanted: usize, extend: bool) -> Axis {
        let (min, max) = widen(range);
        let step = nice_step((max - min) / wanted.max(1) as f64);
        let (first, last) = ((min / step).floor(), (max / step).ceil());
        let (min, max) = if extend { (first * step, last * step) } else { (min, max) };
        let largest = min.abs().max(max.abs());
        let mut axis = Axis { min, max, log: false, ticks: Vec::new() };
        let count = ((last - first).clamp(0.0, 100.0)) as usize;
        for i in 0..=count {
            let value = (first + i as f64) * step;
            if value >= min - step * 1e-6 && value <= max + step * 1e-6 {
                axis.ticks.push((axis.place(value), number_label(value, step, largest)));
            }
        }
        axis
    }

    fn log(range: (f64, f64), wanted: usize) -> Axis {
        let (min, max) = (range.0.max(1e-300), range.1.max(1e-300));
        let first = min.log10().floor();
        let last = max.log10().ceil().max(first + 1.0);
        let stride = ((last - first) / wanted.max(1) as f64).ceil().max(1.0);
        let count = ((last - first) / stride).ceil();
        let last = first + count * stride;
        let power = |exponent: f64| 10f64.powf(exponent.clamp(-300.0, 307.0));
        let mut axis = Axis { min: power(first), max: power(last), log: true, ticks: Vec::new() };
        for i in 0..=count as usize {
            let value = power(first + i as f64 * stride);
            axis.ticks.push((axis.place(value), number_label(value, value, value)));
        }
        axis
    }

    fn categories(labels: &[String], wanted: usize) -> Axis {
        let last = labels.len().saturating_sub(1).max(1) as f64;
        let stride = labels.len().div_ceil(wanted.max(1)).max(1);
        let shown = labels.iter().enumerate().step_by(stride);
        let ticks = shown.map(|(i, label)| (i as f64 / last, label.clone())).collect();
        Axis { min: 0.0, max: last, log: false, ticks }
    }

    fn time(range: (f64, f64), wanted: usize) -> Axis {
        let (mut min, mut max) = (range.0.clamp(FIRST_SECOND, LAST_SECOND), range.1.clamp(FIRST_SECOND, LAST_SECOND));
        if max - min < 1e-6 {
            (min, max) = (min - 1.0, max + 1.0);
        }
        let mut axis = Axis { min, max, log: false, ticks: Vec::new() };
        let one_day = civil(min).zip(civil(max - 1e-6)).is_some_and(|(from, to)| from.date() == to.date());
        for (second, step) in time_ticks(min, max, wanted) {
            axis.ticks.push((axis.place(second), time_label(second, step, one_day)));
        }
        axis
    }

    /// The day, where all of a time axis lies in one and its labels leave it out.
    pub fn day(&self) -> Option<String> {
        let (from, to) = civil(self.min).zip(civil(self.max - 1e-6))?;
        (from.date() == to.date()).then(|| from.date().to_string())
    }
}

fn range_of(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |range, v| match range {
        None => Some((v, v)),
        Some((low, high)) => Some((low.min(v), high.max(v))),
    })
}

/// A range that is not empty, though all values may be one.
fn widen((low, high): (f64, f64)) -> (f64, f64) {
    let (low, high) = (low.min(high), low.max(high));
    let size = low.abs().max(high.abs());
    if high - low > size * 1e-12 {
        return (low, high);
    }
    if size == 0.0 { (0.0, 1.0) } else { (low - size * 0.1, high + size * 0.1) }
}

/// 1, 2 or 5 times a power of ten, at least `least`.
fn nice_step(least: f64) -> f64 {
    let least = if least.is_finite() && least > 0.0 { least.max(1e-300) } else { 1.0 };
    let power = 10f64.powf(least.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= least * 0.999_999).unwrap_or(10.0);
    factor * power
}

/// A number with as many digits as the step needs, and a unit for thousands, millions, …
fn number_label(value: f64, step: f64, largest: f64) -> String {
    if largest >= 1e15 || step < 1e-6 {
        return if value.abs() < step * 1e-6 { "0".to_string() } else { format!("{value:.1e}") };
    }
    let (unit, suffix) = match largest {
        v if v >= 1e12 => (1e12, "T"),
        v if v >= 1e9 => (1e9, "G"),
        v if v >= 1e6 => (1e6, "M"),
        v if v >= 1e4 => (1e3, "k"),
        _ => (1.0, ""),
    };
    let decimals = (-(step / unit).log10().floor()).clamp(0.0, 9.0) as usize;
    let text = format!("{:.decimals$}", value / unit);
    let text = if text.trim_start_matches('-').chars().all(|c| c == '0' || c == '.') { "0" } else { &text };
    if text == "0" { text.to_string() } else { format!("{text}{suffix}") }
}

/// A value beside its bar.
pub(super) fn value_label(value: f64) -> String {
    let size = value.abs();
    if value == value.trunc() && size < 1e12 {
        format!("{value}")
    } else if !(1e-4..1e12).contains(&size) {
        format!("{value:.3e}")
    } else {
        let decimals = (3.0 - size.log10().floor()).clamp(0.0, 6.0) as usize;
        format!("{value:.decimals$}").trim_end_matches('0').trim_end_matches('.').to_string()
    }
}

fn civil(second: f64) -> Option<DateTime> {
    if !(FIRST_SECOND..=LAST_SECOND).contains(&second) {
        return None;
    }
    let nanosecond = (second * 1e6).round() as i128 * 1_000;
    Timestamp::from_nanosecond(nanosecond).ok().map(|at| Offset::UTC.to_datetime(at))
}

fn second_of(year: i64, month: i64) -> Option<f64> {
    let date = jiff::civil::Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, 1).ok()?;
    let at = Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
    Some(at.as_second() as f64)
}

/// Seconds to mark, each with the step between marks: round clock times, whole days, Mondays, months, years.
fn time_ticks(min: f64, max: f64, wanted: usize) -> Vec<(f64, f64)> {
    const STEPS: [f64; 22] = [
        1.0,
        2.0,
        5.0,
        10.0,
        15.0,
        30.0,
        60.0,
        120.0,
        300.0,
        600.0,
        900.0,
        1_800.0,
        3_600.0,
        7_200.0,
        10_800.0,
        21_600.0,
        43_200.0,
        86_400.0,
        172_800.0,
        345_600.0,
        604_800.0,
        1_209_600.0,
    ];
    let least = (max - min) / wanted.max(1) as f64;
    if least > 14.0 * DAY {
        return month_ticks(min, max, least);
    }
    let step =
        if least <= 0.5 { nice_step(least) } else { STEPS.into_iter().find(|s| *s >= least).unwrap_or(1_209_600.0) };
    // 1970 began on a Thursday; weeks begin on Mondays.
    let origin = if step >= 604_800.0 { 4.0 * DAY } else { 0.0 };
    let (first, last) = (((min - origin) / step).ceil(), ((max - origin) / step).floor());
    let count = (last - first).clamp(-1.0, 100.0) as i64;
    (0..=count).map(|i| (origin + (first + i as f64) * step, step)).collect()
}

fn month_ticks(min: f64, max: f64, least: f64) -> Vec<(f64, f64)> {
    let Some((from, to)) = civil(min).zip(civil(max)) else { return Vec::new() };
    let months = match least / (YEAR / 12.0) {
        v if v <= 1.5 => 1,
        v if v <= 2.5 => 2,
        v if v <= 4.0 => 3,
        v if v <= 8.0 => 6,
        v => (nice_step(v / 12.0).max(1.0) * 12.0) as i64,
    };
    let index = |at: DateTime| i64::from(at.year()) * 12 + i64::from(at.month()) - 1;
    let first = index(from).div_euclid(months) * months;
    let ticks = (0..200).map(|i| first + i * months).take_while(|month| *month <= index(to));
    ticks
        .filter_map(|month| second_of(month.div_euclid(12), month.rem_euclid(12) + 1))
        .filter(|second| (min..=max).contains(second))
        .map(|second| (second, months as f64 * YEAR / 12.0))
        .collect()
}

fn time_label(second: f64, step: f64, one_day: bool) -> String {
    let Some(at) = civil(second) else { return String::new() };
    let date = at.date();
    let clock = match step {
        s if s >= YEAR * 0.99 => return format!("{:04}", at.year()),
        s if s > 28.5 * DAY => return format!("{:04}-{:02}", at.year(), at.month()),
        s if s >= DAY => return date.to_string(),
        s if s >= 60.0 => format!("{:02}:{:02}", at.hour(), at.minute()),
        s if s >= 1.0 => format!("{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second()),
        _ => format!("{:02}:{:02}.{:06}", at.minute(), at.second(), at.subsec_nanosecond() / 1_000),
    };
    if one_day { clock } else { format!("{:02}-{:02} {clock}", date.month(), date.day()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn numbers_get_round_ticks() {
        assert_eq!(labels(&Axis::number((0.0, 93.0), 5, true)), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(labels(&Axis::number((-0.2, 0.3), 5, true)), ["-0.2", "-0.1", "0", "0.1", "0.2", "0.3"]);
        assert_eq!(labels(&Axis::number((0.0, 4.1e6), 4, true)), ["0", "2M", "4M", "6M"]);
        assert_eq!(labels(&Axis::log((3.0, 20_000.0), 10)), ["1", "10", "100", "1000", "10k", "100k"]);
    }

    #[test]
    fn times_get_clock_days_months_years() {
        let day = 1_773_446_400.0; // 2026-03-14
        assert_eq!(labels(&Axis::time((day, day + 86_399.0), 4)), ["00:00", "06:00", "12:00", "18:00"]);
        assert_eq!(
            labels(&Axis::time((day, day + 3.0 * DAY), 3)),
            ["2026-03-14", "2026-03-15", "2026-03-16", "2026-03-17"]
        );
        assert_eq!(labels(&Axis::time((day, day + 100.0 * DAY), 3)), ["2026-04", "2026-05", "2026-06"]);
        assert_eq!(labels(&Axis::time((day, day + 10.0 * YEAR), 3)), ["2030", "2035"]);
        assert_eq!(Axis::time((day, day + 86_399.0), 4).day().as_deref(), Some("2026-03-14"));
    }

    #[test]
    fn no_range_is_too_odd() {
        let odd = [0.0, -1e300, 1e300, 1e-300, 5e15, 253_402_300_799.0, -62_135_596_800.0, 1.0];
        for low in odd {
            for high in odd {
                for wanted in [0, 1, 7] {
                    let axes = [
                        Axis::number((low, high), wanted, true),
                        Axis::number((low, high), wanted, false),
                        Axis::log((low, high), wanted),
                        Axis::time((low, high), wanted),
                    ];
                    for axis in axes {
                        assert!(axis.ticks.len() < 210, "{axis:?}");
                        assert!(axis.ticks.iter().all(|(place, _)| (0.0..=1.0).contains(place)), "{axis:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn values_are_short() {
        assert_eq!(value_label(120.0), "120");
        assert_eq!(value_label(0.5), "0.5");
        assert_eq!(value_label(1234.5678), "1235");
        assert_eq!(value_label(1e300), "1.000e300");
    }
}
