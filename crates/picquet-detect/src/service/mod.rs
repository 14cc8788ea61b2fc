//! Rules at work over a workspace: each run when it is due, once, and everything that follows from it in one transaction.
//!
//! [`Service::set_rules`] says which rules there are. [`Service::turn`] does what is due at a look at the clock: it is all
//! that the loop of `picquet serve`, simulations and tests need. [`Service::deliver`] sends what the runs had to tell.

mod commit;
mod deliver;
mod due;
mod people;
mod rules;
mod settings;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::Timestamp;
use kql_engine::{Cancel, Engine};
use picquet_notify::Output;
use picquet_rules::AnalyticsRule;
use picquet_store::{StoreError, Workspace};

pub use self::deliver::Delivered;
pub use self::due::{RunReport, Turn};
pub use self::people::{IncidentEdit, edit_incident};
pub use self::rules::{RuleState, RulesChange, disable_rule, enable_rule};
pub use self::settings::ServiceSettings;
use crate::clock::Clock;

/// Gives a new GUID at each call.
pub type Ids = Box<dyn FnMut() -> String + Send>;

/// Rules at work.
pub struct Service {
    workspace: Arc<Workspace>,
    engine: Engine,
    clock: Arc<dyn Clock>,
    settings: ServiceSettings,
    outputs: Vec<Output>,
    /// The rules that run, by id.
    rules: RwLock<BTreeMap<String, Arc<AnalyticsRule>>>,
    ids: Mutex<Ids>,
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
        Service {
            workspace,
            engine,
            clock,
            settings,
            outputs,
            rules: RwLock::default(),
            ids: Mutex::new(ids),
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
