//! Comments, and what they stand at.

use std::ops::Range;

use super::read::{Document, Raw, RawKind};
use super::{LayoutError, unsupported};

/// A comment on a line of its own.
#[derive(Debug, Clone)]
pub(super) struct Comment {
    pub text: String,
    /// Whether an empty line stands before it.
    pub blank: bool,
}

/// What stands at an entry or item.
#[derive(Debug, Default, Clone)]
pub(super) struct Notes {
    pub leading: Vec<Comment>,
    pub trailing: Option<String>,
    /// Whether an empty line stands before it, below its comments.
    pub blank: bool,
}

/// All comments of a document. Entries and items are numbered in the order of the text, outer ones first, and so are
/// lists and mappings.
#[derive(Debug, Default)]
pub(super) struct Comments {
    pub header: Vec<Comment>,
    /// Whether an empty line follows the header.
    pub header_blank: bool,
    pub notes: Vec<Notes>,
    /// Comments after the last entry of a collection.
    pub endings: Vec<Vec<Comment>>,
}

struct Found {
    at: usize,
    text: String,
}

/// An entry or item: where it starts, its column, the collections around it, whether it is inside brackets.
struct Anchor {
    start: usize,
    column: usize,
    collections: Vec<usize>,
    flow: bool,
    /// Whether it is the first thing on its line.
    first: bool,
}

/// Texts of all comments, sorted.
pub(super) fn texts(source: &str, document: &Document) -> Vec<String> {
    let mut texts: Vec<String> = find(source, &document.root).into_iter().map(|found| found.text).collect();
    texts.sort();
    texts
}

/// Finds all comments and what they belong to.
pub(super) fn attach(source: &str, document: &Document) -> Result<Comments, LayoutError> {
    let mut walk = Walk { source, anchors: Vec::new(), columns: Vec::new(), kept: Vec::new(), flows: Vec::new() };
    walk.value(&document.root, &[], false)?;
    let mut comments = Comments {
        notes: vec![Notes::default(); walk.anchors.len()],
        endings: vec![Vec::new(); walk.columns.len()],
        ..Comments::default()
    };
    let first = walk.anchors.first().map_or(0, |anchor| anchor.start);
    for (anchor, notes) in walk.anchors.iter().zip(&mut comments.notes) {
        notes.blank = anchor.first && anchor.start > first && walk.is_after_blank(anchor.start);
    }
    comments.header_blank = walk.is_after_blank(first);
    for found in find(source, &document.root) {
        if walk.flows.iter().any(|flow| flow.contains(&found.at)) {
            return Err(unsupported("it has a comment inside brackets"));
        }
        walk.place(found, first, &mut comments);
    }
    Ok(comments)
}

struct Walk<'a> {
    source: &'a str,
    anchors: Vec<Anchor>,
    /// Column of every collection.
    columns: Vec<usize>,
    /// Lines of block scalars that keep their last empty lines.
    kept: Vec<Range<usize>>,
    flows: Vec<Range<usize>>,
}

