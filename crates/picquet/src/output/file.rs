//! Files that are either whole or not there.

use std::fs::{self, File, Permissions};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, bail};

/// Writes a file through a temporary one beside it, which takes the target's name once it is complete. A link stays
/// a link, and a device or pipe is written directly.
pub fn write_to_path(path: &Path, write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let existing = fs::metadata(path).ok();
    let target = match &existing {
        Some(found) if found.is_dir() => bail!("{} is a folder", path.display()),
        Some(found) if !found.is_file() => {
            let device = File::options().write(true).open(path).with_context(|| cannot_write(path))?;
            let mut out = BufWriter::new(device);
            write(&mut out)?;
            return out.flush().with_context(|| cannot_write(path));
        }
        Some(_) => fs::canonicalize(path).with_context(|| cannot_write(path))?,
        None => path.to_path_buf(),
    };
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".picquet-").suffix(".tmp");
    if let Some(permissions) = existing.map(|found| found.permissions()).or_else(usual_permissions) {
        builder.permissions(permissions);
    }
    let mut temporary = builder.tempfile_in(folder).with_context(|| cannot_write(path))?;
    let mut out = BufWriter::new(temporary.as_file_mut());
    write(&mut out)?;
    out.flush().with_context(|| cannot_write(path))?;
    drop(out);
    temporary.as_file().sync_all().with_context(|| cannot_write(path))?;
    temporary.persist(&target).with_context(|| cannot_write(path))?;
    Ok(())
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

/// Temporary files are private by default; a result file follows the user's umask as any other.
#[cfg(unix)]
fn usual_permissions() -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt;
    Some(Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
fn usual_permissions() -> Option<Permissions> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn replaces_the_file_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.txt");
        fs::write(&path, "old").unwrap();
        write_to_path(&path, |out| Ok(out.write_all(b"new")?)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(names(folder.path()), ["out.txt"]);
    }

    #[test]
    fn a_failure_keeps_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.txt");
        fs::write(&path, "old").unwrap();
        let failed = write_to_path(&path, |out| {
            out.write_all(b"half")?;
            bail!("no more rows")
        });
        assert_eq!(failed.unwrap_err().to_string(), "no more rows");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(names(folder.path()), ["out.txt"]);
    }

    #[test]
    fn names_the_file_when_its_folder_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_to_path(&folder.path().join("no/such/out.txt"), |_| Ok(())).unwrap_err();
        assert!(error.to_string().starts_with("cannot write "), "{error}");
        assert!(write_to_path(folder.path(), |_| Ok(())).is_err());
    }
}
