//! `dateSaved`: a moment in milliseconds, as JavaScript's `Date` has it.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use web_time::{SystemTime as Clock, UNIX_EPOCH as CLOCK_START};

/// The moment a model was saved: milliseconds since 1970-01-01T00:00:00Z, as in JavaScript's `Date`.
///
/// Prints as `JSON.stringify(new Date())` does: ISO 8601, UTC, milliseconds.
///
/// ```
/// use tfjs_artifacts::DateSaved;
///
/// let date = DateSaved::from_unix_millis(1_795_444_219_064);
/// assert_eq!(date.to_string(), "2026-11-23T14:30:19.064Z");
/// assert_eq!("2026-11-23T14:30:19.064Z".parse(), Ok(date));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateSaved {
    unix_millis: u64,
}

/// A text that is no date.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a date such as 2026-11-23T14:30:19.064Z")]
#[non_exhaustive]
pub struct DateError {
    /// The text.
    pub text: String,
}

/// The last millisecond of the year 9999: later ones have no four-digit ISO 8601 form.
const LAST_MILLI: u64 = 253_402_300_799_999;

impl DateSaved {
    /// The present moment, also on wasm32 (where `std::time` has no clock).
    pub fn now() -> Self {
        let since_epoch = Clock::now().duration_since(CLOCK_START).unwrap_or_default();
        Self::from_duration(since_epoch)
    }

    /// From milliseconds since the Unix epoch; anything beyond the year 9999 becomes its last moment.
    pub fn from_unix_millis(unix_millis: u64) -> Self {
        Self { unix_millis: unix_millis.min(LAST_MILLI) }
    }

    /// From a file's time stamp; anything before 1970 becomes 1970.
    pub fn from_system_time(time: SystemTime) -> Self {
        Self::from_duration(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
    }

    /// Milliseconds since the Unix epoch.
    pub fn unix_millis(self) -> u64 {
        self.unix_millis
    }

    fn from_duration(since_epoch: Duration) -> Self {
        Self::from_unix_millis(u64::try_from(since_epoch.as_millis()).unwrap_or(LAST_MILLI))
    }
}

impl fmt::Display for DateSaved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(self.unix_millis);
        fmt::Display::fmt(&humantime::format_rfc3339_millis(time), f)
    }
}

impl FromStr for DateSaved {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let time = humantime::parse_rfc3339(text).map_err(|_| DateError { text: text.to_owned() })?;
        Ok(Self::from_system_time(time))
    }
}

impl serde::Serialize for DateSaved {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
