//! What was noticed in the log files.

use std::io::Write;

use crate::logs::Logs;

/// Most problems that are shown line by line.
const MOST: usize = 10;

/// Tells on standard error which files were chosen and what in them could not be read.
pub(crate) fn tell(logs: &Logs) -> std::io::Result<()> {
    let Some(database) = logs.files() else { return Ok(()) };
    let mut out = std::io::stderr().lock();
    for note in database.notes() {
        writeln!(out, "note: {note}")?;
    }
    let report = database.problems();
    if report.is_empty() {
        return Ok(());
    }
    let problems = report.problems();
    for problem in problems.iter().take(MOST) {
        writeln!(out, "warning: {problem}")?;
    }
    for (file, count) in report.counts() {
        writeln!(out, "warning: {}: {count} problem{}, the rest was read", file.display(), plural(count))?;
    }
    Ok(())
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}
