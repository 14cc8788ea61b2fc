//! Guards of DataFusion's filter pushdown, and of its longest loops.
//!
//! Pushing a filter below a projection puts the projection's expressions in the place of its columns. Where a column is
//! computed and read more than once, work is copied; in a chain of `extend x = iff(…, f(x), x)` each step doubles what the
//! one above copied. Here a filter stays where it is when pushing it would copy more than a little.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, config::ConfigOptions};
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{Expr, Filter, LogicalPlan, Projection};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{Optimizer, OptimizerConfig, OptimizerRule};
use datafusion::physical_expr::expressions::Column as PhysicalColumn;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::joins::{HashJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};

use crate::stoppable;

/// Nodes of an expression up to which copies do not matter.
const SMALL: usize = 64;
/// Nodes of an expression that is never pushed further.
const LARGE: usize = 1024;

type LogicalRules = Vec<Arc<dyn OptimizerRule + Send + Sync>>;
type PhysicalRules = Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>>;

/// DataFusion's rules for logical plans, the pushdown of filters guarded; all of them can be stopped.
pub(crate) fn optimizer_rules() -> LogicalRules {
    let guarded = |inner: Arc<dyn OptimizerRule + Send + Sync>| -> Arc<dyn OptimizerRule + Send + Sync> {
        if inner.name() == "push_down_filter" { Arc::new(GuardedFilters { inner }) } else { inner }
    };
    Optimizer::new().rules.into_iter().map(guarded).map(stoppable::logical).collect()
}

/// DataFusion's rules for physical plans, the pushdown of filters guarded; all of them can be stopped.
pub(crate) fn physical_rules() -> PhysicalRules {
    let guarded =
        |inner: Arc<dyn PhysicalOptimizerRule + Send + Sync>| -> Arc<dyn PhysicalOptimizerRule + Send + Sync> {
            if inner.name().starts_with("FilterPushdown") { Arc::new(GuardedPhysical { inner }) } else { inner }
        };
    let give_way: Arc<dyn PhysicalOptimizerRule + Send + Sync> = Arc::new(GiveWay);
    let rules = PhysicalOptimizer::new().rules.into_iter().map(guarded).chain([give_way]);
    rules.map(stoppable::physical).collect()
}

/// What makes many batches of one gives way between them: a filter above might look at them for long without a pause, and
/// the query could not be ended.
#[derive(Debug)]
struct GiveWay;

impl PhysicalOptimizerRule for GiveWay {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let wrapped = plan.transform_up(|node| {
            let multiplies = node.downcast_ref::<HashJoinExec>().is_some()
                || node.downcast_ref::<SortMergeJoinExec>().is_some()
                || node.downcast_ref::<UnnestExec>().is_some();
            if !multiplies {
                return Ok(Transformed::no(node));
            }
            let wrapped: Arc<dyn ExecutionPlan> = Arc::new(CooperativeExec::new(node));
            Ok(Transformed::yes(wrapped))
        })?;
        Ok(wrapped.data)
    }

    fn name(&self) -> &str {
        "give_way"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct GuardedFilters {
    inner: Arc<dyn OptimizerRule + Send + Sync>,
}

impl OptimizerRule for GuardedFilters {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.inner.apply_order()
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Filter(filter) = &plan else { return self.inner.rewrite(plan, config) };
        let LogicalPlan::Projection(projection) = filter.input.as_ref() else {
            return self.inner.rewrite(plan, config);
        };
        let sizes = projection.expr.iter().map(size).collect::<Result<Vec<usize>>>()?;
        if sizes.iter().all(|size| *size == 1) {
            return self.inner.rewrite(plan, config);
        }
        let (mut pushed, mut kept) = (Vec::new(), Vec::new());
        for predicate in split_conjunction(&filter.predicate) {
            let to = if may_push(predicate, projection, &sizes)? { &mut pushed } else { &mut kept };
            to.push(predicate.clone());
        }
        let Some(kept) = conjunction(kept) else { return self.inner.rewrite(plan, config) };
        let Some(pushed) = conjunction(pushed) else { return Ok(Transformed::no(plan)) };
        let below = LogicalPlan::Filter(Filter::try_new(pushed, Arc::clone(&filter.input))?);
        let below = self.inner.rewrite(below, config)?;
        if !below.transformed {
            return Ok(Transformed::no(plan));
        }
        Ok(Transformed::yes(LogicalPlan::Filter(Filter::try_new(kept, Arc::new(below.data))?)))
    }
}

/// Nodes of an expression; names of columns do not count.
fn size(expr: &Expr) -> Result<usize> {
    let mut nodes = 0;
    expr.apply(|e| {
        nodes += usize::from(!matches!(e, Expr::Alias(_)));
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(nodes)
}

/// Whether a predicate with the projection's expressions in it copies no more than a little.
fn may_push(predicate: &Expr, projection: &Projection, sizes: &[usize]) -> Result<bool> {
    let mut uses = vec![0usize; sizes.len()];
    let mut total = 0usize;
    let mut copies = false;
    predicate.apply(|e| {
        total += 1;
        if let Expr::Column(column) = e
            && let Some(at) = projection.schema.maybe_index_of_column(column)
            && let (Some(used), Some(size)) = (uses.get_mut(at), sizes.get(at))
        {
            *used += 1;
            copies |= *used > 1 && *size > 1;
            total = total.saturating_add(*size - 1);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(total <= SMALL || !copies && total <= LARGE)
}

#[derive(Debug)]
struct GuardedPhysical {
    inner: Arc<dyn PhysicalOptimizerRule + Send + Sync>,
}

impl PhysicalOptimizerRule for GuardedPhysical {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let (_, safe) = inlined_sizes(&plan)?;
        if safe {
            return self.inner.optimize(plan, config);
        }
        let children = plan.children().into_iter().map(|child| self.optimize(Arc::clone(child), config));
        let children = children.collect::<Result<Vec<_>>>()?;
        replace_children_if_necessary(plan, children)
    }

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn schema_check(&self) -> bool {
        self.inner.schema_check()
    }
}

/// How large the expression of each column would be in terms of what the leaves give, at most; and whether no node of the
/// plan reads a column that would be too large.
fn inlined_sizes(plan: &Arc<dyn ExecutionPlan>) -> Result<(Vec<usize>, bool)> {
    let width = plan.schema().fields().len();
    let mut below: Vec<Vec<usize>> = Vec::new();
    let mut safe = true;
    for child in plan.children() {
        let (sizes, good) = inlined_sizes(child)?;
        safe &= good;
        below.push(sizes);
    }
    if let (Some(projection), [sizes]) = (plan.downcast_ref::<ProjectionExec>(), below.as_slice()) {
        let computed = projection.expr().iter().map(|e| inlined_size(&e.expr, sizes)).collect::<Result<Vec<_>>>()?;
        return Ok((computed, safe));
    }
    safe &= below.iter().flatten().all(|size| *size <= LARGE);
    let most = below.iter().flatten().copied().max().unwrap_or(1);
    let all: Vec<usize> = below.concat();
    Ok((if all.len() == width { all } else { vec![most; width] }, safe))
}

fn inlined_size(expr: &Arc<dyn PhysicalExpr>, below: &[usize]) -> Result<usize> {
    let mut total = 0usize;
    expr.apply(|e| {
        let here = match e.downcast_ref::<PhysicalColumn>() {
            Some(column) => below.get(column.index()).copied().unwrap_or(1),
            None => 1,
        };
        total = total.saturating_add(here);
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(total)
}
