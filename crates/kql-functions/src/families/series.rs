//! Placeholder.

use crate::Scalar;

pub(super) static ENTRIES: &[Scalar] = &[];
