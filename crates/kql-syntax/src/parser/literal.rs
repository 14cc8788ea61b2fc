//! Literals: strings, numbers, timespans, typed literals and `dynamic(…)`.

use super::Parser;
use crate::Span;
use crate::ast::{DynamicLiteral, Expr, ExprKind, Literal};
use crate::lexer::{TokenKind, timespan_unit};

impl Parser<'_> {
    /// A literal at the current token, if there is one.
    pub(super) fn literal(&mut self) -> Option<Expr> {
        let start = self.start();
        let literal = match self.kind() {
            TokenKind::String | TokenKind::OpenString => Literal::String(self.string_value()),
            TokenKind::Long => self.long_value(),
            TokenKind::Real => self.real_value(),
            TokenKind::Timespan => self.timespan_value(),
            TokenKind::TypedLiteral => self.typed_value(),
            TokenKind::Ident => match self.text_at(0) {
                "true" | "True" | "TRUE" => self.bool_value(true),
                "false" | "False" | "FALSE" => self.bool_value(false),
                "dynamic" if self.kind_at(1) == TokenKind::LParen => return Some(self.dynamic_expr()),
                _ => return None,
            },
            _ => return None,
        };
        Some(Expr { kind: ExprKind::Literal(literal), span: self.since(start) })
    }

    fn bool_value(&mut self, value: bool) -> Literal {
        self.bump();
        Literal::Bool(Some(value))
    }

    fn malformed(&mut self, span: Span) {
        self.error("KS004", span, "Malformed literal");
    }

    /// One string or several adjacent ones, without quotes and escapes.
    pub(super) fn string_value(&mut self) -> String {
        let mut value = String::new();
        while matches!(self.kind(), TokenKind::String | TokenKind::OpenString) {
            let token = self.token();
            let text = token.span.text(self.source);
            if token.kind == TokenKind::OpenString {
                let end = token.span.end;
                let quote = text.trim_start_matches(['h', 'H', '@']);
                let quote =
                    if quote.starts_with("```") || quote.starts_with("~~~") { &quote[..3] } else { &quote[..1] };
                self.error("KS001", Span { start: end, end }, format!("Missing: {quote}"));
            }
            if let Err(at) = unquote(text, token.kind == TokenKind::String, &mut value) {
                let at = token.span.start + at as u32;
                self.error("KS002", Span { start: at, end: at + 1 }, "Unexpected: \\");
            }
            self.bump();
        }
        value
    }

    fn long_value(&mut self) -> Literal {
        let token = self.token();
        let value = parse_long(token.span.text(self.source));
        if value.is_none() {
            self.malformed(token.span);
        }
        self.bump();
        Literal::Long(value)
    }

    fn real_value(&mut self) -> Literal {
        let token = self.bump();
        Literal::Real(token.span.text(self.source).parse().ok())
    }

    fn timespan_value(&mut self) -> Literal {
        let token = self.token();
        let value = short_timespan(token.span.text(self.source));
        if value.is_none() {
            self.malformed(token.span);
        }
        self.bump();
        Literal::Timespan(value)
    }

    /// `datetime(…)`, `long(…)` and so on.
    fn typed_value(&mut self) -> Literal {
        let token = self.token();
        let text = token.span.text(self.source);
        let (ty, raw) = text.split_once('(').unwrap_or((text, ""));
        let raw = raw.strip_suffix(')').unwrap_or(raw).trim();
        let quoted = raw.len() >= 2 && raw.starts_with(['"', '\'']) && raw.ends_with(&raw[..1]);
        let inner = if quoted { raw[1..raw.len() - 1].trim() } else { raw };
        let literal = typed(ty.trim(), inner);
        let literal = literal.unwrap_or_else(|| {
            self.malformed(token.span);
            typed(ty.trim(), "null").unwrap_or(Literal::Bool(None))
        });
        self.bump();
        literal
    }

    /// `dynamic(json)`
    fn dynamic_expr(&mut self) -> Expr {
        let start = self.start();
        self.bump();
        self.bump();
        let value = self.json_value();
        if self.eat(TokenKind::RParen) {
            let literal = if value == DynamicLiteral::Null { None } else { Some(value) };
            return Expr { kind: ExprKind::Literal(Literal::Dynamic(literal)), span: self.since(start) };
        }
        self.expect_close(TokenKind::RParen, ")");
        Expr { kind: ExprKind::Error, span: self.since(start) }
    }

    fn json_value(&mut self) -> DynamicLiteral {
        self.nested(Self::json_value_inner).unwrap_or(DynamicLiteral::Null)
    }

    fn json_value_inner(&mut self) -> DynamicLiteral {
        match self.kind() {
            TokenKind::LBracket => return DynamicLiteral::Array(self.json_array()),
            TokenKind::LBrace => return DynamicLiteral::Bag(self.json_bag()),
            TokenKind::Ident if self.at_word("null") => {
                self.bump();
                return DynamicLiteral::Null;
            }
            TokenKind::Minus => {
                self.bump();
                if let Some(value) = self.negative_number() {
                    return DynamicLiteral::Scalar(Box::new(value));
                }
            }
            TokenKind::Ident if self.at_word("dynamic") && self.kind_at(1) == TokenKind::LParen => {
                self.bump();
                self.bump();
                let value = self.json_value();
                self.expect_close(TokenKind::RParen, ")");
                return value;
            }
            _ => {
                if let Some(Expr { kind: ExprKind::Literal(literal), .. }) = self.literal() {
                    return DynamicLiteral::Scalar(Box::new(literal));
                }
            }
        }
        self.missing("json value");
        DynamicLiteral::Null
    }

    fn negative_number(&mut self) -> Option<Literal> {
        if self.at(TokenKind::Long) {
            let text = self.text_at(0);
            // The smallest long has no positive counterpart.
            let value = format!("-{text}").parse().ok().or_else(|| parse_long(text).map(i64::wrapping_neg));
            self.bump();
            return Some(Literal::Long(value));
        }
        match self.literal()?.kind {
            ExprKind::Literal(Literal::Real(Some(v))) => Some(Literal::Real(Some(-v))),
            ExprKind::Literal(Literal::Timespan(Some(v))) => Some(Literal::Timespan(Some(-v))),
            _ => None,
        }
    }

    fn json_array(&mut self) -> Vec<DynamicLiteral> {
        self.bump();
        let mut items = Vec::new();
        while !self.at(TokenKind::RBracket) {
            let before = self.pos;
            items.push(self.json_value());
            if !self.eat(TokenKind::Comma) {
                break;
            }
            if self.at(TokenKind::RBracket) {
                self.missing("json value");
            }
            if self.pos == before {
                break;
            }
        }
        self.expect_close(TokenKind::RBracket, "]");
        items
    }

    fn json_bag(&mut self) -> Vec<(String, DynamicLiteral)> {
        self.bump();
        let mut items = Vec::new();
        while self.at(TokenKind::String) {
            if self.kind_at(1) != TokenKind::Colon {
                self.bump();
                self.expected(":");
                break;
            }
            let key = self.string_value();
            self.bump();
            items.push((key, self.json_value()));
            if !self.eat(TokenKind::Comma) {
                break;
            }
            if !self.at(TokenKind::String) {
                self.missing("json key:value pair");
            }
        }
        self.expect_close(TokenKind::RBrace, "}");
        items
    }
}

