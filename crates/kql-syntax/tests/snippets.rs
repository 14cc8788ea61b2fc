//! Small queries with their trees or errors, in `tests/cases`. `BLESS=1` writes what the parser says.
#![allow(clippy::expect_used, clippy::print_stderr)]

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use kql_syntax::{LineIndex, Span, parse, tokenize};

/// A snippet is a paragraph: the query, then lines that begin with `» `.
fn run(file: &str, answer: impl Fn(&str) -> String) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(file);
    let text = fs::read_to_string(&path).expect("the case file");
    let mut result = String::new();
    for paragraph in text.split("\n\n").filter(|p| !p.trim().is_empty()) {
        let lines = paragraph.trim_matches('\n').lines();
        let query: Vec<&str> = lines.filter(|l| !l.starts_with("» ")).collect();
        let query = query.join("\n");
        writeln!(result, "{query}").expect("a string");
        for line in answer(&query).lines() {
            writeln!(result, "» {line}").expect("a string");
        }
        result.push('\n');
    }
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, result).expect("writing");
        return;
    }
    for (want, is) in text.trim().lines().zip(result.trim().lines()) {
        assert_eq!(want, is, "in {file}");
    }
    assert_eq!(text.trim().len(), result.trim().len(), "{file} differs in length");
}

fn tree(query: &str) -> String {
    let parsed = parse(query);
    let mut out = compact(&format!("{:?}", parsed.query.statements));
    for d in parsed.diagnostics {
        write!(out, "\n{} {}", d.code, d.message).expect("a string");
    }
    out
}

fn diagnostics(query: &str) -> String {
    let index = LineIndex::new(query);
    let mut out = String::new();
    for d in parse(query).diagnostics {
        let (line, column) = index.line_column(d.span.start);
        let help = d.help.map_or(String::new(), |h| format!(" — {h}"));
        writeln!(out, "{line}:{column} {:?} {} {}{help}", d.span.text(query), d.code, d.message).expect("a string");
    }
    if out.is_empty() { "fine".to_owned() } else { out }
}

/// A debug text without places, absent parts and the names of wrappers.
fn compact(debug: &str) -> String {
    let mut text = debug.to_owned();
    while let Some(at) = text.find("Span { start: ") {
        let end = text[at..].find('}').map_or(text.len(), |e| at + e + 1);
        text.replace_range(at..end, "");
    }
    for gone in ["op_span: , ", ", span: ", "Star()"] {
        text = text.replace(gone, if gone == "Star()" { "Star" } else { "" });
    }
    for name in ["None", "[]", "false"] {
        text = drop_field(&text, name);
    }
    for (before, after) in [
        ("Expr { kind: ", " }"),
        ("Name { text: ", " }"),
        ("NamedExpr { value: ", " }"),
        ("Arg { value: ", " }"),
        ("Operator { kind: ", " }"),
        ("Literal(", ")"),
        ("Name(", ")"),
        ("Scalar(", ")"),
        ("Some(", ")"),
    ] {
        text = unwrap(&text, before, after);
    }
    text
}

/// Removes `before` and the matching `after`.
fn unwrap(text: &str, before: &str, after: &str) -> String {
    let mut out = text.to_owned();
    let mut from = 0;
    while let Some(at) = out[from..].find(before).map(|a| a + from) {
        let start = at + before.len();
        let word = out[..at].chars().next_back().is_some_and(char::is_alphanumeric);
        let open = before.find(['{', '(']).expect("a bracket") + at;
        match closing(&out, open) {
            Some(close) if !word && out[..=close].ends_with(after) && close + 1 - after.len() >= start => {
                out.replace_range(close + 1 - after.len()..=close, "");
                out.replace_range(at..start, "");
                from = at;
            }
            _ => from = start,
        }
    }
    out
}

fn closing(text: &str, open: usize) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    for (i, c) in text[open..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(open + i);
                }
            }
            _ => {}
        }
    }
    None
}

fn drop_field(text: &str, value: &str) -> String {
    let mut out = text.to_owned();
    for (pattern, keep) in [(format!(": {value}, "), ""), (format!(": {value} }}"), " }")] {
        let mut from = 0;
        while let Some(at) = out[from..].find(&pattern).map(|a| a + from) {
            let name = out[..at].rfind(|c: char| !c.is_alphanumeric() && c != '_' && c != '#').map_or(0, |i| i + 1);
            let name = if keep.is_empty() { name } else { out[..name].trim_end_matches(", ").trim_end().len() };
            out.replace_range(name..at + pattern.len(), keep);
            from = name;
        }
    }
    out
}

#[test]
fn expressions() {
    run("expressions.txt", |q| {
        let tree = tree(&format!("print {q}"));
        tree.replacen("[Expr(Source(Print([", "", 1).replacen("])))]", "", 1)
    });
}

