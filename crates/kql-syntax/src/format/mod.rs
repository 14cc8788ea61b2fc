//! The formatter: new white space between the same tokens.
//!
//! It works on tokens, comments included, and only parses to refuse texts with errors. So literals, names, spelling and
//! comments stay as they are, and the tree of the result is the tree of the source.

mod document;
mod layout;
mod spacing;

use crate::{Diagnostic, Severity, parse, tokenize};

/// How queries are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormatOptions {
    /// Lines are broken where they would be longer, in characters.
    pub width: usize,
    /// Blanks of one level.
    pub indent: usize,
}

impl Default for FormatOptions {
    fn default() -> Self {
        FormatOptions { width: 120, indent: 4 }
    }
}

/// Formats a query: an operator a line, items a line where one is too short for all, comments at their places.
///
/// The result ends without a line break. A text with syntax errors is not formatted; its errors are answered.
///
/// ```
/// let formatted = kql_syntax::format("T|where a>1|project a,b=a+1", &Default::default());
/// assert_eq!(formatted.as_deref(), Ok("T\n| where a > 1\n| project a, b = a + 1"));
/// ```
pub fn format(source: &str, options: &FormatOptions) -> Result<String, Vec<Diagnostic>> {
    let errors: Vec<Diagnostic> =
        parse(source).diagnostics.into_iter().filter(|d| d.severity == Severity::Error).collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    let tokens = tokenize(source);
    let document = layout::Layout::new(source, &tokens).document();
    Ok(document::print(&document, options.width, options.indent))
}
