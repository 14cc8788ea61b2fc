//! MITRE tactics in Sentinel's spelling.

/// Tactics the API accepts (spec section 10).
pub const TACTICS: &[&str] = &[
    "Reconnaissance",
    "ResourceDevelopment",
    "InitialAccess",
    "Execution",
    "Persistence",
    "PrivilegeEscalation",
    "DefenseEvasion",
    "CredentialAccess",
    "Discovery",
    "LateralMovement",
    "Collection",
    "Exfiltration",
    "CommandAndControl",
    "Impact",
    "PreAttack",
    "ImpairProcessControl",
    "InhibitResponseFunction",
];

/// The tactic a text names, whatever its case, spaces or hyphens (`Command and Control`); none for other texts.
#[must_use]
pub fn canonical_tactic(text: &str) -> Option<&'static str> {
    let letters: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-' && *c != '_').collect();
    TACTICS.iter().copied().find(|tactic| tactic.eq_ignore_ascii_case(&letters))
}

/// Tactics of a result cell: a JSON array, or a list with commas; texts that name none are left out.
pub(crate) fn tactics_of_text(text: &str) -> Vec<&'static str> {
    let names: Vec<String> =
        serde_json::from_str(text).unwrap_or_else(|_| text.split([',', ';']).map(str::to_owned).collect());
    let mut tactics = Vec::new();
    for tactic in names.iter().filter_map(|name| canonical_tactic(name)) {
        if !tactics.contains(&tactic) {
            tactics.push(tactic);
        }
    }
    tactics
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let cases = [
            ("Command and Control", Some("CommandAndControl")),
            ("lateral-movement", Some("LateralMovement")),
            ("Impact", Some("Impact")),
            ("SneakySquirrel", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(canonical_tactic(text), expected, "{text}");
        }
    }

    #[test]
    fn cells() {
        let cases: [(&str, &[&str]); 5] = [
            ("Execution", &["Execution"]),
            ("Execution, Initial Access,Execution", &["Execution", "InitialAccess"]),
            (r#"["Impact","Nonsense"]"#, &["Impact"]),
            ("Nonsense", &[]),
            ("", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(tactics_of_text(text), expected, "{text}");
        }
    }
}
