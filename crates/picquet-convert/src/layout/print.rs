//! The tree as text in its layout.

use kql_syntax::FormatOptions;

use super::LayoutError;
use super::comments::{Comment, Comments};
use super::read::{Block, Document, Raw, RawEntry, RawKind};
use crate::yaml::KEY_ORDER;
use crate::yaml_scalar::literal;

/// Keys of nested mappings in their order, by the key that holds them.
const NESTED_ORDER: &[(&str, &[&str])] = &[
    ("requiredDataConnectors", &["connectorId", "dataTypes"]),
    ("incidentConfiguration", &["createIncident", "groupingConfiguration"]),
    (
        "groupingConfiguration",
        &[
            "enabled",
            "reopenClosedIncident",
            "lookbackDuration",
            "matchingMethod",
            "groupByEntities",
            "groupByAlertDetails",
            "groupByCustomDetails",
        ],
    ),
    (
        "alertDetailsOverride",
        &[
            "alertDisplayNameFormat",
            "alertDescriptionFormat",
            "alertTacticsColumnName",
            "alertSeverityColumnName",
            "alertDynamicProperties",
        ],
    ),
    ("alertDynamicProperties", &["alertProperty", "value"]),
    ("entityMappings", &["entityType", "fieldMappings"]),
    ("fieldMappings", &["identifier", "columnName"]),
];

pub(super) fn print(
    source: &str,
    document: &Document,
    comments: Comments,
    options: &FormatOptions,
) -> Result<String, LayoutError> {
    let mut numbers = Numbers::default();
    let root = numbers.number(&document.root);
    let mut printer = Printer { source, comments, options, out: String::new(), keeps: false };
    if document.marked {
        printer.out.push_str("---\n");
    }
    let header = std::mem::take(&mut printer.comments.header);
    for (index, comment) in header.iter().enumerate() {
        printer.comment(comment, 0, index > 0);
    }
    if !header.is_empty() && printer.comments.header_blank {
        printer.out.push('\n');
    }
    printer.collection(&root, "", 0, true)?;
    Ok(printer.out)
}

/// A value with the numbers of its anchors and collections, which are given in the order of the text.
struct Numbered<'a> {
    raw: &'a Raw,
    /// Number of the collection; of no meaning for a scalar.
    collection: usize,
    parts: Vec<Part<'a>>,
}

/// An entry of a mapping, or an item of a list.
struct Part<'a> {
    anchor: usize,
    entry: Option<&'a RawEntry>,
    value: Numbered<'a>,
}

impl Part<'_> {
    fn rank(&self, holder: &str, top: bool) -> usize {
        self.entry.map_or(0, |entry| rank(holder, top, entry.key_text()))
    }
}

#[derive(Default)]
struct Numbers {
    anchors: usize,
    collections: usize,
}

impl Numbers {
    fn number<'a>(&mut self, raw: &'a Raw) -> Numbered<'a> {
        let collection = self.collections;
        let mut parts = Vec::new();
        match &raw.kind {
            RawKind::Scalar { .. } => {}
            RawKind::List(items) => {
                self.collections += 1;
                for item in items {
                    let anchor = self.anchors;
                    self.anchors += 1;
                    parts.push(Part { anchor, entry: None, value: self.number(item) });
                }
            }
            RawKind::Map(entries) => {
                self.collections += 1;
                for entry in entries {
                    let anchor = self.anchors;
                    self.anchors += 1;
                    parts.push(Part { anchor, entry: Some(entry), value: self.number(&entry.value) });
                }
            }
        }
        Numbered { raw, collection, parts }
    }
}

struct Printer<'a> {
    source: &'a str,
    comments: Comments,
    options: &'a FormatOptions,
    out: String,
    /// Whether the last scalar keeps empty lines after it, so that none may be added.
    keeps: bool,
}

