//! Polygons with fewer points.

use std::collections::HashMap;

use s2::cellid::CellID;

use super::lines::subsample;
use super::overlay::{around_origin, wound};
use super::sphere::Vector;
use super::trace::Region;

/// A region without points nearer to each other than a tolerance (an angle), none of whose old points is farther than
/// that from the new outline. What is smaller vanishes.
///
/// As in S2's builder, points are drawn to sites that are chosen along the curve of cells, and chains of edges become
/// single ones where all sites between are near enough; which of the possible results that gives may differ from S2.
pub(super) fn simplified(region: &Region, tolerance: f64) -> Region {
    if tolerance <= 0.0 {
        return region.clone();
    }
    let sites = Sites::of(region, tolerance);
    let drawn = |ring: &Vec<Vector>| without_spikes(ring.iter().map(|p| sites.nearest(*p)).collect());
    let drawn: Vec<Vec<Vec<usize>>> =
        region.iter().map(|rings| rings.iter().map(drawn).filter(|ring| ring.len() > 2).collect()).collect();
    let keep = junctions(&drawn);
    let thinned = |ring: &Vec<usize>| sites.thinned(ring, &keep, tolerance);
    let rings: Region = drawn
        .iter()
        .map(|rings| rings.iter().map(thinned).filter(|ring| ring.len() > 2).collect::<Vec<_>>())
        .filter(|rings| !rings.is_empty())
        .collect();
    let around = around_origin(&rings);
    wound(&rings.into_iter().flatten().collect::<Vec<_>>(), around)
}

type Bucket = (i64, i64, i64);

struct Sites {
    points: Vec<Vector>,
    buckets: HashMap<Bucket, Vec<usize>>,
    size: f64,
}

impl Sites {
    fn of(region: &Region, tolerance: f64) -> Sites {
        let mut points: Vec<Vector> = region.iter().flatten().flatten().copied().collect();
        points.sort_by_cached_key(|p| {
            let (lng, lat) = p.degrees();
            CellID::from(s2::latlng::LatLng::from_degrees(lat, lng)).0
        });
        let mut sites = Sites { points: Vec::new(), buckets: HashMap::new(), size: tolerance.max(1e-12) };
        for p in points {
            if sites.near(p).all(|site| sites.points[site].angle(p) >= tolerance) {
                let bucket = sites.bucket(p);
                sites.buckets.entry(bucket).or_default().push(sites.points.len());
                sites.points.push(p);
            }
        }
        sites
    }

    fn bucket(&self, p: Vector) -> Bucket {
        let whole = |v: f64| (v / self.size).floor() as i64;
        (whole(p.x), whole(p.y), whole(p.z))
    }

    fn near(&self, p: Vector) -> impl Iterator<Item = usize> + '_ {
        let (x, y, z) = self.bucket(p);
        let range = || -1..=1;
        let buckets = range().flat_map(move |i| range().flat_map(move |j| range().map(move |k| (x + i, y + j, z + k))));
        buckets.filter_map(|bucket| self.buckets.get(&bucket)).flatten().copied()
    }

    fn nearest(&self, p: Vector) -> usize {
        let best = self.near(p).min_by(|a, b| self.points[*a].angle(p).total_cmp(&self.points[*b].angle(p)));
        best.unwrap_or(0)
    }

    /// A ring with the points to keep, and of the others as few as the tolerance allows.
    fn thinned(&self, ring: &[usize], keep: &[usize], tolerance: f64) -> Vec<Vector> {
        let mut ring = ring.to_vec();
        let start = ring.iter().position(|p| keep.contains(p)).unwrap_or(0);
        ring.rotate_left(start);
        ring.extend(ring.first().copied());
        let mut thin: Vec<Vector> = Vec::new();
        let mut from = 0;
        for at in 1..ring.len() {
            if at + 1 == ring.len() || keep.contains(&ring[at]) {
                let chain: Vec<Vector> = ring[from..=at].iter().map(|p| self.points[*p]).collect();
                let mut chain = subsample(&chain, tolerance);
                chain.pop();
                thin.extend(chain);
                from = at;
            }
        }
        thin
    }
}

/// A ring without ways there and back.
fn without_spikes(ring: Vec<usize>) -> Vec<usize> {
    let mut out: Vec<usize> = Vec::new();
    for p in ring {
        if out.last() == Some(&p) {
            continue;
        }
        if out.len() > 1 && out[out.len() - 2] == p {
            out.pop();
        } else {
            out.push(p);
        }
    }
    while out.len() > 1 {
        let n = out.len();
        if out[0] == out[n - 1] {
            out.pop();
        } else if n > 2 && out[1] == out[n - 1] {
            out.remove(0);
        } else if n > 2 && out[0] == out[n - 2] {
            out.pop();
        } else {
            break;
        }
    }
    out
}

/// The points at which more than one chain of edges ends.
fn junctions(drawn: &[Vec<Vec<usize>>]) -> Vec<usize> {
    let mut neighbours: HashMap<usize, Vec<usize>> = HashMap::new();
    for ring in drawn.iter().flatten() {
        for i in 0..ring.len() {
            let (a, b) = (ring[i], ring[(i + 1) % ring.len()]);
            for (p, q) in [(a, b), (b, a)] {
                let known = neighbours.entry(p).or_default();
                if !known.contains(&q) {
                    known.push(q);
                }
            }
        }
    }
    neighbours.into_iter().filter(|(_, near)| near.len() > 2).map(|(p, _)| p).collect()
}
