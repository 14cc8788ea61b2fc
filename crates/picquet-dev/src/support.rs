//! The support table of the documentation, from the catalogue.

use std::io::Write;

use kql_functions::catalogue::{Catalogue, FunctionSpec};
use kql_semantics::bound::{Rel, RelKind};
use kql_semantics::{BindOptions, SimpleCatalog, bind};
use kql_syntax::Severity;

/// A small query of each operator, to see whether it is bound.
const OPERATORS: &[(&str, &str)] = &[
    ("as", "print x=1 | as T"),
    ("assert-schema", "print x=1 | assert-schema (x:long)"),
    ("consume", "print x=1 | consume"),
    ("count", "print x=1 | count"),
    ("datatable", "datatable(x:long)[1]"),
    ("distinct", "print x=1 | distinct x"),
    ("evaluate", "print d=dynamic({}) | evaluate bag_unpack(d)"),
    ("extend", "print x=1 | extend y=x"),
    ("externaldata", "externaldata(x:long)['file.csv']"),
    ("facet", "print x=1 | facet by x"),
    ("find", "find in (T) where x == 1"),
    ("fork", "print x=1 | fork (count) (take 1)"),
    ("getschema", "print x=1 | getschema"),
    ("graph-match", "T | make-graph x --> x | graph-match (a)-->(b) project a.x"),
    ("invoke", "let f = (T:(x:long)) { T }; print x=1 | invoke f()"),
    ("join", "print x=1 | join (print x=1) on x"),
    ("lookup", "print x=1 | lookup (print x=1) on x"),
    ("make-graph", "T | make-graph x --> x"),
    ("make-series", "print x=1 | make-series count() on x from 0 to 2 step 1"),
    ("mv-apply", "print d=dynamic([1]) | mv-apply d on (take 1)"),
    ("mv-expand", "print d=dynamic([1]) | mv-expand d"),
    ("parse", "print s='a=1' | parse s with 'a=' a"),
    ("parse-kv", "print s='a=1' | parse-kv s as (a:long) with (pair_delimiter=',', kv_delimiter='=')"),
    ("parse-where", "print s='a=1' | parse-where s with 'a=' a"),
    ("partition", "print x=1 | partition by x (take 1)"),
    ("print", "print x=1"),
    ("project", "print x=1 | project x"),
    ("project-away", "print x=1, y=2 | project-away y"),
    ("project-by-names", "print x=1 | project-by-names 'x'"),
    ("project-keep", "print x=1 | project-keep x"),
    ("project-rename", "print x=1 | project-rename y=x"),
    ("project-reorder", "print x=1 | project-reorder x"),
    ("range", "range x from 1 to 2 step 1"),
    ("reduce", "print s='a' | reduce by s"),
    ("render", "print x=1 | render table"),
    ("sample", "print x=1 | sample 1"),
    ("sample-distinct", "print x=1 | sample-distinct 1 of x"),
    ("scan", "print x=1 | serialize | scan with (step s: true;)"),
    ("search", "search in (T) 'a'"),
    ("serialize", "print x=1 | serialize"),
    ("sort", "print x=1 | sort by x"),
    ("summarize", "print x=1 | summarize count() by x"),
    ("take", "print x=1 | take 1"),
    ("top", "print x=1 | top 1 by x"),
    ("top-hitters", "print x=1 | top-hitters 1 of x"),
    ("top-nested", "print x=1 | top-nested 1 of x by count()"),
    ("union", "print x=1 | union (print x=1)"),
    ("where", "print x=1 | where x == 1"),
];

/// Plugins that run.
const PLUGINS: &[&str] = &["bag_unpack", "narrow", "pivot"];

/// Functions that the binder answers by itself.
const BINDER: &[&str] = &[
    "ago",
    "column_ifexists",
    "columnifexists",
    "current_cluster_endpoint",
    "current_database",
    "current_principal",
    "ingestion_time",
    "materialize",
    "next",
    "now",
    "pack_all",
    "prev",
    "row_cumsum",
    "row_number",
    "row_rank_dense",
    "row_rank_min",
    "row_window_session",
    "table",
    "toscalar",
];

