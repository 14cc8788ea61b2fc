//! Questions to the states that the aggregates `hll` and `tdigest` leave.

use crate::aggregates::hll::Hll;
use crate::aggregates::{Digest, Kind, MergedDigest, percentile_array, read_percentiles};
use crate::{Cx, Dynamic, EvalError, Nulls, Scalar, Val};

use crate::catalogue::RowKernel;

const MERGE_TDIGESTS: &str = "The union of tdigest states.";

pub(super) static ENTRIES: &[Scalar] = &[
    entry("dcount_hll", "The number of distinct values that an hll state saw.", Nulls::Propagate, dcount_hll),
    entry("hll_merge", "The union of hll states.", Nulls::Handled, hll_merge),
    entry("tdigest_merge", MERGE_TDIGESTS, Nulls::Handled, tdigest_merge),
    entry("merge_tdigest", MERGE_TDIGESTS, Nulls::Handled, tdigest_merge),
    entry("percentile_tdigest", "A percentile of a tdigest state.", Nulls::Propagate, percentile_tdigest),
    entry(
        "percentiles_array_tdigest",
        "An array of percentiles of a tdigest state.",
        Nulls::Propagate,
        percentiles_array_tdigest,
    ),
    entry("rank_tdigest", "How many values of a tdigest state are not above a value.", Nulls::Propagate, rank_tdigest),
    entry(
        "percentrank_tdigest",
        "How many percent of the values of a tdigest state are not above a value.",
        Nulls::Propagate,
        percentrank_tdigest,
    ),
];

const fn entry(name: &'static str, doc: &'static str, nulls: Nulls, kernel: RowKernel) -> Scalar {
    Scalar { name, doc, nulls, kernel }
}

fn dcount_hll<'a>(_cx: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    Ok(args.first().and_then(hll).map_or(Val::Null, |hll| Val::Long(hll.count())))
}

fn hll_merge<'a>(_cx: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let mut sketches = args.iter().filter_map(hll);
    let Some(mut union) = sketches.next() else {
        return Ok(Val::Null);
    };
    for sketch in sketches {
        union.merge(&sketch)?;
    }
    Ok(Val::dynamic(&union.to_dynamic()))
}

fn tdigest_merge<'a>(_cx: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let mut union = MergedDigest::default();
    args.iter().for_each(|value| union.add(value));
    Ok(union.value())
}

fn percentile_tdigest<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let found = args.first().and_then(digest).and_then(|(kind, digest)| {
        let percentile = args.get(1)?.as_f64()?;
        Some(kind.value_as(digest.percentile(percentile)?, cx.ret))
    });
    Ok(found.unwrap_or(Val::missing(cx.ret)))
}

fn percentiles_array_tdigest<'a>(_cx: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let Some(((kind, digest), rest)) = args.split_first().and_then(|(first, rest)| Some((digest(first)?, rest))) else {
        return Ok(Val::Null);
    };
    Ok(percentile_array(&digest, kind, &read_percentiles(rest)))
}

fn rank_tdigest<'a>(_cx: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    Ok(rank(args).map_or(Val::Null, |(rank, _)| Val::Real(rank)))
}

fn percentrank_tdigest<'a>(_cx: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    Ok(rank(args).map_or(Val::Null, |(rank, total)| Val::Real(rank / total * 100.0)))
}

/// The weight up to a value, and the whole weight.
fn rank(args: &[Val<'_>]) -> Option<(f64, f64)> {
    let (kind, digest) = digest(args.first()?)?;
    let value = args.get(1)?;
    let key = match value {
        Val::Dynamic(text) => kind.key_of_tree(&Dynamic::decode(text))?,
        value => kind.key(value)?,
    };
    Some((digest.rank(key) as f64, digest.total() as f64))
}

/// The sketch that a dynamic value holds.
pub(crate) fn hll(value: &Val<'_>) -> Option<Hll> {
    match value {
        Val::Dynamic(text) => Hll::from_dynamic(&Dynamic::decode(text)),
        _ => None,
    }
}

fn digest(value: &Val<'_>) -> Option<(Kind, Digest)> {
    match value {
        Val::Dynamic(text) => Digest::from_dynamic(&Dynamic::decode(text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Catalogue, Type};

    fn call(name: &str, ret: Type, args: &[Val<'static>]) -> Val<'static> {
        let kernel = Catalogue::get().kernel(name).unwrap().kernel;
        kernel(&Cx { args: &[], ret }, args).unwrap().into_owned()
    }

    fn dynamic(json: &str) -> Val<'static> {
        Val::dynamic(&Dynamic::parse_json(json).unwrap())
    }

    #[test]
    fn hlls() {
        let (a, b) = (dynamic(r#"[[1024,14],["1","2"],[]]"#), dynamic(r#"[[1024,14],["2","-3"],[]]"#));
        assert_eq!(call("dcount_hll", Type::Long, std::slice::from_ref(&a)), Val::Long(2));
        let union = call("hll_merge", Type::Dynamic, &[a, Val::Null, b]);
        assert_eq!(call("dcount_hll", Type::Long, &[union]), Val::Long(3));
        assert_eq!(call("hll_merge", Type::Dynamic, &[Val::Null, Val::Null]), Val::Null);
        assert_eq!(call("dcount_hll", Type::Long, &[dynamic("[1]")]), Val::Null);
    }

    #[test]
    fn tdigests() {
        let (a, b) = (dynamic("[[7],[1,5],[1,2]]"), dynamic("[[7],[5,9],[1,1]]"));
        assert_eq!(call("percentile_tdigest", Type::Dynamic, &[a.clone(), Val::Real(50.0)]), dynamic("5"));
        let union = call("tdigest_merge", Type::Dynamic, &[a, Val::Null, b]);
        assert_eq!(union, dynamic("[[7],[1,5,9],[1,3,1]]"));
        assert_eq!(call("percentile_tdigest", Type::Real, &[union.clone(), Val::Real(100.0)]), Val::Real(9.0));
        let percentiles = [union.clone(), dynamic("[0,50,100]")];
        assert_eq!(call("percentiles_array_tdigest", Type::Dynamic, &percentiles), dynamic("[1,5,9]"));
        assert_eq!(call("rank_tdigest", Type::Real, &[union.clone(), Val::Long(5)]), Val::Real(4.0));
        assert_eq!(call("rank_tdigest", Type::Real, &[union.clone(), Val::Real(4.5)]), Val::Real(1.0));
        assert_eq!(call("percentrank_tdigest", Type::Real, &[union, Val::Long(5)]), Val::Real(80.0));
    }
}
