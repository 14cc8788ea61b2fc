//! Compares parser and binder with the recorded answers of Microsoft's parser.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use kql_semantics::{BindOptions, bind};
use kql_syntax::{LineIndex, Severity};
use serde::Deserialize;

use crate::corpus;

/// A query that takes longer to bind is named.
const SLOW: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
struct QueryLine {
    id: String,
    query: String,
}

#[derive(Deserialize)]
struct OracleLine {
    id: String,
    ok: bool,
    #[serde(default)]
    errors: Vec<OracleError>,
    columns: Option<Vec<(String, String)>>,
    #[serde(default)]
    open: bool,
}

#[derive(Deserialize)]
struct OracleError {
    code: String,
    message: String,
    /// In UTF-16 units.
    start: usize,
}

#[derive(Default)]
struct Share {
    good: usize,
    all: usize,
}

impl Share {
    fn count(&mut self, good: bool) {
        self.all += 1;
        self.good += usize::from(good);
    }

    fn percent(&self) -> f64 {
        if self.all == 0 { 100.0 } else { 100.0 * self.good as f64 / self.all as f64 }
    }
}

/// Prints every disagreement and the shares; fails below the floors.
pub(crate) fn compare(
    shared: &Path,
    most: usize,
    accept_floor: Option<f64>,
    columns_floor: Option<f64>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    if !shared.join("corpus/oracle/queries.jsonl").is_file() {
        writeln!(out, "skipped: the corpora are not in {}", shared.display())?;
        return Ok(());
    }
    let catalog = corpus::catalog(shared)?;
    let queries: Vec<QueryLine> = corpus::json_lines(&shared.join("corpus/queries.jsonl"))?;
    let oracle: Vec<OracleLine> = corpus::json_lines(&shared.join("corpus/oracle/queries.jsonl"))?;
    let oracle: HashMap<&str, &OracleLine> = oracle.iter().map(|o| (o.id.as_str(), o)).collect();
    let (mut accept, mut columns, mut lines) = (Share::default(), Share::default(), Share::default());
    let mut shown = HashMap::<&str, usize>::new();
    let mut elapsed = Duration::ZERO;
    for query in &queries {
        let start = Instant::now();
        let bound = bind(&query.query, &catalog, &BindOptions { checking: true, ..BindOptions::default() });
        let took = start.elapsed();
        elapsed += took;
        if took > SLOW {
            writeln!(out, "slow {} {:.2} s", query.id, took.as_secs_f64())?;
        }
        let Some(oracle) = oracle.get(query.id.as_str()) else { continue };
        let mut errors = bound.diagnostics.iter().filter(|d| d.severity == Severity::Error);
        let first = errors.next();
        let index = LineIndex::new(&query.query);
        let mut show = |kind: &'static str, text: String| -> anyhow::Result<()> {
            let shown = shown.entry(kind).or_default();
            *shown += 1;
            if *shown <= most {
                writeln!(out, "{kind} {} {text}", query.id)?;
            }
            Ok(())
        };
        accept.count(first.is_none() == oracle.ok);
        match (first, oracle.ok) {
            (Some(d), true) => {
                let (line, column) = index.line_column(d.span.start);
                let text = d.span.text(&query.query).chars().take(60).collect::<String>().replace('\n', " ");
                show("refused", format!("{line}:{column} {}: {} [{text}]", d.code, d.message))?;
            }
            (None, false) => {
                let error = oracle.errors.first();
                show("accepted", error.map_or(String::new(), |e| format!("{}: {}", e.code, e.message)))?;
            }
            (Some(d), false) => {
                let Some(error) = oracle.errors.iter().min_by_key(|e| e.start) else { continue };
                let theirs = index.line_column(utf16_to_byte(&query.query, error.start)).0;
                let ours = index.line_column(d.span.start).0;
                lines.count(theirs == ours);
                if theirs != ours {
                    let message = format!(
                        "line {ours} {} {}, not line {theirs} {} {}",
                        d.code, d.message, error.code, error.message
                    );
                    show("line", message)?;
                }
            }
            (None, true) if !oracle.open => {
                let Some(want) = &oracle.columns else { continue };
                let got: Vec<(String, String)> = bound.query.as_ref().map_or(Vec::new(), |q| {
                    q.last().columns.iter().map(|c| (c.name.clone(), c.ty.name().to_string())).collect()
                });
                columns.count(&got == want);
                if &got != want {
                    show("columns", difference(&got, want))?;
                }
            }
            (None, true) => {}
        }
    }
    writeln!(out, "accept or refuse: {} of {} equal, {:.2} %", accept.good, accept.all, accept.percent())?;
    writeln!(out, "columns: {} of {} equal, {:.2} %", columns.good, columns.all, columns.percent())?;
    writeln!(out, "line of the first error: {} of {} equal, {:.2} %", lines.good, lines.all, lines.percent())?;
    writeln!(out, "parsed and bound in {:.2} s", elapsed.as_secs_f64())?;
    for (what, share, floor) in [("verdicts", &accept, accept_floor), ("columns", &columns, columns_floor)] {
        if let Some(floor) = floor {
            anyhow::ensure!(share.percent() >= floor, "equal {what} fell below {floor} %");
        }
    }
    Ok(())
}

fn utf16_to_byte(text: &str, units: usize) -> u32 {
    let mut seen = 0;
    for (byte, c) in text.char_indices() {
        if seen >= units {
            return byte as u32;
        }
        seen += c.len_utf16();
    }
    text.len() as u32
}

/// The first column that differs.
fn difference(got: &[(String, String)], want: &[(String, String)]) -> String {
    let at = got.iter().zip(want).position(|(g, w)| g != w).unwrap_or(got.len().min(want.len()));
    let shown = |columns: &[(String, String)]| {
        columns.iter().skip(at).take(3).map(|(n, t)| format!("{n}:{t}")).collect::<Vec<_>>().join(", ")
    };
    format!("from column {at}: {} ({} columns), not {} ({})", shown(got), got.len(), shown(want), want.len())
}
