//! `dateSaved`: a moment in milliseconds, as JavaScript's `Date` has it.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use web_time::{SystemTime as Clock, UNIX_EPOCH as CLOCK_START};

use crate::{Error, ErrorKind};

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

impl From<DateError> for Error {
    fn from(error: DateError) -> Self {
        Self::new(ErrorKind::InvalidData, error.to_string())
    }
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
        let (seconds, millis) = (self.unix_millis / 1000, self.unix_millis % 1000);
        let (year, month, day) = date_of(seconds / DAY);
        let (hour, minute, second) = (seconds % DAY / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

impl FromStr for DateSaved {
    type Err = DateError;

    /// Reads what `Display` prints, with any number of digits after the second or none, and with `+00:00` for the `Z`.
    fn from_str(text: &str) -> Result<Self, DateError> {
        let unix_millis = unix_millis(text).ok_or_else(|| DateError { text: text.to_owned() })?;
        Ok(Self::from_unix_millis(unix_millis))
    }
}

/// The seconds of a day.
const DAY: u64 = 86_400;

fn unix_millis(text: &str) -> Option<u64> {
    let text = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00"))?;
    let form = "0000-00-00T00:00:00";
    let (time, fraction) = text.split_at_checked(form.len())?;
    let mut numbers = [0; 6];
    let mut places = numbers.iter_mut();
    let mut number = places.next()?;
    for (byte, expected) in time.bytes().zip(form.bytes()) {
        match (expected, byte) {
            (b'0', b'0'..=b'9') => *number = *number * 10 + u64::from(byte - b'0'),
            (b'0', _) => return None,
            _ if byte == expected => number = places.next()?,
            _ => return None,
        }
    }
    let [year, month, day, hour, minute, second] = numbers;
    let days = days_until(year, month, day)?;
    // The second that is inserted now and then has no number of its own.
    let is_time = hour < 24 && minute < 60 && second <= 60;
    let seconds = days * DAY + hour * 3600 + minute * 60 + second.min(59);
    is_time.then_some(seconds * 1000 + millis(fraction)?)
}

/// The milliseconds of what follows a second.
fn millis(fraction: &str) -> Option<u64> {
    let digits = if fraction.is_empty() { fraction } else { fraction.strip_prefix('.')? };
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let first = digits.bytes().chain(*b"000").take(3);
    is_number.then(|| first.fold(0, |millis, digit| millis * 10 + u64::from(digit - b'0')))
}

/// The days of 400 years, after which the calendar begins anew.
const DAYS_OF_AN_ERA: u64 = 146_097;

/// The days from March 1 of the year 0 to 1970. Years that begin in March have their leap day at the end.
const DAYS_TO_1970: u64 = 719_468;

/// The days from 1970 to a date, if there is such a date.
fn days_until(year: u64, month: u64, day: u64) -> Option<u64> {
    let from_march = (month + 9) % 12;
    let years = year.checked_sub(u64::from(from_march >= 10))?;
    let day_of_year = (153 * from_march + 2) / 5 + day.checked_sub(1)?;
    let days = years * 365 + years / 4 - years / 100 + years / 400 + day_of_year;
    let days = days.checked_sub(DAYS_TO_1970)?;
    (date_of(days) == (year, month, day)).then_some(days)
}

/// Year, month and day after so many days from 1970.
fn date_of(days: u64) -> (u64, u64, u64) {
    let days = days + DAYS_TO_1970;
    let day = days % DAYS_OF_AN_ERA;
    let years = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (years * 365 + years / 4 - years / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let year = days / DAYS_OF_AN_ERA * 400 + years + u64::from(from_march >= 10);
    (year, (from_march + 2) % 12 + 1, day)
}

impl serde::Serialize for DateSaved {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text is a date if it is one for the crate humantime, which does not look at what comes between two `Z`.
    fn check(text: &str) {
        let expected = humantime::parse_rfc3339(text).ok().map(DateSaved::from_system_time);
        let expected = expected.filter(|_| text.matches('Z').count() < 2);
        assert_eq!(text.parse::<DateSaved>().ok(), expected, "{text}");
    }

    #[test]
    fn every_day_until_the_year_9999() {
        for day in 0..=LAST_MILLI / 1000 / DAY {
            let date = DateSaved::from_unix_millis(day * DAY * 1000 + day * 7919 % (DAY * 1000));
            let time = SystemTime::UNIX_EPOCH + Duration::from_millis(date.unix_millis());
            let text = date.to_string();
            assert_eq!(text, humantime::format_rfc3339_millis(time).to_string());
            assert_eq!(text.parse(), Ok(date));
        }
        assert_eq!(DateSaved::from_unix_millis(u64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn no_other_days() {
        for year in ["0000", "1900", "1969", "1970", "2000", "2024", "2026", "2100", "9999"] {
            for month in 0..14 {
                for day in 0..33 {
                    check(&format!("{year}-{month:02}-{day:02}T00:00:00Z"));
                }
            }
        }
    }

    #[test]
    fn no_other_texts() {
        let text = "2026-11-23T14:30:19.064Z";
        for (place, _) in text.char_indices() {
            let (before, rest) = text.split_at(place);
            let after = &rest[1..];
            for other in "0 5 9 + - . : T Z é".split(' ').chain([""]) {
                check(&format!("{before}{other}{after}"));
                check(&format!("{before}{other}{rest}"));
            }
            check(before);
            check(&format!("{before}Z"));
            check(&format!("{before}+00:00"));
        }
        for seconds in 0..100 {
            check(&format!("2026-11-23T14:30:{seconds:02}.0649999+00:00"));
            check(&format!("2026-11-23T{seconds:02}:30:00.1Z"));
            check(&format!("2026-11-23T14:{seconds:02}:00.12Z"));
        }
    }
}
