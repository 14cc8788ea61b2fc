//! Joins.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::common::{Column as DfColumn, NullEquality};
use datafusion::logical_expr::{Expr as DfExpr, JoinType, LogicalPlanBuilder, lit, when};
use kql_functions::{Type, Val};
use kql_semantics::bound::{Column, Expr, ExprKind, JoinKind, Rel};

use super::aggregate::{native, row_part};
use super::expr::scalar;
use super::{Lowering, Plan, Result, column, column_name, named};
use crate::udf::arg_row_udf;

impl Lowering<'_> {
    pub(super) fn join(
        &mut self,
        left: &Rel,
        right: &Rel,
        kind: JoinKind,
        keys: &[(Expr, Expr)],
        columns: &[Column],
    ) -> Result<Plan> {
        let (left_keys, right_keys): (Vec<&Expr>, Vec<&Expr>) = keys.iter().map(|(l, r)| (l, r)).unzip();
        let (mut left_plan, left_on) = self.side(left, &left_keys)?;
        let (mut right_plan, right_on) = self.side(right, &right_keys)?;
        match kind {
            JoinKind::InnerUnique => left_plan = self.first_by_key(left_plan, &left_on, &left.columns)?,
            JoinKind::LeftSemi | JoinKind::LeftAnti => right_plan = distinct_keys(right_plan, &right_on)?,
            JoinKind::RightSemi | JoinKind::RightAnti => left_plan = distinct_keys(left_plan, &left_on)?,
            JoinKind::Inner | JoinKind::LeftOuter | JoinKind::RightOuter | JoinKind::FullOuter => {}
        }
        let join_type = match kind {
            JoinKind::InnerUnique | JoinKind::Inner => JoinType::Inner,
            JoinKind::LeftOuter => JoinType::Left,
            JoinKind::RightOuter => JoinType::Right,
            JoinKind::FullOuter => JoinType::Full,
            JoinKind::LeftSemi => JoinType::LeftSemi,
            JoinKind::LeftAnti => JoinType::LeftAnti,
            JoinKind::RightSemi => JoinType::RightSemi,
            JoinKind::RightAnti => JoinType::RightAnti,
        };
        let on = |names: Vec<String>| names.into_iter().map(DfColumn::new_unqualified).collect::<Vec<_>>();
        let builder = left_plan.join_detailed(
            right_plan.build()?,
            join_type,
            (on(left_on), on(right_on)),
            None,
            NullEquality::NullEqualsNull,
        )?;
        // A side without a match gives nulls, and strings have none.
        let exprs = columns
            .iter()
            .map(|c| {
                let padded = match join_type {
                    JoinType::Left => right.columns.iter().any(|r| r.id == c.id),
                    JoinType::Right => left.columns.iter().any(|l| l.id == c.id),
                    JoinType::Full => true,
                    _ => false,
                };
                if !padded || c.ty != Type::String {
                    return Ok(column(c));
                }
                let empty = lit(scalar(&Val::missing(Type::String), Type::String));
                Ok(when(column(c).is_null(), empty).otherwise(column(c))?.alias(column_name(c.id)))
            })
            .collect::<Result<Vec<DfExpr>>>()?;
        Ok(Plan { builder: builder.project(exprs)?, order: Vec::new() })
    }

    /// One side: its columns, and its keys as columns.
    fn side(&mut self, rel: &Rel, keys: &[&Expr]) -> Result<(LogicalPlanBuilder, Vec<String>)> {
        let plan = self.rel(rel)?;
        let mut exprs: Vec<DfExpr> = rel.columns.iter().map(column).collect();
        let mut names = Vec::with_capacity(keys.len());
        for key in keys {
            names.push(match key.kind {
                ExprKind::Column(id) => column_name(id),
                _ => {
                    let name = self.hidden();
                    exprs.push(self.expr(key)?.alias(&name));
                    name
                }
            });
        }
        Ok((plan.builder.project(exprs)?, names))
    }

    /// One row a key, as `innerunique` asks of its left side: the first that comes.
    fn first_by_key(
        &mut self,
        side: LogicalPlanBuilder,
        keys: &[String],
        columns: &[Column],
    ) -> Result<LogicalPlanBuilder> {
        let others: Vec<&Column> = columns.iter().filter(|c| !keys.contains(&column_name(c.id))).collect();
        let mut groups: Vec<DfExpr> = keys.iter().map(|k| named(k)).collect();
        groups.dedup();
        if others.is_empty() {
            return Ok(side.aggregate(groups, Vec::<DfExpr>::new())?);
        }
        let types: Vec<Type> = others.iter().map(|c| c.ty).collect();
        let nothing = lit(scalar(&Val::Null, Type::Long));
        // Among rows without a key or position to choose by, the first stays.
        let args = [nothing.clone()].into_iter().chain(others.iter().map(|c| column(c))).chain([nothing]).collect();
        let row = self.hidden();
        let first = native(Arc::new(arg_row_udf(true, Type::Long, &types)), args, None).alias(&row);
        let kept = groups.clone();
        let taken = others.iter().enumerate().map(|(at, c)| row_part(&row, at).alias(column_name(c.id)));
        let outputs: Vec<DfExpr> = kept.into_iter().chain(taken).collect();
        Ok(side.aggregate(groups, [first])?.project(outputs)?)
    }
}

/// The keys of a side that only tells which rows of the other side stay, each once: a join looks at every pair of rows with
/// the same key, and where both sides have it often these are very many.
fn distinct_keys(side: LogicalPlanBuilder, keys: &[String]) -> Result<LogicalPlanBuilder> {
    let names: BTreeSet<&String> = keys.iter().collect();
    if names.is_empty() {
        return Ok(side);
    }
    Ok(side.aggregate(names.into_iter().map(|key| named(key)).collect::<Vec<_>>(), Vec::<DfExpr>::new())?)
}
