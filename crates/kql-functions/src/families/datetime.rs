//! Parts of datetimes and arithmetic with them.

use super::convert::converted;
use super::support::{Out, datetime, number, strict, timespan};
use crate::calendar::{self, DAY, Date, HOUR, MICROSECOND, MILLISECOND, MINUTE, SECOND, WEEK};
use crate::{Cx, EvalError, Scalar, Type, Val};

pub(super) static ENTRIES: &[Scalar] = &[
    strict("startofday", "Midnight of the day, moved by a number of days.", startofday),
    strict("startofweek", "Midnight of the week's Sunday, moved by a number of weeks.", startofweek),
    strict("startofmonth", "The first midnight of the month, moved by a number of months.", startofmonth),
    strict("startofyear", "The first midnight of the year, moved by a number of years.", startofyear),
    strict("endofday", "The last tick of the day, moved by a number of days.", endofday),
    strict("endofweek", "The last tick of the week's Saturday, moved by a number of weeks.", endofweek),
    strict("endofmonth", "The last tick of the month, moved by a number of months.", endofmonth),
    strict("endofyear", "The last tick of the year, moved by a number of years.", endofyear),
    strict("dayofweek", "The days since Sunday as a timespan.", dayofweek),
    strict("dayofmonth", "The day of the month, 1 to 31.", dayofmonth),
    strict("dayofyear", "The day of the year, 1 to 366.", dayofyear),
    strict("week_of_year", "The week of the year by ISO 8601.", week_of_year),
    strict("weekofyear", "The week of the year by ISO 8601.", week_of_year),
    strict("monthofyear", "The month, 1 to 12.", getmonth),
    strict("getmonth", "The month, 1 to 12.", getmonth),
    strict("getyear", "The year.", getyear),
    strict("hourofday", "The hour, 0 to 23.", hourofday),
    strict("datetime_part", "A part of a datetime as integer.", datetime_part),
    strict("datepart", "A part of a datetime as integer.", datetime_part),
    strict("datetime_add", "A datetime some periods later.", datetime_add),
    strict("datetime_diff", "How many starts of a period lie between two datetimes.", datetime_diff),
    strict("make_datetime", "A datetime from its parts; null out of range.", make_datetime),
    strict("make_timespan", "A timespan from its parts; null out of range.", make_timespan),
    strict("unixtime_seconds_todatetime", "The datetime some seconds after 1970.", from_unix_seconds),
    strict("unixtime_milliseconds_todatetime", "The datetime some milliseconds after 1970.", from_unix_milliseconds),
    strict("unixtime_microseconds_todatetime", "The datetime some microseconds after 1970.", from_unix_microseconds),
    strict("unixtime_nanoseconds_todatetime", "The datetime some nanoseconds after 1970.", from_unix_nanoseconds),
];

