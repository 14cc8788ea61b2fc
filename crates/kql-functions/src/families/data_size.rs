//! How much room values take.

use super::support::{Out, lenient};
use crate::{Cx, Scalar, Type, Val};

/// The entries of this family.
pub(super) static ENTRIES: &[Scalar] =
    &[lenient("estimate_data_size", "The bytes that values take, roughly.", estimate_data_size)];

/// The width of the type; of a text its UTF-8 bytes, of a dynamic those of its JSON text, which is [I]: Kusto does not
/// say how it stores one.
fn size(value: &Val<'_>, ty: Type) -> usize {
    match (value, ty) {
        (Val::Str(s) | Val::Dynamic(s), _) => s.len(),
        (_, Type::Bool) => 1,
        (_, Type::Int) => 4,
        (_, Type::Long | Type::Real | Type::DateTime | Type::Timespan) => 8,
        (_, Type::Guid) => 16,
        // A decimal of 34 digits.
        (_, Type::Decimal) => 17,
        (_, Type::String | Type::Dynamic | Type::Unknown) => 0,
    }
}

fn estimate_data_size<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let types = cx.args.iter().copied().chain(std::iter::repeat(Type::Unknown));
    let bytes: usize = args.iter().zip(types).map(|(value, ty)| size(value, ty)).sum();
    Ok(Val::Long(i64::try_from(bytes).unwrap_or(i64::MAX)))
}
