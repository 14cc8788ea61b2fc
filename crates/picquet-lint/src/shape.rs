//! Whether values are arrays or bags, as far as a query's text tells.

use kql_functions::{Type, Val};
use kql_semantics::bound::{ColumnId, Expr, ExprKind};

/// What values look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// An array.
    Array,
    /// A property bag.
    Bag,
    /// A column of JSON, by the table's schema.
    Json,
}

impl Shape {
    /// In words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Shape::Array => "an array",
            Shape::Bag => "a property bag",
            Shape::Json => "JSON, an array or a property bag",
        }
    }
}

const ARRAY_AGGREGATES: [&str; 8] = [
    "make_list",
    "make_list_if",
    "make_list_with_nulls",
    "make_set",
    "make_set_if",
    "makelist",
    "makeset",
    "percentiles_array",
];

const BAG_AGGREGATES: [&str; 4] = ["make_bag", "make_bag_if", "make_dictionary", "buildschema"];

const ARRAYS: [&str; 29] = [
    "array_concat",
    "array_iff",
    "array_reverse",
    "array_rotate_left",
    "array_rotate_right",
    "array_shift_left",
    "array_shift_right",
    "array_slice",
    "array_sort_asc",
    "array_sort_desc",
    "array_split",
    "bag_keys",
    "extract_all",
    "pack_array",
    "parse_csv",
    "range",
    "repeat",
    "scan_strings",
    "set_difference",
    "set_intersect",
    "set_union",
    "split",
    "treepath",
    "unicode_codepoints_from_string",
    "zip",
    "series_fill_const",
    "series_add",
    "series_subtract",
    "series_fir",
];

const BAGS: [&str; 12] = [
    "bag_merge",
    "bag_pack",
    "bag_remove_keys",
    "bag_set_key",
    "bag_zip",
    "pack",
    "pack_all",
    "pack_dictionary",
    "parse_url",
    "parse_urlquery",
    "parse_user_agent",
    "geo_info_from_ip_address",
];

/// The shape of an aggregate's value.
pub(crate) fn of_aggregate(function: &str) -> Option<Shape> {
    if ARRAY_AGGREGATES.contains(&function) {
        Some(Shape::Array)
    } else if BAG_AGGREGATES.contains(&function) {
        Some(Shape::Bag)
    } else {
        None
    }
}

/// Whether an aggregate gives one of the values that it is given, the last argument.
pub(crate) fn keeps_values(function: &str) -> bool {
    matches!(function, "any" | "take_any" | "take_anyif" | "anyif" | "arg_max" | "arg_min" | "argmax" | "argmin")
}

/// The shape of an expression's value; `known` tells that of columns.
pub(crate) fn of(expr: &Expr, known: &dyn Fn(ColumnId) -> Option<Shape>) -> Option<Shape> {
    match &expr.kind {
        ExprKind::Column(id) => known(*id),
        ExprKind::Const(Val::Dynamic(text)) => match text.trim_start().chars().next() {
            Some('[') => Some(Shape::Array),
            Some('{') => Some(Shape::Bag),
            _ => None,
        },
        // The text of an array is no better than the array.
        ExprKind::Cast(inner) if matches!(expr.ty, Type::String | Type::Dynamic) => of(inner, known),
        ExprKind::Call { function, args } => match function.as_str() {
            "tostring" | "todynamic" | "parse_json" | "parsejson" | "toobject" => of(args.first()?, known),
            "iff" | "iif" | "case" | "coalesce" => {
                let shapes: Vec<Shape> = args.iter().filter_map(|arg| of(arg, known)).collect();
                // Only where every value that is not a condition has one.
                let values = args.iter().filter(|arg| arg.ty != Type::Bool).count();
                (shapes.len() == values).then(|| shapes.first().copied()).flatten()
            }
            name if ARRAYS.contains(&name) => Some(Shape::Array),
            name if BAGS.contains(&name) => Some(Shape::Bag),
            _ => None,
        },
        _ => None,
    }
}
