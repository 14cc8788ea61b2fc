//! Checks of Sentinel analytics rules beyond the language: what Azure would refuse, what Microsoft's content repository
//! demands, what is good style.
//!
//! A check is a file of `checks`; its doc comment is its page in `docs/lints`. [`Linter`] runs the checks of the chosen
//! sets over the rules of a file, binds their queries, and answers [`Finding`]s with their places, reasons, remedies and
//! edits. The crate reads no files and no clock, and knows nothing of how a query is run.

mod answer;
mod attack;
mod baseline;
mod check;
mod checks;
mod context;
mod docs;
mod facts;
mod fix;
mod junit;
pub mod limits;
mod linter;
mod report;
mod samples;
mod sarif;
mod shape;
mod source;
mod suppress;
mod times;
mod walk;

pub use answer::{Answer, Kind, answer};
pub use attack::{Attack, Technique};
pub use baseline::Baseline;
pub use check::{Check, Edit, FilePlace, Finding, Fix, Set, Severity, Within};
pub use checks::{CHECKS, check_of};
pub use context::Options;
pub use docs::pages;
pub use fix::apply;
pub use junit::junit;
pub use linter::{Checked, CheckedRule, Linter};
pub use samples::Samples;
pub use sarif::sarif;
pub use source::Source;
