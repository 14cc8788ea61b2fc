//! Cells of geohash, H3 and S2.

use std::str::FromStr;

use geohash::Coord;
use h3o::{CellIndex, LatLng, Resolution};
use s2::cell::Cell;
use s2::cellid::CellID;

use super::super::support::{Out, from_array, lenient, long_arg, real_arg, strict};
use super::set_order::in_set_order;
use super::shape::{Shape, point};
use super::sphere::Vector;
use crate::{Cx, Dynamic, Scalar, Val};

/// The entries of this family.
pub(in super::super) static ENTRIES: &[Scalar] = &[
    strict("geo_point_to_geohash", "The geohash of a point.", point_to_geohash),
    strict("geo_geohash_to_central_point", "The middle of a geohash.", geohash_point),
    strict("geo_geohash_to_polygon", "The rectangle of a geohash.", geohash_polygon),
    strict("geo_geohash_neighbors", "The geohashes around one.", geohash_neighbors),
    strict("geo_point_to_h3cell", "The H3 cell of a point.", point_to_h3),
    strict("geo_h3cell_to_central_point", "The middle of an H3 cell.", h3_point),
    strict("geo_h3cell_to_polygon", "The outline of an H3 cell.", h3_polygon),
    strict("geo_h3cell_parent", "The H3 cell that holds one.", h3_parent),
    strict("geo_h3cell_children", "The H3 cells within one.", h3_children),
    strict("geo_h3cell_level", "The resolution of an H3 cell.", h3_level),
    strict("geo_h3cell_neighbors", "The H3 cells around one.", h3_neighbors),
    strict("geo_h3cell_rings", "Rings of H3 cells around one, itself first.", h3_rings),
    lenient("geo_point_to_s2cell", "The S2 cell of a point.", point_to_s2),
    strict("geo_s2cell_to_central_point", "The middle of an S2 cell.", s2_point),
    strict("geo_s2cell_to_polygon", "The outline of an S2 cell.", s2_polygon),
    strict("geo_s2cell_neighbors", "The S2 cells around one.", s2_neighbors),
];

fn text(args: &[Val<'_>]) -> String {
    args.first().and_then(Val::as_str).unwrap_or("").to_string()
}

fn position(args: &[Val<'_>]) -> Option<(f64, f64)> {
    let (lng, lat) = (real_arg(args, 0)?, real_arg(args, 1)?);
    point(lng, lat).map(|_| (lng, lat))
}

fn strings(items: impl IntoIterator<Item = String>) -> Val<'static> {
    from_array(items.into_iter().map(Dynamic::String).collect())
}

fn point_to_geohash<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let accuracy = long_arg(args, 2).unwrap_or(5);
    let hash = position(args).filter(|_| (1..=18).contains(&accuracy)).and_then(|(x, y)| {
        // The library writes up to 12 characters.
        geohash::encode(Coord { x, y }, usize::try_from(accuracy.min(12)).ok()?).ok()
    });
    Ok(Val::str(hash.unwrap_or_default()))
}

fn geohash_box(args: &[Val<'_>]) -> Option<(f64, f64, f64, f64)> {
    let hash = text(args).to_ascii_lowercase();
    if hash.is_empty() {
        return None;
    }
    let rect = geohash::decode_bbox(&hash).ok()?;
    Some((rect.min().x, rect.min().y, rect.max().x, rect.max().y))
}

fn geohash_point<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(geohash_box(args).map_or(Val::Null, |(x0, y0, x1, y1)| Shape::Point(((x0 + x1) / 2.0, (y0 + y1) / 2.0)).value()))
}

fn geohash_polygon<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(geohash_box(args).map_or(Val::Null, |(x0, y0, x1, y1)| {
        Shape::Polygon(vec![vec![(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]]).value()
    }))
}

fn geohash_neighbors<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let hash = text(args).to_ascii_lowercase();
    let Some(n) = Some(hash).filter(|h| !h.is_empty()).and_then(|h| geohash::neighbors(&h).ok()) else {
        return Ok(Val::Null);
    };
    Ok(strings([n.n, n.ne, n.e, n.se, n.s, n.sw, n.w, n.nw]))
}

fn h3(args: &[Val<'_>]) -> Option<CellIndex> {
    CellIndex::from_str(&text(args)).ok()
}

fn resolution(level: i64) -> Option<Resolution> {
    u8::try_from(level).ok().and_then(|l| Resolution::try_from(l).ok())
}

fn point_to_h3<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let cell = resolution(long_arg(args, 2).unwrap_or(6)).and_then(|resolution| {
        let (lng, lat) = position(args)?;
        Some(LatLng::new(lat, lng).ok()?.to_cell(resolution).to_string())
    });
    Ok(Val::str(cell.unwrap_or_default()))
}

