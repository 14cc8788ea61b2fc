//! Database cursors: the ticks of an instant, as text. The binder puts the time at which a row was ingested first.

use super::support::{MAX_DATETIME, Out, lenient};
use crate::{Cx, EvalError, Scalar, Val, text};

/// The entries of this family.
pub(super) static ENTRIES: &[Scalar] = &[
    lenient("cursor_after", "Whether a row was ingested after a cursor.", |_, args| Ok(Val::Bool(after(args)?))),
    lenient("cursor_before_or_at", "Whether a row was ingested before a cursor, or at it.", before_or_at),
];

/// The instant of a cursor; `None` for the empty one, which is before all rows.
fn instant(cursor: &str) -> Result<Option<i64>, EvalError> {
    if cursor.is_empty() {
        return Ok(None);
    }
    let ticks = cursor.parse().ok().filter(|ticks| (0..=MAX_DATETIME).contains(ticks));
    match ticks.or_else(|| text::parse_datetime(cursor)) {
        Some(ticks) => Ok(Some(ticks)),
        None => Err(EvalError(format!("'{cursor}' is not a database cursor"))),
    }
}

/// A row without a time was there before any cursor.
fn after(args: &[Val<'_>]) -> Result<bool, EvalError> {
    let cursor = instant(args.get(1).and_then(Val::as_str).unwrap_or_default())?;
    Ok(cursor.is_none_or(|cursor| args.first().and_then(Val::as_ticks).is_some_and(|time| time > cursor)))
}

fn before_or_at<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(Val::Bool(!after(args)?))
}
