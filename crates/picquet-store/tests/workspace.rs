//! Workspaces as a whole: what is written is read once, at every moment, and after every kind of end.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use kql_engine::{Engine, EngineOptions, QueryOptions, json};
use picquet_sources::ExternalPolicy;
use picquet_store::{Access, IngestFile, IngestOutcome, Settings, StoreError, Workspace};
use serde_json::{Value, json};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-03-15T12:00:00Z")
}

/// A new workspace in a folder of its own.
fn made(settings: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w");
    Workspace::init(&path).unwrap();
    fs::write(path.join("workspace.toml"), settings).unwrap();
    (dir, path)
}

async fn open(path: &Path, access: Access) -> Workspace {
    Workspace::open(path, access, ExternalPolicy::default()).await.unwrap()
}

/// The rows of a query, as JSON.
async fn rows(workspace: &Workspace, query: &str) -> Value {
    let engine = Engine::new(&EngineOptions::default()).unwrap();
    let snapshot = workspace.snapshot().unwrap();
    let answer = engine.query(query, &snapshot, &QueryOptions::default()).await.unwrap();
    let row = |row: Vec<kql_functions::Val<'_>>| Value::Array(row.iter().map(json::to_json).collect());
    answer.result.rows().map(|r| row(r.to_vec())).collect()
}

async fn ingest(workspace: &Workspace, path: &Path, table: &str) -> Result<IngestOutcome, StoreError> {
    let file = IngestFile { path: path.to_path_buf(), table: table.to_string(), again: false, keep_received: false };
    workspace.ingest(&file, now()).await
}

/// Writes lines of `{"Id": n, …}` to a file.
fn lines(dir: &Path, name: &str, ids: std::ops::Range<usize>, more: &str) -> PathBuf {
    let path = dir.join(name);
    let line = |n: usize| format!("{{\"TimeGenerated\":\"2026-03-15T00:00:00.1234567Z\",\"Id\":{n}{more}}}\n");
    fs::write(&path, ids.map(line).collect::<String>()).unwrap();
    path
}

