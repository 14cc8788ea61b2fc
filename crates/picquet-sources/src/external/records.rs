//! The formats of `externaldata`, as Kusto ingests them: values by place, or by name where the format has names.

use std::io::Read as _;

use arrow::array::ArrayRef;
use kql_engine::Rows;
use kql_engine::repr::value_at;
use kql_functions::{Dynamic, Type, Val, families};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::archive;
use super::mapping::Mapping;
use crate::input;
use crate::stored;
use crate::times::TimeStyle;
use crate::values::{Origin, from_text};

type Columns = [(String, Type)];

const FORMATS: [&str; 12] =
    ["csv", "tsv", "tsve", "psv", "scsv", "sohsv", "txt", "raw", "json", "multijson", "singlejson", "parquet"];

/// How a zip archive begins.
const ZIP: &[u8] = b"PK\x03\x04";

pub(super) fn is_format(name: &str) -> bool {
    FORMATS.contains(&name)
}

/// How the records of a place are taken.
pub(super) struct Taking<'t> {
    /// The name of the format, in lower case.
    pub(super) format: &'t str,
    /// The first record is a header.
    pub(super) ignore_first: bool,
    /// The columns of the rows.
    pub(super) columns: &'t Columns,
    /// What goes into which column, where that is told.
    pub(super) mapping: Option<&'t Mapping>,
}

/// The records of a place, each a row of the columns. What cannot be read as its column's type is null.
pub(super) fn rows(bytes: Vec<u8>, taking: &Taking<'_>) -> Result<Rows, String> {
    let Taking { format, columns, .. } = *taking;
    check_format(format)?;
    let bytes = unpacked(bytes)?;
    if format == "parquet" {
        return match taking.mapping {
            Some(_) => Err("an ingestion mapping of Parquet is not supported; its columns go by name".to_string()),
            None => parquet(bytes, columns),
        };
    }
    match records(&text(bytes)?, format)? {
        Records::Fields(mut records) => {
            records.drain(..records.len().min(usize::from(taking.ignore_first)));
            match taking.mapping {
                Some(mapping) => mapping.of_fields(&records),
                None => Ok(records.iter().map(|record| row(record, columns)).collect()),
            }
        }
        Records::Trees(mut trees) => {
            trees.drain(..trees.len().min(usize::from(taking.ignore_first)));
            match taking.mapping {
                Some(mapping) => mapping.of_trees(&trees),
                None => trees.into_iter().map(|tree| object(tree, columns)).collect(),
            }
        }
    }
}

/// An error for a format that is not read here.
pub(super) fn check_format(format: &str) -> Result<(), String> {
    if is_format(format) {
        return Ok(());
    }
    Err(format!("the format '{format}' is not supported; the formats are: {}", FORMATS.join(", ")))
}

/// The file in a zip archive; other bytes as they are.
pub(super) fn unpacked(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    if bytes.starts_with(ZIP) { archive::only_file(bytes) } else { Ok(bytes) }
}

/// The text of a place that may be packed by gzip or zstd.
pub(super) fn text(bytes: Vec<u8>) -> Result<String, String> {
    let mut text = Vec::new();
    let opened = input::of_bytes(bytes).and_then(|mut input| input.bytes.read_to_end(&mut text));
    opened.map_err(|error| format!("breaks off: {error}"))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// What a text holds.
pub(super) enum Records {
    /// Values by place.
    Fields(Vec<Vec<String>>),
    /// JSON values.
    Trees(Vec<Dynamic>),
}

/// The records of a text of a format that is no Parquet.
pub(super) fn records(text: &str, format: &str) -> Result<Records, String> {
    let fields = match format {
        "csv" => delimited(text, b',', true)?,
        "tsv" => delimited(text, b'\t', true)?,
        "tsve" => escaped(text),
        "psv" => delimited(text, b'|', true)?,
        "scsv" => delimited(text, b';', true)?,
        "sohsv" => delimited(text, 1, false)?,
        "raw" => vec![vec![text.to_string()]],
        "txt" => text.lines().map(|line| vec![line.to_string()]).collect(),
        _ => return json(text).map(Records::Trees),
    };
    Ok(Records::Fields(fields))
}

/// A text as a value of a type; what is none is missing.
pub(super) fn value(text: &str, ty: Type) -> Val<'static> {
    from_text(text, ty, TimeStyle::default(), Origin::Field).map_or(Val::missing(ty), Val::into_owned)
}

/// A row of texts by place; what is not there is missing, what is too much is left out.
fn row(texts: &[String], columns: &Columns) -> Vec<Val<'static>> {
    let cell =
        |(at, (_, ty)): (usize, &(String, Type))| texts.get(at).map_or(Val::missing(*ty), |text| value(text, *ty));
    columns.iter().enumerate().map(cell).collect()
}

fn delimited(text: &str, delimiter: u8, quotes: bool) -> Result<Vec<Vec<String>>, String> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .quoting(quotes)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut records = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| format!("not a record: {error}"))?;
        records.push(record.iter().map(str::to_string).collect());
    }
    Ok(records)
}

