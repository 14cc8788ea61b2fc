//! Enumerations of the rule model, each a small table of spellings.

use std::fmt;

use serde::{Serialize, Serializer};

/// A text that names no value of an enumeration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {of}: expected {}", .expected.join(", "))]
pub struct UnknownName {
    /// What it should name.
    pub of: &'static str,
    /// The text as written.
    pub text: String,
    /// All values.
    pub expected: &'static [&'static str],
}

/// Declares an enumeration whose values have one written name, and reading that ignores case. The text is what the
/// enumeration is called in messages.
macro_rules! named_enum {
    ($(#[$meta:meta])* $name:ident, $of:literal { $($(#[$variant_meta:meta])* $variant:ident => $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_meta])* $variant,)+ }

        impl $name {
            /// All values, as written.
            pub const NAMES: &'static [&'static str] = &[$($text,)+];

            /// The value as Sentinel writes it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// Reads the written name, whatever its case; none for any other text.
            #[must_use]
            pub fn from_name(text: &str) -> Option<Self> {
                let text = text.trim();
                $(if text.eq_ignore_ascii_case($text) { return Some(Self::$variant); })+
                None
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownName;

            /// Reads a name as people write it: case, spaces, hyphens and underscores do not count.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let letters = |text: &str| text.replace([' ', '-', '_'], "").to_ascii_lowercase();
                let wanted = letters(text);
                $(if letters($text) == wanted { return Ok(Self::$variant); })+
                Err($crate::UnknownName { of: $of, text: text.to_owned(), expected: Self::NAMES })
            }
        }
    };
}
pub(crate) use named_enum;

named_enum! {
    /// Severity of a rule and of its alerts, in ascending order.
    Severity, "severity" {
        /// No harm by itself.
        Informational => "Informational",
        /// Low.
        Low => "Low",
        /// Medium.
        Medium => "Medium",
        /// High.
        High => "High",
    }
}

named_enum! {
    /// How rows become alerts (spec section 4).
    EventGrouping, "event grouping" {
        /// One alert for the whole result.
        SingleAlert => "SingleAlert",
        /// One alert a row, up to the limit.
        AlertPerResult => "AlertPerResult",
    }
}

named_enum! {
    /// When alerts of one rule join one incident (spec section 7).
    MatchingMethod, "matching method" {
        /// All mapped entities have the same values.
        AllEntities => "AllEntities",
        /// Always.
        AnyAlert => "AnyAlert",
        /// The listed entity types, alert details and custom details have the same values.
        Selected => "Selected",
    }
}

/// How the row count is compared with the threshold (spec section 3); the set is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TriggerOperator {
    /// More rows than the threshold.
    GreaterThan,
    /// Fewer rows than the threshold; fires on an empty result too.
    LessThan,
    /// Exactly as many rows.
    Equal,
    /// Any other number of rows.
    NotEqual,
}

impl TriggerOperator {
    /// Both spellings of every operator, YAML's first.
    pub const NAMES: &'static [&'static str] =
        &["gt", "lt", "eq", "ne", "GreaterThan", "LessThan", "Equal", "NotEqual"];

    /// The ARM spelling.
    #[must_use]
    pub const fn as_arm(self) -> &'static str {
        match self {
            Self::GreaterThan => "GreaterThan",
            Self::LessThan => "LessThan",
            Self::Equal => "Equal",
            Self::NotEqual => "NotEqual",
        }
    }

    /// The YAML spelling.
    #[must_use]
    pub const fn as_yaml(self) -> &'static str {
        match self {
            Self::GreaterThan => "gt",
            Self::LessThan => "lt",
            Self::Equal => "eq",
            Self::NotEqual => "ne",
        }
    }

    /// Reads either spelling, whatever its case. `ge`, `le`, `Equals` and the like do not exist.
    #[must_use]
    pub fn from_name(text: &str) -> Option<Self> {
        let text = text.trim();
        [Self::GreaterThan, Self::LessThan, Self::Equal, Self::NotEqual]
            .into_iter()
            .find(|op| text.eq_ignore_ascii_case(op.as_yaml()) || text.eq_ignore_ascii_case(op.as_arm()))
    }

    /// The spelling of the operator that a wrong text comes nearest to: signs, and the names of other
    /// products. There is no "or equal"; the strict operator is the nearest.
    pub(crate) fn nearest_name(text: &str) -> Option<&'static str> {
        let lower = text.trim().to_ascii_lowercase();
        let alias = match lower.as_str() {
            ">" | ">=" | "ge" | "gte" | "greater" | "more" | "above" => Some("gt"),
            "<" | "<=" | "le" | "lte" | "less" | "fewer" | "below" => Some("lt"),
            "=" | "==" | "equals" | "is" => Some("eq"),
            "!=" | "<>" | "neq" | "notequals" | "not" => Some("ne"),
            _ => None,
        };
        let by_front = || {
            let front = |name: &&str| lower.starts_with(&name.to_ascii_lowercase());
            Self::NAMES[4..].iter().copied().find(front)
        };
        alias.or_else(by_front).or_else(|| crate::error::nearest(&lower, Self::NAMES.iter().copied()))
    }

    /// Whether a number of rows fires against a threshold.
    #[must_use]
    pub const fn fires(self, rows: u64, threshold: u64) -> bool {
        match self {
            Self::GreaterThan => rows > threshold,
            Self::LessThan => rows < threshold,
            Self::Equal => rows == threshold,
            Self::NotEqual => rows != threshold,
        }
    }
}

