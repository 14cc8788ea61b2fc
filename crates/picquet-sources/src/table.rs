//! A table made of files, as the query engine sees it.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use kql_engine::repr;
use kql_functions::Type;

use crate::SourceError;
use crate::decode::TableColumns;
use crate::parquet_scan::ParquetFile;
use crate::problems::{Problem, Report};
use crate::shape::FileShape;
use crate::text_scan::TextScanExec;
use crate::wanted::{Wanted, taken_filters};

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
        Ok(taken_filters(filters))
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
        let wanted = Wanted::of(&self.schema, projection, filters)?;
        let mut plans: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
        if !self.text.is_empty() {
            let plan = Arc::new(TextScanExec::new(
                Arc::clone(&self.columns),
                &self.text,
                &wanted.read,
                Arc::clone(&wanted.read_schema),
                limit.filter(|_| filters.is_empty()),
                state.config().target_partitions(),
                self.report.clone(),
                self.strict,
            ));
            plans.push(wanted.keep(state, filters, plan)?);
        }
        let named = |positions: &[usize]| -> Vec<(&str, Type)> {
            let columns = positions.iter().filter_map(|position| self.columns.columns.get(*position));
            columns.map(|(name, ty)| (name.as_str(), *ty)).collect()
        };
        let (columns, read) = (named(&wanted.projection), named(&wanted.read));
        for file in &self.parquet {
            plans.push(file.scan(state, &columns, filters, &read)?);
        }
        wanted.all(plans)
    }
}
