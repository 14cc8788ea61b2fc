//! Graphs in memory: nodes by their names, edges by their ends.

mod components;
mod search;
mod shortest;

use std::collections::HashMap;

use kql_functions::Val;
use kql_semantics::bound::{Ends, GraphMatch};

use super::{Input, Rows};
use crate::QueryError;
use crate::evaluate::{Evaluator, group_key};

pub(crate) use components::components;

type Row = Vec<Val<'static>>;

struct Graph {
    edges: Vec<Row>,
    nodes: Vec<Row>,
    /// The name of each node.
    names: Vec<Val<'static>>,
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
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut names: Vec<Val<'static>> = Vec::with_capacity(nodes.len());
        let keys: &[usize] = if ends.keys.is_empty() { &[0] } else { &ends.keys };
        // Nodes of one name in two parts of a graph are two nodes.
        let place_of = |part: Option<&Val<'static>>, name: &Val<'static>| match part {
            Some(part) => group_key(&[part.clone(), name.clone()]),
            None => group_key(std::slice::from_ref(name)),
        };
        let (edge_part, node_part) = ends.partition.map_or((None, None), |(edge, node)| (Some(edge), node));
        for (at, node) in nodes.iter().enumerate() {
            // Of several tables of nodes each fills a key of its own.
            let filled = |v: &&Val<'static>| !v.is_null() && v.as_str() != Some("");
            let key = keys.iter().filter_map(|k| node.get(*k)).find(filled).or_else(|| node.get(keys[0]));
            let name = key.cloned().unwrap_or(Val::Null);
            places.entry(place_of(node_part.and_then(|p| node.get(p)), &name)).or_insert(at);
            names.push(name);
        }
        let mut place = |part: Option<&Val<'static>>, value: Option<&Val<'static>>| -> usize {
            let value = value.cloned().unwrap_or(Val::Null);
            *places.entry(place_of(part, &value)).or_insert_with(|| {
                // A node that only edges know has its name alone.
                let mut node: Row =
                    (0..width).map(|i| types.get(i).map_or(Val::Null, |ty| Val::missing(*ty))).collect();
                if let Some(slot) = node.get_mut(keys[0]) {
                    *slot = value.clone();
                }
                nodes.push(node);
                names.push(value);
                nodes.len() - 1
            })
        };
        let mut joined: Vec<(usize, usize)> = Vec::with_capacity(edges.len());
        for edge in &edges {
            let part = edge_part.and_then(|p| edge.get(p));
            joined.push((place(part, edge.get(ends.source)), place(part, edge.get(ends.target))));
        }
        let mut out = vec![Vec::new(); nodes.len()];
        let mut into = vec![Vec::new(); nodes.len()];
        for (edge, (from, to)) in joined.iter().enumerate() {
            out[*from].push(edge);
            into[*to].push(edge);
        }
        Graph { edges, nodes, names, ends: joined, out, into }
    }
}

/// All matches of the patterns: a row of the columns of slots, mapped expressions and the partition each.
pub(crate) fn graph_match(
    spec: &GraphMatch,
    inputs: &[Input<'_>],
    evaluator: Evaluator<'_>,
) -> Result<Rows, QueryError> {
    let graph = Graph::new(&spec.ends, inputs);
    let mut search = search::Search::new(spec, &graph, evaluator)?;
    match spec.shortest {
        Some(shortest) => search.shortest(shortest)?,
        None => search.all()?,
    }
    Ok(Rows { rows: search.into_rows(), ordered: false })
}
