//! Lines appended to files.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::Path;

use picquet_notify::Output;
use serde_json::Value;
use support::{alert, now, output};

fn file(path: &Path, settings: &str) -> Output {
    output(&format!("kind = \"jsonl\"\npath = '{}'\n{settings}", path.display()))
}

fn ids(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text:?}");
    let id = |line: &str| match serde_json::from_str::<Value>(line) {
        Ok(value) => value["id"].as_str().unwrap().to_owned(),
        Err(_) => format!("torn {line}"),
    };
    text.lines().map(id).collect()
}

#[test]
fn appends_and_makes_folders() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/out.jsonl");
    let output = file(&path, "");
    for id in ["m-1", "m-2"] {
        output.send(&alert(id), now()).unwrap();
    }
    assert_eq!(ids(&path), ["m-1", "m-2"]);
}

#[test]
fn a_torn_line_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    fs::write(&path, "{\"id\":\"m-0\"}\n{\"id\":\"m-").unwrap();
    file(&path, "").send(&alert("m-1"), now()).unwrap();
    assert_eq!(ids(&path), ["m-0", "torn {\"id\":\"m-", "m-1"]);
}

#[test]
fn follows_the_rotation_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    let output = file(&path, "");
    output.send(&alert("m-1"), now()).unwrap();
    fs::rename(&path, folder.path().join("old")).unwrap();
    output.send(&alert("m-2"), now()).unwrap();
    assert_eq!((ids(&folder.path().join("old")), ids(&path)), (vec!["m-1".to_owned()], vec!["m-2".to_owned()]));
    // Cut short in place.
    fs::write(&path, "").unwrap();
    output.send(&alert("m-3"), now()).unwrap();
    assert_eq!(ids(&path), ["m-3"]);
}

#[test]
fn rotates_by_size() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    let template = "template = '{\"id\": {{ message.id | json }}}'";
    let output = file(&path, &format!("rotate = {{ max_bytes = 30, keep = 2 }}\n{template}"));
    // A line is 14 bytes: two to a file.
    for id in 1..=9 {
        output.send(&alert(&format!("m-{id}")), now()).unwrap();
    }
    let numbered = |number: u32| folder.path().join(format!("out.jsonl.{number}"));
    assert_eq!(ids(&path), ["m-9"]);
    assert_eq!(ids(&numbered(1)), ["m-7", "m-8"]);
    assert_eq!(ids(&numbered(2)), ["m-5", "m-6"]);
    assert!(!numbered(3).exists());
}

#[test]
fn a_line_larger_than_a_file_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    let output = file(&path, "rotate = { max_bytes = 1 }");
    for id in ["m-1", "m-2"] {
        output.send(&alert(id), now()).unwrap();
    }
    assert_eq!((ids(&path), ids(&folder.path().join("out.jsonl.1"))), (vec!["m-2".to_owned()], vec!["m-1".to_owned()]));
}

#[test]
fn writers_at_once_lose_and_tear_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    let settings = "rotate = { max_bytes = 200, keep = 50 }\ntemplate = '{\"id\": {{ message.id | json }}}'";
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let path = &path;
            scope.spawn(move || {
                let output = file(path, settings);
                for line in 0..10 {
                    output.send(&alert(&format!("{writer}-{line}")), now()).unwrap();
                }
            });
        }
    });
    let mut all: Vec<String> =
        fs::read_dir(folder.path()).unwrap().flat_map(|entry| ids(&entry.unwrap().path())).collect();
    all.sort();
    let expected: Vec<String> = (0..4).flat_map(|writer| (0..10).map(move |line| format!("{writer}-{line}"))).collect();
    assert_eq!(all, expected);
}

#[test]
fn templates_give_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    file(&path, "template = \"a\\n{{ message.id }}\\n\"").send(&alert("m-1"), now()).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "a m-1\n");
}

#[cfg(unix)]
#[test]
fn devices_have_no_lines_to_end() {
    file(Path::new("/dev/null"), "rotate = { max_bytes = 1 }").send(&alert("m-1"), now()).unwrap();
    assert!(!Path::new("/dev/null.1").exists());
}

#[test]
fn what_cannot_be_written_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file/out.jsonl");
    fs::write(folder.path().join("file"), "").unwrap();
    let error = file(&path, "").send(&alert("m-1"), now()).unwrap_err();
    assert!(error.retry && error.message.starts_with(&format!("{} cannot be written: ", path.display())), "{error:?}");
}
