//! Public rules through every format and back.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod support;

use picquet_convert::{ArmForm, NoteKind, Options, Target, convert};
use support::{FORMS, arm, round_trip, rules};

#[test]
fn yaml_to_arm_to_yaml() {
    for rule in rules("rules") {
        for form in FORMS {
            let back = round_trip(&rule, Target::Arm, &arm(*form));
            round_trip(&back, Target::Yaml, &Options::default());
        }
        round_trip(&rule, Target::Yaml, &Options::default());
        let notes = convert([&rule], Target::Arm, &Options::default()).notes;
        let lost: Vec<_> = notes.into_iter().filter(|note| note.kind == NoteKind::Lost).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
}

#[test]
fn arm_to_yaml_to_arm() {
    for rule in rules("rules-arm") {
        let yaml = round_trip(&rule, Target::Yaml, &Options::default());
        for form in FORMS {
            round_trip(&yaml, Target::Arm, &arm(*form));
        }
    }
}

/// Every property of every body is there again, with the same value, whatever the model knows of it.
#[test]
fn arm_properties_survive_yaml() {
    let Some(folder) = support::corpus("rules-arm") else { return };
    let mut bodies = 0;
    for rule in picquet_rules::load_path(folder).into_iter().flat_map(|file| file.rules) {
        let text = convert([&rule], Target::Arm, &arm(ArmForm::Payload)).text;
        let yaml = convert([&rule], Target::Yaml, &Options::default()).text;
        let back = support::one("x.yaml", &yaml);
        let again = convert([&back], Target::Arm, &arm(ArmForm::Payload)).text;
        assert_eq!(text, again, "{} {}", rule.source.file, rule.source.path);
        bodies += 1;
    }
    assert_eq!(bodies, 98);
}

#[test]
fn many_rules_in_one_text() {
    let all = rules("rules");
    if all.is_empty() {
        return;
    }
    for (target, name) in [(Target::Arm, "all.json"), (Target::Yaml, "all.yaml")] {
        let text = convert(&all, target, &Options::default()).text;
        let back = picquet_rules::load_text(name, &text);
        assert!(back.errors.is_empty(), "{:?}", back.errors);
        assert_eq!(back.rules.len(), all.len());
        let diffs = picquet_convert::diff_sets(&all, &back.rules);
        assert!(diffs.iter().all(|diff| diff.kind() == picquet_convert::RuleChange::Same));
    }
}

#[test]
fn layout_of_every_rule() {
    let Some(folder) = support::corpus("rules") else { return };
    let options = kql_syntax::FormatOptions::default();
    let (mut laid_out, mut left) = (0, Vec::new());
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let new = match picquet_convert::layout(&text, &options) {
            Ok(new) => new,
            Err(error) => {
                left.push(format!("{}: {error:?}", path.display()));
                continue;
            }
        };
        laid_out += 1;
        assert_eq!(picquet_convert::layout(&new, &options).as_ref(), Ok(&new), "{}", path.display());
        let (old_rule, new_rule) = (support::one("x.yaml", &text), support::one("x.yaml", &new));
        assert_eq!(picquet_convert::diff_rules(&old_rule, &new_rule), [], "{}", path.display());
        let (mut old, mut new) = (picquet_convert::meaning(&old_rule), picquet_convert::meaning(&new_rule));
        old.remove("query");
        new.remove("query");
        assert_eq!(old, new, "{}", path.display());
        assert!(picquet_convert::same_query(&old_rule.query, &new_rule.query), "{}", path.display());
    }
    eprintln!("{laid_out} laid out; left: {left:#?}");
    assert!(laid_out >= 209, "{left:#?}");
}
