//! GeoJSON geometries, as dynamic values.

use super::super::support::from_bag;
use super::sphere::Vector;
use crate::{Dynamic, Val};

/// Longitude and latitude in degrees.
pub(super) type Position = (f64, f64);

/// A GeoJSON geometry.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    Point(Position),
    MultiPoint(Vec<Position>),
    Line(Vec<Position>),
    MultiLine(Vec<Vec<Position>>),
    /// An outer ring, and holes.
    Polygon(Vec<Vec<Position>>),
    MultiPolygon(Vec<Vec<Vec<Position>>>),
    Collection(Vec<Shape>),
}

impl Shape {
    /// The geometry of a bag; also that of a feature.
    pub(super) fn of(value: &Val<'_>) -> Option<Shape> {
        Shape::of_tree(&value.to_tree())
    }

    fn of_tree(tree: &Dynamic) -> Option<Shape> {
        let Some(Dynamic::String(kind)) = tree.get("type") else { return None };
        let coordinates = || tree.get("coordinates");
        Some(match kind.as_str() {
            "Point" => Shape::Point(position(coordinates()?)?),
            "MultiPoint" => Shape::MultiPoint(list(coordinates()?, position)?),
            "LineString" => Shape::Line(list(coordinates()?, position)?),
            "MultiLineString" => Shape::MultiLine(list(coordinates()?, |l| list(l, position))?),
            "Polygon" => Shape::Polygon(list(coordinates()?, |r| list(r, position))?),
            "MultiPolygon" => Shape::MultiPolygon(list(coordinates()?, |p| list(p, |r| list(r, position)))?),
            "GeometryCollection" => Shape::Collection(list(tree.get("geometries")?, Shape::of_tree)?),
            "Feature" => Shape::of_tree(tree.get("geometry")?)?,
            _ => return None,
        })
    }

    /// The GeoJSON bag.
    pub(super) fn value(&self) -> Val<'static> {
        let Dynamic::Bag(items) = self.tree() else { return Val::Null };
        from_bag(items)
    }

    fn tree(&self) -> Dynamic {
        let point = |p: &Position| Dynamic::Array(vec![Dynamic::Real(p.0), Dynamic::Real(p.1)]);
        let line = |l: &Vec<Position>| Dynamic::Array(l.iter().map(point).collect());
        let lines = |l: &Vec<Vec<Position>>| Dynamic::Array(l.iter().map(line).collect());
        let (kind, member, value) = match self {
            Shape::Point(p) => ("Point", "coordinates", point(p)),
            Shape::MultiPoint(l) => ("MultiPoint", "coordinates", line(l)),
            Shape::Line(l) => ("LineString", "coordinates", line(l)),
            Shape::MultiLine(l) => ("MultiLineString", "coordinates", lines(l)),
            Shape::Polygon(p) => ("Polygon", "coordinates", lines(p)),
            Shape::MultiPolygon(p) => ("MultiPolygon", "coordinates", Dynamic::Array(p.iter().map(lines).collect())),
            Shape::Collection(shapes) => {
                ("GeometryCollection", "geometries", Dynamic::Array(shapes.iter().map(Shape::tree).collect()))
            }
        };
        Dynamic::Bag(vec![("type".to_string(), Dynamic::String(kind.to_string())), (member.to_string(), value)])
    }
}

fn list<T>(tree: &Dynamic, item: impl Fn(&Dynamic) -> Option<T>) -> Option<Vec<T>> {
    match tree {
        Dynamic::Array(items) => items.iter().map(item).collect(),
        _ => None,
    }
}

fn position(tree: &Dynamic) -> Option<Position> {
    let number = |i: i64| match tree.at(i) {
        Some(Dynamic::Long(v)) => Some(*v as f64),
        Some(Dynamic::Real(v)) => Some(*v),
        Some(Dynamic::Decimal(v)) => Some(*v as f64 / 10f64.powi(crate::DECIMAL_SCALE as i32)),
        _ => None,
    };
    Some((number(0)?, number(1)?)).filter(|(lng, lat)| lng.is_finite() && lat.is_finite())
}

/// A point of its own: both coordinates must lie on the Earth.
pub(super) fn point(longitude: f64, latitude: f64) -> Option<Vector> {
    let valid = (-180.0..=180.0).contains(&longitude) && (-90.0..=90.0).contains(&latitude);
    valid.then(|| Vector::of(longitude, latitude))
}

/// The lines of a line geometry, as chains of at least two different points.
pub(super) fn lines(value: &Val<'_>) -> Option<Vec<Vec<Vector>>> {
    let lines = match Shape::of(value)? {
        Shape::Line(line) => vec![line],
        Shape::MultiLine(lines) => lines,
        _ => return None,
    };
    let chains: Option<Vec<Vec<Vector>>> = lines.iter().map(|line| chain(line, 2)).collect();
    chains.filter(|c| !c.is_empty())
}

/// The rings of each polygon, without the closing point: the outer one counterclockwise, the holes clockwise.
pub(super) fn polygons(value: &Val<'_>) -> Option<Vec<Vec<Vec<Vector>>>> {
    let polygons = planar_polygons(value)?;
    polygons.iter().map(|rings| rings.iter().enumerate().map(|(i, ring)| oriented(ring, i > 0)).collect()).collect()
}

/// The rings of each polygon as they are written.
pub(super) fn planar_polygons(value: &Val<'_>) -> Option<Vec<Vec<Vec<Position>>>> {
    let polygons = match Shape::of(value)? {
        Shape::Polygon(rings) => vec![rings],
        Shape::MultiPolygon(polygons) => polygons,
        _ => return None,
    };
    (!polygons.is_empty() && polygons.iter().all(|p| !p.is_empty())).then_some(polygons)
}

fn oriented(ring: &[Position], hole: bool) -> Option<Vec<Vector>> {
    let (first, last) = (ring.first()?, ring.last()?);
    if ring.len() < 4 || first != last {
        return None;
    }
    let mut points = chain(&ring[..ring.len() - 1], 3)?;
    if points.first() == points.last() {
        return None;
    }
    if (super::sphere::ring_area(&points) < 0.0) != hole {
        points.reverse();
    }
    Some(points)
}

/// Points of which no two neighbours are the same.
fn chain(positions: &[Position], least: usize) -> Option<Vec<Vector>> {
    if positions.len() < least || positions.iter().any(|(_, lat)| !(-90.0..=90.0).contains(lat)) {
        return None;
    }
    if positions.windows(2).any(|pair| pair[0] == pair[1]) {
        return None;
    }
    Some(positions.iter().map(|(lng, lat)| Vector::of(*lng, *lat)).collect())
}
