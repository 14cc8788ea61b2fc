//! Weeks of schedule, look by look: which windows are run, which are passed over, and when.
//!
//! All begin on Monday, 9 March 2026. An instant is written as its day and hour (`Mon06`), with minutes and seconds where
//! it has some; it is the end of the run's window.
#![allow(clippy::unwrap_used)]

use jiff::{SignedDuration, Timestamp};
use picquet_detect::{
    CATCH_UP_LIMIT, Cadence, CatchUp, Jump, Look, RuleTiming, ScheduleSettings, ScheduleState, Watch, is_suppressed,
    plan,
};
use picquet_rules::Duration;

/// A runner with one rule.
struct Runner {
    timing: RuleTiming,
    settings: ScheduleSettings,
    state: Option<ScheduleState>,
    watch: Watch,
    now: Timestamp,
    /// Instants that were run, and `-` in front of those that were passed over, with the reason behind the last.
    log: Vec<String>,
    /// When runs started.
    starts: Vec<String>,
}

impl Runner {
    fn new(start: &str, frequency: &str) -> Runner {
        let now = time(start);
        let timing = RuleTiming {
            cadence: Cadence::Scheduled,
            frequency: frequency.parse().unwrap(),
            start_time: None,
            enabled: true,
        };
        Runner {
            timing,
            settings: ScheduleSettings::default(),
            state: None,
            watch: Watch::start(now),
            now,
            log: Vec::new(),
            starts: Vec::new(),
        }
    }

    fn catching_up(mut self, catch_up: CatchUp) -> Runner {
        self.settings.catch_up = catch_up;
        self
    }

    /// Runs until a time, looking as often as a runner does.
    fn run_until(&mut self, end: &str) {
        let end = time(end);
        while self.now < end {
            let next = self.look();
            self.now = self.watch.wake(next).min(end);
        }
    }

    fn look(&mut self) -> Option<Timestamp> {
        let (look, jump) = self.watch.look(self.now);
        match jump {
            Some(Jump::Forward(by)) => self.log.push(format!("(forward {by:#})")),
            Some(Jump::Back(by)) => self.log.push(format!("(back {by:#})")),
            None => {}
        }
        // The state goes through a file, as it would.
        let kept: Option<ScheduleState> =
            self.state.as_ref().map(|s| serde_json::from_str(&serde_json::to_string(s).unwrap()).unwrap());
        assert_eq!(kept, self.state);
        let plan = plan(&self.timing, kept.as_ref(), look, &self.settings);
        if let Some(anew) = plan.reanchored {
            self.log.push(format!("(anew at {} instead of {})", short(anew.anchor), short(anew.expected)));
        }
        for skipped in &plan.skipped {
            self.log.extend(skipped.instants.iter().map(|t| format!("-{}", short(t))));
            self.log.push(format!("({:?})", skipped.reason));
        }
        let mut state = plan.state;
        for t in plan.due.iter() {
            self.log.push(short(t));
            self.starts.push(short(self.now));
            state.settle(t);
        }
        self.state = Some(state);
        plan.next
    }

    /// Nobody looks until a time, and the runner is started then.
    fn stopped_until(&mut self, time_text: &str) {
        self.now = time(time_text);
        self.watch = Watch::start(self.now);
    }

    /// The clock is set while the runner runs.
    fn set_clock(&mut self, to: &str) {
        self.look();
        self.now = time(to);
    }

    #[track_caller]
    fn assert(&self, expected: &str) {
        assert_eq!(self.log.join(" "), expected.split_whitespace().collect::<Vec<_>>().join(" "));
    }
}

/// `Mon`, `Tue06`, `Wed06:30`, `Thu06:30:15`, or a whole instant.
fn time(text: &str) -> Timestamp {
    if let Ok(instant) = text.parse() {
        return instant;
    }
    let (day, clock) = text.split_at(3);
    let day = 9 + ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].iter().position(|d| *d == day).unwrap();
    let clock = match clock.len() {
        0 => "00:00:00".to_string(),
        2 => format!("{clock}:00:00"),
        5 => format!("{clock}:00"),
        _ => clock.to_string(),
    };
    format!("2026-03-{day:02}T{clock}Z").parse().unwrap()
}

