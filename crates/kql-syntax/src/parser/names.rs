//! Names, words that cannot be names, wildcards and declarations.

use super::Parser;
use crate::Span;
use crate::ast::{ColumnDecl, Expr, ExprKind, Name, ParamType};
use crate::lexer::TokenKind;

/// Keywords that stand for themselves everywhere; as a name they need brackets. Sorted.
const RESERVED: &[&str] = &[
    "3Dchart",
    "__contextual_datatable",
    "__crossCluster",
    "__crossDB",
    "__executeAndCache",
    "__id",
    "__isFuzzy",
    "__noWithSource",
    "__packedColumn",
    "__projectAway",
    "__sourceColumnIndex",
    "and",
    "anomalychart",
    "areachart",
    "asc",
    "bagexpansion",
    "barchart",
    "between",
    "bin_legacy",
    "boolean",
    "byte",
    "cachingpolicy",
    "callout",
    "cancel",
    "card",
    "char",
    "columnchart",
    "contains_cs",
    "containscs",
    "cycles",
    "dataexport",
    "datascope",
    "date",
    "datetime",
    "decimal",
    "decodeblocks",
    "desc",
    "double",
    "dynamic",
    "encodingpolicy",
    "endswith",
    "endswith_cs",
    "expandoutput",
    "extent_tags_retention",
    "external_data",
    "false",
    "first",
    "flags",
    "float",
    "force_remote",
    "harddelete",
    "hardretention",
    "has_all",
    "has_any",
    "has_cs",
    "hasprefix",
    "hasprefix_cs",
    "hassuffix",
    "hassuffix_cs",
    "hotcache",
    "int",
    "int16",
    "int32",
    "int64",
    "int8",
    "isfuzzy",
    "journal",
    "ladderchart",
    "last",
    "like",
    "likecs",
    "linechart",
    "long",
    "missing",
    "nooptimization",
    "notcontains",
    "notcontainscs",
    "notlike",
    "notlikecs",
    "or",
    "others",
    "pathformat",
    "piechart",
    "pivotchart",
    "project",
    "queries",
    "query_results",
    "real",
    "relaxed",
    "restricted_view_access",
    "row_level_security",
    "rowstore",
    "rowstore_references",
    "rowstore_sealinfo",
    "rowstorepolicy",
    "rowstores",
    "scatterchart",
    "seal",
    "seals",
    "shards",
    "simple",
    "softdelete",
    "softretention",
    "stackedareachart",
    "startswith",
    "startswith_cs",
    "statistics",
    "storedqueryresultcontainers",
    "string",
    "tablepurge",
    "time",
    "timechart",
    "timeline",
    "timepivot",
    "timespan",
    "treemap",
    "true",
    "uint",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
    "ulong",
    "union",
    "uniqueid",
    "unrestrictedviewers",
    "views",
    "with_itemindex",
    "with_match_id",
    "with_step_name",
    "writeaheadlog",
];

/// Keywords that can name a column or parameter where it is declared (`extend by = 1`), and nothing else without
/// brackets. Sorted.
const RESERVED_REFERENCE: &[&str] = &[
    "accumulate",
    "as",
    "by",
    "contains",
    "datatable",
    "earliest",
    "externaldata",
    "find",
    "has",
    "in",
    "invoke",
    "latest",
    "materialize",
    "mdm",
    "of",
    "print",
    "sample",
    "search",
    "set",
    "sql",
    "title",
    "to",
    "toscalar",
    "totable",
    "verbose",
    "viewers",
    "where",
];

const TYPES: &[&str] = &[
    "bool", "boolean", "date", "datetime", "decimal", "double", "dynamic", "float", "guid", "int", "int16", "int32",
    "int64", "int8", "long", "real", "string", "time", "timespan", "uint", "uint16", "uint32", "uint64", "uint8",
    "ulong", "uniqueid",
];

/// Keywords that can be referred to, but not declared, without brackets.
const REFERENCE_ONLY: &[&str] = &["kind", "with_source", "withsource"];

