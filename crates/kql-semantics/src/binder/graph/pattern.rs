//! Patterns of `graph-match` and `graph-shortest-paths`: what their elements are called, and the functions over them.

use std::borrow::Cow;

use kql_functions::{Type, Val};
use kql_syntax::Span;
use kql_syntax::ast::{self, EdgeDirection, GraphElement, NamedExpr, Property};

use super::super::joins::property;
use super::super::{Binder, Env, Object, Row};
use super::{Graph, named};
use crate::bound::{
    Column, Cycles, Expr, ExprKind, Fold, GraphMatch, Mapped, NodeFacts, Rel, RelKind, Shortest, Slot, Stage, Step,
};

/// Paths without an end are cut here.
const MOST_HOPS: usize = 64;

/// The pattern whose condition and projection are being bound.
pub(in crate::binder) struct Pattern {
    /// Columns of the graph's nodes and edges.
    nodes: Vec<(String, Type)>,
    edges: Vec<(String, Type)>,
    slots: Vec<Slot>,
    /// Which slot an element's name stands for.
    names: Vec<(String, usize)>,
    mapped: Vec<Mapped>,
    /// Within `map(inner_nodes(…), …)`: the node that functions without an argument mean.
    element: Option<NodeFacts>,
}

impl Pattern {
    fn slot(&self, name: &str) -> Option<usize> {
        self.names.iter().find(|(n, _)| n == name).map(|(_, slot)| *slot)
    }
}