#[test]
fn literals() {
    run("literals.txt", |q| {
        let tree = tree(&format!("print {q}"));
        tree.replacen("[Expr(Source(Print([", "", 1).replacen("])))]", "", 1)
    });
}

#[test]
fn operators() {
    run("operators.txt", tree);
}

#[test]
fn statements() {
    run("statements.txt", tree);
}

#[test]
fn errors() {
    run("errors.txt", diagnostics);
}

#[test]
fn tokens() {
    let kinds: Vec<String> = tokenize("a1 'x' // c\n0x1F 1.5h").iter().map(|t| format!("{:?}", t.kind)).collect();
    assert_eq!(kinds, ["Ident", "String", "Comment", "Long", "Timespan"]);
}

#[test]
fn spans_cover_the_text_of_a_node() {
    let query = "T | where a == 1 | take 5";
    let kql_syntax::ast::Statement::Expr(expr) = &parse(query).query.statements[0] else { panic!("a query") };
    assert_eq!(expr.span, Span::new(0, query.len()));
    let kql_syntax::ast::ExprKind::Pipeline { operators, .. } = &expr.kind else { panic!("a pipeline") };
    assert_eq!(operators[0].span.text(query), "where a == 1");
}

/// Long and deep texts end soon, with a diagnostic at most, on the stack of a test thread.
#[test]
fn endless_texts_end() {
    let n = 20_000;
    let fine = [
        format!("T | where {}true", "a == 1 or ".repeat(n)),
        format!("T | where {}true", "a == 1 and ".repeat(n)),
        format!("T {}", "| where a == 1 ".repeat(n)),
        format!("{}T", "let a = (b | take 1);".repeat(n)),
        format!("print {}", "\"a\" ".repeat(n)),
    ];
    for query in fine {
        assert_eq!(parse(&query).diagnostics, [], "{}", &query[..40]);
    }
    let deep = [
        "print ",
        "(",
        "",
        "print ",
        "a + (",
        "",
        "T",
        "| join (T ",
        "",
        "print ",
        "f(",
        "",
        "print ",
        "a[",
        "",
        "T | where ",
        "a in (",
        "",
        "T | where ",
        "a between (",
        "",
        "",
        "let f = () {",
        "",
        "print dynamic(",
        "[",
        "",
        "print dynamic(",
        "{\"a\":",
        "",
        "print ",
        "-(",
        "",
        "T | ",
        "fork (",
        "",
        "T | ",
        "facet by a with ",
        "",
        "T | ",
        "partition by a { T | ",
        "",
        "print ",
        "1 + ",
        "1",
        "print a",
        ".b",
        "",
        "print a",
        "[0]",
        "",
        "T",
        "| mv-apply x on (take 1 ",
        "",
        "T",
        "| where x == 1 + 2 * f(a, toscalar(T",
        "",
    ];
    for part in deep.chunks(3) {
        let query = format!("{}{}{}", part[0], part[1].repeat(n), part[2]);
        let parsed = parse(&query);
        let codes: Vec<_> = parsed.diagnostics.iter().map(|d| d.code).collect();
        assert_eq!(codes, ["KS245"], "{}", part[1]);
        drop(parsed.clone());
    }
    for bad in [
        "datetime(",
        "#",
        "\\",
        ")",
        "]}",
        "|",
        ";",
        ",",
        "(a,",
        "```",
        "a ",
        "a\n",
        "let ",
        "'",
        "T | graph-match (a)-[",
    ] {
        parse(&bad.repeat(n));
    }
}

/// One query a line: what must parse, and what must not.
fn lines(file: &str) -> Vec<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(file);
    let text = fs::read_to_string(&path).expect("the case file");
    text.lines().filter(|l| !l.is_empty()).map(str::to_owned).collect()
}

#[test]
fn accepted_queries_have_no_errors() {
    for query in lines("accepted.txt") {
        let errors: Vec<_> =
            parse(&query).diagnostics.into_iter().filter(|d| d.severity == kql_syntax::Severity::Error).collect();
        assert_eq!(errors, [], "{query}");
    }
}

#[test]
fn refused_queries_have_errors() {
    for query in lines("refused.txt") {
        assert!(!parse(&query).diagnostics.is_empty(), "{query}");
    }
}

/// The layout at a width at which these snippets need breaks.
#[test]
fn format() {
    let options = kql_syntax::FormatOptions { width: 60, ..kql_syntax::FormatOptions::default() };
    run("format.txt", |query| match kql_syntax::format(query, &options) {
        Ok(text) => text,
        Err(diagnostics) => diagnostics.iter().map(|d| format!("{} {}\n", d.code, d.message)).collect(),
    });
}
