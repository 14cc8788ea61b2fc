//! A workspace that is served by the real binary, under a clock of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, clippy::indexing_slicing)]

mod support;

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use support::service::{Receiver, Request, Served, TestWorkspace};
use support::{picquet, scenario, seed_rule};

const SECRET: &str = "a secret of the test";
const TABLES: [&str; 3] = ["AzureActivity", "DeviceEvents", "DeviceFileEvents"];

/// The signature that a request has to have.
fn signature(request: &Request) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    let (id, time) = (request.header("webhook-id"), request.header("webhook-timestamp"));
    mac.update(format!("{id}.{time}.{}", request.body).as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// What a receiver was told, in order; the signatures must be good.
fn events(receiver: &Receiver) -> Vec<String> {
    let requests = receiver.requests();
    for request in &requests {
        assert_eq!(request.header("webhook-signature"), signature(request));
    }
    requests.iter().map(|request| request.json()["event"].as_str().unwrap().to_string()).collect()
}

fn webhook(receiver: &Receiver) -> String {
    format!("[[output]]\nname = \"soc\"\nkind = \"webhook\"\nurl = \"{}\"\nsecret = \"{SECRET}\"\n", receiver.url)
}

/// The workspace with the seed rule at work and its alert raised; `None` where the scenario is not there.
fn seed_at_work(receiver: &Receiver) -> Option<(TestWorkspace, Served)> {
    let (rule, scenario) = (seed_rule()?, scenario()?);
    let workspace = TestWorkspace::new(&webhook(receiver));
    let served = workspace.serve("2026-03-15T00:00:00Z", 60);
    let names = TABLES.map(|table| format!("{table}.jsonl"));
    for name in &names {
        workspace.drop_file(name, &fs::read_to_string(scenario.join(name)).unwrap());
    }
    workspace.wait_taken_in(&names.each_ref().map(String::as_str));
    // The rule comes once its rows are there: its first window ends when it is first seen.
    workspace.put("rules/seed.yaml", &fs::read_to_string(rule).unwrap());
    workspace.wait("the alert and its incident are told", || receiver.requests().len() >= 2);
    Some((workspace, served))
}

#[test]
fn the_seed_rule_as_a_service() {
    let receiver = Receiver::start(true);
    let Some((workspace, served)) = seed_at_work(&receiver) else { return };
    assert_eq!(events(&receiver), ["alert.raised", "incident.created"]);

    let alerts = workspace.query("SecurityAlert | where AlertName has 'Run Command'");
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0]["AlertSeverity"], "Medium");
    assert_eq!(alerts[0]["SystemAlertId"], receiver.requests()[0].json()["record"]["SystemAlertId"]);
    let query = "SecurityIncident | where Status == 'New' | mv-expand AlertId = AlertIds to typeof(string) \
                 | join kind=inner SecurityAlert on $left.AlertId == $right.SystemAlertId | count";
    assert_eq!(workspace.value(query), 1);
    let query = "SentinelHealth | where Status == 'Success' and SentinelResourceName startswith 'Azure VM' \
                 | summarize countif(SentinelResourceType == 'Analytics Rule')";
    assert_eq!(workspace.value(query), 1);
    let expected = fs::read(scenario().unwrap().join("expected.json")).unwrap();
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    let entities: Vec<Value> = serde_json::from_str(alerts[0]["Entities"].as_str().unwrap()).unwrap();
    for row in expected["rows"].as_array().unwrap() {
        let is_host = |entity: &Value| entity["HostName"] == row["VirtualMachineName"];
        assert!(entities.iter().any(is_host), "no host {}", row["VirtualMachineName"]);
    }

    // People work on the incident beside the service.
    workspace.run(&["incidents", "assign", "1", "--owner", "ann@corp.example", "--by", "ann"]);
    workspace.run(&["incidents", "comment", "1", "Looked at the script.", "--by", "ann"]);
    let closing = ["--classification", "TruePositive", "--reason", "SuspiciousActivity", "--comment", "It was one."];
    workspace.run(&[&["incidents", "close", "1"][..], &closing].concat());
    workspace.run(&["incidents", "reopen", "1"]);
    workspace.wait("the changes are told", || receiver.requests().len() >= 6);
    let told = ["incident.updated", "incident.updated", "incident.closed", "incident.reopened"];
    assert_eq!(events(&receiver)[2..], told);
    let requests = receiver.requests();
    assert_eq!(requests[2].json()["record"]["Owner"]["assignedTo"], "ann@corp.example");
    assert_eq!(requests[3].json()["record"]["Comments"][0]["message"], "Looked at the script.");
    assert_eq!(requests[4].json()["record"]["Classification"], "TruePositive");
    assert_eq!(requests[5].json()["record"]["Status"], "Active");
    assert_eq!(requests[5].json()["record"]["Alerts"].as_array().unwrap().len(), 1);

    served.terminate();
    let tables: Value = serde_json::from_str(&workspace.workspace("tables", &["--format", "json"])).unwrap();
    for table in tables.as_array().unwrap() {
        assert_eq!(table["buffered"], 0, "{table}");
    }
    // Also the rows that other processes wrote.
    assert_eq!(workspace.value("SecurityIncident | count"), 5);
    assert_eq!(workspace.value("AzureActivity | count"), 426);
    assert_eq!(workspace.json(&["rules", "runs"]).as_array().unwrap().len(), 1);
}

