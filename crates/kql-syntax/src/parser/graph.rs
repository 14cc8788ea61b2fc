//! Graph operators.

use super::Parser;
use crate::Span;
use crate::ast::{EdgeDirection, Expr, ExprKind, GraphElement, GraphNodes, GraphOutput, Name, OperatorKind};
use crate::lexer::TokenKind;

type HopRange = Option<(Option<Expr>, Option<Expr>)>;

impl Parser<'_> {
    pub(super) fn make_graph(&mut self) -> OperatorKind {
        let source = self.declared_name();
        let arrow = [TokenKind::Minus, TokenKind::Minus, TokenKind::Greater];
        if (0..3).all(|i| self.kind_at(i) == arrow[i]) && self.joined(1) && self.joined(2) {
            for _ in 0..3 {
                self.bump();
            }
        } else {
            self.expected("-->");
        }
        let target = self.declared_name();
        let mut with = GraphNodes::None;
        if self.at_word("with_node_id") {
            self.bump();
            self.expect(TokenKind::Assign, "=");
            with = GraphNodes::NodeId(self.declared_name());
        } else if self.eat_word("with") {
            with = GraphNodes::Tables(self.comma_list(|p| {
                let table = p.table_expr();
                p.expect_word("on");
                (table, p.declared_name())
            }));
        }
        let mut partitioned_by = None;
        if self.glued_word(0) == "partitioned-by" {
            self.bump_glued("partitioned-by");
            let column = self.declared_name();
            let start = self.start();
            let source = Box::new(Expr { kind: ExprKind::Error, span: Span { start: start.start, end: start.start } });
            let operators = self.operators_in_parens();
            let body = Expr { kind: ExprKind::Pipeline { source, operators }, span: self.since(start) };
            partitioned_by = Some(Box::new((column, body)));
        }
        OperatorKind::MakeGraph { source, target, with, partitioned_by }
    }

    pub(super) fn graph_match(&mut self, plain: bool) -> OperatorKind {
        let patterns = self.comma_list(Self::graph_pattern);
        let r#where = self.eat_word("where").then(|| self.expr());
        let project = if self.eat_word("project") { self.named_list() } else { Vec::new() };
        if plain {
            OperatorKind::GraphMatch { patterns, r#where, project }
        } else {
            OperatorKind::GraphShortestPaths { patterns, r#where, project }
        }
    }

    fn graph_pattern(&mut self) -> Vec<GraphElement> {
        let mut elements = Vec::new();
        loop {
            match self.kind() {
                TokenKind::LParen => {
                    self.bump();
                    let name = self.element_name();
                    self.expect_close(TokenKind::RParen, ")");
                    elements.push(GraphElement::Node(name));
                }
                TokenKind::Less | TokenKind::Minus => elements.push(self.graph_edge()),
                _ => break,
            }
        }
        if elements.is_empty() {
            let span = self.here();
            self.error("KS217", span, "Missing graph-match pattern.");
        }
        elements
    }

    /// `-[e]->`, `<-[e*1..3]-`, `-[e]-`, `-->`, `<--`, `--`
    fn graph_edge(&mut self) -> GraphElement {
        let backward = self.eat(TokenKind::Less);
        self.expect(TokenKind::Minus, "-");
        let (mut name, mut range) = (None, None);
        if self.eat(TokenKind::LBracket) {
            name = self.element_name();
            range = self.hop_range();
            self.expect_close(TokenKind::RBracket, "]");
        }
        self.expect(TokenKind::Minus, "-");
        let forward = self.eat(TokenKind::Greater);
        let direction = match (backward, forward) {
            (true, false) => EdgeDirection::Backward,
            (false, true) => EdgeDirection::Forward,
            _ => EdgeDirection::Any,
        };
        GraphElement::Edge { name, direction, range }
    }

    /// `*1..3`; `*..3`, `*1..` and `*` leave bounds open.
    fn hop_range(&mut self) -> HopRange {
        if !self.eat(TokenKind::Star) {
            return None;
        }
        let bound = |p: &mut Self| {
            let open = matches!(p.kind(), TokenKind::RBracket | TokenKind::DotDot);
            if open {
                p.missing("value")
            }
            (!open).then(|| p.postfix())
        };
        let low = bound(self);
        if self.eat(TokenKind::DotDot) {
            return Some((low, bound(self)));
        }
        if low.is_some() {
            self.expected("..");
        }
        let high = low.clone();
        Some((low, high))
    }

    /// The name of a node or edge, which may be absent.
    fn element_name(&mut self) -> Option<Name> {
        (!matches!(self.kind(), TokenKind::RParen | TokenKind::RBracket | TokenKind::Star))
            .then(|| self.declared_name())
    }

    pub(super) fn graph_to_table(&mut self) -> OperatorKind {
        let outputs = self.comma_list(|p| {
            if !matches!(p.word(), "nodes" | "edges") {
                let span = p.here();
                p.error("KS230", span, "The graph-to-table operator requires 1-2 arguments (nodes, edges).");
            }
            let what: Name = p.expect_name();
            let as_name = p.eat_word("as").then(|| p.declared_name());
            let properties = p.properties(&["with_node_id", "with_source_id", "with_target_id"]);
            GraphOutput { what, as_name, properties }
        });
        OperatorKind::GraphToTable { outputs }
    }
}
