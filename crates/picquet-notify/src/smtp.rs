//! Messages by e-mail.

use std::time::SystemTime;

use jiff::Timestamp;
use lettre::message::header::{InReplyTo, MessageId, References};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{SmtpTransport, Transport};

use crate::address;
use crate::config::{Addresses, SmtpConfig, SmtpTls, text_or_file};
use crate::document;
use crate::error::{KeyError, SendError};
use crate::message::{EventKind, Message};
use crate::template::Template;

#[derive(Debug)]
pub(crate) struct Smtp {
    transport: SmtpTransport,
    server: String,
    from: Mailbox,
    to: Vec<Mailbox>,
    cc: Vec<Mailbox>,
    subject: Template,
    text: Template,
    html: Option<Template>,
}

const SUBJECT: &str = "[{{ message.severity }}] {% if record.IncidentNumber is defined %}Incident {{ record.IncidentNumber }}\
    {% if message.event != 'incident.created' %} {{ message.event | replace('incident.', '') }}{% endif %}: {% endif %}{{ title }}";

impl Smtp {
    pub fn new(config: &SmtpConfig, template: Option<&str>, events: &[EventKind]) -> Result<Self, KeyError> {
        let to = mailboxes("to", &config.to)?;
        if to.is_empty() {
            return Err(KeyError::new("to", "the list is empty"));
        }
        let html = text_or_file(
            "html_template",
            config.html_template.as_deref(),
            "html_template_file",
            config.html_template_file.as_deref(),
        )?;
        let html = match (config.html, html, template) {
            (false, Some(_), _) => {
                return Err(KeyError::new("html", "is false, but there is a template of the HTML body"));
            }
            (false, None, _) => None,
            (true, Some(source), _) => Some(Template::html("html_template", &source, events)?),
            // An own text beside the default HTML would hardly be seen.
            (true, None, Some(_)) => None,
            (true, None, None) => Some(Template::html("html_template", include_str!("templates/mail.html"), events)?),
        };
        let (transport, server) = transport(config)?;
        Ok(Self {
            transport,
            server,
            from: mailbox("from", &config.from)?,
            to,
            cc: mailboxes("cc", &config.cc)?,
            subject: Template::text("subject", config.subject.as_deref().unwrap_or(SUBJECT), events)?,
            text: Template::text("template", template.unwrap_or(include_str!("templates/mail.txt")), events)?,
            html,
        })
    }

    pub fn send(&self, message: &Message, now: Timestamp) -> Result<(), SendError> {
        let mail = self.mail(message, now)?;
        let sent = self.transport.send(&mail);
        sent.map(|_| ()).map_err(|error| {
            let code = error.status().map(u16::from);
            // A refused login is mended in the configuration or at the server; the message itself is not refused.
            let login = matches!(code, Some(530 | 534 | 535 | 538));
            SendError { retry: login || !error.is_permanent(), message: self.explained(&error), after: None }
        })
    }

    fn explained(&self, error: &lettre::transport::smtp::Error) -> String {
        let mut text = format!("{}: {error}", self.server);
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            let inner_text = inner.to_string();
            if !text.contains(&inner_text) {
                text.push_str(": ");
                text.push_str(&inner_text);
            }
            cause = inner.source();
        }
        document::one_line(&text)
    }

    fn mail(&self, message: &Message, now: Timestamp) -> Result<lettre::Message, SendError> {
        let domain = self.from.email.domain();
        let subject = document::one_line(&self.subject.render(message)?);
        let mut mail = lettre::Message::builder()
            .from(self.from.clone())
            .date(date(now))
            .header(MessageId::from(format!("<{}@{domain}>", word(&message.id))))
            .subject(subject.trim());
        for to in &self.to {
            mail = mail.to(to.clone());
        }
        for cc in &self.cc {
            mail = mail.cc(cc.clone());
        }
        if let Some(key) = &message.order_key {
            // The mails of an incident are answers to one that was never sent, which makes a thread of them.
            let thread = format!("<incident-{}@{domain}>", word(key));
            mail = mail.header(InReplyTo::from(thread.clone())).header(References::from(thread));
        }
        let text = SinglePart::plain(self.text.render(message)?);
        let mail = match &self.html {
            Some(html) => {
                let html = SinglePart::html(html.render(message)?);
                mail.multipart(MultiPart::alternative().singlepart(text).singlepart(html))
            }
            None => mail.singlepart(text),
        };
        mail.map_err(|error| SendError::never(format!("the mail cannot be made: {error}")))
    }
}

