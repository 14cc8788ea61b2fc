//! Graphs in memory: nodes by their names, edges by their ends.

use std::collections::HashMap;

use kql_functions::{Dynamic, Val, interrupt};
use kql_semantics::bound::{Components, Cycles, Ends, GraphMatch, Step};

use super::{Input, Rows};
use crate::QueryError;
use crate::evaluate::group_key;

/// More matches than this are an error: patterns multiply.
const MOST_MATCHES: usize = 10_000_000;

type Row = Vec<Val<'static>>;

struct Graph {
    edges: Vec<Row>,
    nodes: Vec<Row>,
    /// Source and target of each edge.
    ends: Vec<(usize, usize)>,
    /// Edges that leave a node.
    out: Vec<Vec<usize>>,
    /// Edges that reach a node.
    into: Vec<Vec<usize>>,
}

impl Graph {
    fn new(ends: &Ends, inputs: &[Input<'_>]) -> Graph {
        let own = |input: &Input<'_>| -> Vec<Row> {
            input.rows().map(|row| row.into_iter().map(Val::into_owned).collect()).collect()
        };
        let edges = inputs.first().map(own).unwrap_or_default();
        let mut nodes = inputs.get(1).map(own).unwrap_or_default();
        let width = inputs.get(1).map_or(1, |input| input.columns.len());
        let types: Vec<_> = inputs.get(1).map_or_else(Vec::new, |i| i.columns.iter().map(|c| c.ty).collect());
        let mut names: HashMap<String, usize> = HashMap::new();
        let keys: &[usize] = if ends.keys.is_empty() { &[0] } else { &ends.keys };
        for (at, node) in nodes.iter().enumerate() {
            // Of several tables of nodes each fills a key of its own.
            let filled = |v: &&Val<'static>| !v.is_null() && v.as_str() != Some("");
            let key = keys.iter().filter_map(|k| node.get(*k)).find(filled).or_else(|| node.get(keys[0]));
            if let Some(key) = key {
                names.entry(group_key(std::slice::from_ref(key))).or_insert(at);
            }
        }
        let mut place = |value: Option<&Val<'static>>| -> usize {
            let value = value.cloned().unwrap_or(Val::Null);
            *names.entry(group_key(std::slice::from_ref(&value))).or_insert_with(|| {
                // A node that only edges know has its name alone.
                let mut node: Row =
                    (0..width).map(|i| types.get(i).map_or(Val::Null, |ty| Val::missing(*ty))).collect();
                if let Some(slot) = node.get_mut(keys[0]) {
                    *slot = value;
                }
                nodes.push(node);
                nodes.len() - 1
            })
        };
        let joined: Vec<(usize, usize)> =
            edges.iter().map(|e| (place(e.get(ends.source)), place(e.get(ends.target)))).collect();
        let mut out = vec![Vec::new(); nodes.len()];
        let mut into = vec![Vec::new(); nodes.len()];
        for (edge, (from, to)) in joined.iter().enumerate() {
            out[*from].push(edge);
            into[*to].push(edge);
        }
        Graph { edges, nodes, ends: joined, out, into }
    }
}

/// What a slot of a pattern stands for.
#[derive(Clone)]
enum Found {
    Node(usize),
    /// Edges of a path, and the nodes between them.
    Path(Vec<usize>, Vec<usize>),
}

struct Search<'s> {
    spec: &'s GraphMatch,
    graph: &'s Graph,
    steps: Vec<&'s Step>,
    /// Where a pattern begins among the steps.
    begins: Vec<bool>,
    found: Vec<Option<Found>>,
    rows: Vec<Row>,
    /// Edges looked at.
    walked: u64,
}

