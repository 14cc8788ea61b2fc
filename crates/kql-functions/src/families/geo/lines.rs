//! Lines: length, points along them, and simpler or denser ones.

use super::super::support::{Out, lenient, real_arg, strict};
use super::points::edges;
use super::shape::{Position, Shape, lines, point};
use super::sphere::{EARTH, Vector, along, angle_to_edge, edge_centroid, edges_meet, nearest_on_edge, tessellate};
use crate::{Cx, Scalar, Val};

/// The entries of this family.
pub(in super::super) static ENTRIES: &[Scalar] = &[
    strict("geo_line_length", "The length of lines in metres.", length),
    strict("geo_line_centroid", "The centre of lines.", centroid),
    strict("geo_line_interpolate_point", "The point at a fraction of a line.", interpolate_point),
    strict("geo_line_locate_point", "The fraction of a line at which it is nearest to a point.", locate_point),
    strict("geo_line_simplify", "A line with fewer points, within a tolerance in metres.", simplify),
    lenient("geo_line_densify", "A line with points that make its planar edges geodesic.", densify),
    strict("geo_intersects_2lines", "Whether two lines meet.", intersects),
];

fn first_lines(args: &[Val<'_>]) -> Option<Vec<Vec<Vector>>> {
    args.first().and_then(lines)
}

fn angle_of(line: &[Vector]) -> f64 {
    edges(line, false).map(|(a, b)| a.angle(b)).sum()
}

fn length<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(first_lines(args).map_or(Val::Null, |l| Val::Real(l.iter().map(|l| angle_of(l)).sum::<f64>() * EARTH)))
}

fn centroid<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let Some(lines) = first_lines(args) else { return Ok(Val::Null) };
    let parts = lines.iter().flat_map(|line| edges(line, false)).map(|(a, b)| edge_centroid(a, b));
    Ok(parts.reduce(Vector::plus).map_or(Val::Null, |sum| Shape::Point(sum.unit().degrees()).value()))
}

/// A single line.
fn one_line(args: &[Val<'_>]) -> Option<Vec<Vector>> {
    first_lines(args).and_then(|lines| <[_; 1]>::try_from(lines).ok()).map(|[line]| line)
}

fn interpolate_point<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let fraction = real_arg(args, 1).filter(|f| (0.0..=1.0).contains(f));
    let (Some(line), Some(fraction)) = (one_line(args), fraction) else { return Ok(Val::Null) };
    let mut rest = fraction * angle_of(&line);
    for (a, b) in edges(&line, false) {
        let angle = a.angle(b);
        if rest < angle {
            return Ok(Shape::Point(along(a, b, rest).degrees()).value());
        }
        rest -= angle;
    }
    Ok(line.last().map_or(Val::Null, |p| Shape::Point(p.degrees()).value()))
}

fn locate_point<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let place = real_arg(args, 1).zip(real_arg(args, 2)).and_then(|(lng, lat)| point(lng, lat));
    let (Some(line), Some(p)) = (one_line(args), place) else { return Ok(Val::Null) };
    let mut before = 0.0;
    let mut best = (f64::INFINITY, 0.0);
    for (a, b) in edges(&line, false) {
        let foot = nearest_on_edge(p, a, b);
        let distance = p.angle(foot);
        if distance < best.0 {
            best = (distance, before + a.angle(foot));
        }
        before += a.angle(b);
    }
    Ok(Val::Real((best.1 / before).clamp(0.0, 1.0)))
}

/// The points that are kept: from each, the farthest one to which the straight way stays within the tolerance.
pub(super) fn subsample(line: &[Vector], tolerance: f64) -> Vec<Vector> {
    let mut kept = vec![line[0]];
    let mut from = 0;
    while from + 1 < line.len() {
        let fits = |to: &usize| (from + 1..*to).all(|i| angle_to_edge(line[i], line[from], line[*to]) <= tolerance);
        let to = (from + 1..line.len()).take_while(fits).last().unwrap_or(from + 1);
        if line[to] != line[from] {
            kept.push(line[to]);
        }
        from = to;
    }
    kept
}

fn simplify<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let tolerance = args.get(1).map_or(Some(10.0), |_| real_arg(args, 1)).filter(|t| *t >= 0.0);
    let (Some(lines), Some(tolerance)) = (first_lines(args), tolerance) else { return Ok(Val::Null) };
    let angle = tolerance / EARTH;
    // What is shorter than the tolerance comes to nothing.
    let simple: Vec<Vec<Position>> = lines
        .iter()
        .filter(|line| line.iter().any(|p| p.angle(line[0]) > angle))
        .map(|line| subsample(line, angle).into_iter().map(Vector::degrees).collect())
        .collect();
    Ok(shape_of(simple))
}

