//! From typed tree to DataFusion plan.
//!
//! A column is called `c` and its id. Row order is tracked, not left to the plan: [`Plan::order`] says by which columns
//! the rows are sorted, if at all, and whatever shows order (the result, `take`, window functions, lists) sorts by them.
//! They stay in the plan, hidden, when the query drops them.

mod aggregate;
mod constant;
mod expr;
mod join;
mod range;
mod shape;
mod values;
mod window;

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::Column as DfColumn;
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::logical_expr::{Expr as DfExpr, LogicalPlan, LogicalPlanBuilder, SortExpr, Union, lit};
use kql_functions::{Type, Val, interrupt};
use kql_semantics::bound::{Branch, Column, ColumnId, Expr, ExprKind, Query, Rel, RelKind, SortKey, WindowFunction};

use kql_syntax::{Diagnostic, Span};

use crate::{Database, QueryError, Scope, Table};

type Result<T> = std::result::Result<T, QueryError>;

/// Rows that are already computed.
#[derive(Clone)]
pub(crate) struct Stage {
    /// The rows. Columns by position; the last one is the row's position where [`Stage::ordered`].
    pub(crate) table: Arc<dyn TableProvider>,
    /// The rows have an order.
    pub(crate) ordered: bool,
}

/// What lowering reads besides the tree.
pub(crate) struct Inputs<'i> {
    /// Tables.
    pub(crate) database: &'i dyn Database,
    /// The part of every table that is seen.
    pub(crate) scope: Option<Scope>,
    /// Shared rows that were computed first, by index.
    pub(crate) shared: HashMap<usize, Stage>,
    /// Values of the first column of subqueries, by index.
    pub(crate) subqueries: HashMap<usize, Vec<Val<'static>>>,
    /// Rows of the plugins whose columns the data decides, by index.
    pub(crate) resolved: Vec<Arc<MemTable>>,
    /// Rows of operators that were computed first, by the operator's place in memory.
    pub(crate) stages: HashMap<usize, Stage>,
}

/// A plan and the order of its rows.
pub(crate) struct Plan {
    pub(crate) builder: LogicalPlanBuilder,
    pub(crate) order: Vec<OrderKey>,
}

/// A column that the rows are sorted by.
#[derive(Debug, Clone)]
pub(crate) struct OrderKey {
    pub(crate) column: String,
    pub(crate) ascending: bool,
    pub(crate) nulls_first: bool,
    /// A long that is a position by itself.
    pub(crate) position: bool,
}

impl OrderKey {
    fn position(column: String) -> OrderKey {
        OrderKey { column, ascending: true, nulls_first: false, position: true }
    }

    fn sort(&self) -> SortExpr {
        SortExpr::new(named(&self.column), self.ascending, self.nulls_first)
    }
}

/// The name of a column in the plan.
pub(crate) fn column_name(id: ColumnId) -> String {
    format!("c{id}")
}

pub(crate) fn named(name: &str) -> DfExpr {
    DfExpr::Column(DfColumn::new_unqualified(name))
}

fn column(column: &Column) -> DfExpr {
    named(&column_name(column.id))
}

/// Where a relation lies in memory: its identity while its query lives.
pub(crate) fn address(rel: &Rel) -> usize {
    std::ptr::from_ref(rel) as usize
}

/// Lowers relations of one query.
pub(crate) struct Lowering<'l> {
    pub(crate) inputs: &'l Inputs<'l>,
    pub(crate) query: &'l Query,
    hidden: usize,
}

impl<'l> Lowering<'l> {
    pub(crate) fn new(inputs: &'l Inputs<'l>, query: &'l Query) -> Self {
        Lowering { inputs, query, hidden: 0 }
    }

    /// A name for a column that no query sees.
    fn hidden(&mut self) -> String {
        self.hidden += 1;
        format!("h{}", self.hidden)
    }

    /// The plan of a result: sorted, only its columns, in their order.
    pub(crate) fn result(&mut self, rel: &Rel) -> Result<LogicalPlan> {
        let plan = self.rel(rel)?;
        let mut builder = plan.builder;
        if !plan.order.is_empty() {
            builder = builder.sort(plan.order.iter().map(OrderKey::sort))?;
        }
        Ok(builder.project(rel.columns.iter().map(column))?.build()?)
    }

    /// The plan of rows to keep: their columns, and their position where they have an order.
    pub(crate) fn staged(&mut self, rel: &Rel) -> Result<(LogicalPlan, bool)> {
        let plan = self.rel(rel)?;
        if plan.order.is_empty() {
            return Ok((plan.builder.project(rel.columns.iter().map(column))?.build()?, false));
        }
        let (plan, position) = self.with_position(plan)?;
        let exprs = rel.columns.iter().map(column).chain([position]);
        Ok((plan.builder.project(exprs)?.build()?, true))
    }

