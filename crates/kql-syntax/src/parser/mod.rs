//! The parser: recursive descent over the tokens, with recovery at `|`, `;` and closing brackets.

mod expr;
mod graph;
mod join;
mod literal;
mod names;
mod parse_ops;
mod pipeline;
mod shape;
mod statements;
mod summary;

use crate::ast::{Expr, ExprKind, Query};
use crate::lexer::{Token, TokenKind, tokenize};
use crate::{Diagnostic, Span};

/// A tree and what is wrong with the text.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The tree; broken places are [`ExprKind::Error`].
    pub query: Query,
    /// Errors in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

/// Levels of nesting before the parser gives up; Kusto's parser refuses about as many.
/// Whatever walks the tree recurses, so that the stack of a thread (2 MB) has to bear it.
const MAX_DEPTH: usize = 200;

/// Where less than this is left of the stack, it is continued elsewhere.
const RED_ZONE: usize = 256 << 10;
const STACK: usize = 4 << 20;

/// Links of a chain that becomes a chain of boxes (`a + b + …`, `a.b.c…`). Consumers of the tree recurse over it.
const MAX_CHAIN: usize = 500;

/// Errors before the rest of the text is skipped: garbage is not worth more.
const MAX_ERRORS: usize = 1000;

/// Links of a path (`a.b[0].c…`), for which consumers keep more on their stack.
const MAX_LINKS: usize = 150;

/// Parses a query text. Never fails and never panics.
pub fn parse(source: &str) -> Parsed {
    if source.len() >= u32::MAX as usize {
        let message = "Query text size exceeds maximum safe limit. Parsing not performed.";
        let diagnostics = vec![Diagnostic::error("KS244", Span::default(), message)];
        return Parsed { query: Query::default(), diagnostics };
    }
    let mut parser = Parser::new(source);
    let query = parser.query();
    let mut diagnostics = parser.diagnostics;
    diagnostics.sort_by_key(|d| d.span.start);
    Parsed { query, diagnostics }
}

pub(crate) struct Parser<'s> {
    source: &'s str,
    tokens: Vec<Token>,
    /// For each opening bracket the index of its closing one, and the reverse; `usize::MAX` for none.
    partner: Vec<usize>,
    pos: usize,
    diagnostics: Vec<Diagnostic>,
    /// Position of the last error, so that one cause gives one error.
    last_error: usize,
    depth: usize,
    /// How many braces of functions are open.
    braced: usize,
    /// How many brackets are open: a pipeline inside ends at `)`.
    nesting: usize,
    too_deep: bool,
    /// Inside the predicate of `search`, where `a:"x"` and bare strings are conditions.
    search_terms: bool,
    /// Inside a list of columns or tables, where names may hold `*`.
    wildcards: bool,
}

impl<'s> Parser<'s> {
    fn new(source: &'s str) -> Self {
        let mut tokens = tokenize(source);
        let mut diagnostics = Vec::new();
        for token in &tokens {
            if token.kind == TokenKind::Bad {
                let message = format!("Unexpected: {}", token.span.text(source));
                diagnostics.push(Diagnostic::error("KS002", token.span, message));
            }
        }
        tokens.retain(|t| t.kind != TokenKind::Comment);
        let end = source.len();
        tokens.push(Token { kind: TokenKind::Eof, span: Span::new(end, end) });
        let partner = partners(&tokens);
        Parser {
            source,
            tokens,
            partner,
            pos: 0,
            diagnostics,
            last_error: usize::MAX,
            depth: 0,
            braced: 0,
            nesting: 0,
            too_deep: false,
            search_terms: false,
            wildcards: false,
        }
    }

    fn token(&self) -> Token {
        self.nth(0)
    }

    fn nth(&self, ahead: usize) -> Token {
        let last = self.tokens.len() - 1;
        self.tokens[(self.pos + ahead).min(last)]
    }

    fn kind(&self) -> TokenKind {
        self.token().kind
    }

    fn kind_at(&self, ahead: usize) -> TokenKind {
        self.nth(ahead).kind
    }

    fn at(&self, kind: TokenKind) -> bool {
        self.kind() == kind
    }

