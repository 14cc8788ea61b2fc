//! Comments that allow findings: `# picquet: allow CODE reason`, in queries `// picquet: allow CODE reason`.

use std::cell::Cell;
use std::ops::Range;

use crate::check::{Check, Finding, Severity};
use crate::checks::{self, CHECKS};
use crate::context::Options;
use crate::docs;
use crate::source::Source;

const MARK: &str = "picquet:";

/// A comment that allows findings.
#[derive(Debug)]
struct Allow {
    codes: Vec<String>,
    reason: String,
    /// Bytes of the comment, from its mark on.
    span: Range<usize>,
    /// Lines whose findings it allows, from 1; all where there are none.
    lines: Option<(usize, usize)>,
    used: Vec<Cell<bool>>,
}

/// The comments of a file.
#[derive(Debug, Default)]
pub(crate) struct Suppressions {
    list: Vec<Allow>,
}

impl Suppressions {
    pub(crate) fn read(source: &Source) -> Suppressions {
        if !source.text.contains(MARK) {
            return Suppressions::default();
        }
        let lines: Vec<&str> = source.text.split_inclusive('\n').collect();
        let mut list = Vec::new();
        let mut at = 0;
        for (index, line) in lines.iter().enumerate() {
            list.extend(allow(line, at, index, &lines));
            at += line.len();
        }
        Suppressions { list }
    }

    /// Whether a comment allows a finding; the comment counts as used then.
    pub(crate) fn allows(&self, finding: &Finding) -> bool {
        let mut allowed = false;
        for allow in self.list.iter().filter(|allow| !allow.reason.is_empty()) {
            let here = allow.lines.is_none_or(|(from, to)| (from..=to).contains(&finding.place.line));
            let code = allow.codes.iter().position(|code| *code == finding.code);
            if let Some(used) = code.filter(|_| here).and_then(|index| allow.used.get(index)) {
                used.set(true);
                allowed = true;
            }
        }
        allowed
    }

    /// What is wrong with the comments themselves.
    pub(crate) fn faults(&self, source: &Source, options: &Options<'_>) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut add = |allow: &Allow, message: String, help: &str| {
            found.push(Finding {
                code: checks::SUPPRESSION.code,
                severity: Severity::Warning,
                message,
                why: docs::why(&checks::SUPPRESSION),
                help: Some(help.to_owned()),
                rule: None,
                place: source.place(allow.span.clone()),
                fix: None,
                within: None,
            });
        };
        for allow in &self.list {
            if allow.reason.is_empty() {
                let help = "write why behind the code; without a reason the comment has no effect";
                add(allow, "the comment gives no reason".to_owned(), help);
                continue;
            }
            for (code, used) in allow.codes.iter().zip(&allow.used) {
                if !is_code(code) {
                    add(allow, format!("`{code}` is no code of a check"), "write a code such as `PQ301`");
                } else if !used.get() && is_checked(code, options) {
                    add(allow, format!("nothing here is {code}"), "take the comment out");
                }
            }
        }
        found
    }
}

fn is_code(code: &str) -> bool {
    let known = |check: &&Check| check.code == code;
    CHECKS.iter().any(|check| known(&check))
        || ["KS", "PQ0", "PQ1", "PQ2"].iter().any(|front| code.starts_with(front) && code.len() == 5)
}

/// Whether findings of a code would have come up.
fn is_checked(code: &str, options: &Options<'_>) -> bool {
    match CHECKS.iter().find(|check| check.code == code) {
        Some(check) => checks::is_selected(check, options) && checks::sees_only_its_rule(check),
        None => true,
    }
}

fn allow(line: &str, at: usize, index: usize, lines: &[&str]) -> Option<Allow> {
    let mark = line.find(MARK)?;
    let before = line.get(..mark)?.trim_end();
    let code_before = before.strip_suffix('#').or_else(|| before.strip_suffix("//"))?;
    let rest = line.get(mark + MARK.len()..)?.trim();
    let (whole_file, rest) = match rest.strip_prefix("allow-file") {
        Some(rest) => (true, rest),
        None => (false, rest.strip_prefix("allow")?),
    };
    let (codes, reason) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
    let codes: Vec<String> = codes.split(',').filter(|code| !code.is_empty()).map(str::to_owned).collect();
    let number = index + 1;
    let lines = if whole_file {
        None
    } else if code_before.trim().is_empty() {
        Some(following(index, lines))
    } else {
        Some((number, number))
    };
    let used = codes.iter().map(|_| Cell::new(false)).collect();
    let end = at + line.trim_end().len();
    Some(Allow { codes, reason: reason.trim().to_owned(), span: at + code_before.len()..end, lines, used })
}

/// The line below a comment, with what is nested in it.
fn following(index: usize, lines: &[&str]) -> (usize, usize) {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let is_text = |line: &str| !line.trim().is_empty();
    let is_comment = |line: &str| line.trim_start().starts_with('#') || line.trim_start().starts_with("//");
    let first = (index + 1..lines.len()).find(|i| lines.get(*i).is_some_and(|l| is_text(l) && !is_comment(l)));
    let Some(first) = first else { return (index + 1, index + 1) };
    let head = lines.get(first).copied().unwrap_or_default();
    // A list may stand as deep as its key.
    let opens_list = head.trim_end().ends_with(':');
    let mut last = first;
    for (number, line) in lines.iter().enumerate().skip(first + 1).filter(|(_, line)| is_text(line)) {
        let item = opens_list && indent(line) == indent(head) && line.trim_start().starts_with('-');
        if indent(line) <= indent(head) && !item {
            break;
        }
        last = number;
    }
    (first + 1, last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<Option<(usize, usize)>> {
        let source = Source::new(None, text.to_owned());
        Suppressions::read(&source).list.into_iter().map(|allow| allow.lines).collect()
    }

    #[test]
    fn which_lines_are_meant() {
        let cases = [
            ("a: 1 # picquet: allow PQ501 why\n", Some((1, 1))),
            ("# picquet: allow PQ501 why\n\nname: x\nb: 1\n", Some((3, 3))),
            ("# picquet: allow PQ501 why\nmap:\n- a: 1\n  b: 2\nc: 1\n", Some((2, 4))),
            ("# picquet: allow PQ501,PQ502 why\nquery: |\n  T\n\n  | take 1\nc: 1\n", Some((2, 5))),
            ("q: |\n  T\n  // picquet: allow PQ510 why\n  | where x\n  | take 1\n", Some((4, 4))),
            ("# picquet: allow-file PQ501 why\n", None),
            ("# picquet: allow PQ501 why", Some((1, 1))),
        ];
        for (text, expected) in cases {
            assert_eq!(lines(text), [expected], "{text}");
        }
        assert!(lines("name: picquet: allow PQ501 x\n# allow PQ501\n").is_empty());
    }
}