/// A rule over the table `Events_CL`.
fn rule(number: u32, name: &str, head: &str, query: &str) -> String {
    format!(
        "id: 00000000-0000-4000-8000-{number:012}\nname: {name}\nseverity: Low\n{head}triggerOperator: gt\n\
         triggerThreshold: 0\nquery: |\n  {query}\n"
    )
}

const EACH_MINUTE: &str = "kind: Scheduled\nqueryFrequency: 1m\nqueryPeriod: 14d\n";
const FIVE_MINUTES: &str = "kind: Scheduled\nqueryFrequency: 5m\nqueryPeriod: 5m\n";

fn runs(workspace: &TestWorkspace, rule: &str) -> Vec<Value> {
    let runs = workspace.json(&["rules", "runs", "--rule", rule, "--limit", "1000"]);
    runs.as_array().unwrap().clone()
}

fn rule_row(workspace: &TestWorkspace, number: u32) -> Value {
    let id = format!("00000000-0000-4000-8000-{number:012}");
    let rules = workspace.json(&["rules", "list"]);
    rules.as_array().unwrap().iter().find(|rule| rule["id"] == id.as_str()).cloned().unwrap_or_default()
}

#[test]
fn late_events_are_caught_by_their_ingestion_time() {
    let workspace = TestWorkspace::new("");
    let by_ingestion = "Events_CL | where Id == 2 and ingestion_time() > ago(1m) and ingestion_time() <= now()";
    workspace.put("rules/late.yaml", &rule(1, "By ingestion", EACH_MINUTE, by_ingestion));
    workspace.put("rules/plain.yaml", &rule(2, "By event", FIVE_MINUTES, "Events_CL"));
    workspace.drop_file("Events_CL.1.jsonl", "{\"TimeGenerated\":\"2026-03-14T00:00:00Z\",\"Id\":1}\n");
    let _served = workspace.serve("2026-03-15T00:00:00Z", 120);
    workspace
        .wait("rules run", || !runs(&workspace, "By ingestion").is_empty() && !runs(&workspace, "By event").is_empty());
    // Hours after its time, when the windows that hold it were looked at long ago.
    workspace.drop_file("Events_CL.2.jsonl", "{\"TimeGenerated\":\"2026-03-14T20:00:00Z\",\"Id\":2}\n");
    workspace.wait_taken_in(&["Events_CL.2.jsonl"]);
    let raised = || runs(&workspace, "By ingestion").iter().filter(|run| run["alerts"] == 1).count();
    let before = runs(&workspace, "By event").len();
    workspace.wait("the late event is found", || {
        workspace.value("SecurityAlert | where AlertName == 'By ingestion' | count").as_u64() >= Some(1)
            && raised() >= 1
    });
    workspace.wait("rules run on", || runs(&workspace, "By event").len() >= before + 2);
    let found = workspace.query("SecurityAlert | where AlertName == 'By event'");
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(raised(), 1);
}

