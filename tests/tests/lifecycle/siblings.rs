//! What simulated fleets have found: what siblings must not do to each other, nor a late answer to a later request.

use std::time::Duration;

use octo_auth_core::{
    AccessToken, FailureKind, Fault, Freshness, Generation, Job, Key, Purpose, Record, Secret, Storage,
    StoreFault, Terminal, TokenSet,
};
use octo_auth_tests::machine::{Machine, Said, Shelf, hotel, service};
use octo_auth_tests::moment;
use octo_auth_tests::registration::{never_replayed, standard};

fn refresh_token(record: &Record) -> Option<&str> {
    record.refresh_token.as_ref().map(Secret::expose)
}

/// One renews a key, of which the other, for which it is due too, hears by the store.
fn one_renews_and_two_reads(one: &mut Machine, two: &mut Machine, key: &Key) {
    let renewal = one.decide(key).job;
    one.carry(renewal);
    two.now = one.now;
    let renewal = two.decide(key).job;
    two.carry(renewal);
    assert_eq!(two.requests(), 0, "what is stored is due no more");
}

#[test]
fn the_late_answer_of_an_earlier_use_leaves_a_later_one_in_doubt() {
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    world.sign_in(&hotel(), "RT0");
    let first = world.up_to_sending(&hotel());
    world.pass_seconds(62);
    assert_eq!(world.got(&hotel()), "lost");
    world.pass_seconds(5);
    world.endpoint.then(Said::Fault(Fault::timed_out("no answer")));
    world.got(&hotel());
    assert_eq!(world.requests(), 1, "the second use, whose outcome is in doubt");
    // It brings no refresh token, so that what became of the one there is rests with the second use.
    world.endpoint.then(Said::token("AT1", 3600));
    let report = world.send(first);
    let rest = world.report(report);
    world.carry(rest);
    let pending = world.stored(&hotel()).pending.expect("the marker of the second use");
    assert!(pending.ambiguous);
}

#[test]
fn saving_over_a_siblings_marker_keeps_it() {
    let (mut one, mut two, shelf) = Machine::siblings(standard);
    one.age(&hotel(), Freshness::Stale);
    two.age(&hotel(), Freshness::Stale);
    shelf.refuse_writing(true);
    let job = one.decide(&hotel()).job;
    one.carry(job);
    shelf.refuse_writing(false);
    let _under_way = two.up_to_sending(&hotel());
    one.pass_seconds(35);
    let save = one.decide(&hotel()).job.expect("what was written ahead is taken back");
    assert!(matches!(save, Job::Save(_)));
    one.carry(Some(save));
    assert!(one.stored(&hotel()).pending.is_some(), "a sibling's request is under way");
}

#[test]
fn what_is_read_too_late_under_a_claim_is_known_all_the_same() {
    let (mut one, mut two, _) = Machine::siblings(standard);
    one.sign_out(&hotel());
    two.age(&hotel(), Freshness::Stale);
    let claim = two.decide(&hotel()).job.expect("the claim");
    let load = two.step(claim).expect("the reading");
    two.pass_seconds(6);
    let rest = two.step(load);
    two.carry(rest);
    assert_eq!(two.decide(&hotel()).line, "0a: give up, signed_out, sign in");
    assert_eq!(two.requests(), 0);
}

#[test]
fn a_refresh_token_that_the_stored_one_comes_from_is_not_revoked() {
    let (mut one, mut two, _) = Machine::siblings(standard);
    one.age(&hotel(), Freshness::Expired);
    let sent = one.up_to_sending(&hotel());
    let report = one.send(sent);
    let Some(Job::Save(save)) = one.report(report) else { panic!("the outcome is saved") };
    one.breaks_off(save, true);
    // Each machine's endpoint counts for itself: the names are not the same again with four.
    for _ in 0..4 {
        two.age(&hotel(), Freshness::Expired);
        two.pass_seconds(4000);
        two.got(&hotel());
    }
    one.now = two.now;
    for save in one.accounts.save_all(one.now) {
        one.carry(Some(save));
    }
    assert!(one.asked.iter().all(|asked| asked.purpose != Purpose::Revocation));
    assert_eq!(refresh_token(&one.stored(&hotel())), refresh_token(&two.stored(&hotel())));
}

