//! The alert: one record of the SecurityAlert table (spec sections 8.1 and 8.2).

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

/// How the technique columns are written; both forms are met in real tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TechniqueFormat {
    /// `T1078,T1110`, as documented.
    #[default]
    Commas,
    /// `["T1078","T1110"]`.
    JsonArray,
}

impl TechniqueFormat {
    pub(crate) fn write(self, ids: &[String]) -> String {
        match self {
            Self::JsonArray if !ids.is_empty() => serde_json::to_string(ids).unwrap_or_default(),
            _ => ids.join(","),
        }
    }
}

/// What the alerts of a workspace have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertContext {
    /// Id of the workspace: `TenantId`, and the first half of `AlertType`.
    pub workspace_id: String,
    /// Name of the workspace, for `Data Sources`.
    pub workspace_name: String,
    /// `WorkspaceSubscriptionId`; may be empty.
    pub subscription_id: String,
    /// `WorkspaceResourceGroup`; may be empty.
    pub resource_group: String,
    /// `VendorName`.
    pub vendor_name: String,
    /// How the technique columns are written.
    pub technique_format: TechniqueFormat,
}

impl Default for AlertContext {
    /// A workspace of no deployment: nil id, name `picquet`, vendor as in Sentinel.
    fn default() -> Self {
        Self {
            workspace_id: "00000000-0000-0000-0000-000000000000".to_owned(),
            workspace_name: "picquet".to_owned(),
            subscription_id: String::new(),
            resource_group: String::new(),
            vendor_name: "Microsoft".to_owned(),
            technique_format: TechniqueFormat::Commas,
        }
    }
}

/// A SecurityAlert record. Serialises under the table's column names, in the table's order; times as ISO 8601 UTC.
///
/// Text columns without a value are "", as string columns are never null; only `ConfidenceScore` can be null. Reads back
/// from the same form, as alerts are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Alert {
    /// Id of the workspace.
    pub tenant_id: String,
    /// When the alert was written.
    #[serde(with = "crate::time::ticks")]
    pub time_generated: Timestamp,
    /// Name: the rendered format, or the rule's name.
    pub display_name: String,
    /// The same as `DisplayName`.
    pub alert_name: String,
    /// Severity of the rule, or the overriding one.
    pub alert_severity: crate::Severity,
    /// Description of the rule, or the rendered format.
    pub description: String,
    /// What raised the alert.
    pub provider_name: String,
    /// Whose product that is.
    pub vendor_name: String,
    /// A GUID of the alert.
    pub vendor_original_id: String,
    /// The GUID under which incidents refer to the alert.
    pub system_alert_id: String,
    /// Always empty.
    pub resource_id: String,
    /// Always empty.
    pub source_computer_id: String,
    /// `<workspace id>_<rule id>`.
    pub alert_type: String,
    /// Empty unless overridden.
    pub confidence_level: String,
    /// Null unless overridden.
    pub confidence_score: Option<f64>,
    /// Always false; kept because the table has it.
    pub is_incident: bool,
    /// First `TimeGenerated` of the rows, or the window's start.
    #[serde(with = "crate::time::ticks")]
    pub start_time: Timestamp,
    /// Last `TimeGenerated` of the rows, or the window's end.
    #[serde(with = "crate::time::ticks")]
    pub end_time: Timestamp,
    /// When the alert was ready.
    #[serde(with = "crate::time::ticks")]
    pub processing_end_time: Timestamp,
    /// JSON array text; empty unless overridden.
    pub remediation_steps: String,
    /// JSON object text; every value is a string (spec section 8.2).
    pub extended_properties: String,
    /// JSON array text (spec section 5.2); "" when there are none.
    pub entities: String,
    /// Always `Detection`.
    pub source_system: String,
    /// Subscription of the workspace.
    pub workspace_subscription_id: String,
    /// Resource group of the workspace.
    pub workspace_resource_group: String,
    /// JSON array text; empty unless overridden.
    pub extended_links: String,
    /// `Azure Sentinel` unless overridden.
    pub product_name: String,
    /// `Scheduled Alerts` or `NRT Alerts` unless overridden.
    pub product_component_name: String,
    /// Empty unless overridden.
    pub alert_link: String,
    /// Always `New`: later states live on the incident.
    pub status: String,
    /// Always empty.
    pub compromised_entity: String,
    /// Tactics with commas between.
    pub tactics: String,
    /// Techniques (`T####`), in the format of the workspace.
    pub techniques: String,
    /// Sub-techniques (`T####.###`), in the format of the workspace.
    pub sub_techniques: String,
    /// Name of the table.
    #[serde(rename = "Type", skip_deserializing, default = "alert_table")]
    pub table: &'static str,
}

/// Name of the table of alerts.
pub(crate) const fn alert_table() -> &'static str {
    "SecurityAlert"
}

/// The pairs of `ExtendedProperties`, kept in order.
#[derive(Debug, Default)]
pub(crate) struct Properties(Vec<(&'static str, String)>);

impl Properties {
    pub fn push(&mut self, name: &'static str, value: impl Into<String>) {
        self.0.push((name, value.into()));
    }

    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Serialize for Properties {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s8_1_technique_columns() {
        let ids = vec!["T1078".to_owned(), "T1110".to_owned()];
        assert_eq!(TechniqueFormat::Commas.write(&ids), "T1078,T1110");
        assert_eq!(TechniqueFormat::JsonArray.write(&ids), r#"["T1078","T1110"]"#);
        assert_eq!(TechniqueFormat::JsonArray.write(&[]), "");
    }
}
