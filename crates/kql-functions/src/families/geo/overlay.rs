//! Unions and intersections of polygons and lines.
//!
//! Operands are closed: polygons have their boundaries. Results are those of S2's boolean operations, with points and
//! edges in the same order.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use super::arrangement::{Arrangement, Edge, Input, Winding};
use super::points::edges;
use super::predicates::{ORIGIN, left_of};
use super::shape::{Position, Shape};
use super::sphere::Vector;
use super::trace::{Region, paths, region};

type Lines = Vec<Vec<Vector>>;

/// What two geometries have in common.
#[derive(Debug, Default)]
pub(super) struct Common {
    points: Vec<Vector>,
    lines: Lines,
    region: Region,
}

fn of_lines(lines: &Lines, operand: usize) -> impl Iterator<Item = Input> + '_ {
    let all = lines.iter().flat_map(|line| edges(line, false));
    all.map(move |(from, to)| Input { from, to, operand, bounds: false })
}

fn of_region(region: &Region, operand: usize) -> impl Iterator<Item = Input> + '_ {
    let all = region.iter().flatten().flat_map(|ring| edges(ring, true));
    all.map(move |(from, to)| Input { from, to, operand, bounds: true })
}

/// How often polygons go around the origin.
pub(super) fn around_origin(region: &Region) -> i32 {
    let of_polygon = |rings: &Vec<Vec<Vector>>| -> i32 {
        let ring = |(i, ring): (usize, &Vec<Vector>)| i32::from(left_of(ring, ORIGIN)) - i32::from(i > 0);
        rings.iter().enumerate().map(ring).sum()
    };
    region.iter().map(of_polygon).sum()
}

fn divided(a: &Region, b: &Region) -> (Vec<Input>, Arrangement) {
    let inputs: Vec<Input> = of_region(a, 0).chain(of_region(b, 1)).collect();
    let sphere = Arrangement::new(&inputs, [around_origin(a), around_origin(b)]);
    (inputs, sphere)
}

fn in_both(w: Winding) -> bool {
    w[0] > 0 && w[1] > 0
}

/// The union of polygons: always of the two with the fewest points, as S2 does it.
pub(super) fn union(polygons: Vec<Region>) -> Region {
    let size = |region: &Region| region.iter().flatten().map(Vec::len).sum::<usize>();
    let mut queue: BinaryHeap<Reverse<(usize, usize)>> = BinaryHeap::new();
    let mut all: Vec<Region> = Vec::new();
    for polygon in polygons {
        queue.push(Reverse((size(&polygon), all.len())));
        all.push(polygon);
    }
    loop {
        let Some(Reverse((_, first))) = queue.pop() else { return Region::new() };
        let Some(Reverse((_, second))) = queue.pop() else { return std::mem::take(&mut all[first]) };
        let (a, b) = (std::mem::take(&mut all[first]), std::mem::take(&mut all[second]));
        let joined = region(&divided(&a, &b).1, |w| w[0] > 0 || w[1] > 0);
        queue.push(Reverse((size(&joined), all.len())));
        all.push(joined);
    }
}

/// A geometry's polygons as one region, in which what several hold counts once.
pub(super) fn united(polygons: Region) -> Region {
    union(polygons.into_iter().map(|polygon| vec![polygon]).collect())
}

/// The area within a closed path: where it goes around more often than not.
pub(super) fn wound(rings: &[Vec<Vector>], around_origin: i32) -> Region {
    let all = rings.iter().flat_map(|ring| edges(ring, true));
    let inputs: Vec<Input> = all.map(|(from, to)| Input { from, to, operand: 0, bounds: true }).collect();
    region(&Arrangement::new(&inputs, [around_origin, 0]), |w| w[0] > 0)
}

/// The union of lines: every edge once. Lines that cross elsewhere than in their points stay whole.
pub(super) fn union_of_lines(lines: &Lines) -> Lines {
    let mut seen: HashSet<(usize, usize)> = HashSet::new();
    let (points, chains) = numbered(lines);
    let mut parts = Vec::new();
    for pair in chains.iter().flat_map(|chain| chain.windows(2)) {
        let (a, b) = (pair[0], pair[1]);
        if a != b && seen.insert((a.min(b), a.max(b))) {
            parts.push((a, b));
        }
    }
    chained(&points, &parts)
}

/// The different points, and the lines as their numbers.
fn numbered(lines: &Lines) -> (Vec<Vector>, Vec<Vec<usize>>) {
    let mut numbers = HashMap::new();
    let mut points: Vec<Vector> = Vec::new();
    let mut number = |p: &Vector| {
        let key = [p.x, p.y, p.z].map(f64::to_bits);
        *numbers.entry(key).or_insert_with(|| {
            points.push(*p);
            points.len() - 1
        })
    };
    let chains = lines.iter().map(|line| line.iter().map(&mut number).collect()).collect();
    (points, chains)
}

fn chained(points: &[Vector], parts: &[(usize, usize)]) -> Lines {
    let chains = paths(parts, points.len());
    chains.into_iter().map(|chain| chain.into_iter().map(|n| points[n]).collect()).collect()
}

