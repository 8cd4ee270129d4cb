//! What simulated fleets have found: what siblings must not do to each other, nor a late answer to a later request.

use octo_auth_core::{
    Adopted, Client, FailureKind, Fault, Freshness, Job, Purpose, Record, SaveJob, Secret, SendJob, Storage,
    StoreFault, Terminal,
};
use octo_auth_tests::machine::{Machine, Said, Shelf, hotel, service};
use octo_auth_tests::registration::{never_replayed, sound, standard};

/// Two machines on one store that both hold `AT1` and `RT1` of an account.
fn siblings() -> (Machine, Machine, Shelf) {
    siblings_at(standard)
}

fn siblings_at(client: fn() -> Client) -> (Machine, Machine, Shelf) {
    let shelf = Shelf::default();
    let shared = |seed| Machine::with_store(client(), Storage::Shared, &shelf, seed);
    let (mut one, mut two) = (shared(1), shared(2));
    one.sign_in(&hotel(), "RT0");
    assert_eq!(one.got(&hotel()), "AT1");
    assert_eq!(two.got(&hotel()), "AT1", "read from the store");
    (one, two, shelf)
}

/// Carries what the machine wants to do up to its next request.
fn up_to_sending(world: &mut Machine) -> SendJob {
    let mut next = world.decide(&hotel()).job;
    loop {
        match next {
            Some(Job::Send(send)) => return send,
            Some(job) => next = world.step(job),
            None => panic!("nothing is sent"),
        }
    }
}

/// Carries what the machine wants to do up to the writing ahead of its next request.
fn up_to_marking(world: &mut Machine) -> SaveJob {
    let mut next = world.decide(&hotel()).job;
    loop {
        match next {
            Some(Job::Save(save)) => return save,
            Some(job) => next = world.step(job),
            None => panic!("nothing is written ahead"),
        }
    }
}

/// The store takes a record and says that it failed.
fn broke_off(world: &mut Machine, save: SaveJob) {
    world.shelf.put(&hotel(), save.record().clone());
    let rest = world.report(save.saved(Err(StoreFault::new("the store broke off"))));
    assert!(rest.is_none() || matches!(rest, Some(Job::Release(_))));
    world.carry(rest);
}

fn refresh_token(record: &Record) -> Option<&str> {
    record.refresh_token.as_ref().map(Secret::expose)
}

#[test]
fn the_late_answer_of_an_earlier_use_leaves_a_later_one_in_doubt() {
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    world.sign_in(&hotel(), "RT0");
    let first = up_to_sending(&mut world);
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
    let (mut one, mut two, shelf) = siblings();
    one.age(&hotel(), Freshness::Stale);
    two.age(&hotel(), Freshness::Stale);
    shelf.refuse_writing(true);
    let job = one.decide(&hotel()).job;
    one.carry(job);
    shelf.refuse_writing(false);
    let _under_way = up_to_sending(&mut two);
    one.pass_seconds(35);
    let save = one.decide(&hotel()).job.expect("what was written ahead is taken back");
    assert!(matches!(save, Job::Save(_)));
    one.carry(Some(save));
    assert!(one.stored(&hotel()).pending.is_some(), "a sibling's request is under way");
}

