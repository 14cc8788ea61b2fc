//! `picquet convert`.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use picquet_convert::{ArmForm, Converted, Note, NoteKind, Options, Provider, Target, convert, terraform_header};
use picquet_rules::{AnalyticsRule, LoadOptions, Loaded, load_path_with};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::output::write_to_path;

/// What is converted into what.
#[derive(Debug, Args)]
pub(crate) struct ConvertArgs {
    /// Files of rules or hunting queries (YAML or ARM JSON), or folders of them
    #[arg(required = true, value_name = "RULE")]
    rules: Vec<PathBuf>,
    /// What to write
    #[arg(long, value_enum, value_name = "FORMAT")]
    to: To,
    /// A file for all rules, or a folder (an existing one, or a name with a slash at its end) with a file each
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Which ARM JSON
    #[arg(long, value_enum, default_value_t = Form::Workspace)]
    form: Form,
    /// Which Terraform provider
    #[arg(long, value_enum, default_value_t = TerraformProvider::Azurerm)]
    provider: TerraformProvider,
    /// API version of the resources, instead of the one that the rule's content needs
    #[arg(long, value_name = "VERSION")]
    api_version: Option<String>,
    /// Put before every display name
    #[arg(long, value_name = "TEXT", default_value = "")]
    name_prefix: String,
    /// Make these properties parameters (variables in Terraform): severity,enabled,queryFrequency,…
    #[arg(long, value_name = "PROPERTY", value_delimiter = ',')]
    parameter: Vec<String>,
    /// Value of a parameter of the ARM templates that are read; JSON, else text
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(String, Value)>,
    /// An ARM parameter file with values for the templates that are read
    #[arg(long, value_name = "FILE")]
    parameters: Option<PathBuf>,
    /// Write what was not carried, and what stands beside the rules, as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum To {
    /// An ARM template
    Arm,
    /// Content-repository YAML
    Yaml,
    /// Bicep
    Bicep,
    /// Terraform
    Terraform,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Microsoft.OperationalInsights/workspaces/providers/alertRules, as the portal exports
    Workspace,
    /// Microsoft.SecurityInsights/alertRules with the workspace as scope
    Extension,
    /// contentTemplates with AlertRuleTemplates inside, as solutions have
    Solution,
    /// The body of a request to the API
    Payload,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TerraformProvider {
    /// azurerm
    Azurerm,
    /// azapi
    Azapi,
}

/// `NAME=VALUE`
fn assignment(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok((name.trim().to_owned(), value))
}

/// A text to be written, under a name below the folder.
struct Page {
    name: PathBuf,
    converted: Converted,
}

/// Converts; tells what was not carried.
pub(crate) fn run(args: &ConvertArgs) -> anyhow::Result<Exit> {
    let load = LoadOptions { parameters: parameters(args)?, hunting: true };
    let loaded: Vec<(PathBuf, Loaded)> =
        args.rules.iter().flat_map(|path| load_path_with(path, &load).into_iter().map(|l| (path.clone(), l))).collect();
    let files: Vec<Loaded> = loaded.iter().map(|(_, loaded)| loaded.clone()).collect();
    let good = super::run::tell_rule_problems(&files)?;
    let count: usize = files.iter().map(|file| file.rules.len()).sum();
    if count == 0 {
        if good {
            bail!("no analytics rules found");
        }
        return Ok(Exit::Failed);
    }
    let (options, target) = (options(args), target(args.to));
    let pages = match args.out.as_deref() {
        Some(out) if is_folder(out) => {
            let pages = pages(&loaded, target, &options)?;
            write_folder(out, &pages, target)?;
            pages
        }
        out => {
            let converted = convert(files.iter().flat_map(|file| &file.rules), target, &options);
            match out {
                Some(path) => write_to_path(path, |file| Ok(file.write_all(converted.text.as_bytes())?))?,
                None => std::io::stdout().lock().write_all(converted.text.as_bytes())?,
            }
            vec![Page { name: PathBuf::new(), converted }]
        }
    };
    let notes: Vec<&Note> = pages.iter().flat_map(|page| &page.converted.notes).collect();
    if let Some(report) = &args.report {
        let report_text = json!({"rules": count, "notes": notes});
        write_to_path(report, |file| Ok(writeln!(file, "{report_text:#}")?))?;
    }
    let lost = tell(&notes, count)?;
    Ok(match (good, lost) {
        (false, _) => Exit::Failed,
        (true, 0) => Exit::Good,
        (true, _) => Exit::Told,
    })
}

fn options(args: &ConvertArgs) -> Options {
    Options {
        name_prefix: args.name_prefix.clone(),
        api_version: args.api_version.clone(),
        form: match args.form {
            Form::Workspace => ArmForm::Workspace,
            Form::Extension => ArmForm::Extension,
            Form::Solution => ArmForm::Solution,
            Form::Payload => ArmForm::Payload,
        },
        provider: match args.provider {
            TerraformProvider::Azurerm => Provider::Azurerm,
            TerraformProvider::Azapi => Provider::Azapi,
        },
        parameters: args.parameter.clone(),
        ..Options::default()
    }
}

const fn target(to: To) -> Target {
    match to {
        To::Arm => Target::Arm,
        To::Yaml => Target::Yaml,
        To::Bicep => Target::Bicep,
        To::Terraform => Target::Terraform,
    }
}

/// The values of `--parameters`, and after them those of `--set`, which go first.
fn parameters(args: &ConvertArgs) -> anyhow::Result<Vec<(String, Value)>> {
    let mut values = Vec::new();
    if let Some(path) = &args.parameters {
        let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let file: Value = serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
        let entries = file.get("parameters").unwrap_or(&file).as_object();
        for (name, entry) in entries.with_context(|| format!("{} holds no parameters", path.display()))? {
            values.push((name.clone(), entry.get("value").unwrap_or(entry).clone()));
        }
    }
    values.extend(args.set.iter().cloned());
    Ok(values)
}

/// Whether a path is meant as a folder.
fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.as_os_str().to_string_lossy().ends_with(std::path::is_separator)
}

