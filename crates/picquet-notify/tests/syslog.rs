//! Syslog against listeners on loopback.

#![allow(clippy::unwrap_used)]

mod support;

use std::io::Read;
use std::net::{TcpListener, UdpSocket};

use picquet_notify::Output;
use serde_json::{Value, json};
use support::{alert, closed_port, now, output};

fn syslog(settings: &str) -> Output {
    output(&format!("kind = \"syslog\"\nhostname = \"here\"\n{settings}"))
}

const START: &str = r#"<132>1 1970-01-01T00:00:00Z here picquet - alert.raised [picquet@32473 id="m-1" severity="Medium" ruleId="00000000-0000-0000-0000-000000000001" rule="Sample: sign-ins from two countries"] "#;

/// Reads one connection to its end.
fn tcp() -> (u16, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let mut text = String::new();
        listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
        text
    });
    (port, server)
}

#[test]
fn udp() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    syslog(&format!("address = \"127.0.0.1:{port}\"")).send(&alert("m-1"), now()).unwrap();
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).unwrap();
    let text = std::str::from_utf8(&buffer[..length]).unwrap();
    let body: Value = serde_json::from_str(text.strip_prefix(START).unwrap()).unwrap();
    let expected = json!({
        "id": "m-1", "event": "alert.raised", "severity": "Medium", "created": "1970-01-01T00:00:00Z",
        "rule": {"id": "00000000-0000-0000-0000-000000000001", "name": "Sample: sign-ins from two countries"},
        "title": "Sample: sign-ins from two countries", "status": "New", "tactics": "InitialAccess", "techniques": "T1078",
        "alert": "00000000-0000-0000-0000-000000000002",
        "entities": [
            {"type": "account", "value": "sample.user@example.com"},
            {"type": "ip", "value": "192.0.2.1"},
        ],
    });
    assert_eq!(body, expected);
}

#[test]
fn udp_that_is_too_long_is_not_tried_again() {
    let output = syslog("address = \"127.0.0.1:9\"\ntemplate = \"{{ record.Description }}\"");
    let mut message = alert("m-1");
    message.body["Description"] = "x".repeat(70_000).into();
    let error = output.send(&message, now()).unwrap_err();
    let expected = format!("127.0.0.1:9: a message of {} bytes is too long for a datagram", START.len() + 70_000);
    assert_eq!((error.retry, error.message), (false, expected));
}

#[test]
fn tcp_counts_octets() {
    let (port, server) = tcp();
    let settings =
        format!("transport = \"tcp\"\naddress = \"127.0.0.1:{port}\"\ntemplate = \"žluť {{{{ message.id }}}}\\nx\"");
    syslog(&settings).send(&alert("m-1"), now()).unwrap();
    let line = format!("{START}\u{feff}žluť m-1 x");
    assert_eq!(server.join().unwrap(), format!("{} {line}", line.len()));
}

#[test]
fn tcp_with_line_breaks() {
    let (port, server) = tcp();
    let settings = "facility = \"auth\"\napp_name = \"soc\"\nframing = \"newline\"\ntemplate = \"x\"";
    syslog(&format!("transport = \"tcp\"\naddress = \"localhost:{port}\"\n{settings}"))
        .send(&alert("m-1"), now())
        .unwrap();
    let text = server.join().unwrap();
    assert!(
        text.starts_with("<36>1 1970-01-01T00:00:00Z here soc - alert.raised [") && text.ends_with("] x\n"),
        "{text}"
    );
}

#[test]
fn a_closed_port_is_tried_again() {
    let port = closed_port();
    let error =
        syslog(&format!("transport = \"tcp\"\naddress = \"127.0.0.1:{port}\"")).send(&alert("m-1"), now()).unwrap_err();
    assert!(error.retry && error.message.starts_with(&format!("127.0.0.1:{port}: ")), "{error:?}");
}

#[cfg(unix)]
#[test]
fn unix_sockets_of_both_kinds() {
    use std::os::unix::net::{UnixDatagram, UnixListener};
    let folder = tempfile::tempdir().unwrap();
    let send = |path: &std::path::Path| {
        let settings = format!("transport = \"unix\"\npath = '{}'\ntemplate = \"x\"", path.display());
        syslog(&settings).send(&alert("m-1"), now())
    };

    let path = folder.path().join("datagram");
    let socket = UnixDatagram::bind(&path).unwrap();
    send(&path).unwrap();
    let mut buffer = [0; 1024];
    let length = socket.recv(&mut buffer).unwrap();
    assert_eq!(std::str::from_utf8(&buffer[..length]).unwrap(), format!("{START}x"));

    let path = folder.path().join("stream");
    let listener = UnixListener::bind(&path).unwrap();
    send(&path).unwrap();
    let mut text = String::new();
    listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
    assert_eq!(text, format!("{START}x\n"));

    let error = send(&folder.path().join("none")).unwrap_err();
    assert!(error.retry, "{error:?}");
}
