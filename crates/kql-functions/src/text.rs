//! The text forms of scalar values, and how they are read back.

use crate::DECIMAL_SCALE;
use crate::calendar::{self, DAY, Date, HOUR, MICROSECOND, MILLISECOND, MINUTE, SECOND};

const DECIMAL_ONE: i128 = 10i128.pow(DECIMAL_SCALE);

/// `2017-10-15T12:00:00.0000000Z`
pub fn datetime(ticks: i64) -> String {
    let date = Date::of(ticks);
    let time = ticks.rem_euclid(DAY);
    let mut out = String::with_capacity(28);
    push_padded(&mut out, date.year, 4);
    out.push('-');
    push_padded(&mut out, date.month, 2);
    out.push('-');
    push_padded(&mut out, date.day, 2);
    out.push('T');
    push_time(&mut out, time);
    out.push('.');
    push_padded(&mut out, time % SECOND, 7);
    out.push('Z');
    out
}

/// `[-][d.]hh:mm:ss[.fffffff]`
pub fn timespan(ticks: i64) -> String {
    let mut out = String::with_capacity(20);
    if ticks < 0 {
        out.push('-');
    }
    // Split before taking the absolute value, which the least timespan has none of.
    let days = (ticks / DAY).abs();
    let time = (ticks % DAY).abs();
    if days > 0 {
        push_padded(&mut out, days, 1);
        out.push('.');
    }
    push_time(&mut out, time);
    if time % SECOND > 0 {
        out.push('.');
        push_padded(&mut out, time % SECOND, 7);
    }
    out
}

fn push_time(out: &mut String, time: i64) {
    push_padded(out, time / HOUR, 2);
    out.push(':');
    push_padded(out, time / MINUTE % 60, 2);
    out.push(':');
    push_padded(out, time / SECOND % 60, 2);
}

