//! Column types of tables that no schema describes.

use kql_functions::{Dynamic, Type};

use crate::times;

/// What kinds of values a sample of a column holds. Missing values do not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Kinds {
    bools: u64,
    longs: u64,
    reals: u64,
    times: u64,
    /// Objects and arrays of JSON files.
    trees: u64,
    /// CSV cells that hold a JSON object or array.
    tree_texts: u64,
    texts: u64,
}

impl Kinds {
    /// Adds a field of a CSV file.
    pub(crate) fn see_field(&mut self, text: &str, surely_time: bool) {
        let text = text.trim();
        if text.is_empty() {
        } else if is_time(text, surely_time) {
            self.times += 1;
        } else if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
            self.bools += 1;
        } else if is_long(text) {
            self.longs += 1;
        } else if is_real(text) {
            self.reals += 1;
        } else if text.starts_with(['{', '[']) && Dynamic::parse_json(text).is_some() {
            self.tree_texts += 1;
        } else {
            self.texts += 1;
        }
    }

    /// Adds a JSON value.
    pub(crate) fn see_tree(&mut self, tree: &Dynamic, surely_time: bool) {
        match tree {
            Dynamic::Null => {}
            Dynamic::Bool(_) => self.bools += 1,
            Dynamic::Long(_) => self.longs += 1,
            Dynamic::Real(_) | Dynamic::Decimal(_) => self.reals += 1,
            Dynamic::Array(_) | Dynamic::Bag(_) => self.trees += 1,
            Dynamic::DateTime(_) => self.times += 1,
            Dynamic::Timespan(_) | Dynamic::Guid(_) => self.texts += 1,
            Dynamic::String(text) if text.trim().is_empty() => {}
            Dynamic::String(text) if is_time(text, surely_time) => self.times += 1,
            Dynamic::String(_) => self.texts += 1,
        }
    }

    /// Adds what another file's sample holds.
    pub(crate) fn merge(&mut self, other: &Kinds) {
        self.bools += other.bools;
        self.longs += other.longs;
        self.reals += other.reals;
        self.times += other.times;
        self.trees += other.trees;
        self.tree_texts += other.tree_texts;
        self.texts += other.texts;
    }

    /// The narrowest type that takes all values; `None` where there was no value.
    fn narrowest(&self) -> Option<Type> {
        let all = self.bools + self.longs + self.reals + self.times + self.trees + self.tree_texts + self.texts;
        Some(match all {
            0 => return None,
            _ if self.trees > 0 || self.tree_texts == all => Type::Dynamic,
            _ if self.bools == all => Type::Bool,
            _ if self.longs == all => Type::Long,
            _ if self.longs + self.reals == all => Type::Real,
            _ if self.times == all => Type::DateTime,
            _ => Type::String,
        })
    }
}

fn is_time(text: &str, surely_time: bool) -> bool {
    let parses = || times::parse(text, times::TimeStyle::default()).is_some() || times::is_day_first(text);
    times::looks_like_time(text) || surely_time && parses()
}

/// The type of a column of a table that no schema describes.
///
/// In custom tables the endings that Log Analytics gives to names decide, where the values agree with them.
pub(crate) fn column_type(table: &str, column: &str, kinds: &Kinds) -> Type {
    let narrowest = kinds.narrowest();
    if table.ends_with("_CL")
        && let Some((_, ending)) = column.rsplit_once('_')
    {
        match (ending, narrowest) {
            ("s" | "g", _) => return Type::String,
            ("d", None | Some(Type::Long | Type::Real)) => return Type::Real,
            ("b", None | Some(Type::Bool)) => return Type::Bool,
            ("t", None | Some(Type::DateTime)) => return Type::DateTime,
            _ => {}
        }
    }
    match narrowest {
        None if column == "TimeGenerated" => Type::DateTime,
        None => Type::String,
        Some(ty) => ty,
    }
}

/// A whole number as programs write it: `007` and `+1` are texts.
pub(crate) fn is_long(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain && (digits == "0" || !digits.starts_with('0')) && text.parse::<i64>().is_ok()
}

/// A number with a point; one with only an exponent may as well be a part of a hash.
pub(crate) fn is_real(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let Some((whole, rest)) = digits.split_once('.') else { return false };
    let plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let fraction = rest.split(['e', 'E']).next().unwrap_or(rest);
    plain(whole) && plain(fraction) && (whole == "0" || !whole.starts_with('0')) && text.parse::<f64>().is_ok()
}

/// The type that takes the values of both, for files of one table that declare different types.
pub(crate) fn common(a: Type, b: Type) -> Type {
    match (a, b) {
        (a, b) if a == b => a,
        (Type::Int, Type::Long) | (Type::Long, Type::Int) => Type::Long,
        (a, b) if a.is_number() && b.is_number() => Type::Real,
        (Type::Dynamic, _) | (_, Type::Dynamic) => Type::Dynamic,
        _ => Type::String,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_fields(fields: &[&str]) -> Option<Type> {
        let mut kinds = Kinds::default();
        fields.iter().for_each(|field| kinds.see_field(field, false));
        kinds.narrowest()
    }

    #[test]
    fn csv_columns() {
        let cases: [(&[&str], Option<Type>); 14] = [
            (&["", " "], None),
            (&["1", "", "-2"], Some(Type::Long)),
            (&["1", "2.5"], Some(Type::Real)),
            (&["007"], Some(Type::String)),
            (&["12345678901234567890"], Some(Type::String)),
            (&["61e5"], Some(Type::String)),
            (&["1.2.3.4"], Some(Type::String)),
            (&["true", "False"], Some(Type::Bool)),
            (&["true", "1"], Some(Type::String)),
            (&["2026-03-14T01:02:03Z"], Some(Type::DateTime)),
            (&["3/14/2026, 1:53:26.391 AM"], Some(Type::DateTime)),
            (&["2026-03-14"], Some(Type::String)),
            (&["{\"a\":1}", "[1]"], Some(Type::Dynamic)),
            (&["{\"a\":1}", "not json"], Some(Type::String)),
        ];
        for (fields, expected) in cases {
            assert_eq!(of_fields(fields), expected, "{fields:?}");
        }
    }

    #[test]
    fn json_columns() {
        let of = |json: &str| {
            let Some(Dynamic::Array(items)) = Dynamic::parse_json(json) else { panic!("{json}") };
            let mut kinds = Kinds::default();
            items.iter().for_each(|item| kinds.see_tree(item, false));
            kinds.narrowest()
        };
        assert_eq!(of("[1, null, 2]"), Some(Type::Long));
        assert_eq!(of("[1, 2.5]"), Some(Type::Real));
        assert_eq!(of("[\"1\"]"), Some(Type::String));
        assert_eq!(of("[\"{}\"]"), Some(Type::String));
        assert_eq!(of("[{}, \"x\"]"), Some(Type::Dynamic));
        assert_eq!(of("[null, \"\"]"), None);
    }

    #[test]
    fn endings_of_custom_tables() {
        let longs = Kinds { longs: 3, ..Kinds::default() };
        let texts = Kinds { texts: 3, ..Kinds::default() };
        assert_eq!(column_type("T_CL", "Port_d", &longs), Type::Real);
        assert_eq!(column_type("T_CL", "Port_s", &longs), Type::String);
        assert_eq!(column_type("T_CL", "Port_d", &texts), Type::String);
        assert_eq!(column_type("T", "Port_d", &longs), Type::Long);
        assert_eq!(column_type("T", "TimeGenerated", &Kinds::default()), Type::DateTime);
    }
}
