//! Every public rule of the corpus runs on empty tables of the known schemas.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod support;

use std::collections::BTreeMap;

use jiff::Timestamp;
use kql_engine::{Engine, EngineOptions, Limits};
use picquet_detect::{RunSettings, RunStatus, run_rule};
use picquet_rules::{AlertContext, load_path};
use picquet_sources::{FileDatabase, Options};

/// Rules that must run; it only rises.
const FLOOR: usize = 164;

#[test]
fn rules_run_on_empty_tables() {
    let Some(folder) = support::shared("corpus/rules") else { return };
    let worker = std::thread::Builder::new().stack_size(256 << 20).spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().thread_stack_size(32 << 20).build().unwrap();
        let options = Options { known_tables: true, ..Options::default() };
        let database = FileDatabase::open(&[], options).unwrap();
        let engine = Engine::new(&EngineOptions::default()).unwrap();
        let end: Timestamp = "2026-03-15T00:00:00Z".parse().unwrap();
        let context = AlertContext::default();
        let settings = RunSettings { end, period: None, generated_at: end, context, limits: Limits::default() };
        let (mut ran, mut all) = (0, 0);
        let mut reasons = BTreeMap::new();
        for loaded in load_path(&folder) {
            assert!(loaded.errors.is_empty(), "{:?}", loaded.errors);
            for rule in &loaded.rules {
                all += 1;
                let mut id = || String::from("00000000-0000-0000-0000-000000000000");
                let run = runtime.block_on(run_rule(&engine, &database, rule, &settings, &mut id));
                match run.error {
                    Some(error) => {
                        let place = error.line.unwrap_or(0);
                        reasons.insert(format!("{}:{place}", error.file), format!("{} {}", error.code, error.message));
                    }
                    None => {
                        assert_ne!(run.status, RunStatus::Failed);
                        ran += 1;
                    }
                }
            }
        }
        eprintln!("{ran} of {all} rules run on empty tables; the others:");
        for (rule, reason) in &reasons {
            eprintln!("  {}: {reason}", rule.rsplit('/').next().unwrap_or(rule));
        }
        assert!(ran >= FLOOR, "only {ran} rules ran");
    });
    worker.unwrap().join().unwrap();
}
