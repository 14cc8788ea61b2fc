//! Made-up rows of the known tables: plausible values by column, the same rows for the same numbers.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::RecordBatch;
use kql_engine::repr::{self, ColumnBuilder};
use kql_functions::{Type, Val};

use crate::bench::data::{noise, pick};

pub(super) const SECOND: i64 = 10_000_000;

/// Of how many values with a text that some rule looks for there is one.
const ONE_IN: u64 = 40;

const PROGRAMS: &[&str] = &["powershell", "cmd", "wscript", "rundll32", "svchost", "python3", "chrome", "outlook"];
const WORDS: &[&str] =
    &["update", "service", "network", "backup", "install", "temp", "system", "report", "sync", "policy", "store"];
const RESULTS: &[&str] = &["Success", "Success", "Success", "Failure", "0", "50126"];
const COUNTRIES: &[&str] = &["DE", "US", "FR", "GB", "NL", "PL", "IN", "JP"];
const EVENTS: &[i64] = &[4624, 4625, 4634, 4648, 4663, 4672, 4688, 4689, 4720, 4726, 4732, 4740, 5140, 5145, 7045];
const PORTS: &[i64] = &[443, 80, 53, 22, 3389, 445, 25, 8080];

/// The values of a column.
enum Values {
    /// The row's time.
    Now,
    /// A time near the row's.
    Near,
    One(String),
    Texts(Vec<String>),
    Numbers(&'static [i64]),
    Below(u64),
    /// A text that is hardly ever the same.
    Guid,
    Hash,
    Bag,
}

struct Filled {
    name: String,
    ty: Type,
    values: Values,
    /// Texts that rules look for.
    sought: Vec<String>,
}

/// Makes the rows of a table.
pub(super) struct Maker {
    pub(super) table: String,
    columns: Vec<Filled>,
    salt: u64,
}

impl Maker {
    /// A maker of rows with the columns of the table that are wanted. `sought` has texts that rules look for, by column.
    pub(super) fn new(
        table: &str,
        schema: &[(String, Type)],
        wanted: impl Fn(&str) -> bool,
        sought: &BTreeMap<String, BTreeSet<String>>,
    ) -> Maker {
        let salt = table.bytes().fold(7, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let fill = |(name, ty): &(String, Type)| Filled {
            name: name.clone(),
            ty: *ty,
            values: values(table, name, *ty),
            sought: sought.get(name).map(|texts| texts.iter().cloned().collect()).unwrap_or_default(),
        };
        let is_own = |name: &str| matches!(name, "TimeGenerated" | "Type" | "TenantId");
        // A stored table does not tell names apart by their case.
        let mut seen = BTreeSet::new();
        let filled = schema.iter().filter(|(name, _)| name != "_TimeReceived" && (is_own(name) || wanted(name)));
        let filled = filled.filter(|(name, _)| seen.insert(name.to_lowercase()));
        Maker { table: table.to_string(), columns: filled.map(fill).collect(), salt }
    }

    pub(super) fn columns(&self) -> Vec<(String, Type)> {
        self.columns.iter().map(|column| (column.name.clone(), column.ty)).collect()
    }

    /// The values of a row, in the order of the columns.
    pub(super) fn row(&self, row: u64, at: i64) -> impl Iterator<Item = Val<'_>> {
        self.columns.iter().enumerate().map(move |(number, column)| self.value(column, number as u64, row, at))
    }

    /// Rows as a batch; `at` gives the time of each.
    pub(super) fn batch(&self, rows: std::ops::Range<u64>, at: impl Fn(u64) -> i64) -> anyhow::Result<RecordBatch> {
        let count = usize::try_from(rows.end.saturating_sub(rows.start))?;
        let columns = self.columns.iter().enumerate().map(|(number, column)| {
            let mut out = ColumnBuilder::new(column.ty, count);
            rows.clone().for_each(|row| out.push(&self.value(column, number as u64, row, at(row))));
            out.finish()
        });
        let schema = repr::schema(self.columns.iter().map(|column| (column.name.as_str(), column.ty)));
        Ok(RecordBatch::try_new(schema, columns.collect())?)
    }

    fn value<'a>(&self, column: &'a Filled, number: u64, row: u64, at: i64) -> Val<'a> {
        let n = noise(row, number.wrapping_add(self.salt));
        let chosen = (n >> 40).is_multiple_of(ONE_IN);
        if chosen && !column.sought.is_empty() {
            let text = &column.sought[(n % column.sought.len() as u64) as usize];
            match column.ty {
                Type::String => return Val::str(text.as_str()),
                Type::Int => {
                    if let Ok(value) = text.parse() {
                        return Val::Int(value);
                    }
                }
                Type::Long => {
                    if let Ok(value) = text.parse() {
                        return Val::Long(value);
                    }
                }
                _ => {}
            }
        }
        match (&column.values, column.ty) {
            (Values::Now, _) => Val::DateTime(at),
            (Values::Near, _) => Val::DateTime(at.saturating_add((n % 2_592_000) as i64 * SECOND - 43_200 * SECOND)),
            (Values::One(text), _) => Val::str(text.as_str()),
            (Values::Texts(texts), _) => {
                texts.get((n % texts.len().max(1) as u64) as usize).map_or(Val::str(""), |text| Val::str(text.as_str()))
            }
            (Values::Numbers(all), ty) => number_of(all[(n % all.len() as u64) as usize], ty),
            (Values::Below(most), Type::Bool) => Val::Bool(n.is_multiple_of(*most)),
            (Values::Below(most), ty) => number_of((n % most) as i64, ty),
            (Values::Guid, Type::Guid) => {
                Val::Guid((u128::from(n) << 64 | u128::from(n.rotate_left(21))).to_be_bytes())
            }
            (Values::Guid, _) => Val::str(guid_text(n)),
            (Values::Hash, _) => Val::str(format!("{n:016x}{:016x}{:08x}", n.rotate_left(13), n as u32)),
            (Values::Bag, _) => Val::Dynamic(bag(n).into()),
        }
    }
}

