//! `picquet run`.

use std::io::{IsTerminal as _, Write};

use kql_engine::{QueryResult, json};
use picquet_detect::{Clock as _, RuleRun, RunSettings, RunStatus, run_rule};
use picquet_rules::{AlertContext, AnalyticsRule, Loaded, load_path};
use serde_json::{Value, json};

use crate::cli::RunArgs;
use crate::clock::SystemClock;
use crate::diagnostics::Origin;
use crate::output::{Format, table, write_result, write_to_path};
use crate::{diagnostics, progress, reports};

pub(crate) async fn run(args: &RunArgs) -> anyhow::Result<bool> {
    let loaded: Vec<Loaded> = args.rules.iter().flat_map(load_path).collect();
    let mut good = tell_rule_problems(&loaded)?;
    let rules: Vec<&AnalyticsRule> = loaded.iter().flat_map(|l| &l.rules).collect();
    if rules.is_empty() && good {
        anyhow::bail!("no analytics rules found");
    }
    let (database, engine) = super::open(&args.data).await?;
    let now = SystemClock.now();
    let settings = RunSettings {
        end: args.end.unwrap_or(now),
        period: args.period,
        generated_at: now,
        context: AlertContext::default(),
        limits: super::limits(&args.data.resources)?,
    };
    let mut next_id = || uuid::Uuid::new_v4().to_string();
    let bar = progress::bar(rules.len() as u64);
    let mut runs = Vec::with_capacity(rules.len());
    for rule in rules {
        bar.set_message(rule.name.clone());
        let run = progress::shown(&bar, run_rule(&engine, &database, rule, &settings, &mut next_id)).await;
        bar.inc(1);
        good &= run.status != RunStatus::Failed;
        runs.push((rule, run));
    }
    bar.finish_and_clear();
    reports::tell(&database)?;
    tell_failures(&runs)?;
    match &args.out {
        Some(path) => write_to_path(path, |out| write_runs(&runs, args.format, None, out))?,
        None => {
            let mut out = std::io::stdout().lock();
            write_runs(&runs, args.format, super::terminal_width(), &mut out)?;
            out.flush()?;
        }
    }
    Ok(good)
}

/// Whether all rule files could be read.
pub(super) fn tell_rule_problems(loaded: &[Loaded]) -> anyhow::Result<bool> {
    let mut err = std::io::stderr().lock();
    let mut good = true;
    for file in loaded {
        for error in &file.errors {
            writeln!(err, "error: {error}")?;
            good = false;
        }
        for warning in &file.warnings {
            writeln!(err, "warning: {warning}")?;
        }
    }
    Ok(good)
}

fn tell_failures(runs: &[(&AnalyticsRule, RuleRun)]) -> anyhow::Result<()> {
    let color = std::io::stderr().is_terminal();
    let mut err = std::io::stderr().lock();
    for (rule, run) in runs {
        for warning in &run.output.warnings {
            writeln!(err, "warning: {}: {}", rule.name, warning.message)?;
        }
        let Some(error) = &run.error else { continue };
        if error.diagnostics.is_empty() {
            writeln!(err, "error: {}: {}", error.file, error.message)?;
        } else {
            diagnostics::write(&error.diagnostics, &rule.query, &Origin::of_rule(rule), color, &mut err)?;
        }
    }
    Ok(())
}

fn write_runs(
    runs: &[(&AnalyticsRule, RuleRun)],
    format: Format,
    width: Option<usize>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    match format {
        Format::Json => {
            for (rule, run) in runs {
                writeln!(out, "{}", run_json(rule, run))?;
            }
        }
        // The other formats hold one table: the alerts of all rules, a record each.
        Format::Jsonl => {
            for (_, run) in runs {
                for alert in run.alerts() {
                    writeln!(out, "{}", serde_json::to_string(alert)?)?;
                }
            }
        }
        Format::Csv | Format::Parquet => {
            let [(_, run)] = runs else {
                anyhow::bail!("csv and parquet hold the rows of one rule; name one, or use --format json");
            };
            if let Some(result) = &run.result {
                write_result(result, format, out, width)?;
            }
        }
        Format::Table => {
            for (rule, run) in runs {
                write_summary(rule, run, width, out)?;
            }
        }
    }
    Ok(())
}

/// One object a rule, as the documentation describes it.
fn run_json(rule: &AnalyticsRule, run: &RuleRun) -> Value {
    let results = run.result.as_ref().map_or_else(|| json!({"columns": [], "rows": []}), results_json);
    json!({
        "rule": {"id": rule.rule_id(), "name": rule.name, "severity": rule.severity},
        "window": {"start": run.window.start.to_string(), "end": run.window.end.to_string()},
        "status": run.status,
        "results": results,
        "alerts": run.alerts(),
        "error": run.error,
    })
}

fn results_json(result: &QueryResult) -> Value {
    let columns: Vec<Value> = result.columns.iter().map(|(name, ty)| json!([name, ty.name()])).collect();
    let rows: Vec<Value> = result.rows().map(|row| row.iter().map(json::to_json).collect()).collect();
    json!({"columns": columns, "rows": rows})
}

fn write_summary(rule: &AnalyticsRule, run: &RuleRun, width: Option<usize>, out: &mut dyn Write) -> anyhow::Result<()> {
    let status = match run.status {
        RunStatus::Alert => "alert",
        RunStatus::BelowThreshold => "below threshold",
        RunStatus::Failed => "failed",
    };
    let rows = run.result.as_ref().map_or(0, QueryResult::row_count);
    let name = crate::output::clean(&rule.name);
    writeln!(out, "{name}\n  {status}, {rows} rows, {} to {}", run.window.start, run.window.end)?;
    for alert in run.alerts() {
        let entities = serde_json::from_str::<Value>(&alert.entities).ok();
        let entities = entities.as_ref().and_then(Value::as_array).map_or(0, Vec::len);
        let shown = crate::output::clean(&alert.display_name);
        writeln!(out, "  {} alert: {shown} ({entities} entities)", alert.alert_severity)?;
    }
    if let Some(result) = run.result.as_ref().filter(|_| run.status == RunStatus::Alert) {
        table::write(result, out, width)?;
    }
    writeln!(out)?;
    Ok(())
}
