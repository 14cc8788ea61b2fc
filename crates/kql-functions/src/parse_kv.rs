//! The engine of the `parse-kv` operator.

use regex::Regex;

use crate::cast::parse_as;
use crate::{EvalError, Type, Val};

/// How keys and values are told apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KvOptions {
    /// Between pairs. Without any delimiter, everything but letters, digits and `_` delimits.
    pub pair_delimiter: Option<String>,
    /// Between a key and its value.
    pub kv_delimiter: Option<String>,
    /// One character, or an opening and a closing one; may be given several times.
    pub quotes: Vec<String>,
    /// Characters that take the next one of a quoted text as it is.
    pub escapes: Vec<String>,
    /// An unquoted value reaches to the last pair delimiter before the next key.
    pub greedy: bool,
    /// Two groups, key and value; excludes all else.
    pub regex: Option<String>,
}

/// Compiled options and the columns to fill.
#[derive(Debug, Clone)]
pub struct ParseKv {
    columns: Vec<(String, Type)>,
    mode: Mode,
    quoting: Quoting,
}

#[derive(Debug, Clone)]
enum Mode {
    Delimited { pair: String, kv: String, greedy: bool },
    Free,
    Regex(Regex),
}

#[derive(Debug, Clone)]
struct Quoting {
    pairs: Vec<(char, char)>,
    escapes: Vec<char>,
}

impl ParseKv {
    /// Compiles the options.
    pub fn new(options: &KvOptions, columns: Vec<(String, Type)>) -> Result<ParseKv, EvalError> {
        let mode = match (&options.regex, &options.pair_delimiter, &options.kv_delimiter) {
            (Some(pattern), _, _) => Mode::Regex(two_groups(pattern)?),
            (None, None, None) => Mode::Free,
            (None, Some(pair), Some(kv)) if !pair.is_empty() && !kv.is_empty() => {
                Mode::Delimited { pair: pair.clone(), kv: kv.clone(), greedy: options.greedy }
            }
            _ => return Err(EvalError("parse-kv: pair_delimiter and kv_delimiter go together".to_string())),
        };
        let quoting = Quoting {
            pairs: options.quotes.iter().map(|q| quote_pair(q)).collect::<Result<_, _>>()?,
            escapes: options.escapes.iter().filter_map(|e| e.chars().next()).collect(),
        };
        Ok(ParseKv { columns, mode, quoting })
    }

    /// Names and types of the columns, in the order of the values.
    pub fn columns(&self) -> &[(String, Type)] {
        &self.columns
    }

    /// A value a column: of the first appearance of its key; missing where there is none or it isn't of the type.
    pub fn apply<'a>(&self, text: &'a str) -> Vec<Val<'a>> {
        let mut found: Vec<Option<Val<'a>>> = vec![None; self.columns.len()];
        let mut take = |key: &str, value: Word<'a>| {
            if let Some(at) = self.columns.iter().position(|(name, _)| name == key)
                && let Some(slot) = found.get_mut(at).filter(|slot| slot.is_none())
            {
                let ty = self.columns.get(at).map_or(Type::String, |(_, ty)| *ty);
                *slot = Some(value.cast(ty));
            }
        };
        match &self.mode {
            Mode::Regex(regex) => {
                for pair in regex.captures_iter(text) {
                    let group = |n| pair.get(n).map_or("", |m| m.as_str().trim());
                    take(group(1), Word::Plain(group(2)));
                }
            }
            Mode::Free => self.free(text, &mut take),
            Mode::Delimited { pair, kv, greedy } => {
                Reader { text, position: 0, quoting: &self.quoting }.pairs(pair, kv, *greedy, &mut take);
            }
        }
        found.into_iter().zip(&self.columns).map(|(value, (_, ty))| value.unwrap_or(Val::missing(*ty))).collect()
    }

    /// Any word that is a wanted key takes the next word as its value.
    fn free<'a>(&self, text: &'a str, take: &mut impl FnMut(&str, Word<'a>)) {
        let mut reader = Reader { text, position: 0, quoting: &self.quoting };
        let mut key: Option<Word<'a>> = None;
        while let Some(word) = reader.next_word() {
            match key.take() {
                Some(known) => take(known.as_str(), word),
                None if self.columns.iter().any(|(name, _)| name == word.as_str()) => key = Some(word),
                None => {}
            }
        }
    }
}

