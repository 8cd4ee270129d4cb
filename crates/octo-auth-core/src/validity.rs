//! How long a token may be served, and from when its renewal is due. Values are whole milliseconds, rounded
//! once, and saturating.
//!
//! | | formula | 1440 s | 3599 s | 24 h |
//! |---|---|---|---|---|
//! | guard: margin for transit, served only before `hard - guard` | min(10 s, L/10) | 10 s | 10 s | 10 s |
//! | lead | min(max(L/5, 30 s), 900 s, L/2) | 288 s | 719.8 s | 900 s |
//! | jitter, `u` in [0, 1) drawn once per generation | u * min(L/10, 300 s) | 0-144 s | 0-300 s | 0-300 s |
//! | soft: from here a renewal is due | hard - floor(lead + jitter) | | | |
//!
//! L is the lifetime, counted from the moment the request was sent. A server's hint and a configured lead
//! move soft between `issued + 0.4 L` and `hard - guard`. All moments are ages since issue, because an age
//! can be measured by two clocks, of which the larger value counts.

use std::time::Duration;

use crate::time::{Now, Timestamp};
use crate::token::LONGEST_LIFETIME;

/// The age from which the renewal of a token with unknown lifetime is due.
pub(crate) const UNKNOWN_SOFT: Duration = Duration::from_secs(15 * 60);

/// If the wall clock is further than this before a token's issue, the token counts as stale, in milliseconds.
const WALL_BEFORE_ISSUE: i64 = -60_000;

/// Whether a token can be served, and whether its renewal is due. Ordered by urgency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Freshness {
    /// The token can be served, and no renewal is due.
    Fresh,
    /// The token can be served, and a renewal is due.
    Stale,
    /// The token must not be served.
    Expired,
}

/// How early a token is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lead {
    /// By the formula at [`Validity`].
    #[default]
    Automatic,
    /// This duration before the token expires, but not before 0.4 of the lifetime.
    Fixed(Duration),
    /// Only when the token can no longer be served.
    OnlyWhenExpired,
}

/// When a token may be served and when its renewal is due.
///
/// Ages are whole milliseconds since the token's issue, and L is the token's lifetime.
///
/// - A token is served while its age is below [`Validity::served_until_age`], which is L minus min(10 s,
///   L/10).
/// - With [`Lead::Automatic`] its renewal is due min(max(L/5, 30 s), 900 s, L/2) before its end.
///   [Jitter](ValidityTerms::jitter) makes it due up to min(L/10, 300 s) earlier.
/// - A hint of the server can only make it earlier. It is never due before 0.4 L.
/// - If L is unknown, it is due at 15 min, or at an earlier hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    issued: Now,
    /// The age by the wall clock at `issued.boot`, from which the boot clock continues.
    aged: u64,
    lifetime: Age,
    soft: Age,
    end: Age,
}

/// An age in milliseconds, or none. It is packed into one word, because each account has three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Age(u64);

impl Age {
    const NONE: Self = Self(u64::MAX);

    fn get(self) -> Option<u64> {
        (self != Self::NONE).then_some(self.0)
    }
}

/// The inputs for a token's validity, besides the moment of its issue.
#[derive(Debug, Clone, Copy, Default)]
pub struct ValidityTerms {
    /// The lifetime, counted from issue; `None` if unknown, which does not mean "for ever". Limited to ten
    /// years.
    pub lifetime: Option<Duration>,
    /// The server's hint when to renew, counted from issue. It can only make the renewal earlier.
    pub hint: Option<Duration>,
    /// How early to renew.
    pub lead: Lead,
    /// A random fraction of one in units of 2^-32, drawn once per token. It spreads the renewals of many
    /// tokens.
    pub jitter: u32,
}

impl Validity {
    /// Returns the validity of a token that was issued (its request was sent) at a moment of both clocks.
    #[must_use]
    pub fn new(issued: Now, terms: &ValidityTerms) -> Self {
        Self::seen(issued.wall, issued, terms)
    }

