//! The operators of numbers, times, booleans and dynamic values; those of strings are in `string_operators`.

use std::cmp::Ordering;

use super::compare::{Relation, relation, relation_to_tree};
use super::scan;
use super::support::{
    DECIMAL_ONE, Out, array_of, datetime, decimal_units, lenient, number, strict, timespan, tree_as, whole,
};
use crate::{Cx, Dynamic, EvalError, Scalar, Type, Val};

/// The entries of this family.
pub(super) static ENTRIES: &[Scalar] = &[
    strict("+", "Adds numbers, or a timespan to a datetime or timespan.", add),
    strict("-", "Subtracts numbers or times; of two datetimes the timespan between.", subtract),
    strict("*", "Multiplies numbers, or a timespan by a number.", multiply),
    strict("/", "Divides; integers truncate, division of an integer by zero is null.", divide),
    strict("%", "The remainder of division, never negative.", modulo),
    strict("unary-", "The negative of a number or timespan.", negate),
    strict("unary+", "The number or timespan itself.", plus),
    lenient("==", "Equal; against one null false, of two nulls null.", equal),
    lenient("!=", "Not equal; against one null true, of two nulls null.", not_equal),
    lenient("<>", "Not equal; against one null true, of two nulls null.", not_equal),
    strict("<", "Less than.", less),
    strict("<=", "Less than or equal.", less_or_equal),
    strict(">", "Greater than.", greater),
    strict(">=", "Greater than or equal.", greater_or_equal),
    lenient("and", "True if both are; false if one is, even if the other is null.", and),
    lenient("or", "True if one is, even if the other is null.", or),
    lenient("in", "Equal to one of the values.", is_in),
    lenient("!in", "Equal to none of the values.", is_not_in),
    strict("between", "Within two bounds, both included.", between),
    strict("!between", "Outside of two bounds.", not_between),
    strict(".", "The member of a bag.", member),
    strict("[]", "The item of an array by position, or the member of a bag by key.", index),
    strict("path", "What stands at a path of keys and positions.", path),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

fn add<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    arithmetic(cx, args, Op::Add)
}

fn subtract<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    arithmetic(cx, args, Op::Subtract)
}

fn multiply<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    arithmetic(cx, args, Op::Multiply)
}

fn divide<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    arithmetic(cx, args, Op::Divide)
}

fn modulo<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    arithmetic(cx, args, Op::Modulo)
}

fn arithmetic<'a>(cx: &Cx<'_>, args: &[Val<'_>], op: Op) -> Out<'a> {
    let [left, right] = args else { return Ok(Val::Null) };
    Ok(match (left, right) {
        (Val::Dynamic(_), Val::Dynamic(_)) => {
            return Err(EvalError("Arithmetic expression cannot be carried-out between dynamic and dynamic".into()));
        }
        (Val::Dynamic(d), other) => calculate(&like(d, other, op, true), other, op, cx.ret),
        (other, Val::Dynamic(d)) => calculate(other, &like(d, other, op, false), op, cx.ret),
        _ => calculate(left, right, op, cx.ret),
    })
}

/// A dynamic operand as the type that goes with the other operand.
fn like(encoded: &str, other: &Val<'_>, op: Op, dynamic_is_left: bool) -> Val<'static> {
    let wanted = match other {
        Val::Int(_) | Val::Long(_) => Type::Long,
        Val::Real(_) => Type::Real,
        Val::Decimal(_) => Type::Decimal,
        Val::Timespan(_) => Type::Timespan,
        Val::DateTime(_) if op == Op::Subtract => Type::DateTime,
        Val::DateTime(_) if op == Op::Add || dynamic_is_left => Type::Timespan,
        Val::DateTime(_) => Type::Real,
        _ => return Val::Null,
    };
    tree_as(Dynamic::decode(encoded), wanted)
}

fn calculate(left: &Val<'_>, right: &Val<'_>, op: Op, ret: Type) -> Val<'static> {
    match (left, right) {
        (Val::DateTime(a) | Val::Timespan(a), Val::DateTime(b) | Val::Timespan(b)) => {
            let left_is_date = matches!(left, Val::DateTime(_));
            let right_is_date = matches!(right, Val::DateTime(_));
            times(*a, *b, op, left_is_date, right_is_date)
        }
        (Val::DateTime(a), n) => datetime(scale(*a, n, op)),
        (Val::Timespan(a), n) => timespan(scale(*a, n, op)),
        (n, Val::DateTime(b)) if op == Op::Multiply => datetime(scale(*b, n, op)),
        (n, Val::Timespan(b)) if op == Op::Multiply => timespan(scale(*b, n, op)),
        (Val::Real(_), _) | (_, Val::Real(_)) if ret != Type::Decimal => reals(left, right, op),
        (Val::Decimal(_), _) | (_, Val::Decimal(_)) => decimals(left, right, op),
        _ => match ret {
            Type::Real => reals(left, right, op),
            Type::Decimal => decimals(left, right, op),
            _ => longs(left, right, op, ret),
        },
    }
}

fn times(a: i64, b: i64, op: Op, left_is_date: bool, right_is_date: bool) -> Val<'static> {
    match op {
        Op::Add if left_is_date || right_is_date => datetime(a.checked_add(b)),
        Op::Add => timespan(a.checked_add(b)),
        Op::Subtract if left_is_date != right_is_date => datetime(a.checked_sub(b)),
        Op::Subtract => timespan(a.checked_sub(b)),
        Op::Multiply => timespan(a.checked_mul(b)),
        Op::Divide => Val::Real(a as f64 / b as f64),
        Op::Modulo => timespan(remainder(a, b)),
    }
}

