//! Answers that arrive late, or after a sign-in, a sign-out or a faster answer.

use std::time::Duration;

use octo_auth_core::{Freshness, Job, SendJob, Storage, TokenErrorKind, TokenSpec, TransportError};
use octo_auth_testkit::machine::{InMemoryStore, Machine, ServerReply, hotel, scoped, service};
use octo_auth_testkit::registration::standard;
use octo_auth_testkit::response::json;

use crate::scene::{revoked, signed_in};

/// Returns a machine without a store whose request with `RT0` is in flight.
fn asking() -> (Machine, SendJob) {
    asking_for(&hotel())
}

/// Returns the same for a spec.
fn asking_for(key: &TokenSpec) -> (Machine, SendJob) {
    let mut world = Machine::new(standard());
    if !key.is_client_grant() {
        world.sign_in(key, "RT0");
    }
    let send = world.up_to_sending(key);
    (world, send)
}

/// Returns a machine whose first request is overdue and whose second one, with the same refresh token, is in flight.
fn asking_again() -> (Machine, SendJob, SendJob) {
    asking_twice_for(&hotel())
}

/// Returns the same for a spec.
fn asking_twice_for(key: &TokenSpec) -> (Machine, SendJob, SendJob) {
    let (mut world, first) = asking_for(key);
    world.pass_seconds(62);
    world.got(key);
    world.pass_seconds(5);
    let second = world.up_to_sending(key);
    (world, first, second)
}

/// Asserts that a spec whose token expires soon backs off for this long after an error with this code.
fn is_blocked(world: &mut Machine, key: &TokenSpec, seconds: u64, code: &str) {
    let end = world.now.boot + Duration::from_secs(seconds);
    let requests = world.requests();
    world.age(key, Freshness::Expired);
    let told = world.decide(key);
    assert!(told.line.starts_with(&format!("expired_blocked: give up, {code}")), "{}", told.line);
    while world.now.boot < end {
        world.got(key);
        world.pass_seconds(1);
    }
    assert_eq!(world.requests(), requests);
    world.got(key);
    assert_eq!(world.requests(), requests + 1);
}

/// Ends a request with this reply.
fn end(world: &mut Machine, send: SendJob, said: ServerReply) {
    world.endpoint.then(said);
    let report = world.send(send);
    let rest = world.report(report);
    world.carry(rest);
}

/// Returns an answer with an unusable access token and a usable refresh token.
fn unusable(refresh_token: &str) -> ServerReply {
    let body = r#"{"access_token":"two\nlines","token_type":"Bearer","refresh_token":"#;
    ServerReply::json(200, &format!("{body}\"{refresh_token}\"}}"))
}

/// Returns the refresh token that the next renewal uses.
fn next_used(world: &mut Machine) -> String {
    let before = world.requests();
    for _ in 0..3 {
        world.age(&hotel(), Freshness::Expired);
        world.pass_seconds(70);
        world.got(&hotel());
        if world.requests() > before {
            return world.last_refresh().expect("a refresh").to_owned();
        }
    }
    panic!("nothing is asked for")
}

/// Returns a machine whose refresh token was refused, and whose store cannot be read to find out whether the token
/// was replaced.
fn refused_and_unread(storage: Storage) -> Machine {
    let mut world = Machine::with_store(standard(), storage, &InMemoryStore::default(), 1);
    world.sign_in(&hotel(), "RT0");
    world.endpoint.then(ServerReply::error(400, "invalid_grant"));
    let mut next = world.decide(&hotel()).job;
    while let Some(job) = next {
        if world.requests() == 1 && matches!(job, Job::Save(_)) {
            world.store.set_down(true);
        }
        next = world.step(job);
    }
    assert_eq!(world.requests(), 1);
    world
}

#[test]
fn an_invalid_grant_does_not_concern_a_later_sign_in() {
    let (mut world, send) = asking();
    world.sign_in(&hotel(), "RT-new");
    end(&mut world, send, ServerReply::error(400, "invalid_grant"));
    assert_eq!(next_used(&mut world), "RT-new");
}

#[test]
fn the_refresh_token_of_an_unusable_answer_does_not_replace_a_later_sign_in() {
    let (mut world, send) = asking();
    world.sign_in(&hotel(), "RT-new");
    end(&mut world, send, unusable("RT1"));
    assert_eq!(next_used(&mut world), "RT-new");
}

