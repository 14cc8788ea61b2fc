//! States of percentile estimates.

use super::percentiles::weight;
use super::state::{Reader, Writer, corrupt};
use super::{Digest, Kind, arg, entry};
use crate::catalogue::{Accumulator, Aggregate};
use crate::{Cx, Dynamic, EvalError, Val};

const MERGE: &str = "The union of several tdigest states.";

pub(super) static ENTRIES: &[Aggregate] = &[
    entry("tdigest", "The state of an estimate of percentiles, of weighted values if a weight is given.", |cx| {
        Box::new(TDigest::new(cx))
    }),
    entry("tdigest_merge", MERGE, |_| Box::new(Merged::default())),
    entry("merge_tdigest", MERGE, |_| Box::new(Merged::default())),
];

struct TDigest {
    kind: Option<Kind>,
    digest: Digest,
}

impl TDigest {
    fn new(cx: &Cx<'_>) -> TDigest {
        TDigest { kind: cx.args.first().copied().and_then(Kind::of), digest: Digest::new() }
    }
}

impl Accumulator for TDigest {
    fn update(&mut self, args: &[Val<'_>]) -> Result<(), EvalError> {
        if let Some(key) = self.kind.and_then(|kind| kind.key(arg(args, 0))) {
            self.digest.add(key, args.get(1).map_or(1, weight));
        }
        Ok(())
    }

    fn state(&self) -> Vec<u8> {
        let mut w = Writer::default();
        self.digest.write(&mut w);
        w.finish()
    }

    fn merge(&mut self, state: &[u8]) -> Result<(), EvalError> {
        self.digest.merge_read(&mut Reader::new(state))
    }

    fn finish(&mut self) -> Result<Val<'static>, EvalError> {
        Ok(self.kind.map_or(Val::Null, |kind| value(&mut self.digest, kind)))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.digest.heap_size()
    }
}

/// A digest as a dynamic; null if it is empty.
fn value(digest: &mut Digest, kind: Kind) -> Val<'static> {
    if digest.is_empty() {
        return Val::Null;
    }
    digest.shrink();
    Val::dynamic(&digest.to_dynamic(kind))
}

/// The union of digests; those of another kind than the first are left out.
#[derive(Default)]
pub(crate) struct Merged {
    known: Option<(Kind, Digest)>,
}

impl Merged {
    /// Adds a digest; what is not one is passed over.
    pub(crate) fn add(&mut self, value: &Val<'_>) {
        if let Val::Dynamic(text) = value
            && let Some((kind, digest)) = Digest::from_dynamic(&Dynamic::decode(text))
        {
            self.join(kind, digest);
        }
    }

    fn join(&mut self, kind: Kind, other: Digest) {
        match &mut self.known {
            Some((known, digest)) if *known == kind => digest.merge(&other),
            Some(_) => {}
            None => self.known = Some((kind, other)),
        }
    }

    /// The union; null if there is none.
    pub(crate) fn value(&mut self) -> Val<'static> {
        self.known.as_mut().map_or(Val::Null, |(kind, digest)| value(digest, *kind))
    }
}

impl Accumulator for Merged {
    fn update(&mut self, args: &[Val<'_>]) -> Result<(), EvalError> {
        self.add(arg(args, 0));
        Ok(())
    }

    fn state(&self) -> Vec<u8> {
        let mut w = Writer::default();
        if let Some((kind, digest)) = &self.known {
            w.i64(kind.code());
            digest.write(&mut w);
        }
        w.finish()
    }

    fn merge(&mut self, state: &[u8]) -> Result<(), EvalError> {
        let mut r = Reader::new(state);
        if r.is_done() {
            return Ok(());
        }
        let kind = Kind::from_code(r.i64()?).ok_or_else(corrupt)?;
        let mut digest = Digest::new();
        digest.merge_read(&mut r)?;
        self.join(kind, digest);
        Ok(())
    }

    fn finish(&mut self) -> Result<Val<'static>, EvalError> {
        Ok(self.value())
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.known.as_ref().map_or(0, |(_, digest)| digest.heap_size())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{dynamic, longs, run};
    use super::*;
    use crate::Type;

    #[test]
    fn digests() {
        let a = run("tdigest", &[Type::Long], Type::Dynamic, &longs(&[3, 1, 3]));
        assert_eq!(a, dynamic("[[7],[1,3],[1,2]]"));
        assert_eq!(run("tdigest", &[Type::Long], Type::Dynamic, &[]), Val::Null);
        let weighted = vec![vec![Val::Long(1), Val::Long(1)], vec![Val::Long(2), Val::Long(2)]];
        let b = run("tdigest", &[Type::Long, Type::Long], Type::Dynamic, &weighted);
        assert_eq!(b, dynamic("[[7],[1,2],[1,2]]"));
        let rows = vec![vec![a], vec![Val::Null], vec![b]];
        let all = run("tdigest_merge", &[Type::Dynamic], Type::Dynamic, &rows);
        assert_eq!(all, dynamic("[[7],[1,2,3],[2,2,2]]"));
    }
}
