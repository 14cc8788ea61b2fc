//! The scalar functions, a file a family.

use crate::Scalar;

pub use convert::{cast, cast_element};

mod convert;
mod control;
mod datetime;
mod bin;
mod datetime_format;
mod timezone;
mod dynamic;
mod encoding;
mod hash;
mod ip;
mod math;
mod parse;
mod array;
mod special;
mod sets;
mod support;
mod scan;
mod compare;
mod string_operators;
mod operators;
mod series;
mod series_decompose;
mod series_stats;
mod sketch;
mod string;
mod string_regex;
mod user_agent;

/// All families.
pub(crate) fn all() -> Vec<&'static [Scalar]> {
    vec![
        convert::ENTRIES,
        control::ENTRIES,
        datetime::ENTRIES,
        bin::ENTRIES,
        datetime_format::ENTRIES,
        timezone::ENTRIES,
        dynamic::ENTRIES,
        encoding::ENTRIES,
        hash::ENTRIES,
        ip::ENTRIES,
        math::ENTRIES,
        parse::ENTRIES,
        array::ENTRIES,
        sets::ENTRIES,
        string_operators::ENTRIES,
        operators::ENTRIES,
        series::ENTRIES,
        series_decompose::ENTRIES,
        series_stats::ENTRIES,
        sketch::ENTRIES,
        string::ENTRIES,
        string_regex::ENTRIES,
        user_agent::ENTRIES,
    ]
}
