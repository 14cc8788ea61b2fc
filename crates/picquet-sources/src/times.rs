//! Times as log files write them.

use kql_functions::text;

pub(crate) const TICKS_PER_SECOND: i64 = 10_000_000;
const TICKS_PER_DAY: i64 = 86_400 * TICKS_PER_SECOND;

/// How times without a zone are to be read in one column of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct TimeStyle {
    /// `14/03/2026` and not `3/14/2026`.
    pub(crate) day_first: bool,
    /// Ticks that the zone of the header is ahead of UTC.
    pub(crate) offset: i64,
}

/// Ticks since 0001-01-01 of a time in any text that logs or the portal use.
pub(crate) fn parse(text: &str, style: TimeStyle) -> Option<i64> {
    let text = text.trim();
    let (ticks, zoned) = match iso(text.as_bytes()) {
        Some(found) => found,
        None => match slashed(text, style.day_first) {
            Some(ticks) => (ticks, false),
            None => (text::parse_datetime(text)?, true),
        },
    };
    if zoned { Some(ticks) } else { ticks.checked_sub(style.offset) }
}

/// Whether a text is a date *and* time in ISO 8601 or the portal's form, so that a column of such is of times.
pub(crate) fn looks_like_time(text: &str) -> bool {
    let text = text.trim();
    if text.len() < 14 {
        return false;
    }
    iso(text.as_bytes()).is_some()
        || (text.ends_with(['M', 'm']) && slashed(text, true).or(slashed(text, false)).is_some())
}

/// Whether a text is a date with slashes whose first number can only be a day.
pub(crate) fn is_day_first(text: &str) -> bool {
    slashed(text.trim(), false).is_none() && slashed(text.trim(), true).is_some()
}

fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || day < 1 {
        return None;
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if day > length {
        return None;
    }
    let past = year - 1;
    let leap_day = i64::from(leap && month > 2);
    Some(past * 365 + past / 4 - past / 100 + past / 400 + BEFORE[(month - 1) as usize] + leap_day + day - 1)
}

fn ticks(date: (i64, i64, i64), time: (i64, i64, i64), fraction: i64) -> Option<i64> {
    let (hour, minute, second) = time;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_from_civil(date.0, date.1, date.2)?;
    Some(days * TICKS_PER_DAY + (hour * 3600 + minute * 60 + second) * TICKS_PER_SECOND + fraction)
}

/// Reads digits and signs from the front.
struct Scan<'a>(&'a [u8]);

impl Scan<'_> {
    fn digits(&mut self, at_least: usize, at_most: usize) -> Option<i64> {
        let count = self.0.iter().take(at_most).take_while(|byte| byte.is_ascii_digit()).count();
        if count < at_least {
            return None;
        }
        let value = self.0[..count].iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        self.0 = &self.0[count..];
        Some(value)
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.0.first() == Some(&byte);
        if found {
            self.0 = &self.0[1..];
        }
        found
    }

    /// `.5` as ticks; digits beyond the seventh are cut off.
    fn fraction(&mut self) -> Option<i64> {
        if !self.eat(b'.') {
            return Some(0);
        }
        let count = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return None;
        }
        let mut value = 0;
        for place in 0..7 {
            let digit = if place < count { self.0[place] - b'0' } else { 0 };
            value = value * 10 + i64::from(digit);
        }
        self.0 = &self.0[count..];
        Some(value)
    }
}

