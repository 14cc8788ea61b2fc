//! The support table of the documentation, from the catalogue.

use std::io::Write;

use kql_functions::catalogue::Catalogue;
use kql_functions::plugins;
use kql_semantics::bound::{Rel, RelKind};
use kql_semantics::{BindOptions, Bound, EVALUATED, SimpleCatalog, bind};
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
    ("graph-mark-components", "T | make-graph x --> x with_node_id=id | graph-mark-components | graph-to-table nodes"),
    ("graph-match", "T | make-graph x --> x with_node_id=id | graph-match (a)-->(b) project a.id"),
    (
        "graph-shortest-paths",
        "T | make-graph x --> x with_node_id=id | graph-shortest-paths (a)-[e*1..2]->(b) project a.id",
    ),
    ("graph-to-table", "T | make-graph x --> x with_node_id=id | graph-to-table nodes"),
    ("invoke", "let f = (T:(x:long)) { T }; print x=1 | invoke f()"),
    ("join", "print x=1 | join (print x=1) on x"),
    ("lookup", "print x=1 | lookup (print x=1) on x"),
    ("macro-expand", "macro-expand entity_group [cluster('a').database('b')] as X (X.T | count)"),
    ("make-graph", "T | make-graph x --> x | graph-to-table edges"),
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

/// Plugins that the engine runs by itself.
const PLUGINS: &[&str] = &["bag_unpack", "infer_storage_schema", "narrow", "pivot"];

/// Functions that mean something in a place of their own: over the elements of a graph pattern, or before a table.
const IN_PLACE: &[&str] =
    &["all", "any", "database", "inner_nodes", "map", "node_degree_in", "node_degree_out", "node_id"];

/// What is different about an entry, where something is.
const DIFFERENCES: &[(&str, &str)] = &[
    ("autocluster", "an algorithm of its own after the same paper; patterns are alike, not the same"),
    ("basket", "exact, where Kusto samples the rows"),
    ("diffpatterns", "an algorithm of its own; patterns are alike, not the same"),
    ("dcount_intersect", "an estimate of its own where the sets are large"),
    ("current_node_id", "not documented"),
    ("current_principal", "nobody: `<null identity>`"),
    ("current_principal_details", "nobody: null"),
    ("current_principal_is_member_of", "nobody: false"),
    ("cursor_after", "a cursor is compared with what `ingestion_time()` gives"),
    ("cursor_before_or_at", "a cursor is compared with what `ingestion_time()` gives"),
    ("cursor_current", "the instant of `now()`"),
    ("estimate_data_size", "a dynamic has the size of its JSON text"),
    ("extent_id", "no data shards: zeros"),
    ("extent_tags", "no data shards: null"),
    (
        "externaldata",
        "reads what `--allow-external` allows; ingestion mappings of CSV and JSON; zip archives of one file",
    ),
    ("geo_info_from_ip_address", "needs a MaxMind database: `--geoip FILE`"),
    ("geo_distance_2points", "on a sphere only"),
    ("geo_polygon_simplify", "which points stay may differ, within the tolerance"),
    ("geo_simplify_polygons_array", "which points stay may differ, within the tolerance"),
    ("gzip_compress_to_base64_string", "long texts give other bytes, which decompress to the same"),
    ("hash_combine", "how Kusto combines hashes is not documented"),
    ("hash_many", "how Kusto combines hashes is not documented"),
    ("hll_isvalid", "not documented"),
    (
        "infer_storage_schema",
        "over local files and http(s) that `--allow-external` allows; nothing lists what lies below a URL",
    ),
    ("ingestion_time", "over files: `_TimeReceived` where the rows have it, else `TimeGenerated`"),
    ("parse_version", "null where the first part is above 170"),
    ("partition", "no limit of 64 partitions; not every operator in the subquery"),
    ("row_id", "not documented"),
    ("rowstore_ordinal_range", "not documented"),
    ("series_periods_detect", "scores are Kusto's; which periods it looks at is not documented"),
    ("tdigest_isvalid", "not documented"),
    ("reduce", "an algorithm of its own; groups are alike, not the same"),
    ("top-hitters", "exact instead of approximate"),
    ("zlib_compress_to_base64_string", "long texts give other bytes, which decompress to the same"),
];

/// How far an entry is supported.
struct Entry<'e> {
    name: &'e str,
    bound: bool,
    runs: bool,
}

