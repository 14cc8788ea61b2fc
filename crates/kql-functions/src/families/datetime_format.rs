//! Datetimes and timespans in a given format.

use super::support::{Out, strict};
use crate::calendar::{DAY, Date, HOUR, MINUTE, SECOND};
use crate::text::push_padded;
use crate::{Cx, EvalError, Scalar, Val};

pub(super) static ENTRIES: &[Scalar] = &[
    strict("format_datetime", "A datetime in a format of y, M, d, H, h, m, s, f, F and tt.", format_datetime),
    strict("format_timespan", "A timespan in a format of d, H, h, m, s, f and F.", format_timespan),
];

/// What may stand between the specifiers.
const DELIMITERS: &[u8] = b" /-:,._[]";

fn format_datetime<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let [Val::DateTime(ticks), Val::Str(format)] = args else {
        return Ok(Val::str(""));
    };
    let (date, time) = (Date::of(*ticks), ticks.rem_euclid(DAY));
    let mut out = String::with_capacity(format.len() + 4);
    each_specifier(format, &mut out, |out, specifier, run| {
        let width = match specifier {
            b'y' if run >= 4 => 4,
            b'f' | b'F' => run.min(7),
            _ => run.min(2),
        };
        match specifier {
            b'y' if width == 4 => push_padded(out, date.year, 4),
            b'y' => push_padded(out, date.year % 100, width),
            b'M' => push_padded(out, date.month, width),
            b'd' => push_padded(out, date.day, width),
            b't' if width == 2 => out.push_str(if time < 12 * HOUR { "AM" } else { "PM" }),
            b'h' => push_padded(out, (time / HOUR + 11) % 12 + 1, width),
            _ => push_time_part(out, specifier, width, time)?,
        }
        Some(width)
    })
    .map(|()| Val::str(out))
}

fn format_timespan<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let [Val::Timespan(ticks), Val::Str(format)] = args else {
        return Ok(Val::str(""));
    };
    let (days, time) = ((ticks / DAY).abs(), (ticks % DAY).abs());
    let mut out = String::with_capacity(format.len() + 4);
    if *ticks < 0 {
        out.push('-');
    }
    each_specifier(format, &mut out, |out, specifier, run| {
        let width = match specifier {
            b'd' => run.min(8),
            b'f' | b'F' => run.min(7),
            _ => run.min(2),
        };
        match specifier {
            b'd' => push_padded(out, days, width),
            b'h' => push_padded(out, time / HOUR, width),
            _ => push_time_part(out, specifier, width, time)?,
        }
        Some(width)
    })
    .map(|()| Val::str(out))
}

/// Copies the delimiters, and hands each run of a letter to `push`, which says how much of it one specifier took.
fn each_specifier(
    format: &str,
    out: &mut String,
    push: impl Fn(&mut String, u8, usize) -> Option<usize>,
) -> Result<(), EvalError> {
    let mut rest = format.as_bytes();
    while let [first, ..] = rest {
        let taken = if DELIMITERS.contains(first) {
            out.push(*first as char);
            1
        } else {
            let run = rest.iter().take_while(|b| *b == first).count();
            push(out, *first, run).ok_or_else(|| EvalError(format!("invalid format string: '{format}'")))?
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    Ok(())
}

fn push_time_part(out: &mut String, specifier: u8, width: usize, time: i64) -> Option<()> {
    match specifier {
        b'H' => push_padded(out, time / HOUR, width),
        b'm' => push_padded(out, time / MINUTE % 60, width),
        b's' => push_padded(out, time / SECOND % 60, width),
        b'f' | b'F' => {
            let start = out.len();
            push_padded(out, time % SECOND, 7);
            out.truncate(start + width);
            while specifier == b'F' && out.len() > start && out.ends_with('0') {
                out.pop();
            }
        }
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Type, text};

    fn of_datetime(at: &str, format: &str) -> Option<String> {
        let args = [Val::DateTime(text::parse_datetime(at).unwrap()), Val::str(format.to_string())];
        let cx = Cx { args: &[], ret: Type::String };
        format_datetime(&cx, &args).ok().and_then(|v| v.as_str().map(str::to_string))
    }

    fn of_timespan(span: &str, format: &str) -> Option<String> {
        let args = [Val::Timespan(text::parse_timespan(span).unwrap()), Val::str(format.to_string())];
        let cx = Cx { args: &[], ret: Type::String };
        format_timespan(&cx, &args).ok().and_then(|v| v.as_str().map(str::to_string))
    }

    #[test]
    fn datetimes() {
        let cases = [
            ("2017-01-29 09:00:05", "yy-MM-dd [HH:mm:ss]", "17-01-29 [09:00:05]"),
            ("2017-01-29 09:00:05", "yyyy-M-dd [H:mm:ss]", "2017-1-29 [9:00:05]"),
            ("2020-06-15 13:45:09", "M/d/yyyy h:mm:ss tt", "6/15/2020 1:45:09 PM"),
            ("2007-03-09 05:04:03", "dddd, MMMM d, yyyy", "0909, 0303 9, 2007"),
            ("2007-03-09 05:04:03", "ddd MMM", "099 033"),
            ("2007-03-09 00:30:00", "hh:mm tt", "12:30 AM"),
            ("2009-06-15T13:45:30.0001150", "FFFFFFF", "000115"),
            ("2009-06-15T13:45:30.6170000", "FF", "61"),
            ("2020-06-15 13:45:09", "FFFFFFF", ""),
            ("2020-06-15 13:45:09.1234567", "ffffff", "123456"),
            ("2007-03-09 05:04:03.5", "s.f", "3.5"),
            ("0900-01-01", "y", "0"),
        ];
        for (at, format, expected) in cases {
            assert_eq!(of_datetime(at, format).as_deref(), Some(expected), "{format}");
        }
        for format in ["yyyy-MM-ddTHH:mm", "zzz", "K", "t", "é"] {
            assert_eq!(of_datetime("2020-06-15", format), None, "{format}");
        }
    }

    #[test]
    fn timespans() {
        let cases = [
            ("1.02:03:04.5670000", "dd.hh:mm:ss.fffffff", "01.02:03:04.5670000"),
            ("-02:30:00", "hh:mm", "-02:30"),
            ("1.02:01:00", "h:m", "2:1"),
            ("1d", "dddd", "0001"),
            ("2.05:00:00", "d.h", "2.5"),
            ("10675199.02:48:05.4775807", "d.hh:mm:ss", "10675199.02:48:05"),
            ("-10675199.02:48:05.4775808", "d.hh:mm:ss.f", "-10675199.02:48:05.4"),
        ];
        for (span, format, expected) in cases {
            assert_eq!(of_timespan(span, format).as_deref(), Some(expected), "{format}");
        }
        for format in ["c", "g", "G", r"d\.hh", "tt", "y"] {
            assert_eq!(of_timespan("1d", format), None, "{format}");
        }
    }
}
