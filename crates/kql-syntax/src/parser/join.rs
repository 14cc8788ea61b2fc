//! Operators that combine tables: join, lookup, union, find, search, partition, fork, facet, macro-expand.

use super::{Parser, names};
use crate::ast::{Expr, ExprKind, FindColumn, ForkBranch, Name, OperatorKind, PartitionBody, Property};
use crate::lexer::TokenKind;

impl Parser<'_> {
    pub(super) fn join(&mut self, join: bool) -> OperatorKind {
        let right = Box::new(self.nested(Self::postfix).unwrap_or_else(|| self.error_expr()));
        let mut on = Vec::new();
        if self.eat_word("on") {
            on = self.comma_list(Self::expr);
        } else if join && self.eat_word("where") {
            on.push(self.expr());
        } else {
            self.missing("join on condition clause");
        }
        if join { OperatorKind::Join { right, on } } else { OperatorKind::Lookup { right, on } }
    }

    /// A table: a name (with wildcards), a call, a path, `(pipeline)`, a table literal.
    pub(super) fn table_expr(&mut self) -> Expr {
        match self.nested(Self::wildcard_expr) {
            Some(expr) => expr,
            None => self.error_expr(),
        }
    }

    /// A table of a union: no literal.
    pub(super) fn union_member(&mut self) -> Expr {
        let literal = matches!(
            self.kind(),
            TokenKind::String | TokenKind::OpenString | TokenKind::Long | TokenKind::Real | TokenKind::Timespan
        );
        if literal || matches!(self.word(), "datatable" | "externaldata" | "external_data") {
            self.missing("expression");
        }
        self.table_expr()
    }

    /// `in (A, B*)` of find and search.
    fn in_tables(&mut self) -> Vec<Expr> {
        if !(self.at_word("in") && self.kind_at(1) == TokenKind::LParen) {
            return Vec::new();
        }
        self.bump();
        self.bump();
        self.nesting += 1;
        let tables = self.comma_list(Self::table_expr);
        self.nesting -= 1;
        self.expect_close(TokenKind::RParen, ")");
        tables
    }

    fn search_predicate(&mut self) -> Expr {
        let outer = std::mem::replace(&mut self.search_terms, true);
        let predicate = self.expr();
        self.search_terms = outer;
        predicate
    }

    pub(super) fn search(&mut self) -> OperatorKind {
        let sources = self.in_tables();
        OperatorKind::Search { sources, predicate: self.search_predicate() }
    }

    pub(super) fn find(&mut self, properties: &mut Vec<Property>) -> OperatorKind {
        let mut with_source = None;
        properties.retain(|p| match &p.value.kind {
            ExprKind::Name(name) if p.name.text == "withsource" || p.name.text == "with_source" => {
                with_source = Some(name.clone());
                false
            }
            _ => true,
        });
        let sources = self.in_tables();
        let before_where = self.pos;
        self.eat_word("where");
        if !sources.is_empty() && self.pos == before_where {
            self.expected("where");
        }
        let ends = self.at_end() || self.at_word("project");
        let predicate = if ends && !sources.is_empty() {
            self.missing("expression");
            None
        } else {
            Some(self.search_predicate())
        };
        let mut project = None;
        let project_away = Vec::new();
        let (mut smart, mut pack) = (false, false);
        match self.glued_word(0) {
            "project" => {
                self.bump();
                project = Some(self.find_columns(&mut pack));
            }
            "project-smart" => {
                self.bump_glued("project-smart");
                smart = true;
            }
            _ => {}
        }
        OperatorKind::Find { sources, with_source, predicate, project, project_away, smart, pack }
    }

    fn find_columns(&mut self, pack: &mut bool) -> Vec<FindColumn> {
        let columns = self.comma_list(|p| {
            if p.at_word("pack") && p.kind_at(1) == TokenKind::LParen {
                p.bump();
                p.bump();
                p.eat(TokenKind::Star);
                p.expect_close(TokenKind::RParen, ")");
                *pack = true;
                return None;
            }
            let name = p.declared_name();
            let ty = p.eat(TokenKind::Colon).then(|| p.declared_type());
            Some(FindColumn { name, ty })
        });
        columns.into_iter().flatten().collect()
    }

    pub(super) fn partition(&mut self, properties: &mut Vec<Property>) -> OperatorKind {
        self.expect_word("by");
        let by = self.partition_key();
        properties.extend(self.properties(&[]));
        // `in (…)`, `in { … }`: the spelling of older queries.
        self.eat_word("in");
        let body = if self.at(TokenKind::LBrace) {
            PartitionBody::Query(self.braces())
        } else {
            PartitionBody::Operators(self.operators_in_parens())
        };
        OperatorKind::Partition { by, body }
    }

    /// A column, maybe `a.b`: a `(` behind it opens the subquery and is no call.
    fn partition_key(&mut self) -> Expr {
        let start = self.start();
        let mut key = self.name_ref();
        while self.eat(TokenKind::Dot) {
            let selector = Box::new(self.name_ref());
            key = Expr { kind: ExprKind::Path { base: Box::new(key), selector }, span: self.since(start) };
        }
        key
    }

    fn name_ref(&mut self) -> Expr {
        let name = self.bracketed_at(0) || (self.at(TokenKind::Ident) && !names::is_reserved(self.word()));
        let name = if name { self.name() } else { None };
        match name {
            Some(name) => Expr { span: name.span, kind: ExprKind::Name(name) },
            None => {
                self.missing("name");
                self.error_expr()
            }
        }
    }

    pub(super) fn fork(&mut self) -> OperatorKind {
        let mut branches = Vec::new();
        loop {
            let name = if self.kind_at(self.name_len(0)) == TokenKind::Assign { self.assigned_name() } else { None };
            if !self.at(TokenKind::LParen) {
                if branches.is_empty() || name.is_some() {
                    self.expected("(");
                }
                return OperatorKind::Fork(branches);
            }
            branches.push(ForkBranch { name, operators: self.operators_in_parens() });
        }
    }

    pub(super) fn facet(&mut self) -> OperatorKind {
        self.expect_word("by");
        let by = self.comma_list(Self::expr);
        let mut with = None;
        if self.eat_word("with") {
            with = Some(if self.at(TokenKind::LParen) { self.operators_in_parens() } else { vec![self.operator()] });
        }
        OperatorKind::Facet { by, with }
    }

    pub(super) fn macro_expand(&mut self) -> OperatorKind {
        let name_only = self.kind_at(1) == TokenKind::LParen && !self.at_word("entity_group");
        let group = Box::new(if name_only { self.name_ref() } else { self.postfix() });
        let scope: Option<Name> = self.eat_word("as").then(|| self.declared_name());
        let mut body = Vec::new();
        if self.expect(TokenKind::LParen, "(") {
            self.nesting += 1;
            self.nested(|p| p.statements(&mut body, TokenKind::RParen));
            self.nesting -= 1;
            self.expect_close(TokenKind::RParen, ")");
        }
        OperatorKind::MacroExpand { group, scope, body }
    }
}
