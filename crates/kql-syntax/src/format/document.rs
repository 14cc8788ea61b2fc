//! Documents: texts, and places where lines may be broken. A group stands on one line, or breaks at all its own places.

/// A piece of a document.
#[derive(Debug, Clone)]
pub(super) enum Doc<'s> {
    Text(&'s str),
    Space,
    /// A blank, or a line break where the group breaks.
    Line,
    /// Nothing, or a line break where the group breaks.
    Soft,
    /// A line break.
    Hard,
    /// A line break, and an empty line before it.
    Blank,
    /// Deeper by one level.
    Indent(Vec<Doc<'s>>),
    Group(Vec<Doc<'s>>),
    /// A group that is as deep as the line on which it begins.
    Bracket(Vec<Doc<'s>>),
}

impl Doc<'_> {
    /// Whether it breaks lines whatever the width.
    fn breaks(&self) -> bool {
        match self {
            Doc::Hard | Doc::Blank => true,
            Doc::Text(text) => text.contains('\n'),
            Doc::Indent(parts) | Doc::Group(parts) | Doc::Bracket(parts) => parts.iter().any(Doc::breaks),
            Doc::Space | Doc::Line | Doc::Soft => false,
        }
    }
}

/// Width of a group on one line; `None` where it breaks by itself.
fn flat(parts: &[Doc<'_>], limit: usize) -> Option<usize> {
    let mut width = 0;
    for part in parts {
        width += match part {
            Doc::Text(text) if text.contains('\n') => return None,
            Doc::Text(text) => text.chars().count(),
            Doc::Space | Doc::Line => 1,
            Doc::Soft => 0,
            Doc::Hard | Doc::Blank => return None,
            Doc::Indent(parts) | Doc::Group(parts) | Doc::Bracket(parts) => flat(parts, limit)?,
        };
        if width > limit {
            return None;
        }
    }
    Some(width)
}

struct Printer {
    out: String,
    column: usize,
    /// How deep the line is.
    level: usize,
    width: usize,
    indent: usize,
}

/// The text of a document.
pub(super) fn print(document: &[Doc<'_>], width: usize, indent: usize) -> String {
    let mut printer = Printer { out: String::new(), column: 0, level: 0, width, indent };
    printer.parts(document, 0, true);
    let end = printer.out.trim_end().len();
    printer.out.truncate(end);
    printer.out
}

impl Printer {
    fn parts(&mut self, parts: &[Doc<'_>], level: usize, broken: bool) {
        for (i, part) in parts.iter().enumerate() {
            match part {
                Doc::Text(text) => self.text(text),
                Doc::Space => self.space(),
                Doc::Line if broken => self.line(level, false),
                Doc::Line => self.space(),
                Doc::Soft if broken => self.line(level, false),
                Doc::Soft => {}
                Doc::Hard => self.line(level, false),
                Doc::Blank => self.line(level, true),
                Doc::Indent(parts) => self.parts(parts, level + 1, broken),
                Doc::Group(inner) | Doc::Bracket(inner) => {
                    let level = if matches!(part, Doc::Bracket(_)) { self.level } else { level };
                    // What follows up to the next possible break has to fit as well.
                    let tail = tail(&parts[i + 1..]);
                    let room = self.width.saturating_sub(self.column + tail);
                    let fits = !part.breaks() && flat(inner, room).is_some();
                    self.parts(inner, level, !fits);
                }
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.out.push_str(text);
        self.column = match text.rfind('\n') {
            Some(at) => text[at + 1..].chars().count(),
            None => self.column + text.chars().count(),
        };
    }

    fn space(&mut self) {
        if self.column > 0 && !self.out.ends_with([' ', '\n']) {
            self.text(" ");
        }
    }

    fn line(&mut self, level: usize, blank: bool) {
        // Several breaks in a row are one; the last one says how deep the next line is.
        let end = self.out.trim_end_matches(' ').len();
        self.out.truncate(end);
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
        if blank && !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
        self.level = level;
        let blanks = level * self.indent;
        self.out.extend(std::iter::repeat_n(' ', blanks));
        self.column = blanks;
    }
}

/// Width of the texts that stand right behind a group.
fn tail(parts: &[Doc<'_>]) -> usize {
    let mut width = 0;
    for part in parts {
        match part {
            Doc::Text(text) if matches!(*text, "," | ";" | ")" | "]" | "}") => width += 1,
            _ => break,
        }
    }
    width
}
