//! A table made of files, as the query engine sees it.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::union::UnionExec;
use kql_engine::repr;
use kql_functions::Type;

use crate::SourceError;
use crate::decode::TableColumns;
use crate::parquet_scan::{self, ParquetFile};
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
        // Files are pruned by what they can be; every row is looked at again.
        let by_filter = |filter: &&Expr| {
            if !self.parquet.is_empty() && parquet_scan::is_pushable(filter) {
                TableProviderFilterPushDown::Inexact
            } else {
                TableProviderFilterPushDown::Unsupported
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
        let fields: Vec<Arc<Field>> =
            projection.iter().map(|position| Arc::clone(&self.schema.fields()[*position])).collect();
        let schema = Arc::new(Schema::new(fields));
        let mut plans: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
        if !self.text.is_empty() {
            plans.push(Arc::new(TextScanExec::new(
                Arc::clone(&self.columns),
                &self.text,
                &projection,
                Arc::clone(&schema),
                limit,
                state.config().target_partitions(),
                self.report.clone(),
                self.strict,
            )));
        }
        let columns: Vec<(&str, Type)> = projection
            .iter()
            .filter_map(|position| self.columns.columns.get(*position))
            .map(|(name, ty)| (name.as_str(), *ty))
            .collect();
        for file in &self.parquet {
            plans.push(file.scan(state, &columns, filters)?);
        }
        match plans.len() {
            0 => Ok(Arc::new(EmptyExec::new(schema))),
            1 => Ok(plans.remove(0)),
            _ => UnionExec::try_new(plans),
        }
    }
}
