//! Operations of several processes on one record: sign-ins, sign-outs, renewals, and store failures in between.

use std::time::Duration;

use octo_auth_core::{FamilyId, Freshness, Imported, Job, Purpose, Secret, Storage, TokenErrorKind};
use octo_auth_testkit::machine::{InMemoryStore, Machine, ServerReply, hotel, service};
use octo_auth_testkit::registration::{never_replayed, standard};

use crate::scene::{process, processes, refresh_tokens, settled, signed_in};

#[test]
fn a_sign_in_during_a_renewal_replaces_its_answer() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let job = world.decide(&hotel()).job;
    world.sign_in(&hotel(), "RT5");
    world.carry(job);
    assert!(world.got(&hotel()).starts_with("AT"));
    assert_eq!(refresh_tokens(&world).last(), Some(&"RT5"), "{:?}", refresh_tokens(&world));
}

#[test]
fn a_first_sign_in_with_an_unknown_write_result_does_not_replace_a_later_one() {
    let (mut one, mut two) = processes();
    let save = one.signing_in(&hotel(), "RT-early");
    one.breaks_off(save, true);
    two.sign_in(&hotel(), "RT-late");
    one.endpoint.always(|_| ServerReply::token("AT-late", 3600));
    assert_eq!(settled(&mut one).as_deref(), Some("RT-late"));
}

#[test]
fn a_first_sign_in_with_an_unknown_write_result_does_not_undo_a_sign_out() {
    let (mut one, mut two) = processes();
    let save = one.signing_in(&hotel(), "RT-early");
    one.breaks_off(save, true);
    two.sign_in(&hotel(), "RT-late");
    two.sign_out(&hotel());
    assert_eq!(settled(&mut one), None);
    assert!(one.stored(&hotel()).is_signed_out());
}

#[test]
fn a_sign_in_that_conflicts_with_a_stored_one_replaces_it_after_a_failed_write() {
    let (mut one, mut two) = processes();
    let save = one.signing_in(&hotel(), "RT-last");
    two.sign_in(&hotel(), "RT-met");
    let Some(Job::Save(again)) = one.step(Job::Save(save)) else { panic!("it wins and is saved again") };
    one.breaks_off(again, false);
    assert_eq!(two.got(&hotel()), "AT1", "what was met is renewed meanwhile");
    one.endpoint.always(|_| ServerReply::token("AT-last", 3600));
    assert_eq!(settled(&mut one).as_deref(), Some("RT-last"));
}

#[test]
fn a_sign_in_that_waits_for_an_earlier_write_replaces_what_is_stored() {
    let (mut one, mut two) = processes();
    let early = one.signing_in(&hotel(), "RT-early");
    two.sign_in(&hotel(), "RT-elsewhere");
    let imported = Imported::RefreshToken(Secret::from("RT-last"));
    let job = one.manager.import(&hotel(), imported, one.now).expect("it can be imported");
    assert!(job.is_none(), "the store is busy with the first");
    one.breaks_off(early, false);
    one.endpoint.always(|_| ServerReply::token("AT-last", 3600));
    assert_eq!(settled(&mut one).as_deref(), Some("RT-last"));
    let revoked = one.asked.iter().filter(|asked| asked.purpose == Purpose::Revocation);
    assert!(revoked.into_iter().all(|asked| asked.parameter("token") != Some("RT-last")));
}

#[test]
fn an_unsaved_sign_in_replaces_what_another_process_renewed_20_times_meanwhile() {
    let (mut one, mut two) = processes();
    one.sign_in(&hotel(), "RT0");
    one.store.refuse_writing(true);
    one.sign_in(&hotel(), "RT-new");
    one.store.refuse_writing(false);
    two.endpoint.always(ServerReply::next_tokens);
    for _ in 0..20 {
        two.pass_seconds(4000);
        two.got(&hotel());
    }
    one.now = two.now;
    one.endpoint.always(|_| ServerReply::token("AT-new", 3600));
    assert_eq!(settled(&mut one).as_deref(), Some("RT-new"));
}

