//! Edges cut where they meet, so that two of them have at most their ends in common.

use super::predicates::cross;
use super::sphere::{Vector, nearest_on_edge};

/// Points nearer than this are one: twice the error of a computed crossing, the radius within which S2 merges.
const SAME: f64 = 8.0 * f64::EPSILON;
/// A point this near to an edge lies on it.
const ON_EDGE: f64 = 1.5 * SAME;

/// An edge's way through the points of a [`Cut`].
pub(super) type Chain = Vec<usize>;

/// Edges cut where they meet.
#[derive(Debug)]
pub(super) struct Cut {
    /// The different points.
    pub(super) points: Vec<Vector>,
    /// For each edge, the points that it passes from its start to its end.
    pub(super) chains: Vec<Chain>,
}

/// The box of an edge in space.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    low: [f64; 3],
    high: [f64; 3],
}

impl Bounds {
    fn of(a: Vector, b: Vector) -> Bounds {
        // The arc rises above its chord by less than this.
        let chord = a.minus(b);
        let pad = 0.25 * chord.dot(chord) + 4.0 * ON_EDGE;
        let (p, q) = ([a.x, a.y, a.z], [b.x, b.y, b.z]);
        let low = [0, 1, 2].map(|i: usize| p[i].min(q[i]) - pad);
        let high = [0, 1, 2].map(|i: usize| p[i].max(q[i]) + pad);
        Bounds { low, high }
    }

    fn meets(&self, o: &Bounds) -> bool {
        (0..3).all(|i| self.low[i] <= o.high[i] && o.low[i] <= self.high[i])
    }

    fn holds(&self, p: Vector) -> bool {
        let p = [p.x, p.y, p.z];
        (0..3).all(|i| self.low[i] <= p[i] && p[i] <= self.high[i])
    }
}

/// Cuts edges at the points where they cross or touch each other.
pub(super) fn cut(edges: &[(Vector, Vector)]) -> Cut {
    let bounds: Vec<Bounds> = edges.iter().map(|(a, b)| Bounds::of(*a, *b)).collect();
    let mut all: Vec<Vector> = edges.iter().flat_map(|(a, b)| [*a, *b]).collect();
    all.extend(crossings(edges, &bounds));
    let (points, number) = merged(&all);
    let on_edges = touching(edges, &bounds, &points);
    let chains = edges.iter().enumerate().map(|(i, (a, b))| {
        let (start, end) = (number[2 * i], number[2 * i + 1]);
        let mut between: Vec<(f64, usize)> = on_edges[i]
            .iter()
            .filter(|p| **p != start && **p != end)
            .map(|p| (distance2(*a, points[*p]), *p))
            .collect();
        between.retain(|(_, p)| distance2(points[*p], *a) > 0.0 && distance2(points[*p], *b) > 0.0);
        between.sort_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)));
        let inner = between.into_iter().map(|(_, p)| p);
        let mut chain: Chain = std::iter::once(start).chain(inner).chain(std::iter::once(end)).collect();
        chain.dedup();
        chain
    });
    Cut { chains: chains.collect(), points }
}

fn distance2(a: Vector, b: Vector) -> f64 {
    let d = a.minus(b);
    d.dot(d)
}

/// The points in which edges cross.
fn crossings(edges: &[(Vector, Vector)], bounds: &[Bounds]) -> Vec<Vector> {
    let mut order: Vec<usize> = (0..edges.len()).collect();
    order.sort_by(|i, j| bounds[*i].low[0].total_cmp(&bounds[*j].low[0]));
    let mut found = Vec::new();
    for (at, i) in order.iter().enumerate() {
        let near = order[at + 1..].iter().take_while(|j| bounds[**j].low[0] <= bounds[*i].high[0]);
        for j in near.filter(|j| bounds[*i].meets(&bounds[**j])) {
            let ((a, b), (c, d)) = (edges[*i], edges[*j]);
            if cross(a, b, c, d) {
                found.push(crossing(a, b, c, d));
            }
        }
    }
    found
}

/// The point in which two edges cross: where the one's ends, weighed by their distances from the other, balance.
fn crossing(a: Vector, b: Vector, c: Vector, d: Vector) -> Vector {
    let balance = |p: Vector, q: Vector, r: Vector, s: Vector| {
        let normal = p.minus(q).cross(p.plus(q));
        // Distances of the ends of the second edge from the plane of the first.
        let height = |v: Vector| {
            let nearer = if distance2(v, p) < distance2(v, q) { p } else { q };
            v.minus(nearer).dot(normal)
        };
        let (h, k) = (height(r), height(s));
        r.times(k).minus(s.times(h))
    };
    // The longer edge makes the better plane.
    let x = if distance2(a, b) >= distance2(c, d) { balance(a, b, c, d) } else { balance(c, d, a, b) };
    let x = x.unit();
    if x.dot(a.plus(b)) < 0.0 { x.times(-1.0) } else { x }
}

/// The different ones among points, and the number of each point's representative.
fn merged(all: &[Vector]) -> (Vec<Vector>, Vec<usize>) {
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|i, j| all[*i].x.total_cmp(&all[*j].x).then(i.cmp(j)));
    let mut group: Vec<usize> = (0..all.len()).collect();
    for (at, i) in order.iter().enumerate() {
        let near = order[at + 1..].iter().take_while(|j| all[**j].x - all[*i].x <= SAME);
        for j in near.filter(|j| distance2(all[*i], all[**j]) <= SAME * SAME) {
            let (x, y) = (root(&mut group, *i), root(&mut group, *j));
            // The first point of the input stands for all.
            group[x.max(y)] = x.min(y);
        }
    }
    let mut points = Vec::new();
    let mut place = vec![usize::MAX; all.len()];
    let mut number = Vec::with_capacity(all.len());
    for i in 0..all.len() {
        let root = root(&mut group, i);
        if place[root] == usize::MAX {
            place[root] = points.len();
            points.push(all[root]);
        }
        number.push(place[root]);
    }
    (points, number)
}

fn root(group: &mut [usize], mut i: usize) -> usize {
    while group[i] != i {
        group[i] = group[group[i]];
        i = group[i];
    }
    i
}

/// For each edge the points that lie on it.
fn touching(edges: &[(Vector, Vector)], bounds: &[Bounds], points: &[Vector]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|i, j| points[*i].x.total_cmp(&points[*j].x));
    let of_edge = |((a, b), bounds): (&(Vector, Vector), &Bounds)| {
        let first = order.partition_point(|i| points[*i].x < bounds.low[0]);
        let near = order[first..].iter().take_while(|i| points[**i].x <= bounds.high[0]);
        let on = |p: Vector| bounds.holds(p) && distance2(p, nearest_on_edge(p, *a, *b)) <= ON_EDGE * ON_EDGE;
        near.filter(|i| on(points[**i])).copied().collect()
    };
    edges.iter().zip(bounds).map(of_edge).collect()
}