fn two_groups(pattern: &str) -> Result<Regex, EvalError> {
    let regex = Regex::new(pattern).map_err(|e| EvalError(format!("Regex pattern is ill-formed: '{pattern}': {e}")))?;
    if regex.captures_len() != 3 {
        return Err(EvalError(format!("parse-kv: regex '{pattern}' must have two capturing groups")));
    }
    Ok(regex)
}

fn quote_pair(quote: &str) -> Result<(char, char), EvalError> {
    let mut chars = quote.chars();
    match (chars.next(), chars.next(), chars.next()) {
        (Some(one), None, None) => Ok((one, one)),
        (Some(open), Some(close), None) => Ok((open, close)),
        _ => Err(EvalError(format!("parse-kv: quote '{quote}' must have one or two characters"))),
    }
}

/// A key or value: as it stands, or freed of escapes.
enum Word<'a> {
    Plain(&'a str),
    Freed(String),
}

impl<'a> Word<'a> {
    fn as_str(&self) -> &str {
        match self {
            Word::Plain(s) => s,
            Word::Freed(s) => s,
        }
    }

    fn cast(self, ty: Type) -> Val<'a> {
        let missing = Val::missing(ty);
        match self {
            Word::Plain(s) => parse_as(s, ty).unwrap_or(missing),
            Word::Freed(s) => parse_as(&s, ty).map_or(missing, Val::into_owned),
        }
    }
}

struct Reader<'a, 'q> {
    text: &'a str,
    position: usize,
    quoting: &'q Quoting,
}

