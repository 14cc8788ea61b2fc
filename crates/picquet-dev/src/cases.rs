//! The cases of the corpora: documented answers, and frozen ones of Microsoft's engine.

use std::path::Path;

use kql_functions::Type;
use serde::Deserialize;
use serde_json::Value;

use crate::compare::{Documented, Manner};
use crate::corpus::json_lines;

/// A documented case.
#[derive(Debug, Deserialize)]
pub(crate) struct DocsCase {
    pub(crate) id: String,
    pub(crate) page: String,
    pub(crate) query: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
    #[serde(default)]
    pub(crate) ordered: bool,
    #[serde(default)]
    pub(crate) needs: Vec<String>,
    #[serde(default)]
    pub(crate) volatile: bool,
    #[serde(default)]
    pub(crate) truncated: bool,
    #[serde(default)]
    pub(crate) alternatives: Vec<Vec<Vec<String>>>,
    #[serde(default)]
    pub(crate) columns_by_position: bool,
    #[serde(default)]
    pub(crate) extra_results: Vec<ExtraResult>,
}

/// A further table of a case.
#[derive(Debug, Deserialize)]
pub(crate) struct ExtraResult {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// Functions whose arrays have no order.
const SETS: [&str; 5] = ["make_set", "makeset", "set_union", "set_difference", "set_intersect"];

impl DocsCase {
    /// Every table that is right as an answer.
    pub(crate) fn tables(&self) -> Vec<Documented<'_>> {
        let manner = Manner {
            sets: SETS.iter().any(|function| self.query.contains(function)),
            geo: self.page.starts_with("geo-"),
            truncated: self.truncated,
        };
        let table = |columns, rows| Documented {
            query: &self.query,
            columns,
            rows,
            by_position: self.columns_by_position,
            ordered: self.ordered,
            volatile: self.volatile,
            manner,
        };
        let rows = std::iter::once(self.rows.as_slice()).chain(self.alternatives.iter().map(Vec::as_slice));
        let own = rows.map(|rows| table(self.columns.as_slice(), rows));
        own.chain(self.extra_results.iter().map(|extra| table(extra.columns.as_slice(), extra.rows.as_slice())))
            .collect()
    }
}

/// The documented cases that define their data.
pub(crate) fn docs_cases(shared: &Path) -> anyhow::Result<Vec<DocsCase>> {
    json_lines(&shared.join("corpus/docs-cases/cases.jsonl"))
}

/// A query and what Microsoft's engine answered.
#[derive(Debug, Deserialize)]
pub(crate) struct TruthCase {
    pub(crate) id: String,
    pub(crate) query: String,
    #[serde(default)]
    pub(crate) columns: Vec<(String, String)>,
    /// True, or the engine's words, where it refused.
    #[serde(default)]
    error: Value,
}

impl TruthCase {
    /// Whether the engine refused the query.
    pub(crate) fn refused(&self) -> bool {
        !matches!(self.error, Value::Null | Value::Bool(false))
    }
}

/// All frozen answers.
pub(crate) fn truth_cases(shared: &Path) -> anyhow::Result<Vec<TruthCase>> {
    let mut cases = Vec::new();
    for file in ["cases.jsonl", "fuzz-cases.jsonl"] {
        cases.extend(json_lines::<TruthCase>(&shared.join("corpus/kusto-truth").join(file))?);
    }
    Ok(cases)
}

/// Whether a type has the name that a frozen answer gives: a .NET one, or a coarse one (`Int` is int or long).
pub(crate) fn is_type(ty: Type, name: &str) -> bool {
    match name {
        "SByte" | "Boolean" | "Bool" => ty == Type::Bool,
        "Int32" => ty == Type::Int,
        "Int64" => ty == Type::Long,
        "Int" => ty.is_integer(),
        "Double" => ty == Type::Real,
        "SqlDecimal" | "Decimal" => ty == Type::Decimal,
        "Real" => matches!(ty, Type::Real | Type::Decimal),
        "String" => ty == Type::String,
        "DateTime" => ty == Type::DateTime,
        "TimeSpan" => ty == Type::Timespan,
        "Guid" => ty == Type::Guid,
        "Object" | "Dynamic" => ty == Type::Dynamic,
        _ => false,
    }
}
