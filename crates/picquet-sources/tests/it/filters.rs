//! Filters that are pushed into files leave the rows that a filter over all rows leaves.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use kql_engine::{Database as _, Engine, EngineOptions, QueryOptions, json};
use parquet::arrow::ArrowWriter;

use crate::support::Files;

/// 2026-03-14 in microseconds.
const DAY: i64 = 1_773_446_400_000_000;

fn write_parquet(files: &Files, name: &str) {
    let schema = Arc::new(Schema::new(vec![
        Field::new("TimeGenerated", DataType::Timestamp(TimeUnit::Microsecond, None), true),
        Field::new("Name", DataType::Utf8, true),
        Field::new("Count", DataType::Int64, true),
        Field::new("Extra", DataType::Utf8, true).with_metadata([("kusto_type".into(), "dynamic".into())].into()),
    ]));
    let names = vec![Some("alpha beta"), None, Some(""), Some("Gamma"), Some("alphabet")];
    let extra = vec![Some("{\"k\":{\"v\":1}}"), Some("{ \"k\" : {\"v\":2} }"), None, Some("null"), Some("plain text")];
    let batch = RecordBatch::try_new(
        Arc::clone(&schema),
        vec![
            Arc::new(TimestampMicrosecondArray::from_iter_values((0..5).map(|i| DAY + i * 3_600_000_000))),
            Arc::new(StringArray::from(names)),
            Arc::new(Int64Array::from(vec![Some(1), Some(2), None, Some(4), Some(5)])),
            Arc::new(StringArray::from(extra)),
        ],
    )
    .unwrap();
    let mut writer = ArrowWriter::try_new(File::create(files.path().join(name)).unwrap(), schema, None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

const LINES: &str = r#"{"TimeGenerated":"2026-03-14T00:30:00Z","Name":"alpha line","Count":10,"Only":"here"}
{"TimeGenerated":"2026-03-14T03:30:00Z","Name":"delta","Count":null,"Only":""}
"#;

#[test]
fn pushed_filters_mean_the_same() {
    let files = Files::new();
    files.write("Things/b.jsonl", LINES);
    write_parquet(&files, "Things/a.parquet");
    let database = files.open();
    assert!(database.table("Things").is_some());
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_stack_size(16 << 20).build().unwrap();
    let engine = Engine::new(&EngineOptions::default()).unwrap();
    let counts = |query: &str| -> Vec<String> {
        let answer = runtime.block_on(engine.query(query, &database, &QueryOptions::default()));
        let answer = answer.unwrap_or_else(|e| panic!("{query}: {e}"));
        answer.result.rows().map(|row| row.iter().map(|v| json::to_json(v).to_string()).collect()).collect()
    };
    for (predicate, want) in [
        ("true", 7),
        ("Name has 'alpha'", 2),
        ("Name contains 'ALPHA'", 3),
        ("isempty(Name)", 2),
        ("Name == ''", 2),
        ("Name != 'Gamma'", 6),
        ("Name in ('Gamma', 'delta')", 2),
        ("Name in~ ('GAMMA', 'delta') and Count > 3", 1),
        ("Count > 1", 4),
        ("isnull(Count)", 2),
        ("Count between (2 .. 5)", 3),
        ("TimeGenerated >= datetime(2026-03-14 03:00)", 3),
        ("TimeGenerated between (datetime(2026-03-14 00:30) .. datetime(2026-03-14 02:00))", 3),
        ("toint(Extra.k.v) == 2", 1),
        ("isnotnull(Extra)", 3),
        ("tostring(Extra) == 'plain text'", 1),
        ("Only == 'here'", 1),
        ("Only == ''", 6),
        ("Only == 'here' or Name == 'Gamma'", 2),
    ] {
        let pushed = counts(&format!("Things | where {predicate} | count"));
        // Rows that are kept in memory first are filtered by nothing but the filter.
        let plain = counts(&format!("let t = materialize(Things | extend all = 1); t | where {predicate} | count"));
        assert_eq!(pushed, plain, "{predicate}");
        assert_eq!(pushed, [want.to_string()], "{predicate}");
        let taken = counts(&format!("Things | where {predicate} | take 1 | project Count, Name | count"));
        assert_eq!(taken, ["1"], "{predicate}");
    }
}
