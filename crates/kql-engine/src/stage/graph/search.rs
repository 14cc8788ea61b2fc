//! `graph-match`: goes through a graph along patterns.

use std::cell::RefCell;
use std::collections::HashMap;

use kql_functions::{Dynamic, Val, families, interrupt};
use kql_semantics::bound::{Column, ColumnId, Cycles, Expr, ExprKind, Fold, GraphMatch, Mapped, NodeFacts, Step};

use super::{Graph, Row};
use crate::QueryError;
use crate::evaluate::Evaluator;

/// More matches than this are an error: patterns multiply.
pub(super) const MOST_MATCHES: usize = 10_000_000;
/// A path may be longer than the stack is deep.
const RED_ZONE: usize = 128 * 1024;
const STACK: usize = 2 * 1024 * 1024;

/// What a slot of a pattern stands for.
#[derive(Clone)]
pub(super) enum Found {
    Node(usize),
    /// Edges of a path, and the nodes between them.
    Path(Vec<usize>, Vec<usize>),
}

/// A part of the predicate that can be judged once some slots are known.
struct Condition<'s> {
    expr: &'s Expr,
    slots: Vec<usize>,
}

/// Where a column's value comes from.
#[derive(Clone, Copy)]
enum Place {
    Column(usize, usize),
    Fact(usize, usize),
    Mapped(usize),
}

pub(super) struct Search<'s> {
    pub(super) spec: &'s GraphMatch,
    pub(super) graph: &'s Graph,
    evaluator: Evaluator<'s>,
    steps: Vec<&'s Step>,
    /// Where a pattern begins among the steps.
    begins: Vec<bool>,
    pub(super) found: Vec<Option<Found>>,
    places: HashMap<ColumnId, Place>,
    conditions: Vec<Condition<'s>>,
    /// Of each slot: what every edge of a path must fulfil, or every node inside, whatever else is found.
    filters: Vec<Vec<usize>>,
    /// Answers of the filters, by mapped expression and element.
    answers: RefCell<HashMap<(usize, usize), bool>>,
    failure: RefCell<Option<QueryError>>,
    rows: Vec<Row>,
    /// Edges looked at.
    walked: u64,
    /// No match can fulfil the predicate.
    hopeless: bool,
}

