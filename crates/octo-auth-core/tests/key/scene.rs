//! Worlds and steps that several test files share.

use std::time::Duration;

use octo_auth_core::{
    Client, Freshness, Job, Purpose, SaveJob, SendJob, Status, Storage, TokenErrorKind, TokenSpec,
    TransportError,
};
use octo_auth_testkit::StoredRecord;
use octo_auth_testkit::machine::{InMemoryStore, Machine, ServerReply, hotel, service};
use octo_auth_testkit::registration::standard;

pub(crate) fn tenant(number: usize) -> TokenSpec {
    service().with_parameter("tenant", &number.to_string())
}

pub(crate) fn refresh_tokens(world: &Machine) -> Vec<&str> {
    world.asked.iter().filter_map(|asked| asked.refresh_token()).collect()
}

/// Returns two processes on an empty store that both have read.
pub(crate) fn processes() -> (Machine, Machine) {
    let store = InMemoryStore::default();
    let shared = |seed| Machine::with_store(standard(), Storage::MultiProcess, &store, seed);
    let (mut one, mut two) = (shared(1), shared(2));
    one.got(&hotel());
    two.got(&hotel());
    (one, two)
}

/// Saves what one process has not saved yet. Returns the stored refresh token.
pub(crate) fn settled(one: &mut Machine) -> Option<String> {
    one.pass_seconds(600);
    one.got(&hotel());
    one.stored(&hotel()).refresh_token().map(str::to_owned)
}

/// Returns a machine with a private store that holds `AT1` for an hour and `RT1` of an account.
pub(crate) fn signed_in() -> Machine {
    signed_in_at(standard())
}

pub(crate) fn signed_in_at(client: Client) -> Machine {
    let mut world = Machine::with_store(client, Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.sign_in(&hotel(), "RT0");
    world.endpoint.then(ServerReply::tokens("AT1", 3600, "RT1"));
    assert_eq!(world.got(&hotel()), "AT1");
    world
}

/// Ends the renewal of a stale token with this reply. Returns how long the next renewal is blocked.
pub(crate) fn stale_end(world: &mut Machine, key: &TokenSpec, said: ServerReply) -> Duration {
    world.endpoint.then(said);
    world.age(key, Freshness::Stale);
    let old = world.decide(key);
    assert!(old.line.starts_with("stale_renewing: use AT"), "{}", old.line);
    world.carry(old.job);
    let told = world.decide(key);
    let still = old.token.expect("a token").access_token().expose().to_owned();
    assert_eq!(told.line, format!("stale_blocked: use {still}"), "the old token is served");
    told.next_change.expect("the gate opens") - world.now.boot
}

/// Ends the renewal of an expired token with this reply. Returns what the next caller gets, and how long the spec is
/// blocked.
pub(crate) fn expired_end(world: &mut Machine, key: &TokenSpec, said: ServerReply) -> (String, Duration) {
    world.endpoint.then(said);
    world.age(key, Freshness::Expired);
    let run = world.decide(key);
    assert_eq!(run.line, "expired_renewing: save", "the attempt is written down first");
    world.carry(run.job);
    let told = world.decide(key);
    let opens = told.next_change.unwrap_or(world.now.boot);
    (told.line, opens - world.now.boot)
}

pub(crate) const MILLI: Duration = Duration::from_millis(1);

pub(crate) fn send(job: Option<Job>) -> SendJob {
    match job {
        Some(Job::Send(job)) => job,
        other => panic!("no request: {other:?}"),
    }
}

pub(crate) const DAY: u64 = 86_400;

/// Returns the tokens that were revoked, in order.
pub(crate) fn revoked(world: &Machine) -> Vec<&str> {
    let revocations = world.asked.iter().filter(|asked| asked.purpose == Purpose::Revocation);
    revocations.filter_map(|asked| asked.parameter("token")).collect()
}

/// Returns how long the spec is blocked from now on.
pub(crate) fn blocked_for(world: &mut Machine, key: &TokenSpec) -> Duration {
    let told = world.decide(key);
    assert!(told.job.is_none(), "{}", told.line);
    told.next_change.expect("it opens") - world.now.boot
}

/// Returns the outcome of a request that cannot be sent.
pub(crate) fn not_sent() -> ServerReply {
    ServerReply::Fault(TransportError::not_sent("connection refused"))
}

pub(crate) fn status(world: &Machine, key: &TokenSpec) -> Status {
    world.manager.status(key, world.now).expect("it was asked about")
}

pub(crate) fn setback(world: &Machine, key: &TokenSpec) -> TokenErrorKind {
    status(world, key).setback.expect("something stands in the way").kind()
}

/// Returns a machine on a shared store. The seed distinguishes it from the other processes.
pub(crate) fn process(store: &InMemoryStore, seed: u8) -> Machine {
    Machine::with_store(standard(), Storage::MultiProcess, store, seed)
}

/// Returns the names of a flight's jobs.
pub(crate) fn course(world: &mut Machine, job: Option<Job>) -> Vec<&'static str> {
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

/// Returns the record that a job writes.
pub(crate) fn written(save: &SaveJob) -> StoredRecord {
    StoredRecord::read(save.content()).expect("a record")
}

/// Returns a machine that holds `AT1` of the client itself for an hour from now.
pub(crate) fn fresh() -> Machine {
    let mut world = Machine::new(standard());
    assert_eq!(world.got(&service()), "AT1");
    world
}

/// Reports that a resource server has refused the current token.
pub(crate) fn refuse(world: &mut Machine) {
    let token = world.get(&service()).expect("a token");
    world.manager.refused(&service(), token.generation(), world.now);
}
