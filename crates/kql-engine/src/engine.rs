//! Runs queries.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::RecordBatch;
use datafusion::datasource::MemTable;
use datafusion::logical_expr::LogicalPlanBuilder;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use kql_functions::{Type, Val, interrupt, ip_locations};
use kql_semantics::bound::{self, Column, Expr, ExprKind, External, Query, Rel, RelKind};
use kql_semantics::{BindOptions, Bound, Catalog, Pending, PendingKind, SavedFunction, bind, csl_schema};
use kql_syntax::{Diagnostic, Severity};

use crate::evaluate::Evaluator;
use crate::limits::{Interrupt, Limits};
use crate::lower::{Inputs, Lowering, Stage, address};
use crate::prune::prune;
use crate::repr::value_at;
use crate::result::{QueryResult, Visualization};
use crate::session::{Held, Session, Sessions};
use crate::settings::Settings;
use crate::spent::Spent;
use crate::stage::{self, Computed, SeriesSpec, UnpackSpec};
use crate::vacant::{self, drop_vacant};
use crate::{Database, QueryError, Scope};

/// Settings of an engine.
#[derive(Debug, Clone, Default)]
pub struct EngineOptions {
    /// Threads that a query uses; all processors where `None`.
    pub threads: Option<usize>,
    /// Bytes that queries may hold in memory; sorts, joins and groups spill to disk beyond.
    pub memory: Option<usize>,
    /// Path of the MaxMind database (`.mmdb`) that `geo_info_from_ip_address()` looks into.
    pub addresses: Option<String>,
    /// Where to spill to; the system's folder for temporary files where `None`.
    pub spill: Option<PathBuf>,
}

/// What a query sees besides its text.
#[derive(Debug, Clone, Default)]
pub struct QueryOptions {
    /// The instant of `now()`: ticks of 100 ns since 0001-01-01. A `set query_now` in the text goes before.
    pub now: i64,
    /// The part of every table that is seen; all of it where `None`.
    pub scope: Option<Scope>,
    /// Values of `declare query_parameters`, as KQL literals.
    pub parameters: Vec<(String, String)>,
    /// What the query may take and give.
    pub limits: Limits,
}

/// A result with what was noticed on the way.
#[derive(Debug)]
pub struct Answer {
    /// The rows.
    pub result: QueryResult,
    /// Further tables: of `fork`, `facet`, and of further queries in the text.
    pub others: Vec<QueryResult>,
    /// Warnings about the query.
    pub warnings: Vec<Diagnostic>,
    /// Where its time went.
    pub spent: Spent,
}

/// Runs KQL over the tables of a [`Database`].
pub struct Engine {
    sessions: Sessions,
    addresses: Option<String>,
}

impl Engine {
    /// An engine with these settings. The database of addresses is read here, so that one which cannot be read is told
    /// before any query runs.
    pub fn new(options: &EngineOptions) -> Result<Engine, QueryError> {
        if let Some(path) = &options.addresses {
            ip_locations::open(path).map_err(QueryError::Failed)?;
        }
        Ok(Engine { sessions: Sessions::new(options)?, addresses: options.addresses.clone() })
    }

    /// Parses, binds and runs a query. A fault of the engine itself is an error like any other.
    ///
    /// The query ends early, with an error, when [`Limits`] say so: at the next batch of rows, or the next few rows of an
    /// operator that looks at one after the other.
    pub async fn query(
        &self,
        query: &str,
        database: &dyn Database,
        options: &QueryOptions,
    ) -> Result<Answer, QueryError> {
        let settings = Settings::read(query);
        let limits = options.limits.with(&settings);
        let interrupt = Interrupt::new(&limits);
        let session = self.sessions.begin(settings.memory, interrupt.clone())?;
        let work = self.answer(query, database, options, &settings, &limits, &session);
        let work = AssertUnwindSafe(work).catch_unwind();
        tokio::select! {
            answer = work => answer
                .unwrap_or_else(|_| Err(crate::lower::internal("the engine stopped on this query; please report it"))),
            stopped = interrupt.stopped() => Err(stopped),
        }
    }

