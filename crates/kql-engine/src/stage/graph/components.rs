//! `graph-mark-components`: which nodes can be reached from one another.

use std::collections::HashMap;

use kql_functions::Val;
use kql_semantics::bound::Components;

use super::super::{Input, Rows};
use super::Graph;

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
