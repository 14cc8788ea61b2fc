//! The columns of several files together.

use std::collections::HashSet;

use kql_functions::Type;

use crate::Schemas;
use crate::infer::{self, Kinds};

/// The columns of all files of a table, in order of appearance.
#[derive(Default)]
pub(crate) struct Merged {
    columns: Vec<(String, Option<Type>, Kinds)>,
}

impl Merged {
    /// Adds a column of a file, as it is declared there or as its values suggest.
    pub(crate) fn add(&mut self, name: &str, declared: Option<Type>, kinds: &Kinds) {
        match self.columns.iter_mut().find(|(known, ..)| known == name) {
            Some((_, ty, all)) => {
                *ty = match (*ty, declared) {
                    (Some(a), Some(b)) => Some(infer::common(a, b)),
                    (a, b) => a.or(b),
                };
                all.merge(kinds);
            }
            None => self.columns.push((name.to_string(), declared, kinds.clone())),
        }
    }

    /// The known columns of the table first, then what else the files have.
    pub(crate) fn columns(self, table: &str) -> Vec<(String, Type)> {
        let mut columns = Schemas::builtin().table(table).unwrap_or_default();
        let known: HashSet<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        for (name, declared, kinds) in self.columns {
            if !known.contains(&name) {
                let ty = declared.unwrap_or_else(|| infer::column_type(table, &name, &kinds));
                columns.push((name, ty));
            }
        }
        columns
    }
}
