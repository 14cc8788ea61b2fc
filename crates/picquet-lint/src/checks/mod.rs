//! The checks: one file each, in the order of their codes.
//!
//! A new check is a new file with a doc comment (what, `## Why it matters`, `## How to mend it`), a `CHECK`, an entry in
//! [`CHECKS`] and cases in `tests/faults_*.rs`; `picquet-dev lints` then writes its page.

pub(crate) mod api;
pub(crate) mod columns;
pub(crate) mod contains;
pub(crate) mod forms;
pub(crate) mod repo;
pub(crate) mod style;
pub(crate) mod suppression;
pub(crate) mod techniques;
pub(crate) mod workspaces;

use crate::check::{Check, Run};
use crate::context::Options;

/// About comments that allow findings.
pub(crate) static SUPPRESSION: Check = suppression::CHECK;
/// About ids that several rules have.
pub(crate) static DUPLICATE_ID: Check = api::duplicate_id::CHECK;

/// All checks, by code.
pub static CHECKS: &[Check] = &[
    suppression::CHECK,
    api::missing_entity_column::CHECK,
    api::unknown_identifier::CHECK,
    api::entity_mapping_limits::CHECK,
    api::custom_detail_limits::CHECK,
    api::missing_detail_column::CHECK,
    api::missing_override_column::CHECK,
    api::override_limits::CHECK,
    api::unknown_alert_property::CHECK,
    api::grouping_target::CHECK,
    api::lookback_range::CHECK,
    api::schedule_range::CHECK,
    api::period_below_frequency::CHECK,
    api::long_period_often::CHECK,
    api::threshold_range::CHECK,
    api::suppression_range::CHECK,
    api::text_length::CHECK,
    api::search_or_union_all::CHECK,
    api::version_without_template::CHECK,
    api::api_version::CHECK,
    api::unknown_tactic::CHECK,
    api::technique_form::CHECK,
    api::nrt_restrictions::CHECK,
    api::too_many_workspaces::CHECK,
    api::duplicate_id::CHECK,
    api::missing_arm_property::CHECK,
    api::unknown_kind::CHECK,
    api::arm_spelling::CHECK,
    api::no_single_table::CHECK,
    repo::missing_key::CHECK,
    repo::id_form::CHECK,
    repo::version_form::CHECK,
    repo::version_not_raised::CHECK,
    repo::id_changed::CHECK,
    repo::unknown_technique::CHECK,
    repo::missing_tactic::CHECK,
    repo::unknown_connector::CHECK,
    repo::data_types::CHECK,
    repo::legacy_entity_column::CHECK,
    repo::not_ascii::CHECK,
    repo::column_name_form::CHECK,
    repo::incomplete_entity::CHECK,
    repo::file_ending::CHECK,
    style::name_style::CHECK,
    style::name_words::CHECK,
    style::description_style::CHECK,
    style::array_in_entity::CHECK,
    style::lookback_beyond_period::CHECK,
    style::period_beyond_lookback::CHECK,
    style::gap_between_runs::CHECK,
    style::technique_without_tactic::CHECK,
    style::unfiltered_table::CHECK,
    style::contains_as_has::CHECK,
    style::contains_word::CHECK,
    style::leading_wildcard::CHECK,
    style::large_left_side::CHECK,
    style::never_matching_case::CHECK,
    style::old_spelling::CHECK,
    style::several_columns_in::CHECK,
    style::override_type::CHECK,
];

/// The check of a code.
#[must_use]
pub fn check_of(code: &str) -> Option<&'static Check> {
    CHECKS.iter().find(|check| check.code == code)
}

/// Whether a check is to be run.
pub(crate) fn is_selected(check: &Check, options: &Options<'_>) -> bool {
    let off = options.allow.iter().any(|code| code == check.code);
    !off && check.sets.iter().any(|set| options.sets.contains(set))
}

/// Whether what a check finds depends on nothing but the rule: neither on other files nor on data.
pub(crate) fn sees_only_its_rule(check: &Check) -> bool {
    let on_more = ["PQ404", "PQ405", "PQ514"].contains(&check.code);
    matches!(check.run, Run::Rule(_)) && !on_more
}
