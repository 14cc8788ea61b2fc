//! Arrays: slicing, shifting, sorting, making them.

use std::cmp::Ordering;

use super::compare::{Relation, numbers, relation_to_tree, tree_value};
use super::scan;
use super::support::{
    DECIMAL_ONE, Out, array, array_of, decimal_units, from_array, lenient, long_arg, number, strict, tree_number,
};
use crate::{Cx, Dynamic, Scalar, Type, Val};

/// The entries of this family.
pub(super) static ENTRIES: &[Scalar] = &[
    strict("array_length", "The number of items of an array.", length),
    strict("arraylength", "The number of items of an array.", length),
    lenient("array_concat", "The items of all arrays.", concat),
    lenient("array_iff", "Picks item by item from two arrays or values.", iff),
    lenient("array_iif", "Picks item by item from two arrays or values.", iff),
    lenient("array_index_of", "The position of a value in an array, -1 if it is not there.", index_of),
    strict("array_reverse", "The items in reverse order.", reverse),
    strict("array_rotate_left", "Moves the items to the left, around the end.", rotate_left),
    strict("array_rotate_right", "Moves the items to the right, around the end.", rotate_right),
    lenient("array_shift_left", "Moves the items to the left and fills up with a value.", shift_left),
    lenient("array_shift_right", "Moves the items to the right and fills up with a value.", shift_right),
    strict("array_slice", "The items between two positions, both included.", slice),
    lenient("array_sort_asc", "The items from small to large; further arrays follow the first.", sort_asc),
    lenient("array_sort_desc", "The items from large to small; further arrays follow the first.", sort_desc),
    strict("array_split", "Cuts an array at positions.", split),
    strict("array_sum", "The sum of a numeric array.", sum),
    lenient("range", "An array of equally spaced values.", range),
    lenient("repeat", "An array of one value many times.", repeat),
    lenient("zip", "An array of the first items, the second items and so on of several arrays.", zip),
];

/// The most items that `range` and `repeat` make.
const MOST_ITEMS: i64 = 1_048_576;

fn length<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let count = args.first().and_then(Val::as_str).and_then(scan::count);
    Ok(count.map_or(Val::Null, |n| Val::Long(n as i64)))
}

fn concat<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let mut joined: Option<Vec<Dynamic>> = None;
    for items in args.iter().filter_map(array_of) {
        joined.get_or_insert_default().extend(items);
    }
    Ok(joined.map_or(Val::Null, from_array))
}

fn iff<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let [condition, when_true, when_false] = args else { return Ok(Val::Null) };
    let Some(conditions) = array_of(condition) else { return Ok(Val::Null) };
    let (when_true, when_false) = (Choice::of(when_true), Choice::of(when_false));
    let picked = conditions.iter().enumerate().map(|(i, condition)| match condition {
        Dynamic::String(_) | Dynamic::DateTime(_) | Dynamic::Timespan(_) => Dynamic::Null,
        other => match number(&tree_number(other)) {
            None => Dynamic::Null,
            Some(n) if n != 0.0 => when_true.at(i),
            Some(_) => when_false.at(i),
        },
    });
    Ok(from_array(picked.collect()))
}

/// A value for all items, or one for each.
enum Choice {
    One(Dynamic),
    Each(Vec<Dynamic>),
}

impl Choice {
    fn of(v: &Val<'_>) -> Choice {
        array_of(v).map_or_else(|| Choice::One(v.to_tree()), Choice::Each)
    }

    fn at(&self, position: usize) -> Dynamic {
        match self {
            Choice::One(v) => v.clone(),
            Choice::Each(items) => items.get(position).cloned().unwrap_or(Dynamic::Null),
        }
    }
}

fn index_of<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let (Some(items), Some(wanted)) = (array(args, 0), args.get(1)) else { return Ok(Val::Null) };
    let (start, length) = (long_arg(args, 2).unwrap_or(0), long_arg(args, 3).unwrap_or(-1));
    let occurrence = long_arg(args, 4).unwrap_or(1);
    if length < -1 || occurrence < 1 {
        return Ok(Val::Null);
    }
    let start = if start < 0 { (start + items.len() as i64).max(0) } else { start };
    let limit = if length < 0 { usize::MAX } else { usize::try_from(length).unwrap_or(usize::MAX) };
    let position = items
        .iter()
        .enumerate()
        .skip(usize::try_from(start).unwrap_or(usize::MAX))
        .take(limit)
        .filter(|(_, item)| is_item(wanted, item))
        .nth(usize::try_from(occurrence - 1).unwrap_or(usize::MAX));
    Ok(Val::Long(position.map_or(-1, |(i, _)| i as i64)))
}

