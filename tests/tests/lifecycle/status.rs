//! How a key is said to stand, while something is under way and at rest, and in which words.

#![expect(clippy::expect_used, reason = "a test that cannot be set up must stop")]

use std::error::Error;
use std::time::Duration;

use octo_auth_core::{
    Adopted, Event, Exchange, FailureKind, Freshness, Job, Key, Lineage, Policy, Purpose, RenewalCause, Row,
    Secret, Status, Step, Storage, StoreFault, TokenSet,
};
use octo_auth_tests::machine::{Machine, Said, Shelf, hotel, scoped, service};
use octo_auth_tests::registration::{CLIENT_ID, CLIENT_SECRET, octorate, octotable, officernd, standard};
use octo_auth_tests::reply::{json, read};

fn status(world: &Machine, key: &Key) -> Status {
    world.accounts.status(key, world.now).expect("it was asked about")
}

fn setback(world: &Machine, key: &Key) -> FailureKind {
    status(world, key).setback.expect("something stands in the way").kind()
}

#[test]
fn an_account_that_nobody_signed_in_to_says_so() {
    let mut world = Machine::new(standard());
    world.got(&hotel());
    assert_eq!(setback(&world, &hotel()), FailureKind::NotSignedIn);
    let Status { row, sign_in_needed, .. } = status(&world, &hotel());
    assert_eq!((row, sign_in_needed), (Row::NotRenewable, true));
}

#[test]
fn a_closed_key_says_what_closed_it_and_asks_for_no_sign_in() {
    let mut world = Machine::new(standard());
    world.endpoint.then(Said::error(503, ""));
    world.got(&service());
    let Status { setback, sign_in_needed, row, .. } = status(&world, &service());
    let failure = setback.expect("the endpoint failed");
    assert_eq!((failure.kind(), failure.code().as_ref()), (FailureKind::Closed, "http:503"));
    assert_eq!((row, sign_in_needed), (Row::Closed, false));
}

#[test]
fn what_will_stand_in_the_way_is_said_while_a_request_is_under_way() {
    let mut world = Machine::new(officernd());
    for number in 0..3 {
        world.get(&scoped(&format!("flex.{number}.read"))).expect("room for three");
    }
    let last = world.decide(&scoped("flex.last.read"));
    assert!(last.job.is_some(), "the fourth is under way");
    assert_eq!(setback(&world, &scoped("flex.last.read")), FailureKind::BudgetSpent);
    assert!(status(&world, &scoped("flex.last.read")).in_flight);
}

#[test]
fn a_record_that_is_being_written_is_said_to_be() {
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    let adopted = Adopted::RefreshToken(Secret::from("RT0"));
    let save = world.accounts.adopt(&hotel(), adopted, world.now).expect("adopted");
    assert!(matches!(save, Some(Job::Save(_))));
    assert!(status(&world, &hotel()).saving);
    world.carry(save);
    assert!(!status(&world, &hotel()).saving);
    let request = world.decide(&hotel()).job.expect("the marker");
    let request = world.step(request).expect("the request");
    assert!(matches!(request, Job::Send(_)) && !status(&world, &hotel()).saving);
    let save = world.step(request);
    assert!(status(&world, &hotel()).saving);
    world.carry(save);
}

#[test]
fn a_failure_that_needs_a_sign_in_is_told_once_and_as_nothing_else() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    world.get(&hotel()).expect("a token");
    let before = status(&world, &hotel());
    world.endpoint.then(Said::error(400, "invalid_grant"));
    world.age(&hotel(), Freshness::Expired);
    world.got(&hotel());
    let after = status(&world, &hotel());
    assert!(matches!(after.events_since(&before).as_slice(), [Event::SignInNeeded(_)]));
    assert!(after.events_since(&after).is_empty());
}

