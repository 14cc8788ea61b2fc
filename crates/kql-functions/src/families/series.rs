//! Series: arithmetic and comparison item by item, filling of gaps, filters, sums.

use super::compare::numbers;
use super::compare::tree_value;
use super::support::{Out, array, array_of, from_array, lenient, number, real_arg, strict, whole};
use crate::{Cx, Dynamic, Scalar, Val};

/// The entries of this family.
pub(super) static ENTRIES: &[Scalar] = &[
    strict("series_add", "The sums of the items of two series.", add),
    strict("series_subtract", "The differences of the items of two series.", subtract),
    strict("series_multiply", "The products of the items of two series.", multiply),
    strict("series_divide", "The quotients of the items of two series.", divide),
    strict("series_pow", "The items of a series to the power of those of another.", pow),
    strict("series_equals", "Whether items of two series are equal.", equals),
    strict("series_not_equals", "Whether items of two series differ.", not_equals),
    strict("series_greater", "Whether items are greater than those of another series.", greater),
    strict("series_greater_equals", "Whether items are at least those of another series.", greater_equals),
    strict("series_less", "Whether items are less than those of another series.", less),
    strict("series_less_equals", "Whether items are at most those of another series.", less_equals),
    strict("series_abs", "The absolute values of a series.", abs),
    strict("series_ceiling", "The items rounded up.", ceiling),
    strict("series_floor", "The items rounded down.", floor),
    strict("series_sign", "The signs of the items.", sign),
    strict("series_exp", "e to the power of the items.", exp),
    strict("series_log", "The natural logarithms of the items.", log),
    strict("series_sin", "The sines of the items.", sin),
    strict("series_cos", "The cosines of the items.", cos),
    strict("series_tan", "The tangents of the items.", tan),
    strict("series_asin", "The angles of sines.", asin),
    strict("series_acos", "The angles of cosines.", acos),
    strict("series_atan", "The angles of tangents.", atan),
    strict("series_sum", "The sum of a series.", sum),
    strict("series_product", "The product of a series.", product),
    strict("series_dot_product", "The sum of the products of two series.", dot_product),
    strict("series_magnitude", "The Euclidean length of a series.", magnitude),
    lenient("series_fill_const", "Gaps replaced by a constant.", fill_const),
    lenient("series_fill_forward", "Gaps replaced by the item before.", fill_forward),
    lenient("series_fill_backward", "Gaps replaced by the item after.", fill_backward),
    lenient("series_fill_linear", "Gaps replaced by a line between their neighbours.", fill_linear),
    strict("series_fir", "A finite impulse response filter.", fir),
    strict("series_iir", "An infinite impulse response filter.", iir),
];

/// Numbers, of which some may be missing; whole only if all are.
pub(super) struct Series {
    /// The items.
    pub(super) items: Vec<Option<f64>>,
    /// Whether all items are integers.
    pub(super) integral: bool,
}

impl Series {
    /// The numbers of an array; other items are missing.
    pub(super) fn of(v: &Val<'_>) -> Option<Series> {
        array_of(v).map(|items| Series::of_items(&items))
    }

    fn of_items(items: &[Dynamic]) -> Series {
        Series {
            integral: items.iter().all(|v| matches!(v, Dynamic::Long(_) | Dynamic::Null)),
            items: items.iter().map(|v| tree_value(v).as_ref().and_then(number)).collect(),
        }
    }

    /// All numbers; `None` if one is missing.
    pub(super) fn complete(v: &Val<'_>) -> Option<Vec<f64>> {
        Series::of(v)?.items.into_iter().collect()
    }

    fn map(&self, f: impl Fn(f64) -> f64) -> Val<'static> {
        items_value(self.items.iter().map(|v| v.map(&f)), self.integral)
    }
}

/// Numbers as an array, as longs if they are integral.
fn items_value(items: impl Iterator<Item = Option<f64>>, integral: bool) -> Val<'static> {
    from_array(items.map(|v| item(v, integral)).collect())
}

fn item(v: Option<f64>, integral: bool) -> Dynamic {
    match v {
        None => Dynamic::Null,
        Some(v) if integral => whole(v).map_or(Dynamic::Real(v), Dynamic::Long),
        Some(v) => Dynamic::Real(v),
    }
}

/// An operand: a series, or a number for all items.
enum Operand {
    Items(Vec<Dynamic>),
    One(Dynamic),
}

impl Operand {
    fn of(v: &Val<'_>) -> Option<Operand> {
        match v {
            Val::Dynamic(_) => array_of(v).map(Operand::Items),
            other => number(other).map(|_| Operand::One(other.to_tree())),
        }
    }