#[test]
fn a_sign_in_with_an_unknown_write_result_does_not_replace_a_later_one() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    let imported = Imported::RefreshToken(Secret::from("RT-early"));
    let Some(Job::Save(save)) = one.manager.import(&hotel(), imported, one.now).expect("it is accepted")
    else {
        panic!("the sign-in is saved")
    };
    one.breaks_off(save, true);
    two.sign_in(&hotel(), "RT-late");
    one.pass_seconds(600);
    one.got(&hotel());
    assert_eq!(one.last_refresh(), Some("RT-late"));
}

#[test]
fn an_unsaved_sign_out_ends_a_sign_in_of_another_process() {
    let (mut one, mut two, store) = Machine::two_processes(standard);
    two.sign_in(&hotel(), "RT-elsewhere");
    store.refuse_writing(true);
    one.sign_out(&hotel());
    store.refuse_writing(false);
    one.pass_seconds(600);
    one.got(&hotel());
    assert!(one.stored(&hotel()).is_signed_out());
}

#[test]
fn the_second_of_two_unsaved_sign_ins_replaces_what_was_stored_before_both() {
    let (mut one, mut two, store) = Machine::two_processes(standard);
    store.refuse_writing(true);
    one.sign_in(&hotel(), "RT5");
    one.sign_in(&hotel(), "RT6");
    store.refuse_writing(false);
    two.age(&hotel(), Freshness::Expired);
    two.got(&hotel());
    assert_eq!(two.requests(), 1, "another process renews what the store still holds");
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
fn a_sign_out_ends_an_unread_sign_in_of_another_process_and_that_process_notices() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    two.sign_in(&hotel(), "RT5");
    assert!(two.got(&hotel()).starts_with("AT"));
    one.sign_out(&hotel());
    assert!(one.stored(&hotel()).is_signed_out());
    two.age(&hotel(), Freshness::Expired);
    assert_eq!(two.got(&hotel()), "signed_out");
    assert_eq!(two.requests(), 1);
}

#[test]
fn a_sign_in_that_is_stored_late_does_not_replace_the_later_ones_of_its_process() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.sign_in(&hotel(), "RT0");
    let early = world.signing_in(&hotel(), "RT-early");
    for later in ["RT-later", "RT-last"] {
        let imported = Imported::RefreshToken(Secret::from(later));
        assert!(
            world.manager.import(&hotel(), imported, world.now).expect("it is accepted").is_none(),
            "the store is busy"
        );
    }
    world.pass_seconds(6);
    world.got(&hotel());
    world.store.put(early.name(), early.content().clone());
    world.pass_seconds(600);
    world.got(&hotel());
    assert_eq!(world.last_refresh(), Some("RT-last"));
}

#[test]
fn a_sign_out_ends_a_sign_in_with_an_unknown_write_result() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    let save = one.signing_in(&hotel(), "RT-new");
    one.breaks_off(save, true);
    two.sign_out(&hotel());
    one.pass_seconds(600);
    assert_eq!(one.got(&hotel()), "signed_out");
    assert!(one.stored(&hotel()).is_signed_out());
}

#[test]
fn a_sign_out_after_an_unsaved_sign_in_ends_what_is_stored() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    let save = one.signing_in(&hotel(), "RT-new");
    one.breaks_off(save, true);
    two.age(&hotel(), Freshness::Expired);
    two.got(&hotel());
    let unsaved = two.signing_in(&hotel(), "RT-newer");
    let rest = two.report(Job::Save(unsaved).abandon());
    two.carry(rest);
    two.sign_out(&hotel());
    assert!(two.stored(&hotel()).is_signed_out());
    one.now = two.now;
    one.pass_seconds(600);
    assert_eq!(one.got(&hotel()), "signed_out");
}

