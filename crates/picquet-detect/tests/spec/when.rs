//! Instants as the cases write them: those of 14 March 2026 as their clock, others in full.

use jiff::Timestamp;

/// The day on which the cases happen, unless they say otherwise.
const DAY: &str = "2026-03-14";

/// `00:05`, `00:05:30`, or a whole instant.
pub fn time(text: &str) -> Option<Timestamp> {
    let clock = match text.len() {
        5 => format!("{text}:00"),
        _ => text.to_string(),
    };
    text.parse().or_else(|_| format!("{DAY}T{clock}Z").parse()).ok()
}

/// The shortest text that [`time`] reads as the instant.
pub fn short(time: Timestamp) -> String {
    let text = time.to_string();
    match text.strip_prefix(DAY).and_then(|rest| rest.strip_prefix('T')?.strip_suffix('Z')) {
        Some(clock) => clock.strip_suffix(":00").unwrap_or(clock).to_string(),
        None => text,
    }
}