/// Appends a number that is not negative with at least `width` digits.
pub fn push_padded(out: &mut String, number: i64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut rest = number.unsigned_abs();
    let mut first = digits.len();
    while rest > 0 {
        first -= 1;
        digits[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    first = first.min(digits.len() - width.min(digits.len()));
    out.extend(digits[first..].iter().map(|d| *d as char));
}

/// As Kusto prints a real: `1.0`, `1e+100`, `NaN`, `inf`.
pub fn real(v: f64) -> String {
    if v.is_nan() {
        return "NaN".to_string();
    }
    if v.is_infinite() {
        return if v < 0.0 { "-inf" } else { "inf" }.to_string();
    }
    let (digits, exponent) = shortest_digits(v.abs());
    let mut out = String::with_capacity(24);
    if v.is_sign_negative() {
        out.push('-');
    }
    match exponent {
        -5..0 => {
            out.push_str("0.");
            out.extend(std::iter::repeat_n('0', (-exponent - 1) as usize));
            out.push_str(&digits);
        }
        0..15 => push_positional(&mut out, &digits, exponent as usize + 1),
        _ => push_scientific(&mut out, &digits, exponent),
    }
    out
}

fn push_positional(out: &mut String, digits: &str, point: usize) {
    match digits.split_at_checked(point) {
        Some((whole, fraction)) if !fraction.is_empty() => {
            out.push_str(whole);
            out.push('.');
            out.push_str(fraction);
        }
        _ => {
            out.push_str(digits);
            out.extend(std::iter::repeat_n('0', point.saturating_sub(digits.len())));
            out.push_str(".0");
        }
    }
}

fn push_scientific(out: &mut String, digits: &str, exponent: i32) {
    let (first, rest) = digits.split_at_checked(1).unwrap_or((digits, ""));
    out.push_str(first);
    if !rest.is_empty() {
        out.push('.');
        out.push_str(rest);
    }
    out.push_str(if exponent < 0 { "e-" } else { "e+" });
    push_padded(out, i64::from(exponent.abs()), 2);
}

/// The fewest digits that read back as `v`, and the power of ten of the first one.
///
/// Of several digit strings of that length Kusto prints the largest, not the nearest (`0.1 + 0.2` is
/// `0.30000000000000007`). Up to 15 digits there is only one.
fn shortest_digits(v: f64) -> (String, i32) {
    let text = format!("{v:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mut digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    if digits.len() > 15
        && let Ok(mut number) = digits.parse::<u64>()
    {
        let scale = exponent + 1 - digits.len() as i32;
        let reads_back = |number: u64| format!("{number}e{scale}").parse::<f64>() == Ok(v);
        while number % 10 != 9 && reads_back(number + 1) {
            number += 1;
        }
        digits = number.to_string();
    }
    (digits, exponent)
}

/// A decimal without trailing zeros.
pub fn decimal(units: i128) -> String {
    let whole = units.unsigned_abs() / DECIMAL_ONE.unsigned_abs();
    let fraction = units.unsigned_abs() % DECIMAL_ONE.unsigned_abs();
    let sign = if units < 0 { "-" } else { "" };
    if fraction == 0 {
        return format!("{sign}{whole}");
    }
    let text = format!("{sign}{whole}.{fraction:0width$}", width = DECIMAL_SCALE as usize);
    text.trim_end_matches('0').to_string()
}

/// Lower-case with hyphens.
pub fn guid(bytes: &[u8; 16]) -> String {
    uuid::Uuid::from_bytes(*bytes).hyphenated().to_string()
}

/// All datetime texts that `todatetime` takes: ISO 8601, RFC 822, RFC 850 and `month/day/year`.
pub fn parse_datetime(text: &str) -> Option<i64> {
    standard_datetime(text).or_else(|| scan_datetime(text))
}

/// `2014-11-08`, `2014-11-08T15:05:02`, `2014-11-08 15:05:02.1234567Z`: so are most datetimes written. `None` says nothing
/// of a text.
fn standard_datetime(text: &str) -> Option<i64> {
    let two = |tens: u8, ones: u8| {
        let digits = tens.is_ascii_digit() && ones.is_ascii_digit();
        digits.then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
    };
    let (date, rest) = text.as_bytes().split_first_chunk::<10>()?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *date else { return None };
    let midnight = Date::new(two(y1, y2)? * 100 + two(y3, y4)?, two(m1, m2)?, two(d1, d2)?)?.ticks();
    if rest.is_empty() {
        return Some(midnight);
    }
    let (time, rest) = rest.split_first_chunk::<9>()?;
    let [b'T' | b' ', h1, h2, b':', m1, m2, b':', s1, s2] = *time else { return None };
    let time = time_ticks(two(h1, h2)?, two(m1, m2)?, two(s1, s2)?)?;
    let fraction = match rest.strip_suffix(b"Z").unwrap_or(rest) {
        [] => 0,
        [b'.', digits @ ..] if (1..=7).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) => {
            let digits = digits.iter().chain(b"000000").take(7);
            digits.fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
        }
        _ => return None,
    };
    Some(midnight + time + fraction)
}

fn scan_datetime(text: &str) -> Option<i64> {
    let mut scan = Scan::new(text);
    let (date, has_time) = scan.date()?;
    let mut ticks = i128::from(date.ticks());
    if let Some(time) = has_time {
        ticks += i128::from(time);
    } else if scan.starts_time() {
        ticks += i128::from(scan.time_of_day()?);
    }
    ticks -= i128::from(scan.zone()?);
    calendar::in_range(ticks).filter(|_| scan.at_end())
}

/// Ticks of a time of day without a date: `8:00`, `17:30:05.5`, `8:00:00 AM`. `None` for anything else.
pub fn parse_time_of_day(text: &str) -> Option<i64> {
    let mut scan = Scan::new(text);
    let ticks = text.contains(':').then(|| scan.time_of_day()).flatten()?;
    scan.at_end().then_some(ticks)
}

/// All timespan texts that `totimespan` takes: `[-][d.]hh:mm[:ss[.fffffff]]`, a number with a unit, whole days.
pub fn parse_timespan(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, body) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?.trim_start()),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let ticks = if body.contains(':') { clock_ticks(body)? } else { unit_ticks(body)? };
    i64::try_from(if negative { -ticks } else { ticks }).ok()
}

fn clock_ticks(text: &str) -> Option<i128> {
    let (text, days_first) = match text.split_once('.') {
        Some((days, rest)) if !days.contains(':') => (rest, Some(digits(days)?)),
        _ => (text, None),
    };
    let parts: Vec<&str> = text.split(':').collect();
    let (days, hours, minutes, seconds) = match (parts.as_slice(), days_first) {
        ([h, m], days) => (days.unwrap_or(0), *h, *m, "0"),
        ([h, m, s], days) => (days.unwrap_or(0), *h, *m, *s),
        ([d, h, m, s], None) => (digits(d)?, *h, *m, *s),
        _ => return None,
    };
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let hours = digits(hours).filter(|h| *h < 24)?;
    let minutes = digits(minutes).filter(|m| *m < 60)?;
    let seconds = digits(seconds).filter(|s| *s < 60)?;
    let time = hours * HOUR + minutes * MINUTE + seconds * SECOND + fraction_ticks(fraction)?;
    Some(i128::from(days) * i128::from(DAY) + i128::from(time))
}