fn h3_point<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(h3(args).map_or(Val::Null, |cell| {
        let middle = LatLng::from(cell);
        Shape::Point((middle.lng(), middle.lat())).value()
    }))
}

fn h3_polygon<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(h3(args).map_or(Val::Null, |cell| {
        let mut ring: Vec<(f64, f64)> = cell.boundary().iter().map(|v| (v.lng(), v.lat())).collect();
        ring.extend(ring.first().copied());
        Shape::Polygon(vec![ring]).value()
    }))
}

fn h3_parent<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let parent = h3(args).and_then(|cell| {
        let level = long_arg(args, 1).unwrap_or(i64::from(u8::from(cell.resolution())) - 1);
        cell.parent(resolution(level)?)
    });
    Ok(Val::str(parent.map(|p| p.to_string()).unwrap_or_default()))
}

/// Deeper children are too many.
const DEEPEST: i64 = 5;

fn h3_children<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let children = h3(args).and_then(|cell| {
        let own = i64::from(u8::from(cell.resolution()));
        let level = long_arg(args, 1).unwrap_or(own + 1);
        let wanted = resolution(level).filter(|_| level >= own && level - own <= DEEPEST)?;
        Some(cell.children(wanted).map(|c| c.to_string()).collect::<Vec<_>>())
    });
    Ok(children.map_or(Val::Null, strings))
}

fn h3_level<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let level = h3(args).map(|cell| i32::from(u8::from(cell.resolution())));
    Ok(level.map_or(Val::Null, |l| if cx.ret == crate::Type::Int { Val::Int(l) } else { Val::Long(i64::from(l)) }))
}

fn h3_neighbors<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(h3(args).map_or(Val::Null, |cell| {
        let around: Vec<CellIndex> = cell.grid_disk(1);
        strings(around.into_iter().filter(|c| *c != cell).map(|c| c.to_string()))
    }))
}

fn h3_rings<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    const MOST: i64 = 142;
    let rings = h3(args).and_then(|cell| {
        let distance = long_arg(args, 1).filter(|d| (0..=MOST).contains(d))?;
        let cells: Vec<(CellIndex, u32)> = cell.grid_disk_distances(u32::try_from(distance).ok()?);
        let ring = |at: i64| {
            let of = cells.iter().filter(|(_, d)| i64::from(*d) == at);
            Dynamic::Array(of.map(|(c, _)| Dynamic::String(c.to_string())).collect())
        };
        Some(from_array((0..=distance).map(ring).collect()))
    });
    Ok(rings.unwrap_or(Val::Null))
}

/// A valid cell of a token in hexadecimal digits.
fn s2(args: &[Val<'_>]) -> Option<CellID> {
    let token = text(args).to_ascii_lowercase();
    if token.is_empty() || token.len() > 16 || !token.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    Some(CellID::from_token(&token)).filter(CellID::is_valid)
}

fn point_to_s2<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let level = long_arg(args, 2).unwrap_or(11);
    let token = position(args).filter(|_| (0..=30).contains(&level)).and_then(|(lng, lat)| {
        let leaf = CellID::from(s2::latlng::LatLng::from_degrees(lat, lng));
        Some(leaf.parent(u64::try_from(level).ok()?).to_token())
    });
    Ok(Val::str(token.unwrap_or_default()))
}

fn s2_point<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(s2(args).map_or(Val::Null, |cell| {
        let middle = s2::latlng::LatLng::from(cell);
        Shape::Point((middle.lng.deg(), middle.lat.deg())).value()
    }))
}

fn s2_polygon<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(s2(args).map_or(Val::Null, |cell| {
        let cell = Cell::from(cell);
        let corner = |k: usize| {
            let v = cell.vertex(k).0;
            Vector { x: v.x, y: v.y, z: v.z }.degrees()
        };
        let mut ring: Vec<(f64, f64)> = (0..4).map(corner).collect();
        ring.extend(ring.first().copied());
        Shape::Polygon(vec![ring]).value()
    }))
}

fn s2_neighbors<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let around = |cell: CellID| cell.all_neighbors(cell.level()).iter().map(CellID::to_token).collect();
    Ok(s2(args).map_or(Val::Null, |cell| strings(in_set_order(around(cell)))))
}
