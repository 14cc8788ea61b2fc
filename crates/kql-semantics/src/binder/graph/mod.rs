//! Graphs: edges and nodes as relations, patterns over them as a relation of all that they name.

mod pattern;

use kql_functions::Type;
use kql_syntax::Span;
use kql_syntax::ast::{self, GraphNodes, GraphOutput, Property};

pub(super) use pattern::Pattern;

use super::carry::Along;
use super::joins::property;
use super::scope::Entity;
use super::{Binder, Env, project};
use crate::bound::{Column, Components, Ends, Expr, Rel, RelKind, Stage};

/// A graph that `make-graph` made.
#[derive(Clone)]
pub(super) struct Graph {
    /// Shared rows of the edges.
    edges: usize,
    /// Shared rows of the nodes, where there are any.
    nodes: Option<usize>,
    /// The column of the nodes' names, where no table has them.
    node_id: Option<String>,
    ends: Ends,
}

impl Binder<'_> {
    #[allow(clippy::too_many_arguments)]
    pub(super) fn make_graph(
        &mut self,
        input: Rel,
        source: &ast::Name,
        target: &ast::Name,
        with: &GraphNodes,
        partitioned_by: Option<&(ast::Name, ast::Expr)>,
        env: &Env,
        span: Span,
    ) -> Rel {
        let (from, to) = (self.graph_column(&input, source), self.graph_column(&input, target));
        let (mut nodes, mut keys, mut node_id) = (Vec::new(), Vec::new(), None);
        match with {
            GraphNodes::None => {}
            GraphNodes::NodeId(name) => node_id = Some(name.text.clone()),
            GraphNodes::Tables(tables) => {
                for (table, key) in tables {
                    let rel = self.tabular(table, env);
                    self.graph_column(&rel, key);
                    keys.push(key.text.clone());
                    nodes.push((key.text.clone(), rel));
                }
            }
        }
        if nodes.iter().any(|(_, rel)| matches!(rel.kind, RelKind::Error)) || matches!(input.kind, RelKind::Error) {
            return self.error_rel(span);
        }
        let nodes = match nodes.len() {
            0 => None,
            1 => nodes.pop().map(|(_, rel)| rel),
            _ => Some(self.merge(nodes, false, None, span)),
        };
        let positions = |rel: &Rel| -> Vec<usize> {
            keys.iter().filter_map(|key| rel.columns.iter().position(|c| c.name == *key)).collect()
        };
        let keys = nodes.as_ref().map(&positions).unwrap_or_default();
        let partition = partitioned_by.and_then(|(column, _)| {
            let of_nodes = nodes.as_ref().and_then(|nodes| self.graph_column(nodes, column));
            Some((self.graph_column(&input, column)?, of_nodes))
        });
        let ends = Ends { source: from.unwrap_or(0), target: to.unwrap_or(0), keys, partition };
        let nodes = nodes.map(|rel| self.share(rel, false));
        let edges = self.share(input, false);
        self.graphs.push(Graph { edges, nodes, node_id, ends });
        let graph = self.graph_rel(self.graphs.len() - 1, span);
        match partitioned_by {
            None => graph,
            Some((_, body)) => self.partitioned_graph(graph, body, env, span),
        }
    }

    /// The operators behind `partitioned-by`, over each of the graphs that the column's values are.
    fn partitioned_graph(&mut self, graph: Rel, body: &ast::Expr, env: &Env, span: Span) -> Rel {
        let ast::ExprKind::Pipeline { operators, .. } = &body.kind else { return self.error_rel(span) };
        let leaf = self.share(self.error_rel(span), false);
        let result = self.pipeline(graph, operators, env);
        if matches!(result.kind, RelKind::Error) {
            return self.error_rel(span);
        }
        let (own, open) = (result.columns.clone(), result.open);
        let none = self.error_rel(span);
        let Some((rel, _)) = self.carried(leaf, none, Along::default(), result, span) else {
            return self.error_rel(span);
        };
        let exprs = own.iter().map(|c| Expr::column(c, span)).collect();
        let columns = own.iter().map(|c| self.column(c.name.clone(), c.ty)).collect();
        let mut rel = project(rel, columns, exprs, span);
        rel.open = open;
        rel.serialized = false;
        rel
    }

    fn graph_rel(&self, graph: usize, span: Span) -> Rel {
        Rel { kind: RelKind::Graph(graph), columns: Vec::new(), serialized: false, open: false, span }
    }

    /// The column of a node's name, which has an order.
    fn graph_column(&mut self, rel: &Rel, name: &ast::Name) -> Option<usize> {
        let at = self.find_column(rel, name)?;
        if rel.columns[at].ty == Type::Dynamic {
            let message = "source, target and node id columns can't be of type dynamic, consider using explicit cast";
            self.error("KS240", name.span, message);
        }
        Some(at)
    }

    /// The graph that an operator works on; an error where its input is none.
    fn graph_of(&mut self, rel: &Rel, span: Span) -> Option<Graph> {
        let mut kind = &rel.kind;
        while let RelKind::Shared(index) = kind {
            kind = &self.shared.get(*index)?.rel.kind;
        }
        match kind {
            RelKind::Graph(graph) => self.graphs.get(*graph).cloned(),
            RelKind::Error => None,
            _ => {
                self.error("KS241", span, "The operator takes a graph: make one with make-graph first.");
                None
            }
        }
    }

    /// The columns of a graph's nodes.
    fn node_columns(&self, graph: &Graph) -> Vec<(String, Type)> {
        match (graph.nodes, &graph.node_id) {
            (Some(nodes), _) => named(&self.shared[nodes].rel.columns),
            (None, Some(name)) => {
                let edges = &self.shared[graph.edges].rel.columns;
                let ty = edges.get(graph.ends.source).map_or(Type::String, |c| c.ty);
                vec![(name.clone(), ty)]
            }
            (None, None) => Vec::new(),
        }
    }

    /// Edges and nodes as the inputs of a stage.
    fn graph_inputs(&mut self, graph: &Graph, span: Span) -> Vec<Rel> {
        let mut inputs = vec![self.read_shared(graph.edges, span)];
        inputs.extend(graph.nodes.map(|nodes| self.read_shared(nodes, span)));
        inputs
    }

    pub(super) fn graph_to_table(&mut self, input: &Rel, outputs: &[GraphOutput], span: Span) -> Rel {
        let Some(graph) = self.graph_of(input, span) else { return self.error_rel(span) };
        let mut tables = Vec::with_capacity(outputs.len());
        for output in outputs {
            let nodes = output.what.text == "nodes";
            let mut rel = if nodes { self.graph_nodes(&graph, span) } else { self.read_shared(graph.edges, span) };
            let columns = rel.columns.clone();
            let key = |at: Option<usize>| at.and_then(|at| columns.get(at).cloned());
            let ids: Vec<(&str, Option<Column>)> = if nodes {
                let at = if graph.nodes.is_some() { graph.ends.keys.first().copied() } else { Some(0) };
                vec![("with_node_id", key(at))]
            } else {
                let ends = &graph.ends;
                vec![("with_source_id", key(Some(ends.source))), ("with_target_id", key(Some(ends.target)))]
            };
            let mut added: Vec<(Column, Expr)> = Vec::new();
            for (option, key) in ids {
                let Some((name, _)) = property(&output.properties, option) else { continue };
                let column = self.column(name, Type::Long);
                let value = match key {
                    Some(key) => self.call("hash", vec![Expr::column(&key, span)], Type::Long, span),
                    None => self.error_expr(span),
                };
                added.push((column, value));
            }
            if !added.is_empty() {
                let exprs = added.iter().map(|(_, e)| e.clone()).chain(columns.iter().map(|c| Expr::column(c, span)));
                let exprs = exprs.collect();
                let shown = added.into_iter().map(|(c, _)| c).chain(columns.iter().cloned()).collect();
                rel = project(rel, shown, exprs, span);
            }
            if let Some(name) = &output.as_name {
                let index = self.share(rel, false);
                self.named_results.push((name.text.clone(), Entity::Tabular(index)));
                rel = self.read_shared(index, span);
            }
            tables.push(rel);
        }
        self.tables(tables, span)
    }

    /// The nodes as rows: those of the tables; without tables the names in the edges, each once.
    fn graph_nodes(&mut self, graph: &Graph, span: Span) -> Rel {
        if let Some(nodes) = graph.nodes {
            return self.read_shared(nodes, span);
        }
        let columns: Vec<Column> =
            self.node_columns(graph).into_iter().map(|(name, ty)| self.column(name, ty)).collect();
        let stage = Stage::Components(Components { ends: graph.ends.clone(), weak: true });
        let inputs = self.graph_inputs(graph, span);
        let number = self.column("", Type::Long);
        let all: Vec<Column> = columns.iter().cloned().chain([number]).collect();
        let kind = RelKind::Staged { inputs, stage: Box::new(stage) };
        let rel = Rel { kind, columns: all, serialized: false, open: false, span };
        let exprs = columns.iter().map(|c| Expr::column(c, span)).collect();
        project(rel, columns, exprs, span)
    }

    pub(super) fn graph_components(&mut self, input: &Rel, properties: &[Property], span: Span) -> Rel {
        let Some(mut graph) = self.graph_of(input, span) else { return self.error_rel(span) };
        let weak = property(properties, "kind").is_none_or(|(kind, _)| kind != "strong");
        let name = property(properties, "with_component_id").map_or("ComponentId", |(name, _)| name).to_string();
        let mut columns: Vec<Column> =
            self.node_columns(&graph).into_iter().map(|(name, ty)| self.column(name, ty)).collect();
        columns.push(self.column(name, Type::Long));
        let inputs = self.graph_inputs(&graph, span);
        let stage = Stage::Components(Components { ends: graph.ends.clone(), weak });
        let kind = RelKind::Staged { inputs, stage: Box::new(stage) };
        let marked = Rel { kind, columns, serialized: false, open: false, span };
        if graph.nodes.is_none() {
            graph.ends.keys = vec![0];
        }
        graph.nodes = Some(self.share(marked, false));
        self.graphs.push(graph);
        self.graph_rel(self.graphs.len() - 1, span)
    }
}

fn named(columns: &[Column]) -> Vec<(String, Type)> {
    columns.iter().map(|c| (c.name.clone(), c.ty)).collect()
}
