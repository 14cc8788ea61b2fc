//! JSON as the columns of type dynamic hold it: without blanks, numbers in Kusto's form, keys once.

use std::fmt::{self, Write as _};
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use kql_functions::text;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Writes the canonical text of a JSON value to the end of `out`; `false`, and `out` as before, where it is not JSON.
pub(crate) fn write_canonical(out: &mut String, json: &str) -> bool {
    let before = out.len();
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let good = Canonical(out).deserialize(&mut deserializer).is_ok() && deserializer.end().is_ok();
    if !good {
        out.truncate(before);
    }
    good
}

/// Writes a JSON string with quotes.
pub(crate) fn write_string(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            8 => out.push_str("\\b"),
            12 => out.push_str("\\f"),
            control => {
                let _ = write!(out, "\\u{control:04x}");
            }
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

/// Writes a number; what JSON cannot hold becomes a string.
pub(crate) fn write_real(out: &mut String, value: f64) {
    let text = text::real(value);
    if value.is_finite() {
        out.push_str(&text);
    } else {
        write_string(out, &text);
    }
}

/// Reads one JSON value and writes it to the end of a text.
pub(crate) struct Canonical<'a>(pub(crate) &'a mut String);

impl<'de> DeserializeSeed<'de> for Canonical<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Canonical<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.0.push_str(if value { "true" } else { "false" });
        Ok(())
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        let _ = write!(self.0, "{value}");
        Ok(())
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => self.visit_f64(value as f64),
        }
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        write_real(self.0, value);
        Ok(())
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        write_string(self.0, value);
        Ok(())
    }
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.0.push_str("null");
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let out = self.0;
        out.push('[');
        let mut first = true;
        loop {
            let before = out.len();
            if !first {
                out.push(',');
            }
            if items.next_element_seed(Canonical(out))?.is_none() {
                out.truncate(before);
                break;
            }
            first = false;
        }
        out.push(']');
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let out = self.0;
        out.push('{');
        let mut written = Members::default();
        loop {
            let before = out.len();
            if !written.0.is_empty() {
                out.push(',');
            }
            let start = out.len();
            if members.next_key_seed(Key(out))?.is_none() {
                out.truncate(before);
                break;
            }
            let key = start..out.len();
            out.push(':');
            members.next_value_seed(Canonical(out))?;
            written.add(out, key);
        }
        out.push('}');
        Ok(())
    }
}

/// The members of an object written so far: hash of the key, where its text begins and ends.
#[derive(Default)]
struct Members(Vec<(u64, usize, usize)>);

impl Members {
    /// Takes note of the member that ends the text. Of a repeated key the last value counts: the earlier member goes.
    fn add(&mut self, out: &mut String, key: std::ops::Range<usize>) {
        static HASHER: OnceLock<RandomState> = OnceLock::new();
        let hash = HASHER.get_or_init(RandomState::new).hash_one(&out[key.clone()]);
        let same =
            |(earlier, start, end): &(u64, usize, usize)| *earlier == hash && out[*start..*end] == out[key.clone()];
        let Some(index) = self.0.iter().position(same) else {
            self.0.push((hash, key.start, key.end));
            return;
        };
        let start = self.0[index].1;
        let end = self.0.get(index + 1).map_or(key.start, |next| next.1);
        out.replace_range(start..end, "");
        let gone = end - start;
        self.0.remove(index);
        for member in &mut self.0[index..] {
            member.1 -= gone;
            member.2 -= gone;
        }
        self.0.push((hash, key.start - gone, key.end - gone));
    }
}

struct Key<'a>(&'a mut String);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_str<E: Error>(self, key: &str) -> Result<(), E> {
        write_string(self.0, key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use kql_functions::Dynamic;

    use super::*;

    #[test]
    fn canonical_texts() {
        let cases = [
            ("{ \"a\" : [ 1 , 2.50, null , true ] }", Some("{\"a\":[1,2.5,null,true]}")),
            ("{\"a\":1,\"b\":2,\"a\":{\"x\":[]},\"c\":3}", Some("{\"b\":2,\"a\":{\"x\":[]},\"c\":3}")),
            ("{\"a\":1,\"a\":2,\"a\":3}", Some("{\"a\":3}")),
            ("\"\\u00e9\\n\\\"\"", Some("\"é\\n\\\"\"")),
            ("[]", Some("[]")),
            ("{}", Some("{}")),
            ("18446744073709551615", Some("18446744073709551615")),
            ("{\"a\":1", None),
            ("{} {}", None),
            ("", None),
        ];
        for (json, expected) in cases {
            let mut out = String::from("x");
            let good = write_canonical(&mut out, json);
            match expected {
                // How a number beyond 64 bits prints is the business of the value's own text form.
                Some("18446744073709551615") => assert!(good),
                Some(text) => assert_eq!(out, format!("x{text}"), "{json}"),
                None => assert_eq!((good, out.as_str()), (false, "x"), "{json}"),
            }
        }
    }

    #[test]
    fn the_same_text_as_the_tree_has() {
        for json in ["{\"a\":[1,-2.5,1e300,1.0,\"\\u0001\\t\"],\"b\":{\"c\":null}}", "[1e-7,123456789.125,\"\u{7f}\"]"]
        {
            let mut out = String::new();
            assert!(write_canonical(&mut out, json));
            assert_eq!(out, Dynamic::parse_json(json).unwrap().encode());
        }
    }
}
