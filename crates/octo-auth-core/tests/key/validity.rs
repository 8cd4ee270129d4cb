//! When a token is due, when it expires, and how odd lifetimes are treated.

use std::time::Duration;

use octo_auth_core::{Freshness, Job, Lead, Policy, TokenSpec, Validity, ValidityTerms};
use octo_auth_testkit::machine::{Machine, ServerReply, service};
use octo_auth_testkit::moment;
use octo_auth_testkit::registration::standard;
use octo_auth_testkit::response::json;

use crate::scene::DAY;

fn validity(lifetime: u64, jitter: u32) -> Validity {
    let lifetime = Some(Duration::from_secs(lifetime));
    Validity::new(moment::start(), &ValidityTerms { lifetime, jitter, ..ValidityTerms::default() })
}

/// Returns the ages at which the token is due and expires, in milliseconds.
fn ages(validity: &Validity) -> (u128, u128) {
    let millis = |age: Option<Duration>| age.expect("it has one").as_millis();
    (millis(validity.renewal_due_age()), millis(validity.served_until_age()))
}

#[test]
fn the_ages_of_renewal_and_expiry_follow_the_formula() {
    for (lifetime, latest, earliest, end) in [
        // 1440 s: a lead of 288 s, a jitter of up to 144 s.
        (1440, 1_152_000, 1_008_001, 1_430_000),
        // 3599 s: a lead of 719.8 s, a jitter of up to 300 s.
        (3599, 2_879_200, 2_579_201, 3_589_000),
        // A day: a lead of 900 s.
        (DAY, 85_500_000, 85_200_001, 86_390_000),
        // Short lifetimes: the lead is at most half of the lifetime, and the guard a tenth of it.
        (60, 30_000, 24_001, 54_000),
        (10, 5_000, 4_001, 9_000),
        (1, 500, 401, 900),
    ] {
        assert_eq!(ages(&validity(lifetime, 0)), (latest, end), "{lifetime} s without jitter");
        let (due, _) = ages(&validity(lifetime, u32::MAX));
        assert!(due.abs_diff(earliest) <= 1, "{lifetime} s with all jitter: {due}");
    }
}

#[test]
fn serving_and_renewal_are_exact_to_the_millisecond() {
    let mut world = Machine::new(standard());
    let token = world.get(&service()).expect("a token");
    let (due, end) = ages(token.validity());
    assert!((2_580_000..=2_880_000).contains(&due), "an hour less a lead of 720 s and the jitter: {due}");
    let millis = |millis: u128| Duration::from_millis(u64::try_from(millis).expect("small"));
    world.pass(millis(due - 1));
    assert_eq!(world.decide(&service()).line, "fresh: use AT1");
    world.pass(millis(1));
    assert_eq!(world.decide(&service()).line, "stale_renewing: use AT1, send");
    world.pass(millis(end - due - 1));
    assert!(world.decide(&service()).line.contains("use AT1"));
    world.pass(millis(1));
    assert!(!world.decide(&service()).line.contains("use AT1"));
}

#[test]
fn the_jitter_spreads_the_renewals_of_many_accounts() {
    let mut world = Machine::new(standard());
    let due: std::collections::BTreeSet<u128> = (0..50)
        .map(|number| TokenSpec::account(&format!("hotel {number}")))
        .map(|key| {
            world.sign_in(&key, "RT0");
            ages(world.get(&key).expect("a token").validity()).0
        })
        .collect();
    assert!(due.len() >= 45, "50 tokens for an hour are due at {} different moments", due.len());
}

#[test]
fn a_hint_makes_a_renewal_earlier_but_not_before_two_fifths_of_the_lifetime() {
    for (hint, due) in [(0, 1440), (1000, 1440), (1800, 1800), (2000, 2000)] {
        let terms = ValidityTerms {
            lifetime: Some(Duration::from_secs(3600)),
            hint: Some(Duration::from_secs(hint)),
            ..ValidityTerms::default()
        };
        let validity = Validity::new(moment::start(), &terms);
        assert_eq!(validity.renewal_due_age(), Some(Duration::from_secs(due)), "a hint of {hint} s");
    }
    let late = ValidityTerms {
        lifetime: Some(Duration::from_secs(3600)),
        hint: Some(Duration::from_secs(3500)),
        ..ValidityTerms::default()
    };
    assert_eq!(ages(&Validity::new(moment::start(), &late)), ages(&validity(3600, 0)), "never later");
}

#[test]
fn a_lead_of_zero_renews_only_an_expired_token() {
    let policy = Policy::default().with_lead(Duration::ZERO).expect("a sound lead");
    assert_eq!(policy.lead(), Lead::OnlyWhenExpired);
    let mut world = Machine::with_policy(standard(), policy);
    let (due, end) = ages(world.get(&service()).expect("a token").validity());
    assert_eq!((due, end), (3_590_000, 3_590_000));
    world.pass_seconds(3589);
    assert_eq!(world.decide(&service()).line, "fresh: use AT1");
    world.pass_seconds(1);
    assert_eq!(world.decide(&service()).line, "expired_renewing: send");
}

