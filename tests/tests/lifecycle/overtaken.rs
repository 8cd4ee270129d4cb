//! What comes for something whose place was taken meanwhile: by a sign-in, a sign-out, a faster answer.

#![expect(clippy::expect_used, reason = "a test that cannot be set up must stop")]

use octo_auth_core::{Claimed, FailureKind, Freshness, Job, Policy, Purpose, SendJob, Storage, Terminal};
use octo_auth_tests::machine::{Machine, Said, Shelf, hotel, scoped, service};
use octo_auth_tests::registration::{never_replayed, standard};

/// A machine without a store whose request with `RT0` is under way.
fn asking() -> (Machine, SendJob) {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let send = world.up_to_sending(&hotel());
    (world, send)
}

/// A machine whose first request was given up and whose second one, with the same refresh token, is under way.
fn asking_again() -> (Machine, SendJob, SendJob) {
    let (mut world, first) = asking();
    world.pass_seconds(62);
    world.got(&hotel());
    world.pass_seconds(5);
    let second = world.up_to_sending(&hotel());
    (world, first, second)
}

/// The request ends so.
fn end(world: &mut Machine, send: SendJob, said: Said) {
    world.endpoint.then(said);
    let report = world.send(send);
    let rest = world.report(report);
    world.carry(rest);
}

/// An answer whose access token cannot be used, and whose refresh token can.
fn unusable(refresh_token: &str) -> Said {
    let body = r#"{"access_token":"two\nlines","token_type":"Bearer","refresh_token":"#;
    Said::json(200, &format!("{body}\"{refresh_token}\"}}"))
}

/// The refresh token that the next renewal uses.
fn next_used(world: &mut Machine) -> String {
    let before = world.requests();
    for _ in 0..3 {
        world.age(&hotel(), Freshness::Expired);
        world.pass_seconds(70);
        world.got(&hotel());
        if let Some(asked) = world.asked.get(before) {
            return asked.refresh_token().expect("a refresh").to_owned();
        }
    }
    panic!("nothing is asked for")
}

#[test]
fn the_refusal_of_a_refresh_token_says_nothing_of_the_one_signed_in_with_meanwhile() {
    let (mut world, send) = asking();
    world.sign_in(&hotel(), "RT-new");
    end(&mut world, send, Said::error(400, "invalid_grant"));
    assert_eq!(next_used(&mut world), "RT-new");
}

#[test]
fn what_an_unusable_answer_brings_is_not_put_over_what_was_signed_in_with_meanwhile() {
    let (mut world, send) = asking();
    world.sign_in(&hotel(), "RT-new");
    end(&mut world, send, unusable("RT1"));
    assert_eq!(next_used(&mut world), "RT-new");
}

#[test]
fn a_refresh_token_that_came_late_is_used_though_another_request_was_under_way() {
    let (mut world, first, second) = asking_again();
    end(&mut world, first, Said::tokens("AT1", 3600, "RT1"));
    end(&mut world, second, Said::page(502, &[]));
    assert_eq!(next_used(&mut world), "RT1");
}

#[test]
fn of_two_refresh_tokens_that_one_gave_the_one_asked_for_last_is_kept_from_an_unusable_answer_too() {
    let (mut world, first, second) = asking_again();
    end(&mut world, first, Said::tokens("AT1", 3600, "RT1"));
    end(&mut world, second, unusable("RT2"));
    assert_eq!(next_used(&mut world), "RT2");
}

#[test]
fn a_failure_that_a_late_answer_has_overtaken_is_still_one_of_the_endpoint() {
    let (mut world, first, second) = asking_again();
    end(&mut world, first, Said::tokens("AT1", 3600, "RT1"));
    end(&mut world, second, Said::unavailable_for(2000));
    let told = world.decide(&scoped("other"));
    assert!(told.line.starts_with("8: give up"), "{}", told.line);
}

#[test]
fn the_late_answer_for_an_earlier_sign_in_changes_nothing_of_the_later_one() {
    let (mut world, first) = asking();
    world.pass_seconds(62);
    world.got(&hotel());
    world.sign_in(&hotel(), "RT-new");
    let second = world.up_to_sending(&hotel());
    end(&mut world, first, Said::tokens("AT-old", 3600, "RT1"));
    // It brings no other refresh token, so that the one signed in with stays.
    end(&mut world, second, Said::token("AT-new", 3600));
    assert_eq!(world.got(&hotel()), "AT-new");
    assert_eq!(next_used(&mut world), "RT-new");
}

#[test]
fn a_claim_that_is_granted_late_is_not_given_back_while_the_next_flight_claims() {
    let mut world = Machine::with_store(standard(), Storage::Shared, &Shelf::default(), 1);
    world.sign_in(&hotel(), "RT0");
    let claim = |world: &mut Machine| match world.decide(&hotel()).job {
        Some(Job::Claim(claim)) => claim,
        other => panic!("no claim: {other:?}"),
    };
    let first = claim(&mut world);
    world.pass_seconds(6);
    world.got(&hotel());
    world.pass_seconds(31);
    let _second = claim(&mut world);
    let rest = world.report(first.claimed(Ok(Claimed::Granted)));
    assert!(rest.is_none(), "both are of one owner: {rest:?}");
}

#[test]
fn what_was_written_ahead_for_an_earlier_sign_in_lets_nothing_be_sent() {
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    world.sign_in(&hotel(), "RT0");
    let mark = world.decide(&hotel()).job.expect("it is written down first");
    assert!(matches!(mark, Job::Save(_)));
    world.sign_in(&hotel(), "RT-new");
    let rest = world.step(mark);
    assert!(matches!(rest, Some(Job::Save(_))), "the sign-in is saved: {rest:?}");
    world.carry(rest);
    assert_eq!(world.requests(), 0);
    assert_eq!(next_used(&mut world), "RT-new");
}