/// Adds the value of a string literal to `out`; the offset of a wrong escape otherwise.
fn unquote(text: &str, closed: bool, out: &mut String) -> Result<(), usize> {
    let body = text.strip_prefix(['h', 'H']).unwrap_or(text);
    let tail = |n: usize| if closed { n } else { 0 };
    if let Some(raw) = body.strip_prefix("```").or_else(|| body.strip_prefix("~~~")) {
        out.push_str(raw.get(..raw.len() - tail(3)).unwrap_or(raw));
        return Ok(());
    }
    if let Some(quoted) = body.strip_prefix('@') {
        let quote = &quoted[..1];
        let raw = &quoted[1..quoted.len() - tail(1)];
        out.push_str(&raw.replace(&quote.repeat(2), quote));
        return Ok(());
    }
    let raw = &body[1..body.len() - tail(1)];
    let offset = text.len() - body.len() + 1;
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = &rest[at + 1..];
        let Some((c, len)) = unescape(escape) else {
            out.push('\\');
            out.push_str(escape);
            return if closed { Err(offset + raw.len() - rest.len() + at) } else { Ok(()) };
        };
        out.push(c);
        rest = &escape[len..];
    }
    out.push_str(rest);
    Ok(())
}

/// The character that an escape stands for, and the length of the escape after its backslash.
fn unescape(escape: &str) -> Option<(char, usize)> {
    let first = escape.bytes().next()?;
    let code = |digits: &str, radix, len| Some((char::from_u32(u32::from_str_radix(digits, radix).ok()?)?, len));
    Some(match first {
        b'n' => ('\n', 1),
        b't' => ('\t', 1),
        b'r' => ('\r', 1),
        b'a' => ('\x07', 1),
        b'b' => ('\x08', 1),
        b'f' => ('\x0c', 1),
        b'v' => ('\x0b', 1),
        b'\\' => ('\\', 1),
        b'"' => ('"', 1),
        b'\'' => ('\'', 1),
        b'x' => return code(escape.get(1..3)?, 16, 3),
        b'u' => return unescape_utf16(escape),
        b'U' => return code(escape.get(1..9)?, 16, 9),
        b'0'..=b'7' => {
            let max = if first <= b'3' { 3 } else { 2 };
            let len = escape.bytes().take(max).take_while(|b| matches!(b, b'0'..=b'7')).count();
            return code(&escape[..len], 8, len);
        }
        _ => return None,
    })
}

