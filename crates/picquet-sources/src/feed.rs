//! A buffer over a reader, from which lines and whole JSON values are cut.

use std::io;
use std::ops::Range;

use crate::input::Bytes;
use crate::rejected::Passed;

/// The longest line or JSON record.
pub(crate) const MAX_RECORD: usize = 64 << 20;

const BLOCK: usize = 1 << 17;

/// Why a JSON value could not be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CutError {
    /// The text, or the line within a string, ends before the value does.
    Unclosed,
    /// Longer than [`MAX_RECORD`].
    TooLong,
}

/// Bytes read so far and not yet consumed.
pub(crate) struct Feed {
    reader: Bytes,
    buffer: Vec<u8>,
    /// What is consumed of the buffer, and what is filled.
    start: usize,
    end: usize,
    /// Position in the stream of the buffer's first byte.
    offset: u64,
    at_end: bool,
    error: Option<io::Error>,
    /// Lines begun before the consumed position, from 1.
    pub(crate) line: u64,
    /// Position in the stream where the current line begins.
    line_start: u64,
    /// What was consumed without being given to anybody.
    passed: Passed,
}

impl Feed {
    pub(crate) fn new(reader: Bytes) -> Feed {
        Feed {
            reader,
            buffer: vec![0; BLOCK],
            start: 0,
            end: 0,
            offset: 0,
            at_end: false,
            error: None,
            line: 1,
            line_start: 0,
            passed: Passed::default(),
        }
    }

    /// What was consumed without being given to anybody, since the last call.
    pub(crate) fn take_passed(&mut self) -> Passed {
        std::mem::take(&mut self.passed)
    }

    /// Consumes all that is left; it goes to [`Feed::take_passed`].
    pub(crate) fn pass_rest(&mut self) {
        loop {
            self.passed.add(&self.buffer[self.start..self.end]);
            self.consume(self.end - self.start);
            if !self.fill() {
                break;
            }
        }
    }

    /// The error that ended the reading, once.
    pub(crate) fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    /// Position in the stream of the next byte.
    pub(crate) fn position(&self) -> u64 {
        self.offset + self.start as u64
    }

    pub(crate) fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.buffer[range]
    }

    /// Reads more; `false` at the end. Positions within the buffer move when consumed bytes are dropped.
    fn fill(&mut self) -> bool {
        if self.at_end {
            return false;
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.offset += self.start as u64;
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            let longer = self.buffer.len() * 2;
            self.buffer.resize(longer, 0);
        }
        loop {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => break,
                Ok(read) => {
                    self.end += read;
                    return true;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.error = Some(error);
                    break;
                }
            }
        }
        self.at_end = true;
        false
    }

    /// The next line without its end; `Err` for one that is too long, which is consumed.
    pub(crate) fn next_line(&mut self) -> Option<Result<Range<usize>, CutError>> {
        let mut searched = 0;
        let mut too_long = false;
        loop {
            let found = memchr::memchr(b'\n', &self.buffer[self.start + searched..self.end]);
            if let Some(found) = found {
                let end = self.start + searched + found;
                let range = self.start..end;
                if too_long {
                    self.passed.add(&self.buffer[range.clone()]);
                }
                self.start = end + 1;
                self.line += 1;
                self.line_start = self.position();
                return Some(if too_long { Err(CutError::TooLong) } else { Ok(range) });
            }
            searched = self.end - self.start;
            if searched > MAX_RECORD {
                too_long = true;
                self.passed.add(&self.buffer[self.start..self.end]);
                self.start = self.end;
                searched = 0;
            }
            if !self.fill() {
                let range = self.start..self.end;
                self.start = self.end;
                if too_long {
                    self.passed.add(&self.buffer[range.clone()]);
                }
                return match (too_long, range.is_empty()) {
                    (true, _) => Some(Err(CutError::TooLong)),
                    (false, true) => None,
                    (false, false) => Some(Ok(range)),
                };
            }
        }
    }

    /// Consumes blanks, then shows the next byte.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        loop {
            while self.start < self.end {
                let byte = self.buffer[self.start];
                if !byte.is_ascii_whitespace() {
                    return Some(byte);
                }
                self.step();
            }
            if !self.fill() {
                return None;
            }
        }
    }

    /// Consumes one byte that [`Feed::peek`] has shown.
    pub(crate) fn step(&mut self) {
        if self.start < self.end {
            let newline = self.buffer[self.start] == b'\n';
            self.start += 1;
            if newline {
                self.line += 1;
                self.line_start = self.position();
            }
        }
    }

    /// How far the next byte stands from the beginning of its line.
    fn indent(&self) -> u64 {
        self.position() - self.line_start
    }

    /// Cuts one JSON value, which begins at the next byte. Only brackets and quotes are looked at.
    pub(crate) fn take_value(&mut self) -> Result<Range<usize>, CutError> {
        let mut scan = ValueScan::default();
        loop {
            if let Some(length) = scan.advance(&self.buffer[self.start..self.end]) {
                let range = self.start..self.start + length;
                self.consume(length);
                return Ok(range);
            }
            if scan.broken {
                return Err(CutError::Unclosed);
            }
            if self.end - self.start > MAX_RECORD {
                return Err(CutError::TooLong);
            }
            if !self.fill() {
                if scan.is_scalar() && self.end > self.start {
                    let range = self.start..self.end;
                    self.consume(self.end - self.start);
                    return Ok(range);
                }
                return Err(CutError::Unclosed);
            }
        }
    }

    fn consume(&mut self, length: usize) {
        let range = self.start..self.start + length;
        let bytes = &self.buffer[range.clone()];
        self.line += memchr::memchr_iter(b'\n', bytes).count() as u64;
        if let Some(last) = memchr::memrchr(b'\n', bytes) {
            self.line_start = self.offset + (range.start + last) as u64 + 1;
        }
        self.start = range.end;
    }

    /// Consumes the rest of the line, which goes to [`Feed::take_passed`]; `false` where there is nothing more.
    pub(crate) fn pass_line(&mut self) -> bool {
        match self.next_line() {
            None => return false,
            Some(Err(_)) => {}
            Some(Ok(range)) => {
                self.passed.add(&self.buffer[range]);
                self.passed.add(b"\n");
            }
        }
        true
    }

    /// After a value that never closes: consumes up to the next line that begins an object at the same indentation.
    /// Without one, consumes all. What is consumed goes to [`Feed::take_passed`].
    pub(crate) fn skip_to_sibling(&mut self) -> bool {
        let indent = self.indent() as usize;
        while self.pass_line() {
            while self.end - self.start <= indent && self.fill() {}
            let line = &self.buffer[self.start..self.end];
            let blanks = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            if blanks == indent && line.get(blanks) == Some(&b'{') {
                self.consume(blanks);
                return true;
            }
        }
        false
    }
}