fn unit_ticks(text: &str) -> Option<i128> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    if unit.is_empty() {
        return digits(number).map(|days| i128::from(days) * i128::from(DAY));
    }
    let units = parse_decimal(number)?.checked_mul(i128::from(timespan_unit(unit.trim_start())?))?;
    // Nanoseconds are counted a hundred to the tick.
    let units = if unit.trim_start().starts_with("nano") { units / 100 } else { units };
    Some(round_div(units, DECIMAL_ONE))
}

/// Ticks of a timespan unit (`d`, `min`, `ms`…); 1 for nanoseconds, of which a hundred make a tick.
fn timespan_unit(name: &str) -> Option<i64> {
    Some(match name {
        "d" | "day" | "days" => DAY,
        "h" | "hr" | "hrs" | "hour" | "hours" => HOUR,
        "m" | "min" | "mins" | "minute" | "minutes" => MINUTE,
        "s" | "sec" | "secs" | "second" | "seconds" => SECOND,
        "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => MILLISECOND,
        "micro" | "micros" | "microsecond" | "microseconds" => MICROSECOND,
        "nano" | "nanos" | "nanosecond" | "nanoseconds" | "tick" | "ticks" => 1,
        _ => return None,
    })
}

fn digits(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// Ticks of the digits after a second's point; digits beyond the seventh are dropped.
fn fraction_ticks(text: &str) -> Option<i64> {
    let kept = digits(text.get(..text.len().min(7))?)?;
    let plain = text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| kept * 10i64.pow(7 - text.len().min(7) as u32))
}

fn round_div(value: i128, divisor: i128) -> i128 {
    let rest = value % divisor;
    let up = rest.abs() * 2 >= divisor;
    value / divisor + if up { value.signum() } else { 0 }
}

/// Digits with sign, point and exponent, in units of 10^-[`crate::DECIMAL_SCALE`].
pub fn parse_decimal(text: &str) -> Option<i128> {
    let text = text.trim();
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
    if !all_digits || whole.len() + fraction.len() == 0 {
        return None;
    }
    let value = scaled_digits(whole, fraction, exponent.checked_add(DECIMAL_SCALE as i32)?)?;
    Some(if negative { -value } else { value })
}

/// `whole.fraction` times 10^`scale`, rounded half up.
fn scaled_digits(whole: &str, fraction: &str, scale: i32) -> Option<i128> {
    let point = i64::try_from(whole.len()).ok()? + i64::from(scale);
    let mut value: i128 = 0;
    let mut round_up = false;
    for (position, digit) in (0i64..).zip(whole.bytes().chain(fraction.bytes())) {
        let digit = i128::from(digit - b'0');
        if position < point {
            value = value.checked_mul(10)?.checked_add(digit)?;
        } else {
            round_up = position == point && digit >= 5;
            break;
        }
    }
    let missing = point - (whole.len() + fraction.len()) as i64;
    if missing > 0 && value != 0 {
        value = value.checked_mul(10i128.checked_pow(u32::try_from(missing).ok()?)?)?;
    }
    value.checked_add(i128::from(round_up))
}

/// 32 hex digits, with or without hyphens and braces; what follows them does not matter.
pub fn parse_guid(text: &str) -> Option<[u8; 16]> {
    let text = text.trim_start();
    let text = text.strip_prefix(['{', '(']).unwrap_or(text);
    let mut bytes = [0u8; 16];
    let mut rest = text.bytes();
    for (position, byte) in bytes.iter_mut().enumerate() {
        let mut first = rest.next()?;
        if first == b'-' && position > 0 {
            first = rest.next()?;
        }
        *byte = hex_digit(first)? << 4 | hex_digit(rest.next()?)?;
    }
    Some(bytes)
}

fn hex_digit(c: u8) -> Option<u8> {
    (c as char).to_digit(16).map(|d| d as u8)
}

/// Reads a datetime from left to right.
struct Scan<'a> {
    rest: &'a [u8],
}