/// The parts of edges that are wanted, as lines in the direction of the first operand.
fn lines_of(inputs: &[Input], sphere: &Arrangement, wanted: &[bool]) -> Lines {
    let directed = |edge: &Edge| match edge.inputs {
        [Some(onward), back] if back.is_none_or(|back| onward < back) => (onward, (edge.from, edge.to)),
        [_, back] => (back.unwrap_or(0), (edge.to, edge.from)),
    };
    let chosen = sphere.edges.iter().zip(wanted).filter(|(_, wanted)| **wanted);
    let mut parts: Vec<(usize, (usize, usize))> = chosen.map(|(edge, _)| directed(edge)).collect();
    // The parts of one input edge come in its direction.
    let along = |(input, (from, _)): &(usize, (usize, usize))| {
        inputs.get(*input).map_or(0.0, |i| i.from.angle(sphere.points[*from]))
    };
    parts.sort_by(|a, b| a.0.cmp(&b.0).then(along(a).total_cmp(&along(b))));
    let parts: Vec<(usize, usize)> = parts.into_iter().map(|(_, part)| part).collect();
    chained(&sphere.points, &parts)
}

/// Points that both operands have and that are no part of a larger result.
fn points_of(sphere: &Arrangement, line: &[bool], inside: impl Fn(Winding) -> bool) -> Vec<Vector> {
    let alone = |halves: &Vec<usize>| {
        let has = |operand: usize| halves.iter().any(|half| sphere.edges[half / 2].operands[operand]);
        let larger = halves.iter().any(|half| line[half / 2] || inside(sphere.left[*half]));
        has(0) && has(1) && !larger
    };
    let touching = sphere.leaving.iter().zip(&sphere.points).filter(|(halves, _)| alone(halves));
    touching.map(|(_, point)| *point).collect()
}

/// What two regions have in common.
pub(super) fn common_of_regions(a: &Region, b: &Region) -> Common {
    let (inputs, sphere) = divided(a, b);
    let inside = |half: usize| in_both(sphere.left[half]);
    let line: Vec<bool> = sphere
        .edges
        .iter()
        .enumerate()
        .map(|(n, edge)| edge.operands == [true, true] && !inside(2 * n) && !inside(2 * n + 1))
        .collect();
    Common {
        points: points_of(&sphere, &line, in_both),
        lines: lines_of(&inputs, &sphere, &line),
        region: region(&sphere, in_both),
    }
}

/// What two lines have in common.
pub(super) fn common_of_lines(a: &Lines, b: &Lines) -> Common {
    let inputs: Vec<Input> = of_lines(a, 0).chain(of_lines(b, 1)).collect();
    let sphere = Arrangement::new(&inputs, [0, 0]);
    let line: Vec<bool> = sphere.edges.iter().map(|edge| edge.operands == [true, true]).collect();
    Common {
        points: points_of(&sphere, &line, |_| false),
        lines: lines_of(&inputs, &sphere, &line),
        region: Region::new(),
    }
}

/// What a line and a region have in common.
pub(super) fn common_of_line_and_region(a: &Lines, b: &Region) -> Common {
    let inputs: Vec<Input> = of_lines(a, 0).chain(of_region(b, 1)).collect();
    let sphere = Arrangement::new(&inputs, [0, around_origin(b)]);
    let line: Vec<bool> = sphere
        .edges
        .iter()
        .enumerate()
        .map(|(n, edge)| edge.operands[0] && (edge.operands[1] || sphere.left[2 * n][1] > 0))
        .collect();
    Common {
        points: points_of(&sphere, &line, |_| false),
        lines: lines_of(&inputs, &sphere, &line),
        region: Region::new(),
    }
}

fn degrees(points: &[Vector]) -> Vec<Position> {
    points.iter().map(|p| p.degrees()).collect()
}

fn closed(ring: &[Vector]) -> Vec<Position> {
    let mut ring = degrees(ring);
    ring.extend(ring.first().copied());
    ring
}

/// A region as a geometry; none where it is empty.
pub(super) fn region_shape(region: &Region) -> Option<Shape> {
    let mut polygons: Vec<Vec<Vec<Position>>> =
        region.iter().map(|rings| rings.iter().map(|ring| closed(ring)).collect()).collect();
    match polygons.len() {
        0 => None,
        1 => polygons.pop().map(Shape::Polygon),
        _ => Some(Shape::MultiPolygon(polygons)),
    }
}

/// Lines as a geometry; none where there are none.
pub(super) fn lines_shape(lines: &Lines) -> Option<Shape> {
    let mut lines: Vec<Vec<Position>> = lines.iter().map(|line| degrees(line)).collect();
    match lines.len() {
        0 => None,
        1 => lines.pop().map(Shape::Line),
        _ => Some(Shape::MultiLine(lines)),
    }
}

impl Common {
    /// The geometry: a single one as it is, otherwise a collection of points, lines and polygons.
    pub(super) fn shape(&self) -> Shape {
        let mut points = degrees(&self.points);
        let points = match points.len() {
            0 => None,
            1 => points.pop().map(Shape::Point),
            _ => Some(Shape::MultiPoint(points)),
        };
        let mut all: Vec<Shape> =
            [points, lines_shape(&self.lines), region_shape(&self.region)].into_iter().flatten().collect();
        match all.pop() {
            Some(only) if all.is_empty() => only,
            last => {
                all.extend(last);
                Shape::Collection(all)
            }
        }
    }
}
