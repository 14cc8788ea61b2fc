//! Statements, function literals and parameters.

use super::pipeline::{is_constant, is_operator};
use super::{Parser, names};
use crate::ast::{
    Expr, ExprKind, Function, Let, LetValue, Name, Param, ParamType, Pattern, PatternCase, Query, Statement,
};
use crate::lexer::TokenKind;
use crate::{Diagnostic, Span};

impl Parser<'_> {
    pub(super) fn query(&mut self) -> Query {
        let mut statements = Vec::new();
        if self.at(TokenKind::Dot) {
            let span = self.token().span.to(self.nth(1).span);
            self.error("PQ002", span, "Management commands cannot be run, only queries.");
            return Query { statements };
        }
        self.statements(&mut statements, TokenKind::Eof);
        Query { statements }
    }

    /// Statements up to `end`, which stays.
    pub(super) fn statements(&mut self, statements: &mut Vec<Statement>, end: TokenKind) {
        loop {
            while self.at(TokenKind::Directive) {
                self.bump();
            }
            if self.at(end) || self.at(TokenKind::Eof) {
                return;
            }
            let before = self.pos;
            if let Some(statement) = self.statement() {
                statements.push(statement);
            }
            if self.eat(TokenKind::Semicolon) {
                continue;
            }
            if self.at(end) || self.at(TokenKind::Eof) {
                return;
            }
            self.statement_end(before, statements, end);
        }
    }

    /// Something stands behind a statement that does not belong to it.
    fn statement_end(&mut self, before: usize, statements: &mut [Statement], end: TokenKind) {
        if self.at_forgotten_pipe() {
            self.forgotten_pipe(statements, end);
            return;
        }
        let begins = self.begins_statement();
        if begins {
            self.expected(";");
            if self.pos > before && (self.starts_line(0) || matches!(self.word(), "let" | "set" | "declare")) {
                return; // only the `;` is missing
            }
        } else {
            let span = self.token().span;
            self.error("KS198", span, "The incomplete fragment is unexpected.");
        }
        self.bump();
        self.skip_to_statement(statements, end);
    }

    /// A line begins with an operator that is no name: its `|` was forgotten.
    fn at_forgotten_pipe(&self) -> bool {
        self.starts_line(0)
            && self.kind_at(1) != TokenKind::LParen
            && names::is_reserved(self.word())
            && is_operator(self.glued_word(0))
            && !self.at_source_operator(0)
    }

    fn forgotten_pipe(&mut self, statements: &mut [Statement], end: TokenKind) {
        let before = self.diagnostics.len();
        let help = format!("did you mean '| {}'?", self.glued_word(0));
        self.expected(";");
        if let Some(found) = self.diagnostics.get_mut(before) {
            found.help = Some(help);
        }
        let rest = self.inner_operators();
        self.add_operators(statements, rest);
        match self.kind() {
            TokenKind::Semicolon => {
                self.bump();
            }
            TokenKind::Eof => {}
            kind if kind == end => {}
            _ => self.skip_to_statement(statements, end),
        }
    }

    /// Skips what belongs to no statement, but reads the operators in it.
    fn skip_to_statement(&mut self, statements: &mut [Statement], end: TokenKind) {
        loop {
            self.resync();
            match self.kind() {
                kind if kind == end => return,
                TokenKind::Pipe => {
                    // Goes on with the operators, for the sake of further errors.
                    self.more_operators(statements);
                    if !matches!(self.kind(), TokenKind::Semicolon | TokenKind::Eof | TokenKind::RBrace) {
                        let span = self.token().span;
                        self.error("KS198", span, "The incomplete fragment is unexpected.");
                    }
                }
                TokenKind::RParen | TokenKind::RBracket => {
                    self.bump();
                }
                TokenKind::RBrace if self.braced == 0 => {
                    self.bump();
                }
                TokenKind::Semicolon => {
                    self.bump();
                    return;
                }
                _ => return,
            }
        }
    }

    /// Adds `| op …` to the last statement.
    fn more_operators(&mut self, statements: &mut [Statement]) {
        let rest = self.operators_after_pipe();
        self.add_operators(statements, rest);
    }

    fn add_operators(&mut self, statements: &mut [Statement], rest: Vec<crate::ast::Operator>) {
        let Some(Statement::Expr(expr)) = statements.last_mut() else { return };
        let span = Span { start: expr.span.start, end: self.previous_end() };
        if let ExprKind::Pipeline { operators, .. } = &mut expr.kind {
            operators.extend(rest);
            expr.span = span;
            return;
        }
        let source = std::mem::replace(expr, Expr { kind: ExprKind::Error, span });
        *expr = Expr { kind: ExprKind::Pipeline { source: Box::new(source), operators: rest }, span };
    }

    fn operators_after_pipe(&mut self) -> Vec<crate::ast::Operator> {
        if self.eat(TokenKind::Pipe) { self.inner_operators() } else { Vec::new() }
    }

    fn begins_statement(&self) -> bool {
        match self.kind() {
            TokenKind::Ident => {
                !names::is_reserved(self.word()) || matches!(self.word(), "print" | "union" | "find" | "search" | "set")
            }
            TokenKind::String | TokenKind::OpenString | TokenKind::Long | TokenKind::Real => true,
            TokenKind::Timespan | TokenKind::TypedLiteral | TokenKind::LParen => true,
            _ => false,
        }
    }

    fn statement(&mut self) -> Option<Statement> {
        let named = self.name_len(1) > 0 || self.kind_at(1) == TokenKind::Ident;
        match self.word() {
            "let" if named || !matches!(self.kind_at(1), TokenKind::Pipe | TokenKind::Dot | TokenKind::Eof) => {
                Some(self.let_statement())
            }
            "set"
                if named || self.at_word("set") && matches!(self.kind_at(1), TokenKind::Semicolon | TokenKind::Eof) =>
            {
                Some(self.set_statement())
            }
            "alias" if self.word_at(1) == "database" => Some(self.alias_statement()),
            "declare" if self.word_at(1) == "query_parameters" => Some(self.query_parameters()),
            "declare" if self.word_at(1) == "pattern" => Some(self.pattern()),
            "restrict" if self.word_at(1) == "access" => Some(self.restrict()),
            _ if self.at(TokenKind::Semicolon) || self.at(TokenKind::Pipe) || self.at(TokenKind::RBrace) => {
                let span = self.token().span;
                self.error("KS198", span, "The incomplete fragment is unexpected.");
                if self.at(TokenKind::Pipe) {
                    self.operators_after_pipe();
                }
                if self.at(TokenKind::RBrace) && self.braced == 0 {
                    self.bump();
                }
                None
            }
            _ => Some(Statement::Expr(self.query_statement())),
        }
    }

    /// A query; what cannot begin one is a fragment.
    fn query_statement(&mut self) -> Expr {
        let (first, before, end) = (self.token(), self.diagnostics.len(), self.previous_end());
        let query = self.pipeline();
        let nothing = Span { start: end, end };
        if let Some(found) = self.diagnostics.get_mut(before)
            && found.code == "KS006"
            && found.span == nothing
            && first.kind != TokenKind::Eof
        {
            *found = Diagnostic::error("KS198", first.span, "The incomplete fragment is unexpected.");
        }
        query
    }

    fn let_statement(&mut self) -> Statement {
        let start = self.bump().span;
        let name = self.declared_name();
        if !self.expect(TokenKind::Assign, "=") {
            let value = LetValue::Expr(self.error_expr());
            return Statement::Let(Let { name, value, span: self.since(start) });
        }
        let value = if self.at_function() {
            match self.nested(Self::function) {
                Some(function) => LetValue::Function(function),
                None => LetValue::Expr(self.error_expr()),
            }
        } else {
            LetValue::Expr(self.pipeline())
        };
        Statement::Let(Let { name, value, span: self.since(start) })
    }

    /// `[view] (…) {`, also where the `{` is forgotten but the parentheses hold parameters.
    fn at_function(&self) -> bool {
        let ahead = usize::from(self.at_word("view") && self.kind_at(1) == TokenKind::LParen);
        if self.kind_at(ahead) != TokenKind::LParen {
            return false;
        }
        let params = self.name_len(ahead + 1);
        if params > 0 && self.kind_at(ahead + 1 + params) == TokenKind::Colon {
            return true;
        }
        let close = self.partner[self.pos + ahead];
        close != usize::MAX && self.tokens.get(close + 1).is_some_and(|t| t.kind == TokenKind::LBrace)
    }

    fn function(&mut self) -> Function {
        let start = self.start();
        let view = self.eat_word("view");
        let params = self.params();
        let body = self.braces();
        Function { view, params, body, span: self.since(start) }
    }

    /// `{ statements }`
    pub(super) fn braces(&mut self) -> Vec<Statement> {
        let mut body = Vec::new();
        if !self.expect(TokenKind::LBrace, "{") {
            return body;
        }
        self.nested(|p| {
            let nesting = std::mem::replace(&mut p.nesting, 0);
            p.braced += 1;
            p.statements(&mut body, TokenKind::RBrace);
            p.braced -= 1;
            p.nesting = nesting;
        });
        self.expect_close(TokenKind::RBrace, "}");
        body
    }

    /// `(a:long = 1, T:(x:long))`
    pub(super) fn params(&mut self) -> Vec<Param> {
        let mut params = Vec::new();
        if !self.expect(TokenKind::LParen, "(") {
            return params;
        }
        while !self.at(TokenKind::RParen) {
            let before = self.pos;
            params.push(self.param());
            if !self.eat(TokenKind::Comma) || self.pos == before {
                break;
            }
            if self.at(TokenKind::RParen) {
                self.missing("parameter");
            }
        }
        self.expect_close(TokenKind::RParen, ")");
        params
    }

    pub(super) fn param(&mut self) -> Param {
        let name = self.column_name();
        let ty = if self.expect(TokenKind::Colon, ":") {
            self.param_type()
        } else {
            let at = self.previous_end();
            ParamType::Scalar(Name { text: String::new(), span: Span { start: at, end: at } })
        };
        let default = self.eat(TokenKind::Assign).then(|| self.expr());
        if let Some(value) = default.as_ref().filter(|v| !is_constant(v)) {
            self.diagnostics.push(Diagnostic::error("KS131", value.span, "The expression must be a literal."));
        }
        Param { name, ty, default }
    }

    fn set_statement(&mut self) -> Statement {
        let start = self.bump().span;
        let name = self.declared_name();
        let value = self.eat(TokenKind::Assign).then(|| self.expr());
        Statement::Set { name, value, span: self.since(start) }
    }

    fn alias_statement(&mut self) -> Statement {
        let start = self.bump().span;
        self.bump();
        let name = self.declared_name();
        self.expect(TokenKind::Assign, "=");
        let value = self.expr();
        Statement::Alias { name, value, span: self.since(start) }
    }

    fn query_parameters(&mut self) -> Statement {
        let start = self.bump().span;
        self.bump();
        if self.at(TokenKind::LParen) && self.kind_at(1) == TokenKind::RParen {
            self.bump();
            self.missing("parameter");
            self.bump();
            return Statement::QueryParameters { params: Vec::new(), span: self.since(start) };
        }
        let params = self.params();
        Statement::QueryParameters { params, span: self.since(start) }
    }

    /// `declare pattern P = (a:string)[b:string] { ("x").["y"] = { query }; … }`, or its name only.
    fn pattern(&mut self) -> Statement {
        let start = self.bump().span;
        self.bump();
        let mut pattern =
            Pattern { name: self.declared_name(), params: Vec::new(), path: None, cases: Vec::new(), span: start };
        if self.eat(TokenKind::Assign) {
            pattern.params = self.params();
            if self.eat(TokenKind::LBracket) {
                pattern.path = Some(self.param());
                self.expect_close(TokenKind::RBracket, "]");
            }
            if self.expect(TokenKind::LBrace, "{") {
                if self.at(TokenKind::RBrace) {
                    self.missing("pattern match clause");
                }
                while self.at(TokenKind::LParen) {
                    pattern.cases.push(self.pattern_case());
                }
                self.expect_close(TokenKind::RBrace, "}");
            }
        }
        pattern.span = self.since(start);
        Statement::Pattern(pattern)
    }

    /// `("x", "y").["z"] = { query };`
    fn pattern_case(&mut self) -> PatternCase {
        self.bump();
        let mut args = vec![self.pattern_value()];
        while self.eat(TokenKind::Comma) {
            args.push(self.pattern_value());
        }
        self.expect_close(TokenKind::RParen, ")");
        let mut path = None;
        if self.eat(TokenKind::Dot) && self.expect(TokenKind::LBracket, "[") {
            path = Some(self.pattern_value());
            self.expect_close(TokenKind::RBracket, "]");
        }
        self.expect(TokenKind::Assign, "=");
        let body = self.braces();
        self.expect(TokenKind::Semicolon, ";");
        PatternCase { args, path, body }
    }

    fn pattern_value(&mut self) -> Expr {
        if matches!(self.kind(), TokenKind::String | TokenKind::OpenString) {
            return self.expr();
        }
        self.missing("string");
        self.error_expr()
    }

    fn restrict(&mut self) -> Statement {
        let start = self.bump().span;
        self.bump();
        self.expect_word("to");
        let mut entities = Vec::new();
        if self.expect(TokenKind::LParen, "(") {
            self.nesting += 1;
            entities = self.comma_list(Self::table_expr);
            self.nesting -= 1;
            self.expect_close(TokenKind::RParen, ")");
        }
        if self.at_word("with") {
            self.with_properties(&[]);
        }
        Statement::RestrictAccess { entities, span: self.since(start) }
    }
}
