//! Times as Kusto has them: UTC, in ticks of 100 ns.

use jiff::Timestamp;

/// ISO text with seven decimals at most: Kusto's datetime has ticks of 100 ns.
pub(crate) fn iso_text(time: Timestamp) -> String {
    floor_to(time, 100).to_string()
}

/// The time rounded down to a multiple of a number of nanoseconds.
pub(crate) fn floor_to(time: Timestamp, step: i128) -> Timestamp {
    let nanos = time.as_nanosecond();
    // Rounding towards the past can only leave the range at its very start; that instant then stays as it is.
    Timestamp::from_nanosecond(nanos - nanos.rem_euclid(step)).unwrap_or(time)
}

/// Reads an ISO 8601 time; one without a zone is UTC, as all of Kusto's times are.
pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse().or_else(|_| format!("{text}Z").parse()).ok()
}

/// Serde form of a time: ISO text in ticks.
pub(crate) mod ticks {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::iso_text(*time))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::parse_time(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is no ISO 8601 time")))
    }
}

/// Serde form of a time that may be missing: ISO text in ticks, or null.
pub(crate) mod optional_ticks {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Ticks(#[serde(with = "super::ticks")] Timestamp);

    pub fn serialize<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        time.map(Ticks).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<Ticks>::deserialize(deserializer)?.map(|ticks| ticks.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_ticks() {
        let cases = [
            ("2024-05-01T12:00:00Z", "2024-05-01T12:00:00Z"),
            ("2024-05-01T12:00:00.123456789Z", "2024-05-01T12:00:00.1234567Z"),
            ("1960-01-01T00:00:00.000000050Z", "1960-01-01T00:00:00Z"),
        ];
        for (time, expected) in cases {
            assert_eq!(iso_text(time.parse().expect(time)), expected);
        }
    }
}
