//! One registration at a provider and all its tokens: which key is asked about, what they share, which is due next.
//!
//! [`TokenManager`] is the machine that adapters drive. It decides and hands out jobs; it does no IO, reads no clock,
//! starts nothing and holds no lock. Drive it like this:
//!
//! 1. [`TokenManager::decide`] says what a caller is to do: use a token, use it and carry out a job, carry out a job,
//!    wait, or give up.
//! 2. A [`Job`] is one effect. The adapter carries it out, turns it into a [`Report`] and gives that to
//!    [`TokenManager::report`], which answers with the next job of the flight, until there is none.
//! 3. When a flight has ended, callers that wait ask again.
//!
//! What the machine promises is the table at [`State`](crate::State), and tested row by row.

mod account;
mod caller;
mod effects;
mod kept;
mod lines;
mod refresh_ahead;
mod unsaved;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use caller::{Caller, Waits};
pub use effects::{Effects, TokenEffects};
pub use refresh_ahead::{DueJob, RefreshAhead};

use account::Account;
use lines::Lines;

use crate::client::Client;
use crate::error::{OnboardingError, RequestError};
use crate::exchange::Purpose;
use crate::grant::Entropy;
use crate::key::{
    Decision, Generation, Imported, Job, KeyState, Published, Report, State, Status, Ticket, Verdict,
};
use crate::key_map::KeyMap;
use crate::registration::{BudgetRequest, Policy, SendLog, Share, SharedState};
use crate::spec::{Shape, TokenSpec};
use crate::store::{RecordName, Storage};
use crate::time::Now;

/// The most keys that one call looks at whatever the number of accounts: no call may hold a lock for longer than a
/// millisecond.
const MOST_LOOKS: usize = 64;

/// The machine of one registration: its keys, their setbacks, its budget of requests.
///
/// Two registrations share nothing; two keys of one share the client, the budget, and what failures of the endpoint
/// have left behind.
pub struct TokenManager {
    shared: SharedState,
    accounts: KeyMap<Box<Account>>,
    /// Keys by the digests of the names of their records; empty unless several processes use the store. A tree, since a
    /// hash table that grows moves all it holds.
    names: BTreeMap<[u8; 16], Arc<TokenSpec>>,
    /// Keys that can be evicted from a moment on the boot clock, and of those the one asked about longest ago first.
    idle: BTreeSet<(Duration, u64, Arc<TokenSpec>)>,
    /// Keys by when they are to be looked at next, on the boot clock.
    due: BTreeSet<(Duration, Arc<TokenSpec>)>,
    /// Keys whose renewal waits for what all accounts share.
    lines: Lines,
    /// Keys with something that no store holds, by when it is to be saved, on the boot clock. A moment that no longer holds
    /// stays until it is reached.
    unsaved: BTreeSet<(Duration, Arc<TokenSpec>)>,
    /// Keys in flight or unsaved.
    busy: BTreeSet<Arc<TokenSpec>>,
    /// Keys against which something is held that another client makes void.
    held_up: BTreeSet<Arc<TokenSpec>>,
    /// Those that were held up when the client was replaced and were not looked at since.
    to_look_at: Vec<BTreeSet<Arc<TokenSpec>>>,
    /// How many accounts have keys of one shape, and one of these keys.
    shapes: HashMap<Shape, (Arc<TokenSpec>, usize)>,
    /// Keys that were looked at since the effects were taken last, each once.
    touched: Vec<Arc<TokenSpec>>,
    /// Whether something has changed for all keys since.
    all_touched: bool,
    asked: u64,
    /// Keys whose renewal waits until another has ended, oldest first.
    queue: VecDeque<Arc<TokenSpec>>,
}

impl TokenManager {
    /// A machine for the tokens of one client. `storage` says what store its jobs will be carried to; `entropy`
    /// seeds the jitter and the names of claims and sign-ins.
    #[must_use]
    pub fn new(client: Client, policy: Policy, storage: Storage, entropy: &Entropy) -> Self {
        Self {
            shared: SharedState::new(client, policy, storage, entropy),
            accounts: KeyMap::new(),
            names: BTreeMap::new(),
            idle: BTreeSet::new(),
            due: BTreeSet::new(),
            lines: Lines::default(),
            unsaved: BTreeSet::new(),
            busy: BTreeSet::new(),
            held_up: BTreeSet::new(),
            to_look_at: Vec::new(),
            shapes: HashMap::new(),
            touched: Vec::new(),
            all_touched: false,
            asked: 0,
            queue: VecDeque::new(),
        }
    }

