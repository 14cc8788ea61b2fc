//! The division of the sphere by edges: its faces, with how often the inputs go around each.
//!
//! Insides follow from crossing one edge after the other, never from testing points one by one, so what comes out
//! always closes, whatever was rounded.

use super::predicates::{ORIGIN, cross, sign};
use super::sphere::Vector;
use super::split::cut;

/// How often the boundaries of the two operands go around a place, counterclockwise.
pub(super) type Winding = [i32; 2];

/// An edge of an operand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input {
    pub(super) from: Vector,
    pub(super) to: Vector,
    /// The operand: 0 or 1.
    pub(super) operand: usize,
    /// What is on its left is inside; otherwise it is a part of a line.
    pub(super) bounds: bool,
}

/// A part of one or more input edges between two points.
#[derive(Debug, Clone, Default)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    /// What the left has more than the right.
    pub(super) step: Winding,
    /// The first input edge of each direction, onwards and back.
    pub(super) inputs: [Option<usize>; 2],
    /// The operands that have it.
    pub(super) operands: [bool; 2],
}

/// A half of an edge: twice its number, and one more for the way back.
pub(super) type Half = usize;

/// The sphere, divided.
#[derive(Debug)]
pub(super) struct Arrangement {
    pub(super) points: Vec<Vector>,
    pub(super) edges: Vec<Edge>,
    /// The halves that leave each point, counterclockwise.
    pub(super) leaving: Vec<Vec<Half>>,
    /// Place of each half among those that leave its start.
    place: Vec<usize>,
    /// The windings to the left of each half.
    pub(super) left: Vec<Winding>,
}

impl Arrangement {
    /// Divides the sphere by edges, of which it is known how often they go around the [`ORIGIN`].
    pub(super) fn new(inputs: &[Input], around_origin: Winding) -> Arrangement {
        let cut = cut(&inputs.iter().map(|i| (i.from, i.to)).collect::<Vec<_>>());
        let edges = edges_of(inputs, &cut.chains);
        let mut leaving: Vec<Vec<Half>> = vec![Vec::new(); cut.points.len()];
        for (number, edge) in edges.iter().enumerate() {
            leaving[edge.from].push(2 * number);
            leaving[edge.to].push(2 * number + 1);
        }
        let count = 2 * edges.len();
        let mut arrangement =
            Arrangement { points: cut.points, edges, leaving, place: vec![0; count], left: vec![[0, 0]; count] };
        arrangement.turn_around_points();
        arrangement.wind(around_origin);
        arrangement
    }

    /// Start of a half.
    pub(super) fn start(&self, half: Half) -> usize {
        let edge = &self.edges[half / 2];
        if half.is_multiple_of(2) { edge.from } else { edge.to }
    }

    /// End of a half.
    pub(super) fn end(&self, half: Half) -> usize {
        self.start(half ^ 1)
    }

