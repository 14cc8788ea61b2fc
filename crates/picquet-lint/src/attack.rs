//! MITRE ATT&CK's techniques, compiled in.

use std::collections::HashMap;
use std::sync::OnceLock;

static PACKED: &[u8] = include_bytes!("../data/attack.zst");

/// A technique or sub-technique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Technique {
    /// ATT&CK's name.
    pub name: String,
    /// Tactics in Sentinel's spelling.
    pub tactics: Vec<String>,
    /// ATT&CK has replaced or withdrawn it.
    pub retired: bool,
}

/// The techniques of one version of ATT&CK.
#[derive(Debug, Default)]
pub struct Attack {
    /// ATT&CK's version.
    pub version: String,
    /// Whose it is.
    pub attribution: String,
    techniques: HashMap<String, Technique>,
}

impl Attack {
    /// The version that comes with the program, unpacked when first needed.
    pub fn builtin() -> &'static Attack {
        static BUILTIN: OnceLock<Attack> = OnceLock::new();
        BUILTIN.get_or_init(|| {
            // A test unpacks the compiled-in bytes; they cannot fail at run time only.
            let text = zstd::decode_all(PACKED).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            Attack::read(&text.unwrap_or_default())
        })
    }

    fn read(text: &str) -> Attack {
        let mut lines = text.lines();
        let (version, attribution) = lines.next().and_then(|line| line.split_once('\t')).unwrap_or_default();
        let technique = |line: &str| {
            let mut fields = line.split('\t');
            let id = fields.next()?.to_owned();
            let name = fields.next()?.to_owned();
            let tactics = fields.next()?.split(',').map(str::to_owned).collect();
            Some((id, Technique { name, tactics, retired: fields.next() == Some("-") }))
        };
        Attack {
            version: version.to_owned(),
            attribution: attribution.to_owned(),
            techniques: lines.filter_map(technique).collect(),
        }
    }

    /// The technique of an id such as `T1059` or `T1059.001`.
    pub fn technique(&self, id: &str) -> Option<&Technique> {
        self.techniques.get(id)
    }

    /// Whether an id is one of the industrial matrix (`T0800` and above), of which nothing is held.
    #[must_use]
    pub fn is_industrial(id: &str) -> bool {
        id.starts_with("T0")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held() {
        let attack = Attack::builtin();
        assert!(attack.attribution.contains("MITRE"));
        assert_eq!(attack.version.split('.').count(), 2);
        let technique = attack.technique("T1059.001").expect("PowerShell");
        assert_eq!((technique.name.as_str(), technique.retired), ("PowerShell", false));
        assert_eq!(technique.tactics, ["Execution"]);
        assert!(attack.technique("T1002").is_some_and(|t| t.retired));
        assert!(attack.technique("T9999").is_none());
        assert!(attack.techniques.len() > 800);
    }

    #[test]
    fn every_tactic_is_one_of_sentinel() {
        for technique in Attack::builtin().techniques.values() {
            for tactic in &technique.tactics {
                assert!(picquet_rules::TACTICS.contains(&tactic.as_str()), "{tactic}");
            }
        }
    }
}
