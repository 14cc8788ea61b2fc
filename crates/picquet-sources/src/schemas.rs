//! The columns of known tables, compiled in.

use std::sync::OnceLock;

use kql_functions::Type;

static PACKED: &[u8] = include_bytes!("../data/schemas.zst");

/// Column types of the tables of Microsoft Sentinel, Log Analytics and Defender XDR.
///
/// The text is unpacked once, when first needed; a look-up reads only the line of its table.
#[derive(Debug)]
pub struct Schemas {
    text: String,
    /// Where each line begins. Lines are sorted by table name.
    lines: Vec<u32>,
}

impl Schemas {
    /// The schemas that come with the program.
    pub fn builtin() -> &'static Schemas {
        static BUILTIN: OnceLock<Schemas> = OnceLock::new();
        BUILTIN.get_or_init(|| {
            // A test unpacks the compiled-in bytes; they cannot fail at run time only.
            let text = zstd::decode_all(PACKED).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            Schemas::from_text(text.unwrap_or_default())
        })
    }

    fn from_text(text: String) -> Schemas {
        let mut lines = Vec::with_capacity(2048);
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            lines.push(start as u32);
            start += line.len();
        }
        Schemas { text, lines }
    }

    fn line(&self, index: usize) -> &str {
        let start = self.lines[index] as usize;
        let end = self.lines.get(index + 1).map_or(self.text.len(), |end| *end as usize);
        self.text[start..end].trim_end_matches('\n')
    }

    fn find(&self, table: &str) -> Option<&str> {
        let mut low = 0;
        let mut high = self.lines.len();
        while low < high {
            let middle = low.midpoint(high);
            let line = self.line(middle);
            match name_of(line).cmp(table) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(line),
            }
        }
        None
    }

    /// The columns of a table, in order. Names are case-sensitive.
    pub fn table(&self, name: &str) -> Option<Vec<(String, Type)>> {
        let line = self.find(name)?;
        let columns = line.split('\t').skip(1).filter_map(|field| {
            let mut chars = field.chars();
            let ty = type_of(chars.next()?)?;
            Some((chars.as_str().to_string(), ty))
        });
        Some(columns.collect())
    }

    /// Whether a table of that name is known.
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The known table whose name differs from `name` only in upper and lower case.
    pub fn same_but_for_case(&self, name: &str) -> Option<&str> {
        self.names().find(|known| known.eq_ignore_ascii_case(name))
    }

    /// All table names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        (0..self.lines.len()).map(|index| name_of(self.line(index)))
    }
}

fn name_of(line: &str) -> &str {
    line.split('\t').next().unwrap_or(line)
}

fn type_of(letter: char) -> Option<Type> {
    Some(match letter {
        'b' => Type::Bool,
        'i' => Type::Int,
        'l' => Type::Long,
        'r' => Type::Real,
        'm' => Type::Decimal,
        's' => Type::String,
        't' => Type::DateTime,
        'p' => Type::Timespan,
        'g' => Type::Guid,
        'd' => Type::Dynamic,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_tables_are_there_and_found_by_name() {
        let schemas = Schemas::builtin();
        let names: Vec<&str> = schemas.names().collect();
        assert!(names.len() > 1900, "{} tables", names.len());
        assert!(names.is_sorted());
        let columns: usize = names.iter().map(|name| schemas.table(name).unwrap().len()).sum();
        assert!(columns > 70_000, "{columns} columns");
    }

    #[test]
    fn types_of_columns() {
        let table = Schemas::builtin().table("SigninLogs").unwrap();
        let ty = |name: &str| table.iter().find(|(column, _)| column == name).map(|(_, ty)| *ty);
        assert_eq!(ty("TimeGenerated"), Some(Type::DateTime));
        assert_eq!(ty("LocationDetails"), Some(Type::Dynamic));
        assert_eq!(ty("UserPrincipalName"), Some(Type::String));
        assert_eq!(ty("userprincipalname"), None);
    }

    #[test]
    fn unknown_names() {
        assert!(Schemas::builtin().table("NoSuchTable").is_none());
        assert!(Schemas::builtin().table("").is_none());
        assert!(!Schemas::builtin().contains("signinlogs"));
        assert_eq!(Schemas::builtin().same_but_for_case("signinlogs"), Some("SigninLogs"));
    }
}