    fn at(&self, position: usize) -> Option<Val<'static>> {
        match self {
            Operand::Items(items) => items.get(position).and_then(tree_value),
            Operand::One(v) => tree_value(v),
        }
    }

    fn len(&self) -> usize {
        match self {
            Operand::Items(items) => items.len(),
            Operand::One(_) => 0,
        }
    }
}

/// Joins two series item by item; what is no number or not there gives null.
fn pairs<'a>(args: &[Val<'_>], f: impl Fn(&Val<'_>, &Val<'_>) -> Dynamic) -> Out<'a> {
    let [left, right] = args else { return Ok(Val::Null) };
    let (Some(left), Some(right)) = (Operand::of(left), Operand::of(right)) else { return Ok(Val::Null) };
    let joined = (0..left.len().max(right.len())).map(|i| match (left.at(i), right.at(i)) {
        (Some(a), Some(b)) => f(&a, &b),
        _ => Dynamic::Null,
    });
    Ok(from_array(joined.collect()))
}

fn arithmetic<'a>(args: &[Val<'_>], longs: fn(i64, i64) -> i64, reals: fn(f64, f64) -> f64) -> Out<'a> {
    pairs(args, |a, b| match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => Dynamic::Long(longs(a, b)),
        _ => real_pair(a, b, reals),
    })
}

fn real_pair(a: &Val<'_>, b: &Val<'_>, f: fn(f64, f64) -> f64) -> Dynamic {
    number(a).zip(number(b)).map_or(Dynamic::Null, |(a, b)| Dynamic::Real(f(a, b)))
}

fn add<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    arithmetic(args, i64::wrapping_add, |a, b| a + b)
}

fn subtract<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    arithmetic(args, i64::wrapping_sub, |a, b| a - b)
}

fn multiply<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    arithmetic(args, i64::wrapping_mul, |a, b| a * b)
}

fn divide<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    pairs(args, |a, b| real_pair(a, b, |a, b| a / b))
}

fn pow<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    pairs(args, |a, b| real_pair(a, b, f64::powf))
}

fn comparison<'a>(args: &[Val<'_>], holds: fn(std::cmp::Ordering) -> bool) -> Out<'a> {
    pairs(args, |a, b| Dynamic::Bool(numbers(a, b).is_some_and(holds)))
}

fn equals<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    comparison(args, std::cmp::Ordering::is_eq)
}

fn not_equals<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    pairs(args, |a, b| Dynamic::Bool(numbers(a, b) != Some(std::cmp::Ordering::Equal)))
}

fn greater<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    comparison(args, std::cmp::Ordering::is_gt)
}

fn greater_equals<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    comparison(args, std::cmp::Ordering::is_ge)
}

fn less<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    comparison(args, std::cmp::Ordering::is_lt)
}

fn less_equals<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    comparison(args, std::cmp::Ordering::is_le)
}

/// A function of each item; integral results keep the type of the series if `keeps`.
fn each<'a>(args: &[Val<'_>], keeps: bool, f: fn(f64) -> f64) -> Out<'a> {
    Ok(args.first().and_then(Series::of).map_or(Val::Null, |mut series| {
        series.integral &= keeps;
        series.map(f)
    }))
}

fn abs<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    each(args, true, f64::abs)
}

fn ceiling<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    each(args, true, f64::ceil)
}

fn floor<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    each(args, true, f64::floor)
}

fn sign<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    each(args, true, |v| {
        if v > 0.0 {
            1.0
        } else if v < 0.0 {
            -1.0
        } else {
            0.0
        }
    })
}

fn exp<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    each(args, false, f64::exp)
}

fn log<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    each(args, false, f64::ln)
}

fn sin<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    each(args, false, f64::sin)
}

fn cos<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    each(args, false, f64::cos)
}

fn tan<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    each(args, false, f64::tan)
}

fn asin<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    each(args, false, f64::asin)
}

fn acos<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    each(args, false, f64::acos)
}

fn atan<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    each(args, false, f64::atan)
}

/// A number of a whole series; null if an item is no number.
fn total<'a>(args: &[Val<'_>], f: impl Fn(&[f64]) -> f64) -> Out<'a> {
    Ok(args.first().and_then(Series::complete).map_or(Val::Null, |items| Val::Real(f(&items))))
}

fn sum<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    total(args, |items| items.iter().fold(0.0, |sum, v| sum + v))
}

fn product<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    total(args, |items| items.iter().product())
}

fn magnitude<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    total(args, |items| items.iter().map(|v| v * v).sum::<f64>().sqrt())
}

