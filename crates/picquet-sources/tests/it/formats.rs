//! The same rows in every format and packing.

use kql_functions::Type;
use picquet_sources::Options;

use crate::support::{Files, gzip, open, read, zstd};

pub const LINES: &str = r#"{"TimeGenerated":"2026-03-14T01:53:26.3910000Z","Name":"a, \"b\"","Count":8,"Ratio":0.5,"Ok":true,"Extra":{"k":[1,2]}}
{"TimeGenerated":"2026-03-14T02:00:00.0000000Z","Name":"","Count":null,"Ratio":2,"Ok":false,"Extra":null}
"#;

/// All texts that hold these two rows, with the end of the file name.
pub fn contents() -> Vec<(&'static str, String)> {
    let objects: Vec<&str> = LINES.lines().collect();
    let array = format!("[{}]", objects.join(","));
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(&array).unwrap()).unwrap();
    let one_by_one: Vec<String> = objects
        .iter()
        .map(|line| serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(line).unwrap()).unwrap())
        .collect();
    let csv = concat!(
        "TimeGenerated,Name,Count,Ratio,Ok,Extra\r\n",
        "2026-03-14T01:53:26.391Z,\"a, \"\"b\"\"\",8,0.5,true,\"{\"\"k\"\":[1,2]}\"\r\n",
        "2026-03-14T02:00:00Z,,,2,false,\r\n"
    );
    let portal = concat!(
        "\u{feff}\"TimeGenerated [UTC]\",Name,Count,Ratio,Ok,Extra\n",
        "\"3/14/2026, 1:53:26.391 AM\",\"a, \"\"b\"\"\",8,0.5,true,\"{ \"\"k\"\" : [ 1, 2 ] }\"\n",
        "\"3/14/2026, 2:00:00.000 AM\",,,2,false,\n"
    );
    let tables = r#"{"tables":[{"name":"PrimaryResult","columns":[{"name":"TimeGenerated","type":"datetime"},{"name":"Name","type":"string"},
        {"name":"Count","type":"long"},{"name":"Ratio","type":"real"},{"name":"Ok","type":"bool"},{"name":"Extra","type":"dynamic"}],
        "rows":[["2026-03-14T01:53:26.391Z","a, \"b\"",8,0.5,true,"{\"k\":[1,2]}"],
        ["2026-03-14T02:00:00Z","",null,2.0,false,null]]}]}"#;
    vec![
        ("jsonl", LINES.to_string()),
        ("jsonl", LINES.replace('\n', "\r\n")),
        ("jsonl", format!("\u{feff}{LINES}\n\n")),
        ("jsonl", LINES.trim_end().to_string()),
        ("json", array.clone()),
        ("json", pretty.clone()),
        ("json", pretty.replace('\n', "\r\n")),
        ("json", one_by_one.join("\n")),
        ("json", format!("{{\"records\": {array}}}")),
        ("json", format!("{{\"@odata.context\":\"https://x\",\n\"value\": {pretty}\n}}")),
        ("json", format!("{{\"records\":[{}]}}\n{{\"records\":[{}]}}\n", objects[0], objects[1])),
        ("json", tables.to_string()),
        ("json", tables.replace("\"tables\"", "\"Tables\"").replace("\"type\"", "\"ColumnType\"")),
        ("csv", csv.to_string()),
        ("csv", portal.to_string()),
        ("tsv", csv.replace("a, ", "a; ").replace(',', "\t").replace("1\t2", "1,2").replace("a; ", "a, ")),
    ]
}

#[test]
fn all_formats_and_packings_give_the_same_table() {
    let expected = Files::with("Own.jsonl", LINES);
    let expected = read(&expected.open(), "Own", &[]);
    let types = [
        ("TimeGenerated", Type::DateTime),
        ("Name", Type::String),
        ("Count", Type::Long),
        ("Ratio", Type::Real),
        ("Ok", Type::Bool),
        ("Extra", Type::Dynamic),
    ];
    assert_eq!(expected.columns, types.map(|(name, ty)| (name.to_string(), ty)));
    assert_eq!(
        expected.rows,
        [
            ["2026-03-14T01:53:26.3910000Z", "a, \"b\"", "8", "0.5", "true", "dynamic({\"k\":[1,2]})"],
            ["2026-03-14T02:00:00.0000000Z", "", "null", "2.0", "false", "null"],
        ]
    );
    for (number, (end, content)) in contents().into_iter().enumerate() {
        let packings =
            [("", content.clone().into_bytes()), (".gz", gzip(content.as_bytes())), (".zst", zstd(content.as_bytes()))];
        for (packing, bytes) in packings {
            // By content: a name that misleads does not matter.
            for name in [format!("Own.{end}{packing}"), "Own.csv".to_string()] {
                let files = Files::with(&name, &bytes);
                let database = files.open();
                let mut found = read(&database, "Own", &[]);
                // Keys of objects are sorted where the test's writer sorts them.
                found.sort_columns_like(&expected);
                assert_eq!(found, expected, "content {number}, {name}:\n{content}");
                assert!(database.problems().is_empty(), "{:?}", database.problems().problems());
            }
        }
    }
}

