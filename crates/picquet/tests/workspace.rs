//! `picquet workspace` and `picquet ingest`, through the real binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, clippy::indexing_slicing)]

mod support;

use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};

use serde_json::{Value, json};
use support::picquet;
use support::service::{TestWorkspace, done, refused, rows};

/// The report on the only file of an ingestion.
fn ingest(workspace: &TestWorkspace, file: &std::path::Path, more: &[&str]) -> Value {
    let arguments = [&["ingest", file.to_str().unwrap(), "--format", "json"][..], more].concat();
    let report: Value = serde_json::from_str(&workspace.run(&arguments)).unwrap();
    assert_eq!(report["files"].as_array().unwrap().len(), 1, "{report}");
    report["files"][0].clone()
}

fn tables(workspace: &TestWorkspace) -> Vec<Value> {
    serde_json::from_str(&workspace.workspace("tables", &["--format", "json"])).unwrap()
}

fn table(workspace: &TestWorkspace, name: &str) -> Value {
    tables(workspace).into_iter().find(|table| table["name"] == name).unwrap_or_default()
}

#[test]
fn init_makes_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("soc");
    let said = done(picquet().args(["workspace", "init"]).arg(&path));
    assert!(said.starts_with("made ") && said.contains("workspace.toml"), "{said}");
    for name in ["rules", "functions", "watchlists", "inbox", "workspace.toml", "state.sqlite"] {
        assert!(path.join(name).exists(), "{name}");
    }
    let said = refused(picquet().args(["workspace", "init"]).arg(&path));
    assert!(said.contains("there is a workspace already"), "{said}");
    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("letter.txt"), "dear").unwrap();
    let said = refused(picquet().args(["workspace", "init"]).arg(&other));
    assert!(said.contains("other") && said.contains("a folder of its own"), "{said}");
    // Settings may be there before.
    let third = folder.path().join("third");
    fs::create_dir(&third).unwrap();
    fs::write(third.join("workspace.toml"), "retention = \"30d\"\n").unwrap();
    done(picquet().args(["workspace", "init"]).arg(&third));
    assert_eq!(fs::read_to_string(third.join("workspace.toml")).unwrap(), "retention = \"30d\"\n");
}

#[test]
fn where_no_workspace_is() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    for arguments in [&["workspace", "status"][..], &["workspace", "tables"], &["workspace", "compact"]] {
        let said = refused(picquet().args(arguments).arg(&nowhere));
        assert!(said.contains("nowhere") && said.contains("picquet workspace init"), "{said}");
    }
    for arguments in [&["query", "T"][..], &["alerts", "list"], &["incidents", "list"], &["rules", "list"], &["serve"]]
    {
        let said = refused(picquet().args(arguments).arg("--workspace").arg(&nowhere));
        assert!(said.contains("nowhere") && said.contains("picquet workspace init"), "{said}");
    }
    // Only to take something in it is made.
    let file = folder.path().join("Events_CL.jsonl");
    fs::write(&file, "{\"Id\":1}\n").unwrap();
    done(picquet().arg("ingest").arg(&file).arg("--workspace").arg(&nowhere));
    assert_eq!(rows(&nowhere, "Events_CL | count")[0]["Count"], 1);
}

#[test]
fn a_workspace_by_a_relative_path() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Events_CL.jsonl"), "{\"Id\":1}\n").unwrap();
    let run = |arguments: &[&str]| done(picquet().args(arguments).current_dir(folder.path()));
    run(&["ingest", "Events_CL.jsonl", "--workspace", "soc"]);
    run(&["workspace", "compact", "soc"]);
    assert!(folder.path().join("soc/tables/Events_CL/_delta_log").is_dir());
    assert_eq!(run(&["query", "Events_CL | project Id", "--format", "jsonl", "--workspace", "soc"]), "{\"Id\":1}\n");
    run(&["workspace", "backup", "soc", "copy"]);
    assert_eq!(run(&["query", "Events_CL | project Id", "--format", "jsonl", "--workspace", "copy"]), "{\"Id\":1}\n");
}

