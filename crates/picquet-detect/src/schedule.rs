//! When rules run: the scheduled instants of a rule that are due, those that are passed over, and when to look again.
//!
//! Everything here is a function of the rule, a [`ScheduleState`] that is kept between looks, and the time. A scheduled
//! instant T is the end of a run's window and `now()` in its query; the run itself starts later, at T and the
//! [delay](Cadence::delay). An instant is *settled* once it was run or passed over, and is then never due again.

use jiff::Timestamp;
use picquet_rules::{AnalyticsRule, Duration, RuleKind};
use serde::{Deserialize, Serialize};

use crate::instants::{Instants, minus, plus, whole_second};
use crate::watch::Look;

/// How far behind its window's end a scheduled rule runs (documented).
pub const SCHEDULED_DELAY: Duration = Duration::from_minutes(5);
/// How far behind its window's end an NRT rule runs (documented).
pub const NRT_DELAY: Duration = Duration::from_minutes(2);
/// Time between the runs of an NRT rule, and the length of their windows (documented).
pub const NRT_FREQUENCY: Duration = Duration::from_minutes(1);
/// [I] How far back missed runs are caught up: as far as Sentinel lets past runs be replayed.
pub const CATCH_UP_LIMIT: Duration = Duration::from_hours(7 * 24);
/// [I] A rule that was written with a shorter frequency, which Sentinel refuses, runs this often.
const SHORTEST_FREQUENCY: Duration = Duration::from_minutes(1);

/// Which of the two schedules a rule follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cadence {
    /// At the rule's own frequency.
    Scheduled,
    /// Every minute.
    Nrt,
}

impl Cadence {
    /// That of a kind; `None` for kinds that run no query.
    pub fn of(kind: &RuleKind) -> Option<Cadence> {
        match kind {
            RuleKind::Scheduled => Some(Cadence::Scheduled),
            RuleKind::Nrt => Some(Cadence::Nrt),
            _ => None,
        }
    }

    /// From the scheduled instant to the start of the run.
    pub const fn delay(self) -> Duration {
        match self {
            Cadence::Scheduled => SCHEDULED_DELAY,
            Cadence::Nrt => NRT_DELAY,
        }
    }
}

/// What of a rule decides when it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleTiming {
    /// The schedule it follows.
    pub cadence: Cadence,
    /// Time between two scheduled instants.
    pub frequency: Duration,
    /// The first scheduled instant, where the rule fixes it.
    pub start_time: Option<Timestamp>,
    /// Whether the rule is on.
    pub enabled: bool,
}

impl RuleTiming {
    /// That of a rule; `None` for rules that run no query.
    pub fn of(rule: &AnalyticsRule) -> Option<RuleTiming> {
        let cadence = Cadence::of(&rule.kind)?;
        let frequency = match cadence {
            Cadence::Nrt => NRT_FREQUENCY,
            Cadence::Scheduled => rule.query_frequency.max(SHORTEST_FREQUENCY),
        };
        Some(RuleTiming { cadence, frequency, start_time: rule.start_time, enabled: rule.enabled })
    }

    /// When the run for a scheduled instant starts.
    pub fn run_start(&self, t: Timestamp) -> Timestamp {
        plus(t, self.cadence.delay())
    }
}

/// What is done about runs that were missed: those that should have started while nobody looked, because the runner was
/// stopped, the machine slept or the clock was set forward.
///
/// [I] Sentinel does not document what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CatchUp {
    /// Nothing: the schedule goes on with the next instant.
    None,
    /// Only the latest instant is run.
    Latest,
    /// Every instant is run, each with its own window and clock.
    #[default]
    All,
}

/// How rules are scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScheduleSettings {
    /// What is done about missed runs.
    pub catch_up: CatchUp,
    /// Instants that lie further back are passed over.
    pub catch_up_limit: Duration,
}

impl Default for ScheduleSettings {
    fn default() -> Self {
        ScheduleSettings { catch_up: CatchUp::default(), catch_up_limit: CATCH_UP_LIMIT }
    }
}

