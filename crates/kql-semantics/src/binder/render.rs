//! The properties of `render`: titles are texts, axes name columns, limits and switches are literals.

use kql_functions::Type;
use kql_syntax::ast::{self, Literal, Property};

use super::shape::string_const;
use super::{Binder, Env, Row};
use crate::bound::{ExprKind, Rel};

impl Binder<'_> {
    pub(super) fn render_properties(&mut self, input: &Rel, properties: &[Property], env: &Env) {
        for Property { name, value } in properties {
            match name.text.as_str() {
                "title" | "xtitle" | "ytitle" => {
                    let title = self.scalar(value, Row::of(input), env);
                    if !matches!(title.kind, ExprKind::Error) && !matches!(title.ty, Type::String | Type::Dynamic) {
                        let message = "The expression must have one of the types: string or dynamic.";
                        self.error("KS141", value.span, message);
                    }
                    let known = self.render.as_mut().and_then(|r| r.properties.iter_mut().find(|p| p.0 == name.text));
                    if let (Some(property), Some(text)) = (known, string_const(&title)) {
                        property.1 = text.to_string();
                    }
                }
                "xcolumn" | "ycolumns" | "series" | "anomalycolumns" => match &value.kind {
                    ast::ExprKind::Name(column) => {
                        self.find_column(input, column);
                    }
                    _ => self.error("KS109", value.span, "Column name expected."),
                },
                "xmin" | "xmax" | "ymin" | "ymax" if !is_summable(value) => {
                    self.error("KS224", value.span, "Summable literal expected.");
                }
                "accumulate" if !matches!(value.kind, ast::ExprKind::Literal(Literal::Bool(_))) => {
                    self.error("KS223", value.span, "Boolean literal expected.");
                }
                _ => {}
            }
        }
    }
}

/// A number, datetime or timespan that is written out.
fn is_summable(value: &ast::Expr) -> bool {
    match &value.kind {
        ast::ExprKind::Unary { operand, .. } => is_summable(operand),
        ast::ExprKind::Literal(literal) => {
            !matches!(literal, Literal::String(_) | Literal::Bool(_) | Literal::Guid(_) | Literal::Dynamic(_))
        }
        _ => false,
    }
}
