//! A table as queries see it: at one moment, files and buffered rows together.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Column as ColumnName, Result, ScalarValue};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use kql_engine::repr::{self, ColumnBuilder, Values, missing};
use kql_functions::{Type, families};
use picquet_sources::{ParquetFiles, Wanted, taken_filters};

use super::{DataFile, TIME_GENERATED, TIME_RECEIVED, TableFiles};
use crate::columns::{Column, reading_schema};
use crate::state::Buffered;
use crate::storage::Storage;

/// A table at one moment.
pub(crate) struct StoredTable {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) schema: SchemaRef,
    pub(crate) storage: Storage,
    pub(crate) files: Arc<TableFiles>,
    pub(crate) buffered: Vec<Arc<Buffered>>,
}

impl std::fmt::Debug for StoredTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredTable").field("name", &self.name).finish_non_exhaustive()
    }
}

impl StoredTable {
    pub(crate) fn new(
        name: String,
        columns: Vec<Column>,
        storage: Storage,
        files: Arc<TableFiles>,
        buffered: Vec<Arc<Buffered>>,
    ) -> StoredTable {
        let schema = repr::schema(columns.iter().map(|(name, ty)| (name.as_str(), *ty)));
        StoredTable { name, columns, schema, storage, files, buffered }
    }

    /// The files that may have rows which all filters let through.
    fn candidates(&self, filters: &[Expr]) -> Vec<&DataFile> {
        self.files.files.iter().filter(|file| filters.iter().all(|filter| may_hold(file, filter))).collect()
    }

    fn scan_files(
        &self,
        state: &dyn Session,
        columns: &[(&str, Type)],
        filters: &[Expr],
        read: &[(&str, Type)],
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let found = self.candidates(filters);
        if found.is_empty() {
            return Ok(None);
        }
        let other = |error: crate::StoreError| datafusion::common::DataFusionError::External(Box::new(error));
        let url = self.storage.url().map_err(other)?;
        if self.storage.folder().is_none() {
            state.runtime_env().register_object_store(url.as_ref(), self.storage.store());
        }
        let path = |file: &&DataFile| Ok((self.storage.file(&self.name, &file.path).map_err(other)?, file.bytes));
        let parquet = ParquetFiles {
            store: url,
            files: found.iter().map(path).collect::<Result<_>>()?,
            schema: reading_schema(&self.files.columns, &self.files.ticks, &self.files.names),
            renamed: self.files.names.clone(),
            rows: found.iter().filter_map(|file| file.rows).sum(),
            lasting: true,
        };
        parquet.scan(state, columns, filters, read).map(Some)
    }

    /// Columns of a batch as the table has them.
    pub(crate) fn align(&self, buffered: &Buffered, positions: &[usize], schema: &SchemaRef) -> Result<RecordBatch> {
        let rows = buffered.batch.num_rows();
        let column = |position: &usize| -> Result<ArrayRef> {
            let (name, ty) = &self.columns[*position];
            let found = buffered.columns.iter().zip(buffered.batch.columns()).find(|((known, _), _)| known == name);
            Ok(match found {
                Some(((_, stored), array)) if stored == ty => Arc::clone(array),
                Some(((_, stored), array)) => {
                    let values = Values::new(array.as_ref(), *stored);
                    let mut out = ColumnBuilder::new(*ty, rows);
                    (0..rows).for_each(|row| out.push(&families::cast(&values.get(row), *ty)));
                    out.finish()
                }
                None => missing(*ty, rows),
            })
        };
        let arrays = positions.iter().map(column).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)?)
    }
}