fn short(t: Timestamp) -> String {
    let seconds = t.as_second();
    let week = time("Mon").as_second()..time("Mon").as_second() + 7 * 86_400;
    let form = match () {
        () if !week.contains(&seconds) => "%m-%dT%H:%M:%S",
        () if seconds % 3600 == 0 => "%a%H",
        () if seconds % 60 == 0 => "%a%H:%M",
        () => "%a%H:%M:%S",
    };
    assert_eq!(t.subsec_nanosecond(), 0, "instants are whole seconds");
    t.strftime(form).to_string()
}

#[test]
fn section_2_1_first_run_at_creation_then_every_frequency_each_five_minutes_later() {
    let mut runner = Runner::new("2026-03-09T09:30:15.7Z", "1d");
    runner.run_until("2026-03-16T00:00:00Z");
    runner.assert("Mon09:30:15 Tue09:30:15 Wed09:30:15 Thu09:30:15 Fri09:30:15 Sat09:30:15 Sun09:30:15");
    assert_eq!(
        runner.starts.join(" "),
        "Mon09:35:15 Tue09:35:15 Wed09:35:15 Thu09:35:15 Fri09:35:15 Sat09:35:15 Sun09:35:15"
    );
}

#[test]
fn section_2_1_first_run_at_the_start_time() {
    let mut runner = Runner::new("Mon09:30:15", "1d");
    runner.timing.start_time = Some(time("Wed06"));
    runner.run_until("2026-03-16T00:00:00Z");
    runner.assert("Wed06 Thu06 Fri06 Sat06 Sun06");
    // However far ahead it is, the rule waits for it.
    let mut runner = Runner::new("2026-02-10T00:00:00Z", "6h");
    runner.timing.start_time = Some(time("Mon06"));
    runner.run_until("Tue");
    runner.assert("Mon06 Mon12 Mon18");
}

#[test]
fn section_2_1_a_start_time_that_is_past_keeps_the_time_of_day() {
    let mut runner = Runner::new("Mon09:30:15", "1d");
    runner.timing.start_time = Some("2025-11-03T06:00:00Z".parse().unwrap());
    runner.run_until("Thu");
    runner.assert("Tue06 Wed06");
}

#[test]
fn section_2_1_a_start_time_that_is_moved_ahead_is_waited_for() {
    let mut runner = Runner::new("Mon", "6h");
    runner.run_until("Mon13");
    runner.timing.start_time = Some(time("Wed03"));
    runner.run_until("Wed16");
    runner.assert("Mon00 Mon06 Mon12 Wed03 Wed09 Wed15");
}

#[test]
fn section_2_1_after_a_stop_all_missed_windows_are_caught_up() {
    let mut runner = Runner::new("Mon", "6h");
    runner.run_until("Tue07");
    runner.stopped_until("Thu13");
    runner.run_until("2026-03-16T00:00:00Z");
    runner.assert(
        "Mon00 Mon06 Mon12 Mon18 Tue00 Tue06 Tue12 Tue18 Wed00 Wed06 Wed12 Wed18 Thu00 Thu06 Thu12 Thu18 \
         Fri00 Fri06 Fri12 Fri18 Sat00 Sat06 Sat12 Sat18 Sun00 Sun06 Sun12 Sun18",
    );
    // Each at once after the start, and the later ones on time.
    assert_eq!(
        runner.starts[5..17].join(" "),
        "Tue06:05 Thu13 Thu13 Thu13 Thu13 Thu13 Thu13 Thu13 Thu13 Thu13 Thu18:05 Fri00:05"
    );
}

#[test]
fn section_2_1_after_a_stop_only_the_latest_window_is_caught_up() {
    let mut runner = Runner::new("Mon", "6h").catching_up(CatchUp::Latest);
    runner.run_until("Tue07");
    runner.stopped_until("Thu13");
    runner.run_until("2026-03-16T00:00:00Z");
    runner.assert(
        "Mon00 Mon06 Mon12 Mon18 Tue00 Tue06 \
         -Tue12 -Tue18 -Wed00 -Wed06 -Wed12 -Wed18 -Thu00 -Thu06 (Superseded) Thu12 Thu18 \
         Fri00 Fri06 Fri12 Fri18 Sat00 Sat06 Sat12 Sat18 Sun00 Sun06 Sun12 Sun18",
    );
}

