//! Messages to outputs: at least once, in order for each incident.

use std::collections::BTreeMap;

use jiff::Timestamp;
use picquet_notify::{Message, Output, Pending, sendable};
use picquet_store::{OutboxEntry, OutboxState, Result, StoreError};

use super::Service;
use super::commit::UNADDRESSED;

/// Messages that are looked at in one go.
const MOST: usize = 2000;

/// What became of messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Sent.
    pub sent: usize,
    /// Failed, to be sent again.
    pub failed: usize,
    /// Given up.
    pub dead: usize,
    /// When the next one may go, where one waits.
    pub next: Option<Timestamp>,
}

impl Service {
    /// Sends what may be sent now. A message that fails waits for its next try; one that is given up stays in the outbox,
    /// dead, with the reason.
    pub async fn deliver(&self) -> Result<Delivered> {
        let mut all = Delivered::default();
        self.address()?;
        loop {
            let now = self.now();
            let entries = self.workspace.state().messages(OutboxState::Pending, MOST)?;
            let pending: Vec<Pending> = entries.iter().map(pending).collect();
            let mut by_output: BTreeMap<&str, Vec<&OutboxEntry>> = BTreeMap::new();
            for at in sendable(&pending, now) {
                if let Some(entry) = entries.get(at) {
                    by_output.entry(entry.output.as_str()).or_default().push(entry);
                }
            }
            if by_output.is_empty() {
                all.next = entries.iter().map(|entry| entry.not_before).filter(|at| *at > now).min();
                return Ok(all);
            }
            let work = by_output.into_iter().map(|(name, entries)| self.deliver_to(name, entries, now));
            for done in futures::future::join_all(work).await {
                let done = done?;
                all.sent += done.sent;
                all.failed += done.failed;
                all.dead += done.dead;
            }
        }
    }

    /// Gives each new message to the outputs that want it.
    fn address(&self) -> Result<()> {
        let entries = self.workspace.state().messages(OutboxState::Pending, MOST)?;
        let new: Vec<&OutboxEntry> = entries.iter().filter(|entry| entry.output == UNADDRESSED).collect();
        if new.is_empty() {
            return Ok(());
        }
        self.workspace.change(|change| {
            for entry in new {
                let message = message_of(entry)?;
                for output in self.outputs.iter().filter(|output| output.wants(&message)) {
                    change.add_message(&OutboxEntry { output: output.name().to_string(), ..entry.clone() })?;
                }
                change.update_message(&OutboxEntry { state: OutboxState::Sent, ..entry.clone() })?;
            }
            Ok(())
        })
    }

    /// Sends messages to one output, one after the other.
    async fn deliver_to(&self, name: &str, entries: Vec<&OutboxEntry>, now: Timestamp) -> Result<Delivered> {
        let mut done = Delivered::default();
        let output = self.outputs.iter().find(|output| output.name() == name);
        for entry in entries {
            let mut after = entry.clone();
            after.attempts += 1;
            let sent = match output {
                Some(output) => tokio::task::block_in_place(|| send(output, entry, now)),
                None => Err((None, format!("there is no output '{name}' any more"))),
            };
            match sent {
                Ok(()) => {
                    done.sent += 1;
                    after.state = OutboxState::Sent;
                }
                Err((Some(next), error)) => {
                    done.failed += 1;
                    tracing::warn!(output = name, error, next = %next, "a message was not sent");
                    (after.not_before, after.error) = (next, Some(error));
                }
                Err((None, error)) => {
                    done.dead += 1;
                    tracing::error!(output = name, error, "a message was given up");
                    (after.state, after.error) = (OutboxState::Dead, Some(error));
                }
            }
            self.workspace.change(|change| change.update_message(&after))?;
        }
        Ok(done)
    }
}

fn pending(entry: &OutboxEntry) -> Pending {
    Pending {
        seq: entry.seq,
        output: entry.output.clone(),
        order_key: entry.order_key.clone(),
        not_before: entry.not_before,
        in_flight: false,
    }
}

fn message_of(entry: &OutboxEntry) -> Result<Message> {
    serde_json::from_value(entry.message.clone()).map_err(|source| StoreError::Record { what: "message", source })
}

/// Sends one message. The error has the time of the next try, where there is to be one.
fn send(output: &Output, entry: &OutboxEntry, now: Timestamp) -> Result<(), (Option<Timestamp>, String)> {
    let message = message_of(entry).map_err(|error| (None, error.to_string()))?;
    output.send(&message, now).map_err(|error| {
        let again = || output.retry().next(&message.id, entry.attempts + 1, entry.created, now, error.after);
        let next = error.retry.then(again).flatten();
        (next, error.message)
    })
}
