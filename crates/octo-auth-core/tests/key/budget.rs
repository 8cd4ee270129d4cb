//! The request budget of one process.

use std::time::Duration;

use octo_auth_core::profile::AccountLimit;
use octo_auth_core::{Client, Freshness, Policy, Purpose, Storage, TokenSpec, TransportError};
use octo_auth_testkit::StoredRecord;
use octo_auth_testkit::machine::{Endpoint, InMemoryStore, Machine, ServerReply, hotel, scoped, service};
use octo_auth_testkit::registration::{CLIENT_ID, CLIENT_SECRET, officernd, standard};
use serde_json::Value;

fn locations(count: usize) -> Vec<TokenSpec> {
    (0..count)
        .map(|number| scoped("flex.community.members.read").with_parameter("location", &number.to_string()))
        .collect()
}

/// Returns how long until a slot opens, if the budget is what blocks the spec.
fn is_spent(world: &mut Machine, key: &TokenSpec) -> Option<Duration> {
    let told = world.decide(key);
    (told.line == "expired_blocked: give up, budget_spent, later").then(|| told.wait())
}

#[test]
fn an_admitted_request_is_possible_again_when_the_window_is_over() {
    let policy = Policy::default().with_request_limit(1).expect("a limit");
    let mut world = Machine::with_policy(standard(), policy);
    world.manager.admit(Purpose::CodeExchange, world.now).expect("room");
    let opens = world.manager.admit(Purpose::CodeExchange, world.now).expect_err("spent");
    world.pass_until(opens - Duration::from_millis(1));
    assert_eq!(world.manager.admit(Purpose::CodeExchange, world.now), Err(opens));
    world.pass_until(opens);
    world.manager.admit(Purpose::CodeExchange, world.now).expect("room again");
}

#[test]
fn two_scope_sets_of_one_registration_share_four_requests_a_minute() {
    let mut world = Machine::new(officernd());
    let keys = [
        scoped("flex.community.members.read"),
        scoped("flex.community.companies.read"),
        scoped("flex.community.members.read flex.community.companies.read"),
        scoped("flex.billing.payments.read"),
        scoped("flex.space.locations.read"),
    ];
    for key in &keys[..4] {
        assert!(world.got(key).starts_with("AT"));
    }
    assert_eq!(is_spent(&mut world, &keys[4]), Some(Duration::from_secs(61)));
    world.pass_seconds(60);
    assert_eq!(is_spent(&mut world, &keys[4]), Some(Duration::from_secs(1)));
    world.pass_seconds(1);
    assert_eq!(world.got(&keys[4]), "AT5");
}

#[test]
fn a_caller_past_its_deadline_gets_no_error_about_the_budget_its_flight_has_spent() {
    let policy = Policy::default().with_request_limit(1).expect("a limit");
    let mut world = Machine::with_policy(standard(), policy);
    assert_eq!(world.decide(&service()).line, "expired_renewing: send");
    world.pass_seconds(30);
    assert_eq!(world.decide_at_deadline(&service()).line, "expired_in_flight: give up, still_waiting, later");
}

#[test]
fn two_registrations_share_no_budget() {
    for _ in 0..2 {
        let mut world = Machine::new(officernd());
        for key in &locations(4) {
            assert!(world.got(key).starts_with("AT"));
        }
    }
}

#[test]
fn officernd_gets_at_most_four_requests_in_any_minute_whatever_fails() {
    let ends: [fn() -> ServerReply; 6] = [
        || ServerReply::error(500, "server_error"),
        || ServerReply::page(200, &[]),
        || ServerReply::error(429, "slow_down"),
        || ServerReply::error(401, "invalid_client"),
        || ServerReply::token("AT0", 1),
        || ServerReply::Lost,
    ];
    for (which, said) in ends.into_iter().enumerate() {
        let mut world = Machine::new(officernd());
        let keys = locations(8);
        world.endpoint.always(
            move |asked| if asked.number % 5 == 0 { ServerReply::next_tokens(asked) } else { said() },
        );
        for _ in 0..1800 {
            for key in &keys {
                world.got(key);
            }
            world.pass_seconds(1);
        }
        assert!(world.most_within(60) <= 4, "case {which}: {} in a minute", world.most_within(60));
        assert!(world.requests() > 4, "case {which}: it goes on");
    }
}

