//! The lifetime of a token, from the members of an answer.
//!
//! A relative lifetime counts from the sending of the request, minus the time spent in caches. An absolute
//! expiry is read against the server's own clock, which extends no lifetime by more than the profile allows.
//! If an answer has both, the earlier counts. If neither can be read, the lifetime is unknown, which never
//! means "for ever".

use std::time::Duration;

use super::members::Value;
use super::{Deviation, clock};
use crate::exchange::Received;
use crate::profile::{LifetimeUnit, TokenAnswer};
use crate::time::{DateDeviation, Timestamp, parse_date};
use crate::token::LONGEST_LIFETIME;

/// The difference from which lifetime and expiry date disagree, in addition to the round trip.
const AGREEMENT: Duration = Duration::from_secs(5);

/// The resolution of the server's `Date`. An absolute expiry closer than this cannot be distinguished from
/// the past.
const DATE_GRAIN: Duration = Duration::from_secs(1);

/// A bare number below this is in seconds since 1970, and from this on in milliseconds.
const EPOCH_MILLIS_FROM: i64 = 100_000_000_000;

/// The last instant of year 9999 in milliseconds. A larger number is not treated as a time.
const LAST_MILLIS: i64 = 253_402_300_799_999;

/// The first instant of year 1 in milliseconds, the minimum date of many languages.
const FIRST_MILLIS: i64 = -62_135_596_800_000;

/// From this on, a number is in microseconds or smaller units, or meaningless, except for [`SENTINELS`].
const EPOCH_MICROS_FROM: i64 = 1_000_000_000_000_000;

/// The smallest and the largest integer of many languages. They stand for an expiry long ago and for one that
/// never comes.
const SENTINELS: [i64; 2] = [i64::MIN, i64::MAX];

/// Returns the lifetime of a token, counted from the sending of the request.
pub(super) fn lifetime(
    rules: &TokenAnswer,
    expires_in: Option<Value<'_>>,
    expires_at: Option<Value<'_>>,
    received: &Received<'_>,
    deviations: &mut Vec<Deviation>,
) -> Option<Duration> {
    let age = clock::age(received, deviations);
    let offset = clock::server_offset(received, age, deviations);
    let offset = offset.max(-i64::from(rules.clock_skew_seconds).saturating_mul(1000));
    let round_trip = received.received.wall.saturating_since(received.sent.wall);
    let relative = relative(expires_in, rules.expires_in_unit, deviations).map(|found| found.less(age));
    let absolute = absolute(expires_at, rules, offset, received.sent.wall, round_trip, deviations);
    let found = match (relative, absolute) {
        (Some(relative), Some(absolute)) => {
            if relative.0.abs_diff(absolute.0) > AGREEMENT + round_trip {
                deviations.push(Deviation::ExpiryConflict);
            }
            Some(if relative.0 <= absolute.0 { relative } else { absolute })
        }
        (found, None) | (None, found) => found,
    };
    if found.is_none()
        && !rules.expires_at.is_empty()
        && expires_at.is_none_or(|value| matches!(value, Value::Null))
    {
        deviations.push(Deviation::ExpireDateMissing);
    }
    let Lifetime(lifetime, past) = found?;
    if lifetime.is_zero() && !past.is_told() {
        deviations.push(Deviation::ExpiredOnArrival);
    }
    Some(lifetime)
}

/// Returns the server's hint when to renew. A hint outside the lifetime is ignored.
pub(super) fn renew_after(
    refresh_in: Option<Value<'_>>,
    lifetime: Option<Duration>,
    received: &Received<'_>,
    deviations: &mut Vec<Deviation>,
) -> Option<Duration> {
    let value = refresh_in.filter(|value| !matches!(value, Value::Null))?;
    let mut unreported = Vec::new();
    let age = clock::age(received, &mut unreported);
    let hint = relative(Some(value), LifetimeUnit::Seconds, &mut unreported).map(|found| found.less(age).0);
    let usable = hint.filter(|hint| !hint.is_zero() && lifetime.is_none_or(|lifetime| *hint <= lifetime));
    if usable.is_none() {
        deviations.push(Deviation::RefreshInIgnored);
    }
    usable
}

/// A lifetime, and whether a deviation already says that it is over.
#[derive(Clone, Copy)]
struct Lifetime(Duration, Past);

/// Why a lifetime is zero.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Past {
    Untold,
    Told,
}

impl Past {
    fn is_told(self) -> bool {
        self == Self::Told
    }
}

impl Lifetime {
    fn less(self, age: Duration) -> Self {
        Self(self.0.saturating_sub(age), self.1)
    }
}

