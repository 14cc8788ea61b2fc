//! Splits a query text into tokens.

use crate::Span;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum TokenKind {
    /// A name or keyword; keywords depend on the context.
    Ident,
    /// Any string literal, with prefix and quotes.
    String,
    /// A string literal whose end is missing.
    OpenString,
    /// `12`, `0x1F`
    Long,
    /// `1.5`, `1e10`
    Real,
    /// `1d`, `2.5h`
    Timespan,
    /// `datetime(…)`, `long(…)`…: a type name and the raw text in parentheses.
    TypedLiteral,
    /// `// …`
    Comment,
    /// A directive line, `#…`.
    Directive,
    LParen,
    RParen,
    LBracket,
    RBracket,
    LBrace,
    RBrace,
    Pipe,
    Dot,
    DotDot,
    Comma,
    Semicolon,
    Colon,
    Assign,
    /// `=>`
    Arrow,
    /// `==`
    Equal,
    /// `!=`, `<>`
    NotEqual,
    /// `=~`
    EqualTilde,
    /// `!~`
    NotTilde,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Bang,
    Tilde,
    At,
    Question,
    /// A character that KQL does not have.
    Bad,
    /// The end of the text (only the parser adds it).
    Eof,
}

/// A token and its place. White space is what lies between tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it stands.
    pub span: Span,
}

/// Types whose literals hold raw text in parentheses.
const TYPED: [&str; 13] = [
    "bool", "date", "datetime", "decimal", "double", "guid", "int", "int32", "int64", "long", "real", "time",
    "timespan",
];

/// Ticks of 100 ns of a timespan suffix; a fraction for nanoseconds.
pub(crate) fn timespan_unit(suffix: &str) -> Option<f64> {
    Some(match suffix {
        "d" | "day" | "days" => 864_000_000_000.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 36_000_000_000.0,
        "m" | "min" | "minute" | "minutes" => 600_000_000.0,
        "s" | "sec" | "second" | "seconds" => 10_000_000.0,
        "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => 10_000.0,
        "micro" | "micros" | "microsecond" | "microseconds" => 10.0,
        "nano" | "nanos" | "nanosecond" | "nanoseconds" => 0.01,
        "tick" | "ticks" => 1.0,
        _ => return None,
    })
}

/// No literal is longer; a bound keeps the search for `)` from being quadratic.
const MAX_RAW: usize = 512;

/// Splits `source` into tokens, comments included.
pub fn tokenize(source: &str) -> Vec<Token> {
    let mut lexer = Lexer { source, bytes: source.as_bytes(), pos: 0 };
    let mut tokens = Vec::with_capacity(source.len() / 4 + 1);
    while let Some(token) = lexer.next_token() {
        tokens.push(token);
    }
    tokens
}

struct Lexer<'s> {
    source: &'s str,
    bytes: &'s [u8],
    pos: usize,
}

fn is_name_start(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_' || b == b'$'
}

