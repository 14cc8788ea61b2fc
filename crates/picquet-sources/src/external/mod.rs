//! What `externaldata` reads: local files and http(s), as far as they are allowed.

mod archive;
mod fetch;
mod mapping;
mod records;
mod schema;

use std::fs::File;
use std::path::{Path, PathBuf};

use futures::future::BoxFuture;
use kql_engine::{ExternalData, Rows, StorageFiles};
use kql_functions::Type;
use url::Url;

use mapping::Mapping;
use schema::schema;

/// Bytes of one place that are read at most.
const MOST_BYTES: u64 = 1 << 30;

/// Which places `externaldata` may read. By default none.
#[derive(Debug, Clone, Default)]
pub struct ExternalPolicy {
    /// Beginnings of URLs, and files or folders.
    pub allowed: Vec<String>,
    /// Files that stand for URLs, so that a query over a feed runs without the network.
    pub replaced: Vec<(String, PathBuf)>,
}

impl ExternalPolicy {
    fn allows_url(&self, url: &Url) -> bool {
        let covers = |allowed: &Url| {
            let (all, part) = (allowed.path().trim_end_matches('/'), url.path());
            let below = part.strip_prefix(all).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            // A place that ends within a name stands for that name alone.
            allowed.origin() == url.origin() && below && allowed.query().is_none_or(|q| url.query() == Some(q))
        };
        self.allowed.iter().filter_map(|a| Url::parse(a).ok()).any(|allowed| covers(&allowed))
    }

    fn allows_file(&self, path: &Path) -> bool {
        let folders = self.allowed.iter().filter(|a| Url::parse(a).map_or(true, |u| u.scheme() == "file"));
        let mut folders = folders.map(|a| a.strip_prefix("file://").unwrap_or(a));
        // Both in full, so that no link leads out of a folder that is allowed.
        folders.any(|folder| std::fs::canonicalize(folder).is_ok_and(|folder| path.starts_with(folder)))
    }

    /// Reads what `externaldata` names, as [`kql_engine::Database::external`] is to do.
    pub fn read(&self, source: &ExternalData, columns: &[(String, Type)]) -> BoxFuture<'static, Result<Rows, String>> {
        let (policy, source, columns) = (self.clone(), source.clone(), columns.to_vec());
        aside(move || read(&policy, &source, &columns))
    }

    /// The columns of files, as [`kql_engine::Database::storage_schema`] is to give them.
    pub fn schema(&self, files: &StorageFiles) -> BoxFuture<'static, Result<Vec<(String, Type)>, String>> {
        let (policy, files) = (self.clone(), files.clone());
        aside(move || schema(&policy, &files))
    }
}

/// The network must not hold up the queries beside this one.
fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> BoxFuture<'static, Result<T, String>> {
    let work = tokio::task::spawn_blocking(work);
    Box::pin(async move { work.await.unwrap_or_else(|_| Err("the reader stopped".to_string())) })
}

/// All rows of the places, one after the other.
fn read(policy: &ExternalPolicy, source: &ExternalData, columns: &[(String, Type)]) -> Result<Rows, String> {
    let mapping = source.mapping.as_deref().map(|text| Mapping::parse(text, columns)).transpose()?;
    let mut rows = Rows::new();
    for uri in &source.uris {
        let bytes = bytes_of(policy, uri).map_err(|message| format!("{}: {message}", shown(uri)))?;
        let format = match &source.format {
            Some(format) => format.clone(),
            None => format_of(uri),
        };
        let ignore_first = source.ignore_first_record;
        let taking = records::Taking { format: &format, ignore_first, columns, mapping: mapping.as_ref() };
        let read = records::rows(bytes, &taking);
        rows.extend(read.map_err(|message| format!("{}: {message}", shown(uri)))?);
    }
    Ok(rows)
}

fn bytes_of(policy: &ExternalPolicy, uri: &str) -> Result<Vec<u8>, String> {
    if let Some((_, path)) = policy.replaced.iter().find(|(url, _)| url == uri) {
        return read_file(path).map_err(|message| format!("{}: {message}", path.display()));
    }
    // Kusto's connection strings name the way to authenticate behind a semicolon.
    if let Some((_, rest)) = uri.split_once(';') {
        let way: String = rest.chars().take_while(char::is_ascii_alphabetic).collect();
        return Err(format!("authentication ('{way}') is not supported: give a URL that anyone may read"));
    }
    if let Some(path) = local_path(uri) {
        return local(policy, &path);
    }
    match Url::parse(uri) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => fetch::fetch(url, &|url| policy.allows_url(url)),
        Ok(url) => Err(format!("'{}' is not supported: give an http(s) URL or a local file", url.scheme())),
        Err(error) => Err(error.to_string()),
    }
}

