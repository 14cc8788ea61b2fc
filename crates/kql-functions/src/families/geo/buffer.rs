//! The areas within a distance of points, lines and polygons, as S2's buffer operation makes them: the path of a point
//! that moves around the input at that distance, and what this path winds around.

use super::overlay::{around_origin, wound};
use super::points::edges;
use super::predicates::{ORIGIN, left_of, reference_direction, sign};
use super::sphere::{EARTH, Vector};
use super::trace::Region;

/// The greatest part of the radius by which a result may differ from it.
const WIDEST: f64 = 0.999_999;
/// The least one.
const NARROWEST: f64 = 1e-6;
/// Twice the distance of points that differ, and what interpolation may add.
const LEAST_ERROR: f64 = 2.0 * f64::EPSILON;

/// A distance, and how closely it is to be kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Buffer {
    radius: f64,
    /// The angle that an edge of the result may span around a corner.
    corner_step: f64,
    /// The angle that an edge of the result may span along an edge.
    edge_step: f64,
}

/// The path around one part of the input, and how often it goes around the origin.
struct Path {
    points: Vec<Vector>,
    around_origin: i32,
    /// The place on the input that the path is at.
    foot: Vector,
    start: Vector,
}

impl Buffer {
    /// A buffer of a radius and tolerance in metres; `None` unless the radius is positive and the tolerance at least a
    /// millionth of it. More tolerance than the radius is lowered to just below.
    pub(super) fn new(radius: f64, tolerance: f64) -> Option<Buffer> {
        let fraction = tolerance / radius;
        let radius = radius / EARTH;
        if !(radius > 0.0 && radius.is_finite() && fraction >= NARROWEST) {
            return None;
        }
        let error = (fraction.min(WIDEST) * radius).max(LEAST_ERROR);
        let edge = std::f64::consts::FRAC_PI_2 - radius;
        let edge_step = if edge > error { widest_step(edge, error) } else { 0.0 };
        Some(Buffer { radius, corner_step: widest_step(radius, error), edge_step })
    }

    /// The whole sphere is within the radius.
    pub(super) fn covers_all(&self) -> bool {
        self.radius >= std::f64::consts::PI - 1e-9
    }

    /// Points nearer than the error are not told from the input itself.
    fn is_nothing(&self) -> bool {
        self.radius <= 2.0 * LEAST_ERROR
    }

    /// The area around a point.
    pub(super) fn of_point(&self, p: Vector) -> Region {
        let quarter = std::f64::consts::FRAC_PI_2;
        let full = 4.0 * quarter;
        let step = full / (full / self.corner_step).ceil() + 1e-15;
        let mut path = Path::at(p);
        let (mut start, mut angle) = (reference_direction(p), 0.0);
        for _ in 0..4 {
            let side = p.cross(start).unit();
            while angle < quarter {
                path.go(ray(p, ray(start, side, angle), self.radius));
                angle += step;
            }
            angle -= quarter;
            start = side;
        }
        path.close();
        wound(&[path.points], path.around_origin)
    }

    /// The area around lines.
    pub(super) fn of_lines(&self, lines: &[Vec<Vector>]) -> Region {
        let mut around = 0;
        let mut paths = Vec::new();
        for line in lines {
            let [first, second, ..] = line.as_slice() else { continue };
            let back: Vec<Vector> = line.iter().rev().copied().collect();
            let mut path = Path::at(*first);
            let side = axis(*first, *second);
            self.corner(&mut path, *first, side.times(-1.0), side);
            self.along(&mut path, line);
            let [last, before, ..] = back.as_slice() else { continue };
            let side = axis(*before, *last);
            self.corner(&mut path, *last, side, side.times(-1.0));
            self.along(&mut path, &back);
            path.close();
            around += path.around_origin;
            paths.push(path.points);
        }
        wound(&paths, around)
    }

    /// A region and the area around it.
    pub(super) fn of_region(&self, region: &Region) -> Region {
        if self.is_nothing() {
            return region.clone();
        }
        let mut around = around_origin(region);
        let mut paths = Vec::new();
        for ring in region.iter().flatten() {
            let [first, second, ..] = ring.as_slice() else { continue };
            let turned: Vec<Vector> = ring.iter().chain([first, second]).copied().collect();
            let mut path = Path::at(*first);
            for corner in turned.windows(3) {
                self.edge(&mut path, corner[0], corner[1]);
                self.turn(&mut path, corner[0], corner[1], corner[2]);
            }
            path.close();
            around += path.around_origin;
            paths.push(path.points);
        }
        wound(&paths, around)
    }

