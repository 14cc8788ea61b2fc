//! What an ingestion could not take as it stands, with the text of its record.

use std::path::PathBuf;

use crate::problems::Problem;
use crate::records::{Body, Record};

/// Bytes of a record's text that are kept.
const LONGEST: usize = 32 << 10;

/// So many, or so many bytes of texts, are kept before they must be taken.
const FULL: usize = 1000;
const FULL_BYTES: usize = 4 << 20;

/// Bytes of texts that the values of one record may take.
const RECORD_BYTES: usize = 1 << 20;

/// A record or value that fits no schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The file.
    pub file: PathBuf,
    /// The line where the record begins, from 1. In Parquet files the number of the row, from 1.
    pub line: Option<u64>,
    /// The column of the table, for a value.
    pub column: Option<String>,
    /// What is wrong, and what became of it.
    pub reason: String,
    /// The text of the record (for a value: of the whole record), cut at 32 KB with a mark. Records of CSV files are
    /// written anew, with commas; rows of Parquet files as JSON. Empty where there is no text, as of what comes after the
    /// place where a packed file breaks off; also for further values of a record that has very many wrong ones.
    pub record: String,
    /// Whether the record is a row, of which only this value is missing.
    pub row_kept: bool,
}

/// Bytes that a reader passes over: how many, and the first of them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Passed {
    head: Vec<u8>,
    bytes: u64,
}

impl Passed {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        let room = (LONGEST + 4).saturating_sub(self.head.len());
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.bytes += bytes.len() as u64;
    }

    /// Adds what came after.
    pub(crate) fn join(&mut self, rest: &Passed) {
        self.add(&rest.head);
        self.bytes += rest.bytes - rest.head.len() as u64;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    pub(crate) fn of(bytes: &[u8]) -> Passed {
        let mut passed = Passed::default();
        passed.add(bytes);
        passed
    }

    /// The text, cut between characters and with a mark of what is left out.
    pub(crate) fn text(&self) -> String {
        if self.bytes as usize <= LONGEST {
            return String::from_utf8_lossy(&self.head).into_owned();
        }
        let mut end = LONGEST.min(self.head.len());
        while end > LONGEST - 4 && self.head.get(end).is_some_and(|byte| (0x80..0xc0).contains(byte)) {
            end -= 1;
        }
        let text = String::from_utf8_lossy(&self.head[..end]);
        format!("{text}… ({} more bytes)", self.bytes - end as u64)
    }
}

/// Gathers what is rejected while a file is read.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    rejected: Vec<Rejected>,
    bytes: usize,
    /// From here on they are of the record that is being read, and still without its text.
    pending: usize,
}

impl Sink {
    /// Of a record that is being read.
    pub(crate) fn value(&mut self, problem: &Problem) {
        self.push(problem, String::new(), true);
    }

    /// A record that is no row, or more than one. What was said of its values goes with it.
    pub(crate) fn record(&mut self, problem: &Problem, text: String) {
        self.forget_pending();
        self.push(problem, text, false);
        self.pending = self.rejected.len();
    }

    fn push(&mut self, problem: &Problem, record: String, row_kept: bool) {
        self.bytes += record.len();
        self.rejected.push(Rejected {
            file: problem.file.clone(),
            line: problem.line,
            column: problem.column.clone(),
            reason: problem.message.clone(),
            record,
            row_kept,
        });
    }

    pub(crate) fn forget_pending(&mut self) {
        self.rejected.truncate(self.pending);
    }

    /// The record that was being read is a row: its text goes to what was said of its values.
    pub(crate) fn record_ends(&mut self, text: impl FnOnce() -> Passed) {
        if self.pending == self.rejected.len() {
            return;
        }
        let text = text().text();
        let mut left = RECORD_BYTES;
        for rejected in &mut self.rejected[self.pending..] {
            let Some(rest) = left.checked_sub(text.len()) else { break };
            left = rest;
            rejected.record.clone_from(&text);
            self.bytes += text.len();
        }
        self.pending = self.rejected.len();
    }

    pub(crate) fn is_full(&self) -> bool {
        self.rejected.len() >= FULL || self.bytes >= FULL_BYTES
    }

    pub(crate) fn take(&mut self) -> Vec<Rejected> {
        self.pending = 0;
        self.bytes = 0;
        std::mem::take(&mut self.rejected)
    }
}

/// The text of a record that is at hand.
pub(crate) fn text_of(record: &Record<'_>) -> Passed {
    match record.body {
        Body::Object(json) | Body::Row(json) => Passed::of(json),
        Body::Fields(fields) => {
            let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
            let written = writer.write_byte_record(fields).ok().and_then(|()| writer.into_inner().ok());
            let written = written.unwrap_or_else(|| fields.as_slice().to_vec());
            Passed::of(written.strip_suffix(b"\n").unwrap_or(&written))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        let mut passed = Passed::default();
        passed.add(b"x");
        for _ in 0..20_000 {
            passed.add("é".as_bytes());
        }
        let text = passed.text();
        assert!(text.starts_with("xé") && text.ends_with("é… (7234 more bytes)"), "{}", &text[text.len() - 40..]);
        assert_eq!(Passed::of(b"a\xffb").text(), "a\u{fffd}b");
        let exact = vec![b'a'; LONGEST];
        assert_eq!(Passed::of(&exact).text().len(), LONGEST);
    }

    fn problem(message: &str) -> Problem {
        Problem { file: "f".into(), line: Some(1), column: None, message: message.to_string() }
    }

    #[test]
    fn values_get_the_text_of_their_record_and_go_with_it() {
        let mut sink = Sink::default();
        sink.value(&problem("a"));
        sink.value(&problem("b"));
        sink.record_ends(|| Passed::of(b"first"));
        sink.record_ends(|| panic!("nothing is pending"));
        sink.value(&problem("c"));
        sink.record(&problem("d"), "second".to_string());
        let taken: Vec<(String, String, bool)> =
            sink.take().into_iter().map(|r| (r.reason, r.record, r.row_kept)).collect();
        let expected = [("a", "first", true), ("b", "first", true), ("d", "second", false)];
        assert_eq!(taken, expected.map(|(reason, record, kept)| (reason.to_string(), record.to_string(), kept)));
        assert!(sink.take().is_empty());
    }
}
