//! Local times of time zones, by the bundled zone data.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use std::sync::OnceLock;

use super::support::{Out, datetime, from_array, strict};
use crate::calendar::{DAY, Date, HOUR, MINUTE, SECOND, UNIX_EPOCH};
use crate::{Cx, Dynamic, Scalar, Val};

pub(super) static ENTRIES: &[Scalar] = &[
    strict("datetime_utc_to_local", "The local time of a time zone at a moment.", utc_to_local),
    strict("datetime_local_to_utc", "The moment of a local time of a time zone.", local_to_utc),
    strict("datetime_list_timezones", "The names of all time zones.", list_timezones),
];

/// The placeholder of the zone data for an unset zone.
const NO_ZONE: &str = "Factory";

/// The same data on every machine.
fn database() -> &'static TimeZoneDatabase {
    static DATABASE: OnceLock<TimeZoneDatabase> = OnceLock::new();
    DATABASE.get_or_init(TimeZoneDatabase::bundled)
}

fn zone_and_ticks(args: &[Val<'_>]) -> Option<(TimeZone, i64)> {
    match args {
        [Val::DateTime(ticks), Val::Str(name)] => Some((database().get(name).ok()?, *ticks)),
        _ => None,
    }
}

fn utc_to_local<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let local = zone_and_ticks(args).and_then(|(zone, ticks)| {
        let seconds = (ticks - UNIX_EPOCH).div_euclid(SECOND);
        let offset = zone.to_offset(Timestamp::from_second(seconds).ok()?);
        ticks.checked_add(i64::from(offset.seconds()) * SECOND)
    });
    Ok(datetime(local))
}

fn local_to_utc<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let utc = zone_and_ticks(args).and_then(|(zone, ticks)| {
        // Where clocks are moved, the offset after the move counts.
        let offset = match zone.to_ambiguous_timestamp(civil(ticks)?).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Gap { after, .. } | AmbiguousOffset::Fold { after, .. } => after,
        };
        ticks.checked_sub(i64::from(offset.seconds()) * SECOND)
    });
    Ok(datetime(utc))
}

fn civil(ticks: i64) -> Option<DateTime> {
    let (date, time) = (Date::of(ticks), ticks.rem_euclid(DAY));
    DateTime::new(
        i16::try_from(date.year).ok()?,
        i8::try_from(date.month).ok()?,
        i8::try_from(date.day).ok()?,
        i8::try_from(time / HOUR).ok()?,
        i8::try_from(time / MINUTE % 60).ok()?,
        i8::try_from(time / SECOND % 60).ok()?,
        0,
    )
    .ok()
}

fn list_timezones<'a>(_: &Cx<'_>, _: &'a [Val<'a>]) -> Out<'a> {
    let names = database().available().map(|name| name.as_str().to_string());
    let mut names: Vec<String> = names.filter(|name| name != NO_ZONE).collect();
    names.sort();
    Ok(from_array(names.into_iter().map(Dynamic::String).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::RowKernel;
    use crate::{Type, text};

    fn call(kernel: RowKernel, at: &str, zone: &str) -> Option<String> {
        let args = [Val::DateTime(text::parse_datetime(at).unwrap()), Val::str(zone.to_string())];
        let cx = Cx { args: &[], ret: Type::DateTime };
        kernel(&cx, &args).unwrap().as_ticks().map(text::datetime)
    }

    #[test]
    fn zones() {
        let utc = |at, zone| call(local_to_utc, at, zone).unwrap();
        assert_eq!(utc("2020-02-02 20:02:20", "US/Pacific"), "2020-02-03T04:02:20.0000000Z");
        assert_eq!(utc("2020-02-02 20:02:20", "Europe/Paris"), "2020-02-02T19:02:20.0000000Z");
        assert_eq!(utc("2022-03-27 02:00", "Europe/Brussels"), "2022-03-27T00:00:00.0000000Z");
        assert_eq!(utc("2022-03-27 03:00", "Europe/Brussels"), "2022-03-27T01:00:00.0000000Z");
        let local = |at, zone| call(utc_to_local, at, zone).unwrap();
        assert_eq!(local("2022-03-27 01:00", "Europe/Brussels"), "2022-03-27T03:00:00.0000000Z");
        assert_eq!(local("2026-08-02T23:56:37.6227102Z", "Australia/Canberra"), "2026-08-03T09:56:37.6227102Z");
        assert_eq!(call(utc_to_local, "2022-03-27", "Nowhere/At_All"), None);
        assert_eq!(call(utc_to_local, "0001-01-01", "US/Pacific"), None);
    }

    #[test]
    fn names() {
        let cx = Cx { args: &[], ret: Type::Dynamic };
        let list = list_timezones(&cx, &[]).unwrap().into_owned().to_tree();
        let Dynamic::Array(names) = list else { panic!("an array is expected") };
        assert!(names.len() > 400 && !names.contains(&Dynamic::String(NO_ZONE.to_string())));
        assert!(names.contains(&Dynamic::String("US/Pacific".to_string())));
    }
}