#[test]
fn status_and_tables() {
    let workspace = TestWorkspace::new("retention = \"9000d\"\n");
    let file = workspace.file("Events_CL.jsonl", "{\"TimeGenerated\":\"2026-03-14T10:00:00Z\",\"Id\":1}\n");
    let report = ingest(&workspace, &file, &[]);
    assert_eq!(
        (&report["status"], &report["rows"], &report["table"]),
        (&json!("ingested"), &json!(1), &json!("Events_CL"))
    );
    let status: Value = serde_json::from_str(&workspace.workspace("status", &["--format", "json"])).unwrap();
    assert_eq!(status["tables"][0]["name"], "Events_CL");
    assert_eq!(status["messages"], json!({"pending": 0, "dead": 0}));
    assert_eq!(status["openIncidents"], 0);
    assert!(status["id"].as_str().unwrap().len() == 36);
    let found = table(&workspace, "Events_CL");
    assert_eq!((&found["rows"], &found["buffered"], &found["files"]), (&json!(1), &json!(1), &json!(0)));
    assert_eq!(found["retention"], "P9000D");
    let said = workspace.workspace("compact", &[]);
    assert!(said.starts_with("1 buffered rows put into files"), "{said}");
    let found = table(&workspace, "Events_CL");
    assert_eq!((&found["rows"], &found["buffered"], &found["files"]), (&json!(1), &json!(0), &json!(1)));
    assert_eq!(found["first"], "2026-03-14T10:00:00Z");
    for command in ["status", "tables"] {
        assert!(!workspace.workspace(command, &[]).is_empty());
    }
    assert!(workspace.workspace("tables", &[]).contains("Events_CL"));
}

#[test]
fn a_file_twice_is_noticed() {
    let workspace = TestWorkspace::new("");
    let file = workspace.file("Events_CL.jsonl", "{\"Id\":1}\n{\"Id\":2}\n");
    assert_eq!(ingest(&workspace, &file, &[])["status"], "ingested");
    let other = workspace.file("Events_CL.again.jsonl", "{\"Id\":1}\n{\"Id\":2}\n");
    let report = ingest(&workspace, &other, &[]);
    assert_eq!((&report["status"], &report["rows"]), (&json!("known"), &json!(0)));
    assert_eq!(report["ingestedAs"], file.to_str().unwrap());
    let said = workspace.run(&["ingest", other.to_str().unwrap()]);
    assert!(said.contains("was taken in already") && said.contains("--again"), "{said}");
    assert_eq!(workspace.value("Events_CL | count"), 2);
    assert_eq!(ingest(&workspace, &other, &["--again"])["rows"], 2);
    assert_eq!(workspace.value("Events_CL | count"), 4);
    // Into another table it is another thing.
    assert_eq!(ingest(&workspace, &other, &["--table", "Others_CL"])["rows"], 2);
}

#[test]
fn columns_are_added() {
    let workspace = TestWorkspace::new("");
    let one = workspace.file("Events_CL.1.jsonl", "{\"Id\":1}\n");
    let two = workspace.file("Events_CL.2.jsonl", "{\"Id\":2,\"Name\":\"x\",\"More\":{\"a\":1}}\n");
    ingest(&workspace, &one, &[]);
    workspace.workspace("compact", &[]);
    assert_eq!(ingest(&workspace, &two, &[])["newColumns"], json!(["Name", "More"]));
    let schema = workspace.query("Events_CL | getschema | project ColumnName, ColumnType");
    let ty = |name: &str| schema.iter().find(|row| row["ColumnName"] == name).map(|row| row["ColumnType"].clone());
    assert_eq!(ty("Id"), Some(json!("long")));
    assert_eq!((ty("Name"), ty("More")), (Some(json!("string")), Some(json!("dynamic"))));
    for round in 0..2 {
        let query = "Events_CL | sort by Id asc | project Id, Name, A = toint(More.a)";
        let expected = [json!({"Id": 1, "Name": "", "A": null}), json!({"Id": 2, "Name": "x", "A": 1})];
        assert_eq!(workspace.query(query), expected, "round {round}");
        workspace.workspace("compact", &[]);
    }
    // A known table takes columns as well.
    let known = workspace.file("Syslog.jsonl", "{\"Computer\":\"a\",\"Colour\":\"red\"}\n");
    assert_eq!(ingest(&workspace, &known, &[])["newColumns"], json!(["Colour"]));
    assert_eq!(workspace.value("Syslog | project Colour"), "red");
}

