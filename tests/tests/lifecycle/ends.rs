//! How a flight ends: each outcome, what it leaves in the record, when the next attempt comes, what callers get.

#![expect(clippy::expect_used, reason = "a test that cannot be set up must stop")]

use std::time::Duration;

use octo_auth_core::{Client, Fault, Freshness, Key, Purpose, Record, Storage};
use octo_auth_tests::machine::{Machine, Said, Shelf, hotel, service};
use octo_auth_tests::registration::{never_replayed, octorate, standard};

/// A machine with a store of its own that holds `AT1` for an hour and `RT1` of an account.
fn signed_in() -> Machine {
    signed_in_at(standard())
}

fn signed_in_at(client: Client) -> Machine {
    let mut world = Machine::with_store(client, Storage::Private, &Shelf::default(), 1);
    world.sign_in(&hotel(), "RT0");
    world.endpoint.then(Said::tokens("AT1", 3600, "RT1"));
    assert_eq!(world.got(&hotel()), "AT1");
    world
}

fn refresh_token(record: &Record) -> Option<&str> {
    record.refresh_token.as_ref().map(octo_auth_core::Secret::expose)
}

/// Lets the renewal of a stale token end so: the old token is served, and the answer is when the gate opens.
fn stale_end(world: &mut Machine, key: &Key, said: Said) -> Duration {
    world.endpoint.then(said);
    world.age(key, Freshness::Stale);
    let old = world.decide(key);
    assert!(old.line.starts_with("2: use AT"), "{}", old.line);
    world.carry(old.job);
    let told = world.decide(key);
    let still = old.token.expect("a token").access_token().expose().to_owned();
    assert_eq!(told.line, format!("4: use {still}"), "the old token is served");
    told.next_change.expect("the gate opens") - world.now.boot
}

/// Lets the attempt without a token end so: the answer is the verdict of the next caller.
fn expired_end(world: &mut Machine, key: &Key, said: Said) -> (String, Duration) {
    world.endpoint.then(said);
    world.age(key, Freshness::Expired);
    let run = world.decide(key);
    assert_eq!(run.line, "7: save", "the attempt is written down first");
    world.carry(run.job);
    let told = world.decide(key);
    let opens = told.next_change.unwrap_or(world.now.boot);
    (told.line, opens - world.now.boot)
}

#[test]
fn another_token_is_published_as_the_next_generation_and_its_refresh_token_kept_first() {
    let mut world = signed_in();
    let before = world.get(&hotel()).expect("a token").generation();
    world.endpoint.then(Said::tokens("AT2", 3600, "RT2"));
    world.age(&hotel(), Freshness::Stale);
    assert_eq!(world.got(&hotel()), "AT1");
    let token = world.get(&hotel()).expect("a token");
    assert_eq!(token.access_token().expose(), "AT2");
    assert_eq!(token.generation().number, before.number + 1);
    assert_eq!(token.generation().lineage, before.lineage);
    let stored = world.stored(&hotel());
    assert_eq!((refresh_token(&stored), stored.pending), (Some("RT2"), None));
    assert_eq!(world.asked[1].refresh_token(), Some("RT1"));
}

#[test]
fn a_token_is_in_force_only_once_it_is_saved() {
    let mut world = signed_in();
    world.endpoint.then(Said::tokens("AT2", 3600, "RT2"));
    world.age(&hotel(), Freshness::Stale);
    let mark = world.decide(&hotel()).job.expect("the write-ahead");
    let send = world.step(mark).expect("the request");
    let save = world.step(send).expect("the saving");
    assert_eq!(world.decide(&hotel()).line, "3: use AT1", "not saved yet");
    assert!(world.step(save).is_none());
    assert_eq!(world.decide(&hotel()).line, "1: use AT2");
}

#[test]
fn an_answer_without_a_refresh_token_keeps_the_one_there_is() {
    let mut world = signed_in();
    world.endpoint.then(Said::token("AT2", 3600));
    world.age(&hotel(), Freshness::Expired);
    assert_eq!(world.got(&hotel()), "AT2");
    let stored = world.stored(&hotel());
    assert_eq!(refresh_token(&stored), Some("RT1"));
    assert!(stored.pending.is_none(), "nothing is in doubt");
}

#[test]
fn the_same_token_again_keeps_its_generation_and_a_rotated_refresh_token() {
    let mut world = signed_in();
    let before = world.get(&hotel()).expect("a token");
    world.endpoint.then(Said::tokens("AT1", 3600, "RT2"));
    world.age(&hotel(), Freshness::Stale);
    assert_eq!(world.got(&hotel()), "AT1");
    let after = world.get(&hotel()).expect("a token");
    assert_eq!(after.generation(), before.generation());
    assert_eq!(refresh_token(&world.stored(&hotel())), Some("RT2"));
}

