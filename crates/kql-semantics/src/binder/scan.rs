//! `scan`: steps over ordered rows.

use kql_functions::{Type, Val};
use kql_syntax::Span;
use kql_syntax::ast::{self, OperatorKind, ParamType, Property};

use super::items::already_declared;
use super::{Binder, Env, Object, Row};
use crate::bound::{Column, Expr, Rel, RelKind, Scan, ScanOutput, ScanStep, Stage};

impl Binder<'_> {
    pub(super) fn scan(
        &mut self,
        input: Rel,
        kind: &OperatorKind,
        properties: &[Property],
        env: &Env,
        span: Span,
    ) -> Rel {
        let OperatorKind::Scan { order_by, partition_by, declare, steps } = kind else { return self.error_rel(span) };
        let mut input = input;
        if !order_by.is_empty() {
            input = self.sort(input, order_by, None, env, span);
        }
        if !input.serialized {
            self.error("KS222", span, "The input of scan must be serialized: sort it, or say | serialize.");
        }
        let partition: Vec<Expr> =
            partition_by.iter().map(|item| self.scalar(&item.value, Row::of(&input), env)).collect();
        let declared = self.scan_columns(declare, env);
        let match_id = properties.iter().find(|p| p.name.text == "with_match_id").and_then(|p| match &p.value.kind {
            ast::ExprKind::Name(name) => Some(self.column(name.text.clone(), Type::Long)),
            _ => None,
        });

        let outer = self.objects.len();
        let extended: Vec<Column> = input.columns.iter().chain(declared.iter().map(|(c, _)| c)).cloned().collect();
        let mut states = Vec::with_capacity(steps.len());
        for step in steps {
            let columns: Vec<Column> = extended.iter().map(|c| self.column(c.name.clone(), c.ty)).collect();
            states.push(columns.clone());
            self.objects.push(Object { name: step.name.text.clone(), columns });
        }
        let row = Row { columns: &extended, right: None, serialized: false, open: input.open };
        let mut bound = Vec::with_capacity(steps.len());
        for (step, state) in steps.iter().zip(states) {
            let condition = self.scalar(&step.condition, row, env);
            let condition = self.boolean(condition);
            let assignments = self.assignments(&step.assignments, row, env);
            let output = match step.output.as_ref().map(|o| (o.text.as_str(), o.span)) {
                None | Some(("all", _)) => ScanOutput::All,
                Some(("last", _)) => ScanOutput::Last,
                Some(("none", _)) => ScanOutput::None,
                Some((_, at)) => {
                    self.error("KS122", at, "Expected one of: all, last, none.");
                    ScanOutput::All
                }
            };
            let (name, optional) = (step.name.text.clone(), step.optional);
            bound.push(ScanStep { name, optional, output, condition, assignments, state });
        }
        self.objects.truncate(outer);

        let mut columns: Vec<Column> = Vec::new();
        let given = extended.iter().cloned().chain(match_id.clone());
        for column in given {
            if columns.iter().any(|c| c.name == column.name) {
                self.error("KS171", span, already_declared(&column.name));
            }
            columns.push(self.column(column.name, column.ty));
        }
        let open = input.open;
        let stage = Stage::Scan(Scan { match_id, partition, declared, steps: bound });
        Rel {
            kind: RelKind::Staged { inputs: vec![input], stage: Box::new(stage) },
            columns,
            serialized: true,
            open,
            span,
        }
    }

    fn scan_columns(&mut self, declare: &[ast::Param], env: &Env) -> Vec<(Column, Val<'static>)> {
        let mut declared = Vec::with_capacity(declare.len());
        for param in declare {
            let ParamType::Scalar(ty) = &param.ty else { continue };
            let ty = self.type_named(ty);
            let default = match &param.default {
                Some(value) => {
                    let value = self.scalar(value, Row::NONE, env);
                    let value = self.argument(value, ty);
                    value.as_const().cloned()
                }
                None => None,
            };
            declared.push((self.column(param.name.text.clone(), ty), default.unwrap_or(Val::missing(ty))));
        }
        declared
    }

    fn assignments(&mut self, items: &[ast::NamedExpr], row: Row<'_>, env: &Env) -> Vec<(usize, Expr)> {
        let mut bound = Vec::with_capacity(items.len());
        for item in items {
            let value = self.scalar(&item.value, row, env);
            let [name] = item.names.as_slice() else {
                self.error("KS109", item.span, "A column is expected on the left of '='.");
                continue;
            };
            let Some(at) = row.columns.iter().position(|c| c.name == name.text) else {
                let message =
                    format!("The name '{}' does not refer to any column of the input or of scan's own.", name.text);
                self.error("KS142", name.span, message);
                continue;
            };
            let ty = row.columns[at].ty;
            bound.push((at, self.argument(value, ty)));
        }
        bound
    }
}
