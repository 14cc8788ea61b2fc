//! Addresses looked up in a table of networks: `ipv4_lookup`, `ipv6_lookup`.
//!
//! As in a join, an address that is in several networks gives a row for each, the longest prefix first.

use std::collections::{BTreeSet, HashMap};

use super::keys::Key;
use super::{Arg, Call, Field, Plugin, Refusal, Row};
use crate::families::ip::Network;
use crate::{EvalError, Type, Val, interrupt};

pub(super) const PLUGINS: &[Plugin] = &[
    Plugin {
        name: "ipv4_lookup",
        columns: |call| Ok(lookup(call, &V4)?.fields()),
        rows: |call, tables| lookup(call, &V4)?.rows(tables),
        ordered: false,
        table_key: Some(2),
    },
    Plugin {
        name: "ipv6_lookup",
        columns: |call| Ok(lookup(call, &V6)?.fields()),
        rows: |call, tables| lookup(call, &V6)?.rows(tables),
        ordered: false,
        table_key: Some(2),
    },
];

/// What is different about a kind of address.
struct Family {
    parse: fn(&str) -> Option<Network>,
    bits: u32,
    /// The result begins with the columns of the lookup table, as the example of the documentation has it.
    table_first: bool,
}

const V4: Family = Family { parse: Network::parse_v4, bits: 32, table_first: false };
const V6: Family = Family { parse: Network::parse_v6, bits: 128, table_first: true };

/// A call, understood.
struct Lookup<'c> {
    family: &'c Family,
    input: &'c [Field],
    table: &'c [Field],
    /// The column of the input with the address.
    source: usize,
    /// The column of the table with the network.
    network: usize,
    /// Columns of both that must be equal besides: place in the input, place in the table.
    extra: Vec<(usize, usize)>,
    unmatched: bool,
}

fn lookup<'c>(call: &Call<'c>, family: &'c Family) -> Result<Lookup<'c>, Refusal> {
    let table = match call.args.first() {
        Some(Arg::Table(at)) => call.tables.get(*at),
        _ => None,
    };
    let table = table.map(Vec::as_slice).ok_or_else(|| Refusal::of(0, "A table expected."))?;
    text(1, call.field(1)?)?;
    let network = match call.args.get(2) {
        Some(Arg::OfTable(at)) => *at,
        _ => return Err(Refusal::of(2, "A column of the lookup table expected.")),
    };
    text(2, table.get(network).ok_or_else(|| Refusal::of(2, "Column name expected."))?)?;
    let source = call.column(1)?;
    let mut lookup = Lookup { family, input: call.input, table, source, network, extra: Vec::new(), unmatched: false };
    for (at, arg) in call.args.iter().enumerate().skip(3) {
        match arg {
            Arg::Column(place) => lookup.extra.push((*place, lookup.partner(at, call.field(at)?)?)),
            Arg::Value(Val::Bool(unmatched), _) if at + 1 == call.args.len() => lookup.unmatched = *unmatched,
            Arg::OfTable(_) => return Err(Refusal::of(at, "A column of both tables expected.")),
            _ => return Err(Refusal::of(at, "A column of both tables, or return_unmatched as a constant, expected.")),
        }
    }
    Ok(lookup)
}

fn text(at: usize, (_, ty): &Field) -> Result<(), Refusal> {
    match ty {
        Type::String | Type::Dynamic | Type::Unknown => Ok(()),
        _ => Err(Refusal::of(at, "A value of type string expected.")),
    }
}

