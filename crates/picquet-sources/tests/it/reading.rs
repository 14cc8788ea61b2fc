//! Large files, projections, partitions.

use kql_engine::Database;

use crate::support::{Files, block, context, count, read};

/// More than two parts of sixteen megabytes.
fn large() -> (String, usize) {
    let rows = 420_000;
    let mut text = String::new();
    for n in 0..rows {
        text.push_str(&format!("{{\"a\":{n},\"é\":\"{}\",\"c\":{{\"x\":\"{}\"}}}}\n", "ü".repeat(n % 53), n % 100));
        if n == 350_000 {
            text.push_str("broken\n");
        }
    }
    (text, rows)
}

#[test]
fn a_large_file_is_read_in_parts() {
    let (text, rows) = large();
    assert!(text.len() > 32 << 20, "{} bytes", text.len());
    let files = Files::with("Own.jsonl", &text);
    let database = files.open();
    let provider = database.table("Own").unwrap().provider;
    let context = context(2);
    let frame = context.read_table(provider.clone()).unwrap().select_columns(&["a"]).unwrap();
    let plan = block(frame.clone().create_physical_plan()).unwrap();
    assert_eq!(plan.properties().partitioning.partition_count(), 2);
    let batches = block(frame.collect()).unwrap();
    let mut values: Vec<i64> = batches
        .iter()
        .flat_map(|batch| {
            let array = batch.column(0).as_any().downcast_ref::<arrow::array::Int64Array>().unwrap();
            array.values().to_vec()
        })
        .collect();
    values.sort();
    assert_eq!(values.len(), rows);
    assert!(values.into_iter().eq(0..rows as i64));
    let told = database.problems().problems();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].line, Some(350_002));
    assert_eq!(count(&database, "Own"), rows);
    assert_eq!(database.problems().total(), 1);
}

#[test]
fn limits_and_empty_projections() {
    let lines: String = (0..50).map(|n| format!("{{\"a\":{n}}}\n")).collect();
    let files = Files::with("Own.jsonl", lines);
    let database = files.open();
    let provider = database.table("Own").unwrap().provider;
    let frame = context(1).read_table(provider).unwrap().limit(0, Some(7)).unwrap();
    let rows: usize = block(frame.collect()).unwrap().iter().map(|batch| batch.num_rows()).sum();
    assert_eq!(rows, 7);
    assert_eq!(count(&database, "Own"), 50);
}

#[test]
fn records_with_their_keys_in_any_order() {
    let lines = "{\"a\":1,\"b\":2,\"c\":3}\n{\"c\":6,\"a\":4}\n{\"b\":8}\n{}\n{\"b\":9,\"c\":10,\"a\":11}\n";
    let files = Files::with("Own.jsonl", lines);
    let found = read(&files.open(), "Own", &["c", "a"]);
    assert_eq!(found.rows, [["3", "1"], ["6", "4"], ["null", "null"], ["null", "null"], ["10", "11"]]);
}