/// Ticks multiplied or divided by a number.
fn scale(ticks: i64, n: &Val<'_>, op: Op) -> Option<i64> {
    if let Some(n) = n.as_i64() {
        return match op {
            Op::Multiply => ticks.checked_mul(n),
            Op::Divide => ticks.checked_div(n),
            Op::Modulo => remainder(ticks, n),
            Op::Add | Op::Subtract => None,
        };
    }
    let n = n.as_f64()?;
    match op {
        Op::Multiply => whole(ticks as f64 * n),
        Op::Divide => whole(ticks as f64 / n),
        Op::Modulo => whole((ticks as f64).rem_euclid(n)),
        Op::Add | Op::Subtract => None,
    }
}

/// The remainder in `0..|b|`; `None` for a zero divisor.
fn remainder(a: i64, b: i64) -> Option<i64> {
    if b == 0 {
        return None;
    }
    i64::try_from(i128::from(a).rem_euclid(i128::from(b))).ok()
}

fn longs(left: &Val<'_>, right: &Val<'_>, op: Op, ret: Type) -> Val<'static> {
    let (Some(a), Some(b)) = (left.as_i64(), right.as_i64()) else { return Val::Null };
    let value = match op {
        Op::Add => Some(a.wrapping_add(b)),
        Op::Subtract => Some(a.wrapping_sub(b)),
        Op::Multiply => Some(a.wrapping_mul(b)),
        Op::Divide if b == 0 => None,
        Op::Divide => Some(a.wrapping_div(b)),
        Op::Modulo => remainder(a, b),
    };
    match value {
        None => Val::Null,
        Some(v) if ret == Type::Int => Val::Int(v as i32),
        Some(v) => Val::Long(v),
    }
}

fn reals(left: &Val<'_>, right: &Val<'_>, op: Op) -> Val<'static> {
    let (Some(a), Some(b)) = (number(left), number(right)) else { return Val::Null };
    Val::Real(match op {
        Op::Add => a + b,
        Op::Subtract => a - b,
        Op::Multiply => a * b,
        Op::Divide => a / b,
        Op::Modulo => a.rem_euclid(b),
    })
}

fn decimals(left: &Val<'_>, right: &Val<'_>, op: Op) -> Val<'static> {
    let (Some(a), Some(b)) = (decimal_units(left), decimal_units(right)) else { return Val::Null };
    let value = match op {
        Op::Add => a.checked_add(b),
        Op::Subtract => a.checked_sub(b),
        Op::Multiply => multiply_units(a, b),
        Op::Divide => divide_units(a, b),
        Op::Modulo => a.checked_rem_euclid(b),
    };
    value.map_or(Val::Null, Val::Decimal)
}

fn multiply_units(a: i128, b: i128) -> Option<i128> {
    let whole = (a / DECIMAL_ONE).checked_mul(b)?;
    let fraction = (a % DECIMAL_ONE).checked_mul(b)? / DECIMAL_ONE;
    whole.checked_add(fraction)
}

fn divide_units(a: i128, b: i128) -> Option<i128> {
    let whole = a.checked_div(b)?.checked_mul(DECIMAL_ONE)?;
    let rest = a % b;
    let fraction = match rest.checked_mul(DECIMAL_ONE) {
        Some(scaled) => scaled / b,
        None => rest / (b / DECIMAL_ONE),
    };
    whole.checked_add(fraction)
}

