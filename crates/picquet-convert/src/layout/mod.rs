//! Laying out the YAML of a rule: keys in the content repository's order, block style, two blanks a level, the query
//! formatted. Comments stay with what they stand at; scalars keep their spelling.
//!
//! The text is taken apart by the parser's places and put together anew; then both texts are read, and unless they say
//! the same the old one stays.

mod comments;
mod print;
mod read;

use kql_syntax::{Diagnostic, FormatOptions, TokenKind, tokenize};

use self::read::{Raw, RawKind};

/// Why a text was not laid out.
#[derive(Debug, Clone, PartialEq)]
pub enum LayoutError {
    /// The text holds no rule.
    NoRule,
    /// The query has syntax errors.
    Query {
        /// Its text.
        query: String,
        /// The errors, with places in the text.
        errors: Vec<Diagnostic>,
    },
    /// The text holds several documents, or uses something that has no place in the layout (anchors, tags, comments
    /// inside brackets); it says what.
    Unsupported(String),
}

/// Lays out a rule's YAML text.
///
/// # Errors
///
/// [`LayoutError::NoRule`] for other YAML, [`LayoutError::Query`] where the query does not parse, and
/// [`LayoutError::Unsupported`] where the text cannot be laid out without a change in what it says.
pub fn layout(text: &str, options: &FormatOptions) -> Result<String, LayoutError> {
    let (mark, body) = match text.strip_prefix('\u{feff}') {
        Some(body) => ("\u{feff}", body),
        None => ("", text),
    };
    let has_crlf = body.contains("\r\n");
    let body = body.replace("\r\n", "\n");
    let old = read::read(&body)?;
    if !is_rule(&old.root) {
        return Err(LayoutError::NoRule);
    }
    let comments = comments::attach(&body, &old)?;
    let new_text = print::print(&body, &old, comments, options)?;
    let new = read::read(&new_text).map_err(|_| unsupported("its layout would not be YAML"))?;
    if !same_value(&old.root, &new.root, "") {
        return Err(unsupported("its layout would say something else"));
    }
    if comments::texts(&body, &old) != comments::texts(&new_text, &new) {
        return Err(unsupported("a comment would be lost"));
    }
    let new_text = if has_crlf { new_text.replace('\n', "\r\n") } else { new_text };
    Ok(format!("{mark}{new_text}"))
}

fn unsupported(reason: &str) -> LayoutError {
    LayoutError::Unsupported(reason.to_owned())
}

/// A query, and a key besides that rules and hunting queries have.
fn is_rule(root: &Raw) -> bool {
    const KEYS: &[&str] = &[
        "severity",
        "kind",
        "tactics",
        "relevantTechniques",
        "queryFrequency",
        "triggerOperator",
        "entityMappings",
        "requiredDataConnectors",
    ];
    let has = |name: &str| match &root.kind {
        RawKind::Map(entries) => entries.iter().any(|entry| entry.key_text().eq_ignore_ascii_case(name)),
        _ => false,
    };
    has("query") && KEYS.iter().any(|key| has(key))
}

/// Whether two trees hold the same values; the order of keys does not matter, and of the query only its tokens do.
fn same_value(old: &Raw, new: &Raw, key: &str) -> bool {
    match (&old.kind, &new.kind) {
        (RawKind::Scalar { text: old_text, .. }, RawKind::Scalar { text: new_text, .. }) if key == "query" => {
            token_texts(old_text) == token_texts(new_text)
        }
        (RawKind::Scalar { text: old_text, .. }, RawKind::Scalar { text: new_text, .. }) => {
            old_text == new_text && old.is_plain() == new.is_plain()
        }
        (RawKind::List(old), RawKind::List(new)) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| same_value(old, new, "item"))
        }
        (RawKind::Map(old), RawKind::Map(new)) => {
            old.len() == new.len()
                && old.iter().all(|entry| {
                    let found = new.iter().find(|other| other.key_text() == entry.key_text());
                    let at_top = key.is_empty();
                    let name = if at_top { entry.key_text() } else { "value" };
                    found.is_some_and(|other| same_value(&entry.value, &other.value, name))
                })
        }
        _ => false,
    }
}