fn is_name_part(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.pos + ahead).copied().unwrap_or(0)
    }

    fn next_token(&mut self) -> Option<Token> {
        self.skip_space();
        let start = self.pos;
        let first = *self.bytes.get(start)?;
        let kind = self.scan(first);
        debug_assert!(self.pos > start);
        Some(Token { kind, span: Span::new(start, self.pos) })
    }

    fn skip_space(&mut self) {
        while let Some(&b) = self.bytes.get(self.pos) {
            if b.is_ascii() {
                if !b.is_ascii_whitespace() && b != 0x0b {
                    return;
                }
                self.pos += 1;
                continue;
            }
            match self.source.get(self.pos..).and_then(|rest| rest.chars().next()) {
                // Copies from web pages carry no-break spaces, zero width spaces and byte order marks.
                Some(c) if c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}') => self.pos += c.len_utf8(),
                _ => return,
            }
        }
    }

    fn scan(&mut self, first: u8) -> TokenKind {
        use TokenKind as T;
        let second = self.peek(1);
        if first.is_ascii_digit() {
            return self.scan_number();
        }
        if matches!(first, b'h' | b'H')
            && (matches!(second, b'"' | b'\'')
                || (second == b'@' && matches!(self.peek(2), b'"' | b'\''))
                || self.at_fence(1).is_some())
        {
            self.pos += 1;
            return self.scan_string();
        }
        if is_name_start(first) {
            return self.scan_name();
        }
        let (kind, len) = match (first, second) {
            (b'"' | b'\'', _) | (b'@', b'"' | b'\'') => return self.scan_string(),
            (b'`' | b'~', _) if self.at_fence(0).is_some() => return self.scan_string(),
            (b'/', b'/') => {
                self.skip_line();
                return T::Comment;
            }
            (b'#', _) if self.at_line_start() => {
                self.skip_line();
                return T::Directive;
            }
            (b'=', b'=') => (T::Equal, 2),
            (b'=', b'~') => (T::EqualTilde, 2),
            (b'=', b'>') => (T::Arrow, 2),
            (b'!', b'=') | (b'<', b'>') => (T::NotEqual, 2),
            (b'!', b'~') => (T::NotTilde, 2),
            (b'<', b'=') => (T::LessEqual, 2),
            (b'>', b'=') => (T::GreaterEqual, 2),
            (b'.', b'.') => (T::DotDot, 2),
            (b'(', _) => (T::LParen, 1),
            (b')', _) => (T::RParen, 1),
            (b'[', _) => (T::LBracket, 1),
            (b']', _) => (T::RBracket, 1),
            (b'{', _) => (T::LBrace, 1),
            (b'}', _) => (T::RBrace, 1),
            (b'|', _) => (T::Pipe, 1),
            (b'.', _) => (T::Dot, 1),
            (b',', _) => (T::Comma, 1),
            (b';', _) => (T::Semicolon, 1),
            (b':', _) => (T::Colon, 1),
            (b'=', _) => (T::Assign, 1),
            (b'<', _) => (T::Less, 1),
            (b'>', _) => (T::Greater, 1),
            (b'+', _) => (T::Plus, 1),
            (b'-', _) => (T::Minus, 1),
            (b'*', _) => (T::Star, 1),
            (b'/', _) => (T::Slash, 1),
            (b'%', _) => (T::Percent, 1),
            (b'!', _) => (T::Bang, 1),
            (b'~', _) => (T::Tilde, 1),
            (b'@', _) => (T::At, 1),
            (b'?', _) => (T::Question, 1),
            _ => (T::Bad, self.source[self.pos..].chars().next().map_or(1, char::len_utf8)),
        };
        self.pos += len;
        kind
    }

    fn skip_line(&mut self) {
        while self.pos < self.bytes.len() && self.bytes[self.pos] != b'\n' {
            self.pos += 1;
        }
    }

    fn at_line_start(&self) -> bool {
        self.bytes[..self.pos].iter().rev().find(|b| !matches!(b, b' ' | b'\t')).is_none_or(|b| *b == b'\n')
    }

    /// The fence of a multi-line string at `ahead`.
    fn at_fence(&self, ahead: usize) -> Option<&'static str> {
        let rest = self.bytes.get(self.pos + ahead..)?;
        ["```", "~~~"].into_iter().find(|f| rest.starts_with(f.as_bytes()))
    }

    fn scan_string(&mut self) -> TokenKind {
        if let Some(fence) = self.at_fence(0) {
            let body = self.pos + 3;
            let end = self.source.get(body..).and_then(|rest| rest.find(fence));
            self.pos = end.map_or(self.bytes.len(), |e| body + e + 3);
            return if end.is_some() { TokenKind::String } else { TokenKind::OpenString };
        }
        let verbatim = self.peek(0) == b'@';
        if verbatim {
            self.pos += 1;
        }
        let quote = self.peek(0);
        self.pos += 1;
        while let Some(&b) = self.bytes.get(self.pos) {
            match b {
                b'\n' | b'\r' => return TokenKind::OpenString,
                b'\\' if !verbatim && !matches!(self.peek(1), 0 | b'\n' | b'\r') => self.pos += 2,
                _ if b == quote && verbatim && self.peek(1) == quote => self.pos += 2,
                _ if b == quote => {
                    self.pos += 1;
                    return TokenKind::String;
                }
                _ => self.pos += 1,
            }
        }
        self.pos = self.bytes.len();
        TokenKind::OpenString
    }

    fn scan_name(&mut self) -> TokenKind {
        let start = self.pos;
        self.pos += 1;
        while is_name_part(self.peek(0)) {
            self.pos += 1;
        }
        if TYPED.contains(&&self.source[start..self.pos]) {
            let mut open = self.pos;
            while matches!(self.bytes.get(open), Some(b' ' | b'\t' | b'\r' | b'\n')) {
                open += 1;
            }
            if self.bytes.get(open) == Some(&b'(')
                && let Some(close) = self.raw_end(open + 1)
            {
                self.pos = close + 1;
                return TokenKind::TypedLiteral;
            }
        }
        TokenKind::Ident
    }

    /// The `)` that ends the raw text of a literal; on the same line, quoted text skipped.
    fn raw_end(&self, from: usize) -> Option<usize> {
        let mut quote = None;
        for (i, &b) in self.bytes.get(from..)?.iter().enumerate().take(MAX_RAW) {
            match (b, quote) {
                (b'\n', _) => return None,
                (b')', None) => return Some(from + i),
                (b'"' | b'\'', None) => quote = Some(b),
                (_, Some(q)) if b == q => quote = None,
                _ => {}
            }
        }
        None
    }

    fn digits(&mut self) {
        while self.peek(0).is_ascii_digit() {
            self.pos += 1;
        }
    }

    fn scan_number(&mut self) -> TokenKind {
        let start = self.pos;
        if self.peek(0) == b'0' && matches!(self.peek(1), b'x' | b'X') && self.peek(2).is_ascii_hexdigit() {
            self.pos += 2;
            while self.peek(0).is_ascii_hexdigit() {
                self.pos += 1;
            }
            return self.number_or_name(start, TokenKind::Long);
        }
        self.digits();
        let mut kind = TokenKind::Long;
        if self.peek(0) == b'.' && self.peek(1) != b'.' && !is_name_start(self.peek(1)) {
            kind = TokenKind::Real;
            self.pos += 1;
            self.digits();
        } else if self.peek(0) == b'.' && matches!(self.peek(1), b'e' | b'E') && self.exponent_len(1) > 0 {
            kind = TokenKind::Real;
            self.pos += 1;
        }
        let exponent = self.exponent_len(0);
        if exponent > 0 {
            self.pos += exponent;
            kind = TokenKind::Real;
        }
        self.number_or_name(start, kind)
    }

    /// The length of an exponent (`e10`, `E-3`) at `ahead`, 0 for none.
    fn exponent_len(&self, ahead: usize) -> usize {
        if !matches!(self.peek(ahead), b'e' | b'E') {
            return 0;
        }
        let mut len = 1 + usize::from(matches!(self.peek(ahead + 1), b'+' | b'-'));
        let sign = len;
        while self.peek(ahead + len).is_ascii_digit() {
            len += 1;
        }
        if len > sign { len } else { 0 }
    }

    /// Letters behind a number make it a timespan or, without a point, a name such as `3rdParty`.
    fn number_or_name(&mut self, start: usize, kind: TokenKind) -> TokenKind {
        if !is_name_part(self.peek(0)) {
            return kind;
        }
        let end = self.pos;
        while is_name_part(self.peek(0)) {
            self.pos += 1;
        }
        if timespan_unit(&self.source[end..self.pos]).is_some() && self.source[start..end].bytes().all(is_decimal) {
            return TokenKind::Timespan;
        }
        if self.source[start..end].contains('.') {
            self.pos = end;
            return kind;
        }
        // `1e+5x`: the name cannot hold the sign.
        if self.source[start..self.pos].bytes().all(is_name_part) {
            return TokenKind::Ident;
        }
        self.pos = end;
        kind
    }
}

fn is_decimal(b: u8) -> bool {
    b.is_ascii_digit() || b == b'.'
}
