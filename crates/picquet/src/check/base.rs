//! The files of rules at a git revision, by the `git` command.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use super::files::CheckFile;

/// Gives every file that has changed since `revision` its text of then.
pub(crate) fn previous(revision: &str, files: &mut [CheckFile]) -> anyhow::Result<()> {
    if revision.starts_with('-') {
        bail!("'{revision}' is no git revision");
    }
    let mut trees: Vec<Tree> = Vec::new();
    for file in files {
        let Some(name) = file.source.name.clone() else { continue };
        let path = std::fs::canonicalize(&name).with_context(|| format!("reading {name}"))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let index = match trees.iter().position(|tree| path.starts_with(&tree.root)) {
            Some(index) => index,
            None => {
                trees.push(Tree::open(folder, revision)?);
                trees.len() - 1
            }
        };
        let Some(tree) = trees.get(index) else { continue };
        file.previous = tree.text_of(&path)?;
    }
    Ok(())
}

/// What has changed in a working tree.
struct Tree {
    root: PathBuf,
    revision: String,
    /// Changed files: the path now and then, from the root.
    changed: Vec<(String, String)>,
}

impl Tree {
    fn open(folder: &Path, revision: &str) -> anyhow::Result<Tree> {
        let root = git(folder, &["rev-parse", "--show-toplevel"])?;
        let root = std::fs::canonicalize(root.trim_end()).context("finding the root of the git repository")?;
        let commit = git(&root, &["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")])
            .with_context(|| format!("git knows no revision '{revision}' in {}", root.display()))?;
        let commit = commit.trim_end().to_string();
        let list = git(&root, &["diff", "--name-status", "-M", "-z", &commit, "--"])?;
        Ok(Tree { root, revision: commit, changed: changed(&list) })
    }

    fn text_of(&self, path: &Path) -> anyhow::Result<Option<String>> {
        let Ok(inner) = path.strip_prefix(&self.root) else { return Ok(None) };
        let inner = inner.to_string_lossy().replace('\\', "/");
        let Some((_, old)) = self.changed.iter().find(|(new, _)| *new == inner) else { return Ok(None) };
        let spec = format!("{}:{old}", self.revision);
        let output = command(&self.root, &["show", &spec])?;
        Ok(Some(picquet_rules::decode_text(&output)))
    }
}

/// The pairs of paths of `git diff --name-status -z`; new files have no old one and are left out.
fn changed(list: &str) -> Vec<(String, String)> {
    let mut fields = list.split('\0');
    let mut found = Vec::new();
    while let (Some(status), Some(path)) = (fields.next(), fields.next()) {
        match status.chars().next() {
            Some('M' | 'T') => found.push((path.to_string(), path.to_string())),
            Some('R' | 'C') => {
                if let Some(new) = fields.next() {
                    found.push((new.to_string(), path.to_string()));
                }
            }
            _ => {}
        }
    }
    found
}

fn git(folder: &Path, args: &[&str]) -> anyhow::Result<String> {
    Ok(String::from_utf8_lossy(&command(folder, args)?).into_owned())
}

fn command(folder: &Path, args: &[&str]) -> anyhow::Result<Vec<u8>> {
    let output = Command::new("git").arg("-C").arg(folder).args(args).output();
    let output = output.context("--base needs the git command, which cannot be started")?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        bail!("git {}: {}", args.first().unwrap_or(&""), message.trim());
    }
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::changed;

    #[test]
    fn lists_of_git() {
        let list = "M\0a.yaml\0A\0new.yaml\0R090\0old.yaml\0moved.yaml\0D\0gone.yaml\0";
        let pair = |new: &str, old: &str| (new.to_string(), old.to_string());
        assert_eq!(changed(list), [pair("a.yaml", "a.yaml"), pair("moved.yaml", "old.yaml")]);
        assert!(changed("").is_empty());
    }
}
