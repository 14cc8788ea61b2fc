//! Records of CSV files.

use crate::input::Bytes;
use crate::problems::Collector;
use crate::records::{Body, Record, broken_off};

/// The rows of a CSV file below its header.
pub(crate) struct CsvRecords {
    reader: csv::Reader<Bytes>,
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
            .from_reader(bytes);
        CsvRecords { reader, header: None, record: csv::ByteRecord::new(), done: false }
    }

    /// The header's fields as they stand.
    pub(crate) fn header(&mut self, problems: &mut Collector) -> &[String] {
        if self.header.is_none() {
            let mut header = Vec::new();
            if self.read(problems) {
                if matches!(self.record.get(0).and_then(|field| field.first()), Some(0x80..0xc0)) {
                    problems.add(Some(1), None, || "begins within a character, which was dropped".to_string());
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
            match self.reader.read_byte_record(&mut self.record) {
                Ok(true) => return true,
                Ok(false) => self.done = true,
                Err(error) => {
                    let line = self.reader.position().line();
                    match error.into_kind() {
                        csv::ErrorKind::Io(error) => {
                            self.done = true;
                            problems.add(Some(line), None, || broken_off(&error));
                        }
                        other => problems.add(Some(line), None, || format!("not a CSV record ({other:?}); skipped")),
                    }
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

/// Drops the end of a character whose beginning was cut off with what stood before.
pub(crate) fn cut_char(bytes: &[u8]) -> &[u8] {
    let cut = bytes.iter().take(3).take_while(|byte| (0x80..0xc0).contains(*byte)).count();
    &bytes[cut..]
}