fn relative(
    value: Option<Value<'_>>,
    unit: LifetimeUnit,
    deviations: &mut Vec<Deviation>,
) -> Option<Lifetime> {
    let number = match value? {
        Value::Null => return None,
        Value::Number(raw) => number(raw),
        Value::String(raw) => {
            let digits = raw.trim_matches('"');
            let whole = integer(digits);
            if whole.is_some() {
                deviations.push(Deviation::ExpiresInString);
            }
            whole
        }
        _ => None,
    };
    let Some(number) = number else {
        deviations.push(Deviation::ExpiresInInvalid);
        return None;
    };
    if number < 0 {
        deviations.push(Deviation::ExpiresInNegative);
        return Some(Lifetime(Duration::ZERO, Past::Told));
    }
    let factor = match unit {
        LifetimeUnit::Seconds => 1,
        LifetimeUnit::Minutes => 60,
    };
    let lifetime = Duration::from_secs(number.unsigned_abs().saturating_mul(factor));
    if lifetime > LONGEST_LIFETIME {
        deviations.push(Deviation::ExpiresInClamped);
    }
    Some(Lifetime(lifetime.min(LONGEST_LIFETIME), Past::Untold))
}

/// Returns a JSON number as an integer, rounded towards zero; `None` if it is infinite. It saturates, and a
/// saturated lifetime is clamped to ten years.
fn number(raw: &str) -> Option<i64> {
    integer(raw).or_else(|| {
        let float = raw.parse::<f64>().ok().filter(|float| float.is_finite())?;
        #[expect(clippy::cast_possible_truncation, reason = "whole seconds are what is wanted")]
        Some(float as i64)
    })
}

/// Parses an integer. One with too many digits counts as the largest.
fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let saturated = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    Some(text.parse().unwrap_or(saturated))
}

fn absolute(
    value: Option<Value<'_>>,
    rules: &TokenAnswer,
    server_offset: i64,
    sent: Timestamp,
    round_trip: Duration,
    deviations: &mut Vec<Deviation>,
) -> Option<Lifetime> {
    let value = value.filter(|value| !matches!(value, Value::Null))?;
    let mut told = Past::Untold;
    let Some(date) = instant(value, rules.assume_utc, &mut told, deviations) else {
        deviations.push(Deviation::ExpireDateInvalid);
        return None;
    };
    let lifetime = date.shifted(server_offset.saturating_neg()).saturating_since(sent);
    if lifetime < DATE_GRAIN + round_trip {
        return Some(Lifetime(Duration::ZERO, told));
    }
    if lifetime > LONGEST_LIFETIME {
        deviations.push(Deviation::Clamped);
    }
    Some(Lifetime(lifetime.min(LONGEST_LIFETIME), told))
}

/// Returns the instant of an absolute expiry. `told` is set if a deviation already says that it is in the
/// past.
fn instant(
    value: Value<'_>,
    assume_utc: bool,
    told: &mut Past,
    deviations: &mut Vec<Deviation>,
) -> Option<Timestamp> {
    let date = match value {
        Value::Number(raw) => epoch(moment(raw)?, told, deviations),
        value => {
            let text = value.borrowed_text()?;
            match integer(&text) {
                Some(number) if text.len() >= 9 || number <= 0 => epoch(moment(&text)?, told, deviations),
                _ => {
                    let (date, departures) = parse_date(&text, assume_utc)?;
                    deviations.extend(departures.into_iter().map(Deviation::from));
                    date
                }
            }
        }
    };
    if date.as_unix_millis() < 0 {
        *told = Past::Told;
        deviations.push(Deviation::BeforeEpoch);
    }
    Some(date)
}

/// Returns a bare number that can be an instant; `None` if it is far outside the calendar.
fn moment(raw: &str) -> Option<i64> {
    let number = match raw.parse::<i64>() {
        Ok(number) => number,
        // A number with so many digits that it saturates is not an instant.
        Err(_) => number(raw).filter(|number| !matches!(*number, i64::MIN | i64::MAX))?,
    };
    let is_instant = (FIRST_MILLIS..EPOCH_MICROS_FROM).contains(&number) || SENTINELS.contains(&number);
    is_instant.then_some(number)
}

/// Returns a bare number as an instant: seconds or milliseconds since 1970, by its size.
fn epoch(number: i64, told: &mut Past, deviations: &mut Vec<Deviation>) -> Timestamp {
    match number {
        0 => {
            *told = Past::Told;
            deviations.push(Deviation::EpochZero);
            Timestamp::from_unix_millis(0)
        }
        EPOCH_MILLIS_FROM.. => {
            if number <= LAST_MILLIS {
                deviations.push(Deviation::EpochMillis);
            }
            Timestamp::from_unix_millis(number)
        }
        1.. => {
            deviations.push(Deviation::EpochSeconds);
            Timestamp::from_unix_seconds(number)
        }
        _ => Timestamp::from_unix_millis(number),
    }
}

impl From<DateDeviation> for Deviation {
    fn from(departure: DateDeviation) -> Self {
        match departure {
            DateDeviation::SpaceSeparator => Self::SpaceSeparator,
            DateDeviation::OffsetBasic => Self::OffsetBasic,
            DateDeviation::ZoneSuffix => Self::ZoneSuffix,
            DateDeviation::AssumedUtc => Self::AssumedUtc,
            DateDeviation::SecondsMissing => Self::SecondsMissing,
            DateDeviation::LeapSecond => Self::LeapSecond,
        }
    }
}
