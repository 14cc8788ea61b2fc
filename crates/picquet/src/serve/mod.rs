//! `picquet serve`: a workspace at work until it is told to stop.

mod folders;
mod logging;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use kql_engine::{Engine, EngineOptions};
use picquet_detect::{Clock, RunReport, Service, ServiceSettings, Watch};
use picquet_notify::{Output, OutputConfig, check_names};
use picquet_sources::{ExternalPolicy, Inbox};
use picquet_store::{Access, IngestFile, IngestOutcome, SETTINGS_FILE, Settings, Workspace};
use tokio::sync::{mpsc, watch};
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
    /// How many milliseconds a file of the inbox must stay the same before it is taken in; for tests
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 2000, hide = true)]
    inbox_settle: u64,
}

/// New messages wait at most so long.
const LOOK_AT_MESSAGES: SignedDuration = SignedDuration::from_secs(2);

/// How long rules wait at the start for what has gathered in the inbox.
const INBOX_PATIENCE: Duration = Duration::from_secs(15 * 60);

/// What the loops of a served workspace share.
struct Served {
    workspace: Arc<Workspace>,
    service: Service,
    clock: Arc<dyn Clock>,
    rules: Vec<PathBuf>,
    /// How long a file of the inbox must stay the same before it is taken in.
    settle: Duration,
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
    let settle = Duration::from_millis(args.inbox_settle);
    let served = Arc::new(Served { workspace, service, clock, rules, settle });
    let (stop, stopped) = watch::channel(false);
    let signal = tokio::spawn(wait_for_signal(stop));
    tracing::info!(workspace = %served.workspace.path().display(), tables = served.workspace.tables().len(), "serving");
    writeln!(std::io::stderr(), "serving {}; Ctrl-C ends it", served.workspace.path().display())?;
    let (wake, woken) = watch::channel(0_u64);
    let (catching_up, caught_up) = watch::channel(false);
    // Tasks of their own: a large file, or an output that does not answer, must not hold up the rules.
    let mut loops = vec![
        tokio::spawn(Arc::clone(&served).watch_folders(stopped.clone(), wake.clone())),
        tokio::spawn(Arc::clone(&served).take_in(stopped.clone(), wake, catching_up)),
        tokio::spawn(Arc::clone(&served).address(stopped.clone())),
        tokio::spawn(Arc::clone(&served).maintain(stopped.clone())),
    ];
    for output in served.service.outputs() {
        loops.push(tokio::spawn(Arc::clone(&served).deliver(output.to_string(), stopped.clone())));
    }
    let loops = futures::future::try_join_all(loops);
    let rules = async {
        served.schedule(stopped.clone(), woken, caught_up).await;
        Ok(())
    };
    tokio::try_join!(rules, loops).context("a part of the service ended; please report it")?;
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

fn log_run(run: &RunReport) {
    let status = run.status.map(|status| format!("{status:?}")).unwrap_or_default();
    let (results, alerts, incidents) = (run.results, run.alerts, run.incidents);
    match &run.error {
        Some(error) => tracing::error!(rule = run.name, scheduled = %run.scheduled, error, "run failed"),
        None => tracing::info!(rule = run.name, scheduled = %run.scheduled, status, results, alerts, incidents, "run"),
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

impl Served {
    /// Rules, functions and watchlists as their files are, looked at every two seconds of real time.
    async fn watch_folders(self: Arc<Self>, mut stopped: watch::Receiver<bool>, wake: watch::Sender<u64>) {
        let mut folders = Folders::new(self.workspace.path(), &self.rules);
        loop {
            if folders.changed() {
                folders.take_up(&self.service, self.clock.now());
                wake.send_modify(|count| *count += 1);
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(2)) => {}
                _ = stopped.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// Files of the inbox into tables. Those that lay there at the start are in once `caught_up` says so.
    async fn take_in(
        self: Arc<Self>,
        mut stopped: watch::Receiver<bool>,
        wake: watch::Sender<u64>,
        caught_up: watch::Sender<bool>,
    ) {
        let inbox = match Inbox::open(&self.workspace.path().join("inbox"), self.settle) {
            Ok(inbox) => inbox,
            Err(error) => return tracing::error!(%error, "the inbox cannot be read"),
        };
        let mut ups = inbox.watch(Duration::from_secs(2));
        let started = Instant::now();
        loop {
            // A file is complete when two looks have found it the same.
            let is_second = started.elapsed() > self.settle;
            let mut found = false;
            // Whether a file is complete is a matter of real time, whatever the clock of the rules shows.
            match inbox.scan(Timestamp::now()) {
                Ok(files) => {
                    for file in files {
                        found = true;
                        if *stopped.borrow() {
                            return;
                        }
                        self.take_in_one(&inbox, file.path, file.table).await;
                        wake.send_modify(|count| *count += 1);
                    }
                }
                Err(error) => tracing::error!(%error, "the inbox cannot be read"),
            }
            for note in inbox.take_notes() {
                tracing::info!("{note}");
            }
            if is_second && !found {
                caught_up.send_replace(true);
            }
            tokio::select! {
                _ = ups.next() => {}
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                _ = stopped.wait_for(|stop| *stop) => return,
            }
        }
    }

    async fn take_in_one(&self, inbox: &Inbox, path: PathBuf, table: String) {
        let file = IngestFile { path: path.clone(), table: table.clone(), again: false, keep_received: false };
        let shown = path.display().to_string();
        let moved = match self.workspace.ingest(&file, self.clock.now()).await {
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

    /// Rules when they are due. One that takes long does not hold up the others.
    async fn schedule(
        &self,
        mut stopped: watch::Receiver<bool>,
        mut woken: watch::Receiver<u64>,
        mut caught_up: watch::Receiver<bool>,
    ) {
        // Rules first: without them everything would look as if it were gone. And what had gathered in the inbox while
        // nobody worked: runs that are caught up have to see it.
        let ready = async {
            let _ = woken.changed().await;
            let _ = tokio::time::timeout(INBOX_PATIENCE, caught_up.wait_for(|caught_up| *caught_up)).await;
        };
        tokio::select! {
            () = ready => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        let mut clock = Watch::start(self.clock.now());
        // What was begun is at work until it has told that it ended; dropping it ends it.
        let (tell, mut told) = mpsc::unbounded_channel();
        let mut at_work = JoinSet::new();
        loop {
            let (look, jump) = clock.look(self.clock.now());
            if let Some(jump) = jump {
                tracing::warn!(?jump, "the clock did not go on as it should");
            }
            let mut begun = self.service.begin(look);
            let wake = clock.wake(begun.next);
            if !begun.is_empty() {
                let tell = tell.clone();
                at_work.spawn(async move {
                    while let Some(turn) = begun.ended().await {
                        if tell.send(turn).is_err() {
                            return;
                        }
                    }
                });
            }
            tokio::select! {
                () = self.clock.sleep_until(wake) => {}
                _ = woken.changed() => {}
                Some(turn) = told.recv() => turn.runs.iter().for_each(log_run),
                _ = stopped.wait_for(|stop| *stop) => {
                    self.service.stop();
                    return;
                }
            }
            while at_work.try_join_next().is_some() {}
        }
    }

    /// New messages to the outputs that want them.
    async fn address(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        match self.service.give_up_others() {
            Ok(0) => {}
            Ok(count) => tracing::error!(count, "messages were given up: their outputs are gone"),
            Err(error) => tracing::error!(%error, "messages of outputs that are gone"),
        }
        loop {
            if let Err(error) = self.service.address() {
                tracing::error!(%error, "messages were not given to outputs");
            }
            if !pause(self.clock.as_ref(), later(self.clock.now(), LOOK_AT_MESSAGES), &mut stopped).await {
                return;
            }
        }
    }

    /// Messages to an output.
    async fn deliver(self: Arc<Self>, output: String, mut stopped: watch::Receiver<bool>) {
        loop {
            let now = self.clock.now();
            let mut next = later(now, LOOK_AT_MESSAGES);
            // It can be left between two messages.
            let delivered = tokio::select! {
                delivered = self.service.deliver(&output) => delivered,
                _ = stopped.wait_for(|stop| *stop) => return,
            };
            match delivered {
                Ok(delivered) => next = delivered.next.map_or(next, |at| at.min(next)),
                Err(error) => tracing::error!(%error, "messages were not sent"),
            }
            if !pause(self.clock.as_ref(), next, &mut stopped).await {
                return;
            }
        }
    }

    /// Rows into files, files together, old rows away.
    async fn maintain(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        loop {
            let now = self.clock.now();
            match self.workspace.maintain(now).await {
                Ok(done) if done != picquet_store::Maintained::default() => tracing::info!(?done, "maintenance"),
                Ok(_) => {}
                Err(error) => tracing::error!(%error, "maintenance failed"),
            }
            if !pause(self.clock.as_ref(), later(now, SignedDuration::from_secs(60)), &mut stopped).await {
                return;
            }
        }
    }
}