impl Printer<'_> {
    fn blank(&mut self) {
        if !self.keeps && !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    fn margin(&mut self, column: usize) {
        self.out.extend(std::iter::repeat_n(' ', column));
    }

    fn comment(&mut self, comment: &Comment, column: usize, blank_allowed: bool) {
        if comment.blank && blank_allowed {
            self.blank();
        }
        self.keeps = false;
        self.margin(column);
        self.out.push_str(&comment.text);
        self.out.push('\n');
    }

    /// Entries or items at a column; unless `fresh`, the first one goes on the line that is begun (after a dash).
    fn collection(&mut self, node: &Numbered<'_>, key: &str, column: usize, fresh: bool) -> Result<(), LayoutError> {
        let mut order: Vec<&Part<'_>> = node.parts.iter().collect();
        order.sort_by_key(|part| part.rank(key, column == 0));
        for (index, part) in order.into_iter().enumerate() {
            if fresh || index > 0 {
                let leading = self.leading(part, key);
                for (number, comment) in leading.iter().enumerate() {
                    self.comment(comment, column, index > 0 || number > 0);
                }
                if self.comments.notes[part.anchor].blank && (index > 0 || !leading.is_empty()) {
                    self.blank();
                }
                self.margin(column);
            }
            self.keeps = false;
            match part.entry {
                Some(entry) => {
                    self.out.push_str(self.source.get(entry.key.span.clone()).unwrap_or_default());
                    self.out.push(':');
                    self.value(&part.value, entry.key_text(), part.anchor, column, column == 0)?;
                }
                None => self.item(&part.value, key, part.anchor, column)?,
            }
        }
        for comment in std::mem::take(&mut self.comments.endings[node.collection]) {
            self.comment(&comment, column, true);
        }
        Ok(())
    }

    /// Comments above an entry or item. An item that is a mapping has those of the entry that comes first in it too,
    /// since that one stands on the line of the dash.
    fn leading(&mut self, part: &Part<'_>, key: &str) -> Vec<Comment> {
        let mut leading = std::mem::take(&mut self.comments.notes[part.anchor].leading);
        if part.entry.is_none() && matches!(part.value.raw.kind, RawKind::Map(_)) {
            let first = part.value.parts.iter().min_by_key(|inner| inner.rank(key, false));
            if let Some(first) = first {
                leading.append(&mut self.comments.notes[first.anchor].leading);
            }
        }
        leading
    }

    fn item(&mut self, value: &Numbered<'_>, key: &str, anchor: usize, column: usize) -> Result<(), LayoutError> {
        self.out.push('-');
        let is_map = matches!(value.raw.kind, RawKind::Map(_)) && !value.parts.is_empty();
        if is_map && self.comments.notes[anchor].trailing.is_none() {
            self.out.push(' ');
            return self.collection(value, key, column + 2, false);
        }
        self.value(value, key, anchor, column, false)
    }

    /// What follows a colon or dash, to the end of its last line.
    fn value(
        &mut self,
        value: &Numbered<'_>,
        key: &str,
        anchor: usize,
        column: usize,
        top: bool,
    ) -> Result<(), LayoutError> {
        let trailing = self.comments.notes[anchor].trailing.take().map_or(String::new(), |text| format!(" {text}"));
        match &value.raw.kind {
            RawKind::Scalar { text, block, .. } => {
                if top && key == "query" && self.query(text, &trailing)? {
                    return Ok(());
                }
                match block {
                    Some(block) => self.block(value.raw, block, &trailing, column),
                    None => self.flow_scalar(value.raw, &trailing, column),
                }
                Ok(())
            }
            RawKind::List(_) | RawKind::Map(_) if value.parts.is_empty() => {
                let empty = if matches!(value.raw.kind, RawKind::List(_)) { "[]" } else { "{}" };
                self.out.push_str(&format!(" {empty}{trailing}\n"));
                Ok(())
            }
            RawKind::List(_) | RawKind::Map(_) => {
                self.out.push_str(&trailing);
                self.out.push('\n');
                self.collection(value, key, column + 2, true)
            }
        }
    }

    /// The query, formatted in a literal block; `false` where a block cannot hold it.
    fn query(&mut self, text: &str, trailing: &str) -> Result<bool, LayoutError> {
        if text.trim().is_empty() {
            return Ok(false);
        }
        let formatted = kql_syntax::format(text, self.options)
            .map_err(|errors| LayoutError::Query { query: text.to_owned(), errors })?;
        let end = if text.ends_with('\n') { "\n" } else { "" };
        let Some(lines) = literal(&format!("{formatted}{end}"), 2) else {
            return Ok(false);
        };
        let (header, rest) = lines.split_once('\n').unwrap_or((&lines, ""));
        self.out.push_str(&format!(" {header}{trailing}\n{rest}"));
        Ok(true)
    }

    /// A block scalar with its lines at another indent.
    fn block(&mut self, raw: &Raw, block: &Block, trailing: &str, column: usize) {
        let explicit = if block.explicit { "2" } else { "" };
        self.out.push_str(&format!(" {}{explicit}{}{trailing}\n", block.mark, block.chomping));
        for line in self.source.get(raw.span.clone()).unwrap_or_default().lines() {
            let content = line.get(block.indent..).unwrap_or_default();
            if !content.is_empty() {
                self.margin(column + 2);
                self.out.push_str(content);
            }
            self.out.push('\n');
        }
        self.keeps = block.chomping == "+";
    }

    /// A plain or quoted scalar as it is written; further lines at another indent.
    fn flow_scalar(&mut self, raw: &Raw, trailing: &str, column: usize) {
        if !raw.is_absent() {
            let written = self.source.get(raw.span.clone()).unwrap_or_default();
            for (index, line) in written.split('\n').enumerate() {
                if index == 0 {
                    self.out.push(' ');
                    self.out.push_str(line);
                    continue;
                }
                self.out.push('\n');
                let content = line.trim_start_matches([' ', '\t']);
                if !content.is_empty() {
                    self.margin(column + 2);
                    self.out.push_str(content);
                }
            }
        }
        self.out.push_str(trailing);
        self.out.push('\n');
    }
}

/// Place of a key among its siblings; those that no list has stay in their order behind the others.
fn rank(holder: &str, top: bool, key: &str) -> usize {
    let order = if top {
        KEY_ORDER
    } else {
        NESTED_ORDER.iter().find(|(name, _)| name.eq_ignore_ascii_case(holder)).map_or(&[][..], |(_, keys)| *keys)
    };
    order.iter().position(|known| known.eq_ignore_ascii_case(key)).unwrap_or(order.len())
}