#[test]
fn section_2_1_after_a_stop_no_window_is_caught_up() {
    let mut runner = Runner::new("Mon", "6h").catching_up(CatchUp::None);
    runner.run_until("Tue07");
    runner.stopped_until("Thu13");
    runner.run_until("2026-03-16T00:00:00Z");
    runner.assert(
        "Mon00 Mon06 Mon12 Mon18 Tue00 Tue06 \
         -Tue12 -Tue18 -Wed00 -Wed06 -Wed12 -Wed18 -Thu00 -Thu06 -Thu12 (Missed) Thu18 \
         Fri00 Fri06 Fri12 Fri18 Sat00 Sat06 Sat12 Sat18 Sun00 Sun06 Sun12 Sun18",
    );
}

#[test]
fn section_2_1_a_run_whose_delay_was_not_over_at_the_stop_is_not_missed() {
    for catch_up in [CatchUp::None, CatchUp::Latest, CatchUp::All] {
        let mut runner = Runner::new("Mon", "6h").catching_up(catch_up);
        runner.run_until("Mon12:01");
        runner.stopped_until("Mon12:05");
        runner.run_until("Tue");
        runner.assert("Mon00 Mon06 Mon12 Mon18");
    }
}

#[test]
fn section_2_1_what_lies_more_than_seven_days_back_is_not_caught_up() {
    let mut runner = Runner::new("2026-03-01T00:00:00Z", "1d");
    runner.run_until("2026-03-02T01:00:00Z");
    runner.stopped_until("Fri12");
    runner.run_until("Sun");
    runner.assert(
        "03-01T00:00:00 03-02T00:00:00 -03-03T00:00:00 -03-04T00:00:00 -03-05T00:00:00 -03-06T00:00:00 (TooOld) \
         03-07T00:00:00 03-08T00:00:00 Mon00 Tue00 Wed00 Thu00 Fri00 Sat00",
    );
    assert_eq!(CATCH_UP_LIMIT.to_short(), "7d");
}

#[test]
fn section_2_1_a_year_off_is_told_in_a_few_words() {
    let minutely =
        RuleTiming { cadence: Cadence::Nrt, frequency: Duration::from_minutes(1), start_time: None, enabled: true };
    let created = ScheduleState::new(&minutely, time("2025-03-09T00:00:00Z"));
    let now = time("Mon");
    let settings = ScheduleSettings { catch_up: CatchUp::Latest, ..ScheduleSettings::default() };
    let plan = plan(&minutely, Some(&created), Look { now, since: now }, &settings);
    let counts: Vec<_> = plan.skipped.iter().map(|s| (s.instants.count(), format!("{:?}", s.reason))).collect();
    let week = 7 * 24 * 60;
    assert_eq!(counts, [(365 * 24 * 60 - week, "TooOld".to_string()), (week - 2, "Superseded".to_string())]);
    assert_eq!(plan.due.iter().collect::<Vec<_>>(), [time("2026-03-08T23:58:00Z")]);
}

#[test]
fn section_2_1_an_edited_rule_goes_on_from_its_last_window_with_the_new_frequency() {
    let mut runner = Runner::new("Mon01", "6h");
    runner.run_until("Mon14");
    runner.timing.frequency = "1d".parse().unwrap();
    runner.run_until("Wed14");
    runner.timing.frequency = "12h".parse().unwrap();
    runner.run_until("Thu14");
    runner.assert("Mon01 Mon07 Mon13 Tue13 Wed13 Thu01 Thu13");
}

#[test]
fn section_2_1_windows_of_a_shorter_frequency_before_the_edit_count_as_missed() {
    let edited = |catch_up| {
        let mut runner = Runner::new("Mon", "1d").catching_up(catch_up);
        runner.run_until("Tue18");
        runner.timing.frequency = "6h".parse().unwrap();
        runner.run_until("Wed07");
        runner
    };
    edited(CatchUp::All).assert("Mon00 Tue00 Tue06 Tue12 Tue18 Wed00 Wed06");
    edited(CatchUp::Latest).assert("Mon00 Tue00 -Tue06 (Superseded) Tue12 Tue18 Wed00 Wed06");
    edited(CatchUp::None).assert("Mon00 Tue00 -Tue06 -Tue12 (Missed) Tue18 Wed00 Wed06");
}

#[test]
fn section_2_1_an_edit_before_the_first_run_keeps_the_first_run() {
    let mut runner = Runner::new("Mon", "6h");
    runner.run_until("Mon00:03");
    runner.timing.frequency = "1h".parse().unwrap();
    runner.run_until("Mon03");
    runner.assert("Mon00 Mon01 Mon02");
}

