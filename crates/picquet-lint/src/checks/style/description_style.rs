//! A description that does not begin with "This query searches for" or "Identifies", or has more than five sentences.
//!
//! ## Why it matters
//!
//! The content repository's style guide asks for it: an analyst sees at once what the alert means.
//!
//! ## How to mend it
//!
//! Begin with what is found; leave the background to a link.

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::limits;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ503",
    name: "description-style",
    sets: &[Set::Style],
    severity: Severity::Advice,
    fixable: false,
    source: include_str!("description_style.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    if !context.rule.is_executable() {
        return;
    }
    let Some(place) = context.root.get("description") else { return };
    let Some(text) = place.text() else { return };
    // Older files keep quotes of their own inside a block.
    let text = text.trim().trim_matches(['\'', '"']).trim();
    let lower = text.to_lowercase();
    if !BEGINNINGS.iter().any(|beginning| lower.starts_with(beginning)) {
        let message = "the description does not begin with what is found";
        report.at(place, message).help("begin with `Identifies` or `This query searches for`");
    }
    let ends = text.char_indices().filter(|(at, c)| {
        let next = text.get(at + c.len_utf8()..).and_then(|rest| rest.chars().next());
        let before = text.get(..*at).and_then(|rest| rest.chars().next_back());
        // `e.g.` and `3.` end no sentence.
        let word = before.is_some_and(|c| c.is_alphanumeric() && !c.is_ascii_digit());
        ".!?".contains(*c) && word && next.is_none_or(char::is_whitespace)
    });
    let sentences = ends.count();
    if sentences > limits::STYLE_SENTENCES {
        let message = format!("the description has {sentences} sentences, and {} are enough", limits::STYLE_SENTENCES);
        report.at(place, message).help("leave the background to a link");
    }
}

const BEGINNINGS: [&str; 3] = ["this query searches for", "identifies", "identify"];
