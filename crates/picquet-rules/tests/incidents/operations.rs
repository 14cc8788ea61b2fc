//! What people do to incidents.

use std::fmt::Debug;
use std::str::FromStr;

use picquet_rules::{
    Classification, ClassificationReason, Closing, Edit, Incident, IncidentError, IncidentStatus, LabelType, Owner,
    Severity, TaskStatus,
};

use crate::{incident, minute};

const BY: &str = "ann@contoso.com";

fn edit(minutes: i64) -> Edit<'static> {
    Edit { by: BY, at: minute(minutes) }
}

fn closing(classification: Classification, reason: Option<ClassificationReason>) -> Closing {
    Closing { classification, reason, comment: "seen".to_owned() }
}

/// Makes sure that an operation fails with a message, and changes nothing.
fn refused(incident: &mut Incident, change: impl FnOnce(&mut Incident) -> Result<(), IncidentError>, message: &str) {
    let before = incident.clone();
    let error = change(incident).expect_err(message);
    assert_eq!(error.to_string(), message);
    assert_eq!(*incident, before, "{message}");
}

fn read<T: FromStr + PartialEq + Debug>(texts: &[&str], expected: T)
where
    T::Err: Debug,
{
    for text in texts {
        assert_eq!(text.parse::<T>().expect(text), expected, "{text}");
    }
}

#[test]
fn s7_status_classification_and_reason_are_closed_lists() {
    assert_eq!(IncidentStatus::NAMES, ["New", "Active", "Closed"]);
    assert_eq!(Classification::NAMES, ["Undetermined", "TruePositive", "BenignPositive", "FalsePositive"]);
    let reasons = ["SuspiciousActivity", "SuspiciousButExpected", "IncorrectAlertLogic", "InaccurateData"];
    assert_eq!(ClassificationReason::NAMES, reasons);
    read(&["Active", "active"], IncidentStatus::Active);
    read(&["TruePositive", "True Positive", "true-positive"], Classification::TruePositive);
    read(&["SuspiciousButExpected", "Suspicious but expected"], ClassificationReason::SuspiciousButExpected);
    let error = "Benign".parse::<Classification>().expect_err("no classification");
    assert_eq!(
        error.to_string(),
        "`Benign` is no classification: expected Undetermined, TruePositive, BenignPositive, FalsePositive"
    );
    assert!("".parse::<IncidentStatus>().is_err());
}

#[test]
fn s7_closing_needs_a_classification_and_the_reason_that_goes_with_it() {
    use Classification::*;
    use ClassificationReason::*;
    let accepted = [
        (Undetermined, None),
        (TruePositive, Some(SuspiciousActivity)),
        (BenignPositive, Some(SuspiciousButExpected)),
        (FalsePositive, Some(IncorrectAlertLogic)),
        (FalsePositive, Some(InaccurateData)),
    ];
    for classification in [Undetermined, TruePositive, BenignPositive, FalsePositive] {
        let reasons = [SuspiciousActivity, SuspiciousButExpected, IncorrectAlertLogic, InaccurateData].map(Some);
        for reason in reasons.into_iter().chain([None]) {
            let mut incident = incident();
            let result = incident.close(closing(classification, reason), edit(5));
            assert_eq!(result.is_ok(), accepted.contains(&(classification, reason)), "{classification} {reason:?}");
            assert_eq!(incident.is_closed(), result.is_ok());
            assert_eq!(incident.closed, result.is_ok().then(|| minute(5)));
        }
    }
    let mut incident = incident();
    let close = |classification, reason| {
        move |incident: &mut Incident| incident.close(closing(classification, reason), edit(5))
    };
    refused(
        &mut incident,
        close(FalsePositive, None),
        "the classification FalsePositive needs a reason: IncorrectAlertLogic or InaccurateData",
    );
    refused(
        &mut incident,
        close(TruePositive, Some(InaccurateData)),
        "the reason InaccurateData does not go with the classification TruePositive, which takes SuspiciousActivity",
    );
    refused(
        &mut incident,
        close(Undetermined, Some(InaccurateData)),
        "the reason InaccurateData does not go with the classification Undetermined, which takes none",
    );
    refused(
        &mut incident,
        |incident| incident.set_status(IncidentStatus::Closed, edit(5)),
        "closing an incident needs a classification",
    );
}

