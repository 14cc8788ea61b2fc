//! Files read whole for ingestion: columns, types, and what a sample does not show.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, Int64Array, RecordBatch, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use kql_engine::repr;
use kql_functions::Type;
use parquet::arrow::ArrowWriter;
use picquet_sources::{IngestOptions, Ingestion, Rejected, SourceError};

use crate::formats::{LINES, contents};
use crate::support::{Files, Read, gzip, read, texts, zstd};

pub fn options(table: &str, declared: &[(&str, Type)]) -> IngestOptions {
    let declared = declared.iter().map(|(name, ty)| (name.to_string(), *ty)).collect();
    IngestOptions { table: table.to_string(), declared }
}

/// All rows of an opened file, and what is rejected.
pub fn take_all(mut file: Ingestion) -> Result<(Read, Vec<Rejected>), SourceError> {
    let columns = file.columns().to_vec();
    let mut rows = Vec::new();
    let mut rejected = Vec::new();
    while let Some(batch) = file.batches().next() {
        let batch = batch?;
        assert_eq!(batch.schema(), repr::schema(columns.iter().map(|(name, ty)| (name.as_str(), *ty))));
        rows.extend(texts(&columns, &[batch]));
        rejected.extend(file.take_rejected());
    }
    assert!(file.next().is_none(), "it stays ended");
    rejected.extend(file.take_rejected());
    Ok((Read { columns, rows }, rejected))
}

/// A file as the workspace takes it: by a sample, and by all records where that misleads.
pub fn ingest(path: &Path, options: &IngestOptions) -> Result<(Read, Vec<Rejected>, bool), SourceError> {
    match Ingestion::open(path, options.clone()).and_then(take_all) {
        Err(SourceError::SampleMisleads(_)) => take_all(Ingestion::open_looking_at_all(path, options.clone())?)
            .map(|(read, rejected)| (read, rejected, true)),
        other => other.map(|(read, rejected)| (read, rejected, false)),
    }
}

fn types(read: &Read) -> Vec<(&str, Type)> {
    read.columns.iter().map(|(name, ty)| (name.as_str(), *ty)).collect()
}

#[test]
fn all_formats_and_packings_are_taken_as_queries_read_them() {
    let files = Files::with("Own.jsonl", LINES);
    let expected = read(&files.open(), "Own", &[]);
    for (number, (_, content)) in contents().into_iter().enumerate() {
        for bytes in [content.clone().into_bytes(), gzip(content.as_bytes()), zstd(content.as_bytes())] {
            let path = files.write("some file", &bytes);
            for all in [false, true] {
                let open = if all { Ingestion::open_looking_at_all } else { Ingestion::open };
                let (mut found, rejected) = take_all(open(&path, options("Own", &[])).unwrap()).unwrap();
                found.sort_columns_like(&expected);
                assert_eq!(found, expected, "content {number}");
                assert!(rejected.is_empty(), "content {number}: {rejected:?}");
            }
        }
    }
}

#[test]
fn columns_come_from_the_table_then_its_schema_then_the_file() {
    let files = Files::new();
    let line = r#"{"Mine":1,"DeviceName":"vm","FileSize":"8","Count":"7"}"#;
    let path = files.write("x.jsonl", line);
    let of = |table: &str, declared: &[(&str, Type)]| -> Vec<(String, Type)> {
        Ingestion::open(&path, options(table, declared)).unwrap().columns().to_vec()
    };
    let owned = |columns: &[(&str, Type)]| -> Vec<(String, Type)> {
        columns.iter().map(|(name, ty)| (name.to_string(), *ty)).collect()
    };
    let inferred =
        [("Mine", Type::Long), ("DeviceName", Type::String), ("FileSize", Type::String), ("Count", Type::String)];
    assert_eq!(of("Own", &[]), owned(&inferred));
    let declared = [("Count", Type::Long), ("Gone", Type::Guid)];
    let rest = [("Mine", Type::Long), ("DeviceName", Type::String), ("FileSize", Type::String)];
    assert_eq!(of("Own", &declared), owned(&[&declared[..], &rest].concat()));
    // A known table: what it has already comes first, its schema tells the types of the others.
    let rest = [("Mine", Type::Long), ("DeviceName", Type::String), ("FileSize", Type::Long)];
    assert_eq!(of("DeviceFileEvents", &declared), owned(&[&declared[..], &rest].concat()));
    let known = of("DeviceFileEvents", &[]);
    assert!(known.len() > 20 && known.contains(&("FileSize".to_string(), Type::Long)), "{known:?}");
    assert_eq!(known[known.len() - 2..], owned(&[("Mine", Type::Long), ("Count", Type::String)]));
}

