//! From offsets in the text of a scalar to offsets in the file that writes it, however it is written.

/// Where the characters of a scalar stand in its file: literal and folded blocks, quoted and plain scalars over one
/// or more lines, JSON strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScalarMap {
    /// Pairs of offsets (text, file) for the characters at which the distance changes, ascending.
    steps: Vec<(usize, usize)>,
    lines: bool,
}

impl ScalarMap {
    /// The map of a text that is its file.
    #[must_use]
    pub fn identity() -> Self {
        Self { steps: vec![(0, 0)], lines: true }
    }

    /// Finds `text` as the scalar that begins at the byte `start` of `file`; `plain` ones have no quotes. None where
    /// something else stands there.
    #[must_use]
    pub fn find(file: &str, start: usize, text: &str, plain: bool) -> Option<Self> {
        let rest = file.get(start..)?;
        let quote = rest.chars().next().filter(|c| !plain && (*c == '"' || *c == '\''));
        let quoted = quote.and_then(|quote| {
            let (map, end) = Aligner::new(file, start + 1, Some(quote)).align(text, 0)?;
            file.get(end..)?.starts_with(quote).then_some(map)
        });
        quoted.or_else(|| {
            // The mark of a block stands behind the blank lines that it begins with.
            let blanks = text.get(..blanks(text)).and_then(|blank| blank.rfind('\n')).map_or(0, |end| end + 1);
            Aligner::new(file, start, None).align(text, blanks).map(|(map, _)| map)
        })
    }

    /// Offset in the file of an offset in the text.
    #[must_use]
    pub fn in_file(&self, offset: usize) -> usize {
        let at = self.steps.partition_point(|(text, _)| *text <= offset);
        match at.checked_sub(1).and_then(|i| self.steps.get(i)) {
            Some((text, file)) => file + (offset - text),
            None => 0,
        }
    }

    /// Range in the file of a range in the text. Its end is that of the last character, which may stand on another
    /// line than what follows it.
    #[must_use]
    pub fn range(&self, start: usize, end: usize) -> std::ops::Range<usize> {
        let from = self.in_file(start);
        let to = if end > start { self.in_file(end - 1) + 1 } else { from };
        from..to.max(from)
    }

    /// Whether the lines of the text are lines of the file.
    #[must_use]
    pub fn shows_lines(&self) -> bool {
        self.lines
    }
}

struct Aligner<'f> {
    file: &'f str,
    at: usize,
    quote: Option<char>,
    steps: Vec<(usize, usize)>,
    lines: bool,
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// Length of the blanks that a text begins with.
fn blanks(text: &str) -> usize {
    text.len() - text.trim_start_matches(is_blank).len()
}

impl<'f> Aligner<'f> {
    fn new(file: &'f str, at: usize, quote: Option<char>) -> Self {
        Self { file, at, quote, steps: Vec::new(), lines: true }
    }

    fn rest(&self) -> &'f str {
        self.file.get(self.at..).unwrap_or_default()
    }

    fn step(&mut self, offset: usize, at: usize) {
        let follows = self.steps.last().is_some_and(|(o, a)| offset >= *o && at.checked_sub(*a) == Some(offset - o));
        if !follows {
            self.steps.push((offset, at));
        }
    }

    /// The map, and where the scalar's text ends in the file.
    fn align(mut self, text: &str, from: usize) -> Option<(ScalarMap, usize)> {
        self.step(0, self.at);
        let mut offset = from;
        while offset < text.len() {
            let wanted = text.get(offset..)?;
            let raw = self.rest();
            let raw_blank = raw.get(..blanks(raw)).unwrap_or_default();
            if raw_blank.contains(['\n', '\r']) {
                let blank = wanted.get(..blanks(wanted)).unwrap_or_default();
                if blank.is_empty() {
                    return None;
                }
                self.break_of_lines(offset, blank, raw_blank);
                offset += blank.len();
                self.at += raw_blank.len();
                continue;
            }
            let c = wanted.chars().next()?;
            if self.at >= self.file.len() {
                // The last line end of a block may be missing in the file.
                return wanted.trim().is_empty().then_some((self.map(), self.at));
            }
            let (found, length) = self.character()?;
            if found.is_none() {
                self.at += length;
                continue;
            }
            if found != Some(c) {
                return None;
            }
            self.step(offset, self.at);
            if length != c.len_utf8() && c == '\n' {
                self.lines = false;
            }
            self.at += length;
            offset += c.len_utf8();
        }
        let end = self.at;
        self.step(offset, end);
        Some((self.map(), end))
    }

    fn map(&mut self) -> ScalarMap {
        ScalarMap { steps: std::mem::take(&mut self.steps), lines: self.lines }
    }

    /// Blanks with line ends: as many lines of the text as of the file, or a folded line end.
    fn break_of_lines(&mut self, offset: usize, text: &str, raw: &str) {
        let text_lines: Vec<&str> = text.split('\n').collect();
        let raw_lines: Vec<&str> = raw.split('\n').collect();
        if text_lines.len() == raw_lines.len() {
            let (mut text_at, mut raw_at) = (offset, self.at);
            for (number, (line, raw_line)) in text_lines.iter().zip(&raw_lines).enumerate() {
                let indent = if number == 0 { 0 } else { raw_line.len().saturating_sub(line.len()) };
                let last = number + 1 == text_lines.len();
                self.step(text_at, if last { raw_at + indent } else { raw_at });
                text_at += line.len() + 1;
                raw_at += raw_line.len() + 1;
            }
        } else {
            self.step(offset, self.at);
            if let Some((_, tail)) = text.rsplit_once('\n') {
                let tail_at = (self.at + raw.len()).saturating_sub(tail.len());
                self.step(offset + text.len() - tail.len(), tail_at);
            }
        }
        self.step(offset + text.len(), self.at + raw.len());
    }

    /// The character that the file writes next, and how many bytes it takes for it; no character for a line end that
    /// double quotes leave out.
    fn character(&self) -> Option<(Option<char>, usize)> {
        let rest = self.rest();
        let escaped = match self.quote {
            Some('"') if rest.starts_with("\\\n") || rest.starts_with("\\\r") => {
                return Some((None, 1 + blanks(&rest[1..])));
            }
            Some('"') => double_escape(rest),
            Some(_) => rest.starts_with("''").then_some(('\'', 2)),
            None => None,
        };
        let (c, length) = escaped.or_else(|| rest.chars().next().map(|c| (c, c.len_utf8())))?;
        Some((Some(c), length))
    }
}

