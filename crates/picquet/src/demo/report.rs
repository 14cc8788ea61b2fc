//! Tells a person what a rule found: what happened, who, where, how rare, and where to look next.

use std::collections::BTreeMap;
use std::io::Write;

use jiff::Timestamp;
use kql_engine::QueryResult;
use kql_functions::{Dynamic, Type, Val};
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::output::{cell_text, clean, shorten, table};

const MOST_FINDINGS: usize = 20;
const USUAL_WIDTH: usize = 100;
const INDENT: &str = "     ";
const LABEL: usize = 12;

/// What to tell.
pub struct Story<'a> {
    /// The rule's name
    pub rule_name: &'a str,
    /// How the command line names the rule: a path
    pub rule: &'a str,
    /// How the command line names the logs: a folder
    pub data: &'a str,
    /// Start and end of the time that the rule looked at
    pub window: (Timestamp, Timestamp),
    /// What the rule's query answered
    pub rows: &'a QueryResult,
    /// The alerts, as records of the table SecurityAlert
    pub alerts: &'a [Value],
    /// The terminal's width; without a terminal nothing is cut
    pub width: Option<usize>,
}

/// Writes the story as plain text. Rows that have the columns of the Run Command rule are told one by one, other rows
/// are a table.
pub fn render_alert_story(story: &Story<'_>, out: &mut dyn Write) -> anyhow::Result<()> {
    let count = story.rows.row_count();
    let (from, to) = story.window;
    writeln!(out, "Rule    {}", clean(story.rule_name))?;
    writeln!(out, "Window  {} to {} UTC", minute(from), minute(to))?;
    writeln!(out, "Found   {}, {}", counted(count, "row"), counted(story.alerts.len(), "alert"))?;
    writeln!(out)?;
    if count == 0 {
        writeln!(out, "Nothing in this window matches the rule.")?;
        writeln!(out)?;
        return write_next(story, None, out);
    }
    let findings = Finding::all(story.rows);
    match &findings {
        Some(findings) => {
            for (number, finding) in findings.iter().take(MOST_FINDINGS).enumerate() {
                finding.write(number + 1, story.width, out)?;
            }
            if findings.len() > MOST_FINDINGS {
                writeln!(out, "and {} more", findings.len() - MOST_FINDINGS)?;
                writeln!(out)?;
            }
        }
        None => {
            table::write(story.rows, out, story.width)?;
            writeln!(out)?;
        }
    }
    for alert in story.alerts {
        write_alert(alert, story.width, out)?;
    }
    write_next(story, findings.as_ref().and_then(|findings| findings.first()), out)
}

