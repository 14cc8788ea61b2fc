//! Turns records into Arrow columns, only those that a query wants.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use kql_engine::repr::{ColumnBuilder, missing};
use kql_functions::{Type, Val};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};

use crate::SourceError;
use crate::guess::{Guess, Seen};
use crate::json_text::Canonical;
use crate::problems::{Collector, shown};
use crate::records::{Body, Record, Records};
use crate::rejected::Passed;
use crate::shape::{FileShape, SAMPLE, record_text};
use crate::times::{self, TimeStyle};
use crate::values::{self, Origin};

/// A batch is handed on before it has all its rows once it was read from so many bytes.
const BATCH_BYTES: usize = 32 << 20;

/// The columns of a table, also by name.
#[derive(Debug, Clone)]
pub(crate) struct TableColumns {
    pub(crate) columns: Vec<(String, Type)>,
    index: HashMap<String, usize>,
}

impl TableColumns {
    pub(crate) fn new(columns: Vec<(String, Type)>) -> TableColumns {
        let index = columns.iter().enumerate().map(|(at, (name, _))| (name.clone(), at)).collect();
        TableColumns { columns, index }
    }

    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }
}

/// What becomes of a value of a record.
#[derive(Debug, Clone, Copy)]
enum Target {
    Slot(usize, TimeStyle),
    /// A column that the query does not want.
    Skip,
    /// No column of the table.
    Unknown,
}

struct Slot {
    name: String,
    ty: Type,
    builder: ColumnBuilder,
    /// The last row that has a value, counted from 1. Rows without one are made up for when the next one comes.
    filled: usize,
    /// Where the type is only a guess, what it rests on.
    guess: Option<Guess>,
}

/// Builds the batches of one file.
pub(crate) struct Decoder {
    table: Arc<TableColumns>,
    schema: SchemaRef,
    slots: Vec<Slot>,
    /// Of each column of the table, its slot.
    wanted: Vec<Option<usize>>,
    /// For files whose records go by position.
    positions: Vec<Target>,
    keys: HashMap<String, Target>,
    /// Keys in the order of their first appearance: records mostly keep to it.
    order: Vec<(String, Target)>,
    /// Where in the order the next key most likely stands.
    next_key: usize,
    rows: usize,
    /// Rows that were given up half-way.
    bad: Vec<usize>,
    scratch: String,
    capacity: usize,
}

impl Decoder {
    pub(crate) fn new(
        shape: &FileShape,
        table: &Arc<TableColumns>,
        projection: &[usize],
        schema: SchemaRef,
        capacity: usize,
    ) -> Decoder {
        let mut wanted = vec![None; table.columns.len()];
        let mut slots = Vec::with_capacity(projection.len());
        for position in projection {
            let (name, ty) = &table.columns[*position];
            wanted[*position] = Some(slots.len());
            let builder = ColumnBuilder::new(*ty, capacity);
            slots.push(Slot { name: name.clone(), ty: *ty, builder, filled: 0, guess: None });
        }
        let mut decoder = Decoder {
            table: Arc::clone(table),
            schema,
            slots,
            wanted,
            positions: Vec::new(),
            keys: HashMap::new(),
            order: Vec::new(),
            next_key: 0,
            rows: 0,
            bad: Vec::new(),
            scratch: String::new(),
            capacity,
        };
        for source in &shape.sources {
            let target = decoder.target(&source.name, source.style());
            if shape.positional() {
                decoder.positions.push(target);
            } else {
                decoder.keys.insert(source.key.clone(), target);
                decoder.order.push((source.key.clone(), target));
            }
        }
        decoder
    }

    /// Holds the values of columns to what their types were guessed from.
    pub(crate) fn hold_to(&mut self, guesses: &HashMap<String, Guess>) {
        for slot in &mut self.slots {
            slot.guess = guesses.get(&slot.name).cloned();
        }
    }

    fn target(&self, name: &str, style: TimeStyle) -> Target {
        match self.table.position(name).map(|position| self.wanted[position]) {
            Some(Some(slot)) => Target::Slot(slot, style),
            Some(None) => Target::Skip,
            None => Target::Unknown,
        }
    }

