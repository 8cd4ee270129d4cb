//! The effects of an answer: tokens, doubt, the next attempt.

use std::time::Duration;

use octo_auth_core::{Client, Freshness, Imported, Job, Remedy, Storage, TokenSpec, TransportError};
use octo_auth_testkit::machine::{InMemoryStore, Machine, ServerReply, hotel, service};
use octo_auth_testkit::registration::{octorate, standard};
use octo_auth_testkit::response::json;

use crate::scene::{blocked_for, expired_end, signed_in, stale_end, status};

#[test]
fn a_new_token_is_the_next_generation_and_its_refresh_token_is_stored() {
    let mut world = signed_in();
    let before = world.get(&hotel()).expect("a token").generation();
    world.endpoint.then(ServerReply::tokens("AT2", 3600, "RT2"));
    world.age(&hotel(), Freshness::Stale);
    assert_eq!(world.got(&hotel()), "AT1");
    let token = world.get(&hotel()).expect("a token");
    assert_eq!(token.access_token().expose(), "AT2");
    assert_eq!(token.generation().number, before.number + 1);
    assert_eq!(token.generation().family, before.family);
    let stored = world.stored(&hotel());
    assert_eq!((stored.refresh_token(), stored.attempt()), (Some("RT2"), None));
    assert_eq!(world.asked[1].refresh_token(), Some("RT1"));
}

#[test]
fn an_answer_without_a_refresh_token_keeps_the_stored_one() {
    let mut world = signed_in();
    world.endpoint.then(ServerReply::token("AT2", 3600));
    world.age(&hotel(), Freshness::Expired);
    assert_eq!(world.got(&hotel()), "AT2");
    let stored = world.stored(&hotel());
    assert_eq!(stored.refresh_token(), Some("RT1"));
    assert!(stored.attempt().is_none(), "nothing is in doubt");
}

#[test]
fn the_same_token_again_is_a_new_generation_and_its_refresh_token_is_kept() {
    let mut world = signed_in();
    let before = world.get(&hotel()).expect("a token");
    world.endpoint.then(ServerReply::tokens("AT1", 3600, "RT2"));
    world.age(&hotel(), Freshness::Stale);
    assert_eq!(world.got(&hotel()), "AT1");
    let after = world.get(&hotel()).expect("a token");
    assert_eq!(after.generation().number, before.generation().number + 1);
    assert_eq!(after.tokens().expires_at(), Some(world.now.wall.saturating_add(Duration::from_secs(3600))));
    assert_eq!(world.stored(&hotel()).refresh_token(), Some("RT2"));
}

#[test]
fn a_server_that_repeats_a_token_until_its_end_gets_at_most_one_request_in_30_seconds() {
    let mut world = Machine::new(standard());
    let end = world.now.boot + Duration::from_secs(3600);
    world
        .endpoint
        .always(move |asked| ServerReply::token("AT1", end.saturating_sub(asked.at.boot).as_secs()));
    while world.now.boot + Duration::from_secs(10) < end {
        assert_eq!(world.got(&service()), "AT1");
        world.pass_seconds(1);
    }
    assert!(world.most_within(30) <= 1, "{:?}", world.asked);
    assert!((2..=20).contains(&world.requests()), "{} requests", world.requests());
}

#[test]
fn a_token_that_is_due_again_at_once_is_renewed_after_30_seconds_at_the_earliest() {
    let mut world = Machine::new(standard());
    let body = r#"{"access_token":"AT1","token_type":"Bearer","expires_in":3600,"refresh_in":0}"#;
    world.endpoint.always(move |_| ServerReply::json(200, body));
    assert_eq!(world.got(&service()), "AT1");
    let requests = world.requests();
    for _ in 0..29 {
        world.pass_seconds(1);
        assert_eq!(world.got(&service()), "AT1");
    }
    assert_eq!(world.requests(), requests);
}

