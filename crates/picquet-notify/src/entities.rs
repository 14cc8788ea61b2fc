//! Entities of records: read from the JSON text that the `Entities` column holds.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// How deep references are followed; they may lead in circles.
const DEEPEST: usize = 4;

/// The entities of a SecurityAlert record, of an incident's `Alerts`, of a list of records, or of Entities JSON itself (text or
/// array). References (`$ref`) are replaced by what they refer to, ids (`$id`) left out, equal entities merged; what is no
/// entity is left out.
pub(crate) fn of(value: &Value) -> Vec<Value> {
    let mut entities = Vec::new();
    collect(value, &mut entities);
    entities
}

fn collect(value: &Value, into: &mut Vec<Value>) {
    match value {
        Value::String(text) => {
            // Text within text is not looked into, so this ends.
            if let Ok(array @ Value::Array(_)) = serde_json::from_str(text) {
                collect(&array, into);
            }
        }
        Value::Object(record) => {
            let inner = record.get("Entities").or_else(|| record.get("Alerts"));
            if let Some(inner) = inner.filter(|inner| inner.is_string() || inner.is_array()) {
                collect(inner, into);
            }
        }
        Value::Array(items) => {
            let by_id: HashMap<&str, &Value> =
                items.iter().filter_map(|item| Some((item.get("$id")?.as_str()?, item))).collect();
            for item in items {
                match item.as_object() {
                    Some(record) if record.contains_key("Entities") => collect(item, into),
                    Some(entity) => {
                        let entity = whole(entity, &by_id, 0);
                        if !into.contains(&entity) {
                            into.push(entity);
                        }
                    }
                    None => {}
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// An entity without ids and references.
fn whole(entity: &Map<String, Value>, by_id: &HashMap<&str, &Value>, depth: usize) -> Value {
    if let Some(id) = entity.get("$ref").and_then(Value::as_str) {
        return match by_id.get(id).and_then(|value| value.as_object()) {
            Some(entity) if depth < DEEPEST => whole(entity, by_id, depth + 1),
            _ => Value::Null,
        };
    }
    let inner = |value: &Value| match value {
        Value::Object(inner) if depth < DEEPEST => whole(inner, by_id, depth + 1),
        Value::Array(items) if depth < DEEPEST => {
            let items = items.iter().map(|item| match item {
                Value::Object(inner) => whole(inner, by_id, depth + 1),
                other => other.clone(),
            });
            items.collect()
        }
        other => other.clone(),
    };
    let fields = entity.iter().filter(|(name, _)| *name != "$id");
    Value::Object(fields.map(|(name, value)| (name.clone(), inner(value))).collect())
}

/// The type of an entity as its `Type` says (`account`, `ip`, …); "" if it says none.
pub(crate) fn kind(entity: &Value) -> &str {
    entity.get("Type").and_then(Value::as_str).unwrap_or_default()
}

/// What an entity is called by in a text: type and, in order of preference, patterns whose `{…}` are its fields. A pattern
/// counts when all its fields have a value.
const LABELS: &[(&str, &[&str])] = &[
    (
        "account",
        &[
            "{Name}@{UPNSuffix}",
            "{NTDomain}\\{Name}",
            "{Name}@{DnsDomain}",
            "{Name}",
            "{AadUserId}",
            "{Sid}",
            "{PUID}",
            "{ObjectGuid}",
        ],
    ),
    ("host", &["{HostName}.{DnsDomain}", "{HostName}", "{NetBiosName}", "{AzureID}", "{OMSAgentID}"]),
    ("ip", &["{Address}"]),
    ("url", &["{Url}"]),
    ("azure-resource", &["{ResourceId}"]),
    ("cloud-application", &["{Name}", "{AppId}"]),
    ("dns", &["{DomainName}"]),
    ("file", &["{Directory}/{Name}", "{Name}"]),
    ("filehash", &["{Algorithm}:{Value}", "{Value}"]),
    ("malware", &["{Name}"]),
    ("process", &["{CommandLine}", "{ProcessId}"]),
    ("registry-key", &["{Hive}\\{Key}", "{Key}", "{Hive}"]),
    ("registry-value", &["{Name}"]),
    ("security-group", &["{DistinguishedName}", "{SID}", "{ObjectGuid}"]),
    ("mailbox", &["{MailboxPrimaryAddress}", "{Upn}"]),
    ("mail-cluster", &["{Query}", "{Source}"]),
    ("mail-message", &["{Subject}", "{NetworkMessageId}", "{Recipient}"]),
    ("submissionmail", &["{SubmissionId}", "{NetworkMessageId}", "{Recipient}"]),
    ("iotdevice", &["{DeviceName}", "{DeviceId}"]),
];

/// What an entity is called by in a text: `alex@contoso.com`, `203.0.113.7`. Of a type that is not known, the first of its
/// fields that is text. "" if nothing fits.
pub(crate) fn label(entity: &Value) -> String {
    let kind = kind(entity);
    let patterns =
        LABELS.iter().find(|(name, _)| name.eq_ignore_ascii_case(kind)).map_or(&[][..], |(_, patterns)| patterns);
    let known = patterns.iter().find_map(|pattern| filled(pattern, entity));
    let any = || {
        let fields = entity.as_object()?.iter().filter(|(name, _)| *name != "Type");
        fields.filter_map(|(_, value)| value.as_str()).find(|text| !text.is_empty()).map(str::to_owned)
    };
    known.or_else(any).unwrap_or_default()
}

fn filled(pattern: &str, entity: &Value) -> Option<String> {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        text.push_str(before);
        match entity.get(name)? {
            Value::String(value) if !value.is_empty() => text.push_str(value),
            Value::Number(value) => text.push_str(&value.to_string()),
            _ => return None,
        }
        rest = after;
    }
    text.push_str(rest);
    Some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn from_every_form() {
        let array = json!([{"$id": "3", "Address": "203.0.113.7", "Type": "ip"}]);
        let expected = vec![json!({"Address": "203.0.113.7", "Type": "ip"})];
        let alert = json!({"Entities": array.to_string()});
        assert_eq!(of(&array), expected);
        assert_eq!(of(&array.to_string().into()), expected);
        assert_eq!(of(&alert), expected);
        assert_eq!(of(&json!({"Entities": array})), expected);
        assert_eq!(of(&json!([alert, alert])), expected);
        assert_eq!(of(&json!({"Alerts": [alert, {"Entities": ""}]})), expected);
        for nothing in
            [json!(""), json!("no json"), json!("{}"), json!(null), json!(1), json!([1, "x"]), json!({"Alerts": 1})]
        {
            assert_eq!(of(&nothing), Vec::<Value>::new(), "{nothing}");
        }
    }

    #[test]
    fn references() {
        let array = json!([
            {"$id": "1", "HostName": "web", "Type": "host"},
            {"$id": "2", "ProcessId": "7", "Host": {"$ref": "1"}, "Files": [{"$ref": "1"}, {"$ref": "9"}], "Type": "process"},
        ]);
        let host = json!({"HostName": "web", "Type": "host"});
        assert_eq!(of(&array)[1], json!({"ProcessId": "7", "Host": host, "Files": [host, null], "Type": "process"}));
        let circle = json!([{"$id": "1", "Self": {"$ref": "1"}, "Type": "x"}]);
        assert!(of(&circle)[0].to_string().len() < 500);
    }

    #[test]
    fn labels() {
        let cases = [
            (
                json!({"Name": "alex", "UPNSuffix": "contoso.com", "NTDomain": "C", "Type": "account"}),
                "alex@contoso.com",
            ),
            (json!({"Name": "alex", "UPNSuffix": "", "NTDomain": "C", "Type": "Account"}), "C\\alex"),
            (json!({"Sid": "S-1-5-18", "Type": "account"}), "S-1-5-18"),
            (json!({"HostName": "web", "DnsDomain": "d.example", "Type": "host"}), "web.d.example"),
            (json!({"Name": "a.exe", "Type": "file"}), "a.exe"),
            (json!({"ProcessId": 42, "Type": "process"}), "42"),
            (json!({"Type": "new-thing", "Port": 1, "What": "that"}), "that"),
            (json!({"Type": "ip"}), ""),
            (json!("text"), ""),
        ];
        for (entity, expected) in cases {
            assert_eq!(label(&entity), expected, "{entity}");
        }
    }
}
