//! Ingestion mappings: which part of a record goes into which column.
//!
//! A mapping is a JSON array with an object a column, as Kusto's pages on CSV and JSON mappings describe it: `Column`, and in
//! `Properties` where its values come from (`Ordinal`, `Path` or `ConstValue`) and what is made of them (`Transform`).
//! Older mappings have `Name` for the column and no `Properties` around the rest.

use kql_engine::Rows;
use kql_functions::catalogue::{Catalogue, Cx};
use kql_functions::{Dynamic, Type, Val, families};

use super::records::{member_value, value};

type Columns = [(String, Type)];

/// Makes rows of records.
pub(super) struct Mapping {
    columns: Vec<Mapped>,
}

/// Where the values of a column come from.
struct Mapped {
    ty: Type,
    source: Source,
    /// The function that makes a datetime of a number.
    transform: Option<&'static str>,
}

enum Source {
    /// Nowhere: the mapping does not name the column.
    Missing,
    Constant(String),
    Path(String),
    Ordinal(usize),
}

impl Mapping {
    /// The mapping of a text. Columns that it does not name stay missing; what it says of others is of no use.
    pub(super) fn parse(text: &str, columns: &Columns) -> Result<Mapping, String> {
        let Some(Dynamic::Array(elements)) = Dynamic::parse_json(text) else {
            return Err("the ingestion mapping is not a JSON array".to_string());
        };
        let mut named = Vec::with_capacity(elements.len());
        for element in &elements {
            let members = members(element);
            let name = ["column", "name"].iter().find_map(|key| text_of(&members, key));
            let name = name.ok_or("an element of the ingestion mapping names no column")?;
            named.push((name, members));
        }
        let mapped = columns.iter().map(|(name, ty)| {
            let Some((_, members)) = named.iter().find(|(known, _)| known == name) else {
                return Ok(Mapped { ty: *ty, source: Source::Missing, transform: None });
            };
            let wrong = |what: String| format!("the ingestion mapping of the column '{name}': {what}");
            let source = source(members).map_err(wrong)?;
            let transform = text_of(members, "transform").map(|name| transform(&name)).transpose().map_err(wrong)?;
            Ok(Mapped { ty: *ty, source, transform: transform.flatten() })
        });
        Ok(Mapping { columns: mapped.collect::<Result<_, String>>()? })
    }

    /// The rows of records of fields. Fields have places, and no paths.
    pub(super) fn of_fields(&self, records: &[Vec<String>]) -> Result<Rows, String> {
        if self.columns.iter().any(|c| matches!(c.source, Source::Path(_))) {
            return Err("the ingestion mapping has a Path, and the fields of this format have an Ordinal".to_string());
        }
        let cell = |column: &Mapped, record: &Vec<String>| match &column.source {
            Source::Ordinal(at) => record.get(*at).map(|text| value(text, column.read_as())),
            other => other.constant().map(|text| value(text, column.read_as())),
        };
        let row = |record| self.columns.iter().map(|column| column.made(cell(column, record))).collect();
        Ok(records.iter().map(row).collect())
    }

    /// The rows of JSON values. Their parts have paths, and no places.
    pub(super) fn of_trees(&self, trees: &[Dynamic]) -> Result<Rows, String> {
        if self.columns.iter().any(|c| matches!(c.source, Source::Ordinal(_))) {
            return Err("the ingestion mapping has an Ordinal, and the parts of JSON have a Path".to_string());
        }
        let cell = |column: &Mapped, tree: &Dynamic| match &column.source {
            Source::Path(path) => tree.at_path(path).map(|part| member_value(part, column.read_as())),
            other => other.constant().map(|text| value(text, column.read_as())),
        };
        let row = |tree| self.columns.iter().map(|column| column.made(cell(column, tree))).collect();
        Ok(trees.iter().map(row).collect())
    }
}

impl Source {
    fn constant(&self) -> Option<&str> {
        match self {
            Source::Constant(text) => Some(text),
            _ => None,
        }
    }
}

impl Mapped {
    /// The type that values have before they are transformed.
    fn read_as(&self) -> Type {
        if self.transform.is_some() { Type::Long } else { self.ty }
    }

