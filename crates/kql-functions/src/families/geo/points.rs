//! Points: distances, angles, and what they lie in.

use super::super::support::{Out, real_arg, strict};
use super::predicates::left_of;
use super::shape::{Shape, lines, point, polygons};
use super::sphere::{EARTH, Vector, angle_to_edge, nearest_on_edge};
use crate::{Cx, Scalar, Val};

/// The entries of this family.
pub(in super::super) static ENTRIES: &[Scalar] = &[
    strict("geo_distance_2points", "The distance of two points in metres.", distance),
    strict("geo_azimuth", "The direction from one point to another, clockwise from north, in radians.", azimuth),
    strict("geo_angle", "The clockwise turn between two edges that meet in the second point, in radians.", turn),
    strict("geo_point_in_circle", "Whether a point lies in a circle around another.", in_circle),
    strict("geo_point_in_polygon", "Whether a point lies in a polygon.", in_polygon),
    strict("geo_distance_point_to_line", "The distance of a point from a line in metres.", to_line),
    strict("geo_distance_point_to_polygon", "The distance of a point from a polygon in metres.", to_polygon),
    strict("geo_closest_point_on_line", "The point of a line that is nearest to a point.", closest_on_line),
    strict("geo_closest_point_on_polygon", "The point of a polygon that is nearest to a point.", closest_on_polygon),
];

fn point_at(args: &[Val<'_>], at: usize) -> Option<Vector> {
    point(real_arg(args, at)?, real_arg(args, at + 1)?)
}

/// The angle of two points by the haversine formula, which is exact for near ones.
fn haversine(args: &[Val<'_>]) -> Option<f64> {
    point_at(args, 0)?;
    point_at(args, 2)?;
    let radians = |i: usize| real_arg(args, i).map(f64::to_radians);
    let (lng1, lat1, lng2, lat2) = (radians(0)?, radians(1)?, radians(2)?, radians(3)?);
    let (dlat, dlng) = ((0.5 * (lat2 - lat1)).sin(), (0.5 * (lng2 - lng1)).sin());
    let x = dlat * dlat + dlng * dlng * lat1.cos() * lat2.cos();
    Some(2.0 * x.min(1.0).sqrt().asin())
}

fn distance<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let spheroid =
        matches!(args.get(4), Some(Val::Bool(true))) || args.get(4).and_then(Val::as_i64).is_some_and(|v| v != 0);
    if spheroid {
        return Err(crate::EvalError("geo_distance_2points on a spheroid is not supported yet.".to_string()));
    }
    Ok(haversine(args).map_or(Val::Null, |angle| Val::Real(angle * EARTH)))
}

fn azimuth<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let (Some(_), Some(_)) = (point_at(args, 0), point_at(args, 2)) else { return Ok(Val::Null) };
    let radians = |i: usize| real_arg(args, i).map_or(0.0, f64::to_radians);
    let (lng1, lat1, lng2, lat2) = (radians(0), radians(1), radians(2), radians(3));
    let y = (lng2 - lng1).sin() * lat2.cos();
    let x = lat1.cos() * lat2.sin() - lat1.sin() * lat2.cos() * (lng2 - lng1).cos();
    if x == 0.0 && y == 0.0 {
        return Ok(Val::Null);
    }
    Ok(Val::Real(y.atan2(x)))
}

fn turn<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let (Some(a), Some(b), Some(c)) = (point_at(args, 0), point_at(args, 2), point_at(args, 4)) else {
        return Ok(Val::Null);
    };
    if a == b || b == c {
        return Ok(Val::Null);
    }
    let flat = |v: Vector| v.minus(b.times(b.dot(v)));
    let (u, v) = (flat(a), flat(c));
    let angle = -u.cross(v).dot(b).atan2(u.dot(v));
    let full = 2.0 * std::f64::consts::PI;
    Ok(Val::Real(angle.rem_euclid(full)))
}

fn in_circle<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let radius = real_arg(args, 4).filter(|r| *r >= 0.0 && r.is_finite());
    let (Some(angle), Some(radius)) = (haversine(args), radius) else { return Ok(Val::Null) };
    Ok(Val::Bool(angle * EARTH <= radius))
}

/// Whether a point lies in one of the polygons. Of polygons that share an edge or a corner, one has its points.
pub(super) fn inside(p: Vector, polygons: &[Vec<Vec<Vector>>]) -> bool {
    // A hole has its polygon on its left.
    let within = |(i, ring): (usize, &Vec<Vector>)| left_of(ring, p) != (i > 0);
    polygons.iter().any(|rings| rings.iter().enumerate().filter(|ring| within(*ring)).count() % 2 == 1)
}

fn in_polygon<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let polygons = args.get(2).and_then(polygons);
    let (Some(p), Some(polygons)) = (point_at(args, 0), polygons) else { return Ok(Val::Null) };
    Ok(Val::Bool(inside(p, &polygons)))
}

/// Pairs of neighbours; a ring's last point is the first one's neighbour.
pub(super) fn edges(points: &[Vector], closed: bool) -> impl Iterator<Item = (Vector, Vector)> + '_ {
    let back = if closed { points.last().copied().zip(points.first().copied()) } else { None };
    points.windows(2).map(|pair| (pair[0], pair[1])).chain(back)
}

fn nearest(p: Vector, edges: impl Iterator<Item = (Vector, Vector)>) -> Option<Vector> {
    let near = edges.map(|(a, b)| (angle_to_edge(p, a, b), a, b));
    let best = near.min_by(|x, y| x.0.total_cmp(&y.0))?;
    Some(nearest_on_edge(p, best.1, best.2))
}

fn nearest_on_line(args: &[Val<'_>]) -> Option<(Vector, Vector)> {
    let lines = args.get(2).and_then(lines)?;
    let p = point_at(args, 0)?;
    Some((p, nearest(p, lines.iter().flat_map(|line| edges(line, false)))?))
}

/// The point, and the nearest point of the polygon: the point itself where it lies inside.
fn nearest_on_polygon(args: &[Val<'_>]) -> Option<(Vector, Option<Vector>)> {
    let polygons = args.get(2).and_then(polygons)?;
    let p = point_at(args, 0)?;
    if inside(p, &polygons) {
        return Some((p, None));
    }
    Some((p, nearest(p, polygons.iter().flatten().flat_map(|ring| edges(ring, true)))))
}

fn to_line<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(nearest_on_line(args).map_or(Val::Null, |(p, q)| Val::Real(p.angle(q) * EARTH)))
}

fn to_polygon<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(match nearest_on_polygon(args) {
        None => Val::Null,
        Some((_, None)) => Val::Real(0.0),
        Some((p, Some(q))) => Val::Real(p.angle(q) * EARTH),
    })
}

fn closest_on_line<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(nearest_on_line(args).map_or(Val::Null, |(_, q)| Shape::Point(q.degrees()).value()))
}

fn closest_on_polygon<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(nearest_on_polygon(args).map_or(Val::Null, |(p, q)| Shape::Point(q.unwrap_or(p).degrees()).value()))
}
