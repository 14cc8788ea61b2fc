//! What the tests share.
#![allow(dead_code, clippy::expect_used, clippy::print_stderr)]

use std::path::PathBuf;

use picquet_convert::{ArmForm, Options, Target, convert, meaning};
use picquet_rules::{AnalyticsRule, LoadOptions, load_text_with};

/// A folder of the corpus beside the checkout, or `None` with a message.
pub(crate) fn corpus(folder: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: {} is not there", path.display());
    None
}

/// All rules of a folder of the corpus that load.
pub(crate) fn rules(folder: &str) -> Vec<AnalyticsRule> {
    let loaded = corpus(folder).map(picquet_rules::load_path).unwrap_or_default();
    loaded.into_iter().flat_map(|file| file.rules).collect()
}

/// ARM forms that keep everything of a rule.
pub(crate) const FORMS: &[ArmForm] = &[ArmForm::Workspace, ArmForm::Extension, ArmForm::Solution];

pub(crate) fn arm(form: ArmForm) -> Options {
    Options { form, ..Options::default() }
}

/// The one rule of a text.
pub(crate) fn one(name: &str, text: &str) -> AnalyticsRule {
    let mut loaded = load_text_with(name, text, &LoadOptions { hunting: true, ..LoadOptions::default() });
    assert!(loaded.errors.is_empty(), "{:?}\n{text}", loaded.errors);
    assert_eq!(loaded.rules.len(), 1, "{text}");
    loaded.rules.remove(0)
}

/// Writes the rule, reads it again, and asks for the same meaning and the same query to the letter.
pub(crate) fn round_trip(rule: &AnalyticsRule, target: Target, options: &Options) -> AnalyticsRule {
    let name = if target == Target::Yaml { "back.yaml" } else { "back.json" };
    let text = convert([rule], target, options).text;
    let back = one(name, &text);
    assert_eq!(back.query, rule.query, "{}\n{text}", rule.source.file);
    let (old, new) = (meaning(rule), meaning(&back));
    assert_eq!(old, new, "{} {}\n{text}", rule.source.file, rule.source.path);
    back
}
