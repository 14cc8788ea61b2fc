//! Functions that make new areas and lines: unions, intersections, buffers and simpler polygons.

use super::super::support::{Out, array, lenient, real_arg};
use super::buffer::Buffer;
use super::overlay::{
    common_of_line_and_region, common_of_lines, common_of_regions, lines_shape, region_shape, union, union_of_lines,
    united,
};
use super::shape::{lines, point, polygons};
use super::simplify::simplified;
use super::sphere::EARTH;
use super::trace::Region;
use crate::{Cx, EvalError, Scalar, Val};

/// The entries of this family.
pub(in super::super) static ENTRIES: &[Scalar] = &[
    lenient("geo_point_buffer", "The area around a point.", point_buffer),
    lenient("geo_line_buffer", "The area around lines.", line_buffer),
    lenient("geo_polygon_buffer", "Polygons and the area around them.", polygon_buffer),
    lenient("geo_intersection_2polygons", "What two polygons have in common.", intersection_2polygons),
    lenient("geo_intersection_2lines", "What two lines have in common.", intersection_2lines),
    lenient("geo_intersection_line_with_polygon", "What a line and a polygon have in common.", intersection_mixed),
    lenient("geo_union_polygons_array", "The union of polygons.", union_polygons),
    lenient("geo_union_lines_array", "The union of lines.", union_lines),
    lenient("geo_polygon_simplify", "Polygons with fewer points, within a tolerance in metres.", polygon_simplify),
    lenient("geo_simplify_polygons_array", "The union of polygons with fewer points.", simplify_polygons),
];

/// The value of a geometry; null where there is none.
fn value(shape: Option<super::shape::Shape>) -> Val<'static> {
    shape.map_or(Val::Null, |shape| shape.value())
}

/// The radius at `at` and the tolerance after it, in metres; 10 where that is left out.
fn buffer(args: &[Val<'_>], at: usize) -> Option<Buffer> {
    let tolerance = if args.get(at + 1).is_none() { 10.0 } else { real_arg(args, at + 1)? };
    Buffer::new(real_arg(args, at)?, tolerance)
}

/// The area of a buffer, unless it is the whole Earth.
fn buffered(buffer: &Buffer, area: impl Fn(&Buffer) -> Region) -> Out<'static> {
    if buffer.covers_all() {
        return Err(EvalError("A buffer that covers the whole Earth cannot be told in GeoJSON.".to_string()));
    }
    Ok(value(region_shape(&area(buffer))))
}

fn point_buffer<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let place = real_arg(args, 0).zip(real_arg(args, 1)).and_then(|(lng, lat)| point(lng, lat));
    let (Some(place), Some(buffer)) = (place, buffer(args, 2)) else { return Ok(Val::Null) };
    buffered(&buffer, |buffer| buffer.of_point(place))
}

fn line_buffer<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let (Some(lines), Some(buffer)) = (args.first().and_then(lines), buffer(args, 1)) else { return Ok(Val::Null) };
    buffered(&buffer, |buffer| buffer.of_lines(&lines))
}

fn polygon_buffer<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let (Some(region), Some(buffer)) = (first_region(args), buffer(args, 1)) else { return Ok(Val::Null) };
    buffered(&buffer, |buffer| buffer.of_region(&region))
}

fn region_of(value: &Val<'_>) -> Option<Region> {
    polygons(value).map(united)
}

fn first_region(args: &[Val<'_>]) -> Option<Region> {
    args.first().and_then(region_of)
}

fn intersection_2polygons<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let (Some(a), Some(b)) = (first_region(args), args.get(1).and_then(region_of)) else { return Ok(Val::Null) };
    Ok(common_of_regions(&a, &b).shape().value())
}

fn intersection_2lines<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let (Some(a), Some(b)) = (args.first().and_then(lines), args.get(1).and_then(lines)) else { return Ok(Val::Null) };
    Ok(common_of_lines(&a, &b).shape().value())
}

fn intersection_mixed<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let (Some(a), Some(b)) = (args.first().and_then(lines), args.get(1).and_then(region_of)) else {
        return Ok(Val::Null);
    };
    Ok(common_of_line_and_region(&a, &b).shape().value())
}

/// What the items of an array are; `None` where one is something else, or there are none.
fn items<T>(args: &[Val<'_>], item: impl Fn(&Val<'_>) -> Option<T>) -> Option<Vec<T>> {
    let items: Option<Vec<T>> = array(args, 0)?.iter().map(|tree| item(&Val::dynamic(tree))).collect();
    items.filter(|items| !items.is_empty())
}

fn union_polygons<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(items(args, region_of).map_or(Val::Null, |regions| value(region_shape(&union(regions)))))
}

fn union_lines<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let all = items(args, lines).map(|all| union_of_lines(&all.into_iter().flatten().collect()));
    Ok(all.map_or(Val::Null, |all| value(lines_shape(&all))))
}

/// The tolerance of simplification in metres, up to 7,800,000 as documented; 10 where it is left out.
fn simplify_tolerance(args: &[Val<'_>]) -> Option<f64> {
    let tolerance = if args.get(1).is_none() { 10.0 } else { real_arg(args, 1)? };
    (0.0..=7_800_000.0).contains(&tolerance).then_some(tolerance / EARTH)
}

fn polygon_simplify<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let (Some(region), Some(tolerance)) = (first_region(args), simplify_tolerance(args)) else {
        return Ok(Val::Null);
    };
    Ok(value(region_shape(&simplified(&region, tolerance))))
}

fn simplify_polygons<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let (Some(regions), Some(tolerance)) = (items(args, region_of), simplify_tolerance(args)) else {
        return Ok(Val::Null);
    };
    Ok(value(region_shape(&simplified(&union(regions), tolerance))))
}
