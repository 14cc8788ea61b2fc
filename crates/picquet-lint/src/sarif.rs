//! Findings as SARIF 2.1.0, as GitHub code scanning takes it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::baseline::fingerprint;
use crate::check::{Finding, Severity};
use crate::checks::check_of;
use crate::source::Source;

/// The log of one run. `version` is the program's; `sources` are the files, for the places of fixes.
#[must_use]
pub fn sarif(findings: &[Finding], sources: &[&Source], version: &str) -> Value {
    let codes: BTreeSet<&str> = findings.iter().map(|finding| finding.code).collect();
    let codes: Vec<&str> = codes.into_iter().collect();
    let rules: Vec<Value> = codes.iter().map(|code| rule(code)).collect();
    let results: Vec<Value> = findings.iter().map(|finding| result(finding, &codes, sources)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "picquet", "semanticVersion": version, "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Advice => "note",
    }
}

fn rule(code: &str) -> Value {
    let Some(check) = check_of(code) else {
        let what = match code.get(..2) {
            Some("KS") => "An error or warning of the Kusto Query Language",
            _ => "A problem of a rule or query",
        };
        return json!({"id": code, "shortDescription": {"text": what}});
    };
    let tags: Vec<&str> = check.sets.iter().map(|set| set.name()).collect();
    json!({
        "id": code,
        "name": check.name,
        "shortDescription": {"text": check.summary()},
        "fullDescription": {"text": crate::docs::why(check)},
        "help": {"text": check.remedy(), "markdown": check.doc()},
        "defaultConfiguration": {"level": level(check.severity)},
        "properties": {"tags": tags},
    })
}

fn result(finding: &Finding, codes: &[&str], sources: &[&Source]) -> Value {
    let mut message = finding.message.clone();
    if let Some(help) = &finding.help {
        message.push_str(&format!(". {help}"));
    }
    let mut object = Map::new();
    object.insert("ruleId".to_owned(), json!(finding.code));
    if let Some(index) = codes.iter().position(|code| *code == finding.code) {
        object.insert("ruleIndex".to_owned(), json!(index));
    }
    object.insert("level".to_owned(), json!(level(finding.severity)));
    object.insert("message".to_owned(), json!({"text": message}));
    if let Some(file) = &finding.place.file {
        let mut location = Map::new();
        location.insert("artifactLocation".to_owned(), json!({"uri": uri(file)}));
        if finding.place.line > 0 {
            location.insert("region".to_owned(), region(finding));
        }
        object.insert("locations".to_owned(), json!([{"physicalLocation": location}]));
        let source = sources.iter().find(|source| source.name.as_ref() == Some(file));
        object.extend(source.and_then(|source| fixes(finding, source)).map(|fixes| ("fixes".to_owned(), fixes)));
    }
    object.insert("partialFingerprints".to_owned(), json!({"picquet/v1": fingerprint(finding)}));
    if let Some(name) = &finding.rule {
        object.insert("properties".to_owned(), json!({"rule": name}));
    }
    Value::Object(object)
}

fn region(finding: &Finding) -> Value {
    let place = &finding.place;
    let end_line = place.end_line.max(place.line);
    let mut end_column = place.end_column.max(1);
    if end_line == place.line && end_column <= place.column {
        end_column = place.column + 1;
    }
    json!({
        "startLine": place.line,
        "startColumn": place.column.max(1),
        "endLine": end_line,
        "endColumn": end_column,
    })
}

fn fixes(finding: &Finding, source: &Source) -> Option<Value> {
    let fix = finding.fix.as_ref()?;
    let replacements: Vec<Value> = fix
        .edits
        .iter()
        .map(|edit| {
            let (line, column) = source.line_column(edit.span.start);
            let (end_line, end_column) = source.line_column(edit.span.end);
            json!({
                "deletedRegion": {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column},
                "insertedContent": {"text": edit.text},
            })
        })
        .collect();
    let file = finding.place.file.as_deref().unwrap_or_default();
    Some(json!([{
        "description": {"text": finding.help.as_deref().unwrap_or("mend it")},
        "artifactChanges": [{"artifactLocation": {"uri": uri(file)}, "replacements": replacements}],
    }]))
}

/// A path as a URI: relative ones stay so, for they are taken to begin at the repository's root.
fn uri(path: &str) -> String {
    let path = path.replace('\\', "/");
    let mut out = String::new();
    let is_drive = path.as_bytes().get(1) == Some(&b':');
    if path.starts_with('/') {
        out.push_str("file://");
    } else if is_drive {
        out.push_str("file:///");
    }
    let path = path.strip_prefix("./").unwrap_or(&path);
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            b':' if is_drive => out.push(':'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_as_uris() {
        let cases = [
            ("rules/a b.yaml", "rules/a%20b.yaml"),
            ("./rules/é.yaml", "rules/%C3%A9.yaml"),
            ("/x/y.yaml", "file:///x/y.yaml"),
            ("C:\\x\\y.yaml", "file:///C:/x/y.yaml"),
        ];
        for (path, expected) in cases {
            assert_eq!(uri(path), expected);
        }
    }
}
