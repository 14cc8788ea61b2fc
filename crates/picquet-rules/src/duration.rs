//! Lengths of time in the four spellings that rules use.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::{Serialize, Serializer};

const SECOND: i64 = 10_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A length of time in ticks of 100 ns, Kusto's own unit; never negative.
///
/// Reads `5m`/`1h`/`14d` (also `30s`, `1w`), .NET `[d.]hh:mm[:ss[.fffffff]]` and ISO 8601 `P[nW][nD][T[nH][nM][nS]]`
/// (spec section 10). Years and months have no fixed length and are refused.
///
/// ```
/// use picquet_rules::Duration;
/// let period: Duration = "1d".parse().unwrap();
/// assert_eq!(period.to_iso(), "P1D");
/// assert_eq!(period.to_dotnet(), "1.00:00:00");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(i64);

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a duration")]
pub struct DurationError {
    /// The text as written.
    pub text: String,
    /// The duration that was probably meant, in the short spelling.
    pub nearest: Option<String>,
}

impl DurationError {
    /// What is expected, and the nearest valid value.
    #[must_use]
    pub fn help(&self) -> String {
        let expected = "expected a duration such as `5m`, `1h`, `14d`, `PT5M`, `P1D` or `1.00:00:00`";
        match &self.nearest {
            Some(near) => format!("{expected}; did you mean `{near}`?"),
            None => expected.to_owned(),
        }
    }
}

impl Duration {
    /// A number of 100 ns ticks; negative numbers give zero.
    #[must_use]
    pub const fn from_ticks(ticks: i64) -> Self {
        Self(if ticks < 0 { 0 } else { ticks })
    }

    /// A number of minutes.
    #[must_use]
    pub const fn from_minutes(minutes: u32) -> Self {
        Self(minutes as i64 * MINUTE)
    }

    /// A number of hours.
    #[must_use]
    pub const fn from_hours(hours: u32) -> Self {
        Self(hours as i64 * HOUR)
    }

    /// The length in 100 ns ticks.
    #[must_use]
    pub const fn ticks(self) -> i64 {
        self.0
    }

    /// The length as seconds and nanoseconds, for time arithmetic.
    #[must_use]
    pub fn to_signed_duration(self) -> jiff::SignedDuration {
        let nanos = (self.0 % SECOND) * 100;
        jiff::SignedDuration::from_secs(self.0 / SECOND) + jiff::SignedDuration::from_nanos(nanos)
    }

    /// ISO 8601, the ARM spelling: `PT5M`, `P1D`, `P2DT1H30M`.
    #[must_use]
    pub fn to_iso(self) -> String {
        let [days, hours, minutes, seconds] = self.parts();
        let fraction = self.fraction();
        let mut text = String::from("P");
        if days > 0 {
            text.push_str(&format!("{days}D"));
        }
        let mut time = String::new();
        if hours > 0 {
            time.push_str(&format!("{hours}H"));
        }
        if minutes > 0 {
            time.push_str(&format!("{minutes}M"));
        }
        if seconds > 0 || !fraction.is_empty() {
            time.push_str(&format!("{seconds}{fraction}S"));
        }
        if time.is_empty() && days == 0 {
            time.push_str("0S");
        }
        if !time.is_empty() {
            text.push('T');
            text.push_str(&time);
        }
        text
    }

    /// The YAML spelling, in the largest unit that gives a whole number: `5m`, `36h`, `14d`.
    ///
    /// Lengths below a second have no short form and come out as the .NET one.
    #[must_use]
    pub fn to_short(self) -> String {
        let units = [(DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s")];
        for (unit, suffix) in units {
            if self.0 >= unit && self.0 % unit == 0 {
                return format!("{}{suffix}", self.0 / unit);
            }
        }
        if self.0 == 0 { "0s".to_owned() } else { self.to_dotnet() }
    }

    /// The .NET time span of `ExtendedProperties`: `05:00:00`, `1.00:00:00`.
    #[must_use]
    pub fn to_dotnet(self) -> String {
        let [days, hours, minutes, seconds] = self.parts();
        let ticks = self.0 % SECOND;
        let day = if days > 0 { format!("{days}.") } else { String::new() };
        let fraction = if ticks > 0 { format!(".{ticks:07}") } else { String::new() };
        format!("{day}{hours:02}:{minutes:02}:{seconds:02}{fraction}")
    }

    fn parts(self) -> [i64; 4] {
        [self.0 / DAY, self.0 % DAY / HOUR, self.0 % HOUR / MINUTE, self.0 % MINUTE / SECOND]
    }

    fn fraction(self) -> String {
        let ticks = self.0 % SECOND;
        if ticks == 0 {
            return String::new();
        }
        format!(".{ticks:07}").trim_end_matches('0').to_owned()
    }
}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trimmed = text.trim();
        parse_short(trimmed)
            .or_else(|| parse_iso(trimmed))
            .or_else(|| parse_dotnet(trimmed))
            .map(Self)
            .ok_or_else(|| DurationError { text: text.to_owned(), nearest: guess(trimmed) })
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_short())
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_iso())
    }
}

/// Any of the spellings.
impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error: DurationError| D::Error::custom(format!("{error}; {}", error.help())))
    }
}

fn unit_ticks(letter: char) -> Option<i64> {
    match letter.to_ascii_lowercase() {
        'w' => Some(7 * DAY),
        'd' => Some(DAY),
        'h' => Some(HOUR),
        'm' => Some(MINUTE),
        's' => Some(SECOND),
        _ => None,
    }
}

fn parse_short(text: &str) -> Option<i64> {
    let letter = text.chars().last()?;
    let unit = unit_ticks(letter)?;
    digits(&text[..text.len() - 1])?.checked_mul(unit)
}