#[test]
fn a_sign_in_with_an_unknown_write_result_does_not_undo_a_sign_out() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    let save = one.signing_in(&hotel(), "RT-new");
    one.breaks_off(save, true);
    two.sign_in(&hotel(), "RT-newer");
    two.sign_out(&hotel());
    one.pass_seconds(600);
    assert_eq!(one.got(&hotel()), "signed_out");
    assert!(one.stored(&hotel()).is_signed_out());
}

#[test]
fn a_sign_in_replaces_an_earlier_one_of_its_process_with_an_unknown_write_result() {
    for signs_out_between in [false, true] {
        let (mut one, _) = processes();
        let early = one.signing_in(&hotel(), "RT-early");
        one.breaks_off(early, true);
        if signs_out_between {
            let Some(Job::Save(out)) = one.manager.sign_out(&hotel(), one.now) else { panic!("it is saved") };
            one.breaks_off(out, false);
        }
        let last = one.signing_in(&hotel(), "RT-last");
        one.breaks_off(last, false);
        one.endpoint.always(|_| ServerReply::token("AT-last", 3600));
        assert_eq!(settled(&mut one).as_deref(), Some("RT-last"), "{signs_out_between}");
        let revoked = one.asked.iter().filter(|asked| asked.purpose == Purpose::Revocation);
        assert!(revoked.into_iter().all(|asked| asked.parameter("token") != Some("RT-last")));
    }
}

#[test]
fn the_second_of_two_decisions_before_the_first_read_replaces_what_was_stored() {
    for signs_out_first in [false, true] {
        let (mut before, mut late) = processes();
        before.sign_in(&hotel(), "RT-before");
        late = Machine::with_store(standard(), Storage::MultiProcess, &late.store, 3);
        late.store.refuse_writing(true);
        match signs_out_first {
            true => late.sign_out(&hotel()),
            false => late.sign_in(&hotel(), "RT-first"),
        }
        late.sign_in(&hotel(), "RT-last");
        late.store.refuse_writing(false);
        late.endpoint.always(|_| ServerReply::token("AT-last", 3600));
        assert_eq!(settled(&mut late).as_deref(), Some("RT-last"), "{signs_out_first}");
    }
}

#[test]
fn an_unwritten_attempt_leaves_no_doubt_about_a_sign_in_with_the_same_refresh_token() {
    let (mut one, _, _) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Expired);
    let attempt = one.up_to_writing(&hotel());
    let imported = Imported::RefreshToken(Secret::from("RT1"));
    let job = one.manager.import(&hotel(), imported, one.now).expect("it is accepted");
    assert!(job.is_none(), "the store is busy");
    one.put(&hotel(), &one.stored(&hotel()));
    one.endpoint.then(ServerReply::error(400, "invalid_grant"));
    one.carry(Some(Job::Save(attempt)));
    one.got(&hotel());
    assert_eq!(one.requests(), 2, "the first token and this");
    assert_eq!(one.stored(&hotel()).dead(), Some("refused"), "after no doubt");
}

#[test]
fn an_invalid_grant_does_not_concern_a_refresh_token_that_another_process_stored() {
    let mut world = signed_in();
    let stored = world.stored(&hotel());
    let renewed = stored.clone().with("number", stored.number() + 1).with("refresh_token", "RT7");
    world.age(&hotel(), Freshness::Expired);
    let attempt = world.decide(&hotel()).job.expect("the write-ahead");
    let send = world.step(attempt).expect("the request");
    world.put(&hotel(), &renewed);
    world.endpoint.then(ServerReply::error(400, "invalid_grant"));
    let verdict = world.step(send);
    assert!(matches!(verdict, Some(Job::Save(_))), "{verdict:?}");
    world.carry(verdict);
    assert_eq!(world.got(&hotel()), "AT3");
    assert_eq!(world.asked[2].refresh_token(), Some("RT7"));
}

