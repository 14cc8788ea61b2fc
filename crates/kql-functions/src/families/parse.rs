//! Functions that take structured texts apart: URLs, paths, CSV, XML, versions, command lines; and URL encoding.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use roxmltree::{Document, Node, ParsingOptions};

use crate::catalogue::{Cx, EvalError, Nulls, RowKernel, Scalar};
use crate::{DECIMAL_SCALE, Dynamic, Val};

use super::string::{integer, string_array, text};

const fn entry(name: &'static str, doc: &'static str, nulls: Nulls, kernel: RowKernel) -> Scalar {
    Scalar { name, doc, nulls, kernel }
}

pub(super) static ENTRIES: &[Scalar] = &[
    entry("parse_url", "The parts of a URL.", Nulls::Handled, parse_url),
    entry("parseurl", "The parts of a URL.", Nulls::Handled, parse_url),
    entry("parse_urlquery", "The parameters of a URL's query.", Nulls::Handled, parse_urlquery),
    entry("parseurlquery", "The parameters of a URL's query.", Nulls::Handled, parse_urlquery),
    entry("parse_path", "The parts of a file path.", Nulls::Handled, parse_path),
    entry("parse_csv", "The fields of a CSV record.", Nulls::Handled, parse_csv),
    entry("parse_xml", "An XML document as a bag.", Nulls::Handled, parse_xml),
    entry("parse_version", "A version as a number that sorts.", Nulls::Handled, parse_version),
    entry("parse_command_line", "The arguments of a command line.", Nulls::Handled, parse_command_line),
    entry("url_encode", "A text with what URLs don't allow encoded, blanks as +.", Nulls::Handled, url_encode),
    entry("url_encode_component", "A text with what URLs don't allow encoded.", Nulls::Handled, url_encode_component),
    entry("url_decode", "The text of a URL-encoded one.", Nulls::Handled, url_decode),
    entry("format_bytes", "A number of bytes in a fitting unit.", Nulls::Propagate, format_bytes),
];

fn string(s: &str) -> Dynamic {
    Dynamic::String(s.to_string())
}

fn bag<const N: usize>(members: [(&str, Dynamic); N]) -> Val<'static> {
    Val::dynamic(&Dynamic::Bag(members.into_iter().map(|(key, value)| (key.to_string(), value)).collect()))
}

fn parse_url<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let url = text(args, 0);
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme, Some(rest)),
        _ => ("", None),
    };
    let (rest, fragment) = rest.unwrap_or(&url).split_once('#').unwrap_or((rest.unwrap_or(&url), ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    // Only what follows a scheme has a host.
    let host_end = if scheme.is_empty() { 0 } else { rest.find('/').unwrap_or(rest.len()) };
    let (authority, path) = rest.split_at(host_end);
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (username, password) = user.split_once(':').unwrap_or((user, ""));
    let (host, port) = split_port(host);
    Ok(bag([
        ("Scheme", string(scheme)),
        ("Host", string(host)),
        ("Port", string(port)),
        ("Path", string(path)),
        ("Username", string(username)),
        ("Password", string(password)),
        ("Query Parameters", query_bag(query)),
        ("Fragment", string(fragment)),
    ]))
}

fn is_scheme(s: &str) -> bool {
    s.starts_with(|c: char| c.is_ascii_alphabetic())
        && s.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

/// The port follows the last colon, but not one within the brackets of an IPv6 address.
fn split_port(host: &str) -> (&str, &str) {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (name, port),
        _ => (host, ""),
    }
}

fn query_bag(query: &str) -> Dynamic {
    let mut members: Vec<(String, Dynamic)> = Vec::new();
    for parameter in query.split('&').filter(|p| !p.is_empty()) {
        let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match members.iter_mut().find(|(known, _)| known == key) {
            Some(member) => member.1 = string(value),
            None => members.push((key.to_string(), string(value))),
        }
    }
    Dynamic::Bag(members)
}

fn parse_urlquery<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let query = text(args, 0);
    Ok(bag([("Query Parameters", query_bag(query.strip_prefix('?').unwrap_or(&query)))]))
}

