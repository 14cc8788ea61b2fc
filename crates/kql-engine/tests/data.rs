//! Runs the data files of `tests/functions` and `tests/queries` through the engine.
//!
//! `functions/*.txt`: a case a line, `EXPR => TYPE JSON`, or `EXPR => error`. An expression that holds a query (a pipe, or
//! a leading `print`, `range`, `datatable`, `let`) stands for its first column of its first row.
//! `queries/*.kql`: blocks separated by `---`: a query, a line `>`, then `name:type,…` and a JSON array a row, or `error`.
//! Nothing stands for a table without columns. `#` begins a comment line.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use kql_engine::{Database, Engine, EngineOptions, QueryOptions, Table, json};
use kql_functions::Catalogue;
use kql_semantics::EVALUATED;
use serde_json::Value;

struct Nothing;

impl Database for Nothing {
    fn table(&self, _: &str) -> Option<Table> {
        None
    }

    fn table_names(&self) -> Vec<String> {
        Vec::new()
    }
}

type Answer = Result<(Vec<(String, String)>, Vec<Vec<Value>>), String>;

struct Runner {
    runtime: tokio::runtime::Runtime,
    engine: Engine,
}

impl Runner {
    fn new() -> Runner {
        let runtime = tokio::runtime::Builder::new_multi_thread().thread_stack_size(16 << 20).build().unwrap();
        // Made-up places of the addresses that RFC 5737 and RFC 3849 set aside for documentation.
        let addresses = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/addresses.mmdb");
        let options = EngineOptions { addresses: Some(addresses.display().to_string()), ..EngineOptions::default() };
        Runner { runtime, engine: Engine::new(&options).unwrap() }
    }

    fn answer(&self, query: &str) -> Answer {
        // 2024-01-01
        let options = QueryOptions { now: 638_396_640_000_000_000, ..QueryOptions::default() };
        let answer = self.runtime.block_on(self.engine.query(query, &Nothing, &options)).map_err(|e| e.to_string())?;
        let columns = answer.result.columns.iter().map(|(n, t)| (n.clone(), t.name().to_string())).collect();
        let rows = answer.result.rows().map(|row| row.iter().map(json::to_json).collect()).collect();
        Ok((columns, rows))
    }
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).map(|entries| entries.flatten().map(|e| e.path()).collect()).unwrap_or_default();
    files.retain(|f| f.extension().is_some_and(|e| e == extension));
    files.sort();
    files
}

/// Equality of JSON values; numbers to 1e-9.
fn same(got: &Value, want: &Value) -> bool {
    match (got, want) {
        (Value::Number(g), Value::Number(w)) => {
            let (g, w) = (g.as_f64().unwrap(), w.as_f64().unwrap());
            g == w || (g - w).abs() <= 1e-9 * g.abs().max(w.abs()).max(1e-3)
        }
        (Value::Array(g), Value::Array(w)) => g.len() == w.len() && g.iter().zip(w).all(|(g, w)| same(g, w)),
        (Value::Object(g), Value::Object(w)) => {
            g.len() == w.len() && g.iter().all(|(k, v)| w.get(k).is_some_and(|w| same(v, w)))
        }
        // A decimal is text in the REST encoding, and a number in a case file.
        (Value::String(g), Value::Number(w)) => g.parse::<f64>().ok() == w.as_f64(),
        _ => got == want,
    }
}

fn is_query(text: &str) -> bool {
    ["print ", "range ", "datatable", "let ", "union ", "search ", "find "].iter().any(|w| text.starts_with(w))
}