    /// On the right of a line from its first to its last point.
    fn along(&self, path: &mut Path, line: &[Vector]) {
        for (i, (a, b)) in edges(line, false).enumerate() {
            self.edge(path, a, b);
            if let Some(c) = line.get(i + 2) {
                self.turn(path, a, b, *c);
            }
        }
    }

    /// Along an edge, its end left out.
    fn edge(&self, path: &mut Path, a: Vector, b: Vector) {
        let axis = axis(a, b);
        if self.edge_step == 0.0 {
            path.go(axis);
        } else {
            let (way, span) = (a.cross(axis).unit(), a.angle(b));
            let mut angle = 0.0;
            loop {
                path.go(ray(ray(a, way, angle), axis, self.radius));
                angle += self.edge_step;
                if angle >= span {
                    break;
                }
            }
        }
        path.step(b);
    }

    /// From one edge to the next one.
    fn turn(&self, path: &mut Path, a: Vector, b: Vector, c: Vector) {
        let (before, after) = (axis(a, b), axis(b, c));
        if sign(a, b, c) >= 0 {
            self.corner(path, b, before, after);
            if self.edge_step == 0.0 {
                path.go(ray(b, after, self.radius));
            }
        } else {
            // Through the corner itself, so that the path winds around every place near enough.
            if self.edge_step != 0.0 {
                path.go(ray(b, before, self.radius));
            }
            path.go(b);
        }
    }

    /// Around a corner from one direction to another counterclockwise, the end left out.
    fn corner(&self, path: &mut Path, p: Vector, from: Vector, to: Vector) {
        let (side, span) = (p.cross(from).unit(), from.angle(to));
        let mut angle = 0.0;
        loop {
            path.go(ray(p, ray(from, side, angle), self.radius));
            angle += self.corner_step;
            if angle >= span {
                break;
            }
        }
    }
}

/// The widest angle of a chord whose middle keeps the error; at most a third of the circle.
fn widest_step(radius: f64, error: f64) -> f64 {
    const QUARTER: f64 = std::f64::consts::FRAC_PI_2;
    let third = 4.0 * QUARTER / 3.0 + 1e-15;
    let least = radius - error;
    if radius < QUARTER {
        third.min(2.0 * (least.tan() / radius.tan()).acos())
    } else if least > QUARTER {
        third.min(2.0 * (radius.tan() / least.tan()).acos())
    } else {
        third
    }
}

/// The direction to the right of an edge.
fn axis(a: Vector, b: Vector) -> Vector {
    b.plus(a).cross(a.minus(b)).unit()
}

/// The point at an angle from another in a direction.
fn ray(p: Vector, direction: Vector, angle: f64) -> Vector {
    p.times(angle.cos()).plus(direction.times(angle.sin())).unit()
}

impl Path {
    fn at(foot: Vector) -> Path {
        Path { points: Vec::new(), around_origin: 0, foot, start: foot }
    }

    /// The path goes on to a point.
    fn go(&mut self, to: Vector) {
        if let Some(from) = self.points.last().copied() {
            self.sweep(self.foot, from, to);
        }
        self.points.push(to);
    }

    /// The foot goes on to a point.
    fn step(&mut self, to: Vector) {
        if let Some(from) = self.points.last().copied() {
            self.sweep(self.foot, from, to);
        }
        self.foot = to;
    }

    fn close(&mut self) {
        if let (Some(first), Some(last)) = (self.points.first().copied(), self.points.last().copied()) {
            self.sweep(self.foot, last, self.start);
            self.sweep(self.start, last, first);
        }
    }

    /// Counts a triangle that the way from the foot to the path has covered, where it holds the origin.
    fn sweep(&mut self, a: Vector, b: Vector, c: Vector) {
        let turn = sign(a, b, c);
        let around = if turn < 0 { [c, b, a] } else { [a, b, c] };
        if turn != 0 && left_of(&around, ORIGIN) {
            self.around_origin += turn;
        }
    }
}
