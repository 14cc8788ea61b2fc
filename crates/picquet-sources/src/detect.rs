//! Tells a file's format from its content.

use std::io::{self, Read};
use std::path::Path;

use kql_functions::Dynamic;

use crate::SourceError;
use crate::feed::ValueScan;
use crate::input::{self, Magic};
use crate::json_records::WRAPPERS;

/// How much of a file is looked at.
const LOOK: usize = 1 << 18;

/// The format of a file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Format {
    /// JSON lines.
    Lines,
    /// JSON objects in an array, one after the other, or in an array under a key of an outer object.
    Elements {
        wrapper: Option<String>,
    },
    /// The answer of the Log Analytics API.
    Tables,
    Csv {
        delimiter: u8,
    },
    Parquet,
    /// Nothing but blanks.
    Empty,
}

/// A file's format, and whether it can be read in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) format: Format,
    pub(crate) splittable: bool,
}

/// Looks into a file.
pub(crate) fn layout(path: &Path) -> Result<Layout, SourceError> {
    let unreadable = |source: io::Error| SourceError::Unreadable { path: path.to_path_buf(), source };
    let refuse = |message: &str| SourceError::Format { path: path.to_path_buf(), message: message.to_string() };
    match input::magic(path).map_err(unreadable)? {
        Magic::Parquet => return Ok(Layout { format: Format::Parquet, splittable: false }),
        Magic::Zip => return Err(refuse("a zip archive; unpack it first, or pack it with gzip or zstd")),
        Magic::Text => {}
    }
    let opened = input::open(path).map_err(unreadable)?;
    let mut head = Vec::new();
    // What a damaged packed file gives before it breaks off is enough to tell its format.
    let complete = opened.bytes.take(LOOK as u64).read_to_end(&mut head).is_err() || head.len() < LOOK;
    if head.starts_with(b"PAR1") {
        return Err(refuse("Parquet within gzip or zstd; unpack it first (Parquet is compressed inside)"));
    }
    if memchr::memchr(0, &head).is_some() {
        return Err(refuse("neither text nor Parquet; give JSON, CSV or Parquet, plain or packed with gzip or zstd"));
    }
    let format = sniff(&head, complete);
    let splittable = opened.plain && format == Format::Lines;
    Ok(Layout { format, splittable })
}

fn sniff(head: &[u8], complete: bool) -> Format {
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.trim_ascii()).filter(|line| !line.is_empty());
    let Some(first) = lines.next() else { return Format::Empty };
    let second = lines.next();
    // The last line of what was looked at may go on.
    let first_is_whole = second.is_some() || complete || head.ends_with(b"\n");
    match first[0] {
        b'[' => Format::Elements { wrapper: None },
        b'{' => {
            if first_is_whole && let Some(Dynamic::Bag(members)) = whole_object(first) {
                return sniff_whole(&members);
            }
            if second.is_some_and(|line| whole_object(line).is_some()) {
                return Format::Lines;
            }
            sniff_open(head.trim_ascii_start())
        }
        // A file of JSON lines that was cut off at its beginning.
        _ if second.is_some_and(|line| whole_object(line).is_some()) => Format::Lines,
        _ => Format::Csv { delimiter: delimiter(first) },
    }
}

fn whole_object(line: &[u8]) -> Option<Dynamic> {
    let line = line.strip_suffix(b",").unwrap_or(line);
    if line.first() != Some(&b'{') || line.last() != Some(&b'}') {
        return None;
    }
    serde_json::from_str(&String::from_utf8_lossy(line)).ok()
}

/// From an object that is a line of its own.
fn sniff_whole(members: &[(String, Dynamic)]) -> Format {
    let holds_objects = |value: &Dynamic| match value {
        Dynamic::Array(items) => items.iter().all(|item| matches!(item, Dynamic::Bag(_))),
        _ => false,
    };
    let mut others = members.iter().filter(|(key, _)| !is_about(key));
    match (others.next(), others.next()) {
        (Some((key, value)), None) if holds_objects(value) => {
            if key.eq_ignore_ascii_case("tables") {
                return Format::Tables;
            }
            if WRAPPERS.contains(&key.as_str()) {
                return Format::Elements { wrapper: Some(key.clone()) };
            }
            Format::Lines
        }
        _ => Format::Lines,
    }
}