/// `\uXXXX`; two of them may make one character.
fn unescape_utf16(escape: &str) -> Option<(char, usize)> {
    let unit = u16::from_str_radix(escape.get(1..5)?, 16).ok()?;
    if let Some(c) = char::from_u32(u32::from(unit)) {
        return Some((c, 5));
    }
    let low = escape.get(5..11).and_then(|s| s.strip_prefix("\\u")).and_then(|s| u16::from_str_radix(s, 16).ok());
    match low.map(|low| char::decode_utf16([unit, low]).next()) {
        Some(Some(Ok(c))) => Some((c, 11)),
        _ => Some((char::REPLACEMENT_CHARACTER, 5)),
    }
}

fn parse_long(text: &str) -> Option<i64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        // All 64 bits may be given: 0xFFFFFFFFFFFFFFFF is -1.
        Some(hex) => u64::from_str_radix(hex, 16).ok().map(|v| v as i64),
        None => text.parse().ok(),
    }
}

/// The text inside a number literal: a sign, then digits.
fn signed_long(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text.strip_prefix('+').unwrap_or(text).trim_start()),
    };
    if negative && digits.bytes().all(|b| b.is_ascii_digit()) {
        return format!("-{digits}").parse().ok();
    }
    let value = parse_long(digits)?;
    Some(if negative { value.wrapping_neg() } else { value })
}

fn parse_real(text: &str) -> Option<f64> {
    match text.to_ascii_lowercase().as_str() {
        "nan" | "-nan" | "+nan" => Some(f64::NAN),
        "inf" | "+inf" | "infinity" | "+infinity" => Some(f64::INFINITY),
        "-inf" | "-infinity" => Some(f64::NEG_INFINITY),
        plain if plain.bytes().any(|b| b.is_ascii_digit()) => {
            plain.parse().ok().or_else(|| signed_long(plain).map(|v| v as f64))
        }
        _ => None,
    }
}

