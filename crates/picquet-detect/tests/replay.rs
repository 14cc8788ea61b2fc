//! Replays over small tables: which rows a window holds, and what of a run stays for the next.
//!
//! Everything happens on 14 March 2026; an instant is written as its clock (`02:30`).
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::Duration as Elapsed;

use jiff::Timestamp;
use kql_engine::{Cancel, Database, Engine, EngineOptions, Limits, Table};
use kql_functions::{Type, Val};
use picquet_detect::{Replay, ReplaySettings, ReplayStatus, ReplayWindow, replay, to_ticks};
use picquet_rules::{AlertContext, AnalyticsRule, load_text};

struct Tables(Vec<(&'static str, Table)>);

impl Database for Tables {
    fn table(&self, name: &str) -> Option<Table> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, table)| table.clone())
    }

    fn table_names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| (*name).to_string()).collect()
    }
}

fn time(clock: &str) -> Timestamp {
    let seconds = if clock.len() == 5 { ":00" } else { "" };
    format!("2026-03-14T{clock}{seconds}Z").parse().unwrap()
}

fn clock(t: Timestamp) -> String {
    t.strftime("%H:%M").to_string()
}

fn datetime(clock: &str) -> Val<'static> {
    if clock.is_empty() { Val::Null } else { Val::DateTime(to_ticks(time(clock))) }
}

/// A table `T` of rows generated at these times.
fn generated(times: &[&str]) -> Tables {
    let columns = vec![("TimeGenerated".to_string(), Type::DateTime), ("n".to_string(), Type::Long)];
    let rows: Vec<Vec<Val<'_>>> = times.iter().zip(0..).map(|(time, n)| vec![datetime(time), Val::Long(n)]).collect();
    Tables(vec![("T", Table::of_rows(columns, &rows).unwrap())])
}

/// A table `T` of rows generated and received at these times; the latter may be missing.
fn received(times: &[(&str, &str)]) -> Tables {
    let columns = vec![("TimeGenerated".to_string(), Type::DateTime), ("_TimeReceived".to_string(), Type::DateTime)];
    let rows: Vec<Vec<Val<'_>>> = times.iter().map(|(generated, at)| vec![datetime(generated), datetime(at)]).collect();
    Tables(vec![("T", Table::of_rows(columns, &rows).unwrap())])
}

/// A rule over an hour, every hour, which fires on any row; keys of the text go before.
fn scheduled(query: &str, keys: &str) -> AnalyticsRule {
    let mut text = format!(
        "id: 0b4cf9dd-33e6-4d2c-9b80-4e7cb9a6a4a1\nname: A rule\nseverity: Low\nkind: Scheduled\nquery: \"{query}\"\n{keys}\n"
    );
    for (key, value) in
        [("queryFrequency", "1h"), ("queryPeriod", "1h"), ("triggerOperator", "gt"), ("triggerThreshold", "0")]
    {
        if !keys.contains(key) {
            text.push_str(&format!("{key}: {value}\n"));
        }
    }
    rule(&text)
}

fn nrt(query: &str, keys: &str) -> AnalyticsRule {
    rule(&format!(
        "id: 0b4cf9dd-33e6-4d2c-9b80-4e7cb9a6a4a1\nname: A rule\nseverity: Low\nkind: NRT\nquery: \"{query}\"\n{keys}\n"
    ))
}

fn rule(text: &str) -> AnalyticsRule {
    let mut loaded = load_text("rule.yaml", text);
    assert!(loaded.errors.is_empty(), "{:?}", loaded.errors);
    loaded.rules.remove(0)
}

fn settings(from: &str, to: &str) -> ReplaySettings {
    ReplaySettings {
        from: time(from),
        to: time(to),
        delays: BTreeMap::new(),
        context: AlertContext::default(),
        limits: Limits::default(),
    }
}

fn run(rule: &AnalyticsRule, tables: &Tables, settings: &ReplaySettings) -> Option<Replay> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_time().thread_stack_size(16 << 20).build().unwrap();
    let engine = Engine::new(&EngineOptions::default()).unwrap();
    let mut ids = (0u32..).map(|n| format!("00000000-0000-0000-0000-{n:012}"));
    let mut next_id = || ids.next().unwrap();
    let mut told = Vec::new();
    let mut on_window = |window: &ReplayWindow, run: Option<&picquet_detect::RuleRun>| {
        assert_eq!(run.is_none(), window.status == ReplayStatus::Suppressed);
        told.push(window.clone());
    };
    // A stopwatch that is given has the last word on the time spent.
    let seconds = std::cell::Cell::new(0);
    let stopwatch = || {
        seconds.set(seconds.get() + 7);
        Elapsed::from_secs(seconds.get())
    };
    let work = replay(&engine, tables, rule, settings, &mut next_id, &stopwatch, &mut on_window);
    let replayed = runtime.block_on(work)?;
    assert_eq!(told, replayed.windows, "each window is told");
    assert!((replayed.summary.seconds - 7.0).abs() < f64::EPSILON);
    Some(replayed)
}

