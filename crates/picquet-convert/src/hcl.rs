//! Printing HCL as `terraform fmt` lays it out.

use crate::tree::Tree;

/// A part of a block's body.
pub(crate) enum Item {
    Attribute(String, Tree),
    Block(Block),
}

/// `kind "label" { … }`
pub(crate) struct Block {
    pub kind: &'static str,
    pub labels: Vec<String>,
    pub body: Vec<Item>,
}

impl Block {
    pub(crate) fn new(kind: &'static str, labels: &[&str]) -> Self {
        Self { kind, labels: labels.iter().map(|label| (*label).to_owned()).collect(), body: Vec::new() }
    }

    pub(crate) fn put(&mut self, name: &str, value: Tree) {
        self.body.push(Item::Attribute(name.to_owned(), value));
    }

    pub(crate) fn put_block(&mut self, block: Block) {
        self.body.push(Item::Block(block));
    }
}

/// The blocks, with an empty line between them.
pub(crate) fn write(blocks: &[Block]) -> String {
    let texts = blocks.iter().map(|block| {
        let mut page = Page::default();
        page.block(block, 0);
        page.finish()
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// Lines whose `=` are aligned as long as they follow one another.
#[derive(Default)]
struct Page {
    out: String,
    aligned: Vec<Aligned>,
}

/// A line whose `=` is aligned with its neighbours'.
struct Aligned {
    indent: usize,
    name: String,
    value: String,
    /// Lines of a heredoc, which belong to its first line and do not part neighbours.
    below: String,
}

impl Page {
    fn finish(mut self) -> String {
        self.close();
        self.out
    }

    fn close(&mut self) {
        let end = |line: &Aligned| line.indent * 2 + columns(&line.name);
        let width = self.aligned.iter().map(end).max().unwrap_or(0);
        for line in std::mem::take(&mut self.aligned) {
            let (margin, gap) = ("  ".repeat(line.indent), " ".repeat(width - end(&line)));
            self.out.push_str(&format!("{margin}{}{gap} = {}\n{}", line.name, line.value, line.below));
        }
    }

    fn line(&mut self, indent: usize, text: &str) {
        self.close();
        self.out.push_str(&format!("{}{text}\n", "  ".repeat(indent)));
    }

    /// Text that is no code: the lines of a heredoc.
    fn raw(&mut self, text: &str) {
        self.close();
        self.out.push_str(text);
    }

    fn block(&mut self, block: &Block, indent: usize) {
        let labels: String = block.labels.iter().map(|label| format!(" {}", quoted(label))).collect();
        if block.body.is_empty() {
            return self.line(indent, &format!("{}{labels} {{}}", block.kind));
        }
        self.line(indent, &format!("{}{labels} {{", block.kind));
        for (index, item) in block.body.iter().enumerate() {
            match item {
                Item::Attribute(name, value) => self.attribute(name, value, "", indent + 1),
                Item::Block(inner) => {
                    if index > 0 {
                        self.close();
                        self.out.push('\n');
                    }
                    self.block(inner, indent + 1);
                }
            }
        }
        self.line(indent, "}");
    }

    /// `name = value`; the name is empty for an item of a list, and `end` follows the value.
    fn attribute(&mut self, name: &str, value: &Tree, end: &str, indent: usize) {
        let assign = if name.is_empty() { String::new() } else { format!("{name} = ") };
        match value {
            Tree::Object(entries) if !entries.is_empty() => {
                self.line(indent, &format!("{assign}{{"));
                for (key, inner) in entries {
                    self.attribute(&key_text(key), inner, "", indent + 1);
                }
                self.line(indent, &format!("}}{end}"));
            }
            Tree::List(items) if items.iter().any(|item| one_line(item).is_none()) => {
                self.line(indent, &format!("{assign}["));
                for item in items {
                    self.attribute("", item, ",", indent + 1);
                }
                self.line(indent, &format!("]{end}"));
            }
            Tree::Text(text) if one_line(value).is_none() => self.heredoc(name, text, end, indent),
            other => {
                let value = one_line(other).unwrap_or_default();
                if name.is_empty() {
                    self.line(indent, &format!("{value}{end}"));
                } else {
                    let value = format!("{value}{end}");
                    self.aligned.push(Aligned { indent, name: name.to_owned(), value, below: String::new() });
                }
            }
        }
    }

    /// A text of several lines. A heredoc always ends in a line end; `chomp` takes that away where the text has none.
    fn heredoc(&mut self, name: &str, text: &str, end: &str, indent: usize) {
        let mut mark = "EOT".to_owned();
        while text.lines().any(|line| line.trim() == mark) {
            mark.push('T');
        }
        let lines = escape_templates(text);
        let assign = if name.is_empty() { String::new() } else { format!("{name} = ") };
        if text.ends_with('\n') && end.is_empty() && !name.is_empty() {
            let below = format!("{lines}{mark}\n");
            self.aligned.push(Aligned { indent, name: name.to_owned(), value: format!("<<{mark}"), below });
        } else if text.ends_with('\n') {
            self.line(indent, &format!("{assign}join(\"\", [<<{mark}"));
            self.raw(&format!("{lines}{mark}\n"));
            self.line(indent, &format!("]){end}"));
        } else {
            self.line(indent, &format!("{assign}chomp(<<{mark}"));
            self.raw(&format!("{lines}\n{mark}\n"));
            self.line(indent, &format!("){end}"));
        }
    }
}

fn columns(text: &str) -> usize {
    text.chars().count()
}

/// A value on one line; none for what needs several.
fn one_line(value: &Tree) -> Option<String> {
    Some(match value {
        Tree::Null => "null".to_owned(),
        Tree::Bool(value) => value.to_string(),
        Tree::Number(number) => number.to_string(),
        Tree::Code(code) => code.clone(),
        Tree::Text(text) => {
            let spread = text.trim_end_matches('\n').contains('\n');
            let clean = text.chars().all(|c| c == '\n' || c == '\t' || !c.is_control());
            if spread && clean {
                return None;
            }
            quoted(text)
        }
        Tree::List(items) => {
            let items: Option<Vec<String>> = items.iter().map(one_line).collect();
            format!("[{}]", items?.join(", "))
        }
        Tree::Object(entries) if entries.is_empty() => "{}".to_owned(),
        Tree::Object(_) => return None,
    })
}

fn key_text(key: &str) -> String {
    let mut chars = key.chars();
    let starts = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if starts && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
        key.to_owned()
    } else {
        quoted(key)
    }
}

/// `${` and `%{` would start a template.
fn escape_templates(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}

/// A string in quotes.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in escape_templates(text).chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout() {
        let mut block = Block::new("resource", &["a", "b"]);
        block.put("name", Tree::text("x${y}"));
        block.put("long_name", Tree::text("T\n| count\n"));
        block.put("q", Tree::text("T\nEOT\n  x"));
        block.put("map", Tree::object([("a", Tree::Bool(true)), ("b c", Tree::texts(&["1".to_owned()]))]));
        let mut inner = Block::new("part", &[]);
        inner.put("n", Tree::number(1));
        block.put_block(inner);
        let expected = "resource \"a\" \"b\" {\n  name      = \"x$${y}\"\n  long_name = <<EOT\nT\n| count\nEOT\n  q = chomp(<<EOTT\n\
                        T\nEOT\n  x\nEOTT\n  )\n  map = {\n    a     = true\n    \"b c\" = [\"1\"]\n  }\n\n  part {\n    n = 1\n  }\n}\n";
        assert_eq!(write(&[block]), expected);
    }
}