fn number_of(value: i64, ty: Type) -> Val<'static> {
    match ty {
        Type::Int => Val::Int(i32::try_from(value).unwrap_or(i32::MAX)),
        Type::Real => Val::Real(value as f64 / 8.0),
        Type::Timespan => Val::Timespan(value.saturating_mul(SECOND)),
        Type::Decimal => Val::Decimal(i128::from(value) * 1_000_000_000_000),
        _ => Val::Long(value),
    }
}

fn guid_text(n: u64) -> String {
    let m = n.rotate_left(29);
    format!("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", n >> 32, n & 0xffff, m & 0xfff, (m >> 12) & 0xfff, m >> 16)
}

/// About 150 characters of JSON.
fn bag(n: u64) -> String {
    let (user, result) = (n % 20_000, pick(RESULTS, n >> 20));
    format!(
        "{{\"result\":\"{result}\",\"user\":{{\"userPrincipalName\":\"user{user}@contoso.com\",\"ipAddress\":\"10.{}.{}.{}\"}},\
         \"displayName\":\"{} {}\",\"count\":{}}}",
        n % 20,
        (n >> 8) % 256,
        (n >> 16) % 256,
        pick(WORDS, n >> 28),
        pick(WORDS, n >> 36),
        (n >> 12) % 5_000
    )
}

fn values(table: &str, name: &str, ty: Type) -> Values {
    let lower = name.to_ascii_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    match ty {
        Type::DateTime if name == "TimeGenerated" || name == "Timestamp" => return Values::Now,
        Type::DateTime => return Values::Near,
        Type::Dynamic | Type::Unknown => return Values::Bag,
        Type::Guid => return Values::Guid,
        Type::Bool => return Values::Below(3),
        Type::Int | Type::Long if lower == "eventid" => return Values::Numbers(EVENTS),
        Type::Int | Type::Long if has(&["port"]) => return Values::Numbers(PORTS),
        Type::Int | Type::Long | Type::Real | Type::Decimal | Type::Timespan => return Values::Below(100_000),
        Type::String => {}
    }
    let texts = |count: u64, make: &dyn Fn(u64) -> String| Values::Texts((0..count).map(make).collect());
    if name == "Type" {
        return Values::One(table.to_string());
    }
    if name == "TenantId" || name == "_SubscriptionId" || has(&["subscription"]) {
        return Values::One("7d3f1a52-0000-4000-8000-000000000001".to_string());
    }
    if has(&["commandline", "cmd", "message", "syslog", "description"]) {
        return texts(50_000, &command_line);
    }
    if has(&["ipaddr", "sourceip", "destinationip", "clientip", "remoteip"]) || lower.ends_with("ip") {
        return texts(20_000, &|n| format!("{}.{}.{}.{}", 10 + n % 190, (n >> 3) % 256, (n >> 5) % 256, n % 254 + 1));
    }
    if has(&["principalname", "upn", "mail", "sender", "recipient"]) {
        return texts(20_000, &|n| format!("user{n}@contoso.com"));
    }
    if has(&["computer", "host", "device", "machine", "workstation"]) {
        return texts(5_000, &|n| format!("host-{n:05}.contoso.com"));
    }
    if has(&["hash", "sha1", "sha256", "md5"]) {
        return Values::Hash;
    }
    if has(&["account", "user", "caller", "actor", "identity"]) {
        return texts(20_000, &|n| format!("CONTOSO\\user{n}"));
    }
    if has(&["process", "image", "file", "path", "folder"]) {
        return texts(3_000, &|n| format!("C:\\Windows\\System32\\{}{}.exe", pick(PROGRAMS, n), n / 8));
    }
    if has(&["url", "uri", "link"]) {
        return texts(30_000, &|n| format!("https://www{}.example.com/{}/{}", n % 90, pick(WORDS, n / 7), n));
    }
    if has(&["domain", "query"]) || (table == "DnsEvents" && name == "Name") {
        return texts(10_000, &|n| format!("{}{}.example.org", pick(WORDS, n), n));
    }
    if has(&["country", "location"]) {
        return texts(8, &|n| pick(COUNTRIES, n).to_string());
    }
    if has(&["result", "status", "outcome"]) {
        return texts(6, &|n| pick(RESULTS, n).to_string());
    }
    if lower.ends_with("port") {
        return texts(8, &|n| PORTS[n as usize % PORTS.len()].to_string());
    }
    if lower.ends_with("id") {
        return Values::Guid;
    }
    texts(200, &|n| format!("{} {} {}", pick(WORDS, n), pick(WORDS, n / 11), n % 7))
}

/// About 100 characters.
fn command_line(row: u64) -> String {
    let n = noise(row, 9);
    let flag = if (n >> 8).is_multiple_of(20) { "-EncodedCommand" } else { "-File" };
    let (program, a, b) = (pick(PROGRAMS, n), pick(WORDS, n >> 16), pick(WORDS, n >> 24));
    format!(
        "\"C:\\Windows\\System32\\{program}.exe\" {flag} C:\\ProgramData\\{a}\\{b}_{:08x}.ps1 /tenant {row}",
        n >> 32
    )
}
