//! Dynamic values as documentation shows them.

use kql_functions::text;
use serde_json::Value;

use super::cell::Manner;

/// A dynamic value against a cell: JSON, or a scalar text without its quotes.
pub(super) fn same_dynamic(got: &Value, want: &str, manner: Manner) -> bool {
    if let Ok(want) = serde_json::from_str::<Value>(want)
        && same(got, &want, manner)
    {
        return true;
    }
    match got {
        Value::String(text) => same_scalar(text, want),
        Value::Bool(flag) => want.eq_ignore_ascii_case(&flag.to_string()),
        // Pages that are no valid JSON: the same characters but for the blanks.
        other => blank_free(&other.to_string()) == blank_free(want),
    }
}

fn blank_free(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

fn same_scalar(got: &str, want: &str) -> bool {
    let instants = || text::parse_datetime(got).is_some_and(|got| text::parse_datetime(want) == Some(got));
    let spans = || text::parse_timespan(got).is_some_and(|got| text::parse_timespan(want) == Some(got));
    got.trim() == want.trim() || got.contains(':') && (instants() || spans())
}

/// Structural equality: keys have no order, numbers the tolerance of their digits.
pub(super) fn same(got: &Value, want: &Value, manner: Manner) -> bool {
    match (got, want) {
        (Value::Number(got), Value::Number(want)) => same_number(&got.to_string(), &want.to_string(), manner.geo),
        // Old pages put reals in quotes, and decimals are texts.
        (Value::Number(got), Value::String(want)) => same_number(&got.to_string(), want, manner.geo),
        (Value::String(got), Value::Number(want)) => same_number(got, &want.to_string(), manner.geo),
        (Value::String(got), Value::String(want)) => same_scalar(got, want),
        (Value::Array(got), Value::Array(want)) => {
            let in_order = got.len() == want.len() && got.iter().zip(want).all(|(g, w)| same(g, w, manner));
            in_order
                || manner.sets && same_bag(got, want, |g, w| same(g, w, manner))
                || manner.geo && same_ring(got, want, manner)
        }
        (Value::Object(got), Value::Object(want)) => {
            let found = |(key, value): (&String, &Value)| want.get(key).is_some_and(|want| same(value, want, manner));
            got.len() == want.len() && got.iter().all(found)
        }
        _ => got == want,
    }
}

/// Whether each of one list has a partner of its own in the other.
pub(super) fn same_bag<G, W>(got: &[G], want: &[W], same: impl Fn(&G, &W) -> bool) -> bool {
    got.len() == want.len() && within(got, want, same)
}

/// Whether each wanted one has a partner of its own.
pub(super) fn within<G, W>(got: &[G], want: &[W], same: impl Fn(&G, &W) -> bool) -> bool {
    let mut used = vec![false; got.len()];
    want.iter().all(|want| {
        let found = got.iter().zip(&used).position(|(got, used)| !used && same(got, want));
        if let Some(slot) = found.and_then(|at| used.get_mut(at)) {
            *slot = true;
        }
        found.is_some()
    })
}

/// Closed rings of positions that begin at different ones.
fn same_ring(got: &[Value], want: &[Value], manner: Manner) -> bool {
    let closed = |ring: &[Value]| ring.len() > 3 && ring.first() == ring.last() && ring.iter().all(Value::is_array);
    if got.len() != want.len() || !closed(got) || !closed(want) {
        return false;
    }
    let (got, want) = (&got[1..], &want[1..]);
    (0..got.len()).any(|turn| got.iter().cycle().skip(turn).zip(want).all(|(g, w)| same(g, w, manner)))
}

/// Whether two numbers differ by at most half a unit of the last digit of the second, or 1e-9 of it.
pub(super) fn same_number(got: &str, want: &str, geo: bool) -> bool {
    let (got, want) = (got.trim(), want.trim());
    if let (Ok(got), Ok(want)) = (got.parse::<i64>(), want.parse::<i64>()) {
        return got == want;
    }
    let (Some(g), Some(w)) = (number(got), number(want)) else { return false };
    if g.is_nan() || w.is_nan() || g.is_infinite() || w.is_infinite() {
        return g.is_nan() && w.is_nan() || g == w;
    }
    let tolerance = (unit(want) / 2.0).max(1e-9 * w.abs()).max(if geo { 1e-9 } else { 0.0 });
    // The unit itself is not exact in binary.
    (g - w).abs() <= tolerance * (1.0 + 1e-9)
}

fn number(text: &str) -> Option<f64> {
    Some(match text {
        "NaN" => f64::NAN,
        "∞" | "inf" | "+inf" | "Infinity" | "real(+inf)" => f64::INFINITY,
        "-∞" | "-inf" | "-Infinity" | "real(-inf)" => f64::NEG_INFINITY,
        _ => text.parse().ok()?,
    })
}

/// The value of one in the last digit.
fn unit(text: &str) -> f64 {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let decimals = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let exponent: i32 = exponent.parse().unwrap_or(0);
    10f64.powi(exponent.saturating_sub(i32::try_from(decimals).unwrap_or(i32::MAX)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PLAIN: Manner = Manner { sets: false, geo: false, truncated: false };

    #[test]
    fn structure() {
        assert!(same_dynamic(&json!({"a": 1, "b": [1.0, "x"]}), "{\"b\": [1, \"x\"], \"a\": 1.0}", PLAIN));
        assert!(same_dynamic(&json!("a"), "a", PLAIN) && same_dynamic(&json!("a"), "\"a\"", PLAIN));
        assert!(same_dynamic(&json!(13.06), "\"13.06\"", PLAIN));
        assert!(!same_dynamic(&json!([1, 2]), "[2, 1]", PLAIN));
        assert!(same_dynamic(&json!([1, 2]), "[2, 1]", Manner { sets: true, ..PLAIN }));
        assert!(!same_dynamic(&json!([1, 1]), "[2, 1]", Manner { sets: true, ..PLAIN }));
    }

    #[test]
    fn rings() {
        let ring = json!([[0, 0], [1, 0], [1, 1], [0, 0]]);
        let turned = "[[1,1],[0,0],[1,0],[1,1]]";
        assert!(same_dynamic(&ring, turned, Manner { geo: true, ..PLAIN }));
        assert!(!same_dynamic(&ring, turned, PLAIN));
        assert!(!same_dynamic(&ring, "[[0,0],[1,1],[1,0],[0,0]]", Manner { geo: true, ..PLAIN }));
    }

    #[test]
    fn tolerances() {
        assert!(same_number("0.3333333", "0.33", false) && !same_number("0.336", "0.33", false));
        assert!(same_number("1.2345e-5", "1.23e-5", false));
        assert!(same_number("0.0000000001", "0.0000000005", true));
    }
}
