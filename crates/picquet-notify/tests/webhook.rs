//! Webhooks against a server on loopback.

#![allow(clippy::unwrap_used)]

mod support;

use std::net::TcpListener;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use picquet_notify::SendError;
use serde_json::{Value, json};
use sha2::Sha256;
use support::{alert, answer, closed_port, http, now, output};

fn send(settings: &str, port: u16) -> Result<(), SendError> {
    output(&format!("kind = \"webhook\"\nurl = \"http://127.0.0.1:{port}/hook?a=b\"\n{settings}"))
        .send(&alert("m-1"), now())
}

#[test]
fn the_request() {
    let (port, server) = http(vec![answer("204 No Content", "")]);
    let settings = "secret = \"whsec_c2VjcmV0IG9mIHRoZSB0ZXN0\"\nbearer = \"token\"\nheaders = { X-Team = \"soc\" }";
    send(settings, port).unwrap();
    let request = &server.join().unwrap()[0];
    assert_eq!(request.line, "POST /hook?a=b HTTP/1.1");
    let expected = [
        ("content-type", "application/json"),
        ("authorization", "Bearer token"),
        ("x-team", "soc"),
        ("webhook-id", "m-1"),
        ("webhook-timestamp", "1714564800"),
        ("user-agent", concat!("picquet/", env!("CARGO_PKG_VERSION"))),
    ];
    for (name, value) in expected {
        assert_eq!(request.header(name), Some(value), "{name}");
    }
    let signature = request.header("webhook-signature").unwrap().strip_prefix("v1,").unwrap();
    let mac = Hmac::<Sha256>::new_from_slice(b"secret of the test").unwrap();
    let mac = mac.chain_update(format!("m-1.1714564800.{}", request.body));
    mac.verify_slice(&STANDARD.decode(signature).unwrap()).unwrap();

    let body: Value = serde_json::from_str(&request.body).unwrap();
    let expected = json!({
        "id": "m-1", "event": "alert.raised", "severity": "Medium", "created": "1970-01-01T00:00:00Z",
        "rule": {"id": "00000000-0000-0000-0000-000000000001", "name": "Sample: sign-ins from two countries"},
        "record": alert("m-1").body,
    });
    assert_eq!(body, expected);
}

#[test]
fn templates_and_basic_authorization() {
    let (port, server) = http(vec![answer("200 OK", "")]);
    let settings = r#"
        content_type = "text/plain"
        template = "{{ message.severity }}: {{ title }} ({% for e in record | entities %}{{ e | label }} {% endfor %})"
        basic = { user = "u", password = "p:q" }
    "#;
    send(settings, port).unwrap();
    let request = &server.join().unwrap()[0];
    assert_eq!(request.body, "Medium: Sample: sign-ins from two countries (sample.user@example.com 192.0.2.1 )");
    assert_eq!(request.header("content-type"), Some("text/plain"));
    assert_eq!(request.header("authorization"), Some("Basic dTpwOnE="));
    assert_eq!(request.header("webhook-signature"), None);
}

#[test]
fn answers() {
    // Status, headers, whether to retry, and after how many seconds.
    let cases = [
        ("400 Bad Request", "", false, None),
        ("401 Unauthorized", "", false, None),
        ("404 Not Found", "", false, None),
        ("408 Request Timeout", "", true, None),
        ("410 Gone", "Retry-After: 5\r\n", false, None),
        ("425 Too Early", "", true, None),
        ("429 Too Many Requests", "Retry-After: 120\r\n", true, Some(120)),
        ("500 Internal Server Error", "", true, None),
        ("503 Service Unavailable", "Retry-After: Wed, 01 May 2024 12:01:30 GMT\r\n", true, Some(90)),
        ("503 Service Unavailable", "Retry-After: Wed, 01 May 2024 11:00:00 GMT\r\n", true, Some(0)),
        ("503 Service Unavailable", "Retry-After: whenever\r\n", true, None),
    ];
    for (status, headers, retry, after) in cases {
        let (port, server) = http(vec![answer(status, headers)]);
        let error = send("", port).unwrap_err();
        let message = format!("answered {status}");
        assert_eq!(error, SendError { retry, message, after: after.map(Duration::from_secs) });
        server.join().unwrap();
    }
    for status in ["200 OK", "201 Created", "202 Accepted", "204 No Content"] {
        let (port, server) = http(vec![answer(status, "")]);
        send("", port).unwrap();
        server.join().unwrap();
    }
}

