//! The machine of one registration in a world that a test moves by hand: clocks, a token endpoint, a store.
//!
//! Nothing happens by itself: time passes when the test says so, the endpoint says what it was told to say, and a
//! job that the test does not carry stays under way. Every decision is checked for a next change after now.

mod endpoint;
mod shelf;

use std::time::Duration;

use octo_auth_core::{
    Accounts, Adopted, Client, Decision, Entropy, Failure, Freshness, Job, Key, Now, Policy, Purpose, Record,
    Remedy, Report, SaveJob, Scopes, Secret, SendJob, Storage, StoreFault, Token, Verdict,
};

pub use endpoint::{Asked, Endpoint, Said};
pub use shelf::Shelf;

use crate::registration::{self, sound};
use crate::{moment, outcome};

/// The machine of one registration, and the world around it.
pub struct Machine {
    /// The machine.
    pub accounts: Accounts,
    /// What both clocks say.
    pub now: Now,
    /// What the token endpoint says.
    pub endpoint: Endpoint,
    /// The store its jobs are carried to.
    pub shelf: Shelf,
    /// What was sent to the token endpoint, in order.
    pub asked: Vec<Asked>,
}

/// What a caller was told, in a line that a test can hold, and in full.
#[derive(Debug)]
pub struct Told {
    /// `row: verdict`, such as `2: use AT1, send` or `8: give up, http:503, later`.
    pub line: String,
    /// The job to be carried, if there is one; not carried, it stays under way.
    pub job: Option<Job>,
    /// The token, if there is one.
    pub token: Option<Token>,
    /// The failure, if there is no token.
    pub failure: Option<Failure>,
    /// When the answer can change by time alone, on the boot clock.
    pub next_change: Option<Duration>,
}

