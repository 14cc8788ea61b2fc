//! Geospatial functions: longitude first, degrees, GeoJSON geometries.

pub(super) mod cells;
pub(super) mod lines;
pub(super) mod partial;
pub(super) mod points;
pub(super) mod polygons;
mod shape;
mod sphere;
pub(super) mod wkt;