#[test]
fn the_same_token_again_lives_to_the_later_of_its_two_ends() {
    let mut world = signed_in();
    let known = world.get(&hotel()).expect("a token").tokens().expires_at();
    for (given, later) in [(20, false), (7200, true)] {
        world.endpoint.then(Said::tokens("AT1", given, "RT2"));
        world.age(&hotel(), Freshness::Stale);
        assert_eq!(world.got(&hotel()), "AT1");
        let until = world.now.wall.saturating_add(Duration::from_secs(given));
        let wanted = if later { Some(until) } else { known };
        assert_eq!(world.get(&hotel()).expect("a token").tokens().expires_at(), wanted);
        // Past the pause after a renewal that changed nothing.
        world.pass_seconds(300);
    }
}

#[test]
fn a_server_that_gives_the_same_token_until_its_end_is_asked_every_30_seconds_at_most() {
    let mut world = Machine::new(standard());
    let end = world.now.boot + Duration::from_secs(3600);
    world.endpoint.always(move |asked| Said::token("AT1", end.saturating_sub(asked.at.boot).as_secs()));
    while world.now.boot + Duration::from_secs(10) < end {
        assert_eq!(world.got(&service()), "AT1");
        world.pass_seconds(1);
    }
    assert!(world.most_within(30) <= 1, "{:?}", world.asked);
    assert!((2..=20).contains(&world.requests()), "{} requests", world.requests());
}

#[test]
fn a_token_that_is_due_again_as_soon_as_it_is_got_rests_30_seconds() {
    let mut world = Machine::new(standard());
    let body = r#"{"access_token":"AT1","token_type":"Bearer","expires_in":3600,"refresh_in":0}"#;
    world.endpoint.always(move |_| Said::json(200, body));
    assert_eq!(world.got(&service()), "AT1");
    let requests = world.requests();
    for _ in 0..29 {
        world.pass_seconds(1);
        assert_eq!(world.got(&service()), "AT1");
    }
    assert_eq!(world.requests(), requests);
}

#[test]
fn a_token_expired_on_arrival_is_neither_served_nor_kept_but_its_refresh_token_is() {
    let mut world = signed_in();
    stale_end(&mut world, &hotel(), Said::tokens("AT2", 0, "RT2"));
    assert_eq!(refresh_token(&world.stored(&hotel())), Some("RT2"));
    let (line, wait) = expired_end(&mut world, &hotel(), Said::tokens("AT3", 0, "RT3"));
    assert_eq!(line, "8: give up, expired_on_arrival, later");
    assert!(wait >= Duration::from_secs(1));
    let stored = world.stored(&hotel());
    assert_eq!((refresh_token(&stored), stored.pending), (Some("RT3"), None));
    let kept = stored.token.expect("the one before it");
    assert_eq!(kept.access_token().expose(), "AT1");
}

#[test]
fn an_unusable_answer_with_a_refresh_token_is_salvaged() {
    let body = r#"{"access_token":"two\nlines","token_type":"Bearer","refresh_token":"RT2"}"#;
    let mut world = signed_in();
    stale_end(&mut world, &hotel(), Said::json(200, body));
    let stored = world.stored(&hotel());
    assert_eq!((refresh_token(&stored), stored.pending), (Some("RT2"), None));
    world.age(&hotel(), Freshness::Expired);
    assert!(world.got(&hotel()).starts_with("AT"));
    assert_eq!(world.asked[2].refresh_token(), Some("RT2"), "the next attempt uses it");
}

#[test]
fn an_answer_that_cannot_be_read_leaves_a_refresh_in_doubt_and_a_client_grant_as_it_was() {
    for said in [|| Said::page(200, &[]), || Said::json(200, "{\"access_token\":"), || Said::json(200, "")] {
        let mut world = signed_in();
        stale_end(&mut world, &hotel(), said());
        let pending = world.stored(&hotel()).pending.expect("the marker is kept");
        assert!(pending.ambiguous);
        assert_eq!(refresh_token(&world.stored(&hotel())), Some("RT1"));
        let mut world = Machine::new(standard());
        world.got(&service());
        let pause = stale_end(&mut world, &service(), said());
        assert!(pause >= Duration::from_secs(1) && pause <= Duration::from_secs(60), "{pause:?}");
    }
}