/// From the beginning of an object that spans lines, or more than was looked at.
fn sniff_open(head: &[u8]) -> Format {
    let plain = Format::Elements { wrapper: None };
    let mut rest = &head[1..];
    loop {
        rest = rest.trim_ascii_start();
        rest = rest.strip_prefix(b",").unwrap_or(rest).trim_ascii_start();
        let Some(length) = ValueScan::default().advance(rest) else { return plain };
        let Ok(key) = serde_json::from_slice::<String>(&rest[..length]) else { return plain };
        rest = rest[length..].trim_ascii_start();
        rest = rest.strip_prefix(b":").unwrap_or(rest).trim_ascii_start();
        if let Some(inner) = rest.strip_prefix(b"[")
            && matches!(inner.trim_ascii_start().first(), Some(b'{' | b']') | None)
        {
            if key.eq_ignore_ascii_case("tables") {
                return Format::Tables;
            }
            if WRAPPERS.contains(&key.as_str()) {
                return Format::Elements { wrapper: Some(key) };
            }
        }
        if !is_about(&key) {
            return plain;
        }
        let Some(length) = ValueScan::default().advance(rest) else { return plain };
        rest = &rest[length..];
    }
}

/// Members of a wrapping object that say something about the array of records beside them.
pub(crate) fn is_about(key: &str) -> bool {
    key.starts_with(['@', '$', '_'])
        || matches!(key, "nextLink" | "count" | "totalCount" | "statistics" | "render" | "error" | "Stats" | "Schema")
}

fn delimiter(header: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0), (b'\t', 0), (b';', 0), (b'|', 0)];
    for byte in header {
        if *byte == b'"' {
            quoted = !quoted;
        } else if !quoted && let Some(count) = counts.iter_mut().find(|(delimiter, _)| delimiter == byte) {
            count.1 += 1;
        }
    }
    // Of equals the earlier one.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_by_content() {
        let elements = |wrapper: Option<&str>| Format::Elements { wrapper: wrapper.map(str::to_string) };
        let csv = |delimiter| Format::Csv { delimiter };
        let cases = [
            ("", Format::Empty),
            (" \n\n", Format::Empty),
            ("{\"a\":1}", Format::Lines),
            ("{\"a\":1}\n{\"a\":2}\n", Format::Lines),
            ("{\"a\":1},\n{\"a\":2}\n", Format::Lines),
            ("a\":1}\n{\"a\":2}\n", Format::Lines),
            ("{\"a\":tru\n{\"a\":2}\n", Format::Lines),
            ("{\n \"a\": 1\n}\n{\n \"a\": 2\n}", elements(None)),
            ("[{\"a\":1}]", elements(None)),
            ("[\n", elements(None)),
            ("{\"records\":[{\"a\":1}]}", elements(Some("records"))),
            ("{\"records\":[{\"a\":1}]}\n{\"records\":[]}\n", elements(Some("records"))),
            ("{\"@odata.context\": \"x\",\n\"value\": [\n{", elements(Some("value"))),
            ("{\n \"Records\": [", elements(Some("Records"))),
            ("{\"value\":[{\"a\":1}],\"id\":7}", Format::Lines),
            ("{\"value\":[1,2]}", Format::Lines),
            ("{\"tables\":[{\"name\":\"PrimaryResult\"}]}", Format::Tables),
            ("{\n\"tables\": [\n{", Format::Tables),
            ("a,b\n1,2\n", csv(b',')),
            ("a\tb\n", csv(b'\t')),
            ("a;b,c;d\n", csv(b';')),
            ("\"a;b;c\",d\n", csv(b',')),
            ("TimeGenerated\n", csv(b',')),
        ];
        for (text, expected) in cases {
            assert_eq!(sniff(text.as_bytes(), true), expected, "{text:?}");
        }
    }
}
