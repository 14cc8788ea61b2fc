//! Numbers: rounding, powers, angles, bits, chance.

use std::cell::Cell;

use super::special;
use super::support::{DECIMAL_ONE, Out, number, strict};
use crate::{Cx, Scalar, Type, Val};

/// The entries of this family.
pub(super) static ENTRIES: &[Scalar] = &[
    strict("abs", "The absolute value.", abs),
    strict("sign", "-1, 0 or 1 as the number is negative, zero or positive.", sign),
    strict("ceiling", "The smallest whole number that is not less.", ceiling),
    strict("round", "Rounds to digits after the point, halves away from zero.", round),
    strict("sqrt", "The square root.", sqrt),
    strict("pow", "A base raised to an exponent.", pow),
    strict("exp", "e raised to a power.", exp),
    strict("exp2", "2 raised to a power.", exp2),
    strict("exp10", "10 raised to a power.", exp10),
    strict("log", "The natural logarithm.", log),
    strict("log2", "The logarithm to the base 2.", log2),
    strict("log10", "The logarithm to the base 10.", log10),
    strict("pi", "The ratio of circumference and diameter.", pi),
    strict("sin", "The sine.", sin),
    strict("cos", "The cosine.", cos),
    strict("tan", "The tangent.", tan),
    strict("cot", "The cotangent.", cot),
    strict("asin", "The angle of a sine.", asin),
    strict("acos", "The angle of a cosine.", acos),
    strict("atan", "The angle of a tangent.", atan),
    strict("atan2", "The angle of a point, of its y and x.", atan2),
    strict("degrees", "An angle in radians as degrees.", degrees),
    strict("radians", "An angle in degrees as radians.", radians),
    strict("gamma", "The gamma function.", gamma),
    strict("loggamma", "The logarithm of the gamma function.", loggamma),
    strict("erf", "The error function.", erf),
    strict("erfc", "One minus the error function.", erfc),
    strict("beta_cdf", "The cumulative beta distribution.", beta_cdf),
    strict("beta_inv", "The inverse of the cumulative beta distribution.", beta_inv),
    strict("beta_pdf", "The density of the beta distribution.", beta_pdf),
    strict("welch_test", "The p-value of Welch's t-test of two samples.", welch_test),
    strict("isnan", "Whether a real is not a number.", isnan),
    strict("isinf", "Whether a real is infinite.", isinf),
    strict("isfinite", "Whether a real is neither infinite nor NaN.", isfinite),
    strict("binary_and", "The bits that both have.", binary_and),
    strict("binary_or", "The bits that one has.", binary_or),
    strict("binary_xor", "The bits in which two differ.", binary_xor),
    strict("binary_not", "All bits turned.", binary_not),
    strict("binary_shift_left", "The bits moved up.", binary_shift_left),
    strict("binary_shift_right", "The bits moved down.", binary_shift_right),
    strict("bitset_count_ones", "How many bits are set.", bitset_count_ones),
    strict("rand", "A random number below 1, or a whole one below a bound.", rand),
    strict("new_guid", "A random guid.", new_guid),
];

/// A function of one real.
fn real<'a>(args: &[Val<'_>], f: impl Fn(f64) -> f64) -> Out<'a> {
    Ok(args.first().and_then(number).map_or(Val::Null, |v| Val::Real(f(v))))
}

/// A function of two reals.
fn reals<'a>(args: &[Val<'_>], f: impl Fn(f64, f64) -> f64) -> Out<'a> {
    let [a, b] = args else { return Ok(Val::Null) };
    Ok(number(a).zip(number(b)).map_or(Val::Null, |(a, b)| Val::Real(f(a, b))))
}

/// A function of two longs.
fn longs<'a>(args: &[Val<'_>], f: impl Fn(i64, i64) -> i64) -> Out<'a> {
    let [a, b] = args else { return Ok(Val::Null) };
    Ok(a.as_i64().zip(b.as_i64()).map_or(Val::Null, |(a, b)| Val::Long(f(a, b))))
}

