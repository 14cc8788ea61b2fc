//! What went wrong in a rule file, and what a run had to leave out.

use std::fmt;

/// A problem of one rule file: where it stands, what is wrong, what would be right.
///
/// The same shape serves errors (the rule is not loaded) and remarks (the rule is loaded; see
/// [`crate::Loaded::warnings`]).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct RuleError {
    /// The file's name as given to the loader.
    pub file: String,
    /// YAML or JSON path such as `entityMappings[0].entityType`; empty for the whole file.
    pub path: String,
    /// Line in the file, from 1; none when the problem has no place (an unreadable file).
    pub line: Option<usize>,
    /// What is wrong, in lower case without a final full stop.
    pub message: String,
    /// What is expected, and the nearest valid value where there is one.
    pub help: Option<String>,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        f.write_str(": ")?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

/// What kind of thing a run left out of an alert; the reasons are those of Sentinel's health table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WarningKind {
    /// A mapped column is missing from the result, or holds no entity.
    EntityMapping,
    /// Entities were dropped because of their number or size.
    EntitiesDropped,
    /// More rows than one alert each is given for.
    AlertLimit,
    /// A custom detail names a missing column, or values were dropped.
    CustomDetails,
    /// An alert detail could not be taken from the result; the rule's own value stands.
    AlertDetails,
}

/// A remark on a run that did not stop it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What kind of thing was left out.
    pub kind: WarningKind,
    /// What happened, with the names of the mapping and the column.
    pub message: String,
}

impl Warning {
    pub(crate) fn new(kind: WarningKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// Adds the warning unless the same one is there already: a fault of a mapping shows once, not once an alert.
    pub(crate) fn push(self, list: &mut Vec<Self>) {
        if !list.contains(&self) {
            list.push(self);
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Words of other products, and the value that means the same here.
const ALIASES: &[(&str, &str)] = &[
    ("critical", "High"),
    ("severe", "High"),
    ("warning", "Medium"),
    ("info", "Informational"),
    ("alertperrow", "AlertPerResult"),
    ("alertperevent", "AlertPerResult"),
    ("user", "Account"),
    ("computer", "Host"),
    ("device", "Host"),
    ("domain", "DNS"),
    ("hash", "FileHash"),
];

/// The valid value nearest to a wrong one, if any is near enough to be meant.
#[must_use]
pub fn nearest<'a>(wrong: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.trim().to_ascii_lowercase();
    let valid: Vec<&str> = valid.into_iter().collect();
    let alias = ALIASES.iter().find(|(word, _)| *word == wrong);
    if let Some(value) = alias.and_then(|(_, value)| valid.iter().find(|valid| *valid == value)) {
        return Some(value);
    }
    valid
        .into_iter()
        .map(|candidate| {
            let lower = candidate.to_ascii_lowercase();
            (strsim::damerau_levenshtein(&wrong, &lower), candidate)
        })
        .filter(|(distance, candidate)| *distance <= allowed_distance(&wrong, candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn allowed_distance(wrong: &str, candidate: &str) -> usize {
    (wrong.len().max(candidate.len()) / 3).max(1)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn nearest_values() {
        let severities = ["High", "Medium", "Low", "Informational"];
        let cases = [
            ("Hihg", Some("High")),
            ("medum", Some("Medium")),
            ("information", Some("Informational")),
            ("Critical", Some("High")),
            ("purple", None),
            ("", None),
        ];
        for (wrong, expected) in cases {
            assert_eq!(nearest(wrong, severities), expected, "{wrong}");
        }
    }
}
