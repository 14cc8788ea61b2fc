//! Makes text from logs safe to print.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The text on one line, without anything that a terminal (or XML) would act on. Logs hold what attackers write:
/// escape sequences could recolour, overwrite or hide lines, and bidirectional marks could reorder them.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| visible(c) != Some(c)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").chars().filter_map(visible).collect())
}

fn visible(c: char) -> Option<char> {
    match c {
        '\n' | '\u{2028}' | '\u{2029}' | '\u{85}' => Some('↵'),
        '\t' => Some(' '),
        // The control pictures, ␀ to ␟ and ␡.
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + c as u32),
        '\u{7f}' => Some('␡'),
        '\u{80}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => Some('\u{fffd}'),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}' => Some('\u{fffd}'),
        '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{ad}' => Some('\u{fffd}'),
        other => Some(other),
    }
}

/// The text in at most `width` columns; what is cut ends in `…`.
pub fn shorten(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    if width == 0 {
        return Cow::Borrowed("");
    }
    let mut used = 0;
    let mut short = String::new();
    for c in text.chars() {
        let next = used + c.width().unwrap_or(0);
        if next > width - 1 {
            break;
        }
        used = next;
        short.push(c);
    }
    short.push('…');
    Cow::Owned(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neutralises_what_a_terminal_acts_on() {
        assert_eq!(clean("plain ünïcode 你好"), "plain ünïcode 你好");
        assert_eq!(clean("a\u{1b}[31mred\u{1b}[0m"), "a␛[31mred␛[0m");
        assert_eq!(clean("one\r\ntwo\tthree\u{7}"), "one↵two three␇");
        assert_eq!(clean("\u{9b}2J\u{202e}exe.txt"), "\u{fffd}2J\u{fffd}exe.txt");
    }

    #[test]
    fn shortens_by_columns_not_by_chars() {
        assert_eq!(shorten("abc", 3), "abc");
        assert_eq!(shorten("abcd", 3), "ab…");
        assert_eq!(shorten("你好吗", 4), "你…");
        assert_eq!(shorten("abcd", 1), "…");
        assert_eq!(shorten("abcd", 0), "");
    }
}
