//! When and how long to wait before another try.

use std::time::Duration;

use tfjs_artifacts::Error;
use web_time::{SystemTime, UNIX_EPOCH};

use crate::date::parse_http_date;
use crate::random::random;
use crate::response::SILENT;
use crate::timer::sleep;

/// How often a request is tried, and how long to wait in between.
///
/// Tried again are loads after connection errors, the statuses 408, 429 and 5xx (but 501 and 505), and bodies that stall or break
/// off; see the crate's documentation for saves. Silence that lasts too long twice in a row, without a byte in between, is not tried again,
/// however many attempts there are. The wait is what the server asks for with `Retry-After`, at most
/// [`max_retry_after`](Self::max_retry_after); otherwise a random time between nothing and a bound that doubles with each try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How many times a request is tried in all; 1 for no second try. 4 unless told otherwise.
    pub attempts: u32,
    /// The bound of the first wait. 250 ms unless told otherwise.
    pub initial_backoff: Duration,
    /// The bound of any wait of our own. 8 s unless told otherwise.
    pub max_backoff: Duration,
    /// The longest wait that a server can ask for. 60 s unless told otherwise.
    pub max_retry_after: Duration,
    /// Whether the wait is random below its bound, so that clients do not come back all at once; otherwise it is the bound.
    pub has_jitter: bool,
}

impl RetryPolicy {
    /// Four attempts.
    pub const fn new() -> Self {
        Self {
            attempts: 4,
            initial_backoff: Duration::from_millis(250),
            max_backoff: Duration::from_secs(8),
            max_retry_after: Duration::from_mins(1),
            has_jitter: true,
        }
    }

    /// No second try.
    pub const fn none() -> Self {
        Self { attempts: 1, ..Self::new() }
    }

    /// Says how many times a request is tried in all.
    #[must_use]
    pub const fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Says the bounds of the first wait and of any.
    #[must_use]
    pub const fn with_backoff(mut self, initial: Duration, max: Duration) -> Self {
        (self.initial_backoff, self.max_backoff) = (initial, max);
        self
    }

    /// Says the longest wait that a server can ask for.
    #[must_use]
    pub const fn with_max_retry_after(mut self, max: Duration) -> Self {
        self.max_retry_after = max;
        self
    }

    /// Waits exactly the bound.
    #[must_use]
    pub const fn without_jitter(mut self) -> Self {
        self.has_jitter = false;
        self
    }

    /// The wait after so many failures.
    fn wait(&self, failures: u32, asked: Option<Duration>) -> Duration {
        if let Some(asked) = asked {
            return asked.min(self.max_retry_after);
        }
        let doublings = failures.saturating_sub(1).min(31);
        let bound = self.initial_backoff.saturating_mul(1 << doublings).min(self.max_backoff);
        if !self.has_jitter {
            return bound;
        }
        jittered(bound, (random() >> 48) as u16)
    }
}

/// A part of a bound: all of it for the largest number. Divided first, so that no bound is too long.
fn jittered(bound: Duration, random: u16) -> Duration {
    bound / u32::from(u16::MAX) * u32::from(random)
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::new()
    }
}

/// The tries of one request.
#[derive(Debug)]
pub(crate) struct Retries {
    policy: RetryPolicy,
    failures: u32,
    /// How many of the last failures in a row were silence.
    silences: u32,
}

/// So many of them are enough: who has sent nothing for so long will hardly begin to.
const MOST_SILENCES: u32 = 2;

impl Retries {
    pub(crate) fn new(policy: RetryPolicy) -> Self {
        Self { policy, failures: 0, silences: 0 }
    }

    /// The number of the try that comes next, from 1.
    pub(crate) fn attempt(&self) -> u32 {
        self.failures.saturating_add(1)
    }

    /// Bytes have come since the last failure.
    pub(crate) fn progressed(&mut self) {
        self.silences = 0;
    }

    /// Waits before another try; returns the error if there is none.
    pub(crate) async fn after(&mut self, error: Error) -> Result<(), Error> {
        let is_worth_it = error.is_transient();
        self.after_if(is_worth_it, error).await
    }

    /// As [`after`](Self::after), for who knows better what is worth another try.
    pub(crate) async fn after_if(&mut self, is_worth_it: bool, error: Error) -> Result<(), Error> {
        self.failures = self.failures.saturating_add(1);
        // Not 408 and 504, which a server or a proxy says at once.
        self.silences = if error.message().starts_with(SILENT) { self.silences + 1 } else { 0 };
        if !is_worth_it || self.failures >= self.policy.attempts || self.silences >= MOST_SILENCES {
            return Err(error);
        }
        sleep(self.policy.wait(self.failures, error.retry_after())).await;
        Ok(())
    }
}

/// `Retry-After`: seconds, or a date.
pub(crate) fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let now = now.duration_since(UNIX_EPOCH).ok()?.as_secs();
    Some(Duration::from_secs(parse_http_date(value)?.saturating_sub(now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_770);
        assert_eq!(parse_retry_after("120", now), Some(Duration::from_mins(2)));
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(Duration::from_secs(7)));
        assert_eq!(parse_retry_after("Thu, 01 Jan 1970 00:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(parse_retry_after("soon", now), None);
    }

    #[test]
    fn waits_double_up_to_their_bound() {
        let policy = RetryPolicy::new().without_jitter();
        let waits = [1, 2, 3, 4, 5, 6, 7, 99].map(|failures| policy.wait(failures, None).as_millis());
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
        assert_eq!(policy.wait(1, Some(Duration::from_hours(1))), Duration::from_mins(1));
    }

    #[test]
    fn jitter_stays_below_the_bound() {
        let policy = RetryPolicy::new();
        let waits: Vec<_> = (0..64).map(|_| policy.wait(3, None)).collect();
        assert!(waits.iter().all(|wait| *wait <= Duration::from_secs(1)));
        assert!(waits.iter().any(|wait| wait != &waits[0]));
    }

    #[test]
    fn the_longest_bound_has_jitter_too() {
        let policy = RetryPolicy::new().with_backoff(Duration::MAX, Duration::MAX);
        assert!(policy.wait(99, None) <= Duration::MAX);
        assert!(Duration::MAX.abs_diff(jittered(Duration::MAX, u16::MAX)) < Duration::from_secs(1));
        assert_eq!(jittered(Duration::MAX, 0), Duration::ZERO);
    }
}
