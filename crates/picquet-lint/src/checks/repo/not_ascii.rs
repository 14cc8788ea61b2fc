//! A YAML rule has characters that are not ASCII.
//!
//! Each line is told once. Typographic dashes, spaces and ellipses have plain forms, which `--fix` writes outside the query.
//!
//! ## Why it matters
//!
//! The repository's validation fails; and a typographic quote in a query is no quote.
//!
//! ## How to mend it
//!
//! Write plain quotes, dashes and spaces, and names without accents. In a string of the query, write the character's code
//! (`"\u2013"`), for the logs may hold that very character.

use picquet_rules::SourceFormat;

use crate::check::{Check, Edit, Fix, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ411",
    name: "not-ascii",
    sets: &[Set::Repo],
    severity: Severity::Warning,
    fixable: true,
    source: include_str!("not_ascii.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let text = &context.source.text;
    if context.tree.format != SourceFormat::Yaml || text.is_ascii() {
        return;
    }
    let query = context.query.as_ref().and_then(|query| Some((query.map.as_ref()?, query.text.len())));
    let query = query.map_or(0..0, |(map, length)| map.range(0, length));
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let found: Vec<(usize, char)> = line.char_indices().filter(|(_, c)| !c.is_ascii()).collect();
        if let Some((first, c)) = found.first() {
            let start = at + first;
            let more = if found.len() > 1 { format!(" and {} more", found.len() - 1) } else { String::new() };
            let plain = found.iter().map(|(offset, c)| {
                let edit = |text: &str| Edit { span: at + offset..at + offset + c.len_utf8(), text: text.to_owned() };
                plain_form(*c).map(edit)
            });
            let edits: Option<Vec<Edit>> = plain.collect();
            let in_query = query.contains(&start);
            let fix = edits.filter(|_| !in_query).map(|edits| Fix { edits });
            let help = match plain_form(*c) {
                // What the logs hold must not change.
                _ if in_query && u32::from(*c) > 0xFFFF => format!("in a string, write `\\U{:08x}`", u32::from(*c)),
                _ if in_query => format!("in a string, write `\\u{:04x}`", u32::from(*c)),
                Some(plain) => format!("write `{plain}`"),
                None => "write the text in ASCII".to_owned(),
            };
            let place = context.source.place(start..start + c.len_utf8());
            let finding = report.rule(format!("`{c}` (U+{:04X}){more} is not ASCII", u32::from(*c)));
            finding.help(help).fix(fix).place = place;
        }
        at += line.len();
    }
}

/// What a keyboard has for a typographic character.
fn plain_form(c: char) -> Option<&'static str> {
    Some(match c {
        // Not quotes: a straight one may end the scalar.
        '\u{2013}' | '\u{2014}' | '\u{2011}' => "-",
        '\u{a0}' | '\u{202f}' => " ",
        '\u{200b}' | '\u{feff}' => "",
        '\u{2026}' => "...",
        _ => return None,
    })
}
