//! What `infer_storage_schema` tells of files: their columns, and the types that their values suggest.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use kql_engine::{InferenceMode, StorageFiles};
use kql_functions::{Dynamic, Type};

use super::records::{self, Records};
use super::{ExternalPolicy, bytes_of, local_path, not_allowed, shown};
use crate::infer::Kinds;
use crate::merged::Merged;
use crate::parquet_scan;

/// The columns of the files, in order of appearance. The error says what is wrong, and the remedy.
pub(crate) fn schema(policy: &ExternalPolicy, files: &StorageFiles) -> Result<Vec<(String, Type)>, String> {
    records::check_format(&files.format)?;
    let mut merged = Merged::default();
    for place in places(policy, files)? {
        let bytes = bytes_of(policy, &place);
        let looked = bytes.and_then(|bytes| look(bytes, files, &mut merged));
        looked.map_err(|message| format!("{}: {message}", shown(&place)))?;
    }
    Ok(merged.columns(""))
}

/// A file, and when it was last written, where that is known.
struct Place {
    uri: String,
    written: Option<SystemTime>,
}

/// The files that the mode asks for.
fn places(policy: &ExternalPolicy, files: &StorageFiles) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for container in &files.containers {
        let replaced = policy.replaced.iter().any(|(url, _)| url == container);
        match local_path(container).filter(|_| !replaced) {
            Some(path) => {
                // Nothing is told of files outside what is allowed.
                let full = std::fs::canonicalize(&path).ok().filter(|full| policy.allows_file(full));
                list(policy, &full.ok_or_else(|| not_allowed(shown(container)))?, &mut found)?;
            }
            // Nothing lists what lies below a URL: it is a file itself.
            None => found.push(Place { uri: container.clone(), written: None }),
        }
    }
    found.retain(|place| {
        let name = shown(&place.uri).rsplit(['/', '\\']).next().unwrap_or_default();
        let begins = files.prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix.as_str()));
        begins && files.extension.as_ref().is_none_or(|extension| name.ends_with(extension.as_str()))
    });
    let chosen = match files.mode {
        InferenceMode::Any => found.into_iter().take(1).collect(),
        InferenceMode::Last => found.into_iter().max_by_key(|place| place.written).into_iter().collect(),
        InferenceMode::All => found,
    };
    if chosen.is_empty() {
        let containers: Vec<&str> = files.containers.iter().map(|c| shown(c)).collect();
        return Err(format!("no such files in {}", containers.join(", ")));
    }
    Ok(chosen.into_iter().map(|place| place.uri).collect())
}

/// A file itself, or the files below a folder, by name. Links to folders are not followed.
fn list(policy: &ExternalPolicy, path: &Path, found: &mut Vec<Place>) -> Result<(), String> {
    if !path.is_dir() {
        let written = path.metadata().and_then(|m| m.modified()).ok();
        found.push(Place { uri: path.display().to_string(), written });
        return Ok(());
    }
    let entries = std::fs::read_dir(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut below: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    below.sort_by(|a, b| a.file_name().map(OsStr::to_os_string).cmp(&b.file_name().map(OsStr::to_os_string)));
    for path in below {
        if path.is_dir() && path.is_symlink() {
            continue;
        }
        let inside = std::fs::canonicalize(&path).is_ok_and(|full| policy.allows_file(&full));
        if inside {
            list(policy, &path, found)?;
        }
    }
    Ok(())
}

/// Adds the columns of a file.
fn look(bytes: Vec<u8>, files: &StorageFiles, merged: &mut Merged) -> Result<(), String> {
    let bytes = records::unpacked(bytes)?;
    if files.format == "parquet" {
        let columns = parquet_scan::columns_of(bytes).map_err(|error| format!("not a whole Parquet file: {error}"))?;
        columns.iter().for_each(|(name, ty)| merged.add(name, Some(*ty), &Kinds::default()));
        return Ok(());
    }
    match records::records(&records::text(bytes)?, &files.format)? {
        Records::Fields(mut fields) => {
            let header = if files.header && !fields.is_empty() { fields.remove(0) } else { Vec::new() };
            let width = fields.iter().map(Vec::len).max().unwrap_or(0).max(header.len());
            for at in 0..width {
                let mut kinds = Kinds::default();
                fields.iter().filter_map(|record| record.get(at)).for_each(|field| kinds.see_field(field, false));
                let name = header.get(at).map(|name| name.trim()).filter(|name| !name.is_empty());
                merged.add(&name.map_or_else(|| format!("Column{}", at + 1), str::to_string), None, &kinds);
            }
        }
        Records::Trees(trees) => {
            for tree in &trees {
                let Dynamic::Bag(members) = tree else { return Err("a JSON value that is no object".to_string()) };
                for (name, value) in members {
                    let mut kinds = Kinds::default();
                    kinds.see_tree(value, false);
                    merged.add(name, None, &kinds);
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(container: &Path, format: &str) -> StorageFiles {
        StorageFiles {
            containers: vec![container.display().to_string()],
            format: format.to_string(),
            extension: None,
            prefix: None,
            mode: InferenceMode::All,
            header: false,
        }
    }

    fn shown(read: Result<Vec<(String, Type)>, String>) -> String {
        match read {
            Ok(columns) => columns.iter().map(|(name, ty)| format!("{name}:{ty}")).collect::<Vec<_>>().join(", "),
            Err(error) => error,
        }
    }

    #[test]
    fn columns_of_files() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("sub")).unwrap();
        for (name, text) in [
            ("a.csv", "id,name,when\n1,x,2026-03-14T01:02:03Z\n2,y,\n"),
            ("b.csv", "id,name,extra\n1.5,x,true\n"),
            ("c.json", "{\"n\":1,\"tree\":{\"k\":[]}}\n{\"n\":2,\"s\":\"x\"}\n"),
            ("sub/part-d.txt", "1,2\n"),
        ] {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let policy = ExternalPolicy { allowed: vec![dir.path().display().to_string()], replaced: Vec::new() };
        let mut csv = StorageFiles { extension: Some(".csv".to_string()), header: true, ..files(dir.path(), "csv") };
        assert_eq!(shown(schema(&policy, &csv)), "id:real, name:string, when:datetime, extra:bool");
        csv.mode = InferenceMode::Any;
        assert_eq!(shown(schema(&policy, &csv)), "id:long, name:string, when:datetime");
        csv.mode = InferenceMode::Last;
        let day = std::time::Duration::from_secs(86_400);
        let file = std::fs::File::options().append(true).open(dir.path().join("b.csv")).unwrap();
        file.set_modified(SystemTime::now() + day).unwrap();
        assert_eq!(shown(schema(&policy, &csv)), "id:real, name:string, extra:bool");
        let json = files(&dir.path().join("c.json"), "multijson");
        assert_eq!(shown(schema(&policy, &json)), "n:long, tree:dynamic, s:string");
        let part = StorageFiles { prefix: Some("part-".to_string()), ..files(dir.path(), "csv") };
        assert_eq!(shown(schema(&policy, &part)), "Column1:long, Column2:long");
        let none = StorageFiles { prefix: Some("none".to_string()), ..files(dir.path(), "csv") };
        assert!(shown(schema(&policy, &none)).starts_with("no such files in "));
        assert!(shown(schema(&ExternalPolicy::default(), &json)).contains("not allowed"));
        assert!(shown(schema(&policy, &files(dir.path(), "avro"))).contains("'avro' is not supported"));
    }
}
