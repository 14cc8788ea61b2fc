//! S2 cells that cover lines and polygons, and H3 cells whose middles lie in polygons.

use std::collections::{BTreeMap, BTreeSet};

use h3o::{CellIndex, LatLng, Resolution};
use s2::cell::Cell;
use s2::cellid::CellID;

use super::super::support::{Out, from_array, lenient, long_arg, real_arg};
use super::buffer::Buffer;
use super::overlay::{region_shape, united};
use super::points::{edges, inside};
use super::set_order::in_set_order;
use super::shape::{Position, Shape, lines, planar_polygons, polygons};
use super::sphere::{EARTH, Vector, angle_to_edge, edges_meet};
use super::trace::Region;
use crate::{Cx, Dynamic, Scalar, Val};

/// The entries of this family.
pub(in super::super) static ENTRIES: &[Scalar] = &[
    lenient("geo_line_to_s2cells", "The S2 cells that cover a line.", line_to_s2),
    lenient("geo_polygon_to_s2cells", "The S2 cells that cover a polygon.", polygon_to_s2),
    lenient("geo_polygon_to_h3cells", "The H3 cells whose middles lie in a polygon.", polygon_to_h3),
];

/// Kusto gives null where more S2 cells would be needed.
const MOST_S2: usize = 65_536;
/// Kusto gives null where more H3 cells would be needed.
const MOST_H3: usize = 61_680;

fn texts(items: impl Iterator<Item = String>) -> Val<'static> {
    from_array(items.map(Dynamic::String).collect())
}

/// A whole number that may be left out, within a range.
fn level(args: &[Val<'_>], default: u8, most: u8) -> Option<u8> {
    let level = if args.get(1).is_none() { i64::from(default) } else { long_arg(args, 1)? };
    u8::try_from(level).ok().filter(|level| *level <= most)
}

/// A radius in metres that may be left out.
fn radius(args: &[Val<'_>]) -> Option<f64> {
    let radius = if args.get(2).is_none() { 0.0 } else { real_arg(args, 2)? };
    (radius >= 0.0 && radius.is_finite()).then_some(radius)
}

/// What is to be covered.
struct Covered<'r> {
    /// Polygons whose inside is covered too.
    region: &'r Region,
    /// Angle from the edges within which all is covered.
    radius: f64,
    level: u64,
}

fn line_to_s2<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let lines = args.first().and_then(lines);
    let (Some(lines), Some(level), Some(radius)) = (lines, level(args, 11, 30), radius(args)) else {
        return Ok(Val::Null);
    };
    let all: Vec<(Vector, Vector)> = lines.iter().flat_map(|line| edges(line, false)).collect();
    Ok(Covered { region: &Region::new(), radius: radius / EARTH, level: u64::from(level) }.tokens(&all))
}

fn polygon_to_s2<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let region = args.first().and_then(polygons);
    let (Some(region), Some(level), Some(radius)) = (region, level(args, 11, 30), radius(args)) else {
        return Ok(Val::Null);
    };
    let all: Vec<(Vector, Vector)> = region.iter().flatten().flat_map(|ring| edges(ring, true)).collect();
    Ok(Covered { region: &region, radius: radius / EARTH, level: u64::from(level) }.tokens(&all))
}

impl Covered<'_> {
    /// The tokens of the covering cells in the order of the curve; null where they are too many.
    fn tokens(&self, edges: &[(Vector, Vector)]) -> Val<'static> {
        let mut found = Vec::new();
        let all = (0..6).all(|face| self.cover(CellID::from_face(face), edges, &mut found));
        if all { texts(found.iter().map(CellID::to_token)) } else { Val::Null }
    }

    /// Adds the cells within a cell; false where they are too many.
    fn cover(&self, id: CellID, edges: &[(Vector, Vector)], found: &mut Vec<CellID>) -> bool {
        let cell = CellShape::of(id);
        let near: Vec<(Vector, Vector)> =
            edges.iter().filter(|(a, b)| cell.is_near(*a, *b, self.radius)).copied().collect();
        if near.is_empty() && !inside(cell.middle, self.region) {
            return true;
        }
        if id.level() >= self.level {
            found.push(id);
            return found.len() <= MOST_S2;
        }
        if near.is_empty() {
            // A cell that lies inside as a whole.
            let below = 4_usize.saturating_pow(u32::try_from(self.level - id.level()).unwrap_or(u32::MAX));
            if below > MOST_S2 - found.len().min(MOST_S2) {
                return false;
            }
            let end = id.child_end_at_level(self.level);
            let mut child = id.child_begin_at_level(self.level);
            while child != end {
                found.push(child);
                child = child.next();
            }
            return true;
        }
        id.children().into_iter().all(|child| self.cover(child, &near, found))
    }
}

