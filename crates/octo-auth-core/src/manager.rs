//! The [`TokenManager`]: all tokens of one registered client, the limits they share, and which renewal is due
//! next.
//!
//! [`TokenManager`] is the state machine that adapters drive. It decides and hands out jobs. It does no IO,
//! reads no clock, starts no thread or task and holds no lock. Drive it like this:
//!
//! 1. [`TokenManager::decide`] says what a caller must do: use a token, use it and run a job, run a job,
//!    wait, or give up.
//! 2. A [`Job`] is one effect. The adapter runs it, turns its outcome into a [`Report`] and passes that to
//!    [`TokenManager::report`]. This returns the next job of the flight, or `None` at its end.
//! 3. When a flight has ended, waiting callers ask again.
//!
//! The table at [`State`](crate::State) specifies the behaviour. It is tested row by row.

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

/// The highest number of specs that one call looks at, however many accounts there are. No call may hold a
/// lock for longer than a millisecond.
const MOST_LOOKS: usize = 64;

/// The manager of all tokens of one registered client.
///
/// It holds their states, their failures and the request budget. Two managers share nothing. All specs of one
/// manager share the client, the budget, and the back-off after failures of the token endpoint.
pub struct TokenManager {
    shared: SharedState,
    accounts: KeyMap<Box<Account>>,
    /// Specs by the digests of their record names; empty unless several processes use the store. A B-tree,
    /// because a hash table moves all its entries when it grows.
    names: BTreeMap<[u8; 16], Arc<TokenSpec>>,
    /// Specs that can be evicted: the moment on the boot clock from which, then the least recently used
    /// first.
    idle: BTreeSet<(Duration, u64, Arc<TokenSpec>)>,
    /// Specs by the moment on the boot clock at which they are looked at next.
    due: BTreeSet<(Duration, Arc<TokenSpec>)>,
    /// Specs whose renewal waits for something that all accounts share.
    lines: Lines,
    /// Specs with unsaved changes, by the moment on the boot clock at which to save them. An outdated moment
    /// stays in the set until it is reached.
    unsaved: BTreeSet<(Duration, Arc<TokenSpec>)>,
    /// Specs in flight or unsaved.
    busy: BTreeSet<Arc<TokenSpec>>,
    /// Specs with a failure or back-off that ends when the client is replaced.
    held_up: BTreeSet<Arc<TokenSpec>>,
    /// Specs that were in `held_up` when the client was replaced and have not been looked at since.
    to_look_at: Vec<BTreeSet<Arc<TokenSpec>>>,
    /// For each shape, the number of specs that have it, and one of these specs.
    shapes: HashMap<Shape, (Arc<TokenSpec>, usize)>,
    /// Specs that were looked at since the effects were last taken, each once.
    touched: Vec<Arc<TokenSpec>>,
    /// Whether something has changed for all specs since then.
    all_touched: bool,
    asked: u64,
    /// Specs whose renewal waits until another renewal ends, oldest first.
    queue: VecDeque<Arc<TokenSpec>>,
}

impl TokenManager {
    /// Returns a manager for the tokens of one client. `storage` says which kind of store its jobs will be
    /// sent to. `entropy` seeds the jitter and the random names of claims and authorization requests.
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

    /// Returns what a caller must do.
    pub fn decide(&mut self, spec: &TokenSpec, now: Now) -> Decision {
        self.with(spec, now, |state, shared| {
            state.note_asked();
            state.decide(false, shared, now)
        })
    }

    /// Returns what a caller must do whose waiting time is over: use a token or give up. It never says to run
    /// a job or to wait.
    pub fn decide_at_deadline(&mut self, spec: &TokenSpec, now: Now) -> Decision {
        self.with(spec, now, |state, shared| state.decide_at_deadline(shared, now))
    }

    /// Records the outcome of a job. Returns the next job, which the same carrier must run.
    pub fn report(&mut self, report: Report, now: Now) -> Option<Job> {
        let Report { ticket, outcome } = report;
        let account = self.accounts.get_mut(&ticket.spec)?;
        account.note_change(&self.shared, &mut self.touched);
        account.state.report(&mut self.shared, &ticket, outcome, now)
    }

    /// Records that a job waits for a carrier, such as a task or a thread.
    ///
    /// The carrier calls [`TokenManager::begin`] before it runs the job, and always reports it. If the job is
    /// overdue before it was begun, the manager knows that it did not run. If it was begun, the manager waits
    /// for it a little longer. Without this call a job counts as begun at once.
    pub fn hand_over(&mut self, ticket: &Ticket) {
        if let Some(account) = self.accounts.get_mut(&ticket.spec) {
            account.state.hand_over(ticket);
        }
    }

    /// Begins a job that was handed over: its time counts from now. Returns whether the job must still be
    /// run. If not, report it by [`Job::not_begun`].
    #[must_use = "a job that is given up must not be carried out"]
    pub fn begin(&mut self, ticket: &Ticket, now: Now) -> bool {
        let Self { accounts, shared, touched, .. } = self;
        let Some(account) = accounts.get_mut(&ticket.spec) else { return true };
        account.note_change(shared, touched);
        account.state.begin_job(ticket, shared, now)
    }

    /// Records that a resource server refused a token of this generation. If that token was already replaced,
    /// nothing changes.
    pub fn refused(&mut self, spec: &TokenSpec, generation: Generation, now: Now) {
        if let Some(account) = self.accounts.get_mut(spec) {
            account.note_change(&self.shared, &mut self.touched);
            account.state.refused(generation, now);
        }
    }

