//! What holds of incidents whatever happens: long made-up histories, checked after every run.

use std::collections::HashMap;

use picquet_rules::{
    Alert, AnalyticsRule, Classification, Closing, Edit, GroupingKey, IncidentEvent, MAX_ALERTS_PER_INCIDENT,
};

use crate::{Row, Workspace, minute, rule, run};

/// Small numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

const METHODS: [&str; 5] = [
    "matchingMethod: AnyAlert",
    "matchingMethod: AllEntities",
    "matchingMethod: Selected, groupByEntities: [Account]",
    "matchingMethod: Selected, groupByAlertDetails: [DisplayName, Severity]",
    "matchingMethod: Selected, groupByEntities: [IP], groupByCustomDetails: [Place]",
];

fn rows(dice: &mut Dice) -> Vec<Row<'static>> {
    let users = ["alex@contoso.com", "mia@contoso.com", ""];
    let cities = ["Oslo", "Rome", ""];
    let levels = ["Low", "High", ""];
    let mut pick = |words: [&'static str; 3]| words[dice.roll(3) as usize];
    let row = [pick(users), "203.0.113.7", pick(cities), pick(levels), ""];
    let count = [1, 2, 40, 120][dice.roll(4) as usize];
    (0..count).map(|index| if index % 7 == 3 { [users[0], "203.0.113.8", row[2], row[3], ""] } else { row }).collect()
}

/// The statements of section 7 that hold of all incidents of a rule at any time.
fn check(workspace: &Workspace, rule: &AnalyticsRule, alerts: &HashMap<String, (Alert, GroupingKey)>) {
    let grouping = &rule.incident_configuration.grouping;
    let mut homes: HashMap<&str, i64> = HashMap::new();
    for (index, incident) in workspace.incidents.iter().enumerate() {
        assert_eq!(incident.number, index as i64 + 1);
        assert!((1..=MAX_ALERTS_PER_INCIDENT).contains(&incident.alert_ids.len()));
        let members: Vec<&(Alert, GroupingKey)> = incident.alert_ids.iter().map(|id| &alerts[id]).collect();
        assert_eq!(incident.first_alert_created, members[0].0.time_generated);
        let highest = members.iter().map(|(alert, _)| alert.alert_severity).max().unwrap();
        assert!(incident.severity >= highest);
        assert!(incident.last_modified >= incident.created);
        assert_eq!(incident.is_closed(), incident.closed.is_some() && incident.closing.is_some());
        let span = grouping.lookback_duration.to_signed_duration();
        for (alert, key) in members {
            assert!(homes.insert(&alert.system_alert_id, incident.number).is_none(), "an alert with two incidents");
            assert!(alert.time_generated.duration_since(incident.first_alert_created) <= span);
            assert!(incident.grouping_key.matches(key, grouping));
        }
    }
    assert_eq!(homes.len(), alerts.len(), "every alert has an incident");
}

#[test]
fn s7_every_alert_has_one_incident_whose_first_alert_it_matches_within_the_lookback() {
    for (seed, method) in METHODS.iter().enumerate() {
        for reopen in [false, true] {
            let rule = rule(&format!("enabled: true, reopenClosedIncident: {reopen}, lookbackDuration: 1h, {method}"));
            let mut dice = Dice(seed as u64);
            let (mut workspace, mut alerts, mut now) = (Workspace::default(), HashMap::new(), 0);
            for _ in 0..25 {
                now += 1 + dice.roll(30) as i64;
                let before = workspace.incidents.clone();
                let raised = run(&rule, now, &rows(&mut dice)).alerts;
                alerts.extend(
                    raised.iter().map(|alert| (alert.system_alert_id.clone(), (alert.clone(), GroupingKey::of(alert)))),
                );
                let changes = workspace.group(&rule, now, &raised);
                check(&workspace, &rule, &alerts);
                let joined: usize = changes.iter().map(|change| change.added.len()).sum();
                assert_eq!(joined, raised.len());
                for change in &changes {
                    let old = before.iter().find(|old| old.name == change.incident.name);
                    let expected = match old {
                        None => IncidentEvent::Created,
                        Some(old) if old.is_closed() => IncidentEvent::Reopened,
                        Some(_) => IncidentEvent::AlertAdded,
                    };
                    assert_eq!(change.event, expected);
                    assert!(reopen || change.event != IncidentEvent::Reopened);
                    let count = old.map_or(0, |old| old.alert_ids.len()) + change.added.len();
                    assert_eq!(change.incident.alert_ids.len(), count);
                }
                for incident in &mut workspace.incidents {
                    if !incident.is_closed() && dice.roll(4) == 0 {
                        let closing = Closing {
                            classification: Classification::Undetermined,
                            reason: None,
                            comment: String::new(),
                        };
                        incident.close(closing, Edit { by: "ann", at: minute(now) }).unwrap();
                    }
                }
            }
            assert!(workspace.incidents.len() > 2, "{method} {reopen}");
        }
    }
}
