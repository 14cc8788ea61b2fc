//! Whether somebody was looking all the time.

use jiff::{SignedDuration, Timestamp};

/// A runner looks at least this often, though nothing be due.
pub const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(30);
/// [I] Two looks that lie further apart have a break between them: the machine slept, or the clock was set forward.
const BREAK: SignedDuration = SignedDuration::from_secs(90);

/// A look at the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// The present.
    pub now: Timestamp,
    /// Since when somebody has been looking without a break. Runs that should have started before were missed.
    pub since: Timestamp,
}

/// A clock that did not go on as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jump {
    /// So much time passed since the last look: a suspension, or a clock that was set forward.
    Forward(SignedDuration),
    /// The clock was set back by so much.
    Back(SignedDuration),
}

/// Follows the looks of a runner.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    last: Look,
}

impl Watch {
    /// A runner starts.
    pub const fn start(now: Timestamp) -> Watch {
        Watch { last: Look { now, since: now } }
    }

    /// The runner looks at the clock.
    pub fn look(&mut self, now: Timestamp) -> (Look, Option<Jump>) {
        let passed = now.duration_since(self.last.now);
        let (since, jump) = if passed > BREAK {
            (now, Some(Jump::Forward(passed)))
        } else if passed.is_negative() {
            (self.last.since.min(now), Some(Jump::Back(-passed)))
        } else {
            (self.last.since, None)
        };
        self.last = Look { now, since };
        (self.last, jump)
    }

    /// The runner has worked until now, on what it found at its last look: that is no break.
    pub fn worked(&mut self, now: Timestamp) {
        self.last.now = self.last.now.max(now);
    }

    /// When to look again, where nothing is to be done before `next`.
    pub fn wake(&self, next: Option<Timestamp>) -> Timestamp {
        let latest = self.last.now.checked_add(LOOK_EVERY).unwrap_or(Timestamp::MAX);
        next.map_or(latest, |next| next.min(latest))
    }
}
