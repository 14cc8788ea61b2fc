//! Many rules every five minutes.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration as Time, Instant};

use kql_engine::{Engine, EngineOptions};
use picquet_detect::{
    Look, RunReport, RunSettings, RunSpent, Service, ServiceSettings, TestClock, Turn, from_ticks, run_rule,
};
use picquet_rules::{AlertContext, AnalyticsRule, Duration, RuleKind, load_path};

use super::ingestion::open;
use super::tables::{Share, instant, prepare, put_functions, shares, take_in};
use super::{LoadArgs, NOW};

/// Bytes that queries may hold.
const MEMORY: usize = 2 << 30;

/// What the rules took.
pub(super) struct Outcome {
    pub(super) rules: usize,
    /// Rules that cannot run on the known tables, with the reason.
    pub(super) left_out: Vec<(String, String)>,
    pub(super) tables: usize,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) steps: Vec<Step>,
}

/// A five-minute step.
pub(super) struct Step {
    pub(super) taken_in: u64,
    pub(super) ingestion: Time,
    pub(super) upkeep: Time,
    /// From the start time of the runs to the end of the last one.
    pub(super) lag: Time,
    pub(super) runs: Vec<RunReport>,
}

impl Step {
    /// Where the time of all runs went, in sum.
    pub(super) fn spent(&self) -> RunSpent {
        self.runs.iter().fold(RunSpent::default(), |mut sum, run| {
            sum.opening += run.spent.opening;
            sum.query.binding += run.spent.query.binding;
            sum.query.planning += run.spent.query.planning;
            sum.query.running += run.spent.query.running;
            sum.judging += run.spent.judging;
            sum.keeping += run.spent.keeping;
            sum
        })
    }
}

/// Runs rules of the corpus for some steps.
pub(super) fn run(args: &LoadArgs, shared: &Path, folder: &Path, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(args.threads)
        .thread_stack_size(64 << 20)
        .enable_all()
        .build()?;
    runtime.block_on(run_async(args, shared, folder, out))
}

async fn run_async(args: &LoadArgs, shared: &Path, folder: &Path, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let (mut rules, left_out) = choose(shared).await?;
    rules.truncate(args.rules);
    let shares = shares(shared, &rules, args.rows)?;
    let workspace = Arc::new(prepare(folder, shared, &shares, out).await?);
    let tables = workspace.tables();
    let clock = Arc::new(TestClock::new(from_ticks(NOW)));
    let settings = ServiceSettings { parallel: args.threads, ..ServiceSettings::of(&workspace)? };
    let ids = Box::new(|| uuid::Uuid::new_v4().to_string());
    let service =
        Service::new(Arc::clone(&workspace), engine(args)?, Arc::<TestClock>::clone(&clock), settings, Vec::new(), ids);
    let count = service.set_rules(rules)?.added.len();
    // The first look notes when the rules were there first; nothing is due yet.
    let since = from_ticks(NOW);
    service.turn(Look { now: since, since }).await;
    let files = tempfile::tempdir()?;
    let mut steps = Vec::new();
    for number in 0..args.steps {
        clock.set(instant(number + 1));
        steps.push(step(&service, &shares, files.path(), number, since).await?);
        if let Some(step) = steps.last() {
            writeln!(out, "{}", told(number, step))?;
        }
    }
    Ok(Outcome {
        rules: count,
        left_out,
        tables: tables.len(),
        rows: tables.iter().map(|table| table.rows).sum(),
        bytes: tables.iter().map(|table| table.bytes).sum(),
        steps,
    })
}

async fn step(
    service: &Service,
    shares: &[Share],
    files: &Path,
    number: u64,
    since: jiff::Timestamp,
) -> anyhow::Result<Step> {
    let now = instant(number + 1);
    let workspace = service.workspace();
    let begun = Instant::now();
    let taken_in = take_in(workspace, files, shares, number, now).await?;
    let ingestion = begun.elapsed();
    let begun = Instant::now();
    workspace.maintain(now).await?;
    let upkeep = begun.elapsed();
    let begun = Instant::now();
    let Turn { runs, .. } = service.turn(Look { now, since }).await;
    Ok(Step { taken_in, ingestion, upkeep, lag: begun.elapsed(), runs })
}

fn told(number: u64, step: &Step) -> String {
    let spent = step.spent();
    let failed = step.runs.iter().filter(|run| run.error.is_some()).count();
    let alerts: usize = step.runs.iter().map(|run| run.alerts).sum();
    format!(
        "step {number}: {} runs, {failed} failed, {alerts} alerts, lag {:.2} s; {} rows taken in in {:.2} s, upkeep {:.2} s; \
         runs in sum: opening {:.2}, binding {:.2}, planning {:.2}, running {:.2}, judging {:.2}, keeping {:.2} s",
        step.runs.len(),
        step.lag.as_secs_f64(),
        step.taken_in,
        step.ingestion.as_secs_f64(),
        step.upkeep.as_secs_f64(),
        spent.opening.as_secs_f64(),
        spent.query.binding.as_secs_f64(),
        spent.query.planning.as_secs_f64(),
        spent.query.running.as_secs_f64(),
        spent.judging.as_secs_f64(),
        spent.keeping.as_secs_f64(),
    )
}

fn engine(args: &LoadArgs) -> anyhow::Result<Engine> {
    Ok(Engine::new(&EngineOptions { threads: Some(args.threads), memory: Some(MEMORY), ..EngineOptions::default() })?)
}

/// The rules of the corpus that run on the known tables, every five minutes; and those that do not.
async fn choose(shared: &Path) -> anyhow::Result<(Vec<AnalyticsRule>, Vec<(String, String)>)> {
    let empty = tempfile::tempdir()?;
    let workspace = open(&empty.path().join("empty")).await?;
    put_functions(&workspace, shared)?;
    let engine = Engine::new(&EngineOptions::default())?;
    let five_minutes = Duration::from_minutes(5);
    let most = Duration::from_hours(14 * 24);
    let mut chosen: BTreeMap<String, AnalyticsRule> = BTreeMap::new();
    let mut left_out = Vec::new();
    for loaded in load_path(shared.join("corpus/rules")) {
        for error in &loaded.errors {
            left_out.push((loaded.file.clone(), error.to_string()));
        }
        for mut rule in loaded.rules {
            if !rule.is_executable() {
                left_out.push((rule.name, format!("a rule of the kind {} has no query", rule.kind.as_str())));
                continue;
            }
            rule.kind = RuleKind::Scheduled;
            rule.enabled = true;
            rule.start_time = None;
            rule.query_frequency = five_minutes;
            rule.query_period = rule.query_period.clamp(five_minutes, most);
            let settings = RunSettings {
                end: from_ticks(NOW),
                period: None,
                generated_at: from_ticks(NOW),
                context: AlertContext::default(),
                limits: kql_engine::Limits::default(),
            };
            let snapshot = workspace.snapshot()?;
            let run = run_rule(&engine, &snapshot, &rule, &settings, &mut String::new).await;
            match run.error {
                Some(error) => left_out.push((rule.name, error.message)),
                None => {
                    chosen.entry(rule.rule_id().to_string()).or_insert(rule);
                }
            }
        }
    }
    Ok((chosen.into_values().collect(), left_out))
}