/// Writes `docs/kql-support.md`.
pub(crate) fn write(out: &mut dyn Write) -> anyhow::Result<()> {
    let catalogue = Catalogue::get();
    writeln!(out, "{HEAD}")?;
    let operators = OPERATORS.iter().map(|(name, query)| {
        let (bound, runs) = probe(query);
        Entry { name, bound, runs }
    });
    table(out, "Operators", operators.collect())?;
    let functions = catalogue.function_names().map(|name| {
        let runs = catalogue.kernel(name).is_some() || EVALUATED.contains(&name) || IN_PLACE.contains(&name);
        Entry { name, bound: true, runs }
    });
    table(out, "Scalar functions", functions.collect())?;
    let aggregates = catalogue.aggregate_names().map(|name| {
        let runs = catalogue.accumulator(name).is_some();
        Entry { name, bound: true, runs }
    });
    table(out, "Aggregate functions", aggregates.collect())?;
    let plugins = catalogue.plugin_names().map(|name| {
        let runs = plugins::plugin(name).is_some() || PLUGINS.contains(&name);
        Entry { name, bound: true, runs }
    });
    table(out, "Plugins", plugins.collect())
}

/// Whether a query is bound, and whether it can be run.
fn probe(query: &str) -> (bool, bool) {
    let mut catalog = SimpleCatalog::default();
    catalog.tables.insert("T".to_string(), vec![("x".to_string(), kql_functions::Type::Long)]);
    let bind = |checking: bool| bind(query, &catalog, &BindOptions { checking, ..BindOptions::default() });
    let good = |bound: &Bound| bound.diagnostics.iter().all(|d| d.severity != Severity::Error);
    let not_run = |rel: &Rel| {
        let mut todo = vec![rel];
        while let Some(rel) = todo.pop() {
            if matches!(rel.kind, RelKind::NotRun(_) | RelKind::Refused(_)) {
                return true;
            }
            todo.extend(rel.inputs());
        }
        false
    };
    let running = bind(false);
    let runs = good(&running) && running.query.is_none_or(|q| !not_run(&q.rel));
    (good(&bind(true)), runs)
}

fn table(out: &mut dyn Write, title: &str, mut entries: Vec<Entry<'_>>) -> anyhow::Result<()> {
    entries.retain(|e| !e.name.starts_with("__"));
    entries.sort_by_key(|e| e.name);
    let count = |test: fn(&Entry<'_>) -> bool| entries.iter().filter(|e| test(e)).count();
    writeln!(out, "## {title}\n")?;
    let (bound, run) = (count(|e| e.bound), count(|e| e.runs));
    writeln!(out, "{} in all: {} bound, {} run.\n", entries.len(), bound, run)?;
    writeln!(out, "| name | parsed | bound | run | differences |\n|---|---|---|---|---|")?;
    let mark = |yes: bool| if yes { "yes" } else { "no" };
    for entry in entries {
        let difference = DIFFERENCES.iter().find(|(name, _)| *name == entry.name).map(|(_, text)| *text);
        let difference = difference.or_else(|| plugins::refused(entry.name)).unwrap_or_default();
        writeln!(out, "| `{}` | yes | {} | {} | {difference} |", entry.name, mark(entry.bound), mark(entry.runs))?;
    }
    writeln!(out)?;
    Ok(())
}

const HEAD: &str = "# KQL support

Written by `cargo run --bin picquet-dev -- support > docs/kql-support.md`; do not edit by hand.

What is not supported is an error that names it and its place, never a different answer.

## Differences

- `decimal` has 12 digits after the point, where Kusto keeps 34 significant digits.
- A long and a real are compared as reals, so inexactly beyond 2^53.
- A text column compared with a number (`ResultType == 0`) is read as a number.
- `externaldata` reads only what `--allow-external` and `--external` name; an ingestion mapping may hold paths,
  ordinals, constants and times of the Unix epoch, and a zip archive one file.
- `partition hint.strategy=legacy` has no limit of 64 keys.
- Frozen answers of Microsoft's engine that Picquet gives otherwise: `hash_combine()` and `hash_many()`, whose combination is
  not documented; `geo_info_from_ip_address()` without a database of addresses; `join kind=innerunique` where Kusto may keep any
  row of a key and keeps another one; the order of partitions in a result that nothing sorts, and of groups of equal rank in
  `top-nested`.
- `picquet check` follows Microsoft's language service where that is all there is to go by: `column_ifexists()` has the type of
  its default; errors inside saved functions are warnings; a wildcard over all tables that may exist stands for a column's most
  frequent type. Where the engine's frozen answers say otherwise, they count: see `crates/picquet-dev/disagreements.tsv`.
";
