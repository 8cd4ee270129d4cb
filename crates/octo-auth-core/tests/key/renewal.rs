//! One renewal, job by job: claims, write-ahead, lost carriers, late steps.

use std::time::Duration;

use octo_auth_core::profile::Parameter;
use octo_auth_core::{Claimed, Freshness, Job, Saved, Storage, TransportError, Version};
use octo_auth_testkit::machine::{InMemoryStore, Machine, ServerReply, hotel, service};
use octo_auth_testkit::registration::{never_replayed, standard, with};
use serde_json::json;

use crate::scene::{blocked_for, course, process, send, signed_in_at, written};

/// The longest duration of a store operation.
const SAVING: Duration = Duration::from_secs(5);

/// Returns a process on a shared store, with an account that has signed in.
fn shared() -> Machine {
    let mut world = Machine::with_store(standard(), Storage::MultiProcess, &InMemoryStore::default(), 1);
    world.sign_in(&hotel(), "RT0");
    world
}

fn begins_nothing(world: &mut Machine, rest: Option<Job>) {
    assert!(!matches!(rest, Some(Job::Send(_))), "{rest:?}");
    world.carry(rest);
    assert_eq!(world.requests(), 0);
}

/// Selects a job of a flight.
type Picks = fn(&Job) -> bool;

/// Loses the job that `is_lost` selects in the next flight with its carrier, at its beginning or at its deadline.
fn lose(world: &mut Machine, is_lost: Picks, told: bool) {
    let mut next = world.decide(&hotel()).job;
    while let Some(job) = next {
        if is_lost(&job) {
            if told {
                let report = job.abandon();
                assert!(world.report(report).is_none(), "no carrier is left for another job");
            }
            return;
        }
        next = world.step(job);
    }
    panic!("the flight had no such job");
}

#[test]
fn a_client_grant_whose_carrier_is_lost_is_requested_again_at_once_the_first_time() {
    let mut world = Machine::new(standard());
    world.endpoint.then(ServerReply::Lost);
    world.endpoint.then(ServerReply::Lost);
    assert_eq!(world.got(&service()), "lost");
    assert_eq!(world.requests(), 2);
    let wait = world.decide(&service()).wait();
    assert!(wait <= Duration::from_secs(2), "{wait:?}");
    world.pass(wait);
    assert_eq!(world.got(&service()), "AT3");
}

#[test]
fn the_failure_of_an_overdue_flight_does_not_end_the_next_one() {
    let mut world = Machine::new(standard());
    let first = send(world.decide(&service()).job);
    world.pass_seconds(62);
    // The first flight is over. Another begins after the back-off of the first.
    let told = world.decide(&service());
    let second = match told.job {
        Some(job) => send(Some(job)),
        None => {
            world.pass(told.wait());
            send(world.decide(&service()).job)
        }
    };
    let rest = world.report(first.failed(TransportError::not_sent("no route"), world.now));
    assert!(rest.is_none());
    assert!(world.manager.status(&service(), world.now).expect("known").in_flight, "the second goes on");
    let report = world.send(second);
    let rest = world.report(report);
    world.carry(rest);
    assert_eq!(world.got(&service()), "AT1");
}

#[test]
fn a_refresh_whose_attempt_was_written_late_is_not_sent() {
    let mut world = shared();
    let attempt = world.up_to(&hotel(), |job| matches!(job, Job::Save(_)));
    world.pass(SAVING);
    let rest = world.step(attempt);
    begins_nothing(&mut world, rest);
    assert!(world.stored(&hotel()).attempt().is_none(), "and nothing is in doubt");
    world.pass_seconds(31);
    assert_eq!(world.got(&hotel()), "AT1");
}

#[test]
fn a_record_that_is_read_late_under_a_claim_begins_no_renewal() {
    let mut world = shared();
    let read = world.up_to(&hotel(), |job| matches!(job, Job::Load(_)));
    world.pass(SAVING);
    let rest = world.step(read);
    assert!(!matches!(rest, Some(Job::Save(_))), "{rest:?}");
    begins_nothing(&mut world, rest);
}