/// All matches of the patterns: a row of the slots' columns each.
pub(crate) fn graph_match(spec: &GraphMatch, inputs: &[Input<'_>]) -> Result<Rows, QueryError> {
    let graph = Graph::new(&spec.ends, inputs);
    let steps: Vec<&Step> = spec.patterns.iter().flatten().collect();
    let begins = spec.patterns.iter().flat_map(|p| (0..p.len()).map(|i| i == 0)).collect();
    let found = vec![None; spec.slots.len()];
    let mut search = Search { spec, graph: &graph, steps, begins, found, rows: Vec::new(), walked: 0 };
    search.step(0, None)?;
    Ok(Rows { rows: search.rows, ordered: false })
}

impl Search<'_> {
    /// Goes on with a step, at a node where a pattern has come to one.
    fn step(&mut self, at: usize, here: Option<usize>) -> Result<(), QueryError> {
        let Some(step) = self.steps.get(at).copied() else { return self.accept() };
        match step {
            Step::Node(slot) => {
                let begins = self.begins.get(at).copied().unwrap_or(false);
                let bound = match self.found.get(*slot) {
                    Some(Some(Found::Node(node))) => Some(*node),
                    _ => None,
                };
                match (bound, if begins { None } else { here }) {
                    (Some(node), Some(here)) if node != here => Ok(()),
                    (Some(node), _) => self.step(at + 1, Some(node)),
                    (None, Some(node)) => self.at_node(at, *slot, node),
                    (None, None) => {
                        for node in 0..self.graph.nodes.len() {
                            self.at_node(at, *slot, node)?;
                        }
                        Ok(())
                    }
                }
            }
            Step::Edge { slot, forward, backward, hops } => {
                let Some(here) = here else { return Ok(()) };
                let (least, most) = hops.unwrap_or((1, 1));
                let mut path = (Vec::new(), Vec::new());
                self.walk(at, *slot, (*forward, *backward), (least, most), here, &mut path)
            }
        }
    }

    fn at_node(&mut self, at: usize, slot: usize, node: usize) -> Result<(), QueryError> {
        let seen = self.found.iter().flatten().any(|f| match f {
            Found::Node(other) => *other == node,
            Found::Path(_, inner) => inner.contains(&node),
        });
        if self.spec.cycles == Cycles::None && seen {
            return Ok(());
        }
        self.found[slot] = Some(Found::Node(node));
        self.step(at + 1, Some(node))?;
        self.found[slot] = None;
        Ok(())
    }

    fn walk(
        &mut self,
        at: usize,
        slot: usize,
        ways: (bool, bool),
        hops: (usize, usize),
        here: usize,
        path: &mut (Vec<usize>, Vec<usize>),
    ) -> Result<(), QueryError> {
        if path.0.len() >= hops.0 {
            self.found[slot] = Some(Found::Path(path.0.clone(), path.1.clone()));
            self.step(at + 1, Some(here))?;
            self.found[slot] = None;
        }
        if path.0.len() >= hops.1 {
            return Ok(());
        }
        let graph = self.graph;
        let forward = graph.out[here].iter().filter(|_| ways.0).map(|e| (*e, graph.ends[*e].1));
        let backward = graph.into[here].iter().filter(|_| ways.1).map(|e| (*e, graph.ends[*e].0));
        for (edge, next) in forward.chain(backward) {
            self.walked += 1;
            if self.walked.is_multiple_of(1024) {
                interrupt::check()?;
            }
            let used = path.0.contains(&edge)
                || self.found.iter().flatten().any(|f| matches!(f, Found::Path(edges, _) if edges.contains(&edge)));
            if used && self.spec.cycles != Cycles::All {
                continue;
            }
            if self.spec.cycles == Cycles::None
                && (path.1.contains(&next) || next == here || self.came_from(at) == Some(next))
            {
                continue;
            }
            let inner = !path.0.is_empty();
            path.0.push(edge);
            if inner {
                path.1.push(here);
            }
            self.walk(at, slot, ways, hops, next, path)?;
            path.0.pop();
            if inner {
                path.1.pop();
            }
        }
        Ok(())
    }

    /// The node at which the path of a step begins.
    fn came_from(&self, at: usize) -> Option<usize> {
        match at.checked_sub(1).and_then(|before| self.steps.get(before)) {
            Some(Step::Node(slot)) => match self.found.get(*slot) {
                Some(Some(Found::Node(node))) => Some(*node),
                _ => None,
            },
            _ => None,
        }
    }

    fn accept(&mut self) -> Result<(), QueryError> {
        if self.rows.len() >= MOST_MATCHES {
            let message = format!("graph-match: more than {MOST_MATCHES} matches; make the pattern narrower");
            return Err(QueryError::Failed(message));
        }
        let mut row = Vec::new();
        for (slot, found) in self.spec.slots.iter().zip(&self.found) {
            let graph = self.graph;
            match found {
                Some(Found::Node(node)) => {
                    row.extend(graph.nodes[*node].iter().take(slot.columns.len()).cloned());
                    if slot.degrees.is_some() {
                        row.push(Val::Long(graph.into[*node].len() as i64));
                        row.push(Val::Long(graph.out[*node].len() as i64));
                    }
                }
                Some(Found::Path(edges, _)) if !slot.path => {
                    row.extend(edges.iter().flat_map(|e| graph.edges[*e].iter().cloned()));
                }
                Some(Found::Path(edges, inner)) => {
                    for column in 0..slot.columns.len() {
                        row.push(array(edges.iter().map(|e| graph.edges[*e].get(column))));
                    }
                    for column in 0..slot.inner.len() {
                        row.push(array(inner.iter().map(|n| graph.nodes[*n].get(column))));
                    }
                }
                None => row.extend(slot.all().map(|c| Val::missing(c.ty))),
            }
        }
        self.rows.push(row);
        Ok(())
    }
}

