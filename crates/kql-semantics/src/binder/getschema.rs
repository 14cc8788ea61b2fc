//! `getschema`: the columns of a relation as rows.

use kql_functions::{Type, Val};
use kql_syntax::Span;
use kql_syntax::ast::Property;

use super::Binder;
use super::joins::property;
use crate::bound::{Expr, Rel, RelKind};
use crate::csl::csl_schema;

impl Binder<'_> {
    pub(super) fn getschema(&mut self, input: &Rel, properties: &[Property], span: Span) -> Rel {
        let text = |s: &str| Expr::constant(Val::Str(s.to_string().into()), Type::String, span);
        if property(properties, "kind").is_some_and(|(kind, _)| kind.eq_ignore_ascii_case("csl")) {
            let columns = input.columns.iter().map(|c| (c.name.as_str(), c.ty));
            let kind = RelKind::Values(vec![vec![text(&csl_schema(columns, ","))]]);
            let columns = vec![self.column("Schema", Type::String)];
            return Rel { kind, columns, serialized: true, open: false, span };
        }
        let rows = input
            .columns
            .iter()
            .enumerate()
            .map(|(i, c)| {
                let ordinal = Expr::constant(Val::Int(i as i32), Type::Int, span);
                vec![text(&c.name), ordinal, text(c.ty.clr_name()), text(c.ty.name())]
            })
            .collect();
        let columns = vec![
            self.column("ColumnName", Type::String),
            self.column("ColumnOrdinal", Type::Int),
            self.column("DataType", Type::String),
            self.column("ColumnType", Type::String),
        ];
        Rel { kind: RelKind::Values(rows), columns, serialized: true, open: false, span }
    }
}
