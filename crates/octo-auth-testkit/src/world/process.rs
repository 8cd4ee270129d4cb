//! One process of a simulated world: its machine, what it carries, and what its callers were given.

use std::collections::VecDeque;
use std::time::Duration;

use http::Response;
use octo_auth_core::{
    Accounts, Client, Entropy, Generation, Job, Lineage, Now, Policy, Record, Token, Version,
};

use super::plan::Setup;
use super::recent::Recent;
use super::sabotage::Read;
use super::server::Outcome;
use super::watch_requests::MINUTE;

/// A process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) accounts: Accounts,
    /// How many processes there were in this place before.
    pub(super) incarnation: u32,
    pub(super) is_shut_down: bool,
    /// What is in flight.
    pub(super) carried: Vec<Carried>,
    /// Requests whose carrier was lost, and whose answer may arrive all the same.
    pub(super) orphans: Vec<Carried>,
    pub(super) callers: Vec<Callers>,
    /// When requests were sent on the boot clock, and for which key: those of the last minute at least.
    pub(super) sent: VecDeque<(Duration, Option<usize>)>,
    /// Before this moment the server wants no request.
    pub(super) told: Option<Duration>,
    /// Access tokens that a store was given and did not take.
    pub(super) unsaved: Recent<String>,
    /// Refresh tokens likewise.
    pub(super) unsaved_refresh_tokens: Recent<String>,
    /// What was said to be stored and is not yet, by a sabotage.
    pub(super) unwritten: Vec<(usize, Option<Version>, Record)>,
    /// When an access token was first served here, and the number of the last answer that had brought it by then.
    pub(super) first_served: Recent<String, (Duration, u64)>,
    /// When an access token was read here last while the machine held another: it is trusted for its lifetime from then.
    pub(super) trusted: Recent<String, Duration>,
}

/// What the callers of one key have seen.
#[derive(Debug, Default)]
pub(super) struct Callers {
    /// The token served last and the one before it.
    pub(super) last: Option<Token>,
    pub(super) earlier: Option<Token>,
    /// The access token that is known to be in hand.
    pub(super) hand: Option<String>,
    /// Another process has stored something that was not read yet.
    pub(super) is_outdated: bool,
    /// The greatest generation served, by lineage.
    pub(super) seen: Recent<Lineage, u64>,
    /// The access token that was read last, if nothing else has come since.
    pub(super) last_read: Option<String>,
    /// What was refused, by its access token too: siblings that renew at once may count alike.
    pub(super) refused: Recent<(Generation, String)>,
    /// Before this moment nothing may be sent.
    pub(super) closed: Option<Duration>,
    /// It is closed because the store failed.
    pub(super) is_closed_by_store: bool,
    /// The ends of renewals that a refusal caused and the server answered.
    pub(super) forced: Vec<(Generation, Duration)>,
    pub(super) is_signed_out: bool,
    /// A refresh token of the present lineage was refused as dead.
    pub(super) is_dead: bool,
    /// The refresh token the machine has, where that is certain.
    pub(super) refresh_token: Option<String>,
    /// The refresh tokens of the present lineage.
    pub(super) lineage: Recent<String>,
    /// How often the key was begun anew, or taken over from the store.
    pub(super) begun: u64,
    /// A refusal has begun the flight under way.
    pub(super) is_forcing: bool,
    /// The versions the store has told it of.
    pub(super) versions: Recent<Version>,
    /// The store has counted the request that is about to be sent.
    pub(super) is_counted: bool,
    /// The last sign-in or sign-out here was not said to be stored yet.
    pub(super) is_decided_here: bool,
    /// How many sign-ins and sign-outs there were here.
    pub(super) decisions: u64,
    /// The last of them was a sign-out, and nothing else was read since it was stored.
    pub(super) has_signed_out: bool,
    /// What was read of the key last.
    pub(super) read: Read,
    /// The last answer held no refresh token.
    pub(super) lacked_refresh_token: bool,
    /// A refresh token of the key was refused as dead.
    pub(super) was_refused: bool,
}

/// A job in flight.
#[derive(Debug)]
pub(super) struct Carried {
    /// Jobs are counted as they begin.
    pub(super) number: u64,
    pub(super) job: Job,
    pub(super) key: usize,
    pub(super) since: Now,
    /// Its place among the world's exchanges, where it is one.
    pub(super) exchange: Option<usize>,
    /// The generation whose refusal caused it.
    pub(super) forced: Option<Generation>,
    /// How often the key had been begun anew.
    pub(super) begun: u64,
    /// The answer that is on its way, though its carrier is lost.
    pub(super) on_its_way: Option<(Outcome, Response<Vec<u8>>)>,
    /// Its machine was asked about the key when the job's time was over: it hears of its end no more.
    pub(super) is_given_up: bool,
    /// A user had signed out of the key in its process when it was begun.
    pub(super) after_sign_out: bool,
    /// How many sign-ins and sign-outs there had been in its process.
    pub(super) decisions: u64,
}

