//! Rules at work over a workspace: each run when it is due, once, and everything that follows from it in one transaction.
//!
//! [`Service::set_rules`] says which rules there are. [`Service::begin`] begins what is due at a look at the clock, [`Service::turn`]
//! waits for it too. [`Service::deliver`] sends what the runs had to tell.

mod commit;
mod deliver;
mod due;
mod people;
mod rules;
mod settings;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::Timestamp;
use kql_engine::{Cancel, Engine};
use picquet_notify::Output;
use picquet_rules::AnalyticsRule;
use picquet_store::{StoreError, Workspace};
use tokio::sync::Semaphore;

pub use self::deliver::Delivered;
pub use self::due::{Begun, RunReport, RunSpent, Turn};
pub use self::people::{IncidentEdit, edit_incident};
pub use self::rules::{RuleState, RulesChange, disable_rule, enable_rule};
pub use self::settings::ServiceSettings;
use crate::clock::Clock;

/// Gives a new GUID at each call.
pub type Ids = Box<dyn FnMut() -> String + Send>;

/// Rules at work. Clones are the same service.
#[derive(Clone)]
pub struct Service {
    workspace: Arc<Workspace>,
    engine: Arc<Engine>,
    clock: Arc<dyn Clock>,
    settings: Arc<ServiceSettings>,
    outputs: Arc<[Output]>,
    /// The rules that run, by id.
    rules: Arc<RwLock<BTreeMap<String, Arc<AnalyticsRule>>>>,
    ids: Arc<Mutex<Ids>>,
    /// Ids of the rules that are at work.
    busy: Arc<Mutex<HashSet<String>>>,
    /// One for each rule that may be at work at a time.
    turns: Arc<Semaphore>,
    cancel: Cancel,
}

impl Service {
    /// A service without rules yet.
    pub fn new(
        workspace: Arc<Workspace>,
        engine: Engine,
        clock: Arc<dyn Clock>,
        settings: ServiceSettings,
        outputs: Vec<Output>,
        ids: Ids,
    ) -> Service {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let parallel = if settings.parallel == 0 { processors } else { settings.parallel };
        Service {
            workspace,
            engine: Arc::new(engine),
            clock,
            settings: Arc::new(settings),
            outputs: outputs.into(),
            rules: Arc::default(),
            ids: Arc::new(Mutex::new(ids)),
            busy: Arc::default(),
            turns: Arc::new(Semaphore::new(parallel.min(Semaphore::MAX_PERMITS))),
            cancel: Cancel::default(),
        }
    }

    /// The workspace.
    pub fn workspace(&self) -> &Arc<Workspace> {
        &self.workspace
    }

    /// Ends running queries, for a shutdown: their runs are done again at the next start.
    pub fn stop(&self) {
        self.cancel.cancel();
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn next_id(&self) -> String {
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        ids()
    }

    fn rule_list(&self) -> Vec<Arc<AnalyticsRule>> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

/// A record of a table as JSON members.
fn members(
    what: &'static str,
    value: &impl serde::Serialize,
) -> Result<serde_json::Map<String, serde_json::Value>, StoreError> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::Object(members)) => Ok(members),
        Ok(_) => Ok(serde_json::Map::new()),
        Err(source) => Err(StoreError::Record { what, source }),
    }
}
