//! The query of a YAML file as a piece of its text, so that it can be exchanged without touching any other byte.

/// How the `query` of a YAML file is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum YamlQuery {
    /// A literal block scalar (`query: |`).
    Block(QueryBlock),
    /// Written in another way (quoted, folded, on one line): the number of its line, from 1.
    Other(usize),
    /// The file has no `query`.
    Missing,
}

/// A literal block scalar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryBlock {
    /// Number of its first line, from 1.
    pub first_line: usize,
    /// The query, without its indentation; lines end in LF.
    pub text: String,
    start: usize,
    end: usize,
    indent: usize,
    line_end: &'static str,
}

impl YamlQuery {
    /// Finds the `query` at the top level of a YAML text.
    pub fn find(file: &str) -> YamlQuery {
        let mut at = 0;
        for (number, line) in file.split_inclusive('\n').enumerate() {
            let next = at + line.len();
            if let Some(value) = line.strip_prefix("query:") {
                let value = value.trim();
                let value = value.split(" #").next().unwrap_or(value).trim_end();
                return match value {
                    "|" | "|-" | "|+" => {
                        QueryBlock::read(file, next, number + 2).map_or(YamlQuery::Other(number + 1), YamlQuery::Block)
                    }
                    _ => YamlQuery::Other(number + 1),
                };
            }
            at = next;
        }
        YamlQuery::Missing
    }
}

impl QueryBlock {
    fn read(file: &str, start: usize, first_line: usize) -> Option<QueryBlock> {
        let rest = file.get(start..)?;
        let blanks = |line: &str| line.len() - line.trim_start_matches(' ').len();
        let is_blank = |line: &str| line.trim().is_empty();
        let indent = rest.lines().find(|line| !is_blank(line)).map(blanks).filter(|n| *n > 0)?;
        let line_end = if rest.lines().next().is_some() && rest.contains("\r\n") { "\r\n" } else { "\n" };
        let mut text = String::new();
        let mut pending = String::new();
        let (mut at, mut end) = (start, start);
        for line in rest.split_inclusive('\n') {
            let content = line.trim_end_matches(['\n', '\r']);
            if is_blank(content) {
                // Lines of blanks alone are lines of the query only where more of it follows.
                pending.push('\n');
            } else if blanks(content) < indent {
                break;
            } else {
                text.push_str(&pending);
                pending.clear();
                text.push_str(&content[indent..]);
                text.push('\n');
                end = at + line.len();
            }
            at += line.len();
        }
        Some(QueryBlock { first_line, text, start, end, indent, line_end })
    }

    /// The file with another query in the place of this one.
    pub fn replace(&self, file: &str, query: &str) -> String {
        let mut out = String::with_capacity(file.len());
        out.push_str(file.get(..self.start).unwrap_or(""));
        for line in query.trim_end().lines() {
            if !line.is_empty() {
                out.extend(std::iter::repeat_n(' ', self.indent));
                out.push_str(line);
            }
            out.push_str(self.line_end);
        }
        let old_ends = file.get(self.start..self.end).is_some_and(|old| old.ends_with('\n'));
        if !old_ends {
            out.truncate(out.len() - self.line_end.len());
        }
        out.push_str(file.get(self.end..).unwrap_or(""));
        out
    }
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use super::*;

    fn block(file: &str) -> QueryBlock {
        match YamlQuery::find(file) {
            YamlQuery::Block(block) => block,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_block_is_found_and_replaced() {
        let file = "id: x\nquery: |\n  T\n    | where a\n\n  | count\n\nname: y\n";
        let found = block(file);
        assert_eq!(found.text, "T\n  | where a\n\n| count\n");
        assert_eq!(found.first_line, 3);
        assert_eq!(found.replace(file, &found.text), file);
        assert_eq!(found.replace(file, "U\n\n| take 1\n"), "id: x\nquery: |\n  U\n\n  | take 1\n\nname: y\n");
    }

    #[test]
    fn line_ends_and_a_missing_last_one_are_kept() {
        let file = "query: |-\r\n    T\r\n    | count";
        assert_eq!(block(file).replace(file, "T\n| take 2"), "query: |-\r\n    T\r\n    | take 2");
    }

    #[test]
    fn other_styles_are_told_apart() {
        assert_eq!(YamlQuery::find("a: 1\nquery: >\n  T\n"), YamlQuery::Other(2));
        assert_eq!(YamlQuery::find("query: \"T | count\"\n"), YamlQuery::Other(1));
        assert_eq!(YamlQuery::find("query: |\n"), YamlQuery::Other(1));
        assert_eq!(YamlQuery::find("id: x\n"), YamlQuery::Missing);
    }
}