/// `2026-03-14T01:53:26.3915580Z`, also with a blank for the `T`, without seconds, with an offset or no zone.
/// Gives the ticks and whether a zone was there.
fn iso(bytes: &[u8]) -> Option<(i64, bool)> {
    let mut scan = Scan(bytes);
    let year = scan.digits(4, 4)?;
    if !scan.eat(b'-') {
        return None;
    }
    let month = scan.digits(2, 2)?;
    if !scan.eat(b'-') {
        return None;
    }
    let day = scan.digits(2, 2)?;
    if !(scan.eat(b'T') || scan.eat(b' ') || scan.eat(b't')) {
        return None;
    }
    let hour = scan.digits(2, 2)?;
    if !scan.eat(b':') {
        return None;
    }
    let minute = scan.digits(2, 2)?;
    let second = if scan.eat(b':') { scan.digits(2, 2)? } else { 0 };
    let fraction = scan.fraction()?;
    let local = ticks((year, month, day), (hour, minute, second), fraction)?;
    scan.eat(b' ');
    if scan.0.is_empty() {
        return Some((local, false));
    }
    if scan.0.eq_ignore_ascii_case(b"Z") || scan.0.eq_ignore_ascii_case(b"UTC") {
        return Some((local, true));
    }
    let sign = match scan.0.first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return None,
    };
    scan.0 = &scan.0[1..];
    let offset = offset(&mut scan)?;
    local.checked_sub(sign * offset).map(|utc| (utc, true))
}

/// `hh`, `hhmm` or `hh:mm` to the end, in ticks.
fn offset(scan: &mut Scan<'_>) -> Option<i64> {
    let hours = scan.digits(1, 2)?;
    scan.eat(b':');
    let minutes = if scan.0.is_empty() { 0 } else { scan.digits(2, 2)? };
    (scan.0.is_empty() && hours <= 14 && minutes <= 59).then_some((hours * 60 + minutes) * 60 * TICKS_PER_SECOND)
}

/// `3/14/2026, 1:53:26.391 AM`, as the portal writes times; also without comma, fraction, seconds or AM/PM.
fn slashed(text: &str, day_first: bool) -> Option<i64> {
    let mut scan = Scan(text.as_bytes());
    let first = scan.digits(1, 2)?;
    if !scan.eat(b'/') {
        return None;
    }
    let second_number = scan.digits(1, 2)?;
    if !scan.eat(b'/') {
        return None;
    }
    let year = scan.digits(4, 4)?;
    let date = if day_first { (year, second_number, first) } else { (year, first, second_number) };
    scan.eat(b',');
    while scan.eat(b' ') {}
    if scan.0.is_empty() {
        return ticks(date, (0, 0, 0), 0);
    }
    let mut hour = scan.digits(1, 2)?;
    if !scan.eat(b':') {
        return None;
    }
    let minute = scan.digits(2, 2)?;
    let second = if scan.eat(b':') { scan.digits(2, 2)? } else { 0 };
    let fraction = scan.fraction()?;
    // Browsers put a narrow no-break space before AM and PM.
    let rest = text.get(text.len() - scan.0.len()..)?.trim_matches(|c: char| c.is_whitespace());
    match rest.to_ascii_uppercase().as_str() {
        "" => {}
        "AM" if (1..=12).contains(&hour) => hour %= 12,
        "PM" if (1..=12).contains(&hour) => hour = hour % 12 + 12,
        _ => return None,
    }
    ticks(date, (hour, minute, second), fraction)
}

/// The zone in a header such as `TimeGenerated [UTC]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderZone {
    /// Ticks ahead of UTC.
    Offset(i64),
    /// A zone whose distance from UTC the file does not tell.
    Unknown,
}