#[test]
fn a_claim_that_is_granted_after_its_flight_is_released() {
    let mut world = shared();
    let Job::Claim(claim) = world.up_to(&hotel(), |job| matches!(job, Job::Claim(_))) else { unreachable!() };
    world.pass(SAVING + SAVING);
    assert!(world.decide(&hotel()).failure.is_some(), "the flight is over");
    let rest = world.report(claim.claimed(Ok(Claimed::Granted)));
    assert!(matches!(rest, Some(Job::Release(_))), "{rest:?}");
}

#[test]
fn a_claim_that_is_granted_late_is_released_by_its_flight() {
    let mut world = shared();
    let Job::Claim(claim) = world.up_to(&hotel(), |job| matches!(job, Job::Claim(_))) else { unreachable!() };
    world.pass(SAVING);
    let rest = world.report(claim.claimed(Ok(Claimed::Granted)));
    assert!(matches!(rest, Some(Job::Release(_))), "{rest:?}");
    begins_nothing(&mut world, rest);
}

#[test]
fn an_answer_of_the_store_to_an_earlier_flight_changes_nothing() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.sign_in(&hotel(), "RT0");
    assert_eq!(world.got(&hotel()), "AT1");
    world.age(&hotel(), Freshness::Expired);
    let Job::Save(attempt) = world.up_to(&hotel(), |job| matches!(job, Job::Save(_))) else { unreachable!() };
    world.pass_seconds(60);
    let told = world.decide(&hotel());
    assert!(told.token.is_none(), "{}", told.line);
    world.carry(told.job);
    let rest = world.report(attempt.saved(Ok(Saved::Done(Version(99)))));
    assert!(rest.is_none(), "{rest:?}");
    world.pass_seconds(31);
    assert_eq!(world.got(&hotel()), "AT2");
}

#[test]
fn a_carrier_that_is_lost_after_its_report_changes_nothing() {
    let mut world = shared();
    let claim = world.up_to(&hotel(), |job| matches!(job, Job::Claim(_)));
    let ticket = claim.ticket().clone();
    let read = world.step(claim);
    let rest = world.report(ticket.lost());
    assert!(rest.is_none());
    assert!(world.manager.status(&hotel(), world.now).expect("known").in_flight, "the flight goes on");
    world.carry(read);
    assert_eq!(world.got(&hotel()), "AT1");
    assert_eq!(world.requests(), 1);
}

#[test]
fn a_claim_that_is_granted_late_is_not_released_while_the_next_flight_claims() {
    let mut world = Machine::with_store(standard(), Storage::MultiProcess, &InMemoryStore::default(), 1);
    world.sign_in(&hotel(), "RT0");
    let claim = |world: &mut Machine| match world.decide(&hotel()).job {
        Some(Job::Claim(claim)) => claim,
        other => panic!("no claim: {other:?}"),
    };
    let first = claim(&mut world);
    world.pass_seconds(6);
    world.got(&hotel());
    world.pass_seconds(31);
    let _second = claim(&mut world);
    let rest = world.report(first.claimed(Ok(Claimed::Granted)));
    assert!(rest.is_none(), "both are of one owner: {rest:?}");
}

#[test]
fn a_store_that_fails_under_a_claim_stops_a_refresh() {
    let mut world = Machine::with_store(standard(), Storage::MultiProcess, &InMemoryStore::default(), 1);
    world.sign_in(&hotel(), "RT0");
    let claim = world.decide(&hotel()).job.expect("the claim");
    let load = world.step(claim).expect("the reading");
    world.store.set_down(true);
    let rest = world.step(load);
    assert!(matches!(rest, Some(Job::Release(_)) | None), "{rest:?}");
    world.carry(rest);
    assert_eq!(world.requests(), 0);
}

#[test]
fn a_sign_out_that_is_read_late_under_a_claim_is_known() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    one.sign_out(&hotel());
    two.age(&hotel(), Freshness::Stale);
    let claim = two.decide(&hotel()).job.expect("the claim");
    let load = two.step(claim).expect("the reading");
    two.pass_seconds(6);
    let rest = two.step(load);
    two.carry(rest);
    assert_eq!(two.decide(&hotel()).line, "signed_out: give up, signed_out, sign in");
    assert_eq!(two.requests(), 0);
}

