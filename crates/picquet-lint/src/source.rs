//! A file's text with its lines.

use std::ops::Range;

use kql_syntax::LineIndex;

use crate::check::FilePlace;

/// The text of a file, and where its lines begin.
#[derive(Debug, Clone)]
pub struct Source {
    /// As it is shown; none for a text of the command line.
    pub name: Option<String>,
    /// Decoded.
    pub text: String,
    index: LineIndex,
}

impl Source {
    /// A file.
    #[must_use]
    pub fn new(name: Option<String>, text: String) -> Self {
        let index = LineIndex::new(&text);
        Self { name, text, index }
    }

    /// Line and column in characters, both from 1, of an offset.
    #[must_use]
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let offset = self.floor(offset);
        let (line, column) = self.index.line_column(u32::try_from(offset).unwrap_or(u32::MAX));
        let start = offset - (column - 1).min(offset);
        (line, self.text.get(start..offset).map_or(column, |before| before.chars().count() + 1))
    }

    /// The place of a range.
    #[must_use]
    pub fn place(&self, span: Range<usize>) -> FilePlace {
        let (start, end) = (self.floor(span.start), self.floor(span.end.max(span.start)));
        let (line, column) = self.line_column(start);
        let (end_line, end_column) = self.line_column(end);
        FilePlace { file: self.name.clone(), span: Some(start..end), line, column, end_line, end_column }
    }

    /// The place of a whole line.
    #[must_use]
    pub fn line(&self, line: usize) -> FilePlace {
        let text = self.text.split_inclusive('\n').nth(line.saturating_sub(1)).unwrap_or_default();
        let start: usize = self.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let indent = text.len() - text.trim_start().len();
        let end = start + text.trim_end().len();
        self.place((start + indent).min(end)..end)
    }

    fn floor(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters() {
        let source = Source::new(None, "é: x\n  ünd y\n".to_owned());
        let at = source.text.find('y').expect("y");
        let place = source.place(at..at + 1);
        assert_eq!((place.line, place.column, place.end_line, place.end_column), (2, 7, 2, 8));
        let line = source.line(2);
        assert_eq!((line.line, line.column, line.end_column), (2, 3, 8));
        assert_eq!(source.line(99).line, 3);
        assert_eq!(source.place(500..900).line, 3);
    }
}
