//! Damaged files, ingested: what is no row is rejected with its text, and nothing is lost.

use std::io::Read as _;

use kql_functions::Type;
use picquet_sources::{Rejected, SourceError};

use crate::ingest::{ingest, options};
use crate::support::{Files, Read, gzip, zstd};

struct Case {
    content: Vec<u8>,
    /// Values of column `a`.
    rows: &'static [&'static str],
    /// Whether the row was kept, and the text of the record.
    rejected: &'static [(bool, &'static str)],
}

fn case(content: impl AsRef<[u8]>, rows: &'static [&'static str], rejected: &'static [(bool, &'static str)]) -> Case {
    Case { content: content.as_ref().to_vec(), rows, rejected }
}

fn truncated(mut bytes: Vec<u8>, by: usize) -> Vec<u8> {
    bytes.truncate(bytes.len() - by);
    bytes
}

fn cases() -> Vec<Case> {
    let three = "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n";
    vec![
        case("{\"a\":1}\nnonsense\n{\"a\":3}\n", &["1", "3"], &[(false, "nonsense")]),
        case("{\"a\":1}\n{\"a\":2}\n{\"a\":", &["1", "2"], &[(false, "{\"a\":")]),
        case("{\"a\":1}\n[2]\n7\n{\"a\":3}", &["1", "3"], &[(false, "[2]"), (false, "7")]),
        case("{\"a\":1}\n{\"a\":2} {\"a\":9}\n", &["1"], &[(false, "{\"a\":2} {\"a\":9}")]),
        case("{\"a\":1,\"a\":2}\n{\"a\":3}\n", &["1", "3"], &[(true, "{\"a\":1,\"a\":2}")]),
        // Of a record that is no row, only that is told.
        case("{\"a\":1}\n{\"a\":1,\"a\":2,x}\n", &["1"], &[(false, "{\"a\":1,\"a\":2,x}")]),
        case("{\"a\":1}\n{\"new\":1,x}\n", &["1"], &[(false, "{\"new\":1,x}")]),
        case(b"\x82\xac{\"a\":1}\n{\"a\":2}\n", &["1", "2"], &[(true, "\u{fffd}\u{fffd}{\"a\":1}")]),
        case(
            b"{\"a\":\"x\"}\n{\"a\":\"\xe2\x82\",\"a\":1}\n{\"a\":\"z\"}\n",
            &["x", "\u{fffd}", "z"],
            &[(true, "{\"a\":\"\u{fffd}\",\"a\":1}"), (true, "{\"a\":\"\u{fffd}\",\"a\":1}")],
        ),
        case(b"{\"a\":\"x\"}\n{\"a\":\xff}\n{\"a\":\"z\"}\n", &["x", "z"], &[(false, "{\"a\":\u{fffd}}")]),
        // Arrays.
        case("[{\"a\":1},{\"a\":2},{\"a\":", &["1", "2"], &[(false, "{\"a\":\n"), (false, "")]),
        case("[{\"a\":1},{\"a\":2}", &["1", "2"], &[(false, "")]),
        case("[{\"a\":1},{\"a\": },{\"a\":3}]", &["1", "3"], &[(false, "{\"a\": }")]),
        case("[{\"a\":1}, 5, \"x\", [6], {\"a\":2}]", &["1", "2"], &[(false, "5"), (false, "\"x\""), (false, "[6]")]),
        case("[{\"a\":1}]]\n{\"a\":2}", &["1", "2"], &[(false, "]")]),
        case(
            "[\n  {\n    \"a\": \"1\n  },\n  {\n    \"a\": \"2\"\n  }\n]",
            &["2"],
            &[(false, "{\n    \"a\": \"1\n  },\n")],
        ),
        // Wrapped.
        case("{\"records\":[{\"a\":1},{\"a\":2", &["1"], &[(false, "{\"a\":2\n"), (false, "")]),
        case(
            "{\"count\":2,\"value\":[{\"a\":1}],\"nextLink\":\"x\"}\n{\"valuf\":[{\"a\":2}],\"@a\":1}\n",
            &["1"],
            &[(false, "\"valuf\": [{\"a\":2}]")],
        ),
        // Typed tables.
        case(
            "{\"tables\":[{\"columns\":[{\"name\":\"a\",\"type\":\"long\"}],\"rows\":[[1],[2,3],[\"x\"],[4]],\"b\":{}}],\"statistics\":{}}",
            &["1", "2", "null", "4"],
            &[(true, "[2,3]"), (true, "[\"x\"]")],
        ),
        case(
            "{\"tables\":[{\"columns\":[{\"name\":\"a\"}],\"rows\":[[1],{\"a\":2},[3]]}]}",
            &["1"],
            &[(false, "{\"a\":2},[3]]}]}")],
        ),
        case("{\"tables\":[{\"columns\":[{\"name\":\"a\"}],\"rows\":[[1],[2", &["1"], &[(false, "[2")]),
        case("{\"tables\":[{\"columns\":[{\"name\":\"a\"}],\"rows\":[[1]],[2]]}]}", &["1"], &[(false, "[2]]}]}")]),
        case(
            "{\"tables\":[{\"columns\":[{\"name\":\"a\"}],\"rows\":[[1]]},{\"columns\":[],\"rows\":[[2]]}]}",
            &["1"],
            &[(false, "{\"columns\":[],\"rows\":[[2]]}]}")],
        ),
        // CSV.
        case("a,b\n1,x\n2\n3,y,\"z,z\"\n", &["1", "2", "3"], &[(true, "2"), (true, "3,y,\"z,z\"")]),
        case("a,b\n1,x\n\n2,y\n", &["1", "2"], &[]),
        case("a,b\n1,\"x\n2,y\n", &["1"], &[(true, "1,\"x\n2,y\n\"")]),
        case(b"a,b\nx,1\n\xff,2\n", &["x", "\u{fffd}"], &[(true, "\u{fffd},2")]),
        case(b"\xa9a,b\n1,2\n", &["1"], &[(true, "\u{fffd}a,b")]),
        // Packed.
        case(truncated(gzip(three.as_bytes()), 8), &["1", "2", "3"], &[(false, "")]),
        case([gzip(b"{\"a\":1}\n"), b"garbage".to_vec()].concat(), &["1"], &[(false, "")]),
        case(truncated(zstd(three.as_bytes()), 3), &["1", "2"], &[(false, "{\"a\":"), (false, "")]),
        case(truncated(gzip(b"a,b\n1,2\n3,"), 8), &["1"], &[(false, "3,")]),
        case(&gzip(b"{\"a\":1}\n")[..12], &[], &[(false, "")]),
    ]
}