#[test]
fn one_process_writes() {
    let workspace = TestWorkspace::new("");
    let served = workspace.serve("2026-03-15T00:00:00Z", 1);
    let file = workspace.file("Events_CL.jsonl", "{\"Id\":1}\n");
    let file = file.to_str().unwrap();
    for arguments in [&["serve"][..], &["ingest", file]] {
        let said = workspace.refused(arguments);
        assert!(said.contains("another process (pid ") && said.contains("stop it"), "{said}");
    }
    served.terminate();
    assert!(workspace.run(&["ingest", file]).contains("Events_CL: 1 rows"));
}

#[test]
fn rules_functions_and_watchlists_change_while_served() {
    let workspace = TestWorkspace::new("[rules]\ndisable_after = 2\ncatch_up = \"latest\"\n");
    let ever = |query: &str| format!("{query} | summarize Rows = count() | where Rows > 0");
    workspace.put("rules/a.yaml", &rule(1, "First", EACH_MINUTE, &ever("print x = 1")));
    workspace.put("watchlists/vips.csv", "Name,Team\nann,red\n");
    workspace.put("functions/Vips.kql", "_GetWatchlist('vips') | project Name");
    let served = workspace.serve("2026-03-15T00:00:00Z", 120);
    workspace.wait("the rule runs", || !runs(&workspace, "First").is_empty());
    assert_eq!(workspace.value("Vips() | count"), 1);

    // A file that cannot be read: the others go on, and the old version stays.
    workspace.put("rules/b.yaml", &rule(2, "Second", EACH_MINUTE, &ever("print x = 1")));
    workspace.wait("the second rule runs", || !runs(&workspace, "Second").is_empty());
    workspace.put("rules/b.yaml", "id: [\nname: Second\n");
    workspace.wait("the error is told", || served.said().contains("ERROR") && served.said().contains("b.yaml"));
    let before = [runs(&workspace, "First").len(), runs(&workspace, "Second").len()];
    workspace.wait("both rules run on", || {
        runs(&workspace, "First").len() >= before[0] + 2 && runs(&workspace, "Second").len() >= before[1] + 2
    });
    assert_eq!(rule_row(&workspace, 2)["enabled"], true);

    // Edited, and gone.
    workspace.put("rules/b.yaml", &rule(2, "Second, edited", EACH_MINUTE, &ever("print x = 1 | where x > 1")));
    workspace.wait("the edited rule runs", || runs(&workspace, "Second, edited").iter().any(|run| run["alerts"] == 0));
    fs::remove_file(workspace.path().join("rules/b.yaml")).unwrap();
    workspace.wait("the rule is gone", || rule_row(&workspace, 2)["present"] == false);

    // Watchlists and functions.
    workspace.put("watchlists/vips.csv", "Name,Team\nann,red\nbo,blue\n");
    workspace.wait("the watchlist is taken up", || workspace.value("Vips() | count") == 2);
    workspace.put("functions/Vips.kql", "_GetWatchlist('vips') | where Team == 'blue' | project Name");
    workspace.wait("the function is taken up", || workspace.value("Vips() | count") == 1);
    workspace.put("watchlists/vips#Nobody.csv", "Name,Team\n");
    workspace.wait("the error is told", || served.said().contains("vips#Nobody.csv"));
    fs::remove_file(workspace.path().join("watchlists/vips#Nobody.csv")).unwrap();
    assert_eq!(workspace.value("Vips() | count"), 1);

    // A rule that cannot run is switched off, and on again by hand.
    workspace.put("rules/c.yaml", &rule(3, "Third", EACH_MINUTE, "NotYet_CL | where Id > 0"));
    workspace.wait("the rule is switched off", || {
        rule_row(&workspace, 3)["disabledReason"] != "" && rule_row(&workspace, 3)["enabled"] == false
    });
    let row = rule_row(&workspace, 3);
    assert_eq!(row["name"], "AUTO DISABLED Third");
    assert!(row["disabledReason"].as_str().unwrap().contains("NotYet_CL"), "{row}");
    assert!(workspace.run(&["rules", "list"]).contains("AUTO DISABLED Third"));
    workspace.drop_file("NotYet_CL.jsonl", "{\"TimeGenerated\":\"2026-03-14T20:00:00Z\",\"Id\":1}\n");
    workspace.wait_taken_in(&["NotYet_CL.jsonl"]);
    let failed = runs(&workspace, "AUTO DISABLED Third").len();
    assert_eq!(workspace.run(&["rules", "enable", "AUTO DISABLED Third"]), "Third is on\n");
    workspace.wait("the rule runs again", || {
        let runs = runs(&workspace, "Third");
        runs.len() > failed && runs.iter().any(|run| run["alerts"] == 1)
    });
    assert_eq!(rule_row(&workspace, 3)["name"], "Third");
    workspace.run(&["rules", "disable", "Third", "--reason", "too loud"]);
    assert_eq!(rule_row(&workspace, 3)["disabledReason"], "too loud");
    served.terminate();
    // The reason outlives a restart.
    let served = workspace.serve("2026-03-15T12:00:00Z", 120);
    workspace.wait("the rule runs", || {
        runs(&workspace, "First").iter().any(|run| run["scheduled"].as_str() > Some("2026-03-15T12:00:00Z"))
    });
    assert_eq!(rule_row(&workspace, 3)["disabledReason"], "too loud");
    served.terminate();
}