fn ticks(args: &[Val<'_>], position: usize) -> Option<i64> {
    args.get(position).and_then(Val::as_ticks)
}

fn integer(args: &[Val<'_>], position: usize) -> Option<i64> {
    args.get(position).and_then(Val::as_i64)
}

/// An integer of the type that the call has.
fn int_result(cx: &Cx<'_>, value: Option<i64>) -> Val<'static> {
    match (value, cx.ret) {
        (None, _) => Val::Null,
        (Some(v), Type::Int) => i32::try_from(v).map_or(Val::Null, Val::Int),
        (Some(v), Type::Real) => Val::Real(v as f64),
        (Some(v), _) => Val::Long(v),
    }
}

/// The first tick of the period that `ticks` is in, `offset` periods on. One past the last datetime is a valid answer.
type StartOf = fn(ticks: i64, offset: i64) -> Option<i64>;

fn start_of_day(ticks: i64, offset: i64) -> Option<i64> {
    (ticks - ticks.rem_euclid(DAY)).checked_add(offset.checked_mul(DAY)?)
}

pub(crate) fn start_of_week(ticks: i64, offset: i64) -> Option<i64> {
    let sunday = ticks - ticks.rem_euclid(DAY) - calendar::day_of_week(ticks) * DAY;
    sunday.checked_add(offset.checked_mul(WEEK)?)
}

pub(crate) fn start_of_month(ticks: i64, offset: i64) -> Option<i64> {
    let month = Date::of(ticks).month_number().checked_add(offset)?;
    let (year, month) = (month.div_euclid(12), month.rem_euclid(12) + 1);
    (1..=10_000).contains(&year).then(|| Date { year, month, day: 1 }.ticks())
}

pub(crate) fn start_of_year(ticks: i64, offset: i64) -> Option<i64> {
    let year = Date::of(ticks).year.checked_add(offset)?;
    (1..=10_000).contains(&year).then(|| Date { year, month: 1, day: 1 }.ticks())
}

fn start(args: &[Val<'_>], start_of: StartOf) -> Val<'static> {
    let offset = integer(args, 1).unwrap_or(0);
    datetime(ticks(args, 0).and_then(|t| start_of(t, offset)))
}

fn end(args: &[Val<'_>], start_of: StartOf) -> Val<'static> {
    let next = integer(args, 1).unwrap_or(0).checked_add(1);
    let start = next.and_then(|next| start_of(ticks(args, 0)?, next));
    datetime(start.map(|t| t - 1))
}

fn startofday<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(start(args, start_of_day))
}

fn startofweek<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(start(args, start_of_week))
}

fn startofmonth<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(start(args, start_of_month))
}

fn startofyear<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(start(args, start_of_year))
}

fn endofday<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(end(args, start_of_day))
}

fn endofweek<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(end(args, start_of_week))
}

fn endofmonth<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(end(args, start_of_month))
}

fn endofyear<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(end(args, start_of_year))
}

fn dayofweek<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    // The engine has no weekday for the last day of all.
    let known = ticks(args, 0).filter(|t| *t <= calendar::MAX - DAY);
    Ok(timespan(known.map(|t| calendar::day_of_week(t) * DAY)))
}

fn dayofmonth<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(int_result(cx, ticks(args, 0).map(|t| Date::of(t).day)))
}

fn dayofyear<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(int_result(cx, ticks(args, 0).map(|t| Date::of(t).day_of_year())))
}

fn week_of_year<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(int_result(cx, ticks(args, 0).map(|t| Date::of(t).iso_week())))
}

fn getmonth<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(int_result(cx, ticks(args, 0).map(|t| Date::of(t).month)))
}

fn getyear<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(int_result(cx, ticks(args, 0).map(|t| Date::of(t).year)))
}

fn hourofday<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(int_result(cx, ticks(args, 0).map(|t| t.rem_euclid(DAY) / HOUR)))
}

/// A period by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Period {
    Months(i64),
    Ticks(i64),
    Week,
    Nanosecond,
}

const PERIODS: [(&str, Period); 11] = [
    ("year", Period::Months(12)),
    ("quarter", Period::Months(3)),
    ("month", Period::Months(1)),
    ("week", Period::Week),
    ("day", Period::Ticks(DAY)),
    ("hour", Period::Ticks(HOUR)),
    ("minute", Period::Ticks(MINUTE)),
    ("second", Period::Ticks(SECOND)),
    ("millisecond", Period::Ticks(MILLISECOND)),
    ("microsecond", Period::Ticks(MICROSECOND)),
    ("nanosecond", Period::Nanosecond),
];

fn period(name: &str) -> Result<Period, EvalError> {
    let found = PERIODS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, period)| *period).ok_or_else(|| unknown_part(name))
}

fn unknown_part(name: &str) -> EvalError {
    EvalError(format!("invalid date part: '{name}'"))
}

fn part_name<'v>(args: &'v [Val<'_>]) -> &'v str {
    args.first().and_then(Val::as_str).unwrap_or_default()
}

fn datetime_part<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let name = part_name(args);
    let Some(t) = ticks(args, 1) else {
        return Ok(Val::Null);
    };
    let (date, time) = (Date::of(t), t.rem_euclid(DAY));
    let part = match name.to_ascii_lowercase().as_str() {
        "year" => date.year,
        "quarter" => (date.month - 1) / 3 + 1,
        "month" => date.month,
        "week_of_year" | "weekofyear" => date.iso_week(),
        "day" => date.day,
        "dayofyear" => date.day_of_year(),
        "hour" => time / HOUR,
        "minute" => time / MINUTE % 60,
        "second" => time / SECOND % 60,
        "millisecond" => time % SECOND / MILLISECOND,
        "microsecond" => time % SECOND / MICROSECOND,
        "nanosecond" => time % SECOND * 100,
        _ => return Err(unknown_part(name)),
    };
    Ok(int_result(cx, Some(part)))
}

