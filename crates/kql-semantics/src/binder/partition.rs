//! `mv-apply` and `partition`: a subquery for each row's elements, or for each value of a column.

use kql_functions::{Type, Val};
use kql_syntax::Span;
use kql_syntax::ast::{self, Operator, OperatorKind, PartitionBody, Property};

use super::carry::{Along, Carry, Shape, shape, truth};
use super::scope::Entity;
use super::statements::Value;
use super::{Binder, Env, Row, project};
use crate::bound::{Branch, Column, Expr, ExprKind, JoinKind, Marker, Rel, RelKind, WindowFunction};

impl Binder<'_> {
    pub(super) fn mv_apply(
        &mut self,
        input: Rel,
        kind: &OperatorKind,
        properties: &[Property],
        env: &Env,
        span: Span,
    ) -> Rel {
        let OperatorKind::MvApply { items, limit, context_id, body } = kind else { return self.error_rel(span) };
        if let Some(name) = context_id {
            self.unsupported(name.span, "The context id of mv-apply");
        }
        if matches!(input.kind, RelKind::Error) {
            return input;
        }
        let outer = input.columns.clone();
        // A row's number, which no query can name.
        let number = self.column("\u{0}row", Type::Long);
        let start = Expr::constant(Val::Long(1), Type::Long, span);
        let window = ExprKind::Window { function: WindowFunction::RowNumber, args: vec![start], per: Vec::new() };
        let mut exprs: Vec<Expr> = outer.iter().map(|c| Expr::column(c, span)).collect();
        exprs.push(Expr { kind: window, ty: Type::Long, span });
        let numbered = project(input, outer.iter().cloned().chain([number.clone()]).collect(), exprs, span);

        let mut expanded = self.mv_expand(numbered, items, limit.as_ref(), properties, env, span);
        let visible: Vec<Column> = expanded.columns.iter().filter(|c| c.id != number.id).cloned().collect();
        let (leaf, result) = self.subquery_body(&expanded, &visible, body, env, span);
        if matches!(result.kind, RelKind::Error) {
            return self.error_rel(span);
        }

        // Columns of the input stay as they were, unless the subquery gives columns of their names.
        let kept: Vec<Column> = outer.into_iter().filter(|c| visible.iter().any(|v| v.id == c.id)).collect();
        let lost: Vec<Column> =
            kept.iter().filter(|c| !result.columns.iter().any(|r| r.name == c.name)).cloned().collect();
        let shape = shape(self, &result, leaf, true).unwrap_or_default();
        let carried = self.expand_leaf(&mut expanded, &visible, &number, &lost, shape, span);
        let own = result.columns.clone();
        let open = result.open;
        let Some((rel, along)) = self.carried(leaf, expanded, carried, result, span) else {
            return self.error_rel(span);
        };

        let mut columns = Vec::with_capacity(kept.len() + own.len());
        let mut exprs = Vec::with_capacity(kept.len() + own.len());
        for column in &kept {
            let from_body = own.iter().find(|c| c.name == column.name);
            let from_input =
                lost.iter().position(|c| c.id == column.id).and_then(|i| along.columns.get(along.keys + i));
            let Some(source) = from_body.or(from_input) else { continue };
            columns.push(self.column(column.name.clone(), source.ty));
            exprs.push(Expr::column(source, span));
        }
        for column in own.iter().filter(|c| !kept.iter().any(|k| k.name == c.name)) {
            columns.push(self.column(column.name.clone(), column.ty));
            exprs.push(Expr::column(column, span));
        }
        let mut rel = project(rel, columns, exprs, span);
        rel.open = open;
        rel.serialized = false;
        rel
    }

    /// Binds the subquery of operators over rows that are shared, so that it may read them more than once.
    fn subquery_body(
        &mut self,
        rows: &Rel,
        visible: &[Column],
        body: &[Operator],
        env: &Env,
        span: Span,
    ) -> (usize, Rel) {
        let shown = Rel { columns: visible.to_vec(), ..self.error_rel(span) };
        let shown = Rel { kind: RelKind::NotRun("a subquery"), serialized: true, open: rows.open, ..shown };
        let leaf = self.share(shown, false);
        let source = self.read_shared(leaf, span);
        let before = self.subqueries.len();
        let result = self.pipeline(source, body, env);
        let inner = self.subqueries.iter().skip(before).find(|q| shape(self, q, leaf, false).is_some());
        if let Some(at) = inner.map(|q| q.span) {
            self.unsupported(at, "A scalar of the subquery's own rows");
            return (leaf, self.error_rel(span));
        }
        (leaf, result)
    }

    /// Adds the columns that go along to the expanded rows.
    fn expand_leaf(
        &mut self,
        expanded: &mut Rel,
        visible: &[Column],
        number: &Column,
        lost: &[Column],
        shape: Shape,
        span: Span,
    ) -> Along {
        let mut along = Along::default();
        let mut exprs: Vec<Expr> = visible.iter().map(|c| Expr::column(c, span)).collect();
        if shape.needs_partitions {
            along.keys = 1;
            along.columns.push(self.column("", Type::Long));
            exprs.push(Expr::column(number, span));
        }
        for column in lost {
            along.columns.push(self.column("", column.ty));
            exprs.push(Expr::column(column, span));
        }
        if shape.needs_markers {
            let output = self.column("", Type::Bool);
            expanded.columns.push(output.clone());
            if let RelKind::MvExpand { marker, .. } = &mut expanded.kind {
                *marker = Some(Marker { input: None, output: output.clone() });
            }
            exprs.push(Expr::column(&output, span));
            along.marker = Some(self.column("", Type::Bool));
        }
        let columns = visible.iter().chain(&along.columns).chain(&along.marker).cloned().collect();
        let rows = std::mem::replace(expanded, self.error_rel(span));
        *expanded = project(rows, columns, exprs, span);
        along
    }

    /// Puts the rows of the partitions in their place, and carries the columns that go along to the result.
    pub(super) fn carried(
        &mut self,
        leaf: usize,
        rows: Rel,
        along: Along,
        result: Rel,
        span: Span,
    ) -> Option<(Rel, Along)> {
        if let Some(shared) = self.shared.get_mut(leaf) {
            shared.rel = rows;
        }
        match Carry::new(self, leaf, along).rel(result) {
            Ok(carried) => Some(carried),
            Err((what, at)) => {
                let at = if at == Span::default() { span } else { at };
                let mut what = what.to_string();
                if let Some(first) = what.get_mut(0..1) {
                    first.make_ascii_uppercase();
                }
                self.unsupported(at, &what);
                None
            }
        }
    }

    pub(super) fn partition(&mut self, input: Rel, by: &ast::Expr, body: &PartitionBody, env: &Env, span: Span) -> Rel {
        let ast::ExprKind::Name(name) = &by.kind else {
            self.error("KS109", by.span, "Column name expected.");
            return self.error_rel(span);
        };
        let Some(at) = self.find_column(&input, name) else { return self.error_rel(span) };
        let key = input.columns[at].clone();
        if key.ty == Type::Dynamic {
            self.error("KS116", by.span, "The value of type 'dynamic' is not allowed in this context.");
            return self.error_rel(span);
        }
        let visible = input.columns.clone();
        let (leaf, result) = match body {
            PartitionBody::Operators(operators) => self.subquery_body(&input, &visible, operators, env, span),
            PartitionBody::Query(statements) => return self.own_query(input, &key, statements, env, span),
        };
        if matches!(result.kind, RelKind::Error) {
            return self.error_rel(span);
        }
        let shape = shape(self, &result, leaf, false).unwrap_or_default();
        let rows = if shape.needs_markers { self.with_markers(input, &key, span) } else { (input, None) };
        let (input, flag) = rows;
        let partition = self.column("", key.ty);
        let mut exprs: Vec<Expr> = visible.iter().map(|c| Expr::column(c, span)).collect();
        // The columns have new names where markers were added to the rows.
        for (expr, column) in exprs.iter_mut().zip(&input.columns) {
            *expr = Expr::column(column, span);
        }
        exprs.push(exprs[at].clone());
        let mut along = Along { columns: vec![partition], keys: 1, marker: None };
        if let Some(flag) = flag {
            exprs.push(Expr::column(&flag, span));
            along.marker = Some(self.column("", Type::Bool));
        }
        let columns = visible.iter().chain(&along.columns).chain(&along.marker).cloned().collect();
        let rows = project(input, columns, exprs, span);
        let own = result.columns.clone();
        let open = result.open;
        let Some((rel, _)) = self.carried(leaf, rows, along, result, span) else { return self.error_rel(span) };
        let exprs = own.iter().map(|c| Expr::column(c, span)).collect();
        let columns = own.iter().map(|c| self.column(c.name.clone(), c.ty)).collect();
        let mut rel = project(rel, columns, exprs, span);
        rel.open = open;
        rel.serialized = false;
        rel
    }

    /// The rows, and one more for every value of the key that stands for it: the column that says which.
    fn with_markers(&mut self, input: Rel, key: &Column, span: Span) -> (Rel, Option<Column>) {
        let at = input.columns.iter().position(|c| c.id == key.id).unwrap_or(0);
        let index = self.share(input, false);
        let rows = self.read_shared(index, span);
        let keys = self.read_shared(index, span);
        let flag = |binder: &mut Self| binder.column("", Type::Bool);

        let row_flag = flag(self);
        let row_columns: Vec<Column> = rows.columns.iter().cloned().chain([row_flag]).collect();
        let exprs = rows.columns.iter().map(|c| Expr::column(c, span)).chain([truth(false, span)]).collect();
        let rows = project(rows, row_columns.clone(), exprs, span);

        let value = keys.columns[at].clone();
        let distinct = Rel {
            kind: RelKind::Aggregate {
                input: Box::new(keys),
                keys: vec![Expr::column(&value, span)],
                aggregates: Vec::new(),
            },
            columns: vec![value.clone()],
            serialized: false,
            open: false,
            span,
        };
        let key_flag = flag(self);
        let distinct = project(
            distinct,
            vec![value.clone(), key_flag.clone()],
            vec![Expr::column(&value, span), truth(true, span)],
            span,
        );

        let columns: Vec<Column> = row_columns.iter().map(|c| self.column(c.name.clone(), c.ty)).collect();
        let last = columns.len() - 1;
        let branches = vec![
            Branch { rel: rows, columns: row_columns.into_iter().enumerate().collect(), source: None },
            Branch { rel: distinct, columns: vec![(at, value), (last, key_flag)], source: None },
        ];
        let marker = columns[last].clone();
        (Rel { kind: RelKind::Union(branches), columns, serialized: false, open: false, span }, Some(marker))
    }

    /// The rows of a query of its own, once for each value of the key. `toscalar(key)` is the value.
    fn own_query(&mut self, input: Rel, key: &Column, body: &[ast::Statement], env: &Env, span: Span) -> Rel {
        let (shared, subqueries) = (self.shared.len(), self.subqueries.len());
        let env = env.with(&key.name, Entity::Scalar(Expr::column(key, span)));
        let result = match self.statements(body, &env, Row::NONE).0 {
            Some(Value::Rel(rel)) if !matches!(rel.kind, RelKind::Error) => rel,
            _ => return self.error_rel(span),
        };
        let shared = self.shared.iter().skip(shared).map(|shared| &shared.rel);
        let aside = shared.chain(self.subqueries.iter().skip(subqueries)).find(|rel| mentions(rel, key));
        if let Some(at) = aside.map(|rel| rel.span) {
            self.unsupported(at, "The partition's value in a query within the partition's own");
            return self.error_rel(span);
        }
        let distinct = Rel {
            kind: RelKind::Aggregate {
                input: Box::new(input),
                keys: vec![Expr::column(key, span)],
                aggregates: Vec::new(),
            },
            columns: vec![key.clone()],
            serialized: false,
            open: false,
            span,
        };
        let (columns, open) = (result.columns.clone(), result.open);
        let rows = match with_key(result, key, distinct) {
            Ok(rows) => rows,
            Err(at) => {
                self.unsupported(at, "The partition's value before this operator");
                return self.error_rel(span);
            }
        };
        let exprs = columns.iter().map(|c| Expr::column(c, span)).collect();
        let mut rel = project(rows, columns, exprs, span);
        rel.open = open;
        rel.serialized = false;
        rel
    }
}

