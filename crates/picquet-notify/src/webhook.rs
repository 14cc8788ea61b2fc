//! Messages by HTTP POST, signed after the Standard Webhooks specification (standardwebhooks.com).

use std::io::Read;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use ureq::http::{HeaderMap, HeaderName, HeaderValue, Response};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};
use url::Url;

use crate::address::is_loopback;
use crate::config::WebhookConfig;
use crate::document;
use crate::error::{KeyError, SendError};
use crate::message::{EventKind, Message};
use crate::secret::Secret;
use crate::template::Template;

#[derive(Debug)]
pub(crate) struct Webhook {
    agent: Agent,
    url: Url,
    key: Option<Key>,
    headers: HeaderMap,
    template: Option<Template>,
}

/// How often a redirect within the server is followed.
const MOST_REDIRECTS: usize = 3;

/// Headers that are ours to set.
const RESERVED: [&str; 7] = [
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "content-type",
    "content-length",
    "host",
    "transfer-encoding",
];

impl Webhook {
    pub fn new(config: &WebhookConfig, template: Option<&str>, events: &[EventKind]) -> Result<Self, KeyError> {
        let url = url(&config.url)?;
        let key = match &config.secret {
            Some(secret) => Some(Key::new(&read("secret", secret)?)?),
            None => None,
        };
        let template = template.map(|source| Template::text("template", source, events)).transpose()?;
        let mut agent = Agent::config_builder()
            .timeout_global(Some(config.timeout))
            .max_redirects(0)
            .http_status_as_error(false)
            .user_agent(concat!("picquet/", env!("CARGO_PKG_VERSION")));
        if url.host_str().is_some_and(is_loopback) {
            agent = agent.proxy(None);
        }
        if let Some(file) = &config.ca_file {
            let pem = std::fs::read(file)
                .map_err(|error| KeyError::new("ca_file", format!("{} cannot be read: {error}", file.display())))?;
            agent = agent.tls_config(TlsConfig::builder().root_certs(roots(&pem)?).build());
        }
        Ok(Self { agent: Agent::new_with_config(agent.build()), url, key, headers: headers(config)?, template })
    }

    pub fn send(&self, message: &Message, now: Timestamp) -> Result<(), SendError> {
        let body = match &self.template {
            Some(template) => template.render(message)?,
            None => document::full(message).to_string(),
        };
        let timestamp = now.as_second().to_string();
        let header = |text: &str| {
            HeaderValue::from_str(text)
                .map_err(|_| SendError::never(format!("the id {text:?} cannot be a header's value")))
        };
        let mut headers = self.headers.clone();
        headers.insert("webhook-id", header(&message.id)?);
        headers.insert("webhook-timestamp", header(&timestamp)?);
        if let Some(key) = &self.key {
            headers.insert("webhook-signature", header(&key.signature(&message.id, &timestamp, &body))?);
        }
        let mut url = self.url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let mut request = self.agent.post(url.as_str());
            if let Some(all) = request.headers_mut() {
                all.extend(headers.clone());
            }
            let response = request.send(body.as_bytes()).map_err(|error| self.failed(&error))?;
            if !response.status().is_redirection() {
                return answered(response, now);
            }
            url = self.redirected(&url, &response)?;
        }
        Err(SendError::never(format!("{} redirects more than {MOST_REDIRECTS} times", self.server())))
    }

    /// The server without what may be secret: path and query.
    fn server(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    fn failed(&self, error: &ureq::Error) -> SendError {
        use ureq::Error;
        let message = format!("{}: {error}", self.server());
        match error {
            Error::Http(_) | Error::BadUri(_) | Error::InvalidProxyUrl | Error::BodyExceedsLimit(_) => {
                SendError::never(message)
            }
            _ => SendError::later(message),
        }
    }

    /// Where a redirect leads, if the same request may be made there: only within the server, and only if the method stays.
    fn redirected(&self, from: &Url, response: &Response<Body>) -> Result<Url, SendError> {
        let status = response.status();
        let location = response.headers().get("location").and_then(|to| to.to_str().ok());
        let to = location.and_then(|to| from.join(to).ok());
        match to {
            Some(to) if to.origin() == self.url.origin() && matches!(status.as_u16(), 307 | 308) => Ok(to),
            Some(to) => {
                let (here, there) = (self.server(), to.origin().ascii_serialization());
                let what = "messages follow redirects 307 and 308 within the server only";
                Err(SendError::never(format!("{here} answers {status} and leads to {there}; {what}")))
            }
            None => Err(SendError::never(format!("{} answers {status} without saying where to go", self.server()))),
        }
    }
}

fn read(key: &'static str, secret: &Secret) -> Result<String, KeyError> {
    secret.read().map_err(|message| KeyError::new(key, message))
}

