//! Messages to outputs: at least once, in order for each incident.

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
    /// Names of the outputs.
    pub fn outputs(&self) -> Vec<&str> {
        self.outputs.iter().map(Output::name).collect()
    }

    /// Sends what may be sent to an output now. A message that fails waits for its next try; one that is given up stays in
    /// the outbox, dead, with the reason. Outputs are served side by side, so that one that does not answer holds up no
    /// other.
    pub async fn deliver(&self, output: &str) -> Result<Delivered> {
        let mut all = Delivered::default();
        let Some(output) = self.outputs.iter().find(|known| known.name() == output) else { return Ok(all) };
        self.address()?;
        loop {
            let now = self.now();
            let entries = self.workspace.state().messages_to(output.name(), MOST)?;
            let pending: Vec<Pending> = entries.iter().map(pending).collect();
            let ready: Vec<&OutboxEntry> =
                sendable(&pending, now).into_iter().filter_map(|at| entries.get(at)).collect();
            if ready.is_empty() {
                all.next = entries.iter().map(|entry| entry.not_before).filter(|at| *at > now).min();
                return Ok(all);
            }
            for entry in ready {
                let after = self.send_one(output, entry, &mut all);
                self.workspace.change(|change| change.update_message(&after))?;
                // Between two messages there is time to stop.
                tokio::task::yield_now().await;
            }
        }
    }

    /// Gives each new message to the outputs that want it. Without this, and without outputs, they would be kept for ever.
    pub fn address(&self) -> Result<()> {
        if self.workspace.state().messages_to(UNADDRESSED, 1)?.is_empty() {
            return Ok(());
        }
        self.workspace.change(|change| {
            for entry in change.messages_to(UNADDRESSED, MOST)? {
                let message = message_of(&entry)?;
                for output in self.outputs.iter().filter(|output| output.wants(&message)) {
                    change.add_message(&OutboxEntry { output: output.name().to_string(), ..entry.clone() })?;
                }
                change.update_message(&OutboxEntry { state: OutboxState::Sent, ..entry })?;
            }
            Ok(())
        })
    }

    /// Gives up messages to outputs that are no more; how many there were.
    pub fn give_up_others(&self) -> Result<usize> {
        let mut names = self.outputs();
        names.push(UNADDRESSED);
        self.workspace.change(|change| change.give_up_others(&names, "there is no output of this name any more"))
    }

    /// Sends a message; the entry as it is afterwards.
    fn send_one(&self, output: &Output, entry: &OutboxEntry, done: &mut Delivered) -> OutboxEntry {
        let name = output.name();
        let mut after = entry.clone();
        after.attempts += 1;
        match tokio::task::block_in_place(|| send(output, entry, self.now())) {
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
        after
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