fn counted(count: usize, noun: &str) -> String {
    match count {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        n => format!("{n} {noun}s"),
    }
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

/// A row of the Run Command rule.
struct Finding {
    start: Option<i64>,
    when: String,
    caller: String,
    address: String,
    machine: String,
    file: String,
    size: String,
    commands: Vec<String>,
    prevalence: Option<f64>,
    scope: String,
}

impl Finding {
    /// All rows by time, or `None` where they lack what makes them findings.
    fn all(rows: &QueryResult) -> Option<Vec<Finding>> {
        let column = |name: &str| rows.columns.iter().position(|(column, _)| column == name);
        let (caller, machine, file) = (column("Caller")?, column("VirtualMachineName")?, column("PowershellFileName")?);
        let start = column("StartTime").filter(|i| rows.columns.get(*i).map(|(_, ty)| *ty) == Some(Type::DateTime));
        let commands = column("PowershellScriptCommands");
        let [address, size, prevalence, scope] =
            ["CallerIpAddress", "PowershellFileSize", "Prevalence", "Scope"].map(column);
        let told = |row: &[Val<'_>]| {
            let text = |column: Option<usize>| {
                let value = column.and_then(|i| row.get(i));
                value.map_or(String::new(), |value| clean(cell_text(value).as_ref()).into_owned())
            };
            let when = text(start);
            Finding {
                start: start.and_then(|i| row.get(i)).and_then(Val::as_ticks),
                when: when.get(..19).unwrap_or(&when).replace('T', " "),
                caller: text(Some(caller)),
                address: text(address),
                machine: text(Some(machine)),
                file: text(Some(file)),
                size: text(size),
                commands: commands.and_then(|i| row.get(i)).map(list).unwrap_or_default(),
                prevalence: prevalence.and_then(|i| row.get(i)).and_then(Val::as_f64),
                scope: text(scope),
            }
        };
        let mut findings: Vec<Finding> = rows.rows().map(|row| told(&row)).collect();
        findings.sort_by_key(|finding| finding.start);
        Some(findings)
    }

    fn write(&self, number: usize, width: Option<usize>, out: &mut dyn Write) -> anyhow::Result<()> {
        let address = if self.address.is_empty() { String::new() } else { format!(" from {}", self.address) };
        let who = if self.caller.is_empty() { "someone" } else { &self.caller };
        let head = format!("{number:>3}. {}  {who}{address} ran {} on {}", self.when, self.file, self.machine);
        writeln!(out, "{}", cut(&head, width))?;
        let commands = if self.commands.is_empty() { "none logged".to_string() } else { self.commands.join(", ") };
        write_field("commands", &commands, width, out)?;
        if let Some(prevalence) = self.prevalence.filter(|p| p.is_finite() && *p > 0.0) {
            let all = (100.0 / prevalence).round();
            write_field("rare", &format!("1 of {all} script runs in this window ({prevalence:.1} %)"), width, out)?;
        }
        if !self.size.is_empty() {
            write_field("size", &format!("{} bytes", self.size), width, out)?;
        }
        if !self.scope.is_empty() {
            write_field("resource", &self.scope, width, out)?;
        }
        writeln!(out)?;
        Ok(())
    }
}

fn list(value: &Val<'_>) -> Vec<String> {
    match value.to_tree() {
        Dynamic::Array(items) => items
            .iter()
            .map(|item| match item {
                Dynamic::String(s) => clean(s).into_owned(),
                other => clean(&other.to_json()).into_owned(),
            })
            .filter(|text| !text.is_empty())
            .collect(),
        Dynamic::Null => Vec::new(),
        other => vec![clean(&other.to_json()).into_owned()],
    }
}

fn cut(text: &str, width: Option<usize>) -> String {
    width.map_or_else(|| text.to_string(), |width| shorten(text, width.max(20)).into_owned())
}

/// A label and its text, broken at blanks.
fn write_field(label: &str, text: &str, width: Option<usize>, out: &mut dyn Write) -> anyhow::Result<()> {
    let room = width.unwrap_or(USUAL_WIDTH).max(40) - INDENT.len() - LABEL;
    let mut line = String::new();
    let mut lines = Vec::new();
    for word in text.split(' ') {
        let word = if width.is_some() { shorten(word, room) } else { word.into() };
        if !line.is_empty() && line.width() + 1 + word.width() > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    lines.push(line);
    for (i, line) in lines.iter().enumerate() {
        writeln!(out, "{INDENT}{:<LABEL$}{line}", if i == 0 { label } else { "" })?;
    }
    Ok(())
}

fn write_alert(alert: &Value, width: Option<usize>, out: &mut dyn Write) -> anyhow::Result<()> {
    let text = |key: &str| clean(alert.get(key).and_then(Value::as_str).unwrap_or("")).into_owned();
    let name = [text("DisplayName"), text("AlertName")].into_iter().find(|name| !name.is_empty());
    let severity = match text("AlertSeverity") {
        severity if severity.is_empty() => String::new(),
        severity => format!(" ({severity})"),
    };
    writeln!(out, "{}", cut(&format!("Alert   {}{severity}", name.unwrap_or_default()), width))?;
    for key in ["Tactics", "Techniques"] {
        let value = text(key);
        if !value.is_empty() {
            write_field(&key.to_lowercase(), &value, width, out)?;
        }
    }
    for (kind, names) in entities(alert) {
        write_field(&kind, &names.join(", "), width, out)?;
    }
    writeln!(out)?;
    Ok(())
}

/// The names of an alert's entities, by type.
fn entities(alert: &Value) -> BTreeMap<String, Vec<String>> {
    let parsed;
    let list = match alert.get("Entities") {
        Some(Value::String(text)) => {
            parsed = serde_json::from_str::<Value>(text).unwrap_or_default();
            parsed.as_array()
        }
        Some(other) => other.as_array(),
        None => None,
    };
    let mut named: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entity in list.into_iter().flatten() {
        let Some(kind) = entity.get("Type").and_then(Value::as_str) else { continue };
        let Some(name) = entity_name(entity) else { continue };
        let names = named.entry(clean(kind).to_lowercase()).or_default();
        let name = clean(&name).into_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    named
}

fn entity_name(entity: &Value) -> Option<String> {
    let text = |key: &str| entity.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let (Some(name), Some(suffix)) = (text("Name"), text("UPNSuffix")) {
        return Some(format!("{name}@{suffix}"));
    }
    let known = ["FullName", "Address", "HostName", "Url", "DomainName", "ResourceId", "AzureID", "Value", "Name"];
    let first = || {
        let members = entity.as_object()?.iter().filter(|(key, _)| *key != "Type" && !key.starts_with('$'));
        members.filter_map(|(_, value)| value.as_str()).find(|text| !text.is_empty())
    };
    known.into_iter().find_map(text).or_else(first).map(str::to_string)
}

fn write_next(story: &Story<'_>, first: Option<&Finding>, out: &mut dyn Write) -> anyhow::Result<()> {
    let data = quoted(story.data);
    writeln!(out, "Next")?;
    if let Some(finding) = first {
        let script = format!(
            "DeviceEvents | where InitiatingProcessCommandLine has {} | project TimeGenerated, DeviceName, AdditionalFields | sort by TimeGenerated asc",
            literal(&finding.file)
        );
        let caller = format!(
            "AzureActivity | where Caller == {} | summarize count() by OperationNameValue, CallerIpAddress",
            literal(&finding.caller)
        );
        writeln!(out, "  picquet query {} --data {data}", quoted(&script))?;
        writeln!(out, "  picquet query {} --data {data}", quoted(&caller))?;
    }
    writeln!(out, "  picquet run {} --data {data} --end {}", quoted(story.rule), story.window.1)?;
    Ok(())
}

/// A KQL string.
fn literal(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A word that a shell takes as it is.
fn quoted(word: &str) -> String {
    let word = clean(word);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
