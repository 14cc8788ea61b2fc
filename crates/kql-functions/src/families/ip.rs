//! IP addresses and networks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::support::{Out, array_of, lenient, long_arg, strict};
use crate::{Cx, Dynamic, Scalar, Val};

/// The entries of this family.
pub(super) static ENTRIES: &[Scalar] = &[
    strict("parse_ipv4", "An IPv4 address, masked by its prefix, as a number.", parse_ipv4),
    strict("parse_ipv4_mask", "An IPv4 address, masked by a prefix, as a number.", parse_ipv4_mask),
    strict("parse_ipv6", "An address as the full text of an IPv6 address.", parse_ipv6),
    strict("parse_ipv6_mask", "An address, masked by a prefix, as the full text of an IPv6 address.", parse_ipv6_mask),
    strict("format_ipv4", "An IPv4 address, masked by a prefix, as text.", format_ipv4),
    strict("format_ipv4_mask", "An IPv4 network in CIDR notation.", format_ipv4_mask),
    strict("ipv4_netmask_suffix", "The prefix of an IPv4 network.", ipv4_netmask_suffix),
    strict("ipv4_range_to_cidr_list", "The networks that make up a range of IPv4 addresses.", ipv4_range_to_cidr_list),
    strict("ipv4_is_private", "Whether an IPv4 address is of a private network.", ipv4_is_private),
    strict("ipv4_compare", "-1, 0 or 1 as one IPv4 network is below, the same as or above another.", ipv4_compare),
    strict("ipv4_is_match", "Whether two IPv4 networks are the same.", ipv4_is_match),
    strict("ipv4_is_in_range", "Whether an IPv4 address is in a network.", ipv4_is_in_range),
    lenient("ipv4_is_in_any_range", "Whether an IPv4 address is in one of several networks.", ipv4_is_in_any_range),
    strict("ipv6_compare", "-1, 0 or 1 as one network is below, the same as or above another.", ipv6_compare),
    strict("ipv6_is_match", "Whether two networks are the same.", ipv6_is_match),
    strict("ipv6_is_in_range", "Whether an address is in a network.", ipv6_is_in_range),
    lenient("ipv6_is_in_any_range", "Whether an address is in one of several networks.", ipv6_is_in_any_range),
    lenient("has_ipv4", "Whether a text holds an IPv4 address.", has_ipv4),
    lenient("has_any_ipv4", "Whether a text holds one of several IPv4 addresses.", has_ipv4),
    lenient("has_ipv4_prefix", "Whether a text holds an IPv4 address that begins so.", has_ipv4_prefix),
    lenient(
        "has_any_ipv4_prefix",
        "Whether a text holds an IPv4 address that begins in one of these ways.",
        has_ipv4_prefix,
    ),
];

/// An address with a prefix length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    address: u128,
    /// Length of the prefix in bits, of 32 or of 128.
    pub(crate) prefix: u32,
    /// Written as IPv4.
    v4: bool,
}

impl Network {
    /// An IPv4 address, with or without `/prefix`.
    pub(crate) fn parse_v4(text: &str) -> Option<Network> {
        let (address, prefix) = split_prefix(text, 32)?;
        let address: Ipv4Addr = address.parse().ok()?;
        Some(Network { address: u128::from(u32::from(address)), prefix, v4: true })
    }

    /// An address of either kind, with or without `/prefix`; IPv4 is mapped into `::ffff:0:0/96`.
    pub(crate) fn parse_v6(text: &str) -> Option<Network> {
        let address = text.split('/').next().unwrap_or_default();
        match address.trim().parse().ok()? {
            IpAddr::V4(v4) => {
                let (_, prefix) = split_prefix(text, 32)?;
                Some(Network { address: u128::from(v4.to_ipv6_mapped()), prefix: prefix + 96, v4: true })
            }
            IpAddr::V6(v6) => {
                let (_, prefix) = split_prefix(text, 128)?;
                Some(Network { address: u128::from(v6), prefix, v4: false })
            }
        }
    }

    /// The first `prefix` of the address's `bits` bits, the others being zero.
    pub(crate) fn masked(&self, prefix: u32, bits: u32) -> u128 {
        let drop = bits.saturating_sub(prefix);
        if drop >= 128 { 0 } else { self.address >> drop << drop }
    }
}

fn split_prefix(text: &str, bits: u32) -> Option<(&str, u32)> {
    let text = text.trim();
    match text.split_once('/') {
        None => Some((text, bits)),
        Some((address, prefix)) => Some((address, prefix.parse().ok().filter(|p| *p <= bits)?)),
    }
}