/// The time of a mail's header, which starts at 1970.
fn date(now: Timestamp) -> SystemTime {
    SystemTime::try_from(now.max(Timestamp::UNIX_EPOCH)).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// A text as part of a Message-ID.
fn word(text: &str) -> String {
    text.chars()
        .map(|char| if char.is_ascii_alphanumeric() || matches!(char, '-' | '_') { char } else { '-' })
        .collect()
}

fn mailbox(key: &'static str, text: &str) -> Result<Mailbox, KeyError> {
    let wrong = |_| KeyError::new(key, format!("`{text}`: want `name@example.com` or `Name <name@example.com>`"));
    text.parse().map_err(wrong)
}

fn mailboxes(key: &'static str, addresses: &Addresses) -> Result<Vec<Mailbox>, KeyError> {
    addresses.as_slice().iter().map(|text| mailbox(key, text)).collect()
}

/// The transport, and what its server is called in messages.
fn transport(config: &SmtpConfig) -> Result<(SmtpTransport, String), KeyError> {
    let credentials = match (&config.user, &config.password) {
        (Some(user), Some(password)) => {
            let password = password.read().map_err(|message| KeyError::new("password", message))?;
            Some(Credentials::new(user.clone(), password))
        }
        (None, None) => None,
        (Some(_), None) => return Err(KeyError::new("password", "missing; `user` is given")),
        (None, Some(_)) => return Err(KeyError::new("user", "missing; `password` is given")),
    };
    if config.tls == SmtpTls::None && credentials.is_some() && !address::is_loopback(&config.host) {
        return Err(KeyError::new(
            "tls",
            "`none` would send the password in the clear; it is for servers of this machine",
        ));
    }
    if config.tls == SmtpTls::None && config.ca_file.is_some() {
        return Err(KeyError::new("ca_file", "is of no use with `tls = \"none\"`"));
    }
    let (tls, usual_port) = match config.tls {
        SmtpTls::Starttls => (Tls::Required(tls_parameters(config)?), 587),
        SmtpTls::Tls => (Tls::Wrapper(tls_parameters(config)?), 465),
        SmtpTls::None => (Tls::None, 25),
    };
    let port = config.port.unwrap_or(usual_port);
    let hello = config.hello.clone().unwrap_or_else(address::own_name);
    let mut transport = SmtpTransport::builder_dangerous(&config.host)
        .port(port)
        .tls(tls)
        .hello_name(ClientId::Domain(hello))
        .timeout(Some(config.timeout));
    if let Some(credentials) = credentials {
        transport = transport.credentials(credentials);
    }
    Ok((transport.build(), format!("{}:{port}", config.host)))
}

fn tls_parameters(config: &SmtpConfig) -> Result<TlsParameters, KeyError> {
    let mut parameters = TlsParameters::builder(config.host.clone());
    if let Some(file) = &config.ca_file {
        let error = |message: String| KeyError::new("ca_file", message);
        let pem =
            std::fs::read(file).map_err(|problem| error(format!("{} cannot be read: {problem}", file.display())))?;
        if !String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
            return Err(error("holds no certificate (PEM)".to_owned()));
        }
        let certificate = Certificate::from_pem(&pem).map_err(|problem| error(format!("is no PEM file: {problem}")))?;
        parameters = parameters.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    parameters.build().map_err(|error| KeyError::new("tls", error.to_string()))
}
