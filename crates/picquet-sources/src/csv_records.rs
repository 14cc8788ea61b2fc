//! Records of CSV files.

use std::io::{self, Read};

use crate::feed::MAX_RECORD;
use crate::input::Bytes;
use crate::problems::Collector;
use crate::records::{Body, Record, broken_off, too_long};
use crate::rejected::text_of;

/// The rows of a CSV file below its header.
pub(crate) struct CsvRecords {
    reader: csv::Reader<Watched>,
    header: Option<Vec<String>>,
    record: csv::ByteRecord,
    done: bool,
}

impl CsvRecords {
    pub(crate) fn new(bytes: Bytes, delimiter: u8) -> CsvRecords {
        let reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(1 << 16)
            .from_reader(Watched { bytes, left: MAX_RECORD, quotes: 0, at_end: false, error: None });
        CsvRecords { reader, header: None, record: csv::ByteRecord::new(), done: false }
    }

    /// The header's fields as they stand.
    pub(crate) fn header(&mut self, problems: &mut Collector) -> &[String] {
        if self.header.is_none() {
            let mut header = Vec::new();
            if self.read(problems) {
                if matches!(self.record.get(0).and_then(|field| field.first()), Some(0x80..0xc0)) {
                    problems.add(Some(1), None, || "begins within a character, which was dropped".to_string());
                    problems.record_ends(&Record { line: 1, body: Body::Fields(&self.record) });
                }
                header =
                    self.record.iter().map(|field| String::from_utf8_lossy(cut_char(field)).into_owned()).collect();
            }
            self.header = Some(header);
        }
        self.header.as_deref().unwrap_or_default()
    }

    fn read(&mut self, problems: &mut Collector) -> bool {
        while !self.done {
            self.reader.get_mut().left = MAX_RECORD;
            let read = self.reader.read_byte_record(&mut self.record);
            let line = self.record.position().map_or(0, csv::Position::line);
            let here = self.reader.position().line();
            match read {
                Ok(found) => {
                    self.done = !found;
                    let record = Record { line, body: Body::Fields(&self.record) };
                    let watched = self.reader.get_mut();
                    if let Some(error) = watched.error.take() {
                        // What was read of the record when the file broke off is no record.
                        self.done = true;
                        problems.lose(here, &text_of(&record), || broken_off(&error));
                        return false;
                    }
                    if found && watched.at_end && watched.quotes % 2 == 1 {
                        problems.add_quietly(line, || "the file ends within quotes".to_string());
                    }
                    return found;
                }
                // Only reading can fail, as any bytes are fields.
                Err(error) => {
                    self.done = true;
                    problems.lose(here, &text_of(&Record { line, body: Body::Fields(&self.record) }), || {
                        format!("not a CSV record ({error}); the rest is not read")
                    });
                }
            }
        }
        false
    }

    pub(crate) fn next(&mut self, problems: &mut Collector) -> Option<Record<'_>> {
        let expected = self.header(problems).len();
        loop {
            if !self.read(problems) {
                return None;
            }
            // A line of blanks only.
            if expected > 1 && self.record.len() == 1 && self.record[0].iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            break;
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        let found = self.record.len();
        if found != expected {
            let fate = if found < expected { "the rest reads as missing" } else { "the rest is left out" };
            problems.add(Some(line), None, || format!("{found} fields where the header has {expected}; {fate}"));
        }
        Some(Record { line, body: Body::Fields(&self.record) })
    }
}

/// The bytes of a CSV file on their way into the parser, which reads on until a record ends.
struct Watched {
    bytes: Bytes,
    /// How much more may be read for the record, of which an unclosed quote makes no end.
    left: usize,
    quotes: usize,
    at_end: bool,
    /// What ended the reading. The parser sees an end of the file, and gives what it has of the record.
    error: Option<io::Error>,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at_end {
            return Ok(0);
        }
        let read = match self.left {
            0 => Err(io::Error::other(too_long("record"))),
            _ => self.bytes.read(buffer),
        };
        match read {
            Ok(0) => self.at_end = true,
            Ok(count) => {
                self.left = self.left.saturating_sub(count);
                self.quotes += memchr::memchr_iter(b'"', &buffer[..count]).count();
                return Ok(count);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                self.at_end = true;
                self.error = Some(error);
            }
        }
        Ok(0)
    }
}

/// Drops the end of a character whose beginning was cut off with what stood before.
pub(crate) fn cut_char(bytes: &[u8]) -> &[u8] {
    let cut = bytes.iter().take(3).take_while(|byte| (0x80..0xc0).contains(*byte)).count();
    &bytes[cut..]
}