/// The address of an argument that is a text or a number.
fn v4_arg(v: &Val<'_>) -> Option<Network> {
    match v {
        Val::Str(s) => Network::parse_v4(s),
        Val::Dynamic(s) => Network::parse_v4(&super::support::tree_text(&Dynamic::decode(s))),
        other => {
            let address = u32::try_from(other.as_i64()?).ok()?;
            Some(Network { address: u128::from(address), prefix: 32, v4: true })
        }
    }
}

fn text_arg<'v>(args: &'v [Val<'_>], position: usize) -> &'v str {
    match args.get(position) {
        Some(Val::Str(s)) => s,
        _ => "",
    }
}

/// An optional prefix argument: `None` if it is out of range.
fn prefix_arg(args: &[Val<'_>], position: usize, bits: u32) -> Option<u32> {
    match args.get(position) {
        None => Some(bits),
        Some(v) => v.as_i64().and_then(|p| u32::try_from(p).ok()).filter(|p| *p <= bits),
    }
}

fn v4_text(address: u128) -> String {
    Ipv4Addr::from(address as u32).to_string()
}

fn v6_text(address: u128) -> String {
    let groups = Ipv6Addr::from(address).segments().map(|g| format!("{g:04x}"));
    groups.join(":")
}

fn parse_ipv4<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let network = Network::parse_v4(text_arg(args, 0));
    Ok(network.map_or(Val::Null, |n| Val::Long(n.masked(n.prefix, 32) as i64)))
}

fn parse_ipv4_mask<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let network = Network::parse_v4(text_arg(args, 0)).zip(prefix_arg(args, 1, 32));
    Ok(network.map_or(Val::Null, |(n, prefix)| Val::Long(n.masked(n.prefix.min(prefix), 32) as i64)))
}

fn parse_ipv6<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let network = Network::parse_v6(text_arg(args, 0));
    Ok(Val::str(network.map_or_else(String::new, |n| v6_text(n.masked(n.prefix, 128)))))
}

fn parse_ipv6_mask<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let network = Network::parse_v6(text_arg(args, 0)).zip(prefix_arg(args, 1, 128));
    let text = network.map(|(n, prefix)| v6_text(n.masked(n.prefix.min(prefix), 128)));
    Ok(Val::str(text.unwrap_or_default()))
}

fn format_ipv4<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let network = args.first().and_then(v4_arg).zip(prefix_arg(args, 1, 32));
    Ok(Val::str(network.map_or_else(String::new, |(n, prefix)| v4_text(n.masked(n.prefix.min(prefix), 32)))))
}

fn format_ipv4_mask<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let network = args.first().and_then(v4_arg).zip(prefix_arg(args, 1, 32));
    let text = network.map(|(n, prefix)| {
        let prefix = n.prefix.min(prefix);
        format!("{}/{prefix}", v4_text(n.masked(prefix, 32)))
    });
    Ok(Val::str(text.unwrap_or_default()))
}

fn ipv4_netmask_suffix<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(Network::parse_v4(text_arg(args, 0)).map_or(Val::Null, |n| Val::Long(i64::from(n.prefix))))
}

fn ipv4_range_to_cidr_list<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let (Some(start), Some(end)) = (Network::parse_v4(text_arg(args, 0)), Network::parse_v4(text_arg(args, 1))) else {
        return Ok(Val::Null);
    };
    if start.address > end.address {
        return Ok(Val::Null);
    }
    let mut networks = Vec::new();
    let mut at = start.address as u64;
    let last = end.address as u64;
    while at <= last {
        let aligned = if at == 0 { 32 } else { at.trailing_zeros().min(32) };
        let room = (last - at + 1).ilog2();
        let host_bits = aligned.min(room);
        networks.push(Dynamic::String(format!("{}/{}", v4_text(u128::from(at)), 32 - host_bits)));
        at += 1u64 << host_bits;
    }
    Ok(super::support::from_array(networks))
}

fn ipv4_is_private<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    const PRIVATE: [(u128, u32); 3] = [(0x0A00_0000, 8), (0xAC10_0000, 12), (0xC0A8_0000, 16)];
    let network = Network::parse_v4(text_arg(args, 0));
    Ok(network.map_or(Val::Null, |n| {
        Val::Bool(PRIVATE.iter().any(|(address, prefix)| n.prefix >= *prefix && n.masked(*prefix, 32) == *address))
    }))
}

/// How two IPv4 networks compare under the shortest of their prefixes and the argument.
fn compare_v4(args: &[Val<'_>]) -> Option<i64> {
    let (a, b) = (Network::parse_v4(text_arg(args, 0))?, Network::parse_v4(text_arg(args, 1))?);
    let prefix = a.prefix.min(b.prefix).min(prefix_arg(args, 2, 32)?);
    Some(a.masked(prefix, 32).cmp(&b.masked(prefix, 32)) as i64)
}

fn ipv4_compare<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(compare_v4(args).map_or(Val::Null, Val::Long))
}