#[test]
fn a_fixed_lead_counts_from_the_end_but_not_before_two_fifths_of_the_lifetime() {
    for (lead, latest) in [(600, 3000), (3600, 1440), (DAY, 1440)] {
        let policy = Policy::default().with_lead(Duration::from_secs(lead)).expect("a sound lead");
        let mut world = Machine::with_policy(standard(), policy);
        let (due, _) = ages(world.get(&service()).expect("a token").validity());
        assert!(due <= latest * 1000 && due >= 1_440_000, "{lead} s: {due}");
    }
}

#[test]
fn a_token_of_unknown_lifetime_is_due_after_15_minutes_and_does_not_expire() {
    let mut world = Machine::new(standard());
    let body = r#"{"access_token":"AT1","token_type":"Bearer"}"#;
    world.endpoint.then(ServerReply::json(200, body));
    let token = world.get(&service()).expect("a token");
    assert_eq!(token.validity().lifetime(), None);
    assert_eq!(token.validity().served_until_age(), None);
    world.pass_seconds(899);
    assert_eq!(world.decide(&service()).line, "fresh: use AT1");
    world.endpoint.always(|_| ServerReply::error(500, "server_error"));
    world.pass_seconds(1);
    assert_eq!(world.decide(&service()).line, "stale_renewing: use AT1, send");
    world.pass_seconds(DAY);
    assert_eq!(world.got(&service()), "AT1", "a failing server does not cost it");
}

#[test]
fn a_lifetime_of_zero_is_expired_on_arrival() {
    let mut world = Machine::new(standard());
    world.endpoint.always(|_| ServerReply::token("AT1", 0));
    assert_eq!(world.got(&service()), "expired_on_arrival");
    assert_eq!(validity(0, 0).freshness(moment::start()), Freshness::Expired);
}

#[test]
fn a_lifetime_is_bounded_by_ten_years() {
    for given in [10 * 365 * DAY, 20 * 365 * DAY, u64::MAX] {
        let ten = Duration::from_secs(10 * 365 * DAY);
        assert_eq!(validity(given, u32::MAX).lifetime(), Some(ten));
    }
}

#[test]
fn the_larger_age_of_both_clocks_counts() {
    let hour = validity(3600, 0);
    let mut wall_only = moment::start();
    wall_only.wall = moment::after(3600).wall;
    assert_eq!(hour.freshness(wall_only), Freshness::Expired);
    let mut boot_only = moment::start();
    boot_only.boot = moment::after(3600).boot;
    assert_eq!(hour.freshness(boot_only), Freshness::Expired);
    assert_eq!(hour.age(boot_only), Duration::from_secs(3600));
}

#[test]
fn a_wall_clock_more_than_60_s_before_the_issue_makes_a_token_stale() {
    let hour = validity(3600, 0);
    let before = |millis: u64| {
        let mut now = moment::start();
        now.wall = now.wall.saturating_sub(Duration::from_millis(millis));
        hour.freshness(now)
    };
    assert_eq!(before(60_000), Freshness::Fresh);
    assert_eq!(before(60_001), Freshness::Stale);
}

#[test]
fn the_next_change_is_after_the_moment_of_a_change() {
    let mut world = Machine::new(standard());
    let validity = *world.get(&service()).expect("a token").validity();
    let at = |age: Option<Duration>| validity.issued().boot + age.expect("it has one");
    let (soft, end) = (at(validity.renewal_due_age()), at(validity.served_until_age()));
    let next = |world: &Machine| world.manager.status(&service(), world.now).expect("known").next_change;
    let start = world.now;
    // The token is stale by the wall clock, and fresh again now.
    world.now.wall = start.wall.saturating_sub(Duration::from_secs(60));
    assert_eq!(next(&world), Some(soft));
    let published = world.manager.published(&service(), world.now).expect("a fresh token");
    assert!(published.serves(world.now), "it is good at this moment, and not only from the next on");
    world.now = start;
    world.pass_until(soft);
    assert_eq!(next(&world), Some(end));
}

#[test]
fn a_lifetime_counts_from_the_moment_the_request_was_sent() {
    let mut world = Machine::new(standard());
    let Some(Job::Send(job)) = world.decide(&service()).job else { panic!("a request") };
    let sent = world.now;
    world.pass_seconds(20);
    let said = json(200, r#"{"access_token":"AT1","token_type":"Bearer","expires_in":3600}"#);
    let report = job.answered(&said, sent, world.now);
    let rest = world.report(report);
    world.carry(rest);
    let token = world.get(&service()).expect("a token");
    assert_eq!(token.validity().age(world.now), Duration::from_secs(20));
    world.pass_seconds(3570);
    assert!(!world.decide(&service()).line.contains("use"), "3590 s after sending");
}