/// The escapes of YAML's double quotes, among which are those of JSON.
fn double_escape(rest: &str) -> Option<(char, usize)> {
    let mut chars = rest.strip_prefix('\\')?.chars();
    let coded = |digits: usize| {
        let code = u32::from_str_radix(rest.get(2..2 + digits)?, 16).ok()?;
        Some((char::from_u32(code)?, 2 + digits))
    };
    Some(match chars.next()? {
        'n' => ('\n', 2),
        't' | '\t' => ('\t', 2),
        'r' => ('\r', 2),
        'b' => ('\u{8}', 2),
        'f' => ('\u{c}', 2),
        '0' => ('\0', 2),
        'a' => ('\u{7}', 2),
        'v' => ('\u{b}', 2),
        'e' => ('\u{1b}', 2),
        'N' => ('\u{85}', 2),
        '_' => ('\u{a0}', 2),
        'L' => ('\u{2028}', 2),
        'P' => ('\u{2029}', 2),
        c @ ('"' | '\\' | '/' | ' ') => (c, 2),
        'x' => coded(2)?,
        'U' => coded(8)?,
        'u' => match coded(4) {
            Some(found) => found,
            None => {
                let unit = |at: usize| u32::from_str_radix(rest.get(at..at + 4)?, 16).ok();
                let first = unit(2)?;
                let low = rest.get(6..8).filter(|u| *u == "\\u").and_then(|_| unit(8))?;
                let combined = 0x10000 + ((first & 0x3FF) << 10) + (low & 0x3FF);
                (char::from_u32(combined)?, 12)
            }
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::RuleTree;

    /// The file's lines and columns (from 1, in characters) at which the words stand by the map of the query.
    fn places(name: &str, file: &str, words: &[&str]) -> Vec<(usize, usize, String)> {
        let trees = RuleTree::all(name, file);
        let place = trees.first().expect("a rule").root().get("query").expect("a query");
        let text = place.text().expect("text");
        let map = place.map(file).expect(file);
        let found = |word: &&str| {
            let at = text.find(word).expect(word);
            let range = map.range(at, at + word.len());
            let before = &file[..range.start];
            let line = before.matches('\n').count() + 1;
            let column = before[before.rfind('\n').map_or(0, |end| end + 1)..].chars().count() + 1;
            (line, column, file[range].to_owned())
        };
        words.iter().map(found).collect()
    }

    fn at(line: usize, column: usize, word: &str) -> (usize, usize, String) {
        (line, column, word.to_owned())
    }

    #[test]
    fn every_style() {
        let rest = "\nseverity: Low\nname: n\n";
        let cases = [
            ("query: |\n    T\n\n      | where Foo\n    | take 1\n", at(4, 15, "Foo"), at(5, 7, "take")),
            ("query: |-  # note\n\n\n  T   \n  | where Foo\n  | take 1", at(5, 11, "Foo"), at(6, 5, "take")),
            ("query: >\n  T\n  | where Foo\n\n  | take 1\n", at(3, 11, "Foo"), at(5, 5, "take")),
            ("query: >-\n  T\n    | where Foo\n    | take 1\n", at(3, 13, "Foo"), at(4, 7, "take")),
            ("query: |2\n    T\n  | where Foo\n  | take 1\n", at(3, 11, "Foo"), at(4, 5, "take")),
            ("query: 'T | where a == ''x''\n  | where Foo\n\n  | take 1'", at(2, 11, "Foo"), at(4, 5, "take")),
            (
                "query: \"T | where a == \\\"\\u00e9\\\" \\\n   | where Foo\\n| take 1\"",
                at(2, 12, "Foo"),
                at(2, 19, "take"),
            ),
            ("query: T\n  | where Foo\n  | take 1", at(2, 11, "Foo"), at(3, 5, "take")),
        ];
        for (file, foo, take) in cases {
            for end in ["\n", "\r\n"] {
                let file = format!("{file}{rest}").replace('\n', end);
                assert_eq!(places("a.yaml", &file, &["Foo", "take"]), [foo.clone(), take.clone()], "{file}");
            }
        }
        let json = "{\"é\": 1,\n \"query\": \"T\\n| where a == \\\"\\ud83d\\ude00\\\"\\r\\n| where Foo\\n| take 1\", \"severity\": \"Low\"}";
        assert_eq!(places("a.json", json, &["Foo", "take"]), [at(2, 56, "Foo"), at(2, 63, "take")]);
    }

    #[test]
    fn lines_of_the_text_are_lines_of_the_file_but_in_escapes() {
        for (value, lines) in [("|\n  T\n  | take 1\n", true), ("\"T\\n| take 1\"\n", false), ("T | take 1\n", true)] {
            let file = format!("query: {value}severity: Low\nname: n\n");
            let trees = RuleTree::all("a.yaml", &file);
            let map = trees[0].root().get("query").and_then(|query| query.map(&file)).expect(&file);
            assert_eq!(map.shows_lines(), lines, "{file}");
        }
    }
}
