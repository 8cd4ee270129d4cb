//! The status of a spec, and the events between two looks at it.

use std::time::Duration;

use octo_auth_core::profile::TokenLimit;
use octo_auth_core::{
    AccessToken, Deviation, Event, Freshness, Imported, Job, Secret, State, Status, Storage, TokenErrorKind,
    TokenSet, TokenSpec,
};
use octo_auth_testkit::StoredRecord;
use octo_auth_testkit::machine::{InMemoryStore, Machine, ServerReply, hotel, scoped, service};
use octo_auth_testkit::registration::{octorate, officernd, standard, with};
use octo_auth_testkit::response::json;

use crate::scene::{setback, signed_in, status};

#[test]
fn a_status_tells_what_happened_since_the_last_one() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let events = |world: &mut Machine| world.events(&hotel());
    world.got(&hotel());
    assert!(matches!(events(&mut world).as_slice(), [Event::Renewed(generation)] if generation.number == 1));
    assert!(events(&mut world).is_empty(), "told once");
    world.age(&hotel(), Freshness::Stale);
    world.endpoint.then(ServerReply::error(500, "server_error"));
    world.got(&hotel());
    assert!(
        matches!(events(&mut world).as_slice(), [Event::Setback(failure)] if failure.code() == "http:500")
    );
    world.pass_seconds(60);
    world.endpoint.then(ServerReply::error(400, "invalid_grant"));
    world.got(&hotel());
    assert!(
        matches!(events(&mut world).as_slice(), [Event::SignInNeeded(failure)] if failure.code() == "refresh_token_rejected")
    );
}

#[test]
fn an_account_without_a_sign_in_is_not_signed_in() {
    let mut world = Machine::new(standard());
    world.got(&hotel());
    assert_eq!(setback(&world, &hotel()), TokenErrorKind::NotSignedIn);
    let Status { state, sign_in_needed, .. } = status(&world, &hotel());
    assert_eq!((state, sign_in_needed), (State::NotSignedIn, true));
}

#[test]
fn an_error_asks_to_sign_in_the_first_time_and_to_sign_in_again_later() {
    let mut world = Machine::new(standard());
    let never = world.get(&hotel()).expect_err("no sign-in yet").to_string();
    assert!(never.ends_with("the user has not signed in yet; the user has to sign in"), "{never}");
    let said = world.manager.explain(&hotel(), world.now);
    assert!(said.contains("Renewal: not possible: there is no refresh token."), "{said}");
    world.sign_in(&hotel(), "RT0");
    world.get(&hotel()).expect("a token");
    world.sign_out(&hotel());
    let signed_out = world.get(&hotel()).expect_err("signed out").to_string();
    assert!(signed_out.ends_with("the user has to sign in again"), "{signed_out}");
    let profile = standard().profile().clone();
    let token = AccessToken::new("AT9").expect("a token");
    let without = TokenSet::restore(&profile, token, world.now.wall, Some(Duration::from_secs(3600)), None);
    let job = world.manager.import(&hotel(), Imported::Tokens(without), world.now).expect("it fits");
    world.carry(job);
    assert_eq!(world.got(&hotel()), "AT9");
    world.pass_seconds(3600);
    let failure = world.get(&hotel()).expect_err("it has expired");
    assert_eq!(failure.kind(), TokenErrorKind::NotSignedIn);
    let text = failure.to_string();
    assert!(
        text.contains("the sign-in brought no refresh token") && text.ends_with("sign in again"),
        "{text}"
    );
}

#[test]
fn a_blocked_key_names_the_failure_and_needs_no_sign_in() {
    let mut world = Machine::new(standard());
    world.endpoint.then(ServerReply::error(503, ""));
    world.got(&service());
    let Status { setback, sign_in_needed, state, .. } = status(&world, &service());
    let failure = setback.expect("the endpoint failed");
    assert_eq!((failure.kind(), failure.code().as_ref()), (TokenErrorKind::BackingOff, "http:503"));
    assert_eq!((state, sign_in_needed), (State::ExpiredBlocked, false));
}

