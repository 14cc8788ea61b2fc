//! The plugins of `evaluate`: functions from tables to a table, a file a family.
//!
//! A plugin is a record with two functions: `columns` tells the result's columns from the call alone, so that a query
//! can be checked without rows; `rows` computes them. `bag_unpack`, `pivot` and `narrow`, whose columns the data
//! decides, are the engine's.

mod activity;
mod cohorts;
mod dcount_intersect;
mod funnel;
mod geo;
mod ip_lookup;
mod keys;
mod patterns;
mod refused;
mod rolling;
mod schema_merge;
mod sequence;
mod session;
mod simple;
mod sliding;
mod timeline;

use crate::{EvalError, Type, Val};

pub use refused::refused;

/// A column: its name and type.
pub type Field = (String, Type);
/// A row of a table.
pub type Row<'a> = Vec<Val<'a>>;
/// What computes the rows of a plugin's result from those of its tables.
pub type Rows = fn(&Call<'_>, &[Vec<Row<'_>>]) -> Result<Vec<Row<'static>>, Refusal>;

/// An argument, as the binder found it.
#[derive(Debug, Clone, PartialEq)]
pub enum Arg {
    /// A column of the input, by its place.
    Column(usize),
    /// An expression over the input: its value is at this place of every row, behind the input's own columns. The name
    /// is the one that it was given in the call.
    Computed {
        /// Place in the row.
        at: usize,
        /// `name = expression`
        name: Option<String>,
        /// Type of the values.
        ty: Type,
    },
    /// A column of the first table among the arguments, by its place.
    OfTable(usize),
    /// A constant.
    Value(Val<'static>, Type),
    /// A table: its place in [`Call::tables`].
    Table(usize),
}

/// A call of a plugin.
#[derive(Debug, Clone, Copy)]
pub struct Call<'c> {
    /// Arguments in order.
    pub args: &'c [Arg],
    /// The input's columns.
    pub input: &'c [Field],
    /// The columns of each tabular argument.
    pub tables: &'c [Vec<Field>],
    /// The name that each argument was given in the call: `name = value`.
    pub names: &'c [Option<String>],
}

/// Why a call cannot be bound or run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The argument at fault.
    pub argument: Option<usize>,
    /// What is wrong.
    pub message: String,
}

impl Refusal {
    /// A refusal of the whole call.
    pub fn new(message: impl Into<String>) -> Refusal {
        Refusal { argument: None, message: message.into() }
    }

    /// A refusal of an argument.
    pub fn of(argument: usize, message: impl Into<String>) -> Refusal {
        Refusal { argument: Some(argument), message: message.into() }
    }
}

/// A plugin.
#[derive(Debug, Clone, Copy)]
pub struct Plugin {
    /// Its name.
    pub name: &'static str,
    /// The result's columns.
    pub columns: fn(&Call<'_>) -> Result<Vec<Field>, Refusal>,
    /// The result's rows, from those of the input (the first table) and of the tabular arguments.
    pub rows: Rows,
    /// The order of the result's rows is part of the answer.
    pub ordered: bool,
    /// Which argument is a column of the table that was given first, even where the input has a column of that name.
    pub table_key: Option<usize>,
}

/// The plugin of a name, if it can run.
pub fn plugin(name: &str) -> Option<&'static Plugin> {
    families().into_iter().flatten().find(|p| p.name == name)
}

/// What computes the further result tables of a plugin that has several.
pub fn further_tables(plugin: &Plugin) -> &'static [Plugin] {
    match plugin.name {
        "funnel_sequence" => funnel::MORE_OF_SEQUENCE,
        _ => &[],
    }
}

fn families() -> [&'static [Plugin]; 12] {
    [
        simple::PLUGINS,
        activity::PLUGINS,
        cohorts::PLUGINS,
        session::PLUGINS,
        rolling::PLUGINS,
        funnel::PLUGINS,
        ip_lookup::PLUGINS,
        schema_merge::PLUGINS,
        dcount_intersect::PLUGINS,
        sequence::PLUGINS,
        patterns::PLUGINS,
        geo::PLUGINS,
    ]
}

/// A column from a name that is known when this is compiled.
pub fn field(name: &str, ty: Type) -> Field {
    (name.to_string(), ty)
}

/// Work that was to end.
impl From<EvalError> for Refusal {
    fn from(error: EvalError) -> Self {
        Refusal::new(error.0)
    }
}

impl Call<'_> {
    /// Place in the row of the column or expression that is argument `at`.
    pub fn column(&self, at: usize) -> Result<usize, Refusal> {
        match self.args.get(at) {
            Some(Arg::Column(place) | Arg::Computed { at: place, .. }) => Ok(*place),
            _ => Err(Refusal::of(at, "Column name expected.")),
        }
    }

    /// The column that is argument `at`.
    pub fn field(&self, at: usize) -> Result<&Field, Refusal> {
        match self.args.get(at) {
            Some(Arg::Column(place)) => self.input.get(*place).ok_or_else(|| Refusal::of(at, "Column name expected.")),
            _ => Err(Refusal::of(at, "Column name expected.")),
        }
    }

    /// The columns that are the arguments from `from` on: the dimensions of many plugins.
    pub fn fields_from(&self, from: usize) -> Result<Vec<Field>, Refusal> {
        (from..self.args.len()).map(|at| self.field(at).cloned()).collect()
    }

    /// The places of the columns that are the arguments from `from` on.
    pub fn columns_from(&self, from: usize) -> Result<Vec<usize>, Refusal> {
        (from..self.args.len()).map(|at| self.column(at)).collect()
    }

    /// The constant that is argument `at`.
    pub fn value(&self, at: usize) -> Option<(&Val<'static>, Type)> {
        match self.args.get(at) {
            Some(Arg::Value(value, ty)) => Some((value, *ty)),
            _ => None,
        }
    }

    /// The place of the argument that was given a name in the call.
    pub fn named(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n.as_deref() == Some(name))
    }

    /// The placeholder `'~'`, or no argument at all: the default is meant.
    pub fn is_default(&self, at: usize) -> bool {
        self.args.get(at).is_none() || matches!(self.value(at), Some((Val::Str(s), _)) if s == "~")
    }

    /// The integer that is argument `at`.
    pub fn long(&self, at: usize) -> Result<i64, Refusal> {
        let value = self.value(at).and_then(|(v, _)| v.as_i64());
        value.ok_or_else(|| Refusal::of(at, "A constant integer expected."))
    }

    /// The number that is argument `at`.
    pub fn real(&self, at: usize) -> Result<f64, Refusal> {
        let value = self.value(at).and_then(|(v, _)| v.as_f64());
        value.ok_or_else(|| Refusal::of(at, "A constant number expected."))
    }

    /// The text that is argument `at`.
    pub fn text(&self, at: usize) -> Result<&str, Refusal> {
        match self.value(at) {
            Some((Val::Str(s), _)) => Ok(s),
            _ => Err(Refusal::of(at, "A constant string expected.")),
        }
    }

    /// The bool that is argument `at`.
    pub fn bool(&self, at: usize) -> Result<bool, Refusal> {
        let value = self.value(at).and_then(|(v, _)| v.as_bool());
        value.ok_or_else(|| Refusal::of(at, "A constant bool expected."))
    }
}
