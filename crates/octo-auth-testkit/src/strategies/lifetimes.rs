//! Times and durations, and the settings of renewals.

use std::time::Duration;

use octo_auth_core::{LONGEST_LIFETIME, Lead, Now, Policy, Timestamp, ValidityTerms};
use proptest::prelude::*;

/// Generates any time of a wall clock, including the ends of its range and the years after 1970.
pub fn timestamps() -> impl Strategy<Value = Timestamp> {
    let millis = prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), 0..4_000_000_000_000_i64];
    millis.prop_map(Timestamp::from_unix_millis)
}

/// Generates any reading of the two clocks, including the ends of their ranges.
pub fn moments() -> impl Strategy<Value = Now> {
    let boot = prop_oneof![
        any::<u64>().prop_map(Duration::from_millis),
        Just(Duration::MAX),
        Just(Duration::ZERO),
        (0..1000_u64).prop_map(|millis| Duration::MAX.saturating_sub(Duration::from_millis(millis))),
    ];
    (timestamps(), boot).prop_map(|(wall, boot)| Now { wall, boot })
}

/// Generates a duration in whole milliseconds. Most are up to a minute and a half, or up to a day.
pub fn spans() -> impl Strategy<Value = Duration> {
    prop_oneof![
        4 => (0..100_000_u64).prop_map(Duration::from_millis),
        4 => (0..100_000_000_u64).prop_map(Duration::from_millis),
        1 => any::<u64>().prop_map(Duration::from_millis),
    ]
}

/// Generates a lifetime in whole milliseconds: up to seven weeks, with short ones as likely as long ones, and the
/// lifetimes that providers use, zero and ten years.
pub fn lives() -> impl Strategy<Value = Duration> {
    let given = [0, 1, 60, 299, 300, 1440, 3599, 3600, 86_400, 315_360_000].map(Duration::from_secs);
    prop_oneof![
        1 => prop::sample::select(given.to_vec()),
        4 => (any::<u32>(), 0..22_u32).prop_map(|(millis, shift)| Duration::from_millis((millis >> shift).into())),
    ]
}

/// Generates a lead, that is, how early tokens are renewed. Absurdly early leads are included.
pub fn leads() -> impl Strategy<Value = Lead> {
    prop_oneof![
        4 => Just(Lead::Automatic),
        2 => (0..90_000_000_u64).prop_map(|millis| Lead::Fixed(Duration::from_millis(millis))),
        1 => any::<u64>().prop_map(|millis| Lead::Fixed(Duration::from_millis(millis))),
        1 => Just(Lead::OnlyWhenExpired),
    ]
}

/// Generates validity terms: a lifetime (unknown in one of ten), a hint, a lead, and jitter.
pub fn terms() -> impl Strategy<Value = ValidityTerms> {
    (prop::option::weighted(0.9, spans()), prop::option::of(spans()), leads(), any::<u32>())
        .prop_map(|(lifetime, hint, lead, jitter)| ValidityTerms { lifetime, hint, lead, jitter })
}

/// One question to a renewal rule, and related questions whose answers must be consistent with it.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// The terms of the token. Its lifetime is at most ten years.
    pub terms: ValidityTerms,
    /// The age, often just before, at or just after a significant age.
    pub age: Duration,
    /// How much older the token is at a later time.
    pub later: Duration,
    /// How much longer another token lives.
    pub longer: Duration,
    /// Another value of jitter, in units of 2^-32.
    pub jitter: u32,
    /// A hint of the server when to renew, relative to the issue.
    pub hint: Duration,
}

/// Generates cases for [`renewal_rule`](crate::invariants::renewal_rule).
pub fn cases() -> impl Strategy<Value = Case> {
    let terms = (terms(), prop::option::of(lives())).prop_map(|(terms, life)| ValidityTerms {
        // Most lifetimes are typical of providers. The library limits a lifetime to ten years.
        lifetime: life.or(terms.lifetime).map(|life| life.min(LONGEST_LIFETIME)),
        ..terms
    });
    let ages = prop_oneof![
        4 => (0..=1200_u32).prop_map(Age::Thousandths),
        3 => (-2..=2_i8).prop_map(Age::AroundTwoFifths),
        3 => (-2..=2_i8).prop_map(Age::AroundEnd),
        1 => spans().prop_map(Age::Any),
    ];
    let more = || {
        let part = (0..=1500_u32).prop_map(Age::Thousandths);
        prop_oneof![1 => part, 1 => spans().prop_map(Age::Any)]
    };
    (terms, ages, more(), more(), any::<u32>(), more()).prop_map(
        |(terms, age, later, longer, jitter, hint)| {
            let life = terms.lifetime.unwrap_or(Duration::from_secs(900));
            let [age, later, longer, hint] = [age, later, longer, hint].map(|age| age.of(life));
            Case { terms, age, later, longer, jitter, hint }
        },
    )
}

/// An age, relative to a significant one.
#[derive(Debug, Clone, Copy)]
enum Age {
    Thousandths(u32),
    /// This many milliseconds from the earliest age at which a renewal may be due.
    AroundTwoFifths(i8),
    /// This many milliseconds from the age at which a token expires.
    AroundEnd(i8),
    Any(Duration),
}

impl Age {
    fn of(self, life: Duration) -> Duration {
        let off = |age: Duration, by: i8| match by {
            0.. => age.saturating_add(Duration::from_millis(by.unsigned_abs().into())),
            _ => age.saturating_sub(Duration::from_millis(by.unsigned_abs().into())),
        };
        let whole = |age: Duration| Duration::from_millis(u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        match self {
            Self::Thousandths(number) => whole((life / 1000).saturating_mul(number)),
            Self::AroundTwoFifths(by) => off(whole((life / 5).saturating_mul(2)), by),
            Self::AroundEnd(by) => {
                off(whole(life.saturating_sub(Duration::from_secs(10).min(life / 10))), by)
            }
            Self::Any(age) => age,
        }
    }
}

/// Generates a policy. Each setting is within its range, or left at its default.
pub fn policies() -> impl Strategy<Value = Policy> {
    let seconds = |most: u64| prop::option::of((0..=most).prop_map(Duration::from_secs));
    let settings = (seconds(86_400), seconds(3600), seconds(599), prop::option::of(1..=1000_u32));
    settings.prop_map(|(lead, wait, exchange, requests)| {
        let policy = Policy::default();
        // Values within their ranges are accepted. A rejected value would leave the policy unchanged.
        let policy = lead.and_then(|lead| policy.clone().with_lead(lead).ok()).unwrap_or(policy);
        let policy = wait.and_then(|wait| policy.clone().with_wait(wait).ok()).unwrap_or(policy);
        let exchange = exchange.map(|seconds| seconds.saturating_add(Duration::from_secs(1)));
        let with = |deadline| policy.clone().with_exchange_deadline(deadline).ok();
        let policy = exchange.and_then(with).unwrap_or_else(|| policy.clone());
        let with = |requests| policy.clone().with_request_limit(requests).ok();
        requests.and_then(with).unwrap_or_else(|| policy.clone())
    })
}
