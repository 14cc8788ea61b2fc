use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use jiff::Timestamp;
use kql_engine::QueryResult;
use kql_functions::{Type, Val};
use serde_json::{Value, json};

use super::generate::{Summary, generate, generate_sized};
use super::report::{Story, render_alert_story};
use crate::output::testing::{json as dynamic, result, time};

fn day() -> Timestamp {
    "2026-03-14T00:00:00Z".parse().unwrap()
}

fn rows(folder: &Path, table: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join(format!("{table}.jsonl"))).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or("")
}

/// What the rule says, by hand: script file, caller, machine and sorted commands of every run that it counts.
fn run_rule(folder: &Path) -> Vec<(String, String, String, Vec<String>)> {
    type Operation = (String, String, bool);
    let mut operations: BTreeMap<(String, String, String), Operation> = BTreeMap::new();
    for row in rows(folder, "AzureActivity") {
        let runs = text(&row, "OperationNameValue")
            .eq_ignore_ascii_case("Microsoft.Compute/virtualMachines/runCommand/action");
        if !runs {
            continue;
        }
        let at = text(&row, "TimeGenerated").to_string();
        let key = ["CorrelationId", "Authorization", "Caller"].map(|key| text(&row, key).to_string());
        let found = operations.entry(key.into()).or_insert((at.clone(), at.clone(), false));
        found.0 = found.0.clone().min(at.clone());
        found.1 = found.1.clone().max(at);
        found.2 |= text(&row, "ActivityStatusValue") == "Success";
    }
    let files = rows(folder, "DeviceFileEvents");
    let files: Vec<&Value> =
        files.iter().filter(|row| text(row, "InitiatingProcessFileName") == "RunCommandExtension.exe").collect();
    let mut scripts: HashMap<(String, String), Vec<String>> = HashMap::new();
    let pattern = "-File script";
    for row in rows(folder, "DeviceEvents") {
        let line = text(&row, "InitiatingProcessCommandLine");
        let Some(start) = line.find(pattern) else { continue };
        let name: String = line[start + 6..].chars().take_while(|c| *c != ' ').collect();
        if !name[6..].starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        let fields: Value = serde_json::from_str(text(&row, "AdditionalFields")).unwrap();
        let command = text(&fields, "Command");
        if command != name {
            scripts.entry((name, line.to_string())).or_default().push(command.to_uppercase());
        }
    }
    let mut found = Vec::new();
    for ((_, authorization, caller), (start, end, succeeded)) in operations {
        let scope: Value = serde_json::from_str(&authorization).unwrap();
        let machine = text(&scope, "scope").rsplit('/').next().unwrap().to_string();
        for file in files.iter().filter(|_| succeeded) {
            let at = text(file, "TimeGenerated").to_string();
            let same = text(file, "DeviceName").split('.').next() == Some(machine.as_str());
            if !same || at < start || at > end {
                continue;
            }
            for ((name, _), commands) in scripts.iter().filter(|((name, _), _)| name == text(file, "FileName")) {
                let mut commands = commands.clone();
                commands.sort();
                found.push((name.clone(), caller.clone(), machine.clone(), commands));
            }
        }
    }
    found
}

fn generated(seed: u64, events: usize) -> (tempfile::TempDir, Summary) {
    let folder = tempfile::tempdir().unwrap();
    let summary = generate_sized(seed, day(), folder.path(), events).unwrap();
    (folder, summary)
}

#[test]
fn the_rule_finds_exactly_the_unique_scripts() {
    for seed in [0, 1, 7, 42, u64::MAX] {
        let (folder, summary) = generated(seed, 3_000);
        let found = run_rule(folder.path());
        assert_eq!(found.len(), summary.seen);
        let mut by_commands: HashMap<&[String], usize> = HashMap::new();
        found.iter().for_each(|(.., commands)| *by_commands.entry(commands).or_default() += 1);
        let mut unique: Vec<_> = found.iter().filter(|(.., commands)| by_commands[commands.as_slice()] == 1).collect();
        unique.sort();
        let mut planted: Vec<_> = summary
            .unique
            .iter()
            .map(|p| (p.file_name.clone(), p.caller.clone(), p.virtual_machine.clone(), p.commands.clone()))
            .collect();
        planted.sort();
        assert_eq!(unique, planted.iter().collect::<Vec<_>>());
        assert_eq!(summary.unique.iter().filter(|p| p.malicious).count(), 6);
        assert!(summary.unique.iter().filter(|p| p.malicious).all(|p| p.caller == summary.attacker));
        assert!(summary.failed >= 2);
    }
}

#[test]
fn a_seed_gives_one_day() {
    let (first, summary) = generated(42, 2_000);
    let (again, same) = generated(42, 2_000);
    let (other, different) = generated(43, 2_000);
    assert_eq!(summary, same);
    assert_ne!(summary.unique, different.unique);
    for table in ["AzureActivity", "DeviceFileEvents", "DeviceEvents"] {
        let read = |folder: &tempfile::TempDir| std::fs::read(folder.path().join(format!("{table}.jsonl"))).unwrap();
        assert!(read(&first) == read(&again));
        assert!(read(&first) != read(&other));
    }
}

