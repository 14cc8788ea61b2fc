//! Rules as Bicep.

use picquet_rules::AnalyticsRule;

use crate::arm::{Part, parameterize};
use crate::convert::{Options, Symbols};
use crate::hunting;
use crate::note::Note;
use crate::tree::Tree;

/// Stable version of the workspace's own resource type, which is only referred to.
const WORKSPACE_API: &str = "2022-10-01";

pub(crate) fn write(rules: &[&AnalyticsRule], options: &Options, notes: &mut Vec<Note>) -> String {
    let options = Options { form: crate::ArmForm::Extension, ..options.clone() };
    let mut symbols = Symbols::default();
    symbols.reserve(&["workspace", "workspaceResource"]);
    symbols.reserve(&options.parameters);
    let mut sidecars = Vec::new();
    let mut parameters = String::new();
    let mut resources = String::new();
    for rule in rules {
        let symbol = symbols.of(rule);
        let mut part = Part::new(rule, &options, notes);
        for parameter in parameterize(&part, &options, (rules.len() > 1).then_some(symbol.as_str()), notes) {
            part.set(&parameter, Tree::Code(parameter.name.clone()));
            let kind = type_name(&parameter.default);
            parameters.push_str(&format!("param {} {kind} = {}\n", parameter.name, expression(&parameter.default, 0)));
        }
        let beside = part.sidecar(Some(notes));
        match part.resource_name() {
            Some(id) if !beside.is_empty() => sidecars.push((id.to_owned(), Tree::Object(beside))),
            Some(_) => {}
            None => {
                let message = "not carried: Bicep keeps it under the rule's id, and the rule has none that fits";
                notes.extend(beside.iter().map(|(key, _)| Note::lost(rule, key, message)));
            }
        }
        resources.push_str(&resource(&symbol, part));
    }
    let mut out = String::new();
    if !sidecars.is_empty() {
        out.push_str(&format!("metadata picquet = {}\n\n", expression(&Tree::Object(sidecars), 0)));
    }
    out.push_str("@description('Name of the Log Analytics workspace.')\nparam workspace string\n");
    out.push_str(&parameters);
    out.push_str(&format!(
        "\nresource workspaceResource 'Microsoft.OperationalInsights/workspaces@{WORKSPACE_API}' existing = {{\n  \
         name: workspace\n}}\n"
    ));
    out + &resources
}

fn resource(symbol: &str, part: Part<'_>) -> String {
    let name = match part.resource_name() {
        Some(id) => string(id),
        None => format!("guid(workspaceResource.id, {})", string(&part.rule.name)),
    };
    if part.rule.is_hunting_query() {
        let body = Tree::object([
            ("parent", Tree::Code("workspaceResource".to_owned())),
            ("name", Tree::Code(name)),
            ("properties", part.properties),
        ]);
        return format!("\nresource {symbol} '{}@{}' = {}\n", hunting::RESOURCE, part.version, expression(&body, 0));
    }
    let body = Tree::object([
        ("scope", Tree::Code("workspaceResource".to_owned())),
        ("name", Tree::Code(name)),
        ("kind", Tree::text(part.rule.kind.as_str())),
        ("properties", part.properties),
    ]);
    format!("\nresource {symbol} 'Microsoft.SecurityInsights/alertRules@{}' = {}\n", part.version, expression(&body, 0))
}

fn type_name(value: &Tree) -> &'static str {
    match value {
        Tree::Bool(_) => "bool",
        Tree::Number(_) => "int",
        Tree::List(_) => "array",
        Tree::Object(_) | Tree::Null => "object",
        Tree::Text(_) | Tree::Code(_) => "string",
    }
}

/// A value as a Bicep expression.
fn expression(tree: &Tree, depth: usize) -> String {
    let margin = "  ".repeat(depth + 1);
    let end = "  ".repeat(depth);
    match tree {
        Tree::Null => "null".to_owned(),
        Tree::Bool(value) => value.to_string(),
        Tree::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
        // Bicep has whole numbers only.
        Tree::Number(number) => format!("json('{number}')"),
        Tree::Text(text) => string(text),
        Tree::Code(code) => code.clone(),
        Tree::List(items) if items.is_empty() => "[]".to_owned(),
        Tree::Object(entries) if entries.is_empty() => "{}".to_owned(),
        Tree::List(items) => {
            let lines = items.iter().map(|item| format!("{margin}{}\n", expression(item, depth + 1)));
            format!("[\n{}{end}]", lines.collect::<String>())
        }
        Tree::Object(entries) => {
            let lines =
                entries.iter().map(|(key, value)| format!("{margin}{}: {}\n", name(key), expression(value, depth + 1)));
            format!("{{\n{}{end}}}", lines.collect::<String>())
        }
    }
}

/// A key: a name where it can be one.
fn name(key: &str) -> String {
    let mut chars = key.chars();
    let starts = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if starts && chars.all(|c| c.is_ascii_alphanumeric() || c == '_') { key.to_owned() } else { string(key) }
}

/// A string: a raw one over several lines where that keeps every character, else with escapes.
fn string(text: &str) -> String {
    let raw = text.contains('\n')
        && !text.contains("'''")
        && !text.ends_with('\'')
        && text.chars().all(|c| c == '\n' || c == '\t' || !c.is_control());
    if raw {
        return format!("'''\n{text}'''");
    }
    let mut out = String::from("'");
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' if chars.peek() == Some(&'{') => out.push_str("\\$"),
            c if c.is_control() => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings() {
        let cases = [
            ("a'b\\c${d}$e", r"'a\'b\\c\${d}$e'"),
            ("T\n| where a == '${b}'\n", "'''\nT\n| where a == '${b}'\n'''"),
            ("a\n'''", r"'a\n\'\'\''"),
            ("a\n'", r"'a\n\''"),
            ("a\r\n\u{1}", r"'a\r\n\u{1}'"),
        ];
        for (text, expected) in cases {
            assert_eq!(string(text), expected);
        }
        assert_eq!(name("a_1"), "a_1");
        assert_eq!(name("a-1"), "'a-1'");
        assert_eq!(name(""), "''");
    }
}
