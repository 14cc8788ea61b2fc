//! Sentinel analytics rules as text: writing them as YAML, ARM templates, Bicep and Terraform; laying YAML out; telling
//! what changed in meaning between two of them.
//!
//! Rules come from [`picquet_rules`]; texts and reports go out. Nothing here reads files or the clock. A value that the
//! target has no place for is never dropped in silence: it is put beside the rule, where reading finds it again, or
//! noted in [`Converted::notes`].
//!
//! ```
//! use picquet_convert::{Options, Target, convert};
//!
//! let yaml = "id: 7d3f1a52-0000-4000-8000-000000000001
//! name: Failed sign-ins
//! kind: NRT
//! severity: Low
//! query: SigninLogs | where ResultType != '0'
//! tags: [identity]
//! ";
//! let rules = picquet_rules::load_text("failed.yaml", yaml).rules;
//! let arm = convert(&rules, Target::Arm, &Options::default());
//! let back = picquet_rules::load_text("failed.json", &arm.text).rules;
//! assert_eq!(picquet_convert::meaning(&rules[0]), picquet_convert::meaning(&back[0]));
//! ```

mod api_version;
mod arm;
mod bicep;
mod convert;
mod diff;
mod drift;
mod hcl;
mod hunting;
mod json;
mod layout;
mod lines;
mod meaning;
mod note;
mod properties;
mod query;
mod sidecar;
mod terraform;
mod tree;
mod yaml;
mod yaml_scalar;

pub use convert::{ArmForm, Converted, Options, Provider, Target, convert, terraform_header};
pub use diff::{Change, RuleChange, RuleDiff, diff_rules, diff_sets};
pub use drift::{Drift, drift};
pub use layout::{LayoutError, layout};
pub use lines::{Line, changed_lines};
pub use meaning::meaning;
pub use note::{Note, NoteKind};
pub use query::{canonical_query, same_query};