#[test]
fn a_shared_renewal_is_claimed_read_again_written_ahead_sent_saved_and_released() {
    let (mut one, _, store) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Expired);
    let job = one.decide(&hotel()).job;
    assert_eq!(course(&mut one, job), ["claim", "load", "save", "send", "save", "release"]);
    assert_eq!(store.holder(&one.name(&hotel())), None);
}

#[test]
fn a_client_grant_is_not_claimed_and_writes_no_attempt() {
    let mut world = process(&InMemoryStore::default(), 1);
    let job = world.decide(&service()).job;
    assert_eq!(course(&mut world, job), ["load"]);
    let job = world.decide(&service()).job;
    assert_eq!(course(&mut world, job), ["load", "send", "save"]);
}

#[test]
fn a_process_killed_while_sending_does_not_block_a_client_grant_of_its_successor() {
    let store = InMemoryStore::default();
    let mut killed = process(&store, 1);
    drop(killed.up_to_sending(&service()));
    let mut next = process(&store, 2);
    assert_eq!(next.got(&service()), "AT1");
    assert_eq!(next.now, killed.now, "it waited for nothing");
}

#[test]
fn a_renewal_of_a_single_process_is_written_ahead_sent_and_saved() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.sign_in(&hotel(), "RT0");
    let job = world.decide(&hotel()).job;
    assert_eq!(course(&mut world, job), ["save", "send", "save"]);
}

#[test]
fn an_attempt_names_its_number_its_beginning_and_its_deadline() {
    let (mut one, _, store) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Expired);
    let begun = one.now.wall;
    one.got(&hotel());
    let history = store.history();
    let marked = &history[history.len() - 2];
    let attempt = marked.attempt().expect("the attempt");
    assert_eq!(marked.refresh_token(), Some("RT1"));
    assert_eq!((&attempt["number"], &attempt["begun"]), (&2.into(), &begun.as_unix_millis().into()));
    let deadline = begun.saturating_add(Duration::from_secs(71));
    assert_eq!(attempt["deadline"], deadline.as_unix_millis(), "exchange and saving");
    assert!(marked.is_in_doubt(), "until something better is known");
    assert_eq!(one.stored(&hotel()).attempt(), None);
}

#[test]
fn a_process_waits_for_the_claim_of_another_one_and_takes_its_token() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Expired);
    two.age(&hotel(), Freshness::Expired);
    let claim = one.decide(&hotel()).job.expect("the claim");
    let load = one.step(claim);
    let claim = two.decide(&hotel()).job.expect("the claim");
    let Some(Job::Load(reload)) = two.step(claim) else { panic!("the claim is held: read again") };
    assert!((250..=750).contains(&reload.wait().as_millis()), "{:?}", reload.wait());
    assert_eq!(two.decide(&hotel()).line, "expired_in_flight: wait");
    one.carry(load);
    let rest = course(&mut two, Some(Job::Load(reload)));
    assert_eq!(rest, ["load"], "there is no claim of its own to release");
    assert_eq!(two.got(&hotel()), "AT2");
    assert_eq!((one.requests(), two.requests()), (2, 0));
}

#[test]
fn the_claim_of_a_killed_process_blocks_for_ten_seconds() {
    let (mut one, mut two, store) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Expired);
    two.age(&hotel(), Freshness::Expired);
    let claim = one.decide(&hotel()).job.expect("the claim");
    one.step(claim);
    assert!(store.holder(&one.name(&hotel())).is_some());
    let begun = two.now.boot;
    assert_eq!(two.got(&hotel()), "AT1", "the first token of its own");
    let took = two.now.boot - begun;
    assert!((10_000..=10_750).contains(&took.as_millis()), "{took:?}");
}

#[test]
fn a_shutdown_under_a_claim_releases_it_and_sends_nothing() {
    let (mut one, _, store) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Expired);
    let claim = one.decide(&hotel()).job.expect("the claim");
    let load = one.step(claim);
    assert_ne!(store.holder(&one.name(&hotel())), None);
    one.manager.shut_down();
    assert_eq!(course(&mut one, load), ["load", "release"]);
    assert_eq!((store.holder(&one.name(&hotel())), one.requests()), (None, 1));
}

