//! Loading rules from files and texts. One file's problems never stop the others.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::arm::{find_rules, looks_like_rule, set_parameters};
use crate::error::RuleError;
use crate::hunting::{HUNTING_KIND, is_hunting_query};
use crate::json::{self, SyntaxError};
use crate::model::{AnalyticsRule, RuleKind, SourceFormat};
use crate::node::Node;
use crate::read::{Candidate, read_rule};
use crate::yaml;

/// What one file holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Loaded {
    /// The file's name as given.
    pub file: String,
    /// Rules without errors, in the order of the file.
    pub rules: Vec<AnalyticsRule>,
    /// Why other rules of the file, or the file itself, could not be read.
    pub errors: Vec<RuleError>,
    /// Remarks on the rules that were read: defaults taken, keys without effect.
    pub warnings: Vec<RuleError>,
}

impl Loaded {
    /// Whether the file holds nothing that concerns rules.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.errors.is_empty()
    }

    fn failed(file: &str, line: Option<usize>, message: String, help: Option<String>) -> Self {
        Self {
            file: file.to_owned(),
            errors: vec![RuleError { file: file.to_owned(), path: String::new(), line, message, help }],
            ..Self::default()
        }
    }
}

/// Loads a file, or every `.yaml`, `.yml` and `.json` file below a folder, in sorted order.
///
/// A file that is named must hold a rule; files of a folder that hold something else (tests, workbooks, hunting
/// queries, data) are left out. An unreadable file or folder gives an entry with an error.
#[must_use]
pub fn load_path(path: impl AsRef<Path>) -> Vec<Loaded> {
    load_path_with(path, &LoadOptions::default())
}

/// What is loaded besides what is plainly a rule.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LoadOptions {
    /// Values for parameters of ARM templates; they go before the templates' own defaults.
    pub parameters: Vec<(String, Value)>,
    /// Hunting queries too, as rules of the kind [`crate::HUNTING_KIND`].
    pub hunting: bool,
}

/// As [`load_path`], with options.
#[must_use]
pub fn load_path_with(path: impl AsRef<Path>, options: &LoadOptions) -> Vec<Loaded> {
    let path = path.as_ref();
    if !path.is_dir() {
        return vec![load_file(path, options)];
    }
    let mut files = Vec::new();
    let mut loaded = Vec::new();
    collect_files(path, &mut files, &mut loaded);
    files.sort();
    for file in files {
        let name = file.display().to_string();
        let result = match read_file(&file) {
            Ok(text) if is_json_lines(&name, &text) => Loaded::default(),
            Ok(text) => load_if_rules(&name, &text, options),
            Err(failure) => failure,
        };
        if !result.is_empty() {
            loaded.push(result);
        }
    }
    loaded
}

fn load_file(path: &Path, options: &LoadOptions) -> Loaded {
    match read_file(path) {
        Ok(text) => load_text_with(&path.display().to_string(), &text, options),
        Err(failure) => failure,
    }
}

fn read_file(path: &Path) -> Result<String, Loaded> {
    let name = path.display().to_string();
    match fs::read(path) {
        Ok(bytes) => Ok(decode_text(&bytes)),
        Err(error) => {
            let help = "expected a rule in YAML or ARM JSON, or a folder of them".to_owned();
            let message = format!("cannot be read: {error}");
            Err(Loaded::failed(&name, None, message, Some(help)))
        }
    }
}

fn collect_files(folder: &Path, files: &mut Vec<PathBuf>, failures: &mut Vec<Loaded>) {
    let name = folder.display().to_string();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            let message = format!("cannot be read: {error}");
            failures.push(Loaded::failed(&name, None, message, None));
            return;
        }
    };
    for entry in entries.flatten() {
        let path = entry.path();
        // Links to folders are not followed: they may lead back up.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        if is_folder && !is_hidden {
            collect_files(&path, files, failures);
        } else if !is_folder && path.is_file() && has_rule_extension(&path) {
            files.push(path);
        }
    }
}

fn has_rule_extension(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    extension == "yaml" || extension == "yml" || extension == "json"
}

/// Loads the rules of a text. `name` stands in messages; one that ends in `.json`, or a text that starts as JSON
/// does, is read as ARM JSON, anything else as YAML. A text without a rule is an error.
#[must_use]
pub fn load_text(name: &str, text: &str) -> Loaded {
    load_text_with(name, text, &LoadOptions::default())
}

/// As [`load_text`], with options.
#[must_use]
pub fn load_text_with(name: &str, text: &str, options: &LoadOptions) -> Loaded {
    let loaded = load_if_rules(name, text, options);
    if loaded.is_empty() {
        let message = "holds no analytics rule".to_owned();
        let help = "expected YAML with `name`, `severity` and `query`, or ARM JSON with an `alertRules` resource";
        return Loaded::failed(name, None, message, Some(help.to_owned()));
    }
    loaded
}

