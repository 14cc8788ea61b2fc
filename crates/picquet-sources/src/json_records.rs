//! Records of JSON files that are not JSON lines: arrays, objects one after the other, wrapped arrays, typed tables.

use kql_functions::{Dynamic, Type};

use crate::detect::is_about;
use crate::feed::Feed;
use crate::input::Bytes;
use crate::problems::{Collector, shown};
use crate::records::{Body, Record, cut_problem, ended};
use crate::rejected::Passed;

/// Keys of an object that only wraps an array of records, as exports of Azure and AWS have it.
pub(crate) const WRAPPERS: [&str; 4] = ["records", "value", "Records", "results"];

/// Objects one after the other, in arrays, or in arrays under a key of an outer object.
pub(crate) struct Elements {
    feed: Feed,
    wrapper: Option<String>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Top,
    InArray { wrapped: bool },
    InWrapper,
    Done,
}

impl Elements {
    pub(crate) fn new(bytes: Bytes, wrapper: Option<String>) -> Elements {
        Elements { feed: Feed::new(bytes), wrapper, state: State::Top }
    }

    pub(crate) fn next(&mut self, problems: &mut Collector) -> Option<Record<'_>> {
        loop {
            let Some(byte) = self.feed.peek() else {
                self.finish(problems);
                return None;
            };
            let line = self.feed.line;
            match (self.state, byte) {
                (State::Done, _) => return None,
                (_, b',') => self.feed.step(),
                (State::Top, b'[') => {
                    self.feed.step();
                    self.state = State::InArray { wrapped: false };
                }
                (State::Top, b'{') if self.wrapper.is_some() => {
                    self.feed.step();
                    self.state = State::InWrapper;
                }
                (State::InArray { wrapped }, b']') => {
                    self.feed.step();
                    self.state = if wrapped { State::InWrapper } else { State::Top };
                }
                (State::InWrapper, b'}') => {
                    self.feed.step();
                    self.state = State::Top;
                }
                (State::InWrapper, b'"') => self.enter_key(problems),
                (State::Top | State::InArray { .. }, b'{') => match self.feed.take_value() {
                    Ok(range) => return Some(Record { line, body: Body::Object(self.feed.bytes(range)) }),
                    Err(error) => {
                        self.feed.skip_to_sibling();
                        problems.lose(line, &self.feed.take_passed(), || cut_problem(error));
                    }
                },
                _ => self.skip_stray(problems),
            }
        }
    }

    /// Within the wrapping object: goes into the array of records, skips all other members.
    fn enter_key(&mut self, problems: &mut Collector) {
        let line = self.feed.line;
        let key = match self.feed.take_value() {
            Ok(range) => self.feed.bytes(range).to_vec(),
            Err(error) => {
                self.feed.pass_line();
                problems.lose(line, &self.feed.take_passed(), || cut_problem(error));
                return;
            }
        };
        let mut member = Passed::of(&key);
        let key = serde_json::from_slice::<String>(&key).unwrap_or_default();
        if self.feed.peek() == Some(b':') {
            self.feed.step();
        }
        let first = self.feed.peek();
        if first == Some(b'[') && self.wrapper.as_deref() == Some(key.as_str()) {
            self.feed.step();
            self.state = State::InArray { wrapped: true };
            return;
        }
        if first.is_some() {
            match self.feed.take_value() {
                Ok(range) => {
                    member.add(b": ");
                    member.add(self.feed.bytes(range));
                }
                Err(error) => {
                    self.feed.pass_rest();
                    problems.lose(line, &self.feed.take_passed(), || cut_problem(error));
                    self.state = State::Done;
                }
            }
        }
        if !is_about(&key) {
            problems.lose_quietly(line, &member, || format!("{} stands beside the records; skipped", shown(&key)));
        }
    }

    /// Anything but an object where one should stand.
    fn skip_stray(&mut self, problems: &mut Collector) {
        let line = self.feed.line;
        if let Some(bracket @ (b']' | b'}' | b':')) = self.feed.peek() {
            self.feed.step();
            let text = Passed::of(&[bracket]);
            problems.lose(line, &text, || "a bracket without its partner; skipped".to_string());
            return;
        }
        match self.feed.take_value() {
            Ok(range) => {
                let bytes = self.feed.bytes(range);
                problems.lose(line, &Passed::of(bytes), || {
                    let text = String::from_utf8_lossy(bytes);
                    format!("a record must be a JSON object, not {}; skipped", shown(&text))
                });
            }
            Err(error) => {
                self.feed.skip_to_sibling();
                problems.lose(line, &self.feed.take_passed(), || cut_problem(error));
            }
        }
    }

    fn finish(&mut self, problems: &mut Collector) {
        let line = self.feed.line;
        if matches!(self.state, State::InArray { .. } | State::InWrapper) {
            problems.lose(line, &Passed::default(), || {
                "the file ends before its JSON array does; what is there was read".to_string()
            });
        }
        ended(&mut self.feed, problems);
        self.state = State::Done;
    }
}

/// The rows of `{"tables":[{"columns":[…],"rows":[[…],…]}]}`, the answer of the Log Analytics and Kusto APIs.
pub(crate) struct TypedRows {
    feed: Feed,
    state: TypedState,
    columns: Vec<(String, Option<Type>)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TypedState {
    /// Before the rows; the head has not been read.
    Head,
    Rows,
    Done,
}

impl TypedRows {
    pub(crate) fn new(bytes: Bytes) -> TypedRows {
        TypedRows { feed: Feed::new(bytes), state: TypedState::Head, columns: Vec::new() }
    }