#[test]
fn a_failure_that_passes_is_told_as_a_setback_and_the_next_one_again() {
    let mut world = Machine::new(standard());
    world.get(&service()).expect("a token");
    for _ in 0..2 {
        let before = status(&world, &service());
        world.endpoint.then(Said::error(503, ""));
        world.age(&service(), Freshness::Expired);
        world.pass_seconds(70);
        world.got(&service());
        let after = status(&world, &service());
        assert!(matches!(after.events_since(&before).as_slice(), [Event::Setback(_)]), "{after:?}");
    }
}

#[test]
fn a_token_that_the_store_did_not_take_is_told_of_once_it_is_in_force() {
    let shelf = Shelf::default();
    let mut world = Machine::with_store(standard(), Storage::Private, &shelf, 1);
    world.get(&service()).expect("a token");
    let before = status(&world, &service());
    shelf.refuse_writing(true);
    world.age(&service(), Freshness::Stale);
    let job = world.decide(&service()).job.expect("it is renewed");
    assert!(status(&world, &service()).events_since(&before).is_empty(), "the renewal is under way");
    world.carry(Some(job));
    let after = status(&world, &service());
    assert!(
        matches!(after.events_since(&before).as_slice(), [Event::Renewed(_), Event::Unsaved(_)]),
        "{after:?}"
    );
    assert!(after.events_since(&after).is_empty());
}

#[test]
fn a_request_shows_its_purpose_and_no_secret_and_has_the_time_of_the_policy() {
    let mut world = Machine::new(standard());
    let Some(Job::Send(job)) = world.decide(&service()).job else { panic!("no request") };
    assert_eq!(job.deadline(), Duration::from_secs(60));
    let shown = format!("{job:?}");
    assert!(shown.contains("ClientCredentials") && !shown.contains(CLIENT_SECRET), "{shown}");
}

