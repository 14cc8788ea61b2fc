//! `evaluate`: plugins.

use kql_functions::catalogue::Catalogue;
use kql_functions::{Dynamic, Type, Val, plugins};
use kql_syntax::Span;
use kql_syntax::ast;

use super::shape::string_const;
use super::{Binder, Env, Pending, PendingKind, Row, project};
use crate::bound::{AggregateCall, Column, Expr, ExprKind, Rel, RelKind};
use crate::nearest::nearest;

impl Binder<'_> {
    pub(super) fn evaluate(
        &mut self,
        input: Rel,
        call: &ast::Expr,
        schema: Option<(&[ast::ColumnDecl], bool)>,
        env: &Env,
        span: Span,
    ) -> Rel {
        let ast::ExprKind::Call { name, args } = &call.kind else {
            self.error("KS211", call.span, "A plugin call is expected after evaluate.");
            return self.error_rel(span);
        };
        if matches!(input.kind, RelKind::Error) {
            return input;
        }
        let kept: Vec<String> = match schema {
            Some((_, true)) => input.columns.iter().map(|c| c.name.clone()).collect(),
            _ => Vec::new(),
        };
        let named = args;
        let args: Vec<&ast::Expr> = args.iter().map(|a| &a.value).collect();
        let rel = match name.text.as_str() {
            "bag_unpack" => self.bag_unpack(input, &args, env, span),
            "pivot" => self.pivot(input, &args, env, span),
            "infer_storage_schema" => self.infer_storage_schema(&args, env, call.span),
            "narrow" => self.open(input, PendingKind::Narrow, |_| false, span),
            plugin if Catalogue::get().plugin(plugin).is_some() => match plugins::plugin(plugin) {
                Some(plugin) if !input.open => self.plugin_call(plugin, input, named, env, call.span),
                _ => self.plugin_columns(plugin, input, &args, env, call.span),
            },
            plugin => {
                let help = nearest(plugin, Catalogue::get().plugin_names()).map(|n| format!("did you mean '{n}'?"));
                let message = format!("The plug-in function '{plugin}' is not defined.");
                self.error_with_help("KS124", name.span, message, help);
                self.error_rel(span)
            }
        };
        match schema {
            Some((schema, _)) if !matches!(rel.kind, RelKind::Error) => self.declared(rel, &kept, schema, span),
            _ => rel,
        }
    }

    /// The columns of a declared schema, whatever the data gave; before them the `kept` ones of the input, as far as
    /// the plugin left them.
    fn declared(&mut self, rel: Rel, kept: &[String], schema: &[ast::ColumnDecl], span: Span) -> Rel {
        let stays = |c: &&Column| kept.contains(&c.name) && !schema.iter().any(|d| d.name.text == c.name);
        let mut columns: Vec<Column> = rel.columns.iter().filter(stays).cloned().collect();
        let mut exprs: Vec<Expr> = columns.iter().map(|c| Expr::column(c, span)).collect();
        for declared in schema {
            let ty = self.type_named(&declared.ty);
            let found = rel.columns.iter().find(|c| c.name == declared.name.text).map(|c| Expr::column(c, span));
            let value = found.unwrap_or_else(|| Expr::constant(Val::missing(ty), ty, span));
            columns.push(self.column(declared.name.text.clone(), ty));
            exprs.push(self.convert(value, ty));
        }
        let mut rel = project(rel, columns, exprs, span);
        rel.open = false;
        rel
    }

    /// The rows of a plugin whose columns the data decides: known from an earlier round, or asked for now.
    fn open(&mut self, input: Rel, kind: PendingKind, removed: impl Fn(&Column) -> bool, span: Span) -> Rel {
        let index = self.resolved;
        self.resolved += 1;
        if let Some(known) = self.options.resolved.get(index) {
            let columns = known.iter().map(|(name, ty)| self.column(name.clone(), *ty)).collect();
            return Rel { kind: RelKind::Resolved(index), columns, serialized: false, open: false, span };
        }
        let columns: Vec<Column> = input.columns.iter().filter(|c| !removed(c)).cloned().collect();
        // Errors before the plugin are told without running it.
        let broken = self.diagnostics.iter().any(|d| d.severity == kql_syntax::Severity::Error);
        if self.pending.is_none() && !broken {
            self.pending = Some(Pending { input: input.clone(), kind, span });
        }
        Rel { kind: RelKind::Open { input: Box::new(input) }, columns, serialized: false, open: true, span }
    }

    fn plugin_column(&mut self, input: &Rel, expr: &ast::Expr, env: &Env) -> Option<Column> {
        let bound = self.scalar(expr, Row::of(input), env);
        match bound.kind {
            ExprKind::Column(id) => input.columns.iter().find(|c| c.id == id).cloned(),
            ExprKind::Error => None,
            _ => {
                self.error("KS109", expr.span, "Column name expected.");
                None
            }
        }
    }

    fn bag_unpack(&mut self, input: Rel, args: &[&ast::Expr], env: &Env, span: Span) -> Rel {
        let Some((first, rest)) = args.split_first() else {
            self.error("KS119", span, "The function 'bag_unpack' expects at least 1 argument.");
            return self.error_rel(span);
        };
        let Some(column) = self.plugin_column(&input, first, env) else { return self.error_rel(span) };
        if column.ty != Type::Dynamic {
            self.error("KS107", first.span, "A value of type dynamic expected.");
            return self.error_rel(span);
        }
        let mut prefix = String::new();
        let mut conflict = "error".to_string();
        let mut ignored = Vec::new();
        for (i, arg) in rest.iter().enumerate() {
            let value = self.scalar(arg, Row::NONE, env);
            match (i, string_const(&value), value.as_const().map(Val::to_tree)) {
                (_, Some(word), _) if ["error", "replace_source", "keep_source"].contains(&word) => {
                    conflict = word.to_string();
                }
                (0, Some(text), _) => prefix = text.to_string(),
                (_, _, Some(Dynamic::Array(items))) => {
                    ignored.extend(items.into_iter().filter_map(|i| match i {
                        Dynamic::String(s) => Some(s),
                        _ => None,
                    }));
                }
                _ => {}
            }
        }
        let id = column.id;
        self.open(input, PendingKind::BagUnpack { column: id, prefix, conflict, ignored }, |c| c.id == id, span)
    }

    fn pivot(&mut self, input: Rel, args: &[&ast::Expr], env: &Env, span: Span) -> Rel {
        let Some((first, rest)) = args.split_first() else {
            self.error("KS119", span, "The function 'pivot' expects at least 1 argument.");
            return self.error_rel(span);
        };
        let column = match self.plugin_column(&input, first, env) {
            Some(column) => column,
            None if input.open => self.column("", Type::Unknown),
            None => return self.error_rel(span),
        };
        let mut rest = rest.iter();
        let mut aggregate = AggregateCall::new("count", Vec::new(), Type::Long, span);
        let mut aggregated: Vec<u32> = Vec::new();
        if let Some(ast::Expr { kind: ast::ExprKind::Call { name, args }, span, .. }) = rest.clone().next() {
            rest.next();
            let call = match self.aggregate_call(name, args, Row::of(&input), env, *span) {
                Some(call) => call,
                None if input.open => aggregate.clone(),
                None => return self.error_rel(*span),
            };
            for arg in &call.args {
                arg.walk(&mut |e| {
                    if let ExprKind::Column(id) = e.kind {
                        aggregated.push(id);
                    }
                });
            }
            aggregate = call;
        }
        let mut groups = Vec::new();
        let listed = rest.len() > 0;
        for arg in rest {
            groups.extend(self.plugin_column(&input, arg, env).map(|c| c.id));
        }
        if !listed {
            let others = input.columns.iter().filter(|c| c.id != column.id && !aggregated.contains(&c.id));
            groups.extend(others.map(|c| c.id));
        }
        let keys: Vec<Column> = groups
            .iter()
            .chain([&column.id])
            .filter_map(|id| input.columns.iter().find(|c| c.id == *id))
            .cloned()
            .collect();
        let counts = matches!(aggregate.function.as_str(), "count" | "countif" | "dcount" | "dcountif");
        let mut columns = Vec::with_capacity(keys.len() + 1);
        for key in &keys {
            columns.push(self.column(key.name.clone(), key.ty));
        }
        columns.push(self.column("value", aggregate.ty));
        let kept: Vec<u32> = columns.iter().take(groups.len()).map(|c| c.id).collect();
        let grouped = Rel {
            columns,
            kind: RelKind::Aggregate {
                input: Box::new(input),
                keys: keys.iter().map(|c| Expr::column(c, span)).collect(),
                aggregates: vec![aggregate],
            },
            serialized: false,
            open: false,
            span,
        };
        self.open(grouped, PendingKind::Pivot { counts }, |c| !kept.contains(&c.id), span)
    }
}
