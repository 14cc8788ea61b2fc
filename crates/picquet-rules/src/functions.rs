//! Saved functions of a workspace, as files: parsers in YAML, saved searches in ARM JSON, lines of JSON, plain KQL.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::RuleError;
use crate::load::decode_text;
use crate::node::{Data, Node};
use crate::{json, yaml};

/// A saved function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionDefinition {
    /// The name by which queries call it.
    pub name: String,
    /// Parameters as KQL writes them between the parentheses; may be empty.
    pub parameters: String,
    /// The query.
    pub body: String,
}

/// Loads the saved functions of a file, or of every file below a folder.
///
/// - `.yaml`, `.yml`: a parser of the Azure-Sentinel repository (`FunctionName`, `FunctionAlias`, `FunctionQuery`), or an
///   ASIM parser (`ParserName`, `ParserParams`, `ParserQuery`), which is known as its `EquivalentBuiltInParser` too;
/// - `.json`: an ARM template with saved searches, or the lines of `.jsonl`;
/// - `.jsonl`: an object `{"name","parameters","query"}` a line;
/// - `.kql`, `.csl`, `.txt`: a body, named as the file.
///
/// A file that is named must hold a function; those of a folder that hold something else are left out.
pub fn load_functions(path: impl AsRef<Path>) -> Result<Vec<FunctionDefinition>, Vec<RuleError>> {
    let path = path.as_ref();
    let mut files = Vec::new();
    let mut errors = Vec::new();
    if path.is_dir() {
        collect(path, &mut files, &mut errors);
        files.sort();
    } else {
        files.push(path.to_path_buf());
    }
    let mut functions = Vec::new();
    for file in files {
        let name = file.display().to_string();
        let read = fs::read(&file).map_err(|e| problem(&name, None, format!("cannot be read: {e}")));
        match read.and_then(|bytes| functions_of(&file, &decode_text(&bytes))) {
            Ok(found) if found.is_empty() && !path.is_dir() => {
                errors.push(problem(&name, None, "holds no saved function".to_string()));
            }
            Ok(found) => functions.extend(found),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(functions) } else { Err(errors) }
}

fn problem(file: &str, line: Option<usize>, message: String) -> RuleError {
    let help = "expected FunctionName and FunctionQuery, ParserName and ParserQuery, ARM saved searches, lines of \
                {\"name\",\"parameters\",\"query\"}, or KQL";
    RuleError { file: file.to_owned(), path: String::new(), line, message, help: Some(help.to_owned()) }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>, errors: &mut Vec<RuleError>) {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            errors.push(problem(&folder.display().to_string(), None, format!("cannot be read: {error}")));
            return;
        }
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) && !hidden {
            collect(&path, files, errors);
        } else if path.is_file() && !matches!(form_of(&path), Form::Other) {
            files.push(path);
        }
    }
}

enum Form {
    Yaml,
    Json,
    Lines,
    Kql,
    Other,
}

fn form_of(path: &Path) -> Form {
    match path.extension().unwrap_or_default().to_ascii_lowercase().to_str() {
        Some("yaml" | "yml") => Form::Yaml,
        Some("json") => Form::Json,
        Some("jsonl") => Form::Lines,
        Some("kql" | "csl" | "txt") => Form::Kql,
        _ => Form::Other,
    }
}

fn functions_of(path: &Path, text: &str) -> Result<Vec<FunctionDefinition>, RuleError> {
    let name = path.display().to_string();
    let tree = |error: json::SyntaxError| problem(&name, Some(error.line), error.message);
    match form_of(path) {
        Form::Yaml => Ok(yaml::parse(text).map_err(tree)?.iter().flat_map(parser).collect()),
        Form::Json => match json::parse(text) {
            Ok(root) => {
                let mut found = Vec::new();
                saved_searches(&root, &mut found);
                if found.is_empty() {
                    found.extend(line(&root));
                }
                Ok(found)
            }
            Err(error) => lines(&name, text).map_err(|_| tree(error)),
        },
        Form::Lines => lines(&name, text),
        Form::Kql => {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            Ok(vec![definition(&stem, "", text)])
        }
        Form::Other => Ok(Vec::new()),
    }
}

fn definition(name: &str, parameters: &str, body: &str) -> FunctionDefinition {
    let parameters = parameters.trim();
    let inner = parameters.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(parameters);
    FunctionDefinition { name: name.trim().to_owned(), parameters: inner.to_owned(), body: body.to_owned() }
}

/// The functions of a parser in YAML.
fn parser(node: &Node) -> Vec<FunctionDefinition> {
    let text = |key: &str| node.get(key).and_then(Node::as_text);
    if let Some(body) = text("FunctionQuery") {
        let Some(name) = text("FunctionAlias").or_else(|| text("FunctionName")) else { return Vec::new() };
        let parameters = text("FunctionParameters").unwrap_or_default();
        return vec![definition(name, parameters, body)];
    }
    let Some(body) = text("ParserQuery") else { return Vec::new() };
    let parameters = node.get("ParserParams").map(asim_parameters).unwrap_or_default();
    let names = [text("ParserName"), text("EquivalentBuiltInParser")];
    names.into_iter().flatten().map(|name| definition(name, &parameters, body)).collect()
}

