//! Files of a git revision, through the `git` command.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use picquet_rules::{Loaded, decode_text, load_folder_text, load_path, load_text};

/// Loads the rules of a path, or of `REVISION:PATH` where no such path exists. A path of a revision starts at the
/// repository's root, or with `./` here.
pub(super) fn load(place: &str) -> anyhow::Result<Vec<Loaded>> {
    match place.split_once(':') {
        Some((revision, path)) if !Path::new(place).exists() && !revision.is_empty() => revision_rules(revision, path),
        _ => Ok(load_path(place)),
    }
}

fn revision_rules(revision: &str, path: &str) -> anyhow::Result<Vec<Loaded>> {
    if revision.starts_with('-') {
        bail!("`{revision}` is no revision");
    }
    let path = match path.strip_prefix("./") {
        Some(rest) => format!("{}{rest}", text(&["rev-parse", "--show-prefix"])?.trim()),
        None => path.to_owned(),
    };
    let path = path.trim_end_matches('/');
    let listed = {
        let mut words = vec!["ls-tree", "-r", "-z", "--name-only", "--full-tree", revision];
        if !path.is_empty() {
            words.extend(["--", path]);
        }
        text(&words)?
    };
    let mut names: Vec<&str> = listed.split('\0').filter(|name| !name.is_empty()).collect();
    let is_file = names == [path];
    if !is_file {
        names.retain(|name| is_rule_file(name));
        names.sort_unstable();
    }
    if names.is_empty() {
        bail!("{revision}:{path} holds no files of rules");
    }
    let contents = blobs(revision, &names)?;
    let loaded = names.iter().zip(contents).map(|(name, bytes)| {
        let shown = format!("{revision}:{name}");
        let content = decode_text(&bytes);
        if is_file { load_text(&shown, &content) } else { load_folder_text(&shown, &content) }
    });
    Ok(loaded.filter(|loaded| !loaded.is_empty()).collect())
}

/// As in folders: by the ending, and nothing hidden.
fn is_rule_file(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let ends = [".yaml", ".yml", ".json"].iter().any(|ending| lower.ends_with(ending));
    ends && !name.contains('\n') && !name.split('/').any(|part| part.starts_with('.'))
}

fn text(words: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("git").args(words).output().context("running git")?;
    if !output.status.success() {
        bail!("git {}: {}", words[0], String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The contents of files of a revision, in order.
fn blobs(revision: &str, names: &[&str]) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut child = Command::new("git")
        .args(["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("running git")?;
    let mut input = child.stdin.take().context("running git")?;
    let wanted: String = names.iter().map(|name| format!("{revision}:{name}\n")).collect();
    // Git answers while it is still being asked; both ends at once, or either pipe may fill up.
    let asking = std::thread::spawn(move || input.write_all(wanted.as_bytes()));
    let output = child.wait_with_output().context("running git")?;
    asking.join().ok().context("running git")??;
    let mut rest = output.stdout.as_slice();
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        let parsed = next_blob(rest).with_context(|| format!("git has no {revision}:{name}"))?;
        found.push(parsed.0.to_vec());
        rest = parsed.1;
    }
    Ok(found)
}

/// One answer of `cat-file --batch`: `<id> blob <size>`, the content, a line end.
fn next_blob(answer: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = answer.iter().position(|byte| *byte == b'\n')?;
    let header = std::str::from_utf8(answer.get(..end)?).ok()?;
    let size: usize = header.rsplit(' ').next()?.parse().ok()?;
    let content = answer.get(end + 1..end + 1 + size)?;
    Some((content, answer.get(end + 2 + size..).unwrap_or_default()))
}