fn dot_product<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let [left, right] = args else { return Ok(Val::Null) };
    let (Some(left), Some(right)) = (Operand::of(left), Operand::of(right)) else { return Ok(Val::Null) };
    let products = (0..left.len().max(right.len()))
        .map(|i| Some(number(&left.at(i)?)? * number(&right.at(i)?)?))
        .collect::<Option<Vec<f64>>>();
    Ok(products.map_or(Val::Null, |products| Val::Real(products.iter().fold(0.0, |sum, v| sum + v))))
}

/// Whether an item is a gap: no number, or the placeholder if there is one.
fn is_gap(item: &Dynamic, placeholder: Option<f64>) -> bool {
    match (tree_value(item), placeholder) {
        (None, None) => true,
        (Some(v), Some(placeholder)) => number(&v) == Some(placeholder),
        (Some(Val::Real(v)), None) => v.is_nan(),
        _ => false,
    }
}

fn fill_const<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let Some(mut items) = array(args, 0) else { return Ok(Val::Null) };
    let constant = args.get(1).filter(|v| !v.is_null()).map_or(Dynamic::Long(0), Val::to_tree);
    let placeholder = real_arg(args, 2);
    for slot in items.iter_mut().filter(|v| is_gap(v, placeholder)) {
        *slot = constant.clone();
    }
    Ok(from_array(items))
}

fn fill_forward<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let Some(mut items) = array(args, 0) else { return Ok(Val::Null) };
    fill_along(items.iter_mut(), real_arg(args, 1));
    Ok(from_array(items))
}

fn fill_backward<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let Some(mut items) = array(args, 0) else { return Ok(Val::Null) };
    fill_along(items.iter_mut().rev(), real_arg(args, 1));
    Ok(from_array(items))
}

fn fill_along<'i>(items: impl Iterator<Item = &'i mut Dynamic>, placeholder: Option<f64>) {
    let mut last: Option<Dynamic> = None;
    for slot in items {
        if !is_gap(slot, placeholder) {
            last = Some(slot.clone());
        } else if let Some(last) = &last {
            *slot = last.clone();
        }
    }
}

fn fill_linear<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let Some(items) = array(args, 0) else { return Ok(Val::Null) };
    let placeholder = real_arg(args, 1);
    let edges = args.get(2).and_then(Val::as_bool).unwrap_or(true);
    let present: Vec<bool> = items.iter().map(|v| !is_gap(v, placeholder)).collect();
    if !present.contains(&true) {
        let constant = Dynamic::Real(real_arg(args, 3).unwrap_or(0.0));
        return Ok(from_array(vec![constant; items.len()]));
    }
    let integral = items.iter().zip(&present).all(|(v, present)| !present || matches!(v, Dynamic::Long(_)));
    let values = Series::of_items(&items).items;
    let known: Vec<(usize, f64)> = values
        .iter()
        .enumerate()
        .filter(|(i, _)| present.get(*i) == Some(&true))
        .filter_map(|(i, v)| Some((i, (*v)?)))
        .collect();
    let filled = items.iter().enumerate().map(|(i, original)| {
        let after = known.partition_point(|(k, _)| *k < i);
        match (after.checked_sub(1).and_then(|b| known.get(b)), known.get(after)) {
            (_, Some((k, _))) if *k == i => original.clone(),
            (Some((from, a)), Some((to, b))) => {
                let share = (i - from) as f64 / (to - from) as f64;
                item(Some(a + (b - a) * share), integral)
            }
            (Some((_, edge)), None) | (None, Some((_, edge))) if edges => item(Some(*edge), integral),
            _ => Dynamic::Null,
        }
    });
    Ok(from_array(filled.collect()))
}

fn fir<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let (Some(series), Some(mut filter)) = (args.first().and_then(Series::of), args.get(1).and_then(Series::of)) else {
        return Ok(Val::Null);
    };
    let negative = filter.items.iter().flatten().any(|v| *v < 0.0);
    let normalize = args.get(2).and_then(Val::as_bool).unwrap_or(!negative);
    if normalize && negative {
        return Ok(Val::Null);
    }
    let total: f64 = filter.items.iter().flatten().sum();
    if normalize {
        filter.items.iter_mut().flatten().for_each(|v| *v /= total);
    }
    let centre = if args.get(3).and_then(Val::as_bool) == Some(true) { filter.items.len() / 2 } else { 0 };
    let at = |position: Option<usize>| position.and_then(|p| series.items.get(p)).copied().flatten().unwrap_or(0.0);
    let filtered = (0..series.items.len()).map(|i| {
        let terms = filter.items.iter().enumerate();
        Some(terms.map(|(j, weight)| weight.unwrap_or(0.0) * at((i + centre).checked_sub(j))).sum())
    });
    Ok(items_value(filtered, series.integral && filter.integral && !normalize))
}