impl Walk<'_> {
    fn line_start(&self, at: usize) -> usize {
        self.source[..at].rfind('\n').map_or(0, |end| end + 1)
    }

    /// Whether the line before the one of a place is empty, and no part of a block scalar.
    fn is_after_blank(&self, at: usize) -> bool {
        let line = self.line_start(at);
        let Some(before) = line.checked_sub(1) else { return false };
        let start = self.line_start(before);
        let is_kept = self.kept.iter().any(|lines| lines.contains(&start));
        !is_kept && self.source[start..before].trim().is_empty()
    }

    fn value(&mut self, raw: &Raw, around: &[usize], in_flow: bool) -> Result<(), LayoutError> {
        let flow = in_flow || raw.is_flow(self.source);
        if flow && !in_flow {
            self.flows.push(raw.span.clone());
        }
        match &raw.kind {
            RawKind::Scalar { block, .. } => {
                if block.as_ref().is_some_and(|block| block.chomping == "+") {
                    self.kept.push(raw.span.clone());
                }
            }
            RawKind::List(items) => {
                let collections = self.enter(around);
                for (index, item) in items.iter().enumerate() {
                    let start = first_place(item);
                    let dash = if flow { start } else { self.dash(start)? };
                    let column = dash - self.line_start(dash);
                    let first = self.source[self.line_start(dash)..dash].trim().is_empty();
                    self.anchor(start, column, &collections, flow, first, index == 0);
                    self.value(item, &collections, flow)?;
                }
            }
            RawKind::Map(entries) => {
                let collections = self.enter(around);
                for (index, entry) in entries.iter().enumerate() {
                    let start = entry.key.span.start;
                    let line = self.line_start(start);
                    let first = self.source[line..start].trim().is_empty();
                    self.anchor(start, start - line, &collections, flow, first, index == 0);
                    self.value(&entry.value, &collections, flow)?;
                }
            }
        }
        Ok(())
    }

    fn enter(&mut self, around: &[usize]) -> Vec<usize> {
        self.columns.push(0);
        let own = self.columns.len() - 1;
        around.iter().copied().chain([own]).collect()
    }

    fn anchor(&mut self, start: usize, column: usize, collections: &[usize], flow: bool, first: bool, opens: bool) {
        if let Some(own) = collections.last().filter(|_| opens) {
            self.columns[*own] = column;
        }
        self.anchors.push(Anchor { start, column, collections: collections.to_vec(), flow, first });
    }

    /// The dash of the list item that starts at a place.
    fn dash(&self, start: usize) -> Result<usize, LayoutError> {
        let mut end = start;
        loop {
            let line = self.line_start(end);
            let before = &self.source[line..end];
            let code = before.split(" #").next().unwrap_or(before).trim_end();
            let code = if before.trim_start().starts_with('#') { "" } else { code };
            if code.ends_with('-') {
                return Ok(line + code.len() - 1);
            }
            if !code.is_empty() || line == 0 {
                return Err(unsupported("a list item has no dash of its own"));
            }
            end = line - 1;
        }
    }

    fn place(&self, found: Found, first: usize, comments: &mut Comments) {
        let line = self.line_start(found.at);
        let before = &self.source[line..found.at];
        // What stands between a dash and its item belongs to the item.
        let own_line = before.chars().all(|c| c == ' ' || c == '\t' || c == '-') && before != "---";
        let previous = self.anchors.iter().rposition(|anchor| anchor.start < found.at);
        if !own_line {
            let holder = self.anchors.iter().rposition(|anchor| anchor.start < found.at && !anchor.flow);
            if let Some(notes) = holder.and_then(|at| comments.notes.get_mut(at)).filter(|n| n.trailing.is_none()) {
                notes.trailing = Some(found.text);
                return;
            }
        }
        let comment = Comment { blank: self.is_after_blank(found.at), text: found.text };
        if found.at < first {
            comments.header.push(comment);
            return;
        }
        let column = before.len();
        let next = self.anchors.iter().position(|anchor| anchor.start > found.at);
        let ended = previous.and_then(|at| self.anchors.get(at)).and_then(|anchor| {
            let inside = |id: &&usize| self.columns.get(**id).is_some_and(|start| *start <= column);
            anchor.collections.iter().rev().find(inside).copied()
        });
        let next_anchor = next.and_then(|at| self.anchors.get(at));
        let belongs_next = next_anchor.is_some_and(|anchor| {
            let on_dash = before.contains('-');
            on_dash || column <= anchor.column || ended.is_none_or(|ended| anchor.collections.contains(&ended))
        });
        match (next, ended) {
            (Some(next), _) if belongs_next => comments.notes[next].leading.push(comment),
            (_, ended) => comments.endings[ended.unwrap_or(0)].push(comment),
        }
    }
}

/// Where a value's first token stands.
fn first_place(raw: &Raw) -> usize {
    match &raw.kind {
        RawKind::Map(entries) => entries.first().map_or(raw.span.start, |entry| entry.key.span.start),
        _ => raw.span.start,
    }
}

/// Every comment: a `#` at the start of a line or after a blank that is in no scalar.
fn find(source: &str, root: &Raw) -> Vec<Found> {
    let mut scalars = Vec::new();
    collect_scalars(root, &mut scalars);
    scalars.sort_by_key(|span| span.start);
    let mut found = Vec::new();
    let mut at = 0;
    scalars.push(source.len()..source.len());
    for span in scalars {
        if at < span.start {
            find_in_gap(source, at..span.start, &mut found);
        }
        at = at.max(span.end);
    }
    found
}

fn find_in_gap(source: &str, gap: Range<usize>, found: &mut Vec<Found>) {
    let mut at = gap.start;
    while let Some(offset) = source.get(at..gap.end).and_then(|text| text.find('#')) {
        let place = at + offset;
        let starts = source[..place].chars().next_back().is_none_or(char::is_whitespace);
        let line_end = source[place..].find('\n').map_or(source.len(), |length| place + length);
        if starts {
            found.push(Found { at: place, text: source[place..line_end].trim_end().to_owned() });
            at = line_end;
        } else {
            at = place + 1;
        }
    }
}

fn collect_scalars(raw: &Raw, scalars: &mut Vec<Range<usize>>) {
    match &raw.kind {
        RawKind::Scalar { .. } if raw.is_absent() => {}
        RawKind::Scalar { .. } => scalars.push(raw.span.clone()),
        RawKind::List(items) => items.iter().for_each(|item| collect_scalars(item, scalars)),
        RawKind::Map(entries) => {
            for entry in entries {
                scalars.push(entry.key.span.clone());
                collect_scalars(&entry.value, scalars);
            }
        }
    }
}
