//! `project-by-names`, `assert-schema` and `reduce`.

use kql_functions::{Dynamic, Type, Val};
use kql_syntax::Span;
use kql_syntax::ast::{self, ColumnDecl, NamedExpr, Property};

use super::joins::property;
use super::operators::wildcard;
use super::{Binder, Env, Row};
use crate::bound::{ExprKind, Reduce, Rel, RelKind, Stage};

impl Binder<'_> {
    /// `project-by-names "a", dynamic(["b*"])`: the columns of these names that there are, each once.
    pub(super) fn project_by_names(&mut self, input: Rel, names: &[ast::Expr], env: &Env, span: Span) -> Rel {
        let mut keep: Vec<usize> = Vec::new();
        for item in names {
            let patterns: Vec<String> = match &item.kind {
                ast::ExprKind::Name(name) if env.find(&name.text).is_none() => vec![name.text.clone()],
                _ => match self.constant(item, env, "The name of a column") {
                    Some(Val::Str(name)) => vec![name.into_owned()],
                    Some(value) => match value.to_tree() {
                        Dynamic::Array(items) => items
                            .into_iter()
                            .filter_map(|item| match item {
                                Dynamic::String(name) => Some(name),
                                _ => None,
                            })
                            .collect(),
                        _ => {
                            self.error("KS107", item.span, "A value of type string or an array of strings expected.");
                            Vec::new()
                        }
                    },
                    None => Vec::new(),
                },
            };
            for pattern in patterns {
                let found = (0..input.columns.len()).filter(|i| wildcard(&pattern, &input.columns[*i].name));
                let new: Vec<usize> = found.filter(|i| !keep.contains(i)).collect();
                keep.extend(new);
            }
        }
        self.choose(input, keep, span)
    }

    /// `assert-schema (a:long, …)`: an error unless the columns are these, in this order.
    pub(super) fn assert_schema(&mut self, input: Rel, declared: &[ColumnDecl], span: Span) -> Rel {
        if self.options.checking || input.open {
            return input;
        }
        let mut same = declared.len() == input.columns.len();
        for (declared, column) in declared.iter().zip(&input.columns) {
            same &= declared.name.text == column.name && self.type_named(&declared.ty) == column.ty;
        }
        if !same {
            let is: Vec<String> = input.columns.iter().map(|c| format!("{}:{}", c.name, c.ty)).collect();
            let message = format!("The schema is not the asserted one; it is ({}).", is.join(", "));
            self.error("KS256", span, message);
        }
        input
    }

    /// `reduce by X`: texts that are alike, as patterns.
    pub(super) fn reduce(
        &mut self,
        input: Rel,
        by: &NamedExpr,
        with: &[Property],
        properties: &[Property],
        env: &Env,
        span: Span,
    ) -> Rel {
        let value = self.scalar(&by.value, Row::of(&input), env);
        if !matches!(value.kind, ExprKind::Error) && value.ty != Type::String {
            self.error("KS107", value.span, "A value of type string expected.");
        }
        let mut threshold = 0.1;
        let mut characters = String::new();
        for option in with {
            match (option.name.text.as_str(), self.constant(&option.value, env, "The value of an option")) {
                ("threshold", Some(value)) => match value.as_f64().filter(|t| (0.0..=1.0).contains(t)) {
                    Some(value) => threshold = value,
                    None => self.error("KS122", option.value.span, "A threshold between 0 and 1 is expected."),
                },
                ("characters", Some(Val::Str(text))) => characters = text.into_owned(),
                (_, None) => {}
                (name, _) => {
                    let message = format!("'{name}' is no option of reduce; they are: threshold, characters.");
                    self.error("KS122", option.name.span, message);
                }
            }
        }
        let source = property(properties, "kind").is_some_and(|(kind, _)| kind == "source");
        let mut columns = Vec::new();
        if source {
            columns = input.columns.iter().map(|c| (c.name.clone(), c.ty)).collect();
        }
        columns.push(("Pattern".to_string(), Type::String));
        columns.push(("Count".to_string(), Type::Long));
        columns.push(("Representative".to_string(), Type::String));
        let columns = columns.into_iter().map(|(name, ty)| self.column(name, ty)).collect();
        let open = source && input.open;
        let stage = Stage::Reduce(Reduce { value, threshold, characters, source });
        let kind = RelKind::Staged { inputs: vec![input], stage: Box::new(stage) };
        Rel { kind, columns, serialized: false, open, span }
    }
}