#[test]
fn a_server_that_repeats_a_token_until_its_end_leaves_no_caller_without_one() {
    let mut world = Machine::new(standard());
    let start = world.now.boot;
    world.endpoint.always(move |asked| {
        // One token for each hour. It expires at the end of its hour.
        let age = (asked.at.boot - start).as_secs();
        ServerReply::token(&format!("AT{}", age / 3600), 3600 - age % 3600)
    });
    for second in 0..4 * 3600 {
        let got = world.got(&service());
        // The last tenth of a second is reserved for transit. No better token is available then.
        assert!(got.starts_with("AT"), "{second}: {got}");
        world.pass_seconds(1);
    }
    assert!(world.most_within(60) <= 10, "{}", world.most_within(60));
}

#[test]
fn an_answer_that_comes_late_in_the_life_of_its_token_leaves_no_caller_without_one() {
    let mut world = Machine::new(standard());
    world.endpoint.then(ServerReply::token("AT1", 60));
    let send = world.up_to_sending(&service());
    let report = world.send(send);
    world.pass_seconds(40);
    let rest = world.report(report);
    world.carry(rest);
    for _ in 0..14 {
        assert_eq!(world.got(&service()), "AT1");
        world.pass_seconds(1);
    }
    assert_eq!(world.got(&service()), "AT2", "at its end the next one is asked for");
}

#[test]
fn a_token_that_expired_on_arrival_is_neither_served_nor_stored_but_its_refresh_token_is() {
    let mut world = signed_in();
    stale_end(&mut world, &hotel(), ServerReply::tokens("AT2", 0, "RT2"));
    assert_eq!(world.stored(&hotel()).refresh_token(), Some("RT2"));
    let (line, wait) = expired_end(&mut world, &hotel(), ServerReply::tokens("AT3", 0, "RT3"));
    assert_eq!(line, "expired_blocked: give up, expired_on_arrival, later");
    assert!(wait >= Duration::from_secs(1));
    let stored = world.stored(&hotel());
    assert_eq!((stored.refresh_token(), stored.attempt()), (Some("RT3"), None));
    assert_eq!(stored.access_token(), Some("AT1"), "the one before it");
}

#[test]
fn the_refresh_token_of_an_unusable_answer_is_stored() {
    let body = r#"{"access_token":"two\nlines","token_type":"Bearer","refresh_token":"RT2"}"#;
    let mut world = signed_in();
    stale_end(&mut world, &hotel(), ServerReply::json(200, body));
    let stored = world.stored(&hotel());
    assert_eq!((stored.refresh_token(), stored.attempt()), (Some("RT2"), None));
    world.age(&hotel(), Freshness::Expired);
    assert!(world.got(&hotel()).starts_with("AT"));
    assert_eq!(world.asked[2].refresh_token(), Some("RT2"), "the next attempt uses it");
}

#[test]
fn an_unreadable_answer_leaves_a_refresh_in_doubt_and_a_client_grant_as_it_was() {
    for said in [
        || ServerReply::page(200, &[]),
        || ServerReply::json(200, "{\"access_token\":"),
        || ServerReply::json(200, ""),
    ] {
        let mut world = signed_in();
        stale_end(&mut world, &hotel(), said());
        assert!(world.stored(&hotel()).is_in_doubt(), "the attempt stays open");
        assert_eq!(world.stored(&hotel()).refresh_token(), Some("RT1"));
        let mut world = Machine::new(standard());
        world.got(&service());
        let pause = stale_end(&mut world, &service(), said());
        assert!(pause >= Duration::from_secs(1) && pause <= Duration::from_secs(60), "{pause:?}");
    }
}

#[test]
fn a_request_that_was_not_sent_leaves_no_doubt_and_backs_off() {
    let mut world = signed_in();
    let pause =
        stale_end(&mut world, &hotel(), ServerReply::Fault(TransportError::not_sent("connection refused")));
    assert_eq!(pause, Duration::from_secs(1));
    assert_eq!(world.stored(&hotel()).attempt(), None);
    let not_sent = ServerReply::Fault(TransportError::not_sent("connection refused"));
    let (line, wait) = expired_end(&mut world, &hotel(), not_sent);
    assert_eq!(line, "expired_blocked: give up, not_sent, later");
    assert!((1..=2).contains(&wait.as_secs()), "{wait:?}");
}