#[test]
fn a_token_that_arrives_after_a_sign_out_is_revoked_and_not_served() {
    let mut world = signed_in();
    world.endpoint.then(ServerReply::tokens("AT2", 3600, "RT2"));
    world.age(&hotel(), Freshness::Stale);
    let attempt = world.decide(&hotel()).job.expect("the write-ahead");
    let send = world.step(attempt);
    let job = world.manager.sign_out(&hotel(), world.now);
    world.endpoint.always(|_| ServerReply::json(200, ""));
    world.carry(job);
    world.carry(send);
    assert_eq!(world.decide(&hotel()).line, "signed_out: give up, signed_out, sign in");
    let revoked: Vec<&str> = world
        .asked
        .iter()
        .filter(|asked| asked.purpose == Purpose::Revocation)
        .filter_map(|asked| asked.parameter("token"))
        .collect();
    assert!(revoked.contains(&"RT2"), "{revoked:?}");
    let stored = world.stored(&hotel());
    assert!(stored.is_signed_out() && stored.access_token().is_none() && stored.refresh_token().is_none());
}

#[test]
fn a_family_is_shown_by_its_first_bytes() {
    assert_eq!(format!("{:?}", FamilyId::from_bytes([0xab; 16])), "FamilyId(abababab)");
}

#[test]
fn a_sign_in_with_the_same_refresh_token_keeps_its_doubt() {
    let mut world = Machine::new(never_replayed());
    world.sign_in(&hotel(), "RT0");
    world.endpoint.then(ServerReply::page(502, &[]));
    world.got(&hotel());
    world.sign_in(&hotel(), "RT0");
    world.pass_seconds(70);
    let failure = world.get(&hotel()).expect_err("it may have been replaced");
    assert_eq!(failure.kind(), TokenErrorKind::RefreshOutcomeUnknown);
    assert_eq!(world.requests(), 1);
}

#[test]
fn saving_keeps_an_open_attempt_of_another_process() {
    let (mut one, mut two, store) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Stale);
    two.age(&hotel(), Freshness::Stale);
    store.refuse_writing(true);
    let job = one.decide(&hotel()).job;
    one.carry(job);
    store.refuse_writing(false);
    let _in_flight = two.up_to_sending(&hotel());
    one.pass_seconds(35);
    let save = one.decide(&hotel()).job.expect("what was written ahead is taken back");
    assert!(matches!(save, Job::Save(_)));
    one.carry(Some(save));
    assert!(one.stored(&hotel()).attempt().is_some(), "a request of the other process is in flight");
}

#[test]
fn a_family_is_displayed_by_its_first_bytes() {
    assert_eq!(FamilyId::from_bytes([0x0f; 16]).to_string(), "0f0f0f0f");
}

#[test]
fn the_successor_of_the_stored_refresh_token_is_saved_after_a_conflict() {
    let (mut one, _, _) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Expired);
    let parent = one.stored(&hotel());
    let mut next = one.decide(&hotel()).job;
    while let Some(job) = next {
        let is_sent = matches!(job, Job::Send(_));
        next = one.step(job);
        if is_sent {
            // Another program restored the old record while the request was in flight.
            one.put(&hotel(), &parent);
        }
    }
    assert_eq!(one.got(&hotel()), "AT2");
    assert_eq!(one.stored(&hotel()).refresh_token(), Some("RT2"));
}

#[test]
fn a_new_token_is_revoked_if_another_sign_in_is_stored() {
    let (mut one, _, _) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Expired);
    let mut next = one.decide(&hotel()).job;
    while let Some(job) = next {
        if let Job::Send(_) = job {
            let other_sign_in = one.empty_record(&hotel()).with("refresh_token", "RT9");
            one.put(&hotel(), &other_sign_in);
        }
        next = one.step(job);
    }
    assert_eq!(one.stored(&hotel()).refresh_token(), Some("RT9"));
    let revoked: Vec<_> = one.asked.iter().filter(|asked| asked.purpose == Purpose::Revocation).collect();
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0].parameter("token"), Some("RT2"));
    one.got(&hotel());
    let last = one.asked.last().expect("a request");
    assert_eq!(last.refresh_token(), Some("RT9"), "the stored one is used from now on");
}

