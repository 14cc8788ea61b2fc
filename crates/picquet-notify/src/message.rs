//! What is sent.

use std::fmt;

use jiff::Timestamp;
use picquet_rules::Severity;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// Something that happened and is to be told.
///
/// Serialises to JSON and back, so that it can be kept until it is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Unique, and the same at every attempt: receivers tell repetitions by it. Visible ASCII without `.`, so that it can be
    /// the id of a signed webhook.
    pub id: String,
    /// What happened.
    pub event: Event,
    /// Severity of the alert or incident.
    #[serde(deserialize_with = "severity")]
    pub severity: Severity,
    /// Id of the rule; may be empty.
    pub rule_id: String,
    /// Name of the rule; may be empty.
    pub rule_name: String,
    /// Messages of one key reach an output in their order; an incident's number. None for messages that wait for no other.
    pub order_key: Option<String>,
    /// When it happened.
    pub created: Timestamp,
    /// The SecurityAlert or SecurityIncident record, by column name. Of an incident, `Alerts` holds its SecurityAlert records.
    pub body: Value,
}

/// What happened. Written as `alert.raised`, `incident.created`, …
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Event {
    /// An alert was raised.
    #[serde(rename = "alert.raised")]
    AlertRaised,
    /// An incident was opened.
    #[serde(rename = "incident.created")]
    IncidentCreated,
    /// An incident changed: another alert, owner, severity, status, comment.
    #[serde(rename = "incident.updated")]
    IncidentUpdated,
    /// An incident was closed.
    #[serde(rename = "incident.closed")]
    IncidentClosed,
    /// A closed incident was opened again.
    #[serde(rename = "incident.reopened")]
    IncidentReopened,
}

impl Event {
    /// All events.
    pub const ALL: [Self; 5] =
        [Self::AlertRaised, Self::IncidentCreated, Self::IncidentUpdated, Self::IncidentClosed, Self::IncidentReopened];

    /// The event as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AlertRaised => "alert.raised",
            Self::IncidentCreated => "incident.created",
            Self::IncidentUpdated => "incident.updated",
            Self::IncidentClosed => "incident.closed",
            Self::IncidentReopened => "incident.reopened",
        }
    }

    /// What it happened to.
    #[must_use]
    pub const fn kind(self) -> EventKind {
        match self {
            Self::AlertRaised => EventKind::Alert,
            _ => EventKind::Incident,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an event happens to; outputs choose by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// An alert.
    Alert,
    /// An incident.
    Incident,
}

impl Message {
    /// A text column of the record; none when it is missing, empty, or no text.
    pub(crate) fn text(&self, column: &str) -> Option<&str> {
        self.body.get(column).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// What the alert or incident is called: its title or name, else the rule's name.
    pub(crate) fn title(&self) -> &str {
        ["Title", "DisplayName", "AlertName"].iter().find_map(|column| self.text(column)).unwrap_or(&self.rule_name)
    }

    /// Where to look at it, if that is an http(s) address.
    pub(crate) fn link(&self) -> Option<&str> {
        let link = ["IncidentUrl", "AlertLink"].iter().find_map(|column| self.text(column))?;
        let scheme = url::Url::parse(link).ok()?.scheme().to_owned();
        matches!(scheme.as_str(), "http" | "https").then_some(link)
    }

    /// The SecurityAlert records: the record itself, or those of the incident.
    pub(crate) fn alerts(&self) -> &[Value] {
        match self.event.kind() {
            EventKind::Alert => std::slice::from_ref(&self.body),
            EventKind::Incident => self.body.get("Alerts").and_then(Value::as_array).map_or(&[], Vec::as_slice),
        }
    }
}

/// Reads a severity by its name, whatever its case.
pub(crate) fn severity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Severity, D::Error> {
    let text = String::deserialize(deserializer)?;
    Severity::from_name(&text).ok_or_else(|| {
        serde::de::Error::custom(format_args!("`{text}` is no severity; there are {}", Severity::NAMES.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_as_json() {
        for event in Event::ALL {
            let message = Message::sample(event);
            let text = serde_json::to_string(&message).unwrap();
            assert!(text.contains(&format!(r#""event":"{event}""#)), "{text}");
            assert_eq!(serde_json::from_str::<Message>(&text).unwrap(), message);
        }
    }

    #[test]
    fn links_are_of_the_web() {
        let mut message = Message::sample(Event::AlertRaised);
        for (link, expected) in [
            ("https://a.example/1", Some("https://a.example/1")),
            ("javascript:alert(1)", None),
            ("none", None),
            ("", None),
        ] {
            message.body["AlertLink"] = link.into();
            assert_eq!(message.link(), expected);
        }
    }
}
