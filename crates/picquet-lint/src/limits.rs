//! Every limit of Sentinel's rules and of the content repository, in one table.

use picquet_rules::Duration;

/// Most entity mappings of a rule.
pub const ENTITY_MAPPINGS: usize = 10;
/// Most identifiers of an entity mapping.
pub const IDENTIFIERS: usize = 3;
/// Most characters of a column's name in a mapping or a detail.
pub const COLUMN_NAME: usize = 500;
/// Most custom details of a rule.
pub const CUSTOM_DETAILS: usize = 20;
/// Most characters of a custom detail's key.
pub const CUSTOM_DETAIL_KEY: usize = 20;
/// Most placeholders of an alert's name format, and of its description format.
pub const PLACEHOLDERS: usize = 3;
/// Most characters of an alert's name format.
pub const ALERT_NAME_FORMAT: usize = 256;
/// Most characters of an alert's description format.
pub const ALERT_DESCRIPTION_FORMAT: usize = 5000;
/// Most characters of a rule's name.
pub const NAME: usize = 256;
/// Most characters of a rule's description.
pub const DESCRIPTION: usize = 5000;
/// Most characters of a query.
pub const QUERY: usize = 10_000;
/// Most workspaces that a query may name.
pub const WORKSPACES: usize = 20;
/// Highest threshold of a trigger.
pub const THRESHOLD: u64 = 10_000;
/// Shortest frequency and period.
pub const SHORTEST_SCHEDULE: Duration = Duration::from_minutes(5);
/// Longest frequency and period.
pub const LONGEST_SCHEDULE: Duration = Duration::from_hours(14 * 24);
/// A period of this length or more needs [`FREQUENCY_OF_LONG_PERIOD`].
pub const LONG_PERIOD: Duration = Duration::from_hours(48);
/// Shortest frequency of a rule with a long period.
pub const FREQUENCY_OF_LONG_PERIOD: Duration = Duration::from_hours(1);
/// Longest suppression.
pub const SUPPRESSION: Duration = Duration::from_hours(24);
/// Shortest time over which alerts are grouped.
pub const SHORTEST_LOOKBACK: Duration = Duration::from_minutes(5);
/// Longest time over which alerts are grouped.
pub const LONGEST_LOOKBACK: Duration = Duration::from_hours(7 * 24);
/// Most characters of a template's version.
pub const VERSION: usize = 20;
/// First preview version of the API that knows sub-techniques, by its date.
pub const SUB_TECHNIQUES_SINCE: &str = "2023-12-01";
/// Newest stable version of the API that is known to lack sub-techniques and NRT rules.
pub const STABLE_WITHOUT_PREVIEWS: &str = "2024-09-01";
/// Characters of a rule's name that the style guide asks for.
pub const STYLE_NAME: usize = 50;
/// Sentences of a description that the style guide asks for.
pub const STYLE_SENTENCES: usize = 5;
/// Shortest term that the index of a table holds.
pub const INDEXED_TERM: usize = 3;
