//! The store's part: claims, reading again, writing ahead, conflicts, failures, restarts.

use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::{
    Claimed, Fault, Fingerprint, Freshness, Job, Key, Lineage, Purpose, Record, Saved, Secret, Storage,
    Store, StoreFault, Stored, Version,
};
use octo_auth_tests::machine::{Machine, Said, Shelf, hotel, service};
use octo_auth_tests::registration::standard;

/// A machine on a shared store; its seed tells it apart from its siblings.
fn shared(shelf: &Shelf, seed: u8) -> Machine {
    Machine::with_store(standard(), Storage::Shared, shelf, seed)
}

/// The names of a flight's jobs.
fn course(world: &mut Machine, job: Option<Job>) -> Vec<&'static str> {
    let mut names = Vec::new();
    let mut next = job;
    while let Some(job) = next {
        names.push(match &job {
            Job::Load(_) => "load",
            Job::Claim(_) => "claim",
            Job::Send(_) => "send",
            Job::Save(_) => "save",
            Job::Release(_) => "release",
        });
        next = world.step(job);
    }
    names
}

fn refresh_token(record: &Record) -> Option<&str> {
    record.refresh_token.as_ref().map(Secret::expose)
}

fn fingerprint(refresh_token: &str) -> Fingerprint {
    Fingerprint::of(&Secret::from(refresh_token))
}

#[test]
fn a_shared_renewal_is_claimed_read_again_written_ahead_sent_saved_and_released() {
    let (mut one, _, shelf) = Machine::siblings(standard);
    one.age(&hotel(), Freshness::Expired);
    let job = one.decide(&hotel()).job;
    assert_eq!(course(&mut one, job), ["claim", "load", "save", "send", "save", "release"]);
    assert_eq!(shelf.holder(&hotel()), None);
}

#[test]
fn a_client_grant_has_nothing_to_write_ahead() {
    let mut world = shared(&Shelf::default(), 1);
    let job = world.decide(&service()).job;
    assert_eq!(course(&mut world, job), ["load"]);
    let job = world.decide(&service()).job;
    assert_eq!(course(&mut world, job), ["claim", "load", "send", "save", "release"]);
}

#[test]
fn a_failure_that_tells_the_store_nothing_new_is_not_written() {
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    world.endpoint.then(Said::error(400, "invalid_scope"));
    let job = world.decide(&service()).job;
    let read = course(&mut world, job);
    let job = world.decide(&service()).job;
    assert_eq!((read, course(&mut world, job)), (vec!["load"], vec!["send"]), "a client grant has no record");
    world.sign_in(&hotel(), "RT0");
    world.endpoint.then(Said::page(502, &[]));
    let job = world.decide(&hotel()).job;
    assert_eq!(course(&mut world, job), ["save", "send"], "that it is in doubt stands there already");
}

#[test]
fn a_private_renewal_is_written_ahead_and_saved() {
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    world.sign_in(&hotel(), "RT0");
    let job = world.decide(&hotel()).job;
    assert_eq!(course(&mut world, job), ["save", "send", "save"]);
}

#[test]
fn what_is_written_ahead_says_which_refresh_token_is_used_when_and_until_when() {
    let (mut one, _, shelf) = Machine::siblings(standard);
    one.age(&hotel(), Freshness::Expired);
    let begun = one.now.wall;
    one.got(&hotel());
    let history = shelf.history();
    let attempt = history[history.len() - 2].pending.expect("the marker");
    assert_eq!((attempt.refresh_token, attempt.number), (fingerprint("RT1"), 1));
    assert_eq!(
        (attempt.begun, attempt.deadline),
        (begun, begun.saturating_add(Duration::from_secs(66))),
        "exchange and saving"
    );
    assert!(attempt.ambiguous, "until something better is known");
    assert_eq!(one.stored(&hotel()).pending, None);
}