#[test]
fn a_throttled_refresh_waits_for_retry_after_and_leaves_no_doubt() {
    let mut world = signed_in();
    assert_eq!(stale_end(&mut world, &hotel(), ServerReply::unavailable_for(120)), Duration::from_secs(120));
    assert_eq!(world.stored(&hotel()).attempt(), None, "the server itself said that it did nothing");
    let mut world = signed_in();
    let pause = stale_end(&mut world, &hotel(), ServerReply::error(429, "slow_down"));
    assert!(pause >= Duration::from_secs(5), "{pause:?}");
    assert_eq!(world.stored(&hotel()).attempt(), None);
}

#[test]
fn a_503_of_a_gateway_leaves_a_refresh_in_doubt() {
    let mut world = signed_in();
    stale_end(&mut world, &hotel(), ServerReply::page(503, &[]));
    assert!(world.stored(&hotel()).is_in_doubt());
}

#[test]
fn a_server_error_in_the_form_of_the_provider_leaves_no_doubt() {
    for status in [200, 500, 408, 425] {
        let mut world = signed_in();
        let pause = stale_end(&mut world, &hotel(), ServerReply::error(status, "server_error"));
        assert!((1..=60).contains(&pause.as_secs()), "{status}: {pause:?}");
        assert_eq!(world.stored(&hotel()).attempt(), None, "{status}");
    }
}

#[test]
fn an_invalid_grant_is_final_and_deletes_nothing() {
    let mut world = signed_in();
    world.endpoint.then(ServerReply::error(400, "invalid_grant"));
    world.age(&hotel(), Freshness::Stale);
    assert_eq!(world.got(&hotel()), "AT1");
    assert_eq!(world.decide(&hotel()).line, "stale_blocked: use AT1");
    let stored = world.stored(&hotel());
    assert_eq!(stored.refresh_token(), Some("RT1"), "no failure deletes a refresh token");
    assert!(stored.dead().is_some() && stored.access_token().is_some());
    world.age(&hotel(), Freshness::Expired);
    assert_eq!(world.decide(&hotel()).line, "refresh_token_dead: give up, refresh_token_rejected, sign in");
}

#[test]
fn a_refresh_with_an_unknown_error_code_cools_down_and_the_third_advises_a_sign_in() {
    let mut world = signed_in();
    for (time, advice) in ["provider", "provider", "sign in", "sign in"].into_iter().enumerate() {
        let (line, wait) = expired_end(&mut world, &hotel(), ServerReply::error(401, "odd"));
        assert_eq!(line, format!("expired_blocked: give up, oauth:odd, {advice}"));
        assert_eq!(wait, Duration::from_secs(60 << time), "doubling");
        assert_eq!(world.stored(&hotel()).refresh_token(), Some("RT1"));
        assert_eq!(world.stored(&hotel()).dead(), None, "advice, not an end");
        world.pass(wait);
    }
    assert!(world.got(&hotel()).starts_with("AT"));
}

#[test]
fn a_late_answer_is_taken_because_it_may_hold_the_only_refresh_token() {
    let mut world = signed_in();
    world.endpoint.then(ServerReply::tokens("AT2", 3600, "RT2"));
    world.age(&hotel(), Freshness::Expired);
    let attempt = world.decide(&hotel()).job.expect("the write-ahead");
    let Some(Job::Send(send)) = world.step(attempt) else { panic!("the request") };
    world.pass_seconds(61);
    assert_eq!(world.decide(&hotel()).line, "expired_blocked: give up, lost, later");
    let report = world.send(send);
    let save = world.report(report);
    world.carry(save);
    assert_eq!(world.decide(&hotel()).line, "fresh: use AT2");
    assert_eq!(world.stored(&hotel()).refresh_token(), Some("RT2"));
}