/// `- Name: starttime`, `Type: datetime`, `Default: datetime(null)` as KQL writes them.
fn asim_parameters(node: &Node) -> String {
    let Data::List(items) = &node.data else { return node.as_text().unwrap_or_default().to_owned() };
    let parameter = |item: &Node| {
        let text = |key: &str| item.get(key).and_then(Node::as_text);
        let (name, ty) = (text("Name")?, text("Type")?);
        // A table's columns are open where they are not told.
        let ty = if ty.starts_with("table:") { ty.trim_start_matches("table:") } else { ty };
        let default = match text("Default") {
            None => String::new(),
            Some(default) if ty.eq_ignore_ascii_case("string") && !quoted(default) => format!("='{default}'"),
            Some(default) => format!("={default}"),
        };
        Some(format!("{name}:{ty}{default}"))
    };
    items.iter().filter_map(parameter).collect::<Vec<_>>().join(", ")
}

fn quoted(text: &str) -> bool {
    text.starts_with(['\'', '"', '@'])
}

/// Resources of type `…/savedSearches` with a function alias, wherever they are nested.
fn saved_searches(node: &Node, found: &mut Vec<FunctionDefinition>) {
    match &node.data {
        Data::List(items) => items.iter().for_each(|item| saved_searches(item, found)),
        Data::Object(entries) => {
            let is_search = node.get("type").and_then(Node::as_text).is_some_and(|ty| {
                let ty = ty.to_ascii_lowercase();
                ty == "savedsearches" || ty.ends_with("/savedsearches")
            });
            let own = node.get("properties").filter(|_| is_search);
            let text = |key: &str| own.and_then(|p| p.get(key)).and_then(Node::as_text);
            if let (Some(name), Some(body)) = (text("functionAlias"), text("query")) {
                found.push(definition(name, text("functionParameters").unwrap_or_default(), body));
            } else {
                entries.iter().for_each(|entry| saved_searches(&entry.value, found));
            }
        }
        _ => {}
    }
}

fn lines(file: &str, text: &str) -> Result<Vec<FunctionDefinition>, RuleError> {
    let mut found = Vec::new();
    for (number, text) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let at = Some(number + 1);
        let node = json::parse(text).map_err(|error| problem(file, at, error.message))?;
        if !is_function(&node) {
            continue;
        }
        match line(&node) {
            Some(function) => found.push(function),
            None => return Err(problem(file, at, "`name` or `query` is missing".to_owned())),
        }
    }
    Ok(found)
}

/// Of several versions of a function one is to be taken; a text that declares functions is no body.
fn is_function(node: &Node) -> bool {
    let text = |key: &str| node.get(key).and_then(Node::as_text);
    text("kind").is_none_or(|kind| kind == "saved function") && text("preferred").is_none_or(|p| p != "false")
}

fn line(node: &Node) -> Option<FunctionDefinition> {
    let text = |key: &str| node.get(key).and_then(Node::as_text);
    let parameters = text("parameters").or_else(|| text("params")).unwrap_or_default();
    Some(definition(text("name")?, parameters, text("query").or_else(|| text("body"))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let cases = [
            (
                "a.yaml",
                "Function:\n  Title: x\nFunctionName: Raw\nFunctionAlias: Known\nFunctionQuery: |\n  T | take 1\n",
                vec![("Known", "", "T | take 1\n")],
            ),
            (
                "b.yml",
                "ParserName: vimDns\nEquivalentBuiltInParser: _Im_Dns\nParserParams:\n  - Name: starttime\n    Type: \
                 datetime\n    Default: datetime(null)\n  - Name: who\n    Type: string\n    Default: '*'\n  - Name: any\n    \
                 Type: dynamic\nParserQuery: T\n",
                vec![
                    ("vimDns", "starttime:datetime=datetime(null), who:string='*', any:dynamic", "T"),
                    ("_Im_Dns", "starttime:datetime=datetime(null), who:string='*', any:dynamic", "T"),
                ],
            ),
            (
                "c.json",
                r#"{"resources":[{"type":"Microsoft.OperationalInsights/workspaces","resources":[{"type":"savedSearches",
                "properties":{"functionAlias":"F","functionParameters":"a:long=1","query":"T"}}]}]}"#,
                vec![("F", "a:long=1", "T")],
            ),
            (
                "d.jsonl",
                "{\"name\":\"F\",\"parameters\":\"(a:long)\",\"query\":\"T\"}\n\n{\"name\":\"G\",\"preferred\":false,\"query\":\"U\"}\n\
                 {\"name\":\"H\",\"kind\":\"let function\",\"query\":\"U\"}\n",
                vec![("F", "a:long", "T")],
            ),
            ("Named.kql", "T | where x", vec![("Named", "", "T | where x")]),
            ("note.yaml", "title: nothing here\n", vec![]),
        ];
        for (file, text, expected) in cases {
            let found = functions_of(Path::new(file), text).expect(file);
            let found: Vec<(&str, &str, &str)> =
                found.iter().map(|f| (f.name.as_str(), f.parameters.as_str(), f.body.as_str())).collect();
            assert_eq!(found, expected, "{file}");
        }
    }

    #[test]
    fn what_cannot_be_read() {
        let error =
            functions_of(Path::new("a.jsonl"), "{\"name\":\"F\",\"query\":\"T\"}\n{\"name\":\"G\"}\n").unwrap_err();
        assert_eq!((error.line, error.message.as_str()), (Some(2), "`name` or `query` is missing"));
        assert!(load_functions("no/such/file.kql").unwrap_err()[0].message.starts_with("cannot be read"));
    }
}
