//! What a job and its report say of themselves, for those that tell of it.

#![expect(clippy::expect_used, reason = "a test that cannot be set up must stop")]

use octo_auth_core::{Freshness, Job, Key, Policy, Purpose, RenewalCause, Step, Storage, Warm};
use octo_auth_tests::machine::{Machine, Said, Shelf, hotel, scoped, service};
use octo_auth_tests::registration::{officernd, standard};

/// What the job is to do that is due now.
fn due(world: &mut Machine, key: &Key) -> Job {
    world.decide(key).job.expect("a job")
}

/// The cause of the renewal that is due now, which is carried out.
fn renewed(world: &mut Machine, job: Job) -> (Purpose, Option<RenewalCause>) {
    let Step::Send { purpose, cause } = job.ticket().step() else { panic!("not sent: {job:?}") };
    world.carry(Some(job));
    (purpose, cause)
}

#[test]
fn a_renewal_says_what_caused_it() {
    let (mut world, key) = (Machine::new(standard()), service());
    let mut told = Vec::new();
    let job = due(&mut world, &key);
    told.push(renewed(&mut world, job));
    for freshness in [Freshness::Stale, Freshness::Expired] {
        world.age(&key, freshness);
        let job = due(&mut world, &key);
        told.push(renewed(&mut world, job));
    }
    let generation = world.get(&key).expect("a token").generation();
    world.accounts.refused(&key, generation, world.now);
    let job = due(&mut world, &key);
    told.push(renewed(&mut world, job));
    world.age(&key, Freshness::Stale);
    let job = world.accounts.tend(Warm::All, world.now).job.expect("a job");
    told.push(renewed(&mut world, job));
    let causes = [
        RenewalCause::First,
        RenewalCause::Due,
        RenewalCause::Expired,
        RenewalCause::Refused,
        RenewalCause::Warm,
    ];
    assert_eq!(told, causes.map(|cause| (Purpose::ClientCredentials, Some(cause))));
}

#[test]
fn the_cause_stays_with_the_flight_through_the_store_to_the_request() {
    let mut world = Machine::with_store(standard(), Storage::Shared, &Shelf::default(), 1);
    world.sign_in(&hotel(), "RT1");
    let (mut next, mut told) = (Some(due(&mut world, &hotel())), Vec::new());
    while let Some(job) = next {
        told.push(job.ticket().step());
        next = world.step(job);
    }
    let send = Step::Send { purpose: Purpose::Refresh, cause: Some(RenewalCause::First) };
    assert_eq!(told, [Step::Claim, Step::Load, Step::Save, send, Step::Save, Step::Release]);
}

#[test]
fn a_report_says_how_its_job_ended_in_words_that_no_server_chooses() {
    let ends: [(Said, &str); 7] = [
        (Said::token("AT1", 3600), "ok"),
        (Said::error(400, "invalid_grant"), "oauth:invalid_grant"),
        (Said::error(400, "request-4711-failed"), "oauth"),
        (Said::page(503, &[]), "http:5xx"),
        (Said::page(404, &[]), "http:4xx"),
        (Said::page(200, &[]), "media_type"),
        (Said::Lost, "lost"),
    ];
    for (said, word) in ends {
        let mut world = Machine::new(standard());
        world.endpoint.then(said);
        let Job::Send(job) = due(&mut world, &service()) else { panic!("no request") };
        let step = Job::Send(job);
        let ticket = step.ticket().clone();
        let Job::Send(job) = step else { unreachable!() };
        let report = world.send(job);
        assert_eq!(report.ending().word(), word);
        assert_eq!((report.ticket(), report.ticket().step()), (&ticket, ticket.step()));
    }
}

#[test]
fn the_budget_that_is_left_goes_down_with_each_request_and_is_none_at_a_distance_from_a_failure() {
    let mut world = Machine::new(officernd());
    assert_eq!(world.accounts.budget_left(world.now), 4);
    world.accounts.admit(Purpose::CodeExchange, world.now).expect("room");
    assert_eq!(world.accounts.budget_left(world.now), 3);
    world.endpoint.then(Said::page(503, &[]));
    world.got(&scoped("flex.community.members.read"));
    assert_eq!(world.accounts.budget_left(world.now), 0);
    world.pass_seconds(61);
    assert_eq!(world.accounts.budget_left(world.now), 4);
}

#[test]
fn the_budget_that_is_left_is_the_lower_one_after_a_failure_of_the_endpoint() {
    let policy = Policy::default().with_request_limit(100).expect("a sound limit");
    let mut world = Machine::with_policy(standard(), policy);
    world.endpoint.then(Said::page(503, &[]));
    world.got(&service());
    assert_eq!(world.accounts.budget_left(world.now), 9);
    world.pass_seconds(120);
    world.got(&service());
    assert_eq!(world.accounts.budget_left(world.now), 99);
}
