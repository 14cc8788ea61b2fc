//! A rule's name ends in a full stop, is longer than fifty characters, or has capitals like a headline.
//!
//! ## Why it matters
//!
//! Names stand in lists of incidents, which cut them off; sentence case reads like the other rules there.
//!
//! ## How to mend it
//!
//! Say what is detected in a few words, with a capital only at the front and in proper names.

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::limits;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ501",
    name: "name-style",
    sets: &[Set::Style],
    severity: Severity::Advice,
    fixable: true,
    source: include_str!("name_style.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    if !context.rule.is_executable() {
        return;
    }
    let Some(place) = ["displayName", "name"].iter().find_map(|key| context.root.get(key)) else { return };
    let Some(name) = place.text().map(str::trim) else { return };
    if name.ends_with('.') && !name.ends_with("..") {
        let without = name.trim_end_matches('.');
        report.at(place, "the name ends in a full stop").help("leave it out").fix(context.replace(place, without));
    }
    let length = name.chars().count();
    if length > limits::STYLE_NAME {
        let message = format!("the name has {length} characters, and {} are enough", limits::STYLE_NAME);
        report.at(place, message).help("say what is detected in a few words");
    }
    if is_headline(name) {
        report
            .at(place, "the name is written like a headline")
            .help("write `Sign-in from rare country`, in sentence case");
    }
}

/// Whether every longer word behind the first one begins with a capital; at least three do.
fn is_headline(name: &str) -> bool {
    let words: Vec<&str> = name.split(|c: char| c.is_whitespace() || "-/()".contains(c)).skip(1).collect();
    let long: Vec<&&str> = words.iter().filter(|word| word.chars().count() > 3).collect();
    let capital = |word: &str| {
        let mut chars = word.chars();
        chars.next().is_some_and(char::is_uppercase) && chars.all(char::is_lowercase)
    };
    long.len() >= 3 && long.iter().all(|word| capital(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headlines() {
        assert!(is_headline("Rare Process Started From Temporary Folder"));
        assert!(!is_headline("Rare process started by Windows Defender"));
        assert!(!is_headline("Azure Active Directory"));
    }
}
