//! What people do to incidents.

use jiff::Timestamp;
use picquet_notify::Event;
use picquet_rules::{AlertContext, Edit, Incident, IncidentError};
use picquet_store::{Result, StoreError, Workspace};

use super::commit::{incident_of, put_incident};

/// Who changes an incident, when, and the GUIDs for what is new.
pub struct IncidentEdit<'a> {
    /// The incident's number.
    pub number: i64,
    /// Who.
    pub by: &'a str,
    /// When.
    pub now: Timestamp,
    /// The workspace, for the row of SecurityIncident.
    pub context: &'a AlertContext,
    /// A GUID for the message.
    pub message_id: String,
}

/// Changes an incident as a person does; the row of SecurityIncident and the message to outputs come with it. What is not
/// allowed is refused, and changes nothing.
pub fn edit_incident(
    workspace: &Workspace,
    edit: IncidentEdit<'_>,
    change_it: impl FnOnce(&mut Incident, Edit<'_>) -> Result<(), IncidentError>,
) -> Result<Incident> {
    let IncidentEdit { number, by, now, context, message_id } = edit;
    workspace.change(|change| {
        let missing = || StoreError::Refused(format!("there is no incident {number}"));
        let mut incident = incident_of(&change.incident(number)?.ok_or_else(missing)?)?;
        let was_closed = incident.is_closed();
        let refused = |error: IncidentError| StoreError::Refused(format!("incident {number}: {error}"));
        change_it(&mut incident, Edit { by, at: now }).map_err(refused)?;
        let event = match (was_closed, incident.is_closed()) {
            (false, true) => Event::IncidentClosed,
            (true, false) => Event::IncidentReopened,
            _ => Event::IncidentUpdated,
        };
        put_incident(change, &incident, event, context, now, message_id)?;
        Ok(incident)
    })
}
