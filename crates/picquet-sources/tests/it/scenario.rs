//! The scenario of the run-command rule, as JSON lines and as exports of the portal.

use std::path::{Path, PathBuf};

use kql_functions::Type;
use picquet_sources::{FileDatabase, Options};

use crate::support::{Read, read};

fn folder() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/seed-rule/scenario");
    if !path.is_dir() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

const TABLES: [(&str, &[&str]); 3] = [
    ("AzureActivity", &["TimeGenerated", "Caller", "CallerIpAddress", "Authorization", "CorrelationId", "Level"]),
    (
        "DeviceEvents",
        &["TimeGenerated", "ActionType", "AdditionalFields", "DeviceName", "InitiatingProcessCommandLine"],
    ),
    ("DeviceFileEvents", &["TimeGenerated", "DeviceName", "FileName", "FileSize", "InitiatingProcessId"]),
];

/// Times cut to the milliseconds that the portal shows.
fn to_milliseconds(mut read: Read) -> Read {
    for row in &mut read.rows {
        row[0].truncate("2026-03-14T01:53:26.391".len());
    }
    read
}

#[test]
fn the_folder_gives_every_row_once() {
    let Some(folder) = folder() else { return };
    let database = FileDatabase::open(std::slice::from_ref(&folder), Options::default()).unwrap();
    for (table, columns) in TABLES {
        let lines = std::fs::read_to_string(folder.join(format!("{table}.jsonl"))).unwrap().lines().count();
        let rows = read(&database, table, columns).rows.len();
        println!("{table}: {rows} rows");
        assert_eq!(rows, lines, "{table}");
        let note = format!("{table}.csv skipped: same table as {table}.jsonl");
        assert!(database.notes().iter().any(|found| found.ends_with(&note)), "{:?}", database.notes());
    }
    assert!(database.problems().is_empty(), "{:?}", database.problems().problems());
}

#[test]
fn lines_and_portal_exports_hold_the_same_rows() {
    let Some(folder) = folder() else { return };
    for (table, columns) in TABLES {
        let one = |end: &str| {
            let paths = [folder.join(format!("{table}.{end}"))];
            let database = FileDatabase::open(&paths, Options { strict: true, ..Options::default() }).unwrap();
            read(&database, table, columns)
        };
        let (lines, portal) = (one("jsonl"), one("csv"));
        assert_eq!(lines.ty("TimeGenerated"), Some(Type::DateTime));
        assert!(!lines.rows.is_empty());
        assert!(lines.column("TimeGenerated").iter().all(|time| time.starts_with("2026-03-1")));
        assert_eq!(to_milliseconds(lines), to_milliseconds(portal), "{table}");
    }
}

#[test]
fn both_files_given_by_name_are_both_read() {
    let Some(folder) = folder() else { return };
    let paths = [folder.join("DeviceEvents.csv"), folder.join("DeviceEvents.jsonl")];
    let twice = FileDatabase::open(&paths, Options::default()).unwrap();
    let once = FileDatabase::open(&paths[..1], Options::default()).unwrap();
    let rows = |database| read(database, "DeviceEvents", &["DeviceName"]).rows.len();
    assert_eq!(rows(&twice), 2 * rows(&once));
}
