//! Operators that shape rows and columns: project, mv-expand, sort, range, render…

use super::Parser;
use crate::Span;
use crate::ast::{Expr, ExprKind, Literal, MvItem, Name, NamedExpr, OperatorKind, Ordered, Property};
use crate::lexer::TokenKind;

const RENDER_PROPERTIES: &[&str] = &[
    "accumulate",
    "anomalycolumns",
    "kind",
    "legend",
    "series",
    "title",
    "xaxis",
    "xcolumn",
    "xmax",
    "xmin",
    "xtitle",
    "yaxis",
    "ycolumns",
    "ymax",
    "ymin",
    "ysplit",
    "ytitle",
    "__timezone",
];

impl Parser<'_> {
    pub(super) fn distinct(&mut self) -> OperatorKind {
        OperatorKind::Distinct(self.comma_list(|p| {
            if p.at(TokenKind::Star) {
                let span = p.bump().span;
                return NamedExpr { names: Vec::new(), value: Expr { kind: ExprKind::Star, span }, span };
            }
            p.named_expr()
        }))
    }

    /// `project` may be empty.
    pub(super) fn project(&mut self) -> OperatorKind {
        OperatorKind::Project(if self.at_end() { Vec::new() } else { self.named_list() })
    }

    pub(super) fn serialize(&mut self) -> OperatorKind {
        OperatorKind::Serialize(if self.at_end() { Vec::new() } else { self.named_list() })
    }

    /// Whether an operator ends here.
    pub(super) fn at_end(&self) -> bool {
        matches!(
            self.kind(),
            TokenKind::Pipe | TokenKind::RParen | TokenKind::RBrace | TokenKind::Semicolon | TokenKind::Eof
        )
    }

    pub(super) fn project_reorder(&mut self) -> OperatorKind {
        OperatorKind::ProjectReorder(self.list_or_none(|p| {
            let column = p.column_ref();
            let start = p.start();
            let word = p.glued_word(0).to_owned();
            if !matches!(word.as_str(), "asc" | "desc" | "granny-asc" | "granny-desc") {
                return (column, None);
            }
            p.bump_glued(&word);
            (column, Some(Name { text: word, span: p.since(start) }))
        }))
    }

    pub(super) fn evaluate(&mut self) -> OperatorKind {
        let call = if self.name_len(0) > 0 || self.at(TokenKind::Ident) {
            self.call()
        } else {
            self.missing("expression");
            self.error_expr()
        };
        let (mut schema, mut open) = (None, false);
        if self.eat(TokenKind::Colon) {
            let (columns, star) = self.open_column_decls(true);
            schema = Some(columns);
            open = star;
        }
        OperatorKind::Evaluate { call, schema, open }
    }

    pub(super) fn invoke(&mut self) -> OperatorKind {
        let place = matches!(self.word(), "database" | "cluster" | "workspace" | "app" | "adx");
        if self.kind_at(1) != TokenKind::LParen && !self.bracketed_at(0) && !place {
            self.missing("expression");
        }
        OperatorKind::Invoke(self.postfix())
    }

    fn mv_items(&mut self) -> Vec<MvItem> {
        self.comma_list(|p| {
            let expr = p.named_expr();
            let mut to = None;
            if p.eat_word("to") {
                p.expect_word("typeof");
                if p.expect(TokenKind::LParen, "(") {
                    to = Some(p.type_name());
                    p.expect_close(TokenKind::RParen, ")");
                }
            }
            MvItem { expr, to }
        })
    }

    /// The old spelling, `mvexpand`, gives at most 128 rows for a row unless it says otherwise.
    pub(super) fn mv_expand(&mut self, legacy: bool) -> OperatorKind {
        let start = self.start();
        let items = self.mv_items();
        let mut limit = self.eat_word("limit").then(|| self.expr());
        if legacy && limit.is_none() {
            let kind = ExprKind::Literal(Literal::Long(Some(128)));
            limit = Some(Expr { kind, span: self.since(start) });
        }
        OperatorKind::MvExpand { items, limit }
    }

    pub(super) fn mv_apply(&mut self) -> OperatorKind {
        let items = self.mv_items();
        let limit = self.eat_word("limit").then(|| self.expr());
        let context_id = if self.eat_word("id") { self.context_id() } else { None };
        self.expect_word("on");
        let body = self.operators_in_parens();
        OperatorKind::MvApply { items, limit, context_id, body }
    }

    /// The id of an mv-apply, a guid or a name.
    fn context_id(&mut self) -> Option<Name> {
        let start = self.start();
        self.postfix();
        let span = self.since(start);
        Some(Name { text: span.text(self.source).to_owned(), span })
    }

    /// `x asc nulls first`
    pub(super) fn ordered(&mut self) -> Ordered {
        let expr = self.named_expr();
        let (ascending, nulls_first) = self.direction();
        Ordered { expr, ascending, nulls_first }
    }

    pub(super) fn direction(&mut self) -> (Option<bool>, Option<bool>) {
        let ascending = if self.eat_word("asc") {
            Some(true)
        } else if self.eat_word("desc") {
            Some(false)
        } else {
            None
        };
        let mut nulls_first = None;
        if self.at_word("nulls") {
            self.bump();
            if self.eat_word("first") {
                nulls_first = Some(true);
            } else if self.eat_word("last") {
                nulls_first = Some(false);
            } else {
                self.missing("first or last");
            }
        }
        (ascending, nulls_first)
    }

    pub(super) fn expected_one_of(&mut self, words: &[&str]) {
        let before = self.diagnostics.len();
        self.expected("");
        if let Some(last) = self.diagnostics.get_mut(before) {
            last.message = format!("Expected one of: {}", words.join(", "));
        }
    }

    /// The error of [`Parser::expected_one_of`] about a word that was read.
    pub(super) fn not_one_of(&mut self, at: Span, words: &[&str]) {
        let listed = words.join(", ");
        let message =
            if words.len() == 1 { format!("Expected: {listed}") } else { format!("Expected one of: {listed}") };
        self.error("KS005", at, message);
    }

    pub(super) fn sort(&mut self, properties: &mut Vec<Property>) -> OperatorKind {
        self.expect_word("by");
        properties.extend(self.properties(&[]));
        OperatorKind::Sort(self.comma_list(Self::ordered))
    }

    pub(super) fn range(&mut self) -> OperatorKind {
        let column = self.declared_name();
        self.expect_word("from");
        let from = self.expr();
        self.expect_word("to");
        let to = self.expr();
        self.expect_word("step");
        let step = self.expr();
        OperatorKind::Range { column, from, to, step }
    }

    pub(super) fn sample_distinct(&mut self) -> OperatorKind {
        let count = self.unnamed_expr();
        self.expect_word("of");
        OperatorKind::SampleDistinct { count, of: self.named_expr() }
    }

    pub(super) fn reduce(&mut self) -> OperatorKind {
        self.expect_word("by");
        let by = self.named_expr();
        let mut with = Vec::new();
        if self.eat_word("with") {
            while matches!(self.word(), "threshold" | "characters") {
                with.push(self.property(false));
                if !self.eat(TokenKind::Comma) {
                    break;
                }
            }
            if matches!(self.word(), "threshold" | "characters") {
                self.expected(",");
            }
        }
        OperatorKind::Reduce { by, with }
    }

    pub(super) fn render(&mut self) -> OperatorKind {
        const CHARTS: &[&str] = &[
            "table",
            "list",
            "barchart",
            "piechart",
            "ladderchart",
            "timechart",
            "linechart",
            "anomalychart",
            "pivotchart",
            "areachart",
            "stackedareachart",
            "scatterchart",
            "timepivot",
            "columnchart",
            "timeline",
            "3Dchart",
            "card",
            "treemap",
            "plotly",
            "graph",
            "sankey",
        ];
        let chart = if self.at(TokenKind::Ident) && !self.at_word("with") { self.name() } else { None };
        match &chart {
            None => self.expected_one_of(CHARTS),
            Some(chart) if !CHARTS.contains(&chart.text.as_str()) => self.not_one_of(chart.span, CHARTS),
            Some(_) => {}
        }
        let mut properties = Vec::new();
        loop {
            if self.at(TokenKind::Ident) && self.kind_at(1) == TokenKind::Assign {
                let property = self.property(false);
                self.check_value("render", &property);
                properties.push(property);
                self.eat(TokenKind::Comma);
            } else if self.at_word("with") && self.kind_at(1) == TokenKind::LParen {
                let found = self.with_properties(RENDER_PROPERTIES);
                found.iter().for_each(|property| self.check_value("render", property));
                properties.extend(found);
            } else if self.at_word("by") {
                let name = Name { text: "by".to_owned(), span: self.bump().span };
                let columns = self.comma_list(Self::expr);
                properties.extend(columns.into_iter().map(|value| Property { name: name.clone(), value }));
            } else {
                return OperatorKind::Render { chart, properties };
            }
        }
    }
}
