//! Locations of IP addresses. The binder puts the path of the database behind the address.

use std::net::IpAddr;

use super::support::{Out, from_bag, strict};
use crate::{Cx, Dynamic, EvalError, Scalar, Val, ip_locations};

/// The entries of this family.
pub(super) static ENTRIES: &[Scalar] =
    &[strict("geo_info_from_ip_address", "Country, state, city and coordinates of an IP address.", locate)];

/// Null for what is no address, and for an address that the database does not hold.
fn locate<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let (Some(address), Some(path)) = (args.first().and_then(Val::as_str), args.get(1).and_then(Val::as_str)) else {
        return Err(EvalError("geo_info_from_ip_address() needs a database of addresses".to_string()));
    };
    let Ok(address) = address.trim().parse::<IpAddr>() else { return Ok(Val::Null) };
    let found = ip_locations::open(path).and_then(|locations| locations.find(address)).map_err(EvalError)?;
    let Some(location) = found else { return Ok(Val::Null) };
    let texts = [("country", location.country), ("state", location.state), ("city", location.city)];
    let numbers = [("latitude", location.latitude), ("longitude", location.longitude)];
    let texts = texts.into_iter().filter_map(|(name, text)| Some((name.to_string(), Dynamic::String(text?))));
    let numbers = numbers.into_iter().filter_map(|(name, number)| Some((name.to_string(), Dynamic::Real(number?))));
    Ok(from_bag(texts.chain(numbers).collect()))
}
