//! Rows as JSON lines, by time.

use std::fmt::Write as _;
use std::path::Path;

use kql_functions::dynamic::write_string;
use kql_functions::text;

use crate::output::write_to_path;

pub(super) const SECOND: i64 = 10_000_000;
pub(super) const HOUR: i64 = 3_600 * SECOND;
pub(super) const DAY: i64 = 24 * HOUR;

/// One event: a JSON object.
pub(super) struct Record {
    at: i64,
    text: String,
}

impl Record {
    pub fn new(table: &str, at: i64) -> Record {
        let mut record = Record { at, text: String::with_capacity(900) };
        record.text.push('{');
        record.time("TimeGenerated", at);
        record.text("Type", table);
        record
    }

    fn key(&mut self, key: &str) {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        self.text.push('"');
        self.text.push_str(key);
        self.text.push_str("\":");
    }

    pub fn text(&mut self, key: &str, value: &str) -> &mut Record {
        self.key(key);
        write_string(&mut self.text, value);
        self
    }

    pub fn number(&mut self, key: &str, value: i64) -> &mut Record {
        self.key(key);
        let _ = write!(self.text, "{value}");
        self
    }

    pub fn time(&mut self, key: &str, ticks: i64) -> &mut Record {
        self.key(key);
        let _ = write!(self.text, "\"{}\"", text::datetime(ticks));
        self
    }
}

/// The events of a table.
pub(super) struct Table {
    pub name: &'static str,
    records: Vec<Record>,
}

impl Table {
    pub fn new(name: &'static str) -> Table {
        Table { name, records: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// An event at a time; its columns are the caller's to add.
    pub fn add(&mut self, at: i64, fill: impl FnOnce(&mut Record)) {
        let mut record = Record::new(self.name, at);
        fill(&mut record);
        record.text.push_str("}\n");
        self.records.push(record);
    }

    /// Writes `NAME.jsonl`, in order of time.
    pub fn write(&mut self, folder: &Path) -> anyhow::Result<u64> {
        self.records.sort_by_key(|record| record.at);
        write_to_path(&folder.join(format!("{}.jsonl", self.name)), |out| {
            for record in &self.records {
                out.write_all(record.text.as_bytes())?;
            }
            Ok(())
        })?;
        Ok(self.records.iter().map(|record| record.text.len() as u64).sum())
    }
}