/// Each window's end, rows and, unless there are as many as rows, alerts.
fn shown(replay: &Replay) -> String {
    let window = |w: &ReplayWindow| match w.status {
        ReplayStatus::Suppressed => format!("{}=suppressed", clock(w.end)),
        ReplayStatus::Failed => format!("{}=failed", clock(w.end)),
        _ if w.results == w.alerts => format!("{}={}", clock(w.end), w.results),
        _ => format!("{}={}:{}", clock(w.end), w.results, w.alerts),
    };
    replay.windows.iter().map(window).collect::<Vec<_>>().join(" ")
}

#[test]
fn section_2_windows_are_the_period_before_each_whole_frequency_after_the_beginning() {
    let rule = scheduled("T", "queryPeriod: 3h\nqueryFrequency: 2h");
    let replay = run(&rule, &generated(&["02:30"]), &settings("00:30", "07:30")).unwrap();
    assert_eq!(shown(&replay), "02:30=1 04:30=1 06:30=0");
    let starts: Vec<String> = replay.windows.iter().map(|w| w.start.to_string()).collect();
    assert_eq!(starts, ["2026-03-13T23:30:00Z", "2026-03-14T01:30:00Z", "2026-03-14T03:30:00Z"]);
    assert!(replay.complete);
}

#[test]
fn section_2_both_ends_of_a_scheduled_window_belong_to_it() {
    let times = ["00:59:59.9999999", "01:00", "01:30", "02:00", "02:00:00.0000001"];
    let replay = run(&scheduled("T", ""), &generated(&times), &settings("01:00", "02:00")).unwrap();
    assert_eq!(shown(&replay), "02:00=3:1");
}

#[test]
fn section_2_the_query_sees_its_own_clock() {
    let rule = scheduled("print n = iff(now() == datetime(2026-03-14T02:00:00Z), 1, 0) | where n == 1", "");
    let replay = run(&rule, &generated(&[]), &settings("00:00", "03:00")).unwrap();
    assert_eq!(shown(&replay), "01:00=0 02:00=1 03:00=0");
}

#[test]
fn section_2_more_than_one_result_set_is_a_failure() {
    let rule = scheduled("T | fork (take 1) (count)", "");
    let replay = run(&rule, &generated(&["00:30"]), &settings("00:00", "01:00")).unwrap();
    assert_eq!(shown(&replay), "01:00=failed");
    assert_eq!(replay.windows[0].error.as_ref().unwrap().code, "PQ110");
}

#[test]
fn section_9_nrt_windows_report_each_row_once_by_its_ingestion_time() {
    // Generated hours ago, at the border of two windows, just behind it, and without an ingestion time.
    let tables = received(&[
        ("00:10", "09:01:30"),
        ("09:01", "09:02"),
        ("09:01:59", "09:02:00.0000001"),
        ("09:03:30", ""),
        ("09:02:30", "10:00"),
        ("09:03:40", "08:00"),
    ]);
    let replay = run(&nrt("T", ""), &tables, &settings("09:00", "09:05")).unwrap();
    assert_eq!(shown(&replay), "09:01=0 09:02=2:1 09:03=1 09:04=1 09:05=0");
    let day = run(&nrt("T | where ingestion_time() > ago(1m)", ""), &tables, &settings("07:00", "11:00")).unwrap();
    assert_eq!(day.summary.results, 6, "over a day each row once");
}

#[test]
fn section_9_nrt_rules_over_tables_without_ingestion_times_go_by_time_generated() {
    let replay = run(&nrt("T", ""), &generated(&["09:01", "09:01:30", "09:02"]), &settings("09:00", "09:03")).unwrap();
    assert_eq!(shown(&replay), "09:01=1 09:02=2:1 09:03=0");
}

#[test]
fn section_6_windows_after_an_alert_are_left_out_until_the_duration_has_passed() {
    let rule = scheduled("T", "suppressionEnabled: true\nsuppressionDuration: 3h");
    let every_hour = ["00:30", "01:30", "02:30", "03:30", "04:30", "07:30", "08:30"];
    let replay = run(&rule, &generated(&every_hour), &settings("00:00", "10:00")).unwrap();
    assert_eq!(
        shown(&replay),
        "01:00=1 02:00=suppressed 03:00=suppressed 04:00=1 05:00=suppressed 06:00=suppressed 07:00=0 08:00=1 \
         09:00=suppressed 10:00=suppressed"
    );
    let summary = &replay.summary;
    assert_eq!((summary.windows, summary.windows_with_alerts, summary.suppressed, summary.failed), (10, 3, 6, 0));
    assert_eq!((summary.results, summary.alerts), (3, 3));
    assert_eq!((summary.first_hit, summary.last_hit), (Some(time("01:00")), Some(time("08:00"))));
    assert!((summary.alerts_per_day - 7.2).abs() < 1e-9);
    // Without the switch the duration means nothing.
    let off = scheduled("T", "suppressionEnabled: false\nsuppressionDuration: 3h");
    assert_eq!(run(&off, &generated(&every_hour), &settings("00:00", "10:00")).unwrap().summary.suppressed, 0);
}

