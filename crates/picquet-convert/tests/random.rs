//! Random rules: whatever a rule holds, it comes back.
#![allow(clippy::expect_used)]

mod support;

use picquet_convert::{ArmForm, Options, Target, convert};
use picquet_rules::{ENTITY_TYPES, RuleKind, TACTICS};
use serde_json::{Map, Value, json};
use support::{FORMS, arm, one, round_trip};

/// How many rules; each is named by its seed.
const RULES: u64 = 400;

/// SplitMix64: the same seed gives the same rule.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// Text of pieces that some format gives a meaning to.
    fn text(&mut self, longest: usize) -> String {
        const PIECES: &[&str] = &[
            "T",
            " ",
            "  ",
            "\n",
            "\n\n",
            "\r\n",
            "\t",
            "'",
            "\"",
            "'''",
            "\\",
            "${x}",
            "%{x}",
            "$${",
            "[",
            "]",
            "[[",
            "{{A}}",
            "# c",
            " #",
            ": ",
            ":",
            "- ",
            "| ",
            "// c\n",
            "EOT\n",
            "---\n",
            "...\n",
            "é",
            "😀",
            "\u{1}",
            "\u{85}",
            "\u{2028}",
            "\u{feff}",
            "null",
            "true",
            "1.0",
            "0x1F",
            "2024-01-01",
            "~",
            "&a",
            "*a",
            "!t",
            "@",
            "`",
            ",",
            "?",
            "<<",
            "|",
            ">",
            "%",
            "where a == 'x'\n",
            "   indented\n",
            "trailing   \n",
            "\u{a0}",
            "\u{7f}",
            "$",
            "{",
            "}",
            "\\n",
            "\\u0041",
            "/*",
            "*/",
        ];
        (0..=self.below(longest)).map(|_| *self.pick(PIECES)).collect()
    }

    fn name(&mut self) -> String {
        let text = self.text(5);
        let text = text.trim();
        if text.is_empty() { "n".to_owned() } else { text.to_owned() }
    }

    fn word(&mut self) -> String {
        (0..=self.below(6)).map(|_| *self.pick(&['a', 'B', 'c', '_', 'Z', 'q'])).collect()
    }

    fn duration(&mut self) -> String {
        (*self.pick(&["5m", "1h", "PT36H", "P14D", "1.12:30:00", "90m", "PT1H30M", "00:00:30"])).to_owned()
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth > 2 { 4 } else { 6 }) {
            0 => json!(self.chance(50)),
            1 => json!(self.below(100_000)),
            2 | 3 => json!(self.text(4)),
            4 => (0..self.below(4)).map(|_| self.value(depth + 1)).collect(),
            _ => {
                let keys: Vec<String> = (0..self.below(4)).map(|_| self.name()).collect();
                keys.into_iter().map(|key| (key, self.value(depth + 1))).collect::<Map<_, _>>().into()
            }
        }
    }

    fn list<T>(&mut self, most: usize, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| item(self)).collect()
    }

    fn technique(&mut self) -> String {
        let parent = format!("T{}", 1000 + self.below(5));
        if self.chance(50) { format!("{parent}.00{}", self.below(3)) } else { parent }
    }

    fn guid(&mut self) -> String {
        format!("{:08x}-0000-4000-8000-{:012x}", self.next() as u32, self.next() & 0xFFFF_FFFF_FFFF)
    }

    /// A rule as a YAML document (of which JSON is a part).
    fn rule(&mut self) -> Map<String, Value> {
        let mut rule = Map::new();
        let mut put = |key: &str, value: Value| rule.insert(key.to_owned(), value);
        let kind = match self.below(10) {
            0 => "Fusion",
            1 => "MLBehaviorAnalytics",
            2 => "ThreatIntelligence",
            3 => "MicrosoftSecurityIncidentCreation",
            4 => "SomethingNew",
            5 | 6 => "NRT",
            _ => "Scheduled",
        };
        put("kind", json!(kind));
        if self.chance(90) {
            let id = if self.chance(85) { self.guid() } else { self.name() };
            put("id", json!(id));
            if self.chance(30) {
                let template = if self.chance(30) { id } else { self.guid() };
                put("alertRuleTemplateName", json!(template));
            }
        }
        put("name", json!(self.name()));
        if self.chance(60) {
            put("version", json!(format!("{}.{}.0", self.below(3), self.below(12))));
        }
        if self.chance(50) || kind == "SomethingNew" {
            put("enabled", json!(self.chance(50)));
        }
        if self.chance(60) {
            put(
                "requiredDataConnectors",
                json!(self.list(3, |r| json!({"connectorId": r.name(), "dataTypes": r.list(3, |r| r.name())}))),
            );
        }
        if self.chance(40) {
            put("tags", json!(self.list(3, |r| r.value(1))));
        }
        if self.chance(30) {
            put("metadata", json!({"source": self.value(1), "author": {"name": self.text(3)}}));
        }
        if self.chance(30) {
            put("status", json!(self.name()));
        }
        if self.chance(30) {
            put("unknownThing", self.value(0));
        }
        if self.chance(20) {
            put("armProperties", json!({"futureProperty": self.value(1)}));
        }
        match RuleKind::from_name(kind) {
            RuleKind::Scheduled | RuleKind::Nrt => self.executable(kind, &mut rule),
            RuleKind::MicrosoftSecurityIncidentCreation => {
                rule.insert("productFilter".to_owned(), json!(self.name()));
                rule.insert("severitiesFilter".to_owned(), json!(["High", "Low"]));
            }
            _ => {}
        }
        rule
    }

    fn executable(&mut self, kind: &str, rule: &mut Map<String, Value>) {
        let mut put = |key: &str, value: Value| rule.insert(key.to_owned(), value);
        put("severity", json!(self.pick(&["High", "Medium", "Low", "Informational"])));
        put("description", json!(self.text(12)));
        let query = self.text(40);
        let bracketed = format!("[{}]", query.trim());
        let query = if self.chance(10) { bracketed } else { query };
        put("query", json!(if query.trim().is_empty() { "T".to_owned() } else { query }));
        if kind == "Scheduled" {
            put("queryFrequency", json!(self.duration()));
            put("queryPeriod", json!(self.duration()));
            put("triggerOperator", json!(self.pick(&["gt", "lt", "eq", "ne", "Equal", "NotEqual", "GreaterThan"])));
            put("triggerThreshold", json!(self.below(10_001)));
        }
        put("tactics", json!(self.list(3, |r| *r.pick(TACTICS))));
        put("relevantTechniques", json!(self.list(5, Self::technique)));
        if self.chance(40) {
            put("suppressionEnabled", json!(self.chance(50)));
            put("suppressionDuration", json!(self.duration()));
        }
        if self.chance(30) {
            put("startTimeUtc", json!("2024-05-01T06:00:00Z"));
        }
        if self.chance(40) {
            put("eventGroupingSettings", json!({"aggregationKind": self.pick(&["SingleAlert", "AlertPerResult"])}));
        }
        if self.chance(40) {
            let method = self.pick(&["AllEntities", "AnyAlert", "Selected"]);
            let grouping = json!({
                "enabled": self.chance(50), "reopenClosedIncident": self.chance(50), "lookbackDuration": self.duration(),
                "matchingMethod": method, "groupByEntities": self.list(2, |_| "Account"),
                "groupByAlertDetails": self.list(1, |_| "Severity"), "groupByCustomDetails": self.list(2, Self::word),
            });
            put("incidentConfiguration", json!({"createIncident": self.chance(70), "groupingConfiguration": grouping}));
        }
        if self.chance(40) {
            let details: Map<String, Value> = self.list(4, |r| (r.name(), json!(r.word()))).into_iter().collect();
            put("customDetails", details.into());
        }
        if self.chance(40) {
            put(
                "alertDetailsOverride",
                json!({
                    "alertDisplayNameFormat": self.text(5), "alertTacticsColumnName": self.word(),
                    "alertDynamicProperties": self.list(2, |r| json!({"alertProperty": "AlertLink", "value": r.word()})),
                }),
            );
        }
        let mapping = |r: &mut Self| {
            let entity = r.pick(ENTITY_TYPES);
            let fields = r.list(3, |r| json!({"identifier": r.pick(entity.identifiers), "columnName": r.word()}));
            json!({"entityType": entity.name, "fieldMappings": fields})
        };
        put("entityMappings", json!(self.list(4, mapping)));
        if self.chance(30) {
            put("sentinelEntitiesMappings", json!(self.list(2, |r| json!({"columnName": r.word()}))));
        }
    }
}

