//! Times in the headers of an answer: the server's clock, the age in caches, and the time to wait.

use std::time::Duration;

use http::header::{AGE, CACHE_CONTROL, DATE, HeaderName, RETRY_AFTER};

use super::Deviation;
use crate::exchange::Received;
use crate::time::{Timestamp, parse_http_date};

/// The difference from which the server's clock is reported as skewed.
const SKEW_MILLIS: i64 = 60_000;

/// The difference from which the server's clock is ignored.
const IMPLAUSIBLE_MILLIS: i64 = 86_400_000;

/// The longest accepted time to wait.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Returns how far the server's clock is ahead of ours, in milliseconds; zero if it is unknown or ignored.
///
/// An answer from a cache keeps the `Date` of its origin, which is as old as its `Age` (RFC 9111 section
/// 4.2.3).
pub(super) fn server_offset(received: &Received<'_>, age: Duration, deviations: &mut Vec<Deviation>) -> i64 {
    let Some(date) = one_text(received, DATE).and_then(|text| parse_http_date(text, received.received.wall))
    else {
        return 0;
    };
    let offset = date.saturating_add(age).millis_after(received.received.wall);
    if offset.saturating_abs() > IMPLAUSIBLE_MILLIS {
        deviations.push(Deviation::ServerDateImplausible);
        return 0;
    }
    if offset.saturating_abs() > SKEW_MILLIS {
        deviations.push(Deviation::ClockSkew);
    }
    offset
}

/// Returns how long the answer was in caches (RFC 9111 section 5.1).
pub(super) fn age(received: &Received<'_>, deviations: &mut Vec<Deviation>) -> Duration {
    if !received.headers.contains_key(AGE) {
        return Duration::ZERO;
    }
    let digits =
        one_text(received, AGE).map(str::trim).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    match digits.and_then(|digits| digits.parse::<u32>().ok()) {
        Some(0) => Duration::ZERO,
        Some(seconds) => {
            deviations.push(Deviation::AgeNonzero);
            Duration::from_secs(seconds.into())
        }
        None => {
            deviations.push(Deviation::AgeInvalid);
            Duration::ZERO
        }
    }
}

/// Reports an answer that allows caches to store it.
pub(super) fn cacheable(received: &Received<'_>, deviations: &mut Vec<Deviation>) {
    let invites = |value: &str| {
        value.split(',').map(|word| word.trim().to_ascii_lowercase()).any(|word| {
            word == "public"
                || word.starts_with("max-age=") && word != "max-age=0"
                || word.starts_with("s-maxage=")
        })
    };
    let values = || received.headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let forbids = values().any(|value| {
        value.as_bytes().windows("no-store".len()).any(|word| word.eq_ignore_ascii_case(b"no-store"))
    });
    if !forbids && values().any(invites) {
        deviations.push(Deviation::CacheableTokenResponse);
    }
}

/// Returns how long the server asks to wait: the longest of its `Retry-After` headers, at most an hour.
///
/// A date counts from the answer's own `Date`, so a skewed clock does not matter.
pub(crate) fn retry_after(received: &Received<'_>, deviations: &mut Vec<Deviation>) -> Option<Duration> {
    let now = received.received.wall;
    let server_now = one_text(received, DATE).and_then(|text| parse_http_date(text, now)).unwrap_or(now);
    let mut longest = None;
    for value in received.headers.get_all(RETRY_AFTER) {
        match value.to_str().ok().and_then(|text| wait(text.trim(), server_now)) {
            Some(wait) => longest = longest.max(Some(wait)),
            None => deviations.push(Deviation::RetryAfterInvalid),
        }
    }
    if longest > Some(LONGEST_WAIT) {
        deviations.push(Deviation::RetryAfterCapped);
    }
    longest.map(|wait| wait.min(LONGEST_WAIT))
}

/// Parses seconds or a date. Proxies may have joined several headers into one list (RFC 9110 section 5.3):
/// the longest wait in it counts.
fn wait(text: &str, server_now: Timestamp) -> Option<Duration> {
    let seconds = |part: &str| {
        let digits = Some(part.trim())
            .filter(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))?;
        // A number with too many digits is a very long time, which is capped anyway.
        Some(digits.parse().unwrap_or(u64::MAX))
    };
    let longest = text.split(',').map(seconds).try_fold(0, |longest, seconds| Some(longest.max(seconds?)));
    longest
        .map(Duration::from_secs)
        .or_else(|| Some(parse_http_date(text, server_now)?.saturating_since(server_now)))
}

/// Returns the header as text if it occurs exactly once and has only visible characters.
fn one_text<'a>(received: &Received<'a>, name: HeaderName) -> Option<&'a str> {
    let mut values = received.headers.get_all(name).iter();
    let first = values.next()?;
    values.next().is_none().then(|| first.to_str().ok()).flatten()
}