    pub(crate) fn rel(&mut self, rel: &Rel) -> Result<Plan> {
        interrupt::check()?;
        if let Some(stage) = self.inputs.stages.get(&address(rel)) {
            let stage = stage.clone();
            return self.scan_stage(&stage, &rel.columns);
        }
        match &rel.kind {
            RelKind::Table { name, source } => match self.inputs.database.table(name) {
                Some(table) => self.scan(table, source, &rel.columns),
                None => Err(QueryError::Failed(format!("the table '{name}' is gone"))),
            },
            RelKind::Watchlist { alias, source } => match self.inputs.database.watchlist(alias) {
                Some(table) => self.scan(table, source, &rel.columns),
                None => Err(QueryError::Failed(format!("the watchlist '{alias}' is gone"))),
            },
            RelKind::Shared(index) => self.shared(*index, &rel.columns),
            RelKind::Resolved(index) => match self.inputs.resolved.get(*index) {
                Some(table) => {
                    let stage = Stage { table: Arc::clone(table) as Arc<dyn TableProvider>, ordered: false };
                    self.scan_stage(&stage, &rel.columns)
                }
                None => Err(internal("a plugin was not resolved")),
            },
            RelKind::Values(rows) => self.values(rows, &rel.columns),
            RelKind::Range { from, to, step } => self.range(from, to, step, &rel.columns),
            RelKind::Filter { input, predicate } => {
                let input = self.rel(input)?;
                let predicate = self.predicate(predicate)?;
                Ok(Plan { builder: input.builder.filter(predicate)?, order: input.order })
            }
            RelKind::Project { input, exprs } => {
                let input = self.rel(input)?;
                self.project(input, &rel.columns, exprs)
            }
            RelKind::Aggregate { input, keys, aggregates } => self.aggregate(input, keys, aggregates, &rel.columns),
            RelKind::Join { left, right, kind, keys } => self.join(left, right, *kind, keys, &rel.columns),
            RelKind::Union(branches) => self.union(branches, &rel.columns),
            RelKind::Sort { input, keys, limit } => self.sort(input, keys, limit.as_ref()),
            RelKind::Take { input, count, per } if per.is_empty() => self.take(input, count),
            RelKind::Take { input, count, per } => self.take_per(input, count, per),
            RelKind::Sample { input, count } => self.sample(input, count, &rel.columns),
            RelKind::MvExpand { .. } => self.mv_expand(rel),
            RelKind::Parse { .. } => self.parse(rel),
            RelKind::ParseKv { .. } => self.parse_kv(rel),
            RelKind::MakeSeries { .. } | RelKind::Staged { .. } | RelKind::External(_) => {
                Err(internal("an operator was not computed first"))
            }
            RelKind::Graph(_) => Err(not_supported("A graph as the result of a query", rel.span)),
            RelKind::NotRun(what) => Err(not_supported(what, rel.span)),
            RelKind::Refused(why) => Err(QueryError::Invalid(vec![Diagnostic::error("PQ001", rel.span, why.clone())])),
            RelKind::Open { input } => {
                self.rel(input)?;
                Err(internal("a plugin was not resolved"))
            }
            RelKind::Error => Err(internal("a query with errors was lowered")),
        }
    }

    fn scan(&mut self, table: Table, source: &[String], columns: &[Column]) -> Result<Plan> {
        let qualifier = "t";
        let of = |name: &str| DfExpr::Column(DfColumn::new(Some(qualifier), name));
        let mut builder = LogicalPlanBuilder::scan(qualifier, provider_as_source(table.provider), None)?;
        if let Some(condition) = self.inputs.scope.and_then(|scope| scope.condition(&table.columns)) {
            builder = builder.filter(condition)?;
        }
        let exprs = source.iter().zip(columns).map(|(name, column)| of(name).alias(column_name(column.id)));
        Ok(Plan { builder: builder.project(exprs)?, order: Vec::new() })
    }

    fn shared(&mut self, index: usize, columns: &[Column]) -> Result<Plan> {
        if let Some(stage) = self.inputs.shared.get(&index) {
            let stage = stage.clone();
            return self.scan_stage(&stage, columns);
        }
        // Rows with a single reader are computed in place, under the reader's names.
        let query: &'l Query = self.query;
        let Some(shared) = query.shared.get(index) else { return Err(internal("shared rows are missing")) };
        let plan = self.rel(&shared.rel)?;
        let exprs = shared.rel.columns.iter().zip(columns).map(|(from, to)| column(from).alias(column_name(to.id)));
        self.with_order(plan, exprs.collect())
    }