    async fn answer(
        &self,
        query: &str,
        database: &dyn Database,
        options: &QueryOptions,
        settings: &Settings,
        limits: &Limits,
        session: &Session,
    ) -> Result<Answer, QueryError> {
        let catalog = DatabaseCatalog(database);
        let mut bind_options = BindOptions {
            now: settings.now.unwrap_or(options.now),
            resolved: Vec::new(),
            parameters: options.parameters.clone(),
            addresses: self.addresses.clone(),
            checking: false,
        };
        let mut resolved: Vec<Arc<MemTable>> = Vec::new();
        loop {
            let bind = || bind(query, &catalog, &bind_options);
            let begun = Instant::now();
            let Bound { query: bound, diagnostics, pending, render, .. } = interrupt::during(session.stop(), bind);
            session.watch.add(begun, |spent| &mut spent.binding);
            session.check()?;
            let (errors, warnings): (Vec<_>, Vec<_>) =
                diagnostics.into_iter().partition(|d| d.severity == Severity::Error);
            // What follows a plugin can only be judged when its columns are known.
            if !errors.is_empty() && pending.is_none() {
                return Err(QueryError::Invalid(errors));
            }
            let Some(mut bound) = bound else {
                return Err(QueryError::Failed("the query has no tabular expression".to_string()));
            };
            drop_vacant(&mut bound, database);
            if pending.is_none() {
                prune(&mut bound);
            }
            let mut run = Run {
                session,
                limits,
                take: settings.take_records,
                held: Vec::new(),
                query: &bound,
                inputs: Inputs {
                    database,
                    scope: options.scope,
                    shared: HashMap::new(),
                    subqueries: HashMap::new(),
                    resolved: resolved.clone(),
                    stages: HashMap::new(),
                },
            };
            if let Some(mut pending) = pending {
                vacant::drop_from(&mut pending.input, database);
                let (columns, table) = run.resolve(&pending).await?;
                bind_options.resolved.push(columns);
                resolved.push(table);
                continue;
            }
            let mut result = run.result(&bound.rel).await?;
            result.render = render.map(|r| Visualization { kind: r.kind, properties: r.properties });
            let mut others = Vec::with_capacity(bound.others.len());
            for rel in &bound.others {
                others.push(run.result(rel).await?);
            }
            return Ok(Answer { result, others, warnings, spent: session.watch.spent() });
        }
    }
}

/// A database as the binder sees it.
pub(crate) struct DatabaseCatalog<'d>(pub(crate) &'d dyn Database);

impl Catalog for DatabaseCatalog<'_> {
    fn table(&self, name: &str) -> Option<Vec<(String, Type)>> {
        self.0.table(name).map(|t| t.columns)
    }

    fn table_names(&self) -> Vec<String> {
        self.0.table_names()
    }

    fn function(&self, name: &str) -> Option<SavedFunction> {
        self.0.function(name)
    }

    fn watchlist(&self, alias: &str) -> Option<Vec<(String, Type)>> {
        self.0.watchlist(alias).map(|t| t.columns)
    }
}

/// One bound query being run.
struct Run<'r> {
    session: &'r Session,
    limits: &'r Limits,
    /// Rows of a result beyond these are left out.
    take: Option<u64>,
    /// The memory of rows that are kept while the query runs.
    held: Vec<Held>,
    query: &'r Query,
    inputs: Inputs<'r>,
}

impl<'r> Run<'r> {
    /// A result table, as large as the limits allow.
    async fn result(&mut self, rel: &'r Rel) -> Result<QueryResult, QueryError> {
        self.prepare(rel).await?;
        let mut plan = self.lower(|mut lowering| lowering.result(rel))?;
        if let Some(take) = self.take {
            let take = usize::try_from(take).unwrap_or(usize::MAX);
            plan = LogicalPlanBuilder::from(plan).limit(0, Some(take))?.build()?;
        }
        let (batches, held) = self.session.collect(plan, Some(self.limits)).await?;
        self.held.push(held);
        let columns = rel.columns.iter().map(|c| (c.name.clone(), c.ty)).collect();
        Ok(QueryResult { columns, batches, render: None })
    }

    /// All rows of a relation, in order.
    async fn rows(&mut self, rel: &'r Rel) -> Result<Vec<RecordBatch>, QueryError> {
        self.prepare(rel).await?;
        self.run(rel).await
    }

