//! Pipelines: a source, then operators behind `|`; their properties; tabular literals.

use super::{Parser, names};
use crate::ast::{Expr, ExprKind, Literal, Name, NamedExpr, Operator, OperatorKind, Property};
use crate::lexer::TokenKind;
use crate::{Diagnostic, Span};

const HINTS: &[&str] = &[
    "concurrency",
    "distribution",
    "materialized",
    "num_partitions",
    "pass_filters",
    "pass_filters_column",
    "progressive_top",
    "remote",
    "shufflekey",
    "spread",
    "strategy",
];

/// Which properties the operator takes, besides `hint.…`.
fn known_properties(operator: &str) -> &'static [&'static str] {
    match operator {
        "consume" => &["decodeblocks"],
        "evaluate" => &[],
        "find" => &["withsource", "with_source", "datascope", "isfuzzy"],
        "getschema" => &["kind"],
        "graph-match" => &["cycles"],
        "graph-shortest-paths" => &["output", "cycles"],
        "graph-mark-components" => &["kind", "with_component_id"],
        "join" | "lookup" | "reduce" | "search" | "make-series" => &["kind"],
        "macro-expand" => &["force_remote", "isfuzzy", "best_effort"],
        "mv-apply" | "mvapply" => &["with_itemindex", "kind", "bagexpansion"],
        "mv-expand" | "mvexpand" => &["kind", "bagexpansion", "with_itemindex"],
        "parse" | "parse-where" => &["kind", "flags"],
        "scan" => &["kind", "with_match_id", "with_step_name"],
        "summarize" => &["bin_legacy"],
        "union" => &["kind", "withsource", "with_source", "isfuzzy", "best_effort"],
        _ => &[],
    }
}

/// The words that a property of an operator may have as its value, where they are a closed list.
fn known_values(operator: &str, property: &str) -> Option<&'static [&'static str]> {
    Some(match (operator, property) {
        ("join", "kind") => &[
            "inner",
            "fullouter",
            "innerunique",
            "leftanti",
            "leftantisemi",
            "anti",
            "leftouter",
            "leftsemi",
            "rightanti",
            "rightantisemi",
            "rightouter",
            "rightsemi",
        ],
        ("lookup", "kind") => &["inner", "leftouter"],
        ("union", "kind") => &["inner", "outer"],
        ("mv-expand" | "mvexpand" | "mv-apply" | "mvapply", "kind" | "bagexpansion") => &["bag", "array"],
        ("parse" | "parse-where", "kind") => &["simple", "regex", "relaxed"],
        ("scan", "kind") => &["partial", "full"],
        ("search", "kind") => &["default", "case_insensitive", "case_sensitive"],
        ("graph-mark-components", "kind") => &["weak", "strong"],
        ("make-series", "kind") => &["nonempty"],
        ("render", "kind") => &["default", "unstacked", "stacked", "stacked100", "map"],
        ("render", "legend") => &["visible", "hidden"],
        ("render", "xaxis" | "yaxis") => &["linear", "log"],
        ("render", "ysplit") => &["none", "axes", "panels"],
        _ => return None,
    })
}