/// Tabs between values, and backslashes before what is not itself.
fn escaped(text: &str) -> Vec<Vec<String>> {
    let plain = |field: &str| {
        let mut out = String::with_capacity(field.len());
        let mut chars = field.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => out.extend(chars.next().map(|c| match c {
                    't' => '\t',
                    'n' => '\n',
                    'r' => '\r',
                    other => other,
                })),
                other => out.push(other),
            }
        }
        out
    };
    let lines = text.lines().filter(|line| !line.is_empty());
    lines.map(|line| line.split('\t').map(plain).collect()).collect()
}

/// JSON values: a line each, one after the other, or in an array.
fn json(text: &str) -> Result<Vec<Dynamic>, String> {
    let mut found = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Dynamic>() {
        match value.map_err(|error| format!("not JSON: {error}"))? {
            Dynamic::Array(items) => found.extend(items),
            item => found.push(item),
        }
    }
    Ok(found)
}

/// A row of a JSON object, whose members go into the columns of their names.
fn object(tree: Dynamic, columns: &Columns) -> Result<Vec<Val<'static>>, String> {
    let Dynamic::Bag(members) = tree else { return Err("a JSON value that is no object".to_string()) };
    let cell = |(name, ty): &(String, Type)| {
        let member = members.iter().find(|(key, _)| key == name);
        member.map_or(Val::missing(*ty), |(_, tree)| member_value(tree, *ty))
    };
    Ok(columns.iter().map(cell).collect())
}

/// A part of a JSON value as a value of a type.
pub(super) fn member_value(tree: &Dynamic, ty: Type) -> Val<'static> {
    match tree {
        Dynamic::String(text) if ty != Type::Dynamic => value(text, ty),
        _ => families::cast(&Val::dynamic(tree), ty),
    }
}

fn parquet(bytes: Vec<u8>, columns: &Columns) -> Result<Rows, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("not a whole Parquet file: {error}");
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).map_err(|e| wrong(&e))?;
    let mut rows = Rows::new();
    for batch in builder.build().map_err(|e| wrong(&e))? {
        let batch = batch.map_err(|e| wrong(&e))?;
        let mut cells = Vec::with_capacity(columns.len());
        for (name, ty) in columns {
            cells.push(match batch.column_by_name(name) {
                Some(array) => Some(stored::convert(array, *ty).map_err(|e| wrong(&e))?),
                None => None,
            });
        }
        for at in 0..batch.num_rows() {
            let cell = |(array, (_, ty)): (&Option<ArrayRef>, &(String, Type))| match array {
                Some(array) => value_at(array.as_ref(), *ty, at).into_owned(),
                None => Val::missing(*ty),
            };
            rows.push(cells.iter().zip(columns).map(cell).collect());
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &Val<'_>) -> String {
        families::cast(value, Type::String).as_str().unwrap_or_default().to_string()
    }

    #[test]
    fn formats() {
        let columns: Vec<(String, Type)> =
            vec![("a".into(), Type::Long), ("b".into(), Type::String), ("c".into(), Type::Dynamic)];
        let cases = [
            ("csv", false, "1,\"x,y\",\"{\"\"k\"\":1}\"\n2\nno,z,3,4\n", "1|x,y|{\"k\":1}; 2||; |z|3"),
            ("csv", true, "a,b,c\r\n1,x,\r\n", "1|x|"),
            ("tsv", false, "1\tx\t[1]\n", "1|x|[1]"),
            ("tsve", false, "1\tx\\ty\t\n", "1|x\ty|"),
            ("psv", false, "1|x|2", "1|x|2"),
            ("scsv", false, "1;x;", "1|x|"),
            ("sohsv", false, "1\u{1}\"x\u{1}", "1|\"x|"),
            ("txt", true, "head\n7\n8\n", "7||; 8||"),
            ("raw", false, "7", "7||"),
            ("json", false, "{\"b\":\"x\",\"a\":1}\n{\"c\":{\"k\":[1]}}\n", "1|x|; ||{\"k\":[1]}"),
            ("multijson", false, "[{\"a\":1},\n{\"a\":2,\"b\":true}]", "1||; 2|true|"),
        ];
        for (format, ignore_first, text, expected) in cases {
            let taking = Taking { format, ignore_first, columns: &columns, mapping: None };
            let rows = rows(text.as_bytes().to_vec(), &taking).expect(format);
            let shown: Vec<String> =
                rows.iter().map(|row| row.iter().map(shown).collect::<Vec<_>>().join("|")).collect();
            assert_eq!(shown.join("; "), expected, "{format}");
        }
    }

    #[test]
    fn what_cannot_be_read() {
        let columns = [("a".to_string(), Type::Long)];
        for (format, text, expected) in [
            ("avro", "", "the format 'avro' is not supported"),
            ("json", "{\"a\":", "not JSON"),
            ("json", "[1]", "no object"),
            ("parquet", "PAR1", "not a whole Parquet file"),
            ("csv", "PK\u{3}\u{4}", "not a whole zip archive"),
        ] {
            let taking = Taking { format, ignore_first: false, columns: &columns, mapping: None };
            let error = rows(text.as_bytes().to_vec(), &taking).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