/// The outline of an S2 cell.
struct CellShape {
    corners: [Vector; 4],
    middle: Vector,
    /// Angle from the middle to the farthest corner.
    reach: f64,
}

impl CellShape {
    fn of(id: CellID) -> CellShape {
        let cell = Cell::from(id);
        let vector = |p: s2::point::Point| Vector { x: p.0.x, y: p.0.y, z: p.0.z };
        let corners = [0, 1, 2, 3].map(|k| vector(cell.vertex(k)));
        let middle = vector(cell.center()).unit();
        let reach = corners.iter().map(|c| middle.angle(*c)).fold(0.0, f64::max);
        CellShape { corners, middle, reach }
    }

    fn sides(&self) -> impl Iterator<Item = (Vector, Vector)> + '_ {
        edges(&self.corners, true)
    }

    /// Whether some point of an edge is within an angle of the cell.
    fn is_near(&self, a: Vector, b: Vector, angle: f64) -> bool {
        const TOUCH: f64 = 1e-15;
        let from_middle = angle_to_edge(self.middle, a, b);
        if from_middle > self.reach + angle + TOUCH {
            return false;
        }
        from_middle <= angle
            || self.holds(a)
            || self.holds(b)
            || self.corners.iter().any(|c| angle_to_edge(*c, a, b) <= angle + TOUCH)
            || self.sides().any(|(c, d)| {
                let ends = [a, b].iter().any(|p| angle_to_edge(*p, c, d) <= angle + TOUCH);
                ends || edges_meet(a, b, c, d)
            })
    }

    fn holds(&self, p: Vector) -> bool {
        self.sides().all(|(c, d)| c.cross(d).dot(p) >= 0.0)
    }
}

fn polygon_to_h3<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let resolution = level(args, 6, 15).and_then(|level| Resolution::try_from(level).ok());
    let region = args.first().and_then(polygons);
    let (Some(region), Some(resolution), Some(radius)) = (region, resolution, radius(args)) else {
        return Ok(Val::Null);
    };
    let planar = if radius > 0.0 {
        Buffer::new(radius, 10.0).map(|buffer| planar_of(&buffer.of_region(&united(region))))
    } else {
        args.first().and_then(planar_polygons)
    };
    let cells = planar.and_then(|planar| {
        let mut all: Vec<String> = Vec::new();
        for rings in &planar {
            let mut cells = BTreeSet::new();
            if !fill(rings, resolution, &mut cells) || all.len() + cells.len() > MOST_H3 {
                return None;
            }
            all.extend(in_table_order(&cells, rings, resolution).map(|cell| cell.to_string()));
        }
        Some(all)
    });
    Ok(cells.map_or(Val::Null, |cells| texts(in_set_order(cells).into_iter())))
}

/// Cells in the order of H3's table of them, whose size H3 estimates from the polygon's bounding box.
fn in_table_order(
    cells: &BTreeSet<CellIndex>,
    rings: &[Vec<Position>],
    resolution: Resolution,
) -> impl Iterator<Item = CellIndex> {
    let size = estimate(rings, resolution).max(cells.len() as u64 + 1);
    let mut table: BTreeMap<u64, CellIndex> = BTreeMap::new();
    for cell in cells {
        let mut at = u64::from(*cell) % size;
        while table.contains_key(&at) {
            at = (at + 1) % size;
        }
        table.insert(at, *cell);
    }
    table.into_values()
}

