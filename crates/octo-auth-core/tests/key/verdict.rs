//! When a user is asked to sign in: only after a verdict on the refresh token.

use octo_auth_core::{
    AccessToken, Client, Event, Freshness, Imported, Profile, Remedy, State, TokenErrorKind, TokenSet,
};
use octo_auth_testkit::machine::{Machine, ServerReply, hotel, service};
use octo_auth_testkit::registration::{CLIENT_ID, CLIENT_SECRET, standard};

use crate::scene::{signed_in, signed_in_at, status};

fn sign_ins_needed(world: &mut Machine) -> usize {
    world.events(&hotel()).iter().filter(|event| matches!(event, Event::SignInNeeded(_))).count()
}

fn bare() -> ServerReply {
    ServerReply::json(400, "")
}

/// Returns a machine that holds nothing to serve, after this number of refusals in a row.
fn refused(times: usize, said: fn() -> ServerReply) -> Machine {
    let mut world = signed_in();
    world.age(&hotel(), Freshness::Expired);
    for _ in 0..times {
        world.endpoint.then(said());
        world.get(&hotel()).expect_err("it was refused");
        world.pass_seconds(900);
    }
    world
}

#[test]
fn the_third_unexplained_refusal_with_nothing_to_serve_asks_for_a_sign_in() {
    let unexplained: [fn() -> ServerReply; 5] = [
        bare,
        || ServerReply::error(400, "odd"),
        || ServerReply::error(401, "odd"),
        || ServerReply::error(200, "odd"),
        || ServerReply::json(400, r#"{"error":{"code":190}}"#),
    ];
    for said in unexplained {
        let mut world = refused(2, said);
        assert_eq!((sign_ins_needed(&mut world), status(&world, &hotel()).sign_in_needed), (0, false));
        world.endpoint.then(said());
        let failure = world.get(&hotel()).expect_err("it was refused");
        assert_eq!((failure.remedy(), failure.kind()), (Remedy::SignInAgain, TokenErrorKind::BackingOff));
        assert!(status(&world, &hotel()).sign_in_needed);
        assert_eq!(sign_ins_needed(&mut world), 1);
        assert!(world.manager.explain(&hotel(), world.now).contains("; the user has to sign in"));
        // The event occurs once, but the refresh token is tried again.
        world.pass_seconds(900);
        world.endpoint.then(said());
        world.get(&hotel()).expect_err("it was refused");
        assert_eq!((sign_ins_needed(&mut world), status(&world, &hotel()).sign_in_needed), (0, true));
        world.pass_seconds(900);
        assert!(world.got(&hotel()).starts_with("AT"));
        assert!(!status(&world, &hotel()).sign_in_needed);
    }
}

#[test]
fn a_client_grant_never_needs_a_sign_in_even_if_the_server_asks_for_a_user() {
    let mut world = Machine::new(standard());
    world.endpoint.then(ServerReply::error(400, "interaction_required"));
    let failure = world.get(&service()).expect_err("it was refused");
    assert_eq!(failure.code(), "oauth:interaction_required");
    assert!(!status(&world, &service()).sign_in_needed, "no user signs in for it");
    let events = world.events(&service());
    assert!(matches!(events[..], [Event::Setback(_)]), "{events:?}");
}

#[test]
fn an_unexplained_refusal_does_not_ask_for_a_sign_in_while_a_token_is_served() {
    let mut world = signed_in();
    world.age(&hotel(), Freshness::Stale);
    for _ in 0..4 {
        world.endpoint.then(bare());
        assert_eq!(world.got(&hotel()), "AT1");
        world.pass_seconds(60);
    }
    let told = status(&world, &hotel());
    assert!(!told.sign_in_needed && told.freshness == Freshness::Stale, "{told:?}");
    assert_eq!(sign_ins_needed(&mut world), 0);
}

#[test]
fn a_token_refused_by_a_resource_server_does_not_count_as_servable() {
    let mut world = signed_in();
    let token = world.get(&hotel()).expect("a token");
    world.manager.refused(&hotel(), token.generation(), world.now);
    for expected in [0, 0, 1] {
        world.pass_seconds(300);
        world.endpoint.then(bare());
        assert_eq!(world.got(&hotel()), "AT1 (suspect)");
        assert_eq!(sign_ins_needed(&mut world), expected);
    }
    assert!(status(&world, &hotel()).sign_in_needed);
}

#[test]
fn a_refusal_without_a_body_is_final_if_the_profile_says_so() {
    let profile: Profile = standard()
        .profile()
        .clone()
        .edit(|document| {
            document.refresh.iter_mut().for_each(|rules| rules.empty_refusal_is_dead = true);
        })
        .expect("a profile");
    let mut world = signed_in_at(Client::new(profile, CLIENT_ID, CLIENT_SECRET).expect("a client"));
    world.age(&hotel(), Freshness::Expired);
    world.endpoint.then(bare());
    let failure = world.get(&hotel()).expect_err("the refresh token is dead");
    assert_eq!(
        (failure.remedy(), failure.kind()),
        (Remedy::SignInAgain, TokenErrorKind::RefreshTokenRejected)
    );
    assert_eq!(sign_ins_needed(&mut world), 1);
    assert!(world.stored(&hotel()).dead().is_some());
}

#[test]
fn a_known_code_for_a_dead_refresh_token_is_final_at_any_status() {
    for (status, code) in [(200, "invalid_grant"), (401, "bad_refresh_token"), (500, "invalid_refresh_token")]
    {
        let mut world = signed_in();
        world.age(&hotel(), Freshness::Expired);
        world.endpoint.then(ServerReply::error(status, code));
        let failure = world.get(&hotel()).expect_err("the refresh token is dead");
        assert_eq!(failure.kind(), TokenErrorKind::RefreshTokenRejected, "{status} {code}");
        assert_eq!(sign_ins_needed(&mut world), 1);
    }
}

#[test]
fn an_inconclusive_refusal_never_asks_for_a_sign_in_however_often_repeated() {
    let no_verdict: [fn() -> ServerReply; 6] = [
        || ServerReply::error(400, "access_denied"),
        || ServerReply::page(403, &[]),
        || ServerReply::page(400, &[]),
        || ServerReply::json(400, r#"{"error":"unknown_error","error_description":"retry"}"#),
        || ServerReply::json(400, r#"{"error":"E17","error_description":"try again later"}"#),
        || ServerReply::json(404, r#"{"status":404,"error":"Not Found"}"#),
    ];
    for (which, said) in no_verdict.into_iter().enumerate() {
        let mut world = refused(10, said);
        world.endpoint.then(said());
        let failure = world.get(&hotel()).expect_err("it was refused");
        assert_ne!(failure.remedy(), Remedy::SignInAgain, "{which}: {failure}");
        assert!(!status(&world, &hotel()).sign_in_needed, "{which}");
        assert_eq!(sign_ins_needed(&mut world), 0, "{which}");
        world.pass_seconds(900);
        assert!(world.got(&hotel()).starts_with("AT"), "{which}");
    }
}

#[test]
fn a_refused_token_that_cannot_be_renewed_asks_for_a_sign_in_as_explain_says() {
    let mut world = Machine::new(standard());
    let access_token = AccessToken::new("AT0").expect("a token");
    let tokens = TokenSet::restore(standard().profile(), access_token, world.now.wall, None, None);
    let job = world.manager.import(&hotel(), Imported::from(tokens), world.now).expect("imported");
    world.carry(job);
    let token = world.get(&hotel()).expect("a token");
    assert_eq!(sign_ins_needed(&mut world), 0);
    world.manager.refused(&hotel(), token.generation(), world.now);
    assert_eq!(sign_ins_needed(&mut world), 1, "before anybody asks");
    let failure = world.get(&hotel()).expect_err("the token was refused");
    assert_eq!((failure.remedy(), failure.kind()), (Remedy::SignInAgain, TokenErrorKind::NotSignedIn));
    let told = status(&world, &hotel());
    assert_eq!((told.state, told.sign_in_needed), (State::NotSignedIn, true));
    let said = world.manager.explain(&hotel(), world.now);
    assert!(said.contains("Renewal: not possible: ") && !said.contains("possible now"), "{said}");
}

#[test]
fn explain_never_says_that_a_renewal_is_possible_without_a_refresh_token() {
    let mut world = Machine::new(standard());
    world.got(&hotel());
    let said = world.manager.explain(&hotel(), world.now);
    assert!(said.contains("`not_signed_in`") && said.contains("Renewal: not possible: "), "{said}");
    world.sign_in(&hotel(), "RT0");
    world.sign_out(&hotel());
    let said = world.manager.explain(&hotel(), world.now);
    assert!(said.contains("Renewal: not possible: it was signed out."), "{said}");
}
