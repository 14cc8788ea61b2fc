//! What there is to check: queries in files of their own, and queries in rules.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::Context as _;
use picquet_rules::{AnalyticsRule, Loaded, RuleError, load_path};

use super::place::Place;

/// A file's name and text.
#[derive(Debug)]
pub(crate) struct File {
    /// As it is shown.
    pub(crate) name: String,
    /// Decoded.
    pub(crate) text: String,
}

/// A query to check.
#[derive(Debug)]
pub(crate) struct Unit {
    /// The file that holds it; none for a text of the command line.
    pub(crate) file: Option<Rc<File>>,
    /// The rule that it is the query of.
    pub(crate) rule: Option<Box<AnalyticsRule>>,
    /// Its text.
    pub(crate) query: String,
    /// Where it stands in the file.
    pub(crate) place: Place,
}

/// The queries of files and folders, and what is wrong with the rules around them.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// Queries, in the order of the paths.
    pub(crate) units: Vec<Unit>,
    /// Why rules could not be read.
    pub(crate) errors: Vec<RuleError>,
    /// Remarks on rules.
    pub(crate) warnings: Vec<RuleError>,
}

/// A query without a file.
pub(crate) fn of_text(query: String) -> Unit {
    Unit { file: None, rule: None, query, place: Place::Whole }
}

/// Finds what paths hold; `-` is standard input.
pub(crate) fn collect(paths: &[PathBuf]) -> anyhow::Result<Collected> {
    let mut found = Collected::default();
    for path in paths {
        if path.as_os_str() == "-" {
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes)?;
            found.units.push(of_text(picquet_rules::decode_text(&bytes)));
        } else if path.is_dir() {
            let mut queries = Vec::new();
            query_files(path, &mut queries)?;
            queries.sort();
            for query in queries {
                found.units.push(query_file(&query)?);
            }
            found.rules(load_path(path));
        } else if is_rule_file(path) {
            found.rules(load_path(path));
        } else {
            found.units.push(query_file(path)?);
        }
    }
    Ok(found)
}

impl Collected {
    fn rules(&mut self, files: Vec<Loaded>) {
        for Loaded { file: name, rules, errors, warnings } in files {
            self.errors.extend(errors);
            self.warnings.extend(warnings);
            let text = std::fs::read(&name).map(|bytes| picquet_rules::decode_text(&bytes)).unwrap_or_default();
            let file = Rc::new(File { name, text });
            for rule in rules.into_iter().filter(|rule| rule.is_executable()) {
                let place = Place::of_rule(&file.text, &rule.query_location, &rule.query);
                let query = rule.query.clone();
                self.units.push(Unit { file: Some(Rc::clone(&file)), rule: Some(Box::new(rule)), query, place });
            }
        }
    }
}

fn query_file(path: &Path) -> anyhow::Result<Unit> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let text = picquet_rules::decode_text(&bytes);
    let file = Rc::new(File { name: path.display().to_string(), text: text.clone() });
    Ok(Unit { file: Some(file), rule: None, query: text, place: Place::Whole })
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|e| extensions.iter().any(|known| e.eq_ignore_ascii_case(known)))
}

fn is_rule_file(path: &Path) -> bool {
    has_extension(path, &["yaml", "yml", "json"])
}

/// The query files below a folder; hidden folders and links to folders are left out, as for rules.
fn query_files(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("reading {}", folder.display()))?;
        let path = entry.path();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && !entry.file_name().to_string_lossy().starts_with('.') {
            query_files(&path, files)?;
        } else if !is_folder && path.is_file() && has_extension(&path, &["kql", "csl"]) {
            files.push(path);
        }
    }
    Ok(())
}