    fn scan_stage(&mut self, stage: &Stage, columns: &[Column]) -> Result<Plan> {
        let schema = stage.table.schema();
        let source = provider_as_source(Arc::clone(&stage.table));
        let builder = LogicalPlanBuilder::scan("t", source, None)?;
        let of = |i: usize| DfExpr::Column(DfColumn::new(Some("t"), schema.field(i).name()));
        let mut exprs: Vec<DfExpr> =
            columns.iter().enumerate().map(|(i, column)| of(i).alias(column_name(column.id))).collect();
        let mut order = Vec::new();
        if stage.ordered {
            let position = self.hidden();
            exprs.push(of(columns.len()).alias(&position));
            order.push(OrderKey::position(position));
        }
        Ok(Plan { builder: builder.project(exprs)?, order })
    }

    /// Projects, and keeps the columns that the rows are sorted by.
    fn with_order(&self, plan: Plan, mut exprs: Vec<DfExpr>) -> Result<Plan> {
        for key in &plan.order {
            let kept = exprs.iter().any(|e| matches!(e, DfExpr::Column(c) if c.name == key.column));
            if !kept {
                exprs.push(named(&key.column));
            }
        }
        Ok(Plan { builder: plan.builder.project(exprs)?, order: plan.order })
    }

    fn project(&mut self, input: Plan, columns: &[Column], exprs: &[Expr]) -> Result<Plan> {
        let (input, exprs) = self.windows(input, exprs)?;
        let lowered = exprs
            .iter()
            .zip(columns)
            .map(|(expr, column)| self.named_expr(expr, column))
            .collect::<Result<Vec<_>>>()?;
        self.with_order(input, lowered)
    }

    /// An expression under its column's name; a column that keeps its name is left as it is.
    fn named_expr(&mut self, expr: &Expr, column: &Column) -> Result<DfExpr> {
        if expr.kind == ExprKind::Column(column.id) {
            return Ok(named(&column_name(column.id)));
        }
        Ok(self.expr(expr)?.alias(column_name(column.id)))
    }

    fn sort(&mut self, input: &Rel, keys: &[SortKey], limit: Option<&Expr>) -> Result<Plan> {
        let plan = self.rel(input)?;
        let mut added = Vec::new();
        let mut order = Vec::new();
        for key in keys {
            let value = self.expr(&key.expr)?;
            if key.expr.ty == Type::Real {
                // NaN sorts beside null, which Arrow puts elsewhere.
                let class = self.hidden();
                added.push(self.real_class(value.clone(), key.nulls_first)?.alias(&class));
                order.push(OrderKey { column: class, ascending: true, nulls_first: false, position: false });
            }
            let column = match key.expr.kind {
                ExprKind::Column(id) => column_name(id),
                _ => {
                    let name = self.hidden();
                    added.push(value.alias(&name));
                    name
                }
            };
            let (ascending, nulls_first) = (key.ascending, key.nulls_first);
            order.push(OrderKey { column, ascending, nulls_first, position: false });
        }
        let mut builder = plan.builder;
        if !added.is_empty() {
            let kept: Vec<DfExpr> = builder.schema().fields().iter().map(|f| named(f.name())).chain(added).collect();
            builder = builder.project(kept)?;
        }
        order.extend(plan.order);
        dedup_order(&mut order);
        if let Some(limit) = limit {
            let count = self.count(limit)?;
            builder = first_rows(builder, &order, count)?;
        }
        Ok(Plan { builder, order })
    }

    /// 0, 1 or 2: where null and NaN stand among the values.
    fn real_class(&self, value: DfExpr, nulls_first: bool) -> Result<DfExpr> {
        let is_nan = self.function("isnan", &[Type::Real], Type::Bool, vec![value.clone()])?;
        let (null, nan, other) = if nulls_first { (0i64, 1i64, 2i64) } else { (2, 1, 0) };
        let case = datafusion::logical_expr::when(value.is_null(), lit(null)).when(is_nan, lit(nan));
        let mut case = case;
        Ok(case.otherwise(lit(other))?)
    }

    fn take(&mut self, input: &Rel, count: &Expr) -> Result<Plan> {
        let plan = self.rel(input)?;
        let count = self.count(count)?;
        Ok(Plan { builder: first_rows(plan.builder, &plan.order, count)?, order: plan.order })
    }