#[test]
fn a_request_that_was_not_sent_leaves_no_doubt_and_backs_off() {
    let mut world = signed_in();
    let pause = stale_end(&mut world, &hotel(), Said::Fault(Fault::not_sent("connection refused")));
    assert_eq!(pause, Duration::from_secs(1));
    assert_eq!(world.stored(&hotel()).pending, None);
    let not_sent = Said::Fault(Fault::not_sent("connection refused"));
    let (line, wait) = expired_end(&mut world, &hotel(), not_sent);
    assert_eq!(line, "8: give up, not_sent, later");
    assert!((1..=2).contains(&wait.as_secs()), "{wait:?}");
}

#[test]
fn an_ambiguous_refresh_keeps_its_marker_and_is_replayed_only_when_the_token_has_expired() {
    let ends: [fn() -> Said; 4] = [
        || Said::Fault(Fault::timed_out("no answer")),
        || Said::Fault(Fault::broken_off("cut")),
        || Said::page(502, &[]),
        || Said::page(504, &[]),
    ];
    for said in ends {
        let mut world = signed_in();
        let pause = stale_end(&mut world, &hotel(), said());
        assert!(pause >= Duration::from_secs(1));
        assert!(world.stored(&hotel()).pending.is_some_and(|attempt| attempt.ambiguous));
        while world.accounts.status(&hotel(), world.now).is_some_and(|status| status.token.is_some()) {
            assert_eq!(world.got(&hotel()), "AT1");
            assert_eq!(world.requests(), 2, "nothing is replayed while there is something to lose");
            world.pass_seconds(5);
        }
        assert_eq!(world.got(&hotel()), "AT3");
        assert_eq!(world.asked[2].refresh_token(), Some("RT1"), "the replay");
    }
}

#[test]
fn a_replay_that_is_refused_means_sign_in_again_because_of_the_doubt() {
    let mut world = signed_in();
    stale_end(&mut world, &hotel(), Said::Fault(Fault::timed_out("no answer")));
    let (line, _) = expired_end(&mut world, &hotel(), Said::error(400, "invalid_grant"));
    assert_eq!(line, "9: give up, consent_lost, sign in");
    let failure = world.get(&hotel()).expect_err("it is over");
    assert_eq!(failure.kind(), octo_auth_core::FailureKind::ConsentInDoubt);
    assert!(failure.to_string().contains("a renewal was lost on its way"), "{failure}");
}

#[test]
fn where_the_provider_takes_no_refresh_token_twice_a_lost_renewal_ends_in_a_sign_in() {
    let mut world = signed_in_at(never_replayed());
    world.endpoint.then(Said::Fault(Fault::timed_out("no answer")));
    world.age(&hotel(), Freshness::Stale);
    assert_eq!(world.got(&hotel()), "AT1");
    assert_eq!(world.got(&hotel()), "AT1", "the old token works to its end");
    world.age(&hotel(), Freshness::Expired);
    assert_eq!(world.decide(&hotel()).line, "9: give up, consent_lost, sign in");
    assert_eq!(world.requests(), 2);
}

#[test]
fn a_throttled_renewal_waits_at_least_as_long_as_it_was_told() {
    let mut world = signed_in();
    assert_eq!(stale_end(&mut world, &hotel(), Said::unavailable_for(120)), Duration::from_secs(120));
    assert_eq!(world.stored(&hotel()).pending, None, "the server itself said that it did nothing");
    let mut world = signed_in();
    let pause = stale_end(&mut world, &hotel(), Said::error(429, "slow_down"));
    assert!(pause >= Duration::from_secs(5), "{pause:?}");
    assert_eq!(world.stored(&hotel()).pending, None);
}

#[test]
fn a_gateways_503_leaves_a_refresh_in_doubt() {
    let mut world = signed_in();
    stale_end(&mut world, &hotel(), Said::page(503, &[]));
    assert!(world.stored(&hotel()).pending.is_some_and(|attempt| attempt.ambiguous));
}

#[test]
fn a_server_error_in_the_providers_own_form_leaves_no_doubt() {
    for status in [200, 500, 408, 425] {
        let mut world = signed_in();
        let pause = stale_end(&mut world, &hotel(), Said::error(status, "server_error"));
        assert!((1..=60).contains(&pause.as_secs()), "{status}: {pause:?}");
        assert_eq!(world.stored(&hotel()).pending, None, "{status}");
    }
}

