//! Geometries that many points are looked up in.

use super::points::{edges, inside};
use super::shape::{lines, point, polygons};
use super::sphere::{EARTH, Vector, angle_to_edge};
use super::trace::Region;
use crate::Val;

/// A line or polygon, ready for many points.
#[derive(Debug)]
pub(crate) struct Target {
    edges: Vec<(Vector, Vector)>,
    /// The polygons, where it is not a line.
    region: Region,
    /// A place, and the angle around it within which all of the geometry is.
    middle: Vector,
    reach: f64,
}

impl Target {
    /// A line geometry; `None` for all else.
    pub(crate) fn of_lines(value: &Val<'_>) -> Option<Target> {
        let edges = lines(value)?.iter().flat_map(|line| edges(line, false)).collect();
        Some(Target::new(edges, Region::new()))
    }

    /// A polygon geometry; `None` for all else.
    pub(crate) fn of_polygons(value: &Val<'_>) -> Option<Target> {
        let region = polygons(value)?;
        let edges = region.iter().flatten().flat_map(|ring| edges(ring, true)).collect();
        Some(Target::new(edges, region))
    }

    fn new(edges: Vec<(Vector, Vector)>, region: Region) -> Target {
        let null = Vector { x: 0.0, y: 0.0, z: 0.0 };
        let middle = edges.iter().fold(null, |sum, (a, b)| sum.plus(*a).plus(*b)).unit();
        let reach = edges.iter().flat_map(|(a, b)| [middle.angle(*a), middle.angle(*b)]).fold(0.0, f64::max);
        // Edges between points of more than half the sphere may leave their cap.
        let reach = if reach < 1.5 { reach + 1e-12 } else { f64::INFINITY };
        Target { edges, region, middle, reach }
    }

    /// Whether a point lies in the polygon or, with a radius in metres, within that distance of the geometry. A point
    /// that is none on Earth does not.
    pub(crate) fn matches(&self, longitude: f64, latitude: f64, radius: Option<f64>) -> bool {
        let Some(p) = point(longitude, latitude) else { return false };
        let angle = radius.map(|radius| radius / EARTH);
        if self.middle.angle(p) > self.reach + angle.unwrap_or(0.0).max(0.0) {
            return false;
        }
        let near = |angle: f64| self.edges.iter().any(|(a, b)| angle_to_edge(p, *a, *b) <= angle);
        match angle {
            Some(angle) if angle < 0.0 => false,
            Some(angle) => inside(p, &self.region) || near(angle),
            None => inside(p, &self.region),
        }
    }
}
