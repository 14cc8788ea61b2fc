//! A served workspace, its clock, and a server that its webhook reaches.
#![allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::picquet;

/// How long something may take that is waited for. Machines that run tests are slow at times.
const PATIENCE: Duration = Duration::from_secs(120);

/// A workspace in a folder that goes when the test ends.
pub(crate) struct TestWorkspace {
    folder: tempfile::TempDir,
}

impl TestWorkspace {
    /// A new workspace with these settings.
    pub(crate) fn new(settings: &str) -> TestWorkspace {
        let folder = tempfile::tempdir().unwrap();
        let workspace = TestWorkspace { folder };
        done(picquet().args(["workspace", "init"]).arg(workspace.path()));
        fs::write(workspace.path().join("workspace.toml"), settings).unwrap();
        workspace
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    /// A path beside the workspace.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file beside the workspace.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.beside(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Writes a file of the workspace, whole.
    pub(crate) fn put(&self, path: &str, text: &str) {
        let draft = self.file("draft", text);
        fs::rename(draft, self.path().join(path)).unwrap();
    }

    /// A command on the workspace, which must end well; its output.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        done(picquet().args(arguments).arg("--workspace").arg(self.path()))
    }

    /// A command on the workspace that must not end well; what it says.
    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        refused(picquet().args(arguments).arg("--workspace").arg(self.path()))
    }

    /// A command whose workspace is an argument of its own.
    pub(crate) fn workspace(&self, command: &str, more: &[&str]) -> String {
        done(picquet().args(["workspace", command]).arg(self.path()).args(more))
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.extend(["--format", "json"]);
        serde_json::from_str(&self.run(&all)).unwrap()
    }

    /// The rows of a query.
    pub(crate) fn query(&self, query: &str) -> Vec<Value> {
        rows(&self.path(), query)
    }

    /// The only value of a query.
    pub(crate) fn value(&self, query: &str) -> Value {
        let rows = self.query(query);
        assert_eq!(rows.len(), 1, "{query}: {rows:?}");
        rows[0].as_object().unwrap().values().next().unwrap().clone()
    }

    /// Serves the workspace by a clock that shows `start` now and goes so many times as fast as others.
    pub(crate) fn serve(&self, start: &str, speed: u32) -> Served {
        let log = fs::File::create(self.beside("log.txt")).unwrap();
        let clock = format!("{start}@{speed}@{}", jiff::Timestamp::now());
        let child = picquet()
            .arg("serve")
            .arg("--workspace")
            .arg(self.path())
            .args(["--test-clock", &clock, "--inbox-settle", "50"])
            .stderr(log)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let served = Served { child, log: self.beside("log.txt") };
        self.wait("the service is at work", || served.said().contains("serving "));
        served
    }

    /// Drops a file into the inbox, whole.
    pub(crate) fn drop_file(&self, name: &str, text: &str) {
        self.put(&format!("inbox/{name}"), text);
    }

    /// Waits until something is so.
    pub(crate) fn wait(&self, what: &str, is_so: impl Fn() -> bool) {
        let started = Instant::now();
        while !is_so() {
            let log = || fs::read_to_string(self.beside("log.txt")).unwrap_or_default();
            assert!(started.elapsed() < PATIENCE, "{what}: waited in vain; the service said\n{}", log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until files of the inbox are taken in.
    pub(crate) fn wait_taken_in(&self, names: &[&str]) {
        let done = self.path().join("inbox/.done");
        self.wait(&format!("{names:?} are taken in"), || names.iter().all(|name| done.join(name).exists()));
    }
}

/// The rows of a query over a workspace.
pub(crate) fn rows(workspace: &Path, query: &str) -> Vec<Value> {
    let mut command = picquet();
    command.args(["query", "--format", "jsonl", "--no-truncation", query, "--workspace"]).arg(workspace);
    done(&mut command).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn output(command: &mut Command) -> (Output, String, String) {
    let output = command.env_remove("PICQUET_WORKSPACE").stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    (output, out, err)
}

/// Runs a command that must end well; its output.
pub(crate) fn done(command: &mut Command) -> String {
    let (output, out, err) = output(command);
    assert!(output.status.success(), "{command:?}: {}\n{out}{err}", output.status);
    out
}

/// Runs a command that must not end well; what it says on standard error.
pub(crate) fn refused(command: &mut Command) -> String {
    let (output, out, err) = output(command);
    assert!(!output.status.success(), "{command:?} ended well\n{out}{err}");
    assert!(!err.contains("panicked"), "{command:?}: {err}");
    err
}

/// A service, which is killed when the test ends before it.
pub(crate) struct Served {
    child: Child,
    log: PathBuf,
}

impl Served {
    /// What it has said so far.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Asks it to end, which it must do well.
    pub(crate) fn terminate(mut self) {
        done(Command::new("kill").args(["-TERM", &self.child.id().to_string()]));
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(started.elapsed() < PATIENCE, "the service does not end:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        };
        assert_eq!(status.code(), Some(0), "{}", self.said());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request that a receiver got.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Lines of its head, in lower case up to the colon.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A server on this machine that takes every request.
pub(crate) struct Receiver {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Receiver {
    /// One that answers, or one that keeps connections open and says nothing.
    pub(crate) fn start(answers: bool) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/alerts", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let got = Arc::clone(&requests);
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for stream in listener.incoming().flatten() {
                if !answers {
                    open.push(stream);
                    continue;
                }
                if let Some(request) = take(stream) {
                    got.lock().unwrap().push(request);
                }
            }
        });
        Receiver { url, requests }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn take(stream: TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut headers = Vec::new();
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_string()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut stream = stream;
    stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").ok()?;
    Some(Request { headers, body: String::from_utf8(body).ok()? })
}