/// Splits the zone that the portal adds to the headers of time columns from the column's name.
pub(crate) fn split_header(header: &str) -> (&str, Option<HeaderZone>) {
    let header = header.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let Some((name, zone)) = header.strip_suffix(']').and_then(|rest| rest.rsplit_once(" [")) else {
        return (header, None);
    };
    let name = name.trim_end();
    let upper = zone.trim().to_ascii_uppercase();
    if let Some(rest) = upper.strip_prefix("UTC").or_else(|| upper.strip_prefix("GMT")) {
        let rest = rest.trim();
        let (sign, digits) = match rest.strip_prefix('-').or_else(|| rest.strip_prefix('\u{2212}')) {
            Some(digits) => (-1, digits),
            None => (1, rest.strip_prefix('+').unwrap_or(rest)),
        };
        if digits.is_empty() {
            return (name, Some(HeaderZone::Offset(0)));
        }
        if let Some(ticks) = offset(&mut Scan(digits.as_bytes())) {
            return (name, Some(HeaderZone::Offset(sign * ticks)));
        }
    }
    if upper.contains("TIME") || upper.contains('/') {
        return (name, Some(HeaderZone::Unknown));
    }
    (header, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<i64> {
        parse(text, TimeStyle::default())
    }

    #[test]
    fn one_time_in_many_texts() {
        // 2026-03-14T01:53:26.391Z
        let expected = 639_090_500_063_910_000;
        for text in [
            "2026-03-14T01:53:26.391Z",
            "2026-03-14T01:53:26.3910000Z",
            "2026-03-14T01:53:26.391000099Z",
            "2026-03-14 01:53:26.391",
            "2026-03-14T02:53:26.391+01:00",
            "2026-03-13T20:53:26.391-0500",
            "2026-03-14 01:53:26.391 UTC",
            "3/14/2026, 1:53:26.391 AM",
            "3/14/2026, 1:53:26.391\u{202f}AM",
            "03/14/2026 01:53:26.391",
            " 3/14/2026, 1:53:26.391 AM ",
        ] {
            assert_eq!(at(text), Some(expected), "{text}");
        }
        let european = TimeStyle { day_first: true, offset: 0 };
        assert_eq!(parse("14/03/2026, 01:53:26.391", european), Some(expected));
        let berlin = TimeStyle { day_first: false, offset: 3600 * TICKS_PER_SECOND };
        assert_eq!(parse("3/14/2026, 2:53:26.391 AM", berlin), Some(expected));
        assert_eq!(parse("2026-03-14T01:53:26.391Z", berlin), Some(expected));
    }

    #[test]
    fn noon_midnight_and_the_first_day() {
        assert_eq!(at("0001-01-01T00:00:00Z"), Some(0));
        assert_eq!(at("1/1/0001, 12:00:00 AM"), Some(0));
        assert_eq!(at("1/1/0001, 12:00:00 PM"), Some(12 * 3600 * TICKS_PER_SECOND));
        assert_eq!(at("9999-12-31T23:59:59.9999999Z"), Some(3_155_378_975_999_999_999));
        assert_eq!(at("2024-02-29T00:00:00Z").map(|t| t / TICKS_PER_DAY), Some(738_944));
    }

    #[test]
    fn what_is_no_time() {
        for text in ["", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "13/13/2026, 1:00:00 AM", "1/2/2026, 13:00 PM"]
        {
            assert_eq!(at(text), None, "{text}");
        }
        assert!(!looks_like_time("2026-03-14"));
        assert!(!looks_like_time("1/2/3"));
        assert!(!looks_like_time("10.0.0.1"));
        assert!(looks_like_time("2026-03-14T01:53:26Z"));
        assert!(looks_like_time("3/14/2026, 1:53:26.391 AM"));
        assert!(is_day_first("14/03/2026, 01:53:26"));
        assert!(!is_day_first("03/04/2026, 01:53:26"));
    }

    #[test]
    fn headers() {
        let cases = [
            ("TimeGenerated [UTC]", "TimeGenerated", Some(HeaderZone::Offset(0))),
            ("\u{feff}TimeGenerated [UTC] ", "TimeGenerated", Some(HeaderZone::Offset(0))),
            ("At [UTC+02:00]", "At", Some(HeaderZone::Offset(7200 * TICKS_PER_SECOND))),
            ("At [UTC-5]", "At", Some(HeaderZone::Offset(-5 * 3600 * TICKS_PER_SECOND))),
            ("At [Local Time]", "At", Some(HeaderZone::Unknown)),
            ("At [Europe/Berlin]", "At", Some(HeaderZone::Unknown)),
            ("Bytes [kB]", "Bytes [kB]", None),
            (" Level ", "Level", None),
        ];
        for (header, name, zone) in cases {
            assert_eq!(split_header(header), (name, zone), "{header}");
        }
    }
}
