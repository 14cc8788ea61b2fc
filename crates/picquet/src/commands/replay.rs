//! `picquet replay`.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write};
use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use kql_engine::Database as _;
use kql_functions::Type;
use picquet_detect::{
    Clock as _, Replay, ReplaySettings, ReplayStatus, ReplayWindow, replay, replay_instants, replay_start,
};
use picquet_rules::{AlertContext, AnalyticsRule, Duration, Loaded, load_path};
use serde_json::{Value, json};

use crate::cli::{DataArgs, time};
use crate::clock::SystemClock;
use crate::diagnostics::Origin;
use crate::logs::Logs;
use crate::output::{clean, table, write_to_path};
use crate::{diagnostics, progress, reports};

/// Most windows of a rule that are shown to people.
const MOST_WINDOWS: usize = 50;

/// Rules, and the time to replay.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// Rule files (YAML or ARM JSON), or folders of them
    #[arg(required = true, value_name = "RULE")]
    rules: Vec<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    /// Begin here: the first window ends one frequency of the rule later
    #[arg(long, value_name = "TIME", value_parser = time, required_unless_present = "runs", conflicts_with = "runs")]
    from: Option<Timestamp>,
    /// So many windows up to the end, of each rule, instead of a beginning; Sentinel's results simulation has 50
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    runs: Option<u32>,
    /// No window ends after this; the present by default
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Timestamp>,
    /// Rows of this table arrive so long after their TimeGenerated: TABLE=1h; tells what the windows lose by it
    #[arg(long, value_name = "TABLE=DURATION", value_parser = delayed_table)]
    simulate_delay: Vec<(String, Duration)>,
    /// Form of the output; json gives one object a rule
    #[arg(long, value_enum, default_value_t = ReplayFormat::Table)]
    format: ReplayFormat,
    /// Write to this file, whole or not at all
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// How a replay is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReplayFormat {
    /// Figures a rule, and the windows that stand out
    Table,
    /// One object a rule, with all windows
    Json,
}

/// `TABLE=DURATION`
fn delayed_table(text: &str) -> Result<(String, Duration), String> {
    let (table, delay) = text.split_once('=').filter(|(table, _)| !table.is_empty()).ok_or("expected TABLE=1h")?;
    let delay = delay.parse::<Duration>().map_err(|error| format!("{error}; {}", error.help()))?;
    Ok((table.to_string(), delay))
}

/// A rule and its past.
struct Replayed<'r> {
    rule: &'r AnalyticsRule,
    settings: ReplaySettings,
    replay: Replay,
}

