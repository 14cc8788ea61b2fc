//! The engine of the `parse` and `parse-where` operators.
//!
//! A pattern fits a text from its beginning to its end; `*` skips text. In the kinds *simple* and *relaxed* each
//! column ends at the first occurrence of the text after it. In the kind *regex* the texts are regular expressions,
//! columns take what they can (or as little as they can with the flag `U`), and the end of the text may be left over.

use regex::Regex;

use crate::cast::parse_as;
use crate::{EvalError, Type, Val};

/// How texts of a pattern are matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseKind {
    /// Texts are literal; a column that is not of its type makes the whole pattern fail.
    Simple,
    /// As simple, but a column that is not of its type is null.
    Relaxed,
    /// Texts are regular expressions; a column that is not of its type makes the whole pattern fail.
    Regex,
}

impl ParseKind {
    /// The kind of a name.
    pub fn parse(name: &str) -> Option<ParseKind> {
        match name {
            "simple" => Some(ParseKind::Simple),
            "relaxed" => Some(ParseKind::Relaxed),
            "regex" => Some(ParseKind::Regex),
            _ => None,
        }
    }
}

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// `*`
    Star,
    /// A string constant.
    Text(String),
    /// A column to fill.
    Column {
        /// Its name.
        name: String,
        /// Its type.
        ty: Type,
    },
}

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct ParsePattern {
    columns: Vec<(String, Type)>,
    form: Form,
}

#[derive(Debug, Clone)]
enum Form {
    Literal {
        pieces: Vec<Piece>,
        relaxed: bool,
    },
    /// With the number of the group of each column.
    Regex {
        regex: Regex,
        groups: Vec<usize>,
    },
}

impl ParsePattern {
    /// Compiles a pattern. `flags` are those of the kind *regex*, such as `Ui`.
    pub fn new(kind: ParseKind, flags: &str, pieces: Vec<Piece>) -> Result<ParsePattern, EvalError> {
        let pieces = simplified(pieces);
        check(&pieces)?;
        let columns = pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Column { name, ty } => Some((name.clone(), *ty)),
                _ => None,
            })
            .collect();
        let form = match kind {
            ParseKind::Regex => regex_form(flags, &pieces)?,
            _ => Form::Literal { pieces, relaxed: kind == ParseKind::Relaxed },
        };
        Ok(ParsePattern { columns, form })
    }

    /// Names and types of the columns, in the order of the values.
    pub fn columns(&self) -> &[(String, Type)] {
        &self.columns
    }

    /// The values of the columns, or `None` where the pattern doesn't fit.
    pub fn apply<'a>(&self, text: &'a str) -> Option<Vec<Val<'a>>> {
        match &self.form {
            Form::Literal { pieces, relaxed } => {
                let mut scan =
                    Scan { text, position: 0, relaxed: *relaxed, values: Vec::with_capacity(self.columns.len()) };
                scan.run(pieces)?;
                Some(scan.values)
            }
            Form::Regex { regex, groups } => {
                let found = regex.captures(text)?;
                let value = |(group, (_, ty)): (&usize, &(String, Type))| {
                    parse_as(found.get(*group).map_or("", |m| m.as_str()), *ty)
                };
                groups.iter().zip(&self.columns).map(value).collect()
            }
        }
    }
}

/// Without empty texts, and with one star for several in a row.
fn simplified(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut kept: Vec<Piece> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let idle = match &piece {
            Piece::Text(text) => text.is_empty() && !matches!(kept.last(), Some(Piece::Column { .. })),
            Piece::Star => kept.last() == Some(&Piece::Star),
            Piece::Column { .. } => false,
        };
        if !idle {
            kept.push(piece);
        }
    }
    kept
}

fn check(pieces: &[Piece]) -> Result<(), EvalError> {
    for pair in pieces.windows(2) {
        match pair {
            [Piece::Column { name, ty: Type::String }, Piece::Star] => {
                return Err(EvalError(format!("parse: '*' can't follow the string column '{name}'")));
            }
            [Piece::Column { name, ty: Type::String }, Piece::Column { .. }] => {
                return Err(EvalError(format!("parse: a string constant must follow the string column '{name}'")));
            }
            [Piece::Star, Piece::Column { name, .. }] => {
                return Err(EvalError(format!("parse: a string constant must stand between '*' and column '{name}'")));
            }
            _ => {}
        }
    }
    Ok(())
}

