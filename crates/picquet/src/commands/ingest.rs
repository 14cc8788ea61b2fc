//! `picquet ingest`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use picquet_sources::{ExternalPolicy, FileDatabase, Options};
use picquet_store::{Access, DEAD_LETTERS, IngestFile, IngestOutcome, StoreError, Workspace};
use serde_json::{Value, json};

use super::workspace::TextOrJson;
use crate::progress;

/// Which files go into which workspace.
#[derive(Debug, Args)]
pub(crate) struct IngestArgs {
    /// Log files, folders of them, or TABLE=PATH; a file's name up to its first dot is its table
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The workspace; made if the folder is not there
    #[arg(long, short, value_name = "DIR", env = "PICQUET_WORKSPACE")]
    workspace: PathBuf,
    /// The table of all files, whatever their names are
    #[arg(long, short, value_name = "TABLE")]
    table: Option<String>,
    /// Take in files also if their content is in the table already
    #[arg(long)]
    again: bool,
    /// Keep the ingestion times that the rows have (_TimeReceived), or else take their TimeGenerated: for logs of the past
    #[arg(long)]
    keep_received: bool,
    /// Form of the report
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    format: TextOrJson,
}

pub(crate) async fn run(args: &IngestArgs) -> anyhow::Result<bool> {
    let files = find(args)?;
    let workspace = open_or_make(&args.workspace).await?;
    let bar = progress::bar(files.len() as u64);
    let mut report = Vec::with_capacity(files.len());
    for file in &files {
        bar.set_message(file.path.display().to_string());
        let outcome = progress::shown(&bar, workspace.ingest(file, Timestamp::now())).await;
        bar.inc(1);
        report.push((file, outcome));
    }
    bar.finish_and_clear();
    let good = report.iter().all(|(_, outcome)| outcome.is_ok());
    let mut out = std::io::stdout().lock();
    match args.format {
        TextOrJson::Json => {
            let files: Vec<Value> = report.iter().map(|(file, outcome)| file_json(file, outcome)).collect();
            writeln!(out, "{}", json!({ "files": files }))?;
        }
        TextOrJson::Text => report.iter().try_for_each(|(file, outcome)| tell(file, outcome, &mut out))?,
    }
    Ok(good)
}

fn find(args: &IngestArgs) -> anyhow::Result<Vec<IngestFile>> {
    let options = match &args.table {
        Some(table) => {
            let named = args.files.iter().map(|path| (table.clone(), path.clone())).collect();
            Options { named, ..Options::default() }
        }
        None => Options::default(),
    };
    let paths = if args.table.is_some() { &[] } else { args.files.as_slice() };
    let found = FileDatabase::open(paths, options)?;
    for note in found.notes() {
        writeln!(std::io::stderr(), "note: {note}")?;
    }
    let mut files = Vec::new();
    for table in found.table_names() {
        files.extend(found.files(&table).iter().map(|path| IngestFile {
            path: path.clone(),
            table: table.clone(),
            again: args.again,
            keep_received: args.keep_received,
        }));
    }
    if files.is_empty() {
        anyhow::bail!("no log files found");
    }
    Ok(files)
}

async fn open_or_make(path: &Path) -> anyhow::Result<Workspace> {
    match Workspace::open(path, Access::Own, ExternalPolicy::default()).await {
        Err(StoreError::Missing(_)) => {
            Workspace::init(path)?;
            writeln!(std::io::stderr(), "note: made the workspace {}", path.display())?;
            Ok(Workspace::open(path, Access::Own, ExternalPolicy::default()).await?)
        }
        other => Ok(other?),
    }
}

fn file_json(file: &IngestFile, outcome: &Result<IngestOutcome, StoreError>) -> Value {
    let path = file.path.display().to_string();
    match outcome {
        Ok(IngestOutcome::Taken { ingest, new_columns, notes }) => json!({
            "path": path, "table": file.table, "status": "ingested", "rows": ingest.rows, "rejected": ingest.rejected,
            "bytes": ingest.bytes, "newColumns": new_columns, "notes": notes, "error": null,
        }),
        Ok(IngestOutcome::Known(known)) => json!({
            "path": path, "table": file.table, "status": "known", "rows": 0, "rejected": 0, "bytes": known.bytes,
            "ingestedAs": known.path, "ingestedAt": known.received.to_string(), "error": null,
        }),
        Err(error) => json!({
            "path": path, "table": file.table, "status": "failed", "rows": 0, "rejected": 0, "error": error.to_string(),
        }),
    }
}

fn tell(file: &IngestFile, outcome: &Result<IngestOutcome, StoreError>, out: &mut dyn Write) -> std::io::Result<()> {
    let path = file.path.display();
    match outcome {
        Ok(IngestOutcome::Taken { ingest, new_columns, notes }) => {
            for note in notes {
                writeln!(out, "note: {note}")?;
            }
            write!(out, "{}: {} rows from {path}", file.table, ingest.rows)?;
            if !new_columns.is_empty() {
                write!(out, "; new columns: {}", new_columns.join(", "))?;
            }
            if ingest.rejected > 0 {
                write!(out, "; {} records or values fit no schema: see {DEAD_LETTERS}", ingest.rejected)?;
            }
            writeln!(out)
        }
        Ok(IngestOutcome::Known(known)) => {
            let (at, as_path) = (known.received, &known.path);
            writeln!(
                out,
                "{}: {path} was taken in already, on {at} as {as_path}; --again takes it in again",
                file.table
            )
        }
        Err(error) => {
            writeln!(out, "{}: {path} was not taken in", file.table)?;
            writeln!(std::io::stderr(), "error: {error}")
        }
    }
}
