//! Configurations: what is read, and what is said of mistakes.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;

use picquet_notify::{Event, KindConfig, Message, Output, Secret, Severity, check_names};
use support::{config, output, read};

#[test]
fn all_settings() {
    let toml = r##"
        [[output]]
        name = "ops"
        kind = "webhook"
        events = ["incident"]
        min_severity = "high"
        rules = ["Rule A"]
        retry = { first = "10s", factor = 3, max = "PT30M", give_up_after = "2d" }
        template_file = "ops.j2"
        url = { env = "OPS_URL" }
        secret = { file = "key" }
        timeout = "3s"
        ca_file = "/etc/ca.pem"
        headers = { X-A = "1", X-B = { file = "b" } }

        [[output]]
        name = "file"
        kind = "jsonl"
        path = "alerts.jsonl"
        rotate = { max_bytes = 1000000 }

        [[output]]
        name = "log"
        kind = "syslog"
        address = "[::1]:514"
        facility = "local7"

        [[output]]
        name = "mail"
        kind = "smtp"
        host = "mail.example.com"
        from = "a@example.com"
        to = "b@example.com"
    "##;
    let mut configs = read(toml).unwrap();
    check_names(&configs).unwrap();
    configs[0].resolve(Path::new("/conf"));
    let KindConfig::Webhook(webhook) = &configs[0].kind else { panic!("no webhook") };
    assert_eq!(webhook.secret, Some(Secret::File { file: "/conf/key".into() }));
    assert_eq!(webhook.headers["X-B"], Secret::File { file: "/conf/b".into() });
    assert_eq!(webhook.ca_file.as_deref(), Some(Path::new("/etc/ca.pem")));
    assert_eq!(configs[0].common.template_file.as_deref(), Some(Path::new("/conf/ops.j2")));
    assert_eq!(configs[0].common.retry.max.as_secs(), 1800);
    for config in &configs[1..] {
        Output::new(config).unwrap();
    }

    let shown = toml::to_string(&configs[0]).unwrap();
    assert!(shown.contains("X-A = \"(hidden)\"") && shown.contains("first = \"10s\""), "{shown}");
    let again = read(&format!("[[output]]\n{}", toml::to_string(&configs[3]).unwrap()));
    assert_eq!(again.unwrap()[0], configs[3]);
    assert!(!format!("{:?}", configs[0]).contains("\"1\""));
}

#[test]
fn mistakes_of_reading() {
    let cases = [
        ("kind = 'jsonl'\npath = 'x'", "output `?`: `name`: missing"),
        ("name = ' '", "output `?`: `name`: want a text that is not empty"),
        ("name = 'a'", "output `a`: `kind`: missing; want one of webhook, jsonl, syslog, smtp"),
        ("name = 'a'\nkind = 'mail'", "output `a`: `kind`: \"mail\": want one of webhook, jsonl, syslog, smtp"),
        ("name = 'a'\nkind = 'jsonl'", "output `a`: missing key `path`"),
        ("name = 'a'\nkind = 'jsonl'\nurl = 'x'", "output `a`: unknown key `url`, expected `path` or `rotate`"),
        (
            "name = 'a'\nkind = 'jsonl'\npath = 'x'\nrotate = { max = 1 }",
            "output `a`: `rotate`: unknown key `max`, expected `max_bytes` or `keep`",
        ),
        (
            "name = 'a'\nkind = 'jsonl'\npath = 'x'\nrotate = { max_bytes = -1 }",
            "output `a`: `rotate.max_bytes`: invalid value: integer `-1`, expected u64",
        ),
        (
            "name = 'a'\nkind = 'jsonl'\npath = 'x'\nevents = ['alerts']",
            "output `a`: `events[0]`: unknown variant `alerts`, expected `alert` or `incident`",
        ),
        (
            "name = 'a'\nkind = 'jsonl'\npath = 'x'\nmin_severity = 'Critical'",
            "output `a`: `min_severity`: `Critical` is no severity; there are Informational, Low, Medium, High",
        ),
        (
            "name = 'a'\nkind = 'jsonl'\npath = 'x'\nretry = { first = '0s' }",
            "output `a`: `retry.first`: `0s` is no duration above zero, such as `10s`, `5m` or `PT1H`",
        ),
        (
            "name = 'a'\nkind = 'webhook'\nurl = 'https://a.example'\nsecret = { env = 'A', file = 'b' }",
            "output `a`: `secret`: want a text, { env = \"NAME\" } or { file = \"path\" }",
        ),
        (
            "name = 'a'\nkind = 'smtp'\nhost = 'h'\nfrom = 'a@b.c'\nto = 1",
            "output `a`: `to`: want an address or a list of addresses",
        ),
        (
            "name = 'a'\nkind = 'smtp'\nhost = 'h'\nfrom = 'a@b.c'\nto = 'a@b.c'\nport = 70000",
            "output `a`: `port`: invalid value: integer `70000`, expected u16",
        ),
    ];
    for (toml, expected) in cases {
        assert_eq!(read(&format!("[[output]]\n{toml}")).unwrap_err(), expected, "{toml}");
    }
}

