//! What a first look at a text file tells about its columns.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use kql_functions::{Dynamic, Type};

use crate::SourceError;
use crate::csv_records::cut_char;
use crate::detect::{self, Format, Layout};
use crate::infer::Kinds;
use crate::problems::Collector;
use crate::records::{Body, Part, Records};
use crate::times::{self, HeaderZone, TimeStyle};

/// Records of a file that are looked at for names and types of columns.
pub(crate) const SAMPLE: usize = 1000;

/// So many keys are no columns: they hold data themselves.
const MAX_KEYS: usize = 10_000;

fn too_many_keys(path: &Path) -> SourceError {
    let message = format!("its records have more than {MAX_KEYS} different keys, which are no columns of a table");
    SourceError::Format { path: path.to_path_buf(), message }
}

/// A text file as a first look shows it.
#[derive(Debug, Clone)]
pub(crate) struct FileShape {
    pub(crate) path: PathBuf,
    pub(crate) layout: Layout,
    pub(crate) size: u64,
    /// The columns in the order of the file.
    pub(crate) sources: Vec<Source>,
    /// Bytes of a record, of the text as the file unpacks to.
    pub(crate) record_bytes: Option<f64>,
    /// All records were looked at; their number.
    pub(crate) records: Option<usize>,
    /// What must stand before the records is not there, so that none can be read.
    pub(crate) headless: bool,
}

/// A column of a file.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// The header or key as the file has it.
    pub(crate) key: String,
    /// The column of the table.
    pub(crate) name: String,
    /// The type that the file declares.
    pub(crate) declared: Option<Type>,
    pub(crate) kinds: Kinds,
    zone: Option<HeaderZone>,
    day_first: bool,
}

impl Source {
    /// How the column's times without a zone are to be read.
    pub(crate) fn style(&self) -> TimeStyle {
        let offset = match self.zone {
            Some(HeaderZone::Offset(ticks)) => ticks,
            _ => 0,
        };
        TimeStyle { day_first: self.day_first, offset }
    }

    /// Whether its texts are read as times more readily than those of other columns.
    pub(crate) fn surely_time(&self) -> bool {
        self.zone.is_some() || self.name == "TimeGenerated"
    }

    /// Whether the file keeps from us in which zone the column's times are.
    pub(crate) fn zone_is_unknown(&self) -> bool {
        self.zone == Some(HeaderZone::Unknown)
    }
}

/// The columns of a file while it is looked at.
#[derive(Default)]
struct Sources {
    list: Vec<Source>,
    by_key: HashMap<String, usize>,
    names: HashSet<String>,
}

impl Sources {
    fn add(&mut self, key: &str, declared: Option<Type>) -> usize {
        let (name, zone) = times::split_header(key);
        let position = self.list.len();
        let base = if name.is_empty() { format!("Column{}", position + 1) } else { name.to_string() };
        let mut name = base.clone();
        let mut number = 0;
        while !self.names.insert(name.clone()) {
            number += 1;
            name = format!("{base}{number}");
        }
        self.by_key.entry(key.to_string()).or_insert(position);
        self.list.push(Source {
            key: key.to_string(),
            name,
            declared,
            kinds: Kinds::default(),
            zone,
            day_first: false,
        });
        position
    }

    fn see(&mut self, position: usize, value: &Dynamic) {
        let source = &mut self.list[position];
        let surely_time = source.surely_time();
        source.kinds.see_tree(value, surely_time);
        if let Dynamic::String(text) = value {
            source.day_first |= times::is_day_first(text);
        }
    }

    fn see_field(&mut self, position: usize, text: &str) {
        if let Some(source) = self.list.get_mut(position) {
            let surely_time = source.surely_time();
            source.kinds.see_field(text, surely_time);
            source.day_first |= times::is_day_first(text);
        }
    }
}

impl FileShape {
    /// Looks at the beginning of a file.
    pub(crate) fn look(path: &Path) -> Result<FileShape, SourceError> {
        FileShape::look_at(path, SAMPLE)
    }