#[test]
fn a_late_failure_changes_nothing() {
    let mut world = signed_in();
    world.age(&hotel(), Freshness::Expired);
    let attempt = world.decide(&hotel()).job.expect("the write-ahead");
    let Some(Job::Send(late)) = world.step(attempt) else { panic!("the request") };
    world.pass_seconds(61);
    let wait = world.decide(&hotel()).wait();
    world.pass(wait);
    world.endpoint.then(ServerReply::tokens("AT2", 3600, "RT2"));
    assert_eq!(world.got(&hotel()), "AT2");
    world.endpoint.then(ServerReply::error(400, "invalid_grant"));
    let report = world.send(late);
    assert!(world.report(report).is_none());
    assert_eq!(world.decide(&hotel()).line, "fresh: use AT2");
    assert_eq!(world.stored(&hotel()).dead(), None);
}

#[test]
fn a_late_answer_to_a_client_grant_does_not_replace_a_token() {
    let mut world = Machine::new(standard());
    let Some(Job::Send(first)) = world.decide(&service()).job else { panic!("no request") };
    world.pass_seconds(62);
    world.got(&service());
    world.pass_seconds(5);
    world.endpoint.then(ServerReply::token("AT9", 3600));
    let held = world.get(&service()).expect("a token");
    let answer = json(200, r#"{"access_token":"OLD","token_type":"Bearer","expires_in":3600}"#);
    let rest = world.report(first.answered(&answer, world.now, world.now));
    world.carry(rest);
    let served = world.get(&service()).expect("a token");
    assert_eq!(served.access_token().expose(), held.access_token().expose());
}

#[test]
fn a_late_answer_to_a_client_grant_is_taken_if_there_is_no_token() {
    let mut world = Machine::new(standard());
    let Some(Job::Send(first)) = world.decide(&service()).job else { panic!("no request") };
    world.pass_seconds(62);
    world.endpoint.then(ServerReply::error(503, ""));
    world.got(&service());
    let answer = json(200, r#"{"access_token":"OLD","token_type":"Bearer","expires_in":3600}"#);
    let rest = world.report(first.answered(&answer, world.now, world.now));
    world.carry(rest);
    assert_eq!(world.got(&service()), "OLD");
}

#[test]
fn a_late_failure_is_not_an_event_of_the_spec() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let Some(Job::Send(first)) = world.decide(&hotel()).job else { panic!("no request") };
    world.pass_seconds(62);
    world.got(&hotel());
    world.pass_seconds(5);
    assert_eq!(world.got(&hotel()), "AT1", "the second use brought a token");
    world.events(&hotel());
    let rest = world.report(first.failed(TransportError::unknown("reset"), world.now));
    assert!(rest.is_none());
    let after = world.manager.status(&hotel(), world.now).expect("known");
    assert!(after.setback.is_none() && world.events(&hotel()).is_empty(), "{after:?}");
}

#[test]
fn a_late_answer_to_an_earlier_request_does_not_replace_a_newer_token() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let first = world.up_to_sending(&hotel());
    let asked = world.now;
    world.pass_seconds(62);
    assert_eq!(world.got(&hotel()), "lost");
    world.pass_seconds(5);
    world.endpoint.then(ServerReply::token("AT-new", 90));
    assert_eq!(world.got(&hotel()), "AT-new");
    let now = std::mem::replace(&mut world.now, asked);
    world.endpoint.then(ServerReply::token("AT-old", 90));
    let report = world.send(first);
    world.now = now;
    let rest = world.report(report);
    world.carry(rest);
    assert_eq!(world.got(&hotel()), "AT-new");
}