    /// Runs a relation whose needs are prepared.
    async fn run(&self, rel: &Rel) -> Result<Vec<RecordBatch>, QueryError> {
        let plan = self.lower(|mut lowering| lowering.result(rel))?;
        Ok(self.session.collect(plan, None).await?.0)
    }

    /// Makes a plan; row by row where it folds values in.
    fn lower<T>(&self, lower: impl FnOnce(Lowering<'_>) -> T) -> T {
        let begun = Instant::now();
        let lowered = self.interruptible(|| lower(Lowering::new(&self.inputs, self.query)));
        self.session.watch.add(begun, |spent| &mut spent.planning);
        lowered
    }

    /// Work that looks at one row after the other, and may be interrupted between them.
    fn interruptible<T>(&self, work: impl FnOnce() -> T) -> T {
        interrupt::during(self.session.stop(), work)
    }

    /// Computes what a relation needs before it can be lowered: shared rows, subqueries, staged operators.
    fn prepare<'p>(&'p mut self, rel: &'r Rel) -> BoxFuture<'p, Result<(), QueryError>>
    where
        'r: 'p,
    {
        Box::pin(async move {
            for index in subqueries_of(rel) {
                self.subquery(index).await?;
            }
            for input in rel.inputs() {
                self.prepare(input).await?;
            }
            match &rel.kind {
                RelKind::Shared(index) => self.shared(*index).await,
                RelKind::MakeSeries { .. } => self.series(rel).await,
                RelKind::External(source) => self.external(rel, source).await,
                RelKind::Staged { inputs, stage } => self.staged(rel, inputs, stage).await,
                _ => Ok(()),
            }
        })
    }

    async fn subquery(&mut self, index: usize) -> Result<(), QueryError> {
        if self.inputs.subqueries.contains_key(&index) {
            return Ok(());
        }
        let query: &'r Query = self.query;
        let Some(rel) = query.subqueries.get(index) else { return Ok(()) };
        let batches = self.rows(rel).await?;
        let ty = rel.columns.first().map_or(Type::Dynamic, |c| c.ty);
        let values = batches
            .iter()
            .flat_map(|b| (0..b.num_rows()).map(move |row| value_at(b.column(0).as_ref(), ty, row).into_owned()))
            .collect();
        self.inputs.subqueries.insert(index, values);
        Ok(())
    }

    async fn shared(&mut self, index: usize) -> Result<(), QueryError> {
        if self.inputs.shared.contains_key(&index) {
            return Ok(());
        }
        let query: &'r Query = self.query;
        let Some(shared) = query.shared.get(index) else { return Ok(()) };
        self.prepare(&shared.rel).await?;
        let plain = matches!(shared.rel.kind, RelKind::Table { .. } | RelKind::Shared(_));
        if !shared.materialize && (shared.uses < 2 || plain) {
            return Ok(());
        }
        let (plan, ordered) = self.lower(|mut lowering| lowering.staged(&shared.rel))?;
        let schema = Arc::new(plan.schema().as_arrow().clone());
        let (batches, held) = self.session.collect(plan, None).await?;
        self.held.push(held);
        let table = Arc::new(MemTable::try_new(schema, vec![batches])?);
        self.inputs.shared.insert(index, Stage { table, ordered });
        Ok(())
    }

    /// The value of an expression without columns, whose subqueries are prepared.
    async fn constant(&self, expr: &Expr) -> Result<Val<'static>, QueryError> {
        let column = Column { id: 0, name: String::new(), ty: expr.ty };
        let rel = Rel {
            kind: RelKind::Values(vec![vec![expr.clone()]]),
            columns: vec![column],
            serialized: true,
            open: false,
            span: expr.span,
        };
        let batches = self.run(&rel).await?;
        let value = batches.iter().find(|b| b.num_rows() > 0).map(|b| value_at(b.column(0).as_ref(), expr.ty, 0));
        Ok(value.map_or(Val::missing(expr.ty), Val::into_owned))
    }

