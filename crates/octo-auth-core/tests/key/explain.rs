//! Texts for users. They show no secrets.

use std::collections::BTreeSet;
use std::time::Duration;

use octo_auth_core::{
    Client, Delivery, Freshness, Job, Policy, State, Storage, TokenError, TokenErrorKind, TokenSpec,
    TransportError, Verdict,
};
use octo_auth_testkit::canary::{hits, marked, shown_by_error};
use octo_auth_testkit::machine::{Asked, InMemoryStore, Machine, ServerReply, hotel, service};
use octo_auth_testkit::registration::{CLIENT_ID, CLIENT_SECRET, standard};

#[test]
fn no_failure_shows_a_secret() {
    let client = Client::new(standard().profile().clone(), CLIENT_ID, marked("client-secret"));
    let mut world = Machine::new(client.expect("a client"));
    world.sign_in(&hotel(), &marked("refresh-token"));
    let echo = |asked: &Asked| {
        let body = serde_json::json!({"error": "server_error", "error_description": asked.body});
        ServerReply::json(500, &body.to_string())
    };
    world.endpoint.always(echo);
    let failure: TokenError = world.get(&hotel()).expect_err("an error that repeats the request");
    let shown = shown_by_error(&failure);
    assert_eq!(hits(&shown), Vec::<&str>::new());
    assert_eq!(hits(&world.manager.explain(&hotel(), world.now)), Vec::<&str>::new());
    assert_eq!(hits(&format!("{:?}", world.manager)), Vec::<&str>::new());
}

#[test]
fn explain_describes_a_spec_in_plain_words() {
    let mut world = Machine::new(standard());
    assert_eq!(world.manager.explain(&hotel(), world.now), r#"account "hotel": never asked about."#);
    world.sign_in(&hotel(), &marked("refresh-token"));
    world.endpoint.then(ServerReply::tokens(&marked("token"), 3600, &marked("refresh-token-2")));
    world.got(&hotel());
    let said = world.manager.explain(&hotel(), world.now);
    for fact in [
        "fresh (`fresh`)",
        "Token: generation 1",
        "0 s old",
        "served until 3590 s",
        "Refresh token: there is one",
    ] {
        assert!(said.contains(fact), "{fact:?} is missing in:\n{said}");
    }
    world.age(&hotel(), Freshness::Stale);
    world.endpoint.then(ServerReply::unavailable_for(120));
    world.got(&hotel());
    let said = world.manager.explain(&hotel(), world.now);
    for fact in ["`stale_blocked`", "due for renewal", "not before in 120.000 s", "HTTP 503"] {
        assert!(said.contains(fact), "{fact:?} is missing in:\n{said}");
    }
    world.pass_seconds(120);
    let flight = world.decide(&hotel());
    let said = world.manager.explain(&hotel(), world.now);
    for fact in ["`stale_in_flight`", "In flight: the request, given up in 61.000 s"] {
        assert!(said.contains(fact), "{fact:?} is missing in:\n{said}");
    }
    world.endpoint.then(ServerReply::error(400, "invalid_grant"));
    world.carry(flight.job);
    let said = world.manager.explain(&hotel(), world.now);
    assert!(said.contains("the provider no longer takes its refresh token"), "{said}");
    world.sign_out(&hotel());
    let said = world.manager.explain(&hotel(), world.now);
    assert!(said.contains("signed out (`signed_out`)") && said.contains("Refresh token: none"), "{said}");
    assert_eq!(hits(&said), Vec::<&str>::new());
}

#[test]
fn explain_says_what_the_store_does_not_hold_yet() {
    let store = InMemoryStore::default();
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &store, 1);
    world.got(&service());
    assert!(world.manager.explain(&service(), world.now).contains("Store: holds this."));
    store.refuse_writing(true);
    world.age(&service(), Freshness::Expired);
    world.got(&service());
    let said = world.manager.explain(&service(), world.now);
    assert!(said.contains("Store: does not hold this yet (the store is down); written again in 1"), "{said}");
}

#[test]
fn debug_texts_show_no_secret() {
    let policy = Policy::default().with_capacity(7).expect("room");
    let mut world = Machine::with_policy(standard(), policy);
    let token = world.get(&service()).expect("a token");
    let published = world.manager.published(&service(), world.now).expect("a fresh token");
    assert_eq!(world.manager.policy().capacity(), 7);
    let shown = [format!("{:?}", world.manager), format!("{token:?}"), format!("{published:?}")];
    assert!(shown[0].contains(CLIENT_ID) && shown[0].contains("keys: 1"), "{shown:?}");
    assert!(shown[1].contains("generation") && shown[2].contains("until"), "{shown:?}");
    assert!(shown.iter().all(|text| !text.contains("AT1") && !text.contains(CLIENT_SECRET)), "{shown:?}");
}