/// Whether an array's item is the value, without conversion between text and numbers.
pub(super) fn is_item(wanted: &Val<'_>, item: &Dynamic) -> bool {
    match (wanted, item) {
        (Val::Str(a), Dynamic::String(b)) => a.as_ref() == b.as_str(),
        (Val::Str(_), _) | (_, Dynamic::String(_)) if !matches!(wanted, Val::Dynamic(_)) => false,
        (Val::Null, item) => *item == Dynamic::Null,
        (wanted, item) => relation_to_tree(wanted, item) == Relation::Ordered(Ordering::Equal),
    }
}

fn reverse<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(array(args, 0).map_or(Val::Null, |mut items| {
        items.reverse();
        from_array(items)
    }))
}

fn rotate_left<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(rotate(args, 1))
}

fn rotate_right<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(rotate(args, -1))
}

fn rotate<'a>(args: &[Val<'_>], direction: i128) -> Val<'a> {
    let (Some(mut items), Some(by)) = (array(args, 0), long_arg(args, 1)) else { return Val::Null };
    if !items.is_empty() {
        let by = (i128::from(by) * direction).rem_euclid(items.len() as i128);
        items.rotate_left(usize::try_from(by).unwrap_or(0));
    }
    from_array(items)
}

fn shift_left<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(shift(args, 1))
}

fn shift_right<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(shift(args, -1))
}

fn shift<'a>(args: &[Val<'_>], direction: i128) -> Val<'a> {
    let (Some(items), Some(by)) = (array(args, 0), long_arg(args, 1)) else { return Val::Null };
    let fill = args.get(2).map_or(Dynamic::Null, Val::to_tree);
    let by = i128::from(by) * direction;
    let shifted = (0..items.len()).map(|i| {
        let from = usize::try_from(i as i128 + by).ok();
        from.and_then(|f| items.get(f)).unwrap_or(&fill).clone()
    });
    from_array(shifted.collect())
}

fn slice<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let (Some(items), Some(start), Some(end)) = (array(args, 0), long_arg(args, 1), long_arg(args, 2)) else {
        return Ok(Val::Null);
    };
    let length = items.len() as i64;
    let from_start = |p: i64| if p < 0 { p.saturating_add(length) } else { p };
    let start = usize::try_from(from_start(start).max(0)).unwrap_or(usize::MAX);
    let end = usize::try_from(from_start(end).saturating_add(1).max(0)).unwrap_or(0);
    let taken = items.into_iter().take(end).skip(start);
    Ok(from_array(taken.collect()))
}

fn sort_asc<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(sort(args, false))
}

fn sort_desc<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(sort(args, true))
}

/// One array gives its sorted items; of several each follows the order of the first, those of another length are null.
fn sort<'a>(args: &[Val<'_>], descending: bool) -> Val<'a> {
    let nulls_last = args.iter().find_map(Val::as_bool).unwrap_or(true);
    let arrays: Vec<&Val<'_>> = args.iter().filter(|v| v.as_bool().is_none()).collect();
    let Some(first) = arrays.first().and_then(|v| array_of(v)) else { return Val::Null };
    let mut order: Vec<usize> = (0..first.len()).collect();
    order.sort_by(|a, b| {
        let (Some(a), Some(b)) = (first.get(*a), first.get(*b)) else { return Ordering::Equal };
        let null_order = (*a == Dynamic::Null).cmp(&(*b == Dynamic::Null));
        let null_order = if nulls_last { null_order } else { null_order.reverse() };
        let value_order = item_order(a, b);
        null_order.then(if descending { value_order.reverse() } else { value_order })
    });
    let sorted = |items: &[Dynamic]| -> Vec<Dynamic> { order.iter().filter_map(|i| items.get(*i)).cloned().collect() };
    if arrays.len() < 2 {
        return from_array(sorted(&first));
    }
    let columns = arrays.iter().map(|v| match array_of(v) {
        Some(items) if items.len() == first.len() => Dynamic::Array(sorted(&items)),
        _ => Dynamic::Null,
    });
    from_array(columns.collect())
}

/// Numbers and times first, then strings, guids, all else.
fn item_order(a: &Dynamic, b: &Dynamic) -> Ordering {
    let rank = |v: &Dynamic| match v {
        Dynamic::Bool(_) | Dynamic::Long(_) | Dynamic::Real(_) | Dynamic::Decimal(_) => 0,
        Dynamic::DateTime(_) | Dynamic::Timespan(_) => 1,
        Dynamic::String(_) => 2,
        Dynamic::Guid(_) => 3,
        _ => 4,
    };
    rank(a).cmp(&rank(b)).then_with(|| match (a, b) {
        (Dynamic::String(a), Dynamic::String(b)) => a.cmp(b),
        (Dynamic::Guid(a), Dynamic::Guid(b)) => a.cmp(b),
        (Dynamic::DateTime(a) | Dynamic::Timespan(a), Dynamic::DateTime(b) | Dynamic::Timespan(b)) => a.cmp(b),
        (a, b) => match (tree_value(a), tree_value(b)) {
            (Some(a), Some(b)) => numbers(&a, &b).unwrap_or(Ordering::Equal),
            _ => Ordering::Equal,
        },
    })
}