/// Whether an expression of the rows, or of those below, has the key.
fn mentions(rel: &Rel, key: &Column) -> bool {
    let in_expr = |expr: &Expr| {
        let mut found = false;
        expr.walk(&mut |e| found |= matches!(e.kind, ExprKind::Column(id) if id == key.id));
        found
    };
    rel.exprs().into_iter().any(in_expr) || rel.inputs().into_iter().any(|input| mentions(input, key))
}

/// Rows once for every value of the key, with that as their last column: joined with the values below the operators
/// that read it. `Err` tells the place of one that cannot pass it on.
fn with_key(rel: Rel, key: &Column, values: Rel) -> Result<Rel, Span> {
    let span = rel.span;
    let columns: Vec<Column> = rel.columns.iter().chain([key]).cloned().collect();
    let below = |input: Box<Rel>| with_key(*input, key, values.clone()).map(Box::new);
    let kind = if mentions(&rel, key) {
        match rel.kind {
            RelKind::Filter { input, predicate } => RelKind::Filter { input: below(input)?, predicate },
            RelKind::Project { input, mut exprs } => {
                exprs.push(Expr::column(key, span));
                RelKind::Project { input: below(input)?, exprs }
            }
            _ => return Err(span),
        }
    } else {
        let keys = vec![(truth(true, span), truth(true, span))];
        RelKind::Join { left: Box::new(values), right: Box::new(rel), kind: JoinKind::Inner, keys }
    };
    Ok(Rel { kind, columns, serialized: false, open: false, span })
}
