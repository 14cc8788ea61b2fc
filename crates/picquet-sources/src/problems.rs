//! What was wrong in the files, collected while queries read them.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::SourceError;
use crate::records::Record;
use crate::rejected::{Passed, Rejected, Sink, text_of};

/// Problems of a file that are kept word by word; the rest is only counted.
const KEPT_PER_FILE: usize = 20;

/// Something in a file that could not be read as it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// The line where the record begins, from 1.
    pub line: Option<u64>,
    /// The column of the table.
    pub column: Option<String>,
    /// What is wrong, and what became of it.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ": column {column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// A shared list of problems: filled while a query runs, read afterwards. Clones are the same list.
///
/// A query may read a file several times; each problem still counts once.
#[derive(Debug, Clone, Default)]
pub struct Report {
    files: Arc<Mutex<BTreeMap<PathBuf, FileProblems>>>,
}

#[derive(Debug, Default)]
struct FileProblems {
    kept: Vec<Problem>,
    counts: HashMap<(u32, Option<String>), u64>,
}

impl FileProblems {
    fn count(&self) -> u64 {
        self.counts.values().sum()
    }
}

impl Report {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<PathBuf, FileProblems>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The problems that were kept, by file and line; at most twenty a file.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self.lock().values().flat_map(|file| file.kept.iter().cloned()).collect();
        problems.sort();
        problems
    }

    /// How many problems each file has, also those that were not kept.
    pub fn counts(&self) -> Vec<(PathBuf, u64)> {
        self.lock().iter().map(|(file, problems)| (file.clone(), problems.count())).collect()
    }

    /// The number of all problems.
    pub fn total(&self) -> u64 {
        self.lock().values().map(FileProblems::count).sum()
    }

    /// Whether no problem was met.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Forgets all problems.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn keep(&self, problem: Problem) {
        let mut files = self.lock();
        let file = files.entry(problem.file.clone()).or_default();
        if file.kept.len() < KEPT_PER_FILE && !file.kept.contains(&problem) {
            file.kept.push(problem);
        }
    }

    /// Sets the count of one part of a file, unless an earlier reading got further.
    fn set_counts(&self, path: &Path, part: u32, counts: &HashMap<Option<String>, u64>) {
        let mut files = self.lock();
        let file = files.entry(path.to_path_buf()).or_default();
        for (column, count) in counts {
            let known = file.counts.entry((part, column.clone())).or_default();
            *known = (*known).max(*count);
        }
    }
}

/// Collects the problems of one reading of one part of a file.
pub(crate) struct Collector {
    report: Report,
    strict: bool,
    file: PathBuf,
    part: u32,
    first_line: FirstLine,
    counts: HashMap<Option<String>, u64>,
    kept: usize,
    failure: Option<Problem>,
    /// For an ingestion: everything is kept, with the text of its record.
    sink: Option<Sink>,
    /// The file is read by what a sample of it shows.
    sampled: bool,
    /// What the sample did not show.
    surprise: Option<Problem>,
}

/// The line number at which a part of a file begins.
enum FirstLine {
    Known(u64),
    /// To be counted when a problem needs it: the lines before this byte.
    Before(u64),
}

impl Collector {
    pub(crate) fn new(report: &Report, strict: bool, file: &Path, part: u32, start: u64) -> Collector {
        Collector {
            report: report.clone(),
            strict,
            file: file.to_path_buf(),
            part,
            first_line: if start == 0 { FirstLine::Known(0) } else { FirstLine::Before(start) },
            counts: HashMap::new(),
            kept: 0,
            failure: None,
            sink: None,
            sampled: false,
            surprise: None,
        }
    }

    /// One that keeps all problems with the texts of their records. `sampled`: the columns are those of a sample, and
    /// what it did not show is to end the reading.
    pub(crate) fn ingesting(file: &Path, part: u32, start: u64, sampled: bool) -> Collector {
        let mut collector = Collector::new(&Report::default(), false, file, part, start);
        collector.sink = Some(Sink::default());
        collector.sampled = sampled;
        collector
    }

    /// One that forgets everything, for looking into a file before any query.
    pub(crate) fn silent(file: &Path) -> Collector {
        Collector::new(&Report::default(), false, file, 0, 0)
    }

    /// Notes a problem of a record that is a row all the same. `line` counts from 1 within the part.
    pub(crate) fn add(&mut self, line: Option<u64>, column: Option<&str>, message: impl FnOnce() -> String) {
        self.note(line, column, None, message);
    }

    /// As [`Collector::add`], of what queries take without a word.
    pub(crate) fn add_quietly(&mut self, line: u64, message: impl FnOnce() -> String) {
        if self.sink.is_some() {
            self.add(Some(line), None, message);
        }
    }

    /// Notes that a record, or more than one, is left out.
    pub(crate) fn lose(&mut self, line: u64, text: &Passed, message: impl FnOnce() -> String) {
        self.surprise = None;
        self.note(Some(line), None, Some(text), message);
    }