/// What is kept of a rule's schedule between looks, also over restarts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleState {
    /// Since when the rule is on without a break; `None` while it is off.
    pub enabled_since: Option<Timestamp>,
    /// The first scheduled instant since then, from which the others are counted.
    pub anchor: Timestamp,
    /// The last settled instant.
    pub last: Option<Timestamp>,
    /// The frequency that the schedule goes by.
    pub frequency: Duration,
    /// Since when it does.
    pub frequency_since: Timestamp,
    /// The start time that the rule had.
    pub start_time: Option<Timestamp>,
    /// The scheduled instant of the last run that raised an alert.
    pub last_alert: Option<Timestamp>,
}

impl ScheduleState {
    /// The state of a rule that is seen for the first time.
    pub fn new(timing: &RuleTiming, now: Timestamp) -> ScheduleState {
        ScheduleState {
            enabled_since: timing.enabled.then_some(now),
            anchor: first_run(timing, now),
            last: None,
            frequency: timing.frequency,
            frequency_since: now,
            start_time: timing.start_time,
            last_alert: None,
        }
    }

    /// The first instant that is not settled.
    pub fn next(&self) -> Timestamp {
        match self.last {
            Some(last) if last >= self.anchor => plus(last, self.frequency),
            _ => self.anchor,
        }
    }

    /// Notes that an instant was run or passed over. Instants are settled in order; an earlier one changes nothing.
    pub fn settle(&mut self, t: Timestamp) {
        self.last = self.last.max(Some(t));
    }

    /// Notes that the run for an instant raised an alert.
    pub fn alerted(&mut self, t: Timestamp) {
        self.last_alert = self.last_alert.max(Some(t));
    }

    /// Whether the run for an instant is left out because of the last alert. It is then settled without being run.
    pub fn suppresses(&self, rule: &AnalyticsRule, t: Timestamp) -> bool {
        rule.suppression_enabled && is_suppressed(t, self.last_alert, rule.suppression_duration)
    }

    /// Takes up what changed in the rule since the last look.
    fn follow(&mut self, timing: &RuleTiming, now: Timestamp) {
        let edited = self.frequency != timing.frequency;
        let moved = self.start_time != timing.start_time;
        if edited {
            (self.frequency, self.frequency_since) = (timing.frequency, now);
        }
        self.start_time = timing.start_time;
        match (timing.enabled, self.enabled_since) {
            (false, _) => self.enabled_since = None,
            (true, None) => {
                self.enabled_since = Some(now);
                self.anchor = first_run(timing, now);
            }
            (true, Some(_)) => {
                let ahead = timing.start_time.is_some_and(|start| start > now);
                if moved && (ahead || !self.has_run()) {
                    self.anchor = first_run(timing, now);
                }
            }
        }
    }

    /// Whether an instant since the anchor is settled.
    fn has_run(&self) -> bool {
        self.last.is_some_and(|last| last >= self.anchor)
    }

    /// Begins the schedule anew at the present when the clock was set back so far that the rule would not run for longer
    /// than its frequency and delay.
    ///
    /// [I] An instant that is settled is never run again, so after a small step back the rule waits until the clock has
    /// caught up. After a large one (a clock that was a year ahead is corrected) that would leave the rule off for that
    /// time, which is worse than looking at some windows twice; and it is told. A start time that lies ahead is what
    /// the rule asks for, and is waited for.
    fn reanchor(&mut self, timing: &RuleTiming, now: Timestamp) -> Option<Reanchored> {
        let expected = self.next();
        let is_start_time = timing.start_time.map(whole_second) == Some(self.anchor);
        if !self.has_run() && is_start_time {
            return None;
        }
        if expected <= plus(timing.run_start(now), timing.frequency) {
            return None;
        }
        let mut anchor = first_run(timing, now);
        // The instants of the old count must not come up again.
        if Instants::through(expected, timing.frequency, anchor) {
            anchor = plus(anchor, Duration::from_ticks(10_000_000));
        }
        self.enabled_since = self.enabled_since.min(Some(now));
        self.frequency_since = self.frequency_since.min(now);
        self.last_alert = self.last_alert.filter(|alert| *alert <= now);
        (self.anchor, self.last) = (anchor, None);
        Some(Reanchored { expected, anchor })
    }
}

/// The first scheduled instant of a rule that is created or enabled `now`: its start time, else the present in whole
/// seconds.
///
/// [I] Sentinel refuses start times in the past. A rule's file may hold one from when it was written; the first instant
/// is then the next one counted from there, so that a rule that is to run at six keeps doing so.
fn first_run(timing: &RuleTiming, now: Timestamp) -> Timestamp {
    let now = whole_second(now);
    match timing.start_time.map(whole_second) {
        Some(start) => Instants::next_from(start, timing.frequency, now),
        None => now,
    }
}