fn parse_iso(text: &str) -> Option<i64> {
    let rest = text.strip_prefix(['P', 'p'])?;
    let (date, time) = match rest.split_once(['T', 't']) {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (rest, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let date_ticks = iso_components(date, "WD")?;
    date_ticks.checked_add(iso_components(time, "HMS")?)
}

/// Sums `<number><unit>` pairs whose units come in the order of `units`.
fn iso_components(mut text: &str, units: &str) -> Option<i64> {
    let mut total: i64 = 0;
    let mut next_unit = 0;
    while !text.is_empty() {
        let end = text.find(|c: char| c.is_ascii_alphabetic())?;
        let letter = text[end..].chars().next()?.to_ascii_uppercase();
        let position = units.find(letter)?;
        if position < next_unit {
            return None;
        }
        next_unit = position + 1;
        total = total.checked_add(decimal(&text[..end], unit_ticks(letter)?)?)?;
        text = &text[end + 1..];
    }
    Some(total)
}

fn parse_dotnet(text: &str) -> Option<i64> {
    let (first, rest) = text.split_once(':')?;
    let (days, hours) = match first.split_once('.') {
        Some((days, hours)) => (digits(days)?, digits(hours)?),
        None => (0, digits(first)?),
    };
    let (minutes, seconds) = match rest.split_once(':') {
        Some((minutes, seconds)) => (digits(minutes)?, decimal(seconds, SECOND)?),
        None => (digits(rest)?, 0),
    };
    if hours > 23 || minutes > 59 || seconds >= MINUTE {
        return None;
    }
    days.checked_mul(DAY)?.checked_add(hours * HOUR + minutes * MINUTE + seconds)
}

fn digits(text: &str) -> Option<i64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// A decimal number of units; at most seven decimals, as the tick allows.
fn decimal(text: &str, unit: i64) -> Option<i64> {
    let Some((whole, fraction)) = text.split_once(['.', ',']) else {
        return digits(text)?.checked_mul(unit);
    };
    if fraction.len() > 7 {
        return None;
    }
    let scale = 10_i64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let part = digits(fraction)?.checked_mul(unit)? / scale;
    digits(whole)?.checked_mul(unit)?.checked_add(part)
}

/// The duration meant by spellings such as `5min`, `1 hour`, `1.5h` or `-5m`.
fn guess(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let number = lower.trim_start_matches(['p', 't', '-', '+', ' ']);
    let rest = number.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number = &number[..number.len() - rest.len()];
    let unit = rest.trim_start().chars().next()?;
    let is_one_pair = !rest.contains(|c: char| c.is_ascii_digit());
    if !is_one_pair || number.len() > 6 {
        return None;
    }
    decimal(number, unit_ticks(unit)?).map(|ticks| {
        // Keeps the unit that was written where the number is whole.
        if number.contains('.') { Duration(ticks).to_short() } else { format!("{number}{unit}") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        // text, ISO, short, .NET
        let cases = [
            ("5m", "PT5M", "5m", "00:05:00"),
            ("1h", "PT1H", "1h", "01:00:00"),
            ("14d", "P14D", "14d", "14.00:00:00"),
            ("30s", "PT30S", "30s", "00:00:30"),
            ("1w", "P7D", "7d", "7.00:00:00"),
            ("PT5M", "PT5M", "5m", "00:05:00"),
            ("PT60M", "PT1H", "1h", "01:00:00"),
            ("pt5h", "PT5H", "5h", "05:00:00"),
            ("P1D", "P1D", "1d", "1.00:00:00"),
            ("P1W", "P7D", "7d", "7.00:00:00"),
            ("P2DT1H30M", "P2DT1H30M", "2970m", "2.01:30:00"),
            ("PT0.5S", "PT0.5S", "00:00:00.5000000", "00:00:00.5000000"),
            ("05:00:00", "PT5H", "5h", "05:00:00"),
            ("1.00:00:00", "P1D", "1d", "1.00:00:00"),
            ("01:30", "PT1H30M", "90m", "01:30:00"),
            ("0.00:00:00.0000001", "PT0.0000001S", "00:00:00.0000001", "00:00:00.0000001"),
            ("00:00:00", "PT0S", "0s", "00:00:00"),
            (" 1D ", "P1D", "1d", "1.00:00:00"),
        ];
        for (text, iso, short, dotnet) in cases {
            let parsed: Duration = text.parse().expect(text);
            assert_eq!(
                (parsed.to_iso().as_str(), parsed.to_short().as_str(), parsed.to_dotnet().as_str()),
                (iso, short, dotnet),
                "{text}"
            );
            assert_eq!(iso.parse(), Ok(parsed), "{text}");
            assert_eq!(short.parse(), Ok(parsed), "{text}");
            assert_eq!(dotnet.parse(), Ok(parsed), "{text}");
        }
    }

    #[test]
    fn refusals() {
        let cases = [
            ("5min", Some("5m")),
            ("1 hour", Some("1h")),
            ("2 days", Some("2d")),
            ("1.5h", Some("90m")),
            ("1 fortnight", None),
            ("PT5", None),
            ("5", None),
            ("", None),
            ("P", None),
            ("PT", None),
            ("P1M", Some("1m")),
            ("P1Y", None),
            ("PT5M1H", None),
            ("-5m", Some("5m")),
            ("25:00:00", None),
            ("1.24:00:00", None),
            ("soon", None),
            ("9999999999999999999d", None),
            ("é", None),
        ];
        for (text, nearest) in cases {
            let error = text.parse::<Duration>().expect_err(text);
            assert_eq!(error.nearest.as_deref(), nearest, "{text}");
        }
    }
}
