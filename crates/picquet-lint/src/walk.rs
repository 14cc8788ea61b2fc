//! Visiting every expression and operator of a syntax tree.

use kql_syntax::ast::{
    Arg, Expr, ExprKind, ForkBranch, GraphNodes, LetValue, NamedExpr, Operator, OperatorKind, PartitionBody, Query,
    Statement,
};

/// What is called for each node, the outer ones first.
pub(crate) trait Visitor {
    /// An expression.
    fn expr(&mut self, _expr: &Expr) {}
    /// A tabular operator, at the head of a query too.
    fn operator(&mut self, _operator: &Operator) {}
}

/// Visits a whole query, with the bodies of its functions.
pub(crate) fn query(query: &Query, visitor: &mut dyn Visitor) {
    statements(&query.statements, visitor);
}

fn statements(list: &[Statement], v: &mut dyn Visitor) {
    for statement in list {
        match statement {
            Statement::Let(statement) => match &statement.value {
                LetValue::Expr(value) => expr(value, v),
                LetValue::Function(function) => statements(&function.body, v),
            },
            Statement::Set { value, .. } => value.iter().for_each(|e| expr(e, v)),
            Statement::Alias { value, .. } => expr(value, v),
            Statement::Pattern(pattern) => pattern.cases.iter().for_each(|case| statements(&case.body, v)),
            Statement::RestrictAccess { entities, .. } => exprs(entities, v),
            Statement::QueryParameters { .. } => {}
            Statement::Expr(value) => expr(value, v),
        }
    }
}

fn exprs(list: &[Expr], v: &mut dyn Visitor) {
    list.iter().for_each(|e| expr(e, v));
}

fn named(list: &[NamedExpr], v: &mut dyn Visitor) {
    list.iter().for_each(|e| expr(&e.value, v));
}

fn args(list: &[Arg], v: &mut dyn Visitor) {
    list.iter().for_each(|a| expr(&a.value, v));
}

fn expr(e: &Expr, v: &mut dyn Visitor) {
    v.expr(e);
    match &e.kind {
        ExprKind::Path { base, selector } => {
            expr(base, v);
            expr(selector, v);
        }
        ExprKind::Index { base, index } => {
            expr(base, v);
            expr(index, v);
        }
        ExprKind::Call { args: list, .. } => args(list, v),
        ExprKind::Unary { operand, .. } => expr(operand, v),
        ExprKind::Binary { left, right, .. } => {
            expr(left, v);
            expr(right, v);
        }
        ExprKind::Between { expr: inner, low, high, .. } => {
            expr(inner, v);
            expr(low, v);
            expr(high, v);
        }
        ExprKind::In { left, list, .. } => {
            expr(left, v);
            exprs(list, v);
        }
        ExprKind::Paren(inner) => expr(inner, v),
        ExprKind::Pipeline { source, operators: list } => {
            expr(source, v);
            operators(list, v);
        }
        ExprKind::Source(head) => operator(head, v),
        ExprKind::Datatable { values, .. } => exprs(values, v),
        ExprKind::Externaldata { uris, .. } => exprs(uris, v),
        ExprKind::Literal(_)
        | ExprKind::Typeof(_)
        | ExprKind::Name(_)
        | ExprKind::Star
        | ExprKind::Unsupported(_)
        | ExprKind::Error => {}
    }
}

fn operators(list: &[Operator], v: &mut dyn Visitor) {
    list.iter().for_each(|o| operator(o, v));
}