    /// The first rows of each set of rows that agree in `per`.
    fn take_per(&mut self, input: &Rel, count: &Expr, per: &[ColumnId]) -> Result<Plan> {
        let plan = self.rel(input)?;
        let count = i64::try_from(self.count(count)?).unwrap_or(i64::MAX);
        let (plan, _) = if plan.order.is_empty() { self.with_position(plan)? } else { (plan, lit(0)) };
        let number = self.hidden();
        let start = Expr::constant(Val::Long(1), Type::Long, kql_syntax::Span::default());
        let plan = self.add_window(plan, WindowFunction::RowNumber, &[start], per, Type::Long, &number)?;
        let builder = plan.builder.filter(named(&number).lt_eq(lit(count)))?;
        let exprs: Vec<DfExpr> = builder
            .schema()
            .fields()
            .iter()
            .map(|f| f.name().clone())
            .filter(|n| *n != number)
            .map(|n| named(&n))
            .collect();
        Ok(Plan { builder: builder.project(exprs)?, order: plan.order })
    }

    fn sample(&mut self, input: &Rel, count: &Expr, columns: &[Column]) -> Result<Plan> {
        let plan = self.rel(input)?;
        let count = self.count(count)?;
        let chance = self.hidden();
        let random = self.function("rand", &[], Type::Real, Vec::new())?;
        let exprs = columns.iter().map(column).chain([random.alias(&chance)]);
        let builder = plan.builder.project(exprs)?;
        let builder = first_rows(builder, &[OrderKey::position(chance)], count)?;
        Ok(Plan { builder: builder.project(columns.iter().map(column))?, order: Vec::new() })
    }

    fn union(&mut self, branches: &[Branch], columns: &[Column]) -> Result<Plan> {
        let mut inputs = Vec::with_capacity(branches.len());
        for branch in branches {
            let plan = self.rel(&branch.rel)?;
            let mut exprs: Vec<DfExpr> =
                columns.iter().map(|c| lit(expr::scalar(&Val::missing(c.ty), c.ty)).alias(column_name(c.id))).collect();
            if let (Some(source), Some(first)) = (&branch.source, columns.first()) {
                exprs[0] = lit(expr::scalar(&Val::str(source.as_str()), Type::String)).alias(column_name(first.id));
            }
            for (position, from) in &branch.columns {
                if let (Some(slot), Some(to)) = (exprs.get_mut(*position), columns.get(*position)) {
                    *slot = column(from).alias(column_name(to.id));
                }
            }
            inputs.push(Arc::new(plan.builder.project(exprs)?.build()?));
        }
        // All in one: a chain of unions of two would derive the columns anew for each.
        let builder = match inputs.pop() {
            None => return Err(internal("a union without inputs")),
            Some(only) if inputs.is_empty() => LogicalPlanBuilder::new_from_arc(only),
            Some(last) => {
                inputs.push(last);
                LogicalPlanBuilder::from(LogicalPlan::Union(Union::try_new_with_loose_types(inputs)?))
            }
        };
        Ok(Plan { builder, order: Vec::new() })
    }

    /// A count of rows that is known before the rows are.
    fn count(&mut self, expr: &Expr) -> Result<usize> {
        match self.constant(expr)?.as_i64() {
            Some(count) => Ok(usize::try_from(count.max(0)).unwrap_or(usize::MAX)),
            None => Err(QueryError::Failed("the number of rows must be an integer".to_string())),
        }
    }
}

/// The column that time windows apply to.
pub(crate) const TIME: &str = "TimeGenerated";

fn first_rows(builder: LogicalPlanBuilder, order: &[OrderKey], count: usize) -> Result<LogicalPlanBuilder> {
    // A sort for no rows at all is refused by the plan.
    if order.is_empty() || count == 0 {
        return Ok(builder.limit(0, Some(count))?);
    }
    Ok(builder.sort_with_limit(order.iter().map(OrderKey::sort), Some(count))?)
}

fn dedup_order(order: &mut Vec<OrderKey>) {
    let mut seen: Vec<String> = Vec::new();
    order.retain(|key| {
        let new = !seen.contains(&key.column);
        if new {
            seen.push(key.column.clone());
        }
        new
    });
}

/// An error about something that KQL has and this engine has not.
pub(crate) fn not_supported(what: &str, span: Span) -> QueryError {
    QueryError::Invalid(vec![Diagnostic::error("PQ001", span, format!("{what} is not supported yet."))])
}

pub(crate) fn internal(what: &str) -> QueryError {
    QueryError::Failed(format!("internal error: {what}"))
}
