//! `declare pattern`: functions that are defined by cases.

use std::rc::Rc;

use kql_functions::Val;
use kql_syntax::Span;
use kql_syntax::ast;

use super::scope::Entity;
use super::statements::Value;
use super::{Binder, Env, Row};

/// The pattern that `base` of `base.x` calls.
pub(super) fn pattern_call<'e>(base: &'e ast::Expr, env: &Env) -> Option<(Rc<ast::Pattern>, Env, &'e [ast::Arg])> {
    let ast::ExprKind::Call { name, args } = &base.kind else { return None };
    match env.find(&name.text) {
        Some(Entity::Pattern(pattern, scope)) => Some((Rc::clone(pattern), Rc::clone(scope), args)),
        _ => None,
    }
}

impl Binder<'_> {
    /// `pattern(args).path`
    pub(super) fn pattern_path(
        &mut self,
        base: &ast::Expr,
        selector: &ast::Expr,
        row: Row<'_>,
        env: &Env,
        span: Span,
    ) -> Value {
        let (Some((pattern, scope, args)), ast::ExprKind::Name(path)) = (pattern_call(base, env), &selector.kind)
        else {
            self.error("KS142", selector.span, "A name is expected here.");
            return Value::Rel(self.error_rel(span));
        };
        self.call_pattern(&pattern, &scope, args, Some(path), row, env, span)
    }

    /// The query of the case whose values are those of the call.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn call_pattern(
        &mut self,
        pattern: &ast::Pattern,
        scope: &Env,
        args: &[ast::Arg],
        path: Option<&ast::Name>,
        row: Row<'_>,
        env: &Env,
        span: Span,
    ) -> Value {
        let mut values = Vec::with_capacity(args.len());
        for arg in args {
            values.push(self.scalar(&arg.value, row, env));
        }
        if pattern.cases.is_empty() {
            return Value::Rel(self.not_run(&[], true, "A pattern without cases", span));
        }
        for case in &pattern.cases {
            if case.args.len() != values.len() || case.path.is_some() != path.is_some() {
                continue;
            }
            let mut same = true;
            for (wanted, value) in case.args.iter().zip(&values) {
                let wanted = self.scalar(wanted, Row::NONE, scope);
                same &= wanted.as_const().is_some() && wanted.as_const() == value.as_const();
            }
            if let (Some(wanted), Some(path)) = (&case.path, path) {
                let wanted = self.scalar(wanted, Row::NONE, scope);
                same &= matches!(wanted.as_const(), Some(Val::Str(text)) if *text == path.text);
            }
            if same {
                let mut inner = Rc::clone(scope);
                for (param, value) in pattern.params.iter().zip(values) {
                    inner = inner.with(&param.name.text, Entity::Scalar(value));
                }
                return match self.statements(&case.body, &inner, Row::NONE).0 {
                    Some(value) => value,
                    None => Value::Rel(self.error_rel(span)),
                };
            }
        }
        if self.options.checking {
            return Value::Rel(self.not_run(&[], true, "A pattern without a case for these values", span));
        }
        self.error("KS251", span, format!("The pattern '{}' has no case for these values.", pattern.name.text));
        Value::Rel(self.error_rel(span))
    }
}
