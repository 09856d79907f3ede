//! How long processors have worked for a step: unlike the time on the clock, it hardly depends on what else runs.

use std::fs;
use std::time::Duration;

/// Of a second: what Linux counts in `/proc`, on every processor.
const TICKS: u32 = 100;

/// What a line says before the seconds.
const WORDS: &str = "seconds of processors: ";

/// Of all processes that this one has started and waited for, and theirs. None where there is no `/proc`.
pub(super) fn of_children() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    in_stat(&stat)
}

/// The fields `cutime` and `cstime`, the 16th and the 17th; the second one is a name in brackets, which may have spaces.
fn in_stat(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(13).map(str::parse::<u32>);
    let (user, system) = (fields.next()?.ok()?, fields.next()?.ok()?);
    Some(Duration::from_secs(1) * user.checked_add(system)? / TICKS)
}

/// What a process tells the one that has started it.
pub(super) fn line(time: Option<Duration>) -> String {
    time.map_or_else(|| format!("{WORDS}unknown"), |time| format!("{WORDS}{:.2}", time.as_secs_f64()))
}

pub(super) fn parse(line: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(line.strip_prefix(WORDS)?.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_children_is_read() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194560 1 2 0 0 11 12 1300 250 20 0 1 0 5 6 7";
        assert_eq!(in_stat(stat), Some(Duration::from_millis(15_500)));
        assert_eq!(in_stat("7 (a) S 1"), None);
    }

    #[test]
    fn a_line_is_parsed_as_it_was_written() {
        let time = Some(Duration::from_millis(1250));
        assert_eq!(parse(&line(time)), time);
        assert_eq!(parse(&line(None)), None);
        assert_eq!(parse("=== test"), None);
    }
}