fn negate<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let [v] = args else { return Ok(Val::Null) };
    Ok(match v {
        Val::Dynamic(d) => match super::support::tree_number(&Dynamic::decode(d)) {
            Val::Null => Val::Null,
            n => Val::dynamic(&negative(&n, Type::Long).to_tree()),
        },
        other => negative(other, cx.ret),
    })
}

fn negative(v: &Val<'_>, ret: Type) -> Val<'static> {
    match v {
        Val::Int(n) if ret == Type::Int => Val::Int(n.wrapping_neg()),
        Val::Int(_) | Val::Long(_) => v.as_i64().map_or(Val::Null, |n| Val::Long(n.wrapping_neg())),
        // Subtracted from zero, so that zero stays positive.
        Val::Real(n) => Val::Real(0.0 - n),
        Val::Decimal(n) => n.checked_neg().map_or(Val::Null, Val::Decimal),
        Val::Timespan(n) => timespan(n.checked_neg()),
        _ => Val::Null,
    }
}

fn plus<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(match args {
        [Val::Int(n)] if cx.ret == Type::Long => Val::Long(i64::from(*n)),
        [v] => v.clone(),
        _ => Val::Null,
    })
}

fn equal<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let [left, right] = args else { return Ok(Val::Null) };
    Ok(equality(relation(left, right)).map_or(Val::Null, Val::Bool))
}

fn not_equal<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let [left, right] = args else { return Ok(Val::Null) };
    Ok(equality(relation(left, right)).map_or(Val::Null, |equal| Val::Bool(!equal)))
}

fn equality(relation: Relation) -> Option<bool> {
    match relation {
        Relation::Ordered(o) => Some(o == Ordering::Equal),
        Relation::Unordered | Relation::OneNull => Some(false),
        Relation::BothNull => None,
    }
}

fn less<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    ordering(args, Ordering::is_lt)
}

fn less_or_equal<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    ordering(args, Ordering::is_le)
}

fn greater<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    ordering(args, Ordering::is_gt)
}

fn greater_or_equal<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    ordering(args, Ordering::is_ge)
}

fn ordering<'a>(args: &[Val<'_>], holds: fn(Ordering) -> bool) -> Out<'a> {
    let [left, right] = args else { return Ok(Val::Null) };
    Ok(compares(left, right, holds).map_or(Val::Null, Val::Bool))
}

/// Whether an order holds; `None` where a side is null.
fn compares(left: &Val<'_>, right: &Val<'_>, holds: fn(Ordering) -> bool) -> Option<bool> {
    match relation(left, right) {
        Relation::Ordered(o) => Some(holds(o)),
        Relation::Unordered => Some(false),
        Relation::OneNull | Relation::BothNull => None,
    }
}

fn and<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(connect(args, false))
}

fn or<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(connect(args, true))
}

/// `decides` settles the result whatever the others are.
fn connect(args: &[Val<'_>], decides: bool) -> Val<'static> {
    let mut missing = false;
    for arg in args {
        match truth(arg) {
            Some(v) if v == decides => return Val::Bool(decides),
            Some(_) => {}
            None => missing = true,
        }
    }
    if missing { Val::Null } else { Val::Bool(!decides) }
}

fn truth(v: &Val<'_>) -> Option<bool> {
    match v {
        Val::Bool(b) => Some(*b),
        Val::Dynamic(d) => tree_as(Dynamic::decode(d), Type::Bool).as_bool(),
        other => number(other).map(|n| n != 0.0),
    }
}

fn is_in<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(contained(args).map_or(Val::Null, Val::Bool))
}

fn is_not_in<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(contained(args).map_or(Val::Null, |found| Val::Bool(!found)))
}

/// An or of `==` over the values, those of arrays one by one.
fn contained(args: &[Val<'_>]) -> Option<bool> {
    let (left, values) = args.split_first()?;
    let mut result = Some(false);
    for value in values {
        match array_of(value) {
            Some(items) => {
                for item in &items {
                    match equality(relation_to_tree(left, item)) {
                        Some(true) => return Some(true),
                        Some(false) => {}
                        None => result = None,
                    }
                }
            }
            None => match equality(relation(left, value)) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => result = None,
            },
        }
    }
    result
}

fn between<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(within(args).map_or(Val::Null, Val::Bool))
}