    /// Names and types of the columns, read from the head.
    pub(crate) fn columns(&mut self, problems: &mut Collector) -> &[(String, Option<Type>)] {
        if self.state == TypedState::Head {
            let found = self.read_head();
            self.state = if found { TypedState::Rows } else { TypedState::Done };
            if !found {
                let line = self.feed.line;
                problems.add(Some(line), None, || {
                    "no \"columns\" and \"rows\" in its first table; nothing read".to_string()
                });
                ended(&mut self.feed, problems);
            }
        }
        &self.columns
    }

    /// Whether the head leads to rows, of which none has been read yet.
    pub(crate) fn has_rows(&mut self, problems: &mut Collector) -> bool {
        self.columns(problems);
        self.state == TypedState::Rows
    }

    /// Goes to the first row of the first table.
    fn read_head(&mut self) -> bool {
        // The outer object, then the first table within "tables".
        for _ in 0..2 {
            if self.feed.peek() != Some(b'{') {
                return false;
            }
            self.feed.step();
            loop {
                let Some(key) = self.key() else { return false };
                let first = self.feed.peek();
                match key.to_ascii_lowercase().as_str() {
                    "tables" if first == Some(b'[') => {
                        self.feed.step();
                        break;
                    }
                    "rows" if first == Some(b'[') && !self.columns.is_empty() => {
                        self.feed.step();
                        return true;
                    }
                    "columns" => match self.feed.take_value() {
                        Ok(range) => self.columns = typed_columns(self.feed.bytes(range)),
                        Err(_) => return false,
                    },
                    _ if self.feed.take_value().is_err() => return false,
                    _ => {}
                }
            }
        }
        false
    }

    fn key(&mut self) -> Option<String> {
        if self.feed.peek()? == b',' {
            self.feed.step();
        }
        if self.feed.peek()? != b'"' {
            return None;
        }
        let range = self.feed.take_value().ok()?;
        let key = serde_json::from_slice(self.feed.bytes(range)).ok()?;
        if self.feed.peek()? != b':' {
            return None;
        }
        self.feed.step();
        Some(key)
    }

    pub(crate) fn next(&mut self, problems: &mut Collector) -> Option<Record<'_>> {
        self.columns(problems);
        if self.state == TypedState::Done {
            return None;
        }
        loop {
            let next = self.feed.peek();
            let line = self.feed.line;
            match next {
                Some(b',') => self.feed.step(),
                Some(b'[') => match self.feed.take_value() {
                    Ok(range) => return Some(Record { line, body: Body::Row(self.feed.bytes(range)) }),
                    Err(error) => {
                        self.feed.pass_rest();
                        problems.lose(line, &self.feed.take_passed(), || cut_problem(error));
                        break;
                    }
                },
                Some(b']') => {
                    self.feed.step();
                    self.after_rows(problems);
                    break;
                }
                Some(_) => {
                    self.feed.pass_rest();
                    let rest = self.feed.take_passed();
                    problems.lose(line, &rest, || "a row must be a JSON array; the rest is not read".to_string());
                    break;
                }
                None => {
                    problems.lose(line, &Passed::default(), || {
                        "the file ends before its rows do; what is there was read".to_string()
                    });
                    ended(&mut self.feed, problems);
                    break;
                }
            }
        }
        self.state = TypedState::Done;
        None
    }

    /// Behind the rows: members of the table and of what is around it are passed over; tells of anything else.
    fn after_rows(&mut self, problems: &mut Collector) {
        let line = self.feed.line;
        let mut gone = Passed::default();
        while let Some(byte) = self.feed.peek() {
            match byte {
                b'}' | b']' | b',' => self.feed.step(),
                b'"' => {
                    let Ok(key) = self.feed.take_value() else { break };
                    gone = Passed::of(self.feed.bytes(key));
                    if self.feed.peek() != Some(b':') {
                        break;
                    }
                    self.feed.step();
                    if self.feed.peek().is_none() || self.feed.take_value().is_err() {
                        break;
                    }
                    gone = Passed::default();
                }
                _ => break,
            }
        }
        self.feed.pass_rest();
        gone.join(&self.feed.take_passed());
        if !gone.is_empty() {
            problems.lose_quietly(line, &gone, || "only the rows of the first table are read".to_string());
        }
    }
}

fn typed_columns(json: &[u8]) -> Vec<(String, Option<Type>)> {
    let Ok(Dynamic::Array(columns)) = serde_json::from_slice(json) else { return Vec::new() };
    let text = |column: &Dynamic, keys: [&str; 4]| {
        keys.iter().find_map(|key| match column.get(key) {
            Some(Dynamic::String(text)) => Some(text.clone()),
            _ => None,
        })
    };
    columns
        .iter()
        .map(|column| {
            let name = text(column, ["name", "ColumnName", "Name", "columnName"]).unwrap_or_default();
            let ty = text(column, ["type", "ColumnType", "DataType", "Type"]);
            (name, ty.and_then(|ty| type_named(&ty)))
        })
        .collect()
}

/// Kusto's name of a type, or .NET's.
fn type_named(name: &str) -> Option<Type> {
    let lower = name.to_ascii_lowercase();
    let short = lower.rsplit('.').next().unwrap_or(&lower);
    Type::parse(short).or(match short {
        "sbyte" => Some(Type::Bool),
        "object" => Some(Type::Dynamic),
        "sqldecimal" => Some(Type::Decimal),
        "single" => Some(Type::Real),
        _ => None,
    })
}
