//! `find`: rows of several tables that fulfil a predicate, in columns that fit all of them.

use std::collections::HashSet;

use kql_functions::{Type, Val, interrupt};
use kql_syntax::Span;
use kql_syntax::ast::{self, FindColumn, OperatorKind};

use super::search::column_names;
use super::{Binder, Env, Row, project};
use crate::bound::{Column, Expr, Rel, RelKind};

/// A column of the result.
struct Output {
    name: String,
    ty: Type,
}

impl Binder<'_> {
    pub(super) fn find(&mut self, input: Option<Rel>, kind: &OperatorKind, env: &Env, span: Span) -> Rel {
        let OperatorKind::Find { sources, with_source, predicate, project, project_away, smart, pack } = kind else {
            return self.error_rel(span);
        };
        let mut inputs = match input {
            Some(rel) => vec![("find_arg0".to_string(), rel)],
            None => self.sources(sources, env, span),
        };
        if inputs.iter().any(|(_, rel)| matches!(rel.kind, RelKind::Error)) {
            return self.error_rel(span);
        }
        let mut names = Vec::new();
        let mut terms = false;
        if let Some(predicate) = predicate {
            column_names(predicate, &mut names);
            terms = has_terms(predicate);
        }
        names.retain(|name| env.find(&name.text).is_none());
        let missing = match predicate {
            Some(predicate) => self.missing_columns(&inputs, predicate, false, env),
            None => Vec::new(),
        };
        let projected = project.as_ref().map(|columns| self.projected(&inputs, columns)).unwrap_or_default();
        // A table with none of the columns that the predicate names has no row that fulfils it.
        if !names.is_empty() && !terms {
            inputs.retain(|(_, rel)| {
                rel.open || rel.columns.iter().any(|c| names.iter().any(|name| name.text == c.name))
            });
        }
        let mut outputs = match project {
            Some(_) => projected,
            None => common(&inputs, &names),
        };
        outputs.retain(|o| !project_away.iter().any(|away| matches(away, &o.name)));
        let shown: HashSet<String> = outputs.iter().map(|o| o.name.clone()).collect();
        let rest = |rel: &Rel| rel.columns.iter().any(|c| !shown.contains(&c.name));
        let packs = *pack || ((project.is_none() || *smart) && inputs.iter().any(|(_, rel)| rest(rel)));

        let mut found = Vec::with_capacity(inputs.len());
        for (label, rel) in inputs {
            // The engine says why it ends.
            if interrupt::check().is_err() {
                return self.error_rel(span);
            }
            let own = rel.columns.clone();
            let mut rel = self.padded(rel, &missing, span);
            if let Some(predicate) = predicate {
                let condition = self.condition(predicate, &own, Row::of(&rel), false, env);
                rel = self.filter(rel, condition, span);
            }
            found.push((label, self.shaped(rel, &own, &outputs, packs, span)));
        }
        if found.is_empty() {
            // Nothing can be found; the columns are there all the same.
            let columns = outputs.iter().map(|o| self.column(o.name.clone(), o.ty)).collect();
            let none = Rel { kind: RelKind::Values(Vec::new()), columns, serialized: false, open: false, span };
            found.push((String::new(), none));
        }
        let source = with_source.as_ref().map_or("source_", |name| name.text.as_str());
        self.merge(found, false, Some(source), span)
    }

    /// The columns that a query names, with a type that fits all tables.
    fn projected(&mut self, inputs: &[(String, Rel)], columns: &[FindColumn]) -> Vec<Output> {
        let mut outputs = Vec::with_capacity(columns.len());
        for column in columns {
            let declared = column.ty.as_ref().map(|ty| self.type_named(ty));
            let known = type_of(inputs, &column.name.text);
            let open = inputs.iter().any(|(_, rel)| rel.open);
            let ty = match (declared, known) {
                (Some(ty), _) | (None, Some(ty)) => ty,
                (None, None) => {
                    if !open {
                        let message = format!(
                            "The name '{}' does not refer to any known column, table, variable or function.",
                            column.name.text
                        );
                        self.error("KS142", column.name.span, message);
                    }
                    Type::Unknown
                }
            };
            outputs.push(Output { name: column.name.text.clone(), ty });
        }
        outputs
    }

    /// A table's rows in the columns of the result; the other columns in a bag.
    fn shaped(&mut self, rel: Rel, own: &[Column], outputs: &[Output], packs: bool, span: Span) -> Rel {
        let mut columns = Vec::with_capacity(outputs.len() + 1);
        let mut exprs = Vec::with_capacity(outputs.len() + 1);
        for output in outputs {
            let value = match own.iter().find(|c| c.name == output.name) {
                Some(column) => self.convert(Expr::column(column, span), output.ty),
                None => Expr::constant(Val::missing(output.ty), output.ty, span),
            };
            columns.push(self.column(output.name.clone(), output.ty));
            exprs.push(value);
        }
        if packs {
            let mut pairs = Vec::new();
            for column in own.iter().filter(|c| !outputs.iter().any(|o| o.name == c.name)) {
                pairs.push(Expr::constant(Val::Str(column.name.clone().into()), Type::String, span));
                pairs.push(Expr::column(column, span));
            }
            columns.push(self.column("pack_", Type::Dynamic));
            exprs.push(match pairs.is_empty() {
                true => Expr::constant(Val::Dynamic("{}".into()), Type::Dynamic, span),
                false => self.call("pack_all", pairs, Type::Dynamic, span),
            });
        }
        let mut rel = project(rel, columns, exprs, span);
        rel.open = false;
        rel
    }
}