#[test]
fn a_sibling_that_holds_the_claim_is_waited_for_and_its_token_taken() {
    let (mut one, mut two, _) = Machine::siblings(standard);
    one.age(&hotel(), Freshness::Expired);
    two.age(&hotel(), Freshness::Expired);
    let claim = one.decide(&hotel()).job.expect("the claim");
    let load = one.step(claim);
    let claim = two.decide(&hotel()).job.expect("the claim");
    let Some(Job::Load(reload)) = two.step(claim) else { panic!("the claim is held: read again") };
    assert!((250..=750).contains(&reload.wait().as_millis()), "{:?}", reload.wait());
    assert_eq!(two.decide(&hotel()).line, "6: wait");
    one.carry(load);
    let rest = course(&mut two, Some(Job::Load(reload)));
    assert_eq!(rest, ["load"], "there is no claim of its own to release");
    assert_eq!(two.got(&hotel()), "AT2");
    assert_eq!((one.requests(), two.requests()), (2, 0));
}

#[test]
fn the_claim_of_a_process_that_died_holds_nobody_longer_than_it_lasts() {
    let (mut one, mut two, shelf) = Machine::siblings(standard);
    one.age(&hotel(), Freshness::Expired);
    two.age(&hotel(), Freshness::Expired);
    let claim = one.decide(&hotel()).job.expect("the claim");
    one.step(claim);
    assert!(shelf.holder(&hotel()).is_some());
    let begun = two.now.boot;
    assert_eq!(two.got(&hotel()), "AT1", "the first token of its own");
    let took = two.now.boot - begun;
    assert!((60..=92).contains(&took.as_secs()), "{took:?}");
}

#[test]
fn a_renewal_that_a_sibling_has_done_meanwhile_is_not_done_again() {
    let (mut one, mut two, _) = Machine::siblings(standard);
    one.age(&hotel(), Freshness::Expired);
    two.age(&hotel(), Freshness::Expired);
    assert_eq!(one.got(&hotel()), "AT2");
    let job = two.decide(&hotel()).job;
    assert_eq!(course(&mut two, job), ["claim", "load", "release"]);
    assert_eq!(two.got(&hotel()), "AT2");
    assert_eq!(two.requests(), 0);
}

#[test]
fn our_child_of_the_stored_refresh_token_wins_a_conflict() {
    let (mut one, _, shelf) = Machine::siblings(standard);
    one.age(&hotel(), Freshness::Expired);
    let parent = one.stored(&hotel());
    let mut next = one.decide(&hotel()).job;
    while let Some(job) = next {
        let is_sent = matches!(job, Job::Send(_));
        next = one.step(job);
        if is_sent {
            // Somebody wrote the old record once more while the answer was under way.
            shelf.put(&hotel(), parent.clone());
        }
    }
    assert_eq!(one.got(&hotel()), "AT2");
    assert_eq!(refresh_token(&one.stored(&hotel())), Some("RT2"));
}

#[test]
fn an_unrelated_stored_record_wins_a_conflict_and_ours_is_revoked() {
    let (mut one, _, shelf) = Machine::siblings(standard);
    one.age(&hotel(), Freshness::Expired);
    let mut next = one.decide(&hotel()).job;
    while let Some(job) = next {
        if let Job::Send(_) = job {
            let mut other = one.stored(&hotel());
            other.generation.lineage = Lineage::from_bytes([9; 16]);
            other.refresh_token = Some(Secret::from("RT9"));
            (other.token, other.pending) = (None, None);
            shelf.put(&hotel(), other);
        }
        next = one.step(job);
    }
    assert_eq!(refresh_token(&one.stored(&hotel())), Some("RT9"));
    let revoked: Vec<_> = one.asked.iter().filter(|asked| asked.purpose == Purpose::Revocation).collect();
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0].parameter("token"), Some("RT2"));
    one.got(&hotel());
    let last = one.asked.last().expect("a request");
    assert_eq!(last.refresh_token(), Some("RT9"), "the stored one is used from now on");
}

