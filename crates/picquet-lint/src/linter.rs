//! Running the checks over files.

use std::collections::HashMap;

use kql_syntax::{Diagnostic, Span};
use picquet_rules::{AnalyticsRule, Loaded, Place, RuleError, RuleTree, ScalarMap, SourceFormat};

use crate::answer::{Answer, answer};
use crate::check::{Check, FilePlace, Finding, Run, Severity, Within};
use crate::checks::{self, CHECKS};
use crate::context::{Context, Options, QueryContext};
use crate::docs;
use crate::report::Report;
use crate::source::Source;
use crate::suppress::Suppressions;

/// Code of a rule that cannot be read.
const RULE_ERROR: &str = "PQ101";
/// Code of a remark on a rule.
const RULE_REMARK: &str = "PQ102";

/// Checks files.
pub struct Linter<'a> {
    options: Options<'a>,
}

/// What checking a file gave.
#[derive(Debug, Default)]
pub struct Checked {
    /// In the order of the file, without those that comments allow.
    pub findings: Vec<Finding>,
    /// Rules and queries that were checked.
    pub rules: Vec<CheckedRule>,
    /// How many findings comments allow.
    pub allowed: usize,
    ids: Vec<RuleId>,
}

/// A rule, or a query in a file of its own.
#[derive(Debug)]
pub struct CheckedRule {
    /// The rule's name; none for a query.
    pub name: Option<String>,
    /// What its query gives; none for kinds that run none.
    pub answer: Option<Answer>,
}

/// The id of a rule and where it stands.
#[derive(Debug, Clone)]
struct RuleId {
    /// A rule may be there in both forms.
    format: SourceFormat,
    id: String,
    rule: String,
    place: FilePlace,
    allowed: bool,
}

impl<'a> Linter<'a> {
    /// A linter.
    #[must_use]
    pub fn new(options: Options<'a>) -> Self {
        Self { options }
    }

    /// Checks a file that is a query.
    #[must_use]
    pub fn query(&self, source: &Source) -> Checked {
        let suppressions = Suppressions::read(source);
        let answer = answer(&source.text, self.options.catalog, self.options.now);
        let map = ScalarMap::identity();
        let found = answer.errors.iter().chain(&answer.warnings);
        let findings = found.map(|d| diagnostic(source, Some(&map), d, None)).collect();
        let rules = vec![CheckedRule { name: None, answer: Some(answer) }];
        self.finish(source, &suppressions, Checked { findings, rules, ..Checked::default() })
    }

    /// Checks the rules of a file. `previous` is the file's text at the git base, where there is one and it differs.
    #[must_use]
    pub fn rules(&self, source: &Source, loaded: &Loaded, previous: Option<&str>) -> Checked {
        let suppressions = Suppressions::read(source);
        let trees = RuleTree::all(&loaded.file, &source.text);
        let previous = previous.map(|text| picquet_rules::load_text(&loaded.file, text)).unwrap_or_default();
        let mut checked = Checked::default();
        for (index, rule) in loaded.rules.iter().enumerate() {
            let Some(tree) = trees.iter().find(|tree| tree.is_of(rule)) else { continue };
            let same_id = previous.rules.iter().find(|old| old.id == rule.id && rule.id.is_some());
            let same_place = || previous.rules.get(index).filter(|_| loaded.rules.len() == previous.rules.len());
            self.rule(source, rule, tree, same_id.or_else(same_place), &mut checked);
        }
        let problems = loaded.errors.iter().map(|e| (e, RULE_ERROR, Severity::Error));
        let remarks = loaded.warnings.iter().map(|w| (w, RULE_REMARK, Severity::Warning));
        for (problem, code, severity) in problems.chain(remarks) {
            let finding = rule_problem(source, problem, code, severity, &trees);
            // A check that looks closer says more of the same place.
            let told = |other: &Finding| {
                code == RULE_REMARK && finding.place.span.is_some() && other.place.span == finding.place.span
            };
            if !checked.findings.iter().any(told) {
                checked.findings.push(finding);
            }
        }
        for id in &mut checked.ids {
            let probe = duplicate(&*id, &*id);
            id.allowed = suppressions.allows(&probe);
        }
        self.finish(source, &suppressions, checked)
    }

    fn rule(
        &self,
        source: &Source,
        rule: &AnalyticsRule,
        tree: &RuleTree,
        previous: Option<&AnalyticsRule>,
        checked: &mut Checked,
    ) {
        let root = tree.root();
        let map = root.get("query").and_then(|place| place.map(&source.text));
        let answered = rule.is_executable().then(|| answer(&rule.query, self.options.catalog, self.options.now));
        if let Some(answered) = &answered {
            let found = answered.errors.iter().chain(&answered.warnings);
            checked.findings.extend(found.map(|d| diagnostic(source, map.as_ref(), d, Some(rule))));
        }
        let query = answered.as_ref().map(|answered| QueryContext::new(&rule.query, map, answered, &self.options));
        let context = Context { source, rule, tree, root, options: &self.options, query, previous };
        for check in CHECKS.iter().filter(|check| checks::is_selected(check, &self.options)) {
            if let Run::Rule(run) = check.run {
                let mut report = Report::new(check, &context);
                run(&context, &mut report);
                checked.findings.extend(report.into_findings());
            }
        }
        checked.ids.extend(rule_id(&context));
        drop(context);
        checked.rules.push(CheckedRule { name: Some(rule.name.clone()), answer: answered });
    }