#[test]
fn only_an_unexplained_oauth_error_to_a_refresh_advises_a_sign_in_after_the_third_time() {
    let third = |key: &TokenSpec, said: fn() -> ServerReply| {
        let mut world = Machine::new(standard());
        world.sign_in(&hotel(), "RT0");
        for _ in 0..2 {
            world.endpoint.then(said());
            world.got(key);
            world.pass_seconds(3600);
        }
        world.endpoint.then(said());
        world.get(key).expect_err("it failed").remedy()
    };
    assert_eq!(third(&hotel(), || ServerReply::error(400, "odd")), Remedy::SignInAgain);
    assert_ne!(
        third(&hotel(), || ServerReply::json(400, "{}")),
        Remedy::SignInAgain,
        "not the server's own error shape"
    );
    assert_ne!(third(&hotel(), || ServerReply::page(403, &[])), Remedy::SignInAgain, "a firewall's page");
    assert_ne!(
        third(&service(), || ServerReply::error(400, "odd")),
        Remedy::SignInAgain,
        "no user signs in for it"
    );
    assert_ne!(third(&hotel(), || ServerReply::json(404, "{}")), Remedy::SignInAgain, "the address is wrong");
    assert_ne!(
        third(&hotel(), || ServerReply::error(400, "invalid_scope")),
        Remedy::SignInAgain,
        "it says why"
    );
}

#[test]
fn an_error_of_the_server_itself_closes_the_attempt_and_one_of_a_gateway_does_not() {
    let pending = |client: Client, said: ServerReply| {
        let mut world = Machine::with_store(client, Storage::SingleProcess, &InMemoryStore::default(), 1);
        world.sign_in(&hotel(), "RT0");
        world.endpoint.then(said);
        world.got(&hotel());
        world.stored(&hotel()).attempt().is_some()
    };
    assert!(!pending(standard(), ServerReply::error(429, "slow_down")));
    assert!(!pending(standard(), ServerReply::page(429, &[])));
    assert!(!pending(standard(), ServerReply::page(404, &[])));
    assert!(pending(standard(), ServerReply::page(500, &[])));
    let refused = r#"{"type":"ApiException","message":"not now"}"#;
    assert!(!pending(octorate(), ServerReply::json(200, refused)), "an error whatever its status says");
}

