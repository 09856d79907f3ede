//! A progress bar on standard error, if that is a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tfjs_io::{Phase, Progress, ProgressSink};

/// A bar over the bytes of a copy; invisible when standard error is no terminal.
pub(crate) fn bar() -> ProgressSink {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    let template = "{bar:30} {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left, {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    ProgressSink::new(move |progress: Progress| {
        if progress.phase == Phase::Done {
            return bar.finish_and_clear();
        }
        bar.set_length(progress.total_bytes);
        bar.set_position(progress.bytes);
        bar.set_message(format!("file {} of {}", progress.shard, progress.shards));
    })
}