/// Finds where a JSON value ends, piece by piece.
#[derive(Default)]
pub(crate) struct ValueScan {
    at: usize,
    depth: usize,
    in_string: bool,
    scalar: bool,
    /// A string runs over a line's end, which JSON forbids: its closing quote is missing.
    broken: bool,
}

impl ValueScan {
    fn is_scalar(&self) -> bool {
        self.scalar
    }

    /// Looks at what is new in `bytes` (which begins with the value); the value's length where it ends.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Option<usize> {
        while self.at < bytes.len() {
            if self.in_string {
                match memchr::memchr3(b'"', b'\\', b'\n', &bytes[self.at..]) {
                    None => self.at = bytes.len(),
                    Some(found) if bytes[self.at + found] == b'\\' => {
                        // The escaped byte may not be there yet.
                        if self.at + found + 1 >= bytes.len() {
                            self.at += found;
                            return None;
                        }
                        self.at += found + 2;
                    }
                    Some(found) if bytes[self.at + found] == b'\n' => {
                        self.broken = true;
                        return None;
                    }
                    Some(found) => {
                        self.at += found + 1;
                        self.in_string = false;
                        if self.depth == 0 {
                            return Some(self.at);
                        }
                    }
                }
                continue;
            }
            let byte = bytes[self.at];
            if self.scalar {
                if matches!(byte, b',' | b']' | b'}' | b':') || byte.is_ascii_whitespace() {
                    return Some(self.at);
                }
                self.at += 1;
                continue;
            }
            self.at += 1;
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return Some(self.at);
                    }
                }
                _ if self.depth == 0 => self.scalar = true,
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// Gives one byte at a time.
    struct Slow(io::Cursor<Vec<u8>>);

    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(1);
            self.0.read(&mut buffer[..count])
        }
    }

    fn feed(text: &str) -> Feed {
        Feed::new(Box::new(Slow(io::Cursor::new(text.as_bytes().to_vec()))))
    }

    #[test]
    fn lines() {
        let mut feed = feed("a\r\n\nlast");
        let mut lines = Vec::new();
        while let Some(line) = feed.next_line() {
            let range = line.unwrap();
            lines.push(String::from_utf8(feed.bytes(range).to_vec()).unwrap());
        }
        assert_eq!(lines, ["a\r", "", "last"]);
    }

    #[test]
    fn values() {
        let mut feed = feed(" {\"a\": \"}\\\"\",\n \"b\": [1, {}]}\n[1]\"x\"12,tru");
        let mut values = Vec::new();
        while let Some(byte) = feed.peek() {
            if byte == b',' {
                feed.step();
                continue;
            }
            let line = feed.line;
            let range = feed.take_value().unwrap();
            values.push((line, String::from_utf8(feed.bytes(range).to_vec()).unwrap()));
        }
        let expected = [(1, "{\"a\": \"}\\\"\",\n \"b\": [1, {}]}"), (3, "[1]"), (3, "\"x\""), (3, "12"), (3, "tru")];
        assert_eq!(values, expected.map(|(line, text)| (line, text.to_string())));
    }

    #[test]
    fn an_unclosed_value_is_skipped_to_its_sibling() {
        let mut feed = feed("[\n  {\"a\": \"x,\n   {\"deep\": 1},\n  {\"b\": 2}\n]");
        feed.peek();
        feed.step();
        feed.peek();
        assert_eq!(feed.take_value(), Err(CutError::Unclosed));
        assert!(feed.skip_to_sibling());
        assert_eq!(feed.line, 4);
        let range = feed.take_value().unwrap();
        assert_eq!(feed.bytes(range), b"{\"b\": 2}");
    }
}