#[test]
fn a_siblings_use_in_doubt_counts_though_our_own_had_a_greater_number() {
    let (mut one, mut two, _) = Machine::siblings(standard);
    one.age(&hotel(), Freshness::Stale);
    for _ in 0..2 {
        one.endpoint.then(Said::page(429, &[]));
        let job = one.decide(&hotel()).job;
        one.carry(job);
        one.pass_seconds(70);
    }
    two.now = one.now;
    two.endpoint.then(Said::error(400, "invalid_scope"));
    let job = two.decide(&hotel()).job;
    two.carry(job);
    two.pass_seconds(70);
    two.endpoint.then(Said::page(502, &[]));
    let job = two.decide(&hotel()).job;
    two.carry(job);
    assert!(two.stored(&hotel()).pending.is_some_and(|pending| pending.ambiguous));
    one.now = two.now;
    let before = one.requests();
    assert_eq!(one.got(&hotel()), "AT1", "the old token works still");
    assert_eq!(one.requests(), before, "and its refresh token may have been replaced");
}

#[test]
fn the_same_token_again_without_a_longer_life_is_not_served_into_its_guard() {
    let mut world = Machine::new(standard());
    world.endpoint.then(Said::token("AT1", 60));
    assert_eq!(world.got(&service()), "AT1");
    world.age(&service(), Freshness::Expired);
    world.endpoint.then(Said::token("AT1", 0));
    assert_eq!(world.got(&service()), "expired_on_arrival");
}

#[test]
fn another_client_does_not_make_a_renewal_that_was_lost_forgotten() {
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    world.sign_in(&hotel(), "RT0");
    world.endpoint.then(Said::Fault(Fault::timed_out("no answer")));
    world.got(&hotel());
    let refused = |world: &mut Machine| {
        world.pass_seconds(130);
        world.endpoint.then(Said::error(400, "invalid_grant"));
        world.got(&hotel());
        world.stored(&hotel()).terminal
    };
    assert_eq!(refused(&mut world), Some(Terminal::RefusedAfterDoubt));
    world.accounts.replace_client(standard()).expect("its requests can be built");
    assert_eq!(
        refused(&mut world),
        Some(Terminal::RefusedAfterDoubt),
        "the lost one may have used it up still"
    );
}