#[test]
fn another_process_follows_a_sign_out_until_the_next_sign_in() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    let before = one.stored(&hotel());
    one.sign_out(&hotel());
    let stored = one.stored(&hotel());
    assert!(stored.is_signed_out());
    assert_eq!((stored.access_token(), stored.refresh_token()), (None, None));
    two.age(&hotel(), Freshness::Expired);
    assert_eq!(two.got(&hotel()), "signed_out");
    assert_eq!(two.requests(), 0);
    one.sign_in(&hotel(), "RT5");
    assert_ne!(one.stored(&hotel()).family(), before.family());
    assert!(one.got(&hotel()).starts_with("AT"));
}

#[test]
fn an_invalid_grant_is_followed_by_a_refresh_with_a_sign_in_of_another_process() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    one.endpoint.then(ServerReply::error(400, "invalid_grant"));
    one.age(&hotel(), Freshness::Expired);
    let mut next = one.decide(&hotel()).job;
    while let Some(job) = next {
        if let Job::Send(_) = job {
            two.sign_in(&hotel(), "RT6");
        }
        next = one.step(job);
    }
    one.got(&hotel());
    assert_eq!(one.asked.last().expect("a request").refresh_token(), Some("RT6"));
}

#[test]
fn the_longer_retry_after_of_two_processes_is_stored() {
    for (first, second) in [(300, 60), (60, 300)] {
        let store = InMemoryStore::default();
        let mut all = [process(&store, 1), process(&store, 2)];
        for world in &mut all {
            let read = world.decide(&service()).job;
            world.carry(read);
        }
        store.set_down(true);
        for (world, seconds) in all.iter_mut().zip([first, second]) {
            world.endpoint.then(ServerReply::unavailable_for(seconds));
            assert_eq!(world.got(&service()), "http:503");
        }
        store.set_down(false);
        for world in &mut all {
            world.pass_seconds(40);
            world.got(&service());
        }
        let end = all[0].now.wall.saturating_add(Duration::from_secs(260)).as_unix_millis();
        let stored = all[0].stored(&service());
        assert_eq!(
            stored.member("pause").map(|pause| &pause["until"]),
            Some(&end.into()),
            "{first}, {second}"
        );
    }
}

#[test]
fn a_retry_after_does_not_block_a_later_sign_in_of_another_process() {
    let (mut one, mut two, store) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Stale);
    let send = one.up_to_sending(&hotel());
    store.set_down(true);
    one.endpoint.then(ServerReply::unavailable_for(300));
    one.carry(Some(Job::Send(send)));
    store.set_down(false);
    two.now = one.now;
    two.sign_in(&hotel(), "RT9");
    one.pass_seconds(60);
    one.got(&hotel());
    one.got(&hotel());
    assert_eq!(one.last_refresh(), Some("RT9"));
}

#[test]
fn a_renewal_with_an_unknown_write_result_does_not_end_a_later_back_off() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Stale);
    let send = one.up_to_sending(&hotel());
    let report = one.send(send);
    let Some(Job::Save(save)) = one.report(report) else { panic!("the tokens are saved") };
    one.breaks_off(save, true);
    two.now = one.now;
    two.got(&hotel());
    two.age(&hotel(), Freshness::Stale);
    two.endpoint.then(ServerReply::unavailable_for(300));
    two.got(&hotel());
    assert!(two.stored(&hotel()).member("pause").is_some());
    one.now = two.now;
    one.got(&hotel());
    one.got(&hotel());
    assert!(one.stored(&hotel()).member("pause").is_some());
    assert_eq!(one.requests(), 2, "the pause holds for all");
}

#[test]
fn a_retry_after_of_one_account_blocks_no_other_account_of_another_process() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Stale);
    one.endpoint.then(ServerReply::unavailable_for(900));
    one.got(&hotel());
    two.now = one.now;
    two.age(&hotel(), Freshness::Stale);
    two.got(&hotel());
    assert_eq!(two.decide(&hotel()).line, "stale_blocked: use AT1", "the pause is known");
    assert_eq!(two.got(&service()), "AT1");
}