#[test]
fn after_a_failure_officernd_gets_no_request_for_12_seconds() {
    let mut world = Machine::new(officernd());
    let keys = locations(2);
    // This error blocks only one spec. The minimum distance of requests holds for the other.
    world.endpoint.then(ServerReply::page(200, &[]));
    world.got(&keys[0]);
    assert_eq!(is_spent(&mut world, &keys[1]), Some(Duration::from_secs(12)));
    world.pass_seconds(12);
    assert_eq!(world.got(&keys[1]), "AT2");
}

#[test]
fn a_renewal_of_a_stale_token_leaves_the_last_request_to_a_key_without_a_token() {
    let mut world = Machine::new(officernd());
    let keys = locations(4);
    world.got(&keys[0]);
    world.age(&keys[0], Freshness::Stale);
    for key in &keys[1..] {
        world.got(key);
    }
    assert_eq!(world.decide(&keys[0]).line, "stale_blocked: use AT1");
    let fifth = scoped("flex.space.locations.read");
    assert_eq!(world.got(&fifth), "AT5", "three were sent in this minute, one slot is open");
}

#[test]
fn a_key_that_failed_takes_at_most_half_of_the_budget() {
    let policy = Policy::default().with_request_limit(4).expect("a sound limit");
    let mut world = Machine::with_policy(standard(), policy);
    world.endpoint.always(|asked| match asked.parameter("scope") {
        Some("broken") => ServerReply::page(200, &[]),
        _ => ServerReply::next_tokens(asked),
    });
    for _ in 0..60 {
        world.got(&scoped("broken"));
        world.pass_seconds(1);
    }
    assert_eq!(world.requests(), 2);
    assert!(world.got(&scoped("a")).starts_with("AT"));
    assert!(world.got(&scoped("b")).starts_with("AT"));
}

#[test]
fn without_a_documented_limit_600_requests_a_minute_are_sent_at_most() {
    let mut world = Machine::new(standard());
    for number in 0..600 {
        assert!(world.got(&service().with_parameter("tenant", &number.to_string())).starts_with("AT"));
    }
    assert_eq!(is_spent(&mut world, &service()), Some(Duration::from_secs(61)));
}

#[test]
fn one_spec_takes_at_most_10_requests_a_minute_even_if_its_tokens_expire_immediately() {
    let mut world = Machine::new(standard());
    world.endpoint.always(|asked| ServerReply::token(&format!("AT{}", asked.number), 1));
    for _ in 0..3000 {
        world.got(&service());
        world.pass(Duration::from_millis(100));
    }
    assert!(world.most_within(60) <= 10, "{}", world.most_within(60));
}

#[test]
fn an_admitted_request_is_counted_too() {
    let mut world = Machine::new(officernd());
    for _ in 0..2 {
        world.manager.admit(Purpose::CodeExchange, world.now).expect("there is room");
    }
    let keys = locations(3);
    assert_eq!((world.got(&keys[0]), world.got(&keys[1])), ("AT1".to_owned(), "AT2".to_owned()));
    assert_eq!(is_spent(&mut world, &keys[2]), Some(Duration::from_secs(61)));
}

#[test]
fn admitted_requests_take_at_most_half_of_the_budget() {
    let mut world = Machine::new(officernd());
    for _ in 0..2 {
        world.manager.admit(Purpose::CodeExchange, world.now).expect("there is room");
    }
    let opens = world.manager.admit(Purpose::CodeExchange, world.now).expect_err("their half is spent");
    assert_eq!(opens, world.now.boot + Duration::from_secs(61));
    assert_eq!(world.got(&locations(1)[0]), "AT1");
}

#[test]
fn failed_specs_together_take_at_most_half_of_the_budget() {
    let policy = Policy::default().with_request_limit(4).expect("a limit");
    let mut world = Machine::with_policy(standard(), policy);
    let (good, bad) = (service(), locations(4));
    for key in &bad {
        world.endpoint.then(ServerReply::error(500, "server_error"));
        world.got(key);
    }
    world.pass_seconds(61);
    let before = world.requests();
    for key in &bad {
        world.endpoint.then(ServerReply::error(500, "server_error"));
        world.got(key);
    }
    assert_eq!(world.requests() - before, 2);
    world.endpoint = Endpoint::default();
    assert!(world.got(&good).starts_with("AT"), "it never failed");
}

