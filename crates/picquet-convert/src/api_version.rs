//! Which version of the API a rule needs.

use picquet_rules::{AnalyticsRule, RuleKind};

/// Stable version: kinds Scheduled, Fusion and MicrosoftSecurityIncidentCreation.
const STABLE: &str = "2024-09-01";
/// First preview version with sub-techniques; it has the other kinds and properties in preview too.
const PREVIEW: &str = "2023-12-01-preview";

/// The version that has all that the rule holds.
pub(crate) fn needed(rule: &AnalyticsRule) -> &'static str {
    if rule.is_hunting_query() {
        return crate::hunting::API;
    }
    let stable_kind =
        matches!(rule.kind, RuleKind::Scheduled | RuleKind::Fusion | RuleKind::MicrosoftSecurityIncidentCreation);
    let only_stable = stable_kind
        && rule.sub_techniques().is_empty()
        && rule.sentinel_entities_mappings.is_empty()
        && rule.start_time.is_none()
        && rule.arm_properties.is_empty()
        && (rule.kind != RuleKind::Fusion || !has_fusion_settings(rule));
    if only_stable { STABLE } else { PREVIEW }
}

/// Whether a Fusion rule says more than its template and its switch.
fn has_fusion_settings(rule: &AnalyticsRule) -> bool {
    let settings = rule.verbatim.as_ref().and_then(serde_json::Value::as_object);
    settings.is_some_and(|keys| keys.contains_key("sourceSettings") || keys.contains_key("scenarioExclusionPatterns"))
}

/// Whether a version has sub-techniques: previews from December 2023 on. Other versions refuse the deployment.
pub(crate) fn has_sub_techniques(version: &str) -> bool {
    version.ends_with("-preview") && version >= PREVIEW
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_content() {
        let rule = |more: &str| {
            let text = format!("name: n\nseverity: Low\nquery: T\n{more}");
            picquet_rules::load_text("x.yaml", &text).rules.remove(0)
        };
        let cases = [
            ("", STABLE),
            ("relevantTechniques: [T1078]\n", STABLE),
            ("relevantTechniques: [T1078.004]\n", PREVIEW),
            ("kind: NRT\n", PREVIEW),
            ("kind: Anomaly\n", PREVIEW),
            ("kind: Fusion\n", STABLE),
            ("kind: Fusion\nsourceSettings: []\n", PREVIEW),
            ("startTimeUtc: 2024-05-01T00:00:00Z\n", PREVIEW),
        ];
        for (more, expected) in cases {
            assert_eq!(needed(&rule(more)), expected, "{more}");
        }
        assert!(has_sub_techniques("2025-07-01-preview") && !has_sub_techniques("2023-11-01-preview"));
        assert!(!has_sub_techniques(STABLE));
    }
}
