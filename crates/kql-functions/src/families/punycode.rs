//! Punycode (RFC 3492), of texts and of the labels of domains.

use idna::punycode::{decode_to_string, encode_str};

use super::support::{Out, strict};
use crate::{Cx, Scalar, Val};

/// The entries of this family.
pub(super) static ENTRIES: &[Scalar] = &[
    strict("punycode_from_string", "A text in punycode, without a prefix.", from_string),
    strict("punycode_to_string", "The text of punycode without a prefix.", to_string),
    strict("punycode_domain_from_string", "A domain whose labels in punycode are read.", domain_decoded),
    strict("punycode_domain_to_string", "A domain whose labels in punycode are read.", domain_decoded),
];

const PREFIX: &str = "xn--";

fn text<'v>(args: &'v [Val<'_>]) -> &'v str {
    args.first().and_then(Val::as_str).unwrap_or("")
}

fn from_string<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(Val::str(encode_str(text(args)).unwrap_or_default()))
}

fn to_string<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(Val::str(decode_to_string(text(args)).unwrap_or_default()))
}

/// A label that is no punycode stays as it is.
fn domain_decoded<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let labels = text(args).split('.').map(|label| match label.get(..PREFIX.len()) {
        Some(prefix) if prefix.eq_ignore_ascii_case(PREFIX) => {
            decode_to_string(&label[PREFIX.len()..]).unwrap_or_else(|| label.to_string())
        }
        _ => label.to_string(),
    });
    Ok(Val::str(labels.collect::<Vec<_>>().join(".")))
}
