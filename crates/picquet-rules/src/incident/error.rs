//! Why an incident refuses a change.

use super::{Classification, ClassificationReason, TaskStatus};

/// Why an incident was left as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IncidentError {
    /// Closing goes with a classification.
    #[error("closing an incident needs a classification")]
    NeedsClassification,
    /// All classifications but `Undetermined` go with a reason.
    #[error("the classification {classification} needs a reason: {}", reasons(*.classification))]
    NeedsReason {
        /// The classification.
        classification: Classification,
    },
    /// The reason belongs to another classification.
    #[error("the reason {reason} does not go with the classification {classification}, which takes {}", reasons(*.classification))]
    WrongReason {
        /// The classification.
        classification: Classification,
        /// The reason.
        reason: ClassificationReason,
    },
    /// Only closed incidents can be opened again.
    #[error("the incident is not closed")]
    NotClosed,
    /// A text or a name is missing.
    #[error("{what} is empty")]
    Empty {
        /// What is empty.
        what: &'static str,
    },
    /// A text is too long.
    #[error("{what} has {length} characters, and at most {limit} are allowed")]
    TooLong {
        /// What is too long.
        what: &'static str,
        /// Its characters.
        length: usize,
        /// Most characters.
        limit: usize,
    },
    /// There is no room for another one.
    #[error("the incident has {limit} {what}, and more are not allowed")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// Most.
        limit: usize,
    },
    /// The incident has no such thing.
    #[error("the incident has no {what} `{id}`")]
    Unknown {
        /// What it should be.
        what: &'static str,
        /// Its id or name.
        id: String,
    },
    /// The task cannot get that status from the one it has.
    #[error("the task is {status} already")]
    TaskStatus {
        /// Its status.
        status: TaskStatus,
    },
}

fn reasons(classification: Classification) -> String {
    let names: Vec<&str> = classification.reasons().iter().map(|reason| reason.as_str()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(" or ") }
}
