//! Entities of rows: splitting of names, required sets, merging, limits, ready-made arrays.

use picquet_rules::{EntityMapping, FieldMapping, MAX_ENTITY_BYTES, WarningKind, extract_entities, legacy_mappings};
use serde_json::{Value, json};

fn mapping(entity_type: &str, pairs: &[(&str, &str)]) -> EntityMapping {
    EntityMapping {
        entity_type: entity_type.to_owned(),
        field_mappings: pairs
            .iter()
            .map(|(identifier, column)| FieldMapping {
                identifier: (*identifier).to_owned(),
                column_name: (*column).to_owned(),
            })
            .collect(),
    }
}

/// Entities of one row that gives each identifier its value.
fn of_row(entity_type: &str, pairs: &[(&str, Value)]) -> String {
    let names: Vec<(&str, &str)> = pairs.iter().map(|(name, _)| (*name, *name)).collect();
    let columns: Vec<String> = pairs.iter().map(|(name, _)| (*name).to_owned()).collect();
    let row: Vec<Value> = pairs.iter().map(|(_, value)| value.clone()).collect();
    extract_entities(&[mapping(entity_type, &names)], &[], &columns, &[row]).to_text()
}

#[test]
fn s5_2_one_row() {
    type Case<'a> = (&'a str, &'a [(&'a str, Value)], &'a str);
    // type, identifiers with values, Entities text
    let cases: [Case<'_>; 22] = [
        (
            "Account",
            &[("FullName", json!("alex@contoso.com"))],
            r#"[{"$id":"3","Name":"alex","UPNSuffix":"contoso.com","Type":"account"}]"#,
        ),
        (
            "Account",
            &[("FullName", json!("CONTOSO\\alex"))],
            r#"[{"$id":"3","Name":"alex","NTDomain":"CONTOSO","Type":"account"}]"#,
        ),
        ("Account", &[("FullName", json!("alex"))], r#"[{"$id":"3","Name":"alex","Type":"account"}]"#),
        ("Account", &[("FullName", json!("@x"))], r#"[{"$id":"3","Name":"@x","Type":"account"}]"#),
        (
            "Account",
            &[("FullName", json!("a@b")), ("Name", json!("z"))],
            r#"[{"$id":"3","UPNSuffix":"b","Name":"z","Type":"account"}]"#,
        ),
        (
            "Account",
            &[("FullName", json!("a@b")), ("Name", json!("")), ("Sid", json!(null))],
            r#"[{"$id":"3","Name":"a","UPNSuffix":"b","Type":"account"}]"#,
        ),
        ("Account", &[("DisplayName", json!("Alex Smith"))], ""),
        (
            "Account",
            &[("DisplayName", json!("Alex Smith")), ("Sid", json!("S-1-5-21"))],
            r#"[{"$id":"3","Sid":"S-1-5-21","Type":"account"}]"#,
        ),
        (
            "Account",
            &[("DisplayName", json!("a@b")), ("Sid", json!("S-1"))],
            r#"[{"$id":"3","Name":"a","UPNSuffix":"b","Sid":"S-1","Type":"account"}]"#,
        ),
        ("Account", &[("UPNSuffix", json!("contoso.com"))], ""),
        ("Account", &[("Name", json!("System"))], ""),
        ("Account", &[("FullName", json!("root"))], ""),
        (
            "Account",
            &[("Name", json!("system")), ("NTDomain", json!("NT AUTHORITY"))],
            r#"[{"$id":"3","Name":"system","NTDomain":"NT AUTHORITY","Type":"account"}]"#,
        ),
        (
            "Account",
            &[("Name", json!("a")), ("IsDomainJoined", json!(true))],
            r#"[{"$id":"3","Name":"a","IsDomainJoined":true,"Type":"account"}]"#,
        ),
        (
            "Host",
            &[("FullName", json!("srv1.corp.contoso.com"))],
            r#"[{"$id":"3","HostName":"srv1","DnsDomain":"corp.contoso.com","Type":"host"}]"#,
        ),
        ("Host", &[("FullName", json!("srv1"))], r#"[{"$id":"3","HostName":"srv1","Type":"host"}]"#),
        ("Host", &[("FullName", json!("192.0.2.7"))], r#"[{"$id":"3","HostName":"192.0.2.7","Type":"host"}]"#),
        ("IP", &[("Address", json!(" 203.0.113.7 "))], r#"[{"$id":"3","Address":"203.0.113.7","Type":"ip"}]"#),
        ("FileHash", &[("Value", json!("d41d")), ("Algorithm", json!(null))], ""),
        ("Process", &[("ProcessId", json!(4711))], r#"[{"$id":"3","ProcessId":"4711","Type":"process"}]"#),
        (
            "IP",
            &[("Address", json!(["192.0.2.1", "192.0.2.2"]))],
            r#"[{"$id":"3","Address":"[\"192.0.2.1\",\"192.0.2.2\"]","Type":"ip"}]"#,
        ),
        ("SubmissionMail", &[("Submitter", json!("a"))], r#"[{"$id":"3","Submitter":"a","Type":"SubmissionMail"}]"#),
    ];
    for (entity_type, pairs, expected) in cases {
        assert_eq!(of_row(entity_type, pairs), expected, "{entity_type} {pairs:?}");
    }
}

fn columns(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn s5_1_equal_entities_are_merged_and_missing_columns_told_once() {
    let mappings = [
        mapping("IP", &[("Address", "Source")]),
        mapping("IP", &[("Address", "Target")]),
        mapping("Host", &[("HostName", "Gone")]),
    ];
    let rows = [
        vec![json!("192.0.2.1"), json!("192.0.2.2")],
        vec![json!("192.0.2.2")],
        vec![json!("192.0.2.1"), json!("192.0.2.3")],
    ];
    let found = extract_entities(&mappings, &[], &columns(&["Source", "Target"]), &rows);
    let addresses: Vec<(usize, &Value)> =
        found.entities.iter().map(|entity| (entity.id, &entity.fields[0].1)).collect();
    assert_eq!(addresses, [(3, &json!("192.0.2.1")), (4, &json!("192.0.2.2")), (5, &json!("192.0.2.3"))]);
    let messages: Vec<&str> = found.warnings.iter().map(|w| w.message.as_str()).collect();
    assert_eq!(messages, ["entity Host.HostName: the result has no column `Gone`"]);
}

#[test]
fn s5_1_mappings_share_the_limit() {
    let rows: Vec<Vec<Value>> = (0..300).map(|n| vec![json!(format!("u{n}")), json!(format!("h{}", n % 2))]).collect();
    let mappings = [mapping("Account", &[("Name", "User")]), mapping("Host", &[("HostName", "Host")])];
    let found = extract_entities(&mappings, &[], &columns(&["User", "Host"]), &rows);
    assert_eq!(found.entities.len(), 252);
    assert_eq!(found.warnings[0].kind, WarningKind::EntitiesDropped);
    assert!(found.warnings[0].message.starts_with("50 entities"));
}

#[test]
fn s5_1_text_stays_under_the_size() {
    let rows: Vec<Vec<Value>> =
        (0..100).map(|n| vec![json!(format!("https://example.com/{n}/{}", "x".repeat(1000)))]).collect();
    let found = extract_entities(&[mapping("URL", &[("Url", "U")])], &[], &columns(&["U"]), &rows);
    let size = found.to_text().len();
    assert!(size <= MAX_ENTITY_BYTES && size > MAX_ENTITY_BYTES - 1100, "{size}");
    assert_eq!(found.warnings.len(), 1);
}

#[test]
fn s5_1_ready_made_arrays_are_merged_in() {
    let array = r#"[
        {"$id":"1","HostName":"srv1","Type":"host"},
        {"$id":"2","ProcessId":"7","Host":{"$ref":"1"},
         "ImageFile":{"$id":"9","Name":"a.exe","Type":"file"},"Type":"process"},
        {"$id":"4","Address":"192.0.2.1","Type":"ip"},
        {"$id":"5","Name":"b.exe","Parent":{"$ref":"9"},"Gone":{"$ref":"77"},"Type":"file"},
        {"$id":"6","Name":"no type"},
        "not an object"
    ]"#;
    let mappings = [mapping("IP", &[("Address", "Ip")])];
    let rows = [
        vec![json!("192.0.2.1"), json!(array)],
        vec![json!("192.0.2.1"), serde_json::from_str(array).expect("valid JSON")],
        vec![json!(null), json!("")],
    ];
    let names = columns(&["Ip", "Entities"]);
    let found = extract_entities(&mappings, &["Entities".to_owned()], &names, &rows);
    let entities: Value = serde_json::from_str(&found.to_text()).expect("JSON");
    assert_eq!(
        entities,
        json!([
            {"$id":"3","Address":"192.0.2.1","Type":"ip"},
            {"$id":"4","HostName":"srv1","Type":"host"},
            {"$id":"5","ProcessId":"7","Host":{"$ref":"4"},"ImageFile":{"Name":"a.exe","Type":"file"},"Type":"process"},
            {"$id":"6","Name":"b.exe","Parent":{"Name":"a.exe","Type":"file"},"Gone":null,"Type":"file"},
        ])
    );
    assert!(found.warnings.is_empty(), "{:?}", found.warnings);

    let bad = [vec![json!("192.0.2.1"), json!("no array")]];
    let found = extract_entities(&[], &["Entities".to_owned()], &names, &bad);
    assert_eq!((found.to_text().as_str(), found.warnings.len()), ("", 1));
}

#[test]
fn s5_1_legacy_columns() {
    let names = columns(&["URLCustomEntity", "timestamp", "AccountCustomEntity"]);
    let row = vec![json!("https://example.com"), json!(null), json!("a@b")];
    let found = extract_entities(&legacy_mappings(&names), &[], &names, &[row]);
    let types: Vec<&str> = found.entities.iter().map(|e| e.json_type.as_str()).collect();
    assert_eq!(types, ["account", "url"]);
}

#[test]
fn references_in_a_ring_end() {
    let array = json!([{"$id":"1","Type":"x","A":{"$id":"2","B":{"$ref":"2"}}}]);
    let found = extract_entities(&[], &["E".to_owned()], &columns(&["E"]), &[vec![array]]);
    assert_eq!(found.entities.len(), 1);
}