/// The types of declared columns and parameters; `typeof` takes all of [`TYPES`].
const DECLARED_TYPES: &[&str] = &[
    "bool", "boolean", "date", "datetime", "decimal", "double", "dynamic", "guid", "int", "int64", "int8", "long",
    "real", "string", "time", "timespan", "uniqueid",
];

/// The spellings of the two values of type bool.
const BOOLS: &[&str] = &["true", "True", "TRUE", "false", "False", "FALSE"];

/// Whether the word can name a column where it is declared.
pub(super) fn is_column_name(word: &str) -> bool {
    RESERVED.binary_search(&word).is_err() && !REFERENCE_ONLY.contains(&word) && !BOOLS.contains(&word)
}

pub(super) fn is_reserved(word: &str) -> bool {
    RESERVED.binary_search(&word).is_ok() || RESERVED_REFERENCE.binary_search(&word).is_ok()
}

impl Parser<'_> {
    /// `['a b']` or `["a b"]` at `ahead`.
    pub(super) fn bracketed_at(&self, ahead: usize) -> bool {
        self.kind_at(ahead) == TokenKind::LBracket
            && self.kind_at(ahead + 1) == TokenKind::String
            && self.kind_at(ahead + 2) == TokenKind::RBracket
    }

    /// How many tokens a name takes at `ahead`: 1, 3 with brackets, 0 for no name.
    pub(super) fn name_len(&self, ahead: usize) -> usize {
        match self.kind_at(ahead) {
            TokenKind::Ident if is_column_name(self.text_at(ahead)) => 1,
            TokenKind::LBracket if self.bracketed_at(ahead) => 3,
            _ => 0,
        }
    }

    /// The name of a variable, table alias or option: no keyword that means something else.
    pub(super) fn declared_name(&mut self) -> Name {
        if self.at(TokenKind::Ident) && (is_reserved(self.word()) || !is_column_name(self.word())) {
            return self.no_name();
        }
        self.expect_name()
    }

    /// The name of a column or parameter where it is declared.
    pub(super) fn column_name(&mut self) -> Name {
        if self.at(TokenKind::Ident) && !is_column_name(self.word()) {
            return self.no_name();
        }
        self.expect_name()
    }

    fn no_name(&mut self) -> Name {
        self.missing("name");
        let at = self.previous_end();
        Name { text: String::new(), span: Span { start: at, end: at } }
    }

    /// A name; any word will do.
    pub(super) fn name(&mut self) -> Option<Name> {
        let start = self.start();
        if self.bracketed_at(0) {
            self.bump();
            let text = self.string_value();
            self.bump();
            return Some(Name { text, span: self.since(start) });
        }
        if self.at(TokenKind::Ident) {
            let token = self.bump();
            return Some(Name { text: token.span.text(self.source).to_owned(), span: token.span });
        }
        None
    }

    pub(super) fn expect_name(&mut self) -> Name {
        if let Some(name) = self.name() {
            return name;
        }
        self.no_name()
    }

    /// Whether a name with a `*` stands at `ahead`.
    pub(super) fn wildcard_at(&self, ahead: usize) -> bool {
        let first = self.kind_at(ahead);
        first == TokenKind::Star
            || (first == TokenKind::Ident && self.kind_at(ahead + 1) == TokenKind::Star && self.joined(ahead + 1))
    }

    /// A column or table that may hold `*`: `a*`, `*_x`, `*`.
    pub(super) fn wildcard_name(&mut self) -> Option<Name> {
        let start = self.start();
        if !self.wildcard_at(0) {
            return None;
        }
        self.bump();
        while self.joined_to_previous()
            && matches!(self.kind(), TokenKind::Star | TokenKind::Ident | TokenKind::Long | TokenKind::Timespan)
        {
            self.bump();
        }
        let span = self.since(start);
        Some(Name { text: span.text(self.source).to_owned(), span })
    }

    fn joined_to_previous(&self) -> bool {
        self.pos > 0 && self.previous_end() == self.token().span.start
    }

    /// A reference in a list of columns or tables: a name with wildcards, or an expression of names and calls.
    pub(super) fn wildcard_expr(&mut self) -> Expr {
        let start = self.start();
        if let Some(name) = self.wildcard_name() {
            return Expr { span: name.span, kind: ExprKind::Name(name) };
        }
        let outer = std::mem::replace(&mut self.wildcards, true);
        let mut base = self.postfix();
        self.wildcards = outer;
        while self.at(TokenKind::Dot) {
            self.bump();
            let Some(name) = self.wildcard_name() else {
                self.missing("name");
                break;
            };
            let selector = Expr { span: name.span, kind: ExprKind::Name(name) };
            base = Expr {
                kind: ExprKind::Path { base: Box::new(base), selector: Box::new(selector) },
                span: self.since(start),
            };
        }
        base
    }

    /// A column in a list of columns: a name, maybe with wildcards.
    pub(super) fn column_ref(&mut self) -> Expr {
        let start = self.start();
        let plain = self.name_len(0) > 0 && !is_reserved(self.word());
        let name = self.wildcard_name().or_else(|| if plain { self.name() } else { None });
        let Some(name) = name else {
            self.missing("expression");
            return self.error_expr();
        };
        Expr { kind: ExprKind::Name(name), span: self.since(start) }
    }

    /// A type name inside `typeof`; unknown ones are reported.
    pub(super) fn type_name(&mut self) -> Name {
        self.type_name_of(TYPES)
    }

    /// The type of a declared column or parameter.
    pub(super) fn declared_type(&mut self) -> Name {
        self.type_name_of(DECLARED_TYPES)
    }

    fn type_name_of(&mut self, types: &[&str]) -> Name {
        if !self.at(TokenKind::Ident) {
            self.missing("type name");
            let at = self.previous_end();
            return Name { text: String::new(), span: Span { start: at, end: at } };
        }
        let name = self.expect_name();
        if !types.contains(&name.text.as_str()) {
            let message = format!("The name '{}' is not a valid type name that can be used here.", name.text);
            self.error("KS160", name.span, message);
        }
        name
    }

    /// `name:type`; in `typeof` with more types.
    fn column_decl(&mut self, declared: bool) -> ColumnDecl {
        let name = self.column_name();
        self.expect(TokenKind::Colon, ":");
        let ty = if declared { self.declared_type() } else { self.type_name() };
        ColumnDecl { name, ty }
    }

    /// `(a:long, b:string)`
    pub(super) fn column_decls(&mut self) -> Vec<ColumnDecl> {
        if !self.at(TokenKind::LParen) {
            self.missing("schema declaration");
            return Vec::new();
        }
        self.bump();
        let columns = self.columns_to_close(true);
        self.expect_close(TokenKind::RParen, ")");
        columns
    }

    /// `(*)`, `(*, a:long)` or `(a:long)`: columns, and whether the others stay.
    pub(super) fn open_column_decls(&mut self, declared: bool) -> (Vec<ColumnDecl>, bool) {
        if !self.at(TokenKind::LParen) {
            self.missing("schema declaration");
            return (Vec::new(), false);
        }
        self.bump();
        let open = self.eat(TokenKind::Star);
        let more = !open || self.eat(TokenKind::Comma);
        let columns = if more { self.columns_to_close(declared) } else { Vec::new() };
        self.expect_close(TokenKind::RParen, ")");
        (columns, open)
    }

    fn columns_to_close(&mut self, declared: bool) -> Vec<ColumnDecl> {
        let mut columns = Vec::new();
        while !self.at(TokenKind::RParen) {
            let before = self.pos;
            columns.push(self.column_decl(declared));
            let comma = self.eat(TokenKind::Comma);
            if !comma && self.at(TokenKind::Ident) {
                self.expected(",");
            } else if !comma {
                break;
            }
            if self.pos == before {
                break;
            }
        }
        columns
    }

    pub(super) fn param_type(&mut self) -> ParamType {
        if !self.at(TokenKind::LParen) {
            return ParamType::Scalar(self.declared_type());
        }
        self.bump();
        let open = self.eat(TokenKind::Star);
        let columns = if open { Vec::new() } else { self.columns_to_close(true) };
        self.expect_close(TokenKind::RParen, ")");
        ParamType::Tabular { columns, open }
    }
}