/// The value of `ty(text)`; `None` where the text does not fit the type.
fn typed(ty: &str, text: &str) -> Option<Literal> {
    let null = text == "null";
    // Without text all but datetime are null.
    let none = null || text.is_empty();
    Some(match ty {
        "bool" if none => Literal::Bool(None),
        "bool" => Literal::Bool(Some(match text.to_ascii_lowercase().as_str() {
            "true" => true,
            "false" => false,
            number => signed_long(number)? != 0,
        })),
        "int" | "int32" if none => Literal::Int(None),
        "int" | "int32" => Literal::Int(Some(whole(text)?.try_into().ok()?)),
        "long" | "int64" if none => Literal::Long(None),
        "long" | "int64" => Literal::Long(Some(whole(text)?)),
        "real" | "double" if none => Literal::Real(None),
        "real" | "double" => Literal::Real(Some(parse_real(text)?)),
        "decimal" if none => Literal::Decimal(None),
        "decimal" if parse_real(text)?.is_finite() => Literal::Decimal(Some(text.to_owned())),
        "datetime" | "date" if null => Literal::DateTime(None),
        "datetime" | "date" => Literal::DateTime(Some(text.to_owned())),
        "guid" if none => Literal::Guid(None),
        "guid" => Literal::Guid(Some(text.to_owned())),
        "timespan" | "time" if none => Literal::Timespan(None),
        "timespan" | "time" => Literal::Timespan(Some(long_timespan(text)?)),
        _ => return None,
    })
}

/// The whole number in the text; a fraction is cut off.
fn whole(text: &str) -> Option<i64> {
    signed_long(text).or_else(|| {
        let value = parse_real(text)?.trunc();
        (value.abs() < i64::MAX as f64).then_some(value as i64)
    })
}

/// `1.5h`
fn short_timespan(text: &str) -> Option<i64> {
    let split = text.find(|c: char| c.is_ascii_alphabetic())?;
    let unit = timespan_unit(text[split..].trim())?;
    let number = text[..split].trim();
    if let (Ok(whole), true) = (number.parse::<i64>(), unit >= 1.0) {
        return whole.checked_mul(unit as i64);
    }
    let ticks = number.parse::<f64>().ok()? * unit;
    (ticks.abs() < i64::MAX as f64).then(|| ticks.round() as i64)
}

/// The text inside `timespan(…)`: `2` (days), `1.5h`, `[-][d.]hh:mm[:ss[.fffffff]]`.
fn long_timespan(text: &str) -> Option<i64> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest.trim()),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let ticks = if text.contains(':') {
        clock(text)?
    } else if text.bytes().all(|b| b.is_ascii_digit()) {
        text.parse::<i64>().ok()?.checked_mul(864_000_000_000)?
    } else {
        short_timespan(text)?
    };
    Some(if negative { -ticks } else { ticks })
}

fn clock(text: &str) -> Option<i64> {
    let mut parts: Vec<&str> = text.split(':').collect();
    let mut days = 0;
    if let Some((d, h)) = parts[0].split_once('.') {
        days = number(d)?;
        parts[0] = h;
    } else if parts.len() == 4 {
        days = number(parts.remove(0))?;
    }
    let (hours, minutes, seconds) = match parts[..] {
        [h, m] => (h, m, "0"),
        [h, m, s] => (h, m, s),
        _ => return None,
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let seconds = number(seconds)?;
    if hours > 23 || minutes > 59 || seconds > 59 || fraction.len() > 7 {
        return None;
    }
    let fraction = if fraction.is_empty() { 0 } else { number(&format!("{fraction:0<7}"))? };
    let total = ((days.checked_mul(24)?.checked_add(hours)?.checked_mul(60)?) + minutes).checked_mul(60)? + seconds;
    total.checked_mul(10_000_000)?.checked_add(fraction)
}

fn number(digits: &str) -> Option<i64> {
    let fits = !digits.is_empty() && digits.len() < 10 && digits.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| digits.parse().ok())?
}
