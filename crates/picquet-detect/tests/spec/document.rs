//! Markdown files as cases: a heading of the second level begins one, its fenced blocks are its script.

/// A fenced block.
#[derive(Debug, Clone)]
pub struct Block {
    /// The line of its fence, from 0.
    pub line: usize,
    /// The first word after the fence.
    pub kind: String,
    /// The rest of that line.
    pub rest: String,
    /// The lines between the fences.
    pub text: String,
}

/// A heading with the blocks below it.
#[derive(Debug)]
pub struct Case {
    pub title: String,
    pub blocks: Vec<Block>,
}

/// The cases of a file. Headings without blocks are none.
pub fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut open: Option<Block> = None;
    for (line, content) in text.lines().enumerate() {
        match (&mut open, content.strip_prefix("```")) {
            (Some(_), Some("")) => {
                let case = cases.last_mut().expect("a block stands below a heading of the second level");
                case.blocks.extend(open.take());
            }
            (Some(block), _) => {
                block.text.push_str(content);
                block.text.push('\n');
            }
            (None, Some(info)) => {
                let (kind, rest) = info.split_once(' ').unwrap_or((info, ""));
                open = Some(Block { line, kind: kind.to_string(), rest: rest.trim().to_string(), text: String::new() });
            }
            (None, None) => {
                if let Some(title) = content.strip_prefix("## ") {
                    cases.push(Case { title: title.to_string(), blocks: Vec::new() });
                }
            }
        }
    }
    assert!(open.is_none(), "a block is not closed");
    cases.retain(|case| !case.blocks.is_empty());
    cases
}

/// The file with other texts in some of its blocks.
pub fn rewritten(text: &str, changes: &[(Block, String)]) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut out = String::new();
    let mut line = 0;
    while let Some(content) = lines.get(line) {
        out.push_str(content);
        out.push('\n');
        line += 1;
        if let Some((block, text)) = changes.iter().find(|(block, _)| block.line + 1 == line) {
            out.push_str(text);
            line += block.text.lines().count();
        }
    }
    out
}