/// Replays the rules, one after the other. Whether all windows of all rules ran.
pub(crate) async fn run(args: &ReplayArgs) -> anyhow::Result<bool> {
    let loaded: Vec<Loaded> = args.rules.iter().flat_map(load_path).collect();
    let mut good = super::run::tell_rule_problems(&loaded)?;
    let to = args.to.unwrap_or_else(|| SystemClock.now());
    if let Some(from) = args.from.filter(|from| *from >= to) {
        anyhow::bail!("the replay ends ({to}) before it begins ({from})");
    }
    let (rules, others): (Vec<&AnalyticsRule>, Vec<&AnalyticsRule>) =
        loaded.iter().flat_map(|l| &l.rules).partition(|rule| rule.is_executable());
    for rule in &others {
        let kind = rule.kind.as_str();
        writeln!(std::io::stderr(), "warning: {}: a rule of the kind {kind} has no query to run", rule.source.file)?;
    }
    if rules.is_empty() && good {
        anyhow::bail!("no analytics rules with a query found");
    }
    let (database, engine) = super::open(&args.data).await?;
    let of_all = ReplaySettings {
        from: args.from.unwrap_or(to),
        to,
        delays: delays(&args.simulate_delay, &database)?,
        context: AlertContext::default(),
        limits: super::limits(&args.data.resources)?,
    };
    let settings_of = |rule: &AnalyticsRule| {
        let from = match args.runs {
            Some(runs) => replay_start(rule, to, runs).unwrap_or(to),
            None => of_all.from,
        };
        ReplaySettings { from, ..of_all.clone() }
    };
    let windows = |rule: &AnalyticsRule| replay_instants(rule, settings_of(rule).from, to).map_or(0, |i| i.count());
    let bar = progress::bar(rules.iter().map(|rule| windows(rule)).sum());
    let started = Instant::now();
    let mut next_id = || uuid::Uuid::new_v4().to_string();
    let mut replays: Vec<Replayed<'_>> = Vec::with_capacity(rules.len());
    for &rule in &rules {
        bar.set_message(clean(&rule.name).into_owned());
        let mut on_window = |_: &ReplayWindow, _: Option<&picquet_detect::RuleRun>| bar.inc(1);
        let stopwatch = || started.elapsed();
        let settings = settings_of(rule);
        let work = replay(&engine, &database, rule, &settings, &mut next_id, &stopwatch, &mut on_window);
        let Some(replayed) = progress::shown(&bar, work).await else { continue };
        let complete = replayed.complete;
        good &= complete && replayed.summary.failed == 0;
        replays.push(Replayed { rule, settings, replay: replayed });
        if !complete {
            break;
        }
    }
    bar.finish_and_clear();
    reports::tell(&database)?;
    tell_failures(&replays)?;
    match &args.out {
        Some(path) => write_to_path(path, |out| write(&replays, args.format, None, out))?,
        None => {
            let mut out = std::io::stdout().lock();
            write(&replays, args.format, super::terminal_width(), &mut out)?;
            out.flush()?;
        }
    }
    Ok(good)
}

/// The delays by table, all of which must be there and have a time that can be late.
fn delays(named: &[(String, Duration)], database: &Logs) -> anyhow::Result<BTreeMap<String, Duration>> {
    for (name, _) in named {
        let Some(table) = database.table(name) else {
            let names = database.own_tables();
            anyhow::bail!("--simulate-delay: no table {name}; the tables are: {}", names.join(", "));
        };
        if !table.columns.iter().any(|(column, ty)| column == "TimeGenerated" && *ty == Type::DateTime) {
            anyhow::bail!("--simulate-delay: the table {name} has no TimeGenerated");
        }
    }
    Ok(named.iter().cloned().collect())
}

