//! Findings that were there before, and are not told again.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::check::Finding;

/// Known findings with their numbers. They are told apart by file, rule, code and message, not by line, so that they
/// stay known when a file is edited elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    known: BTreeMap<Key, u64>,
}

type Key = (String, String, String, String);

fn key(finding: &Finding) -> Key {
    let file = finding.place.file.clone().unwrap_or_default().replace('\\', "/");
    (file, finding.rule.clone().unwrap_or_default(), finding.code.to_owned(), finding.message.clone())
}

impl Baseline {
    /// The baseline in which all these are known.
    #[must_use]
    pub fn of(findings: &[Finding]) -> Self {
        let mut known = BTreeMap::new();
        for finding in findings {
            *known.entry(key(finding)).or_insert(0) += 1;
        }
        Self { known }
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// A text that is no baseline gives the reason.
    pub fn read(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| format!("not a baseline: {error}"))?;
        let list = value.get("findings").and_then(Value::as_array).ok_or("not a baseline: no `findings`")?;
        let mut known = BTreeMap::new();
        for entry in list {
            let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            let count = entry.get("count").and_then(Value::as_u64).unwrap_or(1);
            *known.entry((text("file"), text("rule"), text("code"), text("message"))).or_insert(0) += count;
        }
        Ok(Self { known })
    }

    /// The text of the file, one finding a line.
    #[must_use]
    pub fn to_text(&self) -> String {
        let line = |((file, rule, code, message), count): (&Key, &u64)| {
            json!({"file": file, "rule": rule, "code": code, "message": message, "count": count}).to_string()
        };
        let lines: Vec<String> = self.known.iter().map(line).collect();
        let (before, after) = if lines.is_empty() { ("", "") } else { ("\n  ", "\n") };
        format!("{{\"version\": 1, \"findings\": [{before}{}{after}]}}\n", lines.join(",\n  "))
    }

    /// The findings that are not known, and how many are.
    #[must_use]
    pub fn unknown(&self, findings: Vec<Finding>) -> (Vec<Finding>, usize) {
        let mut left = self.known.clone();
        let before = findings.len();
        let new: Vec<Finding> = findings
            .into_iter()
            .filter(|finding| match left.get_mut(&key(finding)) {
                Some(count) if *count > 0 => {
                    *count -= 1;
                    false
                }
                _ => true,
            })
            .collect();
        let known = before - new.len();
        (new, known)
    }
}

/// A number that stays the same for a finding as long as its file, rule and message do.
#[must_use]
pub(crate) fn fingerprint(finding: &Finding) -> String {
    let (file, rule, code, message) = key(finding);
    // FNV-1a: the same on every machine and in every version.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in [file, rule, code, message].join("\0").bytes() {
        hash ^= u64::from(byte);
        hash = hash.wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}
