//! `picquet serve`: a workspace at work until it is told to stop.

mod folders;
mod logging;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use kql_engine::{Engine, EngineOptions};
use picquet_detect::{Clock, Service, ServiceSettings, Watch};
use picquet_notify::{Output, OutputConfig, check_names};
use picquet_sources::{ExternalPolicy, Inbox};
use picquet_store::{Access, IngestFile, IngestOutcome, SETTINGS_FILE, Settings, Workspace};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::folders::Folders;
use self::logging::LogFormat;
use crate::clock::{ScaledClock, SystemClock};

/// How a workspace is served.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The workspace
    #[arg(long, short, value_name = "DIR", env = "PICQUET_WORKSPACE")]
    workspace: PathBuf,
    /// Rules from these files and folders too, besides the workspace's own folder
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    /// Rows are kept so long, by TimeGenerated, where workspace.toml says nothing of their table: 90d
    #[arg(long, value_name = "DURATION")]
    retention: Option<picquet_rules::Duration>,
    /// Let externaldata read this: the beginning of a URL, a file or a folder
    #[arg(long, value_name = "PLACE")]
    allow_external: Vec<String>,
    /// Form of the log on standard error; what is logged is set by the environment variable PICQUET_LOG
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log: LogFormat,
    #[command(flatten)]
    engine: crate::cli::EngineArgs,
    /// A clock for tests: START@SPEED@BEGAN; at the wall time BEGAN it shows START, and goes SPEED times as fast
    #[arg(long, value_name = "CLOCK", hide = true)]
    test_clock: Option<ScaledClock>,
}

/// What the loops of a served workspace share.
struct Served {
    workspace: Arc<Workspace>,
    service: Service,
    clock: Arc<dyn Clock>,
    rules: Vec<PathBuf>,
}

pub(crate) async fn run(args: &ServeArgs) -> anyhow::Result<bool> {
    logging::start(args.log)?;
    let external = ExternalPolicy { allowed: args.allow_external.clone(), replaced: Vec::new() };
    let mut settings = Settings::read(&args.workspace)?;
    settings.retention = settings.retention.or(args.retention);
    let workspace = Arc::new(Workspace::open_with(&args.workspace, Access::Own, external, settings).await?);
    let outputs = outputs(&workspace)?;
    let clock: Arc<dyn Clock> = match args.test_clock {
        Some(clock) => Arc::new(clock),
        None => Arc::new(SystemClock),
    };
    let engine = Engine::new(&EngineOptions::from(&args.engine))?;
    let ids = Box::new(|| uuid::Uuid::new_v4().to_string());
    let service = Service::new(
        Arc::clone(&workspace),
        engine,
        Arc::clone(&clock),
        ServiceSettings::of(&workspace)?,
        outputs,
        ids,
    );
    let rules = std::iter::once(workspace.path().join("rules")).chain(args.rules.iter().cloned()).collect();
    let served = Arc::new(Served { workspace, service, clock, rules });
    let (stop, stopped) = watch::channel(false);
    let signal = tokio::spawn(wait_for_signal(stop));
    tracing::info!(workspace = %served.workspace.path().display(), tables = served.workspace.tables().len(), "serving");
    writeln!(std::io::stderr(), "serving {}; Ctrl-C ends it", served.workspace.path().display())?;
    let (wake, woken) = watch::channel(0_u64);
    // A task each: taking in a large file and sending a message hold up their thread.
    let mut tasks = JoinSet::new();
    let (each, stop_each) = (|| Arc::clone(&served), || stopped.clone());
    tasks.spawn(watch_folders(each(), stop_each(), wake.clone()));
    tasks.spawn(take_in(each(), stop_each(), wake));
    tasks.spawn(schedule(each(), stop_each(), woken));
    tasks.spawn(deliver(each(), stop_each()));
    tasks.spawn(maintain(each(), stop_each()));
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a part of the program stopped; please report it");
        }
    }
    signal.abort();
    let rows = served.workspace.flush(served.clock.now()).await?;
    tracing::info!(rows, "stopped: all rows are in files");
    Ok(true)
}

/// The outputs of `workspace.toml`.
fn outputs(workspace: &Workspace) -> anyhow::Result<Vec<Output>> {
    let place = || format!("{}: [[output]]", workspace.path().join(SETTINGS_FILE).display());
    let mut configs = Vec::new();
    for table in &workspace.settings().output {
        let mut config: OutputConfig = table.clone().try_into().with_context(place)?;
        config.resolve(workspace.path());
        for warning in config.warnings() {
            tracing::warn!(output = config.name, "{warning}");
        }
        configs.push(config);
    }
    check_names(&configs).with_context(place)?;
    configs.iter().map(Output::new).collect::<Result<_, _>>().with_context(place)
}

/// Ends with the first signal to stop; a second one ends the program at once.
async fn wait_for_signal(stop: watch::Sender<bool>) {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
        tokio::select! {
            _ = interrupt => {}
            _ = terminate.recv() => {}
        }
        let _ = stop.send(true);
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        std::process::exit(130);
    }
    #[cfg(not(unix))]
    {
        let _ = interrupt.await;
        let _ = stop.send(true);
    }
}

