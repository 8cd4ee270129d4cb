//! How long an error blocks: back-off, cool-down, `Retry-After`.

use std::time::Duration;

use octo_auth_core::Freshness;
use octo_auth_testkit::machine::{Machine, ServerReply, service};
use octo_auth_testkit::registration::standard;
use octo_auth_testkit::response;

use crate::scene::{blocked_for, not_sent};

#[test]
fn an_error_that_waiting_does_not_fix_cools_down_from_60_s_to_15_min() {
    let ends: [fn() -> ServerReply; 6] = [
        || ServerReply::error(401, "invalid_client"),
        || ServerReply::error(400, "invalid_scope"),
        || ServerReply::json(404, "{}"),
        || ServerReply::json(405, "{}"),
        || ServerReply::json(415, "{}"),
        || ServerReply::page(302, &[("location", "https://elsewhere.example/")]),
    ];
    for said in ends {
        let mut world = Machine::new(standard());
        world.endpoint.always(move |_| said());
        let mut waits = Vec::new();
        for _ in 0..6 {
            world.got(&service());
            let told = world.decide(&service());
            assert!(told.line.ends_with("configuration"), "{}", told.line);
            waits.push((told.next_change.expect("it opens") - world.now.boot).as_secs());
            world.pass_until(told.next_change.expect("it opens"));
        }
        assert_eq!(waits, [60, 120, 240, 480, 900, 900]);
    }
}

#[test]
fn back_off_grows_from_1_s_to_60_s_and_starts_again_after_a_success() {
    let mut world = Machine::new(standard());
    world.endpoint.always(|_| ServerReply::error(500, "server_error"));
    let mut longest = Duration::ZERO;
    for failures in 0..40_u32 {
        world.got(&service());
        let pause = blocked_for(&mut world, &service());
        let bound = Duration::from_secs(1 << failures.min(6)).min(Duration::from_secs(60));
        assert!(pause >= Duration::from_secs(1) && pause <= bound, "after {failures}: {pause:?}");
        longest = longest.max(pause);
        world.pass(pause);
    }
    assert!(longest > Duration::from_secs(20), "with full jitter some pause is long: {longest:?}");
    world.endpoint.always(ServerReply::next_tokens);
    world.got(&service());
    world.endpoint.always(|_| ServerReply::error(500, "server_error"));
    world.age(&service(), Freshness::Expired);
    world.got(&service());
    assert_eq!(blocked_for(&mut world, &service()), Duration::from_secs(1));
}

#[test]
fn after_throttling_no_request_is_sent_for_5_seconds() {
    for said in [
        || ServerReply::error(429, "slow_down"),
        || ServerReply::page(503, &[]),
        || ServerReply::unavailable_for(1),
    ] {
        let mut world = Machine::new(standard());
        world.endpoint.then(said());
        world.got(&service());
        assert_eq!(blocked_for(&mut world, &service()), Duration::from_secs(5));
    }
}

#[test]
fn retry_after_is_exact_to_the_millisecond_and_at_most_one_hour() {
    for (told, kept) in [(7, 7), (120, 120), (3600, 3600), (86_400, 3600)] {
        let mut world = Machine::new(standard());
        world.endpoint.then(ServerReply::unavailable_for(told));
        world.got(&service());
        assert_eq!(blocked_for(&mut world, &service()), Duration::from_secs(kept));
        world.pass(Duration::from_secs(kept) - Duration::from_millis(1));
        assert!(world.decide(&service()).line.starts_with("expired_blocked: "));
        world.pass(Duration::from_millis(1));
        assert_eq!(world.decide(&service()).line, "expired_renewing: send");
    }
}

#[test]
fn a_date_in_retry_after_counts_from_the_date_of_the_answer() {
    let headers = [
        ("content-type", "application/json"),
        // Years behind the local clock. Only the difference counts.
        ("date", "Wed, 01 Jan 2020 00:00:00 GMT"),
        ("retry-after", "Wed, 01 Jan 2020 00:02:00 GMT"),
    ];
    let mut world = Machine::new(standard());
    world.endpoint.then(ServerReply::Response(response::with(503, &headers, "{}")));
    world.got(&service());
    assert_eq!(blocked_for(&mut world, &service()), Duration::from_secs(120));
}

/// Serves the client's own token to its end while each renewal ends like this. Returns the answer to the first call
/// after the end.
fn at_the_end_of_the_token(said: fn() -> ServerReply) -> String {
    let mut world = Machine::new(standard());
    let end = world.now.boot + Duration::from_secs(3590);
    world.endpoint.then(ServerReply::token("AT1", 3600));
    world.got(&service());
    world.endpoint.always(move |_| said());
    while world.now.boot < end {
        assert_eq!(world.got(&service()), "AT1");
        world.pass_seconds(1);
    }
    assert!(world.requests() > 1, "a renewal was tried");
    world.decide(&service()).line
}

#[test]
fn a_back_off_that_began_while_a_token_was_served_ends_with_the_token() {
    let ends: [fn() -> ServerReply; 6] = [
        || ServerReply::error(400, "access_denied"),
        || ServerReply::error(401, "invalid_client"),
        || ServerReply::error(500, "server_error"),
        || ServerReply::page(502, &[]),
        || ServerReply::token("AT2", 0),
        not_sent,
    ];
    for (case, said) in ends.into_iter().enumerate() {
        assert_eq!(at_the_end_of_the_token(said), "expired_renewing: send", "case {case}");
    }
}

#[test]
fn a_back_off_from_retry_after_outlives_the_token() {
    let ends: [fn() -> ServerReply; 2] =
        [|| ServerReply::unavailable_for(3600), || ServerReply::unavailable_for(700)];
    for (case, said) in ends.into_iter().enumerate() {
        let line = at_the_end_of_the_token(said);
        assert_eq!(line, "expired_blocked: give up, http:503, later", "case {case}");
    }
}

#[test]
fn without_a_token_to_serve_a_back_off_has_its_full_length() {
    let mut world = Machine::new(standard());
    world.endpoint.then(ServerReply::token("AT1", 3600));
    world.got(&service());
    world.age(&service(), Freshness::Expired);
    world.endpoint.always(|_| ServerReply::error(401, "invalid_client"));
    world.got(&service());
    assert_eq!(blocked_for(&mut world, &service()), Duration::from_secs(60));
}