fn split<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let Some(items) = array(args, 0) else { return Ok(Val::Null) };
    let positions: Vec<i64> = match args.get(1) {
        Some(Val::Dynamic(d)) => match Dynamic::decode(d) {
            Dynamic::Array(positions) => positions.iter().filter_map(|p| tree_number(p).as_i64()).collect(),
            one => tree_number(&one).as_i64().into_iter().collect(),
        },
        other => other.and_then(Val::as_i64).into_iter().collect(),
    };
    let length = items.len() as i64;
    let mut parts = Vec::new();
    let mut start = 0;
    for position in positions {
        let position = if position < 0 { position.saturating_add(length) } else { position };
        let end = usize::try_from(position.clamp(0, length)).unwrap_or(0);
        parts.push(Dynamic::Array(items.get(start..end).unwrap_or_default().to_vec()));
        start = start.max(end);
    }
    parts.push(Dynamic::Array(items.get(start..).unwrap_or_default().to_vec()));
    Ok(from_array(parts))
}

fn sum<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let Some(items) = array(args, 0) else { return Ok(Val::Null) };
    let total: Option<f64> = items.iter().map(|v| tree_value(v).as_ref().and_then(number)).sum();
    Ok(total.map_or(Val::Null, Val::Real))
}

fn range<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let (Some(start), Some(stop)) = (args.first(), args.get(1)) else { return Ok(Val::Null) };
    if args.iter().any(Val::is_null) {
        return Ok(Val::Null);
    }
    let step = args.get(2);
    let items = match start {
        Val::DateTime(_) | Val::Timespan(_) => {
            const HOUR: i64 = 36_000_000_000;
            let wrap =
                |v: i64| if matches!(start, Val::DateTime(_)) { Dynamic::DateTime(v) } else { Dynamic::Timespan(v) };
            let ticks = |v: &Val<'_>| v.as_ticks().or_else(|| v.as_i64());
            let (Some(from), Some(to)) = (ticks(start), ticks(stop)) else { return Ok(Val::Null) };
            let Some(by) = step.map_or(Some(HOUR), ticks) else { return Ok(Val::Null) };
            steps(from, to, by).map(|values| values.map(wrap).collect::<Vec<_>>())
        }
        _ if args.iter().any(|v| matches!(v, Val::Decimal(_))) => {
            let by = step.map_or(Some(DECIMAL_ONE), decimal_units);
            let (Some(from), Some(to), Some(by)) = (decimal_units(start), decimal_units(stop), by) else {
                return Ok(Val::Null);
            };
            spaces(from, to, by).map(|n| (0..n).map(|i| Dynamic::Decimal(from + i128::from(i) * by)).collect())
        }
        _ if args.iter().any(|v| matches!(v, Val::Real(_))) => {
            let by = step.map_or(Some(1.0), number);
            let (Some(from), Some(to), Some(by)) = (number(start), number(stop), by) else { return Ok(Val::Null) };
            let count = ((to - from) / by).floor() + 1.0;
            let count = if count.is_nan() { None } else { Some(count.clamp(0.0, MOST_ITEMS as f64) as i64) };
            count.map(|n| (0..n).map(|i| Dynamic::Real(from + i as f64 * by)).collect())
        }
        _ => {
            let by = step.map_or(Some(1), Val::as_i64);
            let (Some(from), Some(to), Some(by)) = (start.as_i64(), stop.as_i64(), by) else { return Ok(Val::Null) };
            steps(from, to, by).map(|values| values.map(Dynamic::Long).collect())
        }
    };
    Ok(items.map_or(Val::Null, from_array))
}

fn steps(from: i64, to: i64, by: i64) -> Option<impl Iterator<Item = i64>> {
    let count = spaces(i128::from(from), i128::from(to), i128::from(by))?;
    Some((0..count).map(move |i| from.wrapping_add(i.wrapping_mul(by))))
}

/// How many values lie from one bound to the other; `None` for a step of zero.
fn spaces(from: i128, to: i128, by: i128) -> Option<i64> {
    let distance = to.checked_sub(from)?;
    if by == 0 {
        return None;
    }
    if distance != 0 && (distance < 0) != (by < 0) {
        return Some(0);
    }
    Some(i64::try_from(distance / by).unwrap_or(MOST_ITEMS).saturating_add(1).min(MOST_ITEMS))
}

