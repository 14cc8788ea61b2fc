//! Where IP addresses are: MaxMind databases (`.mmdb`), by the path of their file.
//!
//! A database is read once and stays as it was read, so that a query has one answer however long it runs.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock, RwLock};

use maxminddb::Reader;
use serde::Deserialize;

/// The location of an address; what a database does not say is `None`. Names are English ones.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Location {
    /// Name of the country.
    pub country: Option<String>,
    /// Name of its largest subdivision.
    pub state: Option<String>,
    /// Name of the city.
    pub city: Option<String>,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
}

/// A database that was read.
pub struct Locations {
    reader: Reader<Vec<u8>>,
}

/// What is read of a record of the kinds City and Country.
#[derive(Deserialize)]
struct Record {
    country: Option<Place>,
    subdivisions: Option<Vec<Place>>,
    city: Option<Place>,
    location: Option<Point>,
}

#[derive(Deserialize)]
struct Place {
    names: Option<Names>,
}

#[derive(Deserialize)]
struct Names {
    en: Option<String>,
}

#[derive(Deserialize)]
struct Point {
    latitude: Option<f64>,
    longitude: Option<f64>,
}

impl Place {
    fn name(self) -> Option<String> {
        self.names?.en
    }
}

impl Locations {
    /// Reads a database from its bytes; the error says what is wrong with them.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Locations, String> {
        Reader::from_source(bytes).map(|reader| Locations { reader }).map_err(|e| e.to_string())
    }

    /// The location of an address; `None` for one that the database does not hold.
    pub fn find(&self, address: IpAddr) -> Result<Option<Location>, String> {
        // Looking an IPv6 address up among IPv4 addresses would be an error.
        if address.is_ipv6() && self.reader.metadata.ip_version == 4 {
            return Ok(None);
        }
        let found = self.reader.lookup(address).and_then(|found| found.decode::<Record>());
        let Some(record) = found.map_err(|e| e.to_string())? else { return Ok(None) };
        Ok(Some(Location {
            country: record.country.and_then(Place::name),
            state: record.subdivisions.and_then(|all| all.into_iter().next()).and_then(Place::name),
            city: record.city.and_then(Place::name),
            latitude: record.location.as_ref().and_then(|p| p.latitude),
            longitude: record.location.as_ref().and_then(|p| p.longitude),
        }))
    }
}

/// The database in a file, read when it is asked for first. The error names the file.
pub fn open(path: &str) -> Result<Arc<Locations>, String> {
    static OPEN: OnceLock<RwLock<HashMap<String, Arc<Locations>>>> = OnceLock::new();
    let open = OPEN.get_or_init(RwLock::default);
    if let Some(known) = open.read().ok().and_then(|open| open.get(path).cloned()) {
        return Ok(known);
    }
    let failed = |problem: String| format!("reading the database of addresses {path}: {problem}");
    let bytes = std::fs::read(path).map_err(|e| failed(e.to_string()))?;
    let read = Arc::new(Locations::from_bytes(bytes).map_err(failed)?);
    match open.write() {
        Ok(mut open) => Ok(Arc::clone(open.entry(path.to_string()).or_insert(read))),
        Err(_) => Ok(read),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_database_is_refused() {
        for bytes in [&b""[..], b"no database", b"\xab\xcd\xefMaxMind.com", b"\xab\xcd\xefMaxMind.com\xe1"] {
            assert!(Locations::from_bytes(bytes.to_vec()).is_err());
        }
        let error = open("no/such/file.mmdb").err().unwrap();
        assert!(error.contains("no/such/file.mmdb"), "{error}");
    }
}