/// A test of a real.
fn test<'a>(args: &[Val<'_>], f: impl Fn(f64) -> bool) -> Out<'a> {
    Ok(args.first().and_then(number).map_or(Val::Null, |v| Val::Bool(f(v))))
}

fn abs<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(match args.first() {
        Some(Val::Int(n)) if cx.ret == Type::Int => Val::Int(n.wrapping_abs()),
        Some(n @ (Val::Int(_) | Val::Long(_))) => n.as_i64().map_or(Val::Null, |n| Val::Long(n.wrapping_abs())),
        Some(Val::Real(n)) => Val::Real(n.abs()),
        Some(Val::Decimal(n)) => Val::Decimal(n.wrapping_abs()),
        Some(Val::Timespan(n)) => n.checked_abs().map_or(Val::Null, Val::Timespan),
        _ => Val::Null,
    })
}

fn sign<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    real(args, |v| {
        if v > 0.0 {
            1.0
        } else if v < 0.0 {
            -1.0
        } else {
            0.0
        }
    })
}

fn ceiling<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(match args.first() {
        Some(Val::Real(n)) => Val::Real(n.ceil()),
        Some(Val::Decimal(n)) => {
            let up = if n.rem_euclid(DECIMAL_ONE) == 0 { 0 } else { DECIMAL_ONE - n.rem_euclid(DECIMAL_ONE) };
            n.checked_add(up).map_or(Val::Null, Val::Decimal)
        }
        Some(n) => n.clone(),
        None => Val::Null,
    })
}

fn round<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let Some(value) = args.first() else { return Ok(Val::Null) };
    let digits = args.get(1).and_then(Val::as_i64).unwrap_or(0).clamp(-400, 400) as i32;
    Ok(match value {
        Val::Real(n) => Val::Real(round_real(*n, digits)),
        Val::Decimal(n) => Val::Decimal(round_units(*n, crate::DECIMAL_SCALE as i32 - digits)),
        Val::Int(_) | Val::Long(_) => {
            let rounded = round_units(i128::from(value.as_i64().unwrap_or(0)), -digits);
            let rounded = i64::try_from(rounded).unwrap_or(i64::MAX);
            if cx.ret == Type::Int { Val::Int(rounded as i32) } else { Val::Long(rounded) }
        }
        _ => Val::Null,
    })
}

/// Rounds halves away from zero.
pub(super) fn round_real(v: f64, digits: i32) -> f64 {
    rounding(digits)(v)
}

/// `round` of reals to so many digits after the point, which may be negative; halves are rounded away from zero.
pub fn rounding(digits: i32) -> impl Fn(f64) -> f64 {
    let scale = 10f64.powi(digits.clamp(-400, 400).abs());
    move |v| {
        let rounded = if digits >= 0 { (v * scale).round() / scale } else { (v / scale).round() * scale };
        if rounded.is_finite() { rounded } else { v }
    }
}

/// Clears the last `places` decimal places.
fn round_units(n: i128, places: i32) -> i128 {
    let Ok(places) = u32::try_from(places) else { return n };
    let Some(unit) = 10i128.checked_pow(places) else { return 0 };
    let rest = n % unit;
    let up = if rest.abs() * 2 >= unit { unit * n.signum() } else { 0 };
    n - rest + if places == 0 { 0 } else { up }
}

fn sqrt<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    real(args, f64::sqrt)
}

fn pow<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    reals(args, f64::powf)
}

fn exp<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    real(args, f64::exp)
}

fn exp2<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    real(args, f64::exp2)
}

fn exp10<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    real(args, |v| 10f64.powf(v))
}

/// A logarithm; a negative number has none.
fn logarithm<'a>(args: &[Val<'_>], f: fn(f64) -> f64) -> Out<'a> {
    match args.first().and_then(number) {
        Some(v) if v >= 0.0 || v.is_nan() => Ok(Val::Real(f(v))),
        _ => Ok(Val::Null),
    }
}

fn log<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    logarithm(args, f64::ln)
}

fn log2<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    logarithm(args, f64::log2)
}

