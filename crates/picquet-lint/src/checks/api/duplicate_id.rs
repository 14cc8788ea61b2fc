//! Two rules of the checked files have one id.
//!
//! A rule that is there as YAML and as ARM is one rule.
//!
//! ## Why it matters
//!
//! Of rules with one id Azure keeps the one that is deployed last; within one template it refuses both.
//!
//! ## How to mend it
//!
//! Give the copy a new GUID (`uuidgen`).

use crate::check::{Check, Run, Set, Severity};

pub(crate) const CHECK: Check = Check {
    code: "PQ324",
    name: "duplicate-id",
    sets: &[Set::Api, Set::Repo],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("duplicate_id.rs"),
    run: Run::Elsewhere,
};
