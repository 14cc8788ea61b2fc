//! Messages as lines of a file.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::config::{JsonlConfig, Rotation};
use crate::document;
use crate::error::{KeyError, SendError};
use crate::message::{EventKind, Message};
use crate::template::Template;

#[derive(Debug)]
pub(crate) struct Jsonl {
    path: PathBuf,
    rotate: Option<Rotation>,
    template: Option<Template>,
}

impl Jsonl {
    pub fn new(config: &JsonlConfig, template: Option<&str>, events: &[EventKind]) -> Result<Self, KeyError> {
        if config.path.file_name().is_none() {
            return Err(KeyError::new("path", "want the path of a file"));
        }
        if config.rotate.as_ref().is_some_and(|rotate| rotate.max_bytes == 0 || rotate.keep == 0) {
            return Err(KeyError::new("rotate", "want `max_bytes` and `keep` above zero"));
        }
        let template = template.map(|source| Template::text("template", source, events)).transpose()?;
        Ok(Self { path: config.path.clone(), rotate: config.rotate.clone(), template })
    }

    pub fn send(&self, message: &Message) -> Result<(), SendError> {
        let mut line = match &self.template {
            Some(template) => document::one_line(&template.render(message)?),
            None => document::full(message).to_string(),
        };
        line.push('\n');
        self.append(line.as_bytes())
            .map_err(|error| SendError::later(format!("{} cannot be written: {error}", self.path.display())))
    }

    fn append(&self, line: &[u8]) -> io::Result<()> {
        // The file is opened for every line, so that one put aside by others is not written on.
        let mut file = self.open()?;
        if !file.metadata()?.is_file() {
            // A pipe or device, as /dev/stdout is: it has no length and no disk.
            return file.write_all(line);
        }
        let mut length = file.seek(SeekFrom::End(0))?;
        if let Some(rotate) =
            self.rotate.as_ref().filter(|rotate| length > 0 && length + line.len() as u64 > rotate.max_bytes)
        {
            finish_line(&mut file, length)?;
            file.sync_all()?;
            put_aside(&self.path, rotate.keep)?;
            drop(file);
            file = self.open()?;
            length = file.seek(SeekFrom::End(0))?;
        }
        finish_line(&mut file, length)?;
        file.write_all(line)?;
        file.sync_all()?;
        if length == 0 { sync_folder(&self.path) } else { Ok(()) }
    }

    /// The file, locked against other writers of this program until it is dropped.
    fn open(&self) -> io::Result<File> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        loop {
            let file = OpenOptions::new().read(true).append(true).create(true).open(&self.path)?;
            match file.lock() {
                Ok(()) if !is_at(&file, &self.path) => {} // Put aside while we waited.
                Ok(()) => return Ok(file),
                Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(file),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Ends the line that a crash left unfinished, so that the next is not joined to it.
fn finish_line(file: &mut File, length: u64) -> io::Result<()> {
    if length == 0 {
        return Ok(());
    }
    let mut last = [0];
    file.seek(SeekFrom::Start(length - 1))?;
    file.read_exact(&mut last)?;
    if last == *b"\n" { Ok(()) } else { file.write_all(b"\n") }
}

/// Renames `path` to `path.1`, that to `path.2`, and so on; the last goes.
fn put_aside(path: &Path, keep: u32) -> io::Result<()> {
    let numbered = |number: u32| -> PathBuf {
        let mut name = OsString::from(path);
        name.push(format!(".{number}"));
        name.into()
    };
    // Only what is there is renamed: `keep` may be large.
    let free = (1..keep).find(|number| !numbered(*number).exists()).unwrap_or(keep);
    for number in (1..free).rev() {
        std::fs::rename(numbered(number), numbered(number + 1))?;
    }
    std::fs::rename(path, numbered(1))?;
    sync_folder(path)
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(there)) => (open.dev(), open.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Makes the file's name last, not only its content.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
