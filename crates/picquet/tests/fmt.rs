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

/// Every rule of the corpus means the same after it, keeps its comments, and a second run changes nothing.
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
        let old = shared.join(path.file_name().unwrap());
        let rules = |path: &Path| picquet_rules::load_path(path).remove(0).rules;
        let diffs = |old: &[_], new: &[_]| {
            picquet_convert::diff_sets(old, new).into_iter().flat_map(|diff| diff.changes).collect::<Vec<_>>()
        };
        assert_eq!(diffs(&rules(&old), &rules(&path)), [], "{}", path.display());
        let comments = |path: &Path| {
            let text = picquet_rules::decode_text(&fs::read(path).unwrap());
            let mut found: Vec<String> =
                text.lines().map(str::trim).filter(|l| l.starts_with('#')).map(str::to_string).collect();
            found.sort();
            found
        };
        assert_eq!(comments(&old), comments(&path), "{}", path.display());
    }
    let again = picquet(&["fmt", "--check", folder_name]);
    assert!(text(&again.stderr).contains("0 would change"), "{}", text(&again.stderr));
}

#[test]
fn rules_are_laid_out() {
    let folder = tempfile::tempdir().unwrap();
    let rule = folder.path().join("rule.yaml");
    fs::write(&rule, "# ours\nname: n # the name\nquery: T|count\nseverity: Low\nid: x\ntactics: [Impact]\n").unwrap();
    let path = rule.to_str().unwrap();
    assert!(picquet(&["fmt", path]).status.success());
    let expected =
        "# ours\nid: x\nname: n # the name\nseverity: Low\ntactics:\n  - Impact\nquery: |-\n  T\n  | count\n";
    assert_eq!(fs::read_to_string(&rule).unwrap(), expected);

    fs::write(&rule, "severity: Low\nquery: |\n  T|count\nid: &x y\n").unwrap();
    let told = picquet(&["fmt", path]);
    assert!(text(&told.stderr).contains("only its query is formatted: it has an anchor"), "{}", text(&told.stderr));
    assert_eq!(fs::read_to_string(&rule).unwrap(), "severity: Low\nquery: |\n  T\n  | count\nid: &x y\n");
}
