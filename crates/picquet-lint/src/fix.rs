//! Carrying out edits.

use crate::check::{Edit, Fix};

/// A text with fixes carried out, and how many of them. Of fixes that overlap the first one is taken.
#[must_use]
pub fn apply(text: &str, fixes: &[&Fix]) -> (String, usize) {
    let mut taken: Vec<&Edit> = Vec::new();
    let mut applied = 0;
    for fix in fixes {
        let fits = |edit: &Edit| {
            let valid = edit.span.start <= edit.span.end && text.get(edit.span.clone()).is_some();
            valid && taken.iter().all(|other| edit.span.end <= other.span.start || other.span.end <= edit.span.start)
        };
        let again = fix.edits.iter().all(|edit| taken.contains(&edit));
        if again {
            applied += 1;
        } else if fix.edits.iter().all(fits) {
            taken.extend(&fix.edits);
            applied += 1;
        }
    }
    taken.sort_by_key(|edit| edit.span.start);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in taken {
        out.push_str(text.get(at..edit.span.start).unwrap_or_default());
        out.push_str(&edit.text);
        at = edit.span.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    (out, applied)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fix(start: usize, end: usize, text: &str) -> Fix {
        Fix { edits: vec![Edit { span: start..end, text: text.to_owned() }] }
    }

    #[test]
    fn edits_in_any_order() {
        let fixes = [fix(6, 11, "WORLD"), fix(0, 1, "H"), fix(8, 9, "?"), fix(0, 1, "H"), fix(50, 60, "")];
        let fixes: Vec<&Fix> = fixes.iter().collect();
        assert_eq!(apply("hello world", &fixes), ("Hello WORLD".to_owned(), 3));
    }
}
