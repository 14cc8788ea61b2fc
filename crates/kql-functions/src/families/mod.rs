//! The scalar functions, a file a family.

use crate::Scalar;

pub use convert::{cast, cast_element, cast_ref, parse_int, parse_long};
pub use datetime::Difference;
pub(crate) use datetime::{start_of_month, start_of_week, start_of_year};
pub use math::rounding;

mod array;
mod bin;
mod compare;
mod control;
mod convert;
mod cursor;
mod data_size;
mod datetime;
mod datetime_format;
mod dynamic;
mod encoding;
pub(crate) mod geo;
mod geo_ip;
mod hash;
pub(crate) mod ip;
mod math;
mod operators;
mod parse;
mod punycode;
mod scan;
mod series;
mod series_decompose;
mod series_periods;
mod series_stats;
mod sets;
pub(crate) mod sketch;
mod special;
mod string;
mod string_operators;
mod string_regex;
mod support;
mod timezone;
mod units;
mod user_agent;

/// All families.
pub(crate) fn all() -> Vec<&'static [Scalar]> {
    vec![
        convert::ENTRIES,
        control::ENTRIES,
        cursor::ENTRIES,
        data_size::ENTRIES,
        datetime::ENTRIES,
        bin::ENTRIES,
        datetime_format::ENTRIES,
        timezone::ENTRIES,
        dynamic::ENTRIES,
        encoding::ENTRIES,
        geo::cells::ENTRIES,
        geo::points::ENTRIES,
        geo::lines::ENTRIES,
        geo::polygons::ENTRIES,
        geo::wkt::ENTRIES,
        geo::combine::ENTRIES,
        geo::covering::ENTRIES,
        geo_ip::ENTRIES,
        hash::ENTRIES,
        ip::ENTRIES,
        math::ENTRIES,
        parse::ENTRIES,
        punycode::ENTRIES,
        array::ENTRIES,
        sets::ENTRIES,
        string_operators::ENTRIES,
        operators::ENTRIES,
        series::ENTRIES,
        series_decompose::ENTRIES,
        series_periods::ENTRIES,
        series_stats::ENTRIES,
        sketch::ENTRIES,
        string::ENTRIES,
        string_regex::ENTRIES,
        units::ENTRIES,
        user_agent::ENTRIES,
    ]
}
