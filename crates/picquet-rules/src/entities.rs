//! Entities of an alert: from result rows and mappings to an Entities array (spec sections 5.1 and 5.2).

mod names;

use std::collections::HashMap;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use self::names::{is_generic_account, split_account, split_host};
use crate::details::{cell_text, column_index};
use crate::entity_types::{EntityType, entity_type};
use crate::error::{Warning, WarningKind};
use crate::model::{EntityMapping, FieldMapping};

/// Most entities an alert holds; each mapping may give its equal share.
pub const MAX_ENTITIES_PER_ALERT: usize = 500;
/// Most bytes the Entities text of an alert may have.
pub const MAX_ENTITY_BYTES: usize = 64 * 1024;

/// `$id` of the first entity. The published samples start there; consumers must not rely on it.
const FIRST_ID: usize = 3;

/// Columns that older rules give their entities in, with the type and identifier they stand for.
const LEGACY_COLUMNS: &[(&str, &str, &str)] = &[
    ("AccountCustomEntity", "Account", "FullName"),
    ("HostCustomEntity", "Host", "FullName"),
    ("IPCustomEntity", "IP", "Address"),
    ("URLCustomEntity", "URL", "Url"),
    ("ProcessCustomEntity", "Process", "CommandLine"),
];

/// The mappings that the `…CustomEntity` columns of a result stand for.
///
/// Sentinel ignores those columns as soon as a rule has one mapping of its own (spec section 5.1); that they count
/// without one, and as which identifiers, is our inference. A `FileHashCustomEntity` lacks the algorithm that a hash
/// needs, and gives nothing.
#[must_use]
pub fn legacy_mappings(columns: &[String]) -> Vec<EntityMapping> {
    LEGACY_COLUMNS
        .iter()
        .filter(|(column, ..)| column_index(columns, column).is_some())
        .map(|(column, entity_type, identifier)| EntityMapping {
            entity_type: (*entity_type).to_owned(),
            field_mappings: vec![FieldMapping {
                identifier: (*identifier).to_owned(),
                column_name: (*column).to_owned(),
            }],
        })
        .collect()
}

/// One entity of an alert. Serialises as Entities JSON wants it: `$id` first, `Type` last.
#[derive(Debug, Clone, PartialEq)]
pub struct Entity {
    /// Number within the alert, written as text.
    pub id: usize,
    /// `Type`, such as `account`.
    pub json_type: String,
    /// Identifiers with their values, in the order of the mapping. Values are texts, but for booleans and what a
    /// ready-made Entities array held (nested entities and `$ref`s).
    pub fields: Vec<(String, Value)>,
}

impl Serialize for Entity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.fields.len() + 2))?;
        map.serialize_entry("$id", &self.id.to_string())?;
        for (name, value) in &self.fields {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry("Type", &self.json_type)?;
        map.end()
    }
}

/// The entities of one alert, and what had to be left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Extraction {
    /// Entities without repeats, row by row and in each row mapping by mapping; `id`s ascend.
    pub entities: Vec<Entity>,
    /// Missing columns, and entities over the limits.
    pub warnings: Vec<Warning>,
    /// Entities left out because of their number or size.
    pub dropped_for_size: usize,
    /// Rows, mapping by mapping, that gave no entity because the type or a mapped column does not exist.
    pub dropped_for_mapping: usize,
}

impl Extraction {
    /// The Entities JSON text; empty when there are none.
    #[must_use]
    pub fn to_text(&self) -> String {
        if self.entities.is_empty() {
            return String::new();
        }
        // Writing strings and maps with string keys into memory cannot fail.
        serde_json::to_string(&self.entities).unwrap_or_default()
    }
}

/// Reads the entities of an alert from its rows.
///
/// Rows are aligned with `columns`; a short row reads as null at its end. Null and empty identifiers are left out,
/// candidates without a required set are dropped, equal ones merged (spec section 5.1). A mapped column that the
/// result lacks gives a warning and counts as null. `sentinel_mappings` names columns that hold Entities arrays, as
/// JSON or as its text; they count as one mapping each for the limits.
#[must_use]
pub fn extract_entities<'r>(
    mappings: &[EntityMapping],
    sentinel_mappings: &[String],
    columns: &[String],
    rows: impl IntoIterator<Item = &'r Vec<Value>>,
) -> Extraction {
    let mut warnings = Vec::new();
    let resolved: Vec<ResolvedMapping> =
        mappings.iter().filter_map(|mapping| ResolvedMapping::new(mapping, columns, &mut warnings)).collect();
    let ready_made: Vec<Option<usize>> = sentinel_mappings
        .iter()
        .map(|column| find_column(columns, column, "sentinelEntitiesMappings", &mut warnings))
        .collect();

    let sources = resolved.len() + ready_made.len();
    let mut collector = Collector::new(sources, warnings);
    for row in rows {
        collector.dropped_for_mapping += mappings.len() - resolved.len();
        for (source, mapping) in resolved.iter().enumerate() {
            match mapping.candidate(row) {
                Some((json_type, fields)) => {
                    collector.add(source, json_type, fields);
                }
                None => collector.dropped_for_mapping += usize::from(mapping.lacks_column()),
            }
        }
        for (offset, column) in ready_made.iter().enumerate() {
            let cell = column.and_then(|index| row.get(index));
            if let Some(cell) = cell {
                collector.add_array(resolved.len() + offset, cell);
            }
            collector.dropped_for_mapping += usize::from(column.is_none());
        }
    }
    collector.finish()
}

