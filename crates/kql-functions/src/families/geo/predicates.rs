//! On which side of an edge a point lies, without rounding: what S2 calls its predicates.
//!
//! No three different points lie on one great circle: where they do, they are taken as if moved by infinitely small
//! amounts (Edelsbrunner and Mücke, "Simulation of Simplicity", 1990), in the order that S2 uses. So every point is
//! in exactly one of the polygons that divide the sphere, their corners included.

use std::cmp::Ordering;

use robust::{Coord, Coord3D, orient2d, orient3d};

use super::sphere::Vector;

/// A point that no data is likely to hold, from which insides are counted; that of S2.
pub(super) const ORIGIN: Vector =
    Vector { x: -0.009_999_466_435_025_02, y: 0.002_592_454_260_932_412, z: 0.999_946_643_502_502 };

/// 1 where the points go counterclockwise, -1 where they go clockwise, 0 only where two are the same.
pub(super) fn sign(a: Vector, b: Vector, c: Vector) -> i32 {
    const ERROR: f64 = 4.1e-16;
    let determinant = a.cross(b).dot(c);
    if determinant.abs() > ERROR {
        return if determinant > 0.0 { 1 } else { -1 };
    }
    if a == b || b == c || c == a {
        return 0;
    }
    let at = |v: Vector| Coord3D { x: v.x, y: v.y, z: v.z };
    match signum(orient3d(at(a), at(b), at(c), Coord3D { x: 0.0, y: 0.0, z: 0.0 })) {
        0 => perturbed(a, b, c),
        sign => sign,
    }
}

fn signum(v: f64) -> i32 {
    match v.partial_cmp(&0.0) {
        Some(Ordering::Greater) => 1,
        Some(Ordering::Less) => -1,
        _ => 0,
    }
}

/// The sign of `x1 * y2 - y1 * x2`.
fn planar(x1: f64, y1: f64, x2: f64, y2: f64) -> i32 {
    signum(orient2d(Coord { x: x1, y: y1 }, Coord { x: x2, y: y2 }, Coord { x: 0.0, y: 0.0 }))
}

fn compare(a: &Vector, b: &Vector) -> Ordering {
    a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)).then(a.z.total_cmp(&b.z))
}

/// The sign of three points on one great circle.
fn perturbed(a: Vector, b: Vector, c: Vector) -> i32 {
    let mut sorted = [a, b, c];
    let mut parity = 1;
    for (i, j) in [(0, 1), (1, 2), (0, 1)] {
        if compare(&sorted[i], &sorted[j]) == Ordering::Greater {
            sorted.swap(i, j);
            parity = -parity;
        }
    }
    let [a, b, c] = sorted;
    let tests = [
        planar(b.x, b.y, c.x, c.y),
        planar(b.z, b.x, c.z, c.x),
        planar(b.y, b.z, c.y, c.z),
        planar(c.x, c.y, a.x, a.y),
        signum(c.x),
        -signum(c.y),
        planar(c.z, c.x, a.z, a.x),
        signum(c.z),
        planar(a.x, a.y, b.x, b.y),
        -signum(b.x),
        signum(b.y),
        signum(a.x),
    ];
    parity * tests.into_iter().find(|sign| *sign != 0).unwrap_or(1)
}

/// Whether `a`, `b` and `c` come counterclockwise around `o`.
fn ordered(a: Vector, b: Vector, c: Vector, o: Vector) -> bool {
    let turns = [sign(b, o, a) >= 0, sign(c, o, b) >= 0, sign(a, o, c) > 0];
    turns.into_iter().filter(|turn| *turn).count() >= 2
}

/// A direction from a point that depends on the point alone.
pub(super) fn reference_direction(p: Vector) -> Vector {
    let (x, y, z) = (p.x.abs(), p.y.abs(), p.z.abs());
    let mut other = Vector { x: 0.012, y: 0.0053, z: 0.00457 };
    // The axis before the largest component.
    if x > y && x > z {
        other.z = 1.0;
    } else if y > z {
        other.x = 1.0;
    } else {
        other.y = 1.0;
    }
    p.cross(other).unit()
}

/// Whether two edges cross in a point inside both.
pub(super) fn cross(a: Vector, b: Vector, c: Vector, d: Vector) -> bool {
    if a == c || a == d || b == c || b == d {
        return false;
    }
    let side = -sign(a, b, c);
    side != 0 && sign(a, b, d) == side && -sign(c, d, b) == side && sign(c, d, a) == side
}

/// Whether two edges that have an end in common count as crossing.
fn cross_at_end(a: Vector, b: Vector, c: Vector, d: Vector) -> bool {
    if a == b || c == d {
        false
    } else if a == c {
        b == d || ordered(reference_direction(a), d, b, a)
    } else if b == d {
        ordered(reference_direction(b), c, a, b)
    } else if a == d {
        b == c || ordered(reference_direction(a), c, b, a)
    } else if b == c {
        ordered(reference_direction(b), d, a, b)
    } else {
        false
    }
}

/// Whether the corner `a`, `b`, `c` of a counterclockwise ring holds its middle point.
fn corner_holds(a: Vector, b: Vector, c: Vector) -> bool {
    !ordered(reference_direction(b), c, a, b)
}

/// Whether the way from the origin to a point crosses a ring an odd number of times.
fn crosses_oddly(ring: &[Vector], p: Vector) -> bool {
    let (o, mut odd) = (ORIGIN, false);
    let Some(mut from) = ring.last().copied() else { return false };
    let mut before = sign(o, p, from);
    for to in ring.iter().copied() {
        let now = sign(o, p, to);
        if before != now || now == 0 {
            odd ^= cross(o, p, from, to) || cross_at_end(o, p, from, to);
        }
        (from, before) = (to, now);
    }
    odd
}

/// Whether a point lies to the left of a ring, which is inside where the ring goes counterclockwise.
pub(super) fn left_of(ring: &[Vector], p: Vector) -> bool {
    let &[a, b, c, ..] = ring else { return false };
    // The ring's corner tells whether the origin is on the left.
    let origin = corner_holds(a, b, c) != crosses_oddly(ring, b);
    origin != crosses_oddly(ring, p)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lng: f64, lat: f64) -> Vector {
        Vector::of(lng, lat)
    }

    #[test]
    fn points_on_the_equator_have_sides() {
        let (a, b, c) = (at(0.0, 0.0), at(10.0, 0.0), at(20.0, 0.0));
        assert_ne!(sign(a, b, c), 0);
        assert_eq!(sign(a, b, c), -sign(b, a, c));
        assert_eq!(sign(a, b, c), sign(b, c, a));
        assert_eq!(sign(a, a, c), 0);
    }

    #[test]
    fn every_point_is_in_one_of_two_neighbours() {
        let left = [at(0.0, 0.0), at(5.0, 0.0), at(5.0, 5.0), at(0.0, 5.0)];
        let right = [at(5.0, 0.0), at(10.0, 0.0), at(10.0, 5.0), at(5.0, 5.0)];
        for p in [at(5.0, 2.0), at(5.0, 4.0), at(2.0, 1.0), at(9.0, 1.0)] {
            assert_ne!(left_of(&left, p), left_of(&right, p));
        }
        assert!(!left_of(&left, at(182.0, -1.0)), "opposite the polygon");
    }
}