#[test]
fn a_conflict_when_writing_ahead_takes_the_stored_refresh_token() {
    let (mut one, _, shelf) = Machine::siblings(standard);
    one.age(&hotel(), Freshness::Expired);
    let claim = one.decide(&hotel()).job.expect("the claim");
    let load = one.step(claim).expect("the reading");
    let mark = one.step(load).expect("the write-ahead");
    let mut newer = one.stored(&hotel());
    newer.generation.number += 1;
    newer.refresh_token = Some(Secret::from("RT7"));
    shelf.put(&hotel(), newer);
    one.carry(Some(mark));
    one.got(&hotel());
    assert_eq!(one.asked[1].refresh_token(), Some("RT7"), "RT1 is not used up");
}

#[test]
fn while_the_store_is_down_no_refresh_is_begun_and_client_grants_go_on() {
    let (mut one, _, shelf) = Machine::siblings(standard);
    one.got(&service());
    let requests = one.requests();
    shelf.set_down(true);
    one.age(&hotel(), Freshness::Stale);
    assert_eq!(one.got(&hotel()), "AT1");
    assert_eq!(one.decide(&hotel()).line, "4: use AT1");
    one.age(&hotel(), Freshness::Expired);
    one.pass_seconds(60);
    assert_eq!(one.got(&hotel()), "store_unavailable");
    assert_eq!(one.requests(), requests, "the rotated refresh token could not be kept");
    one.age(&service(), Freshness::Expired);
    assert_eq!(one.got(&service()), "AT3");
    shelf.set_down(false);
    one.pass_seconds(30);
    assert_eq!(one.got(&hotel()), "AT4", "it goes on by itself");
}

#[test]
fn a_process_that_starts_anew_goes_on_with_what_is_stored() {
    let (_, _, shelf) = Machine::siblings(standard);
    let mut third = shared(&shelf, 3);
    third.pass_seconds(600);
    let token = third.get(&hotel()).expect("a token");
    assert_eq!(token.access_token().expose(), "AT1");
    assert_eq!(token.validity().age(third.now), Duration::from_secs(600), "it is not younger than it is");
    third.age(&hotel(), Freshness::Expired);
    third.got(&hotel());
    assert_eq!(third.asked[0].refresh_token(), Some("RT1"));
}

#[test]
fn a_stored_token_is_trusted_for_its_own_lifetime_from_loading_at_most() {
    let (_, _, shelf) = Machine::siblings(standard);
    let mut third = shared(&shelf, 3);
    // The wall clock is a day behind that of whoever wrote the record.
    third.now.wall = third.now.wall.saturating_sub(Duration::from_secs(86_400));
    third.endpoint.always(|_| Said::Fault(Fault::not_sent("connection refused")));
    assert_eq!(third.got(&hotel()), "AT1");
    third.pass_seconds(3589);
    assert_eq!(third.got(&hotel()), "AT1");
    third.pass_seconds(1);
    assert_eq!(third.got(&hotel()), "not_sent");
}

#[test]
fn a_marker_left_behind_by_a_crash_holds_up_no_longer_than_its_own_deadline() {
    let (mut one, _, shelf) = Machine::siblings(standard);
    one.age(&hotel(), Freshness::Expired);
    let mut next = one.decide(&hotel()).job;
    while let Some(job) = next.take_if(|job| !matches!(job, Job::Send(_))) {
        next = one.step(job);
    }
    // Here the process dies: the request may have been sent or not.
    let mut left_behind = one.stored(&hotel());
    assert!(left_behind.pending.is_some());
    left_behind.token = None;
    shelf.put(&hotel(), left_behind);
    for (clock_behind, longest) in [(0, 66), (400_000, 66), (30, 66)] {
        let mut third = Machine::with_store(standard(), Storage::Private, &shelf, 3);
        third.now = one.now;
        third.now.wall = third.now.wall.saturating_sub(Duration::from_secs(clock_behind));
        assert_eq!(third.got(&hotel()), "lost");
        let wait = third.decide(&hotel()).wait();
        assert!(wait <= Duration::from_secs(longest) && wait > Duration::ZERO, "{wait:?}");
        third.pass(wait);
        let mark = third.decide(&hotel()).job.expect("the replay");
        let Job::Save(mark) = mark else { panic!("written ahead") };
        let attempt = mark.record().pending.expect("the marker");
        assert_eq!((attempt.number, attempt.refresh_token), (2, fingerprint("RT1")));
    }
}

