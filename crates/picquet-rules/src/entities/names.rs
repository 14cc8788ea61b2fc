//! Names of accounts and hosts: taking full names apart, and names that say nothing.

use std::net::IpAddr;

use serde_json::Value;

/// Accounts known only by one of these names say nothing and are dropped.
const GENERIC_ACCOUNTS: &[&str] = &[
    "ADMIN",
    "ADMINISTRATOR",
    "SYSTEM",
    "ROOT",
    "ANONYMOUS",
    "AUTHENTICATED USER",
    "NETWORK",
    "NULL",
    "LOCAL SYSTEM",
    "LOCALSYSTEM",
    "NETWORK SERVICE",
];

/// [I] `FullName` and `DisplayName` are no schema fields: `a@b` gives Name and UPNSuffix, `D\a` NTDomain and Name,
/// any other full name is the Name. What the rule maps itself wins. A display name of another shape is a person's
/// name and identifies nothing, so it is left out.
pub(super) fn split_account(present: Vec<(String, Value)>) -> Vec<(String, Value)> {
    let mut fields = Vec::new();
    let mut derived = Vec::new();
    for (name, value) in present {
        let text = value.as_str().unwrap_or_default();
        match name.as_str() {
            "FullName" => derived.extend(account_parts(text, true)),
            "DisplayName" => derived.extend(account_parts(text, false)),
            _ => fields.push((name, value)),
        }
    }
    merge_absent(fields, derived)
}

fn account_parts(text: &str, whole_is_name: bool) -> Vec<(&'static str, String)> {
    if let Some((domain, name)) = text.split_once('\\')
        && !domain.is_empty()
        && !name.is_empty()
    {
        return vec![("Name", name.to_owned()), ("NTDomain", domain.to_owned())];
    }
    if let Some((name, suffix)) = text.rsplit_once('@')
        && !name.is_empty()
        && !suffix.is_empty()
    {
        return vec![("Name", name.to_owned()), ("UPNSuffix", suffix.to_owned())];
    }
    if whole_is_name { vec![("Name", text.to_owned())] } else { Vec::new() }
}

/// [I] A host's `FullName` `h.d.e` gives HostName `h` and DnsDomain `d.e`; an IP address is not cut at its dots.
pub(super) fn split_host(present: Vec<(String, Value)>) -> Vec<(String, Value)> {
    let mut fields = Vec::new();
    let mut derived = Vec::new();
    for (name, value) in present {
        if name != "FullName" {
            fields.push((name, value));
            continue;
        }
        let text = value.as_str().unwrap_or_default();
        match text.split_once('.') {
            Some((host, domain)) if !host.is_empty() && !domain.is_empty() && text.parse::<IpAddr>().is_err() => {
                derived.push(("HostName", host.to_owned()));
                derived.push(("DnsDomain", domain.to_owned()));
            }
            _ => derived.push(("HostName", text.to_owned())),
        }
    }
    merge_absent(fields, derived)
}

fn merge_absent(mut fields: Vec<(String, Value)>, derived: Vec<(&'static str, String)>) -> Vec<(String, Value)> {
    let mut missing = Vec::new();
    for (name, text) in derived {
        let known = |list: &[(String, Value)]| list.iter().any(|(have, _)| have == name);
        if !known(&fields) && !known(&missing) {
            missing.push((name.to_owned(), Value::String(text)));
        }
    }
    missing.append(&mut fields);
    missing
}

pub(super) fn is_generic_account(fields: &[(String, Value)]) -> bool {
    let [(name, value)] = fields else {
        return false;
    };
    let text = value.as_str().unwrap_or_default().to_ascii_uppercase();
    name == "Name" && GENERIC_ACCOUNTS.contains(&text.as_str())
}