    async fn series(&mut self, rel: &'r Rel) -> Result<(), QueryError> {
        let RelKind::MakeSeries { input, keys, defaults, axis, from, to, step, inclusive, nonempty } = &rel.kind else {
            return Ok(());
        };
        let mut spec = SeriesSpec {
            columns: &rel.columns,
            keys: *keys,
            defaults: Vec::with_capacity(defaults.len()),
            axis: *axis,
            from: None,
            to: None,
            step: self.constant(step).await?,
            inclusive: *inclusive,
            nonempty: *nonempty,
        };
        for default in defaults {
            spec.defaults.push(self.constant(default).await?);
        }
        if let Some(from) = from {
            spec.from = Some(self.constant(from).await?);
        }
        if let Some(to) = to {
            spec.to = Some(self.constant(to).await?);
        }
        let batches = self.run(input).await?;
        let (_, table) = self.interruptible(|| stage::make_series(&batches, &input.columns, &spec))?;
        self.inputs.stages.insert(address(rel), Stage { table, ordered: false });
        Ok(())
    }

    async fn external(&mut self, rel: &'r Rel, external: &'r External) -> Result<(), QueryError> {
        let rows = match external {
            External::Data(source) => {
                let columns: Vec<(String, Type)> = rel.columns.iter().map(|c| (c.name.clone(), c.ty)).collect();
                let read = self.inputs.database.external(source, &columns).await;
                read.map_err(|message| QueryError::Failed(format!("externaldata: {message}")))?
            }
            External::Schema(files) => {
                let read = self.inputs.database.storage_schema(files).await;
                let read = read.map_err(|message| QueryError::Failed(format!("infer_storage_schema: {message}")));
                let columns = read?;
                let text = csl_schema(columns.iter().map(|(name, ty)| (name.as_str(), *ty)), ", ");
                vec![vec![Val::Str(text.into())]]
            }
        };
        let table = stage::staged_table(&rel.columns, stage::Rows { rows, ordered: true })?;
        self.inputs.stages.insert(address(rel), Stage { table, ordered: true });
        Ok(())
    }

    /// Computes an operator that needs all rows of its inputs at once.
    async fn staged(&mut self, rel: &'r Rel, inputs: &'r [Rel], stage: &bound::Stage) -> Result<(), QueryError> {
        let mut batches = Vec::with_capacity(inputs.len());
        let mut read_memory = Vec::with_capacity(inputs.len());
        for input in inputs {
            let plan = self.lower(|mut lowering| lowering.result(input))?;
            let (rows, held) = self.session.collect(plan, None).await?;
            batches.push(rows);
            read_memory.push(held);
        }
        let read: Vec<stage::Input<'_>> =
            inputs.iter().zip(&batches).map(|(rel, batches)| stage::Input { batches, columns: &rel.columns }).collect();
        let evaluator = Evaluator { subqueries: &self.inputs.subqueries };
        let rows = self.interruptible(|| stage::run(stage, &read, evaluator))?;
        let ordered = rows.ordered;
        let table = stage::staged_table(&rel.columns, rows)?;
        self.inputs.stages.insert(address(rel), Stage { table, ordered });
        Ok(())
    }

    /// Runs a plugin whose columns the data decides.
    async fn resolve(&mut self, pending: &'r Pending) -> Result<Computed, QueryError> {
        let input = &pending.input;
        match &pending.kind {
            PendingKind::BagUnpack { column, prefix, conflict, ignored } => {
                let batches = self.rows(input).await?;
                let spec = UnpackSpec { column: *column, prefix, conflict, ignored };
                self.interruptible(|| stage::bag_unpack(&batches, &input.columns, &spec))
            }
            PendingKind::Narrow => {
                let batches = self.rows(input).await?;
                self.interruptible(|| stage::narrow(&batches, &input.columns))
            }
            PendingKind::Pivot { counts } => {
                let batches = self.rows(input).await?;
                self.interruptible(|| stage::pivot(&batches, &input.columns, *counts))
            }
        }
    }
}

/// The subqueries that a relation's own expressions read.
fn subqueries_of(rel: &Rel) -> Vec<usize> {
    let mut found = Vec::new();
    for expr in rel.exprs() {
        expr.walk(&mut |e| match e.kind {
            ExprKind::Subquery(index) | ExprKind::InSubquery { subquery: index, .. } => found.push(index),
            _ => {}
        });
    }
    found
}
