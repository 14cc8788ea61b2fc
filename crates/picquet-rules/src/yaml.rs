//! Reading YAML with lines.
//!
//! Scalars keep the text they were written with: `version: 1.10` and an id of digits must not become numbers.

use std::ops::Range;

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};

use crate::json::SyntaxError;
use crate::node::{Data, Entry, Node, Style};

/// Deepest nesting that is read; what lies deeper is no part of a rule and reads as null.
const MAX_DEPTH: usize = 100;

/// Reads every document of a YAML text. Empty documents are left out.
pub(crate) fn parse(text: &str) -> Result<Vec<Node>, SyntaxError> {
    let documents = MarkedYaml::load_from_str(text)
        .map_err(|error| SyntaxError { line: error.marker().line(), message: error.info().to_owned() })?;
    let source = Source::new(text);
    Ok(documents.iter().map(|document| source.node(document, 0)).filter(|node| !node.is_null()).collect())
}

/// The text, with what is needed to find a mark's place in it.
struct Source<'a> {
    text: &'a str,
    /// Lines with their byte offsets.
    lines: Vec<(usize, &'a str)>,
}

impl<'a> Source<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, lines: split_lines(text) }
    }

    /// The byte at a line (from 1) and a column (from 0, in characters).
    fn byte(&self, line: usize, column: usize) -> usize {
        let Some((start, line)) = self.lines.get(line.saturating_sub(1)) else {
            return self.text.len();
        };
        if line.is_ascii() {
            return start + column.min(line.len());
        }
        start + line.char_indices().nth(column).map_or(line.len(), |(offset, _)| offset)
    }

    fn node(&self, yaml: &MarkedYaml<'_>, depth: usize) -> Node {
        let line = yaml.span.start.line();
        if depth > MAX_DEPTH {
            return Node::plain(line, "");
        }
        let data = match &yaml.data {
            YamlData::Sequence(items) => Data::List(items.iter().map(|item| self.node(item, depth + 1)).collect()),
            YamlData::Mapping(entries) => Data::Object(
                entries
                    .iter()
                    .map(|(key, value)| Entry {
                        key: self.key(key),
                        line: key.span.start.line(),
                        span: self.span(key),
                        value: self.node(value, depth + 1),
                    })
                    .collect(),
            ),
            YamlData::Tagged(_, inner) => return self.node(inner, depth + 1),
            YamlData::Value(Scalar::String(text)) => {
                let (line, style) = match self.literal_block(yaml, text) {
                    Some((header_line, indent)) => (header_line, Style::Literal { indent }),
                    None => (line, Style::Quoted),
                };
                let text = text.to_string();
                return Node { line, span: self.span(yaml), data: Data::Scalar { text, style } };
            }
            YamlData::Value(Scalar::Null) => Data::Scalar { text: String::new(), style: Style::Plain },
            YamlData::Value(_) => Data::Scalar { text: self.written(yaml).to_owned(), style: Style::Plain },
            YamlData::Representation(text, ..) => Data::Scalar { text: text.to_string(), style: Style::Plain },
            YamlData::BadValue | YamlData::Alias(_) => {
                Data::Scalar { text: self.written(yaml).to_owned(), style: Style::Plain }
            }
        };
        Node { line, span: self.span(yaml), data }
    }

    fn span(&self, yaml: &MarkedYaml<'_>) -> Range<usize> {
        let (from, to) = (yaml.span.start, yaml.span.end);
        let start = self.byte(from.line(), from.col());
        start..self.byte(to.line(), to.col()).max(start)
    }

    fn key(&self, key: &MarkedYaml<'_>) -> String {
        match &key.data {
            YamlData::Value(Scalar::String(text)) => text.to_string(),
            _ => self.written(key).to_owned(),
        }
    }

    /// The text as the file has it.
    fn written(&self, yaml: &MarkedYaml<'_>) -> &'a str {
        self.text.get(self.span(yaml)).unwrap_or_default().trim()
    }

    /// The line of a literal block's header and the columns taken off its lines; none for other scalars.
    ///
    /// The mark of a block stands at its first character that is not blank, so the header is looked for above the
    /// blank lines that the value starts with.
    fn literal_block(&self, yaml: &MarkedYaml<'_>, value: &str) -> Option<(usize, usize)> {
        let start = yaml.span.start;
        let blank_lines = value.chars().take_while(|c| *c == '\n').count();
        let header_line = start.line().checked_sub(blank_lines + 1)?;
        let (_, header) = self.lines.get(header_line.checked_sub(1)?)?;
        let (_, first) = self.lines.get(start.line().checked_sub(1)?)?;
        let indented = first.chars().take(start.col()).all(|c| c == ' ');
        (indented && opens_literal_block(header)).then(|| (header_line, start.col()))
    }
}

/// Whether a line ends in `|` with its indicators, and perhaps a comment.
fn opens_literal_block(line: &str) -> bool {
    let before_comment = line.split(" #").next().unwrap_or(line).trim_end();
    let marked = before_comment.trim_end_matches(|c: char| c == '+' || c == '-' || c.is_ascii_digit());
    marked.ends_with('|')
}

/// Lines as YAML counts them: ended by LF, CRLF or a single CR.
fn split_lines(text: &str) -> Vec<(usize, &str)> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut rest = text;
    while let Some(end) = rest.find(['\n', '\r']) {
        lines.push((start, &rest[..end]));
        let length = end + if rest[end..].starts_with("\r\n") { 2 } else { 1 };
        rest = &rest[length..];
        start += length;
    }
    lines.push((start, rest));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Node {
        parse(text).expect(text).remove(0)
    }

    #[test]
    fn scalars_keep_their_text() {
        let node = one("version: 1.10\nid: 0123\nhex: 0x1F\nflag: True\nquoted: '5'\nnothing:\ntilde: ~\n");
        let cases = [
            ("version", Some("1.10")),
            ("id", Some("0123")),
            ("hex", Some("0x1F")),
            ("flag", Some("True")),
            ("quoted", Some("5")),
            ("nothing", None),
            ("tilde", None),
        ];
        for (key, expected) in cases {
            assert_eq!(node.get(key).and_then(Node::as_text), expected, "{key}");
        }
    }

    #[test]
    fn lines_and_indents_of_blocks() {
        for end in ["\n", "\r\n"] {
            let text = ["a: é", "query: |- # note", "", "    T", "      | take 5", "b: 1", ""].join(end);
            let node = one(&text);
            let query = node.get("query").expect("query");
            assert_eq!(query.line, 2);
            assert_eq!(
                query.data,
                Data::Scalar { text: "\nT\n  | take 5".to_owned(), style: Style::Literal { indent: 4 } }
            );
            assert_eq!(node.get("b").map(|b| b.line), Some(6));
        }
    }

    #[test]
    fn documents_and_aliases() {
        let documents = parse("a: &x [1, 2]\nb: *x\n---\nc: 1\n---\n").expect("valid");
        assert_eq!(documents.len(), 2);
        assert_eq!(documents[0].to_json(), serde_json::json!({"a":[1,2],"b":[1,2]}));
    }

    #[test]
    fn errors_name_the_line() {
        let error = parse("a: 1\nb: 'x\n").expect_err("no end of the quote");
        assert!(error.line >= 2, "{error:?}");
        let error = parse("a: 1\nb: 2\na: 3\n").expect_err("key twice");
        assert_eq!((error.line, error.message.contains("duplicated")), (3, true), "{error:?}");
    }
}