fn regex_form(flags: &str, pieces: &[Piece]) -> Result<Form, EvalError> {
    if let Some(odd) = flags.chars().find(|c| !"Uimsux".contains(*c)) {
        return Err(EvalError(format!("parse: unknown regex flag '{odd}'")));
    }
    let mut pattern = if flags.is_empty() { String::new() } else { format!("(?{flags})") };
    pattern.push_str(r"\A");
    let mut columns = 0;
    for piece in pieces {
        match piece {
            Piece::Star => pattern.push_str(".*"),
            Piece::Text(text) => pattern.push_str(text),
            Piece::Column { ty, .. } => {
                pattern.push_str(&format!("(?P<{}>{})", group_name(columns), type_pattern(*ty)));
                columns += 1;
            }
        }
    }
    let regex =
        Regex::new(&pattern).map_err(|e| EvalError(format!("Regex pattern is ill-formed: '{pattern}': {e}")))?;
    let groups =
        (0..columns).filter_map(|n| regex.capture_names().position(|name| name == Some(&group_name(n)))).collect();
    Ok(Form::Regex { regex, groups })
}

/// A name that no group of the author has.
fn group_name(column: usize) -> String {
    format!("parse_column_{column}")
}

fn type_pattern(ty: Type) -> &'static str {
    match ty {
        Type::Int | Type::Long => r"(?-U:[-+]?(?:0[xX][0-9a-fA-F]+|[0-9]+))",
        Type::Real | Type::Decimal => r"(?-U:[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)",
        Type::Bool => r"(?-U:\w+)",
        Type::Guid => r"(?-U:\{?[0-9a-fA-F-]{32,36}\}?)",
        Type::String | Type::DateTime | Type::Timespan | Type::Dynamic | Type::Unknown => ".*",
    }
}

struct Scan<'a> {
    text: &'a str,
    position: usize,
    relaxed: bool,
    values: Vec<Val<'a>>,
}

impl<'a> Scan<'a> {
    fn run(&mut self, pieces: &[Piece]) -> Option<()> {
        let mut rest = pieces;
        while let Some((piece, after)) = rest.split_first() {
            rest = match (piece, after) {
                (Piece::Text(text), _) => {
                    self.position += self.rest().strip_prefix(&**text).map(|_| text.len())?;
                    after
                }
                (Piece::Star, []) => return Some(()),
                (Piece::Star | Piece::Column { ty: Type::String, .. }, [Piece::Text(text), more @ ..]) => {
                    let skipped = self.until(text, more.is_empty())?;
                    if let Piece::Column { .. } = piece {
                        self.values.push(Val::str(skipped));
                    }
                    more
                }
                (Piece::Column { ty, .. }, [Piece::Text(text), more @ ..]) => {
                    let found = self.until(text, more.is_empty())?;
                    self.take(found, *ty)?;
                    more
                }
                (Piece::Column { ty, .. }, []) => {
                    let found = self.rest();
                    self.position = self.text.len();
                    self.take(found, *ty)?;
                    after
                }
                (Piece::Column { ty, .. }, _) => {
                    let found = &self.rest()[..prefix_of_type(self.rest(), *ty)];
                    self.position += found.len();
                    self.take(found, *ty)?;
                    after
                }
                // A star before a column is refused when a pattern is made.
                (Piece::Star, _) => return None,
            };
        }
        (self.position == self.text.len()).then_some(())
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    /// What comes before the first `delimiter`, or before the one at the end of the text if that is the last piece.
    fn until(&mut self, delimiter: &str, last: bool) -> Option<&'a str> {
        let rest = self.rest();
        let at = if last { rest.strip_suffix(delimiter).map(str::len) } else { rest.find(delimiter) }?;
        self.position += at + delimiter.len();
        rest.get(..at)
    }

    fn take(&mut self, found: &'a str, ty: Type) -> Option<()> {
        let value = match parse_as(found, ty) {
            None if self.relaxed => Val::missing(ty),
            other => other?,
        };
        self.values.push(value);
        Some(())
    }
}

/// Longest text that is tried as a value of a type when no text bounds the column.
const LONGEST_VALUE: usize = 48;