#[test]
fn a_request_that_could_not_be_sent_does_not_count() {
    let policy = Policy::default().with_request_limit(2).expect("a limit");
    for storage in [Storage::None, Storage::MultiProcess] {
        let store = InMemoryStore::default();
        let mut world = Machine::with_store_and_policy(standard(), policy.clone(), storage, &store, 1);
        for _ in 0..2 {
            world.endpoint.then(ServerReply::Fault(TransportError::not_sent("no socket is left")));
            assert_eq!(world.got(&service()), "not_sent");
            world.pass_seconds(2);
        }
        assert_eq!(world.manager.budget_left(world.now), 2);
    }
}

#[test]
fn a_policy_can_lower_but_not_raise_the_limit() {
    for (limit, allowed) in [(2, 2), (4, 4), (1000, 4)] {
        let policy = Policy::default().with_request_limit(limit).expect("a sound limit");
        let mut world = Machine::with_policy(officernd(), policy);
        let got = locations(8).iter().filter(|key| world.got(key).starts_with("AT")).count();
        assert_eq!(got, allowed, "a limit of {limit}");
    }
}

#[test]
fn another_client_has_its_own_limit_and_earlier_requests_still_count() {
    let mut world = Machine::new(officernd());
    for number in 0..4 {
        assert!(world.get(&scoped(&format!("flex.{number}.read"))).is_ok());
    }
    let asked = |world: &mut Machine| world.got(&scoped("flex.other.read"));
    assert_eq!(asked(&mut world), "budget_spent");
    let without = officernd().profile().clone().edit(|document| document.token_limit = None);
    let without = Client::new(without.expect("a sound profile"), CLIENT_ID, CLIENT_SECRET);
    world.manager.replace_client(without.expect("a client")).expect("its requests can be built");
    assert_eq!(asked(&mut world), "AT5");
    world.manager.replace_client(officernd()).expect("its requests can be built");
    assert_eq!(world.got(&scoped("flex.last.read")), "budget_spent");
}

#[test]
fn budget_left_decreases_with_each_request_and_is_zero_after_a_failure() {
    let mut world = Machine::new(officernd());
    assert_eq!(world.manager.budget_left(world.now), 4);
    world.manager.admit(Purpose::CodeExchange, world.now).expect("room");
    assert_eq!(world.manager.budget_left(world.now), 3);
    world.endpoint.then(ServerReply::page(503, &[]));
    world.got(&scoped("flex.community.members.read"));
    assert_eq!(world.manager.budget_left(world.now), 0);
    world.pass_seconds(12);
    assert_eq!(world.manager.budget_left(world.now), 2, "the documented distance is over");
    world.pass_seconds(49);
    assert_eq!(world.manager.budget_left(world.now), 4);
}

#[test]
fn a_key_whose_tokens_live_a_few_seconds_is_never_without_one() {
    for lifetime in 2..=20 {
        let mut world = Machine::new(standard());
        world.endpoint.always(move |asked| ServerReply::token(&format!("AT{}", asked.number), lifetime));
        for tenth in 0..1800 {
            let got = world.got(&service());
            assert!(got.starts_with("AT"), "{lifetime} s, after {tenth} tenths: {got}");
            world.pass(Duration::from_millis(100));
        }
        let needed = usize::try_from(150 / lifetime).expect("few") + 1;
        assert!(world.most_within(60) <= needed, "{lifetime} s: {} in a minute", world.most_within(60));
    }
}

#[test]
fn an_account_with_tokens_of_a_few_seconds_is_never_without_one_even_if_renewals_fail() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.endpoint.always(|asked| match asked.number % 7 {
        0 => ServerReply::error(500, "server_error"),
        _ => ServerReply::tokens(&format!("AT{}", asked.number), 6, &format!("RT{}", asked.number)),
    });
    world.sign_in(&hotel(), "RT0");
    for tenth in 0..1800 {
        let got = world.got(&hotel());
        assert!(got.starts_with("AT"), "after {tenth} tenths: {got}");
        world.pass(Duration::from_millis(100));
    }
}