fn ipv4_is_match<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(compare_v4(args).map_or(Val::Null, |order| Val::Bool(order == 0)))
}

fn compare_v6(args: &[Val<'_>]) -> Option<i64> {
    let (a, b) = (Network::parse_v6(text_arg(args, 0))?, Network::parse_v6(text_arg(args, 1))?);
    // The prefix is one of IPv4 if both addresses are.
    let limit = match long_arg(args, 2) {
        Some(p) if a.v4 && b.v4 && p <= 32 => u32::try_from(p).ok()? + 96,
        _ => prefix_arg(args, 2, 128)?,
    };
    let prefix = a.prefix.min(b.prefix).min(limit);
    Some(a.masked(prefix, 128).cmp(&b.masked(prefix, 128)) as i64)
}

fn ipv6_compare<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(compare_v6(args).map_or(Val::Null, Val::Long))
}

fn ipv6_is_match<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(compare_v6(args).map_or(Val::Null, |order| Val::Bool(order == 0)))
}

fn in_range(address: &Network, range: &Network, bits: u32) -> bool {
    let address = Network { address: address.masked(address.prefix, bits), ..*address };
    address.masked(range.prefix, bits) == range.masked(range.prefix, bits)
}

fn ipv4_is_in_range<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let both = Network::parse_v4(text_arg(args, 0)).zip(Network::parse_v4(text_arg(args, 1)));
    Ok(both.map_or(Val::Null, |(address, range)| Val::Bool(in_range(&address, &range, 32))))
}

fn ipv6_is_in_range<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let both = Network::parse_v6(text_arg(args, 0)).zip(Network::parse_v6(text_arg(args, 1)));
    Ok(both.map_or(Val::Null, |(address, range)| Val::Bool(in_range(&address, &range, 128))))
}

fn ipv4_is_in_any_range<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(in_any_range(args, Network::parse_v4, 32))
}

fn ipv6_is_in_any_range<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(in_any_range(args, Network::parse_v6, 128))
}

/// Ranges that are none are passed over.
fn in_any_range<'a>(args: &[Val<'_>], parse: fn(&str) -> Option<Network>, bits: u32) -> Val<'a> {
    let address = args.first().map(plain_text).and_then(|text| parse(&text));
    address.map_or(Val::Null, |address| {
        Val::Bool(any_text(args.get(1..).unwrap_or_default(), &mut |range| {
            parse(range).is_some_and(|range| in_range(&address, &range, bits))
        }))
    })
}

fn plain_text<'v>(v: &'v Val<'_>) -> std::borrow::Cow<'v, str> {
    match v {
        Val::Str(s) => std::borrow::Cow::Borrowed(s),
        Val::Dynamic(s) => super::support::tree_text(&Dynamic::decode(s)).into(),
        _ => "".into(),
    }
}

/// Whether one of the texts, those of arrays one by one, passes.
fn any_text(values: &[Val<'_>], passes: &mut dyn FnMut(&str) -> bool) -> bool {
    values.iter().any(|value| match array_of(value) {
        Some(items) => items.iter().any(|item| matches!(item, Dynamic::String(s) if passes(s))),
        None => passes(&plain_text(value)),
    })
}

fn has_ipv4<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let Some((source, wanted)) = args.split_first() else { return Ok(Val::Bool(false)) };
    let source = plain_text(source);
    let holds = |address: &str| {
        address.parse::<Ipv4Addr>().is_ok()
            && addresses_at(&source, address).any(|rest| rest.get(address.len()..).is_some_and(ends_here))
    };
    Ok(Val::Bool(any_text(wanted, &mut { holds })))
}

fn has_ipv4_prefix<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let Some((source, wanted)) = args.split_first() else { return Ok(Val::Bool(false)) };
    let source = plain_text(source);
    let holds = |prefix: &str| {
        let complete = prefix.ends_with('.') || prefix.parse::<Ipv4Addr>().is_ok();
        complete && addresses_at(&source, prefix).any(starts_with_address)
    };
    Ok(Val::Bool(any_text(wanted, &mut { holds })))
}

/// What follows each occurrence that begins at a boundary, the occurrence included.
fn addresses_at<'s>(source: &'s str, wanted: &'s str) -> impl Iterator<Item = &'s str> {
    source.match_indices(wanted).filter_map(|(at, _)| {
        let before = source.get(..at)?.chars().next_back();
        if before.is_some_and(char::is_alphanumeric) { None } else { source.get(at..) }
    })
}

fn ends_here(rest: &str) -> bool {
    !rest.chars().next().is_some_and(char::is_alphanumeric)
}