    /// Rows since the last batch, those given up included.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Adds a record.
    pub(crate) fn add(&mut self, record: &Record<'_>, problems: &mut Collector) {
        let line = record.line;
        match record.body {
            Body::Fields(fields) => {
                self.rows += 1;
                self.add_fields(fields, line, problems);
            }
            Body::Object(json) | Body::Row(json) => {
                self.add_text(json, matches!(record.body, Body::Row(_)), line, problems);
            }
        }
        problems.record_ends(record);
    }

    fn add_text(&mut self, json: &[u8], positional: bool, line: u64, problems: &mut Collector) {
        if matches!(json.first(), Some(0x80..0xc0)) {
            problems.add(Some(line), None, || "begins within a character, which was dropped".to_string());
        }
        let text = record_text(json);
        let Err(mut error) = self.add_json(text, positional, line, problems) else { return };
        if std::str::from_utf8(text).is_err() {
            let mended = String::from_utf8_lossy(text);
            problems.record_again();
            match self.add_json(mended.as_bytes(), positional, line, problems) {
                Ok(()) => {
                    problems.add(Some(line), None, || "bytes that are not UTF-8; read as \u{fffd}".to_string());
                    return;
                }
                Err(again) => error = again,
            }
        }
        let lost = Passed::of(json);
        problems.lose(line, &lost, || format!("not a JSON record ({}); skipped", explained(&error)));
    }

    fn add_json(
        &mut self,
        json: &[u8],
        positional: bool,
        line: u64,
        problems: &mut Collector,
    ) -> Result<(), serde_json::Error> {
        self.rows += 1;
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let row = Row { decoder: self, problems, line, positional };
        let read = deserializer.deserialize_any(row).and_then(|()| deserializer.end());
        if read.is_err() {
            self.bad.push(self.rows - 1);
        }
        read
    }

    fn add_fields(&mut self, fields: &csv::ByteRecord, line: u64, problems: &mut Collector) {
        let row = self.rows;
        for (target, field) in self.positions.iter().zip(fields) {
            let Target::Slot(slot, style) = *target else { continue };
            let slot = &mut self.slots[slot];
            slot.reach(row);
            let lossy;
            let text = match std::str::from_utf8(field) {
                Ok(text) => text,
                Err(_) => {
                    problems
                        .add(Some(line), Some(&slot.name), || "bytes that are not UTF-8; read as \u{fffd}".to_string());
                    lossy = String::from_utf8_lossy(field).into_owned();
                    &lossy
                }
            };
            let value = values::from_text(text, slot.ty, style, Origin::Field);
            slot.hold(line, problems, Seen::Field(text));
            match value {
                Some(value) => {
                    // The text of a dynamic column that is no JSON is a string.
                    if slot.guess.is_some() && matches!(&value, Val::Dynamic(json) if json.starts_with('"')) {
                        slot.misled(line, problems);
                    }
                    slot.builder.push(&value);
                }
                None => slot.miss_text(line, problems, text, style),
            }
        }
    }

    /// The rows added since the last batch.
    pub(crate) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let rows = std::mem::take(&mut self.rows);
        let capacity = self.capacity;
        // Of wide tables most columns have no value: those of a type are one array.
        let mut empty: HashMap<Type, ArrayRef> = HashMap::new();
        let columns: Vec<ArrayRef> = self
            .slots
            .iter_mut()
            .map(|slot| {
                if slot.filled == 0 {
                    return Arc::clone(empty.entry(slot.ty).or_insert_with(|| missing(slot.ty, rows)));
                }
                slot.reach(rows + 1);
                slot.filled = 0;
                std::mem::replace(&mut slot.builder, ColumnBuilder::new(slot.ty, capacity)).finish()
            })
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?;
        let bad = std::mem::take(&mut self.bad);
        if bad.is_empty() {
            return Ok(batch);
        }
        let mut good = vec![true; rows];
        bad.iter().for_each(|row| good[*row] = false);
        filter_record_batch(&batch, &BooleanArray::from(good))
    }

    /// What becomes of the value of a key.
    fn target_of(&mut self, key: &str) -> Target {
        const LOOK_AHEAD: usize = 4;
        let ahead = self.order.iter().enumerate().skip(self.next_key).take(LOOK_AHEAD);
        for (at, (expected, target)) in ahead {
            if expected == key {
                self.next_key = at + 1;
                return *target;
            }
        }
        if let Some(target) = self.keys.get(key) {
            return *target;
        }
        let (name, _) = times::split_header(key);
        let target = self.target(name, TimeStyle::default());
        self.keys.insert(key.to_string(), target);
        target
    }
}