fn operator(o: &Operator, v: &mut dyn Visitor) {
    v.operator(o);
    match &o.kind {
        OperatorKind::Distinct(list)
        | OperatorKind::Extend(list)
        | OperatorKind::Print(list)
        | OperatorKind::Project(list)
        | OperatorKind::ProjectRename(list)
        | OperatorKind::Serialize(list) => named(list, v),
        OperatorKind::Evaluate { call, .. } | OperatorKind::Invoke(call) => expr(call, v),
        OperatorKind::Facet { by, with } => {
            exprs(by, v);
            with.iter().for_each(|list| operators(list, v));
        }
        OperatorKind::Find { sources, predicate, .. } => {
            exprs(sources, v);
            predicate.iter().for_each(|e| expr(e, v));
        }
        OperatorKind::Fork(branches) => {
            branches.iter().for_each(|ForkBranch { operators: list, .. }| operators(list, v))
        }
        OperatorKind::GraphMatch { r#where, project, .. }
        | OperatorKind::GraphShortestPaths { r#where, project, .. } => {
            r#where.iter().for_each(|e| expr(e, v));
            named(project, v);
        }
        OperatorKind::Join { right, on } | OperatorKind::Lookup { right, on } => {
            expr(right, v);
            exprs(on, v);
        }
        OperatorKind::MacroExpand { group, body, .. } => {
            expr(group, v);
            statements(body, v);
        }
        OperatorKind::MakeGraph { with: GraphNodes::Tables(tables), .. } => {
            tables.iter().for_each(|(table, _)| expr(table, v));
        }
        OperatorKind::MakeSeries { aggregates, on, from, to, step, in_range, by } => {
            aggregates.iter().for_each(|a| expr(&a.expr.value, v));
            expr(&on.value, v);
            from.iter().chain(to).chain(step).for_each(|e| expr(e, v));
            in_range.iter().for_each(|list| exprs(list, v));
            named(by, v);
        }
        OperatorKind::MvApply { items, body, .. } => {
            items.iter().for_each(|item| expr(&item.expr.value, v));
            operators(body, v);
        }
        OperatorKind::MvExpand { items, .. } => items.iter().for_each(|item| expr(&item.expr.value, v)),
        OperatorKind::Parse { expr: e, .. } | OperatorKind::ParseKv { expr: e, .. } => expr(e, v),
        OperatorKind::Partition { by, body } => {
            expr(by, v);
            match body {
                PartitionBody::Operators(list) => operators(list, v),
                PartitionBody::Query(list) => statements(list, v),
            }
        }
        OperatorKind::ProjectAway(list) | OperatorKind::ProjectByNames(list) | OperatorKind::ProjectKeep(list) => {
            exprs(list, v);
        }
        OperatorKind::Range { from, to, step, .. } => [from, to, step].into_iter().for_each(|e| expr(e, v)),
        OperatorKind::Reduce { by, .. } => expr(&by.value, v),
        OperatorKind::Sample(e) | OperatorKind::Take(e) | OperatorKind::Where(e) => expr(e, v),
        OperatorKind::SampleDistinct { count, of } => {
            expr(count, v);
            expr(&of.value, v);
        }
        OperatorKind::Scan { order_by, partition_by, steps, .. } => {
            order_by.iter().for_each(|key| expr(&key.expr.value, v));
            named(partition_by, v);
            for step in steps {
                expr(&step.condition, v);
                named(&step.assignments, v);
            }
        }
        OperatorKind::Search { sources, predicate } => {
            exprs(sources, v);
            expr(predicate, v);
        }
        OperatorKind::Sort(keys) => keys.iter().for_each(|key| expr(&key.expr.value, v)),
        OperatorKind::Summarize { aggregates, by, .. } => {
            named(aggregates, v);
            named(by, v);
        }
        OperatorKind::Top { count, by, .. } => {
            expr(count, v);
            by.iter().for_each(|key| expr(&key.expr.value, v));
        }
        OperatorKind::TopHitters { count, of, by } => {
            expr(count, v);
            expr(&of.value, v);
            by.iter().for_each(|e| expr(&e.value, v));
        }
        OperatorKind::TopNested(levels) => {
            for level in levels {
                expr(&level.of.value, v);
                expr(&level.by.value, v);
            }
        }
        OperatorKind::Union(list) => exprs(list, v),
        OperatorKind::As(_)
        | OperatorKind::AssertSchema(_)
        | OperatorKind::Consume
        | OperatorKind::Count { .. }
        | OperatorKind::GetSchema
        | OperatorKind::GraphMarkComponents
        | OperatorKind::GraphToTable { .. }
        | OperatorKind::MakeGraph { .. }
        | OperatorKind::ProjectReorder(_)
        | OperatorKind::Render { .. }
        | OperatorKind::Error => {}
    }
}
