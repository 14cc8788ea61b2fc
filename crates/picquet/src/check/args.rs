//! The words of `picquet check`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What is checked, over which tables, and how it is told.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Query files (.kql, .csl), rules (YAML or ARM JSON), or folders of them; - for a query on standard input
    #[arg(value_name = "PATH", required_unless_present_any = ["query", "batch"])]
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
    /// Log files whose tables are known besides: files, folders, or TABLE=PATH
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(crate) data: Vec<PathBuf>,
    /// Show the result's columns of each query
    #[arg(long)]
    pub(crate) columns: bool,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = CheckFormat::Human)]
    pub(crate) format: CheckFormat,
}

/// Forms of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// Source lines with carets
    Human,
    /// One object with all findings
    Json,
}
