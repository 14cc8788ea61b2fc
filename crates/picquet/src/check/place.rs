//! From places of a query to places of the file that holds it.

use kql_syntax::LineIndex;
use picquet_rules::{QueryLocation, QueryStyle};

/// How a query stands in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// The query is the file.
    Whole,
    /// Every character of the query is found in the file: offsets in the file, by offsets in the query.
    Mapped {
        /// Pairs of offsets (query, file) for the characters at which the distance changes, ascending.
        steps: Vec<(usize, usize)>,
        /// Lines of the query are lines of the file.
        lines: bool,
    },
    /// Only where the query begins is known: an offset in the file.
    From(usize),
}

impl Place {
    /// Finds the query of a rule in the text of its file.
    pub(crate) fn of_rule(file: &str, location: &QueryLocation, query: &str) -> Place {
        let starts = line_starts(file);
        let line = location.first_line.max(1) - 1;
        let Some(start) = starts.get(line).copied() else { return Place::From(0) };
        let mapped = match location.style {
            QueryStyle::Block => block(file, &starts, line, location.indent, query),
            QueryStyle::Inline => inline(file, start, query),
        };
        mapped.unwrap_or_else(|| {
            let blanks = file[start..].bytes().take_while(|b| *b == b' ').count();
            Place::From(start + blanks)
        })
    }

    /// Offset in the file of an offset in the query.
    pub(crate) fn in_file(&self, offset: usize) -> usize {
        match self {
            Place::Whole => offset,
            Place::From(start) => *start,
            Place::Mapped { steps, .. } => {
                let at = steps.partition_point(|(query, _)| *query <= offset);
                match at.checked_sub(1).and_then(|i| steps.get(i)) {
                    Some((query, file)) => file + (offset - query),
                    None => 0,
                }
            }
        }
    }

    /// Whether the lines around a finding are the query's lines as they stand in the file.
    pub(crate) fn shows_lines(&self) -> bool {
        matches!(self, Place::Whole | Place::Mapped { lines: true, .. })
    }
}

/// Line and column in characters, both from 1, of an offset in a text.
pub(crate) fn line_column(text: &str, index: &LineIndex, offset: usize) -> (usize, usize) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let (line, column) = index.line_column(u32::try_from(offset).unwrap_or(u32::MAX));
    let start = offset - (column - 1).min(offset);
    (line, text.get(start..offset).map_or(column, |before| before.chars().count() + 1))
}

/// Begins of lines, which end in LF, CRLF or a single CR.
fn line_starts(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let ends = bytes.iter().enumerate().filter(|(i, b)| match b {
        b'\n' => true,
        b'\r' => bytes.get(i + 1) != Some(&b'\n'),
        _ => false,
    });
    std::iter::once(0).chain(ends.map(|(i, _)| i + 1)).collect()
}

/// Lines of a literal block: those of the file without their indentation.
fn block(file: &str, starts: &[usize], first: usize, indent: usize, query: &str) -> Option<Place> {
    let mut steps = Vec::new();
    let mut offset = 0;
    for (number, line) in query.split_inclusive('\n').enumerate() {
        let start = *starts.get(first + number)?;
        let text = line.trim_end_matches('\n');
        let at = if text.is_empty() { start } else { start + indent };
        if !file.get(at..)?.starts_with(text) {
            return None;
        }
        steps.push((offset, at));
        offset += line.len();
    }
    Some(Place::Mapped { steps, lines: true })
}

/// A quoted or plain scalar that begins on the line at `start`: wherever its text is the query.
fn inline(file: &str, start: usize, query: &str) -> Option<Place> {
    let line_end = file[start..].find('\n').map_or(file.len(), |end| start + end);
    for (at, c) in file[start..line_end].char_indices() {
        let at = start + at;
        let steps = match c {
            '"' => quoted(file, at + 1, query, double_escape),
            '\'' => quoted(file, at + 1, query, single_escape),
            _ if file[at..].starts_with(query) && !query.is_empty() => Some(vec![(0, at)]),
            _ => None,
        };
        if let Some(steps) = steps {
            return Some(Place::Mapped { steps, lines: false });
        }
    }
    None
}

