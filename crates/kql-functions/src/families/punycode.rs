//! Punycode (RFC 3492), of texts and of the labels of domains. Kusto's `…_to_string` of a domain encodes, and its
//! `…_from_string` decodes.

use idna::punycode::{decode_to_string, encode_str};

use super::support::{Out, strict};
use crate::{Cx, Scalar, Val};

/// The entries of this family.
pub(super) static ENTRIES: &[Scalar] = &[
    strict("punycode_from_string", "A text in punycode, without a prefix.", from_string),
    strict("punycode_to_string", "The text of punycode without a prefix.", to_string),
    strict("punycode_domain_from_string", "A domain whose labels in punycode are read.", domain_decoded),
    strict("punycode_domain_to_string", "A domain whose labels are in punycode where they have to be.", domain_encoded),
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

/// What stands between labels: the full stop and its ideographic forms (RFC 3490).
const DOTS: [char; 4] = ['.', '\u{3002}', '\u{ff0e}', '\u{ff61}'];

/// A label of ASCII stays as it is; a domain with a label that cannot be encoded gives nothing.
fn domain_encoded<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let labels = text(args).split(DOTS).map(|label| match label.is_ascii() {
        true => Some(label.to_string()),
        false => encode_str(label).map(|encoded| format!("{PREFIX}{encoded}")),
    });
    Ok(Val::str(labels.collect::<Option<Vec<_>>>().map(|labels| labels.join(".")).unwrap_or_default()))
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
