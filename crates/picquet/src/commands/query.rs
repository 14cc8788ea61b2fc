//! `picquet query`.

use std::io::{BufReader, IsTerminal as _, Read as _, Write};
use std::path::Path;

use anyhow::Context as _;
use jiff::Timestamp;
use kql_engine::{QueryError, QueryOptions, QueryResult};
use picquet_detect::to_ticks;

use crate::cli::QueryArgs;
use crate::diagnostics::Origin;
use crate::output::{Format, write_result, write_to_path};
use crate::{chart, diagnostics, progress, reports};

pub(crate) async fn run(args: &QueryArgs) -> anyhow::Result<bool> {
    let (database, engine) = super::open(&args.data).await?;
    let now = args.now.unwrap_or_else(Timestamp::now);
    let limits = super::limits(&args.data.resources)?;
    let options = QueryOptions { now: to_ticks(now), limits, ..QueryOptions::default() };
    if let Some(batch) = &args.batch {
        let mut out = std::io::stdout().lock();
        if batch.as_os_str() == "-" {
            let input = BufReader::new(std::io::stdin());
            super::batch::run(input, &mut out, &engine, &database, &options).await?;
        } else {
            let file = std::fs::File::open(batch).with_context(|| format!("opening {}", batch.display()))?;
            super::batch::run(BufReader::new(file), &mut out, &engine, &database, &options).await?;
        }
        return Ok(true);
    }
    let (query, path) = match (&args.query, &args.file) {
        (Some(query), _) => (query.clone(), None),
        (None, Some(file)) => (read_query(file)?, Some(file.display().to_string())),
        (None, None) => anyhow::bail!("give a query, --file or --batch"),
    };
    let origin = Origin { path: path.as_deref(), first_line: 1 };
    let color = std::io::stderr().is_terminal();
    let answer = progress::during("running the query", engine.query(&query, &database, &options)).await;
    reports::tell(&database)?;
    match answer {
        Ok(answer) => {
            diagnostics::write(&answer.warnings, &query, &origin, color, &mut std::io::stderr())?;
            show(&answer.result, args)?;
            for table in &answer.others {
                show_further(table, args)?;
            }
            Ok(true)
        }
        Err(QueryError::Invalid(found)) => {
            diagnostics::write(&found, &query, &origin, color, &mut std::io::stderr())?;
            Ok(false)
        }
        Err(QueryError::Failed(message)) => anyhow::bail!("{message}"),
    }
}

fn read_query(file: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    if file.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut bytes)?;
    } else {
        bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    }
    Ok(picquet_rules::decode_text(&bytes))
}

/// A table after the first: below it, in the same form. A file holds the first one only.
fn show_further(result: &QueryResult, args: &QueryArgs) -> anyhow::Result<()> {
    if args.out.is_some() {
        return Ok(());
    }
    let mut out = std::io::stdout().lock();
    writeln!(out)?;
    write_result(result, args.format.unwrap_or(Format::Table), &mut out, super::terminal_width())?;
    Ok(out.flush()?)
}

fn show(result: &QueryResult, args: &QueryArgs) -> anyhow::Result<()> {
    if let Some(chart) = &args.chart {
        chart::write_chart(result, chart)?;
    }
    if let Some(out) = &args.out {
        let ending = || out.extension().and_then(|e| e.to_str()).and_then(Format::of_extension);
        let format = args.format.or_else(ending).unwrap_or(Format::Table);
        return write_to_path(out, |file| write_result(result, format, file, None));
    }
    let width = super::terminal_width();
    let mut out = std::io::stdout().lock();
    if args.format.is_none() && width.is_some() && result.render.as_ref().is_some_and(|r| r.kind != "table") {
        let options = chart::TerminalOptions { width: width.unwrap_or(100), height: 24, color: true };
        return chart::draw(result, options, &mut out);
    }
    write_result(result, args.format.unwrap_or(Format::Table), &mut out, width)?;
    Ok(out.flush()?)
}
