//! Geometry on the sphere: points as unit vectors, edges as arcs of great circles.
//!
//! The formulas are those of Google's S2 library, which Kusto's geospatial functions are built on; its Earth is a sphere.

/// The radius of S2's Earth in metres.
pub(super) const EARTH: f64 = 6_371_010.0;

/// A vector; a point on the sphere has length 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Vector {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) z: f64,
}

impl Vector {
    /// The point of longitude and latitude in degrees.
    pub(super) fn of(longitude: f64, latitude: f64) -> Vector {
        let (lng, lat) = (longitude.to_radians(), latitude.to_radians());
        Vector { x: lat.cos() * lng.cos(), y: lat.cos() * lng.sin(), z: lat.sin() }
    }

    /// Longitude and latitude in degrees.
    pub(super) fn degrees(self) -> (f64, f64) {
        let lat = self.z.atan2((self.x * self.x + self.y * self.y).sqrt());
        let to = 180.0 / std::f64::consts::PI;
        (self.y.atan2(self.x) * to, lat * to)
    }

    pub(super) fn dot(self, o: Vector) -> f64 {
        self.x * o.x + self.y * o.y + self.z * o.z
    }

    pub(super) fn cross(self, o: Vector) -> Vector {
        Vector { x: self.y * o.z - self.z * o.y, y: self.z * o.x - self.x * o.z, z: self.x * o.y - self.y * o.x }
    }

    pub(super) fn plus(self, o: Vector) -> Vector {
        Vector { x: self.x + o.x, y: self.y + o.y, z: self.z + o.z }
    }

    pub(super) fn minus(self, o: Vector) -> Vector {
        self.plus(o.times(-1.0))
    }

    pub(super) fn times(self, f: f64) -> Vector {
        Vector { x: self.x * f, y: self.y * f, z: self.z * f }
    }

    pub(super) fn norm(self) -> f64 {
        self.dot(self).sqrt()
    }

    /// Of length 1; the null vector stays as it is.
    pub(super) fn unit(self) -> Vector {
        let norm = self.norm();
        if norm == 0.0 { self } else { self.times(1.0 / norm) }
    }

    /// The angle between two vectors.
    pub(super) fn angle(self, o: Vector) -> f64 {
        self.cross(o).norm().atan2(self.dot(o))
    }
}

/// The normal of an edge's great circle, stable for points that are close.
fn normal(a: Vector, b: Vector) -> Vector {
    a.plus(b).cross(b.minus(a))
}

/// The point of an edge that is nearest to a point.
pub(super) fn nearest_on_edge(p: Vector, a: Vector, b: Vector) -> Vector {
    let n = normal(a, b);
    if n.norm() > 0.0 {
        let foot = p.minus(n.times(p.dot(n) / n.dot(n)));
        if n.cross(a).dot(foot) > 0.0 && b.cross(n).dot(foot) > 0.0 {
            return foot.unit();
        }
    }
    if p.minus(a).norm() <= p.minus(b).norm() { a } else { b }
}

/// The angle from a point to an edge.
pub(super) fn angle_to_edge(p: Vector, a: Vector, b: Vector) -> f64 {
    p.angle(nearest_on_edge(p, a, b))
}

/// The point of an edge at a fraction of its length.
pub(super) fn interpolate(a: Vector, b: Vector, fraction: f64) -> Vector {
    if fraction <= 0.0 || a == b {
        return a;
    }
    if fraction >= 1.0 {
        return b;
    }
    along(a, b, fraction * a.angle(b))
}

/// The point at an angle from `a` in the direction of `b`.
pub(super) fn along(a: Vector, b: Vector, angle: f64) -> Vector {
    let tangent = normal(a, b).cross(a).unit();
    a.times(angle.cos()).plus(tangent.times(angle.sin())).unit()
}

/// Whether two edges have a point in common.
pub(super) fn edges_meet(a: Vector, b: Vector, c: Vector, d: Vector) -> bool {
    const TOUCH: f64 = 1e-15;
    if [a, b].iter().any(|p| angle_to_edge(*p, c, d) <= TOUCH)
        || [c, d].iter().any(|p| angle_to_edge(*p, a, b) <= TOUCH)
    {
        return true;
    }
    let ab = normal(a, b);
    let cd = normal(c, d);
    let acb = -ab.dot(c);
    let bda = ab.dot(d);
    let cbd = -cd.dot(b);
    let dac = cd.dot(a);
    acb * bda > 0.0 && acb * cbd > 0.0 && acb * dac > 0.0
}

