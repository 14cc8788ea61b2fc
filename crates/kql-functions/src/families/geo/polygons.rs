//! Polygons: area, perimeter, centre, and how they meet lines and each other.

use super::super::support::{Out, lenient, strict};
use super::lines::{any_meet, densified, densify_tolerance, keeps_crossing};
use super::overlay::united;
use super::points::{edges, inside};
use super::shape::{Position, Shape, lines, planar_polygons, polygons};
use super::sphere::{EARTH, Vector, ring_area, ring_centroid};
use super::trace::Region;
use crate::{Cx, Scalar, Val};

/// The entries of this family.
pub(in super::super) static ENTRIES: &[Scalar] = &[
    strict("geo_polygon_area", "The area of polygons in square metres.", area),
    strict("geo_polygon_perimeter", "The length of polygons' outlines in metres.", perimeter),
    strict("geo_polygon_centroid", "The centre of polygons.", centroid),
    lenient("geo_polygon_densify", "A polygon with points that make its planar edges geodesic.", densify),
    strict("geo_intersects_2polygons", "Whether two polygons have a point in common.", intersects),
    strict("geo_intersects_line_with_polygon", "Whether a line and a polygon have a point in common.", intersects_line),
];

type Rings = Region;

/// The polygons of the first argument; what several of them hold counts once.
fn first_united(args: &[Val<'_>]) -> Option<Region> {
    first(args).map(united)
}

fn first(args: &[Val<'_>]) -> Option<Rings> {
    args.first().and_then(polygons)
}

fn all_edges(polygons: &Rings) -> Vec<(Vector, Vector)> {
    polygons.iter().flatten().flat_map(|ring| edges(ring, true)).collect()
}

fn area<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let Some(polygons) = first_united(args) else { return Ok(Val::Null) };
    let sum: f64 = polygons.iter().flatten().map(|ring| ring_area(ring)).sum();
    Ok(Val::Real(sum * EARTH * EARTH))
}

fn perimeter<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let Some(polygons) = first_united(args) else { return Ok(Val::Null) };
    let sum: f64 = all_edges(&polygons).iter().map(|(a, b)| a.angle(*b)).sum();
    Ok(Val::Real(sum * EARTH))
}

fn centroid<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let Some(polygons) = first_united(args) else { return Ok(Val::Null) };
    let sum = polygons.iter().flatten().map(|ring| ring_centroid(ring)).reduce(Vector::plus);
    Ok(sum.map_or(Val::Null, |sum| Shape::Point(sum.unit().degrees()).value()))
}

fn densify<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let (Some(oriented), Some(tolerance)) = (first(args), densify_tolerance(args)) else { return Ok(Val::Null) };
    let Some(planar) = args.first().and_then(planar_polygons) else { return Ok(Val::Null) };
    if planar.iter().flatten().flatten().any(|(lng, _)| !(-180.0..=180.0).contains(lng)) {
        return Ok(Val::Null);
    }
    let turned = |ring: &Vec<Position>, points: &Vec<Vector>| -> Vec<Position> {
        let mut ring = ring[..ring.len() - 1].to_vec();
        let written = ring.first().map(|(lng, lat)| Vector::of(*lng, *lat));
        if points.first() != written.as_ref() {
            ring.reverse();
        }
        ring.extend(ring.first().copied());
        densified(&ring, tolerance / EARTH, keeps_crossing(args))
    };
    let mut dense: Vec<Vec<Vec<Position>>> = planar
        .iter()
        .zip(&oriented)
        .map(|(rings, points)| rings.iter().zip(points).map(|(r, p)| turned(r, p)).collect())
        .collect();
    Ok(if dense.len() == 1 { Shape::Polygon(dense.swap_remove(0)).value() } else { Shape::MultiPolygon(dense).value() })
}

fn meet(a: &Rings, b: &Rings) -> bool {
    let holds = |outer: &Rings, inner: &Rings| {
        inner.iter().filter_map(|rings| rings.first()?.first()).any(|p| inside(*p, outer))
    };
    any_meet(&all_edges(a), &all_edges(b)) || holds(a, b) || holds(b, a)
}

fn intersects<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let (Some(a), Some(b)) = (first(args), args.get(1).and_then(polygons)) else { return Ok(Val::Null) };
    Ok(Val::Bool(meet(&a, &b)))
}

fn intersects_line<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let (Some(lines), Some(polygons)) = (args.first().and_then(lines), args.get(1).and_then(polygons)) else {
        return Ok(Val::Null);
    };
    let of_lines: Vec<(Vector, Vector)> = lines.iter().flat_map(|l| edges(l, false)).collect();
    let starts = lines.iter().filter_map(|l| l.first()).any(|p| inside(*p, &polygons));
    Ok(Val::Bool(starts || any_meet(&of_lines, &all_edges(&polygons))))
}
