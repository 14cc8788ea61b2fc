//! Lexer, error-tolerant parser and syntax tree of the Kusto Query Language.
//!
//! [`parse`] never fails: it returns a tree, in which broken places are [`ast::ExprKind::Error`],
//! and the [`Diagnostic`]s found on the way. This crate knows no tables, types or functions.
//!
//! ```
//! let parsed = kql_syntax::parse("T | where x > 1 | count");
//! assert!(parsed.diagnostics.is_empty());
//! ```

pub mod ast;
mod diagnostic;
mod format;
mod lexer;
mod parser;
mod span;

pub use diagnostic::{Diagnostic, Severity};
pub use format::{FormatOptions, format};
pub use lexer::{Token, TokenKind, tokenize};
pub use parser::{Parsed, parse};
pub use span::{LineIndex, Span};