/// The file or folder that a place names, unless it lies elsewhere.
fn local_path(uri: &str) -> Option<String> {
    match Url::parse(uri) {
        Ok(url) if url.scheme() == "file" => Some(url.path().to_string()),
        // A drive's letter is no scheme.
        Ok(url) if url.scheme().len() > 1 => None,
        _ => Some(uri.to_string()),
    }
}

fn local(policy: &ExternalPolicy, path: &str) -> Result<Vec<u8>, String> {
    // Nothing is told of files outside what is allowed, not even whether they exist.
    match std::fs::canonicalize(path) {
        Ok(full) if policy.allows_file(&full) => read_file(&full),
        _ => Err(not_allowed(path)),
    }
}

fn not_allowed(place: &str) -> String {
    format!("not allowed: allow it with --allow-external {place}, or give a file for it with --external URL=FILE")
}

fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let file = File::open(path).map_err(|error| format!("cannot be read: {error}"))?;
    fetch::limited(file)
}

/// A URL without the secrets that its query may hold.
fn shown(uri: &str) -> &str {
    uri.split(['?', ';']).next().unwrap_or(uri)
}

/// The format that a name's ending tells; CSV where it tells none.
fn format_of(uri: &str) -> String {
    let name = shown(uri).to_ascii_lowercase();
    let name = [".gz", ".zst", ".zip"].iter().find_map(|packed| name.strip_suffix(packed)).unwrap_or(&name);
    let ending = name.rsplit('/').next().and_then(|file| file.rsplit_once('.')).map_or("", |(_, ending)| ending);
    if records::is_format(ending) { ending.to_string() } else { "csv".to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_are_allowed() {
        let policy = |allowed: &str| ExternalPolicy { allowed: vec![allowed.to_string()], replaced: Vec::new() };
        let cases = [
            ("https://feeds.example/lists", "https://feeds.example/lists/a.csv", true),
            ("https://feeds.example/lists/", "https://feeds.example/lists/a.csv?x=1", true),
            ("https://feeds.example/lists", "https://feeds.example/lists2/a.csv", false),
            ("https://feeds.example", "https://feeds.example/any", true),
            ("https://feeds.example", "https://feeds.example.evil.test/any", false),
            ("https://feeds.example", "http://feeds.example/any", false),
            ("https://feeds.example", "https://feeds.example:8443/any", false),
            ("https://feeds.example/lists", "https://feeds.example/lists/../secret", false),
            ("https://feeds.example/a.csv", "https://feeds.example/a.csv", true),
        ];
        for (allowed, url, expected) in cases {
            let url = Url::parse(url).unwrap();
            assert_eq!(policy(allowed).allows_url(&url), expected, "{allowed} {url}");
        }
    }

    #[test]
    fn formats_of_names() {
        let cases = [
            ("https://x.test/a.csv", "csv"),
            ("https://x.test/a.TXT?token=1.json", "txt"),
            ("/tmp/a.multijson.gz", "multijson"),
            ("https://x.test/list", "csv"),
            ("https://x.test/a.sha1", "csv"),
            ("a.parquet", "parquet"),
            ("a.json.zip", "json"),
        ];
        for (uri, expected) in cases {
            assert_eq!(format_of(uri), expected, "{uri}");
        }
    }

    fn read_one(policy: &ExternalPolicy, uri: String) -> Result<Rows, String> {
        let source = ExternalData { uris: vec![uri], format: None, ignore_first_record: false, mapping: None };
        read(policy, &source, &[("a".to_string(), Type::Long)])
    }

    #[test]
    fn files_outside_what_is_allowed() {
        let dir = tempfile::tempdir().unwrap();
        let (inside, outside) = (dir.path().join("in"), dir.path().join("out.csv"));
        std::fs::create_dir(&inside).unwrap();
        std::fs::write(inside.join("a.csv"), "1\n2\n").unwrap();
        std::fs::write(&outside, "3\n").unwrap();
        let policy = ExternalPolicy { allowed: vec![inside.display().to_string()], replaced: Vec::new() };
        let read = |path: &Path| read_one(&policy, path.display().to_string());
        assert_eq!(read(&inside.join("a.csv")).unwrap().len(), 2);
        for path in [outside.clone(), inside.join("../out.csv"), inside.join("missing.csv")] {
            assert!(read(&path).unwrap_err().contains("not allowed"), "{}", path.display());
        }
        assert!(read_one(&ExternalPolicy::default(), inside.join("a.csv").display().to_string()).is_err());
    }

    #[test]
    fn a_file_for_a_url() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("feed.csv");
        std::fs::write(&file, "7\n").unwrap();
        let url = "https://feeds.example/list";
        let policy = ExternalPolicy { allowed: Vec::new(), replaced: vec![(url.to_string(), file)] };
        assert_eq!(read_one(&policy, url.to_string()).unwrap().len(), 1);
        let error = read_one(&policy, "https://feeds.example/other?sig=secret".to_string()).unwrap_err();
        assert!(error.starts_with("https://feeds.example/other: not allowed"), "{error}");
    }
}