/// Whether a file may have rows that a filter lets through, by what the log knows of their times.
fn may_hold(file: &DataFile, filter: &Expr) -> bool {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            may_hold(file, left) && may_hold(file, right)
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => may_hold(file, left) || may_hold(file, right),
        Expr::IsNull(of) => match of.as_ref() {
            Expr::Column(column) => file.missing_times(&column.name) != Some(0),
            _ => true,
        },
        _ => {
            let Some((column, op, value)) = time_bound(filter) else { return true };
            let range = if column == TIME_GENERATED { file.generated } else { file.received };
            let Some((low, high)) = range else { return true };
            match op {
                Operator::Lt => low < value,
                Operator::LtEq => low <= value,
                Operator::Gt => high > value,
                Operator::GtEq => high >= value,
                _ => low <= value && value <= high,
            }
        }
    }
}

/// A filter that compares a time of the row with a constant.
fn time_bound(filter: &Expr) -> Option<(&str, Operator, i64)> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else { return None };
    let (ColumnName { name, .. }, op, value) = match (left.as_ref(), right.as_ref()) {
        (Expr::Column(c), Expr::Literal(v, _)) => (c, *op, v),
        (Expr::Literal(v, _), Expr::Column(c)) => (c, op.swap()?, v),
        _ => return None,
    };
    let is_comparison = matches!(op, Operator::Eq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq);
    match value {
        ScalarValue::Int64(Some(ticks)) if is_comparison && (name == TIME_GENERATED || name == TIME_RECEIVED) => {
            Some((name, op, *ticks))
        }
        _ => None,
    }
}

#[async_trait]
impl TableProvider for StoredTable {
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
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wanted = Wanted::of(&self.schema, projection, filters)?;
        let named = |positions: &[usize]| -> Vec<(&str, Type)> {
            positions.iter().filter_map(|p| self.columns.get(*p)).map(|(name, ty)| (name.as_str(), *ty)).collect()
        };
        let mut plans = Vec::new();
        plans.extend(self.scan_files(state, &named(&wanted.projection), filters, &named(&wanted.read))?);
        if !self.buffered.is_empty() {
            let align = |buffered: &Arc<Buffered>| self.align(buffered, &wanted.read, &wanted.read_schema);
            let batches = self.buffered.iter().map(align).collect::<Result<Vec<_>>>()?;
            let plan = MemorySourceConfig::try_new_exec(&[batches], Arc::clone(&wanted.read_schema), None)?;
            plans.push(wanted.keep(state, filters, plan)?);
        }
        wanted.all(plans)
    }
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{ident, lit};

    use super::*;

    #[test]
    fn files_are_passed_over_by_their_times() {
        let file = DataFile {
            path: "f".to_string(),
            bytes: 1,
            rows: Some(1),
            generated: Some((100, 200)),
            received: Some((150, 250)),
            without_received: Some(0),
        };
        let unsure = DataFile { without_received: None, ..file.clone() };
        let (generated, received) = (|| ident("TimeGenerated"), || ident("_TimeReceived"));
        // What is true of the file itself, and of one of which it is not known whether all its rows have a time.
        let cases = [
            (generated().gt_eq(lit(200_i64)), true, true),
            (generated().gt(lit(200_i64)), false, false),
            (lit(100_i64).gt_eq(generated()), true, true),
            (generated().lt(lit(100_i64)), false, false),
            (generated().eq(lit(99_i64)), false, false),
            (generated().gt_eq(lit(0_i64)).and(generated().lt_eq(lit(99_i64))), false, false),
            (generated().lt(lit(100_i64)).or(ident("Other").eq(lit(1_i64))), true, true),
            (generated().lt(lit(100_i64)).or(generated().gt(lit(200_i64))), false, false),
            // As a window of ingestion times is asked for.
            (received().gt(lit(250_i64)).or(received().is_null().and(generated().gt(lit(100_i64)))), false, true),
            (received().gt(lit(249_i64)).or(received().is_null().and(generated().gt(lit(200_i64)))), true, true),
            (generated().is_null(), true, true),
            (generated().not_eq(lit(5_i64)), true, true),
        ];
        for (filter, held, held_unsure) in cases {
            assert_eq!(may_hold(&file, &filter), held, "{filter}");
            assert_eq!(may_hold(&unsure, &filter), held_unsure, "{filter}");
        }
    }
}
