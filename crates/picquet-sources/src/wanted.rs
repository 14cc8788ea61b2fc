//! What a scan of a table reads, and what it hands on.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::union::UnionExec;

/// The columns of a scan, by their positions in the table.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Those that are handed on.
    pub projection: Vec<usize>,
    /// Those that are read: after the former, what only filters look at.
    pub read: Vec<usize>,
    /// The schema of the former.
    pub schema: SchemaRef,
    /// The schema of the latter.
    pub read_schema: SchemaRef,
}

impl Wanted {
    /// What a scan of a table with these filters is to read; all columns are handed on where none are named.
    pub fn of(table: &SchemaRef, projection: Option<&Vec<usize>>, filters: &[Expr]) -> Result<Wanted> {
        let projection = projection.cloned().unwrap_or_else(|| (0..table.fields().len()).collect());
        let mut read = projection.clone();
        for column in filters.iter().flat_map(Expr::column_refs) {
            let position = table.index_of(&column.name)?;
            if !read.contains(&position) {
                read.push(position);
            }
        }
        let schema = Arc::new(table.project(&projection)?);
        let read_schema = Arc::new(table.project(&read)?);
        Ok(Wanted { projection, read, schema, read_schema })
    }

    /// Of a plan that gives what is read, the rows that all filters leave, in the columns that are handed on.
    pub fn keep(
        &self,
        state: &dyn Session,
        filters: &[Expr],
        mut plan: Arc<dyn ExecutionPlan>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if let Some(filter) = conjunction(filters.iter().cloned()) {
            let schema = DFSchema::try_from(self.read_schema.as_ref().clone())?;
            plan = Arc::new(FilterExec::try_new(state.create_physical_expr(filter, &schema)?, plan)?);
        }
        if self.read.len() > self.projection.len() {
            let kept = self.schema.fields().iter().enumerate();
            let kept = kept.map(|(at, field)| -> (Arc<dyn PhysicalExpr>, String) {
                (Arc::new(Column::new(field.name(), at)), field.name().clone())
            });
            plan = Arc::new(ProjectionExec::try_new(kept.collect::<Vec<_>>(), plan)?);
        }
        Ok(plan)
    }

    /// The rows of all plans, each of which gives what is handed on.
    pub fn all(&self, mut plans: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match plans.len() {
            0 => Ok(Arc::new(EmptyExec::new(Arc::clone(&self.schema)))),
            1 => Ok(plans.remove(0)),
            _ => UnionExec::try_new(plans),
        }
    }
}

/// Filters that a scan takes wholly: all whose answer does not change from row to row by itself.
pub fn taken_filters(filters: &[&Expr]) -> Vec<TableProviderFilterPushDown> {
    let by_filter = |filter: &&Expr| {
        if filter.is_volatile() { TableProviderFilterPushDown::Unsupported } else { TableProviderFilterPushDown::Exact }
    };
    filters.iter().map(by_filter).collect()
}
