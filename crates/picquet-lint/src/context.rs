//! What a check sees of a rule.

use kql_semantics::Catalog;
use kql_syntax::{Span, ast};
use picquet_rules::{AnalyticsRule, Place, RuleTree, ScalarMap};

use crate::answer::Answer;
use crate::check::{Edit, Fix, Set};
use crate::facts::{Bound, Facts};
use crate::samples::Samples;
use crate::source::Source;
use crate::times;

/// What checks depend on besides the rule.
#[derive(Clone)]
pub struct Options<'a> {
    /// Which sets are checked.
    pub sets: Vec<Set>,
    /// Codes that are not checked.
    pub allow: Vec<String>,
    /// Tables and functions.
    pub catalog: &'a dyn Catalog,
    /// The instant of `now()`: ticks of 100 ns since year 1.
    pub now: i64,
    /// Values of log data, to see whether literals can match.
    pub samples: Option<&'a dyn Samples>,
    /// Ids of data connectors besides the built-in ones.
    pub connectors: Vec<String>,
}

/// What a check sees of a rule.
pub(crate) struct Context<'a> {
    pub source: &'a Source,
    pub rule: &'a AnalyticsRule,
    pub tree: &'a RuleTree,
    pub root: Place<'a>,
    pub options: &'a Options<'a>,
    /// None for kinds that run none.
    pub query: Option<QueryContext<'a>>,
    /// The file at the git base, if it is another one now.
    pub previous: Option<&'a AnalyticsRule>,
}

/// The rule's query, parsed and bound.
pub(crate) struct QueryContext<'a> {
    pub text: &'a str,
    pub map: Option<ScalarMap>,
    pub syntax: ast::Query,
    pub answer: &'a Answer,
    pub facts: Facts,
    /// Bounds of time that do not move with `now()`.
    pub absolute: Vec<Bound>,
}

impl<'a> QueryContext<'a> {
    pub(crate) fn new(text: &'a str, map: Option<ScalarMap>, answer: &'a Answer, options: &Options<'_>) -> Self {
        let facts = answer.tree.as_ref().map(Facts::of).unwrap_or_default();
        let syntax = kql_syntax::parse(text).query;
        let absolute = times::absolute_bounds(text, &syntax, &facts, options);
        QueryContext { text, map, syntax, answer, facts, absolute }
    }

    /// Whether binding found no errors: then the columns are what they seem.
    pub(crate) fn is_sound(&self) -> bool {
        self.answer.errors.is_empty()
    }

    /// Whether a span is one of this text, and not of a saved function's.
    pub(crate) fn holds(&self, span: Span, word: &str) -> bool {
        span.text(self.text).contains(word)
    }
}

/// The columns of a query's result, where they are known.
pub(crate) struct Columns<'c> {
    list: &'c [(String, &'static str)],
    open: bool,
}

/// Whether a result has a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Presence {
    Yes,
    /// The data may bring it.
    Maybe,
    /// Only one that differs in case.
    OtherCase(String),
    /// And the nearest one, if any is near.
    No(Option<String>),
}

impl Columns<'_> {
    pub(crate) fn presence(&self, name: &str) -> Presence {
        if self.list.iter().any(|(known, _)| known == name) {
            return Presence::Yes;
        }
        if self.open {
            return Presence::Maybe;
        }
        if let Some((known, _)) = self.list.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            return Presence::OtherCase(known.clone());
        }
        Presence::No(picquet_rules::nearest(name, self.list.iter().map(|(known, _)| known.as_str())).map(str::to_owned))
    }

    /// The name of a column's type.
    pub(crate) fn type_of(&self, name: &str) -> Option<&'static str> {
        self.list.iter().find(|(known, _)| known == name).map(|(_, ty)| *ty)
    }

    /// The names, for a message.
    pub(crate) fn names(&self) -> String {
        const SHOWN: usize = 12;
        let mut names: Vec<&str> = self.list.iter().take(SHOWN).map(|(name, _)| name.as_str()).collect();
        if self.list.len() > SHOWN {
            names.push("…");
        }
        names.join(", ")
    }
}

impl Context<'_> {
    /// The result's columns, if the query is without errors and gives one table.
    pub(crate) fn columns(&self) -> Option<Columns<'_>> {
        let query = self.query.as_ref().filter(|query| query.is_sound())?;
        let list = query.answer.columns.as_deref()?;
        Some(Columns { list, open: query.answer.open })
    }

    /// Another text in the place of a value; none where its place is not known.
    pub(crate) fn replace(&self, place: Place<'_>, text: &str) -> Option<Fix> {
        let old = place.text()?;
        let is_plain = text.chars().all(|c| c.is_alphanumeric() || " _.-:".contains(c));
        let map = place.map(&self.source.text).filter(|_| is_plain)?;
        Some(Fix { edits: vec![Edit { span: map.range(0, old.len()), text: text.to_owned() }] })
    }

    /// Another text in the place of a part of the query.
    pub(crate) fn replace_in_query(&self, span: Span, text: &str) -> Option<Fix> {
        let query = self.query.as_ref()?;
        let map = query.map.as_ref()?;
        let old = span.text(query.text);
        let safe = |text: &str| !text.contains(['"', '\'', '\\', '\n']);
        let is_writable = map.shows_lines() || (safe(old) && safe(text));
        if old.is_empty() || !is_writable {
            return None;
        }
        let range = map.range(span.start as usize, span.end as usize);
        // The file writes these characters as they are, or the edit would fall on something else.
        (self.source.text.get(range.clone()) == Some(old))
            .then(|| Fix { edits: vec![Edit { span: range, text: text.to_owned() }] })
    }
}
