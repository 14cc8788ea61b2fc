//! What happens while a run is under way.

use std::sync::{Arc, OnceLock, Weak};

use jiff::{SignedDuration, Timestamp};
use kql_engine::{Engine, EngineOptions};
use picquet_detect::{Clock as _, Service, ServiceSettings, TestClock, Watch, disable_rule};
use picquet_rules::{AnalyticsRule, load_text};
use picquet_sources::ExternalPolicy;
use picquet_store::{Access, AlertFilter, State, Workspace};

use crate::when::{short, time};

fn rules(query: &str) -> Vec<AnalyticsRule> {
    let text = format!(
        "id: 10000000-0000-0000-0000-000000000001\nname: A rule\nseverity: Low\nkind: Scheduled\nquery: {query}\n\
         queryFrequency: 1h\nqueryPeriod: 1h\ntriggerOperator: gt\ntriggerThreshold: 0\n"
    );
    load_text("rule.yaml", &text).rules
}

/// A rule that fires is created at midnight and caught up at three. While its first run is under way, after its query has
/// ended, something happens.
fn while_it_runs(what: fn(&Service, &TestClock), then: fn(&State)) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_time().thread_stack_size(16 << 20).build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        Workspace::init(folder.path()).unwrap();
        let workspace = Workspace::open(folder.path(), Access::Own, ExternalPolicy::default()).await.unwrap();
        let clock = Arc::new(TestClock::new(time("00:00").unwrap()));
        // Ids are given when a query has ended.
        let whole: Arc<OnceLock<Weak<Service>>> = Arc::default();
        let (service, its_clock, mut count) = (Arc::clone(&whole), Arc::clone(&clock), 0);
        let ids = Box::new(move || {
            count += 1;
            if count == 1 {
                what(&service.get().and_then(Weak::upgrade).unwrap(), &its_clock);
            }
            format!("00000000-0000-0000-0000-{count:012}")
        });
        let engine = Engine::new(&EngineOptions::default()).unwrap();
        let settings = ServiceSettings::of(&workspace).unwrap();
        let service = Arc::new(Service::new(Arc::new(workspace), engine, clock.clone(), settings, Vec::new(), ids));
        whole.set(Arc::downgrade(&service)).unwrap();
        service.set_rules(rules("print x = 1")).unwrap();
        for now in ["00:00", "03:05"] {
            clock.set(time(now).unwrap());
            let (look, _) = Watch::start(clock.now()).look(clock.now());
            service.turn(look).await;
        }
        then(service.workspace().state());
    });
}

fn instants(state: &State) -> Vec<String> {
    let mut runs: Vec<Timestamp> = state.runs(None, None).unwrap().into_iter().map(|run| run.scheduled).collect();
    runs.sort();
    runs.into_iter().map(short).collect()
}

/// Whoever looks for alerts by TimeGenerated must not have looked already when they come to be seen.
#[test]
fn section_8_1_an_alert_is_of_the_time_at_which_it_is_written() {
    while_it_runs(
        |_, clock| clock.advance(SignedDuration::from_mins(7)),
        |state| {
            let run = state.runs(None, None).unwrap().pop().unwrap();
            assert_eq!([short(run.started), short(run.ended)], ["03:05", "03:12"]);
            let alert = state.alerts(&AlertFilter::default()).unwrap().pop().unwrap();
            let told = |column: &str| short(alert.record[column].as_str().unwrap().parse().unwrap());
            assert_eq!([told("TimeGenerated"), told("ProcessingEndTime"), short(alert.created)], ["03:12"; 3]);
        },
    );
}

#[test]
fn section_2_1_a_rule_that_is_taken_away_while_it_runs_stays_away() {
    while_it_runs(
        |service, _| {
            service.set_rules(Vec::new()).unwrap();
        },
        |state| {
            assert!(!state.rules().unwrap()[0].present);
            assert_eq!(instants(state), ["00:00"]);
        },
    );
}

#[test]
fn section_2_1_a_rule_that_is_switched_off_while_it_is_caught_up_stops() {
    while_it_runs(
        |service, _| {
            disable_rule(service.workspace(), "A rule", "enough").unwrap();
        },
        |state| {
            assert_eq!(state.rules().unwrap()[0].disabled_reason, "enough");
            assert_eq!(instants(state), ["00:00"]);
        },
    );
}

#[test]
fn section_2_1_an_edit_while_a_rule_runs_is_kept() {
    while_it_runs(
        |service, _| {
            let told = service.set_rules(rules("print x = 2")).unwrap();
            assert_eq!(told.edited, ["A rule"]);
        },
        |state| {
            assert!(state.rules().unwrap()[0].hash.contains("print x = 2"));
            assert_eq!(instants(state), ["00:00"], "the others are run by the next look, as edited");
        },
    );
}
