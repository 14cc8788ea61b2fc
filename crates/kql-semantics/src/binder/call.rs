//! Calls: of `let` functions, saved functions, tables by name, and of the catalogue's functions.

use std::rc::Rc;

use kql_functions::Type;
use kql_functions::catalogue::Catalogue;
use kql_syntax::ast::{self, ParamType};
use kql_syntax::{Diagnostic, Severity, Span};

use super::operators::wildcard;
use super::scope::{Entity, Scope, VISIBLE};
use super::statements::Value;
use super::{Binder, Env, MOST_CALLS, Row};
use crate::bound::{Expr, ExprKind, Rel, RelKind};
use crate::nearest::nearest;

impl Binder<'_> {
    /// A call that may be tabular or scalar.
    pub(super) fn call_value(
        &mut self,
        name: &ast::Name,
        args: &[ast::Arg],
        row: Row<'_>,
        env: &Env,
        span: Span,
    ) -> Value {
        match env.find(&name.text) {
            Some(Entity::Function(function, scope)) => {
                let (function, scope) = (Rc::clone(function), Rc::clone(scope));
                return self.call_function(&name.text, &function, &scope, args, row, env, span);
            }
            Some(Entity::Tabular(_)) => {
                self.error(
                    "KS211",
                    name.span,
                    format!("The name '{}' does not refer to any known function.", name.text),
                );
                return Value::Rel(self.error_rel(span));
            }
            Some(Entity::Broken) => return Value::Scalar(self.error_expr(span)),
            Some(Entity::Pattern(pattern, scope)) => {
                let (pattern, scope) = (Rc::clone(pattern), Rc::clone(scope));
                return self.call_pattern(&pattern, &scope, args, None, row, env, span);
            }
            Some(Entity::Place) => return Value::Scalar(self.error_expr(span)),
            _ => {}
        }
        match (name.text.as_str(), args) {
            ("materialize", [query]) => return Value::Rel(self.materialize(&query.value, env)),
            ("toscalar", [query]) => return Value::Scalar(self.toscalar(&query.value, row, env)),
            ("table", [table, ..]) => return Value::Rel(self.table_function(&table.value, env)),
            ("view", [body]) => {
                let value = self.value(&body.value, row, env);
                if let Value::Scalar(Expr { kind, .. }) = &value
                    && !matches!(kind, ExprKind::Error)
                {
                    self.error("KS211", name.span, "The name 'view' does not refer to any known function.");
                }
                return value;
            }
            ("externaldata" | "cluster" | "database" | "workspace" | "adx" | "arg" | "app" | "resource", _)
                if row.columns.is_empty() =>
            {
                self.unsupported(span, &format!("{}() without a table", name.text));
                return Value::Rel(self.error_rel(span));
            }
            _ => {}
        }
        if Catalogue::get().function(&name.text).is_none() && Catalogue::get().aggregate(&name.text).is_none() {
            if let Some(saved) = self.catalog.function(&name.text) {
                return self.call_saved(name, &saved, args, row, env, span);
            }
            if let Some(value) = self.known_function(&name.text, args, row, env, span) {
                return value;
            }
            if args.is_empty() && self.catalog.table(&name.text).is_some() {
                return Value::Rel(self.table(name, env));
            }
        }
        Value::Scalar(self.builtin(name, args, row, env, span))
    }

    /// A name in the place of a table.
    pub(super) fn table_or_function(&mut self, name: &ast::Name, env: &Env) -> Rel {
        if self.catalog.table(&name.text).is_none()
            && let Some(saved) = self.catalog.function(&name.text)
        {
            return match self.call_saved(name, &saved, &[], Row::NONE, env, name.span) {
                Value::Rel(rel) => rel,
                Value::Scalar(expr) => self.error_rel(expr.span),
            };
        }
        if self.catalog.table(&name.text).is_none()
            && let Some(Value::Rel(rel)) = self.known_function(&name.text, &[], Row::NONE, env, name.span)
        {
            return rel;
        }
        self.table(name, env)
    }

    /// Reads a table of the catalogue.
    pub(super) fn table(&mut self, name: &ast::Name, env: &Env) -> Rel {
        let visible = match env.find(VISIBLE) {
            Some(Entity::Visible(patterns)) => patterns.iter().any(|p| wildcard(p, &name.text)),
            _ => true,
        };
        let Some(columns) = self.catalog.table(&name.text).filter(|_| visible) else {
            let tables = self.catalog.table_names();
            let near = nearest(&name.text, tables.iter().map(String::as_str).chain(env.names()));
            let help = match near {
                Some(near) => Some(format!("did you mean '{near}'?")),
                None if tables.is_empty() => Some("there are no tables: name the logs with --data".to_string()),
                None if tables.len() <= 40 => Some(format!("the tables are: {}", tables.join(", "))),
                None => None,
            };
            self.error_with_help(
                "KS204",
                name.span,
                format!("The name '{}' does not refer to any known table, tabular variable or function.", name.text),
                help,
            );
            return self.error_rel(name.span);
        };
        let source = columns.iter().map(|(name, _)| name.clone()).collect();
        let columns = columns.into_iter().map(|(name, ty)| self.column(name, ty)).collect();
        Rel {
            kind: RelKind::Table { name: name.text.clone(), source },
            columns,
            serialized: false,
            open: false,
            span: name.span,
        }
    }

    fn table_function(&mut self, name: &ast::Expr, env: &Env) -> Rel {
        match self.constant(name, env, "The name of the table") {
            Some(kql_functions::Val::Str(text)) => {
                let name = ast::Name { text: text.into_owned(), span: name.span };
                match self.named_table(&name, env) {
                    Some(rel) => rel,
                    None => self.table_or_function(&name, env),
                }
            }
            _ => self.error_rel(name.span),
        }
    }

    /// A tabular variable of that name.
    pub(super) fn named_table(&mut self, name: &ast::Name, env: &Env) -> Option<Rel> {
        match env.find(&name.text) {
            Some(Entity::Tabular(index)) => {
                let index = *index;
                Some(self.read_shared(index, name.span))
            }
            _ => None,
        }
    }

    fn materialize(&mut self, query: &ast::Expr, env: &Env) -> Rel {
        let rel = self.tabular(query, env);
        if matches!(rel.kind, RelKind::Error) {
            return rel;
        }
        if let RelKind::Shared(index) = rel.kind {
            self.shared[index].materialize = true;
            return rel;
        }
        let span = rel.span;
        let index = self.share(rel, true);
        self.read_shared(index, span)
    }

    fn toscalar(&mut self, query: &ast::Expr, row: Row<'_>, env: &Env) -> Expr {
        let env_row = if row.columns.is_empty() { row } else { Row::NONE };
        match self.value(query, env_row, env) {
            Value::Scalar(expr) => expr,
            Value::Rel(rel) => match rel.columns.first() {
                Some(first) => {
                    let (ty, span) = (first.ty, query.span);
                    self.subqueries.push(rel);
                    Expr { kind: ExprKind::Subquery(self.subqueries.len() - 1), ty, span }
                }
                None => self.error_expr(query.span),
            },
        }
    }

    fn call_saved(
        &mut self,
        name: &ast::Name,
        saved: &crate::SavedFunction,
        args: &[ast::Arg],
        row: Row<'_>,
        env: &Env,
        span: Span,
    ) -> Value {
        // The saved text is parsed as a function literal of its own; its errors are shown at the call.
        let text = format!("let f = ({}) {{\n{}\n}};", saved.parameters, saved.body);
        let parsed = kql_syntax::parse(&text);
        if let Some(first) = parsed.diagnostics.iter().find(|d| d.severity == Severity::Error) {
            let before = self.diagnostics.len();
            self.error("KS212", span, first.message.clone());
            self.body_errors(&name.text, before, span);
            let kind = RelKind::NotRun("A saved function with errors");
            return Value::Rel(Rel { kind, columns: Vec::new(), serialized: false, open: false, span });
        }
        let Some(ast::Statement::Let(ast::Let { value: ast::LetValue::Function(function), .. })) =
            parsed.query.statements.into_iter().next()
        else {
            self.error("KS212", span, format!("The saved function '{}' is not valid.", name.text));
            return Value::Rel(self.error_rel(span));
        };
        let outer = self.report_at;
        let arguments = self.bind_arguments(&name.text, &function, args, row, env, span);
        let before = self.diagnostics.len();
        self.report_at = Some(outer.unwrap_or(span));
        let value = self.run_function(&name.text, &function, &Scope::root(), arguments, span);
        self.report_at = outer;
        if outer.is_none() {
            self.body_errors(&name.text, before, span);
        }
        value
    }

    /// Errors inside a saved function are errors of the query that calls it; where queries are only checked, a warning.
    fn body_errors(&mut self, name: &str, before: usize, span: Span) {
        let (errors, warnings): (Vec<_>, Vec<_>) =
            self.diagnostics.split_off(before).into_iter().partition(|d| d.severity == Severity::Error);
        if !self.options.checking {
            self.diagnostics.extend(warnings);
        }
        let Some(first) = errors.into_iter().next() else { return };
        let message = format!("In the saved function '{name}': {}", first.message);
        if self.options.checking {
            let span = self.report_at.unwrap_or(span);
            self.diagnostics.push(Diagnostic::warning("PQ212", span, message));
        } else {
            self.error_with_help(first.code, span, message, first.help);
        }
    }

    /// Calls a function literal.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn call_function(
        &mut self,
        name: &str,
        function: &ast::Function,
        scope: &Env,
        args: &[ast::Arg],
        row: Row<'_>,
        env: &Env,
        span: Span,
    ) -> Value {
        let arguments = self.bind_arguments(name, function, args, row, env, span);
        self.run_function(name, function, scope, arguments, span)
    }

    fn run_function(
        &mut self,
        name: &str,
        function: &ast::Function,
        scope: &Env,
        arguments: Option<Vec<(String, Entity)>>,
        span: Span,
    ) -> Value {
        let Some(arguments) = arguments else { return Value::Scalar(self.error_expr(span)) };
        if self.calls >= MOST_CALLS {
            self.error("PQ002", span, format!("The function '{name}' calls itself, or calls are nested too deeply."));
            return Value::Scalar(self.error_expr(span));
        }
        let body = arguments.into_iter().fold(Rc::clone(scope), |env, (name, entity)| env.with(&name, entity));
        self.calls += 1;
        let (value, _) = self.statements(&function.body, &body, Row::NONE);
        self.calls -= 1;
        match value {
            Some(Value::Scalar(mut expr)) => {
                expr.span = span;
                Value::Scalar(expr)
            }
            Some(value) => value,
            None => Value::Scalar(self.error_expr(span)),
        }
    }

    /// Pairs arguments with parameters, by name and position, and fills in defaults.
    fn bind_arguments(
        &mut self,
        name: &str,
        function: &ast::Function,
        args: &[ast::Arg],
        row: Row<'_>,
        env: &Env,
        span: Span,
    ) -> Option<Vec<(String, Entity)>> {
        let params = &function.params;
        let mut given: Vec<Option<&ast::Expr>> = vec![None; params.len()];
        let mut position = 0;
        for arg in args {
            let slot = match &arg.name {
                Some(named) => params.iter().position(|p| p.name.text == named.text),
                None => Some(position),
            };
            let Some(slot) = slot.filter(|s| *s < params.len()) else {
                let least = params.iter().filter(|p| p.default.is_none()).count();
                let message = arguments_message(name, least, params.len());
                self.error("KS119", span, message);
                return None;
            };
            given[slot] = Some(&arg.value);
            position = slot + 1;
        }
        let mut bound = Vec::with_capacity(params.len());
        for (param, given) in params.iter().zip(given) {
            let entity = match (&param.ty, given, &param.default) {
                (ParamType::Scalar(ty), Some(value), _) => {
                    let ty = self.type_named(ty);
                    let value = self.scalar(value, row, env);
                    Entity::Scalar(self.argument(value, ty))
                }
                (ParamType::Scalar(ty), None, Some(default)) => {
                    let ty = self.type_named(ty);
                    let value = self.scalar(default, Row::NONE, &Scope::root());
                    Entity::Scalar(self.argument(value, ty))
                }
                (ParamType::Tabular { columns, .. }, Some(value), _) => {
                    let rel = self.tabular(value, env);
                    self.tabular_argument(rel, columns, value.span)
                }
                (_, None, _) => {
                    let least = params.iter().filter(|p| p.default.is_none()).count();
                    self.error("KS119", span, arguments_message(name, least, params.len()));
                    return None;
                }
            };
            bound.push((param.name.text.clone(), entity));
        }
        Some(bound)
    }

    /// Rows for a tabular parameter: the declared columns must be there.
    fn tabular_argument(&mut self, rel: Rel, declared: &[ast::ColumnDecl], span: Span) -> Entity {
        if matches!(rel.kind, RelKind::Error) {
            return Entity::Broken;
        }
        for column in declared.iter().filter(|_| !rel.open) {
            let wanted = Type::parse(&column.ty.text);
            let help = match rel.columns.iter().find(|c| c.name == column.name.text) {
                None => format!("it has no column '{}'", column.name.text),
                Some(found) if wanted.is_some_and(|ty| ty != found.ty && found.ty != Type::Unknown) => {
                    format!("its column '{}' is of type {}, not {}", column.name.text, found.ty, column.ty.text)
                }
                Some(_) => continue,
            };
            let message = "The tabular value does not have the required columns.".to_string();
            self.error_with_help("KS249", span, message, Some(help));
            return Entity::Broken;
        }
        // The function's text sees all columns of its argument, declared or not.
        match rel.kind {
            RelKind::Shared(index) => {
                self.shared[index].uses -= 1;
                Entity::Tabular(index)
            }
            _ => Entity::Tabular(self.share(rel, false)),
        }
    }

    /// Converts an argument to a declared scalar type, where Kusto converts by itself.
    pub(super) fn argument(&mut self, value: Expr, ty: Type) -> Expr {
        if value.ty == ty || matches!(value.kind, ExprKind::Error) {
            return self.convert(value, ty);
        }
        let null = value.as_const().is_some_and(kql_functions::Val::is_null);
        let widens = value.ty.is_number() && ty.is_number();
        if widens || null || value.ty == Type::Dynamic || ty == Type::Dynamic {
            return self.convert(value, ty);
        }
        self.error("KS107", value.span, format!("A value of type {ty} expected."));
        self.error_expr(value.span)
    }
}

/// Kusto's words for a wrong number of arguments.
pub(super) fn arguments_message(name: &str, least: usize, most: usize) -> String {
    let count = |n: usize| format!("{n} argument{}", if n == 1 { "" } else { "s" });
    if least == most {
        format!("The function '{name}' expects {}.", count(most))
    } else if most > 1000 {
        format!("The function '{name}' expects at least {}.", count(least))
    } else {
        format!("The function '{name}' expects between {least} and {}.", count(most))
    }
}