#[test]
fn what_is_no_row_is_rejected_with_its_text() {
    let files = Files::new();
    for (number, Case { content, rows, rejected: expected }) in cases().into_iter().enumerate() {
        let about = format!("case {number}: {:?}", String::from_utf8_lossy(&content[..content.len().min(200)]));
        let path = files.write("file", &content);
        let (found, rejected, _) = ingest(&path, &options("Own", &[])).unwrap();
        let values = if rows.is_empty() { Vec::new() } else { found.column("a") };
        assert_eq!(values, rows, "{about}");
        let told: Vec<(bool, &str)> = rejected.iter().map(|r| (r.row_kept, r.record.as_str())).collect();
        let trimmed: Vec<(bool, &str)> = told.iter().map(|(kept, text)| (*kept, text.trim_end())).collect();
        let expected: Vec<(bool, &str)> = expected.iter().map(|(kept, text)| (*kept, text.trim_end())).collect();
        assert_eq!(trimmed, expected, "{about}: {rejected:?}");
    }
}

#[test]
fn long_texts_are_cut_with_a_mark() {
    let long = format!("[\"{}\"]", "x".repeat(100_000));
    let files = Files::with("x.jsonl", format!("{{\"a\":1}}\n{{\"a\":1}}\n{long}\n"));
    let (_, rejected, _) = ingest(&files.path().join("x.jsonl"), &options("Own", &[])).unwrap();
    assert!(rejected[0].record.ends_with("x… (67236 more bytes)"), "{}", rejected[0].record.len());
    assert!(rejected[0].record.len() < 33_000);
}

