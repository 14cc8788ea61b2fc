//! What a check is, and what it finds.

use std::ops::Range;

use crate::context::Context;
use crate::report::Report;

/// Named sets of checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Set {
    /// Azure would refuse the rule, or lose a part of it.
    Api,
    /// The validation of Microsoft's content repository would fail.
    Repo,
    /// The rule works, but not as well as it could, or not as it was probably meant.
    Style,
}

impl Set {
    /// All sets.
    pub const ALL: [Set; 3] = [Set::Api, Set::Repo, Set::Style];

    /// The name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Set::Api => "api",
            Set::Repo => "repo",
            Set::Style => "style",
        }
    }

    /// The set of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Set> {
        Set::ALL.into_iter().find(|set| set.name() == name)
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The rule is refused or cannot run.
    Error,
    /// The rule works, but probably not as meant.
    Warning,
    /// The rule could be better.
    Advice,
}

impl Severity {
    /// The name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Advice => "advice",
        }
    }
}

impl From<kql_syntax::Severity> for Severity {
    fn from(severity: kql_syntax::Severity) -> Self {
        match severity {
            kql_syntax::Severity::Error => Severity::Error,
            kql_syntax::Severity::Warning => Severity::Warning,
        }
    }
}

/// A check: one file, whose doc comment is its page.
pub struct Check {
    /// Never used for anything else, even when the check is gone.
    pub code: &'static str,
    /// In few words, with hyphens.
    pub name: &'static str,
    /// The sets that it belongs to.
    pub sets: &'static [Set],
    /// How bad its findings are, if it does not say otherwise.
    pub severity: Severity,
    /// Whether `--fix` mends some of its findings.
    pub fixable: bool,
    pub(crate) source: &'static str,
    pub(crate) run: Run,
}

/// How a check works.
pub(crate) enum Run {
    /// On one rule.
    Rule(fn(&Context<'_>, &mut Report<'_>)),
    /// On what the others see of all rules.
    Elsewhere,
}

/// Something that is wrong with a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Code of the check.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence.
    pub message: String,
    /// Why that matters.
    pub why: String,
    /// How to mend it.
    pub help: Option<String>,
    /// Name of the rule.
    pub rule: Option<String>,
    /// Where it stands.
    pub place: FilePlace,
    /// Edits that mend it.
    pub fix: Option<Fix>,
    /// The query that it stands in, where the lines of the file are not those of the query.
    pub within: Option<Within>,
}

/// A place in a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Within {
    /// The query.
    pub text: String,
    /// Bytes of it.
    pub span: Range<usize>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilePlace {
    /// The file's name as it was given; none for a text of the command line.
    pub file: Option<String>,
    /// Bytes of the file's text; none where nothing but the line is known.
    pub span: Option<Range<usize>>,
    /// Line, from 1; 0 where the whole file is meant.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Line of the end.
    pub end_line: usize,
    /// Column behind the end.
    pub end_column: usize,
}

/// Edits of one file that mend a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// Edits, which do not overlap.
    pub edits: Vec<Edit>,
}

/// Other text in the place of some bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What goes.
    pub span: Range<usize>,
    /// What comes.
    pub text: String,
}

impl Finding {
    pub(crate) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn fix(&mut self, fix: Option<Fix>) -> &mut Self {
        self.fix = fix;
        self
    }

    pub(crate) fn severity(&mut self, severity: Severity) -> &mut Self {
        self.severity = severity;
        self
    }
}