/// The signed area of a triangle, positive where its points go counterclockwise.
fn signed_area(a: Vector, b: Vector, c: Vector) -> f64 {
    let (sa, sb, sc) = (b.angle(c), c.angle(a), a.angle(b));
    let s = 0.5 * (sa + sb + sc);
    let product = (0.5 * s).tan() * (0.5 * (s - sa)).tan() * (0.5 * (s - sb)).tan() * (0.5 * (s - sc)).tan();
    let area = 4.0 * product.max(0.0).sqrt().atan();
    let orientation = a.dot(b.minus(a).cross(c.minus(a)));
    if orientation < 0.0 { -area } else { area }
}

/// A ring's edges as triangles with a point from which none of its points is too far.
fn triangles(ring: &[Vector]) -> impl Iterator<Item = (Vector, Vector, Vector)> + '_ {
    let null = Vector { x: 0.0, y: 0.0, z: 0.0 };
    let first = ring.first().copied().unwrap_or(null);
    let middle = ring.iter().fold(null, |sum, p| sum.plus(*p));
    let far = middle.norm() > 1e-9 && ring.iter().any(|p| p.dot(first) <= 0.0);
    let from = if far { middle.unit() } else { first };
    ring.iter().zip(ring.iter().cycle().skip(1)).map(move |(a, b)| (from, *a, *b))
}

/// The area within a ring, signed.
pub(super) fn ring_area(ring: &[Vector]) -> f64 {
    triangles(ring).map(|(a, b, c)| signed_area(a, b, c)).sum()
}

/// The centroid of a ring's inside, times its signed area.
pub(super) fn ring_centroid(ring: &[Vector]) -> Vector {
    let null = Vector { x: 0.0, y: 0.0, z: 0.0 };
    triangles(ring).fold(null, |sum, (a, b, c)| sum.plus(triangle_centroid(a, b, c)))
}

/// The true centroid of a spherical triangle times its signed area, after Brock ("The Inertia Tensor for a Spherical
/// Triangle", 1974).
fn triangle_centroid(a: Vector, b: Vector, c: Vector) -> Vector {
    let ratio = |angle: f64| if angle == 0.0 { 1.0 } else { angle / angle.sin() };
    let (ra, rb, rc) = (ratio(b.angle(c)), ratio(c.angle(a)), ratio(a.angle(b)));
    let x = Vector { x: a.x, y: b.x - a.x, z: c.x - a.x };
    let y = Vector { x: a.y, y: b.y - a.y, z: c.y - a.y };
    let z = Vector { x: a.z, y: b.z - a.z, z: c.z - a.z };
    let r = Vector { x: ra, y: rb - ra, z: rc - ra };
    Vector { x: y.cross(z).dot(r), y: z.cross(x).dot(r), z: x.cross(y).dot(r) }.times(0.5)
}

/// The true centroid of an edge times its length.
pub(super) fn edge_centroid(a: Vector, b: Vector) -> Vector {
    let (difference, sum) = (a.minus(b), a.plus(b));
    if sum.dot(sum) == 0.0 {
        return sum;
    }
    sum.times((difference.dot(difference) / sum.dot(sum)).sqrt())
}

/// Adds the points of the geodesic between planar points that keep it within `tolerance` (an angle) of the planar edge,
/// the last point included, as S2's edge tessellator does.
pub(super) fn tessellate(from: (f64, f64), to: (f64, f64), tolerance: f64, out: &mut Vec<Vector>) {
    const SCALE: f64 = 0.838_299_925_698_885_1;
    let chord = (2.0 * (0.5 * (SCALE * tolerance).min(std::f64::consts::PI)).sin()).powi(2);
    let (a, b) = (Vector::of(from.0, from.1), Vector::of(to.0, to.1));
    split(from, a, to, b, chord, 0, out);
}

fn split(pa: (f64, f64), a: Vector, pb: (f64, f64), b: Vector, chord: f64, depth: u32, out: &mut Vec<Vector>) {
    const FRACTION: f64 = 0.312_156_910_822_482_3;
    let planar = |t: f64| {
        let mix = |x: f64, y: f64| x * (1.0 - t) + y * t;
        Vector::of(mix(pa.0, pb.0), mix(pa.1, pb.1))
    };
    let error = |t: f64| {
        let d = interpolate(a, b, t).minus(planar(t));
        d.dot(d)
    };
    let far = a.dot(b) < -1e-14;
    if depth > 24 || !far && error(FRACTION).max(error(1.0 - FRACTION)) <= chord {
        out.push(b);
        return;
    }
    let middle = (0.5 * (pa.0 + pb.0), 0.5 * (pa.1 + pb.1));
    let m = Vector::of(middle.0, middle.1);
    split(pa, a, middle, m, chord, depth + 1, out);
    split(middle, m, pb, b, chord, depth + 1, out);
}