    fn finish(&self, source: &Source, suppressions: &Suppressions, mut checked: Checked) -> Checked {
        let before = checked.findings.len();
        let is_off = |code: &str| self.options.allow.iter().any(|allowed| allowed == code);
        checked.findings.retain(|finding| !is_off(finding.code) && !suppressions.allows(finding));
        checked.allowed = before - checked.findings.len();
        if !is_off(checks::SUPPRESSION.code) {
            checked.findings.extend(suppressions.faults(source, &self.options));
        }
        checked.findings.sort_by_key(|finding| (finding.place.line, finding.place.column, finding.severity));
        checked
    }

    /// Ids that several rules of all these files have: a finding at each rule but the first.
    #[must_use]
    pub fn duplicates<'c>(&self, files: impl IntoIterator<Item = &'c Checked>) -> Vec<Finding> {
        if !checks::is_selected(&checks::DUPLICATE_ID, &self.options) {
            return Vec::new();
        }
        let mut first: HashMap<(SourceFormat, &str), &RuleId> = HashMap::new();
        let mut found = Vec::new();
        for id in files.into_iter().flat_map(|checked| &checked.ids) {
            match first.get(&(id.format, id.id.as_str())) {
                Some(other) if !id.allowed => found.push(duplicate(id, other)),
                Some(_) => {}
                None => {
                    first.insert((id.format, id.id.as_str()), id);
                }
            }
        }
        found
    }
}

/// What a rule is known by in Azure: of YAML the id, of ARM the resource's name.
fn rule_id(context: &Context<'_>) -> Option<RuleId> {
    let id = context.rule.id.clone()?;
    let own =
        context.root.get("id").or_else(|| context.tree.resource().and_then(|r| r.get("name").or_else(|| r.get("id"))));
    // A resource whose name only a deployment makes is known by its template's id, which many may share.
    let names_it = |place: &Place<'_>| match place.expression() {
        Some(expression) => expression.to_lowercase().contains(&id.to_lowercase()),
        None => true,
    };
    let place = own.filter(names_it)?;
    let place = context.source.place(place.span());
    Some(RuleId { format: context.tree.format, id, rule: context.rule.name.clone(), place, allowed: false })
}

fn duplicate(id: &RuleId, other: &RuleId) -> Finding {
    let check: &Check = &checks::DUPLICATE_ID;
    let file = other.place.file.as_deref().unwrap_or("another rule");
    Finding {
        code: check.code,
        severity: check.severity,
        message: format!("the id {} is that of `{}`, too", id.id, other.rule),
        why: docs::why(check),
        help: Some(format!("give one of the two a new GUID; the other one stands at {file}:{}", other.place.line)),
        rule: Some(id.rule.clone()),
        place: id.place.clone(),
        fix: None,
        within: None,
    }
}

/// The query around a finding, where the file's lines do not show it.
pub(crate) fn within(query: &str, map: Option<&ScalarMap>, span: Span) -> Option<Within> {
    let shown = map.is_some_and(ScalarMap::shows_lines);
    (!shown).then(|| Within { text: query.to_owned(), span: span.start as usize..span.end as usize })
}

/// A finding of parser and binder.
fn diagnostic(source: &Source, map: Option<&ScalarMap>, d: &Diagnostic, rule: Option<&AnalyticsRule>) -> Finding {
    let place = match (map, rule) {
        (Some(map), _) => source.place(map.range(d.span.start as usize, d.span.end as usize)),
        (None, Some(rule)) => source.line(rule.query_location.first_line),
        (None, None) => FilePlace::default(),
    };
    Finding {
        code: d.code,
        severity: d.severity.into(),
        message: d.message.clone(),
        why: String::new(),
        help: d.help.clone(),
        rule: rule.map(|rule| rule.name.clone()),
        place,
        fix: None,
        within: rule.and_then(|rule| within(&rule.query, map, d.span)),
    }
}

fn rule_problem(
    source: &Source,
    problem: &RuleError,
    code: &'static str,
    severity: Severity,
    trees: &[RuleTree],
) -> Finding {
    let found = trees.iter().find_map(|tree| tree.find(&problem.path)).filter(|_| !problem.path.is_empty());
    let span = found.map(|place| place.span()).filter(|span| !span.is_empty());
    let line = problem.line.unwrap_or(0);
    let place = match span.map(|span| source.place(span)) {
        // Several rules of a template may have the same path but for the resource; the line tells them apart.
        Some(place) if line == 0 || place.line == line => place,
        _ if line > 0 => source.line(line),
        _ => FilePlace { file: source.name.clone(), ..FilePlace::default() },
    };
    let path = if problem.path.is_empty() { String::new() } else { format!("{}: ", problem.path) };
    Finding {
        code,
        severity,
        message: format!("{path}{}", problem.message),
        why: String::new(),
        help: problem.help.clone(),
        rule: None,
        place,
        fix: None,
        within: None,
    }
}
