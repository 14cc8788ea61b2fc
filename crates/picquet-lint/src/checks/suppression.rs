//! A comment that allows findings gives no reason, names no code of a check, or allows nothing.
//!
//! A comment on a line of its own allows the findings of the next line and of what is nested in it; one behind text those of
//! its line; `allow-file` those of the whole file. Several codes are separated by commas.
//!
//! ## Why it matters
//!
//! A comment without a reason tells the next reader nothing, and has no effect; one that allows nothing hides findings to
//! come.
//!
//! ## How to mend it
//!
//! Write the reason behind the code, or take the comment out.
//!
//! ## Example
//!
//! ```yaml
//! # picquet: allow PQ509 the table has a dozen rows
//! query: |
//!   Watchlist_CL
//!   // picquet: allow PQ511 the word may be a part of others
//!   | where Name contains "admin"
//! ```

use crate::check::{Check, Run, Set, Severity};

pub(crate) const CHECK: Check = Check {
    code: "PQ300",
    name: "suppression",
    sets: &[Set::Api, Set::Repo, Set::Style],
    severity: Severity::Warning,
    fixable: false,
    source: include_str!("suppression.rs"),
    run: Run::Elsewhere,
};
