//! `picquet query --batch`: many queries, a JSON line each.

use std::io::{BufRead, Write};

use anyhow::Context as _;
use kql_engine::{Database, Engine, QueryError, QueryOptions, json};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Line {
    id: Value,
    query: String,
}

/// Answers each `{"id","query"}` line with `{"id","columns","rows"}` or `{"id","error"}`, in order.
pub(crate) async fn run(
    input: impl BufRead,
    out: &mut dyn Write,
    engine: &Engine,
    database: &dyn Database,
    options: &QueryOptions,
) -> anyhow::Result<()> {
    for (number, line) in input.lines().enumerate() {
        let line = line.with_context(|| format!("reading line {}", number + 1))?;
        if line.trim().is_empty() {
            continue;
        }
        let answer = match serde_json::from_str::<Line>(&line) {
            Ok(Line { id, query }) => answer(id, &query, engine, database, options).await,
            Err(error) => json!({
                "id": null,
                "error": {"code": "PQ004", "message": format!("line {}: expected {{\"id\",\"query\"}}: {error}", number + 1)},
            }),
        };
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

async fn answer(id: Value, query: &str, engine: &Engine, database: &dyn Database, options: &QueryOptions) -> Value {
    match engine.query(query, database, options).await {
        Ok(answer) => {
            let columns: Vec<Value> = answer.result.columns.iter().map(|(name, ty)| json!([name, ty.name()])).collect();
            let rows: Vec<Value> = answer.result.rows().map(|row| row.iter().map(json::to_json).collect()).collect();
            json!({"id": id, "columns": columns, "rows": rows})
        }
        Err(error) => json!({"id": id, "error": error_json(&error)}),
    }
}

/// An error as JSON: code, message, and place where it has one.
pub(crate) fn error_json(error: &QueryError) -> Value {
    let mut value = json!({"code": error.code(), "message": error.to_string()});
    if let QueryError::Invalid(diagnostics) = error {
        value["errors"] = diagnostics
            .iter()
            .map(|d| {
                json!({
                    "code": d.code,
                    "message": d.message,
                    "help": d.help,
                    "start": d.span.start,
                    "length": d.span.end - d.span.start,
                })
            })
            .collect();
    }
    value
}