    /// The halves that leave the end of a half, in the order in which a turn from the left meets them.
    pub(super) fn turns(&self, half: Half) -> impl Iterator<Item = Half> + '_ {
        let back = half ^ 1;
        let around = &self.leaving[self.start(back)];
        let (at, n) = (self.place[back], around.len());
        (1..=n).map(move |k| around[(at + n - k) % n])
    }

    fn step(&self, half: Half) -> Winding {
        let step = self.edges[half / 2].step;
        if half.is_multiple_of(2) { step } else { [-step[0], -step[1]] }
    }

    fn turn_around_points(&mut self) {
        for point in 0..self.points.len() {
            let mut halves = std::mem::take(&mut self.leaving[point]);
            let p = self.points[point];
            let x = super::predicates::reference_direction(p);
            let y = p.cross(x);
            let angle = |half: &Half| {
                let way = self.points[self.end(*half)].minus(p);
                way.dot(y).atan2(way.dot(x))
            };
            let mut angles: Vec<(f64, Half)> = halves.iter().map(|h| (angle(h), *h)).collect();
            angles.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            // Where angles hardly differ, the exact test decides.
            for i in 1..angles.len() {
                let (before, now) = (angles[i - 1], angles[i]);
                if now.0 - before.0 < 1e-6 && sign(p, self.points[self.end(before.1)], self.points[self.end(now.1)]) < 0
                {
                    angles.swap(i - 1, i);
                }
            }
            halves.clear();
            halves.extend(angles.into_iter().map(|(_, half)| half));
            for (at, half) in halves.iter().enumerate() {
                self.place[*half] = at;
            }
            self.leaving[point] = halves;
        }
    }

    /// Finds the windings of all faces: for each connected part first one, then by crossing edges.
    fn wind(&mut self, around_origin: Winding) {
        let mut known = vec![false; self.left.len()];
        for seed in self.seeds() {
            self.left[seed] = self.winding_left_of(seed, around_origin);
            let mut open = vec![seed];
            known[seed] = true;
            while let Some(half) = open.pop() {
                let winding = self.left[half];
                let step = self.step(half);
                let beyond = [winding[0] - step[0], winding[1] - step[1]];
                let next = self.turns(half).next();
                for (other, winding) in [(Some(half ^ 1), beyond), (next, winding)] {
                    if let Some(other) = other.filter(|other| !known[*other]) {
                        known[other] = true;
                        self.left[other] = winding;
                        open.push(other);
                    }
                }
            }
        }
    }

    /// The longest edge of each connected part.
    fn seeds(&self) -> Vec<Half> {
        let mut seen = vec![false; self.points.len()];
        let mut seeds = Vec::new();
        for start in 0..self.points.len() {
            let (mut best, mut open) = (None, vec![start]);
            while let Some(point) = open.pop() {
                if std::mem::replace(&mut seen[point], true) {
                    continue;
                }
                for half in &self.leaving[point] {
                    let end = self.end(*half);
                    let way = self.points[end].minus(self.points[point]);
                    let length = way.dot(way);
                    if best.is_none_or(|(longest, _)| length > longest) {
                        best = Some((length, *half & !1));
                    }
                    open.push(end);
                }
            }
            seeds.extend(best.map(|(_, half)| half));
        }
        seeds
    }

    /// The winding to the left of a half, counted on the way from the origin to its middle.
    fn winding_left_of(&self, half: Half, around_origin: Winding) -> Winding {
        let (from, to) = (self.points[self.start(half)], self.points[self.end(half)]);
        let middle = from.plus(to).unit();
        let mut winding = around_origin;
        let mut add = |step: Winding, times: i32| {
            winding = [winding[0] + times * step[0], winding[1] + times * step[1]];
        };
        for (number, edge) in self.edges.iter().enumerate().filter(|(number, _)| *number != half / 2) {
            let (a, b) = (self.points[edge.from], self.points[edge.to]);
            if edge.step != [0, 0] && cross(ORIGIN, middle, a, b) {
                add(self.step(2 * number), sign(a, b, middle));
            }
        }
        if sign(from, to, ORIGIN) < 0 {
            add(self.step(half), 1);
        }
        winding
    }
}

/// The parts of the edges, each once.
fn edges_of(inputs: &[Input], chains: &[Vec<usize>]) -> Vec<Edge> {
    let mut parts: Vec<(usize, usize, usize, usize)> = Vec::new();
    for (number, chain) in chains.iter().enumerate() {
        for pair in chain.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            parts.push((a.min(b), a.max(b), number, usize::from(a > b)));
        }
    }
    parts.sort_unstable();
    let mut edges: Vec<Edge> = Vec::new();
    for (from, to, number, way) in parts {
        if edges.last().is_none_or(|e| (e.from, e.to) != (from, to)) {
            edges.push(Edge { from, to, ..Edge::default() });
        }
        let (Some(edge), Some(input)) = (edges.last_mut(), inputs.get(number)) else { continue };
        edge.inputs[way] = edge.inputs[way].or(Some(number));
        edge.operands[input.operand] = true;
        if input.bounds {
            edge.step[input.operand] += if way == 0 { 1 } else { -1 };
        }
    }
    edges
}