#[test]
fn a_process_waits_for_a_slow_one_after_its_claim_has_ended_and_takes_its_token() {
    let (mut one, mut two, store) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Expired);
    let sent = one.up_to_sending(&hotel());
    two.pass_until(one.now.boot + Duration::from_secs(20));
    let mut next = two.decide(&hotel()).job;
    for _ in 0..5 {
        next = two.step(next.expect("it reads again"));
    }
    assert_ne!(store.holder(&one.name(&hotel())), None, "the claim was granted");
    assert!(matches!(&next, Some(Job::Load(load)) if !load.wait().is_zero()), "{next:?}");
    assert_eq!(two.decide(&hotel()).line, "expired_in_flight: wait");
    one.now = two.now;
    one.carry(Some(Job::Send(sent)));
    assert_eq!(course(&mut two, next), ["load", "release"]);
    assert_eq!(two.got(&hotel()), "AT2");
    assert_eq!((one.requests(), two.requests()), (2, 0));
}

#[test]
fn a_process_that_was_stopped_after_its_claim_sends_nothing_once_another_has_renewed() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Expired);
    let attempt = one.up_to_writing(&hotel());
    two.pass_until(one.now.boot + Duration::from_secs(11));
    assert_eq!(two.got(&hotel()), "AT1", "the first token of its own");
    one.now = two.now;
    one.carry(Some(Job::Save(attempt)));
    assert_eq!(one.got(&hotel()), "AT1");
    assert_eq!((one.requests(), two.requests()), (1, 1));
}

#[test]
fn a_renewal_that_another_process_has_done_is_not_repeated() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Expired);
    two.age(&hotel(), Freshness::Expired);
    assert_eq!(one.got(&hotel()), "AT2");
    let job = two.decide(&hotel()).job;
    assert_eq!(course(&mut two, job), ["claim", "load", "release"]);
    assert_eq!(two.got(&hotel()), "AT2");
    assert_eq!(two.requests(), 0);
}

#[test]
fn a_conflict_when_an_attempt_is_written_uses_the_stored_refresh_token() {
    let (mut one, _, _) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Expired);
    let claim = one.decide(&hotel()).job.expect("the claim");
    let load = one.step(claim).expect("the reading");
    let attempt = one.step(load).expect("the write-ahead");
    let stored = one.stored(&hotel());
    let newer = stored.clone().with("number", stored.number() + 1).with("refresh_token", "RT7");
    one.put(&hotel(), &newer);
    one.carry(Some(attempt));
    assert_eq!(one.asked[1].refresh_token(), Some("RT7"), "RT1 is not used up");
}

#[test]
fn a_sign_in_of_another_process_is_taken_under_the_claim() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    one.sign_in(&hotel(), "RT8");
    two.age(&hotel(), Freshness::Expired);
    two.got(&hotel());
    assert_eq!(two.asked[0].refresh_token(), Some("RT8"));
}

#[test]
fn the_account_recovers_from_the_loss_of_any_jobs_carrier() {
    let lost: [(&str, Picks); 5] = [
        ("load", |job| matches!(job, Job::Load(_))),
        ("claim", |job| matches!(job, Job::Claim(_))),
        ("the write-ahead", |job| matches!(job, Job::Save(save) if written(save).attempt().is_some())),
        ("send", |job| matches!(job, Job::Send(_))),
        ("the outcome", |job| matches!(job, Job::Save(save) if written(save).attempt().is_none())),
    ];
    for (name, is_lost) in lost {
        for told in [true, false] {
            let (mut one, _, _) = Machine::two_processes(standard);
            one.age(&hotel(), Freshness::Expired);
            lose(&mut one, is_lost, told);
            let mut seconds = 0;
            while one.get(&hotel()).is_err() {
                seconds += 1;
                assert!(seconds <= 200, "{name}: {}", one.manager.explain(&hotel(), one.now));
                one.pass_seconds(1);
            }
            one.pass_seconds(60);
            one.got(&hotel());
            let newest = format!("RT{}", one.asked.last().expect("a request").number);
            assert_eq!(one.stored(&hotel()).refresh_token(), Some(newest.as_str()), "{name}, told {told}");
        }
    }
}

