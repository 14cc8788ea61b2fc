//! A sign of life on standard error while work takes long.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shows `what` and the time, from one second on, if standard error is a terminal.
pub(crate) async fn during<T>(what: &str, work: impl Future<Output = T>) -> T {
    let bar = bar(1);
    bar.set_message(what.to_string());
    let result = shown(&bar, work).await;
    bar.finish_and_clear();
    result
}

/// A bar over a number of steps; hidden unless standard error is a terminal.
pub(crate) fn bar(steps: u64) -> ProgressBar {
    let target =
        if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(steps), target);
    let template = if steps > 1 { "{bar:30} {pos}/{len} {elapsed} {msg}" } else { "{spinner} {elapsed} {msg}" };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// Lets the bar move while work goes on; the first second stays quiet.
pub(crate) async fn shown<T>(bar: &ProgressBar, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        result = &mut work => return result,
        () = tokio::time::sleep(Duration::from_secs(1)) => bar.enable_steady_tick(Duration::from_millis(120)),
    }
    work.await
}
