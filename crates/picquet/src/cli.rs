//! The command line's words.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use jiff::Timestamp;
use picquet_rules::Duration;

use crate::check::args::CheckArgs;
use crate::commands::alerts::AlertsArgs;
use crate::commands::convert::ConvertArgs;
use crate::commands::diff::DiffArgs;
use crate::commands::drift::DriftArgs;
use crate::commands::fmt::FmtArgs;
use crate::commands::incidents::IncidentsArgs;
use crate::commands::ingest::IngestArgs;
use crate::commands::replay::ReplayArgs;
use crate::commands::rules::RulesArgs;
use crate::commands::workspace::WorkspaceArgs;
use crate::output::Format;
use crate::serve::ServeArgs;

/// Runs Microsoft Sentinel analytics rules anywhere, without Azure.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The main job on generated data: a day of logs, the run-command rule, its alerts
    #[command(after_help = "Example:\n  picquet demo --seed 7 --dir /tmp/day")]
    Demo(DemoArgs),
    /// Evaluate analytics rules over log files
    #[command(after_help = "Examples:\n  picquet run rules/ --data export --end 2026-03-15T00:00:00Z\n  \
                            picquet run rule.yaml --data AzureActivity.csv --format json | jq .alerts")]
    Run(RunArgs),
    /// Run rules over their past, window by window, as their schedule would have
    #[command(
        after_help = "Exit status: 0 all windows ran, 1 a rule could not be read or a window failed\n\nExamples:\n  \
                            picquet replay rules/ --data export --from 2026-03-13 --to 2026-03-17\n  \
                            picquet replay rule.yaml --data export --from 2026-03-13 --to 2026-03-17 \
                            --simulate-delay SigninLogs=2h\n  \
                            picquet replay rule.yaml --data export --from 2026-03-13 --to 2026-03-17 --format json \
                            | jq .summary"
    )]
    Replay(ReplayArgs),
    /// Check queries and rules without running them
    #[command(after_help = "Examples:\n  picquet check rules/ hunt.kql\n  \
                            picquet check rules/ --set all --base origin/main --format sarif > check.sarif\n  \
                            picquet check rules/ --fix\n  picquet check --explain PQ301\n  \
                            picquet check rule.yaml --columns --format json | jq .findings\n  \
                            picquet check -q 'SigninLogs | where ResultTyp == 0'\n  \
                            picquet check --batch queries.jsonl --schema schemas.json --functions functions.jsonl")]
    Check(CheckArgs),
    /// Write rules as ARM, YAML, Bicep or Terraform
    #[command(after_help = "Exit status: 0 all was carried, 1 a rule could not be read or written, 3 something could \
                            not be carried (it is told)\n\nExamples:\n  picquet convert rule.yaml --to arm\n  \
                            picquet convert rules/ --to arm --out rules.json\n  \
                            picquet convert rules/ --to terraform --out deploy/\n  \
                            picquet convert mainTemplate.json --to yaml --out rules/")]
    Convert(ConvertArgs),
    /// Tell what changed in meaning between two rules, folders, or git revisions
    #[command(
        after_help = "Exit status: 0 nothing changed, 1 a rule could not be read or run, 3 something changed\n\n\
                            Examples:\n  picquet diff old.yaml new.yaml\n  picquet diff main:rules rules\n  \
                            picquet diff HEAD~1:rules/a.yaml rules/a.yaml --data export --format json"
    )]
    Diff(DiffArgs),
    /// Compare a repository of rules with an export of what is deployed
    #[command(after_help = "Exit status: 0 no drift, 1 a rule could not be read, 3 drift\n\nExamples:\n  \
                            picquet drift rules/ export.json\n  \
                            picquet drift rules/ export.json --name-prefix '[prod] ' --format json")]
    Drift(DriftArgs),
    /// Lay out queries and rules: .kql files, and rules in YAML with the queries inside
    #[command(after_help = "Examples:\n  picquet fmt rules/ hunt.kql\n  picquet fmt --check rules/\n  \
                            picquet fmt - < hunt.kql")]
    Fmt(FmtArgs),
    /// Run KQL over log files
    #[command(
        after_help = "Examples:\n  picquet query 'SigninLogs | summarize count() by ResultType' --data export\n  \
                            picquet query --file hunt.kql --data export --format csv --out hunt.csv\n  \
                            picquet query --batch queries.jsonl --data export\n  \
                            picquet query 'T | summarize n=count() by bin(TimeGenerated, 1h) | render timechart' \
                            --data export --chart hours.svg"
    )]
    Query(QueryArgs),
    /// Take log files into a workspace
    #[command(after_help = "Examples:\n  picquet ingest export/ --workspace soc\n  \
                            picquet ingest day1.csv day2.csv.gz --table AzureActivity --workspace soc")]
    Ingest(IngestArgs),
    /// Make, look at and care for a workspace
    #[command(after_help = "Examples:\n  picquet workspace init soc\n  picquet workspace tables soc --format json\n  \
                            picquet workspace compact soc\n  picquet workspace backup soc /backup/soc-monday")]
    Workspace(WorkspaceArgs),
    /// Serve a workspace: take files in, run rules on their schedule, raise alerts and incidents, send them out
    #[command(after_help = "Examples:\n  picquet serve --workspace soc\n  \
                            picquet serve --workspace soc --rules ~/rules --retention 90d --log json")]
    Serve(ServeArgs),
    /// List alerts of a workspace, or show one
    #[command(after_help = "Examples:\n  picquet alerts list -w soc --severity high --since 2026-03-14\n  \
                            picquet alerts show -w soc 5239248b-abfb-4c6a-8177-b104ade5db56")]
    Alerts(AlertsArgs),
    /// List, show, close, reopen, comment and assign incidents of a workspace
    #[command(after_help = "Examples:\n  picquet incidents list -w soc\n  picquet incidents show 12 -w soc\n  \
                            picquet incidents close 12 -w soc --classification TruePositive \
                            --reason SuspiciousActivity --comment 'see ticket 4711'\n  \
                            picquet incidents assign 12 -w soc --owner alex@contoso.com")]
    Incidents(IncidentsArgs),
    /// List a workspace's rules and their runs, switch rules off and on
    #[command(
        after_help = "Examples:\n  picquet rules list -w soc\n  picquet rules runs -w soc --rule 'Rare command'\n  \
                            picquet rules disable 'Rare command' -w soc --reason 'under review'"
    )]
    Rules(RulesArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// The day is made from this number; the same number gives the same day
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
    /// Keep the logs in this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

/// Where the logs are.
#[derive(Debug, Args)]
pub(crate) struct DataArgs {
    /// Log files, folders of them, or TABLE=PATH; a file's name up to its first dot is its table
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(crate) data: Vec<PathBuf>,
    /// The tables of a workspace, with its saved functions and watchlists
    #[arg(long, short, value_name = "DIR", conflicts_with_all = ["data", "strict"])]
    pub(crate) workspace: Option<PathBuf>,
    /// Saved functions: YAML parsers, ARM saved searches, lines of {"name","parameters","query"}, KQL; or folders of them
    #[arg(long, value_name = "PATH")]
    pub(crate) functions: Vec<PathBuf>,
    /// A watchlist's items as CSV; the search key is the first column, or the one behind a #: ALIAS=FILE#COLUMN
    #[arg(long, value_name = "ALIAS=FILE", value_parser = named_file)]
    pub(crate) watchlist: Vec<(String, PathBuf)>,
    /// Let externaldata read this: the beginning of a URL, a file or a folder
    #[arg(long, value_name = "PLACE")]
    pub(crate) allow_external: Vec<String>,
    /// Let externaldata read this file instead of a URL
    #[arg(long, value_name = "URL=FILE", value_parser = url_file)]
    pub(crate) external: Vec<(String, PathBuf)>,
    /// A line or value that cannot be read is an error
    #[arg(long)]
    pub(crate) strict: bool,
    #[command(flatten)]
    pub(crate) resources: ResourceArgs,
}

/// What queries may use.
#[derive(Debug, Args)]
pub(crate) struct EngineArgs {
    /// Bytes that a query may hold in memory, as 2G or 500M; it spills to disk beyond
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub(crate) memory: Option<usize>,
    /// The MaxMind database (.mmdb) that geo_info_from_ip_address() looks into
    #[arg(long, value_name = "FILE", env = "PICQUET_GEOIP", hide_env_values = true)]
    pub(crate) geoip: Option<PathBuf>,
    /// The folder to spill to; that for temporary files by default
    #[arg(long, value_name = "DIR")]
    pub(crate) spill: Option<PathBuf>,
    /// Threads that a query uses; all processors by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
}

impl From<&EngineArgs> for kql_engine::EngineOptions {
    fn from(args: &EngineArgs) -> Self {
        kql_engine::EngineOptions {
            memory: args.memory,
            spill: args.spill.clone(),
            threads: args.threads.map(usize::from),
            addresses: args.geoip.as_ref().map(|path| path.display().to_string()),
        }
    }
}

/// What a query may take and give.
#[derive(Debug, Args)]
pub(crate) struct ResourceArgs {
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    /// End a query after this time: 30s, 10m
    #[arg(long, value_name = "DURATION")]
    pub(crate) timeout: Option<Duration>,
    /// All rows of a result, also more than 500,000 or 64 MB, which are an error as in Kusto
    #[arg(long)]
    pub(crate) no_truncation: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Rule files (YAML or ARM JSON), or folders of them
    #[arg(required = true, value_name = "RULE")]
    pub(crate) rules: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// The scheduled instant: end of the window, and now() in the query; the present by default
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) end: Option<Timestamp>,
    /// Length of the window, instead of the rule's query period: 1h, 14d, PT5M
    #[arg(long, value_name = "DURATION")]
    pub(crate) period: Option<Duration>,
    /// Form of the output; json gives one object a rule
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
    /// Write to this file, whole or not at all
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct QueryArgs {
    /// The query
    #[arg(value_name = "KQL", required_unless_present_any = ["file", "batch"])]
    pub(crate) query: Option<String>,
    /// Read the query from a file; - for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["query", "batch"])]
    pub(crate) file: Option<PathBuf>,
    /// Answer many queries, a JSON line {"id","query"} each; - for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "query")]
    pub(crate) batch: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// The instant of now(); the present by default
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) now: Option<Timestamp>,
    /// Form of the result; by the ending of --out, else a table
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// Write to this file, whole or not at all
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Draw what `render` asks for into this file, .svg or .html
    #[arg(long, value_name = "FILE")]
    pub(crate) chart: Option<PathBuf>,
}

