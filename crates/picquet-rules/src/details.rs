//! Custom details and alert details: what an alert takes from the result's columns (spec sections 5.3 and 5.4).

use serde_json::Value;

use crate::error::{Warning, WarningKind};
use crate::model::{AlertDetailsOverride, Severity, split_techniques};
use crate::tactics::tactics_of_text;

/// Most values of one custom detail, and of one overridden list.
const MAX_VALUES: usize = 50;
/// Most bytes of all custom details of an alert together, as JSON text.
const MAX_CUSTOM_DETAIL_BYTES: usize = 2 * 1024;
/// Most bytes of a rendered alert name.
const MAX_NAME_BYTES: usize = 256;
/// Most bytes of a rendered description.
const MAX_DESCRIPTION_BYTES: usize = 5 * 1024;

/// The text of a result cell: "" for null, JSON text for arrays and bags.
pub(crate) fn cell_text(cell: &Value) -> String {
    match cell {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Index of a column. Column names are case-sensitive in KQL.
pub(crate) fn column_index(columns: &[String], name: &str) -> Option<usize> {
    columns.iter().position(|column| column == name)
}

/// Custom details of one alert: every key with its distinct values, ready for `ExtendedProperties`.
///
/// [I] Values stand in the order of the rows; keys without a value are left out. Beyond 50 values a key or 2 KB in
/// all, later values are dropped with a warning.
pub(crate) fn custom_details(
    details: &[(String, String)],
    columns: &[String],
    rows: &[&Vec<Value>],
    warnings: &mut Vec<Warning>,
) -> Vec<(String, Vec<String>)> {
    let mut result: Vec<(String, Vec<String>)> = Vec::new();
    let mut bytes = 2;
    for (key, column) in details {
        let Some(index) = column_index(columns, column) else {
            let message = format!("customDetails.{key}: the result has no column `{column}`");
            Warning::new(WarningKind::CustomDetails, message).push(warnings);
            continue;
        };
        let mut values: Vec<String> = Vec::new();
        let mut key_bytes = key.len() + 6;
        let mut dropped = false;
        for value in distinct_texts(rows, index) {
            let size = json_text(&value).len() + 1;
            if values.len() == MAX_VALUES || bytes + key_bytes + size > MAX_CUSTOM_DETAIL_BYTES {
                dropped = true;
                break;
            }
            key_bytes += size;
            values.push(value);
        }
        if dropped {
            let message = format!(
                "customDetails.{key}: values left out (at most {MAX_VALUES}, and {MAX_CUSTOM_DETAIL_BYTES} bytes in all)"
            );
            Warning::new(WarningKind::CustomDetails, message).push(warnings);
        }
        if !values.is_empty() {
            bytes += key_bytes;
            result.push((key.clone(), values));
        }
    }
    result
}

/// JSON text of a string.
pub(crate) fn json_text(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

fn distinct_texts(rows: &[&Vec<Value>], index: usize) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for row in rows {
        let text = row.get(index).map(cell_text).unwrap_or_default();
        if !text.trim().is_empty() && seen.insert(text.clone()) {
            values.push(text);
        }
    }
    values
}

/// What the override gives for one alert; everything absent keeps the rule's own value.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Overridden {
    pub display_name: Option<String>,
    pub description: Option<String>,
    pub severity: Option<Severity>,
    pub tactics: Option<Vec<String>>,
    pub techniques: Option<(Vec<String>, Vec<String>)>,
    pub alert_link: Option<String>,
    pub confidence_level: Option<String>,
    pub confidence_score: Option<f64>,
    pub extended_links: Option<String>,
    pub product_name: Option<String>,
    pub provider_name: Option<String>,
    pub product_component_name: Option<String>,
    pub remediation_steps: Option<String>,
}

/// Renders the override for the rows of one alert.
///
/// [I] Formats and single values take the first row, lists the distinct values of all rows. An empty or invalid
/// value, a missing column and an alert without rows leave the rule's own value.
pub(crate) fn overridden(
    details: &AlertDetailsOverride,
    columns: &[String],
    rows: &[&Vec<Value>],
    warnings: &mut Vec<Warning>,
) -> Overridden {
    let mut source = Cells { columns, rows, warnings };
    let mut result = Overridden::default();
    if let Some(format) = &details.display_name_format {
        result.display_name = source.render(format, "alertDisplayNameFormat", MAX_NAME_BYTES);
    }
    if let Some(format) = &details.description_format {
        result.description = source.render(format, "alertDescriptionFormat", MAX_DESCRIPTION_BYTES);
    }
    if let Some(column) = &details.severity_column_name {
        result.severity = source.severity(column);
    }
    if let Some(column) = &details.tactics_column_name {
        result.tactics = source.tactics(column);
    }
    for property in &details.dynamic_properties {
        let column = &property.value;
        let name = &property.alert_property;
        match name.as_str() {
            "AlertLink" => result.alert_link = source.first(column, name),
            "ConfidenceLevel" => result.confidence_level = source.first(column, name),
            "ConfidenceScore" => result.confidence_score = source.number(column, name),
            "ExtendedLinks" => result.extended_links = source.list_text(column, name),
            "ProductName" => result.product_name = source.first(column, name),
            "ProviderName" => result.provider_name = source.first(column, name),
            "ProductComponentName" => result.product_component_name = source.first(column, name),
            "RemediationSteps" => result.remediation_steps = source.list_text(column, name),
            "Techniques" => result.techniques = source.techniques(column, name),
            _ => source.warn(format!("alertDynamicProperties: no property `{name}`")),
        }
    }
    result
}

/// The cells an alert's details come from.
struct Cells<'a> {
    columns: &'a [String],
    rows: &'a [&'a Vec<Value>],
    warnings: &'a mut Vec<Warning>,
}

