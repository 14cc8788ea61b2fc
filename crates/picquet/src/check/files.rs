//! What there is to check: queries in files of their own, and files of rules.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use picquet_lint::{Checked, Linter, Source, apply};
use picquet_rules::{Loaded, load_path, load_text};

/// A file, or a text of the command line.
pub(crate) struct CheckFile {
    pub(crate) source: Source,
    /// None for a query.
    loaded: Option<Loaded>,
    /// The text at the git base, where it is another one.
    pub(crate) previous: Option<String>,
    /// Whether the text is the file's to the byte, so that it can be written back.
    writable: bool,
}

/// A query without a file.
pub(crate) fn of_text(query: String) -> CheckFile {
    CheckFile { source: Source::new(None, query), loaded: None, previous: None, writable: false }
}

/// Finds what paths hold; `-` is standard input.
pub(crate) fn collect(paths: &[PathBuf]) -> anyhow::Result<Vec<CheckFile>> {
    let mut found = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes)?;
            found.push(of_text(picquet_rules::decode_text(&bytes)));
        } else if path.is_dir() {
            let mut queries = Vec::new();
            query_files(path, &mut queries)?;
            queries.sort();
            for query in queries {
                found.push(query_file(&query)?);
            }
            found.extend(load_path(path).into_iter().map(rule_file));
        } else if has_extension(path, &["yaml", "yml", "json"]) {
            found.extend(load_path(path).into_iter().map(rule_file));
        } else {
            found.push(query_file(path)?);
        }
    }
    Ok(found)
}

impl CheckFile {
    /// The name for messages.
    pub(crate) fn name(&self) -> &str {
        self.source.name.as_deref().unwrap_or("query")
    }

    /// Checks it.
    pub(crate) fn check(&self, linter: &Linter<'_>) -> Checked {
        match &self.loaded {
            Some(loaded) => linter.rules(&self.source, loaded, self.previous.as_deref()),
            None => linter.query(&self.source),
        }
    }

    /// Mends what is mechanical in the file; how many findings that were.
    pub(crate) fn mend(&mut self, linter: &Linter<'_>) -> anyhow::Result<usize> {
        let Some(name) = self.source.name.clone().filter(|_| self.writable) else { return Ok(0) };
        let mut mended = 0;
        // What one edit uncovers, the next pass mends.
        for _ in 0..MOST_PASSES {
            let checked = self.check(linter);
            let fixes: Vec<_> = checked.findings.iter().filter_map(|finding| finding.fix.as_ref()).collect();
            let (text, count) = apply(&self.source.text, &fixes);
            let loaded = self.loaded.as_ref().map(|_| load_text(&name, &text));
            let errors = |loaded: &Option<Loaded>| loaded.as_ref().map_or(0, |loaded| loaded.errors.len());
            if count == 0 || text == self.source.text || errors(&loaded) > errors(&self.loaded) {
                break;
            }
            self.source = Source::new(Some(name.clone()), text);
            self.loaded = loaded;
            mended += count;
        }
        if mended > 0 {
            let path = Path::new(&name);
            let had_mark = std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(MARK));
            let mark: &[u8] = if had_mark { MARK } else { &[] };
            let bytes = [mark, self.source.text.as_bytes()].concat();
            std::fs::write(path, bytes).with_context(|| format!("writing {name}"))?;
        }
        Ok(mended)
    }
}

const MOST_PASSES: usize = 5;

/// The byte order mark of UTF-8.
const MARK: &[u8] = "\u{feff}".as_bytes();

fn rule_file(loaded: Loaded) -> CheckFile {
    let bytes = std::fs::read(&loaded.file).unwrap_or_default();
    let source = Source::new(Some(loaded.file.clone()), picquet_rules::decode_text(&bytes));
    CheckFile { source, loaded: Some(loaded), previous: None, writable: std::str::from_utf8(&bytes).is_ok() }
}

fn query_file(path: &Path) -> anyhow::Result<CheckFile> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let source = Source::new(Some(path.display().to_string()), picquet_rules::decode_text(&bytes));
    Ok(CheckFile { source, loaded: None, previous: None, writable: std::str::from_utf8(&bytes).is_ok() })
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|e| extensions.iter().any(|known| e.eq_ignore_ascii_case(known)))
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
