//! Sign-ins and sign-outs that several processes make at once, with a store that does not always take them.

use octo_auth_core::{Adopted, Client, FailureKind, Freshness, Job, Purpose, Secret, Storage, Terminal};
use octo_auth_tests::machine::{Machine, Said, Shelf, hotel, service};
use octo_auth_tests::registration::{never_replayed, sound, standard};

/// Two processes on a store that holds nothing, which both have read.
fn processes() -> (Machine, Machine) {
    let shelf = Shelf::default();
    let shared = |seed| Machine::with_store(standard(), Storage::Shared, &shelf, seed);
    let (mut one, mut two) = (shared(1), shared(2));
    one.got(&hotel());
    two.got(&hotel());
    (one, two)
}

/// The refresh token that is stored once all have told the store what they have to tell.
fn settled(one: &mut Machine) -> Option<String> {
    one.pass_seconds(600);
    one.got(&hotel());
    one.stored(&hotel()).refresh_token.map(|token| token.expose().to_owned())
}

#[test]
fn a_first_sign_in_that_may_have_been_stored_does_not_replace_a_later_one() {
    let (mut one, mut two) = processes();
    let save = one.signing_in(&hotel(), "RT-early");
    one.breaks_off(save, true);
    two.sign_in(&hotel(), "RT-late");
    one.endpoint.always(|_| Said::token("AT-late", 3600));
    assert_eq!(settled(&mut one).as_deref(), Some("RT-late"));
}

#[test]
fn a_first_sign_in_that_may_have_been_stored_does_not_undo_a_sign_out() {
    let (mut one, mut two) = processes();
    let save = one.signing_in(&hotel(), "RT-early");
    one.breaks_off(save, true);
    two.sign_in(&hotel(), "RT-late");
    two.sign_out(&hotel());
    assert_eq!(settled(&mut one), None);
    assert!(one.stored(&hotel()).signed_out);
}

#[test]
fn a_sign_in_that_has_met_another_in_the_store_replaces_it_though_that_fails_at_first() {
    let (mut one, mut two) = processes();
    let save = one.signing_in(&hotel(), "RT-last");
    two.sign_in(&hotel(), "RT-met");
    let Some(Job::Save(again)) = one.step(Job::Save(save)) else { panic!("it wins and is saved again") };
    one.breaks_off(again, false);
    assert_eq!(two.got(&hotel()), "AT1", "what was met is renewed meanwhile");
    one.endpoint.always(|_| Said::token("AT-last", 3600));
    assert_eq!(settled(&mut one).as_deref(), Some("RT-last"));
}

#[test]
fn a_sign_out_counts_on_from_what_was_served_though_the_store_did_not_take_that() {
    let (mut one, mut two, shelf) = Machine::siblings(standard);
    one.got(&service());
    shelf.set_down(true);
    for _ in 0..2 {
        one.age(&service(), Freshness::Expired);
        one.got(&service());
    }
    let served = one.get(&service()).expect("a token").generation().number;
    one.sign_out(&service());
    shelf.set_down(false);
    two.now = one.now;
    two.got(&service());
    assert!(two.stored(&service()).generation.number < served);
    one.pass_seconds(31);
    one.got(&service());
    let out = one.stored(&service());
    assert_eq!((out.signed_out, out.generation.number), (true, served + 1));
}

#[test]
fn a_sign_in_that_was_never_handed_to_the_store_is_in_no_doubt_when_an_earlier_one_fails() {
    let (mut one, mut two) = processes();
    let early = one.signing_in(&hotel(), "RT-early");
    two.sign_in(&hotel(), "RT-elsewhere");
    let adopted = Adopted::RefreshToken(Secret::from("RT-last"));
    let job = one.accounts.adopt(&hotel(), adopted, one.now).expect("it can be adopted");
    assert!(job.is_none(), "the store is busy with the first");
    one.breaks_off(early, false);
    one.endpoint.always(|_| Said::token("AT-last", 3600));
    assert_eq!(settled(&mut one).as_deref(), Some("RT-last"));
    let revoked = one.asked.iter().filter(|asked| asked.purpose == Purpose::Revocation);
    assert!(revoked.into_iter().all(|asked| asked.parameter("token") != Some("RT-last")));
}