fn array<'v>(values: impl Iterator<Item = Option<&'v Val<'static>>>) -> Val<'static> {
    Val::dynamic(&Dynamic::Array(values.map(|v| v.map_or(Dynamic::Null, Val::to_tree)).collect()))
}

/// The nodes, each with the number of its component, counted from 0 as they come.
pub(crate) fn components(spec: &Components, inputs: &[Input<'_>]) -> Rows {
    let graph = Graph::new(&spec.ends, inputs);
    let numbers = if spec.weak { weak(&graph) } else { strong(&graph) };
    let mut seen: HashMap<usize, i64> = HashMap::new();
    let rows = graph.nodes.into_iter().zip(numbers).map(|(mut node, component)| {
        let next = seen.len() as i64;
        node.push(Val::Long(*seen.entry(component).or_insert(next)));
        node
    });
    Rows { rows: rows.collect(), ordered: false }
}

fn weak(graph: &Graph) -> Vec<usize> {
    let mut component = vec![usize::MAX; graph.nodes.len()];
    for start in 0..graph.nodes.len() {
        let mut todo = vec![start];
        while let Some(node) = todo.pop() {
            if component[node] != usize::MAX {
                continue;
            }
            component[node] = start;
            todo.extend(graph.out[node].iter().map(|e| graph.ends[*e].1));
            todo.extend(graph.into[node].iter().map(|e| graph.ends[*e].0));
        }
    }
    component
}

/// Kosaraju's algorithm: the order in which nodes are left, then the way back.
fn strong(graph: &Graph) -> Vec<usize> {
    let count = graph.nodes.len();
    let (mut left, mut seen) = (Vec::with_capacity(count), vec![false; count]);
    for start in 0..count {
        let mut todo = vec![(start, 0)];
        while let Some((node, edge)) = todo.pop() {
            if edge == 0 && std::mem::replace(&mut seen[node], true) {
                continue;
            }
            match graph.out[node].get(edge) {
                Some(next) => {
                    todo.push((node, edge + 1));
                    let to = graph.ends[*next].1;
                    if !seen[to] {
                        todo.push((to, 0));
                    }
                }
                None => left.push(node),
            }
        }
    }
    let mut component = vec![usize::MAX; count];
    for start in left.into_iter().rev() {
        let mut todo = vec![start];
        while let Some(node) = todo.pop() {
            if component[node] == usize::MAX {
                component[node] = start;
                todo.extend(graph.into[node].iter().map(|e| graph.ends[*e].0));
            }
        }
    }
    component
}
