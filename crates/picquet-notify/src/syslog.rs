//! Messages by syslog: RFC 5424 over UDP (RFC 5426), TCP (RFC 6587), or a socket of this machine.
//!
//! The format is written here because the crates for it read the clock, or leave the escaping of structured data to their caller.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

use picquet_rules::Severity;

use crate::address;
use crate::config::{Facility, Framing, SyslogConfig, Transport};
use crate::document;
use crate::error::{KeyError, SendError};
use crate::message::{EventKind, Message};
use crate::template::Template;

#[derive(Debug)]
pub(crate) struct Syslog {
    to: Receiver,
    facility: Facility,
    app_name: String,
    hostname: String,
    timeout: Duration,
    template: Option<Template>,
}

#[derive(Debug)]
enum Receiver {
    Udp(String),
    Tcp(String, Framing),
    Unix(PathBuf),
}

/// The socket of most systems.
const SOCKET: &str = "/dev/log";

impl Syslog {
    pub fn new(config: &SyslogConfig, template: Option<&str>, events: &[EventKind]) -> Result<Self, KeyError> {
        let template = template.map(|source| Template::text("template", source, events)).transpose()?;
        let hostname = match &config.hostname {
            Some(name) => header_field("hostname", name, 255)?,
            None => address::own_name().chars().filter(char::is_ascii_graphic).take(255).collect(),
        };
        let app_name = header_field("app_name", &config.app_name, 48)?;
        Ok(Self {
            to: receiver(config)?,
            facility: config.facility,
            app_name,
            hostname,
            timeout: config.timeout,
            template,
        })
    }

    pub fn send(&self, message: &Message) -> Result<(), SendError> {
        let text = match &self.template {
            Some(template) => document::one_line(&template.render(message)?),
            None => document::ascii(&document::short(message)),
        };
        let line = self.line(message, &text);
        let (place, sent) = match &self.to {
            Receiver::Udp(to) => (to.clone(), self.udp(to, line.as_bytes())),
            Receiver::Tcp(to, framing) => (to.clone(), self.tcp(to, &framed(&line, *framing))),
            Receiver::Unix(path) => (path.display().to_string(), self.unix(path, &line)),
        };
        sent.map_err(|error| match is_too_long(&error) {
            true => SendError::never(format!("{place}: a message of {} bytes is too long for a datagram", line.len())),
            false => SendError::later(format!("{place}: {error}")),
        })
    }

    /// The message after RFC 5424, section 6.
    fn line(&self, message: &Message, text: &str) -> String {
        let priority = self.facility as u8 * 8 + level(message.severity);
        // Six decimals at most.
        let time = message.created.to_string();
        let time = match time.split_once('.') {
            Some((seconds, rest)) => {
                format!("{seconds}.{}Z", rest.trim_end_matches('Z').chars().take(6).collect::<String>())
            }
            None => time,
        };
        let parameters = [
            ("id", message.id.as_str()),
            ("severity", message.severity.as_str()),
            ("ruleId", &message.rule_id),
            ("rule", &message.rule_name),
            ("key", message.order_key.as_deref().unwrap_or_default()),
        ];
        // 32473 is the enterprise number that RFC 5612 sets aside for those who have none.
        let mut data = "[picquet@32473".to_owned();
        for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
            data.push_str(&format!(" {name}=\"{}\"", escaped(value)));
        }
        data.push(']');
        let mark = if text.is_ascii() { "" } else { "\u{feff}" };
        let (host, app, id) = (&self.hostname, &self.app_name, message.event);
        format!("<{priority}>1 {time} {host} {app} - {id} {data} {mark}{text}")
    }

    fn udp(&self, to: &str, line: &[u8]) -> io::Result<()> {
        let mut last = None;
        for address in to.to_socket_addrs()? {
            let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let sent = UdpSocket::bind(any).and_then(|socket| {
                socket.set_write_timeout(Some(self.timeout))?;
                socket.send_to(line, address)
            });
            match sent {
                Ok(_) => return Ok(()),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(no_address))
    }

    fn tcp(&self, to: &str, bytes: &[u8]) -> io::Result<()> {
        let mut last = None;
        for address in to.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, self.timeout) {
                Ok(mut stream) => {
                    stream.set_write_timeout(Some(self.timeout))?;
                    stream.write_all(bytes)?;
                    stream.shutdown(std::net::Shutdown::Write)?;
                    return until_closed(&mut stream, self.timeout);
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(no_address))
    }

    #[cfg(unix)]
    fn unix(&self, path: &std::path::Path, line: &str) -> io::Result<()> {
        use std::os::unix::net::{UnixDatagram, UnixStream};
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(self.timeout))?;
        match socket.connect(path) {
            Ok(()) => socket.send(line.as_bytes()).map(|_| ()),
            // Some daemons listen for connections instead: EPROTOTYPE, which has no kind of its own.
            Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => {
                let mut stream = UnixStream::connect(path)?;
                stream.set_write_timeout(Some(self.timeout))?;
                stream.write_all(framed(line, Framing::Newline).as_slice())
            }
            Err(error) => Err(error),
        }
    }

    #[cfg(not(unix))]
    fn unix(&self, _: &std::path::Path, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// How long the end of a connection is waited for; receivers that keep it open have taken the message too.
const CLOSING: Duration = Duration::from_millis(500);

/// Waits until the receiver closes: one that died before it read shows itself by a reset.
fn until_closed(stream: &mut TcpStream, timeout: Duration) -> io::Result<()> {
    stream.set_read_timeout(Some(timeout.min(CLOSING)))?;
    let mut unread = [0; 64];
    match stream.read(&mut unread) {
        Ok(_) => Ok(()),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => Ok(()),
        Err(error) => Err(error),
    }
}

fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the host has no address")
}

