//! What the tests of outputs share: configurations as TOML, messages, and servers on loopback.

#![allow(dead_code, reason = "each test file uses a part")]

pub mod smtp;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use jiff::Timestamp;
use picquet_notify::{Event, Message, Output, OutputConfig, OutputError};

#[derive(serde::Deserialize)]
struct File {
    output: Vec<OutputConfig>,
}

/// The outputs of a TOML text.
pub fn read(toml: &str) -> Result<Vec<OutputConfig>, String> {
    toml::from_str::<File>(toml).map(|file| file.output).map_err(|error| error.message().to_owned())
}

/// The only output of a TOML text, without its `[[output]]` and name `t`.
pub fn config(settings: &str) -> OutputConfig {
    read(&format!("[[output]]\nname = \"t\"\n{settings}")).unwrap().remove(0)
}

pub fn try_output(settings: &str) -> Result<Output, OutputError> {
    Output::new(&config(settings))
}

pub fn output(settings: &str) -> Output {
    try_output(settings).unwrap()
}

/// The instant of all attempts.
pub fn now() -> Timestamp {
    "2024-05-01T12:00:00Z".parse().unwrap()
}

pub fn alert(id: &str) -> Message {
    Message { id: id.to_owned(), ..Message::sample(Event::AlertRaised) }
}

/// A request that a server got.
#[derive(Debug)]
pub struct Request {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }
}

/// Serves one connection for each answer, and gives the requests when it is joined.
pub fn http(answers: Vec<String>) -> (u16, JoinHandle<Vec<Request>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let serve = |answer: String| {
            let (mut stream, _) = listener.accept().unwrap();
            let request = request(&mut stream);
            stream.write_all(answer.as_bytes()).unwrap();
            request
        };
        answers.into_iter().map(serve).collect()
    });
    (port, server)
}

/// An answer without a body.
pub fn answer(status: &str, headers: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n")
}

/// Reads a request.
pub fn request(stream: &mut impl Read) -> Request {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        match header.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.to_owned())),
            None => break,
        }
    }
    let mut request = Request { line: line.trim_end().to_owned(), headers, body: String::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    request.body = String::from_utf8(body).unwrap();
    request
}

/// A port on loopback where nothing listens.
pub fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
