//! Microsoft Sentinel analytics rules as values: reading them from YAML and ARM JSON, deciding whether a run's
//! result fires, building the alerts it gives, and grouping them into incidents.
//!
//! This crate knows nothing of storage, HTTP or how a query is run. Text goes in, [`AnalyticsRule`]s and
//! [`RuleError`]s come out; a query's result goes in as plain JSON values, [`Alert`]s come out, and [`Incident`]s out of
//! those. It reads no clock and makes no identifiers: times and GUIDs are arguments.
//!
//! ```
//! use picquet_rules::{AlertContext, RunInput, evaluate, load_text};
//!
//! let text = "id: 7d3f1a52-0000-4000-8000-000000000001
//! name: Failed sign-ins
//! kind: Scheduled
//! severity: Low
//! query: SigninLogs | where ResultType != '0'
//! queryFrequency: 1h
//! queryPeriod: 1h
//! triggerOperator: gt
//! triggerThreshold: 0
//! ";
//! let loaded = load_text("failed.yaml", text);
//! let end = "2024-05-01T12:00:00Z".parse().unwrap();
//! let mut ids = (1..).map(|n| format!("{n:08}-0000-4000-8000-000000000000"));
//! let run = evaluate(RunInput {
//!     rule: &loaded.rules[0],
//!     columns: &["UserPrincipalName".to_owned()],
//!     column_types: &[],
//!     rows: &[vec!["alex@contoso.com".into()]],
//!     window_start: "2024-05-01T11:00:00Z".parse().unwrap(),
//!     window_end: end,
//!     generated_at: end,
//!     context: &AlertContext::default(),
//!     next_id: &mut || ids.next().unwrap_or_default(),
//! });
//! assert_eq!(run.alerts[0].display_name, "Failed sign-ins");
//! ```

mod alert;
mod arm;
mod details;
mod duration;
mod entities;
mod entity_types;
mod enums;
mod error;
mod expression;
mod functions;
mod health;
mod hunting;
mod incident;
mod json;
mod load;
mod model;
mod node;
mod place;
mod read;
mod run;
mod scalar_map;
mod tactics;
mod time;
mod yaml;
mod yaml_query;

pub use alert::{Alert, AlertContext, TechniqueFormat};
pub use arm::{SIDECAR_KEYS, SIDECAR_UNKNOWN};
pub use duration::{Duration, DurationError};
pub use entities::{Entity, Extraction, MAX_ENTITIES_PER_ALERT, MAX_ENTITY_BYTES, extract_entities, legacy_mappings};
pub use entity_types::{ENTITY_TYPES, EntityType, entity_type};
pub use enums::UnknownName;
pub use error::{RuleError, Warning, WarningKind, nearest};
pub use functions::{FunctionDefinition, load_functions};
pub use health::{HealthInput, HealthOutcome, HealthReason, HealthRecord, HealthStatus};
pub use hunting::{HUNTING_CATEGORY, HUNTING_KIND, HUNTING_TAGS};
pub use incident::{
    Classification, ClassificationReason, Closing, Comment, Edit, GroupingInput, GroupingKey, Incident, IncidentChange,
    IncidentError, IncidentEvent, IncidentStatus, IncidentTask, Label, LabelType, MAX_ALERTS_PER_INCIDENT,
    MAX_BOOKMARKS, MAX_COMMENT_CHARS, MAX_COMMENTS, MAX_DESCRIPTION_CHARS, MAX_TASKS, Owner, TaskStatus,
    cut_description, group_alerts,
};
pub use load::{
    LoadOptions, Loaded, decode_text, load_folder_text, load_path, load_path_with, load_text, load_text_with,
};
pub use model::{
    AlertDetailsOverride, AnalyticsRule, DataConnector, DynamicProperty, EntityMapping, EventGrouping, FieldMapping,
    GroupingConfiguration, IncidentConfiguration, IncidentCreation, MatchingMethod, QueryLocation, QueryStyle,
    RuleKind, RuleSource, Severity, SourceFormat, Trigger, TriggerOperator, join_techniques,
};
pub use place::{Place, RuleTree};
pub use read::DYNAMIC_PROPERTIES;
pub use run::{RunInput, RunOutput, evaluate};
pub use scalar_map::ScalarMap;
pub use tactics::{TACTICS, canonical_tactic};
pub use yaml_query::{QueryBlock, YamlQuery};
