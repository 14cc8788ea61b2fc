//! The words of `picquet check`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What is checked, over which tables, and how it is told.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Query files (.kql, .csl), rules (YAML or ARM JSON), or folders of them; - for a query on standard input
    #[arg(value_name = "PATH", required_unless_present_any = ["query", "batch", "explain"])]
    pub(crate) paths: Vec<PathBuf>,
    /// Check this text
    #[arg(short, long, value_name = "KQL")]
    pub(crate) query: Option<String>,
    /// Answer many queries, a JSON line {"id","query"} each; - for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["paths", "query", "format", "columns"])]
    pub(crate) batch: Option<PathBuf>,
    /// Tables instead of the built-in ones: {"Table":[["Column","type"],…],…}
    #[arg(long, value_name = "FILE")]
    pub(crate) schema: Option<PathBuf>,
    /// Saved functions: lines of {"name","parameters","query"}, or {"name":[["Column","type"],…],…} for results only
    #[arg(long, value_name = "FILE")]
    pub(crate) functions: Vec<PathBuf>,
    /// Log files whose tables are known besides, and whose values literals are compared with: files, folders, or
    /// TABLE=PATH
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(crate) data: Vec<PathBuf>,
    /// Sets of rule checks, with commas: what Azure refuses, what the content repository demands, what is good style;
    /// none for the language alone [default: api,style]
    #[arg(long, value_enum, value_name = "SET", value_delimiter = ',')]
    pub(crate) set: Vec<SetName>,
    /// Codes that are not told, with commas
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub(crate) allow: Vec<String>,
    /// Settings; .picquet.yaml of this folder where there is one
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Tell only what this file does not hold
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Write all findings into this file, as a baseline for later
    #[arg(long, value_name = "FILE")]
    pub(crate) write_baseline: Option<PathBuf>,
    /// A git revision: rules that have changed since must have a higher version
    #[arg(long, value_name = "REVISION")]
    pub(crate) base: Option<String>,
    /// Mend what is mechanical, in the files; tell the rest
    #[arg(long)]
    pub(crate) fix: bool,
    /// Show the page of a check
    #[arg(long, value_name = "CODE")]
    pub(crate) explain: Option<String>,
    /// Show the result's columns of each query
    #[arg(long)]
    pub(crate) columns: bool,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = CheckFormat::Human)]
    pub(crate) format: CheckFormat,
}

/// Sets of checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SetName {
    Api,
    Repo,
    Style,
    All,
    None,
}

/// Forms of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// Source lines with carets
    Human,
    /// One object with all findings
    Json,
    /// SARIF 2.1.0, as GitHub code scanning takes it
    Sarif,
    /// JUnit XML
    Junit,
}
