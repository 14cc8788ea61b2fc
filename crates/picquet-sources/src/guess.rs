//! The types that a sample of a file suggests, to which all its records are held.

use std::sync::Arc;

use kql_functions::{Dynamic, Type};

use crate::infer::{self, Kinds, column_type};

/// A column whose type only a sample tells.
#[derive(Debug, Clone)]
pub(crate) struct Guess {
    table: Arc<str>,
    column: String,
    ty: Type,
    /// Whether the sample had a value at all.
    seen: bool,
    /// Whether a text is a time that would not be one in other columns.
    surely_time: bool,
}

/// A value as inference sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Seen<'a> {
    Bool,
    Long,
    Real,
    /// An object or array of a JSON file.
    Tree,
    /// A JSON string.
    Text(&'a str),
    /// A field of a CSV file.
    Field(&'a str),
}

impl Guess {
    /// `None` where no value could change the type.
    pub(crate) fn new(table: &Arc<str>, column: &str, ty: Type, kinds: &Kinds, surely_time: bool) -> Option<Guess> {
        let is_empty = *kinds == Kinds::default();
        let tree = Kinds::of(Seen::Tree, false);
        // By the endings of custom tables.
        let always_text = ty == Type::String && column_type(table, column, &tree) == Type::String;
        let guess = Guess { table: Arc::clone(table), column: column.to_string(), ty, seen: !is_empty, surely_time };
        (!always_text).then_some(guess)
    }

    /// Whether the type would be the same if the sample had held this value.
    pub(crate) fn holds(&mut self, value: Seen<'_>) -> bool {
        if let Seen::Text(text) | Seen::Field(text) = value
            && text.trim().is_empty()
        {
            return true;
        }
        if !self.seen {
            self.seen = column_type(&self.table, &self.column, &Kinds::of(value, self.surely_time)) == self.ty;
            return self.seen;
        }
        match (self.ty, value) {
            (Type::String, value) => !matches!(value, Seen::Tree),
            (Type::Dynamic, Seen::Field(text)) => text.trim_start().starts_with(['{', '[']),
            (Type::Dynamic, _) => true,
            (Type::Bool, Seen::Bool) | (Type::Long | Type::Real, Seen::Long) | (Type::Real, Seen::Real) => true,
            (Type::Bool, Seen::Field(text)) => {
                let text = text.trim();
                text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
            }
            (Type::Long, Seen::Field(text)) => infer::is_long(text.trim()),
            (Type::Real, Seen::Field(text)) => infer::is_long(text.trim()) || infer::is_real(text.trim()),
            // What is no time is found out when it is read.
            (Type::DateTime, Seen::Text(_) | Seen::Field(_)) => true,
            _ => false,
        }
    }
}

impl Kinds {
    fn of(value: Seen<'_>, surely_time: bool) -> Kinds {
        let mut kinds = Kinds::default();
        match value {
            Seen::Bool => kinds.see_tree(&Dynamic::Bool(true), surely_time),
            Seen::Long => kinds.see_tree(&Dynamic::Long(1), surely_time),
            Seen::Real => kinds.see_tree(&Dynamic::Real(0.5), surely_time),
            Seen::Tree => kinds.see_tree(&Dynamic::Array(Vec::new()), surely_time),
            Seen::Text(text) => kinds.see_tree(&Dynamic::String(text.to_string()), surely_time),
            Seen::Field(text) => kinds.see_field(text, surely_time),
        }
        kinds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guess_holds_or_not() {
        let time = Seen::Text("2026-03-14T01:02:03Z");
        let cases = [
            ("T", "a", vec![Seen::Long], Seen::Long, true),
            ("T", "a", vec![Seen::Long], Seen::Real, false),
            ("T", "a", vec![Seen::Long], Seen::Text("7"), false),
            ("T", "a", vec![Seen::Long], Seen::Text(" "), true),
            ("T", "a", vec![Seen::Long], Seen::Field(" 7"), true),
            ("T", "a", vec![Seen::Long], Seen::Field("007"), false),
            ("T", "a", vec![Seen::Real], Seen::Long, true),
            ("T", "a", vec![Seen::Real], Seen::Field("1e5"), false),
            ("T", "a", vec![Seen::Bool], Seen::Field("True"), true),
            ("T", "a", vec![Seen::Bool], Seen::Long, false),
            ("T", "a", vec![Seen::Text("x")], Seen::Long, true),
            ("T", "a", vec![Seen::Text("x")], Seen::Tree, false),
            ("T", "a", vec![Seen::Tree], Seen::Text("x"), true),
            ("T", "a", vec![Seen::Field("{}")], Seen::Field("x"), false),
            ("T", "a", vec![time], Seen::Long, false),
            // Nothing in the sample.
            ("T", "a", vec![], Seen::Text("x"), true),
            ("T", "a", vec![], time, false),
            ("T", "a", vec![], Seen::Long, false),
            ("T", "a", vec![], Seen::Field(""), true),
            // Endings of custom tables.
            ("T_CL", "a_d", vec![], Seen::Long, true),
            ("T_CL", "a_d", vec![], Seen::Text("x"), false),
            ("T_CL", "a_d", vec![Seen::Long], Seen::Real, true),
            ("T_CL", "a_s", vec![Seen::Text("x")], Seen::Tree, true),
        ];
        for (table, column, sample, value, expected) in cases {
            let mut kinds = Kinds::default();
            sample.iter().for_each(|seen| kinds.merge(&Kinds::of(*seen, false)));
            let ty = column_type(table, column, &kinds);
            let guess = Guess::new(&table.into(), column, ty, &kinds, false);
            let holds = guess.is_none_or(|mut guess| guess.holds(value));
            assert_eq!(holds, expected, "{table}.{column}: {sample:?}, then {value:?}");
        }
    }

    #[test]
    fn a_text_decides_where_the_sample_had_nothing() {
        let mut guess = Guess::new(&"T".into(), "a", Type::String, &Kinds::default(), false).unwrap();
        assert!(guess.holds(Seen::Text("x")));
        assert!(guess.holds(Seen::Long));
        assert!(!guess.holds(Seen::Tree));
    }
}
