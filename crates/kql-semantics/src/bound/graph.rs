//! Graph operators that are computed as a whole.

use super::Column;

/// `graph-match`: the inputs are the edges and, where there are any, the nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphMatch {
    /// Which columns of the edges name their nodes.
    pub ends: Ends,
    /// How each match goes through the graph.
    pub patterns: Vec<Vec<Step>>,
    /// What stands in the result for each node and edge of the patterns.
    pub slots: Vec<Slot>,
    /// Which paths may come back to where they were.
    pub cycles: Cycles,
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
    /// Of a path: arrays of the columns of the nodes inside.
    pub inner: Vec<Column>,
    /// Of a node: how many edges come and go.
    pub degrees: Option<(Column, Column)>,
}

impl Slot {
    /// All columns, in the order of the result.
    pub fn all(&self) -> impl Iterator<Item = &Column> {
        let degrees = self.degrees.iter().flat_map(|(come, go)| [come, go]);
        self.columns.iter().chain(&self.inner).chain(degrees)
    }
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
