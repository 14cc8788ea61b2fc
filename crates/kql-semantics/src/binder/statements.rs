//! Statements: `let`, `set`, `declare` and the query itself.

use std::rc::Rc;

use kql_functions::Type;
use kql_syntax::ast::{self, LetValue, ParamType, Statement};

use super::scope::{Entity, Scope};
use super::{Binder, Env, Row};
use crate::bound::{Expr, Rel, RelKind};

/// A tabular or scalar value.
#[allow(clippy::large_enum_variant)]
pub(super) enum Value {
    Rel(Rel),
    Scalar(Expr),
}

impl Binder<'_> {
    /// Binds all statements; the last query is the result. Tells also whether that is a scalar.
    pub(super) fn bind_query(&mut self, query: &ast::Query) -> (Option<Rel>, bool) {
        let (value, _) = self.statements(&query.statements, &Scope::root(), Row::NONE);
        match value {
            None => (None, false),
            Some(Value::Rel(rel)) => (Some(rel), false),
            Some(Value::Scalar(expr)) => {
                let column = self.column("print_0", expr.ty);
                let span = expr.span;
                let kind = RelKind::Values(vec![vec![expr]]);
                (Some(Rel { kind, columns: vec![column], serialized: true, open: false, span }), true)
            }
        }
    }

    /// Binds statements in order; `row` holds the columns that a function body may see (none).
    pub(super) fn statements(&mut self, statements: &[Statement], env: &Env, row: Row<'_>) -> (Option<Value>, Env) {
        let mut env = Rc::clone(env);
        let mut result = None;
        for statement in statements {
            match statement {
                Statement::Let(statement) => env = self.let_statement(statement, &env),
                Statement::QueryParameters { params, .. } => env = self.query_parameters(params, &env),
                // Options tune Microsoft's service; none changes an answer here but `query_now`, which the
                // engine reads before binding.
                Statement::Set { .. } => {}
                Statement::Expr(expr) => result = Some(self.value(expr, row, &env)),
                Statement::Alias { span, .. } => self.unsupported(*span, "The alias statement"),
                Statement::Pattern { span, .. } => self.unsupported(*span, "The declare pattern statement"),
                Statement::RestrictAccess { span, .. } => {
                    self.unsupported(*span, "The restrict access statement");
                }
            }
        }
        (result, env)
    }

    fn let_statement(&mut self, statement: &ast::Let, env: &Env) -> Env {
        let name = &statement.name.text;
        match &statement.value {
            LetValue::Function(function) => env.with(name, Entity::Function(Rc::new(function.clone()), Rc::clone(env))),
            LetValue::Expr(expr) => {
                let entity = match self.value(expr, Row::NONE, env) {
                    Value::Scalar(expr) => Entity::Scalar(expr),
                    Value::Rel(rel) if matches!(rel.kind, RelKind::Error) => Entity::Broken,
                    // A name for shared rows is no second copy of them.
                    Value::Rel(Rel { kind: RelKind::Shared(index), .. }) => {
                        self.shared[index].uses -= 1;
                        Entity::Tabular(index)
                    }
                    Value::Rel(rel) => Entity::Tabular(self.share(rel, false)),
                };
                env.with(name, entity)
            }
        }
    }

    fn query_parameters(&mut self, params: &[ast::Param], env: &Env) -> Env {
        let mut env = Rc::clone(env);
        for param in params {
            let ParamType::Scalar(ty) = &param.ty else {
                self.unsupported(param.name.span, "A tabular query parameter");
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
