//! Reading JSON with lines, as Azure's tools read templates: comments and line ends inside strings are allowed.

use crate::node::{Data, Entry, Node};

/// Deepest nesting that is read; deeper files are no templates.
const MAX_DEPTH: usize = 200;

/// Where reading stopped, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub line: usize,
    pub message: String,
}

/// Reads one JSON value that fills the whole text.
pub(crate) fn parse(text: &str) -> Result<Node, SyntaxError> {
    let mut parser = Parser { text, position: 0, line: 1 };
    let node = parser.value(0)?;
    parser.skip_blank()?;
    if parser.peek().is_some() {
        return Err(parser.error("text after the end of the value"));
    }
    Ok(node)
}

struct Parser<'a> {
    text: &'a str,
    position: usize,
    line: usize,
}

impl Parser<'_> {
    fn error(&self, message: &str) -> SyntaxError {
        SyntaxError { line: self.line, message: message.to_owned() }
    }

    fn peek(&self) -> Option<char> {
        self.text[self.position..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.position += next.len_utf8();
        if next == '\n' {
            self.line += 1;
        }
        Some(next)
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.next();
        }
        found
    }

    fn skip_blank(&mut self) -> Result<(), SyntaxError> {
        loop {
            let rest = &self.text[self.position..];
            if rest.starts_with([' ', '\t', '\r', '\n']) {
                self.next();
            } else if rest.starts_with("//") {
                self.position += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                let Some(length) = rest.find("*/") else {
                    return Err(self.error("comment without an end"));
                };
                self.line += rest[..length].matches('\n').count();
                self.position += length + 2;
            } else {
                return Ok(());
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, SyntaxError> {
        if depth > MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        self.skip_blank()?;
        let (line, start) = (self.line, self.position);
        let data = match self.peek() {
            Some('{') => self.object(depth)?,
            Some('[') => self.list(depth)?,
            Some('"') => {
                let text = self.string()?;
                return Ok(Node::text(line, text).at(start..self.position));
            }
            Some(c) if c.is_ascii_alphanumeric() || c == '-' => {
                let word = self.word()?;
                return Ok(word.at(start..self.position));
            }
            Some(_) => return Err(self.error("expected a JSON value")),
            None => return Err(self.error("the text ends where a JSON value is expected")),
        };
        Ok(Node { line, span: start..self.position, data })
    }

    fn object(&mut self, depth: usize) -> Result<Data, SyntaxError> {
        self.next();
        let mut entries = Vec::new();
        self.skip_blank()?;
        if self.eat('}') {
            return Ok(Data::Object(entries));
        }
        loop {
            self.skip_blank()?;
            let (line, start) = (self.line, self.position);
            if self.peek() != Some('"') {
                return Err(self.error("expected a key in double quotes"));
            }
            let key = self.string()?;
            let span = start..self.position;
            self.skip_blank()?;
            if !self.eat(':') {
                return Err(self.error(&format!("expected `:` after the key `{key}`")));
            }
            let value = self.value(depth + 1)?;
            entries.push(Entry { key, line, span, value });
            self.skip_blank()?;
            if self.eat('}') {
                return Ok(Data::Object(entries));
            }
            if !self.eat(',') {
                return Err(self.error("expected `,` or `}`"));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Data, SyntaxError> {
        self.next();
        let mut items = Vec::new();
        self.skip_blank()?;
        if self.eat(']') {
            return Ok(Data::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.skip_blank()?;
            if self.eat(']') {
                return Ok(Data::List(items));
            }
            if !self.eat(',') {
                return Err(self.error("expected `,` or `]`"));
            }
        }
    }

    fn word(&mut self) -> Result<Node, SyntaxError> {
        let line = self.line;
        let start = self.position;
        while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) {
            self.next();
        }
        let word = &self.text[start..self.position];
        let is_word = matches!(word, "true" | "false" | "null");
        if is_word || serde_json::from_str::<serde_json::Number>(word).is_ok() {
            Ok(Node::plain(line, word))
        } else {
            Err(SyntaxError { line, message: format!("`{word}` is no JSON value") })
        }
    }

    fn string(&mut self) -> Result<String, SyntaxError> {
        let opening_line = self.line;
        self.next();
        let mut text = String::new();
        while let Some(c) = self.next() {
            match c {
                '"' => return Ok(text),
                '\\' => text.push(self.escape()?),
                _ => text.push(c),
            }
        }
        Err(SyntaxError { line: opening_line, message: "string without an end".to_owned() })
    }

    fn escape(&mut self) -> Result<char, SyntaxError> {
        let simple = match self.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some(c @ ('"' | '\\' | '/')) => c,
            Some('u') => return self.unicode_escape(),
            _ => return Err(self.error("unknown escape in a string")),
        };
        Ok(simple)
    }

    fn unicode_escape(&mut self) -> Result<char, SyntaxError> {
        let first = self.four_hex_digits()?;
        let is_high_surrogate = (0xD800..0xDC00).contains(&first);
        if is_high_surrogate && self.text[self.position..].starts_with("\\u") {
            self.position += 2;
            let second = self.four_hex_digits()?;
            let combined = 0x10000 + ((first - 0xD800) << 10) + second.wrapping_sub(0xDC00);
            return Ok(char::from_u32(combined).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn four_hex_digits(&mut self) -> Result<u32, SyntaxError> {
        let digits = self.text.get(self.position..self.position + 4);
        let value = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match value {
            Some(value) => {
                self.position += 4;
                Ok(value)
            }
            None => Err(self.error("expected four hexadecimal digits after `\\u`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values() {
        let cases = [
            (r#"{"a":[1,-2.5e3,true,null],"b":{}}"#, json!({"a":[1,-2500.0,true,null],"b":{}})),
            ("// c\n{ /* d\n */ \"a\": \"x\ny\" }", json!({"a":"x\ny"})),
            (r#""\u0041\ud83d\ude00\n\/\"""#, json!("A😀\n/\"")),
            (r#""\ud83d""#, json!("\u{fffd}")),
            ("[]", json!([])),
        ];
        for (text, expected) in cases {
            let node = parse(text).expect(text);
            assert_eq!(node.to_json(), expected, "{text}");
        }
    }

    #[test]
    fn lines() {
        let node = parse("{\n \"a\": 1,\n \"b\":\n  [2]\n}").expect("valid");
        assert_eq!(node.get("a").map(|n| n.line), Some(2));
        assert_eq!(node.get("B").map(|n| n.line), Some(4));
    }

    #[test]
    fn errors_name_the_line() {
        let deep = "[".repeat(300);
        let cases = [
            ("{\n\"a\" 1}", 2, "expected `:` after the key `a`"),
            ("{\"a\":1\n\"b\":2}", 2, "expected `,` or `}`"),
            ("[1,]", 1, "expected a JSON value"),
            ("{\"a\":1,}", 1, "expected a key in double quotes"),
            ("\n\"abc", 2, "string without an end"),
            ("01", 1, "`01` is no JSON value"),
            ("{} x", 1, "text after the end of the value"),
            ("", 1, "the text ends where a JSON value is expected"),
            (r#""\u12""#, 1, "expected four hexadecimal digits after `\\u`"),
            (deep.as_str(), 1, "nested too deeply"),
        ];
        for (text, line, message) in cases {
            let error = parse(text).expect_err(text);
            assert_eq!((error.line, error.message.as_str()), (line, message), "{text}");
        }
    }
}