/// H3's upper estimate of the cells in a polygon (`maxPolygonToCellsSize`).
fn estimate(rings: &[Vec<Position>], resolution: Resolution) -> u64 {
    const SPARE: u64 = 12;
    let corners = rings.iter().map(|ring| ring.len().saturating_sub(1) as u64).sum();
    let least = |estimate: u64| estimate.max(corners) + SPARE;
    let Some(outer) = rings.first() else { return least(1) };
    let range = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
    };
    let (mut west, mut east) = range(&mut outer.iter().map(|p| p.0));
    let (south, north) = range(&mut outer.iter().map(|p| p.1));
    if outer.windows(2).any(|pair| (pair[0].0 - pair[1].0).abs() > 180.0) {
        west = range(&mut outer.iter().map(|p| p.0).filter(|lng| *lng > 0.0)).0;
        east = range(&mut outer.iter().map(|p| p.0).filter(|lng| *lng < 0.0)).1;
    }
    let radius = resolution.pentagons().next().and_then(|pentagon| {
        let corner = pentagon.boundary().iter().next().copied()?;
        Some(LatLng::from(pentagon).distance_km(corner))
    });
    let (Some(radius), Ok(p), Ok(q)) = (radius, LatLng::new(north, east), LatLng::new(south, west)) else {
        return least(1);
    };
    // A hexagon with the radius of a pentagon, four fifths of it.
    let area = 0.8 * (2.598_076_211_35 * radius * radius);
    let (wide, high) = ((east - west).abs(), north - south);
    let ratio = wide.max(high) / wide.min(high);
    let diagonal = p.distance_km(q);
    least(((diagonal * diagonal / ratio.min(3.0) / area).ceil() as u64).max(1))
}

fn planar_of(region: &Region) -> Vec<Vec<Vec<Position>>> {
    match region_shape(region) {
        Some(Shape::Polygon(rings)) => vec![rings],
        Some(Shape::MultiPolygon(polygons)) => polygons,
        _ => Vec::new(),
    }
}

/// Adds the cells whose middles lie in a polygon with straight edges on the map; false where they are too many.
fn fill(rings: &[Vec<Position>], resolution: Resolution, cells: &mut BTreeSet<CellIndex>) -> bool {
    // An edge of more than half a turn means that the polygon crosses the antimeridian.
    let wide = rings.iter().flat_map(|ring| ring.windows(2)).any(|pair| (pair[0].0 - pair[1].0).abs() > 180.0);
    let shifted = |(lng, lat): Position| (if wide && lng < 0.0 { lng + 360.0 } else { lng }, lat);
    let rings: Vec<Vec<Position>> = rings.iter().map(|ring| ring.iter().map(|p| shifted(*p)).collect()).collect();
    let is_in = |cell: CellIndex| {
        let middle = LatLng::from(cell);
        let p = shifted((middle.lng(), middle.lat()));
        rings.iter().flat_map(|ring| ring.windows(2)).filter(|pair| passes(p, pair[0], pair[1])).count() % 2 == 1
    };
    let mut outline = BTreeSet::new();
    for pair in rings.iter().flat_map(|ring| ring.windows(2)) {
        if !trace(pair[0], pair[1], resolution, &mut outline) {
            return false;
        }
    }
    // The insides are reached from cells on the outline.
    let around = outline.iter().flat_map(|cell| cell.grid_disk::<Vec<_>>(2));
    let starts: BTreeSet<CellIndex> = around.collect();
    let mut seen: BTreeSet<CellIndex> = starts.clone();
    let mut open: Vec<CellIndex> = starts.into_iter().filter(|cell| is_in(*cell)).collect();
    while let Some(cell) = open.pop() {
        cells.insert(cell);
        if cells.len() > MOST_H3 {
            return false;
        }
        for next in cell.grid_disk::<Vec<_>>(1) {
            if seen.insert(next) && is_in(next) {
                open.push(next);
            }
        }
    }
    true
}

/// Whether the way east from a point passes an edge.
fn passes((x, y): Position, (x1, y1): Position, (x2, y2): Position) -> bool {
    (y1 > y) != (y2 > y) && x < (x2 - x1) * (y - y1) / (y2 - y1) + x1
}

/// The cells along an edge; false where they are too many.
fn trace(a: Position, b: Position, resolution: Resolution, cells: &mut BTreeSet<CellIndex>) -> bool {
    let cell = |(lng, lat): Position| LatLng::new(lat, lng).ok().map(|place| place.to_cell(resolution));
    let mut open = vec![(a, b)];
    while let Some((a, b)) = open.pop() {
        let (Some(first), Some(last)) = (cell(a), cell(b)) else { return false };
        cells.extend([first, last]);
        if cells.len() > 4 * MOST_H3 {
            return false;
        }
        if first != last && !first.is_neighbor_with(last).unwrap_or(false) {
            let middle = (0.5 * (a.0 + b.0), 0.5 * (a.1 + b.1));
            if middle != a && middle != b {
                open.extend([(a, middle), (middle, b)]);
            }
        }
    }
    true
}