/// A text a file; for YAML, a text a rule.
fn pages(loaded: &[(PathBuf, Loaded)], target: Target, options: &Options) -> anyhow::Result<Vec<Page>> {
    let mut options = Options { without_header: true, ..options.clone() };
    let mut pages = Vec::new();
    for (root, file) in loaded {
        let path = Path::new(&file.file);
        let below = path.strip_prefix(root).ok().filter(|rest| !rest.as_os_str().is_empty());
        let name = below.map(Path::to_path_buf).or_else(|| path.file_name().map(PathBuf::from));
        let name = name.with_context(|| format!("{} has no name", path.display()))?;
        let parts: Vec<(PathBuf, &[AnalyticsRule])> = match (target, file.rules.as_slice()) {
            (_, []) => Vec::new(),
            (Target::Yaml, rules @ [_, _, ..]) => {
                let stem = name.with_extension("");
                let named = rules.chunks(1).enumerate();
                named.map(|(at, rule)| (stem.join(format!("{}.x", file_stem(rule, at))), rule)).collect()
            }
            (_, rules) => vec![(name, rules)],
        };
        for (name, rules) in parts {
            let converted = convert(rules, target, &options);
            options.taken_names.extend(converted.names.iter().cloned());
            pages.push(Page { name: name.with_extension(extension(target)), converted });
        }
    }
    let mut names = HashSet::new();
    if let Some(twice) = pages.iter().find(|page| !names.insert(page.name.clone())) {
        bail!("two files would be written as {}", twice.name.display());
    }
    Ok(pages)
}

/// A file name for one rule of several: its id, else its place among them.
fn file_stem(rules: &[AnalyticsRule], at: usize) -> String {
    let id = rules.first().and_then(|rule| rule.id.as_deref());
    let fits = |id: &&str| id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    id.filter(fits).map_or_else(|| format!("rule-{}", at + 1), str::to_owned)
}

const fn extension(target: Target) -> &'static str {
    match target {
        Target::Arm => "json",
        Target::Yaml => "yaml",
        Target::Bicep => "bicep",
        Target::Terraform => "tf",
    }
}

fn write_folder(out: &Path, pages: &[Page], target: Target) -> anyhow::Result<()> {
    let write = |name: &Path, text: &str| {
        let path = out.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        }
        write_to_path(&path, |file| Ok(file.write_all(text.as_bytes())?))
    };
    for page in pages {
        // A module of Terraform is one folder.
        let flat = page.name.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("-");
        let name = if target == Target::Terraform { PathBuf::from(flat) } else { page.name.clone() };
        write(&name, &page.converted.text)?;
    }
    if target == Target::Terraform {
        let any = |of: fn(&(bool, bool)) -> bool| pages.iter().any(|page| of(&page.converted.providers));
        write(Path::new("providers.tf"), &terraform_header(any(|p| p.0), any(|p| p.1)))?;
    }
    Ok(())
}

/// Tells what was lost; how many values those are.
fn tell(notes: &[&Note], rules: usize) -> anyhow::Result<usize> {
    let mut err = std::io::stderr().lock();
    let lost: Vec<&&Note> = notes.iter().filter(|note| note.kind == NoteKind::Lost).collect();
    for note in &lost {
        writeln!(err, "warning: {note}")?;
    }
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    writeln!(err, "{rules} rule{} converted, {} value{} not carried", plural(rules), lost.len(), plural(lost.len()))?;
    Ok(lost.len())
}