    /// Tells a caller what to do.
    pub fn decide(&mut self, spec: &TokenSpec, now: Now) -> Decision {
        self.with(spec, now, |state, shared| {
            state.note_asked();
            state.decide(false, shared, now)
        })
    }

    /// Tells a caller whose time is over: to use a token or to give up, never to run or to wait.
    pub fn decide_at_deadline(&mut self, spec: &TokenSpec, now: Now) -> Decision {
        self.with(spec, now, |state, shared| state.decide_at_deadline(shared, now))
    }

    /// Takes the outcome of a job; the answer is the next job, to be carried out by the same carrier.
    pub fn report(&mut self, report: Report, now: Now) -> Option<Job> {
        let Report { ticket, outcome } = report;
        let account = self.accounts.get_mut(&ticket.spec)?;
        account.note_change(&self.shared, &mut self.touched);
        account.state.report(&mut self.shared, &ticket, outcome, now)
    }

    /// Records that a job waits for a carrier, such as a task or a thread, which calls [`TokenManager::begin`] before it carries the
    /// job out, and reports it whatever happens. A job that is overdue before it was begun was certainly not carried out, and
    /// one that was begun is waited for a little longer. Without this call a job counts as begun at once.
    pub fn hand_over(&mut self, ticket: &Ticket) {
        if let Some(account) = self.accounts.get_mut(&ticket.spec) {
            account.state.hand_over(ticket);
        }
    }

    /// Begins a job that was handed over: its time counts from now. Returns whether it is still to be carried out; if it is
    /// not, report it by [`Job::not_begun`].
    #[must_use = "a job that is given up must not be carried out"]
    pub fn begin(&mut self, ticket: &Ticket, now: Now) -> bool {
        let Self { accounts, shared, touched, .. } = self;
        let Some(account) = accounts.get_mut(&ticket.spec) else { return true };
        account.note_change(shared, touched);
        account.state.begin_job(ticket, shared, now)
    }

    /// Takes note that a resource server refused a token of this generation; one replaced already changes nothing.
    pub fn refused(&mut self, spec: &TokenSpec, generation: Generation, now: Now) {
        if let Some(account) = self.accounts.get_mut(spec) {
            account.note_change(&self.shared, &mut self.touched);
            account.state.refused(generation, now);
        }
    }

    /// Starts a key again with the tokens of a sign-in, a creation, a migration or an import.
    ///
    /// # Errors
    ///
    /// [`RequestError::OtherProvider`] for tokens of another server, [`RequestError::Secret`] for an empty refresh
    /// token, [`RequestError::Value`] for a refresh token where the client itself is the grant,
    /// [`RequestError::TooManyTokens`] if there is no room for another key.
    pub fn import(
        &mut self,
        spec: &TokenSpec,
        imported: Imported,
        now: Now,
    ) -> Result<Option<Job>, RequestError> {
        let shape = self.check(spec)?;
        if !self.evict_one(spec, now) {
            return Err(RequestError::TooManyTokens { capacity: self.shared.policy.capacity() });
        }
        self.checked(spec, shape);
        let (account, shared) = self.account(spec);
        let job = account.state.import(imported, shared, now)?;
        self.note_change(spec);
        Ok(job)
    }

    /// The same with what an exchange brought; with `replaces`, as after a sign-in, in the place of whatever refresh
    /// token the key holds, and without it only where the key holds none, that very one, or a dead one.
    ///
    /// Whether it holds one is known once the key's record was read: ask for its token before.
    ///
    /// # Errors
    ///
    /// [`OnboardingError::Occupied`] and [`OnboardingError::Unfit`], with what was brought.
    pub fn import_if_vacant(
        &mut self,
        spec: &TokenSpec,
        brought: Imported,
        replaces: bool,
        now: Now,
    ) -> Result<Option<Job>, OnboardingError> {
        let (account, held) = (spec.to_string(), self.accounts.get(spec));
        if !replaces && held.is_some_and(|held| held.state.is_occupied_for(&brought)) {
            return Err(OnboardingError::Occupied { account, brought: Box::new(brought), property: None });
        }
        self.import(spec, brought.clone(), now).map_err(|reason| {
            let brought = Box::new(brought);
            OnboardingError::Unfit { account, brought, reason }
        })
    }

