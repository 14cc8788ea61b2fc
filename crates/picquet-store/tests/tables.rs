//! What is written to tables is read again, whatever became of it meanwhile, and no more is read than needed.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use jiff::Timestamp;
use kql_engine::repr::{self, ColumnBuilder};
use kql_engine::{Engine, EngineOptions, QueryOptions, Scope, ScopeColumn};
use kql_functions::{Type, Val};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use picquet_sources::ExternalPolicy;
use picquet_store::{Access, IngestFile, IngestOutcome, Settings, TableStatus, Workspace};

/// 2024-05-01 in ticks.
const NOW: i64 = 638_501_184_000_000_000;
const SECOND: i64 = 10_000_000;

fn now() -> Timestamp {
    "2024-05-01T00:00:00Z".parse().unwrap()
}

fn settings(text: &str) -> Settings {
    toml::from_str(text).unwrap()
}

async fn workspace(folder: &Path, text: &str) -> Workspace {
    let path = folder.join("workspace");
    if !path.exists() {
        Workspace::init(&path).unwrap();
    }
    Workspace::open_with(&path, Access::Own, ExternalPolicy::default(), settings(text)).await.unwrap()
}

fn batch(columns: &[(String, Type)], rows: &[Vec<Val<'_>>]) -> RecordBatch {
    let schema = repr::schema(columns.iter().map(|(name, ty)| (name.as_str(), *ty)));
    let array = |at: usize| {
        let mut out = ColumnBuilder::new(columns[at].1, rows.len());
        rows.iter().for_each(|row| out.push(&row[at]));
        out.finish()
    };
    RecordBatch::try_new(schema, (0..columns.len()).map(array).collect()).unwrap()
}

fn named(columns: &[(&str, Type)]) -> Vec<(String, Type)> {
    columns.iter().map(|(name, ty)| ((*name).to_string(), *ty)).collect()
}

async fn try_query(workspace: &Workspace, text: &str, scope: Option<Scope>) -> Result<Vec<Vec<Val<'static>>>, String> {
    let engine = Engine::new(&EngineOptions { threads: Some(2), ..EngineOptions::default() }).unwrap();
    let snapshot = workspace.snapshot().unwrap();
    let options = QueryOptions { now: NOW, scope, ..QueryOptions::default() };
    let answer = engine.query(text, &snapshot, &options).await.map_err(|error| error.to_string())?;
    Ok(answer.result.rows().map(|row| row.into_iter().map(Val::into_owned).collect()).collect())
}

async fn query(workspace: &Workspace, text: &str) -> Vec<Vec<Val<'static>>> {
    try_query(workspace, text, None).await.unwrap()
}

fn status(workspace: &Workspace, table: &str) -> TableStatus {
    workspace.tables().into_iter().find(|status| status.name == table).unwrap()
}

