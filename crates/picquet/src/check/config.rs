//! Settings of `picquet check` in a file: `.picquet.yaml`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use picquet_lint::{CHECKS, Set};
use saphyr::{LoadableYamlNode as _, Yaml};

use super::args::{CheckArgs, SetName};

/// The file that is read where none is named.
const DEFAULT: &str = ".picquet.yaml";

/// What the file and the command line say together; the command line goes first.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) sets: Vec<Set>,
    pub(crate) allow: Vec<String>,
    pub(crate) connectors: Vec<String>,
    pub(crate) baseline: Option<PathBuf>,
}

/// Reads the settings.
pub(crate) fn settings(args: &CheckArgs) -> anyhow::Result<Settings> {
    let path = args.config.clone().or_else(|| Some(PathBuf::from(DEFAULT)).filter(|path| path.is_file()));
    let mut settings = match &path {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
            let folder = path.parent().unwrap_or(Path::new(""));
            read(&text, folder).with_context(|| path.display().to_string())?
        }
        None => Settings { sets: vec![Set::Api, Set::Style], ..Settings::default() },
    };
    if !args.set.is_empty() {
        settings.sets = Set::ALL.into_iter().filter(|set| args.set.iter().any(|name| names(*name, *set))).collect();
    }
    settings.allow.extend(args.allow.iter().cloned());
    for code in &settings.allow {
        let is_check = CHECKS.iter().any(|check| check.code == code);
        let is_other = ["KS", "PQ0", "PQ1", "PQ2"].iter().any(|front| code.starts_with(front));
        if !is_check && !is_other {
            bail!("'{code}' is no code of a check; docs/lints lists them");
        }
    }
    if args.baseline.is_some() {
        settings.baseline.clone_from(&args.baseline);
    }
    Ok(settings)
}

fn names(name: SetName, set: Set) -> bool {
    match name {
        SetName::All => true,
        SetName::None => false,
        SetName::Api => set == Set::Api,
        SetName::Repo => set == Set::Repo,
        SetName::Style => set == Set::Style,
    }
}

fn read(text: &str, folder: &Path) -> anyhow::Result<Settings> {
    let mut settings = Settings { sets: vec![Set::Api, Set::Style], ..Settings::default() };
    let documents = Yaml::load_from_str(text).map_err(|error| anyhow::anyhow!("not valid YAML: {}", error.info()))?;
    let Some(check) = documents.first().and_then(|document| document.as_mapping_get("check")) else {
        return Ok(settings);
    };
    let Some(entries) = check.as_mapping() else { bail!("`check` must be a mapping") };
    for (key, value) in entries {
        let key = key.as_str().unwrap_or_default();
        match key {
            "sets" => {
                let set = |name: &String| {
                    Set::from_name(name).with_context(|| format!("`{name}` is no set: expected api, repo, style"))
                };
                settings.sets = texts(key, value)?.iter().map(set).collect::<anyhow::Result<_>>()?;
            }
            "allow" => settings.allow = texts(key, value)?,
            "connectors" => settings.connectors = texts(key, value)?,
            "baseline" => settings.baseline = texts(key, value)?.first().map(|name| folder.join(name)),
            other => bail!("unknown key `check.{other}`: expected sets, allow, connectors, baseline"),
        }
    }
    Ok(settings)
}

/// A list of texts, or one text.
fn texts(key: &str, value: &Yaml<'_>) -> anyhow::Result<Vec<String>> {
    let one = |value: &Yaml<'_>| value.as_str().map(str::to_string);
    let list = match value.as_sequence() {
        Some(items) => items.iter().map(one).collect(),
        None => one(value).map(|text| vec![text]),
    };
    list.with_context(|| format!("`check.{key}` must be a text or a list of texts"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files() {
        let text = "check:\n  sets: [api, repo]\n  allow: PQ501\n  connectors:\n    - Own\n  baseline: known.json\n";
        let settings = read(text, Path::new("x")).unwrap();
        assert_eq!(settings.sets, [Set::Api, Set::Repo]);
        assert_eq!(
            (settings.allow.as_slice(), settings.connectors.as_slice()),
            (&["PQ501".to_string()][..], &["Own".to_string()][..])
        );
        assert_eq!(settings.baseline, Some(PathBuf::from("x/known.json")));
        assert_eq!(read("other: 1\n", Path::new("")).unwrap().sets, [Set::Api, Set::Style]);
        for wrong in ["check:\n  set: api\n", "check:\n  sets: [all]\n", "check: 1\n", "check:\n  allow: {a: b}\n"] {
            assert!(read(wrong, Path::new("")).is_err(), "{wrong}");
        }
    }
}