#[test]
fn the_status_names_the_next_block_while_a_request_is_in_flight() {
    let mut world = Machine::new(officernd());
    for number in 0..3 {
        world.get(&scoped(&format!("flex.{number}.read"))).expect("room for three");
    }
    let last = world.decide(&scoped("flex.last.read"));
    assert!(last.job.is_some(), "the fourth is in flight");
    assert_eq!(setback(&world, &scoped("flex.last.read")), TokenErrorKind::BudgetSpent);
    assert!(status(&world, &scoped("flex.last.read")).in_flight);
}

#[test]
fn a_record_that_is_being_written_is_saving() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    let imported = Imported::RefreshToken(Secret::from("RT0"));
    let save = world.manager.import(&hotel(), imported, world.now).expect("imported");
    assert!(matches!(save, Some(Job::Save(_))));
    assert!(status(&world, &hotel()).saving);
    world.carry(save);
    assert!(!status(&world, &hotel()).saving);
    let request = world.decide(&hotel()).job.expect("the attempt");
    let request = world.step(request).expect("the request");
    assert!(matches!(request, Job::Send(_)) && !status(&world, &hotel()).saving);
    let save = world.step(request);
    assert!(status(&world, &hotel()).saving);
    world.carry(save);
}

#[test]
fn a_failure_that_needs_a_sign_in_is_one_event() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    world.get(&hotel()).expect("a token");
    world.events(&hotel());
    world.endpoint.then(ServerReply::error(400, "invalid_grant"));
    world.age(&hotel(), Freshness::Expired);
    world.got(&hotel());
    assert!(matches!(world.events(&hotel()).as_slice(), [Event::SignInNeeded(_)]));
    assert!(world.events(&hotel()).is_empty());
}

#[test]
fn each_passing_failure_is_one_event() {
    let mut world = Machine::new(standard());
    world.get(&service()).expect("a token");
    for _ in 0..2 {
        world.events(&service());
        world.endpoint.then(ServerReply::error(503, ""));
        world.age(&service(), Freshness::Expired);
        world.pass_seconds(70);
        world.got(&service());
        let events = world.events(&service());
        assert!(matches!(events.as_slice(), [Event::Setback(_)]), "{events:?}");
        assert!(world.events(&service()).is_empty(), "told once");
    }
}

#[test]
fn an_unsaved_token_is_one_event() {
    let store = InMemoryStore::default();
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &store, 1);
    world.get(&service()).expect("a token");
    world.events(&service());
    store.refuse_writing(true);
    world.age(&service(), Freshness::Stale);
    let job = world.decide(&service()).job.expect("it is renewed");
    assert!(world.events(&service()).is_empty(), "the renewal is in flight");
    world.carry(Some(job));
    let events = world.events(&service());
    assert!(matches!(events.as_slice(), [Event::Renewed(_), Event::Unsaved(_)]), "{events:?}");
    assert!(world.events(&service()).is_empty());
}

#[test]
fn a_token_shows_its_deviations_and_whether_it_is_for_administration() {
    let mut world = Machine::new(octorate());
    world.endpoint.then(ServerReply::Response(json(200, r#"{"accessToken":"AT","expires_in":60}"#)));
    let token = world.get(&TokenSpec::api_login()).expect("a token");
    let codes: Vec<_> = token.deviations().iter().map(|deviation| deviation.code()).collect();
    assert_eq!(codes, ["alias_member"]);
    let own = token.admin_token().expect("it is for administration");
    assert_eq!(own.access_token().expose(), "AT");
    let mut world = Machine::new(standard());
    assert!(world.get(&service()).expect("a token").admin_token().is_none());
}

#[test]
fn a_signed_out_account_is_signed_out_and_an_unread_one_is_unavailable() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    world.get(&hotel()).expect("a token");
    world.sign_out(&hotel());
    assert_eq!(setback(&world, &hotel()), TokenErrorKind::SignedOut);
    let store = InMemoryStore::default();
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &store, 1);
    store.set_down(true);
    world.got(&hotel());
    assert_eq!(setback(&world, &hotel()), TokenErrorKind::StoreUnavailable);
}

#[test]
fn an_unreadable_store_is_named_even_if_the_registration_is_blocked_for_longer() {
    let store = InMemoryStore::default();
    let limit = officernd().profile().document().token_limit.clone();
    let limited = standard().profile().clone().edit(|document| {
        let source = document.hosts[0].source.clone();
        document.token_limit = limit.map(|limit| TokenLimit { source, ..limit });
    });
    let client = with(limited.expect("a profile"));
    let mut world = Machine::with_store(client, Storage::SingleProcess, &store, 1);
    world.endpoint.then(ServerReply::unavailable_for(2000));
    world.got(&service());
    assert_eq!(world.got(&scoped("other")), "http:503", "the registration is blocked");
    store.set_down(true);
    let failure = world.get(&hotel()).expect_err("nothing is known of it");
    assert_eq!(failure.kind(), TokenErrorKind::StoreUnavailable);
    assert!(failure.retry_after().is_some_and(|after| after <= Duration::from_secs(31)), "{failure:?}");
    let told = status(&world, &hotel()).setback.expect("it is said");
    assert_eq!(told.kind(), TokenErrorKind::StoreUnavailable);
}

#[test]
fn a_caller_past_its_deadline_gets_the_flight_it_waited_for_as_the_reason() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let _in_flight = world.decide(&hotel()).job.expect("a request");
    world.endpoint.then(ServerReply::unavailable_for(2000));
    world.got(&service());
    let failure = world.decide_at_deadline(&hotel()).failure.expect("there is no token");
    assert_eq!(failure.kind(), TokenErrorKind::StillWaiting);
}