#[test]
fn the_same_refresh_token_signed_in_with_again_is_in_doubt_as_before() {
    let mut world = Machine::new(never_replayed());
    world.sign_in(&hotel(), "RT0");
    world.endpoint.then(Said::page(502, &[]));
    world.got(&hotel());
    world.sign_in(&hotel(), "RT0");
    world.pass_seconds(70);
    let failure = world.get(&hotel()).expect_err("it may have been replaced");
    assert_eq!(failure.kind(), FailureKind::ConsentInDoubt);
    assert_eq!(world.requests(), 1);
}

#[test]
fn a_sign_out_revokes_nothing_while_the_budget_is_spent_and_does_as_soon_as_it_is_not() {
    for left in [1, 0] {
        let policy = Policy::default().with_request_limit(1).expect("a limit");
        let mut world = Machine::with_policy(standard(), policy);
        world.sign_in(&hotel(), "RT0");
        assert_eq!(world.got(&hotel()), "AT1");
        let opens = world.decide(&scoped("other")).next_change.expect("the budget is spent");
        world.pass_until(opens - std::time::Duration::from_millis(left));
        let revocation = world.accounts.sign_out(&hotel(), world.now);
        assert_eq!(revocation.is_some(), left == 0, "{left} ms before: {revocation:?}");
        world.carry(revocation);
        let revoked = world.asked.iter().filter(|asked| asked.purpose == Purpose::Revocation).count();
        assert_eq!(revoked, usize::from(left == 0));
    }
}

/// The server refuses the refresh token, and the store cannot be read to find out whether it was replaced.
fn refused_and_unread(storage: Storage) -> Machine {
    let mut world = Machine::with_store(standard(), storage, &Shelf::default(), 1);
    world.sign_in(&hotel(), "RT0");
    world.endpoint.then(Said::error(400, "invalid_grant"));
    let mut next = world.decide(&hotel()).job;
    while let Some(job) = next {
        if world.requests() == 1 && matches!(job, Job::Load(_)) {
            world.shelf.set_down(true);
        }
        next = world.step(job);
    }
    assert_eq!(world.requests(), 1);
    world
}

#[test]
fn a_refused_refresh_token_is_dead_though_its_store_cannot_be_read_if_nobody_else_writes_there() {
    let mut world = refused_and_unread(Storage::Private);
    let failure = world.get(&hotel()).expect_err("it is dead");
    assert_eq!(failure.kind(), FailureKind::ConsentLost);
    world.shelf.set_down(false);
    world.pass_seconds(70);
    world.got(&hotel());
    assert_eq!(world.stored(&hotel()).terminal, Some(Terminal::Refused), "and that is written down");
}

#[test]
fn a_refused_refresh_token_is_not_taken_for_dead_before_it_is_known_whether_others_replaced_it() {
    let mut world = refused_and_unread(Storage::Shared);
    let failure = world.get(&hotel()).expect_err("there is no token");
    assert_ne!(failure.kind(), FailureKind::ConsentLost);
    world.shelf.set_down(false);
    world.pass_seconds(70);
    assert_eq!(world.got(&hotel()), "AT2", "it is tried again");
}

#[test]
fn a_store_that_cannot_be_read_under_a_claim_keeps_a_refresh_token_from_being_used() {
    let mut world = Machine::with_store(standard(), Storage::Shared, &Shelf::default(), 1);
    world.sign_in(&hotel(), "RT0");
    let claim = world.decide(&hotel()).job.expect("the claim");
    let load = world.step(claim).expect("the reading");
    world.shelf.set_down(true);
    let rest = world.step(load);
    assert!(matches!(rest, Some(Job::Release(_)) | None), "{rest:?}");
    world.carry(rest);
    assert_eq!(world.requests(), 0);
}

#[test]
fn a_token_that_was_over_before_it_was_saved_leaves_the_one_that_works_in_force() {
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    assert_eq!(world.got(&service()), "AT1");
    world.age(&service(), Freshness::Stale);
    world.endpoint.then(Said::token("AT2", 60));
    let renewal = world.decide(&service()).job.expect("it is due");
    let save = world.step(renewal).expect("the outcome is saved first");
    world.pass_seconds(120);
    let rest = world.step(save);
    world.carry(rest);
    assert!(world.decide(&service()).line.contains("use AT1"));
}

#[test]
fn a_refresh_token_that_others_signed_in_with_too_is_not_revoked_when_ours_gives_way() {
    for renewals in [0, 1] {
        let shelf = Shelf::default();
        let shared = |seed| Machine::with_store(standard(), Storage::Shared, &shelf, seed);
        let (mut one, mut two) = (shared(1), shared(2));
        one.sign_in(&hotel(), "RT0");
        two.got(&hotel());
        shelf.refuse_writing(true);
        one.sign_in(&hotel(), "RT5");
        shelf.refuse_writing(false);
        two.sign_in(&hotel(), "RT5");
        for _ in 0..renewals {
            two.age(&hotel(), Freshness::Expired);
            two.endpoint.then(Said::tokens("AT9", 3600, "RT9"));
            assert_eq!(two.got(&hotel()), "AT9");
        }
        one.pass_seconds(600);
        one.got(&hotel());
        assert!(one.asked.iter().all(|asked| asked.purpose != Purpose::Revocation), "{renewals}");
    }
}
