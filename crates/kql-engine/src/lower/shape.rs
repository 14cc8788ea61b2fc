//! `mv-expand`, `parse` and `parse-kv`.

use datafusion::common::Column as DfColumn;
use datafusion::logical_expr::Expr as DfExpr;
use datafusion::logical_expr::expr::ScalarFunction;
use kql_functions::Type;
use kql_semantics::bound::{Column, Expr, Marker, Rel, RelKind};
use std::sync::Arc;

use super::{Lowering, OrderKey, Plan, Result, column, column_name, internal, named};
use crate::udf::{KvSpec, Markers, ParseSpec, field_udf, mv_expand_udf, opaque_udf, parse_kv_udf, parse_udf};

impl Lowering<'_> {
    pub(super) fn mv_expand(&mut self, rel: &Rel) -> Result<Plan> {
        let RelKind::MvExpand { input, items, index, pairs, limit, marker } = &rel.kind else {
            return Err(internal("not an mv-expand"));
        };
        let columns = &rel.columns;
        let plan = self.rel(input)?;
        let limit = match limit {
            Some(limit) => self.constant(limit)?.as_i64(),
            None => None,
        };
        let types: Vec<Type> = items.iter().map(|i| i.output.ty).collect();
        let mut sources = items.iter().map(|i| self.expr(&i.source)).collect::<Result<Vec<_>>>()?;
        let markers = match marker {
            None => Markers::None,
            Some(Marker { input: None, .. }) => Markers::Added,
            Some(Marker { input: Some(id), .. }) => {
                sources.push(named(&column_name(*id)));
                Markers::Kept
            }
        };
        let list = self.hidden();
        let expanded = call(mv_expand_udf(types, *pairs, limit, markers), sources).alias(&list);
        let unique = !plan.builder.schema().functional_dependencies().is_empty();
        let keep = |name: &String| {
            if unique { call(opaque_udf(), vec![named(name)]).alias(name) } else { named(name) }
        };
        let kept: Vec<DfExpr> =
            plan.builder.schema().fields().iter().map(|f| keep(f.name())).chain([expanded]).collect();
        let builder = plan.builder.project(kept)?.unnest_column(DfColumn::new_unqualified(&list))?;

        let element = |position: usize| call(field_udf(position), vec![named(&list)]);
        let mut exprs: Vec<DfExpr> = columns
            .iter()
            .map(|c| {
                if let Some(at) = items.iter().position(|i| i.output.id == c.id) {
                    element(at).alias(column_name(c.id))
                } else if index.as_ref().is_some_and(|i| i.id == c.id) {
                    element(items.len()).alias(column_name(c.id))
                } else if marker.as_ref().is_some_and(|m| m.output.id == c.id) {
                    element(items.len() + 1).alias(column_name(c.id))
                } else {
                    column(c)
                }
            })
            .collect();
        let mut order = plan.order;
        if !order.is_empty() {
            let position = self.hidden();
            exprs.push(element(items.len()).alias(&position));
            // No longer a position by itself: the rows of one value share it.
            order.iter_mut().for_each(|key| key.position = false);
            order.push(OrderKey { column: position, ascending: true, nulls_first: false, position: false });
        }
        let hidden = Plan { builder, order: order.iter().filter(|k| !is_made(&exprs, k)).cloned().collect() };
        let built = self.with_order(hidden, exprs)?;
        Ok(Plan { builder: built.builder, order })
    }

    pub(super) fn parse(&mut self, rel: &Rel) -> Result<Plan> {
        let RelKind::Parse { input, source, kind, flags, pattern, outputs, drop_unmatched } = &rel.kind else {
            return Err(internal("not a parse"));
        };
        let udf = parse_udf(&ParseSpec { kind: *kind, flags, pattern })?;
        self.text_columns(input, source, udf, outputs, *drop_unmatched, &rel.columns)
    }

    pub(super) fn parse_kv(&mut self, rel: &Rel) -> Result<Plan> {
        let RelKind::ParseKv { input, source, outputs, options } = &rel.kind else {
            return Err(internal("not a parse-kv"));
        };
        let keys = outputs.iter().map(|c| (c.name.clone(), c.ty)).collect();
        let udf = parse_kv_udf(&KvSpec { keys, options })?;
        self.text_columns(input, source, udf, outputs, false, &rel.columns)
    }

    /// Columns that a function takes out of a text.
    fn text_columns(
        &mut self,
        input: &Rel,
        source: &Expr,
        udf: datafusion::logical_expr::ScalarUDF,
        outputs: &[Column],
        drop_unmatched: bool,
        columns: &[Column],
    ) -> Result<Plan> {
        let plan = self.rel(input)?;
        let parts = self.hidden();
        let taken = call(udf, vec![self.expr(source)?]).alias(&parts);
        let kept: Vec<DfExpr> = plan.builder.schema().fields().iter().map(|f| named(f.name())).chain([taken]).collect();
        let mut builder = plan.builder.project(kept)?;
        let part = |position: usize| call(field_udf(position), vec![named(&parts)]);
        if drop_unmatched {
            builder = builder.filter(part(0))?;
        }
        let exprs = columns
            .iter()
            .map(|c| match outputs.iter().position(|o| o.id == c.id) {
                Some(at) => part(at + 1).alias(column_name(c.id)),
                None => column(c),
            })
            .collect();
        self.with_order(Plan { builder, order: plan.order }, exprs)
    }
}

fn is_made(exprs: &[DfExpr], key: &OrderKey) -> bool {
    exprs.iter().any(|e| matches!(e, DfExpr::Alias(a) if a.name == key.column))
}

fn call(udf: datafusion::logical_expr::ScalarUDF, args: Vec<DfExpr>) -> DfExpr {
    DfExpr::ScalarFunction(ScalarFunction::new_udf(Arc::new(udf), args))
}
