//! Durations of a configuration: `10s`, `5m`, `1h 30m`, `3d` (days of 24 hours), or ISO 8601 (`PT10S`).

use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::{Deserialize, Deserializer, Serializer};

pub(crate) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    match SignedDuration::try_from(*duration) {
        Ok(duration) => serializer.collect_str(&format_args!("{duration:#}")),
        Err(error) => Err(serde::ser::Error::custom(error)),
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let span = text.parse::<Span>().and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()));
    let duration = span.ok().and_then(|duration| Duration::try_from(duration).ok());
    duration.filter(|duration| !duration.is_zero()).ok_or_else(|| {
        serde::de::Error::custom(format_args!("`{text}` is no duration above zero, such as `10s`, `5m` or `PT1H`"))
    })
}
