//! What ARM has no property for, under its YAML keys: it goes into `metadata.picquet`, which Resource Manager ignores
//! and reading takes up again.

use picquet_rules::{AnalyticsRule, SIDECAR_UNKNOWN, join_techniques};

use crate::hunting::saved_search;
use crate::properties::{Shape, connectors, is_sidecar_key, template_link};
use crate::tree::{Entries, Tree};

/// The rule's sidecar; empty where ARM has a property for everything. `named` says whether the resource's name holds
/// the rule's id.
pub(crate) fn sidecar(rule: &AnalyticsRule, shape: &Shape<'_>, named: bool) -> Vec<(String, Tree)> {
    let mut out = Entries::default();
    if let Some(id) = rule.id.as_ref().filter(|_| !named) {
        out.put("id", Tree::text(id.as_str()));
    }
    match &rule.verbatim {
        _ if rule.is_hunting_query() => out.0.extend(saved_search(rule, shape.prefix).1),
        // Kinds that are only listed keep even values that no one understands.
        Some(verbatim) => {
            for (key, value) in verbatim.as_object().into_iter().flatten() {
                let is_property = key.eq_ignore_ascii_case("alertRuleTemplateName") || key.eq_ignore_ascii_case("id");
                if is_sidecar_key(key) && !is_property {
                    out.put(key, Tree::from(value));
                }
            }
        }
        None => {
            executable(rule, shape, &mut out);
            out.put_full(SIDECAR_UNKNOWN, Tree::from(&rule.extra));
        }
    }
    out.0
}

fn executable(rule: &AnalyticsRule, shape: &Shape<'_>, out: &mut Entries) {
    let subs = if shape.sub_techniques { rule.sub_techniques() } else { Vec::new() };
    if !shape.template {
        if template_link(rule).is_none() {
            out.put_some("version", rule.version.as_ref());
        }
        out.put_some("status", rule.status.as_ref());
        out.put_full("requiredDataConnectors", connectors(rule));
    } else if rule.template_name.is_some() {
        out.put_some("alertRuleTemplateName", rule.template_name.as_ref());
    }
    if join_techniques(&rule.techniques(), &subs) != rule.relevant_techniques {
        out.put("relevantTechniques", Tree::texts(&rule.relevant_techniques));
    }
    out.put_full("tags", Tree::List(rule.tags.iter().map(Tree::from).collect()));
    if let Some(metadata) = &rule.metadata {
        out.put("metadata", Tree::from(metadata));
    }
}