impl<'s> Search<'s> {
    pub(super) fn new(
        spec: &'s GraphMatch,
        graph: &'s Graph,
        evaluator: Evaluator<'s>,
    ) -> Result<Search<'s>, QueryError> {
        let mut places = HashMap::new();
        for (at, slot) in spec.slots.iter().enumerate() {
            places.extend(slot.columns.iter().enumerate().map(|(i, c)| (c.id, Place::Column(at, i))));
            let facts = slot.facts.iter().flat_map(NodeFacts::all).enumerate();
            places.extend(facts.map(|(i, c)| (c.id, Place::Fact(at, i))));
        }
        places.extend(spec.mapped.iter().enumerate().map(|(i, m)| (m.output.id, Place::Mapped(i))));
        let mut search = Search {
            spec,
            graph,
            evaluator,
            steps: spec.patterns.iter().flatten().collect(),
            begins: spec.patterns.iter().flat_map(|p| (0..p.len()).map(|i| i == 0)).collect(),
            found: vec![None; spec.slots.len()],
            places,
            conditions: Vec::new(),
            filters: vec![Vec::new(); spec.slots.len()],
            answers: RefCell::default(),
            failure: RefCell::default(),
            rows: Vec::new(),
            walked: 0,
            hopeless: false,
        };
        let mut parts = Vec::new();
        conjuncts(spec.predicate.as_ref(), &mut parts);
        for expr in parts {
            let slots = search.slots_of(expr);
            if slots.is_empty() {
                search.hopeless |= !search.judge(expr)?;
                continue;
            }
            if let ExprKind::Column(id) = expr.kind
                && let Some(Place::Mapped(at)) = search.places.get(&id)
                && let Some(mapped) = spec.mapped.get(*at)
                && mapped.fold == Fold::All
                && search.slots_of(&mapped.expr).is_empty()
            {
                search.filters[mapped.slot].push(*at);
                continue;
            }
            search.conditions.push(Condition { expr, slots });
        }
        Ok(search)
    }

    pub(super) fn all(&mut self) -> Result<(), QueryError> {
        if self.hopeless { Ok(()) } else { self.step(0, None) }
    }

    pub(super) fn hopeless(&self) -> bool {
        self.hopeless
    }

    pub(super) fn into_rows(self) -> Vec<Row> {
        self.rows
    }

    /// Some condition looks at a path as a whole.
    pub(super) fn judges_paths(&self, slot: usize) -> bool {
        self.conditions.iter().any(|c| c.slots.contains(&slot))
    }

    /// The slots whose columns an expression names.
    fn slots_of(&self, expr: &Expr) -> Vec<usize> {
        let mut slots = Vec::new();
        expr.walk(&mut |e| {
            let ExprKind::Column(id) = e.kind else { return };
            match self.places.get(&id) {
                Some(Place::Column(slot, _) | Place::Fact(slot, _)) => slots.push(*slot),
                Some(Place::Mapped(at)) => {
                    if let Some(mapped) = self.spec.mapped.get(*at) {
                        slots.push(mapped.slot);
                        slots.extend(self.slots_of(&mapped.expr));
                    }
                }
                None => {}
            }
        });
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    /// Goes on with a step, at a node where a pattern has come to one.
    fn step(&mut self, at: usize, here: Option<usize>) -> Result<(), QueryError> {
        stacker::maybe_grow(RED_ZONE, STACK, || self.step_here(at, here))
    }

    fn step_here(&mut self, at: usize, here: Option<usize>) -> Result<(), QueryError> {
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
        if self.bind(slot, Found::Node(node))? {
            self.step(at + 1, Some(node))?;
        }
        self.found[slot] = None;
        Ok(())
    }

    /// Takes a slot as found; tells whether the conditions that can be judged now hold.
    pub(super) fn bind(&mut self, slot: usize, found: Found) -> Result<bool, QueryError> {
        self.found[slot] = Some(found);
        let known = |slots: &[usize]| slots.iter().all(|s| matches!(self.found.get(*s), Some(Some(_))));
        for condition in &self.conditions {
            if condition.slots.contains(&slot) && known(&condition.slots) && !self.judge(condition.expr)? {
                return Ok(false);
            }
        }
        Ok(true)
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
            if self.bind(slot, Found::Path(path.0.clone(), path.1.clone()))? {
                self.step(at + 1, Some(here))?;
            }
            self.found[slot] = None;
        }
        if path.0.len() >= hops.1 {
            return Ok(());
        }
        let inner = !path.0.is_empty();
        if inner && !self.passes(slot, here, true)? {
            return Ok(());
        }
        for (edge, next) in self.graph.ways(here, ways) {
            self.count_edge()?;
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
            if !self.passes(slot, edge, false)? {
                continue;
            }
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

    /// A query that is to end does so between two edges.
    pub(super) fn count_edge(&mut self) -> Result<(), QueryError> {
        self.walked += 1;
        if self.walked.is_multiple_of(1024) {
            interrupt::check()?;
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

    /// Whether an edge of a path, or a node inside, is one that all of the path must be.
    pub(super) fn passes(&self, slot: usize, element: usize, inner: bool) -> Result<bool, QueryError> {
        for at in &self.filters[slot] {
            let Some(mapped) = self.spec.mapped.get(*at).filter(|m| m.inner == inner) else { continue };
            let known = self.answers.borrow().get(&(*at, element)).copied();
            let answer = match known {
                Some(answer) => answer,
                None => {
                    let answer = matches!(self.element(mapped, element)?, Val::Bool(true));
                    self.answers.borrow_mut().insert((*at, element), answer);
                    answer
                }
            };
            if !answer {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn judge(&self, expr: &Expr) -> Result<bool, QueryError> {
        let held = self.evaluator.holds(expr, &|id| self.value(id))?;
        match self.failure.borrow_mut().take() {
            Some(failure) => Err(failure),
            None => Ok(held),
        }
    }

    /// The value of a column of what is found.
    fn value(&self, id: ColumnId) -> Option<Val<'static>> {
        match *self.places.get(&id)? {
            Place::Column(slot, at) => {
                let ty = self.spec.slots.get(slot)?.columns.get(at)?.ty;
                Some(match self.found.get(slot)? {
                    Some(Found::Node(node)) => self.graph.nodes.get(*node)?.get(at)?.clone(),
                    Some(Found::Path(edges, _)) if self.spec.slots.get(slot)?.path => {
                        array(edges.iter().map(|e| self.graph.edges.get(*e).and_then(|row| row.get(at)).cloned()))
                    }
                    Some(Found::Path(edges, _)) => self.graph.edges.get(*edges.first()?)?.get(at)?.clone(),
                    None => Val::missing(ty),
                })
            }
            Place::Fact(slot, at) => match self.found.get(slot)? {
                Some(Found::Node(node)) => self.graph.facts(*node).into_iter().nth(at),
                _ => None,
            },
            Place::Mapped(at) => Some(self.mapped(self.spec.mapped.get(at)?).unwrap_or_else(|failure| {
                self.failure.borrow_mut().get_or_insert(failure);
                Val::Null
            })),
        }
    }

    fn mapped(&self, mapped: &Mapped) -> Result<Val<'static>, QueryError> {
        let elements = match self.found.get(mapped.slot) {
            Some(Some(Found::Path(_, inner))) if mapped.inner => inner.as_slice(),
            Some(Some(Found::Path(edges, _))) => edges.as_slice(),
            Some(Some(Found::Node(node))) if !mapped.inner => std::slice::from_ref(node),
            _ => &[],
        };
        let values = elements.iter().map(|e| self.element(mapped, *e));
        Ok(match mapped.fold {
            Fold::List => array(values.map(|v| v.map(Some)).collect::<Result<Vec<_>, _>>()?.into_iter()),
            Fold::All | Fold::Any => {
                let until = mapped.fold == Fold::Any;
                let mut result = !until;
                for value in values {
                    if matches!(value?, Val::Bool(true)) == until {
                        result = until;
                        break;
                    }
                }
                Val::Bool(result)
            }
        })
    }

    /// The value of a mapped expression at an edge or node.
    fn element(&self, mapped: &Mapped, element: usize) -> Result<Val<'static>, QueryError> {
        let own = |id: ColumnId| -> Option<Val<'static>> {
            let at = |columns: &[Column]| columns.iter().position(|c| c.id == id);
            let rows = if mapped.facts.is_some() { &self.graph.nodes } else { &self.graph.edges };
            if let Some(at) = at(&mapped.element) {
                return rows.get(element)?.get(at).cloned();
            }
            let fact = mapped.facts.as_ref().and_then(|facts| facts.all().iter().position(|c| c.id == id));
            match fact {
                Some(at) => self.graph.facts(element).into_iter().nth(at),
                None => self.value(id),
            }
        };
        self.evaluator.value(&mapped.expr, &own)
    }

    pub(super) fn accept(&mut self) -> Result<(), QueryError> {
        if self.rows.len() >= MOST_MATCHES {
            let message = format!("graph patterns: more than {MOST_MATCHES} matches; make the pattern narrower");
            return Err(QueryError::Failed(message));
        }
        let columns = self.spec.slots.iter().flat_map(|slot| slot.all());
        let columns = columns.chain(self.spec.mapped.iter().map(|m| &m.output));
        let mut row: Row = columns.map(|c| self.value(c.id).unwrap_or(Val::missing(c.ty))).collect();
        if let Some((at, _)) = self.spec.ends.partition {
            row.push(self.part(at).unwrap_or(Val::Null));
        }
        if let Some(failure) = self.failure.borrow_mut().take() {
            return Err(failure);
        }
        self.rows.push(row);
        Ok(())
    }

    /// The part of the graph in which a match is.
    fn part(&self, at: usize) -> Option<Val<'static>> {
        let edge = self.found.iter().flatten().find_map(|f| match f {
            Found::Path(edges, _) => edges.first().copied(),
            Found::Node(node) => self.graph.ways(*node, (true, true)).next().map(|(edge, _)| edge),
        })?;
        self.graph.edges.get(edge)?.get(at).cloned()
    }
}

impl Graph {
    /// Edges from a node and where they lead: along them, against them.
    pub(super) fn ways(&self, node: usize, (forward, backward): (bool, bool)) -> impl Iterator<Item = (usize, usize)> {
        let along = self.out.get(node).into_iter().flatten().filter(move |_| forward).map(|e| (*e, self.ends[*e].1));
        let against = self.into.get(node).into_iter().flatten().filter(move |_| backward);
        along.chain(against.map(|e| (*e, self.ends[*e].0)))
    }

    /// Values of [`NodeFacts`], in their order.
    fn facts(&self, node: usize) -> Vec<Val<'static>> {
        let degree = |edges: &[Vec<usize>]| Val::Long(edges.get(node).map_or(0, Vec::len) as i64);
        let name = self.names.get(node).map_or(Val::Null, |name| families::cast(name, kql_functions::Type::String));
        vec![name, degree(&self.into), degree(&self.out)]
    }
}

fn conjuncts<'e>(expr: Option<&'e Expr>, parts: &mut Vec<&'e Expr>) {
    let Some(expr) = expr else { return };
    match &expr.kind {
        ExprKind::Call { function, args } if function == "and" => args.iter().for_each(|a| conjuncts(Some(a), parts)),
        _ => parts.push(expr),
    }
}

fn array(values: impl Iterator<Item = Option<Val<'static>>>) -> Val<'static> {
    Val::dynamic(&Dynamic::Array(values.map(|v| v.map_or(Dynamic::Null, |v| v.to_tree())).collect()))
}
