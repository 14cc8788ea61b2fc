//! Which rows of tables a query sees.

use std::sync::Arc;

use datafusion::common::Column as DfColumn;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::logical_expr::{Expr as DfExpr, LogicalPlanBuilder, lit};
use kql_functions::Type;

use crate::lower::TIME;
use crate::{QueryError, Table};

/// The column that tells when a row was ingested.
const RECEIVED: &str = "_TimeReceived";
/// The name of a table within a plan.
const QUALIFIER: &str = "t";

/// The time that a scope bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScopeColumn {
    /// TimeGenerated. Tables without it are seen whole.
    #[default]
    TimeGenerated,
    /// What `ingestion_time()` gives: `_TimeReceived`, or TimeGenerated where the table or the row has none. Tables
    /// without both are seen whole.
    IngestionTime,
    /// TimeGenerated, where the next of a row of queries sees what is generated from `next` on: of what lies in both, rows
    /// that were ingested after the last instant are left to that one. So a row is in one query alone of those that each
    /// want what was ingested since the one before.
    TimeGeneratedOnce {
        /// Where the next query's bounds begin.
        next: i64,
    },
}

/// The part of every table that a query sees, as Kusto's `query_datetimescope_*` options have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// What is bounded.
    pub column: ScopeColumn,
    /// The first instant: ticks of 100 ns since 0001-01-01.
    pub from: i64,
    /// The last instant, which is seen too.
    pub to: i64,
}

impl Scope {
    /// The condition on rows of a table; `None` where it is seen whole.
    pub(crate) fn condition(&self, columns: &[(String, Type)]) -> Option<DfExpr> {
        let within = |name: &str| {
            let time = has_time(columns, name).then(|| column(name))?;
            Some(time.clone().gt_eq(lit(self.from)).and(time.lt_eq(lit(self.to))))
        };
        let generated = within(TIME);
        match self.column {
            ScopeColumn::TimeGenerated => generated,
            ScopeColumn::TimeGeneratedOnce { next } => match (generated, has_time(columns, RECEIVED)) {
                (Some(generated), true) => {
                    let received = column(RECEIVED);
                    let is_here = received.clone().lt_eq(lit(self.to)).or(received.is_null());
                    Some(generated.and(is_here.or(column(TIME).lt(lit(next)))))
                }
                (generated, _) => generated,
            },
            ScopeColumn::IngestionTime => match (within(RECEIVED), generated) {
                // Not `coalesce`: files can skip rows by each of the two conditions.
                (Some(received), Some(generated)) => Some(received.or(column(RECEIVED).is_null().and(generated))),
                (received, generated) => received.or(generated),
            },
        }
    }
}

impl Table {
    /// The table as it is while its rows arrive late: a row is received `delay` ticks after its TimeGenerated, and those
    /// received later than `now` are not there yet. `_TimeReceived` holds that time; it is added where the table has none.
    ///
    /// A table without TimeGenerated stays as it is. An error is a plan that DataFusion refuses.
    pub fn received_late(&self, delay: i64, now: i64) -> Result<Table, QueryError> {
        if !has_time(&self.columns, TIME) {
            return Ok(self.clone());
        }
        let mut columns = self.columns.clone();
        columns.retain(|(name, _)| name != RECEIVED);
        let mut exprs: Vec<DfExpr> = columns.iter().map(|(name, _)| column(name)).collect();
        columns.push((RECEIVED.to_string(), Type::DateTime));
        exprs.push((column(TIME) + lit(delay)).alias(RECEIVED));
        let plan = LogicalPlanBuilder::scan(QUALIFIER, provider_as_source(Arc::clone(&self.provider)), None)?
            .filter(column(TIME).lt_eq(lit(now.saturating_sub(delay))))?
            .project(exprs)?
            .build()?;
        Ok(Table { columns, provider: Arc::new(ViewTable::new(plan, None)) })
    }
}

fn has_time(columns: &[(String, Type)], name: &str) -> bool {
    columns.iter().any(|(known, ty)| known == name && *ty == Type::DateTime)
}

fn column(name: &str) -> DfExpr {
    DfExpr::Column(DfColumn::new(Some(QUALIFIER), name))
}
