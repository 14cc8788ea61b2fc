//! A value of a scalar type, borrowed where it can be.

use std::borrow::Cow;

use crate::{Dynamic, Type};

/// Digits after the point of every [`Val::Decimal`].
pub const DECIMAL_SCALE: u32 = 12;

/// A scalar value. A string is never [`Val::Null`]: a missing one is `Str("")`.
#[derive(Debug, Clone, PartialEq)]
pub enum Val<'a> {
    /// The null of any type but string.
    Null,
    /// bool
    Bool(bool),
    /// int
    Int(i32),
    /// long
    Long(i64),
    /// real
    Real(f64),
    /// decimal: units of 10^-[`DECIMAL_SCALE`]
    Decimal(i128),
    /// string
    Str(Cow<'a, str>),
    /// datetime: 100 ns ticks since 0001-01-01T00:00:00Z
    DateTime(i64),
    /// timespan: 100 ns ticks
    Timespan(i64),
    /// guid, in the byte order of its text
    Guid([u8; 16]),
    /// dynamic, as the encoded JSON text of [`crate::dynamic`]; never the text `null` (that is [`Val::Null`])
    Dynamic(Cow<'a, str>),
}

impl<'a> Val<'a> {
    /// The missing value of a type: `""` for string, else null.
    pub fn missing(ty: Type) -> Val<'static> {
        if ty == Type::String { Val::Str(Cow::Borrowed("")) } else { Val::Null }
    }

    /// A string value from owned or borrowed text.
    pub fn str(text: impl Into<Cow<'a, str>>) -> Val<'a> {
        Val::Str(text.into())
    }

    /// A dynamic value from a tree; a null tree gives [`Val::Null`].
    pub fn dynamic(tree: &Dynamic) -> Val<'static> {
        match tree {
            Dynamic::Null => Val::Null,
            other => Val::Dynamic(Cow::Owned(other.encode())),
        }
    }

    /// Whether this is the null (never so for a string).
    pub fn is_null(&self) -> bool {
        matches!(self, Val::Null)
    }

    /// Null, or the empty string.
    pub fn is_empty(&self) -> bool {
        match self {
            Val::Null => true,
            Val::Str(s) => s.is_empty(),
            _ => false,
        }
    }

    /// The text of a string or (encoded) dynamic; `None` for all else.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Val::Str(s) | Val::Dynamic(s) => Some(s),
            _ => None,
        }
    }

    /// An int or long as i64.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Val::Int(v) => Some(i64::from(*v)),
            Val::Long(v) => Some(*v),
            _ => None,
        }
    }

    /// Any number as f64.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Val::Int(v) => Some(f64::from(*v)),
            Val::Long(v) => Some(*v as f64),
            Val::Real(v) => Some(*v),
            Val::Decimal(v) => Some(*v as f64 / 10f64.powi(DECIMAL_SCALE as i32)),
            _ => None,
        }
    }

    /// A bool.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Val::Bool(v) => Some(*v),
            _ => None,
        }
    }

    /// Ticks of a datetime or timespan.
    pub fn as_ticks(&self) -> Option<i64> {
        match self {
            Val::DateTime(v) | Val::Timespan(v) => Some(*v),
            _ => None,
        }
    }

    /// The tree of any value: a dynamic is parsed, scalars keep their type, null becomes [`Dynamic::Null`].
    pub fn to_tree(&self) -> Dynamic {
        match self {
            Val::Null => Dynamic::Null,
            Val::Bool(v) => Dynamic::Bool(*v),
            Val::Int(v) => Dynamic::Long(i64::from(*v)),
            Val::Long(v) => Dynamic::Long(*v),
            Val::Real(v) => Dynamic::Real(*v),
            Val::Decimal(v) => Dynamic::Decimal(*v),
            Val::Str(s) => Dynamic::String(s.to_string()),
            Val::DateTime(v) => Dynamic::DateTime(*v),
            Val::Timespan(v) => Dynamic::Timespan(*v),
            Val::Guid(v) => Dynamic::Guid(*v),
            Val::Dynamic(s) => Dynamic::decode(s),
        }
    }

    /// The same value without borrowing.
    pub fn into_owned(self) -> Val<'static> {
        match self {
            Val::Null => Val::Null,
            Val::Bool(v) => Val::Bool(v),
            Val::Int(v) => Val::Int(v),
            Val::Long(v) => Val::Long(v),
            Val::Real(v) => Val::Real(v),
            Val::Decimal(v) => Val::Decimal(v),
            Val::Str(s) => Val::Str(Cow::Owned(s.into_owned())),
            Val::DateTime(v) => Val::DateTime(v),
            Val::Timespan(v) => Val::Timespan(v),
            Val::Guid(v) => Val::Guid(v),
            Val::Dynamic(s) => Val::Dynamic(Cow::Owned(s.into_owned())),
        }
    }
}
