//! Functions that make new areas. They tell bad input from good; what needs the overlay of polygons is refused.

use super::super::support::{Out, array, lenient, real_arg};
use super::shape::{lines, point, polygons};
use crate::{Dynamic, EvalError, Scalar, Val};

/// The entries of this family.
pub(in super::super) static ENTRIES: &[Scalar] = &[
    lenient("geo_point_buffer", "The area around a point.", |_, args| {
        let place = real_arg(args, 0).zip(real_arg(args, 1)).and_then(|(lng, lat)| point(lng, lat));
        refuse("geo_point_buffer", place.is_some() && positive(args, 2) && tolerance(args, 3))
    }),
    lenient("geo_line_buffer", "The area around a line.", |_, args| {
        refuse("geo_line_buffer", args.first().and_then(lines).is_some() && positive(args, 1) && tolerance(args, 2))
    }),
    lenient("geo_polygon_buffer", "A polygon and the area around it.", |_, args| {
        refuse(
            "geo_polygon_buffer",
            args.first().and_then(polygons).is_some() && positive(args, 1) && tolerance(args, 2),
        )
    }),
    lenient("geo_intersection_2polygons", "What two polygons have in common.", |_, args| {
        refuse("geo_intersection_2polygons", are(args, |v| polygons(v).is_some(), |v| polygons(v).is_some()))
    }),
    lenient("geo_intersection_2lines", "What two lines have in common.", |_, args| {
        refuse("geo_intersection_2lines", are(args, |v| lines(v).is_some(), |v| lines(v).is_some()))
    }),
    lenient("geo_intersection_line_with_polygon", "What a line and a polygon have in common.", |_, args| {
        refuse("geo_intersection_line_with_polygon", are(args, |v| lines(v).is_some(), |v| polygons(v).is_some()))
    }),
    lenient("geo_union_polygons_array", "The union of polygons.", |_, args| {
        refuse("geo_union_polygons_array", all(args, |v| polygons(v).is_some()))
    }),
    lenient("geo_union_lines_array", "The union of lines.", |_, args| {
        refuse("geo_union_lines_array", all(args, |v| lines(v).is_some()))
    }),
    lenient("geo_line_to_s2cells", "The S2 cells that cover a line.", |_, args| {
        refuse("geo_line_to_s2cells", args.first().and_then(lines).is_some())
    }),
    lenient("geo_polygon_to_s2cells", "The S2 cells that cover a polygon.", |_, args| {
        refuse("geo_polygon_to_s2cells", args.first().and_then(polygons).is_some())
    }),
    lenient("geo_polygon_to_h3cells", "The H3 cells in a polygon.", |_, args| {
        refuse("geo_polygon_to_h3cells", args.first().and_then(polygons).is_some())
    }),
];

/// Null for bad input; for good one an error, as there is no answer yet.
fn refuse(function: &str, valid: bool) -> Out<'static> {
    if valid { Err(EvalError(format!("The function '{function}' is not supported yet."))) } else { Ok(Val::Null) }
}

fn positive(args: &[Val<'_>], at: usize) -> bool {
    real_arg(args, at).is_some_and(|v| v > 0.0 && v.is_finite())
}

fn tolerance(args: &[Val<'_>], at: usize) -> bool {
    args.get(at).is_none() || positive(args, at)
}

fn are(args: &[Val<'_>], first: impl Fn(&Val<'_>) -> bool, second: impl Fn(&Val<'_>) -> bool) -> bool {
    args.first().is_some_and(first) && args.get(1).is_some_and(second)
}

fn all(args: &[Val<'_>], test: impl Fn(&Val<'_>) -> bool) -> bool {
    let items: Option<Vec<Dynamic>> = array(args, 0);
    items.is_some_and(|items| !items.is_empty() && items.iter().all(|item| test(&Val::dynamic(item))))
}
