//! Damaged files: what can be read is read, the rest is reported.

use picquet_sources::Options;

use crate::support::{Files, count, gzip, open, read, try_read, zstd};

struct Case {
    name: &'static str,
    content: Vec<u8>,
    /// Values of column `a`.
    rows: &'static [&'static str],
    /// Beginnings of the problems, after the file's name.
    problems: &'static [&'static str],
}

fn case(
    name: &'static str,
    content: impl AsRef<[u8]>,
    rows: &'static [&'static str],
    problems: &'static [&'static str],
) -> Case {
    Case { name, content: content.as_ref().to_vec(), rows, problems }
}

fn truncated(mut bytes: Vec<u8>, by: usize) -> Vec<u8> {
    bytes.truncate(bytes.len() - by);
    bytes
}

fn cases() -> Vec<Case> {
    let three = "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n";
    let many: String = (0..20_000).map(|n| format!("{{\"a\":{n},\"noise\":\"{}\"}}\n", n * 7919 % 104_729)).collect();
    vec![
        case("Own.jsonl", "{\"a\":1}\nnonsense\n{\"a\":3}\n", &["1", "3"], &[":2: not a JSON record"]),
        case("Own.jsonl", "{\"a\":1}\n{\"a\":2\n{\"a\":3}\n", &["1", "3"], &[":2: not a JSON record"]),
        case("Own.jsonl", "{\"a\":1}\n{\"a\":2}\n{\"a\":", &["1", "2"], &[":3: not a JSON record"]),
        case(
            "Own.jsonl",
            "{\"a\":1}\n[2]\n7\n{\"a\":3}",
            &["1", "3"],
            &[":2: not a JSON record", ":3: not a JSON record"],
        ),
        case("Own.jsonl", "{\"a\":1}\n{\"a\":2} {\"a\":9}\n", &["1"], &[":2: not a JSON record"]),
        case("Own.jsonl", "{\"a\":1,\"a\":2}\n{\"a\":3}\n", &["1", "3"], &[":1: column a: twice in one record"]),
        case("Own.jsonl", "{\"a\":1},\n{\"a\":2},\n", &["1", "2"], &[]),
        // A file whose beginning was cut off.
        case("Own.jsonl", "x\":\"y\",\"a\":1}\n{\"a\":2}\n", &["2"], &[":1: not a JSON record"]),
        case(
            "Own.jsonl",
            b"\xa9\":7}\n{\"a\":2}\n{\"a\":3}\n",
            &["2", "3"],
            &[":1: begins within a character", ":1: not"],
        ),
        case("Own.jsonl", b"\x82\xac{\"a\":1}\n{\"a\":2}\n", &["1", "2"], &[":1: begins within a character"]),
        case(
            "Own.jsonl",
            b"{\"a\":\"x\"}\n{\"a\":\"\xe2\x82\"}\n{\"a\":\"z\"}\n",
            &["x", "\u{fffd}", "z"],
            &[":2: bytes that are not UTF-8"],
        ),
        // Arrays.
        case(
            "Own.json",
            "[{\"a\":1},{\"a\":2},{\"a\":",
            &["1", "2"],
            &[":1: the JSON record is not closed", ":1: the file ends"],
        ),
        case("Own.json", "[{\"a\":1},{\"a\":2}", &["1", "2"], &[":1: the file ends before its JSON array"]),
        case("Own.json", "[{\"a\":1},{\"a\": },{\"a\":3}]", &["1", "3"], &[":1: not a JSON record"]),
        case("Own.json", "[{\"a\":1} {\"a\":2},]", &["1", "2"], &[]),
        case(
            "Own.json",
            "[{\"a\":1}, 5, \"x\", {\"a\":2}]",
            &["1", "2"],
            &[":1: a record must be a JSON object, not \"\\\"x", ":1: a record must be a JSON object, not \"5\""],
        ),
        case(
            "Own.json",
            "[\n  {\n    \"a\": \"1\n  },\n  {\n    \"a\": \"2\"\n  },\n  {\n    \"a\": \"3\"\n  }\n]",
            &["2", "3"],
            &[":2: the JSON record is not closed"],
        ),
        case(
            "Own.json",
            "{\"records\":[{\"a\":1},{\"a\":2",
            &["1"],
            &[":1: the JSON record is not closed", ":1: the file ends"],
        ),
        case("Own.json", "{\"tables\":[{\"name\":\"x\"}]}", &[], &[":1: no \"columns\" and \"rows\""]),
        case(
            "Own.json",
            "{\"tables\":[{\"columns\":[{\"name\":\"a\",\"type\":\"long\"}],\"rows\":[[1],[2,3],[\"x\"],[4]",
            &["1", "2", "null", "4"],
            &[
                ":1: 2 values where the table has 1",
                ":1: the file ends before its rows",
                ":1: column a: \"x\" is no long",
            ],
        ),
        // CSV.
        case(
            "Own.csv",
            "a,b\n1,x\n2\n3,y,z\n",
            &["1", "2", "3"],
            &[":3: 1 fields where the header has 2", ":4: 3 fields where"],
        ),
        case("Own.csv", "a,b\n1,x\n\n2,y\n", &["1", "2"], &[]),
        case("Own.csv", "a,b\n1,\"x\n2,y\n", &["1"], &[]),
        case("Own.csv", b"a,b\nx,1\n\xff,2\n", &["x", "\u{fffd}"], &[":3: column a: bytes that are not UTF-8"]),
        case("Own.csv", b"\xa9a,b\n1,2\n", &["1"], &[":1: begins within a character"]),
        // Packed files.
        case("Own.jsonl.gz", truncated(gzip(three.as_bytes()), 8), &["1", "2", "3"], &[":4: the file breaks off"]),
        case("Own.jsonl.gz", [gzip(b"{\"a\":1}\n"), gzip(b"{\"a\":2}\n")].concat(), &["1", "2"], &[]),
        case(
            "Own.jsonl.gz",
            [gzip(b"{\"a\":1}\n"), b"garbage".to_vec()].concat(),
            &["1"],
            &[":2: the file breaks off"],
        ),
        case(
            "Own.jsonl.zst",
            truncated(zstd(three.as_bytes()), 3),
            &["1", "2"],
            &[":3: not a JSON", ":3: the file breaks off"],
        ),
        case("Own.csv.gz", truncated(gzip(b"a\n1\n2\n"), 8), &["1", "2"], &[":4: the file breaks off"]),
        case("Own.json.gz", truncated(gzip(b"[{\"a\":1},{\"a\":2}]"), 8), &["1", "2"], &[":1: the file breaks off"]),
        case("Own.jsonl.gz", &gzip(b"{\"a\":1}\n")[..12], &[], &[":1: the file breaks off"]),
        case("Own.jsonl.gz", truncated(gzip(many.as_bytes()), 60_000), &["…"], &[""]),
        // Not text at all.
        case("Own.csv", b"PK\x03\x04rest", &[], &[": a zip archive"]),
        case("Own.csv", b"ab\x00\x01\x02", &[], &[": neither text nor Parquet"]),
        case("Own.csv", b"", &[], &[]),
        case("Own.jsonl", b"\n\n", &[], &[]),
    ]
}