    fn made(&self, value: Option<Val<'static>>) -> Val<'static> {
        let Some(value) = value else { return Val::missing(self.ty) };
        let Some(kernel) = self.transform.and_then(|name| Catalogue::get().kernel(name)) else { return value };
        let cx = Cx { args: &[Type::Long], ret: Type::DateTime };
        let made = kernel.call(&cx, &[value]).map_or(Val::Null, Val::into_owned);
        families::cast(&made, self.ty)
    }
}

/// The members of an element and of its `Properties`, with their names in lower case.
fn members(element: &Dynamic) -> Vec<(String, &Dynamic)> {
    let Dynamic::Bag(items) = element else { return Vec::new() };
    let mut members = Vec::with_capacity(items.len());
    for (name, value) in items {
        let name = name.to_ascii_lowercase();
        match value {
            Dynamic::Bag(_) if name == "properties" => members.extend(self::members(value)),
            _ => members.push((name, value)),
        }
    }
    members
}

/// A member that is there and not empty, as text.
fn text_of(members: &[(String, &Dynamic)], name: &str) -> Option<String> {
    let (_, value) = members.iter().find(|(known, _)| known == name)?;
    let text = families::cast(&Val::dynamic(value), Type::String);
    text.as_str().filter(|text| !text.is_empty()).map(str::to_string)
}

fn source(members: &[(String, &Dynamic)]) -> Result<Source, String> {
    if let Some(text) = ["constvalue", "constantvalue"].iter().find_map(|key| text_of(members, key)) {
        return Ok(Source::Constant(text));
    }
    if let Some(path) = text_of(members, "path") {
        // What begins otherwise is a constant.
        return Ok(if path.starts_with('$') { Source::Path(path) } else { Source::Constant(path) });
    }
    if let Some(place) = text_of(members, "ordinal") {
        return place.parse().map(Source::Ordinal).map_err(|_| format!("the Ordinal '{place}' is no number"));
    }
    Ok(Source::Missing)
}

/// The function of a transformation; `None` where it is to change nothing.
fn transform(name: &str) -> Result<Option<&'static str>, String> {
    match name.to_ascii_lowercase().as_str() {
        "none" => Ok(None),
        "datetimefromunixseconds" => Ok(Some("unixtime_seconds_todatetime")),
        "datetimefromunixmilliseconds" => Ok(Some("unixtime_milliseconds_todatetime")),
        "datetimefromunixmicroseconds" => Ok(Some("unixtime_microseconds_todatetime")),
        "datetimefromunixnanoseconds" => Ok(Some("unixtime_nanoseconds_todatetime")),
        _ => Err(format!("the transformation '{name}' is not supported")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<(String, Type)> {
        [("a", Type::Long), ("b", Type::String), ("t", Type::DateTime), ("d", Type::Dynamic)]
            .map(|(name, ty)| (name.to_string(), ty))
            .to_vec()
    }

    fn shown(rows: &Rows) -> Vec<String> {
        let text = |value: &Val<'_>| families::cast(value, Type::String).as_str().unwrap_or_default().to_string();
        rows.iter().map(|row| row.iter().map(text).collect::<Vec<_>>().join("|")).collect()
    }

    #[test]
    fn of_json() {
        let record = r#"{"x":{"n":7,"the name":"v"},"when":86400,"list":[1,2]}"#;
        let cases = [
            (
                r#"[{"Column":"d","Properties":{"Path":"$"}}]"#,
                r#"|||{"x":{"n":7,"the name":"v"},"when":86400,"list":[1,2]}"#,
            ),
            (r#"[{"column":"a","path":"$.x.n"},{"column":"b","path":"$.x['the name']"}]"#, "7|v||"),
            (r#"[{"Column":"b","Properties":{"Path":"$.x.['the name']"}}]"#, "|v||"),
            (
                r#"[{"Column":"a","Properties":{"Path":"$.list[1]"}},{"Column":"b","Properties":{"ConstValue":"c"}}]"#,
                "2|c||",
            ),
            (
                r#"[{"Column":"t","Properties":{"Path":"$.when","Transform":"DateTimeFromUnixSeconds"}}]"#,
                "||1970-01-02T00:00:00.0000000Z|",
            ),
            (r#"[{"Column":"a","Properties":{"Path":"$.none"}},{"Column":"other","Properties":{"Path":"$"}}]"#, "|||"),
        ];
        for (mapping, expected) in cases {
            let tree = Dynamic::parse_json(record).unwrap();
            let rows = Mapping::parse(mapping, &columns()).unwrap().of_trees(&[tree]).unwrap();
            assert_eq!(shown(&rows), [expected], "{mapping}");
        }
    }

    #[test]
    fn of_fields() {
        let cases = [
            (r#"[{"Column":"a","Properties":{"Ordinal":"1"}},{"Column":"b","Properties":{"Ordinal":0}}]"#, "5|x||"),
            (r#"[{"Name":"b","Ordinal":1},{"Name":"a","ConstValue":"3"},{"Name":"d","Ordinal":9}]"#, "3|5||"),
            (
                r#"[{"Column":"t","Properties":{"Ordinal":"1","Transform":"DateTimeFromUnixMilliseconds"}}]"#,
                "||1970-01-01T00:00:00.0050000Z|",
            ),
        ];
        for (mapping, expected) in cases {
            let record = vec!["x".to_string(), "5".to_string()];
            let rows = Mapping::parse(mapping, &columns()).unwrap().of_fields(&[record]).unwrap();
            assert_eq!(shown(&rows), [expected], "{mapping}");
        }
    }

    #[test]
    fn what_is_wrong() {
        let cases = [
            ("{}", "not a JSON array"),
            ("[{}]", "names no column"),
            (r#"[{"Column":"a","Properties":{"Ordinal":"x"}}]"#, "column 'a': the Ordinal 'x' is no number"),
            (r#"[{"Column":"a","Properties":{"Path":"$.a","Transform":"BytesAsBase64"}}]"#, "'BytesAsBase64'"),
            (r#"[{"Column":"a","Properties":{"Ordinal":"1"}}]"#, "the parts of JSON have a Path"),
        ];
        for (mapping, expected) in cases {
            let read = Mapping::parse(mapping, &columns()).and_then(|mapping| mapping.of_trees(&[Dynamic::Null]));
            let error = read.unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
