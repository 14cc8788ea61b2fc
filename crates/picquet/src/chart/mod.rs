//! Draws what `render` asks for: in the terminal, as SVG, as an HTML page.

mod axis;
mod bars;
mod columns;
mod data;
mod html;
mod options;
mod stack;
mod svg;
mod svg_bars;
mod terminal;
#[cfg(test)]
mod tests;

use std::path::Path;

use anyhow::bail;
use kql_engine::QueryResult;

use crate::output::write_to_path;

pub use html::html;
pub use svg::svg;
pub use terminal::{TerminalOptions, draw};

/// Writes the chart of a result to a file: `.svg`, or `.html` for a page with chart and data. A result without
/// `render` is drawn as its columns suggest.
pub fn write_chart(result: &QueryResult, path: &Path) -> anyhow::Result<()> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    let text = match extension.as_str() {
        "svg" => svg(result)?,
        "html" | "htm" => html(result)?,
        _ => bail!("{}: a chart is written as .svg or .html", path.display()),
    };
    write_to_path(path, |out| Ok(out.write_all(text.as_bytes())?))
}
