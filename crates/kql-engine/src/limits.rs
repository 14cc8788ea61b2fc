//! How long a query may run, how much it may give, and how it is told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use datafusion::common::Result as DfResult;
use datafusion::common::config::{ConfigEntry, ConfigExtension, ConfigOptions, ExtensionOptions};
use datafusion::common::exec_err;
use kql_functions::EvalError;
use kql_functions::interrupt::Stop;
use tokio::sync::Notify;

use crate::QueryError;
use crate::settings::Settings;

/// Kusto's most rows of a result.
pub const MOST_RECORDS: u64 = 500_000;
/// Kusto's most bytes of a result: 64 MB.
pub const MOST_BYTES: u64 = 64 << 20;

/// What a query may take and give. A `set` in its text goes before.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Most rows of a result; a larger one is an error. `None`: all.
    pub records: Option<u64>,
    /// Most bytes of a result's values; a larger one is an error. `None`: all.
    pub bytes: Option<u64>,
    /// How long a query may run. A limit needs a runtime with time enabled.
    pub timeout: Option<Duration>,
    /// Ends the query from outside.
    pub cancel: Option<Cancel>,
}

impl Default for Limits {
    /// Kusto's limits on results (its page on query limits), and no limit of time.
    fn default() -> Self {
        Limits { records: Some(MOST_RECORDS), bytes: Some(MOST_BYTES), timeout: None, cancel: None }
    }
}

impl Limits {
    /// These limits, changed by what a query sets.
    pub(crate) fn with(&self, settings: &Settings) -> Limits {
        let mut limits = self.clone();
        limits.records = settings.truncation_records.or(limits.records);
        limits.bytes = settings.truncation_bytes.or(limits.bytes);
        if settings.no_truncation {
            (limits.records, limits.bytes) = (None, None);
        }
        limits.timeout = match (settings.timeout, limits.timeout) {
            (Some(set), Some(outer)) => Some(set.min(outer)),
            (set, outer) => set.or(outer),
        };
        limits
    }

    /// The error of a result of more than so many rows or bytes, in Kusto's words.
    pub(crate) fn check_result(&self, records: u64, bytes: u64) -> Result<(), QueryError> {
        let (what, most) = match (self.records, self.bytes) {
            (Some(most), _) if records > most => ("record count", most),
            (_, Some(most)) if bytes > most => ("data size", most),
            _ => return Ok(()),
        };
        Err(QueryError::Failed(format!(
            "Query result set has exceeded the internal {what} limit {most} (E_QUERY_RESULT_SET_TOO_LARGE). Give fewer \
             rows or columns, or begin the query with `set notruncation;` for all of them."
        )))
    }
}

/// Ends queries from another thread. Clones are the same handle.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<Cancelled>);

#[derive(Debug, Default)]
struct Cancelled {
    asked: AtomicBool,
    told: Notify,
}

impl Cancel {
    /// Ends the queries that run under this handle, and those that begin later.
    pub fn cancel(&self) {
        self.0.asked.store(true, Ordering::SeqCst);
        self.0.told.notify_waiters();
    }

    /// Whether it was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.0.asked.load(Ordering::Relaxed)
    }

    async fn wait(&self) {
        let told = self.0.told.notified();
        if !self.is_cancelled() {
            told.await;
        }
    }
}

/// The stop of one query: its cancellation and its deadline.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupt {
    cancel: Option<Cancel>,
    deadline: Option<Instant>,
}

impl Interrupt {
    /// The stop of a query that begins now.
    pub(crate) fn new(limits: &Limits) -> Interrupt {
        let deadline = limits.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        Interrupt { cancel: limits.cancel.clone(), deadline }
    }

    /// An error once the query should end.
    pub(crate) fn check(&self) -> Result<(), EvalError> {
        self.reason().map_or(Ok(()), |reason| Err(EvalError(reason)))
    }

    /// Ends when the query should end, with the reason.
    pub(crate) async fn stopped(&self) -> QueryError {
        let cancelled = async {
            match &self.cancel {
                Some(cancel) => cancel.wait().await,
                None => std::future::pending().await,
            }
        };
        let expired = async {
            match self.deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = cancelled => {}
            () = expired => {}
        }
        QueryError::Failed(self.reason().unwrap_or_else(|| EXPIRED.to_string()))
    }

    /// The stop that kernels were given with their settings.
    pub(crate) fn of(options: &ConfigOptions) -> Option<&Interrupt> {
        options.extensions.get::<Interrupt>()
    }
}

/// Kusto's words.
const EXPIRED: &str = "Query execution has resulted in error (0x80DA0006): Query is expired. Allow more time with \
                       --timeout or `set servertimeout`.";
const CANCELLED: &str = "Query execution was cancelled.";

impl Stop for Interrupt {
    fn reason(&self) -> Option<String> {
        if self.cancel.as_ref().is_some_and(Cancel::is_cancelled) {
            return Some(CANCELLED.to_string());
        }
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline).then(|| EXPIRED.to_string())
    }
}

impl ConfigExtension for Interrupt {
    const PREFIX: &'static str = "picquet";
}

impl ExtensionOptions for Interrupt {
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn std::any::Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, _: &str) -> DfResult<()> {
        exec_err!("there is no setting '{key}'")
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}