impl Machine {
    /// A machine without a store, whose endpoint gives a new token for an hour whenever it is asked.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self::with_policy(client, Policy::default())
    }

    /// A machine without a store, with a policy.
    #[must_use]
    pub fn with_policy(client: Client, policy: Policy) -> Self {
        Self::made(client, policy, Storage::None, Shelf::default(), &registration::entropy())
    }

    /// A machine with a store; `seed` tells the processes that share one apart.
    #[must_use]
    pub fn with_store(client: Client, storage: Storage, shelf: &Shelf, seed: u8) -> Self {
        Self::with_store_and_policy(client, Policy::default(), storage, shelf, seed)
    }

    /// The same with a policy.
    #[must_use]
    pub fn with_store_and_policy(
        client: Client,
        policy: Policy,
        storage: Storage,
        shelf: &Shelf,
        seed: u8,
    ) -> Self {
        Self::made(client, policy, storage, shelf.clone(), &Entropy::from_bytes([seed; 64]))
    }

    fn made(client: Client, policy: Policy, storage: Storage, shelf: Shelf, entropy: &Entropy) -> Self {
        Self {
            accounts: Accounts::new(client, policy, storage, entropy),
            now: moment::start(),
            endpoint: Endpoint::default(),
            shelf,
            asked: Vec::new(),
        }
    }

    /// Lets both clocks run on.
    pub fn pass(&mut self, time: Duration) {
        self.now = Now { wall: self.now.wall.saturating_add(time), boot: self.now.boot + time };
    }

    /// Lets both clocks run on for so many seconds.
    pub fn pass_seconds(&mut self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    /// Lets both clocks run on to a moment of the boot clock, unless it is past.
    pub fn pass_until(&mut self, boot: Duration) {
        self.pass(boot.saturating_sub(self.now.boot));
    }

    /// Lets a key's token grow old until it is stale or expired, unless it is already.
    ///
    /// # Panics
    ///
    /// If the token never comes to be so.
    pub fn age(&mut self, key: &Key, freshness: Freshness) {
        let status = self.accounts.status(key, self.now);
        let Some(token) = status.and_then(|status| status.token) else { return };
        let age = match freshness {
            Freshness::Fresh => Some(Duration::ZERO),
            Freshness::Stale => token.validity().renewal_due_age(),
            Freshness::Expired => token.validity().served_until_age(),
        };
        let Some(age) = age else { panic!("the token of {key} is never {freshness:?}") };
        self.pass(age.saturating_sub(token.validity().age(self.now)));
    }

    /// Begins an account with a refresh token, as a sign-in does.
    pub fn sign_in(&mut self, key: &Key, refresh_token: &str) {
        let adopted = Adopted::RefreshToken(Secret::from(refresh_token));
        let job = sound(self.accounts.adopt(key, adopted, self.now));
        self.carry(job);
    }

    /// Asks once. The job stays under way unless the test carries it.
    pub fn decide(&mut self, key: &Key) -> Told {
        let decision = self.accounts.decide(key, self.now);
        self.told(decision)
    }

    /// Asks as a caller whose time is over.
    pub fn decide_at_deadline(&mut self, key: &Key) -> Told {
        let decision = self.accounts.decide_at_deadline(key, self.now);
        self.told(decision)
    }

    /// Asks as an adapter does: carries what is to be carried until there is a token or a failure.
    ///
    /// # Errors
    ///
    /// The failure.
    ///
    /// # Panics
    ///
    /// If the machine goes round in circles.
    pub fn get(&mut self, key: &Key) -> Result<Token, Failure> {
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
        panic!("{key} is asked about in circles: {}", self.accounts.explain(key, self.now))
    }

    /// Asks as an adapter does; the answer is the token, with `(suspect)` if it is, or the failure's code.
    pub fn got(&mut self, key: &Key) -> String {
        match self.get(key) {
            Ok(token) => shown(&token),
            Err(failure) => failure.code().into_owned(),
        }
    }

    /// Two machines on one store that both hold `AT1` and `RT1` of [`hotel`].
    ///
    /// # Panics
    ///
    /// If the second gets the token otherwise than from the store.
    #[must_use]
    pub fn siblings(client: fn() -> Client) -> (Self, Self, Shelf) {
        let shelf = Shelf::default();
        let shared = |seed| Self::with_store(client(), Storage::Shared, &shelf, seed);
        let (mut one, mut two) = (shared(1), shared(2));
        one.sign_in(&hotel(), "RT0");
        assert_eq!(one.got(&hotel()), "AT1");
        assert_eq!(two.got(&hotel()), "AT1", "read from the store");
        assert_eq!(two.requests(), 0);
        (one, two, shelf)
    }

    /// Begins an account with a refresh token, up to the writing of its record.
    ///
    /// # Panics
    ///
    /// If it is not written at once.
    pub fn signing_in(&mut self, key: &Key, refresh_token: &str) -> SaveJob {
        let adopted = Adopted::RefreshToken(Secret::from(refresh_token));
        match sound(self.accounts.adopt(key, adopted, self.now)) {
            Some(Job::Save(save)) => save,
            other => panic!("the sign-in is not saved: {other:?}"),
        }
    }

    /// The store breaks off while it writes a record, which it may have taken.
    pub fn breaks_off(&mut self, save: SaveJob, is_taken: bool) {
        if is_taken {
            self.shelf.put(save.key(), save.record().clone());
        }
        let rest = self.report(save.saved(Err(StoreFault::new("the store broke off"))));
        self.carry(rest);
    }

    /// Signs a key out, and carries what comes of it.
    pub fn sign_out(&mut self, key: &Key) {
        let rest = self.accounts.sign_out(key, self.now);
        self.carry(rest);
    }

    /// Asks for a key and carries what is to be done up to the first job that is such a one.
    ///
    /// # Panics
    ///
    /// If none of them is.
    pub fn up_to(&mut self, key: &Key, is_it: impl Fn(&Job) -> bool) -> Job {
        // The first flight of a key reads its record and does nothing else.
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

    /// The same, up to the first request.
    ///
    /// # Panics
    ///
    /// If nothing is sent.
    pub fn up_to_sending(&mut self, key: &Key) -> SendJob {
        match self.up_to(key, |job| matches!(job, Job::Send(_))) {
            Job::Send(send) => send,
            other => panic!("no request: {other:?}"),
        }
    }

    /// The same, up to the first record that is written: this key's own before its refresh token is used, or that of
    /// the requests counted together.
    ///
    /// # Panics
    ///
    /// If nothing is written.
    pub fn up_to_writing(&mut self, key: &Key, written: &Key) -> SaveJob {
        match self.up_to(key, |job| matches!(job, Job::Save(save) if save.key() == written)) {
            Job::Save(save) => save,
            other => panic!("no record: {other:?}"),
        }
    }

    /// Carries a job and those that follow, until the flight has ended.
    pub fn carry(&mut self, job: Option<Job>) {
        let mut next = job;
        while let Some(job) = next {
            next = self.step(job);
        }
    }

    /// Carries one job; the answer is the next of the flight.
    pub fn step(&mut self, job: Job) -> Option<Job> {
        let report = match job {
            Job::Load(job) => {
                self.pass(job.wait());
                let read = self.shelf.load(job.key());
                job.loaded(read)
            }
            Job::Claim(job) => {
                let claimed = self.shelf.claim(job.key(), job.owner(), self.now.boot, job.lasting());
                job.claimed(claimed)
            }
            Job::Save(job) => {
                let saved = self.shelf.compare_and_swap(job.key(), job.expected(), job.record());
                job.saved(saved)
            }
            Job::Release(job) => {
                self.shelf.release(job.key(), job.owner());
                job.released()
            }
            Job::Send(job) => self.send(job),
        };
        self.report(report)
    }

    /// Takes a job to the endpoint without telling the machine what came of it.
    pub fn send(&mut self, job: SendJob) -> Report {
        let asked = Asked::new(self.asked.len() + 1, &job, self.now);
        let said = self.endpoint.answer(&asked);
        self.asked.push(asked);
        match said {
            Said::Response(response) => job.answered(&response, self.now, self.now),
            Said::Fault(fault) => job.failed(fault, self.now),
            Said::Lost => Job::Send(job).abandon(),
        }
    }

    /// Gives the machine a report.
    pub fn report(&mut self, report: Report) -> Option<Job> {
        self.accounts.report(report, self.now)
    }

    /// How many requests for tokens were sent.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.asked.iter().filter(|asked| asked.purpose != Purpose::Revocation).count()
    }

    /// The most requests for tokens sent in any span of so many seconds.
    #[must_use]
    pub fn most_within(&self, seconds: u64) -> usize {
        let span = Duration::from_secs(seconds);
        let moments = || self.asked.iter().map(|asked| asked.at.boot);
        let within = |start: Duration| moments().filter(|at| (start..start + span).contains(at)).count();
        moments().map(within).max().unwrap_or(0)
    }

    /// What the store holds of a key.
    ///
    /// # Panics
    ///
    /// If it holds nothing.
    #[must_use]
    pub fn stored(&self, key: &Key) -> Record {
        self.shelf.record(key).unwrap_or_else(|| panic!("the store holds nothing of {key}"))
    }

    fn told(&self, decision: Decision) -> Told {
        let Decision { verdict, row, next_change } = decision;
        let strictly_later = next_change.is_none_or(|at| at > self.now.boot);
        assert!(strictly_later, "row {}: the next change is not after now", row.number());
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
        Told { line: format!("{}: {said}", row.number()), job, token, failure, next_change }
    }
}

impl Told {
    /// How long the failure says to wait.
    ///
    /// # Panics
    ///
    /// If it is no failure that waiting helps with.
    #[must_use]
    pub fn wait(&self) -> Duration {
        match self.failure.as_ref().map(Failure::remedy) {
            Some(Remedy::TryLater { after }) => after,
            other => panic!("{}: {other:?}", self.line),
        }
    }
}

/// Tokens of the client itself, without scopes.
#[must_use]
pub fn service() -> Key {
    Key::client_credentials(&Scopes::none())
}

/// Tokens of the client itself with these scopes.
#[must_use]
pub fn scoped(scopes: &str) -> Key {
    Key::client_credentials(&sound(Scopes::parse(scopes)))
}

/// Tokens of the account of a hotel.
#[must_use]
pub fn hotel() -> Key {
    Key::account("hotel")
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

/// Who must act, without the time.
fn remedy(remedy: Remedy) -> String {
    match remedy {
        Remedy::TryLater { .. } => "later".to_owned(),
        other => outcome::remedy(other),
    }
}
