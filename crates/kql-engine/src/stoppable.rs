//! Planning that ends when its query should: every optimizer rule asks first.
//!
//! A plan of many tables and columns takes the optimizer long, and it does not pause, so that a query could not be ended by
//! leaving it.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{Result, config::ConfigOptions};
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use datafusion::physical_optimizer::optimizer::{PhysicalOptimizerContext, PhysicalOptimizerRule};
use datafusion::physical_plan::ExecutionPlan;

use crate::udf::check_interrupt;

/// A rule for logical plans that asks at every node.
pub(crate) fn logical(inner: Arc<dyn OptimizerRule + Send + Sync>) -> Arc<dyn OptimizerRule + Send + Sync> {
    Arc::new(Logical { inner })
}

/// A rule for physical plans that asks before it begins.
pub(crate) fn physical(
    inner: Arc<dyn PhysicalOptimizerRule + Send + Sync>,
) -> Arc<dyn PhysicalOptimizerRule + Send + Sync> {
    Arc::new(Physical { inner })
}

#[derive(Debug)]
struct Logical {
    inner: Arc<dyn OptimizerRule + Send + Sync>,
}

impl OptimizerRule for Logical {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.inner.apply_order()
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        check_interrupt(&config.options())?;
        self.inner.rewrite(plan, config)
    }
}

#[derive(Debug)]
struct Physical {
    inner: Arc<dyn PhysicalOptimizerRule + Send + Sync>,
}

impl PhysicalOptimizerRule for Physical {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        check_interrupt(config)?;
        self.inner.optimize(plan, config)
    }

    fn optimize_with_context(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        context: &dyn PhysicalOptimizerContext,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        check_interrupt(context.config_options())?;
        self.inner.optimize_with_context(plan, context)
    }

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn schema_check(&self) -> bool {
        self.inner.schema_check()
    }
}

#[cfg(test)]
mod tests {
    use datafusion::optimizer::OptimizerContext;
    use datafusion::physical_plan::empty::EmptyExec;

    use super::*;
    use crate::limits::{Cancel, Interrupt, Limits};
    use crate::pushdown;

    #[test]
    fn rules_end_with_their_query() {
        let cancel = Cancel::default();
        let limits = Limits { cancel: Some(cancel.clone()), ..Limits::default() };
        let mut options = ConfigOptions::new();
        options.extensions.insert(Interrupt::new(&limits));
        let context = OptimizerContext::new_with_config_options(Arc::new(options.clone()));
        let logical = || pushdown::optimizer_rules()[0].rewrite(LogicalPlan::default(), &context).map(|_| ());
        let plan: Arc<dyn ExecutionPlan> = Arc::new(EmptyExec::new(Arc::new(arrow::datatypes::Schema::empty())));
        let physical = || pushdown::physical_rules()[0].optimize(Arc::clone(&plan), &options).map(|_| ());
        assert!(logical().is_ok() && physical().is_ok());
        cancel.cancel();
        for error in [logical().unwrap_err(), physical().unwrap_err()] {
            assert!(error.to_string().contains("cancelled"), "{error}");
        }
    }
}
