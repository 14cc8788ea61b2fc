//! From tokens to a document: statements, pipelines, operators, brackets.

use super::document::Doc;
use super::spacing::{blank, is_property};
use crate::{Token, TokenKind};

use TokenKind as T;

/// Operators whose items stand on lines of their own where one line is too short.
const LISTS: [&str; 19] = [
    "distinct",
    "extend",
    "make-series",
    "mv-expand",
    "mvexpand",
    "order",
    "print",
    "project",
    "project-away",
    "project-keep",
    "project-rename",
    "project-reorder",
    "range",
    "reduce",
    "serialize",
    "sort",
    "summarize",
    "top-nested",
    "union",
];

/// Lays a token sequence out.
pub(super) struct Layout<'s> {
    source: &'s str,
    tokens: &'s [Token],
    /// For an opening bracket the position of its closing one.
    partner: Vec<usize>,
}

/// How the lines of a sequence break at pipes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pipes {
    /// Always.
    Hard,
    /// With the group.
    Group,
}

impl<'s> Layout<'s> {
    pub(super) fn new(source: &'s str, tokens: &'s [Token]) -> Self {
        let mut partner = vec![usize::MAX; tokens.len()];
        let mut open = Vec::new();
        for (i, token) in tokens.iter().enumerate() {
            match token.kind {
                T::LParen | T::LBracket | T::LBrace => open.push(i),
                T::RParen | T::RBracket | T::RBrace => {
                    if let Some(start) = open.pop() {
                        partner[start] = i;
                    }
                }
                _ => {}
            }
        }
        Layout { source, tokens, partner }
    }

