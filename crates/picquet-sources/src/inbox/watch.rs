//! When to look into a folder.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// Wake-ups: each is a reason to look into the folder, and not more. Several that nobody waited for are one.
pub struct WakeUps {
    wake: tokio::sync::mpsc::Receiver<()>,
    /// `None` where the system does not tell of changes; the time of every poll does then.
    watcher: Option<RecommendedWatcher>,
}

impl std::fmt::Debug for WakeUps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WakeUps").field("polls_only", &self.polls_only()).finish_non_exhaustive()
    }
}

impl WakeUps {
    pub(super) fn of(folder: &Path, settle: Duration, poll: Duration) -> WakeUps {
        let (changed, changes) = mpsc::channel();
        let polls = changed.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // To read a file changes nothing.
            if event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_))) {
                let _ = changed.send(());
            }
        });
        let watcher = watcher.ok().and_then(|mut watcher| {
            watcher.watch(folder, RecursiveMode::Recursive).ok()?;
            Some(watcher)
        });
        // One wake-up in store is as good as many.
        let (wake, woken) = tokio::sync::mpsc::channel(1);
        let tell = move || {
            // Without a watcher nobody else sends; the channel must not seem to be closed.
            let _polls = polls;
            while !wake.is_closed() {
                let _ = wake.try_send(());
                if changes.recv_timeout(poll).is_ok() {
                    let _ = wake.try_send(());
                    std::thread::sleep(settle);
                    while changes.try_recv().is_ok() {}
                }
            }
        };
        // Without a thread there is only the first wake-up, and the channel ends.
        let _ = std::thread::Builder::new().name("inbox".to_string()).spawn(tell);
        WakeUps { wake: woken, watcher }
    }

    /// Whether the system does not tell of changes in the folder, so that it is only looked into from time to time.
    pub fn polls_only(&self) -> bool {
        self.watcher.is_none()
    }

    /// Waits for the next wake-up. The first comes at once. `None` where there will be no more.
    pub async fn next(&mut self) -> Option<()> {
        self.wake.recv().await
    }

    /// As [`WakeUps::next`], for threads without a runtime.
    pub fn blocking_next(&mut self) -> Option<()> {
        self.wake.blocking_recv()
    }
}