#[test]
fn the_rest_is_read_and_the_problems_are_told() {
    for (number, case) in cases().into_iter().enumerate() {
        let files = Files::with(case.name, &case.content);
        let database = files.open();
        let columns = kql_engine::Database::table(&database, "Own").unwrap().columns;
        let about =
            format!("case {number}: {:?}", String::from_utf8_lossy(&case.content[..case.content.len().min(200)]));
        let has_column = columns.iter().any(|(name, _)| name == "a");
        let rows = if has_column { read(&database, "Own", &["a"]).column("a") } else { Vec::new() };
        if case.rows == ["…"] {
            assert!(rows.len() > 1000 && rows.len() < 20_000, "{about}: {} rows", rows.len());
        } else {
            assert_eq!(rows, case.rows, "{about}");
        }
        assert_eq!(count(&database, "Own"), rows.len(), "{about}: the count without columns");
        let prefix = files.path().join(case.name).display().to_string();
        let told: Vec<String> = database
            .problems()
            .problems()
            .iter()
            .map(|problem| problem.to_string().strip_prefix(&prefix).unwrap().to_string())
            .collect();
        if case.rows == ["…"] {
            // Where a packed file is cut decides whether a record is cut too.
            assert!(!told.is_empty(), "{about}");
        } else {
            assert_eq!(told.len(), case.problems.len(), "{about}: {told:?}");
        }
        for expected in case.problems {
            assert!(told.iter().any(|told| told.starts_with(expected)), "{about}: {told:?} for {expected:?}");
        }
        // Strict: the first problem ends the query.
        let strict = open(files.path(), Options { strict: true, ..Options::default() });
        if has_column {
            let failed = try_read(&strict, "Own", &["a"]);
            assert_eq!(failed.is_err(), !case.problems.is_empty(), "{about}");
            if let Err(error) = failed {
                assert!(error.to_string().contains(case.name), "{error}");
            }
        }
    }
}

