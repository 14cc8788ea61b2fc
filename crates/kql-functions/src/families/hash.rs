//! Hashes.

use md5::Md5;
use sha1::{Digest, Sha1};
use sha2::Sha256;
use xxhash_rust::xxh64::xxh64;

use super::convert::cast;
use super::support::{Out, strict};
use crate::{Cx, EvalError, Scalar, Type, Val};

/// The entries of this family.
pub(super) static ENTRIES: &[Scalar] = &[
    strict("hash", "The xxhash64 of a value, or its remainder.", hash),
    strict("hash_xxhash64", "The xxhash64 of a value, or its remainder.", hash),
    strict("hash_md5", "The MD5 of a value's text, in hex.", hash_md5),
    strict("hash_sha1", "The SHA-1 of a value's text, in hex.", hash_sha1),
    strict("hash_sha256", "The SHA-256 of a value's text, in hex.", hash_sha256),
];

/// Numbers and times are hashed as little-endian bytes of their own width, strings as UTF-8.
fn xxhash(value: &Val<'_>) -> u64 {
    match value {
        Val::Str(s) | Val::Dynamic(s) => xxh64(s.as_bytes(), 0),
        Val::Bool(v) => xxh64(&[u8::from(*v)], 0),
        Val::Int(v) => xxh64(&v.to_le_bytes(), 0),
        Val::Long(v) | Val::DateTime(v) | Val::Timespan(v) => xxh64(&v.to_le_bytes(), 0),
        Val::Real(v) => xxh64(&v.to_le_bytes(), 0),
        Val::Decimal(_) => xxh64(text(value).as_bytes(), 0),
        Val::Guid(v) => xxh64(&uuid::Uuid::from_bytes(*v).to_bytes_le(), 0),
        Val::Null => xxh64(&[], 0),
    }
}

fn text(value: &Val<'_>) -> String {
    cast(value, Type::String).as_str().unwrap_or_default().to_string()
}

fn hash<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let Some(value) = args.first() else { return Ok(Val::Null) };
    let hash = xxhash(value);
    match args.get(1).and_then(Val::as_i64) {
        None => Ok(Val::Long(hash as i64)),
        Some(modulus) => match u64::try_from(modulus) {
            Ok(modulus) if modulus > 0 => Ok(Val::Long((hash % modulus) as i64)),
            _ => Err(EvalError("hash(): the modulo must be a positive integer".into())),
        },
    }
}

fn hex(bytes: &[u8]) -> Val<'static> {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    Val::str(out)
}

fn digest<'a, D: Digest>(args: &[Val<'_>]) -> Out<'a> {
    Ok(match args.first() {
        Some(Val::Str(s)) => hex(&D::digest(s.as_bytes())),
        Some(value) => hex(&D::digest(text(value).as_bytes())),
        None => Val::str(""),
    })
}

fn hash_md5<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    digest::<Md5>(args)
}

fn hash_sha1<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    digest::<Sha1>(args)
}

fn hash_sha256<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    digest::<Sha256>(args)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str, args: &[Val<'_>]) -> Val<'static> {
        let entry = ENTRIES.iter().find(|e| e.name == name).unwrap();
        (entry.kernel)(&Cx { args: &[], ret: Type::Long }, args).unwrap().into_owned()
    }

    #[test]
    fn known_hashes() {
        assert_eq!(run("hash", &[Val::str("World")]), Val::Long(1846988464401551951));
        assert_eq!(run("hash", &[Val::str("World"), Val::Long(100)]), Val::Long(51));
        let new_year = Val::DateTime(635_556_672_000_000_000);
        assert_eq!(run("hash", &[new_year]), Val::Long(1380966698541616202));
        assert_eq!(run("hash_md5", &[Val::str("World")]), Val::str("f5a7924e621e84c9280a9a27e1bcb7f6"));
        assert_eq!(run("hash_sha1", &[Val::str("World")]), Val::str("70c07ec18ef89c5309bbb0937f3a6342411e1fdd"));
        assert!((ENTRIES[0].kernel)(&Cx { args: &[], ret: Type::Long }, &[Val::Long(1), Val::Long(0)]).is_err());
    }
}
