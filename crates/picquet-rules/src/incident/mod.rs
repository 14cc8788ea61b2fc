//! Incidents (spec sections 7 and 8.3): what analysts work on, made of the alerts of one rule.
//!
//! [`group_alerts`] makes and extends them, the methods of [`Incident`] are what people do to them, and
//! [`Incident::record`] writes one into the SecurityIncident table.

mod error;
mod grouping;
mod key;
mod operations;
mod parts;
mod record;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::error::IncidentError;
pub use self::grouping::{GroupingInput, IncidentChange, IncidentEvent, MAX_ALERTS_PER_INCIDENT, group_alerts};
pub use self::key::GroupingKey;
pub use self::operations::{
    Edit, MAX_BOOKMARKS, MAX_COMMENT_CHARS, MAX_COMMENTS, MAX_DESCRIPTION_CHARS, MAX_TASKS, cut_description,
};
pub use self::parts::{
    Classification, ClassificationReason, Closing, Comment, IncidentStatus, IncidentTask, Label, LabelType, Owner,
    TaskStatus,
};
use crate::model::Severity;
use crate::time::{optional_ticks, ticks};

/// An incident: its alerts, and how far people are with it. Serialises to be kept and shown; the table's form is
/// [`Incident::record`]. Times are kept in ticks of 100 ns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Incident {
    /// GUID.
    pub name: String,
    /// Number in the workspace; later incidents have higher ones.
    pub number: i64,
    /// Id of the rule that raised its alerts ([`crate::AnalyticsRule::rule_id`]).
    pub rule_id: String,
    /// Name of that rule when the incident was created.
    pub rule_name: String,
    /// Title: name of the first alert.
    pub title: String,
    /// Description of the first alert, at most [`MAX_DESCRIPTION_CHARS`] characters; may be empty.
    pub description: String,
    /// Highest severity of the alerts, unless someone changed it.
    pub severity: Severity,
    /// How far people are.
    pub status: IncidentStatus,
    /// As what it was closed; none unless it is closed.
    pub closing: Option<Closing>,
    /// Who works on it.
    pub owner: Option<Owner>,
    /// Labels, in the order they were added; no name twice.
    pub labels: Vec<Label>,
    /// Tasks, in the order they were added.
    pub tasks: Vec<IncidentTask>,
    /// Comments, oldest first.
    pub comments: Vec<Comment>,
    /// `SystemAlertId`s of its alerts, in the order they joined.
    pub alert_ids: Vec<String>,
    /// Ids of bookmarks.
    pub bookmark_ids: Vec<String>,
    /// Tactics of all alerts, each once.
    pub tactics: Vec<String>,
    /// Techniques (`T####`) of all alerts, each once.
    pub techniques: Vec<String>,
    /// Products that raised the alerts, each once.
    pub alert_product_names: Vec<String>,
    /// Earliest `StartTime` of the alerts.
    #[serde(with = "ticks")]
    pub first_activity: Timestamp,
    /// Latest `EndTime` of the alerts.
    #[serde(with = "ticks")]
    pub last_activity: Timestamp,
    /// When it was created.
    #[serde(with = "ticks")]
    pub created: Timestamp,
    /// When someone first changed it; none before. [I] Alerts that join do not count, for the time from creation to
    /// this is how long an incident waited for a person.
    #[serde(with = "optional_ticks")]
    pub first_modified: Option<Timestamp>,
    /// When it last changed; never earlier than before a change.
    #[serde(with = "ticks")]
    pub last_modified: Timestamp,
    /// When it was closed; none unless it is closed.
    #[serde(with = "optional_ticks")]
    pub closed: Option<Timestamp>,
    /// Who made the last change.
    pub modified_by: String,
    /// `TimeGenerated` of its first alert: the lookback of grouping starts there.
    #[serde(with = "ticks")]
    pub first_alert_created: Timestamp,
    /// What later alerts are compared with: the key of the first alert. All others that joined by comparison have
    /// the same values of what was compared.
    pub grouping_key: GroupingKey,
}

impl Incident {
    /// Whether it is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.status == IncidentStatus::Closed
    }
}