/// Whether suppression leaves out the run for an instant: it lies after the instant of the last run that raised an alert,
/// by less than the duration.
///
/// [I] Both are scheduled instants, not times of the wall clock, so that catching up and replaying leave out the same
/// runs as running on time did. The instant at which the duration has just passed is run.
pub fn is_suppressed(t: Timestamp, last_alert: Option<Timestamp>, duration: Duration) -> bool {
    last_alert.is_some_and(|alert| alert < t && t < plus(alert, duration))
}

/// Why an instant is not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// It lies further back than missed runs are caught up.
    TooOld,
    /// It was missed, and [`CatchUp::None`] leaves missed runs out.
    Missed,
    /// It was missed, and [`CatchUp::Latest`] runs a later one.
    Superseded,
    /// An alert suppresses it; see [`ScheduleState::suppresses`].
    Suppressed,
}

/// Instants that are passed over for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped {
    /// The instants.
    pub instants: Instants,
    /// Why.
    pub reason: SkipReason,
}

/// A schedule that was begun anew because the clock was set back far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reanchored {
    /// The instant that would have been next.
    pub expected: Timestamp,
    /// The one that is next.
    pub anchor: Timestamp,
}

/// What is to be done about a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The state to keep: what is passed over is settled in it; what is due is not until the runner
    /// [settles](ScheduleState::settle) it.
    pub state: ScheduleState,
    /// The instants to run now, in order.
    pub due: Instants,
    /// The instants before those that are not run.
    pub skipped: Vec<Skipped>,
    /// When the next run starts; `None` for a rule that is off.
    pub next: Option<Timestamp>,
    /// Whether the schedule was begun anew.
    pub reanchored: Option<Reanchored>,
}

/// Tells what is to be done about a rule at a look, from the state that was kept at the one before; `None` for a rule
/// that was not known yet.
///
/// * A rule first runs for the instant at which it is created or enabled, or for its start time; then for the last instant
///   and its frequency.
/// * Of an edited rule the schedule goes on from the last instant, with the new frequency. Instants of the new frequency
///   that should have run before the edit was seen count as missed.
/// * For the time during which a rule was off nothing is caught up. [I] Enabled again, it begins anew.
/// * Missed instants are run or passed over as the settings say.
/// * A clock that was set forward has missed instants; one that was set back makes the rule wait, or begin anew
///   ([`Plan::reanchored`]).
pub fn plan(timing: &RuleTiming, state: Option<&ScheduleState>, look: Look, settings: &ScheduleSettings) -> Plan {
    let now = look.now;
    let mut state = match state {
        Some(kept) => {
            let mut state = kept.clone();
            state.follow(timing, now);
            state
        }
        None => ScheduleState::new(timing, now),
    };
    if state.enabled_since.is_none() {
        let due = Instants::none(timing.frequency);
        return Plan { state, due, skipped: Vec::new(), next: None, reanchored: None };
    }
    let reanchored = state.reanchor(timing, now);
    let delay = timing.cadence.delay();
    let started = minus(now, delay);
    let missed_before = minus(look.since.max(state.frequency_since), delay);
    let mut due = Instants::until(state.next(), timing.frequency, started);
    let next = timing.run_start(due.after());
    let mut skipped = Vec::new();
    let mut skip = |due: &mut Instants, count: u64, reason: SkipReason| {
        let instants = due.take_front(count);
        if let Some(last) = instants.last() {
            state.settle(last);
            skipped.push(Skipped { instants, reason });
        }
    };
    let too_old = due.count_before(minus(now, settings.catch_up_limit));
    skip(&mut due, too_old, SkipReason::TooOld);
    let missed = due.count_before(missed_before);
    match settings.catch_up {
        CatchUp::All => {}
        CatchUp::None => skip(&mut due, missed, SkipReason::Missed),
        CatchUp::Latest => {
            let earlier = missed.min(due.count().saturating_sub(1));
            skip(&mut due, earlier, SkipReason::Superseded);
        }
    }
    Plan { state, due, skipped, next: Some(next), reanchored }
}