#[test]
fn a_day_has_over_100_000_events_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let summary = generate(42, day(), folder.path()).unwrap();
    assert!(summary.events() >= 100_000, "{summary:?}");
    assert!(summary.bytes < 100_000_000, "{summary:?}");
    for (table, events) in &summary.tables {
        let text = std::fs::read_to_string(folder.path().join(format!("{table}.jsonl"))).unwrap();
        assert_eq!(text.lines().count() as u64, *events);
        let times: Vec<&str> = text.lines().map(|line| &line[18..46]).collect();
        assert!(times.is_sorted());
        assert!(times.first() >= Some(&"2026-03-14T00:00:00.0000000Z"));
        assert!(times.last() < Some(&"2026-03-15T00:00:00.0000000Z"));
    }
}

#[test]
fn any_day_will_do() {
    let folder = tempfile::tempdir().unwrap();
    for day in ["0001-01-02T00:00:00Z", "9999-12-28T00:00:00Z", "2026-03-14T11:22:33.4Z"] {
        generate_sized(1, day.parse().unwrap(), folder.path(), 100).unwrap();
    }
    assert!(generate_sized(1, Timestamp::MIN, folder.path(), 100).is_err());
    assert!(generate_sized(1, Timestamp::MAX, folder.path(), 100).is_err());
    assert!(generate_sized(1, day(), &folder.path().join("missing"), 100).is_err());
}

fn findings() -> QueryResult {
    let columns = [
        ("StartTime", Type::DateTime),
        ("PowershellFileName", Type::String),
        ("VirtualMachineName", Type::String),
        ("Caller", Type::String),
        ("CallerIpAddress", Type::String),
        ("PowershellScriptCommands", Type::Dynamic),
        ("PowershellFileSize", Type::Long),
        ("Prevalence", Type::Real),
        ("Scope", Type::Dynamic),
    ];
    let row = |at: &str, file: &'static str, commands: &str| {
        vec![
            time(at),
            Val::str(file),
            Val::str("sql-02"),
            Val::str("eva.lind@corp.example"),
            Val::str("198.51.100.23"),
            dynamic(commands),
            Val::Long(812),
            Val::Real(100.0 / 72.0),
            dynamic(
                "\"/subscriptions/6f2c/resourceGroups/rg-sql-prod/providers/Microsoft.Compute/virtualMachines/sql-02\"",
            ),
        ]
    };
    let rows = vec![
        row("2026-03-14T02:31:00Z", "script622.ps1", r#"["NEW-LOCALUSER","ADD-LOCALGROUPMEMBER"]"#),
        row("2026-03-14T01:12:03Z", "script41.ps1", r#"["INVOKE-WEBREQUEST \u001b[2J 'x'","UNBLOCK-FILE"]"#),
    ];
    result(&columns, rows)
}

fn told(rows: &QueryResult, alerts: &[Value], width: Option<usize>) -> String {
    let story = Story {
        rule_name: "Azure VM Run Command operations executing a unique PowerShell script",
        rule: "rules/RareRunCommandPowerShellScript.yaml",
        data: "my logs",
        window: (day(), "2026-03-15T00:00:00Z".parse().unwrap()),
        rows,
        alerts,
        width,
    };
    let mut out = Vec::new();
    render_alert_story(&story, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_story_tells_who_where_what_and_how_rare() {
    let entities = json!([
        {"$id": "1", "Type": "account", "Name": "eva.lind", "UPNSuffix": "corp.example"},
        {"$id": "2", "Type": "ip", "Address": "198.51.100.23"},
        {"$id": "3", "Type": "host", "HostName": "sql-02", "AzureID": "/subscriptions/6f2c"},
        {"$id": "4", "Type": "host", "HostName": "sql-02"},
        {"$ref": "1"}
    ]);
    let alert = json!({
        "DisplayName": "Unique script", "AlertSeverity": "Medium", "Tactics": "LateralMovement, Execution",
        "Entities": entities.to_string()
    });
    let story = told(&findings(), &[alert], Some(100));
    assert!(story.chars().all(|c| c == '\n' || !c.is_control()));
    insta::assert_snapshot!(story);
}

#[test]
fn other_rows_are_a_table() {
    let other = result(&[("Account", Type::String)], vec![vec![Val::str("ada")]]);
    let story = told(&other, &[json!({"Entities": "not json"}), json!(null), json!({"Entities": [1, {}]})], Some(60));
    assert!(story.contains("1 row\n"), "{story}");
}

#[test]
fn nothing_found_says_so() {
    let none = result(&[("Caller", Type::String)], Vec::new());
    insta::assert_snapshot!(told(&none, &[], None));
}