#[test]
fn a_sign_out_leaves_a_tombstone_that_a_sibling_respects_until_the_next_sign_in() {
    let (mut one, mut two, _) = Machine::siblings(standard);
    let before = one.stored(&hotel()).generation;
    one.sign_out(&hotel());
    let stored = one.stored(&hotel());
    assert!(stored.signed_out && stored.token.is_none() && stored.refresh_token.is_none());
    assert_eq!((stored.generation.lineage, stored.generation.number), (before.lineage, before.number + 1));
    two.age(&hotel(), Freshness::Expired);
    assert_eq!(two.got(&hotel()), "signed_out");
    assert_eq!(two.requests(), 0);
    one.sign_in(&hotel(), "RT5");
    assert_ne!(one.stored(&hotel()).generation.lineage, before.lineage);
    assert!(one.got(&hotel()).starts_with("AT"));
}

#[test]
fn a_sign_in_elsewhere_is_taken_over_under_the_claim() {
    let (mut one, mut two, _) = Machine::siblings(standard);
    one.sign_in(&hotel(), "RT8");
    two.age(&hotel(), Freshness::Expired);
    two.got(&hotel());
    assert_eq!(two.asked[0].refresh_token(), Some("RT8"));
}

/// A process whose account only somebody else's sign-in can help, and the other one.
fn stuck(how: fn(&mut Machine)) -> (Machine, Machine) {
    let shelf = Shelf::default();
    let (mut one, two) = (shared(&shelf, 1), shared(&shelf, 2));
    how(&mut one);
    one.got(&hotel());
    (one, two)
}

#[test]
fn a_process_that_only_a_sign_in_can_help_looks_every_half_minute_whether_there_was_one_elsewhere() {
    let ways: [fn(&mut Machine); 3] = [
        |_| {},
        |one| {
            one.sign_in(&hotel(), "RT0");
            one.endpoint.then(Said::error(400, "invalid_grant"));
        },
        |one| {
            one.sign_in(&hotel(), "RT0");
            let signing_out = one.accounts.sign_out(&hotel(), one.now);
            one.carry(signing_out);
        },
    ];
    for (which, way) in ways.into_iter().enumerate() {
        let (mut one, mut two) = stuck(way);
        assert!(one.decide(&hotel()).job.is_none(), "{which}");
        let next = one.decide(&hotel()).next_change.expect("it looks again");
        assert!(next <= one.now.boot + Duration::from_secs(30), "{which}");
        two.now = one.now;
        two.sign_in(&hotel(), "RT5");
        one.pass_until(next);
        assert!(one.got(&hotel()).starts_with("AT"), "{which}");
    }
}

#[test]
fn a_process_whose_token_works_still_does_not_look_for_a_sign_in_elsewhere() {
    let (mut one, _) = stuck(|one| {
        one.sign_in(&hotel(), "RT0");
        one.got(&hotel());
        one.age(&hotel(), Freshness::Stale);
        one.endpoint.then(Said::error(400, "invalid_grant"));
    });
    one.pass_seconds(60);
    let told = one.decide(&hotel());
    assert!(told.job.is_none(), "{}", told.line);
    assert_eq!(told.token.expect("it works").access_token().expose(), "AT1");
}

#[test]
fn nobody_looks_for_a_sign_in_elsewhere_where_nobody_else_writes() {
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    world.got(&hotel());
    world.pass_seconds(60);
    assert!(world.decide(&hotel()).job.is_none());
}