#[test]
fn errors_show_the_answer_but_not_the_url() {
    let (port, server) = http(vec![
        "HTTP/1.1 422 Unprocessable Entity\r\nContent-Length: 14\r\nConnection: close\r\n\r\nno such\nfield!"
            .to_owned(),
    ]);
    assert_eq!(send("", port).unwrap_err().message, "answered 422 Unprocessable Entity: no such field!");
    server.join().unwrap();

    let port = closed_port();
    let error = send("", port).unwrap_err();
    assert!(error.retry && error.message.starts_with(&format!("http://127.0.0.1:{port}: ")), "{error:?}");
    assert!(!error.message.contains("hook"), "{error:?}");
}

#[test]
fn a_server_that_is_silent_is_tried_again() {
    // Accepted by the system, never read or answered.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = send("timeout = \"100ms\"", listener.local_addr().unwrap().port()).unwrap_err();
    assert!(error.retry && error.message.contains("timeout"), "{error:?}");
}

#[test]
fn a_server_that_hangs_up_is_tried_again() {
    let (port, server) = http(vec![String::new()]);
    let error = send("", port).unwrap_err();
    assert!(error.retry, "{error:?}");
    server.join().unwrap();
}

#[test]
fn redirects_stay_within_the_server() {
    let (port, server) = http(vec![answer("308 Permanent Redirect", "Location: /new\r\n"), answer("200 OK", "")]);
    send("bearer = \"token\"", port).unwrap();
    let requests = server.join().unwrap();
    assert_eq!(requests[1].line, "POST /new HTTP/1.1");
    assert_eq!(requests[1].body, requests[0].body);
    assert_eq!(requests[1].header("authorization"), Some("Bearer token"));

    // Nothing listens at the second place, and nothing asks it.
    let elsewhere = closed_port();
    let cases = [
        ("307 Temporary Redirect", format!("http://127.0.0.1:{elsewhere}/x"), format!("http://127.0.0.1:{elsewhere}")),
        ("308 Permanent Redirect", "https://other.example/x".to_owned(), "https://other.example".to_owned()),
        ("308 Permanent Redirect", "//other.example/x".to_owned(), "http://other.example".to_owned()),
    ];
    for (status, location, there) in cases {
        let (port, server) = http(vec![answer(status, &format!("Location: {location}\r\n"))]);
        let error = send("", port).unwrap_err();
        let expected = format!(
            "http://127.0.0.1:{port} answers {status} and leads to {there}; messages follow redirects 307 and 308 within the server only"
        );
        assert_eq!(error, SendError { retry: false, message: expected, after: None });
        server.join().unwrap();
    }

    let (port, server) = http(vec![answer("302 Found", "Location: /login\r\n")]);
    assert!(!send("", port).unwrap_err().retry);
    server.join().unwrap();

    let (port, server) = http(vec![answer("307 Temporary Redirect", "Location: /again\r\n"); 4]);
    let expected = format!("http://127.0.0.1:{port} redirects more than 3 times");
    assert_eq!(send("", port).unwrap_err(), SendError { retry: false, message: expected, after: None });
    server.join().unwrap();
}

#[test]
fn an_id_that_is_no_header_is_not_tried_again() {
    let output = output("kind = \"webhook\"\nurl = \"http://127.0.0.1:1/\"");
    let error = output.send(&alert("a\nb"), now()).unwrap_err();
    assert_eq!(
        error,
        SendError { retry: false, message: r#"the id "a\nb" cannot be a header's value"#.to_owned(), after: None }
    );
}
