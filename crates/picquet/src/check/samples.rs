//! Values of log files, for comparing literals with.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use kql_engine::{Database as _, Engine, EngineOptions, QueryOptions};
use kql_functions::{Type, Val};
use picquet_lint::Samples;
use picquet_sources::FileDatabase;

/// Most different values that are taken of a column. Of a column with more nothing is known.
const MOST: usize = 20_000;

type Values = Option<Arc<Vec<String>>>;

/// Reads the values of columns when they are first asked for.
pub(crate) struct FileSamples<'d> {
    engine: Engine,
    database: &'d FileDatabase,
    known: RefCell<HashMap<(String, String), Values>>,
}

impl<'d> FileSamples<'d> {
    pub(crate) fn new(database: &'d FileDatabase) -> anyhow::Result<Self> {
        let engine = Engine::new(&EngineOptions::default())?;
        Ok(FileSamples { engine, database, known: RefCell::default() })
    }

    fn read(&self, table: &str, column: &str) -> Values {
        let columns = self.database.table(table)?.columns;
        columns.iter().find(|(name, ty)| name == column && *ty == Type::String)?;
        let quoted = |name: &str| format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'"));
        let (table, column) = (quoted(table), quoted(column));
        let query = format!("{table} | where isnotempty({column}) | distinct {column} | take {}", MOST + 1);
        let options = QueryOptions::default();
        let run = self.engine.query(&query, self.database, &options);
        let answer = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(run)).ok()?;
        let value = |row: Vec<Val<'_>>| match row.first() {
            Some(Val::Str(text)) => Some(text.to_string()),
            _ => None,
        };
        let values: Vec<String> = answer.result.rows().filter_map(value).collect();
        (!values.is_empty() && values.len() <= MOST).then(|| Arc::new(values))
    }
}

impl Samples for FileSamples<'_> {
    fn values(&self, table: &str, column: &str) -> Values {
        let key = (table.to_string(), column.to_string());
        if let Some(known) = self.known.borrow().get(&key) {
            return known.clone();
        }
        let values = self.read(table, column);
        self.known.borrow_mut().insert(key, values.clone());
        values
    }
}