#[test]
fn s7_a_closed_incident_may_be_classified_anew_and_opened_again_and_again() {
    let mut incident = incident();
    refused(&mut incident, |incident| incident.reopen(edit(1)), "the incident is not closed");
    for round in 0..3 {
        let start = round * 10;
        incident.close(closing(Classification::Undetermined, None), edit(start + 1)).unwrap();
        let better = closing(Classification::TruePositive, Some(ClassificationReason::SuspiciousActivity));
        incident.close(better.clone(), edit(start + 2)).unwrap();
        assert_eq!((incident.closing.as_ref(), incident.closed), (Some(&better), Some(minute(start + 1))));
        assert_eq!(incident.last_modified, minute(start + 2));
        if round == 1 {
            incident.set_status(IncidentStatus::New, edit(start + 3)).unwrap();
            assert_eq!(incident.status, IncidentStatus::New);
        } else {
            incident.reopen(edit(start + 3)).unwrap();
            assert_eq!(incident.status, IncidentStatus::Active);
        }
        assert_eq!((incident.closing.as_ref(), incident.closed), (None, None));
        refused(&mut incident, |incident| incident.reopen(edit(start + 4)), "the incident is not closed");
    }
}

#[test]
fn s8_3_every_change_sets_who_and_when() {
    type Change = fn(&mut Incident, Edit<'_>);
    let changes: [Change; 15] = [
        |incident, edit| incident.set_status(IncidentStatus::Active, edit).unwrap(),
        |incident, edit| incident.assign(Owner::named("Ann"), edit).unwrap(),
        |incident, edit| incident.unassign(edit),
        |incident, edit| incident.set_severity(Severity::High, edit),
        |incident, edit| incident.set_title("Other", edit).unwrap(),
        |incident, edit| incident.set_description("Other", edit),
        |incident, edit| incident.comment("c", "Text", edit).unwrap(),
        |incident, edit| incident.add_label("vip", LabelType::User, edit).unwrap(),
        |incident, edit| incident.remove_label("VIP", edit).unwrap(),
        |incident, edit| incident.add_task("t", "Call", "", edit).unwrap(),
        |incident, edit| incident.set_task_status("t", TaskStatus::Completed, edit).unwrap(),
        |incident, edit| incident.add_bookmark("b", edit).unwrap(),
        |incident, edit| incident.remove_bookmark("b", edit).unwrap(),
        |incident, edit| incident.close(closing(Classification::Undetermined, None), edit).unwrap(),
        |incident, edit| incident.reopen(edit).unwrap(),
    ];
    let mut incident = incident();
    for (index, change) in changes.into_iter().enumerate() {
        let by = format!("person {index}");
        let at = minute(index as i64 + 1);
        change(&mut incident, Edit { by: &by, at });
        assert_eq!((incident.modified_by.as_str(), incident.last_modified), (by.as_str(), at), "{index}");
        assert_eq!(incident.first_modified, Some(minute(1)));
    }
    assert_eq!((incident.title.as_str(), incident.description.as_str()), ("Other", "Other"));
    assert_eq!((incident.severity, incident.owner.as_ref()), (Severity::High, None));
}

#[test]
fn s8_3_last_modified_never_goes_back() {
    let mut incident = incident();
    incident.set_title("Late", edit(10)).unwrap();
    incident.set_title("Early", edit(5)).unwrap();
    assert_eq!(incident.last_modified, minute(10));
}

#[test]
fn s7_at_most_100_comments_of_30000_characters() {
    let mut incident = incident();
    incident.comment("0", &"é".repeat(30_000), edit(0)).unwrap();
    refused(
        &mut incident,
        |incident| incident.comment("1", &"é".repeat(30_001), edit(1)),
        "the comment has 30001 characters, and at most 30000 are allowed",
    );
    refused(&mut incident, |incident| incident.comment("1", " \n", edit(1)), "the comment is empty");
    for id in 1..100 {
        incident.comment(id.to_string(), "again", edit(id)).unwrap();
    }
    refused(
        &mut incident,
        |incident| incident.comment("100", "again", edit(100)),
        "the incident has 100 comments, and more are not allowed",
    );
    let last = incident.comments.last().unwrap();
    assert_eq!((last.id.as_str(), last.author.as_str(), last.created), ("99", BY, minute(99)));
}

#[test]
fn s7_at_most_40_tasks() {
    let mut incident = incident();
    for id in 0..40 {
        incident.add_task(id.to_string(), "Call", "", edit(0)).unwrap();
    }
    let one_more = |incident: &mut Incident| incident.add_task("40", "Call", "", edit(1));
    refused(&mut incident, one_more, "the incident has 40 tasks, and more are not allowed");
    incident.set_task_status("7", TaskStatus::Deleted, edit(2)).unwrap();
    incident.add_task("40", "Call", "", edit(3)).unwrap();
    refused(&mut incident, |incident| incident.add_task("41", " ", "", edit(4)), "the title of the task is empty");
}

#[test]
fn s7_tasks_are_completed_and_deleted() {
    let mut incident = incident();
    incident.add_task("t", "Call", "the owner", edit(1)).unwrap();
    incident.set_task_status("t", TaskStatus::Completed, edit(2)).unwrap();
    assert_eq!(incident.tasks[0].last_completed, Some(minute(2)));
    refused(
        &mut incident,
        |incident| incident.set_task_status("t", TaskStatus::Completed, edit(3)),
        "the task is Completed already",
    );
    incident.set_task_status("t", TaskStatus::New, edit(4)).unwrap();
    assert_eq!((incident.tasks[0].last_completed, incident.tasks[0].last_modified), (Some(minute(2)), minute(4)));
    // A deleted task shows once.
    incident.set_task_status("t", TaskStatus::Deleted, edit(5)).unwrap();
    assert_eq!(incident.tasks[0].status, TaskStatus::Deleted);
    refused(
        &mut incident,
        |incident| incident.set_task_status("t", TaskStatus::New, edit(6)),
        "the incident has no task `t`",
    );
    incident.set_severity(Severity::Low, edit(7));
    assert!(incident.tasks.is_empty());
}

#[test]
fn s7_at_most_20_bookmarks() {
    let mut incident = incident();
    for id in 0..20 {
        incident.add_bookmark(&format!("b{id}"), edit(0)).unwrap();
    }
    incident.add_bookmark("b3", edit(1)).unwrap();
    let one_more = |incident: &mut Incident| incident.add_bookmark("b20", edit(1));
    refused(&mut incident, one_more, "the incident has 20 bookmarks, and more are not allowed");
    incident.remove_bookmark("b3", edit(2)).unwrap();
    incident.add_bookmark("b20", edit(3)).unwrap();
    refused(&mut incident, |incident| incident.remove_bookmark("b3", edit(4)), "the incident has no bookmark `b3`");
}

#[test]
fn s7_description_is_cut_at_5000_characters_wherever_it_comes_from() {
    let mut incident = incident();
    for (length, kept) in [(4_999, 4_999), (5_000, 5_000), (5_001, 5_000)] {
        incident.set_description(&"ß".repeat(length), edit(1));
        assert_eq!(incident.description.chars().count(), kept);
    }
}

#[test]
fn s8_3_owner_is_set_and_taken_off() {
    let mut incident = incident();
    let nobody = Owner { email: Some(" ".to_owned()), ..Owner::default() };
    refused(&mut incident, |incident| incident.assign(nobody, edit(1)), "the owner is empty");
    incident.assign(Owner { email: Some(BY.to_owned()), ..Owner::named("Ann") }, edit(1)).unwrap();
    let owner = incident.owner.clone().unwrap();
    assert_eq!((owner.assigned_to.as_deref(), owner.email.as_deref()), (Some("Ann"), Some(BY)));
    incident.unassign(edit(2));
    assert_eq!(incident.owner, None);
}

#[test]
fn s8_3_labels_have_a_name_once() {
    let mut incident = incident();
    incident.add_label(" VIP ", LabelType::User, edit(1)).unwrap();
    incident.add_label("vip", LabelType::AutoAssigned, edit(2)).unwrap();
    assert_eq!(incident.labels.len(), 1);
    assert_eq!((incident.labels[0].label_name.as_str(), incident.last_modified), ("VIP", minute(1)));
    refused(&mut incident, |incident| incident.add_label("", LabelType::User, edit(3)), "the label is empty");
    refused(&mut incident, |incident| incident.remove_label("x", edit(3)), "the incident has no label `x`");
    refused(&mut incident, |incident| incident.set_title("\t", edit(3)), "the title is empty");
}

#[test]
fn s7_an_incident_is_kept_as_json() {
    let mut incident = incident();
    incident.assign(Owner::named("Ann"), edit(1)).unwrap();
    incident.add_task("t", "Call", "", edit(2)).unwrap();
    incident.comment("c", "Text", edit(3)).unwrap();
    incident.add_label("vip", LabelType::AutoAssigned, edit(4)).unwrap();
    let false_positive = closing(Classification::FalsePositive, Some(ClassificationReason::InaccurateData));
    incident.close(false_positive, edit(5)).unwrap();
    let text = serde_json::to_string(&incident).unwrap();
    assert_eq!(serde_json::from_str::<Incident>(&text).unwrap(), incident);
    assert!(serde_json::from_str::<Incident>(&text.replace("\"Closed\"", "\"Shut\"")).is_err());
    assert!(serde_json::from_str::<Incident>(&text.replace("2024-05-01T", "yesterday ")).is_err());
}