/// The columns that all tables have, then those that the predicate names.
fn common(inputs: &[(String, Rel)], names: &[&ast::Name]) -> Vec<Output> {
    let Some((_, first)) = inputs.first() else { return Vec::new() };
    let everywhere = |name: &str| inputs.iter().all(|(_, rel)| rel.columns.iter().any(|c| c.name == name));
    let mut outputs: Vec<Output> = Vec::new();
    let shared = first.columns.iter().map(|c| c.name.as_str()).filter(|name| everywhere(name));
    for name in shared.chain(names.iter().map(|n| n.text.as_str())) {
        if !outputs.iter().any(|o| o.name == name)
            && let Some(ty) = type_of(inputs, name)
        {
            outputs.push(Output { name: name.to_string(), ty });
        }
    }
    outputs
}

/// The type of a column in all tables that have it; dynamic where they differ.
fn type_of(inputs: &[(String, Rel)], name: &str) -> Option<Type> {
    let types = inputs.iter().filter_map(|(_, rel)| rel.columns.iter().find(|c| c.name == name).map(|c| c.ty));
    types.reduce(|a, b| if a == b { a } else { Type::Dynamic })
}

fn matches(pattern: &ast::Expr, name: &str) -> bool {
    match &pattern.kind {
        ast::ExprKind::Name(pattern) => super::operators::wildcard(&pattern.text, name),
        ast::ExprKind::Star => true,
        _ => false,
    }
}

/// Whether a predicate looks into all columns.
fn has_terms(expr: &ast::Expr) -> bool {
    match &expr.kind {
        ast::ExprKind::Literal(ast::Literal::String(_)) | ast::ExprKind::Star => true,
        ast::ExprKind::Paren(inner) => has_terms(inner),
        ast::ExprKind::Binary { op: ast::BinaryOp::And | ast::BinaryOp::Or, left, right, .. } => {
            has_terms(left) || has_terms(right)
        }
        ast::ExprKind::Binary { left, .. } => matches!(left.kind, ast::ExprKind::Star),
        ast::ExprKind::Call { name, args } if name.text == "not" => args.iter().any(|a| has_terms(&a.value)),
        _ => false,
    }
}