#[test]
fn columns_are_refused() {
    let workspace = TestWorkspace::new("unknown_columns = \"refuse\"\n[tables.Events_CL]\nunknown_columns = \"add\"\n");
    let file = workspace.file("Syslog.jsonl", "{\"Computer\":\"a\",\"Colour\":\"red\"}\n{\"Computer\":\"b\"}\n");
    let report = ingest(&workspace, &file, &[]);
    assert_eq!((&report["rows"], &report["rejected"]), (&json!(1), &json!(1)));
    assert_eq!(workspace.value("Syslog | project Computer"), "b");
    let letter = workspace.query("PicquetDeadLetter_CL").remove(0);
    assert_eq!((&letter["TableName"], &letter["ColumnName"]), (&json!("Syslog"), &json!("Colour")));
    assert!(letter["Reason"].as_str().unwrap().contains("unknown_columns"), "{letter}");
    assert!(letter["RawRecord"].as_str().unwrap().contains("red"), "{letter}");
    for (number, text) in ["{\"Id\":1}\n", "{\"Id\":2,\"Name\":\"x\"}\n"].iter().enumerate() {
        ingest(&workspace, &workspace.file(&format!("Events_CL.{number}.jsonl"), text), &[]);
    }
    assert_eq!(workspace.value("Events_CL | where Name == 'x' | count"), 1);
}

#[test]
fn what_fits_no_schema_is_kept() {
    let workspace = TestWorkspace::new("");
    let text = "{\"TimeGenerated\":\"2026-03-14T10:00:00Z\",\"EventID\":4624}\n\
                {\"TimeGenerated\":\"2026-03-14T10:00:01Z\",\"EventID\":\"many\"}\n\
                {\"TimeGenerated\":\"2026-03-14T10:00:02Z\",\"EventID\":46\n";
    let file = workspace.file("SecurityEvent.jsonl", text);
    let report = ingest(&workspace, &file, &[]);
    assert_eq!((&report["rows"], &report["rejected"]), (&json!(2), &json!(2)), "{report}");
    let said = workspace.run(&["ingest", file.to_str().unwrap(), "--again"]);
    assert!(said.contains("see PicquetDeadLetter_CL"), "{said}");
    let letters = workspace.query(
        "PicquetDeadLetter_CL | summarize take_any(*) by LineNumber | sort by LineNumber asc \
         | project LineNumber, ColumnName, RowKept, RawRecord, SourceFile, Reason",
    );
    assert_eq!(letters.len(), 2, "{letters:?}");
    assert_eq!((&letters[0]["LineNumber"], &letters[0]["ColumnName"]), (&json!(2), &json!("EventID")));
    assert_eq!((&letters[0]["RowKept"], &letters[1]["RowKept"]), (&json!(true), &json!(false)));
    assert!(letters[0]["RawRecord"].as_str().unwrap().contains("many"));
    assert!(letters.iter().all(|row| row["SourceFile"] == file.to_str().unwrap()));
    assert!(letters.iter().all(|row| row["Reason"].as_str().unwrap().len() > 5));
}

#[test]
fn retention_drops_old_files() {
    let workspace = TestWorkspace::new("[tables.Events_CL]\nretention = \"30d\"\n");
    let now = jiff::Timestamp::now();
    let old = workspace.file("Events_CL.1.jsonl", "{\"TimeGenerated\":\"2020-01-01T00:00:00Z\",\"Id\":1}\n");
    let new = workspace.file("Events_CL.2.jsonl", &format!("{{\"TimeGenerated\":\"{now}\",\"Id\":2}}\n"));
    let kept = workspace.file("Others_CL.jsonl", "{\"TimeGenerated\":\"2020-01-01T00:00:00Z\",\"Id\":1}\n");
    ingest(&workspace, &old, &[]);
    assert_eq!(workspace.value("Events_CL | count"), 1);
    let said = workspace.workspace("compact", &[]);
    assert!(said.contains("1 dropped by retention"), "{said}");
    ingest(&workspace, &new, &[]);
    ingest(&workspace, &kept, &[]);
    let said = workspace.workspace("compact", &[]);
    assert!(said.contains("0 dropped by retention"), "{said}");
    assert_eq!(workspace.query("Events_CL | project Id"), [json!({"Id": 2})]);
    assert_eq!(workspace.value("Others_CL | count"), 1);
}

