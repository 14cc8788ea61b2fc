//! What people do to incidents.

use jiff::Timestamp;

use super::{
    Closing, Comment, Incident, IncidentError, IncidentStatus, IncidentTask, Label, LabelType, Owner, TaskStatus,
};
use crate::model::Severity;

/// Most comments of an incident.
pub const MAX_COMMENTS: usize = 100;
/// Most characters of a comment.
pub const MAX_COMMENT_CHARS: usize = 30_000;
/// Most characters of a description; longer ones are cut.
pub const MAX_DESCRIPTION_CHARS: usize = 5_000;
/// Most tasks of an incident.
pub const MAX_TASKS: usize = 40;
/// Most bookmarks of an incident.
pub const MAX_BOOKMARKS: usize = 20;

/// [I] The status of an incident that someone opens again: they work on it.
const REOPENED_BY_PERSON: IncidentStatus = IncidentStatus::Active;
/// [I] The status of an incident that an alert opens again: nobody has seen that alert.
const REOPENED_BY_ALERT: IncidentStatus = IncidentStatus::New;

/// Who changes an incident, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edit<'a> {
    /// `ModifiedBy`, and the author of what is written.
    pub by: &'a str,
    /// `LastModifiedTime`.
    pub at: Timestamp,
}

/// The description as an incident keeps it: its first [`MAX_DESCRIPTION_CHARS`] characters.
#[must_use]
pub fn cut_description(text: &str) -> &str {
    text.char_indices().nth(MAX_DESCRIPTION_CHARS).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// All of these set who changed the incident last, and when. An error leaves it as it was.
impl Incident {
    /// Closes the incident. One that is closed already is classified anew, and keeps its closing time.
    ///
    /// # Errors
    ///
    /// When the reason is missing or belongs to another classification; see
    /// [`Classification::reasons`](super::Classification::reasons).
    pub fn close(&mut self, closing: Closing, edit: Edit<'_>) -> Result<(), IncidentError> {
        let classification = closing.classification;
        match closing.reason {
            None if !classification.reasons().is_empty() => return Err(IncidentError::NeedsReason { classification }),
            Some(reason) if !classification.reasons().contains(&reason) => {
                return Err(IncidentError::WrongReason { classification, reason });
            }
            _ => {}
        }
        self.edited(edit);
        self.status = IncidentStatus::Closed;
        self.closing = Some(closing);
        self.closed.get_or_insert(edit.at);
        Ok(())
    }

    /// Opens a closed incident again; its classification goes.
    ///
    /// # Errors
    ///
    /// When it is not closed.
    pub fn reopen(&mut self, edit: Edit<'_>) -> Result<(), IncidentError> {
        if !self.is_closed() {
            return Err(IncidentError::NotClosed);
        }
        self.set_status(REOPENED_BY_PERSON, edit)
    }

    /// Sets the status. Setting that of a closed incident opens it again.
    ///
    /// # Errors
    ///
    /// When the status is `Closed`: closing goes with a classification, see [`Incident::close`].
    pub fn set_status(&mut self, status: IncidentStatus, edit: Edit<'_>) -> Result<(), IncidentError> {
        if status == IncidentStatus::Closed {
            return Err(IncidentError::NeedsClassification);
        }
        self.edited(edit);
        self.open_as(status);
        Ok(())
    }

    /// Assigns the incident to someone.
    ///
    /// # Errors
    ///
    /// When no part of the owner is given.
    pub fn assign(&mut self, owner: Owner, edit: Edit<'_>) -> Result<(), IncidentError> {
        if owner.is_blank() {
            return Err(IncidentError::Empty { what: "the owner" });
        }
        self.edited(edit);
        self.owner = Some(owner);
        Ok(())
    }

    /// Takes the incident from whoever has it.
    pub fn unassign(&mut self, edit: Edit<'_>) {
        self.edited(edit);
        self.owner = None;
    }

    /// Sets the severity. An alert of a higher one that joins later raises it again.
    pub fn set_severity(&mut self, severity: Severity, edit: Edit<'_>) {
        self.edited(edit);
        self.severity = severity;
    }

    /// Sets the title.
    ///
    /// # Errors
    ///
    /// When it is blank.
    pub fn set_title(&mut self, title: &str, edit: Edit<'_>) -> Result<(), IncidentError> {
        let title = filled("the title", title)?.to_owned();
        self.edited(edit);
        self.title = title;
        Ok(())
    }

    /// Sets the description, cut at [`MAX_DESCRIPTION_CHARS`] characters.
    pub fn set_description(&mut self, description: &str, edit: Edit<'_>) {
        self.edited(edit);
        self.description = cut_description(description).to_owned();
    }

    /// Writes a comment; its author is who edits, `id` a new GUID.
    ///
    /// # Errors
    ///
    /// When it is blank, has more than [`MAX_COMMENT_CHARS`] characters, or there are [`MAX_COMMENTS`] already.
    pub fn comment(&mut self, id: impl Into<String>, text: &str, edit: Edit<'_>) -> Result<(), IncidentError> {
        filled("the comment", text)?;
        let length = text.chars().count();
        if length > MAX_COMMENT_CHARS {
            return Err(IncidentError::TooLong { what: "the comment", length, limit: MAX_COMMENT_CHARS });
        }
        room("comments", self.comments.len(), MAX_COMMENTS)?;
        self.edited(edit);
        let comment = Comment { id: id.into(), author: edit.by.to_owned(), text: text.to_owned(), created: edit.at };
        self.comments.push(comment);
        Ok(())
    }

    /// Adds a label. One that the incident has already, whatever its case, stays as it is.
    ///
    /// # Errors
    ///
    /// When its name is blank.
    pub fn add_label(&mut self, name: &str, label_type: LabelType, edit: Edit<'_>) -> Result<(), IncidentError> {
        let name = filled("the label", name)?;
        if self.label(name).is_none() {
            let label = Label { label_name: name.to_owned(), label_type };
            self.edited(edit);
            self.labels.push(label);
        }
        Ok(())
    }

    /// Takes a label off.
    ///
    /// # Errors
    ///
    /// When there is no such label.
    pub fn remove_label(&mut self, name: &str, edit: Edit<'_>) -> Result<(), IncidentError> {
        let unknown = || IncidentError::Unknown { what: "label", id: name.to_owned() };
        let index = self.label(name.trim()).ok_or_else(unknown)?;
        self.edited(edit);
        self.labels.remove(index);
        Ok(())
    }

    fn label(&self, name: &str) -> Option<usize> {
        let name = name.to_lowercase();
        self.labels.iter().position(|label| label.label_name.to_lowercase() == name)
    }

    /// Adds a task; `id` is a new GUID, `description` may be empty.
    ///
    /// # Errors
    ///
    /// When its title is blank, or there are [`MAX_TASKS`] already.
    pub fn add_task(
        &mut self,
        id: impl Into<String>,
        title: &str,
        description: &str,
        edit: Edit<'_>,
    ) -> Result<(), IncidentError> {
        let title = filled("the title of the task", title)?.to_owned();
        let count = self.tasks.iter().filter(|task| task.status != TaskStatus::Deleted).count();
        room("tasks", count, MAX_TASKS)?;
        self.edited(edit);
        self.tasks.push(IncidentTask {
            id: id.into(),
            title,
            description: description.to_owned(),
            status: TaskStatus::New,
            created: edit.at,
            created_by: edit.by.to_owned(),
            last_modified: edit.at,
            last_modified_by: edit.by.to_owned(),
            last_completed: None,
        });
        Ok(())
    }

    /// Sets the status of a task. A deleted one shows in the next record, and is gone after that.
    ///
    /// # Errors
    ///
    /// When there is no such task, or it has that status already.
    pub fn set_task_status(&mut self, id: &str, status: TaskStatus, edit: Edit<'_>) -> Result<(), IncidentError> {
        let is_it = |task: &IncidentTask| task.id == id && task.status != TaskStatus::Deleted;
        let found = self.tasks.iter().find(|task| is_it(task));
        let task = found.ok_or_else(|| IncidentError::Unknown { what: "task", id: id.to_owned() })?;
        if task.status == status {
            return Err(IncidentError::TaskStatus { status });
        }
        self.edited(edit);
        if let Some(task) = self.tasks.iter_mut().find(|task| is_it(task)) {
            task.status = status;
            task.last_modified = edit.at;
            task.last_modified_by = edit.by.to_owned();
            if status == TaskStatus::Completed {
                task.last_completed = Some(edit.at);
            }
        }
        Ok(())
    }

    /// Adds a bookmark. One that the incident has already stays.
    ///
    /// # Errors
    ///
    /// When its id is blank, or there are [`MAX_BOOKMARKS`] already.
    pub fn add_bookmark(&mut self, id: &str, edit: Edit<'_>) -> Result<(), IncidentError> {
        let id = filled("the bookmark", id)?;
        if self.bookmark_ids.iter().any(|known| known == id) {
            return Ok(());
        }
        room("bookmarks", self.bookmark_ids.len(), MAX_BOOKMARKS)?;
        self.edited(edit);
        self.bookmark_ids.push(id.to_owned());
        Ok(())
    }

    /// Takes a bookmark off.
    ///
    /// # Errors
    ///
    /// When there is no such bookmark.
    pub fn remove_bookmark(&mut self, id: &str, edit: Edit<'_>) -> Result<(), IncidentError> {
        let position = self.bookmark_ids.iter().position(|known| known == id.trim());
        let index = position.ok_or_else(|| IncidentError::Unknown { what: "bookmark", id: id.to_owned() })?;
        self.edited(edit);
        self.bookmark_ids.remove(index);
        Ok(())
    }

    fn edited(&mut self, edit: Edit<'_>) {
        self.first_modified.get_or_insert(edit.at);
        self.touched(edit);
    }

    /// Notes a change by whoever it is.
    pub(super) fn touched(&mut self, edit: Edit<'_>) {
        self.tasks.retain(|task| task.status != TaskStatus::Deleted);
        self.last_modified = self.last_modified.max(edit.at);
        edit.by.clone_into(&mut self.modified_by);
    }

    fn open_as(&mut self, status: IncidentStatus) {
        self.status = status;
        self.closing = None;
        self.closed = None;
    }

    pub(super) fn reopen_for_alert(&mut self) {
        self.open_as(REOPENED_BY_ALERT);
    }
}

fn filled<'t>(what: &'static str, text: &'t str) -> Result<&'t str, IncidentError> {
    let text = text.trim();
    if text.is_empty() { Err(IncidentError::Empty { what }) } else { Ok(text) }
}

fn room(what: &'static str, count: usize, limit: usize) -> Result<(), IncidentError> {
    if count >= limit { Err(IncidentError::TooMany { what, limit }) } else { Ok(()) }
}
