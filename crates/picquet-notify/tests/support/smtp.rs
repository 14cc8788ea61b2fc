//! The server's side of SMTP.

use std::io::{BufRead, BufReader, Read, Write};

/// What a client said: its commands, and the mail.
#[derive(Debug, Default)]
pub struct Session {
    pub commands: Vec<String>,
    pub mail: String,
}

impl Session {
    /// Greets and answers until the client goes, or has been told to start TLS. A command that starts with `fail` is answered
    /// with `answer`; `.` stands for the end of the mail.
    pub fn serve<S: Read + Write>(&mut self, greeting: &str, stream: &mut BufReader<S>, fail: &str, answer: &str) {
        let mut going = greeting.is_empty() || say(stream, greeting);
        while going {
            let mut line = String::new();
            if stream.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let command = line.trim_end().to_owned();
            self.commands.push(command.clone());
            going = match command.split(' ').next().unwrap_or_default() {
                _ if !fail.is_empty() && command.starts_with(fail) => {
                    say(stream, answer);
                    fail != "STARTTLS"
                }
                "EHLO" if fail == "STARTTLS" => say(stream, "250-mail.test\r\n250 STARTTLS"),
                "EHLO" => say(stream, "250-mail.test\r\n250-8BITMIME\r\n250 AUTH PLAIN"),
                "AUTH" => say(stream, "235 welcome"),
                "DATA" => {
                    say(stream, "354 go on");
                    self.read_mail(stream);
                    say(stream, if fail == "." { answer } else { "250 taken" })
                }
                "QUIT" => say(stream, "221 bye"),
                _ => say(stream, "250 ok"),
            };
        }
    }

    fn read_mail<S: Read + Write>(&mut self, stream: &mut BufReader<S>) {
        let mut line = String::new();
        while stream.read_line(&mut line).unwrap() > 0 && line != ".\r\n" {
            self.mail.push_str(&line);
            line.clear();
        }
    }
}

/// Whether the client was there to hear it.
fn say<S: Read + Write>(stream: &mut BufReader<S>, text: &str) -> bool {
    let stream = stream.get_mut();
    stream.write_all(format!("{text}\r\n").as_bytes()).and_then(|()| stream.flush()).is_ok()
}