#[test]
fn explain_says_how_long_a_lost_refresh_can_be_in_flight() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let first = world.decide(&hotel()).job;
    let Some(Job::Send(send)) = first else { panic!("no request: {first:?}") };
    world.pass_seconds(1);
    let report = Job::Send(send).abandon();
    let rest = world.report(report);
    world.carry(rest);
    let early = world.manager.explain(&hotel(), world.now);
    assert!(early.contains("used again only when the token has expired, not before"), "{early}");
    let left = world.manager.policy().exchange_deadline() - Duration::from_secs(1);
    world.pass(left);
    let later = world.manager.explain(&hotel(), world.now);
    assert!(later.contains("used again only when the token has expired."), "{later}");
}

#[test]
fn explain_only_says_that_a_refresh_in_flight_began() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let _in_flight = world.decide(&hotel()).job.expect("a request");
    let told = world.manager.explain(&hotel(), world.now);
    assert!(told.contains("its use number 1 began") && !told.contains("its outcome is unknown"), "{told}");
}

#[test]
fn explain_does_not_mention_the_outcome_for_a_dead_refresh_token() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    world.endpoint.then(ServerReply::Lost);
    world.got(&hotel());
    world.pass_seconds(70);
    world.endpoint.then(ServerReply::error(400, "invalid_grant"));
    world.got(&hotel());
    let told = world.manager.explain(&hotel(), world.now);
    assert!(told.contains("the provider no longer accepts."), "{told}");
}

#[test]
fn explain_does_not_mention_a_refresh_token_whose_last_use_was_answered() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    world.got(&hotel());
    let told = world.manager.explain(&hotel(), world.now);
    assert!(told.contains("Refresh token: there is one.\n"), "{told}");
}

/// The next act of a random walk over the states of a spec.
#[derive(Debug, Clone, Copy)]
enum Act {
    Get,
    Ask,
    Step,
    Pass(u64),
    Age(Freshness),
    Refuse,
    SignIn,
    SignOut,
    Answer(fn() -> ServerReply),
    StoreDown(bool),
    NoWriting(bool),
    ShutDown,
}

/// The last act occurs at most once in a walk, and soon ends it.
const ACTS: [Act; 26] = [
    Act::Get,
    Act::Ask,
    Act::Ask,
    Act::Ask,
    Act::Step,
    Act::Step,
    Act::Step,
    Act::Step,
    Act::Pass(1),
    Act::Pass(61),
    Act::Age(Freshness::Stale),
    Act::Age(Freshness::Expired),
    Act::Refuse,
    Act::Refuse,
    Act::SignIn,
    Act::SignOut,
    Act::Answer(|| ServerReply::error(400, "invalid_grant")),
    Act::Answer(|| ServerReply::error(400, "invalid_client")),
    Act::Answer(|| ServerReply::unavailable_for(120)),
    Act::Answer(|| ServerReply::page(403, &[])),
    Act::Answer(|| {
        ServerReply::Fault(TransportError::not_answered("the connection broke", Delivery::Unknown))
    }),
    Act::StoreDown(true),
    Act::StoreDown(false),
    Act::NoWriting(true),
    Act::NoWriting(false),
    Act::ShutDown,
];

/// Compares what `explain`, the status and the error say of a renewal. Returns the state.
fn agree(world: &mut Machine, key: &TokenSpec) -> Result<State, String> {
    let decision = world.manager.decide_at_deadline(key, world.now);
    let Some(status) = world.manager.status(key, world.now) else { return Ok(State::NoKey) };
    let said = world.manager.explain(key, world.now);
    let line = said.lines().find_map(|line| line.strip_prefix("Renewal: ")).unwrap_or("");
    let (setback, state) = (status.setback.as_ref(), status.state);
    let begins = matches!(state, State::StaleRenewing | State::ExpiredRenewing | State::RefusedRenewing);
    let may_begin = begins || matches!(state, State::Fresh | State::Rereading | State::Unsaved);
    let is_possible = line == "possible now.";
    let is_unread = line == "not before the store was read.";
    let has_no_refresh_token = line == "not possible: there is no refresh token.";
    let mut rules = vec![
        ("a renewal that begins is possible", !begins || is_possible),
        ("no other state says that it is possible", !is_possible || may_begin && !status.in_flight),
        ("what is possible has no setback", !is_possible || setback.is_none()),
        ("what is not possible has a reason", {
            is_possible || setback.is_some() || status.in_flight || is_unread || has_no_refresh_token
        }),
        ("a refused or expired token that is blocked says why", {
            !matches!(state, State::ExpiredBlocked | State::RefusedBlocked) || setback.is_some()
        }),
    ];
    if let Some(failure) = setback {
        let later = failure.retry_after().filter(|after| !after.is_zero());
        let until =
            later.map(|after| format!("not before in {}.{:03} s", after.as_secs(), after.subsec_millis()));
        let until = until.unwrap_or_else(|| "not possible: ".to_owned());
        rules.push(("both say until when", line.starts_with(&until) || has_no_refresh_token));
    }
    if let Verdict::GiveUp(failure) = &decision.verdict {
        let told = (failure.kind(), failure.remedy());
        let same = setback.is_some_and(|setback| (setback.kind(), setback.remedy()) == told);
        // A machine that shuts down says so to its callers. The status shows errors that a restart does not fix.
        let is_passing =
            matches!(failure.kind(), TokenErrorKind::StillWaiting | TokenErrorKind::ShuttingDown);
        rules.push(("a caller is told the same", same || is_passing));
    }
    match rules.iter().find(|(_, holds)| !holds) {
        Some((rule, _)) => Err(format!("{rule}: {:?}\n{said}\n{setback:?}", decision.verdict)),
        None => Ok(state),
    }
}