fn repeat<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let (Some(value), Some(count)) = (args.first(), long_arg(args, 1)) else { return Ok(Val::Null) };
    if count < 0 {
        return Ok(Val::Null);
    }
    debug_assert!(cx.ret == Type::Dynamic, "repeat gives an array");
    let count = usize::try_from(count.min(MOST_ITEMS)).unwrap_or(0);
    Ok(from_array(vec![value.to_tree(); count]))
}

fn zip<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let arrays: Option<Vec<Vec<Dynamic>>> = args.iter().map(array_of).collect();
    let Some(arrays) = arrays else { return Ok(Val::Null) };
    let longest = arrays.iter().map(Vec::len).max().unwrap_or(0);
    let row = |i: usize| arrays.iter().map(|a| a.get(i).cloned().unwrap_or(Dynamic::Null)).collect();
    Ok(from_array((0..longest).map(|i| Dynamic::Array(row(i))).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str, args: &[Val<'_>]) -> String {
        let entry = ENTRIES.iter().find(|e| e.name == name).unwrap();
        match (entry.kernel)(&Cx { args: &[], ret: Type::Dynamic }, args).unwrap() {
            Val::Long(n) => n.to_string(),
            Val::Real(n) => n.to_string(),
            other => other.as_str().unwrap_or("null").to_string(),
        }
    }

    fn d(s: &str) -> Val<'_> {
        Val::Dynamic(s.into())
    }

    #[test]
    fn slices_and_shifts() {
        let a = "[1,2,3,4,5]";
        assert_eq!(run("array_slice", &[d(a), Val::Long(-3), Val::Long(-2)]), "[3,4]");
        assert_eq!(run("array_slice", &[d(a), Val::Long(2), Val::Long(100)]), "[3,4,5]");
        assert_eq!(run("array_slice", &[d(a), Val::Long(3), Val::Long(1)]), "[]");
        assert_eq!(run("array_rotate_left", &[d(a), Val::Long(-2)]), "[4,5,1,2,3]");
        assert_eq!(run("array_shift_left", &[d(a), Val::Long(-2), Val::Long(-1)]), "[-1,-1,1,2,3]");
        assert_eq!(run("array_shift_right", &[d(a), Val::Long(9)]), "[null,null,null,null,null]");
        assert_eq!(run("array_split", &[d(a), d("[1,3]")]), "[[1],[2,3],[4,5]]");
        assert_eq!(run("array_split", &[d(a), Val::Long(-1)]), "[[1,2,3,4],[5]]");
        assert_eq!(run("array_concat", &[d("{}"), d("[9]"), Val::Null]), "[9]");
    }

    #[test]
    fn finds_and_sorts() {
        let words = r#"["this","is","an","example","an","example"]"#;
        let at = |rest: &[i64]| {
            let mut args = vec![d(words), Val::str("example")];
            args.extend(rest.iter().map(|n| Val::Long(*n)));
            run("array_index_of", &args)
        };
        assert_eq!(
            (at(&[1, 3]), at(&[1, 2]), at(&[1, -1, 2]), at(&[-1])),
            ("3".into(), "-1".into(), "5".into(), "5".into())
        );
        assert_eq!(run("array_sort_desc", &[d(r#"[null,"b","c",null,"a"]"#)]), r#"["c","b","a",null,null]"#);
        assert_eq!(run("array_sort_desc", &[d(r#"[null,"b","c"]"#), Val::Bool(false)]), r#"[null,"c","b"]"#);
        assert_eq!(run("array_sort_asc", &[d("[3,1.5,2]"), d(r#"["c","a","b"]"#)]), r#"[[1.5,2,3],["a","b","c"]]"#);
    }

    #[test]
    fn picks_and_makes() {
        assert_eq!(
            run("array_iff", &[d("[true,0,50,\"x\",null]"), d("[1,2]"), Val::str("n")]),
            r#"[1,"n",null,null,null]"#
        );
        assert_eq!(run("range", &[Val::Long(1), Val::Long(7), Val::Long(3)]), "[1,4,7]");
        assert_eq!(run("range", &[Val::Long(3), Val::Long(1), Val::Long(-1)]), "[3,2,1]");
        assert_eq!(run("range", &[Val::Long(3), Val::Long(1)]), "[]");
        assert_eq!(
            run("range", &[Val::Long(i64::MIN), Val::Long(i64::MIN + 1)]),
            format!("[{},{}]", i64::MIN, i64::MIN + 1)
        );
        assert_eq!(run("repeat", &[Val::Long(1), Val::Long(3)]), "[1,1,1]");
        assert_eq!(run("repeat", &[Val::Long(1), Val::Long(-3)]), "null");
        assert_eq!(run("zip", &[d("[1,2]"), d("[\"a\"]")]), "[[1,\"a\"],[2,null]]");
        assert_eq!(run("array_sum", &[d("[1,2.5]")]), "3.5");
        assert_eq!(run("array_sum", &[d("[1,null]")]), "null");
    }
}
