//! JSON text straight to the encoded text of a dynamic column, without building the tree.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::dynamic::{self, Dynamic};
use crate::text;

/// From this number of keys on, repeated ones are looked for by hash.
const MANY_KEYS: usize = 32;

/// The encoded text of plain JSON; `None` where it is not JSON.
pub fn encode_json(json: &str) -> Option<String> {
    let mut out = String::with_capacity(json.len());
    let mut writer = Writer { out: &mut out, repeated_key: false };
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let result = (&mut writer).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    let repeated_key = writer.repeated_key;
    match result {
        Ok(()) => Some(out),
        // The last value of a key counts: only the tree knows which that is.
        Err(_) if repeated_key => Dynamic::parse_json(json).map(|tree| tree.encode()),
        Err(_) => None,
    }
}

/// Whether a text is JSON and its own encoded text. `false` may also be said of rare texts that are: they are written
/// anew, to the same text.
pub fn is_encoded(json: &str) -> bool {
    thread_local! {
        static CHECK: RefCell<Check> = RefCell::new(Check::default());
    }
    CHECK.with(|check| check.try_borrow_mut().is_ok_and(|mut check| check.holds(json)))
}

/// Deeper texts are left to the parser, which has a limit of its own.
const DEEPEST: usize = 100;

/// A pass over JSON text that takes only what [`encode_json`] would write.
#[derive(Default)]
struct Check {
    /// Keys of the bags that are open, as ranges of the text.
    keys: Vec<Range<usize>>,
    /// For each open bag or array: where its keys begin, and whether it is a bag.
    open: Vec<(usize, bool)>,
}

impl Check {
    fn holds(&mut self, json: &str) -> bool {
        self.keys.clear();
        self.open.clear();
        self.value(json, 0).is_some_and(|end| end == json.len())
    }

    /// The position after the value that starts here.
    fn value(&mut self, json: &str, mut at: usize) -> Option<usize> {
        let bytes = json.as_bytes();
        loop {
            // A value begins at `at`.
            let first = *bytes.get(at)?;
            let empty = match first {
                b'{' => bytes.get(at + 1) == Some(&b'}'),
                b'[' => bytes.get(at + 1) == Some(&b']'),
                _ => false,
            };
            if matches!(first, b'{' | b'[') && !empty {
                if self.open.len() >= DEEPEST {
                    return None;
                }
                self.open.push((self.keys.len(), first == b'{'));
                at += 1;
                if first == b'{' {
                    at = self.key(json, at)?;
                }
                continue;
            }
            at = if empty { at + 2 } else { scalar(json, at)? };
            // A value has ended: what follows belongs to what holds it.
            loop {
                let Some((start, bag)) = self.open.last().copied() else { return Some(at) };
                match (bytes.get(at)?, bag) {
                    (b',', true) => {
                        at = self.key(json, at + 1)?;
                        break;
                    }
                    (b',', false) => {
                        at += 1;
                        break;
                    }
                    (b'}', true) | (b']', false) => {
                        self.keys.truncate(start);
                        self.open.pop();
                        at += 1;
                    }
                    _ => return None,
                }
            }
        }
    }

    /// The position of the value whose new key starts here.
    fn key(&mut self, json: &str, at: usize) -> Option<usize> {
        let end = string(json.as_bytes(), at)?;
        let start = self.open.last().map_or(0, |(start, _)| *start);
        let known = self.keys.get(start..)?;
        let text = json.get(at..end)?;
        if known.len() >= MANY_KEYS || known.iter().any(|k| json.get(k.clone()) == Some(text)) {
            return None;
        }
        self.keys.push(at..end);
        (json.as_bytes().get(end) == Some(&b':')).then_some(end + 1)
    }
}

/// The position after a string as it is written.
fn string(bytes: &[u8], start: usize) -> Option<usize> {
    if bytes.get(start) != Some(&b'"') {
        return None;
    }
    let mut at = start + 1;
    loop {
        at = after_plain(bytes, at);
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => match bytes.get(at + 1)? {
                b'"' | b'\\' | b'n' | b'r' | b't' | b'b' | b'f' => at += 2,
                _ => return None,
            },
            _ => return None,
        }
    }
}

/// The position of the next quote, backslash or control character; the end where there is none. Strings in logs are
/// short, so eight bytes are looked at together, without the start-up that longer searches have.
pub(crate) fn after_plain(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    // The lowest marked byte is right; only those above it may be marked in error.
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word & HIGH;
    let equal = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    while let Some(word) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*word);
        let special = equal(word, b'"') | equal(word, b'\\') | below(word, 0x20);
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len())
}

/// The position after a string, number or word as it is written.
fn scalar(json: &str, at: usize) -> Option<usize> {
    let bytes = json.as_bytes();
    let rest = bytes.get(at..)?;
    match rest.first()? {
        b'"' => string(bytes, at),
        b't' => rest.starts_with(b"true").then_some(at + 4),
        b'f' => rest.starts_with(b"false").then_some(at + 5),
        b'n' => rest.starts_with(b"null").then_some(at + 4),
        b'-' | b'0'..=b'9' => {
            let length = rest.iter().position(|b| matches!(b, b',' | b']' | b'}')).unwrap_or(rest.len());
            let token = json.get(at..at + length)?;
            let digits = token.strip_prefix('-').unwrap_or(token);
            let whole = digits.len() < 19 && digits.bytes().all(|b| b.is_ascii_digit());
            let written = match digits.as_bytes() {
                [b'0'] => token.len() == 1,
                [b'1'..=b'9', ..] if whole => true,
                _ => encode_json(token).is_some_and(|encoded| encoded == token),
            };
            written.then_some(at + length)
        }
        _ => None,
    }
}

