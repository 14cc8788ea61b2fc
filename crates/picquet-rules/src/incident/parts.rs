//! What an incident is made of.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::enums::named_enum;
use crate::time::{optional_ticks, ticks};

named_enum! {
    /// How far people are with an incident.
    IncidentStatus, "incident status" {
        /// Nobody has begun.
        New => "New",
        /// Someone works on it.
        Active => "Active",
        /// Done; there is a classification.
        Closed => "Closed",
    }
}

named_enum! {
    /// As what an incident was closed.
    Classification, "classification" {
        /// Nobody can tell.
        Undetermined => "Undetermined",
        /// An attack.
        TruePositive => "TruePositive",
        /// Rightly seen, but nothing bad.
        BenignPositive => "BenignPositive",
        /// Wrongly seen.
        FalsePositive => "FalsePositive",
    }
}

impl Classification {
    /// The reasons that go with it. Every classification but `Undetermined` needs one of them: the API refuses a
    /// close without ("must have classificationReason"), and the portal offers just these pairs.
    #[must_use]
    pub const fn reasons(self) -> &'static [ClassificationReason] {
        match self {
            Self::Undetermined => &[],
            Self::TruePositive => &[ClassificationReason::SuspiciousActivity],
            Self::BenignPositive => &[ClassificationReason::SuspiciousButExpected],
            Self::FalsePositive => &[ClassificationReason::IncorrectAlertLogic, ClassificationReason::InaccurateData],
        }
    }
}

named_enum! {
    /// Why an incident was classified as it is.
    ClassificationReason, "classification reason" {
        /// Of a true positive.
        SuspiciousActivity => "SuspiciousActivity",
        /// Of a benign positive.
        SuspiciousButExpected => "SuspiciousButExpected",
        /// Of a false positive: the rule is wrong.
        IncorrectAlertLogic => "IncorrectAlertLogic",
        /// Of a false positive: the logs are wrong.
        InaccurateData => "InaccurateData",
    }
}

/// As what an incident is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Closing {
    /// The classification.
    pub classification: Classification,
    /// Why; one of [`Classification::reasons`], none for `Undetermined`.
    pub reason: Option<ClassificationReason>,
    /// What there is to say; may be empty.
    pub comment: String,
}

/// Who an incident is assigned to. Every part may be missing, but not all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// Id in the directory.
    pub object_id: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Display name.
    pub assigned_to: Option<String>,
    /// User principal name.
    pub user_principal_name: Option<String>,
}

impl Owner {
    /// An owner known by a display name only.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self { assigned_to: Some(name.into()), ..Self::default() }
    }

    pub(super) fn is_blank(&self) -> bool {
        [&self.object_id, &self.email, &self.assigned_to, &self.user_principal_name]
            .into_iter()
            .flatten()
            .all(|part| part.trim().is_empty())
    }
}

named_enum! {
    /// Who gave a label.
    LabelType, "label type" {
        /// A person, or a rule a person made.
        User => "User",
        /// The product.
        AutoAssigned => "AutoAssigned",
    }
}

/// A label (tag) of an incident; serialises as the table holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Label {
    /// Its text.
    pub label_name: String,
    /// Who gave it.
    pub label_type: LabelType,
}

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Comment {
    /// GUID.
    pub id: String,
    /// Who wrote it.
    pub author: String,
    /// What they wrote.
    pub text: String,
    /// When.
    #[serde(with = "ticks")]
    pub created: Timestamp,
}

named_enum! {
    /// How far people are with a task.
    TaskStatus, "task status" {
        /// Not done.
        New => "New",
        /// Done.
        Completed => "Completed",
        /// Taken back: shown in one record, and gone from the next.
        Deleted => "Deleted",
    }
}

/// Something to be done for an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IncidentTask {
    /// GUID.
    pub id: String,
    /// What is to be done.
    pub title: String,
    /// How; may be empty.
    pub description: String,
    /// How far it is.
    pub status: TaskStatus,
    /// When it was added.
    #[serde(with = "ticks")]
    pub created: Timestamp,
    /// Who added it.
    pub created_by: String,
    /// When it last changed.
    #[serde(with = "ticks")]
    pub last_modified: Timestamp,
    /// Who changed it.
    pub last_modified_by: String,
    /// When it was last marked as done, if ever.
    #[serde(with = "optional_ticks")]
    pub last_completed: Option<Timestamp>,
}