const IDS: &str = "T_CL | summarize count(), dcount(Id), min(Id), max(Id)";

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_read_once_in_buffer_and_files_and_after_reopening() {
    let (dir, path) = made("");
    let small = lines(dir.path(), "small.jsonl", 0..10, "");
    let large = lines(dir.path(), "large.jsonl", 10..25_010, "");
    let workspace = open(&path, Access::Own).await;
    for file in [&small, &large] {
        assert!(matches!(ingest(&workspace, file, "T_CL").await.unwrap(), IngestOutcome::Taken { .. }));
    }
    let expected = json!([[25_010, 25_010, 0, 25_009]]);
    let all = "T_CL | summarize count(), count_distinct(Id), min(Id), max(Id)";
    assert_eq!(rows(&workspace, all).await, expected, "ten rows buffered, the others in a file");
    let before = workspace.snapshot().unwrap();
    assert_eq!(workspace.flush(now()).await.unwrap(), 10);
    assert_eq!(rows(&workspace, all).await, expected);
    let engine = Engine::new(&EngineOptions::default()).unwrap();
    let of_before = engine.query("T_CL | count", &before, &QueryOptions::default()).await.unwrap();
    assert_eq!(of_before.result.row_count(), 1, "a snapshot outlives a flush");
    workspace.compact(None, now()).await.unwrap();
    assert_eq!(rows(&workspace, all).await, expected);
    drop((before, workspace));
    let again = open(&path, Access::Own).await;
    assert_eq!(rows(&again, all).await, expected);
    assert_eq!(
        rows(&again, "T_CL | summarize by TimeGenerated, ingestion_time()").await,
        json!([["2026-03-15T00:00:00.1234567Z", "2026-03-15T12:00:00.0000000Z"]]),
        "ticks of 100 ns are kept"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_commit_and_forgetting_doubles_nothing() {
    let (dir, path) = made("");
    let workspace = open(&path, Access::Own).await;
    ingest(&workspace, &lines(dir.path(), "a.jsonl", 0..10, ""), "T_CL").await.unwrap();
    let kept = dir.path().join("kept.sqlite");
    workspace.backup(&dir.path().join("copy")).unwrap();
    fs::copy(dir.path().join("copy/state.sqlite"), &kept).unwrap();
    workspace.flush(now()).await.unwrap();
    drop(workspace);
    // The state as it was before the flush: the rows are buffered still, and in a file already.
    for ending in ["-wal", "-shm"] {
        let _ = fs::remove_file(path.join(format!("state.sqlite{ending}")));
    }
    fs::copy(&kept, path.join("state.sqlite")).unwrap();
    let shared = open(&path, Access::Share).await;
    assert_eq!(rows(&shared, IDS).await, json!([[10, 10, 0, 9]]), "also for who only reads");
    drop(shared);
    let workspace = open(&path, Access::Own).await;
    assert_eq!(rows(&workspace, IDS).await, json!([[10, 10, 0, 9]]));
    assert_eq!(workspace.tables()[0].buffered, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_owner_and_others_beside_it() {
    let (dir, path) = made("");
    let owner = open(&path, Access::Own).await;
    let refused = Workspace::open(&path, Access::Own, ExternalPolicy::default()).await.err().unwrap().to_string();
    assert!(refused.contains(&format!("(pid {})", std::process::id())) && refused.contains("inbox"), "{refused}");
    let other = open(&path, Access::Share).await;
    let file = lines(dir.path(), "a.jsonl", 0..3, "");
    let error = ingest(&other, &file, "T_CL").await.unwrap_err().to_string();
    assert!(error.contains("reading only"), "{error}");
    // What is written beside the owner, such as a change of an incident, is a row that the owner sees.
    let record = json!({"TimeGenerated": "2026-03-15T00:00:00Z", "Title": "t", "IncidentNumber": 1});
    let record = record.as_object().unwrap().clone();
    other.change(|change| change.append_records("SecurityIncident", &[record], now())).unwrap();
    let query = "SecurityIncident | project Title, IncidentNumber, _TimeReceived";
    let expected = json!([["t", 1, "2026-03-15T12:00:00.0000000Z"]]);
    assert_eq!(rows(&owner, query).await, expected);
    assert_eq!(owner.flush(now()).await.unwrap(), 1);
    assert_eq!(rows(&owner, query).await, expected);
    assert_eq!(rows(&open(&path, Access::Share).await, query).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_content_is_noticed() {
    let (dir, path) = made("");
    let workspace = open(&path, Access::Own).await;
    let file = lines(dir.path(), "a.jsonl", 0..3, "");
    let copy = dir.path().join("copy.jsonl");
    fs::copy(&file, &copy).unwrap();
    ingest(&workspace, &file, "T_CL").await.unwrap();
    let IngestOutcome::Known(known) = ingest(&workspace, &copy, "T_CL").await.unwrap() else {
        panic!("taken in twice");
    };
    assert_eq!((known.rows, known.path), (3, file.display().to_string()));
    assert!(matches!(ingest(&workspace, &copy, "Other_CL").await.unwrap(), IngestOutcome::Taken { .. }));
    let again = IngestFile { path: copy, table: "T_CL".to_string(), again: true, keep_received: false };
    assert!(matches!(workspace.ingest(&again, now()).await.unwrap(), IngestOutcome::Taken { .. }));
    assert_eq!(rows(&workspace, "T_CL | count").await, json!([[6]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_columns_are_added_or_refused() {
    for (settings, columns, letters) in [("", 3, 0), ("unknown_columns = 'refuse'", 2, 2)] {
        let (dir, path) = made(settings);
        let workspace = open(&path, Access::Own).await;
        ingest(&workspace, &lines(dir.path(), "a.jsonl", 0..3, ""), "T_CL").await.unwrap();
        let grown = lines(dir.path(), "b.jsonl", 3..5, ",\"New\":\"x\"");
        ingest(&workspace, &grown, "T_CL").await.unwrap();
        let rows_kept = if letters == 0 { 5 } else { 3 };
        assert_eq!(rows(&workspace, "T_CL | count").await, json!([[rows_kept]]), "{settings}");
        let schema = rows(&workspace, "T_CL | getschema | where ColumnName !startswith '_' | count").await;
        assert_eq!(schema, json!([[columns]]), "{settings}");
        assert_eq!(rows(&workspace, "PicquetDeadLetter_CL | count").await, json!([[letters]]), "{settings}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fits_no_schema_is_a_dead_letter() {
    let (dir, path) = made("");
    let workspace = open(&path, Access::Own).await;
    let file = dir.path().join("SecurityEvent.jsonl");
    let text = "{\"TimeGenerated\":\"2026-03-15T00:00:00Z\",\"EventID\":4625}\nnot json\n{\"EventID\":\"many\"}\n";
    fs::write(&file, text).unwrap();
    let outcome = ingest(&workspace, &file, "SecurityEvent").await.unwrap();
    let IngestOutcome::Taken { ingest, .. } = outcome else { panic!("known") };
    assert_eq!((ingest.rows, ingest.rejected), (2, 2));
    let query =
        "PicquetDeadLetter_CL | sort by LineNumber asc | project TableName, LineNumber, ColumnName, RowKept, RawRecord";
    let expected = json!([
        ["SecurityEvent", 2, "", false, "not json"],
        ["SecurityEvent", 3, "EventID", true, "{\"EventID\":\"many\"}"],
    ]);
    assert_eq!(rows(&workspace, query).await, expected);
    let events =
        rows(&workspace, "SecurityEvent | sort by TimeGenerated asc | project TimeGenerated, EventID, Type").await;
    let expected = json!([
        ["2026-03-15T00:00:00.0000000Z", 4625, "SecurityEvent"],
        ["2026-03-15T12:00:00.0000000Z", null, "SecurityEvent"],
    ]);
    assert_eq!(events, expected, "a row without a time has that of its ingestion");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_past_their_retention_go_with_their_file() {
    let (dir, path) = made("[tables.T_CL]\nretention = '1d'\n");
    let workspace = open(&path, Access::Own).await;
    ingest(&workspace, &lines(dir.path(), "a.jsonl", 0..25_000, ""), "T_CL").await.unwrap();
    assert_eq!(workspace.maintain(at("2026-03-15T23:00:00Z")).await.unwrap().expired, 0);
    assert_eq!(workspace.maintain(at("2026-03-17T00:00:00Z")).await.unwrap().expired, 1);
    assert_eq!(rows(&workspace, "T_CL | count").await, json!([[0]]));
    drop(workspace);
    assert_eq!(rows(&open(&path, Access::Own).await, "T_CL | count").await, json!([[0]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_a_workspace() {
    let (dir, path) = made("");
    let workspace = open(&path, Access::Own).await;
    ingest(&workspace, &lines(dir.path(), "a.jsonl", 0..25_000, ""), "T_CL").await.unwrap();
    ingest(&workspace, &lines(dir.path(), "b.jsonl", 25_000..25_007, ""), "T_CL").await.unwrap();
    let copy = dir.path().join("copy");
    workspace.backup(&copy).unwrap();
    ingest(&workspace, &lines(dir.path(), "c.jsonl", 25_007..25_010, ""), "T_CL").await.unwrap();
    assert_eq!(rows(&open(&copy, Access::Own).await, "T_CL | count").await, json!([[25_007]]));
    let error = workspace.backup(&copy).unwrap_err().to_string();
    assert!(error.contains("not empty"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn library_of_the_folders() {
    let (_dir, path) = made("");
    let function = "{\"name\":\"Doubled\",\"parameters\":\"n:long\",\"query\":\"n * 2\"}\n";
    fs::write(path.join("functions/f.jsonl"), function).unwrap();
    fs::write(path.join("watchlists/Risky#App.csv"), "Id,App\n1,mail\n").unwrap();
    let workspace = open(&path, Access::Own).await;
    let change = workspace.load_library(now()).unwrap();
    assert_eq!((change.written, change.failed), (vec!["Doubled".to_string(), "Risky".to_string()], Vec::new()));
    assert_eq!(rows(&workspace, "print Doubled(21)").await, json!([[42]]));
    let query = "_GetWatchlist('risky') | project SearchKey, Id";
    assert_eq!(rows(&workspace, query).await, json!([["mail", "1"]]));
    assert_eq!(rows(&open(&path, Access::Share).await, query).await, json!([["mail", "1"]]));
    fs::write(path.join("watchlists/Risky#App.csv"), "Id,App\n2,chat\n").unwrap();
    workspace.load_library(now()).unwrap();
    assert_eq!(rows(&workspace, query).await, json!([["chat", "2"]]));
    fs::remove_file(path.join("watchlists/Risky#App.csv")).unwrap();
    assert_eq!(workspace.load_library(now()).unwrap().dropped, ["Risky"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_for_files_whose_rows_it_would_have_to_see() {
    let (dir, path) = made("");
    let workspace = open(&path, Access::Own).await;
    let moment = Duration::from_millis(50);
    assert!(workspace.taken_in(now(), moment).await);
    let file = lines(dir.path(), "a.jsonl", 0..200_000, "");
    let (waited, taken) = tokio::join!(
        async {
            // The ingestion has begun before this is asked, for the other future is polled until its first wait.
            tokio::task::yield_now().await;
            workspace.taken_in(now(), Duration::from_secs(60)).await
        },
        ingest(&workspace, &file, "T_CL"),
    );
    assert!(waited && taken.is_ok());
    assert_eq!(rows(&workspace, "T_CL | count").await, json!([[200_000]]));
}

#[test]
fn folders_that_are_no_workspace() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    assert!(Workspace::init(dir.path()).unwrap_err().to_string().contains("not empty"));
    let (_dir, path) = made("");
    assert!(Workspace::init(&path).unwrap_err().to_string().contains("a workspace already"));
    assert!(Settings::read(&path).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_that_differ_in_case_only() {
    let (dir, path) = made("");
    let workspace = open(&path, Access::Own).await;
    let query = "T_CL | summarize count(), sum(Id), countif(name == 'a'), countif(Name == 'b'), max(When), max(when)";
    let more = ",\"name\":\"a\",\"Name\":\"b\",\"When\":\"2026-03-15T00:00:00.0000001Z\",\
                \"when\":\"2026-03-15T00:00:00.0000002Z\"";
    let times = ["2026-03-15T00:00:00.0000001Z", "2026-03-15T00:00:00.0000002Z"];
    ingest(&workspace, &lines(dir.path(), "a.jsonl", 0..10, more), "T_CL").await.unwrap();
    let expected = json!([[10, 45, 10, 10, times[0], times[1]]]);
    assert_eq!(rows(&workspace, query).await, expected, "buffered");
    workspace.flush(now()).await.unwrap();
    assert_eq!(rows(&workspace, query).await, expected, "in a file");
    // The other way round, and more columns of the name.
    let other = ",\"NAME\":\"c\",\"Name\":\"b\",\"name\":\"a\"";
    ingest(&workspace, &lines(dir.path(), "b.jsonl", 10..25_010, other), "T_CL").await.unwrap();
    workspace.compact(None, now()).await.unwrap();
    drop(workspace);
    let workspace = open(&path, Access::Own).await;
    let query =
        "T_CL | summarize countif(name == 'a'), countif(Name == 'b'), countif(NAME == 'c'), max(When), max(when)";
    assert_eq!(rows(&workspace, query).await, json!([[25_010, 25_010, 25_000, times[0], times[1]]]));
    // Microsoft's own schemas have such columns.
    let diagnostics = dir.path().join("AzureDiagnostics.jsonl");
    fs::write(&diagnostics, "{\"clientIP_s\":\"1.1.1.1\",\"clientIp_s\":\"2.2.2.2\"}\n").unwrap();
    ingest(&workspace, &diagnostics, "AzureDiagnostics").await.unwrap();
    workspace.flush(now()).await.unwrap();
    let query = "AzureDiagnostics | project clientIP_s, clientIp_s";
    assert_eq!(rows(&workspace, query).await, json!([["1.1.1.1", "2.2.2.2"]]));
}
