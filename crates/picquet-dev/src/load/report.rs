//! The figures as Markdown.

use std::fmt::Write as _;
use std::time::Duration;

use super::ingestion::Measured;
use super::logs::{Form, LogFile};
use super::rules::Outcome;

const MB: f64 = 1e6;

/// The table of what taking in files took.
pub(super) fn ingestion(files: &[(&LogFile, Measured)]) -> String {
    let mut text = String::from(
        "\n| file | text | rows | seconds | rows/s | MB/s | peak memory | on the disk |\n|---|---|---|---|---|---|---|---|\n",
    );
    for (file, measured) in files {
        let form = match file.form {
            Form::JsonLines => "JSON lines",
            Form::Csv => "CSV",
            Form::GzipJsonLines => "JSON lines, gzip",
        };
        let _ = writeln!(
            text,
            "| {} ({form}) | {:.0} MB | {} | {:.2} | {:.0} | {:.0} | {} | {:.0} MB |",
            file.table,
            file.text as f64 / MB,
            measured.rows,
            measured.seconds,
            measured.rows as f64 / measured.seconds,
            file.text as f64 / MB / measured.seconds,
            measured.peak.map_or_else(String::new, |bytes| format!("{:.0} MB", bytes as f64 / MB)),
            measured.disk as f64 / MB,
        );
    }
    let bytes: u64 = files.iter().map(|(file, _)| file.text).sum();
    let rows: u64 = files.iter().map(|(_, measured)| measured.rows).sum();
    let rejected: u64 = files.iter().map(|(_, measured)| measured.rejected).sum();
    let seconds: f64 = files.iter().map(|(_, measured)| measured.seconds).sum();
    let _ = writeln!(
        text,
        "\nAll files one after the other: {rows} rows in {seconds:.1} s, {:.0} rows/s, {:.0} MB/s; {rejected} records rejected.",
        rows as f64 / seconds,
        bytes as f64 / MB / seconds
    );
    text
}

/// The tables of what the rules took.
pub(super) fn rules(outcome: &Outcome) -> String {
    let mut text = format!(
        "\n{} rules every five minutes over {} rows in {} tables ({:.0} MB of files); {} further rules of the corpus cannot \
         run on the known tables.\n",
        outcome.rules,
        outcome.rows,
        outcome.tables,
        outcome.bytes as f64 / MB,
        outcome.left_out.len()
    );
    text.push_str(
        "\n| step | runs | failed | alerts | lag of the last run | rows taken in | taking in | upkeep |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for (number, step) in outcome.steps.iter().enumerate() {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {:.1} s | {} | {:.1} s | {:.1} s |",
            number + 1,
            step.runs.len(),
            step.runs.iter().filter(|run| run.error.is_some()).count(),
            step.runs.iter().map(|run| run.alerts).sum::<usize>(),
            step.lag.as_secs_f64(),
            step.taken_in,
            step.ingestion.as_secs_f64(),
            step.upkeep.as_secs_f64()
        );
    }
    let Some(last) = outcome.steps.last() else { return text };
    let spent = last.spent();
    let parts: [(&str, Duration); 6] = [
        ("waiting for ingestion, snapshot", spent.opening),
        ("parsing and binding", spent.query.binding),
        ("planning", spent.query.planning),
        ("running", spent.query.running),
        ("alerts", spent.judging),
        ("keeping (one transaction a run)", spent.keeping),
    ];
    let all = spent.total().as_secs_f64().max(f64::MIN_POSITIVE);
    text.push_str("\nWhere the time of the last step's runs goes, in sum over all:\n\n| part | seconds | share |\n|---|---|---|\n");
    for (part, time) in parts {
        let _ = writeln!(text, "| {part} | {:.2} | {:.0} % |", time.as_secs_f64(), 100.0 * time.as_secs_f64() / all);
    }
    let mut runs: Vec<_> = last.runs.iter().collect();
    runs.sort_by_key(|run| std::cmp::Reverse(run.spent.total()));
    text.push_str("\nThe slowest rules of the last step:\n\n| rule | seconds | of them planning | rows of the result |\n|---|---|---|---|\n");
    for run in runs.iter().take(10) {
        let planning = run.spent.query.binding + run.spent.query.planning;
        let _ = writeln!(
            text,
            "| {} | {:.2} | {:.2} | {} |",
            run.name.replace('|', "\\|"),
            run.spent.total().as_secs_f64(),
            planning.as_secs_f64(),
            run.results
        );
    }
    let mut reasons: Vec<(String, usize)> = Vec::new();
    for (_, why) in &outcome.left_out {
        let why: String = why.lines().next().unwrap_or_default().chars().take(100).collect();
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, count)) => *count += 1,
            None => reasons.push((why, 1)),
        }
    }
    if !reasons.is_empty() {
        text.push_str("\nWhy rules are left out:\n\n");
        for (why, count) in reasons {
            let _ = writeln!(text, "- {count}: {why}");
        }
    }
    text
}
