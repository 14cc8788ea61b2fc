//! Operators that sum up rows: summarize, top and its kin, make-series.

use super::Parser;
use crate::ast::{Expr, NamedExpr, OperatorKind, SeriesAggregate, TopNestedLevel};
use crate::lexer::TokenKind;

impl Parser<'_> {
    pub(super) fn summarize(&mut self) -> OperatorKind {
        let mut aggregates = Vec::new();
        if !self.at_end() && !self.at_word("by") {
            aggregates = self.named_list();
        }
        let by = self.by_list();
        let mut bin = None;
        if self.at_word("bin") && self.kind_at(1) == TokenKind::Assign {
            self.bump();
            self.bump();
            bin = Some(self.expr());
        }
        OperatorKind::Summarize { aggregates, by, bin }
    }

    fn by_list(&mut self) -> Vec<NamedExpr> {
        if self.eat_word("by") { self.named_list() } else { Vec::new() }
    }

    pub(super) fn top(&mut self) -> OperatorKind {
        let count = self.unnamed_expr();
        self.expect_word("by");
        let by = vec![self.ordered()];
        OperatorKind::Top { count, by, with_others: None }
    }

    pub(super) fn top_hitters(&mut self) -> OperatorKind {
        let count = self.expr();
        self.expect_word("of");
        let of = self.named_expr();
        let by = self.eat_word("by").then(|| self.named_expr());
        OperatorKind::TopHitters { count, of, by }
    }

    pub(super) fn top_nested(&mut self) -> OperatorKind {
        let mut levels = vec![self.top_nested_level()];
        while self.eat(TokenKind::Comma) {
            if self.glued_word(0) == "top-nested" {
                self.bump_glued("top-nested");
            } else {
                self.expected("top-nested");
                break;
            }
            levels.push(self.top_nested_level());
        }
        OperatorKind::TopNested(levels)
    }

    fn top_nested_level(&mut self) -> TopNestedLevel {
        let count = if self.at_word("of") { None } else { Some(self.expr()) };
        self.expect_word("of");
        let of = self.named_expr();
        let mut others = None;
        if self.eat_word("with") {
            self.expect_word("others");
            self.expect(TokenKind::Assign, "=");
            others = Some(self.expr());
        }
        self.expect_word("by");
        let by = self.named_expr();
        let (ascending, _) = self.direction();
        TopNestedLevel { count, of, others, by, ascending }
    }

    pub(super) fn make_series(&mut self) -> OperatorKind {
        let aggregates = self.comma_list(|p| {
            let expr = p.named_expr();
            let mut default = None;
            if p.at_word("default") && p.kind_at(1) == TokenKind::Assign {
                p.bump();
                p.bump();
                default = Some(p.expr());
            }
            SeriesAggregate { expr, default }
        });
        self.expect_word("on");
        let on = self.series_axis();
        let mut in_range = None;
        let (mut from, mut to, mut step) = (None, None, None);
        if self.at_word("in") && self.word_at(1) == "range" {
            self.bump();
            self.bump();
            in_range = Some(self.args(false).into_iter().map(|a| a.value).collect::<Vec<Expr>>());
        } else {
            from = self.eat_word("from").then(|| self.expr());
            to = self.eat_word("to").then(|| self.expr());
            if self.expect_word("step") {
                step = Some(self.expr());
            }
        }
        let by = self.by_list();
        OperatorKind::MakeSeries { aggregates, on, from, to, step, in_range, by }
    }

    /// The axis; `in range(…)` behind it is no condition.
    fn series_axis(&mut self) -> NamedExpr {
        let start = self.start();
        let names = self.assigned_name().into_iter().collect();
        let value = self.sum();
        NamedExpr { names, value, span: self.since(start) }
    }
}
