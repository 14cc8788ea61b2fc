//! `graph-shortest-paths`: from each node level by level, until nothing new is reached.

use std::collections::HashMap;

use kql_semantics::bound::{Shortest, Step};

use super::search::{Found, MOST_MATCHES, Search};
use crate::QueryError;

/// A path on the way: its edges, the nodes inside, and where it has come to.
struct Way {
    edges: Vec<usize>,
    inner: Vec<usize>,
    here: usize,
}

impl Search<'_> {
    /// All matches of a pattern of two nodes and a path between them.
    pub(super) fn shortest(&mut self, output: Shortest) -> Result<(), QueryError> {
        let spec = self.spec;
        let [pattern] = spec.patterns.as_slice() else { return Ok(()) };
        let [Step::Node(from), Step::Edge { slot, forward, backward, hops }, Step::Node(to)] = pattern.as_slice()
        else {
            return Ok(());
        };
        if self.hopeless() {
            return Ok(());
        }
        let (hops, ways) = (hops.unwrap_or((1, 1)), (*forward, *backward));
        for start in 0..self.graph.nodes.len() {
            if self.bind(*from, Found::Node(start))? {
                self.paths_from(output, start, (*from, *slot, *to), ways, hops)?;
            }
            self.found[*from] = None;
        }
        Ok(())
    }

    fn paths_from(
        &mut self,
        output: Shortest,
        start: usize,
        (from, slot, to): (usize, usize, usize),
        ways: (bool, bool),
        (least, most): (usize, usize),
    ) -> Result<(), QueryError> {
        // The shortest way to a node goes over shortest ways, unless paths are judged as a whole.
        let prunes = least <= 1 && !self.judges_paths(slot);
        let mut reached: HashMap<usize, usize> = HashMap::from([(start, 0)]);
        let mut settled: HashMap<usize, usize> = HashMap::new();
        let mut frontier = vec![Way { edges: Vec::new(), inner: Vec::new(), here: start }];
        for level in 0..=most {
            for way in frontier.iter().filter(|_| level >= least) {
                let taken = settled.get(&way.here).is_some_and(|l| *l < level || output == Shortest::Any);
                if !taken && self.ends_at(way, start, (from, slot, to))? {
                    settled.insert(way.here, level);
                }
            }
            if level == most {
                break;
            }
            let mut next = Vec::new();
            for way in &frontier {
                let back = way.here == start && level > 0;
                if back || (level > 0 && !self.passes(slot, way.here, true)?) {
                    continue;
                }
                for (edge, node) in self.graph.ways(way.here, ways) {
                    self.count_edge()?;
                    let returns = node == start && from != to;
                    if returns || way.inner.contains(&node) || way.edges.contains(&edge) || node == way.here {
                        continue;
                    }
                    if !self.passes(slot, edge, false)? {
                        continue;
                    }
                    if prunes && node != start {
                        match reached.get(&node) {
                            Some(l) if *l <= level || output == Shortest::Any => continue,
                            _ => reached.insert(node, level + 1),
                        };
                    }
                    let mut edges = way.edges.clone();
                    edges.push(edge);
                    let mut inner = way.inner.clone();
                    if level > 0 {
                        inner.push(way.here);
                    }
                    next.push(Way { edges, inner, here: node });
                }
                if next.len() > MOST_MATCHES {
                    let message = format!(
                        "graph-shortest-paths: more than {MOST_MATCHES} paths at once; make the pattern narrower"
                    );
                    return Err(QueryError::Failed(message));
                }
            }
            if next.is_empty() {
                break;
            }
            frontier = next;
        }
        Ok(())
    }

    /// Takes a path as a match, if what it ends at and the path itself are as they must be.
    fn ends_at(
        &mut self,
        way: &Way,
        start: usize,
        (from, slot, to): (usize, usize, usize),
    ) -> Result<bool, QueryError> {
        if from == to && way.here != start {
            return Ok(false);
        }
        let mut held = self.bind(slot, Found::Path(way.edges.clone(), way.inner.clone()))?;
        if held && from != to {
            held = self.bind(to, Found::Node(way.here))?;
        }
        if held {
            self.accept()?;
        }
        self.found[slot] = None;
        if from != to {
            self.found[to] = None;
        }
        Ok(held)
    }
}
