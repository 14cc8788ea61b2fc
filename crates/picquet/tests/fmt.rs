//! `picquet fmt` on real files: queries, rules, standard input.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn picquet(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_picquet")).args(args).output().expect("picquet runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn queries_and_rules_of_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let query = folder.path().join("a.kql");
    let rule = folder.path().join("b.yaml");
    let broken = folder.path().join("c.kql");
    fs::write(&query, "T|where a>1|count").unwrap();
    fs::write(&rule, "id: x # kept\nquery:  |\n    T|count\nname:   \"y\"\n").unwrap();
    fs::write(&broken, "T | where (").unwrap();
    let path = folder.path().to_str().unwrap();

    let checked = picquet(&["fmt", "--check", path]);
    assert!(!checked.status.success());
    assert!(text(&checked.stderr).contains("a.kql") && text(&checked.stderr).contains("b.yaml"));
    assert_eq!(fs::read_to_string(&query).unwrap(), "T|where a>1|count");

    let done = picquet(&["fmt", path]);
    assert!(!done.status.success(), "the broken file is told");
    assert!(text(&done.stderr).contains("c.kql:1"), "{}", text(&done.stderr));
    assert_eq!(fs::read_to_string(&query).unwrap(), "T\n| where a > 1\n| count\n");
    assert_eq!(fs::read_to_string(&rule).unwrap(), "id: x # kept\nquery:  |\n    T\n    | count\nname:   \"y\"\n");
    assert_eq!(fs::read_to_string(&broken).unwrap(), "T | where (");

    fs::remove_file(&broken).unwrap();
    assert!(picquet(&["fmt", "--check", path]).status.success(), "a second run changes nothing");
}

#[test]
fn standard_input() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_picquet"))
        .args(["fmt", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"T|take 1").unwrap();
    let out = child.wait_with_output().unwrap();
    assert_eq!(text(&out.stdout), "T\n| take 1\n");
}

/// Every rule of the corpus: only the lines of the query change, and a second run changes nothing.
#[test]
fn corpus_of_rules() {
    let shared = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/rules");
    if !shared.is_dir() {
        eprintln!("skipped: the rules are not in {}", shared.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let copy = |name: &Path| folder.path().join(name.file_name().unwrap());
    for entry in fs::read_dir(&shared).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "yaml") {
            fs::copy(&path, copy(&path)).unwrap();
        }
    }
    let folder_name = folder.path().to_str().unwrap();
    picquet(&["fmt", folder_name]);
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let (old, new) = (fs::read(shared.join(path.file_name().unwrap())).unwrap(), fs::read(&path).unwrap());
        let around = |bytes: &[u8]| {
            let text = text(bytes);
            let mut inside = false;
            let keep = text.lines().filter(|line| {
                if line.starts_with("query:") {
                    inside = true;
                    return true;
                }
                inside &= line.starts_with([' ', '\t']) || line.trim().is_empty();
                !inside
            });
            keep.map(str::to_string).collect::<Vec<_>>()
        };
        assert_eq!(around(&old), around(&new), "{}", path.display());
    }
    let again = picquet(&["fmt", "--check", folder_name]);
    assert!(!text(&again.stderr).contains("would change, 0"), "{}", text(&again.stderr));
    assert!(text(&again.stderr).contains("0 would change"), "{}", text(&again.stderr));
}
