//! `picquet check`.

use std::io::{BufReader, IsTerminal as _, Write};

use anyhow::Context as _;
use jiff::Timestamp;
use kql_syntax::Severity;
use picquet_detect::to_ticks;
use serde_json::json;

use crate::check::args::{CheckArgs, CheckFormat};
use crate::check::{CheckCatalog, answer, batch, collect, of_text, report};

/// Checks without running; `false` where there is an error.
pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<bool> {
    let catalog = CheckCatalog::open(args)?;
    let now = to_ticks(Timestamp::now());
    let mut out = std::io::stdout().lock();
    if let Some(path) = &args.batch {
        if path.as_os_str() == "-" {
            batch::run(BufReader::new(std::io::stdin()), &mut out, &catalog, now)?;
        } else {
            let file = std::fs::File::open(path).with_context(|| format!("opening {}", path.display()))?;
            batch::run(BufReader::new(file), &mut out, &catalog, now)?;
        }
        return Ok(true);
    }
    let mut found = collect(&args.paths)?;
    if let Some(query) = &args.query {
        found.units.insert(0, of_text(query.clone()));
    }
    if found.units.is_empty() && found.errors.is_empty() {
        anyhow::bail!("no queries or rules found");
    }
    let mut summary = report::Summary { checked: 0, errors: found.errors.len(), warnings: found.warnings.len() };
    let human = args.format == CheckFormat::Human;
    let color = std::io::stdout().is_terminal();
    let mut findings = Vec::new();
    let mut results = Vec::new();
    let problems = found.errors.iter().map(|e| (e, Severity::Error));
    for (problem, severity) in problems.chain(found.warnings.iter().map(|w| (w, Severity::Warning))) {
        if human {
            report::write_rule(problem, severity, &mut out)?;
        } else {
            findings.push(report::rule_finding(problem, severity));
        }
    }
    for unit in &found.units {
        let answer = answer::answer(&unit.query, &catalog, now);
        summary.count(&answer);
        if human {
            report::write_human(unit, &answer, color, &mut out)?;
            if args.columns {
                report::write_columns(unit, &answer, &mut out)?;
            }
        } else {
            findings.extend(report::findings(unit, &answer));
            results.extend(args.columns.then(|| report::columns_json(unit, &answer)));
        }
    }
    if human {
        writeln!(out, "{}", summary.text())?;
    } else {
        let mut whole = json!({"findings": findings, "summary": summary.json()});
        if args.columns {
            whole["results"] = json!(results);
        }
        writeln!(out, "{whole}")?;
    }
    out.flush()?;
    Ok(summary.errors == 0)
}