#[test]
fn section_2_1_nothing_is_caught_up_for_the_time_a_rule_was_off() {
    let mut runner = Runner::new("Mon", "6h");
    runner.run_until("Mon18:01");
    runner.timing.enabled = false;
    runner.run_until("Thu07:20:30");
    assert_eq!(runner.state.as_ref().unwrap().enabled_since, None);
    runner.timing.enabled = true;
    runner.run_until("Fri14");
    // The window of Mon18 was to start at 18:05, when the rule was off; a new first run at enablement.
    runner.assert("Mon00 Mon06 Mon12 Thu07:20:30 Thu13:20:30 Thu19:20:30 Fri01:20:30 Fri07:20:30 Fri13:20:30");
}

#[test]
fn section_2_1_a_rule_that_is_created_off_first_runs_when_it_is_enabled() {
    let mut runner = Runner::new("Mon", "6h");
    runner.timing.enabled = false;
    runner.run_until("Tue03");
    runner.timing.enabled = true;
    runner.run_until("Tue16");
    runner.assert("Tue03 Tue09 Tue15");
}

#[test]
fn section_2_1_edited_disabled_enabled_and_stopped_within_a_week() {
    let mut runner = Runner::new("Mon00:30", "6h");
    runner.run_until("Mon13");
    runner.timing.frequency = "12h".parse().unwrap();
    runner.run_until("Tue13");
    runner.timing.enabled = false;
    runner.run_until("Tue20");
    runner.stopped_until("Wed08");
    runner.timing.enabled = true;
    runner.run_until("Thu10");
    runner.stopped_until("Sat09");
    runner.timing.frequency = "1d".parse().unwrap();
    runner.run_until("2026-03-16T00:00:00Z");
    runner.assert("Mon00:30 Mon06:30 Mon12:30 Tue00:30 Tue12:30 Wed08 Wed20 Thu08 Fri08 Sat08 Sun08");
}

#[test]
fn section_2_1_a_clock_set_forward_is_a_stop() {
    let jumped = |catch_up| {
        let mut runner = Runner::new("Mon", "6h").catching_up(catch_up);
        runner.run_until("Mon07");
        runner.set_clock("Tue13");
        runner.run_until("Wed01");
        runner
    };
    jumped(CatchUp::All).assert("Mon00 Mon06 (forward 30h) Mon12 Mon18 Tue00 Tue06 Tue12 Tue18 Wed00");
    jumped(CatchUp::Latest)
        .assert("Mon00 Mon06 (forward 30h) -Mon12 -Mon18 -Tue00 -Tue06 (Superseded) Tue12 Tue18 Wed00");
    jumped(CatchUp::None).assert("Mon00 Mon06 (forward 30h) -Mon12 -Mon18 -Tue00 -Tue06 -Tue12 (Missed) Tue18 Wed00");
}

#[test]
fn section_2_1_after_a_small_step_back_no_window_is_run_twice() {
    let mut runner = Runner::new("Mon", "6h");
    runner.run_until("Mon12:06");
    runner.set_clock("Mon11:58");
    runner.run_until("Mon23:50");
    runner.set_clock("Mon18:30");
    runner.run_until("Tue07");
    runner.assert("Mon00 Mon06 Mon12 (back 8m) Mon18 (back 5h 20m) Tue00 Tue06");
}

#[test]
fn section_2_1_a_rule_begins_anew_when_the_clock_is_set_back_far() {
    // The clock was two days ahead. The next window, Thu06, is further off than 6 h 5 min.
    let mut runner = Runner::new("Wed", "6h");
    runner.run_until("Thu02");
    runner.set_clock("Tue02:10:20");
    runner.run_until("Tue15");
    runner.assert(
        "Wed00 Wed06 Wed12 Wed18 Thu00 (back 47h 49m 40s) (anew at Tue02:10:20 instead of Thu06) Tue02:10:20 \
         Tue08:10:20 Tue14:10:20",
    );
}

#[test]
fn section_2_1_a_rule_that_begins_anew_meets_no_window_of_before() {
    let mut runner = Runner::new("Mon", "6h");
    runner.run_until("Wed02");
    runner.set_clock("Mon12");
    runner.run_until("Tue01");
    runner.assert(
        "Mon00 Mon06 Mon12 Mon18 Tue00 Tue06 Tue12 Tue18 Wed00 (back 38h) (anew at Mon12:00:01 instead of Wed06) \
         Mon12:00:01 Mon18:00:01 Tue00:00:01",
    );
}

