//! Comparison of answers with documented ones.

mod cell;
mod json;
mod table;

pub(crate) use cell::{Manner, OMISSION};
pub(crate) use table::{Documented, compare};