fn not_between<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(within(args).map_or(Val::Null, |inside| Val::Bool(!inside)))
}

fn within(args: &[Val<'_>]) -> Option<bool> {
    let [value, low, high] = args else { return None };
    let above = compares(value, low, Ordering::is_ge)?;
    let below = match (low, high) {
        // A timespan after a datetime is the length of the range.
        (Val::DateTime(low), Val::Timespan(length)) => {
            compares(value, &Val::DateTime(low.saturating_add(*length)), Ordering::is_le)?
        }
        _ => compares(value, high, Ordering::is_le)?,
    };
    Some(above && below)
}

fn member<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(match args {
        [Val::Dynamic(bag), Val::Str(key)] => found(scan::member(bag, key)),
        _ => Val::Null,
    })
}

fn index<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(match args {
        [Val::Dynamic(bag), Val::Str(key)] => found(scan::member(bag, key)),
        [Val::Dynamic(array), Val::Dynamic(key)] => match Dynamic::decode(key) {
            Dynamic::String(key) => found(scan::member(array, &key)),
            Dynamic::Long(position) => found(scan::item(array, position)),
            _ => Val::Null,
        },
        [Val::Dynamic(array), position] => position.as_i64().map_or(Val::Null, |p| found(scan::item(array, p))),
        _ => Val::Null,
    })
}

/// A chain of `.` and `[]` in one.
fn path<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let Some((Val::Dynamic(root), steps)) = args.split_first() else { return Ok(Val::Null) };
    let mut place: &str = root;
    for step in steps {
        let next = match step {
            Val::Str(key) => scan::member(place, key),
            position => position.as_i64().and_then(|p| scan::item(place, p)),
        };
        match next {
            None | Some("null") => return Ok(Val::Null),
            Some(next) => place = next,
        }
    }
    Ok(Val::Dynamic(place.into()))
}

