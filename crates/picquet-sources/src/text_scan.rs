//! The plan node that reads text files.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, Statistics};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties, StatisticsArgs,
};

use crate::decode::{Decoder, TableColumns, fill};
use crate::problems::{Collector, Report};
use crate::records::{Part, Records};
use crate::shape::FileShape;

/// Bytes of a part of a large file. Fixed, so that every reading of a file has the same parts.
pub(crate) const PART_BYTES: u64 = 16 << 20;

/// A part of a file to be read.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    file: Arc<FileShape>,
    part: Part,
}

/// The pieces of files, in order.
pub(crate) fn pieces(files: &[Arc<FileShape>]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for file in files {
        if !file.layout.splittable || file.size <= PART_BYTES {
            pieces.push(Piece { file: Arc::clone(file), part: Part::WHOLE });
            continue;
        }
        let count = file.size.div_ceil(PART_BYTES);
        for number in 0..count {
            let start = number * PART_BYTES;
            let end = if number + 1 == count { u64::MAX } else { start + PART_BYTES };
            pieces.push(Piece { file: Arc::clone(file), part: Part { number: number as u32, start, end } });
        }
    }
    pieces
}

impl Piece {
    fn bytes(&self) -> u64 {
        self.part.end.min(self.file.size).saturating_sub(self.part.start)
    }
}

/// Deals pieces out to at most `partitions` groups of about the same size, each a run of neighbours.
fn deal(pieces: Vec<Piece>, partitions: usize) -> Vec<Vec<Piece>> {
    let total: u64 = pieces.iter().map(Piece::bytes).sum();
    let share = total.div_ceil(partitions.max(1) as u64).max(1);
    let mut groups: Vec<Vec<Piece>> = Vec::new();
    let mut dealt = 0;
    for piece in pieces {
        let group = ((dealt + piece.bytes() / 2) / share).min(partitions.max(1) as u64 - 1);
        dealt += piece.bytes();
        if groups.is_empty() || group >= groups.len() as u64 {
            groups.push(Vec::new());
        }
        if let Some(last) = groups.last_mut() {
            last.push(piece);
        }
    }
    if groups.is_empty() {
        groups.push(Vec::new());
    }
    groups
}

/// Reads text files into the columns that a query wants.
#[derive(Debug)]
pub(crate) struct TextScanExec {
    table: Arc<TableColumns>,
    projection: Arc<[usize]>,
    groups: Vec<Vec<Piece>>,
    limit: Option<usize>,
    rows: usize,
    report: Report,
    strict: bool,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl TextScanExec {
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn new(
        table: Arc<TableColumns>,
        files: &[Arc<FileShape>],
        projection: &[usize],
        schema: SchemaRef,
        limit: Option<usize>,
        partitions: usize,
        report: Report,
        strict: bool,
    ) -> TextScanExec {
        let groups = deal(pieces(files), partitions);
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(groups.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        TextScanExec {
            table,
            projection: projection.into(),
            groups,
            limit,
            rows: files.iter().map(|file| file.estimated_records()).sum(),
            report,
            strict,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl DisplayAs for TextScanExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<&str> =
            self.projection.iter().map(|position| self.table.columns[*position].0.as_str()).collect();
        let pieces: usize = self.groups.iter().map(Vec::len).sum();
        write!(f, "TextScanExec: pieces={pieces}, groups={}, columns=[{}]", self.groups.len(), columns.join(", "))?;
        match self.limit {
            Some(limit) => write!(f, ", limit={limit}"),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for TextScanExec {
    fn name(&self) -> &str {
        "TextScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let schema = self.schema();
        let mut reading = Reading {
            table: Arc::clone(&self.table),
            projection: Arc::clone(&self.projection),
            schema: Arc::clone(&schema),
            pieces: self.groups[partition].clone().into_iter(),
            open: None,
            batch_rows: context.session_config().batch_size(),
            left: self.limit.unwrap_or(usize::MAX),
            report: self.report.clone(),
            strict: self.strict,
        };
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let batches = std::iter::from_fn(move || {
            let _timer = metrics.elapsed_compute().timer();
            reading.next().map(|batch| batch.record_output(&metrics))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, futures::stream::iter(batches))))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(&self, _: &[Arc<Statistics>], args: &StatisticsArgs) -> Result<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.schema());
        let share = if args.partition().is_some() { self.groups.len().max(1) } else { 1 };
        statistics.num_rows = Precision::Inexact(self.rows / share);
        Ok(Arc::new(statistics))
    }
}

/// One partition while it is read.
struct Reading {
    table: Arc<TableColumns>,
    projection: Arc<[usize]>,
    schema: SchemaRef,
    pieces: std::vec::IntoIter<Piece>,
    open: Option<OpenPiece>,
    batch_rows: usize,
    left: usize,
    report: Report,
    strict: bool,
}

struct OpenPiece {
    records: Records,
    decoder: Decoder,
    problems: Collector,
}

impl Reading {
    fn next(&mut self) -> Option<Result<RecordBatch>> {
        loop {
            if self.left == 0 {
                return None;
            }
            let mut open = match self.open.take() {
                Some(open) => open,
                None => {
                    let piece = self.pieces.next()?;
                    self.open_piece(piece)
                }
            };
            match self.read_batch(&mut open) {
                Err(error) => return Some(Err(error)),
                Ok((batch, more)) => {
                    if more {
                        self.open = Some(open);
                    }
                    if batch.num_rows() == 0 {
                        continue;
                    }
                    let rows = batch.num_rows().min(self.left);
                    self.left -= rows;
                    return Some(Ok(batch.slice(0, rows)));
                }
            }
        }
    }

    fn stop(&mut self, error: DataFusionError) -> DataFusionError {
        self.left = 0;
        error
    }

    fn open_piece(&self, piece: Piece) -> OpenPiece {
        let Piece { file, part } = piece;
        let mut problems = Collector::new(&self.report, self.strict, &file.path, part.number, part.start);
        let records = match Records::open(&file.path, &file.layout, part) {
            Ok(records) => records,
            Err(error) => {
                problems.add(None, None, || format!("cannot be read ({error}); left out"));
                Records::None
            }
        };
        let rows = self.batch_rows.min(file.estimated_records().saturating_add(1)).max(1);
        let decoder = Decoder::new(&file, &self.table, &self.projection, Arc::clone(&self.schema), rows);
        OpenPiece { records, decoder, problems }
    }

    /// Reads records for one batch; whether the piece may have more.
    fn read_batch(&mut self, open: &mut OpenPiece) -> Result<(RecordBatch, bool)> {
        let OpenPiece { records, decoder, problems } = open;
        let more = fill(decoder, records, self.batch_rows, problems)
            .map_err(|error| self.stop(DataFusionError::External(Box::new(error))))?;
        Ok((decoder.finish()?, more))
    }
}
