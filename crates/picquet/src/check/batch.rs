//! `picquet check --batch`: many queries, a JSON line each.

use std::io::{BufRead, Write};

use kql_semantics::Catalog;
use kql_syntax::Diagnostic;
use picquet_lint::{Answer, answer};
use serde_json::{Value, json};

/// Answers each `{"id","query"}` line with `{"id","ok","errors","warnings","columns","open","kind"}`, in order.
/// Places count UTF-16 units, as editors do.
pub(crate) fn run(mut input: impl BufRead, out: &mut dyn Write, catalog: &dyn Catalog, now: i64) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        if input.read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        let line = String::from_utf8_lossy(&bytes);
        if line.trim().is_empty() {
            continue;
        }
        writeln!(out, "{}", answer_line(&line, number, catalog, now))?;
        out.flush()?;
    }
    Ok(())
}

fn answer_line(line: &str, number: usize, catalog: &dyn Catalog, now: i64) -> Value {
    let bad = |id: Value, message: String| {
        let errors = [json!({"code": "PQ004", "message": message, "start": 0, "length": 0})];
        json!({"id": id, "ok": false, "errors": errors, "warnings": [], "columns": null, "open": false, "kind": "none"})
    };
    let expected = "expected {\"id\",\"query\"}";
    let mut value: Value = match serde_json::from_str(line) {
        Ok(value) => value,
        Err(error) => return bad(Value::Null, format!("line {number}: {expected}: {error}")),
    };
    let id = value.get_mut("id").map_or(Value::Null, Value::take);
    let Some(query) = value.get("query").and_then(Value::as_str) else {
        return bad(id, format!("line {number}: {expected}"));
    };
    answer_json(&id, query, &answer(query, catalog, now))
}

fn answer_json(id: &Value, query: &str, answer: &Answer) -> Value {
    let units = Units::new(query);
    let list = |found: &[Diagnostic]| -> Vec<Value> {
        found
            .iter()
            .map(|d| {
                let start = units.at(d.span.start);
                let end = units.at(d.span.end).max(start);
                json!({"code": d.code, "message": d.message, "start": start, "length": end - start})
            })
            .collect()
    };
    json!({
        "id": id,
        "ok": answer.errors.is_empty(),
        "errors": list(&answer.errors),
        "warnings": list(&answer.warnings),
        "columns": answer.columns,
        "open": answer.open,
        "kind": answer.kind.name(),
    })
}

/// Byte offsets as UTF-16 offsets.
struct Units<'q> {
    text: &'q str,
}

impl<'q> Units<'q> {
    fn new(text: &'q str) -> Self {
        Units { text }
    }

    fn at(&self, byte: u32) -> usize {
        let byte = byte as usize;
        self.text.char_indices().take_while(|(at, _)| *at < byte).map(|(_, c)| c.len_utf16()).sum()
    }
}

#[cfg(test)]
mod tests {
    use kql_semantics::SimpleCatalog;

    use super::*;

    fn answers(input: &[u8]) -> Vec<Value> {
        let mut out = Vec::new();
        run(input, &mut out, &SimpleCatalog::default(), 0).unwrap();
        String::from_utf8(out).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }

    #[test]
    fn lines_in_order_whatever_they_hold() {
        let input = b"{\"id\":1,\"query\":\"print x=1, y='a'\"}\n\nnonsense\n{\"id\":\"b\"}\n\xff\n{\"id\":2,\"query\":\"1 + 1\"}";
        let answers = answers(input);
        assert_eq!(answers.len(), 5);
        assert_eq!(answers[0]["columns"], json!([["x", "long"], ["y", "string"]]));
        assert_eq!(answers[0]["ok"], json!(true));
        assert_eq!(answers[1]["id"], Value::Null);
        assert_eq!(answers[1]["errors"][0]["code"], "PQ004");
        assert_eq!(answers[2]["id"], "b");
        assert_eq!(answers[4]["columns"], Value::Null);
        assert_eq!(answers[4]["kind"], "scalar");
    }

    #[test]
    fn places_in_utf16_units() {
        let query = "print x='é😀' | extend y=Zed";
        let line = json!({"id": "u", "query": query}).to_string();
        let error = &answers(line.as_bytes())[0]["errors"][0];
        assert_eq!((&error["code"], &error["start"], &error["length"]), (&json!("KS142"), &json!(25), &json!(3)));
    }
}
