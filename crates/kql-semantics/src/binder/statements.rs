//! Statements: `let`, `set`, `declare` and the query itself.

use std::collections::HashSet;
use std::rc::Rc;

use kql_functions::Type;
use kql_syntax::ast::{self, LetValue, ParamType, Statement};

use super::scope::{Entity, Scope, VISIBLE};
use super::{Binder, Env, Row};
use crate::bound::{Expr, ExprKind, Rel, RelKind};

/// A tabular or scalar value.
#[allow(clippy::large_enum_variant)]
pub(super) enum Value {
    Rel(Rel),
    Scalar(Expr),
}

impl Binder<'_> {
    /// Binds all statements; every query is a result. Tells also whether the last one is a scalar.
    pub(super) fn bind_query(&mut self, query: &ast::Query) -> (Option<Rel>, bool) {
        let mut env = Scope::root();
        let mut results: Vec<Rel> = Vec::new();
        let mut scalar = false;
        let mut declared: HashSet<&str> = HashSet::new();
        for statement in &query.statements {
            if let Statement::Let(ast::Let { name, .. }) = statement
                && !declared.insert(&name.text)
            {
                self.declared_twice(name);
            }
            let (value, after) = self.statements(std::slice::from_ref(statement), &env, Row::NONE);
            env = after;
            for (name, entity) in std::mem::take(&mut self.named_results) {
                env = env.with(&name, entity);
            }
            match value {
                None => continue,
                Some(Value::Rel(rel)) => {
                    scalar = false;
                    results.push(rel);
                }
                Some(Value::Scalar(expr)) => {
                    scalar = true;
                    let column = self.column("print_0", expr.ty);
                    let span = expr.span;
                    let kind = RelKind::Values(vec![vec![expr]]);
                    results.push(Rel { kind, columns: vec![column], serialized: true, open: false, span });
                }
            }
            // Further tables of one query stand behind its first.
            results.extend(std::mem::take(&mut self.branches));
        }
        let mut results = results.into_iter();
        let first = results.next();
        self.others = results.collect();
        (first, scalar)
    }

    /// Binds statements in order; `row` holds the columns that a function body may see (none).
    pub(super) fn statements(&mut self, statements: &[Statement], env: &Env, row: Row<'_>) -> (Option<Value>, Env) {
        let mut env = Rc::clone(env);
        let mut result = None;
        let mut declared: Vec<&str> = Vec::new();
        for statement in statements {
            match statement {
                Statement::Let(statement) => {
                    if declared.contains(&statement.name.text.as_str()) {
                        self.declared_twice(&statement.name);
                    }
                    declared.push(&statement.name.text);
                    env = self.let_statement(statement, &env);
                }
                Statement::QueryParameters { params, .. } => env = self.query_parameters(params, &env),
                // Options tune Microsoft's service. Those of bin_auto() are asked for; `query_now` is read by the
                // engine before binding.
                Statement::Set { name, value: Some(value), .. } if name.text.starts_with("query_bin_auto") => {
                    let value = self.scalar(value, Row::NONE, &env);
                    self.settings.push((name.text.clone(), value));
                }
                Statement::Set { .. } => {}
                Statement::Expr(expr) => result = Some(self.value(expr, row, &env)),
                Statement::Alias { name, .. } => self.aliases.push(name.text.clone()),
                Statement::Pattern(pattern) => {
                    let entity = Entity::Pattern(Rc::new(pattern.clone()), Rc::clone(&env));
                    env = env.with(&pattern.name.text, entity);
                }
                Statement::RestrictAccess { entities, .. } => env = self.restrict(entities, &env),
            }
        }
        (result, env)
    }

    /// Hides the tables that `restrict access` does not name. Functions that were declared before see them still.
    fn restrict(&mut self, entities: &[ast::Expr], env: &Env) -> Env {
        let mut patterns = Vec::with_capacity(entities.len());
        for entity in entities {
            let mut last = entity;
            while let ast::ExprKind::Path { selector, .. } = &last.kind {
                last = selector;
            }
            match &last.kind {
                ast::ExprKind::Name(name) => {
                    let known = name.text.contains('*')
                        || env.find(&name.text).is_some()
                        || self.catalog.table(&name.text).is_some()
                        || self.catalog.function(&name.text).is_some();
                    if !known {
                        self.table(name, env);
                    }
                    patterns.push(name.text.clone());
                }
                ast::ExprKind::Star => patterns.push("*".to_string()),
                _ => self.error("KS204", entity.span, "The name of a table, function or variable is expected."),
            }
        }
        env.with(VISIBLE, Entity::Visible(Rc::new(patterns)))
    }

    fn declared_twice(&mut self, name: &ast::Name) {
        let message = format!("A variable with the name '{}' has already been declared.", name.text);
        self.error("KS201", name.span, message);
    }

    /// Binds the body of a function that may not be called, for its errors: the arguments are not known.
    fn check_body(&mut self, function: &ast::Function, env: &Env) {
        let mut body = Rc::clone(env);
        for param in &function.params {
            let entity = match &param.ty {
                ParamType::Scalar(ty) => {
                    let ty = self.type_named(ty);
                    Entity::Scalar(Expr { kind: ExprKind::Error, ty, span: param.name.span })
                }
                ParamType::Tabular { .. } => Entity::Tabular(self.tabular_parameter(param)),
            };
            body = body.with(&param.name.text, entity);
        }
        let collector = self.collector.take();
        self.calls += 1;
        self.statements(&function.body, &body, Row::NONE);
        self.calls -= 1;
        self.collector = collector;
    }

    fn let_statement(&mut self, statement: &ast::Let, env: &Env) -> Env {
        let name = &statement.name.text;
        match &statement.value {
            LetValue::Function(function) => {
                if self.options.checking && self.calls < super::MOST_CALLS {
                    self.check_body(function, env);
                }
                env.with(name, Entity::Function(Rc::new(function.clone()), Rc::clone(env)))
            }
            LetValue::Expr(expr) => {
                let entity = match self.value(expr, Row::NONE, env) {
                    Value::Scalar(expr) => Entity::Scalar(expr),
                    Value::Rel(rel) if matches!(rel.kind, RelKind::Error) => Entity::Broken,
                    // A name for shared rows is no second copy of them.
                    Value::Rel(Rel { kind: RelKind::Shared(index), .. }) => {
                        self.shared[index].uses -= 1;
                        Entity::Tabular(index)
                    }
                    // The name stands for the calculation: what chance decides is drawn anew wherever it is read.
                    Value::Rel(rel) if by_chance(&rel) => {
                        let body = vec![ast::Statement::Expr(expr.clone())];
                        let function = ast::Function { view: false, params: Vec::new(), body, span: expr.span };
                        Entity::Function(Rc::new(function), Rc::clone(env))
                    }
                    Value::Rel(rel) => Entity::Tabular(self.share(rel, false)),
                };
                env.with(name, entity)
            }
        }
    }

    /// A table that the caller of the query would give.
    fn tabular_parameter(&mut self, param: &ast::Param) -> usize {
        let ParamType::Tabular { columns: declared, open } = &param.ty else { return 0 };
        let mut columns = Vec::with_capacity(declared.len());
        for column in declared {
            let ty = self.type_named(&column.ty);
            columns.push(self.column(column.name.text.clone(), ty));
        }
        let kind = RelKind::NotRun("A tabular query parameter");
        self.share(Rel { kind, columns, serialized: false, open: *open, span: param.name.span }, false)
    }

    fn query_parameters(&mut self, params: &[ast::Param], env: &Env) -> Env {
        let mut env = Rc::clone(env);
        for param in params {
            let ParamType::Scalar(ty) = &param.ty else {
                let table = self.tabular_parameter(param);
                env = env.with(&param.name.text, Entity::Tabular(table));
                continue;
            };
            let ty = self.type_named(ty);
            let given = self.options.parameters.iter().find(|(name, _)| *name == param.name.text);
            let value = match given {
                Some((_, text)) => {
                    let parsed = kql_syntax::parse(text);
                    match parsed.query.statements.into_iter().next() {
                        Some(Statement::Expr(expr)) if parsed.diagnostics.is_empty() => Some(expr),
                        _ => None,
                    }
                }
                None => param.default.clone(),
            };
            let entity = match value {
                Some(value) => {
                    let mut value = self.scalar(&value, Row::NONE, &env);
                    value.span = param.name.span;
                    Entity::Scalar(self.convert(value, ty))
                }
                None if self.options.checking => {
                    Entity::Scalar(Expr { kind: ExprKind::Error, ty, span: param.name.span })
                }
                None => {
                    let message = format!("The query parameter '{}' has no value.", param.name.text);
                    self.error("KS150", param.name.span, message);
                    Entity::Broken
                }
            };
            env = env.with(&param.name.text, entity);
        }
        env
    }

    /// The type of that name, or an error and dynamic.
    pub(super) fn type_named(&mut self, name: &ast::Name) -> Type {
        Type::parse(&name.text).unwrap_or_else(|| {
            let nearest = crate::nearest::nearest(&name.text, Type::ALL.iter().map(|t| t.name()));
            let help = nearest.map(|n| format!("did you mean '{n}'?"));
            self.error_with_help("KS164", name.span, format!("'{}' is not the name of a type.", name.text), help);
            Type::Dynamic
        })
    }
}

/// Whether rows may be others each time that they are computed. Shared rows are computed once.
fn by_chance(rel: &Rel) -> bool {
    let mut left = vec![rel];
    while let Some(rel) = left.pop() {
        if matches!(rel.kind, RelKind::Sample { .. }) || rel.exprs().into_iter().any(Expr::is_random) {
            return true;
        }
        left.extend(rel.inputs());
    }
    false
}