#[test]
fn mistakes_of_meaning() {
    let web = "kind = 'webhook'\nurl = 'https://a.example/x'\n";
    let file = "kind = 'jsonl'\npath = 'x'\n";
    let log = "kind = 'syslog'\n";
    let mail = "kind = 'smtp'\nhost = 'mail.example.com'\nfrom = 'a@b.example'\nto = 'c@d.example'\n";
    let no_mail = "kind = 'smtp'\nhost = 'mail.example.com'\n";
    let cases = [
        (file, "events = []", "`events`: the list is empty, so nothing would be sent"),
        (file, "rules = []", "`rules`: the list is empty, so nothing would be sent; leave it out for all rules"),
        (file, "retry = { factor = 0.5 }", "`retry.factor`: want 1 or more"),
        (file, "rotate = { max_bytes = 0 }", "`rotate`: want `max_bytes` and `keep` above zero"),
        (file, "template = '{{ x }}'", "`template`: for alert.raised: line 1: undefined value at `x`"),
        (file, "template = ''\ntemplate_file = 'x'", "`template_file`: `template` is given too; want one of the two"),
        (
            file,
            "template_file = '/no/such'",
            "`template_file`: /no/such cannot be read: No such file or directory (os error 2)",
        ),
        ("kind = 'jsonl'\npath = '/'\n", "", "`path`: want the path of a file"),
        ("kind = 'webhook'\nurl = 'a.example'\n", "", "`url`: is no URL: relative URL without a base"),
        ("kind = 'webhook'\nurl = 'ftp://a.example'\n", "", "`url`: want http or https, not ftp"),
        ("kind = 'webhook'\nurl = 'https://u:p@a.example'\n", "", "`url`: user and password belong in `basic`"),
        (web, "secret = 'whsec_?'", "`secret`: what follows `whsec_` is not base64: Invalid symbol 63, offset 0."),
        (web, "secret = ''", "`secret`: it is empty"),
        (
            web,
            "secret = { env = 'PICQUET_TEST_NOT_SET' }",
            "`secret`: the environment variable PICQUET_TEST_NOT_SET is not set",
        ),
        (
            web,
            "bearer = { file = '/no/such' }",
            "`bearer`: the file /no/such cannot be read: No such file or directory (os error 2)",
        ),
        (
            web,
            "bearer = 'a'\nbasic = { user = 'a', password = 'b' }",
            "`basic`: `bearer` is given too; want one of the two",
        ),
        (
            web,
            "bearer = 'a'\nheaders = { Authorization = 'b' }",
            "`bearer`: `headers` has `authorization` too; want one of the two",
        ),
        (web, "headers = { 'a b' = 'x' }", "`headers`: `a b`: is no name of a header"),
        (web, "headers = { Webhook-Id = 'x' }", "`headers`: `Webhook-Id`: is set by the output itself"),
        (web, "headers = { X = \"a\\nb\" }", "`headers`: `X`: holds characters that a header cannot have"),
        (web, "content_type = \"a\\nb\"", "`content_type`: holds characters that a header cannot have"),
        (web, "ca_file = 'Cargo.toml'", "`ca_file`: holds no certificate (PEM)"),
        (log, "", "`address`: missing; want `host:port`"),
        (log, "address = 'here'", "`address`: `here`: want `host:port`"),
        (log, "address = 'here:514'\nframing = 'newline'", "`framing`: is for `transport = \"tcp\"`"),
        (log, "address = 'here:514'\npath = 'x'", "`path`: is for `transport = \"unix\"`"),
        (log, "address = 'here:514'\ntransport = 'unix'", "`address`: is for `udp` and `tcp`; want `path`"),
        (
            log,
            "address = 'here:514'\napp_name = 'a b'",
            "`app_name`: `a b`: want 1 to 48 characters of printable ASCII without spaces",
        ),
        (
            no_mail,
            "from = 'a'\nto = 'a@b.example'",
            "`from`: `a`: want `name@example.com` or `Name <name@example.com>`",
        ),
        (no_mail, "from = 'a@b.example'\nto = []", "`to`: the list is empty"),
        (mail, "user = 'u'", "`password`: missing; `user` is given"),
        (mail, "password = 'u'", "`user`: missing; `password` is given"),
        (
            mail,
            "user = 'u'\npassword = 'p'\ntls = 'none'",
            "`tls`: `none` would send the password in the clear; it is for servers of this machine",
        ),
        (mail, "tls = 'none'\nca_file = 'x'", "`ca_file`: is of no use with `tls = \"none\"`"),
        (mail, "ca_file = 'Cargo.toml'", "`ca_file`: holds no certificate (PEM)"),
        (mail, "html = false\nhtml_template = 'x'", "`html`: is false, but there is a template of the HTML body"),
        (mail, "subject = '{% if %}'", "`subject`: line 1: syntax error: unexpected end of block at `%}`"),
    ];
    for (kind, settings, expected) in cases {
        let error = support::try_output(&format!("{kind}{settings}")).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), format!("output `t`: {expected}"), "{kind}{settings}");
    }
}