fn datetime_add<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let period = period(part_name(args))?;
    let (Some(count), Some(from)) = (integer(args, 1), ticks(args, 2)) else {
        return Ok(Val::Null);
    };
    let added = match period {
        Period::Months(months) => count.checked_mul(months).and_then(|months| calendar::add_months(from, months)),
        Period::Week => count.checked_mul(WEEK).and_then(|span| from.checked_add(span)),
        Period::Ticks(unit) => count.checked_mul(unit).and_then(|span| from.checked_add(span)),
        Period::Nanosecond => from.checked_add(count / 100),
    };
    Ok(datetime(added))
}

fn datetime_diff<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let difference = Difference::of(part_name(args))?;
    let (Some(left), Some(right)) = (ticks(args, 1), ticks(args, 2)) else {
        return Ok(Val::Null);
    };
    Ok(int_result(cx, difference.between(left, right)))
}

/// `datetime_diff` for one period.
#[derive(Clone, Copy)]
pub struct Difference(Period);

impl Difference {
    /// The difference in periods of a name, such as `day`; an error where there is no such period.
    pub fn of(period_name: &str) -> Result<Difference, EvalError> {
        period(period_name).map(Difference)
    }

    /// How many starts of the period lie between two datetimes in ticks: negative where the left one is the earlier.
    /// `None` where that is no long.
    pub fn between(self, left: i64, right: i64) -> Option<i64> {
        // Day 0 was a Monday; weeks begin on Sunday.
        let count = |t: i64| match self.0 {
            Period::Months(months) => Date::of(t).month_number().div_euclid(months),
            Period::Week => (t + DAY).div_euclid(WEEK),
            Period::Ticks(unit) => t.div_euclid(unit),
            Period::Nanosecond => t,
        };
        let difference = count(left).checked_sub(count(right));
        if self.0 == Period::Nanosecond { difference.and_then(|d| d.checked_mul(100)) } else { difference }
    }
}

/// The parts of a call that are whole numbers; of a real the whole part.
fn whole_parts<const N: usize>(args: &[Val<'_>]) -> Option<[i64; N]> {
    let mut parts = [0; N];
    for (part, arg) in parts.iter_mut().zip(args) {
        *part = match arg {
            Val::Int(_) | Val::Long(_) => arg.as_i64()?,
            other => number(other).filter(|v| v.is_finite())? as i64,
        };
    }
    Some(parts)
}

/// Ticks of a time of day; seconds may have a fraction.
fn time_ticks(hours: i64, minutes: i64, seconds: Option<&Val<'_>>) -> Option<i64> {
    let seconds = match seconds {
        Some(value) => number(value)?,
        None => 0.0,
    };
    let valid = (0..24).contains(&hours) && (0..60).contains(&minutes) && (0.0..60.0).contains(&seconds);
    valid.then(|| hours * HOUR + minutes * MINUTE + (seconds * SECOND as f64).round() as i64)
}

fn make_datetime<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    if let [value] = args {
        return Ok(converted(value, Type::DateTime));
    }
    let made = whole_parts::<5>(args).and_then(|[year, month, day, hours, minutes]| {
        let midnight = Date::new(year, month, day)?.ticks();
        midnight.checked_add(time_ticks(hours, minutes, args.get(5))?)
    });
    Ok(datetime(made))
}

fn make_timespan<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let made = match args {
        [value] => return Ok(converted(value, Type::Timespan)),
        [_, _, _, seconds] => {
            whole_parts::<3>(args).filter(|[days, ..]| *days >= 0).and_then(|[days, hours, minutes]| {
                days.checked_mul(DAY)?.checked_add(time_ticks(hours, minutes, Some(seconds))?)
            })
        }
        _ => whole_parts::<2>(args).and_then(|[hours, minutes]| time_ticks(hours, minutes, args.get(2))),
    };
    Ok(timespan(made))
}