#[test]
fn a_lost_release_blocks_until_the_claim_ends() {
    let (mut one, mut two, store) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Expired);
    lose(&mut one, |job| matches!(job, Job::Release(_)), true);
    assert_eq!(one.got(&hotel()), "AT2");
    assert!(store.holder(&one.name(&hotel())).is_some());
    two.now = one.now;
    assert_eq!(two.got(&hotel()), "AT2", "the token is there already");
    one.age(&hotel(), Freshness::Expired);
    assert_eq!(one.got(&hotel()), "AT3", "the lease is long over");
}

#[test]
fn a_write_that_conflicts_with_another_processs_attempt_waits_for_it() {
    let (mut one, _, _) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Expired);
    let save = one.up_to_writing(&hotel());
    let begun = one.now.wall.as_unix_millis();
    let attempt = json!({
        "id": "00000000000000aa-1", "number": 2, "begun": begun, "deadline": begun + 60_000,
    });
    one.put(&hotel(), &one.stored(&hotel()).with("attempt", attempt));
    let before = one.now.boot;
    one.carry(Some(Job::Save(save)));
    let took = one.now.boot - before;
    assert!((60_000..=60_750).contains(&took.as_millis()), "{took:?}");
    assert_eq!(one.got(&hotel()), "AT2");
}

#[test]
fn a_refresh_token_that_the_request_cannot_hold_is_not_sent_before_it_is_replaced() {
    let profile = standard().profile().clone().edit(|document| {
        let value = "{refresh_token}".parse().expect("a template");
        let header = Parameter { name: "x-refresh-token".into(), value };
        document.calls.refresh.iter_mut().for_each(|call| call.headers = vec![header.clone()].into());
    });
    let mut world = Machine::new(with(profile.expect("a profile")));
    world.sign_in(&hotel(), "two\nlines");
    assert_eq!(world.decide(&hotel()).line, "expired_blocked: give up, secret_malformed, configuration");
    assert_eq!(world.requests(), 0);
    world.sign_in(&hotel(), "RT0");
    assert!(world.got(&hotel()).starts_with("AT"));
    assert_eq!(world.last_refresh(), Some("RT0"));
}

#[test]
fn an_unreadable_answer_that_repeats_the_refresh_token_ends_the_doubt_about_it() {
    for body in [r#"{"refresh_token":"RT1"}"#, r#"{"access_token":"AT2","refresh_token":"RT1"} and more"#] {
        for client in [standard(), never_replayed()] {
            let mut world = signed_in_at(client);
            world.age(&hotel(), Freshness::Expired);
            world.endpoint.then(ServerReply::json(200, body));
            world.got(&hotel());
            let record = world.stored(&hotel());
            assert_eq!((record.attempt(), record.is_in_doubt()), (None, false), "{body}");
            let wait = blocked_for(&mut world, &hotel());
            assert!(wait <= Duration::from_secs(60), "{body}: {wait:?}");
            world.pass(wait);
            assert!(world.got(&hotel()).starts_with("AT"), "{body}");
            assert_eq!(world.last_refresh(), Some("RT1"), "{body}");
        }
    }
}

#[test]
fn a_renewal_that_an_ended_process_left_open_is_not_waited_for() {
    for has_ended in [true, false] {
        let (mut one, mut two, _) = Machine::two_processes(standard);
        one.age(&hotel(), Freshness::Expired);
        let Job::Claim(claim) = one.up_to(&hotel(), |job| matches!(job, Job::Claim(_))) else {
            unreachable!()
        };
        let owner = claim.owner().to_owned();
        let mut next = one.step(Job::Claim(claim));
        while let Some(job) = next.take_if(|job| !matches!(job, Job::Send(_))) {
            next = one.step(job);
        }
        assert!(next.is_some(), "the attempt is written, and its request is under way");
        two.age(&hotel(), Freshness::Expired);
        let Job::Claim(claim) = two.up_to(&hotel(), |job| matches!(job, Job::Claim(_))) else {
            unreachable!()
        };
        let from = if has_ended { owner } else { "another".to_owned() };
        let load = two.report(claim.claimed(Ok(Claimed::TakenOver { from }))).expect("the reading");
        let rest = two.step(load);
        match has_ended {
            true => assert!(matches!(rest, Some(Job::Save(_))), "it writes its own attempt: {rest:?}"),
            false => assert!(matches!(&rest, Some(Job::Load(job)) if !job.wait().is_zero()), "{rest:?}"),
        }
    }
}
