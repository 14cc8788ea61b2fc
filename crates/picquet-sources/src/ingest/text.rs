//! Text files, read whole.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use kql_functions::Type;

use super::{IngestOptions, arrow_error, columns_of};
use crate::SourceError;
use crate::decode::{Decoder, TableColumns, fill};
use crate::guess::Guess;
use crate::infer;
use crate::problems::Collector;
use crate::records::{Part, Records};
use crate::shape::{FileShape, Source};

/// A text file, or a part of it, while it is read.
pub(super) struct TextReading {
    shape: Arc<FileShape>,
    part: Part,
    /// Of the columns whose types only a sample tells, what they rest on.
    guesses: Arc<HashMap<String, Guess>>,
    open: Option<(Records, Decoder)>,
}

impl TextReading {
    /// The file, and the columns of the table with it.
    pub(super) fn open(
        shape: FileShape,
        options: &IngestOptions,
    ) -> Result<(TextReading, Vec<(String, Type)>), SourceError> {
        if shape.headless {
            let message = "no \"columns\" and \"rows\" in its first table".to_string();
            return Err(SourceError::Format { path: shape.path, message });
        }
        let sampled = shape.records.is_none();
        let sources: HashMap<&str, &Source> =
            shape.sources.iter().map(|source| (source.name.as_str(), source)).collect();
        let table: Arc<str> = Arc::from(options.table.as_str());
        let mut guesses = HashMap::new();
        let inferred = |name: &str| {
            let Some(source) = sources.get(name) else { return Type::String };
            let ty = infer::column_type(&table, name, &source.kinds);
            if sampled && let Some(guess) = Guess::new(&table, name, ty, &source.kinds, source.surely_time()) {
                guesses.insert(name.to_string(), guess);
            }
            ty
        };
        let found = shape.sources.iter().map(|source| (source.name.clone(), source.declared));
        let columns = columns_of(options, found, inferred);
        let shape = Arc::new(shape);
        Ok((TextReading { shape, part: Part::WHOLE, guesses: Arc::new(guesses), open: None }, columns))
    }

    /// Whether there are records that were not looked at for the columns.
    pub(super) fn is_sampled(&self) -> bool {
        self.shape.records.is_none()
    }

    pub(super) fn notes(&self) -> Vec<String> {
        let unknown = self.shape.sources.iter().filter(|source| source.zone_is_unknown());
        let note = |key: &str| format!("the zone of {key:?} is not known; its times are read as UTC");
        unknown.map(|source| note(&source.key)).collect()
    }

    /// The file in parts, each with its number and where it begins; none where it must be read whole.
    pub(super) fn split(&self, parts: usize, part_bytes: u64) -> Vec<(TextReading, u32, u64)> {
        let size = self.shape.size;
        let count = (size / part_bytes.max(1)).min(parts as u64).min(u64::from(u32::MAX)) as u32;
        if !self.shape.layout.splittable || self.open.is_some() || count < 2 {
            return Vec::new();
        }
        let bound = |number: u32| (u128::from(size) * u128::from(number) / u128::from(count)) as u64;
        (0..count)
            .map(|number| {
                // The file may have grown since it was looked at.
                let end = if number + 1 == count { u64::MAX } else { bound(number + 1) };
                let part = Part { number, start: bound(number), end };
                let shape = Arc::clone(&self.shape);
                (TextReading { shape, part, guesses: Arc::clone(&self.guesses), open: None }, number, part.start)
            })
            .collect()
    }

    pub(super) fn next(
        &mut self,
        table: &Arc<TableColumns>,
        schema: &SchemaRef,
        rows: usize,
        problems: &mut Collector,
    ) -> Option<Result<RecordBatch, SourceError>> {
        let path = &self.shape.path;
        let (records, decoder) = match &mut self.open {
            Some(open) => open,
            closed => {
                let records = match Records::open(path, &self.shape.layout, self.part) {
                    Ok(records) => records,
                    Err(source) => return Some(Err(SourceError::Unreadable { path: path.clone(), source })),
                };
                let all: Vec<usize> = (0..table.columns.len()).collect();
                let capacity = rows.min(self.shape.estimated_records().saturating_add(1)).max(1);
                let mut decoder = Decoder::new(&self.shape, table, &all, Arc::clone(schema), capacity);
                decoder.hold_to(&self.guesses);
                closed.insert((records, decoder))
            }
        };
        loop {
            let more = match fill(decoder, records, rows, problems) {
                Ok(more) => more,
                Err(error) => return Some(Err(error)),
            };
            let batch = match decoder.finish() {
                Ok(batch) => batch,
                Err(error) => return Some(Err(arrow_error(path, &error))),
            };
            match (batch.num_rows(), more) {
                (0, false) => return None,
                (0, true) if !problems.is_full() => {}
                _ => return Some(Ok(batch)),
            }
        }
    }
}
