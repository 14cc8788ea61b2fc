//! Parquet files of a table: only the needed columns, and row groups and pages that the filters leave.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::config::ConfigOptions;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result, ScalarValue, Statistics, internal_err};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr, conjunction};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::expressions::{Column as PhysicalColumn, Literal};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use kql_functions::Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::ParquetMetaData;

use kql_engine::repr::{self, data_type};

use crate::parquet_filter::{by_columns, has_no_null, holds_always, stored_filter};
use crate::stored::{kusto_type, reading_schema, stored_udf};

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
    /// What its footer says of the values, where that may save much.
    known: Option<Arc<Statistics>>,
}

/// From so many rows on, what is known of a file's values is kept.
const MANY_ROWS: usize = 65_536;

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
    /// Columns that are stored under another name, with that name.
    pub renamed: HashMap<String, String>,
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
        let schema = Arc::new(reading_schema(reader.schema()));
        let known = (rows >= MANY_ROWS).then(|| known(reader.metadata(), &schema)).flatten().map(Arc::new);
        let file = ParquetFiles {
            store: ObjectStoreUrl::local_filesystem(),
            files: vec![(path.to_string_lossy().into_owned(), size)],
            schema,
            rows,
            lasting: false,
            renamed: HashMap::new(),
        };
        Ok(ParquetFile { file, types, known })
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
        self.file.scan_knowing(self.known.as_deref(), state, columns, filters, read)
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
        self.scan_knowing(None, state, columns, filters, read)
    }

    fn scan_knowing(
        &self,
        known: Option<&Statistics>,
        state: &dyn Session,
        columns: &[(&str, Type)],
        filters: &[Expr],
        read: &[(&str, Type)],
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let known_of = |name: &str| known?.column_statistics.get(self.schema.index_of(self.stored_name(name)).ok()?);
        // The filters that say something, with what they are in terms of the stored values.
        let mut said = Vec::with_capacity(filters.len());
        for filter in filters {
            let renamed = filter.column_refs().iter().any(|column| self.renamed.contains_key(&column.name));
            let stored = if renamed { None } else { stored_filter(filter, &self.schema, read, &known_of) };
            if !matches!(&stored, Some((stored, true)) if holds_always(stored, &known_of)) {
                said.push((filter, stored));
            }
        }
        let stored = |name: &str| {
            let name = self.stored_name(name);
            [self.schema.index_of(name).ok(), self.ticks_of(name)]
        };
        let asked = said.iter().flat_map(|(filter, _)| filter.column_refs());
        let names = columns.iter().map(|(name, _)| *name).chain(asked.map(|column| column.name.as_str()));
        let mut needed: Vec<usize> = names.flat_map(stored).flatten().collect();
        needed.sort_unstable();
        needed.dedup();
        let mut source = ParquetSource::new(Arc::clone(&self.schema)).with_pushdown_filters(true);
        if self.lasting {
            let runtime = state.runtime_env();
            let (store, cache) = (runtime.object_store(&self.store)?, runtime.cache_manager.get_file_metadata_cache());
            let readers = CachedParquetFileReaderFactory::new(store, cache);
            source = source.with_parquet_file_reader_factory(Arc::new(readers));
        }
        // Joins build on the side with fewer rows.
        let about = || Statistics::new_unknown(&self.schema).with_num_rows(Precision::Inexact(self.rows));
        let config = FileScanConfigBuilder::new(self.store.clone(), Arc::new(source))
            .with_file_groups(self.groups(state.config().target_partitions()))
            .with_statistics(known.cloned().unwrap_or_else(about))
            .with_projection_indices(Some(needed))?
            .build();
        let mut scan: Arc<dyn ExecutionPlan> = DataSourceExec::from_data_source(config);
        let filled = read.iter().filter(|(name, _)| known_of(name).is_some_and(has_no_null));
        let values = StoredValues {
            schema: scan.schema(),
            filled: filled.map(|(name, _)| (*name).to_string()).collect(),
            renamed: self.renamed.clone(),
            options: Arc::new(state.config_options().clone()),
        };
        let mut predicates = Vec::with_capacity(said.len());
        let stored_schema = DFSchema::try_from(values.schema.as_ref().clone())?;
        let read_schema = DFSchema::try_from(repr::schema(read.iter().copied()).as_ref().clone())?;
        for (filter, stored) in said {
            let exact = matches!(stored, Some((_, true)));
            if let Some((stored, _)) = stored {
                predicates.push(state.create_physical_expr(stored, &stored_schema)?);
            }
            if !exact {
                predicates.push(values.of_file(state.create_physical_expr(filter.clone(), &read_schema)?, read)?);
            }
        }
        let predicates = by_columns(predicates);
        if !predicates.is_empty() {
            scan = Arc::new(FilterExec::try_new(conjunction(predicates), scan)?);
        }
        let exprs = columns
            .iter()
            .map(|(name, ty)| Ok((values.value(name, *ty)?, (*name).to_string())))
            .collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(ProjectionExec::try_new(exprs, scan)?))
    }

    fn stored_name<'n>(&'n self, column: &'n str) -> &'n str {
        self.renamed.get(column).map_or(column, String::as_str)
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
    /// The columns without a null.
    filled: Vec<String>,
    /// Columns that are stored under another name.
    renamed: HashMap<String, String>,
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
        let stored = self.renamed.get(name).map_or(name, String::as_str);
        let Some((at, field)) = self.schema.column_with_name(stored) else {
            return Ok(Arc::new(Literal::new(missing(ty)?)));
        };
        let column: Arc<dyn PhysicalExpr> = Arc::new(PhysicalColumn::new(stored, at));
        let text = *field.data_type() == DataType::Utf8View && ty == Type::String;
        if is_same(field.data_type(), ty) || text && self.filled.iter().any(|filled| filled == name) {
            return Ok(column);
        }
        let udf = Arc::new(stored_udf(ty));
        let mut args = vec![column];
        let ticks = format!("{stored}{TICKS_SUFFIX}");
        if let Some((at, _)) = self.schema.column_with_name(&ticks).filter(|_| ty == Type::DateTime) {
            args.push(Arc::new(PhysicalColumn::new(&ticks, at)));
        }
        Ok(Arc::new(ScalarFunctionExpr::try_new(udf, args, &self.schema, Arc::clone(&self.options))?))
    }
}

/// Whether values of a type are stored as they are represented. A text that is null is represented as "".
pub(crate) fn is_same(stored: &DataType, ty: Type) -> bool {
    !matches!(ty, Type::String | Type::Dynamic | Type::Unknown | Type::Decimal) && *stored == data_type(ty)
}

fn missing(ty: Type) -> Result<ScalarValue> {
    match ty {
        Type::String => Ok(ScalarValue::Utf8View(Some(String::new()))),
        other => ScalarValue::try_new_null(&data_type(other)),
    }
}

/// What a file's footer says of its values for certain.
fn known(metadata: &ParquetMetaData, schema: &SchemaRef) -> Option<Statistics> {
    let mut known = DFParquetMetadata::statistics_from_parquet_metadata(metadata, schema).ok()?;
    // Sizes are of the stored values, not of those that are read.
    known.total_byte_size = Precision::Absent;
    known.column_statistics.iter_mut().for_each(|column| column.byte_size = Precision::Absent);
    Some(known)
}
