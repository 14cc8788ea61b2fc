//! The bytes of an accumulator's state: little-endian numbers, length-prefixed text, tagged values.

use std::borrow::Cow;

use crate::{EvalError, Val};

/// Writes a state.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn byte(&mut self, v: u8) {
        self.bytes.push(v);
    }

    pub(crate) fn i64(&mut self, v: i64) {
        self.bytes.extend_from_slice(&v.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, v: u64) {
        self.bytes.extend_from_slice(&v.to_le_bytes());
    }

    pub(crate) fn u128(&mut self, v: u128) {
        self.bytes.extend_from_slice(&v.to_le_bytes());
    }

    pub(crate) fn i128(&mut self, v: i128) {
        self.bytes.extend_from_slice(&v.to_le_bytes());
    }

    pub(crate) fn f64(&mut self, v: f64) {
        self.bytes.extend_from_slice(&v.to_le_bytes());
    }

    pub(crate) fn len(&mut self, v: usize) {
        self.u64(v as u64);
    }

    pub(crate) fn blob(&mut self, v: &[u8]) {
        self.len(v.len());
        self.bytes.extend_from_slice(v);
    }

    pub(crate) fn val(&mut self, v: &Val<'_>) {
        match v {
            Val::Null => self.byte(0),
            Val::Bool(v) => {
                self.byte(1);
                self.byte(u8::from(*v));
            }
            Val::Int(v) => {
                self.byte(2);
                self.i64(i64::from(*v));
            }
            Val::Long(v) => {
                self.byte(3);
                self.i64(*v);
            }
            Val::Real(v) => {
                self.byte(4);
                self.f64(*v);
            }
            Val::Decimal(v) => {
                self.byte(5);
                self.i128(*v);
            }
            Val::Str(v) => {
                self.byte(6);
                self.blob(v.as_bytes());
            }
            Val::DateTime(v) => {
                self.byte(7);
                self.i64(*v);
            }
            Val::Timespan(v) => {
                self.byte(8);
                self.i64(*v);
            }
            Val::Guid(v) => {
                self.byte(9);
                self.bytes.extend_from_slice(v);
            }
            Val::Dynamic(v) => {
                self.byte(10);
                self.blob(v.as_bytes());
            }
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads a state; anything unexpected is an error.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes }
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8], EvalError> {
        let (head, tail) = self.bytes.split_at_checked(n).ok_or_else(corrupt)?;
        self.bytes = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], EvalError> {
        self.take(N)?.try_into().map_err(|_| corrupt())
    }

    pub(crate) fn byte(&mut self) -> Result<u8, EvalError> {
        self.array::<1>().map(|[b]| b)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, EvalError> {
        self.array().map(i64::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, EvalError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn u128(&mut self) -> Result<u128, EvalError> {
        self.array().map(u128::from_le_bytes)
    }

    pub(crate) fn i128(&mut self) -> Result<i128, EvalError> {
        self.array().map(i128::from_le_bytes)
    }

    pub(crate) fn f64(&mut self) -> Result<f64, EvalError> {
        self.array().map(f64::from_le_bytes)
    }

    /// A count of items that take at least `item` bytes each, so that a corrupt count cannot reserve memory.
    pub(crate) fn len(&mut self, item: usize) -> Result<usize, EvalError> {
        let n = usize::try_from(self.u64()?).map_err(|_| corrupt())?;
        match n.checked_mul(item) {
            Some(bytes) if bytes <= self.bytes.len() => Ok(n),
            _ => Err(corrupt()),
        }
    }

    pub(crate) fn blob(&mut self) -> Result<&'a [u8], EvalError> {
        let n = self.len(1)?;
        self.take(n)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, EvalError> {
        std::str::from_utf8(self.blob()?).map_err(|_| corrupt())
    }

    pub(crate) fn val(&mut self) -> Result<Val<'static>, EvalError> {
        Ok(match self.byte()? {
            0 => Val::Null,
            1 => Val::Bool(self.byte()? != 0),
            2 => Val::Int(i32::try_from(self.i64()?).map_err(|_| corrupt())?),
            3 => Val::Long(self.i64()?),
            4 => Val::Real(self.f64()?),
            5 => Val::Decimal(self.i128()?),
            6 => Val::Str(Cow::Owned(self.text()?.to_string())),
            7 => Val::DateTime(self.i64()?),
            8 => Val::Timespan(self.i64()?),
            9 => Val::Guid(self.array()?),
            10 => Val::Dynamic(Cow::Owned(self.text()?.to_string())),
            _ => return Err(corrupt()),
        })
    }

    pub(crate) fn is_done(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// The error of a state that no accumulator wrote.
pub(crate) fn corrupt() -> EvalError {
    EvalError("corrupt aggregate state".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_round_trip() {
        let values = [
            Val::Null,
            Val::Bool(true),
            Val::Int(-3),
            Val::Long(i64::MIN),
            Val::Real(-0.5),
            Val::Decimal(i128::MAX),
            Val::str("añb"),
            Val::DateTime(7),
            Val::Timespan(-7),
            Val::Guid([9; 16]),
            Val::Dynamic(Cow::Borrowed("[1]")),
        ];
        let mut w = Writer::default();
        values.iter().for_each(|v| w.val(v));
        let bytes = w.finish();
        let mut r = Reader::new(&bytes);
        for v in &values {
            assert_eq!(&r.val().unwrap(), v);
        }
        assert!(r.is_done());
    }

    #[test]
    fn broken_bytes_are_errors() {
        assert!(Reader::new(&[3, 1]).val().is_err());
        assert!(Reader::new(&[99]).val().is_err());
        assert!(Reader::new(&[6, 255, 255, 255, 255, 255, 255, 255, 255]).val().is_err());
        assert!(Reader::new(&[6, 1, 0, 0, 0, 0, 0, 0, 0, 0xff]).val().is_err());
    }
}
