//! Arrays as sets.

use super::array::is_item;
use super::compare::{numbers, tree_value};
use super::support::{Out, array, array_of, from_array, lenient, strict};
use crate::{Cx, Dynamic, Scalar, Type, Val};
use std::cmp::Ordering;
use std::collections::HashSet;

/// The entries of this family.
pub(super) static ENTRIES: &[Scalar] = &[
    lenient("set_union", "The distinct items of all arrays.", union),
    lenient("set_intersect", "The distinct items that all arrays have.", intersect),
    lenient("set_difference", "The distinct items of the first array that no other has.", difference),
    strict("set_equals", "Whether two arrays have the same distinct items.", equals),
    lenient("set_has_element", "Whether an array has a value.", has_element),
    strict("jaccard_index", "The share of the items of two sets that both have.", jaccard),
];

/// A text that is the same for items that are the same value.
fn key(item: &Dynamic) -> String {
    if let Some(Val::Real(n)) = tree_value(item) {
        let long = Val::Long(n as i64);
        if numbers(&long, &Val::Real(n)) == Some(Ordering::Equal) {
            return Dynamic::Long(n as i64).encode();
        }
    }
    item.encode()
}

fn keys(items: &[Dynamic]) -> HashSet<String> {
    items.iter().map(key).collect()
}

/// The distinct items in order of appearance that pass.
fn distinct(items: Vec<Dynamic>, passes: impl Fn(&str) -> bool) -> Vec<Dynamic> {
    let mut seen = HashSet::new();
    items
        .into_iter()
        .filter(|item| {
            let key = key(item);
            passes(&key) && seen.insert(key)
        })
        .collect()
}

fn union<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let arrays: Vec<Vec<Dynamic>> = args.iter().filter_map(array_of).collect();
    if arrays.is_empty() {
        return Ok(Val::Null);
    }
    Ok(from_array(distinct(arrays.into_iter().flatten().collect(), |_| true)))
}

fn intersect<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let arrays: Option<Vec<Vec<Dynamic>>> = args.iter().map(array_of).collect();
    let Some(mut arrays) = arrays.filter(|a| !a.is_empty()) else { return Ok(Val::Null) };
    let first = arrays.remove(0);
    let others: Vec<HashSet<String>> = arrays.iter().map(|a| keys(a)).collect();
    Ok(from_array(distinct(first, |key| others.iter().all(|o| o.contains(key)))))
}

fn difference<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let Some(first) = array(args, 0) else { return Ok(Val::Null) };
    let others: HashSet<String> = args.iter().skip(1).filter_map(array_of).flat_map(|a| keys(&a)).collect();
    Ok(from_array(distinct(first, |key| !others.contains(key))))
}

fn equals<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let (Some(a), Some(b)) = (array(args, 0), array(args, 1)) else { return Ok(Val::Null) };
    Ok(Val::Bool(keys(&a) == keys(&b)))
}

fn has_element<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let (Some(items), Some(wanted)) = (array(args, 0), args.get(1)) else { return Ok(Val::Null) };
    Ok(Val::Bool(items.iter().any(|item| is_item(wanted, item))))
}

fn jaccard<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let (Some(a), Some(b)) = (array(args, 0), array(args, 1)) else { return Ok(Val::Null) };
    let (a, b) = (keys(&a), keys(&b));
    let index = a.intersection(&b).count() as f64 / a.union(&b).count() as f64;
    Ok(if cx.ret == Type::Dynamic { Val::dynamic(&Dynamic::Real(index)) } else { Val::Real(index) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str, args: &[Val<'_>]) -> Val<'static> {
        let entry = ENTRIES.iter().find(|e| e.name == name).unwrap();
        (entry.kernel)(&Cx { args: &[], ret: Type::Real }, args).unwrap().into_owned()
    }

    fn d(s: &'static str) -> Val<'static> {
        Val::Dynamic(s.into())
    }

    #[test]
    fn sets() {
        assert_eq!(run("set_union", &[d("[1,2,1]"), d("[2,\"a\"]"), Val::Null]), d("[1,2,\"a\"]"));
        assert_eq!(run("set_intersect", &[d("[1,2,1,4]"), d("[1,2]"), d("[8,1]")]), d("[1]"));
        assert_eq!(run("set_difference", &[d("[null,1,null,2]"), d("[null]")]), d("[1,2]"));
        assert_eq!(run("set_has_element", &[d("[1,2,3]"), Val::Long(2)]), Val::Bool(true));
        assert_eq!(run("set_has_element", &[d("[1,2,3]"), Val::str("2")]), Val::Bool(false));
        assert_eq!(run("set_equals", &[d("[1,2,2]"), d("[2,1]")]), Val::Bool(true));
        assert_eq!(run("jaccard_index", &[d("[1,2,3]"), d("[1,2,3,4]")]), Val::Real(0.75));
    }
}
