//! `picquet convert`, `picquet diff` and `picquet drift` as they are used.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const RULE: &str = "id: 00000000-0000-4000-8000-000000000001\nname: Failed sign-ins\nversion: 1.0.0\nkind: Scheduled\nseverity: Low\n\
                    queryFrequency: 1h\nqueryPeriod: 1d\ntriggerOperator: gt\ntriggerThreshold: 0\nrelevantTechniques: [T1059.001]\ntags: [mine]\n\
                    query: |\n  // who\n  S\n  | where Code != 0\n";

fn picquet(folder: &Path, words: &[&str]) -> Output {
    support::picquet().current_dir(folder).args(words).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Standard output, where the status is the expected one.
fn answer(folder: &Path, status: i32, words: &[&str]) -> String {
    let output = picquet(folder, words);
    assert_eq!(output.status.code(), Some(status), "{words:?}\n{}\n{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("rules/deep")).unwrap();
    fs::write(folder.path().join("rules/a.yaml"), RULE).unwrap();
    let other = RULE.replace("000000000001", "000000000002").replace("Failed", "Other").replace("1.0.0", "2.0.0");
    fs::write(folder.path().join("rules/deep/b.yaml"), other).unwrap();
    folder
}

#[test]
fn there_and_back() {
    let folder = folder();
    let at = folder.path();
    let arm = answer(at, 0, &["convert", "rules/a.yaml", "--to", "arm", "--name-prefix", "[x] "]);
    let template: Value = serde_json::from_str(&arm).unwrap();
    let resource = &template["resources"][0];
    assert_eq!(resource["apiVersion"], "2023-12-01-preview");
    assert_eq!(resource["properties"]["displayName"], "[x] Failed sign-ins");
    assert_eq!(resource["properties"]["queryPeriod"], "P1D");
    assert_eq!(resource["properties"]["techniques"], serde_json::json!(["T1059"]));
    assert_eq!(resource["properties"]["subTechniques"], serde_json::json!(["T1059.001"]));
    assert_eq!(resource["metadata"]["picquet"]["tags"], serde_json::json!(["mine"]));

    for form in ["workspace", "extension", "solution"] {
        answer(at, 0, &["convert", "rules", "--to", "arm", "--form", form, "--out", "all.json"]);
        answer(at, 0, &["diff", "rules", "all.json"]);
        answer(at, 0, &["convert", "all.json", "--to", "yaml", "--out", "back/"]);
        answer(at, 0, &["diff", "rules", "back"]);
        let back = at.join("back/all/00000000-0000-4000-8000-000000000001.yaml");
        assert!(fs::read_to_string(back).unwrap().contains("query: |\n  // who\n  S\n  | where Code != 0\n"));
        fs::remove_dir_all(at.join("back")).unwrap();
    }
    answer(at, 0, &["convert", "rules", "--to", "bicep", "--out", "bicep/"]);
    assert!(at.join("bicep/deep/b.bicep").is_file());
}

#[test]
fn losses_are_told_and_reported() {
    let folder = folder();
    let at = folder.path();
    let output = picquet(at, &["convert", "rules", "--to", "terraform", "--out", "tf/", "--report", "report.json"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("rules/a.yaml: subTechniques: not carried"), "{}", text(&output.stderr));
    for name in ["a.tf", "deep-b.tf", "providers.tf"] {
        assert!(at.join("tf").join(name).is_file(), "{name}");
    }
    let report: Value = serde_json::from_str(&fs::read_to_string(at.join("report.json")).unwrap()).unwrap();
    assert_eq!((&report["rules"], &report["notes"][0]["kind"]), (&Value::from(2), &Value::from("lost")));
    answer(at, 3, &["convert", "rules/a.yaml", "--to", "arm", "--form", "payload"]);
    answer(at, 3, &["convert", "rules/a.yaml", "--to", "arm", "--api-version", "2022-11-01"]);
    answer(at, 1, &["convert", "nowhere.yaml", "--to", "arm"]);
    answer(at, 2, &["convert", "rules", "--to", "xml"]);
}

#[test]
fn parameters_of_templates_that_are_read() {
    let folder = folder();
    let at = folder.path();
    let template = r#"{"parameters": {"q": {"type": "string"}, "workspace": {"type": "string"}}, "resources": [{
        "type": "Microsoft.OperationalInsights/workspaces/providers/alertRules", "kind": "NRT", "condition": "[x()]",
        "name": "[concat(parameters('workspace'), '/Microsoft.SecurityInsights/r')]",
        "properties": {"displayName": "one", "severity": "Low", "enabled": true, "query": "[parameters('q')]"}}]}"#;
    fs::write(at.join("t.json"), template).unwrap();
    fs::write(at.join("p.json"), r#"{"parameters": {"q": {"value": "U"}}}"#).unwrap();
    answer(at, 1, &["convert", "t.json", "--to", "yaml"]);
    let by_file = answer(at, 3, &["convert", "t.json", "--to", "yaml", "--parameters", "p.json"]);
    assert_eq!(by_file, "id: r\nname: one\nkind: NRT\nseverity: Low\nquery: |-\n  U\n");
    let by_word =
        answer(at, 3, &["convert", "t.json", "--to", "yaml", "--parameters", "p.json", "--set", "q=T | count"]);
    assert!(by_word.contains("T | count"), "{by_word}");
}

#[test]
fn changes_between_files_and_revisions() {
    let folder = folder();
    let at = folder.path();
    let git = |words: &[&str]| {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"];
        Command::new("git").current_dir(at).args(identity).args(words).output().is_ok_and(|o| o.status.success())
    };
    let has_git = git(&["init", "-q"]) && git(&["add", "rules"]) && git(&["commit", "-q", "-m", "rules"]);
    let old = at.join("old.yaml");
    fs::write(&old, RULE).unwrap();
    let layout = RULE.replace("// who\n  S\n  | where Code != 0", "S | where (Code != 0)").replace("1d", "24h");
    fs::write(at.join("rules/a.yaml"), layout).unwrap();
    answer(at, 0, &["diff", "old.yaml", "rules/a.yaml"]);

    let changed = RULE.replace("!= 0", "== 5").replace("severity: Low", "severity: High");
    fs::write(at.join("rules/a.yaml"), &changed).unwrap();
    let shown = answer(at, 3, &["diff", "old.yaml", "rules/a.yaml"]);
    let expected = "changed  Failed sign-ins (00000000-0000-4000-8000-000000000001)  rules/a.yaml\n  severity: Low -> High\n  query:\n      S\n    \
                    - | where Code != 0\n    + | where Code == 5\n1 changed, 0 added, 0 removed, 0 the same\n";
    assert_eq!(shown, expected);

    fs::create_dir(at.join("logs")).unwrap();
    let rows =
        "TimeGenerated,Code,User\n2026-03-14T01:00:00Z,5,a\n2026-03-14T02:00:00Z,7,b\n2026-03-14T03:00:00Z,0,c\n";
    fs::write(at.join("logs/S.csv"), rows).unwrap();
    let words =
        ["diff", "old.yaml", "rules/a.yaml", "--data", "logs", "--end", "2026-03-14T12:00:00Z", "--format", "json"];
    let answered: Value = serde_json::from_str(&answer(at, 3, &words)).unwrap();
    let data = &answered["rules"][0]["data"];
    assert_eq!((&data["old"]["rows"], &data["new"]["rows"]), (&Value::from(2), &Value::from(1)), "{answered}");
    assert_eq!(data["rows"]["removed"][0]["User"], "b");
    assert_eq!(
        (data["rows"]["added"].as_array().unwrap().len(), &answered["summary"]["changed"]),
        (0, &Value::from(1))
    );

    if !has_git {
        eprintln!("skipped: there is no git");
        return;
    }
    answer(at, 0, &["diff", "HEAD:rules/deep", "rules/deep"]);
    fs::remove_file(at.join("rules/deep/b.yaml")).unwrap();
    let shown = answer(at, 3, &["diff", "HEAD:rules", "rules"]);
    assert!(shown.ends_with("1 changed, 0 added, 1 removed, 0 the same\n"), "{shown}");
    answer(&at.join("rules"), 3, &["diff", "HEAD:./a.yaml", "a.yaml"]);
    answer(at, 1, &["diff", "HEAD:nowhere", "rules"]);
}

#[test]
fn drift_from_the_repository() {
    let folder = folder();
    let at = folder.path();
    let export = answer(at, 0, &["convert", "rules", "--to", "arm"]);
    fs::write(at.join("export.json"), &export).unwrap();
    answer(at, 0, &["drift", "rules", "export.json"]);
    let changed =
        export.replace("\"severity\": \"Low\"", "\"severity\": \"High\"").replace("000000000002", "000000000003");
    let changed = changed.replace("Other sign-ins", "New");
    fs::write(at.join("export.json"), changed).unwrap();
    let shown = answer(at, 3, &["drift", "rules", "export.json"]);
    assert!(shown.contains("missing  Other sign-ins") && shown.contains("extra    New"), "{shown}");
    assert!(shown.contains("  severity: Low -> High\n"), "{shown}");
    assert!(shown.ends_with("1 missing, 1 extra, 1 changed, 0 as in the repository\n"), "{shown}");
    let json: Value =
        serde_json::from_str(&answer(at, 3, &["drift", "rules", "export.json", "--format", "json"])).unwrap();
    assert_eq!(json["changed"][0]["changes"][0]["path"], "severity");
}