/// Numbers of a fixed seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }
}

const MARK: &str = "id-";

fn mark(n: usize) -> String {
    format!("{MARK}{n:05}")
}

fn marks(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let places = text.match_indices(MARK).map(|(at, _)| at);
    let whole = places.filter_map(|at| text.get(at..at + MARK.len() + 5)).map(str::to_string);
    whole.filter(|mark| mark[MARK.len()..].bytes().all(|byte| byte.is_ascii_digit())).collect()
}

/// Damages a text in a few places, but no mark, and nothing before `from`.
fn damaged(bytes: &[u8], from: usize, random: &mut Random) -> Vec<u8> {
    const NEW: &[u8] = b"\"\"\\{}[]:,,\n\n x0\xff\xc3e-";
    let mut bytes = bytes.to_vec();
    for _ in 0..1 + random.below(3) {
        let at = from + random.below(bytes.len() - from);
        let near = at.saturating_sub(MARK.len() + 5);
        let around = &bytes[near..(at + MARK.len() + 5).min(bytes.len())];
        if !marks(around).is_empty() {
            continue;
        }
        let new = NEW[random.below(NEW.len())];
        match random.below(5) {
            0 => bytes[at] = new,
            1 => bytes.insert(at, new),
            2 => drop(bytes.remove(at)),
            3 => {
                let end = (at + random.below(40)).min(bytes.len());
                drop(bytes.drain(at..end));
            }
            _ if random.below(8) == 0 => bytes.truncate(at),
            _ => bytes[at] = new,
        }
    }
    bytes
}

fn texts_of_records(records: usize) -> Vec<(&'static str, String)> {
    let object = |n: usize| {
        format!(
            "{{\"id\":\"{}\",\"n\":{n},\"t\":\"2026-03-14T00:00:{:02}Z\",\"tree\":{{\"k\":[{n}]}}}}",
            mark(n),
            n % 60
        )
    };
    let objects: Vec<String> = (0..records).map(object).collect();
    let array = format!("[{}]", objects.join(","));
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(&array).unwrap()).unwrap();
    let rows: Vec<String> = (0..records).map(|n| format!("[\"{}\",{n}]", mark(n))).collect();
    let columns = "[{\"name\":\"id\",\"type\":\"string\"},{\"name\":\"n\",\"type\":\"long\"}]";
    let fields = (0..records).map(|n| format!("{},{n},\"x, \"\"{n}\"\"\"\n", mark(n))).collect::<String>();
    vec![
        ("lines", objects.join("\n")),
        ("array", array.replace("},{", "},\n{")),
        ("one line", array.clone()),
        ("pretty", pretty.clone()),
        ("one by one", objects.join("\n\n").replace(",\"n\"", ",\n  \"n\"")),
        ("wrapped", format!("{{\"records\":{array}}}\n{{\"records\":{pretty}}}")),
        ("tables", format!("{{\"tables\":[{{\"columns\":{columns},\"rows\":[{}]}}]}}", rows.join(",\n"))),
        ("csv", format!("id,n,text\n{fields}")),
    ]
}

/// All texts that come out of an ingestion.
fn out(read: &Read, rejected: &[Rejected]) -> String {
    let mut all: Vec<&str> = read.columns.iter().map(|(name, _)| name.as_str()).collect();
    all.extend(read.rows.iter().flatten().map(String::as_str));
    all.extend(rejected.iter().flat_map(|r| [r.record.as_str(), r.reason.as_str()]));
    all.join("\n")
}

