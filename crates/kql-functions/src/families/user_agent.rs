//! `parse_user_agent`, by the rules of the User Agent String Parser project.

use std::sync::OnceLock;

use serde::Deserialize;
use ua_parser::{Regexes, device, os, user_agent};

use crate::cast::tree_text;
use crate::catalogue::{Cx, EvalError, Nulls, Scalar};
use crate::{Dynamic, Val};

use super::string::text;

pub(super) static ENTRIES: &[Scalar] = &[Scalar {
    name: "parse_user_agent",
    doc: "Browser, operating system and device of a user agent string.",
    nulls: Nulls::Handled,
    kernel: parse_user_agent,
}];

static RULES: &str = include_str!("../../data/user_agents.json");

/// The rules of one subject; each is compiled when first asked for.
fn rules<T>(read: impl FnOnce(Regexes<'static>) -> Option<T>) -> Option<T> {
    Regexes::deserialize(&mut serde_json::Deserializer::from_str(RULES)).ok().and_then(read)
}

fn browsers() -> Option<&'static user_agent::Extractor<'static>> {
    static BROWSERS: OnceLock<Option<user_agent::Extractor<'static>>> = OnceLock::new();
    let compile = |r: Regexes<'static>| {
        r.user_agent_parsers.into_iter().try_fold(user_agent::Builder::new(), |b, p| b.push(p)).ok()?.build().ok()
    };
    BROWSERS.get_or_init(|| rules(compile)).as_ref()
}

fn systems() -> Option<&'static os::Extractor<'static>> {
    static SYSTEMS: OnceLock<Option<os::Extractor<'static>>> = OnceLock::new();
    let compile = |r: Regexes<'static>| {
        r.os_parsers.into_iter().try_fold(os::Builder::new(), |b, p| b.push(p)).ok()?.build().ok()
    };
    SYSTEMS.get_or_init(|| rules(compile)).as_ref()
}

fn devices() -> Option<&'static device::Extractor<'static>> {
    static DEVICES: OnceLock<Option<device::Extractor<'static>>> = OnceLock::new();
    let compile = |r: Regexes<'static>| {
        r.device_parsers.into_iter().try_fold(device::Builder::new(), |b, p| b.push(p)).ok()?.build().ok()
    };
    DEVICES.get_or_init(|| rules(compile)).as_ref()
}

fn parse_user_agent<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let agent = text(args, 0);
    let wanted: Vec<String> = match args.get(1).map(Val::to_tree) {
        None => ["browser", "os", "device"].map(str::to_string).to_vec(),
        Some(Dynamic::Array(items)) => items.iter().map(tree_text).collect(),
        Some(one) => vec![tree_text(&one)],
    };
    let wants = |subject: &str| wanted.iter().any(|w| w.eq_ignore_ascii_case(subject));
    let mut found = Vec::new();
    if wants("browser") {
        found.push(("Browser".to_string(), browser(&agent)));
    }
    if wants("os") {
        found.push(("OperatingSystem".to_string(), system(&agent)));
    }
    if wants("device") {
        found.push(("Device".to_string(), device(&agent)));
    }
    Ok(Val::dynamic(&Dynamic::Bag(found)))
}

fn bag<const N: usize>(members: [(&str, Option<&str>); N]) -> Dynamic {
    let member =
        |(key, value): (&str, Option<&str>)| (key.to_string(), Dynamic::String(value.unwrap_or_default().to_string()));
    Dynamic::Bag(members.into_iter().map(member).collect())
}

/// The family of what no rule knows.
const OTHER: Option<&str> = Some("Other");

fn browser(agent: &str) -> Dynamic {
    match browsers().and_then(|rules| rules.extract(agent)) {
        Some(b) => {
            bag([("Family", Some(&b.family)), ("MajorVersion", b.major), ("MinorVersion", b.minor), ("Patch", b.patch)])
        }
        None => bag([("Family", OTHER), ("MajorVersion", None), ("MinorVersion", None), ("Patch", None)]),
    }
}

fn system(agent: &str) -> Dynamic {
    match systems().and_then(|rules| rules.extract(agent)) {
        Some(s) => bag([
            ("Family", Some(&s.os)),
            ("MajorVersion", s.major.as_deref()),
            ("MinorVersion", s.minor.as_deref()),
            ("Patch", s.patch.as_deref()),
            ("PatchMinor", s.patch_minor.as_deref()),
        ]),
        None => bag([
            ("Family", OTHER),
            ("MajorVersion", None),
            ("MinorVersion", None),
            ("Patch", None),
            ("PatchMinor", None),
        ]),
    }
}

fn device(agent: &str) -> Dynamic {
    match devices().and_then(|rules| rules.extract(agent)) {
        Some(d) => bag([("Family", Some(&d.device)), ("Brand", d.brand.as_deref()), ("Model", d.model.as_deref())]),
        None => bag([("Family", OTHER), ("Brand", None), ("Model", None)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_browser_system_and_device() {
        let agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
            Version/17.4 Mobile/15E148 Safari/604.1";
        assert_eq!(browser(agent).get("Family"), Some(&Dynamic::String("Mobile Safari".to_string())));
        assert_eq!(system(agent).get("Patch"), Some(&Dynamic::String("1".to_string())));
        assert_eq!(device(agent).get("Brand"), Some(&Dynamic::String("Apple".to_string())));
        assert_eq!(browser("?").get("Family"), Some(&Dynamic::String("Other".to_string())));
    }

    #[test]
    fn subjects_are_chosen() {
        let args = [Val::str("AdobeAIR/2.5.1"), Val::str("browser")];
        let cx = Cx { args: &[], ret: crate::Type::Dynamic };
        let found = parse_user_agent(&cx, &args).unwrap();
        let browser = "{\"Family\":\"AdobeAIR\",\"MajorVersion\":\"2\",\"MinorVersion\":\"5\",\"Patch\":\"1\"}";
        assert_eq!(found, Val::Dynamic(format!("{{\"Browser\":{browser}}}").into()));
    }
}
