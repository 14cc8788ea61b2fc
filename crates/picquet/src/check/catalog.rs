//! The tables and functions that queries are checked against.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use kql_engine::Database as _;
use kql_functions::Type;
use kql_semantics::{AllColumns, Catalog, KnownFunction, SavedFunction};
use picquet_sources::{FileDatabase, Options, Schemas};

use super::args::CheckArgs;
use super::functions::Functions;

/// Columns of a table, in order.
pub(super) type Columns = Vec<(String, Type)>;

/// Columns that Log Analytics gives every table, whether or not its schema lists them.
const STANDARD: [(&str, Type); 10] = [
    ("TenantId", Type::String),
    ("TimeGenerated", Type::DateTime),
    ("Type", Type::String),
    ("SourceSystem", Type::String),
    ("_ResourceId", Type::String),
    ("_SubscriptionId", Type::String),
    ("_ItemId", Type::String),
    ("_TimeReceived", Type::DateTime),
    ("_BilledSize", Type::Real),
    ("_IsBillable", Type::String),
];

/// By these a table is one of Log Analytics.
const MARKS: [&str; 3] = ["TenantId", "TimeGenerated", "Type"];

/// What names mean while checking.
pub(crate) struct CheckCatalog {
    /// The given tables; the built-in ones where there are none.
    given: Option<BTreeMap<String, Columns>>,
    functions: Functions,
    data: FileDatabase,
    all_columns: AllColumns,
}

impl CheckCatalog {
    /// Reads what the command line names.
    pub(crate) fn open(args: &CheckArgs) -> anyhow::Result<CheckCatalog> {
        let given = args.schema.as_deref().map(read_schema).transpose()?;
        let mut functions = Functions::default();
        for file in &args.functions {
            functions.read(file)?;
        }
        let data = FileDatabase::open(&args.data, Options::default())?;
        Ok(CheckCatalog { given, functions, data, all_columns: AllColumns::default() })
    }

    /// The log files.
    pub(crate) fn data(&self) -> &FileDatabase {
        &self.data
    }
}

impl Catalog for CheckCatalog {
    fn table(&self, name: &str) -> Option<Columns> {
        if let Some(table) = self.data.table(name) {
            return Some(table.columns);
        }
        match &self.given {
            Some(given) => given.get(name).cloned(),
            None => Schemas::builtin().table(name).map(with_standard),
        }
    }

    fn table_names(&self) -> Vec<String> {
        let mut names = FileDatabase::table_names(&self.data);
        match &self.given {
            Some(given) => names.extend(given.keys().cloned()),
            None => names.extend(Schemas::builtin().names().map(str::to_string)),
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    fn function(&self, name: &str) -> Option<SavedFunction> {
        self.functions.saved.get(name).cloned()
    }

    fn known_function(&self, name: &str) -> Option<KnownFunction> {
        self.functions.known.get(name).cloned()
    }

    fn all_columns(&self) -> Option<&AllColumns> {
        Some(&self.all_columns)
    }
}

fn read_schema(file: &Path) -> anyhow::Result<BTreeMap<String, Columns>> {
    let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let text = picquet_rules::decode_text(&bytes);
    let tables: BTreeMap<String, Vec<(String, String)>> = serde_json::from_str(&text)
        .with_context(|| format!("{}: expected {{\"Table\":[[\"Column\",\"type\"],…],…}}", file.display()))?;
    tables
        .into_iter()
        .map(|(table, listed)| {
            let columns = columns(listed).with_context(|| format!("{}: table {table}", file.display()))?;
            Ok((table, with_standard(columns)))
        })
        .collect()
}

/// Columns with their types' names read.
pub(super) fn columns(listed: Vec<(String, String)>) -> anyhow::Result<Columns> {
    let mut columns: Columns = Vec::with_capacity(listed.len());
    for (name, type_name) in listed {
        let ty = Type::parse(&type_name)
            .with_context(|| format!("column {name}: '{type_name}' is not the name of a Kusto type"))?;
        if !columns.iter().any(|(known, _)| *known == name) {
            columns.push((name, ty));
        }
    }
    Ok(columns)
}

/// A table of Log Analytics with all its standard columns; another one as it is.
fn with_standard(mut columns: Columns) -> Columns {
    let has = |columns: &Columns, name: &str| columns.iter().any(|(known, _)| known == name);
    if MARKS.iter().all(|mark| has(&columns, mark)) {
        for (name, ty) in STANDARD {
            if !has(&columns, name) {
                columns.push((name.to_string(), ty));
            }
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_columns() {
        let names = |columns: Columns| columns.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let own = vec![("a".to_string(), Type::Long)];
        assert_eq!(names(with_standard(own.clone())), ["a"]);
        let mut logs = own;
        logs.extend(MARKS.iter().map(|mark| (mark.to_string(), Type::String)));
        let all = names(with_standard(logs));
        assert_eq!(all[..4], ["a", "TenantId", "TimeGenerated", "Type"]);
        assert!(all.contains(&"_SubscriptionId".to_string()));
        assert_eq!(all.len(), 11);
    }

    #[test]
    fn types_are_checked() {
        let error = columns(vec![("x".into(), "text".into())]).unwrap_err().to_string();
        assert!(error.contains("'text'"), "{error}");
    }
}
