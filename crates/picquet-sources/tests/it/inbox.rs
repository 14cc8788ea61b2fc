//! Files that arrive in a folder.

use std::fs;
use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use picquet_sources::Inbox;

use crate::support::Files;

fn at(milliseconds: i64) -> Timestamp {
    "2026-03-14T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_millis(milliseconds)
}

fn look(inbox: &Inbox, now: Timestamp) -> Vec<(String, String)> {
    let relative = |path: &Path| path.strip_prefix(inbox.folder()).unwrap().display().to_string();
    let mut arrived: Vec<_> = inbox.scan(now).unwrap().into_iter().map(|a| (relative(&a.path), a.table)).collect();
    arrived.sort();
    arrived
}

#[test]
fn files_arrive_when_they_have_settled() {
    let files = Files::new();
    let inbox = Inbox::open(&files.path().join("inbox"), Inbox::SETTLE).unwrap();
    assert!(look(&inbox, at(0)).is_empty());
    files.write("inbox/AzureActivity.jsonl", "{}");
    let arrived = vec![("AzureActivity.jsonl".to_string(), "AzureActivity".to_string())];
    assert!(look(&inbox, at(0)).is_empty(), "seen for the first time");
    assert!(look(&inbox, at(1999)).is_empty());
    assert_eq!(look(&inbox, at(2000)), arrived);
    assert_eq!(look(&inbox, at(2000)), arrived, "still there");
    files.write("inbox/AzureActivity.jsonl", "{}\n{}");
    assert!(look(&inbox, at(3000)).is_empty(), "grown");
    assert!(look(&inbox, at(4999)).is_empty());
    assert_eq!(look(&inbox, at(5000)), arrived);
    // Of the same size, but changed.
    let file = fs::File::options().write(true).open(files.path().join("inbox/AzureActivity.jsonl")).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1)).unwrap();
    assert!(look(&inbox, at(6000)).is_empty());
    // The clock was set back: the file must settle by the new one.
    assert!(look(&inbox, at(-9000)).is_empty());
    assert_eq!(look(&inbox, at(-7000)), arrived);
    fs::remove_file(files.path().join("inbox/AzureActivity.jsonl")).unwrap();
    assert!(look(&inbox, at(9000)).is_empty());
    let at_once = Inbox::open(&files.path().join("inbox"), Duration::ZERO).unwrap();
    files.write("inbox/AzureActivity.jsonl", "{}");
    assert!(look(&at_once, at(0)).is_empty(), "at least two looks");
    assert_eq!(look(&at_once, at(0)), arrived);
}

#[test]
fn tables_go_by_names_of_files_and_folders() {
    let files = Files::new();
    for name in [
        "AzureActivity.2026-03-14.jsonl.gz",
        "SigninLogs (2).csv",
        "My_Logs_CL-part1.json",
        "other.parquet",
        "AzureActivity/any.csv.gz",
        "AzureActivity/SigninLogs.json",
        "Mine_CL/x.json",
        "2026-03-14/SigninLogs.csv",
        "Mine_CL/deeper/y.json",
        ".hidden.json",
        ".done/AzureActivity.jsonl",
        "growing.jsonl.tmp",
        "growing.csv.PART",
        "notes.txt",
        "Delta/_delta_log/0.json",
        "Delta/a.parquet",
    ] {
        files.write(name, "x");
    }
    let inbox = Inbox::open(files.path(), Duration::ZERO).unwrap();
    inbox.scan(at(0)).unwrap();
    let found: Vec<String> = look(&inbox, at(0)).into_iter().map(|(path, table)| format!("{path}: {table}")).collect();
    let expected = [
        "2026-03-14/SigninLogs.csv: SigninLogs",
        "AzureActivity.2026-03-14.jsonl.gz: AzureActivity",
        "AzureActivity/SigninLogs.json: AzureActivity",
        "AzureActivity/any.csv.gz: AzureActivity",
        "Mine_CL/x.json: Mine_CL",
        "My_Logs_CL-part1.json: My_Logs_CL",
        "SigninLogs (2).csv: SigninLogs",
        "other.parquet: other",
    ];
    assert_eq!(found, expected);
    let mut notes = inbox.take_notes();
    notes.sort();
    for (note, expected) in notes.iter().zip(["Delta skipped", "Mine_CL/deeper skipped", "notes.txt skipped"]) {
        assert!(note.contains(expected), "{notes:?}");
    }
    assert_eq!(notes.len(), 3, "{notes:?}");
    inbox.scan(at(0)).unwrap();
    assert!(inbox.take_notes().is_empty(), "told once");
}

#[test]
fn taken_files_are_moved_and_nothing_is_overwritten() {
    let files = Files::new();
    let inbox = Inbox::open(files.path(), Duration::ZERO).unwrap();
    let relative = |path: &Path| path.strip_prefix(inbox.folder()).unwrap().display().to_string();
    let write = |name: &str, content: &str| {
        files.write(name, content);
        inbox.folder().join(name)
    };
    let mut places = Vec::new();
    for content in ["1", "2", "3"] {
        let path = write("T/x.jsonl.gz", content);
        places.push(relative(&inbox.done(&path).unwrap()));
        assert!(!path.exists());
    }
    assert_eq!(places, [".done/T/x.jsonl.gz", ".done/T/x.2.jsonl.gz", ".done/T/x.3.jsonl.gz"]);
    let held = |name: &str| fs::read_to_string(inbox.folder().join(name)).unwrap();
    assert_eq!((held(&places[0]), held(&places[2])), ("1".to_string(), "3".to_string()));
    let path = write("x.csv", "bad");
    assert_eq!(relative(&inbox.failed(&path, "a zip archive").unwrap()), ".failed/x.csv");
    let path = write("x.csv", "worse");
    assert_eq!(relative(&inbox.failed(&path, "no table\n").unwrap()), ".failed/x.2.csv");
    assert_eq!(held(".failed/x.csv.reason.txt"), "a zip archive\n");
    assert_eq!((held(".failed/x.2.csv.reason.txt"), held(".failed/x.2.csv")), ("no table\n".into(), "worse".into()));
    inbox.scan(at(0)).unwrap();
    assert!(look(&inbox, at(0)).is_empty());
    for path in
        [files.path().join("none.csv"), "/etc/hostname".into(), inbox.folder().join("T/../../x"), inbox.folder().into()]
    {
        assert!(inbox.done(&path).is_err(), "{}", path.display());
    }
}

#[test]
fn wake_ups_come_at_once_after_changes_and_from_time_to_time() {
    let files = Files::new();
    let inbox = Inbox::open(files.path(), Duration::ZERO).unwrap();
    let mut wake_ups = inbox.watch(Duration::from_millis(20));
    assert_eq!(wake_ups.blocking_next(), Some(()), "the first");
    files.write("x.csv", "a\n");
    for _ in 0..3 {
        assert_eq!(wake_ups.blocking_next(), Some(()));
    }
}
