//! Printing a tree as JSON.

use crate::tree::Tree;

/// What becomes of texts in brackets, which a template would take as expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Brackets {
    /// They stay: the JSON is no template.
    Plain,
    /// One bracket is put before them for each template that the text is in.
    Escaped(usize),
}

/// The tree as indented JSON, without a line end.
pub(crate) fn write(tree: &Tree, brackets: Brackets) -> String {
    let mut out = String::new();
    value(tree, 0, brackets, &mut out);
    out
}

fn value(tree: &Tree, depth: usize, brackets: Brackets, out: &mut String) {
    match tree {
        Tree::Null => out.push_str("null"),
        Tree::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Tree::Number(number) => out.push_str(&number.to_string()),
        Tree::Text(text) => {
            let levels = match brackets {
                Brackets::Escaped(levels) if text.starts_with('[') && text.ends_with(']') => levels,
                _ => 0,
            };
            let escaped = "[".repeat(levels) + text;
            string(&escaped, out);
        }
        Tree::Code(code) => string(code, out),
        Tree::List(items) if items.is_empty() => out.push_str("[]"),
        Tree::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, depth + 1, out);
                value(item, depth + 1, brackets, out);
            }
            line(depth, out);
            out.push(']');
        }
        Tree::Object(entries) if entries.is_empty() => out.push_str("{}"),
        Tree::Object(entries) => {
            out.push('{');
            for (index, (key, inner)) in entries.iter().enumerate() {
                separate(index, depth + 1, out);
                string(key, out);
                out.push_str(": ");
                // A template inside a template is evaluated once more.
                let inside = match brackets {
                    Brackets::Escaped(levels) if key == "mainTemplate" => Brackets::Escaped(levels + 1),
                    other => other,
                };
                value(inner, depth + 1, inside, out);
            }
            line(depth, out);
            out.push('}');
        }
    }
}

fn separate(index: usize, depth: usize, out: &mut String) {
    if index > 0 {
        out.push(',');
    }
    line(depth, out);
}

fn line(depth: usize, out: &mut String) {
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
}

/// A string with the escapes JSON asks for.
pub(crate) fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_escaped_once_a_template() {
        let tree = Tree::object([
            ("a", Tree::text("[x]")),
            ("b", Tree::Code("[y()]".to_owned())),
            ("c", Tree::text("[x")),
            ("mainTemplate", Tree::object([("d", Tree::text("[x]"))])),
        ]);
        let text = write(&tree, Brackets::Escaped(1));
        let expected = "{\n  \"a\": \"[[x]\",\n  \"b\": \"[y()]\",\n  \"c\": \"[x\",\n  \"mainTemplate\": {\n    \"d\": \"[[[x]\"\n  }\n}";
        assert_eq!(text, expected);
        assert!(write(&tree, Brackets::Plain).contains("\"a\": \"[x]\""));
    }

    #[test]
    fn strings_read_back() {
        for text in ["", "a\"b\\c\n\r\t\u{1}\u{7f}\u{85}\u{2028}é😀", "'"] {
            let mut out = String::new();
            string(text, &mut out);
            assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        }
    }
}
