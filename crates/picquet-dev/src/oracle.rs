//! Compares parser and binder with the recorded answers of Microsoft's parser.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use kql_semantics::{BindOptions, bind};
use kql_syntax::{LineIndex, Severity};

use crate::corpus::{self, OracleLine, QueryLine};
use crate::disagreements::{self, Right};
use crate::figures::Share;
use crate::runner::NOW;

/// A query that takes longer to bind is named.
const SLOW: Duration = Duration::from_millis(500);

/// What is shown, and when the comparison fails.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct OracleArgs {
    /// Print at most this many disagreements of each kind.
    #[arg(long, default_value_t = 40)]
    most: usize,
    /// Print also those that were judged.
    #[arg(long)]
    judged: bool,
    /// Fail below this share of equal verdicts, in percent.
    #[arg(long)]
    accept_floor: Option<f64>,
    /// Fail below this share of equal columns, in percent.
    #[arg(long)]
    columns_floor: Option<f64>,
    /// Fail where more than this many disagreements on verdicts and columns were not judged.
    #[arg(long)]
    most_unlisted: Option<usize>,
}

/// Prints every disagreement and the shares; fails below the floors.
pub(crate) fn compare(shared: &Path, args: &OracleArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut listed = disagreements::read()?;
    let (mut unlisted, mut for_picquet, mut for_oracle) = (0, 0, 0);
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
        let bound = bind(&query.query, &catalog, &BindOptions { now: NOW, checking: true, ..BindOptions::default() });
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
            let judged = listed.judge(&query.id, kind);
            match judged {
                Some((Right::Picquet, _)) => for_picquet += 1,
                Some((Right::Oracle, _)) => for_oracle += 1,
                None if kind != "line" => unlisted += 1,
                None => {}
            }
            if let Some((right, why)) = judged {
                if args.judged {
                    writeln!(out, "judged {kind} {} {text}: {right:?}, {why}", query.id)?;
                }
                return Ok(());
            }
            let shown = shown.entry(kind).or_default();
            *shown += 1;
            if *shown <= args.most {
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
    writeln!(out, "accept or refuse: {accept} equal")?;
    writeln!(out, "columns: {columns} equal")?;
    writeln!(out, "line of the first error: {lines} equal")?;
    writeln!(
        out,
        "judged: {for_picquet} where the engine is with Picquet, {for_oracle} to be mended; not judged: {unlisted}"
    )?;
    for (id, kind) in listed.stale() {
        writeln!(out, "listed, and agrees now: {id} {kind}")?;
    }
    writeln!(out, "parsed and bound in {:.2} s", elapsed.as_secs_f64())?;
    for (what, share, floor) in [("verdicts", accept, args.accept_floor), ("columns", columns, args.columns_floor)] {
        if let Some(floor) = floor {
            anyhow::ensure!(share.percent() >= floor, "equal {what} fell below {floor} %");
        }
    }
    if let Some(most) = args.most_unlisted {
        anyhow::ensure!(unlisted <= most, "{unlisted} disagreements are not in disagreements.tsv, {most} are allowed");
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