#[test]
fn functions() {
    let runner = Runner::new();
    let mut failures = Vec::new();
    let mut count = 0;
    for file in files("functions", "txt") {
        let name = file.file_stem().unwrap().to_string_lossy().to_string();
        for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            count += 1;
            let Some((expr, want)) = line.rsplit_once(" => ") else {
                failures.push(format!("{name}:{}: not a case: {line}", number + 1));
                continue;
            };
            let query = if is_query(expr) { expr.to_string() } else { format!("print v = {expr}") };
            if let Some(problem) = check_value(runner.answer(&query), want.trim()) {
                failures.push(format!("{name}:{}: {expr}\n    {problem}", number + 1));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {count} cases failed:\n{}", failures.len(), failures.join("\n"));
    assert!(count > 0, "no cases found");
}

/// Beginnings of the names of functions that run and need no case in the files, with the reason.
const WITHOUT_CASES: &[(&str, &str)] = &[("geo_", "unit tests stand beside the kernels"), ("__", "not for queries")];

#[test]
fn every_function_that_runs_has_a_case() {
    let catalogue = Catalogue::get();
    let cases: String = files("functions", "txt").iter().map(|f| fs::read_to_string(f).unwrap()).collect();
    let called: HashSet<&str> = cases.lines().filter(|l| !l.starts_with('#')).flat_map(calls).collect();
    let functions = catalogue.function_names().filter(|n| catalogue.kernel(n).is_some() || EVALUATED.contains(n));
    let aggregates = catalogue.aggregate_names().filter(|n| catalogue.accumulator(n).is_some());
    let excused = |name: &str| WITHOUT_CASES.iter().any(|(beginning, _)| name.starts_with(beginning));
    let mut missing: Vec<&str> = functions.chain(aggregates).filter(|n| !called.contains(n) && !excused(n)).collect();
    missing.sort_unstable();
    assert!(missing.is_empty(), "without a case: {missing:?}");
}

/// The names before opening parentheses.
fn calls(line: &str) -> impl Iterator<Item = &str> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.match_indices('(').filter_map(move |(at, _)| {
        let before = line[..at].trim_end();
        let start = before.rfind(|c| !word(c)).map_or(0, |i| i + before[i..].chars().next().map_or(0, char::len_utf8));
        Some(&before[start..]).filter(|name| !name.is_empty())
    })
}

fn check_value(answer: Answer, want: &str) -> Option<String> {
    match (answer, want) {
        (Err(_), "error") => None,
        (Ok((_, rows)), "error") => Some(format!("answered {rows:?}, where an error is due")),
        (Err(error), _) => Some(format!("error: {error}")),
        (Ok((columns, rows)), want) => {
            let (ty, value) = want.split_once(' ')?;
            let value: Value = match serde_json::from_str(value) {
                Ok(value) => value,
                Err(error) => return Some(format!("the expected value is not JSON: {error}")),
            };
            let got_type = columns.first().map_or("none", |(_, t)| t.as_str());
            let got = rows.first().and_then(|r| r.first()).cloned().unwrap_or(Value::Null);
            (got_type != ty || !same(&got, &value)).then(|| format!("got {got_type} {got}, not {want}"))
        }
    }
}

#[test]
fn queries() {
    let runner = Runner::new();
    let mut failures = Vec::new();
    for file in files("queries", "kql") {
        let name = file.file_stem().unwrap().to_string_lossy().to_string();
        let text = fs::read_to_string(&file).unwrap();
        for (number, block) in text.split("\n---\n").enumerate() {
            let lines: Vec<&str> = block.lines().filter(|l| !l.starts_with('#')).collect();
            let Some(at) = lines.iter().position(|l| *l == ">") else { continue };
            let query = lines[..at].join("\n");
            let want: Vec<&str> = lines[at + 1..].iter().copied().filter(|l| !l.trim().is_empty()).collect();
            if let Some(problem) = check_table(runner.answer(&query), &query, &want) {
                failures.push(format!("{name}, block {}:\n{query}\n    {problem}", number + 1));
            }
        }
    }
    assert!(failures.is_empty(), "{} queries failed:\n{}", failures.len(), failures.join("\n"));
}

fn check_table(answer: Answer, query: &str, want: &[&str]) -> Option<String> {
    let (columns, mut rows) = match (answer, want.first()) {
        (Err(_), Some(&"error")) => return None,
        (Err(error), _) => return Some(format!("error: {error}")),
        (Ok(_), Some(&"error")) => return Some("an answer, where an error is due".to_string()),
        (Ok(answer), _) => answer,
    };
    let header: Vec<String> = columns.iter().map(|(n, t)| format!("{n}:{t}")).collect();
    if want.first().copied().unwrap_or_default() != header.join(",") {
        return Some(format!("columns {}, not {:?}", header.join(","), want.first()));
    }
    let parsed: Result<Vec<Vec<Value>>, _> = want.iter().skip(1).map(|l| serde_json::from_str(l)).collect();
    let mut wanted = match parsed {
        Ok(rows) => rows,
        Err(error) => return Some(format!("an expected row is not a JSON array: {error}")),
    };
    let ordered = ["sort ", "order ", "top ", "serialize"].iter().any(|w| query.contains(w));
    if !ordered {
        let key = |row: &Vec<Value>| Value::Array(row.clone()).to_string();
        rows.sort_by_key(key);
        wanted.sort_by_key(key);
    }
    let equal = rows.len() == wanted.len()
        && rows.iter().zip(&wanted).all(|(g, w)| same(&Value::Array(g.clone()), &Value::Array(w.clone())));
    (!equal).then(|| format!("got {}", Value::from(rows)))
}
