use arrow::array::AsArray;
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType, TimestampNanosecondType};
use kql_engine::QueryResult;
use kql_functions::{Type, Val};

use super::testing::{all_types, json, result, time};
use super::{Format, write_result};

fn text(result: &QueryResult, format: Format, width: Option<usize>) -> String {
    let mut out = Vec::new();
    write_result(result, format, &mut out, width).unwrap();
    String::from_utf8(out).unwrap()
}

fn logons() -> QueryResult {
    let columns = [
        ("TimeGenerated", Type::DateTime),
        ("Account", Type::String),
        ("FailedLogons", Type::Long),
        ("Detail", Type::Dynamic),
    ];
    let row = |at: &str, account: &'static str, failed: Val<'static>, detail: &str| {
        vec![time(at), Val::str(account), failed, json(detail)]
    };
    result(
        &columns,
        vec![
            row("2026-03-14T02:52:16Z", "ada@corp.example", Val::Long(3), r#"{"ip":"192.0.2.4","os":"Windows"}"#),
            row("2026-03-14T10:00:00.5Z", "a very long account name, 你好 included", Val::Long(12_345), "[]"),
            row("2026-03-14T11:30:00Z", "", Val::Null, "null"),
        ],
    )
}

#[test]
fn table_of_a_pipe_is_whole() {
    insta::assert_snapshot!(text(&logons(), Format::Table, None));
}

#[test]
fn table_of_a_terminal_fits() {
    let table = text(&logons(), Format::Table, Some(80));
    assert!(table.lines().all(|line| unicode_width::UnicodeWidthStr::width(line) <= 80), "{table}");
    insta::assert_snapshot!(table);
}

#[test]
fn a_narrow_terminal_gets_records() {
    insta::assert_snapshot!(text(&logons(), Format::Table, Some(40)));
}

#[test]
fn table_of_every_type_has_no_control_characters() {
    for width in [None, Some(0), Some(30), Some(120), Some(1000)] {
        let table = text(&all_types(), Format::Table, width);
        assert!(table.chars().all(|c| c == '\n' || !c.is_control()), "{table:?}");
    }
    insta::assert_snapshot!(text(&all_types(), Format::Table, Some(1000)));
}

#[test]
fn json_is_one_object() {
    let json = text(&all_types(), Format::Json, None);
    serde_json::from_str::<serde_json::Value>(&json).unwrap();
    insta::assert_snapshot!(json);
}

#[test]
fn jsonl_is_an_object_a_row() {
    let lines = text(&all_types(), Format::Jsonl, None);
    for line in lines.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    insta::assert_snapshot!(lines);
}

#[test]
fn csv_quotes_and_reads_back() {
    let csv = text(&all_types(), Format::Csv, None);
    let mut reader = ::csv::Reader::from_reader(csv.as_bytes());
    let records: Vec<::csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
    assert_eq!(&records[0][5], "say \"hi\", then\r\ngo \u{1b}[31mred");
    assert_eq!(&records[0][9], r#"{"z":[1,null,"é"],"a":{"b":true}}"#);
    assert_eq!(records[1].iter().filter(|field| !field.is_empty()).collect::<Vec<_>>(), ["NaN"]);
    assert!(csv.starts_with("Flag,Small,Big,"));
    assert_eq!(csv.matches("\r\n").count(), 4);
}

#[test]
fn a_single_empty_csv_field_is_not_an_empty_line() {
    let one = result(&[("Only", Type::String)], vec![vec![Val::str("")], vec![Val::str("x")]]);
    assert_eq!(text(&one, Format::Csv, None), "Only\r\n\"\"\r\nx\r\n");
}

fn read_parquet(result: &QueryResult) -> arrow::array::RecordBatch {
    let mut out = Vec::new();
    write_result(result, Format::Parquet, &mut out, None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    std::fs::write(&path, &out).unwrap();
    let file = std::fs::File::open(&path).unwrap();
    let reader = ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<_> = reader.build().unwrap().collect::<Result<_, _>>().unwrap();
    arrow::compute::concat_batches(&schema, &batches).unwrap()
}

#[test]
fn parquet_keeps_values_and_names_types() {
    let batch = read_parquet(&all_types());
    let types: Vec<DataType> = batch.schema().fields().iter().map(|field| field.data_type().clone()).collect();
    assert_eq!(types[4], DataType::Decimal128(38, 12));
    assert_eq!(types[6], DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())));
    assert_eq!(types[7], DataType::Int64);
    assert_eq!(batch.column(6).as_primitive::<TimestampNanosecondType>().value(0), 1_773_456_736_263_686_000);
    assert_eq!(batch.column(7).as_primitive::<Int64Type>().value(0), 36_000_000_001);
    assert_eq!(batch.column(8).as_string::<i32>().value(0), "30313233-3435-3637-3839-616263646566");
    assert_eq!(batch.column(9).as_string::<i32>().value(0), r#"{"z":[1,null,"é"],"a":{"b":true}}"#);
    assert_eq!(batch.column(5).as_string::<i32>().value(1), "", "a string is never null");
    assert!((0..10).filter(|column| ![3, 5].contains(column)).all(|column| batch.column(column).is_null(1)));
    assert_eq!(batch.schema().field(7).metadata()["kusto_type"], "timespan");
}

#[test]
fn parquet_takes_microseconds_for_years_that_nanoseconds_cannot_hold() {
    let far = result(&[("At", Type::DateTime)], vec![vec![time("9999-12-31")], vec![Val::DateTime(0)]]);
    let batch = read_parquet(&far);
    let values = batch.column(0).as_primitive::<TimestampMicrosecondType>();
    assert_eq!((values.value(0), values.value(1)), (253_402_214_400_000_000, -62_135_596_800_000_000));
}

#[test]
fn no_rows_and_no_columns() {
    let none = result(&[("A", Type::Long), ("B", Type::String)], Vec::new());
    let nothing = QueryResult { columns: Vec::new(), batches: Vec::new(), render: None };
    assert_eq!(text(&none, Format::Csv, None), "A,B\r\n");
    assert_eq!(text(&none, Format::Jsonl, None), "");
    assert_eq!(text(&none, Format::Json, None), "{\"columns\":[[\"A\",\"long\"],[\"B\",\"string\"]],\"rows\":[\n]}\n");
    assert!(text(&none, Format::Table, Some(80)).ends_with("no rows\n"));
    assert_eq!(read_parquet(&none).num_rows(), 0);
    for format in [Format::Table, Format::Json, Format::Jsonl, Format::Csv] {
        text(&nothing, format, Some(0));
    }
    write_result(&nothing, Format::Parquet, &mut Vec::new(), None).unwrap();
}