/// Plays the next act of a walk.
fn play(
    act: Act,
    number: usize,
    world: &mut Machine,
    (key, store): (&TokenSpec, &InMemoryStore),
    job: &mut Option<Job>,
) {
    let token = || world.manager.status(key, world.now).and_then(|status| status.token);
    match act {
        Act::Get if job.is_none() => drop(world.get(key)),
        Act::Ask if job.is_none() => *job = world.decide(key).job,
        Act::Step => *job = job.take().and_then(|job| world.step(job)),
        Act::Pass(seconds) => world.pass_seconds(seconds),
        Act::Age(freshness) if token().is_some() => world.age(key, freshness),
        Act::Refuse => {
            if let Some(token) = token() {
                world.manager.refused(key, token.generation(), world.now);
            }
        }
        Act::SignIn if !key.is_client_grant() => world.sign_in(key, &format!("RT-{number}")),
        Act::SignOut => world.sign_out(key),
        Act::Answer(said) => world.endpoint.then(said()),
        Act::StoreDown(is_down) => store.set_down(is_down),
        Act::NoWriting(refuses) => store.refuse_writing(refuses),
        Act::ShutDown => world.manager.shut_down(),
        Act::Get | Act::Ask | Act::Age(_) | Act::SignIn => {}
    }
}

#[test]
fn explain_the_status_and_the_failure_agree_in_each_state() {
    let mut seen = BTreeSet::new();
    for seed in 0..2000_u64 {
        let mut chance = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut draw = |below: usize| {
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            usize::try_from(chance % u64::try_from(below).expect("small")).expect("small")
        };
        let storage = [Storage::None, Storage::SingleProcess, Storage::MultiProcess][draw(3)];
        let key = [hotel(), hotel(), service()][draw(3)].clone();
        let (store, mut acts, mut job) = (InMemoryStore::default(), Vec::new(), None);
        let mut world = Machine::with_store(standard(), storage, &store, 1);
        for _ in 0..30 {
            let act = ACTS[draw(ACTS.len() - usize::from(acts.len() < 15))];
            acts.push(act);
            play(act, acts.len(), &mut world, (&key, &store), &mut job);
            match agree(&mut world, &key) {
                Ok(state) => seen.insert(state.word()),
                Err(error) => panic!("seed {seed}, {key}, {storage:?}, {acts:?}: {error}"),
            };
        }
    }
    let all = [
        "signed_out",
        "unread",
        "reading",
        "unreadable",
        "shutting_down",
        "fresh",
        "rereading",
        "unsaved",
        "stale_renewing",
        "stale_in_flight",
        "stale_blocked",
        "expired_in_flight",
        "expired_renewing",
        "expired_blocked",
        "refresh_token_dead",
        "not_signed_in",
        "refused_renewing",
        "refused_in_flight",
        "refused_blocked",
    ];
    let missing: Vec<&str> = all.into_iter().filter(|word| !seen.contains(word)).collect();
    assert!(missing.is_empty(), "no walk shows {missing:?}");
}

#[test]
fn explain_says_how_long_no_renewal_is_forced_and_why() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    for _ in 0..2 {
        let token = world.get(&hotel()).expect("a token");
        world.manager.refused(&hotel(), token.generation(), world.now);
    }
    let said = world.manager.explain(&hotel(), world.now);
    for fact in ["(`refused_blocked`)", "Renewal: not before in 60.000 s: ", "refusals of a resource server"]
    {
        assert!(said.contains(fact), "{fact:?} is missing in:\n{said}");
    }
    world.pass_seconds(60);
    assert!(world.manager.explain(&hotel(), world.now).contains("Renewal: possible now."));
}