fn starts_with_address(text: &str) -> bool {
    let mut dots = 0;
    let end = text.find(|c: char| {
        dots += usize::from(c == '.');
        !(c.is_ascii_digit() || c == '.' && dots <= 3)
    });
    let (address, rest) = text.split_at(end.unwrap_or(text.len()));
    address.parse::<Ipv4Addr>().is_ok() && ends_here(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Type;

    fn run(name: &str, args: &[Val<'_>]) -> Val<'static> {
        let entry = ENTRIES.iter().find(|e| e.name == name).unwrap();
        (entry.kernel)(&Cx { args: &[], ret: Type::Long }, args).unwrap().into_owned()
    }

    fn texts(name: &str, args: &[&'static str]) -> Val<'static> {
        let args: Vec<Val<'_>> = args.iter().map(|s| Val::str(*s)).collect();
        run(name, &args)
    }

    #[test]
    fn parses_and_formats() {
        assert_eq!(texts("parse_ipv4", &["255.255.255.255/31"]), Val::Long(4294967294));
        assert_eq!(texts("parse_ipv4", &["1.2.3"]), Val::Null);
        assert_eq!(texts("parse_ipv6", &["192.168.255.255/24"]), Val::str("0000:0000:0000:0000:0000:ffff:c0a8:ff00"));
        assert_eq!(run("format_ipv4", &[Val::Long(3232236031), Val::Long(24)]), Val::str("192.168.1.0"));
        assert_eq!(run("format_ipv4", &[Val::str("192.168.1.1/24"), Val::Long(-1)]), Val::str(""));
        assert_eq!(run("format_ipv4_mask", &[Val::str("192.168.1.1/24"), Val::Long(32)]), Val::str("192.168.1.0/24"));
        assert_eq!(
            texts("ipv4_range_to_cidr_list", &["1.1.128.0", "1.1.140.255"]).as_str(),
            Some(r#"["1.1.128.0/21","1.1.136.0/22","1.1.140.0/24"]"#)
        );
        assert_eq!(
            texts("ipv4_range_to_cidr_list", &["0.0.0.0", "255.255.255.255"]).as_str(),
            Some(r#"["0.0.0.0/0"]"#)
        );
    }

    #[test]
    fn compares_networks() {
        assert_eq!(texts("ipv4_compare", &["192.168.1.1/30", "192.168.1.255/24"]), Val::Long(0));
        assert_eq!(texts("ipv4_compare", &["10.0.0.1", "10.0.0.2"]), Val::Long(-1));
        assert_eq!(texts("ipv4_is_match", &["10.0.0.1", "x"]), Val::Null);
        assert_eq!(texts("ipv4_is_private", &["127.0.0.1"]), Val::Bool(false));
        assert_eq!(texts("ipv4_is_private", &["172.31.0.1"]), Val::Bool(true));
        assert_eq!(texts("ipv6_compare", &["::192.168.1.1/30", "192.168.1.255/24"]), Val::Long(0));
        assert_eq!(texts("ipv6_is_match", &["192.168.1.1", "::ffff:c0a8:0101"]), Val::Bool(true));
        let range = "a5e:f127:8a9d:146d:e102:b5d3:c755:0000/112";
        assert_eq!(texts("ipv6_is_in_range", &["a5e:f127:8a9d:146d:e102:b5d3:c755:abcd", range]), Val::Bool(true));
        let ranges = Val::Dynamic(r#"["10.0.0.0/8","bad"]"#.into());
        assert_eq!(run("ipv4_is_in_any_range", &[Val::str("10.9.9.9"), ranges]), Val::Bool(true));
    }

    #[test]
    fn finds_addresses_in_text() {
        let line = "05:04:54 127.0.0.1 GET /favicon.ico 404";
        assert_eq!(texts("has_ipv4", &[line, "127.0.0.1"]), Val::Bool(true));
        assert_eq!(texts("has_ipv4", &["a 127.0.0.256 b", "127.0.0.256"]), Val::Bool(false));
        assert_eq!(texts("has_ipv4", &["05:04:54127.0.0.1 b", "127.0.0.1"]), Val::Bool(false));
        assert_eq!(texts("has_ipv4", &["127.0.0.11", "127.0.0.1"]), Val::Bool(false));
        assert_eq!(texts("has_ipv4_prefix", &["address is 10.1.2.3:1234", "10.1.2."]), Val::Bool(true));
        assert_eq!(texts("has_any_ipv4_prefix", &[line, "127.0"]), Val::Bool(false));
        assert_eq!(texts("has_any_ipv4_prefix", &[line, "192.168.", "127.0."]), Val::Bool(true));
    }
}
