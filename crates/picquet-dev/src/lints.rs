//! The pages of the rule checks, from their doc comments.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::Context as _;

/// Writes all pages into a folder, and takes away those of checks that are gone.
pub(crate) fn write(folder: &Path, out: &mut dyn Write) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let pages = picquet_lint::pages();
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".md") && !pages.iter().any(|(page, _)| *page == name) {
            fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
        }
    }
    for (name, text) in &pages {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(writeln!(out, "{} pages in {}", pages.len(), folder.display())?)
}
