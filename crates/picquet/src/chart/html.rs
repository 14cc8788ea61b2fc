//! A page with chart and data that needs nothing else.

use kql_engine::QueryResult;
use kql_functions::Type;

use super::data::{Drawing, extract};
use super::options::Options;
use super::svg;
use crate::output::{cell_text, clean};

/// A page stays usable; the rest of the rows is counted.
const MOST_ROWS: usize = 5_000;
const STYLE: &str = "body{font:15px/1.4 system-ui,sans-serif;margin:2rem;color:#222;background:#fff}\
    svg{max-width:100%;height:auto}\
    .rows{overflow-x:auto}\
    table{border-collapse:collapse;margin-top:1rem;font-size:13px}\
    th,td{padding:.25rem .6rem;border-bottom:1px solid #ddd;text-align:left;vertical-align:top;overflow-wrap:anywhere}\
    th{position:sticky;top:0;background:#f4f4f4}\
    .n{text-align:right;font-variant-numeric:tabular-nums}";

/// The chart of a result and its rows as one HTML document. A result that no chart can show gives its rows.
pub fn html(result: &QueryResult) -> anyhow::Result<String> {
    let given = Options::of(result).title;
    let title = if given.is_empty() { "Query result" } else { &given };
    let mut page = String::from("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.push_str("<meta name=\"viewport\" content=\"width=device-width\">\n");
    page.push_str(&format!("<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n", escape(title)));
    page.push_str(&format!("<h1>{}</h1>\n", escape(title)));
    if !matches!(extract(result), Drawing::Table) {
        page.push_str(&format!("<figure>\n{}</figure>\n", svg(result)?));
    }
    push_rows(&mut page, result);
    page.push_str("</body>\n</html>\n");
    Ok(page)
}

fn push_rows(page: &mut String, result: &QueryResult) {
    let count = result.row_count();
    let shown = count.min(MOST_ROWS);
    let cut = if shown < count { format!(", the first {shown} below") } else { String::new() };
    page.push_str(&format!("<p>{count} row{}{cut}</p>\n", if count == 1 { "" } else { "s" }));
    page.push_str("<div class=\"rows\">\n<table>\n<thead><tr>");
    let class = |ty: Type| if ty.is_number() || ty == Type::Timespan { " class=\"n\"" } else { "" };
    for (name, ty) in &result.columns {
        page.push_str(&format!("<th{} title=\"{}\">{}</th>", class(*ty), ty.name(), escape(name)));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for row in result.rows().take(shown) {
        page.push_str("<tr>");
        for ((_, ty), value) in result.columns.iter().zip(&row) {
            page.push_str(&format!("<td{}>{}</td>", class(*ty), escape(cell_text(value).as_ref())));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table>\n</div>\n");
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