impl<'a> Scan<'a> {
    fn new(text: &'a str) -> Scan<'a> {
        Scan { rest: text.trim().as_bytes() }
    }

    fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn peek(&self) -> u8 {
        self.rest.first().copied().unwrap_or(0)
    }

    fn take(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|b| !wanted(*b)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn accept(&mut self, any_of: &[u8]) -> bool {
        let found = any_of.contains(&self.peek()) && !self.at_end();
        if found {
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
        found
    }

    fn blanks(&mut self) {
        self.take(|b| b == b' ' || b == b'\t');
    }

    fn word(&mut self) -> &'a [u8] {
        self.take(|b| b.is_ascii_alphabetic())
    }

    /// A number and how many digits it has.
    fn number(&mut self) -> Option<(i64, usize)> {
        let taken = self.take(|b| b.is_ascii_digit());
        if taken.is_empty() || taken.len() > 18 {
            return None;
        }
        let value = taken.iter().fold(0i64, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        Some((value, taken.len()))
    }

    fn short_number(&mut self) -> Option<i64> {
        self.number().filter(|(_, len)| *len <= 2).map(|(value, _)| value)
    }

    /// The date, and the time of day if it was written in one with it.
    fn date(&mut self) -> Option<(Date, Option<i64>)> {
        if self.peek().is_ascii_alphabetic() {
            let word = self.word();
            if let Some(month) = month_of(word) {
                return self.date_after_month(month).map(|date| (date, None));
            }
            if !is_weekday(word) {
                return None;
            }
            self.accept(b",");
            self.blanks();
        }
        match self.number()? {
            (year, 4) => self.date_after_year(year).map(|date| (date, None)),
            (n, 8) => Date::new(n / 10_000, n / 100 % 100, n % 100).map(|date| (date, None)),
            (n, 14) => {
                let (n, time) = (n / 1_000_000, n % 1_000_000);
                let date = Date::new(n / 10_000, n / 100 % 100, n % 100)?;
                Some((date, Some(time_ticks(time / 10_000, time / 100 % 100, time % 100)?)))
            }
            (first, 1..=2) => self.date_after_short(first).map(|date| (date, None)),
            _ => None,
        }
    }

    /// `2014`, `2014-11`, `2014-11-08`, `2014/11/08`.
    fn date_after_year(&mut self, year: i64) -> Option<Date> {
        if !self.accept(b"-/") {
            return Date::new(year, 1, 1);
        }
        let month = self.month()?;
        let day = if self.accept(b"-/") { self.short_number()? } else { 1 };
        Date::new(year, month, day)
    }

    /// `11/8/2014`, `8 Nov 14`, `08-Nov-14`.
    fn date_after_short(&mut self, first: i64) -> Option<Date> {
        self.blanks();
        self.accept(b"-/");
        if self.peek().is_ascii_alphabetic() {
            let month = self.month()?;
            self.accept(b"-/,");
            self.blanks();
            let year = self.year()?;
            return Date::new(year, month, first);
        }
        let day = self.short_number()?;
        if !self.accept(b"-/") {
            return None;
        }
        let year = self.year()?;
        Date::new(year, first, day)
    }

    /// `Nov 8, 2014`.
    fn date_after_month(&mut self, month: i64) -> Option<Date> {
        self.accept(b".");
        self.blanks();
        let day = self.short_number()?;
        self.accept(b",");
        self.blanks();
        let year = self.year()?;
        Date::new(year, month, day)
    }

    fn month(&mut self) -> Option<i64> {
        if self.peek().is_ascii_alphabetic() { month_of(self.word()) } else { self.short_number() }
    }

    fn year(&mut self) -> Option<i64> {
        match self.number()? {
            (year, 4) => Some(year),
            (year, 2) => Some(if year < 50 { 2000 + year } else { 1900 + year }),
            _ => None,
        }
    }

    fn starts_time(&mut self) -> bool {
        self.accept(b",");
        if self.accept(b"Tt") {
            return true;
        }
        self.blanks();
        self.peek().is_ascii_digit()
    }

    /// `15:05`, `15:05:02.1234567`, `3:05 PM`, `150502`.
    fn time_of_day(&mut self) -> Option<i64> {
        let (mut hour, minute, second) = match self.number()? {
            (n, 6) => (n / 10_000, n / 100 % 100, n % 100),
            (n, 4) => (n / 100, n % 100, 0),
            (hour, 1..=2) => {
                let minute = self.accept(b":").then(|| self.short_number()).flatten()?;
                let second = if self.accept(b":") { self.short_number()? } else { 0 };
                (hour, minute, second)
            }
            _ => return None,
        };
        let fraction = if self.accept(b".,") {
            let digits = self.take(|b| b.is_ascii_digit());
            fraction_ticks(std::str::from_utf8(digits).ok()?)?
        } else {
            0
        };
        self.blanks();
        if let Some(afternoon) = self.meridiem() {
            if !(1..=12).contains(&hour) {
                return None;
            }
            hour = hour % 12 + if afternoon { 12 } else { 0 };
        }
        Some(time_ticks(hour, minute, second)? + fraction)
    }

    fn meridiem(&mut self) -> Option<bool> {
        let head = self.rest.get(..2)?;
        let afternoon = head.eq_ignore_ascii_case(b"pm");
        if afternoon || head.eq_ignore_ascii_case(b"am") {
            self.rest = self.rest.get(2..).unwrap_or_default();
            self.blanks();
            return Some(afternoon);
        }
        None
    }

    /// The offset from UTC in ticks; none at all means UTC.
    fn zone(&mut self) -> Option<i64> {
        self.blanks();
        let word = self.word();
        if ![&b""[..], b"Z", b"z", b"GMT", b"UTC"].contains(&word) {
            return None;
        }
        let negative = self.peek() == b'-';
        if !self.accept(b"+-") {
            return Some(0);
        }
        let (hours, minutes) = match self.number()? {
            (n, 4) => (n / 100, n % 100),
            (hours, 1..=2) if self.accept(b":") => (hours, self.short_number()?),
            (hours, 1..=2) => (hours, 0),
            _ => return None,
        };
        if hours > 14 || minutes > 59 {
            return None;
        }
        let offset = hours * HOUR + minutes * MINUTE;
        Some(if negative { -offset } else { offset })
    }
}

fn time_ticks(hour: i64, minute: i64, second: i64) -> Option<i64> {
    let valid = hour < 24 && minute < 60 && second < 60;
    valid.then_some(hour * HOUR + minute * MINUTE + second * SECOND)
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

fn abbreviates(word: &[u8], name: &str) -> bool {
    let name = name.as_bytes();
    word.eq_ignore_ascii_case(name) || word.len() == 3 && word.eq_ignore_ascii_case(&name[..3])
}

fn month_of(word: &[u8]) -> Option<i64> {
    (1..).zip(MONTHS).find(|(_, name)| abbreviates(word, name)).map(|(month, _)| month)
}

fn is_weekday(word: &[u8]) -> bool {
    WEEKDAYS.iter().any(|name| abbreviates(word, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_datetimes_are_as_scanned() {
        for text in [
            "2014-11-08",
            "2014-02-29",
            "0001-01-01",
            "0000-01-01",
            "9999-12-31 23:59:59.9999999",
            "2014-11-08T15:05:02",
            "2014-11-08 15:05:02Z",
            "2014-11-08 24:05:02Z",
            "2014-11-08T15:05:02.1Z",
            "2014-11-08T15:05:02.1234567Z",
            "2014-11-08T15:05:02.12345678Z",
            "2014-11-08T15:05:02.",
            "2014-11-08T15:05:02.12a",
            "2014-11-08T15:05Z",
            "2014/11/08",
            "2014-11-0x",
        ] {
            assert_eq!(parse_datetime(text), scan_datetime(text), "{text}");
            assert!(standard_datetime(text).is_none_or(|ticks| Some(ticks) == scan_datetime(text)), "{text}");
        }
    }

    #[test]
    fn reals() {
        let cases = [
            (1.0, "1.0"),
            (1.5, "1.5"),
            (-0.0, "-0.0"),
            (0.1 + 0.2, "0.30000000000000007"),
            (1.0 / 3.0, "0.3333333333333333"),
            (40.764_323_000_000_005, "40.764323000000008"),
            (9.999_999_999_999_998, "9.999999999999999"),
            (50.250_000_000_000_01, "50.25000000000001"),
            (100_000_000_000.0, "100000000000.0"),
            (123_456_789.125, "123456789.125"),
            (0.0005, "0.0005"),
            (1e100, "1e+100"),
            (1.5e-7, "1.5e-07"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "NaN"),
        ];
        for (value, text) in cases {
            assert_eq!(real(value), text);
        }
        for value in [f64::MAX, f64::MIN_POSITIVE, 5e-324, 1.0 / 7.0, 2f64.powi(63), 1e15, 1e-5] {
            assert_eq!(real(value).parse::<f64>().unwrap(), value);
        }
    }

    #[test]
    fn datetimes() {
        let cases = [
            ("2020-01-01", "2020-01-01T00:00:00.0000000Z"),
            ("2015-12-31 23:59:59.9", "2015-12-31T23:59:59.9000000Z"),
            ("2014-05-25T08:20:03.123456Z", "2014-05-25T08:20:03.1234560Z"),
            ("2014-05-25T08:20:03.123456789Z", "2014-05-25T08:20:03.1234567Z"),
            ("2014-05-25T08:20", "2014-05-25T08:20:00.0000000Z"),
            ("2014-11-08 15:05 GMT", "2014-11-08T15:05:00.0000000Z"),
            ("2014-11-08T15:05:25+02:00", "2014-11-08T13:05:25.0000000Z"),
            ("2014-11-08T15:05:25 -0700", "2014-11-08T22:05:25.0000000Z"),
            ("Sat, 8 Nov 14 15:05:02 GMT", "2014-11-08T15:05:02.0000000Z"),
            ("Saturday, 08-Nov-14 15:05 GMT", "2014-11-08T15:05:00.0000000Z"),
            ("8 Nov 2014", "2014-11-08T00:00:00.0000000Z"),
            ("Nov 8, 2014", "2014-11-08T00:00:00.0000000Z"),
            ("12/31/2015 3:04:05 PM", "2015-12-31T15:04:05.0000000Z"),
            ("12-02-2022", "2022-12-02T00:00:00.0000000Z"),
            ("20201231", "2020-12-31T00:00:00.0000000Z"),
            ("9999-12-31 23:59:59.9999999", "9999-12-31T23:59:59.9999999Z"),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_datetime(text).map(datetime).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            "not a date",
            "2020-13-01",
            "2020-02-30",
            "2020-01-01T25:00",
            "2020-01-01T00:00:00Zx",
            "0000-01-01",
            "5",
            "1.2.3.4",
            "2020-01-01 -",
            "0001-01-01T00:00:00+01:00",
            "2020-01-01T",
            "12:30",
        ] {
            assert_eq!(parse_datetime(text), None, "{text}");
        }
    }

    #[test]
    fn timespans() {
        let cases = [
            ("1.02:03:04.5", "1.02:03:04.5000000"),
            ("-00:30:00", "-00:30:00"),
            ("13:00", "13:00:00"),
            ("0:0:0.001", "00:00:00.0010000"),
            ("100.00:00:00", "100.00:00:00"),
            ("6:12:14:45", "6.12:14:45"),
            ("1d", "1.00:00:00"),
            ("1.5h", "01:30:00"),
            ("-90s", "-00:01:30"),
            ("25min", "00:25:00"),
            ("100nanoseconds", "00:00:00.0000001"),
            ("1tick", "00:00:00.0000001"),
            ("2", "2.00:00:00"),
            ("-10675199.02:48:05.4775808", "-10675199.02:48:05.4775808"),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_timespan(text).map(timespan).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "-", "abc", "24:00", "00:60", "1.5", "1w", "1:2:3:4:5", "99999999999d", "é:é", "1.é:00"] {
            assert_eq!(parse_timespan(text), None, "{text}");
        }
    }

    #[test]
    fn decimals_and_guids() {
        let round = |text: &str| parse_decimal(text).map(decimal);
        assert_eq!(round("123.45678").as_deref(), Some("123.45678"));
        assert_eq!(round("-0.0").as_deref(), Some("0"));
        assert_eq!(round("1e3").as_deref(), Some("1000"));
        assert_eq!(round("1.5e-3").as_deref(), Some("0.0015"));
        assert_eq!(round("3.14159265358979").as_deref(), Some("3.14159265359"));
        assert_eq!(round("1e-50").as_deref(), Some("0"));
        for text in ["", "abc", "1,5", ".", "1e40", "1e999999999"] {
            assert_eq!(round(text), None, "{text}");
        }
        let same = "01234567-89ab-cdef-0123-456789abcdef";
        for text in [
            same,
            "0123456789abcdef0123456789abcdef",
            "0123456789ab-cdef-0123-456789abcdef",
            "{01234567-89AB-CDEF-0123-456789abcdef}",
        ] {
            assert_eq!(parse_guid(text).map(|g| guid(&g)).as_deref(), Some(same));
        }
        assert_eq!(parse_guid("a string that is not a guid"), None);
        assert_eq!(parse_guid("0123456789abcdef"), None);
    }
}