fn find_column(columns: &[String], name: &str, what: &str, warnings: &mut Vec<Warning>) -> Option<usize> {
    let found = column_index(columns, name);
    if found.is_none() {
        let message = format!("{what}: the result has no column `{name}`");
        Warning::new(WarningKind::EntityMapping, message).push(warnings);
    }
    found
}

/// A mapping with its columns looked up.
struct ResolvedMapping<'a> {
    entity: &'static EntityType,
    fields: Vec<(&'a str, Option<usize>)>,
}

impl<'a> ResolvedMapping<'a> {
    fn new(mapping: &'a EntityMapping, columns: &[String], warnings: &mut Vec<Warning>) -> Option<Self> {
        let Some(entity) = entity_type(&mapping.entity_type) else {
            let message = format!("entity type `{}` does not exist", mapping.entity_type);
            Warning::new(WarningKind::EntityMapping, message).push(warnings);
            return None;
        };
        let fields = mapping
            .field_mappings
            .iter()
            .map(|field| {
                let what = format!("entity {}.{}", entity.name, field.identifier);
                let column = find_column(columns, &field.column_name, &what, warnings);
                (field.identifier.as_str(), column)
            })
            .collect();
        Some(Self { entity, fields })
    }

    fn lacks_column(&self) -> bool {
        self.fields.iter().any(|(_, column)| column.is_none())
    }

    fn candidate(&self, row: &[Value]) -> Option<(String, Vec<(String, Value)>)> {
        let mut present: Vec<(String, Value)> = Vec::new();
        for (identifier, column) in &self.fields {
            let cell = column.and_then(|index| row.get(index));
            if let Some(value) = cell.and_then(identifier_value) {
                present.push(((*identifier).to_owned(), value));
            }
        }
        if !has_required_set(self.entity, &present) {
            return None;
        }
        let fields = match self.entity.name {
            "Account" => split_account(present),
            "Host" => split_host(present),
            _ => present,
        };
        if fields.is_empty() || (self.entity.name == "Account" && is_generic_account(&fields)) {
            return None;
        }
        Some((self.entity.json_type.to_owned(), fields))
    }
}

/// The value of an identifier: booleans as they are, everything else as text; none for null and blank.
fn identifier_value(cell: &Value) -> Option<Value> {
    if let Value::Bool(_) = cell {
        return Some(cell.clone());
    }
    let text = cell_text(cell);
    let trimmed = text.trim();
    (!trimmed.is_empty()).then(|| Value::String(trimmed.to_owned()))
}

/// [I] A candidate counts when the identifiers it has complete a required set.
fn has_required_set(entity: &EntityType, present: &[(String, Value)]) -> bool {
    entity.accepts(present.iter().map(|(name, _)| name.as_str()))
}

/// Gathers entities under the limits.
struct Collector {
    entities: Vec<Entity>,
    /// Ids by content; none for an entity that was left out, so that it is left out, and counted, once.
    by_content: HashMap<String, Option<usize>>,
    counts: Vec<usize>,
    share: usize,
    next_id: usize,
    bytes: usize,
    over_share: usize,
    over_size: usize,
    dropped_for_mapping: usize,
    warnings: Vec<Warning>,
}

impl Collector {
    fn new(sources: usize, warnings: Vec<Warning>) -> Self {
        Self {
            entities: Vec::new(),
            by_content: HashMap::new(),
            counts: vec![0; sources],
            share: MAX_ENTITIES_PER_ALERT / sources.max(1),
            next_id: FIRST_ID,
            // The brackets of the array.
            bytes: 2,
            over_share: 0,
            over_size: 0,
            dropped_for_mapping: 0,
            warnings,
        }
    }