fn parse_path<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    const SLASHES: [char; 2] = ['/', '\\'];
    let whole = text(args, 0);
    let (scheme, path) = match whole.split_once("://") {
        Some((scheme, path)) if is_scheme(scheme) => (scheme, path),
        _ => ("", &*whole),
    };
    let drive = path.get(..2).filter(|d| d.ends_with(':') && d.starts_with(|c: char| c.is_ascii_alphabetic()));
    let root_end = match (drive, path.get(2..3)) {
        (Some(_), Some("/" | "\\")) => 3,
        (Some(_), _) => 2,
        _ => 0,
    };
    let (directory, file) = match path.rfind(SLASHES) {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => ("", path),
    };
    let (file, stream) = match drive {
        Some(_) if directory.is_empty() && file.len() == path.len() => (&file[2..], ""),
        _ => (file, ""),
    };
    let (file, stream) = file.split_once(':').unwrap_or((file, stream));
    let name_start = directory.rfind(SLASHES).map_or(0, |at| at + 1);
    let directory_name = if directory.len() <= root_end { "" } else { &directory[name_start..] };
    let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    Ok(bag([
        ("Scheme", string(scheme)),
        ("RootPath", string(&path[..root_end])),
        ("DirectoryPath", string(directory)),
        ("DirectoryName", string(directory_name)),
        ("Filename", string(file)),
        ("Extension", string(extension)),
        ("AlternateDataStreamName", string(stream)),
    ]))
}

fn parse_csv<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let source = text(args, 0);
    let mut fields = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut chars = source.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            // Only the first record counts.
            '\n' | '\r' if !quoted => break,
            c => field.push(c),
        }
    }
    fields.push(field);
    Ok(string_array(fields.iter().map(String::as_str)))
}

/// A longer XML text is not read.
const LONGEST_XML: usize = 1 << 20;

fn parse_xml<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let source = text(args, 0);
    if source.len() > LONGEST_XML {
        return Ok(Val::Null);
    }
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let Ok(document) = Document::parse_with_options(source.trim(), options) else { return Ok(Val::Null) };
    let root = document.root_element();
    Ok(Val::dynamic(&Dynamic::Bag(vec![(qualified_name(&source, &root), element(&source, &root))])))
}

/// Attributes become `@name`, text beside other content `#text`; elements of one name become an array.
fn element(source: &str, node: &Node<'_, '_>) -> Dynamic {
    let mut members: Vec<(String, Dynamic)> = Vec::new();
    let inherited = |namespace: &roxmltree::Namespace<'_>| {
        node.parent_element().is_some_and(|p| p.namespaces().any(|known| known == namespace))
    };
    for namespace in node.namespaces().filter(|n| !inherited(n) && n.name() != Some("xml")) {
        let name = namespace.name().map_or("@xmlns".to_string(), |prefix| format!("@xmlns:{prefix}"));
        members.push((name, string(namespace.uri())));
    }
    for attribute in node.attributes() {
        let name = source.trim().get(attribute.range_qname()).unwrap_or(attribute.name());
        members.push((format!("@{name}"), string(attribute.value())));
    }
    for child in node.children() {
        if child.is_element() {
            add(&mut members, qualified_name(source, &child), element(source, &child));
        } else if let Some(content) = child.text().filter(|t| child.is_text() && !t.trim().is_empty()) {
            add(&mut members, "#text".to_string(), string(content));
        }
    }
    match members.as_slice() {
        [] => Dynamic::Null,
        [(name, value @ Dynamic::String(_))] if name == "#text" => value.clone(),
        _ => Dynamic::Bag(members),
    }
}

fn add(members: &mut Vec<(String, Dynamic)>, name: String, value: Dynamic) {
    match members.iter_mut().find(|(known, _)| *known == name) {
        None => members.push((name, value)),
        Some((_, Dynamic::Array(items))) => items.push(value),
        Some((_, first)) => *first = Dynamic::Array(vec![std::mem::replace(first, Dynamic::Null), value]),
    }
}

/// The name with its prefix, as written after the `<`.
fn qualified_name(source: &str, node: &Node<'_, '_>) -> String {
    let written = source.trim().get(node.range()).and_then(|s| s.strip_prefix('<')).unwrap_or_default();
    let end = written.find(|c: char| c.is_whitespace() || c == '>' || c == '/').unwrap_or(written.len());
    if end == 0 { node.tag_name().name().to_string() } else { written[..end].to_string() }
}

/// Digits of each of the four parts.
const VERSION_PART: u32 = 8;

fn parse_version<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    Ok(version(&text(args, 0)).map_or(Val::Null, Val::Decimal))
}

fn version(source: &str) -> Option<i128> {
    let mut parts = [0i128; 4];
    for (i, part) in source.trim().split('.').enumerate() {
        let digits = part.bytes().all(|b| b.is_ascii_digit()) && (1..=VERSION_PART as usize).contains(&part.len());
        *parts.get_mut(i)? = part.parse().ok().filter(|_| digits)?;
    }
    let joined = parts.iter().fold(0, |sum, part| sum * 10i128.pow(VERSION_PART) + part);
    joined.checked_mul(10i128.pow(DECIMAL_SCALE))
}

