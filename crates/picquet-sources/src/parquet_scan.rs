//! Parquet files of a table: only the needed columns, and row groups and pages that the filters leave.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::Session;
use datafusion::common::config::ConfigOptions;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, Result, ScalarValue, Statistics, internal_err};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::expressions::{Column as PhysicalColumn, Literal};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use kql_functions::Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use kql_engine::repr::{self, data_type};

use crate::stored::{UNIX_EPOCH, kusto_type, reading_schema, stored_udf};

/// Field metadata by which Picquet's own files tell the Kusto type.
pub const KUSTO_TYPE: &str = "kusto_type";

/// What a column's name ends in that holds the ticks of 100 ns, 0 to 9, which the datetime column of the name before it
/// cannot hold because it is stored in microseconds.
pub const TICKS_SUFFIX: &str = "__ticks";

/// A Parquet file on this machine and what its footer says.
#[derive(Debug, Clone)]
pub(crate) struct ParquetFile {
    file: ParquetFiles,
    types: Vec<Type>,
}

/// Parquet files that are read as one table.
#[derive(Debug, Clone)]
pub struct ParquetFiles {
    /// The store that holds them; the session must know it.
    pub store: ObjectStoreUrl,
    /// Path in the store and size in bytes of each.
    pub files: Vec<(String, u64)>,
    /// Their columns. What a file lacks is null.
    pub schema: SchemaRef,
    /// About how many rows they have.
    pub rows: usize,
    /// Whether a file never changes under its name, so that what its footer says may be remembered.
    pub lasting: bool,
}

impl ParquetFile {
    /// Reads the footer.
    pub(crate) fn look(path: &Path) -> std::result::Result<ParquetFile, String> {
        let path = std::fs::canonicalize(path).map_err(|e| e.to_string())?;
        let file = std::fs::File::open(&path).map_err(|e| e.to_string())?;
        let size = file.metadata().map_err(|e| e.to_string())?.len();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| e.to_string())?;
        let rows = usize::try_from(reader.metadata().file_metadata().num_rows()).unwrap_or(0);
        let types = reader.schema().fields().iter().map(|f| suggested(f)).collect();
        let file = ParquetFiles {
            store: ObjectStoreUrl::local_filesystem(),
            files: vec![(path.to_string_lossy().into_owned(), size)],
            schema: Arc::new(reading_schema(reader.schema())),
            rows,
            lasting: false,
        };
        Ok(ParquetFile { file, types })
    }

    /// Its columns and the types that they suggest.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (&str, Type)> {
        self.file.schema.fields().iter().map(|f| f.name().as_str()).zip(self.types.iter().copied())
    }

    /// See [`ParquetFiles::scan`].
    pub(crate) fn scan(
        &self,
        state: &dyn Session,
        columns: &[(&str, Type)],
        filters: &[Expr],
        read: &[(&str, Type)],
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.file.scan(state, columns, filters, read)
    }
}