#[test]
fn what_is_read_too_late_under_a_claim_is_known_all_the_same() {
    let (mut one, mut two, _) = siblings();
    let signing_out = one.accounts.sign_out(&hotel(), one.now);
    one.carry(signing_out);
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
    let (mut one, mut two, _) = siblings();
    one.age(&hotel(), Freshness::Expired);
    let sent = up_to_sending(&mut one);
    let report = one.send(sent);
    let Some(Job::Save(save)) = one.report(report) else { panic!("the outcome is saved") };
    broke_off(&mut one, save);
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
    let (mut one, mut two, _) = siblings();
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
fn a_sign_in_that_may_have_been_stored_does_not_replace_a_later_one() {
    let (mut one, mut two, _) = siblings();
    let adopted = Adopted::RefreshToken(Secret::from("RT-early"));
    let Some(Job::Save(save)) = sound(one.accounts.adopt(&hotel(), adopted, one.now)) else {
        panic!("the sign-in is saved")
    };
    broke_off(&mut one, save);
    two.sign_in(&hotel(), "RT-late");
    one.pass_seconds(600);
    one.got(&hotel());
    assert_eq!(one.asked.last().and_then(|asked| asked.refresh_token()), Some("RT-late"));
}

#[test]
fn a_sign_out_that_could_not_be_stored_is_not_forgotten_for_a_sign_in_it_had_not_heard_of() {
    let (mut one, mut two, shelf) = siblings();
    two.sign_in(&hotel(), "RT-elsewhere");
    shelf.refuse_writing(true);
    let signing_out = one.accounts.sign_out(&hotel(), one.now);
    one.carry(signing_out);
    shelf.refuse_writing(false);
    one.pass_seconds(600);
    one.got(&hotel());
    assert!(one.stored(&hotel()).signed_out);
}

#[test]
fn a_sign_out_counts_on_from_what_it_replaces() {
    let (mut one, mut two, _) = siblings();
    for _ in 0..3 {
        two.age(&hotel(), Freshness::Expired);
        two.got(&hotel());
    }
    let before = two.stored(&hotel()).generation.number;
    let signing_out = one.accounts.sign_out(&hotel(), one.now);
    one.carry(signing_out);
    assert!(one.stored(&hotel()).signed_out);
    assert!(one.stored(&hotel()).generation.number > before);
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
fn the_second_of_two_sign_ins_that_the_store_did_not_take_wins_over_what_was_there_before_both() {
    let (mut one, mut two, shelf) = siblings();
    shelf.refuse_writing(true);
    one.sign_in(&hotel(), "RT5");
    one.sign_in(&hotel(), "RT6");
    shelf.refuse_writing(false);
    two.age(&hotel(), Freshness::Expired);
    two.got(&hotel());
    assert_eq!(two.requests(), 1, "a sibling renews what the store has still");
    one.pass_seconds(61);
    one.age(&hotel(), Freshness::Expired);
    for _ in 0..3 {
        one.got(&hotel());
        one.pass_seconds(31);
    }
    let sent: Vec<_> = one.asked.iter().filter_map(|asked| asked.refresh_token()).collect();
    assert_eq!(sent.first().copied(), Some("RT0"));
    assert_eq!(sent.get(1).copied(), Some("RT6"), "{sent:?}");
}

#[test]
fn a_sign_out_ends_also_a_sign_in_it_had_not_heard_of_and_whoever_made_that_knows() {
    let (mut one, mut two, shelf) = siblings();
    two.sign_in(&hotel(), "RT5");
    assert_eq!(two.got(&hotel()), "AT1", "of its own endpoint");
    let begun = two.get(&hotel()).expect("a token").generation();
    let rest = one.accounts.sign_out(&hotel(), one.now);
    one.carry(rest);
    let stored = shelf.record(&hotel()).expect("the tombstone");
    assert!(stored.signed_out);
    assert_eq!(stored.generation.lineage, begun.lineage, "it counts on from what it ends");
    assert!(stored.generation.number > begun.number);
    two.age(&hotel(), Freshness::Expired);
    assert_eq!(two.got(&hotel()), "signed_out");
    assert_eq!(two.requests(), 1);
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

/// A sign-in, whose record is to be saved.
fn signing_in(world: &mut Machine, refresh_token: &str) -> SaveJob {
    let adopted = Adopted::RefreshToken(Secret::from(refresh_token));
    let Some(Job::Save(save)) = sound(world.accounts.adopt(&hotel(), adopted, world.now)) else {
        panic!("the sign-in is saved")
    };
    save
}

#[test]
fn a_sign_in_that_is_stored_late_does_not_replace_the_later_ones_of_its_process() {
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    world.sign_in(&hotel(), "RT0");
    let early = signing_in(&mut world, "RT-early");
    for later in ["RT-later", "RT-last"] {
        let adopted = Adopted::RefreshToken(Secret::from(later));
        assert!(sound(world.accounts.adopt(&hotel(), adopted, world.now)).is_none(), "the store is busy");
    }
    world.pass_seconds(6);
    world.got(&hotel());
    world.shelf.put(&hotel(), early.record().clone());
    world.pass_seconds(600);
    world.got(&hotel());
    assert_eq!(world.asked.last().and_then(|asked| asked.refresh_token()), Some("RT-last"));
}

#[test]
fn a_sign_out_ends_a_sign_in_that_was_stored_though_its_process_never_heard_of_it() {
    let (mut one, mut two, _) = siblings();
    let save = signing_in(&mut one, "RT-new");
    broke_off(&mut one, save);
    let signing_out = two.accounts.sign_out(&hotel(), two.now);
    two.carry(signing_out);
    one.pass_seconds(600);
    assert_eq!(one.got(&hotel()), "signed_out");
    assert!(one.stored(&hotel()).signed_out);
}

#[test]
fn a_sign_out_after_a_sign_in_that_was_not_stored_ends_what_is_stored() {
    let (mut one, mut two, _) = siblings();
    let save = signing_in(&mut one, "RT-new");
    broke_off(&mut one, save);
    two.age(&hotel(), Freshness::Expired);
    two.got(&hotel());
    let ended = two.stored(&hotel()).generation;
    let unsaved = signing_in(&mut two, "RT-newer");
    let rest = two.report(Job::Save(unsaved).abandon());
    two.carry(rest);
    let signing_out = two.accounts.sign_out(&hotel(), two.now);
    two.carry(signing_out);
    let out = two.stored(&hotel()).generation;
    assert_eq!((out.lineage, out.number), (ended.lineage, ended.number + 1));
    one.now = two.now;
    one.pass_seconds(600);
    assert_eq!(one.got(&hotel()), "signed_out");
}

#[test]
fn a_sign_in_that_may_have_been_stored_does_not_undo_a_sign_out_of_one_it_had_not_heard_of() {
    let (mut one, mut two, _) = siblings();
    let save = signing_in(&mut one, "RT-new");
    broke_off(&mut one, save);
    two.sign_in(&hotel(), "RT-newer");
    let signing_out = two.accounts.sign_out(&hotel(), two.now);
    two.carry(signing_out);
    one.pass_seconds(600);
    assert_eq!(one.got(&hotel()), "signed_out");
    assert!(one.stored(&hotel()).signed_out);
}

/// A sign-in that may have been stored, and after it another one, which is dead.
fn a_sign_in_in_doubt_over_a_dead_one(client: fn() -> Client) -> Machine {
    let (mut one, mut two, _) = siblings_at(client);
    let save = signing_in(&mut one, "RT-early");
    broke_off(&mut one, save);
    two.sign_in(&hotel(), "RT-late");
    two.endpoint.then(Said::error(400, "invalid_grant"));
    two.got(&hotel());
    assert_eq!(two.stored(&hotel()).terminal, Some(Terminal::Refused));
    one.pass_seconds(600);
    one
}

#[test]
fn a_sign_in_that_may_have_been_replaced_takes_the_place_of_a_dead_one_and_is_in_doubt() {
    let mut one = a_sign_in_in_doubt_over_a_dead_one(standard);
    one.endpoint.then(Said::error(400, "invalid_grant"));
    one.got(&hotel());
    assert_eq!(one.asked.last().and_then(|asked| asked.refresh_token()), Some("RT-early"));
    assert_eq!(one.stored(&hotel()).terminal, Some(Terminal::RefusedAfterDoubt));
}

#[test]
fn a_sign_in_that_may_have_been_used_by_others_is_not_used_where_no_refresh_token_is_taken_twice() {
    let mut one = a_sign_in_in_doubt_over_a_dead_one(never_replayed);
    let before = one.requests();
    assert_eq!(one.get(&hotel()).map_err(|failure| failure.kind()).err(), Some(FailureKind::ConsentInDoubt));
    assert_eq!(one.requests(), before);
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
    let (mut one, mut two, _) = siblings_at(never_replayed);
    one.age(&hotel(), Freshness::Expired);
    let mark = up_to_marking(&mut one);
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
    let (mut one, mut two, _) = siblings_at(never_replayed);
    one.age(&hotel(), Freshness::Expired);
    two.now = one.now;
    let early = up_to_marking(&mut two);
    // Its claim is over, which it does not know: its clock stood still.
    one.pass_seconds(100);
    let late = up_to_marking(&mut one);
    let sent = two.step(Job::Save(early));
    assert!(matches!(sent, Some(Job::Send(_))));
    let rest = one.step(Job::Save(late));
    assert!(!matches!(rest, Some(Job::Save(_) | Job::Send(_))), "{rest:?}");
}
