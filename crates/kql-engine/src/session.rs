//! DataFusion sessions: memory, spilling, and the collecting of rows.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use datafusion::common::tree_node::TreeNode as _;
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::memory_pool::{FairSpillPool, MemoryConsumer, MemoryReservation, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::StreamExt as _;
use kql_functions::interrupt::Stop;

use crate::limits::{Interrupt, Limits};
use crate::spent::Watch;
use crate::{EngineOptions, QueryError, pushdown};

/// Bytes of what is remembered of the footers of files.
const FOOTERS: usize = 256 << 20;

/// What all queries of an engine share.
pub(crate) struct Sessions {
    context: SessionContext,
    memory: Option<usize>,
}

/// The session of one query.
pub(crate) struct Session {
    state: SessionState,
    memory: Option<usize>,
    interrupt: Arc<Interrupt>,
    /// Where the query's time goes.
    pub(crate) watch: Watch,
}

/// Memory of collected rows, given back when dropped.
pub(crate) type Held = MemoryReservation;

impl Sessions {
    pub(crate) fn new(options: &EngineOptions) -> Result<Sessions, QueryError> {
        let mut config = SessionConfig::new().with_batch_size(8192).with_collect_statistics(true);
        if let Some(threads) = options.threads {
            config = config.with_target_partitions(threads.max(1));
        }
        config.options_mut().execution.parquet.pushdown_filters = true;
        let mut runtime = RuntimeEnvBuilder::new().with_metadata_cache_limit(FOOTERS);
        if let Some(folder) = &options.spill {
            runtime = runtime.with_temp_file_path(folder);
        }
        if let Some(memory) = options.memory {
            runtime = with_memory(runtime, memory);
            limit_reserves(&mut config, memory);
        }
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(runtime.build_arc()?)
            .with_default_features()
            .with_optimizer_rules(pushdown::optimizer_rules())
            .with_physical_optimizer_rules(pushdown::physical_rules())
            .build();
        Ok(Sessions { context: SessionContext::new_with_state(state), memory: options.memory })
    }

    /// The session of a query that may hold so many bytes, where it says so itself.
    pub(crate) fn begin(&self, memory: Option<u64>, interrupt: Interrupt) -> Result<Session, QueryError> {
        let mut state = self.context.state();
        let memory = memory.map(|memory| usize::try_from(memory).unwrap_or(usize::MAX));
        let memory = match (memory, self.memory) {
            (Some(own), all) => {
                let own = all.map_or(own, |all| all.min(own));
                let mut config = state.config().clone();
                limit_reserves(&mut config, own);
                let runtime = with_memory(RuntimeEnvBuilder::from_runtime_env(state.runtime_env()), own).build_arc()?;
                let builder = SessionStateBuilder::new_from_existing(state);
                state = builder.with_config(config).with_runtime_env(runtime).build();
                Some(own)
            }
            (None, all) => all,
        };
        state.config_mut().options_mut().extensions.insert(interrupt.clone());
        Ok(Session { state, memory, interrupt: Arc::new(interrupt), watch: Watch::default() })
    }
}

/// Memory is shared fairly among what can spill, so that one sort does not starve the next.
fn with_memory(runtime: RuntimeEnvBuilder, memory: usize) -> RuntimeEnvBuilder {
    let most_named = NonZeroUsize::MIN;
    runtime.with_memory_pool(Arc::new(TrackConsumersPool::new(FairSpillPool::new(memory), most_named)))
}

/// What sorts set aside for merging must leave room for the sorting.
fn limit_reserves(config: &mut SessionConfig, memory: usize) {
    let partitions = config.target_partitions().max(1);
    let reserve = &mut config.options_mut().execution.sort_spill_reservation_bytes;
    *reserve = (*reserve).min(memory / (8 * partitions));
}

impl Session {
    /// The query's stop.
    pub(crate) fn stop(&self) -> Arc<dyn Stop> {
        Arc::clone(&self.interrupt) as Arc<dyn Stop>
    }

    /// An error once the query should end.
    pub(crate) fn check(&self) -> Result<(), QueryError> {
        Ok(self.interrupt.check()?)
    }

    /// Runs a plan, and gives its rows, no more than the limits allow.
    ///
    /// Hash joins are the fastest and hold one side in memory. Where that is too little, joins sort both sides, which
    /// spills.
    pub(crate) async fn collect(
        &self,
        plan: LogicalPlan,
        limits: Option<&Limits>,
    ) -> Result<(Vec<RecordBatch>, Held), QueryError> {
        self.interrupt.check()?;
        let first = self.attempt(self.state.clone(), plan.clone(), limits).await;
        let error = match first {
            Err(Failure::Plan(error)) => error,
            Err(Failure::Query(error)) => return Err(error),
            Ok(collected) => return Ok(collected),
        };
        if !matches!(error.find_root(), DataFusionError::ResourcesExhausted(_)) || !has_join(&plan) {
            return Err(self.refusal(error));
        }
        let mut state = self.state.clone();
        state.config_mut().options_mut().optimizer.prefer_hash_join = false;
        match self.attempt(state, plan, limits).await {
            Ok(collected) => Ok(collected),
            Err(Failure::Plan(error)) => Err(self.refusal(error)),
            Err(Failure::Query(error)) => Err(error),
        }
    }

    async fn attempt(
        &self,
        state: SessionState,
        plan: LogicalPlan,
        limits: Option<&Limits>,
    ) -> Result<(Vec<RecordBatch>, Held), Failure> {
        let held = MemoryConsumer::new("rows").register(&state.runtime_env().memory_pool);
        let begun = Instant::now();
        let frame = DataFrame::new(state, plan);
        let context = Arc::new(frame.task_ctx());
        let plan = frame.create_physical_plan().await?;
        self.watch.add(begun, |spent| &mut spent.planning);
        let begun = Instant::now();
        let mut stream = execute_stream(plan, context)?;
        let mut batches = Vec::new();
        let (mut rows, mut bytes) = (0u64, 0u64);
        while let Some(batch) = stream.next().await {
            let batch = batch?;
            let size = data_size(&batch);
            rows += batch.num_rows() as u64;
            bytes = bytes.saturating_add(size as u64);
            if let Some(limits) = limits {
                limits.check_result(rows, bytes).map_err(Failure::Query)?;
            }
            held.try_grow(size)?;
            if batch.num_rows() > 0 {
                batches.push(batch);
            }
        }
        self.watch.add(begun, |spent| &mut spent.running);
        Ok((batches, held))
    }

    /// An error of a plan in words for the user.
    fn refusal(&self, error: DataFusionError) -> QueryError {
        match (error.find_root(), self.memory) {
            (DataFusionError::ResourcesExhausted(text), Some(limit)) => out_of_memory(text, limit),
            _ => QueryError::from(error),
        }
    }
}

/// Why a plan gave no rows.
enum Failure {
    Plan(DataFusionError),
    Query(QueryError),
}

impl From<DataFusionError> for Failure {
    fn from(error: DataFusionError) -> Self {
        Failure::Plan(error)
    }
}

fn has_join(plan: &LogicalPlan) -> bool {
    plan.exists(|node| Ok(matches!(node, LogicalPlan::Join(_)))).unwrap_or(false)
}

/// Kusto's words about an operator that ran out of memory, and what to do.
fn out_of_memory(text: &str, limit: usize) -> QueryError {
    let consumer = text.split_once(" for ").map_or("", |(_, rest)| rest);
    let operator = match consumer {
        c if c.contains("Join") => "The join operator",
        c if c.starts_with("Grouped") || c.starts_with("Aggregate") => "The summarize operator",
        c if c.contains("Sort") || c.contains("TopK") => "The sort operator",
        c if c.starts_with("rows") => "A set of rows that the query keeps",
        _ => "An operator",
    };
    QueryError::Failed(format!(
        "{operator} has exceeded the memory budget of {} during evaluation (E_RUNAWAY_QUERY). Allow more with --memory, or \
         make its input smaller: filter earlier, keep fewer columns, group by fewer keys.",
        size_text(limit),
    ))
}

fn size_text(bytes: usize) -> String {
    match bytes {
        b if b >= 1 << 30 => format!("{:.1} GB", b as f64 / f64::from(1u32 << 30)),
        b if b >= 1 << 20 => format!("{:.0} MB", b as f64 / f64::from(1u32 << 20)),
        b => format!("{b} bytes"),
    }
}

/// Bytes of the values of a batch: those of texts that several rows share count for each.
fn data_size(batch: &RecordBatch) -> usize {
    batch
        .columns()
        .iter()
        .map(|column| match column.data_type() {
            DataType::Utf8View => column.as_string_view_opt().map_or(0, |texts| {
                let long = |view: &u128| if *view as u32 > 12 { *view as u32 as usize } else { 0 };
                texts.len() * 16 + texts.views().iter().map(long).sum::<usize>()
            }),
            other => column.len() * other.primitive_width().unwrap_or(1),
        })
        .sum()
}