impl ParquetFiles {
    /// A scan that gives columns of the table in Kusto's representation, of the rows that all filters leave.
    ///
    /// Filters read `read` columns. They are pushed into the decoding, so that other columns are decoded only where they
    /// hold; those that can be said of the stored values also prune row groups and pages by what the file knows of them.
    pub fn scan(
        &self,
        state: &dyn Session,
        columns: &[(&str, Type)],
        filters: &[Expr],
        read: &[(&str, Type)],
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut source = ParquetSource::new(Arc::clone(&self.schema)).with_pushdown_filters(true);
        if self.lasting {
            let runtime = state.runtime_env();
            let (store, cache) = (runtime.object_store(&self.store)?, runtime.cache_manager.get_file_metadata_cache());
            let readers = CachedParquetFileReaderFactory::new(store, cache);
            source = source.with_parquet_file_reader_factory(Arc::new(readers));
        }
        let stored = |name: &str| [self.schema.index_of(name).ok(), self.ticks_of(name)];
        let mut needed: Vec<usize> = columns.iter().chain(read).flat_map(|(n, _)| stored(n)).flatten().collect();
        needed.sort_unstable();
        needed.dedup();
        let config = FileScanConfigBuilder::new(self.store.clone(), Arc::new(source))
            .with_file_groups(self.groups(state.config().target_partitions()))
            // Joins build on the side with fewer rows.
            .with_statistics(Statistics::new_unknown(&self.schema).with_num_rows(Precision::Inexact(self.rows)))
            .with_projection_indices(Some(needed))?
            .build();
        let mut scan: Arc<dyn ExecutionPlan> = DataSourceExec::from_data_source(config);
        let values = StoredValues { schema: scan.schema(), options: Arc::new(state.config_options().clone()) };
        let mut predicates = Vec::with_capacity(filters.len());
        let stored_schema = DFSchema::try_from(values.schema.as_ref().clone())?;
        let read_schema = DFSchema::try_from(repr::schema(read.iter().copied()).as_ref().clone())?;
        for filter in filters {
            let (stored, exact) = match stored_filter(filter, &values.schema, read) {
                Some((stored, exact)) => (Some(stored), exact),
                None => (None, false),
            };
            if let Some(stored) = stored {
                predicates.push(state.create_physical_expr(stored, &stored_schema)?);
            }
            if !exact {
                predicates.push(values.of_file(state.create_physical_expr(filter.clone(), &read_schema)?, read)?);
            }
        }
        if !predicates.is_empty() {
            scan = Arc::new(FilterExec::try_new(datafusion::physical_expr::conjunction(predicates), scan)?);
        }
        let exprs = columns
            .iter()
            .map(|(name, ty)| Ok((values.value(name, *ty)?, (*name).to_string())))
            .collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(ProjectionExec::try_new(exprs, scan)?))
    }

    fn ticks_of(&self, column: &str) -> Option<usize> {
        self.schema.index_of(&format!("{column}{TICKS_SUFFIX}")).ok()
    }

    /// The files dealt out to groups of about the same size, in order.
    fn groups(&self, partitions: usize) -> Vec<FileGroup> {
        let total: u64 = self.files.iter().map(|(_, size)| size).sum();
        let share = total.div_ceil(partitions.max(1) as u64).max(1);
        let mut groups: Vec<Vec<PartitionedFile>> = Vec::new();
        let mut dealt = 0;
        for (path, size) in &self.files {
            let group = ((dealt + size / 2) / share).min(partitions.max(1) as u64 - 1);
            dealt += size;
            if group >= groups.len() as u64 {
                groups.push(Vec::new());
            }
            if let Some(last) = groups.last_mut() {
                last.push(PartitionedFile::new(path.clone(), *size));
            }
        }
        groups.into_iter().map(FileGroup::new).collect()
    }
}

/// The type that a stored column suggests.
fn suggested(field: &Field) -> Type {
    let told = field.metadata().get(KUSTO_TYPE).and_then(|ty| Type::parse(ty));
    told.unwrap_or_else(|| kusto_type(field.data_type()))
}

/// The columns of a file that is held in memory, and the types that they suggest.
pub(crate) fn columns_of(file: Vec<u8>) -> std::result::Result<Vec<(String, Type)>, String> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(file)).map_err(|e| e.to_string())?;
    Ok(reader.schema().fields().iter().map(|f| (f.name().clone(), suggested(f))).collect())
}

/// Columns of a file as Kusto values.
struct StoredValues {
    schema: SchemaRef,
    options: Arc<ConfigOptions>,
}

impl StoredValues {
    /// A predicate on columns of the table as one on those of the file.
    fn of_file(&self, predicate: Arc<dyn PhysicalExpr>, read: &[(&str, Type)]) -> Result<Arc<dyn PhysicalExpr>> {
        let stored = predicate.transform(|expr| match expr.downcast_ref::<PhysicalColumn>() {
            Some(column) => match read.get(column.index()) {
                // What stands in the column's place holds columns of the file, not of the table.
                Some((name, ty)) => Ok(Transformed::new(self.value(name, *ty)?, true, TreeNodeRecursion::Jump)),
                None => internal_err!("a filter on an unknown column"),
            },
            None => Ok(Transformed::no(expr)),
        })?;
        Ok(stored.data)
    }