#[test]
fn the_end_told_of_a_token_that_is_given_again_holds_though_it_was_over_before_that_was_stored() {
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    world.endpoint.then(Said::json(200, r#"{"access_token":"AT1","token_type":"Bearer"}"#));
    assert_eq!(world.got(&service()), "AT1");
    world.pass_seconds(3600);
    world.endpoint.then(Said::token("AT1", 60));
    let renewal = world.decide(&service()).job.expect("a token of unknown lifetime is renewed");
    let save = world.step(renewal).expect("the outcome is saved");
    assert!(matches!(save, Job::Save(_)));
    world.pass_seconds(120);
    let told = world.decide_at_deadline(&service()).line;
    assert!(told.contains("give up"), "{told}");
}

#[test]
fn what_was_written_while_a_claim_was_over_is_heard_of_before_anything_is_sent() {
    let (mut one, mut two, _) = Machine::siblings(never_replayed);
    one.age(&hotel(), Freshness::Expired);
    let mark = one.up_to_writing(&hotel(), &hotel());
    // It stood still for so long that a sibling has tried in the meantime, in vain.
    two.now = one.now;
    two.pass_seconds(100);
    two.endpoint.then(Said::page(502, &[]));
    two.got(&hotel());
    one.now = two.now;
    let rest = one.step(Job::Save(mark));
    one.carry(rest);
    one.pass_seconds(100);
    let failure = one.get(&hotel()).map_err(|failure| failure.kind());
    assert_eq!(failure.err(), Some(FailureKind::ConsentInDoubt));
    assert_eq!(one.requests(), 1, "the first one alone");
}

#[test]
fn a_siblings_marker_that_is_met_when_writing_ahead_under_the_claim_is_in_doubt() {
    let (mut one, mut two, _) = Machine::siblings(never_replayed);
    one.age(&hotel(), Freshness::Expired);
    two.now = one.now;
    let early = two.up_to_writing(&hotel(), &hotel());
    // Its claim is over, which it does not know: its clock stood still.
    one.pass_seconds(100);
    let late = one.up_to_writing(&hotel(), &hotel());
    let sent = two.step(Job::Save(early));
    assert!(matches!(sent, Some(Job::Send(_))));
    let rest = one.step(Job::Save(late));
    assert!(!matches!(rest, Some(Job::Save(_) | Job::Send(_))), "{rest:?}");
}

#[test]
fn what_failed_with_a_refresh_token_is_not_held_against_the_one_that_a_sibling_has_stored() {
    let (mut one, mut two, _) = Machine::siblings(standard);
    one.age(&hotel(), Freshness::Expired);
    two.now = one.now;
    let send = one.up_to_sending(&hotel());
    two.sign_in(&hotel(), "RT-new");
    one.endpoint.then(Said::error(400, "invalid_scope"));
    let report = one.send(send);
    let rest = one.report(report);
    one.carry(rest);
    assert!(one.got(&hotel()).starts_with("AT"));
    assert_eq!(one.asked.last().and_then(|asked| asked.refresh_token()), Some("RT-new"));
}

#[test]
fn a_later_end_that_a_sibling_was_told_of_the_same_token_is_taken_over_with_its_record() {
    let (mut one, mut two, _) = Machine::siblings(standard);
    one.age(&hotel(), Freshness::Stale);
    one.endpoint.then(Said::tokens("AT1", 86_400, "RT5"));
    one_renews_and_two_reads(&mut one, &mut two, &hotel());
    two.pass_seconds(3600);
    assert_eq!(two.decide(&hotel()).line, "1: use AT1");
}

#[test]
fn a_later_end_that_a_sibling_was_told_of_the_token_of_a_client_grant_is_taken_over_too() {
    let (mut one, mut two, _) = Machine::siblings(standard);
    one.endpoint.then(Said::json(200, r#"{"access_token":"AT1","token_type":"Bearer"}"#));
    assert_eq!(one.got(&service()), "AT1");
    assert_eq!(two.got(&service()), "AT1");
    one.pass_seconds(3600);
    one.endpoint.then(Said::token("AT1", 60));
    one_renews_and_two_reads(&mut one, &mut two, &service());
    two.pass_seconds(60);
    let freshness = two.accounts.status(&service(), two.now).expect("known").freshness;
    assert_eq!(freshness, Freshness::Expired);
}

#[test]
fn a_token_that_is_read_again_with_the_end_it_had_is_as_old_as_both_clocks_have_seen_it_grow() {
    let (mut one, mut two, _) = Machine::siblings(standard);
    one.age(&hotel(), Freshness::Stale);
    one.endpoint.then(Said::tokens("AT1", 10, "RT5"));
    let renewal = one.decide(&hotel()).job;
    one.carry(renewal);
    two.pass_seconds(3500);
    two.now.wall = two.now.wall.saturating_sub(Duration::from_secs(1800));
    two.endpoint.then(Said::error(503, ""));
    let renewal = two.decide(&hotel()).job;
    two.carry(renewal);
    assert_eq!(two.asked[0].refresh_token(), Some("RT5"), "the record was read again");
    two.pass_seconds(90);
    let freshness = two.accounts.status(&hotel(), two.now).expect("known").freshness;
    assert_eq!(freshness, Freshness::Expired);
}

#[test]
fn a_new_token_is_not_given_up_for_an_old_one_that_a_sibling_has_stored_by_the_same_number() {
    let (mut one, _, shelf) = Machine::siblings(standard);
    let put = |number, later| {
        let token = AccessToken::new("AT-old").expect("a token");
        let issued = moment::after(later).wall;
        let lifetime = Some(Duration::from_secs(3600));
        let token = TokenSet::restore(standard().profile(), token, issued, lifetime, None);
        let generation = Generation { number, ..Generation::default() };
        shelf.put(&service(), Record { generation, token: Some(token), ..Record::default() });
    };
    put(1, 0);
    assert_eq!(one.got(&service()), "AT-old");
    one.age(&service(), Freshness::Stale);
    // Without the claim nothing is read again: the store fails, and a client grant goes on.
    let Some(Job::Claim(claim)) = one.decide(&service()).job else { panic!("the renewal is claimed") };
    let send = one.report(claim.claimed(Err(StoreFault::new("the store broke off")))).expect("the request");
    one.endpoint.then(Said::token("AT-new", 3600));
    let save = one.step(send).expect("the outcome is saved");
    put(2, 10);
    let rest = one.step(save);
    one.carry(rest);
    assert_eq!(one.got(&service()), "AT-new");
    let stored = one.stored(&service()).token.expect("a token");
    assert_eq!(stored.access_token().expose(), "AT-new");
}

#[test]
fn a_later_end_of_a_token_that_was_over_when_it_came_again_is_taken_over_too() {
    let (mut one, mut two, _) = Machine::siblings(standard);
    two.age(&hotel(), Freshness::Expired);
    two.endpoint.then(Said::token("AT1", 0));
    assert_eq!(two.got(&hotel()), "expired_on_arrival");
    one.now = two.now;
    one.pass_seconds(10);
    one.endpoint.then(Said::token("AT1", 3600));
    assert_eq!(one.got(&hotel()), "AT1");
    two.now = one.now;
    two.pass_seconds(70);
    assert_eq!(two.got(&hotel()), "AT1");
    assert_eq!(two.requests(), 1, "the rest was read");
}

#[test]
fn a_later_end_of_the_same_token_is_taken_over_though_the_clock_was_set_back_before_it_was_told() {
    let (mut one, mut two, _) = Machine::siblings(standard);
    one.age(&hotel(), Freshness::Stale);
    one.now.wall = one.now.wall.saturating_sub(Duration::from_secs(7200));
    one.endpoint.then(Said::tokens("AT1", 86_400, "RT1"));
    one_renews_and_two_reads(&mut one, &mut two, &hotel());
    assert_eq!(one.requests(), 2);
    two.pass_seconds(3600);
    assert_eq!(two.decide(&hotel()).line, "1: use AT1");
}

#[test]
fn a_token_that_was_over_when_it_came_again_is_served_no_more_wherever_the_clock_is_set_to() {
    let mut world = Machine::new(standard());
    assert_eq!(world.got(&service()), "AT1");
    world.age(&service(), Freshness::Expired);
    let send = world.up_to_sending(&service());
    world.endpoint.then(Said::token("AT1", 3600));
    let report = world.send(send);
    let set_by = Duration::from_secs(5000);
    world.now.wall = world.now.wall.saturating_add(set_by);
    let rest = world.report(report);
    world.carry(rest);
    assert_eq!(world.decide_at_deadline(&service()).line, "8: give up, expired_on_arrival, later");
    world.now.wall = world.now.wall.saturating_sub(set_by);
    let told = world.decide_at_deadline(&service());
    assert!(told.token.is_none(), "{}", told.line);
}

#[test]
fn a_shorter_end_that_is_told_of_the_same_token_holds_against_what_was_stored_before_the_clock_was_set_back()
{
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    world.endpoint.then(Said::token("AT1", 9000));
    let send = world.up_to_sending(&service());
    let Some(Job::Save(save)) = world.step(Job::Send(send)) else { panic!("the token is saved") };
    world.breaks_off(save, true);
    world.pass_seconds(9000);
    world.now.wall = world.now.wall.saturating_sub(Duration::from_secs(14_000));
    world.endpoint.then(Said::token("AT1", 1));
    let mut next = Some(Job::Send(world.up_to_sending(&service())));
    let again = loop {
        let job = next.expect("what was told is saved over what is stored");
        match job {
            Job::Save(save) if save.expected().is_some() => break save,
            job => next = world.step(job),
        }
    };
    let stored = again.record().token.as_ref().and_then(TokenSet::lifetime);
    assert_eq!(stored, Some(Duration::from_secs(1)));
    world.pass_seconds(2);
    let told = world.decide_at_deadline(&service());
    assert!(told.token.is_none(), "{}", told.line);
}

#[test]
fn of_two_ends_that_were_told_of_one_token_by_two_sign_ins_the_first_holds() {
    for (own, theirs) in [(60, 3600), (3600, 60)] {
        let (mut one, mut two, _) = Machine::siblings(standard);
        one.age(&hotel(), Freshness::Expired);
        two.now = one.now;
        one.endpoint.then(Said::token("AT-both", own));
        assert_eq!(one.got(&hotel()), "AT-both");
        one.age(&hotel(), Freshness::Stale);
        two.now = one.now;
        two.sign_in(&hotel(), "RT5");
        two.endpoint.then(Said::tokens("AT-both", theirs, "RT6"));
        let signed_in = two.get(&hotel()).expect("a token").generation();
        let load = one.up_to(&hotel(), |job| matches!(job, Job::Load(_)));
        let _under_way = one.step(load);
        let status = one.accounts.status(&hotel(), one.now).expect("known");
        let token = status.token.expect("what the sibling has stored");
        assert_eq!(token.generation(), signed_in, "{own}, {theirs}");
        one.pass_seconds(60);
        let freshness = one.accounts.status(&hotel(), one.now).expect("known").freshness;
        assert_eq!(freshness, Freshness::Expired, "{own}, {theirs}");
    }
}