/// Length of the longest beginning that reads as a value of the type.
fn prefix_of_type(text: &str, ty: Type) -> usize {
    let run = |allowed: fn(char) -> bool| text.find(|c| !allowed(c)).unwrap_or(text.len());
    let longest = match ty {
        Type::Int | Type::Long => run(|c| c.is_ascii_alphanumeric() || "+-".contains(c)),
        Type::Real | Type::Decimal => run(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)),
        Type::Bool => run(|c| c.is_ascii_alphanumeric() || c == '-'),
        _ => text.len().min(LONGEST_VALUE),
    };
    let fits = |end: &usize| {
        text.get(..*end).is_some_and(|part| !part.ends_with(char::is_whitespace) && parse_as(part, ty).is_some())
    };
    (1..=longest.min(LONGEST_VALUE)).rev().find(fits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(s: &str) -> Piece {
        Piece::Text(s.to_string())
    }

    fn column(ty: Type) -> Piece {
        Piece::Column { name: "c".to_string(), ty }
    }

    fn parse(kind: ParseKind, flags: &str, pieces: &[Piece], input: &str) -> Option<Vec<Val<'static>>> {
        let pattern = ParsePattern::new(kind, flags, pieces.to_vec()).unwrap();
        pattern.apply(input).map(|values| values.into_iter().map(Val::into_owned).collect())
    }

    fn strings(values: &[&'static str]) -> Option<Vec<Val<'static>>> {
        Some(values.iter().map(|s| Val::str(*s)).collect())
    }

    const EVENT: &str = "Event: Slice (name=Pipe, total=27, number=23, lock=x)";

    #[test]
    fn columns_end_at_the_first_delimiter() {
        let s = column(Type::String);
        let simple = |pieces: &[Piece], input| parse(ParseKind::Simple, "", pieces, input);
        assert_eq!(simple(&[s.clone(), text("###"), s.clone()], "a###b###c"), strings(&["a", "b###c"]));
        assert_eq!(simple(&[text("["), s.clone(), text("] "), s.clone()], "[err] msg"), strings(&["err", "msg"]));
        assert_eq!(simple(&[text("a"), s.clone()], "xa1"), None);
        assert_eq!(simple(&[Piece::Star, text("a="), s.clone(), text(")")], "f(a=1)(2)"), strings(&["1)(2"]));
        assert_eq!(simple(&[text("a="), s, text(")")], "a=1) "), None);
    }

    #[test]
    fn typed_columns_may_be_followed_by_a_star() {
        let pieces = [
            Piece::Star,
            text("name="),
            column(Type::String),
            text(", total="),
            column(Type::Long),
            Piece::Star,
            text("number="),
            column(Type::Long),
            Piece::Star,
            text("lock="),
            column(Type::String),
            text(")"),
            Piece::Star,
        ];
        let expected = vec![Val::str("Pipe"), Val::Long(27), Val::Long(23), Val::str("x")];
        assert_eq!(parse(ParseKind::Simple, "", &pieces, EVENT), Some(expected));
        let bad = EVENT.replace("number=23", "number=none");
        assert_eq!(parse(ParseKind::Simple, "", &pieces, &bad), None);
        let expected = vec![Val::str("Pipe"), Val::Long(27), Val::Null, Val::str("x")];
        assert_eq!(parse(ParseKind::Relaxed, "", &pieces, &bad), Some(expected));
    }

    #[test]
    fn regex_columns_are_greedy_unless_flagged() {
        let s = column(Type::String);
        let regex = |flags, pieces: &[Piece], input| parse(ParseKind::Regex, flags, pieces, input);
        assert_eq!(regex("", &[s.clone(), text(r"\d+"), s.clone()], "abc123def"), strings(&["abc12", "def"]));
        let pieces = [Piece::Star, text("NAME="), s, text(","), Piece::Star];
        assert_eq!(regex("i", &pieces, EVENT), strings(&["Pipe, total=27, number=23"]));
        assert_eq!(regex("Ui", &pieces, EVENT), strings(&["Pipe"]));
        assert_eq!(regex("", &pieces, EVENT), None);
        let letters = || text("[a-z]");
        let int = || column(Type::Int);
        let pieces = [letters(), int(), letters(), int(), letters(), int()];
        assert_eq!(regex("", &pieces, "a1b22c3"), Some(vec![Val::Int(1), Val::Int(22), Val::Int(3)]));
        assert_eq!(regex("", &[text("prefix-"), int(), text("-suffix")], "prefix-x-suffix"), None);
    }

    #[test]
    fn groups_in_texts_do_not_count() {
        let pieces = [text("(.*?)total="), column(Type::Long), text("(.*?)number="), column(Type::Long), text(",")];
        assert_eq!(parse(ParseKind::Regex, "s", &pieces, EVENT), Some(vec![Val::Long(27), Val::Long(23)]));
    }

    #[test]
    fn string_columns_need_a_text_after_them() {
        let make = |pieces: &[Piece]| ParsePattern::new(ParseKind::Regex, "", pieces.to_vec());
        assert!(make(&[column(Type::String), column(Type::Long)]).is_err());
        assert!(make(&[column(Type::String), Piece::Star]).is_err());
        assert!(make(&[text("("), column(Type::String)]).is_err());
        assert!(make(&[column(Type::Long), column(Type::String)]).is_ok());
        assert!(ParsePattern::new(ParseKind::Regex, "Q", vec![text("a")]).is_err());
    }
}