    /// Looks at so many records of a file.
    pub(crate) fn look_at(path: &Path, sample: usize) -> Result<FileShape, SourceError> {
        let layout = detect::layout(path)?;
        let unreadable = |source| SourceError::Unreadable { path: path.to_path_buf(), source };
        let size = std::fs::metadata(path).map_err(unreadable)?.len();
        let mut problems = Collector::silent(path);
        let mut records = Records::open(path, &layout, Part::WHOLE).map_err(unreadable)?;
        let mut sources = Sources::default();
        let mut headless = false;
        match &mut records {
            Records::Csv(reader) => reader.header(&mut problems).iter().for_each(|key| {
                sources.add(key, None);
            }),
            Records::Typed(reader) => {
                headless = !reader.has_rows(&mut problems);
                reader.columns(&mut problems).iter().for_each(|(key, ty)| {
                    sources.add(key, *ty);
                });
            }
            _ => {}
        }
        let mut bytes = 0;
        let mut seen = 0;
        let mut all = false;
        while seen < sample {
            let Some(record) = records.next(&mut problems) else {
                all = true;
                break;
            };
            seen += 1;
            match record.body {
                Body::Object(json) => {
                    bytes += json.len() + 1;
                    if let Some(Dynamic::Bag(members)) = tree(json) {
                        for (key, value) in &members {
                            let position = match sources.by_key.get(key) {
                                Some(position) => *position,
                                None => {
                                    if sample > SAMPLE && sources.list.len() >= MAX_KEYS {
                                        return Err(too_many_keys(path));
                                    }
                                    sources.add(key, None)
                                }
                            };
                            sources.see(position, value);
                        }
                    }
                }
                Body::Row(json) => {
                    bytes += json.len() + 1;
                    if let Some(Dynamic::Array(values)) = tree(json) {
                        let count = sources.list.len();
                        values
                            .iter()
                            .take(count)
                            .enumerate()
                            .for_each(|(position, value)| sources.see(position, value));
                    }
                }
                Body::Fields(fields) => {
                    bytes += fields.as_slice().len() + fields.len();
                    for (position, field) in fields.iter().enumerate() {
                        sources.see_field(position, &String::from_utf8_lossy(field));
                    }
                }
            }
        }
        Ok(FileShape {
            path: path.to_path_buf(),
            layout,
            size,
            sources: sources.list,
            record_bytes: (seen > 0).then(|| bytes as f64 / seen as f64),
            records: all.then_some(seen),
            headless,
        })
    }

    /// About how many records the file has.
    pub(crate) fn estimated_records(&self) -> usize {
        // Logs pack to about a tenth.
        let unpacked = if self.packed() { self.size.saturating_mul(10) } else { self.size };
        match (self.records, self.record_bytes) {
            (Some(records), _) => records,
            (None, Some(bytes)) => (unpacked as f64 / bytes.max(1.0)) as usize,
            (None, None) => 0,
        }
    }

    fn packed(&self) -> bool {
        let name = self.path.to_string_lossy().to_ascii_lowercase();
        [".gz", ".zst", ".zstd"].iter().any(|ending| name.ends_with(ending))
    }

    /// Whether records give their values by position, not by key.
    pub(crate) fn positional(&self) -> bool {
        matches!(self.layout.format, Format::Csv { .. } | Format::Tables)
    }
}

fn tree(json: &[u8]) -> Option<Dynamic> {
    let json = record_text(json);
    serde_json::from_slice(json).ok().or_else(|| serde_json::from_str(&String::from_utf8_lossy(json)).ok())
}

/// A JSON record without what may surround it: half a character at the beginning of a cut file, a comma at the end.
pub(crate) fn record_text(json: &[u8]) -> &[u8] {
    let json = cut_char(json).trim_ascii();
    json.strip_suffix(b",").unwrap_or(json)
}
