//! The exact grammar of dates in answers: RFC 3339, and the deviations that providers are known for.
//!
//! A deviation is listed as a [`DateDeviation`], or the text is not a date. Nothing is guessed.

use super::Timestamp;
use super::calendar::{days_from_civil, days_in_month};

/// A tolerated deviation from RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DateDeviation {
    /// A space between date and time.
    SpaceSeparator,
    /// An offset written `+0100` or `+01`.
    OffsetBasic,
    /// A zone name in brackets at the end: `[UTC]`.
    ZoneSuffix,
    /// No zone: UTC was assumed, as the profile says.
    AssumedUtc,
    /// No seconds.
    SecondsMissing,
    /// A second of 60, which is read as the last millisecond of the minute.
    LeapSecond,
}

/// The longest accepted text, in bytes. A full date with nine fraction digits and a long zone name has fewer
/// than 80.
const LONGEST: usize = 96;

/// Parses a date. Returns the instant, with each deviation in the order found; `None` if the text is not a
/// date.
pub(crate) fn parse_date(text: &str, assume_utc: bool) -> Option<(Timestamp, Vec<DateDeviation>)> {
    if text.len() > LONGEST {
        return None;
    }
    let mut deviations = Vec::new();
    let mut rest = Rest(text.as_bytes());
    let days = date(&mut rest)?;
    match rest.take()? {
        b'T' | b't' => {}
        b' ' => deviations.push(DateDeviation::SpaceSeparator),
        _ => return None,
    }
    let millis_of_day = time(&mut rest, &mut deviations)?;
    let offset_minutes = zone(&mut rest, assume_utc, &mut deviations)?;
    let millis = days * 86_400_000 + millis_of_day - offset_minutes * 60_000;
    rest.0.is_empty().then_some((Timestamp::from_unix_millis(millis), deviations))
}

fn date(rest: &mut Rest<'_>) -> Option<i64> {
    let year = rest.digits(4)?;
    rest.expect(b'-')?;
    let month = rest.digits(2)?;
    rest.expect(b'-')?;
    let day = rest.digits(2)?;
    let real = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    real.then(|| days_from_civil(year, month, day))
}

fn time(rest: &mut Rest<'_>, deviations: &mut Vec<DateDeviation>) -> Option<i64> {
    let hour = rest.digits(2)?;
    rest.expect(b':')?;
    let minute = rest.digits(2)?;
    if hour > 23 || minute > 59 {
        return None;
    }
    let minutes = (hour * 60 + minute) * 60_000;
    if rest.peek() != Some(b':') {
        deviations.push(DateDeviation::SecondsMissing);
        return Some(minutes);
    }
    rest.take();
    let second = rest.digits(2)?;
    let millis = fraction(rest)?;
    match second {
        60 => {
            deviations.push(DateDeviation::LeapSecond);
            Some(minutes + 59_999)
        }
        0..=59 => Some(minutes + second * 1000 + millis),
        _ => None,
    }
}

/// Parses the fraction of a second, in whole milliseconds, rounded down.
fn fraction(rest: &mut Rest<'_>) -> Option<i64> {
    if rest.peek() != Some(b'.') {
        return Some(0);
    }
    rest.take();
    let digits = rest.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&digits) {
        return None;
    }
    let mut millis = 0;
    for position in 0..digits {
        let digit = rest.digits(1)?;
        if position < 3 {
            millis = millis * 10 + digit;
        }
    }
    Some(millis * [100, 10, 1][digits.min(3) - 1])
}

/// Parses the offset from UTC in minutes, with what may follow it.
fn zone(rest: &mut Rest<'_>, assume_utc: bool, deviations: &mut Vec<DateDeviation>) -> Option<i64> {
    let offset = match rest.peek() {
        None if assume_utc => {
            deviations.push(DateDeviation::AssumedUtc);
            return Some(0);
        }
        Some(b'Z' | b'z') => {
            rest.take();
            0
        }
        Some(sign @ (b'+' | b'-')) => {
            rest.take();
            let minutes = offset(rest, deviations)?;
            if sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    if rest.peek() == Some(b'[') {
        zone_name(rest)?;
        deviations.push(DateDeviation::ZoneSuffix);
    }
    Some(offset)
}

fn offset(rest: &mut Rest<'_>, deviations: &mut Vec<DateDeviation>) -> Option<i64> {
    let hours = rest.digits(2)?;
    let minutes = match rest.peek() {
        Some(b':') => {
            rest.take();
            rest.digits(2)?
        }
        Some(b'0'..=b'9') => {
            deviations.push(DateDeviation::OffsetBasic);
            rest.digits(2)?
        }
        _ => {
            deviations.push(DateDeviation::OffsetBasic);
            0
        }
    };
    (hours <= 23 && minutes <= 59).then_some(hours * 60 + minutes)
}

fn zone_name(rest: &mut Rest<'_>) -> Option<()> {
    rest.expect(b'[')?;
    let name =
        rest.0.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"/_+-".contains(byte)).count();
    if name == 0 {
        return None;
    }
    rest.0 = &rest.0[name..];
    rest.expect(b']')
}

/// The bytes that have not been parsed yet.
pub(super) struct Rest<'a>(pub(super) &'a [u8]);

impl Rest<'_> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    pub(super) fn take(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn expect(&mut self, byte: u8) -> Option<()> {
        (self.take()? == byte).then_some(())
    }

    /// Parses exactly this many ASCII digits as a number.
    pub(super) fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        self.0 = rest;
        Some(digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
    }
}