    fn text_at(&self, ahead: usize) -> &'s str {
        self.nth(ahead).span.text(self.source)
    }

    /// The word at `ahead`, empty for other tokens.
    fn word_at(&self, ahead: usize) -> &'s str {
        if self.kind_at(ahead) == TokenKind::Ident { self.text_at(ahead) } else { "" }
    }

    fn word(&self) -> &'s str {
        self.word_at(0)
    }

    fn at_word(&self, word: &str) -> bool {
        self.word() == word
    }

    /// Whether the tokens at `ahead` and before it touch.
    fn joined(&self, ahead: usize) -> bool {
        ahead > 0 && self.nth(ahead - 1).span.end == self.nth(ahead).span.start
    }

    fn bump(&mut self) -> Token {
        let token = self.token();
        if self.pos + 1 < self.tokens.len() {
            self.pos += 1;
        }
        token
    }

    fn eat(&mut self, kind: TokenKind) -> bool {
        let found = self.at(kind);
        if found {
            self.bump();
        }
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.at_word(word);
        if found {
            self.bump();
        }
        found
    }

    /// Start of the current token.
    fn start(&self) -> Span {
        self.token().span
    }

    /// End of the last token.
    fn previous_end(&self) -> u32 {
        if self.pos == 0 { 0 } else { self.tokens[self.pos - 1].span.end }
    }

    /// From `start` to the end of the last token.
    fn since(&self, start: Span) -> Span {
        Span { start: start.start, end: self.previous_end().max(start.start) }
    }

    fn starts_line(&self, ahead: usize) -> bool {
        let at = self.pos + ahead;
        if at == 0 || at >= self.tokens.len() {
            return true;
        }
        let gap = Span { start: self.tokens[at - 1].span.end, end: self.tokens[at].span.start };
        gap.text(self.source).contains('\n')
    }

    fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        if self.last_error != self.pos {
            self.last_error = self.pos;
            if self.at(TokenKind::Bad) {
                return; // reported already
            }
            self.diagnostics.push(Diagnostic::error(code, span, message));
            if self.diagnostics.len() >= MAX_ERRORS {
                self.pos = self.tokens.len() - 1;
                self.last_error = self.pos;
            }
        }
    }

    /// Reports the absence of something between the last token and this one.
    fn missing(&mut self, what: &str) {
        let at = self.previous_end();
        let mut message = format!("Missing {what}");
        if matches!(what, "expression" | "name") && names::is_reserved(self.word()) {
            let word = self.word();
            let use_as = if what == "name" { "be used as the name, it" } else { "to be part of an expression it" };
            message = format!(
                "Missing {what}: If the keyword '{word}' is intended {use_as} needs to be bracketted as ['{word}']."
            );
        }
        self.error("KS006", Span { start: at, end: at }, message);
    }

    fn expected(&mut self, what: &str) {
        let token = self.token();
        let end = self.previous_end();
        let span =
            if token.kind == TokenKind::Eof || self.starts_line(0) { Span { start: end, end } } else { token.span };
        self.error("KS005", span, format!("Expected: {what}"));
    }

    fn expect(&mut self, kind: TokenKind, what: &str) -> bool {
        let found = self.eat(kind);
        if !found {
            self.expected(what);
        }
        found
    }

    fn expect_word(&mut self, word: &str) -> bool {
        let found = self.eat_word(word);
        if !found {
            self.expected(word);
        }
        found
    }

    /// Ends a bracket: skips what is left before the closing one, unless a statement or the text ends first.
    fn expect_close(&mut self, kind: TokenKind, what: &str) {
        if self.eat(kind) {
            return;
        }
        self.expected(what);
        let mut at = self.pos;
        while at < self.tokens.len() {
            let found = self.tokens[at].kind;
            if found == kind {
                self.pos = at;
                self.bump();
                return;
            }
            match found {
                TokenKind::Eof | TokenKind::Semicolon | TokenKind::RParen | TokenKind::RBracket | TokenKind::RBrace => {
                    break;
                }
                TokenKind::LParen | TokenKind::LBracket | TokenKind::LBrace if self.partner[at] != usize::MAX => {
                    at = self.partner[at] + 1;
                }
                _ => at += 1,
            }
        }
        self.pos = at.min(self.tokens.len() - 1);
    }

    /// Skips to the next token at which parsing can go on.
    fn resync(&mut self) {
        loop {
            match self.kind() {
                TokenKind::Eof
                | TokenKind::Pipe
                | TokenKind::Semicolon
                | TokenKind::RParen
                | TokenKind::RBracket
                | TokenKind::RBrace => return,
                TokenKind::LParen | TokenKind::LBracket | TokenKind::LBrace if self.partner[self.pos] != usize::MAX => {
                    self.pos = self.partner[self.pos] + 1;
                }
                _ => {
                    self.bump();
                }
            }
        }
    }

    /// An error node of no width after the last token.
    fn error_expr(&self) -> Expr {
        let at = self.previous_end();
        Expr { kind: ExprKind::Error, span: Span { start: at, end: at } }
    }

    /// Runs `inner` one level deeper, or reports that the text nests too deep.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= MAX_DEPTH {
            self.report_depth();
            return None;
        }
        self.depth += 1;
        // A level of an unoptimised build takes more than small threads have.
        let value = stacker::maybe_grow(RED_ZONE, STACK, || inner(self));
        self.depth -= 1;
        Some(value)
    }

    /// One error for all places that nest too deep; the rest of the text is skipped.
    fn report_depth(&mut self) {
        if !self.too_deep {
            self.too_deep = true;
            let message = "Query syntax depth exceeds maximum safe limit. Semantic analysis not performed.";
            self.diagnostics.push(Diagnostic::error("KS245", self.token().span, message));
        }
        self.pos = self.tokens.len() - 1;
        self.last_error = self.pos;
    }

    /// `item, item, …`, at least one.
    fn comma_list<T>(&mut self, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let mut items = vec![item(self)];
        loop {
            let before = self.pos;
            if self.eat(TokenKind::Comma) {
                items.push(item(self));
            } else if self.starts_element() {
                self.expected(",");
                items.push(item(self));
            } else {
                return items;
            }
            if self.pos == before {
                return items;
            }
        }
    }

    /// Whether another list element starts here, with its comma forgotten.
    fn starts_element(&self) -> bool {
        match self.kind() {
            TokenKind::Ident => !names::is_reserved(self.word()) && !self.at_clause() && !self.starts_statement(),
            TokenKind::String | TokenKind::OpenString | TokenKind::Long | TokenKind::Real => true,
            TokenKind::Timespan | TokenKind::TypedLiteral => true,
            _ => false,
        }
    }

    /// Words that go on after a list without being reserved.
    fn at_clause(&self) -> bool {
        matches!(
            self.word(),
            "on" | "with"
                | "from"
                | "step"
                | "limit"
                | "id"
                | "nulls"
                | "where"
                | "project"
                | "granny"
                | "bin"
                | "in"
                | "partition"
                | "declare"
                | "partitioned"
        )
    }

    /// A new statement on a new line: the `;` before it was forgotten.
    fn starts_statement(&self) -> bool {
        (matches!(self.word(), "let" | "set") && self.kind_at(1) == TokenKind::Ident) && self.nesting == 0
    }
}

/// Matches brackets; a wrong closing bracket closes the nearest opening one of its kind.
fn partners(tokens: &[Token]) -> Vec<usize> {
    let mut partner = vec![usize::MAX; tokens.len()];
    let mut open: Vec<usize> = Vec::new();
    let mut counts = [0usize; 3];
    let class = |kind| match kind {
        TokenKind::LParen | TokenKind::RParen => Some(0),
        TokenKind::LBracket | TokenKind::RBracket => Some(1),
        TokenKind::LBrace | TokenKind::RBrace => Some(2),
        _ => None,
    };
    for (i, token) in tokens.iter().enumerate() {
        let Some(c) = class(token.kind) else { continue };
        if matches!(token.kind, TokenKind::LParen | TokenKind::LBracket | TokenKind::LBrace) {
            open.push(i);
            counts[c] += 1;
        } else if counts[c] > 0 {
            while let Some(j) = open.pop() {
                let other = class(tokens[j].kind).unwrap_or(0);
                counts[other] -= 1;
                if other == c {
                    partner[i] = j;
                    partner[j] = i;
                    break;
                }
            }
        }
    }
    partner
}
