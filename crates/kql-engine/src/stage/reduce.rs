//! `reduce`: texts that are alike become one pattern.
//!
//! A text is a list of terms and of what stands between them. It joins the first group whose terms it shares to the
//! wanted degree, and terms in which the group differs become `*`. Terms with digits are taken as values: they are `*`
//! in every pattern. What has no other term is one group, `others`.

use kql_functions::{Val, interrupt};
use kql_semantics::bound::{ColumnId, Reduce};

use super::{Input, Rows};
use crate::QueryError;
use crate::evaluate::Evaluator;

/// Groups of one number of terms are compared; more than this are not looked through for each text.
const MOST_COMPARED: usize = 5000;

struct Group {
    /// A term, or `None` for `*`.
    terms: Vec<Option<String>>,
    /// What stands before each term, and behind the last.
    gaps: Vec<String>,
    count: i64,
    representative: String,
}

/// Groups, or with `kind=source` the rows with their groups.
pub(crate) fn reduce(spec: &Reduce, input: &Input<'_>, evaluator: Evaluator<'_>) -> Result<Rows, QueryError> {
    let mut groups: Vec<Group> = Vec::new();
    let mut members: Vec<(Vec<Val<'static>>, Option<usize>)> = Vec::new();
    let mut others = 0;
    for (number, row) in input.rows().enumerate() {
        if number % 64 == 0 {
            interrupt::check()?;
        }
        let column = |id: ColumnId| input.columns.iter().position(|c| c.id == id).and_then(|i| row.get(i).cloned());
        let text = evaluator.value(&spec.value, &column)?;
        let text = text.as_str().unwrap_or("").to_string();
        let (terms, gaps) = split(&text, &spec.characters);
        let place = if terms.iter().all(|t| is_value(t)) {
            others += 1;
            None
        } else {
            Some(join(&mut groups, terms, gaps, &text, spec.threshold))
        };
        if spec.source {
            members.push((row.into_iter().map(Val::into_owned).collect(), place));
        }
    }
    let cells = |group: &Group| {
        let representative = Val::str(group.representative.clone());
        vec![Val::str(pattern(group, &spec.characters)), Val::Long(group.count), representative]
    };
    let rest = vec![Val::str("others".to_string()), Val::Long(others), Val::str(String::new())];
    let rows = if spec.source {
        members
            .into_iter()
            .map(|(mut row, place)| {
                row.extend(place.and_then(|p| groups.get(p)).map_or_else(|| rest.clone(), cells));
                row
            })
            .collect()
    } else {
        let mut rows: Vec<Vec<Val<'static>>> = groups.iter().map(cells).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.get(1).and_then(|v| v.as_i64())));
        if others > 0 {
            rows.push(rest);
        }
        rows
    };
    Ok(Rows { rows, ordered: false })
}

/// Terms, and what stands around them.
fn split(text: &str, characters: &str) -> (Vec<String>, Vec<String>) {
    let (mut terms, mut gaps) = (Vec::new(), vec![String::new()]);
    let mut inside = false;
    for c in text.chars() {
        let is_term = c.is_alphanumeric() && !characters.contains(c);
        match (is_term, inside) {
            (true, false) => terms.push(String::from(c)),
            (true, true) => {
                if let Some(term) = terms.last_mut() {
                    term.push(c);
                }
            }
            (false, true) => gaps.push(String::from(c)),
            (false, false) => {
                if let Some(gap) = gaps.last_mut() {
                    gap.push(c);
                }
            }
        }
        inside = is_term;
    }
    gaps.resize(terms.len() + 1, String::new());
    (terms, gaps)
}

fn is_value(term: &str) -> bool {
    term.chars().any(|c| c.is_ascii_digit())
}

/// Puts a text into its group, which may be a new one.
fn join(groups: &mut Vec<Group>, terms: Vec<String>, gaps: Vec<String>, text: &str, threshold: f64) -> usize {
    let alike = |group: &Group| {
        let same = group.terms.iter().zip(&terms).filter(|(a, b)| a.as_deref() == Some(b.as_str())).count();
        group.terms.len() == terms.len() && same > 0 && same as f64 >= threshold * terms.len() as f64
    };
    if let Some(place) = groups.iter().take(MOST_COMPARED).position(alike) {
        let group = &mut groups[place];
        group.count += 1;
        for (known, term) in group.terms.iter_mut().zip(&terms) {
            if known.as_deref() != Some(term.as_str()) {
                *known = None;
            }
        }
        return place;
    }
    let terms = terms.into_iter().map(Some).collect();
    groups.push(Group { terms, gaps, count: 1, representative: text.to_string() });
    groups.len() - 1
}

/// The pattern's text; stars that follow each other are one.
fn pattern(group: &Group, characters: &str) -> String {
    let mut out = String::new();
    let plain = |gap: &str| gap.chars().filter(|c| !characters.contains(*c)).collect::<String>();
    for (i, term) in group.terms.iter().enumerate() {
        let gap = group.gaps.get(i).map_or("", String::as_str);
        match term.as_deref().filter(|t| !is_value(t)) {
            Some(term) => {
                let after_star = out.ends_with('*');
                out.push_str(&if after_star { plain(gap) } else { gap.to_string() });
                out.push_str(term);
            }
            None => {
                out.push_str(&plain(gap));
                if !out.ends_with('*') {
                    out.push('*');
                }
            }
        }
    }
    out.push_str(group.gaps.last().map_or("", String::as_str));
    out
}