/// Loads a text that stands for a file of a folder: one that holds something else than rules gives an empty result.
#[must_use]
pub fn load_folder_text(name: &str, text: &str) -> Loaded {
    if is_json_lines(name, text) { Loaded::default() } else { load_if_rules(name, text, &LoadOptions::default()) }
}

/// As [`load_text`], but a text that holds something else gives an empty result.
fn load_if_rules(name: &str, text: &str, options: &LoadOptions) -> Loaded {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let candidates = match candidates(name, text, options) {
        Ok(candidates) => candidates,
        Err(error) => return syntax_failure(name, text, error),
    };
    let mut loaded = Loaded { file: name.to_owned(), ..Loaded::default() };
    for candidate in candidates {
        let reading = read_rule(name, &candidate);
        loaded.rules.extend(reading.rule);
        loaded.errors.extend(reading.errors);
        loaded.warnings.extend(reading.warnings);
    }
    loaded
}

/// The parts of a text that hold rules.
pub(crate) fn candidates(name: &str, text: &str, options: &LoadOptions) -> Result<Vec<Candidate>, SyntaxError> {
    if is_json(name, text) {
        json::parse(text).map(|mut root| {
            set_parameters(&mut root, &options.parameters);
            find_rules(&root, options.hunting)
        })
    } else {
        yaml::parse(text).map(|documents| yaml_rules(documents, options.hunting))
    }
}

fn is_json(name: &str, text: &str) -> bool {
    let is_json_file = Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    is_json_file || text.trim_start().starts_with(['{', '['])
}

/// Whether a JSON file holds one value a line: log data beside the rules, not a broken template.
fn is_json_lines(name: &str, text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let is_value = |line: Option<&str>| line.is_some_and(|line| json::parse(line).is_ok());
    is_json(name, text) && is_value(lines.next()) && is_value(lines.next())
}

fn syntax_failure(name: &str, text: &str, error: SyntaxError) -> Loaded {
    let format = if is_json(name, text) { "JSON" } else { "YAML" };
    let help = match format {
        "YAML" if error.message.contains("duplicated key") => "a key may stand only once in a mapping".to_owned(),
        "YAML" => "check the indentation and the quotes around that line".to_owned(),
        _ => "expected an ARM template, a resource or a payload in JSON".to_owned(),
    };
    let message = format!("not valid {format}: {}", error.message);
    Loaded::failed(name, Some(error.line), message, Some(help))
}

fn yaml_rules(documents: Vec<Node>, hunting: bool) -> Vec<Candidate> {
    let kind = |node: &Node| match is_yaml_rule(node) {
        true => Some(None),
        false if hunting && is_hunting_query(node) => Some(Some(Node::text(node.line, HUNTING_KIND))),
        false => None,
    };
    documents
        .into_iter()
        .filter_map(|node| kind(&node).map(|kind| (node, kind)))
        .map(|(node, kind)| Candidate {
            line: node.line,
            path: String::new(),
            format: SourceFormat::Yaml,
            kind,
            id: None,
            envelope: serde_json::Map::new(),
            carried: serde_json::Map::new(),
            resource: None,
            node,
        })
        .collect()
}

/// A rule has a kind of rule, or a query and something that only rules have, or most of a rule but for its query;
/// a hunting query has neither severity nor schedule.
fn is_yaml_rule(document: &Node) -> bool {
    let has = |key: &str| document.get(key).is_some();
    let kind = document.get("kind").and_then(Node::as_text);
    let has_rule_kind = kind.is_some_and(|kind| !matches!(RuleKind::from_name(kind), RuleKind::Unknown(_)));
    let is_rule_without_query = has("severity") && (has("name") || has("triggerOperator"));
    // A kind that is not known, as a rule of ARM has it.
    let is_other_kind = kind.is_some() && has("enabled") && (has("name") || has("id"));
    has_rule_kind || looks_like_rule(document) || is_rule_without_query || is_other_kind
}

/// The text of a file's bytes: UTF-8, UTF-16 with a byte order mark, else Windows-1252, in which some public rule
/// files are written.
#[must_use]
pub fn decode_text(bytes: &[u8]) -> String {
    let utf16 = |order: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|pair| order([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xFF, 0xFE, ..] => utf16(u16::from_le_bytes),
        [0xFE, 0xFF, ..] => utf16(u16::from_be_bytes),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text).to_owned(),
            Err(_) => bytes.iter().map(|byte| windows_1252(*byte)).collect(),
        },
    }
}

fn windows_1252(byte: u8) -> char {
    const HIGH: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";
    match byte {
        0x80..=0x9F => HIGH.chars().nth(usize::from(byte - 0x80)).unwrap_or(char::REPLACEMENT_CHARACTER),
        _ => char::from(byte),
    }
}
