//! The information that a job and its report contain.

use std::time::Duration;

use octo_auth_core::{Freshness, Job, Purpose, RefreshAhead, RenewalCause, Step, Storage, TokenSpec};
use octo_auth_testkit::machine::{InMemoryStore, Machine, ServerReply, hotel, service};
use octo_auth_testkit::registration::{CLIENT_SECRET, standard};

/// Returns the job that is due now.
fn due(world: &mut Machine, key: &TokenSpec) -> Job {
    world.decide(key).job.expect("a job")
}

/// Runs the renewal that is due now. Returns its cause.
fn renewed(world: &mut Machine, job: Job) -> (Purpose, Option<RenewalCause>) {
    let Step::Send { purpose, cause } = job.ticket().step() else { panic!("not sent: {job:?}") };
    world.carry(Some(job));
    (purpose, cause)
}

#[test]
fn a_request_shows_its_purpose_and_no_secret_and_has_the_deadline_of_the_policy() {
    let mut world = Machine::new(standard());
    let Some(Job::Send(job)) = world.decide(&service()).job else { panic!("no request") };
    assert_eq!(job.deadline(), Duration::from_secs(60));
    let shown = format!("{job:?}");
    assert!(shown.contains("ClientCredentials") && !shown.contains(CLIENT_SECRET), "{shown}");
}

#[test]
fn steps_and_causes_have_fixed_words() {
    let send = Step::Send { purpose: Purpose::Refresh, cause: None };
    let steps = [Step::Load, Step::Claim, Step::Count, send, Step::Save, Step::Release];
    assert_eq!(steps.map(Step::word), ["load", "claim", "count", "send", "save", "release"]);
    use RenewalCause as Cause;
    let causes = [Cause::First, Cause::Due, Cause::Expired, Cause::Refused, Cause::Ahead];
    assert_eq!(causes.map(Cause::word), ["first", "due", "expired", "refused", "ahead"]);
}

#[test]
fn a_renewal_names_its_cause() {
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
    world.manager.refused(&key, generation, world.now);
    let job = due(&mut world, &key);
    told.push(renewed(&mut world, job));
    world.age(&key, Freshness::Stale);
    let job = world.manager.poll_due(RefreshAhead::All, world.now).job.expect("a job");
    told.push(renewed(&mut world, job));
    let causes = [
        RenewalCause::First,
        RenewalCause::Due,
        RenewalCause::Expired,
        RenewalCause::Refused,
        RenewalCause::Ahead,
    ];
    assert_eq!(told, causes.map(|cause| (Purpose::ClientCredentials, Some(cause))));
}

#[test]
fn the_cause_stays_with_the_flight_from_the_claim_to_the_request() {
    let mut world = Machine::with_store(standard(), Storage::MultiProcess, &InMemoryStore::default(), 1);
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
fn a_report_names_its_outcome_in_words_that_no_server_chooses() {
    let ends: [(ServerReply, &str); 7] = [
        (ServerReply::token("AT1", 3600), "ok"),
        (ServerReply::error(400, "invalid_grant"), "oauth:invalid_grant"),
        (ServerReply::error(400, "request-4711-failed"), "oauth"),
        (ServerReply::page(503, &[]), "http:5xx"),
        (ServerReply::page(404, &[]), "http:4xx"),
        (ServerReply::page(200, &[]), "media_type"),
        (ServerReply::Lost, "lost"),
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
