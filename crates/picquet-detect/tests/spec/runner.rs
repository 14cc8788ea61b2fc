//! A workspace at work, driven look by look as `picquet serve` does it, with a clock that is set.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use kql_engine::{Engine, EngineOptions, Limits, QueryError, QueryOptions, json};
use kql_functions::{Type, Val};
use picquet_detect::{
    Clock as _, IncidentEdit, ReplaySettings, Service, ServiceSettings, TestClock, Watch, disable_rule, edit_incident,
    enable_rule, from_ticks, replay, to_ticks,
};
use picquet_rules::{AlertContext, AnalyticsRule, Closing, load_text};
use picquet_sources::ExternalPolicy;
use picquet_store::{Access, FunctionRow, IngestFile, IngestOutcome, RunRow, SETTINGS_FILE, WatchlistRow, Workspace};
use serde_json::Value;

use crate::document::Block;
use crate::table::{TextTable, cell};
use crate::when::{short, time};

/// What the cases' `externaldata` reads, where a case gives it.
const FEED: &str = "https://feed.example/list.csv";

/// Keys that a rule has unless its block says otherwise.
const KEYS: [(&str, &str); 8] = [
    ("name", "A rule"),
    ("kind", "Scheduled"),
    ("severity", "Medium"),
    ("query", "T"),
    ("queryFrequency", "1h"),
    ("queryPeriod", "1h"),
    ("triggerOperator", "gt"),
    ("triggerThreshold", "0"),
];

/// What a script works on.
pub struct Runner {
    folder: tempfile::TempDir,
    clock: Arc<TestClock>,
    rules: Vec<AnalyticsRule>,
    /// Names of all rules that there ever were: the place of a name is the rule's id.
    names: Vec<String>,
    ids: Arc<AtomicU64>,
    files: usize,
    /// Nothing before the first block that needs it, and while the runner is stopped.
    serving: Option<Serving>,
    stopped: bool,
}

struct Serving {
    service: Service,
    watch: Watch,
}

type Done<T> = Result<T, String>;

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl Default for Runner {
    fn default() -> Runner {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::new(time("00:00").unwrap()));
        let (rules, names, ids) = (Vec::new(), Vec::new(), Arc::default());
        Runner { folder, clock, rules, names, ids, files: 0, serving: None, stopped: false }
    }
}