impl<'a> Reader<'a, '_> {
    fn pairs(&mut self, pair: &str, kv: &str, greedy: bool, take: &mut impl FnMut(&str, Word<'a>)) {
        loop {
            self.skip_blanks();
            while self.skip(pair) {
                self.skip_blanks();
            }
            if self.rest().is_empty() {
                return;
            }
            let key = self.quoted().unwrap_or_else(|| self.plain_until(&[kv, pair]));
            self.skip_blanks();
            if self.skip(kv) {
                self.skip_blanks();
                let value = match self.quoted() {
                    Some(value) => value,
                    None if greedy => self.greedy_value(pair, kv),
                    None => self.plain_until(&[pair]),
                };
                take(key.as_str(), value);
            }
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn skip_blanks(&mut self) {
        self.position = self.text.len() - self.rest().trim_start().len();
    }

    fn skip(&mut self, delimiter: &str) -> bool {
        let there = self.rest().starts_with(delimiter);
        if there {
            self.position += delimiter.len();
        }
        there
    }

    /// Up to the first of the delimiters, without blanks around.
    fn plain_until(&mut self, delimiters: &[&str]) -> Word<'a> {
        let rest = self.rest();
        let end = delimiters.iter().filter_map(|d| rest.find(d)).min().unwrap_or(rest.len());
        self.position += end;
        Word::Plain(rest[..end].trim())
    }

    /// Up to the last pair delimiter before the next key.
    fn greedy_value(&mut self, pair: &str, kv: &str) -> Word<'a> {
        let rest = self.rest();
        let end = rest.find(kv).map_or(rest.len(), |next| rest[..next].trim_end().rfind(pair).unwrap_or(next));
        self.position += end;
        Word::Plain(rest[..end].trim())
    }

    /// A quoted text, if one begins here and ends at all.
    fn quoted(&mut self) -> Option<Word<'a>> {
        let rest = self.rest();
        let open = rest.chars().next()?;
        let (_, close) = self.quoting.pairs.iter().find(|(o, _)| *o == open)?;
        let body = &rest[open.len_utf8()..];
        let mut freed: Option<String> = None;
        let mut chars = body.char_indices();
        while let Some((at, c)) = chars.next() {
            if self.quoting.escapes.contains(&c) {
                let freed = freed.get_or_insert_with(|| body[..at].to_string());
                freed.extend(chars.next().map(|(_, escaped)| escaped));
            } else if c == *close {
                self.position += open.len_utf8() + at + close.len_utf8();
                return Some(freed.map_or(Word::Plain(&body[..at]), Word::Freed));
            } else if let Some(freed) = &mut freed {
                freed.push(c);
            }
        }
        None
    }

    /// The next quoted text or run of letters, digits and `_`.
    fn next_word(&mut self) -> Option<Word<'a>> {
        loop {
            if let Some(word) = self.quoted() {
                return Some(word);
            }
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let rest = self.rest();
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            if end > 0 {
                self.position += end;
                return Some(Word::Plain(&rest[..end]));
            }
            self.position += rest.chars().next()?.len_utf8();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pair: &str, kv: &str) -> KvOptions {
        KvOptions { pair_delimiter: Some(pair.to_string()), kv_delimiter: Some(kv.to_string()), ..KvOptions::default() }
    }

    fn parse(options: &KvOptions, keys: &[&str], text: &str) -> Vec<String> {
        let columns = keys.iter().map(|k| (k.to_string(), Type::String)).collect();
        let values = ParseKv::new(options, columns).unwrap().apply(text);
        values.iter().map(|v| v.as_str().unwrap_or("null").to_string()).collect()
    }

    #[test]
    fn delimited() {
        assert_eq!(parse(&options(" ", "="), &["key", "x"], "  key  =  value  "), ["value", ""]);
        assert_eq!(parse(&options("][", "="), &["k1", "k2"], "[k1=v1][k2=v2]"), ["", "v2]"]);
        assert_eq!(parse(&options(" ", "="), &["key"], "key=value=extra"), ["value=extra"]);
        assert_eq!(parse(&options(" ", "="), &["k", "world"], "k=hello world=foo bar"), ["hello", "foo"]);
        assert_eq!(parse(&options(";", "="), &["a", "b"], "a=;b=yes;a=1"), ["", "yes"]);
        assert_eq!(parse(&options(";", "="), &["foo"], "no delimiters here"), [""]);
    }

    #[test]
    fn quoted_and_greedy() {
        let mut quoted = options(" ", "=");
        quoted.quotes = vec!["\"".to_string()];
        quoted.escapes = vec!["\\".to_string()];
        let text = r#"src=10.1.1.1 failure="sent \"bye!\" now" "event time"=5"#;
        let expected = ["10.1.1.1", "sent \"bye!\" now", "5"];
        assert_eq!(parse(&quoted, &["src", "failure", "event time"], text), expected);
        quoted.quotes = vec!["()".to_string()];
        assert_eq!(parse(&quoted, &["event time", "f"], "f=(a b) (event time)=(2 3)"), ["2 3", "a b"]);
        let greedy = KvOptions { greedy: true, ..options(" ", "=") };
        let text = "name=John Doe phone=555 5555 city=New York";
        assert_eq!(parse(&greedy, &["name", "phone", "city"], text), ["John Doe", "555 5555", "New York"]);
    }

    #[test]
    fn free_and_regex() {
        let text = "2021-01-01T10:00:34 [INFO] ThreadId:458745723, Machine:Node001, Text: 'is \\' up'";
        let free = KvOptions { quotes: vec!["'".to_string()], escapes: vec!["\\".to_string()], ..KvOptions::default() };
        assert_eq!(parse(&free, &["Text", "ThreadId", "Machine"], text), ["is ' up", "458745723", "Node001"]);
        let regex = KvOptions { regex: Some(r#""([\w ]+)\s*:\s*([^"]*)""#.to_string()), ..KvOptions::default() };
        assert_eq!(parse(&regex, &["b c"], r#"["a: 1", "b c: 2?x"]"#), ["2?x"]);
    }

    #[test]
    fn values_of_another_type_are_null() {
        let kv = ParseKv::new(&options(",", ":"), vec![("a".to_string(), Type::Long), ("b".to_string(), Type::Int)]);
        assert_eq!(kv.unwrap().apply("a:x, b: 7"), [Val::Null, Val::Int(7)]);
    }
}