fn iir<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let [series, numerators, denominators] = args else { return Ok(Val::Null) };
    let (Some(x), Some(b), Some(a)) =
        (Series::of(series), Series::complete(numerators), Series::complete(denominators))
    else {
        return Ok(Val::Null);
    };
    let Some(first) = a.first().copied().filter(|v| *v != 0.0) else { return Ok(Val::Null) };
    let mut y: Vec<f64> = Vec::with_capacity(x.items.len());
    for i in 0..x.items.len() {
        let input = |j: usize| i.checked_sub(j).and_then(|p| x.items.get(p)).copied().flatten().unwrap_or(0.0);
        let output = |j: usize| i.checked_sub(j).and_then(|p| y.get(p)).copied().unwrap_or(0.0);
        let forward: f64 = b.iter().enumerate().map(|(j, weight)| weight * input(j)).sum();
        let backward: f64 = a.iter().enumerate().skip(1).map(|(j, weight)| weight * output(j)).sum();
        y.push((forward - backward) / first);
    }
    Ok(items_value(y.into_iter().map(Some), false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Type;

    fn run(name: &str, args: &[Val<'_>]) -> String {
        let entry = ENTRIES.iter().find(|e| e.name == name).unwrap();
        match (entry.kernel)(&Cx { args: &[], ret: Type::Dynamic }, args).unwrap() {
            Val::Real(v) => v.to_string(),
            other => other.as_str().unwrap_or("null").to_string(),
        }
    }

    fn d(s: &str) -> Val<'_> {
        Val::Dynamic(s.into())
    }

    #[test]
    fn item_by_item() {
        assert_eq!(run("series_add", &[d("[1,2,4]"), d("[4,2,1.5]")]), "[5,4,5.5]");
        assert_eq!(run("series_subtract", &[d("[1,2,\"x\"]"), d("[4,2,1,7]")]), "[-3,0,null,null]");
        assert_eq!(run("series_divide", &[d("[1,2]"), Val::Long(2)]), "[0.5,1.0]");
        assert_eq!(run("series_pow", &[d("[1,2,3,4]"), d("[1,2,3,0.5]")]), "[1.0,4.0,27.0,2.0]");
        assert_eq!(run("series_greater", &[d("[60,0,null]"), Val::Long(15)]), "[true,false,null]");
        assert_eq!(run("series_abs", &[d("[-6.5,0,8.2]")]), "[6.5,0.0,8.2]");
        assert_eq!(run("series_abs", &[d("[-6,null]")]), "[6,null]");
        assert_eq!(run("series_product", &[d("[1,2,3,4]")]), "24");
        assert_eq!(run("series_sum", &[d("[]")]), "0");
        assert_eq!(run("series_sum", &[d("[1,null]")]), "null");
        assert_eq!(run("series_dot_product", &[d("[1,2]"), d("[3,4]")]), "11");
    }

    #[test]
    fn fills() {
        let gaps = "[null,111,null,36,41,null,null,16,61,33,null,null]";
        assert_eq!(run("series_fill_linear", &[d(gaps)]), "[111,111,73,36,41,32,24,16,61,33,33,33]");
        let edges = [d(gaps), Val::Null, Val::Bool(false)];
        assert_eq!(run("series_fill_linear", &edges), "[null,111,73,36,41,32,24,16,61,33,null,null]");
        assert_eq!(run("series_fill_linear", &[d("[41.0,null,null,11.0]")]), "[41.0,31.0,21.0,11.0]");
        assert_eq!(run("series_fill_linear", &[d("[null,null]")]), "[0.0,0.0]");
        assert_eq!(run("series_fill_forward", &[d("[null,1,null]")]), "[null,1,1]");
        assert_eq!(run("series_fill_backward", &[d("[0,1,0]"), Val::Long(0)]), "[1,1,0]");
        assert_eq!(run("series_fill_const", &[d("[null,1]"), Val::Long(7)]), "[7,1]");
    }

    #[test]
    fn filters() {
        assert_eq!(
            run("series_fir", &[d("[5,15,10,20]"), d("[1,-1]"), Val::Bool(false), Val::Bool(false)]),
            "[5,10,-5,10]"
        );
        assert_eq!(run("series_fir", &[d("[0,3,0,0]"), d("[1,1,1]")]), "[0.0,1.0,1.0,1.0]");
        assert_eq!(
            run("series_fir", &[d("[0,3,0,0]"), d("[1,1,1]"), Val::Bool(true), Val::Bool(true)]),
            "[1.0,1.0,1.0,0.0]"
        );
        assert_eq!(run("series_iir", &[d("[0,1,2,3,4]"), d("[1]"), d("[1,-1]")]), "[0.0,1.0,3.0,6.0,10.0]");
    }
}
