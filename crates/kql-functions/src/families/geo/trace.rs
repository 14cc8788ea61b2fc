//! Rings and paths from the edges of a division of the sphere, in the order in which S2 writes them: as in the input.

use super::arrangement::{Arrangement, Half, Winding};
use super::predicates::left_of;
use super::sphere::{Vector, ring_area};

/// Polygons without common inner points: of each the outer ring counterclockwise, then the holes clockwise.
pub(super) type Region = Vec<Vec<Vec<Vector>>>;

/// A ring, with its points' numbers.
struct Loop {
    numbers: Vec<usize>,
    points: Vec<Vector>,
    area: f64,
}

/// The area whose windings are wanted.
pub(super) fn region(sphere: &Arrangement, wanted: impl Fn(Winding) -> bool) -> Region {
    let inside: Vec<bool> = sphere.left.iter().map(|w| wanted(*w)).collect();
    let bounds = |half: Half| inside[half] && !inside[half ^ 1];
    let loops = rings(sphere, bounds).into_iter().map(|ring| {
        let numbers: Vec<usize> = ring.iter().map(|half| sphere.start(*half)).collect();
        let points: Vec<Vector> = numbers.iter().map(|n| sphere.points[*n]).collect();
        Loop { area: ring_area(&points), numbers, points }
    });
    nested(&loops.collect::<Vec<_>>())
}

/// Number of the first input edge that a half is a part of.
fn input(sphere: &Arrangement, half: Half) -> usize {
    let [onward, back] = sphere.edges[half / 2].inputs;
    let (same, other) = if half.is_multiple_of(2) { (onward, back) } else { (back, onward) };
    same.or(other).unwrap_or(usize::MAX)
}

/// Rings that visit no point twice, with the inside on the left. The part of the last input edge comes last.
fn rings(sphere: &Arrangement, bounds: impl Fn(Half) -> bool) -> Vec<Vec<Half>> {
    let mut starts: Vec<Half> = (0..2 * sphere.edges.len()).filter(|half| bounds(*half)).collect();
    starts.sort_by_key(|half| (input(sphere, *half), *half));
    let mut used = vec![false; 2 * sphere.edges.len()];
    let mut place: Vec<Option<usize>> = vec![None; sphere.points.len()];
    let mut rings = Vec::new();
    for start in starts {
        let mut path: Vec<Half> = Vec::new();
        let mut next = Some(start).filter(|half| !used[*half]);
        while let Some(half) = next {
            used[half] = true;
            place[sphere.start(half)] = Some(path.len());
            path.push(half);
            if let Some(from) = place[sphere.end(half)] {
                let mut ring = path.split_off(from);
                for half in &ring {
                    place[sphere.start(*half)] = None;
                }
                let ids: Vec<usize> = ring.iter().map(|half| input(sphere, *half)).collect();
                ring.rotate_left(first(&ids));
                if ring.len() > 2 {
                    rings.push(ring);
                }
            }
            next = sphere.turns(half).find(|turn| bounds(*turn)).filter(|turn| !used[*turn]);
        }
        // What does not close, where rounding broke a ring, is dropped.
        for half in path {
            place[sphere.start(half)] = None;
        }
    }
    rings.sort_by_key(|ring| ring.first().map(|half| input(sphere, *half)));
    rings
}

/// The place after the last of the highest numbers, going around.
fn first(ids: &[usize]) -> usize {
    let (mut at, mut gap) = (0, false);
    for i in 1..ids.len() {
        if ids[i] < ids[at] {
            gap = true;
        } else if ids[i] > ids[at] || !gap {
            (at, gap) = (i, false);
        }
    }
    if ids.is_empty() { 0 } else { (at + 1) % ids.len() }
}

/// Rings as polygons: each ring in even depth starts one, and the rings right inside are its holes.
fn nested(loops: &[Loop]) -> Region {
    let around = |inner: &Loop, outer: &Loop| {
        outer.area.abs() > inner.area.abs() && left_of(&outer.points, apart(inner, outer)) == (outer.area > 0.0)
    };
    let outers: Vec<Vec<usize>> = loops
        .iter()
        .enumerate()
        .map(|(i, inner)| (0..loops.len()).filter(|j| *j != i && around(inner, &loops[*j])).collect())
        .collect();
    let mut roots: Vec<usize> = Vec::new();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); loops.len()];
    for (i, around) in outers.iter().enumerate() {
        // The innermost ring around one lies in all others around it.
        match around.iter().max_by_key(|j| outers[**j].len()) {
            Some(parent) => children[*parent].push(i),
            None => roots.push(i),
        }
    }
    let mut region: Region = Vec::new();
    let mut open: Vec<usize> = roots.into_iter().rev().collect();
    while let Some(shell) = open.pop() {
        let mut rings = vec![loops[shell].points.clone()];
        for hole in &children[shell] {
            rings.push(loops[*hole].points.clone());
            open.extend(children[*hole].iter().rev());
        }
        region.push(rings);
    }
    region
}

/// A point of a ring that another ring does not have.
fn apart(ring: &Loop, other: &Loop) -> Vector {
    let own = ring.numbers.iter().position(|n| !other.numbers.contains(n)).map(|at| ring.points[at]);
    let middle = || ring.points.first().zip(ring.points.get(1)).map(|(a, b)| a.plus(*b).unit());
    own.or_else(middle).unwrap_or(super::predicates::ORIGIN)
}

/// Paths along directed edges, joined where one ends and exactly one starts; in the order of the input.
pub(super) fn paths(edges: &[(usize, usize)], points: usize) -> Vec<Vec<usize>> {
    let mut leaving: Vec<Vec<usize>> = vec![Vec::new(); points];
    let mut arriving = vec![0_usize; points];
    for (number, (from, to)) in edges.iter().enumerate() {
        leaving[*from].push(number);
        arriving[*to] += 1;
    }
    let inner = |point: usize| leaving[point].len() == 1 && arriving[point] == 1;
    let mut used = vec![false; edges.len()];
    let mut follow = |start: usize| -> Vec<usize> {
        let (mut path, mut next) = (Vec::new(), Some(start));
        while let Some(edge) = next.filter(|edge| !used[*edge]) {
            used[edge] = true;
            path.push(edge);
            let end = edges[edge].1;
            next = leaving[end].first().copied().filter(|_| inner(end));
        }
        path
    };
    let mut found: Vec<Vec<usize>> = Vec::new();
    for edge in (0..edges.len()).filter(|edge| !inner(edges[*edge].0)) {
        found.push(follow(edge));
    }
    // What is left goes around.
    for edge in 0..edges.len() {
        let mut ring = follow(edge);
        let start = first(&ring);
        ring.rotate_left(start);
        found.push(ring);
    }
    found.retain(|path| !path.is_empty());
    found.sort_by_key(|path| path.first().copied());
    let chain = |path: Vec<usize>| -> Vec<usize> {
        let end = path.last().map(|edge| edges[*edge].1);
        path.iter().map(|edge| edges[*edge].0).chain(end).collect()
    };
    found.into_iter().map(chain).collect()
}
