//! Tables as another program reads them: the Python package `deltalake` sees the rows that Picquet sees.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, clippy::indexing_slicing)]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value};
use support::service::{TestWorkspace, done};

/// The Python that has the package, where there is one.
fn python() -> Option<String> {
    let python = std::env::var("PICQUET_TEST_PYTHON").unwrap_or_else(|_| "python3".to_string());
    let there = Command::new(&python).args(["-c", "import deltalake, pyarrow"]).output();
    if there.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    eprintln!("skipped: {python} has no packages deltalake and pyarrow");
    None
}

/// A row; what has no value is left out, and the tick of 100 ns beside a time.
type Row = Map<String, Value>;

fn sorted(rows: Vec<Row>) -> Vec<String> {
    let has_value = |(name, value): &(&String, &Value)| !value.is_null() && **value != "" && !name.ends_with("__ticks");
    let text = |row: &Row| format!("{:?}", row.iter().filter(has_value).collect::<BTreeMap<_, _>>());
    let mut texts: Vec<String> = rows.iter().map(text).collect();
    texts.sort();
    texts
}

/// What `deltalake` reads.
fn theirs(python: &str, table: &Path) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/delta_reader.py");
    let text = done(Command::new(python).arg(script).arg(table));
    sorted(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// What Picquet reads, with times as the other program tells them.
fn ours(workspace: &TestWorkspace) -> Vec<String> {
    let query = "Events_CL | extend TimeGenerated = tolong(TimeGenerated - datetime(1970-01-01)) / 10, \
                 _TimeReceived = tolong(ingestion_time() - datetime(1970-01-01)) / 10, \
                 More = tostring(More), Took = tolong(Took), Share = todouble(Share)";
    let rows = workspace.query(query);
    sorted(rows.into_iter().map(|row| row.as_object().unwrap().clone()).collect())
}

fn compare(python: &str, workspace: &TestWorkspace, rows: usize) {
    let (ours, theirs) = (ours(workspace), theirs(python, &workspace.path().join("tables/Events_CL")));
    assert_eq!(ours.len(), rows);
    let differences: Vec<_> = ours.iter().zip(&theirs).filter(|(ours, theirs)| ours != theirs).take(3).collect();
    assert!(
        ours.len() == theirs.len() && differences.is_empty(),
        "{} and {}: {differences:#?}",
        ours.len(),
        theirs.len()
    );
}

#[test]
fn deltalake_reads_the_same_rows() {
    let Some(python) = python() else { return };
    let workspace = TestWorkspace::new("[tables.Events_CL]\nretention = \"3650d\"\n");
    let ingest = |number: usize, text: &str| {
        let file = workspace.file(&format!("Events_CL.{number}.jsonl"), text);
        workspace.run(&["ingest", file.to_str().unwrap()]);
        workspace.workspace("compact", &["--table", "Events_CL"])
    };
    let line = |id: usize, more: &str| {
        format!(
            "{{\"TimeGenerated\":\"2026-03-14T10:{:02}:{:02}.123456Z\",\"Id\":{id},\"Name\":\"n{}\",\"Share\":{}.5,\
             \"Took\":{id}{more}}}\n",
            id / 60 % 60,
            id % 60,
            id % 7,
            id % 5,
        )
    };
    let some = |from: usize, to: usize, more: &str| (from..to).map(|id| line(id, more)).collect::<String>();
    ingest(1, &some(0, 500, ",\"More\":{\"a\":[1,2]}"));
    compare(&python, &workspace, 500);
    // Columns come, and one goes; a large file; all of it in few files again.
    ingest(2, &some(500, 700, ",\"Late\":true,\"Text\":\"žluťoučký \\u0022\""));
    compare(&python, &workspace, 700);
    ingest(3, &some(700, 25_700, ",\"Late\":false"));
    compare(&python, &workspace, 25_700);
    for number in 4..8 {
        ingest(number, &some(25_700 + number * 10, 25_710 + number * 10, ""));
    }
    compare(&python, &workspace, 25_740);
    // Rows that are past their time go; the rest stays.
    let old = workspace.file("Events_CL.old.jsonl", "{\"TimeGenerated\":\"2009-01-01T00:00:00Z\",\"Id\":1}\n");
    workspace.run(&["ingest", old.to_str().unwrap()]);
    let said = workspace.workspace("compact", &["--table", "Events_CL"]);
    assert!(said.contains("1 dropped by retention"), "{said}");
    compare(&python, &workspace, 25_740);
}