fn url(config: &Secret) -> Result<Url, KeyError> {
    let error = |message: String| KeyError::new("url", message);
    let text = read("url", config)?;
    // The text may be secret, so it is not in messages.
    let url = Url::parse(text.trim()).map_err(|problem| error(format!("is no URL: {problem}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(error(format!("want http or https, not {}", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(error("user and password belong in `basic`".to_owned()));
    }
    Ok(url)
}

fn headers(config: &WebhookConfig) -> Result<HeaderMap, KeyError> {
    let value = |key: &'static str, text: &str| {
        HeaderValue::from_str(text).map_err(|_| KeyError::new(key, "holds characters that a header cannot have"))
    };
    let mut headers = HeaderMap::new();
    let content_type = config.content_type.as_deref().unwrap_or("application/json");
    headers.insert("content-type", value("content_type", content_type)?);
    for (name, text) in &config.headers {
        let wrong = |message: &str| KeyError::new("headers", format!("`{name}`: {message}"));
        let parsed: HeaderName = name.parse().map_err(|_| wrong("is no name of a header"))?;
        if RESERVED.contains(&parsed.as_str()) {
            return Err(wrong("is set by the output itself"));
        }
        let text = text.read().map_err(|message| wrong(&message))?;
        let mut text = HeaderValue::from_str(&text).map_err(|_| wrong("holds characters that a header cannot have"))?;
        text.set_sensitive(true);
        headers.insert(parsed, text);
    }
    let authorization = match (&config.bearer, &config.basic) {
        (Some(_), Some(_)) => return Err(KeyError::new("basic", "`bearer` is given too; want one of the two")),
        (Some(token), None) => Some(("bearer", format!("Bearer {}", read("bearer", token)?))),
        (None, Some(basic)) => {
            let password = read("basic.password", &basic.password)?;
            Some(("basic", format!("Basic {}", STANDARD.encode(format!("{}:{password}", basic.user)))))
        }
        (None, None) => None,
    };
    if let Some((key, text)) = authorization {
        let mut text = value(key, &text)?;
        text.set_sensitive(true);
        if headers.insert("authorization", text).is_some() {
            return Err(KeyError::new(key, "`headers` has `authorization` too; want one of the two"));
        }
    }
    Ok(headers)
}

fn roots(pem: &[u8]) -> Result<RootCerts, KeyError> {
    let mut certificates = Vec::new();
    for item in parse_pem(pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(error) => return Err(KeyError::new("ca_file", format!("is no PEM file: {error}"))),
        }
    }
    match certificates.is_empty() {
        true => Err(KeyError::new("ca_file", "holds no certificate (PEM)")),
        false => Ok(RootCerts::new_with_certs(&certificates)),
    }
}

/// How much of an answer goes into an error.
const ANSWER_BYTES: u64 = 300;

fn answered(mut response: Response<Body>, now: Timestamp) -> Result<(), SendError> {
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let retry = matches!(status.as_u16(), 408 | 425 | 429) || status.is_server_error();
    let after = response.headers().get("retry-after").and_then(|after| after.to_str().ok());
    let after = after.filter(|_| retry).and_then(|after| retry_after(after, now));
    let mut answer = Vec::new();
    // What comes of the answer is enough: it is only shown.
    let _ = response.body_mut().as_reader().take(ANSWER_BYTES).read_to_end(&mut answer);
    let answer = document::one_line(&String::from_utf8_lossy(&answer));
    let message = match answer.trim() {
        "" => format!("answered {status}"),
        answer => format!("answered {status}: {answer}"),
    };
    Err(SendError { retry, message, after })
}

/// The wait that a Retry-After header asks for: seconds, or a date (RFC 9110, section 10.2.3).
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let wait = Timestamp::try_from(date).ok()?.duration_since(now);
    // A date that is past asks for no wait.
    Some(Duration::try_from(wait).unwrap_or_default())
}

/// The key of signatures.
struct Key(Hmac<Sha256>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    fn new(secret: &str) -> Result<Self, KeyError> {
        let bytes = match secret.strip_prefix("whsec_") {
            Some(encoded) => STANDARD
                .decode(encoded)
                .map_err(|error| KeyError::new("secret", format!("what follows `whsec_` is not base64: {error}")))?,
            None => secret.as_bytes().to_vec(),
        };
        if bytes.is_empty() {
            return Err(KeyError::new("secret", "is empty"));
        }
        let mac = Hmac::new_from_slice(&bytes).map_err(|error| KeyError::new("secret", error.to_string()))?;
        Ok(Self(mac))
    }

    fn signature(&self, id: &str, timestamp: &str, body: &str) -> String {
        let mac = self.0.clone().chain_update(id).chain_update(".").chain_update(timestamp).chain_update(".");
        format!("v1,{}", STANDARD.encode(mac.chain_update(body).finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_of_the_specification() {
        // The example that the specification's libraries test with.
        let key = Key::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = key.signature("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn waits_that_are_asked_for() {
        let now: Timestamp = "1994-11-06T08:49:00Z".parse().unwrap();
        let cases = [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(37)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(37)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
        ];
        for (text, seconds) in cases {
            assert_eq!(retry_after(text, now), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