#[test]
fn nothing_is_lost_of_damaged_files() {
    let files = Files::new();
    let mut random = Random(7);
    let mut read = 0;
    for (name, text) in texts_of_records(40) {
        for round in 0..400 {
            let bytes = damaged(text.as_bytes(), 0, &mut random);
            let packed = match round % 4 {
                0 => gzip(&bytes),
                1 => zstd(&bytes),
                _ => bytes.clone(),
            };
            let path = files.write("file", packed);
            let declared: &[(&str, Type)] =
                if round % 3 == 0 { &[("n", Type::Int), ("id", Type::String)] } else { &[] };
            let (found, rejected, _) = match ingest(&path, &options("Own", declared)) {
                Ok(found) => found,
                Err(SourceError::Format { .. }) => continue,
                Err(other) => panic!("{name}, round {round}: {other}"),
            };
            read += 1;
            let out = out(&found, &rejected);
            for mark in marks(&bytes) {
                let about = || String::from_utf8_lossy(&bytes).into_owned();
                assert!(out.contains(&mark), "{name}, round {round}: {mark} is gone: {rejected:?}\n{}", about());
            }
        }
    }
    assert!(read > 3000, "{read}");
}

fn lines(bytes: &[u8]) -> usize {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.iter().all(u8::is_ascii_whitespace)).count()
}

#[test]
fn rows_and_rejected_records_add_up() {
    let files = Files::new();
    let mut random = Random(11);
    let (_, text) = texts_of_records(1300).remove(0);
    let from = text.match_indices('\n').nth(2).unwrap().0;
    for round in 0..60 {
        let mut bytes = text.clone().into_bytes();
        for _ in 0..round {
            bytes = damaged(&bytes, from, &mut random);
        }
        let path = files.write("x.jsonl", &bytes);
        let (found, rejected, _) = ingest(&path, &options("Own", &[])).unwrap();
        let gone = rejected.iter().filter(|r| !r.row_kept).count();
        assert_eq!(found.rows.len() + gone, lines(&bytes), "round {round}");
        assert!(rejected.iter().all(|r| !r.record.is_empty() && r.line.is_some()), "round {round}");
        // A packed file that is cut: what it still gives, and where it breaks off.
        let mut packed = gzip(&bytes);
        packed.truncate(packed.len() - 8 - random.below(packed.len() / 3));
        let mut given = Vec::new();
        flate2::read::MultiGzDecoder::new(packed.as_slice()).read_to_end(&mut given).unwrap_err();
        let path = files.write("x.jsonl.gz", &packed);
        let (found, rejected, _) = ingest(&path, &options("Own", &[])).unwrap();
        let (ends, gone): (Vec<&Rejected>, Vec<&Rejected>) =
            rejected.iter().filter(|r| !r.row_kept).partition(|r| r.record.is_empty());
        assert_eq!(found.rows.len() + gone.len(), lines(&given), "round {round}, packed");
        assert!(ends.len() == 1 && ends[0].reason.contains("breaks off"), "{ends:?}");
    }
    // Rows of CSV files are all rows, whatever their length.
    let (_, text) = texts_of_records(200).pop().unwrap();
    for round in 0..100 {
        let bytes: Vec<u8> =
            damaged(text.as_bytes(), 20, &mut random).into_iter().filter(|byte| *byte != b'"').collect();
        let path = files.write("x.csv", &bytes);
        let (found, rejected, _) = ingest(&path, &options("Own", &[])).unwrap();
        let records =
            bytes.split(|byte| *byte == b'\n').skip(1).filter(|line| !line.is_empty() && *line != b" ").count();
        assert_eq!(found.rows.len(), records, "round {round}");
        assert!(rejected.iter().all(|r| r.row_kept), "round {round}");
    }
}