fn log10<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    logarithm(args, f64::log10)
}

fn pi<'a>(_: &Cx<'_>, _: &'a [Val<'a>]) -> Out<'a> {
    Ok(Val::Real(std::f64::consts::PI))
}

fn sin<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    real(args, f64::sin)
}

fn cos<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    real(args, f64::cos)
}

fn tan<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    real(args, f64::tan)
}

fn cot<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    real(args, |v| 1.0 / v.tan())
}

fn asin<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    real(args, f64::asin)
}

fn acos<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    real(args, f64::acos)
}

fn atan<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    real(args, f64::atan)
}

fn atan2<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    reals(args, f64::atan2)
}

fn degrees<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    real(args, |v| v * 180.0 / std::f64::consts::PI)
}

fn radians<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    real(args, |v| v * std::f64::consts::PI / 180.0)
}

fn gamma<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    real(args, libm::tgamma)
}

fn loggamma<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    real(args, libm::lgamma)
}

fn erf<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    real(args, libm::erf)
}

fn erfc<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    real(args, libm::erfc)
}

fn beta_cdf<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    beta(args, |x, a, b| Val::Real(if (0.0..=1.0).contains(&x) { special::beta_cdf(x, a, b) } else { f64::NAN }))
}

fn beta_inv<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    beta(args, |p, a, b| if (0.0..=1.0).contains(&p) { Val::Real(special::beta_inv(p, a, b)) } else { Val::Null })
}

fn beta_pdf<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    beta(args, |x, a, b| Val::Real(if (0.0..=1.0).contains(&x) { special::beta_pdf(x, a, b) } else { f64::NAN }))
}

/// A function of the beta distribution, whose parameters must be positive.
fn beta<'a>(args: &[Val<'_>], f: impl Fn(f64, f64, f64) -> Val<'static>) -> Out<'a> {
    let [x, alpha, beta] = args else { return Ok(Val::Null) };
    let (Some(x), Some(alpha), Some(beta)) = (number(x), number(alpha), number(beta)) else { return Ok(Val::Null) };
    Ok(if alpha > 0.0 && beta > 0.0 { f(x, alpha, beta) } else { Val::Real(f64::NAN) })
}

fn welch_test<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let numbers: Option<Vec<f64>> = args.iter().map(number).collect();
    let Some([mean1, variance1, count1, mean2, variance2, count2]) = numbers.as_deref() else {
        return Ok(Val::Null);
    };
    let (error1, error2) = (variance1 / count1, variance2 / count2);
    let t = (mean1 - mean2) / (error1 + error2).sqrt();
    let freedom = (error1 + error2).powi(2) / (error1.powi(2) / (count1 - 1.0) + error2.powi(2) / (count2 - 1.0));
    Ok(Val::Real(special::beta_cdf(freedom / (freedom + t * t), freedom / 2.0, 0.5)))
}

fn isnan<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    test(args, f64::is_nan)
}

fn isinf<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    test(args, f64::is_infinite)
}

fn isfinite<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    test(args, f64::is_finite)
}

fn binary_and<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    longs(args, |a, b| a & b)
}

fn binary_or<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    longs(args, |a, b| a | b)
}

fn binary_xor<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    longs(args, |a, b| a ^ b)
}

fn binary_not<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(args.first().and_then(Val::as_i64).map_or(Val::Null, |v| Val::Long(!v)))
}

fn binary_shift_left<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    shift(args, |v, by| v.wrapping_shl(by))
}

fn binary_shift_right<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    shift(args, |v, by| v.wrapping_shr(by))
}

/// Shifts by the amount modulo 64; a negative amount gives null.
fn shift<'a>(args: &[Val<'_>], f: fn(i64, u32) -> i64) -> Out<'a> {
    let [value, by] = args else { return Ok(Val::Null) };
    let by = by.as_i64().filter(|by| *by >= 0).map(|by| (by % 64) as u32);
    Ok(value.as_i64().zip(by).map_or(Val::Null, |(v, by)| Val::Long(f(v, by))))
}

