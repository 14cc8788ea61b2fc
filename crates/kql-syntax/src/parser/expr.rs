//! Scalar expressions.

use super::{MAX_CHAIN, MAX_LINKS, Parser, names};
use crate::ast::{Arg, BinaryOp, ColumnDecl, Expr, ExprKind, InOp, Name, NamedExpr, UnaryOp};
use crate::lexer::TokenKind;
use crate::{Diagnostic, Span};

/// How tight an infix operator binds.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Level {
    Equality,
    Relation,
    Sum,
    Product,
    Text,
}

/// An infix operator.
#[derive(Clone, Copy)]
enum Infix {
    Binary(BinaryOp, Level),
    In(InOp),
    Between { negated: bool },
}

impl Parser<'_> {
    /// Any expression without a pipe.
    pub(super) fn expr(&mut self) -> Expr {
        let wildcards = std::mem::take(&mut self.wildcards);
        let expr = self.nested(|p| p.chain(true));
        self.wildcards = wildcards;
        expr.unwrap_or_else(|| self.error_expr())
    }

    /// `a or b or …` and, inside, `a and b and …`.
    fn chain(&mut self, or: bool) -> Expr {
        let first = self.chain_operand(or);
        let (word, op) = if or { ("or", BinaryOp::Or) } else { ("and", BinaryOp::And) };
        if !self.at_word(word) {
            return first;
        }
        let mut operands = vec![first];
        let mut op_spans = Vec::new();
        while self.at_word(word) {
            op_spans.push(self.bump().span);
            operands.push(self.chain_operand(or));
        }
        let long = operands.len() > 64;
        let mut operands = operands.into_iter();
        let Some(first) = operands.next() else { return self.error_expr() };
        if long {
            let rest: Vec<(Span, Expr)> = op_spans.into_iter().zip(operands).collect();
            let count = rest.len();
            return balanced(op, first, &mut rest.into_iter(), count);
        }
        op_spans.into_iter().zip(operands).fold(first, |left, (op_span, right)| binary(op, op_span, left, right))
    }

    fn chain_operand(&mut self, or: bool) -> Expr {
        if or { self.chain(false) } else { self.infix(Level::Equality) }
    }

    fn infix(&mut self, min: Level) -> Expr {
        let mut left = self.unary();
        let mut links = 0;
        // The right side has taken all tighter operators; comparisons do not chain.
        let mut max: Option<(Level, bool)> = None;
        while let Some((infix, len)) = self.infix_at() {
            let level = match infix {
                Infix::Binary(_, level) => level,
                Infix::In(_) | Infix::Between { .. } => Level::Equality,
            };
            if level < min || max.is_some_and(|(m, chains)| level > m || (level == m && !chains)) {
                break;
            }
            let chains = matches!(level, Level::Sum | Level::Product);
            max = Some((level, chains));
            if chains {
                links += 1;
                if links > MAX_CHAIN {
                    self.report_depth();
                    break;
                }
            }
            let op_start = self.start();
            for _ in 0..len {
                self.bump();
            }
            let op_span = self.since(op_start);
            left = match infix {
                Infix::Binary(op, level) => {
                    let right = self.right_side(level);
                    binary(op, op_span, left, right)
                }
                Infix::In(op) => self.in_list(op, op_span, left),
                Infix::Between { negated } => self.between(negated, left),
            };
        }
        left
    }

    fn right_side(&mut self, level: Level) -> Expr {
        match level {
            Level::Equality => self.infix(Level::Relation),
            Level::Relation => self.infix(Level::Sum),
            Level::Sum => self.infix(Level::Product),
            Level::Product => self.infix(Level::Text),
            Level::Text => self.unary(),
        }
    }

    /// The infix operator here and its number of tokens.
    fn infix_at(&self) -> Option<(Infix, usize)> {
        use BinaryOp as B;
        let (op, level) = match self.kind() {
            TokenKind::Plus => (B::Add, Level::Sum),
            TokenKind::Minus => (B::Sub, Level::Sum),
            TokenKind::Star => (B::Mul, Level::Product),
            TokenKind::Slash => (B::Div, Level::Product),
            TokenKind::Percent => (B::Mod, Level::Product),
            TokenKind::Equal => (B::Equal, Level::Equality),
            TokenKind::NotEqual => (B::NotEqual, Level::Equality),
            TokenKind::Less => (B::Less, Level::Relation),
            TokenKind::LessEqual => (B::LessEqual, Level::Relation),
            TokenKind::Greater => (B::Greater, Level::Relation),
            TokenKind::GreaterEqual => (B::GreaterEqual, Level::Relation),
            TokenKind::EqualTilde => (B::EqualTilde, Level::Text),
            TokenKind::NotTilde => (B::NotEqualTilde, Level::Text),
            TokenKind::Colon => (B::SearchTerm, Level::Text),
            TokenKind::Ident => return self.word_operator(self.text_at(0), 1, false),
            TokenKind::Bang if self.joined(1) => return self.word_operator(self.word_at(1), 2, true),
            _ => return None,
        };
        Some((Infix::Binary(op, level), 1))
    }

    fn word_operator(&self, word: &str, len: usize, negated: bool) -> Option<(Infix, usize)> {
        let tilde = self.kind_at(len) == TokenKind::Tilde && self.joined(len);
        let op = match (word, negated) {
            ("in", false) if tilde => return Some((Infix::In(InOp::InCi), len + 1)),
            ("in", true) if tilde => return Some((Infix::In(InOp::NotInCi), len + 1)),
            ("in", false) => return Some((Infix::In(InOp::In), len)),
            ("in", true) | ("notin", false) => return Some((Infix::In(InOp::NotIn), len)),
            ("has_any", false) => return Some((Infix::In(InOp::HasAny), len)),
            ("has_all", false) => return Some((Infix::In(InOp::HasAll), len)),
            ("between", negated) => return Some((Infix::Between { negated }, len)),
            ("matches", false) if self.word_at(1) == "regex" => {
                return Some((Infix::Binary(BinaryOp::MatchesRegex, Level::Text), 2));
            }
            _ => text_operator(word, negated)?,
        };
        Some((Infix::Binary(op, Level::Text), len))
    }

    fn in_list(&mut self, op: InOp, op_span: Span, left: Expr) -> Expr {
        let mut list = Vec::new();
        if self.expect(TokenKind::LParen, "(") {
            self.nesting += 1;
            list = self.comma_list(Self::pipeline);
            self.nesting -= 1;
            self.expect_close(TokenKind::RParen, ")");
        } else if self.starts_element() {
            list.push(self.unary());
        }
        let span = Span { start: left.span.start, end: self.previous_end() };
        Expr { kind: ExprKind::In { op, op_span, left: Box::new(left), list }, span }
    }

    fn between(&mut self, negated: bool, expr: Expr) -> Expr {
        let open = self.expect(TokenKind::LParen, "(");
        self.nesting += 1;
        let low = self.expr();
        self.expect(TokenKind::DotDot, "..");
        let high = self.expr();
        self.nesting -= 1;
        if open {
            self.expect_close(TokenKind::RParen, ")");
        }
        let span = Span { start: expr.span.start, end: self.previous_end() };
        let (expr, low, high) = (Box::new(expr), Box::new(low), Box::new(high));
        Expr { kind: ExprKind::Between { negated, expr, low, high }, span }
    }

    /// Sums and what binds tighter: no comparison and no `in`.
    pub(super) fn sum(&mut self) -> Expr {
        self.nested(|p| p.infix(Level::Sum)).unwrap_or_else(|| self.error_expr())
    }

    fn unary(&mut self) -> Expr {
        let op = match self.kind() {
            TokenKind::Minus => UnaryOp::Minus,
            TokenKind::Plus => UnaryOp::Plus,
            _ => return self.postfix(),
        };
        let start = self.bump().span;
        let operand = Box::new(self.postfix());
        Expr { kind: ExprKind::Unary { op, operand }, span: self.since(start) }
    }

    /// A primary with its `.name`, `.f(x)` and `[index]`.
    pub(super) fn postfix(&mut self) -> Expr {
        let start = self.start();
        let mut base = self.primary();
        let mut links = 0;
        loop {
            let wild_next = self.wildcards && self.wildcard_at(1);
            if wild_next && self.at(TokenKind::Dot) {
                return base;
            }
            let Some(kind) = self.link(&mut base) else { return base };
            base = Expr { kind, span: self.since(start) };
            links += 1;
            if links > MAX_LINKS {
                self.report_depth();
                return base;
            }
        }
    }

    /// One `.name`, `.f(x)` or `[index]` behind `base`, which becomes part of it.
    pub(super) fn link(&mut self, base: &mut Expr) -> Option<ExprKind> {
        let indexed = match self.kind() {
            TokenKind::Dot => self.kind_at(1) == TokenKind::LBracket,
            TokenKind::LBracket if !matches!(base.kind, ExprKind::Error | ExprKind::Star) => true,
            _ => return None,
        };
        let base = Box::new(std::mem::replace(base, Expr { kind: ExprKind::Error, span: base.span }));
        let dot = self.eat(TokenKind::Dot);
        if indexed {
            return Some(self.index(base));
        }
        debug_assert!(dot);
        let selector = Box::new(self.selector());
        Some(ExprKind::Path { base, selector })
    }

    fn index(&mut self, base: Box<Expr>) -> ExprKind {
        self.bump();
        self.nesting += 1;
        let index = Box::new(self.expr());
        self.nesting -= 1;
        self.expect_close(TokenKind::RBracket, "]");
        ExprKind::Index { base, index }
    }

    /// What stands after a `.`.
    fn selector(&mut self) -> Expr {
        let start = self.start();
        if self.at(TokenKind::Ident) && !names::is_reserved(self.word()) {
            if self.kind_at(1) == TokenKind::LParen {
                return self.call();
            }
            let name = self.expect_name();
            return Expr { kind: ExprKind::Name(name), span: self.since(start) };
        }
        self.missing("expression");
        self.error_expr()
    }

    fn primary(&mut self) -> Expr {
        if let Some(literal) = self.literal() {
            return literal;
        }
        let start = self.start();
        match self.kind() {
            TokenKind::LParen => return self.paren(),
            TokenKind::Star if self.star_operand() => {
                self.bump();
                return Expr { kind: ExprKind::Star, span: start };
            }
            TokenKind::LBracket if self.bracketed_at(0) => {
                let name = self.expect_name();
                if self.at(TokenKind::LParen) {
                    let args = self.args(false);
                    return Expr { kind: ExprKind::Call { name, args }, span: self.since(start) };
                }
                return Expr { kind: ExprKind::Name(name), span: start.to(self.since(start)) };
            }
            TokenKind::LBracket if matches!(self.kind_at(1), TokenKind::String | TokenKind::OpenString) => {
                self.bump();
                let text = self.string_value();
                self.expected("]");
                let span = self.since(start);
                return Expr { kind: ExprKind::Name(Name { text, span }), span };
            }
            TokenKind::LBracket if self.kind_at(1) == TokenKind::RBracket => {
                self.bump();
                let name = self.declared_name();
                self.bump();
                return Expr { kind: ExprKind::Name(name), span: self.since(start) };
            }
            TokenKind::Ident => {
                let call = self.kind_at(1) == TokenKind::LParen;
                match self.word() {
                    "datatable" => return self.datatable(),
                    "externaldata" | "external_data" => return self.externaldata(),
                    "typeof" if call => return self.type_of(),
                    "toscalar" | "totable" if self.kind_at(2) == TokenKind::Assign || call => return self.call(),
                    "materialize" if call => return self.call(),
                    "entity_group" if self.kind_at(1) == TokenKind::LBracket => {
                        return self.unsupported("entity_group");
                    }
                    "__contextual_datatable" => return self.unsupported("contextual_datatable"),
                    "inline_external_table" if call => return self.unsupported("inline"),
                    word if names::is_reserved(word) => {}
                    _ if call => return self.call(),
                    _ => {
                        let name = self.expect_name();
                        return Expr { kind: ExprKind::Name(name), span: start };
                    }
                }
            }
            _ => {}
        }
        self.missing("expression");
        self.error_expr()
    }

    /// `*` as the left side of a search operator (`* has "x"`).
    fn star_operand(&self) -> bool {
        use TokenKind as T;
        match self.kind_at(1) {
            T::Equal | T::NotEqual | T::EqualTilde | T::NotTilde | T::Colon | T::Bang => true,
            T::RParen | T::Eof | T::Pipe | T::Semicolon => self.search_terms,
            T::Ident => match self.text_at(1) {
                "and" | "or" => self.search_terms,
                word => text_operator(word, false).is_some() || word == "matches",
            },
            _ => false,
        }
    }

    /// `(expr)` or `(pipeline)`
    fn paren(&mut self) -> Expr {
        let start = self.bump().span;
        self.nesting += 1;
        let inner = self.pipeline();
        self.nesting -= 1;
        self.expect_close(TokenKind::RParen, ")");
        Expr { kind: ExprKind::Paren(Box::new(inner)), span: self.since(start) }
    }

    /// `f(args)`; the current token is the name.
    pub(super) fn call(&mut self) -> Expr {
        let start = self.start();
        let name = self.expect_name();
        if self.at_word("kind") && self.kind_at(1) == TokenKind::Assign && self.kind_at(3) == TokenKind::LParen {
            // `toscalar kind=nooptimization (…)`: a hint without meaning here.
            for _ in 0..3 {
                self.bump();
            }
        }
        let query = matches!(name.text.as_str(), "toscalar" | "totable" | "materialize");
        let args = self.args(query);
        Expr { kind: ExprKind::Call { name, args }, span: self.since(start) }
    }

    /// `(arg, …)`; a `query` may stand in it without parentheses of its own.
    pub(super) fn args(&mut self, query: bool) -> Vec<Arg> {
        if !self.expect(TokenKind::LParen, "(") {
            return Vec::new();
        }
        self.nesting += 1;
        let search_terms = std::mem::take(&mut self.search_terms);
        let args = if self.at(TokenKind::RParen) && !query { Vec::new() } else { self.comma_list(|p| p.arg(query)) };
        self.search_terms = search_terms;
        self.nesting -= 1;
        self.expect_close(TokenKind::RParen, ")");
        args
    }

    fn arg(&mut self, query: bool) -> Arg {
        let name = self.assigned_name();
        if self.at(TokenKind::Star) && matches!(self.kind_at(1), TokenKind::Comma | TokenKind::RParen) {
            let span = self.bump().span;
            return Arg { name, value: Expr { kind: ExprKind::Star, span } };
        }
        if !query && !self.at_source_operator(0) {
            let value = self.expr();
            if !self.at(TokenKind::Pipe) {
                return Arg { name, value };
            }
            self.expected(")");
            return Arg { name, value: self.more_pipeline(value) };
        }
        Arg { name, value: self.pipeline() }
    }

    /// `name =` before a value.
    pub(super) fn assigned_name(&mut self) -> Option<Name> {
        let keyword = self.at(TokenKind::Ident) && self.kind_at(1) == TokenKind::Assign;
        if keyword && !names::is_column_name(self.word()) {
            let word = self.word();
            let message = format!("The name '{word}' needs to be bracketed as ['{word}'] to be used in this context.");
            let span = self.token().span;
            self.error("KS228", span, message);
            let name = self.name();
            self.bump();
            return name;
        }
        let len = self.name_len(0);
        if len == 0 || self.kind_at(len) != TokenKind::Assign {
            return None;
        }
        let name = self.name();
        self.bump();
        name
    }

    /// `expr`, `name = expr` or `(a, b) = expr`
    pub(super) fn named_expr(&mut self) -> NamedExpr {
        let start = self.start();
        let mut names = Vec::new();
        if let Some(count) = self.name_tuple() {
            self.bump();
            for _ in 0..count {
                names.push(self.column_name());
                self.eat(TokenKind::Comma);
            }
            self.bump();
            self.bump();
        } else if let Some(name) = self.assigned_name() {
            names.push(name);
        }
        let value = self.expr();
        NamedExpr { names, value, span: self.since(start) }
    }

    /// An expression whose name, if it has one, means nothing. `where a = 1` is Kusto, but not a comparison.
    pub(super) fn unnamed_expr(&mut self) -> Expr {
        if let Some(name) = self.assigned_name() {
            let message = format!("'{} =' names the expression behind it and compares nothing.", name.text);
            let warning = Diagnostic::warning("PQ001", name.span, message).with_help("Use == to compare.");
            self.diagnostics.push(warning);
        }
        self.expr()
    }

    /// The number of names of `(a, b) =` at this place.
    fn name_tuple(&self) -> Option<usize> {
        if !self.at(TokenKind::LParen) {
            return None;
        }
        let close = self.partner[self.pos];
        if close == usize::MAX || self.tokens.get(close + 1)?.kind != TokenKind::Assign {
            return None;
        }
        let mut at = 1;
        let mut count = 0;
        loop {
            let len = self.name_len(at);
            if len == 0 {
                return None;
            }
            count += 1;
            at += len;
            match self.kind_at(at) {
                TokenKind::Comma => at += 1,
                TokenKind::RParen => return Some(count),
                _ => return None,
            }
        }
    }

    /// `typeof(long)`, `typeof(a:long, b:string)`
    fn type_of(&mut self) -> Expr {
        let start = self.start();
        self.bump();
        if self.kind_at(2) == TokenKind::Colon || self.bracketed_at(1) || self.kind_at(1) == TokenKind::Star {
            let (columns, _) = self.open_column_decls(false);
            return Expr { kind: ExprKind::Typeof(columns), span: self.since(start) };
        }
        self.bump();
        let ty = self.type_name();
        self.expect_close(TokenKind::RParen, ")");
        let name = Name { text: String::new(), span: Span { start: ty.span.start, end: ty.span.start } };
        Expr { kind: ExprKind::Typeof(vec![ColumnDecl { name, ty }]), span: self.since(start) }
    }

    /// A construct that Picquet does not know: skipped up to the end of its brackets.
    fn unsupported(&mut self, what: &'static str) -> Expr {
        let start = self.bump().span;
        while matches!(self.kind(), TokenKind::LParen | TokenKind::LBracket) {
            let close = self.partner[self.pos];
            if close == usize::MAX {
                self.resync();
                break;
            }
            self.pos = close;
            self.bump();
        }
        Expr { kind: ExprKind::Unsupported(what), span: self.since(start) }
    }
}

