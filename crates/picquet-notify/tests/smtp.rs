//! E-mail against a small server on loopback.

#![allow(clippy::unwrap_used)]

mod support;

use std::io::BufReader;
use std::net::TcpListener;
use std::thread::JoinHandle;

use picquet_notify::{Event, Message, Output, SendError};
use support::smtp::Session;
use support::{closed_port, now, output};

/// Serves one client. The first command that starts with `fail` is answered with `answer`.
fn server(fail: &'static str, answer: &'static str) -> (u16, JoinHandle<Session>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let mut session = Session::default();
        let mut stream = BufReader::new(listener.accept().unwrap().0);
        session.serve("220 mail.test ESMTP", &mut stream, fail, answer);
        session
    });
    (port, server)
}

fn mail(port: u16, settings: &str) -> Output {
    let common = "from = \"Picquet <soc@example.com>\"\ntls = \"none\"\nhost = \"127.0.0.1\"\nhello = \"here\"";
    output(&format!("kind = \"smtp\"\nport = {port}\n{common}\n{settings}"))
}

fn incident() -> Message {
    let mut message = Message::sample(Event::IncidentClosed);
    message.body["Title"] = "Sign-ins <b> & more".into();
    message
}

#[test]
fn a_mail() {
    let (port, server) = server("", "");
    let settings =
        "to = [\"a@example.com\", \"B <b@example.com>\"]\ncc = \"c@example.com\"\nuser = \"u\"\npassword = \"p\"";
    mail(port, settings).send(&incident(), now()).unwrap();
    let Session { commands, mail, .. } = server.join().unwrap();
    let expected = [
        "EHLO here",
        "AUTH PLAIN AHUAcA==",
        "MAIL FROM:<soc@example.com>",
        "RCPT TO:<a@example.com>",
        "RCPT TO:<b@example.com>",
        "RCPT TO:<c@example.com>",
        "DATA",
    ];
    let said: Vec<&str> = commands.iter().map(|command| command.trim_end_matches(" BODY=8BITMIME")).collect();
    assert_eq!(said[..expected.len()], expected);
    for line in [
        "From: Picquet <soc@example.com>",
        "To: a@example.com, B <b@example.com>",
        "Cc: c@example.com",
        "Date: Wed, 01 May 2024 12:00:00 +0000",
        "Message-ID: <sample-incident@example.com>",
        "In-Reply-To: <incident-1@example.com>",
        "References: <incident-1@example.com>",
        "Subject: [Medium] Incident 1 closed: Sign-ins <b> & more",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Type: text/html; charset=utf-8",
        "Status:     Closed, BenignPositive",
        "  account: sample.user@example.com",
        "  1970-01-01T00:00:00Z Medium: Sample: sign-ins from two countries",
    ] {
        assert!(mail.lines().any(|it| it == line), "no {line:?} in\n{mail}");
    }
    assert!(mail.contains("multipart/alternative") && mail.contains("Sign-ins &lt;b&gt; &amp; more</h2>"), "{mail}");
}

#[test]
fn templates() {
    let (port, server) = server("", "");
    let settings =
        "to = \"a@example.com\"\nsubject = \"{{ title }}\\n{{ message.id }}\"\ntemplate = \"{{ message.event }}\"";
    mail(port, settings).send(&incident(), now()).unwrap();
    let text = server.join().unwrap().mail;
    assert!(text.contains("Subject: Sign-ins <b> & more sample-incident\r\n"), "{text}");
    assert!(text.trim_end().ends_with("\r\n\r\nincident.closed") && !text.contains("text/html"), "{text}");
}

#[test]
fn refusals() {
    // The command that fails, with what, and whether the mail is sent again.
    let cases = [
        ("EHLO", "421 busy", true),
        ("AUTH", "535 wrong", true),
        ("AUTH", "454 later", true),
        ("MAIL", "451 later", true),
        ("MAIL", "550 not you", false),
        ("RCPT", "450 grey", true),
        ("RCPT", "550 unknown", false),
        (".", "452 full", true),
        (".", "554 spam", false),
    ];
    for (fail, answer, retry) in cases {
        let (port, server) = server(fail, answer);
        let error =
            mail(port, "to = \"a@example.com\"\nuser = \"u\"\npassword = \"p\"").send(&incident(), now()).unwrap_err();
        assert_eq!(error.retry, retry, "{fail} {answer}: {error:?}");
        assert!(error.message.starts_with(&format!("127.0.0.1:{port}: ")), "{error:?}");
        server.join().unwrap();
    }
}

#[test]
fn no_server_is_tried_again() {
    let SendError { retry, message, after } =
        mail(closed_port(), "to = \"a@example.com\"").send(&incident(), now()).unwrap_err();
    assert!(retry && after.is_none() && message.starts_with("127.0.0.1:"), "{message}");
}

#[test]
fn without_starttls_nothing_is_said() {
    let (port, server) = server("", "");
    let settings =
        format!("kind = \"smtp\"\nhost = \"127.0.0.1\"\nport = {port}\nfrom = \"a@b.example\"\nto = \"c@d.example\"");
    let error = output(&settings).send(&incident(), now()).unwrap_err();
    assert!(error.retry, "{error:?}");
    let commands = server.join().unwrap().commands;
    assert!(commands.iter().all(|command| !command.starts_with("MAIL")), "{commands:?}");
}