    fn value(&self, name: &str, ty: Type) -> Result<Arc<dyn PhysicalExpr>> {
        let Some((at, field)) = self.schema.column_with_name(name) else {
            return Ok(Arc::new(Literal::new(missing(ty)?)));
        };
        let column: Arc<dyn PhysicalExpr> = Arc::new(PhysicalColumn::new(name, at));
        if is_same(field.data_type(), ty) {
            return Ok(column);
        }
        let udf = Arc::new(stored_udf(ty));
        let mut args = vec![column];
        let ticks = format!("{name}{TICKS_SUFFIX}");
        if let Some((at, _)) = self.schema.column_with_name(&ticks).filter(|_| ty == Type::DateTime) {
            args.push(Arc::new(PhysicalColumn::new(&ticks, at)));
        }
        Ok(Arc::new(ScalarFunctionExpr::try_new(udf, args, &self.schema, Arc::clone(&self.options))?))
    }
}

/// Whether values of a type are stored as they are represented. A text that is null is represented as "".
fn is_same(stored: &DataType, ty: Type) -> bool {
    !matches!(ty, Type::String | Type::Dynamic | Type::Unknown | Type::Decimal) && *stored == data_type(ty)
}

fn missing(ty: Type) -> Result<ScalarValue> {
    match ty {
        Type::String => Ok(ScalarValue::Utf8View(Some(String::new()))),
        other => ScalarValue::try_new_null(&data_type(other)),
    }
}

/// The operator with its sides exchanged.
fn comparison(op: Operator) -> Option<Operator> {
    Some(match op {
        Operator::Eq => Operator::Eq,
        Operator::Lt => Operator::Gt,
        Operator::LtEq => Operator::GtEq,
        Operator::Gt => Operator::Lt,
        Operator::GtEq => Operator::LtEq,
        _ => return None,
    })
}

/// A filter on the table's columns as one on the file's that lets at least the same rows through, and whether it lets
/// through no others.
fn stored_filter(filter: &Expr, schema: &Schema, read: &[(&str, Type)]) -> Option<(Expr, bool)> {
    let (left, op, right) = match filter {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => (left, op, right),
        Expr::IsNull(of) => return stored_missing(of, schema, read).map(|column| (column.is_null(), true)),
        Expr::IsNotNull(of) => return stored_missing(of, schema, read).map(|column| (column.is_not_null(), true)),
        _ => return None,
    };
    if matches!(op, Operator::And | Operator::Or) {
        let sides = [left, right].map(|side| stored_filter(side, schema, read));
        return match (sides, op) {
            ([Some((left, left_exact)), Some((right, right_exact))], _) => {
                let both = BinaryExpr::new(Box::new(left), *op, Box::new(right));
                Some((Expr::BinaryExpr(both), left_exact && right_exact))
            }
            ([Some((one, _)), None] | [None, Some((one, _))], Operator::And) => Some((one, false)),
            _ => None,
        };
    }
    let (column, op, value) = match (left.as_ref(), right.as_ref()) {
        (Expr::Column(c), Expr::Literal(v, _)) => (c, *op, v),
        (Expr::Literal(v, _), Expr::Column(c)) => (c, comparison(*op)?, v),
        _ => return None,
    };
    comparison(op)?;
    let stored = schema.field_with_name(&column.name).ok()?.data_type();
    let ty = read.iter().find(|(name, _)| *name == column.name).map(|(_, ty)| *ty)?;
    let exact = schema.index_of(&format!("{}{TICKS_SUFFIX}", column.name)).is_err();
    let (op, value) = match (stored, value) {
        (DataType::Timestamp(unit, zone), ScalarValue::Int64(Some(ticks))) if ty == Type::DateTime => {
            let ticks = ticks.checked_sub(UNIX_EPOCH)?;
            let (op, value) = if exact { stored_time(op, ticks, *unit)? } else { coarse_time(op, ticks, *unit)? };
            let value = match unit {
                TimeUnit::Second => ScalarValue::TimestampSecond(Some(value), zone.clone()),
                TimeUnit::Millisecond => ScalarValue::TimestampMillisecond(Some(value), zone.clone()),
                TimeUnit::Microsecond => ScalarValue::TimestampMicrosecond(Some(value), zone.clone()),
                TimeUnit::Nanosecond => ScalarValue::TimestampNanosecond(Some(value), zone.clone()),
            };
            (op, value)
        }
        // A null text is read as "", which equals no other text.
        (DataType::Utf8View, ScalarValue::Utf8View(Some(text)))
            if ty == Type::String && op == Operator::Eq && !text.is_empty() =>
        {
            (op, value.clone())
        }
        (DataType::Int64, ScalarValue::Int64(Some(_))) | (DataType::Int32, ScalarValue::Int32(Some(_)))
            if is_same(stored, ty) =>
        {
            (op, value.clone())
        }
        _ => return None,
    };
    let column = Expr::Column(Column::new_unqualified(column.name.clone()));
    let stored = BinaryExpr::new(Box::new(column), op, Box::new(Expr::Literal(value, None)));
    Some((Expr::BinaryExpr(stored), exact))
}

