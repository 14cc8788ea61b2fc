//! Texts as YAML scalars that read back to the letter.

use saphyr_parser::{Event, Parser};

/// A text on one line: plain where nothing can mistake it, else in quotes.
pub(crate) fn inline(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else if text.chars().all(is_printable) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        double_quoted(text)
    }
}

/// A text as a literal block, header first, its lines indented by `indent` blanks and each ended; none where a block
/// would not read back as the same text.
pub(crate) fn literal(text: &str, indent: usize) -> Option<String> {
    if !text.chars().all(|c| c == '\n' || is_printable(c)) || text.trim_matches('\n').is_empty() {
        return None;
    }
    let first = text.lines().find(|line| !line.trim().is_empty())?;
    let blank_before = text.lines().take_while(|line| line.trim().is_empty()).any(|line| !line.is_empty());
    let indicator = if first.starts_with([' ', '\t']) || blank_before { "2" } else { "" };
    let chomping = match text.len() - text.trim_end_matches('\n').len() {
        0 => "-",
        1 => "",
        _ => "+",
    };
    let margin = " ".repeat(indent);
    let mut block = format!("|{indicator}{chomping}\n");
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        if !line.is_empty() {
            block.push_str(&margin);
            block.push_str(line);
        }
        block.push('\n');
    }
    // Whether a block of odd lines is read as it is meant depends on the reader, so it is tried.
    let at_two = if indent == 2 { block.clone() } else { literal_at_two(&block, indent) };
    (read_back(&format!("k: {at_two}")).as_deref() == Some(text)).then_some(block)
}

/// The same block with the indent of a top-level key, to be tried.
fn literal_at_two(block: &str, indent: usize) -> String {
    let margin = " ".repeat(indent);
    let lines = block.split_inclusive('\n').map(|line| match line.strip_prefix(&margin) {
        Some(rest) => format!("  {rest}"),
        None => line.to_owned(),
    });
    lines.collect()
}

/// The value of the one key of a YAML text, as it is read.
fn read_back(yaml: &str) -> Option<String> {
    let mut scalars = Vec::new();
    for event in Parser::new_from_str(yaml) {
        if let (Event::Scalar(text, ..), _) = event.ok()? {
            scalars.push(text.into_owned());
        }
    }
    match scalars.as_slice() {
        [_, value] => Some(value.clone()),
        _ => None,
    }
}

/// A text in double quotes, every other character escaped.
pub(crate) fn double_quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_printable(c) => out.push(c),
            c if u32::from(c) <= 0xFF => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if u32::from(c) <= 0xFFFF => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

/// Whether a character may stand in a scalar without an escape, and is no line break to any reader.
fn is_printable(c: char) -> bool {
    matches!(c, '\t' | ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}')
        || matches!(c, '\u{ff00}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

/// Words that some version of YAML reads as something else than text.
const WORDS: &[&str] =
    &["null", "true", "false", "yes", "no", "on", "off", "y", "n", "~", ".inf", "-.inf", "+.inf", ".nan", "=", "<<"];

fn is_plain(text: &str) -> bool {
    const FIRST: &str = "-?:,[]{}#&*!|>'\"%@`";
    let trimmed = text.trim() == text && !text.is_empty();
    trimmed
        && text.chars().all(|c| c != '\t' && is_printable(c))
        && !text.starts_with(|c| FIRST.contains(c))
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with(':')
        && !text.starts_with("...")
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
        && !is_like_number(text)
}

/// Whether some version of YAML reads a number, a date or a time.
fn is_like_number(text: &str) -> bool {
    let digits = |c: char| c.is_ascii_digit() || "_:+-".contains(c);
    let based = ["0x", "0o", "0b"].iter().any(|base| text.to_ascii_lowercase().starts_with(base));
    let date = text.len() >= 8 && text.starts_with(|c: char| c.is_ascii_digit()) && {
        let mut parts = text.split(['-', 'T', ' ']);
        let number = |part: Option<&str>| part.is_some_and(|part| part.chars().all(|c| c.is_ascii_digit()));
        text.as_bytes().get(4) == Some(&b'-') && number(parts.next()) && number(parts.next())
    };
    based
        || date
        || text.parse::<f64>().is_ok()
        || text.replace('_', "").parse::<f64>().is_ok()
        || text.chars().all(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(yaml: &str) -> String {
        read_back(&format!("k: {yaml}\n")).expect(yaml)
    }

    #[test]
    fn inline_texts_read_back() {
        let texts = [
            "",
            " ",
            "a",
            "a: b",
            "a:b",
            "a #b",
            "a#b",
            "'",
            "\"",
            "- a",
            "-a",
            "[x]",
            "{x}",
            "null",
            "No",
            "1.0",
            "1.0.0",
            "0x1F",
            "1_000",
            "12:30",
            "2024-01-01",
            "~",
            "a\tb",
            "a\nb",
            "é😀",
            "\u{85}",
            "\u{feff}",
            "trailing ",
            "@x",
            "%x",
            "`x`",
            "? x",
            "...",
            "--- x",
            "a:",
            "\r",
            "\0",
            "*x",
            "&x",
            "!x",
            "|",
            ">",
            "=",
            "<<",
        ];
        for text in texts {
            assert_eq!(value(&inline(text)), text, "{}", inline(text));
        }
        for (text, expected) in [("5m", "5m"), ("1.0.0", "1.0.0"), ("1.0", "'1.0'"), ("T1078.004", "T1078.004")] {
            assert_eq!(inline(text), expected);
        }
    }

    #[test]
    fn blocks_read_back_or_are_refused() {
        let texts = [
            "T\n| count",
            "T\n| count\n",
            "T\n\n\n",
            "  T\n| count\n",
            "\n\nT\n",
            "T   \n  | count  \n",
            "T\n \n  x",
            "# c\nT",
            "T\n\t| count",
            "\tT\n",
            "   \nT\n",
            "T\n// a: b\n--- \n...\nx\n",
            "---\nT",
            "a\n  ",
            "a\n  \n",
        ];
        for text in texts {
            for indent in [2, 6] {
                let Some(block) = literal(text, indent) else { continue };
                if indent == 2 {
                    assert_eq!(
                        value(block.strip_suffix('\n').unwrap_or(&block).to_owned().as_str()).trim_end(),
                        text.trim_end()
                    );
                }
            }
        }
        for text in ["T\n| count", "T\n| count\n", "  T\n| count\n", "T   \n  | count  \n"] {
            assert!(literal(text, 2).is_some(), "{text:?}");
        }
        for text in ["a\r\nb", "\n", "a\u{85}b\n"] {
            assert_eq!(literal(text, 2), None);
        }
    }
}