#[test]
fn a_refresh_token_that_came_late_is_used_though_another_request_was_in_flight() {
    let (mut world, first, second) = asking_again();
    end(&mut world, first, ServerReply::tokens("AT1", 3600, "RT1"));
    end(&mut world, second, ServerReply::page(502, &[]));
    assert_eq!(next_used(&mut world), "RT1");
}

#[test]
fn the_refresh_token_of_an_unusable_answer_that_came_late_is_used() {
    let (mut world, first, second) = asking_again();
    end(&mut world, first, unusable("RT1"));
    end(&mut world, second, ServerReply::page(502, &[]));
    assert_eq!(next_used(&mut world), "RT1");
}

#[test]
fn the_tokens_of_an_answer_after_a_stored_sign_out_are_revoked_and_not_stored() {
    let mut world = signed_in();
    world.age(&hotel(), Freshness::Expired);
    let send = world.up_to_sending(&hotel());
    world.pass_seconds(70);
    world.got(&hotel());
    world.sign_out(&hotel());
    let stored = world.store.history().len();
    world.endpoint.then(ServerReply::tokens("AT9", 3600, "RT9"));
    let report = world.send(send);
    let next = world.report(report);
    world.carry(next);

    assert_eq!(world.store.history().len(), stored);
    assert_eq!(revoked(&world), ["RT1", "RT9"]);
}

#[test]
fn of_two_successors_of_a_refresh_token_the_one_requested_last_is_kept() {
    let (mut world, first, second) = asking_again();
    end(&mut world, first, ServerReply::tokens("AT1", 3600, "RT1"));
    end(&mut world, second, unusable("RT2"));
    assert_eq!(next_used(&mut world), "RT2");
}

#[test]
fn a_failure_after_a_late_answer_still_blocks_the_registration() {
    let (mut world, first, second) = asking_again();
    end(&mut world, first, ServerReply::tokens("AT1", 3600, "RT1"));
    end(&mut world, second, ServerReply::Fault(TransportError::not_sent("no connection")));
    let told = world.decide(&scoped("other"));
    assert!(told.line.starts_with("expired_blocked: give up"), "{}", told.line);
}

#[test]
fn a_late_answer_for_an_earlier_sign_in_does_not_change_the_later_one() {
    let (mut world, first) = asking();
    world.pass_seconds(62);
    world.got(&hotel());
    world.sign_in(&hotel(), "RT-new");
    let second = world.up_to_sending(&hotel());
    end(&mut world, first, ServerReply::tokens("AT-old", 3600, "RT1"));
    // The answer has no refresh token, so that the one of the sign-in stays.
    end(&mut world, second, ServerReply::token("AT-new", 3600));
    assert_eq!(world.got(&hotel()), "AT-new");
    assert_eq!(next_used(&mut world), "RT-new");
}

#[test]
fn an_attempt_of_an_earlier_sign_in_sends_no_request() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.sign_in(&hotel(), "RT0");
    let attempt = world.decide(&hotel()).job.expect("it is written down first");
    assert!(matches!(attempt, Job::Save(_)));
    world.sign_in(&hotel(), "RT-new");
    let rest = world.step(attempt);
    assert!(matches!(rest, Some(Job::Save(_))), "the sign-in is saved: {rest:?}");
    world.carry(rest);
    assert_eq!(world.requests(), 0);
    assert_eq!(next_used(&mut world), "RT-new");
}

#[test]
fn an_invalid_grant_is_final_though_a_store_of_one_process_fails() {
    let mut world = refused_and_unread(Storage::SingleProcess);
    let failure = world.get(&hotel()).expect_err("it is dead");
    assert_eq!(failure.kind(), TokenErrorKind::RefreshTokenRejected);
    world.store.set_down(false);
    world.pass_seconds(70);
    world.got(&hotel());
    assert_eq!(world.stored(&hotel()).dead(), Some("refused"), "and that is written down");
}