impl Lookup<'_> {
    /// The table's column of the same name.
    fn partner(&self, at: usize, (name, ty): &Field) -> Result<usize, Refusal> {
        let found = self.table.iter().position(|(other, _)| other == name);
        let place = found.ok_or_else(|| Refusal::of(at, format!("The lookup table has no column '{name}'.")))?;
        match self.table.get(place) {
            Some((_, other)) if other == ty || other.is_integer() && ty.is_integer() => Ok(place),
            _ => Err(Refusal::of(at, format!("The columns '{name}' of the two tables have different types."))),
        }
    }

    /// The table's columns that the result has: extra keys are there once.
    fn kept(&self) -> Vec<usize> {
        (0..self.table.len()).filter(|at| !self.extra.iter().any(|(_, of_table)| of_table == at)).collect()
    }

    fn fields(&self) -> Vec<Field> {
        let names: Vec<&str> = self.input.iter().map(|(name, _)| name.as_str()).collect();
        let mut of_table: Vec<Field> = Vec::with_capacity(self.table.len());
        for (name, ty) in self.kept().into_iter().filter_map(|at| self.table.get(at)) {
            let taken = |name: &str| names.contains(&name) || of_table.iter().any(|(other, _)| other == name);
            let free = (1..).map(|n| format!("{name}{n}")).find(|name| !taken(name));
            let name = if taken(name) { free.unwrap_or_default() } else { name.clone() };
            of_table.push((name, *ty));
        }
        self.in_order(self.input.to_vec(), of_table)
    }

    fn in_order<T>(&self, of_input: Vec<T>, of_table: Vec<T>) -> Vec<T> {
        let (mut first, second) = if self.family.table_first { (of_table, of_input) } else { (of_input, of_table) };
        first.extend(second);
        first
    }

    fn rows(&self, tables: &[Vec<Row<'_>>]) -> Result<Vec<Row<'static>>, Refusal> {
        let [input, lookup, ..] = tables else { return Ok(Vec::new()) };
        let index = self.index(lookup)?;
        let kept = self.kept();
        let (keys, _): (Vec<usize>, Vec<usize>) = self.extra.iter().copied().unzip();
        let missing: Row<'static> =
            kept.iter().map(|at| self.table.get(*at).map_or(Val::Null, |(_, ty)| Val::missing(*ty))).collect();
        let owned = |row: &Row<'_>, at: usize| row.get(at).cloned().unwrap_or(Val::Null).into_owned();
        let mut result = Vec::new();
        for (number, row) in input.iter().enumerate() {
            interrupt::check_at(number)?;
            let of_input = || -> Row<'static> { (0..self.input.len()).map(|at| owned(row, at)).collect() };
            let address = row.get(self.source).and_then(|v| self.parse(v));
            let matches = address.and_then(|address| {
                let networks = index.get(&Key::of_row(row, &keys))?;
                Some(networks.holding(&address, self.family.bits))
            });
            let before = result.len();
            for found in matches.into_iter().flatten().filter_map(|at| lookup.get(*at)) {
                result.push(self.in_order(of_input(), kept.iter().map(|at| owned(found, *at)).collect()));
            }
            if result.len() == before && self.unmatched {
                result.push(self.in_order(of_input(), missing.clone()));
            }
        }
        Ok(result)
    }

    fn parse(&self, value: &Val<'_>) -> Option<Network> {
        match value {
            Val::Str(text) => (self.family.parse)(text),
            dynamic => match dynamic.to_tree() {
                crate::Dynamic::String(text) => (self.family.parse)(&text),
                _ => None,
            },
        }
    }

    /// The networks of the lookup table by the extra keys. As in a join, null is equal to nothing.
    fn index<'r>(&self, rows: &'r [Row<'_>]) -> Result<HashMap<Vec<Key<'r>>, Networks>, EvalError> {
        let (_, keys): (Vec<usize>, Vec<usize>) = self.extra.iter().copied().unzip();
        let mut index: HashMap<Vec<Key<'r>>, Networks> = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            interrupt::check_at(at)?;
            let key = Key::of_row(row, &keys);
            if key.contains(&Key::Null) {
                continue;
            }
            if let Some(network) = row.get(self.network).and_then(|v| self.parse(v)) {
                index.entry(key).or_default().add(&network, self.family.bits, at);
            }
        }
        Ok(index)
    }
}

/// Rows by network: a look-up takes a probe for each length of prefix that occurs.
#[derive(Default)]
struct Networks {
    prefixes: BTreeSet<u32>,
    rows: HashMap<(u32, u128), Vec<usize>>,
}

impl Networks {
    fn add(&mut self, network: &Network, bits: u32, row: usize) {
        self.prefixes.insert(network.prefix);
        self.rows.entry((network.prefix, network.masked(network.prefix, bits))).or_default().push(row);
    }

    /// The rows of all networks that hold an address, the longest prefix first. Of a network its first address counts.
    fn holding<'n>(&'n self, address: &Network, bits: u32) -> impl Iterator<Item = &'n usize> + use<'n> {
        let own = address.prefix;
        let address = *address;
        let probes = self.prefixes.iter().rev().map(move |prefix| {
            // Bits behind the address's own prefix are zero.
            let masked = address.masked((*prefix).min(own), bits);
            (*prefix, masked)
        });
        probes.filter_map(move |probe| self.rows.get(&probe)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Networks {
        let mut networks = Networks::default();
        for (at, text) in texts.iter().enumerate() {
            networks.add(&Network::parse_v4(text).unwrap(), 32, at);
        }
        networks
    }

    #[test]
    fn longest_prefix_first() {
        let networks = networks(&["0.0.0.0/0", "10.0.0.0/8", "10.1.2.3", "10.1.0.0/16", "11.0.0.0/8"]);
        let holding =
            |text: &str| -> Vec<usize> { networks.holding(&Network::parse_v4(text).unwrap(), 32).copied().collect() };
        assert_eq!(holding("10.1.2.3"), [2, 3, 1, 0]);
        assert_eq!(holding("10.1.9.9/24"), [3, 1, 0]);
        assert_eq!(holding("12.0.0.1"), [0]);
    }
}