/// More requests than anybody waits for the answers of.
const MOST_ORPHANS: usize = 64;

impl Process {
    pub(super) fn new(
        place: usize,
        incarnation: u32,
        client: &Client,
        policy: &Policy,
        setup: Setup,
        keys: usize,
    ) -> Self {
        let mut seed = [0; 64];
        seed[..8].copy_from_slice(&setup.seed.to_be_bytes());
        seed[8..12].copy_from_slice(&incarnation.to_be_bytes());
        seed[12..20].copy_from_slice(&place.to_be_bytes());
        let entropy = Entropy::from_bytes(seed);
        Self {
            accounts: Accounts::new(client.clone(), policy.clone(), setup.storage, &entropy),
            incarnation,
            is_shut_down: false,
            carried: Vec::new(),
            orphans: Vec::new(),
            callers: (0..keys).map(|_| Callers::default()).collect(),
            sent: VecDeque::new(),
            told: None,
            unsaved: Recent::default(),
            unsaved_refresh_tokens: Recent::default(),
            unwritten: Vec::new(),
            first_served: Recent::default(),
            trusted: Recent::default(),
        }
    }

    /// Since when an access token is trusted here, and the number of the last answer that had brought it by then: now, if
    /// it was never served.
    pub(super) fn trusted_since(&mut self, token: &str, now: Duration, answer: u64) -> (Duration, u64) {
        if let Some((first, answer)) = self.first_served.get(token) {
            return (*self.trusted.get(token).unwrap_or(first), *answer);
        }
        self.first_served.insert(token.to_owned(), (now, answer));
        (now, answer)
    }

    /// A request was sent.
    pub(super) fn note_sent(&mut self, now: Duration, key: Option<usize>) {
        while self.sent.front().is_some_and(|(at, _)| now.saturating_sub(*at) > MINUTE) {
            self.sent.pop_front();
        }
        self.sent.push_back((now, key));
    }

    /// The carrier of a request was lost. Of very many the oldest is never answered.
    pub(super) fn orphaned(&mut self, carried: Carried) {
        self.orphans.drain(..self.orphans.len().saturating_sub(MOST_ORPHANS));
        self.orphans.push(carried);
    }

    /// Everything that was held against the client is forgotten.
    pub(super) fn client_replaced(&mut self) {
        self.told = None;
        self.reopened();
    }

    /// Whether a job of a key takes longer than it may.
    pub(super) fn is_overdue(&self, key: usize, now: Now) -> bool {
        self.carried.iter().any(|carried| carried.key == key && carried.is_over(now))
    }

    /// The machine was asked about a key: it waits no more for what takes longer than it may.
    pub(super) fn asked_about(&mut self, key: usize, now: Now) {
        for carried in self.carried.iter_mut().filter(|carried| carried.key == key) {
            carried.is_given_up |= carried.is_over(now);
        }
        if self.is_overdue(key, now) {
            self.probe_ended(key);
        }
    }

    /// The flight of a key, which may have tried the endpoint for all keys, may have ended.
    pub(super) fn probe_ended(&mut self, key: usize) {
        let callers = self.callers.iter_mut().zip(0..);
        callers.filter(|(_, other)| *other != key).for_each(|(callers, _)| callers.closed = None);
    }

    /// What the callers were told of closed keys is over.
    pub(super) fn reopened(&mut self) {
        self.callers.iter_mut().for_each(|callers| callers.closed = None);
    }
}

impl Carried {
    /// Whether it takes longer than it may.
    pub(super) fn is_over(&self, now: Now) -> bool {
        self.since.boot.saturating_add(self.may_take()) <= now.boot
    }

    /// Whether the record that is being saved has not been in its time, and holds another token.
    pub(super) fn has_replaced(&self, token: &str, now: Now) -> bool {
        let Job::Save(job) = &self.job else { return false };
        let other = job.record().token.as_ref().map(|set| set.access_token().expose() != token);
        self.is_over(now) && other == Some(true)
    }

    /// The time the job may take.
    pub(super) fn may_take(&self) -> Duration {
        match &self.job {
            Job::Send(job) => job.deadline(),
            Job::Load(job) => job.wait() + Duration::from_secs(5),
            Job::Claim(_) | Job::Save(_) | Job::Release(_) => Duration::from_secs(5),
        }
    }
}
