//! Runs the documented cases and compares their answers.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::cases::{DocsCase, docs_cases};
use crate::compare::compare;
use crate::figures::{Share, Showing, Tally};
use crate::runner::{Nothing, Runner};

const LIMIT: Duration = Duration::from_secs(30);

/// Prints the failures and the score.
pub(crate) fn run(shared: &Path, showing: &Showing, out: &mut dyn Write) -> anyhow::Result<()> {
    let runner = Runner::new(Arc::new(Nothing), LIMIT)?;
    let mut tally = Tally::new(showing, out);
    let mut kinds: BTreeMap<&str, Share> = BTreeMap::new();
    let cases = docs_cases(shared)?;
    for case in cases.iter().filter(|case| case.needs.is_empty() && showing.wants(&case.id)) {
        let wrong = judge(case, &runner);
        kinds.entry(kind(wrong.as_deref())).or_default().count(wrong.is_none());
        tally.case(&case.id, wrong.as_deref())?;
    }
    for (kind, share) in &kinds {
        tally.note(&format!("{kind}: {}", share.all))?;
    }
    runner.stop();
    tally.finish("documented cases")
}

fn judge(case: &DocsCase, runner: &Runner) -> Option<String> {
    let (columns, rows) = match runner.run(&case.query) {
        Ok(answer) => answer,
        Err(error) => return Some(format!("error: {error}")),
    };
    let mut first = None;
    for table in case.tables() {
        match compare(&table, &columns, &rows) {
            None => return None,
            Some(wrong) => first = first.or(Some(wrong)),
        }
    }
    first
}

fn kind(wrong: Option<&str>) -> &'static str {
    match wrong {
        None => "right",
        Some(wrong) if wrong.contains("not supported") => "not supported",
        Some(wrong) if wrong.starts_with("error: no answer") => "too slow",
        Some(wrong) if wrong.starts_with("error") => "refused or failed",
        Some(wrong) if wrong.starts_with("columns") => "other columns",
        Some(_) => "other rows",
    }
}