/// An instant: `2026-03-15T00:00:00Z`, or a day.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    let day = || format!("{text}T00:00:00Z").parse::<Timestamp>();
    text.parse::<Timestamp>()
        .or_else(|_| day())
        .ok()
        .ok_or_else(|| "expected an instant as 2026-03-15T00:00:00Z or 2026-03-15".to_string())
}

/// `NAME=FILE`
fn named_file(text: &str) -> Result<(String, PathBuf), String> {
    let split = text.split_once('=').filter(|(name, file)| !name.is_empty() && !file.is_empty());
    split.map(|(name, file)| (name.to_string(), PathBuf::from(file))).ok_or_else(|| "expected ALIAS=FILE".to_string())
}

/// `URL=FILE`; a URL may hold equals signs, a file's name hardly.
fn url_file(text: &str) -> Result<(String, PathBuf), String> {
    let split = text.rsplit_once('=').filter(|(url, file)| !url.is_empty() && !file.is_empty());
    split.map(|(url, file)| (url.to_string(), PathBuf::from(file))).ok_or_else(|| "expected URL=FILE".to_string())
}

/// A size with an optional K, M or G.
fn bytes(text: &str) -> Result<usize, String> {
    let (digits, unit) = match text.trim_end_matches(['b', 'B']).split_at_checked(text.len().saturating_sub(1)) {
        Some((digits, "K" | "k")) => (digits, 1 << 10),
        Some((digits, "M" | "m")) => (digits, 1 << 20),
        Some((digits, "G" | "g")) => (digits, 1 << 30),
        _ => (text, 1),
    };
    let size = digits.parse::<usize>().ok().and_then(|n| n.checked_mul(unit)).filter(|n| *n > 0);
    size.ok_or_else(|| "expected a size as 500M or 2G".to_string())
}
