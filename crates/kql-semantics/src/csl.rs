//! Columns as one text, as commands that make tables take them.

use kql_functions::Type;

/// Columns as `name:type`, with a separator between them. Names that are no plain words stand in brackets and quotes.
pub fn csl_schema<'c>(columns: impl Iterator<Item = (&'c str, Type)>, separator: &str) -> String {
    let shown = columns.map(|(name, ty)| format!("{}:{ty}", quoted(name)));
    shown.collect::<Vec<_>>().join(separator)
}

fn quoted(name: &str) -> String {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let plain = name.chars().all(word) && name.starts_with(|c: char| !c.is_ascii_digit());
    if plain {
        return name.to_string();
    }
    format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_need_brackets() {
        let columns = [("a_1", Type::Long), ("b c", Type::String), ("1x", Type::Bool), ("o'k\\", Type::Dynamic)];
        let text = csl_schema(columns.into_iter(), ",");
        assert_eq!(text, r"a_1:long,['b c']:string,['1x']:bool,['o\'k\\']:dynamic");
    }
}
