//! A workspace whose tables lie on an object store: moto's S3 server (PyPI `moto[server]`), over real HTTP.

#![allow(clippy::print_stderr, clippy::unwrap_used)]

mod support;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The server, ended with the test.
struct Server {
    child: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the server; `None` where it is not installed.
fn start() -> Option<Server> {
    let port = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
    let mut command = Command::new("moto_server");
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().ok()?;
    let mut server = Server { child, port };
    for _ in 0..300 {
        if server.child.try_wait().ok()?.is_some() {
            return None;
        }
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Some(server);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    None
}

/// Makes a bucket.
fn make_bucket(port: u16, bucket: &str) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let request =
        format!("PUT /{bucket} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

fn picquet(args: &[&str], workspace: &Path) -> String {
    let output = support::picquet().args(args).arg("--workspace").arg(workspace).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn tables_on_s3() {
    let Some(server) = start() else {
        eprintln!("skipped: moto_server is not there (pip install 'moto[server]')");
        return;
    };
    make_bucket(server.port, "logs");
    let dir = tempfile::tempdir().unwrap();
    let workspace = dir.path().join("soc");
    std::fs::create_dir(&workspace).unwrap();
    let settings = format!(
        "storage = 's3://logs/sentinel'\n[storage_options]\naws_endpoint = 'http://127.0.0.1:{}'\naws_allow_http = 'true'\n\
         aws_region = 'us-east-1'\naws_access_key_id = 'key'\naws_secret_access_key = 'secret'\n",
        server.port
    );
    std::fs::write(workspace.join("workspace.toml"), settings).unwrap();
    // More rows than the buffer takes: straight into a file of the table; and a small file, through the buffer.
    let rows = |from: usize, to: usize| -> String {
        (from..to).map(|n| format!("{{\"TimeGenerated\":\"2026-03-14T00:00:00.1234567Z\",\"N\":{n}}}\n")).collect()
    };
    let (large, small) = (dir.path().join("Events_CL.jsonl"), dir.path().join("more.jsonl"));
    std::fs::write(&large, rows(0, 30_000)).unwrap();
    std::fs::write(&small, rows(30_000, 30_100)).unwrap();
    picquet(&["ingest", large.to_str().unwrap()], &workspace);
    picquet(&["ingest", small.to_str().unwrap(), "--table", "Events_CL"], &workspace);
    let sums = "Events_CL | summarize Rows=count(), Sum=sum(N), Times=dcount(TimeGenerated), take_any(TimeGenerated)";
    let expected = "Rows,Sum,Times,TimeGenerated\n30100,452989950,1,2026-03-14T00:00:00.1234567Z\n";
    let csv = |text: String| text.replace('\r', "");
    assert_eq!(csv(picquet(&["query", sums, "--format", "csv"], &workspace)), expected);
    let compacted = support::picquet().args(["workspace", "compact"]).arg(&workspace).output().unwrap();
    assert!(compacted.status.success(), "{}", String::from_utf8_lossy(&compacted.stderr));
    assert_eq!(csv(picquet(&["query", sums, "--format", "csv"], &workspace)), expected);
    assert!(!workspace.join("tables").exists(), "nothing of the tables lies in the folder");
}
