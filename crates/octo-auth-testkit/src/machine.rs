//! A `TokenManager` in a world that a test controls by hand: clocks, a token endpoint, a store.
//!
//! Time passes only when the test says so. The endpoint answers what the test prepared. A job that the test does not
//! run stays in flight. The machine checks of each decision that its next change is later than now.
//!
//! ```
//! use octo_auth_core::Freshness;
//! use octo_auth_testkit::machine::{Machine, ServerReply, hotel};
//! use octo_auth_testkit::registration;
//!
//! let mut world = Machine::new(registration::standard());
//! world.sign_in(&hotel(), "RT0");
//! assert_eq!(world.got(&hotel()), "AT1");
//!
//! // A failed renewal does not cost a token that still works.
//! world.age(&hotel(), Freshness::Stale);
//! world.endpoint.then(ServerReply::error(500, "server_error"));
//! assert_eq!(world.got(&hotel()), "AT1");
//! assert_eq!(world.decide(&hotel()).line, "stale_blocked: use AT1");
//! assert_eq!(world.requests(), 2);
//! ```
//!
//! To simulate several processes on one store, create several machines with clones of one [`InMemoryStore`] and
//! different seeds.

mod endpoint;
mod in_memory_store;
mod told;

use std::time::Duration;

use octo_auth_core::{
    Client, Decision, Entropy, Event, Freshness, Imported, Job, Now, Policy, Purpose, RecordName, Remedy,
    Report, SaveJob, Scopes, Secret, SendJob, Storage, StoreError, Token, TokenError, TokenManager,
    TokenSpec, Verdict,
};

pub use endpoint::{Asked, Endpoint, ServerReply};
pub use in_memory_store::InMemoryStore;
pub use told::DecisionLine;

use crate::registration::{self, sound};
use crate::{StoredRecord, moment, outcome};

/// A `TokenManager` and the simulated world around it.
pub struct Machine {
    /// The manager under test.
    pub manager: TokenManager,
    /// Both clocks.
    pub now: Now,
    /// The token endpoint.
    pub endpoint: Endpoint,
    /// The store that the jobs read and write.
    pub store: InMemoryStore,
    /// The requests that were sent to the token endpoint, in order.
    pub asked: Vec<Asked>,
}