impl Parser<'_> {
    /// Refuses a value that the operator's property does not know.
    pub(super) fn check_value(&mut self, operator: &str, property: &Property) {
        let Some(known) = known_values(operator, &property.name.text) else { return };
        let fits = matches!(&property.value.kind, ExprKind::Name(name) if known.contains(&name.text.as_str()));
        if !fits && !matches!(property.value.kind, ExprKind::Error) {
            self.not_one_of(property.value.span, known);
        }
    }

    /// A scalar expression or a pipeline.
    pub(super) fn pipeline(&mut self) -> Expr {
        let start = self.start();
        let source = if self.at_source_operator(0) { self.source_operator() } else { self.expr() };
        if !self.at(TokenKind::Pipe) {
            return source;
        }
        let mut pipeline = self.more_pipeline(source);
        pipeline.span = self.since(start);
        pipeline
    }

    /// The operators behind a source that is parsed already.
    pub(super) fn more_pipeline(&mut self, source: Expr) -> Expr {
        let start = source.span;
        let operators = self.operators();
        Expr { kind: ExprKind::Pipeline { source: Box::new(source), operators }, span: self.since(start) }
    }

    fn source_operator(&mut self) -> Expr {
        let start = self.start();
        let operator = self.operator();
        self.end_of_operator();
        Expr { kind: ExprKind::Source(Box::new(operator)), span: self.since(start) }
    }

    /// `| op | op …`
    fn operators(&mut self) -> Vec<Operator> {
        let mut operators = Vec::new();
        while self.eat(TokenKind::Pipe) {
            let operator = self.operator();
            self.end_of_operator();
            // Of a row of bars without operators one says enough.
            let nothing = |o: &Operator| matches!(o.kind, OperatorKind::Error) && o.span.start == o.span.end;
            if !(nothing(&operator) && operators.last().is_some_and(nothing)) {
                operators.push(operator);
            }
        }
        operators
    }

    /// `op | op …` without a source, as in mv-apply.
    pub(super) fn inner_operators(&mut self) -> Vec<Operator> {
        let mut operators = vec![self.operator()];
        self.end_of_operator();
        operators.extend(self.operators());
        operators
    }

    /// `( op | op )`
    pub(super) fn operators_in_parens(&mut self) -> Vec<Operator> {
        if !self.expect(TokenKind::LParen, "(") {
            return Vec::new();
        }
        self.nesting += 1;
        let operators = self.nested(Self::inner_operators).unwrap_or_default();
        self.nesting -= 1;
        self.expect_close(TokenKind::RParen, ")");
        operators
    }

    /// Inside brackets: what follows an operator and is neither `|` nor an end is an error, and skipped.
    fn end_of_operator(&mut self) {
        if self.nesting == 0 {
            return;
        }
        match self.kind() {
            TokenKind::Pipe
            | TokenKind::RParen
            | TokenKind::RBrace
            | TokenKind::RBracket
            | TokenKind::Semicolon
            | TokenKind::Comma
            | TokenKind::Eof => {}
            _ => {
                if self.nesting > 0 {
                    self.expected(")");
                }
                self.resync();
            }
        }
    }

    /// Whether an operator that needs no source starts at `ahead`.
    pub(super) fn at_source_operator(&self, ahead: usize) -> bool {
        let next = self.kind_at(ahead + 1);
        match self.word_at(ahead) {
            "print" | "find" | "search" | "union" => next != TokenKind::Assign,
            "range" => {
                let name = self.name_len(ahead + 1);
                name > 0 && self.word_at(ahead + 1 + name) == "from"
            }
            "evaluate" => next == TokenKind::Ident,
            "macro" => self.glued_word(ahead) == "macro-expand",
            _ => false,
        }
    }

    /// A word with dashes (`project-away`), which the lexer splits.
    pub(super) fn glued_word(&self, ahead: usize) -> &str {
        let start = self.nth(ahead).span;
        if self.kind_at(ahead) != TokenKind::Ident {
            return "";
        }
        let mut last = ahead;
        while self.kind_at(last + 1) == TokenKind::Minus
            && self.joined(last + 1)
            && self.kind_at(last + 2) == TokenKind::Ident
            && self.joined(last + 2)
        {
            last += 2;
        }
        start.to(self.nth(last).span).text(self.source)
    }

    /// Skips a word with dashes.
    pub(super) fn bump_glued(&mut self, word: &str) {
        for _ in 0..=2 * word.matches('-').count() {
            self.bump();
        }
    }

    /// One operator, from its keyword.
    pub(super) fn operator(&mut self) -> Operator {
        let start = self.start();
        let word = self.glued_word(0).to_owned();
        let mut properties = Vec::new();
        let kind = match self.nested(|p| p.operator_kind(&word, &mut properties)) {
            Some(kind) => kind,
            None => OperatorKind::Error,
        };
        Operator { kind, span: self.since(start), properties }
    }

    fn operator_kind(&mut self, word: &str, properties: &mut Vec<Property>) -> OperatorKind {
        if !is_operator(word) {
            let token = self.token();
            let at = self.previous_end();
            let before = self.diagnostics.len();
            self.error("KS176", Span { start: at, end: at }, "Query operator expected.");
            if let (Some(found), TokenKind::Ident) = (self.diagnostics.get_mut(before), token.kind) {
                if !names::is_reserved(word) {
                    found.span = Span { end: token.span.start + word.len() as u32, ..token.span };
                }
                found.help = nearest_operator(word);
            }
            self.resync();
            return OperatorKind::Error;
        }
        self.bump_glued(word);
        *properties = self.properties(known_properties(word));
        properties.iter().for_each(|property| self.check_value(word, property));
        match word {
            "as" => OperatorKind::As(self.declared_name()),
            "assert-schema" => OperatorKind::AssertSchema(self.column_decls()),
            "consume" => OperatorKind::Consume,
            "count" => {
                let as_name = self.eat_word("as").then(|| self.declared_name());
                OperatorKind::Count { as_name }
            }
            "distinct" => self.distinct(),
            "evaluate" => self.evaluate(),
            "extend" => OperatorKind::Extend(self.named_list()),
            "facet" => self.facet(),
            "find" => self.find(properties),
            "fork" => self.fork(),
            "getschema" => OperatorKind::GetSchema,
            "graph-mark-components" => OperatorKind::GraphMarkComponents,
            "graph-match" | "graph-shortest-paths" => self.graph_match(word == "graph-match"),
            "graph-to-table" => self.graph_to_table(),
            "invoke" => self.invoke(),
            "join" | "lookup" => self.join(word == "join"),
            "macro-expand" => self.macro_expand(),
            "make-graph" => self.make_graph(),
            "make-series" => self.make_series(),
            "mv-apply" | "mvapply" => self.mv_apply(),
            "mv-expand" | "mvexpand" => self.mv_expand(word == "mvexpand"),
            "parse" | "parse-where" => self.parse_operator(word == "parse-where"),
            "parse-kv" => self.parse_kv(),
            "partition" => self.partition(properties),
            "print" => OperatorKind::Print(self.named_list()),
            "project" => self.project(),
            "project-away" => OperatorKind::ProjectAway(self.list_or_none(Self::column_ref)),
            "project-by-names" => OperatorKind::ProjectByNames(self.list_or_none(Self::expr)),
            "project-keep" => OperatorKind::ProjectKeep(self.list_or_none(Self::column_ref)),
            "project-rename" => OperatorKind::ProjectRename(self.list_or_none(Self::named_expr)),
            "project-reorder" => self.project_reorder(),
            "range" => self.range(),
            "reduce" => self.reduce(),
            "render" => self.render(),
            "sample" => OperatorKind::Sample(self.unnamed_expr()),
            "sample-distinct" => self.sample_distinct(),
            "scan" => self.scan(),
            "search" => self.search(),
            "serialize" => self.serialize(),
            "sort" | "order" => self.sort(properties),
            "summarize" => self.summarize(),
            "take" | "limit" => OperatorKind::Take(self.unnamed_expr()),
            "top" => self.top(),
            "top-hitters" => self.top_hitters(),
            "top-nested" => self.top_nested(),
            "union" => OperatorKind::Union(self.comma_list(Self::union_member)),
            "where" | "filter" => OperatorKind::Where(self.unnamed_expr()),
            other => {
                let span = self.since(self.start());
                self.error(
                    "KS177",
                    span,
                    format!("The query operator '{other}' is not allowed in the current context."),
                );
                self.resync();
                OperatorKind::Error
            }
        }
    }

    pub(super) fn named_list(&mut self) -> Vec<NamedExpr> {
        self.comma_list(Self::named_expr)
    }

    /// A list that may be empty.
    pub(super) fn list_or_none<T>(&mut self, item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        if self.at_end() { Vec::new() } else { self.comma_list(item) }
    }

    /// `kind=inner hint.strategy=shuffle …`
    pub(super) fn properties(&mut self, known: &[&str]) -> Vec<Property> {
        let mut found = Vec::new();
        loop {
            let hint =
                self.at_word("hint") && self.kind_at(1) == TokenKind::Dot && self.kind_at(3) == TokenKind::Assign;
            let hint = hint && HINTS.contains(&self.word_at(2));
            let plain = self.kind_at(1) == TokenKind::Assign
                && (known.iter().any(|k| k.eq_ignore_ascii_case(self.word()))
                    || (self.word().starts_with("__") && names::is_reserved(self.word())));
            if !hint && !plain {
                return found;
            }
            found.push(self.property(hint));
        }
    }

    /// One `name = value`, the name with a dot if `dotted`.
    pub(super) fn property(&mut self, dotted: bool) -> Property {
        let start = self.start();
        for _ in 0..if dotted { 3 } else { 1 } {
            self.bump();
        }
        let span = self.since(start);
        let text = span.text(self.source).split_whitespace().collect::<String>().to_lowercase();
        self.expect(TokenKind::Assign, "=");
        let value = match text.as_str() {
            // Titles may be computed.
            "title" | "xtitle" | "ytitle" => self.expr(),
            _ => self.property_value(),
        };
        Property { name: Name { text, span }, value }
    }

    /// A literal or a name; keywords are names here.
    pub(super) fn property_value(&mut self) -> Expr {
        let start = self.start();
        if matches!(self.kind(), TokenKind::Minus | TokenKind::Plus) {
            return self.expr();
        }
        if let Some(literal) = self.literal() {
            return literal;
        }
        match self.name() {
            Some(name) => Expr { kind: ExprKind::Name(name), span: self.since(start) },
            None => {
                self.missing("value");
                self.error_expr()
            }
        }
    }

    /// `with (a = 1, b = "x")`; the current token is `with`.
    pub(super) fn with_properties(&mut self, known: &[&str]) -> Vec<Property> {
        self.bump();
        let mut found = Vec::new();
        if !self.expect(TokenKind::LParen, "(") {
            return found;
        }
        while self.at(TokenKind::Ident) && (known.is_empty() || known.contains(&self.word())) {
            let property = self.property(false);
            let name = property.name.clone();
            found.push(property);
            if self.at(TokenKind::Ident) && self.kind_at(1) == TokenKind::Assign {
                self.expected(",");
            }
            while self.eat(TokenKind::Comma) {
                // `ycolumns = a, b`: a property with several values stands several times.
                if known.is_empty() || self.kind_at(1) == TokenKind::Assign || self.at(TokenKind::RParen) {
                    continue;
                }
                found.push(Property { name: name.clone(), value: self.property_value() });
            }
        }
        self.expect_close(TokenKind::RParen, ")");
        found
    }

    /// `datatable (a:long) [1, 2]`
    pub(super) fn datatable(&mut self) -> Expr {
        let start = self.bump().span;
        let mut properties = Vec::new();
        while self.at(TokenKind::Ident) && self.kind_at(1) == TokenKind::Assign {
            properties.push(self.property(false));
        }
        let columns = self.column_decls();
        let values = self.bracket_list();
        if let Some(value) = values.iter().find(|v| !is_constant(v)) {
            let error = Diagnostic::error("KS131", value.span, "The expression must be a literal.");
            self.diagnostics
                .push(error.with_help("A datatable holds literals only; use print or extend for the rest."));
        }
        Expr { kind: ExprKind::Datatable { columns, properties, values }, span: self.since(start) }
    }

    /// The smallest long, which has no positive counterpart: the engine knows it among the values of a datatable only.
    fn smallest_long(&mut self) -> Option<Expr> {
        let here =
            self.at(TokenKind::Minus) && self.kind_at(1) == TokenKind::Long && self.text_at(1) == "9223372036854775808";
        if !here {
            return None;
        }
        let start = self.bump().span;
        self.bump();
        Some(Expr { kind: ExprKind::Literal(Literal::Long(Some(i64::MIN))), span: self.since(start) })
    }

    /// `[a, b,]`
    fn bracket_list(&mut self) -> Vec<Expr> {
        let mut values = Vec::new();
        if !self.expect(TokenKind::LBracket, "[") {
            return values;
        }
        self.nesting += 1;
        while !self.at(TokenKind::RBracket) {
            let before = self.pos;
            values.push(self.smallest_long().unwrap_or_else(|| self.expr()));
            let comma = self.eat(TokenKind::Comma);
            if !comma && self.starts_element() {
                self.expected(",");
            } else if !comma || self.pos == before {
                break;
            }
        }
        self.nesting -= 1;
        self.expect_close(TokenKind::RBracket, "]");
        values
    }

    /// `externaldata (a:long) ["uri"] with (format="csv")`
    pub(super) fn externaldata(&mut self) -> Expr {
        let start = self.bump().span;
        while self.at(TokenKind::Ident) && self.kind_at(1) == TokenKind::Assign {
            self.property(false);
        }
        let columns = self.column_decls();
        let uris = self.bracket_list();
        let properties = if self.at_word("with") { self.with_properties(&[]) } else { Vec::new() };
        Expr { kind: ExprKind::Externaldata { columns, uris, properties }, span: self.since(start) }
    }
}