    /// Adds an entity unless an equal one is there; gives the id under which it is known.
    ///
    /// [I] Entities are equal when type and identifier values are the same, letter by letter.
    fn add(&mut self, source: usize, json_type: String, fields: Vec<(String, Value)>) -> Option<usize> {
        let key = content_key(&json_type, &fields);
        if let Some(id) = self.by_content.get(&key) {
            return *id;
        }
        if self.counts[source] >= self.share {
            self.over_share += 1;
            self.by_content.insert(key, None);
            return None;
        }
        let entity = Entity { id: self.next_id, json_type, fields };
        let size = serde_json::to_string(&entity).map_or(0, |text| text.len() + 1);
        if self.bytes + size > MAX_ENTITY_BYTES {
            self.over_size += 1;
            self.by_content.insert(key, None);
            return None;
        }
        self.bytes += size;
        self.counts[source] += 1;
        self.next_id += 1;
        self.by_content.insert(key, Some(entity.id));
        let id = entity.id;
        self.entities.push(entity);
        Some(id)
    }

    /// Adds the entities of a ready-made array; `$id`s are given anew and `$ref`s follow them.
    fn add_array(&mut self, source: usize, cell: &Value) {
        let parsed;
        let items = match cell {
            Value::Array(items) => items,
            Value::String(text) if !text.trim().is_empty() => match serde_json::from_str(text) {
                Ok(Value::Array(items)) => {
                    parsed = items;
                    &parsed
                }
                _ => return self.not_an_array(),
            },
            Value::Null | Value::String(_) => return,
            _ => return self.not_an_array(),
        };
        let mut references = References::default();
        for item in items {
            references.note_objects(item);
        }
        for item in items {
            let Value::Object(object) = item else {
                continue;
            };
            let Some(json_type) = object.get("Type").and_then(Value::as_str) else {
                continue;
            };
            let fields = object
                .iter()
                .filter(|(name, value)| *name != "$id" && *name != "Type" && !value.is_null())
                .map(|(name, value)| (name.clone(), references.renumber(value, 0)))
                .collect();
            let known = self.add(source, json_type.to_owned(), fields);
            if let (Some(new), Some(old)) = (known, object.get("$id").and_then(Value::as_str)) {
                references.new_ids.insert(old, new);
            }
        }
    }

    fn not_an_array(&mut self) {
        let message = "sentinelEntitiesMappings: the column holds no JSON array of entities";
        Warning::new(WarningKind::EntityMapping, message).push(&mut self.warnings);
    }

    fn finish(mut self) -> Extraction {
        if self.over_share > 0 {
            let message = format!(
                "{} entities left out: at most {} for each of {} mappings",
                self.over_share,
                self.share,
                self.counts.len()
            );
            self.warnings.push(Warning::new(WarningKind::EntitiesDropped, message));
        }
        if self.over_size > 0 {
            let message = format!("{} entities left out: more than {MAX_ENTITY_BYTES} bytes", self.over_size);
            self.warnings.push(Warning::new(WarningKind::EntitiesDropped, message));
        }
        Extraction {
            entities: self.entities,
            warnings: self.warnings,
            dropped_for_size: self.over_share + self.over_size,
            dropped_for_mapping: self.dropped_for_mapping,
        }
    }
}

fn content_key(json_type: &str, fields: &[(String, Value)]) -> String {
    let mut sorted: Vec<String> = fields.iter().map(|(name, value)| format!("{name}\u{1}{value}")).collect();
    sorted.sort_unstable();
    format!("{json_type}\u{2}{}", sorted.join("\u{2}"))
}

/// How deep nested entities may go before a reference is cut; a guard against references that form a ring.
const MAX_NESTING: usize = 8;

/// The references of one ready-made array.
#[derive(Default)]
struct References<'a> {
    objects: HashMap<&'a str, &'a Value>,
    new_ids: HashMap<&'a str, usize>,
}

impl<'a> References<'a> {
    fn note_objects(&mut self, value: &'a Value) {
        match value {
            Value::Object(object) => {
                if let Some(id) = object.get("$id").and_then(Value::as_str) {
                    self.objects.insert(id, value);
                }
                for inner in object.values() {
                    self.note_objects(inner);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.note_objects(item)),
            _ => {}
        }
    }

    /// A nested value whose `$ref`s point at the entities of the merged array. A reference to anything else is
    /// replaced by what it refers to, and nested `$id`s go, for only whole entities are numbered there.
    fn renumber(&self, value: &Value, depth: usize) -> Value {
        if depth > MAX_NESTING {
            return Value::Null;
        }
        match value {
            Value::Object(object) => {
                if let Some(old) = object.get("$ref").and_then(Value::as_str) {
                    return match (self.new_ids.get(old), self.objects.get(old)) {
                        (Some(id), _) => serde_json::json!({"$ref": id.to_string()}),
                        (None, Some(target)) => self.renumber(target, depth + 1),
                        (None, None) => Value::Null,
                    };
                }
                object
                    .iter()
                    .filter(|(name, _)| *name != "$id")
                    .map(|(name, inner)| (name.clone(), self.renumber(inner, depth + 1)))
                    .collect()
            }
            Value::Array(items) => items.iter().map(|item| self.renumber(item, depth + 1)).collect(),
            _ => value.clone(),
        }
    }
}
