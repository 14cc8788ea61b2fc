//! Made-up messages with every column that a record has: templates are tried with them, and outputs can be.

use jiff::Timestamp;
use picquet_rules::Severity;
use serde_json::{Value, json};

use crate::message::{Event, EventKind, Message};

impl Message {
    /// A made-up message of an event, to try an output with: a sign-in from two countries by a user that does not exist.
    #[must_use]
    pub fn sample(event: Event) -> Self {
        let (id, order_key, body) = match event.kind() {
            EventKind::Alert => ("sample-alert", None, alert()),
            EventKind::Incident => ("sample-incident", Some("1".to_owned()), incident(event)),
        };
        Self {
            id: id.to_owned(),
            event,
            severity: Severity::Medium,
            rule_id: "00000000-0000-0000-0000-000000000001".to_owned(),
            rule_name: "Sample: sign-ins from two countries".to_owned(),
            order_key,
            created: Timestamp::UNIX_EPOCH,
            body,
        }
    }
}

const TIME: &str = "1970-01-01T00:00:00Z";
const ALERT_ID: &str = "00000000-0000-0000-0000-000000000002";

fn alert() -> Value {
    let entities = json!([
        {"$id": "1", "Name": "sample.user", "UPNSuffix": "example.com", "Type": "account"},
        {"$id": "2", "Address": "192.0.2.1", "Type": "ip"},
    ]);
    let properties = json!({
        "Query": "SigninLogs | take 1", "Analytic Rule Name": "Sample: sign-ins from two countries",
        "Search Query Results Overall Count": "2", "Custom Details": "{\"Country\":[\"AQ\",\"BV\"]}",
    });
    json!({
        "TenantId": "00000000-0000-0000-0000-000000000000", "TimeGenerated": TIME,
        "DisplayName": "Sample: sign-ins from two countries", "AlertName": "Sample: sign-ins from two countries",
        "AlertSeverity": "Medium", "Description": "A sample. Nothing happened.", "ProviderName": "ASI Scheduled Alerts",
        "VendorName": "Microsoft", "VendorOriginalId": ALERT_ID, "SystemAlertId": ALERT_ID, "ResourceId": "",
        "SourceComputerId": "", "AlertType": "", "ConfidenceLevel": "", "ConfidenceScore": null, "IsIncident": false,
        "StartTime": TIME, "EndTime": TIME, "ProcessingEndTime": TIME, "RemediationSteps": "",
        "ExtendedProperties": properties.to_string(), "Entities": entities.to_string(), "SourceSystem": "Detection",
        "WorkspaceSubscriptionId": "", "WorkspaceResourceGroup": "", "ExtendedLinks": "", "ProductName": "Azure Sentinel",
        "ProductComponentName": "Scheduled Alerts", "AlertLink": "", "Status": "New", "CompromisedEntity": "",
        "Tactics": "InitialAccess", "Techniques": "T1078", "SubTechniques": "T1078.004", "Type": "SecurityAlert",
    })
}

fn incident(event: Event) -> Value {
    let closed = event == Event::IncidentClosed;
    let (status, classification, reason) =
        if closed { ("Closed", "BenignPositive", "SuspiciousButExpected") } else { ("New", "", "") };
    json!({
        "TenantId": "00000000-0000-0000-0000-000000000000", "TimeGenerated": TIME,
        "IncidentName": "00000000-0000-0000-0000-000000000003", "IncidentNumber": 1,
        "Title": "Sample: sign-ins from two countries", "Description": "A sample. Nothing happened.", "Severity": "Medium",
        "Status": status, "Classification": classification, "ClassificationComment": "", "ClassificationReason": reason,
        "Owner": {"objectId": "", "email": "", "assignedTo": "", "userPrincipalName": ""},
        "ProviderName": "Azure Sentinel", "ProviderIncidentId": "1", "FirstActivityTime": TIME, "LastActivityTime": TIME,
        "FirstModifiedTime": TIME, "LastModifiedTime": TIME, "CreatedTime": TIME,
        "ClosedTime": if closed { Value::from(TIME) } else { Value::Null },
        "RelatedAnalyticRuleIds": ["00000000-0000-0000-0000-000000000001"], "AlertIds": [ALERT_ID], "BookmarkIds": [],
        "Comments": [], "Labels": [], "Tasks": [], "AdditionalData": {"alertsCount": 1, "tactics": ["InitialAccess"],
        "techniques": ["T1078"]}, "IncidentUrl": "https://example.com/incidents/1", "ModifiedBy": "",
        "SourceSystem": "Azure", "Type": "SecurityIncident", "Alerts": [alert()],
    })
}
