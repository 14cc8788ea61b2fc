//! Cuts a text file into records, whatever its format.

use std::path::Path;

use crate::csv_records::CsvRecords;
use crate::detect::{Format, Layout};
use crate::feed::{CutError, Feed, MAX_RECORD};
use crate::input::{self, Bytes};
use crate::json_records::{Elements, TypedRows};
use crate::problems::Collector;

/// A record of a file.
pub(crate) struct Record<'a> {
    /// The line where it begins, from 1, counted from where the reading began.
    pub(crate) line: u64,
    pub(crate) body: Body<'a>,
}

/// The text of a record.
pub(crate) enum Body<'a> {
    /// A JSON object.
    Object(&'a [u8]),
    /// A JSON array of values in the order of the file's columns.
    Row(&'a [u8]),
    /// Fields in the order of the file's columns.
    Fields(&'a csv::ByteRecord),
}

impl Record<'_> {
    /// The length of its text.
    pub(crate) fn bytes(&self) -> usize {
        match &self.body {
            Body::Object(json) | Body::Row(json) => json.len(),
            Body::Fields(fields) => fields.as_slice().len(),
        }
    }
}

/// Reads the records of a file, or of a part of it.
pub(crate) enum Records {
    Lines(Lines),
    Elements(Elements),
    Typed(TypedRows),
    Csv(Box<CsvRecords>),
    None,
}

/// A part of a file by bytes: records that begin in it belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) number: u32,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Part {
    /// The whole of a file.
    pub(crate) const WHOLE: Part = Part { number: 0, start: 0, end: u64::MAX };
}

impl Records {
    /// Opens a file of a known layout.
    pub(crate) fn open(path: &Path, layout: &Layout, part: Part) -> std::io::Result<Records> {
        if part.start > 0 {
            return Ok(Records::Lines(Lines::new(input::open_at(path, part.start - 1)?, part)));
        }
        let opened = input::open(path)?;
        let part = Part { end: part.end.saturating_sub(opened.skipped), ..part };
        Ok(match &layout.format {
            Format::Lines => Records::Lines(Lines::new(opened.bytes, part)),
            Format::Elements { wrapper } => Records::Elements(Elements::new(opened.bytes, wrapper.clone())),
            Format::Tables => Records::Typed(TypedRows::new(opened.bytes)),
            Format::Csv { delimiter } => Records::Csv(Box::new(CsvRecords::new(opened.bytes, *delimiter))),
            // Read all the same: a packed file may break off before its first byte.
            Format::Empty => Records::Lines(Lines::new(opened.bytes, part)),
            Format::Parquet => Records::None,
        })
    }

    /// The next record that can be cut out.
    pub(crate) fn next(&mut self, problems: &mut Collector) -> Option<Record<'_>> {
        match self {
            Records::Lines(reader) => reader.next(problems),
            Records::Elements(reader) => reader.next(problems),
            Records::Typed(reader) => reader.next(problems),
            Records::Csv(reader) => reader.next(problems),
            Records::None => None,
        }
    }
}

/// JSON lines.
pub(crate) struct Lines {
    feed: Feed,
    /// Where in the feed's stream the part ends.
    end: u64,
    /// The first line began in an earlier part.
    skip_first: bool,
}

impl Lines {
    fn new(bytes: Bytes, part: Part) -> Lines {
        // A later part is opened one byte early, so that a line that begins with the part is told from one that does not.
        let from = part.start.saturating_sub(1);
        Lines { feed: Feed::new(bytes), end: part.end.saturating_sub(from), skip_first: part.start > 0 }
    }

    fn next(&mut self, problems: &mut Collector) -> Option<Record<'_>> {
        if self.skip_first {
            self.skip_first = false;
            if let Some(Ok(tail)) = self.feed.next_line() {
                // Of the part's own lines, the first is the one that the skipped tail belongs to, if there is a tail.
                self.feed.line = if tail.is_empty() { 1 } else { 2 };
            }
            // A long tail is the earlier part's to tell of.
            self.feed.take_passed();
        }
        loop {
            if self.feed.position() >= self.end {
                return None;
            }
            let line = self.feed.line;
            match self.feed.next_line() {
                None => {
                    ended(&mut self.feed, problems);
                    return None;
                }
                Some(Err(_)) => problems.lose(line, &self.feed.take_passed(), || too_long("line")),
                Some(Ok(range)) => {
                    if self.feed.bytes(range.clone()).iter().all(u8::is_ascii_whitespace) {
                        continue;
                    }
                    return Some(Record { line, body: Body::Object(self.feed.bytes(range)) });
                }
            }
        }
    }
}

/// Notes the error that ended a reading, if one did.
pub(crate) fn ended(feed: &mut Feed, problems: &mut Collector) {
    if let Some(error) = feed.take_error() {
        let line = feed.line;
        problems.lose(line, &feed.take_passed(), || broken_off(&error));
    }
}

/// What is said of a file that cannot be read to its end.
pub(crate) fn broken_off(error: &std::io::Error) -> String {
    format!("the file breaks off or is damaged here ({error}); what stands before was read")
}

/// What is said of a record that is too long.
pub(crate) fn too_long(what: &str) -> String {
    format!("the {what} is longer than {} MB; skipped", MAX_RECORD >> 20)
}

/// What is said of a JSON value that cannot be cut out.
pub(crate) fn cut_problem(error: CutError) -> String {
    match error {
        CutError::TooLong => too_long("record"),
        CutError::Unclosed => "the JSON record is not closed; skipped".to_string(),
    }
}
