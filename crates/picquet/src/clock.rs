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