#[test]
fn an_invalid_grant_reads_the_store_again_and_takes_over_what_a_sibling_has_got() {
    let mut world = signed_in();
    let mut sibling = world.stored(&hotel());
    sibling.generation.number += 1;
    sibling.parent = sibling.refresh_token.as_ref().map(octo_auth_core::Fingerprint::of);
    sibling.refresh_token = Some("RT7".into());
    world.age(&hotel(), Freshness::Expired);
    let mark = world.decide(&hotel()).job.expect("the write-ahead");
    let send = world.step(mark).expect("the request");
    world.shelf.put(&hotel(), sibling);
    world.endpoint.then(Said::error(400, "invalid_grant"));
    let reload = world.step(send);
    assert!(matches!(reload, Some(octo_auth_core::Job::Load(_))), "{reload:?}");
    world.carry(reload);
    assert_eq!(world.got(&hotel()), "AT3");
    assert_eq!(world.asked[2].refresh_token(), Some("RT7"));
}

#[test]
fn an_invalid_grant_is_final_and_deletes_nothing() {
    let mut world = signed_in();
    world.endpoint.then(Said::error(400, "invalid_grant"));
    world.age(&hotel(), Freshness::Stale);
    assert_eq!(world.got(&hotel()), "AT1");
    assert_eq!(world.decide(&hotel()).line, "4: use AT1");
    let stored = world.stored(&hotel());
    assert_eq!(refresh_token(&stored), Some("RT1"), "no failure deletes a refresh token");
    assert!(stored.terminal.is_some() && stored.token.is_some());
    world.age(&hotel(), Freshness::Expired);
    assert_eq!(world.decide(&hotel()).line, "9: give up, consent_lost, sign in");
}

#[test]
fn a_refresh_refused_without_a_known_code_cools_down_and_the_third_advises_a_sign_in() {
    let mut world = signed_in();
    for (time, advice) in ["provider", "provider", "sign in", "sign in"].into_iter().enumerate() {
        let (line, wait) = expired_end(&mut world, &hotel(), Said::json(401, "{}"));
        assert_eq!(line, format!("8: give up, http:401, {advice}"));
        assert_eq!(wait, Duration::from_secs(60 << time), "doubling");
        assert_eq!(refresh_token(&world.stored(&hotel())), Some("RT1"));
        assert_eq!(world.stored(&hotel()).terminal, None, "advice, not an end");
        world.pass(wait);
    }
    assert!(world.got(&hotel()).starts_with("AT"));
}

