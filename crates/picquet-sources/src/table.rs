//! A table made of files, as the query engine sees it.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, DataFusionError, Result};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::union::UnionExec;
use kql_engine::repr;
use kql_functions::Type;

use crate::SourceError;
use crate::decode::TableColumns;
use crate::parquet_scan::ParquetFile;
use crate::problems::{Problem, Report};
use crate::shape::FileShape;
use crate::text_scan::TextScanExec;

/// The files of one table.
#[derive(Debug)]
pub(crate) struct FilesTable {
    columns: Arc<TableColumns>,
    schema: SchemaRef,
    text: Vec<Arc<FileShape>>,
    parquet: Vec<ParquetFile>,
    /// A file that could not be looked into, where that is an error.
    failure: Option<Problem>,
    report: Report,
    strict: bool,
}

impl FilesTable {
    pub(crate) fn new(
        columns: Vec<(String, Type)>,
        text: Vec<Arc<FileShape>>,
        parquet: Vec<ParquetFile>,
        failure: Option<Problem>,
        report: Report,
        strict: bool,
    ) -> FilesTable {
        let schema = repr::schema(columns.iter().map(|(name, ty)| (name.as_str(), *ty)));
        FilesTable { columns: Arc::new(TableColumns::new(columns)), schema, text, parquet, failure, report, strict }
    }
}

#[async_trait]
impl TableProvider for FilesTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let by_filter = |filter: &&Expr| {
            if filter.is_volatile() {
                TableProviderFilterPushDown::Unsupported
            } else {
                TableProviderFilterPushDown::Exact
            }
        };
        Ok(filters.iter().map(by_filter).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if let Some(problem) = &self.failure {
            return Err(DataFusionError::External(Box::new(SourceError::Problem(problem.clone()))));
        }
        let projection = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        // What only filters look at is read and not handed on.
        let mut read = projection.clone();
        for column in filters.iter().flat_map(Expr::column_refs) {
            let position = self.schema.index_of(&column.name)?;
            if !read.contains(&position) {
                read.push(position);
            }
        }
        let schema_of = |positions: &[usize]| -> Result<SchemaRef> { Ok(Arc::new(self.schema.project(positions)?)) };
        let schema = schema_of(&projection)?;
        let read_schema = schema_of(&read)?;
        let predicate = match conjunction(filters.iter().cloned()) {
            Some(filter) => {
                let schema = DFSchema::try_from(read_schema.as_ref().clone())?;
                Some(state.create_physical_expr(filter, &schema)?)
            }
            None => None,
        };
        let mut plans: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
        if !self.text.is_empty() {
            let mut plan: Arc<dyn ExecutionPlan> = Arc::new(TextScanExec::new(
                Arc::clone(&self.columns),
                &self.text,
                &read,
                Arc::clone(&read_schema),
                limit.filter(|_| predicate.is_none()),
                state.config().target_partitions(),
                self.report.clone(),
                self.strict,
            ));
            if let Some(predicate) = &predicate {
                plan = Arc::new(FilterExec::try_new(Arc::clone(predicate), plan)?);
            }
            if read.len() > projection.len() {
                let kept = schema.fields().iter().enumerate();
                let kept = kept.map(|(at, field)| -> (Arc<dyn PhysicalExpr>, String) {
                    (Arc::new(Column::new(field.name(), at)), field.name().clone())
                });
                plan = Arc::new(ProjectionExec::try_new(kept.collect::<Vec<_>>(), plan)?);
            }
            plans.push(plan);
        }
        let named = |positions: &[usize]| -> Vec<(&str, Type)> {
            let columns = positions.iter().filter_map(|position| self.columns.columns.get(*position));
            columns.map(|(name, ty)| (name.as_str(), *ty)).collect()
        };
        let (columns, read) = (named(&projection), named(&read));
        for file in &self.parquet {
            plans.push(file.scan(state, &columns, filters, &read)?);
        }
        match plans.len() {
            0 => Ok(Arc::new(EmptyExec::new(schema))),
            1 => Ok(plans.remove(0)),
            _ => UnionExec::try_new(plans),
        }
    }
}