/// A literal, maybe with a sign; broken places have their own error.
pub(super) fn is_constant(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::Literal(_) | ExprKind::Error => true,
        ExprKind::Unary { operand, .. } => matches!(operand.kind, ExprKind::Literal(_) | ExprKind::Error),
        _ => false,
    }
}

/// The operator that a misspelt word comes nearest to.
fn nearest_operator(word: &str) -> Option<String> {
    let near = OPERATORS.iter().map(|o| (strsim::jaro_winkler(&word.to_lowercase(), o), o));
    let best = near.filter(|(score, _)| *score > 0.84).max_by(|a, b| a.0.total_cmp(&b.0));
    best.map(|(_, operator)| format!("did you mean '{operator}'?"))
}

pub(super) fn is_operator(word: &str) -> bool {
    OPERATORS.binary_search(&word).is_ok()
}

/// Sorted.
const OPERATORS: &[&str] = &[
    "__executeAndCache",
    "__partitionby",
    "as",
    "assert-schema",
    "consume",
    "count",
    "distinct",
    "evaluate",
    "extend",
    "facet",
    "filter",
    "find",
    "fork",
    "getschema",
    "graph-mark-components",
    "graph-match",
    "graph-shortest-paths",
    "graph-to-table",
    "graph-where-edges",
    "graph-where-nodes",
    "invoke",
    "join",
    "limit",
    "lookup",
    "macro-expand",
    "make-graph",
    "make-series",
    "mv-apply",
    "mv-expand",
    "mvapply",
    "mvexpand",
    "order",
    "parse",
    "parse-kv",
    "parse-where",
    "partition",
    "print",
    "project",
    "project-away",
    "project-by-names",
    "project-keep",
    "project-rename",
    "project-reorder",
    "range",
    "reduce",
    "render",
    "sample",
    "sample-distinct",
    "scan",
    "search",
    "serialize",
    "sort",
    "summarize",
    "take",
    "top",
    "top-hitters",
    "top-nested",
    "union",
    "where",
];