#[test]
fn an_error_that_does_not_refuse_the_refresh_token_never_ends_in_a_sign_in() {
    let ends: [fn() -> ServerReply; 8] = [
        || ServerReply::page(403, &[]),
        || ServerReply::page(400, &[]),
        || ServerReply::page(429, &[]),
        || ServerReply::page(429, &[("retry-after", "1")]),
        || ServerReply::error(429, "slow_down"),
        || ServerReply::error(400, "temporarily_unavailable"),
        || ServerReply::json(400, r#"{"message":"try again"}"#),
        || ServerReply::json(403, r#"{"message":"Forbidden"}"#),
    ];
    for (which, said) in ends.into_iter().enumerate() {
        let mut world = signed_in();
        world.age(&hotel(), Freshness::Expired);
        for _ in 0..20 {
            world.endpoint.then(said());
            let failure = world.get(&hotel()).expect_err("it is an error");
            assert_ne!(failure.remedy(), Remedy::SignInAgain, "{which}: {failure}");
            assert!(world.stored(&hotel()).dead().is_none(), "{which}");
            world.pass_seconds(3600);
        }
        assert!(world.got(&hotel()).starts_with("AT"), "{which}");
        assert!(world.asked[1..].iter().all(|asked| asked.refresh_token() == Some("RT1")), "{which}");
    }
}

#[test]
fn a_repeated_token_blocks_the_next_renewal_for_a_quarter_of_its_stale_time() {
    let mut world = signed_in();
    world.endpoint.then(ServerReply::token("AT1", 3600));
    world.age(&hotel(), Freshness::Stale);
    assert_eq!(world.got(&hotel()), "AT1");
    let token = world.get(&hotel()).expect("a token");
    world.manager.refused(&hotel(), token.generation(), world.now);
    let due = token.validity().renewal_due_age().expect("it is renewed");
    let rest = (Duration::from_secs(3600) - due) / 4;
    assert!(rest > Duration::from_secs(30), "{rest:?}");
    assert_eq!(blocked_for(&mut world, &hotel()), rest);
}

#[test]
fn a_failed_renewal_does_not_delay_the_renewal_of_a_refused_token() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    assert_eq!(world.got(&hotel()), "AT1");
    for _ in 0..2 {
        world.age(&hotel(), Freshness::Stale);
        world.endpoint.then(ServerReply::error(400, "odd"));
        world.got(&hotel());
        world.pass_seconds(60);
        assert!(world.got(&hotel()).starts_with("AT"));
        world.get(&hotel()).expect("a new token");
    }
    let token = world.get(&hotel()).expect("a token");
    world.manager.refused(&hotel(), token.generation(), world.now);
    assert_eq!(world.decide(&hotel()).line, "refused_renewing: send");
}

#[test]
fn a_failure_after_a_later_sign_in_does_not_block_it() {
    for said in [ServerReply::error(500, "server_error"), ServerReply::unavailable_for(300)] {
        let mut world = Machine::new(standard());
        world.sign_in(&hotel(), "RT0");
        let send = world.up_to_sending(&hotel());
        world.sign_in(&hotel(), "RT5");
        world.endpoint.then(said);
        world.carry(Some(Job::Send(send)));
        assert_eq!(world.decide(&hotel()).line, "expired_renewing: send");
    }
}

#[test]
fn a_failure_of_a_client_grant_after_an_import_is_not_an_event_of_the_spec() {
    let tokens = Machine::new(standard()).get(&service()).expect("a token").tokens().clone();
    let mut world = Machine::new(standard());
    let send = world.up_to_sending(&service());
    let job = world.manager.import(&service(), Imported::from(tokens), world.now).expect("imported");
    world.carry(job);
    world.endpoint.then(ServerReply::error(500, "server_error"));
    world.carry(Some(Job::Send(send)));
    let status = world.manager.status(&service(), world.now).expect("known");
    assert!(status.setback.is_none(), "{status:?}");
}

#[test]
fn a_late_answer_that_brings_nothing_new_writes_nothing() {
    let mut world = signed_in();
    world.age(&hotel(), Freshness::Expired);
    let late = world.up_to_sending(&hotel());
    world.pass_seconds(61);
    let wait = world.decide(&hotel()).wait();
    world.pass(wait);
    assert_eq!(world.got(&hotel()), "AT2");
    world.endpoint.then(ServerReply::token("AT-late", 3600));
    let report = world.send(late);
    let rest = world.report(report);
    assert!(rest.is_none(), "{rest:?}");
    assert_eq!(world.got(&hotel()), "AT2");
}

#[test]
fn an_error_asks_for_a_sign_in_only_if_no_token_is_left() {
    let mut world = signed_in();
    stale_end(&mut world, &hotel(), ServerReply::error(400, "interaction_required"));
    let setback = status(&world, &hotel()).setback.expect("the renewal failed");
    assert_eq!(setback.remedy(), Remedy::AskProvider);
    let (line, _) = expired_end(&mut world, &hotel(), ServerReply::error(400, "interaction_required"));
    assert_eq!(line, "expired_blocked: give up, oauth:interaction_required, sign in");
}

#[test]
fn an_answer_to_the_last_of_two_uses_ends_the_doubt_of_the_first() {
    let mut world = signed_in();
    world.age(&hotel(), Freshness::Expired);
    world.endpoint.then(ServerReply::Fault(TransportError::timed_out("no answer")));
    world.got(&hotel());
    assert!(world.stored(&hotel()).is_in_doubt());
    world.pass_seconds(130);
    world.endpoint.then(ServerReply::token("AT3", 3600));
    assert_eq!(world.got(&hotel()), "AT3");
    assert!(!world.stored(&hotel()).is_in_doubt());
}
