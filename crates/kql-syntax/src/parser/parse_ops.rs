//! parse, parse-where, parse-kv and scan.

use super::Parser;
use crate::Span;
use crate::ast::{NamedExpr, OperatorKind, ParsePiece, ScanStep};
use crate::lexer::TokenKind;

const KV_PROPERTIES: &[&str] = &["pair_delimiter", "kv_delimiter", "quote", "escape", "greedy", "regex"];

impl Parser<'_> {
    pub(super) fn parse_operator(&mut self, drop_unmatched: bool) -> OperatorKind {
        let expr = self.expr();
        self.expect_word("with");
        let mut pattern = Vec::new();
        loop {
            let start = self.start();
            match self.kind() {
                TokenKind::Star => {
                    self.bump();
                    pattern.push(ParsePiece::Star(start));
                }
                TokenKind::String | TokenKind::OpenString => {
                    let text = self.string_value();
                    pattern.push(ParsePiece::Text(text, self.since(start)));
                }
                _ if self.at_pattern_column() => {
                    let name = self.column_name();
                    let ty = self.eat(TokenKind::Colon).then(|| self.declared_type());
                    pattern.push(ParsePiece::Column { name, ty });
                }
                _ => break,
            }
        }
        OperatorKind::Parse { expr, pattern, drop_unmatched }
    }

    fn at_pattern_column(&self) -> bool {
        self.name_len(0) > 0 && !(self.starts_line(0) && self.word() == "let")
    }

    pub(super) fn parse_kv(&mut self) -> OperatorKind {
        let expr = self.expr();
        self.expect_word("as");
        let columns = self.column_decls();
        let with = if self.at_word("with") { self.with_properties(KV_PROPERTIES) } else { Vec::new() };
        OperatorKind::ParseKv { expr, columns, with }
    }

    pub(super) fn scan(&mut self) -> OperatorKind {
        let (mut order_by, mut partition_by, mut declare, mut steps) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        loop {
            match self.word() {
                "order" | "sort" => {
                    self.bump();
                    self.expect_word("by");
                    order_by = self.comma_list(Self::ordered);
                }
                "partition" => {
                    self.bump();
                    self.expect_word("by");
                    partition_by = self.named_list();
                }
                "declare" => {
                    self.bump();
                    declare = self.params();
                    break;
                }
                _ => break,
            }
        }
        self.expect_word("with");
        if self.expect(TokenKind::LParen, "(") {
            self.nesting += 1;
            while self.at_word("step") {
                steps.push(self.scan_step());
                if !self.expect(TokenKind::Semicolon, ";") {
                    break;
                }
            }
            self.nesting -= 1;
            self.expect_close(TokenKind::RParen, ")");
        }
        OperatorKind::Scan { order_by, partition_by, declare, steps }
    }

    fn scan_step(&mut self) -> ScanStep {
        self.bump();
        let name = self.column_name();
        let optional = self.eat_word("optional");
        let mut output = None;
        if self.at_word("output") && self.kind_at(1) == TokenKind::Assign {
            self.bump();
            self.bump();
            if !matches!(self.word(), "all" | "last" | "none") {
                self.expected_one_of(&["all", "last", "none"]);
            }
            output = Some(self.expect_name());
        }
        self.expect(TokenKind::Colon, ":");
        let condition = self.expr();
        let assignments = if self.eat(TokenKind::Arrow) { self.comma_list(Self::assignment) } else { Vec::new() };
        ScanStep { name, optional, output, condition, assignments }
    }

    /// `name = value`
    fn assignment(&mut self) -> NamedExpr {
        let assigned = self.name_len(0) > 0 && self.kind_at(self.name_len(0)) == TokenKind::Assign;
        let expr = self.named_expr();
        if !assigned {
            self.expected("=");
        }
        expr
    }

    /// A span of no width behind the last token.
    pub(super) fn here(&self) -> Span {
        let at = self.previous_end();
        Span { start: at, end: at }
    }
}