/// Reads records into a decoder until it has rows for a batch, or enough was read; whether there may be more.
pub(crate) fn fill(
    decoder: &mut Decoder,
    records: &mut Records,
    rows: usize,
    problems: &mut Collector,
) -> Result<bool, SourceError> {
    let mut bytes = 0;
    loop {
        let record = records.next(problems);
        let more = record.is_some();
        if let Some(record) = &record {
            bytes += record.bytes();
            decoder.add(record, problems);
        }
        if let Some(error) = problems.failed() {
            return Err(error);
        }
        if !more || decoder.rows() >= rows || bytes >= BATCH_BYTES || problems.is_full() {
            return Ok(more);
        }
    }
}

impl Slot {
    /// The next value is that of a row; the rows before have none unless they were given one.
    fn reach(&mut self, row: usize) {
        self.builder.push_missing(row.saturating_sub(1).saturating_sub(self.filled));
        self.filled = row;
    }

    fn miss(&mut self, line: u64, problems: &mut Collector, value: &str) {
        self.builder.push(&Val::Null);
        if self.guess.is_some() && self.misled(line, problems) {
            return;
        }
        let ty = self.ty;
        problems.add(Some(line), Some(&self.name), || format!("{value} is no {ty}; read as missing"));
    }

    fn miss_text(&mut self, line: u64, problems: &mut Collector, text: &str, style: TimeStyle) {
        // A time that tells in which order the others have day and month.
        let order = self.ty == Type::DateTime && !style.day_first && times::is_day_first(text);
        if order && self.misled(line, problems) {
            self.builder.push(&Val::Null);
            return;
        }
        self.miss(line, problems, &shown(text));
    }

    /// Holds a value to what the column's type was guessed from.
    fn hold(&mut self, line: u64, problems: &mut Collector, value: Seen<'_>) {
        if let Some(guess) = &mut self.guess
            && !guess.holds(value)
        {
            self.misled(line, problems);
        }
    }

    fn misled(&self, line: u64, problems: &mut Collector) -> bool {
        let ty = self.ty;
        problems.surprise(line, &self.name, || format!("not as the {ty}s of the first {SAMPLE} records"))
    }
}

fn explained(error: &serde_json::Error) -> String {
    // The record stands on one line of its own for the parser; its line number would mislead.
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((what, place)) => match place.rsplit_once("column ") {
            Some((_, column)) => format!("{what} at its character {column}"),
            None => what.to_string(),
        },
        None => text,
    }
}

/// Reads one record into the builders.
struct Row<'a> {
    decoder: &'a mut Decoder,
    problems: &'a mut Collector,
    line: u64,
    positional: bool,
}

impl Row<'_> {
    /// The seed for a value of a slot, unless the record has given one already.
    fn seed(&mut self, slot: usize, style: TimeStyle) -> Option<Cell<'_>> {
        let row = self.decoder.rows;
        let line = self.line;
        let slot = &mut self.decoder.slots[slot];
        if slot.filled == row {
            self.problems
                .add(Some(line), Some(&slot.name), || "twice in one record; the first value counts".to_string());
            return None;
        }
        Some(Cell { slot, row, style, scratch: &mut self.decoder.scratch, problems: self.problems, line })
    }
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.positional { "a JSON array" } else { "a JSON object" })
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        if self.positional {
            return Err(A::Error::invalid_type(Unexpected::Map, &self));
        }
        self.decoder.next_key = 0;
        while let Some(target) = members.next_key_seed(KeySeed { row: &mut self })? {
            match target {
                Target::Slot(slot, style) => match self.seed(slot, style) {
                    Some(cell) => members.next_value_seed(cell)?,
                    None => members.next_value::<IgnoredAny>().map(|_| ())?,
                },
                Target::Skip | Target::Unknown => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut values: A) -> Result<(), A::Error> {
        if !self.positional {
            return Err(A::Error::invalid_type(Unexpected::Seq, &self));
        }
        let expected = self.decoder.positions.len();
        let mut found = 0;
        loop {
            let target = self.decoder.positions.get(found).copied().unwrap_or(Target::Skip);
            let cell = match target {
                Target::Slot(slot, style) => self.seed(slot, style),
                _ => None,
            };
            let more = match cell {
                Some(cell) => values.next_element_seed(cell)?.is_some(),
                None => values.next_element::<IgnoredAny>()?.is_some(),
            };
            if !more {
                break;
            }
            found += 1;
        }
        if found != expected {
            self.problems
                .add(Some(self.line), None, || format!("{found} values where the table has {expected} columns"));
        }
        Ok(())
    }
}