/// Waits until the clock shows a time; whether work goes on.
async fn pause(clock: &dyn Clock, until: Timestamp, stopped: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        () = clock.sleep_until(until) => {}
        _ = stopped.wait_for(|stop| *stop) => {}
    }
    !*stopped.borrow()
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Rules, functions and watchlists as their files are, looked at every two seconds of real time.
async fn watch_folders(served: Arc<Served>, mut stopped: watch::Receiver<bool>, wake: watch::Sender<u64>) {
    let mut folders = Folders::new(served.workspace.path(), &served.rules);
    loop {
        if folders.changed() {
            folders.take_up(&served.service, served.clock.now());
            wake.send_modify(|count| *count += 1);
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(2)) => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    }
}

/// Files of the inbox into tables.
async fn take_in(served: Arc<Served>, mut stopped: watch::Receiver<bool>, wake: watch::Sender<u64>) {
    let inbox = match Inbox::open(&served.workspace.path().join("inbox"), Duration::from_secs(2)) {
        Ok(inbox) => inbox,
        Err(error) => return tracing::error!(%error, "the inbox cannot be read"),
    };
    let mut ups = inbox.watch(Duration::from_secs(2));
    loop {
        // Whether a file is complete is a matter of real time, whatever the clock of the rules shows.
        match inbox.scan(Timestamp::now()) {
            Ok(files) => {
                for file in files {
                    if *stopped.borrow() {
                        return;
                    }
                    take_in_one(&served, &inbox, file.path, file.table).await;
                    wake.send_modify(|count| *count += 1);
                }
            }
            Err(error) => tracing::error!(%error, "the inbox cannot be read"),
        }
        for note in inbox.take_notes() {
            tracing::info!("{note}");
        }
        tokio::select! {
            _ = ups.next() => {}
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    }
}

async fn take_in_one(served: &Served, inbox: &Inbox, path: PathBuf, table: String) {
    let file = IngestFile { path: path.clone(), table: table.clone(), again: false, keep_received: false };
    let shown = path.display().to_string();
    let moved = match served.workspace.ingest(&file, served.clock.now()).await {
        Ok(IngestOutcome::Taken { ingest, new_columns, .. }) => {
            let (rows, rejected) = (ingest.rows, ingest.rejected);
            tracing::info!(file = shown, table, rows, rejected, ?new_columns, "taken in");
            inbox.done(&path)
        }
        Ok(IngestOutcome::Known(known)) => {
            tracing::info!(file = shown, table, before = %known.received, "was taken in before");
            inbox.done(&path)
        }
        Err(error) => {
            tracing::error!(file = shown, table, %error, "not taken in");
            inbox.failed(&path, &error.to_string())
        }
    };
    if let Err(error) = moved {
        tracing::error!(file = shown, %error, "the file cannot be moved out of the inbox");
    }
}

/// Rules when they are due.
async fn schedule(served: Arc<Served>, mut stopped: watch::Receiver<bool>, mut woken: watch::Receiver<u64>) {
    // Rules first: without them everything would look as if it were gone.
    let _ = woken.changed().await;
    let mut clock = Watch::start(served.clock.now());
    loop {
        let (look, jump) = clock.look(served.clock.now());
        if let Some(jump) = jump {
            tracing::warn!(?jump, "the clock did not go on as it should");
        }
        let turn = tokio::select! {
            turn = served.service.turn(look) => turn,
            _ = stopped.wait_for(|stop| *stop) => {
                served.service.stop();
                return;
            }
        };
        for run in &turn.runs {
            let status = run.status.map(|status| format!("{status:?}")).unwrap_or_default();
            let (results, alerts, incidents) = (run.results, run.alerts, run.incidents);
            match &run.error {
                Some(error) => tracing::error!(rule = run.name, scheduled = %run.scheduled, error, "run failed"),
                None => {
                    tracing::info!(rule = run.name, scheduled = %run.scheduled, status, results, alerts, incidents, "run");
                }
            }
        }
        let wake = clock.wake(turn.next);
        tokio::select! {
            () = served.clock.sleep_until(wake) => {}
            _ = woken.changed() => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    }
}

/// Messages to outputs.
async fn deliver(served: Arc<Served>, mut stopped: watch::Receiver<bool>) {
    loop {
        let now = served.clock.now();
        let mut next = later(now, SignedDuration::from_secs(2));
        match served.service.deliver().await {
            Ok(delivered) => next = delivered.next.map_or(next, |at| at.min(next)),
            Err(error) => tracing::error!(%error, "messages were not sent"),
        }
        if !pause(served.clock.as_ref(), next, &mut stopped).await {
            return;
        }
    }
}

/// Rows into files, files together, old rows away.
async fn maintain(served: Arc<Served>, mut stopped: watch::Receiver<bool>) {
    loop {
        let now = served.clock.now();
        match served.workspace.maintain(now).await {
            Ok(done) if done != picquet_store::Maintained::default() => tracing::info!(?done, "maintenance"),
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "maintenance failed"),
        }
        if !pause(served.clock.as_ref(), later(now, SignedDuration::from_secs(60)), &mut stopped).await {
            return;
        }
    }
}