#[test]
fn a_sign_in_that_is_renewed_elsewhere_many_times_while_it_cannot_be_stored_replaces_what_it_did() {
    let (mut one, mut two) = processes();
    one.sign_in(&hotel(), "RT0");
    one.shelf.refuse_writing(true);
    one.sign_in(&hotel(), "RT-new");
    one.shelf.refuse_writing(false);
    two.endpoint.always(Said::next_tokens);
    for _ in 0..20 {
        two.pass_seconds(4000);
        two.got(&hotel());
    }
    one.now = two.now;
    one.endpoint.always(|_| Said::token("AT-new", 3600));
    assert_eq!(settled(&mut one).as_deref(), Some("RT-new"));
}

#[test]
fn the_same_refresh_token_adopted_while_it_is_written_ahead_is_saved_as_a_sign_in_of_its_own() {
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    world.sign_in(&hotel(), "RT0");
    let before = world.stored(&hotel()).generation.lineage;
    let mark = world.decide(&hotel()).job.expect("it is written down first");
    let adopted = Adopted::RefreshToken(Secret::from("RT0"));
    let job = world.accounts.adopt(&hotel(), adopted, world.now).expect("it can be adopted");
    assert!(job.is_none(), "the store is busy");
    let rest = world.step(mark);
    assert!(matches!(rest, Some(Job::Save(_))), "{rest:?}");
    world.carry(rest);
    assert_ne!(world.stored(&hotel()).generation.lineage, before);
    assert!(world.stored(&hotel()).pending.is_none(), "nothing was sent");
    assert_eq!(world.got(&hotel()), "AT1");
}

#[test]
fn a_sign_in_that_may_have_been_stored_does_not_replace_a_later_one() {
    let (mut one, mut two, _) = Machine::siblings(standard);
    let adopted = Adopted::RefreshToken(Secret::from("RT-early"));
    let Some(Job::Save(save)) = sound(one.accounts.adopt(&hotel(), adopted, one.now)) else {
        panic!("the sign-in is saved")
    };
    one.breaks_off(save, true);
    two.sign_in(&hotel(), "RT-late");
    one.pass_seconds(600);
    one.got(&hotel());
    assert_eq!(one.asked.last().and_then(|asked| asked.refresh_token()), Some("RT-late"));
}

#[test]
fn a_sign_out_that_could_not_be_stored_is_not_forgotten_for_a_sign_in_it_had_not_heard_of() {
    let (mut one, mut two, shelf) = Machine::siblings(standard);
    two.sign_in(&hotel(), "RT-elsewhere");
    shelf.refuse_writing(true);
    one.sign_out(&hotel());
    shelf.refuse_writing(false);
    one.pass_seconds(600);
    one.got(&hotel());
    assert!(one.stored(&hotel()).signed_out);
}

#[test]
fn a_sign_out_counts_on_from_what_it_replaces() {
    let (mut one, mut two, _) = Machine::siblings(standard);
    for _ in 0..3 {
        two.age(&hotel(), Freshness::Expired);
        two.got(&hotel());
    }
    let before = two.stored(&hotel()).generation.number;
    one.sign_out(&hotel());
    assert!(one.stored(&hotel()).signed_out);
    assert!(one.stored(&hotel()).generation.number > before);
}

#[test]
fn the_second_of_two_sign_ins_that_the_store_did_not_take_wins_over_what_was_there_before_both() {
    let (mut one, mut two, shelf) = Machine::siblings(standard);
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
    let (mut one, mut two, shelf) = Machine::siblings(standard);
    two.sign_in(&hotel(), "RT5");
    assert_eq!(two.got(&hotel()), "AT1", "of its own endpoint");
    let begun = two.get(&hotel()).expect("a token").generation();
    one.sign_out(&hotel());
    let stored = shelf.record(&hotel()).expect("the tombstone");
    assert!(stored.signed_out);
    assert_eq!(stored.generation.lineage, begun.lineage, "it counts on from what it ends");
    assert!(stored.generation.number > begun.number);
    two.age(&hotel(), Freshness::Expired);
    assert_eq!(two.got(&hotel()), "signed_out");
    assert_eq!(two.requests(), 1);
}

#[test]
fn a_sign_in_that_is_stored_late_does_not_replace_the_later_ones_of_its_process() {
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    world.sign_in(&hotel(), "RT0");
    let early = world.signing_in(&hotel(), "RT-early");
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
    let (mut one, mut two, _) = Machine::siblings(standard);
    let save = one.signing_in(&hotel(), "RT-new");
    one.breaks_off(save, true);
    two.sign_out(&hotel());
    one.pass_seconds(600);
    assert_eq!(one.got(&hotel()), "signed_out");
    assert!(one.stored(&hotel()).signed_out);
}