fn parse_command_line<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let parser = text(args, 1);
    if !parser.eq_ignore_ascii_case("windows") {
        return Err(EvalError(format!("parse_command_line(): parser type '{parser}' is not supported")));
    }
    let line = text(args, 0);
    let arguments = windows_arguments(&line);
    if arguments.is_empty() {
        return Ok(Val::Null);
    }
    Ok(string_array(arguments.iter().map(String::as_str)))
}

/// As Windows splits: blanks outside quotes separate; backslashes escape only before a quote; a doubled quote within
/// quotes is one.
fn windows_arguments(line: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut current: Option<String> = None;
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' if !quoted => arguments.extend(current.take()),
            '\\' => {
                let mut run = 1;
                while chars.next_if_eq(&'\\').is_some() {
                    run += 1;
                }
                let argument = current.get_or_insert_default();
                let before_quote = chars.peek() == Some(&'"');
                argument.extend(std::iter::repeat_n('\\', if before_quote { run / 2 } else { run }));
                if before_quote && run % 2 == 1 {
                    chars.next();
                    argument.push('"');
                }
            }
            '"' if quoted && chars.next_if_eq(&'"').is_some() => current.get_or_insert_default().push('"'),
            '"' => {
                quoted = !quoted;
                current.get_or_insert_default();
            }
            c => current.get_or_insert_default().push(c),
        }
    }
    arguments.extend(current);
    arguments
}

fn encode(source: &str, blank: &str) -> String {
    let mut out = String::with_capacity(source.len());
    for byte in source.bytes() {
        match byte {
            b' ' => out.push_str(blank),
            b if b.is_ascii_alphanumeric() || b"-_.!*()".contains(&b) => out.push(char::from(b)),
            b => out.push_str(&format!("%{b:02x}")),
        }
    }
    out
}

fn url_encode<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    Ok(Val::str(encode(&text(args, 0), "+")))
}

fn url_encode_component<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    Ok(Val::str(encode(&text(args, 0), "%20")))
}

fn url_decode<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let source = text(args, 0);
    if !source.contains(['%', '+']) {
        return Ok(Val::Str(source));
    }
    let source: Cow<'_, str> = if source.contains('+') { source.replace('+', " ").into() } else { source };
    Ok(Val::str(percent_decode_str(&source).decode_utf8_lossy().into_owned()))
}

const UNITS: [&str; 7] = ["Bytes", "KB", "MB", "GB", "TB", "PB", "EB"];