impl crate::support::Read {
    pub fn sort_columns_like(&mut self, other: &crate::support::Read) {
        let order: Vec<usize> = other
            .columns
            .iter()
            .map(|(name, _)| self.columns.iter().position(|(own, _)| own == name).unwrap())
            .collect();
        self.columns = order.iter().map(|at| self.columns[*at].clone()).collect();
        for row in &mut self.rows {
            *row = order.iter().map(|at| row[*at].clone()).collect();
        }
    }
}

#[test]
fn utf16_as_powershell_writes_it() {
    let bytes: Vec<u8> = format!("\u{feff}{LINES}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let files = Files::with("Own.json", bytes);
    assert_eq!(read(&files.open(), "Own", &["Count"]).rows.len(), 2);
}

#[test]
fn several_files_of_a_table_are_read_together() {
    let files = Files::with("Own.1.jsonl", "{\"a\":1}\n{\"a\":2,\"b\":\"x\"}\n");
    files.write("Own.2.csv", "c,a\ntrue,2.5\n");
    files.write("Own/part-0.json", "[{\"a\":4}]");
    let mut found = read(&files.open(), "Own", &[]);
    assert_eq!(
        found.columns,
        [("a", Type::Real), ("b", Type::String), ("c", Type::Bool)].map(|(n, t)| (n.to_string(), t))
    );
    found.rows.sort();
    assert_eq!(found.rows, [["1.0", "", "null"], ["2.0", "x", "null"], ["2.5", "", "true"], ["4.0", "", "null"]]);
}

#[test]
fn known_tables_have_their_columns() {
    let files =
        Files::with("DeviceFileEvents.csv", "FileSize,DeviceName,Mine,AdditionalFields\n\"8\",vm,7,not json\n,,,{}\n");
    let database = files.open();
    let found = read(
        &database,
        "DeviceFileEvents",
        &["FileSize", "DeviceName", "Mine", "TimeGenerated", "SHA1", "AdditionalFields"],
    );
    let types: Vec<Type> = found.columns.iter().map(|(_, ty)| *ty).collect();
    assert_eq!(types, [Type::Long, Type::String, Type::Long, Type::DateTime, Type::String, Type::Dynamic]);
    assert_eq!(
        found.rows,
        [["8", "vm", "7", "null", "", "dynamic(\"not json\")"], ["null", "", "null", "null", "", "dynamic({})"]]
    );
    assert!(database.problems().is_empty());
}

#[test]
fn values_of_other_json_types() {
    let line = r#"{"DeviceName":{"a": 1},"FileSize":"12","ReportId":12.0,"AdditionalFields":"{\"b\": 2}","SHA1":5,"MD5":true}"#;
    let files = Files::with("DeviceFileEvents.jsonl", line);
    let database = files.open();
    let found =
        read(&database, "DeviceFileEvents", &["DeviceName", "FileSize", "ReportId", "AdditionalFields", "SHA1", "MD5"]);
    assert_eq!(found.rows, [["{\"a\":1}", "12", "12", "dynamic({\"b\":2})", "5", "true"]]);
    assert!(database.problems().is_empty(), "{:?}", database.problems().problems());
}

#[test]
fn names_of_columns() {
    let csv = "a, a ,a,,At [Local Time],B [UTC+01:00]\n1,2,3,4,\"3/14/2026, 1:00:00 PM\",\"14/03/2026, 13:00\"\n";
    let files = Files::with("Own.csv", csv);
    let database = files.open();
    let found = read(&database, "Own", &[]);
    let names: Vec<&str> = found.columns.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a", "a1", "a2", "Column4", "At", "B"]);
    assert_eq!(found.rows[0], ["1", "2", "3", "4", "2026-03-14T13:00:00.0000000Z", "2026-03-14T12:00:00.0000000Z"]);
    assert!(database.notes()[0].contains("\"At [Local Time]\""), "{:?}", database.notes());
}

#[test]
fn custom_tables_go_by_the_endings_of_their_columns() {
    let lines = r#"{"Port_d":443,"Name_s":"x","Seen_t":"2026-03-14T00:00:00Z","On_b":true,"Id_g":"8f0c2c1e-0000-4000-8000-000000000001","Odd_d":"x","Plain":1}"#;
    let files = Files::with("Mine_CL.jsonl", lines);
    let found = read(&files.open(), "Mine_CL", &[]);
    let types: Vec<Type> = found.columns.iter().map(|(_, ty)| *ty).collect();
    assert_eq!(types, [Type::Real, Type::String, Type::DateTime, Type::Bool, Type::String, Type::String, Type::Long]);
}

#[test]
fn known_tables_without_files() {
    let files = Files::with("Own.csv", "a\n1\n");
    assert!(kql_engine::Database::table(&files.open(), "SigninLogs").is_none());
    let database = open(files.path(), Options { known_tables: true, ..Options::default() });
    assert!(read(&database, "SigninLogs", &["TimeGenerated"]).rows.is_empty());
    assert!(kql_engine::Database::table(&database, "NoSuchTable").is_none());
}