struct Writer<'o> {
    out: &'o mut String,
    repeated_key: bool,
}

impl Writer<'_> {
    fn push_string(&mut self, s: &str) {
        if s.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\') {
            self.out.push('"');
            self.out.push_str(s);
            self.out.push('"');
        } else {
            dynamic::write_string(self.out, s);
        }
    }
}

impl<'de> DeserializeSeed<'de> for &mut Writer<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Writer<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E>(self, v: bool) -> Result<(), E> {
        self.out.push_str(if v { "true" } else { "false" });
        Ok(())
    }
    fn visit_i64<E>(self, v: i64) -> Result<(), E> {
        let _ = write!(self.out, "{v}");
        Ok(())
    }
    fn visit_u64<E: Error>(self, v: u64) -> Result<(), E> {
        match i64::try_from(v) {
            Ok(v) => self.visit_i64(v),
            Err(_) => self.visit_f64(v as f64),
        }
    }
    fn visit_f64<E>(self, v: f64) -> Result<(), E> {
        self.out.push_str(&text::real(v));
        Ok(())
    }
    fn visit_str<E>(self, v: &str) -> Result<(), E> {
        self.push_string(v);
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        self.out.push_str("null");
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.out.push('[');
        let start = self.out.len();
        loop {
            let before = self.out.len();
            if before > start {
                self.out.push(',');
            }
            if seq.next_element_seed(&mut *self)?.is_none() {
                self.out.truncate(before);
                break;
            }
        }
        self.out.push(']');
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.out.push('{');
        let mut keys = Keys::default();
        loop {
            let before = self.out.len();
            if !keys.ranges.is_empty() {
                self.out.push(',');
            }
            let key = self.out.len();
            if map.next_key_seed(&mut *self)?.is_none() {
                self.out.truncate(before);
                break;
            }
            if !keys.insert(self.out, key..self.out.len()) {
                self.repeated_key = true;
                return Err(A::Error::custom("repeated key"));
            }
            self.out.push(':');
            map.next_value_seed(&mut *self)?;
        }
        self.out.push('}');
        Ok(())
    }
}

/// The keys of one bag, as ranges of the output.
#[derive(Default)]
struct Keys {
    ranges: Vec<Range<usize>>,
    hashed: HashSet<String>,
}

impl Keys {
    /// Whether the key is a new one.
    fn insert(&mut self, out: &str, key: Range<usize>) -> bool {
        let text = |range: &Range<usize>| out.get(range.clone()).unwrap_or_default();
        let is_new = if self.ranges.len() < MANY_KEYS {
            self.ranges.iter().all(|known| text(known) != text(&key))
        } else {
            if self.hashed.is_empty() {
                self.hashed = self.ranges.iter().map(|known| text(known).to_string()).collect();
            }
            self.hashed.insert(text(&key).to_string())
        };
        self.ranges.push(key);
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_characters_end_where_they_do() {
        let plain = "aé!#[]^_~\u{7f}";
        for special in ['"', '\\', '\u{1f}', '\0', '\n'] {
            for before in 0..20 {
                let text: String = plain.chars().cycle().take(before).collect();
                let with = format!("{text}{special}\"after, more and more");
                assert_eq!(after_plain(with.as_bytes(), 0), text.len(), "{with:?}");
                assert_eq!(after_plain(text.as_bytes(), 0), text.len(), "{text:?}");
            }
        }
    }

    #[test]
    fn same_as_by_tree() {
        for json in [
            "null",
            " true ",
            "-5",
            "9223372036854775808",
            "1e3",
            "0.1",
            r#""a\"b\u00e9\n""#,
            "[]",
            "{}",
            r#"[1, [2, []], {"a": null}]"#,
            r#"{"a" : 1, "b": {"c": [1.50, "x"]}}"#,
            r#"{"a":1,"b":2,"a":3}"#,
            r#"[{"a":1},{"a":2}]"#,
        ] {
            let tree = Dynamic::parse_json(json).map(|t| t.encode());
            assert!(tree.is_some());
            assert_eq!(encode_json(json), tree, "{json}");
            // What is written is taken as it is.
            let encoded = tree.unwrap_or_default();
            assert!(is_encoded(&encoded), "{encoded}");
            assert_eq!(is_encoded(json), encoded == json, "{json}");
        }
        let many: Vec<String> = (0..100).map(|n| format!("\"k{}\": {n}", n % 70)).collect();
        let json = format!("{{{}}}", many.join(","));
        assert_eq!(encode_json(&json), Dynamic::parse_json(&json).map(|t| t.encode()));
        for not_json in ["", "abc", "{", "[1,]", "1 2", "{\"a\":1}x", "'a'"] {
            assert_eq!(encode_json(not_json), None, "{not_json}");
            assert!(!is_encoded(not_json), "{not_json}");
        }
        for other in
            ["01", "-0", "1.50", "1e3", "{\"a\":1,\"a\":2}", "[1}", "{1}", "\"\\/\"", "\"\\u00e9\"", "tru", "[]]", "1 "]
        {
            assert!(!is_encoded(other), "{other}");
        }
        assert!(is_encoded(r#"{"a":{"a":1,"b":[{"a":"x\\y"}]},"b":-1.5}"#));
    }
}