impl Binder<'_> {
    #[allow(clippy::too_many_arguments)]
    pub(in crate::binder) fn graph_match(
        &mut self,
        input: &Rel,
        patterns: &[Vec<GraphElement>],
        predicate: Option<&ast::Expr>,
        items: &[NamedExpr],
        properties: &[Property],
        env: &Env,
        span: Span,
    ) -> Rel {
        let cycles = match property(properties, "cycles") {
            None | Some(("unique_edges", _)) => Cycles::UniqueEdges,
            Some(("all", _)) => Cycles::All,
            Some(("none", _)) => Cycles::None,
            Some((word, at)) => {
                self.error("KS122", at, format!("'{word}' is no kind of cycles; they are: all, none, unique_edges."));
                Cycles::UniqueEdges
            }
        };
        self.graph_pattern(input, patterns, predicate, items, (cycles, None), env, span)
    }

    #[allow(clippy::too_many_arguments)]
    pub(in crate::binder) fn graph_paths(
        &mut self,
        input: &Rel,
        patterns: &[Vec<GraphElement>],
        predicate: Option<&ast::Expr>,
        items: &[NamedExpr],
        properties: &[Property],
        env: &Env,
        span: Span,
    ) -> Rel {
        let shortest = match property(properties, "output") {
            None | Some(("any", _)) => Shortest::Any,
            Some(("all", _)) => Shortest::All,
            Some((word, at)) => {
                self.error("KS122", at, format!("'{word}' is no output of graph-shortest-paths; they are: any, all."));
                Shortest::Any
            }
        };
        let one_path = matches!(
            patterns,
            [pattern] if matches!(
                pattern.as_slice(),
                [GraphElement::Node(_), GraphElement::Edge { range: Some(_), .. }, GraphElement::Node(_)]
            )
        );
        if !one_path && !self.options.checking {
            self.unsupported(span, "graph-shortest-paths of more than one path of variable length");
        }
        self.graph_pattern(input, patterns, predicate, items, (Cycles::UniqueEdges, Some(shortest)), env, span)
    }

    #[allow(clippy::too_many_arguments)]
    fn graph_pattern(
        &mut self,
        input: &Rel,
        patterns: &[Vec<GraphElement>],
        predicate: Option<&ast::Expr>,
        items: &[NamedExpr],
        (cycles, shortest): (Cycles, Option<Shortest>),
        env: &Env,
        span: Span,
    ) -> Rel {
        let Some(graph) = self.graph_of(input, span) else { return self.error_rel(span) };
        let edges = named(&self.shared[graph.edges].rel.columns);
        let nodes = self.node_columns(&graph);
        let mut pattern =
            Pattern { nodes, edges, slots: Vec::new(), names: Vec::new(), mapped: Vec::new(), element: None };
        let mut steps = Vec::with_capacity(patterns.len());
        for elements in patterns {
            steps.push(elements.iter().map(|e| self.graph_step(e, &mut pattern, env)).collect());
        }
        let open = self.shared[graph.edges].rel.open || graph.nodes.is_some_and(|n| self.shared[n].rel.open);
        let outer = self.objects.len();
        for (name, slot) in &pattern.names {
            self.objects.push(Object { name: name.clone(), columns: pattern.slots[*slot].columns.clone() });
        }
        // The columns have names that no query can write: they are reached through the elements' names.
        let hidden = |c: &Column| Column { name: format!("\u{0}{}", c.name), ..c.clone() };
        let columns: Vec<Column> = pattern.slots.iter().flat_map(Slot::all).map(hidden).collect();
        let inputs = self.graph_inputs(&graph, span);
        self.patterns.push(pattern);

        let shown = Row { columns: &columns, right: None, serialized: false, open };
        let predicate = predicate.map(|predicate| {
            let condition = self.scalar(predicate, shown, env);
            self.boolean(condition)
        });
        let matches = Rel { kind: RelKind::Error, columns: columns.clone(), serialized: false, open, span };
        let mut result = self.projection(matches, items, env, span);

        self.objects.truncate(outer);
        let Some(pattern) = self.patterns.pop() else { return self.error_rel(span) };
        // Without a projection the result is a graph.
        if let (RelKind::Graph(graph), true) = (&input.kind, items.is_empty()) {
            return self.graph_rel(*graph, span);
        }
        let partition = self.partition_column(&graph);
        let mut all = columns;
        all.extend(pattern.mapped.iter().map(|m| hidden(&m.output)));
        all.extend(partition.clone());
        let Pattern { slots, mapped, .. } = pattern;
        let spec =
            GraphMatch { ends: graph.ends, patterns: steps, slots, mapped, predicate, cycles, shortest, partition };
        let kind = RelKind::Staged { inputs, stage: Box::new(Stage::GraphMatch(spec)) };
        if let RelKind::Project { input, .. } = &mut result.kind {
            **input = Rel { kind, columns: all, serialized: false, open, span };
        }
        result
    }

    fn partition_column(&mut self, graph: &Graph) -> Option<Column> {
        let (at, _) = graph.ends.partition?;
        let ty = self.shared[graph.edges].rel.columns.get(at)?.ty;
        Some(self.column("\u{0}partition", ty))
    }

    fn graph_step(&mut self, element: &GraphElement, pattern: &mut Pattern, env: &Env) -> Step {
        let name = match element {
            GraphElement::Node(name) | GraphElement::Edge { name, .. } => name,
        };
        let slot = name.as_ref().and_then(|name| pattern.slot(&name.text)).unwrap_or_else(|| {
            let slot = self.graph_slot(element, pattern);
            pattern.slots.push(slot);
            pattern.names.extend(name.as_ref().map(|name| (name.text.clone(), pattern.slots.len() - 1)));
            pattern.slots.len() - 1
        });
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

    fn graph_slot(&mut self, element: &GraphElement, pattern: &Pattern) -> Slot {
        match element {
            GraphElement::Node(_) => {
                let columns = self.element_columns(&pattern.nodes, false);
                Slot { columns, path: false, facts: Some(self.node_facts()) }
            }
            GraphElement::Edge { range, .. } => {
                let path = range.is_some();
                Slot { columns: self.element_columns(&pattern.edges, path), path, facts: None }
            }
        }
    }

    fn element_columns(&mut self, columns: &[(String, Type)], arrays: bool) -> Vec<Column> {
        columns.iter().map(|(n, ty)| self.column(n.clone(), if arrays { Type::Dynamic } else { *ty })).collect()
    }

    fn node_facts(&mut self) -> NodeFacts {
        NodeFacts {
            id: self.column("node_id", Type::String),
            degree_in: self.column("node_degree_in", Type::Long),
            degree_out: self.column("node_degree_out", Type::Long),
        }
    }

    /// Functions of graph patterns: `map(path, expression)`, `node_degree_in(node)`….
    pub(in crate::binder) fn graph_function(
        &mut self,
        name: &ast::Name,
        args: &[ast::Arg],
        env: &Env,
        span: Span,
    ) -> Option<Expr> {
        let pattern = self.patterns.last()?;
        match (name.text.as_str(), args) {
            ("node_id" | "node_degree_in" | "node_degree_out", []) => Some(fact(name, pattern.element.as_ref()?, span)),
            ("node_id" | "node_degree_in" | "node_degree_out", [node]) => {
                let slot = pattern.slots.get(pattern.slot(plain_name(&node.value)?)?)?;
                Some(fact(name, slot.facts.as_ref()?, span))
            }
            ("map", [path, value]) => self.mapped(&path.value, Fold::List, &value.value, env, span),
            ("all", [path, value]) => self.mapped(&path.value, Fold::All, &value.value, env, span),
            ("any", [path, value]) => self.mapped(&path.value, Fold::Any, &value.value, env, span),
            ("inner_nodes", [path]) => {
                let slot = pattern.slot(plain_name(&path.value)?)?;
                Some(self.elements(slot, true, span))
            }
            ("labels", [] | [_]) => {
                if !self.options.checking {
                    self.unsupported(span, "labels(), which only a graph model has,");
                }
                Some(Expr { kind: ExprKind::Error, ty: Type::Dynamic, span })
            }
            _ => None,
        }
    }

    /// An element's name as a value: a bag of its columns, of a path an array of them.
    pub(in crate::binder) fn graph_element(&mut self, name: &ast::Name) -> Option<Expr> {
        let pattern = self.patterns.last()?;
        let at = pattern.slot(&name.text)?;
        let slot = pattern.slots.get(at)?;
        if slot.path {
            return Some(self.elements(at, false, name.span));
        }
        let columns = slot.columns.clone();
        Some(self.bag_of(&columns, name.span))
    }

    fn bag_of(&mut self, columns: &[Column], span: Span) -> Expr {
        let pair = |c: &Column| {
            let key = Expr::constant(Val::Str(Cow::Owned(c.name.clone())), Type::String, span);
            [key, Expr::column(c, span)]
        };
        let pairs = columns.iter().flat_map(pair).collect();
        self.call("bag_pack", pairs, Type::Dynamic, span)
    }

    /// The edges of a path, or the nodes inside it, as an array of bags.
    fn elements(&mut self, slot: usize, inner: bool, span: Span) -> Expr {
        let (element, facts) = self.element_of(inner);
        let expr = self.bag_of(&element, span);
        self.add_mapped(slot, inner, element, facts, expr, Fold::List, span)
    }

    fn mapped(&mut self, path: &ast::Expr, fold: Fold, value: &ast::Expr, env: &Env, span: Span) -> Option<Expr> {
        let (name, inner) = match &path.kind {
            ast::ExprKind::Call { name, args } if name.text == "inner_nodes" && args.len() == 1 => {
                (plain_name(&args.first()?.value)?, true)
            }
            _ => (plain_name(path)?, false),
        };
        let slot = self.patterns.last()?.slot(name)?;
        let (element, facts) = self.element_of(inner);
        let outer = self.set_element(facts.clone());
        let row = Row { columns: &element, right: None, serialized: false, open: false };
        let mut expr = self.scalar(value, row, env);
        self.set_element(outer);
        if fold != Fold::List {
            expr = self.boolean(expr);
        }
        Some(self.add_mapped(slot, inner, element, facts, expr, fold, span))
    }

    fn set_element(&mut self, facts: Option<NodeFacts>) -> Option<NodeFacts> {
        self.patterns.last_mut().and_then(|p| std::mem::replace(&mut p.element, facts))
    }

    /// Columns of one edge, or of one node.
    fn element_of(&mut self, node: bool) -> (Vec<Column>, Option<NodeFacts>) {
        let list = match self.patterns.last() {
            Some(pattern) if node => pattern.nodes.clone(),
            Some(pattern) => pattern.edges.clone(),
            None => Vec::new(),
        };
        (self.element_columns(&list, false), node.then(|| self.node_facts()))
    }

    #[allow(clippy::too_many_arguments)]
    fn add_mapped(
        &mut self,
        slot: usize,
        inner: bool,
        element: Vec<Column>,
        facts: Option<NodeFacts>,
        expr: Expr,
        fold: Fold,
        span: Span,
    ) -> Expr {
        let ty = if fold == Fold::List { Type::Dynamic } else { Type::Bool };
        if matches!(expr.kind, ExprKind::Error) {
            return Expr { kind: ExprKind::Error, ty, span };
        }
        let output = self.column("mapped", ty);
        let value = Expr::column(&output, span);
        if let Some(pattern) = self.patterns.last_mut() {
            pattern.mapped.push(Mapped { output, slot, inner, element, facts, expr, fold });
        }
        value
    }
}

fn fact(name: &ast::Name, facts: &NodeFacts, span: Span) -> Expr {
    let column = match name.text.as_str() {
        "node_degree_in" => &facts.degree_in,
        "node_degree_out" => &facts.degree_out,
        _ => &facts.id,
    };
    Expr::column(column, span)
}

fn plain_name(expr: &ast::Expr) -> Option<&str> {
    match &expr.kind {
        ast::ExprKind::Name(name) => Some(&name.text),
        _ => None,
    }
}