struct KeySeed<'a, 'b> {
    row: &'a mut Row<'b>,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_, '_> {
    type Value = Target;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Target, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_, '_> {
    type Value = Target;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Target, E> {
        let target = self.row.decoder.target_of(key);
        if let Target::Unknown = target {
            let message = || format!("not among the columns of the first {SAMPLE} records");
            if !self.row.problems.surprise(self.row.line, key, message) {
                self.row.problems.add(Some(self.row.line), Some(key), || {
                    format!("{}, so no column of the table; left out", message())
                });
            }
        }
        Ok(target)
    }
}

/// Reads one value into its column.
struct Cell<'a> {
    slot: &'a mut Slot,
    row: usize,
    style: TimeStyle,
    scratch: &'a mut String,
    problems: &'a mut Collector,
    line: u64,
}

impl Cell<'_> {
    fn hold(&mut self, value: Seen<'_>) {
        self.slot.hold(self.line, self.problems, value);
    }

    fn put(self, value: Option<Val<'_>>, shown: impl FnOnce() -> String) {
        self.slot.reach(self.row);
        match value {
            Some(value) => self.slot.builder.push(&value),
            None => self.slot.miss(self.line, self.problems, &shown()),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Cell<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Cell<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_bool<E: Error>(mut self, value: bool) -> Result<(), E> {
        self.hold(Seen::Bool);
        let converted = values::from_bool(value, self.slot.ty);
        self.put(converted, || value.to_string());
        Ok(())
    }
    fn visit_i64<E: Error>(mut self, value: i64) -> Result<(), E> {
        self.hold(Seen::Long);
        let converted = values::from_i64(value, self.slot.ty);
        self.put(converted, || value.to_string());
        Ok(())
    }
    fn visit_u64<E: Error>(mut self, value: u64) -> Result<(), E> {
        self.hold(if i64::try_from(value).is_ok() { Seen::Long } else { Seen::Real });
        let ty = self.slot.ty;
        let converted = match i64::try_from(value) {
            Ok(value) => values::from_i64(value, ty),
            Err(_) if ty == Type::String => Some(Val::str(value.to_string())),
            Err(_) => values::from_f64(value as f64, ty),
        };
        self.put(converted, || value.to_string());
        Ok(())
    }
    fn visit_f64<E: Error>(mut self, value: f64) -> Result<(), E> {
        self.hold(Seen::Real);
        let converted = values::from_f64(value, self.slot.ty);
        self.put(converted, || value.to_string());
        Ok(())
    }
    fn visit_str<E: Error>(mut self, value: &str) -> Result<(), E> {
        self.hold(Seen::Text(value));
        match values::from_text(value, self.slot.ty, self.style, Origin::Json) {
            Some(converted) => self.put(Some(converted), String::new),
            None => {
                self.slot.reach(self.row);
                self.slot.miss_text(self.line, self.problems, value, self.style);
            }
        }
        Ok(())
    }
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.put(Some(Val::Null), String::new);
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<(), A::Error> {
        self.scratch.clear();
        Canonical(self.scratch).visit_seq(items)?;
        self.put_tree();
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<(), A::Error> {
        self.scratch.clear();
        Canonical(self.scratch).visit_map(members)?;
        self.put_tree();
        Ok(())
    }
}

impl Cell<'_> {
    fn put_tree(mut self) {
        self.hold(Seen::Tree);
        self.slot.reach(self.row);
        match self.slot.ty {
            Type::String => self.slot.builder.push(&Val::str(self.scratch.as_str())),
            Type::Dynamic => self.slot.builder.push(&Val::Dynamic(self.scratch.as_str().into())),
            _ => self.slot.miss(self.line, self.problems, &shown(self.scratch)),
        }
    }
}
