//! A rule's name has a word that the content repository's style guide avoids: IP, Execute, Suspicious or Suspect.
//!
//! ## Why it matters
//!
//! "IP" is also intellectual property, "execute" is harsh, and "suspicious" says of every rule the same.
//!
//! ## How to mend it
//!
//! Write IP address, run, and what is unusual: rare, unexpected, anomalous.

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ502",
    name: "name-words",
    sets: &[Set::Style],
    severity: Severity::Advice,
    fixable: false,
    source: include_str!("name_words.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    if !context.rule.is_executable() {
        return;
    }
    let Some(place) = ["displayName", "name"].iter().find_map(|key| context.root.get(key)) else { return };
    let Some(name) = place.text() else { return };
    let words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    for (index, word) in words.iter().enumerate() {
        let next = words.get(index + 1).map(|word| word.to_lowercase()).unwrap_or_default();
        let better = match word.to_lowercase().as_str() {
            "ip" | "ips" if !next.starts_with("address") => "IP address",
            "execute" | "executes" | "executed" => "run",
            "suspicious" | "suspect" | "suspected" => "rare, unexpected or anomalous",
            _ => continue,
        };
        report.at(place, format!("the name has the word `{word}`")).help(format!("write {better}"));
    }
}
