//! An output that is ready to send.

use jiff::Timestamp;

use crate::backoff::Backoff;
use crate::config::{CommonConfig, KindConfig, OutputConfig};
use crate::error::{KeyError, OutputError, SendError};
use crate::jsonl::Jsonl;
use crate::message::Message;
use crate::smtp::Smtp;
use crate::syslog::Syslog;
use crate::webhook::Webhook;

/// An output that is ready to send: its secrets are read and its templates tried.
#[derive(Debug)]
pub struct Output {
    name: String,
    common: CommonConfig,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Webhook(Box<Webhook>),
    Jsonl(Jsonl),
    Syslog(Syslog),
    Smtp(Box<Smtp>),
}

impl Output {
    /// Makes ready what is configured. Reads files and environment variables that the configuration names; connects to nothing.
    ///
    /// # Errors
    ///
    /// What is wrong with the configuration, with the key at fault.
    pub fn new(config: &OutputConfig) -> Result<Self, OutputError> {
        let kind = Self::kind(config).map_err(|error| error.of(&config.name))?;
        Ok(Self { name: config.name.clone(), common: config.common.clone(), kind })
    }

    fn kind(config: &OutputConfig) -> Result<Kind, KeyError> {
        let events = &config.common.events;
        if events.is_empty() {
            return Err(KeyError::new("events", "the list is empty, so nothing would be sent"));
        }
        if config.common.rules.as_ref().is_some_and(Vec::is_empty) {
            return Err(KeyError::new(
                "rules",
                "the list is empty, so nothing would be sent; leave it out for all rules",
            ));
        }
        if config.common.retry.factor < 1.0 {
            return Err(KeyError::new("retry.factor", "want 1 or more"));
        }
        let template = config.template()?;
        let template = template.as_deref();
        Ok(match &config.kind {
            KindConfig::Webhook(settings) => Kind::Webhook(Box::new(Webhook::new(settings, template, events)?)),
            KindConfig::Jsonl(settings) => Kind::Jsonl(Jsonl::new(settings, template, events)?),
            KindConfig::Syslog(settings) => Kind::Syslog(Syslog::new(settings, template, events)?),
            KindConfig::Smtp(settings) => Kind::Smtp(Box::new(Smtp::new(settings, template, events)?)),
        })
    }

    /// The output's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When a message that was not sent is sent again.
    #[must_use]
    pub const fn retry(&self) -> &Backoff {
        &self.common.retry
    }

    /// Whether the output is to get a message: by event, severity and rule.
    #[must_use]
    pub fn wants(&self, message: &Message) -> bool {
        let CommonConfig { events, min_severity, rules, .. } = &self.common;
        let same = |rule: &String| {
            let rule = rule.to_lowercase();
            rule == message.rule_id.to_lowercase() || rule == message.rule_name.to_lowercase()
        };
        events.contains(&message.event.kind())
            && message.severity >= *min_severity
            && rules.as_ref().is_none_or(|rules| rules.iter().any(same))
    }

    /// Sends a message and waits until the other side has taken it, as far as its protocol tells.
    ///
    /// Blocks, up to the configured timeouts. `now` is the time of the attempt: it goes into signatures and headers.
    ///
    /// # Errors
    ///
    /// The message was not taken, or it is not known whether it was.
    pub fn send(&self, message: &Message, now: Timestamp) -> Result<(), SendError> {
        match &self.kind {
            Kind::Webhook(webhook) => webhook.send(message, now),
            Kind::Jsonl(jsonl) => jsonl.send(message),
            Kind::Syslog(syslog) => syslog.send(message),
            Kind::Smtp(smtp) => smtp.send(message, now),
        }
    }
}
