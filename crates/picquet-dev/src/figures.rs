//! Figures, and the failures behind them.

use std::io::Write;

use regex::Regex;

/// How many of how many.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Share {
    pub(crate) good: usize,
    pub(crate) all: usize,
}

impl Share {
    pub(crate) fn count(&mut self, good: bool) {
        self.all += 1;
        self.good += usize::from(good);
    }

    pub(crate) fn percent(self) -> f64 {
        if self.all == 0 { 100.0 } else { 100.0 * self.good as f64 / self.all as f64 }
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} ({:.2} %)", self.good, self.all, self.percent())
    }
}

/// What is shown of a run over cases, and when it fails.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Showing {
    /// Print at most this many failures.
    #[arg(long, default_value_t = 40)]
    pub(crate) failures: usize,
    /// Only the cases whose id matches.
    #[arg(long, value_name = "REGEX")]
    pub(crate) only: Option<Regex>,
    /// Fail where fewer cases than this are right.
    #[arg(long)]
    pub(crate) floor: Option<usize>,
}

impl Showing {
    /// Whether a case is wanted.
    pub(crate) fn wants(&self, id: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.is_match(id))
    }
}

/// Counts cases and prints those that are wrong.
pub(crate) struct Tally<'o> {
    showing: &'o Showing,
    out: &'o mut dyn Write,
    shown: usize,
    pub(crate) share: Share,
}

impl<'o> Tally<'o> {
    pub(crate) fn new(showing: &'o Showing, out: &'o mut dyn Write) -> Self {
        Tally { showing, out, shown: 0, share: Share::default() }
    }

    /// Counts a case; `wrong` says what is wrong with it.
    pub(crate) fn case(&mut self, id: &str, wrong: Option<&str>) -> anyhow::Result<()> {
        self.share.count(wrong.is_none());
        if let Some(wrong) = wrong {
            self.shown += 1;
            if self.shown <= self.showing.failures {
                writeln!(self.out, "{id}: {wrong}")?;
            }
        }
        Ok(())
    }

    /// A line of its own.
    pub(crate) fn note(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(writeln!(self.out, "{text}")?)
    }

    /// Prints the share; fails below the floor.
    pub(crate) fn finish(self, what: &str) -> anyhow::Result<()> {
        writeln!(self.out, "{what}: {}", self.share)?;
        if let Some(floor) = self.showing.floor {
            anyhow::ensure!(self.share.good >= floor, "{what}: fewer than {floor} are right");
        }
        Ok(())
    }
}