#[test]
fn a_key_without_a_token_fails_with_shutting_down() {
    for is_in_flight in [false, true] {
        let mut world = Machine::new(standard());
        let _in_flight = is_in_flight.then(|| world.decide(&service()).job.expect("a request"));
        world.manager.shut_down();
        let failure = world.decide(&service()).failure.expect("nothing is begun any more");
        assert_eq!(failure.kind(), TokenErrorKind::ShuttingDown, "in flight: {is_in_flight}");
    }
    let mut unread = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    unread.manager.shut_down();
    assert_eq!(unread.decide(&service()).line, "shutting_down: give up, shutting_down, later");
}

#[test]
fn a_refresh_in_doubt_blocks_until_the_token_expires() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let token = world.get(&hotel()).expect("a token");
    world.age(&hotel(), Freshness::Stale);
    world.endpoint.then(ServerReply::page(502, &[]));
    let renewal = world.decide(&hotel()).job;
    world.carry(renewal);
    world.pass_seconds(70);
    let left = token.validity().served_until_age().expect("it ends") - token.validity().age(world.now);
    let setback = status(&world, &hotel()).setback.expect("it cannot be renewed now");
    assert_eq!(setback.retry_after(), Some(left));
}

#[test]
fn deviations_of_a_stored_token_are_reported() {
    let of_an_hour = |world: &Machine, ahead| {
        let issued_at = world.now.wall.saturating_add(Duration::from_secs(ahead));
        world.stored(&hotel()).with_access_token("AT1", issued_at, Duration::from_secs(3600))
    };
    let told = |change: &dyn Fn(&Machine) -> StoredRecord| {
        let before = signed_in();
        before.put(&hotel(), &change(&before));
        let mut world = Machine::with_store(standard(), Storage::SingleProcess, &before.store, 2);
        assert_eq!(world.got(&hotel()), "AT1");
        world.manager.status(&hotel(), world.now).expect("a key").deviations
    };
    assert_eq!(told(&|world| of_an_hour(world, 0)), []);
    assert_eq!(told(&|world| of_an_hour(world, 60)), [Deviation::IssuedInFuture]);
    let far = u64::from(u32::MAX) * 4000;
    assert_eq!(told(&|world| of_an_hour(world, 0).with("expires_at", far)), [Deviation::ExpiresAtClamped]);
}

#[test]
fn a_record_is_read_after_the_first_read_and_saving_when_its_next_write_is_due() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    let read = world.decide(&service()).job;
    assert!(!status(&world, &service()).is_read);
    world.carry(read);
    assert!(status(&world, &service()).is_read);
    world.store.refuse_writing(true);
    assert_eq!(world.got(&service()), "AT1");
    let waiting = status(&world, &service());
    assert!(waiting.unsaved && !waiting.saving, "{waiting:?}");
    world.pass_seconds(30);
    let due = status(&world, &service());
    assert!(due.unsaved && due.saving, "{due:?}");
}
