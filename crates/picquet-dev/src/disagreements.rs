//! The disagreements with Microsoft's parser that were judged.

use std::collections::BTreeMap;

use anyhow::Context as _;

/// `query id, kind, who is right, why`, a line each, separated by tabs.
const LIST: &str = include_str!("../disagreements.tsv");

/// Who is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// The engine, and Picquet with it: the parser is known to judge otherwise than the engine.
    Picquet,
    /// Microsoft's parser: to be mended.
    Oracle,
}

/// The judged disagreements, by query and kind.
#[derive(Debug)]
pub(crate) struct Listed {
    judged: BTreeMap<(&'static str, &'static str), (Right, &'static str)>,
    met: BTreeMap<(&'static str, &'static str), usize>,
}

impl Listed {
    fn of(list: &'static str) -> anyhow::Result<Listed> {
        let mut judged = BTreeMap::new();
        for (number, line) in list.lines().enumerate().filter(|(_, l)| !l.is_empty() && !l.starts_with('#')) {
            let place = || format!("disagreements.tsv:{}", number + 1);
            let cells: Vec<&str> = line.split('\t').collect();
            let [id, kind, who, why] = cells[..] else { anyhow::bail!("{}: expected four cells", place()) };
            let right = match who {
                "picquet" => Right::Picquet,
                "oracle" => Right::Oracle,
                _ => anyhow::bail!("{}: expected picquet or oracle, not {who}", place()),
            };
            anyhow::ensure!(!why.trim().is_empty(), "{}: the reason is missing", place());
            let before = judged.insert((id, kind), (right, why));
            anyhow::ensure!(before.is_none(), "{}: listed twice", place());
        }
        Ok(Listed { judged, met: BTreeMap::new() })
    }

    /// What was judged of a disagreement that was met.
    pub(crate) fn judge(&mut self, id: &str, kind: &str) -> Option<(Right, &'static str)> {
        let key = self.judged.keys().find(|(i, k)| *i == id && *k == kind).copied()?;
        *self.met.entry(key).or_default() += 1;
        self.judged.get(&key).copied()
    }

    /// Listed ones that were not met: they agree now.
    pub(crate) fn stale(&self) -> impl Iterator<Item = &(&'static str, &'static str)> {
        self.judged.keys().filter(|key| !self.met.contains_key(*key))
    }
}

/// The list that is checked in.
pub(crate) fn read() -> anyhow::Result<Listed> {
    Listed::of(LIST).context("the list of judged disagreements")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        let mut listed =
            Listed::of("# id\nq1\tcolumns\tpicquet\tthe engine says so\nq2\trefused\toracle\topen\n").unwrap();
        assert_eq!(listed.judge("q1", "columns"), Some((Right::Picquet, "the engine says so")));
        assert_eq!(listed.judge("q1", "refused"), None);
        assert_eq!(listed.stale().collect::<Vec<_>>(), [&("q2", "refused")]);
        assert!(Listed::of("q1\tcolumns\tnobody\twhy\n").is_err());
        assert!(Listed::of("q1\tcolumns\tpicquet\t \n").is_err());
        assert!(read().is_ok());
    }
}