fn files(workspace: &Workspace, table: &str) -> BTreeSet<PathBuf> {
    let folder = workspace.path().join("tables").join(table);
    let Ok(entries) = fs::read_dir(folder) else { return BTreeSet::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|ending| ending == "parquet")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_every_type_stay_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = workspace(folder.path(), "").await;
    let columns = named(&[
        ("TimeGenerated", Type::DateTime),
        ("n", Type::Long),
        ("b", Type::Bool),
        ("i", Type::Int),
        ("l", Type::Long),
        ("r", Type::Real),
        ("m", Type::Decimal),
        ("s", Type::String),
        ("t", Type::DateTime),
        ("p", Type::Timespan),
        ("g", Type::Guid),
        ("d", Type::Dynamic),
    ]);
    let value = |n: i64| -> Vec<Val<'static>> {
        vec![
            Val::DateTime(NOW - n * SECOND - n % 10),
            Val::Long(n),
            Val::Bool(n % 2 == 0),
            Val::Int(i32::MAX - n as i32),
            Val::Long(i64::MIN + n),
            Val::Real(n as f64 / 7.0),
            Val::Decimal(i128::from(n) * 123_456_789_012_345 - 1),
            Val::str(format!("text {n} \u{1f600}, with more than twelve bytes")),
            // Times in all of Kusto's range, with ticks.
            Val::DateTime(n * 630_000_000_000_000_007),
            Val::Timespan(-n * 77),
            Val::Guid([n as u8; 16]),
            Val::Dynamic(format!("{{\"a\":[{n},\"x\",null]}}").into()),
        ]
    };
    let missing = |n: i64| -> Vec<Val<'static>> {
        let mut row: Vec<Val<'static>> = columns.iter().map(|(_, ty)| Val::missing(*ty)).collect();
        (row[0], row[1]) = (Val::DateTime(NOW - n * SECOND), Val::Long(n));
        row
    };
    let rows: Vec<Vec<Val<'static>>> = (0..6).map(|n| if n == 3 { missing(n) } else { value(n) }).collect();
    let text = "T | sort by n asc | project TimeGenerated, n, b, i, l, r, m, s, t, p, g, d";
    workspace.append("T", &columns, batch(&columns, &rows[..3]), now()).unwrap();
    workspace.append("T", &columns, batch(&columns, &rows[3..]), now()).unwrap();
    assert_eq!(query(&workspace, text).await, rows, "buffered");
    workspace.flush(now()).await.unwrap();
    assert_eq!(query(&workspace, text).await, rows, "in a file");
    let path = workspace.path().to_path_buf();
    drop(workspace);
    let workspace = self::workspace(path.parent().unwrap(), "").await;
    assert_eq!(query(&workspace, text).await, rows, "opened again");
    // A second file, so that there is something to put together.
    workspace.append("T", &columns, batch(&columns, &[value(6)]), now()).unwrap();
    workspace.compact(None, now()).await.unwrap();
    assert_eq!(status(&workspace, "T").files, 1);
    let all: Vec<Vec<Val<'static>>> = rows.into_iter().chain([value(6)]).collect();
    assert_eq!(query(&workspace, text).await, all, "put together");
    let exact =
        format!("T | where t == datetime({}) | count", kql_functions::text::datetime(2 * 630_000_000_000_000_007));
    assert_eq!(query(&workspace, &exact).await, [[Val::Long(1)]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_grows_by_the_columns_of_later_rows() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = workspace(folder.path(), "").await;
    for (n, name) in ["a", "b", "c"].into_iter().enumerate() {
        let columns = named(&[("TimeGenerated", Type::DateTime), (name, Type::Long)]);
        let row = vec![Val::DateTime(NOW + n as i64), Val::Long(n as i64)];
        workspace.append("T", &columns, batch(&columns, &[row]), now()).unwrap();
        if name != "c" {
            workspace.flush(now()).await.unwrap();
        }
    }
    let expected = |n: i64| (0..3).map(|at| if at == n { Val::Long(n) } else { Val::Null }).collect::<Vec<_>>();
    let text = "T | sort by TimeGenerated asc | project a, b, c";
    let all: Vec<Vec<Val<'static>>> = (0..3).map(expected).collect();
    assert_eq!(query(&workspace, text).await, all);
    assert_eq!(files(&workspace, "T").len(), 2);
    workspace.compact(None, now()).await.unwrap();
    assert_eq!(query(&workspace, text).await, all);
    assert_eq!(query(&workspace, "T | where b == 1 or isnull(c) | count").await, [[Val::Long(2)]]);
}

/// Rows a second apart, the last one at `last`; `_TimeReceived` an hour after TimeGenerated.
fn seconds(last: i64, rows: i64) -> (Vec<(String, Type)>, RecordBatch) {
    let columns = named(&[("TimeGenerated", Type::DateTime), ("n", Type::Long), ("_TimeReceived", Type::DateTime)]);
    let row = |n: i64| {
        let at = last - (rows - 1 - n) * SECOND;
        vec![Val::DateTime(at), Val::Long(n), Val::DateTime(at + 3600 * SECOND)]
    };
    let batch = batch(&columns, &(0..rows).map(row).collect::<Vec<_>>());
    (columns, batch)
}

#[tokio::test(flavor = "multi_thread")]
async fn files_outside_the_asked_times_are_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = workspace(folder.path(), "").await;
    // A file of each of the last five days; only that of the last one stays on the disk.
    for day in (0..5).rev() {
        let (columns, batch) = seconds(NOW - day * 86_400 * SECOND, 3600);
        workspace.append("T", &columns, batch, now()).unwrap();
        let before = files(&workspace, "T");
        workspace.flush(now()).await.unwrap();
        let new: Vec<PathBuf> = files(&workspace, "T").difference(&before).cloned().collect();
        assert_eq!(new.len(), 1);
        if day > 0 {
            fs::remove_file(&new[0]).unwrap();
        }
    }
    for condition in [
        "TimeGenerated between (ago(5m) .. now())",
        "TimeGenerated > ago(5m) and n > 0",
        "TimeGenerated >= ago(1h) and TimeGenerated < now() + 1s and n in (3299, 3300)",
        "now() - 5m < TimeGenerated",
    ] {
        let counted = query(&workspace, &format!("T | where {condition} | count")).await;
        assert!(matches!(counted[0][0], Val::Long(n) if n > 0), "{condition}: {counted:?}");
    }
    assert!(try_query(&workspace, "T | summarize sum(n)", None).await.is_err(), "the files are gone");
    let window = |column, shift: i64| Some(Scope { column, from: NOW + shift - 300 * SECOND, to: NOW + shift });
    for scope in [window(ScopeColumn::TimeGenerated, 0), window(ScopeColumn::IngestionTime, 3600 * SECOND)] {
        assert_eq!(
            try_query(&workspace, "T | summarize count(), max(n)", scope).await.unwrap(),
            [[Val::Long(301), Val::Long(3599)]]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_groups_outside_the_asked_times_are_not_read() {
    const ROWS: i64 = 400_000;
    let folder = tempfile::tempdir().unwrap();
    let workspace = workspace(folder.path(), "").await;
    let (columns, batch) = seconds(NOW, ROWS);
    workspace.append("T", &columns, batch, now()).unwrap();
    workspace.flush(now()).await.unwrap();
    let file = files(&workspace, "T").into_iter().next().unwrap();
    // All row groups but the last are made unreadable.
    let reader = SerializedFileReader::new(fs::File::open(&file).unwrap()).unwrap();
    let groups = reader.metadata().row_groups().to_vec();
    assert!(groups.len() > 2, "{} row groups", groups.len());
    let mut bytes = fs::read(&file).unwrap();
    for column in groups[..groups.len() - 1].iter().flat_map(|group| group.columns()) {
        let (start, length) = column.byte_range();
        bytes[start as usize..(start + length) as usize].fill(0xff);
    }
    fs::write(&file, bytes).unwrap();
    let counted =
        query(&workspace, "T | where TimeGenerated between (ago(5m) .. now()) | summarize count(), max(n)").await;
    assert_eq!(counted, [[Val::Long(301), Val::Long(ROWS - 1)]]);
    let window = Scope { column: ScopeColumn::IngestionTime, from: NOW + 3300 * SECOND, to: NOW + 3600 * SECOND };
    let counted = try_query(&workspace, "T | summarize count(), max(n)", Some(window)).await.unwrap();
    assert_eq!(counted, [[Val::Long(301), Val::Long(ROWS - 1)]]);
    assert!(try_query(&workspace, "T | summarize sum(n)", None).await.is_err(), "the row groups are unreadable");
}

#[tokio::test(flavor = "multi_thread")]
async fn putting_files_together_keeps_all_rows_and_retention_takes_old_ones() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = workspace(folder.path(), "retention = '2d'\nkeep_removed = '0s'\n").await;
    for day in [0, 1, 5] {
        for part in 0..8 {
            let (columns, batch) = seconds(NOW - day * 86_400 * SECOND - part * 1000 * SECOND, 1000);
            workspace.append("T", &columns, batch, now()).unwrap();
            workspace.flush(now()).await.unwrap();
        }
    }
    assert_eq!(status(&workspace, "T").files, 24);
    let done = workspace.maintain(now()).await.unwrap();
    // Files whose rows are all too old go; sixteen small ones are then put together.
    assert_eq!((done.expired, done.compacted), (8, 16));
    let left = query(&workspace, "T | summarize count(), dcount(TimeGenerated, 4), min(n), max(n)").await;
    assert_eq!(left[0][0], Val::Long(16_000));
    assert_eq!((left[0][2].clone(), left[0][3].clone()), (Val::Long(0), Val::Long(999)));
    assert_eq!(query(&workspace, "T | where TimeGenerated < ago(2d) | count").await, [[Val::Long(0)]]);
    assert_eq!(status(&workspace, "T").rows, 16_000);
    assert_eq!(files(&workspace, "T").len(), 1, "what was removed is deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_files_of_every_form_are_taken_in_whole() {
    const ROWS: usize = 60_000;
    let folder = tempfile::tempdir().unwrap();
    let workspace = workspace(folder.path(), "file_bytes = 200000\n").await;
    let time = |n: usize| kql_functions::text::datetime(NOW - n as i64 * SECOND / 100);
    let json = |n: usize| format!("{{\"TimeGenerated\":\"{}\",\"n\":{n},\"s\":\"text {}\"}}\n", time(n), n * 7919);
    let csv = |n: usize| format!("{},{n},text {}\n", time(n), n * 7919);
    let header = "TimeGenerated [UTC],n,s\n".to_string();
    let broken = "{\"n\": broken\n".to_string();
    let cases = [
        ("Lines", "jsonl", (0..ROWS).map(json).collect::<String>() + &broken, 1),
        ("Fields", "csv", header + &(0..ROWS).map(csv).collect::<String>(), 0),
    ];
    for (table, ending, text, rejected) in cases {
        let path = folder.path().join(format!("{table}.{ending}"));
        fs::write(&path, text).unwrap();
        let file = IngestFile { path, table: table.to_string(), again: false, keep_received: false };
        let IngestOutcome::Taken { ingest, .. } = workspace.ingest(&file, now()).await.unwrap() else {
            panic!("{table}: not taken in")
        };
        assert_eq!((ingest.rows, ingest.rejected), (ROWS as u64, rejected), "{table}");
        let sum = (ROWS * (ROWS - 1) / 2) as i64;
        let text = format!("{table} | summarize count(), sum(n), countif(s == strcat('text ', n * 7919))");
        let found = query(&workspace, &text).await;
        assert_eq!(found, [[Val::Long(ROWS as i64), Val::Long(sum), Val::Long(ROWS as i64)]], "{table}");
        assert!(status(&workspace, table).files > 1, "{table}: several files");
        assert!(matches!(workspace.ingest(&file, now()).await.unwrap(), IngestOutcome::Known(_)));
    }
}
