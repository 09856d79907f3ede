//! Dates in headers.

use tfjs_artifacts::DateSaved;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// From that of 1970-01-01 on.
const WEEKDAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];

/// The parts of a date, as they stand there.
struct Parts<'a> {
    weekday: &'a str,
    /// Whether the weekday has its whole name, and the year two digits.
    is_long: bool,
    day: &'a str,
    month: &'a str,
    year: &'a str,
    time: &'a str,
}

/// The seconds since 1970 of an HTTP date, in any of the three forms of RFC 9110.
pub(crate) fn parse_http_date(text: &str) -> Option<u64> {
    let (weekday, rest) = text.trim_ascii().split_once(' ')?;
    let parts = weekday.strip_suffix(',').map_or_else(|| c_date(weekday, rest), |weekday| gmt_date(weekday, rest))?;
    let Parts { weekday, is_long, day, month, year, time } = parts;
    let month = 1 + MONTHS.iter().position(|known| *known == month)?;
    let century = match year.parse::<u32>().ok()? {
        0..70 if is_long => "20",
        70..100 if is_long => "19",
        1970..10_000 if !is_long => "",
        _ => return None,
    };
    if time.len() != 8 || time.ends_with("60") {
        return None;
    }
    let date: DateSaved = format!("{century}{year}-{month:02}-{day:0>2}T{time}Z").parse().ok()?;
    let seconds = date.unix_millis() / 1000;
    let known = WEEKDAYS.get(usize::try_from(seconds / 86_400 % 7).ok()?)?;
    let is_known = if is_long { weekday == *known } else { known.get(..3) == Some(weekday) };
    is_known.then_some(seconds)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` or `Sunday, 06-Nov-94 08:49:37 GMT`, without the comma.
fn gmt_date<'a>(weekday: &'a str, rest: &'a str) -> Option<Parts<'a>> {
    let (date, time) = rest.strip_suffix(" GMT")?.rsplit_once(' ')?;
    let is_long = date.contains('-');
    let (day, date) = date.split_once(if is_long { '-' } else { ' ' })?;
    let (month, year) = date.split_once(if is_long { '-' } else { ' ' })?;
    (day.len() == 2).then_some(Parts { weekday, is_long, day, month, year, time })
}

/// `Sun Nov  6 08:49:37 1994`, as C prints it.
fn c_date<'a>(weekday: &'a str, rest: &'a str) -> Option<Parts<'a>> {
    let (month, rest) = rest.split_once(' ')?;
    let (day, rest) = rest.split_at_checked(2)?;
    let (time, year) = rest.strip_prefix(' ')?.split_once(' ')?;
    Some(Parts { weekday, is_long: false, day: day.trim_ascii_start(), month, year, time })
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::parse_http_date;

    #[test]
    fn dates() {
        assert_eq!(parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(parse_http_date("Sun Nov  6 08:49:37 1994"), Some(784_111_777));
        assert_eq!(parse_http_date("Thu, 29 Feb 2024 23:59:59 GMT"), Some(1_709_251_199));
        for bad in ["", "Sun, 06 Nov 1994", "x, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 99:49:37 GMT"] {
            assert_eq!(parse_http_date(bad), None, "{bad}");
        }
    }

    /// As for the crate httpdate, which takes anything for the space between the date and the time of the second form.
    fn check(text: &str) {
        let date = httpdate::parse_http_date(text).ok();
        let date = date.filter(|_| !text.contains("-Nov-") || text.trim().matches(' ').count() == 3);
        let expected = date.and_then(|date| date.duration_since(UNIX_EPOCH).ok()).map(|since| since.as_secs());
        assert_eq!(parse_http_date(text), expected, "{text:?}");
    }

    #[test]
    fn nothing_else_is_a_date() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Monday, 06-Nov-23 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Wed Nov 16 08:49:37 1994",
            "Sat, 31 Dec 9999 23:59:59 GMT",
            "Fri, 31 Dec 9999 23:59:59 GMT",
        ] {
            for (place, c) in text.char_indices() {
                let (before, rest) = text.split_at(place);
                let after = rest.split_at(c.len_utf8()).1;
                for other in "0 1 2 3 6 9 - + , : . T Z G a Sun é".split(' ').chain(["", " "]) {
                    check(&format!("{before}{other}{after}"));
                    check(&format!("{before}{other}{rest}"));
                }
                check(before);
                check(rest);
            }
        }
    }
}