#[test]
fn an_output_that_does_not_answer_holds_nothing_up() {
    let receiver = Receiver::start(false);
    let workspace = TestWorkspace::new(&format!("{}timeout = \"100s\"\n", webhook(&receiver)));
    workspace.put("rules/a.yaml", &rule(1, "First", EACH_MINUTE, "print x = 1"));
    let started = std::time::Instant::now();
    let _served = workspace.serve("2026-03-15T00:00:00Z", 120);
    workspace
        .wait("the rule runs on", || runs(&workspace, "First").iter().filter(|run| run["alerts"] == 1).count() >= 5);
    workspace.drop_file("Events_CL.jsonl", "{\"Id\":1}\n");
    workspace.wait_taken_in(&["Events_CL.jsonl"]);
    assert!(started.elapsed().as_secs() < 100, "it was waited for the output");
}

#[test]
fn a_copy_is_made_while_served() {
    let workspace = TestWorkspace::new("flush_after = '1m'\n");
    workspace.put("rules/a.yaml", &rule(1, "First", EACH_MINUTE, "print x = 1"));
    let served = workspace.serve("2026-03-15T00:00:00Z", 120);
    let mut names = Vec::new();
    for number in 0..5 {
        let rows: String = (0..200).map(|row| format!("{{\"Id\":\"{number}-{row}\"}}\n")).collect();
        names.push(format!("Events_CL.{number}.jsonl"));
        workspace.drop_file(&names[number], &rows);
        if number < 3 {
            workspace.wait_taken_in(&[&names[number]]);
        }
    }
    let copy = workspace.beside("copy");
    workspace.workspace("backup", &[copy.to_str().unwrap()]);
    let count = |path: &std::path::Path| {
        support::service::rows(path, "Events_CL | summarize Rows = count(), Ids = count_distinct(Id)")[0].clone()
    };
    let copied = count(&copy);
    assert_eq!(copied["Rows"], copied["Ids"]);
    let files = copied["Rows"].as_u64().unwrap();
    assert!(files % 200 == 0 && files >= 600, "whole files, and all that were there: {copied}");
    workspace.wait_taken_in(&names.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(count(&workspace.path())["Ids"], 1000);
    served.terminate();
    // The copy is a workspace of its own, which knows what it has.
    for (number, name) in names.iter().enumerate() {
        let file = workspace.path().join("inbox/.done").join(name);
        support::service::done(picquet().arg("ingest").arg(&file).arg("--workspace").arg(&copy));
        assert!(number < 5);
    }
    support::service::done(picquet().args(["workspace", "compact"]).arg(&copy));
    let all = count(&copy);
    assert_eq!((all["Rows"].as_u64(), all["Ids"].as_u64()), (Some(1000), Some(1000)));
    let said = support::service::refused(picquet().args(["workspace", "backup"]).arg(workspace.path()).arg(&copy));
    assert!(said.contains("not empty"), "{said}");
}