#[test]
fn values_of_a_wrong_type_are_missing() {
    let lines = concat!(
        "{\"FileSize\":\"abc\",\"TimeGenerated\":\"yesterday\",\"DeviceName\":\"vm\"}\n",
        "{\"FileSize\":[1],\"TimeGenerated\":5,\"DeviceName\":\"vm2\"}\n",
        "{\"FileSize\":1.5,\"TimeGenerated\":null,\"DeviceName\":null}\n"
    );
    let files = Files::with("DeviceFileEvents.jsonl", lines);
    let database = files.open();
    let found = read(&database, "DeviceFileEvents", &["FileSize", "TimeGenerated", "DeviceName"]);
    assert_eq!(found.rows, [["null", "null", "vm"], ["null", "null", "vm2"], ["null", "null", ""]]);
    let told: Vec<String> = database.problems().problems().iter().map(|problem| problem.message.clone()).collect();
    assert_eq!(database.problems().total(), 5);
    for expected in [
        "\"abc\" is no long; read as missing",
        "\"yesterday\" is no datetime",
        "\"[1]\" is no long",
        "1.5 is no long",
        "5 is no datetime",
    ] {
        assert!(told.iter().any(|message| message.starts_with(expected)), "{expected}: {told:?}");
    }
    // Reading again counts nothing twice.
    read(&database, "DeviceFileEvents", &[]);
    assert_eq!(database.problems().total(), 5);
}

#[test]
fn one_bad_file_does_not_keep_the_others_from_being_read() {
    let files = Files::with("Own.1.jsonl", "{\"a\":1}\n");
    files.write("Own.2.jsonl", b"PK\x03\x04zip");
    let database = files.open();
    assert_eq!(read(&database, "Own", &["a"]).rows, [["1"]]);
    assert_eq!(database.problems().total(), 1);
    let strict = open(files.path(), Options { strict: true, ..Options::default() });
    let error = try_read(&strict, "Own", &["a"]).unwrap_err().to_string();
    assert!(error.contains("Own.2.jsonl: a zip archive; unpack it first"), "{error}");
}

#[test]
fn a_key_that_the_sample_did_not_show_is_told() {
    let mut lines: String = (0..1500).map(|n| format!("{{\"a\":{n}}}\n")).collect();
    lines.push_str("{\"a\":1500,\"late\":1}\n");
    let files = Files::with("Own.jsonl", lines);
    let database = files.open();
    assert_eq!(read(&database, "Own", &["a"]).rows.len(), 1501);
    let told = database.problems().problems();
    assert!(told.len() == 1 && told[0].to_string().contains(":1501: column late: not among the columns"), "{told:?}");
}
