//! Wrong rules for the time of a refresh. Each violates its invariant, which shows that the properties detect errors.

use std::time::Duration;

use octo_auth_core::{Freshness, ValidityTerms};
use octo_auth_testkit::invariants::{by_validity, renewal_rule};
use octo_auth_testkit::strategies::cases;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

/// A rule, and the invariant that it violates.
type Wrong = (&'static str, fn(&ValidityTerms, Duration) -> Freshness);

const SECOND: Duration = Duration::from_secs(1);

const WRONGS: [Wrong; 9] = [
    // No margin for the duration of the request.
    ("I01", |terms, age| {
        let is_alive = terms.lifetime.is_none_or(|life| age < life);
        if is_alive { by_validity(terms, age).min(Freshness::Stale) } else { Freshness::Expired }
    }),
    // One second is missing at the end of every lifetime.
    ("I01", |terms, age| by_validity(terms, age.saturating_sub(SECOND))),
    // A missing or zero lifetime means for ever.
    ("I01", |terms, age| {
        let is_zero = terms.lifetime.is_some_and(|life| life.is_zero());
        if is_zero { Freshness::Fresh } else { by_validity(terms, age) }
    }),
    // Every other hour the token is fresh again.
    ("I09", |terms, age| {
        let is_odd = terms.lifetime.is_none() && age.as_secs() / 3600 % 2 == 1;
        if is_odd { Freshness::Fresh } else { by_validity(terms, age) }
    }),
    // A token that lives longer than an hour is refreshed at once.
    ("I10", |terms, age| {
        let is_long = terms.lifetime.is_some_and(|life| life > 3600 * SECOND);
        if is_long { by_validity(terms, age).max(Freshness::Stale) } else { by_validity(terms, age) }
    }),
    // A token is refreshed as soon as it exists.
    ("I11", |terms, age| by_validity(terms, age).max(Freshness::Stale)),
    // A lead of five minutes, however short the lifetime.
    ("I11", |terms, age| {
        let is_due = terms.lifetime.is_some_and(|life| age + 300 * SECOND >= life);
        if is_due { by_validity(terms, age).max(Freshness::Stale) } else { by_validity(terms, age) }
    }),
    // Jitter is added instead of subtracted.
    ("I12", |terms, age| by_validity(&ValidityTerms { jitter: u32::MAX - terms.jitter, ..*terms }, age)),
    // The hint replaces the rule.
    ("I13", |terms, age| {
        let is_due = terms.hint.map(|hint| if age < hint { Freshness::Fresh } else { Freshness::Stale });
        let is_over = by_validity(terms, age) == Freshness::Expired;
        is_due.filter(|_| !is_over).unwrap_or_else(|| by_validity(terms, age))
    }),
];

#[test]
fn a_wrong_rule_contradicts_its_invariant() {
    for ((invariant, rule), number) in WRONGS.iter().zip(1..) {
        let mut runner = TestRunner::deterministic();
        let mut contradicts = || {
            let tree = cases().new_tree(&mut runner);
            let case = tree.expect("no case is ruled out").current();
            renewal_rule(rule, &case).is_err_and(|violation| violation.invariant == *invariant)
        };
        assert!((0..4096).any(|_| contradicts()), "rule {number} contradicts {invariant}");
    }
}
