//! An incident as a row of the SecurityIncident table (spec section 8.3).

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Comment, Incident, IncidentTask};
use crate::alert::AlertContext;
use crate::time::iso_text;

impl Incident {
    /// The row for the state that the incident is in, written at `now`. The table is append-only: there is a row for
    /// every change, and the last one by `LastModifiedTime` is the incident.
    ///
    /// Texts without a value are "", times without one null. Dynamic columns are JSON values, whose fields have the
    /// names of Sentinel's API. `RelatedAnalyticRuleIds` holds the id of the rule as alerts name it, and `IncidentUrl` is
    /// "".
    #[must_use]
    pub fn record(&self, context: &AlertContext, now: Timestamp) -> Map<String, Value> {
        let closing = self.closing.as_ref();
        let reason = closing.and_then(|closing| closing.reason);
        let columns = [
            ("TenantId", json!(context.workspace_id)),
            ("TimeGenerated", time(now)),
            ("IncidentName", json!(self.name)),
            ("Title", json!(self.title)),
            ("Description", json!(self.description)),
            ("Severity", json!(self.severity)),
            ("Status", json!(self.status)),
            ("Classification", json!(closing.map_or("", |closing| closing.classification.as_str()))),
            ("ClassificationComment", json!(closing.map_or("", |closing| closing.comment.as_str()))),
            ("ClassificationReason", json!(reason.map_or("", |reason| reason.as_str()))),
            ("Owner", json!(self.owner.clone().unwrap_or_default())),
            ("ProviderName", json!("Azure Sentinel")),
            ("ProviderIncidentId", json!(self.number.to_string())),
            ("FirstActivityTime", time(self.first_activity)),
            ("LastActivityTime", time(self.last_activity)),
            ("FirstModifiedTime", optional_time(self.first_modified)),
            ("LastModifiedTime", time(self.last_modified)),
            ("CreatedTime", time(self.created)),
            ("ClosedTime", optional_time(self.closed)),
            ("IncidentNumber", json!(self.number)),
            ("RelatedAnalyticRuleIds", json!([self.rule_id])),
            ("AlertIds", json!(self.alert_ids)),
            ("BookmarkIds", json!(self.bookmark_ids)),
            ("Comments", self.comments.iter().map(comment).collect()),
            ("Labels", json!(self.labels)),
            ("Tasks", self.tasks.iter().map(task).collect()),
            ("AdditionalData", self.additional_data()),
            ("IncidentUrl", json!("")),
            ("ModifiedBy", json!(self.modified_by)),
            ("SourceSystem", json!("Azure")),
            ("Type", json!("SecurityIncident")),
        ];
        columns.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn additional_data(&self) -> Value {
        json!({
            "alertsCount": self.alert_ids.len(),
            "bookmarksCount": self.bookmark_ids.len(),
            "commentsCount": self.comments.len(),
            "alertProductNames": self.alert_product_names,
            "tactics": self.tactics,
            "techniques": self.techniques,
        })
    }
}

fn comment(comment: &Comment) -> Value {
    json!({
        "id": comment.id,
        "message": comment.text,
        "createdTimeUtc": time(comment.created),
        "lastModifiedTimeUtc": time(comment.created),
        "author": person(&comment.author),
    })
}

fn task(task: &IncidentTask) -> Value {
    json!({
        "taskId": task.id,
        "title": task.title,
        "description": task.description,
        "status": task.status,
        "createdTimeUtc": time(task.created),
        "createdBy": person(&task.created_by),
        "lastModifiedTimeUtc": time(task.last_modified),
        "lastModifiedBy": person(&task.last_modified_by),
        "lastCompletedTimeUtc": optional_time(task.last_completed),
    })
}

/// Someone of whom only a name is known.
fn person(name: &str) -> Value {
    json!({"name": name, "email": null, "objectId": null, "userPrincipalName": null})
}

fn time(time: Timestamp) -> Value {
    Value::String(iso_text(time))
}

fn optional_time(time: Option<Timestamp>) -> Value {
    time.map_or(Value::Null, self::time)
}