#[test]
fn a_sign_out_after_a_sign_in_that_was_not_stored_ends_what_is_stored() {
    let (mut one, mut two, _) = Machine::siblings(standard);
    let save = one.signing_in(&hotel(), "RT-new");
    one.breaks_off(save, true);
    two.age(&hotel(), Freshness::Expired);
    two.got(&hotel());
    let ended = two.stored(&hotel()).generation;
    let unsaved = two.signing_in(&hotel(), "RT-newer");
    let rest = two.report(Job::Save(unsaved).abandon());
    two.carry(rest);
    two.sign_out(&hotel());
    let out = two.stored(&hotel()).generation;
    assert_eq!((out.lineage, out.number), (ended.lineage, ended.number + 1));
    one.now = two.now;
    one.pass_seconds(600);
    assert_eq!(one.got(&hotel()), "signed_out");
}

#[test]
fn a_sign_in_that_may_have_been_stored_does_not_undo_a_sign_out_of_one_it_had_not_heard_of() {
    let (mut one, mut two, _) = Machine::siblings(standard);
    let save = one.signing_in(&hotel(), "RT-new");
    one.breaks_off(save, true);
    two.sign_in(&hotel(), "RT-newer");
    two.sign_out(&hotel());
    one.pass_seconds(600);
    assert_eq!(one.got(&hotel()), "signed_out");
    assert!(one.stored(&hotel()).signed_out);
}

/// A sign-in that may have been stored, and after it another one, which is dead.
fn a_sign_in_in_doubt_over_a_dead_one(client: fn() -> Client) -> Machine {
    let (mut one, mut two, _) = Machine::siblings(client);
    let save = one.signing_in(&hotel(), "RT-early");
    one.breaks_off(save, true);
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
fn a_sign_in_replaces_an_earlier_one_of_its_process_that_was_stored_unheard() {
    for signs_out_between in [false, true] {
        let (mut one, _) = processes();
        let early = one.signing_in(&hotel(), "RT-early");
        one.breaks_off(early, true);
        if signs_out_between {
            let Some(Job::Save(out)) = one.accounts.sign_out(&hotel(), one.now) else {
                panic!("it is saved")
            };
            one.breaks_off(out, false);
        }
        let last = one.signing_in(&hotel(), "RT-last");
        one.breaks_off(last, false);
        one.endpoint.always(|_| Said::token("AT-last", 3600));
        assert_eq!(settled(&mut one).as_deref(), Some("RT-last"), "{signs_out_between}");
        let revoked = one.asked.iter().filter(|asked| asked.purpose == Purpose::Revocation);
        assert!(revoked.into_iter().all(|asked| asked.parameter("token") != Some("RT-last")));
    }
}

#[test]
fn the_second_of_two_decisions_made_before_the_store_was_read_replaces_what_was_there_before_both() {
    for signs_out_first in [false, true] {
        let (mut before, mut late) = processes();
        before.sign_in(&hotel(), "RT-before");
        late = Machine::with_store(standard(), Storage::Shared, &late.shelf, 3);
        late.shelf.refuse_writing(true);
        match signs_out_first {
            true => late.sign_out(&hotel()),
            false => late.sign_in(&hotel(), "RT-first"),
        }
        late.sign_in(&hotel(), "RT-last");
        late.shelf.refuse_writing(false);
        late.endpoint.always(|_| Said::token("AT-last", 3600));
        assert_eq!(settled(&mut late).as_deref(), Some("RT-last"), "{signs_out_first}");
    }
}

#[test]
fn a_marker_that_was_not_written_is_no_doubt_of_the_same_refresh_token_signed_in_with_meanwhile() {
    let (mut one, _, shelf) = Machine::siblings(standard);
    one.age(&hotel(), Freshness::Expired);
    let mark = one.up_to_writing(&hotel(), &hotel());
    let adopted = Adopted::RefreshToken(Secret::from("RT1"));
    let job = sound(one.accounts.adopt(&hotel(), adopted, one.now));
    assert!(job.is_none(), "the store is busy");
    let stored = one.stored(&hotel());
    shelf.put(&hotel(), stored);
    one.endpoint.then(Said::error(400, "invalid_grant"));
    one.carry(Some(Job::Save(mark)));
    one.got(&hotel());
    assert_eq!(one.requests(), 2, "the first token and this");
    assert_eq!(one.stored(&hotel()).terminal, Some(Terminal::Refused), "after no doubt");
}
