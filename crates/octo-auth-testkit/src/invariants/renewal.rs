//! Invariants of the time of renewal, for a [`Validity`] and for any renewal rule.
//!
//! A rule is a function of what is known of a token and of its age. Its guard is the margin before the end of a
//! lifetime L in which the token is not served any more, because it may expire on its way: min(10 s, L/10).

use std::time::Duration;

use octo_auth_core::{Freshness, LONGEST_LIFETIME, Now, Validity, ValidityTerms};

use super::{Violation, unless};
use crate::moment;
use crate::strategies::Case;

/// The rule of octo-auth itself: that of [`Validity`], with the lead of the terms.
#[must_use]
pub fn by_validity(terms: &ValidityTerms, age: Duration) -> Freshness {
    let issued = moment::start();
    let now = Now { wall: issued.wall.saturating_add(age), boot: issued.boot.saturating_add(age) };
    Validity::new(issued, terms).freshness(now)
}

/// Checks all invariants of a renewal rule in one case.
///
/// - I01: A token with lifetime L is not served within the guard before its end, min(10 s, L/10).
/// - I09: An older token is never less urgent.
/// - I10: A token with a longer lifetime is never more urgent.
/// - I11: No token is renewed before 0.4 of its lifetime.
/// - I12: More jitter never delays a renewal.
/// - I13: A hint of the server never delays a renewal.
///
/// # Errors
///
/// The first violation.
pub fn renewal_rule(
    rule: impl Fn(&ValidityTerms, Duration) -> Freshness,
    case: &Case,
) -> Result<(), Violation> {
    let Case { terms, age, later, longer, jitter, hint } = case;
    let (terms, age) = (terms, *age);
    let urgency = rule(terms, age);
    let said = |terms: &ValidityTerms| format!("{:?} at {age:?} of {terms:?}", rule(terms, age));
    if let Some(life) = terms.lifetime {
        let over = tenths(age) >= tenths(life).saturating_sub(guard_in_tenths(life));
        unless(!over || urgency == Freshness::Expired, "I01", || {
            format!("served within the guard: {}", said(terms))
        })?;
        let is_early = age.as_millis() * 10 < life.as_millis() * 4;
        unless(!is_early || urgency == Freshness::Fresh, "I11", || {
            format!("not fresh before 0.4 of the lifetime: {}", said(terms))
        })?;
        let longer = life.saturating_add(*longer).min(LONGEST_LIFETIME.max(life));
        let longer = ValidityTerms { lifetime: Some(longer), ..*terms };
        let eased = rule(&longer, age) <= urgency;
        unless(eased, "I10", || {
            format!("the longer life is more urgent: {}, but {}", said(terms), said(&longer))
        })?;
    }
    let then = age.saturating_add(*later);
    let grown = urgency <= rule(terms, then);
    unless(grown, "I09", || {
        format!("later is less urgent: {}, but {:?} at {then:?}", said(terms), rule(terms, then))
    })?;
    let [less, more] = [terms.jitter.min(*jitter), terms.jitter.max(*jitter)]
        .map(|jitter| ValidityTerms { jitter, ..*terms });
    let in_order = rule(&less, age) <= rule(&more, age);
    unless(in_order, "I12", || format!("more jitter is less urgent: {}, but {}", said(&less), said(&more)))?;
    let [without, with] = [None, Some(*hint)].map(|hint| ValidityTerms { hint, ..*terms });
    let in_order = rule(&without, age) <= rule(&with, age);
    unless(in_order, "I13", || format!("a hint is less urgent: {}, but {}", said(&without), said(&with)))
}

/// Checks I09: as either clock advances, a renewal only becomes more urgent. `later` must be after `earlier` by both
/// clocks, and the wall clock must not be before the issue.
///
/// # Errors
///
/// The violation.
pub fn urgency_never_falls(validity: &Validity, earlier: Now, later: Now) -> Result<(), Violation> {
    let (before, after) = (validity.freshness(earlier), validity.freshness(later));
    unless(before <= after, "I09", || format!("{before:?} became {after:?} of {validity:?}"))
}

/// Checks I10: a token whose lifetime is longer by `more` is never more urgent at the same time.
///
/// # Errors
///
/// The violation.
pub fn longer_life_is_no_more_urgent(
    issued: Now,
    terms: &ValidityTerms,
    more: Duration,
    now: Now,
) -> Result<(), Violation> {
    let Some(life) = terms.lifetime else { return Ok(()) };
    let longer = ValidityTerms { lifetime: Some(life.saturating_add(more)), ..*terms };
    let [short, long] = [terms, &longer].map(|terms| Validity::new(issued, terms).freshness(now));
    unless(long <= short, "I10", || format!("{short:?} with {life:?}, {long:?} with {more:?} more"))
}

/// Checks I11: a renewal is due not before 0.4 of the lifetime, and not after the guard before its end. An unknown
/// lifetime has no such bounds.
///
/// # Errors
///
/// The violation.
pub fn renewal_is_due_in_time(validity: &Validity) -> Result<(), Violation> {
    let (Some(life), Some(due)) = (validity.lifetime(), validity.renewal_due_age()) else {
        let is_unknown = validity.lifetime().is_none();
        return unless(is_unknown, "I11", || format!("no renewal is ever due of {validity:?}"));
    };
    let (in_tenths, guard) = (tenths(life), guard_in_tenths(life));
    // Ages are rounded to a whole millisecond, which is ten tenths.
    let in_time = tenths(due) * 10 >= in_tenths * 4 && tenths(due) < in_tenths - guard + 10;
    unless(in_time, "I11", || format!("due at {due:?} of {life:?}"))
}

/// Checks I12: more jitter never delays a renewal.
///
/// # Errors
///
/// The violation.
pub fn jitter_never_delays(issued: Now, terms: &ValidityTerms, other: u32) -> Result<(), Violation> {
    let due = |jitter| Validity::new(issued, &ValidityTerms { jitter, ..*terms }).renewal_due_age();
    let (less, more) = (due(terms.jitter.min(other)), due(terms.jitter.max(other)));
    unless(more <= less, "I12", || format!("due at {less:?} with less jitter, at {more:?} with more"))
}

/// Checks I13: a hint of the server never delays a renewal.
///
/// # Errors
///
/// The violation.
pub fn hint_never_delays(issued: Now, terms: &ValidityTerms, hint: Duration) -> Result<(), Violation> {
    let due = |hint| Validity::new(issued, &ValidityTerms { hint, ..*terms }).renewal_due_age();
    let (without, with) = (due(None), due(Some(hint)));
    unless(with <= without, "I13", || format!("due at {without:?}, with the hint at {with:?}"))
}

/// Returns a duration in tenths of a millisecond, so that a tenth of a lifetime is an integer.
fn tenths(duration: Duration) -> u128 {
    duration.as_millis() * 10
}

fn guard_in_tenths(life: Duration) -> u128 {
    life.as_millis().min(100_000)
}