fn format_bytes<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let Some(size) = args.first().and_then(Val::as_f64) else { return Ok(Val::str("")) };
    let precision = integer(args, 1).unwrap_or(0).clamp(0, 15);
    let wanted = text(args, 2);
    let unit = match UNITS.iter().position(|u| u.eq_ignore_ascii_case(&wanted)) {
        Some(unit) => unit,
        None if wanted.is_empty() => (1..UNITS.len()).take_while(|u| size.abs() >= 1024f64.powi(*u as i32)).count(),
        None => return Err(EvalError(format!("format_bytes(): unknown format '{wanted}'"))),
    };
    let scale = 10f64.powi(precision as i32);
    let scaled = (size / 1024f64.powi(unit as i32) * scale).round() / scale;
    Ok(Val::str(format!("{scaled} {}", UNITS.get(unit).copied().unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Catalogue, Type};

    fn run(name: &str, args: &[Val<'_>]) -> Val<'static> {
        let kernel = Catalogue::get().kernel(name).unwrap().kernel;
        kernel(&Cx { args: &[], ret: Type::Dynamic }, args).unwrap().into_owned()
    }

    fn json(name: &str, source: &str) -> String {
        run(name, &[Val::str(source)]).as_str().unwrap_or("null").to_string()
    }

    #[test]
    fn urls() {
        let url = json("parse_url", "https://u:p@h.example:81/a/b?x=1&y#f");
        let expected = "{\"Scheme\":\"https\",\"Host\":\"h.example\",\"Port\":\"81\",\"Path\":\"/a/b\",\"Username\":\"u\",\
            \"Password\":\"p\",\"Query Parameters\":{\"x\":\"1\",\"y\":\"\"},\"Fragment\":\"f\"}";
        assert_eq!(url, expected);
        assert!(json("parse_url", "http://[::1]:80/").contains("\"Host\":\"[::1]\",\"Port\":\"80\""));
        assert_eq!(json("parse_urlquery", "a=1&b=c%20d"), "{\"Query Parameters\":{\"a\":\"1\",\"b\":\"c%20d\"}}");
    }

    #[test]
    fn paths() {
        let parts = |path: &str| {
            let Dynamic::Bag(members) = Dynamic::parse_json(&json("parse_path", path)).unwrap() else { panic!() };
            let values: Vec<String> = members.iter().map(|(_, v)| crate::cast::tree_text(v)).collect();
            values.join("|")
        };
        assert_eq!(parts(r"C:\temp\file.txt"), r"|C:\|C:\temp|temp|file.txt|txt|");
        assert_eq!(parts(r"temp\file.txt"), "||temp|temp|file.txt|txt|");
        assert_eq!(parts("file://C:/temp/file.txt:some.exe"), "file|C:/|C:/temp|temp|file.txt|txt|some.exe");
        assert_eq!(parts(r"\\shared\users\temp\f.txt.gz"), r"||\\shared\users\temp|temp|f.txt.gz|gz|");
        assert_eq!(parts("/usr/lib/temp/file.txt"), "||/usr/lib/temp|temp|file.txt|txt|");
        assert_eq!(parts("C:"), "|C:|||||");
        assert_eq!(parts(""), "||||||");
        assert_eq!(parts("é:x"), "||||é||x");
    }

    #[test]
    fn csv() {
        assert_eq!(json("parse_csv", "aa,\"b,b\",\"q \"\"T\"\"\",\"l1\nl2\"\nx"), r#"["aa","b,b","q \"T\"","l1\nl2"]"#);
        assert_eq!(json("parse_csv", ""), "[\"\"]");
    }

    #[test]
    fn xml() {
        assert_eq!(json("parse_xml", "<e/>"), "{\"e\":null}");
        assert_eq!(json("parse_xml", "<?xml version='1.0'?><e>t</e>"), "{\"e\":\"t\"}");
        assert_eq!(json("parse_xml", "<e n='v'>t</e>"), "{\"e\":{\"@n\":\"v\",\"#text\":\"t\"}}");
        assert_eq!(json("parse_xml", "<e> <a>1</a> <a>2</a> <b/></e>"), "{\"e\":{\"a\":[\"1\",\"2\"],\"b\":null}}");
        assert_eq!(
            json("parse_xml", " <x:e xmlns:x='u'><x:f y='1'/></x:e>"),
            "{\"x:e\":{\"@xmlns:x\":\"u\",\"x:f\":{\"@y\":\"1\"}}}"
        );
        assert_eq!(json("parse_xml", "<e>"), "null");
    }

    #[test]
    fn versions() {
        assert_eq!(version("1.2.3.4"), Some(1_00000002_00000003_00000004 * 10i128.pow(DECIMAL_SCALE)));
        assert_eq!(version("0.2"), Some(20_000_000_000_000_000 * 10i128.pow(DECIMAL_SCALE)));
        assert_eq!(version("1.2.3.4.5"), None);
        assert_eq!(version("1.x"), None);
        assert_eq!(version(""), None);
    }

    #[test]
    fn command_lines() {
        assert_eq!(windows_arguments("echo \"hello world!\""), ["echo", "hello world!"]);
        assert_eq!(windows_arguments(r#"a\\b "c\"d" "" e\\"f g""#), [r"a\\b", "c\"d", "", r"e\f g"]);
        assert!(windows_arguments("  ").is_empty());
    }

    #[test]
    fn url_encoding() {
        assert_eq!(run("url_encode", &[Val::str("You are/é")]), Val::str("You+are%2f%c3%a9"));
        assert_eq!(run("url_encode_component", &[Val::str("a b")]), Val::str("a%20b"));
        assert_eq!(run("url_decode", &[Val::str("https%3a%2f%2f+x%zz")]), Val::str("https:// x%zz"));
    }

    #[test]
    fn bytes() {
        let format = |size: i64, rest: &[Val<'static>]| {
            let mut args = vec![Val::Long(size)];
            args.extend(rest.iter().cloned());
            run("format_bytes", &args)
        };
        assert_eq!(format(564, &[]), Val::str("564 Bytes"));
        assert_eq!(format(10332, &[Val::Long(1)]), Val::str("10.1 KB"));
        assert_eq!(format(20010332, &[]), Val::str("19 MB"));
        assert_eq!(format(20010332, &[Val::Long(2)]), Val::str("19.08 MB"));
        assert_eq!(format(20010332, &[Val::Long(0), Val::str("KB")]), Val::str("19541 KB"));
    }
}