impl Cells<'_> {
    fn warn(&mut self, message: String) {
        Warning::new(WarningKind::AlertDetails, message).push(self.warnings);
    }

    fn index(&mut self, column: &str, what: &str) -> Option<usize> {
        let found = column_index(self.columns, column);
        if found.is_none() {
            self.warn(format!("{what}: the result has no column `{column}`"));
        }
        found
    }

    fn first(&mut self, column: &str, what: &str) -> Option<String> {
        let index = self.index(column, what)?;
        let text = cell_text(self.rows.first()?.get(index)?);
        (!text.trim().is_empty()).then_some(text)
    }

    fn number(&mut self, column: &str, what: &str) -> Option<f64> {
        let text = self.first(column, what)?;
        let number = text.trim().parse::<f64>().ok().filter(|n| n.is_finite());
        if number.is_none() {
            self.warn(format!("{what}: `{text}` is not a number"));
        }
        number
    }

    fn severity(&mut self, column: &str) -> Option<Severity> {
        let text = self.first(column, "alertSeverityColumnName")?;
        let severity = Severity::from_name(&text);
        if severity.is_none() {
            self.warn(format!("alertSeverityColumnName: `{text}` is not a severity"));
        }
        severity
    }

    fn tactics(&mut self, column: &str) -> Option<Vec<String>> {
        let index = self.index(column, "alertTacticsColumnName")?;
        let mut tactics: Vec<String> = Vec::new();
        for text in distinct_texts(self.rows, index) {
            for tactic in tactics_of_text(&text) {
                if !tactics.iter().any(|known| known == tactic) {
                    tactics.push(tactic.to_owned());
                }
            }
        }
        tactics.truncate(MAX_VALUES);
        (!tactics.is_empty()).then_some(tactics)
    }

    fn techniques(&mut self, column: &str, what: &str) -> Option<(Vec<String>, Vec<String>)> {
        let ids: Vec<String> = self
            .list(column, what)?
            .iter()
            .map(cell_text)
            .flat_map(|text| text.split(',').map(|id| id.trim().to_owned()).collect::<Vec<_>>())
            .filter(|id| is_technique(id))
            .collect();
        (!ids.is_empty()).then(|| split_techniques(&ids))
    }

    fn list_text(&mut self, column: &str, what: &str) -> Option<String> {
        self.list(column, what).map(|values| Value::Array(values).to_string())
    }

    /// The distinct values of a list column; cells that hold a JSON array give its elements.
    fn list(&mut self, column: &str, what: &str) -> Option<Vec<Value>> {
        let index = self.index(column, what)?;
        let mut values: Vec<Value> = Vec::new();
        for row in self.rows {
            for value in list_elements(row.get(index).unwrap_or(&Value::Null)) {
                if !values.contains(&value) && values.len() < MAX_VALUES {
                    values.push(value);
                }
            }
        }
        (!values.is_empty()).then_some(values)
    }

    fn render(&mut self, format: &str, what: &str, limit: usize) -> Option<String> {
        let mut text = String::new();
        let mut rest = format;
        while let Some(start) = rest.find("{{") {
            let Some(length) = rest[start..].find("}}") else {
                break;
            };
            text.push_str(&rest[..start]);
            let column = rest[start + 2..start + length].trim();
            let index = self.index(column, what)?;
            let row = self.rows.first()?;
            text.push_str(&row.get(index).map(cell_text).unwrap_or_default());
            rest = &rest[start + length + 2..];
        }
        text.push_str(rest);
        let text = cut(&text, limit);
        (!text.trim().is_empty()).then(|| text.to_owned())
    }
}

fn is_technique(id: &str) -> bool {
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    let Some(rest) = id.strip_prefix('T') else {
        return false;
    };
    match rest.split_once('.') {
        Some((parent, sub)) => digits(parent, 4) && digits(sub, 3),
        None => digits(rest, 4),
    }
}

