//! The system's clock.

use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use picquet_detect::Clock;

/// How long to sleep at most before looking at the clock again: a timer does not go on while the machine is suspended,
/// and knows nothing of a clock that is set.
const NAP: Duration = Duration::from_secs(3);
/// Steps back below this are the usual adjustments.
const STEP_BACK: SignedDuration = SignedDuration::from_secs(1);

/// The wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep_until(&self, t: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            loop {
                let (before, started) = (self.now(), Instant::now());
                let Ok(left) = Duration::try_from(t.duration_since(before)) else { return };
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(NAP)).await;
                let expected = before.checked_add(started.elapsed()).unwrap_or(before);
                if expected.duration_since(self.now()) > STEP_BACK {
                    return;
                }
            }
        })
    }
}

/// A clock for tests of the whole program: it shows `start` at the wall time `began`, and goes `speed` times as fast.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScaledClock {
    start: Timestamp,
    speed: f64,
    began: Timestamp,
}

impl std::str::FromStr for ScaledClock {
    type Err = String;

    fn from_str(text: &str) -> Result<ScaledClock, String> {
        let wrong = || "expected START@SPEED@BEGAN, as 2026-03-14T00:00:00Z@60@2026-11-26T00:00:00Z".to_string();
        let parts: Vec<&str> = text.split('@').collect();
        let [start, speed, began] = parts.as_slice() else { return Err(wrong()) };
        let speed: f64 = speed.parse().map_err(|_| wrong())?;
        if !(speed > 0.0 && speed <= 1e6) {
            return Err(wrong());
        }
        Ok(ScaledClock {
            start: start.parse().map_err(|_| wrong())?,
            speed,
            began: began.parse().map_err(|_| wrong())?,
        })
    }
}

impl Clock for ScaledClock {
    fn now(&self) -> Timestamp {
        let passed = Timestamp::now().duration_since(self.began).as_secs_f64() * self.speed;
        let passed = SignedDuration::try_from_secs_f64(passed).unwrap_or(SignedDuration::ZERO);
        self.start.checked_add(passed).unwrap_or(Timestamp::MAX)
    }

    fn sleep_until(&self, t: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            loop {
                let left = t.duration_since(self.now()).as_secs_f64() / self.speed;
                if left <= 0.0 {
                    return;
                }
                tokio::time::sleep(Duration::from_secs_f64(left).min(NAP)).await;
            }
        })
    }
}