#[test]
fn an_invalid_grant_is_final_only_after_a_shared_store_took_it() {
    let mut world = refused_and_unread(Storage::MultiProcess);
    let failure = world.get(&hotel()).expect_err("there is no token");
    assert_ne!(failure.kind(), TokenErrorKind::RefreshTokenRejected);
    world.store.set_down(false);
    world.pass_seconds(70);
    assert_eq!(
        world.got(&hotel()),
        "refresh_token_rejected",
        "it is written down, so that no other process has replaced it"
    );
}

#[test]
fn a_late_answer_to_an_earlier_attempt_leaves_a_later_one_in_doubt() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.sign_in(&hotel(), "RT0");
    let first = world.up_to_sending(&hotel());
    world.pass_seconds(62);
    assert_eq!(world.got(&hotel()), "lost");
    world.pass_seconds(5);
    world.endpoint.then(ServerReply::Fault(TransportError::timed_out("no answer")));
    world.got(&hotel());
    assert_eq!(world.requests(), 1, "the second use, whose outcome is in doubt");
    // The answer has no refresh token, so that the outcome for the present one depends on the second use.
    world.endpoint.then(ServerReply::token("AT1", 3600));
    let report = world.send(first);
    let rest = world.report(report);
    world.carry(rest);
    assert!(world.stored(&hotel()).is_in_doubt(), "the second attempt is open");
}

#[test]
fn a_late_success_leaves_the_back_off_of_a_request_that_was_sent_later() {
    for key in [hotel(), service()] {
        let (mut world, first) = asking_for(&key);
        let sent = world.now;
        world.pass_seconds(62);
        world.got(&key);
        world.pass_seconds(5);
        let second = world.up_to_sending(&key);
        end(&mut world, second, ServerReply::error(400, "invalid_scope"));
        let ServerReply::Response(response) = ServerReply::tokens("AT1", 100, "RT1") else { unreachable!() };
        let rest = world.report(first.answered(&response, sent, world.now));
        world.carry(rest);
        is_blocked(&mut world, &key, 60, "oauth:invalid_scope");
    }
}

#[test]
fn a_late_success_does_not_end_a_retry_after_received_since() {
    for key in [hotel(), service()] {
        let (mut world, first, second) = asking_twice_for(&key);
        end(&mut world, second, ServerReply::unavailable_for(300));
        end(&mut world, first, ServerReply::tokens("AT1", 100, "RT1"));
        is_blocked(&mut world, &key, 300, "");
    }
}

#[test]
fn retry_after_counts_even_after_a_late_answer() {
    for key in [hotel(), service()] {
        let (mut world, first, second) = asking_twice_for(&key);
        end(&mut world, first, ServerReply::tokens("AT1", 100, "RT1"));
        end(&mut world, second, ServerReply::unavailable_for(300));
        is_blocked(&mut world, &key, 300, "backing_off");
    }
}

#[test]
fn retry_after_counts_in_a_late_failure() {
    for key in [hotel(), service()] {
        let (mut world, first, second) = asking_twice_for(&key);
        end(&mut world, second, ServerReply::tokens("AT1", 100, "RT1"));
        end(&mut world, first, ServerReply::unavailable_for(300));
        is_blocked(&mut world, &key, 300, "backing_off");
    }
}

#[test]
fn retry_after_for_an_earlier_sign_in_does_not_block_the_later_one() {
    let (mut world, send) = asking();
    world.sign_in(&hotel(), "RT-new");
    end(&mut world, send, ServerReply::unavailable_for(300));
    assert!(world.got(&hotel()).starts_with("AT"));
    assert_eq!(world.last_refresh(), Some("RT-new"));
}

#[test]
fn a_refresh_token_with_a_late_successor_is_not_sent_after_its_write_ahead() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.sign_in(&hotel(), "RT0");
    let first = world.up_to_sending(&hotel());
    world.pass_seconds(62);
    world.got(&hotel());
    world.pass_seconds(5);
    let attempt = world.up_to_writing(&hotel());
    end(&mut world, first, ServerReply::tokens("AT1", 3600, "RT1"));
    world.carry(Some(Job::Save(attempt)));
    assert_eq!(world.requests(), 1);
    assert_eq!(world.got(&hotel()), "AT1");
    assert_eq!(world.stored(&hotel()).refresh_token(), Some("RT1"));
}

