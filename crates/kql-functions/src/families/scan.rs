//! Reads one member or item out of encoded JSON text without building its tree.

use std::borrow::Cow;

use crate::transcode::after_plain;

/// The text of a bag's member. Encoded text repeats no key, so the first is the one.
pub(super) fn member<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    let mut found = None;
    walk_members(json, &mut |name, value| {
        if name == key || name.contains('\\') && unescape(name) == key {
            found = Some(value);
        }
        found.is_none()
    })?;
    found
}

/// The text of an array's item; a negative position counts from the end.
pub(super) fn item(json: &str, index: i64) -> Option<&str> {
    let position = if index < 0 { i64::try_from(count(json)?).ok()?.checked_add(index)? } else { index };
    let position = usize::try_from(position).ok()?;
    let mut found = None;
    let mut at = 0;
    walk_items(json, &mut |value| {
        if at == position {
            found = Some(value);
        }
        at += 1;
        at <= position
    })?;
    found
}

/// The number of items of an array; `None` if the text is no array.
pub(super) fn count(json: &str) -> Option<usize> {
    let mut n = 0;
    walk_items(json, &mut |_| {
        n += 1;
        true
    })?;
    Some(n)
}

/// The keys of a bag in order, the repeated ones once; `None` if the text is no bag.
pub(super) fn keys(json: &str) -> Option<Vec<Cow<'_, str>>> {
    let mut keys: Vec<Cow<'_, str>> = Vec::new();
    walk_members(json, &mut |name, _| {
        let name = unescape(name);
        if !keys.contains(&name) {
            keys.push(name);
        }
        true
    })?;
    Some(keys)
}

/// The content of a JSON string without its escapes.
fn unescape(inner: &str) -> Cow<'_, str> {
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    serde_json::from_str::<String>(&format!("\"{inner}\"")).map_or(Cow::Borrowed(inner), Cow::Owned)
}

fn walk_items<'a>(json: &'a str, take: &mut impl FnMut(&'a str) -> bool) -> Option<()> {
    let bytes = json.as_bytes();
    let mut at = skip_blank(bytes, 0);
    if bytes.get(at) != Some(&b'[') {
        return None;
    }
    at = skip_blank(bytes, at + 1);
    if bytes.get(at) == Some(&b']') {
        return Some(());
    }
    loop {
        let end = skip_value(bytes, at)?;
        if !take(json.get(at..end)?) {
            return Some(());
        }
        at = skip_blank(bytes, end);
        match bytes.get(at) {
            Some(b',') => at = skip_blank(bytes, at + 1),
            Some(b']') => return Some(()),
            _ => return None,
        }
    }
}

fn walk_members<'a>(json: &'a str, take: &mut impl FnMut(&'a str, &'a str) -> bool) -> Option<()> {
    let bytes = json.as_bytes();
    let mut at = skip_blank(bytes, 0);
    if bytes.get(at) != Some(&b'{') {
        return None;
    }
    at = skip_blank(bytes, at + 1);
    if bytes.get(at) == Some(&b'}') {
        return Some(());
    }
    loop {
        let name_end = skip_string(bytes, at)?;
        let name = json.get(at + 1..name_end - 1)?;
        at = skip_blank(bytes, name_end);
        if bytes.get(at) != Some(&b':') {
            return None;
        }
        at = skip_blank(bytes, at + 1);
        let end = skip_value(bytes, at)?;
        if !take(name, json.get(at..end)?) {
            return Some(());
        }
        at = skip_blank(bytes, end);
        match bytes.get(at) {
            Some(b',') => at = skip_blank(bytes, at + 1),
            Some(b'}') => return Some(()),
            _ => return None,
        }
    }
}

fn skip_blank(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// The position after the string that starts here.
fn skip_string(bytes: &[u8], start: usize) -> Option<usize> {
    if bytes.get(start) != Some(&b'"') {
        return None;
    }
    let mut at = start + 1;
    loop {
        at = after_plain(bytes, at);
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The position after the value that starts here.
fn skip_value(bytes: &[u8], start: usize) -> Option<usize> {
    match bytes.get(start)? {
        b'"' => skip_string(bytes, start),
        b'{' | b'[' => skip_nested(bytes, start),
        _ => {
            let rest = bytes.get(start..)?;
            let end = rest.iter().position(|b| matches!(b, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r'));
            let length = end.unwrap_or(rest.len());
            (length > 0).then_some(start + length)
        }
    }
}

fn skip_nested(bytes: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = start;
    loop {
        match bytes.get(at)? {
            b'"' => {
                at = skip_string(bytes, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_members_and_items() {
        let json = r#"{ "a": [1, {"x":"]"}, 3], "b\"c": "q", "a2": {"k":1} }"#;
        assert_eq!(member(json, "a"), Some(r#"[1, {"x":"]"}, 3]"#));
        assert_eq!(member(json, "b\"c"), Some("\"q\""));
        assert_eq!(member(json, "a2"), Some(r#"{"k":1}"#));
        assert_eq!(member(json, "none"), None);
        assert_eq!(item("[1,[2,3],\"x\"]", 1), Some("[2,3]"));
        assert_eq!(item("[1,[2,3],\"x\"]", -1), Some("\"x\""));
        assert_eq!(item("[1]", 5), None);
        assert_eq!(item("[1]", -2), None);
        assert_eq!(count("[]"), Some(0));
        assert_eq!(count("[1, 2 ,3]"), Some(3));
        assert_eq!(count("{}"), None);
        assert_eq!(keys(r#"{"a":1,"b":2,"a":3}"#).map(|k| k.len()), Some(2));
        assert_eq!(item("[1,", 0), Some("1"));
        assert_eq!(member("{\"a", "a"), None);
    }
}
