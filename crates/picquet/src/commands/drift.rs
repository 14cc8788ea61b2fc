//! `picquet drift`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use picquet_convert::{Change, Drift, drift};
use picquet_rules::{AnalyticsRule, Loaded, load_path};
use serde_json::{Value, json};

use super::diff::{DiffFormat, write_change};
use crate::exit::Exit;

/// A repository and what is deployed.
#[derive(Debug, Args)]
pub(crate) struct DriftArgs {
    /// The repository: a folder of rules, or a rule file
    #[arg(value_name = "REPO")]
    repository: PathBuf,
    /// What is deployed: answers of the API's list of rules, or exported templates, as files or folders
    #[arg(value_name = "EXPORT", required = true)]
    exports: Vec<PathBuf>,
    /// What deploying put before the display names
    #[arg(long, value_name = "TEXT", default_value = "")]
    name_prefix: String,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = DiffFormat::Human)]
    format: DiffFormat,
}

/// Compares; tells what is missing, extra and changed.
pub(crate) fn run(args: &DriftArgs) -> anyhow::Result<Exit> {
    let repository = load_path(&args.repository);
    let exports: Vec<Loaded> = args.exports.iter().flat_map(load_path).collect();
    let mut good = super::run::tell_rule_problems(&repository)?;
    good &= super::run::tell_rule_problems(&exports)?;
    for export in args.exports.iter().filter(|export| has_next_page(export)) {
        writeln!(std::io::stderr(), "warning: {}: a part of a list (it has a nextLink)", export.display())?;
    }
    let found = drift(
        repository.iter().flat_map(|file| &file.rules),
        exports.iter().flat_map(|file| &file.rules),
        &args.name_prefix,
    );
    let mut out = std::io::stdout().lock();
    match args.format {
        DiffFormat::Human => write_human(&found, &mut out)?,
        DiffFormat::Json => writeln!(out, "{}", drift_json(&found))?,
    }
    out.flush()?;
    Ok(match (good, found.is_none()) {
        (false, _) => Exit::Failed,
        (true, true) => Exit::Good,
        (true, false) => Exit::Told,
    })
}

/// Whether a file is one page of a longer list.
fn has_next_page(path: &std::path::Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let value = serde_json::from_str::<Value>(&text).unwrap_or_default();
    value.get("nextLink").is_some_and(|link| !link.is_null())
}

fn write_human(found: &Drift<'_>, out: &mut dyn Write) -> anyhow::Result<()> {
    let shown = |rule: &AnalyticsRule| {
        format!("{} ({})", crate::output::clean(&rule.name), crate::output::clean(rule.rule_id()))
    };
    for rule in &found.missing {
        writeln!(out, "missing  {}  {}", shown(rule), rule.source.file)?;
    }
    for rule in &found.extra {
        writeln!(out, "extra    {}", shown(rule))?;
    }
    for (own, theirs, changes) in &found.changed {
        writeln!(out, "changed  {}  {}", shown(theirs), own.source.file)?;
        for change in changes {
            write_change(change, out)?;
        }
    }
    let (missing, extra, changed) = (found.missing.len(), found.extra.len(), found.changed.len());
    writeln!(out, "{missing} missing, {extra} extra, {changed} changed, {} as in the repository", found.same)?;
    Ok(())
}

fn drift_json(found: &Drift<'_>) -> Value {
    let rule = |rule: &AnalyticsRule| json!({"id": rule.id, "name": rule.name, "file": rule.source.file});
    let changed = |(own, theirs, changes): &(&AnalyticsRule, &AnalyticsRule, Vec<Change>)| json!({"repository": rule(own), "deployed": rule(theirs), "changes": changes});
    json!({
        "missing": found.missing.iter().map(|r| rule(r)).collect::<Vec<_>>(),
        "extra": found.extra.iter().map(|r| rule(r)).collect::<Vec<_>>(),
        "changed": found.changed.iter().map(changed).collect::<Vec<_>>(),
        "same": found.same,
    })
}
