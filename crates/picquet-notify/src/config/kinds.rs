//! The settings of each kind of output.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::is_loopback;
use crate::secret::Secret;

/// `kind` and its settings.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum KindConfig {
    /// HTTP POST.
    Webhook(WebhookConfig),
    /// Lines appended to a file.
    Jsonl(JsonlConfig),
    /// RFC 5424 messages.
    Syslog(SyslogConfig),
    /// E-mail.
    Smtp(SmtpConfig),
}

/// Settings of a webhook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// Where to post; http or https. Many services have their secret in it, so it can be one.
    pub url: Secret,
    /// Key of the signature: `whsec_` and base64, or any text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// Content type of the body; `application/json` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Token for `Authorization: Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer: Option<Secret>,
    /// User and password for `Authorization: Basic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic: Option<Basic>,
    /// Further headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Secret>,
    /// How long one attempt may take in all.
    #[serde(default = "ten_seconds", with = "crate::duration")]
    pub timeout: Duration,
    /// PEM file of the certificates that are trusted, instead of the public ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// User and password.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// User.
    pub user: String,
    /// Password.
    pub password: Secret,
}

/// Settings of a file of JSON lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonlConfig {
    /// The file; it and its folders are made as needed.
    pub path: PathBuf,
    /// When to start a new file; never if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate: Option<Rotation>,
}

/// When a file is put aside as `path.1`, `path.2`, ….
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// Before a line that would make the file larger than this.
    pub max_bytes: u64,
    /// How many old files are kept.
    #[serde(default = "five")]
    pub keep: u32,
}

/// Settings of syslog.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyslogConfig {
    /// How messages travel.
    #[serde(default)]
    pub transport: Transport,
    /// `host:port` for UDP and TCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The socket for `unix`; `/dev/log` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// How messages are told apart on TCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub framing: Option<Framing>,
    /// Facility.
    #[serde(default)]
    pub facility: Facility,
    /// APP-NAME.
    #[serde(default = "picquet")]
    pub app_name: String,
    /// HOSTNAME; this machine's name if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// How long connecting and writing may each take.
    #[serde(default = "ten_seconds", with = "crate::duration")]
    pub timeout: Duration,
}

/// How syslog messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// A datagram each.
    #[default]
    Udp,
    /// A connection each.
    Tcp,
    /// A socket of this machine.
    Unix,
}

/// How messages are told apart on TCP (RFC 6587).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Framing {
    /// The length before each message.
    #[default]
    OctetCounting,
    /// A line break after each message.
    Newline,
}

/// Facilities of syslog, by their usual names; the order is that of their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names are those of RFC 5424 and syslog.h")]
pub enum Facility {
    Kern,
    User,
    Mail,
    Daemon,
    Auth,
    Syslog,
    Lpr,
    News,
    Uucp,
    Cron,
    Authpriv,
    Ftp,
    Ntp,
    Audit,
    Alert,
    Clock,
    #[default]
    Local0,
    Local1,
    Local2,
    Local3,
    Local4,
    Local5,
    Local6,
    Local7,
}

/// Settings of e-mail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpConfig {
    /// The mail server.
    pub host: String,
    /// Its port; 587, 465 or 25 by `tls` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How the connection is encrypted.
    #[serde(default)]
    pub tls: SmtpTls,
    /// User, if the server wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The user's password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// Sender: `soc@example.com` or `Picquet <soc@example.com>`.
    pub from: String,
    /// Receivers.
    pub to: Addresses,
    /// Receivers of a copy.
    #[serde(default)]
    pub cc: Addresses,
    /// Template of the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Whether there is an HTML body beside the plain one.
    #[serde(default = "yes")]
    pub html: bool,
    /// Template of the HTML body; values are escaped in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html_template: Option<String>,
    /// A file with such a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html_template_file: Option<PathBuf>,
    /// The name that the server is greeted with; this machine's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hello: Option<String>,
    /// How long connecting, and each answer of the server, may take.
    #[serde(default = "thirty_seconds", with = "crate::duration")]
    pub timeout: Duration,
    /// PEM file of the certificates that are trusted, instead of the public ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// How a connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// It starts in the clear and must become encrypted before anything is sent.
    #[default]
    Starttls,
    /// From its first byte.
    Tls,
    /// Not at all.
    None,
}

/// One address or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "want an address or a list of addresses")]
pub enum Addresses {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Addresses {
    /// The addresses as they are written.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(address) => std::slice::from_ref(address),
            Self::Many(addresses) => addresses,
        }
    }
}

impl Default for Addresses {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

const fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

const fn thirty_seconds() -> Duration {
    Duration::from_secs(30)
}

const fn five() -> u32 {
    5
}

const fn yes() -> bool {
    true
}

fn picquet() -> String {
    "picquet".to_owned()
}

impl KindConfig {
    /// The paths of files among the settings.
    pub(super) fn paths(&mut self) -> Vec<&mut PathBuf> {
        fn files<'a>(secrets: impl IntoIterator<Item = &'a mut Secret>) -> impl Iterator<Item = &'a mut PathBuf> {
            secrets.into_iter().filter_map(|secret| match secret {
                Secret::File { file } => Some(file),
                Secret::Inline(_) | Secret::Env { .. } => None,
            })
        }
        match self {
            Self::Webhook(webhook) => {
                let secrets = webhook.secret.iter_mut().chain(&mut webhook.bearer).chain([&mut webhook.url]);
                let secrets = secrets.chain(webhook.basic.as_mut().map(|basic| &mut basic.password));
                files(secrets.chain(webhook.headers.values_mut())).chain(&mut webhook.ca_file).collect()
            }
            Self::Jsonl(jsonl) => vec![&mut jsonl.path],
            Self::Syslog(syslog) => syslog.path.iter_mut().collect(),
            Self::Smtp(smtp) => {
                files(&mut smtp.password).chain(&mut smtp.ca_file).chain(&mut smtp.html_template_file).collect()
            }
        }
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        let (secrets, clear) = match self {
            Self::Webhook(webhook) => {
                let secrets = vec![
                    ("secret", webhook.secret.as_ref()),
                    ("bearer", webhook.bearer.as_ref()),
                    ("basic.password", webhook.basic.as_ref().map(|basic| &basic.password)),
                ];
                (secrets, webhook.in_the_clear())
            }
            Self::Smtp(smtp) => {
                let clear = smtp.tls == SmtpTls::None && !is_loopback(&smtp.host);
                (vec![("password", smtp.password.as_ref())], clear.then_some("`tls`: messages are sent in the clear"))
            }
            Self::Jsonl(_) | Self::Syslog(_) => (Vec::new(), None),
        };
        let inline = secrets.into_iter().filter(|(_, secret)| secret.is_some_and(Secret::is_inline)).map(|(key, _)| {
            format!(r#"`{key}`: the secret is written in the configuration; {{ env = "NAME" }} or {{ file = "path" }} keep it out"#)
        });
        inline.chain(clear.map(str::to_owned)).collect()
    }
}

impl WebhookConfig {
    /// What is wrong with credentials over http to another machine; none also where the URL cannot be read.
    fn in_the_clear(&self) -> Option<&'static str> {
        let url = self.url.read().ok().and_then(|url| url::Url::parse(&url).ok())?;
        let clear = url.scheme() == "http" && !url.host_str().is_some_and(is_loopback);
        clear.then_some("`url`: messages are sent in the clear over http")
    }
}