/// The rule of a seed.
fn rule(seed: u64) -> picquet_rules::AnalyticsRule {
    let document = Value::Object(Random(seed).rule());
    // The comment keeps the text from being taken for JSON.
    one(&format!("seed-{seed}.yaml"), &format!("# {seed}\n{}", yaml_flow(&document)))
}

/// JSON as YAML reads it: characters that YAML does not print are escaped.
fn yaml_flow(value: &Value) -> String {
    let text = serde_json::to_string(value).expect("JSON");
    let escape = |c: char| match c {
        '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    text.chars().map(escape).collect()
}

#[test]
fn rules_come_back() {
    for seed in 0..RULES {
        let rule = rule(seed);
        round_trip(&rule, Target::Yaml, &Options::default());
        for form in FORMS {
            let back = round_trip(&rule, Target::Arm, &arm(*form));
            let yaml = round_trip(&back, Target::Yaml, &Options::default());
            round_trip(&yaml, Target::Arm, &arm(*form));
        }
    }
}

#[test]
fn all_rules_come_back_from_one_template() {
    let rules: Vec<_> = (0..RULES).map(rule).collect();
    for form in FORMS {
        let text = convert(&rules, Target::Arm, &arm(*form)).text;
        let back = picquet_rules::load_text("all.json", &text);
        assert!(back.errors.is_empty(), "{:?}", back.errors);
        assert_eq!(back.rules.len(), rules.len());
        for (rule, back) in rules.iter().zip(&back.rules) {
            assert_eq!(picquet_convert::meaning(rule), picquet_convert::meaning(back), "{}", rule.source.file);
        }
    }
}

#[test]
fn parameters_come_back_by_their_defaults() {
    let parameters =
        ["severity", "enabled", "query", "triggerThreshold", "tactics", "displayName"].map(str::to_owned).to_vec();
    for form in FORMS {
        let options = Options { parameters: parameters.clone(), ..arm(*form) };
        for seed in 0..RULES / 4 {
            round_trip(&rule(seed), Target::Arm, &options);
        }
    }
    let rule = (0..).map(rule).find(|rule| rule.kind == RuleKind::Scheduled).expect("there is one");
    let options = Options { parameters, ..arm(ArmForm::Workspace) };
    let text = convert([&rule], Target::Arm, &options).text;
    assert!(text.contains("\"severity\": \"[parameters('severity')]\""), "{text}");
}

/// Texts of the layout are the texts of before.
#[test]
fn layouts_mean_the_same() {
    let options = kql_syntax::FormatOptions::default();
    let mut laid_out = 0;
    for seed in 0..RULES {
        let rule = rule(seed);
        let text = convert([&rule], Target::Yaml, &Options::default()).text;
        // Most of the random queries do not parse, which a layout asks for.
        let text = text.replacen("\nquery: ", "\nquery: T | count\nwas: ", 1);
        let Ok(new) = picquet_convert::layout(&text, &options) else { continue };
        laid_out += 1;
        assert_eq!(picquet_convert::layout(&new, &options).as_ref(), Ok(&new));
        let (old, new) = (one("a.yaml", &text), one("a.yaml", &new));
        assert_eq!(picquet_convert::diff_rules(&old, &new), []);
    }
    assert!(laid_out > 100, "{laid_out}");
}

/// A rule in lines of one indent or another, with comments anywhere between and behind them.
fn commented(random: &mut Random) -> String {
    const PARTS: &[&[&str]] = &[
        &["name: n"],
        &["id: x"],
        &["severity:   'Low'"],
        &["tactics: [Impact,  Execution]"],
        &["tags:", "- a", "-   b: 1", "    c: [2]"],
        &["description: >-", "   folded", "", "     more"],
        &["note: 'over", "    lines'"],
        &["query: |", "    // inside # no comment", "    T", "", "    | count"],
        &["requiredDataConnectors:", "    - dataTypes:", "        - T", "      connectorId: c", "    - connectorId: d"],
        &[
            "entityMappings:",
            "  -",
            "    fieldMappings:",
            "      - columnName: C",
            "        identifier: Address",
            "    entityType: IP",
        ],
        &["kept: |+", "  text", ""],
        &["customDetails: {}"],
    ];
    let mut parts: Vec<&[&str]> = PARTS.to_vec();
    for at in (1..parts.len()).rev() {
        parts.swap(at, random.below(at + 1));
    }
    let mut text = String::new();
    let mut number = 0;
    for part in parts {
        let (mut inside, mut quoted) = (false, false);
        for (at, line) in part.iter().enumerate() {
            if !inside && !quoted {
                while random.chance(25) {
                    number += 1;
                    let indent = " ".repeat(*random.pick(&[0, 0, 2, 4, 6, 8]));
                    // A comment below a block scalar that is indented as far would be a line of it.
                    let indent = if at == 0 { "" } else { indent.as_str() };
                    let blank = if random.chance(30) { "\n" } else { "" };
                    text.push_str(&format!("{blank}{indent}# {number}\n"));
                }
            }
            text.push_str(line);
            quoted |= line.contains("'over");
            let ends = !inside && !quoted && !line.is_empty();
            inside |= line.ends_with(['|', '-', '+']) && line.contains(": ");
            if ends && random.chance(25) {
                number += 1;
                text.push_str(&format!(" # {number}"));
            }
            text.push('\n');
        }
    }
    text
}

#[test]
fn comments_are_kept() {
    let options = kql_syntax::FormatOptions::default();
    for seed in 0..1000 {
        let text = commented(&mut Random(seed));
        let new = picquet_convert::layout(&text, &options).unwrap_or_else(|error| panic!("{seed} {error:?}\n{text}"));
        assert_eq!(picquet_convert::layout(&new, &options).as_ref(), Ok(&new), "{seed}\n{text}\n{new}");
        let count = |text: &str| text.matches("# ").count();
        assert_eq!(count(&new), count(&text), "{seed}\n{text}\n{new}");
        assert_eq!(picquet_convert::diff_rules(&one("a.yaml", &text), &one("a.yaml", &new)), [], "{seed}");
    }
}