/// EMSGSIZE, which has no `ErrorKind`.
fn is_too_long(error: &io::Error) -> bool {
    let code = if cfg!(target_os = "linux") {
        90
    } else if cfg!(windows) {
        10040
    } else {
        40
    };
    error.raw_os_error() == Some(code)
}

fn framed(line: &str, framing: Framing) -> Vec<u8> {
    match framing {
        Framing::OctetCounting => format!("{} {line}", line.len()),
        Framing::Newline => format!("{line}\n"),
    }
    .into_bytes()
}

fn receiver(config: &SyslogConfig) -> Result<Receiver, KeyError> {
    let address = || match (&config.address, &config.path) {
        (_, Some(_)) => Err(KeyError::new("path", "is for `transport = \"unix\"`")),
        (None, None) => Err(KeyError::new("address", "missing; want `host:port`")),
        (Some(address), None) => match address.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0) => {
                Ok(address.clone())
            }
            _ => Err(KeyError::new("address", format!("`{address}`: want `host:port`"))),
        },
    };
    if config.framing.is_some() && config.transport != Transport::Tcp {
        return Err(KeyError::new("framing", "is for `transport = \"tcp\"`"));
    }
    Ok(match config.transport {
        Transport::Udp => Receiver::Udp(address()?),
        Transport::Tcp => Receiver::Tcp(address()?, config.framing.unwrap_or_default()),
        Transport::Unix if !cfg!(unix) => {
            return Err(KeyError::new("transport", "this system has no unix sockets for it"));
        }
        Transport::Unix if config.address.is_some() => {
            return Err(KeyError::new("address", "is for `udp` and `tcp`; want `path`"));
        }
        Transport::Unix => Receiver::Unix(config.path.clone().unwrap_or_else(|| SOCKET.into())),
    })
}

/// A field of the header: printable ASCII without spaces, up to a length.
fn header_field(key: &'static str, text: &str, longest: usize) -> Result<String, KeyError> {
    match !text.is_empty() && text.len() <= longest && text.chars().all(|char| char.is_ascii_graphic()) {
        true => Ok(text.to_owned()),
        false => Err(KeyError::new(
            key,
            format!("`{text}`: want 1 to {longest} characters of printable ASCII without spaces"),
        )),
    }
}

/// The level that stands for a severity.
const fn level(severity: Severity) -> u8 {
    match severity {
        Severity::High => 2,          // critical
        Severity::Medium => 4,        // warning
        Severity::Low => 5,           // notice
        Severity::Informational => 6, // informational
    }
}

/// A value of structured data: `"`, `\` and `]` are escaped; control characters become spaces.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for char in value.chars() {
        if matches!(char, '"' | '\\' | ']') {
            text.push('\\');
        }
        text.push(if char.is_control() { ' ' } else { char });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Event;

    fn syslog() -> Syslog {
        let config = serde_json::json!({"address": "localhost:514", "hostname": "here"});
        Syslog::new(&serde_json::from_value(config).unwrap(), None, &[EventKind::Alert]).unwrap()
    }

    #[test]
    fn lines() {
        let mut message = Message::sample(Event::AlertRaised);
        message.rule_name = "a \"b\" [c] \\d\ne".to_owned();
        message.rule_id = String::new();
        let start = r#"<132>1 1970-01-01T00:00:00Z here picquet - alert.raised [picquet@32473 id="sample-alert" severity="Medium" rule="a \"b\" [c\] \\d e"] "#;
        assert_eq!(syslog().line(&message, "text"), format!("{start}text"));
        assert_eq!(syslog().line(&message, "žluť"), format!("{start}\u{feff}žluť"));
    }

    #[test]
    fn times_have_six_decimals() {
        let mut message = Message::sample(Event::AlertRaised);
        message.created = "2024-05-01T12:00:00.123456789Z".parse().unwrap();
        assert!(syslog().line(&message, "").starts_with("<132>1 2024-05-01T12:00:00.123456Z here "));
    }

    #[test]
    fn priorities() {
        let mut message = Message::sample(Event::AlertRaised);
        let levels =
            [(Severity::High, 130), (Severity::Medium, 132), (Severity::Low, 133), (Severity::Informational, 134)];
        for (severity, priority) in levels {
            message.severity = severity;
            assert!(syslog().line(&message, "").starts_with(&format!("<{priority}>1 ")), "{severity}");
        }
    }
}
