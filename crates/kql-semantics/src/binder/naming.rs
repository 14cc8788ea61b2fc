//! Names of columns that a query does not name.

use kql_functions::catalogue::{Catalogue, ResultName};
use kql_syntax::ast::{Expr, ExprKind, Literal};

use crate::bound::Column;

/// The name that an expression lends to its column, if it lends one.
pub(super) fn name_of(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.text.clone()),
        ExprKind::Paren(inner) => name_of(inner),
        // A base that has no name lends none.
        ExprKind::Path { base, selector } => match name_of(base) {
            Some(base) => Some(format!("{base}_{}", name_of(selector)?)),
            None => name_of(selector),
        },
        // Only a constant key is part of the name.
        ExprKind::Index { base, index } => {
            let key = match &index.kind {
                ExprKind::Literal(Literal::String(key)) => key.clone(),
                ExprKind::Literal(Literal::Long(Some(n))) if *n >= 0 => n.to_string(),
                _ => String::new(),
            };
            match name_of(base) {
                Some(base) => Some(format!("{base}_{key}")),
                None => Some(key).filter(|key| !key.is_empty()),
            }
        }
        ExprKind::Call { name, args } => {
            let Some(spec) = Catalogue::get().function(&name.text) else {
                return Catalogue::get().aggregate(&name.text).and_then(|_| super::summarize::default_name(expr));
            };
            match &spec.result_name {
                ResultName::FirstArgument => {
                    let first = args.first()?;
                    first.name.as_ref().map(|n| n.text.clone()).or_else(|| name_of(&first.value))
                }
                ResultName::OnlyArgument if args.len() == 1 => name_of(&args.first()?.value),
                ResultName::FirstArgumentValueIfColumn => match &args.first()?.value.kind {
                    ExprKind::Literal(Literal::String(column)) => Some(column.clone()),
                    _ => None,
                },
                ResultName::NameAndFirstArgument => {
                    Some(format!("{}_{}", name.text, name_of(&args.first()?.value).unwrap_or_default()))
                }
                ResultName::PrefixAndFirstArgument(prefix) => {
                    Some(format!("{prefix}_{}", name_of(&args.first()?.value).unwrap_or_default()))
                }
                ResultName::PrefixOnly(prefix) => Some(prefix.clone()),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The name of a sorted array, `a_sorted`; an expression around the call does not get it.
pub(super) fn sorted_name(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Paren(inner) => sorted_name(inner),
        ExprKind::Call { name, args } if matches!(name.text.as_str(), "array_sort_asc" | "array_sort_desc") => {
            let array = name_of(&args.first()?.value).unwrap_or_else(|| "array0".to_string());
            Some(format!("{array}_sorted"))
        }
        _ => None,
    }
}

/// Whether an expression is named after a column that may not be there: `column_ifexists("a", 0)`.
pub(super) fn is_lookup(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Paren(inner) => is_lookup(inner),
        ExprKind::Call { name, .. } => matches!(name.text.as_str(), "column_ifexists" | "columnifexists"),
        _ => false,
    }
}

/// `name`, or with the least number behind it that makes it unique.
pub(super) fn unique(name: &str, taken: &[Column]) -> String {
    let is_taken = |candidate: &str| taken.iter().any(|c| c.name == candidate);
    if !is_taken(name) {
        return name.to_string();
    }
    (1..).map(|n| format!("{name}{n}")).find(|candidate| !is_taken(candidate)).unwrap_or_default()
}
