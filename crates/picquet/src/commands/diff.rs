//! `picquet diff`.

mod data;

use std::io::Write;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use picquet_convert::{Change, Line, RuleChange, RuleDiff, diff_sets};
use picquet_rules::{AnalyticsRule, Duration};
use serde_json::{Value, json};

use self::data::DataDiff;
use crate::cli::{DataArgs, time};
use crate::exit::Exit;
use crate::output::clean;

/// What is compared.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The old rules: a file, a folder, or REVISION:PATH of git
    old: String,
    /// The new rules, likewise
    new: String,
    #[command(flatten)]
    data: DataArgs,
    /// With --data: the scheduled instant of both runs; the present by default
    #[arg(long, value_name = "TIME", value_parser = time)]
    end: Option<Timestamp>,
    /// With --data: length of the window of both runs, instead of the rules' query periods
    #[arg(long, value_name = "DURATION")]
    period: Option<Duration>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = DiffFormat::Human)]
    format: DiffFormat,
}

/// Forms of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiffFormat {
    /// Lines for people
    Human,
    /// One object
    Json,
}

/// Compares; tells what changed.
pub(crate) async fn run(args: &DiffArgs) -> anyhow::Result<Exit> {
    let old = super::git::load(&args.old)?;
    let new = super::git::load(&args.new)?;
    let mut good = super::run::tell_rule_problems(&old)?;
    good &= super::run::tell_rule_problems(&new)?;
    let diffs = diff_sets(old.iter().flat_map(|file| &file.rules), new.iter().flat_map(|file| &file.rules));
    let mut runs: Vec<Option<DataDiff>> = diffs.iter().map(|_| None).collect();
    if !args.data.data.is_empty() {
        runs = data::compare(&diffs, &args.data, args.end, args.period).await?;
        good &= !runs.iter().flatten().any(DataDiff::is_failure);
    }
    let mut out = std::io::stdout().lock();
    match args.format {
        DiffFormat::Human => write_human(&diffs, &runs, &mut out)?,
        DiffFormat::Json => writeln!(out, "{}", diff_json(&diffs, &runs))?,
    }
    out.flush()?;
    Ok(match (good, diffs.iter().all(|diff| diff.kind() == RuleChange::Same)) {
        (false, _) => Exit::Failed,
        (true, true) => Exit::Good,
        (true, false) => Exit::Told,
    })
}

fn count(diffs: &[RuleDiff<'_>], kind: RuleChange) -> usize {
    diffs.iter().filter(|diff| diff.kind() == kind).count()
}

fn write_human(diffs: &[RuleDiff<'_>], runs: &[Option<DataDiff>], out: &mut dyn Write) -> anyhow::Result<()> {
    for (diff, run) in diffs.iter().zip(runs) {
        let word = match diff.kind() {
            RuleChange::Added => "added  ",
            RuleChange::Removed => "removed",
            RuleChange::Changed => "changed",
            RuleChange::Same => continue,
        };
        let Some(rule) = diff.new.or(diff.old) else { continue };
        writeln!(out, "{word}  {} ({})  {}", clean(&rule.name), clean(rule.rule_id()), rule.source.file)?;
        for change in &diff.changes {
            write_change(change, out)?;
        }
        if let Some(run) = run {
            run.write(out)?;
        }
    }
    let of = |kind| count(diffs, kind);
    writeln!(
        out,
        "{} changed, {} added, {} removed, {} the same",
        of(RuleChange::Changed),
        of(RuleChange::Added),
        of(RuleChange::Removed),
        of(RuleChange::Same)
    )?;
    Ok(())
}

/// One changed key: old and new value, or the lines of the query that changed.
pub(super) fn write_change(change: &Change, out: &mut dyn Write) -> anyhow::Result<()> {
    let path = clean(&change.path);
    if let Some(lines) = change.query_lines() {
        writeln!(out, "  {path}:")?;
        return write_lines(&lines, out);
    }
    if change.old.to_string().len() + change.new.to_string().len() <= 100 {
        writeln!(out, "  {path}: {} -> {}", value_text(&change.old), value_text(&change.new))?;
    } else {
        writeln!(out, "  {path}:")?;
        writeln!(out, "    - {}", value_text(&change.old))?;
        writeln!(out, "    + {}", value_text(&change.new))?;
    }
    Ok(())
}

fn value_text(value: &Value) -> String {
    match value {
        Value::Null => "(default)".to_owned(),
        Value::String(text) => clean(text).into_owned(),
        other => clean(&other.to_string()).into_owned(),
    }
}

/// Changed lines with a line around them.
fn write_lines(lines: &[Line], out: &mut dyn Write) -> anyhow::Result<()> {
    const AROUND: usize = 1;
    let changed: Vec<usize> =
        lines.iter().enumerate().filter(|(_, line)| !matches!(line, Line::Same(_))).map(|(at, _)| at).collect();
    let mut last = None;
    for (at, line) in lines.iter().enumerate() {
        if !changed.iter().any(|place| place.abs_diff(at) <= AROUND) {
            continue;
        }
        if last.is_some_and(|last| last + 1 != at) {
            writeln!(out, "      …")?;
        }
        last = Some(at);
        match line {
            Line::Same(text) => writeln!(out, "      {}", clean(text))?,
            Line::Old(text) => writeln!(out, "    - {}", clean(text))?,
            Line::New(text) => writeln!(out, "    + {}", clean(text))?,
        }
    }
    Ok(())
}

fn diff_json(diffs: &[RuleDiff<'_>], runs: &[Option<DataDiff>]) -> Value {
    let file = |rule: Option<&AnalyticsRule>| rule.map(|rule| rule.source.file.clone());
    let rules = diffs.iter().zip(runs).filter(|(diff, _)| diff.kind() != RuleChange::Same).map(|(diff, run)| {
        let rule = diff.new.or(diff.old);
        let mut object = json!({
            "change": diff.kind(),
            "id": rule.and_then(|rule| rule.id.clone()),
            "name": rule.map(|rule| rule.name.clone()),
            "files": {"old": file(diff.old), "new": file(diff.new)},
            "changes": diff.changes,
        });
        if let Some(run) = run {
            object["data"] = run.json();
        }
        object
    });
    json!({
        "rules": rules.collect::<Vec<_>>(),
        "summary": {
            "changed": count(diffs, RuleChange::Changed),
            "added": count(diffs, RuleChange::Added),
            "removed": count(diffs, RuleChange::Removed),
            "same": count(diffs, RuleChange::Same),
        },
    })
}