#[test]
fn names_that_no_table_can_have() {
    let workspace = TestWorkspace::new("");
    let file = workspace.file("1-day.jsonl", "{\"Id\":1}\n");
    let said = workspace.refused(&["ingest", file.to_str().unwrap()]);
    assert!(said.contains("'1-day'") && said.contains("--table"), "{said}");
    let said = workspace.refused(&["ingest", file.to_str().unwrap(), "--table", "../up"]);
    assert!(said.contains("'../up'"), "{said}");
    let said = workspace.refused(&["ingest", workspace.beside("none.jsonl").to_str().unwrap()]);
    assert!(said.contains("none.jsonl") && said.contains("no such file"), "{said}");
    // One that fails does not keep another out.
    let good = workspace.file("Good_CL.jsonl", "{\"Id\":1}\n");
    let mut command = picquet();
    command.arg("ingest").arg(&file).arg(&good).arg("--workspace").arg(workspace.path());
    refused(&mut command);
    assert_eq!(workspace.value("Good_CL | count"), 1);
    assert!(tables(&workspace).iter().all(|table| table["name"] == "Good_CL"), "{:?}", tables(&workspace));
}

#[test]
fn settings_that_cannot_be_read() {
    let workspace = TestWorkspace::new("retention = \"90d\"\nflush_rows = \"many\"\n");
    for command in ["status", "tables", "compact"] {
        let said = refused(picquet().args(["workspace", command]).arg(workspace.path()));
        assert!(said.contains("workspace.toml") && said.contains("line 2"), "{said}");
    }
    workspace.put("workspace.toml", "[[output]]\nname = \"soc\"\nkind = \"webhook\"\nurl = \"ftp://a\"\n");
    let said = workspace.refused(&["serve"]);
    assert!(said.contains("soc") && said.contains("url") && said.contains("want http or https"), "{said}");
}

#[test]
fn a_later_format_is_refused() {
    let workspace = TestWorkspace::new("");
    let state = workspace.path().join("state.sqlite");
    // SQLite keeps the format in bytes 60 to 63 of the file.
    let mut file = fs::File::options().write(true).open(&state).unwrap();
    file.seek(SeekFrom::Start(60)).unwrap();
    file.write_all(&99_u32.to_be_bytes()).unwrap();
    drop(file);
    for arguments in [&["workspace", "status"][..], &["workspace", "compact"]] {
        let said = refused(picquet().args(arguments).arg(workspace.path()));
        assert!(said.contains("format 99") && said.contains("use a later version"), "{said}");
    }
}

#[test]
fn what_is_not_there() {
    let workspace = TestWorkspace::new("");
    for (arguments, expected) in [
        (&["alerts", "show", "abc"][..], "there is no alert abc"),
        (&["incidents", "show", "7"], "there is no incident 7"),
        (&["incidents", "reopen", "7"], "there is no incident 7"),
        (&["rules", "enable", "Nothing"], "the workspace has no rule 'Nothing'"),
        (&["rules", "disable", "Nothing"], "the workspace has no rule 'Nothing'"),
    ] {
        let said = workspace.refused(arguments);
        assert!(said.contains(expected), "{said}");
    }
    let said = refused(picquet().args(["workspace", "compact", "--table", "None_CL"]).arg(workspace.path()));
    assert!(said.contains("no table None_CL"), "{said}");
    for kind in ["alerts", "incidents", "rules"] {
        assert!(workspace.run(&[kind, "list"]).starts_with("no "), "{kind}");
        assert_eq!(workspace.json(&[kind, "list"]), json!([]));
    }
    assert_eq!(workspace.json(&["rules", "runs"]), json!([]));
}

#[test]
fn many_rows_go_to_files_at_once() {
    let workspace = TestWorkspace::new("");
    let text: String = (0..25_000).map(|row| format!("{{\"Id\":{row}}}\n")).collect();
    let file = workspace.file("Events_CL.jsonl", &text);
    assert_eq!(ingest(&workspace, &file, &[])["rows"], 25_000);
    let found = table(&workspace, "Events_CL");
    assert_eq!((&found["rows"], &found["buffered"]), (&json!(25_000), &json!(0)));
    assert_eq!(workspace.value("Events_CL | summarize count_distinct(Id)"), 25_000);
    assert_eq!(ingest(&workspace, &file, &[])["status"], "known");
}