#[test]
fn a_refusal_by_the_server_takes_over_what_a_sibling_stored_in_the_meantime() {
    let (mut one, mut two, _) = Machine::siblings(standard);
    one.endpoint.then(Said::error(400, "invalid_grant"));
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

/// Picks a job out of a flight.
type Picks = fn(&Job) -> bool;

/// Lets the job that `is_lost` picks out of the next flight be lost with its carrier, at its beginning or when its
/// time is over.
fn lose(world: &mut Machine, is_lost: Picks, told: bool) {
    let mut next = world.decide(&hotel()).job;
    while let Some(job) = next {
        if is_lost(&job) {
            if told {
                let report = job.abandon();
                assert!(world.report(report).is_none(), "nobody is left to carry another job");
            }
            return;
        }
        next = world.step(job);
    }
    panic!("the flight had no such job");
}

#[test]
fn whatever_job_is_lost_with_its_carrier_the_account_comes_back_by_itself() {
    let lost: [(&str, Picks); 5] = [
        ("load", |job| matches!(job, Job::Load(_))),
        ("claim", |job| matches!(job, Job::Claim(_))),
        ("the write-ahead", |job| matches!(job, Job::Save(save) if save.record().pending.is_some())),
        ("send", |job| matches!(job, Job::Send(_))),
        ("the outcome", |job| matches!(job, Job::Save(save) if save.record().pending.is_none())),
    ];
    for (name, is_lost) in lost {
        for told in [true, false] {
            let (mut one, _, _) = Machine::siblings(standard);
            one.age(&hotel(), Freshness::Expired);
            lose(&mut one, is_lost, told);
            let mut seconds = 0;
            while one.get(&hotel()).is_err() {
                seconds += 1;
                assert!(seconds <= 200, "{name}: {}", one.accounts.explain(&hotel(), one.now));
                one.pass_seconds(1);
            }
            one.pass_seconds(60);
            one.got(&hotel());
            let newest = format!("RT{}", one.asked.last().expect("a request").number);
            assert_eq!(refresh_token(&one.stored(&hotel())), Some(newest.as_str()), "{name}, told {told}");
        }
    }
}

#[test]
fn a_release_that_is_lost_holds_nobody_up_longer_than_the_lease() {
    let (mut one, mut two, shelf) = Machine::siblings(standard);
    one.age(&hotel(), Freshness::Expired);
    lose(&mut one, |job| matches!(job, Job::Release(_)), true);
    assert_eq!(one.got(&hotel()), "AT2");
    assert!(shelf.holder(&hotel()).is_some());
    two.now = one.now;
    assert_eq!(two.got(&hotel()), "AT2", "the token is there already");
    one.age(&hotel(), Freshness::Expired);
    assert_eq!(one.got(&hotel()), "AT3", "the lease is long over");
}

/// A store that says one thing to each question.
struct Fixed;

impl Store for Fixed {
    fn storage(&self) -> Storage {
        Storage::Shared
    }

    fn load(&self, _: &Key) -> Result<Option<Stored>, StoreFault> {
        Ok(Some(Stored { record: Record::default(), version: Version(7) }))
    }

    fn compare_and_swap(&self, _: &Key, _: Option<Version>, _: &Record) -> Result<Saved, StoreFault> {
        Ok(Saved::Done(Version(8)))
    }

    fn claim(&self, _: &Key, _: &str, lasting: Duration) -> Result<Claimed, StoreFault> {
        Ok(Claimed::Held(lasting))
    }

    fn release(&self, _: &Key, _: &str) -> Result<(), StoreFault> {
        Err(StoreFault::new("it is kept"))
    }
}

#[test]
fn a_store_behind_an_arc_is_that_store() {
    let (store, minute) = (Arc::new(Fixed), Duration::from_secs(60));
    let (key, record) = (hotel(), Record::default());
    assert_eq!(Store::storage(&store), Storage::Shared);
    assert_eq!(Store::load(&store, &key).ok().flatten().map(|stored| stored.version), Some(Version(7)));
    let saved = Store::compare_and_swap(&store, &key, None, &record);
    assert_eq!(saved.ok(), Some(Saved::Done(Version(8))));
    assert_eq!(Store::claim(&store, &key, "me", minute).ok(), Some(Claimed::Held(minute)));
    assert!(Store::release(&store, &key, "me").is_err());
}