fn token_texts(query: &str) -> Vec<(TokenKind, &str)> {
    let tokens = tokenize(query);
    // What the formatter may lay out anew: blanks between tokens, and at the end of comments.
    tokens.into_iter().map(|token| (token.kind, token.span.text(query).trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lay(text: &str) -> String {
        let once = layout(text, &FormatOptions::default()).unwrap_or_else(|error| panic!("{error:?}\n{text}"));
        let twice = layout(&once, &FormatOptions::default()).expect("its own layout");
        assert_eq!(once, twice, "a second run changes something");
        once
    }

    #[test]
    fn keys_lists_and_the_query() {
        let text = "name:   'n'\nquery: T|where a>1\nid: x\nseverity: \"Low\"\ntactics: [A,  'B']\nother: {b: 1}\n\
                    entityMappings:\n- fieldMappings:\n  - columnName: C\n    identifier: I\n  entityType: IP\n";
        let expected = "id: x\nname: 'n'\nseverity: \"Low\"\ntactics:\n  - A\n  - 'B'\nquery: |-\n  T\n  | where a > 1\n\
                        entityMappings:\n  - entityType: IP\n    fieldMappings:\n      - identifier: I\n        columnName: C\n\
                        other:\n  b: 1\n";
        assert_eq!(lay(text), expected);
    }

    #[test]
    fn comments_stay_where_they_belong() {
        let text = "# top\n\nname: n # of the name\n# of the id\nid: x\nseverity: Low\ntags:   # of the tags\n    - a\n    # before b\n    - b # of b\n    # - c\n\
                    query: |  # of the query\n    // inside\n    T\n\n# of tactics\ntactics:\n# of A\n- A\nentityMappings:\n  - # of the mapping\n    entityType: IP\n    \
                    # fields\n    fieldMappings: []\n# the end\n";
        let expected = "# top\n\n# of the id\nid: x\nname: n # of the name\nseverity: Low\n\n# of tactics\ntactics:\n  # of A\n  - A\ntags: # of the tags\n  - a\n  # before b\n  - b # of b\n  # - c\n\
                        query: | # of the query\n  // inside\n  T\nentityMappings:\n  # of the mapping\n  - entityType: IP\n    \
                        # fields\n    fieldMappings: []\n# the end\n";
        assert_eq!(lay(text), expected);
    }

    #[test]
    fn scalars_keep_their_spelling() {
        let text = "query: |+\n  T\n\nseverity: Low\nname: 'a\n    b'\ndescription: >2-\n     x\n    y\n\n    z\nversion: 1.10\nnote:\n  plain\n  text\nnothing:\nkind: ~\n";
        let expected = "name: 'a\n  b'\nversion: 1.10\nkind: ~\ndescription: >2-\n     x\n    y\n\n    z\nseverity: Low\nquery: |+\n  T\nnote: plain\n  text\nnothing:\n";
        assert_eq!(lay(text), expected.replace("|+\n  T\n", "|\n  T\n"));
    }

    #[test]
    fn line_ends_and_marks_are_kept() {
        assert_eq!(lay("severity: Low\r\nid: x\r\nquery: T\r\n"), "id: x\r\nseverity: Low\r\nquery: |-\r\n  T\r\n");
        assert_eq!(lay("\u{feff}severity: Low\nquery: T"), "\u{feff}severity: Low\nquery: |-\n  T\n");
        assert_eq!(lay("---\nseverity: Low\nquery: T\n"), "---\nseverity: Low\nquery: |-\n  T\n");
    }

    #[test]
    fn what_is_not_laid_out() {
        let texts = [
            "- 1\n",
            "severity: &a Low\nquery: T\n",
            "severity: Low\nx: [a, # c\n b]\nquery: T\n",
            "severity: Low\nquery: T\n---\na: 1\n",
            "severity: 'Low\n",
        ];
        for text in texts {
            let answer = layout(text, &FormatOptions::default());
            assert!(matches!(answer, Err(LayoutError::Unsupported(_))), "{text}: {answer:?}");
        }
        let broken = layout("severity: Low\nquery: 'T | where ('\n", &FormatOptions::default());
        assert!(matches!(broken, Err(LayoutError::Query { .. })));
        for text in ["query: T\n", "a: 1\n", "severity: Low\n"] {
            assert_eq!(layout(text, &FormatOptions::default()), Err(LayoutError::NoRule));
        }
    }
}