fn found(json: Option<&str>) -> Val<'_> {
    match json {
        None | Some("null") => Val::Null,
        Some(json) => Val::Dynamic(json.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(op: &str, ret: Type, args: &[Val<'_>]) -> Val<'static> {
        let entry = ENTRIES.iter().find(|e| e.name == op).unwrap();
        let types: Vec<Type> = Vec::new();
        (entry.kernel)(&Cx { args: &types, ret }, args).unwrap().into_owned()
    }

    #[test]
    fn integers_wrap_and_divide_by_zero_to_null() {
        assert_eq!(run("+", Type::Long, &[Val::Long(i64::MAX), Val::Long(1)]), Val::Long(i64::MIN));
        assert_eq!(run("*", Type::Long, &[Val::Int(i32::MAX), Val::Int(2)]), Val::Long(4294967294));
        assert_eq!(run("/", Type::Long, &[Val::Long(1), Val::Long(0)]), Val::Null);
        assert_eq!(run("/", Type::Long, &[Val::Long(-7), Val::Long(2)]), Val::Long(-3));
        for (a, b, want) in [(-7, 2, 1), (7, -2, 1), (-7, -2, 1), (5, -3, 2), (-5, -3, 1), (10, -1, 0)] {
            assert_eq!(run("%", Type::Long, &[Val::Long(a), Val::Long(b)]), Val::Long(want), "{a} % {b}");
        }
        assert_eq!(run("unary-", Type::Long, &[Val::Int(i32::MIN)]), Val::Long(2147483648));
    }

    #[test]
    fn reals_and_decimals() {
        assert_eq!(run("%", Type::Real, &[Val::Real(5.5), Val::Real(-3.0)]), Val::Real(2.5));
        assert_eq!(run("%", Type::Real, &[Val::Long(-5), Val::Real(3.0)]), Val::Real(1.0));
        assert_eq!(run("/", Type::Real, &[Val::Real(1.0), Val::Real(0.0)]), Val::Real(f64::INFINITY));
        let third = run("/", Type::Decimal, &[Val::Decimal(10 * DECIMAL_ONE), Val::Long(3)]);
        assert_eq!(third, Val::Decimal(3_333_333_333_333));
        let product = run("*", Type::Decimal, &[Val::Decimal(2_147_483_648 * DECIMAL_ONE), Val::Long(2)]);
        assert_eq!(product, Val::Decimal(4_294_967_296 * DECIMAL_ONE));
    }

    #[test]
    fn times_keep_their_range() {
        const DAY: i64 = 864_000_000_000;
        let last = Val::DateTime(super::super::support::MAX_DATETIME);
        assert_eq!(run("+", Type::DateTime, &[last, Val::Timespan(1)]), Val::Null);
        assert_eq!(run("*", Type::Timespan, &[Val::Timespan(DAY), Val::Real(2.5)]), Val::Timespan(DAY * 5 / 2));
        assert_eq!(run("*", Type::Timespan, &[Val::Long(-2), Val::Timespan(DAY)]), Val::Timespan(-2 * DAY));
        assert_eq!(run("/", Type::Real, &[Val::Timespan(DAY), Val::Timespan(DAY / 24)]), Val::Real(24.0));
        assert_eq!(run("-", Type::Timespan, &[Val::DateTime(DAY), Val::DateTime(3)]), Val::Timespan(DAY - 3));
        assert_eq!(
            run("between", Type::Bool, &[Val::DateTime(7), Val::DateTime(5), Val::Timespan(2)]),
            Val::Bool(true)
        );
    }

    #[test]
    fn nulls() {
        assert_eq!(run("==", Type::Bool, &[Val::Null, Val::Null]), Val::Null);
        assert_eq!(run("!=", Type::Bool, &[Val::Long(1), Val::Null]), Val::Bool(true));
        assert_eq!(run("==", Type::Bool, &[Val::Null, Val::str("")]), Val::Bool(true));
        assert_eq!(run("and", Type::Bool, &[Val::Null, Val::Bool(false)]), Val::Bool(false));
        assert_eq!(run("and", Type::Bool, &[Val::Null, Val::Bool(true)]), Val::Null);
        assert_eq!(run("or", Type::Bool, &[Val::Null, Val::Bool(true)]), Val::Bool(true));
        assert_eq!(run("!in", Type::Bool, &[Val::Null, Val::Long(1)]), Val::Bool(true));
    }

    #[test]
    fn compares_exactly() {
        let big = 9_007_199_254_740_993;
        assert_eq!(run("==", Type::Bool, &[Val::Long(big), Val::Real(9_007_199_254_740_992.0)]), Val::Bool(false));
        assert_eq!(run(">", Type::Bool, &[Val::Long(big), Val::Real(9_007_199_254_740_992.0)]), Val::Bool(true));
        assert_eq!(run("<", Type::Bool, &[Val::Long(-2), Val::Real(-1.5)]), Val::Bool(true));
        assert_eq!(run("<", Type::Bool, &[Val::Long(1), Val::Real(f64::NAN)]), Val::Bool(false));
        assert_eq!(run("!=", Type::Bool, &[Val::Real(f64::NAN), Val::Real(f64::NAN)]), Val::Bool(true));
        assert_eq!(run("==", Type::Bool, &[Val::Decimal(DECIMAL_ONE / 10), Val::Real(0.1)]), Val::Bool(true));
        assert_eq!(run(">", Type::Bool, &[Val::Bool(true), Val::Bool(false)]), Val::Bool(true));
    }

    #[test]
    fn dynamic_operands() {
        let d = |s: &'static str| Val::Dynamic(s.into());
        assert_eq!(run("==", Type::Bool, &[d("\"a\""), Val::str("a")]), Val::Bool(true));
        assert_eq!(run("==", Type::Bool, &[d("5"), Val::str("5")]), Val::Bool(true));
        assert_eq!(run(">", Type::Bool, &[d("2.5"), Val::Long(2)]), Val::Bool(true));
        assert_eq!(run("+", Type::Long, &[d("2"), Val::Long(2)]), Val::Long(4));
        assert_eq!(run("in", Type::Bool, &[Val::str("b"), d("[\"a\",\"b\"]")]), Val::Bool(true));
        assert_eq!(run("in", Type::Bool, &[Val::Long(4), Val::Long(1), d("[3,4.0]")]), Val::Bool(true));
        assert_eq!(run(".", Type::Dynamic, &[d("{\"a\":{\"b\":1}}"), Val::str("a")]), d("{\"b\":1}"));
        assert_eq!(run("[]", Type::Dynamic, &[d("[1,[2,3]]"), Val::Long(-1)]), d("[2,3]"));
        assert_eq!(run("[]", Type::Dynamic, &[d("[1]"), Val::Long(9)]), Val::Null);
        let entry = ENTRIES.iter().find(|e| e.name == "*").unwrap();
        assert!((entry.kernel)(&Cx { args: &[], ret: Type::Dynamic }, &[d("1"), d("2")]).is_err());
    }
}