    /// Ends a key until its next sign-in or adoption; what it held is revoked where the provider can.
    pub fn sign_out(&mut self, spec: &TokenSpec, now: Now) -> Option<Job> {
        let (account, shared) = self.account(spec);
        let job = account.state.sign_out(shared, now);
        self.note_change(spec);
        job
    }

    /// Records that another process has written a record: the next decision about its key reads it again, beside the use
    /// of the token. Returns the key, or `None` if the record belongs to no key in use.
    pub fn changed_elsewhere(&mut self, name: &RecordName) -> Option<Arc<TokenSpec>> {
        let spec = self.names.get(&name.digest())?.clone();
        self.accounts.get_mut(&spec)?.state.changed_elsewhere();
        self.note_change(&spec);
        Some(spec)
    }

    /// Begins no flight from now on; what is under way is finished and saved.
    pub fn shut_down(&mut self) {
        self.shared.is_shutting_down = true;
        self.all_touched = true;
    }

    /// Whether anything is under way or unsaved, so that a shutdown has something to wait for.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.busy.iter().chain(&self.touched).any(|spec| self.has(spec, |state| state.is_busy(&self.shared)))
    }

    /// Returns the keys whose request or store call is under way, and those with something that no store holds, each in order.
    #[must_use]
    pub fn unfinished(&self) -> (Vec<Arc<TokenSpec>>, Vec<Arc<TokenSpec>>) {
        let busy: BTreeSet<&Arc<TokenSpec>> = self.busy.iter().chain(&self.touched).collect();
        let keys_that = |holds: &dyn Fn(&KeyState) -> bool| {
            busy.iter().filter(|spec| self.has(spec, holds)).map(|spec| Arc::clone(spec)).collect()
        };
        (keys_that(&KeyState::is_in_flight), keys_that(&|state| state.is_unsaved(&self.shared)))
    }

    fn has(&self, spec: &TokenSpec, is_so: impl Fn(&KeyState) -> bool) -> bool {
        self.accounts.get(spec).is_some_and(|account| is_so(&account.state))
    }

    /// Puts another client, such as one with a new secret, in the place of the present one: final refusals and back-offs
    /// held against the old one are forgotten, of each account at the next look at it, and answers to it that are under way are held against it alone. What the server
    /// asked for by `Retry-After` in the answer to an account still holds for that account.
    ///
    /// # Errors
    ///
    /// A [`RequestError`] if the requests of a key cannot be built with it; nothing is changed then.
    pub fn replace_client(&mut self, client: Client) -> Result<(), RequestError> {
        if !self.shared.client.is_same_registration(&client) {
            return Err(RequestError::OtherRegistration);
        }
        for (spec, _) in self.shapes.values() {
            spec.check(&client)?;
        }
        self.shared.replace_client(client);
        for spec in &self.touched {
            let account = self.accounts.get_mut(spec).into_iter();
            account.for_each(|account| {
                account.place_held_up(&mut self.held_up);
                account.state.follow_client(&self.shared);
            });
        }
        self.to_look_at.push(std::mem::take(&mut self.held_up));
        self.look_at_held_up();
        self.all_touched = true;
        Ok(())
    }

    /// Looks at some of the keys that were held up when the client was replaced.
    fn look_at_held_up(&mut self) {
        for _ in 0..MOST_LOOKS {
            while self.to_look_at.last().is_some_and(BTreeSet::is_empty) {
                self.to_look_at.pop();
            }
            let Some(spec) = self.to_look_at.last_mut().and_then(BTreeSet::pop_first) else { return };
            if let Some(account) = self.accounts.get_mut(&spec) {
                account.leave_held_up();
                account.note_change(&self.shared, &mut self.touched);
            }
        }
    }

    /// Counts a request that is sent beside the machine, such as the exchange of a code, in the budget; what asks
    /// for no token, such as a call of the provider's API, is free. Processes that share the store hear of it with the
    /// next request of a key.
    ///
    /// # Errors
    ///
    /// The moment on the boot clock from which the budget has room, if it has none now; nothing is counted then.
    pub fn admit(&mut self, purpose: Purpose, now: Now) -> Result<(), Duration> {
        if !purpose.concerns_a_grant() {
            return Ok(());
        }
        let request = BudgetRequest { leaves_last: true, share: Share::Beside, lifetime: None };
        match self.shared.budget.opens(&SendLog::default(), request) {
            opens if opens > now.boot => Err(opens),
            _ => {
                self.shared.budget.draw_beside(now);
                Ok(())
            }
        }
    }

    /// How many requests may be sent at this moment, as the budget goes; none while the distance that the provider
    /// documents is kept from a failure. Single keys may be held back by more.
    #[must_use]
    pub fn budget_left(&self, now: Now) -> u32 {
        self.shared.budget.left(now.boot)
    }

    /// What a handle may serve without asking, if anything.
    pub fn published(&mut self, spec: &TokenSpec, now: Now) -> Option<Arc<Published>> {
        let account = self.accounts.get_mut(spec)?;
        account.state.follow_client(&self.shared);
        account.state.publication(&self.shared, now)
    }

    /// How a key stands; nothing if it was never asked about.
    #[must_use]
    pub fn status(&self, spec: &TokenSpec, now: Now) -> Option<Status> {
        Some(self.accounts.get(spec)?.state.status(&self.shared, now))
    }

    /// The state of a key in plain words; no secret is among them.
    #[must_use]
    pub fn explain(&self, spec: &TokenSpec, now: Now) -> String {
        match self.accounts.get(spec) {
            Some(account) => account.state.explain(&self.shared, now),
            None => format!("{spec}: never asked about."),
        }
    }

    /// The client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.shared.client
    }

    /// Returns the longest that a renewal may take from first to last: its exchange and its calls of the store.
    #[must_use]
    pub fn longest_flight(&self) -> Duration {
        self.shared.longest_flight()
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.shared.policy
    }

    /// The keys in use, in no order.
    pub fn specs(&self) -> impl Iterator<Item = &Arc<TokenSpec>> {
        self.accounts.keys()
    }

    /// Runs one step on a key, which is made if it is not there.
    fn with(
        &mut self,
        spec: &TokenSpec,
        now: Now,
        step: impl FnOnce(&mut KeyState, &mut SharedState) -> Decision,
    ) -> Decision {
        self.asked += 1;
        let Self { accounts, shared, idle, touched, asked, queue, .. } = self;
        if let Some(account) = accounts.get_mut(spec).filter(|account| account.is_checked) {
            account.mark_used(*asked, idle);
            account.note_change(shared, touched);
            let decision = step(&mut account.state, shared);
            account.queue_up(queue, shared, now);
            return decision;
        }
        match self.acquire(spec, now) {
            Ok(_) => {
                self.release(spec, now);
                self.with(spec, now, step)
            }
            Err(failure) => {
                let verdict = Verdict::GiveUp(failure);
                Decision { verdict, state: State::NoKey, next_change: None }
            }
        }
    }

    /// The account of a key, made if it is not there, and what it shares with the others.
    fn account(&mut self, spec: &TokenSpec) -> (&mut Account, &mut SharedState) {
        let Self { accounts, names, shared, asked, .. } = self;
        if accounts.get(spec).is_none() {
            let spec = Arc::new(spec.clone());
            let state = KeyState::new(spec.clone(), shared);
            if shared.storage == Storage::MultiProcess {
                names.insert(RecordName::new(&shared.client, &spec).digest(), spec.clone());
            }
            accounts.insert(spec, Box::new(Account::new(state, *asked, shared)));
        }
        let Some(account) = accounts.get_mut(spec) else { unreachable!("it was made if it was not there") };
        account.state.follow_client(shared);
        (account, shared)
    }

    /// Has the key looked at whose renewal has waited longest, if it may begin because another has ended.
    pub(super) fn look_at_queued(&mut self) {
        let has_slot = |spec: &&Arc<TokenSpec>| self.shared.has_slot(spec.is_client_grant());
        if self.queue.front().filter(has_slot).is_none() {
            return;
        }
        let next = self.queue.pop_front();
        if let Some(account) = next.and_then(|spec| self.accounts.get_mut(&spec)) {
            account.is_queued = false;
            account.note_change(&self.shared, &mut self.touched);
        }
    }
}

impl fmt::Debug for TokenManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenManager")
            .field("client", &self.shared.client)
            .field("keys", &self.accounts.len())
            .finish_non_exhaustive()
    }
}
