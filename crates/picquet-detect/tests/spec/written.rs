//! When alerts are written, where a run takes its time.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kql_engine::{Engine, EngineOptions};
use picquet_detect::{Clock as _, Service, ServiceSettings, TestClock, Watch};
use picquet_rules::load_text;
use picquet_store::{Access, AlertFilter, Workspace};

use crate::when::{short, time};

const RULE: &str = "id: 10000000-0000-0000-0000-000000000001\nname: A rule\nseverity: Low\nkind: Scheduled\n\
    query: print x = 1\nqueryFrequency: 1h\nqueryPeriod: 1h\ntriggerOperator: gt\ntriggerThreshold: 0\n";

/// Whoever looks for alerts by TimeGenerated must not have looked already when they come to be seen.
#[test]
fn section_8_1_an_alert_is_of_the_time_at_which_it_is_written() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_time().thread_stack_size(16 << 20).build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        Workspace::init(folder.path()).unwrap();
        let workspace = Workspace::open(folder.path(), Access::Own, picquet_sources::ExternalPolicy::default());
        let workspace = Arc::new(workspace.await.unwrap());
        let clock = Arc::new(TestClock::new(time("00:00").unwrap()));
        // Ids are given once the query has ended: seven minutes later.
        let (later, mut count) = (Arc::clone(&clock), 0);
        let ids = Box::new(move || {
            if count == 0 {
                later.advance(SignedDuration::from_mins(7));
            }
            count += 1;
            format!("00000000-0000-0000-0000-{count:012}")
        });
        let engine = Engine::new(&EngineOptions::default()).unwrap();
        let settings = ServiceSettings::of(&workspace).unwrap();
        let service = Service::new(Arc::clone(&workspace), engine, Arc::clone(&clock) as _, settings, Vec::new(), ids);
        service.set_rules(load_text("rule.yaml", RULE).rules).unwrap();
        let mut watch = Watch::start(clock.now());
        for now in ["00:00", "00:05"] {
            clock.set(time(now).unwrap());
            let (look, _) = watch.look(clock.now());
            service.turn(look).await;
        }
        let run = workspace.state().runs(None, None).unwrap().remove(0);
        let alert = workspace.state().alerts(&AlertFilter::default()).unwrap().remove(0);
        let told = |column: &str| short(alert.record[column].as_str().unwrap().parse::<Timestamp>().unwrap());
        assert_eq!([short(run.started), short(run.ended)], ["00:05", "00:12"]);
        assert_eq!([told("TimeGenerated"), told("ProcessingEndTime"), short(alert.created)], ["00:12"; 3]);
    });
}