    /// As [`Collector::lose`], of what queries pass over without a word.
    pub(crate) fn lose_quietly(&mut self, line: u64, text: &Passed, message: impl FnOnce() -> String) {
        if self.sink.is_some() {
            self.lose(line, text, message);
        }
    }

    /// Notes something that a record holds and a sample of the file did not show. `false` where that is no reason to
    /// read the file anew.
    pub(crate) fn surprise(&mut self, line: u64, column: &str, message: impl FnOnce() -> String) -> bool {
        if self.sampled && self.surprise.is_none() {
            let line = Some(line + self.lines_before());
            let column = Some(column.to_string());
            self.surprise = Some(Problem { file: self.file.clone(), line, column, message: message() });
        }
        self.sampled
    }

    /// The record that is being read is to be read again: what was said of it is forgotten.
    pub(crate) fn record_again(&mut self) {
        self.surprise = None;
        if let Some(sink) = &mut self.sink {
            sink.forget_pending();
        }
    }

    /// The record that was being read is done with.
    pub(crate) fn record_ends(&mut self, record: &Record<'_>) {
        if let Some(sink) = &mut self.sink {
            sink.record_ends(|| text_of(record));
        }
    }

    /// As [`Collector::record_ends`], of a text that is no record.
    pub(crate) fn text_ends(&mut self, text: &Passed) {
        if let Some(sink) = &mut self.sink {
            sink.record_ends(|| text.clone());
        }
    }

    /// Whether what was rejected must be taken before more is read.
    pub(crate) fn is_full(&self) -> bool {
        self.sink.as_ref().is_some_and(Sink::is_full)
    }

    /// What was rejected since the last call.
    pub(crate) fn take_rejected(&mut self) -> Vec<Rejected> {
        self.sink.as_mut().map(Sink::take).unwrap_or_default()
    }

    fn note(
        &mut self,
        line: Option<u64>,
        column: Option<&str>,
        lost: Option<&Passed>,
        message: impl FnOnce() -> String,
    ) {
        match self.counts.get_mut(&column.map(str::to_string)) {
            Some(count) => *count += 1,
            None => {
                self.counts.insert(column.map(str::to_string), 1);
            }
        }
        let first = self.strict && self.failure.is_none();
        let keep = self.kept < KEPT_PER_FILE || first;
        if !keep && self.sink.is_none() {
            return;
        }
        let problem = Problem {
            file: self.file.clone(),
            line: line.map(|line| line + self.lines_before()),
            column: column.map(str::to_string),
            message: message(),
        };
        if let Some(sink) = &mut self.sink {
            match lost {
                Some(text) => sink.record(&problem, text.text()),
                None => sink.value(&problem),
            }
        }
        if first {
            self.failure = Some(problem.clone());
        }
        if keep {
            self.kept += 1;
            self.report.keep(problem);
        }
    }

    /// The error that ends the reading: the first problem where every problem is one, or a surprise.
    pub(crate) fn failed(&mut self) -> Option<SourceError> {
        let problem = self.failed_problem().map(SourceError::Problem);
        problem.or_else(|| self.surprise.take().map(SourceError::SampleMisleads))
    }

    /// The first problem, where every problem is an error.
    pub(crate) fn failed_problem(&mut self) -> Option<Problem> {
        self.failure.take()
    }

    fn lines_before(&mut self) -> u64 {
        let lines = match self.first_line {
            FirstLine::Known(lines) => lines,
            FirstLine::Before(byte) => count_lines(&self.file, byte).unwrap_or(0),
        };
        self.first_line = FirstLine::Known(lines);
        lines
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if !self.counts.is_empty() {
            self.report.set_counts(&self.file, self.part, &self.counts);
        }
    }
}

fn count_lines(path: &Path, end: u64) -> std::io::Result<u64> {
    use std::io::Read as _;
    let mut reader = std::fs::File::open(path)?.take(end);
    let mut buffer = vec![0; 1 << 16];
    let mut lines = 0;
    loop {
        let read = reader.read(&mut buffer)?;
        if read == 0 {
            return Ok(lines);
        }
        lines += memchr::memchr_iter(b'\n', &buffer[..read]).count() as u64;
    }
}

/// A value as a message shows it: quoted, and not too long.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_reading_twice_counts_once() {
        let report = Report::default();
        for _ in 0..2 {
            let mut part = Collector::new(&report, false, Path::new("a.csv"), 0, 0);
            for line in 1..=50 {
                part.add(Some(line), Some("Level"), || "not a long".to_string());
            }
            part.add(Some(51), None, || "unparsable".to_string());
        }
        assert_eq!(report.total(), 51);
        assert_eq!(report.problems().len(), KEPT_PER_FILE);
        assert_eq!(report.problems()[0].to_string(), "a.csv:1: column Level: not a long");
    }

    #[test]
    fn strict_keeps_the_first() {
        let mut part = Collector::new(&Report::default(), true, Path::new("a.csv"), 0, 0);
        assert!(part.failed().is_none());
        part.add(Some(7), None, || "first".to_string());
        part.add(Some(8), None, || "second".to_string());
        assert!(part.failed().unwrap().to_string().contains("a.csv:7: first"));
    }
}
