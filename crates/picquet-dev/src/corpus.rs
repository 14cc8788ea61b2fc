//! Reads the corpora beside the checkout.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::Context as _;
use kql_functions::Type;
use kql_semantics::{BindOptions, SavedFunction, SimpleCatalog, bind};
use kql_syntax::{Diagnostic, Severity};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::runner::NOW;

/// One JSON value a line.
pub(crate) fn json_lines<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Vec<T>> {
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let mut values = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let value = serde_json::from_str(&line?).with_context(|| format!("{}:{}", path.display(), number + 1))?;
        values.push(value);
    }
    Ok(values)
}

/// A query of the corpus.
#[derive(Deserialize)]
pub(crate) struct QueryLine {
    pub(crate) id: String,
    pub(crate) query: String,
}

/// What Microsoft's parser says of one.
#[derive(Deserialize)]
pub(crate) struct OracleLine {
    pub(crate) id: String,
    pub(crate) ok: bool,
    #[serde(default)]
    pub(crate) errors: Vec<OracleError>,
    pub(crate) columns: Option<Vec<(String, String)>>,
    #[serde(default)]
    pub(crate) open: bool,
}

/// An error of Microsoft's parser.
#[derive(Deserialize)]
pub(crate) struct OracleError {
    pub(crate) code: String,
    pub(crate) message: String,
    /// In UTF-16 units.
    pub(crate) start: usize,
}

#[derive(Deserialize)]
struct FunctionLine {
    id: String,
    name: String,
    kind: String,
    #[serde(default)]
    preferred: bool,
    #[serde(default)]
    parameters: Option<String>,
    query: String,
}

/// Where the text of each saved function stands among the queries of the oracle, by the function's name.
pub(crate) fn function_ids(shared: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let lines = json_lines::<FunctionLine>(&shared.join("corpus/functions.jsonl"))?;
    Ok(lines.into_iter().filter(FunctionLine::is_saved).map(|line| (line.name, line.id)).collect())
}

impl FunctionLine {
    fn is_saved(&self) -> bool {
        self.preferred && self.kind == "saved function"
    }
}

/// The tables and saved functions that the oracle was given.
pub(crate) fn catalog(shared: &Path) -> anyhow::Result<SimpleCatalog> {
    let path = shared.join("corpus/schemas.json");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let schemas: BTreeMap<String, Vec<(String, String)>> = serde_json::from_str(&text)?;
    let mut catalog = SimpleCatalog::default();
    for (table, columns) in schemas {
        let mut columns: Vec<(String, Type)> =
            columns.into_iter().map(|(name, ty)| (name, Type::parse(&ty).unwrap_or(Type::Dynamic))).collect();
        // Columns that Log Analytics gives every table.
        for standard in ["_ResourceId", "_SubscriptionId"] {
            if !columns.iter().any(|(name, _)| name == standard) {
                columns.push((standard.to_string(), Type::String));
            }
        }
        catalog.tables.insert(table, columns);
    }
    for line in json_lines::<FunctionLine>(&shared.join("corpus/functions.jsonl"))? {
        if line.is_saved() {
            let function = SavedFunction { parameters: line.parameters.unwrap_or_default(), body: line.query };
            catalog.functions.insert(line.name, function);
        }
    }
    Ok(catalog)
}

/// Makes empty tables of saved functions whose bodies do not fit the known tables (their own raw tables have other
/// columns than the corpus lists), where the columns of their results are known. Tells how many.
pub(crate) fn tables_for_functions(shared: &Path, catalog: &mut SimpleCatalog) -> anyhow::Result<usize> {
    let path = shared.join("corpus/function-schemas.json");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let results: BTreeMap<String, Vec<(String, String)>> = serde_json::from_str(&text)?;
    let mut misfits = Vec::new();
    for (name, columns) in results {
        let Some(function) = catalog.functions.get(&name).filter(|f| f.parameters.trim().is_empty()) else { continue };
        let bound = bind(&function.body, catalog, &BindOptions { now: NOW, ..BindOptions::default() });
        if bound.diagnostics.iter().any(|d| d.severity == Severity::Error) {
            let mut table: Vec<(String, Type)> = Vec::with_capacity(columns.len());
            for (column, ty) in columns {
                if !table.iter().any(|(known, _)| *known == column) {
                    table.push((column, Type::parse(&ty).unwrap_or(Type::Dynamic)));
                }
            }
            misfits.push((name, table));
        }
    }
    let count = misfits.len();
    for (name, columns) in misfits {
        catalog.functions.remove(&name);
        catalog.tables.insert(name, columns);
    }
    Ok(count)
}

/// Gives tables the columns that saved functions take from them and the corpus does not list, as of type string: a function
/// runs in a workspace where its tables have them. Where a function reads several tables, the custom ones get them; their
/// columns are known by samples alone. A function that does not fit even then changes nothing. Gives the added columns.
pub(crate) fn columns_for_functions(catalog: &mut SimpleCatalog) -> Vec<(String, String)> {
    let mut functions: Vec<SavedFunction> = Vec::new();
    functions.extend(catalog.functions.values().filter(|f| f.parameters.trim().is_empty()).cloned());
    let mut all = Vec::new();
    for function in functions {
        let added = add_columns(catalog, &function.body);
        let fits = !errors(catalog, &function.body).any(|_| true);
        if fits {
            all.extend(added);
            continue;
        }
        for (table, column) in added {
            if let Some(columns) = catalog.tables.get_mut(&table) {
                columns.retain(|(name, _)| *name != column);
            }
        }
    }
    all.sort();
    all
}

/// Adds the columns that a text names and none of its tables has.
fn add_columns(catalog: &mut SimpleCatalog, body: &str) -> Vec<(String, String)> {
    let mut tables: Vec<String> =
        words([body].into_iter()).into_iter().filter(|word| catalog.tables.contains_key(word)).collect();
    if tables.len() > 1 {
        tables.retain(|table| table.ends_with("_CL"));
    }
    let mut added = Vec::new();
    // A name that is found lets later ones be looked at.
    loop {
        let unknown: BTreeSet<String> = errors(catalog, body)
            .filter(|d| d.code == "KS142" && d.message.starts_with("The name '"))
            .filter_map(|d| Some(body.get(d.span.start as usize..d.span.end as usize)?.to_string()))
            .collect();
        let before = added.len();
        for column in unknown {
            for table in &tables {
                let Some(columns) = catalog.tables.get_mut(table) else { continue };
                if !columns.iter().any(|(name, _)| *name == column) {
                    columns.push((column.clone(), Type::String));
                    added.push((table.clone(), column.clone()));
                }
            }
        }
        if added.len() == before {
            return added;
        }
    }
}

fn errors(catalog: &SimpleCatalog, text: &str) -> impl Iterator<Item = Diagnostic> {
    let bound = bind(text, catalog, &BindOptions { now: NOW, ..BindOptions::default() });
    bound.diagnostics.into_iter().filter(|d| d.severity == Severity::Error)
}

/// The identifiers in texts.
pub(crate) fn words<'t>(texts: impl Iterator<Item = &'t str>) -> HashSet<String> {
    let split = |text: &'t str| text.split(|c: char| !c.is_alphanumeric() && c != '_');
    texts.flat_map(split).map(str::to_string).collect()
}
