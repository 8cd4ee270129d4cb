//! Dates in HTTP headers: the three forms of RFC 9110 section 5.6.7.
//!
//! The name of the weekday is parsed but not compared with the date: servers get it wrong, and the date
//! decides. A two-digit year is the year nearest to now, as the RFC requires.

use super::Timestamp;
use super::calendar::{civil_from_days, days_from_civil, days_in_month};
use super::date::Rest;

const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The longest accepted text, in bytes. The longest valid one has 33.
const LONGEST: usize = 40;

/// Parses a date of an HTTP header. `now` resolves the century of a two-digit year.
pub(crate) fn parse_http_date(text: &str, now: Timestamp) -> Option<Timestamp> {
    if text.len() > LONGEST {
        return None;
    }
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (day, rest) = text.split_at(letters);
    let long = DAYS.contains(&day);
    if !long && !DAYS.iter().any(|name| name[..3] == *day) {
        return None;
    }
    let mut rest = Rest(rest.as_bytes());
    let instant = match (rest.take()?, long) {
        (b',', false) => imf_fixdate(&mut rest)?,
        (b',', true) => rfc850(&mut rest, now)?,
        (b' ', false) => asctime(&mut rest)?,
        _ => return None,
    };
    rest.0.is_empty().then_some(instant)
}

/// Parses `Sun, 06 Nov 1994 08:49:37 GMT`, after the comma.
fn imf_fixdate(rest: &mut Rest<'_>) -> Option<Timestamp> {
    rest.expect(b' ')?;
    let day = rest.digits(2)?;
    rest.expect(b' ')?;
    let month = month(rest)?;
    rest.expect(b' ')?;
    let year = rest.digits(4)?;
    rest.expect(b' ')?;
    let seconds = time_of_day(rest)?;
    gmt(rest)?;
    instant(year, month, day, seconds)
}

/// Parses `Sunday, 06-Nov-94 08:49:37 GMT`, after the comma.
fn rfc850(rest: &mut Rest<'_>, now: Timestamp) -> Option<Timestamp> {
    rest.expect(b' ')?;
    let day = rest.digits(2)?;
    rest.expect(b'-')?;
    let month = month(rest)?;
    rest.expect(b'-')?;
    let short_year = rest.digits(2)?;
    rest.expect(b' ')?;
    let seconds = time_of_day(rest)?;
    gmt(rest)?;
    let (this_year, ..) = civil_from_days(now.as_unix_millis().div_euclid(86_400_000));
    let year = this_year - this_year.rem_euclid(100) + short_year;
    // More than 50 years ahead means the most recent year with these two digits.
    let year = if year > this_year + 50 { year - 100 } else { year };
    instant(year, month, day, seconds)
}

/// Parses `Sun Nov  6 08:49:37 1994`, after the first space.
fn asctime(rest: &mut Rest<'_>) -> Option<Timestamp> {
    let month = month(rest)?;
    rest.expect(b' ')?;
    let day = if rest.peek() == Some(b' ') {
        rest.take();
        rest.digits(1)?
    } else {
        rest.digits(2)?
    };
    rest.expect(b' ')?;
    let seconds = time_of_day(rest)?;
    rest.expect(b' ')?;
    instant(rest.digits(4)?, month, day, seconds)
}

fn month(rest: &mut Rest<'_>) -> Option<i64> {
    let (name, after) = rest.0.split_first_chunk::<3>()?;
    let index = MONTHS.iter().position(|month| *month == name)?;
    rest.0 = after;
    i64::try_from(index + 1).ok()
}

/// Parses the seconds since midnight. A leap second counts as the first second of the next minute.
fn time_of_day(rest: &mut Rest<'_>) -> Option<i64> {
    let hour = rest.digits(2)?;
    rest.expect(b':')?;
    let minute = rest.digits(2)?;
    rest.expect(b':')?;
    let second = rest.digits(2)?;
    (hour <= 23 && minute <= 59 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

fn gmt(rest: &mut Rest<'_>) -> Option<()> {
    rest.0 = rest.0.strip_prefix(b" GMT")?;
    Some(())
}

fn instant(year: i64, month: i64, day: i64, seconds: i64) -> Option<Timestamp> {
    let real = (1..=days_in_month(year, month)).contains(&day);
    real.then(|| Timestamp::from_unix_seconds(days_from_civil(year, month, day) * 86_400 + seconds))
}
