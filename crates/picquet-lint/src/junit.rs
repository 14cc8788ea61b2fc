//! Findings as JUnit XML: a test case a rule, which fails where there are errors or warnings.

use std::fmt::Write as _;

use crate::check::{Finding, Severity};
use crate::linter::Checked;

/// The report of one run: the findings of files, by their names.
#[must_use]
pub fn junit(files: &[(String, &Checked)], findings: &[Finding]) -> String {
    let mut cases = String::new();
    let (mut tests, mut failures) = (0, 0);
    for (file, checked) in files {
        let of_file: Vec<&Finding> =
            findings.iter().filter(|finding| finding.place.file.as_deref().unwrap_or("query") == file).collect();
        let mut names: Vec<Option<&str>> = checked.rules.iter().map(|rule| rule.name.as_deref()).collect();
        names.dedup();
        // What belongs to no rule is a case of the file itself.
        let stray = of_file.iter().any(|finding| !names.contains(&finding.rule.as_deref()));
        if stray || names.is_empty() {
            names.push(None);
        }
        for (number, name) in names.iter().enumerate() {
            let last = number + 1 == names.len();
            let is_own = |finding: &&Finding| {
                let rule = finding.rule.as_deref();
                rule == *name || (last && !names.contains(&rule))
            };
            let own: Vec<&Finding> = of_file.iter().copied().filter(is_own).collect();
            tests += 1;
            failures += usize::from(case(file, name.unwrap_or(file), &own, &mut cases));
        }
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"{tests}\" failures=\"{failures}\">\n  <testsuite name=\"picquet check\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\">\n{cases}  </testsuite>\n</testsuites>\n"
    )
}

/// Writes a case; true where it fails.
fn case(file: &str, name: &str, findings: &[&Finding], out: &mut String) -> bool {
    let (advice, failing): (Vec<&Finding>, Vec<&Finding>) =
        findings.iter().copied().partition(|finding| finding.severity == Severity::Advice);
    let _ = write!(out, "    <testcase classname=\"{}\" name=\"{}\"", escape(file), escape(name));
    if findings.is_empty() {
        out.push_str("/>\n");
        return false;
    }
    out.push_str(">\n");
    if let Some(first) = failing.first() {
        let message = match failing.len() {
            1 => first.message.clone(),
            count => format!("{} and {} more", first.message, count - 1),
        };
        let _ = writeln!(
            out,
            "      <failure type=\"{}\" message=\"{}\">{}</failure>",
            first.code,
            escape(&message),
            escape(&lines(&failing))
        );
    }
    if !advice.is_empty() {
        let _ = writeln!(out, "      <system-out>{}</system-out>", escape(&lines(&advice)));
    }
    out.push_str("    </testcase>\n");
    !failing.is_empty()
}

fn lines(findings: &[&Finding]) -> String {
    let line = |f: &&Finding| {
        let file = f.place.file.as_deref().unwrap_or("query");
        let help = f.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{file}:{}:{}: {}[{}]: {}{help}", f.place.line, f.place.column, f.severity.name(), f.code, f.message)
    };
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Text for XML; characters that it cannot hold are replaced.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