#[test]
fn what_waiting_cannot_improve_cools_down_from_60_seconds_to_15_minutes() {
    let ends: [fn() -> Said; 6] = [
        || Said::error(401, "invalid_client"),
        || Said::error(400, "invalid_scope"),
        || Said::json(404, "{}"),
        || Said::json(405, "{}"),
        || Said::json(415, "{}"),
        || Said::page(302, &[("location", "https://elsewhere.example/")]),
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
fn a_success_that_cannot_be_saved_is_served_and_saved_again() {
    let mut world = signed_in();
    world.endpoint.then(Said::tokens("AT2", 3600, "RT2"));
    world.age(&hotel(), Freshness::Stale);
    let mark = world.decide(&hotel()).job.expect("the write-ahead");
    let send = world.step(mark);
    world.shelf.refuse_writing(true);
    world.carry(send);
    assert_eq!(world.decide(&hotel()).line, "1: use AT2");
    assert_eq!(refresh_token(&world.stored(&hotel())), Some("RT1"));
    assert!(world.accounts.status(&hotel(), world.now).is_some_and(|status| status.unsaved));
    world.shelf.refuse_writing(false);
    world.pass_seconds(30);
    assert_eq!(world.got(&hotel()), "AT2");
    assert_eq!(refresh_token(&world.stored(&hotel())), Some("RT2"));
}

#[test]
fn what_arrives_after_a_sign_out_is_revoked_and_not_published() {
    let mut world = signed_in();
    world.endpoint.then(Said::tokens("AT2", 3600, "RT2"));
    world.age(&hotel(), Freshness::Stale);
    let mark = world.decide(&hotel()).job.expect("the write-ahead");
    let send = world.step(mark);
    let job = world.accounts.sign_out(&hotel(), world.now);
    world.endpoint.always(|_| Said::json(200, ""));
    world.carry(job);
    world.carry(send);
    assert_eq!(world.decide(&hotel()).line, "0a: give up, signed_out, sign in");
    let revoked: Vec<&str> = world
        .asked
        .iter()
        .filter(|asked| asked.purpose == Purpose::Revocation)
        .filter_map(|asked| asked.parameter("token"))
        .collect();
    assert!(revoked.contains(&"RT2"), "{revoked:?}");
    let stored = world.stored(&hotel());
    assert!(stored.signed_out && stored.token.is_none() && stored.refresh_token.is_none());
}

#[test]
fn the_carrier_of_a_client_grant_that_is_lost_is_replaced_at_once_the_first_time() {
    let mut world = Machine::new(standard());
    world.endpoint.then(Said::Lost);
    world.endpoint.then(Said::Lost);
    assert_eq!(world.got(&service()), "lost");
    assert_eq!(world.requests(), 2);
    let wait = world.decide(&service()).wait();
    assert!(wait <= Duration::from_secs(2), "{wait:?}");
    world.pass(wait);
    assert_eq!(world.got(&service()), "AT3");
}

#[test]
fn a_late_answer_is_taken_as_it_may_hold_the_only_refresh_token() {
    let mut world = signed_in();
    world.endpoint.then(Said::tokens("AT2", 3600, "RT2"));
    world.age(&hotel(), Freshness::Expired);
    let mark = world.decide(&hotel()).job.expect("the write-ahead");
    let Some(octo_auth_core::Job::Send(send)) = world.step(mark) else { panic!("the request") };
    world.pass_seconds(61);
    assert_eq!(world.decide(&hotel()).line, "8: give up, lost, later");
    let report = world.send(send);
    let save = world.report(report);
    world.carry(save);
    assert_eq!(world.decide(&hotel()).line, "1: use AT2");
    assert_eq!(refresh_token(&world.stored(&hotel())), Some("RT2"));
}

#[test]
fn a_late_failure_is_ignored() {
    let mut world = signed_in();
    world.age(&hotel(), Freshness::Expired);
    let mark = world.decide(&hotel()).job.expect("the write-ahead");
    let Some(octo_auth_core::Job::Send(late)) = world.step(mark) else { panic!("the request") };
    world.pass_seconds(61);
    let wait = world.decide(&hotel()).wait();
    world.pass(wait);
    world.endpoint.then(Said::tokens("AT2", 3600, "RT2"));
    assert_eq!(world.got(&hotel()), "AT2");
    world.endpoint.then(Said::error(400, "invalid_grant"));
    let report = world.send(late);
    assert!(world.report(report).is_none());
    assert_eq!(world.decide(&hotel()).line, "1: use AT2");
    assert_eq!(world.stored(&hotel()).terminal, None);
}

#[test]
fn octorates_quota_answer_closes_the_registration_for_a_while() {
    let mut world = signed_in_at(octorate());
    let body = r#"{"type":"ApiQuotaException","message":"quota exceeded"}"#;
    world.endpoint.then(Said::json(403, body));
    world.age(&hotel(), Freshness::Expired);
    let code = world.got(&hotel());
    let told = world.decide(&hotel());
    assert!(told.line.starts_with("8: give up"), "{code}: {}", told.line);
    assert_eq!(refresh_token(&world.stored(&hotel())), Some("RT1"));
    world.sign_in(&Key::account("inn"), "RT7");
    let other = world.decide(&Key::account("inn"));
    assert!(other.line.starts_with("8: give up"), "{code}: {}", other.line);
}

#[test]
fn a_token_of_unknown_lifetime_that_is_given_again_as_expired_is_served_no_more() {
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    world.endpoint.then(Said::json(200, r#"{"access_token":"AT1","token_type":"Bearer"}"#));
    assert_eq!(world.got(&service()), "AT1");
    world.pass_seconds(3600);
    world.endpoint.then(Said::token("AT1", 0));
    let renewal = world.decide(&service()).job;
    world.carry(renewal);
    assert_eq!(world.got(&service()), "expired_on_arrival");
    assert!(world.stored(&service()).token.is_none(), "nor by the next start");
}

#[test]
fn the_same_token_again_with_just_the_life_it_has_left_keeps_the_guard_it_had() {
    let mut world = Machine::new(standard());
    world.endpoint.then(Said::token("AT1", 100));
    let token = world.get(&service()).expect("a token");
    world.pass_seconds(40);
    world.accounts.refused(&service(), token.generation(), world.now);
    world.endpoint.then(Said::token("AT1", 60));
    assert_eq!(world.got(&service()), "AT1 (suspect)");
    assert_eq!(world.requests(), 2);
    world.pass_seconds(50);
    let freshness = world.accounts.status(&service(), world.now).expect("known").freshness;
    assert_eq!(freshness, Freshness::Expired);
}