#[test]
fn section_4_runs_give_at_most_150_alerts_and_30_for_nrt() {
    let query = "range n from 1 to 200 step 1";
    let grouping = "eventGroupingSettings:\n  aggregationKind: AlertPerResult";
    let replay = run(&scheduled(query, grouping), &generated(&[]), &settings("00:00", "01:00")).unwrap();
    assert_eq!(shown(&replay), "01:00=200:150");
    let replay = run(&nrt(query, grouping), &generated(&[]), &settings("00:00", "00:01")).unwrap();
    assert_eq!(shown(&replay), "00:01=200:30");
}

#[test]
fn section_3_an_empty_result_may_fire() {
    let rule = scheduled("T", "triggerOperator: eq\ntriggerThreshold: 0");
    let replay = run(&rule, &generated(&["01:30"]), &settings("00:00", "03:00")).unwrap();
    assert_eq!(shown(&replay), "01:00=0:1 02:00=1:0 03:00=0:1");
}

#[test]
fn section_2_2_a_failing_window_does_not_end_the_replay() {
    let rule = scheduled("T | where assert(now() != datetime(2026-03-14T02:00:00Z), 'two o clock')", "");
    let replay = run(&rule, &generated(&["00:30", "01:30", "02:30"]), &settings("00:00", "03:00")).unwrap();
    assert_eq!(shown(&replay), "01:00=1 02:00=failed 03:00=1");
    assert_eq!(replay.windows[1].error.as_ref().unwrap().code, "PQ007");
    assert_eq!(replay.summary.failed, 1);
    assert!(replay.complete);
}

#[test]
fn a_cancelled_replay_ends() {
    let cancel = Cancel::default();
    cancel.cancel();
    let mut settings = settings("00:00", "03:00");
    settings.limits.cancel = Some(cancel);
    let replay = run(&scheduled("T", ""), &generated(&["00:30"]), &settings).unwrap();
    assert!(!replay.complete && replay.windows.is_empty());
}

#[test]
fn rules_without_a_query_have_no_past() {
    let fusion = rule("id: 0b4cf9dd-33e6-4d2c-9b80-4e7cb9a6a4a1\nname: A rule\nseverity: Low\nkind: Fusion\n");
    assert!(run(&fusion, &generated(&[]), &settings("00:00", "03:00")).is_none());
}

#[test]
fn late_rows_are_seen_only_when_they_have_arrived() {
    // Rows come half an hour late; the run for 02:00 starts at 02:05 and sees what was generated until 01:35.
    let tables = generated(&["00:10", "00:50", "01:10", "01:35", "01:35:01", "02:10"]);
    let mut settings = settings("00:00", "03:00");
    settings.delays.insert("T".to_string(), "30m".parse().unwrap());
    let replay = run(&scheduled("T", ""), &tables, &settings).unwrap();
    assert_eq!(shown(&replay), "01:00=1 02:00=2:1 03:00=1");
    let whole: Vec<usize> = replay.windows.iter().map(|w| w.without_delay.unwrap().results).collect();
    assert_eq!(whole, [2, 3, 1]);
    assert_eq!(replay.windows.iter().map(ReplayWindow::lost_results).collect::<Vec<_>>(), [1, 1, 0]);
    let delay = replay.summary.delay.unwrap();
    assert_eq!((delay.results_without_delay, delay.alerts_without_delay), (6, 3));
    assert_eq!((delay.windows_losing_results, delay.windows_losing_alerts), (2, 0));
    // A delay of another table changes nothing, one of two hours takes everything.
    settings.delays = BTreeMap::from([("Other".to_string(), "30m".parse().unwrap())]);
    assert_eq!(shown(&run(&scheduled("T", ""), &tables, &settings).unwrap()), "01:00=2:1 02:00=3:1 03:00=1");
    settings.delays = BTreeMap::from([("T".to_string(), "2h".parse().unwrap())]);
    let replay = run(&scheduled("T", ""), &tables, &settings).unwrap();
    assert_eq!(replay.summary.results, 0);
    assert_eq!(replay.summary.delay.unwrap().windows_losing_alerts, 3);
}

#[test]
fn section_2_the_pattern_for_late_rows_finds_each_once() {
    // Period = frequency + expected delay, and only what was ingested since the last run.
    let rule = scheduled("T | where ingestion_time() > ago(1h)", "queryPeriod: 2h");
    let tables = generated(&["00:10", "00:50", "01:10", "01:50", "02:10"]);
    let mut settings = settings("00:00", "04:00");
    settings.delays.insert("T".to_string(), "30m".parse().unwrap());
    let replay = run(&rule, &tables, &settings).unwrap();
    assert_eq!(shown(&replay), "01:00=1 02:00=2:1 03:00=2:1 04:00=0");
}

#[test]
fn section_9_late_rows_reach_nrt_rules_when_they_are_ingested() {
    let mut settings = settings("09:00", "09:05");
    settings.delays.insert("T".to_string(), "3m".parse().unwrap());
    let tables = received(&[("09:00:30", "09:00:31"), ("09:01:30", "")]);
    let replay = run(&nrt("T", ""), &tables, &settings).unwrap();
    assert_eq!(shown(&replay), "09:01=0 09:02=0 09:03=0 09:04=1 09:05=1");
}
