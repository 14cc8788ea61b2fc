//! What `render` asks for.

use kql_syntax::ast;

/// A chart's kind and properties, by Kusto's names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RenderSpec {
    /// `timechart`, `piechart`…
    pub kind: String,
    /// `title`, `xcolumn`, `kind`…
    pub properties: Vec<(String, String)>,
}

/// Reads the parts of a `render` operator.
pub fn render_chart(chart: Option<&ast::Name>, properties: &[ast::Property]) -> RenderSpec {
    RenderSpec {
        kind: chart.map_or_else(|| "table".to_string(), |c| c.text.to_lowercase()),
        properties: properties.iter().map(|p| (p.name.text.to_lowercase(), property_text(&p.value))).collect(),
    }
}

fn property_text(value: &ast::Expr) -> String {
    match &value.kind {
        ast::ExprKind::Name(name) => name.text.clone(),
        ast::ExprKind::Literal(ast::Literal::String(text)) => text.clone(),
        ast::ExprKind::Literal(ast::Literal::Long(Some(v))) => v.to_string(),
        ast::ExprKind::Literal(ast::Literal::Real(Some(v))) => v.to_string(),
        ast::ExprKind::Literal(ast::Literal::Bool(Some(v))) => v.to_string(),
        ast::ExprKind::Paren(inner) => property_text(inner),
        _ => String::new(),
    }
}
