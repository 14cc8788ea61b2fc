//! The YAML text as a tree with the places of everything in it.

use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::{LayoutError, unsupported};

/// Deepest nesting that is laid out.
const MAX_DEPTH: usize = 60;

/// A document.
pub(super) struct Document {
    pub root: Raw,
    /// Whether it starts with `---`.
    pub marked: bool,
}

/// A value and its place.
#[derive(Debug)]
pub(super) struct Raw {
    pub kind: RawKind,
    /// Bytes of the text; of a block scalar, its lines without the header.
    pub span: Range<usize>,
}

#[derive(Debug)]
pub(super) enum RawKind {
    Scalar {
        /// What it says.
        text: String,
        style: ScalarStyle,
        /// Of a block scalar.
        block: Option<Block>,
    },
    List(Vec<Raw>),
    Map(Vec<RawEntry>),
}

#[derive(Debug)]
pub(super) struct RawEntry {
    pub key: Raw,
    pub value: Raw,
}

/// How a block scalar is written.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// `|` or `>`.
    pub mark: char,
    /// `-`, `+` or nothing.
    pub chomping: &'static str,
    /// Whether the header tells the indent.
    pub explicit: bool,
    /// Columns taken off the front of each line.
    pub indent: usize,
}

impl RawEntry {
    pub(super) fn key_text(&self) -> &str {
        match &self.key.kind {
            RawKind::Scalar { text, .. } => text,
            _ => "",
        }
    }
}

impl Raw {
    pub(super) fn is_plain(&self) -> bool {
        matches!(&self.kind, RawKind::Scalar { style: ScalarStyle::Plain, .. })
    }

    /// Whether it is nothing at all: a key without a value.
    pub(super) fn is_absent(&self) -> bool {
        self.is_plain() && matches!(&self.kind, RawKind::Scalar { text, .. } if text.is_empty() || self.span.is_empty())
    }

    /// Whether it is written in brackets.
    pub(super) fn is_flow(&self, source: &str) -> bool {
        let is_collection = matches!(&self.kind, RawKind::List(_) | RawKind::Map(_));
        is_collection && source.get(self.span.clone()).is_some_and(|text| text.starts_with(['[', '{']))
    }
}

/// Reads a text that holds one document with a mapping.
pub(super) fn read(source: &str) -> Result<Document, LayoutError> {
    if source.contains('\r') {
        return Err(unsupported("it has line ends of more than one kind"));
    }
    let mut events = Vec::new();
    for event in Parser::new_from_str(source) {
        let (event, span) = event.map_err(|error| unsupported(&format!("not valid YAML: {}", error.info())))?;
        events.push((event, span));
    }
    let mut reader = Reader { source, offsets: Offsets::new(source), events: events.into_iter(), marked: false };
    reader.document()
}

/// Byte offsets of characters.
struct Offsets(Option<Vec<usize>>);

impl Offsets {
    fn new(text: &str) -> Self {
        Self((!text.is_ascii()).then(|| text.char_indices().map(|(offset, _)| offset).collect()))
    }

    fn byte(&self, index: usize, length: usize) -> usize {
        match &self.0 {
            None => index.min(length),
            Some(offsets) => offsets.get(index).copied().unwrap_or(length),
        }
    }
}