#[test]
fn a_late_token_keeps_its_age_even_if_another_answer_came_before_it_was_saved() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    let first = world.up_to_sending(&service());
    world.pass_seconds(62);
    world.got(&service());
    world.pass_seconds(5);
    let second = world.up_to_sending(&service());
    end(&mut world, first, ServerReply::token("AT1", 1440));
    world.endpoint.then(ServerReply::token("AT2", 3600));
    let report = world.send(second);
    let save = world.report(report);
    // The wall clock stops while the machine is suspended.
    world.now.boot += Duration::from_secs(2);
    world.carry(save);
    world.endpoint.always(|_| ServerReply::page(502, &[]));
    assert_eq!(world.got(&service()), "AT1");
    world.now.boot += Duration::from_secs(1427);
    assert_eq!(world.got(&service()), "AT1");
    world.now.boot += Duration::from_secs(1);
    assert_eq!(world.got(&service()), "http:502");
}

#[test]
fn the_tokens_of_an_answer_after_an_unsaved_sign_out_are_revoked_only_when_the_sign_out_is_stored() {
    let mut world = signed_in();
    world.age(&hotel(), Freshness::Expired);
    let send = world.up_to_sending(&hotel());
    world.pass_seconds(70);
    world.got(&hotel());
    world.store.refuse_writing(true);
    world.sign_out(&hotel());
    end(&mut world, send, ServerReply::tokens("AT9", 3600, "RT9"));
    assert_eq!(revoked(&world), Vec::<&str>::new());
    world.store.refuse_writing(false);
    world.pass_seconds(60);
    world.got(&hotel());
    assert_eq!(revoked(&world), ["RT9"], "which takes RT1 along");
}

#[test]
fn a_late_token_does_not_end_the_retry_after_of_a_later_request() {
    let mut world = Machine::new(standard());
    let (first, sent) = (world.up_to_sending(&service()), world.now);
    world.pass_seconds(70);
    assert_eq!(world.got(&service()), "lost");
    world.pass_seconds(2);
    world.now.wall = world.now.wall.saturating_sub(Duration::from_secs(4000));
    world.endpoint.then(ServerReply::unavailable_for(120));
    assert_eq!(world.got(&service()), "http:503");
    let late = json(200, r#"{"access_token":"AT1","token_type":"bearer","expires_in":100}"#);
    let rest = world.report(first.answered(&late, sent, world.now));
    world.carry(rest);
    world.pass_seconds(25);
    // The machine forgets its own history of errors with the client.
    world.manager.replace_client(standard()).expect("the same registration");
    let told = world.decide(&service());
    assert_eq!(told.line, "expired_blocked: give up, backing_off, later");
    assert_eq!(told.wait(), Duration::from_secs(95));
}

#[test]
fn a_late_retry_after_delays_a_client_grant_without_the_store() {
    let store = InMemoryStore::default();
    let mut world = Machine::with_store(standard(), Storage::MultiProcess, &store, 1);
    assert_eq!(world.got(&service()), "AT1");
    world.age(&service(), Freshness::Stale);
    let first = world.up_to_sending(&service());
    world.pass_seconds(62);
    world.got(&service());
    world.pass_seconds(5);
    let load = world.up_to(&service(), |job| matches!(job, Job::Load(_)));
    end(&mut world, first, ServerReply::page(401, &[("Retry-After", "600")]));
    let requests = world.requests();
    store.set_down(true);
    world.carry(Some(load));
    assert_eq!(world.requests(), requests);
}

#[test]
fn an_invalid_grant_for_an_attempt_that_the_store_lost_does_not_end_a_refresh_token_that_was_answered_since()
{
    let (mut one, mut two, store) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Expired);
    two.age(&hotel(), Freshness::Expired);
    let (name, before) = (one.name(&hotel()), one.stored(&hotel()).content());
    let send = one.up_to_sending(&hotel());
    store.fall_back(&name, before);
    assert!(two.got(&hotel()).starts_with("AT"), "it knows of no other attempt");
    one.endpoint.then(ServerReply::error(400, "invalid_grant"));
    one.carry(Some(Job::Send(send)));
    two.age(&hotel(), Freshness::Expired);
    assert!(two.got(&hotel()).starts_with("AT"), "the refresh token is alive");
}