#[test]
fn section_2_1_one_frequency_and_delay_ahead_is_still_waited_for() {
    let timing =
        RuleTiming { cadence: Cadence::Scheduled, frequency: Duration::from_hours(6), start_time: None, enabled: true };
    let mut state = ScheduleState::new(&timing, time("Tue"));
    state.settle(time("Tue"));
    let plan_at = |now: &str| {
        let now = time(now);
        plan(&timing, Some(&state), Look { now, since: now }, &ScheduleSettings::default())
    };
    assert_eq!(plan_at("Mon23:55").reanchored, None);
    assert_eq!(plan_at("Mon23:55").next, Some(time("Tue06:05")));
    let anew = plan_at("Mon23:54:59").reanchored.unwrap();
    assert_eq!((anew.expected, anew.anchor), (time("Tue06"), time("Mon23:54:59")));
}

#[test]
fn section_9_nrt_rules_run_every_minute_two_minutes_later() {
    let mut runner = Runner::new("Mon08:00:30", "1m");
    runner.timing.cadence = Cadence::Nrt;
    runner.run_until("Mon08:05");
    runner.stopped_until("Mon08:09");
    runner.run_until("Mon08:11");
    runner.assert(
        "Mon08:00:30 Mon08:01:30 Mon08:02:30 Mon08:03:30 Mon08:04:30 Mon08:05:30 Mon08:06:30 Mon08:07:30 Mon08:08:30",
    );
    assert_eq!(
        runner.starts.join(" "),
        "Mon08:02:30 Mon08:03:30 Mon08:04:30 Mon08:09 Mon08:09 Mon08:09 Mon08:09 Mon08:09:30 Mon08:10:30"
    );
}

#[test]
fn section_6_suppression_counts_from_the_alert_in_scheduled_instants() {
    let two_hours = Duration::from_hours(2);
    let alert = Some(time("Mon06"));
    for (t, suppressed) in [
        ("Mon05", false),
        ("Mon06", false),
        ("Mon06:00:01", true),
        ("Mon07", true),
        ("Mon07:59:59", true),
        ("Mon08", false),
        ("Tue", false),
    ] {
        assert_eq!(is_suppressed(time(t), alert, two_hours), suppressed, "{t}");
    }
    assert!(!is_suppressed(time("Mon07"), None, two_hours));
    assert!(!is_suppressed(time("Mon07"), alert, Duration::default()));
    assert!(is_suppressed(
        Timestamp::MAX - SignedDuration::from_nanos(1),
        Some(time("Mon")),
        Duration::from_ticks(i64::MAX)
    ));
}

#[test]
fn section_6_suppressed_windows_are_skipped_for_good_and_the_same_when_caught_up() {
    // Every window gives an alert, unless it is suppressed.
    let run = |instants: &[Timestamp], state: &mut ScheduleState| -> Vec<String> {
        let mut ran = Vec::new();
        for &t in instants {
            if !is_suppressed(t, state.last_alert, Duration::from_hours(5)) {
                ran.push(short(t));
                state.alerted(t);
            }
            state.settle(t);
        }
        ran
    };
    let timing =
        RuleTiming { cadence: Cadence::Scheduled, frequency: Duration::from_hours(2), start_time: None, enabled: true };
    let mut on_time = Vec::new();
    let mut state = ScheduleState::new(&timing, time("Mon"));
    let mut look = Look { now: time("Mon"), since: time("Mon") };
    while look.now < time("Tue") {
        let plan = plan(&timing, Some(&state), look, &ScheduleSettings::default());
        state = plan.state;
        on_time.extend(run(&plan.due.iter().collect::<Vec<_>>(), &mut state));
        look.now = plan.next.unwrap();
    }
    assert_eq!(on_time.join(" "), "Mon00 Mon06 Mon12 Mon18");
    let now = time("Tue");
    let created = ScheduleState::new(&timing, time("Mon"));
    let plan = plan(&timing, Some(&created), Look { now, since: now }, &ScheduleSettings::default());
    let mut state = plan.state;
    assert_eq!(run(&plan.due.iter().collect::<Vec<_>>(), &mut state), on_time);
    assert_eq!(state.last, Some(time("Mon22")), "what is suppressed is settled");
}