struct Reader<'a> {
    source: &'a str,
    offsets: Offsets,
    events: std::vec::IntoIter<(Event<'a>, Span)>,
    marked: bool,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Range<usize>), LayoutError> {
        let (event, span) = self.events.next().ok_or_else(|| unsupported("the document ends early"))?;
        let length = self.source.len();
        let start = self.offsets.byte(span.start.index(), length);
        let end = self.offsets.byte(span.end.index(), length).max(start);
        Ok((event, start..end))
    }

    fn document(&mut self) -> Result<Document, LayoutError> {
        loop {
            match self.next()?.0 {
                Event::StreamStart | Event::Nothing => {}
                Event::DocumentStart(explicit) => {
                    self.marked = explicit;
                    break;
                }
                _ => return Err(unsupported("it holds no document")),
            }
        }
        if self.marked && !self.source.starts_with("---\n") {
            return Err(unsupported("its document does not start on the first line"));
        }
        let root = self.value(0, 0)?;
        if !matches!(root.kind, RawKind::Map(_)) || root.is_flow(self.source) {
            return Err(unsupported("it is no mapping"));
        }
        let is_end = |event: &Event<'_>| matches!(event, Event::DocumentEnd | Event::StreamEnd);
        if !self.events.by_ref().all(|(event, _)| is_end(&event)) {
            return Err(unsupported("it holds several documents"));
        }
        if self.source.lines().any(|line| line.trim_end() == "...") {
            return Err(unsupported("it has an end mark"));
        }
        Ok(Document { root, marked: self.marked })
    }

    /// A value; `after` is the end of what stands before it.
    fn value(&mut self, after: usize, depth: usize) -> Result<Raw, LayoutError> {
        let (event, span) = self.next()?;
        self.value_of(event, span, after, depth)
    }

    fn value_of(
        &mut self,
        event: Event<'a>,
        span: Range<usize>,
        after: usize,
        depth: usize,
    ) -> Result<Raw, LayoutError> {
        if depth > MAX_DEPTH {
            return Err(unsupported("it is nested too deeply"));
        }
        match event {
            Event::Scalar(_, _, anchor, _) | Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _)
                if anchor > 0 =>
            {
                Err(unsupported("it has an anchor"))
            }
            Event::Scalar(_, _, _, Some(_)) | Event::SequenceStart(_, Some(_)) | Event::MappingStart(_, Some(_)) => {
                Err(unsupported("it has a tag"))
            }
            Event::Alias(_) => Err(unsupported("it has an alias")),
            Event::Scalar(text, style, ..) => self.scalar(text.into_owned(), style, span, after),
            Event::SequenceStart(..) => self.list(span.start, after, depth),
            Event::MappingStart(..) => self.map(span.start, after, depth),
            _ => Err(unsupported("a value is missing")),
        }
    }

    fn list(&mut self, start: usize, mut after: usize, depth: usize) -> Result<Raw, LayoutError> {
        let mut items: Vec<Raw> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                let empty = items.is_empty();
                return Ok(Raw { kind: RawKind::List(items), span: start..self.collection_end(start, after, empty) });
            }
            let item = self.value_of(event, span, after, depth + 1)?;
            if item.is_absent() {
                return Err(unsupported("a list has an empty item"));
            }
            after = item.span.end;
            items.push(item);
        }
    }

    fn map(&mut self, start: usize, mut after: usize, depth: usize) -> Result<Raw, LayoutError> {
        let mut entries: Vec<RawEntry> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                let empty = entries.is_empty();
                return Ok(Raw { kind: RawKind::Map(entries), span: start..self.collection_end(start, after, empty) });
            }
            let key = self.value_of(event, span, after, depth + 1)?;
            let is_simple = matches!(&key.kind, RawKind::Scalar { block: None, .. }) && !key.is_absent();
            let rest = self.source.get(key.span.end..).unwrap_or_default();
            let one_line = self.source.get(key.span.clone()).is_some_and(|text| !text.contains('\n'));
            if !is_simple || !one_line || !rest.trim_start_matches(' ').starts_with(':') {
                return Err(unsupported("a key is not a plain one"));
            }
            let value = self.value(key.span.end, depth + 1)?;
            after = if value.is_absent() { key.span.end } else { value.span.end };
            entries.push(RawEntry { key, value });
        }
    }

    /// Where a collection ends: in brackets, behind the closing one; else where its last part does.
    fn collection_end(&self, start: usize, after: usize, empty: bool) -> usize {
        if !self.source[start..].starts_with(['[', '{']) {
            return after.max(start);
        }
        let mut at = if empty { start + 1 } else { after };
        while let Some(c) = self.source[at..].chars().next() {
            match c {
                ']' | '}' => return at + 1,
                '#' => at += self.source[at..].find('\n').unwrap_or(self.source.len() - at),
                c => at += c.len_utf8(),
            }
        }
        at
    }

    fn scalar(&self, text: String, style: ScalarStyle, span: Range<usize>, after: usize) -> Result<Raw, LayoutError> {
        if !matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
            let written = self.source.get(span.clone()).unwrap_or_default();
            let span = span.start..span.start + written.trim_end().len();
            return Ok(Raw { kind: RawKind::Scalar { text, style, block: None }, span });
        }
        let (block, span) =
            self.block(after, span.start).ok_or_else(|| unsupported("a block scalar is empty or odd"))?;
        Ok(Raw { kind: RawKind::Scalar { text, style, block: Some(block) }, span })
    }

    /// The header of a block scalar that stands between `after` and its first character, and the place of its lines.
    fn block(&self, after: usize, first: usize) -> Option<(Block, Range<usize>)> {
        let gap = self.source.get(after..first)?;
        let header = after + gap.find(['|', '>'])?;
        let header_line = self.source[header..].lines().next()?;
        let words = header_line.split(" #").next()?.trim_end();
        let mark = words.chars().next()?;
        let explicit = words.chars().find(char::is_ascii_digit);
        let chomping = match (words.contains('-'), words.contains('+')) {
            (true, false) => "-",
            (false, true) => "+",
            (false, false) => "",
            (true, true) => return None,
        };
        let start = header + header_line.len() + 1;
        let lines = self.source.get(start..)?;
        let blanks = |line: &str| line.len() - line.trim_start_matches(' ').len();
        let first_line = lines.lines().find(|line| !line.trim().is_empty())?;
        let indent = match explicit {
            None => blanks(first_line),
            // The mark stands at the first character of the text, which may be a blank.
            Some(_) => {
                let line_start = self.source[..first].rfind('\n').map_or(0, |at| at + 1);
                let column = first - line_start;
                self.explicit_indent(header, explicit?.to_digit(10)? as usize).unwrap_or(column)
            }
        };
        if indent == 0 {
            return None;
        }
        let mut end = start;
        let mut at = start;
        for line in lines.split_inclusive('\n') {
            let content = line.trim_end_matches('\n');
            at += line.len();
            let is_blank = content.trim_matches(' ').is_empty();
            if !is_blank && blanks(content) < indent {
                break;
            }
            if !is_blank || chomping == "+" || content.len() > indent {
                end = at;
            }
        }
        Some((Block { mark, chomping, explicit: explicit.is_some(), indent }, start..end))
    }

    /// The indent that a header's digit tells: so many more than the column of the key, or of the dash, it belongs to.
    fn explicit_indent(&self, header: usize, digit: usize) -> Option<usize> {
        let line_start = self.source[..header].rfind('\n').map_or(0, |at| at + 1);
        let line = &self.source[line_start..header];
        let key = line.trim_start_matches(' ');
        let mut column = line.len() - key.len();
        let mut rest = key;
        while let Some(inner) = rest.strip_prefix("- ").filter(|inner| inner.contains(':')) {
            let trimmed = inner.trim_start_matches(' ');
            column += 2 + inner.len() - trimmed.len();
            rest = trimmed;
        }
        Some(column + digit)
    }
}
