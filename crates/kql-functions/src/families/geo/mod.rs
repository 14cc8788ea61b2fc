//! Geospatial functions: longitude first, degrees, GeoJSON geometries.

mod arrangement;
mod buffer;
pub(super) mod cells;
pub(super) mod combine;
pub(super) mod covering;
pub(super) mod lines;
mod overlay;
pub(super) mod points;
pub(super) mod polygons;
mod predicates;
mod set_order;
mod shape;
mod simplify;
mod sphere;
mod split;
mod target;
mod trace;
pub(super) mod wkt;

pub(crate) use target::Target;
