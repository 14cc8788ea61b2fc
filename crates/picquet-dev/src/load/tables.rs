//! A workspace whose tables hold rows of two weeks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use picquet_detect::from_ticks;
use picquet_rules::AnalyticsRule;
use picquet_sources::Schemas;
use picquet_store::{FunctionRow, IngestFile, Workspace};
use regex::Regex;

use super::ingestion::open;
use super::logs::json_line;
use super::values::{Maker, SECOND};
use super::{NOW, SPAN, STEP};
use crate::corpus;

/// Rows that are written in one go.
const CHUNK: u64 = 100_000;

/// Tables that rows are dealt to.
const MOST_TABLES: usize = 24;

/// A table and the rows it gets.
pub(super) struct Share {
    pub(super) maker: Maker,
    pub(super) rows: u64,
}

impl Share {
    /// The time of a row; rows beyond the number go on after the present at the same pace.
    fn time(&self, row: u64) -> i64 {
        let at = i128::from(SPAN) * i128::from(row + 1) / i128::from(self.rows.max(1));
        // Logs are nearly in order.
        let late = i64::try_from(row % 7).unwrap_or(0) * SECOND / 2;
        NOW - SPAN + i64::try_from(at).unwrap_or(i64::MAX / 4) - late
    }

    /// The first row after a number of five-minute steps from the present.
    fn row_after(&self, steps: u64) -> u64 {
        let more = i128::from(self.rows) * i128::from(STEP) * i128::from(steps) / i128::from(SPAN);
        self.rows + u64::try_from(more).unwrap_or(0)
    }
}

/// Deals rows to the tables that rules read most.
pub(super) fn shares(shared: &Path, rules: &[AnalyticsRule], rows: u64) -> anyhow::Result<Vec<Share>> {
    let path = shared.join("corpus/tables-used.tsv");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let weight = |line: &str| -> Option<(String, u64)> {
        let mut fields = line.split('\t');
        let (name, _queries, rules, known) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let count: u64 = rules.parse().ok()?;
        let schema = Schemas::builtin().table(name)?;
        // Tables whose columns differ in case only cannot be stored.
        let names: BTreeSet<String> = schema.iter().map(|(name, _)| name.to_lowercase()).collect();
        (known == "table" && count > 0 && names.len() == schema.len()).then(|| (name.to_string(), count))
    };
    let mut weights: Vec<(String, u64)> = text.lines().skip(1).filter_map(weight).collect();
    weights.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    weights.truncate(MOST_TABLES);
    let all: u64 = weights.iter().map(|(_, count)| count).sum();
    let named = corpus::words(rules.iter().map(|rule| rule.query.as_str()));
    let sought = sought(rules)?;
    let share = |(table, count): (String, u64)| {
        let schema = Schemas::builtin().table(&table).unwrap_or_default();
        let maker = Maker::new(&table, &schema, |name| named.contains(name), &sought);
        Share { maker, rows: (rows * count / all.max(1)).max(1) }
    };
    Ok(weights.into_iter().map(share).collect())
}

/// The texts that rules compare columns with, by column.
fn sought(rules: &[AnalyticsRule]) -> anyhow::Result<BTreeMap<String, BTreeSet<String>>> {
    let compared = Regex::new(
        r#"(\w+)\s*(?:==|=~|\bhas\b|\bcontains\b|\bstartswith\b|\bendswith\b|\bin~?|\bhas_any|\bhas_all)\s*\(?\s*@?("[^"\n]{1,80}"|'[^'\n]{1,80}'|\d+)((?:\s*,\s*@?(?:"[^"\n]{1,80}"|'[^'\n]{1,80}'|\d+))*)"#,
    )?;
    let literal = Regex::new(r#""([^"\n]+)"|'([^'\n]+)'|(\d+)"#)?;
    let mut sought: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for found in rules.iter().flat_map(|rule| compared.captures_iter(&rule.query)) {
        let texts = sought.entry(found[1].to_string()).or_default();
        for found in literal.captures_iter(&found[0]) {
            texts.extend(found.iter().skip(1).flatten().map(|text| text.as_str().to_string()));
        }
    }
    Ok(sought)
}

/// A workspace with the rows, in a folder of its own within `folder`; one that was made before is copied.
pub(super) async fn prepare(
    folder: &Path,
    shared: &Path,
    shares: &[Share],
    out: &mut dyn Write,
) -> anyhow::Result<Workspace> {
    let rows: u64 = shares.iter().map(|share| share.rows).sum();
    let whole = folder.join(format!("picquet-load-{rows}"));
    if !whole.exists() {
        let part = folder.join(format!("picquet-load-{rows}.part"));
        let _ = fs::remove_dir_all(&part);
        fs::create_dir_all(folder)?;
        let begun = Instant::now();
        let workspace = open(&part).await?;
        put_functions(&workspace, shared)?;
        fill_all(&workspace, shares)?;
        workspace.compact(None, from_ticks(NOW)).await?;
        drop(workspace);
        fs::rename(&part, &whole)?;
        writeln!(out, "made {rows} rows of {} tables in {:.0} s", shares.len(), begun.elapsed().as_secs_f64())?;
    }
    let copy = folder.join(format!("picquet-load-{rows}.run"));
    let _ = fs::remove_dir_all(&copy);
    copy_folder(&whole, &copy)?;
    open(&copy).await
}

/// Copies a folder. Parquet files never change, so that both folders may have the same.
fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_folder(&source, &target)?;
        } else if source.extension().is_none_or(|ending| ending != "parquet")
            || fs::hard_link(&source, &target).is_err()
        {
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}

