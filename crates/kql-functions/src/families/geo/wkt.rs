//! Well-known text.

use std::str::FromStr;

use wkt::Wkt;
use wkt::types::{Coord, LineString};

use super::super::support::{Out, strict};
use super::shape::{Position, Shape};
use crate::{Cx, Scalar, Val};

/// The entries of this family.
pub(in super::super) static ENTRIES: &[Scalar] =
    &[strict("geo_from_wkt", "The GeoJSON geometry of a well-known text.", from_wkt)];

fn from_wkt<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let text = args.first().and_then(Val::as_str).unwrap_or("");
    let shape = Wkt::<f64>::from_str(text).ok().and_then(|wkt| shape(&wkt));
    Ok(shape.map_or(Val::Null, |s| s.value()))
}

fn position(c: &Coord<f64>) -> Position {
    (c.x, c.y)
}

fn line(l: &LineString<f64>) -> Vec<Position> {
    l.coords().iter().map(position).collect()
}

/// An empty geometry is none.
fn shape(wkt: &Wkt<f64>) -> Option<Shape> {
    Some(match wkt {
        Wkt::Point(p) => Shape::Point(position(p.coord()?)),
        Wkt::MultiPoint(p) => {
            let points: Vec<Position> = p.points().iter().filter_map(|p| p.coord().map(position)).collect();
            Shape::MultiPoint(filled(points)?)
        }
        Wkt::LineString(l) => Shape::Line(filled(line(l))?),
        Wkt::MultiLineString(l) => Shape::MultiLine(filled(l.line_strings().iter().map(line).collect())?),
        Wkt::Polygon(p) => Shape::Polygon(filled(p.rings().iter().map(line).collect())?),
        Wkt::MultiPolygon(p) => {
            let polygons: Vec<Vec<Vec<Position>>> =
                p.polygons().iter().map(|p| p.rings().iter().map(line).collect()).collect();
            Shape::MultiPolygon(filled(polygons)?)
        }
        Wkt::GeometryCollection(c) => Shape::Collection(c.geometries().iter().map(shape).collect::<Option<Vec<_>>>()?),
    })
}

fn filled<T>(items: Vec<T>) -> Option<Vec<T>> {
    (!items.is_empty()).then_some(items)
}
