//! Base64 and compression.

use std::io::{Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use flate2::write::DeflateEncoder;

use crate::catalogue::{Cx, EvalError, Nulls, RowKernel, Scalar};
use crate::{Dynamic, Val};

use super::string::text;

const fn entry(name: &'static str, doc: &'static str, nulls: Nulls, kernel: RowKernel) -> Scalar {
    Scalar { name, doc, nulls, kernel }
}

pub(super) static ENTRIES: &[Scalar] = &[
    entry("base64_encode_tostring", "A text as base64.", Nulls::Handled, encode_string),
    entry("base64_encodestring", "A text as base64.", Nulls::Handled, encode_string),
    entry("base64_decode_tostring", "The text of base64, if it is UTF-8.", Nulls::Handled, decode_string),
    entry("base64_decodestring", "The text of base64, if it is UTF-8.", Nulls::Handled, decode_string),
    entry("base64_encode_fromarray", "An array of bytes as base64.", Nulls::Propagate, encode_array),
    entry("base64_decode_toarray", "The bytes of base64.", Nulls::Handled, decode_array),
    entry("base64_encode_fromguid", "A guid as base64.", Nulls::Propagate, encode_guid),
    entry("base64_decode_toguid", "The guid of base64.", Nulls::Handled, decode_guid),
    entry("gzip_compress_to_base64_string", "A text compressed by gzip, as base64.", Nulls::Handled, gzip),
    entry("gzip_decompress_from_base64_string", "The text of base64 of gzip.", Nulls::Handled, gunzip),
    entry("zlib_compress_to_base64_string", "A text compressed by zlib, as base64.", Nulls::Handled, zlib),
    entry("zlib_decompress_from_base64_string", "The text of base64 of zlib.", Nulls::Handled, unzlib),
];

/// Most bytes that a compressed text may grow to.
const MOST_UNPACKED: u64 = 64 * 1024 * 1024;

fn decoded(args: &[Val<'_>]) -> Option<Vec<u8>> {
    STANDARD.decode(&*text(args, 0)).ok()
}

fn text_or_empty(bytes: Option<Vec<u8>>) -> Val<'static> {
    Val::str(bytes.and_then(|b| String::from_utf8(b).ok()).unwrap_or_default())
}

fn encode_string<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    Ok(Val::str(STANDARD.encode(&*text(args, 0))))
}

fn decode_string<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    Ok(text_or_empty(decoded(args)))
}

fn encode_array<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let Some(Dynamic::Array(items)) = args.first().map(Val::to_tree) else { return Ok(Val::str("")) };
    let byte = |item: &Dynamic| match item {
        Dynamic::Long(v) => u8::try_from(*v).ok(),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = items.iter().map(byte).collect();
    Ok(Val::str(bytes.map(|b| STANDARD.encode(b)).unwrap_or_default()))
}

fn decode_array<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let Some(bytes) = decoded(args) else { return Ok(Val::Null) };
    Ok(Val::dynamic(&Dynamic::Array(bytes.into_iter().map(|b| Dynamic::Long(i64::from(b))).collect())))
}

fn encode_guid<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    Ok(match args.first() {
        Some(Val::Guid(guid)) => Val::str(STANDARD.encode(mixed_endian(*guid))),
        _ => Val::str(""),
    })
}

fn decode_guid<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let bytes = decoded(args).and_then(|b| <[u8; 16]>::try_from(b).ok());
    Ok(bytes.map_or(Val::Null, |b| Val::Guid(mixed_endian(b))))
}

/// Between the order of a guid's text and that of its bytes, whose first three groups are little-endian.
fn mixed_endian(mut guid: [u8; 16]) -> [u8; 16] {
    guid[0..4].reverse();
    guid[4..6].reverse();
    guid[6..8].reverse();
    guid
}

/// Before the compressed data: method deflate, no flags, no time, unknown system.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// Before the compressed data: method deflate, window of 32 KB, fastest level.
const ZLIB_HEADER: [u8; 2] = [0x78, 0x01];

fn gzip<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let source = text(args, 0);
    let mut checksum = flate2::Crc::new();
    checksum.update(source.as_bytes());
    let trailer = [checksum.sum().to_le_bytes(), checksum.amount().to_le_bytes()].concat();
    Ok(packed(&source, &GZIP_HEADER, &trailer))
}

fn zlib<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let source = text(args, 0);
    Ok(packed(&source, &ZLIB_HEADER, &adler32(source.as_bytes()).to_be_bytes()))
}

fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65521;
    let (low, high) = bytes.iter().fold((1, 0), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % MODULUS;
        (low, (high + low) % MODULUS)
    });
    high << 16 | low
}

/// What compression has to save before a text is not just stored, as Kusto does with short ones.
const LEAST_SAVING: usize = 100;

fn packed(source: &str, header: &[u8], trailer: &[u8]) -> Val<'static> {
    let deflate = |level| {
        let mut encoder = DeflateEncoder::new(Vec::new(), level);
        encoder.write_all(source.as_bytes()).and_then(|()| encoder.finish()).unwrap_or_default()
    };
    if source.is_empty() {
        return Val::str("");
    }
    let mut body = deflate(Compression::fast());
    if body.len() + LEAST_SAVING > source.len() {
        body = deflate(Compression::none());
    }
    Val::str(STANDARD.encode([header, &body, trailer].concat()))
}

fn gunzip<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    Ok(text_or_empty(decoded(args).and_then(|b| unpacked(MultiGzDecoder::new(&*b)))))
}

fn unzlib<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    Ok(text_or_empty(decoded(args).and_then(|b| unpacked(ZlibDecoder::new(&*b)))))
}

fn unpacked(decoder: impl Read) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    decoder.take(MOST_UNPACKED + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= MOST_UNPACKED).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Catalogue, Type};

    fn run(name: &str, arg: Val<'_>) -> Val<'static> {
        let kernel = Catalogue::get().kernel(name).unwrap().kernel;
        kernel(&Cx { args: &[], ret: Type::String }, &[arg]).unwrap().into_owned()
    }

    #[test]
    fn base64_is_strict() {
        assert_eq!(run("base64_encode_tostring", Val::str("Kusto")), Val::str("S3VzdG8="));
        assert_eq!(run("base64_decode_tostring", Val::str("S3VzdG8=")), Val::str("Kusto"));
        assert_eq!(run("base64_decode_tostring", Val::str("U3RyaW5n0KHR0tGA0L7Rh9C60LA=")), Val::str(""));
        assert_eq!(run("base64_decode_toarray", Val::str("U3RyaW5n0KHR0tGA0L7Rh9C60LA")), Val::Null);
        assert_eq!(run("base64_decode_toarray", Val::str("S3U=")), Val::Dynamic("[75,117]".into()));
        assert_eq!(run("base64_encode_fromarray", Val::Dynamic("[75,117]".into())), Val::str("S3U="));
        assert_eq!(run("base64_encode_fromarray", Val::Dynamic("[75,1170]".into())), Val::str(""));
    }

    #[test]
    fn guids_change_their_byte_order() {
        let Val::Guid(guid) = run("base64_decode_toguid", Val::str("JpbpECu8dUy7Pv5gbeJXAA==")) else { panic!() };
        assert_eq!(guid[..8], [0x10, 0xe9, 0x96, 0x26, 0xbc, 0x2b, 0x4c, 0x75]);
        assert_eq!(run("base64_encode_fromguid", Val::Guid(guid)), Val::str("JpbpECu8dUy7Pv5gbeJXAA=="));
        assert_eq!(run("base64_decode_toguid", Val::str("abcd1231")), Val::Null);
    }

    #[test]
    fn compression_round_trips() {
        let short = "1234567890qwertyuiop";
        let packed = "H4sIAAAAAAAA/wEUAOv/MTIzNDU2Nzg5MHF3ZXJ0eXVpb3A6m7f2FAAAAA==";
        assert_eq!(run("gzip_compress_to_base64_string", Val::str(short)), Val::str(packed));
        assert_eq!(run("gzip_decompress_from_base64_string", Val::str(packed)), Val::str(short));
        let packed = "eAEBFADr/zEyMzQ1Njc4OTBxd2VydHl1aW9wOAkGdw==";
        assert_eq!(run("zlib_compress_to_base64_string", Val::str(short)), Val::str(packed));
        let long = "abc".repeat(1000);
        let Val::Str(packed) = run("zlib_compress_to_base64_string", Val::str(long.clone())) else { panic!() };
        assert!(packed.len() < 100);
        assert_eq!(run("zlib_decompress_from_base64_string", Val::str(packed)), Val::str(long));
        assert_eq!(run("zlib_decompress_from_base64_string", Val::str("x0x0x0")), Val::str(""));
    }
}