impl Runner {
    fn place(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    fn feed(&self) -> PathBuf {
        self.folder.path().join("feed.csv")
    }

    async fn start(&mut self) -> Done<()> {
        let place = self.place();
        if !place.join("rules").exists() {
            Workspace::init(&place).map_err(text)?;
        }
        let external = ExternalPolicy { allowed: Vec::new(), replaced: vec![(FEED.to_string(), self.feed())] };
        let workspace = Arc::new(Workspace::open(&place, Access::Own, external).await.map_err(text)?);
        let settings = ServiceSettings::of(&workspace).map_err(text)?;
        let engine = Engine::new(&EngineOptions::default()).map_err(text)?;
        let ids = Arc::clone(&self.ids);
        let next = Box::new(move || format!("00000000-0000-0000-0000-{:012}", ids.fetch_add(1, Ordering::Relaxed) + 1));
        let clock = Arc::clone(&self.clock);
        let service = Service::new(workspace, engine, clock, settings, Vec::new(), next);
        service.set_rules(self.rules.clone()).map_err(text)?;
        self.serving = Some(Serving { service, watch: Watch::start(self.clock.now()) });
        self.stopped = false;
        Ok(())
    }

    /// The running service, which the first block that needs it starts.
    async fn serving(&mut self) -> Done<&mut Serving> {
        if self.serving.is_none() {
            if self.stopped {
                return Err("the runner is stopped".to_string());
            }
            self.start().await?;
        }
        self.serving.as_mut().ok_or_else(String::new)
    }

    async fn workspace(&mut self) -> Done<Arc<Workspace>> {
        Ok(Arc::clone(self.serving().await?.service.workspace()))
    }

    /// What `picquet serve` does at a look; when it looks again.
    async fn look(&mut self) -> Done<Timestamp> {
        let now = self.clock.now();
        let Serving { service, watch } = self.serving().await?;
        let (look, _) = watch.look(now);
        let turn = service.turn(look).await;
        Ok(watch.wake(turn.next))
    }

    async fn until(&mut self, end: Timestamp) -> Done<()> {
        if self.stopped {
            self.clock.set(end);
            return Ok(());
        }
        loop {
            let wake = self.look().await?;
            let now = self.clock.now();
            if now >= end {
                return Ok(());
            }
            let tick = now + SignedDuration::from_secs(1);
            self.clock.set(wake.max(tick).min(end));
        }
    }

    /// Leaves the workspace as a process does that ends, or that is killed.
    async fn stop(&mut self, orderly: bool) -> Done<()> {
        if let Some(serving) = self.serving.take()
            && orderly
        {
            serving.service.stop();
            serving.service.workspace().flush(self.clock.now()).await.map_err(text)?;
        }
        self.stopped = true;
        Ok(())
    }

    /// A block that does something.
    pub async fn execute(&mut self, block: &Block) -> Done<()> {
        match block.kind.as_str() {
            "toml" => {
                if self.serving.is_some() {
                    return Err("settings are read at a start".to_string());
                }
                std::fs::create_dir_all(self.place()).map_err(text)?;
                std::fs::write(self.place().join(SETTINGS_FILE), &block.text).map_err(text)
            }
            "yaml" => self.put_rule(&block.text).await,
            "jsonl" => self.ingest(&block.rest, &block.text).await,
            "csv" if block.rest == FEED => std::fs::write(self.feed(), &block.text).map_err(text),
            "csv" => self.put_watchlist(&block.rest, &block.text).await,
            "function" => self.put_function(&block.rest, &block.text).await,
            "steps" => {
                for step in block.text.lines().filter(|line| !line.trim().is_empty()) {
                    self.step(step.trim()).await.map_err(|error| format!("{step}: {error}"))?;
                }
                Ok(())
            }
            other => Err(format!("there is no block '{other}'")),
        }
    }

    async fn put_rule(&mut self, block: &str) -> Done<()> {
        let given = |key: &str| block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        let is_nrt = given("kind").is_some_and(|kind| kind.trim() == "NRT");
        let mut rule = block.to_string();
        for (key, value) in KEYS {
            let scheduled = key.starts_with("query") && key != "query" || key.starts_with("trigger");
            if given(key).is_none() && !(is_nrt && scheduled) {
                rule.push_str(&format!("{key}: {value}\n"));
            }
        }
        let name = given("name").unwrap_or("A rule").trim().to_string();
        let id = self.names.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.names.push(name.clone());
            self.names.len() - 1
        });
        if given("id").is_none() {
            rule.push_str(&format!("id: 10000000-0000-0000-0000-{:012}\n", id + 1));
        }
        let mut loaded = load_text(&format!("{name}.yaml"), &rule);
        if !loaded.errors.is_empty() || loaded.rules.len() != 1 {
            return Err(format!("{:?}", loaded.errors));
        }
        self.rules.retain(|known| known.name != name);
        self.rules.push(loaded.rules.remove(0));
        self.new_rules().await
    }

    /// The rules' folder has changed.
    async fn new_rules(&mut self) -> Done<()> {
        if self.stopped {
            return Ok(());
        }
        let rules = self.rules.clone();
        self.serving().await?.service.set_rules(rules).map_err(text)?;
        self.look().await?;
        Ok(())
    }

    async fn ingest(&mut self, table: &str, rows: &str) -> Done<()> {
        let mut file = String::new();
        for row in rows.lines() {
            let mut row: Value = serde_json::from_str(row).map_err(text)?;
            if let Some(generated) = row.get_mut("TimeGenerated") {
                *generated = Value::from(generated.as_str().and_then(time).ok_or("no time")?.to_string());
            }
            file.push_str(&format!("{row}\n"));
        }
        self.files += 1;
        let path = self.folder.path().join(format!("{}.jsonl", self.files));
        std::fs::write(&path, file).map_err(text)?;
        let file = IngestFile { path, table: table.to_string(), again: true, keep_received: false };
        let now = self.clock.now();
        match self.workspace().await?.ingest(&file, now).await.map_err(text)? {
            IngestOutcome::Taken { ingest, .. } if ingest.rejected == 0 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    }

    async fn put_watchlist(&mut self, alias: &str, csv: &str) -> Done<()> {
        let (alias, csv, updated) = (alias.to_string(), csv.as_bytes().to_vec(), self.clock.now());
        let row = WatchlistRow { alias, search_key: None, csv, file: String::new(), updated };
        let workspace = self.workspace().await?;
        workspace.change(|change| change.put_watchlist(&row)).map_err(text)?;
        workspace.reload_library().map_err(text)
    }

    async fn put_function(&mut self, name: &str, body: &str) -> Done<()> {
        let (name, body, updated) = (name.to_string(), body.to_string(), self.clock.now());
        let row = FunctionRow { name, parameters: String::new(), body, file: String::new(), updated };
        let workspace = self.workspace().await?;
        workspace.change(|change| change.put_function(&row)).map_err(text)?;
        workspace.reload_library().map_err(text)
    }

    async fn step(&mut self, step: &str) -> Done<()> {
        let (verb, rest) = step.split_once(' ').unwrap_or((step, ""));
        match verb {
            "until" => self.until(time(rest).ok_or("no time")?).await,
            "stop" => self.stop(true).await,
            "kill" => self.stop(false).await,
            "start" if self.serving.is_none() => self.start().await,
            "maintain" => {
                let now = self.clock.now();
                self.workspace().await?.maintain(now).await.map(|_| ()).map_err(text)
            }
            "flush" => {
                let now = self.clock.now();
                self.workspace().await?.flush(now).await.map(|_| ()).map_err(text)
            }
            "remove" => {
                self.rules.retain(|rule| rule.name != rest);
                self.new_rules().await
            }
            "disable" => disable_rule(&*self.workspace().await?, rest, "").map(|_| ()).map_err(text),
            "enable" => enable_rule(&*self.workspace().await?, rest).map(|_| ()).map_err(text),
            "close" => self.close(&rest.split(' ').collect::<Vec<_>>()).await,
            _ => Err("there is no such step".to_string()),
        }
    }

    async fn close(&mut self, words: &[&str]) -> Done<()> {
        let (number, classification) = match words {
            [number, classification, ..] => (number, classification),
            _ => return Err("close NUMBER CLASSIFICATION [REASON]".to_string()),
        };
        let reason = words.get(2).map(|reason| reason.parse()).transpose().map_err(text)?;
        let classification = classification.parse().map_err(text)?;
        let closing = Closing { classification, reason, comment: String::new() };
        let now = self.clock.now();
        let message_id = format!("00000000-0000-0000-0000-{:012}", self.ids.fetch_add(1, Ordering::Relaxed) + 1);
        let workspace = self.workspace().await?;
        let context = ServiceSettings::of(&workspace).map_err(text)?.context;
        let number = number.parse().map_err(text)?;
        let edit = IncidentEdit { number, by: "alex@contoso.com", now, context: &context, message_id };
        edit_incident(&workspace, edit, |incident, edit| incident.close(closing, edit)).map_err(text)?;
        Ok(())
    }

    /// The answer of a query over everything in the workspace.
    pub async fn query(&mut self, query: &str) -> Done<TextTable> {
        let workspace = self.workspace().await?;
        let snapshot = workspace.snapshot().map_err(text)?;
        let engine = Engine::new(&EngineOptions::default()).map_err(text)?;
        let options = QueryOptions { now: to_ticks(self.clock.now()), ..QueryOptions::default() };
        let answer = engine.query(query, &snapshot, &options).await.map_err(|error| match error {
            QueryError::Invalid(diagnostics) => format!("{diagnostics:?}"),
            other => other.to_string(),
        })?;
        let columns = &answer.result.columns;
        let shown = |(value, (_, ty)): (&Val<'_>, &(String, Type))| match (value, json::to_json(value)) {
            (Val::DateTime(ticks), _) if *ty == Type::DateTime => short(from_ticks(*ticks)),
            (_, Value::Null) => String::new(),
            (_, Value::String(text)) => cell(&text),
            (_, other) => cell(&other.to_string()),
        };
        Ok(TextTable {
            header: columns.iter().map(|(name, _)| name.clone()).collect(),
            rows: answer.result.rows().map(|row| row.iter().zip(columns).map(shown).collect()).collect(),
        })
    }

    /// The runs, in order of their instants, in the columns of the header.
    pub async fn runs(&mut self, header: &[String]) -> Done<TextTable> {
        let state = self.workspace().await?;
        let rules = state.state().rules().map_err(text)?;
        let mut runs = state.state().runs(None, None).map_err(text)?;
        runs.sort_by(|a, b| (a.scheduled, &a.rule).cmp(&(b.scheduled, &b.rule)));
        let column = |run: &RunRow, name: &str| match name {
            "rule" => rules.iter().find(|rule| rule.id == run.rule).map(|rule| rule.name.clone()).unwrap_or_default(),
            "window" => format!("{} to {}", short(run.window_start), short(run.scheduled)),
            "scheduled" => short(run.scheduled),
            "started" => short(run.started),
            "ended" => short(run.ended),
            "status" => run.status.clone(),
            "results" => run.results.map(|n| n.to_string()).unwrap_or_default(),
            "alerts" => run.alerts.to_string(),
            "attempts" => run.attempts.to_string(),
            "error" => cell(run.error.as_deref().unwrap_or_default()),
            other => panic!("runs have no column '{other}'"),
        };
        let rows = runs.iter().map(|run| header.iter().map(|name| column(run, name)).collect()).collect();
        Ok(TextTable { header: header.to_vec(), rows })
    }

    /// The figures of a replay over what is in the workspace: `RULE from TIME to TIME`.
    pub async fn replay(&mut self, what: &str, header: &[String]) -> Done<TextTable> {
        let (name, times) = what.split_once(" from ").ok_or("no beginning")?;
        let (from, to) = times.split_once(" to ").ok_or("no end")?;
        let snapshot = self.workspace().await?.snapshot().map_err(text)?;
        let rule = self.rules.iter().find(|rule| rule.name == name).ok_or("no such rule")?;
        let settings = ReplaySettings {
            from: time(from).ok_or("no time")?,
            to: time(to).ok_or("no time")?,
            delays: BTreeMap::new(),
            context: AlertContext::default(),
            limits: Limits::default(),
        };
        let engine = Engine::new(&EngineOptions::default()).map_err(text)?;
        let mut next_id = || String::from("00000000-0000-0000-0000-000000000000");
        let stopwatch = || std::time::Duration::ZERO;
        let replayed = replay(&engine, &snapshot, rule, &settings, &mut next_id, &stopwatch, &mut |_, _| {}).await;
        let figures = replayed.ok_or("the rule runs no query")?.summary;
        let time = |time: Option<Timestamp>| time.map(short).unwrap_or_default();
        let column = |name: &String| match name.as_str() {
            "windows" => figures.windows.to_string(),
            "windows_with_alerts" => figures.windows_with_alerts.to_string(),
            "results" => figures.results.to_string(),
            "alerts" => figures.alerts.to_string(),
            "first_hit" => time(figures.first_hit),
            "last_hit" => time(figures.last_hit),
            other => panic!("replays have no column '{other}'"),
        };
        Ok(TextTable { header: header.to_vec(), rows: vec![header.iter().map(column).collect()] })
    }

    /// The rules as the workspace knows them, in the columns of the header.
    pub async fn rules(&mut self, header: &[String]) -> Done<TextTable> {
        let rules = self.workspace().await?.state().rules().map_err(text)?;
        let row = |rule: &picquet_store::RuleRow| {
            let column = |name: &String| match name.as_str() {
                "name" => rule.name.clone(),
                "disabled" => cell(&rule.disabled_reason),
                "present" => rule.present.to_string(),
                other => panic!("rules have no column '{other}'"),
            };
            header.iter().map(column).collect()
        };
        Ok(TextTable { header: header.to_vec(), rows: rules.iter().map(row).collect() })
    }
}