#[test]
fn a_token_tells_what_departed_from_the_document_and_whether_it_is_for_administration() {
    let mut world = Machine::new(octorate());
    world.endpoint.then(Said::Response(json(200, r#"{"accessToken":"AT","expires_in":60}"#)));
    let token = world.get(&Key::api_login()).expect("a token");
    let codes: Vec<_> = token.deviations().iter().map(|deviation| deviation.code()).collect();
    assert_eq!(codes, ["alias_member"]);
    let own = token.admin_token().expect("it is for administration");
    assert_eq!(own.access_token().expose(), "AT");
    let mut world = Machine::new(standard());
    assert!(world.get(&service()).expect("a token").admin_token().is_none());
}

#[test]
fn steps_and_causes_are_told_in_fixed_words() {
    let send = Step::Send { purpose: Purpose::Refresh, cause: None };
    let steps = [Step::Load, Step::Claim, Step::Count, send, Step::Save, Step::Release];
    assert_eq!(steps.map(Step::word), ["load", "claim", "count", "send", "save", "release"]);
    use RenewalCause as Cause;
    let causes = [Cause::First, Cause::Due, Cause::Expired, Cause::Refused, Cause::Warm];
    assert_eq!(causes.map(Cause::word), ["first", "due", "expired", "refused", "warm"]);
}

#[test]
fn a_key_tells_what_it_was_made_of() {
    let key = scoped("b a").with_parameter("resource", "r").with_parameter("audience", "x");
    assert_eq!(key.scopes(), ["a", "b"]);
    assert_eq!((key.account_name(), hotel().account_name()), ("", "hotel"));
    let parameters =
        [("audience", "x"), ("resource", "r")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(key.parameters(), parameters);
    assert_eq!(key.to_string(), "client credentials for a b, audience=x, resource=r");
    assert!(Key::api_login().scopes().is_empty() && Key::account("inn").parameters().is_empty());
}

#[test]
fn a_failure_shows_its_key_its_code_and_its_remedy_and_leads_to_its_cause() {
    let shelf = Shelf::default();
    let mut world = Machine::with_store(standard(), Storage::Private, &shelf, 1);
    shelf.set_down(true);
    let failure = world.get(&hotel()).expect_err("the store is down");
    assert_eq!(failure.kind(), FailureKind::StoreUnavailable);
    let shown = format!("{failure:?}");
    assert!(shown.contains("hotel") && shown.contains("store_unavailable"), "{shown}");
    assert_eq!(failure.source().map(ToString::to_string).as_deref(), Some("the store is down"));
    let mut world = Machine::new(standard());
    world.endpoint.then(Said::error(503, ""));
    let failure = world.get(&service()).expect_err("the endpoint failed");
    assert!(failure.source().is_some());
    assert!(failure.retry_after().is_some_and(|wait| wait >= Duration::from_secs(1)), "{failure}");
    world.endpoint.then(Said::Lost);
    world.pass_seconds(120);
    let failure = world.get(&hotel()).expect_err("nobody signed in");
    assert!(failure.source().is_none(), "{failure}");
}

#[test]
fn a_key_whose_requests_cannot_be_built_leads_to_what_is_wrong_with_them() {
    let failure = Machine::new(octotable()).get(&scoped("a")).expect_err("OctoTable knows no scopes");
    assert_eq!(failure.kind(), FailureKind::Misconfigured);
    assert!(failure.source().is_some_and(|source| source.to_string().contains("scopes")), "{failure}");
}

#[test]
fn what_an_exchange_brought_is_adopted_also_from_its_failure() {
    let refresh = || -> Exchange<TokenSet> { standard().refresh(&Secret::from("old")).expect("a request") };
    let token = |adopted: Option<Adopted>| match adopted {
        Some(Adopted::RefreshToken(secret)) => Some(secret.expose().to_owned()),
        Some(Adopted::Tokens(tokens)) => tokens.refresh_token().map(|own| own.expose().to_owned()),
        _ => None,
    };
    let whole = r#"{"access_token":"AT","token_type":"Bearer","refresh_token":"RT"}"#;
    assert_eq!(token(Adopted::brought_by(&read(refresh(), &json(200, whole)))).as_deref(), Some("RT"));
    let broken = r#"{"access_token":"AT","token_type":"mac","refresh_token":"RT"}"#;
    assert_eq!(token(Adopted::brought_by(&read(refresh(), &json(200, broken)))).as_deref(), Some("RT"));
    assert_eq!(token(Adopted::brought_by(&read(refresh(), &json(400, "{}")))), None);
}

#[test]
fn what_is_held_is_shown_without_its_secrets() {
    let policy = Policy::default().with_capacity(7).expect("room");
    let mut world = Machine::with_policy(standard(), policy);
    let token = world.get(&service()).expect("a token");
    let published = world.accounts.published(&service(), world.now).expect("a fresh token");
    assert_eq!(world.accounts.policy().capacity(), 7);
    let shown = [format!("{:?}", world.accounts), format!("{token:?}"), format!("{published:?}")];
    assert!(shown[0].contains(CLIENT_ID) && shown[0].contains("keys: 1"), "{shown:?}");
    assert!(shown[1].contains("generation") && shown[2].contains("until"), "{shown:?}");
    assert!(shown.iter().all(|text| !text.contains("AT1") && !text.contains(CLIENT_SECRET)), "{shown:?}");
}

#[test]
fn a_fault_of_a_store_leads_to_its_cause() {
    let cause = std::io::Error::other("no space left");
    let fault = StoreFault::new("the record was not written").with_source(cause);
    assert_eq!(fault.to_string(), "the record was not written");
    assert_eq!(fault.source().map(ToString::to_string).as_deref(), Some("no space left"));
    assert!(StoreFault::new("alone").source().is_none());
}

#[test]
fn a_signed_out_account_says_so_whatever_else_is_the_matter() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    world.get(&hotel()).expect("a token");
    world.sign_out(&hotel());
    assert_eq!(setback(&world, &hotel()), FailureKind::SignedOut);
    let shelf = Shelf::default();
    let mut world = Machine::with_store(standard(), Storage::Private, &shelf, 1);
    shelf.set_down(true);
    world.got(&hotel());
    assert_eq!(setback(&world, &hotel()), FailureKind::StoreUnavailable);
}

#[test]
fn a_lineage_is_shown_by_its_first_bytes() {
    assert_eq!(Lineage::from_bytes([0x0f; 16]).to_string(), "0f0f0f0f");
}

#[test]
fn explain_says_until_when_a_lost_renewal_may_still_be_under_way() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let first = world.decide(&hotel()).job;
    let Some(Job::Send(send)) = first else { panic!("no request: {first:?}") };
    world.pass_seconds(1);
    let report = Job::Send(send).abandon();
    let rest = world.report(report);
    world.carry(rest);
    let early = world.accounts.explain(&hotel(), world.now);
    assert!(early.contains("used again once the token has expired, not before"), "{early}");
    let left = world.accounts.policy().exchange_deadline() - Duration::from_secs(1);
    world.pass(left);
    let later = world.accounts.explain(&hotel(), world.now);
    assert!(later.contains("used again once the token has expired."), "{later}");
}

#[test]
fn a_store_that_cannot_be_read_is_named_though_the_endpoint_is_closed_for_longer() {
    let shelf = Shelf::default();
    let mut world = Machine::with_store(standard(), Storage::Private, &shelf, 1);
    world.endpoint.then(Said::unavailable_for(2000));
    world.got(&service());
    shelf.set_down(true);
    let failure = world.get(&hotel()).expect_err("nothing is known of it");
    assert_eq!(failure.kind(), FailureKind::StoreUnavailable);
    assert!(failure.retry_after().is_some_and(|after| after <= Duration::from_secs(31)), "{failure:?}");
    let told = status(&world, &hotel()).setback.expect("it is said");
    assert_eq!(told.kind(), FailureKind::StoreUnavailable);
}

#[test]
fn a_caller_whose_time_is_over_hears_of_the_flight_it_waited_for_not_of_what_closed_the_endpoint_meanwhile() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let _under_way = world.decide(&hotel()).job.expect("a request");
    world.endpoint.then(Said::unavailable_for(2000));
    world.got(&service());
    let failure = world.decide_at_deadline(&hotel()).failure.expect("there is no token");
    assert_eq!(failure.kind(), FailureKind::StillWaiting);
}

#[test]
fn a_key_without_a_token_says_that_its_machine_shuts_down() {
    for is_in_flight in [false, true] {
        let mut world = Machine::new(standard());
        let _under_way = is_in_flight.then(|| world.decide(&service()).job.expect("a request"));
        world.accounts.shut_down();
        let failure = world.decide(&service()).failure.expect("nothing is begun any more");
        assert_eq!(failure.kind(), FailureKind::ShuttingDown, "in flight: {is_in_flight}");
    }
    let mut unread = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    unread.accounts.shut_down();
    assert_eq!(unread.decide(&service()).line, "0c: give up, shutting_down, later");
}

#[test]
fn a_renewal_in_doubt_stands_in_the_way_up_to_the_end_of_the_token_that_would_be_lost() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let token = world.get(&hotel()).expect("a token");
    world.age(&hotel(), Freshness::Stale);
    world.endpoint.then(Said::page(502, &[]));
    let renewal = world.decide(&hotel()).job;
    world.carry(renewal);
    world.pass_seconds(70);
    let left = token.validity().served_until_age().expect("it ends") - token.validity().age(world.now);
    let setback = status(&world, &hotel()).setback.expect("it cannot be renewed now");
    assert_eq!(setback.retry_after(), Some(left));
}

#[test]
fn explain_says_of_a_renewal_under_way_only_that_it_began() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let _under_way = world.decide(&hotel()).job.expect("a request");
    let told = world.accounts.explain(&hotel(), world.now);
    assert!(told.contains("its use number 1 began") && !told.contains("its outcome is unknown"), "{told}");
}
