//! `picquet fmt`.

use std::fs;
use std::io::{IsTerminal as _, Read as _, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use kql_syntax::FormatOptions;
use picquet_convert::{LayoutError, layout};
use picquet_rules::{YamlQuery, decode_text};

use crate::diagnostics::{self, Origin};

#[derive(Debug, Args)]
pub(crate) struct FmtArgs {
    /// Query files (.kql, .csl), rules (.yaml), folders of them, or - for standard input
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Write nothing; name the files that would change, and fail if there are any
    #[arg(long)]
    check: bool,
    /// Break lines that would be longer
    #[arg(long, default_value_t = 120, value_name = "CHARACTERS")]
    width: usize,
}

/// What became of a file.
enum Outcome {
    Same,
    Changed(String),
    /// Nothing was done, for this reason.
    Left(String),
    /// The query has errors, which were told.
    Broken,
}

/// Formats; `false` where a query has errors, or with `--check` would change.
pub(crate) fn run(args: &FmtArgs) -> anyhow::Result<bool> {
    let options = FormatOptions { width: args.width, ..FormatOptions::default() };
    let mut good = true;
    let (mut changed, mut same) = (0, 0);
    let mut err = std::io::stderr().lock();
    for path in files(&args.paths)? {
        if path.as_os_str() == "-" {
            good &= standard_input(&options, &mut err)?;
            continue;
        }
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                writeln!(err, "error: {}: {error}", path.display())?;
                good = false;
                continue;
            }
        };
        let Ok(text) = String::from_utf8(bytes) else {
            writeln!(err, "error: {}: not UTF-8; save it as UTF-8 to have it formatted", path.display())?;
            good = false;
            continue;
        };
        match outcome(&path, &text, &options, &mut err)? {
            Outcome::Same => same += 1,
            Outcome::Left(why) => writeln!(err, "{}: left as it is: {why}", path.display())?,
            Outcome::Broken => good = false,
            Outcome::Changed(new) => {
                changed += 1;
                if args.check {
                    good = false;
                    writeln!(err, "{}", path.display())?;
                    difference(&text, &new, &mut err)?;
                } else {
                    fs::write(&path, new).with_context(|| format!("writing {}", path.display()))?;
                }
            }
        }
    }
    if changed + same > 0 {
        let what = if args.check { "would change" } else { "formatted" };
        writeln!(err, "{changed} {what}, {same} unchanged")?;
    }
    Ok(good)
}

fn standard_input(options: &FormatOptions, err: &mut dyn Write) -> anyhow::Result<bool> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let text = decode_text(&bytes);
    match kql_syntax::format(&text, options) {
        Ok(formatted) => {
            writeln!(std::io::stdout(), "{formatted}")?;
            Ok(true)
        }
        Err(errors) => {
            let origin = Origin { path: None, first_line: 1 };
            diagnostics::write(&errors, &text, &origin, std::io::stderr().is_terminal(), err)?;
            Ok(false)
        }
    }
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("yaml") || e.eq_ignore_ascii_case("yml"))
}

fn is_query(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("kql") || e.eq_ignore_ascii_case("csl"))
}

/// The files that are meant: all that are named, and those of folders whose ending says what they are.
fn files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut todo: Vec<(PathBuf, bool)> = paths.iter().rev().map(|p| (p.clone(), true)).collect();
    while let Some((path, named)) = todo.pop() {
        if path.is_dir() {
            let mut inside: Vec<PathBuf> = fs::read_dir(&path)
                .with_context(|| format!("reading {}", path.display()))?
                .map(|entry| entry.map(|e| e.path()))
                .collect::<Result<_, _>>()?;
            inside.sort();
            inside.retain(|p| !p.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.')));
            todo.extend(inside.into_iter().rev().map(|p| (p, false)));
        } else if named || is_yaml(&path) || is_query(&path) {
            found.push(path);
        }
    }
    Ok(found)
}

fn outcome(path: &Path, text: &str, options: &FormatOptions, err: &mut dyn Write) -> anyhow::Result<Outcome> {
    if is_yaml(path) && YamlQuery::find(text) != YamlQuery::Missing {
        match layout(text, options) {
            Ok(new) if new == text => return Ok(Outcome::Same),
            Ok(new) => return Ok(Outcome::Changed(new)),
            Err(LayoutError::Query { query, errors }) => {
                let first_line = match YamlQuery::find(text) {
                    YamlQuery::Block(block) => block.first_line,
                    YamlQuery::Other(line) => line,
                    YamlQuery::Missing => 1,
                };
                let name = path.display().to_string();
                let origin = Origin { path: Some(&name), first_line };
                diagnostics::write(&errors, &query, &origin, std::io::stderr().is_terminal(), err)?;
                return Ok(Outcome::Broken);
            }
            Err(LayoutError::Unsupported(reason)) => {
                writeln!(err, "note: {}: only its query is formatted: {reason}", path.display())?;
            }
            Err(LayoutError::NoRule) => {}
        }
    }
    query_outcome(path, text, options, err)
}

/// Formats a query alone, or the query of a YAML file and nothing else of it.
fn query_outcome(path: &Path, text: &str, options: &FormatOptions, err: &mut dyn Write) -> anyhow::Result<Outcome> {
    let block = match YamlQuery::find(text) {
        _ if !is_yaml(path) => None,
        YamlQuery::Block(block) => Some(block),
        YamlQuery::Other(line) => {
            return Ok(Outcome::Left(format!("line {line}: only a query in a literal block (query: |) is formatted")));
        }
        YamlQuery::Missing => return Ok(Outcome::Left("it has no query".to_string())),
    };
    let query = block.as_ref().map_or(text, |b| b.text.as_str());
    let formatted = match kql_syntax::format(query, options) {
        Ok(formatted) => formatted,
        Err(errors) => {
            let name = path.display().to_string();
            let first_line = block.as_ref().map_or(1, |b| b.first_line);
            let origin = Origin { path: Some(&name), first_line };
            diagnostics::write(&errors, query, &origin, std::io::stderr().is_terminal(), err)?;
            return Ok(Outcome::Broken);
        }
    };
    let new = match &block {
        Some(block) => block.replace(text, &formatted),
        None => format!("{formatted}\n"),
    };
    Ok(if new == text { Outcome::Same } else { Outcome::Changed(new) })
}

/// The first lines that differ.
fn difference(old: &str, new: &str, out: &mut dyn Write) -> std::io::Result<()> {
    const SHOWN: usize = 3;
    let same = old.lines().zip(new.lines()).take_while(|(a, b)| a == b).count();
    writeln!(out, "  line {}:", same + 1)?;
    for line in old.lines().skip(same).take(SHOWN) {
        writeln!(out, "  - {line}")?;
    }
    for line in new.lines().skip(same).take(SHOWN) {
        writeln!(out, "  + {line}")?;
    }
    Ok(())
}
