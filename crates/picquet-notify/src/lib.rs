//! Alerts and incidents out of the workspace: webhook, JSON lines, syslog, e-mail.
//!
//! [`OutputConfig`] is an `[[output]]` table of the configuration, [`Output`] what is made of it, and [`Message`] what it sends.
//! The crate keeps nothing and reads no clock: whoever calls it keeps the messages until they are sent, asks [`sendable`] which
//! may go now, and [`Backoff`] when a failed one may go again. Delivery is at least once: a message whose answer is lost is
//! sent again, under the same id.

mod address;
mod backoff;
mod config;
mod document;
mod duration;
mod entities;
mod error;
mod jsonl;
mod message;
mod order;
mod output;
mod sample;
mod secret;
mod smtp;
mod syslog;
mod template;
mod webhook;

pub use backoff::Backoff;
pub use config::{
    Addresses, Basic, CommonConfig, Facility, Framing, JsonlConfig, KindConfig, OutputConfig, Rotation, SmtpConfig,
    SmtpTls, SyslogConfig, Transport, WebhookConfig, check_names,
};
pub use error::{OutputError, SendError};
pub use message::{Event, EventKind, Message};
pub use order::{Pending, sendable};
pub use output::Output;
pub use picquet_rules::Severity;
pub use secret::Secret;
