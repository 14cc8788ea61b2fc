//! `picquet demo`.

use std::io::Write;

use anyhow::Context as _;
use jiff::Timestamp;
use kql_engine::{Engine, EngineOptions, Limits};
use picquet_detect::{RunSettings, run_rule};
use picquet_rules::{AlertContext, load_text};
use picquet_sources::{FileDatabase, Options};

use crate::cli::DemoArgs;
use crate::demo::{Story, generate, render_alert_story};
use crate::progress;

const RULE_FILE: &str = "RareRunCommandPowerShellScript.yaml";
const RULE: &str = include_str!("../../assets/RareRunCommandPowerShellScript.yaml");

/// Start of the generated day.
const DAY: &str = "2026-03-14T00:00:00Z";

pub(crate) async fn run(args: &DemoArgs) -> anyhow::Result<bool> {
    let folder = match &args.dir {
        Some(dir) => dir.clone(),
        None => std::env::temp_dir().join(format!("picquet-demo-{}", args.seed)),
    };
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let day: Timestamp = DAY.parse()?;
    let summary = generate(args.seed, day, &folder)?;
    let rule_path = folder.join(RULE_FILE);
    std::fs::write(&rule_path, RULE).with_context(|| format!("writing {}", rule_path.display()))?;

    let loaded = load_text(RULE_FILE, RULE);
    let Some(rule) = loaded.rules.first() else { anyhow::bail!("the bundled rule cannot be read") };
    let database = FileDatabase::open(std::slice::from_ref(&folder), Options::default())?;
    let engine = Engine::new(&EngineOptions::default())?;
    let settings = RunSettings {
        end: summary.end,
        period: None,
        generated_at: summary.end,
        context: AlertContext::default(),
        limits: Limits::default(),
    };
    let mut next_id = || uuid::Uuid::new_v4().to_string();
    let work = run_rule(&engine, &database, rule, &settings, &mut next_id);
    let run = progress::during("running the rule", work).await;
    if let Some(error) = &run.error {
        anyhow::bail!("{}: {}", error.code, error.message);
    }
    let Some(result) = &run.result else { anyhow::bail!("the rule gave no result") };
    let alerts = run.alerts().iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "A day of {} events in {} tables, in {}", summary.events(), summary.tables.len(), folder.display())?;
    for (table, count) in &summary.tables {
        writeln!(out, "  {table:<18} {count:>7}")?;
    }
    writeln!(out)?;
    let story = Story {
        rule_name: &rule.name,
        rule: &rule_path.display().to_string(),
        data: &folder.display().to_string(),
        window: (run.window.start, run.window.end),
        rows: result,
        alerts: &alerts,
        width: super::terminal_width(),
    };
    render_alert_story(&story, &mut out)?;
    out.flush()?;
    Ok(true)
}