fn list_elements(cell: &Value) -> Vec<Value> {
    let parsed = match cell {
        Value::String(text) if text.trim_start().starts_with(['[', '{']) => serde_json::from_str(text).ok(),
        _ => None,
    };
    match parsed.as_ref().unwrap_or(cell) {
        Value::Null => Vec::new(),
        Value::String(text) if text.trim().is_empty() => Vec::new(),
        Value::Array(items) => items.clone(),
        other => vec![other.clone()],
    }
}

/// The longest front of a text that fits into a number of bytes without breaking a character.
fn cut(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DynamicProperty;
    use serde_json::json;

    fn columns(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn s5_3_custom_detail_values() {
        let columns = columns(&["User", "Count"]);
        let rows = [
            vec![json!("alex"), json!(3)],
            vec![json!(""), json!(null)],
            vec![json!("sam"), json!(3)],
            vec![json!("alex"), json!({"a": 1})],
        ];
        let rows: Vec<&Vec<Value>> = rows.iter().collect();
        let details = [
            ("Who".to_owned(), "User".to_owned()),
            ("HowMany".to_owned(), "Count".to_owned()),
            ("Gone".to_owned(), "Missing".to_owned()),
        ];
        let mut warnings = Vec::new();
        let values = custom_details(&details, &columns, &rows, &mut warnings);
        assert_eq!(
            values,
            [
                ("Who".to_owned(), vec!["alex".to_owned(), "sam".to_owned()]),
                ("HowMany".to_owned(), vec!["3".to_owned(), "{\"a\":1}".to_owned()]),
            ]
        );
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].message.contains("`Missing`"));
    }

    #[test]
    fn s5_3_custom_detail_limits() {
        let columns = columns(&["N", "Long"]);
        let rows: Vec<Vec<Value>> = (0..60).map(|n| vec![json!(n), json!(format!("{n}{}", "x".repeat(100)))]).collect();
        let rows: Vec<&Vec<Value>> = rows.iter().collect();
        let details = [("N".to_owned(), "N".to_owned()), ("Long".to_owned(), "Long".to_owned())];
        let mut warnings = Vec::new();
        let values = custom_details(&details, &columns, &rows, &mut warnings);
        assert_eq!(values[0].1.len(), 50);
        assert!(values[1].1.len() > 10 && values[1].1.len() < 20);
        assert_eq!(warnings.len(), 2);
    }

    #[test]
    fn s5_4_rendering() {
        let columns = columns(&["A", "B"]);
        let rows = [vec![json!("x"), json!(null)], vec![json!("y"), json!(2)]];
        let rows: Vec<&Vec<Value>> = rows.iter().collect();
        let cases = [
            ("plain", Some("plain")),
            ("{{A}} and {{ B }}!", Some("x and !")),
            ("{{B}}", None),
            ("{{Missing}}", None),
            ("open {{A", Some("open {{A")),
        ];
        for (format, expected) in cases {
            let mut warnings = Vec::new();
            let mut cells = Cells { columns: &columns, rows: &rows, warnings: &mut warnings };
            assert_eq!(cells.render(format, "f", 256).as_deref(), expected, "{format}");
        }
        assert_eq!(cut("aé", 2), "a");
    }

    #[test]
    fn s5_4_override_values() {
        let columns = columns(&["Sev", "Tac", "Steps", "Score", "Tech"]);
        let rows = [
            vec![json!("low"), json!("Execution, Nonsense"), json!("one"), json!("0.5"), json!(["T1078.004"])],
            vec![json!("High"), json!("[\"Impact\"]"), json!(["two", "one"]), json!(""), json!("T1110, x")],
        ];
        let rows: Vec<&Vec<Value>> = rows.iter().collect();
        let property =
            |name: &str, column: &str| DynamicProperty { alert_property: name.to_owned(), value: column.to_owned() };
        let details = AlertDetailsOverride {
            severity_column_name: Some("Sev".to_owned()),
            tactics_column_name: Some("Tac".to_owned()),
            dynamic_properties: vec![
                property("RemediationSteps", "Steps"),
                property("ConfidenceScore", "Score"),
                property("Techniques", "Tech"),
                property("Nothing", "Steps"),
            ],
            ..AlertDetailsOverride::default()
        };
        let mut warnings = Vec::new();
        let result = overridden(&details, &columns, &rows, &mut warnings);
        assert_eq!(result.severity, Some(Severity::Low));
        assert_eq!(result.tactics, Some(vec!["Execution".into(), "Impact".into()]));
        assert_eq!(result.remediation_steps.as_deref(), Some(r#"["one","two"]"#));
        assert_eq!(result.confidence_score, Some(0.5));
        assert_eq!(result.techniques, Some((vec!["T1078".into(), "T1110".into()], vec!["T1078.004".into()])));
        assert_eq!(warnings.len(), 1);

        let none = overridden(&details, &columns, &[], &mut Vec::new());
        assert_eq!(none, Overridden::default());
    }
}