    pub(super) fn document(&self) -> Vec<Doc<'s>> {
        self.statements(0, self.tokens.len())
    }

    fn text(&self, i: usize) -> &'s str {
        self.tokens[i].span.text(self.source).trim_end()
    }

    fn kind(&self, i: usize) -> TokenKind {
        self.tokens[i].kind
    }

    fn is_comment(&self, i: usize) -> bool {
        matches!(self.kind(i), T::Comment | T::Directive)
    }

    fn is_word(&self, i: usize, word: &str) -> bool {
        self.kind(i) == T::Ident && self.text(i) == word
    }

    /// Line breaks in the source before a token.
    fn breaks_before(&self, i: usize) -> usize {
        let from = if i == 0 { 0 } else { self.tokens[i - 1].span.end };
        let gap = self.source.get(from as usize..self.tokens[i].span.start as usize).unwrap_or("");
        gap.matches('\n').count()
    }

    /// Positions of a kind outside brackets.
    fn outer(&self, from: usize, to: usize, test: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut found = Vec::new();
        let mut i = from;
        while i < to {
            if test(i) {
                found.push(i);
            }
            i = match self.partner[i] {
                usize::MAX => i + 1,
                close => close.max(i) + 1,
            };
        }
        found
    }

    /// Statements, a line or more each.
    fn statements(&self, from: usize, to: usize) -> Vec<Doc<'s>> {
        let mut parts = Vec::new();
        let mut start = from;
        for end in self.outer(from, to, |i| self.kind(i) == T::Semicolon) {
            self.statement(start, end, &mut parts);
            parts.push(Doc::Text(";"));
            start = end + 1;
        }
        self.statement(start, to, &mut parts);
        parts
    }

    fn statement(&self, from: usize, to: usize, parts: &mut Vec<Doc<'s>>) {
        let mut from = from;
        // A comment behind the statement before stays on its line.
        while from < to && self.is_comment(from) && from > 0 && self.breaks_before(from) == 0 {
            parts.push(Doc::Space);
            parts.push(Doc::Text(self.text(from)));
            from += 1;
        }
        if from >= to {
            return;
        }
        parts.push(if from > 0 && self.breaks_before(from) > 1 { Doc::Blank } else { Doc::Hard });
        while from < to && self.is_comment(from) {
            parts.push(Doc::Text(self.text(from)));
            from += 1;
            let blank = from < self.tokens.len() && self.breaks_before(from) > 1;
            parts.push(if blank { Doc::Blank } else { Doc::Hard });
        }
        if from >= to {
            return;
        }
        let assign = self.outer(from, to, |i| self.kind(i) == T::Assign).first().copied();
        match assign {
            Some(assign) if self.is_word(from, "let") => {
                self.tokens_between(from, assign + 1, true, parts);
                let pipes = !self.outer(assign + 1, to, |i| self.kind(i) == T::Pipe).is_empty();
                if pipes {
                    let mut value = vec![Doc::Hard];
                    value.extend(self.pipeline(assign + 1, to, Pipes::Hard));
                    parts.push(Doc::Indent(value));
                } else {
                    parts.push(Doc::Space);
                    parts.push(Doc::Group(vec![Doc::Indent(self.segment(assign + 1, to))]));
                }
            }
            _ => parts.extend(self.pipeline(from, to, Pipes::Hard)),
        }
    }

    /// `source | operator | operator`
    fn pipeline(&self, from: usize, to: usize, pipes: Pipes) -> Vec<Doc<'s>> {
        let mut parts = Vec::new();
        let mut start = from;
        let mut ends = self.outer(from, to, |i| self.kind(i) == T::Pipe);
        ends.push(to);
        for end in ends {
            // Comments between operators stand on lines of their own, before the pipe that follows them.
            let mut last = end;
            while last > start && self.is_comment(last - 1) && self.breaks_before(last - 1) > 0 {
                last -= 1;
            }
            if start > from {
                parts.push(self.line_before(start - 1, pipes));
                parts.push(Doc::Text("|"));
                parts.push(Doc::Space);
            }
            // A comment behind an operator stays on its line.
            let mut code = last;
            while code > start + 1 && self.is_comment(code - 1) {
                code -= 1;
            }
            parts.push(Doc::Group(self.segment(start, code)));
            for comment in code..last {
                parts.push(if self.breaks_before(comment) > 0 { Doc::Hard } else { Doc::Space });
                parts.push(Doc::Text(self.text(comment)));
                parts.push(Doc::Hard);
            }
            for comment in last..end {
                parts.push(if self.breaks_before(comment) > 1 { Doc::Blank } else { Doc::Hard });
                parts.push(Doc::Text(self.text(comment)));
                parts.push(Doc::Hard);
            }
            start = end + 1;
        }
        parts
    }

    fn line_before(&self, i: usize, pipes: Pipes) -> Doc<'s> {
        match pipes {
            Pipes::Hard if self.breaks_before(i) > 1 => Doc::Blank,
            Pipes::Hard => Doc::Hard,
            Pipes::Group => Doc::Line,
        }
    }

    /// The first word of an operator, hyphens included, and where it ends.
    fn operator(&self, from: usize, to: usize) -> (String, usize) {
        let mut end = from;
        let mut name = String::new();
        while end < to {
            let touches = end == from || self.tokens[end - 1].span.end == self.tokens[end].span.start;
            if !touches || !matches!(self.kind(end), T::Ident | T::Minus) {
                break;
            }
            name.push_str(self.text(end));
            end += 1;
        }
        (name, end)
    }

    /// One operator, or the source of a pipeline.
    fn segment(&self, from: usize, to: usize) -> Vec<Doc<'s>> {
        let mut parts = Vec::new();
        let mut start = from;
        while start < to && self.is_comment(start) {
            parts.push(Doc::Text(self.text(start)));
            parts.push(Doc::Hard);
            start += 1;
        }
        let (name, mut head) = self.operator(start, to);
        let is_list = LISTS.binary_search(&name.as_str()).is_ok();
        if !is_list || head >= to {
            let mut inner = Vec::new();
            self.tokens_between(start, to, false, &mut inner);
            parts.push(Doc::Indent(inner));
            return parts;
        }
        // `sort by`, `order by` and properties belong to the first line.
        if head < to && self.is_word(head, "by") && matches!(name.as_str(), "sort" | "order" | "reduce") {
            head += 1;
        }
        while let Some(end) = self.property_end(head, to) {
            head = end;
        }
        self.tokens_between(start, head, false, &mut parts);
        if head < to {
            let mut inner = vec![if self.is_comment(head) { Doc::Space } else { Doc::Line }];
            self.tokens_between(head, to, true, &mut inner);
            parts.push(Doc::Indent(inner));
        }
        parts
    }

    /// Where `name=value` or `hint.name=value` at a position ends.
    fn property_end(&self, from: usize, to: usize) -> Option<usize> {
        let mut i = from;
        while i < to && matches!(self.kind(i), T::Ident | T::Dot) {
            i += 1;
        }
        if i == from || i + 1 >= to || self.kind(i) != T::Assign {
            return None;
        }
        let hint = self.text(from) == "hint";
        (hint || is_property(self.text(i - 1))).then_some(i + 2)
    }

    /// Tokens with what stands between them; `list` for places in which `=` names an item and commas break lines.
    fn tokens_between(&self, from: usize, to: usize, list: bool, parts: &mut Vec<Doc<'s>>) {
        let mut i = from;
        while i < to {
            if i > from {
                self.between(i, list, parts);
            }
            if self.is_comment(i) {
                parts.push(Doc::Text(self.text(i)));
                parts.push(Doc::Hard);
                i += 1;
                continue;
            }
            match (self.kind(i), self.partner[i]) {
                (T::LParen | T::LBracket | T::LBrace, close) if close != usize::MAX && close < to => {
                    parts.push(self.bracket(i, close));
                    i = close + 1;
                }
                _ => {
                    parts.push(Doc::Text(self.text(i)));
                    i += 1;
                }
            }
        }
    }

    fn between(&self, i: usize, list: bool, parts: &mut Vec<Doc<'s>>) {
        let (left, right) = (&self.tokens[i - 1], &self.tokens[i]);
        if self.is_comment(i) {
            parts.push(if self.breaks_before(i) > 0 { Doc::Hard } else { Doc::Space });
            return;
        }
        if self.is_comment(i - 1) {
            return;
        }
        let names = |i: usize| i > 0 && !is_property(self.text(i - 1)) && !self.is_hint(i - 1);
        let named = list && (right.kind == T::Assign && names(i) || left.kind == T::Assign && i > 1 && names(i - 1));
        let breaks = left.kind == T::Comma
            || self.kind(i) == T::Ident && matches!(self.text(i), "and" | "or")
            || list
                && self.kind(i) == T::Ident
                && matches!(self.text(i), "by" | "on" | "from" | "step")
                && left.kind != T::Comma
                && left.kind != T::Dot;
        let before = if i > 1 { self.tokens.get(i - 2) } else { None };
        let apart = left.span.end < right.span.start || matches!(left.kind, T::RParen | T::RBracket);
        if breaks && (left.kind == T::Comma || apart) {
            parts.push(Doc::Line);
        } else if named || blank(self.source, before, left, right) || self.after_property(i) {
            parts.push(Doc::Space);
        }
    }

    /// Whether the token before is the value of a property, and this one an opening parenthesis.
    fn after_property(&self, i: usize) -> bool {
        self.kind(i) == T::LParen
            && i > 2
            && self.kind(i - 2) == T::Assign
            && (is_property(self.text(i - 3)) || self.is_hint(i - 3))
    }

    /// `hint.strategy`
    fn is_hint(&self, i: usize) -> bool {
        i > 1 && self.kind(i - 1) == T::Dot && self.text(i - 2) == "hint"
    }

    /// A bracket with what it holds.
    fn bracket(&self, open: usize, close: usize) -> Doc<'s> {
        let (opening, closing) = (Doc::Text(self.text(open)), Doc::Text(self.text(close)));
        if close == open + 1 {
            return Doc::Bracket(vec![opening, closing]);
        }
        let from = open + 1;
        let has = |kind: TokenKind| !self.outer(from, close, |i| self.kind(i) == kind).is_empty();
        if self.kind(open) == T::LBrace {
            let line = if has(T::Pipe) || has(T::Semicolon) { Doc::Hard } else { Doc::Line };
            let mut body = vec![line.clone()];
            body.extend(if has(T::Semicolon) {
                self.statements(from, close)
            } else {
                self.pipeline(from, close, Pipes::Hard)
            });
            return Doc::Bracket(vec![opening, Doc::Indent(body), line, closing]);
        }
        if has(T::Pipe) {
            let mut body = vec![Doc::Soft];
            body.extend(self.pipeline(from, close, Pipes::Group));
            return Doc::Bracket(vec![opening, Doc::Indent(body), Doc::Soft, closing]);
        }
        if self.kind(open) == T::LBracket && self.rows(open, close) {
            return self.table(open, close);
        }
        let mut inner = vec![Doc::Soft];
        let (name, _) = self.operator(from, close);
        if has(T::Semicolon) {
            inner.extend(self.statements(from, close));
        } else if LISTS.binary_search(&name.as_str()).is_ok() {
            inner.push(Doc::Group(self.segment(from, close)));
        } else {
            self.tokens_between(from, close, false, &mut inner);
        }
        Doc::Bracket(vec![opening, Doc::Indent(inner), Doc::Soft, closing])
    }

    /// Whether the source has a list in lines of its own.
    fn rows(&self, open: usize, close: usize) -> bool {
        (open + 1..=close).any(|i| self.breaks_before(i) > 0)
    }

    /// A list whose lines stay as they are in the source: the rows of a `datatable`, or a long array.
    fn table(&self, open: usize, close: usize) -> Doc<'s> {
        let mut rows = vec![Doc::Hard];
        let mut i = open + 1;
        while i < close {
            if i > open + 1 {
                if self.breaks_before(i) > 0 {
                    rows.push(Doc::Hard);
                } else if self.tokens[i - 1].kind == T::Comma {
                    rows.push(Doc::Space);
                } else {
                    self.between(i, false, &mut rows);
                }
            }
            match (self.kind(i), self.partner[i]) {
                (T::LParen | T::LBracket | T::LBrace, end) if end != usize::MAX && end < close => {
                    rows.push(self.bracket(i, end));
                    i = end + 1;
                }
                _ => {
                    rows.push(Doc::Text(self.text(i)));
                    if self.is_comment(i) {
                        rows.push(Doc::Hard);
                    }
                    i += 1;
                }
            }
        }
        Doc::Bracket(vec![Doc::Text(self.text(open)), Doc::Indent(rows), Doc::Hard, Doc::Text(self.text(close))])
    }
}