#[test]
fn names_are_unique() {
    let file = "[[output]]\nname = 'a'\nkind = 'jsonl'\npath = 'x'\n";
    let error = check_names(&read(&format!("{file}{file}")).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "output `a`: `name`: another output has it too");
}

#[test]
fn warnings() {
    let web = "kind = 'webhook'\nurl = 'https://a.example/x'\n";
    let inline = |key: &str| {
        format!(
            "output `t`: `{key}`: the secret is written in the configuration; {{ env = \"NAME\" }} or {{ file = \"path\" }} keep it out"
        )
    };
    let cases = [
        (format!("{web}secret = 'k'\nbearer = {{ env = 'B' }}"), vec![inline("secret")]),
        (format!("{web}basic = {{ user = 'u', password = 'p' }}"), vec![inline("basic.password")]),
        (format!("{web}headers = {{ X = 'y' }}"), vec![]),
        (
            "kind = 'webhook'\nurl = 'http://a.example/x'".to_owned(),
            vec!["output `t`: `url`: messages are sent in the clear over http".to_owned()],
        ),
        ("kind = 'webhook'\nurl = 'http://[::1]:80/x'".to_owned(), vec![]),
        (
            "kind = 'smtp'\nhost = 'relay'\ntls = 'none'\nfrom = 'a@b.example'\nto = 'a@b.example'".to_owned(),
            vec!["output `t`: `tls`: messages are sent in the clear".to_owned()],
        ),
    ];
    for (settings, expected) in cases {
        assert_eq!(config(&settings).warnings(), expected, "{settings}");
    }
}

#[test]
fn secrets_from_the_environment_and_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, "whsec_c2VjcmV0\n").unwrap();
    // Cargo sets this one.
    let web = "kind = 'webhook'\nurl = 'https://a.example/x'\nbearer = { env = 'CARGO_PKG_NAME' }";
    output(&format!("{web}\nsecret = {{ file = '{}' }}", file.display()));
}

#[test]
fn filters() {
    let message = |event, severity| Message { severity, ..Message::sample(event) };
    let high = message(Event::AlertRaised, Severity::High);
    let low = message(Event::AlertRaised, Severity::Low);
    let incident = message(Event::IncidentUpdated, Severity::Medium);
    let cases = [
        ("", [true, true, true]),
        ("events = ['alert']", [true, true, false]),
        ("events = ['incident']", [false, false, true]),
        ("min_severity = 'Medium'", [true, false, true]),
        ("rules = ['sample: SIGN-INS from two countries']", [true, true, true]),
        ("rules = ['00000000-0000-0000-0000-000000000001', 'x']", [true, true, true]),
        ("rules = ['x']", [false, false, false]),
        ("events = ['alert']\nmin_severity = 'High'", [true, false, false]),
    ];
    for (settings, expected) in cases {
        let output = output(&format!("kind = 'jsonl'\npath = 'x'\n{settings}"));
        assert_eq!([&high, &low, &incident].map(|message| output.wants(message)), expected, "{settings}");
    }
}
