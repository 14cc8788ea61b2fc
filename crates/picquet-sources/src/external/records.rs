//! The formats of `externaldata`, as Kusto ingests them: values by place, or by name where the format has names.

use std::io::Read as _;

use arrow::array::ArrayRef;
use kql_engine::Rows;
use kql_engine::repr::value_at;
use kql_functions::{Dynamic, Type, Val, families};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::input;
use crate::stored;
use crate::times::TimeStyle;
use crate::values::{Origin, from_text};

type Columns = [(String, Type)];

const FORMATS: [&str; 12] =
    ["csv", "tsv", "tsve", "psv", "scsv", "sohsv", "txt", "raw", "json", "multijson", "singlejson", "parquet"];

pub(super) fn is_format(name: &str) -> bool {
    FORMATS.contains(&name)
}

/// The records of a place, each a row of the columns. What cannot be read as its column's type is null.
pub(super) fn rows(bytes: Vec<u8>, format: &str, ignore_first: bool, columns: &Columns) -> Result<Rows, String> {
    if format == "parquet" {
        return parquet(bytes, columns);
    }
    if !is_format(format) {
        return Err(format!("the format '{format}' is not supported; the formats are: {}", FORMATS.join(", ")));
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return Err("a zip archive is not supported; pack the data with gzip".to_string());
    }
    let mut text = Vec::new();
    let opened = input::of_bytes(bytes).and_then(|mut input| input.bytes.read_to_end(&mut text));
    opened.map_err(|error| format!("breaks off: {error}"))?;
    let text = String::from_utf8_lossy(&text);
    let skip = usize::from(ignore_first);
    match format {
        "csv" => delimited(&text, b',', true, skip, columns),
        "tsv" => delimited(&text, b'\t', true, skip, columns),
        "tsve" => Ok(escaped(&text, skip, columns)),
        "psv" => delimited(&text, b'|', true, skip, columns),
        "scsv" => delimited(&text, b';', true, skip, columns),
        "sohsv" => delimited(&text, 1, false, skip, columns),
        "raw" => Ok(vec![row([text.as_ref()].into_iter(), columns)]),
        "txt" => Ok(text.lines().skip(skip).map(|line| row([line].into_iter(), columns)).collect()),
        _ => objects(&text, skip, columns),
    }
}

fn value(text: &str, ty: Type) -> Val<'static> {
    from_text(text, ty, TimeStyle::default(), Origin::Field).map_or(Val::missing(ty), Val::into_owned)
}

/// A row of texts by place; what is not there is missing, what is too much is left out.
fn row<'t>(mut texts: impl Iterator<Item = &'t str>, columns: &Columns) -> Vec<Val<'static>> {
    columns.iter().map(|(_, ty)| texts.next().map_or(Val::missing(*ty), |text| value(text, *ty))).collect()
}

fn delimited(text: &str, delimiter: u8, quotes: bool, skip: usize, columns: &Columns) -> Result<Rows, String> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .quoting(quotes)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut rows = Rows::new();
    for record in reader.records().skip(skip) {
        let record = record.map_err(|error| format!("not a record: {error}"))?;
        rows.push(row(record.iter(), columns));
    }
    Ok(rows)
}

/// Tabs between values, and backslashes before what is not itself.
fn escaped(text: &str, skip: usize, columns: &Columns) -> Rows {
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
    let lines = text.lines().skip(skip).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let fields: Vec<String> = line.split('\t').map(plain).collect();
            row(fields.iter().map(String::as_str), columns)
        })
        .collect()
}

/// JSON objects: a line each, one after the other, or in an array. Members go into the columns of their names.
fn objects(text: &str, skip: usize, columns: &Columns) -> Result<Rows, String> {
    let mut found = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Dynamic>() {
        match value.map_err(|error| format!("not JSON: {error}"))? {
            Dynamic::Array(items) => found.extend(items),
            item => found.push(item),
        }
    }
    let mut rows = Rows::new();
    for item in found.into_iter().skip(skip) {
        let Dynamic::Bag(members) = item else { return Err("a JSON value that is no object".to_string()) };
        let cell = |(name, ty): &(String, Type)| {
            let member = members.iter().find(|(key, _)| key == name);
            member.map_or(Val::missing(*ty), |(_, tree)| member_value(tree, *ty))
        };
        rows.push(columns.iter().map(cell).collect());
    }
    Ok(rows)
}

fn member_value(tree: &Dynamic, ty: Type) -> Val<'static> {
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
            let rows = rows(text.as_bytes().to_vec(), format, ignore_first, &columns).expect(format);
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
            ("csv", "PK\u{3}\u{4}", "a zip archive"),
        ] {
            let error = rows(text.as_bytes().to_vec(), format, false, &columns).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
