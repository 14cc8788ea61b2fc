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

#[cfg(test)]
mod tests {
    use super::super::buffer::Buffer;
    use super::super::points::inside;
    use super::super::sphere::{EARTH, ring_area};
    use super::*;

    /// Numbers from 0 to 1 that look random.
    struct Numbers(u64);

    impl Numbers {
        fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 11) as f64 / (1_u64 << 53) as f64
        }

        /// A star around a place, in degrees.
        fn star(&mut self, lng: f64, lat: f64, radius: f64, corners: usize) -> Region {
            let corner = |i: usize, radius: f64| {
                let angle = std::f64::consts::TAU * i as f64 / corners as f64;
                Vector::of(lng + radius * angle.cos() / lat.to_radians().cos(), lat + radius * angle.sin())
            };
            vec![vec![(0..corners).map(|i| corner(i, radius * (0.3 + 0.7 * self.next()))).collect()]]
        }
    }

    fn area(region: &Region) -> f64 {
        region.iter().flatten().map(|ring| ring_area(ring)).sum()
    }

    #[test]
    fn areas_add_up() {
        let mut numbers = Numbers(1);
        for round in 0..60 {
            let (lng, lat) = (360.0 * numbers.next() - 180.0, 120.0 * numbers.next() - 60.0);
            let size = [0.0001, 0.01, 1.0, 10.0][round % 4];
            let a = numbers.star(lng, lat, size, 5 + round);
            let (x, y) = (numbers.next() - 0.5, numbers.next() - 0.5);
            let b = numbers.star(lng + size * x, lat + size * y, size, 40);
            let (joined, common) = (union(vec![a.clone(), b.clone()]), common_of_regions(&a, &b).region);
            let (sum, parts) = (area(&joined) + area(&common), area(&a) + area(&b));
            // Small triangles have areas less exact than their corners.
            let error = parts * (1e-10 / size).max(1e-7);
            assert!((sum - parts).abs() <= error, "round {round}: {sum} instead of {parts}");
            // What two have in common is a part of both.
            let again = common_of_regions(&common, &a).region;
            assert!((area(&again) - area(&common)).abs() <= error, "round {round}");
            for ring in common.iter().flatten() {
                let middle = ring.iter().copied().reduce(Vector::plus).map(Vector::unit);
                let both = |p: Vector| inside(p, &a) && inside(p, &b);
                assert!(middle.is_some_and(|p| inside(p, &common) == both(p)), "round {round}");
            }
        }
    }

    #[test]
    fn buffers_keep_their_distance() {
        let mut numbers = Numbers(2);
        for round in 0..20 {
            let (lng, lat) = (360.0 * numbers.next() - 180.0, 120.0 * numbers.next() - 60.0);
            let star = numbers.star(lng, lat, 0.1, 12);
            let (radius, tolerance) = (200.0 * (round + 1) as f64, 10.0);
            let Some(buffer) = Buffer::new(radius, tolerance) else { continue };
            let around = buffer.of_region(&star);
            let rings = || star.iter().flatten();
            for p in around.iter().flatten().flatten() {
                let distance = rings()
                    .flat_map(|ring| edges(ring, true))
                    .map(|(a, b)| super::super::sphere::angle_to_edge(*p, a, b) * EARTH);
                let nearest = distance.fold(f64::INFINITY, f64::min);
                assert!((nearest - radius).abs() <= tolerance + 0.1, "round {round}: {nearest} instead of {radius}");
            }
            assert!(rings().flatten().all(|p| inside(*p, &around)), "round {round}");
        }
    }

    #[test]
    fn the_whole_division_may_be_coarse() {
        // Lunes that share their corners at the poles.
        let lune = |from: f64| {
            vec![vec![
                [(from, 0.0), (from + 90.0, 0.0), (0.0, 90.0)]
                    .iter()
                    .map(|(lng, lat)| Vector::of(*lng, *lat))
                    .collect::<Vec<_>>(),
            ]]
        };
        let all = union(vec![lune(0.0), lune(90.0), lune(180.0)]);
        assert!((area(&all) - 0.75 * std::f64::consts::TAU).abs() < 1e-9, "{}", area(&all));
        assert!(common_of_regions(&lune(0.0), &lune(90.0)).region.is_empty());
    }
}