#[test]
fn a_spent_budget_says_whose_limit_it_is() {
    let text = |world: &mut Machine, key: &TokenSpec| world.get(key).expect_err("it is spent").to_string();
    let policy = |limit| Policy::default().with_request_limit(limit).expect("a limit");

    let mut world = Machine::new(officernd());
    locations(4).iter().for_each(|key| drop(world.got(key)));
    let documented = text(&mut world, &scoped("flex.space.locations.read"));
    let said = "no more requests may be sent now (the provider documents a limit of 5 in 60 s, of which octo-auth uses 4)";
    assert!(documented.contains(said), "{documented}");

    let mut world = Machine::with_policy(officernd(), policy(1));
    world.got(&locations(1)[0]);
    let of_policy = text(&mut world, &locations(2)[1]);
    assert!(of_policy.contains("(the policy's limit is 1 in 60 s)"), "{of_policy}");

    let mut world = Machine::new(standard());
    for number in 0..600 {
        world.got(&service().with_parameter("tenant", &number.to_string()));
    }
    let assumed = text(&mut world, &service());
    let said = "(octo-auth's own limit is 600 in 60 s, as the provider documents none)";
    assert!(assumed.contains(said), "{assumed}");

    let mut world = Machine::new(officernd());
    world.endpoint.then(ServerReply::page(200, &[]));
    world.got(&locations(1)[0]);
    let distance = text(&mut world, &locations(2)[1]);
    assert!(
        distance.contains("(the provider documents that none follows a failed one for 12 s)"),
        "{distance}"
    );

    let mut world = Machine::new(standard());
    world.endpoint.always(|asked| ServerReply::token(&format!("AT{}", asked.number), 1));
    while world.requests() < 10 {
        world.got(&service());
        world.pass_seconds(1);
    }
    let of_key = text(&mut world, &service());
    assert!(of_key.contains("(octo-auth's own limit for one key is 10 in 60 s)"), "{of_key}");
    assert!(world.manager.explain(&service(), world.now).contains("limit for one key is 10 in 60 s"));
}

/// Returns a standard server that documents a limit of six requests in ten minutes for each account.
fn six_in_ten_minutes() -> Client {
    let profile = standard().profile().clone();
    let limit = AccountLimit { requests: 6, per_seconds: 600, source: "".into() };
    let profile = profile.edit(|document| document.account_limit = Some(limit)).expect("a profile");
    Client::new(profile, CLIENT_ID, CLIENT_SECRET).expect("a client")
}

#[test]
fn a_documented_limit_of_one_account_holds_for_each_account_alone() {
    let mut world = Machine::new(six_in_ten_minutes());
    world
        .endpoint
        .always(|_| ServerReply::json(200, r#"{"access_token":"AT","token_type":"Bearer","expires_in":30}"#));
    for _ in 0..5 {
        assert_eq!(world.got(&service()), "AT");
        world.age(&service(), Freshness::Expired);
    }
    let wait = is_spent(&mut world, &service()).expect("the account's limit");
    assert!(wait > Duration::from_secs(420) && wait < Duration::from_secs(601), "{wait:?}");
    assert_eq!(world.got(&scoped("other")), "AT");
    world.pass(wait);
    assert_eq!(world.got(&service()), "AT");
}

#[test]
fn requests_sent_during_a_store_outage_are_written_only_while_they_count() {
    let store = InMemoryStore::default();
    let policy = Policy::default().with_request_limit(5).expect("a limit");
    let mut world = Machine::with_store_and_policy(standard(), policy, Storage::MultiProcess, &store, 1);
    world.endpoint.always(|asked| ServerReply::token(&format!("AT{}", asked.number), 1));
    store.set_down(true);
    for _ in 0..100 {
        assert!(world.got(&service()).starts_with("AT"), "a client grant goes on");
        world.pass_seconds(20);
    }
    store.set_down(false);
    world.pass_seconds(30);
    assert!(world.get(&service()).is_ok());
    let requests = |log: &StoredRecord| log.member("sent").and_then(Value::as_array).map_or(0, Vec::len);
    let most = store.history().iter().map(requests).max();
    assert!(most.is_some_and(|most| most <= 5), "{most:?} moments in a log of 61 s");
}