/// Writes `docs/kql-support.md`.
pub(crate) fn write(out: &mut dyn Write) -> anyhow::Result<()> {
    let catalogue = Catalogue::get();
    writeln!(out, "{HEAD}")?;
    writeln!(out, "## Operators\n\nEvery operator is parsed.\n")?;
    let (bound, rest): (Vec<_>, Vec<_>) = OPERATORS.iter().partition(|(_, query)| is_bound(query));
    let names =
        |list: &[&(&str, &str)]| list.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    writeln!(out, "Run: {}.\n", names(&bound))?;
    writeln!(out, "Not yet: {}.\n", names(&rest))?;

    let runs = |spec: &FunctionSpec| catalogue.kernel(&spec.name).is_some() || BINDER.contains(&spec.name.as_str());
    table(out, "Scalar functions", catalogue.function_names(), |n| catalogue.function(n), &runs)?;
    let runs = |spec: &FunctionSpec| catalogue.accumulator(&spec.name).is_some();
    table(out, "Aggregate functions", catalogue.aggregate_names(), |n| catalogue.aggregate(n), &runs)?;
    let runs = |spec: &FunctionSpec| PLUGINS.contains(&spec.name.as_str());
    table(out, "Plugins", catalogue.plugin_names(), |n| catalogue.plugin(n), &runs)
}

fn is_bound(query: &str) -> bool {
    let mut catalog = SimpleCatalog::default();
    catalog.tables.insert("T".to_string(), vec![("x".to_string(), kql_functions::Type::Long)]);
    let bound = bind(query, &catalog, &BindOptions::default());
    let runs = |rel: &Rel| !matches!(rel.kind, RelKind::NotRun(_));
    bound.diagnostics.iter().all(|d| d.severity != Severity::Error) && bound.query.is_none_or(|q| runs(&q.rel))
}

fn table<'c>(
    out: &mut dyn Write,
    title: &str,
    names: impl Iterator<Item = &'c str>,
    spec: impl Fn(&str) -> Option<&'c FunctionSpec>,
    runs: &dyn Fn(&FunctionSpec) -> bool,
) -> anyhow::Result<()> {
    let mut specs: Vec<&FunctionSpec> = names.filter_map(spec).filter(|s| !s.name.starts_with("__")).collect();
    specs.sort_by(|a, b| a.name.cmp(&b.name));
    let (run, rest): (Vec<&FunctionSpec>, Vec<&FunctionSpec>) = specs.into_iter().partition(|s| runs(s));
    let list = |specs: &[&FunctionSpec]| specs.iter().map(|s| format!("`{}`", s.name)).collect::<Vec<_>>().join(", ");
    writeln!(out, "## {title}\n\nRun ({}): {}.\n", run.len(), list(&run))?;
    writeln!(out, "Not yet ({}): {}.\n", rest.len(), list(&rest))?;
    Ok(())
}

const HEAD: &str = "# KQL support

Written by `cargo run --bin picquet-dev -- support > docs/kql-support.md`; do not edit by hand.

What is not supported is an error that names it and its place, never a different answer.

## Differences

- `decimal` has 12 digits after the point, where Kusto keeps 34 significant digits; `parse_version` of first parts above 170
  is null for that reason.
- `ingestion_time()` over files is `_TimeReceived` where the rows have it, else `TimeGenerated`.
- Functions that give several columns (`series_fit_line`, `series_stats`, several arrays in `array_sort_asc`) cannot be spread
  over columns yet, nor can a list of names stand on the left of `=`.
- A long and a real are compared as reals, so inexactly beyond 2^53.
- A text column compared with a number (`ResultType == 0`) is read as a number.
- Watchlists (`_GetWatchlist`), `externaldata` and saved functions of a workspace are not available to `picquet run` yet.
- Compressed texts (`gzip_compress_to_base64_string`) decompress correctly everywhere, but long ones differ byte by byte.
";
