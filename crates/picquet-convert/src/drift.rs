//! A repository of rules against what is deployed.

use picquet_rules::AnalyticsRule;

use crate::diff::{Change, diff_rules};

/// How a workspace differs from its repository.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Drift<'a> {
    /// In the repository, not deployed.
    pub missing: Vec<&'a AnalyticsRule>,
    /// Deployed, not in the repository.
    pub extra: Vec<&'a AnalyticsRule>,
    /// Deployed with another meaning: the repository's rule, the deployed one, and what differs (old is the
    /// repository's value).
    pub changed: Vec<(&'a AnalyticsRule, &'a AnalyticsRule, Vec<Change>)>,
    /// Deployed as they are in the repository.
    pub same: usize,
}

impl Drift<'_> {
    /// Whether the workspace is as the repository says.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.missing.is_empty() && self.extra.is_empty() && self.changed.is_empty()
    }
}

/// Keys that a deployed rule has no place for.
const NOT_DEPLOYED: &[&str] = &["id", "requiredDataConnectors", "metadata", "tags", "status", "armProperties"];

/// Compares a repository with deployed rules. A deployed rule belongs to the repository's rule of its id, else of the
/// template it was made from, else of its name. `name_prefix` is what deploying put before the names.
#[must_use]
pub fn drift<'a>(
    repository: impl IntoIterator<Item = &'a AnalyticsRule>,
    deployed: impl IntoIterator<Item = &'a AnalyticsRule>,
    name_prefix: &str,
) -> Drift<'a> {
    let repository: Vec<&AnalyticsRule> = repository.into_iter().collect();
    let deployed: Vec<&AnalyticsRule> = deployed.into_iter().collect();
    let bare = |rule: &AnalyticsRule| rule.name.strip_prefix(name_prefix).unwrap_or(&rule.name).to_owned();
    let by_id = |own: &AnalyticsRule, theirs: &AnalyticsRule| own.id.is_some() && own.id == theirs.id;
    let by_template = |own: &AnalyticsRule, theirs: &AnalyticsRule| {
        let template = theirs.template_name.as_deref().map(str::to_ascii_lowercase);
        own.id.is_some() && own.id == template
    };
    let by_name = |own: &AnalyticsRule, theirs: &AnalyticsRule| own.name == bare(theirs);
    type Way<'w> = &'w dyn Fn(&AnalyticsRule, &AnalyticsRule) -> bool;
    let ways: [Way<'_>; 3] = [&by_id, &by_template, &by_name];

    let mut partner: Vec<Option<usize>> = vec![None; repository.len()];
    let mut free: Vec<bool> = vec![true; deployed.len()];
    for way in ways {
        for (own, partner) in repository.iter().zip(&mut partner).filter(|(_, partner)| partner.is_none()) {
            *partner = (0..deployed.len()).find(|at| free[*at] && way(own, deployed[*at]));
            if let Some(at) = partner {
                free[*at] = false;
            }
        }
    }
    let mut found = Drift::default();
    for (own, partner) in repository.iter().zip(partner) {
        let Some(at) = partner else {
            found.missing.push(own);
            continue;
        };
        let changes = differences(own, deployed[at], name_prefix);
        if changes.is_empty() {
            found.same += 1;
        } else {
            found.changed.push((own, deployed[at], changes));
        }
    }
    found.extra = deployed.into_iter().zip(free).filter(|(_, free)| *free).map(|(rule, _)| rule).collect();
    found
}

fn differences(own: &AnalyticsRule, theirs: &AnalyticsRule, name_prefix: &str) -> Vec<Change> {
    let theirs = AnalyticsRule {
        name: theirs.name.strip_prefix(name_prefix).unwrap_or(&theirs.name).to_owned(),
        ..theirs.clone()
    };
    let unknown = |path: &str| own.extra.keys().any(|key| key == path);
    diff_rules(own, &theirs)
        .into_iter()
        .filter(|change| {
            let key = change.path.split('.').next().unwrap_or_default();
            // A rule that is deployed without its template is the same rule.
            let unlinked =
                matches!(key, "version" | "alertRuleTemplateName") && (change.old.is_null() || change.new.is_null());
            !NOT_DEPLOYED.contains(&key) && !unlinked && !unknown(&change.path)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPOSITORY: &str = "id: 00000000-0000-4000-8000-00000000000A\nname: one\nversion: 1.0.0\nseverity: Low\nquery: T // c\ntags: [x]\n---\n\
                              id: b\nname: two\nseverity: Low\nquery: T\n---\nid: c\nname: three\nseverity: Low\nquery: T\n---\n\
                              id: d\nname: four\nseverity: Low\nquery: T\n";

    fn body(id: &str, more: &str) -> String {
        format!(
            r#"{{"id": "/subscriptions/s/alertRules/{id}", "kind": "Scheduled", "etag": "e", "properties": {{
                "severity": "Low", "query": "T", "queryFrequency": "PT5H", "queryPeriod": "PT5H", "enabled": true,
                "triggerOperator": "GreaterThan", "triggerThreshold": 0, "suppressionEnabled": false,
                "suppressionDuration": "PT5H", "lastModifiedUtc": "2024-01-01T00:00:00Z", {more}}}}}"#
        )
    }

    #[test]
    fn answers_of_the_api() {
        let bodies = [
            body(
                "x1",
                r#""displayName": "[dev] one", "alertRuleTemplateName": "00000000-0000-4000-8000-00000000000a", "templateVersion": "1.0.0""#,
            ),
            body("b", r#""displayName": "[dev] two", "description": "d""#),
            body("x3", r#""displayName": "[dev] three""#),
            body("x5", r#""displayName": "five""#),
        ];
        let export = format!(r#"{{"value": [{}]}}"#, bodies.join(","));
        let repository = picquet_rules::load_text("rules.yaml", REPOSITORY).rules;
        let deployed = picquet_rules::load_text("export.json", &export).rules;
        assert_eq!((repository.len(), deployed.len()), (4, 4));
        let found = drift(&repository, &deployed, "[dev] ");
        let names = |rules: &[&AnalyticsRule]| rules.iter().map(|rule| rule.name.clone()).collect::<Vec<_>>();
        assert_eq!((names(&found.missing), names(&found.extra)), (vec!["four".to_owned()], vec!["five".to_owned()]));
        let changed: Vec<(&str, Vec<&str>)> = found
            .changed
            .iter()
            .map(|(own, _, changes)| (own.name.as_str(), changes.iter().map(|change| change.path.as_str()).collect()))
            .collect();
        assert_eq!((changed, found.same), (vec![("two", vec!["description"])], 2));
    }
}