    /// Starts a spec again with the tokens of a sign-in, a property creation, a migration or an import.
    ///
    /// # Errors
    ///
    /// [`RequestError::OtherProvider`] for tokens of another server, [`RequestError::Secret`] for an empty
    /// refresh token, [`RequestError::Value`] for a refresh token if the client itself is the grant,
    /// [`RequestError::TooManyTokens`] if there is no room for another spec.
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

    /// Starts a spec again with the tokens of an exchange, as [`TokenManager::import`] does.
    ///
    /// With `replaces`, as after a sign-in, they replace any refresh token of the spec. Without it, they are
    /// imported only if the spec has no refresh token, the same one, or a dead one.
    ///
    /// The manager knows the spec's refresh token only after its record was read: ask for its token before.
    ///
    /// # Errors
    ///
    /// [`OnboardingError::Occupied`] and [`OnboardingError::Unfit`]. Both contain the tokens of the exchange.
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

    /// Signs a spec out until its next sign-in or import. Its tokens are revoked if the provider supports
    /// that.
    pub fn sign_out(&mut self, spec: &TokenSpec, now: Now) -> Option<Job> {
        let (account, shared) = self.account(spec);
        let job = account.state.sign_out(shared, now);
        self.note_change(spec);
        job
    }

    /// Records that another process has written a record. The next decision about its spec reads the record
    /// again, while the token is in use. Returns the spec, or `None` if the record belongs to no spec in use.
    pub fn changed_elsewhere(&mut self, name: &RecordName) -> Option<Arc<TokenSpec>> {
        let spec = self.names.get(&name.digest())?.clone();
        self.accounts.get_mut(&spec)?.state.changed_elsewhere();
        self.note_change(&spec);
        Some(spec)
    }

    /// Starts no further flight. Flights under way are finished and saved.
    pub fn shut_down(&mut self) {
        self.shared.is_shutting_down = true;
        self.all_touched = true;
    }

    /// Returns whether anything is in flight or unsaved. A shutdown waits until this is `false`.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.busy.iter().chain(&self.touched).any(|spec| self.has(spec, |state| state.is_busy(&self.shared)))
    }

    /// Returns the specs with a request or store call in flight, and the specs with unsaved changes, each
    /// list sorted.
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

    /// Replaces the client, such as by one with a new secret.
    ///
    /// Final refusals and back-offs that were held against the old client are forgotten, for each account
    /// when it is next looked at. Answers to the old client that are still in flight count against it alone.
    /// If the server answered an account with `Retry-After`, that pause still holds for the account.
    ///
    /// # Errors
    ///
    /// A [`RequestError`] if the requests of a spec cannot be built with the new client. Nothing changes
    /// then.
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

    /// Looks at some of the specs that were in `held_up` when the client was replaced.
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

    /// Counts a request in the budget that is sent without the manager, such as the exchange of a code.
    ///
    /// A request that asks for no token, such as a call of the provider's API, is not counted. Other
    /// processes that share the store see it with the next request of a spec.
    ///
    /// # Errors
    ///
    /// The moment on the boot clock from which the budget has room, if it has none now. Nothing is counted
    /// then.
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

    /// Returns how many requests the budget allows at this moment. It is zero during the spacing after a
    /// failure that the provider documents. Single specs may be held back for other reasons.
    #[must_use]
    pub fn budget_left(&self, now: Now) -> u32 {
        self.shared.budget.left(now.boot)
    }

    /// Returns the token that a handle may serve without asking the manager, if there is one.
    pub fn published(&mut self, spec: &TokenSpec, now: Now) -> Option<Arc<Published>> {
        let account = self.accounts.get_mut(spec)?;
        account.state.follow_client(&self.shared);
        account.state.publication(&self.shared, now)
    }

    /// Returns the status of a spec, or `None` if no caller ever asked about it.
    #[must_use]
    pub fn status(&self, spec: &TokenSpec, now: Now) -> Option<Status> {
        Some(self.accounts.get(spec)?.state.status(&self.shared, now))
    }

    /// Returns the state of a spec in plain words, without any secret.
    #[must_use]
    pub fn explain(&self, spec: &TokenSpec, now: Now) -> String {
        match self.accounts.get(spec) {
            Some(account) => account.state.explain(&self.shared, now),
            None => format!("{spec}: never asked about."),
        }
    }

    /// Returns the client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.shared.client
    }

    /// Returns the longest duration of a renewal from start to end: its exchange and its store calls.
    #[must_use]
    pub fn longest_flight(&self) -> Duration {
        self.shared.longest_flight()
    }

    /// Returns the policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.shared.policy
    }

    /// Returns the specs in use, unordered.
    pub fn specs(&self) -> impl Iterator<Item = &Arc<TokenSpec>> {
        self.accounts.keys()
    }

    /// Runs one step on a spec, which is created if it does not exist.
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

    /// Returns the account of a spec, created if it does not exist, and the state that it shares with the
    /// others.
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

    /// Looks at the spec whose renewal has waited longest, if it may begin because another renewal has ended.
    pub(super) fn look_at_queued(&mut self) {
        let has_slot = |spec: &&Arc<TokenSpec>| self.shared.has_slot(spec.is_client_grant());
        if self.queue.front().filter(has_slot).is_none() {
            return;
        }
        // Skip accounts that were evicted while they waited.
        while let Some(spec) = self.queue.pop_front() {
            if let Some(account) = self.accounts.get_mut(&spec) {
                account.is_queued = false;
                account.note_change(&self.shared, &mut self.touched);
                return;
            }
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