/// `1/per_second` seconds after 1970 as a datetime.
fn from_unix(args: &[Val<'_>], per_second: i64) -> Val<'static> {
    let count_ticks = |count: i128| count.saturating_mul(i128::from(SECOND)).div_euclid(i128::from(per_second));
    let since = match args.first() {
        Some(Val::Int(_) | Val::Long(_)) => integer(args, 0).map(|count| count_ticks(i128::from(count))),
        Some(value) => number(value).filter(|v| v.is_finite()).map(|count| {
            let fraction = (count - count.floor()) * SECOND as f64 / per_second as f64;
            count_ticks(count.floor() as i128).saturating_add(fraction.round() as i128)
        }),
        None => None,
    };
    let ticks = since.and_then(|since| since.checked_add(i128::from(calendar::UNIX_EPOCH)));
    ticks.and_then(calendar::in_range).map_or(Val::Null, Val::DateTime)
}

fn from_unix_seconds<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(from_unix(args, 1))
}

fn from_unix_milliseconds<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(from_unix(args, 1_000))
}

fn from_unix_microseconds<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(from_unix(args, 1_000_000))
}

fn from_unix_nanoseconds<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(from_unix(args, 1_000_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::RowKernel;
    use crate::text;

    fn at(text: &str) -> Val<'static> {
        Val::DateTime(text::parse_datetime(text).unwrap())
    }

    fn call(kernel: RowKernel, ret: Type, args: &[Val<'static>]) -> Val<'static> {
        kernel(&Cx { args: &[], ret }, args).unwrap().into_owned()
    }

    #[test]
    fn periods_start_and_end() {
        let call = |kernel, args: &[Val<'static>]| call(kernel, Type::DateTime, args);
        assert_eq!(call(startofweek, &[at("2020-06-15"), Val::Long(-2)]), at("2020-05-31"));
        assert_eq!(call(startofweek, &[at("0001-01-01")]), Val::Null);
        assert_eq!(call(startofmonth, &[at("2017-01-01 10:10"), Val::Long(-1)]), at("2016-12-01"));
        assert_eq!(call(endofmonth, &[at("2020-01-31"), Val::Long(13)]), at("2021-02-28T23:59:59.9999999"));
        assert_eq!(call(endofyear, &[at("9999-12-31")]), Val::DateTime(calendar::MAX));
        assert_eq!(call(endofweek, &[at("2020-06-15"), Val::Long(2)]), at("2020-07-04T23:59:59.9999999"));
        assert_eq!(call(endofweek, &[at("9999-12-31")]), Val::Null);
        assert_eq!(call(startofyear, &[at("2020-06-15"), Val::Long(i64::MAX)]), Val::Null);
        assert_eq!(call(endofday, &[at("2020-06-15"), Val::Long(i64::MAX)]), Val::Null);
    }

    #[test]
    fn weekdays() {
        assert_eq!(call(dayofweek, Type::Timespan, &[at("1947-11-30 10:00:05")]), Val::Timespan(0));
        assert_eq!(call(dayofweek, Type::Timespan, &[Val::DateTime(calendar::MAX)]), Val::Null);
    }

    #[test]
    fn differences_count_boundaries() {
        let diff =
            |part: &str, a: &str, b: &str| call(datetime_diff, Type::Long, &[Val::str(part.to_string()), at(a), at(b)]);
        assert_eq!(diff("year", "2017-01-01", "2000-12-31"), Val::Long(17));
        assert_eq!(diff("quarter", "2024-03-31", "2020-04-01"), Val::Long(15));
        assert_eq!(diff("week", "2024-02-29", "2020-02-29"), Val::Long(209));
        assert_eq!(diff("week", "2020-12-31", "2020-01-01"), Val::Long(52));
        assert_eq!(diff("Hour", "2020-03-01", "2020-02-28 12:00"), Val::Long(36));
        assert_eq!(diff("minute", "2020-01-01", "2020-01-01 13:45"), Val::Long(-825));
        assert_eq!(diff("microsecond", "2020-01-01 00:00:00.0000020", "2020-01-01 00:00:00.0000005"), Val::Long(2));
        assert_eq!(diff("nanosecond", "2020-01-01 00:00:00.0000002", "2020-01-01"), Val::Long(200));
        let bad = [Val::str("decade"), at("2020-01-01"), at("2020-01-01")];
        assert!(datetime_diff(&Cx { args: &[], ret: Type::Long }, &bad).is_err());
    }

    #[test]
    fn sums() {
        let add = |part: &str, n: i64, from: &str| {
            call(datetime_add, Type::DateTime, &[Val::str(part.to_string()), Val::Long(n), at(from)])
        };
        assert_eq!(add("year", 1, "2020-02-29"), at("2021-02-28"));
        assert_eq!(add("quarter", -3, "2020-02-29 12:00"), at("2019-05-29 12:00"));
        assert_eq!(add("week", -53, "2021-03-15 12:00"), at("2020-03-09 12:00"));
        assert_eq!(add("day", -1, "0001-01-01 12:00"), Val::Null);
        assert_eq!(add("millisecond", 1500, "2020-01-01"), at("2020-01-01 00:00:01.5"));
        assert_eq!(add("hour", i64::MAX, "2020-01-01"), Val::Null);
    }

    #[test]
    fn parts() {
        let part = |name: &str| {
            call(datetime_part, Type::Int, &[Val::str(name.to_string()), at("2017-10-30 01:02:03.7654321")])
        };
        let expected = [
            ("quarter", 4),
            ("week_of_year", 44),
            ("dayOfYear", 303),
            ("millisecond", 765),
            ("nanosecond", 765_432_100),
        ];
        for (name, value) in expected {
            assert_eq!(part(name), Val::Int(value), "{name}");
        }
    }

    #[test]
    fn made_from_parts() {
        let longs = |parts: &[i64]| parts.iter().map(|p| Val::Long(*p)).collect::<Vec<_>>();
        let date = |args: &[Val<'static>]| call(make_datetime, Type::DateTime, args);
        assert_eq!(date(&longs(&[2020, 2, 29])), at("2020-02-29"));
        assert_eq!(date(&longs(&[2020, 13, 1])), Val::Null);
        let mut with_seconds = longs(&[2020, 2, 29, 23, 59]);
        with_seconds.push(Val::Real(59.999_999_9));
        assert_eq!(date(&with_seconds), at("2020-02-29T23:59:59.9999999"));
        let span = |args: &[Val<'static>]| call(make_timespan, Type::Timespan, args);
        assert_eq!(span(&longs(&[1, 2, 3])), Val::Timespan(HOUR + 2 * MINUTE + 3 * SECOND));
        assert_eq!(span(&longs(&[1, 2, 3, 4])), Val::Timespan(DAY + 2 * HOUR + 3 * MINUTE + 4 * SECOND));
        assert_eq!(span(&longs(&[25, 70])), Val::Null);
        assert_eq!(span(&longs(&[-1, -2])), Val::Null);
        assert_eq!(span(&[Val::Long(0), Val::Long(25), Val::Long(61), Val::Real(61.5)]), Val::Null);
    }

    #[test]
    fn unix_times() {
        let seconds = |v| call(from_unix_seconds, Type::DateTime, &[v]);
        assert_eq!(seconds(Val::Long(1_546_300_800)), at("2019-01-01"));
        assert_eq!(seconds(Val::Real(1_546_300_800.5)), at("2019-01-01 00:00:00.5"));
        assert_eq!(seconds(Val::Long(i64::MAX)), Val::Null);
        assert_eq!(seconds(Val::Real(1e300)), Val::Null);
        let milliseconds = call(from_unix_milliseconds, Type::DateTime, &[Val::Real(1_546_300_800_123.0)]);
        assert_eq!(milliseconds, at("2019-01-01 00:00:00.123"));
        assert_eq!(seconds(Val::Real(f64::NAN)), Val::Null);
        let nanoseconds = call(from_unix_nanoseconds, Type::DateTime, &[Val::Long(1_546_300_800_000_000_000)]);
        assert_eq!(nanoseconds, at("2019-01-01"));
    }
}
