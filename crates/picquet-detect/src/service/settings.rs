//! The tables `[workspace]` and `[rules]` of `workspace.toml`.

use picquet_rules::{AlertContext, Duration, TechniqueFormat};
use picquet_store::{Settings, SettingsError, Workspace};
use serde::Deserialize;

use crate::failure::FailurePolicy;
use crate::schedule::{CatchUp, ScheduleSettings};

/// How rules run, and what alerts say of the workspace.
#[derive(Debug, Clone)]
pub struct ServiceSettings {
    /// What alerts say of the workspace.
    pub context: AlertContext,
    /// What happens with runs that were missed.
    pub schedule: ScheduleSettings,
    /// How failures are put up with.
    pub failures: FailurePolicy,
    /// How long a query may take.
    pub timeout: Duration,
    /// Rules that run side by side.
    pub parallel: usize,
    /// How long a run waits for files that are being taken in, whose rows it would have to see.
    pub ingestion_wait: Duration,
    /// How long runs are remembered.
    pub keep_runs: Duration,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct WorkspaceTable {
    name: Option<String>,
    subscription: Option<String>,
    resource_group: Option<String>,
    vendor: Option<String>,
    /// `T1078,T1110`, or a JSON array.
    techniques: Option<Techniques>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Techniques {
    Commas,
    Json,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RulesTable {
    catch_up: Option<CatchUp>,
    catch_up_limit: Option<Duration>,
    retries: Option<u32>,
    disable_after: Option<u32>,
    timeout: Option<Duration>,
    parallel: Option<usize>,
    ingestion_wait: Option<Duration>,
    keep_runs: Option<Duration>,
}

impl ServiceSettings {
    /// The settings of a workspace.
    pub fn of(workspace: &Workspace) -> Result<ServiceSettings, SettingsError> {
        ServiceSettings::read(workspace.settings(), workspace.id()).map_err(|(table, error)| SettingsError {
            path: workspace.path().join(picquet_store::SETTINGS_FILE),
            message: format!("[{table}]: {}", error.to_string().trim_end()),
        })
    }

    fn read(settings: &Settings, id: &str) -> Result<ServiceSettings, (&'static str, toml::de::Error)> {
        let workspace: WorkspaceTable = settings.workspace.clone().try_into().map_err(|error| ("workspace", error))?;
        let rules: RulesTable = settings.rules.clone().try_into().map_err(|error| ("rules", error))?;
        let context = AlertContext::default();
        let (schedule, failures) = (ScheduleSettings::default(), FailurePolicy::default());
        Ok(ServiceSettings {
            context: AlertContext {
                workspace_id: id.to_string(),
                workspace_name: workspace.name.unwrap_or(context.workspace_name),
                subscription_id: workspace.subscription.unwrap_or_default(),
                resource_group: workspace.resource_group.unwrap_or_default(),
                vendor_name: workspace.vendor.unwrap_or(context.vendor_name),
                technique_format: match workspace.techniques {
                    Some(Techniques::Json) => TechniqueFormat::JsonArray,
                    _ => TechniqueFormat::Commas,
                },
            },
            schedule: ScheduleSettings {
                catch_up: rules.catch_up.unwrap_or(schedule.catch_up),
                catch_up_limit: rules.catch_up_limit.unwrap_or(schedule.catch_up_limit),
            },
            failures: FailurePolicy {
                retries: rules.retries.unwrap_or(failures.retries),
                disable_after: rules.disable_after.unwrap_or(failures.disable_after),
                ..failures
            },
            timeout: rules.timeout.unwrap_or(Duration::from_minutes(10)),
            parallel: rules.parallel.unwrap_or(0),
            ingestion_wait: rules.ingestion_wait.unwrap_or(Duration::from_minutes(15)),
            keep_runs: rules.keep_runs.unwrap_or(Duration::from_hours(30 * 24)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ServiceSettings, String> {
        let settings: Settings = toml::from_str(text).unwrap();
        ServiceSettings::read(&settings, "id").map_err(|(table, error)| format!("[{table}]: {error}"))
    }

    #[test]
    fn settings_and_defaults() {
        let settings = read("[rules]\ncatch_up = 'latest'\ntimeout = '5m'\n[workspace]\nname = 'soc'\n").unwrap();
        assert_eq!(settings.schedule.catch_up, CatchUp::Latest);
        assert_eq!(settings.timeout, Duration::from_minutes(5));
        assert_eq!(settings.context.workspace_name, "soc");
        assert_eq!(settings.context.workspace_id, "id");
        assert_eq!(settings.failures, FailurePolicy::default());
    }

    #[test]
    fn wrong_settings_name_the_table() {
        let error = read("[rules]\ncatch_up = 'some'\n").unwrap_err();
        assert!(error.starts_with("[rules]: ") && error.contains("some"), "{error}");
        let error = read("[workspace]\nnmae = 'soc'\n").unwrap_err();
        assert!(error.contains("unknown field `nmae`"), "{error}");
    }
}