impl fmt::Display for TriggerOperator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_arm())
    }
}

impl Serialize for TriggerOperator {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_arm())
    }
}

/// Kind of a rule (spec section 1). Only [`RuleKind::Scheduled`] and [`RuleKind::Nrt`] run KQL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RuleKind {
    /// Runs its query on a schedule.
    Scheduled,
    /// Runs every minute on what arrived in the minute before (spec section 9).
    Nrt,
    /// Turns alerts of one product into incidents.
    MicrosoftSecurityIncidentCreation,
    /// Microsoft's correlation; a template name and a switch.
    Fusion,
    /// Microsoft's behaviour models; a template name and a switch.
    MlBehaviorAnalytics,
    /// Microsoft's indicator matching; a template name and a switch.
    ThreatIntelligence,
    /// Any other kind, by its written name.
    Unknown(String),
}

impl RuleKind {
    /// Known kinds, as written.
    pub const NAMES: &'static [&'static str] = &[
        "Scheduled",
        "NRT",
        "MicrosoftSecurityIncidentCreation",
        "Fusion",
        "MLBehaviorAnalytics",
        "ThreatIntelligence",
    ];

    /// Reads a kind, whatever its case; a name that is not known gives [`RuleKind::Unknown`].
    #[must_use]
    pub fn from_name(text: &str) -> Self {
        match text.trim().to_ascii_lowercase().as_str() {
            "scheduled" => Self::Scheduled,
            "nrt" => Self::Nrt,
            "microsoftsecurityincidentcreation" => Self::MicrosoftSecurityIncidentCreation,
            "fusion" => Self::Fusion,
            "mlbehavioranalytics" => Self::MlBehaviorAnalytics,
            "threatintelligence" => Self::ThreatIntelligence,
            _ => Self::Unknown(text.trim().to_owned()),
        }
    }

    /// The kind as Sentinel writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Scheduled => "Scheduled",
            Self::Nrt => "NRT",
            Self::MicrosoftSecurityIncidentCreation => "MicrosoftSecurityIncidentCreation",
            Self::Fusion => "Fusion",
            Self::MlBehaviorAnalytics => "MLBehaviorAnalytics",
            Self::ThreatIntelligence => "ThreatIntelligence",
            Self::Unknown(name) => name,
        }
    }

    /// Whether rules of this kind have a query to run; the others are listed and converted only.
    #[must_use]
    pub const fn is_executable(&self) -> bool {
        matches!(self, Self::Scheduled | Self::Nrt)
    }
}

impl fmt::Display for RuleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for RuleKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators() {
        let accepted = [
            ("gt", TriggerOperator::GreaterThan),
            ("GT", TriggerOperator::GreaterThan),
            ("lessthan", TriggerOperator::LessThan),
            ("Equal", TriggerOperator::Equal),
            ("ne", TriggerOperator::NotEqual),
        ];
        for (text, operator) in accepted {
            assert_eq!(TriggerOperator::from_name(text), Some(operator), "{text}");
        }
        for text in ["ge", "le", "Equals", "GreaterThanOrEqual", ">", ""] {
            assert_eq!(TriggerOperator::from_name(text), None, "{text}");
        }
    }

    #[test]
    fn nearest_operators() {
        let cases = [
            ("Equals", Some("eq")),
            (">=", Some("gt")),
            ("GreaterThanOrEqual", Some("GreaterThan")),
            ("LessThen", Some("LessThan")),
            ("gtt", Some("gt")),
            ("sometimes", None),
        ];
        for (text, expected) in cases {
            assert_eq!(TriggerOperator::nearest_name(text), expected, "{text}");
        }
    }

    #[test]
    fn firing() {
        // operator, threshold, row counts that fire of 0..=3
        let cases: [(TriggerOperator, u64, &[u64]); 7] = [
            (TriggerOperator::GreaterThan, 0, &[1, 2, 3]),
            (TriggerOperator::GreaterThan, 2, &[3]),
            (TriggerOperator::LessThan, 0, &[]),
            (TriggerOperator::LessThan, 1, &[0]),
            (TriggerOperator::Equal, 0, &[0]),
            (TriggerOperator::Equal, 2, &[2]),
            (TriggerOperator::NotEqual, 1, &[0, 2, 3]),
        ];
        for (operator, threshold, firing) in cases {
            let found: Vec<u64> = (0..=3).filter(|n| operator.fires(*n, threshold)).collect();
            assert_eq!(found, firing, "{operator} {threshold}");
        }
    }

    #[test]
    fn kinds_and_order() {
        assert!(RuleKind::from_name("nrt").is_executable());
        assert!(!RuleKind::from_name("Fusion").is_executable());
        assert_eq!(RuleKind::from_name("Anomaly"), RuleKind::Unknown("Anomaly".into()));
        for name in RuleKind::NAMES {
            assert_eq!(RuleKind::from_name(name).as_str(), *name);
        }
        assert!(Severity::Informational < Severity::Low && Severity::Medium < Severity::High);
        assert_eq!(Severity::from_name("high"), Some(Severity::High));
    }
}
