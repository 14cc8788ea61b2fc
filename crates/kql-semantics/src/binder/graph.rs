//! Graphs: edges and nodes as relations, patterns over them as a relation of all that they name.

use kql_functions::Type;
use kql_syntax::Span;
use kql_syntax::ast::{self, EdgeDirection, GraphElement, GraphNodes, GraphOutput, NamedExpr, Property};

use super::joins::property;
use super::scope::Entity;
use super::{Binder, Env, Object, project};
use crate::bound::{Column, Components, Cycles, Ends, Expr, ExprKind, GraphMatch, Rel, RelKind, Slot, Stage, Step};

/// Paths without an end are cut here.
const MOST_HOPS: usize = 64;

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
    pub(super) fn make_graph(
        &mut self,
        input: Rel,
        source: &ast::Name,
        target: &ast::Name,
        with: &GraphNodes,
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
        let ends = Ends { source: from.unwrap_or(0), target: to.unwrap_or(0), keys };
        let nodes = nodes.map(|rel| self.share(rel, false));
        let edges = self.share(input, false);
        self.graphs.push(Graph { edges, nodes, node_id, ends });
        self.graph_rel(self.graphs.len() - 1, span)
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

    #[allow(clippy::too_many_arguments)]
    pub(super) fn graph_match(
        &mut self,
        input: &Rel,
        patterns: &[Vec<GraphElement>],
        predicate: Option<&ast::Expr>,
        items: &[NamedExpr],
        properties: &[Property],
        env: &Env,
        span: Span,
    ) -> Rel {
        let Some(graph) = self.graph_of(input, span) else { return self.error_rel(span) };
        let cycles = match property(properties, "cycles") {
            None | Some(("unique_edges", _)) => Cycles::UniqueEdges,
            Some(("all", _)) => Cycles::All,
            Some(("none", _)) => Cycles::None,
            Some((word, at)) => {
                self.error("KS122", at, format!("'{word}' is no kind of cycles; they are: all, none, unique_edges."));
                Cycles::UniqueEdges
            }
        };
        let mut slots: Vec<Slot> = Vec::new();
        let mut names: Vec<(String, usize)> = Vec::new();
        let mut steps = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            let mut path = Vec::with_capacity(pattern.len());
            for element in pattern {
                path.push(self.graph_step(element, &graph, &mut slots, &mut names, env));
            }
            steps.push(path);
        }
        let open = |binder: &Self| {
            binder.shared[graph.edges].rel.open || graph.nodes.is_some_and(|n| binder.shared[n].rel.open)
        };
        let open = open(self);
        let outer = self.objects.len();
        let outer_slots = std::mem::take(&mut self.slots);
        for (name, slot) in &names {
            let columns = slots[*slot].columns.clone();
            self.objects.push(Object { name: name.clone(), columns });
            self.slots.push((name.clone(), slots[*slot].clone()));
        }
        let columns: Vec<Column> = slots.iter().flat_map(Slot::all).cloned().collect();
        let inputs = self.graph_inputs(&graph, span);
        let spec = GraphMatch { ends: graph.ends, patterns: steps, slots, cycles };
        let kind = RelKind::Staged { inputs, stage: Box::new(Stage::GraphMatch(spec)) };
        let mut rel = Rel { kind, columns, serialized: false, open, span };
        // The columns have names that no query can write: they are reached through the elements' names.
        for column in &mut rel.columns {
            column.name = format!("\u{0}{}", column.name);
        }
        if let Some(predicate) = predicate {
            let condition = self.scalar(predicate, super::Row::of(&rel), env);
            let condition = self.boolean(condition);
            rel = self.filter(rel, condition, span);
        }
        // Without a projection the result is a graph.
        let result = match &input.kind {
            RelKind::Graph(graph) if items.is_empty() => self.graph_rel(*graph, span),
            _ => self.projection(rel, items, env, span),
        };
        self.objects.truncate(outer);
        self.slots = outer_slots;
        result
    }

    fn graph_step(
        &mut self,
        element: &GraphElement,
        graph: &Graph,
        slots: &mut Vec<Slot>,
        names: &mut Vec<(String, usize)>,
        env: &Env,
    ) -> Step {
        let (name, is_path) = match element {
            GraphElement::Node(name) => (name, false),
            GraphElement::Edge { name, range, .. } => (name, range.is_some()),
        };
        let known = name.as_ref().and_then(|name| names.iter().find(|(n, _)| *n == name.text).map(|(_, slot)| *slot));
        let slot = match known {
            Some(slot) => slot,
            None => {
                let is_node = matches!(element, GraphElement::Node(_));
                let slot = self.graph_slot(graph, is_node, is_path);
                slots.push(slot);
                names.extend(name.as_ref().map(|name| (name.text.clone(), slots.len() - 1)));
                slots.len() - 1
            }
        };
        match element {
            GraphElement::Node(_) => Step::Node(slot),
            GraphElement::Edge { direction, range, .. } => {
                let hops = range.as_ref().map(|(least, most)| {
                    let mut bound = |end: &Option<ast::Expr>, default: usize| match end {
                        None => default,
                        Some(end) => self
                            .constant(end, env, "The length of a path")
                            .and_then(|v| usize::try_from(v.as_i64()?).ok())
                            .unwrap_or(default),
                    };
                    (bound(least, 1), bound(most, MOST_HOPS))
                });
                let (forward, backward) = match direction {
                    EdgeDirection::Forward => (true, false),
                    EdgeDirection::Backward => (false, true),
                    EdgeDirection::Any => (true, true),
                };
                Step::Edge { slot, forward, backward, hops }
            }
        }
    }

    fn graph_slot(&mut self, graph: &Graph, is_node: bool, is_path: bool) -> Slot {
        let of_nodes = self.node_columns(graph);
        let of_edges = named(&self.shared[graph.edges].rel.columns);
        let mut columns = |list: &[(String, Type)], arrays: bool| -> Vec<Column> {
            list.iter().map(|(n, ty)| self.column(n.clone(), if arrays { Type::Dynamic } else { *ty })).collect()
        };
        if is_node {
            let columns = columns(&of_nodes, false);
            let degrees = Some((self.column("in", Type::Long), self.column("out", Type::Long)));
            return Slot { columns, path: false, inner: Vec::new(), degrees };
        }
        let own = columns(&of_edges, is_path);
        let inner = if is_path { columns(&of_nodes, true) } else { Vec::new() };
        Slot { columns: own, path: is_path, inner, degrees: None }
    }

    /// Functions of graph patterns: `map(path, column)`, `node_degree_in(node)`….
    pub(super) fn graph_function(&mut self, name: &ast::Name, args: &[ast::Arg], span: Span) -> Option<Expr> {
        let element = |expr: &ast::Expr, binder: &Self| match &expr.kind {
            ast::ExprKind::Name(name) => {
                binder.slots.iter().rev().find(|(n, _)| *n == name.text).map(|(_, slot)| slot.clone())
            }
            _ => None,
        };
        if self.slots.is_empty() {
            return None;
        }
        match (name.text.as_str(), args) {
            ("node_degree_in", [node]) => Some(Expr::column(&element(&node.value, self)?.degrees?.0, span)),
            ("node_degree_out", [node]) => Some(Expr::column(&element(&node.value, self)?.degrees?.1, span)),
            ("map", [path, mapped]) => {
                let columns = match &path.value.kind {
                    ast::ExprKind::Call { name, args } if name.text == "inner_nodes" && args.len() == 1 => {
                        element(&args[0].value, self)?.inner
                    }
                    _ => element(&path.value, self)?.columns,
                };
                match &mapped.value.kind {
                    ast::ExprKind::Name(column) => {
                        let found = columns.iter().find(|c| c.name == column.text)?;
                        Some(Expr::column(found, span))
                    }
                    _ => Some(self.not_run_expr("map() of an expression", Type::Dynamic, span)),
                }
            }
            ("all" | "any", [_, _]) => {
                let what = format!("{}() over a path", name.text);
                Some(self.not_run_expr(&what, Type::Bool, span))
            }
            ("labels", [_]) => Some(self.not_run_expr("labels()", Type::Dynamic, span)),
            _ => None,
        }
    }

    /// An expression that can be checked, not run.
    fn not_run_expr(&mut self, what: &str, ty: Type, span: Span) -> Expr {
        if !self.options.checking {
            self.unsupported(span, what);
        }
        Expr { kind: ExprKind::Error, ty, span }
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

    /// `graph-shortest-paths`: as a match, whose columns it has; it cannot be run yet.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn graph_paths(
        &mut self,
        input: &Rel,
        patterns: &[Vec<GraphElement>],
        predicate: Option<&ast::Expr>,
        items: &[NamedExpr],
        env: &Env,
        span: Span,
    ) -> Rel {
        let rel = self.graph_match(input, patterns, predicate, items, &[], env, span);
        match rel.kind {
            RelKind::Error => rel,
            _ => Rel { kind: RelKind::NotRun("The operator 'graph-shortest-paths'"), ..rel },
        }
    }
}

fn named(columns: &[Column]) -> Vec<(String, Type)> {
    columns.iter().map(|c| (c.name.clone(), c.ty)).collect()
}
