//! The page of a check, from the doc comment of its file.

use crate::check::Check;
use crate::checks::CHECKS;

impl Check {
    /// The doc comment.
    #[must_use]
    pub fn doc(&self) -> String {
        let lines = self.source.lines().take_while(|line| line.starts_with("//!"));
        lines
            .map(|line| format!("{}\n", line.trim_start_matches("//!").strip_prefix(' ').unwrap_or_default()))
            .collect()
    }

    /// The first paragraph: what is found.
    #[must_use]
    pub fn summary(&self) -> String {
        paragraph(&self.doc(), "")
    }

    /// How to mend what is found.
    #[must_use]
    pub fn remedy(&self) -> String {
        paragraph(&self.doc(), "How to mend it")
    }

    /// The Markdown page.
    #[must_use]
    pub fn page(&self) -> String {
        let sets: Vec<String> = self.sets.iter().map(|set| format!("`{}`", set.name())).collect();
        let fix = if self.fixable { "yes, for what is mechanical" } else { "no" };
        format!(
            "<!-- Written by `picquet-dev lints` from the check's doc comment. -->\n\n# {} {}\n\n{}\n| | |\n|---|---|\n| sets | {} |\n| severity | {} |\n| `--fix` | {fix} |\n",
            self.code,
            self.name,
            self.doc(),
            sets.join(", "),
            self.severity.name(),
        )
    }
}

/// Why what a check finds matters.
pub(crate) fn why(check: &Check) -> String {
    paragraph(&check.doc(), "Why it matters")
}

/// The first paragraph under a heading; without one, the first of all. Lines are joined.
fn paragraph(doc: &str, heading: &str) -> String {
    let mut lines = doc.lines();
    if !heading.is_empty() {
        lines.by_ref().find(|line| line.strip_prefix("## ") == Some(heading));
    }
    let text: Vec<&str> =
        lines.map(str::trim).skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty()).collect();
    text.join(" ")
}

/// All pages: file name and text, with an index.
#[must_use]
pub fn pages() -> Vec<(String, String)> {
    let mut pages: Vec<(String, String)> =
        CHECKS.iter().map(|check| (format!("{}.md", check.code), check.page())).collect();
    let row = |check: &Check| {
        let sets: Vec<&str> = check.sets.iter().map(|set| set.name()).collect();
        format!(
            "| [{code}]({code}.md) | {} | {} | {} | {} |\n",
            check.name,
            sets.join(", "),
            check.severity.name(),
            check.summary(),
            code = check.code,
        )
    };
    let rows: String = CHECKS.iter().map(row).collect();
    let index = format!(
        "<!-- Written by `picquet-dev lints` from the checks' doc comments. -->\n\n# Checks of rules\n\nHow they are run: [check.md](../check.md).\n\n| code | name | sets | severity | finds |\n|---|---|---|---|---|\n{rows}"
    );
    pages.push(("README.md".to_owned(), index));
    pages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_says_what_why_and_how() {
        let mut codes = std::collections::HashSet::new();
        for check in CHECKS {
            assert!(codes.insert(check.code), "{} twice", check.code);
            assert!(!check.summary().is_empty() && !check.summary().starts_with('#'), "{}", check.code);
            assert!(!why(check).is_empty(), "{} says not why", check.code);
            assert!(!check.remedy().is_empty(), "{} says not how", check.code);
            assert!(!check.sets.is_empty(), "{}", check.code);
        }
        assert!(CHECKS.is_sorted_by_key(|check| check.code));
    }
}