/// Lines or other texts whose first thousand records do not show what comes.
struct Late {
    name: &'static str,
    first: &'static str,
    last: &'static str,
    /// The type of column `a` at last.
    ty: Type,
    /// The last value of column `a`.
    value: &'static str,
    /// Whether it takes a look at all records.
    looks: bool,
}

#[test]
fn what_the_sample_does_not_show_is_taken_after_a_look_at_all() {
    let late = |first, last, ty, value, looks| Late { name: "x.jsonl", first, last, ty, value, looks };
    let csv = |first, last, ty, value, looks| Late { name: "x.csv", first, last, ty, value, looks };
    let cases = [
        late(r#"{"b":1}"#, r#"{"b":2,"a":"new"}"#, Type::String, "new", true),
        late(r#"{"a":1}"#, r#"{"a":2}"#, Type::Long, "2", false),
        late(r#"{"a":1}"#, r#"{"a":null}"#, Type::Long, "null", false),
        late(r#"{"a":1}"#, r#"{"a":2.5}"#, Type::Real, "2.5", true),
        late(r#"{"a":1}"#, r#"{"a":"007"}"#, Type::String, "007", true),
        late(r#"{"a":1}"#, r#"{"a":{"k":1}}"#, Type::Dynamic, "dynamic({\"k\":1})", true),
        late(r#"{"a":"x"}"#, r#"{"a":{"k":1}}"#, Type::Dynamic, "dynamic({\"k\":1})", true),
        late(r#"{"a":true}"#, r#"{"a":1}"#, Type::String, "1", true),
        late(r#"{"a":{}}"#, r#"{"a":"x"}"#, Type::Dynamic, "dynamic(\"x\")", false),
        late(r#"{"a":"2026-03-14T00:00:00Z"}"#, r#"{"a":"never"}"#, Type::String, "never", true),
        late(r#"{"a":"2026-03-14T00:00:00Z"}"#, r#"{"a":5}"#, Type::String, "5", true),
        late(r#"{"a":null}"#, r#"{"a":5}"#, Type::Long, "5", true),
        late(r#"{"a":""}"#, r#"{"a":"2026-03-14T00:00:00Z"}"#, Type::DateTime, "2026-03-14T00:00:00.0000000Z", true),
        late(r#"{"a":null}"#, r#"{"a":"x"}"#, Type::String, "x", false),
        csv("1", "x", Type::String, "x", true),
        csv("1", "0.5", Type::Real, "0.5", true),
        csv("1", "", Type::Long, "null", false),
        csv("true", "yes", Type::String, "yes", true),
        csv("\"\"", "7", Type::Long, "7", true),
        csv("\"{\"\"k\"\":1}\"", "{broken", Type::String, "{broken", true),
        csv(
            "\"3/1/2026, 1:00:00 AM\"",
            "\"13/1/2026, 1:00:00 AM\"",
            Type::DateTime,
            "2026-01-13T01:00:00.0000000Z",
            true,
        ),
    ];
    let files = Files::new();
    for Late { name, first, last, ty, value, looks } in cases {
        let head = if name.ends_with("csv") { "a,z\n" } else { "" };
        let more = if name.ends_with("csv") { ",1" } else { "" };
        let text = format!("{head}{}{last}{more}\n", format!("{first}{more}\n").repeat(1500));
        for bytes in [text.clone().into_bytes(), gzip(text.as_bytes())] {
            let path = files.write(name, &bytes);
            let about = format!("{first}, then {last}");
            let (found, rejected, looked) = ingest(&path, &options("Own", &[])).unwrap();
            assert!(rejected.is_empty(), "{about}: {rejected:?}");
            assert_eq!(found.ty("a"), Some(ty), "{about}");
            assert_eq!(found.column("a").len(), 1501, "{about}");
            assert_eq!(found.column("a")[1500], value, "{about}");
            assert_eq!(looked, looks, "{about}");
        }
    }
}

#[test]
fn the_error_names_the_record_that_misleads() {
    let text = format!("{}{{\"a\":1,\"late\":2}}\n", "{\"a\":1}\n".repeat(1500));
    let files = Files::with("x.jsonl", text);
    let path = files.path().join("x.jsonl");
    let mut file = Ingestion::open(&path, options("Own", &[])).unwrap();
    let Some(Err(SourceError::SampleMisleads(problem))) = file.find(Result::is_err) else { panic!("no error") };
    assert_eq!((problem.line, problem.column.as_deref()), (Some(1501), Some("late")));
    assert!(file.next().is_none());
    // A column that the table has is no surprise.
    let (found, rejected) = take_all(Ingestion::open(&path, options("Own", &[("late", Type::Int)])).unwrap()).unwrap();
    assert_eq!((found.column("late")[1500].as_str(), rejected.len()), ("2", 0));
}

#[test]
fn values_that_do_not_fit_declared_types_are_rejected_and_their_rows_kept() {
    let declared = [("a", Type::Long), ("t", Type::DateTime), ("g", Type::Guid)];
    let texts = [
        ("x.jsonl", "{\"a\":\"x\",\"t\":\"2026-03-14T00:00:00Z\"}\n{\"a\":2,\"t\":\"soon\",\"g\":5}\n"),
        ("x.json", "[{\"a\":\"x\",\"t\":\"2026-03-14T00:00:00Z\"},\n{\"a\":2,\"t\":\"soon\",\"g\":5}]"),
        ("x.csv", "a,t,g\nx,2026-03-14T00:00:00Z,\n2,soon,5\n"),
        (
            "tables.json",
            "{\"tables\":[{\"columns\":[{\"name\":\"a\"},{\"name\":\"t\"},{\"name\":\"g\"}],\"rows\":[[\"x\",\"2026-03-14T00:00:00Z\",null],\n[2,\"soon\",5]]}]}",
        ),
    ];
    let files = Files::new();
    for (name, text) in texts {
        let path = files.write(name, text);
        let (found, rejected, _) = ingest(&path, &options("Own", &declared)).unwrap();
        assert_eq!(types(&found), declared, "{name}");
        assert_eq!(found.rows, [["null", "2026-03-14T00:00:00.0000000Z", "null"], ["2", "null", "null"]], "{name}");
        let told: Vec<(&str, &str, bool)> = rejected
            .iter()
            .map(|r| (r.column.as_deref().unwrap(), r.reason.split(" is no ").next().unwrap(), r.row_kept))
            .collect();
        let five = if name == "x.csv" { "\"5\"" } else { "5" };
        assert_eq!(told, [("a", "\"x\"", true), ("t", "\"soon\"", true), ("g", five, true)], "{name}");
        assert!(rejected.iter().all(|r| r.file == path));
        assert_eq!(rejected[1].record, rejected[2].record, "{name}");
        assert!(rejected[1].record.contains("soon") && !rejected[1].record.contains("2026"), "{name}: {rejected:?}");
        assert_eq!(rejected[1].line.unwrap() - rejected[0].line.unwrap(), 1, "{name}");
    }
}

#[test]
fn very_many_rejected_are_handed_out_bit_by_bit() {
    let text = "garbage\n".repeat(5000) + "{\"a\":1}\n";
    let files = Files::with("x.jsonl", format!("{{\"a\":0}}\n{{\"a\":0}}\n{text}"));
    let mut file = Ingestion::open(&files.path().join("x.jsonl"), options("Own", &[])).unwrap();
    let (mut rows, mut told) = (0, 0);
    while let Some(batch) = file.batches().next() {
        rows += batch.unwrap().num_rows();
        let rejected = file.take_rejected();
        assert!(rejected.len() <= 1000);
        told += rejected.len();
    }
    assert_eq!((rows, told + file.take_rejected().len()), (3, 5000));
    // Not to take them loses none.
    let mut file = Ingestion::open(&files.path().join("x.jsonl"), options("Own", &[])).unwrap();
    assert_eq!(file.batches().map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 3);
    assert_eq!(file.take_rejected().len(), 5000);
}

#[test]
fn files_that_cannot_be_read_at_all_are_errors() {
    let files = Files::new();
    let cases: [(&[u8], &str); 5] = [
        (b"PK\x03\x04rest", "a zip archive"),
        (b"ab\x00\x01\x02", "neither text nor Parquet"),
        (b"PAR1 and nothing behind", "not a whole Parquet file"),
        (b"{\"tables\":[{\"name\":\"x\"}]}", "no \"columns\" and \"rows\""),
        (b"{\"tables\":[", "no \"columns\" and \"rows\""),
    ];
    for (bytes, expected) in cases {
        let path = files.write("x", bytes);
        let error = Ingestion::open(&path, options("Own", &[])).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert!(Ingestion::open(&files.path().join("none"), options("Own", &[])).is_err());
    // More keys than a table can have columns: the sample does not show it.
    let keys: String = (0..12_000).map(|n| format!("{{\"k{n}\":1}}\n")).collect();
    let error = ingest(&files.write("keys.jsonl", keys), &options("Own", &[])).unwrap_err().to_string();
    assert!(error.contains("different keys"), "{error}");
}

#[test]
fn empty_files_have_no_rows() {
    let files = Files::new();
    for text in ["", "\n\n", "a,b\n", "[]", "{\"value\":[]}"] {
        let path = files.write("x", text);
        let (found, rejected, _) = ingest(&path, &options("SigninLogs", &[])).unwrap();
        assert!(found.rows.is_empty() && rejected.is_empty() && found.columns.len() > 20, "{text:?}: {rejected:?}");
    }
}

#[test]
fn zones_that_are_not_known_are_noted() {
    let files = Files::with("x.csv", "At [Local Time]\n\"3/14/2026, 1:00:00 PM\"\n");
    let file = Ingestion::open(&files.path().join("x.csv"), options("Own", &[])).unwrap();
    assert!(file.notes()[0].contains("\"At [Local Time]\""), "{:?}", file.notes());
}

/// 2026-03-14 in microseconds.
const DAY: i64 = 1_773_446_400_000_000;

fn parquet(groups: usize) -> Vec<u8> {
    let inner = StructArray::from(vec![(
        Arc::new(Field::new("k", DataType::Int64, true)),
        Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef,
    )]);
    let schema = Arc::new(Schema::new(vec![
        Field::new("TimeGenerated", DataType::Timestamp(TimeUnit::Microsecond, None), true),
        Field::new("Name", DataType::Utf8, true),
        Field::new("Count", DataType::Int64, false),
        Field::new("Tree", inner.data_type().clone(), true),
    ]));
    let batch = RecordBatch::try_new(
        Arc::clone(&schema),
        vec![
            Arc::new(TimestampMicrosecondArray::from(vec![Some(DAY), None, Some(DAY)])),
            Arc::new(StringArray::from(vec![Some("8"), None, Some("no number")])),
            Arc::new(Int64Array::from(vec![1, 2, 3])),
            Arc::new(inner),
        ],
    )
    .unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, schema, None).unwrap();
    for _ in 0..groups {
        writer.write(&batch).unwrap();
        writer.flush().unwrap();
    }
    writer.close().unwrap();
    bytes
}

#[test]
fn parquet_rows_and_values_that_do_not_fit() {
    let files = Files::new();
    let path = files.write("x.parquet", parquet(2));
    let (found, rejected, _) = ingest(&path, &options("Own", &[])).unwrap();
    let expected =
        [("TimeGenerated", Type::DateTime), ("Name", Type::String), ("Count", Type::Long), ("Tree", Type::Dynamic)];
    assert_eq!(types(&found), expected);
    assert_eq!(found.rows.len(), 6);
    assert_eq!(found.rows[0], ["2026-03-14T00:00:00.0000000Z", "8", "1", "dynamic({\"k\":1})"]);
    assert_eq!(found.rows[4], ["null", "", "2", "dynamic({\"k\":2})"]);
    assert!(rejected.is_empty());
    let declared = [("Other", Type::String), ("Name", Type::Long)];
    let (found, rejected, _) = ingest(&path, &options("Own", &declared)).unwrap();
    assert_eq!(found.rows[0][..2], ["", "8"]);
    assert_eq!(found.column("Name"), ["8", "null", "null", "8", "null", "null"]);
    let told: Vec<_> = rejected.iter().map(|r| (r.line, r.column.as_deref(), r.record.as_str(), r.row_kept)).collect();
    let record = r#"{"TimeGenerated":"2026-03-14T00:00:00.0000000Z","Name":"no number","Count":3,"Tree":{"k":3}}"#;
    assert_eq!(told, [(Some(3), Some("Name"), record, true), (Some(6), Some("Name"), record, true)]);
}

#[test]
fn a_damaged_row_group_does_not_keep_the_others_from_being_read() {
    let mut bytes = parquet(3);
    // Within the pages of the first row group.
    bytes[4..40].fill(0xff);
    let files = Files::with("x.parquet", bytes);
    let path = files.path().join("x.parquet");
    let (found, rejected, _) = ingest(&path, &options("Own", &[])).unwrap();
    assert_eq!(found.rows.len(), 6);
    assert_eq!(rejected.len(), 1, "{rejected:?}");
    assert!(rejected[0].reason.starts_with("the rows 1 to 3 are damaged"), "{rejected:?}");
    assert!(!rejected[0].row_kept);
    let whole = std::fs::File::open(&path).and_then(|file| file.metadata()).unwrap().len();
    File::options().write(true).open(&path).unwrap().set_len(whole - 10).unwrap();
    assert!(Ingestion::open(&path, options("Own", &[])).is_err());
}