fn binary(op: BinaryOp, op_span: Span, left: Expr, right: Expr) -> Expr {
    let span = left.span.to(right.span);
    Expr { kind: ExprKind::Binary { op, op_span, left: Box::new(left), right: Box::new(right) }, span }
}

/// A tree of low height for long chains of `and` or `or`, which are associative: who walks the tree recurses.
fn balanced(op: BinaryOp, first: Expr, rest: &mut impl Iterator<Item = (Span, Expr)>, count: usize) -> Expr {
    if count == 0 {
        return first;
    }
    let left_count = (count - 1) / 2;
    let left = balanced(op, first, rest, left_count);
    let Some((op_span, middle)) = rest.next() else { return left };
    let right = balanced(op, middle, rest, count - 1 - left_count);
    binary(op, op_span, left, right)
}

/// The text operators written as words.
fn text_operator(word: &str, negated: bool) -> Option<BinaryOp> {
    use BinaryOp as B;
    Some(match (word, negated) {
        ("has", false) => B::Has,
        ("has", true) => B::NotHas,
        ("has_cs", false) => B::HasCs,
        ("has_cs", true) => B::NotHasCs,
        ("hasprefix", false) => B::HasPrefix,
        ("hasprefix", true) => B::NotHasPrefix,
        ("hasprefix_cs", false) => B::HasPrefixCs,
        ("hasprefix_cs", true) => B::NotHasPrefixCs,
        ("hassuffix", false) => B::HasSuffix,
        ("hassuffix", true) => B::NotHasSuffix,
        ("hassuffix_cs", false) => B::HasSuffixCs,
        ("hassuffix_cs", true) => B::NotHasSuffixCs,
        ("contains", false) => B::Contains,
        ("contains", true) | ("notcontains", false) => B::NotContains,
        ("contains_cs" | "containscs", false) => B::ContainsCs,
        ("contains_cs", true) | ("notcontainscs", false) => B::NotContainsCs,
        ("startswith", false) => B::StartsWith,
        ("startswith", true) => B::NotStartsWith,
        ("startswith_cs", false) => B::StartsWithCs,
        ("startswith_cs", true) => B::NotStartsWithCs,
        ("endswith", false) => B::EndsWith,
        ("endswith", true) => B::NotEndsWith,
        ("endswith_cs", false) => B::EndsWithCs,
        ("endswith_cs", true) => B::NotEndsWithCs,
        ("like", false) => B::Like,
        ("notlike", false) => B::NotLike,
        ("likecs", false) => B::LikeCs,
        ("notlikecs", false) => B::NotLikeCs,
        _ => return None,
    })
}