fn shape_of(mut lines: Vec<Vec<Position>>) -> Val<'static> {
    match lines.len() {
        0 => Val::Null,
        1 => Shape::Line(lines.swap_remove(0)).value(),
        _ => Shape::MultiLine(lines).value(),
    }
}

/// The tolerance of densify in metres; between 0.1 and 10,000 as documented.
pub(super) fn densify_tolerance(args: &[Val<'_>]) -> Option<f64> {
    match args.get(1) {
        None => Some(10.0),
        Some(_) => real_arg(args, 1).filter(|t| (0.1..=10_000.0).contains(t)),
    }
}

fn densify<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let (Some(_), Some(tolerance)) = (first_lines(args), densify_tolerance(args)) else { return Ok(Val::Null) };
    let planar = match args.first().and_then(Shape::of) {
        Some(Shape::Line(line)) => vec![line],
        Some(Shape::MultiLine(lines)) => lines,
        _ => return Ok(Val::Null),
    };
    let keeps = keeps_crossing(args);
    let dense = planar.iter().map(|line| densified(line, tolerance / EARTH, keeps));
    Ok(shape_of(if keeps { dense.collect() } else { dense.flat_map(|line| split_at_antimeridian(&line)).collect() }))
}

/// The flag of densify that has an edge go the short way over the antimeridian; otherwise it goes the way that its
/// longitudes tell on the map, and lines that pass the antimeridian so are split there.
pub(super) fn keeps_crossing(args: &[Val<'_>]) -> bool {
    matches!(args.get(2), Some(Val::Bool(true))) || args.get(2).and_then(Val::as_i64).is_some_and(|v| v != 0)
}

/// A chain of planar edges as geodesic ones.
pub(super) fn densified(line: &[Position], tolerance: f64, keeps_crossing: bool) -> Vec<Position> {
    let mut points = Vec::new();
    let Some(mut from) = line.first().copied() else { return Vec::new() };
    points.push(Vector::of(from.0, from.1));
    for to in line.iter().skip(1) {
        let mut to = *to;
        if keeps_crossing {
            let turns = ((to.0 - from.0) / 360.0).round();
            to.0 -= 360.0 * turns;
        }
        tessellate(from, to, tolerance, &mut points);
        from = to;
    }
    points.into_iter().map(Vector::degrees).collect()
}

/// A line in parts that do not cross the antimeridian; they end just before it.
fn split_at_antimeridian(line: &[Position]) -> Vec<Vec<Position>> {
    const JUST_BEFORE: f64 = 179.999_999_999_999;
    let mut parts: Vec<Vec<Position>> = Vec::new();
    let mut part: Vec<Position> = Vec::new();
    for to in line {
        let mut to = *to;
        if let Some(from) = part.last().copied().filter(|from| (from.0 - to.0).abs() > 180.0) {
            if to.0.abs() == 180.0 {
                to.0 = to.0.copysign(from.0);
            } else if from.0.abs() == 180.0 {
                parts.push(std::mem::replace(&mut part, vec![(from.0.copysign(to.0), from.1)]));
            } else {
                // Where the edge meets the plane of the antimeridian.
                let (a, b) = (Vector::of(from.0, from.1), Vector::of(to.0, to.1));
                let (_, latitude) = a.times(b.y.abs()).plus(b.times(a.y.abs())).unit().degrees();
                part.push((JUST_BEFORE.copysign(from.0), latitude));
                parts.push(std::mem::replace(&mut part, vec![(JUST_BEFORE.copysign(to.0), latitude)]));
            }
        }
        part.push(to);
    }
    parts.push(part);
    parts.retain(|part| part.len() > 1);
    parts
}

/// Whether two sets of edges meet.
pub(super) fn any_meet(a: &[(Vector, Vector)], b: &[(Vector, Vector)]) -> bool {
    a.iter().any(|(p, q)| b.iter().any(|(r, s)| edges_meet(*p, *q, *r, *s)))
}

fn intersects<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let (Some(a), Some(b)) = (first_lines(args), args.get(1).and_then(lines)) else { return Ok(Val::Null) };
    let all = |lines: &[Vec<Vector>]| lines.iter().flat_map(|l| edges(l, false)).collect::<Vec<_>>();
    Ok(Val::Bool(any_meet(&all(&a), &all(&b))))
}