impl Machine {
    /// Returns a machine without a store. Its endpoint answers each request with a new token that lives for one hour.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self::with_policy(client, Policy::default())
    }

    /// Returns a machine without a store, with this policy.
    #[must_use]
    pub fn with_policy(client: Client, policy: Policy) -> Self {
        Self::made(client, policy, Storage::None, InMemoryStore::default(), &registration::entropy())
    }

    /// Returns a machine with a store. Processes that share a store need different seeds.
    #[must_use]
    pub fn with_store(client: Client, storage: Storage, store: &InMemoryStore, seed: u8) -> Self {
        Self::with_store_and_policy(client, Policy::default(), storage, store, seed)
    }

    /// Returns a machine with a store and a policy.
    #[must_use]
    pub fn with_store_and_policy(
        client: Client,
        policy: Policy,
        storage: Storage,
        store: &InMemoryStore,
        seed: u8,
    ) -> Self {
        Self::made(client, policy, storage, store.clone(), &Entropy::from_bytes([seed; 64]))
    }

    fn made(
        client: Client,
        policy: Policy,
        storage: Storage,
        store: InMemoryStore,
        entropy: &Entropy,
    ) -> Self {
        Self {
            manager: TokenManager::new(client, policy, storage, entropy),
            now: moment::start(),
            endpoint: Endpoint::default(),
            store,
            asked: Vec::new(),
        }
    }

    /// Moves both clocks forward.
    pub fn pass(&mut self, time: Duration) {
        self.now = Now { wall: self.now.wall.saturating_add(time), boot: self.now.boot + time };
    }

    /// Moves both clocks forward by this number of seconds.
    pub fn pass_seconds(&mut self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    /// Moves both clocks forward to this time of the boot clock. Changes nothing if that time is past.
    pub fn pass_until(&mut self, boot: Duration) {
        self.pass(boot.saturating_sub(self.now.boot));
    }

    /// Moves both clocks forward until the token of a spec is stale or expired. Changes nothing if it already is.
    ///
    /// # Panics
    ///
    /// If the token never reaches this state.
    pub fn age(&mut self, key: &TokenSpec, freshness: Freshness) {
        let status = self.manager.status(key, self.now);
        let Some(token) = status.and_then(|status| status.token) else { return };
        let age = match freshness {
            Freshness::Fresh => Some(Duration::ZERO),
            Freshness::Stale => token.validity().renewal_due_age(),
            Freshness::Expired => token.validity().served_until_age(),
        };
        let Some(age) = age else { panic!("the token of {key} is never {freshness:?}") };
        self.pass(age.saturating_sub(token.validity().age(self.now)));
    }

    /// Signs an account in with a refresh token, and runs the jobs of the sign-in.
    pub fn sign_in(&mut self, key: &TokenSpec, refresh_token: &str) {
        let imported = Imported::RefreshToken(Secret::from(refresh_token));
        let job = sound(self.manager.import(key, imported, self.now));
        self.carry(job);
    }

    /// Asks for a decision once. A job stays in flight unless the test runs it.
    pub fn decide(&mut self, key: &TokenSpec) -> DecisionLine {
        let decision = self.manager.decide(key, self.now);
        self.told(decision)
    }

    /// Asks for a decision as a caller whose deadline has passed.
    pub fn decide_at_deadline(&mut self, key: &TokenSpec) -> DecisionLine {
        let decision = self.manager.decide_at_deadline(key, self.now);
        self.told(decision)
    }

    /// Returns the events of a spec since the last call for any spec.
    pub fn events(&mut self, key: &TokenSpec) -> Vec<Event> {
        let ((), effects) = self.manager.step(self.now, |_| ());
        effects.specs.into_iter().filter(|own| *own.spec == *key).flat_map(|own| own.events).collect()
    }

    /// Asks as an adapter does: runs the jobs until there is a token or an error.
    ///
    /// # Errors
    ///
    /// The [`TokenError`] of the decision.
    ///
    /// # Panics
    ///
    /// If there is neither a token nor an error after 16 decisions.
    pub fn get(&mut self, key: &TokenSpec) -> Result<Token, TokenError> {
        for _ in 0..16 {
            let told = self.decide(key);
            let waits = told.token.is_none() && told.job.is_none();
            self.carry(told.job);
            match (told.token, told.failure) {
                (Some(token), _) => return Ok(token),
                (None, Some(failure)) => return Err(failure),
                (None, None) if waits => {
                    let told = self.decide_at_deadline(key);
                    return told
                        .token
                        .ok_or_else(|| told.failure.unwrap_or_else(|| unreachable!("no verdict")));
                }
                (None, None) => {}
            }
        }
        panic!(
            "{key} has no token and no failure after 16 decisions: {}",
            self.manager.explain(key, self.now)
        )
    }

    /// Asks as an adapter does. Returns the text of the token, with `(suspect)` if the token is flagged as suspect,
    /// or the code of the error.
    pub fn got(&mut self, key: &TokenSpec) -> String {
        match self.get(key) {
            Ok(token) => shown(&token),
            Err(failure) => failure.code().into_owned(),
        }
    }

    /// Returns two processes on one store, which both hold the token `AT1` of [`hotel`]. Its refresh token is `RT1`.
    ///
    /// # Panics
    ///
    /// If the second process does not read the token from the store.
    #[must_use]
    pub fn two_processes(client: fn() -> Client) -> (Self, Self, InMemoryStore) {
        let store = InMemoryStore::default();
        let shared = |seed| Self::with_store(client(), Storage::MultiProcess, &store, seed);
        let (mut one, mut two) = (shared(1), shared(2));
        one.sign_in(&hotel(), "RT0");
        assert_eq!(one.got(&hotel()), "AT1");
        assert_eq!(two.got(&hotel()), "AT1", "read from the store");
        assert_eq!(two.requests(), 0);
        (one, two, store)
    }

    /// Signs an account in with a refresh token. Returns the job that writes its record.
    ///
    /// # Panics
    ///
    /// If there is no such job.
    pub fn signing_in(&mut self, key: &TokenSpec, refresh_token: &str) -> SaveJob {
        let imported = Imported::RefreshToken(Secret::from(refresh_token));
        match sound(self.manager.import(key, imported, self.now)) {
            Some(Job::Save(save)) => save,
            other => panic!("the sign-in is not saved: {other:?}"),
        }
    }

    /// Makes the store fail while it writes a record. If `is_taken` is `true`, the record is stored nevertheless.
    pub fn breaks_off(&mut self, save: SaveJob, is_taken: bool) {
        if is_taken {
            self.store.put(save.name(), save.content().clone());
        }
        let rest = self.report(save.saved(Err(StoreError::new("the store broke off"))));
        self.carry(rest);
    }

    /// Signs an account out, and runs the jobs of the sign-out.
    pub fn sign_out(&mut self, key: &TokenSpec) {
        let rest = self.manager.sign_out(key, self.now);
        self.carry(rest);
    }

    /// Asks for a token and runs the jobs up to the first one for which `is_it` returns `true`. Returns that job.
    ///
    /// # Panics
    ///
    /// If there is no such job.
    pub fn up_to(&mut self, key: &TokenSpec, is_it: impl Fn(&Job) -> bool) -> Job {
        // The first flight of a spec only reads its record.
        for _ in 0..2 {
            let mut next = self.decide(key).job;
            while let Some(job) = next {
                if is_it(&job) {
                    return job;
                }
                next = self.step(job);
            }
        }
        panic!("there is no such job for {key}")
    }

    /// Asks for a token and runs the jobs up to the first request. Returns the request.
    ///
    /// # Panics
    ///
    /// If no request is sent.
    pub fn up_to_sending(&mut self, key: &TokenSpec) -> SendJob {
        match self.up_to(key, |job| matches!(job, Job::Send(_))) {
            Job::Send(send) => send,
            other => panic!("no request: {other:?}"),
        }
    }

    /// Asks for a token and runs the jobs up to the first one that writes the token's record, as happens before a
    /// refresh. Returns that job.
    ///
    /// # Panics
    ///
    /// If the record is not written.
    pub fn up_to_writing(&mut self, key: &TokenSpec) -> SaveJob {
        self.up_to_saving(key, |save| !save.is_request_log())
    }

    /// Asks for a token and runs the jobs up to the first one that writes the request log. Returns that job.
    ///
    /// # Panics
    ///
    /// If the request log is not written.
    pub fn up_to_counting(&mut self, key: &TokenSpec) -> SaveJob {
        self.up_to_saving(key, SaveJob::is_request_log)
    }

    fn up_to_saving(&mut self, key: &TokenSpec, is_it: impl Fn(&SaveJob) -> bool) -> SaveJob {
        match self.up_to(key, |job| matches!(job, Job::Save(save) if is_it(save))) {
            Job::Save(save) => save,
            other => panic!("no record: {other:?}"),
        }
    }

    /// Runs a job and the jobs that follow it, until the flight has ended.
    pub fn carry(&mut self, job: Option<Job>) {
        let mut next = job;
        while let Some(job) = next {
            next = self.step(job);
        }
    }

    /// Runs one job. Returns the next job of the flight.
    pub fn step(&mut self, job: Job) -> Option<Job> {
        let report = match job {
            Job::Load(job) => {
                self.pass(job.wait());
                let read = self.store.load(job.name());
                job.loaded(read)
            }
            Job::Claim(job) => {
                let claimed = self.store.claim(job.name(), job.owner(), self.now.boot, job.ttl());
                job.claimed(claimed)
            }
            Job::Save(job) => {
                let saved = self.store.compare_and_swap(job.name(), job.expected(), job.content());
                job.saved(saved)
            }
            Job::Release(job) => {
                self.store.release(job.name(), job.owner());
                job.released()
            }
            Job::Send(job) => self.send(job),
        };
        self.report(report)
    }

    /// Sends a request to the endpoint. Returns the report. The caller must still pass it to [`Machine::report`].
    pub fn send(&mut self, job: SendJob) -> Report {
        let asked = Asked::new(self.asked.len() + 1, &job, self.now);
        let said = self.endpoint.answer(&asked);
        self.asked.push(asked);
        match said {
            ServerReply::Response(response) => job.answered(&response, self.now, self.now),
            ServerReply::Fault(fault) => job.failed(fault, self.now),
            ServerReply::Lost => Job::Send(job).abandon(),
        }
    }

    /// Passes a report to the manager. Returns the next job of the flight.
    pub fn report(&mut self, report: Report) -> Option<Job> {
        self.manager.report(report, self.now)
    }

    /// Returns the number of token requests that were sent.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.asked.iter().filter(|asked| asked.purpose != Purpose::Revocation).count()
    }

    /// Returns the refresh token of the last refresh request.
    #[must_use]
    pub fn last_refresh(&self) -> Option<&str> {
        self.asked.iter().rfind(|asked| asked.purpose == Purpose::Refresh)?.refresh_token()
    }

    /// Returns the largest number of requests that were sent within any period of this many seconds.
    #[must_use]
    pub fn most_within(&self, seconds: u64) -> usize {
        let span = Duration::from_secs(seconds);
        let moments = || self.asked.iter().map(|asked| asked.at.boot);
        let within = |start: Duration| moments().filter(|at| (start..start + span).contains(at)).count();
        moments().map(within).max().unwrap_or(0)
    }

    /// Returns the name of a spec's record.
    #[must_use]
    pub fn name(&self, key: &TokenSpec) -> RecordName {
        RecordName::new(self.manager.client(), key)
    }

    /// Returns the stored record of a spec.
    ///
    /// # Panics
    ///
    /// If the store holds no record of the spec.
    #[must_use]
    pub fn stored(&self, key: &TokenSpec) -> StoredRecord {
        self.find_stored(key).unwrap_or_else(|| panic!("the store holds no record of {key}"))
    }

    /// Returns the stored record of a spec, or `None` if the store holds none.
    #[must_use]
    pub fn find_stored(&self, key: &TokenSpec) -> Option<StoredRecord> {
        self.read(&self.name(key))
    }

    /// Returns the request log, or `None` if the store holds none.
    #[must_use]
    pub fn request_log(&self) -> Option<StoredRecord> {
        self.read(&RecordName::requests(self.manager.client()))
    }

    fn read(&self, name: &RecordName) -> Option<StoredRecord> {
        self.store.content(name).as_ref().and_then(StoredRecord::read)
    }

    /// Returns a record of a spec without an access token and without a refresh token.
    #[must_use]
    pub fn empty_record(&self, key: &TokenSpec) -> StoredRecord {
        StoredRecord::empty(self.manager.client(), key)
    }

    /// Writes a spec's record as another program would.
    pub fn put(&self, key: &TokenSpec, record: &StoredRecord) {
        self.store.put(&self.name(key), record.content());
    }

    fn told(&self, decision: Decision) -> DecisionLine {
        let Decision { verdict, state, next_change } = decision;
        let strictly_later = next_change.is_none_or(|at| at > self.now.boot);
        assert!(strictly_later, "{}: the next change is not after now", state.word());
        let (token, job, failure) = match verdict {
            Verdict::Use(token) => (Some(token), None, None),
            Verdict::UseAndRun(token, job) => (Some(token), Some(job), None),
            Verdict::Run(job) => (None, Some(job), None),
            Verdict::Wait { .. } => (None, None, None),
            Verdict::GiveUp(failure) => (None, None, Some(failure)),
        };
        let mut parts: Vec<String> = Vec::new();
        parts.extend(token.as_ref().map(|token| format!("use {}", shown(token))));
        parts.extend(job.as_ref().map(|job| named(job).to_owned()));
        parts.extend(
            failure
                .as_ref()
                .map(|failure| format!("give up, {}, {}", failure.code(), remedy(failure.remedy()))),
        );
        let said = if parts.is_empty() { "wait".to_owned() } else { parts.join(", ") };
        DecisionLine { line: format!("{}: {said}", state.word()), job, token, failure, next_change }
    }
}

/// Returns the spec of the client's own token, without scopes.
#[must_use]
pub fn service() -> TokenSpec {
    TokenSpec::client_credentials(&Scopes::none())
}

/// Returns the spec of the client's own token with these scopes.
#[must_use]
pub fn scoped(scopes: &str) -> TokenSpec {
    TokenSpec::client_credentials(&sound(Scopes::parse(scopes)))
}

/// Returns the spec of a hotel's account.
#[must_use]
pub fn hotel() -> TokenSpec {
    TokenSpec::account("hotel")
}

fn shown(token: &Token) -> String {
    let suspect = if token.is_suspect() { " (suspect)" } else { "" };
    format!("{}{suspect}", token.access_token().expose())
}

fn named(job: &Job) -> &'static str {
    match job {
        Job::Load(_) => "load",
        Job::Claim(_) => "claim",
        Job::Send(_) => "send",
        Job::Save(_) => "save",
        Job::Release(_) => "release",
    }
}

/// Returns the remedy in one word, without the time.
fn remedy(remedy: Remedy) -> String {
    match remedy {
        Remedy::TryLater { .. } => "later".to_owned(),
        other => outcome::remedy(other),
    }
}
