//! Operators that are computed as a whole, because each row depends on others in a way that no plan node knows.

use kql_functions::Val;
use kql_functions::plugins::{Arg, Field, Plugin};

use super::{Column, Components, Expr, GraphMatch};

/// Which operator, with its parts.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// `scan`; one input, in order.
    Scan(Scan),
    /// `reduce`; one input.
    Reduce(Reduce),
    /// `graph-match`
    GraphMatch(GraphMatch),
    /// `graph-mark-components`
    Components(Components),
    /// `evaluate`; the plugin's input, then its tables.
    Plugin(PluginCall),
}

/// A call of a plugin of [`kql_functions::plugins`].
#[derive(Debug, Clone)]
pub struct PluginCall {
    /// Which.
    pub plugin: &'static Plugin,
    /// Its arguments.
    pub args: Vec<Arg>,
    /// The columns of its input, without those that are computed for its arguments.
    pub input: Vec<Field>,
    /// The columns of its tables.
    pub tables: Vec<Vec<Field>>,
    /// The names that its arguments were given in the call.
    pub names: Vec<Option<String>>,
    /// Arguments that are constants of the query and known only when it runs, as those from `toscalar()`: which, and
    /// their expressions. [`PluginCall::args`] holds some value of the type in their place.
    pub later: Vec<(usize, Expr)>,
}

impl PartialEq for PluginCall {
    fn eq(&self, other: &PluginCall) -> bool {
        self.plugin.name == other.plugin.name
            && (&self.args, &self.input, &self.tables, &self.names, &self.later)
                == (&other.args, &other.input, &other.tables, &other.names, &other.later)
    }
}

/// `scan`: a state machine over ordered rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// `with_match_id`: the column of the match's number, the last of the result.
    pub match_id: Option<Column>,
    /// Rows of other values are other machines; empty for one machine.
    pub partition: Vec<Expr>,
    /// Declared columns with their defaults; they follow the input's.
    pub declared: Vec<(Column, Val<'static>)>,
    /// The steps.
    pub steps: Vec<ScanStep>,
}

/// A step of [`Scan`].
#[derive(Debug, Clone, PartialEq)]
pub struct ScanStep {
    /// Its name.
    pub name: String,
    /// May be passed over.
    pub optional: bool,
    /// Which of its matches are shown.
    pub output: ScanOutput,
    /// The condition on a row and the states.
    pub condition: Expr,
    /// Values that the step sets, by position among the input's columns and then the declared ones.
    pub assignments: Vec<(usize, Expr)>,
    /// What `step.column` means in this scan: columns of the state of this step, parallel to the input's columns and
    /// then the declared ones.
    pub state: Vec<Column>,
}

/// Which matches of a step are rows of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum ScanOutput {
    #[default]
    All,
    Last,
    None,
}

/// `reduce`: groups of texts that are alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Reduce {
    /// The text.
    pub value: Expr,
    /// How alike texts of one group are, from 0 to 1.
    pub threshold: f64,
    /// Characters that part terms, besides all but letters and digits.
    pub characters: String,
    /// The result has the rows of the input, each with its group.
    pub source: bool,
}

impl Stage {
    /// The scalar expressions of the stage.
    pub fn exprs(&self) -> Vec<&Expr> {
        match self {
            Stage::Reduce(reduce) => vec![&reduce.value],
            Stage::GraphMatch(graph) => graph.mapped.iter().map(|m| &m.expr).chain(&graph.predicate).collect(),
            Stage::Components(_) => Vec::new(),
            Stage::Plugin(call) => call.later.iter().map(|(_, expr)| expr).collect(),
            Stage::Scan(scan) => {
                let steps = scan.steps.iter();
                let of_steps =
                    steps.flat_map(|s| std::iter::once(&s.condition).chain(s.assignments.iter().map(|a| &a.1)));
                scan.partition.iter().chain(of_steps).collect()
            }
        }
    }
}