/// The stored column of one that is missing a value where, and only where, the stored one is.
fn stored_missing(of: &Expr, schema: &Schema, read: &[(&str, Type)]) -> Option<Expr> {
    let Expr::Column(column) = of else { return None };
    let stored = schema.field_with_name(&column.name).ok()?.data_type();
    let ty = read.iter().find(|(name, _)| *name == column.name).map(|(_, ty)| *ty)?;
    let same = is_same(stored, ty) || matches!(stored, DataType::Timestamp(..)) && ty == Type::DateTime;
    same.then(|| Expr::Column(Column::new_unqualified(column.name.clone())))
}

/// A comparison with ticks since 1970 as one with the microseconds of a time whose last digit stands elsewhere.
fn coarse_time(op: Operator, ticks: i64, unit: TimeUnit) -> Option<(Operator, i64)> {
    if unit != TimeUnit::Microsecond {
        return None;
    }
    let op = match op {
        Operator::Lt => Operator::LtEq,
        Operator::Gt => Operator::GtEq,
        other => other,
    };
    Some((op, ticks.div_euclid(10)))
}

/// A comparison with ticks since 1970 as one in the stored unit.
fn stored_time(op: Operator, ticks: i64, unit: TimeUnit) -> Option<(Operator, i64)> {
    let per_unit = match unit {
        // Stored nanoseconds are cut to ticks when read, so a tick is a hundred of them.
        TimeUnit::Nanosecond => {
            let start = ticks.checked_mul(100)?;
            return Some(match op {
                Operator::Gt => (Operator::GtEq, start.checked_add(100)?),
                Operator::LtEq => (Operator::Lt, start.checked_add(100)?),
                Operator::Eq => return None,
                other => (other, start),
            });
        }
        TimeUnit::Microsecond => 10,
        TimeUnit::Millisecond => 10_000,
        TimeUnit::Second => 10_000_000,
    };
    let (down, exact) = (ticks.div_euclid(per_unit), ticks.rem_euclid(per_unit) == 0);
    Some(match op {
        Operator::Lt | Operator::GtEq => (op, if exact { down } else { down + 1 }),
        Operator::Eq if !exact => return None,
        other => (other, down),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_so_that_no_row_is_lost() {
        let micro = |op, ticks| stored_time(op, ticks, TimeUnit::Microsecond);
        assert_eq!(micro(Operator::GtEq, 15), Some((Operator::GtEq, 2)));
        assert_eq!(micro(Operator::Gt, 15), Some((Operator::Gt, 1)));
        assert_eq!(micro(Operator::Lt, 15), Some((Operator::Lt, 2)));
        assert_eq!(micro(Operator::LtEq, 15), Some((Operator::LtEq, 1)));
        assert_eq!(micro(Operator::Lt, 20), Some((Operator::Lt, 2)));
        assert_eq!(micro(Operator::Eq, 15), None);
        assert_eq!(stored_time(Operator::Gt, 1, TimeUnit::Nanosecond), Some((Operator::GtEq, 200)));
        assert_eq!(stored_time(Operator::LtEq, -1, TimeUnit::Nanosecond), Some((Operator::Lt, 0)));
    }
}
