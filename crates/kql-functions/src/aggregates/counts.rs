//! Row counts.

use super::state::{Reader, Writer};
use super::{If, entry};
use crate::catalogue::{Accumulator, Aggregate};
use crate::{Cx, EvalError, Val};

const COUNT: &str = "The number of rows, nulls included.";

pub(super) static ENTRIES: &[Aggregate] = &[
    entry("count", COUNT, count),
    entry("cnt", COUNT, count),
    entry("countif", "The number of rows whose predicate is true.", countif),
];

fn count(_cx: &Cx<'_>) -> Box<dyn Accumulator> {
    Box::new(Count(0))
}

fn countif(_cx: &Cx<'_>) -> Box<dyn Accumulator> {
    Box::new(If { predicate: 0, inner: Count(0) })
}

struct Count(i64);

impl Accumulator for Count {
    fn update(&mut self, _args: &[Val<'_>]) -> Result<(), EvalError> {
        self.0 += 1;
        Ok(())
    }

    fn state(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.i64(self.0);
        w.finish()
    }

    fn merge(&mut self, state: &[u8]) -> Result<(), EvalError> {
        self.0 = self.0.saturating_add(Reader::new(state).i64()?);
        Ok(())
    }

    fn finish(&mut self) -> Result<Val<'static>, EvalError> {
        Ok(Val::Long(self.0))
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::run;
    use super::*;
    use crate::Type;

    #[test]
    fn counts_rows() {
        let rows = vec![vec![Val::Null], vec![Val::Long(1)], vec![Val::Long(1)], vec![Val::Null]];
        assert_eq!(run("count", &[Type::Long], Type::Long, &rows), Val::Long(4));
        assert_eq!(run("count", &[], Type::Long, &[]), Val::Long(0));
    }

    #[test]
    fn counts_only_true() {
        let rows = vec![vec![Val::Bool(true)], vec![Val::Bool(false)], vec![Val::Null], vec![Val::Bool(true)]];
        assert_eq!(run("countif", &[Type::Bool], Type::Long, &rows), Val::Long(2));
    }
}