    /// Returns the validity of a token that was issued at a moment of the wall clock and is first seen now.
    /// Its age now is by the wall clock, and continues from there by both clocks.
    pub(crate) fn seen(issued_at: Timestamp, now: Now, terms: &ValidityTerms) -> Self {
        let issued = Now { wall: issued_at, boot: now.boot };
        let aged = millis(now.wall.saturating_since(issued_at));
        let hint = terms.hint.map(millis);
        let Some(lifetime) = terms.lifetime.map(|lifetime| millis(lifetime.min(LONGEST_LIFETIME))) else {
            let soft = hint.unwrap_or(u64::MAX).min(millis(UNKNOWN_SOFT));
            return Self { issued, aged, lifetime: Age::NONE, soft: Age(soft), end: Age::NONE };
        };
        // In tenths of a millisecond, a fifth, a half and a tenth of the lifetime are integers.
        let guard = lifetime.min(100_000);
        let end = (10 * lifetime - guard).div_ceil(10);
        let earliest = (4 * lifetime).div_ceil(10);
        let jitter = (u128::from(terms.jitter) * u128::from(lifetime.min(3_000_000))) >> 32;
        let jitter = u64::try_from(jitter).unwrap_or(0);
        let lead = match terms.lead {
            Lead::Automatic => Some((2 * lifetime).clamp(300_000, 9_000_000).min(5 * lifetime)),
            Lead::Fixed(lead) => Some(millis(lead).saturating_mul(10)),
            Lead::OnlyWhenExpired => None,
        };
        let soft = lead.map_or(end, |lead| lifetime.saturating_sub(lead.saturating_add(jitter) / 10));
        let soft = hint.map_or(soft, |hint| soft.min(hint)).max(earliest).min(end);
        Self { issued, aged, lifetime: Age(lifetime), soft: Age(soft), end: Age(end) }
    }

    /// Returns when the token was issued, by both clocks of this process. For a token loaded from a store,
    /// the boot clock's value is the moment of loading. The age that the wall clock showed then is added to
    /// its age.
    #[must_use]
    pub fn issued(&self) -> Now {
        self.issued
    }

    /// Returns the age at which the token expires; `None` if unknown.
    #[must_use]
    pub fn lifetime(&self) -> Option<Duration> {
        self.lifetime.get().map(Duration::from_millis)
    }

    /// Returns the age from which a renewal is due.
    #[must_use]
    pub fn renewal_due_age(&self) -> Option<Duration> {
        self.soft.get().map(Duration::from_millis)
    }

    /// Returns the age from which the token is not served; `None` if its lifetime is unknown.
    #[must_use]
    pub fn served_until_age(&self) -> Option<Duration> {
        self.end.get().map(Duration::from_millis)
    }

    /// Returns the larger of the ages by both clocks. The boot clock is never stepped, and the wall clock
    /// covers the time before this process.
    #[must_use]
    pub fn age(&self, now: Now) -> Duration {
        Duration::from_millis(self.age_millis(now))
    }

    /// Returns whether the token can be served now, and whether its renewal is due.
    ///
    /// If the wall clock is more than 60 s before the issue, the token is stale: one of the two clocks is
    /// wrong.
    #[must_use]
    pub fn freshness(&self, now: Now) -> Freshness {
        let age = self.age_millis(now);
        if self.end.get().is_some_and(|end| age >= end) {
            Freshness::Expired
        } else if self.soft.get().is_some_and(|soft| age >= soft) || self.wall_age(now) < WALL_BEFORE_ISSUE {
            Freshness::Stale
        } else {
            Freshness::Fresh
        }
    }

    /// Returns the moment on the boot clock at which the freshness changes next, if both clocks run normally.
    /// It is always after now.
    pub(crate) fn next_change(&self, now: Now) -> Option<Duration> {
        let age = self.age_millis(now);
        let ahead = |at: u64| at.checked_sub(age).filter(|left| *left > 0);
        let recovery = WALL_BEFORE_ISSUE.saturating_sub(self.wall_age(now));
        let recovery = u64::try_from(recovery).ok().filter(|left| *left > 0);
        let next = [self.soft.get().and_then(ahead), self.end.get().and_then(ahead), recovery]
            .into_iter()
            .flatten()
            .min()?;
        Some(now.boot.saturating_add(Duration::from_millis(next)))
    }

    /// Returns the moment on the boot clock from which the token is not served, if both clocks run normally.
    pub(crate) fn end_on_boot(&self, now: Now) -> Option<Duration> {
        let left = self.end.get()?.saturating_sub(self.age_millis(now));
        Some(now.boot.saturating_add(Duration::from_millis(left)))
    }

    fn wall_age(&self, now: Now) -> i64 {
        now.wall.millis_after(self.issued.wall)
    }

    fn age_millis(&self, now: Now) -> u64 {
        let by_boot = self.aged.saturating_add(millis(now.boot.saturating_sub(self.issued.boot)));
        u64::try_from(self.wall_age(now)).unwrap_or(0).max(by_boot)
    }

    /// Returns the earliest and the latest wall time between which nothing changes by the wall clock alone.
    pub(crate) fn steady_wall(&self, now: Now) -> (Timestamp, Timestamp) {
        let age = self.age_millis(now);
        let next = [self.soft.get(), self.end.get()].into_iter().flatten().filter(|at| *at > age).min();
        let far = next.map_or(i64::MAX, |at| i64::try_from(at).unwrap_or(i64::MAX));
        let first = self.issued.wall.shifted(WALL_BEFORE_ISSUE);
        if self.wall_age(now) < WALL_BEFORE_ISSUE {
            return (Timestamp::from_unix_millis(i64::MIN), first);
        }
        (first, self.issued.wall.shifted(far))
    }
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