/// The saved functions of the corpus.
pub(super) fn put_functions(workspace: &Workspace, shared: &Path) -> anyhow::Result<()> {
    let functions = corpus::catalog(shared)?.functions;
    workspace.change(|change| {
        for (name, function) in functions {
            let (parameters, body) = (function.parameters, function.body);
            change.put_function(&FunctionRow {
                name,
                parameters,
                body,
                file: String::new(),
                updated: from_ticks(NOW),
            })?;
        }
        Ok(())
    })?;
    Ok(workspace.reload_library()?)
}

/// Fills the tables, with all processors.
fn fill_all(workspace: &Workspace, shares: &[Share]) -> anyhow::Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let handle = tokio::runtime::Handle::current();
    let work = || -> anyhow::Result<()> {
        while let Some(share) = shares.get(next.fetch_add(1, Ordering::Relaxed)) {
            handle.block_on(fill(workspace, share))?;
        }
        Ok(())
    };
    tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            let stopped = |_| Err(anyhow::anyhow!("a thread stopped"));
            running.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(stopped))
        })
    })
}

async fn fill(workspace: &Workspace, share: &Share) -> anyhow::Result<()> {
    let columns = share.maker.columns();
    let mut row = 0;
    while row < share.rows {
        let end = (row + CHUNK).min(share.rows);
        let batch = share.maker.batch(row..end, |row| share.time(row))?;
        workspace.append(&share.maker.table, &columns, batch, from_ticks(share.time(end - 1)))?;
        // About as the upkeep of a workspace does.
        if end == share.rows || end.is_multiple_of(5 * CHUNK) {
            workspace.flush(from_ticks(NOW)).await?;
        }
        row = end;
    }
    Ok(())
}

/// Takes in the rows of a five-minute step, a file for each table; how many.
pub(super) async fn take_in(
    workspace: &Workspace,
    folder: &Path,
    shares: &[Share],
    step: u64,
    now: Timestamp,
) -> anyhow::Result<u64> {
    let mut taken = 0;
    for share in shares {
        let rows = share.row_after(step)..share.row_after(step + 1);
        if rows.is_empty() {
            continue;
        }
        taken += rows.end - rows.start;
        let path = write_file(folder, share, rows, step)?;
        let table = share.maker.table.clone();
        workspace.ingest(&IngestFile { path, table, again: true, keep_received: false }, now).await?;
    }
    Ok(taken)
}

fn write_file(folder: &Path, share: &Share, rows: std::ops::Range<u64>, step: u64) -> anyhow::Result<PathBuf> {
    let names: Vec<String> = share.maker.columns().into_iter().map(|(name, _)| name).collect();
    let mut text = String::new();
    for row in rows {
        json_line(&mut text, &names, share.maker.row(row, share.time(row)))?;
    }
    let path = folder.join(format!("{}.{step}.jsonl", share.maker.table));
    fs::write(&path, text)?;
    Ok(path)
}

/// The instant after so many five-minute steps.
pub(super) fn instant(steps: u64) -> Timestamp {
    let minutes = i64::try_from(steps).unwrap_or(0).saturating_mul(5);
    from_ticks(NOW).checked_add(SignedDuration::from_mins(minutes)).unwrap_or(Timestamp::MAX)
}
