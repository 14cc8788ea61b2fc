//! Ending work that computes for long without a pause.
//!
//! Whoever runs a query sets a stop around the work ([`during`]); loops over many rows ask [`check`] now and then. A thread
//! without a stop is never interrupted.

use std::cell::RefCell;
use std::sync::Arc;

use crate::EvalError;

/// Tells whether work should end.
pub trait Stop: Send + Sync {
    /// Why work should end, in the words that the user sees; `None` while it should go on.
    fn reason(&self) -> Option<String>;
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<dyn Stop>>> = const { RefCell::new(None) };
}

/// Does `work` under a stop. What was set before holds again afterwards, also after a panic.
pub fn during<T>(stop: Arc<dyn Stop>, work: impl FnOnce() -> T) -> T {
    struct Restore(Option<Arc<dyn Stop>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.with(|current| current.replace(self.0.take()));
        }
    }
    let _restore = Restore(CURRENT.with(|current| current.replace(Some(stop))));
    work()
}

/// An error once the work of this thread should end. Cheap enough for every hundredth row.
pub fn check() -> Result<(), EvalError> {
    let reason = CURRENT.with(|current| current.borrow().as_ref().and_then(|stop| stop.reason()));
    reason.map_or(Ok(()), |reason| Err(EvalError(reason)))
}

/// Steps of a loop between two questions.
const OFTEN: usize = 1024;

/// [`check`] at the first step of a loop and every thousandth or so.
pub fn check_at(step: usize) -> Result<(), EvalError> {
    if step.is_multiple_of(OFTEN) { check() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Now;

    impl Stop for Now {
        fn reason(&self) -> Option<String> {
            Some("stopped".to_string())
        }
    }

    #[test]
    fn a_stop_holds_for_its_work_only() {
        assert_eq!(check(), Ok(()));
        let inside = during(Arc::new(Now), check);
        assert_eq!(inside, Err(EvalError("stopped".to_string())));
        assert_eq!(check(), Ok(()));
    }

    #[test]
    fn loops_ask_now_and_then() {
        let asked = |step: usize| during(Arc::new(Now), || check_at(step)).is_err();
        assert_eq!([0, 1, 1023, 1024, 1025].map(asked), [true, false, false, true, false]);
    }
}
