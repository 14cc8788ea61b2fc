//! Graph operators that are computed as a whole.

use super::{Column, Expr};

/// `graph-match` and `graph-shortest-paths`: the inputs are the edges and, where there are any, the nodes. The result has
/// the columns of all slots, those that are mapped, and the partition's.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphMatch {
    /// Which columns of the edges name their nodes.
    pub ends: Ends,
    /// How each match goes through the graph.
    pub patterns: Vec<Vec<Step>>,
    /// What stands in the result for each node and edge of the patterns.
    pub slots: Vec<Slot>,
    /// Expressions over the elements of paths.
    pub mapped: Vec<Mapped>,
    /// What a match must fulfil.
    pub predicate: Option<Expr>,
    /// Which paths may come back to where they were.
    pub cycles: Cycles,
    /// Only paths that no other with the same ends is shorter than.
    pub shortest: Option<Shortest>,
    /// The value that parts the graph into several, where it does.
    pub partition: Option<Column>,
}

/// The columns by which edges and nodes belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Ends {
    /// Position of the source's name in the edges.
    pub source: usize,
    /// Position of the target's name in the edges.
    pub target: usize,
    /// Positions of the name in the nodes: of several tables each has one.
    pub keys: Vec<usize>,
    /// Positions in edges and nodes of the column whose values are graphs of their own.
    pub partition: Option<(usize, Option<usize>)>,
}

/// A piece of a pattern; numbers are positions in [`GraphMatch::slots`].
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A node.
    Node(usize),
    /// An edge, or a path of edges.
    Edge {
        /// Its slot.
        slot: usize,
        /// It may lead from the node before to the next.
        forward: bool,
        /// It may lead from the next node to the one before.
        backward: bool,
        /// Fewest and most edges of a path; `None` for a single edge.
        hops: Option<(usize, usize)>,
    },
}

/// The columns of a node, an edge or a path.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot {
    /// The columns of a node or edge; of a path arrays of them.
    pub columns: Vec<Column>,
    /// It stands for a path of edges.
    pub path: bool,
    /// Of a node: what the graph knows of it.
    pub facts: Option<NodeFacts>,
}

/// What a graph knows of a node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeFacts {
    /// Its name in the edges, as text.
    pub id: Column,
    /// How many edges come to it.
    pub degree_in: Column,
    /// How many edges go from it.
    pub degree_out: Column,
}

impl NodeFacts {
    /// The facts' columns, in the order of the result.
    pub fn all(&self) -> [&Column; 3] {
        [&self.id, &self.degree_in, &self.degree_out]
    }
}

impl Slot {
    /// All columns, in the order of the result.
    pub fn all(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().chain(self.facts.iter().flat_map(NodeFacts::all))
    }
}

/// An expression over each element of a path: `map()`, `all()`, `any()`.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapped {
    /// Its column in the result.
    pub output: Column,
    /// The path, a position in [`GraphMatch::slots`].
    pub slot: usize,
    /// Over the nodes inside the path rather than over its edges.
    pub inner: bool,
    /// Columns of an element, as the expression names them.
    pub element: Vec<Column>,
    /// Of a node.
    pub facts: Option<NodeFacts>,
    /// The expression. It may name columns of other slots too.
    pub expr: Expr,
    /// What becomes of the elements' values.
    pub fold: Fold,
}

/// What [`Mapped`] makes of the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// An array.
    List,
    /// Whether all are true.
    All,
    /// Whether one is true.
    Any,
}

/// `graph-shortest-paths output=`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortest {
    /// One path for each pair of ends.
    Any,
    /// All paths of the least length.
    All,
}

/// `cycles=`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum Cycles {
    All,
    None,
    #[default]
    UniqueEdges,
}

/// `graph-mark-components`: the inputs are the edges and, where there are any, the nodes; the result is the nodes with
/// the number of their component.
#[derive(Debug, Clone, PartialEq)]
pub struct Components {
    /// Which columns of the edges name their nodes.
    pub ends: Ends,
    /// Ways count in both directions.
    pub weak: bool,
}
