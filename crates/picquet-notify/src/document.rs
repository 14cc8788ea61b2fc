//! What is sent where no template says otherwise.

use serde_json::{Value, json};

use crate::entities;
use crate::message::Message;

/// The whole message as one JSON object.
pub(crate) fn full(message: &Message) -> Value {
    json!({
        "id": message.id,
        "event": message.event,
        "severity": message.severity,
        "created": message.created,
        "rule": {"id": message.rule_id, "name": message.rule_name},
        "record": message.body,
    })
}

/// How many entities the short form lists.
const MOST_ENTITIES: usize = 20;

/// The main fields alone, for receivers of lines.
pub(crate) fn short(message: &Message) -> Value {
    let entities: Vec<Value> = entities::of(&message.body)
        .iter()
        .take(MOST_ENTITIES)
        .map(|entity| json!({"type": entities::kind(entity), "value": entities::label(entity)}))
        .collect();
    let mut object = json!({
        "id": message.id,
        "event": message.event,
        "severity": message.severity,
        "created": message.created,
        "rule": {"id": message.rule_id, "name": message.rule_name},
        "title": message.title(),
        "entities": entities,
    });
    if let Some(fields) = object.as_object_mut() {
        let columns = [
            ("incident", "IncidentNumber"),
            ("status", "Status"),
            ("classification", "Classification"),
            ("tactics", "Tactics"),
            ("techniques", "Techniques"),
            ("alert", "SystemAlertId"),
            ("alerts", "AlertIds"),
        ];
        for (name, column) in columns {
            if let Some(value) = message.body.get(column).filter(|value| !value.is_null() && *value != "") {
                fields.insert(name.to_owned(), value.clone());
            }
        }
        if let Some(link) = message.link() {
            fields.insert("link".to_owned(), link.into());
        }
    }
    object
}

/// JSON text in ASCII, for receivers that are unsure of encodings: other characters can only stand within strings.
pub(crate) fn ascii(json: &Value) -> String {
    let text = json.to_string();
    if text.is_ascii() {
        return text;
    }
    let mut ascii = String::with_capacity(text.len() * 2);
    let mut units = [0; 2];
    for char in text.chars() {
        if char.is_ascii() {
            ascii.push(char);
        } else {
            ascii.extend(char.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    ascii
}

/// A text as one line: line breaks and other control characters become spaces, those at the end go.
pub(crate) fn one_line(text: &str) -> String {
    text.trim_end().chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Event;

    #[test]
    fn ascii_is_the_same_value() {
        let value = json!({"a": "Žluťoučký \u{1F980} \n \"x\"", "ключ": 1});
        let text = ascii(&value);
        assert!(text.is_ascii() && text.contains(r"\ud83e\udd80"), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn the_short_form() {
        let short = short(&Message::sample(Event::IncidentClosed));
        let expected = json!({
            "id": "sample-incident", "event": "incident.closed", "severity": "Medium", "created": "1970-01-01T00:00:00Z",
            "rule": {"id": "00000000-0000-0000-0000-000000000001", "name": "Sample: sign-ins from two countries"},
            "title": "Sample: sign-ins from two countries", "incident": 1, "status": "Closed",
            "classification": "BenignPositive", "alerts": ["00000000-0000-0000-0000-000000000002"],
            "link": "https://example.com/incidents/1",
            "entities": [
                {"type": "account", "value": "sample.user@example.com"},
                {"type": "ip", "value": "192.0.2.1"},
            ],
        });
        assert_eq!(short, expected);
    }

    #[test]
    fn lines() {
        assert_eq!(one_line("a\n b\tc\r\n\n"), "a  b c");
    }
}
