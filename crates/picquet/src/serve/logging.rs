//! The log of a served workspace, on standard error.

use std::io::IsTerminal as _;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// The environment variable that says what is logged, as `info` or `picquet_detect=debug`.
const VARIABLE: &str = "PICQUET_LOG";

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// Lines for people
    Text,
    /// A JSON object a line
    Json,
}

pub(super) fn start(format: LogFormat) -> anyhow::Result<()> {
    let filter = match std::env::var(VARIABLE) {
        Ok(text) => EnvFilter::try_new(&text).map_err(|error| anyhow::anyhow!("{VARIABLE}={text}: {error}"))?,
        Err(_) => EnvFilter::new("warn,picquet=info,picquet_detect=info,picquet_store=info,picquet_notify=info"),
    };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("the log cannot be started: {error}"))
}