/// Tells each error of a rule once, at its first window.
fn tell_failures(replays: &[Replayed<'_>]) -> anyhow::Result<()> {
    let color = std::io::stderr().is_terminal();
    let mut err = std::io::stderr().lock();
    for Replayed { rule, replay, .. } in replays {
        let mut told: Vec<(&str, &str)> = Vec::new();
        for window in &replay.windows {
            let Some(error) = &window.error else { continue };
            if told.contains(&(&error.code, &error.message)) {
                continue;
            }
            told.push((&error.code, &error.message));
            let end = window.end;
            writeln!(err, "error: {}: window ending {end}: {}", error.file, clean(&error.message))?;
            if !error.diagnostics.is_empty() {
                diagnostics::write(&error.diagnostics, &rule.query, &Origin::of_rule(rule), color, &mut err)?;
            }
        }
        if !replay.complete {
            writeln!(err, "error: {}: ended early, after {} windows", rule.source.file, replay.windows.len())?;
        }
    }
    Ok(())
}

fn write(
    replays: &[Replayed<'_>],
    format: ReplayFormat,
    width: Option<usize>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    match format {
        ReplayFormat::Json => {
            for replayed in replays {
                writeln!(out, "{}", replay_json(replayed))?;
            }
        }
        ReplayFormat::Table => {
            for Replayed { rule, replay, .. } in replays {
                write_windows(rule, replay, width, out)?;
            }
            write_summaries(replays, width, out)?;
        }
    }
    Ok(())
}

/// One object a rule, as the documentation describes it.
fn replay_json(Replayed { rule, settings, replay }: &Replayed<'_>) -> Value {
    json!({
        "rule": {"id": rule.rule_id(), "name": rule.name, "severity": rule.severity},
        "from": settings.from,
        "to": settings.to,
        "windows": replay.windows,
        "summary": replay.summary,
    })
}

/// The windows of a rule that gave alerts, failed, were suppressed, or lost something to late rows.
fn write_windows(
    rule: &AnalyticsRule,
    replay: &Replay,
    width: Option<usize>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let stands_out =
        |w: &&ReplayWindow| w.status != ReplayStatus::BelowThreshold || w.lost_results() + w.lost_alerts() > 0;
    let late = replay.summary.delay.is_some();
    let shown: Vec<&ReplayWindow> = replay.windows.iter().filter(stands_out).collect();
    writeln!(out, "{}", clean(&rule.name))?;
    let mut columns =
        vec![("window ends", Type::String), ("status", Type::String), ("results", Type::Long), ("alerts", Type::Long)];
    if late {
        columns.extend([("late results", Type::Long), ("late alerts", Type::Long)]);
    }
    let rows: Vec<Vec<String>> = shown
        .iter()
        .take(MOST_WINDOWS)
        .map(|window| {
            let mut row = vec![
                window.end.to_string(),
                status(window.status).to_string(),
                window.results.to_string(),
                window.alerts.to_string(),
            ];
            if late {
                row.extend([window.lost_results().to_string(), window.lost_alerts().to_string()]);
            }
            row
        })
        .collect();
    if !rows.is_empty() {
        table::write_texts(&columns, &rows, width, out)?;
    }
    let quiet = replay.windows.len() - shown.len();
    let more = shown.len().saturating_sub(MOST_WINDOWS);
    let more = if more > 0 { format!(", and {more} more like these") } else { String::new() };
    writeln!(out, "{quiet} of {} windows below the threshold{more}\n", replay.windows.len())?;
    Ok(())
}

const fn status(status: ReplayStatus) -> &'static str {
    match status {
        ReplayStatus::Alert => "alert",
        ReplayStatus::BelowThreshold => "below threshold",
        ReplayStatus::Failed => "failed",
        ReplayStatus::Suppressed => "suppressed",
    }
}

/// The figures of all rules, a line each.
fn write_summaries(replays: &[Replayed<'_>], width: Option<usize>, out: &mut dyn Write) -> anyhow::Result<()> {
    let late = replays.iter().any(|replayed| !replayed.settings.delays.is_empty());
    let mut columns = vec![
        ("rule", Type::String),
        ("windows", Type::Long),
        ("with alerts", Type::Long),
        ("suppressed", Type::Long),
        ("failed", Type::Long),
        ("results", Type::Long),
        ("alerts", Type::Long),
        ("a day", Type::Real),
        ("first hit", Type::String),
        ("last hit", Type::String),
        ("seconds", Type::Real),
    ];
    if late {
        columns.extend([("windows losing results", Type::Long), ("windows losing alerts", Type::Long)]);
    }
    let instant = |t: Option<Timestamp>| t.map(|t| t.to_string()).unwrap_or_default();
    let rows: Vec<Vec<String>> = replays
        .iter()
        .map(|Replayed { rule, replay: Replay { summary, .. }, .. }| {
            let mut row = vec![
                clean(&rule.name).into_owned(),
                summary.windows.to_string(),
                summary.windows_with_alerts.to_string(),
                summary.suppressed.to_string(),
                summary.failed.to_string(),
                summary.results.to_string(),
                summary.alerts.to_string(),
                format!("{:.2}", summary.alerts_per_day),
                instant(summary.first_hit),
                instant(summary.last_hit),
                format!("{:.1}", summary.seconds),
            ];
            if let Some(delay) = summary.delay {
                row.extend([delay.windows_losing_results.to_string(), delay.windows_losing_alerts.to_string()]);
            }
            row
        })
        .collect();
    let (from, to) = (replays.iter().map(|r| r.settings.from).min(), replays.iter().map(|r| r.settings.to).max());
    if let (Some(from), Some(to)) = (from, to) {
        writeln!(out, "{from} to {to}")?;
    }
    table::write_texts(&columns, &rows, width, out)
}