type Escape = fn(&str) -> Option<(char, usize)>;

/// The offsets of a quoted text that reads as `query` and ends with its quote.
fn quoted(file: &str, start: usize, query: &str, escape: Escape) -> Option<Vec<(usize, usize)>> {
    let mut at = start;
    let mut steps = vec![(0, start)];
    for (offset, wanted) in query.char_indices() {
        let rest = file.get(at..)?;
        let (c, length) = match escape(rest) {
            Some(escaped) => escaped,
            None => rest.chars().next().map(|c| (c, c.len_utf8()))?,
        };
        if c != wanted {
            return None;
        }
        at += length;
        if length != c.len_utf8() {
            steps.push((offset + wanted.len_utf8(), at));
        }
    }
    file.get(at..)?.starts_with(['"', '\'']).then_some(steps)
}

/// `''` of YAML's single quotes.
fn single_escape(rest: &str) -> Option<(char, usize)> {
    rest.starts_with("''").then_some(('\'', 2))
}

/// The escapes of JSON, which YAML's double quotes have, too.
fn double_escape(rest: &str) -> Option<(char, usize)> {
    let mut chars = rest.strip_prefix('\\')?.chars();
    Some(match chars.next()? {
        'n' => ('\n', 2),
        't' => ('\t', 2),
        'r' => ('\r', 2),
        'b' => ('\u{8}', 2),
        'f' => ('\u{c}', 2),
        c @ ('"' | '\\' | '/') => (c, 2),
        'u' => {
            let unit = |at: usize| u32::from_str_radix(rest.get(at..at + 4)?, 16).ok();
            let first = unit(2)?;
            match char::from_u32(first) {
                Some(c) => (c, 6),
                None => {
                    let low = rest.get(6..8).filter(|u| *u == "\\u").and_then(|_| unit(8))?;
                    let combined = 0x10000 + ((first & 0x3FF) << 10) + (low & 0x3FF);
                    (char::from_u32(combined)?, 12)
                }
            }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(file: &str, location: QueryLocation, query: &str, word: &str) -> (usize, usize) {
        let place = Place::of_rule(file, &location, query);
        let at = place.in_file(query.find(word).unwrap());
        line_column(file, &LineIndex::new(file), at)
    }

    #[test]
    fn blocks() {
        let file = "name: é\nquery: |\n    T\n\n      | where Foo\nseverity: Low\n";
        let location = QueryLocation { style: QueryStyle::Block, first_line: 3, indent: 4 };
        assert_eq!(found(file, location, "T\n\n  | where Foo\n", "Foo"), (5, 15));
        let crlf = file.replace('\n', "\r\n");
        assert_eq!(found(&crlf, location, "T\n\n  | where Foo\n", "Foo"), (5, 15));
    }

    #[test]
    fn strings() {
        let inline = |line| QueryLocation { style: QueryStyle::Inline, first_line: line, indent: 0 };
        let json = "{\n  \"é\": \"x\", \"query\": \"T\\n| where a == \\\"\\u00e9\\\"\\n| where Foo\"\n}";
        let query = "T\n| where a == \"é\"\n| where Foo";
        let (line, column) = found(json, inline(2), query, "Foo");
        assert_eq!(
            (line, json.lines().nth(1).unwrap().chars().skip(column - 1).take(3).collect::<String>()),
            (2, "Foo".into())
        );
        assert_eq!(
            found("query: 'T | where a == ''x'' or Foo'\n", inline(1), "T | where a == 'x' or Foo", "Foo"),
            (1, 33)
        );
        assert_eq!(found("query: T | where Foo\n", inline(1), "T | where Foo", "Foo"), (1, 18));
        // A folded scalar is found by its line only.
        assert_eq!(found("a: 1\nquery: >\n  T |\n  where Foo\n", inline(3), "T | where Foo", "Foo"), (3, 3));
    }

    #[test]
    fn places_beyond_the_text() {
        let location = QueryLocation { style: QueryStyle::Block, first_line: 99, indent: 4 };
        let place = Place::of_rule("short", &location, "T");
        assert_eq!(line_column("short", &LineIndex::new("short"), place.in_file(700)), (1, 1));
    }
}