fn bitset_count_ones<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(args.first().and_then(Val::as_i64).map_or(Val::Null, |v| Val::Long(i64::from(v.count_ones()))))
}

fn rand<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let unit = (random() >> 11) as f64 / (1u64 << 53) as f64;
    Ok(Val::Real(match args.first().and_then(Val::as_i64) {
        Some(bound) if bound > 1 => (unit * bound as f64).floor(),
        _ => unit,
    }))
}

/// The next number of this thread's xorshift generator.
fn random() -> u64 {
    thread_local!(static STATE: Cell<u64> = Cell::new(uuid::Uuid::new_v4().as_u64_pair().1 | 1));
    STATE.with(|state| {
        let mut x = state.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        state.set(x);
        x.wrapping_mul(0x2545_F491_4F6C_DD1D)
    })
}

fn new_guid<'a>(_: &Cx<'_>, _: &'a [Val<'a>]) -> Out<'a> {
    Ok(Val::Guid(uuid::Uuid::new_v4().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str, ret: Type, args: &[Val<'_>]) -> Val<'static> {
        let entry = ENTRIES.iter().find(|e| e.name == name).unwrap();
        (entry.kernel)(&Cx { args: &[], ret }, args).unwrap().into_owned()
    }

    fn real_of(name: &str, args: &[f64]) -> f64 {
        let args: Vec<Val<'_>> = args.iter().map(|v| Val::Real(*v)).collect();
        run(name, Type::Real, &args).as_f64().unwrap()
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-12 * b.abs().max(1e-3)
    }

    #[test]
    fn rounds() {
        assert_eq!(real_of("round", &[-2.5]), -3.0);
        assert_eq!(run("round", Type::Real, &[Val::Real(2.15), Val::Long(1)]), Val::Real(2.2));
        assert_eq!(run("round", Type::Real, &[Val::Real(-50.55), Val::Long(-2)]), Val::Real(-100.0));
        assert_eq!(run("round", Type::Long, &[Val::Long(-150), Val::Long(-2)]), Val::Long(-200));
        assert_eq!(run("round", Type::Long, &[Val::Long(7), Val::Long(2)]), Val::Long(7));
        assert_eq!(run("ceiling", Type::Decimal, &[Val::Decimal(-DECIMAL_ONE / 2)]), Val::Decimal(0));
        assert_eq!(run("abs", Type::Long, &[Val::Int(i32::MIN)]), Val::Long(2147483648));
    }

    #[test]
    fn edges() {
        assert_eq!(run("log", Type::Real, &[Val::Real(-1.0)]), Val::Null);
        assert_eq!(real_of("log", &[0.0]), f64::NEG_INFINITY);
        assert!(real_of("sqrt", &[-1.0]).is_nan());
        assert!(real_of("pow", &[-8.0, 1.0 / 3.0]).is_nan());
        assert_eq!(real_of("sign", &[f64::NAN]), 0.0);
        assert_eq!(real_of("gamma", &[5.0]), 24.0);
        assert_eq!(real_of("degrees", &[std::f64::consts::PI * 1.5]), 270.0);
        assert_eq!(run("binary_shift_left", Type::Long, &[Val::Long(1), Val::Long(-1)]), Val::Null);
        let r = real_of("rand", &[]);
        assert!((0.0..1.0).contains(&r));
    }

    #[test]
    fn distributions() {
        assert!(near(real_of("beta_pdf", &[0.5, 10.0, 20.0]), 0.746176019310951));
        assert!(near(real_of("beta_inv", &[0.1, 10.0, 20.0]), 0.22641502238874897));
        assert!(near(real_of("beta_cdf", &[0.22641502238874897, 10.0, 20.0]), 0.1));
        assert!(real_of("beta_inv", &[0.1, -1.0, 20.0]).is_nan());
        assert_eq!(run("beta_inv", Type::Real, &[Val::Real(1.5), Val::Real(10.0), Val::Real(20.0)]), Val::Null);
        assert!(near(real_of("erf", &[1.0]), 0.8427007929497149));
    }
}
